//! Turns a node's block files into clusters, payers and traces.
//!
//! An address is not a person, and every link names its transaction and rule. [`build`] reads a
//! folder of block files into an index, [`follow`] appends new blocks, and [`Index`] answers
//! queries. The crate reads no clock, uses no network and knows no service names: the caller passes
//! what it knows of addresses as tags ([`known`]).
//!
//! Useful for: who paid these addresses, and through which service; why two addresses are
//! attributed to one owner.
//! Not useful for: amounts hidden off the chain (Lightning), other chains, and who a person is.

#![deny(missing_docs)]

mod address;
mod block;
mod build;
mod chain;
pub mod coinjoins;
mod columns;
mod compaction;
pub mod destination_of_funds;
mod fault;
mod files;
mod follow;
mod forest;
mod fx_hash;
mod hash256;
pub mod heuristics;
mod index;
pub mod known;
mod manifest;
mod map;
mod network;
#[doc(hidden)]
pub mod probes;
mod rule_set;
mod single_block;
pub mod site;
pub mod source_of_funds;
mod spool;
mod undo;
mod why;

pub use address::{AddressFault, Key, Kind};
pub use block::Secret;
pub use build::{Build, Progress, build};
pub use fault::Fault;
pub use files::{Hash, hash_of_text, hash_text};
pub use follow::{Followed, follow, is_there};
pub use index::{Coin, Index, IndexInfo, Movement, Proof, Transaction, index_info};
pub use network::{NETWORKS, Network};
pub use single_block::coinjoins_of_block;
// For callers that split their own work over threads in the same way.
pub use spool::in_threads;
pub use why::{Step, Why, why};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
