//! `obhut backup`: makes, checks and restores backups of the data folder.

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;
use obhut_app::casework::{self, DUMP, Manifest, rfc3339};
use serde_json::json;
use url::Url;

use crate::app_context::{self, AppContext};
use crate::args::BackupCommand;
use crate::hints::usage;
use crate::output::{Output, count};
use crate::verify;

pub async fn run(
    command: BackupCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        BackupCommand::Create { folder, with_keys } => {
            let folder = std::path::absolute(folder)?;
            let casework = context.existing().await?;
            let database = context.database().map(str::to_owned);
            let dump = move |to: &Path| pg_dump(database.as_deref().unwrap_or_default(), to);
            let bar = output.progress("backup, being written");
            let made = casework::back_up(&casework, &folder, with_keys, dump).await;
            bar.finish_and_clear();
            let made = made?;
            casework::note(
                &casework,
                &app_context::shell_user(),
                "backup.create",
                "data folder",
                if with_keys { "with keys" } else { "" },
            )
            .await?;
            output.line(
                || json!({ "backup": folder.to_string_lossy(), "files": made.files.len(), "with_keys": with_keys, "made_at": rfc3339(made.made_at) }),
                || {
                    let keys = match with_keys {
                        true => "It holds the private keys: whoever has it can read everything",
                        false => "It holds no private key; keep a copy of keys/ elsewhere, or nothing in it can be read",
                    };
                    format!(
                        "{} in {}. {keys}. Check it with `obhut backup verify`",
                        count(made.files.len() as u64, "file", "files"),
                        folder.display()
                    )
                },
            )?;
            Ok(ExitCode::SUCCESS)
        }
        BackupCommand::Verify { folder, trust } => {
            let trust = verify::Trust::of(&trust)?;
            let folder = std::path::absolute(folder)?;
            let manifest = casework::backup_manifest(&folder)?;
            if !compared(&folder, &manifest, output)? {
                return Ok(ExitCode::FAILURE);
            }
            if !manifest.sqlite {
                output.remark("note: the files are those that were backed up. The database is a dump of PostgreSQL; restore it to compare rows and vault with the log");
                return Ok(ExitCode::SUCCESS);
            }
            let casework = context.as_it_is_in(&folder, None).await?;
            verify::compare(&casework, trust, output).await
        }
        BackupCommand::Restore { folder, trust } => {
            let trust = verify::Trust::of(&trust)?;
            restore(&std::path::absolute(folder)?, trust, context, output).await
        }
    }
}

async fn restore(
    backup: &Path,
    trust: verify::Trust,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let manifest = casework::backup_manifest(backup)?;
    let database = context.database();
    anyhow::ensure!(
        manifest.sqlite || database.is_some(),
        usage!("this backup is of a PostgreSQL database; name an empty one with --database URL")
    );
    anyhow::ensure!(
        !manifest.sqlite || database.is_none(),
        usage!(
            "this backup holds a SQLite database, which is restored to the data folder; leave out --database"
        )
    );
    if !compared(backup, &manifest, output)? {
        return Ok(ExitCode::FAILURE);
    }
    let to = std::path::absolute(context.folder()?)?;
    // The database first: if it can't be restored, the folder stays as it was.
    if let Some(database) = database {
        pg_restore(database, &backup.join(DUMP)).context("the database could not be restored")?;
    }
    let bar = output.progress("backup, being restored");
    let restored = casework::restore_backup(backup, &manifest, &to);
    bar.finish_and_clear();
    restored?;
    if !to.join("keys").exists() {
        output.remark(&format!(
            "note: put your copy of keys/ into {} before you use it",
            to.display()
        ));
    }
    let casework = context.as_it_is_in(&to, database).await?;
    verify::compare(&casework, trust, output).await
}

/// Compares a backup's files; names every difference. Returns true if there is none.
fn compared(backup: &Path, manifest: &Manifest, output: &Output) -> anyhow::Result<bool> {
    let bar = output.progress("backup, being compared");
    let problems = casework::check_backup(backup, manifest);
    bar.finish_and_clear();
    let problems = problems?;
    if problems.is_empty() {
        return Ok(true);
    }
    output.line(
        || {
            let problems = problems
                .iter()
                .map(|p| json!({ "place": p.place, "what": p.what }));
            json!({ "ok": false, "problems": problems.collect::<Vec<_>>() })
        },
        || {
            let mut text = count(problems.len() as u64, "PROBLEM", "PROBLEMS");
            for p in &problems {
                text += &format!("\n  {}: {}", p.place, p.what);
            }
            text + "\nuse another backup"
        },
    )?;
    Ok(false)
}

fn pg_dump(database: &str, to: &Path) -> io::Result<()> {
    let mut command = Command::new("pg_dump");
    command
        .args(["--format=custom", "--no-owner", "--no-privileges", "--file"])
        .arg(to);
    ran(command, database)
}

fn pg_restore(database: &str, from: &Path) -> io::Result<()> {
    let mut command = Command::new("pg_restore");
    command
        .args([
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            "--single-transaction",
        ])
        .args(["--dbname", &name_of(database)?])
        .arg(from);
    ran(command, database)
}

fn name_of(database: &str) -> io::Result<String> {
    let url = Url::parse(database).map_err(io::Error::other)?;
    Ok(url.path().trim_start_matches('/').to_owned())
}

/// Runs one of PostgreSQL's tools. The address goes into its environment, because every user of the
/// machine can read arguments.
fn ran(mut command: Command, database: &str) -> io::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let url = Url::parse(database).map_err(io::Error::other)?;
    let decoded = |text: &str| {
        percent_decoded(text).ok_or_else(|| io::Error::other("the address isn't UTF-8"))
    };
    if let Some(host) = url.host_str().filter(|h| !h.is_empty()) {
        command.env("PGHOST", decoded(host)?);
    }
    if let Some(port) = url.port() {
        command.env("PGPORT", port.to_string());
    }
    if !url.username().is_empty() {
        command.env("PGUSER", decoded(url.username())?);
    }
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", decoded(password)?);
    }
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "host" => command.env("PGHOST", value.as_ref()),
            "port" => command.env("PGPORT", value.as_ref()),
            "sslmode" => command.env("PGSSLMODE", value.as_ref()),
            "user" => command.env("PGUSER", value.as_ref()),
            "password" => command.env("PGPASSWORD", value.as_ref()),
            _ => &mut command,
        };
    }
    command.env("PGDATABASE", name_of(database)?);
    let done = command.stdin(Stdio::null()).output().map_err(|e| {
        io::Error::new(
            e.kind(),
            format!("{name} can't be started ({e}); install PostgreSQL's client (Debian: apt install postgresql-client)"),
        )
    })?;
    match done.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "{name} failed: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        ))),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    // As a form's value, in which a plus sign would be a space.
    let escaped = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let mut pairs = url::form_urlencoded::parse(escaped.as_bytes());
    pairs.next().map(|(name, _)| name.into_owned())
}
