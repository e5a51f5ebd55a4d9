//! Witnesses and a time authority of a vault's log, with real processes: older copies, forks, exports.

mod bench;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bench::{Bench, Ended, files, json, ok, python, text, verify_py};
use serde_json::Value;

/// Starts a command that prints where it listens; the process, and what it printed.
fn started(b: &Bench, arguments: &[&str]) -> (Ended, Value) {
    let mut command = b.command(arguments);
    let mut process = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (process, serde_json::from_str(&line).unwrap())
}

/// A witness that ends with the test, with its address and key.
fn witness(b: &Bench) -> (Ended, String, String) {
    let (process, said) = started(
        b,
        &[
            "--json",
            "witness",
            "serve",
            "w",
            "--name",
            "witness.example/1",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    let url = format!("http://{}", said["listening"].as_str().unwrap());
    (process, url, said["key"].as_str().unwrap().to_owned())
}

/// A data folder with an exhibit, and a witness that knows it.
fn world() -> (Bench, Ended, String) {
    let b = Bench::new();
    b.write("a.txt", b"hello");
    ok(&b.obhut(&["vault", "put", "a.txt"]));
    let (process, url, key) = witness(&b);
    ok(&b.obhut(&["witness", "trust", "w", "data/vault/log/key"]));
    let add = [
        "vault", "witness", "add", &url, "--key", &key, "--by", "Ida",
    ];
    let added = b.obhut(&add);
    ok(&added);
    assert!(text(&added).contains("has cosigned"), "{}", text(&added));
    (b, process, key)
}

fn copy(b: &Bench, from: &str, to: &str) {
    let _ = std::fs::remove_dir_all(b.path(to));
    let copied = Command::new("cp")
        .args(["-r", from, to])
        .current_dir(b.path(""))
        .status();
    assert!(copied.unwrap().success());
}

#[test]
fn an_older_copy_of_the_folder_is_seen_by_a_witness() {
    let (b, _witness, _) = world();
    copy(&b, "data", "older");
    b.write("b.txt", b"more");
    ok(&b.obhut(&["vault", "put", "b.txt"]));
    ok(&b.obhut(&["vault", "witness", "ask"]));
    ok(&b.obhut(&["verify", "--ask-witnesses"]));
    copy(&b, "data", "newer");

    // The older copy agrees with itself, and the witness doesn't agree with it.
    copy(&b, "older", "data");
    ok(&b.obhut(&["verify"]));
    let seen = b.obhut(&["verify", "--ask-witnesses", "--json"]);
    assert_eq!(seen.status.code(), Some(1), "{}", text(&seen));
    let problems = json(&seen)[0]["problems"].clone();
    assert!(
        problems[0]["what"].as_str().unwrap().contains("older copy"),
        "{problems}"
    );
    let asked = b.obhut(&["vault", "witness", "ask"]);
    assert!(!asked.status.success() && text(&asked).contains("older copy"));
    let alarms = text(ok(&b.obhut(&["alarm", "list"])));
    assert!(alarms.contains("witness.example/1"), "{alarms}");
    ok(&b.obhut(&["witness", "show", "w"]));

    // Once it has grown past what was seen, it has another history.
    for n in 0..12 {
        b.write("c.txt", format!("{n}").as_bytes());
        ok(&b.obhut(&["vault", "put", "c.txt"]));
    }
    let seen = b.obhut(&["verify", "--ask-witnesses"]);
    assert_eq!(seen.status.code(), Some(1), "{}", text(&seen));
    assert!(text(&seen).contains("another log"), "{}", text(&seen));
    // That it was refused proves nothing: anyone could hand it in with a proof that doesn't hold.
    let shown = json(ok(&b.obhut(&["witness", "show", "w", "--json"])));
    let of = |what: &str| shown[0][what].as_array().unwrap().len();
    assert_eq!((of("forks"), of("refused") > 0), (0, true), "{shown:?}");

    // The one that the witness has seen can go on.
    copy(&b, "newer", "data");
    ok(&b.obhut(&["vault", "put", "c.txt"]));
    ok(&b.obhut(&["vault", "witness", "ask"]));
    ok(&b.obhut(&["verify", "--ask-witnesses"]));
}

#[test]
fn what_was_cosigned_is_compared_by_both() {
    let Some(python) = python() else { return };
    let (b, _witness, _) = world();
    let outside = |sql: &str| {
        let script = format!(
            "import sqlite3; c = sqlite3.connect('data/obhut.db'); c.executescript({sql:?}); c.commit()"
        );
        let out = Command::new(&python)
            .args(["-c", &script])
            .current_dir(b.path(""))
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", text(&out));
    };
    let whole = || {
        ok(&b.obhut(&["verify"]));
        let theirs = verify_py(&python, &b, &["data"]);
        assert!(theirs.status.success(), "{}", text(&theirs));
    };
    whole();
    copy(&b, "data", "good");
    for change in [
        "DELETE FROM cosigned_heads",
        "UPDATE cosigned_heads SET note = replace(note, 'witness.example/1', 'witness.example/2')",
        "UPDATE cosigned_heads SET note = replace(note, char(10) || char(10), char(10))",
        "UPDATE cosigned_heads SET note = note || char(10)",
        "UPDATE cosigned_heads SET note = substr(note, 1, length(note) - 1)",
        "UPDATE cosigned_heads SET note = note || substr(note, length(note) - 125)",
        "UPDATE cosigned_heads SET note = substr(note, 1, length(note) - 9) || 'AA' || substr(note, length(note) - 6)",
        "UPDATE cosigned_heads SET witness = 'someone.else'",
        "INSERT INTO cosigned_heads SELECT 'someone.else', note FROM cosigned_heads",
        "UPDATE witnesses SET key = replace(key, 'witness', 'witnes5')",
    ] {
        outside(change);
        for found in [b.obhut(&["verify"]), verify_py(&python, &b, &["data"])] {
            let said = text(&found);
            assert_eq!(found.status.code(), Some(1), "{change}: {said}");
            let names_it =
                said.contains("witness witness.example/1") || said.contains("witness someone.else");
            assert!(names_it, "{change}: {said}");
        }
        copy(&b, "good", "data");
    }
    whole();
}

#[test]
fn a_server_has_its_log_cosigned_and_shows_it() {
    let (b, _witness, key) = world();
    ok(&b.obhut(&["vault", "put", "a.txt"]));
    let size = || json(&b.obhut(&["witness", "show", "w", "--json"]))[0]["size"].as_u64();
    let before = size().unwrap();
    let serve = [
        "--json",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ];
    let (_server, said) = started(&b, &serve);
    let log = format!("http://{}/log", said["admin"].as_str().unwrap());
    let end = Instant::now() + Duration::from_secs(30);
    while size().unwrap() == before {
        assert!(Instant::now() < end, "the witness wasn't asked");
        std::thread::sleep(Duration::from_millis(50));
    }
    let Some(python) = python() else { return };
    let fetched = verify_py(&python, &b, &[&log, "--log-key", "data/vault/log/key"]);
    assert!(fetched.status.success(), "{}", text(&fetched));
    assert!(
        text(&fetched).contains("the log alone"),
        "{}",
        text(&fetched)
    );
    b.write("witness.key", key.as_bytes());
    let wrong = verify_py(&python, &b, &[&log, "--log-key", "witness.key"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
}

/// Regression: the older copy had its own head cosigned, so that a server asked no witness until the log grew.
#[test]
fn a_server_on_an_older_copy_raises_an_alarm() {
    let (b, _witness, _) = world();
    ok(&b.obhut(&["vault", "witness", "ask"]));
    copy(&b, "data", "older");
    ok(&b.obhut(&["vault", "put", "a.txt"]));
    ok(&b.obhut(&["vault", "witness", "ask"]));
    copy(&b, "older", "data");
    let serve = ["--json", "serve", "--listen", "127.0.0.1:0"];
    let (_server, _) = started(&b, &serve);
    let end = Instant::now() + Duration::from_secs(30);
    while !text(ok(&b.obhut(&["alarm", "list"]))).contains("older copy") {
        assert!(Instant::now() < end, "no alarm");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Regression: verify.py fetched what an unsigned checkpoint led to, without an end.
#[test]
fn nothing_is_fetched_that_the_key_has_not_signed() {
    let Some(python) = python() else { return };
    let b = Bench::new();
    b.write("a.txt", b"hello");
    ok(&b.obhut(&["vault", "put", "a.txt"]));
    let key = b.read("data/vault/log/key");
    let good = String::from_utf8(b.read("data/vault/log/checkpoint")).unwrap();
    let lines: Vec<_> = good.split('\n').collect();
    let more = good.replacen(lines[1], "1000000000000000", 1);
    for (checkpoint, cut) in [(more, false), ("nothing".into(), false), (good, true)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/log", listener.local_addr().unwrap());
        let (key, told) = (key.clone(), std::sync::mpsc::channel());
        let sender = told.0;
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut request, mut line) = (String::new(), String::new());
                stream.read_line(&mut request).unwrap();
                while stream.read_line(&mut line).unwrap() > 2 {
                    line.clear();
                }
                let body = match request.contains("/log/key") {
                    true => key.clone(),
                    false => checkpoint.clone().into_bytes(),
                };
                let longer = body.len() + usize::from(cut) * 9;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {longer}\r\nConnection: close\r\n\r\n"
                );
                stream
                    .get_mut()
                    .write_all(&[head.as_bytes(), &body].concat())
                    .unwrap();
                let _ = sender.send(request);
            }
        });
        let fetched = verify_py(&python, &b, &[&url]);
        assert_eq!(fetched.status.code(), Some(2), "{}", text(&fetched));
        assert!(!text(&fetched).contains("Traceback"), "{}", text(&fetched));
        assert!(told.1.try_iter().count() <= 2, "tiles were asked for");
    }
    let wrong = verify_py(&python, &b, &["http://127.0.0.1:abc/log"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
}

/// OpenSSL's authority behind HTTP: the certificate of its issuer, and its address. `None` without
/// OpenSSL's command.
fn time_authority(b: &Bench) -> Option<String> {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("not present: openssl");
        return None;
    }
    b.write("tsa/ext", b"basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n");
    b.write("tsa/serial", b"01\n");
    b.write("tsa/tsa.cnf", b"[tsa]\ndefault_tsa=a\n[a]\nserial=serial\nsigner_cert=tsa.pem\ncerts=ca.pem\nsigner_key=tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n");
    let folder = b.path("tsa");
    let openssl = move |arguments: &str| {
        let out = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(out.status.success(), "openssl {arguments}: {}", text(&out));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=root -days 30");
    openssl("req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa");
    openssl(
        "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 20 -extfile ext",
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = b.path("tsa");
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut line) = (0, String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            std::fs::write(folder.join("q"), body).unwrap();
            openssl("ts -reply -config tsa.cnf -queryfile q -out r");
            let answer = std::fs::read(folder.join("r")).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                answer.len()
            );
            let stream = stream.get_mut();
            stream
                .write_all(&[head.as_bytes(), &answer].concat())
                .unwrap();
        }
    });
    Some(format!("http://{address}/tsr"))
}

/// The bag is checked by the commands in its README.
#[test]
fn an_export_carries_what_others_say_of_the_log() {
    let (b, witness, key) = world();
    let Some(authority) = time_authority(&b) else {
        return;
    };
    let Ok(made) = Command::new("age-keygen")
        .arg("-o")
        .arg(b.path("KEY.txt"))
        .output()
    else {
        println!("not present: age (cargo xtask test brings it)");
        return;
    };
    let said = text(&made);
    let recipient = said.trim().strip_prefix("Public key: ").unwrap();
    let wrong = [
        "vault",
        "timestamp",
        "authority",
        &authority,
        "--certificates",
        "a.txt",
    ];
    assert_eq!(b.obhut(&wrong).status.code(), Some(2));
    let named = [
        "vault",
        "timestamp",
        "authority",
        &authority,
        "--certificates",
        "tsa/ca.pem",
    ];
    ok(&b.obhut(&named));
    ok(&b.obhut(&["vault", "timestamp", "now"]));
    ok(&b.obhut(&["vault", "timestamp", "list", "--out", "stamps"]));
    assert_eq!(files(&b.path("stamps")).len(), 2);
    ok(&b.obhut(&["settings", "reporter", "--service", "Example"]));
    let exhibit = json(ok(&b.obhut(&["vault", "list", "--json"])))[0]["exhibit"].clone();
    let exhibit = exhibit.as_str().unwrap();
    let approved = |purpose: &str| {
        let ask = [
            "--json",
            "vault",
            "export",
            exhibit,
            "--to",
            "LKA",
            "--recipient",
            recipient,
            "--purpose",
            purpose,
            "--by",
            "Anna",
        ];
        let asked = json(ok(&b.obhut(&ask)))[0]["export"].clone();
        let export = asked.as_str().unwrap().to_owned();
        for by in ["Ben", "Cem"] {
            ok(&b.obhut(&["vault", "export", &export, "--approve", "--by", by]));
        }
        export
    };
    let export = approved("one");
    let write = [
        "--json", "vault", "export", &export, "--out", "bag", "--by", "Anna",
    ];
    let written = json(ok(&b.obhut(&write)));
    assert_eq!(
        (
            written[0]["cosigned_by"].as_u64(),
            written[0]["stamped"].as_bool()
        ),
        (Some(1), Some(true))
    );
    ok(&b.obhut(&["verify"]));
    let openssl = Command::new("openssl")
        .args(
            "ts -verify -data timestamp.checkpoint -in timestamp.tsr -CAfile ../tsa/ca.pem"
                .split(' '),
        )
        .current_dir(b.path("bag"))
        .output()
        .unwrap();
    assert!(openssl.status.success(), "{}", text(&openssl));
    if let Some(python) = python() {
        b.write("witness.key", key.as_bytes());
        let arguments = [
            "bag",
            "--log-key",
            "data/vault/log/key",
            "--witness-key",
            "witness.key",
        ];
        let whole = verify_py(&python, &b, &arguments);
        assert!(whole.status.success(), "{}", text(&whole));
        assert!(
            text(&whole).contains("cosigned by witness.example/1 at 20"),
            "{}",
            text(&whole)
        );
        // Another key under the same name has cosigned nothing.
        ok(&b.obhut(&["vault", "prove", exhibit, "--out", "later"]));
        let (_other, said) = started(
            &b,
            &[
                "--json",
                "witness",
                "serve",
                "other",
                "--name",
                "witness.example/1",
                "--listen",
                "127.0.0.1:0",
            ],
        );
        b.write("stranger.key", said["key"].as_str().unwrap().as_bytes());
        for place in ["bag", "data", "later"] {
            let key = [
                "--log-key",
                "data/vault/log/key",
                "--witness-key",
                "stranger.key",
            ];
            let found = verify_py(&python, &b, &[&[place], &key[..]].concat());
            assert_eq!(found.status.code(), Some(1), "{place}: {}", text(&found));
            assert!(text(&found).contains("hasn't cosigned"), "{}", text(&found));
        }
        // A proof that leads elsewhere, which no witness has seen.
        let proof = files(&b.path("bag/proofs")).remove(0);
        let good = std::fs::read(&proof).unwrap();
        std::fs::copy(b.path("later").join(proof.file_name().unwrap()), &proof).unwrap();
        let found = text(&verify_py(&python, &b, &arguments));
        assert!(found.contains("hasn't cosigned it"), "{found}");
        assert!(found.contains("more than one head"), "{found}");
        std::fs::write(&proof, good).unwrap();
        // A witness's line is exchanged, and the bag made to agree but for the log's signature over it.
        let proof = files(&b.path("bag/proofs")).remove(0);
        let good = std::fs::read_to_string(&proof).unwrap();
        let (rest, line) = good.trim_end().rsplit_once(' ').unwrap();
        let other = line.replace(&line[20..21], if &line[20..21] == "A" { "B" } else { "A" });
        std::fs::write(&proof, format!("{rest} {other}\n")).unwrap();
        let found = verify_py(&python, &b, &arguments);
        assert!(
            text(&found).contains("signature isn't valid"),
            "{}",
            text(&found)
        );
    }

    // Without an answer the export is written, and says who hasn't answered.
    drop(witness);
    let export = approved("two");
    let written = b.obhut(&["vault", "export", &export, "--out", "bag2", "--by", "Anna"]);
    assert!(
        text(ok(&written)).contains("hasn't cosigned"),
        "{}",
        text(&written)
    );
    assert!(!b.path("bag2/witness-keys").exists() && b.path("bag2/timestamp.tsr").exists());
}
