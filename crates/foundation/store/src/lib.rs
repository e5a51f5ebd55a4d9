//! The storage layer: database, migrator, transactions, audit trail, sequences, ids, clock, and the
//! data folder with its keys.
//!
//! Invariant: this crate names only its own tables: audit trail, counters and the migrator's two.
//! Invariant: the audit trail is ordered by a sequence number, never by the wall clock.

#![deny(missing_docs)]

pub mod clock;
mod data_folder;
pub mod database;
pub use database::{audit, changes};
mod exhibit_keys;
mod fault;
pub mod ids;
pub mod migrations;
mod witness_folder;

pub use clock::{SystemClock, rfc3339};
pub use data_folder::{DataFolder, FolderKeys, RESTORING, write_private};
pub use exhibit_keys::FolderRing;
pub use fault::{CaseworkError, Next, Result};
pub use obhut_facts::Sealed;
pub use obhut_vault::{Clock, Exhibit, KeyRing, LookupKey, Sealer};
pub use witness_folder::{NotCosigned, WitnessFolder, WitnessedLog};
