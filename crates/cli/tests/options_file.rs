//! `obhut.toml`: what counts when, and what it says about mistakes.

mod bench;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use bench::*;
use serde_json::Value;

/// Each option's value and source, as `obhut config show` says.
fn shown(b: &Bench, environment: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let mut command = b.command(&["--json", "config", "show"]);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let of = |name: &str| value[name].as_str().unwrap().to_owned();
        let values = value["value"].as_array().unwrap();
        let values: Vec<_> = values.iter().map(|v| v.as_str().unwrap()).collect();
        (of("option"), values.join(","), of("source"))
    };
    text.lines().map(line).collect()
}

fn of(shown: &[(String, String, String)], option: &str) -> (String, String) {
    let (_, value, source) = shown.iter().find(|s| s.0 == option).unwrap();
    (value.clone(), source.clone())
}

fn write(b: &Bench, text: &str) -> String {
    let data = b.path("data");
    std::fs::create_dir_all(&data).unwrap();
    let file = data.join("obhut.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn each_value_is_shown_with_where_it_comes_from() {
    let b = Bench::new();
    let bare = shown(&b, &[]);
    let default = ("127.0.0.1:8080".into(), "default".into());
    assert_eq!(of(&bare, "listen"), default);
    assert!(!b.path("data").exists(), "looking makes nothing");

    let file = write(
        &b,
        "listen = \"127.0.0.1:9999\"\npayments = true\nhold-from = 80\nfetch-from = [\"https://a.example/\", \"https://b.example/\"]\ndatabase = \"postgres://u:secret@h/d\"\n",
    );
    let all = shown(&b, &[("OBHUT_FETCH_FROM", "https://c.example/")]);
    for (option, value, source) in [
        ("listen", "127.0.0.1:9999", file.as_str()),
        ("payments", "true", &file),
        ("hold-from", "80", &file),
        ("fetch-from", "https://c.example/", "environment"),
        ("hold-hours", "24", "default"),
    ] {
        let expected = (value.to_owned(), source.to_owned());
        assert_eq!(of(&all, option), expected, "{option}");
    }
    let both = of(&shown(&b, &[]), "fetch-from").0;
    assert_eq!(both, "https://a.example/,https://b.example/");
    let all = format!("{all:?}");
    assert!(!all.contains("secret"), "{all}");
    for database in [
        "postgres://u@h/d?password=secret",
        "postgres://u:secret@h:port/d",
        "host=h password=secret",
    ] {
        let text = format!("database = \"{database}\"\nfetch-from = [\"https://h/?token=secret\"]");
        write(&b, &text);
        let all = format!("{:?}", shown(&b, &[]));
        assert!(!all.contains("secret"), "{all}");
    }
}

/// Regression: `obhut serve` used the file's database, and every other command another one, without a
/// word.
#[test]
fn every_command_uses_the_database_of_the_file() {
    let b = Bench::new();
    let toml = b.path("data").join("obhut.toml");
    write(
        &b,
        "database = \"postgres://127.0.0.1:1/none\"\nlisten = \"127.0.0.1:0\"\n",
    );
    let refused = |command: &[&str]| {
        let output = b.command(command).output().unwrap();
        assert!(!output.status.success(), "{command:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for command in [vec!["person", "list"], vec!["audit"]] {
        let error = refused(&command);
        assert!(error.contains("PostgreSQL"), "{error}");
    }
    assert!(!b.path("data").join("obhut.db").exists());
    // A file that isn't mounted yet is missed, not skipped.
    std::fs::remove_file(&toml).unwrap();
    std::os::unix::fs::symlink("/nowhere/obhut.toml", &toml).unwrap();
    refused(&["person", "list"]);
    // Its lines aren't quoted: they may have a password in them.
    std::fs::remove_file(&toml).unwrap();
    write(&b, "\ndatabase = postgres://u:secret@h/d\n");
    let error = refused(&["person", "list"]);
    assert!(
        error.contains("line 2") && !error.contains("secret"),
        "{error}"
    );
}

#[test]
fn a_mistake_in_the_file_says_where_and_what() {
    let b = Bench::new();
    for (text, said) in [
        (
            "listn = \"x\"",
            "there is no option \"listn\"; there are admin",
        ),
        ("listen = true", "listen is a text in quotes or a number"),
        (
            "listen = [\"127.0.0.1:1\"]",
            "listen has one value, without brackets",
        ),
        ("payments = \"yes\"", "payments is true or false"),
        ("listen = \"nowhere\"", "nowhere"),
        ("listen = ", "obhut.toml"),
        ("config = \"other.toml\"", "there is no option \"config\""),
        ("hold-hours = 500", "500"),
        // Both or neither, wherever they are said.
        ("tls-cert = \"cert.pem\"", "--tls-key"),
        ("\"listen\u{202e}\" = \"x\"", "there is no option"),
    ] {
        let file = write(&b, text);
        for command in [vec!["serve"], vec!["config", "show"]] {
            let output = b.command(&command).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{text} {error}");
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains('\u{202e}'), "{text}: {error}");
        }
        std::fs::remove_file(file).unwrap();
    }
    std::fs::write(b.path("long.toml"), "#".repeat(70 << 10)).unwrap();
    let named = b.path("long.toml").display().to_string();
    let output = b.command(&["serve", "--config", &named]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let missing = b.command(&["serve", "--config", "missing.toml"]).output();
    assert!(!missing.unwrap().status.success());
}

#[test]
fn the_server_uses_the_file_and_the_command_line_counts_before_it() {
    let b = Bench::new();
    write(&b, "listen = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:0\"\n");
    // Port 1 can't be listened on by a test; what is typed replaces it.
    let mut command = b.command(&["--json", "serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let _server = Ended(child);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(said["admin"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_ne!(said["listening"], "127.0.0.1:1");
}
