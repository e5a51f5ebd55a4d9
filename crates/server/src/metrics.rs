//! Counters in the Prometheus text format. No label names a list, an account or a digest.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use obhut_app::media::Verdict;

/// Counters since the start of the process.
#[derive(Default)]
pub(crate) struct Metrics {
    verdicts: [AtomicU64; Verdict::ALL.len()],
    refused: AtomicU64,
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

    pub fn text(&self, jobs_waiting: i64) -> String {
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
