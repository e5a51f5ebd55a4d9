//! `obhut vault`: seals, opens, lists and verifies exhibits.

use std::io::{self, IsTerminal as _, Read as _, Seek as _, Write as _};
use std::process::ExitCode;

use obhut_app::casework::{self, Act, AddedTo, Casework, Extent, Person, Rewrapped, rfc3339};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::VaultCommand;
use crate::hints::usage;
use crate::input;
use crate::output::{Output, count};
use crate::whole_file::{WholeFile, create_private};

/// What is read of a file to see what it is. Our judgement: formats are known by less.
const HEAD_BYTES: u64 = 4 << 10;

// Long: one match arm per command.
pub async fn run(
    command: VaultCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        VaultCommand::Put { case, by, file } => {
            let content = input::open(&file)?;
            let mut head = Vec::new();
            (&content).take(HEAD_BYTES).read_to_end(&mut head)?;
            (&content).rewind()?;
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
            let bar = output.progress("MiB read and sealed");
            let to = AddedTo {
                case: case.as_deref(),
                screening: screening.as_deref(),
                name: Some(&name),
                media_type: obhut_decode::Format::of(&head).map(|f| f.media_type()),
            };
            let content = input::Shown::new(content, bar.clone())?;
            let sealed = casework::put_exhibit_from(&casework, content, to, &person).await;
            bar.finish_and_clear();
            let exhibit = sealed?;
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
            // Before the reading is logged: what can't be written isn't read.
            let file = out.as_deref().map(create_private).transpose()?;
            let bytes =
                handed_out(&casework, &exhibit, &person, &purpose, seen, file, output).await?;
            if let Some(file) = out {
                output.line(
                    || json!({ "exhibit": exhibit, "bytes": bytes, "out": file.to_string_lossy() }),
                    || format!("{bytes} bytes in {}; the reading is logged", file.display()),
                )?;
            }
        }
        VaultCommand::Rotate {
            forget_former,
            reason,
            by,
        } => {
            let casework = context.existing().await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::RotateKeys)
                .await?;
            let bar = output.progress("exhibits' keys wrapped again");
            let each = |n| bar.set_position(n);
            let done = match forget_former {
                false => casework::rotate_keys(&casework, &reason, &person, each).await,
                true => casework::forget_former_keys(&casework, &reason, &person, each).await,
            };
            bar.finish_and_clear();
            let done = done?;
            output.line(
                || json!({ "exhibits": done.exhibits, "wrapped_again": done.again, "sealed_again": done.sealed, "former_keys_forgotten": forget_former }),
                || rotated(&done, forget_former),
            )?;
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
        VaultCommand::Witness(command) => {
            return crate::witnesses::run(command, context, output).await;
        }
        VaultCommand::Timestamp(command) => {
            return crate::timestamps::run(command, context, output).await;
        }
        VaultCommand::Verify(args) => return crate::verify::run(args, context, output).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands an exhibit out to a file, or else to standard output, after the view is on record
/// (docs/handling.md, promise 8). Returns the number of bytes.
async fn handed_out(
    casework: &Casework,
    exhibit: &str,
    person: &Person,
    purpose: &str,
    seen: Extent,
    mut file: Option<WholeFile>,
    output: &Output,
) -> anyhow::Result<u64> {
    let bar = output.progress("MiB opened");
    let mut stdout = io::stdout().lock();
    let (mut bytes, mut failed) = (0, None);
    let hand_out = |piece: &[u8]| {
        bytes += piece.len() as u64;
        bar.set_position(bytes >> 20);
        let written = match &mut file {
            Some(file) => file.write_all(piece),
            None => stdout.write_all(piece),
        };
        // Kept as it is: a closed pipe isn't a fault.
        written.map_err(|e| {
            let kind = e.kind();
            failed = Some(e);
            kind.into()
        })
    };
    let viewed = casework::view_into(casework, exhibit, person, purpose, seen, hand_out).await;
    bar.finish_and_clear();
    if let Some(e) = failed {
        // A closed pipe ends the command quietly, and isn't recognised under a text.
        return Err(match e.kind() {
            io::ErrorKind::BrokenPipe => e.into(),
            _ => anyhow::Error::from(e).context("the exhibit can't be written in whole"),
        });
    }
    let bytes = viewed?;
    match file {
        Some(file) => file.finish()?,
        // Flushed here: an error at exit would be lost, and the evidence silently cut off.
        None => stdout.flush()?,
    }
    Ok(bytes)
}

/// What was wrapped again, and what follows from it for backups.
fn rotated(done: &Rewrapped, are_forgotten: bool) -> String {
    let mut text = format!(
        "{} under the new key",
        count(done.exhibits, "exhibit is", "exhibits are")
    );
    if done.sealed > 0 {
        text += &format!("; {} sealed again, each with its own key", done.sealed);
    }
    text += match are_forgotten {
        false => {
            "\ncopy keys/ to where you keep it now: backups from now on need the new key. Backups from before need the former keys, which are still in keys/exhibits.age; once you need none of these any more, `obhut vault rotate --forget-former` removes them, and what was destroyed can't be opened in such a backup, either"
        }
        true => {
            "\nthe former keys are gone from keys/exhibits.age; delete them wherever else you keep copies: until then a backup from before can be opened with them"
        }
    };
    text
}
