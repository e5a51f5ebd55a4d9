//! Over HTTP with keys only: a case comes in, is viewed, decided, reported, sent, contested without a
//! login, and reversed; reports from others come in.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use obhut_app::casework;
use obhut_app::casework::*;
use obhut_fakes::cybertip::{CyberTip, FaultInjection, Login};
use serde_json::{Value, json};
use tower::ServiceExt as _;

mod bench;

struct Bench {
    app: Router,
    casework: Arc<Casework>,
    _folder: tempfile::TempDir,
    intake: String,
    rita: String,
    olga: String,
}

impl Bench {
    async fn new() -> Self {
        let (casework, folder) = bench::casework().await;
        let rita = casework::add_person(&casework, "Rita", &[Role::Reviewer], "test")
            .await
            .unwrap();
        let roles = [Role::Reviewer, Role::ReportingOfficer, Role::Administrator];
        let olga = casework::add_person(&casework, "Olga", &roles, "test")
            .await
            .unwrap();
        let key = async |name: &str, rights: &[Right], person: Option<&Person>| {
            casework::create_key(&casework, name, rights, person, "test")
                .await
                .unwrap()
                .1
        };
        let both = [Right::Cases, Right::Decide];
        let (intake, rita, olga) = (
            key("intake", &[Right::Intake], None).await,
            key("rita", &both, Some(&rita)).await,
            key("olga", &both, Some(&olga)).await,
        );
        let reporter = Reporter {
            service: "Example".into(),
            email: "trust@example.com".into(),
            ..Reporter::default()
        };
        casework::set_reporter(&casework, &reporter, "test")
            .await
            .unwrap();
        Self {
            app: obhut_server::app(casework.clone(), bench::pool()),
            casework,
            _folder: folder,
            intake,
            rita,
            olga,
        }
    }

    async fn call(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json");
        if !key.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(body.into()).unwrap();
        let (status, _, value) =
            bench::answer(self.app.clone().oneshot(request).await.unwrap()).await;
        (status, value)
    }

    async fn post(&self, key: &str, path: &str, body: Value) -> (u16, Value) {
        self.call(key, "POST", path, body.to_string()).await
    }

    async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        self.call(key, "GET", path, Body::empty()).await
    }
}

fn case() -> Value {
    json!({
        "facts": {
            "incident": "enticement", "tags": ["sextortion"],
            "reported": { "id": "user-1", "ip_events": [{ "address": "192.0.2.1", "port": 4711, "at": "2026-01-01T00:00:00Z" }] },
            "victims": [{ "id": "child-1" }],
            "threads": [{ "id": "t", "messages": [{ "from": "user-1", "text": "hello" }] }]
        },
        "files": [{ "content": "aGVsbG8=", "name": "a.png" }]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn from_case_file_to_receipt_and_back() {
    let b = Bench::new().await;
    let service = CyberTip::new(
        Login {
            user: "test".into(),
            password: "test".into(),
        },
        FaultInjection::default(),
        Arc::new(|| SystemClock.now_micros()),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = casework::person(&b.casework, "Olga").await.unwrap();
    let channel = Channel {
        destination: "ncmec".into(),
        url: Some(format!("http://{}/ispws", listener.local_addr().unwrap())),
        user: Some("test".into()),
        secret: Some(Sealed::new("test".into())),
        production: true,
        officer: Some(admin.id.clone()),
        ..Channel::default()
    };
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
    casework::set_channel(&b.casework, &channel, &admin)
        .await
        .unwrap();

    let (status, made) = b.post(&b.intake, "/v1/cases", case()).await;
    assert_eq!(status, 200, "{made}");
    let case = made["case"].as_str().unwrap().to_owned();
    assert!(made["exhibits"][0].is_string());
    // A key for intake alone sees nothing.
    assert_eq!(b.get(&b.intake, &format!("/v1/cases/{case}")).await.0, 403);

    let (status, check) = b
        .get(&b.rita, &format!("/v1/cases/{case}/check/ncmec"))
        .await;
    assert_eq!(status, 200);
    assert!(
        check["complete"].as_u64().unwrap() > 40 && check["at_risk"].as_u64().unwrap() > 40,
        "{check}"
    );
    for list in ["missing", "reasons", "omitted"] {
        assert!(!check[list].as_array().unwrap().is_empty(), "{list}");
    }
    assert!(
        check["omitted"]
            .as_array()
            .unwrap()
            .iter()
            .any(|o| o["field"] == "facts.victims")
    );
    assert_eq!(check["acceptable"], true);
    assert_eq!(
        b.get(&b.rita, &format!("/v1/cases/{case}/check/nobody"))
            .await
            .0,
        404
    );

    let reports = format!("/v1/cases/{case}/reports");
    let (status, refused) = b
        .post(&b.rita, &reports, json!({ "destination": "ncmec" }))
        .await;
    assert!(
        status == 409
            && refused["message"]
                .as_str()
                .unwrap()
                .contains("not decided yet")
    );
    let decision = json!({ "ruling": "report", "grounds": "as assessed" });
    assert_eq!(
        b.post(&b.rita, &format!("/v1/cases/{case}/decisions"), decision)
            .await
            .0,
        200
    );
    // Neither a destination nor a route on record: a report has no default receiver.
    let (status, refused) = b.post(&b.rita, &reports, json!({})).await;
    assert!(status == 409 && refused["message"].as_str().unwrap().contains("route"));
    let (_, filed) = b
        .post(
            &b.rita,
            &reports,
            json!({ "destination": "ncmec", "with_victims": true }),
        )
        .await;
    let report = filed[0]["id"].as_str().unwrap().to_owned();
    let sending = format!("/v1/reports/{report}/sending");
    assert_eq!(
        b.post(&b.olga, &sending, json!({})).await.0,
        409,
        "not before its approval"
    );
    let approval = format!("/v1/reports/{report}/approval");
    assert_eq!(
        b.post(&b.rita, &approval, json!({})).await.0,
        403,
        "not by a person without the role"
    );
    assert_eq!(b.post(&b.olga, &approval, json!({})).await.0, 200);
    let (status, sent) = b.post(&b.olga, &sending, json!({})).await;
    assert_eq!((status, &sent["filing"]), (200, &json!("filed")), "{sent}");
    assert_eq!(
        b.get(&b.rita, &format!("/v1/reports/{report}")).await.1["number"],
        sent["number"]
    );
    let xml = service
        .xml(sent["number"].as_str().unwrap().parse().unwrap())
        .unwrap();
    assert!(xml.contains("<victim>") && xml.contains("child-1"));
    assert_eq!(
        b.post(
            &b.olga,
            &format!("/v1/reports/{report}/outcomes"),
            json!({ "code": "useful", "source": "NCMEC" })
        )
        .await
        .0,
        204
    );
    assert_eq!(
        b.post(
            &b.olga,
            &format!("/v1/reports/{report}/outcomes"),
            json!({ "code": "nice", "source": "NCMEC" })
        )
        .await
        .0,
        400
    );
    assert_eq!(
        b.get(&b.rita, "/v1/due").await.1["deadlines"][0]["kind"],
        "preservation"
    );

    // The person concerned is notified, contests it without a login, and is cleared by another person.
    let notice = json!({ "measure": "account-closed", "language": "de", "contact": "https://example.com/appeal" });
    let (status, notice) = b
        .post(&b.rita, &format!("/v1/cases/{case}/notices"), notice)
        .await;
    assert_eq!(status, 200, "{notice}");
    let code = notice["code"].as_str().unwrap();
    assert_eq!(
        b.post(
            "",
            "/v1/appeals",
            json!({ "code": "wrong", "message": "m" })
        )
        .await
        .0,
        409
    );
    // This appeal is filed on the page, as a browser posts it; the one above used the API.
    let story = "%E4%B8%AD".repeat(9_000);
    let form = format!("code={code}&message=It+is+my+own+child+{story}");
    let (status, page) = b.call("", "POST", "/appeal", form).await;
    assert!(
        status == 200
            && page
                .as_str()
                .unwrap()
                .contains("We have received your appeal"),
        "{page}"
    );
    let appeal = casework::open_appeals(&b.casework).await.unwrap()[0]
        .id
        .clone();
    let decide = format!("/v1/appeals/{appeal}/decision");
    let upheld = json!({ "outcome": "upheld", "grounds": "harmless" });
    assert_eq!(
        b.post(&b.rita, &decide, upheld.clone()).await.0,
        409,
        "not by the person who decided"
    );
    assert_eq!(
        b.post(&b.olga, &decide, upheld.clone()).await.0,
        409,
        "nor by the person who approved"
    );
    let nina = casework::add_person(&b.casework, "Nina", &[Role::Appeals], "test")
        .await
        .unwrap();
    let rights = [Right::Cases, Right::Decide];
    let (_, key) = casework::create_key(&b.casework, "nina", &rights, Some(&nina), "test")
        .await
        .unwrap();
    assert_eq!(b.post(&key, &decide, upheld).await.0, 200);
    assert_eq!(
        b.get(&b.rita, &format!("/v1/reports/{report}")).await.1["status"],
        "retracting"
    );
    // The platform restores what was taken from the person, and records it.
    let (status, open) = b.get(&b.rita, "/v1/restorations").await;
    let open = open.as_array().unwrap();
    assert!(status == 200 && !open.is_empty(), "{open:?}");
    assert_eq!(b.get(&key, "/v1/restorations").await.0, 403, "no reviewer");
    for one in open {
        assert_eq!(one["case"], json!(case));
        let done = format!(
            "/v1/restorations/{}/done",
            one["restoration"].as_str().unwrap()
        );
        for status in [204, 404] {
            assert_eq!(b.post(&b.rita, &done, json!({})).await.0, status);
        }
    }
    let (_, left) = b.get(&b.rita, "/v1/restorations").await;
    assert_eq!(left, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhibit_is_added_and_shown_blurred_first() {
    let b = Bench::new().await;
    let (_, made) = b.post(&b.intake, "/v1/cases", case()).await;
    let case = made["case"].as_str().unwrap().to_owned();
    let path = format!("/v1/cases/{case}/exhibits");
    let picture = bench::picture(1);
    assert_eq!(
        b.call(&b.intake, "POST", &path, picture.clone()).await.0,
        403
    );
    assert_eq!(b.call(&b.rita, "POST", &path, Body::empty()).await.0, 400);
    let unknown = "/v1/cases/case-0/exhibits";
    assert_eq!(
        b.call(&b.rita, "POST", unknown, picture.clone()).await.0,
        404
    );
    let (status, added) = b.call(&b.rita, "POST", &path, picture.clone()).await;
    assert_eq!(
        (status, &added["bytes"]),
        (200, &json!(picture.len())),
        "{added}"
    );
    let exhibit = added["exhibit"].as_str().unwrap().to_owned();

    let views = format!("/v1/exhibits/{exhibit}/views");
    let ask = json!({ "purpose": "triage", "extent": "blurred" }).to_string();
    let request = Request::post(&views)
        .header(header::AUTHORIZATION, format!("Bearer {}", b.rita))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(ask.clone()))
        .unwrap();
    let response = b.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "image/png");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let png = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap()
        .to_bytes();
    let small = image::load_from_memory(&png).unwrap();
    assert!(small.width().max(small.height()) <= 256 && small.color() == image::ColorType::L8);
    // The picture's neighbouring pixels differ strongly; the blurred ones nowhere by more than 40.
    let grey = small.to_luma8();
    for (x, y, p) in grey.enumerate_pixels().filter(|(x, ..)| *x > 0) {
        assert!(
            p.0[0].abs_diff(grey.get_pixel(x - 1, y).0[0]) <= 40,
            "{x} {y}"
        );
    }
    let (_, exhibits) = b.get(&b.rita, &path).await;
    let seen: Vec<_> = exhibits
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["exhibit"] == json!(exhibit))
        .map(|e| e["views"][0]["extent"].clone())
        .collect();
    assert_eq!(seen, [json!("blurred")]);
    let of_picture = exhibits
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["exhibit"] == json!(exhibit));
    assert_eq!(of_picture.unwrap()["media_type"], "image/png");
    // A person who saw only the rendition hasn't viewed the file.
    let decision = json!({ "ruling": "report", "grounds": "as assessed",
                           "category": { "scale": "ncmec-industry", "value": "A2" } });
    let decide = format!("/v1/cases/{case}/decisions");
    assert_eq!(b.post(&b.rita, &decide, decision).await.0, 200);
    let draft = format!("/v1/cases/{case}/reports/ncmec/draft");
    let (_, draft) = b.get(&b.olga, &draft).await;
    assert!(
        !draft
            .to_string()
            .contains("<fileViewedByEsp>true</fileViewedByEsp>"),
        "{draft}"
    );

    // Text has no rendition, and its bytes are not served instead.
    let text = made["exhibits"][0].as_str().unwrap();
    let (status, said) = b
        .call(&b.rita, "POST", &format!("/v1/exhibits/{text}/views"), ask)
        .await;
    assert_eq!(
        (status, &said["error"]),
        (422, &json!("no-rendition")),
        "{said}"
    );
    let (_, exhibits) = b.get(&b.rita, &path).await;
    let of_text = exhibits
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["exhibit"] == made["exhibits"][0])
        .unwrap();
    assert_eq!(of_text["views"][0]["extent"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embargo_is_set_and_lifted_by_an_officer() {
    let b = Bench::new().await;
    let (_, made) = b.post(&b.intake, "/v1/cases", case()).await;
    let case = made["case"].as_str().unwrap().to_owned();
    let ruling = json!({ "ruling": "report", "grounds": "as assessed" });
    let decide = format!("/v1/cases/{case}/decisions");
    assert_eq!(b.post(&b.rita, &decide, ruling).await.0, 200);
    let path = format!("/v1/cases/{case}/embargo");
    let notice =
        json!({ "measure": "content-removed", "language": "en", "contact": "appeals@example.com" });
    let notices = format!("/v1/cases/{case}/notices");
    let order = json!({ "authority": "Prosecutor, 12 Js 3" });
    for (key, body, status) in [
        (&b.rita, &order, 403),
        (&b.olga, &json!({ "authority": " " }), 422),
        (
            &b.olga,
            &json!({ "authority": "P", "until": "tomorrow" }),
            422,
        ),
        (
            &b.olga,
            &json!({ "authority": "P", "until": "2020-01-01T00:00:00Z" }),
            422,
        ),
        (&b.olga, &order, 204),
    ] {
        let (given, said) = b.call(key, "PUT", &path, body.to_string()).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    assert_eq!(b.post(&b.rita, &notices, notice.clone()).await.0, 409);
    for (body, status) in [
        (json!({ "reason": "" }), 422),
        (json!({ "reason": "order of 1 March" }), 204),
    ] {
        let (given, said) = b.call(&b.olga, "DELETE", &path, body.to_string()).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    assert_eq!(b.post(&b.rita, &notices, notice).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sets_up_destinations_and_routes() {
    let b = Bench::new().await;
    let webhook = "/v1/destinations/webhook";
    let olga = casework::person(&b.casework, "Olga").await.unwrap().id;
    for (key, path, body, status) in [
        (&b.rita, webhook, json!({ "user": "u" }), 403),
        (
            &b.olga,
            "/v1/destinations/nowhere",
            json!({ "user": "u" }),
            404,
        ),
        (
            &b.olga,
            webhook,
            json!({ "url": "http://example.com/x" }),
            422,
        ),
        (&b.olga, webhook, json!({ "url": "ftp://127.0.0.1/x" }), 422),
        (&b.olga, webhook, json!({ "folder": "/etc" }), 400),
        (&b.olga, webhook, json!({ "secret": " " }), 422),
        // Regression: it failed only when the first event was to be signed.
        (&b.olga, webhook, json!({ "secret": "whsec_!" }), 422),
        (
            &b.olga,
            webhook,
            json!({ "url": "https://u:p@e.example/x" }),
            422,
        ),
        (
            &b.olga,
            "/v1/destinations/ncmec",
            json!({ "url": "https://exttest.cybertip.org/ispws", "user": "u", "secret": "p", "production": true }),
            422,
        ),
        (&b.olga, webhook, json!({ "production": true }), 422),
        (&b.olga, webhook, json!({ "recipient": "age1" }), 422),
        (
            &b.olga,
            webhook,
            json!({ "url": "https://hooks.example/T0K3N", "user": "u", "secret": "S3CR3T-of-24-bytes-or-more", "officer": olga }),
            204,
        ),
    ] {
        let (given, said) = b.call(key, "PATCH", path, body.to_string()).await;
        assert_eq!(given, status, "{body}: {said}");
        assert!(!said.to_string().contains("S3CR3T"));
    }
    // The password is sent only to the host it was set for, and the production host can't be set as
    // a test service.
    for (path, body, status) in [
        (webhook, json!({ "url": "https://evil.example/x" }), 422),
        (
            webhook,
            json!({ "url": "https://hooks.example/T0K3N" }),
            204,
        ),
        (
            "/v1/destinations/ncmec",
            json!({ "url": "https://report.cybertip.org/ispws", "user": "u", "secret": "S3CR3T", "officer": olga, "production": true }),
            204,
        ),
        (
            "/v1/destinations/ncmec",
            json!({ "production": false }),
            422,
        ),
        ("/v1/destinations/ncmec", json!({ "user": "" }), 422),
    ] {
        let (given, said) = b.call(&b.olga, "PATCH", path, body.to_string()).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    let (_, all) = b.get(&b.rita, "/v1/destinations").await;
    let text = all.to_string();
    assert!(
        !text.contains("S3CR3T") && !text.contains("T0K3N"),
        "{text}"
    );
    let set = all
        .as_array()
        .unwrap()
        .iter()
        .find(|d| d["name"] == "webhook")
        .unwrap();
    assert_eq!(
        (&set["address"], &set["has_secret"]),
        (&json!("https://hooks.example"), &json!(true))
    );
    casework::halt_channel(&b.casework, "webhook", "HTTP 401")
        .await
        .unwrap();
    let resume = "/v1/destinations/webhook/resumption";
    assert_eq!(b.post(&b.rita, resume, json!({})).await.0, 403);
    assert_eq!(b.post(&b.olga, resume, json!({})).await.0, 204);
    let channel = casework::channel(&b.casework, "webhook").await.unwrap();
    assert!(channel.halted.is_none() && channel.secret.is_some());

    let route = json!({ "destination": "webhook", "basis": "house rule", "user_country": "DE" });
    let wrong = |field: &str, value: &str| {
        let mut route = route.clone();
        route[field] = value.into();
        route
    };
    for (key, body, status) in [
        (&b.rita, route.clone(), 403),
        (&b.olga, wrong("basis", ""), 422),
        (&b.olga, wrong("destination", "nowhere"), 400),
        (&b.olga, wrong("surface", "everywhere"), 400),
        (&b.olga, wrong("from", "soon"), 422),
        (&b.olga, wrong("unless", "webhook"), 422),
        (
            &b.olga,
            json!({ "destination": "webhook", "basis": "b", "from": "2026-02-01", "until": "2026-01-31" }),
            422,
        ),
    ] {
        let (given, said) = b.post(key, "/v1/routes", body).await;
        assert_eq!(given, status, "{said}");
    }
    let (status, added) = b.post(&b.olga, "/v1/routes", route).await;
    assert_eq!(status, 200, "{added}");
    let mut german = case();
    german["facts"]["jurisdiction"] = json!({ "user_country": "DE" });
    let (_, made) = b.post(&b.intake, "/v1/cases", german).await;
    let routing = format!("/v1/cases/{}/routing", made["case"].as_str().unwrap());
    let (_, to) = b.get(&b.rita, &routing).await;
    assert_eq!(to["to"][0]["destination"], "webhook", "{to}");
    let id = added["route"].as_str().unwrap();
    for status in [204, 404] {
        let path = format!("/v1/routes/{id}");
        assert_eq!(
            b.call(&b.olga, "DELETE", &path, Body::empty()).await.0,
            status
        );
    }
    assert_eq!(b.get(&b.rita, "/v1/routes").await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_report_becomes_one_case() {
    let b = Bench::new().await;
    let line = "{\"account\": \"b\", \"tags\": [\"sextortion\"]}\n";
    b.call(&b.intake, "POST", "/v1/intake", line).await;
    let (_, queue) = b.get(&b.rita, "/v1/intake").await;
    let id = queue[0]["id"].as_str().unwrap();
    let open = format!("/v1/intake/{id}/case");
    assert_eq!(b.post(&b.intake, &open, json!({})).await.0, 403);
    let (status, first) = b.post(&b.rita, &open, json!({})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(b.post(&b.rita, &open, json!({})).await.1, first);
    let shown = format!("/v1/cases/{}", first["case"].as_str().unwrap());
    assert_eq!(b.get(&b.rita, &shown).await.0, 200);
    for unknown in ["in-999", "in-x", "%ff"] {
        let path = format!("/v1/intake/{unknown}/case");
        let (status, said) = b.post(&b.rita, &path, json!({})).await;
        assert!(matches!(status, 400 | 404), "{unknown}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_others_come_in_and_are_ranked() {
    let b = Bench::new().await;
    // The second report has the higher score, so the queue must reverse their order.
    let lines = "{\"account\": \"a\", \"files\": [{\"md5\": \"00000000000000000000000000000000\"}]}\n{\"account\": \"b\", \"tags\": [\"sextortion\"]}\n";
    let (status, came) = b.call(&b.intake, "POST", "/v1/intake", lines).await;
    assert_eq!((status, &came["taken"]), (200, &json!(2)), "{came}");
    let (_, broken) = b.call(&b.intake, "POST", "/v1/intake", "<report>").await;
    assert!(
        broken["reports"][0]["case"].is_string(),
        "what can't be read is a case: {broken}"
    );
    let (_, queue) = b.get(&b.rita, "/v1/intake?rows=2").await;
    let order: Vec<_> = queue
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["id"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["in-2", "in-1"]);
    assert_eq!(
        b.call(&b.rita, "POST", "/v1/intake", lines).await.0,
        403,
        "another right"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_file_is_refused_by_field_and_without_its_content() {
    let b = Bench::new().await;
    let (status, schema) = b.get("", "/v1/schemas/case").await;
    assert!(status == 200 && schema["$defs"]["Facts"].is_object());
    for (file, said) in [
        (json!({ "facts": { "victms": [] } }), "facts"),
        (
            json!({ "facts": { "reported": { "ip_events": [{ "port": "SECRET" }] } } }),
            "facts.reported.ip_events[0].port",
        ),
        (
            json!({ "files": [{ "path": "/etc/passwd" }] }),
            "files[0].path",
        ),
        (
            json!({ "files": [{ "content": "***" }] }),
            "files[0].content",
        ),
        (json!({ "embargo": { "until": "SECRET" } }), "embargo"),
    ] {
        // Field names may be repeated in an error, values never: they may be a child's.
        let (status, refused) = b.post(&b.intake, "/v1/cases", file.clone()).await;
        let text = refused["message"].as_str().unwrap_or_default();
        assert!(
            (400..500).contains(&status) && text.contains(said) && !text.contains("SECRET"),
            "{file} {refused}"
        );
    }
}

/// Regression: an approval over HTTP didn't name the fields that may be about a child; only the shell
/// did.
#[tokio::test]
async fn an_approval_over_http_names_the_fields_that_may_be_about_a_child() {
    let b = Bench::new().await;
    let facts = json!({ "facts": { "occurred_at": "2026-01-01T00:00:00Z",
        "reported": { "id": "u", "screen_name": "his girl lives at number five" },
        "note": "write to kid@example.com",
        "victims": [{ "id": "kid", "person": { "emails": [{ "address": "kid@example.com" }] } }] } });
    let case = b.post(&b.intake, "/v1/cases", facts).await.1["case"].clone();
    let case = case.as_str().unwrap();
    let decision = json!({ "ruling": "report", "grounds": "as assessed" });
    let decisions = format!("/v1/cases/{case}/decisions");
    assert_eq!(b.post(&b.rita, &decisions, decision).await.0, 200);
    let wanted = json!({ "destination": "webhook" });
    let reports = format!("/v1/cases/{case}/reports");
    let filed = b.post(&b.rita, &reports, wanted).await.1;
    let report = filed[0]["id"].as_str().unwrap();
    let approval = format!("/v1/reports/{report}/approval");
    let (status, approved) = b.post(&b.olga, &approval, json!({})).await;
    assert_eq!((status, &approved["status"]), (200, &json!("approved")));
    let remarks = approved["remarks"].as_array().unwrap();
    let fields: Vec<_> = remarks
        .iter()
        .map(|r| r["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["facts.reported.screen_name", "facts.note"]);
}
