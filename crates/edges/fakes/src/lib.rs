//! Synthetic chains, transfers and pictures, a fake CyberTipline for tests and integrators, a fake DSA
//! Transparency Database and a fake mail server. The CyberTipline's schema and the rules beyond it
//! are written from what the service publishes, independently of the client's.

#![deny(missing_docs)]

pub mod chain;
pub mod cybertip;
pub mod pictures;
pub mod smtp;
pub mod transfers;
pub mod transparency;
