//! Reports of others, in whatever form they come, as what casework takes in.
//!
//! A form is recognised by what it is, not by its file's name. What can't be read is handed on as
//! unreadable, with the reason: it becomes a case, never nothing.

use std::borrow::Cow;

use obhut_facts::{Facts, IncomingFormat, ParsedReport, Sealed};

mod cybertip;
mod form;
mod note;
mod xarf;

/// Longest single report, in bytes.
const REPORT_BYTES_MAX: usize = 16 << 20;

/// A form that reports come in.
struct Format {
    /// True when the bytes look like it.
    is: fn(&str) -> bool,
    /// What they say.
    read: fn(&str) -> Result<ParsedReport, String>,
}

/// Every form, tried in this order.
const FORMATS: &[&Format] = &[
    &cybertip::FORMAT,
    &xarf::FORMAT,
    &form::FORMAT,
    &note::FORMAT,
];

/// One report from its bytes; unreadable where they are none.
pub fn read(bytes: &[u8]) -> ParsedReport {
    let why = if bytes.is_empty() {
        "it is empty".to_owned()
    } else if bytes.len() > REPORT_BYTES_MAX {
        format!("it is longer than {REPORT_BYTES_MAX} bytes")
    } else {
        match std::str::from_utf8(bytes) {
            Err(e) => format!("it is no UTF-8 text from byte {}", e.valid_up_to()),
            Ok(text) => {
                let text = text.trim_start_matches('\u{feff}');
                match FORMATS.iter().find(|f| (f.is)(text)) {
                    None => "it has nothing in it".to_owned(),
                    Some(format) => match (format.read)(text) {
                        Ok(mut given) => {
                            given.raw = Sealed::new(bytes.to_vec());
                            return given;
                        }
                        Err(why) => why,
                    },
                }
            }
        }
    };
    let mut given = empty(IncomingFormat::Unreadable);
    given.raw = Sealed::new(bytes[..bytes.len().min(REPORT_BYTES_MAX)].to_vec());
    given.unreadable = Some(why);
    given
}

/// The reports in a file: a single one, or one per line if every line is a JSON object, or all
/// within one element `<reports>`.
pub fn split(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let plain = bytes.trim_ascii_start();
    if plain.starts_with(b"{") && whole_json_lines(plain) {
        let lines = plain.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        return lines.filter(|l| !l.is_empty()).map(Cow::Borrowed).collect();
    }
    if plain.starts_with(b"<") {
        let found = cybertip::each_report(plain);
        if !found.is_empty() {
            return found;
        }
    }
    vec![Cow::Borrowed(bytes)]
}

/// True when there is more than one line and the first is an object that ends on it.
fn whole_json_lines(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|b| *b == b'\n') else {
        return false;
    };
    let rest = bytes[end..].trim_ascii_start();
    rest.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes[..end]).is_ok()
}

fn empty(format: IncomingFormat) -> ParsedReport {
    ParsedReport {
        format,
        number: None,
        facts: Sealed::new(Facts::default()),
        digests: Vec::new(),
        near: Vec::new(),
        raw: Sealed::new(Vec::new()),
        unreadable: None,
    }
}

/// A digest, its kind recognised by the usual names; PDQ digests are near digests.
fn put_digest(given: &mut ParsedReport, kind: &str, value: &str) {
    let kind: String = kind
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    let value = value.trim().to_ascii_lowercase();
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
    fn each_form_is_told_by_what_it_is() {
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
            ("<report>", IncomingFormat::Unreadable),
            ("{\"url\": ", IncomingFormat::Unreadable),
            ("<html><body/></html>", IncomingFormat::Unreadable),
        ] {
            assert_eq!(check(text).format, format, "{text}");
        }
        assert_eq!(read(&[0xff, 0xfe]).format, IncomingFormat::Unreadable);
    }

    #[test]
    fn files_of_many_are_split() {
        assert_eq!(split(b"{\"a\":1}\n{\"b\":2}\n\n").len(), 2);
        assert_eq!(split(b"{\n\"a\":1}\n").len(), 1);
        assert_eq!(
            split(b"<reports><report a='>'>1</report>\n<report>2</report></reports>").len(),
            2
        );
        assert_eq!(split(b"a note\nof two lines").len(), 1);
        // File details follow their report; one that is broken off is still one.
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
        assert_eq!(facts.tags.len(), 5);
        assert_eq!(
            facts.reported.as_ref().unwrap().id.as_deref(),
            Some("user-1")
        );
        assert_eq!(facts.reported.as_ref().unwrap().prior_reports, [1, 2]);
        assert_eq!(facts.victims.len(), 2);
        assert!(facts.urgent_because.is_some());
    }
}
