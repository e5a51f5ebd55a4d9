//! Turns a node's block files into clusters, payers and traces.
//!
//! An address is not a person, and every link names transaction and rule. The way: [`build`] reads a
//! folder of block files into an index, [`follow`] appends to it, [`Index`] answers. Nothing here has
//! a clock, a network or names of services: what is known of addresses is handed in with the question.
//!
//! Useful for: who paid these addresses, by which service; why two addresses are taken for one owner's.
//! Not useful for: amounts hidden off the chain (Lightning), other chains, and who a person is.

#![deny(missing_docs)]

mod address;
pub mod back;
mod block;
mod build;
mod chain;
mod columns;
mod double;
mod fault;
mod files;
mod fold;
mod follow;
mod forest;
pub mod heuristics;
mod index;
pub mod known;
mod lone;
mod manifest;
mod map;
pub mod mixes;
mod network;
pub mod onward;
#[doc(hidden)]
pub mod probes;
mod quick;
mod rule_set;
pub mod site;
mod spool;
mod undo;
mod why;

pub use address::{AddressFault, Key, Kind};
pub use block::Secret;
pub use build::{Build, Progress, build};
pub use fault::Fault;
pub use files::{Hash, hash_of_text, hash_text};
pub use follow::{Followed, follow, is_there};
pub use index::{Coin, Glance, Index, Movement, Proof, Transaction, glance};
pub use lone::mixes_of_block;
pub use network::{NETWORKS, Network};
pub use spool::in_threads;
pub use why::{Step, Why, why};
