//! MD5: the digest of a file's bytes as they are; one changed byte changes it.

use std::io::{self, Read};

use super::{Compute, Example, ExampleInput, Kind, KindStatus, Matching};
use crate::Digest;
use ::md5::Digest as _;

/// MD5 (RFC 1321).
pub const KIND: Kind = Kind {
    name: "md5",
    source: "RFC 1321",
    status: KindStatus::Stable,
    by_default: true,
    digest_bytes: 16,
    matching: Matching::Exact,
    compute: Compute::Bytes(compute),
    examples: &[
        // Both from the test suite in RFC 1321, appendix A.5.
        Example {
            input: ExampleInput::Bytes(b"abc"),
            digest: "900150983cd24fb0d6963f7d28e17f72",
        },
        Example {
            input: ExampleInput::Bytes(b""),
            digest: "d41d8cd98f00b204e9800998ecf8427e",
        },
    ],
};

fn compute(from: &mut dyn Read) -> io::Result<Digest> {
    let mut state = ::md5::Md5::new();
    super::feed(from, |piece| state.update(piece))?;
    // 16 bytes; a digest holds up to 32.
    Ok(Digest::from_bytes(&state.finalize()).expect("it fits"))
}
