//! The reference search, which the tests compare with: looks at every entry.

use crate::{Bits256, Hit, distance};

/// All entries within `radius_bits`, nearest first, then by position.
pub fn within(entries: &[Bits256], query: &Bits256, radius_bits: u32) -> Vec<Hit> {
    let mut hits: Vec<Hit> = (0..)
        .zip(entries)
        .map(|(position, entry)| Hit {
            distance_bits: distance(entry, query),
            position,
        })
        .filter(|hit| hit.distance_bits <= radius_bits)
        .collect();
    // Unstable is enough: positions differ, so no two hits are equal.
    hits.sort_unstable();
    hits
}
