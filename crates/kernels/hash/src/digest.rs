//! A digest of up to 256 bits: parsed from lower- or upper-case hex, and compared by counting the
//! bits that differ.
//!
//! Invariant: `Debug` never shows the value. Digests of listed material are sensitive personal
//! data; only [`Digest::to_hex`], called on purpose, writes one out.

use std::fmt;

/// Longest digest any kind has, in bytes. Given by the kinds: PDQ and SHA-256 have 256 bits.
pub const DIGEST_BYTES_MAX: usize = 32;

/// Up to 32 bytes (the kinds have 16, 20 or 32), in the order of the hex form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    bytes: [u8; DIGEST_BYTES_MAX],
    len: u8,
}

/// Why a text can't be parsed as a digest of the expected kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DigestError {
    /// A text of `found` bytes where the kind has `expected` hex digits.
    Length {
        /// Hex digits the kind has.
        expected: usize,
        /// Bytes the text has.
        found: usize,
    },
    /// A character that isn't a hex digit, at byte `offset`.
    NotHex {
        /// Offset of the first such byte.
        offset: usize,
    },
    /// More bytes were asked for than any kind has.
    TooLong {
        /// Bytes asked for.
        len_bytes: usize,
        /// Bytes of the longest kind.
        len_bytes_max: usize,
    },
}

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(f, "{found} bytes where {expected} hex digits belong")
            }
            // The offset counts bytes, and all before it are hex digits, so it counts characters
            // too.
            Self::NotHex { offset } => write!(f, "not a hex digit at character {}", offset + 1),
            Self::TooLong {
                len_bytes,
                len_bytes_max,
            } => write!(
                f,
                "a digest has at most {len_bytes_max} bytes, not {len_bytes}"
            ),
        }
    }
}

impl std::error::Error for DigestError {}

impl Digest {
    /// From raw bytes; `None` when there are more than a digest may have.
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        let mut bytes = [0; DIGEST_BYTES_MAX];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Self {
            bytes,
            len: raw.len() as u8,
        })
    }

    /// From hex of either case, exactly `2 × len_bytes` digits.
    pub fn from_hex(text: &str, len_bytes: usize) -> Result<Self, DigestError> {
        // Before the doubling below, which a length of `usize::MAX` would overflow.
        if len_bytes > DIGEST_BYTES_MAX {
            return Err(DigestError::TooLong {
                len_bytes,
                len_bytes_max: DIGEST_BYTES_MAX,
            });
        }
        if text.len() != len_bytes * 2 {
            return Err(DigestError::Length {
                expected: len_bytes * 2,
                found: text.len(),
            });
        }
        let mut bytes = [0; DIGEST_BYTES_MAX];
        // Over bytes, not over `str` slices: cutting a character in two would panic.
        for (i, pair) in text.as_bytes().chunks_exact(2).enumerate() {
            let high = nibble(pair[0]).ok_or(DigestError::NotHex { offset: 2 * i })?;
            let low = nibble(pair[1]).ok_or(DigestError::NotHex { offset: 2 * i + 1 })?;
            bytes[i] = high << 4 | low;
        }
        Ok(Self {
            bytes,
            len: len_bytes as u8,
        })
    }

    /// The bytes, most significant first.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }

    /// Lower-case hex.
    pub fn to_hex(&self) -> String {
        self.as_bytes().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Bits that differ, 0 to 256. Digests of different length differ in every bit of the longer.
    pub fn distance(&self, other: &Self) -> u32 {
        if self.len != other.len {
            return 8 * u32::from(self.len.max(other.len));
        }
        std::iter::zip(self.as_bytes(), other.as_bytes())
            .map(|(a, b)| (a ^ b).count_ones())
            .sum()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹digest of {} bits›", 8 * u32::from(self.len))
    }
}

fn nibble(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case is a text, the length of a digest in bytes, and the error message.
    #[test]
    fn a_text_that_is_not_a_digest_is_refused_with_the_offset() {
        for (text, bytes, said) in [
            ("00ff", 3, "4 bytes where 6 hex digits belong"),
            ("00ffé", 3, "not a hex digit at character 5"),
            ("0g0000", 3, "not a hex digit at character 2"),
            ("g00000", 3, "not a hex digit at character 1"),
            ("0000g0", 3, "not a hex digit at character 5"),
            ("00000g", 3, "not a hex digit at character 6"),
            ("00", 33, "a digest has at most 32 bytes, not 33"),
        ] {
            let e = Digest::from_hex(text, bytes).unwrap_err().to_string();
            assert_eq!(e, said, "{text}");
        }
    }

    #[test]
    fn hex_round_trip_and_faults() {
        let d = Digest::from_hex("00FFa1", 3).unwrap();
        assert_eq!(d.to_hex(), "00ffa1");
        assert_eq!(
            Digest::from_hex("00ff", 3),
            Err(DigestError::Length {
                expected: 6,
                found: 4
            })
        );
        assert_eq!(
            Digest::from_hex("00fg00", 3),
            Err(DigestError::NotHex { offset: 3 })
        );
        // A two-byte character must not be cut in half.
        assert_eq!(
            Digest::from_hex("0é000", 3),
            Err(DigestError::NotHex { offset: 1 })
        );
    }

    #[test]
    fn a_digest_longer_than_any_kind_is_refused() {
        let text = "00".repeat(DIGEST_BYTES_MAX + 1);
        assert_eq!(
            Digest::from_hex(&text, DIGEST_BYTES_MAX + 1),
            Err(DigestError::TooLong {
                len_bytes: DIGEST_BYTES_MAX + 1,
                len_bytes_max: DIGEST_BYTES_MAX
            })
        );
        assert!(Digest::from_hex("", usize::MAX).is_err());
    }

    #[test]
    fn debug_never_shows_the_value() {
        let d = Digest::from_hex("00ffa1", 3).unwrap();
        assert_eq!(format!("{d:?}"), "‹digest of 24 bits›");
    }

    #[test]
    fn distance_counts_bits() {
        let a = Digest::from_hex("00ff", 2).unwrap();
        let b = Digest::from_hex("01fe", 2).unwrap();
        assert_eq!(a.distance(&b), 2);
        assert_eq!(a.distance(&Digest::from_hex("00", 1).unwrap()), 16);
    }
}
