//! `verify/verify.py`, which shares no code with obhut, and `obhut verify` agree about what is whole
//! and what isn't.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod bench;

use bench::{Bench, files, json, ok, python, verify_py};

fn verifier(python: &Path, b: &Bench, more: &[&str]) -> Output {
    verify_py(python, b, &[&["data"], more].concat())
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

/// A folder with a case, a decision, and an exhibit that was read and whose key was wrapped again.
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
    ok(&b.obhut(&["vault", "rotate", "--reason", "r", "--by", "Ida"]));
    b
}

/// Every file of the data folder with its bytes.
fn everything(b: &Bench) -> Vec<(PathBuf, Vec<u8>)> {
    let all = files(&b.path("data")).into_iter();
    all.map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Regression: verification needed the private keys and a database that could be written.
#[test]
fn verifying_writes_nothing_and_needs_no_private_key() {
    let b = world();
    let public = b.path("data/vault/log/key");
    std::fs::copy(&public, b.path("kept.key")).unwrap();
    std::fs::copy(
        b.path("data/vault/log/checkpoint"),
        b.path("kept.checkpoint"),
    )
    .unwrap();
    let before = everything(&b);
    let text = |out: &Output| String::from_utf8_lossy(&out.stdout).into_owned();
    let with = b.obhut(&["verify"]);
    assert!(
        with.status.success() && !text(&with).contains("forgery"),
        "{}",
        text(&with)
    );
    std::fs::rename(b.path("data/keys"), b.path("keys")).unwrap();
    let without = b.obhut(&["verify"]);
    assert!(without.status.success(), "{}", text(&without));
    assert!(
        text(&without).contains("damage, not forgery"),
        "{}",
        text(&without)
    );
    let known = b.obhut(&[
        "verify",
        "--log-key",
        "kept.key",
        "--at-least",
        "kept.checkpoint",
    ]);
    assert!(
        known.status.success() && text(&known).contains("only with the private keys"),
        "{}",
        text(&known)
    );
    std::fs::rename(b.path("keys"), b.path("data/keys")).unwrap();
    let after = everything(&b);
    let names = |all: &[(PathBuf, Vec<u8>)]| all.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>();
    // SQLite makes these two for readers, too, where it can.
    let kept = |(path, _): &(PathBuf, Vec<u8>)| {
        let name = path.to_string_lossy();
        !name.ends_with("-shm") && !name.ends_with("-wal")
    };
    let (before, after): (Vec<_>, Vec<_>) = (
        before.into_iter().filter(kept).collect(),
        after.into_iter().filter(kept).collect(),
    );
    assert_eq!(names(&before), names(&after));
    assert!(before == after, "a file was changed");

    // Another vault's key, and an older copy of the whole folder.
    let other = world();
    std::fs::copy(other.path("data/vault/log/key"), b.path("other.key")).unwrap();
    let wrong = b.obhut(&["verify", "--log-key", "other.key"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong));
    assert!(
        text(&wrong).contains("isn't the key given"),
        "{}",
        text(&wrong)
    );
    std::fs::copy(
        other.path("data/vault/log/checkpoint"),
        b.path("other.checkpoint"),
    )
    .unwrap();
    let wrong = b.obhut(&["verify", "--at-least", "other.checkpoint"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong));
    let said = "--at-least: the file isn't a checkpoint that this vault's log has signed";
    assert!(text(&wrong).contains(said), "{}", text(&wrong));
    let old = everything(&b);
    ok(&b.obhut(&["person", "add", "Nora", "--role", "reviewer"]));
    std::fs::copy(
        b.path("data/vault/log/checkpoint"),
        b.path("newer.checkpoint"),
    )
    .unwrap();
    std::fs::remove_dir_all(b.path("data")).unwrap();
    for (path, bytes) in old {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert!(
        b.obhut(&["verify"]).status.success(),
        "by itself it is whole"
    );
    let older = b.obhut(&["verify", "--at-least", "newer.checkpoint"]);
    assert_eq!(older.status.code(), Some(1), "{}", text(&older));
    assert!(text(&older).contains("older copy"), "{}", text(&older));
    // A folder that isn't there is named, and not made.
    let nowhere = b.obhut(&["--data", "nowhere", "verify"]);
    assert!(!nowhere.status.success() && !b.path("nowhere").exists());
}

/// Regression: 400 of 400 bits changed in a list's file stopped all screening, and verification named
/// none.
#[test]
fn a_changed_list_file_is_named_with_and_without_the_keys() {
    let python = python();
    let b = Bench::new();
    let digest = b.digest("pdq", &b.picture("known.png", 1));
    let csv = format!("kind,digest,entry_id\npdq,{digest},one\n");
    b.write("list.csv", csv.as_bytes());
    b.import("hotline", "list.csv");
    let lists = files(&b.path("data/lists"));
    let [file] = lists.as_slice() else {
        panic!("{lists:?}")
    };
    let whole = std::fs::read(file).unwrap();
    for keys in ["data/keys", "keys"] {
        if keys == "keys" {
            std::fs::rename(b.path("data/keys"), b.path("keys")).unwrap();
        }
        ok(&b.obhut(&["verify"]));
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(file, changed).unwrap();
            let out = b.obhut(&["verify"]);
            let said = String::from_utf8_lossy(&out.stdout).into_owned();
            assert_eq!(out.status.code(), Some(1), "{keys} {at}: {said}");
            assert!(said.contains("list list-"), "{said}");
            if let Some(python) = &python {
                let theirs = verifier(python, &b, &[]);
                let said = String::from_utf8_lossy(&theirs.stdout).into_owned();
                assert_eq!(theirs.status.code(), Some(1), "verify.py: {said}");
                assert!(said.contains("lists/list-"), "{said}");
            }
        }
        std::fs::write(file, &whole).unwrap();
    }
}

/// What was cut off before it was logged is named, and deleted when it is old; nothing else is.
#[test]
fn leftovers_are_named_and_deleted_when_they_are_old() {
    let b = world();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 60 * 60);
    let (exhibit, record, new) = ("a".repeat(32), "b".repeat(32), "c".repeat(32));
    let list = format!("lists/list-1d/{}.age", "d".repeat(64));
    for (name, is_old) in [
        (format!("data/vault/exhibits/{exhibit}.sealed"), true),
        (format!("data/vault/records/{record}.age"), true),
        ("data/vault/log/tile/0/000.p/1".into(), true),
        (format!("data/{list}"), true),
        (format!("data/vault/exhibits/{new}.sealed"), false),
    ] {
        let name = name.as_str();
        b.write(name, b"x");
        if is_old {
            let file = std::fs::File::options().write(true).open(b.path(name));
            file.unwrap().set_modified(old).unwrap();
        }
    }
    // Everything that is named is old, too.
    for path in files(&b.path("data/vault")) {
        if !path.ends_with(format!("{new}.sealed")) {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(old).unwrap();
        }
    }
    let seen = json(ok(&b.obhut(&["verify", "--json"])));
    assert_eq!(
        seen[0]["leftovers"].as_array().unwrap().len(),
        5,
        "{seen:?}"
    );
    // What isn't called as obhut's files are isn't a leftover.
    for foreign in [
        "data/vault/exhibits/x.age",
        "data/vault/added",
        "data/lists/added",
    ] {
        b.write(foreign, b"x");
        let seen = b.obhut(&["verify", "--json"]);
        assert_eq!(seen.status.code(), Some(1), "{foreign}");
        let problems = json(&seen)[0]["problems"].to_string();
        assert!(problems.contains("isn't a file of obhut's"), "{problems}");
        std::fs::remove_file(b.path(foreign)).unwrap();
    }
    let done = json(ok(&b.obhut(&["vault", "clean", "--json"])));
    let mut deleted: Vec<_> = done[0]["deleted"].as_array().unwrap().clone();
    deleted.sort_by_key(ToString::to_string);
    assert_eq!(
        deleted,
        [
            format!("exhibits/{exhibit}.sealed"),
            list,
            "log/tile/0/000.p/1".into(),
            format!("records/{record}.age"),
        ]
    );
    let seen = json(ok(&b.obhut(&["verify", "--json"])));
    assert_eq!(seen[0]["leftovers"][0], format!("exhibits/{new}.sealed"));
    assert_eq!(
        (&seen[0]["ok"], &seen[0]["exhibits"]),
        (&true.into(), &1.into())
    );
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
    assert!(String::from_utf8_lossy(&out.stdout).contains("\nwhole, "));
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
        std::fs::remove_file(&path).unwrap();
        whole(false, &format!("without {}", path.display()));
        std::fs::write(&path, &good).unwrap();
    }
    whole(true, "put back");
    for (change, undo) in [
        (
            "UPDATE decisions SET ruling = 'report'",
            "UPDATE decisions SET ruling = 'no-report'",
        ),
        (
            "UPDATE audit SET at = at + 1",
            "UPDATE audit SET at = at - 1",
        ),
        (
            "INSERT INTO people_roles (person, role) SELECT id, 'appeals' FROM people",
            "DELETE FROM people_roles WHERE role = 'appeals'",
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

/// Regression: `vault clean` deleted what a link in the vault led to, and files that aren't called as
/// obhut's are.
#[test]
fn nothing_that_is_not_obhuts_is_deleted() {
    let b = world();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 60 * 60);
    let aged = |name: &str| {
        b.write(name, b"x");
        let file = std::fs::File::options().write(true).open(b.path(name));
        file.unwrap().set_modified(old).unwrap();
    };
    let like_ours = format!("{}.age", "a".repeat(32));
    aged("data/vault/notes.txt");
    aged(&format!("elsewhere/{like_ours}"));
    let cleaned = json(ok(&b.obhut(&["vault", "clean", "--json"])));
    assert_eq!(cleaned[0]["deleted"].as_array().unwrap().len(), 0);
    std::fs::remove_file(b.path("data/vault/notes.txt")).unwrap();
    // A folder, a file, and a folder of obhut's own replaced by a link.
    for (link, to) in [
        ("data/vault/exhibits/there", "elsewhere"),
        ("data/vault/tile", "elsewhere"),
        ("data/lists/there", "elsewhere"),
    ] {
        std::os::unix::fs::symlink(b.path(to), b.path(link)).unwrap();
        let cleaned = b.obhut(&["vault", "clean"]);
        assert_eq!(cleaned.status.code(), Some(5), "{link}");
        let seen = b.obhut(&["verify", "--json"]);
        assert!(!seen.status.success(), "{link}");
        // The link, and not each file that it leads to.
        let seen = &json(&seen)[0];
        let problems = seen["problems"].as_array().unwrap();
        let what = problems[0]["what"].as_str().unwrap();
        assert!(problems.len() == 1 && what.contains("is a link"), "{seen}");
        assert_eq!(seen["leftovers"].as_array().unwrap().len(), 0, "{seen}");
        std::fs::remove_file(b.path(link)).unwrap();
    }
    assert_eq!(b.read(&format!("elsewhere/{like_ours}")), b"x");
    ok(&b.obhut(&["verify"]));
}

/// An unknown name, and a person without the role, accept nothing and get no role by trying.
#[test]
fn only_administrators_accept_what_differs() {
    let Some(python) = python() else { return };
    let b = world();
    outside(
        &python,
        &b,
        "UPDATE people SET name = 'Rit' WHERE name = 'Rita'",
    );
    let found = json(ok(&b.obhut(&["vault", "accept", "--json"])));
    let code = found[0]["differences"]["code"].as_str().unwrap();
    let accept = |by: &str| {
        let tried = b.obhut(&["vault", "accept", code, "--reason", "r", "--by", by]);
        tried.status.code()
    };
    for _ in 0..2 {
        assert_eq!(accept("Nora"), Some(4));
        assert_eq!(accept("Rita"), Some(3));
    }
    for name in ["Ada", "Bea"] {
        ok(&b.obhut(&["person", "add", name, "--role", "administrator"]));
        assert_eq!(accept(name), Some(0));
    }
    let seen = b.obhut(&["verify"]);
    let said = String::from_utf8_lossy(&ok(&seen).stdout).into_owned();
    assert!(said.contains("Ada and Bea accepted on"), "{said}");
}
