//! One delivery of a report: its input, its result, and why it failed.

use std::fmt;
use std::sync::Arc;

use obhut_casework as casework;
use obhut_casework::{Casework, CaseworkError, Channel, Filing, Job};
use obhut_formats::reports::Documents;

use crate::http::Http;

/// One report on its way.
pub struct Submission<'a> {
    /// The database and vault.
    pub casework: &'a Casework,
    /// How its destination is reached.
    pub channel: &'a Channel,
    /// Its progress.
    pub filing: &'a Filing,
    /// The approved documents; `None` for a retraction.
    pub documents: Option<&'a Documents>,
    /// Why no new submission may start: the case, a setting or the destination changed after the
    /// approval, or no approval covers the documents. A submission already started is still
    /// confirmed or cancelled.
    pub void: Option<&'a str>,
    /// The outbox job.
    pub job: &'a Job,
    /// Name of the worker.
    pub worker: &'a str,
    /// HTTP client.
    pub http: Arc<Http>,
}

/// A finished step: the destination accepted the report or its retraction, the package was written
/// or mailed, or nothing was left to retract.
pub struct Sent {
    /// Progress before this result is recorded.
    pub filing: Filing,
    /// The destination's confirmation, or our note of what was done.
    pub receipt: String,
}

/// Why a delivery failed.
#[derive(Debug)]
pub enum SendFault {
    /// The report is refused, by the destination or by our own check; a person must act.
    Refused(String),
    /// Not begun: the approval no longer covers what would be sent. A person must act.
    Void(String),
    /// Credentials, key or settings are missing or rejected; the channel is halted.
    Denied(String),
    /// Not delivered for a passing reason; retried.
    Unreachable(String),
    /// An answer or a document that isn't as documented, or too many starts; a person must look.
    Unexpected(String),
    /// Needs a person: a retraction waits until its acknowledgement is recorded.
    Waits(String),
    /// Our own fault, not the destination's.
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
            Self::Refused(w) => write!(f, "the report is refused: {w}"),
            Self::Void(w) => f.write_str(w),
            Self::Denied(w) => write!(f, "access denied: {w}"),
            Self::Unreachable(w) => write!(f, "not delivered: {w}"),
            Self::Unexpected(w) => write!(f, "unexpected answer from the destination: {w}"),
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
