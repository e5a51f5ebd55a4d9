//! How good the tests are: `cargo xtask coverage` and `cargo xtask mutants`; also the generated
//! documents and the lints.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use sha2::{Digest as _, Sha256};

use crate::{Done, cargo, must, root, target};

/// Code whose decisions must not change unnoticed.
struct Part {
    /// The package it belongs to.
    package: &'static str,
    files: &'static [&'static str],
    /// Only these functions, as a regular expression; empty for all.
    functions: &'static str,
    /// The package whose tests have to notice.
    tests: &'static str,
}

/// A fixed list, so that figures of different days can be compared.
const MUTATED: &[Part] = &[
    Part {
        package: "obhut-casework",
        files: &[
            "crates/foundation/casework/src/authorize.rs",
            "crates/foundation/casework/src/cases.rs",
            "crates/foundation/casework/src/filings.rs",
        ],
        functions: "authorize|advance|require_status|require_not_cleared|Action::gate|in step",
        tests: "obhut-casework",
    },
    Part {
        package: "obhut-casework",
        files: &["crates/foundation/casework/src/redress.rs"],
        functions: "",
        tests: "obhut-app",
    },
    Part {
        package: "obhut-facts",
        files: &["crates/foundation/facts/src/scores.rs"],
        functions: "",
        tests: "obhut-facts",
    },
    Part {
        package: "obhut-media",
        files: &["crates/domains/media/src/lists/signed.rs"],
        functions: "",
        tests: "obhut-app",
    },
    Part {
        package: "obhut-hash",
        files: &[
            "crates/kernels/hash/src/digest.rs",
            "crates/kernels/hash/src/kinds.rs",
        ],
        functions: "",
        tests: "obhut-hash",
    },
    Part {
        package: "obhut-index",
        files: &[
            "crates/kernels/index/src/linear.rs",
            "crates/kernels/index/src/segments.rs",
        ],
        functions: "",
        tests: "obhut-index",
    },
    Part {
        package: "obhut-typologies",
        files: &[
            "crates/kernels/typologies/src/assess.rs",
            "crates/kernels/typologies/src/scenarios.rs",
        ],
        functions: "",
        tests: "obhut-typologies",
    },
    Part {
        package: "obhut-chain",
        files: &[
            "crates/kernels/chain/src/coinjoins.rs",
            "crates/kernels/chain/src/heuristics.rs",
        ],
        functions: "",
        tests: "obhut-chain",
    },
];

/// Least share of mutants that a test notices. Our judgement.
const CAUGHT_MIN: f64 = 0.80;

/// Whether a cargo subcommand is installed.
fn has(subcommand: &str) -> bool {
    cargo()
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Installs a cargo subcommand if it is missing.
fn need(subcommand: &str) -> Done {
    if has(subcommand) {
        return Ok(());
    }
    let package = format!("cargo-{subcommand}");
    println!("installing {package}");
    must(
        cargo().args(["install", "--locked", &package]),
        &format!("{package} can't be installed"),
    )
}

/// Share of lines that tests execute, by crate, on the terminal and in target/coverage.
pub fn coverage() -> Done {
    crate::setup::everything()?;
    need("llvm-cov")?;
    let peers = crate::tests::Peers::start()?;
    let folder = target().join("coverage");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let file = folder.join("lcov.info");
    let mut tests = cargo();
    tests
        .args(["llvm-cov", "--no-report", "nextest", "--workspace"])
        .args(["--exclude", "xtask", "--exclude", "obhut-fuzz"])
        .arg("--no-fail-fast")
        // Debug information isn't needed for coverage and takes half of the space.
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    peers.name_to(&mut tests);
    // A decoder in its sandbox may not write counters, so the sandbox's own test fails here, and
    // nowhere else.
    if must(&mut tests, "tests").is_err() {
        println!(
            "tests failed while coverage was measured; run `cargo xtask test` to see whether they also fail without it"
        );
    }
    let mut report = cargo();
    report
        .args(["llvm-cov", "report", "--lcov", "--output-path"])
        .arg(&file)
        .args(["--ignore-filename-regex", "/(tests|examples|xtask)/"])
        // Tests kill processes while they write their counters; with this setting, only the broken
        // files are ignored.
        .env("LLVM_PROFDATA_FLAGS", "--failure-mode=all");
    must(&mut report, "coverage")?;
    let lcov = fs::read_to_string(&file).map_err(|e| e.to_string())?;
    for (part, covered, lines) in shares(&lcov) {
        let percent = 100.0 * covered as f64 / lines.max(1) as f64;
        println!("{part:32} {covered:6} of {lines:6} lines, {percent:3.0} %");
    }
    Ok(())
}

/// Executed lines and all lines of each crate, then of the whole workspace, from a report in LCOV.
fn shares(lcov: &str) -> Vec<(String, u64, u64)> {
    let mut parts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut part = String::new();
    for line in lcov.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let number = value.parse().unwrap_or(0);
        match name {
            // The folder above `src` is the crate's.
            "SF" => {
                let path = value.split_once("/crates/").map_or(value, |(_, rest)| rest);
                part = path.split("/src/").next().unwrap_or(path).to_owned();
            }
            "LH" => parts.entry(part.clone()).or_default().0 += number,
            "LF" => parts.entry(part.clone()).or_default().1 += number,
            _ => {}
        }
    }
    let all = parts
        .values()
        .fold((0, 0), |all, p| (all.0 + p.0, all.1 + p.1));
    let each = parts.into_iter().map(|(part, p)| (part, p.0, p.1));
    each.chain([("all".to_owned(), all.0, all.1)]).collect()
}

/// Changes the code of [`MUTATED`] in small ways and counts the changes that no test notices.
pub fn mutants(only: Option<&str>) -> Done {
    need("mutants")?;
    let known: Vec<_> = MUTATED.iter().map(|part| part.package).collect();
    if only.is_some_and(|o| !known.contains(&o)) {
        return Err(format!(
            "unknown package; mutants can be made of {}",
            known.join(", ")
        ));
    }
    let (mut caught, mut all, mut survivors) = (0, 0, Vec::new());
    for part in MUTATED
        .iter()
        .filter(|p| only.is_none_or(|o| o == p.package))
    {
        let name = part.files[0].rsplit('/').next().unwrap_or_default();
        let folder = target().join("mutants").join(part.package).join(name);
        // Lists of an earlier run would be counted again.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        let mut run = cargo();
        run.args([
            "mutants",
            "--package",
            part.package,
            "--test-package",
            part.tests,
        ])
        // One target folder for all parts, so that libraries are compiled once; two jobs would wait
        // for each other there.
        .env("CARGO_TARGET_DIR", target().join("mutants/build"))
        .args([
            "--jobs",
            "1",
            "--no-shuffle",
            "--minimum-test-timeout",
            "60",
        ])
        .arg("--output")
        .arg(&folder);
        for file in part.files {
            run.args(["--file", file]);
        }
        if !part.functions.is_empty() {
            run.args(["--re", part.functions]);
        }
        // Exit code 2 means that mutants survived, and 3 that tests timed out. Both are counted
        // below.
        let status = run.status().map_err(|e| e.to_string())?;
        if !matches!(status.code(), Some(0 | 2 | 3)) {
            return Err(format!("mutants of {}: {status}", part.package));
        }
        for (list, noticed) in [("caught", true), ("missed", false), ("timeout", false)] {
            let file = folder.join(format!("mutants.out/{list}.txt"));
            let text = fs::read_to_string(&file).unwrap_or_default();
            for mutant in text.lines() {
                all += 1;
                caught += u32::from(noticed);
                if !noticed {
                    survivors.push(format!("{list}: {mutant}"));
                }
            }
        }
        println!("{} {name}: {caught} of {all} caught so far", part.package);
    }
    // Timeouts are counted as missed: only a test that fails has noticed anything.
    let share = f64::from(caught) / f64::from(all.max(1));
    for survivor in &survivors {
        println!("{survivor}");
    }
    println!("caught {caught} of {all} mutants, {:.1} %", share * 100.0);
    if share < CAUGHT_MIN {
        return Err(format!(
            "fewer than {:.0} % were caught; write a test for the decisions above",
            CAUGHT_MIN * 100.0
        ));
    }
    Ok(())
}

/// Runs the requests of public CyberTipline clients against the fake, and prints which of them the
/// fake understands.
pub fn conformance() -> Done {
    must(
        cargo().args([
            "test",
            "-q",
            "-p",
            "obhut-fakes",
            "--test",
            "conformance",
            "--",
            "--nocapture",
        ]),
        "a client's request isn't understood",
    )
}

/// Fits the points of words to the invented reports, and prints how well they rank the reports of
/// authors who weren't used in the fit.
pub fn wording() -> Done {
    for (example, what) in [
        ("fit_wording", "fitting the points of words"),
        // Built again, with the table that was just fitted.
        ("rank_wording", "ranking the judged reports"),
    ] {
        let run = ["run", "-q", "--release", "-p", "obhut-facts", "--example"];
        must(cargo().args(run).arg(example), what)?;
    }
    let lines = fitted_from().map_err(|e| e.to_string())?;
    fs::write(root().join(FITTED), lines).map_err(|e| format!("{FITTED}: {e}"))
}

/// What the table was fitted from, and the table: SHA-256 and name of each file. A test compares them.
const FITTED: &str = "xtask/wording.sha256";

fn fitted_from() -> std::io::Result<String> {
    let mut files = vec![
        "crates/foundation/facts/examples/fit_wording.rs".to_owned(),
        "crates/foundation/facts/src/wording.tsv".to_owned(),
    ];
    for entry in fs::read_dir(root().join("fixtures/wording"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // Only judged by, never fitted to.
        if !name.starts_with("judged-") {
            files.push(format!("fixtures/wording/{name}"));
        }
    }
    files.sort();
    let mut lines = String::new();
    for file in files {
        let digest = Sha256::digest(fs::read(root().join(&file))?);
        let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        lines += &format!("{digest}  {file}\n");
    }
    Ok(lines)
}

/// Writes the generated documents, and the book if mdbook is installed.
pub fn documents() -> Done {
    for package in ["obhut", "obhut-server", "xtask"] {
        must(
            cargo()
                .args([
                    "test",
                    "--quiet",
                    "--package",
                    package,
                    "reference_is_current",
                ])
                .env("OBHUT_WRITE_DOCS", "1"),
            "the references",
        )?;
    }
    let book = std::process::Command::new("mdbook")
        .arg("build")
        .current_dir(root())
        .status();
    match book {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("mdbook: {status}")),
        Err(_) => {
            println!("not present: mdbook; the pages read the same without it");
            Ok(())
        }
    }
}

/// Runs clippy, if it is installed, and rustdoc; their warnings are errors.
pub fn lints() -> Done {
    if has("clippy") {
        must(
            cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "--deny",
                "warnings",
            ]),
            "clippy has remarks; `cargo clippy --fix` mends many of them",
        )?;
    } else {
        println!("not present: clippy; `rustup component add clippy` installs it");
    }
    must(
        cargo()
            .args(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
        "rustdoc has remarks",
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_of_words_was_fitted_from_these_reports() {
        let expected = std::fs::read_to_string(crate::root().join(super::FITTED)).unwrap();
        assert_eq!(
            super::fitted_from().unwrap(),
            expected,
            "reports, fit or table have changed: run `cargo xtask wording`"
        );
    }

    #[test]
    fn shares_are_by_crate_and_in_all() {
        let lcov = "SF:/a/crates/kernels/hash/src/lib.rs\nLF:10\nLH:9\nend_of_record\n\
            SF:/a/crates/kernels/hash/src/pdq/x.rs\nLF:10\nLH:1\nend_of_record\n\
            SF:/a/crates/cli/src/main.rs\nLF:5\nLH:0\nend_of_record\n";
        let shares = super::shares(lcov);
        let wanted = [("cli", 0, 5), ("kernels/hash", 10, 20), ("all", 10, 25)];
        assert_eq!(shares, wanted.map(|(p, h, l)| (p.to_owned(), h, l)));
    }
}
