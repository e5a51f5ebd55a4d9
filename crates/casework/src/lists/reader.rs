//! A CSV file to a list: columns kind, digest and, if wanted, category_scale, category, entry_id.
//!
//! A bad row is a problem with its number, never the end of the list, and never quoted: what
//! stands in it may be a digest with a typing error.

use std::collections::HashMap;
use std::fmt;

use obhut_hash::kinds;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::EntryLabel;
use super::loaded::{Builder, LoadedList};

/// Longest field, in bytes.
const FIELD_BYTES_MAX: usize = 256;
/// Most rows of one file.
const ROWS_MAX: u64 = 50_000_000;
/// Problems kept with their text; further ones only count.
const PROBLEMS_MAX: usize = 10_000;

/// A row that was left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListProblem {
    /// Number of the row below the header, from 1.
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

/// Reads a list; its version is the SHA-256 of the file.
pub fn read_list_file(name: &str, csv: &[u8]) -> (LoadedList, Vec<ListProblem>) {
    let version = hex::encode(Sha256::digest(csv));
    let mut builder = Builder::default();
    let mut problems = Vec::new();
    // A byte order mark, as spreadsheets write it, is no part of the first column's name.
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(csv);
    let columns: HashMap<String, usize> = match reader.byte_headers() {
        Ok(header) => header
            .iter()
            .map(|h| String::from_utf8_lossy(h).to_lowercase())
            .zip(0..)
            .collect(),
        Err(_) => HashMap::new(),
    };
    let (Some(&kind_at), Some(&digest_at)) = (columns.get("kind"), columns.get("digest")) else {
        problems.push(ListProblem {
            row: 0,
            line: 1,
            what: "the first line must name the columns kind and digest".into(),
        });
        return (builder.build(name, version), problems);
    };

    let mut row = 0;
    let mut more = 0_u64;
    let mut lines = Lines {
        csv,
        offset: 0,
        line: 1,
    };
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => row += 1,
            Ok(false) => break,
            Err(_) => {
                let line = lines.at(reader.position().byte() as usize);
                problems.push(ListProblem {
                    row: row + 1,
                    line,
                    what: "is not CSV; reading stopped here".into(),
                });
                break;
            }
        }
        let line = lines.at(record.position().map_or(0, |p| p.byte() as usize));
        if row > ROWS_MAX {
            problems.push(ListProblem {
                row,
                line,
                what: format!("more than {ROWS_MAX} rows; reading stopped here"),
            });
            break;
        }
        let read = read_row(name, &record, kind_at, digest_at, &columns).and_then(
            |(kind, digest, label, entry)| {
                if builder.add(kind, digest, label, entry) {
                    Ok(())
                } else {
                    Err("stands in the list already".into())
                }
            },
        );
        match read {
            Err(what) if problems.len() < PROBLEMS_MAX => {
                problems.push(ListProblem { row, line, what })
            }
            Err(_) => more += 1,
            Ok(()) => {}
        }
    }
    if more > 0 {
        problems.push(ListProblem {
            row,
            line: lines.line,
            what: format!("and {more} more rows could not be read"),
        });
    }
    (builder.build(name, version), problems)
}

/// Counts lines up to an offset. The CSV reader's own count lags behind where lines end in CR LF.
struct Lines<'a> {
    csv: &'a [u8],
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> u64 {
        let rest = &self.csv[offset.min(self.csv.len())..];
        // A row begins behind the line ends that the reader skipped.
        let begin = offset
            + rest
                .iter()
                .take_while(|b| matches!(b, b'\r' | b'\n'))
                .count();
        let passed = &self.csv[self.offset..begin.min(self.csv.len()).max(self.offset)];
        self.line += passed.iter().filter(|b| **b == b'\n').count() as u64;
        self.offset += passed.len();
        self.line
    }
}

type Row = (
    &'static obhut_hash::Kind,
    obhut_hash::Digest,
    EntryLabel,
    String,
);

fn read_row(
    list: &str,
    record: &csv::ByteRecord,
    kind_at: usize,
    digest_at: usize,
    columns: &HashMap<String, usize>,
) -> Result<Row, String> {
    let field = |at: usize, what: &str| -> Result<&str, String> {
        let bytes = record.get(at).unwrap_or_default();
        if bytes.len() > FIELD_BYTES_MAX {
            return Err(format!("{what} is longer than {FIELD_BYTES_MAX} bytes"));
        }
        std::str::from_utf8(bytes).map_err(|_| format!("{what} is not UTF-8"))
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
        return Err("a category without category_scale says nothing: 0 and 5 have opposite meanings between scales".into());
    }
    let mut entry = optional("entry_id")?.to_owned();
    if entry.is_empty() {
        // The same in every version of the list, and no digest anybody could look up.
        let hash = Sha256::digest(format!("{list}\n{}\n{}", kind.name, digest.to_hex()));
        entry = format!("e-{}", &hex::encode(hash)[..16]);
    }
    Ok((kind, digest, label, entry))
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
                row 3 (line 4): digest: 8 characters where 32 hex digits belong
                row 4 (line 5): digest: 32 characters where 40 hex digits belong
                row 5 (line 6): kind is none of pdq, pdq-cimg512, md5, sha1, sha256
                row 6 (line 7): stands in the list already
                row 7 (line 8): a category without category_scale says nothing: 0 and 5 have opposite meanings between scales
            "#]],
        );
        check(
            "",
            expect![[r#"
            0 entries
            row 0 (line 1): the first line must name the columns kind and digest
        "#]],
        );
        check(
            "digest;kind\n",
            expect![[r#"
            0 entries
            row 0 (line 1): the first line must name the columns kind and digest
        "#]],
        );
        check(
            &format!("\u{feff}kind,digest\r\nmd5,{MD5}\r\n\r\nmd5\r\n"),
            expect![[r#"
            1 entries
            row 2 (line 4): digest: 0 characters where 32 hex digits belong
        "#]],
        );
    }

    #[test]
    fn beyond_so_many_problems_only_their_number_is_kept() {
        let csv = format!("kind,digest\n{}", "md5,x\n".repeat(PROBLEMS_MAX + 5));
        let (_, problems) = read_list_file("test", csv.as_bytes());
        assert_eq!(problems.len(), PROBLEMS_MAX + 1);
        assert!(problems[PROBLEMS_MAX].what.contains("and 5 more"));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_problem_not_a_panic() {
        let (list, problems) = read_list_file("test", b"kind,digest\nmd5,\xff\xfe\n\0\0\0,\"\n");
        assert_eq!((list.len(), problems.len()), (0, 2));
    }

    #[test]
    fn entries_without_an_id_get_one_that_stays() {
        let csv = format!("kind,digest\nmd5,{MD5}\n");
        let longer = format!("kind,digest\nmd5,{}\nmd5,{MD5}\n", "0".repeat(32));
        let (a, _) = read_list_file("test", csv.as_bytes());
        let (b, _) = read_list_file("test", longer.as_bytes());
        assert_eq!(a.parts[0].entries[0], b.parts[0].entries[1]);
        assert!(!a.parts[0].entries[0].contains(&MD5[..8]));
    }
}
