//! How often PDQ finds an edited picture, and how often it matches another one, by distance.
//!
//! Pictures are generated. Each scene is edited, and each edit is compared with its original. To
//! count false positives, the pictures of each set (scenes, near-flat ones, pages of text,
//! drawings, series of one scene) are compared with the others of the same set. If
//! ../shared/data/media/pdq is present, each `aaa-orig.jpg` in it is added as a photo to be edited.
//! The rates go to docs/performance/accuracy.md; the pictures stay in target/bench/accuracy.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench::Report;
use crate::{Done, cargo, must, root, setup, target};

/// Distances the tables show; 31 is what matches unless a list says otherwise.
const DISTANCES: [u32; 5] = [10, 20, 31, 40, 60];
/// Quality from which digests are compared, as PDQ's authors recommend (ThreatExchange, hashing.pdf).
const QUALITY_MIN: u64 = 50;

/// Makes `SET/NUMBER.png` below originals/ and `EDIT/SET/NUMBER.jpg` below edits/.
const MAKER: &str = r#"
import os, random, sys
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
out, photos = sys.argv[1], sys.argv[2]
random.seed(11)

def scene():
    small = Image.new("RGB", (14, 11))
    small.putdata([tuple(random.randrange(256) for _ in range(3)) for _ in range(14 * 11)])
    image = small.resize((640, 480), Image.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y, r = random.randrange(640), random.randrange(480), random.randrange(15, 110)
        box = (x - r, y - r * random.uniform(0.4, 1), x + r, y + r)
        colour = tuple(random.randrange(256) for _ in range(3))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill=colour)
    return image.filter(ImageFilter.GaussianBlur(1.2))

bases = iter(range(40, 400, 3))
def flat():
    base = next(bases) % 200
    image = Image.linear_gradient("L").resize((640, 480)).point(lambda v: base + v // 24)
    return image.rotate(random.choice([0, 90, 180])).resize((640, 480)).convert("RGB")

def text():
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    for y in range(30, 450, 18):
        x = 40
        while x < random.randrange(480, 600):
            w = random.randrange(10, 60)
            draw.rectangle((x, y, x + w, y + 9), fill=(30, 30, 30))
            x += w + 8
    return image

def drawing():
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        points = [(random.randrange(640), random.randrange(480)) for _ in range(4)]
        draw.line(points, fill="black", width=random.randrange(2, 6))
    return image

def series():
    # One place, people moving through it.
    ground = scene()
    for _ in range(20):
        image = ground.copy()
        draw = ImageDraw.Draw(image)
        for _ in range(3):
            x, y = random.randrange(600), random.randrange(300)
            draw.ellipse((x, y, x + 70, y + 160), fill=tuple(random.randrange(256) for _ in range(3)))
        yield image

sets = {
    "scenes": [scene() for _ in range(120)],
    "near-flat": [flat() for _ in range(60)],
    "text pages": [text() for _ in range(60)],
    "drawings": [drawing() for _ in range(60)],
    "series of one scene": [image for _ in range(4) for image in series()],
}
if os.path.isdir(photos):
    found = [os.path.join(d, f) for d, _, fs in os.walk(photos) for f in fs if f == "aaa-orig.jpg"]
    sets["photos"] = [Image.open(f).convert("RGB") for f in sorted(found)]

def crop(image, part):
    w, h = image.size
    return image.crop((int(w * part), int(h * part), int(w * (1 - part)), int(h * (1 - part))))

def written(image):
    image = image.copy()
    draw = ImageDraw.Draw(image)
    w, h = image.size
    draw.rectangle((w // 20, h - h // 9, w // 3, h - h // 25), fill="white")
    return image

edits = {
    "encoded again, quality 60": lambda i: i,
    "encoded again, quality 25": lambda i: i,
    "scaled to half size": lambda i: i.resize((i.width // 2, i.height // 2), Image.BICUBIC),
    "scaled to another shape": lambda i: i.resize((i.width, i.height * 4 // 5), Image.BICUBIC),
    "brighter by a quarter": lambda i: ImageEnhance.Brightness(i).enhance(1.25),
    "more contrast": lambda i: ImageEnhance.Contrast(i).enhance(1.4),
    "grey": lambda i: ImageOps.grayscale(i).convert("RGB"),
    "blurred": lambda i: i.filter(ImageFilter.GaussianBlur(3)),
    "a label in a corner": written,
    "cropped by 2 % in all": lambda i: crop(i, 0.01),
    "cropped by 10 % in all": lambda i: crop(i, 0.05),
    "turned by 3°": lambda i: i.rotate(3, Image.BICUBIC, fillcolor=(0, 0, 0)),
    "mirrored": ImageOps.mirror,
}
for name, images in sets.items():
    os.makedirs(os.path.join(out, "originals", name), exist_ok=True)
    for number, image in enumerate(images):
        image.save(os.path.join(out, "originals", name, "%04d.png" % number))
        if name not in ("scenes", "photos"):
            continue
        for edit, change in edits.items():
            folder = os.path.join(out, "edits", edit, name)
            os.makedirs(folder, exist_ok=True)
            quality = 25 if "25" in edit else 60 if "60" in edit else 85
            change(image).save(os.path.join(folder, "%04d.jpg" % number), quality=quality)
"#;

struct Hashed {
    digest: [u64; 4],
    quality: u64,
}

// Long: the steps of one benchmark, in order.
pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    let python = setup::oracle_python()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let folder = target().join("bench/accuracy");
    // An edit that was renamed would otherwise stay and be counted.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    }
    let photos = root().join("../shared/data/media/pdq");
    let mut make = Command::new(python);
    must(
        make.args(["-c", MAKER]).arg(&folder).arg(photos),
        "making pictures",
    )?;
    let originals = hashed(&folder.join("originals"))?;
    let edits = hashed(&folder.join("edits"))?;
    let turned = found_turned(&folder)?;

    let head: Vec<String> = DISTANCES.iter().map(|d| format!("≤ {d}")).collect();
    let rule = "|---".repeat(DISTANCES.len() + 2) + "|";
    report.row(&format!(
        "| found after: | pictures | {} |\n{rule}",
        head.join(" | ")
    ));
    let mut by_edit: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (path, edit) in &edits {
        let (name, rest) = path.split_once('/').ok_or("a path")?;
        // Edits are JPEGs of the PNG with the same number.
        let original = rest.replace(".jpg", ".png");
        let original = originals.get(&original).ok_or("an original")?;
        by_edit.entry(name).or_default().push(apart(original, edit));
    }
    for (name, distances) in &by_edit {
        let rates = DISTANCES.map(|max| {
            let found = distances.iter().filter(|d| **d <= max).count();
            format!("{:.0} %", found as f64 * 100.0 / distances.len() as f64)
        });
        report.row(&format!(
            "| {name} | {} | {} |",
            distances.len(),
            rates.join(" | ")
        ));
    }
    report.row(&format!(
        "| mirrored, with `--dihedral` | | | | {turned} | | |\n"
    ));
    report.row(&format!(
        "| taken for another one: | pairs | {} |\n{rule}",
        head.join(" | ")
    ));
    let mut by_set: BTreeMap<&str, Vec<&Hashed>> = BTreeMap::new();
    for (path, picture) in &originals {
        let (set, _) = path.split_once('/').ok_or("a path")?;
        by_set.entry(set).or_default().push(picture);
    }
    let (mut pairs_all, mut false_all) = (0, 0);
    for (set, pictures) in &by_set {
        let (mut pairs, mut low) = (0, 0);
        let mut within = [0; DISTANCES.len()];
        for (i, a) in pictures.iter().enumerate() {
            low += usize::from(a.quality < QUALITY_MIN);
            for b in &pictures[..i] {
                pairs += 1;
                let distance = apart(a, b);
                for (count, max) in within.iter_mut().zip(DISTANCES) {
                    *count += usize::from(distance <= max);
                }
            }
        }
        // Pictures of one scene differ little by design: the set has its row, but doesn't count as
        // false positives. Most of its pairs are of two different scenes, though.
        if *set != "series of one scene" {
            pairs_all += pairs;
            // The third of DISTANCES is 31, the default.
            false_all += within[2];
        }
        let low = if low > 0 {
            format!(" ({low} of low quality match nothing)")
        } else {
            String::new()
        };
        let within: Vec<String> = within.iter().map(usize::to_string).collect();
        report.row(&format!(
            "| {set}{low} | {pairs} | {} |",
            within.join(" | ")
        ));
    }
    let all: Vec<u32> = by_edit.values().flatten().copied().collect();
    let found = all.iter().filter(|d| **d <= 31).count();
    report.result(
        "edited pictures found at distance 31, all kinds of edit together",
        &format!("{found} of {}", all.len()),
        "–",
        "see the rows",
    );
    report.result(
        "pictures taken for another one at distance 31, series of one scene aside",
        &format!("{false_all} of {pairs_all} pairs"),
        "–",
        "0",
    );
    Ok(())
}

/// Number of bits that differ; 256 if either picture has a quality below [`QUALITY_MIN`].
fn apart(a: &Hashed, b: &Hashed) -> u32 {
    // More than any distance in the tables, so that it matches nothing.
    if a.quality < QUALITY_MIN || b.quality < QUALITY_MIN {
        return 256;
    }
    std::iter::zip(a.digest, b.digest)
        .map(|(a, b)| (a ^ b).count_ones())
        .sum()
}

/// Digests by path below the folder.
fn hashed(folder: &Path) -> Result<BTreeMap<String, Hashed>, String> {
    let out = Command::new(target().join("release/obhut"))
        .args(["hash", "--kind", "pdq", "--json"])
        .arg(folder)
        .output()
        .map_err(|e| e.to_string())?;
    let mut all = BTreeMap::new();
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let text = value["digest"].as_str().ok_or("a digest")?;
        let mut digest = [0; 4];
        for (word, place) in digest.iter_mut().zip([0, 16, 32, 48]) {
            *word = u64::from_str_radix(&text[place..place + 16], 16).map_err(|e| e.to_string())?;
        }
        let path = Path::new(value["path"].as_str().ok_or("a path")?);
        let below = path.strip_prefix(folder).map_err(|e| e.to_string())?;
        let quality = value["quality"].as_u64().unwrap_or(0);
        all.insert(
            below.to_string_lossy().into_owned(),
            Hashed { digest, quality },
        );
    }
    Ok(all)
}

/// Share of mirrored scenes found with `--dihedral`, as a text in percent.
fn found_turned(folder: &Path) -> Result<String, String> {
    let list = folder.join("list.csv");
    let mut csv = String::from("kind,digest,entry_id\n");
    for (path, picture) in hashed(&folder.join("originals"))? {
        if path.starts_with("scenes/") {
            let hex: String = picture.digest.iter().map(|w| format!("{w:016x}")).collect();
            csv += &format!(
                "pdq,{hex},{}\n",
                path.replace(".png", "").replace("scenes/", "")
            );
        }
    }
    fs::write(&list, csv).map_err(|e| e.to_string())?;
    let out = Command::new(target().join("release/obhut"))
        .args(["screen", "--dihedral", "--json", "--list"])
        .arg(&list)
        .arg(folder.join("edits/mirrored/scenes"))
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout);
    let found = text
        .lines()
        .filter(|l| l.contains("\"verdict\":\"match\""))
        .count();
    let all = text.lines().count().max(1);
    Ok(format!("{:.0} %", found as f64 * 100.0 / all as f64))
}
