//! Deadlines: due time and reason, escalated before they are missed, ended by the event they wait
//! for.
//!
//! An overdue deadline stays on record as overdue until it is ended.

use obhut_facts::{CaseStatus, words};
use serde::Serialize;

use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::retention_rules::Keeping;
use crate::{
    Casework, CaseworkError, Person, Result, Role, alarms, audit, cases, ids, running_time, sealed,
    views,
};

/// A deadline is escalated in the last quarter of its time. Our judgement.
const ESCALATE_PART: i64 = 4;
/// Earliest escalation before the end, in microseconds: two days. Our judgement.
const ESCALATE_MICROS_MAX: i64 = 2 * 86_400 * 1_000_000;
/// The provider's own target from knowledge to filing: "as soon as reasonably possible"
/// (18 USC 2258A(a)), in microseconds.
const REPORT_DUE_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// How long what was filed is preserved: 18 USC 2258A(h) since PL 118-59, in microseconds.
pub(crate) const PRESERVE_MICROS: i64 = 365 * 86_400 * 1_000_000;

words! {
    /// What a deadline is for.
    DeadlineKind {
        /// A report is due; the subject is the case.
        Report = "report",
        /// What was filed is preserved until then; the subject is the case.
        Preservation = "preservation",
        /// An authority has asked for something; the subject is the case.
        AuthorityRequest = "authority-request",
        /// A child is in danger now; the subject is the waiting case, or an unopened report in the
        /// queue.
        ChildInDanger = "child-in-danger",
        /// An appeal waits for its decision; the subject is the case.
        Appeal = "appeal",
        /// The platform was asked for more about a case; the subject is the case.
        Information = "information",
    }
}

/// A deadline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Deadline {
    /// Id.
    pub id: String,
    /// What it is for.
    pub kind: DeadlineKind,
    /// Id of the case or report it is about, as [`DeadlineKind`] says.
    pub subject: String,
    /// The rule it follows, or the authority that set it.
    pub basis: String,
    /// When it started, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub started_at: i64,
    /// When it is due, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub due_at: i64,
    /// When its escalation was raised.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub escalated_at: Option<i64>,
    /// When it ended.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub ended_at: Option<i64>,
    /// Why it ended.
    pub ended_because: Option<String>,
    /// The exhibit that holds the legal process.
    pub process: Option<String>,
}

const COLUMNS: &str =
    "id, kind, subject, basis, started_at, due_at, escalated_at, ended_at, ended_because, process";

fn read(row: &sqlx::any::AnyRow) -> Result<Deadline> {
    let mut c = Columns::of(row);
    Ok(Deadline {
        id: c.text()?,
        kind: c.word(DeadlineKind::from_word, "kind of deadline")?,
        subject: c.text()?,
        basis: c.text()?,
        started_at: c.int()?,
        due_at: c.int()?,
        escalated_at: c.maybe_int()?,
        ended_at: c.maybe_int()?,
        ended_because: c.maybe_text()?,
        process: c.maybe_text()?,
    })
}

/// Starts a clock and returns its id.
pub(crate) async fn start(
    tx: &mut Tx,
    casework: &Casework,
    kind: DeadlineKind,
    subject: &str,
    due_at: i64,
    basis: &str,
) -> Result<String> {
    let id = ids::new("deadline");
    sqlx::query("INSERT INTO deadlines (id, kind, subject, basis, started_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(kind.word())
        .bind(subject)
        .bind(basis)
        .bind(casework.now())
        .bind(due_at)
        .execute(&mut **tx)
        .await?;
    if kind == DeadlineKind::Preservation {
        running_time::note(tx, casework, &id).await?;
    }
    Ok(id)
}

/// Lets the running deadline of one subject run for another as it ran for the first: a case opened
/// from a report has waited as long as the report. Does nothing if either doesn't run, or if the
/// other is due earlier.
pub(crate) async fn carry(tx: &mut Tx, kind: DeadlineKind, from: &str, to: &str) -> Result<()> {
    let row = sqlx::query(
        "SELECT started_at, due_at FROM deadlines WHERE kind = $1 AND subject = $2 AND ended_at IS NULL ORDER BY due_at LIMIT 1",
    )
    .bind(kind.word())
    .bind(from)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let mut c = Columns::of(&row);
    let (started, due) = (c.int()?, c.int()?);
    sqlx::query(
        "UPDATE deadlines SET started_at = $1, due_at = $2 WHERE kind = $3 AND subject = $4 AND ended_at IS NULL AND due_at > $2",
    )
    .bind(started)
    .bind(due)
    .bind(kind.word())
    .bind(to)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// When a report is due, in microseconds since 1970. The time runs from `known_at` (RFC 3339), when
/// the provider learnt of the case according to the facts, or else from `opened`. `Facts::faults`
/// names a time that can't be read.
pub(crate) fn report_due(known_at: Option<&str>, opened: i64) -> i64 {
    let known = known_at.and_then(|t| t.parse::<jiff::Timestamp>().ok());
    known.map_or(opened, |t| t.as_microsecond()) + REPORT_DUE_MICROS
}

/// Moves a case's reporting deadline when it turns out that the provider learnt of it at another
/// time. One that a person has extended, or that follows another duty, stays.
pub(crate) async fn move_report(
    tx: &mut Tx,
    case: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<()> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deadlines WHERE kind = $1 AND subject = $2 AND ended_at IS NULL"
    ));
    let rows = sqlx::query(sql)
        .bind(DeadlineKind::Report.word())
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let known = read(row)?;
        let due_at = report_due(after, known.started_at);
        if known.due_at != report_due(before, known.started_at) || known.due_at == due_at {
            continue;
        }
        // `escalated_at` is cleared: the new date gets an alarm too.
        // Only if it hasn't been extended meanwhile.
        sqlx::query(
            "UPDATE deadlines SET due_at = $1, escalated_at = NULL WHERE id = $2 AND due_at = $3",
        )
        .bind(due_at)
        .bind(&known.id)
        .bind(known.due_at)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// What deadlines say of keeping the exhibits of a case: preservations, and requests of
/// authorities that wait for their answer.
pub(crate) async fn keeping(tx: &mut Tx, case: &str) -> Result<Vec<Keeping>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deadlines WHERE subject = $1 AND kind IN ($2, $3) ORDER BY due_at, id"
    ));
    let rows = sqlx::query(sql)
        .bind(case)
        .bind(DeadlineKind::Preservation.word())
        .bind(DeadlineKind::AuthorityRequest.word())
        .fetch_all(&mut **tx)
        .await?;
    let mut keepings = Vec::with_capacity(rows.len());
    for row in &rows {
        let deadline = read(row)?;
        let preservation = deadline.kind == DeadlineKind::Preservation;
        if !preservation && deadline.ended_at.is_some() {
            continue;
        }
        keepings.push(Keeping {
            because: match preservation {
                true => deadline.basis,
                false => format!("an authority waits for an answer ({})", deadline.id),
            },
            from: deadline.started_at,
            until: preservation.then_some(deadline.due_at),
            binds: true,
            began: deadline.id,
        });
    }
    Ok(keepings)
}

/// Ends one running clock.
pub(crate) async fn end_one(tx: &mut Tx, now: i64, id: &str, because: &str) -> Result<()> {
    sqlx::query(
        "UPDATE deadlines SET ended_at = $1, ended_because = $2 WHERE id = $3 AND ended_at IS NULL",
    )
    .bind(now)
    .bind(because)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends the running clocks of a kind about a subject.
pub(crate) async fn end(
    tx: &mut Tx,
    now: i64,
    kind: DeadlineKind,
    subject: &str,
    because: &str,
) -> Result<()> {
    sqlx::query("UPDATE deadlines SET ended_at = $1, ended_because = $2 WHERE kind = $3 AND subject = $4 AND ended_at IS NULL")
        .bind(now)
        .bind(because)
        .bind(kind.word())
        .bind(subject)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Restarts the clocks of a kind about a subject that ended for this reason, with their old due
/// time.
pub(crate) async fn resume(
    tx: &mut Tx,
    kind: DeadlineKind,
    subject: &str,
    because: &str,
) -> Result<()> {
    sqlx::query("UPDATE deadlines SET ended_at = NULL, ended_because = NULL WHERE kind = $1 AND subject = $2 AND ended_because = $3")
        .bind(kind.word())
        .bind(subject)
        .bind(because)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The running clocks of a kind that are due.
pub(crate) async fn due(casework: &Casework, kind: DeadlineKind) -> Result<Vec<Deadline>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deadlines WHERE kind = $1 AND ended_at IS NULL AND due_at <= $2 ORDER BY due_at, id"
    ));
    let rows = sqlx::query(sql)
        .bind(kind.word())
        .bind(casework.now())
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// Whether a clock of this kind runs about a subject, or one has ended for this reason.
pub(crate) async fn runs_or_ended(
    tx: &mut Tx,
    kind: DeadlineKind,
    subject: &str,
    because: &str,
) -> Result<bool> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM deadlines WHERE subject = $1 AND kind = $2 AND (ended_at IS NULL OR ended_because = $3)",
    )
    .bind(subject)
    .bind(kind.word())
    .bind(because)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Columns::of(&row).int()? > 0)
}

/// Marks a clock as escalated, and due again at `due_at`. False if the clock has ended since it was
/// read, or if another worker has marked it.
pub(crate) async fn alarm_again(
    tx: &mut Tx,
    read: &Deadline,
    now: i64,
    due_at: i64,
) -> Result<bool> {
    let marked = sqlx::query(
        "UPDATE deadlines SET due_at = $1, escalated_at = $2 WHERE id = $3 AND due_at = $4 AND ended_at IS NULL",
    )
    .bind(due_at)
    .bind(now)
    .bind(&read.id)
    .bind(read.due_at)
    .execute(&mut **tx)
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Ends the report, child-in-danger and information clocks of a cleared case, and deletes who asked
/// for what in authority requests that have ended. True if a request still runs: it binds the
/// provider.
pub(crate) async fn clear(tx: &mut Tx, now: i64, case: &str) -> Result<bool> {
    end(tx, now, DeadlineKind::Report, case, "cleared").await?;
    end(tx, now, DeadlineKind::ChildInDanger, case, "cleared").await?;
    end(tx, now, DeadlineKind::Information, case, "cleared").await?;
    forget_ended_requests(tx, case).await?;
    let row = sqlx::query(
        "SELECT COUNT(*) FROM deadlines WHERE subject = $1 AND kind = $2 AND ended_at IS NULL",
    )
    .bind(case)
    .bind(DeadlineKind::AuthorityRequest.word())
    .fetch_one(&mut **tx)
    .await?;
    Ok(Columns::of(&row).int()? > 0)
}

/// Blanks authority, reference and legal process of the requests about a cleared case that have
/// ended.
async fn forget_ended_requests(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query(
        "UPDATE deadlines SET basis = 'cleared', reference_sealed = NULL, process = NULL
         WHERE subject = $1 AND kind = $2 AND ended_at IS NOT NULL",
    )
    .bind(case)
    .bind(DeadlineKind::AuthorityRequest.word())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Deadlines about `subject`, or about everything, soonest due first. With `all`, also those that
/// have ended.
pub async fn deadlines(
    casework: &Casework,
    subject: Option<&str>,
    all: bool,
) -> Result<Vec<Deadline>> {
    due_first(casework, subject, all, usize::MAX).await
}

/// Running deadlines, the soonest first, at most `most`.
pub async fn deadlines_due(casework: &Casework, most: usize) -> Result<Vec<Deadline>> {
    due_first(casework, None, false, most).await
}

async fn due_first(
    casework: &Casework,
    subject: Option<&str>,
    all: bool,
    most: usize,
) -> Result<Vec<Deadline>> {
    // Four statements: in one, `$2 IS NULL OR subject = $2` could use no index.
    let which = match (subject, all) {
        (Some(_), true) => "WHERE subject = $2",
        (Some(_), false) => "WHERE subject = $2 AND ended_at IS NULL",
        (None, true) => "",
        (None, false) => "WHERE ended_at IS NULL",
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deadlines {which} ORDER BY due_at, id LIMIT $1"
    ));
    let mut query = sqlx::query(sql).bind(i64::try_from(most).unwrap_or(i64::MAX));
    if let Some(subject) = subject {
        query = query.bind(subject);
    }
    let rows = query.fetch_all(casework.db.pool()).await?;
    rows.iter().map(read).collect()
}

/// Puts an authority's request on file, with its deadline `due_at`, microseconds since 1970, and
/// the exhibit of its legal process. Returns the deadline's id.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without an authority and for another case's
/// exhibit; not found for an unknown case or exhibit; a conflict for a cleared case.
pub async fn add_authority_request(
    casework: &Casework,
    case: &str,
    authority: &str,
    reference: &str,
    due_at: i64,
    process: Option<&str>,
    person: &Person,
) -> Result<String> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(authority) {
        return Err(CaseworkError::invalid(
            "authority",
            "say which authority asks",
        ));
    }
    // Fails for an unknown exhibit before the request is on record.
    if let Some(process) = process {
        let exhibit = views::exhibit(casework, process).await?;
        let elsewhere = exhibit.intake.case.is_some_and(|of| of != case);
        let own = async || {
            let own = views::exhibits_of_case(casework, case).await?;
            Ok::<_, CaseworkError>(own.iter().any(|e| e.id == process))
        };
        if elsewhere && !own().await? {
            return Err(CaseworkError::invalid(
                "process",
                "this exhibit belongs to another case; add the legal process to this one",
            ));
        }
    }
    let id = ids::new("deadline");
    let mut tx = casework.db.begin().await?;
    cases::hold(&mut tx, case).await?;
    cases::require_not_cleared(&mut tx, case).await?;
    sqlx::query(
        "INSERT INTO deadlines (id, kind, subject, basis, started_at, due_at, reference_sealed, process) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&id)
    .bind(DeadlineKind::AuthorityRequest.word())
    .bind(case)
    .bind(authority)
    .bind(casework.now())
    .bind(due_at)
    .bind(sealed::seal_text(casework, reference))
    .bind(process)
    .execute(&mut *tx)
    .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "deadline.request",
        case,
        authority,
    )
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Ends a deadline by hand, with the reason.
///
/// # Errors
/// Denied without the role reporting-officer; not found if it is unknown; invalid without a reason;
/// a conflict if it has ended, for a preservation before its date, and for the clock of a child in
/// danger.
pub async fn end_deadline(
    casework: &Casework,
    id: &str,
    because: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(because) {
        return Err(CaseworkError::invalid("because", "say why it ends"));
    }
    let mut tx = casework.db.begin().await?;
    let known = find_held(&mut tx, id).await?;
    if known.ended_at.is_some() {
        return Err(CaseworkError::conflict(format!(
            "deadline {id} has ended already"
        )));
    }
    require_movable(&known)?;
    // 18 USC 2258A(h) sets a minimum; after it a person may end it by hand.
    if known.kind == DeadlineKind::Preservation && casework.now() < known.due_at {
        return Err(CaseworkError::conflict(
            "what was filed is preserved until its date; it can be extended, not shortened",
        ));
    }
    end_one(&mut tx, casework.now(), id, because).await?;
    if known.kind == DeadlineKind::AuthorityRequest
        && cases::status(&mut tx, &known.subject).await? == CaseStatus::Cleared
    {
        // The request was kept only because it bound us until now.
        forget_ended_requests(&mut tx, &known.subject).await?;
    }
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "deadline.end",
        id,
        because,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Extends a deadline to `due_at`, microseconds since 1970.
///
/// # Errors
/// Denied without the role reporting-officer; not found if it is unknown; invalid without a reason;
/// a conflict if it has ended, if `due_at` isn't later than before, and for the clock of a child in
/// danger.
pub async fn extend_deadline(
    casework: &Casework,
    id: &str,
    due_at: i64,
    because: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    let mut tx = casework.db.begin().await?;
    let known = find_held(&mut tx, id).await?;
    if is_blank(because) {
        return Err(CaseworkError::invalid(
            "because",
            "a deadline is extended only with a reason",
        ));
    }
    if known.ended_at.is_some() {
        return Err(CaseworkError::conflict(format!(
            "deadline {id} has ended already"
        )));
    }
    require_movable(&known)?;
    if due_at <= known.due_at {
        return Err(CaseworkError::conflict(
            "the new date isn't later than the present one; a deadline can only be extended",
        ));
    }
    // `escalated_at` is cleared: the new date gets an alarm too.
    sqlx::query("UPDATE deadlines SET due_at = $1, escalated_at = NULL WHERE id = $2")
        .bind(due_at)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "deadline.extend",
        id,
        because,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Raises an alarm for each deadline that is near its end and wasn't escalated yet, except
/// preservations and children in danger. Returns the number raised.
pub async fn escalate_deadlines(casework: &Casework) -> Result<usize> {
    let now = casework.now();
    let mut count = 0;
    for deadline in near_their_end(casework, now).await? {
        // The end of a preservation period is not a missed duty; `danger` raises the alarms for a
        // child in danger.
        let own = [DeadlineKind::Preservation, DeadlineKind::ChildInDanger];
        if own.contains(&deadline.kind) || deadline.escalated_at.is_some() {
            continue;
        }
        // Negative if a case opens overdue, because `known_at` is long past: then escalate now.
        let whole = deadline.due_at - deadline.started_at;
        let ahead = (whole / ESCALATE_PART).clamp(0, ESCALATE_MICROS_MAX);
        if now < deadline.due_at - ahead {
            continue;
        }
        let mut tx = casework.db.begin().await?;
        // Two workers may see the same deadline; only one raises the alarm.
        let marked = sqlx::query("UPDATE deadlines SET escalated_at = $1 WHERE id = $2 AND escalated_at IS NULL AND ended_at IS NULL AND due_at = $3")
            .bind(now)
            .bind(&deadline.id)
            .bind(deadline.due_at)
            .execute(&mut *tx)
            .await?;
        if marked.rows_affected() == 1 {
            let late = if now > deadline.due_at {
                "was due"
            } else {
                "is due"
            };
            let text = format!(
                "{} of {} {late} {}",
                deadline.kind,
                deadline.subject,
                crate::rfc3339(deadline.due_at)
            );
            alarms::raise(&mut tx, now, "deadline", &deadline.id, &text).await?;
            count += 1;
        }
        tx.commit().await?;
    }
    Ok(count)
}

/// Deadlines that may have to be escalated, the soonest first. Selected in SQL, because the worker
/// asks every few seconds and must not read every running deadline.
async fn near_their_end(casework: &Casework, now: i64) -> Result<Vec<Deadline>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deadlines WHERE ended_at IS NULL AND escalated_at IS NULL
         AND kind NOT IN ('preservation', 'child-in-danger')
         AND (due_at <= $1 OR due_at - (due_at - started_at) / {ESCALATE_PART} <= $1) ORDER BY due_at, id"
    ));
    let rows = sqlx::query(sql)
        .bind(now)
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// # Errors
/// A conflict for the alarm about a child in danger: only what is done about the case ends it.
fn require_movable(deadline: &Deadline) -> Result<()> {
    if deadline.kind != DeadlineKind::ChildInDanger {
        return Ok(());
    }
    Err(CaseworkError::conflict(
        "this deadline is about a child in danger; it ends when a report is approved, the case is decided not to be reported, the facts are put right, or the person is cleared",
    ))
}

/// Like [`find`], with the subject's case locked until the transaction ends, so that two people who
/// move a deadline see each other's date.
async fn find_held(tx: &mut Tx, id: &str) -> Result<Deadline> {
    let known = find(tx, id).await?;
    cases::hold(tx, &known.subject).await?;
    find(tx, id).await
}

/// A clock by its id.
pub(crate) async fn find(tx: &mut Tx, id: &str) -> Result<Deadline> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM deadlines WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut **tx).await?;
    read(&row.ok_or_else(|| CaseworkError::NotFound {
        what: "deadline",
        id: id.to_owned(),
    })?)
}

#[cfg(test)]
mod tests {
    //! When a clock raises its alarm, and who may move or end it.

    use super::*;
    use crate::bench;

    const CASE: &str = "case-1";
    const HOUR: i64 = 3_600_000_000;

    /// Kind and hours of a clock, microseconds since its start; number of alarms.
    #[tokio::test]
    async fn an_alarm_comes_in_the_last_quarter_and_once() {
        for (kind, hours, at, expected) in [
            (DeadlineKind::Report, 24, 18 * HOUR - 1, 0),
            (DeadlineKind::Report, 24, 18 * HOUR, 1),
            (DeadlineKind::Report, 24, 30 * HOUR, 1),
            (DeadlineKind::Appeal, 7 * 24, 126 * HOUR - 1, 0),
            (DeadlineKind::Appeal, 7 * 24, 126 * HOUR, 1),
            // Two days ahead at most.
            (
                DeadlineKind::AuthorityRequest,
                30 * 24,
                28 * 24 * HOUR - 1,
                0,
            ),
            (DeadlineKind::AuthorityRequest, 30 * 24, 28 * 24 * HOUR, 1),
            // Overdue from the start: escalated immediately.
            (DeadlineKind::Report, -1, 0, 1),
            (DeadlineKind::Preservation, 24, 48 * HOUR, 0),
        ] {
            let (_folder, c, clock) = bench::opened_at(0).await;
            let mut tx = c.db.begin().await.unwrap();
            start(&mut tx, &c, kind, CASE, hours * HOUR, "basis")
                .await
                .unwrap();
            tx.commit().await.unwrap();
            clock.set(at);
            let raised = escalate_deadlines(&c).await.unwrap();
            assert_eq!(raised, expected, "{kind} of {hours} hours at {at}");
            assert_eq!(escalate_deadlines(&c).await.unwrap(), 0, "once");
            let alarms = crate::alarms(&c).await.unwrap();
            assert_eq!(alarms.len(), expected);
            let late = if at > hours * HOUR {
                "was due"
            } else {
                "is due"
            };
            assert!(alarms.iter().all(|a| a.text.contains(late)), "{alarms:?}");
        }
    }

    #[tokio::test]
    async fn a_clock_is_moved_on_and_never_back() {
        let (_folder, c, clock) = bench::opened_at(0).await;
        let officer = crate::add_person(&c, "Olga", &[Role::ReportingOfficer], "test")
            .await
            .unwrap();
        let reviewer = crate::add_person(&c, "Rita", &[Role::Reviewer], "test")
            .await
            .unwrap();
        let mut tx = c.db.begin().await.unwrap();
        bench::case(&mut tx, &c, CASE).await;
        tx.commit().await.unwrap();
        let id =
            add_authority_request(&c, CASE, "an authority", "1 Js 2", 8 * HOUR, None, &officer)
                .await
                .unwrap();
        for (due, because, person, refused) in [
            (9 * HOUR, "by telephone", &reviewer, true),
            (9 * HOUR, " ", &officer, true),
            (8 * HOUR, "by telephone", &officer, true),
            (8 * HOUR + 1, "by telephone", &officer, false),
        ] {
            let moved = extend_deadline(&c, &id, due, because, person).await;
            assert_eq!(moved.is_err(), refused, "{due} {because:?} {}", person.name);
        }
        // The new date raises another alarm.
        clock.set(7 * HOUR);
        assert_eq!(escalate_deadlines(&c).await.unwrap(), 1);
        extend_deadline(&c, &id, 20 * HOUR, "again", &officer)
            .await
            .unwrap();
        assert_eq!(escalate_deadlines(&c).await.unwrap(), 0);
        clock.set(19 * HOUR);
        assert_eq!(escalate_deadlines(&c).await.unwrap(), 1);

        assert!(end_deadline(&c, &id, "", &officer).await.is_err());
        end_deadline(&c, &id, "answered", &officer).await.unwrap();
        let again = end_deadline(&c, &id, "answered", &officer).await;
        assert!(again.unwrap_err().to_string().contains("ended already"));
        assert!(deadlines(&c, Some(CASE), false).await.unwrap().is_empty());
        let all = deadlines(&c, Some(CASE), true).await.unwrap();
        assert_eq!(all[0].ended_because.as_deref(), Some("answered"));
    }

    /// The law's year is a minimum and can't be ended early.
    #[tokio::test]
    async fn a_preservation_ends_by_hand_only_after_its_date() {
        let (_folder, c, clock) = bench::opened_at(0).await;
        let officer = crate::add_person(&c, "Olga", &[Role::ReportingOfficer], "test")
            .await
            .unwrap();
        let mut tx = c.db.begin().await.unwrap();
        start(&mut tx, &c, DeadlineKind::Preservation, CASE, HOUR, "basis")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let id = deadlines(&c, None, false).await.unwrap().remove(0).id;
        for (now, refused) in [(HOUR - 1, true), (HOUR, false)] {
            clock.set(now);
            let ended = end_deadline(&c, &id, "the year is over", &officer).await;
            assert_eq!(ended.is_err(), refused, "at {now}");
        }
    }

    /// Clearing a case ends its own clock; a request that still runs stays and is reported.
    #[tokio::test]
    async fn a_cleared_case_keeps_only_a_request_that_still_runs() {
        for (answered, still_binds) in [(true, false), (false, true)] {
            let (_folder, c, _) = bench::opened_at(0).await;
            let officer = crate::add_person(&c, "Olga", &[Role::ReportingOfficer], "test")
                .await
                .unwrap();
            let mut tx = c.db.begin().await.unwrap();
            bench::case(&mut tx, &c, CASE).await;
            start(&mut tx, &c, DeadlineKind::Report, CASE, HOUR, "basis")
                .await
                .unwrap();
            tx.commit().await.unwrap();
            let id =
                add_authority_request(&c, CASE, "an authority", "1 Js 2", HOUR, None, &officer)
                    .await
                    .unwrap();
            if answered {
                end_deadline(&c, &id, "answered", &officer).await.unwrap();
            }
            let mut tx = c.db.begin().await.unwrap();
            assert_eq!(clear(&mut tx, 1, CASE).await.unwrap(), still_binds);
            tx.commit().await.unwrap();
            let running = deadlines(&c, Some(CASE), false).await.unwrap();
            assert_eq!(running.len(), usize::from(still_binds));
            let all = deadlines(&c, Some(CASE), true).await.unwrap();
            let request = all.iter().find(|d| d.id == id).unwrap();
            let expected = if answered { "cleared" } else { "an authority" };
            assert_eq!(request.basis, expected, "what has ended names no authority");
        }
    }
}
