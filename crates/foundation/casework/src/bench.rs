//! A data folder with one case, for unit tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use obhut_vault::Clock;
use tempfile::TempDir;

use crate::cases::{self, Opening};
use crate::database::Tx;
use crate::{Casework, DataFolder, SystemClock};

/// A clock that is stopped until it is set, in microseconds since 1970.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A new data folder, opened; it is deleted when the first value is dropped.
pub(crate) async fn opened() -> (TempDir, Casework) {
    opened_with(Arc::new(SystemClock)).await
}

/// The same, on a clock that the test sets; it begins at `micros`.
pub(crate) async fn opened_at(micros: i64) -> (TempDir, Casework, Arc<SetClock>) {
    let clock = Arc::new(SetClock(AtomicI64::new(micros)));
    let (folder, casework) = opened_with(clock.clone()).await;
    (folder, casework, clock)
}

async fn opened_with(clock: Arc<dyn Clock>) -> (TempDir, Casework) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let casework = crate::open(DataFolder::new(folder.path()), None, clock)
        .await
        .expect("a new data folder opens");
    (folder, casework)
}

/// An open case without an account, alone in its group.
pub(crate) async fn case(tx: &mut Tx, casework: &Casework, id: &str) {
    let opening = Opening {
        id,
        group: id,
        account: None,
        embargo: None,
    };
    cases::open(tx, casework, &opening, "test")
        .await
        .expect("a new case opens");
}
