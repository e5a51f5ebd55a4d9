//! Reports of others: told apart from duplicates, linked to what was there before, and put in an order by
//! how much points to a child in danger.

#![deny(missing_docs)]

mod incoming;
mod migrations;

pub use incoming::{
    Incoming, IncomingFormat, IncomingRow, Intake, IntakeRun, ParsedReport, Ranked, TriageSummary,
    begin_intake, case_of_incoming, incoming, incoming_queue, recompute_incoming,
};
