//! Incoming reports in any supported format, parsed for casework.
//!
//! A format is detected from the content, never from the file name. What can't be read is returned
//! as unreadable, with the reason, so that it still becomes a case.

use std::borrow::Cow;

use obhut_facts::{Facts, IncomingFormat, ParsedReport, Sealed, Understood};
use serde_json::Value;
use serde_json::value::RawValue;

mod activitypub;
mod atproto;
mod cybertip;
mod dsa;
mod form;
mod iccam;
mod ids;
mod inside;
mod lemmy;
mod mail;
mod mastodon;
mod note;
mod ozone;
mod unknown_json;
mod vics;
mod xarf;

use inside::{archive, encoding, json, pdf};

/// Longest single report, in bytes. Our judgement.
const REPORT_BYTES_MAX: usize = 16 << 20;

/// Longest original that is kept, and longest ZIP or PDF that is read, in bytes. Larger than
/// `REPORT_BYTES_MAX` because the packets that police get hold pictures. Our judgement; the
/// server's intake takes bodies of the same length.
const ORIGINAL_BYTES_MAX: usize = 64 << 20;

/// A text format of incoming reports.
struct Format {
    /// True if the text looks like this format; `read` is called only then.
    is: fn(&Input<'_>) -> bool,
    /// Parses it; an error says why it can't be read.
    read: fn(&Input<'_>) -> Result<ParsedReport, String>,
}

/// A text; with its parsed JSON if it begins with `{` or `[`.
struct Input<'a> {
    text: &'a str,
    /// The bytes that `text` was decoded from. E-mail is parsed from them, because each of its
    /// parts names its own encoding.
    raw: &'a [u8],
    json: Option<Value>,
}

/// Every format, tried in this order.
const FORMATS: &[&Format] = &[
    // Anything that begins with `<` counts as XML: a web page is unreadable, not a note.
    &cybertip::FORMAT,
    // JSON, from the most specific keys to the least: the first match wins.
    &xarf::FORMAT,
    &ids::FORMAT,
    &vics::FORMAT,
    &mastodon::FORMAT,
    &lemmy::FORMAT,
    &activitypub::FORMAT,
    &ozone::FORMAT,
    &atproto::FORMAT,
    &dsa::FORMAT,
    &form::FORMAT,
    &unknown_json::FORMAT,
    &iccam::FORMAT,
    &mail::FORMAT,
    // Last: any text that is not blank is a note.
    &note::FORMAT,
];

/// Parses one report. Input that is empty, too long, malformed or in no known format comes back as
/// `Unreadable`, with the reason.
pub fn read(bytes: &[u8]) -> ParsedReport {
    let read = if bytes.is_empty() {
        Err("it is empty".to_owned())
    } else if says_nothing(bytes) && matches!(bytes.trim_ascii().first(), Some(b'n' | b'"')) {
        // Not JSON to the formats below, which would take it for a note.
        Err("it says nothing".to_owned())
    } else if bytes.len() > ORIGINAL_BYTES_MAX {
        Err(format!(
            "it is longer than {ORIGINAL_BYTES_MAX} bytes; only the bytes up to that limit are kept"
        ))
    } else if bytes.starts_with(b"%PDF-") {
        pdf::read(bytes)
    } else if archive::is(bytes) {
        archive::read(bytes)
    } else if bytes.len() > REPORT_BYTES_MAX {
        Err(format!("it is longer than {REPORT_BYTES_MAX} bytes"))
    } else {
        encoding::text(bytes).and_then(|text| read_text(&text, bytes))
    };
    let mut given = read.unwrap_or_else(|why| {
        let mut given = empty(IncomingFormat::Unreadable);
        given.understood = Understood::No;
        given.unreadable = Some(why);
        given
    });
    // A report with text that no rule reads must rank above understood reports in which the rules
    // found nothing.
    if given.understood == Understood::Yes && !obhut_facts::texts_are_read(given.facts.expose()) {
        given.understood = Understood::Partly;
    }
    // The bytes as they came, byte order mark included: they become the exhibit. An oversized
    // report still becomes a case; its bytes are cut at the limit.
    given.raw = Sealed::new(bytes[..bytes.len().min(ORIGINAL_BYTES_MAX)].to_vec());
    given
}

fn read_text(text: &str, raw: &[u8]) -> Result<ParsedReport, String> {
    let begins = text.trim_start().chars().next();
    let json =
        match begins {
            None => return Err("it is blank".to_owned()),
            // JSON can't begin like "[Call at 14:05] a child …".
            Some('{' | '[') if is_prose(text) => None,
            Some('{' | '[') => Some(serde_json::from_str(text).map(unwrapped).map_err(|e| {
                format!("not valid JSON: line {}, column {}", e.line(), e.column())
            })?),
            Some(_) => None,
        };
    let input = Input { text, raw, json };
    match FORMATS.iter().find(|f| (f.is)(&input)) {
        None => Err("it is in no known format".to_owned()),
        Some(format) => (format.read)(&input),
    }
}

/// The report within the envelope in which servers send it: Mastodon's webhook, an ActivityPub
/// `Create` of a `Flag`, the view of a Lemmy report.
fn unwrapped(mut value: serde_json::Value) -> serde_json::Value {
    let of_mastodon = value["event"]
        .as_str()
        .is_some_and(|e| e.starts_with("report."));
    let of_a_flag = value["type"] == "Create" && value["object"]["type"] == "Flag";
    if (of_mastodon || of_a_flag) && value["object"].is_object() {
        return value["object"].take();
    }
    for view in [
        "post_report_view",
        "comment_report_view",
        "private_message_report_view",
    ] {
        if value[view].is_object() {
            return value[view].take();
        }
    }
    value
}

/// True if the opening bracket is followed by a word that JSON can't have there.
fn is_prose(text: &str) -> bool {
    let inside = text.trim_start()[1..].trim_start();
    let json = ["true", "false", "null"]
        .iter()
        .any(|w| inside.starts_with(w));
    inside.starts_with(char::is_alphabetic) && !json
}

/// True for bytes that report nothing: none, white space, or one of the JSON values `[]`, `{}`,
/// `""` and `null`.
pub fn says_nothing(bytes: &[u8]) -> bool {
    let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let words: Vec<u8> = plain
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .take(5)
        .collect();
    matches!(words.as_slice(), b"" | b"[]" | b"{}" | b"\"\"" | b"null")
}

/// Splits a file into reports: one per `<report>` within `<reports>`, per element of a JSON array,
/// per row of a hotline's list, per mail of an mbox, per line if the first line is a complete JSON object and another
/// object follows, or per structured document of a ZIP that has several. Anything else is a single
/// report.
pub fn split(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let plain = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    if plain.starts_with(b"{") && whole_json_lines(plain) {
        let lines = plain.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        return lines.filter(|l| !l.is_empty()).map(Cow::Borrowed).collect();
    }
    let found = match plain.first() {
        Some(b'<') => cybertip::each_report(plain),
        Some(b'[') => each_element(plain),
        Some(b'F') if plain.starts_with(b"From ") => mail::each_mail(plain),
        _ if archive::is(bytes) => archive::each_document(bytes),
        _ => iccam::each_row(plain),
    };
    match found.is_empty() {
        false => found,
        // Never empty: any input is at least one report (checked in fuzz/src/lib.rs).
        true => vec![Cow::Borrowed(bytes)],
    }
}

/// The elements of a JSON array, each as it was written.
fn each_element(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let elements: Vec<&RawValue> = serde_json::from_slice(bytes).unwrap_or_default();
    elements
        .into_iter()
        .map(|e| Cow::Borrowed(e.get().as_bytes()))
        .collect()
}

/// True if the first line is a complete JSON object and the next non-blank line begins with `{`.
fn whole_json_lines(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|b| *b == b'\n') else {
        return false;
    };
    let rest = bytes[end..].trim_ascii_start();
    // Only the first line is parsed: a broken later line costs that report and not the file.
    rest.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes[..end]).is_ok()
}

fn empty(format: IncomingFormat) -> ParsedReport {
    ParsedReport {
        format,
        understood: Understood::Yes,
        number: None,
        facts: Sealed::new(Facts::default()),
        digests: Vec::new(),
        near: Vec::new(),
        raw: Sealed::new(Vec::new()),
        unreadable: None,
    }
}

/// Adds a digest under the normalised name of its kind, in lower-case hex. PDQ is added to the near
/// digests.
fn put_digest(given: &mut ParsedReport, kind: &str, value: &str) {
    // `SHA-256`, `sha_256` and `Sha256` are the same kind.
    let kind: String = kind
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    let value = value.trim();
    // PhotoDNA may come in base64, where capitals count.
    let is_hex = value.bytes().all(|b| b.is_ascii_hexdigit());
    let value = match is_hex {
        true => value.to_ascii_lowercase(),
        false => value.to_owned(),
    };
    let hex = |len: usize| value.len() == len && value.bytes().all(|b| b.is_ascii_hexdigit());
    match kind.as_str() {
        "pdq" if hex(64) => {
            let mut bits = [0; 32];
            if hex::decode_to_slice(&value, &mut bits).is_ok() {
                given.near.push(bits);
            }
        }
        "md5" if hex(32) => given.digests.push((kind, value)),
        "sha1" if hex(40) => given.digests.push((kind, value)),
        "sha256" if hex(64) => given.digests.push((kind, value)),
        "photodna" if !value.is_empty() => given.digests.push((kind, value)),
        // An unknown kind or a wrong length is dropped here; the original bytes still have it.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> ParsedReport {
        read(text.as_bytes())
    }

    #[test]
    fn formats_are_detected_by_content() {
        for (text, format) in [
            (
                "<report><incidentSummary><incidentType>Child Sex Trafficking</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary></report>",
                IncomingFormat::CyberTip,
            ),
            (
                r#"{"xarf_version": "4.2.0", "type": "csam", "category": "content"}"#,
                IncomingFormat::Xarf,
            ),
            (
                r#"{"Version": "3", "Report": {"ReportType": "ChildAbuse"}}"#,
                IncomingFormat::Xarf,
            ),
            (r#"{"url": "https://example.com/a"}"#, IncomingFormat::Form),
            ("Caller says …", IncomingFormat::Note),
            ("", IncomingFormat::Unreadable),
            ("   ", IncomingFormat::Unreadable),
            // Begins like a form and is broken: unreadable with a reason, never a note.
            ("<report>", IncomingFormat::Unreadable),
            ("{\"url\": ", IncomingFormat::Unreadable),
            ("<html><body/></html>", IncomingFormat::Unreadable),
        ] {
            assert_eq!(check(text).format, format, "{text}");
        }
        // The byte order mark of UTF-16, and nothing after it.
        assert_eq!(read(&[0xff, 0xfe]).format, IncomingFormat::Unreadable);
    }

    #[test]
    fn empty_json_says_nothing() {
        for (bytes, expected) in [
            (&b""[..], true),
            (b" \n", true),
            (b"[ ]\n", true),
            (b"\xef\xbb\xbf{}", true),
            (b"null", true),
            (b"[null]", false),
            (b"nullified", false),
            (b"{\"a\": 1}", false),
            (b"x", false),
        ] {
            assert_eq!(says_nothing(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn files_of_many_are_split() {
        assert_eq!(split(b"{\"a\":1}\n{\"b\":2}\n\n").len(), 2);
        // Pretty-printed JSON is one report, although it has several lines.
        assert_eq!(split(b"{\n\"a\":1}\n").len(), 1);
        // A `>` in an attribute must not confuse the search for the next report.
        assert_eq!(
            split(b"<reports><report a='>'>1</report>\n<report>2</report></reports>").len(),
            2
        );
        assert_eq!(split(b"a note\nof two lines").len(), 1);
        // File details follow their report; a report that is cut off still counts as one.
        let file = br#"<reports><report><incidentSummary/></report><fileDetails><originalFileHash hashType="MD5">00000000000000000000000000000000</originalFileHash></fileDetails><report><incidentSummary/></report><report>"#;
        let given: Vec<_> = split(file).iter().map(|b| read(b)).collect();
        assert_eq!(
            given.iter().map(|g| g.digests.len()).collect::<Vec<_>>(),
            [1, 0, 0]
        );
        assert_eq!(given[2].format, IncomingFormat::Unreadable);
    }

    #[test]
    fn a_case_file_of_another_obhut_is_understood_whole() {
        let given = check(
            r#"{"group": "account", "facts": {"reported": {"id": "u"}, "risks": ["live-stream"]}, "files": [{"facts": {"original_hashes": [{"kind": "MD5", "value": "00000000000000000000000000000000"}]}}]}"#,
        );
        let facts = given.facts.expose();
        assert_eq!(facts.reported.as_ref().unwrap().id.as_deref(), Some("u"));
        assert_eq!((facts.risks.len(), given.digests.len()), (1, 1));
    }

    #[test]
    fn a_cybertip_says_what_matters() {
        let given = check(include_str!("../tests/report_full.xml"));
        let facts = given.facts.expose();
        // The file is what our own renderer writes
        // (partners/tests/ncmec.rs), so this is a round trip.
        assert_eq!(facts.tags.len(), 5);
        assert_eq!(
            facts.reported.as_ref().unwrap().id.as_deref(),
            Some("user-1")
        );
        assert_eq!(facts.reported.as_ref().unwrap().prior_reports, [1, 2]);
        assert_eq!(facts.victims.len(), 2);
        assert!(facts.urgent_because.is_some());
    }

    /// Bytes, the format they are recognised as, and the reported account or the reason why they
    /// can't be read.
    #[test]
    fn each_format_is_recognised_by_its_content() {
        use IncomingFormat::{CaseFile, CyberTip, Form, Note, Unreadable, Xarf};
        for (bytes, format, says) in [
            (
                &b"Konto: user-1\nDringend: ein Kind ist in Gefahr"[..],
                Note,
                "user-1",
            ),
            (b"\xef\xbb\xbfAccount: user-2", Note, "user-2"),
            (b"some words", Note, ""),
            (br#"{"account": "user-3"}"#, Form, "user-3"),
            (
                br#"{"facts": {"reported": {"id": "user-4"}}}"#,
                CaseFile,
                "user-4",
            ),
            (
                br#"{"xarf_version": "4.2.0", "category": "content", "type": "csam"}"#,
                Xarf,
                "",
            ),
            (b"<report><incidentSummary><incidentType>Child Sex Trafficking</incidentType></incidentSummary></report>", CyberTip, ""),
            (b"", Unreadable, "it is empty"),
            (b" \n ", Unreadable, "it is blank"),
            (b"Konto: caf\xe9 noir", Note, "caf\u{e9} noir"),
            (b"a\0b", Unreadable, "control characters"),
            (b"{\"account\": ", Unreadable, "not valid JSON"),
            (b"<report><unclosed>", Unreadable, "byte"),
        ] {
            let read = read(bytes);
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(read.format, format, "{text}: {:?}", read.unreadable);
            assert_eq!(read.raw.expose(), bytes, "{text}: the bytes are kept");
            let account = read
                .facts
                .expose()
                .reported
                .as_ref()
                .and_then(|a| a.id.clone());
            let found = read.unreadable.or(account).unwrap_or_default();
            assert!(found.contains(says), "{text}: {found}");
        }
    }

    #[test]
    fn files_are_split_into_their_reports() {
        for (bytes, parts) in [
            (&b"{\"a\": 1}\n{\"a\": 2}\n"[..], 2),
            (b"{\"a\": 1}", 1),
            (b"{\n\"a\": 1}", 1),
            (b"{\"a\": 1}\nnot json", 1),
            (
                b"<reports><report>1</report><report>2</report></reports>",
                2,
            ),
            (b"<report>1</report>", 1),
            (b"Account: a\n\nAccount: b", 1),
        ] {
            assert_eq!(
                split(bytes).len(),
                parts,
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    /// An unknown risk, an unknown field and an empty one yield no fact.
    #[test]
    fn a_notes_lines_become_facts() {
        let note = "Nummer: 17\nDienst: example\nKonto: user-1\nAdresse: https://example.org/a\n\
                    Verlauf: t-1\nSerie: s-1\nZeit: 2026-01-01\nGefahr: nonsense\nUnbekannt: x\nLeer:\n";
        let read = read(note.as_bytes());
        let facts = read.facts.expose();
        assert_eq!(read.number.as_deref(), Some("17"));
        let account = facts.reported.as_ref().unwrap();
        assert_eq!(
            (account.id.as_deref(), account.service.as_deref()),
            (Some("user-1"), Some("example"))
        );
        assert_eq!((facts.places.len(), facts.threads.len()), (1, 1));
        assert_eq!(facts.series.as_deref(), Some("s-1"));
        assert_eq!(facts.occurred_at.as_deref(), Some("2026-01-01"));
        assert!(facts.risks.is_empty() && facts.tags.is_empty());
        assert_eq!(facts.note.as_deref(), Some(note), "the whole text stays");
    }
}
