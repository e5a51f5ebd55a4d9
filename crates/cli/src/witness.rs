//! `obhut witness`: cosigns the logs of others, and shows forks.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use obhut_app::casework::{LogKey, WitnessFolder, rfc3339};
use serde_json::json;

use crate::args::WitnessCommand;
use crate::hints::usage;
use crate::input;
use crate::output::{Output, count};

/// Longest file with a key, in bytes. Our judgement.
const KEY_FILE_BYTES_MAX: u64 = 4 << 10;

pub async fn run(command: WitnessCommand, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        WitnessCommand::Serve {
            folder,
            name,
            listen,
        } => {
            let witness = WitnessFolder::open(&folder, name.as_deref())?;
            let key = witness.key().text();
            let listener = crate::serve::listen(listen, "--listen").await?;
            let address = listener.local_addr()?;
            output.line(
                || json!({ "listening": address.to_string(), "key": key }),
                || format!("listening on http://{address}; Ctrl-C stops it\nkey for logs: {key}"),
            )?;
            tracing_subscriber::fmt()
                .with_writer(std::io::stderr)
                .with_max_level(tracing::Level::WARN)
                .with_target(false)
                .init();
            let app = obhut_server::witness_routes(Arc::new(witness));
            let most = obhut_server::CONNECTIONS_MAX;
            obhut_server::serve(listener, app, most, crate::serve::stopped()).await;
        }
        WitnessCommand::Trust { folder, key } => {
            let text = String::from_utf8(input::read(&key, KEY_FILE_BYTES_MAX)?);
            let log = text.ok().and_then(|text| LogKey::from_text(&text).ok());
            let log = log.ok_or_else(|| {
                usage!(
                    "{} holds no public key of a log (name+id+key)",
                    key.display()
                )
            })?;
            let witness = WitnessFolder::open(&folder, None)?;
            witness.trust(&log)?;
            output.line(
                || json!({ "log": log.origin(), "key": log.text() }),
                || format!("{} is cosigned from now on", log.origin()),
            )?;
        }
        WitnessCommand::Show { folder } => {
            return show(&WitnessFolder::open(&folder, None)?, output);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(witness: &WitnessFolder, output: &Output) -> anyhow::Result<ExitCode> {
    let logs = witness.logs()?;
    if logs.is_empty() {
        output.remark("no log yet; `obhut witness trust` takes the public key of one");
    }
    let mut forks = 0;
    for log in &logs {
        forks += log.forks.len();
        let shown = |files: &[PathBuf]| -> Vec<_> {
            files.iter().map(|f| f.display().to_string()).collect()
        };
        let (files, refused) = (shown(&log.forks), shown(&log.refused));
        let at = log.at.map(rfc3339);
        let size = log.head.map(|head| head.size);
        output.line(
            || json!({ "log": log.key.origin(), "size": size, "cosigned_at": at, "forks": files, "refused": refused, "key": log.key.text() }),
            || {
                let mut text = match (size, &at) {
                    (Some(size), Some(at)) => format!("{}  {size} entries  {at}", log.key.origin()),
                    _ => format!("{}  not seen yet", log.key.origin()),
                };
                for file in &files {
                    text += &format!("\n  FORK: {file} is signed by the log, and so is the file against-… there, of the same size");
                }
                for file in &refused {
                    text += &format!("\n  refused: {file} is signed by the log, and the proof that came with it didn't hold");
                }
                text
            },
        )?;
    }
    for path in witness.unreadable()? {
        output.remark(&format!(
            "note: {} isn't a log's folder; nothing is cosigned from there",
            path.display()
        ));
    }
    if logs.iter().any(|log| !log.refused.is_empty()) {
        output.remark("what was refused is another history of the log (a restored backup that goes on, for instance), or a request that anyone could have made: ask the log's operator");
    }
    if forks == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    output.remark(&format!(
        "{}: the log's key has signed two histories",
        count(forks as u64, "fork", "forks")
    ));
    Ok(ExitCode::FAILURE)
}

/// The key of a witness: given itself, or as a file.
pub fn key_of(given: &str) -> anyhow::Result<String> {
    if given.contains('+') && !std::path::Path::new(given).exists() {
        return Ok(given.to_owned());
    }
    let bytes = input::read(std::path::Path::new(given), KEY_FILE_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    text.with_context(|| format!("{given} holds no key"))
}
