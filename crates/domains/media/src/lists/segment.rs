//! Encodes a list as the bytes that are encrypted into its file, and decodes them.
//!
//! Numbers are little-endian, counts have 4 bytes, and each text follows its length (2 bytes). In
//! order: magic (with the format's version), the list's version, label count and labels (scale,
//! category), kind count. Then for each kind: its name, digest length (1 byte), entry count,
//! digests, the index of each entry's label (4 bytes) and entry ids; for a kind that hashes frames
//! also each frame's time in seconds (a 4-byte float) and quality (1 byte).

use std::fmt;

use obhut_hash::{Digest, kinds};

use super::EntryLabel;
use super::entries::{DigestColumn, Entries, FrameMark};

// The 1 is the format's version; files of any other are refused.
const MAGIC: &[u8] = b"obhut list 1\n";

/// The bytes are not a list file, or a damaged one; the offset at which reading stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct InvalidSegment {
    offset: usize,
}

impl fmt::Display for InvalidSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            0 => f.write_str("isn't a list file of format version 1"),
            offset => write!(f, "is damaged: reading stopped at byte {offset}"),
        }
    }
}

pub(super) fn write(list: &Entries) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let text = |out: &mut Vec<u8>, text: &str| {
        // Fits: the reader limits fields to 256 bytes, and a version has 64 hex digits.
        out.extend((text.len() as u16).to_le_bytes());
        out.extend(text.as_bytes());
    };
    text(&mut out, &list.version);
    out.extend((list.labels.len() as u32).to_le_bytes());
    for label in &list.labels {
        text(&mut out, &label.scale);
        text(&mut out, &label.category);
    }
    out.extend((list.columns.len() as u32).to_le_bytes());
    for column in &list.columns {
        text(&mut out, column.kind.name);
        // Fits: the longest digest (PDQ, SHA-256) has 32 bytes.
        out.push(column.kind.digest_bytes as u8);
        // Fits: a file has at most 50 million rows (ROWS_MAX).
        out.extend((column.digests.len() as u32).to_le_bytes());
        column.digests.iter().for_each(|d| out.extend(d.as_bytes()));
        column
            .labels
            .iter()
            .for_each(|l| out.extend(l.to_le_bytes()));
        column.names.iter().for_each(|e| text(&mut out, e));
        for mark in &column.marks {
            out.extend(mark.time_s.to_le_bytes());
            out.push(mark.quality);
        }
    }
    out
}

/// Reads what [`write`] wrote. Any other bytes give the offset at which reading stopped.
pub(super) fn read(bytes: &[u8]) -> Result<Entries, InvalidSegment> {
    let mut from = Cursor { bytes, offset: 0 };
    if from.take(MAGIC.len())? != MAGIC {
        return Err(InvalidSegment { offset: 0 });
    }
    let version = from.text()?.to_owned();
    let label_count = from.number()?;
    // Not reserved from the count: four damaged bytes would ask for gigabytes.
    let mut labels = Vec::new();
    for _ in 0..label_count {
        labels.push(EntryLabel {
            scale: from.text()?.to_owned(),
            category: from.text()?.to_owned(),
        });
    }
    let column_count = from.number()?;
    let mut columns: Vec<DigestColumn> = Vec::new();
    for _ in 0..column_count {
        let kind = kinds::by_name(from.text()?).ok_or(from.fault())?;
        if columns.iter().any(|c| c.kind.name == kind.name)
            || usize::from(from.take(1)?[0]) != kind.digest_bytes
        {
            return Err(from.fault());
        }
        let mut column = DigestColumn::new(kind);
        let count = from.number()? as usize;
        // `take` compares the length with what is left, so a wrong count allocates nothing.
        let digests = from.take(count.checked_mul(kind.digest_bytes).ok_or(from.fault())?)?;
        column.digests = digests
            .chunks_exact(kind.digest_bytes)
            .filter_map(Digest::from_bytes)
            .collect();
        let places = from.take(count.checked_mul(4).ok_or(from.fault())?)?;
        column.labels = places
            .as_chunks()
            .0
            .iter()
            .map(|p| u32::from_le_bytes(*p))
            .collect();
        // Searches index the labels with these places without a check.
        if column
            .labels
            .iter()
            .any(|place| *place as usize >= labels.len())
        {
            return Err(from.fault());
        }
        for _ in 0..count {
            column.names.push(from.text()?);
        }
        if column.has_frames() {
            let marks = from.take(count.checked_mul(5).ok_or(from.fault())?)?;
            for mark in marks.as_chunks::<5>().0 {
                let time_s = f32::from_le_bytes([mark[0], mark[1], mark[2], mark[3]]);
                // A NaN compares false with every bound of the search by time.
                if !time_s.is_finite() || time_s < 0.0 {
                    return Err(from.fault());
                }
                column.marks.push(FrameMark {
                    time_s,
                    quality: mark[4],
                });
            }
        }
        columns.push(column);
    }
    // Bytes after the last column would not survive reading and writing.
    if from.offset != bytes.len() {
        return Err(from.fault());
    }
    Ok(Entries {
        version,
        labels,
        columns,
    })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn fault(&self) -> InvalidSegment {
        InvalidSegment {
            offset: self.offset,
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], InvalidSegment> {
        let end = self.offset.checked_add(len).ok_or(self.fault())?;
        let taken = self.bytes.get(self.offset..end).ok_or(self.fault())?;
        self.offset = end;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, InvalidSegment> {
        Ok(u32::from_le_bytes(
            self.take(4)?.try_into().expect("4 bytes"),
        ))
    }

    fn text(&mut self) -> Result<&'a str, InvalidSegment> {
        let len = u16::from_le_bytes(self.take(2)?.try_into().expect("2 bytes"));
        // Before `take` moves the offset: the fault names where the text begins.
        let fault = self.fault();
        std::str::from_utf8(self.take(len.into())?).map_err(|_| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::reader;

    fn sample() -> Entries {
        let csv = format!(
            "kind,digest,category_scale,category,entry_id,timestamp\nmd5,{},uk,1,first,\npdq,{},,,,\nsha256,{},uk,2,third,\nvpdq,{},,,film,0\nvpdq,{},,,film,1.5\n",
            "1".repeat(32),
            "2".repeat(64),
            "3".repeat(64),
            "4".repeat(64),
            "5".repeat(64),
        );
        let (entries, problems) = reader::read(csv.as_bytes(), &|_, _, row| format!("row-{row}"));
        assert_eq!((entries.len(), problems.len()), (5, 0), "{problems:?}");
        entries
    }

    #[test]
    fn round_trip() {
        let bytes = write(&sample());
        let back = read(&bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(write(&back), bytes);
        assert_eq!(back.version, sample().version);
        let names: Vec<_> = back.columns.iter().flat_map(|c| c.names.iter()).collect();
        assert_eq!(names, ["row-2", "first", "third", "film", "film"]);
    }

    #[test]
    fn cut_or_changed_bytes_never_panic() {
        let bytes = write(&sample());
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                // A flipped bit may leave a valid list; the recorded digest catches that, not this reader.
                let _ = read(&changed);
            }
        }
    }
}
