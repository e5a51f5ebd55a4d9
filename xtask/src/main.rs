//! Chores: `cargo xtask demo`, `test`, `bench`, `setup`. Each does all the set-up it needs.

mod bench;
mod bench_accuracy;
mod bench_chain;
mod bench_http;
mod bench_index;
mod bench_intake;
mod bench_payments;
mod bench_pdq;
mod bench_pictures;
mod bench_video;
mod demo;
mod load;
mod postgres;
mod setup;
mod soak;
mod tests;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo xtask demo    the main job on harmless pictures made on the spot, from list to report
cargo xtask test    every test; brings PostgreSQL, xmllint and the PDQ reference along
cargo xtask bench   measures everything beside its peers, in alternation, and writes docs/performance.md;
                    `bench accuracy`, `pdq`, `pictures`, `index`, `http`, `video`, `intake`: one part
cargo xtask soak    readers fed with changed inputs, growing lists: minutes; `soak SECONDS` for each reader
cargo xtask setup   only installs what the system lacks";

/// A chore's end: what went wrong, and what to do.
type Done = Result<(), String>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        Some("demo") => demo::run(),
        Some("test") => tests::run(&arguments.collect::<Vec<_>>()),
        Some("bench") => bench::run(arguments.next().as_deref()),
        Some("soak") => soak::run(&arguments.collect::<Vec<_>>()),
        Some("setup") => setup::everything().map(|()| println!("everything is there")),
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
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the project")
        .to_owned()
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |t| root().join(t))
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command whose output the reader sees.
fn must(command: &mut Command, what: &str) -> Done {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(e) => Err(format!("{what}: {:?}: {e}", command.get_program())),
    }
}
