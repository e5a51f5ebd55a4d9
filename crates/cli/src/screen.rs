//! `obhut screen`: compares files and folders with hash lists, with or without a data folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use obhut_app::casework::{
    self, Casework, FileDigests, Sealed, Subject, Surface, UploadFacts, fresh_group,
};
use obhut_app::media::{
    self, Limits, ScreenOptions, Screened, Screener, Stretch, Verdict, read_list_file, scan,
};
use serde_json::json;

use crate::app_context::{self, AppContext};
use crate::args::ScreenArgs;
use crate::in_order::in_order;
use crate::input;
use crate::lists::FILE_BYTES_MAX;
use crate::output::{Output, count, map, shown, with_path};

// Long: the sequential steps of one command.
pub async fn run(
    args: ScreenArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let options = ScreenOptions {
        dihedral: args.dihedral,
        fast: args.fast,
    };
    let Against { screener, casework } =
        against(args.list.as_deref(), args.surface, options, context, output).await?;
    let account = args.account.clone().map(Sealed::new);
    // Without an account the findings of one run share a fresh group, so a second run opens a new case.
    let group = args.account.clone().unwrap_or_else(fresh_group);
    let subject = |path: &PathBuf| Subject {
        group: group.clone(),
        account: account.clone(),
        name: Some(Sealed::new(path.to_string_lossy().into_owned())),
        surface: args.surface,
        uploaded_at: None,
        before_release: false,
        upload: UploadFacts::default(),
        digests: None,
    };

    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    let mut cases: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed = 0_u64;
    let bar = output.progress("files screened");
    let handle = tokio::runtime::Handle::current();
    let take = |(path, mut screened): (PathBuf, Screened)| {
        bar.inc(1);
        if let Some(casework) = &casework {
            // Recorded before it is printed: what a person has seen is on record.
            let recording = record(
                casework,
                &screener,
                &path,
                screened,
                subject(&path),
                !args.no_keep,
                output,
            );
            let (screened_again, recorded) = handle.block_on(recording)?;
            screened = screened_again;
            if let Some(case) = recorded {
                *cases.entry(case).or_default() += 1;
            }
        }
        *counts.entry(screened.verdict).or_default() += 1;
        // For the exit status: failures of the system or of obhut itself, not what was found.
        let unread = screened.unreadable.as_ref();
        failed += u64::from(
            screened.decoder_failed || unread.is_some_and(|(code, _)| *code == "input-output"),
        );
        bar.suspend(|| print(&path, &screened, output))
    };
    // in_order blocks this thread until the end, so the runtime has to move its other tasks away.
    tokio::task::block_in_place(|| {
        in_order(
            scan(&args.paths),
            |found| match found {
                Ok(file) => {
                    let screened = screener.screen_file(&file.path);
                    (file.path, screened)
                }
                Err(problem) => {
                    // A link that is skipped on purpose is not a failure; "input-output" is counted as one above.
                    let code = if problem.is_link {
                        "link"
                    } else {
                        "input-output"
                    };
                    (
                        problem.path,
                        Screened::unreadable(code, problem.what, false),
                    )
                }
            },
            take,
        )
    })?;
    bar.finish_and_clear();

    let summary: Vec<_> = counts
        .iter()
        .map(|(verdict, n)| format!("{n} {verdict}"))
        .collect();
    if !output.is_json() || !cases.is_empty() {
        output.remark(&format!(
            "{}: {}",
            count(counts.values().sum::<u64>(), "file", "files"),
            summary.join(", ")
        ));
    }
    for (case, files) in &cases {
        output.remark(&format!(
            "{files} of them in {case}; next: obhut case show {case}"
        ));
    }
    Ok(if failed > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What files are compared with, and where findings go.
pub struct Against {
    pub screener: Screener,
    pub casework: Option<Arc<Casework>>,
}

/// One list file, or the lists on record.
pub async fn against(
    list: Option<&Path>,
    surface: Surface,
    options: ScreenOptions,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<Against> {
    let pool = app_context::pool()?;
    Ok(match list {
        Some(file) => {
            anyhow::ensure!(
                surface != Surface::PrivateMessage,
                "private messages are screened only where a legal basis is on record, so not with `--list`; see `obhut basis add`"
            );
            let csv = input::read(file, FILE_BYTES_MAX)?;
            let name = file
                .file_name()
                .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            let (list, problems) = read_list_file(&name, &csv);
            for problem in &problems {
                output.remark(&format!("{}: {problem}", file.display()));
            }
            // Against an empty list everything would be "no-match", which reads like a result.
            anyhow::ensure!(
                list.len() > 0,
                "{}: no row could be read, so there is nothing to compare with",
                file.display()
            );
            Against {
                screener: Screener::new(pool, vec![list], options),
                casework: None,
            }
        }
        None => {
            let casework = context.casework().await?;
            // Before any list is opened: without a legal basis, private messages aren't read.
            casework::check_surface(&casework, surface).await?;
            let screener = media::screener(&casework, pool, options).await?;
            anyhow::ensure!(
                screener.entries() > 0,
                "no list is on record: `obhut list import --name … --owner … --purpose assessed --basis … FILE.csv` imports one, `--list FILE.csv` compares with a file"
            );
            Against {
                screener,
                casework: Some(casework),
            }
        }
    })
}

/// Records a file's screening if it makes a finding or matched an unsigned list. A finding is
/// recorded with the file's bytes or digests, if the file can be read again. Returns the result
/// to show, which is that of the second screening if there was one, and the case, if there is one.
async fn record(
    casework: &Casework,
    screener: &Screener,
    path: &Path,
    mut screened: Screened,
    mut subject: Subject,
    keep: bool,
    output: &Output,
) -> anyhow::Result<(Screened, Option<String>)> {
    // Matches of unsigned lists are recorded as well, because they have to be counted.
    if !screened.makes_a_finding() && screened.matches.iter().all(|m| m.signed) {
        return Ok((screened, None));
    }
    let mut kept = None;
    if screened.makes_a_finding() {
        let again = again(screener, path, keep, output);
        kept = again.kept;
        subject.digests = again.digests.map(Sealed::new);
        screened = again.screened.unwrap_or(screened);
    }
    let actor = app_context::shell_user();
    let recording = media::record(casework, &screened, &subject, kept.as_deref(), &actor);
    let case = recording.await?.case;
    Ok((screened, case))
}

/// The result of screening a file again to record it. All fields that are `Some` describe the same
/// bytes; the file may have changed since it was first screened.
#[derive(Default)]
struct Again {
    screened: Option<Screened>,
    kept: Option<Vec<u8>>,
    digests: Option<FileDigests>,
}

fn again(screener: &Screener, path: &Path, keep: bool, output: &Output) -> Again {
    let bytes_max = Limits::default().input_bytes_max;
    let name = shown(path);
    if std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > bytes_max) {
        let again = unchanged(screener, path);
        match (&again.digests, keep) {
            (None, _) => output.remark(&format!(
                "{name} changed while it was read, or couldn't be read again; the finding is recorded, without its digests"
            )),
            (Some(_), true) => output.remark(&format!(
                "{name} is longer than an exhibit may be ({bytes_max} bytes); only its digests are kept"
            )),
            (Some(_), false) => {}
        }
        return again;
    }
    let bytes = match input::read(path, bytes_max) {
        Ok(bytes) => bytes,
        Err(e) => {
            output.remark(&format!(
                "{e:#}; the finding is recorded, without its bytes and digests"
            ));
            return Again::default();
        }
    };
    let screened = screener.screen_bytes(&bytes);
    if screened.decoder_failed {
        output.remark(&format!(
            "{name} couldn't be decoded again; what was found first is recorded, without its bytes and digests"
        ));
        return Again::default();
    }
    let digests = (!keep).then(|| media::digests_of(&bytes, screened.media_type));
    Again {
        digests,
        kept: keep.then_some(bytes),
        screened: Some(screened),
    }
}

/// For a file too long to be an exhibit: its verdict and digests, if the digests are the same
/// before and after screening it.
fn unchanged(screener: &Screener, path: &Path) -> Again {
    let Ok(before) = media::digests_of_file(path, None) else {
        return Again::default();
    };
    let screened = screener.screen_file(path);
    let after = media::digests_of_file(path, None).ok();
    if screened.decoder_failed || after.as_ref() != Some(&before) {
        return Again::default();
    }
    let media_type = screened.media_type.map(str::to_owned);
    Again {
        screened: Some(screened),
        kept: None,
        digests: Some(FileDigests {
            media_type,
            ..before
        }),
    }
}

fn print(path: &Path, screened: &Screened, output: &Output) -> anyhow::Result<()> {
    output.line(
        || {
            let findings: Vec<_> = screened
                .matches
                .iter()
                .map(|m| {
                    let mut finding = json!({
                        "list": m.list, "version": m.version, "entry": m.entry, "kind": m.kind, "distance": m.distance_bits,
                    });
                    if !m.signed {
                        finding["unsigned"] = true.into();
                    }
                    if let Some(stretch) = &m.stretch {
                        finding["stretch"] = stretch_json(stretch);
                    }
                    finding
                })
                .collect();
            let mut value = json!({ "verdict": screened.verdict.word(), "findings": findings });
            if let Some((_, because)) = &screened.unreadable {
                value["because"] = because.as_str().into();
            }
            if let Some(quality) = screened.quality {
                value["quality"] = quality.into();
            }
            with_path(path, map(value))
        },
        || {
            let mut text = format!("{:<14} {}", screened.verdict.word(), shown(path));
            if let Some(m) = screened.matches.first() {
                text += &format!("  {} {} at {} ({} bits)", m.list, m.entry, m.kind, m.distance_bits);
                if let Some(s) = &m.stretch {
                    text += &format!(
                        ", from {:.1} s to {:.1} s, {:.0} % of the video",
                        s.from_s, s.to_s, s.video_percent
                    );
                }
                if !m.signed {
                    text += ", unsigned list: only counted";
                }
            }
            if let Some((_, because)) = &screened.unreadable {
                text += &format!("  {because}");
            }
            text
        },
    )
}

pub fn stretch_json(stretch: &Stretch) -> serde_json::Value {
    // Round to milliseconds: an f32 printed as f64 shows meaningless digits.
    let round = |s: f32| (f64::from(s) * 1_000.0).round() / 1_000.0;
    let mut value = json!({
        "from": round(stretch.from_s),
        "to": round(stretch.to_s),
        "video_percent": (stretch.video_percent * 10.0).round() / 10.0,
        "entry_percent": (stretch.entry_percent * 10.0).round() / 10.0,
    });
    if let (Some(from), Some(to)) = (stretch.entry_from_s, stretch.entry_to_s) {
        value["entry_from"] = round(from).into();
        value["entry_to"] = round(to).into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: with `--no-keep`, a file replaced during the run was reported as known material,
    /// with the digests of the new bytes.
    #[test]
    fn digests_are_of_the_bytes_that_were_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let known = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"known"));
        let csv = format!("kind,digest,entry_id\nsha256,{known},one\n");
        let (list, _) = read_list_file("list.csv", csv.as_bytes());
        let screener = Screener::new(
            app_context::pool().unwrap(),
            vec![list],
            ScreenOptions::default(),
        );
        let output = Output::new(true);
        for (bytes, keep, matches) in [
            (Some(b"known"), false, true),
            (Some(b"known"), true, true),
            (Some(b"other"), false, false),
            (None, false, false),
        ] {
            let _ = std::fs::remove_file(&path);
            if let Some(bytes) = bytes {
                std::fs::write(&path, bytes).unwrap();
            }
            let seen = again(&screener, &path, keep, &output);
            assert_eq!(seen.screened.is_some_and(|s| s.makes_a_finding()), matches);
            assert_eq!(seen.kept.is_some(), keep);
            let digest = seen.digests.map(|d| d.sha256);
            assert_eq!(digest.is_some(), !keep && bytes.is_some());
            assert_eq!(digest.as_ref() == Some(&known), matches && !keep);
        }
    }
}
