//! The fake CyberTipline answers as the service is documented to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use http_body_util::BodyExt as _;
use obhut_fakes::cybertip::{CyberTip, FaultInjection, Login};
use obhut_formats::tree;
use tower::ServiceExt as _;

struct Hand(AtomicI64);

struct Bench {
    app: Router,
    clock: Arc<Hand>,
    login: String,
}

const REPORT: &str = "<report><incidentSummary><incidentType>Child Sex Trafficking</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><reporter><reportingPerson><email>a@example.com</email></reportingPerson></reporter></report>";
const HOUR: i64 = 3_600 * 1_000_000;

impl Bench {
    fn new(faults: FaultInjection) -> Self {
        // A clock moved by hand: expiry takes a day.
        let clock = Arc::new(Hand(AtomicI64::new(1_790_000_000_000_000)));
        let hand = clock.clone();
        let now = Arc::new(move || hand.0.load(Ordering::SeqCst));
        let login = Login {
            user: "u".into(),
            password: "p".into(),
        };
        Self {
            app: CyberTip::new(login, faults, now).router(),
            clock,
            login: base64::engine::general_purpose::STANDARD.encode("u:p"),
        }
    }

    async fn raw(
        &self,
        path: &str,
        media: &str,
        body: String,
        login: &str,
    ) -> (u16, String, Vec<u8>) {
        let method = if body.is_empty() && media.is_empty() {
            "GET"
        } else {
            "POST"
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/ispws{path}"))
            .header("authorization", format!("Basic {login}"))
            .header("content-type", media)
            .body(Body::from(body))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let media = response
            .headers()
            .get("content-type")
            .map_or("", |v| v.to_str().unwrap())
            .to_owned();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map(|b| b.to_bytes().to_vec())
            .unwrap_or_default();
        (status, media, bytes)
    }

    async fn code(&self, path: &str, media: &str, body: &str) -> (u16, i64, tree::Node) {
        let (status, _, bytes) = self.raw(path, media, body.to_owned(), &self.login).await;
        let node = tree::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
        (
            status,
            node.text_of("responseCode").unwrap().parse().unwrap(),
            node,
        )
    }

    async fn xml(&self, path: &str, body: &str) -> (u16, i64, tree::Node) {
        self.code(path, "text/xml; charset=utf-8", body).await
    }

    async fn form(&self, path: &str, id: &str) -> i64 {
        let (_, code, _) = self
            .code(
                path,
                "application/x-www-form-urlencoded",
                &format!("id={id}"),
            )
            .await;
        code
    }

    async fn opened(&self, report: &str) -> String {
        let (_, code, node) = self.xml("/submit", report).await;
        assert_eq!(code, 0, "{node:?}");
        node.text_of("reportId").unwrap().to_owned()
    }

    async fn uploaded(&self, id: &str) -> (i64, tree::Node) {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n{id}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhello\r\n--b--\r\n"
        );
        let (_, code, node) = self
            .code("/upload", "multipart/form-data; boundary=b", &body)
            .await;
        (code, node)
    }
}

#[tokio::test]
async fn a_report_from_submit_to_finish_and_every_refusal() {
    let b = Bench::new(FaultInjection::default());
    // not:one, a login the fake does not know.
    let (status, _, body) = b.raw("/status", "", String::new(), "bm90Om9uZQ==").await;
    assert_eq!(
        (status, body.len()),
        (401, 0),
        "an empty body, as clients have seen"
    );
    let (_, code, node) = b.code("/status", "", "").await;
    assert!(code == 0 && node.child("reportId").is_none());

    // Malformed, not XML, another root, an element out of place, then values that the documentation
    // doesn't allow.
    for (body, expected) in [
        ("<report>", 4110),
        ("not xml", 4110),
        ("<fileDetails/>", 4100),
        (&REPORT.replace("<reporter>", "<victim/><reporter>"), 4100),
        (&REPORT.replace("2026-01-01", "2126-01-01"), 4100),
        (&REPORT.replace("a@example.com", ""), 4100),
        (&REPORT.replace("</incidentSummary>", "</incidentSummary><internetDetails><webPageIncident><url>https://example.com/a b</url></webPageIncident></internetDetails>"), 4100),
        (&REPORT.replace("<incidentDateTime>", &format!("<platform>{}</platform><incidentDateTime>", "x".repeat(257))), 4100),
    ] {
        let (status, code, node) = b.xml("/submit", body).await;
        assert_eq!((status, code), (200, expected), "errors come with HTTP 200: {node:?}");
    }
    assert_eq!(b.code("/submit", "application/json", REPORT).await.1, 4000);

    let id = b.opened(REPORT).await;
    let (code, node) = b.uploaded(&id).await;
    assert_eq!(
        (code, node.text_of("hash")),
        (0, Some("5d41402abc4b2a76b9719d911017c592"))
    );
    let file = node.text_of("fileId").unwrap().to_owned();
    let details = |file: &str, more: &str| {
        format!("<fileDetails><reportId>{id}</reportId><fileId>{file}</fileId>{more}</fileDetails>")
    };
    assert_eq!(b.xml("/fileinfo", &details("nobody", "")).await.1, 5002);
    assert_eq!(
        b.xml(
            "/fileinfo",
            &details(&file, "<exifViewedByEsp>true</exifViewedByEsp>")
        )
        .await
        .1,
        4100
    );
    assert_eq!(b.xml("/fileinfo", &details(&file, "")).await.1, 0);
    assert_eq!(b.form("/finish", "1").await, 5001);
    let (_, code, done) = b
        .code(
            "/finish",
            "application/x-www-form-urlencoded",
            &format!("id={id}"),
        )
        .await;
    assert_eq!(
        (code, done.child("files").unwrap().text_of("fileId")),
        (0, Some(file.as_str()))
    );
    assert_eq!(b.form("/finish", &id).await, 5102);
    assert_eq!(b.form("/retract", &id).await, 5102);
    assert_eq!(b.uploaded(&id).await.0, 5102);
    let other = b.opened(REPORT).await;
    assert_eq!(b.form("/retract", &other).await, 0);
    assert_eq!(b.form("/retract", &other).await, 5101);
    assert_eq!(b.form("/finish", &other).await, 5101);
}

#[tokio::test]
async fn an_unfinished_report_expires_at_the_later_of_two_times() {
    let b = Bench::new(FaultInjection::default());
    let quiet = b.opened(REPORT).await;
    let touched = b.opened(REPORT).await;
    // Half an hour before the day is over: the upload then keeps the report for another hour.
    b.clock.0.fetch_add(23 * HOUR + HOUR / 2, Ordering::SeqCst);
    assert_eq!(b.uploaded(&touched).await.0, 0);
    b.clock.0.fetch_add(3 * HOUR / 4, Ordering::SeqCst);
    // The first is gone a day after it was opened; the second was changed within the last hour.
    assert_eq!(b.form("/finish", &quiet).await, 5001);
    assert_eq!(b.uploaded(&touched).await.0, 0);
    b.clock.0.fetch_add(HOUR, Ordering::SeqCst);
    assert_eq!(b.form("/finish", &touched).await, 5001);
}

#[tokio::test]
async fn a_batched_report_has_exactly_one_file() {
    let b = Bench::new(FaultInjection::default());
    let batched = REPORT
        .replace("<report>", "<report><batchedReport reason=\"VIRAL_POTENTIAL_MEME\"/>")
        .replace("</report>", "<personOrUserReported><espIdentifier>a</espIdentifier></personOrUserReported><personOrUserReported><espIdentifier>b</espIdentifier></personOrUserReported></report>");
    assert_eq!(
        b.xml(
            "/submit",
            &batched.replace("</report>", "<additionalInfo>x</additionalInfo></report>")
        )
        .await
        .1,
        4100
    );
    assert_eq!(
        b.xml(
            "/submit",
            &batched.replace("<batchedReport reason=\"VIRAL_POTENTIAL_MEME\"/>", "")
        )
        .await
        .1,
        4100,
        "two people only in a batch"
    );
    let id = b.opened(&batched).await;
    let (status, code, _) = b
        .code(
            "/finish",
            "application/x-www-form-urlencoded",
            &format!("id={id}"),
        )
        .await;
    // Refused but not ended: the report can be completed afterwards.
    assert_eq!((status, code), (400, 4100));
    b.uploaded(&id).await;
    assert_eq!(b.form("/finish", &id).await, 0);
}

#[tokio::test]
async fn it_injects_the_configured_faults() {
    let all = |m: fn(&mut FaultInjection)| {
        let mut faults = FaultInjection::default();
        m(&mut faults);
        Bench::new(faults)
    };
    let b = all(|m| m.error_percent = 100);
    assert_eq!(b.raw("/status", "", String::new(), &b.login).await.0, 503);
    let b = all(|m| m.code_percent = 100);
    let (status, code, _) = b.code("/status", "", "").await;
    assert_eq!((status, code), (200, 1000));
    let b = all(|m| m.latin1 = true);
    let (_, media, _) = b.raw("/status", "", String::new(), &b.login).await;
    assert!(media.contains("ISO-8859-1"));
    let b = all(|m| m.md5_percent = 100);
    let id = b.opened(REPORT).await;
    assert_eq!(
        b.uploaded(&id).await.1.text_of("hash"),
        Some("00000000000000000000000000000000")
    );
    // The answer breaks off, although the request was done.
    let b = all(|m| m.lost_percent = 100);
    let (_, _, bytes) = b
        .raw("/submit", "text/xml", REPORT.to_owned(), &b.login)
        .await;
    assert!(bytes.is_empty(), "the body ended in an error");
    let b = all(|m| m.twice_percent = 100);
    let first: i64 = b.opened(REPORT).await.parse().unwrap();
    let second: i64 = b.opened(REPORT).await.parse().unwrap();
    assert_eq!(second - first, 2, "each was done twice");
}
