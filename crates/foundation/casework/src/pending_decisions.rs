//! Decisions made on a page that have not taken effect yet, and those that could not ([`crate::undo`]).

use std::collections::BTreeSet;

use obhut_facts::words;

use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Result};

words! {
    /// How far a decision made on a page has come. One that took effect has no row any more.
    PendingState {
        /// It takes effect when its time has come.
        Waiting = "waiting",
        /// It is taking effect.
        Applying = "applying",
        /// It could not take effect.
        Refused = "refused",
    }
}

/// A decision that has not taken effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingDecision {
    /// Id, `pending-` and hexadecimal.
    pub id: String,
    /// The case.
    pub case: String,
    /// Id of the person who made it.
    pub person: String,
    /// When it takes effect, microseconds since 1970.
    pub due_at: i64,
    /// How far it has come.
    pub state: PendingState,
    /// Why it could not take effect; empty otherwise.
    pub why: String,
    /// The decision itself, sealed.
    pub(crate) sealed: String,
}

// A state that this version doesn't know is left alone, and keeps no other from taking effect.
const COLUMNS: &str = "id, case_id, person, due_at, state, why, sealed";

fn read(row: &sqlx::any::AnyRow) -> Result<PendingDecision> {
    let mut c = Columns::of(row);
    Ok(PendingDecision {
        id: c.text()?,
        case: c.text()?,
        person: c.text()?,
        due_at: c.int()?,
        state: c.word(PendingState::from_word, "state of a pending decision")?,
        why: c.text()?,
        sealed: c.text()?,
    })
}

/// What a person decided on pages that has not taken effect, the oldest first.
pub async fn pending_decisions(casework: &Casework, person: &str) -> Result<Vec<PendingDecision>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pending_decisions WHERE person = $1 AND state IN ('waiting', 'applying', 'refused') ORDER BY due_at, id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(person)
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// The decision about a case that will take effect, by any person.
pub(crate) async fn of_case(tx: &mut Tx, case: &str) -> Result<Option<PendingDecision>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pending_decisions WHERE case_id = $1 AND state IN ('waiting', 'applying')"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(case)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(read).transpose()
}

/// # Errors
/// A conflict while a decision about the case is about to take effect: it may be another one than
/// what is reported.
pub(crate) async fn require_none(tx: &mut Tx, case: &str) -> Result<()> {
    match of_case(tx, case).await? {
        None => Ok(()),
        Some(_) => Err(CaseworkError::conflict(format!(
            "a decision about case {case} was made and is about to take effect; wait half a minute, then look at the case again"
        ))),
    }
}

/// The decision about a case that will take effect, by any person.
pub async fn pending_decision(casework: &Casework, case: &str) -> Result<Option<PendingDecision>> {
    of_case(&mut casework.db.snapshot().await?, case).await
}

/// At most `most` whose time has come, the oldest first.
pub(crate) async fn due(casework: &Casework, most: i64) -> Result<Vec<PendingDecision>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM pending_decisions WHERE due_at <= $1 AND state IN ('waiting', 'applying') ORDER BY due_at, id LIMIT $2"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(casework.now())
        .bind(most)
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// The cases about which a decision will take effect.
pub(crate) async fn cases(casework: &Casework) -> Result<BTreeSet<String>> {
    let rows = sqlx::query("SELECT case_id FROM pending_decisions WHERE state <> $1")
        .bind(PendingState::Refused.word())
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// Puts a new one on record; false if another decision about the case is.
pub(crate) async fn insert(tx: &mut Tx, new: &PendingDecision) -> Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO pending_decisions (id, case_id, person, sealed, due_at, state, why)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&new.id)
    .bind(&new.case)
    .bind(&new.person)
    .bind(&new.sealed)
    .bind(new.due_at)
    .bind(new.state.word())
    .bind(&new.why)
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Moves one on, if it is still as it was read; true if it was.
pub(crate) async fn step(
    tx: &mut Tx,
    known: &PendingDecision,
    to: PendingState,
    due_at: i64,
    why: &str,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE pending_decisions SET state = $1, due_at = $2, why = $3
         WHERE id = $4 AND state = $5 AND due_at = $6",
    )
    .bind(to.word())
    .bind(due_at)
    .bind(why)
    .bind(&known.id)
    .bind(known.state.word())
    .bind(known.due_at)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes one; true if it was there in one of these states.
pub(crate) async fn delete(tx: &mut Tx, id: &str, states: &[PendingState]) -> Result<bool> {
    let mut deleted = false;
    for state in states {
        let done = sqlx::query("DELETE FROM pending_decisions WHERE id = $1 AND state = $2")
            .bind(id)
            .bind(state.word())
            .execute(&mut **tx)
            .await?;
        deleted |= done.rows_affected() == 1;
    }
    Ok(deleted)
}
