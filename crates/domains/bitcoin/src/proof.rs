//! The link between two addresses as JSON, and a proof that can be verified without this program.

use std::collections::HashSet;
use std::fmt;

use obhut_casework::rfc3339;
use obhut_chain::{Fault, Index, Why, hash_text, heuristics};
use serde_json::{Value, json};

/// Why a proof could not be produced.
#[derive(Debug)]
pub enum ProofFault {
    /// The index or its block files can't be read, or a block in the files differs from the one in
    /// the index.
    Index(Fault),
    /// The block's transactions don't hash to its header's Merkle root.
    Disagree,
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(fault) => fault.fmt(f),
            Self::Disagree => {
                f.write_str("the block file is damaged: its transactions don't hash to the header's Merkle root")
            }
        }
    }
}

impl std::error::Error for ProofFault {}

/// The steps that link two addresses as JSON, each with its transaction and rule. `from` and `to`
/// are the addresses as the user gave them.
pub fn explain_link(index: &Index, why: &Why, from: &str, to: &str) -> Value {
    let steps: Vec<Value> = why
        .steps
        .iter()
        .map(|s| {
            let rule = s.rule;
            let (id, time, height) = index.when(s.tx);
            json!({
                "from": index.address_text(s.from), "to": index.address_text(s.to),
                "txid": hash_text(&id), "height": height,
                "time": rfc3339(i64::from(time) * 1_000_000),
                "rule": rule.name, "layer": rule.strength.name(), "confidence": rule.confidence,
            })
        })
        .collect();
    // A chain of links is as sure as its weakest link. Without links both addresses are the same,
    // so the confidence is 100.
    let confidence = why
        .steps
        .iter()
        .map(|s| s.rule.confidence)
        .min()
        .unwrap_or(100);
    json!({
        "tied": true, "from": from, "to": to, "layer": why.strength.name(),
        "confidence": confidence, "shortest": why.shortest, "steps": steps,
    })
}

/// Everything needed to verify each step from block hash and Merkle path alone. `explanation` comes
/// from [`explain_link`].
///
/// # Errors
/// See [`ProofFault`].
pub fn proof(index: &Index, why: &Why, explanation: &Value) -> Result<Value, ProofFault> {
    let mut transactions = Vec::new();
    let mut shown = HashSet::new();
    for step in &why.steps {
        // Several steps may rest on one transaction.
        if shown.insert(step.tx) {
            transactions.push(transaction(index, why, step.tx)?);
        }
    }
    let rules: Vec<Value> = heuristics::ALL
        .iter()
        .filter(|r| explanation["steps"].as_array().is_some_and(|s| s.iter().any(|s| s["rule"] == r.name)))
        .map(|r| json!({ "name": r.name, "rule": r.rule, "source": r.source, "measured": r.measured }))
        .collect();
    Ok(json!({
        "network": index.network().name(),
        "claim": explanation,
        "rules": rules,
        "transactions": transactions,
        "how_to_check": [
            "Bytes are hexadecimal. Hashes are printed backwards, as explorers do: reverse their bytes before use.",
            "txid = SHA-256(SHA-256(transaction_hex)), reversed. transaction_hex has no witnesses.",
            "block = SHA-256(SHA-256(header_hex)), reversed. Compare it with any node or explorer at that height.",
            "Merkle path: own = the txid's bytes. For each hash `branch` of merkle_branch: if position is even, own = SHA-256(SHA-256(own + branch)); if odd, own = SHA-256(SHA-256(branch + own)); then halve position, rounding down. The result equals bytes 36 to 67 of the header, counted from 0, both included.",
            "Each entry of `inputs` is an input of the transaction above, which spends output `vout` of `txid`. The entry's own transaction_hex is that earlier transaction: hashed twice and reversed it gives `txid`, and its output `vout` pays to the address.",
            "Rule multi_input: both addresses are spent by inputs of the transaction. Any other rule: one is spent, the other is paid by the output named in `change`.",
        ],
    }))
}

/// A transaction with its Merkle path, its outputs, and the inputs that the steps refer to.
fn transaction(index: &Index, why: &Why, tx: u64) -> Result<Value, ProofFault> {
    let p = index.prove(tx).map_err(ProofFault::Index)?;
    // Verified here first: a broken proof must not be handed out.
    if !p.holds() {
        return Err(ProofFault::Disagree);
    }
    // The spent output is part of the previous transaction, whose bytes hash to the txid the input names.
    let mut spent = Vec::new();
    let t = index.transaction(tx);
    for (place, coin) in t.ins.iter().enumerate() {
        let of_step = why
            .steps
            .iter()
            .any(|s| s.tx == tx && (coin.address == Some(s.from) || coin.address == Some(s.to)));
        if !of_step {
            continue;
        }
        let previous = index.prove(coin.tx).map_err(ProofFault::Index)?;
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
    Ok(json!({
        "txid": hash_text(&p.id), "transaction_hex": hex::encode(&p.bytes),
        "height": p.height, "block": hash_text(&p.block()), "header_hex": hex::encode(p.header),
        "position": p.position,
        "merkle_branch": p.branch.iter().map(hash_text).collect::<Vec<_>>(),
        "inputs": spent, "outputs": outs,
        "change": t.change.map(|(vout, rule)| json!({ "vout": vout, "rule": rule })),
    }))
}
