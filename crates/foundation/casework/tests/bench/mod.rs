//! A fresh data folder, a clock that the test moves, people and cases.

#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use obhut_casework as casework;
use obhut_casework::*;

/// 2026-09-21T14:13:20Z.
pub const START: i64 = 1_790_000_000_000_000;
pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;

pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub struct Bench {
    pub c: Casework,
    clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

pub async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock(AtomicI64::new(START)));
    let c = casework::open(DataFolder::new(folder.path()), None, clock.clone())
        .await
        .unwrap();
    Bench {
        c,
        clock,
        _folder: folder,
    }
}

impl Bench {
    pub fn pass(&self, micros: i64) {
        self.clock.0.fetch_add(micros, Ordering::SeqCst);
    }

    pub async fn person(&self, name: &str, roles: &[Role]) -> Person {
        casework::add_person(&self.c, name, roles, "test")
            .await
            .unwrap()
    }

    /// A case with these facts and no file.
    pub async fn case(&self, facts: &str) -> String {
        let file = CaseFile::from_json(format!("{{\"facts\": {facts}}}").as_bytes()).unwrap();
        casework::new_case(&self.c, &file, Vec::new(), "test")
            .await
            .unwrap()
            .case
    }

    pub async fn decide(&self, case: &str, by: &Person, ruling: Ruling) -> Decision {
        casework::decide(&self.c, case, by, &request(ruling))
            .await
            .unwrap()
    }

    pub async fn status(&self, case: &str) -> CaseStatus {
        casework::case(&self.c, case).await.unwrap().case.status
    }
}

pub fn request(ruling: Ruling) -> DecisionRequest {
    DecisionRequest {
        ruling,
        grounds: "g".into(),
        category: None,
    }
}

/// The message of the refusal. Panics if the call succeeded.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(e) => e.to_string(),
        Ok(done) => panic!("expected a refusal, got {done:?}"),
    }
}
