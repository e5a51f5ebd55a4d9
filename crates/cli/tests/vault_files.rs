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
            .filter(|row| row["action"] == "exhibit.view")
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
