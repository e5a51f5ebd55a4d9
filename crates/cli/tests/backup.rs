//! Backups of a folder in use: made, checked, damaged, restored.

mod bench;

use std::path::{Path, PathBuf};
use std::process::Output;

use bench::{Bench, json, ok};

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

fn case(b: &Bench, name: &str) {
    let file = format!(
        r#"{{"files": [{{"name": "{name}", "content": "aGVsbG8="}}], "facts": {{"reported": {{"id": "{name}"}}}}}}"#
    );
    b.write("case.json", file.as_bytes());
    ok(&b.obhut(&["case", "new", "--from", "case.json"]));
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

fn restored(b: &Bench, to: &str) -> Output {
    b.obhut(&["--data", to, "backup", "restore", "backup"])
}

#[test]
fn a_backup_is_restored_whole_and_a_damaged_one_is_refused() {
    let b = Bench::new();
    for name in ["a", "b", "c"] {
        case(&b, name);
    }
    ok(&b.obhut(&["backup", "create", "backup"]));
    assert!(!b.path("backup/keys").exists(), "keys only if asked");
    ok(&b.obhut(&["backup", "verify", "backup"]));
    // What came later isn't in it, and disturbs nothing.
    case(&b, "d");
    let again = b.obhut(&["backup", "create", "backup"]);
    assert!(!again.status.success(), "a backup is never overwritten");
    let inside = b.obhut(&["backup", "create", "data/backup"]);
    assert!(!inside.status.success() && !b.path("data/backup").exists());

    // Without the keys it is compared, and with them used.
    let out = restored(&b, "restored");
    assert!(out.status.success(), "{}", text(&out));
    assert!(
        text(&out).contains("put your copy of keys/"),
        "{}",
        text(&out)
    );
    std::process::Command::new("cp")
        .args(["-r", "data/keys", "restored/keys"])
        .current_dir(b.path(""))
        .status()
        .unwrap();
    let whole = b.obhut(&["--data", "restored", "verify"]);
    assert!(whole.status.success(), "{}", text(&whole));
    let cases = |data: &str| json(ok(&b.obhut(&["--data", data, "case", "list", "--json"]))).len();
    assert_eq!((cases("restored"), cases("data")), (3, 4));
    // It is a folder like any other: it goes on.
    let listed = json(ok(
        &b.obhut(&["--data", "restored", "vault", "list", "--json"])
    ));
    assert_eq!(listed.len(), 3);
    let exhibit = listed[0]["exhibit"].as_str().unwrap();
    let read = [
        "vault",
        "get",
        exhibit,
        "--by",
        "Rita",
        "--purpose",
        "p",
        "--out",
        "o",
    ];
    ok(&b.obhut(&[&["--data", "restored"], &read[..]].concat()));
    assert_eq!(b.read("o"), b"hello");
    ok(&b.obhut(&["--data", "restored", "verify"]));
    let used = restored(&b, "restored");
    assert!(
        !used.status.success(),
        "a folder in use is never overwritten"
    );

    // Any changed, missing or added file.
    for (n, path) in files(&b.path("backup")).into_iter().enumerate() {
        let bytes = std::fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        match changed.get_mut(bytes.len() / 2) {
            Some(byte) => *byte ^= 1,
            None => changed.push(1),
        }
        std::fs::write(&path, changed).unwrap();
        let out = b.obhut(&["backup", "verify", "backup"]);
        let to = format!("damaged{n}");
        let refused = restored(&b, &to);
        assert!(!out.status.success(), "{path:?}: {}", text(&out));
        assert!(
            !refused.status.success() && !b.path(&to).exists(),
            "{path:?}"
        );
        std::fs::remove_file(&path).unwrap();
        let out = b.obhut(&["backup", "verify", "backup"]);
        assert!(!out.status.success(), "{path:?} is missing: {}", text(&out));
        std::fs::write(&path, bytes).unwrap();
    }
    b.write("backup/vault/exhibits/added.age", b"x");
    assert!(!b.obhut(&["backup", "verify", "backup"]).status.success());
}

/// Regression: a backup taken of a running server restored to cases whose exhibits the vault didn't
/// know.
#[test]
fn a_backup_taken_while_others_write_is_whole() {
    let b = Bench::new();
    case(&b, "first");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let b = &b;
                scope.spawn(move || {
                    for n in 0..6 {
                        let name = format!("case{writer}-{n}.json");
                        let file = format!(
                            r#"{{"files": [{{"name": "{n}", "content": "aGVsbG8="}}], "facts": {{"reported": {{"id": "u{writer}-{n}"}}}}}}"#
                        );
                        b.write(&name, file.as_bytes());
                        ok(&b.obhut(&["case", "new", "--from", &name]));
                    }
                })
            })
            .collect();
        let mut n = 0;
        while !writers
            .iter()
            .all(std::thread::ScopedJoinHandle::is_finished)
        {
            let (to, data) = (format!("backup{n}"), format!("restored{n}"));
            ok(&b.obhut(&["backup", "create", &to, "--with-keys"]));
            let out = b.obhut(&["--data", &data, "backup", "restore", &to]);
            assert!(out.status.success(), "{}", text(&out));
            // Every exhibit that a case names is in the vault.
            let out = b.obhut(&["--data", &data, "case", "list", "--json"]);
            for case in json(ok(&out)) {
                let id = case["id"].as_str().unwrap();
                let shown = json(ok(
                    &b.obhut(&["--data", &data, "case", "show", id, "--json"])
                ));
                let text = shown[0].to_string();
                assert!(text.contains("exhibit"), "{text}");
            }
            ok(&b.obhut(&["--data", &data, "verify"]));
            n += 1;
        }
        assert!(n > 0);
    });
}
