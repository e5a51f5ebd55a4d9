//! How long recording took lately.
//!
//! An upload that matched is sealed and recorded before its answer, and under load that takes longer
//! than the time every file is given. So a file of which nothing is recorded waits as long as one of
//! those recorded last took, drawn at random: the times of both then have one distribution, whatever
//! the load is, and neither says which of the two an upload was.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Recordings remembered. Our judgement: the fewer, the closer to the load of the moment; the more,
/// the less a single one weighs.
const REMEMBERED_MAX: usize = 32;
/// How long one is remembered. Our judgement: a burst that is over must not delay others for long.
const AGE_MAX: Duration = Duration::from_secs(60);
/// The longest time drawn. Our judgement: a database that hangs must not hold up every upload; one
/// that matched can then be recognised by its time.
const DRAWN_MAX: Duration = Duration::from_secs(2);

/// The recordings of the last minute.
#[derive(Default)]
pub(crate) struct Recordings {
    last: Mutex<VecDeque<(Instant, Duration)>>,
}

impl Recordings {
    /// Remembers how long a recording took.
    pub fn keep(&self, took: Duration, now: Instant) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == REMEMBERED_MAX {
            last.pop_front();
        }
        last.push_back((now, took));
    }

    /// How long one of the last recordings took, at most [`DRAWN_MAX`]; zero if there was none within
    /// [`AGE_MAX`].
    pub fn draw(&self, now: Instant) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        while last
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > AGE_MAX)
        {
            last.pop_front();
        }
        // Modulo is uneven by 1 in 2^59 for so few.
        let random = getrandom::u64().unwrap_or(0);
        let drawn = (!last.is_empty()).then(|| last[random as usize % last.len()].1);
        drawn.unwrap_or_default().min(DRAWN_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_lately_is_drawn_from() {
        let recordings = Recordings::default();
        let start = Instant::now();
        assert_eq!(
            recordings.draw(start),
            Duration::ZERO,
            "nothing was recorded"
        );
        for ms in 1..=40 {
            recordings.keep(Duration::from_millis(ms), start);
        }
        let drawn: Vec<_> = (0..2_000).map(|_| recordings.draw(start)).collect();
        // The first eight are forgotten.
        let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert_eq!(
            (*least, *most),
            (Duration::from_millis(9), Duration::from_millis(40))
        );

        recordings.keep(Duration::from_secs(30), start);
        let most = (0..2_000).map(|_| recordings.draw(start)).max().unwrap();
        assert_eq!(most, DRAWN_MAX);

        let later = start + AGE_MAX + Duration::from_millis(1);
        assert_eq!(recordings.draw(later), Duration::ZERO, "all are old");
    }
}
