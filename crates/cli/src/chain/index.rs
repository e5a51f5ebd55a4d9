//! `obhut chain index` and `chain watch`: builds an index, follows new blocks, and reports when
//! watched addresses move coins.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use obhut_app::bitcoin::{self, Build, Fault, IndexInfo, Key, Network, Progress, hash_text};
use obhut_app::casework::{self, Act, Casework};
use serde_json::json;

use super::{network, open};
use crate::app_context::AppContext;
use crate::args::{IndexArgs, WatchAddressesArgs};
use crate::hints::Usage;
use crate::output::{Output, count};

/// How often the node's files are looked at for new blocks. Our judgement.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// If a file was last written longer ago than this, its next write gives it a different
/// modification time. Our judgement.
const SETTLED: Duration = Duration::from_secs(1);

pub async fn index(
    args: IndexArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let network = network(args.network);
    let secret = secret()?;
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .clamp(1, 64);
    let bar = output.progress("");
    let show = |p: Progress| {
        // A stage may have nothing to do.
        let percent = p.done * 100 / p.total.max(1);
        bar.set_message(format!("{} {percent} %", p.stage));
    };
    let build = Build {
        network,
        blocks: &args.blocks,
        index: &args.index,
        secret,
        threads,
        live: args.follow,
        progress: &show,
    };
    let begun = Instant::now();
    // The loop below follows a fresh index too: blocks may have come while it was built.
    if !bitcoin::is_there(&args.index) {
        bitcoin::build(&build)?;
    }
    // Indexing alone must not create a data folder. Without a data folder, no address is watched.
    let casework = match context.has_data() {
        true => Some(context.casework().await?),
        false => None,
    };
    // Without a watermark, reporting begins with the blocks this run appends.
    if let Some(casework) = &casework
        && bitcoin::chain_told(casework, network.name())
            .await?
            .is_none()
    {
        let (height, hash) = bitcoin::index_info(&args.index)?.tip;
        bitcoin::set_watermark(casework, network.name(), height, &hash_text(&hash)).await?;
    }
    // Outside the loop: a future made in each round would miss a signal that comes between rounds.
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    let (mut reported, mut reached, mut seen) = (false, false, None);
    loop {
        // Before following: a file that grows meanwhile makes the next look differ.
        let now = state_of(&args.blocks);
        if now.is_none() || now != seen {
            match bitcoin::follow(&build) {
                Ok(followed) => {
                    let index_info = bitcoin::index_info(&args.index)?;
                    if !reported || followed.appended + followed.orphaned > 0 {
                        bar.finish_and_clear();
                        tell(&index_info, &followed, begun.elapsed(), output)?;
                        reported = true;
                    }
                    reached = args.until.is_some_and(|until| index_info.tip.0 >= until);
                    if let Some(casework) = &casework {
                        // Even if no block is new: an earlier run may have been killed after
                        // appending blocks and before reporting movements.
                        report_movements(casework, network, &args.index, output).await?;
                    }
                    // Not set when the index is busy, so that the next round tries again.
                    seen = now;
                }
                // Another process is reading the index at the moment.
                Err(Fault::Busy { .. }) if args.follow => {}
                Err(e) => return Err(e.into()),
            }
            if reported && (!args.follow || reached) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = &mut stop => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Names, lengths and modification times of the node's files; if they are equal, nothing is new.
/// `None` if a file was written so recently that its next change may get the same time, or if the
/// folder can't be read.
fn state_of(blocks: &Path) -> Option<Vec<(OsString, u64, SystemTime)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(blocks).ok()? {
        let entry = entry.ok()?;
        let meta = entry.metadata().ok()?;
        let time = meta.modified().ok()?;
        if time.elapsed().is_ok_and(|since| since < SETTLED) {
            return None;
        }
        all.push((entry.file_name(), meta.len(), time));
    }
    all.sort();
    Some(all)
}

/// Records movements at watched addresses since the last processed block. A movement that is
/// recorded already isn't recorded again, so an interrupted run neither loses nor duplicates any.
async fn report_movements(
    casework: &Casework,
    network: Network,
    folder: &Path,
    output: &Output,
) -> anyhow::Result<()> {
    let watched = bitcoin::watched_keys(casework, network).await?;
    // Even if nothing is watched: recorded movements may have been orphaned, and movements from
    // before an address was watched must not be reported later.
    let index = open(folder)?;
    let moved = bitcoin::catch_up(casework, network, &index, &watched).await?;
    // A mapped index makes the next append busy, so it is released before anything is printed.
    drop(index);
    for txid in &moved.orphaned {
        output.remark(&format!(
            "a reported movement never happened: the block of {txid} was orphaned by a reorg"
        ));
    }
    if moved.raised > 0 {
        output.remark(&format!(
            "{} at watched addresses; `obhut chain moves CASE` shows them",
            count(moved.raised, "movement", "movements")
        ));
    }
    Ok(())
}

/// A random secret key for the fingerprints of a new index.
fn secret() -> anyhow::Result<[u64; 4]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no randomness")?;
    let word =
        |n: usize| u64::from_le_bytes(bytes[n * 8..n * 8 + 8].try_into().expect("8-byte slice"));
    // Words 2 and 3 are multipliers: multiplying by an odd number is a bijection modulo 2^64.
    Ok([word(0), word(1), word(2) | 1, word(3) | 1])
}

fn tell(
    index_info: &IndexInfo,
    followed: &bitcoin::Followed,
    took: Duration,
    output: &Output,
) -> anyhow::Result<()> {
    let (height, hash) = index_info.tip;
    let [txs, ins, outs, addresses] = index_info.sizes;
    output.line(
        || {
            json!({
                "height": height, "block": hash_text(&hash), "transactions": txs, "inputs": ins,
                "outputs": outs, "addresses": addresses, "appended": followed.appended,
                "undone": followed.orphaned, "joins_refused": index_info.refused_joins,
                "seconds": took.as_secs_f64(),
            })
        },
        || {
            format!(
                "height {height}, block {}\n{txs} transactions, {ins} inputs, {outs} outputs, {addresses} addresses; {} appended, {} orphaned; {:.1} s",
                hash_text(&hash),
                followed.appended,
                followed.orphaned,
                took.as_secs_f64()
            )
        },
    )
}

pub async fn watch(
    args: WatchAddressesArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let network = network(args.network);
    let casework = context.casework().await?;
    // Before `acting`, so that a mistyped id grants no role.
    casework::case(&casework, &args.case).await?;
    let acting = context.acting(&casework, args.by.as_deref(), Act::WatchAddresses);
    if args.end {
        let person = acting.await?;
        let gone = bitcoin::unwatch(&casework, &args.case, &person).await?;
        output.remark(&format!(
            "{} no longer watched",
            count(gone, "address", "addresses")
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let mut addresses = args.addresses;
    if let Some(path) = &args.report {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        let first = |l: &str| l.split(',').next().unwrap_or_default().to_owned();
        addresses.extend(text.lines().skip(1).map(first).filter(|a| !a.is_empty()));
    }
    let mut kept = Vec::new();
    for address in &addresses {
        let key = Key::parse(address.trim(), network)
            .map_err(|why| Usage(format!("{address}: {why}")))?;
        // In canonical form, so that two spellings of one address are watched once.
        kept.push(key.text(network));
    }
    // Awaited only now: `acting` may grant a role, and a mistyped file name or address must not
    // lead to one.
    let person = acting.await?;
    let new = bitcoin::watch_addresses(&casework, &args.case, network, &kept, &person).await?;
    output.remark(&format!(
        "{} watched, {new} new; `obhut chain index --follow` reports when one moves",
        count(kept.len() as u64, "address", "addresses")
    ));
    Ok(ExitCode::SUCCESS)
}
