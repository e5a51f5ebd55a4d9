//! Counts by day in UTC, for statistics.

use crate::database::Columns;
use crate::{Casework, Result};

/// Microseconds of a day.
pub(crate) const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// How many of a kind there were on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayCount {
    /// The day, in days since 1970-01-01 (UTC).
    pub day: i64,
    /// Which kind: a word of what is counted; empty where there is only one.
    pub what: String,
    /// How many, at least 1.
    pub count: i64,
}

/// The day that a time in microseconds since 1970 is on, in days since 1970-01-01 (UTC).
pub fn day_of(micros: i64) -> i64 {
    micros.div_euclid(DAY_MICROS)
}

/// What a query counts from the beginning of a day on. Its `$1` is that time, and its rows are a day
/// (a time divided by `$2`), a word and a count.
pub(crate) async fn counted(
    casework: &Casework,
    sql: &'static str,
    from_day: i64,
) -> Result<Vec<DayCount>> {
    let rows = sqlx::query(sql)
        // Days are given by callers: one far in the past must not overflow.
        .bind(from_day.saturating_mul(DAY_MICROS))
        .bind(DAY_MICROS)
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(DayCount {
                day: c.int()?,
                what: c.text()?,
                count: c.int()?,
            })
        })
        .collect()
}
