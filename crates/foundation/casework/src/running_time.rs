//! How long obhut has been observed to run, so that no clock that jumps destroys anything.
//!
//! Processes count by a clock that only runs forward, one at a time, and write down the sum
//! with the time of day. What is counted never exceeds the time that has really passed: a period has
//! passed for certain once as much was counted.

use crate::by_day::DAY_MICROS;
use crate::database::{Columns, Tx};
use crate::{Casework, Result, alarms, changes};

/// How far the clock may differ from what was counted before people are alarmed, in microseconds:
/// an hour. Our judgement: more than any correction by network time, less than a day.
const DRIFT_MICROS_MAX: i64 = 3_600 * 1_000_000;

/// Writes down that this process has run for `elapsed` more microseconds since it wrote last. Only
/// one process may count at a time. `drifted` is by how much the time of day has moved further (or,
/// negative, less far) meanwhile.
///
/// # Errors
/// The database failed.
pub async fn count_running(casework: &Casework, elapsed: i64, drifted: i64) -> Result<()> {
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    let seq = changes::numbers(&mut tx, "running_time", 1).await?;
    let running = total(&mut tx).await? + elapsed.max(0);
    sqlx::query("INSERT INTO running_time (seq, wall, running) VALUES ($1, $2, $3)")
        .bind(seq)
        .bind(now)
        .bind(running)
        .execute(&mut *tx)
        .await?;
    if drifted.abs() > DRIFT_MICROS_MAX {
        let (hours, way) = (
            drifted.abs() / DRIFT_MICROS_MAX,
            if drifted > 0 { "ahead" } else { "back" },
        );
        let text = format!(
            "while obhut ran, the clock went {hours} h {way}; set it right. Nothing is destroyed on its word alone"
        );
        alarms::raise(&mut tx, now, "clock", "clock", &text).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What was counted until the row that `which` selects; `None` without one.
async fn counted(tx: &mut Tx, which: &'static str, value: i64) -> Result<Option<i64>> {
    let sql = format!("SELECT running FROM running_time {which} LIMIT 1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(value)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Columns::of(&row).int()).transpose()
}

/// How long obhut has been observed to run in all, in microseconds.
pub(crate) async fn total(tx: &mut Tx) -> Result<i64> {
    let latest = "WHERE running >= $1 ORDER BY running DESC, seq DESC";
    Ok(counted(tx, latest, 0).await?.unwrap_or(0))
}

/// Writes down how long obhut had run when something began that keeps exhibits. Called in the
/// transaction in which it began.
pub(crate) async fn note(tx: &mut Tx, casework: &Casework, subject: &str) -> Result<()> {
    let (now, running) = (casework.now(), total(tx).await?);
    sqlx::query(
        "INSERT INTO started (subject, wall, running) VALUES ($1, $2, $3)
         ON CONFLICT (subject) DO UPDATE SET wall = $2, running = $3",
    )
    .bind(subject)
    .bind(now)
    .bind(running)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Deletes what was written down about a subject.
pub(crate) async fn forget(tx: &mut Tx, subject: &str) -> Result<()> {
    sqlx::query("DELETE FROM started WHERE subject = $1")
        .bind(subject)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How long at least obhut has been observed to run since something began: `subject` if it was
/// noted, at the time of day `wall`, microseconds since 1970. Of what wasn't noted only the time of
/// day is known; then it may be too little where the clock was put back, because what was written
/// down under an earlier time of day counts as earlier.
pub(crate) async fn since(tx: &mut Tx, subject: &str, wall: i64) -> Result<i64> {
    let before = match noted(tx, subject, wall).await? {
        Some(running) => running,
        None => {
            let before = "WHERE wall <= $1 ORDER BY running DESC, seq DESC";
            counted(tx, before, wall).await?.unwrap_or(0)
        }
    };
    // Part of what the next entry adds may have passed before that time.
    let next = "WHERE running > $1 ORDER BY running, seq";
    let from = counted(tx, next, before).await?.unwrap_or(before);
    Ok(total(tx).await? - from)
}

/// What was noted about a subject that began at this time of day.
async fn noted(tx: &mut Tx, subject: &str, began: i64) -> Result<Option<i64>> {
    // One that was noted before it began again, as when a case is decided twice, isn't the same.
    let row = sqlx::query("SELECT running FROM started WHERE subject = $1 AND wall >= $2")
        .bind(subject)
        .bind(began)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Columns::of(&row).int()).transpose()
}

/// The sentence for time that the clock says has passed and obhut wasn't observed to run.
pub(crate) fn unsure(ran: i64, needed: i64) -> String {
    format!(
        "the clock says the period has ended, but obhut has been observed running for only {} of {} days; two people can vouch for the date",
        ran / DAY_MICROS,
        (needed + DAY_MICROS - 1) / DAY_MICROS
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    const HOUR: i64 = 3_600 * 1_000_000;

    /// What is counted since a time is never more than what has passed since then.
    #[tokio::test]
    async fn a_clock_that_jumps_adds_no_running_time() {
        let (_folder, c, clock) = bench::opened_at(1_000 * HOUR).await;
        let at = async |wall: i64| {
            since(&mut c.db.snapshot().await.unwrap(), "x", wall * HOUR)
                .await
                .unwrap()
                / HOUR
        };
        assert_eq!(at(0).await, 0, "nothing was observed");
        // Each hour by the true clock, which runs from 1,000; then the clock's own time.
        for (wall, drifted) in [
            (1_001, 0),
            (1_002, 0),
            // A year ahead, and back again.
            (9_763, 8_760),
            (9_764, 0),
            (1_005, -8_760),
            (1_006, 0),
        ] {
            clock.set(wall * HOUR);
            count_running(&c, HOUR, drifted * HOUR).await.unwrap();
        }
        for (wall, passed) in [(999, 5), (1_001, 4), (1_002, 3), (1_005, 0), (9_763, 0)] {
            assert_eq!(at(wall).await, passed, "since {wall}");
        }
        let mut tx = c.db.begin().await.unwrap();
        note(&mut tx, &c, "noted").await.unwrap();
        tx.commit().await.unwrap();
        // The clock is put back over all of that: what was noted still counts.
        clock.set(0);
        count_running(&c, HOUR, 0).await.unwrap();
        count_running(&c, HOUR, 0).await.unwrap();
        let mut tx = c.db.snapshot().await.unwrap();
        let of = async |tx: &mut Tx, subject, wall: i64| {
            since(tx, subject, wall * HOUR).await.unwrap() / HOUR
        };
        assert_eq!(of(&mut tx, "noted", 1_006).await, 1);
        assert_eq!(of(&mut tx, "x", 1_006).await, 0);
        assert_eq!(of(&mut tx, "noted", 1_007).await, 0, "another beginning");
        drop(tx);
        let alarms = crate::alarms(&c).await.unwrap();
        assert!(
            alarms
                .iter()
                .any(|a| a.kind == "clock" && a.text.contains("8760 h back"))
        );
    }
}
