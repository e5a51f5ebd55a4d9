//! Reads a CSV file as a hash list. Columns: kind, digest and, optionally, category_scale, category
//! and entry_id. Frames (`vpdq`) also need entry_id and a timestamp in seconds, and may have a
//! quality. A video's frames are the rows with its entry_id.
//!
//! A bad row is a problem with its row number. It doesn't stop the import, and it is never quoted: it
//! may contain a digest with a typing error.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use obhut_hash::{Compute, Digest, kinds};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::EntryLabel;
use super::entries::{Builder, Entries, FrameMark, Row};
use super::loaded::LoadedList;

/// Longest field, in bytes. Our judgement.
const FIELD_BYTES_MAX: usize = 256;
/// Most rows of one file. Our judgement.
const ROWS_MAX: u64 = 50_000_000;
/// Latest timestamp of a frame, in seconds: a week. Our judgement.
const TIME_S_MAX: f32 = 604_800.0;
/// Problems kept with their text; further ones are only counted. Our judgement.
const PROBLEMS_MAX: usize = 10_000;

/// A row that was left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListProblem {
    /// Number of the row below the header, from 1, blank lines not counted; 0 for the header.
    pub row: u64,
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for ListProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} (line {}): {}", self.row, self.line, self.what)
    }
}

/// Names an entry without an id: from its kind, its digest and its row number.
pub(crate) type NameEntry<'a> = &'a dyn Fn(&str, &Digest, u64) -> String;

/// Reads a list for one run; its version is the SHA-256 of the file. An entry without an id is
/// named after its row: `row-7`.
pub fn read_list_file(name: &str, csv: &[u8]) -> (LoadedList, Vec<ListProblem>) {
    let (entries, problems) = read(csv, &|_, _, row| format!("row-{row}"));
    (LoadedList::of_file(name, entries), problems)
}

/// [`read_list_file`], but an entry without an id is named by the number of its row alone.
pub fn read_plain_list(name: &str, csv: &[u8]) -> (LoadedList, Vec<ListProblem>) {
    let (entries, problems) = read(csv, &|_, _, row| row.to_string());
    (LoadedList::of_file(name, entries), problems)
}

pub(crate) fn read(csv: &[u8], name_entry: NameEntry<'_>) -> (Entries, Vec<ListProblem>) {
    // Over the file as it came, byte order mark included: sha256sum gives the same.
    let version = hex::encode(Sha256::digest(csv));
    let mut builder = Builder::default();
    let mut problems = Vec::new();
    // A byte order mark, as spreadsheets write it, isn't part of the first column's name.
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let mut lines = (1..).zip(csv.split(|b| *b == b'\n'));
    let header = lines.next().map_or(&b""[..], |(_, line)| line);
    // A header that is not CSV yields no columns and is refused below.
    let columns: HashMap<String, usize> = fields(header)
        .unwrap_or_default()
        .iter()
        .map(|h| String::from_utf8_lossy(h).to_lowercase())
        .zip(0..)
        .collect();
    let (Some(&kind_at), Some(&digest_at)) = (columns.get("kind"), columns.get("digest")) else {
        let what =
            "the first line must name the columns kind and digest, separated by commas".into();
        problems.push(ListProblem {
            row: 0,
            line: 1,
            what,
        });
        return (builder.build(version), problems);
    };

    let (mut row, mut more) = (0, 0_u64);
    for (line, text) in lines {
        if text.trim_ascii().is_empty() {
            continue;
        }
        row += 1;
        if row > ROWS_MAX {
            let what = format!("more than {ROWS_MAX} rows; reading stopped here");
            problems.push(ListProblem { row, line, what });
            break;
        }
        let read = fields(text)
            .and_then(|record| read_row(&record, kind_at, digest_at, &columns))
            .and_then(|read| {
                let given = read.name.clone();
                let name = given.unwrap_or_else(|| name_entry(read.kind.name, &read.digest, row));
                match builder.add(read, &name) {
                    true => Ok(()),
                    false => Err("is in the list already".into()),
                }
            });
        match read {
            Err(what) if problems.len() < PROBLEMS_MAX => {
                problems.push(ListProblem { row, line, what })
            }
            Err(_) => more += 1,
            Ok(()) => {}
        }
    }
    if more > 0 {
        let line = problems.last().map_or(0, |p| p.line);
        problems.push(ListProblem {
            row,
            line,
            what: format!("and {more} more rows have problems"),
        });
    }
    (builder.build(version), problems)
}

/// The fields of one line. A row never spans two lines: a quotation mark that isn't closed must not
/// swallow the rest of the list.
fn fields(line: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Most lists have no quotation mark: their fields are borrowed, not copied.
    if !line.contains(&b'"') {
        return Ok(line
            .split(|b| *b == b',')
            .map(|f| Cow::Borrowed(f.trim_ascii()))
            .collect());
    }
    // The csv crate accepts an unclosed quotation mark at the end of its input.
    if line.iter().filter(|b| **b == b'"').count() % 2 == 1 {
        return Err("a quotation mark is opened and not closed".into());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => Ok(record.iter().map(|f| Cow::Owned(f.to_vec())).collect()),
        _ => Err("is not CSV".into()),
    }
}

fn read_row(
    record: &[Cow<'_, [u8]>],
    kind_at: usize,
    digest_at: usize,
    columns: &HashMap<String, usize>,
) -> Result<Row, String> {
    let field = |at: usize, what: &str| -> Result<&str, String> {
        let bytes = record.get(at).map_or(&b""[..], AsRef::as_ref);
        if bytes.len() > FIELD_BYTES_MAX {
            return Err(format!("{what} is longer than {FIELD_BYTES_MAX} bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{what} is not UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(format!("{what} has control characters"));
        }
        Ok(text)
    };
    let optional = |name: &str| match columns.get(name) {
        Some(at) => field(*at, name),
        None => Ok(""),
    };
    let kind_name = field(kind_at, "kind")?.to_lowercase();
    let kind = kinds::by_name(&kind_name).ok_or_else(|| {
        let known: Vec<_> = kinds::ALL.iter().map(|k| k.name).collect();
        format!("kind is none of {}", known.join(", "))
    })?;
    let digest = kind
        .parse(field(digest_at, "digest")?)
        .map_err(|e| format!("digest: {e}"))?;
    let label = EntryLabel {
        scale: optional("category_scale")?.into(),
        category: optional("category")?.into(),
    };
    if !label.category.is_empty() && label.scale.is_empty() {
        return Err(
            "a category without category_scale says nothing: 0 and 5 have opposite meanings between scales".into(),
        );
    }
    let name = Some(optional("entry_id")?.to_owned()).filter(|e| !e.is_empty());
    let mark = match kind.compute {
        Compute::Frames(_) => {
            if name.is_none() {
                return Err("a frame needs the entry_id of its video".into());
            }
            let time: f32 = optional("timestamp")?
                .parse()
                .map_err(|_| "a frame needs its timestamp in seconds")?;
            // Also refuses NaN and infinity, which parse as numbers.
            if !(0.0..=TIME_S_MAX).contains(&time) {
                return Err(format!(
                    "timestamp is not between 0 and {TIME_S_MAX} seconds"
                ));
            }
            let quality = match optional("quality")? {
                // Without qualities every frame counts: 100 passes any minimum.
                "" => Some(100),
                text => text.parse().ok().filter(|q| *q <= 100),
            };
            Some(FrameMark {
                time_s: time,
                quality: quality.ok_or("quality is not between 0 and 100")?,
            })
        }
        _ => None,
    };
    Ok(Row {
        kind,
        digest,
        label,
        name,
        mark,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(csv: &str, expected: Expect) {
        let (list, problems) = read_list_file("test", csv.as_bytes());
        let mut out = format!("{} entries\n", list.len());
        for p in problems {
            out += &format!("{p}\n");
        }
        expected.assert_eq(&out);
    }

    // MD5 of "abc" (RFC 1321, test suite).
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn good_and_bad_rows() {
        check(
            &format!("kind,digest\nmd5,{MD5}\n"),
            expect![[r#"
            1 entries
        "#]],
        );
        check(
            &format!(
                "kind,digest,category_scale,category\nmd5,{MD5},uk,1\nMD5,{},,\nmd5,nonsense,,\nsha1,{MD5},,\nphotodna,00,,\nmd5,{MD5},,\nmd5,{},,2\n",
                "A".repeat(32),
                "b".repeat(32)
            ),
            expect![[r#"
                2 entries
                row 3 (line 4): digest: 8 bytes where 32 hex digits belong
                row 4 (line 5): digest: 32 bytes where 40 hex digits belong
                row 5 (line 6): kind is none of pdq, pdq-cimg512, md5, sha1, sha256, vpdq
                row 6 (line 7): is in the list already
                row 7 (line 8): a category without category_scale says nothing: 0 and 5 have opposite meanings between scales
            "#]],
        );
        check(
            "",
            expect![[r#"
            0 entries
            row 0 (line 1): the first line must name the columns kind and digest, separated by commas
        "#]],
        );
        check(
            "digest;kind\n",
            expect![[r#"
            0 entries
            row 0 (line 1): the first line must name the columns kind and digest, separated by commas
        "#]],
        );
        // As spreadsheets on Windows write it: byte order mark, CRLF, an empty line.
        check(
            &format!("\u{feff}kind,digest\r\nmd5,{MD5}\r\n\r\nmd5\r\n"),
            expect![[r#"
            1 entries
            row 2 (line 4): digest: 0 bytes where 32 hex digits belong
        "#]],
        );
    }

    #[test]
    fn further_problems_are_only_counted() {
        let csv = format!("kind,digest\n{}", "md5,x\n".repeat(PROBLEMS_MAX + 5));
        let (_, problems) = read_list_file("test", csv.as_bytes());
        assert_eq!(problems.len(), PROBLEMS_MAX + 1);
        assert!(problems[PROBLEMS_MAX].what.contains("and 5 more"));
    }

    #[test]
    fn bytes_that_are_not_text_are_a_problem_not_a_panic() {
        let (list, problems) = read_list_file("test", b"kind,digest\nmd5,\xff\xfe\n\0\0\0,\"\n");
        assert_eq!((list.len(), problems.len()), (0, 2), "{problems:?}");
    }

    #[test]
    fn entries_without_an_id_get_one() {
        let csv = format!("kind,digest\nmd5,{MD5}\n");
        let (list, _) = read_list_file("test", csv.as_bytes());
        assert!(list.has_entry("row-1"));
        let (list, _) = read_plain_list("test", csv.as_bytes());
        assert!(list.has_entry("1"));
    }

    #[test]
    fn a_stray_quotation_mark_costs_its_own_row_only() {
        let row = |i: u32| format!("md5,{i:032x}");
        let csv = format!(
            "kind,digest\n{}\n{},\"x2\n\"md5\",\"{:032x}\"\n{}\n",
            row(1),
            row(2),
            3,
            row(4)
        );
        let (list, problems) = read_list_file("test", csv.as_bytes());
        assert_eq!(
            (
                list.len(),
                problems.len(),
                problems[0].row,
                problems[0].line
            ),
            (3, 1, 2, 3)
        );
    }
}
