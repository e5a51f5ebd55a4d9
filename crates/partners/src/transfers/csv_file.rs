//! CSV to records: comma, semicolon, tab or bar, told by the first line.

use std::cell::Cell;
use std::io::{self, BufRead as _, Read};
use std::rc::Rc;

use obhut_casework::payments::{Transfer, Transfers};

use super::{Mapping, Words, record_of_texts};

/// Longest record, in bytes; a quotation mark that is never closed ends here.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Refuses to go on where one record takes more than [`RECORD_BYTES_MAX`].
struct Bounded<R> {
    inner: R,
    since: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > RECORD_BYTES_MAX {
            return Err(io::Error::other(format!(
                "a record is longer than {RECORD_BYTES_MAX} bytes; is a quotation mark never closed?"
            )));
        }
        let n = self.inner.read(buffer)?;
        self.since.set(self.since.get() + n);
        Ok(n)
    }
}

pub(super) fn read(
    file: impl Read,
    mapping: &Mapping,
    words: &mut Words,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> Result<(), String> {
    let mut file = io::BufReader::with_capacity(1 << 16, file);
    let start = file.fill_buf().map_err(|e| e.to_string())?;
    if start.is_empty() {
        return Err("it is empty".into());
    }
    let bom = if start.starts_with(&[0xef, 0xbb, 0xbf]) {
        3
    } else {
        0
    };
    let line = start.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |d: u8| line.iter().filter(|b| **b == d).count();
    let delimiter = *b",;\t|"
        .iter()
        .max_by_key(|d| count(**d))
        .expect("there are four");
    if count(delimiter) == 0 {
        return Err(
            "it is neither CSV with a line of column names, nor Parquet, nor ISO 20022".into(),
        );
    }
    file.consume(bom);
    let since = Rc::new(Cell::new(0));
    let bounded = Bounded {
        inner: file,
        since: Rc::clone(&since),
    };
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(bounded);
    let headers = reader.byte_headers().map_err(|e| e.to_string())?;
    let theirs: Vec<String> = headers
        .iter()
        .map(|h| String::from_utf8_lossy(h).into_owned())
        .collect();
    let places = mapping.find(&theirs)?;
    let mut row = ::csv::ByteRecord::new();
    let mut number = 0;
    loop {
        since.set(0);
        match reader.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(e) => {
                transfers.unreadable(number + 1, format!("{e}; nothing after it was read"));
                return Ok(());
            }
        }
        number += 1;
        if row.len() != theirs.len() {
            let why = format!(
                "it has {} fields, the first line has {}",
                row.len(),
                theirs.len()
            );
            transfers.unreadable(number, why);
            continue;
        }
        // One look at the whole row; its fields begin and end at characters then.
        if std::str::from_utf8(row.as_slice()).is_err() {
            transfers.unreadable(number, "it is no UTF-8");
            continue;
        }
        let field = |at: usize| {
            places[at]
                .and_then(|p| row.get(p))
                .and_then(|f| std::str::from_utf8(f).ok())
                .unwrap_or("")
        };
        match record_of_texts(number, &field, words) {
            Ok(record) => transfers.take(&record, put),
            Err(why) => transfers.unreadable(number, why),
        }
    }
}
