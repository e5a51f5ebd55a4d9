//! The only crate that opens outbound connections, except those to the database: it sends reports,
//! fetches files, and has the vault's log cosigned and stamped.
//!
//! [`filing`] drains the outbox through [`destinations`]. [`fetch`] reads only from addresses the
//! operator has allowed: single files, S3 objects, segments of a live stream.

#![deny(missing_docs)]

pub mod destinations;
pub mod fetch;
pub mod filing;
pub mod hand_over;
pub mod hls;
pub mod http;
mod mail;
mod platform;
pub mod s3;
pub mod stamping;
mod submission;
mod transcript;
pub mod witnessing;

pub use destinations::Destination;
