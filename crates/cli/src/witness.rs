//! `obhut witness`: cosigns the logs of others, and shows forks.

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
        let files: Vec<_> = log.forks.iter().map(|f| f.display().to_string()).collect();
        let at = log.at.map(rfc3339);
        let size = log.head.map(|head| head.size);
        output.line(
            || json!({ "log": log.key.origin(), "size": size, "cosigned_at": at, "forks": files, "key": log.key.text() }),
            || {
                let mut text = match (size, &at) {
                    (Some(size), Some(at)) => format!("{}  {size} entries  {at}", log.key.origin()),
                    _ => format!("{}  not seen yet", log.key.origin()),
                };
                for file in &files {
                    text += &format!("\n  FORK: {file} is signed by the log and doesn't lead from what was cosigned");
                }
                text
            },
        )?;
    }
    if forks == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    output.remark(&format!(
        "{}: the log's key has signed two histories; the files `against-…` beside them were cosigned",
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
