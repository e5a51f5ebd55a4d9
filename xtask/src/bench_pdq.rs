//! PDQ of decoded pixels against PyPI `pdqhash`, which is Meta's C++ code: the same pixels, one
//! thread each, hashed many times in one process per round.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench::{Report, spread};
use crate::{Done, cargo, must, setup, target};

const ROUNDS: usize = 7;
/// Width, height, what is wanted.
const SIZES: [(usize, usize, &str); 3] =
    [(512, 512, "≥ 4"), (1600, 1250, "≥ 15"), (4000, 3000, "–")];

/// Hashes a raw picture `times` times; prints the median in milliseconds, and the digest.
const PEER: &str = r#"
import sys, time
import numpy, pdqhash
path, width, height, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
pixels = numpy.fromfile(path, dtype=numpy.uint8).reshape(height, width, 3)
pdqhash.compute(pixels)
took = []
for _ in range(times):
    started = time.perf_counter()
    bits, quality = pdqhash.compute(pixels)
    took.append((time.perf_counter() - started) * 1e3)
print("%.4f" % sorted(took)[times // 2], "%064x" % int("".join(str(int(b)) for b in bits), 2))
"#;

pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    let python = setup::oracle_python()?;
    must(
        cargo().args([
            "build",
            "--release",
            "--package",
            "obhut-hash",
            "--example",
            "pdq_speed",
        ]),
        "building",
    )?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    report.row("| pixels | round | obhut, ms | PyPI pdqhash, ms | ratio |\n|---|---|---|---|---|");
    for (width, height, wanted) in SIZES {
        let pixels = folder.join("pixels.dat");
        write_pixels(&pixels, width, height)?;
        // Fewer for larger pictures; odd, so that the middle value is the median.
        let times = (40_000_000 / (width * height)).clamp(5, 60) | 1;
        let (mut ratios, mut ours_all) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let arguments = [width, height, times].map(|n| n.to_string());
            let mut ours = Command::new("taskset");
            ours.args(["-c", "0"])
                .arg(target().join("release/examples/pdq_speed"));
            ours.arg(&pixels).args(&arguments);
            let mut theirs = Command::new("taskset");
            theirs.args(["-c", "0"]).arg(&python).args(["-c", PEER]);
            theirs.arg(&pixels).args(&arguments);
            // Who goes first changes, so that neither always finds warm caches.
            let (a, b) = if round % 2 == 0 {
                let a = answer(&mut ours)?;
                (a, answer(&mut theirs)?)
            } else {
                let b = answer(&mut theirs)?;
                (answer(&mut ours)?, b)
            };
            // A faster digest that differs would be worthless.
            if a.1 != b.1 {
                return Err(format!(
                    "{width}×{height}: the digests differ: {} {}",
                    a.1, b.1
                ));
            }
            report.row(&format!(
                "| {width}×{height} | {} | {:.3} | {:.3} | {:.1} |",
                round + 1,
                a.0,
                b.0,
                b.0 / a.0
            ));
            ratios.push(b.0 / a.0);
            ours_all.push(a.0);
        }
        report.result(
            &format!("PDQ of {width}×{height} decoded pixels, one thread, bit-exact"),
            &format!("{} ms", spread(&mut ours_all)),
            &spread(&mut ratios),
            wanted,
        );
    }
    Ok(())
}

/// Milliseconds and digest.
fn answer(command: &mut Command) -> Result<(f64, String), String> {
    let out = command.output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    let parsed = text
        .split_once(' ')
        .and_then(|(ms, digest)| Some((ms.parse().ok()?, digest.to_owned())));
    parsed.ok_or_else(|| format!("{text} {}", String::from_utf8_lossy(&out.stderr)))
}

/// Waves and noise, so that no two places look alike.
fn write_pixels(path: &Path, width: usize, height: usize) -> Done {
    let mut state = 0x9e37_79b9_u32;
    let mut bytes = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let wave = 90.0 * (x as f64 / width as f64 * 11.0).sin()
                + 30.0 * (y as f64 / height as f64 * 17.0).cos();
            let value = (128.0 + wave) as u32 + state % 7;
            bytes.extend([value as u8, (value / 2) as u8, (255 - value.min(255)) as u8]);
        }
    }
    fs::write(path, bytes).map_err(|e| e.to_string())
}
