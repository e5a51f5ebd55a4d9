//! The HTTP interface, called without a port.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use obhut_app::casework::*;
use obhut_app::media::*;
use obhut_app::{casework, media};
use serde_json::{Value, json};
use tower::ServiceExt as _;

struct Bench {
    app: Router,
    casework: Arc<Casework>,
    _folder: tempfile::TempDir,
}

fn pool() -> Arc<Pool> {
    let test = std::env::current_exe().unwrap();
    let program: PathBuf = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("obhut-decode");
    assert!(
        program.exists(),
        "run `cargo build -p obhut-decode` first, or test the whole workspace"
    );
    Arc::new(Pool::new(WorkerCommand { program }, Limits::default()))
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let casework = obhut_app::open(DataFolder::new(folder.path()), None, Arc::new(SystemClock))
        .await
        .unwrap();
    let casework = Arc::new(casework);
    Bench {
        app: obhut_server::app(casework.clone(), pool()),
        casework,
        _folder: folder,
    }
}

fn picture(seed: u32) -> Vec<u8> {
    let rgb = image::RgbImage::from_fn(160, 120, |x, y| {
        let v = (x * (3 + seed) + y * (7 + seed * 3)) ^ (x * y * (seed + 1) / 50);
        image::Rgb([v as u8, (v >> 2) as u8, (x + seed * 40) as u8])
    });
    let mut out = Cursor::new(Vec::new());
    rgb.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

impl Bench {
    async fn person(&self, name: &str, role: Role) -> Person {
        casework::add_person(&self.casework, name, &[role], "test")
            .await
            .unwrap()
    }

    async fn key(&self, rights: &[Right], person: Option<&Person>) -> String {
        casework::create_key(&self.casework, "test", rights, person, "test")
            .await
            .unwrap()
            .1
    }

    /// A list of that picture, by its MD5 as the shell would compute it, signed by two.
    async fn list(&self, picture: &[u8]) {
        self.list_with(picture, Action::Block).await;
    }

    async fn list_with(&self, picture: &[u8], action: Action) {
        let settings = ListSettings {
            name: "hotline".into(),
            owner: "Hotline".into(),
            purpose: Purpose::Assessed,
            basis: "law".into(),
            action,
        };
        let kind = obhut_hash::kinds::by_name("md5").unwrap();
        let obhut_hash::Compute::Bytes(compute) = kind.compute else {
            panic!()
        };
        let digest = compute(&mut &picture[..]).unwrap().to_hex();
        let csv =
            format!("kind,digest,category_scale,category,entry_id\nmd5,{digest},,,entry-one\n");
        media::import_list(&self.casework, &settings, csv.as_bytes(), "test")
            .await
            .unwrap();
        for name in ["Ada", "Grace"] {
            let person = self.person(name, Role::ListSteward).await;
            media::sign_list(&self.casework, "hotline", &person)
                .await
                .unwrap();
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, header::HeaderMap, String) {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (
            parts.status,
            parts.headers,
            String::from_utf8(bytes.to_vec()).unwrap(),
        )
    }

    async fn get(&self, path: &str, key: Option<&str>) -> (StatusCode, String) {
        let mut request = Request::get(path);
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let (status, _, body) = self.send(request.body(Body::empty()).unwrap()).await;
        (status, body)
    }

    async fn screen(
        &self,
        query: &str,
        key: &str,
        account: &str,
        bytes: Vec<u8>,
    ) -> (StatusCode, Value) {
        let request = Request::post(format!("/v1/screen{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header("Obhut-Account", account)
            .body(Body::from(bytes))
            .unwrap();
        let (status, _, body) = self.send(request).await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

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
    // Every basis needs an end; one that has passed opens nothing.
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
    let nobodys = b.key(&[Right::Cases], None).await;
    assert_eq!(b.get(&draft, Some(&nobodys)).await.0, StatusCode::FORBIDDEN);
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

/// Every error has a JSON body, also those of the router and of extractors.
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

/// The body of a request without a key is never buffered: here it never ends.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nobody_waits_for_the_body() {
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
async fn the_page_asks_for_a_key_shows_cases_and_loads_nothing_from_elsewhere() {
    let b = bench().await;
    let known = picture(1);
    b.list(&known).await;
    let platform = b.key(&[Right::Screen], None).await;
    b.screen("?surface=public", &platform, "account-9", known)
        .await;
    let cases = b.key(&[Right::Cases], None).await;
    let ask = Request::get("/")
        .header(header::ACCEPT_LANGUAGE, "de-DE")
        .body(Body::empty())
        .unwrap();
    let (status, headers, page) = b.send(ask).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Schlüssel") && page.contains("lang=\"de\"") && !page.contains("case-"));
    assert!(
        headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
    // As a browser posts the form: the key in the body, never in the address.
    let show = |key: &str| {
        Request::post("/")
            .body(Body::from(format!("key={key}")))
            .unwrap()
    };
    let (_, _, page) = b.send(show(&platform)).await;
    assert!(page.contains("role=\"alert\"") && !page.contains("case-"));
    let (_, _, page) = b.send(show(&cases)).await;
    assert!(page.contains("case-") && page.contains("1 of 1 wait"));
    assert!(
        !page.contains("account-9")
            && !page.contains("http://")
            && !page.contains("https://")
            && !page.contains("<script")
    );
    let (status, _) = b.get("/assets/style.css", None).await;
    assert_eq!(status, StatusCode::OK);
    // The page opened the cases to the key of a person who had lost every role.
    let c = &b.casework;
    let rita = casework::add_person(c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let ritas = b.key(&[Right::Cases], Some(&rita)).await;
    let (_, _, page) = b.send(show(&ritas)).await;
    assert!(page.contains("case-"));
    casework::withdraw_role(c, "Rita", Role::Reviewer, "test")
        .await
        .unwrap();
    let (_, _, page) = b.send(show(&ritas)).await;
    assert!(page.contains("role=\"alert\"") && !page.contains("case-"));
}

/// A key never does more than its person may: an auditor's opens none of it, whatever its right.
#[tokio::test(flavor = "multi_thread")]
async fn a_decide_key_of_an_auditor_read_drafts_and_sent_reports() {
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
    // A removed person's key, and one that has ended, open nothing at all.
    casework::remove_person(c, "Rita", "test").await.unwrap();
    assert_eq!(call(&ritas, "POST", &decide, ruling).await, 401);
}

/// Two schemas shared one name, so the document was wrong about one of them.
#[tokio::test(flavor = "multi_thread")]
async fn openapi_had_one_name_for_two_answers() {
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

impl Bench {
    async fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, _, text) = self.send(request).await;
        (
            status.as_u16(),
            serde_json::from_str(&text).unwrap_or(Value::Null),
        )
    }
}

/// An upload's case could get no IP address over HTTP, its file couldn't be viewed there, and the report
/// said "not viewed".
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
    // A typing error loses nothing.
    read["facts"]["victim"] = json!([]);
    assert_eq!(b.call(&key, "PUT", &facts, &read).await.0, 400);
    assert_eq!(
        b.call(&key, "GET", "/v1/cases/case-0/facts", &none).await.0,
        404
    );
    // Its file.
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

/// The platform didn't learn of a decision not to report, and the same upload was held again.
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
    // The same bytes: of the same account they follow the decision, of another they are judged again.
    for (account, action, cases) in [("u-1", "pass", 2), ("u-2", "block", 3), ("u-3", "block", 4)] {
        let (_, answer) = b
            .screen("?surface=public", &platform, account, known.clone())
            .await;
        assert_eq!(answer["action"], action, "{account}");
        let all = casework::cases(&b.casework, None).await.unwrap();
        assert_eq!(all.len(), cases, "{account}");
    }
    // A list that knows the file too, and didn't then, opens the question again.
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

/// Decided cases without an upload filled an answer, and `next` never moved on.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_decided_after_many_other_cases_are_reached() {
    let b = bench().await;
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
    // More than one answer holds (`CASES_MAX`).
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
    let mut found = Vec::new();
    for _ in 0..3 {
        let path = format!("/v1/screen?since={since}");
        let (_, answer) = b.call(&more, "GET", &path, &Value::Null).await;
        found.extend(answer["uploads"].as_array().unwrap().clone());
        if answer["more"] == false {
            break;
        }
        answer["next"].as_str().unwrap().clone_into(&mut since);
    }
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["id"], held["id"]);
}

/// The same bytes of an account that was reported for them were only held again.
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
