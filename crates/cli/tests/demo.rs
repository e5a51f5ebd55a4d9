//! `obhut demo`: its people can sign in and find their work, and nothing of it stays.

mod bench;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use bench::*;
use serde_json::Value;

#[test]
fn the_demo_shows_each_role_its_work_and_leaves_nothing() {
    let b = Bench::new();
    std::fs::create_dir(b.path("temporary")).unwrap();
    let mut command = b.command(&[
        "--json",
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--minutes",
        "5",
    ]);
    command.env("TMPDIR", b.path("temporary"));
    let mut demo = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(demo.0.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    let address = said["listening"].as_str().unwrap();
    let sign_in = |name: &str| {
        let people = said["people"].as_array().unwrap();
        let person = people.iter().find(|p| p["name"] == name).unwrap();
        let key = person["key"].as_str().unwrap();
        let answer = ask(address, "POST /sign-in HTTP/1.1", format!("key={key}"));
        let cookie = answer.split("set-cookie: ").nth(1).expect("a session");
        cookie.split(';').next().unwrap().to_owned()
    };
    for (name, path, expected) in [
        ("Rita", "/cases", "class=\"urgent\""),
        ("Rita", "/incoming", "24 hours"),
        ("Rita", "/payments", "/payments/alert-"),
        ("Olga", "/reports", "/reports/report-"),
        ("Sami", "/appeals", "/appeals/appeal-"),
        ("Ada", "/lists", "demo-hotline"),
        ("Grace", "/lists", "demo-hotline"),
        ("Uwe", "/audit", "case.decide"),
    ] {
        let cookie = sign_in(name);
        let page = ask(
            address,
            &format!("GET {path} HTTP/1.1\r\nCookie: {cookie}"),
            "",
        );
        assert!(
            page.contains(expected),
            "{name} finds no {expected} at {path}"
        );
    }
    // The user's own folder wasn't touched, and the demo's goes with it.
    assert!(!b.path("data").exists());
    assert_eq!(std::fs::read_dir(b.path("temporary")).unwrap().count(), 1);
    let id = demo.0.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert!(demo.0.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(b.path("temporary")).unwrap().count(), 0);
}

#[test]
fn a_taken_port_is_said_before_anything_is_made() {
    let b = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = b.command(&["demo", "--listen", &address]);
    let output = command.env("TMPDIR", b.folder.path()).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--listen"), "{said}");
    assert_eq!(files(b.folder.path()).len(), 0);
}
