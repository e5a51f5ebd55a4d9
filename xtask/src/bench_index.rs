//! The index against FAISS: the same entries, the same queries, one thread each, in alternation.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::bench::{Report, spread};
use crate::{Done, cargo, must, setup, target};

// Odd, so that the middle value is the median.
const ROUNDS: usize = 5;
const QUERIES: usize = 200;
const RADIUS: u32 = 31;
const SIZES: [usize; 3] = [100_000, 1_000_000, 10_000_000];

/// The peer, FAISS. It reads and prints the same lines as the example `index_speed`. FAISS's radius
/// is exclusive, so one is added.
const PEER: &str = r#"
import sys, time
import numpy, faiss
faiss.omp_set_num_threads(1)
kind, entries, queries, radius = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
entries = numpy.fromfile(entries, dtype=numpy.uint8).reshape(-1, 32)
queries = numpy.fromfile(queries, dtype=numpy.uint8).reshape(-1, 32)
started = time.perf_counter()
if kind == "flat":
    index = faiss.IndexBinaryFlat(256)
else:
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    index.nflip = radius // 16
index.add(entries)
print("built %.2f" % (time.perf_counter() - started), flush=True)
for _ in sys.stdin:
    times, hits = [], 0
    for i in range(len(queries)):
        started = time.perf_counter()
        lims, _, _ = index.range_search(queries[i:i + 1], radius + 1)
        times.append((time.perf_counter() - started) * 1e6)
        hits += int(lims[-1])
    times.sort()
    print("%.1f %.1f %d" % (times[len(times) // 2], times[len(times) * 99 // 100], hits), flush=True)
"#;

struct Answering {
    name: &'static str,
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    built: String,
}

impl Answering {
    fn start(name: &'static str, mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{name}: {e}"))?;
        let ask = child.stdin.take().ok_or("no pipe")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut started = Self {
            name,
            child,
            ask,
            answers,
            built: String::new(),
        };
        // Waits until the index is built, so that no two programs build at the same time.
        started.built = started.line()?.trim_start_matches("built ").to_owned();
        Ok(started)
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .map_err(|e| e.to_string())?;
        if line.is_empty() {
            return Err(format!("{} ended", self.name));
        }
        Ok(line.trim().to_owned())
    }

    /// Median and 99th percentile in µs, and all hits.
    fn round(&mut self) -> Result<(f64, f64, u64), String> {
        writeln!(self.ask).map_err(|e| e.to_string())?;
        let line = self.line()?;
        let mut numbers = line.split(' ').map(str::parse::<f64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(median)), Some(Ok(p99)), Some(Ok(hits))) => Ok((median, p99, hits as u64)),
            _ => Err(format!("{}: {line}", self.name)),
        }
    }

    fn memory_mib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or(0)
            / 1024
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// Long: the sequential steps of one benchmark or chore.
pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    let python = setup::peers_python()?;
    let mut build = cargo();
    must(
        build.args([
            "build",
            "--release",
            "--package",
            "obhut-index",
            "--example",
            "index_speed",
        ]),
        "building",
    )?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    report.row(&format!(
        "{QUERIES} queries a round, half of them planted at 0 to {RADIUS} bits; radius {RADIUS}; one query at a time, one thread."
    ));
    report.row("| entries | round | obhut, µs (p99) | FAISS MultiHash 16×16, µs (p99) | FAISS flat, µs (p99) | MultiHash / obhut | flat / obhut |");
    report.row("|---|---|---|---|---|---|---|");
    for size in SIZES {
        let (entries, queries) = (folder.join("entries.dat"), folder.join("queries.dat"));
        write_data(&entries, &queries, size)?;
        let mut ours = Command::new(target().join("release/examples/index_speed"));
        ours.arg(&entries).arg(&queries).arg(RADIUS.to_string());
        let faiss = |kind: &str| {
            let mut command = Command::new(&python);
            command
                .args(["-c", PEER, kind])
                .arg(&entries)
                .arg(&queries)
                .arg(RADIUS.to_string());
            command
        };
        // Each is built alone, so that none takes the other's cores.
        let mut all = [
            Answering::start("obhut", ours)?,
            Answering::start("FAISS MultiHash", faiss("multihash"))?,
            Answering::start("FAISS flat", faiss("flat"))?,
        ];
        let mut ratios = [Vec::new(), Vec::new()];
        let (mut medians, mut p99s) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let mut answers = [(0.0, 0.0, 0); 3];
            // The order rotates, so that none always runs with the caches another left.
            for turn in 0..3 {
                let who = (turn + round) % 3;
                answers[who] = all[who].round()?;
            }
            let [a, b, c] = answers;
            // Speed counts only if all three find the same entries.
            if a.2 != b.2 || a.2 != c.2 {
                return Err(format!("hits differ: {} {} {}", a.2, b.2, c.2));
            }
            medians.push(a.0);
            p99s.push(a.1);
            ratios[0].push(b.0 / a.0);
            ratios[1].push(c.0 / a.0);
            report.row(&format!(
                "| {size} | {} | {:.1} ({:.1}) | {:.1} ({:.1}) | {:.1} ({:.1}) | {:.1} | {:.1} |",
                round + 1,
                a.0,
                a.1,
                b.0,
                b.1,
                c.0,
                c.1,
                b.0 / a.0,
                c.0 / a.0
            ));
        }
        // Against whichever of the two FAISS indexes is faster in that round.
        let better: Vec<f64> = std::iter::zip(&ratios[0], &ratios[1])
            .map(|(a, b)| a.min(*b))
            .collect();
        let (wanted, memory) = match size {
            10_000_000 => ("≥ 250, ≤ 180 µs", "≤ 1,400 MiB, ≤ 8 s"),
            1_000_000 => ("≥ 40", "≤ 200 MiB"),
            _ => ("–", "–"),
        };
        report.result(
            &format!("exact lookup, radius 31, {size} entries, one thread"),
            &format!("{} µs, p99 {} µs", spread(&mut medians), spread(&mut p99s)),
            &format!("{} to the better of FAISS", spread(&mut better.clone())),
            wanted,
        );
        report.result(
            "… its memory and building",
            &format!("{} MiB, {} s", all[0].memory_mib(), all[0].built),
            "–",
            memory,
        );
        let [multihash, flat] = &mut ratios;
        report.row(&format!(
            "| {size} | median ratio (range) | built in {} s, {} MiB | built in {} s, {} MiB | built in {} s, {} MiB | {} | {} |",
            all[0].built,
            all[0].memory_mib(),
            all[1].built,
            all[1].memory_mib(),
            all[2].built,
            all[2].memory_mib(),
            spread(multihash),
            spread(flat)
        ));
    }
    Ok(())
}

/// Random entries, and queries of which every other is an entry with some bits flipped.
pub fn write_data(entries: &Path, queries: &Path, size: usize) -> Done {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // A linear congruential generator (Knuth's MMIX constants), mixed with the first round of
        // MurmurHash3's finalizer.
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let mixed = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 33)
    };
    let mut bytes = Vec::with_capacity(size * 32);
    for _ in 0..size * 4 {
        bytes.extend(next().to_le_bytes());
    }
    let mut asked = Vec::with_capacity(QUERIES * 32);
    for i in 0..QUERIES {
        let mut query = [0_u8; 32];
        if i % 2 == 0 {
            let at = next() as usize % size * 32;
            query.copy_from_slice(&bytes[at..at + 32]);
            // 0 to 31 flips in turn. Two flips of one bit cancel out, so the distance never exceeds
            // the radius.
            for _ in 0..i / 2 % (RADIUS as usize + 1) {
                let bit = next() % 256;
                query[bit as usize / 8] ^= 1 << (bit % 8);
            }
        } else {
            query.iter_mut().for_each(|b| *b = next() as u8);
        }
        asked.extend(query);
    }
    fs::write(entries, bytes)
        .and_then(|()| fs::write(queries, asked))
        .map_err(|e| e.to_string())
}
