//! The first hour of an installation, as a newcomer has it: from `obhut serve` on an empty machine to
//! a blocked test picture, with nothing but the browser and one request.

mod bench;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use bench::*;
use serde_json::Value;

/// Starts a server; returns what it says of its addresses.
fn serve(b: &Bench) -> (Ended, Value) {
    let mut command = b.command(&["--json", "serve", "--listen", "127.0.0.1:0"]);
    let mut child: Child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    (Ended(child), serde_json::from_str(&said).unwrap())
}

/// What is between the first `start` after `after` and the next `end`.
fn between<'a>(page: &'a str, after: &str, start: &str, end: &str) -> &'a str {
    let rest = &page[page
        .find(after)
        .unwrap_or_else(|| panic!("{after}: {page}"))..];
    let from = rest.find(start).unwrap() + start.len();
    &rest[from..from + rest[from..].find(end).unwrap()]
}

/// A person's browser: their session's cookie.
struct Signed<'a> {
    address: &'a str,
    cookie: String,
}

impl<'a> Signed<'a> {
    fn in_with(address: &'a str, key: &str) -> Self {
        let answer = ask(address, "POST /sign-in HTTP/1.1", format!("key={key}"));
        let cookie = between(&answer, "set-cookie: ", "set-cookie: ", ";").to_owned();
        Self { address, cookie }
    }

    fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nCookie: {}", self.cookie);
        ask(self.address, &head, "")
    }

    fn post(&self, path: &str, page: &str, fields: &str) -> String {
        let token = between(page, "name=\"token\"", "value=\"", "\"");
        let head = format!("POST {path} HTTP/1.1\r\nCookie: {}", self.cookie);
        ask(self.address, &head, format!("token={token}&{fields}"))
    }
}

#[test]
fn from_an_empty_machine_to_a_blocked_test_picture() {
    let b = Bench::new();
    let (server, said) = serve(&b);
    let address = said["listening"].as_str().unwrap();
    let one_time = said["first_hour"].as_str().unwrap();
    let path = one_time.split_once(address).unwrap().1;
    let code = path.split_once("code=").unwrap().1;
    assert_eq!(code.len(), 32);

    let form = ask(address, &format!("GET {path} HTTP/1.1"), "");
    assert!(form.contains("name=\"second\""), "{form}");
    let fields = format!("code={code}&name=Ada+Engineer&second=Grace");
    let made = ask(address, "POST /first HTTP/1.1", &fields);
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let ada = between(&made, "Ada Engineer</bdi>", "<pre>", "</pre>");
    let grace = between(&made, "Grace</bdi>", "<pre>", "</pre>");
    let curl = between(&made, "Your platform's key", "<pre>", "</pre>");
    assert!(made.contains(&b.path("data").join("keys").display().to_string()));
    // A page that was closed too early can be opened again, until a person has signed in.
    let heads = [
        format!("GET {path} HTTP/1.1"),
        "POST /first HTTP/1.1".into(),
    ];
    for head in &heads {
        let again = ask(address, head, &fields);
        assert!(again.contains(ada) && again.contains(curl), "{again}");
    }
    let ada = Signed::in_with(address, ada);
    for head in &heads {
        let again = ask(address, head, &fields);
        assert!(again.starts_with("HTTP/1.1 409"), "{again}");
        assert!(!again.contains(curl));
    }
    let steps = ada.get("/first/steps");
    assert_eq!(steps.matches(">open<").count(), 4, "{steps}");
    let picture = std::fs::read(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/assets/test-picture.png"),
    )
    .unwrap();
    let screen = || {
        let head = format!("POST /v1/screen HTTP/1.1\r\nAuthorization: Bearer {curl}");
        ask(address, &head, &picture)
    };
    assert!(screen().contains("\"action\":\"pass\""), "no list yet");
    ada.post("/first/list", &steps, "test=yes");
    assert!(screen().contains("\"action\":\"pass\""), "no signature yet");
    for person in [ada, Signed::in_with(address, grace)] {
        let lists = person.get("/lists");
        let path = between(&lists, "action=\"/lists/", "action=\"", "\"").to_owned();
        let version = between(&lists, "name=\"version\"", "value=\"", "\"");
        let signed = person.post(&path, &lists, &format!("version={version}"));
        assert!(signed.starts_with("HTTP/1.1 303"), "{signed}");
    }
    let blocked = screen();
    assert!(blocked.contains("\"action\":\"block\""), "{blocked}");
    let grace = Signed::in_with(address, grace);
    let steps = grace.get("/first/steps");
    assert_eq!(
        steps.matches(">open<").count(),
        1,
        "only the reports are left"
    );
    assert!(grace.get("/cases").contains("/cases/case-"));

    // The people are on record: another start prints no address.
    drop(server);
    let (_server, said) = serve(&b);
    assert!(said["first_hour"].is_null(), "{said}");
}
