//! `obhut testserver`: fake services for testing, on loopback only. They stop by themselves after a
//! set time.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use obhut_app::casework::{Clock as _, SystemClock};
use obhut_fakes::cybertip::{CyberTip, FaultInjection, Login};
use tokio::net::TcpListener;

use crate::args::{CybertipArgs, TestserverCommand};
use crate::output::Output;

pub async fn run(command: TestserverCommand, output: &Output) -> anyhow::Result<ExitCode> {
    let TestserverCommand::Cybertip(args) = command;
    cybertip(args, output).await
}

async fn cybertip(args: CybertipArgs, output: &Output) -> anyhow::Result<ExitCode> {
    // A fixed password and injected faults must not be reachable from a network.
    anyhow::ensure!(
        args.listen.ip().is_loopback(),
        "the test server listens on this machine only; give a loopback address"
    );
    let login = Login {
        user: args.user.clone(),
        password: args.password.clone(),
    };
    let faults = FaultInjection {
        lost_percent: args.lost,
        twice_percent: args.twice,
        error_percent: args.errors,
        code_percent: args.codes,
        code: args.code,
        md5_percent: args.wrong_md5,
        hang_percent: args.hangs,
        hang: Duration::from_secs(args.hang_seconds),
        latin1: args.latin1,
        seed: args.seed,
    };
    let service = CyberTip::new(login, faults, Arc::new(|| SystemClock.now_micros()));
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "{} can't be listened on; choose another with --listen",
            args.listen
        )
    })?;
    let address = listener.local_addr()?;
    output.line(
        || serde_json::json!({ "listening": address.to_string(), "url": format!("http://{address}/ispws") }),
        || {
            format!(
                "a fake CyberTipline on http://{address}/ispws, user {}, password {}; its content: http://{address}/standin",
                args.user, args.password
            )
        },
    )?;
    // A time limit, so that the server ends even if a killed test has left it behind.
    let end = Duration::from_secs(args.end_after);
    obhut_server::serve(
        listener,
        service.router(),
        obhut_server::CONNECTIONS_MAX,
        async move {
            tokio::select! {
                () = tokio::time::sleep(end) => {}
                () = crate::serve::stopped() => {}
            }
        },
    )
    .await;
    Ok(ExitCode::SUCCESS)
}
