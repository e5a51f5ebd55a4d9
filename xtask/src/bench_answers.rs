//! Whether the time of an answer says that an upload matched: as many uploads that are held as not,
//! sent to the hook for nginx.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::Report;
use crate::load;
use crate::{Done, cargo, must, picture_maker, setup, target};

/// Pictures on the list, and as many that aren't.
const PICTURES: usize = 200;
/// Different accounts that upload.
const ACCOUNTS: usize = 500;
/// Connections, uploads of each kind, and whether each has other bytes.
const RUNS: [(usize, usize, bool); 4] = [
    (1, 1_000, true),
    (4, 5_000, true),
    (8, 10_000, true),
    (8, 10_000, false),
];
/// How many times of one kind are averaged, as by an uploader who sends the same upload again.
const REPEATS: usize = 20;

pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut", "--bins"]),
        "building obhut",
    )?;
    let obhut = target().join("release/obhut");
    let folder = target().join("bench/answers");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    }
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let [listed, others] = pictures(&folder)?;
    let in_data = |arguments: &[&str]| -> Result<String, String> {
        let made = Command::new(&obhut)
            .arg("--data")
            .arg(folder.join("data"))
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| e.to_string())?;
        if !made.status.success() {
            return Err(format!("obhut {} failed", arguments[0]));
        }
        Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
    };
    list(&in_data, &folder)?;
    let key = in_data(&["key", "create", "--right", "screen"])?;
    let serving = load::Serving::start(&obhut, &folder.join("data"), &[])?;
    report.row("| connections | uploads of each kind | bytes | median, ms: passed | held | p99: passed | held | AUC, single | AUC, means of 20 | AUC, the request after a match | failed |\n|---|---|---|---|---|---|---|---|---|---|---|");
    for (number, (connections, each, fresh)) in RUNS.into_iter().enumerate() {
        let (times, failed) = load::timed(
            &serving.address,
            connections,
            each * 2,
            f64::INFINITY,
            |n| {
                let from = if is_held(n) { &listed } else { &others };
                let own = if fresh { n + number * 100_000 } else { 0 };
                request(&key, n, &with_comment(&from[n % from.len()], own))
            },
        )?;
        let rated = rate(times);
        report.row(&format!(
            "| {connections} | {each} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.3} | {:.3} | {:.3} | {failed} |",
            if fresh { "fresh" } else { "repeated" },
            rated.medians[0], rated.medians[1], rated.p99s[0], rated.p99s[1],
            rated.single, rated.means, rated.after,
        ));
        report.result(
            &format!(
                "time of an answer, {connections} connections, {} bytes",
                if fresh { "fresh" } else { "repeated" }
            ),
            &format!(
                "AUC {:.3}, means of {REPEATS} {:.3}, after a match {:.3}; median {:.0} ms",
                rated.single, rated.means, rated.after, rated.medians[0]
            ),
            "–",
            "0.45 to 0.55 each; ≤ 100 ms",
        );
    }
    Ok(())
}

/// Whether the upload with that number is on the list. Without a period, so that nothing else that
/// repeats can follow it.
fn is_held(n: usize) -> bool {
    // SplitMix64's mixing (Steele, Lea and Flood 2014), one bit of it.
    let mut z = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) & 1 == 1
}

struct Rated {
    /// Of passed and of held uploads.
    medians: [f64; 2],
    p99s: [f64; 2],
    single: f64,
    means: f64,
    after: f64,
}

fn rate(times: Vec<(usize, f64)>) -> Rated {
    let times: BTreeMap<usize, f64> = times.into_iter().collect();
    let of = |held: bool| -> Vec<f64> {
        let these = times.iter().filter(|(n, _)| is_held(**n) == held);
        these.map(|(_, ms)| *ms).collect()
    };
    let (passed, held) = (of(false), of(true));
    let means = |of: &[f64]| -> Vec<f64> {
        let groups = of.chunks_exact(REPEATS);
        groups
            .map(|g| g.iter().sum::<f64>() / REPEATS as f64)
            .collect()
    };
    // Passed uploads only, by what was sent just before.
    let after = |matched: bool| -> Vec<f64> {
        let these = times
            .iter()
            .filter(|(n, _)| **n > 0 && !is_held(**n) && is_held(**n - 1) == matched);
        these.map(|(_, ms)| *ms).collect()
    };
    Rated {
        single: auc(&passed, &held),
        means: auc(&means(&passed), &means(&held)),
        after: auc(&after(false), &after(true)),
        medians: [at(&passed, 50), at(&held, 50)],
        p99s: [at(&passed, 99), at(&held, 99)],
    }
}

fn at(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * percent / 100]
}

/// The chance that one of `high` is above one of `low`; equal ones count half.
fn auc(low: &[f64], high: &[f64]) -> f64 {
    let mut low = low.to_vec();
    low.sort_by(f64::total_cmp);
    let wins: usize = high
        .iter()
        .map(|h| low.partition_point(|l| l < h) + low.partition_point(|l| l <= h))
        .sum();
    wins as f64 / 2.0 / low.len() as f64 / high.len() as f64
}

fn request(key: &str, n: usize, picture: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST /v1/hooks/nginx?surface=public&pass=@app&hold=@held HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nObhut-Account: account{}\r\nObhut-Upload: {{\"ip\":\"192.0.2.7\"}}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        n / 7 % ACCOUNTS,
        picture.len()
    )
    .into_bytes();
    bytes.extend(picture);
    bytes
}

/// The JPEG with a comment after its first marker: other bytes, the same picture, the same length
/// for each number.
fn with_comment(jpeg: &[u8], number: usize) -> Vec<u8> {
    let comment = format!("{number:010}");
    let mut bytes = jpeg[..2].to_vec();
    // COM and its length, which counts itself (ITU-T T.81, B.2.4.5).
    bytes.extend([0xff, 0xfe, 0, comment.len() as u8 + 2]);
    bytes.extend(comment.as_bytes());
    bytes.extend(&jpeg[2..]);
    bytes
}

/// JPEGs that are going to be on the list, and others.
fn pictures(folder: &Path) -> Result<[Vec<Vec<u8>>; 2], String> {
    let maker = picture_maker()?;
    let mut make = Command::new(maker);
    let numbers = [PICTURES, 0, PICTURES, 330, 330].map(|n| n.to_string());
    make.arg(folder).args(numbers);
    must(&mut make, "making pictures")?;
    let read = |name: &str| -> Result<Vec<Vec<u8>>, String> {
        let files = fs::read_dir(folder.join(name)).map_err(|e| e.to_string())?;
        let mut paths: Vec<_> = files.flatten().map(|e| e.path()).collect();
        paths.sort();
        let all = paths.iter().map(fs::read).collect::<Result<Vec<_>, _>>();
        let jpegs = all.map_err(|e| e.to_string())?;
        // Others may have another format.
        Ok(jpegs
            .into_iter()
            .filter(|b| b.starts_with(&[0xff, 0xd8]))
            .collect())
    };
    Ok([read("originals")?, read("pictures")?])
}

/// A list of the originals' digests, signed by two.
fn list(in_data: &impl Fn(&[&str]) -> Result<String, String>, folder: &Path) -> Result<(), String> {
    let originals = folder.join("originals").display().to_string();
    let mut csv = "kind,digest\n".to_owned();
    for line in in_data(&["hash", "--kind", "pdq", "--json", &originals])?.lines() {
        let hashed: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let digest = hashed["digest"].as_str().ok_or("no digest")?;
        csv += &format!("pdq,{digest}\n");
    }
    let path = folder.join("list.csv");
    fs::write(&path, csv).map_err(|e| e.to_string())?;
    let path = path.display().to_string();
    let import = ["list", "import", "--name", "bench", "--owner", "bench"];
    let purpose = ["--purpose", "assessed", "--basis", "bench", &path];
    in_data(&[&import[..], &purpose[..]].concat())?;
    in_data(&["list", "sign", "bench", "--by", "Ada"])?;
    in_data(&["list", "sign", "bench", "--by", "Grace"])?;
    Ok(())
}
