//! `obhut vault timestamp`: stamps of the vault's log by an authority (RFC 3161).

use std::process::ExitCode;
use std::sync::Arc;

use obhut_app::casework::{self, Act, TimeAuthority, Timestamp, rfc3339};
use obhut_app::partners::http::Http;
use obhut_app::partners::stamping::{self, STAMP_TIME_MAX};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::TimestampCommand;
use crate::export::empty;
use crate::hints::usage;
use crate::input;
use crate::output::Output;
use crate::whole_file::write_private;

/// Longest file with certificates, in bytes. Our judgement: a chain is a few kB.
const CERTIFICATES_BYTES_MAX: u64 = 256 << 10;

pub async fn run(
    command: TimestampCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.existing().await?;
    match command {
        TimestampCommand::Authority {
            url,
            certificates,
            by,
        } => {
            let pem = String::from_utf8(input::read(&certificates, CERTIFICATES_BYTES_MAX)?);
            let pem =
                pem.map_err(|_| usage!("{} holds no certificates (PEM)", certificates.display()))?;
            let authority = TimeAuthority {
                url,
                certificates: pem,
            };
            stamping::check_authority(&authority)?;
            let person = context
                .acting(&casework, by.as_deref(), Act::SetWitnesses)
                .await?;
            casework::set_time_authority(&casework, &authority, &person).await?;
            output.line(
                || json!({ "authority": authority.url }),
                || format!("{} stamps the log from now on", authority.url),
            )?;
        }
        TimestampCommand::Now => {
            casework::seal_rows(&casework).await?;
            let stamp =
                stamping::stamp_head(&casework, &Arc::new(Http::within(STAMP_TIME_MAX))).await?;
            let stamp = stamp.ok_or_else(|| {
                usage!("no authority is on record; `obhut vault timestamp authority` names one")
            })?;
            output.line(|| as_json(&stamp), || in_words(&stamp))?;
        }
        TimestampCommand::List { out } => {
            casework::note(&casework, &shell_user(), "timestamp.list", "vault", "").await?;
            let stamps = casework::timestamps(&casework).await?;
            if stamps.is_empty() {
                output
                    .remark("no stamp yet; `obhut vault timestamp authority` names who gives them");
            }
            if let Some(folder) = &out {
                empty(folder)?;
            }
            for stamp in &stamps {
                if let Some(folder) = &out {
                    let write = |ending: &str, bytes: &[u8]| -> anyhow::Result<()> {
                        write_private(&folder.join(format!("{}.{ending}", stamp.id)), bytes)
                    };
                    write("checkpoint", stamp.checkpoint.as_bytes())?;
                    write("tsr", &stamping::token(stamp)?)?;
                }
                output.line(|| as_json(stamp), || in_words(stamp))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(stamp: &Timestamp) -> serde_json::Value {
    json!({ "timestamp": stamp.id, "size": stamp.size, "stamped_at": rfc3339(stamp.stamped_at), "authority": stamp.authority })
}

fn in_words(stamp: &Timestamp) -> String {
    format!(
        "{}  {} entries stamped {} by {}",
        stamp.id,
        stamp.size,
        rfc3339(stamp.stamped_at),
        stamp.authority
    )
}
