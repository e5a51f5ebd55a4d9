//! The only crate that speaks to the outside: where lists come from and where reports go.
//!
//! Each destination is one file in `destinations/`: a pure `render` that anybody can repeat and
//! compare, and later a thin `send`. Invariant: nothing in here opens a connection yet.

#![deny(missing_docs)]

pub mod destinations;

pub use destinations::{Destination, FileDocument, Remark, Rendered, Status};
