//! `obhut serve`: the HTTP interface until a signal ends it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use crate::args::{LogForm, ServeArgs};
use crate::output::Output;
use crate::setting::{self, Setting};

pub async fn run(args: ServeArgs, setting: &Setting, output: &Output) -> anyhow::Result<ExitCode> {
    if args.log == LogForm::Text {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(tracing::Level::WARN)
            .with_target(false)
            .init();
    }
    let casework = Arc::new(setting.casework().await?);
    let app = obhut_server::app(casework, setting::pool()?);
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| {
            format!(
                "{} can't be listened on; choose another with --listen",
                args.listen
            )
        })?;
    let address = listener.local_addr()?;
    output.line(
        || serde_json::json!({ "listening": address.to_string() }),
        || format!("listening on http://{address}; keys by `obhut key create`; Ctrl-C ends it"),
    )?;
    obhut_server::serve(listener, app, stopped()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Ends when somebody presses Ctrl-C or the system asks the process to end.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    let _ = interrupt.await;
}
