//! A command that is killed, or whose disk fails, at any call that writes: what it acknowledged is
//! there, the record verifies, and the command can be given again. `strace` injects the faults; a
//! sample of them by default, as many as `OBHUT_SOAK_FAULTS` says in `cargo xtask soak`.

mod bench;

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use bench::{Bench, cybertipline, json, ok};
use serde_json::Value;

/// The calls that change a file, a folder, or what of them is on the disk. `write` is also used for
/// output and to wake threads: those fail, too.
const CALLS: [&str; 13] = [
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fallocate",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "linkat",
];

/// What happens at a call: the process is killed, the call fails once, or the disk is full from then
/// on.
const FAULTS: [&str; 3] = [
    "signal=KILL:when=N",
    "error=EIO:when=N",
    "error=ENOSPC:when=N+",
];

/// A command that takes longer is killed: one that can't wake its threads waits for ever. Our
/// judgement.
const HUNG_AFTER: Duration = Duration::from_secs(60);

/// Faults tried in an ordinary run. Our judgement: a quarter of a minute.
const SAMPLE: usize = 28;

/// A command that changes the record, and how to see that it has.
struct Operation {
    name: &'static str,
    command: Vec<String>,
    done: Box<dyn Fn(&Bench) -> bool + Send + Sync>,
}

impl Operation {
    fn new(
        name: &'static str,
        command: &[&str],
        done: impl Fn(&Bench) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            command: command.iter().map(|a| (*a).to_owned()).collect(),
            done: Box::new(done),
        }
    }
}

fn shown(b: &Bench, arguments: &[&str]) -> Vec<Value> {
    json(ok(&b.obhut(&[&["--json"], arguments].concat())))
}

/// The id in the first line of the answer.
fn id_of(answer: &[Value], field: &str) -> String {
    answer[0][field].as_str().unwrap().to_owned()
}

/// A case with a file, about another account each time.
fn case(b: &Bench, account: &str) -> String {
    let case = format!(
        r#"{{"files": [{{"name": "a.txt", "content": "aGVsbG8="}}], "facts": {{"reported": {{"id": "{account}"}}, "places": [{{"place": "chat", "content": "x"}}]}}}}"#
    );
    b.write("case.json", case.as_bytes());
    id_of(&shown(b, &["case", "new", "--from", "case.json"]), "case")
}

fn decide(b: &Bench, case: &str) {
    let ruling = ["--ruling", "report", "--grounds", "g"];
    ok(&b.obhut(&[&["case", "decide", case, "--by", "Rita"], &ruling[..]].concat()));
}

/// A data folder, and each operation on it that is tried.
fn world(b: &Bench, service: &str) -> Vec<Operation> {
    ok(&b.obhut(&[
        "settings",
        "reporter",
        "--service",
        "E",
        "--email",
        "t@example.com",
    ]));
    b.write("password", b"test");
    let channel = [
        "--url",
        service,
        "--user",
        "test",
        "--password-file",
        "password",
    ];
    ok(&b.obhut(&[&["destination", "set", "ncmec"], &channel[..]].concat()));
    let sent = case(b, "sent");
    decide(b, &sent);
    ok(&b.obhut(&["report", "file", &sent, "--destination", "ncmec"]));
    ok(&b.obhut(&[
        "report",
        "approve",
        &sent,
        "--destination",
        "ncmec",
        "--by",
        "Olga",
    ]));
    let decided = case(b, "decided");
    let cleared = case(b, "cleared");
    decide(b, &cleared);
    let appeal = id_of(
        &shown(b, &["appeal", "open", &cleared, "--reason", "mine"]),
        "id",
    );
    b.write(
        "list.csv",
        b"kind,digest\nmd5,5d41402abc4b2a76b9719d911017c592\n",
    );
    b.import("l", "list.csv");
    ok(&b.obhut(&["list", "sign", "l", "--by", "Ada"]));
    // Everyone who acts has the role already, so that no command announces one.
    for (person, role) in [
        ("Bea", "list-steward"),
        ("Nina", "appeals"),
        ("Olga", "reporting-officer"),
        ("Ida", "administrator"),
    ] {
        ok(&b.obhut(&["person", "add", person, "--role", role]));
    }
    b.write("b.txt", b"another");
    let exhibit = id_of(&shown(b, &["vault", "put", "b.txt"]), "exhibit");
    b.write("c.txt", b"a third");
    // Longer than what is sealed and written in one piece.
    b.write("long", &vec![7; 17 << 20]);

    let exhibits = shown(b, &["vault", "list"]).len();
    let (seen, of_case, of_sent, of_cleared) =
        (exhibit.clone(), decided.clone(), sent, cleared.clone());
    vec![
        Operation::new("put", &["vault", "put", "c.txt"], move |b| {
            shown(b, &["vault", "list"]).len() > exhibits
        }),
        Operation::new("put long", &["vault", "put", "long"], move |b| {
            shown(b, &["vault", "list"]).len() > exhibits
        }),
        Operation::new(
            "rotate",
            &["vault", "rotate", "--reason", "r", "--by", "Ida"],
            |b| entries_of(b, "rewrap") >= shown(b, &["vault", "list"]).len(),
        ),
        Operation::new(
            "view",
            &[
                "vault",
                "get",
                &exhibit,
                "--by",
                "Rita",
                "--purpose",
                "p",
                "--out",
                "seen",
            ],
            move |b| {
                let audit = shown(b, &["audit"]);
                let of_exhibit = |row: &&Value| row["subject"] == seen.as_str();
                b.read("seen") == b"another" && audit.iter().filter(of_exhibit).count() > 1
            },
        ),
        Operation::new(
            "decide",
            &[
                "case",
                "decide",
                &decided,
                "--by",
                "Rita",
                "--ruling",
                "no-report",
                "--grounds",
                "g",
            ],
            move |b| {
                shown(b, &["case", "show", &of_case])[0]
                    .to_string()
                    .contains("no-report")
            },
        ),
        Operation::new("sign", &["list", "sign", "l", "--by", "Bea"], |b| {
            shown(b, &["list", "show", "l"])[0]
                .to_string()
                .contains("Bea")
        }),
        Operation::new(
            "send",
            &["report", "send", "--claim-seconds", "1"],
            move |b| {
                let status = shown(b, &["report", "status", &of_sent]);
                status[0]["filing"] == "filed"
            },
        ),
        Operation::new(
            "destroy",
            &[
                "vault", "destroy", &exhibit, "--reason", "r", "--by", "Olga",
            ],
            |b| {
                shown(b, &["audit"])
                    .iter()
                    .any(|row| row.to_string().contains("destr"))
            },
        ),
        Operation::new(
            "uphold",
            &[
                "appeal",
                "decide",
                &appeal,
                "--outcome",
                "upheld",
                "--grounds",
                "g",
                "--by",
                "Nina",
            ],
            move |b| {
                let listed = shown(b, &["vault", "list"]);
                listed.iter().all(|e| e["case"] != of_cleared.as_str())
            },
        ),
    ]
}

/// Entries of a kind in the log.
fn entries_of(b: &Bench, kind: &str) -> usize {
    let mut log = Vec::new();
    let tiles = walkdir::WalkDir::new(b.path("data/vault/log/tile/entries"));
    for tile in tiles.into_iter().map(Result::unwrap) {
        if tile.file_type().is_file() {
            log.extend(std::fs::read(tile.path()).unwrap());
        }
    }
    let kind = format!(r#""event":"{kind}""#);
    log.windows(kind.len())
        .filter(|w| *w == kind.as_bytes())
        .count()
}

/// The operation under strace with these options.
fn traced(b: &Bench, operation: &Operation, options: &[&str]) -> Output {
    let command = b.command(&[]);
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-o"])
        .arg(b.path("calls"))
        .args(options)
        .arg(command.get_program())
        .args(&operation.command)
        .current_dir(b.folder.path())
        .env("OBHUT_DATA", b.path("data"))
        .env_remove("OBHUT_DATABASE");
    let traced = traced
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", traced.id());
    let (ended, has_ended) = mpsc::channel::<()>();
    let watching = std::thread::spawn(move || {
        if has_ended.recv_timeout(HUNG_AFTER) == Err(RecvTimeoutError::Timeout) {
            for child in std::fs::read_to_string(children)
                .unwrap()
                .split_whitespace()
            {
                Command::new("kill")
                    .args(["-KILL", child])
                    .status()
                    .unwrap();
            }
        }
    });
    let output = traced.wait_with_output().unwrap();
    drop(ended);
    watching.join().unwrap();
    output
}

/// How often any one thread makes each call: strace counts by thread.
fn calls(b: &Bench, operation: &Operation) -> BTreeMap<&'static str, u32> {
    let trace = format!("trace={}", CALLS.join(","));
    ok(&traced(b, operation, &["-e", &trace]));
    let text = String::from_utf8(b.read("calls")).unwrap();
    let mut by_thread: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for line in text.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let name = call.trim_start().split('(').next().unwrap();
        *by_thread.entry((thread, name)).or_default() += 1;
    }
    let mut most = BTreeMap::new();
    for ((_, name), count) in by_thread {
        if let Some(call) = CALLS.iter().find(|c| **c == name) {
            let entry = most.entry(*call).or_insert(0);
            *entry = count.max(*entry);
        }
    }
    most
}

/// An erasure that was cut off after its entry is a fault until the next start of a server, or the next
/// run of destruction, has finished it.
fn verified(b: &Bench) -> Result<(), String> {
    let mut out = b.obhut(&["verify"]);
    if String::from_utf8_lossy(&out.stdout).contains("the erasure was cut off") {
        ok(&b.obhut(&["vault", "destroy", "--due", "--by", "Olga"]));
        out = b.obhut(&["verify"]);
    }
    match out.status.success() {
        true => Ok(()),
        false => Err(format!(
            "doesn't verify: {}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        )),
    }
}

/// Gives the command again until it has its effect.
fn again(b: &Bench, operation: &Operation) -> Result<(), String> {
    let arguments: Vec<&str> = operation.command.iter().map(String::as_str).collect();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let out = b.obhut(&arguments);
        if (operation.done)(b) {
            return verified(b).map_err(|e| format!("given again, it {e}"));
        }
        if Instant::now() > deadline {
            let said = String::from_utf8_lossy(&out.stderr);
            return Err(format!("given again, it has no effect: {said}"));
        }
        // What a killed sender has claimed is free after a second.
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether the fault stopped the command; what went wrong afterwards.
fn one_fault(base: &Bench, operation: &Operation, fault: &str) -> Result<bool, String> {
    let b = base.copied();
    let (call, _) = fault.split_once(':').unwrap();
    // Only what is traced is injected.
    let options = [format!("trace={call}"), format!("inject={fault}")];
    let out = traced(&b, operation, &["-e", &options[0], "-e", &options[1]]);
    verified(&b)?;
    let succeeded = out.status.success();
    if succeeded && !(operation.done)(&b) {
        return Err("was acknowledged, and isn't there".into());
    }
    again(&b, operation)?;
    Ok(!succeeded)
}

#[test]
fn what_is_acknowledged_survives_a_fault_at_any_call() {
    let wanted = std::env::var("OBHUT_SOAK_FAULTS").map_or(SAMPLE, |n| n.parse().unwrap());
    let base = Bench::new();
    let probe = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    if !probe.is_ok_and(|s| s.success()) {
        println!("not present: strace that may trace (cargo xtask test brings it)");
        return;
    }
    let (_service, address) = cybertipline(&base);
    let operations = world(&base, &address);
    let mut all = Vec::new();
    for operation in &operations {
        let b = base.copied();
        for (call, most) in calls(&b, operation) {
            for n in 1..=most {
                for fault in FAULTS {
                    all.push((
                        operation,
                        format!("{call}:{}", fault.replace('N', &n.to_string())),
                    ));
                }
            }
        }
        assert!(
            (operation.done)(&b),
            "{} has an effect that can be seen",
            operation.name
        );
    }
    // Spread over all operations and calls.
    let step = (all.len() / wanted).max(1);
    let chosen: Vec<_> = all.iter().step_by(step).collect();
    println!("{} of {} faults", chosen.len(), all.len());
    let faults = std::sync::Mutex::new(Vec::new());
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|s| {
        for _ in 0..workers {
            s.spawn(|| {
                while let Some((operation, fault)) =
                    chosen.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    match one_fault(&base, operation, fault) {
                        Ok(stopped) => {
                            failed.fetch_add(usize::from(stopped), Ordering::Relaxed);
                        }
                        Err(what) => {
                            let what = format!("{} {fault}: {what}", operation.name);
                            println!("{what}");
                            faults.lock().unwrap().push(what);
                        }
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    let failed = failed.into_inner();
    println!("{failed} commands failed");
    // A kill always ends one, and an error often does: otherwise nothing was injected.
    assert!(failed > chosen.len() / 3, "{failed} of {}", chosen.len());
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
}
