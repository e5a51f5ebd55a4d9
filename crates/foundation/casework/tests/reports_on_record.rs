//! Reports on record before anything is sent: drafts, retractions, outcomes, alarms.

mod bench;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;

async fn drafted(b: &Bench, destination: &str) -> (String, String) {
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let case = b.case(r#"{"reported": {"id": "u"}}"#).await;
    b.decide(&case, &rita, Ruling::Report).await;
    let report = casework::file_latest(&b.c, &case, destination, false, "test")
        .await
        .unwrap();
    (case, report)
}

#[tokio::test]
async fn a_report_is_on_record_once_per_destination() {
    let b = bench().await;
    let (case, report) = drafted(&b, "package").await;
    let again = casework::file_latest(&b.c, &case, "package", false, "test").await;
    assert!(
        refused(again).contains(&report),
        "the error names the existing report"
    );
    casework::file_latest(&b.c, &case, "webhook", true, "test")
        .await
        .unwrap();
    let rows = casework::report_rows(&b.c, Some(&case)).await.unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|r| (r.destination.as_str(), r.status.as_str(), r.with_victims))
        .collect();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.contains(&("package", "draft", false)) && rows.contains(&("webhook", "draft", true))
    );
    let row = casework::report_row(&b.c, &report).await.unwrap();
    assert_eq!((row.case, row.incident), (case, IncidentKind::Material));
    assert!(casework::report_row(&b.c, "report-0").await.is_err());
}

#[tokio::test]
async fn a_withdrawn_draft_stays_on_record_and_allows_a_new_one() {
    let b = bench().await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let (case, report) = drafted(&b, "package").await;
    refused(casework::retract_report(&b.c, &report, "r", &rita).await);
    refused(casework::retract_report(&b.c, &report, " ", &olga).await);
    let status = casework::retract_report(&b.c, &report, "a mistake", &olga)
        .await
        .unwrap();
    assert_eq!(status, "withdrawn");
    assert!(
        refused(casework::retract_report(&b.c, &report, "again", &olga).await)
            .contains("withdrawn already")
    );
    assert_eq!(
        casework::report_row(&b.c, &report)
            .await
            .unwrap()
            .retracted_because,
        "a mistake"
    );
    casework::file_latest(&b.c, &case, "package", false, "test")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_new_decision_supersedes_the_drafts_of_the_old_one() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let (case, report) = drafted(&b, "package").await;
    b.decide(&case, &rita, Ruling::Report).await;
    let newer = casework::file_latest(&b.c, &case, "package", false, "test")
        .await
        .unwrap();
    let old = casework::report_row(&b.c, &report).await.unwrap();
    assert_eq!(old.status, "superseded");
    assert_eq!(
        casework::report_row(&b.c, &newer).await.unwrap().status,
        "draft"
    );
    b.decide(&case, &rita, Ruling::NoReport).await;
    let refused = refused(casework::file_latest(&b.c, &case, "package", false, "test").await);
    assert!(refused.contains("not to report"), "{refused}");
}

/// A report to a financial intelligence unit concerns a suspect; a possible victim is helped, not reported.
#[tokio::test]
async fn a_case_without_a_suspect_is_not_reported_to_a_financial_intelligence_unit() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    for (facts, made) in [(r#"{"reported": {"id": "u"}}"#, true), ("{}", false)] {
        let case = b.case(facts).await;
        b.decide(&case, &rita, Ruling::Report).await;
        let report = casework::file_latest(&b.c, &case, "goaml", false, "test").await;
        assert_eq!(report.is_ok(), made, "{facts} {report:?}");
    }
}

#[tokio::test]
async fn an_outcome_counts_once_for_its_source() {
    let b = bench().await;
    let (_, report) = drafted(&b, "package").await;
    let add = async |source: &str, outcome| {
        casework::add_outcome(&b.c, &report, source, outcome, "test").await
    };
    for (source, outcome) in [
        ("BKA", Outcome::Useful),
        ("BKA", Outcome::Useful),
        (" BKA ", Outcome::Useful),
        ("NCMEC", Outcome::Useful),
    ] {
        add(source, outcome).await.unwrap();
    }
    refused(add(" ", Outcome::Useful).await);
    refused(casework::add_outcome(&b.c, "report-0", "BKA", Outcome::Useful, "test").await);
    let counts = casework::outcome_counts(&b.c).await.unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|c| (c.source.as_str(), c.counts[Outcome::Useful.word()]))
        .collect();
    assert_eq!(counts, [("BKA", 1), ("NCMEC", 1)]);
}

#[tokio::test]
async fn an_alarm_is_raised_once_and_seen_once() {
    let b = bench().await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    for text in ["first", "again"] {
        casework::raise_alarm(&b.c, "kind", "subject", text)
            .await
            .unwrap();
    }
    casework::raise_alarm(&b.c, "kind", "other", "text")
        .await
        .unwrap();
    let alarms = casework::alarms(&b.c).await.unwrap();
    let subjects: Vec<_> = alarms.iter().map(|a| a.subject.as_str()).collect();
    assert_eq!(subjects.len(), 2, "{alarms:?}");
    casework::see_alarm(&b.c, &alarms[0].id, &olga)
        .await
        .unwrap();
    refused(casework::see_alarm(&b.c, &alarms[0].id, &olga).await);
    assert_eq!(casework::alarms(&b.c).await.unwrap().len(), 1);
    // Once an alarm was seen, the same one can be raised again.
    casework::raise_alarm(&b.c, "kind", &alarms[0].subject, "later")
        .await
        .unwrap();
    assert_eq!(casework::alarms(&b.c).await.unwrap().len(), 2);
}

#[tokio::test]
async fn settings_of_the_reporter_are_kept_and_checked() {
    let b = bench().await;
    assert_eq!(casework::reporter(&b.c).await.unwrap(), Reporter::default());
    let reporter = Reporter {
        email: "trust@example.com".into(),
        nca_duty: Some(NcaDuty::NonUkProvider),
        ..Reporter::default()
    };
    casework::set_reporter(&b.c, &reporter, "test")
        .await
        .unwrap();
    assert_eq!(casework::reporter(&b.c).await.unwrap(), reporter);
    for email in ["trust", "a b@example.com", "@"] {
        let wrong = Reporter {
            email: email.into(),
            ..reporter.clone()
        };
        refused(casework::set_reporter(&b.c, &wrong, "test").await);
    }
    assert_eq!(casework::reporter(&b.c).await.unwrap(), reporter);
}

/// Regression: an officer began to approve a report again, another officer withdrew it, and the
/// approval then put it back into the outbox.
#[tokio::test]
async fn a_report_withdrawn_meanwhile_is_not_approved_again() {
    let b = bench().await;
    let olga = b.person("Olga", &[Role::ReportingOfficer]).await;
    let (case, report) = drafted(&b, "package").await;
    let begin = async || {
        casework::begin_approval(&b.c, &report, &olga, None, false)
            .await
            .unwrap()
    };
    let documents = Approved {
        documents: b"documents",
        overrides: false,
        for_test: false,
    };
    let approvable = begin().await;
    casework::approve_report(&b.c, &approvable, &olga, documents)
        .await
        .unwrap();
    let facts = Facts::from_json(br#"{"reported": {"id": "u", "screen_name": "n"}}"#).unwrap();
    casework::set_facts(&b.c, &case, &facts, "test")
        .await
        .unwrap();
    let again = begin().await;
    casework::retract_report(&b.c, &report, "a mistake", &olga)
        .await
        .unwrap();
    let approved = casework::approve_report(&b.c, &again, &olga, documents).await;
    assert!(refused(approved).contains("withdrawn"));
    assert_eq!(casework::jobs_waiting(&b.c).await.unwrap(), 0);
}
