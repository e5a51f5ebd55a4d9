//! Payments: validates transfers, scores history, links alerts to cases, decides on live transfers.
//!
//! The kernel sees only numbers; ids of parties stay here and are sealed wherever they are stored.

#![deny(missing_docs)]

mod alerts;
pub mod backtest;
mod history;
mod journal;
mod live;
mod migrations;
mod on_record;
mod scan;

pub use alerts::{
    AlertDetail, AlertRow, AlertState, Hold, HoldState, NewAlert, Payments, Session, ShownOther,
    ShownTransfer, alerts_of_case, confirmed_parties, decide_hold, decimal, holds, payment_alert,
    payment_alerts, record_alert, record_hold, recount_associations, scenario_names, shown,
};
pub use history::{History, PARTS, Part};
pub use live::{Advice, Holding, Live, LiveAnswer, LiveFault, because, reasons, record_raised};
pub use obhut_facts::Language;
pub use obhut_typologies::*;
pub use on_record::record_scan;
pub use scan::{Alert, EVIDENCE_MAX, PartyAlert, ScanResult, end_of_day, scan_history};

/// Notice, printed after the number of transfers with neither a sender country nor a UTC offset.
pub const COUNTRY_NOTE: &str =
    "transfers have neither a sender country nor a UTC offset; their hours are taken as UTC";
