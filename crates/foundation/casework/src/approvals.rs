//! Two people: what one decided, another approves before it leaves.

use obhut_facts::CaseStatus;
use serde::Serialize;

use crate::cases::advance_from;
use crate::database::Columns;
use crate::outbox::{self, JobKind};
use crate::{
    Casework, CaseworkError, FilingState, Next, Person, Result, Role, audit, decisions, dossier,
    facts, filings, findings, ids, reports,
};

/// That another person agreed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Approval {
    /// Id.
    pub id: String,
    /// The report.
    pub report: String,
    /// Who approved.
    pub name: String,
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub approved_at: i64,
}

/// Approves a report, and with that puts it into the outbox. Never by the person who decided;
/// and a report in which nothing stands that anybody could act on only with the reason why it
/// goes nevertheless, under the approving person's name.
pub async fn approve_report(
    casework: &Casework,
    report: &str,
    person: &Person,
    empty_because: Option<&str>,
) -> Result<Approval> {
    person.require(Role::ReportingOfficer)?;
    let row = reports::report_row(casework, report).await?;
    let waiting = |row: &crate::ReportRow| match row.status.as_str() {
        "draft" => Ok(()),
        status => Err(CaseworkError::conflict(format!(
            "report {report} is {status} already"
        ))),
    };
    let again = row.status == "approved"
        && self::require_approved_content(casework, report, &row.case)
            .await
            .is_err();
    let filed = filings::filing(casework, report)
        .await?
        .is_some_and(|f| matches!(f.state, FilingState::Filed | FilingState::Retracted));
    if !again || filed {
        waiting(&row)?;
    }
    let dossier = dossier::dossier(casework, &row.case, row.with_victims).await?;
    let empty = dossier.scores().empty;
    let content = self::content_key(casework, &row.case).await?;
    let because = empty_because.map(str::trim).filter(|t| !t.is_empty());
    if empty && because.is_none() {
        return Err(CaseworkError::conflict(format!(
            "report {report} is empty: no account, address, file, conversation or place stands in it that anybody could act on. Add facts, or approve it with the reason why it goes as it is"
        )).then(Next::AddFactsOrOverride { case: row.case }));
    }
    let mut tx = casework.db.begin().await?;
    let row = reports::find(&mut tx, report).await?;
    // Somebody else may have been quicker.
    if !again {
        waiting(&row)?;
    }
    let decisions = decisions::decisions(casework, &row.case).await?;
    let latest = decisions
        .last()
        .filter(|d| d.id() == row.decision)
        .ok_or_else(|| {
            CaseworkError::conflict(format!(
                "case {} was decided again since; make the report from the newer decision",
                row.case
            ))
        })?;
    if latest.person() == person.id {
        return Err(CaseworkError::conflict(format!(
            "{} decided this case; the approval must be another person's",
            person.name
        )));
    }
    let approval = Approval {
        id: ids::new("approval"),
        report: report.to_owned(),
        name: person.name.clone(),
        approved_at: casework.now(),
    };
    sqlx::query("INSERT INTO approvals (id, report, person, name, approved_at, empty_because, content_key) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (report) DO UPDATE SET person = $3, name = $4, approved_at = $5, empty_because = $6, content_key = $7")
        .bind(&approval.id)
        .bind(report)
        .bind(&person.id)
        .bind(&person.name)
        .bind(approval.approved_at)
        .bind(because.filter(|_| empty))
        .bind(content)
        .execute(&mut *tx)
        .await?;
    reports::set_status(&mut tx, report, "approved").await?;
    let from = [CaseStatus::Decided, CaseStatus::Reported];
    advance_from(
        &mut tx,
        casework.now(),
        &row.case,
        &from,
        CaseStatus::Reported,
    )
    .await?;
    outbox::put(&mut tx, casework.now(), JobKind::Report, report).await?;
    if let Some(because) = because.filter(|_| empty) {
        audit::write(
            &mut tx,
            casework.now(),
            &person.id,
            "report.override",
            report,
            because,
        )
        .await?;
    }
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "report.approve",
        report,
        &row.case,
    )
    .await?;
    tx.commit().await?;
    Ok(approval)
}

/// What a case's report would say, as a keyed digest: facts and exhibits.
pub(crate) async fn content_key(casework: &Casework, case: &str) -> Result<String> {
    let mut parts =
        vec![serde_json::to_string(&facts::facts(casework, case).await?).expect("facts are JSON")];
    parts.extend(
        findings::findings(casework, case)
            .await?
            .into_iter()
            .map(|f| f.exhibit.unwrap_or(f.screening)),
    );
    Ok(casework
        .lookup
        .keyed_digest("approved content", parts.join("\n").as_bytes()))
}

/// An error where a case says something else now than when its report was approved.
pub(crate) async fn require_approved_content(
    casework: &Casework,
    report: &str,
    case: &str,
) -> Result<()> {
    let row = sqlx::query("SELECT content_key FROM approvals WHERE report = $1")
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?;
    let approved = row.map(|row| Columns::of(&row).text()).transpose()?;
    // Approvals from before this was kept have none.
    let unchanged = match approved.as_deref() {
        None => false,
        Some("") => true,
        Some(key) => key == self::content_key(casework, case).await?,
    };
    if unchanged {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "case {case} was changed after report {report} was approved, and nobody has approved that; it is approved as it is now, and then sent"
    )).then(Next::ApproveAgain { report: report.to_owned() }))
}

/// Who approved a report.
pub async fn approval(casework: &Casework, report: &str) -> Result<Option<Approval>> {
    let row = sqlx::query("SELECT id, report, name, approved_at FROM approvals WHERE report = $1")
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        Ok(Approval {
            id: c.text()?,
            report: c.text()?,
            name: c.text()?,
            approved_at: c.int()?,
        })
    })
    .transpose()
}
