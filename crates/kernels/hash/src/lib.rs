//! Turns pixels and bytes into digests that can be compared with a hash list.
//!
//! The crate knows no files, no network and no lists. Pixels come in already decoded (RGB or grey,
//! eight bits a channel). The result is a [`Digest`] and, for perceptual kinds, its quality. Adding
//! a kind takes one file in `kinds/` and two lines in [`kinds`].
//!
//! Useful for: computing the digests that hash lists carry, bit-exact to their reference.
//! Not useful for: judging unknown material. Nothing here classifies anything.

#![deny(missing_docs)]

pub mod kinds;

mod arch;
mod digest;
mod jarosz;
mod pixels;
mod stripes;

pub use digest::{Digest, DigestError};
pub use kinds::{Compute, Example, Kind, KindStatus, Matching};
pub use pixels::{Pixels, PixelsError};

/// A digest computed from pixels, with PDQ's own measure of the picture's detail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Perceptual {
    /// The digest.
    pub digest: Digest,
    /// 0 (flat, no detail) to 100. Match a list only at [`Matching::Hamming::quality_min`] or
    /// above; nothing in this crate checks it.
    pub quality: u8,
}

/// The eight rotations and reflections of a picture, in the order of PyPI
/// `pdqhash.compute_dihedral`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// As stored.
    Original,
    /// A quarter turn counterclockwise.
    Rotate90,
    /// Half a turn.
    Rotate180,
    /// A quarter turn clockwise.
    Rotate270,
    /// Mirrored top to bottom.
    FlipX,
    /// Mirrored left to right.
    FlipY,
    /// Mirrored across the main diagonal.
    FlipPlus1,
    /// Mirrored across the other diagonal.
    FlipMinus1,
}

impl Turn {
    /// All eight, in the reference's order.
    pub const ALL: [Turn; 8] = [
        Turn::Original,
        Turn::Rotate90,
        Turn::Rotate180,
        Turn::Rotate270,
        Turn::FlipX,
        Turn::FlipY,
        Turn::FlipPlus1,
        Turn::FlipMinus1,
    ];
}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
