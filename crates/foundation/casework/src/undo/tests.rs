//! Rows that something else put there or changed.

use std::sync::Arc;

use super::*;
use crate::bench::{self, SetClock};
use crate::{Right, Role};

const START: i64 = 1_780_000_000_000_000;
const CASE: &str = "case-1";

struct World {
    c: Casework,
    clock: Arc<SetClock>,
    rita: Person,
    key: ApiKey,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let (folder, c, clock) = bench::opened_at(START).await;
    let rita = crate::add_person(&c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let rights = [Right::Cases, Right::Decide];
    let (key, _) = crate::create_key(&c, "r", &rights, Some(&rita), "test")
        .await
        .unwrap();
    let mut tx = c.db.begin().await.unwrap();
    for case in [CASE, "case-2"] {
        bench::case(&mut tx, &c, case).await;
    }
    tx.commit().await.unwrap();
    World {
        c,
        clock,
        rita,
        key,
        _folder: folder,
    }
}

impl World {
    async fn decide(&self, case: &str) -> PendingDecision {
        let request = DecisionRequest {
            ruling: Ruling::Report,
            grounds: "seen".into(),
            category: None,
        };
        let by = (&self.rita, &self.key);
        let seen = AsSeen::default();
        let made = PageDecision::new(case, by, &request, BTreeMap::new(), seen, false);
        decide_later(&self.c, &made, &self.rita).await.unwrap()
    }

    async fn put(&self, row: &PendingDecision) {
        let mut tx = self.c.db.begin().await.unwrap();
        assert!(rows::insert(&mut tx, row).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn change(&self, sql: &'static str) {
        let mut tx = self.c.db.begin().await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// How many decisions took effect half a minute later, and how many are on record.
    async fn later(&self) -> (usize, usize) {
        self.clock.set(self.c.now() + UNDO_MICROS);
        let applied = apply_due_decisions(&self.c).await.unwrap();
        let mut on_record = 0;
        for case in [CASE, "case-2"] {
            on_record += decisions::decisions(&self.c, case).await.unwrap().len();
        }
        (applied, on_record)
    }
}

/// Regression: a copy of the row, put back after its person had taken the decision back, took effect.
#[tokio::test]
async fn a_copy_put_back_takes_no_effect() {
    let w = world().await;
    let row = w.decide(CASE).await;
    take_back(&w.c, &row.id, &w.rita).await.unwrap();
    w.put(&row).await;
    assert_eq!(w.later().await, (0, 0));
    // Under another id, or as if it had never been made here.
    let other = PendingDecision {
        id: "pending-0".into(),
        ..w.decide("case-2").await
    };
    take_back(
        &w.c,
        &rows::pending_decision(&w.c, "case-2")
            .await
            .unwrap()
            .unwrap()
            .id,
        &w.rita,
    )
    .await
    .unwrap();
    w.put(&other).await;
    assert_eq!(w.later().await, (0, 0));
    let moved = PendingDecision {
        case: CASE.into(),
        ..other
    };
    w.change("DELETE FROM pending_decisions").await;
    w.put(&moved).await;
    assert_eq!(w.later().await, (0, 0));
    // What can't be opened can be put away.
    let refused = rows::pending_decisions(&w.c, &w.rita.id).await.unwrap();
    assert_eq!(refused[0].state, PendingState::Refused);
    take_back(&w.c, &refused[0].id, &w.rita).await.unwrap();
    assert!(
        rows::pending_decisions(&w.c, &w.rita.id)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Regression: one row of a newer version stopped everybody's decisions.
#[tokio::test]
async fn a_row_that_is_not_understood_stops_no_other() {
    let w = world().await;
    w.decide(CASE).await;
    w.change("UPDATE pending_decisions SET state = 'newer'")
        .await;
    w.decide("case-2").await;
    assert_eq!(
        rows::pending_decisions(&w.c, &w.rita.id)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(w.later().await, (1, 1));
}

/// A worker that was killed in between: another takes over once its time is over.
#[tokio::test]
async fn what_is_taking_effect_is_not_taken_back_and_is_finished() {
    let w = world().await;
    let row = w.decide(CASE).await;
    let mut tx = w.c.db.begin().await.unwrap();
    let until = w.c.now() + APPLY_MICROS;
    assert!(
        rows::step(&mut tx, &row, PendingState::Applying, until, "")
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let e = take_back(&w.c, &row.id, &w.rita).await.unwrap_err();
    assert!(e.to_string().contains("is taking effect now"), "{e}");
    assert_eq!(w.later().await, (0, 0));
    w.clock.set(until);
    assert_eq!(apply_due_decisions(&w.c).await.unwrap(), 1);
    assert_eq!(apply_due_decisions(&w.c).await.unwrap(), 0);
}
