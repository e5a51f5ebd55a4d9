//! Supplements: what changes in a case after its report was filed goes out as a further report.

use obhut_facts::IncidentKind;

use crate::reports::ReportRow;
use crate::{
    Casework, CaseworkError, FilingState, Next, Result, Ruling, approvals, audit, decisions, facts,
    filings, reports,
};

/// Puts a supplement on record: a further report to the destination that has `report`, because
/// what it says has changed since. Returns its id; it waits for another approval.
///
/// # Errors
/// A conflict unless the report is filed, and not with a test service; if nothing has changed since;
/// or if a supplement to it hasn't been filed yet.
pub async fn file_supplement(
    casework: &Casework,
    report: &str,
    with_victims: bool,
    actor: &str,
) -> Result<String> {
    let row = reports::report_row(casework, report).await?;
    let filing = filings::filing(casework, report).await?;
    let is_filed = filing.is_some_and(|f| f.state == FilingState::Filed && !f.test);
    if row.status != "approved" || !is_filed {
        return Err(CaseworkError::conflict(format!(
            "report {report} isn't filed; change the case and approve it as it is now"
        )));
    }
    let same_victims = row.with_victims == with_victims;
    if same_victims
        && approvals::require_approved_content(casework, &row)
            .await
            .is_ok()
    {
        return Err(CaseworkError::conflict(format!(
            "nothing has changed since report {report} was approved, so there is nothing to add"
        )));
    }
    // Another report of the case to the same destination that hasn't arrived would say it too.
    for other in reports::report_rows(casework, Some(&row.case)).await? {
        if other.destination != row.destination || !is_alive(&other) {
            continue;
        }
        let filed = filings::filing(casework, &other.id).await?;
        if filed.is_none_or(|f| f.state != FilingState::Filed) {
            return Err(CaseworkError::conflict(format!(
                "report {} of this case to {} is on record and not filed yet",
                other.id, row.destination
            ))
            .then(Next::Approve {
                report: other.id.clone(),
            }));
        }
    }
    let decisions = decisions::decisions(casework, &row.case).await?;
    let latest = decisions.last().filter(|d| d.ruling() == Ruling::Report);
    let latest = latest.ok_or_else(|| {
        CaseworkError::conflict(format!("case {} is no longer to be reported", row.case))
    })?;
    let facts = facts::facts(casework, &row.case).await?;
    let incident = facts.incident.unwrap_or(IncidentKind::Material);
    let mut tx = casework.db.begin().await?;
    let now = casework.now();
    let id = reports::insert_supplement(&mut tx, now, &row, latest, with_victims, incident).await?;
    let act = "report.supplement";
    audit::write(&mut tx, now, actor, act, &id, report).await?;
    tx.commit().await?;
    Ok(id)
}

fn is_alive(row: &ReportRow) -> bool {
    matches!(row.status.as_str(), "draft" | "approved")
}
