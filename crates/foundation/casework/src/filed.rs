//! What authorities have of a case, and what is on its way to them.

use crate::database::Tx;
use crate::{FilingState, Receiver, Result, filings, reports};

/// A report that an authority has.
pub(crate) struct Filed {
    /// The report.
    pub report: String,
    /// The destination.
    pub destination: String,
    /// When it was filed there, microseconds since 1970.
    pub at: i64,
}

/// What authorities have of a case, and what is on the way to them.
pub(crate) struct OfCase {
    /// What was filed. A filing that was retracted counts, too: the destination has had it.
    pub filed: Vec<Filed>,
    /// A report waits for its approval or for its filing.
    pub under_way: bool,
}

/// What authorities have of a case.
pub(crate) async fn of_case(tx: &mut Tx, case: &str) -> Result<OfCase> {
    let mut of_case = OfCase {
        filed: Vec::new(),
        under_way: false,
    };
    for report in reports::of_case(tx, case).await? {
        let filing = filings::of(tx, &report.id).await?;
        // A test service reports nothing: the report still has to be filed.
        let filed_at = filing.as_ref().filter(|f| !f.test).and_then(|f| f.filed_at);
        let waits = matches!(report.status.as_str(), "draft" | "approved" | "retracting");
        let begun = filing
            .as_ref()
            .is_some_and(|f| matches!(f.state, FilingState::Begun | FilingState::Finishing));
        of_case.under_way |= begun || (waits && filed_at.is_none());
        if let (Some(filing), Some(at)) = (filing, filed_at)
            && Receiver::of(&filing.destination) == Receiver::Authority
        {
            of_case.filed.push(Filed {
                report: report.id,
                destination: filing.destination,
                at,
            });
        }
    }
    Ok(of_case)
}
