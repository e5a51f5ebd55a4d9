//! Upload hooks with the software that calls them: nginx in front of a platform, and an object
//! store.
//!
//! `cargo xtask test` installs nginx and moto; without them these tests say so and pass.

mod bench;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bench::*;
use serde_json::{Value, json};

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Longest wait for a request that has to reach the platform.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Ways in which the test below sends the listed picture and it is held: the query, nine of ten
/// spellings, four methods, a capital letter, five media types.
const HELD: usize = 20;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn wait_for(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nothing listens on {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a server with a signed list of one picture; returns its address.
fn serve(b: &Bench, more: &[&str], environment: &[(&str, &str)]) -> (Running, String) {
    let picture = b.picture("known.png", 1);
    let digest = b.digest("pdq", &picture);
    b.write(
        "list.csv",
        format!("kind,digest,entry_id\npdq,{digest},one\n").as_bytes(),
    );
    b.import("hotline", "list.csv");
    for person in ["Ada", "Grace"] {
        ok(&b.obhut(&["list", "sign", "hotline", "--by", person]));
    }
    start(b, more, environment)
}

/// Starts a server on the data folder as it is; returns its address.
fn start(b: &Bench, more: &[&str], environment: &[(&str, &str)]) -> (Running, String) {
    let mut command = b.command(&[&["serve", "--listen", "127.0.0.1:0", "--json"], more].concat());
    command
        .envs(environment.iter().copied())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = serde_json::from_str::<Value>(&first).unwrap()["listening"]
        .as_str()
        .unwrap()
        .to_owned();
    (Running(child), address)
}

fn key(b: &Bench) -> String {
    let made = b.obhut(&[
        "key",
        "create",
        "--json",
        "--name",
        "hook",
        "--surface",
        "public",
    ]);
    json(ok(&made))[0]["key"].as_str().unwrap().to_owned()
}

fn form(bytes: &[u8]) -> Vec<u8> {
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n".to_vec();
    body.extend(bytes);
    body.extend(b"\r\n--b--\r\n");
    body
}

/// Sends a request; returns the answer's status and body.
fn ask(address: &str, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{head}Host: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    (
        status,
        answer
            .split_once("\r\n\r\n")
            .map_or(String::new(), |(_, body)| body.to_owned()),
    )
}

/// Bodies with a listed picture that only some parsers find, with their Content-Type.
fn smuggled(raw: &[u8]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let joined = |parts: &[&[u8]]| parts.concat();
    let form = "Content-Type: multipart/form-data; boundary=b";
    let file: &[u8] = b"Content-Disposition: form-data; name=\"f\"; filename=\"f.png\"\r\n\r\n";
    let text: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nhello\r\n";
    let inner = joined(&[b"--c\r\n", file, raw, b"\r\n--c--"]);
    vec![
        (
            "parts in a part",
            form,
            joined(&[
                b"--b\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n",
                &inner,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "a message in a part",
            form,
            joined(&[
                b"--b\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: image/png\r\n\r\n",
                raw,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "a packed part",
            form,
            joined(&[
                b"--b\r\nContent-Encoding: gzip\r\n",
                file,
                raw,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "a file after the end",
            form,
            joined(&[text, b"--b--\r\n--b\r\n", file, raw, b"\r\n--b--\r\n"]),
        ),
        (
            "a file before the beginning",
            form,
            joined(&[b"x\r\n", file, raw, b"\r\n", text, b"--b--\r\n"]),
        ),
        (
            "two media types",
            "Content-Type: text/plain, multipart/form-data; boundary=b",
            joined(&[b"--b\r\n", file, raw, b"\r\n--b--\r\n"]),
        ),
        (
            "two headers",
            "Content-Type: text/plain\r\nContent-Type: multipart/form-data; boundary=b",
            joined(&[b"--b\r\n", file, raw, b"\r\n--b--\r\n"]),
        ),
        (
            "a form under another name",
            "Content-Type: text/plain",
            joined(&[b"--b\r\n", file, raw, b"\r\n--b--\r\n"]),
        ),
        (
            "a boundary of RFC 2231",
            "Content-Type: multipart/form-data; boundary=b; boundary*=utf-8''c",
            joined(&[
                b"--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n",
                &inner,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "a boundary in another parameter",
            "Content-Type: multipart/form-data; xboundary=c; boundary=b",
            joined(&[
                b"--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n",
                &inner,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "a boundary that ends earlier for some",
            "Content-Type: multipart/form-data; boundary=b:x",
            joined(&[
                b"--b:x\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n--b\r\n",
                file,
                raw,
                b"\r\n--b--\r\n--b:x--\r\n",
            ]),
        ),
        (
            "a form after another type",
            "Content-Type: text/plain; multipart/form-data; boundary=b",
            joined(&[
                b"--b\r\nContent-Disposition:form-data; name=\"f\"; filename=\"f.png\"\r\n\r\n",
                raw,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "a form after padding",
            "Content-Type: application/octet-stream",
            joined(&[
                &[b'x'; 5_000],
                b"\r\n--b\r\n",
                file,
                raw,
                b"\r\n--b--\r\n",
            ]),
        ),
        (
            "two boundaries",
            "Content-Type: multipart/form-data; boundary=a; boundary=b",
            joined(&[b"--a\r\n\r\n", b"--b\r\n", file, raw, b"\r\n--b--\r\n--a--"]),
        ),
    ]
}

#[test]
fn nginx_asks_before_the_platform_hears_of_an_upload() {
    let nginx = ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|n| Command::new(n).arg("-v").output().is_ok());
    let Some(nginx) = nginx else {
        println!("not present: nginx (cargo xtask test brings it)");
        return;
    };
    let b = Bench::new();
    let (_serving, address) = serve(&b, &[], &[]);
    // The platform: reports what it received.
    let platform = TcpListener::bind("127.0.0.1:0").unwrap();
    let platform_port = platform.local_addr().unwrap().port();
    let (send, got) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in platform.incoming().take(60) {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = send.send((head, body));
            let _ = stream.write_all(
                b"HTTP/1.1 201 Created\r\nContent-Length: 6\r\nConnection: close\r\n\r\nstored",
            );
        }
    });
    let port = free_port();
    let conf = include_str!("../../../examples/nginx.conf")
        .replace("127.0.0.1:8080", &address)
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{platform_port}"))
        .replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"))
        // nginx must write nothing outside this test's folder.
        .replace("access_log off;", "access_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path f;\nuwsgi_temp_path u;\nscgi_temp_path s;");
    b.write("nginx.conf", conf.as_bytes());
    b.write(
        "obhut-key.conf",
        format!("proxy_set_header Authorization \"Bearer {}\";", key(&b)).as_bytes(),
    );
    let folder = b.folder.path().display().to_string();
    let child = Command::new(nginx)
        .args([
            "-p",
            &folder,
            "-c",
            "nginx.conf",
            "-g",
            "daemon off; master_process off;",
            "-e",
            "stderr",
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _nginx = Running(child);
    wait_for(port);
    let proxy = format!("127.0.0.1:{port}");
    let head = "POST /upload HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n";
    let harmless = b.picture("harmless.png", 2);
    let body = form(&b.read(&harmless));
    // The platform's own answer: obhut let the upload pass, and nginx forwarded it unchanged.
    assert_eq!(ask(&proxy, head, &body), (201, "stored".into()));
    let (told, came) = got.recv_timeout(WAIT_MAX).unwrap();
    assert!(
        told.starts_with("POST /upload") && came == body,
        "the request as it was sent: {told}"
    );
    assert!(told.contains("Obhut-Action: pass\r\n"), "{told}");
    // A GET reaches the platform unscreened, but without its body, and only nginx says what obhut
    // did.
    let raw = b.read("known.png");
    let head_of_get = "GET /feed HTTP/1.1\r\nObhut-Action: pass\r\n";
    assert_eq!(ask(&proxy, head_of_get, &raw).0, 201);
    let (told, came) = got.recv_timeout(WAIT_MAX).unwrap();
    assert!(
        came.is_empty() && !told.to_lowercase().contains("obhut-action"),
        "{told}"
    );
    // Logging out has no body.
    assert_eq!(ask(&proxy, "POST /logout HTTP/1.1\r\n", b"").0, 201);
    assert!(got.recv_timeout(WAIT_MAX).is_ok());

    // From here on, whatever reaches the platform must be marked as held: the number of those that
    // were, and of those that were refused.
    let (mut held, mut refused) = (0, 0);
    let mut never_published = |what: &str, head: &str, body: &[u8]| {
        let (status, answer) = ask(&proxy, head, body);
        if status == 201 {
            let (told, _) = got.recv_timeout(WAIT_MAX).unwrap();
            assert!(told.contains("Obhut-Action: hold\r\n"), "{what}: {told}");
            assert_eq!(answer, "stored", "as for an upload that passes");
            held += 1;
        } else {
            assert!([400, 405, 415].contains(&status), "{what}: {status}");
            assert!(got.try_recv().is_err(), "{what} reached the platform");
            refused += 1;
        }
    };
    // The uploader's own query string changes nothing, and their headers about an account aren't
    // believed.
    let strange = head
        .replace("/upload", "/upload?pass=@elsewhere&surface=attic")
        .replace(
            "Content-Type",
            "Authorization: Basic Y2Fyb2w6eA==\r\nObhut-Account: another-user\r\nObhut-Upload: {\"ip\":\"192.0.2.99\"}\r\nContent-Type",
        );
    let known = form(&raw);
    never_published("query", &strange, &known);
    // A platform may know one handler under many spellings, and unexpected methods.
    for path in [
        "/upload/",
        "/Upload",
        "/upload;a=b",
        "/upload%2f",
        "/upload.json",
        "//upload",
        "/./upload",
        "/up%6coad",
        "/upload%00",
        "/v2/media",
    ] {
        never_published(path, &head.replace("/upload", path), &known);
    }
    for method in ["PUT", "PATCH", "DELETE", "REPORT"] {
        never_published(method, &head.replace("POST", method), &known);
    }
    // Media types are case-insensitive (RFC 9110); a capital letter must not bypass screening.
    let capital = head.replace("multipart/form-data", "Multipart/Form-Data");
    never_published("capital", &capital, &known);
    // Sent raw under any name of a media type.
    for media in ["image/png", "text/plain", "application/json", "x", ""] {
        let head = format!("POST /upload HTTP/1.1\r\nContent-Type: {media}\r\n");
        never_published(media, &head, &raw);
    }
    // What a platform's parser may take apart where obhut's doesn't.
    for (what, media, body) in smuggled(&raw) {
        let head = format!("POST /upload HTTP/1.1\r\n{media}\r\n");
        never_published(what, &head, &body);
    }
    let mixed = head.replace("multipart/form-data", "multipart/mixed");
    never_published("mixed", &mixed, &known);
    assert_eq!((held, refused), (HELD, 16));
    let cases = json(&b.obhut(&["case", "list", "--json"]));
    assert_eq!(
        (cases.len(), &cases[0]["files"]),
        (1, &HELD.into()),
        "the same bytes without an account are one case"
    );
    let facts = json(&b.obhut(&["case", "facts", cases[0]["id"].as_str().unwrap(), "--json"]));
    assert_eq!(facts[0]["reported"], Value::Null);
    let files = facts[0]["files"].as_object().unwrap();
    assert_eq!(files.len(), HELD);
    for file in files.values() {
        // The address is the one nginx saw, not the one in the uploader's header.
        let event = &file["ip_event"];
        assert_eq!(event["address"], "127.0.0.1", "{facts:?}");
        assert!(event["port"].as_i64().is_some() && event["at"].is_string());
    }
}

#[test]
fn an_object_stores_event_has_its_objects_screened() {
    let Some(python) = std::env::var_os("OBHUT_TEST_MOTO") else {
        println!("not present: moto (cargo xtask test brings it)");
        return;
    };
    let port = free_port();
    let moto = Command::new(&python)
        .args([
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _moto = Running(moto);
    wait_for(port);
    let store = format!("127.0.0.1:{port}");
    let b = Bench::new();
    let keys = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let endpoint = format!("http://{store}/");
    let (serving, address) = serve(&b, &["--s3", &endpoint], &keys);
    b.picture("harmless.png", 2);
    let put_with = |path: &str, body: &[u8], meta: &str| {
        // The fake store lets every client write; obhut reads with a signature.
        let head = format!(
            "PUT /{path} HTTP/1.1\r\n{meta}Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        assert_eq!(ask(&store, &head, body).0, 200, "{path}");
    };
    let put = |path: &str, body: &[u8]| put_with(path, body, "");
    // The bucket itself.
    put("uploads", b"");
    put("uploads/a%20b/known.png", &b.read("known.png"));
    put("uploads/harmless.png", &b.read("harmless.png"));
    let record = |key: &str| json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "uploads"}, "object": {"key": key}}});
    // Keys in an event are form-encoded: a+b is the object "a b".
    let event =
        json!({"Records": [record("a+b/known.png"), record("harmless.png"), record("gone.png")]})
            .to_string();
    let head = format!(
        "POST /v1/hooks/s3 HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        key(&b)
    );
    let (status, answer) = ask(&address, &head, event.as_bytes());
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (&answer[0]["key"], &answer[0]["verdict"]),
        (&json!("a b/known.png"), &json!("match"))
    );
    assert_eq!(answer[1]["verdict"], "no-match");
    assert_eq!(answer[2]["error"], "not-fetched");
    assert_eq!(json(&b.obhut(&["case", "list", "--json"])).len(), 1);

    // What the platform wrote into the metadata counts only where the operator says so.
    let meta =
        "x-amz-meta-obhut-account: user-7\r\nx-amz-meta-obhut-upload: {\"ip\": \"192.0.2.7\"}\r\n";
    let wrong = "x-amz-meta-obhut-upload: {\"ip\": \"nowhere\"}\r\n";
    put_with("uploads/known.png", &b.read("known.png"), meta);
    put_with("uploads/wrong.png", &b.read("known.png"), wrong);
    let event = json!({"Records": [record("known.png"), record("wrong.png")]}).to_string();
    let accounts = || {
        json(&b.obhut(&["case", "list", "--json"]))
            .iter()
            .filter_map(|case| {
                let shown = b.obhut(&["case", "show", case["id"].as_str()?, "--json"]);
                json(&shown)[0]["account"].as_str().map(str::to_owned)
            })
            .collect::<Vec<_>>()
    };
    let (status, answer) = ask(&address, &head, event.as_bytes());
    assert_eq!(status, 200, "{answer}");
    assert_eq!(accounts(), [""; 0], "metadata isn't taken unasked");
    drop(serving);
    let (_serving, address) = start(&b, &["--s3", &endpoint, "--s3-facts"], &keys);
    let (status, answer) = ask(&address, &head, event.as_bytes());
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer[0]["verdict"], "match");
    assert_eq!(answer[1]["error"], "bad-request", "{answer}");
    assert_eq!(accounts(), ["user-7"]);
}
