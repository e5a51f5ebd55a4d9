//! Synthetic chains and transfers, and fake services for tests and integrators. Each fake is written from
//! the service's documentation, independently of the client code.

#![deny(missing_docs)]

pub mod chain;
pub mod cybertip;
pub mod transfers;
