//! Chromium at the console of `obhut demo`: stories of a day's work, and pictures of the pages.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Done, cargo, must, root, setup, target};

/// The demo ends after this many minutes, even if this program is killed.
const MINUTES: &str = "20";

/// Each role's day, by keyboard, and every page in both languages.
pub fn stories() -> Done {
    scripted("stories.mjs", None)
}

/// Makes docs/screenshots/ again.
pub fn screenshots() -> Done {
    let folder = root().join("docs/screenshots");
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    scripted("screenshots.mjs", Some(&folder))
}

fn scripted(script: &str, argument: Option<&Path>) -> Done {
    let chromium = setup::browser()?;
    let folder = scripts()?;
    println!("building …");
    // With the features of the whole workspace, as tests build it: otherwise both build it again.
    must(
        cargo().args(["build", "--workspace", "--bin", "obhut"]),
        "building obhut",
    )?;
    let demo = Demo::start()?;
    let mut node = Command::new("node");
    node.arg(folder.join(script))
        .args(argument)
        .env("OBHUT_DEMO", &demo.said)
        .env("OBHUT_CHROMIUM", chromium);
    must(&mut node, script)
}

/// The scripts with their packages, in the target folder.
fn scripts() -> Result<PathBuf, String> {
    let (from, to) = (root().join("xtask/browser"), target().join("browser"));
    fs::create_dir_all(&to).map_err(|e| format!("{}: {e}", to.display()))?;
    let lock = "package-lock.json";
    let locked = fs::read(from.join(lock)).ok();
    let installed = to.join("node_modules").exists() && fs::read(to.join(lock)).ok() == locked;
    let files = fs::read_dir(&from).map_err(|e| format!("{}: {e}", from.display()))?;
    for file in files.flatten() {
        fs::copy(file.path(), to.join(file.file_name()))
            .map_err(|e| format!("{}: {e}", file.path().display()))?;
    }
    if !installed {
        println!(
            "installing playwright-core and axe-core into {}",
            to.display()
        );
        must(
            Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(&to),
            "npm ci",
        )?;
    }
    Ok(to)
}

/// A running demo; ended when this is dropped.
struct Demo {
    process: Child,
    said: String,
}

impl Demo {
    fn start() -> Result<Self, String> {
        let mut command = Command::new(target().join("debug/obhut"));
        command
            .args([
                "--json",
                "demo",
                "--listen",
                "127.0.0.1:0",
                "--minutes",
                MINUTES,
            ])
            .stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|e| format!("obhut demo: {e}"))?;
        let out = process.stdout.take().expect("it is piped");
        let mut demo = Self {
            process,
            said: String::new(),
        };
        BufReader::new(out)
            .read_line(&mut demo.said)
            .map_err(|e| format!("obhut demo: {e}"))?;
        match demo.said.starts_with('{') {
            true => Ok(demo),
            false => Err("obhut demo ended without saying where it listens".into()),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // SIGTERM and not `kill`: it deletes its folder when it ends.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").arg(id).status();
        let _ = self.process.wait();
    }
}
