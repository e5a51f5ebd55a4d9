//! What everything on record stands on: the database and its one migrator, transactions, the audit
//! trail, numbers in sequence, ids, the clock, the data folder and its keys.
//!
//! Invariant: this crate names no table but its own, the audit trail's and the counters'.
//! Invariant: order is a number taken from a counter, never the wall clock.

#![deny(missing_docs)]

pub mod audit;
pub mod changes;
pub mod clock;
mod data_folder;
pub mod database;
mod fault;
pub mod ids;
pub mod migrations;

pub use clock::{SystemClock, rfc3339};
pub use data_folder::{DataFolder, FolderKeys, write_private};
pub use fault::{CaseworkError, Next, Result};
pub use obhut_facts::Sealed;
pub use obhut_vault::{Clock, Exhibit, LookupKey, Sealer};
