//! Incoming reports: deduplicated, linked to earlier ones, and ranked by how much points to a child
//! in danger.

#![deny(missing_docs)]

mod incoming;
mod migrations;

pub use incoming::{
    Incoming, IncomingRow, Intake, IntakeRun, Ranked, TriageSummary, begin_intake,
    case_of_incoming, incoming, incoming_queue, recompute_incoming,
};
pub use obhut_facts::{IncomingFormat, ParsedReport, Understood};
