//! Payments: rolling features of ten million transfers against Polars and DuckDB, the kernel alone,
//! pacs.008 from a file, live answers.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bench::{Report, spread};
use crate::{Done, cargo, load, must, setup, target};

// `synthesize` makes about a ninth more than it is asked for, which gives the ten million.
const TRANSFERS: &str = "9000000";
const ROUNDS: usize = 3;
const LIVE: usize = 40_000;
/// Transfers due a second in the steady run.
const STEADY: f64 = 5_000.0;
const CONNECTIONS: usize = 8;

/// The same features in Polars: Parquet in, rows out.
const POLARS: &str = r#"
import polars as pl, sys
d = pl.scan_parquet(sys.argv[1]).select("tx_id", "sender", "receiver", "ts", "amount")
d = d.with_columns(small=(pl.col("amount") <= 200).cast(pl.UInt32)).sort("sender", "ts")
def roll(days):
    return d.rolling(index_column="ts", period=f"{days}d", group_by="sender").agg(
        pl.len().alias(f"n_{days}d"), pl.col("amount").sum().alias(f"sum_{days}d"),
        pl.col("small").sum().alias(f"small_{days}d"), pl.col("receiver").n_unique().alias(f"recipients_{days}d"))
a, b = roll(30).collect(), roll(90).collect()
out = pl.concat([a, b.drop("sender", "ts")], how="horizontal")
out.write_parquet(sys.argv[2], compression="uncompressed")
print(out["recipients_30d"].sum(), out["n_90d"].sum())
"#;

/// The same features in DuckDB.
const DUCKDB: &str = r#"
import duckdb, sys
c = duckdb.connect()
c.execute("set threads=2")
c.execute("set enable_progress_bar=false")
def w(days):
    return f"(partition by sender order by ts range between interval '{days - 1} days 23 hours 59 minutes 59.999999 seconds' preceding and current row)"
def cols(days):
    n = f"w{days}"
    return f"count(*) over {n} n_{days}d, sum(amount) over {n} sum_{days}d, count(*) filter (amount <= 200) over {n} small_{days}d, count(distinct receiver) over {n} recipients_{days}d"
c.execute(f"copy (select tx_id, sender, {cols(30)}, {cols(90)} from read_parquet('{sys.argv[1]}') window w30 as {w(30)}, w90 as {w(90)}) to '{sys.argv[2]}' (format parquet, compression uncompressed)")
print(*c.execute(f"select sum(recipients_30d), sum(n_90d) from read_parquet('{sys.argv[2]}')").fetchone())
"#;

/// The sums of obhut's output, read with Polars.
const OURS: &str = r#"
import polars as pl, sys
d = pl.read_parquet(sys.argv[1], columns=["recipients_30d", "n_90d"])
print(d["recipients_30d"].cast(pl.Int64).sum(), d["n_90d"].cast(pl.Int64).sum())
"#;

pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let mut example = cargo();
    example.args([
        "build",
        "--release",
        "--package",
        "obhut-payments",
        "--example",
        "payments_kernel",
    ]);
    must(&mut example, "building the kernel's example")?;
    let obhut = target().join("release/obhut");
    let folder = target().join("bench/payments");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    features(report, &obhut, &folder)?;
    kernel(report)?;
    pacs(report, &obhut, &folder)?;
    live(report, &obhut, &folder)
}

// Long: the sequential steps of one benchmark or chore.
fn features(report: &mut Report, obhut: &Path, folder: &Path) -> Done {
    let python = setup::peers_python()?;
    let data = folder.join("made.parquet");
    if !data.exists() {
        let mut make = Command::new(obhut);
        make.args([
            "payments",
            "synthesize",
            "--transfers",
            TRANSFERS,
            "--seed",
            "7",
            "--out",
        ]);
        must(make.arg(&data), "making transfers")?;
    }
    report.row("| features, Parquet in and out | round | wall, s | CPU, s | peak, MiB | sums |\n|---|---|---|---|---|---|");
    let (mut ours, mut polars, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut memory = 0;
    let time = |report: &mut Report,
                name: &str,
                round: usize,
                program: &Path,
                arguments: &[&std::ffi::OsStr],
                out: &Path|
     -> Result<(f64, u64), String> {
        let begun = Instant::now();
        let before = crate::bench::cpu_of_children();
        let (peak, text) = peak_of(Command::new(program).args(arguments))?;
        let wall = begun.elapsed().as_secs_f64();
        let cpu = crate::bench::cpu_of_children() - before;
        // The sums are read outside the measured time.
        let sums = if name == "obhut" {
            let read = Command::new(&python).args(["-c", OURS]).arg(out).output();
            String::from_utf8_lossy(&read.map_err(|e| e.to_string())?.stdout)
                .trim()
                .to_owned()
        } else {
            text.trim().to_owned()
        };
        report.row(&format!(
            "| {name} | {round} | {wall:.2} | {cpu:.1} | {} | {sums} |",
            peak / 1024
        ));
        Ok((wall, peak / 1024))
    };
    for round in 1..=ROUNDS {
        let out = folder.join("obhut.parquet");
        let arguments = [
            "payments".as_ref(),
            "features".as_ref(),
            data.as_os_str(),
            "--out".as_ref(),
            out.as_os_str(),
        ];
        let (own, peak) = time(report, "obhut", round, obhut, &arguments, &out)?;
        memory = memory.max(peak);
        let out = folder.join("polars.parquet");
        let arguments = [
            "-c".as_ref(),
            POLARS.as_ref(),
            data.as_os_str(),
            out.as_os_str(),
        ];
        let (peer, _) = time(report, "Polars", round, &python, &arguments, &out)?;
        ours.push(own);
        polars.push(peer);
        ratios.push(peer / own);
    }
    // Once: the goal is set against the faster peer, which is Polars.
    let out = folder.join("duckdb.parquet");
    let arguments = [
        "-c".as_ref(),
        DUCKDB.as_ref(),
        data.as_os_str(),
        out.as_os_str(),
    ];
    let (duck, _) = time(report, "DuckDB", 1, &python, &arguments, &out)?;
    report.result(
        "rolling 30/90-day features of 10 million transfers, Parquet to Parquet",
        &format!("{} s, {memory} MiB", spread(&mut ours)),
        &format!(
            "{} of Polars ({} s); DuckDB took {duck:.0} s once",
            spread(&mut ratios),
            spread(&mut polars)
        ),
        "≥ 8 of the faster, ≤ 600 MB",
    );
    Ok(())
}

/// Runs a command to its end; returns its highest resident memory in KiB and what it printed.
fn peak_of(command: &mut Command) -> Result<(u64, String), String> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let mut stdout = child.stdout.take().ok_or("no pipe")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(&mut stdout, &mut text);
        text
    });
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        // VmHWM is the peak since the start, so the pause between two readings misses only the last
        // moments.
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let high = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
        peak = peak.max(high.unwrap_or(0));
        if let Some(done) = child.try_wait().map_err(|e| e.to_string())? {
            if !done.success() {
                return Err("a measured program failed".into());
            }
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok((peak, reading.join().unwrap_or_default()))
}

fn kernel(report: &mut Report) -> Done {
    let (mut features, mut monitor) = (Vec::new(), Vec::new());
    report.row("| kernel alone, one core | round | transfers a second |\n|---|---|---|");
    for round in 1..=ROUNDS {
        let out = Command::new(target().join("release/examples/payments_kernel"))
            .output()
            .map_err(|e| e.to_string())?;
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            let mut words = line.split(' ');
            let (name, rate) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            report.row(&format!("| {name} | {round} | {rate} |"));
            let rate = rate.parse::<f64>().unwrap_or(0.0) / 1e6;
            if name == "features" {
                &mut features
            } else {
                &mut monitor
            }
            .push(rate);
        }
    }
    report.result(
        "kernel, features of history grouped by sender, one core",
        &format!("{} million transfers/s", spread(&mut features)),
        "–",
        "≥ 5 million",
    );
    report.result(
        "kernel, every indicator in time order, one core",
        &format!("{} million transfers/s", spread(&mut monitor)),
        "–",
        "≥ 1 million",
    );
    Ok(())
}

fn pacs(report: &mut Report, obhut: &Path, folder: &Path) -> Done {
    let data = folder.join("made.xml");
    let mut make = Command::new(obhut);
    make.args([
        "payments",
        "synthesize",
        "--transfers",
        "300000",
        "--seed",
        "7",
        "--out",
    ]);
    must(make.arg(&data), "making a message")?;
    let n = fs::read_to_string(&data)
        .map_err(|e| e.to_string())?
        .matches("<CdtTrfTxInf>")
        .count();
    let mut rates = Vec::new();
    report.row(
        "| pacs.008 to features | round | CPU, s | transfers a CPU-second |\n|---|---|---|---|",
    );
    for round in 1..=ROUNDS {
        let before = crate::bench::cpu_of_children();
        let mut read = Command::new(obhut);
        read.args(["payments", "features"])
            .arg(&data)
            .arg("--out")
            .arg(folder.join("xml.parquet"));
        must(read.stderr(Stdio::null()), "reading a message")?;
        let cpu = crate::bench::cpu_of_children() - before;
        let rate = n as f64 / cpu;
        report.row(&format!(
            "| {n} transactions | {round} | {cpu:.2} | {rate:.0} |"
        ));
        rates.push(rate / 1e3);
    }
    report.result(
        "pacs.008.001.08 from a file, features and writing included",
        &format!("{} thousand transfers a CPU-second", spread(&mut rates)),
        "–",
        "≥ 150 thousand",
    );
    Ok(())
}

fn live(report: &mut Report, obhut: &Path, folder: &Path) -> Done {
    let data = folder.join("data");
    // With the journal of an earlier run, the server would treat the same ids as repeats.
    let _ = fs::remove_dir_all(&data);
    let made = Command::new(obhut)
        .arg("--data")
        .arg(&data)
        .args(["key", "create", "--right", "payments"])
        .output()
        .map_err(|e| e.to_string())?;
    let key = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let serving = load::Serving::start(obhut, &data, &["--payments"])?;
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_secs());
    report.row("| live, one transfer a request | round | a second | median, ms | p99, ms | failed |\n|---|---|---|---|---|---|");
    let (mut rates, mut p99s, mut steady) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..5 {
        let ask = |half: usize, n: usize| {
            // From 80 to 10 days ago, in order: a payment dated over a day ago is never held.
            let at = now - 80 * 86_400 + ((2 * round + half) * LIVE + n) as u64 * 15;
            let body = format!(
                r#"{{"tx_id":"{round}-{half}-{n}","sender":"s{}","receiver":"r{}","ts":"{at}","amount":"{}.00","currency":"EUR","src_country":"DE","dst_country":"PH"}}"#,
                n * 7919 % 9_000,
                n * 104_729 % 25_000,
                20 + n % 90
            );
            load::post("/v1/payments", &key, "application/json", body.as_bytes())
        };
        let run = load::run(&serving.address, CONNECTIONS, LIVE, |n| ask(0, n))?;
        report.row(&format!(
            "| {CONNECTIONS} connections | {round} | {:.0} | {:.2} | {:.2} | {} |",
            run.per_second, run.median_ms, run.p99_ms, run.failed
        ));
        rates.push(run.per_second);
        p99s.push(run.p99_ms);
        // Then at the rate of the goal, with each request timed from when it was due.
        let steadily = |n: usize| ask(1, n);
        let run = load::run_paced(&serving.address, CONNECTIONS, LIVE, STEADY, steadily)?;
        report.row(&format!(
            "| {CONNECTIONS} connections, {STEADY:.0} a second due | {round} | {:.0} | {:.2} | {:.2} | {} |",
            run.per_second, run.median_ms, run.p99_ms, run.failed
        ));
        steady.push(run.p99_ms);
    }
    report.result(
        "live: POST /v1/payments, journal included, generator on the same cores",
        &format!(
            "{} a second, p99 {} ms; at a steady {STEADY:.0} a second p99 {} ms",
            spread(&mut rates),
            spread(&mut p99s),
            spread(&mut steady)
        ),
        "–",
        "5,000 a second, p99 ≤ 2 ms",
    );
    Ok(())
}
