//! Parquet to records, row group by row group; only the columns that are wanted are read.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array as _, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use obhut_typologies::{Amount, Context, Id, Preparation, Record, Transfer, Transfers, prepare};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::reader::{ChunkReader, Length};

use super::times::of_epoch;
use super::{COLUMNS, Channels, Mapping, Optional, at, moment, zone};

/// Rows decoded at a time. Our judgement.
const BATCH_ROWS: usize = 16_384;
/// Largest row group, in bytes before compression. Our judgement.
const ROW_GROUP_BYTES_MAX: i64 = 8 << 30;

pub(super) fn read(
    file: &File,
    mapping: &Mapping,
    words: &mut Channels,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> Result<(), String> {
    let opened = Opened::new(file, mapping)?;
    let groups = opened.row_groups();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Copied out: the workers must not borrow `transfers`, which this thread fills.
    let latest = transfers.latest();
    let next = AtomicUsize::new(0);
    // A channel per row group, each filled by one thread and emptied in order. A full channel
    // blocks its thread, so little is decoded ahead.
    let (send, receive): (Vec<_>, Vec<_>) = (0..groups)
        .map(|_| {
            let (send, receive) = sync_channel(AHEAD_BATCHES);
            (Mutex::new(Some(send)), receive)
        })
        .unzip();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(groups) {
            scope.spawn(|| {
                loop {
                    // Groups are taken in the order in which channels are emptied: the group
                    // awaited next always has a thread, so full channels cannot deadlock.
                    let group = next.fetch_add(1, Ordering::Relaxed);
                    let Some(channel) = send.get(group) else {
                        return;
                    };
                    // Taken, so that the sender is dropped with its group
                    // and the loop over its receiver ends.
                    let channel = channel.lock().ok().and_then(|mut c| c.take());
                    if let Some(channel) = channel {
                        opened.decode(file, group, latest, &channel);
                    }
                }
            });
        }
        let mut number = 0u64;
        for (group, channel) in receive.into_iter().enumerate() {
            let last = number + opened.rows(group);
            for chunk in channel {
                match chunk {
                    Chunk::Prepared(rows) => {
                        for row in &rows {
                            number += 1;
                            match row {
                                Preparation::Ready(row) => transfers.admit(number, row, put),
                                Preparation::Problem(why) => transfers.unreadable(number, why),
                                // Can't occur: prepare_batch() prepares no batch with such a row;
                                // it comes whole.
                                Preparation::Texts => transfers.unreadable(number, "ids changed"),
                            }
                        }
                    }
                    Chunk::Batch(batch) => {
                        number = take_batch(&batch, &opened.places, number, words, transfers, put);
                    }
                    // Every row of the group counts as read, so that
                    // read = processed + problems holds.
                    Chunk::Broken(why) => {
                        for record in number + 1..=last {
                            transfers.unreadable(record, why.clone());
                        }
                        number = last;
                    }
                }
            }
            // From the footer: a group with fewer rows than declared
            // does not shift the numbers after it.
            number = last;
        }
    });
    Ok(())
}

/// Decoded batches that may wait in a row group's channel. Our judgement.
const AHEAD_BATCHES: usize = 4;

/// Some rows, decoded as far as possible on a worker thread.
enum Chunk {
    Prepared(Vec<Preparation>),
    Batch(RecordBatch),
    Broken(String),
}

const COMPRESSION: &str =
    "its compression isn't read here; write it with zstd, snappy, lz4 or gzip";
const DAMAGED: &str = "its row group is damaged; get the file again";

/// A file with positioned reads: cloned handles share their offset, and several threads read.
struct At {
    file: File,
    length: u64,
}

impl Length for At {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for At {
    type T = std::io::BufReader<From>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(std::io::BufReader::new(From {
            file: self.file.try_clone()?,
            at: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // Offsets come from the file: a damaged footer could ask for an allocation of any size.
        if start.saturating_add(length as u64) > self.length {
            return Err(parquet::errors::ParquetError::EOF("it ends before".into()));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A reader that begins at `at`.
struct From {
    file: File,
    at: u64,
}

impl std::io::Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A Parquet file whose columns are known.
pub struct Opened {
    length: u64,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// For each of [`COLUMNS`], its place among those read.
    pub(crate) places: Vec<Option<usize>>,
}

impl Opened {
    /// Reads the footer and finds the columns.
    ///
    /// # Errors
    /// The footer is damaged, a row group is too large, or a column is missing or ambiguous.
    pub fn new(file: &File, mapping: &Mapping) -> Result<Self, String> {
        // The Arrow schema that writers embed would only add more string types.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = catch_unwind(AssertUnwindSafe(|| {
            ArrowReaderMetadata::load(file, options)
        }))
        .map_err(|_| "its footer is damaged; get the file again".to_owned())?
        .map_err(|e| format!("it can't be read as Parquet: {e}"))?;
        // Checked by the footer, before anything is decoded.
        for group in metadata.metadata().row_groups() {
            if group.total_byte_size() > ROW_GROUP_BYTES_MAX || group.num_rows() < 0 {
                return Err(format!(
                    "a row group is larger than {ROW_GROUP_BYTES_MAX} bytes; write smaller ones"
                ));
            }
        }
        let theirs: Vec<String> = metadata
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        let found = mapping.find(&theirs)?;
        for (column, at) in found.iter().enumerate() {
            let Some(field) = at.map(|at| metadata.schema().field(at)) else {
                continue;
            };
            if let Some(wanted) = unfit(column, field.data_type()) {
                return Err(format!(
                    "its column {} has the type {}; write it as {wanted}",
                    field.name(),
                    field.data_type()
                ));
            }
        }
        let mut wanted: Vec<usize> = found.iter().copied().flatten().collect();
        // A projection yields its columns in the order of the file; `places` counts in that order.
        wanted.sort_unstable();
        wanted.dedup();
        let places = found
            .iter()
            .map(|at| at.and_then(|at| wanted.iter().position(|w| *w == at)))
            .collect();
        let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted);
        Ok(Self {
            length: file.metadata().map_err(|e| e.to_string())?.len(),
            metadata,
            mask,
            places,
        })
    }

    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Rows of a row group, as the footer declares them. Panics beyond the last group.
    pub fn rows(&self, group: usize) -> u64 {
        self.metadata.metadata().row_group(group).num_rows() as u64
    }

    /// Decodes a row group; stops when the receiver is gone.
    fn decode(&self, file: &File, group: usize, latest: i64, out: &SyncSender<Chunk>) {
        // The crate returns an error for damaged data; a panic is treated like one.
        let opened = catch_unwind(AssertUnwindSafe(|| self.group(file, group)));
        let mut reader = match opened {
            Ok(Ok(reader)) => reader,
            Ok(Err(why)) => return drop(out.send(Chunk::Broken(why))),
            Err(_) => return drop(out.send(Chunk::Broken(DAMAGED.into()))),
        };
        loop {
            let chunk = match catch_unwind(AssertUnwindSafe(|| reader.next())) {
                Ok(None) => return,
                Ok(Some(Ok(batch))) => match prepare_batch(&batch, &self.places, latest) {
                    Some(rows) => Chunk::Prepared(rows),
                    None => Chunk::Batch(batch),
                },
                // Here the error is only known as text: `Disabled feature at compile time: …`.
                Ok(Some(Err(e))) if e.to_string().contains("eature") => {
                    Chunk::Broken(COMPRESSION.into())
                }
                Ok(Some(Err(_))) | Err(_) => Chunk::Broken(DAMAGED.into()),
            };
            let broken = matches!(chunk, Chunk::Broken(_));
            if out.send(chunk).is_err() || broken {
                return;
            }
        }
    }

    fn group(
        &self,
        file: &File,
        group: usize,
    ) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReader, String> {
        let at = At {
            file: file.try_clone().map_err(|e| e.to_string())?,
            length: self.length,
        };
        ParquetRecordBatchReaderBuilder::new_with_metadata(at, self.metadata.clone())
            .with_projection(self.mask.clone())
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| format!("its row group can't be read: {e}"))
    }
}

/// What a column has to be written as, if its type can't be read: it would be ignored. `None` if it
/// can, and for columns whose values are checked row by row.
fn unfit(column: usize, of: &DataType) -> Option<&'static str> {
    use DataType::*;
    let text = matches!(of, Utf8 | LargeUtf8 | Utf8View | Binary | Null);
    match column {
        at::TX | at::SENDER | at::RECEIVER | at::TS | at::AMOUNT => None,
        at::BIRTH_YEAR | at::OFFSET => (!text && !of.is_integer()).then_some("a whole number"),
        _ => (!text).then_some("text"),
    }
}

/// A column of a batch, by the type of its values.
enum Values<'a> {
    Absent,
    Text(Texts<'a>),
    Whole(Box<dyn Fn(usize) -> i64 + 'a>, &'a ArrayRef),
    Ints(&'a PrimitiveArray<Int64Type>),
    Large(&'a PrimitiveArray<UInt64Type>),
    Floats(&'a PrimitiveArray<Float64Type>),
    Floats32(&'a PrimitiveArray<Float32Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, u32),
    Times(Box<dyn Fn(usize) -> Option<i64> + 'a>, &'a ArrayRef, bool),
    Other,
}

enum Texts<'a> {
    Small(&'a arrow_array::StringArray),
    Large(&'a arrow_array::LargeStringArray),
    View(&'a arrow_array::StringViewArray),
    Bytes(&'a arrow_array::BinaryArray),
}

impl<'a> Texts<'a> {
    fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Texts::Small(a) => (!a.is_null(row)).then(|| a.value(row)),
            Texts::Large(a) => (!a.is_null(row)).then(|| a.value(row)),
            Texts::View(a) => (!a.is_null(row)).then(|| a.value(row)),
            Texts::Bytes(a) => (!a.is_null(row))
                .then(|| std::str::from_utf8(a.value(row)).ok())
                .flatten(),
        }
    }
}

fn whole<'a, T: ArrowPrimitiveType>(column: &'a ArrayRef) -> Values<'a>
where
    T::Native: TryInto<i64>,
{
    let array = column.as_primitive::<T>();
    // The fallback is never used: every type that comes here fits an i64.
    Values::Whole(
        Box::new(move |row| array.value(row).try_into().unwrap_or(i64::MIN)),
        column,
    )
}

fn times<'a, T: ArrowPrimitiveType<Native = i64>>(
    column: &'a ArrayRef,
    zoned: bool,
    micros: impl Fn(i64) -> Option<i64> + 'a,
) -> Values<'a> {
    let array = column.as_primitive::<T>();
    Values::Times(Box::new(move |row| micros(array.value(row))), column, zoned)
}

impl<'a> Values<'a> {
    fn of(column: &'a ArrayRef) -> Values<'a> {
        match column.data_type() {
            DataType::Utf8 => Values::Text(Texts::Small(column.as_string::<i32>())),
            DataType::LargeUtf8 => Values::Text(Texts::Large(column.as_string::<i64>())),
            DataType::Utf8View => Values::Text(Texts::View(column.as_string_view())),
            DataType::Binary => Values::Text(Texts::Bytes(column.as_binary::<i32>())),
            DataType::Int64 => Values::Ints(column.as_primitive()),
            DataType::Int32 => whole::<Int32Type>(column),
            DataType::Int16 => whole::<Int16Type>(column),
            DataType::Int8 => whole::<Int8Type>(column),
            DataType::UInt64 => Values::Large(column.as_primitive()),
            DataType::UInt32 => whole::<UInt32Type>(column),
            DataType::UInt16 => whole::<UInt16Type>(column),
            DataType::UInt8 => whole::<UInt8Type>(column),
            DataType::Float64 => Values::Floats(column.as_primitive()),
            DataType::Float32 => Values::Floats32(column.as_primitive()),
            DataType::Decimal128(_, scale) if *scale >= 0 => {
                Values::Decimal(column.as_primitive(), *scale as u32)
            }
            DataType::Timestamp(unit, zone) => {
                let zoned = zone.is_some();
                match unit {
                    TimeUnit::Second => {
                        times::<TimestampSecondType>(column, zoned, |v| v.checked_mul(1_000_000))
                    }
                    TimeUnit::Millisecond => {
                        times::<TimestampMillisecondType>(column, zoned, |v| v.checked_mul(1_000))
                    }
                    TimeUnit::Microsecond => times::<TimestampMicrosecondType>(column, zoned, Some),
                    TimeUnit::Nanosecond => times::<TimestampNanosecondType>(column, zoned, |v| {
                        Some(v.div_euclid(1_000))
                    }),
                }
            }
            DataType::Date32 => {
                let array = column.as_primitive::<Date32Type>();
                Values::Times(
                    Box::new(move |row| i64::from(array.value(row)).checked_mul(86_400_000_000)),
                    column,
                    false,
                )
            }
            _ => Values::Other,
        }
    }

    fn id(&self, row: usize) -> Result<Id<'a>, &'static str> {
        match self {
            Values::Text(t) => Ok(t.get(row).map_or(Id::Text(""), |t| Id::of(t.trim()))),
            Values::Ints(a) if a.is_null(row) => Ok(Id::Text("")),
            Values::Ints(a) => Ok(Id::Number(a.value(row))),
            Values::Large(a) if a.is_null(row) => Ok(Id::Text("")),
            Values::Large(a) => Ok(match i64::try_from(a.value(row)) {
                Ok(n) => Id::Number(n),
                Err(_) => Id::Large(a.value(row)),
            }),
            Values::Whole(_, a) if a.is_null(row) => Ok(Id::Text("")),
            Values::Whole(get, _) => Ok(Id::Number(get(row))),
            _ => Err("ids are text or whole numbers"),
        }
    }

    fn text(&self, row: usize) -> &'a str {
        match self {
            Values::Text(t) => t.get(row).unwrap_or(""),
            _ => "",
        }
    }

    fn amount(&self, row: usize) -> Result<Amount<'a>, &'static str> {
        let missing = "amount is missing";
        match self {
            Values::Text(t) => t.get(row).map(Amount::Text).ok_or(missing),
            Values::Ints(a) if !a.is_null(row) => Ok(Amount::Decimal(i128::from(a.value(row)), 0)),
            Values::Large(a) if !a.is_null(row) => Ok(Amount::Decimal(i128::from(a.value(row)), 0)),
            Values::Whole(get, a) if !a.is_null(row) => {
                Ok(Amount::Decimal(i128::from(get(row)), 0))
            }
            Values::Floats(a) if !a.is_null(row) => Ok(Amount::Float(a.value(row))),
            Values::Floats32(a) if !a.is_null(row) => {
                // Through text, so that 0.1 stays 0.1: a cast to f64 gives 0.10000000149011612.
                let text = a.value(row).to_string();
                Ok(Amount::Float(text.parse().unwrap_or(f64::NAN)))
            }
            Values::Decimal(a, scale) if !a.is_null(row) => {
                Ok(Amount::Decimal(a.value(row), *scale))
            }
            Values::Absent | Values::Other => Err("amount isn't a number"),
            _ => Err(missing),
        }
    }

    /// Microseconds since 1970, the offset in minutes if there is one, and whether the zone is
    /// missing.
    fn time(&self, row: usize) -> Result<(i64, Option<i16>, bool), String> {
        match self {
            Values::Times(_, a, _) if a.is_null(row) => Err("ts is missing".into()),
            Values::Times(get, _, zoned) => {
                let at = get(row).ok_or("ts isn't a date")?;
                Ok((at, None, !zoned))
            }
            Values::Text(t) => {
                let time = moment(t.get(row).unwrap_or("")).map_err(|why| format!("ts {why}"))?;
                Ok((time.at_micros, time.zone_minutes, time.zone_missing))
            }
            Values::Ints(a) if a.is_null(row) => Err("ts is missing".into()),
            Values::Ints(a) => {
                let value = a.value(row);
                let at = of_epoch(value, value.unsigned_abs().to_string().len());
                Ok((at.ok_or("ts isn't a date")?, None, false))
            }
            _ => Err("ts isn't a date, time or text".into()),
        }
    }

    fn whole(&self, row: usize) -> Option<i64> {
        match self {
            Values::Ints(a) => (!a.is_null(row)).then(|| a.value(row)),
            Values::Whole(get, a) => (!a.is_null(row)).then(|| get(row)),
            Values::Large(a) => (!a.is_null(row))
                .then(|| i64::try_from(a.value(row)).ok())
                .flatten(),
            Values::Text(t) => t.get(row)?.trim().parse().ok(),
            _ => None,
        }
    }
}

fn columns_of<'a>(batch: &'a RecordBatch, places: &[Option<usize>]) -> Vec<Values<'a>> {
    debug_assert_eq!(places.len(), COLUMNS.len());
    places
        .iter()
        .map(|p| p.map_or(Values::Absent, |p| Values::of(batch.column(p))))
        .collect()
}

fn is_plain(columns: &[Values<'_>]) -> bool {
    // record() reads the columns from RELATIONSHIP on only with `words`: COLUMNS keeps that order.
    columns[at::RELATIONSHIP..]
        .iter()
        .all(|c| matches!(c, Values::Absent))
}

/// Prepares the rows of a batch on a worker thread; `None` if the batch must go to the main thread.
/// Its ids must be whole numbers of a type that fits an i64, none negative or missing. The
/// countries are the only optional columns that it may have.
fn prepare_batch(
    batch: &RecordBatch,
    places: &[Option<usize>],
    latest: i64,
) -> Option<Vec<Preparation>> {
    let columns = columns_of(batch, places);
    let numbers = [at::TX, at::SENDER, at::RECEIVER]
        .iter()
        .all(|c| matches!(columns[*c], Values::Ints(_) | Values::Whole(..)));
    if !numbers || !is_plain(&columns) {
        return None;
    }
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        // Number 0: admit() gets the number of the row later.
        let preparation = match record(&columns, row, 0, None) {
            Ok(record) => prepare(&record, latest),
            Err(why) => Preparation::Problem(why),
        };
        if matches!(preparation, Preparation::Texts) {
            // A negative or missing id is numbered like a text, in the
            // order of the file, which one thread has to do.
            return None;
        }
        rows.push(preparation);
    }
    Some(rows)
}

fn record<'a>(
    columns: &[Values<'a>],
    row: usize,
    number: u64,
    words: Option<&mut Channels>,
) -> Result<Record<'a>, String> {
    let (at_micros, mut zone_minutes, zone_missing) = columns[at::TS].time(row)?;
    let context = match words {
        None => Context::default(),
        Some(words) => {
            // Back to text, so that one function checks it for every format.
            let year = columns[at::BIRTH_YEAR].whole(row).map(|y| y.to_string());
            if let Some(minutes) = columns[at::OFFSET].whole(row) {
                zone_minutes = Some(zone(minutes)?);
            }
            let optional = Optional {
                relationship: columns[at::RELATIONSHIP].text(row),
                reference: columns[at::REFERENCE].text(row),
                birth_year: year.as_deref().unwrap_or(""),
                tie: columns[at::TIE].text(row),
                purchase: columns[at::PURCHASE].text(row),
                channel: columns[at::CHANNEL].text(row),
                contact: columns[at::CONTACT].text(row),
            };
            optional.context(words, at_micros)?
        }
    };
    Ok(Record {
        number,
        tx: columns[at::TX].id(row)?,
        sender: columns[at::SENDER].id(row)?,
        recipient: columns[at::RECEIVER].id(row)?,
        at_micros,
        zone_minutes,
        zone_missing,
        amount: columns[at::AMOUNT].amount(row)?,
        currency: columns[at::CURRENCY].text(row).trim_ascii().as_bytes(),
        from: columns[at::SRC].text(row).trim_ascii().as_bytes(),
        to: columns[at::DST].text(row).trim_ascii().as_bytes(),
        context,
    })
}

fn take_batch(
    batch: &RecordBatch,
    places: &[Option<usize>],
    before: u64,
    words: &mut Channels,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> u64 {
    let columns = columns_of(batch, places);
    let plain = is_plain(&columns);
    for row in 0..batch.num_rows() {
        let number = before + row as u64 + 1;
        let words = if plain { None } else { Some(&mut *words) };
        match record(&columns, row, number, words) {
            Ok(record) => transfers.take(&record, put),
            Err(why) => transfers.unreadable(number, why),
        }
    }
    before + batch.num_rows() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: a tie as a number and a contact as a telephone number were read as absent,
    /// without a word.
    #[test]
    fn a_column_that_would_be_ignored_is_refused() {
        for (column, of, refused) in [
            (at::TIE, DataType::Boolean, true),
            (at::TIE, DataType::Int64, true),
            (at::TIE, DataType::Utf8, false),
            (at::CONTACT, DataType::Int64, true),
            (at::CHANNEL, DataType::Null, false),
            (at::SRC, DataType::UInt16, true),
            (at::BIRTH_YEAR, DataType::Int32, false),
            (at::BIRTH_YEAR, DataType::Date32, true),
            (at::OFFSET, DataType::LargeUtf8, false),
            (at::AMOUNT, DataType::Float64, false),
            (at::TX, DataType::Int64, false),
        ] {
            assert_eq!(unfit(column, &of).is_some(), refused, "{column} {of}");
        }
    }
}
