//! `obhut watch`: compares a live stream's frames with hash lists while it runs.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use obhut_app::casework::{Sealed, Subject, UploadFacts, fresh_group};
use obhut_app::media;
use obhut_app::media::Match;
use obhut_app::partners::fetch::{AllowList, Fetcher};
use obhut_app::partners::hls;
use serde_json::json;

use crate::app_context::{self, AppContext};
use crate::args::WatchArgs;
use crate::output::Output;
use crate::screen::{Against, against, stretch_json};

/// Longest time without a frame, and longest time a write to the decoder may block. Our judgement.
const STALL_MAX: Duration = Duration::from_secs(60);

pub async fn run(
    args: WatchArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let Against { screener, casework } = against(
        args.list.as_deref(),
        args.surface,
        Default::default(),
        context,
        output,
    )
    .await?;
    // Segments below the playlist's address need no --fetch-from (docs/hooks.md).
    let folder = args.url.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = format!("{folder}/");
    let allowed = args.fetch_from.iter().map(String::as_str);
    let allowed = AllowList::new(allowed.chain([folder.as_str()])).map_err(anyhow::Error::msg)?;
    let fetcher = Fetcher::new(allowed);
    let subject = Subject {
        group: args.account.clone().unwrap_or_else(fresh_group),
        account: args.account.map(Sealed::new),
        name: Some(Sealed::new(args.url.clone())),
        surface: args.surface,
        uploaded_at: None,
        before_release: false,
        upload: UploadFacts::default(),
        digests: None,
    };
    // A socket, not a pipe: only a socket has a write timeout.
    let (mut to, from) = UnixStream::pair()?;
    // A decoder that no longer reads must not keep the fetcher waiting.
    to.set_write_timeout(Some(STALL_MAX))?;
    let started = Instant::now();
    let over = AtomicBool::new(false);
    let handle = tokio::runtime::Handle::current();
    let (fetched, seen) = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let fetching = scope.spawn(|| {
                let go_on = || !over.load(Ordering::Relaxed);
                let fetched = hls::follow(&fetcher, &args.url, &mut to, go_on);
                // Closed, so that the decoder sees the end of the stream.
                let _ = to.flush();
                let _ = to.shutdown(std::net::Shutdown::Write);
                fetched
            });
            let mut failed = None;
            let seen = screener.screen_live(OwnedFd::from(from), STALL_MAX, |found| {
                let case = casework.as_ref().map(|casework| {
                    let screened = screener.judged(vec![found.clone()]);
                    let actor = app_context::shell_user();
                    handle.block_on(media::record(casework, &screened, &subject, None, &actor))
                });
                let told = match case.transpose() {
                    Ok(recorded) => tell(found, recorded.and_then(|r| r.case), started, output),
                    Err(e) => Err(e.into()),
                };
                // A match that could not be recorded ends the watch; continuing would lose it silently.
                failed = told.err();
                failed.is_none()
            });
            // Otherwise the fetcher would follow the playlist until the stream ends.
            over.store(true, Ordering::Relaxed);
            let fetched = fetching.join().expect("fetching does not panic");
            (fetched, failed.map_or(Ok(seen), Err))
        })
    });
    // Report the cause, not what followed: a failed recording ends the watch, and a failed fetch
    // ends the decoder's input.
    let seen = seen?;
    let skipped = fetched.map_err(|e| anyhow::anyhow!("the stream: {e}"))?;
    if skipped > 0 {
        output.remark(&format!(
            "note: {skipped} segments could not be fetched, so what was in them was not compared"
        ));
    }
    let seen = seen.map_err(|e| anyhow::anyhow!("the stream: {e}"))?;
    if seen.damaged {
        output.remark("note: parts of the stream were missing or broken, and were not compared");
    }
    output.remark(&format!(
        "the stream is over; {} frames were compared",
        seen.frames
    ));
    Ok(ExitCode::SUCCESS)
}

fn tell(
    found: &Match,
    case: Option<String>,
    started: Instant,
    output: &Output,
) -> anyhow::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    output.line(
        || {
            let mut value = json!({
                "list": found.list, "version": found.version, "entry": found.entry,
                "kind": found.kind, "distance": found.distance_bits,
                "after_seconds": (seconds * 10.0).round() / 10.0,
            });
            if let Some(stretch) = &found.stretch {
                value["stretch"] = stretch_json(stretch);
            }
            if let Some(case) = &case {
                value["case"] = case.as_str().into();
            }
            value
        },
        || {
            let at = found.stretch.map_or(0.0, |s| s.to_s);
            let case = case.as_ref().map_or_else(String::new, |c| format!("; {c}"));
            format!(
                "match  {} {} at {} ({} bits), {at:.0} s into the stream{case}",
                found.list, found.entry, found.kind, found.distance_bits
            )
        },
    )
}
