//! Bytes to facts and back: reports in each destination's form, the reports of others, files of
//! transfers, tags of addresses.
//!
//! Nothing here opens a connection, a database or a key. Every reader takes hostile bytes, has named
//! limits, and is fed with anything at all by fuzz/.

#![deny(missing_docs)]

pub mod chain_files;
mod documents;
mod form;
pub mod incoming;
pub mod reports;
pub mod tags;
pub mod transfers;
pub mod tree;
