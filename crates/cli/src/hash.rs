//! `obhut hash`: digests of files, one result for each file and kind.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use obhut_app::media::{DecodeOptions, Pool, Sampling, VideoFrame, frame_pixels, pixels, scan};
use obhut_hash::{Compute, Kind, Perceptual, Pixels, kinds};
use serde_json::json;

use crate::app_context;
use crate::args::HashArgs;
use crate::in_order::in_order;
use crate::output::{Output, map, shown, with_path};

enum Line {
    Digest {
        kind: &'static str,
        digest: String,
        quality: Option<u8>,
    },
    Frames {
        kind: &'static str,
        frames: Vec<Frame>,
    },
}

struct Frame {
    number: u64,
    timestamp_s: f64,
    quality: u8,
    digest: String,
}

struct Hashed {
    path: PathBuf,
    lines: Vec<Line>,
    error: Option<String>,
}

pub fn run(args: HashArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let kinds: Vec<&'static Kind> = if args.kinds.is_empty() {
        kinds::ALL
            .iter()
            .copied()
            .filter(|k| k.by_default)
            .collect()
    } else {
        args.kinds
    };
    let pool = app_context::pool()?;
    let options = DecodeOptions {
        upright: args.upright,
        fast: args.fast,
    };
    let sampling = match (args.every_frame, args.keyframes) {
        (true, _) => Sampling::EveryFrame,
        (_, true) => Sampling::KeyFrames,
        _ => Sampling::EverySecond,
    };
    let mut failed = 0_u64;
    let bar = output.progress("files");
    in_order(
        scan(&args.paths),
        |found| match found {
            Ok(file) => hash(file.path, &kinds, &pool, options, sampling),
            Err(problem) => Hashed {
                path: problem.path,
                lines: Vec::new(),
                error: Some(problem.what),
            },
        },
        |hashed| {
            bar.inc(1);
            bar.suspend(|| print(&hashed, output))?;
            failed += u64::from(hashed.error.is_some());
            Ok(())
        },
    )?;
    bar.finish_and_clear();
    if failed > 0 {
        output.remark(&format!(
            "{failed} could not be read, or could not be decoded as a picture or video; each is named above"
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn hash(
    path: PathBuf,
    kinds: &[&'static Kind],
    pool: &Pool,
    options: DecodeOptions,
    sampling: Sampling,
) -> Hashed {
    let mut lines = Vec::new();
    let error = read(&path, kinds, pool, options, sampling, &mut lines).err();
    Hashed { path, lines, error }
}

fn read(
    path: &Path,
    kinds: &[&'static Kind],
    pool: &Pool,
    options: DecodeOptions,
    sampling: Sampling,
    lines: &mut Vec<Line>,
) -> Result<(), String> {
    let say = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => e.to_string(),
    };
    let mut file = File::open(path).map_err(say)?;
    // A picture is decoded once, and only if its length allows it.
    let mut picture = None;
    let mut unreadable = None;
    if kinds.iter().any(|k| k.needs_pixels()) {
        let bytes_max = pool.limits().input_bytes_max;
        let mut bytes = Vec::new();
        // One byte beyond the limit, so that the pool refuses the file as too long.
        (&mut file)
            .take(bytes_max + 1)
            .read_to_end(&mut bytes)
            .map_err(say)?;
        match pool.decode_with(&bytes, options) {
            Ok(decoded) => picture = Some(decoded),
            Err(reason) => unreadable = Some(format!("no picture: {reason}")),
        }
    }
    for kind in kinds {
        match kind.compute {
            Compute::Bytes(compute) => {
                // Read the file again, as a stream: byte digests have no limit on a file's length.
                file.rewind().map_err(say)?;
                let digest = compute(&mut file).map_err(say)?;
                lines.push(Line::Digest {
                    kind: kind.name,
                    digest: digest.to_hex(),
                    quality: None,
                });
            }
            Compute::Pixels { one, .. } => {
                // Without a picture, `unreadable` already has the reason.
                if let Some(p) = &picture {
                    let found = one(pixels(p));
                    lines.push(Line::Digest {
                        kind: kind.name,
                        digest: found.digest.to_hex(),
                        quality: Some(found.quality),
                    });
                }
            }
            Compute::Frames(one) => match video(&file, one, pool, sampling) {
                Ok((frames, damaged)) => {
                    lines.push(Line::Frames {
                        kind: kind.name,
                        frames,
                    });
                    // The decoded frames are printed, but the exit code must say that others are
                    // missing.
                    if damaged {
                        unreadable = Some("part of the video is missing or broken".into());
                    }
                }
                Err(reason) => unreadable = Some(format!("no video: {reason}")),
            },
        }
    }
    match unreadable {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

fn video(
    file: &File,
    one: fn(Pixels<'_>) -> Perceptual,
    pool: &Pool,
    sampling: Sampling,
) -> Result<(Vec<Frame>, bool), String> {
    let mut frames = Vec::new();
    let mut take = |frame: VideoFrame<'_>| {
        let found = one(frame_pixels(&frame));
        frames.push(Frame {
            number: frame.number,
            timestamp_s: frame.timestamp_s,
            quality: found.quality,
            digest: found.digest.to_hex(),
        });
        true
    };
    // The clone shares its position with `file`. That doesn't matter: the pool reopens the file and
    // reads it from the start.
    let file = file.try_clone().map_err(|e| e.to_string())?;
    let seen = pool
        .video(file, sampling, &mut take)
        .map_err(|e| e.to_string())?;
    Ok((frames, seen.damaged))
}

fn print(hashed: &Hashed, output: &Output) -> anyhow::Result<()> {
    for line in &hashed.lines {
        output.line(
            || with_path(&hashed.path, map(line.json())),
            || line.text(&shown(&hashed.path)),
        )?;
    }
    if let Some(error) = &hashed.error {
        output.line(
            || with_path(&hashed.path, map(json!({ "error": error }))),
            || format!("{}: {error}", shown(&hashed.path)),
        )?;
    }
    Ok(())
}

impl Line {
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Digest {
                kind,
                digest,
                quality,
            } => {
                let mut value = json!({ "kind": kind, "digest": digest });
                if let Some(quality) = quality {
                    value["quality"] = (*quality).into();
                }
                value
            }
            Self::Frames { kind, frames } => {
                let frames: Vec<_> = frames
                    .iter()
                    .map(|f| {
                        json!({
                            "frame": f.number,
                            "timestamp": (f.timestamp_s * 1_000.0).round() / 1_000.0,
                            "quality": f.quality,
                            "digest": f.digest,
                        })
                    })
                    .collect();
                json!({ "kind": kind, "frames": frames })
            }
        }
    }

    fn text(&self, path: &str) -> String {
        match self {
            Self::Digest {
                kind,
                digest,
                quality,
            } => {
                let quality = quality.map_or_else(String::new, |q| format!(" quality {q}"));
                format!("{digest}  {kind}{quality}  {path}")
            }
            Self::Frames { kind, frames } => {
                let lines: Vec<_> = frames
                    .iter()
                    .map(|f| {
                        format!(
                            "{}  {kind} quality {}  {path}  frame {} at {:.3} s",
                            f.digest, f.quality, f.number, f.timestamp_s
                        )
                    })
                    .collect();
                lines.join("\n")
            }
        }
    }
}
