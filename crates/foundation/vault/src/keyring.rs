//! The keys that keys of exhibits are wrapped under.

use std::fmt;

use age::secrecy::ExposeSecret as _;
use age::x25519;

/// Most keys of a ring. Our judgement: one for each month of eight years.
pub const KEYS_MAX: usize = 100;

/// Not a file of age identities.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
#[error("it isn't a list of age identities, one on a line, up to {KEYS_MAX}")]
pub struct NoRing;

/// Failed to reach the keys.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("the exhibits' keys can't be used: {0}")]
pub struct RingError(pub String);

/// What a ring has opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Unwrapped {
    /// What was wrapped.
    pub bytes: Vec<u8>,
    /// False if a former key opened it: it should be wrapped again.
    pub is_current: bool,
}

impl fmt::Debug for Unwrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

/// Wraps the records of exhibits, which hold their keys. [`FileRing`] by default; a key management
/// service or a hardware module implements this trait.
#[async_trait::async_trait]
pub trait KeyRing: Send + Sync {
    /// Wraps under the current key.
    async fn wrap(&self, bytes: &[u8]) -> Result<Vec<u8>, RingError>;

    /// Opens what was wrapped under the current key or a former one; `None` if no key of the ring
    /// opens it.
    async fn unwrap(&self, wrapped: &[u8]) -> Result<Option<Unwrapped>, RingError>;
}

/// Age identities, one on a line, the current one first. Lines that begin with `#` are remarks.
#[derive(Clone)]
pub struct FileRing {
    identities: Vec<x25519::Identity>,
}

impl fmt::Debug for FileRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

impl FileRing {
    /// The line of a new key, which must be kept.
    pub fn generate() -> String {
        let identity = x25519::Identity::generate();
        identity.to_string().expose_secret().to_owned()
    }

    /// From the text of a file of identities.
    ///
    /// # Errors
    /// No identity is there, too many, or a line is none.
    pub fn from_text(text: &str) -> Result<Self, NoRing> {
        let lines = text.lines().map(str::trim);
        let identities = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.parse().map_err(|_| NoRing))
            .collect::<Result<Vec<_>, _>>()?;
        match identities.len() {
            1..=KEYS_MAX => Ok(Self { identities }),
            _ => Err(NoRing),
        }
    }

    /// The public keys, the current one first.
    pub fn recipients(&self) -> Vec<String> {
        let each = self.identities.iter();
        each.map(|i| i.to_public().to_string()).collect()
    }
}

#[async_trait::async_trait]
impl KeyRing for FileRing {
    async fn wrap(&self, bytes: &[u8]) -> Result<Vec<u8>, RingError> {
        let current = self.identities[0].to_public();
        Ok(age::encrypt(&current, bytes).expect("writing to memory does not fail"))
    }

    async fn unwrap(&self, wrapped: &[u8]) -> Result<Option<Unwrapped>, RingError> {
        for (place, identity) in self.identities.iter().enumerate() {
            if let Ok(bytes) = age::decrypt(identity, wrapped) {
                return Ok(Some(Unwrapped {
                    bytes,
                    is_current: place == 0,
                }));
            }
        }
        Ok(None)
    }
}
