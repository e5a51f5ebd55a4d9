//! End-to-end stories with the real binary: what a person types, what it prints.

mod bench;

use bench::{Bench, json, ok};
use serde_json::Value;

const REPORT: [&str; 6] = [
    "--by",
    "Rita",
    "--ruling",
    "report",
    "--grounds",
    "as assessed",
];

/// Imports a list of one picture, signed by two people; returns the picture's path, in `folder/`.
fn with_list(b: &Bench) -> String {
    let picture = b.picture("folder/known.png", 1);
    b.picture("folder/other.png", 2);
    let digest = b.digest("pdq", &picture);
    b.write(
        "list.csv",
        format!("kind,digest,category_scale,category,entry_id\npdq,{digest},uk,1,one\n").as_bytes(),
    );
    b.import("hotline", "list.csv");
    for person in ["alice", "bob"] {
        ok(&b.obhut(&["list", "sign", "hotline", "--by", person]));
    }
    picture
}

#[test]
fn hash_prints_a_line_for_each_file_and_kind_and_goes_on_after_a_bad_one() {
    let b = Bench::new();
    let picture = b.picture("a.png", 1);
    b.write("notes.txt", b"abc");
    let out = b.obhut(&[
        "hash",
        "--kind",
        "pdq",
        "--kind",
        "md5",
        "--json",
        &picture,
        "notes.txt",
        "missing",
    ]);
    assert_eq!(out.status.code(), Some(1));
    let lines = json(&out);
    let kinds: Vec<_> = lines
        .iter()
        .map(|l| (l["path"].as_str().unwrap(), l["kind"].as_str()))
        .collect();
    let expected = [
        ("a.png", Some("pdq")),
        ("a.png", Some("md5")),
        ("notes.txt", Some("md5")),
        ("notes.txt", None),
        ("missing", None),
    ];
    assert_eq!(kinds, expected);
    // 256 bits in hex.
    assert_eq!(lines[0]["digest"].as_str().unwrap().len(), 64);
    assert!(lines[0]["quality"].as_u64().unwrap() >= 50);
    assert!(lines[1].get("quality").is_none());
    // MD5 of "abc", from RFC 1321.
    assert_eq!(lines[2]["digest"], "900150983cd24fb0d6963f7d28e17f72");
    assert!(lines[3]["error"].as_str().unwrap().contains("JPEG, PNG"));
    assert!(lines[4]["error"].as_str().unwrap().contains("no such file"));
}

#[test]
fn a_list_file_alone_needs_no_data_folder() {
    let b = Bench::new();
    let picture = b.picture("folder/known.png", 1);
    b.picture("folder/other.png", 2);
    let digest = b.digest("pdq", &picture);
    b.write(
        "mine.csv",
        format!("kind,digest\npdq,{digest}\n").as_bytes(),
    );
    let out = ok(&b.obhut(&["screen", "--json", "--list", "mine.csv", "folder"])).clone();
    let lines = json(&out);
    assert_eq!(lines[0]["verdict"], "match");
    assert_eq!(lines[0]["findings"][0]["list"], "mine.csv");
    assert_eq!(lines[0]["findings"][0]["distance"], 0);
    assert_eq!(
        lines[0]["findings"][0]["version"].as_str().unwrap().len(),
        64
    );
    assert_eq!(lines[1]["verdict"], "no-match");
    assert!(!b.path("data").exists());
}

#[test]
fn from_list_to_report() {
    let b = Bench::new();
    let picture = with_list(&b);
    let shown = &json(&b.obhut(&["list", "show", "hotline", "--json"]))[0];
    assert_eq!(shown["unsigned"], false);
    assert_eq!(shown["signatures"], serde_json::json!(["alice", "bob"]));

    let out = b.obhut(&["screen", "--json", "folder"]);
    let lines = json(ok(&out));
    assert_eq!(
        (&lines[0]["verdict"], &lines[1]["verdict"]),
        (&"match".into(), &"no-match".into())
    );
    let finding = &lines[0]["findings"][0];
    assert_eq!(
        (&finding["list"], &finding["entry"], &finding["kind"]),
        (&"hotline".into(), &"one".into(), &"pdq".into())
    );

    let listed = &json(&b.obhut(&["case", "list", "--json"]))[0];
    assert!(
        listed["opened_at"].as_str().unwrap().ends_with('Z'),
        "times are RFC 3339"
    );
    let case = listed["id"].as_str().unwrap().to_owned();
    let out = b.obhut(&[
        "report",
        "draft",
        &case,
        "--destination",
        "ncmec",
        "--out",
        "r.xml",
    ]);
    // The case is undecided, and no report is drafted before a person has decided.
    assert_eq!(out.status.code(), Some(5));
    assert!(
        String::from_utf8_lossy(&out.stderr).contains("obhut case decide"),
        "says what to do next"
    );

    let kept = &json(ok(&b.obhut(&["vault", "list", "--json"])))[0];
    let exhibit = kept["exhibit"].as_str().unwrap();
    // A named person views the whole file, so the draft below may say that it was viewed.
    ok(&b.obhut(&[
        "vault", "get", exhibit, "--by", "Rita", "--seen", "whole", "--out", "seen.png",
    ]));
    assert_eq!(b.read("seen.png"), b.read(&picture));
    ok(&b.obhut(
        &[
            &["case", "decide", &case],
            &REPORT[..],
            &["--scale", "ncmec-industry", "--category", "A2"],
        ]
        .concat(),
    ));
    b.write(
        "facts.json",
        br#"{"victims": [{"person": {"first_name": "Jane"}}], "reported": {"id": "u"}}"#,
    );
    ok(&b.obhut(&["case", "facts", &case, "--from", "facts.json"]));
    ok(&b.obhut(&[
        "settings",
        "reporter",
        "--industry-agreement",
        "IHS-1",
        "--email",
        "trust@example.com",
    ]));
    ok(&b.obhut(&[
        "report",
        "draft",
        &case,
        "--destination",
        "ncmec",
        "--out",
        "r.xml",
    ]));
    let xml = String::from_utf8(b.read("r.xml")).unwrap();
    assert!(xml.contains("<espIdentifier>u</espIdentifier>") && !xml.contains("Jane"));
    let file = String::from_utf8(b.read("r.file-001.xml")).unwrap();
    assert!(file.contains("<fileViewedByEsp>true</fileViewedByEsp>"));
    assert!(file.contains("<industryClassification>A2</industryClassification>"));
    ok(&b.obhut(&[
        "report",
        "draft",
        &case,
        "--destination",
        "ncmec",
        "--out",
        "r.xml",
        "--with-victims",
    ]));
    assert!(String::from_utf8(b.read("r.xml")).unwrap().contains("Jane"));
    for name in ["r.xml", "r.file-001.xml", "seen.png"] {
        assert_eq!(b.mode(name), 0o600, "{name}");
    }
    let acts: Vec<_> = json(&b.obhut(&["audit", "--json", &case]))
        .iter()
        .map(|r| r["act"].clone())
        .collect();
    assert!(
        acts.contains(&Value::from("report.build")) && acts.contains(&Value::from("case.decide"))
    );

    // Another person approves; an appeal undoes it.
    let filed = &json(ok(&b.obhut(&[
        "report",
        "file",
        &case,
        "--destination",
        "ncmec",
        "--json",
    ])))[0];
    let report = filed["report"].as_str().unwrap();
    // Names are compared without regard to case, or Rita could approve her own decision as "rita".
    assert_eq!(
        b.obhut(&["report", "approve", report, "--by", "rita"])
            .status
            .code(),
        Some(5)
    );
    let again = b.obhut(&["report", "file", &case, "--destination", "ncmec"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("on record already"));
    ok(&b.obhut(&["report", "approve", report, "--by", "Olga"]));
    let appeal =
        &json(ok(&b.obhut(&[
            "appeal", "open", &case, "--reason", "mine", "--json",
        ])))[0];
    let id = appeal["id"].as_str().unwrap();
    let decide = [
        "appeal",
        "decide",
        id,
        "--outcome",
        "upheld",
        "--grounds",
        "harmless",
        "--by",
    ];
    assert_eq!(
        b.obhut(&[&decide[..], &["Rita"]].concat()).status.code(),
        Some(5)
    );
    assert_eq!(
        b.obhut(&[&decide[..], &["Olga"]].concat()).status.code(),
        Some(5),
        "who approved a report can't decide the appeal"
    );
    ok(&b.obhut(&[&decide[..], &["Nina"]].concat()));
    assert_eq!(
        json(&b.obhut(&["case", "show", &case, "--json"]))[0]["status"],
        "cleared"
    );
    assert_eq!(
        json(&b.obhut(&["screen", "--json", &picture]))[0]["verdict"],
        "no-match",
        "the entry is disputed"
    );
    let verified = &json(ok(&b.obhut(&["vault", "verify", "--json"])))[0];
    assert_eq!(verified["ok"], true);
}

#[test]
fn an_unsigned_list_only_counts() {
    let b = Bench::new();
    let picture = b.picture("known.png", 1);
    b.write(
        "list.csv",
        format!("kind,digest\nmd5,{}\n", b.digest("md5", &picture)).as_bytes(),
    );
    b.import("hotline", "list.csv");
    let line = &json(ok(&b.obhut(&["screen", "--json", &picture])))[0];
    assert_eq!(
        (&line["verdict"], &line["findings"][0]["unsigned"]),
        (&"no-match".into(), &true.into())
    );
    assert_eq!(json(&b.obhut(&["case", "list", "--json"])).len(), 0);
    ok(&b.obhut(&["list", "sign", "hotline", "--by", "alice"]));
    // A name that differs only in spaces and capitals is the same person's.
    assert_eq!(
        b.obhut(&["list", "sign", "hotline", "--by", " Alice "])
            .status
            .code(),
        Some(5)
    );
    let shown = &json(&b.obhut(&["list", "show", "--json"]))[0];
    assert_eq!(
        (&shown["unsigned"], &shown["hits_counted"]),
        (&true.into(), &1.into())
    );
}

#[test]
fn a_disabled_entry_no_longer_matches() {
    let b = Bench::new();
    let picture = with_list(&b);
    ok(&b.obhut(&["list", "disable", "hotline", "one"]));
    assert_eq!(
        json(&b.obhut(&["screen", "--json", &picture]))[0]["verdict"],
        "no-match"
    );
    ok(&b.obhut(&["list", "enable", "hotline", "one"]));
    assert_eq!(
        json(&b.obhut(&["screen", "--json", &picture]))[0]["verdict"],
        "match"
    );
}

#[test]
fn turned_pictures_match_only_when_asked_for() {
    let b = Bench::new();
    let picture = b.picture("known.png", 1);
    b.turned("turned.png", 1);
    b.write(
        "list.csv",
        format!("kind,digest\npdq,{}\n", b.digest("pdq", &picture)).as_bytes(),
    );
    let verdict = |more: &[&str]| {
        let arguments = [
            &["screen", "--json", "--list", "list.csv", "turned.png"],
            more,
        ]
        .concat();
        json(&b.obhut(&arguments))[0]["verdict"].clone()
    };
    assert_eq!(verdict(&[]), "no-match");
    assert_eq!(verdict(&["--dihedral"]), "match");
}

#[test]
fn private_messages_are_refused_without_a_legal_basis() {
    let b = Bench::new();
    let picture = with_list(&b);
    let alone = [
        "screen",
        "--list",
        "list.csv",
        "--surface",
        "private-message",
        &picture,
    ];
    // Code 1, because a list file alone has no data folder and so no legal basis. Below, code 3,
    // because none is on record.
    assert_eq!(b.obhut(&alone).status.code(), Some(1));
    let private = ["screen", "--json", "--surface", "private-message", &picture];
    let out = b.obhut(&private);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("legal basis"));
    ok(&b.obhut(&[
        "basis",
        "add",
        "--text",
        "law",
        "--owner",
        "Ada",
        "--until",
        "2999-12-31",
    ]));
    ok(&b.obhut(&private));
}

/// This holds even if the data folder already existed and other users could read it.
#[test]
fn everything_in_the_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let b = Bench::new();
    std::fs::create_dir(b.path("data")).unwrap();
    std::fs::set_permissions(b.path("data"), PermissionsExt::from_mode(0o755)).unwrap();
    let picture = with_list(&b);
    ok(&b.obhut(&["screen", &picture]));
    ok(&b.obhut(&["vault", "put", &picture]));
    let mut folders = vec![b.path("data")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{}", path.display());
            seen += 1;
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    // The walk must have met the database, keys, list, log and exhibit, or it proves nothing.
    assert!(seen > 12, "{seen} files and folders");
}

/// With the media that Meta publishes for testing its hashes: one digest finds every edit and
/// colour mode of a picture, and no other picture.
#[test]
fn the_bridge_is_found_in_every_form() {
    let media =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/media/pdq");
    if !media.exists() {
        println!("not present: the shared test media");
        return;
    }
    let b = Bench::new();
    let at = |name: &str| media.join(name).display().to_string();
    b.write(
        "list.csv",
        format!(
            "kind,digest\npdq,{}\n",
            b.digest("pdq", &at("bridge-mods/aaa-orig.jpg"))
        )
        .as_bytes(),
    );
    let folders = [at("bridge-mods"), at("misc-images")];
    let lines = json(&b.obhut(&[
        "screen",
        "--json",
        "--list",
        "list.csv",
        &folders[0],
        &folders[1],
    ]));
    let (mut found, mut others) = (0, 0);
    for line in lines {
        let path = line["path"].as_str().unwrap();
        let bridge = path.contains("bridge-mods") || path.contains("modes");
        if path.ends_with(".md") {
            continue;
        }
        // "modes" holds the same bridge in other colour modes.
        assert_eq!(line["verdict"] == "match", bridge, "{path}");
        if bridge { found += 1 } else { others += 1 }
    }
    assert_eq!((found, others), (26, 3));
}

/// Both PDQ pipelines give the published digests and qualities, except for three files that the
/// reference implementation of `pdq` gets wrong.
#[test]
fn published_digests_are_reproduced() {
    let media =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/media/pdq");
    let Ok(expected) = std::fs::read_to_string(media.join("expected.csv")) else {
        println!("not present: the shared test media");
        return;
    };
    let b = Bench::new();
    for row in expected.lines().skip(1) {
        let fields: Vec<_> = row.split(',').collect();
        let path = media.join(fields[0]).display().to_string();
        let lines = json(&b.obhut(&[
            "hash",
            "--json",
            "--kind",
            "pdq",
            "--kind",
            "pdq-cimg512",
            &path,
        ]));
        let ours: Vec<_> = lines
            .iter()
            .map(|l| (l["digest"].as_str().unwrap(), l["quality"].to_string()))
            .collect();
        assert_eq!(
            ours[1],
            (fields[3], fields[4].to_owned()),
            "{}, cimg512",
            fields[0]
        );
        match fields[0] {
            // The reference hashes inverted inks (CMYK), palette indices instead of colours (P),
            // and the values 0 and 1 of a one-bit picture (1).
            "misc-images/modes/CMYK.jpg" | "misc-images/modes/P.png" => {
                assert_ne!(ours[0].0, fields[1])
            }
            "misc-images/modes/1.png" => assert_eq!(ours[0], (fields[1], "100".to_owned())),
            _ => assert_eq!(ours[0], (fields[1], fields[2].to_owned()), "{}", fields[0]),
        }
    }
}

#[test]
fn help_and_completion_come_from_one_table() {
    let b = Bench::new();
    let help = String::from_utf8(b.obhut(&["--help"]).stdout).unwrap();
    let bash = String::from_utf8(ok(&b.obhut(&["completions", "bash"])).stdout.clone()).unwrap();
    for command in [
        "hash", "screen", "list", "case", "report", "vault", "person", "basis", "key", "settings",
        "audit", "serve",
    ] {
        assert!(
            help.lines().any(|l| l.trim_start().starts_with(command)),
            "{command} is not in the help"
        );
        assert!(bash.contains(command), "{command} is not completed");
    }
    assert!(
        bash.contains("known-harmless") && bash.contains("pdq-cimg512"),
        "values are completed"
    );
    let wrong = b.obhut(&["hash", "--kind", "pqd", "x"]);
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("pdq"),
        "names the kinds there are"
    );
}

/// Whenever an intake is killed, everything acknowledged before is readable and agrees with the
/// log.
#[test]
fn a_killed_intake_loses_nothing_that_was_acknowledged() {
    use std::io::Read as _;
    let b = Bench::new();
    b.write("file", &[7; 100_000]);
    ok(&b.obhut(&["vault", "put", "file"]));
    let mut acknowledged = Vec::new();
    let mut killed = 0;
    for round in 0..40_u64 {
        let mut command = b.command(&["vault", "put", "--json", "file"]);
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Killed later in each round, so that every stage of an intake is interrupted in some
        // round.
        std::thread::sleep(std::time::Duration::from_millis(round * 2));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        let mut out = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        child.wait().unwrap();
        // Half a line acknowledges nothing, so only exhibits named in whole lines must be found
        // below.
        if let Ok(line) = serde_json::from_str::<Value>(&out) {
            acknowledged.push(line["exhibit"].as_str().unwrap().to_owned());
        }
    }
    assert!(killed > 0, "no intake was cut");
    ok(&b.obhut(&["vault", "put", "file"]));
    let verified = &json(&b.obhut(&["vault", "verify", "--json"]))[0];
    assert_eq!(verified["ok"], true, "{verified}");
    b.write("data/vault/exhibits/cut-off.age#1", b"half a file");
    let named = &json(&b.obhut(&["vault", "verify", "--json"]))[0];
    assert!(
        named["leftovers"].to_string().contains("cut-off.age#1"),
        "{named}"
    );
    assert!(
        String::from_utf8_lossy(&b.obhut(&["vault", "verify"]).stdout).contains("cut-off.age#1")
    );
    let listed: Vec<Value> = json(ok(&b.obhut(&["vault", "list", "--json"])))
        .into_iter()
        .map(|l| l["exhibit"].clone())
        .collect();
    for exhibit in &acknowledged {
        assert!(
            listed.contains(&Value::from(exhibit.as_str())),
            "{exhibit} was acknowledged"
        );
        ok(&b.obhut(&["vault", "get", exhibit, "--out", "out"]));
    }
}

#[test]
fn the_server_answers_on_a_port_and_ends_when_asked_to() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let b = Bench::new();
    let picture = with_list(&b);
    let made = &json(ok(&b.obhut(&[
        "key", "create", "--json", "--name", "t", "--right", "screen",
    ])))[0];
    let key = made["key"].as_str().unwrap();
    let mut command = b.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = serde_json::from_str::<Value>(&first).unwrap()["listening"]
        .as_str()
        .unwrap()
        .to_owned();
    let ask = |head: String, body: &[u8]| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream
            .write_all(
                format!(
                    "{head}Host: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                )
                .as_bytes(),
            )
            .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("GET /health HTTP/1.1\r\n".into(), b"").starts_with("HTTP/1.1 200"));
    let head = format!(
        "POST /v1/screen?surface=public HTTP/1.1\r\nAuthorization: Bearer {key}\r\nObhut-Account: user-77\r\n"
    );
    let answer = ask(head, &b.read(&picture));
    assert!(
        answer.contains("\"verdict\":\"match\"") && !answer.contains("hotline"),
        "{answer}"
    );
    // The command line sees immediately what the server did, and vice versa.
    assert_eq!(json(&b.obhut(&["case", "list", "--json"])).len(), 1);
    ok(&b.obhut(&["list", "disable", "hotline", "one"]));
    let head =
        format!("POST /v1/screen?surface=public HTTP/1.1\r\nAuthorization: Bearer {key}\r\n");
    assert!(ask(head, &b.read(&picture)).contains("\"verdict\":\"no-match\""));
    let ended = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(ended.success());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    let log = String::from_utf8_lossy(&out.stderr);
    // Accounts and keys must not reach a log file.
    assert!(!log.contains("user-77") && !log.contains(key), "{log}");
}

/// The README's workflow: screen a folder, decide, approve. It used to end in "report is empty",
/// because the bytes of matched files weren't kept.
#[test]
fn what_a_folder_screened_matched_can_be_reported() {
    for (flag, exhibits) in [(None, 1), (Some("--no-keep"), 0)] {
        let b = Bench::new();
        let picture = with_list(&b);
        let args: Vec<&str> = ["screen", "folder"].into_iter().chain(flag).collect();
        ok(&b.obhut(&args));
        assert_eq!(json(&b.obhut(&["vault", "list", "--json"])).len(), exhibits);
        let case = json(&b.obhut(&["case", "list", "--json"]))[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        ok(&b.obhut(&[&["case", "decide", &case], &REPORT[..]].concat()));
        ok(&b.obhut(&["settings", "reporter", "--email", "trust@example.com"]));
        let draft = |destination: &str| {
            let args = ["report", "draft", &case, "--destination", destination];
            ok(&b.obhut(&[&args[..], &["--out", "r"]].concat()));
        };
        draft("ncmec");
        let file = String::from_utf8(b.read("r.file-001.xml")).unwrap();
        let md5 = b.digest("md5", &picture);
        assert!(file.contains(&md5), "{flag:?}: {file}");
        draft("vics");
        let vics = b.read("r");
        let has = |text: &str| {
            let text = text.as_bytes();
            vics.windows(text.len())
                .any(|w| w.eq_ignore_ascii_case(text))
        };
        assert!(has(&md5), "{flag:?}");
        if flag.is_none() {
            let approved = b.obhut(&[
                "report",
                "approve",
                &case,
                "--destination",
                "ncmec",
                "--by",
                "Olga",
            ]);
            ok(&approved);
        }
    }
}
