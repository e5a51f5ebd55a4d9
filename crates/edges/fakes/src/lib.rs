//! Synthetic chains and transfers, a fake CyberTipline for tests and integrators, and a
//! fake DSA Transparency Database. The CyberTipline's rules beyond the schema
//! are written from the documentation, independently of the client; the schema's table is shared.

#![deny(missing_docs)]

pub mod chain;
pub mod cybertip;
pub mod smtp;
pub mod transfers;
pub mod transparency;
