//! Hashing videos, compared with ffmpeg's decoding alone and PyPI `vpdq`: CPU time of each, with
//! all processes it starts. Also how many clips are found, and how many unrelated videos match. The
//! goals are the project's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::{Report, cpu_of_children, spread};
use crate::{Done, cargo, must, setup, target};

/// Rounds of each measurement. Our judgement.
const ROUNDS: usize = 5;
/// Name, size, seconds.
const VIDEOS: [(&str, &str, u32); 2] = [("SD", "640x480", 60), ("HD", "1280x720", 60)];
/// Films whose clips are looked for, and clips of each. Our judgement.
const FILMS: u32 = 8;
const CLIPS: u32 = 5;

const PEER: &str = r#"
import sys, vpdq
vpdq.computeHash(sys.argv[1], thread_count=1, seconds_per_hash=float(sys.argv[2]))
"#;

pub fn run(report: &mut Report) -> Done {
    setup::everything()?;
    let python = setup::peers_python()?;
    must(
        cargo().args(["build", "--release", "--package", "obhut"]),
        "building obhut",
    )?;
    let obhut = target().join("release/obhut");
    let folder = target().join("bench/video");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    report.row("CPU seconds, user and system together, of a process and all it starts.");
    report.row("| video | round | obhut, one a second | ffmpeg, decoding only | vpdq, one a second | obhut, every frame | vpdq, every frame | obhut, key frames |\n|---|---|---|---|---|---|---|---|");
    for (name, size, seconds) in VIDEOS {
        let video = film(&folder, name, size, seconds, 1)?;
        let mut rounds: Vec<[f64; 6]> = Vec::new();
        for round in 0..ROUNDS {
            let mut times = [0.0; 6];
            for turn in 0..6 {
                // The order rotates, so that none always finds the video in the cache.
                let who = (turn + round) % 6;
                times[who] = cpu(&mut command(who, &obhut, &python, &video))?;
            }
            let shown: Vec<String> = times.iter().map(|t| format!("{t:.2}")).collect();
            report.row(&format!(
                "| {name} | {} | {} |",
                round + 1,
                shown.join(" | ")
            ));
            rounds.push(times);
        }
        let column = |a: usize| rounds.iter().map(|r| r[a]).collect::<Vec<_>>();
        let ratio = |a: usize, b: usize| rounds.iter().map(|r| r[a] / r[b]).collect::<Vec<_>>();
        let every = if name == "SD" { "≥ 2.5" } else { "≥ 3.5" };
        for (work, ours, peer, ratio, wanted) in [
            (
                "one frame a second",
                0,
                "ffmpeg's decoding",
                ratio(0, 1),
                "≤ 1.15",
            ),
            (
                "every frame",
                3,
                "PyPI vpdq (its time ÷ ours)",
                ratio(4, 3),
                every,
            ),
            (
                "key frames",
                5,
                "PyPI vpdq at one a second (its time ÷ ours)",
                ratio(2, 5),
                "≥ 8",
            ),
        ] {
            let (mut ours, mut ratio) = (column(ours), ratio);
            report.result(
                &format!("vPDQ, {work}, {name}, {seconds} s of video"),
                &format!("{} s of CPU", spread(&mut ours)),
                &format!("{} to {peer}", spread(&mut ratio)),
                wanted,
            );
        }
    }
    recall(&obhut, &folder, report)?;
    unrelated(&obhut, &folder, report)
}

/// Lists a thousand videos of ten seconds, and screens a thousand others against them.
fn unrelated(obhut: &Path, folder: &Path, report: &mut Report) -> Done {
    const VIDEOS: usize = 1_000;
    let cut = folder.join("unrelated");
    let screened = cut.join("screened");
    fs::create_dir_all(&screened).map_err(|e| e.to_string())?;
    // A hash of place and scene, so that no two scenes share a pattern. Scenes last two seconds.
    // The constants are those of a well-known one-line noise function for shaders; 37.719 is one
    // like them, and any would do.
    let scene = "255*mod(abs(sin(X*12.9898+Y*78.233+floor(T/2)*37.719)*43758.5453),1)";
    let source = format!(
        "nullsrc=s=16x12:r=1:d={},format=gray,geq=lum='{scene}',scale=160:120:flags=bicubic,scroll=h=0.02:v=0.01,format=yuv420p",
        VIDEOS * 2 * 10
    );
    let mut make = Command::new("ffmpeg");
    make.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "1"])
        .args(["-f", "segment", "-segment_time", "10"])
        .arg(cut.join("%04d.mp4"));
    must(&mut make, "making unrelated videos")?;
    let mut csv = String::from("kind,digest,entry_id,timestamp,quality\n");
    for number in 0..2 * VIDEOS {
        let name = format!("{number:04}.mp4");
        // The first thousand are listed, the second thousand screened against them.
        if number >= VIDEOS {
            fs::rename(cut.join(&name), screened.join(&name)).map_err(|e| e.to_string())?;
        }
    }
    let hashed = Command::new(obhut)
        .args(["hash", "--kind", "vpdq", "--json"])
        .args((0..VIDEOS).map(|number| cut.join(format!("{number:04}.mp4"))))
        .output()
        .map_err(|e| e.to_string())?;
    for (number, line) in String::from_utf8_lossy(&hashed.stdout).lines().enumerate() {
        csv += &rows(line, &format!("video-{number}"))?;
    }
    let list = cut.join("list.csv");
    fs::write(&list, csv).map_err(|e| e.to_string())?;
    let out = Command::new(obhut)
        .args(["screen", "--json", "--list"])
        .args([&list, &screened])
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut false_positives = 0;
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        false_positives += value["findings"].as_array().map_or(0, Vec::len);
    }
    let files = text.lines().count();
    report.row(&format!(
        "unrelated videos of 10 s: {false_positives} of {} pairs matched wrongly",
        files * VIDEOS
    ));
    report.result(
        "unrelated videos that matched wrongly",
        &format!("{false_positives} of {} pairs", files * VIDEOS),
        "–",
        "below 1 in 10⁶",
    );
    fs::remove_dir_all(&cut).map_err(|e| e.to_string())
}

fn command(who: usize, obhut: &Path, python: &Path, video: &Path) -> Command {
    let mut command = match who {
        0 | 3 | 5 => Command::new(obhut),
        1 => Command::new("ffmpeg"),
        _ => Command::new(python),
    };
    match who {
        0 => command
            .args(["hash", "--kind", "vpdq", "--json"])
            .arg(video),
        3 => command
            .args(["hash", "--kind", "vpdq", "--json", "--every-frame"])
            .arg(video),
        5 => command
            .args(["hash", "--kind", "vpdq", "--json", "--keyframes"])
            .arg(video),
        1 => command
            .args(["-v", "error", "-threads", "1", "-i"])
            .arg(video)
            .args(["-f", "null", "-"]),
        2 => command.args(["-c", PEER]).arg(video).arg("1"),
        _ => command.args(["-c", PEER]).arg(video).arg("0"),
    };
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn cpu(command: &mut Command) -> Result<f64, String> {
    let before = cpu_of_children();
    must(command, "a round")?;
    Ok(cpu_of_children() - before)
}

/// A film of scenes that change every few seconds.
fn film(folder: &Path, name: &str, size: &str, seconds: u32, seed: u32) -> Result<PathBuf, String> {
    let path = folder.join(format!("{name}-{size}-{seconds}-{seed}.mp4"));
    // Kept between runs: the name holds every argument that decides its content. Delete the folder
    // after changing the filter or the encoder below.
    if path.exists() {
        return Ok(path);
    }
    let size = size.replace('x', ":");
    // Each scene of four seconds shows random blots, enlarged and drifting, with a little noise.
    let blots = format!(
        "255*mod(abs(sin(X*12.9898+Y*78.233+(floor(T/4)+{seed}*100)*37.719)*43758.5453),1)"
    );
    let source = format!(
        "nullsrc=s=16x12:r=25:d={seconds},format=gray,geq=lum='{blots}',scale={size}:flags=bicubic,scroll=h=0.003:v=0.001,noise=alls=5:allf=t,format=yuv420p"
    );
    let mut make = Command::new("ffmpeg");
    make.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-g", "250"])
        .arg(&path);
    must(&mut make, "making a film")?;
    Ok(path)
}

/// Cuts clips of ten seconds from films, crops them by a tenth, plays them a twentieth faster or
/// slower, and encodes them again. Reports how many are found, by one frame a second and by key
/// frames, and how many false positives there are.
fn recall(obhut: &Path, folder: &Path, report: &mut Report) -> Done {
    let mut clips = Vec::new();
    let mut csv = String::from("kind,digest,entry_id,timestamp,quality\n");
    let mut keyed = csv.clone();
    for seed in 1..=FILMS {
        let film = film(folder, "film", "320x240", 64, seed)?;
        csv += &frames(obhut, &film, seed, &[])?;
        keyed += &frames(obhut, &film, seed, &["--keyframes"])?;
        for clip in 0..CLIPS {
            let path = folder.join(format!("clip-{seed}-{clip}.mp4"));
            // Within the 94 to 106 % that alignment tolerates (docs/handling.md).
            let speed = if clip % 2 == 0 { 1.05 } else { 0.95 };
            // Not on a whole second, where the listed frames are.
            let start = f64::from(clip) * 10.0 + 2.3;
            let filter = format!("crop=iw*0.9:ih*0.9,setpts=PTS/{speed}");
            let mut cut = Command::new("ffmpeg");
            cut.args([
                "-v",
                "error",
                "-y",
                "-ss",
                &start.to_string(),
                "-t",
                "10",
                "-i",
            ])
            .arg(&film)
            .args([
                "-vf", &filter, "-c:v", "libx264", "-preset", "veryfast", "-crf", "28",
            ])
            .arg(&path);
            if !path.exists() {
                must(&mut cut, "cutting a clip")?;
            }
            clips.push((seed, path));
        }
    }
    for (name, csv) in [("one frame a second", csv), ("key frames", keyed)] {
        let list = folder.join("films.csv");
        fs::write(&list, csv).map_err(|e| e.to_string())?;
        let (mut found, mut false_positives) = (0, 0);
        for (seed, clip) in &clips {
            let out = Command::new(obhut)
                .args(["screen", "--json", "--list"])
                .args([&list, clip])
                .output()
                .map_err(|e| e.to_string())?;
            let value: serde_json::Value =
                serde_json::from_slice(&out.stdout).map_err(|e| e.to_string())?;
            let own = format!("film-{seed}");
            for finding in value["findings"].as_array().into_iter().flatten() {
                if finding["entry"] == own.as_str() {
                    found += 1;
                } else {
                    false_positives += 1;
                }
            }
        }
        let pairs = clips.len() * FILMS as usize;
        report.row(&format!(
            "clips of 10 s, cropped by a tenth, speed ± 5 %, films listed by {name}: {found} of {} found; {false_positives} of {} pairs matched wrongly",
            clips.len(),
            pairs - clips.len()
        ));
        report.result(
            &format!("clips of 10 s found, films listed by {name}"),
            &format!("{found} of {}, {false_positives} wrong", clips.len()),
            "–",
            "≥ 95 %",
        );
    }
    Ok(())
}

/// Rows of a list for a film's frames.
fn frames(obhut: &Path, film: &Path, seed: u32, more: &[&str]) -> Result<String, String> {
    let out = Command::new(obhut)
        .args(["hash", "--kind", "vpdq", "--json"])
        .args(more)
        .arg(film)
        .output()
        .map_err(|e| e.to_string())?;
    rows(
        &String::from_utf8_lossy(&out.stdout),
        &format!("film-{seed}"),
    )
}

/// Rows of a list for the frames of one line of `obhut hash`.
fn rows(line: &str, entry: &str) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_str(line.trim()).map_err(|e| e.to_string())?;
    let frames = value["frames"].as_array().ok_or("no frames")?;
    Ok(frames
        .iter()
        .map(|f| {
            let digest = f["digest"].as_str().unwrap_or_default();
            format!(
                "vpdq,{digest},{entry},{},{}\n",
                f["timestamp"], f["quality"]
            )
        })
        .collect())
}
