//! Turns digests into near neighbours: every entry within a Hamming radius of a query, exactly.
//!
//! The crate knows bits, not PDQ. Entries are 256 bits; their position is their name. Two searches
//! give the same answer: [`Index::within`], which looks into buckets, and [`linear::within`], which
//! looks at everything and is the oracle of the tests.
//!
//! Invariant: no entry within the radius is ever missed, and none beyond it is returned.

#![deny(missing_docs)]

pub mod linear;

mod buckets;

pub use buckets::Index;

/// 256 bits, most significant byte first.
pub type Bits256 = [u8; 32];

/// An entry within the radius.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hit {
    /// Bits that differ from the query, 0 to 256.
    pub distance_bits: u32,
    /// Place of the entry among those the index was built from.
    pub position: u32,
}

/// Bits that differ.
#[inline]
pub fn distance(a: &Bits256, b: &Bits256) -> u32 {
    let word = |v: &Bits256, i: usize| {
        u64::from_le_bytes(v[i * 8..i * 8 + 8].try_into().expect("8 bytes"))
    };
    (0..4).map(|i| (word(a, i) ^ word(b, i)).count_ones()).sum()
}
