//! The [`Casework`] handle, and the interface of the domains.

mod domain;
mod finding;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use obhut_store::database::Database;
use obhut_store::database::covered::Covered;
use obhut_store::{DataFolder, FolderRing};
use obhut_vault::{Clock, LookupKey, Problem, Sealer, Vault};

pub use domain::{Clearing, Domain, Gone, Removed};
pub use finding::{Finding, MatchedEntry};

/// Handle to one installation: data folder, database, vault, keys and domains.
pub struct Casework {
    pub(crate) db: Database,
    pub(crate) folder: DataFolder,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) lookup: Arc<LookupKey>,
    /// Wraps the keys of exhibits.
    pub(crate) ring: Arc<FolderRing>,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    /// The tables whose rows the vault's log covers.
    pub(crate) covered: Vec<Covered>,
    /// The key of the codes by which it is seen that this installation wrote in them.
    pub(crate) note_key: LookupKey,
    /// False if it was opened for checks without the private keys: what they bind isn't checked.
    pub(crate) has_keys: bool,
    /// What is wrong with keys that are there; only if it was opened for checks.
    pub(crate) key_fault: Option<Problem>,
    /// True while it is opened and the log covers nothing yet.
    pub(crate) is_upgrading: AtomicBool,
    pub(crate) domains: Vec<Box<dyn Domain>>,
    /// In-memory state of the domains, one value per type.
    pub(crate) domain_state: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Casework {
    /// Every domain; the core's own evidence handling comes first.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &dyn Domain> {
        self.domains.iter().map(|d| &**d)
    }

    /// The data folder.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// The keyed digest by which a file's bytes are looked up. `kind` names the hash (`sha256`,
    /// `md5`, `sha1`, `pdq`); `digest` is lower-case hex.
    pub fn bytes_key(&self, kind: &str, digest: &str) -> String {
        bytes_key(&self.lookup, kind, digest)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now_micros()
    }
}

/// Like [`Casework::bytes_key`], for a caller that has only the lookup key.
pub fn bytes_key(lookup: &LookupKey, kind: &str, digest: &str) -> String {
    match kind {
        // The first version had only this kind and used no prefix; its keys must stay valid.
        "sha256" => lookup.keyed_digest("exhibit bytes", digest.as_bytes()),
        kind => lookup.keyed_digest("exhibit bytes", format!("{kind}:{digest}").as_bytes()),
    }
}
