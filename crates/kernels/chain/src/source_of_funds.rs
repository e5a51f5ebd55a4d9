//! From a payment back to the services its coins came out of.
//!
//! The trace follows coins, not clusters: from each input to the output it spends, and on to the
//! transaction that made it. It ends at services, at wallets that behave like a service, at
//! CoinJoins, at newly mined coins and at the limits below. Services and such wallets are the
//! candidate sources of the payment; the other ends are only counted.

use std::collections::VecDeque;

use crate::Index;
use crate::chain::Chain;
use crate::coinjoins;
use crate::forest::NO_ADDRESS;
use crate::fx_hash::{FxMap, FxSet};
use crate::heuristics;
use crate::known::{How, Known};
use crate::site::Receipt;
use crate::spool::in_threads;

/// How far back a trace goes, in intermediate wallets. Our judgement.
pub const WALLETS_MAX: u32 = 6;
/// How many outputs the trace of one payment visits. Our judgement.
pub const OUTPUTS_MAX: usize = 300;
/// The trace of a payment ends when it has this many candidates. Our judgement.
pub const CANDIDATES_MAX: usize = 8;
/// A cluster with more addresses isn't a private person's wallet. Our judgement.
const PRIVATE_ADDRESSES_MAX: u32 = 500;
/// A coin larger than this isn't a private person's, in satoshi: ten bitcoin. Our judgement.
const PRIVATE_COIN_MAX: u64 = 1_000_000_000;
/// A wallet with this many payouts to several payees counts as a service. Our judgement.
const PAYOUTS_MIN: usize = 2;
/// How many transactions of a chain of change are looked at in either direction. Our judgement.
const CHAIN_MAX: usize = 8;

/// Who a payment's coins came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// A tagged service.
    Service(u32),
    /// A wallet that behaves like a service and isn't tagged as one; one of its addresses.
    Unnamed(u32),
}

/// A candidate source of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The service, or the unnamed wallet.
    pub source: Source,
    /// How the service was attributed; `None` for an unnamed wallet.
    pub how: Option<How>,
    /// The service's transaction.
    pub tx: u64,
    /// Its output that paid the customer.
    pub out: u64,
    /// Transactions from there to the payment; 0 where the service paid the site itself.
    pub hops: u32,
    /// Intermediate wallets, not counting the payer's own.
    pub wallets: u32,
    /// 0 to 100.
    pub confidence: u8,
}

/// How often a trace ended without a service.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ends {
    /// At CoinJoins.
    pub mixes: u32,
    /// At newly mined coins.
    pub mined: u32,
    /// At the limits of a trace: wallets, outputs or candidates.
    pub limits: u32,
}

/// The source-of-funds trace of one payment.
#[derive(Clone, Default, Debug)]
pub struct SourceTrace {
    /// Nearest first.
    pub candidates: Vec<Candidate>,
    /// Ends without a service.
    pub ends: Ends,
}

/// Traces the source of funds of each payment, in order, on `threads` threads.
pub fn trace_sources(
    index: &Index,
    known: &Known,
    payments: &[Receipt],
    threads: usize,
) -> Vec<SourceTrace> {
    // Consecutive payments share much of their history, which a walker caches, so parts are long.
    // Still, each thread gets up to four, so that no thread waits for a slow one.
    let at_a_time = (payments.len() / (threads * 4).max(1)).max(PAYMENTS_AT_A_TIME);
    let parts: Vec<&[Receipt]> = payments.chunks(at_a_time).collect();
    let walked = in_threads(threads, &parts, |part| {
        let mut walker = Walker::new(index, known);
        part.iter()
            .map(|p| walker.back(p))
            .collect::<Vec<SourceTrace>>()
    });
    walked.into_iter().flatten().collect()
}

/// Fewest payments in a part. Our judgement.
const PAYMENTS_AT_A_TIME: usize = 4_096;

/// What a walk finds at a transaction.
#[derive(Clone, Copy)]
enum Stop {
    Mined,
    CoinJoin,
    Source(Source, Option<How>, u8),
    /// A private wallet: the trace continues.
    Wallet(u32),
}

/// Traces payments, and caches what it finds at each transaction.
struct Walker<'a> {
    index: &'a Index,
    known: &'a Known,
    met: FxMap<u64, Stop>,
    changes: FxMap<u64, Option<u64>>,
}

impl<'a> Walker<'a> {
    fn new(index: &'a Index, known: &'a Known) -> Self {
        Self {
            index,
            known,
            met: FxMap::default(),
            changes: FxMap::default(),
        }
    }

    /// What a trace finds at a transaction; cached, because payments of one site share much of
    /// their history.
    fn met(&mut self, tx: u64) -> Stop {
        if let Some(met) = self.met.get(&tx) {
            return *met;
        }
        let chain = &self.index.chain;
        let joint = chain.coinjoin(tx).filter(|(coinjoin, _)| coinjoin.joint);
        // A detected CoinJoin hides its payers even from a tag; a suspected one does not.
        let met = if chain.is_coinbase(tx) {
            Stop::Mined
        } else if joint.is_some_and(|(_, sure)| sure >= coinjoins::DETECTED_FROM) {
            Stop::CoinJoin
        } else if let Some((source, how, confidence)) = self.source(tx) {
            Stop::Source(source, how, confidence)
        } else if joint.is_some() {
            Stop::CoinJoin
        } else {
            Stop::Wallet(self.wallet(tx))
        };
        self.met.insert(tx, met);
        met
    }

    /// The service that a transaction's inputs belong to, or the wallet that behaves like one; how
    /// it was attributed, and the confidence.
    fn source(&mut self, tx: u64) -> Option<(Source, Option<How>, u8)> {
        let chain = &self.index.chain;
        for input in chain.ins(tx) {
            let payer = chain.payer(input);
            if payer == NO_ADDRESS {
                continue;
            }
            if let Some((service, how)) = self.known.how(self.index, payer)
                && self.known.stops(service)
            {
                // Our judgement, listed in docs/chain.md: the less direct the evidence, the lower.
                let confidence = match how {
                    How::Tagged => 95,
                    How::Cluster(heuristics::Strength::Strong) => 90,
                    How::Cluster(heuristics::Strength::Weak) => 75,
                };
                // Never more than the service's most confident tag, even if that tag is on an
                // address of another cluster.
                let confidence = confidence.min(self.known.confidence(service));
                return Some((Source::Service(service), Some(how), confidence));
            }
        }
        // After the tags: a wallet tagged as a service is never reported as unnamed.
        let payer = chain.payer(chain.ins(tx).start);
        let like = payer != NO_ADDRESS && self.behaves_like_a_service(tx);
        like.then_some((Source::Unnamed(payer), None, 45))
    }

    /// Traces one payment.
    fn back(&mut self, payment: &Receipt) -> SourceTrace {
        let chain = &self.index.chain;
        let mut way = SourceTrace::default();
        let own = match self.met(payment.tx) {
            // A detected CoinJoin hides whose coin paid.
            Stop::CoinJoin if is_detected(chain, payment.tx) => {
                way.ends.mixes = 1;
                return way;
            }
            Stop::Source(source, how, confidence) => {
                way.candidates.push(Candidate {
                    source,
                    how,
                    tx: payment.tx,
                    out: payment.out,
                    hops: 0,
                    wallets: 0,
                    confidence,
                });
                return way;
            }
            // A suspected CoinJoin may be an ordinary payment, so its coins are followed.
            _ => self.wallet(payment.tx),
        };
        let mut seen = FxSet::default();
        // Breadth first: the nearest candidates are found before a limit ends the walk.
        let mut open: VecDeque<(u64, u32, u32, u32)> = VecDeque::new();
        for input in chain.ins(payment.tx) {
            open.push_back((chain.source(input), 1, 0, own));
        }
        while let Some((out, hops, wallets, before)) = open.pop_front() {
            if !seen.insert(out) {
                continue;
            }
            if seen.len() > OUTPUTS_MAX || way.candidates.len() >= CANDIDATES_MAX {
                way.ends.limits += 1;
                break;
            }
            let tx = chain.tx_of_out(out);
            let here = match self.met(tx) {
                Stop::Mined => {
                    way.ends.mined += 1;
                    continue;
                }
                Stop::CoinJoin => {
                    way.ends.mixes += 1;
                    continue;
                }
                Stop::Source(source, how, confidence) => {
                    way.candidates.push(Candidate {
                        source,
                        how,
                        tx,
                        out,
                        hops,
                        wallets,
                        // Eight for each wallet; WALLETS_MAX bounds it to 48. Our judgement, listed
                        // in docs/chain.md.
                        confidence: confidence.saturating_sub(wallets as u8 * 8),
                    });
                    continue;
                }
                Stop::Wallet(here) => here,
            };
            // Transactions inside one wallet add no distance.
            let wallets = wallets + u32::from(here != before);
            if wallets > WALLETS_MAX {
                way.ends.limits += 1;
                continue;
            }
            for input in chain.ins(tx) {
                open.push_back((chain.source(input), hops + 1, wallets, here));
            }
        }
        way.candidates.sort_by_key(|c| (c.wallets, c.hops, c.out));
        way
    }

    fn wallet(&self, tx: u64) -> u32 {
        let chain = &self.index.chain;
        let payer = chain.payer(chain.ins(tx).start);
        // All scripts without an address count as one wallet, so they add no distance.
        if payer == NO_ADDRESS {
            NO_ADDRESS
        } else {
            self.index.weak().root(payer)
        }
    }

    /// The output taken for a transaction's change.
    fn change(&mut self, tx: u64) -> Option<u64> {
        if let Some(known) = self.changes.get(&tx) {
            return *known;
        }
        let change = heuristics::change(&self.index.chain, tx).map(|(out, _)| out);
        self.changes.insert(tx, change);
        change
    }

    /// Whether the wallet that made a transaction behaves like a service: it has very many
    /// addresses, or, among up to [`CHAIN_MAX`] transactions in either direction along its change,
    /// a very large coin or repeated payouts to several payees.
    fn behaves_like_a_service(&mut self, tx: u64) -> bool {
        let index = self.index;
        let chain = &index.chain;
        let payer = chain.payer(chain.ins(tx).start);
        if payer != NO_ADDRESS
            && index.weak().size(index.weak().root(payer)) > PRIVATE_ADDRESSES_MAX
        {
            return true;
        }
        let mut payouts = 0;
        for tx in self.chain_of_change(tx) {
            let coin = chain.ins(tx).map(|i| chain.value(chain.source(i))).max();
            if coin.is_some_and(|c| c > PRIVATE_COIN_MAX) {
                return true;
            }
            if self.is_payout(tx) {
                payouts += 1;
            }
        }
        payouts >= PAYOUTS_MIN
    }

    /// One or two inputs, several payees, one change output.
    fn is_payout(&mut self, tx: u64) -> bool {
        let chain = &self.index.chain;
        let (ins, outs) = (chain.ins(tx), chain.outs(tx));
        outs.end - outs.start >= 3
            && ins.end - ins.start <= 2
            && chain.coinjoin(tx).is_none()
            && self.change(tx).is_some()
    }

    /// A transaction, and those before and after it along its wallet's change.
    fn chain_of_change(&mut self, tx: u64) -> Vec<u64> {
        let chain = &self.index.chain;
        let mut all = vec![tx];
        let mut at = tx;
        // Always to an older transaction, so it cannot loop; the bound is for the cost.
        for _ in 0..CHAIN_MAX {
            let before = chain.ins(at).find_map(|input| {
                let out = chain.source(input);
                let made_by = chain.tx_of_out(out);
                (self.change(made_by) == Some(out)).then_some(made_by)
            });
            let Some(before) = before else { break };
            all.push(before);
            at = before;
        }
        at = tx;
        for _ in 0..CHAIN_MAX {
            let after = self.change(at).and_then(|change| chain.spent(change));
            let Some(after) = after else { break };
            at = chain.tx_of_in(after);
            all.push(at);
        }
        all
    }
}

fn is_detected(chain: &Chain, tx: u64) -> bool {
    let coinjoin = chain.coinjoin(tx);
    coinjoin.is_some_and(|(coinjoin, sure)| coinjoin.joint && sure >= coinjoins::DETECTED_FROM)
}
