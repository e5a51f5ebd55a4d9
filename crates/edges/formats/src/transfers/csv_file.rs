//! Reads CSV (RFC 4180) into records. The delimiter is detected from the first line: comma,
//! semicolon, tab or bar. A quotation mark that is never closed costs one record and not the rest
//! of the file.

use std::io::{self, BufRead as _, Read};

use obhut_typologies::{Transfer, Transfers};

use super::{Channels, Mapping, record_of_texts};

/// Longest record, in bytes. Our judgement.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// Further lines that one record may span inside quotation marks. Our judgement.
const RECORD_LINES_MAX: usize = 64;

// Long: a single pass whose state is in local variables.
pub(super) fn read(
    file: impl Read,
    mapping: &Mapping,
    words: &mut Channels,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> Result<(), String> {
    let mut lines = Lines::new(file);
    let mut first = Vec::new();
    if !lines.next(&mut first).map_err(|e| e.to_string())? {
        return Err("it is empty".into());
    }
    let first = first
        .strip_prefix(&[0xef, 0xbb, 0xbf][..])
        .unwrap_or(&first);
    let Ok(first) = std::str::from_utf8(first) else {
        return Err(NO_TABLE.into());
    };
    let count = |d: char| first.matches(d).count();
    // If counts are equal, max_by_key() takes the last delimiter.
    let delimiter = *[',', ';', '\t', '|']
        .iter()
        .max_by_key(|d| count(**d))
        .expect("there are four");
    // One column cannot be the six required ones; a NUL means UTF-16 or a binary file.
    if count(delimiter) == 0 || first.contains('\0') {
        return Err(NO_TABLE.into());
    }
    let delimiter = delimiter as u8;
    let mut fields = Fields::default();
    if !fields.split(first.as_bytes(), delimiter) {
        return Err("a quotation mark in its first line is never closed".into());
    }
    let theirs: Vec<String> = (0..fields.len())
        .map(|n| fields.get(first.as_bytes(), n).to_owned())
        .collect();
    let places = mapping.find(&theirs)?;
    let (mut line, mut number) = (Vec::new(), 0);
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    loop {
        line.clear();
        // Lines joined by a stray quotation mark are processed one by one again.
        match waiting.pop() {
            Some(kept) => line = kept,
            None => match lines.next(&mut line) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // A read error ends the file and not the run: what came before it is kept.
                Err(e) => {
                    transfers.unreadable(number + 1, format!("{e}; nothing after it was read"));
                    return Ok(());
                }
            },
        }
        // A blank line is not a record and gets no number.
        if line.is_empty() {
            continue;
        }
        number += 1;
        let mut closed = fields.split(&line, delimiter);
        if !closed {
            let alone = line.len();
            let mut held = Vec::new();
            // Each pass splits from the start of the record: at most RECORD_LINES_MAX passes over
            // some two megabytes.
            while !closed && held.len() < RECORD_LINES_MAX && line.len() < RECORD_BYTES_MAX {
                let mut more = Vec::new();
                let came = match waiting.pop() {
                    Some(kept) => {
                        more = kept;
                        true
                    }
                    None => lines.next(&mut more).unwrap_or(false),
                };
                if !came {
                    break;
                }
                line.push(b'\n');
                line.extend(&more);
                held.push(more);
                closed = fields.split(&line, delimiter);
            }
            // The joined lines must also have the right number of fields; otherwise the closing
            // mark belongs to another record.
            if !closed || fields.len() != theirs.len() {
                line.truncate(alone);
                // Reversed, because pop() takes from the end.
                waiting.extend(held.into_iter().rev());
                transfers.unreadable(number, "a quotation mark in it is never closed");
                continue;
            }
        }
        // Lines::next() keeps one byte more than the limit, so that a cut line is recognised here.
        if line.len() > RECORD_BYTES_MAX {
            transfers.unreadable(
                number,
                format!("it is longer than {RECORD_BYTES_MAX} bytes"),
            );
            continue;
        }
        if fields.len() != theirs.len() {
            let why = format!(
                "it has {} fields, the first line has {}",
                fields.len(),
                theirs.len()
            );
            transfers.unreadable(number, why);
            continue;
        }
        // Checking this after splitting is early enough: delimiters and quotation marks are ASCII
        // and never part of a longer UTF-8 sequence.
        if std::str::from_utf8(&line).is_err() {
            transfers.unreadable(number, "not valid UTF-8");
            continue;
        }
        let field = |at: usize| places[at].map_or("", |p| fields.get(&line, p));
        match record_of_texts(number, &field, words) {
            Ok(record) => transfers.take(&record, put),
            Err(why) => transfers.unreadable(number, why),
        }
    }
}

const NO_TABLE: &str =
    "it is neither CSV (UTF-8, with a line of column names), nor Parquet, nor ISO 20022 in UTF-8";

/// Lines of a file, without line ends; a line that is too long is cut and later refused.
struct Lines<R> {
    file: io::BufReader<R>,
}

impl<R: Read> Lines<R> {
    fn new(file: R) -> Self {
        Self {
            file: io::BufReader::with_capacity(1 << 16, file),
        }
    }

    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        let mut any = false;
        loop {
            let held = self.file.fill_buf()?;
            if held.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', held);
            let part = &held[..end.unwrap_or(held.len())];
            // The rest of an overlong line is consumed without being kept.
            let room = (RECORD_BYTES_MAX + 1).saturating_sub(line.len());
            line.extend(&part[..part.len().min(room)]);
            let taken = end.map_or(held.len(), |e| e + 1);
            self.file.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(any)
    }
}

/// Positions of fields in a line; fields with doubled quotation marks are stored unescaped.
#[derive(Default)]
struct Fields {
    spans: Vec<(usize, usize)>,
    own: Vec<(usize, String)>,
}

impl Fields {
    /// Splits the line into fields; false if a quotation mark is never closed.
    fn split(&mut self, line: &[u8], delimiter: u8) -> bool {
        self.spans.clear();
        self.own.clear();
        let mut at = 0;
        loop {
            if line.get(at) == Some(&b'"') {
                let start = at + 1;
                let mut end = start;
                let mut doubled = false;
                loop {
                    match memchr::memchr(b'"', &line[end..]) {
                        None => return false,
                        Some(n) if line.get(end + n + 1) == Some(&b'"') => {
                            doubled = true;
                            end += n + 2;
                        }
                        Some(n) => {
                            end += n;
                            break;
                        }
                    }
                }
                if doubled {
                    // Nothing is lost: a line that is not UTF-8 is
                    // refused before its fields are used.
                    let text = String::from_utf8_lossy(&line[start..end]).replace("\"\"", "\"");
                    self.own.push((self.spans.len(), text));
                }
                self.spans.push((start, end));
                at = end + 1;
                // Text between the closing mark and the delimiter belongs to no field.
                match memchr::memchr(delimiter, &line[at..]) {
                    Some(n) => at += n + 1,
                    None => return true,
                }
            } else {
                match memchr::memchr(delimiter, &line[at..]) {
                    Some(n) => {
                        self.spans.push((at, at + n));
                        at += n + 1;
                    }
                    None => {
                        self.spans.push((at, line.len()));
                        return true;
                    }
                }
            }
        }
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    /// Field `n`, from 0; empty if it isn't valid UTF-8.
    fn get<'a>(&'a self, line: &'a [u8], n: usize) -> &'a str {
        if let Some((_, text)) = self.own.iter().find(|o| o.0 == n) {
            return text;
        }
        let (from, to) = self.spans[n];
        std::str::from_utf8(&line[from..to]).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, want: Option<&[&str]>) {
        let mut fields = Fields::default();
        let closed = fields.split(line.as_bytes(), b',');
        let got: Vec<&str> = (0..fields.len())
            .map(|n| fields.get(line.as_bytes(), n))
            .collect();
        assert_eq!(closed.then_some(got.as_slice()), want, "{line}");
    }

    #[test]
    fn fields_are_what_rfc_4180_says() {
        check("a,b,c", Some(&["a", "b", "c"]));
        check("a,,", Some(&["a", "", ""]));
        check("\"a,b\",c", Some(&["a,b", "c"]));
        check("\"a \"\"b\"\"\",c", Some(&["a \"b\"", "c"]));
        check("\"two\nlines\",c", Some(&["two\nlines", "c"]));
        check("a,\"b", None);
        // The reader skips blank lines, so this never gets one.
        check("", Some(&[""]));
    }
}
