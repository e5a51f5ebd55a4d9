//! Turns bytes into exhibits that are sealed, logged and provable.
//!
//! An exhibit's bytes are encrypted with its own key (C2SP chunked-encryption) and stored once.
//! The key is in the exhibit's record, which is wrapped under the key ring: what deletes the record
//! destroys the exhibit, and another key wraps it again without touching it. The intake is an entry of an
//! append-only Merkle log in the public formats C2SP tlog-tiles and tlog-checkpoint. Reading or
//! erasing an exhibit adds an entry too: a reading is logged before the first byte is handed out.
//! Entries name no person and no case: those are in a sealed record, to which the entry holds a
//! salted commitment.
//!
//! The vault stores only through the [`object_store::ObjectStore`] handed to it, and asks for time
//! ([`Clock`]) and for exclusive writing ([`WriterLock`]) through small traits.
//!
//! Invariant: an acknowledged exhibit is on stable storage, with its entry, if the store syncs.
//! Invariant: no byte of an exhibit leaves [`Vault::get`] before its read entry is in the log.

#![deny(missing_docs)]

mod cosignature;
mod digesting;
mod index;
mod keyring;
mod keys;
mod log;
mod objects;
mod vault;
mod witness;

pub use cosignature::{Cosigned, WitnessKey, WitnessSigner};
pub use digesting::Digesting;
pub use keyring::{FileRing, KEYS_MAX, KeyRing, NoRing, RingError, Unwrapped};
pub use keys::{KeyError, Keys, LookupKey, Sealer};
pub use log::{Event, EventKind, LogHead};
pub use objects::{KEY_BYTES, NotAuthentic, Opening, Sealing};
pub use vault::{
    Access, EXHIBIT_BYTES_MAX, Exhibit, IN_MEMORY_BYTES_MAX, Intake, Problem, Proven, Rewrapped,
    Submitted, Vault, Verification,
};
pub use witness::{Consistent, LogKey, Refusal, SUBMISSION_BYTES_MAX, Submission};

/// The time, from outside.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;
}

/// Exclusive writing, across threads and processes.
#[async_trait::async_trait]
pub trait WriterLock: Send + Sync {
    /// Waits for the writer lock; it is released when the guard is dropped.
    async fn hold(&self) -> std::io::Result<Box<dyn Send>>;
}

/// The message for a failed store. A missing file has its own message, because it needs a backup,
/// not disk space.
fn store_failure(e: &object_store::Error) -> String {
    match e {
        object_store::Error::NotFound { .. } => {
            "it is missing from the evidence store; restore it from a backup".to_owned()
        }
        e => format!(
            "the evidence store failed: {e}; check disk space and permissions, then try again"
        ),
    }
}

/// What can go wrong. Texts carry ids and places, never content.
#[derive(thiserror::Error, Debug)]
#[non_exhaustive]
pub enum VaultError {
    /// The store failed; nothing was acknowledged.
    #[error("{}", store_failure(.0))]
    Store(#[from] object_store::Error),
    /// The writer lock failed.
    #[error("the vault could not be locked for writing: {0}")]
    Lock(#[from] std::io::Error),
    /// No exhibit of that id is in the log.
    #[error("no exhibit {0} in this vault")]
    NotFound(String),
    /// The exhibit existed and was erased; the log proves both.
    #[error("exhibit {0} was erased; the vault's log says when")]
    Erased(String),
    /// Something does not agree with the log; nothing is handed out.
    #[error("the vault does not agree with its log: {0}; verify it, and change nothing by hand")]
    Tampered(String),
    /// Something sealed can't be opened with these keys.
    #[error("{0} can't be opened with the keys of this data folder")]
    Sealed(String),
    /// The key ring can't be used.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The content can't be read from where it comes from.
    #[error("the content can't be read: {0}; nothing was taken in")]
    Content(std::io::Error),
    /// The content can't be written to where it goes.
    #[error("the content can't be handed out: {0}")]
    HandOut(std::io::Error),
    /// What a witness has answered isn't a cosignature.
    #[error("{0}")]
    Cosignature(String),
    /// Longer than the vault takes.
    #[error("it is longer than {EXHIBIT_BYTES_MAX} bytes; split it")]
    TooLong,
    /// Longer than is handed out in one piece.
    #[error(
        "exhibit {0} has more than {IN_MEMORY_BYTES_MAX} bytes; it can only be written to a file"
    )]
    TooLongForMemory(String),
}
