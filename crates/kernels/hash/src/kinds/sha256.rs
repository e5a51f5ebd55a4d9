//! SHA-256: the digest of a file's bytes as they are; one changed byte changes it.

use std::io::{self, Read};

use super::{Compute, Example, ExampleInput, Kind, KindStatus, Matching};
use crate::Digest;
use ::sha2::Digest as _;

/// SHA-256 (FIPS 180-4).
pub const KIND: Kind = Kind {
    name: "sha256",
    source: "FIPS 180-4",
    status: KindStatus::Stable,
    by_default: true,
    digest_bytes: 32,
    matching: Matching::Exact,
    compute: Compute::Bytes(compute),
    examples: &[
        Example {
            input: ExampleInput::Bytes(b"abc"),
            digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
        Example {
            input: ExampleInput::Bytes(b""),
            digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
    ],
};

fn compute(from: &mut dyn Read) -> io::Result<Digest> {
    let mut state = ::sha2::Sha256::new();
    super::feed(from, |piece| state.update(piece))?;
    // 32 bytes, the most a digest holds.
    Ok(Digest::from_bytes(&state.finalize()).expect("32-byte digest"))
}
