//! Pictures from file to PDQ against the peer: the same files, one core each, in alternation.
//!
//! The peer is what HMA runs for a picture: Pillow decodes, PyPI `pdqhash` hashes. Reports the
//! results for docs/performance.md, and every raw row they rest on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Report, memory_kib, spread};
use crate::{Done, cargo, must, picture_maker, setup, target};

const ROUNDS: usize = 5;
/// Name, files, width, height.
const SETS: [(&str, u32, u32, u32); 2] =
    [("640×480", 300, 640, 480), ("4000×3000", 12, 4000, 3000)];

/// Hashes every file of a folder with python-threatexchange. It prints nothing: only the time
/// counts.
const PEER: &str = r#"
import os, sys
from threatexchange.signal_type.pdq.signal import PdqSignal
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        PdqSignal.hash_from_bytes(file.read())
"#;

// Long: the sequential steps of one benchmark or chore.
pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    let python = setup::peers_python()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let maker = picture_maker()?;
    let obhut = target().join("release/obhut");
    // A folder of its own: other benches keep theirs between runs.
    let folder = target().join("bench/pictures");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    }
    report.row("| pictures | round | obhut hash, files/s | obhut hash --fast, files/s | python-threatexchange, files/s | ratio | ratio, fast |
|---|---|---|---|---|---|---|");
    for (name, files, width, height) in SETS {
        let set = folder.join(format!("{width}x{height}"));
        let numbers = [
            "4".into(),
            "0".into(),
            files.to_string(),
            width.to_string(),
            height.to_string(),
        ];
        let mut make = Command::new(&maker);
        must(make.arg(&set).args(&numbers), "making pictures")?;
        let pictures = set.join("pictures");
        let (mut ratios, mut fast_ratios) = (Vec::new(), Vec::new());
        let (mut ours_all, mut fast_all) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let mut rates = [0.0; 3];
            for turn in 0..3 {
                // The order rotates each round, so that none always finds warm caches.
                let who = (turn + round) % 3;
                let mut command = match who {
                    0 => one_core(&obhut),
                    1 => one_core(&obhut),
                    _ => one_core(&python),
                };
                match who {
                    0 => command.args(["hash", "--kind", "pdq", "--json"]),
                    1 => command.args(["hash", "--kind", "pdq", "--json", "--fast"]),
                    _ => command.args(["-c", PEER]),
                };
                let seconds = timed(command.arg(&pictures))?.as_secs_f64();
                rates[who] = f64::from(files) / seconds;
            }
            let [exact, fast, peer] = rates;
            report.row(&format!(
                "| {name} | {} | {exact:.1} | {fast:.1} | {peer:.1} | {:.2} | {:.2} |",
                round + 1,
                exact / peer,
                fast / peer
            ));
            ratios.push(exact / peer);
            fast_ratios.push(fast / peer);
            ours_all.push(exact);
            fast_all.push(fast);
        }
        let unit = " files a second";
        report.result(
            &format!("JPEG {name} → PDQ, exact, one core"),
            &(spread(&mut ours_all) + unit),
            &spread(&mut ratios),
            "≥ 4",
        );
        report.result(
            &format!("JPEG {name} → PDQ, `--fast`, one core"),
            &(spread(&mut fast_all) + unit),
            &spread(&mut fast_ratios),
            "≥ 6",
        );
        drift(&obhut, &pictures, name, report)?;
        screen(&obhut, &pictures, name, files, report)?;
    }
    Ok(())
}

/// Bits by which the digests of `--fast` differ from the exact ones.
fn drift(obhut: &Path, pictures: &Path, name: &str, report: &mut Report) -> Done {
    let digests = |more: &[&str]| -> Result<Vec<String>, String> {
        let out = Command::new(obhut)
            .args(["hash", "--kind", "pdq", "--json"])
            .args(more)
            .arg(pictures)
            .output()
            .map_err(|e| e.to_string())?;
        let lines = String::from_utf8_lossy(&out.stdout).into_owned();
        let digests = lines.lines().filter_map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(value["digest"].as_str()?.to_owned())
        });
        Ok(digests.collect())
    };
    let (exact, fast) = (digests(&[])?, digests(&["--fast"])?);
    let nibble = |c: char| c.to_digit(16).unwrap_or(0);
    // Both runs hash the files in the order of their names, so the digests pair up.
    let mut bits: Vec<f64> = std::iter::zip(&exact, &fast)
        .map(|(a, b)| {
            let pairs = a.chars().zip(b.chars());
            f64::from(
                pairs
                    .map(|(a, b)| (nibble(a) ^ nibble(b)).count_ones())
                    .sum::<u32>(),
            )
        })
        .collect();
    let drift = spread(&mut bits);
    report.result(
        &format!("bits by which `--fast` differs, {name}"),
        &drift,
        "–",
        "median ≤ 4, at most 10",
    );
    Ok(())
}

/// Screening with all cores against a list of 100,000 entries, with the memory it takes.
fn screen(obhut: &Path, pictures: &Path, name: &str, files: u32, report: &mut Report) -> Done {
    let list = pictures.with_file_name("list.csv");
    let mut csv = String::from("kind,digest\n");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..100_000 {
        csv += "pdq,";
        for _ in 0..4 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            csv += &format!("{:016x}", state ^ (state >> 29));
        }
        csv += "\n";
    }
    fs::write(&list, csv).map_err(|e| e.to_string())?;
    let started = Instant::now();
    let mut child = Command::new(obhut)
        .args(["screen", "--json", "--list"])
        .arg(&list)
        .arg(pictures)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut peak_kib = 0;
    // The memory has to be read while the command runs: afterwards the kernel no longer reports
    // that of the decoders.
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        peak_kib = peak_kib.max(memory_kib(child.id()));
        std::thread::sleep(Duration::from_millis(10));
    }
    let seconds = started.elapsed().as_secs_f64();
    report.result(
        &format!("screening {name}, all cores, list of 100,000"),
        &format!(
            "{:.1} files a second, {} MiB",
            f64::from(files) / seconds,
            peak_kib / 1024
        ),
        "–",
        "–",
    );
    Ok(())
}

fn one_core(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    // One core for each program: Pillow uses only one, and obhut would otherwise use all.
    command.args(["-c", "0"]).arg(program).stdout(Stdio::null());
    command
}

fn timed(command: &mut Command) -> Result<Duration, String> {
    let started = Instant::now();
    must(command, "a round")?;
    Ok(started.elapsed())
}
