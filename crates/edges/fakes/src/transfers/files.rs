//! Writes synthetic transfers as files: CSV, Parquet, pacs.008.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::{GeneratedTransfers, MadeTransfer};
use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use obhut_facts::rfc3339;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Rows per write and per row group. Source: the parquet crate's default.
const ROWS: usize = 1 << 20;

/// Writes CSV with a header row.
///
/// # Errors
/// `out` can't be written.
pub fn csv(made: &GeneratedTransfers, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "tx_id,sender,receiver,ts,amount,currency,src_country,dst_country"
    )?;
    for (tx, t) in made.transfers.iter().enumerate() {
        writeln!(
            out,
            "{tx},{},{},{},{},{},{},{}",
            t.sender,
            t.recipient,
            rfc3339(t.at_micros),
            decimal(t),
            t.currency.code(),
            t.from.code(),
            t.to.code()
        )?;
    }
    out.flush()
}

/// An amount as decimal text: `35.00`.
fn decimal(t: &MadeTransfer) -> String {
    let digits = t.currency.entry().digits as usize;
    if digits == 0 {
        return t.amount_minor.to_string();
    }
    // In integers, which are exact at any size; a float is exact only up to about 15 digits.
    let units = 10i64.pow(digits as u32);
    format!(
        "{}.{:0digits$}",
        t.amount_minor / units,
        t.amount_minor % units
    )
}

/// Writes Parquet: Snappy compression, integer ids, float amounts. Without transfers it writes
/// nothing.
///
/// # Errors
/// `out` can't be written.
pub fn parquet(made: &GeneratedTransfers, out: File) -> Result<(), parquet::errors::ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROWS))
        .build();
    // Opened with the first rows, because the schema is taken from them.
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut out = Some(out);
    let mut tx = 0;
    for rows in made.transfers.chunks(ROWS) {
        let ints = |f: &dyn Fn(&MadeTransfer) -> i64| -> ArrayRef {
            Arc::new(rows.iter().map(f).collect::<Int64Array>())
        };
        let texts = |f: &dyn Fn(&MadeTransfer) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(f)))
        };
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(tx..tx + rows.len() as i64));
        tx += rows.len() as i64;
        let amounts: ArrayRef = Arc::new(
            rows.iter()
                .map(|t| {
                    let units = 10i64.pow(t.currency.entry().digits);
                    // Floats, as exports have them; readers must round to the minor unit.
                    t.amount_minor as f64 / units as f64
                })
                .collect::<Float64Array>(),
        );
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(
            rows.iter().map(|t| t.at_micros),
        ));
        let batch = RecordBatch::try_from_iter([
            ("tx_id", ids),
            ("sender", ints(&|t| i64::from(t.sender))),
            ("receiver", ints(&|t| i64::from(t.recipient))),
            ("ts", times),
            ("amount", amounts),
            ("currency", texts(&|t| t.currency.code().into())),
            ("src_country", texts(&|t| t.from.code())),
            ("dst_country", texts(&|t| t.to.code())),
        ])?;
        let writer = match writer.as_mut() {
            Some(writer) => writer,
            None => writer.insert(ArrowWriter::try_new(
                out.take().expect("one file"),
                batch.schema(),
                Some(properties.clone()),
            )?),
        };
        writer.write(&batch)?;
    }
    match writer {
        Some(writer) => writer.close().map(|_| ()),
        None => Ok(()),
    }
}

/// Writes all transfers as one pacs.008.001.08 message.
///
/// # Errors
/// `out` can't be written.
pub fn pacs_008(made: &GeneratedTransfers, out: &mut dyn Write) -> io::Result<()> {
    // A message can't be older than its last payment, so it gets that payment's time.
    let created = made.transfers.last().map_or(0, |t| t.at_micros);
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\"><FIToFICstmrCdtTrf><GrpHdr><MsgId>MADE-UP</MsgId><CreDtTm>{}</CreDtTm><NbOfTxs>{}</NbOfTxs><SttlmInf><SttlmMtd>INDA</SttlmMtd></SttlmInf></GrpHdr>",
        rfc3339(created),
        made.transfers.len()
    )?;
    for (n, t) in made.transfers.iter().enumerate() {
        let (amount, currency) = (decimal(t), t.currency.code());
        let (from, to, at) = (t.from.code(), t.to.code(), rfc3339(t.at_micros));
        write!(
            out,
            "\n<CdtTrfTxInf><PmtId><InstrId>I{n}</InstrId><EndToEndId>E{n}</EndToEndId><TxId>T{n}</TxId></PmtId><IntrBkSttlmAmt Ccy=\"{currency}\">{amount}</IntrBkSttlmAmt><IntrBkSttlmDt>{}</IntrBkSttlmDt><AccptncDtTm>{at}</AccptncDtTm><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt><ChrgBr>SHAR</ChrgBr><Dbtr><Nm>Made up {}</Nm><PstlAdr><Ctry>{from}</Ctry></PstlAdr></Dbtr><DbtrAcct><Id><Othr><Id>{}</Id></Othr></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>AAAA{from}22</BICFI></FinInstnId></DbtrAgt><CdtrAgt><FinInstnId><BICFI>BBBB{to}22</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Made up {}</Nm><PstlAdr><Ctry>{to}</Ctry></PstlAdr></Cdtr><CdtrAcct><Id><Othr><Id>{}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>",
            &at[..10],
            t.sender,
            t.sender,
            t.recipient,
            t.recipient,
        )?;
    }
    out.write_all(b"\n</FIToFICstmrCdtTrf></Document>\n")?;
    out.flush()
}
