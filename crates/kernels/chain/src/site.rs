//! Finds a site's addresses from seeds, each with the link to an address found before it.
//!
//! First everything that strong links reach, then what weak links reach from there. A link is
//! refused for the reasons in [`Refused`]; what it would have added is reported as doubtful.

use std::collections::{BTreeMap, VecDeque};

use crate::chain::Chain;
use crate::forest::NO_ADDRESS;
use crate::fx_hash::{FxMap, FxSet};
use crate::heuristics::{self, Heuristic, Strength};
use crate::known::Known;
use crate::{Index, coinjoins};

/// Most addresses of one site. With more, clusters of different owners have probably been merged.
/// Our judgement.
pub const SITE_ADDRESSES_MAX: usize = 5_000_000;
/// Outputs of an address that are searched for payments to the site, the newest first. Our
/// judgement.
const OUTPUTS_LOOKED_AT: usize = 10_000;
/// A weak link is refused if the cluster behind it is larger than this and also larger than the
/// site. Our judgement.
const STRANGERS_MAX: u32 = 1_000;

/// Coins of at least this many addresses combined into one output are reported as a move. Our
/// judgement.
const WHOLE_FROM: usize = 3;

/// Why an address is attributed to the site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Because {
    /// The caller passed it as a seed.
    Seed,
    /// A transaction links it to an address that was there before.
    Link {
        /// The other address.
        to: u32,
        /// The transaction's number.
        tx: u64,
        /// The rule.
        rule: &'static Heuristic,
    },
    /// One transaction without change moved coins between the two; nothing else links them.
    Move {
        /// The site's address.
        to: u32,
        /// The transaction's number.
        tx: u64,
    },
}

/// An address attributed to the site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its number.
    pub address: u32,
    /// Whether strong links alone lead to a seed.
    pub strength: Strength,
    /// The lowest confidence along the path from a seed, 0 to 100.
    pub confidence: u8,
    /// The last link of that path.
    pub because: Because,
}

/// An address that may be the site's but isn't counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doubtful {
    /// Its number.
    pub address: u32,
    /// The link that was refused.
    pub because: Because,
    /// Why.
    pub why: Refused,
}

/// Why a link was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The address, or its cluster, belongs to this known service.
    Service(u32),
    /// Its cluster, with this many addresses, is too large.
    Large(u32),
    /// Spent together in what may be a CoinJoin of this pattern.
    CoinJoin(&'static str),
    /// The rule alone isn't sure enough for a site to grow by.
    Unsure,
    /// It also pays the site in another transaction, as a customer does.
    Payer,
    /// Coins of this many addresses became one output, without change: a wallet may have been
    /// consolidated, or its whole balance paid out.
    Whole(u32),
    /// The site has too many addresses already.
    Full,
}

/// A site.
#[derive(Default, Debug)]
pub struct Site {
    /// Its addresses, in the order they were found.
    pub members: Vec<Member>,
    /// Addresses that may belong to it and were not added, in the order of their numbers.
    pub doubtful: Vec<Doubtful>,
    places: FxMap<u32, usize>,
}

impl Site {
    /// Position of an address among the members.
    pub fn place(&self, address: u32) -> Option<usize> {
        self.places.get(&address).copied()
    }

    /// Whether an address is among the members.
    pub fn has(&self, address: u32) -> bool {
        self.places.contains_key(&address)
    }

    fn take(&mut self, member: Member) -> bool {
        if self.has(member.address) {
            return false;
        }
        self.places.insert(member.address, self.members.len());
        self.members.push(member);
        true
    }
}

/// Finds the addresses of the site that these seeds belong to.
pub fn site(index: &Index, seeds: &[u32], known: &Known) -> Site {
    let mut growing = Growing {
        index,
        known,
        site: Site::default(),
        doubtful: BTreeMap::new(),
        weak: VecDeque::new(),
        done: FxSet::default(),
        next: 0,
    };
    for &address in seeds {
        growing.site.take(Member {
            address,
            strength: Strength::Strong,
            confidence: 100,
            because: Because::Seed,
        });
    }
    // All strong links before any weak one, so that an address gets the strongest reason there is.
    growing.strongly();
    // Weak links are judged in the order found. After each accepted one, the new address's strong
    // links are followed before the next is judged.
    while let Some((from, to, tx, rule)) = growing.weak.pop_front() {
        growing.weakly(from, to, tx, rule);
        growing.strongly();
    }
    growing.moves();
    let site = growing.site;
    // An address refused by one link may have been taken by a later one.
    let doubtful = growing.doubtful.into_values();
    Site {
        doubtful: doubtful.filter(|d| !site.has(d.address)).collect(),
        ..site
    }
}

struct Growing<'a> {
    index: &'a Index,
    known: &'a Known,
    site: Site,
    doubtful: BTreeMap<u32, Doubtful>,
    /// Weak links to look at: from, to, transaction, rule.
    weak: VecDeque<(u32, u32, u64, &'static Heuristic)>,
    /// Spending transactions that were examined.
    done: FxSet<u64>,
    /// The first member whose transactions were not examined yet.
    next: usize,
}

impl Growing<'_> {
    fn doubt(&mut self, address: u32, because: Because, why: Refused) {
        self.doubtful.entry(address).or_insert(Doubtful {
            address,
            because,
            why,
        });
    }

    /// Follows strong links until there are no more, and queues weak ones.
    fn strongly(&mut self) {
        let chain = &self.index.chain;
        while let Some(member) = self.site.members.get(self.next).copied() {
            self.next += 1;
            // A seed that a service hosts says nothing about the service's other customers.
            if let Some(service) = self.known.surely(self.index, member.address)
                && self.known.stops(service)
            {
                continue;
            }
            let received: Vec<u64> = chain.received(member.address).collect();
            for out in received {
                self.as_change(member.address, out);
                if let Some(input) = chain.spent(out) {
                    self.spending(member, chain.tx_of_in(input));
                }
            }
        }
    }

    /// Queues a weak link to the payer, if this output is taken for a payment's change.
    fn as_change(&mut self, address: u32, out: u64) {
        let chain = &self.index.chain;
        let tx = chain.tx_of_out(out);
        if let Some((change, rule)) = heuristics::change(chain, tx)
            && change == out
        {
            let payer = chain.payer(chain.ins(tx).start);
            if payer != NO_ADDRESS && !self.site.has(payer) {
                self.weak.push_back((address, payer, tx, rule));
            }
        }
    }

    fn spending(&mut self, member: Member, tx: u64) {
        let chain = &self.index.chain;
        if !self.done.insert(tx) {
            return;
        }
        let joint = chain.coinjoin(tx).filter(|(coinjoin, _)| coinjoin.joint);
        for input in chain.ins(tx) {
            let address = chain.payer(input);
            if address == NO_ADDRESS || self.site.has(address) {
                continue;
            }
            let because = Because::Link {
                to: member.address,
                tx,
                rule: &heuristics::MULTI_INPUT,
            };
            if let Some((coinjoin, confidence)) = joint {
                // In a detected CoinJoin the other inputs are strangers'; in a suspected one they
                // may be the site's own.
                if confidence < coinjoins::DETECTED_FROM {
                    self.doubt(address, because, Refused::CoinJoin(coinjoin.name));
                }
                continue;
            }
            // Only its own tag: its strong cluster is the member's, which was checked already.
            if let Some(service) = self.known.tagged(address)
                && self.known.stops(service)
            {
                self.doubt(address, because, Refused::Service(service));
                continue;
            }
            if self.site.members.len() >= SITE_ADDRESSES_MAX {
                self.doubt(address, because, Refused::Full);
                continue;
            }
            self.site.take(Member {
                address,
                confidence: member.confidence.min(heuristics::MULTI_INPUT.confidence),
                because,
                ..member
            });
        }
        if let Some((out, rule)) = heuristics::change(chain, tx) {
            let to = chain.payee(out);
            if !self.site.has(to) {
                self.weak.push_back((member.address, to, tx, rule));
            }
        }
    }

    /// Reports addresses whose coins were combined into one output of the site, and addresses that
    /// coins of the site were combined into.
    fn moves(&mut self) {
        let chain = &self.index.chain;
        let mut found = Vec::new();
        for member in &self.site.members {
            for out in chain.received(member.address) {
                let to = member.address;
                found.extend(self.whole(chain.tx_of_out(out), to));
                if let Some(input) = chain.spent(out) {
                    found.extend(self.whole(chain.tx_of_in(input), to));
                }
            }
        }
        for (address, because, addresses) in found {
            self.doubt(address, because, Refused::Whole(addresses));
        }
    }

    /// The other side of a transaction that combined coins into one output, and how many addresses
    /// the coins came from.
    fn whole(&self, tx: u64, to: u32) -> Option<(u32, Because, u32)> {
        let chain = &self.index.chain;
        let (ins, outs) = (chain.ins(tx), chain.outs(tx));
        if outs.end - outs.start != 1 || ins.end - ins.start < 2 || chain.is_joint(tx) {
            return None;
        }
        // An input without an address has no owner, such as an anchor that anyone may spend.
        let payers: FxSet<u32> = ins
            .map(|i| chain.payer(i))
            .filter(|payer| *payer != NO_ADDRESS)
            .collect();
        // They spend together, so any would do; the smallest makes the answer repeatable.
        let (from, payee) = (*payers.iter().min()?, chain.payee(outs.start));
        let other = match (self.site.has(from), self.site.has(payee)) {
            (true, false) => payee,
            (false, true) => from,
            _ => return None,
        };
        if payers.len() < WHOLE_FROM || other == NO_ADDRESS {
            return None;
        }
        let known = self.known.surely(self.index, other);
        if known.is_some_and(|service| self.known.stops(service)) {
            return None;
        }
        Some((other, Because::Move { to, tx }, payers.len() as u32))
    }

    /// Whether an address pays the site in a transaction other than `but`. CoinJoins, transactions
    /// that the site helps to pay, and change don't count. Searches the newest
    /// [`OUTPUTS_LOOKED_AT`] outputs of the address.
    fn pays_the_site(&self, address: u32, but: u64) -> bool {
        let chain = &self.index.chain;
        let received = chain.received(address).take(OUTPUTS_LOOKED_AT);
        let mut spent = received.filter_map(|out| chain.spent(out));
        // Not `but`: that is the transaction which links the two.
        spent.any(|input| {
            let tx = chain.tx_of_in(input);
            tx != but
                && !chain.is_joint(tx)
                && !chain.ins(tx).any(|i| self.site.has(chain.payer(i)))
                && chain.outs(tx).any(|out| {
                    self.site.has(chain.payee(out))
                        && heuristics::change(chain, tx).is_none_or(|(change, _)| change != out)
                })
        })
    }

    fn weakly(&mut self, from: u32, to: u32, tx: u64, rule: &'static Heuristic) {
        // The address was added after the link was queued.
        if self.site.has(to) {
            return;
        }
        let because = Because::Link { to: from, tx, rule };
        // Attribution without weak links: the link being judged is one of them.
        let known = self.known.surely(self.index, to);
        if let Some(service) = known.filter(|s| self.known.stops(*s)) {
            return self.doubt(to, because, Refused::Service(service));
        }
        // The strong cluster, because all of it would follow into the site.
        let size = self.index.strong().size(self.index.strong().root(to));
        if size > STRANGERS_MAX && size as usize > self.site.members.len() {
            return self.doubt(to, because, Refused::Large(size));
        }
        if rule.confidence < heuristics::SITE_GROWS_FROM {
            return self.doubt(to, because, Refused::Unsure);
        }
        // Late: unlike the checks above, it walks through the address's history.
        if self.pays_the_site(to, tx) {
            return self.doubt(to, because, Refused::Payer);
        }
        if self.site.members.len() >= SITE_ADDRESSES_MAX {
            return self.doubt(to, because, Refused::Full);
        }
        let before = self
            .site
            .place(from)
            .map_or(100, |n| self.site.members[n].confidence);
        self.site.take(Member {
            address: to,
            strength: Strength::Weak,
            confidence: before.min(rule.confidence),
            because,
        });
    }
}

/// A payment to a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Transaction's number.
    pub tx: u64,
    /// Output's number.
    pub out: u64,
    /// Satoshi.
    pub satoshi: u64,
    /// The site's address that it paid.
    pub address: u32,
}

/// What came in to a site.
#[derive(Default, Debug)]
pub struct Receipts {
    /// Payments, in the chain's order.
    pub payments: Vec<Receipt>,
    /// At most [`DUST_SATOSHI_MAX`]: advertising and tracking by strangers, not payments.
    pub dust: Vec<Receipt>,
    /// Outputs of coinbases.
    pub mined: Vec<Receipt>,
    /// Outputs of CoinJoins, detected or suspected, in which the site took part itself.
    pub mixed: Vec<Receipt>,
}

/// Outputs up to this amount are dust, not payments, in satoshi. Our judgement.
pub const DUST_SATOSHI_MAX: u64 = 1_000;

/// Everything that came in to a site, sorted by kind. Omits its own change, moves between its
/// addresses, and what a service pays to a seed that it hosts.
pub fn receipts(index: &Index, site: &Site, known: &Known) -> Receipts {
    let chain: &Chain = &index.chain;
    // The service spends the coins of a seed it hosts, for any of its customers.
    let hosted: FxMap<u32, u32> = site
        .members
        .iter()
        .filter_map(|m| Some((m.address, known.surely(index, m.address)?)))
        .filter(|(_, service)| known.stops(*service))
        .collect();
    let mut receipts = Receipts::default();
    let mut outs: Vec<(u64, u32)> = site
        .members
        .iter()
        .flat_map(|m| chain.received(m.address).map(|out| (out, m.address)))
        .collect();
    outs.sort_unstable();
    for (out, address) in outs {
        let tx = chain.tx_of_out(out);
        let receipt = Receipt {
            tx,
            out,
            satoshi: chain.value(out),
            address,
        };
        // What a hosted seed spends is the service's, not the site's.
        let of_site = |address: u32| site.has(address) && !hosted.contains_key(&address);
        let own = chain.ins(tx).any(|i| of_site(chain.payer(i)));
        let inside = hosted.get(&address).is_some_and(|service| {
            chain
                .ins(tx)
                .any(|i| known.surely(index, chain.payer(i)) == Some(*service))
        });
        if inside {
            // The service moves its own money.
        } else if chain.is_coinbase(tx) {
            receipts.mined.push(receipt);
        } else if own && chain.is_joint(tx) {
            receipts.mixed.push(receipt);
        } else if own {
            // Its own change, or from one of its wallets to another.
        } else if receipt.satoshi <= DUST_SATOSHI_MAX {
            receipts.dust.push(receipt);
        } else {
            receipts.payments.push(receipt);
        }
    }
    receipts
}
