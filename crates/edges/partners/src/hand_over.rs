//! Writes packages for authorities that have no API, encrypted to the authority's key; a person
//! hands them over.

use std::io::{Cursor, Write as _};
use std::path::Path;

use obhut_casework::{self as casework, Channel};
use obhut_formats::reports::zip;

use crate::submission::{SendFault, Sent, Submission};

/// Writes a package with its files to the folder for the authority: encrypted to its key, or not at
/// all.
pub(crate) async fn send(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    // Forms render without the vault, so the exhibits join the package here: those that were
    // approved, no others.
    let mut parts = unzip(&documents.report)?;
    let row = casework::report_row(submission.casework, &submission.filing.report).await?;
    for (number, file) in (1..).zip(&documents.attached) {
        // Logged as read before the first byte, like any reading of an exhibit.
        let bytes = casework::exhibit_to_send(
            submission.casework,
            &file.exhibit,
            &row.id,
            submission.worker,
        )
        .await?;
        parts.push((format!("files/{number:03}-{}", file.exhibit), bytes));
    }
    write_package(&submission, &row.id, zip(&parts), "zip")
}

/// What the channel of a package destination still lacks.
pub(crate) fn missing(channel: &Channel) -> Option<&'static str> {
    match (&channel.recipient, &channel.folder) {
        (Some(_), Some(_)) => None,
        (None, _) => Some("the authority's age key"),
        (_, None) => Some("a folder for packages"),
    }
}

/// Writes a single document, encrypted like a package.
pub(crate) async fn send_document(
    submission: Submission<'_>,
    kind: &str,
) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    let report = submission.filing.report.clone();
    write_package(&submission, &report, documents.report.clone(), kind)
}

/// Writes the retraction next to the package it retracts; the job stays open until it is
/// acknowledged.
pub(crate) async fn retract(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let report = &submission.filing.report;
    // Only a filed report has a remote id; without one, no package was written.
    if submission.filing.remote.is_empty() {
        return Ok(Sent {
            filing: submission.filing.clone(),
            receipt: "it had not been placed in the folder".into(),
        });
    }
    let text = format!(
        "RETRACTION / WIDERRUF\n\nReport {report} is retracted entirely: on appeal the decision it rested on was found wrong. The person is cleared. Please undo what was done because of it and acknowledge.\n\nDie Meldung {report} wird vollständig zurückgenommen: Auf Beschwerde erwies sich die Entscheidung dahinter als falsch. Die Person ist entlastet. Bitte machen Sie rückgängig, was darauf beruhte, und bestätigen Sie es.\n"
    );
    let written = write_package(
        &submission,
        &format!("{report}-retraction"),
        text.into_bytes(),
        "txt",
    )?;
    Err(SendFault::Waits(format!(
        "the retraction of report {report} is ready: {}. Hand it over; when {} has acknowledged it, record who did, and how",
        written.receipt, submission.channel.destination
    )))
}

fn write_package(
    submission: &Submission<'_>,
    name: &str,
    bytes: Vec<u8>,
    kind: &str,
) -> Result<Sent, SendFault> {
    // Denied, not refused: without a key every package for this destination waits, with one alarm.
    let key = submission.channel.recipient.as_deref().ok_or_else(|| {
        SendFault::Denied(format!(
            "no key of the authority is set, and packages are never stored unencrypted; set a recipient and a folder for {}",
            submission.channel.destination
        ))
    })?;
    let folder = submission.channel.folder.as_deref().ok_or_else(|| {
        SendFault::Denied(format!(
            "no folder is set for {}",
            submission.channel.destination
        ))
    })?;
    let recipient = recipient(key).ok_or_else(|| {
        SendFault::Denied("the authority's key isn't an age recipient (age1…)".into())
    })?;
    let sealed = age::encrypt(&recipient, &bytes)
        .map_err(|_| SendFault::Unexpected("encrypting failed".into()))?;
    let path = Path::new(folder).join(format!("{name}.{kind}.age"));
    // Retried: a full disk or a missing mount is not the report's fault.
    let fault = |e: std::io::Error| {
        SendFault::Unreachable(format!("{} can't be written: {}", path.display(), e.kind()))
    };
    // Whole or not there: a copy is never half a package. The same report gives the same name, so a
    // second attempt replaces the first.
    let partial = path.with_extension("partial");
    std::fs::create_dir_all(folder).map_err(fault)?;
    let mut file = std::fs::File::create(&partial).map_err(fault)?;
    file.write_all(&sealed)
        .and_then(|()| file.sync_all())
        .map_err(fault)?;
    std::fs::rename(&partial, &path).map_err(fault)?;
    // A rename survives a power failure only once the folder is synced too.
    std::fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(fault)?;
    Ok(Sent {
        filing: submission.filing.clone(),
        receipt: format!("placed in the folder as {}, encrypted", path.display()),
    })
}

/// Whether a text is an age recipient, to which packages can be encrypted.
pub fn is_recipient(key: &str) -> bool {
    recipient(key).is_some()
}

fn recipient(key: &str) -> Option<age::x25519::Recipient> {
    key.parse().ok()
}

fn unzip(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, SendFault> {
    let broken = |_| SendFault::Unexpected("our own package can't be opened".into());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut parts = Vec::new();
    for n in 0..archive.len() {
        let mut file = archive.by_index(n).map_err(broken)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes)
            .map_err(|_| SendFault::Unexpected("invalid package".into()))?;
        let name = file.name().map_err(broken)?.into_owned();
        parts.push((name, bytes));
    }
    Ok(parts)
}
