//! Exhibits at the command line: long ones, and keys that are rotated.

mod bench;

use bench::{Bench, json, ok};

fn put(b: &Bench, file: &str) -> String {
    let put = json(ok(&b.obhut(&["vault", "put", file, "--json"])));
    put[0]["exhibit"].as_str().unwrap().to_owned()
}

fn text(out: &std::process::Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

#[test]
fn a_long_file_comes_out_as_it_went_in() {
    let b = Bench::new();
    // Longer than what is taken in as one piece, and than what is written in one go.
    let content: Vec<u8> = (0..30_000_001_u32).map(|i| (i * 31 % 251) as u8).collect();
    b.write("long", &content);
    b.write("short", b"hello");
    let (long, short) = (put(&b, "long"), put(&b, "short"));
    for (exhibit, expected) in [(&long, content.as_slice()), (&short, b"hello")] {
        ok(&b.obhut(&["vault", "get", exhibit, "--out", "out"]));
        assert!(b.read("out") == expected);
        assert_eq!(b.mode("out"), 0o600);
        // Standard output is a pipe here.
        assert!(ok(&b.obhut(&["vault", "get", exhibit])).stdout == expected);
    }
    let listed = json(ok(&b.obhut(&["vault", "list", "--json"])));
    assert_eq!(listed[0]["bytes"], content.len());
    ok(&b.obhut(&["verify"]));

    // Damaged in its last part: what was written before isn't left as if it were the exhibit.
    let path = format!("data/vault/exhibits/{long}.sealed");
    let mut sealed = b.read(&path);
    let at = sealed.len() - 1_000;
    sealed[at] ^= 1;
    b.write(&path, &sealed);
    let refused = b.obhut(&["vault", "get", &long, "--out", "damaged"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains(&format!("exhibit {long}")),
        "{}",
        text(&refused)
    );
    let left = std::fs::read_dir(b.path("")).unwrap();
    let left = left.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(left.filter(|name| name.contains("damaged")).count(), 0);
    // Where nothing can be written, nothing is read, and no reading is logged.
    let readings = |b: &Bench| {
        let audit = json(ok(&b.obhut(&["audit", "--json"])));
        audit
            .iter()
            .filter(|row| row["act"] == "exhibit.view")
            .count()
    };
    let before = readings(&b);
    let refused = b.obhut(&["vault", "get", &short, "--out", "nowhere/out"]);
    assert!(!refused.status.success());
    assert_eq!(readings(&b), before);
}

#[test]
fn keys_are_rotated_and_former_ones_forgotten() {
    let b = Bench::new();
    b.write("short", b"hello");
    let exhibit = put(&b, "short");
    let keys = |b: &Bench| String::from_utf8(b.read("data/keys/exhibits.age")).unwrap();
    let before = keys(&b);
    assert_eq!(before.lines().count(), 1);
    ok(&b.obhut(&["backup", "create", "backup"]));
    let rotate = |more: &[&str]| b.obhut(&[&["vault", "rotate"], more].concat());
    assert_eq!(rotate(&[]).status.code(), Some(2), "a reason is needed");
    assert!(!rotate(&["--reason", " "]).status.success());
    let early = rotate(&["--reason", "r", "--forget-former"]);
    assert!(
        text(&early).contains("there are no former keys"),
        "{}",
        text(&early)
    );
    assert_eq!(keys(&b), before, "nothing was changed");

    let done = text(ok(&rotate(&["--reason", "yearly"])));
    assert!(done.contains("1 exhibit is under the new key"), "{done}");
    assert!(
        done.contains("copy keys/ to where you keep it now"),
        "{done}"
    );
    assert!(keys(&b).trim_end().ends_with(before.trim_end()) && keys(&b).lines().count() == 2);
    assert_eq!(b.mode("data/keys/exhibits.age"), 0o600);
    let early = rotate(&["--reason", "r", "--forget-former"]);
    assert!(
        text(&early).contains("less than an hour ago"),
        "{}",
        text(&early)
    );
    assert_eq!(ok(&b.obhut(&["vault", "get", &exhibit])).stdout, b"hello");
    ok(&b.obhut(&["verify"]));

    // The former key opens the backup from before.
    std::fs::create_dir(b.path("restored")).unwrap();
    let copied = std::process::Command::new("cp")
        .args(["-r", "data/keys", "restored/keys"])
        .current_dir(b.path(""))
        .status();
    assert!(copied.unwrap().success());
    ok(&b.obhut(&["--data", "restored", "backup", "restore", "backup"]));
    let got = b.obhut(&["--data", "restored", "vault", "get", &exhibit]);
    assert_eq!(ok(&got).stdout, b"hello");
    // Without it, it can't be opened, and that is said.
    let current = keys(&b).lines().next().unwrap().to_owned();
    b.write("restored/keys/exhibits.age", current.as_bytes());
    let refused = text(&b.obhut(&["--data", "restored", "vault", "get", &exhibit]));
    assert!(
        refused.contains("can't be opened with the keys of this data folder"),
        "{refused}"
    );
}

/// Another age identity: each data folder makes its own.
fn other_key() -> String {
    let other = Bench::new();
    ok(&other.obhut(&["vault", "list"]));
    let key = String::from_utf8(other.read("data/keys/exhibits.age")).unwrap();
    key.trim().to_owned()
}

#[test]
fn a_key_file_that_is_not_the_right_one_is_named_once() {
    let b = Bench::new();
    for name in ["a", "b", "c"] {
        b.write(name, name.as_bytes());
        put(&b, name);
    }
    ok(&b.obhut(&["verify"]));
    let path = "data/keys/exhibits.age";
    let right = b.read(path);
    for wrong in [
        Some(b"".to_vec()),
        Some(b"noise".to_vec()),
        Some(other_key().into_bytes()),
        None,
    ] {
        match &wrong {
            Some(bytes) => b.write(path, bytes),
            None => std::fs::remove_file(b.path(path)).unwrap(),
        }
        let seen = b.obhut(&["verify", "--json"]);
        assert_eq!(seen.status.code(), Some(1), "{wrong:?}");
        let seen = json(&seen);
        let problems = seen[0]["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0]["place"].as_str().unwrap().contains("keys"),
            "{problems:?}"
        );
        let what = problems[0].to_string();
        assert!(
            what.contains("exhibits.age") && what.contains("put"),
            "{what}"
        );
        assert_eq!(
            seen[0]["exhibits"], 3,
            "their sealed bytes are compared all the same"
        );
        for refused in [&["vault", "put", "a"][..], &["vault", "list"]] {
            let refused = b.obhut(refused);
            assert!(!refused.status.success());
            assert!(
                text(&refused).contains("exhibits.age"),
                "{}",
                text(&refused)
            );
        }
        b.write(path, &right);
    }
    ok(&b.obhut(&["verify"]));
}

#[test]
fn a_rotation_that_was_cut_off_is_finished_with_its_key() {
    let b = Bench::new();
    b.write("a", b"hello");
    let exhibit = put(&b, "a");
    let path = "data/keys/exhibits.age";
    let former = String::from_utf8(b.read(path)).unwrap();
    // As it is when a rotation ends after its first step.
    let both = format!("{}\n{former}", other_key());
    b.write(path, both.as_bytes());
    ok(&b.obhut(&["vault", "rotate", "--reason", "again"]));
    assert_eq!(b.read(path), both.as_bytes(), "no other key");
    assert_eq!(ok(&b.obhut(&["vault", "get", &exhibit])).stdout, b"hello");
    // Going back to a former key is seen.
    let changes = |b: &Bench| {
        let audit = json(ok(&b.obhut(&["audit", "--json"])));
        audit
            .iter()
            .filter(|row| row["act"] == "keys.current")
            .count()
    };
    let before = changes(&b);
    let reversed: Vec<_> = both.lines().rev().collect();
    b.write(path, reversed.join("\n").as_bytes());
    ok(&b.obhut(&["verify"]));
    assert_eq!(changes(&b), before + 1);

    // As many keys as may be: nothing is written, and everything else works.
    let many = vec![former.trim(); 99].join("\n");
    let full = format!("{}\n{many}\n", both.lines().next().unwrap());
    b.write(path, full.as_bytes());
    let refused = b.obhut(&["vault", "rotate", "--reason", "one too many"]);
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("have the former ones forgotten first"),
        "{}",
        text(&refused)
    );
    assert_eq!(b.read(path), full.as_bytes());
    assert_eq!(ok(&b.obhut(&["vault", "get", &exhibit])).stdout, b"hello");
    ok(&b.obhut(&["verify"]));
}

#[test]
fn no_output_replaces_a_file_of_obhuts() {
    let b = Bench::new();
    b.write("a", b"hello");
    let exhibit = put(&b, "a");
    let before: Vec<_> = bench::files(&b.path("data/keys"));
    let before: Vec<_> = before.iter().map(|f| std::fs::read(f).unwrap()).collect();
    std::os::unix::fs::symlink(b.path("data/keys"), b.path("link")).unwrap();
    for out in [
        "data/keys/exhibits.age",
        "data/keys/new",
        "link/exhibits.age",
        "data/vault/log/checkpoint",
        "data/lists/x",
        "data/obhut.db",
        "./data/../data/vault.lock",
    ] {
        let refused = b.obhut(&["vault", "get", &exhibit, "--out", out]);
        assert!(!refused.status.success(), "{out}");
        let said = text(&refused);
        assert!(
            said.contains("where obhut keeps its own files"),
            "{out}: {said}"
        );
    }
    let after: Vec<_> = bench::files(&b.path("data/keys"));
    let after: Vec<_> = after.iter().map(|f| std::fs::read(f).unwrap()).collect();
    assert_eq!(before, after);
    ok(&b.obhut(&["vault", "get", &exhibit, "--out", "data/mine"]));
    ok(&b.obhut(&["verify"]));
}
