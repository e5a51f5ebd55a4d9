//! `obhut payments` as it is used: the promised lines, the same data in three forms, records that
//! can't be used, and live answers from a process that is killed again and again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::{Value, json};

mod bench;

use bench::{Bench, Ended, ok};

fn stderr(out: &std::process::Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn make(b: &Bench, name: &str) {
    ok(&b.obhut(&[
        "payments",
        "synthesize",
        "--out",
        name,
        "--labels",
        "labels.csv",
        "--transfers",
        "30000",
        "--planted",
        "1000",
        "--seed",
        "3",
    ]));
}

fn scan(b: &Bench, name: &str, more: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["payments", "scan", name, "--out", "alerts.jsonl"];
    arguments.extend(more);
    ok(&b.obhut(&arguments));
    lines(&b.read("alerts.jsonl"))
}

#[test]
fn the_same_data_say_the_same_in_each_form() {
    let b = Bench::new();
    let mut said: Vec<Vec<Value>> = Vec::new();
    for name in ["made.csv", "made.parquet", "made.xml"] {
        make(&b, name);
        said.push(scan(&b, name, &[]));
    }
    // Equal empty files would pass the comparison below.
    assert!(said[0].len() > 20, "{}", said[0].len());
    assert_eq!(said[0], said[1]);
    assert_eq!(said[0], said[2]);
    assert_eq!(b.mode("alerts.jsonl"), 0o600, "it names people");
    let keys = [
        "first_ts",
        "indicators",
        "last_ts",
        "party",
        "role",
        "scenario",
        "score",
        "side",
    ];
    for alert in &said[0] {
        let mut have: Vec<&str> = alert
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        have.sort_unstable();
        assert_eq!(have, keys);
        assert!(
            alert["indicators"].as_array().unwrap().len() >= 2,
            "{alert}"
        );
        // Each reason carries numbers, except that of S16, association.
        for i in alert["indicators"].as_array().unwrap() {
            assert!(i["because"].as_str().unwrap().contains(char::is_numeric) || i["id"] == "S16");
        }
    }
    let scores: Vec<f64> = said[0]
        .iter()
        .map(|a| a["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
    // With S06 switched off no alert names it.
    let without = scan(&b, "made.csv", &["--without", "S06,S07"]);
    assert!(!serde_json::to_string(&without).unwrap().contains("\"S06\""));
    let early = scan(&b, "made.csv", &["--asof", "2025-06-30"]);
    assert!(
        early
            .iter()
            .all(|a| a["last_ts"].as_str().unwrap() < "2025-07-01")
    );
}

#[test]
fn each_record_that_cant_be_used_is_named_and_the_rest_goes_on() {
    let b = Bench::new();
    let good = |n: usize| {
        format!(
            "{n},a,b,2026-01-{:02}T10:00:00Z,20.00,EUR,DE,PH",
            n % 28 + 1
        )
    };
    let mut rows =
        vec!["tx_id,sender,receiver,ts,amount,currency,src_country,dst_country".to_owned()];
    rows.extend((1..20).map(good));
    let bad = [
        ("x1,a,b,2026-01-20T10:00:00Z,20.00,EUX,DE,PH", "currency"),
        ("x2,a,b,2026-02-30T10:00:00Z,20.00,EUR,DE,PH", "ts"),
        ("x3,a,b,2026-01-20T10:00:00Z,-20.00,EUR,DE,PH", "amount"),
        (
            "x4,a,b,2026-01-20T10:00:00Z,99999999999999999,EUR,DE,PH",
            "amount",
        ),
        (
            "5,a,b,2026-01-20T10:00:00Z,21.00,EUR,DE,PH",
            "another transfer",
        ),
        (
            "6,a,b,2026-01-07T10:00:00Z,20.00,EUR,DE,PH",
            "same transfer",
        ),
        ("x5,a,b,2025-11-02T10:00:00Z,20.00,EUR,DE,PH", "it is dated"),
        ("x6,a,b,2026-01-20T10:00:00Z,20.00,EUR", "fields"),
        ("x7,a,,2026-01-20T10:00:00Z,20.00,EUR,DE,PH", "receiver"),
        (
            "x8,a,b,2026-01-20T10:00:00Z,20.00,EUR,Germany,PH",
            "src_country",
        ),
    ];
    rows.extend(bad.iter().map(|(row, _)| (*row).to_owned()));
    rows.push("21,a,b,2026-01-21T10:00:00Z,20.00,EUR,DE,PH".into());
    b.write("in.csv", rows.join("\n").as_bytes());
    let out = b.obhut(&[
        "payments",
        "scan",
        "in.csv",
        "--out",
        "-",
        "--problems",
        "p.jsonl",
    ]);
    // Unusable records don't make the run fail.
    ok(&out);
    assert!(
        stderr(&out).contains("30 read = 20 processed + 10 problems"),
        "{}",
        stderr(&out)
    );
    let problems = lines(&b.read("p.jsonl"));
    for (row, word) in bad {
        let id = row.split(',').next().unwrap();
        // The header is row 0, so a row's place is its record number.
        let place = rows.iter().rposition(|r| r == row).unwrap();
        let found = problems.iter().find(|p| p["record"] == place);
        let found = found.unwrap_or_else(|| panic!("{id} is not told: {problems:?}"));
        assert!(found["why"].as_str().unwrap().contains(word), "{found}");
        assert_eq!(found["file"], "in.csv");
    }
}

#[test]
fn broken_files_are_refused_with_a_reason() {
    let b = Bench::new();
    make(&b, "made.parquet");
    let whole = b.read("made.parquet");
    b.write("cut.parquet", &whole[..whole.len() / 2]);
    // A third into the file: inside a row group, not in the footer that says what the file is.
    let mut changed = whole.clone();
    let middle = changed.len() / 3;
    for byte in &mut changed[middle..middle + 4_000] {
        *byte ^= 0x5a;
    }
    b.write("changed.parquet", &changed);
    b.write("empty.csv", b"");
    b.write("none.csv", b"hello");
    b.write("columns.csv", b"a,b,c\n1,2,3\n");
    b.write(
        "quote.csv",
        b"tx_id,sender,receiver,ts,amount,currency\n1,\"a,b,2026-01-01,1.00,EUR\n",
    );
    b.write(
        "doc.xml",
        b"<?xml version=\"1.0\"?><Document xmlns=\"urn:other\"><CdtTrfTxInf/></Document>",
    );
    for (name, word) in [
        ("cut.parquet", "Parquet"),
        ("empty.csv", "empty"),
        ("none.csv", "neither CSV"),
        ("columns.csv", "column tx_id is missing"),
        ("doc.xml", "namespace"),
        ("nothing.csv", "No such file"),
        (".", "folder"),
    ] {
        let out = b.obhut(&["payments", "scan", name, "--out", "a.jsonl"]);
        assert!(!out.status.success(), "{name}");
        assert!(stderr(&out).contains(word), "{name}: {}", stderr(&out));
        assert!(!stderr(&out).contains("panicked"), "{name}");
    }
    for name in ["changed.parquet", "quote.csv"] {
        let out = b.obhut(&["payments", "scan", name, "--out", "a.jsonl"]);
        let text = stderr(&out);
        let line = text
            .lines()
            .find(|l| l.contains(" read = "))
            .unwrap()
            .to_owned();
        let n: Vec<u64> = line
            .split_whitespace()
            .filter_map(|w| w.parse().ok())
            .collect();
        // Whatever is broken: read = processed + problems, always (docs/payments.md).
        assert_eq!(n[0], n[1] + n[2], "{line}");
    }
    // A good file is still read when another one is broken.
    make(&b, "good.csv");
    let out = b.obhut(&[
        "payments",
        "scan",
        "empty.csv",
        "good.csv",
        "--out",
        "a.jsonl",
    ]);
    assert!(!out.status.success());
    assert!(lines(&b.read("a.jsonl")).len() > 20);
}

#[test]
fn one_broken_transaction_costs_one_record() {
    let b = Bench::new();
    make(&b, "made.xml");
    let text = String::from_utf8(b.read("made.xml")).unwrap();
    let n = text.matches("<CdtTrfTxInf>").count();
    let broken = text
        .replacen(
            "<EndToEndId>E7</EndToEndId>",
            "<EndToEndId>E7</EndToEnd>",
            1,
        )
        .replacen(
            "<TxId>T9</TxId></PmtId>",
            "<TxId>T9&nbsp;</TxId></PmtId>",
            1,
        )
        .replacen("<Nm>Made up", "<Nm><![CDATA[Made & up]]>", 1);
    b.write("broken.xml", broken.as_bytes());
    let out = b.obhut(&["payments", "scan", "broken.xml", "--out", "a.jsonl"]);
    let text = stderr(&out);
    assert!(
        text.contains(&format!("{n} read = {} processed + 2 problems", n - 2)),
        "{text}"
    );
    assert!(
        text.contains("record 8:") && text.contains("record 10:"),
        "{text}"
    );
}

fn pipe(b: &Bench) {
    let made = std::process::Command::new("mkfifo")
        .arg(b.path("pipe"))
        .status();
    assert!(made.unwrap().success());
}

#[test]
fn what_is_read_is_never_written_over_and_a_failed_run_leaves_what_was() {
    let b = Bench::new();
    make(&b, "made.csv");
    let whole = b.read("made.csv");
    std::os::unix::fs::symlink(b.path("made.csv"), b.path("link.csv")).unwrap();
    for arguments in [
        ["payments", "scan", "made.csv", "--out", "made.csv"],
        ["payments", "scan", "made.csv", "--out", "link.csv"],
        ["payments", "features", "made.csv", "--out", "made.csv"],
        ["payments", "backtest", "made.csv", "--out", "made.csv"],
    ] {
        let out = b.obhut(&arguments);
        assert!(
            !out.status.success() && stderr(&out).contains("is one of the inputs"),
            "{arguments:?}"
        );
        assert_eq!(b.read("made.csv"), whole);
    }
    let out = b.obhut(&[
        "payments",
        "synthesize",
        "--out",
        "x.csv",
        "--labels",
        "x.csv",
    ]);
    assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
    assert!(stderr(&out).contains("same file") && !b.path("x.csv").exists());
    // Any file used to be accepted as labels, and the figures looked like a result.
    b.write("empty.csv", b"");
    for labels in ["made.csv", "empty.csv"] {
        let out = b.obhut(&[
            "payments", "backtest", "made.csv", "--labels", labels, "--out", "b.html",
        ]);
        assert!(
            !out.status.success() && stderr(&out).contains("isn't party,label"),
            "{labels}: {}",
            stderr(&out)
        );
    }
    // Output is written into the pipe, which isn't replaced by a file.
    pipe(&b);
    let reading = std::thread::spawn({
        let pipe = b.path("pipe");
        move || std::fs::read(pipe).unwrap()
    });
    ok(&b.obhut(&["payments", "scan", "made.csv", "--out", "pipe"]));
    assert!(lines(&reading.join().unwrap()).len() > 20);
    let kind = std::fs::symlink_metadata(b.path("pipe"))
        .unwrap()
        .file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind));
    b.write("alerts.jsonl", b"before");
    let out = b.obhut(&[
        "payments",
        "scan",
        "nothing.parquet",
        "--out",
        "alerts.jsonl",
        "--score-min",
        "200",
    ]);
    assert!(!out.status.success());
    assert_eq!(b.read("alerts.jsonl"), b"before");
    assert!(
        !std::fs::read_dir(b.folder.path()).unwrap().any(|e| e
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("partial"))
    );
}

#[test]
fn a_stray_quotation_mark_costs_one_record() {
    let b = Bench::new();
    make(&b, "made.csv");
    let text = String::from_utf8(b.read("made.csv")).unwrap();
    let n = text.lines().count() - 1;
    let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
    // Row 99 of the file is record 99, because the header is row 0.
    let cut = rows[99].find(',').unwrap() + 1;
    rows[99].insert(cut, '"');
    b.write("stray.csv", rows.join("\n").as_bytes());
    let out = b.obhut(&["payments", "scan", "stray.csv", "--out", "a.jsonl"]);
    let said = stderr(&out);
    assert!(
        said.contains(&format!("{n} read = {} processed + 1 problems", n - 1)),
        "{said}"
    );
    assert!(
        said.contains("record 99: a quotation mark in it is never closed"),
        "{said}"
    );
}

#[test]
fn columns_are_named_by_their_owner() {
    let b = Bench::new();
    // A byte order mark, semicolons and German headings, as spreadsheets export them.
    b.write(
        "bank.csv",
        "\u{feff}Nr;Von;An;Zeit;Betrag;Währung\n1;A;B;2026-01-01 10:00:00;10.50;EUR\n".as_bytes(),
    );
    let map = [
        "tx_id=Nr",
        "sender=Von",
        "receiver=An",
        "ts=Zeit",
        "amount=Betrag",
        "currency=Währung",
    ];
    let mut arguments = vec!["payments", "scan", "bank.csv", "--out", "a.jsonl"];
    for pair in &map {
        arguments.extend(["--map", pair]);
    }
    let out = b.obhut(&arguments);
    ok(&out);
    assert!(stderr(&out).contains("1 read = 1 processed + 0 problems"));
    assert!(stderr(&out).contains("no zone"));
    arguments.extend(["--map", "sender=Wer"]);
    let out = b.obhut(&arguments);
    assert!(!out.status.success() && stderr(&out).contains("column Wer is missing"));
}

#[test]
fn thresholds_are_tried_on_history_first() {
    let b = Bench::new();
    make(&b, "made.parquet");
    let out = b.obhut(&[
        "--json",
        "payments",
        "backtest",
        "made.parquet",
        "--labels",
        "labels.csv",
        "--out",
        "bt.html",
        "--set",
        "S03.wide=60",
        "--score-min",
        "60",
    ]);
    ok(&out);
    let result = &lines(&out.stdout)[0];
    assert!(result["lost"].as_u64().unwrap() > 0);
    assert!(
        result["after"]["precision"].as_f64().unwrap()
            >= result["before"]["precision"].as_f64().unwrap()
    );
    assert!(result["corridors"].as_array().unwrap().len() > 3);
    let page = String::from_utf8(b.read("bt.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("US → PH") && !page.contains("<script"));
    let out = b.obhut(&[
        "payments",
        "backtest",
        "made.parquet",
        "--out",
        "bt.html",
        "--set",
        "S03.medain=1",
    ]);
    assert!(!out.status.success() && stderr(&out).contains("S03 has: median"));
}

fn serve(b: &Bench) -> (Ended, String) {
    let mut child = b
        .command(&[
            "--json",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--payments",
            "--log",
            "off",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    (Ended(child), said["listening"].as_str().unwrap().to_owned())
}

/// One request on a new connection; `None` if the server is gone.
fn post(address: &str, key: &str, body: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "POST /v1/payments HTTP/1.1\r\nhost: obhut\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

#[test]
fn killed_again_and_again_nothing_durable_is_lost_and_nothing_counts_twice() {
    let b = Bench::new();
    let made = b.obhut(&[
        "--json", "key", "create", "--name", "bank", "--right", "payments",
    ]);
    let key: Value = serde_json::from_slice(&ok(&made).stdout).unwrap();
    let key = key["key"]
        .as_str()
        .or(key["secret"].as_str())
        .unwrap()
        .to_owned();
    let at = |n: u64| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        // In the past and in order: transfers more than a day old are never held (docs/payments.md).
        (now - 40 * 86_400 + n * 600).to_string()
    };
    let mut durable: BTreeMap<u64, String> = BTreeMap::new();
    let mut sent: BTreeMap<u64, String> = BTreeMap::new();
    let mut next = 0u64;
    for round in 0..5 {
        let (server, address) = serve(&b);
        // Sent again, the last 20 durable transfers are answered as repeated, with the same
        // numbers.
        for (seq, body) in durable.iter().rev().take(20) {
            let answer = post(&address, &key, body).unwrap();
            assert_eq!(answer["repeated"], true, "round {round}: {answer}");
            assert_eq!(answer["seq"].as_u64(), Some(*seq));
        }
        // Transfers that weren't durable are sent again, then new ones. The server is killed after
        // the last answer, whose durable_seq need not cover the last transfers yet.
        let again: Vec<String> = sent
            .iter()
            .filter(|(seq, _)| !durable.contains_key(seq))
            .map(|(_, b)| b.clone())
            .collect();
        sent.retain(|seq, _| durable.contains_key(seq));
        let fresh = (0..120).map(|_| {
            next += 1;
            json!({
                "tx_id": format!("t{next}"), "sender": format!("s{}", next % 7), "receiver": format!("r{}", next % 11),
                "ts": at(next), "amount": "20.00", "currency": "EUR", "src_country": "DE", "dst_country": "PH"
            })
            .to_string()
        });
        for body in again.into_iter().chain(fresh) {
            let answer = post(&address, &key, &body).unwrap();
            let seq = answer["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"));
            if let Some(other) = sent.insert(seq, body.clone()) {
                assert_eq!(other, body, "two transfers in one place");
            }
            // Only what durable_seq covers is promised; the rest may be sent again and get another
            // number.
            let covered = answer["durable_seq"].as_u64().unwrap();
            for (seq, body) in sent.range(..=covered) {
                durable.entry(*seq).or_insert_with(|| body.clone());
            }
        }
        // SIGKILL: the server can't flush or close anything.
        drop(server);
    }
    assert!(durable.len() > 100, "{}", durable.len());
    let (_server, address) = serve(&b);
    // A new transfer's number is above every durable one, and at most the count of transfers sent.
    let last = post(&address, &key, &json!({
        "tx_id": "last", "sender": "s", "receiver": "r", "ts": at(next), "amount": "1.00", "currency": "EUR"
    }).to_string()).unwrap();
    let seq = last["seq"].as_u64().unwrap();
    assert!(
        seq > *durable.keys().next_back().unwrap() && seq <= next + 1,
        "{last}"
    );
}
