//! What goes wrong at a desk: a session that ends while a person writes, addresses that can't be read.

mod bench;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use bench::browser::Browser;
use bench::http::{Bench, bench, bench_at};
use bench::*;
use obhut_app::casework::{self, *};

async fn held(b: &Bench) -> String {
    b.list_with(&picture(1), Action::Hold).await;
    let platform = b.key(&[Right::Screen], None).await;
    b.screen("?surface=public", &platform, "u1", picture(1))
        .await;
    case_of(&b.casework, "u1").await
}

/// Regression: after half an hour of writing, *Decide* led to the sign-in page and the text was gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_survives_the_end_of_a_session() {
    let start = 1_780_000_000_000_000;
    let clock = Arc::new(SetClock(AtomicI64::new(start)));
    let b = bench_at(clock.clone()).await;
    let case = held(&b).await;
    let person = b.person("Rita", Role::Reviewer).await;
    let rights = [Right::Cases, Right::Decide, Right::Findings];
    let key = b.key(&rights, Some(&person)).await;
    let mut rita = Browser::signed_in(&b, &key).await;
    let page = rita.get(&format!("/cases/{case}")).await.body;
    let decision = format!("/cases/{case}/decision");
    let grounds = "A landscape & <nothing> else, “seen” whole.";
    let fields = [
        ("template", ""),
        ("ruling", "no-report"),
        ("grounds", grounds),
    ];
    clock.0.store(start + 31 * MINUTE, Ordering::Relaxed);

    let ended = rita.fill(&page, &decision, &fields).await;
    assert_eq!(ended.status, StatusCode::FORBIDDEN);
    let shown = "A landscape &amp; &lt;nothing&gt; else";
    assert!(ended.body.contains(shown), "{}", ended.body);
    // A wrong key keeps it, too.
    let wrong = rita
        .fill(&ended.body, "/sign-in", &[("key", "obhut_wrong")])
        .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let again = rita.fill(&wrong.body, "/sign-in", &[("key", &key)]).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    let decisions = async || casework::decisions(&b.casework, &case).await.unwrap();
    assert!(decisions().await.is_empty(), "nothing is sent unasked");
    rita.cookie = again.cookie.unwrap();
    let sent = rita.fill(&again.body, &decision, &[]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let decided = decisions().await;
    assert_eq!(decided.len(), 1);
    assert!(decided[0].grounds().contains(grounds));
}

/// Another site could otherwise have a person send what they never wrote.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_form_of_this_server_is_kept() {
    let b = bench().await;
    let body = "token=x&grounds=two+words";
    let ask = async |path: &str, body: &str, more: &[(&str, &str)]| {
        let mut request = Request::post(path).header(header::HOST, "localhost");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        b.send(request).await.0
    };
    let cookie = ("cookie", "obhut-session=old");
    let other_site = ("sec-fetch-site", "cross-site");
    let decision = "/cases/case-1/decision";
    for (path, body, more, expected) in [
        (decision, body, vec![cookie], StatusCode::FORBIDDEN),
        // No session ever, another site's form, nothing written, no token.
        (decision, body, vec![], StatusCode::SEE_OTHER),
        (
            decision,
            body,
            vec![cookie, other_site],
            StatusCode::SEE_OTHER,
        ),
        (
            "/alarms/alarm-1/seen",
            "token=x",
            vec![cookie],
            StatusCode::SEE_OTHER,
        ),
        (
            decision,
            "grounds=two+words",
            vec![cookie],
            StatusCode::SEE_OTHER,
        ),
    ] {
        assert_eq!(
            ask(path, body, &more).await,
            expected,
            "{path} {body} {more:?}"
        );
    }
    // A form for elsewhere is dropped when signing in.
    let person = b.person("Rita", Role::Reviewer).await;
    let key = b.key(&[Right::Cases], Some(&person)).await;
    for to in [
        "//evil.example/",
        "https://evil.example/",
        "/a?b=c",
        "javascript:x",
    ] {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("key", &key);
        form.append_pair("unsent-to", to)
            .append_pair("unsent", body);
        let status = ask("/sign-in", &form.finish(), &[]).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{to}");
    }
}

/// Regression: these were plain text or JSON in the middle of a person's work.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_page_for_every_refusal() {
    let b = bench().await;
    let (rita, _) = Browser::of(&b, "Rita", Role::Reviewer).await;
    for (path, expected) in [
        ("/cases/%ff", StatusCode::BAD_REQUEST),
        ("/incoming?from=abc", StatusCode::BAD_REQUEST),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/sign-out", StatusCode::NOT_FOUND),
        ("/cases/case-0", StatusCode::NOT_FOUND),
    ] {
        let answered = rita.get(path).await;
        assert_eq!(answered.status, expected, "{path}");
        assert!(answered.body.starts_with("<!DOCTYPE html>"), "{path}");
    }
    // Programs get what they know.
    for path in ["/v1/nowhere", "/m/nowhere", "/nowhere"] {
        let (_, body) = b.get(path, None).await;
        assert!(body.starts_with('{'), "{path}: {body}");
    }
}

/// Accounts are found without their names getting into an address.
#[tokio::test(flavor = "multi_thread")]
async fn cases_are_found_by_account_upload_and_number() {
    let b = bench().await;
    let case = held(&b).await;
    let platform = b.key(&[Right::Screen], None).await;
    let (_, screened) = b
        .screen("?surface=public", &platform, "b & c", picture(1))
        .await;
    let upload = screened["id"].as_str().unwrap().to_owned();
    let other = case_of(&b.casework, "b & c").await;
    let (rita, person) = Browser::of(&b, "Rita", Role::Reviewer).await;
    let queue = rita.get("/cases").await.body;
    let find = async |what: &str| rita.fill(&queue, "/cases/found", &[("what", what)]).await;
    for (what, expected) in [
        ("u1", &case),
        (" b & c ", &other),
        (upload.as_str(), &other),
        (case.as_str(), &case),
    ] {
        let to = find(what).await.to;
        assert_eq!(
            to.as_deref(),
            Some(format!("/cases/{expected}").as_str()),
            "{what}"
        );
    }
    for nothing in ["u2", "", "screen-0", "case-0", "in-", "x\u{0}y"] {
        let answered = find(nothing).await;
        assert!(
            answered.status.is_client_error() || answered.to.is_some(),
            "{nothing:?}"
        );
        assert!(
            !answered.status.is_server_error(),
            "{nothing:?} {}",
            answered.body
        );
    }
    // Another case of the account.
    b.rule(&person, &case, Ruling::NoReport).await;
    let (_, again) = b
        .screen("?surface=public", &platform, "u1", picture(2))
        .await;
    assert_eq!(again["verdict"], "no-match");
    b.list_more(&picture(2)).await;
    b.screen("?surface=public", &platform, "u1", picture(2))
        .await;
    let both = find("u1").await;
    assert!(
        both.body.contains("2 cases are about this account"),
        "{}",
        both.body
    );
    let audit = casework::audit(&b.casework, None).await.unwrap();
    assert!(
        audit
            .iter()
            .all(|row| !row.detail.contains("b & c") && !row.subject.contains("b & c"))
    );
}

/// A key is replaced without an outage, and says when it was used last.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_works_until_its_end() {
    let start = 1_780_000_000_000_000;
    let clock = Arc::new(SetClock(AtomicI64::new(start)));
    let b = bench_at(clock.clone()).await;
    let person = b.person("Rita", Role::Reviewer).await;
    let rights = [Right::Cases, Right::Decide];
    let old = b.key(&rights, Some(&person)).await;
    let opens = async |key: &str| b.get("/v1/cases", Some(key)).await.0 == StatusCode::OK;
    let id = casework::keys(&b.casework).await.unwrap()[0].id.clone();
    assert!(casework::key_uses(&b.casework).await.unwrap().is_empty());
    assert!(opens(&old).await);
    // Recorded apart from the request.
    for _ in 0..500 {
        if !casework::key_uses(&b.casework).await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let used = casework::key_uses(&b.casework).await.unwrap();
    assert_eq!(used.get(&id), Some(&start));

    let until = start + 60 * MINUTE;
    let (key, new) = casework::rotate_api_key(&b.casework, &id, until, "test")
        .await
        .unwrap();
    assert_eq!((key.rights, key.person), (rights.to_vec(), Some(person.id)));
    assert!(opens(&old).await && opens(&new).await);
    clock.0.store(until, Ordering::Relaxed);
    assert!(!opens(&old).await && opens(&new).await);
    for gone in [id.as_str(), "key-0"] {
        let again = casework::rotate_api_key(&b.casework, gone, until, "test").await;
        assert!(again.is_err(), "{gone}");
    }
    // A session begun with a key is a use of it.
    let browser = Browser::signed_in(&b, &new).await;
    assert_eq!(browser.get("/cases").await.status, StatusCode::OK);
    let used = casework::key_uses(&b.casework).await.unwrap();
    assert_eq!(used.get(&key.id), Some(&until));
}
