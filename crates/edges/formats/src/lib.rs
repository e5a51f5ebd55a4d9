//! Parsers and renderers for reports in each destination's form, incoming reports, transfer files
//! and address tags; and the form in which evidence is handed over.
//!
//! No network, database or keys. Every parser is written for hostile input, has named limits, and
//! has a fuzz target in fuzz/.

#![deny(missing_docs)]

pub mod chain_files;
mod documents;
pub mod evidence;
mod form;
pub mod incoming;
pub mod reports;
pub mod tags;
pub mod transfers;
pub mod tree;
