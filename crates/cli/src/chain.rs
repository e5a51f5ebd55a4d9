//! `obhut chain`: from a node's block files to payers, and to the exchanges that know them.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use obhut_casework::chain::{
    self, Build, Fault, Index, Key, MovementRow, Network, OutPoint, PayersReport, Progress,
    Question, Services, hash_of_text, hash_text,
};
use obhut_casework::{Casework, Language, Role, rfc3339};
use obhut_partners::{chain_files, tags};
use obhut_server::chain_report;
use serde_json::{Value, json};

use crate::args::{
    ChainCommand, IndexArgs, MixesArgs, NetworkName, PayersArgs, SynthesizeChainArgs,
    WatchAddressesArgs, WhyArgs,
};
use crate::output::{Output, count};
use crate::setting::{Setting, acting};
use crate::whole_file::WholeFile;

/// How often the node's files are looked at for new blocks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long an index that somebody appends to is waited for.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(20);
const SEEDS_BYTES_MAX: u64 = 64 << 20;

pub async fn run(
    command: ChainCommand,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        ChainCommand::Index(a) => index(a, setting, output).await,
        ChainCommand::Payers(a) => payers(a, setting, output).await,
        ChainCommand::Why(a) => why(&a, output),
        ChainCommand::Mixes(a) => mixes(&a, output),
        ChainCommand::Show { index, txid } => show(&index, &txid, output),
        ChainCommand::Rules => rules(output),
        ChainCommand::Basis {
            case,
            basis,
            owner,
            until,
            by,
        } => {
            let casework = setting.casework().await?;
            let person = acting(&casework, by.as_deref(), Role::Administrator, output).await?;
            let ends = end_of(&until)?;
            let basis = casework
                .record_chain_basis(&case, &basis, &owner, ends, &person)
                .await?;
            output.line(
                || serde_json::to_value(&basis).expect("a basis is JSON"),
                || format!("{}  {case}  until {}", basis.id, rfc3339(basis.ends_at)),
            )?;
            Ok(ExitCode::SUCCESS)
        }
        ChainCommand::Tag { files, by } => {
            let casework = setting.casework().await?;
            let person = acting(&casework, by.as_deref(), Role::Reviewer, output).await?;
            let read = read_tags(&files, output)?;
            let new = casework.add_chain_tags(&read.tags, &person).await?;
            output.remark(&format!(
                "{}, {new} new",
                count(read.tags.len() as u64, "tag", "tags")
            ));
            Ok(ExitCode::SUCCESS)
        }
        ChainCommand::Watch(a) => watch(a, setting, output).await,
        ChainCommand::Moves { case } => {
            let casework = setting.casework().await?;
            for m in casework.movements(&case).await? {
                output.line(
                    || serde_json::to_value(&m).expect("a movement is JSON"),
                    || {
                        let way = if m.incoming { "was paid" } else { "paid" };
                        format!(
                            "{}  {}  {way} {} sat  {}",
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

async fn index(args: IndexArgs, setting: &Setting, output: &Output) -> anyhow::Result<ExitCode> {
    let network = network(args.network);
    let secret = secret()?;
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .clamp(1, 64);
    let bar = output.progress("");
    let show = |p: Progress| {
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
    if !chain::is_there(&args.index) {
        chain::build(&build)?;
    }
    let casework = if args.follow && setting.has_data() {
        Some(setting.casework().await?)
    } else {
        None
    };
    let mut told = false;
    loop {
        let watched = watched(casework.as_ref(), network).await?;
        let followed = match chain::follow(&build, &watched) {
            Ok(followed) => followed,
            // Somebody reads the index at the moment.
            Err(Fault::Busy { .. }) if args.follow => {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            Err(e) => return Err(e.into()),
        };
        if let Some(casework) = &casework {
            record(casework, network, &followed.movements, output).await?;
        }
        let news = followed.appended + followed.undone > 0;
        if !told || news {
            bar.finish_and_clear();
            tell(&args.index, &followed, begun.elapsed(), output)?;
            told = true;
        }
        let reached = args.until.is_some_and(|until| {
            Index::open(&args.index).is_ok_and(|index| index.tip().0 >= until)
        });
        if !args.follow || reached {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn secret() -> anyhow::Result<[u64; 4]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no randomness")?;
    let word = |n: usize| u64::from_le_bytes(bytes[n * 8..n * 8 + 8].try_into().expect("eight"));
    // Odd multipliers lose nothing.
    Ok([word(0), word(1), word(2) | 1, word(3) | 1])
}

fn tell(
    folder: &Path,
    followed: &chain::Followed,
    took: Duration,
    output: &Output,
) -> anyhow::Result<()> {
    let index = open(folder)?;
    let (height, hash) = index.tip();
    let [txs, ins, outs, addresses] = index.sizes();
    output.line(
        || {
            json!({
                "height": height, "block": hash_text(&hash), "transactions": txs, "inputs": ins,
                "outputs": outs, "addresses": addresses, "appended": followed.appended,
                "undone": followed.undone, "joins_refused": index.refused_joins(),
                "seconds": took.as_secs_f64(),
            })
        },
        || {
            format!(
                "height {height}, block {}\n{txs} transactions, {ins} inputs, {outs} outputs, {addresses} addresses; {} appended, {} undone; {:.1} s",
                hash_text(&hash),
                followed.appended,
                followed.undone,
                took.as_secs_f64()
            )
        },
    )
}

async fn watched(casework: Option<&Casework>, network: Network) -> anyhow::Result<HashSet<Key>> {
    let mut keys = HashSet::new();
    if let Some(casework) = casework {
        for watch in casework
            .chain_watches(network.name(), network != Network::Regtest)
            .await?
        {
            keys.extend(Key::parse(watch.address.expose(), network).ok());
        }
    }
    Ok(keys)
}

async fn record(
    casework: &Casework,
    network: Network,
    movements: &[chain::Movement],
    output: &Output,
) -> anyhow::Result<()> {
    let mut raised = 0;
    for m in movements {
        let row = MovementRow {
            address: m.key.text(network),
            txid: hash_text(&m.tx),
            height: m.height,
            time: rfc3339(i64::from(m.time) * 1_000_000),
            amount_sat: m.satoshi,
            incoming: m.incoming,
            place: m.place,
        };
        raised += casework.record_movement(network.name(), &row).await?;
    }
    if raised > 0 {
        output.remark(&format!(
            "{} at watched addresses; `obhut chain moves CASE` shows them",
            count(raised, "movement", "movements")
        ));
    }
    Ok(())
}

/// An index, waiting a little while somebody appends to it.
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

async fn watch(
    args: WatchAddressesArgs,
    setting: &Setting,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let network = network(args.network);
    let casework = setting.casework().await?;
    let person = acting(&casework, args.by.as_deref(), Role::Reviewer, output).await?;
    if args.end {
        let gone = casework.unwatch(&args.case, &person).await?;
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
            .map_err(|why| anyhow::anyhow!("{address}: {why}"))?;
        kept.push(key.text(network));
    }
    let needed = network != Network::Regtest;
    let new = casework
        .watch_addresses(&args.case, network.name(), &kept, needed, &person)
        .await?;
    output.remark(&format!(
        "{} watched, {new} new; `obhut chain index --follow` tells when one moves",
        count(kept.len() as u64, "address", "addresses")
    ));
    Ok(ExitCode::SUCCESS)
}

/// Problems told at the terminal; all are in report.json.
const PROBLEMS_TOLD: usize = 20;

fn tell_some(problems: impl Iterator<Item = String>, output: &Output) {
    let mut problems = problems.fuse();
    for problem in problems.by_ref().take(PROBLEMS_TOLD) {
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
        let file = tags::read(&name, &bytes)
            .map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?;
        tell_some(
            file.problems
                .iter()
                .map(|p| format!("{}, row {}: {}", p.file, p.row, p.what)),
            output,
        );
        if file.other_currencies > 0 {
            output.remark(&format!(
                "{name}: {} for other currencies left out",
                count(file.other_currencies as u64, "tag", "tags")
            ));
        }
        all.tags.extend(file.tags);
        all.actors.extend(file.actors);
        all.problems.extend(file.problems);
        all.other_currencies += file.other_currencies;
    }
    Ok(all)
}

async fn payers(args: PayersArgs, setting: &Setting, output: &Output) -> anyhow::Result<ExitCode> {
    let question = read_seeds(&args.seeds)?;
    let mut read = read_tags(&args.tags, output)?;
    let index = open(&args.index)?;
    let needed = index.network() != Network::Regtest;
    let kept = match &args.case {
        None if needed => bail!(
            "on {} payers are looked for only for a case with a legal basis on record: open one with `obhut case new`, record the basis with `obhut chain basis`, and name it with --case",
            index.network().name()
        ),
        None => None,
        Some(case) => {
            let casework = setting.casework().await?;
            let person = acting(&casework, args.by.as_deref(), Role::Reviewer, output).await?;
            let basis = casework.begin_trace(case, needed, &person).await?;
            read.tags.extend(casework.chain_tags().await?);
            Some((casework, person, case.clone(), basis))
        }
    };
    let services = Services::new(&index, &read.tags, &read.actors);
    let report = chain::payers(&index, &question, &services)
        .map_err(|problems| anyhow::anyhow!(problems.join("; ")))?;
    let basis = kept
        .as_ref()
        .and_then(|k| k.3.as_ref())
        .map(|b| b.basis.clone());
    let names = args.tags.iter().filter_map(|p| p.file_name());
    let made = chain_report::Made {
        case: args.case.clone(),
        basis,
        tags: names.map(|n| n.to_string_lossy().into_owned()).collect(),
    };
    let language = if args.german {
        Language::German
    } else {
        Language::English
    };
    let requests = args.out.join("requests");
    std::fs::create_dir_all(&requests)
        .with_context(|| format!("{} can't be made", args.out.display()))?;
    clear_requests(&requests)?;
    let inputs: Vec<PathBuf> = args
        .tags
        .iter()
        .cloned()
        .chain([args.seeds.clone()])
        .collect();
    let mut names = chain_files::names(&report);
    names.extend(["report.html".to_owned(), "report.json".to_owned()]);
    // One after another: a large site's files are long.
    for name in &names {
        let (bytes, media) = match name.as_str() {
            "report.html" => {
                let page = chain_report::page(&report, &made, language);
                (page.into_bytes(), "text/html")
            }
            "report.json" => (as_json(&report, &made)?, "application/json"),
            table => (chain_files::table(&report, table), "text/csv"),
        };
        let mut out = WholeFile::create(&args.out.join(name), &inputs)?;
        out.write_all(&bytes)?;
        out.finish()?;
        if let Some((casework, person, case, _)) = &kept {
            let name = format!("chain report {name}");
            let (case, name) = (Some(case.as_str()), Some(name.as_str()));
            casework
                .put_exhibit(&bytes, case, None, name, Some(media), person)
                .await?;
        }
    }
    if let Some((_, _, case, _)) = &kept {
        output.remark(&format!(
            "{} kept as exhibits of {case}",
            count(names.len() as u64, "file", "files")
        ));
    }
    summary(&report, &args.out, output)?;
    Ok(ExitCode::SUCCESS)
}

/// The report with its case before it.
fn as_json(report: &PayersReport, made: &chain_report::Made) -> anyhow::Result<Vec<u8>> {
    let head = json!({ "case": made.case, "basis": made.basis }).to_string();
    let mut bytes = head.into_bytes();
    bytes.pop();
    bytes.push(b',');
    bytes.extend_from_slice(&serde_json::to_vec(report)?[1..]);
    Ok(bytes)
}

/// Takes away the requests of an earlier report into the same folder.
fn clear_requests(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "csv") {
            std::fs::remove_file(&path)
                .with_context(|| format!("{} can't be taken away", path.display()))?;
        }
    }
    Ok(())
}

fn summary(report: &PayersReport, out: &Path, output: &Output) -> anyhow::Result<()> {
    tell_some(report.problems.iter().cloned(), output);
    for labels in &report.contested {
        output.remark(&format!(
            "one cluster is claimed for {}; it was taken for nobody's",
            labels.join(" and ")
        ));
    }
    let found = report
        .payments
        .iter()
        .filter(|p| !p.candidates.is_empty())
        .count();
    let direct = report.payments.iter().filter(|p| p.direct).count();
    output.line(
        || {
            json!({
                "addresses": report.addresses.len(), "doubtful": report.doubtful.len(),
                "payments": report.payments.len(), "amount_sat": report.total_sat(),
                "direct": direct, "with_candidates": found,
                "wallets": report.wallets, "payers_min": report.payers.0, "payers_max": report.payers.1,
                "services": report.services.len(), "unnamed": report.unnamed.len(),
                "out": out,
            })
        },
        || {
            format!(
                "{} addresses, {} doubtful\n{} payments, {:.8} BTC, from {} wallets, by {} to {} payers; {direct} straight out of a service\n{found} lead to a service: {}\nreport in {}\nAn address is not a person; every row is a lead.",
                report.addresses.len(),
                report.doubtful.len(),
                report.payments.len(),
                report.total_sat() as f64 / 1e8,
                report.wallets,
                report.payers.0,
                report.payers.1,
                led_to(report),
                out.display()
            )
        },
    )
}

/// Services with the payments that lead to them, and how many wallets have no name.
fn led_to(report: &PayersReport) -> String {
    let named = report
        .services
        .iter()
        .map(|s| format!("{} ({})", s.service.label, s.behind));
    let unnamed = report.unnamed.len() as u64;
    let unnamed =
        (unnamed > 0).then(|| format!("{} without a name", count(unnamed, "wallet", "wallets")));
    let all: Vec<String> = named.chain(unnamed).collect();
    if all.is_empty() {
        "none".into()
    } else {
        all.join(", ")
    }
}

/// `{"seeds": [...], "own_payments": ["txid:vout"]}`, or a list of addresses.
fn read_seeds(path: &Path) -> anyhow::Result<Question> {
    let fault = || format!("{} can't be read", path.display());
    let length = std::fs::metadata(path).with_context(fault)?.len();
    ensure!(
        length <= SEEDS_BYTES_MAX,
        "{} is longer than {SEEDS_BYTES_MAX} bytes",
        path.display()
    );
    let text = std::fs::read_to_string(path).with_context(fault)?;
    let value: Value = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} isn't JSON; write {{\"seeds\": [\"address\"]}}",
            path.display()
        )
    })?;
    let list = |v: &Value, what: &str| -> anyhow::Result<Vec<String>> {
        let all = v
            .as_array()
            .with_context(|| format!("{}: `{what}` is no list", path.display()))?;
        all.iter()
            .map(|a| {
                let address = a
                    .as_str()
                    .or_else(|| a.get("address").and_then(Value::as_str));
                address
                    .map(str::to_owned)
                    .with_context(|| format!("{}: {a} in `{what}` is no text", path.display()))
            })
            .collect()
    };
    let seeds = match &value {
        Value::Array(_) => list(&value, "seeds")?,
        _ => list(value.get("seeds").unwrap_or(&Value::Null), "seeds")?,
    };
    let own = match value.get("own_payments") {
        None => Vec::new(),
        Some(v) => list(v, "own_payments")?,
    };
    let own_payments = own.iter().map(|text| {
        let parsed = text.rsplit_once(':').and_then(|(txid, vout)| {
            hash_of_text(txid)?;
            Some(OutPoint {
                txid: txid.to_lowercase(),
                vout: vout.parse().ok()?,
            })
        });
        parsed.with_context(|| {
            format!(
                "{}: \"{text}\" in `own_payments` isn't txid:vout",
                path.display()
            )
        })
    });
    Ok(Question {
        seeds,
        own_payments: own_payments.collect::<anyhow::Result<_>>()?,
    })
}

fn why(args: &WhyArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut index = open(&args.index)?;
    if let Some(blocks) = &args.blocks {
        index.set_blocks_folder(blocks);
    }
    let address = |text: &str| -> anyhow::Result<u32> {
        let key = Key::parse(text.trim(), index.network())
            .map_err(|why| anyhow::anyhow!("{text}: {why}"))?;
        index
            .find(&key)
            .with_context(|| format!("{text} never occurs up to height {}", index.tip().0))
    };
    let (from, to) = (address(&args.from)?, address(&args.to)?);
    let Some(why) = chain::why(&index, from, to) else {
        output.line(
            || json!({ "tied": false, "from": args.from, "to": args.to }),
            || "nothing ties the two; that doesn't say that they have two owners".to_owned(),
        )?;
        return Ok(ExitCode::from(2));
    };
    let steps: Vec<Value> = why
        .steps
        .iter()
        .map(|s| {
            let rule = chain::heuristics::ALL[s.rule];
            let (id, time, height) = index.when(s.tx);
            json!({
                "from": index.address_text(s.from), "to": index.address_text(s.to),
                "txid": hash_text(&id), "height": height,
                "time": rfc3339(i64::from(time) * 1_000_000),
                "rule": rule.name, "layer": rule.strength.name(), "confidence": rule.confidence,
            })
        })
        .collect();
    let confidence = why
        .steps
        .iter()
        .map(|s| chain::heuristics::ALL[s.rule].confidence)
        .min()
        .unwrap_or(100);
    let told = json!({
        "tied": true, "from": args.from, "to": args.to, "layer": why.strength.name(),
        "confidence": confidence, "shortest": why.shortest, "steps": steps,
    });
    if let Some(path) = &args.proof {
        let proof = proof(&index, &why, &told)?;
        let mut out = WholeFile::create(path, &[])?;
        out.write_all(&serde_json::to_vec_pretty(&proof)?)?;
        out.finish()?;
        output.remark(&format!("proof in {}", path.display()));
    }
    output.line(
        || told.clone(),
        || {
            let mut text = format!(
                "{} tie, confidence {confidence}, {}{}",
                why.strength.name(),
                count(steps.len() as u64, "transaction", "transactions"),
                if why.shortest {
                    ""
                } else {
                    " (there may be a shorter list)"
                }
            );
            for s in &steps {
                let of = |name: &str| s[name].as_str().unwrap_or_default().to_owned();
                text += &format!(
                    "\n{} — {}\n  {} in {} at height {}, {}",
                    of("from"),
                    of("to"),
                    of("rule"),
                    of("txid"),
                    s["height"],
                    of("time")
                );
            }
            text + "\nA tie says that one owner is likely; it doesn't say who."
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What somebody needs to check each step from block hash and Merkle path alone.
fn proof(index: &Index, why: &chain::Why, told: &Value) -> anyhow::Result<Value> {
    let mut transactions = Vec::new();
    let mut shown = HashSet::new();
    for step in &why.steps {
        if !shown.insert(step.tx) {
            continue;
        }
        let p = index.prove(step.tx)?;
        ensure!(
            p.holds(),
            "the block files and the index don't agree; build the index again"
        );
        // What an input spends is in the transaction that it names, whose bytes hash to that name.
        let mut spent = Vec::new();
        let t = index.transaction(step.tx);
        for (place, coin) in t.ins.iter().enumerate() {
            let of_step = why.steps.iter().any(|s| {
                s.tx == step.tx && (coin.address == Some(s.from) || coin.address == Some(s.to))
            });
            if !of_step {
                continue;
            }
            let previous = index.prove(coin.tx)?;
            spent.push(json!({
                "input": place, "txid": hash_text(&previous.id), "vout": coin.vout,
                "amount_sat": coin.satoshi,
                "address": coin.address.map(|a| index.address_text(a)),
                "transaction_hex": hex::encode(&previous.bytes),
            }));
        }
        let outs: Vec<Value> = t
            .outs
            .iter()
            .map(|c| {
                json!({
                    "vout": c.vout, "amount_sat": c.satoshi,
                    "address": c.address.map(|a| index.address_text(a)),
                })
            })
            .collect();
        transactions.push(json!({
            "txid": hash_text(&p.id), "transaction_hex": hex::encode(&p.bytes),
            "height": p.height, "block": hash_text(&p.block()), "header_hex": hex::encode(p.header),
            "position": p.position,
            "merkle_branch": p.branch.iter().map(hash_text).collect::<Vec<_>>(),
            "inputs": spent, "outputs": outs,
            "change": t.change.map(|(vout, rule)| json!({ "vout": vout, "rule": rule })),
        }));
    }
    let rules: Vec<Value> = chain::heuristics::ALL
        .iter()
        .filter(|r| told["steps"].as_array().is_some_and(|s| s.iter().any(|s| s["rule"] == r.name)))
        .map(|r| json!({ "name": r.name, "rule": r.rule, "source": r.source, "measured": r.measured }))
        .collect();
    Ok(json!({
        "network": index.network().name(),
        "claim": told,
        "rules": rules,
        "transactions": transactions,
        "how_to_check": [
            "Bytes are hexadecimal. Hashes are printed backwards, as explorers do: reverse their bytes before use.",
            "txid = SHA-256(SHA-256(transaction_hex)), reversed. transaction_hex has no witnesses.",
            "block = SHA-256(SHA-256(header_hex)), reversed. Compare it with any node or explorer at that height.",
            "Merkle path: begin with the txid's bytes; for each hash of merkle_branch, if position is even hash (own + branch) twice with SHA-256, if odd (branch + own); halve position. The end is bytes 36 to 67 of the header.",
            "Each input under `inputs` names txid and vout in transaction_hex; SHA-256(SHA-256()) of its own transaction_hex is that txid, and its output vout has the script of the address.",
            "Rule multi_input: both addresses are spent by inputs of the transaction. Any other rule: one is spent, the other is paid by the output named in `change`.",
        ],
    }))
}

fn mixes(args: &MixesArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut out = WholeFile::create(args.out.as_deref().unwrap_or(Path::new("-")), &[])?;
    writeln!(out, "txid,kind,confidence,state")?;
    let mut counts = (0u64, 0u64);
    let mut row = |out: &mut WholeFile, id: &[u8; 32], name: &str, confidence: u8| {
        let marked = confidence >= chain::mixes::MARKED_FROM;
        if marked {
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
        let state = if marked { "marked" } else { "doubted" };
        writeln!(out, "{},{name},{confidence},{state}", hash_text(id))
    };
    if let Some(path) = &args.block {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let found = chain::mixes_of_block(&bytes).with_context(|| {
            format!(
                "{} isn't one raw block (header, transactions, nothing behind)",
                path.display()
            )
        })?;
        for (id, mix, confidence) in found {
            row(&mut out, &id, mix.name, confidence)?;
        }
    } else if let Some(folder) = &args.index {
        let index = open(folder)?;
        for (tx, mix, confidence) in index.mixes() {
            row(&mut out, &index.when(tx).0, mix.name, confidence)?;
        }
    }
    out.finish()?;
    output.remark(&format!(
        "{} marked as mixes, {} doubted",
        counts.0, counts.1
    ));
    Ok(ExitCode::SUCCESS)
}

fn show(folder: &Path, txid: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let index = open(folder)?;
    let id = hash_of_text(txid)
        .with_context(|| format!("\"{txid}\" is no transaction id: 64 hexadecimal digits"))?;
    let tx = index.find_transaction(&id).with_context(|| {
        format!(
            "the chain has no transaction {txid} up to height {}",
            index.tip().0
        )
    })?;
    let t = index.transaction(tx);
    let coins = |coins: &[chain::Coin]| -> Vec<Value> {
        coins
            .iter()
            .map(|c| {
                json!({
                    "txid": hash_text(&index.when(c.tx).0), "vout": c.vout, "amount_sat": c.satoshi,
                    "address": c.address.map(|a| index.address_text(a)),
                })
            })
            .collect()
    };
    let told = json!({
        "txid": txid, "height": t.height, "block": hash_text(&t.block),
        "time": rfc3339(i64::from(t.time) * 1_000_000), "coinbase": t.coinbase,
        "inputs": coins(&t.ins), "outputs": coins(&t.outs),
        "mix": t.mix.map(|(name, sure)| json!({ "kind": name, "confidence": sure })),
        "change": t.change.map(|(vout, rule)| json!({ "vout": vout, "rule": rule })),
    });
    output.line(
        || told.clone(),
        || serde_json::to_string_pretty(&told).unwrap_or_default(),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn rules(output: &Output) -> anyhow::Result<ExitCode> {
    for r in chain::heuristics::ALL {
        output.line(
            || json!({ "name": r.name, "layer": r.strength.name(), "rule": r.rule, "source": r.source, "confidence": r.confidence, "measured": r.measured }),
            || format!("{} ({}, confidence {})\n  {}\n  {}\n  {}", r.name, r.strength.name(), r.confidence, r.rule, r.source, r.measured),
        )?;
    }
    for m in chain::mixes::ALL {
        output.line(
            || json!({ "name": m.name, "layer": "mix", "rule": m.rule, "source": m.source }),
            || format!("{} (mix)\n  {}\n  {}", m.name, m.rule, m.source),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn synthesize(args: &SynthesizeChainArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let bar = output.progress("making blocks");
    let recipe = chain::made::Recipe {
        inputs: args.inputs,
        seed: args.seed,
        site: args.site,
    };
    let made = chain::made::make(&recipe, &args.out.join("blocks"))
        .with_context(|| format!("{} can't be filled", args.out.display()))?;
    bar.finish_and_clear();
    let seeds = json!({ "seeds": made.seeds });
    std::fs::write(args.out.join("seeds.json"), seeds.to_string())?;
    let mut tags = "address,label,category,source,confidence\n".to_owned();
    for (address, label) in &made.exchanges {
        tags += &format!("{address},{label},exchange,made up,100\n");
    }
    std::fs::write(args.out.join("tags.csv"), tags)?;
    output.line(
        || {
            json!({
                "blocks": made.blocks, "transactions": made.transactions, "inputs": made.inputs,
                "out": args.out,
            })
        },
        || {
            format!(
                "{} blocks, {} transactions, {} inputs in {}/blocks, with seeds.json and tags.csv beside; nobody in them exists",
                made.blocks,
                made.transactions,
                made.inputs,
                args.out.display()
            )
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// A day's end in UTC, or a time with its zone; microseconds since 1970.
fn end_of(text: &str) -> anyhow::Result<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_microsecond());
    }
    let day: jiff::civil::Date = text.parse().ok().with_context(|| {
        format!("\"{text}\" is neither a day (2027-04-03) nor a time with a zone")
    })?;
    let end = day.tomorrow()?.to_zoned(jiff::tz::TimeZone::UTC)?;
    Ok(end.timestamp().as_microsecond())
}
