//! What a person records about a delivery: its receiver has the report after all, or acknowledged
//! the retraction.

use crate::filings::{self, Filing, FilingState};
use crate::{Casework, CaseworkError, Person, Result, Role, channels, outbox, policy, reports};

/// What an acknowledgement became, as a report's status or filing says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acknowledged {
    /// The receiver has the report.
    Filed,
    /// It acknowledged the retraction.
    Retracted,
}

/// Records that the receiver acknowledged a retraction; or that it has a package which was stopped
/// because its delivery wasn't confirmed, or which a person handed over another way. `how` says who
/// acknowledged it, and how.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without `how`; a conflict if neither a
/// retraction is under way nor a package was stopped.
pub async fn acknowledge(
    casework: &Casework,
    report: &str,
    how: &str,
    person: &Person,
) -> Result<Acknowledged> {
    person.require(Role::ReportingOfficer)?;
    if how.trim().is_empty() {
        return Err(CaseworkError::invalid(
            "how",
            "say who acknowledged it, and how",
        ));
    }
    let row = reports::report_row(casework, report).await?;
    if row.status == "retracting" {
        let filing = filings::begin_filing(casework, report, &row.destination).await?;
        filings::filing_retracted(casework, &filing, how, None, &person.id).await?;
        return Ok(Acknowledged::Retracted);
    }
    let stopped = filings::filing(casework, report)
        .await?
        .filter(|f| row.status == "approved" && f.state == FilingState::Stopped)
        // Elsewhere the service's number is the proof, and only the service gives it.
        .filter(|f| policy::is_handed_over(&f.destination));
    let Some(stopped) = stopped else {
        return Err(CaseworkError::conflict(format!(
            "report {report} is {}; neither is it a package that was stopped, nor is a retraction of it under way",
            row.status
        )));
    };
    let to = Filing {
        // A retraction goes to the address that has it.
        host: match stopped.host.is_empty() {
            true => channels::channel(casework, &row.destination)
                .await?
                .address(),
            false => stopped.host.clone(),
        },
        // Its own id: an empty number would mean that nothing was ever sent.
        remote: report.to_owned(),
        receipt: Some(how.to_owned()),
        ..stopped.clone()
    };
    let mut tx = casework.db.begin().await?;
    filings::filed(&mut tx, casework, &stopped, to, &person.id).await?;
    outbox::done_about(&mut tx, casework.now(), crate::JobKind::Report, report).await?;
    tx.commit().await?;
    Ok(Acknowledged::Filed)
}
