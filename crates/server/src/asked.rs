//! Who asked about many things in one request: digests looked up, cases listed. One row of the audit trail
//! for each key, act and minute, because a row for each request would cost more than the look-up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use obhut_app::casework::{self, ApiKey};

use crate::App;
use crate::fault::Fault;

/// One row in this time. Our judgement: an auditor sees within a minute that lists are probed.
const ROW_EVERY: Duration = Duration::from_secs(60);

/// Looking up digests.
pub(crate) const LOOK_UP: &str = "digests.look-up";
/// Listing cases.
pub(crate) const LIST_CASES: &str = "case.list";
/// Listing incoming reports.
pub(crate) const LIST_INCOMING: &str = "intake.list";

/// What was asked since the last row, by key and act.
#[derive(Default)]
pub(crate) struct Asked(Mutex<HashMap<(String, &'static str), Tally>>);

struct Tally {
    count: u64,
    row_at: Instant,
}

/// What to do with a count.
#[derive(PartialEq, Eq, Debug)]
enum Due {
    /// Write this sum.
    Now(u64),
    /// Write after this time what has come until then.
    In(Duration),
    /// Another one writes it.
    ByAnother,
}

impl Asked {
    /// Counts.
    fn add(&self, key: &str, act: &'static str, count: u64, now: Instant) -> Due {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tally) = tallies.get_mut(&(key.to_owned(), act)) else {
            let tally = Tally {
                count: 0,
                row_at: now,
            };
            tallies.insert((key.to_owned(), act), tally);
            return Due::Now(count);
        };
        let is_first = tally.count == 0;
        tally.count += count;
        let age = now.saturating_duration_since(tally.row_at);
        match is_first {
            true if age >= ROW_EVERY => {
                tally.row_at = now;
                Due::Now(std::mem::take(&mut tally.count))
            }
            true => Due::In(ROW_EVERY - age),
            false => Due::ByAnother,
        }
    }

    /// What has come since the last row.
    fn taken(&self, key: &str, act: &'static str, now: Instant) -> u64 {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.get_mut(&(key.to_owned(), act));
        tally.map_or(0, |tally| {
            tally.row_at = now;
            std::mem::take(&mut tally.count)
        })
    }
}

/// Puts on record that a key asked about `count` things: the first time immediately, later within a
/// minute. Up to a minute's worth is lost if the server ends.
///
/// # Errors
/// The row can't be written: then nothing is answered.
pub(crate) async fn note(
    app: &App,
    key: &ApiKey,
    act: &'static str,
    count: usize,
) -> Result<(), Fault> {
    match app.asked.add(&key.id, act, count as u64, Instant::now()) {
        Due::Now(sum) => write(app, key, act, sum).await?,
        Due::In(wait) => {
            let (app, key) = (app.clone(), key.clone());
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let sum = app.asked.taken(&key.id, act, Instant::now());
                if let Err(fault) = write(&app, &key, act, sum).await {
                    let (status, message) = fault.into_parts();
                    tracing::error!(%status, "who asked could not be put on record: {message}");
                }
            });
        }
        Due::ByAnother => {}
    }
    Ok(())
}

async fn write(app: &App, key: &ApiKey, act: &str, sum: u64) -> Result<(), Fault> {
    let actor = key.person.as_deref().unwrap_or(&key.id);
    casework::note(&app.casework, actor, act, &key.id, &sum.to_string()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_due_at_once_and_the_rest_within_a_minute() {
        let asked = Asked::default();
        let start = Instant::now();
        let half = ROW_EVERY / 2;
        assert_eq!(asked.add("k", LOOK_UP, 3, start), Due::Now(3));
        assert_eq!(asked.add("k", LOOK_UP, 4, start + half), Due::In(half));
        assert_eq!(asked.add("k", LOOK_UP, 5, start + half), Due::ByAnother);
        assert_eq!(asked.add("k", LIST_CASES, 1, start), Due::Now(1));
        assert_eq!(asked.add("l", LOOK_UP, 1, start), Due::Now(1));
        assert_eq!(asked.taken("k", LOOK_UP, start + ROW_EVERY), 9);
        let later = start + 3 * ROW_EVERY;
        assert_eq!(asked.add("k", LOOK_UP, 2, later), Due::Now(2));
    }
}
