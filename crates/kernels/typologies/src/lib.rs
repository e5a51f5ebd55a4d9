//! Turns transfers into indicators that fired, and why.
//!
//! One pass in time order, bounded memory, each party separately: [`Monitor`] keeps what the
//! rolling windows need and answers after every transfer. [`assess_sender`] and
//! [`assess_recipient`] give the same answers for history that is grouped by party. Money is
//! counted in minor units; this crate uses no files, no clock and no network.
//!
//! Invariant: where the money goes never changes a score. Corridors are shown, not weighed;
//! swapping the names of destinations leaves every score as it was (`tests/promises.rs`).

#![deny(missing_docs)]

mod assess;
mod columns;
mod countries;
mod currencies;
#[cfg(test)]
mod examples;
pub mod features;
pub mod indicators;
mod monitor;
mod policy;
mod records;
mod scenarios;
mod texts;
mod transfer;
mod window;

pub use assess::{
    Assessment, Fired, Links, RunningAssessment, recipient as assess_recipient, score_of,
    sender as assess_sender,
};
pub use columns::Packed;
pub use countries::{Country, RISK_CORRIDORS, RiskList};
pub use currencies::{Band, CURRENCIES, Currency, CurrencyEntry, RATES_AS_OF};
pub use indicators::{Counts, Indicator, IndicatorStatus, PartyView, Threshold, Unit};
pub use monitor::{
    ByParty, Monitor, Observed, PartyHasher, Relations, SharedSpan, is_shared_now, silence_before,
};
pub use policy::{Policy, PolicyFault};
pub use records::{
    Amount, Counted, FileFault, Id, Names, Notices, Preparation, Prepared, Record, TransferProblem,
    Transfers, mark, prepare,
};
pub use scenarios::{SCENARIOS, Scenario};
pub use texts::Texts;
pub use transfer::{
    Context, DAY_MICROS, Event, LinkKnown, PartyKey, Purchase, Role, Side, Transfer,
    amount_minor_from_f64,
};
pub use window::{Numbers, PARTY_EVENTS_MAX, PartyWindow};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
