//! Acknowledgements that a person records: the receiver has a report whose delivery wasn't
//! confirmed, or has acknowledged a retraction.

use crate::children::is_blank;
use crate::filings::{self, Filing, FilingState};
use crate::reports::ReportRow;
use crate::{
    Casework, CaseworkError, JobKind, Person, Result, Role, audit, channels, outbox, policy,
    reports,
};

/// Records that the receiver acknowledged a retraction. `how` says who acknowledged it, and how.
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
    let row = row_to_acknowledge(casework, report, how, person).await?;
    if row.status != "retracting" {
        return Err(CaseworkError::conflict(format!(
            "report {report} is {}; no retraction of it is under way",
            row.status
        )));
    }
    let filing = filings::open_filing(casework, report, &row.destination).await?;
    filings::filing_retracted(casework, &filing, how, None, &person.id).await
}

/// Records that the receiver has a package that was stopped because its delivery wasn't confirmed,
/// or that a person handed over another way. `how` says who confirmed it and how it was delivered.
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
    let row = row_to_acknowledge(casework, report, how, person).await?;
    let address = channels::channel(casework, &row.destination)
        .await?
        .address();
    let mut tx = casework.db.begin().await?;
    // Locked: a retraction or an upheld appeal in the same moment must be seen here, or see this.
    let row = reports::find_held(&mut tx, &row.id).await?;
    let stopped = filings::of(&mut tx, report)
        .await?
        .filter(|f| row.status == "approved" && f.state == FilingState::Stopped)
        // At any other destination the report number is the proof, and only the service assigns it.
        .filter(|f| policy::is_handed_over(&f.destination));
    let Some(stopped) = stopped else {
        return Err(CaseworkError::conflict(format!(
            "report {report} is {}; this is for packages that were approved and stopped",
            row.status
        )));
    };
    let to = Filing {
        // A later retraction is sent to the address that has the package.
        host: match stopped.host.is_empty() {
            true => address,
            false => stopped.host.clone(),
        },
        // The report's own id, because an empty number would mean that nothing was ever sent.
        remote: report.to_owned(),
        receipt: Some(how.to_owned()),
        ..stopped.clone()
    };
    filings::filed(&mut tx, casework, &stopped, to, &person.id).await?;
    outbox::delivered_by_hand(&mut tx, casework.now(), JobKind::Report, report).await?;
    let act = "report.arrived";
    audit::write(&mut tx, casework.now(), &person.id, act, report, how).await?;
    tx.commit().await?;
    Ok(())
}

/// The report. Denied without the role reporting-officer; invalid if `how` is blank.
async fn row_to_acknowledge(
    casework: &Casework,
    report: &str,
    how: &str,
    person: &Person,
) -> Result<ReportRow> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(how) {
        return Err(CaseworkError::invalid(
            "how",
            "say who acknowledged it, and how",
        ));
    }
    reports::report_row(casework, report).await
}
