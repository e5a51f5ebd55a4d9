//! The keys of a data folder: one seals, one signs the log, one makes digests for lookups.

use std::fmt;
use std::sync::Arc;

use age::secrecy::ExposeSecret as _;
use age::x25519;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use ed25519_dalek::SigningKey;
use signed_note::{StandardSigner, StandardVerifier};

use crate::keyring::{FileRing, KeyRing};

/// Algorithm byte of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;

/// Shortest lookup key, in characters of its text: 128 bits in hexadecimal. Our judgement: 128 bits
/// can't be guessed.
const LOOKUP_BYTES_MIN: usize = 32;

/// Seals bytes so that only the holder of the key opens them.
#[derive(Clone)]
pub struct Sealer {
    identity: x25519::Identity,
}

/// A text that is not a valid key.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not an age identity.
    #[error("the sealing key is not an age identity (AGE-SECRET-KEY-1…)")]
    Sealing,
    /// Not a signed-note key.
    #[error("the signing key is not a signed-note key (PRIVATE+KEY+…)")]
    Signing,
    /// The lookup key is too short.
    #[error("the lookup key has fewer than {LOOKUP_BYTES_MIN} characters")]
    Lookup,
    /// Not the key of a log.
    #[error("it isn't the public key of a log (name+id+key, Ed25519)")]
    Log,
    /// Not a witness's key.
    #[error("it isn't the key of a witness that cosigns with Ed25519 (name+id+key)")]
    Witness,
}

impl Sealer {
    /// A new key and its text, which must be kept.
    pub fn generate() -> (Self, String) {
        let identity = x25519::Identity::generate();
        let text = identity.to_string().expose_secret().to_owned();
        (Self { identity }, text)
    }

    /// From the text of an age identity.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        text.trim()
            .parse()
            .map(|identity| Self { identity })
            .map_err(|_| KeyError::Sealing)
    }

    /// Encrypts `bytes` to this key; returns an age file.
    pub fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        age::encrypt(&self.identity.to_public(), bytes).expect("writing to memory does not fail")
    }

    /// The content; `None` if the bytes were damaged or encrypted to another key.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        age::decrypt(&self.identity, sealed).ok()
    }

    /// True if the header is well-formed and this key opens none of its recipients: the bytes were
    /// encrypted to another key, or the header's recipient was damaged.
    pub fn is_for_another_key(&self, sealed: &[u8]) -> bool {
        matches!(
            age::decrypt(&self.identity, sealed),
            Err(age::DecryptError::NoMatchingKeys)
        )
    }
}

/// Key for keyed digests, which find equal values without storing them. It decrypts nothing.
///
/// Separate from the sealing key, so that the sealing key can be rotated while stored digests stay
/// valid.
#[derive(Clone)]
pub struct LookupKey {
    secret: Vec<u8>,
}

impl LookupKey {
    /// The text of a new key, which must be kept: 256 random bits.
    pub fn generate() -> String {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        hex::encode(bytes)
    }

    /// From its text, which may have any format: in a data folder older than lookup keys it is the
    /// text of the sealing key.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let secret = text.trim().as_bytes().to_vec();
        if secret.len() < LOOKUP_BYTES_MIN {
            return Err(KeyError::Lookup);
        }
        Ok(Self { secret })
    }

    /// HMAC-SHA-256 (RFC 2104) under this key, lower-case hex: equal inputs have equal outputs, and
    /// inputs can't be guessed without the key. `label` separates uses.
    pub fn keyed_digest(&self, label: &str, bytes: &[u8]) -> String {
        use hmac::{KeyInit as _, Mac as _};
        // Stored keys of groups, accounts and content depend on this formula: it must never change.
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&self.secret)
            .expect("HMAC takes keys of any length");
        // The length first: label `x` with `1y` must differ from label `x1` with `y`.
        mac.update(&(label.len() as u64).to_le_bytes());
        mac.update(label.as_bytes());
        mac.update(bytes);
        hex::encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for LookupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

/// The keys of a vault.
pub struct Keys {
    /// Seals records of readings and erasures, and everything up to version 2.
    pub(crate) sealer: Sealer,
    /// Wraps the records of exhibits, with their keys.
    pub(crate) ring: Arc<dyn KeyRing>,
    pub(crate) signer: StandardSigner,
    pub(crate) verifier: String,
    pub(crate) origin: String,
    /// False for keys made of a public key alone: they open and sign nothing.
    pub(crate) are_private: bool,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

impl Keys {
    /// From a sealing key and the text of a signing key. The sealing key is the key ring, too, unless
    /// [`Keys::with_ring`] says otherwise.
    pub fn new(sealer: Sealer, signing: &str) -> Result<Self, KeyError> {
        let signing = signing.trim();
        let signer = StandardSigner::new(signing).map_err(|_| KeyError::Signing)?;
        // PRIVATE+KEY+<name>+<id>+<base64 of algorithm and seed>
        let mut parts = signing.splitn(5, '+').skip(2);
        // Five parts at most: the base64 of the last one may contain plus signs.
        let (Some(name), Some(_), Some(secret)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Signing);
        };
        let secret = BASE64_STANDARD
            .decode(secret)
            .map_err(|_| KeyError::Signing)?;
        // The first byte names the algorithm; `StandardSigner::new` has refused all but Ed25519.
        let seed = secret
            .get(1..)
            .and_then(|s| s.try_into().ok())
            .ok_or(KeyError::Signing)?;
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let verifier = signed_note::new_ed25519_verifier_key(name, &public);
        let identity = sealer.identity.to_string();
        let ring = FileRing::from_text(identity.expose_secret())
            .expect("an identity is a ring of one key");
        Ok(Self {
            sealer,
            ring: Arc::new(ring),
            signer,
            verifier,
            origin: name.to_owned(),
            are_private: true,
        })
    }

    /// The same with another key ring.
    pub fn with_ring(self, ring: Arc<dyn KeyRing>) -> Self {
        Self { ring, ..self }
    }

    /// The same for checks that open nothing, where the key ring isn't the right one.
    pub fn opening_nothing(self) -> Self {
        Self {
            are_private: false,
            ..self
        }
    }

    /// For checks without the private keys: from the log's public key, as [`Keys::verifier_key`]
    /// writes it.
    ///
    /// # Errors
    /// Not a signed-note public key.
    pub fn public(verifier: &str) -> Result<Self, KeyError> {
        let verifier = verifier.trim();
        StandardVerifier::new(verifier).map_err(|_| KeyError::Signing)?;
        let (origin, _) = verifier.split_once('+').ok_or(KeyError::Signing)?;
        // Neither is ever used: the place of the private keys has to hold something.
        let signing = Self::generate_signing("obhut.public");
        Ok(Self {
            verifier: verifier.to_owned(),
            origin: origin.to_owned(),
            are_private: false,
            ..Self::new(Sealer::generate().0, &signing)?
        })
    }

    /// The text of a new signing key for a log of that origin (no spaces, no plus signs).
    pub fn generate_signing(origin: &str) -> String {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("the operating system gives randomness");
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let id = signed_note::key_id(origin, &[&[ED25519], public.as_bytes().as_slice()].concat());
        let secret = BASE64_STANDARD.encode([&[ED25519], seed.as_slice()].concat());
        format!("PRIVATE+KEY+{origin}+{id:08x}+{secret}")
    }

    /// The public key as C2SP signed-note writes it: anyone who has it can verify the log.
    pub fn verifier_key(&self) -> &str {
        &self.verifier
    }

    pub(crate) fn verifier(&self) -> StandardVerifier {
        StandardVerifier::new(&self.verifier).expect("made by signed_note itself")
    }
}

/// 16 random bytes in hex.
pub(crate) fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_as_text() {
        let (sealer, text) = Sealer::generate();
        let sealed = sealer.seal(b"something");
        assert_eq!(
            Sealer::from_text(&text).unwrap().open(&sealed).unwrap(),
            b"something"
        );
        assert!(Sealer::generate().0.open(&sealed).is_none());
        let keys = Keys::new(sealer, &Keys::generate_signing("obhut.test")).unwrap();
        assert!(keys.verifier_key().starts_with("obhut.test+"));
        assert_eq!(format!("{keys:?}"), "‹sealed›");
        assert_eq!(
            Keys::new(Sealer::generate().0, "nonsense").err(),
            Some(KeyError::Signing)
        );
    }

    #[test]
    fn keyed_digests_differ_by_key_label_and_content() {
        let key = || LookupKey::from_text(&LookupKey::generate()).unwrap();
        let (a, b) = (key(), key());
        let digests = [
            a.keyed_digest("x", b"1"),
            a.keyed_digest("x", b"2"),
            a.keyed_digest("y", b"1"),
            b.keyed_digest("x", b"1"),
            // The same bytes as the first, if label and content were only concatenated.
            a.keyed_digest("x1", b""),
        ];
        let distinct: std::collections::HashSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(a.keyed_digest("x", b"1"), digests[0]);
        assert_eq!(LookupKey::from_text("short").err(), Some(KeyError::Lookup));
    }

    #[test]
    fn a_changed_bit_never_gives_other_content() {
        let (sealer, _) = Sealer::generate();
        let sealed = sealer.seal(&[7; 1000]);
        // Every 17th byte reaches header, MAC and payload, and keeps the test short.
        for at in (0..sealed.len()).step_by(17) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(
                sealer.open(&changed).is_none_or(|v| v == [7; 1000]),
                "byte {at}"
            );
        }
    }
}
