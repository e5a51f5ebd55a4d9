//! Benchmarks intake: how long a million incoming reports take to be deduplicated, linked and
//! ranked on this machine, and whether the planted ones, in which a child is in danger, come first.
//!
//! No open-source peer does this. The planted reports carry tags, risks and incident types that our rules read, so the share
//! found says that the order holds under load and duplicates, not that the rules are right.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bench::Report;
use crate::{Done, cargo, must, setup, target};

const REPORTS: u64 = 1_000_000;
/// One in this many is planted at risk. Our judgement.
const PLANTED_EVERY: u64 = 400;

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        // xorshift64* with Vigna's constants: the same million reports on every machine.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 20) % n
    }

    fn hex(&mut self, len: usize) -> String {
        (0..len)
            .map(|_| char::from_digit(self.below(16) as u32, 16).unwrap_or('0'))
            .collect()
    }
}

// Long: the steps of one benchmark, in order.
pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let obhut = target().join("release/obhut");
    let folder = target().join("bench/intake");
    // With the database of an earlier run, all reports would be duplicates.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let (files, planted) = generate(&folder)?;
    let bytes: u64 = files
        .iter()
        .filter_map(|f| fs::metadata(f).ok())
        .map(|m| m.len())
        .sum();
    report.row(&format!(
        "{REPORTS} reports in {} files, {} MB; {} planted at risk",
        files.len(),
        bytes / 1_000_000,
        planted.len()
    ));
    let data = folder.join("data");
    let begun = Instant::now();
    let out = Command::new(&obhut)
        .arg("--data")
        .arg(&data)
        .args(["intake", "--json"])
        .args(&files)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| e.to_string())?;
    let took = begun.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    if !out.status.success() {
        return Err(said);
    }
    report.row(&format!("{took:.0} s: {}", said.trim()));
    let first = queue(&obhut, &data, REPORTS / 100)?;
    // Twice, because a queue whose order changes between two looks cannot be worked through.
    let again = queue(&obhut, &data, REPORTS / 100)?;
    let found = first.iter().filter(|id| planted.contains(*id)).count();
    let share = 100.0 * found as f64 / planted.len() as f64;
    report.row(&format!(
        "{found} of {} planted in the first 1 %; order reproducible: {}",
        planted.len(),
        first == again
    ));
    let size = fs::metadata(data.join("obhut.db")).map_or(0, |m| m.len());
    report.row(&format!("database {} MB", size / 1_000_000));
    report.result(
        "1,000,000 incoming reports deduplicated, linked, ranked, on disk",
        &format!("{:.1} min", took / 60.0),
        "no peer",
        "≤ 10 min on two cores",
    );
    report.result(
        "planted at-risk reports in the first 1 % of the queue",
        &format!("{share:.1} %"),
        "no peer",
        "≥ 95 %",
    );
    let one = Instant::now();
    fs::write(
        folder.join("one.json"),
        r#"{"account": "late", "tags": ["sextortion"]}"#,
    )
    .map_err(|e| e.to_string())?;
    must(
        Command::new(&obhut)
            .arg("--data")
            .arg(&data)
            .args(["intake"])
            .arg(folder.join("one.json"))
            .stdout(Stdio::null()),
        "one more",
    )?;
    report.result(
        "one more report beside a million, process start included",
        &format!("{:.2} s", one.elapsed().as_secs_f64()),
        "no peer",
        "–",
    );
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

fn queue(
    obhut: &std::path::Path,
    data: &std::path::Path,
    rows: u64,
) -> Result<Vec<String>, String> {
    let mut child = Command::new(obhut)
        .arg("--data")
        .arg(data)
        .args(["intake", "--json", "--queue", &rows.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
    let mut ids = Vec::new();
    for line in lines {
        let row: serde_json::Value =
            serde_json::from_str(&line.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        ids.push(row["id"].as_str().unwrap_or_default().to_owned());
    }
    child.wait().map_err(|e| e.to_string())?;
    Ok(ids)
}

/// Writes the reports to two files: half are forms in JSON, one per line, half are CyberTipline XML
/// in one element. Some pictures are shared by more than a thousand reports each, some accounts
/// upload again, some reports come twice. Returns the paths and the ids of the planted reports.
// Long: writes two files, one after the other.
fn generate(
    folder: &std::path::Path,
) -> Result<(Vec<std::path::PathBuf>, std::collections::HashSet<String>), String> {
    let say = |e: std::io::Error| e.to_string();
    let mut chance = Chance(20_261_122);
    let mut planted = std::collections::HashSet::new();
    // In general circulation: once fifty reports share a value, it must link no further ones.
    let viral: Vec<String> = (0..200).map(|_| chance.hex(64)).collect();
    let paths = [folder.join("a.jsonl"), folder.join("b.xml")];
    let mut lines = BufWriter::new(fs::File::create(&paths[0]).map_err(say)?);
    let mut last = String::new();
    for n in 0..REPORTS / 2 {
        if n > 0 && chance.below(20) == 0 {
            // Sent twice.
            writeln!(lines, "{last}").map_err(say)?;
            continue;
        }
        last.clear();
        let account = chance.below(REPORTS / 3);
        let pdq = if chance.below(3) == 0 {
            viral[chance.below(200) as usize].clone()
        } else {
            chance.hex(64)
        };
        let text = "x".repeat(200 + chance.below(800) as usize);
        let at_risk = chance.below(PLANTED_EVERY) == 0;
        let tags = match at_risk {
            true => [
                r#", "tags": ["sextortion"], "risks": ["self-harm"]"#,
                r#", "risks": ["live-stream", "payment-in-advance"]"#,
                r#", "incident": "molestation", "risks": ["access-to-child"]"#,
            ][chance.below(3) as usize],
            false => [
                "",
                "",
                "",
                r#", "tags": ["solicitation"]"#,
                r#", "tags": ["spam"]"#,
            ][chance.below(5) as usize],
        };
        let _ = write!(
            last,
            r#"{{"number": "f-{n}", "account": "u{account}", "service": "chat", "occurred_at": "2026-01-0{}T00:00:00Z", "url": "https://example.com/{n}", "explanation": "{text}", "files": [{{"pdq": "{pdq}", "sha256": "{pdq}"}}]{tags}}}"#,
            1 + chance.below(9)
        );
        writeln!(lines, "{last}").map_err(say)?;
        // Ids are given in the order of intake, and every turn of this loop writes one line.
        if at_risk {
            planted.insert(format!("in-{}", n + 1));
        }
    }
    lines.flush().map_err(say)?;
    let mut xml = BufWriter::new(fs::File::create(&paths[1]).map_err(say)?);
    writeln!(xml, "<?xml version=\"1.0\"?><reports>").map_err(say)?;
    for n in REPORTS / 2..REPORTS {
        let account = chance.below(REPORTS / 3);
        let sha = if chance.below(3) == 0 {
            viral[chance.below(200) as usize].clone()
        } else {
            chance.hex(64)
        };
        let at_risk = chance.below(PLANTED_EVERY) == 0;
        let (kind, more, tag) = match (at_risk, chance.below(2)) {
            (true, 0) => (
                "Online Enticement of Children for Sexual Acts",
                "<escalateToHighPriority>on the way</escalateToHighPriority>",
                "<reportAnnotations><sextortion/></reportAnnotations>",
            ),
            (true, _) => (
                "Child Sex Trafficking",
                "",
                "<reportAnnotations><sadisticOnlineExploitation/></reportAnnotations>",
            ),
            (false, 0) => (
                "Child Pornography (possession, manufacture, and distribution)",
                "",
                "<reportAnnotations><csamSolicitation/></reportAnnotations>",
            ),
            (false, _) => (
                "Child Pornography (possession, manufacture, and distribution)",
                "",
                "",
            ),
        };
        let text = "y".repeat(200 + chance.below(800) as usize);
        writeln!(xml, "<report><incidentSummary><incidentType>{kind}</incidentType>{more}{tag}<incidentDateTime>2026-01-01T00:{:02}:{:02}Z</incidentDateTime></incidentSummary><internetDetails><webPageIncident><url>https://example.com/{n}</url></webPageIncident></internetDetails><reporter><reportingPerson><email>t@example.com</email></reportingPerson></reporter><personOrUserReported><espIdentifier>u{account}</espIdentifier><espService>chat</espService><ipCaptureEvent><ipAddress>192.0.2.1</ipAddress></ipCaptureEvent></personOrUserReported><additionalInfo>{text}</additionalInfo></report><fileDetails><reportId>{n}</reportId><fileId>a</fileId><originalFileHash hashType=\"SHA256\">{sha}</originalFileHash></fileDetails>", chance.below(60), chance.below(60)).map_err(say)?;
        // The second file comes after the first, so numbers and ids go on in step.
        if at_risk {
            planted.insert(format!("in-{}", n + 1));
        }
    }
    writeln!(xml, "</reports>").map_err(say)?;
    xml.flush().map_err(say)?;
    Ok((paths.to_vec(), planted))
}
