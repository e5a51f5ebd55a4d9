//! Multi-index hashing: sixteen tables, one for each 16-bit chunk of the entry.
//!
//! Two entries that differ in at most 31 bits differ in at most one bit in at least one of their
//! sixteen chunks (pigeonhole), so seventeen buckets in each table hold every neighbour. Beyond
//! that radius, and for small lists, the linear scan answers.
//! This is simple and not yet fast: at 10⁷ entries it reads some 41,500 candidates a query.

use crate::{Bits256, Hit, distance, linear};

const CHUNKS: usize = 16;
const BUCKETS: usize = 1 << 16;
/// Largest radius the tables answer, in bits.
const RADIUS_BITS_MAX: u32 = 2 * CHUNKS as u32 - 1;
/// Below this many entries a scan is cheaper than 272 probes.
const SCAN_ENTRIES_MAX: usize = 4_096;

/// An immutable set of entries that can be searched.
pub struct Index {
    entries: Vec<Bits256>,
    tables: Vec<Table>,
}

/// Positions sorted by the value of one chunk; bucket `v` is `ids[starts[v]..starts[v + 1]]`.
struct Table {
    starts: Vec<u32>,
    ids: Vec<u32>,
}

impl Index {
    /// Builds the tables. At most 2³² − 1 entries.
    pub fn new(entries: Vec<Bits256>) -> Self {
        assert!(entries.len() < u32::MAX as usize, "positions are 32 bits");
        let tables = if entries.len() <= SCAN_ENTRIES_MAX {
            Vec::new()
        } else {
            (0..CHUNKS).map(|c| Table::new(&entries, c)).collect()
        };
        Self { entries, tables }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at a position.
    pub fn entry(&self, position: u32) -> Option<&Bits256> {
        self.entries.get(position as usize)
    }

    /// All entries within `radius_bits`, nearest first, then by position.
    pub fn within(&self, query: &Bits256, radius_bits: u32) -> Vec<Hit> {
        if self.tables.is_empty() || radius_bits > RADIUS_BITS_MAX {
            return linear::within(&self.entries, query, radius_bits);
        }
        let flips = radius_bits / CHUNKS as u32;
        let mut hits = Vec::new();
        for (c, table) in self.tables.iter().enumerate() {
            let value = chunk(query, c);
            self.probe(table, c, value, flips, query, radius_bits, &mut hits);
            if flips == 1 {
                for bit in 0..16 {
                    self.probe(
                        table,
                        c,
                        value ^ (1 << bit),
                        flips,
                        query,
                        radius_bits,
                        &mut hits,
                    );
                }
            }
        }
        hits.sort_unstable();
        hits
    }

    #[allow(clippy::too_many_arguments)]
    fn probe(
        &self,
        table: &Table,
        c: usize,
        value: u16,
        flips: u32,
        query: &Bits256,
        radius_bits: u32,
        hits: &mut Vec<Hit>,
    ) {
        let bucket =
            table.starts[value as usize] as usize..table.starts[value as usize + 1] as usize;
        for &position in &table.ids[bucket] {
            let entry = &self.entries[position as usize];
            let distance_bits = distance(entry, query);
            if distance_bits > radius_bits {
                continue;
            }
            // Taken only in the first table that can see it, so that nothing is returned twice.
            let seen = (0..c).any(|d| (chunk(entry, d) ^ chunk(query, d)).count_ones() <= flips);
            if !seen {
                hits.push(Hit {
                    distance_bits,
                    position,
                });
            }
        }
    }
}

impl Table {
    fn new(entries: &[Bits256], c: usize) -> Self {
        let mut starts = vec![0_u32; BUCKETS + 1];
        for entry in entries {
            starts[chunk(entry, c) as usize + 1] += 1;
        }
        for v in 0..BUCKETS {
            starts[v + 1] += starts[v];
        }
        let mut next = starts.clone();
        let mut ids = vec![0; entries.len()];
        for (position, entry) in (0..).zip(entries) {
            let slot = &mut next[chunk(entry, c) as usize];
            ids[*slot as usize] = position;
            *slot += 1;
        }
        Self { starts, ids }
    }
}

fn chunk(entry: &Bits256, c: usize) -> u16 {
    u16::from_be_bytes([entry[2 * c], entry[2 * c + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn random(state: &mut u64) -> Bits256 {
        let mut out = [0; 32];
        for word in out.chunks_exact_mut(8) {
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Random, clustered and flat data; queries at every planted distance.
        #[test]
        fn equals_the_linear_twin(
            seed in any::<u64>(),
            radius in 0_u32..40,
            bits in proptest::collection::vec(0_u16..256, 0..45),
        ) {
            let mut state = seed;
            let centre = random(&mut state);
            let mut entries: Vec<Bits256> = (0..SCAN_ENTRIES_MAX + 500).map(|_| random(&mut state)).collect();
            for i in 0..300_u16 {
                entries.push(flipped(centre, [i % 256, (i * 7) % 256, (i * 13 + 5) % 256]));
            }
            entries.extend(std::iter::repeat_n([0; 32], 50));
            let index = Index::new(entries.clone());
            for query in [flipped(centre, bits.clone()), flipped(entries[3], bits), [0; 32], random(&mut state)] {
                prop_assert_eq!(index.within(&query, radius), linear::within(&entries, &query, radius));
            }
        }
    }

    /// One bit in each of fifteen chunks, then two, then three: the worst cases of the pigeonhole.
    #[test]
    fn spread_flips_up_to_the_radius_are_found() {
        let mut state = 7;
        let entries: Vec<Bits256> = (0..SCAN_ENTRIES_MAX + 1)
            .map(|_| random(&mut state))
            .collect();
        let index = Index::new(entries.clone());
        for distance in 0..=31_u16 {
            let query = flipped(entries[17], (0..distance).map(|i| (i % 16) * 16 + i / 16));
            let hits = index.within(&query, u32::from(distance));
            assert!(
                hits.contains(&Hit {
                    distance_bits: distance.into(),
                    position: 17
                }),
                "{distance}"
            );
        }
    }

    #[test]
    fn an_empty_index_answers() {
        let index = Index::new(Vec::new());
        assert!(index.is_empty());
        assert_eq!(index.within(&[0; 32], 256), vec![]);
    }
}
