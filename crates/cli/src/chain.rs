//! `obhut chain`: indexes a node's block files, traces payers and the exchanges that know them, and
//! watches addresses.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use obhut_app::bitcoin::{self, Fault, Index, Network};
use obhut_app::casework::{self, Act, rfc3339};
use obhut_app::formats::tags;
use serde_json::json;

use crate::app_context::AppContext;
use crate::args::{ChainCommand, NetworkName, SynthesizeChainArgs};
use crate::hints::{Usage, usage};
use crate::output::{Output, count};
use crate::whole_file::WholeFile;

mod index;
mod inspect;
mod payers;

/// How long to wait for an index that another process is appending to. Our judgement.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(20);

pub async fn run(
    command: ChainCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        ChainCommand::Index(a) => index::index(a, context, output).await,
        ChainCommand::Payers(a) => payers::payers(a, context, output).await,
        ChainCommand::Why(a) => inspect::why(&a, output),
        ChainCommand::Mixes(a) => inspect::mixes(&a, output),
        ChainCommand::Show { index, txid } => inspect::show(&index, &txid, output),
        ChainCommand::Rules => inspect::rules(output),
        ChainCommand::Basis {
            case,
            basis,
            owner,
            until,
            by,
        } => {
            // Parse the date first, so that a typing error grants no role.
            let ends = end_of(&until)?;
            let casework = context.casework().await?;
            // Before `acting`, so that a mistyped id grants no role.
            casework::case(&casework, &case).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::RecordBasis)
                .await?;
            let basis =
                bitcoin::record_chain_basis(&casework, &case, &basis, &owner, ends, &person)
                    .await?;
            output.line(
                || serde_json::to_value(&basis).expect("a basis is JSON"),
                || format!("{}  {case}  until {}", basis.id, rfc3339(basis.ends_at)),
            )?;
            Ok(ExitCode::SUCCESS)
        }
        ChainCommand::Tag { files, by } => {
            let casework = context.casework().await?;
            // Before `acting`, which may grant a role: a mistyped file name must not.
            let read = read_tags(&files, output)?;
            let person = context
                .acting(&casework, by.as_deref(), Act::TagAddresses)
                .await?;
            let new = bitcoin::add_chain_tags(&casework, &read.tags, &person).await?;
            output.remark(&format!(
                "{}, {new} new",
                count(read.tags.len() as u64, "tag", "tags")
            ));
            Ok(ExitCode::SUCCESS)
        }
        ChainCommand::Watch(a) => index::watch(a, context, output).await,
        ChainCommand::Moves { case } => {
            let casework = context.casework().await?;
            // Fails with "not found" for an unknown case.
            casework::case(&casework, &case).await?;
            for m in bitcoin::movements(&casework, &case).await? {
                output.line(
                    || serde_json::to_value(&m).expect("a movement is JSON"),
                    || {
                        let way = if m.incoming { "was paid" } else { "paid" };
                        let undone = if m.undone {
                            "  (orphaned by a reorg)"
                        } else {
                            ""
                        };
                        format!(
                            "{}  {}  {way} {} sat  {}{undone}",
                            m.time, m.address, m.amount_sat, m.txid
                        )
                    },
                )?;
            }
            Ok(ExitCode::SUCCESS)
        }
        ChainCommand::Synthesize(a) => synthesize(&a, output),
    }
}

fn network(name: NetworkName) -> Network {
    match name {
        NetworkName::Mainnet => Network::Mainnet,
        NetworkName::Testnet => Network::Testnet,
        NetworkName::Signet => Network::Signet,
        NetworkName::Regtest => Network::Regtest,
    }
}

/// Opens an index, waiting briefly if another process is appending to it.
fn open(folder: &Path) -> anyhow::Result<Index> {
    let begun = Instant::now();
    loop {
        match Index::open(folder) {
            Err(Fault::Busy { .. }) if begun.elapsed() < BUSY_WAIT_MAX => {
                std::thread::sleep(Duration::from_millis(100));
            }
            other => return Ok(other?),
        }
    }
}

/// Problems printed one by one; for the rest, only their number. report.json has all problems of a
/// trace, but not those found while files of tags are read. Our judgement.
const PROBLEMS_SHOWN_MAX: usize = 20;

fn print_problems(problems: impl Iterator<Item = String>, output: &Output) {
    // take() may already have reached the end, and count() calls next() once more.
    let mut problems = problems.fuse();
    for problem in problems.by_ref().take(PROBLEMS_SHOWN_MAX) {
        output.remark(&problem);
    }
    let more = problems.count() as u64;
    if more > 0 {
        output.remark(&format!(
            "and {} more like these",
            count(more, "problem", "problems")
        ));
    }
}

fn read_tags(files: &[PathBuf], output: &Output) -> anyhow::Result<tags::TagFile> {
    let mut all = tags::TagFile::default();
    for path in files {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let name = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let file = tags::read(&name, &bytes).map_err(|why| usage!("{}: {why}", path.display()))?;
        print_problems(
            file.problems
                .iter()
                .map(|p| format!("{}, row {}: {}", p.file, p.row, p.what)),
            output,
        );
        if file.other_currencies > 0 {
            output.remark(&format!(
                "{name}: {} for other currencies ignored",
                count(file.other_currencies as u64, "tag", "tags")
            ));
        }
        // A valid file without rows is fine. A file whose rows all failed is probably not a file of
        // tags.
        if file.tags.is_empty() && file.actors.is_empty() && !file.problems.is_empty() {
            anyhow::bail!(usage!("{name}: no row could be read; see above"));
        }
        all.tags.extend(file.tags);
        all.actors.extend(file.actors);
        all.problems.extend(file.problems);
        all.other_currencies += file.other_currencies;
    }
    Ok(all)
}

fn synthesize(args: &SynthesizeChainArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let bar = output.progress("making blocks");
    let recipe = obhut_fakes::chain::Recipe {
        inputs: args.inputs,
        seed: args.seed,
        site: args.site,
    };
    let made = obhut_fakes::chain::make(&recipe, &args.out.join("blocks"))
        .with_context(|| format!("{} can't be filled", args.out.display()))?;
    bar.finish_and_clear();
    let seeds = json!({ "seeds": made.seeds });
    let write = |name: &str, text: &str| -> anyhow::Result<()> {
        let mut out = WholeFile::create(&args.out.join(name), &[])?;
        out.write_all(text.as_bytes())?;
        out.finish()
    };
    write("seeds.json", &seeds.to_string())?;
    let mut tags = "address,label,category,source,confidence\n".to_owned();
    for (address, label) in &made.exchanges {
        tags += &format!("{address},{label},exchange,artificial,100\n");
    }
    write("tags.csv", &tags)?;
    output.line(
        || {
            json!({
                "blocks": made.blocks, "transactions": made.transactions, "inputs": made.inputs,
                "out": args.out,
            })
        },
        || {
            format!(
                "{} blocks, {} transactions, {} inputs in {}/blocks, with seeds.json and tags.csv; all of it artificial",
                made.blocks,
                made.transactions,
                made.inputs,
                args.out.display()
            )
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The end of a day (UTC), or a time with a zone, in microseconds since 1970.
fn end_of(text: &str) -> anyhow::Result<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_microsecond());
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| {
        Usage(format!(
            "\"{text}\" is neither a day (2027-04-03) nor a time with a zone"
        ))
    })?;
    // The named day is included.
    let end = day.tomorrow()?.to_zoned(jiff::tz::TimeZone::UTC)?;
    Ok(end.timestamp().as_microsecond())
}
