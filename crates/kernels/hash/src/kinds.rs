//! The hash kinds: each is one file and one entry in [`ALL`].

use std::io::{self, Read};

use crate::{Digest, DigestError, Perceptual, Pixels};

mod md5;
mod pdq;
mod pdq_cimg512;
mod sha1;
mod sha256;
mod vpdq;

/// Every kind. Order is the order of help texts and of `obhut hash` without `--kind`.
pub const ALL: &[&Kind] = &[
    &pdq::KIND,
    &pdq_cimg512::KIND,
    &md5::KIND,
    &sha1::KIND,
    &sha256::KIND,
    &vpdq::KIND,
];

/// The kind of that name, as lists and command lines write it.
pub fn by_name(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|k| k.name == name)
}

/// What there is to know about a hash kind.
pub struct Kind {
    /// The name in lists, in findings and on the command line; also that of its source file, with
    /// `_` for `-`.
    pub name: &'static str,
    /// The document that defines it.
    pub source: &'static str,
    /// How settled it is.
    pub status: KindStatus,
    /// False for a kind that is computed only when it is asked for by name.
    pub by_default: bool,
    /// Length of a digest.
    pub digest_bytes: usize,
    /// When two digests match.
    pub matching: Matching,
    /// How a digest is made.
    pub compute: Compute,
    /// Checked by one test that walks every kind.
    pub examples: &'static [Example],
}

impl Kind {
    /// The digest of bytes in memory; none for kinds that look at pixels or frames.
    pub fn of_bytes(&self, bytes: &[u8]) -> Option<crate::Digest> {
        match self.compute {
            // Reading from memory cannot fail.
            Compute::Bytes(compute) => compute(&mut &*bytes).ok(),
            _ => None,
        }
    }

    /// The digest of what a reader gives, in little memory; none for kinds that look at pixels or
    /// frames.
    ///
    /// # Errors
    /// The reader failed.
    pub fn of_reader(&self, from: &mut dyn Read) -> Option<io::Result<crate::Digest>> {
        match self.compute {
            Compute::Bytes(compute) => Some(compute(from)),
            _ => None,
        }
    }

    /// The digest of decoded pixels, or of one frame; none for kinds that read bytes.
    pub fn of_pixels(&self, pixels: Pixels<'_>) -> Option<Perceptual> {
        match self.compute {
            Compute::Pixels { one, .. } | Compute::Frames(one) => Some(one(pixels)),
            Compute::Bytes(_) => None,
        }
    }
}

/// How settled a hash kind is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KindStatus {
    /// Works; its output may still change.
    Preview,
    /// Its output is a contract.
    Stable,
    /// Still read, no longer written.
    Retired,
}

/// When two digests match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matching {
    /// Only when every bit is equal.
    Exact,
    /// Within a Hamming radius, and only when the picture's quality suffices.
    Hamming {
        /// Largest distance that matches, in bits.
        radius_bits: u32,
        /// Smallest quality (0–100) that may match at all.
        quality_min: u8,
    },
}

/// How a digest is made.
#[derive(Clone, Copy)]
pub enum Compute {
    /// From the file's bytes as they are, of any length, read once.
    Bytes(fn(&mut dyn Read) -> io::Result<Digest>),
    /// From decoded pixels.
    Pixels {
        /// As stored.
        one: fn(Pixels<'_>) -> Perceptual,
        /// All eight turns and mirrors, in the order of [`crate::Turn::ALL`].
        eight: fn(Pixels<'_>) -> [Perceptual; 8],
    },
    /// From the sampled frames of a video, one digest for each.
    Frames(fn(Pixels<'_>) -> Perceptual),
}

/// An input and its digest, as given by the source document or its reference implementation.
pub struct Example {
    /// What goes in.
    pub input: ExampleInput,
    /// Lower-case hex.
    pub digest: &'static str,
}

/// What goes into an [`Example`].
pub enum ExampleInput {
    /// A file's bytes.
    Bytes(&'static [u8]),
    /// A grey ramp of that width and height: pixel (x, y) has the value (x·3 + y·5) mod 256.
    Ramp(u32, u32),
}

impl Kind {
    /// Reads a digest of this kind from hex.
    pub fn parse(&self, hex: &str) -> Result<Digest, DigestError> {
        Digest::from_hex(hex, self.digest_bytes)
    }

    /// Smallest quality that may match at all; 0 if the kind has no quality.
    pub fn quality_min(&self) -> u8 {
        match self.matching {
            Matching::Hamming { quality_min, .. } => quality_min,
            Matching::Exact => 0,
        }
    }

    /// Largest distance that matches, in bits; `None` for kinds that match exactly.
    pub fn radius_bits(&self) -> Option<u32> {
        match self.matching {
            Matching::Hamming { radius_bits, .. } => Some(radius_bits),
            Matching::Exact => None,
        }
    }

    /// True if the kind is computed from a picture; false for kinds of bytes and of video frames.
    pub fn needs_pixels(&self) -> bool {
        matches!(self.compute, Compute::Pixels { .. })
    }
}

/// Reads to the end, a piece at a time.
fn feed(from: &mut dyn Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    // Small enough for the stack, and zeroed only once per file. Larger reads gain little. Our
    // judgement.
    let mut piece = [0; 64 << 10];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(n) => take(&piece[..n]),
            // A signal interrupted the read before any byte was read: try again.
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::DIGEST_BYTES_MAX;

    /// One test covers all kinds: a new kind adds examples, not a test.
    #[test]
    fn every_kind_reproduces_its_examples() {
        for kind in ALL {
            assert!(
                kind.digest_bytes <= DIGEST_BYTES_MAX,
                "{}: a digest has at most {DIGEST_BYTES_MAX} bytes",
                kind.name
            );
            assert!(
                !kind.examples.is_empty(),
                "{}: give at least one example",
                kind.name
            );
            for example in kind.examples {
                let digest = match (&kind.compute, &example.input) {
                    (Compute::Bytes(f), ExampleInput::Bytes(bytes)) => f(&mut &bytes[..]).unwrap(),
                    (Compute::Pixels { one, .. }, ExampleInput::Ramp(w, h)) => {
                        let rgb = ramp(*w, *h);
                        one(Pixels::new(*w, *h, &rgb).unwrap()).digest
                    }
                    (Compute::Frames(one), ExampleInput::Ramp(w, h)) => {
                        let rgb = ramp(*w, *h);
                        one(Pixels::new(*w, *h, &rgb).unwrap()).digest
                    }
                    // An example of the wrong sort is a mistake in the kind's file: it fails and is
                    // not skipped.
                    _ => panic!("{}: example and kind take different inputs", kind.name),
                };
                assert_eq!(digest.to_hex(), example.digest, "{}", kind.name);
                assert_eq!(digest.as_bytes().len(), kind.digest_bytes, "{}", kind.name);
                // Parsing is checked too: a list's hex has to give the digest that was computed.
                assert_eq!(kind.parse(example.digest), Ok(digest), "{}", kind.name);
            }
        }
    }

    /// Name, bytes of a digest, radius in bits, least quality, computed from a picture.
    #[test]
    fn each_kind_states_how_it_matches() {
        for (name, bytes, radius, quality, picture) in [
            ("pdq", 32, Some(31), 50, true),
            ("pdq-cimg512", 32, Some(31), 50, true),
            ("md5", 16, None, 0, false),
            ("sha1", 20, None, 0, false),
            ("sha256", 32, None, 0, false),
            ("vpdq", 32, Some(31), 50, false),
        ] {
            let kind = by_name(name).unwrap();
            assert_eq!(kind.digest_bytes, bytes, "{name}");
            assert_eq!(kind.radius_bits(), radius, "{name}");
            assert_eq!(kind.quality_min(), quality, "{name}");
            assert_eq!(kind.needs_pixels(), picture, "{name}");
            let bytewise = kind.of_bytes(b"abc").is_some();
            assert_eq!(bytewise, !name.contains("pdq"), "{name}");
            let rgb = ramp(8, 8);
            let hashed = kind.of_pixels(Pixels::new(8, 8, &rgb).unwrap()).is_some();
            assert_eq!(hashed, !bytewise, "{name}");
        }
    }

    /// A read interrupted by a signal is retried; any other error is returned.
    #[test]
    fn an_interrupted_read_is_tried_again() {
        struct Interrupted(Vec<io::Result<&'static [u8]>>);
        impl Read for Interrupted {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let Some(next) = self.0.pop() else {
                    return Ok(0);
                };
                let bytes = next?;
                buffer[..bytes.len()].copy_from_slice(bytes);
                Ok(bytes.len())
            }
        }
        let Compute::Bytes(md5) = by_name("md5").unwrap().compute else {
            panic!("md5 is computed from bytes")
        };
        let fault = |kind: io::ErrorKind| -> io::Result<&'static [u8]> { Err(kind.into()) };
        // Popped from the end: `ab`, a signal, `c`.
        let mut read = Interrupted(vec![Ok(b"c"), fault(io::ErrorKind::Interrupted), Ok(b"ab")]);
        let digest = md5(&mut read).unwrap().to_hex();
        assert_eq!(digest, "900150983cd24fb0d6963f7d28e17f72");
        let mut read = Interrupted(vec![Ok(b"c"), fault(io::ErrorKind::BrokenPipe), Ok(b"ab")]);
        assert!(md5(&mut read).is_err());
    }

    #[test]
    fn names_are_unique_and_found() {
        for kind in ALL {
            assert_eq!(ALL.iter().filter(|k| k.name == kind.name).count(), 1);
            assert_eq!(by_name(kind.name).unwrap().name, kind.name);
        }
        assert!(by_name("photodna").is_none());
    }

    fn ramp(w: u32, h: u32) -> Vec<u8> {
        (0..h)
            .flat_map(|y| (0..w).flat_map(move |x| [(x * 3 + y * 5) as u8; 3]))
            .collect()
    }
}
