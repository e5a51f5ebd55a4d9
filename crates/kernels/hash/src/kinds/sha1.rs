//! SHA-1: the digest of a file's bytes as they are; one changed byte changes it.

use std::io::{self, Read};

use super::{Compute, Example, ExampleInput, Kind, KindStatus, Matching};
use crate::Digest;
use ::sha1::Digest as _;

/// SHA-1 (FIPS 180-4).
pub const KIND: Kind = Kind {
    name: "sha1",
    source: "FIPS 180-4",
    status: KindStatus::Stable,
    by_default: true,
    digest_bytes: 20,
    matching: Matching::Exact,
    compute: Compute::Bytes(compute),
    examples: &[
        Example {
            input: ExampleInput::Bytes(b"abc"),
            digest: "a9993e364706816aba3e25717850c26c9cd0d89d",
        },
        Example {
            input: ExampleInput::Bytes(b""),
            digest: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        },
    ],
};

fn compute(from: &mut dyn Read) -> io::Result<Digest> {
    let mut state = ::sha1::Sha1::new();
    super::feed(from, |piece| state.update(piece))?;
    // 20 bytes; a digest holds up to 32.
    Ok(Digest::from_bytes(&state.finalize()).expect("it fits"))
}
