//! Supplements: changes to a case after its report was filed are sent as a further report.

use obhut_facts::IncidentKind;

use crate::reports::ReportRow;
use crate::{
    Casework, CaseworkError, FilingState, Next, Result, Ruling, approvals, audit, decisions, facts,
    filings, reports,
};

/// Records a supplement: a further report to the destination that has `report`, because the case
/// has changed since. Returns the supplement's id. The supplement needs another approval.
///
/// # Errors
/// A conflict if the report isn't filed, or only with a test service; if nothing has changed since;
/// if another report of the case to that destination isn't filed yet; or if the case is no longer
/// to be reported.
pub async fn file_supplement(
    casework: &Casework,
    report: &str,
    with_victims: bool,
    actor: &str,
) -> Result<String> {
    let row = reports::report_row(casework, report).await?;
    let filing = filings::filing(casework, report).await?;
    let filing = filing.filter(|f| f.state == FilingState::Filed);
    let why_not = match (row.status.as_str(), filing) {
        ("approved", Some(filing)) if !filing.test => "",
        ("approved", Some(_)) => {
            "was filed only with the test service; switch to production and file the case again"
        }
        ("approved", None) => {
            "isn't filed yet; change the case and approve the report as it is now"
        }
        ("draft", _) => "is a draft, which is made from the case as it is now",
        _ => "was taken back",
    };
    if !why_not.is_empty() {
        return Err(CaseworkError::conflict(format!(
            "report {report} {why_not}"
        )));
    }
    // The newest report there says what the receiver knows.
    let mut newest = row.clone();
    for other in reports::report_rows(casework, Some(&row.case)).await? {
        if other.destination != row.destination || !is_alive(&other) {
            continue;
        }
        let filed = filings::filing(casework, &other.id).await?;
        if filed.is_none_or(|f| f.state != FilingState::Filed) {
            // That report will cover the changes once it is filed.
            return Err(CaseworkError::conflict(format!(
                "report {} of this case to {} is on record and not filed yet",
                other.id, row.destination
            ))
            .then(Next::Approve {
                report: other.id.clone(),
            }));
        }
        newest = other;
    }
    let unchanged = match approvals::require_approved_content(casework, &newest).await {
        Ok(()) => newest.with_victims == with_victims,
        Err(CaseworkError::Conflict { .. }) => false,
        // Whether anything has changed isn't known.
        Err(e) => return Err(e),
    };
    if unchanged {
        return Err(CaseworkError::conflict(format!(
            "nothing has changed since report {} was approved, so there is nothing to add",
            newest.id
        )));
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
    let id =
        reports::insert_supplement(&mut tx, now, &newest, latest, with_victims, incident).await?;
    let act = "report.supplement";
    audit::write(&mut tx, now, actor, act, &id, report).await?;
    tx.commit().await?;
    Ok(id)
}

fn is_alive(row: &ReportRow) -> bool {
    matches!(row.status.as_str(), "draft" | "approved")
}
