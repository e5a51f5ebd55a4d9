//! Turns numbers of a fixed width into files, and files into numbers again.
//!
//! A column is rows of `W` bytes, little-endian, without header or padding. The manifest, not the
//! file's length, gives the number of rows: later rows are left over from an unfinished write or
//! from orphaned blocks.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::map::Map;

// Our judgement: about fifteen columns are written together, and each write should be long.
const BUFFER_BYTES: usize = 1 << 20;

/// A column being written, from some row on.
pub(crate) struct Writer<const W: usize> {
    file: BufWriter<File>,
    path: PathBuf,
    rows: u64,
}

impl<const W: usize> Writer<W> {
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::at(path, 0)
    }

    /// Continues after `rows` rows and overwrites what follows. Only [`Writer::finish`] truncates
    /// the file: a reader may still have the rows mapped, including the one just after the last.
    pub fn at(path: &Path, rows: u64) -> io::Result<Self> {
        use std::io::Seek as _;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.seek(io::SeekFrom::Start(rows * W as u64))?;
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            path: path.to_owned(),
            rows,
        })
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn push(&mut self, row: [u8; W]) -> io::Result<()> {
        self.rows += 1;
        self.file.write_all(&row)
    }

    pub fn push_number(&mut self, number: u64) -> io::Result<()> {
        self.rows += 1;
        // Bytes above `W` are dropped unchecked: callers keep numbers within the width.
        self.file.write_all(&number.to_le_bytes()[..W])
    }

    /// Several rows, as stored in the file.
    pub fn push_all(&mut self, rows: &[[u8; W]]) -> io::Result<()> {
        self.rows += rows.len() as u64;
        self.file.write_all(rows.as_flattened())
    }

    /// Several rows of four bytes.
    pub fn push_words(&mut self, words: &[u32]) -> io::Result<()> {
        debug_assert_eq!(W, 4);
        self.rows += words.len() as u64;
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.file.write_all(&bytes)
    }

    /// Writes the buffered rows to the file; does not wait for the disk.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Writes and syncs all rows, truncates the file after them, and returns their number.
    pub fn finish(self) -> io::Result<u64> {
        let path = self.path;
        let file = self
            .file
            .into_inner()
            .map_err(|e| io::Error::other(format!("{}: {}", path.display(), e.error())))?;
        // Cuts off what orphaned blocks or an interrupted append left after the last row.
        file.set_len(self.rows * W as u64)?;
        file.sync_data()?;
        Ok(self.rows)
    }
}

/// A column mapped into memory.
pub(crate) struct Column<const W: usize> {
    map: Map,
    rows: u64,
}

impl<const W: usize> Column<W> {
    /// The first rows of a file, to read.
    pub fn read(path: &Path, rows: u64) -> io::Result<Self> {
        Self::of(Map::read(path)?, path, rows)
    }

    /// The first rows of a file, to change.
    pub fn write(path: &Path, rows: u64) -> io::Result<Self> {
        Self::of(Map::write(path)?, path, rows)
    }

    fn of(map: Map, path: &Path, rows: u64) -> io::Result<Self> {
        if (map.bytes().len() as u64) < rows * W as u64 {
            let why = format!("{} is shorter than the manifest says", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(Self { map, rows })
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// A row's bytes. Panics beyond the end of the file, which may have more rows than counted.
    #[inline]
    pub fn row(&self, n: u64) -> &[u8; W] {
        let at = n as usize * W;
        self.map.bytes()[at..at + W].try_into().expect("W bytes")
    }

    /// A row as a number.
    #[inline]
    pub fn get(&self, n: u64) -> u64 {
        // A wider row's number is its first eight bytes: the sorted tables rely on it.
        let mut bytes = [0; 8];
        bytes[..W.min(8)].copy_from_slice(&self.row(n)[..W.min(8)]);
        u64::from_le_bytes(bytes)
    }

    #[inline]
    pub fn set(&mut self, n: u64, number: u64) {
        let at = n as usize * W;
        self.map.bytes_mut()[at..at + W].copy_from_slice(&number.to_le_bytes()[..W]);
    }

    pub fn flush(&self) -> io::Result<()> {
        self.map.flush()
    }
}

/// A column of non-decreasing numbers that begins at 0, with every `step`-th number in memory.
///
/// Lookup is an interpolation search between the two samples around the number: between samples these
/// columns rise almost linearly, so a lookup touches few distant cache lines.
pub(crate) struct Rising {
    column: Column<5>,
    /// Every `step`-th row.
    samples: Vec<u64>,
    step: u64,
}

/// A long column has at least this many samples, and fewer than twice as many, because the step is
/// rounded down. So they take 8 to 16 KiB and fit in the first-level cache.
const SAMPLES: u64 = 1_024;

impl Rising {
    /// The first rows of a file, at least one.
    pub fn read(path: &Path, rows: u64) -> io::Result<Self> {
        let column = Column::<5>::read(path, rows)?;
        let step = (rows / SAMPLES).max(1);
        let samples = (0..rows)
            .step_by(step as usize)
            .map(|n| column.get(n))
            .collect();
        Ok(Self {
            column,
            samples,
            step,
        })
    }

    #[inline]
    pub fn get(&self, n: u64) -> u64 {
        self.column.get(n)
    }

    /// The last row whose number is at most `number`.
    #[inline]
    pub fn last_at_most(&self, number: u64) -> u64 {
        // The column begins at 0, so a sample at or below the number exists.
        let after = self.samples.partition_point(|s| *s <= number).max(1);
        let (mut low, mut high) = (
            (after as u64 - 1) * self.step,
            (after as u64 * self.step).min(self.column.rows()),
        );
        let (least, rows) = (self.samples[after - 1], high - low);
        // Kept above `least`, because the difference is the divisor below.
        let most = self
            .samples
            .get(after)
            .copied()
            .unwrap_or(number)
            .max(least + 1);
        // No overflow: numbers have 40 bits, and a step is at most 2^22 of 2^32 transactions.
        let guess = low + (number.saturating_sub(least)) * rows / (most - least);
        let guess = guess.min(high - 1);
        // From the guess outwards, until `low` and `high` enclose the number.
        if self.get(guess) <= number {
            low = guess;
            // Eight rows are 40 bytes: a good guess costs one more cache line or none.
            let mut reach = 8;
            while low + reach < high {
                if self.get(low + reach) > number {
                    high = low + reach;
                    break;
                }
                low += reach;
                reach *= 4;
            }
        } else {
            high = guess;
            let mut reach = 8;
            while high > low + reach {
                if self.get(high - reach) <= number {
                    low = high - reach;
                    break;
                }
                high -= reach;
                reach *= 4;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.get(middle) <= number {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Creates a column of `rows` rows with all bits set, which means "none".
pub(crate) fn filled_with_none<const W: usize>(path: &Path, rows: u64) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    let block = vec![0xff; 1 << 16];
    let mut left = rows * W as u64;
    while left > 0 {
        let n = left.min(block.len() as u64) as usize;
        file.write_all(&block[..n])?;
        left -= n as u64;
    }
    // Not synced: a build syncs its whole folder before the manifest names it.
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

/// "None" in a column of four or five bytes.
pub(crate) const NONE_4: u64 = u32::MAX as u64;
pub(crate) const NONE_5: u64 = (1 << 40) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Compared with a binary search of all rows, which repeat and leap.
        #[test]
        fn the_last_row_at_most_is_what_looking_at_all_finds(steps in proptest::collection::vec(prop_oneof![8 => 0u64..4, 1 => 0u64..3_000], 1..3_000)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("c");
            let mut writer = Writer::<5>::create(&path).unwrap();
            let mut rows = vec![0];
            for step in steps {
                rows.push(rows[rows.len() - 1] + step);
            }
            for row in &rows {
                writer.push_number(*row).unwrap();
            }
            let n = writer.finish().unwrap();
            let column = Rising::read(&path, n).unwrap();
            let around = rows.iter().flat_map(|r| [r.saturating_sub(1), *r, r + 1, r + 700]);
            for number in around {
                let expected = rows.partition_point(|r| *r <= number) as u64 - 1;
                prop_assert_eq!(column.last_at_most(number), expected);
            }
        }
    }
}
