//! The vault against digests and ciphers alone: a long exhibit put in and verified, compared
//! with `openssl`'s SHA-256 of the same file; sealing compared with AES-256-GCM alone; durable puts of
//! short ones, and how long a file's sync takes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Report, spread};
use crate::{Done, cargo, must, target};

const ROUNDS: usize = 5;
/// Length of the long exhibit, in MiB: 4 GiB.
const LONG_MIB: usize = 4 << 10;
/// What is sealed in memory, in MiB.
const SEALED_MIB: usize = 2 << 10;
/// Writers of short exhibits, and puts of each.
const WRITERS: usize = 64;
const PUTS_EACH: usize = 40;

pub fn run(report: &mut Report) -> Done {
    let build = |arguments: &[&str]| must(cargo().args(arguments), "building");
    build(&[
        "build",
        "--release",
        "-p",
        "obhut",
        "-p",
        "obhut-decode",
        "--bins",
    ])?;
    build(&[
        "build",
        "--release",
        "-p",
        "obhut-vault",
        "--example",
        "vault_speed",
    ])?;
    let folder = target().join("bench/vault");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let measured = long(report, &folder)
        .and_then(|()| sealing(report))
        .and_then(|()| puts(report, &folder));
    fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    measured
}

fn long(report: &mut Report, folder: &Path) -> Done {
    let file = folder.join("long");
    write_noise(&file).map_err(|e| e.to_string())?;
    let obhut = target().join("release/obhut");
    report.row("| 4 GiB, round | put, s | memory at most, MiB | verify, s | openssl sha256, s | copied and synced, s |\n|---|---|---|---|---|---|");
    let (mut put_all, mut put_ratios, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let (mut verify_all, mut verify_ratios) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let data = folder.join("data");
        let mut put = Command::new(&obhut);
        put.arg("--data")
            .arg(&data)
            .args(["vault", "put"])
            .arg(&file);
        let mut verify = Command::new(&obhut);
        verify.arg("--data").arg(&data).arg("verify");
        let mut peer = Command::new("openssl");
        peer.args(["dgst", "-sha256"]).arg(&file);
        let before = match round % 2 {
            0 => Some(timed(&mut peer)?.0),
            _ => None,
        };
        let (put, most) = timed(&mut put)?;
        let verify = timed(&mut verify)?.0;
        let peer = match before {
            Some(peer) => peer,
            None => timed(&mut peer)?.0,
        };
        fs::remove_dir_all(&data).map_err(|e| e.to_string())?;
        let started = Instant::now();
        let copy = folder.join("copy");
        fs::copy(&file, &copy)
            .and_then(|_| File::open(&copy)?.sync_all())
            .map_err(|e| e.to_string())?;
        let copied = started.elapsed().as_secs_f64();
        fs::remove_file(&copy).map_err(|e| e.to_string())?;
        report.row(&format!(
            "| {} | {put:.2} | {most:.0} | {verify:.2} | {peer:.2} | {copied:.2} |",
            round + 1
        ));
        put_all.push(put);
        put_ratios.push(peer.max(copied) / put);
        memory.push(most);
        verify_all.push(verify);
        verify_ratios.push(peer / verify);
    }
    report.result(
        "4 GiB put at the command line; compared with openssl's SHA-256 of it or a synced copy, whichever is slower",
        &format!("{} s", spread(&mut put_all)),
        &spread(&mut put_ratios),
        "≥ 0.7",
    );
    report.result(
        "memory of that, resident at most",
        &format!("{} MiB", spread(&mut memory)),
        "–",
        "≤ 64 MiB",
    );
    report.result(
        "verified with the keys, sealed and opened content digested; compared with openssl's SHA-256",
        &format!("{} s", spread(&mut verify_all)),
        &spread(&mut verify_ratios),
        "≥ 0.8",
    );
    fs::remove_file(file).map_err(|e| e.to_string())
}

fn sealing(report: &mut Report) -> Done {
    report.row("\n| 2 GiB in memory, round | sealed, s | AES-256-GCM alone, s |\n|---|---|---|");
    let (mut ours_all, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut command = Command::new(target().join("release/examples/vault_speed"));
        let [ours, alone] = numbers(command.args(["aead", &SEALED_MIB.to_string()]))?;
        report.row(&format!("| {} | {ours:.3} | {alone:.3} |", round + 1));
        ours_all.push(SEALED_MIB as f64 / 1024.0 / ours);
        ratios.push(alone / ours);
    }
    report.result(
        "sealed in memory, one thread; compared with AES-256-GCM (ring) alone, in place",
        &format!("{} GiB/s", spread(&mut ours_all)),
        &spread(&mut ratios),
        "≥ 0.8",
    );
    Ok(())
}

fn puts(report: &mut Report, folder: &Path) -> Done {
    report.row("\n| 4 KiB, 64 writers, round | puts a second | median, ms | 99th percentile, ms | a file's sync, ms |\n|---|---|---|---|---|");
    let (mut rates, mut p99s) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut command = Command::new(target().join("release/examples/vault_speed"));
        command
            .arg("puts")
            .arg(folder.join(format!("puts-{round}")));
        command.args([WRITERS, PUTS_EACH].map(|n| n.to_string()));
        let [rate, median, p99, sync] = numbers(&mut command)?;
        report.row(&format!(
            "| {} | {rate:.0} | {median:.2} | {p99:.2} | {sync:.3} |",
            round + 1
        ));
        rates.push(rate);
        p99s.push(p99);
    }
    report.result(
        "durable puts of 4 KiB, 64 writers",
        &format!("{} a second", spread(&mut rates)),
        "–",
        "≥ 2,000",
    );
    report.result(
        "the 99th percentile of these",
        &format!("{} ms", spread(&mut p99s)),
        "–",
        "≤ 50 ms",
    );
    Ok(())
}

/// Seconds that a command takes, and the most memory it had, in MiB.
fn timed(command: &mut Command) -> Result<(f64, f64), String> {
    let say = |e: std::io::Error| e.to_string();
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(say)?;
    let mut most = 0.0_f64;
    loop {
        // The kernel's own high-water mark; gone once the process has ended.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
        most = most.max(kib.unwrap_or(0.0) / 1024.0);
        if let Some(ended) = child.try_wait().map_err(say)? {
            let took = started.elapsed().as_secs_f64();
            return match ended.success() {
                true => Ok((took, most)),
                false => Err(format!("{command:?} failed")),
            };
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The numbers that a command prints.
fn numbers<const N: usize>(command: &mut Command) -> Result<[f64; N], String> {
    let out = command.output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let numbers: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    let error = || format!("{text} {}", String::from_utf8_lossy(&out.stderr));
    numbers.try_into().map_err(|_| error())
}

fn write_noise(path: &Path) -> std::io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut file = File::create(path)?;
    let mut piece = vec![0; 1 << 20];
    for _ in 0..LONG_MIB {
        for eight in piece.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            eight.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&piece)?;
    }
    file.sync_all()
}
