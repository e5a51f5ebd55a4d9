//! Tests that run for hours: growing lists, ten thousand generated cases, years of retention, faults
//! of the storage at every call, changes of the record, a hundred thousand filings with injected faults, a hundred thousand while the destination moves, and mutated inputs
//! for every parser.

use std::process::{Command, Stdio};

use crate::{Done, cargo, must, root, setup, target};

/// Default seconds per target. Our judgement.
const SECONDS: &str = "60";
/// Reports filed with injected faults, and as many while the destination moves. Our judgement:
/// together they take hours.
const FILINGS: &str = "100000";
/// Changes of the record. Our judgement: an hour.
const CHANGES: &str = "100000";
/// The targets in fuzz/src/lib.rs.
const TARGETS: [&str; 17] = [
    "list_csv",
    "list_segment",
    "facts",
    "picture",
    "worker_answer",
    "container",
    "s3_event",
    "form",
    "video_signal",
    "playlist",
    "case_file",
    "incoming",
    "cybertip_xml",
    "goaml",
    "transfers",
    "block",
    "tags",
];

// Long: the soak's steps in order.
pub fn run(more: &[String]) -> Done {
    setup::everything()?;
    let seconds = more.first().map_or(SECONDS, String::as_str);
    must(
        cargo().args(["build", "--release", "--package", "obhut-decode", "--bins"]),
        "building the decoder",
    )?;
    println!("10,000 deltas and 200 new versions while others search");
    must(
        cargo()
            .args([
                "test",
                "--release",
                "--package",
                "obhut-decode",
                "--package",
                "obhut-media",
            ])
            .args(["--test", "growth", "--", "--nocapture", "searching_goes_on"])
            .env("OBHUT_SOAK", "1"),
        "growing lists",
    )?;
    println!(
        "10,000 generated cases against the CyberTipline's schema, and 300 with each fact removed in turn"
    );
    must(
        cargo()
            .args([
                "test",
                "--release",
                "--package",
                "obhut-partners",
                "--test",
                "ncmec",
            ])
            .args(["--", "--nocapture", "generated_cases", "every_fact"])
            .env("OBHUT_SOAK", "1"),
        "generated cases",
    )?;
    println!("five years of retention with holds and a clock that jumps");
    must(
        cargo()
            .args(["test", "--package", "obhut-casework", "--lib"])
            .args(["--", "--nocapture", "years_of_retention"])
            .env("OBHUT_SOAK", "1"),
        "years of retention",
    )?;
    println!("every fault that strace injects into a command that writes");
    must(
        cargo()
            .args(["test", "--release", "--package", "obhut-decode"])
            .args(["--package", "obhut", "--test", "storage_faults"])
            .args(["--", "--nocapture"])
            .env("OBHUT_SOAK_FAULTS", "1000000"),
        "faults of the storage",
    )?;
    println!("{CHANGES} changes of files and rows, each of which verification finds");
    must(
        cargo()
            .args(["test", "--release", "--package", "obhut-app"])
            .args(["--test", "changes", "--", "--nocapture"])
            .env("OBHUT_SOAK_CHANGES", CHANGES),
        "changes of the record",
    )?;
    println!("{FILINGS} filings, the sender killed every 500");
    let mut filings = cargo();
    filings
        .args([
            "test",
            "--release",
            "--package",
            "obhut",
            "--test",
            "filings",
        ])
        .args(["--", "--nocapture"])
        .env("OBHUT_SOAK_FILINGS", FILINGS);
    // In memory where possible: the disk isn't under test.
    if std::path::Path::new("/dev/shm").is_dir() {
        filings.env("TMPDIR", "/dev/shm");
    }
    must(&mut filings, "filings")?;
    println!("{FILINGS} filings while their destination moves between hosts and modes");
    let mut moves = cargo();
    moves
        .args(["test", "--release", "--package", "obhut-decode"])
        .args(["--package", "obhut-server", "--test", "filing_moves"])
        .args(["--", "--nocapture"])
        .env("OBHUT_SOAK_MOVES", FILINGS);
    if std::path::Path::new("/dev/shm").is_dir() {
        moves.env("TMPDIR", "/dev/shm");
    }
    must(&mut moves, "filings that move")?;
    let has_cargo_fuzz = Command::new("cargo")
        .args(["+nightly", "fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !has_cargo_fuzz {
        println!(
            "not present: cargo-fuzz on nightly (`rustup toolchain install nightly` and `cargo install cargo-fuzz` bring it); inputs are mutated at random, without coverage guidance"
        );
        must(
            cargo().args(["build", "--release", "--package", "obhut-fuzz"]),
            "building the fuzz targets",
        )?;
    }
    for name in TARGETS {
        let corpus = format!("fuzz/corpus/{name}");
        let mut command = if has_cargo_fuzz {
            // Inputs that reach new code go here and not into the corpus; a person chooses which to
            // keep. Crashes go to fuzz/libfuzzer/artifacts.
            let found = target().join("fuzz").join(name);
            std::fs::create_dir_all(&found).map_err(|e| e.to_string())?;
            let mut command = Command::new("cargo");
            command
                .args([
                    "+nightly",
                    "fuzz",
                    "run",
                    "--fuzz-dir",
                    "fuzz/libfuzzer",
                    name,
                ])
                .arg(found)
                .arg(corpus)
                .args(["--", &format!("-max_total_time={seconds}"), "-timeout=20"]);
            command
        } else {
            let mut command = Command::new(target().join("release/soak"));
            // A new seed for each run: the test `no_input_crashes_a_parser` already uses a fixed
            // one.
            let seed = std::time::UNIX_EPOCH.elapsed().map_or(1, |t| t.as_secs());
            command.args([name, seconds, &seed.to_string()]);
            command
        };
        must(command.current_dir(root()), name)?;
    }
    Ok(())
}
