//! Turns digests into near neighbours: every entry within a Hamming radius of a query, exactly.
//!
//! The crate knows bits, not PDQ. Entries are 256 bits; an entry is identified by its position. Two
//! searches give the same answer: [`Index::within`], which looks into buckets where that is cheaper
//! than a scan, and [`linear::within`], which looks at everything and is the oracle of the tests.
//!
//! Invariant: no entry within the radius is ever missed, and none beyond it is returned.

#![deny(missing_docs)]

pub mod linear;

mod arch;
mod buckets;
mod segments;

pub use buckets::Index;
pub use segments::Segments;

/// 256 bits, most significant byte first.
pub type Bits256 = [u8; 32];

/// The same 256 bits as the search holds them.
pub(crate) type Words = [u64; 4];

/// An entry within the radius.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hit {
    /// Bits that differ from the query, 0 to 256.
    pub distance_bits: u32,
    /// Position of the entry among those the index was built from, from 0.
    pub position: u32,
}

/// Bits that differ.
#[inline]
pub fn distance(a: &Bits256, b: &Bits256) -> u32 {
    words_distance(&words(a), &words(b))
}

#[inline(always)]
pub(crate) fn words_distance(a: &Words, b: &Words) -> u32 {
    std::iter::zip(a, b)
        .map(|(a, b)| (a ^ b).count_ones())
        .sum()
}

#[inline(always)]
pub(crate) fn words(bits: &Bits256) -> Words {
    let (words, _) = bits.as_chunks::<8>();
    // Big-endian: bit 0 of a chunk is then the most significant bit of the first byte.
    [0, 1, 2, 3].map(|i| u64::from_be_bytes(words[i]))
}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
