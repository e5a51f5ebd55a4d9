//! The only crate that speaks to the outside: where reports go, and where files come from.
//!
//! [`filing`] drains the outbox through [`destinations`]. What is fetched comes from addresses that an
//! operator has allowed ([`fetch`]): single files, objects of S3, the segments of a live stream.

#![deny(missing_docs)]

pub mod destinations;
mod errand;
pub mod fetch;
pub mod filing;
mod hand_over;
pub mod hls;
pub mod http;
pub mod s3;

pub use destinations::Destination;
