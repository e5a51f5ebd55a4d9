//! From seeds to the report on a site: its addresses, every payment, the source-of-funds trace of
//! each to services, and the destination-of-funds trace.
//!
//! Every row says what it rests on. An address is not a person; payers come as a range.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use obhut_chain::destination_of_funds::{self, End};
use obhut_chain::heuristics::Strength;
use obhut_chain::site::{Because, Receipt, Refused};
use obhut_chain::source_of_funds::{Source, SourceTrace, trace_sources};
use obhut_chain::{Index, Key, hash_text, in_threads, site};
use obhut_facts::{
    AddressRow, ArrivalRow, CandidateRow, DoubtfulRow, OutPoint, PayersReport, PaymentRow,
    ServiceRow,
};

use crate::bases::Permission;
use crate::services::Services;
use obhut_casework::rfc3339;

/// Arrivals listed one by one, largest first; the sums count all of them. Our judgement.
const ARRIVALS_LISTED: usize = 500;

/// What to trace.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Addresses known to be the site's.
    pub seeds: Vec<String>,
    /// Payments that investigators made themselves; they are left out of the report's payments.
    pub own_payments: Vec<OutPoint>,
}

/// Traces the payers of a site. `Err` lists what is wrong with the seeds if none of them is on
/// the chain.
// Long: each part of the report builds on the previous ones.
pub fn payers(
    _: &Permission,
    index: &Index,
    question: &Question,
    services: &Services,
) -> Result<PayersReport, Vec<String>> {
    let (seeds, mut problems) = find_seeds(index, &question.seeds);
    if seeds.is_empty() {
        problems.push(
            "no seed is on this chain; check the network, and whether the index reaches far enough"
                .into(),
        );
        return Err(problems);
    }
    let own: HashSet<&OutPoint> = question.own_payments.iter().collect();
    let found = site::site(index, &seeds, &services.known);
    let receipts = site::receipts(index, &found, &services.known);
    for seed in &seeds {
        // `surely` ignores weak links: a change rule alone must not make a seed a service's.
        if let Some(service) = services.known.surely(index, *seed)
            && services.known.stops(service)
        {
            problems.push(format!(
                "the seed {} is an address of {}; the trace stops there: ask that service for its customer",
                index.address_text(*seed),
                services.get(service).label
            ));
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let teller = ReportBuilder {
        index,
        services,
        threads,
    };
    let ways = trace_sources(index, &services.known, &receipts.payments, threads);
    let paid: Vec<(&Receipt, &SourceTrace)> = receipts.payments.iter().zip(&ways).collect();
    let rows = in_parts(threads, &paid, |(receipt, way)| {
        teller.payment(receipt, way)
    });
    let (mut payments, mut left_out) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut used: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    let mut unnamed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut wallets, mut direct_from) = (BTreeSet::new(), BTreeSet::new());
    let mut numbered: HashMap<u32, u32> = HashMap::new();
    for (mut row, way) in rows.into_iter().zip(&ways) {
        if own.contains(&row.out) {
            left_out.push(row.out);
            continue;
        }
        let mut sources = BTreeSet::new();
        for c in &row.candidates {
            // Several coins of one service behind a payment count once.
            if !sources.insert((c.number, &c.service)) {
                continue;
            }
            if let Some(n) = c.number {
                let counts = used.entry(n as u32).or_default();
                counts.0 += usize::from(row.direct);
                counts.1 += 1;
            } else if let Some(count) = unnamed.get_mut(&c.service) {
                *count += 1;
            } else {
                unnamed.insert(c.service.clone(), 1);
            }
        }
        // Wallets are numbered in the order of their first payment: roots of the index's union-find
        // mean nothing to a reader.
        let next = numbered.len() as u32 + 1;
        row.wallet = *numbered.entry(row.wallet).or_insert(next);
        // The paying wallet is the service's own: count the service, not the wallet.
        if row.direct {
            direct_from.insert(way.candidates.first().map(|c| match c.source {
                Source::Service(n) => (true, n),
                Source::Unnamed(_) => (false, row.wallet),
            }));
        } else {
            wallets.insert(row.wallet);
        }
        payments.push(row);
    }
    // Wallets, not people: one person may have all of them, and each payment may be another
    // person's.
    let wallets = wallets.len() + direct_from.len();
    let met: HashSet<&OutPoint> = left_out.iter().collect();
    // If an own payment is mistyped, the investigators are counted among the payers.
    for out in question.own_payments.iter().filter(|o| !met.contains(o)) {
        problems.push(format!(
            "the own payment {}:{} isn't a payment to this site; nothing was excluded",
            out.txid, out.vout
        ));
    }
    // Candidates point into the report's list, which has only the services that occur.
    let numbers: BTreeMap<u32, usize> = used.keys().copied().zip(0..).collect();
    for c in payments.iter_mut().flat_map(|p| &mut p.candidates) {
        c.number = c.number.and_then(|n| numbers.get(&(n as u32)).copied());
    }
    let arrivals = destination_of_funds::onward(index, &found, &services.known);
    let problems_of_tags = services
        .problems
        .iter()
        .map(|p| format!("{}: {}", p.file, p.what));
    problems.extend(problems_of_tags);
    if services.unseen > 0 {
        let (n, one) = (services.unseen, services.unseen == 1);
        let what = if one { "address is" } else { "addresses are" };
        problems.push(format!("{n} tagged {what} not on this chain"));
    }
    if services.other_network > 0 {
        problems.push(format!(
            "{} of networks other than {} ignored",
            match services.other_network {
                1 => "1 tag".to_owned(),
                n => format!("{n} tags"),
            },
            index.network().name()
        ));
    }
    let (height, hash) = index.tip();
    let named = |outs: &[Receipt]| outs.iter().map(|r| teller.out(r.out)).collect();
    Ok(PayersReport {
        network: index.network().name(),
        tip: (height, hash_text(&hash), time(index.tip_time())),
        sizes: index.sizes(),
        seeds: seeds.len(),
        problems,
        contested: services.contested.clone(),
        addresses: teller.addresses(&found),
        doubtful: teller.doubtful(&found),
        dust: named(&receipts.dust),
        mined_and_mixed: (receipts.mined.len(), receipts.mixed.len()),
        // From one person behind all payments to a different person behind each.
        payers: (payments.len().min(1), payments.len()),
        wallets,
        services: used
            .into_iter()
            .map(|(n, (direct, behind))| ServiceRow {
                service: services.get(n).clone(),
                direct,
                behind,
            })
            .collect(),
        unnamed: unnamed.into_iter().collect(),
        onward: teller.sums(&arrivals),
        arrivals: teller.arrivals(&arrivals),
        payments,
        own: left_out,
    })
}

fn find_seeds(index: &Index, seeds: &[String]) -> (Vec<u32>, Vec<String>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for seed in seeds {
        match Key::parse(seed.trim(), index.network()) {
            Err(why) => problems.push(format!("the seed {seed}: {why}; ignored")),
            Ok(key) => match index.find(&key) {
                Some(address) if seen.insert(address) => found.push(address),
                // Given twice, which needs no remark.
                Some(_) => {}
                None => problems.push(format!(
                    "the seed {seed} never occurs up to height {}; ignored",
                    index.tip().0
                )),
            },
        }
    }
    (found, problems)
}

fn time(seconds: u32) -> String {
    rfc3339(i64::from(seconds) * 1_000_000)
}

fn unnamed_name(index: &Index, address: u32) -> String {
    format!("unnamed:{}", index.address_text(address))
}

/// Turns the kernel's numbers into rows of the report.
struct ReportBuilder<'a> {
    index: &'a Index,
    services: &'a Services,
    threads: usize,
}

/// Rows that a thread makes at a time. Our judgement.
const ROWS_AT_A_TIME: usize = 2_048;

/// Maps every element to a row on several threads; the rows keep the order.
fn in_parts<A: Sync, B: Send>(threads: usize, all: &[A], f: impl Fn(&A) -> B + Sync) -> Vec<B> {
    let parts: Vec<&[A]> = all.chunks(ROWS_AT_A_TIME).collect();
    let rows = in_threads(threads, &parts, |part| {
        part.iter().map(&f).collect::<Vec<B>>()
    });
    rows.into_iter().flatten().collect()
}

impl ReportBuilder<'_> {
    fn out(&self, out: u64) -> OutPoint {
        let coin = self.index.coin(out);
        OutPoint {
            txid: hash_text(&self.index.when(coin.tx).0),
            vout: coin.vout,
        }
    }

    fn payment(&self, receipt: &Receipt, way: &SourceTrace) -> PaymentRow {
        let (_, at, height) = self.index.when(receipt.tx);
        let payer = self.index.payer(receipt.tx);
        let candidates = way.candidates.iter().map(|c| {
            let coin = self.index.coin(c.out);
            let (service, number) = match c.source {
                Source::Service(n) => (self.services.get(n).label.clone(), Some(n as usize)),
                Source::Unnamed(a) => (unnamed_name(self.index, a), None),
            };
            CandidateRow {
                service,
                number,
                out: self.out(c.out),
                time: time(self.index.when(c.tx).1),
                amount_sat: coin.satoshi,
                address: coin
                    .address
                    .map_or_else(String::new, |a| self.index.address_text(a)),
                hops: c.hops,
                wallets: c.wallets,
                confidence: c.confidence,
            }
        });
        PaymentRow {
            out: self.out(receipt.out),
            time: time(at),
            height,
            amount_sat: receipt.satoshi,
            to_address: self.index.address_text(receipt.address),
            // A direct payment has one candidate, with 0 hops; candidates found by tracing have at
            // least 1.
            direct: way.candidates.first().is_some_and(|c| c.hops == 0),
            candidates: candidates.collect(),
            ends: [way.ends.mixes, way.ends.mined, way.ends.limits],
            // Payments without a paying address share one number, and count as one wallet.
            wallet: payer.map_or(u32::MAX, |p| self.index.wallet(p)),
        }
    }

    fn because(&self, because: Because) -> String {
        match because {
            Because::Seed => "seed".into(),
            Because::Link { to, tx, rule } => {
                let (id, _, height) = self.index.when(tx);
                format!(
                    "{} with {} in {} at height {height}",
                    rule.name,
                    self.index.address_text(to),
                    hash_text(&id),
                )
            }
            Because::Move { to, tx } => {
                let (id, _, height) = self.index.when(tx);
                format!(
                    "everything moved between it and {} in {} at height {height}",
                    self.index.address_text(to),
                    hash_text(&id),
                )
            }
        }
    }

    fn addresses(&self, found: &site::Site) -> Vec<AddressRow> {
        in_parts(self.threads, &found.members, |m| AddressRow {
            address: self.index.address_text(m.address),
            layer: match m.strength {
                Strength::Strong => "strong",
                Strength::Weak => "weak",
            },
            confidence: m.confidence,
            because: self.because(m.because),
        })
    }

    fn doubtful(&self, found: &site::Site) -> Vec<DoubtfulRow> {
        in_parts(self.threads, &found.doubtful, |d| DoubtfulRow {
            address: self.index.address_text(d.address),
            because: self.because(d.because),
            refused: match d.why {
                Refused::Service(n) => format!("it is taken for {}", self.services.get(n).label),
                Refused::Large(size) => {
                    format!("its cluster has {size} addresses, more than the site")
                }
                Refused::CoinJoin(coinjoin) => {
                    format!("the transaction may be a CoinJoin ({coinjoin})")
                }
                Refused::Unsure => "the rule alone isn't sure enough".into(),
                Refused::Payer => {
                    "its wallet pays the site at another address, as payers do".into()
                }
                Refused::Whole(n) => format!(
                    "all coins of {n} addresses became one, without change: a consolidated wallet, or a payment of its whole balance"
                ),
                Refused::Full => format!(
                    "the site has {} addresses already",
                    site::SITE_ADDRESSES_MAX
                ),
            },
        })
    }

    fn end(&self, end: End) -> String {
        match end {
            End::Service(n) => self.services.get(n).label.clone(),
            End::CoinJoin => "mix".into(),
            End::Unspent => "unspent".into(),
            End::Limit => "limit".into(),
        }
    }

    fn sums(&self, arrivals: &[destination_of_funds::Arrival]) -> Vec<ArrivalRow> {
        destination_of_funds::sums(arrivals)
            .into_iter()
            .map(|(end, (outputs, poison, haircut, fifo))| ArrivalRow {
                end: self.end(end),
                outputs,
                out: None,
                poison_sat: poison,
                haircut_sat: haircut.round() as u64,
                fifo_sat: fifo,
            })
            .collect()
    }

    fn arrivals(&self, arrivals: &[destination_of_funds::Arrival]) -> Vec<ArrivalRow> {
        let mut largest: Vec<&destination_of_funds::Arrival> = arrivals.iter().collect();
        // Ties are broken by output, so that a report can be reproduced.
        largest.sort_by(|a, b| b.haircut.total_cmp(&a.haircut).then(a.out.cmp(&b.out)));
        largest
            .into_iter()
            .take(ARRIVALS_LISTED)
            .map(|a| ArrivalRow {
                end: self.end(a.end),
                outputs: 1,
                out: Some(self.out(a.out)),
                poison_sat: a.poison,
                haircut_sat: a.haircut.round() as u64,
                fifo_sat: a.fifo,
            })
            .collect()
    }
}
