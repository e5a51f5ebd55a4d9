//! Odd files, as real folders contain them: none of them stops the run, and each is named.

mod bench;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use bench::{Bench, json, ok};
use serde_json::Value;

/// A bench with a list of one picture, `good.png`, in `folder/`.
fn bench() -> Bench {
    let b = Bench::new();
    let good = b.picture("folder/good.png", 1);
    b.write(
        "list.csv",
        format!("kind,digest\npdq,{}\n", b.digest("pdq", &good)).as_bytes(),
    );
    b
}

fn screen(b: &Bench, paths: &[&str]) -> Vec<Value> {
    json(&b.obhut(&[&["screen", "--json", "--list", "list.csv"], paths].concat()))
}

fn line<'a>(lines: &'a [Value], path: &str) -> &'a Value {
    lines
        .iter()
        .find(|l| l["path"] == path)
        .unwrap_or_else(|| panic!("{path} is not in {lines:#?}"))
}

#[track_caller]
fn unreadable(lines: &[Value], path: &str, because: &str) {
    let line = line(lines, path);
    assert_eq!(line["verdict"], "unreadable", "{line}");
    assert!(
        line["because"].as_str().unwrap().contains(because),
        "{line}"
    );
}

#[test]
fn broken_files_are_named_and_the_good_one_is_found() {
    let b = bench();
    let good = b.read("folder/good.png");
    b.write("folder/empty.jpg", b"");
    // A JPEG cut in half can still match by the half that is there; a truncated PNG gives no
    // pixels.
    b.write("folder/truncated.png", &good[..good.len() / 2]);
    b.write("folder/wrong-extension.jpg", &good);
    b.write("folder/page.png", b"<html></html>");
    b.write("folder/vast.png", &vast_png());
    b.write("folder/bomb.png", &bomb_png());
    let lines = screen(&b, &["folder"]);
    assert_eq!(lines.len(), 7);
    unreadable(&lines, "folder/empty.jpg", "empty");
    unreadable(&lines, "folder/truncated.png", "ends before");
    unreadable(&lines, "folder/page.png", "not a picture in a known format");
    // 50,000 × 50,000, refused by its header before a pixel is unpacked.
    unreadable(&lines, "folder/vast.png", "2500000000 pixels");
    unreadable(&lines, "folder/bomb.png", "pixels");
    for name in ["folder/good.png", "folder/wrong-extension.jpg"] {
        assert_eq!(line(&lines, name)["verdict"], "match");
    }
}

#[test]
fn a_loop_of_links_a_dead_link_and_a_pipe_are_named() {
    let b = bench();
    symlink(b.path("folder"), b.path("folder/loop")).unwrap();
    symlink("nowhere", b.path("folder/dead")).unwrap();
    let made = Command::new("mkfifo")
        .arg(b.path("folder/pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    symlink("good.png", b.path("folder/link")).unwrap();
    let lines = screen(&b, &["folder"]);
    assert_eq!(lines.len(), 5);
    for link in ["folder/loop", "folder/dead", "folder/link"] {
        unreadable(&lines, link, "not followed");
    }
    unreadable(&lines, "folder/pipe", "neither a file");
    assert_eq!(line(&lines, "folder/good.png")["verdict"], "match");
    // A skipped link isn't a failure; an unreadable file is one.
    std::fs::remove_file(b.path("folder/pipe")).unwrap();
    ok(&b.obhut(&["screen", "--list", "list.csv", "folder"]));
    // Links given on the command line are followed, and a loop ends at its first link.
    let lines = screen(&b, &["folder/link", "folder/dead", "folder/loop"]);
    assert_eq!(line(&lines, "folder/link")["verdict"], "match");
    unreadable(&lines, "folder/dead", "no such file");
    unreadable(&lines, "folder/loop/loop", "not followed");
    // The folder behind a named link isn't a file that failed.
    assert!(!lines.iter().any(|l| {
        l["path"]
            .as_str()
            .is_some_and(|p| p.ends_with("folder/loop"))
    }));
}

#[test]
fn a_file_without_permission_is_named() {
    let b = bench();
    b.picture("folder/secret.png", 2);
    std::fs::set_permissions(
        b.path("folder/secret.png"),
        PermissionsExt::from_mode(0o000),
    )
    .unwrap();
    let mut command = b.command(&["screen", "--json", "--list", "list.csv", "folder"]);
    if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" {
        // Root reads everything, so the binary runs as the user nobody, from a copy that this user can reach.
        let program = b.path("obhut");
        std::fs::copy(env!("CARGO_BIN_EXE_obhut"), &program).unwrap();
        std::fs::set_permissions(b.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .arg(program);
        command
            .args(["screen", "--json", "--list", "list.csv", "folder"])
            .current_dir(b.folder.path());
    }
    let lines = json(&command.output().unwrap());
    unreadable(&lines, "folder/secret.png", "no permission");
    assert_eq!(line(&lines, "folder/good.png")["verdict"], "match");
}

#[test]
fn a_file_that_vanishes_during_the_scan_is_named() {
    let b = bench();
    // More than the workers may finish ahead of an unread pipe (WAITING_MAX in in_order.rs).
    for i in 0..6_000 {
        b.write(&format!("folder/x{i:05}"), b"nothing");
    }
    let mut child = b
        .command(&["screen", "--json", "--list", "list.csv", "folder"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The folder is listed as a whole before its first file is screened. The last file isn't
    // reached soon, because the output pipe isn't being read yet.
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    std::fs::remove_file(b.path("folder/x05999")).unwrap();
    let lines: Vec<Value> = output
        .lines()
        .map(|l| serde_json::from_str(&l.unwrap()).unwrap())
        .collect();
    child.wait().unwrap();
    assert_eq!(lines.len(), 6_000);
    unreadable(&lines, "folder/x05999", "vanish");
}

#[test]
fn a_folder_with_100000_entries_is_screened_to_its_end() {
    let b = bench();
    for i in 0..100_000 {
        std::fs::File::create(b.path(&format!("folder/{i:06}"))).unwrap();
    }
    let lines = screen(&b, &["folder"]);
    assert_eq!(lines.len(), 100_001);
    assert_eq!(line(&lines, "folder/good.png")["verdict"], "match");
}

#[test]
fn a_name_that_isnt_utf8_is_kept() {
    let b = bench();
    let name = OsStr::from_bytes(b"folder/\xff\xfe.png");
    std::fs::rename(b.path("folder/good.png"), b.folder.path().join(name)).unwrap();
    let lines = screen(&b, &["folder"]);
    assert_eq!(
        (&lines[0]["verdict"], &lines[0]["path_hex"]),
        (&"match".into(), &"666f6c6465722ffffe2e706e67".into())
    );
}

#[test]
fn a_bad_digest_in_row_3_is_named_and_the_rest_is_imported() {
    let b = Bench::new();
    let rows = ["0", "1", "zz", "3"]
        .map(|d| format!("md5,{}\n", d.repeat(if d.len() == 1 { 32 } else { 16 })));
    b.write(
        "list.csv",
        format!("kind,digest\n{}", rows.concat()).as_bytes(),
    );
    let import = [
        "list",
        "import",
        "--json",
        "--name",
        "n",
        "--owner",
        "o",
        "--purpose",
        "assessed",
        "--basis",
        "b",
        "list.csv",
    ];
    let out = b.obhut(&import);
    let imported = &json(ok(&out))[0];
    assert_eq!(imported["list"]["entries"], 3);
    assert_eq!(
        (
            &imported["problems"][0]["row"],
            &imported["problems"][0]["line"]
        ),
        (&3.into(), &4.into())
    );
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        said.contains("row 3") && !said.contains("zz"),
        "the row is named, its content is not: {said}"
    );
}

#[test]
fn a_file_that_isnt_a_list_changes_nothing() {
    let b = Bench::new();
    b.write("list.csv", b"\x00\x01\x02");
    let import = [
        "list",
        "import",
        "--name",
        "n",
        "--owner",
        "o",
        "--purpose",
        "assessed",
        "--basis",
        "b",
        "list.csv",
    ];
    let out = b.obhut(&import);
    assert_eq!(out.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&out.stderr).contains("kind, digest"),
        "says what a list looks like"
    );
    assert_eq!(json(&b.obhut(&["list", "show", "--json"])).len(), 0);
}

/// A broken picture is reported even if the list has only byte digests, which need no pixels.
#[test]
fn a_broken_picture_is_unreadable_whatever_the_list() {
    let b = bench();
    let good = b.read("folder/good.png");
    b.write(
        "md5.csv",
        format!("kind,digest\nmd5,{}\n", "0".repeat(32)).as_bytes(),
    );
    b.write("half.png", &good[..good.len() / 2]);
    b.write("empty", b"");
    b.write("text", b"text");
    let lines = json(&b.obhut(&[
        "screen",
        "--json",
        "--list",
        "md5.csv",
        "half.png",
        "empty",
        "text",
        "folder/good.png",
    ]));
    unreadable(&lines, "half.png", "ends before");
    unreadable(&lines, "empty", "empty");
    for name in ["text", "folder/good.png"] {
        assert_eq!(
            line(&lines, name)["verdict"],
            "no-match",
            "{name} was compared as a whole"
        );
    }
}

#[test]
fn files_without_an_end_are_refused() {
    let b = bench();
    assert!(
        Command::new("mkfifo")
            .arg(b.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    // /dev/zero never ends, and opening the pipe blocks until it has a writer.
    for path in ["/dev/zero", "pipe"] {
        for command in [
            &["screen", "--list", path, "folder"][..],
            &["vault", "put", path],
            &[
                "list",
                "import",
                "--name",
                "n",
                "--owner",
                "o",
                "--purpose",
                "assessed",
                "--basis",
                "b",
                path,
            ],
            &["case", "facts", "c", "--from", path],
        ] {
            let out = b.obhut(command);
            assert_eq!(out.status.code(), Some(1), "{command:?}");
            assert!(
                String::from_utf8_lossy(&out.stderr).contains("is not a file"),
                "{command:?}"
            );
        }
    }
}

#[test]
fn a_damaged_database_and_lost_keys_are_named() {
    let b = bench();
    b.import("n", "list.csv");
    let keys = b.path("data/keys");
    std::fs::rename(&keys, b.path("away")).unwrap();
    let out = b.obhut(&["list", "show"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("put it back"));
    std::fs::remove_dir_all(&keys).unwrap();
    std::fs::rename(b.path("away"), &keys).unwrap();
    ok(&b.obhut(&["list", "show"]));
    let out = b.obhut(&["list", "sign", "no such list", "--by", "Zoe"]);
    assert_eq!(out.status.code(), Some(4));
    assert!(!String::from_utf8_lossy(&b.obhut(&["person", "list"]).stdout).contains("Zoe"));
    std::fs::rename(b.path("data/obhut.db"), b.path("away")).unwrap();
    let out = b.obhut(&["list", "show"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("the database is missing"));
    b.write("data/obhut.db", &[7; 8192]);
    // Otherwise SQLite would restore pages from its write-ahead log.
    for rest in ["data/obhut.db-wal", "data/obhut.db-shm"] {
        let _ = std::fs::remove_file(b.path(rest));
    }
    let out = b.obhut(&["list", "show"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        said.contains("not a database") && said.contains("damaged"),
        "{said}"
    );
}

/// A closed pipe: `obhut screen … | head -1` ends silently.
#[test]
fn a_closed_pipe_is_not_an_error() {
    let b = bench();
    // More lines than a pipe holds, so that some are written after the reader has closed it.
    for i in 0..3_000 {
        b.write(&format!("folder/x{i:05}"), b"nothing");
    }
    let mut child = b
        .command(&["screen", "--json", "--list", "list.csv", "folder"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
}

/// 50,000 × 50,000 pixels of one colour, one bit each.
fn vast_png() -> Vec<u8> {
    png(50_000, 50_000, 1)
}

/// 60,000 × 60,000 pixels of 64 bits: 28.8 GB when unpacked.
fn bomb_png() -> Vec<u8> {
    png(60_000, 60_000, 16)
}

fn png(w: u32, h: u32, depth: u8) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        let body = [name.as_slice(), data].concat();
        let crc = !body.iter().fold(!0_u32, |crc, b| {
            (0..8).fold(crc ^ u32::from(*b), |c, _| {
                if c & 1 == 1 {
                    c >> 1 ^ 0xedb8_8320
                } else {
                    c >> 1
                }
            })
        });
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(&body);
        out.extend(crc.to_be_bytes());
    };
    // PNG colour types: 6 is RGBA, 0 is grey.
    let colour = if depth == 16 { 6 } else { 0 };
    chunk(
        b"IHDR",
        &[
            &w.to_be_bytes()[..],
            &h.to_be_bytes()[..],
            &[depth, colour, 0, 0, 0],
        ]
        .concat(),
    );
    // A valid zlib stream of one byte: the header promises pixels that never come.
    chunk(b"IDAT", b"\x78\x01\x01\x01\x00\xfe\xff\x00\x00\x01\x00\x01");
    chunk(b"IEND", b"");
    out
}

/// Regression: a wrong file on standard input filled the terminal, because each line was printed
/// whole.
#[test]
fn lines_that_hold_no_digest_are_shown_shortened() {
    let b = bench();
    b.write("wrong.txt", "x".repeat(900).as_bytes());
    let run = |arguments: &[&str]| {
        b.command(arguments)
            .stdin(std::fs::File::open(b.path("wrong.txt")).unwrap())
            .output()
            .unwrap()
    };
    let out = run(&["match", "--list", "list.csv"]);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.starts_with("xxx") && text.contains("hex digits belong"),
        "{text}"
    );
    assert!(text.len() < 200, "{} bytes", text.len());
    // JSON has the whole line, so that a program can find it in its input.
    let out = run(&["match", "--json", "--list", "list.csv"]);
    let line: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(line["digest"].as_str().unwrap().len(), 900);
}

/// Regression: `intake` skipped a link inside a folder without naming it, and `match` took digests
/// of videos, which can't be compared one by one.
#[test]
fn what_is_passed_over_is_named() {
    let b = bench();
    b.write("in/a.txt", b"Konto: x");
    symlink("a.txt", b.path("in/link.txt")).unwrap();
    let out = b.obhut(&["intake", "in", "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("link.txt") && said.contains("link"), "{said}");
    assert!(
        !String::from_utf8_lossy(&out.stdout).is_empty(),
        "the other is taken"
    );
    let out = b.obhut(&["match", "--list", "list.csv", "--kind", "vpdq"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("unknown kind"));
}

/// Regression: `vault get` reported success though a full disk cut the evidence off, and two
/// commands panicked on a closed pipe.
#[test]
fn output_that_cannot_be_written_is_said() {
    let b = bench();
    b.write("evidence", b"abc");
    let out = b.obhut(&["vault", "put", "evidence", "--json"]);
    let put: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let exhibit = put["exhibit"].as_str().unwrap();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = b
        .command(&["vault", "get", exhibit, "--purpose", "test"])
        .stdout(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    for arguments in [&["case", "new", "--schema"][..], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = b.command(arguments).stdout(writer).status().unwrap();
        assert!(status.success(), "{arguments:?}: {status}");
    }
}
