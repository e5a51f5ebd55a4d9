//! Reports on record: each is made from a decision, approved by another person, and sent to a
//! destination.

use obhut_facts::{CaseStatus, IncidentKind};
use serde::Serialize;

use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::outbox::{self, JobKind};
use crate::{
    Casework, CaseworkError, Decision, Next, Result, Ruling, alarms, appeals, audit, cases,
    decisions, facts, ids, pending_decisions,
};

/// Destinations that take only reports about a suspect.
const ABOUT_A_SUSPECT: &[&str] = &["goaml"];

/// Destinations whose reports never contain children's data, even if requested: leads go to the
/// police of a country that an adult seems to be in.
const WITHOUT_CHILDREN: &[&str] = &["leads"];

/// Whether a report to this destination may contain children's data if a person requests it.
pub fn may_include_children(destination: &str) -> bool {
    !WITHOUT_CHILDREN.contains(&destination)
}

/// A report on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct ReportRow {
    /// Id.
    pub id: String,
    /// The case.
    pub case: String,
    /// Id of the decision it is based on.
    pub decision: String,
    /// The destination.
    pub destination: String,
    /// `draft`, `approved`, `superseded`, `withdrawn`, `retracting` or `retracted`.
    pub status: String,
    /// True if it includes what is known about the children concerned.
    pub with_victims: bool,
    /// When it was made, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub made_at: i64,
    /// What sort of incident it is about.
    pub incident: IncidentKind,
    /// Why it is retracted or withdrawn; empty if it isn't.
    pub retracted_because: String,
    /// Id of the filed report that this one supplements; empty for a first report.
    pub supplements: String,
}

const COLUMNS: &str = "id, case_id, decision, destination, status, with_victims, made_at, incident, retracted_because, supplements";

fn read(row: &sqlx::any::AnyRow) -> Result<ReportRow> {
    let mut c = Columns::of(row);
    let (id, case, decision, destination) = (c.text()?, c.text()?, c.text()?, c.text()?);
    Ok(ReportRow {
        status: c.text()?,
        // Checked here too, because a draft may be older than the rule.
        with_victims: c.int()? != 0 && may_include_children(&destination),
        id,
        case,
        decision,
        destination,
        made_at: c.int()?,
        incident: c.word(IncidentKind::from_word, "incident")?,
        retracted_because: c.text()?,
        supplements: c.text()?,
    })
}

/// A report on record.
pub async fn report_row(casework: &Casework, id: &str) -> Result<ReportRow> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM reports WHERE id = $1"));
    let row = sqlx::query(sql)
        .bind(id)
        .fetch_optional(casework.db.pool())
        .await?;
    read(&row.ok_or_else(|| missing(id))?)
}

/// The reports of a case, oldest first, within a transaction.
pub(crate) async fn of_case(tx: &mut Tx, case: &str) -> Result<Vec<ReportRow>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM reports WHERE case_id = $1 ORDER BY made_at, id"
    ));
    let rows = sqlx::query(sql).bind(case).fetch_all(&mut **tx).await?;
    rows.iter().map(read).collect()
}

/// At most `most` reports with a status, oldest first.
pub async fn reports_of_status(
    casework: &Casework,
    status: &str,
    most: usize,
) -> Result<Vec<ReportRow>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM reports WHERE status = $1 ORDER BY made_at, id LIMIT $2"
    ));
    let rows = sqlx::query(sql)
        .bind(status)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// The reports of a case, oldest first, or of all cases if `case` is `None`.
pub async fn report_rows(casework: &Casework, case: Option<&str>) -> Result<Vec<ReportRow>> {
    // Two statements: in one, `$1 IS NULL OR case_id = $1` could use no index.
    let of_case = if case.is_some() {
        "WHERE case_id = $1"
    } else {
        ""
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM reports {of_case} ORDER BY made_at, id"
    ));
    let mut query = sqlx::query(sql);
    if let Some(case) = case {
        query = query.bind(case);
    }
    let rows = query.fetch_all(casework.db.pool()).await?;
    rows.iter().map(read).collect()
}

/// Like [`file_report`], from the latest decision about a case. A conflict if it is undecided.
pub async fn file_latest(
    casework: &Casework,
    case: &str,
    destination: &str,
    with_victims: bool,
    actor: &str,
) -> Result<String> {
    // An unknown case is refused as unknown, not as undecided.
    cases::status(&mut casework.db.snapshot().await?, case).await?;
    let decisions = decisions::decisions(casework, case).await?;
    let latest = decisions.last().ok_or_else(|| {
        CaseworkError::conflict(format!(
            "case {case} is not decided yet, and no report is made without a person's decision"
        ))
        .then(Next::Decide {
            case: case.to_owned(),
        })
    })?;
    self::file_report(casework, latest, destination, with_victims, actor).await
}

/// Retracts a report and returns its new status. One that no worker has begun is `withdrawn`; any
/// other is `retracting` until its receiver acknowledges. If no report of the case is approved,
/// retracting or retracted, the case counts as decided again, so that the decision can be
/// corrected.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without a reason; a conflict unless it is a
/// draft or approved.
pub async fn retract_report(
    casework: &Casework,
    id: &str,
    reason: &str,
    person: &crate::Person,
) -> Result<String> {
    person.require(crate::Role::ReportingOfficer)?;
    if is_blank(reason) {
        return Err(CaseworkError::invalid(
            "reason",
            "give the reason for the retraction",
        ));
    }
    let mut tx = casework.db.begin().await?;
    let row = find_held(&mut tx, id).await?;
    if !matches!(row.status.as_str(), "draft" | "approved") {
        return Err(CaseworkError::conflict(format!(
            "report {id} is {} already",
            row.status
        )));
    }
    let status = take_back(&mut tx, casework.now(), &row, reason).await?;
    withdraw_supplements(&mut tx, casework.now(), id, reason).await?;
    // An alarm about the report's stopped filing is settled; a retraction raises its own alarm.
    alarms::end(&mut tx, casework.now(), "filing", id, &person.id).await?;
    if !any_has_left(&mut tx, &row.case).await? {
        cases::back_to_decided(&mut tx, casework.now(), &row.case).await?;
        appeals::back_to_decided(&mut tx, &row.case).await?;
    }
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "report.retract",
        id,
        reason,
    )
    .await?;
    tx.commit().await?;
    Ok(status.to_owned())
}

/// Puts a report for a destination on record, from a decision, and returns its id. It waits for
/// another person's approval before anything can be sent. It supersedes a draft from another
/// decision.
///
/// # Errors
/// A conflict if the decision is not to report, or if the case is open, closed or cleared. Also if
/// the case has an approved report to this destination or a draft from this decision, or if the
/// destination takes only reports about a suspect and the case has none.
// Long: one transaction.
pub async fn file_report(
    casework: &Casework,
    decision: &Decision,
    destination: &str,
    with_victims: bool,
    actor: &str,
) -> Result<String> {
    if decision.ruling() != Ruling::Report {
        return Err(CaseworkError::conflict(format!(
            "the latest decision about {} is not to report it, and only a decision to report makes a report",
            decision.case()
        ))
        .then(Next::Decide {
            case: decision.case().to_owned(),
        }));
    }
    let id = ids::new("report");
    let facts = facts::facts(casework, decision.case()).await?;
    if facts.reported.is_none() && ABOUT_A_SUSPECT.contains(&destination) {
        return Err(CaseworkError::conflict(
            "the case has no suspect, so it can't be reported there; a possible victim is helped, not reported",
        ));
    }
    let incident = facts.incident.unwrap_or(IncidentKind::Material);
    let mut tx = casework.db.begin().await?;
    pending_decisions::require_none(&mut tx, decision.case()).await?;
    // An appeal doesn't stop a report: the duty to report doesn't wait, and the report says that
    // there is an appeal.
    let reportable = [
        CaseStatus::Decided,
        CaseStatus::Reported,
        CaseStatus::Appealed,
    ];
    // Locked, so that if two people do this at the same time, the second finds the first one's.
    cases::hold(&mut tx, decision.case()).await?;
    cases::require_status(&mut tx, decision.case(), &reportable).await?;
    // The approved one before a draft that supplements it: "approved" sorts before "draft".
    let known = sqlx::query(
        "SELECT id, status, decision FROM reports WHERE case_id = $1 AND destination = $2 AND status IN ('draft', 'approved')
         ORDER BY status LIMIT 1",
    )
    .bind(decision.case())
    .bind(destination)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = known {
        let mut c = Columns::of(&row);
        let (known, status, rests_on) = (c.text()?, c.text()?, c.text()?);
        // A draft from another decision could never be approved, so it is superseded.
        if status == "draft" && rests_on != decision.id() {
            set_status(&mut tx, &known, "superseded").await?;
        } else {
            return Err(CaseworkError::conflict(format!(
                "report {known} of this case to {destination} is on record already ({status}); a case is reported once to each"
            ))
            .then(match status.as_str() {
                "approved" => Next::ApproveAgain {
                    report: known.clone(),
                },
                _ => Next::Approve {
                    report: known.clone(),
                },
            }));
        }
    }
    sqlx::query("INSERT INTO reports (id, case_id, decision, destination, status, made_at, with_victims, incident) VALUES ($1, $2, $3, $4, 'draft', $5, $6, $7)")
        .bind(&id)
        .bind(decision.case())
        .bind(decision.id())
        .bind(destination)
        .bind(casework.now())
        .bind(i64::from(with_victims && may_include_children(destination)))
        .bind(incident.word())
        .execute(&mut *tx)
        .await?;
    audit::write(
        &mut tx,
        casework.now(),
        actor,
        "report.file",
        &id,
        destination,
    )
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Inserts the draft of a report that supplements a filed one, from this decision; returns its id.
pub(crate) async fn insert_supplement(
    tx: &mut Tx,
    now: i64,
    filed: &ReportRow,
    decision: &Decision,
    with_victims: bool,
    incident: IncidentKind,
) -> Result<String> {
    let reportable = [
        CaseStatus::Decided,
        CaseStatus::Reported,
        CaseStatus::Appealed,
    ];
    // Locked, so that if two people do this at the same time, the second finds the first one's
    // draft.
    cases::hold(tx, &filed.case).await?;
    cases::require_status(tx, &filed.case, &reportable).await?;
    let now_is = find(tx, &filed.id).await?.status;
    if now_is != filed.status {
        return Err(CaseworkError::conflict(format!(
            "report {} became {now_is} meanwhile",
            filed.id
        )));
    }
    let draft = sqlx::query(
        "SELECT id FROM reports WHERE case_id = $1 AND destination = $2 AND status = 'draft'",
    )
    .bind(&filed.case)
    .bind(&filed.destination)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(row) = draft {
        return Err(CaseworkError::conflict(format!(
            "report {} of this case to {} is on record and not filed yet",
            Columns::of(&row).text()?,
            filed.destination
        )));
    }
    let id = ids::new("report");
    sqlx::query("INSERT INTO reports (id, case_id, decision, destination, status, made_at, with_victims, incident, supplements) VALUES ($1, $2, $3, $4, 'draft', $5, $6, $7, $8)")
        .bind(&id)
        .bind(&filed.case)
        .bind(decision.id())
        .bind(&filed.destination)
        .bind(now)
        .bind(i64::from(with_victims && may_include_children(&filed.destination)))
        .bind(incident.word())
        .bind(&filed.id)
        .execute(&mut **tx)
        .await?;
    Ok(id)
}

pub(crate) async fn find(tx: &mut Tx, id: &str) -> Result<ReportRow> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM reports WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut **tx).await?;
    read(&row.ok_or_else(|| missing(id))?)
}

/// Like [`find`], with the report's case locked until the transaction ends: any other change
/// to the case's reports waits, and then sees what was changed.
pub(crate) async fn find_held(tx: &mut Tx, id: &str) -> Result<ReportRow> {
    let row = find(tx, id).await?;
    cases::hold(tx, &row.case).await?;
    // Read again: it may have changed before the lock was free.
    find(tx, id).await
}

fn missing(id: &str) -> CaseworkError {
    CaseworkError::NotFound {
        what: "report",
        id: id.to_owned(),
    }
}

/// Withdraws a report that no worker has begun, and queues the retraction of any other. Returns its
/// new status, `withdrawn` or `retracting`.
pub(crate) async fn take_back(
    tx: &mut Tx,
    now: i64,
    row: &ReportRow,
    because: &str,
) -> Result<&'static str> {
    sqlx::query("UPDATE reports SET retracted_because = $1 WHERE id = $2")
        .bind(because)
        .bind(&row.id)
        .execute(&mut **tx)
        .await?;
    let status = match row.status.as_str() {
        "draft" => "withdrawn",
        // Approved, but no worker has begun it: nothing can have left.
        _ if outbox::withdraw(tx, now, JobKind::Report, &row.id).await? => "withdrawn",
        _ => {
            outbox::put(tx, now, JobKind::Retraction, &row.id).await?;
            "retracting"
        }
    };
    set_status(tx, &row.id, status).await?;
    Ok(status)
}

/// Withdraws those supplements to a report that can't have been sent yet, because they add to what
/// is being retracted. Any other supplement is a separate report, which a person has to retract.
async fn withdraw_supplements(tx: &mut Tx, now: i64, report: &str, because: &str) -> Result<()> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM reports WHERE supplements = $1 AND status IN ('draft', 'approved')"
    ));
    let rows = sqlx::query(sql).bind(report).fetch_all(&mut **tx).await?;
    for row in &rows {
        let row = read(row)?;
        if row.status == "approved" && !outbox::withdraw(tx, now, JobKind::Report, &row.id).await? {
            continue;
        }
        sqlx::query("UPDATE reports SET retracted_because = $1 WHERE id = $2")
            .bind(because)
            .bind(&row.id)
            .execute(&mut **tx)
            .await?;
        set_status(tx, &row.id, "withdrawn").await?;
    }
    Ok(())
}

pub(crate) async fn set_status(tx: &mut Tx, id: &str, status: &str) -> Result<()> {
    sqlx::query("UPDATE reports SET status = $1 WHERE id = $2")
        .bind(status)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// True if a case has reports and none of them is a draft or approved.
pub(crate) async fn all_taken_back(tx: &mut Tx, case: &str) -> Result<bool> {
    let row = sqlx::query(
        "SELECT COUNT(*), SUM(CASE WHEN status IN ('draft', 'approved') THEN 1 ELSE 0 END) FROM reports WHERE case_id = $1",
    )
    .bind(case)
    .fetch_one(&mut **tx)
    .await?;
    let mut c = Columns::of(&row);
    let all = c.int()?;
    // SUM over no rows is NULL; `all > 0` has excluded that.
    Ok(all > 0 && c.maybe_int()? == Some(0))
}

/// True if a receiver may have received a report of a case, or will receive an approved one.
async fn any_has_left(tx: &mut Tx, case: &str) -> Result<bool> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM reports WHERE case_id = $1 AND status NOT IN ('draft', 'superseded', 'withdrawn')",
    )
    .bind(case)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Columns::of(&row).int()? > 0)
}

/// The drafts and approved reports of a case, oldest first. An upheld appeal takes them back.
pub(crate) async fn released(tx: &mut Tx, case: &str) -> Result<Vec<ReportRow>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM reports WHERE case_id = $1 AND status IN ('draft', 'approved') ORDER BY made_at, id"
    ));
    let rows = sqlx::query(sql).bind(case).fetch_all(&mut **tx).await?;
    rows.iter().map(read).collect()
}
