//! Decodes text of any common encoding.

use chardetng::EncodingDetector;
use encoding_rs::Encoding;

/// Bytes searched for a declared encoding. Our judgement: an XML declaration comes first in a
/// document.
const DECLARATION_BYTES_MAX: usize = 200;

/// Decodes by the byte order mark, else as UTF-8, else by the XML declaration, else by a guess at
/// the encoding.
/// UTF-16 without a byte order mark is detected by its NUL bytes.
///
/// # Errors
/// The text has too many control characters, NUL among them, and isn't UTF-16.
pub(in crate::incoming) fn text(bytes: &[u8]) -> Result<String, String> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0.into_owned(),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => guessed(bytes),
        },
    };
    // ASCII text in UTF-16 without a byte order mark is valid UTF-8, with a NUL beside each letter.
    if text.contains('\0')
        && let Some(text) = utf16(bytes)
    {
        return Ok(text);
    }
    match is_binary(&text) {
        true => Err("it contains control characters, so it isn't text".to_owned()),
        // Stray NULs are removed: one inside a word would split it for the rules.
        false => Ok(text.replace('\0', "")),
    }
}

/// True if more than one character in a hundred is a control character, and more than two. Some encodings turn any
/// bytes into characters, so that decoding proves nothing. Our judgement: pasted text may hold a
/// stray control character.
fn is_binary(text: &str) -> bool {
    let is_odd = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    let odd = text.chars().filter(is_odd).count();
    // Two in ten bytes are no text, either.
    odd * 100 > text.chars().count() && (odd > 2 || text.len() < 20)
}

fn guessed(bytes: &[u8]) -> String {
    let declared = declared(&bytes[..bytes.len().min(DECLARATION_BYTES_MAX)]);
    let encoding = declared.unwrap_or_else(|| {
        let mut detector = EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, chardetng::Utf8Detection::Deny)
    });
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// The encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head);
    let (_, rest) = head.strip_prefix("<?xml")?.split_once("encoding=")?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(rest[1..].split(quote).next()?.as_bytes())
}

/// Decodes UTF-16 without a byte order mark, if most bytes at even places are NUL or most at odd
/// ones, but not both.
fn utf16(bytes: &[u8]) -> Option<String> {
    let nul = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let half = bytes.len() / 2;
    // A few bytes are too little to detect an encoding.
    if bytes.len() < 8 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let encoding = match (nul(0) * 2 > half, nul(1) * 2 > half) {
        (false, true) => encoding_rs::UTF_16LE,
        (true, false) => encoding_rs::UTF_16BE,
        _ => return None,
    };
    let text = encoding.decode_without_bom_handling(bytes).0.into_owned();
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encoding_it_came_in() {
        let utf16 = |text: &str, bom: bool| {
            let units = bom.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
        };
        for (bytes, expected) in [
            (b"plain".to_vec(), "plain"),
            ("Mädchen".as_bytes().to_vec(), "Mädchen"),
            (b"\xef\xbb\xbfMarke".to_vec(), "Marke"),
            (
                b"Dringend: Treffen heute, M\xe4dchen 12".to_vec(),
                "Dringend: Treffen heute, Mädchen 12",
            ),
            (
                b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xfc</a>".to_vec(),
                "<?xml version='1.0' encoding='ISO-8859-1'?><a>ü</a>",
            ),
            (utf16("Konto: x", true), "Konto: x"),
            (utf16("Konto: x", false), "Konto: x"),
        ] {
            assert_eq!(text(&bytes).as_deref(), Ok(expected));
        }
        assert!(text(b"a\0b\0\0\0\x01\xff").is_err());
        // Regression: one NUL byte at the end of a file made all of it unreadable.
        let long = "He meets her tomorrow. ";
        for stray in [
            format!("{long}\0"),
            format!("\0{long}"),
            long.replacen("morrow", "mor\0row", 1),
        ] {
            assert_eq!(text(stray.as_bytes()).as_deref(), Ok(long));
        }
    }
}
