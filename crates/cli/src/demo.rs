//! `obhut demo`: the console over a data folder filled with made-up cases, deleted at the end.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use obhut_app::casework::{Clock as _, SystemClock};
use obhut_fakes::cybertip::{CyberTip, FaultInjection, Login};
use serde_json::json;
use tokio::net::TcpListener;

use crate::app_context::AppContext;
use crate::args::{DemoArgs, ServeArgs};
use crate::output::{Output, count};
use crate::serve;

mod story;

/// The CyberTipline of the demo, on loopback, and its address.
async fn fake_cybertipline() -> anyhow::Result<(SocketAddr, impl Future<Output = ()>)> {
    let login = Login {
        user: story::FAKE_LOGIN.into(),
        password: story::FAKE_LOGIN.into(),
    };
    let clock = Arc::new(|| SystemClock.now_micros());
    let service = CyberTip::new(login, FaultInjection::default(), clock);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let most = obhut_server::CONNECTIONS_MAX;
    let serving = obhut_server::serve(listener, service.router(), most, std::future::pending());
    Ok((address, serving))
}

// Long: the sequential steps of one command.
pub async fn run(args: DemoArgs, output: &Output) -> anyhow::Result<ExitCode> {
    // Before anything is made: filling takes seconds, and a port that is taken should say so first.
    drop(serve::listen(args.listen, "--listen").await?);
    let folder = tempfile::Builder::new()
        .prefix("obhut-demo-")
        .tempdir()
        .context("no folder for temporary files could be made; set TMPDIR to one")?;
    let data = folder.path().join("data");
    let (cybertipline, serving) = fake_cybertipline().await?;
    let service = tokio::spawn(serving);
    let progress = output.progress("steps of the story");
    let people = tokio::select! {
        filled = story::fill(&data, cybertipline, &progress) => filled?,
        () = serve::stopped() => return Ok(ExitCode::SUCCESS),
    };
    progress.finish_and_clear();
    let context = AppContext::at(data);
    let minutes = args.minutes;
    let ready = |bound: &serve::Bound| {
        let address = bound.public;
        output.line(
            || {
                let people = people.iter().map(|p| json!({ "name": p.name, "roles": p.roles, "key": p.key }));
                json!({ "listening": address.to_string(), "minutes": minutes, "people": people.collect::<Vec<_>>() })
            },
            || {
                let mut text = format!("Everything here is made up: people, accounts, reports. The pictures are generated landscapes.\n\nOpen http://{address} and sign in with one of these keys:\n");
                for p in &people {
                    text += &format!("  {:<6} {:<34} {}\n", p.name, p.roles.join(", "), p.key);
                }
                text + &format!("\nThe demo ends after {}, or with Ctrl-C, and is deleted then.", count(minutes, "minute", "minutes"))
            },
        )
    };
    let end = async move {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(minutes * 60)) => {}
            () = serve::stopped() => {}
        }
    };
    let done = serve::serve(ServeArgs::at(args.listen), &context, output, ready, end).await;
    service.abort();
    done
}
