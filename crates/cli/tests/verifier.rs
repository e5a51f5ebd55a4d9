//! `verify/verify.py`, which shares no code with obhut, and `obhut verify` agree about what is whole
//! and what isn't.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod bench;

use bench::{Bench, json, ok};

/// Python with `cryptography`; `None` where the test command didn't bring it.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("OBHUT_TEST_MOTO").map(PathBuf::from);
    if found.is_none() {
        println!("not present: Python with cryptography (cargo xtask test brings it)");
    }
    found
}

fn verifier(python: &Path, b: &Bench, more: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify/verify.py");
    let mut command = Command::new(python);
    command.arg(script).arg(b.path("data")).args(more);
    command.output().unwrap()
}

/// Runs Python on the database, as an administrator of it would change it.
fn outside(python: &Path, b: &Bench, sql: &str) {
    let script = format!(
        "import sqlite3; c = sqlite3.connect({:?}); c.executescript({sql:?}); c.commit()",
        b.path("data/obhut.db").display().to_string()
    );
    let out = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// A folder with a case, a decision, and an exhibit that was read.
fn world() -> Bench {
    let b = Bench::new();
    b.write(
        "case.json",
        br#"{"files": [{"name": "a.txt", "content": "aGVsbG8="}], "facts": {"reported": {"id": "u"}}}"#,
    );
    let case = json(ok(&b.obhut(&[
        "case",
        "new",
        "--from",
        "case.json",
        "--json",
    ])));
    let case = case[0]["case"].as_str().unwrap().to_owned();
    ok(&b.obhut(&[
        "case",
        "decide",
        &case,
        "--by",
        "Rita",
        "--ruling",
        "no-report",
        "--grounds",
        "g",
    ]));
    let listed = json(ok(&b.obhut(&["vault", "list", "--json"])));
    let exhibit = listed[0]["exhibit"].as_str().unwrap().to_owned();
    ok(&b.obhut(&[
        "vault",
        "get",
        &exhibit,
        "--by",
        "Rita",
        "--purpose",
        "p",
        "--out",
        "o",
    ]));
    b
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all.sort();
    all
}

#[test]
fn both_verifiers_find_the_same_folders_whole_and_damaged() {
    let Some(python) = python() else { return };
    let b = world();
    let whole = |expected: bool, what: &str| {
        let ours = b.obhut(&["verify"]);
        let theirs = verifier(&python, &b, &[]);
        let said = String::from_utf8_lossy(&theirs.stdout).into_owned()
            + &String::from_utf8_lossy(&theirs.stderr);
        assert_eq!(ours.status.success(), expected, "obhut: {what}");
        assert_eq!(
            theirs.status.success(),
            expected,
            "verify.py: {what}: {said}"
        );
    };
    whole(true, "as it was written");
    let key = json(ok(&b.obhut(&["verify", "--json"])))[0]["key"].clone();
    b.write("log.key", key.as_str().unwrap().as_bytes());
    let path = b.path("log.key").display().to_string();
    let out = verifier(&python, &b, &["--log-key", &path]);
    assert!(String::from_utf8_lossy(&out.stdout).ends_with("whole\n"));
    // What can't be checked is neither whole nor damaged.
    b.write("no.key", b"x");
    let no_key = b.path("no.key").display().to_string();
    for more in [&["--log-key"][..], &["--log-key", &no_key]] {
        assert_eq!(
            verifier(&python, &b, more).status.code(),
            Some(2),
            "{more:?}"
        );
    }
    let (database, aside) = (b.path("data/obhut.db"), b.path("aside.db"));
    std::fs::rename(&database, &aside).unwrap();
    assert_eq!(verifier(&python, &b, &[]).status.code(), Some(2));
    std::fs::rename(&aside, &database).unwrap();
    // One bit in each file of the vault, at a place that differs from file to file.
    for (n, path) in files(&b.path("data/vault")).into_iter().enumerate() {
        let good = std::fs::read(&path).unwrap();
        let mut bytes = good.clone();
        let at = (n * 7919 + good.len() / 2) % good.len();
        bytes[at] ^= 1 << (n % 8);
        std::fs::write(&path, &bytes).unwrap();
        whole(false, &format!("{} byte {at}", path.display()));
        // obhut writes a missing public key again.
        if !path.ends_with("log/key") {
            std::fs::remove_file(&path).unwrap();
            whole(false, &format!("without {}", path.display()));
        }
        std::fs::write(&path, &good).unwrap();
    }
    whole(true, "put back");
    for (change, undo) in [
        (
            "UPDATE decisions SET grounds = 'h'",
            "UPDATE decisions SET grounds = 'g'",
        ),
        (
            "UPDATE audit SET at = at + 1",
            "UPDATE audit SET at = at - 1",
        ),
        (
            "INSERT INTO people_roles (person, role) SELECT id, 'administrator' FROM people",
            "DELETE FROM people_roles WHERE role = 'administrator'",
        ),
    ] {
        outside(&python, &b, change);
        whole(false, change);
        outside(&python, &b, undo);
        whole(true, undo);
    }
    outside(&python, &b, "DELETE FROM decisions");
    whole(false, "a decision that is gone");
}
