//! A PDF: its text, and the labelled fields of a CyberTipline report as police print it.

use std::panic::catch_unwind;

use obhut_facts::{
    Account, Email, Facts, IncomingFormat, IpEvent, ParsedReport, Person, Sealed, Understood,
};

use super::super::{cybertip, empty, put_digest};

/// Limit on the unpacked size of one object stream, and on that of all pages together, in bytes.
/// Our judgement.
const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Most bytes one page's content unpacks to. Decoded, it takes some three hundred times as much
/// memory. Our judgement.
const PAGE_BYTES_MAX: usize = 512 << 10;
/// Most bytes the map of one font unpacks to. Our judgement.
const FONT_BYTES_MAX: usize = 256 << 10;
/// Most fonts decoded in one document; text in others is not read. Our judgement.
const FONTS_MAX: usize = 64;
/// Most pages read. Our judgement.
const PAGES_MAX: usize = 500;
/// Longest text kept, in characters. Our judgement.
const TEXT_CHARS_MAX: usize = 200_000;

/// Reads the text and the labelled fields of a PDF.
///
/// # Errors
/// The PDF has no text that can be read within the limits.
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
    let mut fonts = Fonts::new();
    let mut unread = 0;
    let pages = document.get_pages();
    let mut looked_at = 0;
    for page in pages.values().take(PAGES_MAX) {
        looked_at += 1;
        // A page that can't be read, or unpacks to more than is allowed, is counted as unread.
        if page_text(&document, *page, &mut left, &mut fonts, &mut all).is_err() {
            unread += 1;
        }
        all.push('\n');
        if all.chars().nth(TEXT_CHARS_MAX).is_some() {
            // The page on which the limit is reached is read only in part.
            unread += 1;
            break;
        }
    }
    let mut all: String = all.chars().take(TEXT_CHARS_MAX).collect();
    unread += pages.len() - looked_at;
    if unread > 0 && !all.trim().is_empty() {
        all += &format!("\n({unread} pages could not be read; look at the original)");
    }
    Some(all)
}

/// Decoded fonts, by where their dictionaries are in memory: the same font has many names.
type Fonts<'a> = std::collections::HashMap<*const lopdf::Dictionary, lopdf::Encoding<'a>>;

/// Appends the text of a page, with a line break at each move to another line; lopdf's own text
/// extraction would join the lines.
fn page_text<'a>(
    document: &'a lopdf::Document,
    page: lopdf::ObjectId,
    left: &mut usize,
    known: &mut Fonts<'a>,
    out: &mut String,
) -> lopdf::Result<()> {
    let fonts = document.get_page_fonts(page)?;
    for font in fonts.values() {
        let at = std::ptr::from_ref::<lopdf::Dictionary>(font);
        if known.len() < FONTS_MAX && !known.contains_key(&at) {
            // If a font can't be decoded, only the text in it is lost.
            if let Ok(encoding) = font.get_font_encoding_with_limit(document, FONT_BYTES_MAX) {
                known.insert(at, encoding);
            }
        }
    }
    let mut encoding = None;
    let content = document.get_page_content_with_limit(page, (*left).min(PAGE_BYTES_MAX))?;
    *left -= content.len();
    for operation in lopdf::content::Content::decode(&content)?.operations {
        let operands = &operation.operands;
        match operation.operator.as_str() {
            "Tf" => {
                let name = operands.first().and_then(|o| o.as_name().ok());
                let font = name.and_then(|n| fonts.get(n));
                encoding =
                    font.and_then(|f| known.get(&std::ptr::from_ref::<lopdf::Dictionary>(f)));
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

/// Reads the labels of a printed CyberTipline report. A PDF with neither a report number nor an
/// incident type is not understood; its text is the note.
// Long: one label after the other.
fn parse(text: &str) -> ParsedReport {
    let mut given = empty(IncomingFormat::Pdf);
    // Only labelled fields are read; everything else is in the note.
    given.understood = Understood::Partly;
    let mut facts = Facts::default();
    let mut account = Account::default();
    let mut person = Person::default();
    let mut in_suspect = false;
    let mut others = Vec::new();
    let mut known = 0;
    for line in text.lines().map(str::trim) {
        if let Some(number) = line.strip_prefix("CyberTipline Report ") {
            let number = number.split_whitespace().next().unwrap_or_default();
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
                given.number = Some(number.to_owned());
                known += 1;
            }
        }
        // Data under the provider's, the reporter's or the child's heading is never the suspect's.
        match section(line) {
            Some(true) => {
                // A second suspect is another person.
                if !std::mem::replace(&mut in_suspect, true) || account_is_named(&account, &person)
                {
                    others.extend(finished(&mut account, &mut person));
                }
                continue;
            }
            Some(false) => in_suspect = false,
            None => {}
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
    others.extend(finished(&mut account, &mut person));
    let mut suspects = others.into_iter();
    facts.reported = suspects.next();
    facts.also_reported = suspects.collect();
    if known == 0 {
        given.understood = Understood::No;
    }
    facts.note = Some(text.trim().to_owned());
    given.facts = Sealed::new(facts);
    given
}

/// `Some(true)` for a heading of a suspect's data, `Some(false)` for a known heading of other data,
/// `None` for any other line.
fn section(line: &str) -> Option<bool> {
    const SUSPECTS: &[&str] = &[
        "Suspect",
        "Suspect Information",
        "Person or User Being Reported",
    ];
    const OTHERS: &[&str] = &[
        "Section ",
        "Child",
        "Victim",
        "Intended Recipient",
        "Report",
        "Submitt",
        "Witness",
        "Law Enforcement",
        "Company",
        "Provider",
        "Additional",
    ];
    if SUSPECTS.contains(&line) {
        return Some(true);
    }
    let heading = !line.contains(':') || line.starts_with("Section ");
    (heading && OTHERS.iter().any(|o| line.starts_with(o))).then_some(false)
}

fn account_is_named(account: &Account, person: &Person) -> bool {
    *account != Account::default() || *person != Person::default()
}

/// The account read so far, if anything was; begins the next one.
fn finished(account: &mut Account, person: &mut Person) -> Option<Account> {
    if !account_is_named(account, person) {
        return None;
    }
    let person = std::mem::take(person);
    let mut account = std::mem::take(account);
    account.person = (person != Person::default()).then_some(person);
    Some(account)
}
