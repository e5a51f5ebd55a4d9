//! Every way to submit an upload: a file, a form, a URL, a repeated request, a proxy's hook; and
//! matching digests without the file.

mod bench;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use obhut_app::casework::*;
use obhut_app::media::*;
use obhut_app::{casework, media};
use obhut_server::{AllowList, Outside};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use bench::{FORM, picture};

struct Bench {
    app: Router,
    casework: Arc<Casework>,
    key: String,
    _folder: tempfile::TempDir,
}

/// A server whose signed list has the PDQ digest of the picture `known`, and a key with the rights
/// `screen` and `findings`. The server may fetch from the URL prefixes `fetch_from`.
async fn bench(known: &[u8], fetch_from: &[&str]) -> Bench {
    let (casework, folder) = bench::casework().await;
    let pool = bench::pool();
    let kind = kinds::by_name("pdq").unwrap();
    let Compute::Pixels { one, .. } = kind.compute else {
        panic!()
    };
    let digest = one(pixels(&pool.decode(known).unwrap())).digest.to_hex();
    let csv = format!("kind,digest,entry_id\npdq,{digest},one\n");
    bench::signed_list(&casework, &csv).await;
    let rights = [Right::Screen, Right::Findings];
    let (_, key) = casework::create_key(&casework, "platform", &rights, None, "test")
        .await
        .unwrap();
    let fetcher = AllowList::new(fetch_from.iter().copied()).unwrap();
    let outside = Outside {
        fetcher: Some(Arc::new(obhut_app::partners::fetch::Fetcher::new(fetcher))),
        ..Outside::default()
    };
    Bench {
        app: obhut_server::app_with(casework.clone(), pool, outside),
        casework,
        key,
        _folder: folder,
    }
}

/// A form with all files in the field `file`.
fn form(files: &[(&str, &[u8])], texts: &[(&str, &str)]) -> Vec<u8> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, bytes)| ("file", *name, *bytes))
        .collect();
    bench::form(&files, texts)
}

impl Bench {
    async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, HeaderMap, Value) {
        let mut request =
            Request::post(path).header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        bench::answer(self.app.clone().oneshot(request).await.unwrap()).await
    }

    async fn cases(&self) -> usize {
        casework::cases(&self.casework, None).await.unwrap().len()
    }
}

const PUBLIC: &str = "/v1/screen?surface=public";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_screened_like_the_file_in_it() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let body = form(&[("a.png", &known)], &[("account", "user-9")]);
    let (status, _, answer) = b.post(PUBLIC, &[FORM], body).await;
    assert_eq!(
        (status, &answer["verdict"], &answer["findings"][0]["entry"]),
        (200, &json!("match"), &json!("one"))
    );
    let (_, _, answer) = b
        .post(PUBLIC, &[FORM], form(&[("b.png", &picture(2))], &[]))
        .await;
    assert_eq!(answer["verdict"], "no-match");
    for wrong in [
        form(&[], &[("account", "x")]),
        form(&[("a", &known), ("b", &known)], &[]),
        b"--b\r\n".to_vec(),
        form(&[("a", b"")], &[]),
    ] {
        assert_eq!(b.post(PUBLIC, &[FORM], wrong).await.0, 400);
    }
    // A second upload of the same account joins its open case.
    let body = form(&[("a.png", &known)], &[("account", "user-9")]);
    b.post(PUBLIC, &[FORM], body).await;
    assert_eq!(b.cases().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_twice_is_recorded_once() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let send =
        async |key: &str, bytes: Vec<u8>| b.post(PUBLIC, &[("idempotency-key", key)], bytes).await;
    let (_, headers, first) = send("k1", known.clone()).await;
    assert!(headers.get("idempotent-replayed").is_none());
    let (status, headers, again) = send("k1", known.clone()).await;
    assert_eq!((status, again), (200, first.clone()));
    assert_eq!(headers["idempotent-replayed"], "true");
    assert_eq!(b.cases().await, 1);
    assert_eq!(
        send("k1", picture(2)).await.0,
        422,
        "another upload under the same key"
    );
    let (_, _, other) = send("k2", known.clone()).await;
    assert_ne!(other["id"], first["id"]);
    // The same request many times concurrently: the same answer, or "retry later".
    let all = futures::future::join_all((0..8).map(|_| send("k3", known.clone()))).await;
    let ids: std::collections::BTreeSet<String> = all
        .iter()
        .filter(|(status, ..)| *status == 200)
        .map(|(_, _, answer)| answer["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{all:?}");
    assert!(all.iter().all(|(status, ..)| matches!(status, 200 | 409)));
    assert_eq!(
        send(&"x".repeat(300), known).await.0,
        400,
        "a key that is too long is refused"
    );
}

/// Starts a web server that answers `answers` requests, and returns its address.
fn web(answers: usize, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(answers) {
            let mut stream = stream.unwrap();
            // One read: the client sends its short head in one piece.
            let mut head = [0; 4_096];
            let n = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..n]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let _ = stream.write_all(&answer(&path));
        }
    });
    address
}

fn ok(bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len()).into_bytes();
    out.extend(bytes);
    out
}

fn to(address: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_checked_again_after_every_redirect() {
    let known = picture(1);
    // Would answer with 200; it must never be contacted.
    let inside = web(1, |_| ok(b"secret"));
    let secret = format!("http://{inside}/secret");
    let bytes = known.clone();
    // Six connections: one per URL of the CDN below, and one for the redirect that is followed.
    let cdn = web(6, move |path| match path {
        "/up/1.png" => ok(&bytes),
        "/up/moved" => to("/up/1.png"),
        "/up/inside" => to(&secret),
        "/up/away" => to("/other/1.png"),
        "/up/gone" => {
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
        }
        _ => to("/up/round"),
    });
    let b = bench(&known, &[&format!("http://{cdn}/up/")]).await;
    let ask = async |url: String| {
        let body = json!({ "url": url }).to_string().into_bytes();
        let (status, _, answer) = b
            .post(PUBLIC, &[("content-type", "application/json")], body)
            .await;
        (status, answer["verdict"].clone())
    };
    assert_eq!(
        ask(format!("http://{cdn}/up/1.png")).await,
        (200, json!("match"))
    );
    assert_eq!(
        ask(format!("http://{cdn}/up/moved")).await,
        (200, json!("match"))
    );
    assert_eq!(
        ask(format!("http://{cdn}/up/inside")).await.0,
        403,
        "redirected to another port"
    );
    assert_eq!(
        ask(format!("http://{cdn}/up/away")).await.0,
        403,
        "redirected out of the folder"
    );
    assert_eq!(ask(format!("http://{cdn}/up/gone")).await.0, 502);
    assert_eq!(ask("http://169.254.169.254/latest/".into()).await.0, 403);
    assert_eq!(ask("file:///etc/passwd".into()).await.0, 403);
    let (status, _, _) = b
        .post(
            PUBLIC,
            &[("content-type", "application/json")],
            b"[]".to_vec(),
        )
        .await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_matched_for_keys_with_the_right_findings() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let json_type = ("content-type", "application/json");
    let (_, _, screened) = b.post(PUBLIC, &[], known).await;
    assert_eq!(screened["findings"][0]["distance"], 0);
    let list = media::list(&b.casework, "hotline").await.unwrap();
    let ask = async |body: Value| {
        b.post("/v1/match", &[json_type], body.to_string().into_bytes())
            .await
    };
    // Digests that no list has.
    let (status, _, answer) = ask(json!({"digests": [{"kind": "pdq", "digest": "0".repeat(64)}, {"kind": "md5", "digest": "0".repeat(32)}]})).await;
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"results": [{"findings": []}, {"findings": []}]})
        )
    );
    let entries = "kind,digest,entry_id\npdq,".to_owned() + &"f".repeat(64) + ",added\n";
    media::add_entries(&b.casework, "hotline", entries.as_bytes(), "test")
        .await
        .unwrap();
    // Two bits from the added entry.
    let near = "f".repeat(63) + "c";
    let (_, _, answer) = ask(json!({"digests": [{"kind": "pdq", "digest": near}]})).await;
    let newest = media::list(&b.casework, "hotline").await.unwrap().version;
    assert_ne!(newest, list.version);
    assert_eq!(
        answer,
        json!({"results": [{"findings": [{"list": "hotline", "version": newest, "entry": "added", "kind": "pdq", "distance": 2, "unsigned": true}]}]})
    );
    for wrong in [
        json!({"digests": [{"kind": "photodna", "digest": "00"}]}),
        json!({"digests": [{"kind": "pdq", "digest": "00"}]}),
        json!({"digests": "all"}),
        json!({"digests": [{"kind": "md5", "digest": "0".repeat(32)}], "more": 1}),
    ] {
        assert_eq!(ask(wrong.clone()).await.0, 400, "{wrong}");
    }
    // One more than allowed in a request.
    let many: Vec<_> = (0..1_001)
        .map(|_| json!({"kind": "md5", "digest": "0".repeat(32)}))
        .collect();
    assert_eq!(ask(json!({ "digests": many })).await.0, 400);
    let (_, plain) = casework::create_key(&b.casework, "t", &[Right::Screen], None, "test")
        .await
        .unwrap();
    let plain = Bench { key: plain, ..b };
    let (status, _, _) = plain
        .post(
            "/v1/match",
            &[json_type],
            json!({"digests": []}).to_string().into_bytes(),
        )
        .await;
    assert_eq!(status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_learns_where_to_send_an_upload_and_the_uploader_nothing() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let hook = "/v1/hooks/nginx?surface=public&pass=@app";
    let (status, headers, _) = b
        .post(
            hook,
            &[FORM],
            form(&[("a", &picture(2)), ("b", &picture(3))], &[]),
        )
        .await;
    assert_eq!(
        (status, headers["x-accel-redirect"].to_str().unwrap()),
        (200, "@app")
    );
    let (status, headers, answer) = b
        .post(
            hook,
            &[FORM, ("obhut-account", "u")],
            form(&[("a", &picture(2)), ("b", &known)], &[]),
        )
        .await;
    assert_eq!((status, headers.get("x-accel-redirect")), (403, None));
    assert_eq!(answer, json!({"message": "this upload can't be accepted"}));
    assert_eq!(b.cases().await, 1);
    // An upload that can't be read is held, so it goes to the location for held uploads.
    let half = picture(4)[..400].to_vec();
    let hold = "/v1/hooks/nginx?surface=public&pass=@app&hold=@quarantine";
    let (_, headers, _) = b.post(hold, &[], half).await;
    assert_eq!(headers["x-accel-redirect"], "@quarantine");
    for wrong in [
        "/v1/hooks/nginx?surface=public&pass=/admin",
        "/v1/hooks/nginx",
    ] {
        assert_eq!(b.post(wrong, &[], picture(2)).await.0, 400, "{wrong}");
    }
}

/// Some platforms treat a part without a file name as a file, so it is screened like one.
#[tokio::test(flavor = "multi_thread")]
async fn a_picture_in_a_part_without_file_name_is_screened() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    // By hand, because `form` gives every file a name and a type.
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n".to_vec();
    body.extend(&known);
    body.extend(b"\r\n--b--\r\n");
    let hook = "/v1/hooks/nginx?surface=public&pass=@app";
    assert_eq!(b.post(hook, &[FORM], body.clone()).await.0, 403);
    assert_eq!(b.post(PUBLIC, &[FORM], body).await.2["verdict"], "match");
    let words = form(&[], &[("comment", "Grüße"), ("car", "BMW")]);
    assert_eq!(b.post(hook, &[FORM], words).await.0, 200);

    // A picture that is valid UTF-8 from its first byte to its last was once taken for text.
    let text = ascii_bmp();
    assert!(std::str::from_utf8(&text).is_ok());
    let b = bench(&text, &[]).await;
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n".to_vec();
    body.extend(&text);
    body.extend(b"\r\n--b--\r\n");
    assert_eq!(b.post(hook, &[FORM], body).await.0, 403);
}

/// Nothing is known about a file that no decoder has seen, so nothing is said about it.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_decoder_the_answer_is_retry_later() {
    let b = bench(&picture(1), &[]).await;
    // No decoder can start, which is our fault and not the file's.
    let program = PathBuf::from("/nonexistent/worker");
    let pool = Arc::new(Pool::new(WorkerCommand { program }, Limits::default()));
    let broken = Bench {
        app: obhut_server::app(b.casework.clone(), pool),
        ..b
    };
    let (status, headers, answer) = broken.post(PUBLIC, &[], picture(1)).await;
    assert_eq!(
        (status, headers["retry-after"].to_str().unwrap()),
        (503, "1")
    );
    assert!(answer.get("verdict").is_none());
    assert_eq!(broken.cases().await, 0);
}

/// An upload's IP address was once lost: a screened case said nothing an officer could act on.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_knows_of_an_upload_reaches_the_report() {
    let known = picture(1);
    let upload = json!({"ip": "192.0.2.7", "port": 51234, "at": "2026-01-02T03:04:05Z", "session": "s-1",
        "screen_name": "name", "email": "a@example.org", "url": "https://example.org/posts/1"});
    let upload = upload.to_string();
    let files: [(&str, &[u8]); 1] = [("a.png", &known)];
    let in_form = form(&files, &[("account", "user-9"), ("upload", &upload)]);
    let account = ("obhut-account", "user-9");
    let nginx = "/v1/hooks/nginx?surface=public&pass=@app";
    let header = ("obhut-upload", upload.as_str());
    for (path, headers, body) in [
        (PUBLIC, vec![account, header], known.clone()),
        (PUBLIC, vec![FORM], in_form),
        (nginx, vec![FORM, account, header], form(&files, &[])),
    ] {
        let b = bench(&known, &[]).await;
        let (status, ..) = b.post(path, &headers, body).await;
        assert!(matches!(status, 200 | 403), "{path} {headers:?}");
        let case = &casework::cases(&b.casework, None).await.unwrap()[0].id;
        let facts = casework::facts(&b.casework, case).await.unwrap();
        let reported = facts.reported.unwrap();
        assert_eq!(reported.id.as_deref(), Some("user-9"), "{path}");
        assert_eq!(reported.ip_events[0].port, Some(51234), "{path}");
        assert_eq!(reported.person.unwrap().emails[0].address, "a@example.org");
        let (_, file) = facts.files.first_key_value().unwrap();
        assert_eq!(file.session.as_deref(), Some("s-1"), "{path}");
        assert_eq!(file.url.as_deref(), Some("https://example.org/posts/1"));
        let shown = casework::case(&b.casework, case).await.unwrap();
        assert_eq!(
            shown.findings[0].uploaded_at,
            Some(1_767_323_045_000_000),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_uploader_says_in_a_form_behind_a_proxy_is_not_believed() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let body = form(
        &[("a", &known)],
        &[
            ("account", "another-user"),
            ("upload", r#"{"ip":"192.0.2.7"}"#),
        ],
    );
    b.post("/v1/hooks/nginx?surface=public&pass=@app", &[FORM], body)
        .await;
    let case = &casework::cases(&b.casework, None).await.unwrap()[0].id;
    let facts = casework::facts(&b.casework, case).await.unwrap();
    assert_eq!(facts, Facts::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_facts_of_an_upload_are_refused_without_their_value() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    for (upload, field) in [
        (r#"{"ip":"300.1.1.1"}"#, "ip isn't"),
        (r#"{"ip":"192.0.2.1","port":70000}"#, "port isn't"),
        (r#"{"at":"yesterday"}"#, "at isn't"),
        (r#"{"phone":"1"}"#, "phone"),
        ("ip=192.0.2.1", "upload"),
        ("[]", "upload"),
    ] {
        let (status, _, answer) = b
            .post(PUBLIC, &[("obhut-upload", upload)], known.clone())
            .await;
        let said = answer["message"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{upload}");
        assert!(
            said.contains(field) && !said.contains("300.1") && !said.contains("yesterday"),
            "{upload}: {answer}"
        );
    }
    assert_eq!(b.cases().await, 0);
}

/// Hundreds of uploads of one picture without an account once opened hundreds of cases to be
/// viewed.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_without_an_account_are_one_case() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    for n in 0..5 {
        let upload = format!(r#"{{"ip":"192.0.2.{n}"}}"#);
        b.post(PUBLIC, &[("obhut-upload", &upload)], known.clone())
            .await;
    }
    b.post(PUBLIC, &[("obhut-account", "u")], known.clone())
        .await;
    let cases = casework::cases(&b.casework, None).await.unwrap();
    let mut files: Vec<_> = cases.iter().map(|c| c.files).collect();
    files.sort_unstable();
    assert_eq!(files, [1, 5]);
    let many = cases.iter().find(|c| c.files == 5).unwrap();
    let facts = casework::facts(&b.casework, &many.id).await.unwrap();
    // Whether five people or one uploaded them is unknown, so no account is reported.
    assert_eq!(facts.reported, None);
    let mut from: Vec<_> = facts
        .files
        .values()
        .map(|f| f.ip_event.as_ref().unwrap().address.clone())
        .collect();
    from.sort_unstable();
    assert_eq!(from, [0, 1, 2, 3, 4].map(|n| format!("192.0.2.{n}")));
    // After the decision, a later upload opens a new case.
    let rita = casework::add_person(&b.casework, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let request = DecisionRequest {
        ruling: Ruling::NoReport,
        grounds: "g".into(),
        category: None,
    };
    casework::decide(&b.casework, &many.id, &rita, &request)
        .await
        .unwrap();
    let (_, _, answer) = b.post(PUBLIC, &[], known.clone()).await;
    assert_eq!(answer["verdict"], "match");
    assert_eq!(b.cases().await, 3);
}

/// The same picture with different bytes, like a resaved copy.
fn copy(picture: &[u8], n: u8) -> Vec<u8> {
    // The byte goes after the PNG's last chunk, where decoders don't look.
    [picture, &[n]].concat()
}

/// Copies of one picture once opened a case each. Viewing one copy must not release the others.
#[tokio::test(flavor = "multi_thread")]
async fn near_pictures_without_an_account_are_one_case_and_each_is_seen_before_release() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    for n in [0, 1, 2, 0, 1] {
        let (status, _, answer) = b.post(PUBLIC, &[], copy(&known, n)).await;
        assert_eq!((status, &answer["verdict"]), (200, &json!("match")));
    }
    let cases = casework::cases(&b.casework, None).await.unwrap();
    assert_eq!(cases.iter().map(|c| c.files).collect::<Vec<_>>(), [5]);
    let (case, c) = (&cases[0].id, &b.casework);
    let rita = casework::add_person(c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let request = |ruling| DecisionRequest {
        ruling,
        grounds: "g".into(),
        category: None,
    };
    let found = casework::findings(c, case).await.unwrap();
    for (n, seen) in [(0, "3 whole"), (1, "2 whole"), (2, "1 whole"), (3, "")] {
        let released = casework::decide(c, case, &rita, &request(Ruling::NoReport)).await;
        match released {
            // The fourth upload has the bytes of the first.
            Ok(_) => assert_eq!(n, 3),
            Err(e) => {
                let said = e.to_string();
                assert!(
                    said.contains("3 different files")
                        && said.contains(&format!("not viewed {seen}")),
                    "{said}"
                );
                let exhibit = found[n].exhibit.as_ref().unwrap();
                casework::view(c, exhibit, &rita, "decision", Extent::Whole)
                    .await
                    .unwrap();
            }
        }
    }
    // Nor may an upheld appeal release files that the person who decides it hasn't viewed.
    let ada = casework::add_person(c, "Ada", &[Role::Reviewer], "test")
        .await
        .unwrap();
    casework::decide(c, case, &ada, &request(Ruling::Report))
        .await
        .unwrap();
    let jo = casework::add_person(c, "Jo", &[Role::Appeals], "test")
        .await
        .unwrap();
    let appeal = casework::file_appeal(c, case, "mine is harmless", "test")
        .await
        .unwrap();
    let upheld =
        casework::decide_appeal(c, case, &appeal.id, &jo, AppealOutcome::Upheld, "so it is");
    assert!(
        upheld
            .await
            .unwrap_err()
            .to_string()
            .contains("not viewed 3 whole")
    );
}

/// Regression: an account whose name equals a group's internal name joined that group, and later
/// uploads without an account joined a case that a person had attributed to one.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_without_an_account_are_nobodys() {
    use sha2::Digest as _;
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let c = &b.casework;
    let digest = hex::encode(sha2::Sha256::digest(&known));
    let lists = casework::cases(c, None).await.unwrap();
    assert!(lists.is_empty());
    b.post(PUBLIC, &[], known.clone()).await;
    let case = casework::cases(c, None).await.unwrap()[0].id.clone();
    let entry = casework::findings(c, &case).await.unwrap()[0]
        .matched
        .clone();
    for account in [
        format!("uploads without an account, {digest}"),
        format!(
            "uploads without an account, like {} of {}",
            entry.entry, entry.list_id
        ),
    ] {
        b.post(PUBLIC, &[("obhut-account", &account)], known.clone())
            .await;
    }
    assert_eq!(b.cases().await, 3);
    // Once a person has said whose the upload is, the next upload may be someone else's.
    let facts = Facts::from_json(br#"{"reported": {"id": "user-77"}}"#).unwrap();
    casework::set_facts(c, &case, &facts, "test").await.unwrap();
    b.post(PUBLIC, &[], known.clone()).await;
    assert_eq!(b.cases().await, 4);
}

/// A person views one copy, and the decision applies to every other open case that has only these bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_carried_over_to_cases_with_the_same_bytes_and_nothing_else() {
    let known = picture(1);
    let b = bench(&known, &[]).await;
    let c = &b.casework;
    let upload = r#"{"ip":"192.0.2.1","at":"2026-01-01T00:00:00Z","screen_name":"n","email":"n@example.org","session":"s"}"#;
    for account in [
        "first",
        "same",
        "same-twice",
        "same-twice",
        "other-bytes",
        "says-more",
        "says-age",
        "embargoed",
        "in-queue",
        "In-queue-of-a-service",
    ] {
        let headers = [("obhut-account", account), ("obhut-upload", upload)];
        let (status, _, _) = b.post(PUBLIC, &headers, known.clone()).await;
        assert_eq!(status, 200);
    }
    b.post(PUBLIC, &[("obhut-account", "other-bytes")], copy(&known, 1))
        .await;
    let case_of = async |account: &str| bench::case_of(c, account).await;
    let embargo = Embargo {
        authority: Some("police, 4711".into()),
        ..Embargo::default()
    };
    let roles = [Role::ReportingOfficer, Role::Administrator];
    let olga = casework::add_person(c, "Olga", &roles, "test")
        .await
        .unwrap();
    let embargoed = case_of("embargoed").await;
    casework::set_embargo(c, &embargoed, Some(&embargo), "asked", &olga)
        .await
        .unwrap();
    // Reports about two of the accounts wait in the queue.
    let note = b"Account: in-queue\nUrgent: he meets a girl of nine today";
    let mut run = obhut_app::intake::begin_intake(c).await.unwrap();
    let read = obhut_app::formats::incoming::read(note);
    // A form names the service, which cases don't.
    let form = br#"{"facts": {"reported": {"id": "in-queue-of-a-service", "service": "Example"}}}"#;
    let form = obhut_app::formats::incoming::read(form);
    assert!(
        form.facts
            .expose()
            .reported
            .as_ref()
            .unwrap()
            .service
            .is_some()
    );
    run.take(vec![read, form], "test").await.unwrap();
    drop(run);
    for account in ["says-more", "says-age"] {
        let case = case_of(account).await;
        let mut facts = casework::facts(c, &case).await.unwrap();
        let reported = facts.reported.as_mut().unwrap();
        match account {
            "says-more" => reported.note = Some("says he will meet her tonight".into()),
            _ => reported.person.as_mut().unwrap().age = Some(14),
        }
        casework::set_facts(c, &case, &facts, "test").await.unwrap();
    }
    let rita = casework::add_person(c, "Rita", &[Role::Reviewer], "test")
        .await
        .unwrap();
    let first = case_of("first").await;
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "as seen".into(),
        category: Some(Category {
            scale: "ncmec-industry".into(),
            value: "A1".into(),
        }),
    };
    // Nothing is decided about bytes that the person hasn't viewed.
    let with_same_bytes = async || {
        let none = std::collections::BTreeMap::new();
        casework::decide_with_same_bytes(c, &first, &rita, &request, none, None).await
    };
    let unseen = with_same_bytes().await.map(|_| ());
    assert!(unseen.unwrap_err().to_string().contains("viewed no file"));
    let exhibit = casework::findings(c, &first).await.unwrap()[0]
        .exhibit
        .clone()
        .unwrap();
    casework::view(c, &exhibit, &rita, "decision", Extent::Whole)
        .await
        .unwrap();
    let (decision, also) = with_same_bytes().await.unwrap();
    let mut expected = [case_of("same").await, case_of("same-twice").await];
    expected.sort();
    assert_eq!(also.decided, expected);
    let mut left = [
        case_of("other-bytes").await,
        case_of("says-more").await,
        case_of("says-age").await,
        case_of("embargoed").await,
        case_of("in-queue").await,
        case_of("In-queue-of-a-service").await,
    ];
    left.sort();
    assert_eq!((also.left, also.more), (left.to_vec(), false));
    let twice = casework::case(c, &case_of("same-twice").await)
        .await
        .unwrap();
    let carried = &twice.decisions[0];
    assert!(
        carried
            .grounds()
            .contains(&format!("the same bytes as {exhibit}"))
    );
    // These copies weren't viewed, and the report names the one that was.
    let files = casework::dossier(c, &twice.case.id, false)
        .await
        .unwrap()
        .files;
    assert_eq!(files.len(), 2);
    for file in files {
        assert!(!file.viewed_whole);
        assert_eq!(file.viewed_copy.as_ref(), Some(&exhibit));
        assert_eq!(file.category.unwrap().value, "A1");
    }
    // The second time nothing is left to decide, and nothing is decided twice: a new decision would
    // void what is approved on the first.
    let (same, again) = with_same_bytes().await.unwrap();
    assert_eq!(same.id(), decision.id());
    assert_eq!(again.decided, [""; 0]);
    assert_eq!(
        casework::decisions(c, &twice.case.id).await.unwrap().len(),
        1
    );
    let mut reports = Vec::new();
    for case in &expected {
        let report = casework::file_latest(c, case, "package", false, "test")
            .await
            .unwrap();
        reports.push(report);
    }
    approve_as_it_is(c, &reports[0], &olga).await.unwrap();
    casework::require_sendable(c, &reports[0]).await.unwrap();
    // If the review was wrong, the other decisions may be wrong too.
    let jo = casework::add_person(c, "Jo", &[Role::Appeals], "test")
        .await
        .unwrap();
    let appeal = casework::file_appeal(c, &first, "mine is harmless", "test")
        .await
        .unwrap();
    casework::decide_appeal(
        c,
        &first,
        &appeal.id,
        &jo,
        AppealOutcome::Upheld,
        "so it is",
    )
    .await
    .unwrap();
    let alarms = casework::alarms(c).await.unwrap();
    let carried: Vec<_> = alarms
        .iter()
        .filter(|a| a.text.contains(&first) && a.text.contains("decide it again"))
        .collect();
    assert_eq!(carried.len(), 2, "{alarms:?}");
    // Until a person reviews them, the approved report isn't sent and the draft isn't approved.
    let held = casework::require_sendable(c, &reports[0]).await;
    let held = held.unwrap_err().to_string();
    assert!(held.contains("found wrong"), "{held}");
    let held = approve_as_it_is(c, &reports[1], &olga).await;
    assert!(held.unwrap_err().to_string().contains("found wrong"));
    // The person who made the latest decision can't clear the alarm by deciding again; another
    // person who has viewed the files can.
    casework::decide(c, &expected[1], &rita, &request)
        .await
        .unwrap();
    let held = approve_as_it_is(c, &reports[1], &olga).await;
    assert!(held.is_err());
    let nora = casework::add_person(c, "Nora", &[Role::Reviewer], "test")
        .await
        .unwrap();
    casework::decide(c, &expected[1], &nora, &request)
        .await
        .unwrap();
    let doubts = async || {
        let open = casework::alarms(c).await.unwrap();
        open.iter().filter(|a| a.kind == "carried-decision").count()
    };
    assert_eq!(doubts().await, 2, "not viewed");
    for file in casework::findings(c, &expected[1]).await.unwrap() {
        let exhibit = file.exhibit.unwrap();
        casework::view(c, &exhibit, &nora, "decision", Extent::Whole)
            .await
            .unwrap();
    }
    // Before Nora decides again, the person whose review is in doubt does. That changes nothing.
    casework::decide(c, &expected[1], &rita, &request)
        .await
        .unwrap();
    assert_eq!(doubts().await, 2);
    casework::decide(c, &expected[1], &nora, &request)
        .await
        .unwrap();
    assert_eq!(doubts().await, 1);
    // A decision that was changed or overturned isn't carried over to any more cases.
    let no_further = casework::decide_same_bytes(c, &decision, &rita).await;
    assert_eq!(no_further.unwrap().decided, [""; 0]);
    let open = casework::alarms(c).await.unwrap();
    let carried: Vec<_> = open
        .iter()
        .filter(|a| a.kind == "carried-decision")
        .collect();
    assert_eq!(carried.len(), 1, "{open:?}");
    // An officer confirms the remaining decision by marking its alarm as seen.
    assert_eq!(carried[0].subject, expected[0]);
    casework::see_alarm(c, &carried[0].id, &olga).await.unwrap();
    // The person who dismissed the doubt may not approve the report.
    let refused = approve_as_it_is(c, &reports[0], &olga).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("another person has to approve"),
        "{refused}"
    );
    let olga = casework::add_person(c, "Oskar", &[Role::ReportingOfficer], "test")
        .await
        .unwrap();
    // The copy that was viewed was erased, so what was approved has changed.
    let changed = casework::require_sendable(c, &reports[0]).await;
    let changed = changed.unwrap_err().to_string();
    assert!(changed.contains("approve it as it is now"), "{changed}");
    approve_as_it_is(c, &reports[0], &olga).await.unwrap();
    casework::require_sendable(c, &reports[0]).await.unwrap();
}

/// Approves a report without asking what its receiver would refuse.
async fn approve_as_it_is(casework: &Casework, report: &str, person: &Person) -> Result<Approval> {
    let approvable =
        casework::begin_approval(casework, report, person, Some("a test"), false).await?;
    let approved = Approved {
        documents: b"{}",
        overrides: true,
        for_test: false,
    };
    casework::approve_report(casework, &approvable, person, approved).await
}

/// A BMP of 64 grey levels, 64 pixels a side, all of whose bytes are below 0x80.
fn ascii_bmp() -> Vec<u8> {
    const SIDE: u32 = 64;
    let colours = 64_u32;
    let at = 14 + 40 + 4 * colours;
    let mut bmp = b"BM".to_vec();
    let word = |bmp: &mut Vec<u8>, n: u32| bmp.extend(n.to_le_bytes());
    // The size of the file. 0, because decoders don't need it.
    word(&mut bmp, 0);
    word(&mut bmp, 0);
    // Where the pixels begin, with a gap that makes each byte of the number small enough.
    let begins = (at + 0x7f) & !0x7f;
    let begins = if begins & 0xff >= 0x80 {
        begins + 0x80
    } else {
        begins
    };
    word(&mut bmp, begins);
    word(&mut bmp, 40);
    word(&mut bmp, SIDE);
    word(&mut bmp, SIDE);
    bmp.extend([1, 0, 8, 0]);
    for n in [0, 0, 0, 0, colours, colours] {
        word(&mut bmp, n);
    }
    for n in 0..colours as u8 {
        bmp.extend([2 * n, 2 * n, 2 * n, 0]);
    }
    bmp.resize(begins as usize, 0);
    bmp.extend((0..SIDE * SIDE).map(|n| ((n % SIDE * 7) ^ (n / SIDE * 5)) as u8 & 0x3f));
    bmp
}
