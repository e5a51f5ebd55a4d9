//! Picks, at run time, the code that counts bits with the registers this machine has.
//!
//! One source for all; the compiler makes it once for every machine and once more for machines
//! that count bits in wide registers.

#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::{Hit, Words};

/// Every entry within the radius, in the order of positions.
pub(crate) fn scan(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    #[cfg(target_arch = "x86_64")]
    if let Some(hits) = x86_64::scan(entries, query, radius_bits) {
        return hits;
    }
    portable(entries, query, radius_bits)
}

/// Entries whose distances are counted before any of them is looked at.
const BLOCK: usize = 256;

#[inline(always)]
pub(crate) fn portable(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut distances = [0_u32; BLOCK];
    for (number, block) in entries.chunks(BLOCK).enumerate() {
        for (out, entry) in distances.iter_mut().zip(block) {
            *out = crate::words_distance(entry, query);
        }
        let near = &distances[..block.len()];
        if near.iter().fold(u32::MAX, |least, d| least.min(*d)) > radius_bits {
            continue;
        }
        for (place, distance_bits) in near.iter().enumerate().filter(|(_, d)| **d <= radius_bits) {
            let position = (number * BLOCK + place) as u32;
            hits.push(Hit {
                distance_bits: *distance_bits,
                position,
            });
        }
    }
    hits
}
