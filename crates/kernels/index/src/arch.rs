//! What depends on the machine: counting bits, huge pages and prefetching.
//!
//! The search is written once and compiled several times: in a form that runs on any machine, and
//! in others that use better instructions for counting bits. Which one runs is decided at run time.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::{Hit, Index, Words};

/// Every entry within the radius, in the order of positions.
pub(crate) fn scan(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    #[cfg(target_arch = "x86_64")]
    if let Some(hits) = x86_64::scan(entries, query, radius_bits) {
        return hits;
    }
    portable(entries, query, radius_bits)
}

/// [`scan`] for each query. All queries scan a piece of the entries while it is in the cache.
pub(crate) fn scan_each(entries: &[Words], queries: &[Words], radius_bits: u32) -> Vec<Vec<Hit>> {
    let mut answers = vec![Vec::new(); queries.len()];
    for (number, piece) in entries.chunks(PIECE).enumerate() {
        for (query, answer) in queries.iter().zip(&mut answers) {
            let found = scan(piece, query, radius_bits);
            answer.extend(found.into_iter().map(|hit| Hit {
                position: hit.position + (number * PIECE) as u32,
                ..hit
            }));
        }
    }
    answers
}

/// [`Index::probe`] with the best instructions this machine has.
pub(crate) fn probe(index: &Index, query: &Words, radius_bits: u32) -> Option<Vec<Hit>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(answer) = x86_64::probe(index, query, radius_bits) {
        return answer;
    }
    index.probe(query, radius_bits)
}

/// A zeroed table for random reads, in huge pages where the system has them.
pub(crate) fn zeroes<T: Clone + Default>(len: usize) -> Vec<T> {
    // The advice comes before the zeroes: memory gets its pages when it is first written.
    let mut table = Vec::with_capacity(len);
    #[cfg(target_os = "linux")]
    linux::large_pages(&table);
    table.resize(len, T::default());
    table
}

/// Prefetches an element that will be read soon. Does nothing except on x86-64; only speed depends
/// on it.
#[inline(always)]
pub(crate) fn prefetch<T>(of: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    x86_64::prefetch(of, at);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (of, at);
}

/// Entries whose distances are counted before any of them is compared with the radius. Our
/// judgement.
const BLOCK: usize = 256;
/// Entries that every query of a batch scans before the next ones are read: 128 KiB. Our judgement.
const PIECE: usize = 4_096;

#[inline(always)]
pub(crate) fn portable(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut distances = [0_u32; BLOCK];
    for (number, block) in entries.chunks(BLOCK).enumerate() {
        // First all distances, without a branch, so that the loop can use wide registers.
        for (out, entry) in distances.iter_mut().zip(block) {
            *out = crate::words_distance(entry, query);
        }
        let near = &distances[..block.len()];
        // Most blocks hold no hit: one comparison spares looking at each entry.
        if near.iter().fold(u32::MAX, |least, d| least.min(*d)) > radius_bits {
            continue;
        }
        for (place, distance_bits) in near.iter().enumerate().filter(|(_, d)| **d <= radius_bits) {
            // Fits: an index holds fewer than 2³² entries.
            let position = (number * BLOCK + place) as u32;
            hits.push(Hit {
                distance_bits: *distance_bits,
                position,
            });
        }
    }
    hits
}
