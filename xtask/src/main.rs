//! Chores: `cargo xtask demo`, `test`, `bench`, `docs` and others. Each does all the set-up it
//! needs.

mod bench;
mod bench_accuracy;
mod bench_answers;
mod bench_chain;
mod bench_http;
mod bench_index;
mod bench_intake;
mod bench_payments;
mod bench_pdq;
mod bench_pictures;
mod bench_vault;
mod bench_video;
mod browser;
mod demo;
mod load;
mod postgres;
mod quality;
mod setup;
mod soak;
mod tests;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo xtask demo      the main job on generated, harmless pictures, from list to report
cargo xtask test      every test and lint; installs PostgreSQL, xmllint and the PDQ reference if missing
cargo xtask bench     measures everything against its peers, in alternation, and writes docs/performance.md;
                      `bench NAME` runs one part: accuracy, pdq, pictures, index, http, video, intake,
                      payments, chain
cargo xtask soak      growing lists, generated cases, 200,000 filings, mutated inputs for every parser: hours;
                      `soak SECONDS` per parser
cargo xtask browser   each role's day in Chromium, by keyboard, in the console of `obhut demo`; every page
                      with axe-core, in both languages, on a phone and on a desk
cargo xtask screenshots  makes docs/screenshots/ again, from the demo
cargo xtask conformance  the requests of public CyberTipline clients against the fake service
cargo xtask docs      writes the generated references, and the book if mdbook is installed
cargo xtask coverage  share of lines that tests execute
cargo xtask mutants   share of small changes to decision code that tests notice; `mutants PACKAGE`: one part
cargo xtask wording   fits the points of words to the reports in fixtures/wording, and prints how well they rank others
cargo xtask setup     only installs what the system lacks";

/// The result of a chore; the error says what went wrong and what to do.
type Done = Result<(), String>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("demo") => demo::run(),
        Some("browser") => browser::stories(),
        Some("screenshots") => browser::screenshots(),
        Some("test") => tests::run(&arguments.collect::<Vec<_>>()),
        Some("bench") => bench::run(arguments.next().as_deref()),
        Some("soak") => soak::run(&arguments.collect::<Vec<_>>()),
        Some("conformance") => quality::conformance(),
        Some("docs") => quality::documents(),
        Some("coverage") => quality::coverage(),
        Some("wording") => quality::wording(),
        Some("mutants") => quality::mutants(arguments.next().as_deref()),
        Some("setup") => setup::everything().map(|()| println!("everything is installed")),
        _ => {
            println!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e}");
            ExitCode::FAILURE
        }
    }
}

/// The project's folder.
fn root() -> PathBuf {
    // Read at run time: two checkouts may share a build folder, and with it this program.
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    Path::new(&here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()))
        .parent()
        .expect("xtask is in the project's folder")
        .to_owned()
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    // Cargo resolves a relative path against the project's folder here, because every command
    // starts there.
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |t| root().join(t))
}

fn cargo() -> Command {
    // The cargo that runs this task, so that both use one toolchain.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds the program that makes the demo's pictures, and returns its path.
fn picture_maker() -> Result<PathBuf, String> {
    let build = [
        "build",
        "--package",
        "obhut-decode",
        "--example",
        "demo_pictures",
    ];
    must(cargo().args(build), "building the picture maker")?;
    Ok(target().join("debug/examples/demo_pictures"))
}

/// Runs a command with its output on the terminal; fails unless it succeeds.
fn must(command: &mut Command, what: &str) -> Done {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(e) => Err(format!("{what}: {:?}: {e}", command.get_program())),
    }
}
