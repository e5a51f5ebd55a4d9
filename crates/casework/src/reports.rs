//! A report as data: what an authority gets, before any destination gives it a form.
//!
//! Invariant: [`Report::from_decision`] is the only way to a report, and takes a decision.
//! Invariant: what was viewed comes from the record of views; no argument can say it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cases::CaseStatus;
use crate::database::{Columns, Step};
use crate::views::{Viewed, viewed};
use crate::{
    Casework, CaseworkError, Decision, Exhibit, Facts, FileFacts, Finding, Reporter, Result,
    Ruling, Sealed, Surface, audit, cases, ids,
};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 11,
    sql: &["CREATE TABLE reports (
        id TEXT PRIMARY KEY, case_id TEXT NOT NULL, decision TEXT NOT NULL, destination TEXT NOT NULL,
        status TEXT NOT NULL, made_at BIGINT NOT NULL)"],
}];

/// A report, independent of whom it goes to.
///
/// ```compile_fail
/// // No report without a decision: there is no public constructor, not even with all fields.
/// fn forge(decision: obhut_casework::Decision) -> obhut_casework::Report {
///     obhut_casework::Report { decision, ..unreachable!() }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The decision it rests on.
    pub decision: Decision,
    /// Who reports.
    pub reporter: Reporter,
    /// What is known.
    pub facts: Sealed<Facts>,
    /// The files, in the order they were found.
    pub files: Vec<ReportedFile>,
    /// When the first file was found, microseconds since 1970.
    pub found_at: i64,
}

/// A file of a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedFile {
    /// The exhibit; none when the bytes were not kept.
    pub exhibit: Option<String>,
    /// Name it had.
    pub name: Option<Sealed<String>>,
    /// SHA-256 of its bytes.
    pub sha256: Option<Sealed<String>>,
    /// Media type.
    pub media_type: Option<String>,
    /// Where it was meant to be seen.
    pub surface: Surface,
    /// When it was uploaded, microseconds since 1970.
    pub uploaded_at: Option<i64>,
    /// When it was found, microseconds since 1970.
    pub found_at: i64,
    /// What people have seen of it, by the record.
    pub viewed_whole: bool,
    /// Whether somebody has seen its metadata, by the record.
    pub viewed_metadata: bool,
    /// What else is known of it.
    pub facts: Sealed<FileFacts>,
}

impl Report {
    fn from_decision(
        decision: &Decision,
        reporter: Reporter,
        facts: Facts,
        findings: &[Finding],
        exhibits: &BTreeMap<String, (Exhibit, Viewed)>,
    ) -> Result<Self> {
        if decision.ruling() != Ruling::Report {
            return Err(CaseworkError::refused(format!(
                "case {} was decided \"{}\"; a report needs the decision to report",
                decision.case(),
                decision.ruling()
            )));
        }
        let mut files: Vec<ReportedFile> = Vec::new();
        let mut seen = Vec::new();
        for finding in findings {
            if seen.contains(&&finding.screening) {
                continue;
            }
            seen.push(&finding.screening);
            let kept = finding.exhibit.as_ref().and_then(|id| exhibits.get(id));
            let viewed = kept.map(|(_, viewed)| *viewed).unwrap_or_default();
            let more = finding
                .exhibit
                .as_ref()
                .and_then(|id| facts.files.get(id))
                .cloned();
            files.push(ReportedFile {
                exhibit: finding.exhibit.clone(),
                name: finding.name.clone(),
                sha256: kept.map(|(e, _)| Sealed::new(e.sha256.clone())),
                media_type: kept.and_then(|(e, _)| e.intake.media_type.clone()),
                surface: finding.surface,
                uploaded_at: finding.uploaded_at,
                found_at: finding.found_at,
                viewed_whole: viewed.whole,
                viewed_metadata: viewed.metadata,
                facts: Sealed::new(more.unwrap_or_default()),
            });
        }
        let found_at = files
            .iter()
            .map(|f| f.found_at)
            .min()
            .unwrap_or(decision.decided_at());
        Ok(Self {
            decision: decision.clone(),
            reporter,
            facts: Sealed::new(facts),
            files,
            found_at,
        })
    }
}

/// A report on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct ReportRow {
    pub id: String,
    pub case: String,
    pub decision: String,
    pub status: String,
}

impl Casework {
    /// Builds the report of a case from its latest decision. Who asked is audited; victims' data
    /// are left out unless asked for.
    pub async fn report(&self, case: &str, with_victims: bool, actor: &str) -> Result<Report> {
        let detail = self.case(case).await?;
        if detail.case.status == CaseStatus::Cleared {
            return Err(CaseworkError::refused(format!(
                "the decision about case {case} was overturned on appeal; nothing is reported any more"
            )));
        }
        let decision = detail.decisions.last().ok_or_else(|| {
            CaseworkError::refused(format!(
                "nobody has decided case {case} yet, and no report is made without a person's decision; `obhut case decide {case} --by NAME --ruling report --grounds …`"
            ))
        })?;
        let mut exhibits = BTreeMap::new();
        let mut kept = Vec::new();
        for finding in &detail.findings {
            if let Some(id) = &finding.exhibit {
                kept.push(self.exhibit(id).await?);
            }
        }
        let mut tx = self.db.begin().await?;
        for exhibit in kept {
            let viewed = viewed(&mut tx, &exhibit.id).await?;
            exhibits.insert(exhibit.id.clone(), (exhibit, viewed));
        }
        let mut facts = detail.facts.expose().clone();
        if !with_victims {
            facts.victims.clear();
        }
        let report = Report::from_decision(
            decision,
            self.reporter().await?,
            facts,
            &detail.findings,
            &exhibits,
        )?;
        let detail = if with_victims {
            "with victims"
        } else {
            "without victims"
        };
        audit::write(&mut tx, self.now(), actor, "report.build", case, detail).await?;
        tx.commit().await?;
        Ok(report)
    }

    /// Puts a report for a destination on record, from a decision. It waits for another person's
    /// approval before anything can be sent.
    pub async fn file_report(
        &self,
        decision: &Decision,
        destination: &str,
        actor: &str,
    ) -> Result<String> {
        if decision.ruling() != Ruling::Report {
            return Err(CaseworkError::refused(
                "only the decision to report makes a report",
            ));
        }
        let id = ids::new("report");
        let mut tx = self.db.begin().await?;
        let reportable = [CaseStatus::Decided, CaseStatus::Reported];
        cases::require_status(&mut tx, decision.case(), &reportable).await?;
        let known = sqlx::query(
            "SELECT id, status, decision FROM reports WHERE case_id = $1 AND destination = $2 AND status IN ('draft', 'approved')",
        )
        .bind(decision.case())
        .bind(destination)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(row) = known {
            let mut c = Columns::of(&row);
            let (known, status, rests_on) = (c.text()?, c.text()?, c.text()?);
            if status == "draft" && rests_on != decision.id() {
                set_status(&mut tx, &known, "superseded").await?;
            } else {
                return Err(CaseworkError::refused(format!(
                    "report {known} of this case to {destination} is on record already ({status}); a case is reported once to each"
                )));
            }
        }
        sqlx::query("INSERT INTO reports (id, case_id, decision, destination, status, made_at) VALUES ($1, $2, $3, $4, 'draft', $5)")
            .bind(&id)
            .bind(decision.case())
            .bind(decision.id())
            .bind(destination)
            .bind(self.now())
            .execute(&mut *tx)
            .await?;
        audit::write(&mut tx, self.now(), actor, "report.file", &id, destination).await?;
        tx.commit().await?;
        Ok(id)
    }
}

pub(crate) async fn find(tx: &mut crate::database::Tx, id: &str) -> Result<ReportRow> {
    let row = sqlx::query("SELECT id, case_id, decision, status FROM reports WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    let row = row.ok_or_else(|| CaseworkError::NotFound {
        what: "report",
        id: id.to_owned(),
        hint: "a report is made from the decision of a case",
    })?;
    let mut c = Columns::of(&row);
    Ok(ReportRow {
        id: c.text()?,
        case: c.text()?,
        decision: c.text()?,
        status: c.text()?,
    })
}

pub(crate) async fn set_status(tx: &mut crate::database::Tx, id: &str, status: &str) -> Result<()> {
    sqlx::query("UPDATE reports SET status = $1 WHERE id = $2")
        .bind(status)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The reports of a case that somebody outside may have got or will get.
pub(crate) async fn released(
    tx: &mut crate::database::Tx,
    case: &str,
) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query("SELECT id, destination FROM reports WHERE case_id = $1 AND status = 'approved' ORDER BY made_at, id")
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?))
        })
        .collect()
}
