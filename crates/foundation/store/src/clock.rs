//! The system's time.

use obhut_vault::Clock;

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond()
    }
}

pub use obhut_facts::{maybe_time, rfc3339, time};
