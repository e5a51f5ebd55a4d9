//! `obhut intake`: imports reports from others, shows their queue, and opens cases from them.

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::ExitCode;

use obhut_app::casework::Casework;
use obhut_app::formats::incoming;
use obhut_app::intake::{Incoming, ParsedReport};
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::IntakeArgs;
use crate::output::Output;

/// Longest file with reports, in bytes. Our judgement.
const FILE_BYTES_MAX: u64 = 16 << 30;
/// Parsed reports that are collected before they are stored. Our judgement.
const AHEAD: usize = 10_000;

pub async fn run(
    args: IntakeArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    if let Some(rows) = args.queue {
        // A negative LIMIT means every row in SQLite and is an error in PostgreSQL.
        for row in obhut_app::intake::incoming_queue(&casework, 0, rows.max(1)).await? {
            output.line(
                || serde_json::to_value(&row).expect("a row is JSON"),
                || format!("{:>5}  {}", row.rank, describe(&row.incoming)),
            )?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(id) = args.open {
        let case = obhut_app::intake::case_of_incoming(&casework, &id, &shell_user()).await?;
        output.line(
            || json!({ "incoming": id, "case": case }),
            || format!("{id} is {case}"),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    take(&casework, args.files, output).await
}

async fn take(
    casework: &Casework,
    paths: Vec<PathBuf>,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let mut intake = obhut_app::intake::begin_intake(casework).await?;
    let progress = output.progress("reports");
    let mut waiting: Vec<ParsedReport> = Vec::new();
    let mut failed = false;
    for path in files(paths) {
        let read = path.and_then(|path| crate::input::read(&path, FILE_BYTES_MAX));
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(e) => {
                // A file that can't be read can't be put on record, so name it and fail at the end.
                output.error(&e);
                failed = true;
                continue;
            }
        };
        let parts = incoming::split(&bytes);
        for chunk in parts.chunks(AHEAD) {
            waiting.extend(read_all(chunk));
            // Collected across files: otherwise a folder of small files would cost one transaction
            // per file.
            if waiting.len() >= AHEAD {
                let came = intake
                    .take(std::mem::take(&mut waiting), &shell_user())
                    .await?;
                progress.inc(came.len() as u64);
                show(&came, output)?;
            }
        }
    }
    let came = intake.take(waiting, &shell_user()).await?;
    progress.inc(came.len() as u64);
    show(&came, output)?;
    progress.finish_and_clear();
    let s = &intake.summary;
    if s.taken > 0 || !failed {
        output.remark(&format!(
            "{} taken in: {} duplicates, {} re-uploads, {} linked to others, {} unreadable; `obhut intake --queue` shows them, highest risk first",
            s.taken, s.duplicates, s.reuploads, s.linked, s.unreadable
        ));
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Parses reports on all cores; the results keep the order of `parts`.
fn read_all(parts: &[Cow<'_, [u8]>]) -> Vec<ParsedReport> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // chunks(0) panics, and a file may hold no report.
    let share = parts.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = parts
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    part.iter()
                        .map(|bytes| incoming::read(bytes))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().expect("reading doesn't panic"))
            .collect()
    })
}

/// The files in `paths`, and the files in its folders, sorted by name within each folder. Whatever
/// can't be read is an error, and so is a link inside a folder, because it isn't followed.
fn files(paths: Vec<PathBuf>) -> Vec<anyhow::Result<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(Ok(path));
            continue;
        }
        for entry in walkdir::WalkDir::new(&path).sort_by_file_name() {
            match entry {
                Ok(e) if e.file_type().is_file() => all.push(Ok(e.into_path())),
                Ok(e) if e.file_type().is_dir() => {}
                Ok(e) if e.depth() == 0 => {}
                Ok(e) => all.push(Err(anyhow::anyhow!(
                    "{}: neither a file nor a folder; a link isn't followed unless it is named itself",
                    e.path().display()
                ))),
                Err(e) => all.push(Err(anyhow::anyhow!("{e}"))),
            }
        }
    }
    all
}

fn show(came: &[Incoming], output: &Output) -> anyhow::Result<()> {
    for one in came {
        output.line(
            || serde_json::to_value(one).expect("a report is JSON"),
            || describe(one),
        )?;
    }
    Ok(())
}

fn describe(one: &Incoming) -> String {
    let mut text = format!("{}  at risk {:>3}  {}", one.id, one.at_risk, one.format);
    let why: Vec<_> = one.reasons.iter().map(|r| r.what.as_str()).collect();
    if !why.is_empty() {
        text += &format!(": {}", why.join("; "));
    }
    for (word, other) in [
        ("duplicate of", &one.duplicate_of),
        ("re-upload of", &one.reupload_of),
        ("earlier case", &one.earlier_case),
        ("case", &one.case),
    ] {
        if let Some(other) = other {
            text += &format!(", {word} {other}");
        }
    }
    if let Some(why) = &one.unreadable {
        text += &format!(", unreadable: {why}");
    }
    text
}
