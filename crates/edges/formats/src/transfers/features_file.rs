//! Writes the rolling features of every transfer to a Parquet file.
//!
//! Transfers are partitioned by sender as they are read. Each partition is then sorted, run through
//! the windows and written, so that only the packed columns are ever held as a whole.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use obhut_typologies::features::{Rolling, Scratch, Sent, of_sender};
use obhut_typologies::{ByParty, Names, Packed, PartyKey, Policy, Transfer};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// Number of partitions: one for each value of the hash's top eight bits (`push`).
const PARTS: usize = 256;

/// Transfers partitioned by sender, in packed columns.
pub struct BySender {
    parts: Vec<Part>,
    policy: Policy,
}

#[derive(Default)]
struct Part {
    row: Packed,
    sender: Packed,
    recipient: Packed,
    at: Packed,
    /// Twice the amount in minor units, plus one if the amount is small.
    amount: Packed,
}

impl BySender {
    /// An empty set. An amount is small if it is within the policy's price band for its currency.
    pub fn new(policy: Policy) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Part::default()).collect(),
            policy,
        }
    }

    /// Adds a transfer; `row` is its place in the order of processing, from 0.
    pub fn push(&mut self, row: u64, t: &Transfer) {
        // Fibonacci hashing: 2^64 divided by the golden ratio. The top eight bits are the
        // partition's number.
        let part = (t.sender.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        let part = &mut self.parts[part];
        let small = self.policy.band(t.currency).holds(t.amount_minor);
        part.row.push(row);
        part.sender.push(t.sender.0);
        part.recipient.push(t.recipient.0);
        // Never negative: nothing before 1990 is admitted (typologies/records.rs).
        part.at.push(t.at_micros as u64);
        // No overflow: amounts end at 10^12 minor units (typologies/records.rs).
        part.amount
            .push((t.amount_minor as u64) << 1 | u64::from(small));
    }

    /// Writes a row for each transfer (its number among those processed, its sender, and the
    /// features of both windows) and returns how many. The rows of a sender are together and in
    /// time order; the order of the senders varies from run to run.
    ///
    /// # Errors
    /// The file can't be written.
    ///
    /// # Panics
    /// A sender's key is a text's and came from other `Names`.
    pub fn write(self, out: File, names: &Names) -> io::Result<u64> {
        let parts = std::sync::Mutex::new(self.parts.into_iter());
        let names = Named::new(names);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            // One batch may wait; with more, fast workers would hold their results in memory.
            let (send, ready) = mpsc::sync_channel::<RecordBatch>(1);
            for _ in 0..threads {
                let (send, parts) = (send.clone(), &parts);
                scope.spawn(move || {
                    let mut work = Work::default();
                    loop {
                        let part = parts.lock().expect("no thread panicked").next();
                        let Some(part) = part else {
                            return;
                        };
                        let batch = work.run(&part, names);
                        // Dropped before the send, which may block.
                        drop(part);
                        if batch.num_rows() > 0 && send.send(batch).is_err() {
                            return;
                        }
                    }
                });
            }
            // This thread's own sender: as long as it exists, `ready` never ends.
            drop(send);
            // After a write error `ready` is dropped with this
            // closure, which releases blocked workers.
            write_batches(out, &ready, names)
        })
        .map_err(io::Error::other)
    }
}

/// All parties are numbers, or some are texts.
#[derive(Clone, Copy)]
enum Named<'a> {
    Numbers,
    Texts(&'a Names),
}

impl<'a> Named<'a> {
    fn new(names: &'a Names) -> Self {
        if names.has_texts() {
            Named::Texts(names)
        } else {
            Named::Numbers
        }
    }

    fn column(self, senders: &[u64]) -> ArrayRef {
        match self {
            // Without texts every key is below 2^63 (typologies Names), so an i64 holds it.
            Named::Numbers => Arc::new(senders.iter().map(|s| *s as i64).collect::<Int64Array>()),
            Named::Texts(names) => Arc::new(StringArray::from_iter_values(
                senders.iter().map(|s| names.name(PartyKey(*s))),
            )),
        }
    }
}

#[derive(Default)]
struct Work {
    /// Rows grouped by sender; those of a sender in the order in which they came.
    order: Vec<u32>,
    /// Start of each sender's rows in `order`, and the end of the last sender's.
    bounds: Vec<u32>,
    numbers: ByParty<u32>,
    number_of: Vec<u32>,
    sent: Vec<Sent>,
    scratch: Scratch,
}

impl Work {
    /// Groups the rows by sender, with a counting sort.
    fn group(&mut self, part: &Part) {
        let n = part.row.len();
        self.numbers.clear();
        self.number_of.clear();
        self.bounds.clear();
        for i in 0..n {
            // u32 keeps the index small; one part would need four billion rows to overflow it.
            let next = self.numbers.len() as u32;
            let number = *self
                .numbers
                .entry(PartyKey(part.sender.get(i)))
                .or_insert(next);
            if number == next {
                self.bounds.push(0);
            }
            self.bounds[number as usize] += 1;
            self.number_of.push(number);
        }
        // Counting sort: linear, and the rows of a sender keep the order in which they came.
        let mut from = 0;
        for bound in &mut self.bounds {
            let count = *bound;
            *bound = from;
            from += count;
        }
        self.order.clear();
        self.order.resize(n, 0);
        for (i, number) in self.number_of.iter().enumerate() {
            let at = &mut self.bounds[*number as usize];
            self.order[*at as usize] = i as u32;
            *at += 1;
        }
        // Each bound is now the end of its sender's rows, where the next sender's begin.
        self.bounds.insert(0, 0);
    }

    fn run(&mut self, part: &Part, names: Named<'_>) -> RecordBatch {
        let n = part.row.len();
        self.group(part);
        let (mut rows, mut senders) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut windows: [Columns; 2] = [Columns::with(n), Columns::with(n)];
        for group in self.bounds.windows(2) {
            let group = &mut self.order[group[0] as usize..group[1] as usize];
            let Some(first) = group.first() else {
                continue;
            };
            let sender = part.sender.get(*first as usize);
            let at = |i: &u32| part.at.get(*i as usize) as i64;
            // History mostly comes in time order already.
            if !group.is_sorted_by_key(at) {
                group.sort_by_key(at);
            }
            self.sent.clear();
            self.sent.extend(group.iter().map(|i| {
                let amount = part.amount.get(*i as usize);
                Sent {
                    at_micros: at(i),
                    recipient: part.recipient.get(*i as usize),
                    amount_minor: (amount >> 1) as i64,
                    small: amount & 1 == 1,
                }
            }));
            rows.extend(group.iter().map(|i| part.row.get(*i as usize) as i64));
            senders.extend(group.iter().map(|_| sender));
            of_sender(&self.sent, &mut self.scratch, |_, w| {
                for (column, window) in windows.iter_mut().zip(&w) {
                    column.push(window);
                }
            });
        }
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("row".into(), Arc::new(Int64Array::from(rows))),
            ("sender".into(), names.column(&senders)),
        ];
        // As WINDOWS_DAYS in typologies/features.rs, in the same order.
        for (days, window) in [30, 90].into_iter().zip(windows) {
            columns.push((format!("n_{days}d"), Arc::new(UInt32Array::from(window.n))));
            columns.push((
                format!("sum_minor_{days}d"),
                Arc::new(Int64Array::from(window.sum)),
            ));
            columns.push((
                format!("small_{days}d"),
                Arc::new(UInt32Array::from(window.small)),
            ));
            columns.push((
                format!("recipients_{days}d"),
                Arc::new(UInt32Array::from(window.recipients)),
            ));
        }
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }
}

struct Columns {
    n: Vec<u32>,
    sum: Vec<i64>,
    small: Vec<u32>,
    recipients: Vec<u32>,
}

impl Columns {
    fn with(n: usize) -> Self {
        Self {
            n: Vec::with_capacity(n),
            sum: Vec::with_capacity(n),
            small: Vec::with_capacity(n),
            recipients: Vec::with_capacity(n),
        }
    }

    fn push(&mut self, window: &Rolling) {
        self.n.push(window.n);
        self.sum.push(window.sum_minor);
        self.small.push(window.small);
        self.recipients.push(window.recipients);
    }
}

fn write_batches(
    out: File,
    ready: &mpsc::Receiver<RecordBatch>,
    names: Named<'_>,
) -> Result<u64, ParquetError> {
    // Speed before size: the benchmark of the rolling features includes writing
    // (docs/performance.md).
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(Some(1 << 18))
        .build();
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut out = Some(out);
    let mut rows = 0;
    // Only the schema of this empty batch is used: a file without any transfer still gets its
    // columns.
    let first = Work::default().run(&Part::default(), names);
    for batch in ready {
        let writer = match writer.as_mut() {
            Some(writer) => writer,
            None => writer.insert(ArrowWriter::try_new(
                out.take().expect("one file"),
                batch.schema(),
                Some(properties.clone()),
            )?),
        };
        rows += batch.num_rows() as u64;
        writer.write(&batch)?;
    }
    let writer = match writer {
        Some(writer) => writer,
        // No transfer: a file with its columns and no row.
        None => ArrowWriter::try_new(out.take().expect("one file"), first.schema(), None)?,
    };
    writer.close()?;
    Ok(rows)
}
