//! The four-eyes rule: a report is approved by someone other than the person who decided.
//!
//! Invariant: what is approved is what is sent. The documents are stored as they were approved and
//! sent byte for byte, except that placeholders are replaced with the ids that the receiver
//! assigns. Any change to what they were made from, to the settings or to the destination voids the
//! approval.

use obhut_facts::{CaseStatus, Dossier};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::cases::advance_from;
use crate::database::{Columns, Tx};
use crate::outbox::{self, JobKind};
use crate::report::{self, Report};
use crate::reports::ReportRow;
use crate::{
    Casework, CaseworkError, Contents, Exhibit, FilingState, Next, Person, Receiver, Result, Role,
    appeals, audit, cases, channels, danger, decisions, dossier, facts, filings, ids,
    pending_decisions, reports, resuming, views,
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

/// A report that a person is about to approve, as the data from which its documents are made.
pub struct Approvable {
    row: ReportRow,
    again: bool,
    report: Report,
    because: Option<String>,
    as_received: bool,
    content: String,
}

impl Approvable {
    /// The report. Its documents are what is approved.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Why it is approved although it contains nothing actionable or breaks a rule of the receiver,
    /// if a person gave a reason.
    pub fn because(&self) -> Option<&str> {
        self.because.as_deref()
    }

    /// Name of the destination.
    pub fn destination(&self) -> &str {
        &self.row.destination
    }
}

/// Begins the approval of a report. `because` says why it is sent although it contains nothing
/// actionable, or breaks a rule of the receiver's documentation. With `as_received`, the incoming
/// reports from which the case was opened go out with it; that needs a report with victims' data,
/// because they may name children.
///
/// # Errors
/// Denied without the role reporting-officer; a conflict if the report can't be approved as it is.
pub async fn begin_approval(
    casework: &Casework,
    report: &str,
    person: &Person,
    because: Option<&str>,
    as_received: bool,
) -> Result<Approvable> {
    person.require(Role::ReportingOfficer)?;
    let row = reports::report_row(casework, report).await?;
    let again = row.status == "approved" && needs_reapproval(casework, &row).await?;
    if !again {
        require_draft(&row).map_err(|e| match row.status.as_str() {
            // It may have stopped because of settings that are as they were again.
            "approved" => e.then(Next::Resume {
                report: row.id.clone(),
            }),
            _ => e,
        })?;
    }
    {
        // Who may approve is checked before what is approved. `approve_report` checks the person
        // again; the content is checked again before it is sent (`require_sendable`).
        let mut tx = casework.db.snapshot().await?;
        // An appeal doesn't stop a report: the report says that there is one.
        let approvable = [
            CaseStatus::Decided,
            CaseStatus::Reported,
            CaseStatus::Appealed,
        ];
        cases::require_status(&mut tx, &row.case, &approvable).await?;
        require_second_person(&mut tx, &row, person).await?;
        decisions::require_valid_review(&mut tx, &row.case).await?;
        decisions::require_other_than_seer(&mut tx, &row.case, person).await?;
    }
    if as_received && !row.with_victims {
        return Err(CaseworkError::conflict(
            "what came in may name children; it goes out only with a report that includes the children's data",
        ));
    }
    let with = Contents {
        victims: row.with_victims,
        as_received,
    };
    let report = report::report_with(casework, &row.case, with, &person.id).await?;
    let because = because.map(str::trim).filter(|t| !t.is_empty());
    if report.dossier.scores().empty && because.is_none() {
        return Err(CaseworkError::conflict(format!(
            "report {} contains nothing actionable: no account, address, file, conversation or place. Add facts, or approve it with the reason to send it anyway", row.id
        )).then(Next::AddFactsOrOverride { case: row.case }));
    }
    let content = content_key(casework, &row, &report.dossier).await?;
    Ok(Approvable {
        row,
        again,
        report,
        because: because.map(str::to_owned),
        as_received,
        content,
    })
}

/// What is approved.
#[derive(Clone, Copy, Debug)]
pub struct Approved<'a> {
    /// The documents that will be sent, byte for byte, with placeholders for what the receiver
    /// assigns.
    pub documents: &'a [u8],
    /// True if they break a rule of the receiver's documentation.
    pub overrides: bool,
    /// True if they go to a test service: then nothing is reported, and a child in danger isn't
    /// helped.
    pub for_test: bool,
}

/// Approves a report and puts it in the outbox. Resumes a filing that had stopped.
///
/// # Errors
/// Denied without the role reporting-officer. A conflict if the person made the latest decision or
/// marked the alarm about the review it is based on as seen, if the case was decided again since
/// the report was made, if that review was overturned, if the report was approved or withdrawn
/// meanwhile, or if a rule is broken without a reason.
// Long: one transaction.
pub async fn approve_report(
    casework: &Casework,
    approvable: &Approvable,
    person: &Person,
    approved: Approved<'_>,
) -> Result<Approval> {
    let Approved {
        documents,
        overrides,
        for_test,
    } = approved;
    person.require(Role::ReportingOfficer)?;
    let report = approvable.row.id.as_str();
    let empty = approvable.report.dossier.scores().empty;
    let because = approvable.because();
    if overrides && because.is_none() {
        return Err(CaseworkError::conflict(format!(
            "report {report} breaks a rule of its receiver; a reason is needed to approve it anyway"
        )));
    }
    let kept = keep_documents(casework, approvable, person, documents).await?;
    let mut tx = casework.db.begin().await?;
    let row = reports::find_held(&mut tx, report).await?;
    pending_decisions::require_none(&mut tx, &row.case).await?;
    // Another officer may have approved it in the meantime, or withdrawn it.
    if approvable.again {
        require_approved(&row)?;
        require_not_sent(&mut tx, casework.now(), report).await?;
    } else {
        require_draft(&row)?;
    }
    require_second_person(&mut tx, &row, person).await?;
    decisions::require_valid_review(&mut tx, &row.case).await?;
    decisions::require_other_than_seer(&mut tx, &row.case, person).await?;
    let approval = Approval {
        id: ids::new("approval"),
        report: report.to_owned(),
        name: person.name.clone(),
        approved_at: casework.now(),
    };
    // The earlier approval is replaced; the audit trail keeps both.
    sqlx::query("INSERT INTO approvals (id, report, person, name, approved_at, empty_because, content_key, document, document_sha256, as_received, override_because)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (report) DO UPDATE SET person = $3, name = $4, approved_at = $5, empty_because = $6, content_key = $7,
            document = $8, document_sha256 = $9, as_received = $10, override_because = $11")
        .bind(&approval.id)
        .bind(report)
        .bind(&person.id)
        .bind(&person.name)
        .bind(approval.approved_at)
        .bind(because.filter(|_| empty))
        .bind(&approvable.content)
        .bind(&kept.id)
        .bind(&kept.sha256)
        .bind(i64::from(approvable.as_received))
        .bind(because.filter(|_| overrides))
        .execute(&mut *tx)
        .await?;
    reports::set_status(&mut tx, report, "approved").await?;
    // A statement, or an event for our own system, doesn't help a child in danger.
    let receiver = Receiver::of(&row.destination);
    if !for_test && receiver == Receiver::Authority {
        danger::answered(&mut tx, casework, &row.case, danger::APPROVED).await?;
    }
    match cases::status(&mut tx, &row.case).await? {
        CaseStatus::Appealed => appeals::reported_meanwhile(&mut tx, &row.case).await?,
        // A statement of what was done isn't a report of the case.
        _ if receiver == Receiver::Public => {}
        _ => {
            let from = [CaseStatus::Decided, CaseStatus::Reported];
            let to = CaseStatus::Reported;
            advance_from(&mut tx, casework.now(), &row.case, &from, to).await?;
        }
    }
    // A job that exists already keeps its place in the queue and its number of tries.
    outbox::put(&mut tx, casework.now(), JobKind::Report, report).await?;
    if let Some(because) = because.filter(|_| empty || overrides) {
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
    // Its filing may have stopped because the earlier approval was void.
    let stopped = filings::filing(casework, report).await?;
    if stopped.is_some_and(|f| f.state == FilingState::Stopped) {
        resuming::resume(casework, report, person, false).await?;
    }
    Ok(approval)
}

/// # Errors
/// A conflict if the receiver has the report, or a worker is sending it: a new approval would then
/// be of documents that were never sent.
async fn require_not_sent(tx: &mut Tx, now: i64, report: &str) -> Result<()> {
    let filing = filings::of(tx, report).await?;
    let filed = [FilingState::Filed, FilingState::Retracted];
    if filing.is_some_and(|f| filed.contains(&f.state)) {
        return Err(CaseworkError::conflict(format!(
            "report {report} was filed meanwhile; what has changed since goes into a supplement"
        )));
    }
    if outbox::is_claimed(tx, now, JobKind::Report, report).await? {
        return Err(CaseworkError::conflict(format!(
            "report {report} is being sent; approve it again in a few minutes, if it is still needed then"
        )));
    }
    Ok(())
}

/// Seals the documents as an exhibit of the case. The exhibit is erased with the case, and each
/// read of it is logged.
async fn keep_documents(
    casework: &Casework,
    approvable: &Approvable,
    person: &Person,
    documents: &[u8],
) -> Result<Exhibit> {
    let intake = obhut_vault::Intake {
        actor: person.id.clone(),
        purpose: format!("documents of report {}, as approved", approvable.row.id),
        case: Some(approvable.row.case.clone()),
        source: None,
        media_type: Some("application/json".into()),
    };
    views::keep(casework, documents, intake).await
}

/// The documents that were approved, for a worker or a person. The access is audited before they
/// are read.
///
/// # Errors
/// A conflict if none were kept (approved by an older version), or if they are not those approved.
pub async fn approved_documents(
    casework: &Casework,
    report: &str,
    actor: &str,
    purpose: &str,
) -> Result<Vec<u8>> {
    let again = || {
        CaseworkError::conflict(format!(
            "no documents are on record with the approval of report {report}; approve it again"
        ))
        .then(Next::ApproveAgain {
            report: report.to_owned(),
        })
    };
    let row = sqlx::query("SELECT document, document_sha256 FROM approvals WHERE report = $1")
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?
        .ok_or_else(again)?;
    let mut c = Columns::of(&row);
    let (document, sha256) = (c.text()?, c.text()?);
    if document.is_empty() {
        return Err(again());
    }
    audit::note(casework, actor, "report.read", report, purpose).await?;
    let access = obhut_vault::Access {
        actor: actor.to_owned(),
        purpose: purpose.to_owned(),
    };
    let bytes = casework.vault.get(&document, access).await?;
    if hex::encode(Sha256::digest(&bytes)) != sha256 {
        return Err(CaseworkError::conflict(format!(
            "the documents on record are not those that were approved as report {report}; approve it again"
        )));
    }
    Ok(bytes)
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

/// # Errors
/// A conflict unless the report is approved.
fn require_approved(row: &ReportRow) -> Result<()> {
    match row.status.as_str() {
        "approved" => Ok(()),
        status => Err(CaseworkError::conflict(format!(
            "report {} is {status} by now; look at it again",
            row.id
        ))),
    }
}

/// True for an approved report that needs another approval: what the approval covers has changed,
/// and it hasn't been filed.
async fn needs_reapproval(casework: &Casework, row: &ReportRow) -> Result<bool> {
    let filed = filings::filing(casework, &row.id).await?;
    let left =
        filed.is_some_and(|f| matches!(f.state, FilingState::Filed | FilingState::Retracted));
    if left {
        return Ok(false);
    }
    match require_approved_content(casework, row).await {
        Ok(()) => Ok(false),
        Err(CaseworkError::Conflict { .. }) => Ok(true),
        // A database that doesn't answer says nothing about the case.
        Err(e) => Err(e),
    }
}

/// # Errors
/// A conflict if the person made the latest decision, or if the report isn't based on that
/// decision.
async fn require_second_person(tx: &mut Tx, row: &ReportRow, person: &Person) -> Result<()> {
    // Within the transaction. A second connection from the pool could deadlock: two approvals would
    // each wait for the connection that the other holds.
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

/// Prefix of the key of an approval with documents. Keys without it were written by older versions.
const APPROVED_KEY: &str = "approved:";

/// Keyed digest of all that an approval covers besides its documents: facts, files, category,
/// determinations, settings, destination and its address. It leaves out what changes without anyone
/// touching the case or the destination: the time, the status, and the numbers of other reports
/// about the account.
async fn content_key(casework: &Casework, row: &ReportRow, dossier: &Dossier) -> Result<String> {
    // Not `dossier.facts`: victims may be left out there, and other reports' numbers are added.
    let facts = facts::facts(casework, &dossier.case).await?;
    let channel = channels::channel(casework, &row.destination).await?;
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
                f.category,
                f.public,
                f.as_received,
                f.viewed_whole,
                f.viewed_copy,
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
        dossier.appealed_at,
        dossier.found_at,
        dossier.reporter,
        dossier.determinations,
        dossier.unit.as_ref().map(|u| u.expose()),
        row.destination,
        // The whole address: on a shared host the path is the receiver. Not the password, which may
        // be renewed.
        channel.url,
        channel.user,
        channel.folder,
        channel.production,
        channel.recipient,
        channel.mail_to,
        channel.media_instruction,
    ]);
    let key = casework
        .lookup
        .keyed_digest("approved content", said.to_string().as_bytes());
    Ok(format!("{APPROVED_KEY}{key}"))
}

/// # Errors
/// A conflict if anything the approval covers has changed since.
pub(crate) async fn require_approved_content(casework: &Casework, of: &ReportRow) -> Result<()> {
    let (report, case) = (&of.id, &of.case);
    let row = sqlx::query("SELECT content_key, as_received FROM approvals WHERE report = $1")
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?;
    let approved = match &row {
        None => None,
        Some(row) => {
            let mut c = Columns::of(row);
            Some((c.text()?, c.int()? != 0))
        }
    };
    let unchanged = match approved {
        Some((key, as_received)) if key.starts_with(APPROVED_KEY) => {
            let with = Contents {
                victims: of.with_victims,
                as_received,
            };
            let dossier = dossier::dossier_of(casework, case, with).await?;
            key == content_key(casework, of, &dossier).await?
        }
        // An older version approved it, and kept no documents.
        _ => false,
    };
    if unchanged {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "case {case}, a setting or the destination was changed after report {report} was approved; approve it as it is now, then send it"
    )).then(Next::ApproveAgain { report: report.to_owned() }))
}

/// Checks that the approval still covers what would be sent. Doesn't read the report's status: a
/// withdrawn report keeps its approval, so the caller checks that too.
///
/// # Errors
/// A conflict if the report was never approved, if anything the approval covers has changed, if
/// the case was decided again, or if the review it is based on was overturned.
pub async fn require_sendable(casework: &Casework, id: &str) -> Result<()> {
    let row = reports::report_row(casework, id).await?;
    // First: a new approval wouldn't settle it.
    decisions::require_valid_review(&mut casework.db.snapshot().await?, &row.case).await?;
    require_approved_content(casework, &row).await?;
    let decisions = decisions::decisions(casework, &row.case).await?;
    if decisions.last().is_none_or(|d| d.id() != row.decision) {
        return Err(CaseworkError::conflict(format!(
            "case {} was decided again since report {id} was made; make it from the newer decision",
            row.case
        )));
    }
    Ok(())
}

/// Id of the person who approved a report.
pub(crate) async fn approver(casework: &Casework, report: &str) -> Result<Option<String>> {
    let row = sqlx::query("SELECT person FROM approvals WHERE report = $1")
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
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
