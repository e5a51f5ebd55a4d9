//! Who asked about many things at once: digests looked up, cases listed. One row of the audit trail
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

/// What was asked since the last row, by key and act.
#[derive(Default)]
pub(crate) struct Asked(Mutex<HashMap<(String, &'static str), Tally>>);

struct Tally {
    count: u64,
    row_at: Instant,
}

impl Asked {
    /// Counts; returns the sum since the last row if a row is due.
    fn add(&self, key: &str, act: &'static str, count: u64, now: Instant) -> Option<u64> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry((key.to_owned(), act));
        let mut is_first = false;
        let tally = tally.or_insert_with(|| {
            is_first = true;
            Tally {
                count: 0,
                row_at: now,
            }
        });
        tally.count += count;
        let is_due = is_first || now.saturating_duration_since(tally.row_at) >= ROW_EVERY;
        is_due.then(|| {
            tally.row_at = now;
            std::mem::take(&mut tally.count)
        })
    }
}

/// Puts on record that a key asked about `count` things. Up to a minute's worth is lost if the server
/// ends.
///
/// # Errors
/// The row can't be written: then nothing is answered.
pub(crate) async fn note(
    app: &App,
    key: &ApiKey,
    act: &'static str,
    count: usize,
) -> Result<(), Fault> {
    if let Some(sum) = app.asked.add(&key.id, act, count as u64, Instant::now()) {
        let actor = key.person.as_deref().unwrap_or(&key.id);
        casework::note(&app.casework, actor, act, &key.id, &sum.to_string()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_due_at_once_and_the_next_after_a_minute() {
        let asked = Asked::default();
        let start = Instant::now();
        assert_eq!(asked.add("k", LOOK_UP, 3, start), Some(3));
        assert_eq!(asked.add("k", LOOK_UP, 4, start), None);
        assert_eq!(asked.add("k", LIST_CASES, 1, start), Some(1));
        assert_eq!(asked.add("l", LOOK_UP, 1, start), Some(1));
        assert_eq!(asked.add("k", LOOK_UP, 5, start + ROW_EVERY), Some(9));
    }
}
