//! Takes a form (`multipart/form-data`, RFC 7578) apart, or refuses it.
//!
//! Behind a hook the platform parses the same bytes with its own parser. Whatever two parsers
//! could read differently is refused here: otherwise a file that only the platform's sees would pass
//! unscreened. So nothing may be before the first part or after the last, every line that looks
//! like a boundary has to be one, and a part may not be wrapped or packed.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use memchr::memmem;

/// Longest boundary, in characters (RFC 2046, 5.1.1).
const BOUNDARY_CHARS_MAX: usize = 70;
/// Longest header of a part, in bytes. Our judgement: room for a long file name.
const PART_HEADER_BYTES_MAX: usize = 8 << 10;
/// Parts in one form. Our judgement.
const PARTS_MAX: usize = 200;

/// A part of a form.
pub(crate) struct Part {
    pub name: String,
    pub file_name: Option<String>,
    /// True if it states a media type.
    pub has_type: bool,
    pub bytes: Bytes,
}

/// The parts of a form, in their order; or what is wrong with it.
pub(crate) fn parse(headers: &HeaderMap, body: &Bytes) -> Result<Vec<Part>, &'static str> {
    let boundary = boundary(headers)?;
    let delimiter = format!("--{boundary}");
    let mut delimiters = memmem::find_iter(body, &delimiter)
        .filter(|at| is_at_line_start(body, *at))
        .peekable();
    let first = delimiters.peek().copied();
    if first != Some(0) && !(first == Some(2) && body.starts_with(b"\r\n")) {
        return Err("something is before its first part");
    }
    let mut parts = Vec::new();
    loop {
        let at = delimiters.next().ok_or("its last part has no end")?;
        let after = at + delimiter.len();
        match body.get(after..after + 2) {
            Some(b"--") => {
                let rest = &body[after + 2..];
                if delimiters.next().is_some() || !rest.trim_ascii().is_empty() {
                    return Err("something follows its last part");
                }
                return Ok(parts);
            }
            Some(b"\r\n") => {}
            _ => return Err("a line in it looks like a boundary and isn't one"),
        }
        let end = *delimiters.peek().ok_or("its last part has no end")?;
        if parts.len() == PARTS_MAX {
            return Err("it has too many parts");
        }
        // The line break before a delimiter belongs to it.
        let end = end.checked_sub(2).filter(|end| *end >= after + 2);
        let end = end.filter(|end| &body[*end..*end + 2] == b"\r\n");
        let end = end.ok_or("a line in it looks like a boundary and isn't one")?;
        parts.push(part(body, after + 2, end)?);
    }
}

/// True at the body's start, and after CR or LF: some parsers take either as the end of a line.
fn is_at_line_start(body: &[u8], at: usize) -> bool {
    at == 0 || matches!(body[at - 1], b'\r' | b'\n')
}

/// The boundary that the request's Content-Type states, exactly once.
fn boundary(headers: &HeaderMap) -> Result<String, &'static str> {
    let mut stated = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (stated.next(), stated.next()) else {
        return Err("its Content-Type is sent more than once");
    };
    let value = value.to_str().map_err(|_| "its Content-Type isn't ASCII")?;
    let (media, rest) = value.split_once(';').ok_or("it states no boundary")?;
    if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err("its Content-Type isn't multipart/form-data");
    }
    let parameters = parameters(rest)?;
    // Some parsers look for the word anywhere, others take `boundary*` (RFC 2231), or the last of two.
    if value.to_ascii_lowercase().matches("boundary").count() != 1 {
        return Err("it states no boundary, or more than one");
    }
    let is_known = |name: &str| ["boundary", "charset"].contains(&name);
    if parameters.len() > 2 || !parameters.iter().all(|(name, _)| is_known(name)) {
        return Err("its Content-Type has other parameters than boundary and charset");
    }
    // White space around the equals sign ends the name, or the value, for some.
    let lower = value.to_ascii_lowercase();
    if lower.contains("boundary ") || lower.contains("boundary\t") || lower.contains("= ") {
        return Err("its Content-Type has white space where parsers read it differently");
    }
    let boundary = parameters.iter().find(|(name, _)| name == "boundary");
    let (_, boundary) = boundary.ok_or("it states no boundary, or more than one")?;
    // Of those that RFC 2046 allows, only the ones at which no parser ends an unquoted value.
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+_-.".contains(c);
    if boundary.is_empty()
        || boundary.len() > BOUNDARY_CHARS_MAX
        || !boundary.chars().all(is_allowed)
    {
        return Err("its boundary has characters that parsers read differently");
    }
    Ok(boundary.clone())
}

/// `; name=value` pairs, names in lower case, values without their quotes.
fn parameters(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    const BROKEN: &str = "a header's parameters are broken";
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ';']);
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or(BROKEN)?;
        let name = name.trim().to_ascii_lowercase();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "*-_".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(BROKEN);
        }
        let value = value.trim_start_matches([' ', '\t']);
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut text = String::new();
                let mut chars = quoted.char_indices();
                let end = loop {
                    match chars.next().ok_or(BROKEN)? {
                        (at, '"') => break at,
                        // Only these are escaped; elsewhere it is the separator of a Windows path.
                        (_, '\\') if chars.as_str().starts_with(['"', '\\']) => {
                            text.extend(chars.next().map(|(_, c)| c));
                        }
                        (_, c) => text.push(c),
                    }
                };
                (text, &quoted[end + 1..])
            }
            None => {
                let end = value.find(';').unwrap_or(value.len());
                let text = value[..end].trim_end();
                if text.contains([' ', '"', ',', '\t']) {
                    return Err(BROKEN);
                }
                (text.to_owned(), &value[end..])
            }
        };
        let after = after.trim_start_matches([' ', '\t']);
        // A comma would begin a second value.
        if !after.is_empty() && !after.starts_with(';') {
            return Err(BROKEN);
        }
        found.push((name, value));
        rest = after.trim_start_matches([' ', '\t', ';']);
    }
    Ok(found)
}

/// The part in `body[start..end]`, its header included.
fn part(body: &Bytes, start: usize, end: usize) -> Result<Part, &'static str> {
    let within = &body[start..end];
    // A header ends with an empty line. A part without any header begins with one.
    let (header, content) = match within.strip_prefix(b"\r\n") {
        Some(_) => (&[][..], start + 2),
        None => {
            let length = memmem::find(within, b"\r\n\r\n").ok_or("a part has no header")?;
            (&within[..length], start + length + 4)
        }
    };
    if header.len() > PART_HEADER_BYTES_MAX {
        return Err("a part's header is too long");
    }
    let header = std::str::from_utf8(header).map_err(|_| "a part's header isn't UTF-8")?;
    let mut part = Part {
        name: String::new(),
        file_name: None,
        has_type: false,
        bytes: body.slice(content..end),
    };
    let mut seen = Vec::new();
    for line in header.split("\r\n").filter(|line| !line.is_empty()) {
        // A line that continues the one before is read in different ways; so is a lone CR or LF.
        let (name, value) = line.split_once(':').ok_or("a part's header is broken")?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || value.contains(['\r', '\n', '\0']) {
            return Err("a part's header is broken");
        }
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if seen.contains(&name) {
            return Err("a part's header says something twice");
        }
        match name.as_str() {
            "content-disposition" => disposition(&mut part, value)?,
            "content-type" => {
                part.has_type = true;
                let media = value.to_ascii_lowercase();
                if media.starts_with("multipart/") || media.starts_with("message/") {
                    return Err("a part wraps others; send each file as a part of its own");
                }
                if media.contains(',') {
                    return Err("a part states two media types");
                }
            }
            // Nothing is decoded here: a picture inside would be screened as text and pass.
            "content-transfer-encoding"
                if !["binary", "8bit", "7bit"]
                    .iter()
                    .any(|plain| value.eq_ignore_ascii_case(plain)) =>
            {
                return Err("a part is encoded; send files as they are");
            }
            "content-encoding" | "transfer-encoding" if !value.eq_ignore_ascii_case("identity") => {
                return Err("a part is packed; send files as they are");
            }
            _ => {}
        }
        seen.push(name);
    }
    // A parser that takes another line for the boundary would find this form instead.
    if looks_like_form(&part.bytes) {
        return Err("a part holds another form");
    }
    if !seen.iter().any(|name| name == "content-disposition") {
        return Err("a part has no name");
    }
    Ok(part)
}

/// True if a part's header is somewhere: `Content-Disposition`, in any case, then a colon and
/// `form-data`, with any white space between.
pub(crate) fn looks_like_form(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"content-disposition";
    const VALUE: &[u8] = b"form-data";
    let starts = |rest: &[u8], with: &[u8]| {
        rest.get(..with.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(with))
    };
    memchr::memchr2_iter(b'c', b'C', bytes).any(|at| {
        let rest = &bytes[at..];
        if !starts(rest, NAME) {
            return false;
        }
        let rest = rest[NAME.len()..].trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b":") else {
            return false;
        };
        starts(rest.trim_ascii_start(), VALUE)
    })
}

fn disposition(part: &mut Part, value: &str) -> Result<(), &'static str> {
    let (kind, rest) = value.split_once(';').unwrap_or((value, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("a part is not form-data");
    }
    let parameters = parameters(rest)?;
    for (place, (name, value)) in parameters.iter().enumerate() {
        if parameters[..place].iter().any(|(n, _)| n == name) {
            return Err("a part has two names");
        }
        match name.as_str() {
            "name" => part.name.clone_from(value),
            "filename" => part.file_name = Some(value.clone()),
            // RFC 7578 forbids it, and clients send both: it is a file either way.
            "filename*" => {
                part.file_name.get_or_insert_with(|| value.clone());
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn probe(bytes: &[u8]) {
    let end = bytes
        .iter()
        .position(|b| *b == b'\n')
        .unwrap_or(bytes.len());
    let Ok(media) = header::HeaderValue::from_bytes(&bytes[..end]) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, media);
    let body = Bytes::copy_from_slice(bytes.get(end + 1..).unwrap_or_default());
    if let Ok(parts) = parse(&headers, &body) {
        // Each part is a piece of the body, and no two share a byte.
        let contents: usize = parts.iter().map(|part| part.bytes.len()).sum();
        assert!(contents <= body.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "multipart/form-data; boundary=b0";

    fn parsed(media: &str, body: &str) -> Result<Vec<Part>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        parse(&headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    fn names(parts: &[Part]) -> Vec<(&str, Option<&str>, &[u8])> {
        parts
            .iter()
            .map(|p| (p.name.as_str(), p.file_name.as_deref(), &p.bytes[..]))
            .collect()
    }

    #[test]
    fn forms_of_usual_clients_are_taken_apart() {
        let body = "--b0\r\nContent-Disposition: form-data; name=\"account\"\r\n\r\nuser 7\r\n\
            --b0\r\nContent-Disposition: form-data; name=file; filename=\"C:\\a\\b.png\"; filename*=utf-8''b.png\r\nContent-Type: image/png\r\n\r\n\r\n--x\r\n\r\n--b0--\r\n";
        let expected: Vec<(_, _, &[u8])> = vec![
            ("account", None, b"user 7"),
            ("file", Some("C:\\a\\b.png"), b"\r\n--x\r\n"),
        ];
        for media in [
            FORM,
            "Multipart/Form-Data; charset=utf-8; boundary=\"b0\"",
            "multipart/form-data;boundary=b0",
        ] {
            let parts = parsed(media, body).unwrap();
            assert_eq!(names(&parts), expected, "{media}");
            assert!(!parts[0].has_type && parts[1].has_type);
        }
        // curl and some libraries begin with an empty line.
        assert_eq!(parsed(FORM, &format!("\r\n{body}")).map(|p| p.len()), Ok(2));
        assert_eq!(parsed(FORM, "--b0--\r\n").map(|p| p.len()), Ok(0));
    }

    #[test]
    fn what_two_parsers_may_read_differently_is_refused() {
        let part =
            "--b0\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nx\r\n";
        let with = |header: &str| {
            format!(
                "{}--b0--",
                part.replace("\r\n\r\nx", &format!("\r\n{header}\r\n\r\nx"))
            )
        };
        assert!(parsed(FORM, &format!("{part}--b0--")).is_ok());
        for (what, body) in [
            ("preamble", format!("hello\r\n{part}--b0--")),
            ("epilogue", format!("{part}--b0--\r\nhello")),
            (
                "part after the end",
                format!("{part}--b0--\r\n{part}--b0--"),
            ),
            ("no end", part.to_owned()),
            ("cut", format!("{part}--b0-")),
            (
                "boundary that goes on",
                format!("{part}--b0x\r\n\r\n\r\n--b0--"),
            ),
            ("padding", format!("{part}--b0 \r\n\r\n\r\n--b0--")),
            (
                "line feeds alone",
                format!("{part}--b0--").replace("\r\n", "\n"),
            ),
            (
                "line feed in the content",
                format!("{}--b0--", part.replace('x', "x\n--b0\ny")),
            ),
            ("wrapped", with("Content-Type: multipart/mixed; boundary=c")),
            ("message", with("content-type: Message/rfc822")),
            ("two types", with("Content-Type: text/plain, image/png")),
            (
                "type twice",
                with("Content-Type: text/plain\r\nContent-Type: image/png"),
            ),
            ("packed", with("Content-Encoding: gzip")),
            ("base64", with("Content-Transfer-Encoding: base64")),
            ("continued line", with("X-A: b\r\n c")),
            (
                "name twice",
                part.replace("name=", "name=\"g\"; name=") + "--b0--",
            ),
            (
                "no name",
                "--b0\r\nContent-Type: text/plain\r\n\r\nx\r\n--b0--".into(),
            ),
            (
                "attachment",
                part.replace("form-data", "attachment") + "--b0--",
            ),
        ] {
            assert!(parsed(FORM, &body).is_err(), "{what}: {body:?}");
        }
        for media in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=b0; boundary=b1",
            "multipart/form-data; boundary=b0, image/png",
            "multipart/form-data; boundary=b 0",
            "multipart/form-data; boundary = b0",
            "multipart/form-data; boundary= b0",
            "multipart/form-data; boundary='b0'",
            "multipart/form-data; boundary=b0:x",
            "multipart/form-data; boundary=b0=x",
            "multipart/form-data; boundary=b0/x",
            "multipart/form-data; boundary=b0(x)",
            "multipart/form-data; boundary=b0?x",
            "multipart/form-data; boundary=b0; boundary*=utf-8''evil",
            "multipart/form-data; xboundary=evil; boundary=b0",
            "multipart/form-data; boundary=b0; xboundary=evil",
            "multipart/form-data; x=\"; boundary=evil; y=\"; boundary=b0",
            "multipart/form-data; boundary=b0; x=y",
        ] {
            assert!(parsed(media, &format!("{part}--b0--")).is_err(), "{media}");
        }
        // The form that a parser sees for which the boundary ends at the colon.
        for end in [":x", "=x", "/x", "(x)", "?x"] {
            let body = format!(
                "--b0{end}\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n{part}--b0--\r\n--b0{end}--\r\n"
            );
            for media in [
                format!("{FORM}{end}"),
                format!("multipart/form-data; boundary=\"b0{end}\""),
            ] {
                assert!(parsed(&media, &body).is_err(), "{media}");
            }
        }
        let nested = format!(
            "--b1\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n{part}--b0--\r\n--b1--\r\n"
        );
        assert!(parsed("multipart/form-data; boundary=b1", &nested).is_err());
        let mut headers = HeaderMap::new();
        headers.append(header::CONTENT_TYPE, FORM.parse().unwrap());
        headers.append(header::CONTENT_TYPE, "image/png".parse().unwrap());
        assert!(parse(&headers, &Bytes::from(format!("{part}--b0--"))).is_err());
    }
}
