//! The HTTP interface, called without a port.

mod bench;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use obhut_app::casework::*;
use obhut_app::media::*;
use obhut_app::{casework, media};
use serde_json::{Value, json};

use bench::http::bench;
use bench::picture;

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_key_learns_verdict_action_and_an_opaque_id() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let key = b.key(&[Right::Screen], None).await;
    let (status, body) = b.screen("?surface=public", &key, "a", known.clone()).await;
    assert_eq!(status, StatusCode::OK);
    // All fields, so that a new one cannot slip out to plain keys unnoticed.
    let fields: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        fields,
        ["action", "id", "verdict"],
        "no list, no entry, no distance"
    );
    assert_eq!(
        (&body["verdict"], &body["action"]),
        (&"match".into(), &"block".into())
    );
    let (_, body) = b.screen("?surface=shared", &key, "a", picture(2)).await;
    assert_eq!(
        (&body["verdict"], &body["action"]),
        (&"no-match".into(), &"pass".into())
    );

    let more = b.key(&[Right::Screen, Right::Findings], None).await;
    let (_, body) = b.screen("?surface=public", &more, "a", known).await;
    assert_eq!(body["findings"][0]["entry"], "entry-one");
    assert!(body["case"].as_str().unwrap().starts_with("case-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_surface_is_required_and_private_messages_need_a_basis() {
    let b = bench().await;
    let key = b.key(&[Right::Screen], None).await;
    for query in ["", "?surface=attic", "?surface="] {
        assert_eq!(
            b.screen(query, &key, "a", picture(1)).await.0,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    let private = "?surface=private-message";
    let (status, body) = b.screen(private, &key, "a", picture(1)).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::FORBIDDEN, &"no-legal-basis".into())
    );
    // Every basis needs an end; this one ends in a minute.
    let ends = SystemClock.now_micros() + 60_000_000;
    casework::record_legal_basis(
        &b.casework,
        Surface::PrivateMessage,
        "law",
        "Ada",
        ends,
        "test",
    )
    .await
    .unwrap();
    assert_eq!(
        b.screen(private, &key, "a", picture(1)).await.0,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_needed_and_rights_are_kept_apart() {
    let b = bench().await;
    let screen = b.key(&[Right::Screen], None).await;
    let cases = b.key(&[Right::Cases], None).await;
    assert_eq!(b.get("/v1/cases", None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        b.get("/v1/cases", Some("obhut_0")).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        b.get("/v1/cases", Some(&screen)).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        b.get("/v1/cases", Some(&cases)).await,
        (StatusCode::OK, "[]".into())
    );
    assert_eq!(
        b.screen("?surface=public", &cases, "a", picture(1)).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        b.get("/v1/cases/case-0", Some(&cases)).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        b.get("/health", None).await,
        (StatusCode::OK, r#"{"status":"ok"}"#.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn from_upload_to_draft() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let platform = b.key(&[Right::Screen, Right::Findings], None).await;
    let reviewer = b.key(&[Right::Cases, Right::Decide], Some(&rita)).await;
    let (_, body) = b
        .screen("?surface=public", &platform, "J%C3%BCrgen", known.clone())
        .await;
    let case = body["case"].as_str().unwrap().to_owned();
    let (_, body) = b.get(&format!("/v1/cases/{case}"), Some(&reviewer)).await;
    let shown: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&shown["status"], &shown["files"]),
        (&"open".into(), &1.into())
    );
    assert!(
        shown["findings"][0].get("entry").is_none(),
        "this key has no right to it"
    );
    assert!(
        shown["findings"][0]["exhibit"].is_string(),
        "the upload was kept"
    );

    let draft = format!("/v1/cases/{case}/reports/ncmec/draft");
    assert_eq!(
        b.get(&draft, Some(&reviewer)).await.0,
        StatusCode::CONFLICT,
        "nobody has decided"
    );
    let decide = |key: String, body: Value| {
        Request::post(format!("/v1/cases/{case}/decisions"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let ruling = json!({ "ruling": "report", "grounds": "as assessed" });
    assert_eq!(
        b.send(decide(platform.clone(), ruling.clone())).await.0,
        StatusCode::FORBIDDEN
    );
    for wrong in [
        json!({ "ruling": "burn", "grounds": "g" }),
        json!({ "ruling": "report" }),
        json!([]),
    ] {
        assert_eq!(
            b.send(decide(reviewer.clone(), wrong)).await.0,
            StatusCode::BAD_REQUEST
        );
    }
    // Beyond the 64 KiB of an ordinary body.
    let long = json!({ "ruling": "report", "grounds": "x".repeat(70_000) });
    assert_eq!(
        b.send(decide(reviewer.clone(), long)).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let (status, _, body) = b.send(decide(reviewer.clone(), ruling)).await;
    assert_eq!(status, StatusCode::OK);
    let decision: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&decision["by"], &decision["ruling"]),
        (&"Rita".into(), &"report".into())
    );
    let (status, body) = b.get(&draft, Some(&reviewer)).await;
    assert_eq!(status, StatusCode::OK);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(
        body["report"]
            .as_str()
            .unwrap()
            .contains("<espIdentifier>Jürgen</espIdentifier>")
    );
    assert!(
        body["files"][0]
            .as_str()
            .unwrap()
            .contains("<fileViewedByEsp>false</fileViewedByEsp>")
    );
    assert!(
        body["remarks"]
            .to_string()
            .contains("reportingPerson/email")
    );
    // A draft needs a person; the right to read cases is not enough.
    let needs_no_basis = b.key(&[Right::Cases], None).await;
    assert_eq!(
        b.get(&draft, Some(&needs_no_basis)).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        b.get(&draft.replace("ncmec", "nobody"), Some(&reviewer))
            .await
            .0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_held_if_it_claims_to_be_a_picture() {
    let b = bench().await;
    // A PDQ list, because with byte digests alone a file without pixels is simply no match.
    let rows = format!("kind,digest\npdq,{}\n", "1".repeat(64));
    let settings = ListSettings {
        name: "p".into(),
        owner: "o".into(),
        purpose: Purpose::Assessed,
        basis: "b".into(),
        action: Action::Hold,
    };
    media::import_list(&b.casework, &settings, rows.as_bytes(), "test")
        .await
        .unwrap();
    let key = b.key(&[Right::Screen], None).await;
    // Cut off: it begins like a picture and gives no pixels.
    let half = picture(1)[..500].to_vec();
    let (_, body) = b.screen("?surface=public", &key, "a", half).await;
    assert_eq!(
        (&body["verdict"], &body["action"]),
        (&"unreadable".into(), &"hold".into())
    );
    let (_, body) = b
        .screen("?surface=public", &key, "a", b"text".to_vec())
        .await;
    assert_eq!(
        (&body["verdict"], &body["action"]),
        (&"unreadable".into(), &"pass".into())
    );
    assert_eq!(
        b.screen("?surface=public", &key, "a", Vec::new()).await.0,
        StatusCode::BAD_REQUEST
    );
}

/// Every error has a JSON body, including those of the router and of extractors.
#[tokio::test(flavor = "multi_thread")]
async fn forms_strange_paths_and_wrong_queries_are_answered_in_json() {
    let b = bench().await;
    let key = b.key(&[Right::Screen], None).await;
    let form = Request::post("/v1/screen?surface=public")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from("--x--"))
        .unwrap();
    let wrong = Request::put("/v1/cases").body(Body::empty()).unwrap();
    let nowhere = Request::get("/v2").body(Body::empty()).unwrap();
    for (request, expected) in [(form, 400), (wrong, 405), (nowhere, 404)] {
        let (status, _, body) = b.send(request).await;
        assert_eq!(status.as_u16(), expected);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(body["message"].is_string());
    }
    assert_eq!(
        b.screen("?surface=public&dihedral=perhaps", &key, "a", picture(1))
            .await
            .0,
        StatusCode::BAD_REQUEST
    );
}

/// The body of a request without a key isn't buffered. Here it never ends, and the answer comes all
/// the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_request_without_a_key_is_not_awaited() {
    let b = bench().await;
    let endless = futures::stream::pending::<std::result::Result<Vec<u8>, std::io::Error>>();
    let request = Request::post("/v1/screen?surface=public")
        .body(Body::from_stream(endless))
        .unwrap();
    assert_eq!(b.send(request).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_openapi_name_what_there_is_and_nothing_sensitive() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let key = b.key(&[Right::Screen], None).await;
    b.screen("?surface=public", &key, "account-9", known).await;
    let (_, metrics) = b.get("/metrics", None).await;
    assert!(
        metrics.contains("obhut_screened_total{verdict=\"match\"} 1"),
        "{metrics}"
    );
    assert!(!metrics.contains("hotline") && !metrics.contains("account-9"));
    let (_, document) = b.get("/openapi.json", None).await;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v1/screen",
        "/v1/cases",
        "/v1/cases/{case}",
        "/v1/cases/{case}/decisions",
        "/v1/cases/{case}/reports/{destination}/draft",
        "/health",
        "/metrics",
    ] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditors_decide_key_opens_no_draft_and_sends_nothing() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let c = &b.casework;
    let auditor = casework::add_person(c, "Audrey", &[Role::Auditor], "test")
        .await
        .unwrap();
    let rita = casework::add_person(c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let key = b.key(&[Right::Decide], Some(&auditor)).await;
    let ritas = b.key(&[Right::Decide], Some(&rita)).await;
    let new = CaseFile::from_json(br#"{"facts": {"reported": {"id": "x"}}}"#).unwrap();
    let case = casework::new_case(c, &new, Vec::new(), "test")
        .await
        .unwrap()
        .case;
    let call = async |key: &str, method: &str, path: &str, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        b.send(request).await.0.as_u16()
    };
    let decide = format!("/v1/cases/{case}/decisions");
    let ruling = r#"{"ruling": "report", "grounds": "g"}"#;
    assert_eq!(call(&key, "POST", &decide, ruling).await, 403);
    // Invalid input is 422, a refused state 409.
    assert_eq!(
        call(
            &ritas,
            "POST",
            &decide,
            r#"{"ruling": "report", "grounds": " "}"#
        )
        .await,
        422
    );
    assert_eq!(call(&ritas, "POST", &decide, ruling).await, 200);
    let report = casework::file_latest(c, &case, "ncmec", false, "test")
        .await
        .unwrap();
    for (method, path, body) in [
        ("GET", format!("/v1/cases/{case}/reports/ncmec/draft"), ""),
        (
            "POST",
            format!("/v1/cases/{case}/reports"),
            r#"{"destination": "xarf"}"#,
        ),
        ("POST", format!("/v1/reports/{report}/approval"), "{}"),
        ("POST", format!("/v1/reports/{report}/sending"), "{}"),
        (
            "POST",
            format!("/v1/reports/{report}/retraction"),
            r#"{"reason": "r"}"#,
        ),
        (
            "POST",
            format!("/v1/reports/{report}/outcomes"),
            r#"{"source": "s", "code": "useful"}"#,
        ),
        (
            "POST",
            format!("/v1/cases/{case}/appeals"),
            r#"{"reason": "r"}"#,
        ),
    ] {
        assert_eq!(call(&key, method, &path, body).await, 403, "{path}");
    }
    // A removed person's key opens nothing at all.
    casework::remove_person(c, "Rita", "test").await.unwrap();
    assert_eq!(call(&ritas, "POST", &decide, ruling).await, 401);
}

/// Two schemas once shared one name, so the document was wrong about one of them.
#[tokio::test(flavor = "multi_thread")]
async fn openapi_names_every_answer_apart() {
    let b = bench().await;
    let (_, document) = b.get("/openapi.json", None).await;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let schema = |path: &str| {
        document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            .clone()
    };
    // A schema may be written in place or referred to by name.
    let resolve = |schema: serde_json::Value| match schema["$ref"].as_str() {
        Some(at) => document.pointer(&at[1..]).expect("it is there").clone(),
        None => schema,
    };
    let matched = resolve(schema("/v1/match"));
    assert!(matched["properties"]["results"].is_object(), "{matched}");
    let screened = resolve(schema("/v1/screen"));
    assert!(screened["properties"]["id"].is_object(), "{screened}");
    let paid = resolve(schema("/v1/payments"));
    let either = paid["oneOf"].as_array().or(paid["anyOf"].as_array());
    assert_eq!(either.map(Vec::len), Some(2), "one, or an array: {paid}");
}

/// Without pages, an answer took seconds with a hundred thousand cases.
#[tokio::test(flavor = "multi_thread")]
async fn cases_are_listed_page_by_page() {
    let b = bench().await;
    let key = b.key(&[Right::Cases], None).await;
    let rita = b.person("Rita", Role::Reviewer).await;
    let mut made = Vec::new();
    for n in 0..5 {
        let file = CaseFile::from_json(br#"{"facts": {}}"#).unwrap();
        let new = casework::new_case(&b.casework, &file, Vec::new(), "test").await;
        made.push(new.unwrap().case);
        if n % 2 == 0 {
            let request = DecisionRequest {
                ruling: Ruling::NoReport,
                grounds: "g".into(),
                category: None,
            };
            casework::decide(&b.casework, &made[n], &rita, &request)
                .await
                .unwrap();
        }
    }
    for (query, expected) in [
        ("?limit=2", vec![4, 3, 2, 1, 0]),
        ("?limit=5", vec![4, 3, 2, 1, 0]),
        ("?limit=1&status=closed", vec![4, 2, 0]),
        ("?limit=2&status=open", vec![3, 1]),
        ("?status=reported", vec![]),
    ] {
        let (mut seen, mut before) = (Vec::new(), String::new());
        loop {
            let request = Request::get(format!("/v1/cases{query}{before}"))
                .header(header::AUTHORIZATION, format!("Bearer {key}"))
                .body(Body::empty())
                .unwrap();
            let (status, headers, body) = b.send(request).await;
            assert_eq!(status, 200, "{body}");
            let page: Vec<Value> = serde_json::from_str(&body).unwrap();
            seen.extend(page.iter().map(|c| c["id"].as_str().unwrap().to_owned()));
            let Some(next) = headers.get("obhut-next") else {
                break;
            };
            before = format!("&before={}", next.to_str().unwrap());
            assert!(seen.len() < 10, "it comes to an end");
        }
        let expected: Vec<_> = expected.into_iter().map(|n: usize| &made[n]).collect();
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for wrong in [
        "?limit=0",
        "?limit=1001",
        "?before=x",
        "?before=1",
        "?after=1",
    ] {
        let (status, _) = b.get(&format!("/v1/cases{wrong}"), Some(&key)).await;
        assert_eq!(status, 400, "{wrong}");
    }
}
