//! Backups of a folder in use: made, checked, damaged, restored.

mod bench;

use std::process::Output;

use bench::{Bench, files, json, ok, text};

fn case(b: &Bench, name: &str) {
    let file = format!(
        r#"{{"files": [{{"name": "{name}", "content": "aGVsbG8="}}], "facts": {{"reported": {{"id": "{name}"}}}}}}"#
    );
    b.write("case.json", file.as_bytes());
    ok(&b.obhut(&["case", "new", "--from", "case.json"]));
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
    // It can be used like any other folder.
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

/// Ways in which a backup could reach beyond itself, or leave something out in silence.
#[test]
#[cfg(unix)]
fn a_backup_reaches_nothing_beyond_itself_and_leaves_nothing_out() {
    use std::os::unix::fs::symlink;

    let b = Bench::new();
    // A folder in which nothing but a person is on record.
    ok(&b.obhut(&["person", "add", "Nora", "--role", "reviewer"]));
    ok(&b.obhut(&["backup", "create", "fresh"]));
    ok(&b.obhut(&["backup", "verify", "fresh"]));
    case(&b, "a");
    // The vault on another disk, behind a link, and something that isn't obhut's.
    std::fs::rename(b.path("data/vault"), b.path("elsewhere")).unwrap();
    symlink(b.path("elsewhere"), b.path("data/vault")).unwrap();
    b.write("data/keys.old/lookup.key", b"secret");
    ok(&b.obhut(&["backup", "create", "backup"]));
    ok(&b.obhut(&["backup", "verify", "backup"]));
    assert!(!b.path("backup/keys.old").exists(), "a backup without keys");
    // Into the data folder, by a link.
    symlink(b.path("data"), b.path("link")).unwrap();
    let inside = b.obhut(&["backup", "create", "link/backup"]);
    assert!(!inside.status.success() && !b.path("data/backup").exists());

    let manifest = String::from_utf8(b.read("backup/backup.json")).unwrap();
    let digest = |name: &str| b.digest("sha256", name);
    b.write("evil", b"evil");
    b.write("keys-of-another", b"k");
    let with = |name: &str, file: &str| {
        let entry = format!("\"files\": {{\n    \"{name}\": \"{}\",", digest(file));
        manifest.replacen("\"files\": {", &entry, 1)
    };
    let absolute = b.path("evil").display().to_string();
    std::fs::create_dir_all(b.path("backup/keys")).unwrap();
    std::fs::copy(b.path("keys-of-another"), b.path("backup/keys/lookup.key")).unwrap();
    for (name, file) in [
        ("../evil", "evil"),
        ("vault/../../evil", "evil"),
        (absolute.as_str(), "evil"),
        ("keys/lookup.key", "keys-of-another"),
    ] {
        b.write("backup/backup.json", with(name, file).as_bytes());
        let verified = b.obhut(&["backup", "verify", "backup"]);
        assert!(!verified.status.success(), "{name}: {}", text(&verified));
        let out = restored(&b, "target");
        assert!(
            !out.status.success() && !b.path("target").exists(),
            "{name}"
        );
    }
    std::fs::remove_dir_all(b.path("backup/keys")).unwrap();
    b.write("backup/backup.json", manifest.as_bytes());
    ok(&b.obhut(&["backup", "verify", "backup"]));
    // A file that became a link to the same bytes, and a manifest that hides its database.
    let exhibit = files(&b.path("backup/vault/exhibits")).remove(0);
    std::fs::rename(&exhibit, b.path("moved")).unwrap();
    symlink(b.path("moved"), &exhibit).unwrap();
    assert!(!b.obhut(&["backup", "verify", "backup"]).status.success());
    std::fs::remove_file(&exhibit).unwrap();
    std::fs::rename(b.path("moved"), &exhibit).unwrap();
    let hidden = manifest.replace("\"sqlite\": true", "\"sqlite\": false");
    b.write("backup/backup.json", hidden.as_bytes());
    assert!(!b.obhut(&["backup", "verify", "backup"]).status.success());
    b.write("backup/backup.json", manifest.as_bytes());

    // A restore that was cut off isn't a data folder.
    ok(&restored(&b, "half"));
    b.write("half/restore.unfinished", b"");
    let used = b.obhut(&[
        "--data", "half", "person", "add", "Otto", "--role", "reviewer",
    ]);
    assert!(
        !used.status.success() && text(&used).contains("cut off"),
        "{}",
        text(&used)
    );
    assert!(!b.obhut(&["--data", "half", "verify"]).status.success());
    // An older backup is refused before it is restored.
    case(&b, "b");
    std::fs::copy(b.path("data/vault/log/checkpoint"), b.path("newer")).unwrap();
    let older = b.obhut(&["backup", "verify", "backup", "--at-least", "newer"]);
    assert!(text(&older).contains("older copy"), "{}", text(&older));
}

/// Regression: a backup that was cut off early was called a folder that isn't empty.
#[test]
fn a_backup_that_was_cut_off_is_called_one() {
    let b = Bench::new();
    case(&b, "a.txt");
    for left in ["obhut.partial", "obhut.db", "vault/log/key"] {
        b.write(&format!("cut/{left}"), b"x");
        let refused = b.obhut(&["backup", "create", "cut"]);
        assert!(!refused.status.success());
        assert!(
            text(&refused).contains("cut off"),
            "{left}: {}",
            text(&refused)
        );
        std::fs::remove_dir_all(b.path("cut")).unwrap();
    }
    b.write("mine/notes.txt", b"x");
    let refused = b.obhut(&["backup", "create", "mine"]);
    assert!(
        text(&refused).contains("new or empty folder"),
        "{}",
        text(&refused)
    );
}

/// Runs one of PostgreSQL's tools; `None` where there is no server for tests.
fn on_server(tool: &str, database: &str, arguments: &[&str]) -> Option<Output> {
    let server = std::env::var("OBHUT_TEST_POSTGRES").ok();
    let Some(server) = server else {
        println!("not present: PostgreSQL (cargo xtask test brings it)");
        return None;
    };
    let out = std::process::Command::new(tool)
        .args(["--dbname", &format!("{server}/{database}")])
        .args(arguments)
        .output()
        .unwrap();
    assert!(out.status.success(), "{tool} {arguments:?}: {}", text(&out));
    Some(out)
}

/// Two databases that are removed when the test ends.
struct Databases([String; 2]);

impl Drop for Databases {
    fn drop(&mut self) {
        for name in &self.0 {
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            on_server("psql", "postgres", &["-q", "-c", &sql]);
        }
    }
}

#[test]
fn a_backup_with_postgres_is_checked_without_it_and_restored() {
    let names = ["a", "b"].map(|end| format!("obhut_backup_{}_{end}", std::process::id()));
    let create = |name: &String| {
        let sql = format!("CREATE DATABASE {name}");
        on_server("psql", "postgres", &["-q", "-c", &sql])
    };
    let Some(_) = create(&names[0]) else { return };
    let databases = Databases(names);
    create(&databases.0[1]);
    let server = std::env::var("OBHUT_TEST_POSTGRES").unwrap();
    let [own, other] = databases
        .0
        .each_ref()
        .map(|name| format!("{server}/{name}"));
    let b = Bench::new();
    // Whatever a text holds, the dump holds it too.
    let odd = r#"{"files": [{"name": "a\\b\tc.txt", "content": "aGVsbG8="}], "facts": {"reported": {"id": "N\\N\n\u2028ü"}}}"#;
    b.write("case.json", odd.as_bytes());
    let new = ["--database", &own, "case", "new", "--from", "case.json"];
    ok(&b.obhut(&new));
    ok(&b.obhut(&[
        "--database",
        &own,
        "person",
        "add",
        "Zoë",
        "--role",
        "appeals",
    ]));
    let service = ["settings", "reporter", "--service", "Back\\slash \\N\\t."];
    ok(&b.obhut(&[&["--database", &own], &service[..]].concat()));
    ok(&b.obhut(&["--database", &own, "backup", "create", "backup"]));
    ok(&b.obhut(&["backup", "verify", "backup"]));

    if let Some(python) = std::env::var_os("OBHUT_TEST_MOTO") {
        let plain = std::process::Command::new("pg_restore")
            .args(["--file", "dump.sql", "backup/database.dump"])
            .current_dir(b.path(""))
            .output()
            .unwrap();
        assert!(plain.status.success(), "{}", text(&plain));
        let script =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify/verify.py");
        let checked = |more: &[&str]| {
            let mut command = std::process::Command::new(&python);
            command.arg(&script).arg("backup").args(more);
            command.current_dir(b.path("")).output().unwrap()
        };
        let dump = ["--dump", "dump.sql", "--log-key", "data/vault/log/key"];
        let whole = checked(&dump);
        assert!(whole.status.success(), "{}", text(&whole));
        assert!(
            !text(&whole).contains(" 0 rows compared"),
            "{}",
            text(&whole)
        );
        // Without the rows it isn't checked, and says so.
        assert_eq!(checked(&dump[2..]).status.code(), Some(2));
        let good = String::from_utf8(b.read("dump.sql")).unwrap();
        for (from, to) in [
            ("appeals", "reviewer"),
            (r"Back\\\\slash", r"Back\\\\\\slash"),
            ("COPY public.people (", "COPY public.persons ("),
        ] {
            assert!(good.contains(from), "{from}");
            b.write("dump.sql", good.replace(from, to).as_bytes());
            let found = checked(&dump);
            assert_eq!(found.status.code(), Some(1), "{from}: {}", text(&found));
        }
    }

    let restored = [
        "--data",
        "restored",
        "--database",
        &other,
        "backup",
        "restore",
        "backup",
    ];
    ok(&b.obhut(&restored));
    std::process::Command::new("cp")
        .args(["-r", "data/keys", "restored/keys"])
        .current_dir(b.path(""))
        .status()
        .unwrap();
    let listed = b.obhut(&["--data", "restored", "--database", &other, "person", "list"]);
    assert!(text(ok(&listed)).contains("Zoë"), "{}", text(&listed));
    ok(&b.obhut(&["--data", "restored", "--database", &other, "verify"]));
}
