//! A ZIP as police download it: the structured report in it, or else a PDF. Nothing else in it is
//! read.

use std::borrow::Cow;
use std::io::{Cursor, Read as _, Write as _};

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

/// The structured documents of an archive, each a report; empty unless there are at least two. The
/// first one comes in a new archive with all files that are not reports, so that they are kept.
pub(in crate::incoming) fn each_document(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let members = members(bytes).unwrap_or_default();
    let (mut structured, others): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|m| is_structured(&m.content));
    if structured.len() < 2 {
        return Vec::new();
    }
    if !others.is_empty() {
        let first = structured.remove(0);
        let Some(packet) = packed(std::iter::once(&first).chain(&others)) else {
            return Vec::new();
        };
        let rest = structured.into_iter().map(|m| m.content);
        return std::iter::once(packet)
            .chain(rest)
            .map(Cow::Owned)
            .collect();
    }
    structured
        .into_iter()
        .map(|m| Cow::Owned(m.content))
        .collect()
}

/// Packs these files into an archive without compressing them: pictures don't get smaller.
fn packed<'a>(members: impl Iterator<Item = &'a Member>) -> Option<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for member in members {
        writer.start_file(&member.name, stored).ok()?;
        writer.write_all(&member.content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

/// Reads the one report of an archive.
///
/// # Errors
/// The archive can't be unpacked within the limits, or nothing in it is a report in a known format.
pub(in crate::incoming) fn read(bytes: &[u8]) -> Result<ParsedReport, String> {
    let members: Vec<_> = members(bytes)?.into_iter().map(|m| m.content).collect();
    best(&members).ok_or_else(|| "nothing in the archive is a report in a known format".to_owned())
}

/// The report among some documents: the first structured one in a known format, or else the first
/// PDF that can be read. `None` if there is neither. `Partly` understood if there are other
/// documents.
pub(in crate::incoming) fn best(documents: &[Vec<u8>]) -> Option<ParsedReport> {
    let structured = documents
        .iter()
        .filter(|d| is_structured(d))
        .filter_map(|d| {
            let text = encoding::text(d).ok()?;
            read_text(&text, d).ok()
        });
    let mut read: Vec<ParsedReport> = structured.collect();
    read.retain(|r| r.format != IncomingFormat::Json);
    if read.is_empty() {
        let pdfs = documents.iter().filter(|d| d.starts_with(b"%PDF-"));
        read.extend(pdfs.filter_map(|d| pdf::read(d).ok()));
    }
    let mut best = read.into_iter().next()?;
    if documents.len() > 1 && best.understood == Understood::Yes {
        // The report contains only one of the documents.
        best.understood = Understood::Partly;
    }
    Some(best)
}

fn is_structured(document: &[u8]) -> bool {
    // The byte order mark of UTF-8, which Windows writes.
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    matches!(
        document.trim_ascii_start().first(),
        Some(b'{' | b'[' | b'<')
    )
}

/// A file of an archive.
struct Member {
    name: String,
    content: Vec<u8>,
}

fn members(bytes: &[u8]) -> Result<Vec<Member>, String> {
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
        // Numbered, because two members may have the same name.
        let name = format!("{:04} {}", n + 1, file.name().map_err(broken)?);
        // The size in the directory is only a claim, so the unpacked bytes are counted.
        let read = file
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|_| "the archive can't be unpacked".to_owned())?;
        left = left.checked_sub(read as u64).ok_or_else(|| {
            format!("the archive unpacks to more than {UNPACKED_BYTES_MAX} bytes")
        })?;
        members.push(Member { name, content });
    }
    Ok(members)
}
