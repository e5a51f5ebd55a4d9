//! Evidence that leaves: asked for, approved by two others, encrypted to its receiver, and checked
//! with the receiver's own tools: age, BagIt's and CASE's validators, and `verify/verify.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod bench;

use bench::{Bench, files, json, ok, text, verify_py};

fn refused(b: &Bench, arguments: &[&str], code: i32, because: &str) {
    let out = b.obhut(arguments);
    assert_eq!(
        out.status.code(),
        Some(code),
        "{arguments:?}: {}",
        text(&out)
    );
    assert!(
        text(&out).contains(because),
        "{arguments:?}: {}",
        text(&out)
    );
}

/// A data folder with a decided case of two files, one of which was read.
fn world() -> (Bench, String) {
    let b = Bench::new();
    b.write(
        "case.json",
        br#"{"files": [{"name": "a.txt", "content": "aGVsbG8="}, {"name": "b.txt", "content": "d29ybGQ="}],
             "facts": {"reported": {"id": "u"}}}"#,
    );
    let case = json(ok(&b.obhut(&[
        "case",
        "new",
        "--from",
        "case.json",
        "--json",
    ])));
    let case = case[0]["case"].as_str().unwrap().to_owned();
    ok(&b.obhut(&["settings", "reporter", "--service", "Example"]));
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
    (b, case)
}

/// Key file and recipient of an authority; `None` without age's own program.
fn authority(b: &Bench) -> Option<String> {
    let Ok(made) = Command::new("age-keygen")
        .arg("-o")
        .arg(b.path("KEY.txt"))
        .output()
    else {
        println!("not present: age (cargo xtask test brings it)");
        return None;
    };
    let said = text(&made);
    Some(said.trim().strip_prefix("Public key: ").unwrap().to_owned())
}

fn python(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        println!("not present: {variable} (cargo xtask test sets it)");
    }
    found
}

/// What verify.py says of an export.
fn checked(python: &Path, b: &Bench, more: &[&str]) -> Output {
    verify_py(python, b, &[&["bag"], more].concat())
}

/// Runs the commands that the bag's README gives for decrypting, as they are written there.
fn opened_as_the_readme_says(b: &Bench, readme: &str) {
    let readme = std::fs::read_to_string(b.path("bag").join(readme)).unwrap();
    let script: String = readme
        .lines()
        .skip_while(|line| !line.trim().starts_with("mkdir"))
        .take_while(|line| line.starts_with("     "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(script.contains("provenance"), "{script}");
    let out = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(b.path("bag"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", text(&out));
}

#[test]
fn an_export_takes_two_others_and_is_checked_with_stock_tools() {
    let (b, case) = world();
    let Some(recipient) = authority(&b) else {
        return;
    };
    let ask = |by: &'static str| {
        [
            "vault",
            "export",
            &case,
            "--to",
            "LKA Berlin",
            "--recipient",
            &recipient,
            "--purpose",
            "AZ 12/26",
            "--by",
            by,
            "--json",
        ]
    };
    let mut wrong = ask("Anna");
    wrong[6] = "age1nonsense";
    refused(&b, &wrong, 2, "age1");
    let asked = json(ok(&b.obhut(&ask("Anna"))));
    let export = asked[0]["export"].as_str().unwrap().to_owned();
    let approve = |by| ["vault", "export", &export, "--approve", "--by", by];
    let write = |by| ["vault", "export", &export, "--out", "bag", "--by", by];
    refused(&b, &write("Anna"), 5, "needs 2 more approvals");
    refused(&b, &approve("Anna"), 5, "two others");
    ok(&b.obhut(&approve("Ben")));
    ok(&b.obhut(&approve("Ben")));
    refused(&b, &write("Anna"), 5, "needs 1 more approval");
    ok(&b.obhut(&approve("Cem")));
    refused(&b, &write("Ben"), 3, "another person");
    // An approval of someone who has left doesn't count.
    ok(&b.obhut(&["person", "remove", "Cem"]));
    refused(&b, &write("Anna"), 5, "needs 1 more approval");
    ok(&b.obhut(&approve("Dana")));
    assert!(!b.path("bag").exists(), "nothing has left");
    ok(&b.obhut(&write("Anna")));
    refused(&b, &write("Anna"), 2, "isn't empty");

    // Nothing readable names a person, a file or the case.
    for file in files(&b.path("bag")) {
        let bytes = std::fs::read(&file).unwrap();
        for word in ["a.txt", "Rita", "hello", case.as_str()] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word} in {}", file.display());
        }
    }
    let whole = Command::new("sha256sum")
        .args([
            "--check",
            "--strict",
            "--quiet",
            "manifest-sha256.txt",
            "tagmanifest-sha256.txt",
        ])
        .current_dir(b.path("bag"))
        .output()
        .unwrap();
    assert!(whole.status.success(), "{}", text(&whole));

    if let Some(tools) = python("OBHUT_ORACLE_PYTHON") {
        let bagit = Command::new(&tools)
            .args(["-m", "bagit", "--validate", "."])
            .current_dir(b.path("bag"))
            .output()
            .unwrap();
        assert!(bagit.status.success(), "{}", text(&bagit));
    }
    for readme in ["LIESMICH.txt", "README.txt"] {
        let _ = std::fs::remove_dir_all(b.path("opened"));
        opened_as_the_readme_says(&b, readme);
    }
    let contents: Vec<_> = files(&b.path("opened/exhibits"))
        .iter()
        .map(|f| std::fs::read_to_string(f).unwrap())
        .collect();
    assert!(contents.contains(&"hello".into()) && contents.contains(&"world".into()));
    let account = std::fs::read_to_string(b.path("opened/provenance.jsonld")).unwrap();
    for word in ["a.txt", "Rita", "LKA Berlin", "AZ 12/26", &case] {
        assert!(account.contains(word), "{word}");
    }
    if let Some(tools) = python("OBHUT_ORACLE_PYTHON") {
        let validated = Command::new(tools.with_file_name("case_validate"))
            .arg(b.path("opened/provenance.jsonld"))
            .output()
            .unwrap();
        assert!(validated.status.success(), "{}", text(&validated));
    }

    let Some(python) = python("OBHUT_TEST_MOTO") else {
        return;
    };
    std::fs::copy(b.path("data/vault/log/key"), b.path("kept.key")).unwrap();
    let all = ["--log-key", "kept.key", "--opened", "opened"];
    let whole = checked(&python, &b, &all);
    assert!(whole.status.success(), "{}", text(&whole));
    assert!(text(&whole).contains("2 exhibits"), "{}", text(&whole));
    // One bit of each file, and each file taken away.
    let mut tried = 0;
    for folder in ["bag", "opened"] {
        for file in files(&b.path(folder)) {
            if file.ends_with("provenance.jsonld") {
                // Restates what the records say; only its sealed form is covered.
                continue;
            }
            let bytes = std::fs::read(&file).unwrap();
            let mut changed = bytes.clone();
            let middle = changed.len() / 2;
            changed[middle] ^= 1;
            std::fs::write(&file, &changed).unwrap();
            let found = checked(&python, &b, &all);
            assert_eq!(
                found.status.code(),
                Some(1),
                "{}: {}",
                file.display(),
                text(&found)
            );
            std::fs::remove_file(&file).unwrap();
            let found = checked(&python, &b, &all);
            // Without its declaration it isn't taken for a bag, and verify.py says so.
            assert_ne!(
                found.status.code(),
                Some(0),
                "{}: {}",
                file.display(),
                text(&found)
            );
            std::fs::write(&file, bytes).unwrap();
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
    // What something else could add, by a name or by a link.
    let stranger = "0123456789abcdef0123456789abcdef";
    let planted = [
        format!("bag/data/exhibits/{stranger}.age"),
        "bag/data/more.txt".into(),
        "opened/exhibits/ffff".into(),
    ];
    for name in &planted {
        std::fs::write(b.path(name), b"x").unwrap();
        let found = checked(&python, &b, &all);
        assert_eq!(found.status.code(), Some(1), "{name}: {}", text(&found));
        std::fs::remove_file(b.path(name)).unwrap();
    }
    std::fs::create_dir(b.path("elsewhere")).unwrap();
    std::fs::write(b.path("elsewhere/x.age"), b"x").unwrap();
    std::os::unix::fs::symlink(b.path("elsewhere"), b.path("bag/data/more")).unwrap();
    assert_eq!(checked(&python, &b, &all).status.code(), Some(1));
    std::fs::remove_file(b.path("bag/data/more")).unwrap();
    // Manifests that name something else, rebuilt to agree; only the log's key signs them.
    for line in ["../KEY.txt", "/etc/hostname", "data/exhibits/x"] {
        let manifest = b.path("bag/manifest-sha256.txt");
        let before = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, format!("{before}{stranger}  {line}\n")).unwrap();
        let found = checked(&python, &b, &all);
        assert_eq!(found.status.code(), Some(1), "{line}");
        assert!(text(&found).contains("doesn't belong"), "{}", text(&found));
        std::fs::write(&manifest, before).unwrap();
    }
    assert!(checked(&python, &b, &all).status.success());
}

#[test]
fn an_exhibits_entries_are_proven_to_others() {
    let (b, _) = world();
    let listed = json(ok(&b.obhut(&["vault", "list", "--json"])));
    let exhibit = listed[0]["exhibit"].as_str().unwrap();
    let proven =
        json(ok(&b.obhut(&[
            "vault", "prove", exhibit, "--out", "bag", "--json",
        ])));
    let events: Vec<_> = proven
        .iter()
        .map(|p| p["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["put", "read"]);
    refused(
        &b,
        &["vault", "prove", "ffff", "--out", "other"],
        4,
        "vault list",
    );
    let Some(python) = python("OBHUT_TEST_MOTO") else {
        return;
    };
    std::fs::copy(b.path("data/vault/log/key"), b.path("kept.key")).unwrap();
    let key = ["--log-key", "kept.key"];
    let whole = checked(&python, &b, &key);
    assert!(whole.status.success(), "{}", text(&whole));
    for file in files(&b.path("bag")) {
        let bytes = std::fs::read(&file).unwrap();
        for at in (0..bytes.len()).step_by(61) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&file, &changed).unwrap();
            let found = checked(&python, &b, &key);
            assert_eq!(
                found.status.code(),
                Some(1),
                "{} {at}: {}",
                file.display(),
                text(&found)
            );
        }
        std::fs::write(&file, bytes).unwrap();
    }
}
