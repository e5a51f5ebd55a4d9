//! Does the main job on generated, harmless pictures: list, match, case, decision, exhibit, report,
//! verification. Also scans made-up payments, and ends with a table of results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use serde_json::Value;

use crate::{Done, cargo, must, picture_maker, root, setup, target};

const ORIGINALS: u32 = 20;
// Four copies for each of the ten kinds of edit that demo_pictures makes.
const EDITS: u32 = 40;
const FILES: u32 = 500;
const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// The binary with a data folder of the demo's own.
struct Obhut {
    program: PathBuf,
    data: PathBuf,
}

impl Obhut {
    fn run(&self, arguments: &[&str]) -> Result<Output, String> {
        let mut command = Command::new(&self.program);
        command
            .arg("--data")
            .arg(&self.data)
            .arg("--json")
            .args(arguments);
        // The caller's own database must not get into the demo.
        command
            .env_remove("OBHUT_DATABASE")
            .env_remove("OBHUT_DATA");
        command.output().map_err(|e| format!("obhut: {e}"))
    }

    /// Every line of the answer as JSON; fails with the message of the binary.
    fn json(&self, arguments: &[&str]) -> Result<Vec<Value>, String> {
        println!("  $ obhut {}", shown(arguments));
        let output = self.run(arguments)?;
        if !output.status.success() {
            return Err(format!(
                "obhut {}: {}",
                shown(arguments),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        lines(&output)
    }
}

fn lines(output: &Output) -> Result<Vec<Value>, String> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|e| format!("not JSON: {e}")))
        .collect()
}

fn shown(arguments: &[&str]) -> String {
    let root = root();
    let short = |a: &str| a.replace(&format!("{}/", root.display()), "");
    arguments
        .iter()
        .map(|a| {
            if a.contains(' ') {
                format!("'{}'", short(a))
            } else {
                short(a)
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

// Long: the demo's steps, one after another.
pub fn run() -> Done {
    setup::for_demo()?;
    println!("building …");
    must(
        cargo().args(["build", "--package", "obhut"]),
        "building obhut",
    )?;
    let maker = picture_maker()?;

    let folder = target().join("demo");
    // Lists and cases of an earlier run would mix with those of this one.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let obhut = Obhut {
        program: target().join("debug/obhut"),
        data: folder.join("data"),
    };
    let mut table: Vec<(&str, String)> = Vec::new();

    println!(
        "\n1. {ORIGINALS} harmless pictures, {EDITS} edited copies of them among {FILES} files"
    );
    let numbers = [ORIGINALS, EDITS, FILES - EDITS, WIDTH, HEIGHT].map(|n| n.to_string());
    must(
        Command::new(maker).arg(&folder).args(&numbers),
        "making pictures",
    )?;
    let pictures = folder.join("pictures");
    let manifest = read_manifest(&folder.join("manifest.tsv"))?;

    println!("\n2. A list of the originals' digests, imported and signed by two people");
    let originals = digests(&obhut, &folder.join("originals"))?;
    let list = folder.join("list.csv");
    let mut csv = "kind,digest,category_scale,category,entry_id\n".to_owned();
    for (name, (digest, _)) in &originals {
        csv += &format!("pdq,{digest},demo,harmless,{name}\n");
    }
    fs::write(&list, csv).map_err(|e| e.to_string())?;
    let list = list.display().to_string();
    obhut.json(&[
        "list",
        "import",
        "--name",
        "demo",
        "--owner",
        "Demo Hotline",
        "--purpose",
        "assessed",
        "--basis",
        "generated pictures, no legal basis needed",
        &list,
    ])?;
    for person in ["Ada (scripted)", "Grace (scripted)"] {
        obhut.json(&["list", "sign", "demo", "--by", person])?;
    }
    table.push((
        "list",
        format!("{} digests, signed by two scripted people", originals.len()),
    ));

    println!("\n3. The folder is screened");
    let started = Instant::now();
    let screened = obhut.json(&["screen", &pictures.display().to_string()])?;
    let seconds = started.elapsed().as_secs_f64();
    table.push((
        "screened",
        format!(
            "{} files in {seconds:.1} s (test build, with the database)",
            screened.len()
        ),
    ));
    let found = compare(&obhut, &manifest, &screened, &originals, &pictures)?;
    table.push((
        "found",
        format!(
            "{} of {EDITS} edits, {} bits at most",
            found.hits, found.farthest
        ),
    ));
    table.push(("missed", found.missed));
    table.push((
        "false positives",
        format!("{} of {} others", found.false_hits, FILES - EDITS),
    ));

    println!("\n4. A case was opened; a person decides");
    let cases = obhut.json(&["case", "list"])?;
    let case = cases
        .first()
        .map(|c| text(c, "id").to_owned())
        .ok_or("no case was opened")?;
    let detail = obhut.json(&["case", "show", &case])?.remove(0);
    let first = detail["findings"]
        .get(0)
        .ok_or("the case has no finding")?
        .clone();
    let file = text(&first, "name").to_owned();
    let put = obhut
        .json(&[
            "vault",
            "put",
            "--case",
            &case,
            "--by",
            "Rita (scripted)",
            &file,
        ])?
        .remove(0);
    let exhibit = text(&put, "exhibit").to_owned();
    let view = folder.join("viewed-by-rita");
    obhut.json(&[
        "vault",
        "get",
        &exhibit,
        "--by",
        "Rita (scripted)",
        "--purpose",
        "decision",
        "--seen",
        "whole",
        "--out",
        &view.display().to_string(),
    ])?;
    // Compared byte by byte, because sealing must not change evidence.
    let same = fs::read(&view).ok() == fs::read(&file).ok();
    // An opened exhibit must not be left outside the vault, even in a demo.
    let _ = fs::remove_file(&view);
    if !same {
        return Err("the exhibit that came out is not the file that went in".into());
    }
    let decision = obhut
        .json(&[
            "case",
            "decide",
            &case,
            "--by",
            "Rita (scripted)",
            "--ruling",
            "report",
            "--grounds",
            "demo: an edit of a listed picture",
        ])?
        .remove(0);
    table.push(("case", format!("{case}, {} files", detail["files"])));
    table.push((
        "decision",
        format!(
            "{} by {}",
            text(&decision, "ruling"),
            text(&decision, "name")
        ),
    ));
    table.push(("exhibit", format!("{exhibit}, sealed, read once, logged")));

    println!("\n5. The report as CyberTipline XML; nothing is sent");
    obhut.json(&[
        "settings",
        "reporter",
        "--first-name",
        "Olga",
        "--last-name",
        "Demo",
        "--email",
        "olga@example.com",
    ])?;
    let facts = folder.join("facts.json");
    let known = r#"{"places": [{"place": "web-page", "urls": ["https://example.com/demo"]}], "reported": {"id": "demo-account"}}"#;
    fs::write(&facts, known).map_err(|e| e.to_string())?;
    obhut.json(&[
        "case",
        "facts",
        &case,
        "--from",
        &facts.display().to_string(),
    ])?;
    let xml = folder.join("report.xml");
    obhut.json(&[
        "report",
        "draft",
        &case,
        "--destination",
        "ncmec",
        "--out",
        &xml.display().to_string(),
    ])?;
    table.push(("report", validate(&xml)?));

    println!("\n6. The vault is verified; then one byte of it is changed");
    let before = obhut.json(&["vault", "verify"])?.remove(0);
    if before["ok"] != Value::Bool(true) {
        return Err(format!("the untouched vault does not verify: {before}"));
    }
    let problem = change_one_byte(&obhut, &exhibit)?;
    table.push((
        "vault",
        format!("verified; after one changed byte: \"{problem}\""),
    ));

    published(&obhut, &folder)?;

    println!("\n8. Made-up payments, some of them planted as payments for live-streamed abuse");
    table.push(("payments", payments(&obhut, &folder)?));

    println!("\n{:<14} Result", "Step");
    for (what, came) in &table {
        println!("{what:<14} {came}");
    }
    println!(
        "\nEverything is in {}. Look at the list and the pictures, or continue with `obhut --data {} case list`.",
        folder.display(),
        obhut.data.display()
    );
    // After the table, so that a failure can be looked at.
    if found.false_hits > 0 || found.hits == 0 {
        return Err("the demo found what it should not have, or nothing".into());
    }
    Ok(())
}

/// Scans made-up transfers and records their alerts; returns a summary.
fn payments(obhut: &Obhut, folder: &Path) -> Result<String, String> {
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (made, labels, alerts) = (file("made.csv"), file("planted.csv"), file("alerts.jsonl"));
    let make = [
        "payments",
        "synthesize",
        "--out",
        &made,
        "--labels",
        &labels,
        "--transfers",
        "50000",
        "--planted",
        "600",
    ];
    obhut.json(&make)?;
    obhut.json(&["payments", "scan", &made, "--out", &alerts, "--open-cases"])?;
    let say = |e: std::io::Error| e.to_string();
    let planted = fs::read_to_string(&labels).map_err(say)?;
    let planted: Vec<&str> = planted
        .lines()
        .filter_map(|l| l.split_once(",osec").map(|p| p.0))
        .collect();
    let said = fs::read_to_string(&alerts).map_err(say)?;
    let said: Vec<Value> = said
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .collect();
    // As many alerts as there are planted buyers: with a perfect order all of them would be buyers.
    let first: Vec<&Value> = said.iter().take(planted.len()).collect();
    let found = first
        .iter()
        .filter(|a| planted.contains(&text(a, "party")))
        .count();
    let victims = obhut.json(&["payments", "alerts", "--victims"])?.len();
    Ok(format!(
        "{} alerts in 50,000 artificial transfers; of the first {}, {found} are planted buyers; {victims} in the queue of possible victims",
        said.len(),
        first.len()
    ))
}

/// Checks PDQ on the media that Meta publishes for testing its hashes, if they are present: the
/// digest of one photo must match its edits and colour modes, and no other motif.
fn published(obhut: &Obhut, folder: &Path) -> Done {
    let media = root().join("../shared/data/media/pdq");
    if !media.exists() {
        return Ok(());
    }
    println!(
        "\n7. Published test media: one photo's digest against its edits, colour modes and other motifs"
    );
    let original = media.join("bridge-mods/aaa-orig.jpg").display().to_string();
    let line = obhut.json(&["hash", "--kind", "pdq", &original])?.remove(0);
    let list = folder.join("bridge.csv");
    fs::write(
        &list,
        format!("kind,digest\npdq,{}\n", text(&line, "digest")),
    )
    .map_err(|e| e.to_string())?;
    let (mods, others) = (
        media.join("bridge-mods").display().to_string(),
        media.join("misc-images").display().to_string(),
    );
    let lines = obhut.json(&[
        "screen",
        "--list",
        &list.display().to_string(),
        &mods,
        &others,
    ])?;
    let (mut found, mut wrong, mut bridges) = (0, 0, 0);
    // The folder's description is screened too, and is not a picture.
    for line in lines.iter().filter(|l| !text(l, "path").ends_with(".md")) {
        let bridge =
            text(line, "path").contains("/bridge-mods/") || text(line, "path").contains("/modes/");
        let matched = text(line, "verdict") == "match";
        bridges += usize::from(bridge);
        found += usize::from(bridge && matched);
        wrong += usize::from(!bridge && matched);
    }
    println!("  found {found} of {bridges} forms of the bridge, and {wrong} other motifs");
    if found != bridges || wrong > 0 {
        return Err("PDQ did not distinguish the published test images".into());
    }
    Ok(())
}

/// File → (original, edit), for the edits.
fn read_manifest(path: &Path) -> Result<BTreeMap<String, (String, String)>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let rows = text.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (file, original, edit) = (fields.next()?, fields.next()?, fields.next()?);
        (original != "-").then(|| (file.to_owned(), (original.to_owned(), edit.to_owned())))
    });
    Ok(rows.collect())
}

/// File stem → PDQ digest and quality, for each file of a folder.
fn digests(obhut: &Obhut, folder: &Path) -> Result<Digests, String> {
    let lines = obhut.json(&["hash", "--kind", "pdq", &folder.display().to_string()])?;
    let stem = |line: &Value| {
        Path::new(text(line, "path"))
            .file_stem()
            .map(|s| s.to_string_lossy().into_owned())
    };
    Ok(lines
        .iter()
        .filter_map(|l| {
            Some((
                stem(l)?,
                (text(l, "digest").to_owned(), l["quality"].as_u64()?),
            ))
        })
        .collect())
}

type Digests = BTreeMap<String, (String, u64)>;

struct Found {
    hits: usize,
    farthest: u64,
    false_hits: usize,
    missed: String,
}

fn compare(
    obhut: &Obhut,
    manifest: &BTreeMap<String, (String, String)>,
    screened: &[Value],
    originals: &Digests,
    pictures: &Path,
) -> Result<Found, String> {
    let (mut hits, mut false_hits, mut farthest) = (0, 0, 0);
    let mut by_edit: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut missed: Vec<(&str, &str)> = Vec::new();
    for line in screened {
        let name = Path::new(text(line, "path"))
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let entry = manifest.get_key_value(&name);
        let matched = text(line, "verdict") == "match";
        match entry {
            None => false_hits += usize::from(matched),
            Some((file, (original, edit))) => {
                let right = line["findings"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|f| text(f, "entry") == original);
                match right {
                    Some(finding) => {
                        let distance = finding["distance"].as_u64().unwrap_or_default();
                        farthest = farthest.max(distance);
                        hits += 1;
                        by_edit.entry(edit).or_default().push(distance.to_string());
                    }
                    None => {
                        by_edit.entry(edit).or_default().push("missed".into());
                        missed.push((file, original));
                    }
                }
            }
        }
    }
    println!("\n  {:<28} distances in bits (31 still match)", "edit");
    for (edit, distances) in &by_edit {
        println!("  {edit:<28} {}", distances.join(", "));
    }
    let mut by_how_much = Vec::new();
    if !missed.is_empty() {
        let all = digests(obhut, pictures)?;
        for (file, original) in &missed {
            let stem = file.split('.').next().unwrap_or_default();
            if let (Some((a, quality)), Some((b, _))) = (all.get(stem), originals.get(*original)) {
                let bits = distance(a, b);
                // An edit within the radius can be missed only because of its quality.
                let why = match bits {
                    0..=31 => format!("quality {quality}, and below 50 nothing matches"),
                    _ => format!("{} beyond the radius", bits - 31),
                };
                println!(
                    "  missed: {file} ({}), {bits} bits, {why}",
                    manifest[*file].1
                );
                by_how_much.push(bits);
            }
        }
    }
    by_how_much.sort_unstable();
    let missed = match by_how_much.as_slice() {
        [] => "none".to_owned(),
        [one] => format!("1 edit, at {one} bits"),
        [least, .., most] => format!(
            "{} edits, at {least} to {most} bits (up to 31 match, if the quality is 50 or more)",
            by_how_much.len()
        ),
    };
    Ok(Found {
        hits,
        farthest,
        false_hits,
        missed,
    })
}

fn distance(a: &str, b: &str) -> u32 {
    let nibble = |c: char| c.to_digit(16).unwrap_or(0);
    a.chars()
        .zip(b.chars())
        .map(|(a, b)| (nibble(a) ^ nibble(b)).count_ones())
        .sum()
}

fn validate(xml: &Path) -> Result<String, String> {
    let schema = root().join("../shared/data/ncmec/cyber_tipline_2025-11-10_boostport.xsd");
    let mut xmllint = Command::new("xmllint");
    xmllint.arg("--noout").arg(xml);
    let name = xml
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    if schema.exists() {
        must(
            xmllint
                .arg("--schema")
                .arg(schema)
                .stderr(std::process::Stdio::null()),
            "validating the report",
        )?;
        return Ok(format!(
            "{name}, valid against the CyberTipline schema of 2025-11-10"
        ));
    }
    must(&mut xmllint, "reading the report")?;
    Ok(format!(
        "{name}, well-formed (the schema is not public and not present here)"
    ))
}

fn change_one_byte(obhut: &Obhut, exhibit: &str) -> Result<String, String> {
    let path = obhut.data.join(format!("vault/exhibits/{exhibit}.sealed"));
    let mut bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    // In the middle of the encrypted payload, past the header of age.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).map_err(|e| e.to_string())?;
    println!("  $ obhut vault verify");
    let output = obhut.run(&["vault", "verify"])?;
    let after = lines(&output)?.remove(0);
    if output.status.success() || after["ok"] == Value::Bool(true) {
        return Err("a changed byte was not found".into());
    }
    // Put back, so that the demo leaves a vault that verifies.
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).map_err(|e| e.to_string())?;
    Ok(text(&after["problems"][0], "what").to_owned())
}
