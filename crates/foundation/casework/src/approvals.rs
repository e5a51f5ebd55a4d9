//! The four-eyes rule: a report is approved by another person than the one who decided.

use obhut_facts::{CaseStatus, Dossier};
use serde::Serialize;

use crate::cases::advance_from;
use crate::database::{Columns, Tx};
use crate::outbox::{self, JobKind};
use crate::reports::ReportRow;
use crate::{
    Casework, CaseworkError, FilingState, Next, Person, Result, Role, audit, decisions, dossier,
    facts, filings, findings, ids, reports,
};

/// An approval.
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

/// Approves a report and puts it into the outbox. The approver must not be the person who decided. A
/// report with nothing actionable needs the approver's reason for sending it anyway.
pub async fn approve_report(
    casework: &Casework,
    report: &str,
    person: &Person,
    empty_because: Option<&str>,
) -> Result<Approval> {
    person.require(Role::ReportingOfficer)?;
    let row = reports::report_row(casework, report).await?;
    let again = row.status == "approved" && needs_reapproval(casework, &row).await?;
    if !again {
        require_draft(&row)?;
    }
    let dossier = dossier::dossier(casework, &row.case, row.with_victims).await?;
    let empty = dossier.scores().empty;
    let content = content_key(casework, &dossier).await?;
    let because = empty_because.map(str::trim).filter(|t| !t.is_empty());
    if empty && because.is_none() {
        return Err(CaseworkError::conflict(format!(
            "report {report} contains nothing actionable: no account, address, file, conversation or place. Add facts, or approve it with the reason to send it anyway"
        )).then(Next::AddFactsOrOverride { case: row.case }));
    }
    let mut tx = casework.db.begin().await?;
    let row = reports::find(&mut tx, report).await?;
    // Another officer may have approved it in the meantime.
    if !again {
        require_draft(&row)?;
    }
    require_second_person(&mut tx, &row, person).await?;
    let approval = Approval {
        id: ids::new("approval"),
        report: report.to_owned(),
        name: person.name.clone(),
        approved_at: casework.now(),
    };
    // The earlier approval is replaced; the audit trail keeps both.
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
    // A job that exists keeps its place and its tries.
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

/// # Errors
/// A conflict unless the report is a draft.
fn require_draft(row: &ReportRow) -> Result<()> {
    match row.status.as_str() {
        "draft" => Ok(()),
        status => Err(CaseworkError::conflict(format!(
            "report {} is {status} already",
            row.id
        ))),
    }
}

/// True for an approved report that needs another approval: its case changed, and it hasn't been filed.
async fn needs_reapproval(casework: &Casework, row: &ReportRow) -> Result<bool> {
    let filed = filings::filing(casework, &row.id).await?;
    let left =
        filed.is_some_and(|f| matches!(f.state, FilingState::Filed | FilingState::Retracted));
    Ok(!left && require_approved_content(casework, row).await.is_err())
}

/// # Errors
/// A conflict if the person decided the case, or if the report isn't based on the latest decision.
async fn require_second_person(tx: &mut Tx, row: &ReportRow, person: &Person) -> Result<()> {
    // Within the transaction: asking the pool for a second connection would wait for one that another
    // approval holds, which waits likewise.
    let decisions = decisions::decisions_within(tx, &row.case).await?;
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
    Ok(())
}

/// Prefix of a dossier key. Keys without it were written by the first version and use its formula.
const DOSSIER_KEY: &str = "whole:";

/// Keyed digest of the dossier an approval covers. Excluded are values that change without anyone touching
/// the case: time and status, the provider's settings, and the numbers of other reports about the account.
async fn content_key(casework: &Casework, dossier: &Dossier) -> Result<String> {
    // Not `dossier.facts`: victims may be left out there, and other reports' numbers are added.
    let facts = facts::facts(casework, &dossier.case).await?;
    let files: Vec<_> = dossier
        .files
        .iter()
        .map(|f| {
            serde_json::json!([
                f.key,
                f.exhibit,
                f.name.as_ref().map(|n| n.expose()),
                f.digests.as_ref().map(|d| d.expose()),
                f.media_type,
                f.surface.word(),
                f.uploaded_at,
                f.found_at,
                f.matched,
                f.viewed_whole,
                f.viewed_metadata,
                f.seen_before,
                f.facts.expose(),
            ])
        })
        .collect();
    let said = serde_json::json!([
        facts,
        dossier.victims_left_out,
        files,
        dossier.category,
        dossier.matched,
        dossier.found_at,
    ]);
    let key = casework
        .lookup
        .keyed_digest("approved content", said.to_string().as_bytes());
    Ok(format!("{DOSSIER_KEY}{key}"))
}

/// The first version's formula: facts and exhibits.
async fn legacy_content_key(casework: &Casework, case: &str) -> Result<String> {
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

/// # Errors
/// A conflict if the dossier has changed since the approval.
pub(crate) async fn require_approved_content(casework: &Casework, of: &ReportRow) -> Result<()> {
    let (report, case) = (&of.id, &of.case);
    let row = sqlx::query("SELECT content_key FROM approvals WHERE report = $1")
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?;
    let approved = row.map(|row| Columns::of(&row).text()).transpose()?;
    let unchanged = match approved.as_deref() {
        None => false,
        // Approvals older than this check have no key.
        Some("") => true,
        Some(key) if key.starts_with(DOSSIER_KEY) => {
            let dossier = dossier::dossier(casework, case, of.with_victims).await?;
            key == content_key(casework, &dossier).await?
        }
        Some(key) => key == legacy_content_key(casework, case).await?,
    };
    if unchanged {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "case {case} was changed after report {report} was approved; approve it as it is now, then send it"
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
