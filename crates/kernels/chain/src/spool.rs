//! External sort: records are partitioned on disk by their highest bits, and each partition is
//! sorted alone in memory.
//!
//! A record is two 64-bit words. The first is the upper 64 bits of a fingerprint. The second is,
//! from the top, 24 more bits of the fingerprint, a flag that marks a use, and a position of 39
//! bits. So sorting puts records of one fingerprint side by side: definitions before uses, each in
//! chain order. No table of all addresses is ever in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::block::Fingerprint;

pub(crate) type Record = [u64; 2];

// 16 KiB a part, so 128 MiB in a spool with the 8,192 parts of PART_BITS_MAX. A build has two such
// spools open.
const BUFFER_RECORDS: usize = 1 << 10;
// Room for 5.5 · 10^11 inputs or outputs; with a flag and 24 bits of fingerprint, 64 in all.
const POSITION_BITS: u32 = 39;
// Between position and check, so that definitions sort before uses.
const USES: u64 = 1 << POSITION_BITS;

/// The record of a definition at a position: an output defines its address, a transaction its id.
pub(crate) fn defines(f: Fingerprint, position: u64) -> Record {
    debug_assert!(position < USES);
    [f.high, u64::from(f.check) << (POSITION_BITS + 1) | position]
}

/// The record of a use of that address or id at a position.
pub(crate) fn uses(f: Fingerprint, position: u64) -> Record {
    let [high, low] = defines(f, position);
    [high, low | USES]
}

/// Records in parts, in an unnamed file that is freed with this value.
pub(crate) struct Spool {
    file: File,
    length: u64,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    waiting: Vec<Record>,
    /// Its pieces in the file: offset and number of records.
    pieces: Vec<(u64, u32)>,
    records: u64,
}

impl Spool {
    pub fn create(path: &Path, parts: usize) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(path)?;
        // It has no name from here on, so nothing is left behind whatever happens.
        std::fs::remove_file(path)?;
        let mut all = Vec::new();
        all.resize_with(parts.max(1), Part::default);
        Ok(Self {
            file,
            length: 0,
            parts: all,
        })
    }

    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    #[inline]
    pub fn push(&mut self, part: usize, record: Record) -> io::Result<()> {
        let p = &mut self.parts[part];
        p.waiting.push(record);
        if p.waiting.len() >= BUFFER_RECORDS {
            self.flush(part)?;
        }
        Ok(())
    }

    fn flush(&mut self, part: usize) -> io::Result<()> {
        let p = &mut self.parts[part];
        let bytes: Vec<u8> = p
            .waiting
            .iter()
            .flat_map(|r| (u128::from(r[0]) << 64 | u128::from(r[1])).to_le_bytes())
            .collect();
        self.file.write_all_at(&bytes, self.length)?;
        p.pieces.push((self.length, p.waiting.len() as u32));
        p.records += p.waiting.len() as u64;
        self.length += bytes.len() as u64;
        p.waiting.clear();
        Ok(())
    }

    /// A part's records in the order they came.
    pub fn load(&self, part: usize, into: &mut Vec<Record>) -> io::Result<()> {
        let p = &self.parts[part];
        into.clear();
        into.reserve((p.records as usize) + p.waiting.len());
        let mut bytes = vec![0; BUFFER_RECORDS * 16];
        for &(offset, records) in &p.pieces {
            let piece = &mut bytes[..records as usize * 16];
            self.file.read_exact_at(piece, offset)?;
            into.extend(piece.chunks_exact(16).map(|c| {
                let both = u128::from_le_bytes(c.try_into().expect("16 bytes"));
                [(both >> 64) as u64, both as u64]
            }));
        }
        // The newest records were never written; they were pushed last, so they come last.
        into.extend(&p.waiting);
        Ok(())
    }
}

/// A spool whose parts are ranges of fingerprints.
pub(crate) struct Partitions {
    spool: Spool,
    bits: u32,
}

/// One part, sorted and grouped by fingerprint.
#[derive(Default)]
pub(crate) struct Partition {
    /// Fingerprint and the position that defines it.
    pub table: Vec<(u64, u64)>,
    /// Position of a use and the one that defines it.
    pub uses: Vec<Record>,
    /// Position of a later definition and the first one.
    pub again: Vec<Record>,
    /// Number of uses without a definition.
    pub lost: u64,
}

impl Partitions {
    /// Creates partitions sized for about `records` records.
    pub fn create(path: &Path, records: u64) -> io::Result<Self> {
        let bits = (records / RECORDS_PER_PART)
            .next_power_of_two()
            .ilog2()
            .min(PART_BITS_MAX);
        Ok(Self {
            spool: Spool::create(path, 1 << bits)?,
            bits,
        })
    }

    #[inline]
    pub fn push(&mut self, record: Record) -> io::Result<()> {
        // With a single part `bits` is 0, and shifting by 64 would overflow.
        let part = record[0].checked_shr(64 - self.bits).unwrap_or(0);
        self.spool.push(part as usize, record)
    }

    pub fn parts(&self) -> usize {
        self.spool.parts()
    }

    /// One part, grouped. With `last`, the last definition counts, not the first.
    pub fn part(&self, part: usize, last: bool) -> io::Result<Partition> {
        let (mut records, mut scratch) = (Vec::new(), Vec::new());
        self.spool.load(part, &mut records)?;
        sort(&mut records, &mut scratch, self.bits);
        let mut grouped = Partition::default();
        let group_of = |r: &Record| (r[0], r[1] >> (POSITION_BITS + 1));
        for group in records.chunk_by(|a, b| group_of(a) == group_of(b)) {
            let defining = group.partition_point(|r| r[1] & USES == 0);
            let position = |r: &Record| r[1] & (USES - 1);
            let (definitions, users) = group.split_at(defining);
            // Positions rise within a group, so its ends are the first and the last in the chain.
            let Some(by) = (if last {
                definitions.last()
            } else {
                definitions.first()
            }) else {
                // Counted, not refused here: the caller knows what a missing definition means.
                grouped.lost += users.len() as u64;
                continue;
            };
            let by = position(by);
            grouped.table.push((group[0][0], by));
            grouped.uses.extend(users.iter().map(|r| [position(r), by]));
            // Only addresses need `again`: each later payment gets the id that the first was given.
            if !last {
                grouped
                    .again
                    .extend(definitions[1..].iter().map(|r| [position(r), by]));
            }
        }
        Ok(grouped)
    }

    /// Processes several partitions in parallel and hands them over in order.
    pub fn each(
        &self,
        threads: usize,
        last: bool,
        mut take: impl FnMut(Partition) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut next = 0;
        while next < self.parts() {
            // Bounds the memory: four parts a thread are loaded and sorted at a time.
            let batch: Vec<usize> = (next..self.parts().min(next + threads.max(1) * 4)).collect();
            next += batch.len();
            let results = in_threads(threads, &batch, |part| self.part(*part, last));
            for grouped in results {
                take(grouped?)?;
            }
        }
        Ok(())
    }
}

/// Calls a function for each item on up to `threads` threads, at least one, and returns the results
/// in the order of the items. Panics if the function does.
pub fn in_threads<A: Sync, B: Send>(
    threads: usize,
    all: &[A],
    f: impl Fn(&A) -> B + Sync,
) -> Vec<B> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            // Relaxed is enough: threads share nothing else, and joining them orders the results.
            let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(a) = all.get(n) else {
                return done;
            };
            done.push((n, f(a)));
        }
    };
    let mut results: Vec<(usize, B)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, all.len().max(1)))
            .map(|_| scope.spawn(work))
            .collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().expect("a worker doesn't panic"))
            .collect()
    });
    results.sort_by_key(|r| r.0);
    results.into_iter().map(|r| r.1).collect()
}

/// Records planned for a part: 2 MiB, about the size of a second-level cache. Our judgement.
const RECORDS_PER_PART: u64 = 1 << 17;
/// Most bits that choose a part. The cap bounds the memory of records waiting for a write; in a
/// longer chain, parts grow instead. Our judgement.
const PART_BITS_MAX: u32 = 13;

/// Sorts records whose first `equal_bits` bits are equal: a counting sort by the next bits, then a
/// comparison sort within each bucket.
fn sort(records: &mut Vec<Record>, scratch: &mut Vec<Record>, equal_bits: u32) {
    let n = records.len();
    // Below that, counting costs more than comparing. Our judgement.
    if n < 64 {
        records.sort_unstable();
        return;
    }
    // About one record a bucket; at most 2^20 counters, 4 MiB.
    let bits = n.ilog2().clamp(4, 20);
    // The bits that chose the part are equal in all its records.
    let place = |r: &Record| ((r[0] << equal_bits) >> (64 - bits)) as usize;
    let mut starts = vec![0u32; (1 << bits) + 1];
    for r in &*records {
        starts[place(r) + 1] += 1;
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    scratch.clear();
    scratch.resize(n, [0; 2]);
    let mut next = starts.clone();
    for r in &*records {
        let at = &mut next[place(r)];
        scratch[*at as usize] = *r;
        *at += 1;
    }
    for pair in starts.windows(2) {
        let heap = &mut scratch[pair[0] as usize..pair[1] as usize];
        if heap.len() > 1 {
            heap.sort_unstable();
        }
    }
    std::mem::swap(records, scratch);
}

/// Takes pairs of position and number in any order, and hands the numbers over in the order of
/// positions.
pub(crate) struct ScatterPass {
    spool: Spool,
    rows: u64,
}

// 2^21 numbers of eight bytes: 16 MiB are put in order at a time. Our judgement.
const SCATTER_BITS: u32 = 21;

impl ScatterPass {
    /// Creates a pass over `rows` positions.
    pub fn create(path: &Path, rows: u64) -> io::Result<Self> {
        let parts = (rows >> SCATTER_BITS) as usize + 1;
        Ok(Self {
            spool: Spool::create(path, parts)?,
            rows,
        })
    }

    #[inline]
    pub fn push(&mut self, position: u64, number: u64) -> io::Result<()> {
        self.spool
            .push((position >> SCATTER_BITS) as usize, [position, number])
    }

    /// Hands over every position in order with its number, or with `none` if it was given no
    /// number.
    pub fn each(
        &self,
        none: u64,
        mut take: impl FnMut(u64, u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let (mut records, mut dense) = (Vec::new(), Vec::new());
        for part in 0..self.spool.parts() {
            let first = (part as u64) << SCATTER_BITS;
            let rows = (self.rows - first).min(1 << SCATTER_BITS);
            self.spool.load(part, &mut records)?;
            dense.clear();
            dense.resize(rows as usize, none);
            for [position, number] in &records {
                dense[(position - first) as usize] = *number;
            }
            for (n, number) in (first..).zip(&dense) {
                take(n, *number)?;
            }
        }
        Ok(())
    }
}

/// A bitmap of the positions where something occurs for the first time, with a rank for each.
pub(crate) struct FirstOccurrences {
    words: Vec<u64>,
    before: Vec<u64>,
}

impl FirstOccurrences {
    pub fn new(rows: u64) -> Self {
        Self {
            words: vec![0; (rows / 64 + 1) as usize],
            before: Vec::new(),
        }
    }

    pub fn mark(&mut self, position: u64) {
        self.words[(position / 64) as usize] |= 1 << (position % 64);
    }

    /// Returns how many positions are marked. Call it after the last `mark` and before the first
    /// `rank`.
    pub fn count(&mut self) -> u64 {
        let mut total = 0;
        self.before = self
            .words
            .iter()
            .map(|w| {
                let before = total;
                total += u64::from(w.count_ones());
                before
            })
            .collect();
        total
    }

    pub fn is_first(&self, position: u64) -> bool {
        self.words[(position / 64) as usize] >> (position % 64) & 1 == 1
    }

    #[inline]
    pub fn rank(&self, position: u64) -> u64 {
        let (word, bit) = ((position / 64) as usize, position % 64);
        let below = self.words[word] & ((1 << bit) - 1);
        self.before[word] + u64::from(below.count_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Against a map in memory.
        #[test]
        fn groups_are_what_a_map_says(all in proptest::collection::vec((0u64..40, any::<bool>()), 0..200), records in 1u64..10_000_000) {
            let folder = tempfile::tempdir().unwrap();
            let mut groups = Partitions::create(&folder.path().join("g"), records).unwrap();
            let spread = |n: u64| Fingerprint {
                high: (n / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                check: (n % 2) as u32,
            };
            let mut first: HashMap<u64, u64> = HashMap::new();
            let mut expected = Vec::new();
            let mut lost = 0;
            for (position, (name, user)) in (0..).zip(&all) {
                if *user {
                    groups.push(uses(spread(*name), position)).unwrap();
                } else {
                    groups.push(defines(spread(*name), position)).unwrap();
                    first.entry(*name).or_insert(position);
                }
            }
            for (position, (name, user)) in (0u64..).zip(&all) {
                if *user {
                    match first.get(name) {
                        Some(by) => expected.push([position, *by]),
                        None => lost += 1,
                    }
                }
            }
            let (mut found, mut table, mut lost_there) = (Vec::new(), Vec::new(), 0);
            groups.each(2, false, |g| {
                found.extend(g.uses);
                table.extend(g.table);
                lost_there += g.lost;
                Ok(())
            }).unwrap();
            prop_assert!(table.is_sorted_by_key(|t| t.0));
            prop_assert_eq!(table.len(), first.len());
            found.sort_unstable();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(lost, lost_there);
        }
    }

    #[test]
    fn large_parts_are_sorted() {
        let mut x = 1u64;
        let mut records: Vec<Record> = (0..100_000)
            .map(|n| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Three leading zeros, as in the first of eight parts.
                [x >> 3, n]
            })
            .collect();
        let mut expected = records.clone();
        expected.sort_unstable();
        sort(&mut records, &mut Vec::new(), 3);
        assert_eq!(records, expected);
    }

    #[test]
    fn scattered_numbers_come_in_order() {
        let folder = tempfile::tempdir().unwrap();
        // Three parts of 2^21 positions, filled from the end.
        let mut scatter = ScatterPass::create(&folder.path().join("s"), 5_000_000).unwrap();
        for n in (0..5_000_000u64).rev().step_by(3) {
            scatter.push(n, n * 2).unwrap();
        }
        let mut rows = 0;
        scatter
            .each(7, |n, number| {
                assert_eq!(number, if (4_999_999 - n) % 3 == 0 { n * 2 } else { 7 });
                rows += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(rows, 5_000_000);
    }
}
