//! The server under load: digests matched and pictures screened, generator and server on the same
//! cores.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::{Report, spread};
use crate::load;
use crate::{Done, cargo, must, picture_maker, setup, target};

const ENTRIES: usize = 10_000_000;
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 8;
const MATCHES: usize = 20_000;
const SCREENINGS: usize = 400;
/// Screenings a second by HMA on one core, measured earlier on another machine
/// (docs/performance.md). HMA is not run here.
const HMA_SCREENINGS_PER_CORE: f64 = 5.6;

pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let obhut = target().join("release/obhut");
    let folder = target().join("bench/http");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let data = folder.join("data");
    let digests = list(&obhut, &data, &folder)?;
    let key = key(&obhut, &data)?;
    let serving = load::Serving::start(&obhut, &data, &[])?;
    report.row(&format!(
        "{ENTRIES} entries, {CONNECTIONS} connections, server and generator on the same cores"
    ));
    report.row(
        "| work | round | a second | median, ms | p99, ms | failed |\n|---|---|---|---|---|---|",
    );
    let ask = |n: usize| {
        let digest = &digests[n % digests.len()];
        let body = format!(r#"{{"digests":[{{"kind":"pdq","digest":"{digest}"}}]}}"#);
        load::post("/v1/match", &key, "application/json", body.as_bytes())
    };
    let (mut rates, mut p99s) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let run = load::run(&serving.address, CONNECTIONS, MATCHES, ask)?;
        print_row(report, "match, one digest a request", round, &run);
        rates.push(run.per_second);
        p99s.push(run.p99_ms);
    }
    let jpeg = jpeg(&folder)?;
    let mut screened = Vec::new();
    for round in 1..=ROUNDS {
        let run = load::run(&serving.address, 4, SCREENINGS, |_| {
            load::post("/v1/screen?surface=public", &key, "image/jpeg", &jpeg)
        })?;
        print_row(report, "screen, 1600×1004 JPEG", round, &run);
        screened.push(run.per_second);
    }
    let memory = crate::bench::memory_kib(serving.id()) / 1024;
    report.result(
        "HTTP match, one digest a request, 10⁷ entries",
        &format!(
            "{} a second, p99 {} ms, {memory} MiB",
            spread(&mut rates),
            spread(&mut p99s)
        ),
        "–",
        "≥ 4,000 a second, p99 ≤ 10 ms",
    );
    // HMA was measured with one worker, so obhut's rate is divided by this machine's cores.
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let of_hma = |r: &f64| r / cores / HMA_SCREENINGS_PER_CORE;
    let mut ratios: Vec<f64> = screened.iter().map(of_hma).collect();
    report.result(
        "HTTP screen of a 1600×1004 JPEG",
        &format!("{} a second", spread(&mut screened)),
        &format!(
            "{} of one core to HMA's {HMA_SCREENINGS_PER_CORE} (read, not run)",
            spread(&mut ratios)
        ),
        "≥ 8",
    );
    Ok(())
}

fn print_row(report: &mut Report, work: &str, round: usize, run: &load::Run) {
    report.row(&format!(
        "| {work} | {round} | {:.0} | {:.2} | {:.2} | {} |",
        run.per_second, run.median_ms, run.p99_ms, run.failed
    ));
}

/// Imports and signs a list of [`ENTRIES`] digests, unless an earlier run has done so. Returns the
/// digests to query, half of which are entries with some bits flipped.
fn list(obhut: &Path, data: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let (entries, queries) = (folder.join("entries.dat"), folder.join("queries.dat"));
    crate::bench_index::write_data(&entries, &queries, ENTRIES)?;
    // The entries come from a fixed seed, so a list of an earlier run holds the same ones.
    if !data.join("obhut.db").exists() {
        let csv = folder.join("list.csv");
        let bytes = fs::read(&entries).map_err(|e| e.to_string())?;
        let mut text = String::with_capacity(ENTRIES * 70);
        text += "kind,digest\n";
        for entry in bytes.chunks_exact(32) {
            text += "pdq,";
            text += &hex(entry);
            text += "\n";
        }
        fs::write(&csv, text).map_err(|e| e.to_string())?;
        let in_data = |arguments: &[&str]| {
            let mut command = Command::new(obhut);
            command
                .arg("--data")
                .arg(data)
                .args(arguments)
                .stdout(Stdio::null());
            must(&mut command, "making the list")
        };
        let csv = csv.to_string_lossy().into_owned();
        in_data(&[
            "list",
            "import",
            "--name",
            "bench",
            "--owner",
            "bench",
            "--purpose",
            "assessed",
            "--basis",
            "bench",
            &csv,
        ])?;
        // Two signatures; without them a match would have no effect.
        in_data(&["list", "sign", "bench", "--by", "Ada"])?;
        in_data(&["list", "sign", "bench", "--by", "Grace"])?;
    }
    let bytes = fs::read(&queries).map_err(|e| e.to_string())?;
    Ok(bytes.chunks_exact(32).map(hex).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn key(obhut: &Path, data: &Path) -> Result<String, String> {
    let made = Command::new(obhut)
        .arg("--data")
        .arg(data)
        .args(["key", "create", "--right", "screen", "--right", "findings"])
        .output()
        .map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
}

/// A JPEG as large as the one HMA was measured with, from the maker of the demo's pictures.
fn jpeg(folder: &Path) -> Result<Vec<u8>, String> {
    let maker = picture_maker()?;
    let mut make = Command::new(maker);
    make.arg(folder).args(["4", "0", "4", "1600", "1004"]);
    must(&mut make, "making a picture")?;
    let pictures = fs::read_dir(folder.join("pictures")).map_err(|e| e.to_string())?;
    let jpegs = pictures.flatten().map(|e| e.path());
    let first = jpegs
        .filter(|p| p.extension().is_some_and(|e| e == "jpg"))
        .min()
        .ok_or("no picture was made")?;
    fs::read(first).map_err(|e| e.to_string())
}
