//! Measures obhut beside its peer: the same files, one core each, in alternation.
//!
//! The peer is what HMA runs for a picture: Pillow decodes, PyPI `pdqhash` hashes. Prints a table
//! for docs/performance.md with every row it rests on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Done, cargo, must, setup, target};

const ROUNDS: usize = 5;
/// Name, files, width, height.
const SETS: [(&str, u32, u32, u32); 2] =
    [("640×480", 300, 640, 480), ("4000×3000", 12, 4000, 3000)];

/// Reads every file of a folder as python-threatexchange does, and prints quality and digest.
const PEER: &str = r#"
import os, sys
import numpy, pdqhash
from PIL import Image
for name in sorted(os.listdir(sys.argv[1])):
    with Image.open(os.path.join(sys.argv[1], name)) as image:
        bits, quality = pdqhash.compute(numpy.asarray(image.convert("RGB")))
"#;

pub fn run() -> Done {
    setup::everything()?;
    let python = setup::oracle_python()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    must(
        cargo().args([
            "build",
            "--package",
            "obhut-decode",
            "--example",
            "demo_pictures",
        ]),
        "building the picture maker",
    )?;
    let obhut = target().join("release/obhut");
    let folder = target().join("bench");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    }
    println!("machine: {}", machine());
    println!(
        "| pictures | round | obhut hash, files/s | Pillow + pdqhash, files/s | ratio |\n|---|---|---|---|---|"
    );
    let mut summaries = Vec::new();
    for (name, files, width, height) in SETS {
        let set = folder.join(format!("{width}x{height}"));
        let numbers = [
            "4".into(),
            "0".into(),
            files.to_string(),
            width.to_string(),
            height.to_string(),
        ];
        let mut make = Command::new(target().join("debug/examples/demo_pictures"));
        must(make.arg(&set).args(&numbers), "making pictures")?;
        let pictures = set.join("pictures");
        let mut ratios = Vec::new();
        let mut ours_all = Vec::new();
        for round in 1..=ROUNDS {
            let mut ours = one_core(&obhut);
            ours.args(["hash", "--kind", "pdq", "--json"])
                .arg(&pictures);
            let mut theirs = one_core(&python);
            theirs.args(["-c", PEER]).arg(&pictures);
            // Whoever goes first changes with the round.
            let (a, b) = if round % 2 == 1 {
                let a = timed(&mut ours)?;
                (a, timed(&mut theirs)?)
            } else {
                let b = timed(&mut theirs)?;
                (timed(&mut ours)?, b)
            };
            let (a, b) = (
                f64::from(files) / a.as_secs_f64(),
                f64::from(files) / b.as_secs_f64(),
            );
            println!("| {name} | {round} | {a:.1} | {b:.1} | {:.2} |", a / b);
            ratios.push(a / b);
            ours_all.push(a);
        }
        summaries.push(format!(
            "{name}: ratio {}, ours {}",
            spread(&mut ratios),
            spread(&mut ours_all)
        ));
        screen(&obhut, &pictures, name, files)?;
    }
    println!();
    for summary in summaries {
        println!("{summary} (median, range)");
    }
    Ok(())
}

/// Screening with all cores against a list of 100,000 entries, with the memory it takes.
fn screen(obhut: &Path, pictures: &Path, name: &str, files: u32) -> Done {
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
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        peak_kib = peak_kib.max(memory_kib(child.id()));
        std::thread::sleep(Duration::from_millis(10));
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "| {name} | screen, all cores, list of 100,000 | {:.1} | | memory of all processes together, at most {} MiB |",
        f64::from(files) / seconds,
        peak_kib / 1024
    );
    Ok(())
}

/// Resident memory of a process and its children.
fn memory_kib(pid: u32) -> u64 {
    let resident = |pid: u32| -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        line.and_then(|l| l.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    };
    let mut total = resident(pid);
    for task in fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        total += children
            .split_whitespace()
            .filter_map(|c| c.parse().ok())
            .map(resident)
            .sum::<u64>();
    }
    total
}

fn one_core(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program).stdout(Stdio::null());
    command
}

fn timed(command: &mut Command) -> Result<Duration, String> {
    let started = Instant::now();
    must(command, "a round")?;
    Ok(started.elapsed())
}

pub fn spread(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    format!(
        "{:.2} ({:.2}–{:.2})",
        values[values.len() / 2],
        values[0],
        values[values.len() - 1]
    )
}

pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|l| {
        l.strip_prefix("model name")
            .map(|m| m.trim_matches([' ', '\t', ':']).to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{cores} cores, {}, load {}",
        model.unwrap_or_default(),
        load.split(' ').next().unwrap_or_default()
    )
}
