//! Reporting on the command line: a case file becomes a report, a receipt and a retraction; errors
//! name the field at fault; reports from others are imported.

use serde_json::Value;

mod bench;

use bench::{Bench, cybertipline, json, ok};

/// An age key whose bytes are 1 to 32; no one has its secret.
const RECIPIENT: &str = "age1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5z5tpwxqergd3c8g7rusqmwn7f2";

const CASE: &str = r#"{
    "files": [{"path": "sub/a.png", "facts": {"annotations": ["infant"], "uploaded_at": "2026-01-01T00:00:00Z"}}],
    "facts": {
        "occurred_at": "2026-01-01T00:00:00Z", "places": [{"place": "chat", "client": "Example"}],
        "reported": {"id": "user-1", "person": {"emails": [{"address": "u@example.com"}]}, "ip_events": [{"address": "192.0.2.1", "port": 1, "at": "2026-01-01T00:00:00Z"}]},
        "recipients": [{"id": "r", "vehicle": "blue van"}], "victims": [{"id": "child"}]
    }
}"#;

fn text(out: &std::process::Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    )
}

/// Rita decides to report.
fn decide_to_report(b: &Bench, case: &str) {
    ok(&b.obhut(&[
        "case",
        "decide",
        case,
        "--by",
        "Rita",
        "--ruling",
        "report",
        "--grounds",
        "g",
    ]));
}

fn new_case(b: &Bench, case: &str) -> String {
    b.write("case.json", case.as_bytes());
    let made = json(ok(&b.obhut(&[
        "case",
        "new",
        "--from",
        "case.json",
        "--json",
    ])));
    made[0]["case"].as_str().unwrap().to_owned()
}

#[test]
fn from_case_file_to_receipt_and_retraction() {
    let b = Bench::new();
    b.write("sub/a.png", b"bytes");
    let schema = ok(&b.obhut(&["case", "new", "--schema"])).stdout.clone();
    assert!(serde_json::from_slice::<Value>(&schema).unwrap()["properties"]["facts"].is_object());
    assert!(!b.path("data").exists(), "the schema needs no data folder");
    let case = new_case(&b, CASE);
    ok(&b.obhut(&[
        "settings",
        "reporter",
        "--service",
        "Example",
        "--email",
        "trust@example.com",
    ]));
    let check = &json(ok(&b.obhut(&[
        "report",
        "check",
        &case,
        "--destination",
        "ncmec",
        "--json",
    ])))[0];
    for score in ["complete", "at_risk"] {
        assert!(
            (1..=100).contains(&check[score].as_u64().unwrap()),
            "{check}"
        );
    }
    for list in ["missing", "reasons", "omitted"] {
        assert!(check[list].is_array(), "{check}");
    }
    assert!(
        check["omitted"]
            .as_array()
            .unwrap()
            .iter()
            .any(|o| o["field"] == "facts.victims")
    );
    ok(&b.obhut(&[
        "case",
        "decide",
        &case,
        "--by",
        "Rita",
        "--ruling",
        "report",
        "--grounds",
        "g",
        "--scale",
        "ncmec-industry",
        "--category",
        "B1",
    ]));
    for destination in [
        "ncmec",
        "package",
        "package-bka",
        "package-nca",
        "leads",
        "vics",
        "vics-1-3",
        "xarf",
        "webhook",
    ] {
        ok(&b.obhut(&[
            "report",
            "draft",
            &case,
            "--destination",
            destination,
            "--out",
            destination,
        ]));
        assert!(!b.read(destination).is_empty() && b.mode(destination) == 0o600);
    }

    let (_service, url) = cybertipline(&b);
    b.write("password", b"test\n");
    assert!(
        text(&b.obhut(&[
            "destination",
            "set",
            "ncmec",
            "--url",
            "http://example.com/ispws"
        ]))
        .contains("https")
    );
    // The production service needs a responsible officer (docs/handling.md, promise 11).
    assert!(text(&b.obhut(&["destination", "set", "ncmec", "--production"])).contains("officer"));
    ok(&b.obhut(&[
        "destination",
        "set",
        "ncmec",
        "--url",
        &url,
        "--user",
        "test",
        "--password-file",
        "password",
        "--officer",
        "Olga",
        // In production, because a filing with the test service neither ends a deadline nor starts
        // the preservation period.
        "--production",
    ]));
    // Another host was once sent the password of this one.
    let elsewhere = [
        "destination",
        "set",
        "ncmec",
        "--url",
        "http://127.0.0.1:9/ispws",
    ];
    let refused = b.obhut(&elsewhere);
    assert_eq!(refused.status.code(), Some(5));
    assert!(text(&refused).contains("another host"));
    assert!(
        text(ok(&b.obhut(&["destination", "check", "ncmec"]))).contains("accepted the credentials")
    );
    assert!(
        text(&b.obhut(&[
            "report",
            "approve",
            &case,
            "--destination",
            "ncmec",
            "--by",
            "Rita"
        ]))
        .contains("another person")
    );
    let approved = b.obhut(&["report", "approve", &case, "--by", "Olga"]);
    assert!(
        text(ok(&approved)).contains("the data of 1 child are omitted"),
        "says that the child stays out"
    );
    let sent = &json(ok(&b.obhut(&["report", "send", &case, "--json"])))[0];
    assert_eq!(sent["filing"], "filed", "{sent}");
    assert!(sent["receipt"].as_str().unwrap().contains("1 file"));
    let status = &json(ok(&b.obhut(&["report", "status", &case, "--json"])))[0];
    assert_eq!(status["number"], sent["number"]);
    assert!(text(ok(&b.obhut(&["deadline", "list"]))).contains("preservation"));
    ok(&b.obhut(&[
        "report",
        "outcome",
        status["report"].as_str().unwrap(),
        "--code",
        "useful",
        "--source",
        "NCMEC",
    ]));
    assert!(text(ok(&b.obhut(&["report", "outcome"]))).contains("NCMEC: useful 1"));

    // The report was wrong after all: an appeal by the code of a notice, decided by another person.
    let notice = &json(ok(&b.obhut(&[
        "appeal",
        "notice",
        &case,
        "--measure",
        "account-closed",
        "--language",
        "de",
        "--by",
        "Rita",
        "--json",
    ])))[0];
    let opened = &json(ok(&b.obhut(&[
        "appeal",
        "open",
        "--code",
        notice["code"].as_str().unwrap(),
        "--reason",
        "mine",
        "--json",
    ])))[0];
    let appeal = opened["id"].as_str().unwrap();
    assert!(
        text(&b.obhut(&[
            "appeal",
            "decide",
            appeal,
            "--by",
            "Rita",
            "--outcome",
            "upheld",
            "--grounds",
            "g"
        ]))
        .contains("another person")
    );
    ok(&b.obhut(&[
        "appeal",
        "decide",
        appeal,
        "--by",
        "Nina",
        "--outcome",
        "upheld",
        "--grounds",
        "harmless",
    ]));
    assert_eq!(
        json(ok(&b.obhut(&["report", "send", "--json"])))[0]["retracted"],
        1
    );
    assert_eq!(
        json(&b.obhut(&["report", "status", &case, "--json"]))[0]["status"],
        "retracted"
    );
    assert!(text(ok(&b.obhut(&["appeal", "restorations"]))).contains("account of user-1"));
    // Not complete: what was filed must be preserved for a year (18 USC 2258A(h)).
    assert!(text(ok(&b.obhut(&["appeal", "proof", &case]))).contains("\"complete\": false"));
    ok(&b.obhut(&["vault", "verify"]));
}

/// Regression: reports that only the test service has were listed nowhere once production was
/// switched on.
#[test]
fn reports_filed_for_test_are_listed_for_filing_again() {
    let b = Bench::new();
    b.write("sub/a.png", b"bytes");
    let case = new_case(&b, CASE);
    decide_to_report(&b, &case);
    let reporter = [
        "settings",
        "reporter",
        "--service",
        "E",
        "--email",
        "t@example.com",
    ];
    ok(&b.obhut(&reporter));
    let (_service, url) = cybertipline(&b);
    b.write("password", b"test\n");
    let set = |more: &[&str]| {
        let all = [&["destination", "set", "ncmec", "--json"], more].concat();
        json(ok(&b.obhut(&all)))[0]["filed_for_test"].clone()
    };
    let test = [
        "--url",
        &url,
        "--user",
        "test",
        "--password-file",
        "password",
        "--officer",
        "Olga",
    ];
    assert_eq!(set(&test), Value::Null);
    let approve = [
        "report",
        "approve",
        &case,
        "--destination",
        "ncmec",
        "--by",
        "Olga",
    ];
    ok(&b.obhut(&approve));
    let sent = json(ok(&b.obhut(&["report", "send", &case, "--json"])));
    assert_eq!(sent[0]["filing"], "filed", "{sent:?}");
    let expected = serde_json::json!([{ "report": sent[0]["report"], "case": case }]);
    assert_eq!(set(&["--production=true"]), expected);
    // Only when it is switched on.
    assert_eq!(set(&["--production=true"]), Value::Null);
    assert_eq!(set(&["--production=false"]), Value::Null);
    let said = b.obhut(&["destination", "set", "ncmec", "--production"]);
    let again = format!("obhut report approve {case} --destination ncmec");
    assert!(text(ok(&said)).contains(&again), "{}", text(&said));
    ok(&b.obhut(&approve));
    ok(&b.obhut(&["destination", "set", "ncmec", "--production=false"]));
    assert_eq!(
        set(&["--production=true"]),
        Value::Null,
        "filed again since"
    );
}

/// Regression: the approval said that the children's data are omitted, and not that another field
/// has a child's e-mail address.
#[test]
fn an_approval_names_the_fields_that_name_a_child() {
    let b = Bench::new();
    let case = new_case(
        &b,
        r#"{"facts": {"note": "write to kid@example.com", "occurred_at": "2026-01-01T00:00:00Z",
        "reported": {"id": "u", "person": {"emails": [{"address": "kid@example.com"}]}},
        "victims": [{"id": "kid", "person": {"emails": [{"address": "kid@example.com"}]}}]}}"#,
    );
    decide_to_report(&b, &case);
    let approve = [
        "report",
        "approve",
        &case,
        "--destination",
        "webhook",
        "--by",
        "Olga",
    ];
    let said = text(ok(&b.obhut(&approve)));
    for remark in [
        "facts.note names a child",
        "facts.reported has an id, name, e-mail address",
    ] {
        assert!(said.contains(remark), "{said}");
    }
}

#[test]
fn what_is_wrong_with_a_case_file_is_said_by_field() {
    let b = Bench::new();
    for (case, said) in [
        (
            r#"{"facts": {"reported": {"ip_events": [{"port": "x"}]}}}"#,
            "facts.reported.ip_events[0].port",
        ),
        (r#"{"facts": {"victms": []}}"#, "facts"),
        (r#"{"files": [{"path": "nowhere.png"}]}"#, "nowhere.png"),
        (
            r#"{"files": [{"path": "a", "content": "aGk="}]}"#,
            "files[0]",
        ),
        (r#"{"group": "account"}"#, "facts.reported.id"),
        ("not json", "line 1"),
    ] {
        b.write("case.json", case.as_bytes());
        let out = b.obhut(&["case", "new", "--from", "case.json"]);
        assert!(
            !out.status.success() && text(&out).contains(said),
            "{case}: {}",
            text(&out)
        );
    }
    // An invalid value is kept, and its field is reported before anything is sent.
    let case = new_case(
        &b,
        r#"{"facts": {"reported": {"id": "u", "profile_urls": ["https://example.com/a b"], "person": {"born": "soon"}}, "occurred_at": "2126-01-01T00:00:00Z"}}"#,
    );
    let check = &json(ok(&b.obhut(&[
        "report",
        "check",
        &case,
        "--destination",
        "ncmec",
        "--json",
    ])))[0];
    let remarks = check["remarks"].as_array().unwrap();
    for field in ["profileUrl", "dateOfBirth", "incidentDateTime"] {
        assert!(
            remarks
                .iter()
                .any(|r| r["field"].as_str().unwrap().contains(field)
                    && !r["source"].as_str().unwrap().is_empty()),
            "{field}"
        );
    }
    // Kept in the case, but nothing is sent until a person corrects it.
    assert_eq!(check["acceptable"], false);
    // An empty report needs a reason, under the approver's name.
    let empty = new_case(&b, "{}");
    decide_to_report(&b, &empty);
    assert!(
        text(&b.obhut(&[
            "report",
            "approve",
            &empty,
            "--destination",
            "ncmec",
            "--by",
            "Olga"
        ]))
        .contains("--override")
    );
    ok(&b.obhut(&[
        "report",
        "approve",
        &empty,
        "--destination",
        "ncmec",
        "--by",
        "Olga",
        "--override",
        "the police asked",
    ]));
}

#[test]
fn reports_of_others_come_in_and_the_worst_comes_first() {
    let b = Bench::new();
    b.write("in/1.json", br#"{"account": "a", "files": [{"md5": "00000000000000000000000000000000"}], "occurred_at": "2026-01-01T00:00:00Z"}"#);
    b.write("in/2.json", br#"{"account": "a", "files": [{"md5": "00000000000000000000000000000000"}], "occurred_at": "2026-01-01T00:00:00Z"}"#);
    b.write(
        "in/3.txt",
        "Konto: b\nThema: enticement, sextortion\nDringend: er ist unterwegs\n\nAnruferin sagt …"
            .as_bytes(),
    );
    b.write("in/4.xml", b"<report><incid");
    b.write("in/5.json", br#"{"xarf_version": "4.2.0", "report_id": "x", "type": "csem", "exploitation_type": "grooming", "source_identifier": "192.0.2.1", "perpetrator_indicators": {"account_id": "c"}}"#);
    let came = json(ok(&b.obhut(&["intake", "in", "--json"])));
    assert_eq!(came.len(), 5);
    // 2.json is 1.json byte for byte.
    assert_eq!(came[1]["duplicate_of"], "in-1");
    assert!(came[3]["case"].is_string() && came[3]["unreadable"].is_string());
    let queue = json(ok(&b.obhut(&["intake", "--queue", "10", "--json"])));
    let order: Vec<_> = queue.iter().map(|r| r["id"].as_str().unwrap()).collect();
    // Highest risk first; among equals the order of intake.
    assert_eq!(order, ["in-3", "in-5", "in-1", "in-2", "in-4"]);
    assert!(
        queue
            .iter()
            .all(|r| r["reasons"].as_array().unwrap().len() <= 5)
    );
    let opened = &json(ok(&b.obhut(&["intake", "--open", "in-3", "--json"])))[0];
    assert!(
        text(ok(&b.obhut(&[
            "case",
            "show",
            opened["case"].as_str().unwrap()
        ])))
        .contains("account b")
    );
}

/// The refusal names the command that answers the question; with the answers the report can be
/// approved, and `case show` prints them.
#[test]
fn a_report_that_needs_a_persons_answer_says_how_to_give_it() {
    let b = Bench::new();
    let case = new_case(&b, r#"{"facts": {"reported": {"id": "u-1"}}}"#);
    ok(&b.obhut(&["settings", "reporter", "--email", "trust@example.com"]));
    decide_to_report(&b, &case);
    let approve = || {
        b.obhut(&[
            "report",
            "approve",
            &case,
            "--by",
            "Olga",
            "--destination",
            "package-bka",
        ])
    };
    for (question, answer) in [("threat-de", "no"), ("offence-de", "184b")] {
        let refused = approve();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(5), "{said}");
        assert!(said.contains(&format!("--question {question}")), "{said}");
        ok(&b.obhut(&[
            "case",
            "determine",
            &case,
            "--question",
            question,
            "--answer",
            answer,
            "--grounds",
            "as viewed",
            "--by",
            "Rita",
        ]));
    }
    ok(&approve());
    let shown = b.obhut(&["case", "show", &case]);
    let shown = String::from_utf8_lossy(&ok(&shown).stdout).into_owned();
    assert!(
        shown.contains("Rita determined offence-de: § 184b StGB") && shown.contains("(as viewed)"),
        "{shown}"
    );
}

/// Output about an imported report, a file that matches no list, and destinations with and without
/// a test service.
#[test]
fn what_people_read_claims_no_more_than_is_so() {
    let b = Bench::new();
    b.write("note.txt", b"Account: user-77\nHe wants to meet her.\n");
    ok(&b.obhut(&["intake", "note.txt"]));
    let case = &json(ok(&b.obhut(&["intake", "--open", "in-1", "--json"])))[0];
    let shown = text(&b.obhut(&["case", "show", case["case"].as_str().unwrap()]));
    assert!(
        shown.contains("report as it came in") && !shown.contains("unreadable"),
        "{shown}"
    );

    b.write("sub/a.png", b"bytes of no picture");
    let made = new_case(
        &b,
        r#"{"files": [{"path": "sub/a.png"}], "facts": {"reported": {"id": "u"}}}"#,
    );
    let check = text(&b.obhut(&["report", "check", &made, "--destination", "ncmec"]));
    assert!(
        check.contains("a file has no match on record") && !check.contains("known material"),
        "{check}"
    );
    // `case show` lists the status of each report: the status of the case doesn't say whether one
    // was sent.
    decide_to_report(&b, &made);
    ok(&b.obhut(&["report", "file", &made, "--destination", "package"]));
    let shown = text(&b.obhut(&["case", "show", &made]));
    assert!(shown.contains(" draft to package"), "{shown}");

    for (name, arguments, says) in [
        (
            "package-bka",
            &["--folder", "out"][..],
            "real; it still needs the authority's age key",
        ),
        (
            "package-nca",
            &["--recipient", RECIPIENT],
            "real; it still needs a folder for packages",
        ),
        ("package-nca", &["--folder", "out"], ": real\n"),
        (
            "webhook",
            &["--url", "https://example.com/hook"],
            "real; it still needs an address and a signing secret",
        ),
        (
            "ncmec",
            &["--user", "u"],
            "test service, which reports nothing; it still needs user name and password",
        ),
    ] {
        let mut command = vec!["destination", "set", name, "--by", "Olga"];
        command.extend(arguments);
        let set = text(&b.obhut(&command));
        assert!(set.contains(says), "{set}");
        let list = text(&b.obhut(&["destination", "list"]));
        let line = list.lines().find(|l| l.starts_with(&format!("{name} ")));
        let says = says.trim_matches([':', ' ', '\n']);
        assert!(line.is_some_and(|l| l.contains(says)), "{list}");
    }
    // A package goes either by mail or to a folder. Files may go by mail only if the authority's
    // instruction is on record, and the refusal names the option for it.
    let set = |more: &[&str]| {
        let mut all = vec!["destination", "set", "package", "--by", "Olga"];
        all.extend(more);
        b.obhut(&all)
    };
    let desk = "desk@police.example";
    let by_mail = ["--url", "smtps://mail.example.org", "--mail-to", desk];
    ok(&set(&by_mail));
    ok(&set(&["--recipient", RECIPIENT]));
    let refused = text(&b.obhut(&["report", "approve", &made, "--by", "Olga"]));
    assert!(refused.contains("--media-instruction"), "{refused}");
    assert_eq!(
        set(&["--mail-to", desk, "--folder", "out"]).status.code(),
        Some(2)
    );
    let now = text(&set(&["--folder", "out"]));
    assert!(now.contains(&format!("no longer sent to {desk}")), "{now}");
    let list = text(&b.obhut(&["--json", "destination", "list"]));
    assert!(!list.contains(desk) && !list.contains("smtps"), "{list}");
    let wrong = b.obhut(&[
        "destination",
        "set",
        "webhook",
        "--url",
        "http://example.com/",
    ]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
}
