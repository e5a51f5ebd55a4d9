//! Measures the CPU seconds of each stage of a build, of parsing alone, and of clustering alone,
//! for `cargo xtask bench chain`, which runs peers on the same data.
//!
//! - `parse NETWORK BLOCKS`
//! - `again BLOCK.raw TIMES`: parses one real block, with undo data made up
//! - `stages NETWORK BLOCKS INDEX THREADS`
//! - `dump INDEX FILE`: writes the input addresses of each transaction that makes strong links
//! - `cluster FILE`: clusters what `dump` wrote
//! - `meetings INDEX FILE`: writes a fingerprint for each payer and payee; the lowest bit is set
//!   for a payee

use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use obhut_chain::{Build, Index, NETWORKS, Network, Progress, build, probes};

fn main() -> Result<(), Box<dyn Error>> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = all.iter().map(String::as_str).collect();
    match words[..] {
        ["parse", network, blocks] => parse(of(network)?, Path::new(blocks)),
        ["stages", network, blocks, index, threads] => stages(
            of(network)?,
            Path::new(blocks),
            Path::new(index),
            threads.parse()?,
        ),
        ["again", file, times] => again(Path::new(file), times.parse()?),
        ["dump", index, file] => dump(Path::new(index), Path::new(file)),
        ["meetings", index, file] => meetings(Path::new(index), Path::new(file)),
        ["cluster", file] => cluster(Path::new(file)),
        _ => Err("see the first lines of this file for what it does".into()),
    }
}

fn of(name: &str) -> Result<Network, String> {
    let mut all = NETWORKS.iter();
    all.find(|n| n.name() == name)
        .copied()
        .ok_or(format!("there is no network {name}"))
}

/// Processor seconds of this process so far.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name, which comes first in brackets, may itself contain spaces and brackets.
    let after = stat.rsplit_once(')').map_or("", |p| p.1);
    let ticks = |n: usize| -> f64 {
        let field = after.split_whitespace().nth(n);
        field.and_then(|f| f.parse().ok()).unwrap_or(0.0)
    };
    // User and system time, fields 14 and 15 of proc_pid_stat(5), in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

/// Anonymous memory of this process (`RssAnon`), MiB.
fn anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

fn parse(network: Network, blocks: &Path) -> Result<(), Box<dyn Error>> {
    let (begun, before) = (Instant::now(), cpu());
    let (bytes, transactions) = probes::parse(network, blocks)?;
    println!(
        "bytes {bytes} transactions {transactions} cpu {:.2} wall {:.2}",
        cpu() - before,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn again(file: &Path, times: u32) -> Result<(), Box<dyn Error>> {
    let block = fs::read(file)?;
    let (begun, before) = (Instant::now(), cpu());
    let bytes = probes::parse_again(&block, times).ok_or("the file isn't a single valid block")?;
    println!(
        "bytes {bytes} cpu {:.2} wall {:.2}",
        cpu() - before,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

#[derive(Default)]
struct Stages {
    all: Vec<(&'static str, f64, f64, u64)>,
}

fn stages(
    network: Network,
    blocks: &Path,
    index: &Path,
    threads: usize,
) -> Result<(), Box<dyn Error>> {
    let seen: Mutex<RefCell<Stages>> = Mutex::default();
    let begun = Instant::now();
    let note = |stage: &'static str| {
        let seen = seen.lock().expect("lock poisoned");
        let all = &mut seen.borrow_mut().all;
        let (cpu, wall) = (cpu(), begun.elapsed().as_secs_f64());
        match all.last_mut() {
            Some(last) if last.0 == stage => last.3 = last.3.max(anonymous()),
            _ => all.push((stage, cpu, wall, anonymous())),
        }
    };
    build(&Build {
        network,
        blocks,
        index,
        secret: [1, 2, 3, 5],
        threads,
        live: false,
        progress: &|p: Progress| note(p.stage),
    })?;
    // A stage ends where the next begins, so the last one needs an end.
    note("end");
    let seen = seen.into_inner().expect("lock poisoned").into_inner().all;
    for pair in seen.windows(2) {
        let ((name, cpu, wall, memory), next) = (pair[0], pair[1]);
        println!(
            "stage {name} cpu {:.2} wall {:.2} anonymous {memory}",
            next.1 - cpu,
            next.2 - wall
        );
    }
    let index = Index::open(index)?;
    let [transactions, inputs, outputs, addresses] = index.sizes();
    println!(
        "all cpu {:.2} wall {:.2} transactions {transactions} inputs {inputs} outputs {outputs} addresses {addresses}",
        cpu(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Writes the number of addresses, then for each transaction with a strong link the number of
/// linked inputs and their addresses.
fn dump(index: &Path, file: &Path) -> Result<(), Box<dyn Error>> {
    let index = Index::open(index)?;
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(file)?);
    out.write_all(&(index.sizes()[3] as u32).to_le_bytes())?;
    probes::linked_inputs(&index, |inputs| {
        let words = [inputs.len() as u32];
        words
            .iter()
            .chain(inputs)
            .try_for_each(|n| out.write_all(&n.to_le_bytes()))
    })?;
    out.flush()?;
    Ok(())
}

fn meetings(index: &Path, file: &Path) -> Result<(), Box<dyn Error>> {
    let index = Index::open(index)?;
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(file)?);
    probes::meetings(&index, |who, paid| {
        out.write_all(&(who & !1 | u64::from(paid)).to_le_bytes())
    })?;
    out.flush()?;
    Ok(())
}

fn cluster(file: &Path) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(file)?;
    let words: Vec<u32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|w| u32::from_le_bytes(*w))
        .collect();
    let (addresses, rows) = words.split_first().ok_or("the file is empty")?;
    let folder = file.with_extension("forest");
    fs::create_dir_all(&folder)?;
    let (begun, before) = (Instant::now(), cpu());
    let joins = probes::cluster(*addresses, rows, &folder)?;
    // The clock stops before the clusters are counted: the peers are measured without that too.
    let (cpu, wall) = (cpu() - before, begun.elapsed().as_secs_f64());
    let clusters = probes::clusters(*addresses, joins, &folder)?;
    println!("clusters {clusters} joins {joins} cpu {cpu:.2} wall {wall:.2}");
    fs::remove_dir_all(folder)?;
    Ok(())
}
