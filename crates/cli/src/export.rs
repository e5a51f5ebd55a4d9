//! `obhut vault prove` and `obhut vault export`: what leaves the vault so that others can check it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use obhut_app::casework::{self, Act, Casework, Export, NewExport, rfc3339};
use obhut_app::export::{self, check_recipient, write_export};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::VaultCommand;
use crate::hints::usage;
use crate::output::{Output, count};
use crate::whole_file::{WholeFile, create_private, write_private};
use crate::witnesses::said;

pub async fn run(
    command: VaultCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        VaultCommand::Prove { exhibit, out } => prove(&exhibit, &out, context, output).await?,
        VaultCommand::Export {
            subject: None,
            to,
            approve,
            out,
            ..
        } => {
            anyhow::ensure!(
                to.is_none() && !approve && out.is_none(),
                usage!("name the exhibit, the case or the export")
            );
            let casework = context.casework().await?;
            for export in casework::exports(&casework).await? {
                show(&export, output)?;
            }
        }
        VaultCommand::Export {
            subject: Some(subject),
            to,
            recipient,
            purpose,
            approve,
            out,
            by,
        } => {
            let casework = context.casework().await?;
            let by = by.as_deref();
            if let Some(to) = to {
                let recipient = recipient.unwrap_or_default();
                check_recipient(&recipient)?;
                // Before `acting`, which may grant a role: an unknown id must not.
                casework::exhibits_named(&casework, &subject).await?;
                let person = context.acting(&casework, by, Act::ExportEvidence).await?;
                let new = NewExport {
                    subject: &subject,
                    recipient: &recipient,
                    handed_to: &to,
                    purpose: &purpose.unwrap_or_default(),
                };
                show(
                    &casework::request_export(&casework, new, &person).await?,
                    output,
                )?;
            } else if approve {
                casework::export(&casework, &subject).await?;
                let person = context.acting(&casework, by, Act::ExportEvidence).await?;
                show(
                    &casework::approve_export(&casework, &subject, &person).await?,
                    output,
                )?;
            } else if let Some(out) = out {
                write(&casework, &subject, &out, by, context, output).await?;
            } else {
                show(&casework::export(&casework, &subject).await?, output)?;
            }
        }
        _ => unreachable!("other commands are run elsewhere"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn write(
    casework: &Casework,
    id: &str,
    out: &Path,
    by: Option<&str>,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<()> {
    casework::export(casework, id).await?;
    let person = context.acting(casework, by, Act::ExportEvidence).await?;
    casework::export_to_write(casework, id, &person).await?;
    empty(out)?;
    let bar = output.progress("files, being encrypted to the recipient");
    let mut begun = false;
    let create = |path: &str| {
        begun = true;
        bar.inc(1);
        ExportFile::create(&out.join(path)).map_err(|e| io::Error::other(format!("{e:#}")))
    };
    let http = crate::witnesses::client();
    let written = write_export(casework, id, &person, &http, create).await;
    bar.finish_and_clear();
    let written = match written.map_err(anyhow::Error::from) {
        Err(e) if begun => Err(e.context(format!(
            "{} isn't whole; remove it, and write the export again",
            out.display()
        ))),
        written => written,
    }?;
    for asked in written.asked.iter().filter(|a| a.answer.is_err()) {
        output.remark(&format!("note: the witness {}", said(asked)));
    }
    if let Some(Err(e)) = &written.stamp {
        output.remark(&format!("note: {e}"));
    }
    // The log may have grown between two answers; the proofs lead to one head.
    let others = written.asked.iter().filter(|a| a.answer.is_ok()).count() - written.cosigned_by;
    if others > 0 {
        output.remark(&format!(
            "note: {} cosigned another head of the log, which grew meanwhile; what they signed isn't in the export",
            count(others as u64, "witness has", "witnesses have")
        ));
    }
    let cosigned = written.cosigned_by;
    let stamped = matches!(written.stamp, Some(Ok(_)));
    output.line(
        || json!({ "export": id, "cosigned_by": cosigned, "stamped": stamped, "exhibits": written.exhibits, "entries": written.entries, "out": out.to_string_lossy() }),
        || {
            format!(
                "{} with {} of the log in {}; each reading is logged. README.txt says how the recipient checks it; send them the log's public key through a separate channel",
                count(written.exhibits as u64, "exhibit", "exhibits"),
                count(written.entries as u64, "entry", "entries"),
                out.display()
            )
        },
    )
}

async fn prove(
    exhibit: &str,
    out: &Path,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<()> {
    let casework = context.existing().await?;
    let proven = casework::prove(&casework, exhibit, &shell_user()).await?;
    empty(out)?;
    let key = format!("{}\n", casework::vault_key(&casework).trim());
    private(&out.join("log-key"), key.as_bytes())?;
    for entry in proven {
        let file = out.join(format!("{}.tlog-proof", entry.index));
        private(&file, entry.proof.as_bytes())?;
        let what = serde_json::to_value(entry.event.event)?;
        let what = what.as_str().unwrap_or_default();
        output.line(
            || json!({ "log_index": entry.index, "event": what, "at": rfc3339(entry.event.time), "proof": file.to_string_lossy() }),
            || format!("entry {}  {what}  {}  {}", entry.index, rfc3339(entry.event.time), file.display()),
        )?;
    }
    Ok(())
}

/// Creates a folder, or takes an empty one: files of something else must not get between those of a bag.
pub fn empty(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} can't be created", folder.display()))?;
    let mut there =
        std::fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    anyhow::ensure!(
        there.next().is_none(),
        usage!("{} isn't empty; name a new folder", folder.display())
    );
    Ok(())
}

/// A file of an export.
struct ExportFile(WholeFile);

impl ExportFile {
    fn create(path: &Path) -> anyhow::Result<Self> {
        make_folder_of(path)?;
        Ok(Self(create_private(path)?))
    }
}

impl Write for ExportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl export::Output for ExportFile {
    fn finish(self) -> io::Result<()> {
        self.0
            .finish()
            .map_err(|e| io::Error::other(format!("{e:#}")))
    }
}

fn make_folder_of(path: &Path) -> anyhow::Result<()> {
    match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder)
            .with_context(|| format!("{} can't be created", folder.display())),
        None => Ok(()),
    }
}

fn private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    make_folder_of(path)?;
    write_private(path, bytes)
}

fn show(export: &Export, output: &Output) -> anyhow::Result<()> {
    output.line(
        || {
            let approved = export.approved_by.iter();
            let approved: Vec<_> = approved
                .map(|(person, at)| json!({ "person": person, "at": rfc3339(*at) }))
                .collect();
            json!({
                "export": export.id, "subject": export.subject, "exhibits": export.exhibits, "recipient": export.recipient,
                "to": export.handed_to.expose(), "purpose": export.purpose.expose(), "asked_by": export.asked_by,
                "asked_at": rfc3339(export.asked_at), "approved_by": approved, "written_at": export.written_at.map(rfc3339),
            })
        },
        || {
            let state = match export.written_at {
                Some(at) => format!("written {}", rfc3339(at)),
                None => format!(
                    "approved by {} of two others",
                    export.approved_by.len().min(2)
                ),
            };
            format!(
                "{}  {} of {} for {} ({}), encrypted to {}: {state}",
                export.id,
                count(export.exhibits.len() as u64, "exhibit", "exhibits"),
                export.subject,
                export.handed_to.expose(),
                export.purpose.expose(),
                export.recipient
            )
        },
    )
}
