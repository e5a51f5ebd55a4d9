//! A person asks the platform about a case, and the platform answers: signed events go out, and
//! facts and files are added.

mod bench;

use base64::Engine as _;
use obhut_app::casework;
use obhut_app::casework::*;
use serde_json::{Value, json};

use bench::http::{Bench, bench};
use bench::picture;
use bench::platform::{Platform, drain, set_up};

struct Asked {
    b: Bench,
    platform: Platform,
    /// The platform's key.
    key: String,
    rita: String,
    case: String,
    upload: String,
}

/// Sets up a platform, and a case with one blocked upload by `account`.
async fn asked(account: &str) -> Asked {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let key = b.key(&[Right::Screen, Right::Findings], None).await;
    let platform = Platform::default();
    set_up(&b, &platform.listen().await).await;
    let (_, answer) = b.screen("?surface=public", &key, account, known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let rita = b.key(&[Right::Cases, Right::Decide], Some(&rita)).await;
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let (case, upload) = (text("case"), text("id"));
    Asked {
        b,
        platform,
        key,
        rita,
        case,
        upload,
    }
}

impl Asked {
    async fn ask(&self, body: Value) -> (u16, Value) {
        let path = format!("/v1/cases/{}/information", self.case);
        self.b.call(&self.rita, "POST", &path, &body).await
    }

    /// Asks; returns the request's id.
    async fn request(&self) -> String {
        let body = json!({ "wanted": ["ip-events", "files", "ip-events"], "due_at": "2100-01-01T00:00:00Z" });
        let (status, made) = self.ask(body).await;
        assert_eq!(status, 200, "{made}");
        made["request"].as_str().unwrap().to_owned()
    }

    async fn answer(&self, request: &str, body: &Value) -> (u16, Value) {
        let path = format!("/v1/information/{request}");
        self.b.call(&self.key, "POST", &path, body).await
    }

    async fn facts(&self) -> Value {
        let facts = casework::facts(&self.b.casework, &self.case).await;
        serde_json::to_value(facts.unwrap()).unwrap()
    }

    async fn end(&self, request: &str) -> Value {
        let path = format!("/v1/cases/{}/information", self.case);
        let (_, all) = self.b.call(&self.rita, "GET", &path, &Value::Null).await;
        let all = all.as_array().unwrap();
        all.iter().find(|r| r["request"] == *request).unwrap()["ended_because"].clone()
    }
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_asked_and_its_answer_is_added_once() {
    let a = asked("u-1").await;
    let request = a.request().await;
    drain(&a.b).await;
    let [(_, event)] = &a.platform.read()[..] else {
        panic!("one event")
    };
    assert_eq!(event["type"], "information.requested");
    assert_eq!(
        event["data"],
        json!({ "request": request, "account": "u-1", "uploads": [a.upload], "wanted": ["ip-events", "files"],
                "due_at": "2100-01-01T00:00:00Z" })
    );
    assert!(!event.to_string().contains(&a.case), "no case: {event}");

    // The platform answers in two parts. Each is sent twice, as if the response had been lost.
    let other = picture(7);
    let first = json!({ "complete": false, "uploads": [
        { "id": a.upload, "facts": { "ip": "192.0.2.7", "port": 4711, "at": "2026-11-01T10:00:00Z" } },
        { "facts": { "ip": "192.0.2.8", "at": "2026-11-02T10:00:00Z" } }] });
    let second = json!({ "files": [{ "content": base64(&other), "name": "b.png", "facts": { "ip": "192.0.2.9", "at": "2026-11-03T10:00:00Z" } }] });
    for body in [&first, &first, &second, &second] {
        let (status, said) = a.answer(&request, body).await;
        assert_eq!(status, 204, "{body}: {said}");
    }
    let facts = a.facts().await;
    let events = facts["reported"]["ip_events"].as_array().unwrap();
    let addresses: Vec<_> = events
        .iter()
        .map(|e| e["address"].as_str().unwrap())
        .collect();
    assert_eq!(addresses, ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
    let exhibits = casework::exhibits_of_case(&a.b.casework, &a.case)
        .await
        .unwrap();
    let names: Vec<_> = exhibits.iter().map(|e| e.intake.source.clone()).collect();
    assert_eq!(
        names
            .iter()
            .filter(|n| n.as_deref() == Some("b.png"))
            .count(),
        1,
        "{names:?}"
    );
    assert_eq!(a.end(&request).await, "answered");
    let alarms = casework::alarms(&a.b.casework).await.unwrap();
    assert!(alarms.iter().any(|l| l.kind == "information"), "{alarms:?}");
    // Another answer to a request that has ended is refused.
    assert_eq!(a.answer(&request, &first).await.0, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_makes_no_sense_is_refused() {
    let a = asked("u-1").await;
    let later = "2100-01-01T00:00:00Z";
    for (body, status) in [
        (json!({ "wanted": [], "due_at": later }), 422),
        (json!({ "wanted": ["passwords"], "due_at": later }), 400),
        (
            json!({ "wanted": ["files"], "due_at": "2020-01-01T00:00:00Z" }),
            422,
        ),
        (json!({ "wanted": ["files"], "due_at": "soon" }), 422),
    ] {
        let (given, said) = a.ask(body.clone()).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    let adam = casework::person(&a.b.casework, "Adam").await.unwrap();
    casework::forget_platform(&a.b.casework, &adam)
        .await
        .unwrap();
    let (status, said) = a.ask(json!({ "wanted": ["files"], "due_at": later })).await;
    assert_eq!(status, 409, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_adds_nothing() {
    let a = asked("u-1").await;
    let request = a.request().await;
    let (_, foreign) =
        a.b.screen("?surface=public", &a.key, "u-2", picture(1))
            .await;
    let before = a.facts().await;
    for (body, status) in [
        (
            json!({ "uploads": [{ "id": foreign["id"], "facts": { "ip": "192.0.2.1" } }] }),
            422,
        ),
        (json!({ "account": "u-2" }), 422),
        (
            json!({ "uploads": [{ "facts": { "ip": "300.0.2.1" } }] }),
            422,
        ),
        (json!({ "files": [{ "content": "%" }] }), 400),
        (json!({ "nonsense": 1 }), 400),
        (json!([]), 400),
    ] {
        let (given, said) = a.answer(&request, &body).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    assert_eq!(a.answer("deadline-none", &json!({})).await.0, 404);
    // A person's key lacks the platform's right, `screen`.
    let path = format!("/v1/information/{request}");
    assert_eq!(a.b.call(&a.rita, "POST", &path, &json!({})).await.0, 403);
    assert_eq!(a.facts().await, before);
    assert_eq!(a.end(&request).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_not_to_report_ends_what_was_asked() {
    let a = asked("u-1").await;
    let request = a.request().await;
    let rita = casework::person(&a.b.casework, "Rita").await.unwrap();
    a.b.rule(&rita, &a.case, Ruling::NoReport).await;
    assert_ne!(a.end(&request).await, Value::Null);
    drain(&a.b).await;
    let got = a.platform.read();
    let kinds: Vec<_> = got
        .iter()
        .map(|(_, e)| e["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["uploads.decided"], "no longer asked");
    let use_of_it = json!({ "uploads": [{ "facts": { "ip": "192.0.2.1" } }] });
    assert_eq!(a.answer(&request, &use_of_it).await.0, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_named_for_one_upload_without_one() {
    let a = asked("").await;
    let request = a.request().await;
    drain(&a.b).await;
    assert_eq!(a.platform.read()[0].1["data"]["account"], Value::Null);
    // It names neither an account nor an upload.
    let vague = json!({ "uploads": [{ "facts": { "ip": "192.0.2.1" } }] });
    assert_eq!(a.answer(&request, &vague).await.0, 422);
    let named = json!({ "account": "u-9", "uploads": [{ "facts": { "ip": "192.0.2.1" } }] });
    let (status, said) = a.answer(&request, &named).await;
    assert_eq!(status, 204, "{said}");
    assert_eq!(a.facts().await["reported"]["id"], "u-9");

    // Two uploads of the same bytes without an account may come from two people.
    let a = asked("").await;
    a.b.screen("?surface=public", &a.key, "", picture(1)).await;
    let request = a.request().await;
    let (status, said) = a.answer(&request, &named).await;
    assert_eq!(status, 422, "{said}");
    let of_one = json!({ "uploads": [{ "id": a.upload, "facts": { "email": "a@example.org", "at": "2026-11-01T10:00:00Z" } }] });
    assert_eq!(a.answer(&request, &of_one).await.0, 204);
    assert_eq!(a.facts().await["reported"], Value::Null);
}

/// A child's name and e-mail address once went into a file's note, which even reports without the
/// children's data contain. And a blank before the id made the child look like another account,
/// which was reported.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_s_account_is_never_reported_and_its_data_go_nowhere() {
    let a = asked("").await;
    let facts = Facts::from_json(br#"{"victims": [{"id": "kid"}]}"#).unwrap();
    casework::set_facts(&a.b.casework, &a.case, &facts, "test")
        .await
        .unwrap();
    let request = a.request().await;
    let upload = json!([{ "id": a.upload, "facts": { "email": "kid@example.org", "screen_name": "kidname" } }]);
    for (account, status) in [
        (Value::Null, 422),
        (json!(" kid"), 422),
        (json!("KID"), 422),
        (json!("kid"), 204),
    ] {
        let body = json!({ "account": account, "uploads": upload, "complete": false });
        let (given, said) = a.answer(&request, &body).await;
        assert_eq!(given, status, "{account}: {said}");
        let text = a.facts().await.to_string();
        assert!(
            !text.contains("kid@") && !text.contains("kidname"),
            "{text}"
        );
        assert_eq!(a.facts().await["reported"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_only_names_the_account_is_kept() {
    let a = asked("").await;
    let request = a.request().await;
    assert_eq!(
        a.answer(&request, &json!({ "account": "u-9" })).await.0,
        204
    );
    assert_eq!(a.facts().await["reported"]["id"], "u-9");
    let (status, said) = a.answer(&request, &json!({ "complete": false })).await;
    assert_eq!(status, 409);
    assert!(!said.to_string().contains("answered"), "no reason: {said}");
}

/// The same answer sent in parallel was once sealed for each request, and all but one were refused.
/// And the file of an answer that was refused in the end stayed in the vault.
#[tokio::test(flavor = "multi_thread")]
async fn answers_sent_at_the_same_time_are_taken_once() {
    let a = asked("u-1").await;
    let request = a.request().await;
    let body = json!({ "files": [{ "content": base64(&picture(7)), "name": "b.png" }] });
    let all = futures::future::join_all((0..6).map(|_| a.answer(&request, &body))).await;
    assert!(all.iter().all(|(status, _)| *status == 204), "{all:?}");
    let exhibits = async || {
        casework::exhibits_of_case(&a.b.casework, &a.case)
            .await
            .unwrap()
    };
    assert_eq!(exhibits().await.len(), 2, "the upload and the file");

    // The same file, sent in parallel in six parts of another answer, is kept once and can be read.
    let request = a.request().await;
    let parts: Vec<_> = (1..=6)
        .map(|n| {
            json!({ "complete": false, "uploads": [{ "facts": { "ip": format!("192.0.2.{n}") } }],
                    "files": [{ "content": base64(&picture(9)), "name": "d.png" }] })
        })
        .collect();
    let all = futures::future::join_all(parts.iter().map(|body| a.answer(&request, body))).await;
    assert!(all.iter().all(|(status, _)| *status == 204), "{all:?}");
    let kept = exhibits().await;
    assert_eq!(kept.len(), 3, "one more");
    let rita = casework::person(&a.b.casework, "Rita").await.unwrap();
    let whole = Extent::Whole;
    let bytes = casework::view(&a.b.casework, &kept[2].id, &rita, "test", whole).await;
    assert_eq!(bytes.unwrap(), picture(9));
    a.answer(&request, &json!({})).await;

    // A file of an answer is in the report.
    a.b.rule(&rita, &a.case, Ruling::Report).await;
    let report = casework::report(&a.b.casework, &a.case, false, "test")
        .await
        .unwrap();
    let form = obhut_app::formats::reports::by_name("webhook").unwrap();
    let rendered = report.render(form.renderer());
    assert!(rendered.text().unwrap().contains("b.png"));

    // An answer that comes after a decision not to report is refused, and no file of it stays.
    let request = a.request().await;
    let other = json!({ "files": [{ "content": base64(&picture(8)), "name": "c.png" }] });
    a.b.rule(&rita, &a.case, Ruling::NoReport).await;
    assert_eq!(a.answer(&request, &other).await.0, 409);
    assert_eq!(exhibits().await.len(), 3);
}

/// A request that the platform refused for good once hid the alarm about the one before.
#[tokio::test(flavor = "multi_thread")]
async fn each_request_that_is_given_up_has_its_alarm() {
    let a = asked("u-1").await;
    let (first, second) = (a.request().await, a.request().await);
    a.platform.statuses.lock().unwrap().extend([410, 410]);
    drain(&a.b).await;
    let alarms = casework::alarms(&a.b.casework).await.unwrap();
    for request in [first, second] {
        assert!(
            alarms.iter().any(|l| l.text.contains(&request)),
            "{alarms:?}"
        );
    }
    // A request that still waits when the platform is turned off raises an alarm too.
    a.request().await;
    let adam = casework::person(&a.b.casework, "Adam").await.unwrap();
    casework::forget_platform(&a.b.casework, &adam)
        .await
        .unwrap();
    let alarms = casework::alarms(&a.b.casework).await.unwrap();
    assert!(
        alarms.iter().any(|l| l.text.contains("turned off")),
        "{alarms:?}"
    );
}
