//! Statements of reasons: what a statement says, what stops it, and that it arrives once even if
//! answers are lost.

#[path = "bench/filing.rs"]
mod bench;

use obhut_app::casework;
use obhut_app::casework::*;
use obhut_fakes::cybertip::FaultInjection;
use obhut_fakes::transparency::{Faults, TransparencyDatabase};

use bench::Bench;

/// Makes a decided case about a removed picture whose account was closed. Returns the case and the
/// draft of its statement.
async fn drafted(b: &Bench) -> (String, String) {
    let file = CaseFile::from_json(
        br#"{"facts": {"reported": {"id": "user-NAMED", "closed": {"done": true, "at": "2026-01-03T10:00:00Z"}}, "removed": true,
            "removed_at": "2026-01-02T23:30:00-02:00", "detected_by": "hash-match", "note": "NAMED", "tags": ["solicitation"],
            "places": [{"place": "web-page", "urls": ["https://example.com/NAMED"]}]},
            "files": [{"name": "NAMED.png", "facts": {"uploaded_at": "2026-01-01T10:00:00Z", "media_type": "image/png"}}]}"#,
    );
    let picture = vec![Some(b"\x89PNG\r\n\x1a\n".to_vec())];
    let new = casework::new_case(&b.casework, &file.unwrap(), picture, "test").await;
    let case = new.unwrap().case;
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as assessed".into(),
        category: None,
    };
    casework::decide(&b.casework, &case, &b.rita, &request)
        .await
        .unwrap();
    let report =
        obhut_app::reports::file_one(&b.casework, &case, "dsa-statement", false, "t").await;
    (case, report.unwrap())
}

async fn database(b: &Bench, faults: Faults) -> TransparencyDatabase {
    let service = TransparencyDatabase::new("token-1", faults);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = service.router();
    tokio::spawn(async move {
        obhut_server::serve(
            listener,
            router,
            obhut_server::CONNECTIONS_MAX,
            std::future::pending(),
        )
        .await
    });
    let channel = Channel {
        destination: "dsa-statement".into(),
        url: Some(format!("http://{address}/api/v1/statement")),
        secret: Some(Sealed::new("token-1\n".into())),
        ..Channel::default()
    };
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_arrives_once_names_nobody_and_reports_nothing() {
    let b = Bench::new(FaultInjection::default()).await;
    let faults = Faults {
        busy: vec![1],
        lost: vec![2],
    };
    let service = database(&b, faults).await;
    let (case, report) = drafted(&b).await;
    // A person names the law.
    let refused = b.approve(&report, None).await.unwrap_err().to_string();
    assert!(refused.contains("names the law"), "{refused}");
    let answers = ["material".to_owned(), "solicitation".to_owned()];
    casework::determine(
        &b.casework,
        &case,
        &b.olga,
        Question::GroundDsa,
        &answers,
        "g",
    )
    .await
    .unwrap();
    b.approve(&report, None).await.unwrap();
    // 503, then a lost answer, then "exists already".
    assert_eq!(b.drain().await.filed, 1);
    let receipt = b.state(&report).await.receipt.unwrap();
    assert!(receipt.contains("an earlier attempt arrived"), "{receipt}");
    let statements = service.statements();
    assert_eq!(statements.len(), 1);
    let statement = &statements[&case];
    let said = statement.to_string();
    assert!(
        !said.contains("NAMED") && !said.contains("example.com"),
        "{said}"
    );
    for (field, value) in [
        ("decision_account", "DECISION_ACCOUNT_TERMINATED"),
        ("content_date", "2026-01-01"),
        // The removal, in UTC: the third, not the second. The account was closed later that day.
        ("application_date", "2026-01-03"),
        ("automated_detection", "Yes"),
        // The picture wasn't held: no program decided anything.
        ("automated_decision", "AUTOMATED_DECISION_NOT_AUTOMATED"),
        ("source_type", "SOURCE_VOLUNTARY"),
    ] {
        assert_eq!(statement[field], value, "{field}");
    }
    assert_eq!(
        statement["content_type"],
        serde_json::json!(["CONTENT_TYPE_IMAGE"])
    );
    // A second statement about the case: the database would answer as if it were the first.
    let mut facts = casework::facts(&b.casework, &case).await.unwrap();
    facts.note = Some("another".into());
    casework::set_facts(&b.casework, &case, &facts, "test")
        .await
        .unwrap();
    let second = casework::file_supplement(&b.casework, &report, false, "test")
        .await
        .unwrap();
    b.approve(&second, None).await.unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    let why = b.state(&second).await.why.unwrap();
    assert!(why.contains("one statement about a case"), "{why}");
    assert!(why.contains(&report), "{why}");
    // No authority has received a report: the case can still be decided again and filed.
    let detail = casework::case(&b.casework, &case).await.unwrap();
    assert_eq!(detail.case.status, CaseStatus::Decided);
    let due = casework::deadlines(&b.casework, Some(&case), true)
        .await
        .unwrap();
    assert!(
        due.iter().all(|d| d.kind != DeadlineKind::Preservation),
        "{due:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_halts_and_an_embargo_stops() {
    let b = Bench::new(FaultInjection::default()).await;
    let service = database(&b, Faults::default()).await;
    let (case, report) = drafted(&b).await;
    casework::determine(
        &b.casework,
        &case,
        &b.olga,
        Question::GroundDsa,
        &["material".into()],
        "g",
    )
    .await
    .unwrap();
    let embargo = Embargo {
        authority: Some("police, 4711".into()),
        ..Embargo::default()
    };
    casework::set_embargo(&b.casework, &case, Some(&embargo), "asked", &b.olga)
        .await
        .unwrap();
    let refused = b.approve(&report, None).await.unwrap_err().to_string();
    assert!(refused.contains("under an embargo"), "{refused}");
    casework::set_embargo(&b.casework, &case, None, "over", &b.olga)
        .await
        .unwrap();
    let mut channel = casework::channel(&b.casework, "dsa-statement")
        .await
        .unwrap();
    channel.secret = Some(Sealed::new("another".into()));
    casework::set_channel(&b.casework, &channel, &b.olga)
        .await
        .unwrap();
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.halted, 1);
    assert_eq!(service.statements().len(), 0);
    // Nothing was sent, so nothing has to be taken back.
    casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
        .await
        .unwrap();
    b.drain().await;
    let row = casework::report_row(&b.casework, &report).await.unwrap();
    assert!(
        matches!(
            row.status.as_str(),
            "withdrawn" | "retracted" | "retracting"
        ),
        "{row:?}"
    );
}
