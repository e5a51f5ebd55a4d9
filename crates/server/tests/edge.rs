//! What is between the network and the handlers, attacked: bodies before a key, silent and slow
//! clients, dear files, listeners, times.

mod bench;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use obhut_app::casework;
use obhut_app::casework::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use bench::http::bench;
use bench::{picture, pool};

/// Longest wait for what has to happen without delay; far longer than it takes.
const AT_ONCE: Duration = Duration::from_secs(20);

fn endless() -> Body {
    Body::from_stream(futures::stream::pending::<std::io::Result<Vec<u8>>>())
}

/// Nothing of a long body is waited for before its key was checked, and its right.
#[tokio::test(flavor = "multi_thread")]
async fn no_long_body_is_read_before_its_key() {
    let b = bench().await;
    let other = b.key(&[Right::Payments], None).await;
    let intake = b.key(&[Right::Intake], None).await;
    let mut asking = Vec::new();
    for (method, path, wrong) in [
        (Method::POST, "/v1/cases", &other),
        (Method::POST, "/v1/intake", &other),
        (Method::POST, "/v1/match", &other),
        (Method::POST, "/v1/payments", &intake),
        (Method::PUT, "/v1/cases/case-1/facts", &other),
        (Method::POST, "/v1/information/i-1", &other),
        (Method::POST, "/v1/screen?surface=public", &other),
        (Method::POST, "/v1/hooks/nginx?surface=public", &other),
        (Method::POST, "/v1/hooks/accept?surface=public", &other),
        (Method::POST, "/v1/cases/case-1/exhibits", &other),
    ] {
        let request = |key: Option<&str>| {
            let mut request = Request::builder().method(&method).uri(path);
            if let Some(key) = key {
                request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
            }
            let request = request.header(header::CONTENT_TYPE, "application/json");
            let request = request.header(header::CONTENT_LENGTH, 60 << 20);
            b.send(request.body(endless()).unwrap())
        };
        // At once: what little is read of a refused body, to be polite, takes two seconds each.
        for (key, expected) in [
            (None, StatusCode::UNAUTHORIZED),
            (Some("obhut_0"), StatusCode::UNAUTHORIZED),
            (Some(wrong.as_str()), StatusCode::FORBIDDEN),
        ] {
            let request = request(key);
            let case = format!("{method} {path}");
            asking.push(async move {
                let answer = timeout(AT_ONCE, request).await;
                let (status, _, body) = answer.unwrap_or_else(|_| panic!("{case} waits"));
                assert_eq!(status, expected, "{case} {body}");
            });
        }
    }
    futures::future::join_all(asking).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_reports_in_one_body_are_refused_before_they_are_read() {
    let b = bench().await;
    let key = b.key(&[Right::Intake], None).await;
    let request = Request::post("/v1/intake")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .body(Body::from("{}\n".repeat(2_001)))
        .unwrap();
    let (status, _, body) = b.send(request).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body}");
    assert!(body.contains("at most 2000"), "{body}");
}

/// A server on a separate port, with few connections.
struct Listening {
    address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<()>,
}

async fn listening(app: Router, connections_max: usize) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        obhut_server::serve(listener, app, connections_max, async {
            let _ = stopped.await;
        })
        .await;
    });
    Listening {
        address,
        stop: Some(stop),
        serving,
    }
}

impl Listening {
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(AT_ONCE, stream.read_to_string(&mut answer))
            .await
            .expect("an answer")
            .unwrap();
        answer
    }

    async fn silent(&self, sends: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(sends.as_bytes()).await.unwrap();
        stream
    }
}

/// Connections that say nothing, half a header or half a body, many times more than are allowed.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_keep_nobody_out() {
    let b = bench().await;
    let server = listening(b.app.clone(), 10).await;
    let mut silent = Vec::new();
    for number in 0..90 {
        let sends = match number % 3 {
            0 => "",
            1 => "GET /health HTTP/1.1\r\nHost:",
            _ => {
                "POST /v1/appeals HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            }
        };
        silent.push(server.silent(sends).await);
        if number % 10 == 9 {
            let answer = server.get("/health").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{number}: {answer}");
        }
    }
}

/// A request that is half sent must not keep the server from stopping; one under way is finished.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_answers_and_not_for_silence() {
    let b = bench().await;
    let mut server = listening(b.app.clone(), 10).await;
    let _half = server.silent("GET /health HTTP/1.1\r\nHost:").await;
    let mut kept = server
        .silent("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let mut answer = vec![0; 4_096];
    let length = timeout(AT_ONCE, kept.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
    drop(server.stop.take());
    timeout(AT_ONCE, &mut server.serving)
        .await
        .expect("it stops")
        .unwrap();
    // The connection that was kept open is closed, without another byte.
    let rest = timeout(AT_ONCE, kept.read(&mut answer)).await.unwrap();
    assert!(matches!(rest, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_answers_what_it_is_for() {
    let b = bench().await;
    let all = obhut_server::interfaces(b.casework.clone(), pool(), Default::default());
    let key = b.key(&[Right::Findings, Right::Curate], None).await;
    let hma = obhut_server::with_shared_key(all.hma, &key, vec!["h".into()]);
    let status = |app: &Router, path: &str| {
        let request = Request::get(path).header(header::HOST, "h");
        let request = request.body(Body::empty()).unwrap();
        let answer = app.clone().oneshot(request);
        async move { answer.await.unwrap().status().as_u16() }
    };
    // 401 and 403: it exists, and asks for a key or for one that says a surface.
    for (path, public, admin, of_hma) in [
        ("/health", 200, 200, 404),
        ("/health/details", 404, 200, 404),
        ("/metrics", 404, 200, 404),
        ("/c/banks", 404, 401, 403),
        ("/m/index/status", 401, 404, 403),
        ("/v1/cases", 401, 404, 404),
        ("/openapi.json", 200, 404, 404),
        ("/", 303, 404, 404),
        ("/sign-in", 200, 404, 404),
    ] {
        let found = (
            status(&all.public, path).await,
            status(&all.admin, path).await,
            status(&hma, path).await,
        );
        assert_eq!(found, (public, admin, of_hma), "{path}");
    }
    let request = Request::get("/health/details").body(Body::empty()).unwrap();
    let answer = all.admin.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 4_096)
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["status"], &body["entries"]),
        (&json!("ok"), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_stored_guessed_or_framed() {
    let b = bench().await;
    let key = b.key(&[Right::Screen], None).await;
    for (path, key) in [
        ("/health", None),
        ("/v1/cases", None),
        ("/v1/screen", Some(key.as_str())),
        ("/openapi.json", None),
        ("/nowhere", None),
        ("/c/banks", None),
        ("/", None),
        ("/sign-in", None),
        ("/appeal", None),
    ] {
        let mut request = Request::get(path);
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let (_, headers, _) = b.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_accepted_are_counted_by_reason() {
    let b = bench().await;
    let made = casework::create_key(&b.casework, "old", &[Right::Cases], None, "test").await;
    let (old, secret) = made.unwrap();
    let screen = b.key(&[Right::Screen], None).await;
    casework::revoke_key(&b.casework, &old.id, "test")
        .await
        .unwrap();
    for key in [
        None,
        Some("obhut_0"),
        Some(secret.as_str()),
        Some(screen.as_str()),
    ] {
        b.get("/v1/cases", key).await;
    }
    let (_, metrics) = b.get("/metrics", None).await;
    for reason in ["no-key", "unknown", "revoked-or-expired", "no-right"] {
        let line = format!("obhut_denied_total{{reason=\"{reason}\"}} 1\n");
        assert!(metrics.contains(&line), "{reason}: {metrics}");
    }
    assert!(!metrics.contains(&old.id) && !metrics.contains(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_cases_and_looking_up_digests_are_on_record() {
    let b = bench().await;
    let ada = b.person("Ada", Role::Reviewer).await;
    let key = b.key(&[Right::Cases], Some(&ada)).await;
    let made = casework::create_key(&b.casework, "k", &[Right::Findings], None, "test").await;
    let (looks, secret) = made.unwrap();
    b.get("/v1/cases", Some(&key)).await;
    let digest = json!({ "kind": "md5", "digest": "0".repeat(32) });
    let request = Request::post("/v1/match")
        .header(header::AUTHORIZATION, format!("Bearer {secret}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(
            json!({ "digests": [digest, digest] }).to_string(),
        ))
        .unwrap();
    assert_eq!(b.send(request).await.0, StatusCode::OK);
    let rows = casework::audit(&b.casework, None).await.unwrap();
    let row = |act: &str| rows.iter().find(|r| r.act == act).unwrap();
    assert_eq!(row("case.list").actor, ada.id);
    let look_up = row("digests.look-up");
    assert_eq!((&look_up.actor, look_up.detail.as_str()), (&looks.id, "2"));
}

/// The time of an answer to an uploader doesn't say whether the upload matched: it leaves at a step.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_uploads_leave_at_a_step() {
    let b = bench().await;
    b.list_with(&picture(1), Action::Hold).await;
    let plain = b.key(&[Right::Screen], None).await;
    let step = Duration::from_millis(50);
    for (number, action) in [(1, "hold"), (2, "pass")] {
        let started = Instant::now();
        let (_, body) = b
            .screen("?surface=public", &plain, "a", picture(number))
            .await;
        // At least one step; more if the machine is busy.
        assert!(started.elapsed() >= step, "{action}");
        assert_eq!(body["action"], action);
        for (path, expected) in [
            ("/v1/hooks/nginx?surface=public&pass=@app&hold=@q", 200),
            (
                "/v1/hooks/accept?surface=public",
                if action == "hold" { 451 } else { 200 },
            ),
        ] {
            let started = Instant::now();
            let request = Request::post(path)
                .header(header::AUTHORIZATION, format!("Bearer {plain}"))
                .body(Body::from(picture(number)))
                .unwrap();
            let (status, headers, body) = b.send(request).await;
            assert!(started.elapsed() >= step, "{path} {action}");
            assert_eq!(status.as_u16(), expected, "{path} {action}: {body}");
            if path.contains("nginx") {
                let to = if action == "hold" { "@q" } else { "@app" };
                assert_eq!(headers["x-accel-redirect"], to);
                assert!(body.is_empty());
            }
        }
    }
}

/// Clients that hang up free their places: as many long animations as there are places, all given
/// up, and an ordinary picture is screened.
#[tokio::test(flavor = "multi_thread")]
async fn hanging_up_frees_the_place() {
    let b = bench().await;
    b.list(&picture(1)).await;
    let key = b.key(&[Right::Screen], None).await;
    let long = Arc::new(long_animation());
    let places = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let mut waiting = Vec::new();
    for _ in 0..places {
        let request = Request::post("/v1/screen?surface=public")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .body(Body::from(long.as_ref().clone()))
            .unwrap();
        waiting.push(tokio::spawn(b.app.clone().oneshot(request)));
    }
    let none_taken = || async {
        let (_, metrics) = b.get("/metrics", None).await;
        metrics.contains("obhut_places_taken 0\n")
    };
    while none_taken().await {
        tokio::task::yield_now().await;
    }
    for one in &waiting {
        one.abort();
    }
    let until = Instant::now() + AT_ONCE;
    while !none_taken().await {
        assert!(Instant::now() < until, "places stay taken");
        tokio::task::yield_now().await;
    }
    // Ended, not finished: a worker that finishes its file is kept.
    assert_eq!(decoders(), 0, "a decoder went on after its client had gone");
    let (status, _) = b.screen("?surface=public", &key, "a", picture(2)).await;
    assert_eq!(status, StatusCode::OK);
}

/// How many decoders run for this process.
fn decoders() -> usize {
    let me = format!("PPid:\t{}", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|p| std::fs::read_to_string(p.path().join("status")).ok())
        .filter(|status| status.starts_with("Name:\tobhut-decode"))
        .filter(|status| status.lines().any(|line| line == me))
        .count()
}

/// Seconds of work in a few kilobytes: 1,000 frames of a megapixel.
fn long_animation() -> Vec<u8> {
    let with = |frames: usize| {
        let mut gif = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new_with_speed(&mut gif, 30);
        let frame = image::Frame::new(image::RgbaImage::new(1_024, 1_024));
        encoder
            .encode_frames((0..frames).map(|_| frame.clone()))
            .unwrap();
        drop(encoder);
        gif
    };
    let (one, two) = (with(1), with(2));
    // The last frame's bytes, before the trailer.
    let frame = &two[one.len() - 1..two.len() - 1];
    [&one[..one.len() - 1], &frame.repeat(999), b";"].concat()
}

/// Wrong codes of notices cost those who have the right one nothing.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_delay_nobody() {
    let b = bench().await;
    let ask = |code: String| {
        let body = json!({ "code": code, "message": "m" }).to_string();
        let request = Request::post("/v1/appeals")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        b.app.clone().oneshot(request)
    };
    let many = futures::future::join_all((0..500).map(|n| ask(format!("code-{n}"))));
    let answers = timeout(AT_ONCE, many).await.expect("500 answers at once");
    for answer in answers {
        assert_eq!(answer.unwrap().status(), StatusCode::CONFLICT);
    }
}

/// The address for operators answers while every thread of the others is busy, refuses web pages, and
/// stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_what_is_wrong_while_everything_is_busy() {
    let b = bench().await;
    let all = obhut_server::interfaces(b.casework.clone(), pool(), Default::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = obhut_server::only_from_here(all.admin, vec![address.to_string()]);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(obhut_server::serve_apart(listener, app, async {
        let _ = stopped.await;
    }));
    let ask = move |head: &str| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(AT_ONCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{more}Connection: close\r\n\r\n")
    };
    let health = get("/health", "");
    for (head, expected) in [
        (health.clone(), "200"),
        (get("/metrics", ""), "200"),
        (
            get("/metrics", "Origin: https://attacker.example\r\n"),
            "403",
        ),
        (get("/metrics", "Sec-Fetch-Site: cross-site\r\n"), "403"),
        (get("/metrics", "Host: attacker.example\r\n"), "403"),
        (
            "GET /metrics HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n".into(),
            "403",
        ),
    ] {
        let answer = tokio::task::spawn_blocking({
            let head = head.clone();
            move || ask(&head)
        });
        let answer = answer.await.unwrap();
        assert!(answer.contains(expected), "{head}: {answer}");
    }
    // Both threads of this runtime are blocked; the answer comes all the same.
    let (ready, is_ready) = std::sync::mpsc::channel();
    let blocked = std::thread::spawn(move || {
        for _ in 0..2 {
            is_ready.recv().unwrap();
        }
        ask(&health)
    });
    let (free, freed) = std::sync::mpsc::channel::<()>();
    let freed = Arc::new(std::sync::Mutex::new(freed));
    let both: Vec<_> = (0..2)
        .map(|_| {
            let (ready, freed) = (ready.clone(), freed.clone());
            tokio::spawn(async move {
                ready.send(()).unwrap();
                // Blocks the thread, on purpose.
                let _ = freed.lock().unwrap().recv();
            })
        })
        .collect();
    let answer = blocked.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(free);
    for one in both {
        one.await.unwrap();
    }
    drop(stop);
    timeout(AT_ONCE, serving).await.expect("it stops").unwrap();
}
