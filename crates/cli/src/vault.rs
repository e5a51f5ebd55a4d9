//! `obhut vault`: seals, opens, lists and verifies exhibits.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use obhut_app::casework::{self, Act, Extent, rfc3339};
use obhut_app::media::Limits;
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::VaultCommand;
use crate::hints::usage;
use crate::input;
use crate::output::{Output, count};
use crate::whole_file::write_private;

// Long: one match arm per command.
pub async fn run(
    command: VaultCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        VaultCommand::Put { case, by, file } => {
            let bytes = input::read(&file, Limits::default().input_bytes_max)?;
            let casework = context.casework().await?;
            if let Some(case) = &case {
                // Before `acting`, which may grant a role: a command about an unknown case must not.
                casework::case(&casework, case).await?;
            }
            let person = context
                .acting(&casework, by.as_deref(), Act::ViewExhibit)
                .await?;
            let name = file.to_string_lossy();
            // If a finding with exactly this path has no exhibit yet, the file becomes its exhibit.
            let mut screening = None;
            if let Some(case) = &case {
                let findings = casework::case(&casework, case).await?.findings;
                let about = findings.iter().find(|f| {
                    f.exhibit.is_none() && f.name.as_ref().is_some_and(|n| *n.expose() == name)
                });
                screening = about.map(|f| f.screening.clone());
            }
            let media_type = obhut_decode::Format::of(&bytes).map(|f| f.media_type());
            let exhibit = casework::put_exhibit(
                &casework,
                &bytes,
                case.as_deref(),
                screening.as_deref(),
                Some(&name),
                media_type,
                &person,
            )
            .await?;
            output.line(
                || json!({ "exhibit": exhibit.id, "log_index": exhibit.log_index, "bytes": exhibit.bytes, "case": case, "finding": screening }),
                || format!("{} sealed, entry {} of the log", exhibit.id, exhibit.log_index),
            )?;
        }
        VaultCommand::List => {
            let casework = context.casework().await?;
            casework::note(&casework, &shell_user(), "vault.list", "vault", "").await?;
            let exhibits = casework::exhibits(&casework).await?;
            if exhibits.is_empty() {
                output.remark("no exhibit yet; what `obhut screen` and the HTTP interface match is sealed, and `obhut vault put` seals a file");
            }
            for e in exhibits {
                output.line(
                    || {
                        json!({ "exhibit": e.id, "log_index": e.log_index, "sealed_at": rfc3339(e.time), "bytes": e.bytes,
                                "case": e.intake.case, "media_type": e.intake.media_type })
                    },
                    || {
                        let case = e.intake.case.as_deref().unwrap_or("no case");
                        format!("{}  {}  {} bytes  {case}", e.id, rfc3339(e.time), e.bytes)
                    },
                )?;
            }
        }
        VaultCommand::Get {
            exhibit,
            by,
            purpose,
            seen,
            out,
        } => {
            // Evidence never appears on a screen unasked (docs/handling.md, promise 12).
            anyhow::ensure!(
                out.is_some() || !io::stdout().is_terminal(),
                usage!(
                    "an exhibit is not shown on a terminal; name an output file with --out FILE"
                )
            );
            anyhow::ensure!(
                by.is_some() || seen == Extent::Unseen,
                usage!(
                    "a report says \"viewed\" because of this record: with --by PERSON, name who views the exhibit"
                )
            );
            let casework = context.casework().await?;
            // Before `acting`, which may grant a role: a command about an unknown exhibit must not.
            casework::exhibit(&casework, &exhibit).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::ViewExhibit)
                .await?;
            // The view is on record before the first byte leaves (docs/handling.md, promise 8).
            let bytes = casework::view(&casework, &exhibit, &person, &purpose, seen).await?;
            match out {
                Some(file) => {
                    write_private(&file, &bytes)?;
                    output.line(
                        || json!({ "exhibit": exhibit, "bytes": bytes.len(), "out": file.to_string_lossy() }),
                        || format!("{} bytes in {}; the reading is logged", bytes.len(), file.display()),
                    )?;
                }
                None => {
                    let mut out = io::stdout().lock();
                    out.write_all(&bytes)?;
                    // Flushed here: an error at exit would be lost, and the evidence silently cut
                    // off.
                    out.flush()?;
                }
            }
        }
        VaultCommand::Clean => {
            let casework = context.existing().await?;
            let deleted = casework::delete_leftovers(&casework, &shell_user()).await?;
            output.line(
                || json!({ "deleted": deleted }),
                || match deleted.len() as u64 {
                    0 => {
                        "nothing to delete: every file older than a day is named by the log".into()
                    }
                    n => format!("{} deleted", count(n, "file", "files")),
                },
            )?;
        }
        VaultCommand::Hold { .. }
        | VaultCommand::Release { .. }
        | VaultCommand::Extend { .. }
        | VaultCommand::Destroy { .. }
        | VaultCommand::Retention { .. }
        | VaultCommand::Rule { .. } => {
            return crate::retention::run(command, context, output).await;
        }
        VaultCommand::Accept { code, reason, by } => {
            return crate::acceptances::run(code, reason, by, context, output).await;
        }
        VaultCommand::Prove { .. } | VaultCommand::Export { .. } => {
            return crate::export::run(command, context, output).await;
        }
        VaultCommand::Verify(args) => return crate::verify::run(args, context, output).await,
    }
    Ok(ExitCode::SUCCESS)
}
