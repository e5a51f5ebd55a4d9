//! The states of a report at its destination, step by step and with two workers.

use super::*;
use crate::resuming::resume_filing;
use crate::{Person, Role, bench};

/// A filed report is never begun again, and a retracted one stays retracted.
#[test]
fn a_filed_report_can_only_be_retracted() {
    for (from, to) in TRANSITIONS {
        assert_ne!(*from, FilingState::Retracted);
        if *from == FilingState::Filed {
            assert_eq!(*to, FilingState::Retracted);
        }
        if *to == FilingState::Finishing {
            assert_eq!(*from, FilingState::Begun);
        }
    }
    for state in FilingState::ALL {
        assert!(*state == FilingState::Waiting || TRANSITIONS.iter().any(|(_, to)| to == state));
    }
}

/// A decided case with one approved report, its job claimed by a worker.
struct World {
    casework: Casework,
    report: String,
    job: Job,
    officer: Person,
    _folder: tempfile::TempDir,
}

fn at() -> FilingAddress {
    FilingAddress {
        host: "https://a.example".into(),
        test: false,
    }
}

const WORKER: &str = "worker";
const CASE: &str = "case-1";

async fn world() -> World {
    let (folder, casework) = bench::opened().await;
    let officer = crate::add_person(&casework, "Olga", &[Role::ReportingOfficer], "test")
        .await
        .unwrap();
    let reviewer = crate::add_person(&casework, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let mut tx = casework.db.begin().await.unwrap();
    bench::case(&mut tx, &casework, CASE).await;
    tx.commit().await.unwrap();
    let request = crate::DecisionRequest {
        ruling: crate::Ruling::Report,
        grounds: "seen".into(),
        category: None,
    };
    let decision = crate::decide(&casework, CASE, &reviewer, &request)
        .await
        .unwrap();
    let report = reports::file_report(&casework, &decision, "ncmec", false, "test")
        .await
        .unwrap();
    let mut tx = casework.db.begin().await.unwrap();
    // An approval needs the report's bytes, which are made outside this crate.
    reports::set_status(&mut tx, &report, "approved")
        .await
        .unwrap();
    outbox::put(&mut tx, 0, crate::JobKind::Report, &report)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let job = outbox::claim_jobs(&casework, WORKER, 1, 60_000_000)
        .await
        .unwrap()
        .remove(0);
    World {
        casework,
        report,
        job,
        officer,
        _folder: folder,
    }
}

impl World {
    /// What is on record.
    async fn recorded(&self) -> Filing {
        filing(&self.casework, &self.report).await.unwrap().unwrap()
    }

    async fn begun(&self, remote: &str) -> Filing {
        let waiting = open_filing(&self.casework, &self.report, "ncmec")
            .await
            .unwrap();
        filing_begun(&self.casework, &waiting, remote, &at())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn each_step_is_on_record_with_all_it_says() {
    let w = world().await;
    let waiting = open_filing(&w.casework, &w.report, "ncmec").await.unwrap();
    assert_eq!(
        (waiting.state, waiting.begun, waiting.remote.as_str()),
        (FilingState::Waiting, 0, "")
    );

    let begun = filing_begun(&w.casework, &waiting, "4711", &at())
        .await
        .unwrap();
    let now = w.recorded().await;
    assert_eq!(
        (now.state, now.begun, now.remote.as_str()),
        (FilingState::Begun, 1, "4711")
    );
    let finishing = filing_finishing(&w.casework, &begun).await.unwrap();
    assert_eq!(w.recorded().await.state, FilingState::Finishing);

    filing_filed(
        &w.casework,
        &finishing,
        "4712",
        "its receipt",
        &w.job,
        WORKER,
    )
    .await
    .unwrap();
    let now = w.recorded().await;
    assert_eq!(now.state, FilingState::Filed);
    assert_eq!(now.remote, "4712");
    assert_eq!(now.receipt.as_deref(), Some("its receipt"));
    assert!(now.filed_at.is_some() && now.why.is_none());
    let waits = outbox::jobs_waiting(&w.casework).await.unwrap();
    assert_eq!(waits, 0, "the job has ended");
    let kept = deadlines::deadlines(&w.casework, Some(CASE), false)
        .await
        .unwrap();
    let kept: Vec<_> = kept.iter().map(|d| (d.kind, d.due_at)).collect();
    let year = now.filed_at.unwrap() + PRESERVE_MICROS;
    assert_eq!(kept, [(DeadlineKind::Preservation, year)]);

    filing_retracted(&w.casework, &now, "taken back", None, "person")
        .await
        .unwrap();
    let now = w.recorded().await;
    assert_eq!(now.state, FilingState::Retracted);
    assert_eq!(now.receipt.as_deref(), Some("taken back"));
    let row = reports::report_row(&w.casework, &w.report).await.unwrap();
    assert_eq!(row.status, "retracted");
}

/// Reports filed with a test service once counted as filed for ever.
#[tokio::test]
async fn a_test_filing_reports_nothing() {
    let w = world().await;
    let due = w.casework.now() + 1_000_000;
    let mut tx = w.casework.db.begin().await.unwrap();
    deadlines::start(&mut tx, &w.casework, DeadlineKind::Report, CASE, due, "law")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let waiting = open_filing(&w.casework, &w.report, "ncmec").await.unwrap();
    let test = FilingAddress { test: true, ..at() };
    let begun = filing_begun(&w.casework, &waiting, "4711", &test)
        .await
        .unwrap();
    filing_filed(&w.casework, &begun, "4711", "receipt", &w.job, WORKER)
        .await
        .unwrap();
    let now = w.recorded().await;
    assert!(now.test && now.host == at().host);
    let left = deadlines::deadlines(&w.casework, Some(CASE), false)
        .await
        .unwrap();
    let left: Vec<_> = left.iter().map(|d| d.kind).collect();
    assert_eq!(
        left,
        [DeadlineKind::Report],
        "still due, nothing to preserve"
    );
}

/// A number is forgotten when the destination has nothing under it; how often the report was
/// begun is not.
#[tokio::test]
async fn a_fresh_start_keeps_the_count() {
    let w = world().await;
    let begun = w.begun("4711").await;
    let anew = restart_filing(&w.casework, &begun).await.unwrap();
    let now = w.recorded().await;
    assert_eq!(
        (now.state, now.begun, now.remote.as_str()),
        (FilingState::Waiting, 1, "")
    );
    assert_eq!(anew.state, now.state);
    // Nothing to do: the time of the change stays too.
    restart_filing(&w.casework, &now).await.unwrap();
    assert_eq!(w.recorded().await.changed_at, now.changed_at);
}

#[tokio::test]
async fn a_stopped_report_says_why_until_a_person_resumes_it() {
    let w = world().await;
    let begun = w.begun("4711").await;
    filing_stopped(
        &w.casework,
        &begun,
        "a field is wrong",
        false,
        &w.job,
        WORKER,
    )
    .await
    .unwrap();
    let now = w.recorded().await;
    assert_eq!(now.state, FilingState::Stopped);
    assert_eq!(now.why.as_deref(), Some("a field is wrong"));

    resume_filing(&w.casework, &w.report, &w.officer)
        .await
        .unwrap();
    let now = w.recorded().await;
    // What was begun is asked about first; the count starts over.
    assert_eq!(
        (now.state, now.begun, now.remote.as_str()),
        (FilingState::Begun, 0, "4711")
    );
    assert_eq!(now.why, None);
    let waits = outbox::jobs_waiting(&w.casework).await.unwrap();
    assert_eq!(waits, 1, "the job is back");

    let refused = resume_filing(&w.casework, &w.report, &w.officer).await;
    assert!(refused.unwrap_err().to_string().contains("isn't stopped"));
}

/// A retracted report doesn't keep its reason for stopping.
#[tokio::test]
async fn a_stopped_report_that_is_taken_back_says_so_alone() {
    let w = world().await;
    let begun = w.begun("4711").await;
    filing_stopped(
        &w.casework,
        &begun,
        "a field is wrong",
        false,
        &w.job,
        WORKER,
    )
    .await
    .unwrap();
    let stopped = w.recorded().await;
    filing_retracted(&w.casework, &stopped, "taken back", None, "person")
        .await
        .unwrap();
    let now = w.recorded().await;
    assert_eq!((now.state, now.why), (FilingState::Retracted, None));
}

#[tokio::test]
async fn restarting_a_stopped_filing_clears_its_reason() {
    let w = world().await;
    let waiting = open_filing(&w.casework, &w.report, "ncmec").await.unwrap();
    filing_stopped(&w.casework, &waiting, "why", false, &w.job, WORKER)
        .await
        .unwrap();
    let stopped = w.recorded().await;
    restart_filing(&w.casework, &stopped).await.unwrap();
    let now = w.recorded().await;
    assert_eq!((now.state, now.why), (FilingState::Waiting, None));
    let refused = resume_filing(&w.casework, &w.report, &w.officer).await;
    assert!(refused.is_err(), "only a stopped report is resumed");
}

/// Two workers hold the same state; the second is refused, and what the first wrote stays.
#[tokio::test]
async fn of_two_workers_one_is_refused() {
    let w = world().await;
    let waiting = open_filing(&w.casework, &w.report, "ncmec").await.unwrap();
    filing_begun(&w.casework, &waiting, "1", &at())
        .await
        .unwrap();
    let second = filing_begun(&w.casework, &waiting, "2", &at())
        .await
        .unwrap_err();
    assert!(second.to_string().contains("another worker"), "{second}");
    let now = w.recorded().await;
    assert_eq!((now.remote.as_str(), now.begun), ("1", 1));
}

/// What isn't in the table is refused, whatever calls it.
#[tokio::test]
async fn a_filed_report_is_not_begun_again() {
    let w = world().await;
    let begun = w.begun("4711").await;
    filing_filed(&w.casework, &begun, "4711", "receipt", &w.job, WORKER)
        .await
        .unwrap();
    let filed = w.recorded().await;
    let again = filing_begun(&w.casework, &filed, "4712", &at())
        .await
        .unwrap_err();
    assert!(
        again.to_string().contains("it can't become begun"),
        "{again}"
    );
    assert_eq!(w.recorded().await, filed);
}

/// A document about an earlier report is filed without a separate job.
#[tokio::test]
async fn a_follow_up_is_filed_with_its_receipt() {
    let w = world().await;
    let waiting = open_filing(&w.casework, &w.report, "ncmec").await.unwrap();
    follow_up_filed(&w.casework, &waiting, "its receipt")
        .await
        .unwrap();
    let now = w.recorded().await;
    assert_eq!(now.state, FilingState::Filed);
    assert_eq!(now.receipt.as_deref(), Some("its receipt"));
    assert!(now.filed_at.is_some());
}

/// An appeal upheld while a report was on its way: it is filed, and its retraction waits.
#[tokio::test]
async fn what_left_while_the_case_was_cleared_waits_for_its_retraction() {
    let w = world().await;
    let begun = w.begun("4711").await;
    let mut tx = w.casework.db.begin().await.unwrap();
    for status in [CaseStatus::Appealed, CaseStatus::Cleared] {
        cases::advance(&mut tx, 0, CASE, status).await.unwrap();
    }
    tx.commit().await.unwrap();
    filing_filed(&w.casework, &begun, "4711", "receipt", &w.job, WORKER)
        .await
        .unwrap();
    let row = reports::report_row(&w.casework, &w.report).await.unwrap();
    assert_eq!(row.status, "retracting");
    let jobs = outbox::claim_jobs(&w.casework, WORKER, 5, 60_000_000)
        .await
        .unwrap();
    assert_eq!(jobs[0].kind, crate::JobKind::Retraction);
}
