//! Runs every test and lint, with the references that tests compare against.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::postgres::Postgres;
use crate::{Done, cargo, must, quality, setup};

/// The references that tests compare against; the database runs until this is dropped.
pub struct Peers {
    oracle: PathBuf,
    moto: PathBuf,
    postgres: Postgres,
}

impl Peers {
    pub fn start() -> Result<Self, String> {
        let peers = Self {
            oracle: setup::oracle_python()?,
            moto: setup::moto_python()?,
            postgres: Postgres::start()?,
        };
        println!("PostgreSQL answers on {}", peers.postgres.url());
        Ok(peers)
    }

    /// Sets the environment variables by which a command's tests find the references.
    pub fn name_to(&self, command: &mut Command) {
        command
            .env("OBHUT_ORACLE_PYTHON", &self.oracle)
            .env("OBHUT_TEST_MOTO", &self.moto)
            .env("OBHUT_TEST_POSTGRES", self.postgres.url());
    }
}

/// Free space below which a first build can't succeed, in GB: 6.7 were built on 2026-11-30 without
/// incremental compilation.
const FIRST_BUILD_GB: u64 = 7;
/// Free space that the tests need once everything is built, in GB. Our judgement.
const TESTS_GB: u64 = 2;

/// Fails if the disk is too full: the tests would fail one by one, each with another message.
fn has_room() -> Done {
    let target = crate::target();
    let built = target.join("debug/deps").exists();
    let least = if built { TESTS_GB } else { FIRST_BUILD_GB };
    for folder in [target, std::env::temp_dir()] {
        let there = folder.ancestors().find(|f| f.exists());
        let free = there.and_then(free_gb);
        if let Some(free) = free.filter(|free| *free < least) {
            return Err(format!(
                "{} has {free} GB free, and the tests need at least {least}; free some, or set CARGO_TARGET_DIR and TMPDIR to another disk",
                folder.display()
            ));
        }
    }
    Ok(())
}

/// Free space in a folder, in GB; `None` if `df` doesn't say.
fn free_gb(folder: &Path) -> Option<u64> {
    let said = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let free: u64 = said
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    Some(free * 1024 / 1_000_000_000)
}

pub fn run(more: &[String]) -> Done {
    has_room()?;
    setup::everything()?;
    // Formatting first: it takes a second and fails before anything is built.
    if Command::new("rustfmt")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
    {
        must(
            cargo().args(["fmt", "--all", "--check"]),
            "the code is not formatted; `cargo fmt --all` does it",
        )?;
    }
    quality::lints()?;
    let peers = Peers::start()?;
    let with = |command: &mut Command| peers.name_to(command);

    // Doc tests first, so that the test runner's summary comes last.
    let mut documents = cargo();
    documents
        .args(["test", "--workspace", "--doc", "--quiet"])
        .args(more);
    with(&mut documents);
    must(&mut documents, "examples in the documents")?;
    wasm()?;

    let nextest = cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let mut tests = cargo();
    // nextest doesn't run doc tests, so they are run above.
    if nextest.is_ok_and(|s| s.success()) {
        tests.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        tests.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    with(tests.args(more));
    must(&mut tests, "tests")
}

/// Builds the hash kernel for WebAssembly too, if that target is installed.
fn wasm() -> Done {
    let sysroot = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(crate::root())
        .output();
    // Looked up as a folder: rustup may not be installed, and asking it could download a toolchain.
    let installed = sysroot.is_ok_and(|o| {
        let path = String::from_utf8_lossy(&o.stdout).trim().to_owned();
        std::path::Path::new(&path)
            .join("lib/rustlib/wasm32-unknown-unknown/lib")
            .exists()
    });
    if !installed {
        println!("not present: the target wasm32-unknown-unknown");
        return Ok(());
    }
    let mut build = cargo();
    must(
        build.args([
            "build",
            "--package",
            "obhut-hash",
            "--target",
            "wasm32-unknown-unknown",
        ]),
        "building obhut-hash for WebAssembly",
    )
}
