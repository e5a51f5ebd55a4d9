//! What a person records about a delivery: its receiver has the report after all, or acknowledged
//! the retraction.

use crate::filings::{self, Filing, FilingState};
use crate::{
    Casework, CaseworkError, JobKind, Person, Result, Role, audit, channels, outbox, policy,
    reports,
};

/// Records that the receiver acknowledged a retraction. `how` says who did, and how.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without `how`; a conflict if no retraction is
/// under way.
pub async fn acknowledge_retraction(
    casework: &Casework,
    report: &str,
    how: &str,
    person: &Person,
) -> Result<()> {
    require_how(how, person)?;
    let row = reports::report_row(casework, report).await?;
    if row.status != "retracting" {
        return Err(CaseworkError::conflict(format!(
            "report {report} is {}; no retraction of it is under way",
            row.status
        )));
    }
    let filing = filings::begin_filing(casework, report, &row.destination).await?;
    filings::filing_retracted(casework, &filing, how, None, &person.id).await
}

/// Records that the receiver has a package which was stopped because its delivery wasn't confirmed,
/// or which a person handed over another way. `how` says who says so, and how it came.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without `how`; a conflict unless it is a
/// package that was approved and stopped.
pub async fn acknowledge_arrival(
    casework: &Casework,
    report: &str,
    how: &str,
    person: &Person,
) -> Result<()> {
    require_how(how, person)?;
    let row = reports::report_row(casework, report).await?;
    let stopped = filings::filing(casework, report)
        .await?
        .filter(|f| row.status == "approved" && f.state == FilingState::Stopped)
        // Elsewhere the service's number is the proof, and only the service gives it.
        .filter(|f| policy::is_handed_over(&f.destination));
    let Some(stopped) = stopped else {
        return Err(CaseworkError::conflict(format!(
            "report {report} is {}; this is for packages that were approved and stopped",
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
    outbox::came_about(&mut tx, casework.now(), JobKind::Report, report).await?;
    let act = "report.arrived";
    audit::write(&mut tx, casework.now(), &person.id, act, report, how).await?;
    tx.commit().await?;
    Ok(())
}

fn require_how(how: &str, person: &Person) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    if how.trim().is_empty() {
        return Err(CaseworkError::invalid(
            "how",
            "say who acknowledged it, and how",
        ));
    }
    Ok(())
}
