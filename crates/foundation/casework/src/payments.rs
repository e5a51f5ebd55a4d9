//! Payments: records of transfers checked and named, history run through the kernel, alerts joined
//! to cases, decisions on live transfers.
//!
//! The kernel knows numbers; what a party is called stays here, sealed wherever it is kept.

pub(crate) mod alerts;
pub mod backtest;
mod columns;
mod history;
mod journal;
mod live;
mod records;
mod scan;
pub mod synthesize;

pub(crate) use alerts::Payments;
pub use alerts::{
    AlertDetail, AlertRow, AlertState, Hold, HoldState, NewAlert, ShownOther, ShownTransfer,
    decimal, scenario_names, shown,
};
pub use columns::Packed;
pub use history::{History, Part, SENDER_PARTS};
pub use live::{Advice, Answer, Holding, Live, LiveFault, reasons};
pub use obhut_typologies::*;
pub use records::{
    Amount, Counted, FileFault, Id, Names, Notices, Preparation, Prepared, Record, TransferProblem,
    Transfers, prepare,
};
pub use scan::{Alert, EVIDENCE_MAX, PartyAlert, ScanResult, end_of_day, scan_history};

/// What a missing country of the sender means.
pub const COUNTRY_NOTE: &str =
    "transfers have neither a country of the sender nor an offset; their hours are UTC's";
