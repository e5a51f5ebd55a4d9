//! Holds, extensions, destruction and rules at the command line.

mod bench;

use bench::{Bench, json, ok};

/// A data folder with a file that was never filed; its exhibit.
fn world() -> (Bench, String) {
    let b = Bench::new();
    b.write("a.txt", b"hello");
    ok(&b.obhut(&["vault", "put", "a.txt"]));
    let listed = json(ok(&b.obhut(&["vault", "list", "--json"])));
    let exhibit = listed[0]["exhibit"].as_str().unwrap().to_owned();
    (b, exhibit)
}

/// What a command that succeeds prints.
fn said(b: &Bench, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&ok(&b.obhut(arguments)).stdout).into_owned()
}

fn refused(b: &Bench, arguments: &[&str], code: i32, because: &str) {
    let out = b.obhut(arguments);
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(because), "{arguments:?}: {said}");
}

#[test]
fn a_hold_wins_over_two_people_who_want_an_exhibit_destroyed() {
    let (b, exhibit) = world();
    let text = |arguments: &[&str]| said(&b, arguments);
    let kept = text(&["vault", "retention", &exhibit]);
    assert!(kept.contains("indefinitely: no rule says"), "{kept}");
    text(&["vault", "rule", "--days", "90", "--basis", "our policy, 4"]);
    let kept = text(&["vault", "retention", &exhibit]);
    assert!(kept.contains("our policy, 4"), "{kept}");
    let rule = [
        "vault",
        "rule",
        "--filed-with",
        "ncmec",
        "--days",
        "9",
        "--basis",
        "b",
    ];
    refused(&b, &rule, 2, "18 USC 2258A(h)");

    let held = text(&[
        "vault",
        "hold",
        &exhibit,
        "--asked-by",
        "a court",
        "--reference",
        "AZ 1",
        "--by",
        "Anna",
        "--json",
    ]);
    let held: serde_json::Value = serde_json::from_str(&held).unwrap();
    let hold = held["hold"]["id"].as_str().unwrap();
    let destroy = |by| {
        [
            "vault", "destroy", &exhibit, "--reason", "a slip", "--by", by,
        ]
    };
    refused(&b, &destroy("Anna"), 5, hold);
    let release = |by| {
        [
            "vault",
            "release",
            hold,
            "--reason",
            "it is over",
            "--by",
            by,
        ]
    };
    assert!(text(&release("Anna")).contains("stays in force"));
    refused(&b, &release("Anna"), 5, "a second person");
    assert!(text(&release("Ben")).contains("has ended"));

    assert!(text(&destroy("Anna")).contains("1 of 2 people"));
    refused(&b, &destroy("Anna"), 5, "a second person");
    let asked = text(&destroy("Ben"));
    assert!(
        asked.contains("2 of 2 people") && asked.contains("pending until"),
        "{asked}"
    );
    let due = text(&["vault", "destroy", "--due", "--by", "Ben"]);
    assert!(due.starts_with("0 exhibits destroyed"), "{due}");
    let today = [
        "vault",
        "destroy",
        "--due",
        "--today",
        "2001-01-01",
        "--by",
        "Ben",
    ];
    refused(&b, &today, 2, "the clock says");
    // An extension calls it off.
    text(&[
        "vault",
        "extend",
        &exhibit,
        "--until",
        "2099-01-01T00:00:00Z",
        "--reason",
        "a trial",
        "--by",
        "Anna",
    ]);
    refused(&b, &destroy("Ben"), 5, "2099-01-01");
    text(&["vault", "destroy", "--due", "--by", "Ben"]);
    let overview = text(&["vault", "retention"]);
    assert!(!overview.contains("to be destroyed"), "{overview}");
    ok(&b.obhut(&["verify"]));
}

#[test]
fn unknown_ids_and_past_dates_are_refused_before_anyone_gets_a_role() {
    let (b, exhibit) = world();
    let who = [
        "--asked-by",
        "a court",
        "--reference",
        "AZ 1",
        "--by",
        "Nobody",
    ];
    let hold = |subject: &'static str| [&["vault", "hold", subject], &who[..]].concat();
    refused(&b, &hold("case-0000"), 4, "case");
    refused(&b, &hold("ffff"), 4, "exhibit");
    refused(
        &b,
        &["vault", "release", "hold-1", "--reason", "r"],
        4,
        "vault retention",
    );
    let past = [
        "vault",
        "extend",
        &exhibit,
        "--until",
        "2001-01-01T00:00:00Z",
        "--reason",
        "r",
        "--by",
        "Nobody",
    ];
    refused(&b, &past, 2, "past");
    let people = said(&b, &["person", "list"]);
    assert!(!people.contains("Nobody"), "{people}");
}
