//! A list to the bytes that are sealed, and back.
//!
//! Numbers are little-endian; texts have their length before them (2 bytes). Magic, version, label
//! count and labels (scale, category); then for each kind its name, digest length, entry count,
//! digests, labels (4 bytes each), entry ids.

use std::fmt;

use obhut_hash::{Digest, kinds};

use super::EntryLabel;
use super::loaded::{LoadedList, Part};

const MAGIC: &[u8] = b"obhut list 1\n";

/// Why bytes are no list; each names the offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoList {
    offset: usize,
}

impl fmt::Display for NoList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is no list of this version (byte {})", self.offset)
    }
}

pub(super) fn write(list: &LoadedList) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend((text.len() as u16).to_le_bytes());
        out.extend(text.as_bytes());
    };
    text(&mut out, list.version());
    out.extend((list.labels.len() as u32).to_le_bytes());
    for label in &list.labels {
        text(&mut out, &label.scale);
        text(&mut out, &label.category);
    }
    out.extend((list.parts.len() as u32).to_le_bytes());
    for part in &list.parts {
        text(&mut out, part.kind.name);
        out.push(part.kind.digest_bytes as u8);
        out.extend((part.digests.len() as u32).to_le_bytes());
        part.digests.iter().for_each(|d| out.extend(d.as_bytes()));
        part.labels.iter().for_each(|l| out.extend(l.to_le_bytes()));
        part.entries.iter().for_each(|e| text(&mut out, e));
    }
    out
}

pub(super) fn read(bytes: &[u8]) -> Result<LoadedList, NoList> {
    let mut from = Cursor { bytes, offset: 0 };
    if from.take(MAGIC.len())? != MAGIC {
        return Err(NoList { offset: 0 });
    }
    let version = from.text()?;
    let label_count = from.number()?;
    let mut labels = Vec::new();
    for _ in 0..label_count {
        labels.push(EntryLabel {
            scale: from.text()?,
            category: from.text()?,
        });
    }
    let part_count = from.number()?;
    let mut parts = Vec::new();
    for _ in 0..part_count {
        let kind = kinds::by_name(&from.text()?).ok_or(from.fault())?;
        if usize::from(from.take(1)?[0]) != kind.digest_bytes {
            return Err(from.fault());
        }
        let count = from.number()? as usize;
        let digests = from.take(count.checked_mul(kind.digest_bytes).ok_or(from.fault())?)?;
        let digests = digests
            .chunks_exact(kind.digest_bytes)
            .filter_map(Digest::from_bytes)
            .collect();
        let mut places = Vec::with_capacity(count);
        for _ in 0..count {
            let place = from.number()?;
            if place as usize >= labels.len() {
                return Err(from.fault());
            }
            places.push(place);
        }
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(from.text()?);
        }
        parts.push(Part::new(kind, digests, places, entries));
    }
    Ok(LoadedList::new("", version, labels, parts))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn fault(&self) -> NoList {
        NoList {
            offset: self.offset,
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], NoList> {
        let end = self.offset.checked_add(len).ok_or(self.fault())?;
        let taken = self.bytes.get(self.offset..end).ok_or(self.fault())?;
        self.offset = end;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, NoList> {
        Ok(u32::from_le_bytes(
            self.take(4)?.try_into().expect("4 bytes"),
        ))
    }

    fn text(&mut self) -> Result<String, NoList> {
        let len = u16::from_le_bytes(self.take(2)?.try_into().expect("2 bytes"));
        let fault = self.fault();
        String::from_utf8(self.take(len.into())?.to_vec()).map_err(|_| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::read_list_file;

    fn sample() -> LoadedList {
        let csv = format!(
            "kind,digest,category_scale,category,entry_id\nmd5,{},uk,1,first\npdq,{},,,\nsha256,{},uk,2,third\n",
            "1".repeat(32),
            "2".repeat(64),
            "3".repeat(64)
        );
        read_list_file("test", csv.as_bytes()).0
    }

    #[test]
    fn round_trip() {
        let bytes = write(&sample());
        let back = read(&bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(write(&back), bytes);
        assert_eq!(back.version(), sample().version());
        assert!(back.has_entry("first") && back.has_entry("third"));
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
                let _ = read(&changed);
            }
        }
    }
}
