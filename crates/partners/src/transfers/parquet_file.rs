//! Parquet to records, row group by row group; only the columns that are wanted are read.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array as _, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use obhut_casework::payments::{Amount, Id, Record, Transfer, Transfers};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::times::of_epoch;
use super::{COLUMNS, Mapping, Optional, Words, at, moment, zone};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 16_384;
/// Largest row group, in bytes before compression.
const ROW_GROUP_BYTES_MAX: i64 = 8 << 30;

pub(super) fn read(
    file: &File,
    mapping: &Mapping,
    words: &mut Words,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> Result<(), String> {
    let opened = Opened::new(file, mapping)?;
    let mut number = 0u64;
    for group in 0..opened.row_groups() {
        let rows = opened.rows(group);
        let last = number + rows;
        let mut broken = |number: u64, why: String| {
            for record in number + 1..=last {
                transfers.unreadable(record, why.clone());
            }
        };
        // The crate refuses what is damaged; where it panics instead, that is the same to us.
        let reader = match catch_unwind(AssertUnwindSafe(|| opened.group(file, group))) {
            Ok(Ok(reader)) => reader,
            Ok(Err(why)) => {
                broken(number, why);
                number = last;
                continue;
            }
            Err(_) => {
                broken(number, DAMAGED.into());
                number = last;
                continue;
            }
        };
        let mut reader = reader;
        loop {
            match catch_unwind(AssertUnwindSafe(|| reader.next())) {
                Ok(None) => break,
                Ok(Some(Ok(batch))) => {
                    number = take_batch(&batch, &opened.places, number, words, transfers, put);
                }
                Ok(Some(Err(_))) | Err(_) => {
                    for record in number + 1..=last {
                        transfers.unreadable(record, DAMAGED);
                    }
                    break;
                }
            }
        }
        number = last;
    }
    Ok(())
}

const DAMAGED: &str = "its row group is damaged; get the file again";

/// A Parquet file whose columns are known.
pub struct Opened {
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    /// For each of [`COLUMNS`], its place among those read.
    pub(crate) places: Vec<Option<usize>>,
}

impl Opened {
    /// Looks at a file's columns.
    ///
    /// # Errors
    /// It is damaged, or a column is missing.
    pub fn new(file: &File, mapping: &Mapping) -> Result<Self, String> {
        // The Arrow schema that writers leave inside would only bring more kinds of text.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = catch_unwind(AssertUnwindSafe(|| {
            ArrowReaderMetadata::load(file, options)
        }))
        .map_err(|_| "its footer is damaged; get the file again".to_owned())?
        .map_err(|e| format!("it can't be read as Parquet: {e}"))?;
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
        let mut wanted: Vec<usize> = found.iter().copied().flatten().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let places = found
            .iter()
            .map(|at| at.and_then(|at| wanted.iter().position(|w| *w == at)))
            .collect();
        let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted);
        Ok(Self {
            metadata,
            mask,
            places,
        })
    }

    /// How many row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Rows of one.
    pub fn rows(&self, group: usize) -> u64 {
        self.metadata.metadata().row_group(group).num_rows() as u64
    }

    fn group(
        &self,
        file: &File,
        group: usize,
    ) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReader, String> {
        let file = file.try_clone().map_err(|e| e.to_string())?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(self.mask.clone())
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| format!("its row group can't be read: {e}"))
    }
}

/// A column of a batch as what it holds.
enum Values<'a> {
    Absent,
    Text(Texts<'a>),
    Whole(Box<dyn Fn(usize) -> i64 + 'a>, &'a ArrayRef),
    Ints(&'a PrimitiveArray<Int64Type>),
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
            DataType::UInt64 => whole::<UInt64Type>(column),
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
            Values::Whole(get, a) if !a.is_null(row) => {
                Ok(Amount::Decimal(i128::from(get(row)), 0))
            }
            Values::Floats(a) if !a.is_null(row) => Ok(Amount::Float(a.value(row))),
            Values::Floats32(a) if !a.is_null(row) => {
                // Back to the few digits that a single-precision fraction stands for.
                let text = a.value(row).to_string();
                Ok(Amount::Float(text.parse().unwrap_or(f64::NAN)))
            }
            Values::Decimal(a, scale) if !a.is_null(row) => {
                Ok(Amount::Decimal(a.value(row), *scale))
            }
            Values::Absent | Values::Other => Err("amount is no number"),
            _ => Err(missing),
        }
    }

    /// Microseconds, the zone where there is one, and whether one was missing.
    fn time(&self, row: usize) -> Result<(i64, Option<i16>, bool), String> {
        match self {
            Values::Times(_, a, _) if a.is_null(row) => Err("ts is missing".into()),
            Values::Times(get, _, zoned) => {
                let at = get(row).ok_or("ts is no possible date")?;
                Ok((at, None, !zoned))
            }
            Values::Text(t) => {
                let time = moment(t.get(row).unwrap_or(""))?;
                Ok((time.at_micros, time.zone_minutes, time.zone_missing))
            }
            Values::Ints(a) if !a.is_null(row) => {
                let value = a.value(row);
                let at = of_epoch(value, value.unsigned_abs().to_string().len());
                Ok((at.ok_or("ts is no possible date")?, None, false))
            }
            _ => Err("ts is no date, time or text".into()),
        }
    }

    fn whole(&self, row: usize) -> Option<i64> {
        match self {
            Values::Ints(a) => (!a.is_null(row)).then(|| a.value(row)),
            Values::Whole(get, a) => (!a.is_null(row)).then(|| get(row)),
            Values::Text(t) => t.get(row)?.trim().parse().ok(),
            _ => None,
        }
    }
}

fn take_batch(
    batch: &RecordBatch,
    places: &[Option<usize>],
    before: u64,
    words: &mut Words,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> u64 {
    let columns: Vec<Values<'_>> = places
        .iter()
        .map(|p| p.map_or(Values::Absent, |p| Values::of(batch.column(p))))
        .collect();
    debug_assert_eq!(columns.len(), COLUMNS.len());
    let plain = (at::RELATIONSHIP..columns.len()).all(|c| matches!(columns[c], Values::Absent));
    for row in 0..batch.num_rows() {
        let number = before + row as u64 + 1;
        let record = (|| -> Result<Record<'_>, String> {
            let (at_micros, mut zone_minutes, zone_missing) = columns[at::TS].time(row)?;
            let context = if plain {
                obhut_casework::payments::Context::default()
            } else {
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
                currency: columns[at::CURRENCY].text(row).trim().as_bytes(),
                from: columns[at::SRC].text(row).trim().as_bytes(),
                to: columns[at::DST].text(row).trim().as_bytes(),
                context,
            })
        })();
        match record {
            Ok(record) => transfers.take(&record, put),
            Err(why) => transfers.unreadable(number, why),
        }
    }
    before + batch.num_rows() as u64
}
