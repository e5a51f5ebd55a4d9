//! One delivery of a report: its input, its result, and why it failed.

use std::fmt;
use std::sync::Arc;

use obhut_casework as casework;
use obhut_casework::{Casework, CaseworkError, Channel, Filing, Job};
use obhut_formats::reports::Documents;

use crate::http::Http;

/// One report on its way.
pub struct Submission<'a> {
    /// Where everything is kept.
    pub casework: &'a Casework,
    /// How its destination is reached.
    pub channel: &'a Channel,
    /// How far it has come.
    pub filing: &'a Filing,
    /// The documents as they were approved; none of a retraction.
    pub documents: Option<&'a Documents>,
    /// Why nothing may be begun: the approval no longer covers what the case says now. What was begun before is
    /// settled all the same.
    pub void: Option<&'a str>,
    /// The job.
    pub job: &'a Job,
    /// Who works.
    pub worker: &'a str,
    /// Connections.
    pub http: Arc<Http>,
}

/// The destination has accepted it.
pub struct Sent {
    /// How far it had come before this last step.
    pub filing: Filing,
    /// What the destination said.
    pub receipt: String,
}

/// Why a delivery failed.
#[derive(Debug)]
pub enum SendFault {
    /// The destination refuses this report; its own words.
    Refused(String),
    /// Credentials or rights are refused; nothing more is sent to this destination.
    Denied(String),
    /// No usable answer; retry.
    Unreachable(String),
    /// The answer is not in the documented form.
    Unexpected(String),
    /// Needs a person: a package is ready to be handed over.
    Waits(String),
    /// Ours.
    Ours(CaseworkError),
}

impl From<CaseworkError> for SendFault {
    fn from(e: CaseworkError) -> Self {
        Self::Ours(e)
    }
}

impl fmt::Display for SendFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(w) => write!(f, "the destination refuses it: {w}"),
            Self::Denied(w) => write!(f, "the destination rejects the credentials: {w}"),
            Self::Unreachable(w) => write!(f, "the destination can't be reached: {w}"),
            Self::Unexpected(w) => write!(f, "unexpected answer of the destination: {w}"),
            Self::Waits(w) => f.write_str(w),
            Self::Ours(e) => write!(f, "{e}"),
        }
    }
}

/// True if the report is still approved.
pub(crate) async fn still_approved(
    casework: &Casework,
    report: &str,
) -> Result<bool, CaseworkError> {
    // Read each time: an appeal may be upheld while the report is under way.
    Ok(casework::report_row(casework, report).await?.status == "approved")
}
