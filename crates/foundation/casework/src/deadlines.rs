//! Deadlines: due time and reason, escalated before they are missed, ended by the event they wait for.
//!
//! An overdue deadline stays on record as overdue until it is ended.

use obhut_facts::words;
use serde::Serialize;

use crate::database::{Columns, Tx};
use crate::{
    Casework, CaseworkError, Person, Result, Role, alarms, audit, cases, ids, sealed, views,
};

/// A deadline is escalated in the last quarter of its time. Our judgement.
const ESCALATE_PART: i64 = 4;
/// Earliest escalation before the end, in microseconds: two days. Our judgement.
const ESCALATE_MICROS_MAX: i64 = 2 * 86_400 * 1_000_000;
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
        /// An appeal waits for its decision; the subject is the case.
        Appeal = "appeal",
    }
}

/// A deadline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Deadline {
    /// Id.
    pub id: String,
    /// What it runs for.
    pub kind: DeadlineKind,
    /// What about.
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

/// Starts a clock.
pub(crate) async fn start(
    tx: &mut Tx,
    casework: &Casework,
    kind: DeadlineKind,
    subject: &str,
    due_at: i64,
    basis: &str,
) -> Result<()> {
    sqlx::query("INSERT INTO deadlines (id, kind, subject, basis, started_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(ids::new("deadline"))
        .bind(kind.word())
        .bind(subject)
        .bind(basis)
        .bind(casework.now())
        .bind(due_at)
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

/// Ends what a cleared case waits for, and forgets what authorities asked that has ended; true where
/// an authority's request still runs, and binds us.
pub(crate) async fn clear(tx: &mut Tx, now: i64, case: &str) -> Result<bool> {
    end(tx, now, DeadlineKind::Report, case, "cleared").await?;
    sqlx::query(
        "UPDATE deadlines SET basis = 'cleared', reference_sealed = NULL, process = NULL
         WHERE subject = $1 AND kind = $2 AND ended_at IS NOT NULL",
    )
    .bind(case)
    .bind(DeadlineKind::AuthorityRequest.word())
    .execute(&mut **tx)
    .await?;
    let row = sqlx::query(
        "SELECT COUNT(*) FROM deadlines WHERE subject = $1 AND kind = $2 AND ended_at IS NULL",
    )
    .bind(case)
    .bind(DeadlineKind::AuthorityRequest.word())
    .fetch_one(&mut **tx)
    .await?;
    Ok(Columns::of(&row).int()? > 0)
}

/// The clocks: only those running unless all are wanted, soonest due first.
pub async fn deadlines(
    casework: &Casework,
    subject: Option<&str>,
    all: bool,
) -> Result<Vec<Deadline>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deadlines WHERE ($1 = '' OR subject = $1) AND ($2 = 1 OR ended_at IS NULL) ORDER BY due_at, id"
    ));
    let rows = sqlx::query(sql)
        .bind(subject.unwrap_or_default())
        .bind(i64::from(all))
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// Puts an authority's request on file, with its deadline and the exhibit of its legal process.
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
    if authority.trim().is_empty() {
        return Err(CaseworkError::invalid(
            "authority",
            "say which authority asks",
        ));
    }
    // Fails for an unknown exhibit before the request is on record.
    if let Some(process) = process {
        views::exhibit(casework, process).await?;
    }
    let id = ids::new("deadline");
    let mut tx = casework.db.begin().await?;
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

/// Ends a clock by hand, with the reason; a preservation's end is only ever moved on.
pub async fn end_deadline(
    casework: &Casework,
    id: &str,
    because: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    if because.trim().is_empty() {
        return Err(CaseworkError::invalid("because", "say why it ends"));
    }
    let mut tx = casework.db.begin().await?;
    let known = find(&mut tx, id).await?;
    if known.ended_at.is_some() {
        return Err(CaseworkError::conflict(format!(
            "deadline {id} has ended already"
        )));
    }
    // 18 USC 2258A(h) sets a minimum; after it a person may end it by hand.
    if known.kind == DeadlineKind::Preservation && casework.now() < known.due_at {
        return Err(CaseworkError::conflict(
            "what was filed is preserved until its date; it can be extended, not shortened",
        ));
    }
    sqlx::query(
        "UPDATE deadlines SET ended_at = $1, ended_because = $2 WHERE id = $3 AND ended_at IS NULL",
    )
    .bind(casework.now())
    .bind(because)
    .bind(id)
    .execute(&mut *tx)
    .await?;
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

/// Moves a clock on; never back.
pub async fn extend_deadline(
    casework: &Casework,
    id: &str,
    due_at: i64,
    because: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    let mut tx = casework.db.begin().await?;
    let known = find(&mut tx, id).await?;
    if because.trim().is_empty() {
        return Err(CaseworkError::invalid(
            "because",
            "a deadline is extended only with a reason",
        ));
    }
    if due_at <= known.due_at {
        return Err(CaseworkError::conflict(
            "a deadline can only be extended, with a reason",
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

/// Raises an alarm for each clock that is near its end and wasn't escalated yet; how many.
pub async fn escalate_deadlines(casework: &Casework) -> Result<usize> {
    let now = casework.now();
    let mut count = 0;
    for deadline in self::deadlines(casework, None, false).await? {
        // The end of a preservation period is not a missed duty.
        if deadline.kind == DeadlineKind::Preservation || deadline.escalated_at.is_some() {
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
        let marked = sqlx::query("UPDATE deadlines SET escalated_at = $1 WHERE id = $2 AND escalated_at IS NULL AND ended_at IS NULL")
            .bind(now)
            .bind(&deadline.id)
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

async fn find(tx: &mut Tx, id: &str) -> Result<Deadline> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM deadlines WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut **tx).await?;
    read(&row.ok_or_else(|| CaseworkError::NotFound {
        what: "deadline",
        id: id.to_owned(),
    })?)
}
