//! Where a site's money went, by three tracing rules side by side.
//!
//! Poison: whatever a tainted coin touches is tainted whole. Haircut: taint is spread by value. First in,
//! first out: outputs take inputs' satoshi in their order (Clayton's case, 1816; Anderson et al. 2018).
//! None of the three is the truth: their sums differ, and courts choose between them.

use std::collections::{BTreeMap, BTreeSet};

use crate::Index;
use crate::forest::NO_ADDRESS;
use crate::fx_hash::FxMap;
use crate::known::Known;
use crate::site::Site;

/// From this many transactions on, a trace follows no further outputs: it only finishes the
/// transactions that are queued already. Our judgement.
pub const TRANSACTIONS_MAX: usize = 50_000;
/// Longest path of transactions from the site. Our judgement.
pub const DEPTH_MAX: u32 = 12;

/// Where money ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// At a tagged service.
    Service(u32),
    /// In a CoinJoin, detected or suspected.
    CoinJoin,
    /// In an unspent output.
    Unspent,
    /// At a limit of the trace: [`DEPTH_MAX`] or [`TRANSACTIONS_MAX`].
    Limit,
}

/// An output where the trace ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arrival {
    /// Why it ended there.
    pub end: End,
    /// The transaction that brought it.
    pub tx: u64,
    /// The output.
    pub out: u64,
    /// Transactions since the site.
    pub depth: u32,
    /// Satoshi that poison taints.
    pub poison: u64,
    /// Satoshi that haircut taints.
    pub haircut: f64,
    /// Satoshi that first in, first out taints.
    pub fifo: u64,
}

/// A coin's taint.
#[derive(Clone, Debug)]
struct Taint {
    haircut: f64,
    /// Satoshi in order, in stretches: how many, and whether tainted.
    order: Vec<(u64, bool)>,
    depth: u32,
}

impl Taint {
    fn whole(value: u64) -> Self {
        Self {
            haircut: value as f64,
            order: vec![(value, true)],
            depth: 0,
        }
    }

    fn fifo(&self) -> u64 {
        self.order.iter().filter(|s| s.1).map(|s| s.0).sum()
    }
}

/// Traces the site's coins to where they went, through unknown addresses. Returns an arrival for
/// each output at which the trace ended.
pub fn onward(index: &Index, site: &Site, known: &Known) -> Vec<Arrival> {
    let chain = &index.chain;
    let mut tainted: FxMap<u64, Taint> = FxMap::default();
    let mut open: BTreeSet<u64> = BTreeSet::new();
    for member in &site.members {
        for out in chain.received(member.address) {
            // Every coin of the site is tainted whole under each of the three rules.
            tainted.insert(out, Taint::whole(chain.value(out)));
            if let Some(input) = chain.spent(out) {
                open.insert(chain.tx_of_in(input));
            }
        }
    }
    let mut arrivals = Vec::new();
    let mut looked_at = 0;
    // In the chain's order, so that all a transaction's inputs are known when its turn comes.
    while let Some(tx) = open.pop_first() {
        looked_at += 1;
        let shares = shares(index, tx, &tainted);
        for (out, taint) in shares {
            let payee = chain.payee(out);
            // Back at the site: tainted whole from the start.
            if site.has(payee) {
                continue;
            }
            let service = (payee != NO_ADDRESS)
                .then(|| known.service_of(index, payee))
                .flatten()
                .filter(|s| known.stops(*s));
            let end = if let Some(service) = service {
                Some(End::Service(service))
            } else if chain.is_joint(tx) {
                Some(End::CoinJoin)
            } else if taint.depth >= DEPTH_MAX || looked_at >= TRANSACTIONS_MAX {
                Some(End::Limit)
            } else if let Some(input) = chain.spent(out) {
                open.insert(chain.tx_of_in(input));
                None
            } else {
                Some(End::Unspent)
            };
            if let Some(end) = end {
                arrivals.push(Arrival {
                    end,
                    tx,
                    out,
                    depth: taint.depth,
                    poison: chain.value(out),
                    haircut: taint.haircut,
                    fifo: taint.fifo(),
                });
            } else {
                tainted.insert(out, taint);
            }
        }
    }
    arrivals
}

/// The taint of each output of a transaction.
fn shares(index: &Index, tx: u64, tainted: &FxMap<u64, Taint>) -> Vec<(u64, Taint)> {
    let chain = &index.chain;
    let (mut paid, mut haircut, mut depth) = (0u64, 0.0, 0);
    let mut order: Vec<(u64, bool)> = Vec::new();
    for input in chain.ins(tx) {
        let out = chain.source(input);
        let value = chain.value(out);
        paid += value;
        match tainted.get(&out) {
            Some(taint) => {
                haircut += taint.haircut;
                order.extend(&taint.order);
                depth = depth.max(taint.depth + 1);
            }
            None => order.push((value, false)),
        }
    }
    // Inputs may all be worth nothing: then the share is 0 and not NaN.
    let share = haircut / (paid.max(1) as f64);
    // The fee takes what the outputs leave: the last satoshi in order.
    let mut stretches = order.into_iter();
    let mut current = stretches.next();
    chain
        .outs(tx)
        .map(|out| {
            let value = chain.value(out);
            let mut left = value;
            let mut mine: Vec<(u64, bool)> = Vec::new();
            while left > 0 {
                // Never in a valid chain, where outputs are worth no more than inputs.
                let Some((n, is)) = current else { break };
                let taken = n.min(left);
                left -= taken;
                match mine.last_mut() {
                    // Merged with the stretch before, or the list would grow with every transaction.
                    Some(last) if last.1 == is => last.0 += taken,
                    _ => mine.push((taken, is)),
                }
                current = if n > taken {
                    Some((n - taken, is))
                } else {
                    stretches.next()
                };
            }
            let taint = Taint {
                haircut: share * value as f64,
                order: mine,
                depth,
            };
            (out, taint)
        })
        .collect()
}

/// Totals by end: number of arrivals, then satoshi by poison, by haircut, and by first in, first
/// out.
pub fn sums(arrivals: &[Arrival]) -> BTreeMap<End, (u64, u64, f64, u64)> {
    let mut sums: BTreeMap<End, (u64, u64, f64, u64)> = BTreeMap::new();
    for a in arrivals {
        let sum = sums.entry(a.end).or_default();
        sum.0 += 1;
        sum.1 += a.poison;
        sum.2 += a.haircut;
        sum.3 += a.fifo;
    }
    sums
}
