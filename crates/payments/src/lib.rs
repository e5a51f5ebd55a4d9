//! Turns transfers into indicators that fired, and why.
//!
//! This crate's work comes with its own issue; here are its public nouns, so that the house has
//! their place. Money is counted in minor units; nothing here knows a file, a clock or a network.

#![deny(missing_docs)]

/// A payment from one party to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// The payer's own id of the transfer; the same id is the same transfer.
    pub id: String,
    /// Who pays.
    pub sender: String,
    /// Who is paid.
    pub recipient: String,
    /// Amount in minor units of the currency (cents).
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: [u8; 3],
    /// When, microseconds since 1970.
    pub at_micros: i64,
}

/// Whom an alert may be about. A possible victim is never scored as a suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// May pay for abuse.
    PossibleBuyer,
    /// May take or pass on payments.
    PossibleFacilitator,
    /// May be blackmailed.
    PossibleVictim,
}
