//! People come and go: a removed person, a withdrawn role and an expired key give no access.

mod bench;

use bench::{Bench, json, ok};

fn code(b: &Bench, arguments: &[&str]) -> i32 {
    b.obhut(arguments).status.code().unwrap()
}

#[test]
fn a_removed_person_and_a_withdrawn_role_are_denied() {
    let b = Bench::new();
    b.picture("p.png", 1);
    let md5 = b.digest("md5", "p.png");
    b.write("list.csv", format!("kind,digest\nmd5,{md5}\n").as_bytes());
    b.import("l", "list.csv");
    // A role the person never had is granted at the command line, and announced.
    let signed = b.obhut(&["list", "sign", "l", "--by", "Ada"]);
    ok(&signed);
    assert!(String::from_utf8_lossy(&signed.stderr).contains("list-steward"));
    // A withdrawn role isn't granted again by using it.
    ok(&b.obhut(&["person", "withdraw", "Ada", "--role", "list-steward"]));
    let denied = b.obhut(&["list", "sign", "l", "--by", "Ada"]);
    assert_eq!(denied.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&denied.stderr).contains("withdrawn"));
    // A role the person does not have cannot be withdrawn: a conflict.
    assert_eq!(
        code(&b, &["person", "withdraw", "Ada", "--role", "reviewer"]),
        5
    );
    // An operator may give it again, on purpose.
    ok(&b.obhut(&["person", "add", "Ada", "--role", "list-steward"]));
    ok(&b.obhut(&["person", "add", "Grace", "--role", "list-steward"]));
    let key = b.obhut(&[
        "key", "create", "--right", "decide", "--person", "Grace", "--json",
    ]);
    let key = json(&key)[0]["id"].as_str().unwrap().to_owned();
    let gone = json(&b.obhut(&["person", "remove", "Grace", "--json"]));
    assert_eq!(gone[0]["keys_revoked"], 1);
    let keys = json(&b.obhut(&["key", "list", "--json"]));
    let of = keys.iter().find(|k| k["id"] == key.as_str()).unwrap();
    assert!(!of["revoked_at"].is_null(), "their keys open nothing");
    // Naming a removed person must not bring that person back.
    assert_eq!(code(&b, &["list", "sign", "l", "--by", "Grace"]), 3);
    assert_eq!(code(&b, &["person", "remove", "Grace"]), 5);
    assert_eq!(code(&b, &["person", "remove", "Nobody"]), 4);
    let people = b.obhut(&["person", "list"]);
    assert!(!String::from_utf8_lossy(&people.stdout).contains("Grace"));
    assert_eq!(
        code(
            &b,
            &["key", "create", "--person", "Grace", "--right", "decide"]
        ),
        3
    );
}

#[test]
fn a_key_expires() {
    let b = Bench::new();
    let made = b.obhut(&["key", "create", "--expires", "2999-12-31", "--json"]);
    ok(&made);
    let keys = json(&b.obhut(&["key", "list", "--json"]));
    // The last day is included, so the key ends when the next one begins.
    assert_eq!(keys[0]["expires_at"], "3000-01-01T00:00:00Z");
    assert_eq!(code(&b, &["key", "create", "--expires", "2001-01-01"]), 2);
    assert_eq!(code(&b, &["key", "create", "--expires", "soon"]), 2);
}

/// Every exit code but 3, which the first test covers, through mistakes a newcomer would make.
#[test]
fn exit_codes_name_the_kind_of_error() {
    let b = Bench::new();
    let case = bench::new_case(&b);
    for (expected, arguments) in [
        (0, vec!["case", "show", &case]),
        (1, vec!["case", "new", "--from", "nothing.json"]),
        (2, vec!["case", "embargo", &case]),
        (
            2,
            vec![
                "basis", "add", "--text", "t", "--owner", "o", "--until", "soon",
            ],
        ),
        (4, vec!["case", "show", "case-nope"]),
        (4, vec!["appeal", "proof", "case-nope"]),
        (4, vec!["chain", "moves", "case-nope"]),
        (5, vec!["report", "file", &case]),
        (5, vec!["appeal", "proof", &case]),
        (5, vec!["settings", "unit"]),
    ] {
        let out = b.obhut(&arguments);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(expected), "{arguments:?}: {said}");
    }
}

/// A typing error in an id must not grant a role.
#[test]
fn an_unknown_id_grants_no_role() {
    let b = Bench::new();
    b.write("seed", b"bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202");
    for arguments in [
        &[
            "case",
            "decide",
            "case-nope",
            "--by",
            "Zoe",
            "--ruling",
            "report",
            "--grounds",
            "g",
        ][..],
        &[
            "case",
            "embargo",
            "case-nope",
            "--by",
            "Zoe",
            "--authority",
            "a",
            "--reason",
            "r",
        ],
        &["report", "approve", "report-nope", "--by", "Zoe"],
        &["report", "retract", "report-nope", "--by", "Zoe"],
        &[
            "report",
            "acknowledge",
            "report-nope",
            "--by",
            "Zoe",
            "--how",
            "h",
        ],
        &[
            "appeal",
            "notice",
            "case-nope",
            "--by",
            "Zoe",
            "--measure",
            "content-removed",
            "--contact",
            "c",
        ],
        &["vault", "put", "seed", "--case", "case-nope", "--by", "Zoe"],
        &[
            "vault",
            "get",
            "exhibit-nope",
            "--by",
            "Zoe",
            "--purpose",
            "p",
            "--out",
            "o",
        ],
    ] {
        let tried = b.obhut(arguments);
        let said = String::from_utf8_lossy(&tried.stderr);
        assert_eq!(tried.status.code(), Some(4), "{arguments:?}: {said}");
    }
    let people = b.obhut(&["person", "list", "--json"]);
    assert!(!String::from_utf8_lossy(&people.stdout).contains("Zoe"));
}

/// A command that is refused for whatever reason leaves roles and people as they were.
#[test]
fn a_refused_command_grants_no_role() {
    let b = Bench::new();
    b.write("password", b"secret");
    let case = bench::new_case(&b);
    let now = "2999-01-01T00:00:00Z";
    #[rustfmt::skip]
    let refused: &[(i32, &[&str])] = &[
        (2, &["case", "decide", &case, "--by", "Zoe", "--ruling", "report", "--grounds", " "]),
        (2, &["case", "embargo", &case, "--by", "Zoe", "--authority", " ", "--reason", "r"]),
        (2, &["chain", "watch", "--case", &case, "--network", "regtest", "--by", "Zoe", "not-an-address"]),
        (1, &["chain", "tag", "--by", "Zoe", "no-such-file.csv"]),
        (1, &["chain", "watch", "--case", &case, "--network", "regtest", "--by", "Zoe", "--report", "no-such-file.csv"]),
        (4, &["case", "ask", "case-nope", "--wanted", "files", "--due", now, "--by", "Zoe"]),
        (2, &["case", "ask", &case, "--wanted", "files", "--due", "soon", "--by", "Zoe"]),
        (5, &["case", "ask", &case, "--wanted", "files", "--due", now, "--by", "Zoe"]),
        (2, &["destination", "set", "ncmec", "--by", "Zoe", "--url", "ftp://example.org"]),
        (2, &["destination", "set", "ncmec", "--by", "Zoe", "--url", "no address"]),
        (4, &["route", "remove", "route-nope", "--by", "Zoe"]),
        (4, &["deadline", "end", "deadline-nope", "--because", "b", "--by", "Zoe"]),
        (4, &["deadline", "extend", "deadline-nope", "--due", now, "--because", "b", "--by", "Zoe"]),
        (2, &["deadline", "request", &case, "--authority", "a", "--reference", "r", "--due", "soon", "--by", "Zoe"]),
        (4, &["alarm", "seen", "alarm-nope", "--by", "Zoe"]),
        (4, &["appeal", "restorations", "--done", "restoration-nope", "--by", "Zoe"]),
        (4, &["payments", "hold", "release", "hold-nope", "--by", "Zoe", "--why", "w"]),
        (4, &["payments", "alert", "alert-nope", "--by", "Zoe"]),
        (4, &["list", "sign", "nope", "--by", "Zoe"]),
    ];
    for (expected, arguments) in refused {
        let tried = b.obhut(arguments);
        let said = String::from_utf8_lossy(&tried.stderr);
        assert_eq!(
            tried.status.code(),
            Some(*expected),
            "{arguments:?}: {said}"
        );
        let people = b.obhut(&["person", "list", "--json"]);
        let people = String::from_utf8_lossy(&people.stdout).into_owned();
        assert!(!people.contains("Zoe"), "{arguments:?}: {people}");
    }
}
