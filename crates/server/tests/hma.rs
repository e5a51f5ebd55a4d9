//! HMA's interface: a recorded set of requests, replayed in order, each with the answer a client of
//! HMA 1.1.7 would get, or the right one where HMA misbehaves (docs/hma.md).

mod bench;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use obhut_app::casework;
use obhut_app::casework::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use bench::flat;

struct Bench {
    app: Router,
    casework: Arc<Casework>,
    key: String,
    _folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let (casework, folder) = bench::casework().await;
    let rights = [Right::Screen, Right::Findings, Right::Curate];
    Bench {
        app: obhut_server::app(casework.clone(), bench::pool()),
        key: bench::public_key(&casework, &rights).await,
        casework,
        _folder: folder,
    }
}

impl Bench {
    async fn send(&self, method: &str, path: &str, media: &str, body: Vec<u8>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, media)
            .body(Body::from(body))
            .unwrap();
        let (status, _, value) =
            bench::answer(self.app.clone().oneshot(request).await.unwrap()).await;
        (status, value)
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.send(method, path, "application/json", body).await
    }

    async fn file(&self, path: &str, field: &str, bytes: &[u8]) -> (u16, Value) {
        let body = bench::form(&[(field, "a.png", bytes)], &[]);
        self.send("POST", path, bench::FORM.1, body).await
    }
}

fn picture() -> Vec<u8> {
    bench::picture(1)
}

/// A PDQ digest of ones only, with its last `bits` bits cleared; at most 63.
fn near(bits: u32) -> String {
    // The shift clears `bits` of the last 64 bits; their number is the distance to `near(0)`.
    format!("{}{:016x}", "f".repeat(48), u64::MAX << bits)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_set_of_requests_is_answered_as_hma_does() {
    let b = bench().await;
    let far = "0".repeat(64);
    let lookup = |signal: &str| format!("/m/lookup?signal_type=pdq&signal={signal}");
    let raw = |signal: &str| format!("/m/raw_lookup?signal_type=pdq&signal={signal}");
    // Method, path, body, status, answer.
    let recorded: Vec<(&str, String, Value, u16, Value)> = vec![
        (
            "GET",
            "/status".into(),
            Value::Null,
            200,
            json!("I-AM-ALIVE"),
        ),
        (
            "GET",
            "/status/live".into(),
            Value::Null,
            200,
            json!("I-AM-ALIVE"),
        ),
        ("GET", "/c/banks".into(), Value::Null, 200, json!([])),
        (
            "POST",
            "/c/banks".into(),
            json!({"name": "BANK_A"}),
            201,
            json!({"name": "BANK_A", "matching_enabled_ratio": 1.0}),
        ),
        (
            "POST",
            "/c/banks".into(),
            json!({"name": "BANK_A"}),
            403,
            json!({"message": "Bank already exists"}),
        ),
        (
            "POST",
            "/c/banks".into(),
            json!({"name": "bank a"}),
            400,
            json!({"message": "Bank names must match [A-Z_][A-Z0-9_]*"}),
        ),
        (
            "GET",
            "/c/bank/BANK_A".into(),
            Value::Null,
            200,
            json!({"name": "BANK_A", "matching_enabled_ratio": 1.0}),
        ),
        (
            "GET",
            "/c/bank/NONE".into(),
            Value::Null,
            404,
            json!({"message": "bank 'NONE' not found"}),
        ),
        ("GET", lookup(&near(0)), Value::Null, 200, json!({})),
        (
            "POST",
            "/c/bank/BANK_A/signal".into(),
            json!({"pdq": near(0)}),
            200,
            json!({"id": 1, "signals": {"pdq": near(0)}}),
        ),
        (
            "POST",
            "/c/bank/BANK_A/signal".into(),
            json!({"pdq": far, "video_md5": "1".repeat(32), "note": "seen twice"}),
            200,
            json!({"id": 2, "signals": {"pdq": far, "video_md5": "1".repeat(32)}}),
        ),
        (
            "POST",
            "/c/bank/BANK_A/signal".into(),
            json!({}),
            400,
            json!({"message": "No signals given"}),
        ),
        (
            "POST",
            "/c/bank/BANK_A/signal".into(),
            json!({"photodna": "00"}),
            400,
            json!({"message": "No such signal type photodna"}),
        ),
        (
            "POST",
            "/c/bank/BANK_A/signal".into(),
            json!({"pdq": "00"}),
            400,
            json!({"message": "Invalid pdq signal: invalid PDQ hash"}),
        ),
        (
            "GET",
            lookup(&near(4)),
            Value::Null,
            200,
            json!({"BANK_A": [{"bank_content_id": 1, "distance": "4"}]}),
        ),
        (
            "GET",
            lookup(&near(31)),
            Value::Null,
            200,
            json!({"BANK_A": [{"bank_content_id": 1, "distance": "31"}]}),
        ),
        ("GET", lookup(&near(32)), Value::Null, 200, json!({})),
        // HMA accepts lower case only.
        (
            "GET",
            lookup(&near(4).to_uppercase()),
            Value::Null,
            200,
            json!({"BANK_A": [{"bank_content_id": 1, "distance": "4"}]}),
        ),
        (
            "GET",
            raw(&near(3)),
            Value::Null,
            200,
            json!({"matches": [1]}),
        ),
        (
            "GET",
            raw(&near(3)) + "&include_distance=true",
            Value::Null,
            200,
            json!({"matches": [{"bank_content_id": 1, "distance": "3"}]}),
        ),
        (
            "GET",
            raw(&near(3)) + "&banks=OTHER",
            Value::Null,
            200,
            json!({"matches": []}),
        ),
        (
            "GET",
            raw(&near(3)) + "&banks=OTHER,BANK_A",
            Value::Null,
            200,
            json!({"matches": [1]}),
        ),
        (
            "GET",
            raw("nonsense"),
            Value::Null,
            400,
            json!({"message": "invalid signal: invalid PDQ hash"}),
        ),
        (
            "GET",
            "/m/raw_lookup?signal_type=tlsh&signal=00".into(),
            Value::Null,
            400,
            json!({"message": "No such SignalType 'tlsh'"}),
        ),
        (
            "GET",
            "/m/lookup".into(),
            Value::Null,
            400,
            json!({"message": "Either url or both signal and signal_type are required"}),
        ),
        (
            "GET",
            format!("/m/lookup?signal_type=video_md5&signal={}", "1".repeat(32)),
            Value::Null,
            200,
            json!({"BANK_A": [{"bank_content_id": 2, "distance": "0"}]}),
        ),
        (
            "POST",
            "/m/compare".into(),
            json!({"pdq": [near(0), near(8)]}),
            200,
            json!({"pdq": [true, {"distance": 8}]}),
        ),
        (
            "POST",
            "/m/compare".into(),
            json!({"pdq": [near(0), near(40)]}),
            200,
            json!({"pdq": [false, {"distance": 40}]}),
        ),
        (
            "POST",
            "/m/compare".into(),
            json!({"pdq": ["x"]}),
            400,
            json!({"message": "pdq: expects a list of two signals"}),
        ),
        // The query's one frame matches one of the other's two: 100 % of the query, 50 % of the
        // other.
        (
            "POST",
            "/m/compare".into(),
            json!({"vpdq": [
                json!([format!("{},100,0.000", near(0))]).to_string(),
                json!([format!("{},100,0.000", near(2)), format!("{far},100,1.000")]).to_string()
            ]}),
            200,
            json!({"vpdq": [true, {"query_match_percent": 100.0, "compared_match_percent": 50.0}]}),
        ),
        (
            "GET",
            "/c/bank/BANK_A/content/2?include_signals=true".into(),
            Value::Null,
            200,
            json!({
            "id": 2, "disable_until_ts": 1, "original_media_uri": null,
            "bank": {"name": "BANK_A", "matching_enabled_ratio": 1.0},
            "signals": {"pdq": far, "video_md5": "1".repeat(32)},
            "metadata": {"content_id": null, "content_uri": null, "json": {}, "collab": {}},
            "note": "seen twice"}),
        ),
        (
            "GET",
            "/c/bank/BANK_A/content/99".into(),
            Value::Null,
            404,
            json!({"message": "content '99' not found"}),
        ),
        // Disabled content: not in a lookup, still in a raw one.
        (
            "PUT",
            "/c/bank/BANK_A/content/1".into(),
            json!({"disable_until_ts": 0}),
            200,
            json!({
            "id": 1, "disable_until_ts": 0, "original_media_uri": null,
            "bank": {"name": "BANK_A", "matching_enabled_ratio": 1.0},
            "metadata": {"content_id": null, "content_uri": null, "json": {}, "collab": {}}}),
        ),
        ("GET", lookup(&near(0)), Value::Null, 200, json!({})),
        (
            "GET",
            raw(&near(0)),
            Value::Null,
            200,
            json!({"matches": [1]}),
        ),
        (
            "PUT",
            "/c/bank/BANK_A/content/1".into(),
            json!({"disable_until_ts": -5}),
            400,
            json!({"message": "disable_until_ts must be a non-negative integer"}),
        ),
        (
            "PUT",
            "/c/bank/BANK_A/content/1".into(),
            json!({"disable_until_ts": 1}),
            200,
            json!({
            "id": 1, "disable_until_ts": 1, "original_media_uri": null,
            "bank": {"name": "BANK_A", "matching_enabled_ratio": 1.0},
            "metadata": {"content_id": null, "content_uri": null, "json": {}, "collab": {}}}),
        ),
        (
            "GET",
            lookup(&near(0)),
            Value::Null,
            200,
            json!({"BANK_A": [{"bank_content_id": 1, "distance": "0"}]}),
        ),
        // A content of one bank is not another's.
        (
            "POST",
            "/c/banks".into(),
            json!({"name": "BANK_B", "enabled_ratio": 0.5}),
            201,
            json!({"name": "BANK_B", "matching_enabled_ratio": 0.5}),
        ),
        (
            "GET",
            "/c/bank/BANK_B/content/1".into(),
            Value::Null,
            404,
            json!({"message": "content '1' not found"}),
        ),
        (
            "PUT",
            "/c/bank/BANK_B".into(),
            json!({"enabled": false}),
            200,
            json!({"name": "BANK_B", "matching_enabled_ratio": 0.0}),
        ),
        (
            "POST",
            "/c/bank/BANK_B/signal".into(),
            json!({"pdq": near(1)}),
            200,
            json!({"id": 3, "signals": {"pdq": near(1)}}),
        ),
        (
            "GET",
            lookup(&near(1)),
            Value::Null,
            200,
            json!({"BANK_A": [{"bank_content_id": 1, "distance": "1"}]}),
        ),
        (
            "GET",
            lookup(&near(1)) + "&bypass_coinflip=true",
            Value::Null,
            200,
            json!({
            "BANK_A": [{"bank_content_id": 1, "distance": "1"}], "BANK_B": [{"bank_content_id": 3, "distance": "0"}]}),
        ),
        // Deleted means gone, immediately, everywhere.
        (
            "DELETE",
            "/c/bank/BANK_A/content/1".into(),
            Value::Null,
            200,
            json!({"deleted": 1}),
        ),
        (
            "DELETE",
            "/c/bank/BANK_A/content/1".into(),
            Value::Null,
            200,
            json!({"deleted": 0}),
        ),
        (
            "GET",
            raw(&near(0)) + "&banks=BANK_A",
            Value::Null,
            200,
            json!({"matches": []}),
        ),
        (
            "DELETE",
            "/c/bank/BANK_B".into(),
            Value::Null,
            200,
            json!({"message": "Done"}),
        ),
        (
            "GET",
            raw(&near(0)),
            Value::Null,
            200,
            json!({"matches": []}),
        ),
        (
            "GET",
            "/c/banks".into(),
            Value::Null,
            200,
            json!([{"name": "BANK_A", "matching_enabled_ratio": 1.0}]),
        ),
        (
            "GET",
            "/c/signal_type".into(),
            Value::Null,
            200,
            json!([{"name": "pdq", "enabled_ratio": 1.0}, {"name": "video_md5", "enabled_ratio": 1.0}]),
        ),
        (
            "PUT",
            "/c/signal_type/pdq".into(),
            json!({"enabled_ratio": 1.0}),
            204,
            json!(""),
        ),
        (
            "GET",
            "/c/content_type".into(),
            Value::Null,
            200,
            json!([{"name": "photo", "enabled": true}, {"name": "video", "enabled": true}]),
        ),
        ("GET", "/c/exchanges".into(), Value::Null, 200, json!([])),
        (
            "GET",
            "/c/exchange/NCMEC".into(),
            Value::Null,
            404,
            json!({"message": "Exchange 'NCMEC' not found"}),
        ),
    ];
    // In order: each request sees the changes that the earlier ones made.
    for (number, (method, path, body, status, answer)) in recorded.into_iter().enumerate() {
        let got = b.ask(method, &path, body).await;
        assert_eq!(got, (status, answer), "request {number}: {method} {path}");
    }
    // HMA's validation error is a list, not an object with a message.
    let (status, missing) = b.ask("GET", "/m/raw_lookup?signal=00", Value::Null).await;
    assert_eq!(
        (status, &missing[0]["loc"][0]),
        (422, &json!("signal_type"))
    );
    let (_, index) = b
        .ask("GET", "/m/index/status?signal_type=pdq", Value::Null)
        .await;
    assert_eq!(
        (&index["pdq"]["present"], &index["pdq"]["size"]),
        (&json!(true), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_hashed_and_looked_up_and_bad_ones_are_the_clients_fault() {
    let b = bench().await;
    let (status, hashed) = b.file("/h/hash", "photo", &picture()).await;
    let pdq = hashed["pdq"].as_str().unwrap().to_owned();
    assert_eq!((status, pdq.len()), (200, 64));
    // MD5 needs no decoding, so any bytes will do for a video.
    let (_, hashed) = b.file("/h/hash", "video", b"any bytes").await;
    assert_eq!(hashed["video_md5"].as_str().unwrap().len(), 32);
    assert_eq!(
        b.file("/h/hash", "photo", &flat()).await,
        (200, json!({"pdq": ""}))
    );
    // HMA answers 500 to a file that can't be decoded, and 400 to the look-up of a flat picture.
    let (status, answer) = b.file("/h/hash", "photo", b"no picture").await;
    assert_eq!(status, 400);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("can't be hashed"),
        "{answer}"
    );
    assert_eq!(
        b.file("/m/lookup", "photo", &flat()).await,
        (200, json!({"pdq": {}}))
    );
    for (field, types, message) in [
        ("audio", "", "no such content_type: 'audio'"),
        (
            "photo",
            "?types=video_md5",
            "signal type 'video_md5' doesn't exist or is disabled",
        ),
        ("photo", "?types=,", "empty signal type selection"),
    ] {
        let answer = b.file(&format!("/h/hash{types}"), field, &picture()).await;
        assert_eq!(answer, (400, json!({"message": message})));
    }
    // A bank is looked up immediately, although it isn't signed.
    b.ask("POST", "/c/banks", json!({"name": "SEEN"})).await;
    let (status, added) = b.file("/c/bank/SEEN/content", "photo", &picture()).await;
    assert_eq!((status, &added["signals"]["pdq"]), (200, &json!(pdq)));
    let id = &added["id"];
    let (_, found) = b.file("/m/lookup", "photo", &picture()).await;
    assert_eq!(
        found,
        json!({"pdq": {"SEEN": [{"bank_content_id": id, "distance": "0"}]}})
    );
    let (_, found) = b
        .file("/m/lookup?provenance=true", "photo", &picture())
        .await;
    let provenance = &found["pdq"]["SEEN"][0]["provenance"];
    assert_eq!(
        (&provenance["list"], &provenance["signed"]),
        (&json!("SEEN"), &json!(false))
    );
    assert_eq!(
        b.file("/c/bank/SEEN/content", "photo", &flat()).await.0,
        400
    );
    // Only allowed addresses are fetched; HMA tried 169.254.169.254 when asked.
    let inside = "/h/hash?url=http://169.254.169.254/latest/meta-data/";
    assert_eq!(b.ask("GET", inside, Value::Null).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_only_counts_until_two_people_have_signed_it() {
    let b = bench().await;
    b.ask("POST", "/c/banks", json!({"name": "OWN"})).await;
    b.file("/c/bank/OWN/content", "photo", &picture()).await;
    let screen = async || {
        b.send("POST", "/v1/screen", "application/octet-stream", picture())
            .await
            .1
    };
    let answer = screen().await;
    assert_eq!(
        (&answer["verdict"], &answer["findings"][0]["unsigned"]),
        (&json!("no-match"), &json!(true))
    );
    // Once two people have signed it, the bank is a list that may hold uploads.
    bench::sign(&b.casework, "OWN").await;
    assert_eq!(screen().await["verdict"], "match");
    // Removals take effect immediately, without signatures.
    let content = |id: i64| format!("/c/bank/OWN/content/{id}");
    assert_eq!(
        b.ask("DELETE", &content(1), Value::Null).await.1,
        json!({"deleted": 1})
    );
    assert_eq!(screen().await["verdict"], "no-match");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_a_right_or_a_surface_nothing_is_answered() {
    let mut b = bench().await;
    let path = format!("/m/raw_lookup?signal_type=pdq&signal={}", near(0));
    let good = b.key.clone();
    // In the form of a key, but unknown.
    b.key = "obhut_0".into();
    assert_eq!(b.ask("GET", &path, Value::Null).await.0, 401);
    // Without a surface: HMA's requests cannot name one, so the key has to.
    let (_, plain) = casework::create_key(&b.casework, "t", &[Right::Findings], None, "test")
        .await
        .unwrap();
    b.key = plain;
    let (status, answer) = b.ask("GET", &path, Value::Null).await;
    assert_eq!(status, 403);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("use one that does")
    );
    // A client that sends no key uses the shared one.
    let shared = obhut_server::with_shared_key(b.app.clone(), &good, vec!["hma.test:5000".into()]);
    let ask = |headers: &[(&str, &str)]| {
        let mut request = Request::get(&path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        shared.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let here = ("host", "hma.test:5000");
    for headers in [
        vec![here],
        vec![here, ("origin", "http://hma.test:5000")],
        vec![("host", "HMA.test:5000"), ("sec-fetch-site", "same-origin")],
        vec![here, ("sec-fetch-site", "none")],
    ] {
        let status = ask(&headers).await.unwrap().status();
        assert_eq!(status, StatusCode::OK, "{headers:?}");
    }
    // A page in the browser of someone who can reach this address, or a name of the attacker's that
    // leads here: with the shared key it could add banks and remove them.
    for headers in [
        vec![],
        vec![("host", "attacker.example")],
        vec![("host", "hma.test")],
        vec![here, ("origin", "https://attacker.example")],
        vec![here, ("origin", "null")],
        vec![here, ("sec-fetch-site", "cross-site")],
        vec![here, ("sec-fetch-site", "same-site")],
    ] {
        let status = ask(&headers).await.unwrap().status();
        assert_eq!(status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    // A client that can send only a name and a password sends the key as the password.
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("hma:{good}"));
    let request = Request::get(&path)
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        b.app.clone().oneshot(request).await.unwrap().status(),
        StatusCode::OK
    );
}

/// Every path of HMA's own document that belongs to the core is there, with its methods.
#[tokio::test(flavor = "multi_thread")]
async fn no_path_of_the_published_document_is_missing() {
    let document = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/hma/openapi.json"
    );
    let Ok(text) = std::fs::read_to_string(document) else {
        println!("not present: shared/data/hma/openapi.json");
        return;
    };
    let document: Value = serde_json::from_str(&text).unwrap();
    let b = bench().await;
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let core = ["/h/", "/m/", "/c/", "/status"]
            .iter()
            .any(|p| path.starts_with(p));
        if !core {
            continue;
        }
        // Names that do not exist: the routes are tested, not their answers.
        let filled = path
            .replace("{content_id}", "1")
            .replace("{bank_name}", "X")
            .replace("{exchange_name}", "X")
            .replace("{api_name}", "x")
            .replace("{signal_type_name}", "pdq")
            .replace("{content_type_name}", "photo");
        for method in methods.as_object().unwrap().keys() {
            let (status, answer) = b.ask(&method.to_uppercase(), &filled, Value::Null).await;
            assert!(
                status != 405 && answer != json!({"error": "not-found"}),
                "{method} {path}: {status} {answer}"
            );
            assert!(answer.get("error").is_none(), "{method} {path}: {answer}");
            seen += 1;
        }
    }
    // A document without paths would pass otherwise.
    assert!(seen >= 25, "{seen}");
}

/// Slow senders of forms once held every slot for decoding, and other uploads were answered with
/// 429.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_senders_occupy_no_decoder() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let b = bench().await;
    let slow = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let begun = std::sync::Arc::new(AtomicUsize::new(0));
    let mut sending = Vec::new();
    for _ in 0..slow {
        let begun = begun.clone();
        let body = futures::stream::poll_fn(move |_| {
            begun.fetch_add(1, Ordering::SeqCst);
            std::task::Poll::<Option<std::io::Result<axum::body::Bytes>>>::Pending
        });
        let request = Request::post("/h/hash")
            .header("Authorization", format!("Bearer {}", b.key))
            .header(bench::FORM.0, bench::FORM.1)
            .body(Body::from_stream(body))
            .unwrap();
        let app = b.app.clone();
        sending.push(tokio::spawn(async move { app.oneshot(request).await }));
    }
    while begun.load(Ordering::SeqCst) < slow {
        tokio::task::yield_now().await;
    }
    let request = Request::post("/v1/screen?surface=public")
        .header("Authorization", format!("Bearer {}", b.key))
        .body(Body::from(bench::picture(5)))
        .unwrap();
    let answer = b.app.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    sending.iter().for_each(|s| s.abort());
}
