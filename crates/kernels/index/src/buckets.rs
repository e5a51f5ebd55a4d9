//! Multi-index hashing: the 256 bits are split into chunks, and each chunk has a table of buckets.
//!
//! If two entries differ in at most `r` bits, and each chunk `i` is given a threshold `tᵢ` so that
//! the sum of all `tᵢ + 1` is `r + 1`, then at least one chunk differs in at most `tᵢ` bits
//! (otherwise the chunks alone would differ in more than `r`). So the buckets around the query's
//! chunks hold every neighbour. For n entries, chunks are about log₂ n bits wide, so that a bucket
//! holds about one entry: at 10⁷ entries there are eleven chunks, and a query probes some 2,850
//! buckets.
//!
//! Bound: before a query compares candidates, it checks that a scan would not be cheaper. Where
//! buckets are crowded (flat pictures, thousands of near-equal digests), the scan answers instead.

use std::thread;

use crate::{Bits256, Hit, Words, arch, words, words_distance};

/// Up to this many entries a scan is cheaper than probing. Our judgement, from measurements.
const SCAN_ENTRIES_MAX: usize = 8_192;
/// Cost of comparing one candidate, in scanned entries. Our judgement.
const STEPS_PER_CANDIDATE: usize = 12;
/// Cost of reading one bucket, in scanned entries. Our judgement.
const STEPS_PER_PROBE: usize = 12;
/// Candidates prefetched before the first of them is compared. Our judgement.
const PIECE: usize = 128;
/// Widest chunk, in bits: its table has four bytes for each of its values. Our judgement.
const CHUNK_BITS_MAX: u32 = 26;
/// Narrowest chunk, in bits. Our judgement.
const CHUNK_BITS_MIN: u32 = 10;
/// Memory of all tables together, in bytes for each entry. Our judgement.
const TABLE_BYTES_PER_ENTRY_MAX: usize = 160;
/// The radius that chunks are fitted to; it is PDQ's. Other radii are answered just as exactly, but
/// larger ones take longer.
const DESIGN_RADIUS_BITS: u32 = 31;

/// Largest distance there is. A larger radius is cut to it, so that the thresholds don't overflow.
const BITS: u32 = 256;

/// An immutable set of entries that can be searched.
pub struct Index {
    entries: Vec<Words>,
    tables: Vec<Table>,
}

/// Positions sorted by the value of one chunk; bucket `v` is `ids[starts[v]..starts[v + 1]]`.
struct Table {
    chunk: Chunk,
    starts: Vec<u32>,
    ids: Vec<u32>,
}

/// `width` bits from bit `from` on, counted from the most significant.
#[derive(Clone, Copy)]
struct Chunk {
    from: u32,
    width: u32,
}

impl Chunk {
    #[inline(always)]
    fn of(self, entry: &Words) -> u32 {
        let (word, shift) = (self.from as usize / 64, self.from % 64);
        let mut bits = entry[word] << shift;
        // At most 26 bits wide, so a chunk touches two words at most.
        if shift + self.width > 64 {
            bits |= entry[word + 1] >> (64 - shift);
        }
        (bits >> (64 - self.width)) as u32
    }
}

impl Index {
    /// Builds the tables, on at most one thread per core. Panics above 2³² − 2 entries.
    pub fn new(entries: Vec<Bits256>) -> Self {
        Self::of_words(entries.len(), entries.iter().map(words))
    }

    pub(crate) fn of_words(len: usize, entries: impl Iterator<Item = Words>) -> Self {
        assert!(len < u32::MAX as usize, "positions are 32 bits");
        let mut all: Vec<Words> = arch::zeroes(len);
        all.iter_mut()
            .zip(entries)
            .for_each(|(to, from)| *to = from);
        // Without tables, `probe` leaves every query to the scan.
        let chunks = if len <= SCAN_ENTRIES_MAX {
            Vec::new()
        } else {
            chunks(len)
        };
        Self {
            tables: build(&all, &chunks),
            entries: all,
        }
    }

    pub(crate) fn entries(&self) -> &[Words] {
        &self.entries
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries within `radius_bits`, nearest first, then by position.
    pub fn within(&self, query: &Bits256, radius_bits: u32) -> Vec<Hit> {
        let radius_bits = radius_bits.min(BITS);
        let query = words(query);
        let mut hits = match arch::probe(self, &query, radius_bits) {
            Some(hits) => hits,
            None => arch::scan(&self.entries, &query, radius_bits),
        };
        hits.sort_unstable();
        hits
    }

    /// Like [`Index::within`], for several queries. Those that a scan answers share one walk over
    /// the entries.
    pub fn within_each(&self, queries: &[Bits256], radius_bits: u32) -> Vec<Vec<Hit>> {
        let radius_bits = radius_bits.min(BITS);
        let queries: Vec<Words> = queries.iter().map(words).collect();
        let probed = queries.iter().map(|q| arch::probe(self, q, radius_bits));
        let mut answers: Vec<Option<Vec<Hit>>> = probed.collect();
        let left: Vec<Words> = std::iter::zip(&queries, &answers)
            .filter(|(_, answer)| answer.is_none())
            .map(|(query, _)| *query)
            .collect();
        let mut scanned = arch::scan_each(&self.entries, &left, radius_bits).into_iter();
        for answer in &mut answers {
            if answer.is_none() {
                *answer = scanned.next();
            }
        }
        let mut answers: Vec<_> = answers.into_iter().flatten().collect();
        answers.iter_mut().for_each(|hits| hits.sort_unstable());
        answers
    }

    /// `None` if a scan is cheaper; decided before any candidate is compared.
    #[inline(always)]
    pub(crate) fn probe(&self, query: &Words, radius_bits: u32) -> Option<Vec<Hit>> {
        let thresholds = thresholds(self.tables.len() as u32, radius_bits);
        let probes: usize = self
            .tables
            .iter()
            .zip(&thresholds)
            .map(|(t, k)| ball(t.chunk.width, *k))
            .sum();
        // A step is the cost of scanning one entry, so a scan takes as many as there are entries.
        let mut steps = probes * STEPS_PER_PROBE;
        if self.tables.is_empty() || steps > self.entries.len() {
            return None;
        }
        // Three passes instead of one. Each prefetches what the next one reads, so that cache
        // misses overlap instead of following one another.
        let mut places: Vec<u32> = Vec::with_capacity(probes);
        let mut ends = Vec::with_capacity(self.tables.len());
        for (table, threshold) in self.tables.iter().zip(&thresholds) {
            let value = table.chunk.of(query);
            each_near(table.chunk.width, *threshold, |mask| {
                let place = value ^ mask;
                arch::prefetch(&table.starts, place as usize);
                places.push(place);
            });
            ends.push(places.len());
        }
        let mut buckets: Vec<(u32, u32)> = Vec::with_capacity(probes);
        let mut begin = 0;
        for (table, end) in self.tables.iter().zip(&mut ends) {
            for place in &places[begin..*end] {
                let place = *place as usize;
                let (start, end) = (table.starts[place], table.starts[place + 1]);
                if start < end {
                    steps += (end - start) as usize * STEPS_PER_CANDIDATE;
                    arch::prefetch(&table.ids, start as usize);
                    buckets.push((start, end));
                }
            }
            begin = *end;
            *end = buckets.len();
        }
        // Checked again: only now is it known how full the buckets are.
        if steps > self.entries.len() {
            return None;
        }
        let mut hits = Vec::new();
        let mut begin = 0;
        let mut candidates: Vec<u32> = Vec::with_capacity(PIECE);
        for (number, (table, end)) in self.tables.iter().zip(ends).enumerate() {
            for (start, end) in &buckets[begin..end] {
                for position in &table.ids[*start as usize..*end as usize] {
                    arch::prefetch(&self.entries, *position as usize);
                    candidates.push(*position);
                }
                // Checked between buckets, so there may be more candidates than a piece has.
                if candidates.len() >= PIECE {
                    self.compare(
                        query,
                        radius_bits,
                        number,
                        &thresholds,
                        &mut candidates,
                        &mut hits,
                    );
                }
            }
            // Before the next table, because `compare` has to know which table the candidates came
            // from.
            self.compare(
                query,
                radius_bits,
                number,
                &thresholds,
                &mut candidates,
                &mut hits,
            );
            begin = end;
        }
        Some(hits)
    }

    /// Adds the candidates of table `number` that are within the radius.
    #[inline(always)]
    fn compare(
        &self,
        query: &Words,
        radius_bits: u32,
        number: usize,
        thresholds: &[i32],
        candidates: &mut Vec<u32>,
        hits: &mut Vec<Hit>,
    ) {
        for position in candidates.drain(..) {
            let entry = &self.entries[position as usize];
            let distance_bits = words_distance(entry, query);
            // Reported only by the first table that finds it, so that no hit is reported twice.
            if distance_bits <= radius_bits && !self.seen_before(number, entry, query, thresholds) {
                hits.push(Hit {
                    distance_bits,
                    position,
                });
            }
        }
    }

    fn seen_before(&self, number: usize, entry: &Words, query: &Words, thresholds: &[i32]) -> bool {
        self.tables[..number]
            .iter()
            .zip(thresholds)
            .any(|(table, threshold)| {
                (table.chunk.of(entry) ^ table.chunk.of(query)).count_ones() as i32 <= *threshold
            })
    }
}

/// Chunks that together cover all 256 bits, each about log₂ `len` bits wide. Of the numbers of
/// chunks whose tables fit into [`TABLE_BYTES_PER_ENTRY_MAX`], it takes the one with which a query
/// reads the fewest buckets and candidates in total, if entries are spread evenly.
fn chunks(len: usize) -> Vec<Chunk> {
    let table_bytes = |count: u32| -> usize {
        let starts: usize = widths(count).map(|width| 4 << width).sum();
        starts + 4 * len * count as usize
    };
    // 25 chunks always fit (at 8,193 entries 116 bytes each, less on longer lists), so there is a
    // minimum.
    let count = (256_u32.div_ceil(CHUNK_BITS_MAX)..=256 / CHUNK_BITS_MIN)
        .filter(|count| table_bytes(*count) <= len * TABLE_BYTES_PER_ENTRY_MAX)
        .min_by_key(|count| {
            let buckets: f64 = thresholds(*count, DESIGN_RADIUS_BITS)
                .iter()
                .zip(widths(*count))
                .map(|(k, width)| {
                    let per_bucket = len as f64 / (1_u64 << width) as f64;
                    ball(width, *k) as f64 * (1.0 + per_bucket)
                })
                .sum();
            // Rounded to an integer, because floats aren't `Ord`.
            buckets as u64
        })
        .expect("one chunk count is always possible");
    let mut from = 0;
    widths(count)
        .map(|width| {
            from += width;
            Chunk {
                from: from - width,
                width,
            }
        })
        .collect()
}

/// Splits 256 bits into `count` chunks, the wider ones first.
fn widths(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(move |i| 256 / count + u32::from(i < 256 % count))
}

fn build(entries: &[Words], chunks: &[Chunk]) -> Vec<Table> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut tables = Vec::with_capacity(chunks.len());
    for some in chunks.chunks(threads) {
        thread::scope(|scope| {
            let running: Vec<_> = some
                .iter()
                .map(|chunk| scope.spawn(|| Table::new(entries, *chunk)))
                .collect();
            tables.extend(
                running
                    .into_iter()
                    .map(|t| t.join().expect("building a table does not fail")),
            );
        });
    }
    tables
}

/// How many bits each chunk may differ in: the `tᵢ` above, −1 for a chunk that need not be probed.
/// The narrower chunks get the larger thresholds, because fewer values are within them.
fn thresholds(count: u32, radius_bits: u32) -> Vec<i32> {
    if count == 0 {
        return Vec::new();
    }
    // The `tᵢ + 1` must add up to the radius + 1, so the radius + 1 is distributed over the chunks.
    let (each, over) = ((radius_bits + 1) / count, (radius_bits + 1) % count);
    // The wider chunks come first.
    (0..count)
        .map(|i| each as i32 - 1 + i32::from(i >= count - over))
        .collect()
}

/// How many values of `width` bits differ from a given one in at most `threshold` bits.
fn ball(width: u32, threshold: i32) -> usize {
    let (mut sum, mut layer) = (0_usize, 1_usize);
    // A threshold of −1 makes an empty range: no bucket is looked at.
    for k in 0..=threshold.max(-1) {
        sum = sum.saturating_add(layer);
        // Divides evenly: the result is the next binomial coefficient. Beyond the width it becomes
        // zero.
        layer =
            layer.saturating_mul((width as usize).saturating_sub(k as usize)) / (k as usize + 1);
    }
    sum
}

/// Every mask of `width` bits with at most `threshold` ones.
#[inline(always)]
fn each_near(width: u32, threshold: i32, mut give: impl FnMut(u32)) {
    if threshold < 0 {
        return;
    }
    give(0);
    for ones in 1..=(threshold as u32).min(width) {
        // Gosper's hack: steps from one mask to the next larger one with the same number of ones.
        let mut mask: u64 = (1 << ones) - 1;
        while mask < 1 << width {
            give(mask as u32);
            let lowest = mask & mask.wrapping_neg();
            let carried = mask + lowest;
            mask = carried | ((mask ^ carried) >> (2 + mask.trailing_zeros()));
        }
    }
}

impl Table {
    fn new(entries: &[Words], chunk: Chunk) -> Self {
        // One more than there are values, so that the last bucket has an end too.
        let mut starts = arch::zeroes((1 << chunk.width) + 1);
        for entry in entries {
            starts[chunk.of(entry) as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        // Filling moves each start to its bucket's end, which is the next bucket's start. Rotating
        // by one place restores the starts, without a copy of them.
        let mut ids = arch::zeroes(entries.len());
        for (position, entry) in (0..).zip(entries) {
            let slot = &mut starts[chunk.of(entry) as usize];
            ids[*slot as usize] = position;
            *slot += 1;
        }
        starts.rotate_right(1);
        starts[0] = 0;
        Self { chunk, starts, ids }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear;
    use proptest::prelude::*;

    /// `u32::MAX` once wrapped to a radius below zero and found nothing.
    #[test]
    fn a_radius_beyond_all_bits_finds_everything() {
        let entries = vec![[0; 32], [0x0f; 32], [0xff; 32]];
        let index = Index::new(entries.clone());
        for radius in [256, 257, u32::MAX] {
            assert_eq!(index.within(&[0; 32], radius).len(), 3, "{radius}");
            assert_eq!(
                index.within_each(&[[0; 32]], radius)[0].len(),
                3,
                "{radius}"
            );
            assert_eq!(
                linear::within(&entries, &[0; 32], radius).len(),
                3,
                "{radius}"
            );
        }
        assert_eq!(index.within(&[0; 32], 255).len(), 2);
    }

    fn random(state: &mut u64) -> Bits256 {
        let mut out = [0; 32];
        for word in out.chunks_exact_mut(8) {
            // The constants of Knuth's MMIX generator.
            *state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            word.copy_from_slice(&(*state ^ (*state >> 29)).to_le_bytes());
        }
        out
    }

    fn flipped(mut entry: Bits256, bits: impl IntoIterator<Item = u16>) -> Bits256 {
        for bit in bits {
            entry[bit as usize / 8] ^= 1 << (bit % 8);
        }
        entry
    }

    fn entries(state: &mut u64, len: usize) -> Vec<Bits256> {
        (0..len).map(|_| random(state)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// Random, clustered and flat data, with radii that buckets answer and larger ones.
        #[test]
        fn equals_the_linear_twin(
            seed in any::<u64>(),
            more in 0_usize..40_000,
            radius in 0_u32..60,
            bits in proptest::collection::vec(0_u16..256, 0..45),
        ) {
            let mut state = seed;
            let centre = random(&mut state);
            let mut all = entries(&mut state, SCAN_ENTRIES_MAX - 200 + more);
            for i in 0..300_u16 {
                all.push(flipped(centre, [i % 256, (i * 7) % 256, (i * 13 + 5) % 256]));
            }
            all.extend(std::iter::repeat_n([0; 32], 50));
            let index = Index::new(all.clone());
            let queries = [flipped(centre, bits.clone()), flipped(all[3], bits), [0; 32], random(&mut state)];
            let answers = queries.map(|query| linear::within(&all, &query, radius));
            for (query, answer) in queries.iter().zip(&answers) {
                prop_assert_eq!(&index.within(query, radius), answer);
            }
            prop_assert_eq!(index.within_each(&queries, radius), answers);
        }

        #[test]
        fn scans_agree_on_every_machine(seed in any::<u64>(), len in 0_usize..3_000, radius in 90_u32..140) {
            let mut state = seed;
            let all: Vec<Words> = entries(&mut state, len).iter().map(words).collect();
            let query = words(&random(&mut state));
            prop_assert_eq!(arch::scan(&all, &query, radius), arch::portable(&all, &query, radius));
        }
    }

    /// Flips spread as evenly over the chunks as possible, for every distance up to 31 bits.
    #[test]
    fn spread_flips_up_to_the_radius_are_found_in_buckets() {
        let mut state = 7;
        // The first is the shortest list that has tables.
        for len in [SCAN_ENTRIES_MAX + 1, 70_000, 300_000] {
            let all = entries(&mut state, len);
            let index = Index::new(all.clone());
            let count = index.tables.len() as u16;
            // 31 is the radius the chunks are fitted to.
            for distance in 0..=31_u16 {
                let flips = (0..distance).map(|i| {
                    let chunk = index.tables[(i % count) as usize].chunk;
                    let bit = chunk.from as u16 + i / count;
                    // Bits are counted from the most significant of each byte.
                    bit / 8 * 8 + 7 - bit % 8
                });
                let query = flipped(all[17], flips);
                let hit = Hit {
                    distance_bits: distance.into(),
                    position: 17,
                };
                assert!(
                    index.within(&query, distance.into()).contains(&hit),
                    "{len}, {distance}"
                );
                assert!(index.within(&query, 31).contains(&hit), "{len}, {distance}");
            }
        }
    }

    /// Crowded buckets must not cost more than the scan they are meant to save.
    #[test]
    fn crowded_buckets_fall_back_to_the_scan() {
        let mut state = 3;
        let mut all = entries(&mut state, 20_000);
        // Within two bits of zero: they share buckets in nearly every chunk.
        all.extend((0..20_000_u16).map(|i| flipped([0; 32], [i % 256, i / 256])));
        let index = Index::new(all.clone());
        assert!(index.probe(&words(&[0; 32]), 31).is_none());
        assert_eq!(
            index.within(&[0; 32], 31),
            linear::within(&all, &[0; 32], 31)
        );
    }

    #[test]
    fn chunks_cover_all_bits_and_thresholds_suffice() {
        // At 60 million log₂ is 25.8, close to the widest chunk allowed.
        for len in [10_000, 100_000, 1_000_000, 10_000_000, 60_000_000] {
            let chunks = chunks(len);
            let mut next = 0;
            for chunk in &chunks {
                assert_eq!(chunk.from, next);
                assert!(
                    (1..=CHUNK_BITS_MAX).contains(&chunk.width),
                    "{len}: {}",
                    chunk.width
                );
                next += chunk.width;
            }
            assert_eq!(next, 256);
            let tables: Vec<Table> = chunks
                .iter()
                .map(|c| Table {
                    chunk: *c,
                    starts: Vec::new(),
                    ids: Vec::new(),
                })
                .collect();
            for radius in 0..=64 {
                let sum: i32 = thresholds(tables.len() as u32, radius)
                    .iter()
                    .map(|t| t + 1)
                    .sum();
                assert_eq!(sum, radius as i32 + 1, "{len}, {radius}");
            }
        }
    }

    #[test]
    fn balls_have_as_many_masks_as_counted() {
        // −1 is a chunk that is not looked at; (4, 9) allows more flips than there are bits.
        for (width, threshold) in [(8, 3), (23, 2), (24, 1), (5, -1), (5, 0), (4, 4), (4, 9)] {
            let mut masks = Vec::new();
            each_near(width, threshold, |m| masks.push(m));
            assert_eq!(masks.len(), ball(width, threshold), "{width}, {threshold}");
            masks.sort_unstable();
            masks.dedup();
            assert_eq!(masks.len(), ball(width, threshold));
            assert!(
                masks
                    .iter()
                    .all(|m| *m < 1 << width && m.count_ones() as i32 <= threshold)
            );
        }
    }

    #[test]
    fn an_empty_index_answers() {
        let index = Index::new(Vec::new());
        assert!(index.is_empty());
        // The radius includes every possible entry, but there are none.
        assert_eq!(index.within(&[0; 32], 256), vec![]);
    }
}
