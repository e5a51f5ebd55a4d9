//! The only crate that speaks to the outside: where lists come from and where reports go.
//!
//! Each destination is one file in `destinations/`: a pure `render` that anybody can repeat and
//! compare, and a thin `send`. [`filing`] drains the outbox through them. What is fetched comes from
//! addresses that an operator has allowed ([`fetch`]): single files, objects of S3, the segments of a
//! live stream. [`incoming`] reads the reports of others, [`transfers`] files of payments, [`tags`] who addresses are
//! said to be.

#![deny(missing_docs)]

pub mod chain_files;
pub mod destinations;
mod dossier_json;
pub mod fetch;
pub mod filing;
pub mod hls;
pub mod http;
pub mod incoming;
mod packages;
mod pdf;
pub mod s3;
pub mod tags;
pub mod transfers;
pub mod tree;
mod vics_cases;

pub use destinations::{Checked, Destination, FileDocument, Omitted, Remark, Rendered, Status};
