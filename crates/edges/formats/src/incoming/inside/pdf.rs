//! A PDF: its text, and the labelled fields of a CyberTipline report as police print it.

use std::panic::catch_unwind;

use obhut_facts::{
    Account, Email, Facts, IncomingFormat, IpEvent, ParsedReport, Person, Sealed, Understood,
};

use super::super::{cybertip, empty, put_digest};

/// Most bytes one object stream unpacks to, and all pages and fonts that are read together. Our judgement.
const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Most bytes the map of one font unpacks to. Our judgement: a map of all of Unicode's first plane is shorter.
const FONT_BYTES_MAX: usize = 1 << 20;
/// Most pages read. Our judgement.
const PAGES_MAX: usize = 500;
/// Longest text kept, in characters. Our judgement.
const TEXT_CHARS_MAX: usize = 200_000;

/// Reads the text and the labelled fields of a PDF.
///
/// # Errors
/// It has no text that can be read within the limits.
pub(in crate::incoming) fn read(bytes: &[u8]) -> Result<ParsedReport, String> {
    let unread = || "the PDF has no text that can be read".to_owned();
    // lopdf may panic on a malformed file; then only this report is unreadable.
    let text = catch_unwind(|| text(bytes))
        .ok()
        .flatten()
        .ok_or_else(unread)?;
    if text.trim().is_empty() {
        return Err(unread());
    }
    Ok(parse(&text))
}

fn text(bytes: &[u8]) -> Option<String> {
    let options = lopdf::LoadOptions::with_max_decompressed_size(UNPACKED_BYTES_MAX);
    let document = lopdf::Document::load_mem_with_options(bytes, options).ok()?;
    let mut all = String::new();
    let mut left = UNPACKED_BYTES_MAX;
    for page in document.get_pages().values().take(PAGES_MAX) {
        // A page that can't be read, or unpacks to more than is left, costs that page.
        let _ = page_text(&document, *page, &mut left, &mut all);
        all.push('\n');
        if all.len() > TEXT_CHARS_MAX {
            break;
        }
    }
    Some(all.chars().take(TEXT_CHARS_MAX).collect())
}

/// Appends the text of a page, with a line break at each move to another line; lopdf's own text
/// extraction would join the lines.
fn page_text(
    document: &lopdf::Document,
    page: lopdf::ObjectId,
    left: &mut usize,
    out: &mut String,
) -> lopdf::Result<()> {
    let fonts = document.get_page_fonts(page)?;
    let mut encodings = std::collections::BTreeMap::new();
    for (name, font) in &fonts {
        // What a font's map unpacks to isn't known outside; it counts as its share of a page.
        *left = left.saturating_sub(FONT_BYTES_MAX);
        let encoding = font.get_font_encoding_with_limit(document, FONT_BYTES_MAX)?;
        encodings.insert(name.clone(), encoding);
    }
    let mut encoding = None;
    let content = document.get_page_content_with_limit(page, *left)?;
    *left -= content.len();
    for operation in lopdf::content::Content::decode(&content)?.operations {
        let operands = &operation.operands;
        match operation.operator.as_str() {
            "Tf" => {
                let name = operands.first().and_then(|o| o.as_name().ok());
                encoding = name.and_then(|n| encodings.get(n));
            }
            // Down or up: another line. To the side: another word.
            "Td" | "TD" => {
                let moved = |n: usize| operands.get(n).and_then(|o| o.as_float().ok());
                out.push(match moved(1) {
                    Some(y) if y != 0.0 => '\n',
                    _ => ' ',
                });
            }
            "T*" | "Tm" | "ET" => out.push('\n'),
            "Tj" | "TJ" | "'" | "\"" => {
                if operation.operator != "Tj" && operation.operator != "TJ" {
                    out.push('\n');
                }
                if let Some(encoding) = encoding {
                    strings(encoding, operands, out)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn strings(
    encoding: &lopdf::Encoding<'_>,
    operands: &[lopdf::Object],
    out: &mut String,
) -> lopdf::Result<()> {
    for operand in operands {
        match operand {
            lopdf::Object::String(bytes, _) => {
                *out += &lopdf::Document::decode_text(encoding, bytes)?;
            }
            // Depth 1: the operand of TJ is a list of strings and distances.
            lopdf::Object::Array(parts) => {
                for part in parts {
                    if let lopdf::Object::String(bytes, _) = part {
                        *out += &lopdf::Document::decode_text(encoding, bytes)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads the labels of a printed CyberTipline report. A PDF with neither its number nor an incident
/// type is not understood; its text is the note.
// Long: one label after the other.
fn parse(text: &str) -> ParsedReport {
    let mut given = empty(IncomingFormat::Pdf);
    // Only labelled fields are read; everything else is in the note.
    given.understood = Understood::Partly;
    let mut facts = Facts::default();
    let mut account = Account::default();
    let mut person = Person::default();
    let mut in_suspect = false;
    let mut known = 0;
    for line in text.lines().map(str::trim) {
        if let Some(number) = line.strip_prefix("CyberTipline Report ") {
            let number = number.split_whitespace().next().unwrap_or_default();
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
                given.number = Some(number.to_owned());
                known += 1;
            }
        }
        // Sections: data under the provider's or the child's heading are never the suspect's.
        match line {
            "Suspect" | "Suspect Information" | "Person or User Being Reported" => {
                in_suspect = true
            }
            "Child Victim" | "Victim" | "Intended Recipient" => in_suspect = false,
            _ if line.starts_with("Section ") => in_suspect = false,
            _ => {}
        }
        let Some((label, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let first = value.split_whitespace().next().unwrap_or_default();
        match (label.trim(), in_suspect) {
            ("Incident Type", _) => {
                known += 1;
                facts.incident = cybertip::incident(value);
            }
            ("MD5" | "SHA1" | "SHA256", _) => put_digest(&mut given, label.trim(), value),
            ("Approximate Age", false) => {
                // A child's age: the rules for text read it from the note.
            }
            ("ESP User ID", true) => account.id = Some(value.to_owned()),
            ("Screen/User Name", true) => account.screen_name = Some(value.to_owned()),
            ("Email Address", true) => person.emails.push(Email {
                address: first.to_owned(),
                ..Email::default()
            }),
            ("IP Address", true) if first.parse::<std::net::IpAddr>().is_ok() => {
                let port = value.split_whitespace().skip_while(|w| *w != "Port").nth(1);
                account.ip_events.push(IpEvent {
                    address: first.to_owned(),
                    port: port.and_then(|p| p.parse().ok()),
                    event: value.contains("(Login)").then(|| "Login".to_owned()),
                    ..IpEvent::default()
                });
            }
            _ => {}
        }
    }
    if person != Person::default() {
        account.person = Some(person);
    }
    if account != Account::default() {
        facts.reported = Some(account);
    }
    if known == 0 {
        given.understood = Understood::No;
    }
    facts.note = Some(text.trim().to_owned());
    given.facts = Sealed::new(facts);
    given
}
