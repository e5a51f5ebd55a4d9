//! The only crate that speaks to the outside: where lists come from and where reports go.
//!
//! Each destination is one file in `destinations/`: a pure `render` that anybody can repeat and
//! compare, and later a thin `send`. Nothing is sent yet; what is fetched comes from addresses that
//! an operator has allowed ([`fetch`]): single files, objects of S3, the segments of a live stream.

#![deny(missing_docs)]

pub mod destinations;
pub mod fetch;
pub mod hls;
pub mod s3;

pub use destinations::{Destination, FileDocument, Remark, Rendered, Status};
