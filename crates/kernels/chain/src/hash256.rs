//! SHA-256 of SHA-256, as Bitcoin names blocks and transactions.
//!
//! A chain has billions of short inputs to hash. An input that fits is laid out with its padding
//! and compressed in one call, which takes a third less time than a hasher that is fed piece by
//! piece.

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// A block hash or txid in internal byte order; explorers print it reversed.
pub type Hash = [u8; 32];

/// SHA-256's initial hash value (FIPS 180-4, 5.3.3).
const BEGIN: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
// Bytes that SHA-256 compresses at a time (FIPS 180-4).
const BLOCK: usize = 64;
/// Longest padded input that is laid out whole, in blocks; a longer one is fed to the hasher. Our
/// judgement.
const BLOCKS_MAX: usize = 16;

/// The parts one after another, hashed twice.
pub(crate) fn sha256d(parts: &[&[u8]]) -> Hash {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    // The padding is one byte 0x80 and the length in eight (FIPS 180-4, 5.1.1).
    let blocks = (length + 9).div_ceil(BLOCK);
    if blocks > BLOCKS_MAX {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        return Sha256::digest(hasher.finalize()).into();
    }
    // Three buffer sizes, so that a short input does not pay for clearing a long buffer.
    match blocks {
        // Headers and pairs of hashes.
        0..=2 => laid_out::<2>(parts, length, blocks),
        // Up to 311 bytes: most transactions without their witnesses.
        3..=5 => laid_out::<5>(parts, length, blocks),
        _ => laid_out::<BLOCKS_MAX>(parts, length, blocks),
    }
}

#[inline]
fn laid_out<const N: usize>(parts: &[&[u8]], length: usize, blocks: usize) -> Hash {
    let mut room = [[0; BLOCK]; N];
    let flat = room[..blocks].as_flattened_mut();
    let mut at = 0;
    for part in parts {
        flat[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    flat[at] = 0x80;
    let end = flat.len();
    flat[end - 8..].copy_from_slice(&(length as u64 * 8).to_be_bytes());
    let mut state = BEGIN;
    compress256(&mut state, &room[..blocks]);
    // The second input is always the first one's hash, 32 bytes.
    let mut last = [0; BLOCK];
    last[..32].copy_from_slice(&bytes(&state));
    last[32] = 0x80;
    // 256 bits, big-endian: 0x0100 in the last two bytes.
    last[62] = 1;
    state = BEGIN;
    compress256(&mut state, &[last]);
    bytes(&state)
}

fn bytes(state: &[u32; 8]) -> Hash {
    let mut hash = [0; 32];
    for (to, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *to = word.to_be_bytes();
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_hasher_says() {
        let text: Vec<u8> = (0..2_000u32).map(|n| (n * 7 + n / 256) as u8).collect();
        // 1,015 bytes and the padding fill BLOCKS_MAX; from 1,016 on the hasher is fed piece by piece.
        for length in (0..300).chain([1_013, 1_014, 1_015, 1_016, 1_023, 1_024, 1_025, 2_000]) {
            let slow: Hash = Sha256::digest(Sha256::digest(&text[..length])).into();
            for cut in [0, length / 3, length] {
                let (a, b) = text[..length].split_at(cut);
                assert_eq!(sha256d(&[a, b]), slow, "{length} cut at {cut}");
            }
        }
    }
}
