//! Counters: the generation counter, which grows with each change of lists, disputes or keys, and
//! the sequences that number rows.
//!
//! Several processes may use one database. Each compares the generation counter with the value it
//! last saw, and reads nothing else while they are equal.

use sqlx::Row as _;

use super::{Columns, Tx};
use crate::Result;

/// Increments the generation counter. Call it in the transaction that makes the change.
pub async fn note(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE changes SET number = number + 1 WHERE what = 'matching'")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The generation counter as this transaction sees it.
pub async fn number(tx: &mut Tx) -> Result<i64> {
    let row = sqlx::query("SELECT number FROM changes WHERE what = 'matching'")
        .fetch_one(&mut **tx)
        .await?;
    Columns::of(&row).int()
}

/// Reserves `count` consecutive numbers of the sequence `what` and returns the first.
///
/// # Errors
/// No migration created the sequence.
pub async fn numbers(tx: &mut Tx, what: &str, count: i64) -> Result<i64> {
    Ok(next_numbers(tx, what, count).await?)
}

/// Like [`numbers`], with the driver's error; used at commit.
pub async fn next_numbers(tx: &mut Tx, what: &str, count: i64) -> sqlx::Result<i64> {
    let row =
        sqlx::query("UPDATE changes SET number = number + $1 WHERE what = $2 RETURNING number")
            .bind(count)
            .bind(what)
            .fetch_one(&mut **tx)
            .await?;
    // The row holds the next free number. It stays locked until the commit, so none is used twice.
    Ok(row.try_get::<i64, _>(0)? - count)
}
