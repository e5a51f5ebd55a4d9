//! The platform learns from signed events what to release and what to remove, despite lost answers
//! and refusals.

mod bench;

use obhut_app::casework;
use obhut_app::casework::*;
use serde_json::{Value, json};

use bench::http::{Bench, bench};
use bench::picture;
use bench::platform::{Platform, drain, drain_with, set_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_reaches_the_platform_signed_and_once() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let key = b.key(&[Right::Screen, Right::Findings], None).await;
    let upload = async |account: &str| {
        let (_, answer) = b
            .screen("?surface=public", &key, account, known.clone())
            .await;
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("id"), text("case"))
    };
    // Before a platform is set up, no job enters the outbox.
    let (_, early) = upload("u-0").await;
    b.rule(&rita, &early, Ruling::NoReport).await;
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);

    let platform = Platform::default();
    set_up(&b, &platform.listen().await).await;
    let (first, case) = upload("u-1").await;
    let (second, same) = upload("u-1").await;
    assert_eq!(case, same);
    b.rule(&rita, &case, Ruling::NoReport).await;
    // A lost answer: sent again under the same id.
    platform.statuses.lock().unwrap().push_back(503);
    drain(&b).await;
    drain(&b).await;
    let got = platform.read();
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(got[0].0, got[1].0);
    let event = &got[1].1;
    assert_eq!(event["type"], "uploads.decided");
    let uploads: Vec<_> = event["data"]["uploads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| (u["id"].as_str().unwrap(), u["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        uploads,
        [(first.as_str(), "release"), (second.as_str(), "release")]
    );
    let text = event.to_string();
    assert!(!text.contains(&case) && !text.contains("hotline"), "{text}");
    drain(&b).await;
    assert_eq!(platform.read(), [], "taken once, sent once");

    // Two decisions before the platform hears of either: both events carry the latest state.
    b.rule(&rita, &case, Ruling::Report).await;
    b.rule(&rita, &case, Ruling::NoReport).await;
    drain(&b).await;
    let got = platform.read();
    assert_eq!(got.len(), 2);
    assert!(
        got.iter()
            .all(|(_, e)| e["data"]["uploads"][0]["state"] == "release"),
        "{got:?}"
    );
    // A decision about a case without uploads isn't sent to the platform.
    let file = CaseFile::from_json(br#"{"facts": {"reported": {"id": "x"}}}"#).unwrap();
    let made = casework::new_case(&b.casework, &file, Vec::new(), "test")
        .await
        .unwrap();
    b.rule(&rita, &made.case, Ruling::Report).await;
    drain(&b).await;
    assert_eq!(platform.read(), []);
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_refuses_is_named_in_an_alarm_and_nothing_is_lost() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let key = b.key(&[Right::Screen, Right::Findings], None).await;
    let platform = Platform::default();
    let url = platform.listen().await;
    set_up(&b, &url).await;
    let (_, answer) = b.screen("?surface=public", &key, "u", known).await;
    let case = answer["case"].as_str().unwrap();
    // 401: nothing more is sent until the operator sets the address again.
    platform.statuses.lock().unwrap().push_back(401);
    b.rule(&rita, case, Ruling::Report).await;
    drain(&b).await;
    assert_eq!(platform.read().len(), 1);
    drain(&b).await;
    assert_eq!(platform.read(), []);
    let alarms = casework::alarms(&b.casework).await.unwrap();
    assert!(
        alarms[0].text.contains("the platform's address"),
        "{alarms:?}"
    );
    set_up_again(&b, &url).await;
    // The waiting event is due now, not in an hour. The worker for reports doesn't send it.
    drain_with(&b, true, false).await;
    assert_eq!(platform.read(), []);
    drain_with(&b, false, true).await;
    let got = platform.read();
    assert_eq!(got[0].1["data"]["uploads"][0]["state"], "remove");
    // 410: the event is given up. An alarm says where the platform can ask, and asking works.
    platform.statuses.lock().unwrap().push_back(410);
    b.rule(&rita, case, Ruling::NoReport).await;
    drain(&b).await;
    let alarms = casework::alarms(&b.casework).await.unwrap();
    assert!(
        alarms.iter().any(|a| a.text.contains("GET /v1/screen")),
        "{alarms:?}"
    );
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);
    let path = format!("/v1/screen/{}", answer["id"].as_str().unwrap());
    let (_, _, state) = {
        let request = axum::http::Request::get(path)
            .header("Authorization", format!("Bearer {key}"))
            .body(axum::body::Body::empty())
            .unwrap();
        b.send(request).await
    };
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["state"], json!("release"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_turned_off_hears_nothing_more() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let key = b.key(&[Right::Screen, Right::Findings], None).await;
    let platform = Platform::default();
    set_up(&b, &platform.listen().await).await;
    let (_, answer) = b.screen("?surface=public", &key, "u", known).await;
    let case = answer["case"].as_str().unwrap();
    b.rule(&rita, case, Ruling::Report).await;
    let adam = casework::person(&b.casework, "Adam").await.unwrap();
    assert!(casework::forget_platform(&b.casework, &rita).await.is_err());
    casework::forget_platform(&b.casework, &adam).await.unwrap();
    b.rule(&rita, case, Ruling::NoReport).await;
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);
    drain(&b).await;
    assert_eq!(platform.read(), []);
}

async fn set_up_again(b: &Bench, url: &str) {
    let adam = casework::person(&b.casework, "Adam").await.unwrap();
    let mut channel = casework::channel(&b.casework, PLATFORM).await.unwrap();
    channel.url = Some(url.into());
    casework::set_channel(&b.casework, &channel, &adam)
        .await
        .unwrap();
}
