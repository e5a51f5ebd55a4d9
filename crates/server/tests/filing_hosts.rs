//! Where a report is filed and which record of it is kept: hosts, test services, every word sent
//! and received.

#[path = "bench/filing.rs"]
mod bench;

use obhut_app::casework;
use obhut_app::casework::*;
use obhut_fakes::cybertip::FaultInjection;

use bench::*;

/// A report number belongs to the host that gave it. A report begun at one host and sent to another
/// once counted as filed there, or another provider's report was retracted.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_at_one_host_is_settled_there() {
    // At the first host nothing is finished: every upload's answer is wrong.
    let b = Bench::new(FaultInjection {
        md5_percent: 100,
        ..FaultInjection::default()
    })
    .await;
    let report = b.approved("user-1", Some(b"bytes"), "ncmec").await;
    assert_eq!(b.drain().await.deferred, 1);
    let begun = b.state(&report).await;
    assert!(begun.state == FilingState::Begun && !begun.remote.is_empty());
    assert_eq!(begun.host, b.at().host);
    // The second host has another provider's report under the same number, unfinished.
    let (second, address) = service(FaultInjection::default()).await;
    const STRANGER: &str = "<report><incidentSummary><incidentType>Child Sex Trafficking</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><reporter><reportingPerson><email>a@example.com</email></reportingPerson></reporter><personOrUserReported><espIdentifier>somebody-else</espIdentifier></personOrUserReported></report>";
    let number: i64 = begun.remote.parse().unwrap();
    while second.xml(number).is_none() {
        let request = axum::http::Request::post("/ispws/submit")
            .header("Authorization", "Basic dGVzdDp0ZXN0")
            .header("Content-Type", "text/xml; charset=utf-8")
            .body(axum::body::Body::from(STRANGER))
            .unwrap();
        tower::ServiceExt::oneshot(second.router(), request)
            .await
            .unwrap();
    }
    let asked = b.service.counts().get("retract").copied().unwrap_or(0);
    b.channel_to(address, "test", true).await;
    // The receiver is part of what was approved.
    assert_eq!(b.drain().await.stopped, 1);
    assert!(
        !second.counts().contains_key("retract"),
        "the second host was asked"
    );
    assert_eq!(b.service.counts()["retract"], asked + 1);
    let stopped = b.state(&report).await;
    assert!(stopped.why.unwrap().contains("approve it"));
    b.approve(&report, None).await.unwrap();
    assert_eq!(b.drain().await.filed, 1);
    let filed = b.state(&report).await;
    assert_eq!(filed.host, format!("http://{address}"));
    assert_eq!(second.finished().len(), 1);
    assert_eq!(second.finished()[0].account, "user-1");
    assert!(second.xml(number).is_some(), "the stranger's is untouched");
    // A retraction goes to where the report was filed, even if the destination has changed since.
    b.channel("test").await;
    casework::retract_report(&b.casework, &report, "a mistake", &b.olga)
        .await
        .unwrap();
    assert_eq!(b.drain().await.retracted, 1);
    assert_eq!(
        second.finished().len(),
        2,
        "the second host has its retraction"
    );
    assert!(b.service.finished().is_empty());
}

/// Reports filed while the destination was in test mode once counted as filed for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_test_service_has_is_filed_again() {
    let b = Bench::new(FaultInjection::default()).await;
    b.channel_to(b.address, "test", false).await;
    let report = b.approved("user-1", None, "ncmec").await;
    let case = casework::report_row(&b.casework, &report)
        .await
        .unwrap()
        .case;
    assert_eq!(b.drain().await.filed, 1);
    assert!(b.state(&report).await.test);
    let due = casework::deadlines(&b.casework, Some(&case), false)
        .await
        .unwrap();
    assert!(due.iter().all(|d| d.kind == DeadlineKind::Report) && due.len() == 1);
    // The same report isn't filed twice with the test service.
    let again =
        async || obhut_app::reports::file_one(&b.casework, &case, "ncmec", false, "test").await;
    assert!(again().await.is_err());
    let waiting = casework::filed_for_test(&b.casework, "ncmec")
        .await
        .unwrap();
    assert_eq!(
        waiting.iter().map(|f| &f.report).collect::<Vec<_>>(),
        [&report]
    );
    b.channel("test").await;
    let second = again().await.unwrap();
    b.approve(&second, None).await.unwrap();
    assert_eq!(b.drain().await.filed, 1);
    let filed = b.state(&second).await;
    assert!(!filed.test);
    let xml = b.service.xml(filed.remote.parse().unwrap()).unwrap();
    assert!(
        !xml.contains("priorCTReports"),
        "a test number means nothing there"
    );
    let due = casework::deadlines(&b.casework, Some(&case), false)
        .await
        .unwrap();
    assert!(due.iter().all(|d| d.kind == DeadlineKind::Preservation) && due.len() == 1);
    assert!(
        casework::filed_for_test(&b.casework, "ncmec")
            .await
            .unwrap()
            .is_empty()
    );
}

/// The filed documents can be shown word for word, without the credentials.
#[tokio::test(flavor = "multi_thread")]
async fn every_word_that_left_and_came_back_is_kept() {
    let b = Bench::new(FaultInjection::default()).await;
    let report = b.approved("user-1", Some(b"bytes"), "ncmec").await;
    let case = casework::report_row(&b.casework, &report)
        .await
        .unwrap()
        .case;
    assert_eq!(b.drain().await.filed, 1);
    // Facts change afterwards; what was filed doesn't.
    let other = Facts::about(Some("somebody-else"));
    casework::set_facts(&b.casework, &case, &other, "test")
        .await
        .unwrap();
    let number: i64 = b.state(&report).await.remote.parse().unwrap();
    let before = casework::audit(&b.casework, Some(&report))
        .await
        .unwrap()
        .len();
    let shown = obhut_app::reports::show(&b.casework, &report, "auditor")
        .await
        .unwrap();
    let documents = shown.documents.unwrap();
    let there = b.service.xml(number).unwrap();
    assert_eq!(
        documents.text().unwrap(),
        there,
        "byte for byte what was approved"
    );
    let calls = shown.exchanges[0]["calls"].as_array().unwrap();
    let what: Vec<_> = calls.iter().map(|c| c["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["/submit", "/upload", "/fileinfo", "/finish"]);
    assert_eq!(calls[0]["sent"], there.as_str());
    assert!(
        calls[3]["received"]
            .as_str()
            .unwrap()
            .contains(&number.to_string())
    );
    let words = serde_json::to_string(&shown.exchanges).unwrap();
    for secret in ["Authorization", "Basic", "dGVzdDp0ZXN0"] {
        assert!(!words.contains(secret), "{secret}");
    }
    let after = casework::audit(&b.casework, Some(&report)).await.unwrap();
    assert_eq!(after.len(), before + 2, "each reading is logged");
}

/// On a shared host the path of a webhook identifies the receiver; a change of the path once went
/// unnoticed. And a report that was stopped before anything was sent once counted as sent for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_covers_the_whole_address_and_what_never_left_can_be_withdrawn() {
    let b = Bench::new(FaultInjection::default()).await;
    let set = async |path: &str, secret: &str| {
        let channel = Channel {
            destination: "webhook".into(),
            url: Some(format!("http://{}/{path}", b.address)),
            secret: Some(Sealed::new(secret.into())),
            ..Channel::default()
        };
        casework::set_channel(&b.casework, &channel, &b.olga)
            .await
            .unwrap();
    };
    set("ours", "one").await;
    let report = b.approved("user-1", None, "webhook").await;
    // A new secret doesn't change who receives the report.
    set("ours", "two").await;
    casework::require_sendable(&b.casework, &report)
        .await
        .unwrap();
    set("theirs", "two").await;
    assert_eq!(b.drain().await.stopped, 1);
    let why = b.state(&report).await.why.unwrap();
    assert!(why.contains("approve it as it is now"), "{why}");
    let status = async || {
        let row = casework::report_row(&b.casework, &report).await.unwrap();
        let case = casework::case(&b.casework, &row.case).await.unwrap();
        (row.status, case.case.status)
    };
    assert_eq!(status().await, ("approved".into(), CaseStatus::Reported));
    // After it is resumed and stopped again, the report has still not left.
    casework::resume_filing(&b.casework, &report, &b.olga)
        .await
        .unwrap();
    assert_eq!(b.drain().await.stopped, 1);
    let how = casework::retract_report(&b.casework, &report, "wrong", &b.olga).await;
    assert_eq!(how.unwrap(), "withdrawn");
    assert_eq!(status().await, ("withdrawn".into(), CaseStatus::Decided));
    assert_eq!(casework::alarms(&b.casework).await.unwrap(), []);
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);
}

/// A report begun at a receiver that failed may have arrived, so it is retracted there, not
/// withdrawn.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_left_is_not_withdrawn() {
    let b = Bench::new(FaultInjection::default()).await;
    let set = async |path: &str| {
        let channel = Channel {
            destination: "webhook".into(),
            // The fake has no endpoint there and refuses the report, for example with 404. The
            // report has left all the same.
            url: Some(format!("http://{}/{path}", b.address)),
            secret: Some(Sealed::new("one".into())),
            ..Channel::default()
        };
        casework::set_channel(&b.casework, &channel, &b.olga)
            .await
            .unwrap();
    };
    set("ours").await;
    let report = b.approved("user-1", None, "webhook").await;
    assert_eq!(b.drain().await.stopped, 1);
    let how = casework::retract_report(&b.casework, &report, "wrong", &b.olga).await;
    assert_eq!(how.unwrap(), "retracting");
    // Regression: "send now" was refused, because only an approved report can be resumed.
    let row = casework::report_row(&b.casework, &report).await.unwrap();
    obhut_app::reports::require_sendable(&row).unwrap();
    let filing = b.state(&report).await;
    assert_eq!(filing.state, FilingState::Stopped);
    assert!(!obhut_app::reports::waits_for_resumption(
        &row,
        Some(&filing)
    ));
}
