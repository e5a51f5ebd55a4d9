//! A data folder with one case, for unit tests.

use std::sync::Arc;

use tempfile::TempDir;

use crate::cases::{self, Opening};
use crate::database::Tx;
use crate::{Casework, DataFolder, SystemClock};

/// A new data folder, opened; it is deleted when the first value is dropped.
pub(crate) async fn opened() -> (TempDir, Casework) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let casework = crate::open(DataFolder::new(folder.path()), None, Arc::new(SystemClock))
        .await
        .expect("a new data folder opens");
    (folder, casework)
}

/// An open case of no account, in a group of its own.
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
