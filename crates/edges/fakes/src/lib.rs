//! Made-up chains and transfers, and services for tests and integrators, each written from its
//! documentation apart from the code that speaks to it.

#![deny(missing_docs)]

pub mod chain;
pub mod cybertip;
pub mod transfers;
