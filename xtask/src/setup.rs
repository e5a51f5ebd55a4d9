//! Installs what the system lacks, through apt as root or with sudo; otherwise names the command.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Done, must, target};

/// What a build or a test needs: a probe, and the Debian package that brings it.
struct Need {
    package: &'static str,
    present: fn() -> bool,
}

const BUILD: &[Need] = &[
    Need {
        package: "gcc",
        present: || runs("cc"),
    },
    Need {
        package: "cmake",
        present: || runs("cmake"),
    },
    Need {
        package: "make",
        present: || runs("make"),
    },
    Need {
        package: "nasm",
        present: || runs("nasm"),
    },
];

const TESTS: &[Need] = &[
    Need {
        package: "libxml2-utils",
        present: || runs("xmllint"),
    },
    Need {
        package: "postgresql",
        present: || postgres_programs().is_some(),
    },
    Need {
        package: "python3-venv",
        present: || python_has_venv(),
    },
    Need {
        package: "python3-dev",
        present: || python_has_headers(),
    },
    Need {
        package: "g++",
        present: || runs("c++"),
    },
    Need {
        package: "ffmpeg",
        present: || runs_with("ffmpeg", "-version") && runs_with("ffprobe", "-version"),
    },
    Need {
        package: "age",
        present: || runs("age"),
    },
    Need {
        package: "nginx-light",
        present: || nginx().is_some(),
    },
    Need {
        package: "strace",
        present: || runs("strace"),
    },
];

/// What building PyPI's vpdq needs.
const PEER_BUILD: &[Need] = &[
    Need {
        package: "pkg-config",
        present: || runs("pkg-config"),
    },
    Need {
        package: "libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev",
        present: || has_library("libavfilter") && has_library("libavdevice"),
    },
];

/// What drives the console in a browser.
const BROWSER: &[Need] = &[
    Need {
        package: "chromium",
        present: || chromium().is_some(),
    },
    Need {
        package: "nodejs npm",
        present: || runs("node") && runs("npm"),
    },
];

const DEMO: &[Need] = &[Need {
    package: "libxml2-utils",
    present: || runs("xmllint"),
}];

/// The PDQ reference, what HMA computes signals with, what the benchmark's peer decodes with, and
/// what validates XARF documents.
const ORACLE: [&str; 5] = [
    "pdqhash==0.2.8",
    "numpy",
    "pillow",
    "threatexchange==1.2.17",
    "jsonschema==4.26.0",
];

/// Real wallets and Bitcoin Core's kernel, which make chains; not every Python version has them.
const WALLETS: [&str; 2] = ["bdkpython==3.1.1", "py-bitcoinkernel==0.1.0a5"];

/// What receives exported evidence: BagIt's and CASE's own validators.
const RECEIVERS: [&str; 2] = ["bagit==1.9.0", "case-utils==0.18.0"];

/// What the demo needs.
pub fn for_demo() -> Done {
    install(&[BUILD, DEMO])
}

/// What building and tests need. [`peers_python`] installs what the benchmarks need besides.
pub fn everything() -> Done {
    install(&[BUILD, TESTS])
}

/// The program of a browser, installed with what drives it.
pub fn browser() -> Result<&'static str, String> {
    install(&[BUILD, BROWSER])?;
    chromium().ok_or_else(|| "chromium was installed, but isn't found".into())
}

/// How Chromium is called here.
fn chromium() -> Option<&'static str> {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
        .into_iter()
        .find(|program| runs(program))
}

fn install(needs: &[&[Need]]) -> Done {
    // Runs the programs instead of asking dpkg: another package or a local build may provide them
    // too.
    let missing: Vec<&str> = needs
        .iter()
        .copied()
        .flatten()
        .filter(|n| !(n.present)())
        .map(|n| n.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    // The variables are set in the command, because sudo drops them. RUNLEVEL=1 keeps packages that
    // are installed for tests from starting their services.
    let by_hand = format!(
        "export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; apt-get update && apt-get install -y --no-install-recommends {}",
        missing.join(" ")
    );
    if !runs("apt-get") {
        return Err(format!(
            "the system lacks {}; install what your distribution calls them, then try again",
            missing.join(", ")
        ));
    }
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout == b"0\n");
    // -n: asking for a password in the middle of a task would hang a script.
    let sudo = Command::new("sudo")
        .args(["-n", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !root && !sudo {
        return Err(format!(
            "the system lacks {}. Type this, then try again:\n  sudo sh -c '{by_hand}'",
            missing.join(", ")
        ));
    }
    println!("installing {}", missing.join(", "));
    let mut command = Command::new(if root { "sh" } else { "sudo" });
    if !root {
        command.arg("sh");
    }
    command.args(["-c", &by_hand]).stdout(Stdio::null());
    must(&mut command, "apt-get").map_err(|e| format!("{e}. Try by hand:\n  {by_hand}"))?;
    // apt can succeed without bringing what is needed, such as a program outside the search path.
    let still: Vec<&str> = needs
        .iter()
        .copied()
        .flatten()
        .filter(|n| !(n.present)())
        .map(|n| n.package)
        .collect();
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} installed, but not found afterwards",
            still.join(", ")
        ))
    }
}

/// How nginx is called here; Debian keeps it out of ordinary users' search path.
fn nginx() -> Option<&'static str> {
    ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|p| runs_with(p, "-v"))
}

fn runs(program: &str) -> bool {
    runs_with(program, "--version")
}

fn runs_with(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn has_library(name: &str) -> bool {
    Command::new("pkg-config")
        .args(["--exists", name])
        .status()
        .is_ok_and(|s| s.success())
}

fn python_has_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

fn python_has_headers() -> bool {
    let ask = "import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')))";
    Command::new("python3")
        .args(["-c", ask])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// The folder with the server's programs, which Debian keeps out of the search path.
pub fn postgres_programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    // The last by name, which is the newest version as long as all have two digits.
    found.sort();
    found.pop()
}

/// The fake object store of the tests.
const MOTO: &str = "moto[server,s3]==5.1.4";

/// What benchmarks compare with, in addition to [`ORACLE`]: FAISS, vPDQ, Polars and DuckDB.
const PEERS: [&str; 4] = [
    "faiss-cpu==1.15.1",
    "vpdq==0.2.5",
    "polars==2.1.0",
    "duckdb==2.0.0",
];

/// A Python with the peers of the benchmarks, in the target folder; made on first use.
pub fn peers_python() -> Result<PathBuf, String> {
    install(&[BUILD, TESTS, PEER_BUILD])?;
    let python = oracle_python()?;
    let ready = Command::new(&python)
        .args(["-c", "import threatexchange, faiss, vpdq, polars, duckdb"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !ready {
        println!("installing {}", PEERS.join(", "));
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet"]).args(PEERS);
        must(&mut pip, "pip install of the peers")?;
    }
    Ok(python)
}

/// A fake S3 server (moto), installed into the target folder on first use.
pub fn moto_python() -> Result<PathBuf, String> {
    let folder = target().join("moto");
    let python = folder.join("bin/python");
    let ready = Command::new(&python)
        .args(["-c", "import moto.server"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !ready {
        println!("installing {MOTO} into {}", folder.display());
        must(
            Command::new("python3").args(["-m", "venv"]).arg(&folder),
            "python3 -m venv",
        )?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", MOTO]);
        must(&mut pip, "pip install moto")?;
    }
    Ok(python)
}

/// A Python with the packages of [`ORACLE`] and [`RECEIVERS`], and of [`WALLETS`] where they install,
/// in the target folder; made on first use.
pub fn oracle_python() -> Result<PathBuf, String> {
    let folder = target().join("oracle");
    let python = folder.join("bin/python");
    let ready = |modules: &str| {
        Command::new(&python)
            .args(["-c", &format!("import {modules}")])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let install = |packages: &[&str]| {
        // Without a wheel for this Python, pip builds a package, which needs g++ and Python's
        // headers.
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet"]).args(packages);
        must(&mut pip, "pip install")
    };
    // Checked by importing: packages installed for another Python version don't import.
    if !ready("pdqhash, numpy, PIL, threatexchange, jsonschema") {
        println!(
            "installing the references for tests into {}",
            folder.display()
        );
        must(
            Command::new("python3").args(["-m", "venv"]).arg(&folder),
            "python3 -m venv",
        )?;
        install(&ORACLE)?;
    }
    if !ready("bagit, case_utils") {
        install(&RECEIVERS)?;
    }
    // Only one test needs these, and it says when they are missing.
    if !ready("bdkpython, pbk") && install(&WALLETS).is_err() {
        println!("not present: {} for this Python", WALLETS.join(", "));
    }
    Ok(python)
}
