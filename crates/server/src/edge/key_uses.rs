//! Puts on record when a key was used last, once an hour, apart from the request: neither its answer
//! nor its time depends on it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use obhut_app::casework;

use crate::App;

/// A use is recorded this often for each key. Our judgement: who revokes a key asks for days.
const NOTE_EVERY: Duration = Duration::from_secs(3_600);

/// When each key's use was recorded last.
#[derive(Default)]
pub(crate) struct KeyUses(Mutex<HashMap<String, Instant>>);

impl KeyUses {
    /// A key was used.
    pub fn note(&self, app: &App, key: &str) {
        if !self.is_due(key, Instant::now()) {
            return;
        }
        let (casework, key) = (app.casework.clone(), key.to_owned());
        let noting = async move {
            if let Err(e) = casework::note_key_use(&casework, &key).await {
                tracing::warn!(key, cause = %e, "that a key was used couldn't be recorded");
            }
        };
        // Where the database's connections live.
        match &app.runtime {
            Some(runtime) => drop(runtime.spawn(noting)),
            None => drop(tokio::spawn(noting)),
        }
    }

    fn is_due(&self, key: &str, now: Instant) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.get(key);
        let is_due = last.is_none_or(|at| now.saturating_duration_since(*at) >= NOTE_EVERY);
        // Only keys on record get here, so the map stays as small as their number.
        if is_due {
            noted.insert(key.to_owned(), now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_due_once_an_hour_for_each_key() {
        let uses = KeyUses::default();
        let start = Instant::now();
        for (key, after, expected) in [
            ("a", 0, true),
            ("a", 3_599, false),
            ("b", 3_599, true),
            ("a", 3_600, true),
            ("a", 3_601, false),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(uses.is_due(key, now), expected, "{key} {after}");
        }
    }
}
