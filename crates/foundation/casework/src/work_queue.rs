//! Open cases in the order in which people should look at them, and who is working on which.
//!
//! The rank is the at-risk score of the facts, kept with the case and computed when they are
//! written: computing it for every open case when a person opens the queue would take minutes with
//! a hundred thousand. A case is in the queue from its opening until it is decided. Neither rank nor
//! claim decides anything, so the vault's log doesn't cover them.

use obhut_facts::{Reason, rule_says};

use crate::database::{Columns, Tx};
use crate::{Casework, Person, Result, pending_decisions};

/// How long a person keeps a case that they have opened to decide, in microseconds: 15 minutes. Our
/// judgement: longer than one takes to decide, short enough that an abandoned case isn't lost.
const CLAIM_MICROS: i64 = 15 * 60 * 1_000_000;
/// Rules kept with a case, the most pressing first. Our judgement: what a person reads at a glance.
const REASONS_MAX: usize = 5;

/// From this score on, the facts say that a child may be in danger now. Source: the band of the most
/// pressing level in the at-risk rules.
pub const URGENT_SCORE: u32 = 70;

/// An open case in the queue.
#[derive(Clone)]
pub struct Queued {
    /// Its id.
    pub case: String,
    /// The at-risk score of its facts, 0 to 100.
    pub at_risk: u32,
    /// What gave it, in English and German, the most pressing first, at most five.
    pub reasons: Vec<(&'static str, &'static str)>,
    /// When it was opened, microseconds since 1970.
    pub opened_at: i64,
    /// Id of the person who is working on it.
    pub claimed_by: Option<String>,
}

impl Queued {
    /// Where a page of the queue that ends with this case continues.
    pub fn place(&self) -> QueuePlace {
        QueuePlace {
            at_risk: self.at_risk,
            opened_at: self.opened_at,
            case: self.case.clone(),
        }
    }
}

/// A place in the queue: what follows it has a lower score, or the same and was opened later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuePlace {
    /// Score of the last case.
    pub at_risk: u32,
    /// When it was opened, microseconds since 1970.
    pub opened_at: i64,
    /// Its id.
    pub case: String,
}

impl QueuePlace {
    /// Before the first case.
    pub fn start() -> Self {
        Self {
            // No case is here: the score ends at 100.
            at_risk: 101,
            opened_at: i64::MIN,
            case: String::new(),
        }
    }
}

/// Cases in the order of the queue: at most `most` of those that follow `after`. The most pressing
/// first; among equals the one that has waited longest.
pub async fn queue(casework: &Casework, after: &QueuePlace, most: usize) -> Result<Vec<Queued>> {
    let rows = sqlx::query(
        "SELECT case_id, at_risk, reasons, opened_at, claimed_by, claimed_until FROM work_queue
         WHERE at_risk < $1 OR (at_risk = $1 AND (opened_at > $2 OR (opened_at = $2 AND case_id > $3)))
         ORDER BY at_risk DESC, opened_at, case_id LIMIT $4",
    )
    .bind(i64::from(after.at_risk))
    .bind(after.opened_at)
    .bind(&after.case)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(casework.db.pool())
    .await?;
    let now = casework.now();
    rows.iter().map(|row| read(row, now)).collect()
}

/// How many open cases have waited for how long: for each of the ages in microseconds, which rise,
/// those that are younger than it and not younger than the one before; at last the older ones.
pub async fn queue_ages(casework: &Casework, ages: &[i64]) -> Result<Vec<i64>> {
    let now = casework.now();
    let mut counts = Vec::new();
    let mut younger = 0;
    for age in ages {
        let row = sqlx::query("SELECT COUNT(*) FROM work_queue WHERE opened_at > $1")
            .bind(now.saturating_sub(*age))
            .fetch_one(casework.db.pool())
            .await?;
        let within = Columns::of(&row).int()?;
        counts.push(within - younger);
        younger = within;
    }
    let row = sqlx::query("SELECT COUNT(*) FROM work_queue")
        .fetch_one(casework.db.pool())
        .await?;
    counts.push(Columns::of(&row).int()? - younger);
    Ok(counts)
}

/// Where a case is in the queue; `None` if it isn't open.
pub async fn queued(casework: &Casework, case: &str) -> Result<Option<Queued>> {
    let row = sqlx::query(
        "SELECT case_id, at_risk, reasons, opened_at, claimed_by, claimed_until FROM work_queue
         WHERE case_id = $1",
    )
    .bind(case)
    .fetch_optional(casework.db.pool())
    .await?;
    row.map(|row| read(&row, casework.now())).transpose()
}

fn read(row: &sqlx::any::AnyRow, now: i64) -> Result<Queued> {
    let mut c = Columns::of(row);
    let (case, at_risk, reasons) = (c.text()?, c.int()?, c.text()?);
    let (opened_at, claimed_by, until) = (c.int()?, c.maybe_text()?, c.int()?);
    Ok(Queued {
        case,
        at_risk: u32::try_from(at_risk).unwrap_or(0),
        reasons: reasons.split(' ').filter_map(rule_says).collect(),
        opened_at,
        claimed_by: claimed_by.filter(|_| until > now),
    })
}

/// Gives a person the first case after `after` that no one else is working on, for fifteen minutes.
/// `None` if there is none.
pub async fn claim_next(
    casework: &Casework,
    person: &Person,
    after: &QueuePlace,
) -> Result<Option<String>> {
    let mut after = after.clone();
    // Decided, and about to take effect.
    let pending = pending_decisions::cases(casework).await?;
    loop {
        let page = queue(casework, &after, 100).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        for queued in page.iter().filter(|q| !pending.contains(&q.case)) {
            // Another person may take it meanwhile; then the next one is tried.
            if claim_case(casework, &queued.case, person).await?.is_none() {
                return Ok(Some(queued.case.clone()));
            }
        }
        after = last.place();
    }
}

/// Claims a case for a person for fifteen minutes. Returns the id of the person who has claimed it
/// already, if it is another one; nothing for a case that isn't in the queue.
pub async fn claim_case(
    casework: &Casework,
    case: &str,
    person: &Person,
) -> Result<Option<String>> {
    let now = casework.now();
    // One statement: of two people only one gets it.
    let claimed = sqlx::query(
        "UPDATE work_queue SET claimed_by = $1, claimed_until = $2
         WHERE case_id = $3 AND (claimed_by = $1 OR claimed_by IS NULL OR claimed_until <= $4)",
    )
    .bind(&person.id)
    .bind(now + CLAIM_MICROS)
    .bind(case)
    .bind(now)
    .execute(casework.db.pool())
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(None);
    }
    let queued = queued(casework, case).await?;
    Ok(queued
        .and_then(|q| q.claimed_by)
        .filter(|by| *by != person.id))
}

/// Gives up a person's claim; does nothing if they have none.
pub async fn release_case(casework: &Casework, case: &str, person: &Person) -> Result<()> {
    sqlx::query(
        "UPDATE work_queue SET claimed_by = NULL, claimed_until = 0
         WHERE case_id = $1 AND claimed_by = $2",
    )
    .bind(case)
    .bind(&person.id)
    .execute(casework.db.pool())
    .await?;
    Ok(())
}

/// How many cases wait for a rank, because a version without a queue opened them.
pub(crate) async fn unranked(casework: &Casework) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM work_queue WHERE stale <> 0")
        .fetch_one(casework.db.pool())
        .await?;
    Columns::of(&row).int()
}

/// At most `most` of these cases.
pub(crate) async fn some_unranked(tx: &mut Tx, most: i64) -> Result<Vec<String>> {
    let rows =
        sqlx::query("SELECT case_id FROM work_queue WHERE stale <> 0 ORDER BY case_id LIMIT $1")
            .bind(most)
            .fetch_all(&mut **tx)
            .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// Puts a new case into the queue.
pub(crate) async fn insert(tx: &mut Tx, case: &str, opened_at: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO work_queue (case_id, at_risk, reasons, opened_at, stale, claimed_until)
         VALUES ($1, 0, '', $2, 0, 0)",
    )
    .bind(case)
    .bind(opened_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Sets the rank of a case; does nothing if it isn't in the queue.
pub(crate) async fn rank(tx: &mut Tx, case: &str, score: u32, reasons: &[Reason]) -> Result<()> {
    let rules: Vec<_> = reasons.iter().take(REASONS_MAX).map(|r| r.rule).collect();
    sqlx::query("UPDATE work_queue SET at_risk = $1, reasons = $2, stale = 0 WHERE case_id = $3")
        .bind(i64::from(score))
        .bind(rules.join(" "))
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes a case that was decided out of the queue.
pub(crate) async fn remove(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("DELETE FROM work_queue WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
