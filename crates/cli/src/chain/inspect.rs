//! `obhut chain why`, `mixes`, `show` and `rules`: prints links, CoinJoins and transactions of an
//! index, and the rules for finding them.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use obhut_app::bitcoin::{self, Key, hash_of_text, hash_text};
use obhut_app::casework::rfc3339;
use serde_json::{Value, json};

use super::open;
use crate::args::{MixesArgs, WhyArgs};
use crate::hints::usage;
use crate::output::{Output, count};
use crate::whole_file::WholeFile;

pub fn why(args: &WhyArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let mut index = open(&args.index)?;
    if let Some(blocks) = &args.blocks {
        index.set_blocks_folder(blocks);
    }
    let address = |text: &str| -> anyhow::Result<u32> {
        let key =
            Key::parse(text.trim(), index.network()).map_err(|why| usage!("{text}: {why}"))?;
        index
            .find(&key)
            .with_context(|| format!("{text} never occurs up to height {}", index.tip().0))
    };
    let (from, to) = (address(&args.from)?, address(&args.to)?);
    let Some(why) = bitcoin::why(&index, from, to) else {
        output.line(
            || json!({ "tied": false, "from": args.from, "to": args.to }),
            || "nothing links the two; they may still have one owner".to_owned(),
        )?;
        // Not a usage error: the README gives `chain why` this code for "not linked".
        return Ok(ExitCode::from(2));
    };
    let link = bitcoin::explain_link(&index, &why, &args.from, &args.to);
    if let Some(path) = &args.proof {
        let proof = bitcoin::proof(&index, &why, &link)?;
        let mut out = WholeFile::create(path, &[])?;
        out.write_all(&serde_json::to_vec_pretty(&proof)?)?;
        out.finish()?;
        output.remark(&format!("proof in {}", path.display()));
    }
    output.line(
        || link.clone(),
        || {
            let mut text = format!(
                "{} link, confidence {}, {}{}",
                why.strength.name(),
                link["confidence"],
                count(why.steps.len() as u64, "transaction", "transactions"),
                if why.shortest {
                    ""
                } else {
                    " (there may be a shorter list)"
                }
            );
            for s in link["steps"].as_array().into_iter().flatten() {
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
            text + "\nA link makes one owner likely; it doesn't name them."
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

pub fn mixes(args: &MixesArgs, output: &Output) -> anyhow::Result<ExitCode> {
    // Read everything first: input that can't be read must leave no output file.
    let mut found: Vec<(String, &str, u8)> = Vec::new();
    if let Some(path) = &args.block {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let of_block = bitcoin::coinjoins_of_block(&bytes).with_context(|| {
            usage!(
                "{} isn't a raw block (header and transactions, nothing after them): {} bytes read",
                path.display(),
                bytes.len()
            )
        })?;
        found.extend(
            of_block
                .iter()
                .map(|(id, coinjoin, sure)| (hash_text(id), coinjoin.name, *sure)),
        );
    } else if let Some(folder) = &args.index {
        let index = open(folder)?;
        let all = index.mixes();
        found.extend(
            all.map(|(tx, coinjoin, sure)| (hash_text(&index.when(tx).0), coinjoin.name, sure)),
        );
    }
    let is_detected = |sure: u8| sure >= bitcoin::coinjoins::DETECTED_FROM;
    // The published words of JSON and CSV; docs/glossary.md maps them to detected and suspected.
    let state = |sure: u8| {
        if is_detected(sure) {
            "marked"
        } else {
            "doubted"
        }
    };
    let detected = found.iter().filter(|f| is_detected(f.2)).count();
    if output.is_json() && args.out.is_none() {
        for (txid, kind, sure) in &found {
            let row =
                json!({ "txid": txid, "kind": kind, "confidence": sure, "state": state(*sure) });
            output.line(|| row, String::new)?;
        }
    } else {
        let mut out = WholeFile::create(args.out.as_deref().unwrap_or(Path::new("-")), &[])?;
        writeln!(out, "txid,kind,confidence,state")?;
        for (txid, kind, sure) in &found {
            writeln!(out, "{txid},{kind},{sure},{}", state(*sure))?;
        }
        out.finish()?;
    }
    output.remark(&format!(
        "{detected} detected as CoinJoins, {} suspected",
        found.len() - detected
    ));
    Ok(ExitCode::SUCCESS)
}

pub fn show(folder: &Path, txid: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let index = open(folder)?;
    let id = hash_of_text(txid)
        .with_context(|| usage!("\"{txid}\" isn't a transaction id: 64 hexadecimal digits"))?;
    let tx = index.find_transaction(&id).with_context(|| {
        format!(
            "the chain has no transaction {txid} up to height {}",
            index.tip().0
        )
    })?;
    let t = index.transaction(tx);
    let coins = |coins: &[bitcoin::Coin]| -> Vec<Value> {
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
    let text = json!({
        "txid": txid, "height": t.height, "block": hash_text(&t.block),
        "time": rfc3339(i64::from(t.time) * 1_000_000), "coinbase": t.coinbase,
        "inputs": coins(&t.ins), "outputs": coins(&t.outs),
        "mix": t.coinjoin.map(|(name, sure)| json!({ "kind": name, "confidence": sure })),
        "change": t.change.map(|(vout, rule)| json!({ "vout": vout, "rule": rule })),
    });
    output.line(
        || text.clone(),
        || serde_json::to_string_pretty(&text).unwrap_or_default(),
    )?;
    Ok(ExitCode::SUCCESS)
}

pub fn rules(output: &Output) -> anyhow::Result<ExitCode> {
    for r in bitcoin::heuristics::ALL {
        output.line(
            || json!({ "name": r.name, "layer": r.strength.name(), "rule": r.rule, "source": r.source, "confidence": r.confidence, "measured": r.measured }),
            || format!("{} ({}, confidence {})\n  {}\n  {}\n  {}", r.name, r.strength.name(), r.confidence, r.rule, r.source, r.measured),
        )?;
    }
    for m in bitcoin::coinjoins::ALL {
        output.line(
            || json!({ "name": m.name, "layer": "mix", "rule": m.rule, "source": m.source }),
            || format!("{} (coinjoin)\n  {}\n  {}", m.name, m.rule, m.source),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
