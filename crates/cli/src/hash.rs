//! `obhut hash`: digests of files, one line for each file and kind.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use obhut_casework::{Manner, Pool, pixels, scan};
use obhut_hash::{Compute, Kind, kinds};
use serde_json::json;

use crate::args::HashArgs;
use crate::in_order::in_order;
use crate::output::{Output, map, shown, with_path};
use crate::setting;

struct Line {
    kind: &'static str,
    digest: String,
    quality: Option<u8>,
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
    let pool = setting::pool()?;
    let manner = Manner {
        upright: args.upright,
        fast: args.fast,
    };
    let mut failed = 0_u64;
    let bar = output.progress("files");
    in_order(
        scan(&args.paths),
        |found| match found {
            Ok(file) => hash(file.path, &kinds, &pool, manner),
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
            "{failed} could not be read, or not as a picture; each is named above"
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn hash(path: PathBuf, kinds: &[&'static Kind], pool: &Pool, manner: Manner) -> Hashed {
    let mut lines = Vec::new();
    let error = read(&path, kinds, pool, manner, &mut lines).err();
    Hashed { path, lines, error }
}

fn read(
    path: &Path,
    kinds: &[&'static Kind],
    pool: &Pool,
    manner: Manner,
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
        (&mut file)
            .take(bytes_max + 1)
            .read_to_end(&mut bytes)
            .map_err(say)?;
        match pool.decode_with(&bytes, manner) {
            Ok(decoded) => picture = Some(decoded),
            Err(reason) => unreadable = Some(format!("no picture: {reason}")),
        }
    }
    for kind in kinds {
        match kind.compute {
            Compute::Bytes(compute) => {
                file.rewind().map_err(say)?;
                let digest = compute(&mut file).map_err(say)?;
                lines.push(Line {
                    kind: kind.name,
                    digest: digest.to_hex(),
                    quality: None,
                });
            }
            Compute::Pixels { one, .. } => {
                if let Some(p) = &picture {
                    let found = one(pixels(p));
                    lines.push(Line {
                        kind: kind.name,
                        digest: found.digest.to_hex(),
                        quality: Some(found.quality),
                    });
                }
            }
        }
    }
    match unreadable {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

fn print(hashed: &Hashed, output: &Output) -> anyhow::Result<()> {
    for line in &hashed.lines {
        output.line(
            || {
                let mut value = json!({ "kind": line.kind, "digest": line.digest });
                if let Some(quality) = line.quality {
                    value["quality"] = quality.into();
                }
                with_path(&hashed.path, map(value))
            },
            || {
                let quality = line
                    .quality
                    .map_or_else(String::new, |q| format!(" quality {q}"));
                format!(
                    "{}  {}{quality}  {}",
                    line.digest,
                    line.kind,
                    shown(&hashed.path)
                )
            },
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
