//! Resumes stopped reports.

use crate::filings::{self, Filing, FilingState};
use crate::{Casework, CaseworkError, JobKind, Person, Result, Role, audit, outbox, reports};

/// The reason on a filing whose unconfirmed message a person sends a second time.
pub const RESUMED: &str = "a person sends it again, though it may have arrived";

/// Resumes a stopped report and resets its count of begun submissions. A message that may have
/// arrived is sent a second time.
///
/// # Errors
/// Denied without the role reporting-officer; a conflict unless the report is approved and its
/// filing stopped.
pub async fn resume_filing(casework: &Casework, report: &str, person: &Person) -> Result<()> {
    resume(casework, report, person, true).await
}

/// Like [`resume_filing`], but sends a message that may have arrived a second time only with
/// `resend`.
pub(crate) async fn resume(
    casework: &Casework,
    report: &str,
    person: &Person,
    resend: bool,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    let row = reports::report_row(casework, report).await?;
    if row.status != "approved" {
        return Err(CaseworkError::conflict(format!(
            "report {report} is {}; only an approved one is sent",
            row.status
        )));
    }
    let mut tx = casework.db.begin().await?;
    let known = filings::of(&mut tx, report).await?;
    let Some(filing) = known.filter(|f| f.state == FilingState::Stopped) else {
        return Err(CaseworkError::conflict(format!(
            "report {report} isn't stopped"
        )));
    };
    let now = casework.now();
    // The destination may still have what was begun: the number is kept, and its status is asked
    // for first.
    let next = Filing {
        state: match filing.remote.is_empty() {
            true => FilingState::Waiting,
            false => FilingState::Begun,
        },
        why: (resend && filing.may_have_arrived()).then(|| RESUMED.to_owned()),
        begun: 0,
        ..filing.clone()
    };
    filings::step(&mut tx, now, &filing, &next).await?;
    outbox::again(&mut tx, now, JobKind::Report, report).await?;
    audit::write(&mut tx, now, &person.id, "report.resume", report, "").await?;
    tx.commit().await?;
    Ok(())
}
