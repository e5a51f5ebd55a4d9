//! The chain: parsing, ids, clusters, a whole index, one more block, a large site; measured against
//! `bitcoin`, maps in memory, plain union-find and, if its source is given, GraphSense's
//! clustering.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bench::{Report, cpu_of_children, memory_kib, spread};
use crate::{Done, cargo, must, root, setup, target};

// Odd, so that the middle value is the median.
const ROUNDS: usize = 5;
// The goal is 6 minutes for 100 million; a fifth is measured, which makes it 72 s.
const INPUTS: &str = "20000000";
// Addresses of the site: twice as many as in the goal, which is 60 s for 1,000,000.
const SITE: &str = "2000000";
/// How often a real block is parsed in one round.
const AGAIN: &str = "200";

const PEERS_MANIFEST: &str = r#"[package]
name = "chain-peers"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
bitcoin = "=0.32.7"

[features]
graphsense = []

[profile.release]
lto = true
codegen-units = 1
"#;

/// The same work by others: `bitcoin`'s decoder, a map in memory, union-find without a record of
/// its unions.
const PEERS: &str = r#"
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use bitcoin::consensus::Decodable as _;
#[cfg(feature = "graphsense")]
#[path = "../unionfind.rs"]
mod unionfind;

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit_once(')').unwrap().1.to_owned();
    let ticks = |n: usize| after.split_whitespace().nth(n).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}
#[derive(Default)]
struct AsItIs(u64);
impl Hasher for AsItIs {
    fn finish(&self) -> u64 { self.0 }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, n: u64) { self.0 = n }
}
fn block(bytes: &[u8]) -> usize {
    let block = bitcoin::Block::consensus_decode(&mut &bytes[..]).unwrap();
    for tx in &block.txdata { std::hint::black_box(tx.compute_txid()); }
    assert!(block.check_merkle_root());
    block.txdata.len()
}
fn words(path: &str) -> Vec<u32> {
    std::fs::read(path).unwrap().chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect()
}
fn clusters(root: impl Fn(usize) -> usize, n: usize) -> usize {
    let mut size = vec![0u32; n];
    for i in 0..n { size[root(i)] += 1; }
    size.iter().filter(|s| **s > 1).count()
}
fn main() {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let before = cpu();
    match all[0].as_str() {
        "again" => {
            let bytes = std::fs::read(&all[1]).unwrap();
            let times: u64 = all[2].parse().unwrap();
            let before = cpu();
            for _ in 0..times { block(&bytes); }
            println!("bytes {} cpu {:.2}", bytes.len() as u64 * times, cpu() - before);
        }
        "parse" => {
            let key = std::fs::read(format!("{}/xor.dat", all[1])).unwrap();
            let (mut bytes, mut transactions) = (0, 0);
            for n in 0.. {
                let Ok(mut data) = std::fs::read(format!("{}/blk{n:05}.dat", all[1])) else { break };
                for (i, b) in data.iter_mut().enumerate() { *b ^= key[i % 8]; }
                let mut rest = &data[..];
                while rest.len() > 88 && rest[..4] == [0xfa, 0xbf, 0xb5, 0xda] {
                    let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
                    transactions += block(&rest[8..8 + length]);
                    bytes += length;
                    rest = &rest[8 + length..];
                }
            }
            println!("bytes {bytes} transactions {transactions} cpu {:.2}", cpu() - before);
        }
        "ids" => {
            let met: Vec<u64> = std::fs::read(&all[1]).unwrap().chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect();
            let before = cpu();
            let mut ids: HashMap<u64, u32, BuildHasherDefault<AsItIs>> = HashMap::default();
            let mut of = Vec::with_capacity(met.len());
            for m in &met {
                let next = ids.len() as u32;
                of.push(*ids.entry(m | 1).or_insert(next));
            }
            println!("addresses {} cpu {:.2} bytes {:.1}", ids.len(), cpu() - before, ids.capacity() as f64 * 17.0 / ids.len() as f64);
        }
        "plain" => {
            let words = words(&all[1]);
            let before = cpu();
            let n = words[0] as usize;
            let mut up: Vec<u32> = (0..n as u32).collect();
            fn find(up: &mut [u32], mut x: u32) -> u32 {
                while up[x as usize] != x { let g = up[up[x as usize] as usize]; up[x as usize] = g; x = g; }
                x
            }
            let mut at = 1;
            while at < words.len() {
                let k = words[at] as usize;
                for j in 1..k {
                    let (a, b) = (find(&mut up, words[at + 1]), find(&mut up, words[at + 1 + j]));
                    if a != b { up[a.max(b) as usize] = a.min(b); }
                }
                at += 1 + k;
            }
            for i in 0..n as u32 { find(&mut up, i); }
            let took = cpu() - before;
            for i in 0..n as u32 { up[i as usize] = find(&mut up, i); }
            println!("clusters {} cpu {:.2}", clusters(|i| up[i] as usize, n), took);
        }
        #[cfg(feature = "graphsense")]
        "graphsense" => {
            let words = words(&all[1]);
            let before = cpu();
            let n = words[0] as usize;
            let forest = unionfind::MinUnionFind::new(n);
            let mut at = 1;
            while at < words.len() {
                let k = words[at] as usize;
                for j in 1..k { forest.unite(words[at + 1] as usize, words[at + 1 + j] as usize); }
                at += 1 + k;
            }
            let roots: Vec<u32> = (0..n).map(|i| forest.find(i) as u32).collect();
            let took = cpu() - before;
            println!("clusters {} cpu {:.2}", clusters(|i| roots[i] as usize, n), took);
        }
        _ => panic!(),
    }
}
"#;

/// Programs, and the folder they work in.
struct Tools {
    obhut: PathBuf,
    ours: PathBuf,
    peers: PathBuf,
    graphsense: bool,
    folder: PathBuf,
}

pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    let tools = tools()?;
    let say = |e: std::io::Error| e.to_string();
    let chain = tools.folder.join("chain");
    // The chain is kept between runs; seeds.json is written after its blocks.
    if !chain.join("seeds.json").exists() {
        let mut make = Command::new(&tools.obhut);
        make.args([
            "chain",
            "synthesize",
            "--inputs",
            INPUTS,
            "--site",
            SITE,
            "--out",
        ]);
        must(make.arg(&chain).stdout(Stdio::null()), "making a chain")?;
    }
    let blocks = chain.join("blocks");
    let blocks = blocks.to_str().ok_or("a strange path")?;
    parsing(report, &tools, blocks)?;
    let index = tools.folder.join("index");
    let index_text = index.to_str().ok_or("a strange path")?;
    building(report, &tools, blocks, &index)?;
    let (tied, met) = (tools.folder.join("tied"), tools.folder.join("met"));
    for (what, file) in [("dump", &tied), ("meetings", &met)] {
        let mut dump = Command::new(&tools.ours);
        must(dump.args([what, index_text]).arg(file), what)?;
    }
    ids(report, &tools, &met)?;
    clusters(report, &tools, &tied)?;
    for file in [tied, met] {
        fs::remove_file(file).map_err(say)?;
    }
    site(report, &tools, &chain, &index)?;
    appending(report, &tools, blocks, &index)
}

fn tools() -> Result<Tools, String> {
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let mut example = cargo();
    let of = ["--package", "obhut-chain", "--example", "chain_speed"];
    must(
        example.args(["build", "--release"]).args(of),
        "building the example",
    )?;
    let folder = target().join("bench/chain");
    let peers = folder.join("peers");
    let say = |e: std::io::Error| e.to_string();
    fs::create_dir_all(peers.join("src")).map_err(say)?;
    fs::write(peers.join("Cargo.toml"), PEERS_MANIFEST).map_err(say)?;
    fs::write(peers.join("src/main.rs"), PEERS).map_err(say)?;
    let mut build = cargo();
    // A separate target folder, even where CARGO_TARGET_DIR is set for the project.
    build.args(["build", "--release", "--quiet", "--target-dir"]);
    build.arg(peers.join("target")).current_dir(&peers);
    // GraphSense's crate is in no registry: OBHUT_GS_CLUSTERING names `rust/gs_clustering/src` of
    // its source.
    let graphsense = std::env::var_os("OBHUT_GS_CLUSTERING").map(PathBuf::from);
    if let Some(source) = &graphsense {
        fs::copy(source.join("unionfind.rs"), peers.join("unionfind.rs")).map_err(say)?;
        build.args(["--features", "graphsense"]);
    }
    must(&mut build, "building the peers")?;
    Ok(Tools {
        obhut: target().join("release/obhut"),
        ours: target().join("release/examples/chain_speed"),
        peers: peers.join("target/release/chain-peers"),
        graphsense: graphsense.is_some(),
        folder,
    })
}

/// Runs a program that prints names and numbers in alternation; returns its lines.
fn numbers(program: &Path, arguments: &[&str]) -> Result<Vec<String>, String> {
    let out = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| e.to_string())?;
    if !out.status.success() {
        return Err(format!(
            "{} {} failed",
            program.display(),
            arguments.join(" ")
        ));
    }
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

fn number(line: &str, name: &str) -> Result<f64, String> {
    let mut words = line.split_whitespace();
    words
        .by_ref()
        .find(|w| *w == name)
        .and_then(|_| words.next()?.parse().ok())
        .ok_or(format!("no {name} in: {line}"))
}

/// A peer's name, and a function that runs one round and returns the peer's rate.
type Peer<'a> = (&'a str, &'a mut dyn FnMut() -> Result<f64, String>);

/// Measures obhut and each peer in alternation. Reports obhut's rate, in the unit `of`, and its
/// ratio to each peer's rate; the raw rows have the peers' rates.
fn beside(
    report: &mut Report,
    what: &str,
    of: &str,
    mut ours: impl FnMut() -> Result<f64, String>,
    peers: &mut [Peer<'_>],
    wanted: &str,
) -> Done {
    let (mut own, mut ratios) = (Vec::new(), vec![Vec::new(); peers.len()]);
    for round in 1..=ROUNDS {
        let mine = ours()?;
        own.push(mine);
        let mut row = format!("{what}, round {round}: obhut {mine:.2} {of}");
        for ((name, peer), ratios) in peers.iter_mut().zip(&mut ratios) {
            let theirs = peer()?;
            ratios.push(mine / theirs);
            row += &format!(", {name} {theirs:.2}");
        }
        report.row(&row);
    }
    let told: Vec<String> = peers
        .iter()
        .zip(&mut ratios)
        .map(|((name, _), ratios)| format!("{name}: {}", spread(ratios)))
        .collect();
    report.result(
        what,
        &format!("{} {of}", spread(&mut own)),
        &told.join("; "),
        wanted,
    );
    Ok(())
}

fn parsing(report: &mut Report, tools: &Tools, blocks: &str) -> Done {
    let rate = |program: &Path, arguments: &[&str]| -> Result<f64, String> {
        let lines = numbers(program, arguments)?;
        let line = lines.first().ok_or("nothing printed")?;
        Ok(number(line, "bytes")? / number(line, "cpu")? / 1e6)
    };
    for name in ["mainnet_block_702861.raw", "mainnet_block_413567.raw"] {
        let file = root().join("../shared/data/bitcoin/blocks").join(name);
        if !file.exists() {
            report.row(&format!("not present: {name}"));
            continue;
        }
        let arguments = ["again", file.to_str().ok_or("a strange path")?, AGAIN];
        beside(
            report,
            &format!(
                "the real block {name} with undo data: transaction ids, Merkle root, rows, fingerprints (the peer without undo data, rows and fingerprints)"
            ),
            "MB a CPU-second",
            || rate(&tools.ours, &arguments),
            &mut [("bitcoin 0.32", &mut || rate(&tools.peers, &arguments))],
            "≥ 600",
        )?;
    }
    beside(
        report,
        "made-up blocks without signatures (150 bytes a transaction) from blk and rev files",
        "MB of blk a CPU-second",
        || rate(&tools.ours, &["parse", "regtest", blocks]),
        &mut [("bitcoin 0.32, without rev", &mut || {
            rate(&tools.peers, &["parse", blocks])
        })],
        "≥ 600, meant for real blocks",
    )
}

fn building(report: &mut Report, tools: &Tools, blocks: &str, index: &Path) -> Done {
    let text = index.to_str().ok_or("a strange path")?;
    let (mut ids, mut ties, mut bytes, mut walls) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        // An index that exists would be extended, not built.
        let _ = fs::remove_dir_all(index);
        let lines = numbers(&tools.ours, &["stages", "regtest", blocks, text, "2"])?;
        let stage = |name: &str| -> Result<&str, String> {
            let head = format!("stage {name} ");
            let line = lines.iter().find(|l| l.starts_with(&head));
            line.map(String::as_str).ok_or(format!("no stage {name}"))
        };
        let all = lines.last().ok_or("nothing printed")?;
        let (inputs, addresses) = (number(all, "inputs")?, number(all, "addresses")?);
        ids.push(inputs / number(stage("addresses")?, "cpu")? / 1e6);
        ties.push(inputs / number(stage("clusters")?, "cpu")? / 1e6);
        let most = ["addresses", "sources", "outputs", "clusters", "change"]
            .iter()
            .map(|s| number(stage(s)?, "anonymous"))
            .collect::<Result<Vec<f64>, String>>()?;
        // The stages report MiB.
        bytes.push(most.into_iter().fold(0.0, f64::max) * 1_048_576.0 / addresses);
        walls.push(number(all, "wall")?);
        for line in &lines {
            report.row(&format!(
                "index of {INPUTS} inputs, two threads, round {round}: {line}"
            ));
        }
    }
    report.result(
        "ids for inputs and outputs of 20 million inputs, sorted on disk, as part of a build",
        &format!("{} million inputs a CPU-second", spread(&mut ids)),
        "",
        "≥ 10",
    );
    report.result(
        "joins as part of a build, both layers, each join on record",
        &format!("{} million inputs a CPU-second", spread(&mut ties)),
        "",
        "≥ 30",
    );
    report.result(
        "memory that no file backs, after the blocks are read",
        &format!("{} bytes an address", spread(&mut bytes)),
        "",
        "≤ 24",
    );
    report.result(
        "20 million inputs, block files to index, two threads",
        &format!("{} s", spread(&mut walls)),
        "",
        "72 (6 minutes for 100 million)",
    );
    Ok(())
}

fn ids(report: &mut Report, tools: &Tools, met: &Path) -> Done {
    let met = met.to_str().ok_or("a strange path")?;
    for round in 1..=ROUNDS {
        for line in numbers(&tools.peers, &["ids", met])? {
            report.row(&format!(
                "the same ids by a map in memory, round {round}: {line}"
            ));
        }
    }
    Ok(())
}

fn clusters(report: &mut Report, tools: &Tools, tied: &Path) -> Done {
    // The file has four bytes a number; this is their count in millions.
    let inputs = fs::metadata(tied).map_err(|e| e.to_string())?.len() as f64 / 4e6;
    let file = tied.to_str().ok_or("a strange path")?;
    let found = std::cell::RefCell::new(Vec::new());
    let rate = |program: &Path, what: &str| -> Result<f64, String> {
        let lines = numbers(program, &[what, file])?;
        let line = lines.first().ok_or("nothing printed")?;
        found.borrow_mut().push(number(line, "clusters")?);
        Ok(inputs / number(line, "cpu")?)
    };
    let (mut plain, mut theirs) = (
        || rate(&tools.peers, "plain"),
        || rate(&tools.peers, "graphsense"),
    );
    let mut peers: Vec<Peer<'_>> = vec![("plain union-find", &mut plain)];
    if tools.graphsense {
        peers.push(("GraphSense gs_clustering", &mut theirs));
    }
    beside(
        report,
        "joins alone, of what is spent together, each join and each root on disk (the peers keep no record and write nothing)",
        "million numbers a CPU-second",
        || rate(&tools.ours, "cluster"),
        &mut peers,
        "≥ 30",
    )?;
    let found = found.into_inner();
    // Speed counts only if all find the same number of clusters.
    if found.windows(2).any(|w| w[0] != w[1]) {
        return Err(format!("the numbers of clusters differ: {found:?}"));
    }
    report.row(&format!(
        "all agree on {} clusters of two and more",
        found[0]
    ));
    Ok(())
}

fn site(report: &mut Report, tools: &Tools, chain: &Path, index: &Path) -> Done {
    let (mut walls, mut memory, mut told) = (Vec::new(), Vec::new(), String::new());
    for round in 1..=3 {
        let (begun, before) = (Instant::now(), cpu_of_children());
        let mut payers = Command::new(&tools.obhut);
        payers
            .args(["--json", "chain", "payers", "--index"])
            .arg(index)
            .arg("--seeds")
            .arg(chain.join("seeds.json"))
            .arg("--tags")
            .arg(chain.join("tags.csv"))
            .arg("--out")
            .arg(tools.folder.join("report"))
            .stdout(Stdio::piped());
        let mut child = payers.spawn().map_err(|e| e.to_string())?;
        let mut most = 0;
        // The memory has to be read while the command runs.
        while child.try_wait().map_err(|e| e.to_string())?.is_none() {
            most = most.max(memory_kib(child.id()));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let out = child.wait_with_output().map_err(|e| e.to_string())?;
        if !out.status.success() {
            return Err("payers failed".into());
        }
        let wall = begun.elapsed().as_secs_f64();
        walls.push(wall);
        memory.push(most as f64 / 1_048_576.0);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let known: serde_json::Value =
            serde_json::from_str(text.trim()).map_err(|e| e.to_string())?;
        told = format!(
            "{} addresses, {} payments",
            known["addresses"], known["payments"]
        );
        report.row(&format!(
            "site, round {round}: {told}, {wall:.1} s, {:.1} CPU-s, {:.2} GiB",
            cpu_of_children() - before,
            most as f64 / 1_048_576.0
        ));
    }
    report.result(
        &format!("a site of {told}: addresses, ways back, tables, page"),
        &format!("{} s, {} GiB", spread(&mut walls), spread(&mut memory)),
        "",
        "≤ 60 s for 1,000,000 addresses",
    );
    Ok(())
}

/// The offsets at which the records of a block file end. `key` is the mask in xor.dat, under which
/// the records are stored.
fn ends(data: &[u8], key: &[u8]) -> Vec<u64> {
    let plain = |at: usize| data[at] ^ key[at % 8];
    let (mut at, mut ends) = (0, Vec::new());
    while at + 8 <= data.len() && plain(at) == 0xfa {
        let size: [u8; 4] = std::array::from_fn(|n| plain(at + 4 + n));
        at += 8 + u32::from_le_bytes(size) as usize;
        ends.push(at as u64);
    }
    ends
}

fn appending(report: &mut Report, tools: &Tools, blocks: &str, index: &Path) -> Done {
    let say = |e: std::io::Error| e.to_string();
    let mut files: Vec<PathBuf> = fs::read_dir(blocks)
        .map_err(say)?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| {
            p.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("blk"))
        })
        .collect();
    files.sort();
    let last = files.last().ok_or("no block files")?;
    let data = fs::read(last).map_err(say)?;
    let ends = ends(
        &data,
        &fs::read(Path::new(blocks).join("xor.dat")).map_err(say)?,
    );
    let from = ends.len().checked_sub(ROUNDS + 1).ok_or("too few blocks")?;
    let index_with = |name: &str| {
        let mut run = Command::new(&tools.obhut);
        run.args([
            "chain",
            "index",
            "--network",
            "regtest",
            "--blocks",
            blocks,
            "--index",
        ]);
        run.arg(index).stdout(Stdio::null()).stderr(Stdio::null());
        must(&mut run, name)
    };
    // In a closure, because the last file has to be put back even if a step fails.
    let outcome = (|| {
        let _ = fs::remove_dir_all(index);
        // The chain ends a few blocks earlier, and then grows by one block in each round.
        fs::write(last, &data[..ends[from] as usize]).map_err(say)?;
        index_with("an index")?;
        let mut walls = Vec::new();
        for end in &ends[from + 1..] {
            fs::write(last, &data[..*end as usize]).map_err(say)?;
            let begun = Instant::now();
            index_with("a block more")?;
            walls.push(begun.elapsed().as_secs_f64());
            report.row(&format!("a block more: {:.2} s", walls[walls.len() - 1]));
        }
        report.result(
            "a block of 2,500 transactions more, with starting the program and opening the index",
            &format!("{} s", spread(&mut walls)),
            "",
            "≤ 1 s",
        );
        Ok(())
    })();
    fs::write(last, &data).map_err(say)?;
    outcome
}
