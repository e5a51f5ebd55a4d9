//! A ZIP as police download it: the structured report in it, or else a PDF. Nothing else in it is
//! read.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};

use obhut_facts::{IncomingFormat, ParsedReport, Understood};

use super::super::{REPORT_BYTES_MAX, read_text};
use super::{encoding, pdf};

/// Most files in one archive. Our judgement.
const MEMBERS_MAX: usize = 1_000;
/// Most bytes of all its files together, unpacked. Our judgement.
const UNPACKED_BYTES_MAX: usize = 4 * REPORT_BYTES_MAX;

/// True for the first bytes of a ZIP.
pub(in crate::incoming) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The structured documents of an archive, each a report; empty unless there are at least two. Its
/// other files are not among them.
pub(in crate::incoming) fn each_document(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let members = members(bytes).unwrap_or_default();
    let structured: Vec<_> = members.into_iter().filter(|m| is_structured(m)).collect();
    match structured.len() {
        0 | 1 => Vec::new(),
        _ => structured.into_iter().map(Cow::Owned).collect(),
    }
}

/// Reads the one report of an archive.
///
/// # Errors
/// It can't be unpacked within the limits, or nothing in it is a report in a known format.
pub(in crate::incoming) fn read(bytes: &[u8]) -> Result<ParsedReport, String> {
    let members = members(bytes)?;
    best(&members).ok_or_else(|| "nothing in the archive is a report in a known form".to_owned())
}

/// The report among some documents: the first structured one, or else the first PDF. `None` if
/// there is neither. `Partly` understood if there are other documents.
pub(in crate::incoming) fn best(documents: &[Vec<u8>]) -> Option<ParsedReport> {
    let structured = documents
        .iter()
        .filter(|d| is_structured(d))
        .filter_map(|d| {
            let text = encoding::text(d).ok()?;
            read_text(&text).ok()
        });
    let mut read: Vec<ParsedReport> = structured.collect();
    read.retain(|r| r.format != IncomingFormat::Json);
    if read.is_empty() {
        let pdfs = documents.iter().filter(|d| d.starts_with(b"%PDF-"));
        read.extend(pdfs.filter_map(|d| pdf::read(d).ok()));
    }
    let mut best = read.into_iter().next()?;
    if documents.len() > 1 && best.understood == Understood::Yes {
        // The other entries were not read.
        best.understood = Understood::Partly;
    }
    Some(best)
}

fn is_structured(document: &[u8]) -> bool {
    matches!(
        document.trim_ascii_start().first(),
        Some(b'{' | b'[' | b'<')
    )
}

fn members(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let broken = |_| "the archive can't be unpacked".to_owned();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.len() > MEMBERS_MAX {
        return Err(format!("the archive has more than {MEMBERS_MAX} files"));
    }
    let mut members = Vec::new();
    let mut left = UNPACKED_BYTES_MAX as u64;
    for n in 0..archive.len() {
        let file = archive.by_index(n).map_err(broken)?;
        if file.is_dir() {
            continue;
        }
        let mut content = Vec::new();
        // The size in the directory is only a claim, so the unpacked bytes are counted.
        let read = file
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|_| "the archive can't be unpacked".to_owned())?;
        left = left.checked_sub(read as u64).ok_or_else(|| {
            format!("the archive unpacks to more than {UNPACKED_BYTES_MAX} bytes")
        })?;
        members.push(content);
    }
    Ok(members)
}
