//! What follows a screening: facts, views and decisions of its case, and what the platform learns
//! about the decisions.

mod bench;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use obhut_app::casework::*;
use obhut_app::media::*;
use obhut_app::{casework, media};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use bench::http::{bench, bench_at};
use bench::picture;

/// Over HTTP, no IP address could once be added to an upload's case and its file couldn't be
/// viewed, so the report said "not viewed".
#[tokio::test(flavor = "multi_thread")]
async fn facts_and_views_of_an_uploads_case_over_http() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let platform = b.key(&[Right::Screen, Right::Findings], None).await;
    let key = b.key(&[Right::Cases, Right::Decide], Some(&rita)).await;
    let (_, body) = b
        .screen("?surface=public", &platform, "u-1", known.clone())
        .await;
    let case = body["case"].as_str().unwrap();
    let facts = format!("/v1/cases/{case}/facts");
    let none = Value::Null;
    assert_eq!(b.call(&platform, "GET", &facts, &none).await.0, 403);
    let (status, mut read) = b.call(&key, "GET", &facts, &none).await;
    assert_eq!(
        (status, &read["facts"]["reported"]["id"]),
        (200, &"u-1".into())
    );
    read["facts"]["victims"] = json!([{"id": "child-1"}]);
    read["facts"]["reported"]["ip_events"] = json!([{"address": "300.1.1.1"}]);
    let (status, answer) = b.call(&key, "PUT", &facts, &read).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["faults"][0]["field"],
        "facts.reported.ip_events[0].address"
    );
    // The version that was read first is out of date.
    assert_eq!(b.call(&key, "PUT", &facts, &read).await.0, 409);
    let (_, mut read) = b.call(&key, "GET", &facts, &none).await;
    assert_eq!(read["version"], answer["version"]);
    read["facts"]["reported"]["ip_events"] = json!([{"address": "192.0.2.1", "event": "Upload"}]);
    let (status, answer) = b.call(&key, "PUT", &facts, &read).await;
    assert_eq!((status, &answer["faults"]), (200, &json!([])));
    // A misspelt field is refused, so that its value isn't lost.
    read["facts"]["victim"] = json!([]);
    assert_eq!(b.call(&key, "PUT", &facts, &read).await.0, 400);
    assert_eq!(
        b.call(&key, "GET", "/v1/cases/case-0/facts", &none).await.0,
        404
    );
    // The upload's file.
    let (status, exhibits) = b
        .call(&key, "GET", &format!("/v1/cases/{case}/exhibits"), &none)
        .await;
    assert_eq!((status, exhibits.as_array().unwrap().len()), (200, 1));
    assert_eq!(
        (&exhibits[0]["bytes"], &exhibits[0]["views"]),
        (&known.len().into(), &json!([]))
    );
    let view = format!(
        "/v1/exhibits/{}/views",
        exhibits[0]["exhibit"].as_str().unwrap()
    );
    let looking = json!({"purpose": "to decide", "extent": "whole"});
    for (key, body, status) in [
        (&platform, looking.clone(), 403),
        (&key, json!({"purpose": " ", "extent": "whole"}), 422),
        (&key, json!({"purpose": "p", "extent": "failed"}), 422),
        (&key, json!({"purpose": "p", "extent": "all"}), 400),
    ] {
        assert_eq!(b.call(key, "POST", &view, &body).await.0, status, "{body}");
    }
    let request = Request::post(&view)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(looking.to_string()))
        .unwrap();
    let response = b.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(
        response.headers()[header::CONTENT_DISPOSITION],
        "attachment"
    );
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        known
    );
    let (_, exhibits) = b
        .call(&key, "GET", &format!("/v1/cases/{case}/exhibits"), &none)
        .await;
    assert_eq!(exhibits[0]["views"][0]["extent"], "whole");
    assert_eq!(exhibits[0]["views"][0]["person"], rita.id);
    let ruling = json!({"ruling": "report", "grounds": "as assessed"});
    b.call(
        &key,
        "POST",
        &format!("/v1/cases/{case}/decisions"),
        &ruling,
    )
    .await;
    let draft = format!("/v1/cases/{case}/reports/ncmec/draft");
    let (_, plain) = b.call(&key, "GET", &draft, &none).await;
    let (_, whole) = b
        .call(&key, "GET", &format!("{draft}?with_victims=true"), &none)
        .await;
    let (plain, whole) = (plain.to_string(), whole.to_string());
    assert!(
        whole.contains("<fileViewedByEsp>true</fileViewedByEsp>"),
        "{whole}"
    );
    assert!(
        plain.contains("<ipAddress>192.0.2.1</ipAddress>"),
        "{plain}"
    );
    assert!(whole.contains("child-1") && !plain.contains("child-1"));
    assert_eq!(
        b.call(&key, "GET", &format!("{draft}?with_victim=1"), &none)
            .await
            .0,
        400
    );
}

/// The platform once didn't learn of a decision not to report, and the same upload was held again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decides_reaches_the_platform_and_the_next_upload() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let platform = b.key(&[Right::Screen], None).await;
    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let key = b.key(&[Right::Decide], Some(&rita)).await;
    let none = Value::Null;
    let since = "/v1/screen?since=2026-01-01T00:00:00Z";
    let (_, first) = b
        .screen("?surface=public", &more, "u-1", known.clone())
        .await;
    let (_, other) = b
        .screen("?surface=public", &more, "u-2", known.clone())
        .await;
    assert_eq!(first["action"], "block");
    let one = format!("/v1/screen/{}", first["id"].as_str().unwrap());
    let waiting = json!({"id": first["id"], "state": "waiting", "since": null});
    assert_eq!(b.call(&platform, "GET", &one, &none).await, (200, waiting));
    assert_eq!(
        b.call(&platform, "GET", since, &none).await.1["uploads"],
        json!([])
    );
    for (answer, ruling) in [(&first, "no-report"), (&other, "report")] {
        let case = answer["case"].as_str().unwrap();
        let ruling = json!({"ruling": ruling, "grounds": "g"});
        let path = format!("/v1/cases/{case}/decisions");
        assert_eq!(b.call(&key, "POST", &path, &ruling).await.0, 200);
    }
    let (_, decided) = b.call(&platform, "GET", &one, &none).await;
    assert_eq!(decided["state"], "release");
    assert!(decided.get("case").is_none(), "this key has no right to it");
    let (_, all) = b.call(&more, "GET", since, &none).await;
    let states: Vec<_> = all["uploads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| (u["id"].clone(), u["state"].clone(), u["case"].clone()))
        .collect();
    let wanted = [(&first, "release"), (&other, "remove")]
        .map(|(a, state)| (a["id"].clone(), json!(state), a["case"].clone()));
    assert_eq!(states, wanted);
    // Asked again with `next`, nothing is missed.
    let next = format!("/v1/screen?since={}", all["next"].as_str().unwrap());
    let (_, again) = b.call(&more, "GET", &next, &none).await;
    assert_eq!(again["uploads"], all["uploads"]);
    for wrong in ["/v1/screen", "/v1/screen?since=today"] {
        assert_eq!(b.call(&platform, "GET", wrong, &none).await.0, 400);
    }
    assert_eq!(
        b.call(&platform, "GET", "/v1/screen/screen-0", &none)
            .await
            .0,
        404
    );
    // The same bytes sent by the same account follow the decision; sent by another account they are
    // judged again.
    for (account, action, cases) in [("u-1", "pass", 2), ("u-2", "block", 3), ("u-3", "block", 4)] {
        let (_, answer) = b
            .screen("?surface=public", &platform, account, known.clone())
            .await;
        assert_eq!(answer["action"], action, "{account}");
        let all = casework::cases(&b.casework, None).await.unwrap();
        assert_eq!(all.len(), cases, "{account}");
    }
    // A list that names the file now, and didn't then, reopens the question.
    let digest = {
        use sha2::Digest as _;
        hex::encode(sha2::Sha256::digest(&known))
    };
    let settings = ListSettings {
        name: "second".into(),
        owner: "Second".into(),
        purpose: Purpose::Assessed,
        basis: "law".into(),
        action: Action::Block,
    };
    let csv =
        format!("kind,digest,category_scale,category,entry_id\nsha256,{digest},,,entry-two\n");
    media::import_list(&b.casework, &settings, csv.as_bytes(), "test")
        .await
        .unwrap();
    for person in casework::people(&b.casework).await.unwrap() {
        if person.roles.contains(&Role::ListSteward) {
            media::sign_list(&b.casework, "second", &person)
                .await
                .unwrap();
        }
    }
    let (_, answer) = b
        .screen("?surface=public", &platform, "u-1", known.clone())
        .await;
    assert_eq!(answer["action"], "block");
}

/// A clock that always shows the same time.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now_micros(&self) -> i64 {
        1_790_000_000_500_000
    }
}

/// If decided cases without an upload filled an answer, `next` once never moved on. The same
/// happened if more cases than an answer holds were decided in one second.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_decided_after_many_other_cases_are_reached() {
    let b = bench_at(Arc::new(StoppedClock)).await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let request = DecisionRequest {
        ruling: Ruling::NoReport,
        grounds: "g".into(),
        category: None,
    };
    let mut cases = Vec::new();
    // One case more than an answer holds (`CASES_MAX` is 100).
    for n in 0..101 {
        let new = format!(r#"{{"facts": {{"reported": {{"id": "other-{n}"}}}}}}"#);
        let new = CaseFile::from_json(new.as_bytes()).unwrap();
        let made = casework::new_case(&b.casework, &new, Vec::new(), "test").await;
        cases.push(made.unwrap().case);
    }
    let (_, held) = b.screen("?surface=public", &more, "u-1", known).await;
    cases.push(held["case"].as_str().unwrap().to_owned());
    for case in &cases {
        casework::decide(&b.casework, case, &rita, &request)
            .await
            .unwrap();
    }
    let mut since = "2026-01-01T00:00:00Z".to_owned();
    let (mut found, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let path = format!("/v1/screen?since={since}");
        let (_, answer) = b.call(&more, "GET", &path, &Value::Null).await;
        found.extend(answer["uploads"].as_array().unwrap().clone());
        answers.push(answer["more"].clone());
        answer["next"].as_str().unwrap().clone_into(&mut since);
        if answer["more"] == false {
            break;
        }
    }
    assert_eq!(answers, [true, false]);
    // A minute before the last change, so that decisions that were still being written are seen.
    assert_eq!(since, "2026-09-21T14:12:20.5Z");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["id"], held["id"]);
}

/// Bytes for which an account was reported were once only held when the account sent them again.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_a_person_decided_to_report_are_blocked_when_the_account_sends_them_again() {
    let b = bench().await;
    let known = picture(1);
    b.list_with(&known, Action::Hold).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let (_, first) = b
        .screen("?surface=public", &more, "u-1", known.clone())
        .await;
    assert_eq!(first["action"], "hold");
    let case = first["case"].as_str().unwrap();
    for (ruling, action) in [(Ruling::Report, "block"), (Ruling::NoReport, "pass")] {
        let request = DecisionRequest {
            ruling,
            grounds: "g".into(),
            category: None,
        };
        casework::decide(&b.casework, case, &rita, &request)
            .await
            .unwrap();
        let (_, again) = b
            .screen("?surface=public", &more, "u-1", known.clone())
            .await;
        assert_eq!(again["action"], action, "{ruling:?}");
        let (_, other) = b
            .screen("?surface=public", &more, "u-2", known.clone())
            .await;
        assert_eq!(other["action"], "hold", "another account");
    }
}

/// An approval or an appeal, which decide nothing, once reversed a decision about the same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn the_latest_decision_counts_not_the_latest_change() {
    let b = bench().await;
    let known = picture(1);
    b.list_with(&known, Action::Hold).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let olga = b.person("Olga", Role::ReportingOfficer).await;
    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let send = async || {
        b.screen("?surface=public", &more, "u-1", known.clone())
            .await
            .1
    };
    let first = send().await;
    b.rule(&rita, first["case"].as_str().unwrap(), Ruling::Report)
        .await;
    let second = send().await;
    assert_ne!(first["case"], second["case"]);
    b.rule(&rita, second["case"].as_str().unwrap(), Ruling::NoReport)
        .await;
    assert_eq!(send().await["action"], "pass");
    let case = first["case"].as_str().unwrap();
    let report = casework::file_latest(&b.casework, case, "webhook", false, "t")
        .await
        .unwrap();
    obhut_app::reports::approve(&b.casework, &report, &olga, None, false)
        .await
        .unwrap();
    assert_eq!(
        send().await["action"],
        "pass",
        "an older report was approved"
    );
    casework::file_appeal(&b.casework, case, "not me", "t")
        .await
        .unwrap();
    assert_eq!(send().await["action"], "pass", "an appeal is open");
}

/// A decision about a near match once also covered an entry that named exactly these bytes later.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_names_the_bytes_now_and_was_only_near_then_reopens_the_question() {
    let b = bench().await;
    let known = picture(1);
    let Compute::Pixels { one, .. } = kinds::by_name("pdq").unwrap().compute else {
        panic!()
    };
    let pdq = one(pixels(&bench::pool().decode(&known).unwrap())).digest;
    let near = format!("pdq,{},one\n", pdq.to_hex());
    let rita = b.person("Rita", Role::Reviewer).await;
    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let send = async || {
        b.screen("?surface=public", &more, "u-1", known.clone())
            .await
            .1
    };
    bench::signed_list(&b.casework, &format!("kind,digest,entry_id\n{near}")).await;
    let first = send().await;
    b.rule(&rita, first["case"].as_str().unwrap(), Ruling::NoReport)
        .await;
    assert_eq!(send().await["action"], "pass");
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&known));
    bench::signed_list(
        &b.casework,
        &format!("kind,digest,entry_id\n{near}sha256,{digest},one\n"),
    )
    .await;
    assert_eq!(send().await["action"], "block");
}

/// A file that joined the case after the person had looked was once released with the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_names_how_many_files_were_seen() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let reviewer = b.key(&[Right::Cases, Right::Decide], Some(&rita)).await;
    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let (_, first) = b
        .screen("?surface=public", &more, "u-1", known.clone())
        .await;
    let case = format!("/v1/cases/{}", first["case"].as_str().unwrap());
    let (_, seen) = b.call(&reviewer, "GET", &case, &Value::Null).await;
    b.screen("?surface=public", &more, "u-1", known).await;
    let decide = async |files: &Value| {
        let body = json!({"ruling": "no-report", "grounds": "g", "files": files});
        b.call(&reviewer, "POST", &format!("{case}/decisions"), &body)
            .await
    };
    let (status, answer) = decide(&seen["files"]).await;
    assert_eq!(status, 409, "{answer}");
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("2 files, not 1"),
        "{answer}"
    );
    assert_eq!(decide(&json!(2)).await.0, 200);
}

/// Each account's upload of the same bytes needs its own decision; the reviewer sees the others.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_about_the_same_bytes_elsewhere_is_shown() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let more = b
        .key(&[Right::Screen, Right::Findings, Right::Cases], None)
        .await;
    let mut cases = Vec::new();
    for (account, ruling) in [
        ("u-1", Some(Ruling::Report)),
        ("u-2", Some(Ruling::NoReport)),
        ("u-3", None),
    ] {
        let (_, answer) = b
            .screen("?surface=public", &more, account, known.clone())
            .await;
        if let Some(ruling) = ruling {
            b.rule(&rita, answer["case"].as_str().unwrap(), ruling)
                .await;
        }
        cases.push(answer["case"].as_str().unwrap().to_owned());
    }
    let exhibits = async |case: &str| {
        let path = format!("/v1/cases/{case}/exhibits");
        b.call(&more, "GET", &path, &Value::Null).await.1[0]["decided_elsewhere"].clone()
    };
    let seen = |found: &Value| -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let all = found.as_array().unwrap().iter();
        all.map(|e| (text(&e["case"]), text(&e["ruling"])))
            .collect()
    };
    let expected = |n: usize, ruling: &str| (cases[n].clone(), ruling.to_owned());
    assert_eq!(
        seen(&exhibits(&cases[2]).await),
        [expected(1, "no-report"), expected(0, "report")]
    );
    assert_eq!(seen(&exhibits(&cases[0]).await), [expected(1, "no-report")]);
    // A cleared person's case is no longer shown.
    let nina = b.person("Nina", Role::Appeals).await;
    let appeal = casework::file_appeal(&b.casework, &cases[0], "not me", "t")
        .await
        .unwrap();
    let upheld = AppealOutcome::Upheld;
    casework::decide_appeal(&b.casework, &cases[0], &appeal.id, &nina, upheld, "g")
        .await
        .unwrap();
    assert_eq!(seen(&exhibits(&cases[2]).await), [expected(1, "no-report")]);
}

/// Regression: `{"facts": []}` was read as facts without a field, and wiped what was on record.
#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_no_object_at_any_depth() {
    let b = bench().await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let rights = [
        Right::Cases,
        Right::Decide,
        Right::Screen,
        Right::Intake,
        Right::Findings,
    ];
    let key = b.key(&rights, Some(&rita)).await;
    let new =
        json!({"facts": {"reported": {"id": "u-1", "ip_events": [{"address": "300.1.1.1"}]}}});
    let (status, opened) = b.call(&key, "POST", "/v1/cases", &new).await;
    assert_eq!(status, 200, "{opened}");
    let fault = &opened["faults"][0]["field"];
    assert_eq!(fault, "facts.reported.ip_events[0].address");
    let case = opened["case"].as_str().unwrap();
    let facts = format!("/v1/cases/{case}/facts");
    let (_, read) = b.call(&key, "GET", &facts, &Value::Null).await;
    let version = &read["version"];
    for wrong in [
        json!([]),
        json!({"reported": []}),
        json!({"threads": [["t"]]}),
        json!({"reported": {"id": "a", "ip_events": [["192.0.2.1"]]}}),
    ] {
        let body = json!({"facts": wrong, "version": version});
        let (status, answer) = b.call(&key, "PUT", &facts, &body).await;
        assert_eq!(status, 400, "{body}: {answer}");
        let (status, answer) = b.call(&key, "POST", "/v1/cases", &body).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    let category =
        json!({"ruling": "report", "grounds": "g", "category": ["ncmec-industry", "A1"]});
    let decisions = format!("/v1/cases/{case}/decisions");
    let digests = json!({"digests": [["md5", "a".repeat(32)]]});
    for (path, body) in [
        (decisions.as_str(), category),
        ("/v1/match", digests),
        ("/v1/cases", json!({"facts": {}, "files": [[]]})),
    ] {
        let (status, answer) = b.call(&key, "POST", path, &body).await;
        assert_eq!(status, 400, "{path}: {answer}");
    }
    let (_, after) = b.call(&key, "GET", &facts, &Value::Null).await;
    assert_eq!(after, read);
}
