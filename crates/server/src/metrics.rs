//! Counters in the Prometheus text format. No label names a list, an account or a digest.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use obhut_app::media::Verdict;

/// Why a key wasn't accepted.
#[derive(Clone, Copy)]
pub(crate) enum Denial {
    NoKey,
    Unknown,
    Lapsed,
    NoRight,
    NoRole,
    OtherSite,
}

impl Denial {
    const ALL: [(Self, &str); 6] = [
        (Self::NoKey, "no-key"),
        (Self::Unknown, "unknown"),
        (Self::Lapsed, "revoked-or-expired"),
        (Self::NoRight, "no-right"),
        (Self::NoRole, "no-role"),
        (Self::OtherSite, "other-site"),
    ];
}

/// At most one line in the log for each reason in this time. Our judgement: someone who tries keys
/// must not fill the disk; the counters have every attempt.
const LOGGED_EVERY_MICROS: u64 = 1_000_000;

/// Counters since the start of the process.
#[derive(Default)]
pub(crate) struct Metrics {
    verdicts: [AtomicU64; Verdict::ALL.len()],
    refused: AtomicU64,
    denied: [AtomicU64; Denial::ALL.len()],
    /// When each was last logged, in microseconds since `started`, plus one; 0 for never.
    denied_logged: [AtomicU64; Denial::ALL.len()],
    started: OnceLock<Instant>,
    bytes: AtomicU64,
    micros: AtomicU64,
}

impl Metrics {
    pub fn screened(&self, verdict: Verdict, bytes: u64, micros: u64) {
        let place = Verdict::ALL
            .iter()
            .position(|v| *v == verdict)
            .expect("one of all");
        // Relaxed: nothing else is ordered by these counters, and a scrape need not be exact.
        self.verdicts[place].fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a key that wasn't accepted. Returns true if it should be logged.
    pub fn denied(&self, why: Denial) -> bool {
        let place = why as usize;
        self.denied[place].fetch_add(1, Ordering::Relaxed);
        let started = self.started.get_or_init(Instant::now);
        let now = started.elapsed().as_micros() as u64 + 1;
        let last = self.denied_logged[place].load(Ordering::Relaxed);
        let is_due = last == 0 || now.saturating_sub(last) >= LOGGED_EVERY_MICROS;
        is_due
            && self.denied_logged[place]
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    pub fn text(&self, jobs_waiting: i64, places_taken: usize) -> String {
        let get = |v: &AtomicU64| v.load(Ordering::Relaxed);
        let mut out = String::from(
            "# HELP obhut_screened_total Uploads screened, by verdict.\n# TYPE obhut_screened_total counter\n",
        );
        for (verdict, count) in Verdict::ALL.iter().zip(&self.verdicts) {
            let _ = writeln!(
                out,
                "obhut_screened_total{{verdict=\"{verdict}\"}} {}",
                get(count)
            );
        }
        out.push_str(
            "# HELP obhut_denied_total Requests whose key wasn't accepted, by reason.\n# TYPE obhut_denied_total counter\n",
        );
        for ((_, reason), count) in Denial::ALL.iter().zip(&self.denied) {
            let _ = writeln!(
                out,
                "obhut_denied_total{{reason=\"{reason}\"}} {}",
                get(count)
            );
        }
        for (name, kind, help, value) in [
            (
                "obhut_screened_bytes_total",
                "counter",
                "Bytes of uploads screened.",
                get(&self.bytes) as f64,
            ),
            (
                "obhut_screening_seconds_total",
                "counter",
                "Time spent screening.",
                // Prometheus counts time in seconds.
                get(&self.micros) as f64 / 1e6,
            ),
            (
                "obhut_refused_total",
                "counter",
                "Requests refused because all slots were taken.",
                get(&self.refused) as f64,
            ),
            (
                "obhut_places_taken",
                "gauge",
                "Places for decoding that are taken.",
                places_taken as f64,
            ),
            (
                "obhut_outbox_waiting",
                "gauge",
                "Jobs of the outbox not yet done.",
                jobs_waiting as f64,
            ),
        ] {
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
        out
    }
}
