//! What is known of addresses from outside: which service's they are said to be.
//!
//! Claims about owners come in as tags and stay apart from what the chain's structure shows. A cluster
//! is a service's when all tags in it name that one; where they name two, the cluster is nobody's and
//! only the tagged addresses themselves count.

use std::collections::BTreeSet;

use crate::Index;
use crate::heuristics::Strength;
use crate::quick::QuickMap;

/// A claim: this address is that service's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag {
    /// Its number in the index.
    pub address: u32,
    /// Whose, by a number of the caller's.
    pub service: u32,
    /// A trace ends there: an exchange, a market, a mixer. False for what only names a person's wallet.
    pub stops: bool,
    /// It stands for its whole cluster.
    pub for_cluster: bool,
    /// 0 to 100.
    pub confidence: u8,
}

/// A weak cluster with more addresses is nobody's.
pub const WEAK_MEMBERS_MAX: u32 = 100_000;

/// All claims, ready to be asked.
#[derive(Default, Debug)]
pub struct Known {
    addresses: QuickMap<u32, (u32, (bool, u8))>,
    confidence: QuickMap<u32, u8>,
    strong: QuickMap<u32, BTreeSet<u32>>,
    weak: QuickMap<u32, BTreeSet<u32>>,
    stops: QuickMap<u32, bool>,
}

/// How an address comes to be a service's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is tagged itself.
    Tagged,
    /// Its cluster has a tagged address.
    Cluster(Strength),
}

impl Known {
    /// From tags.
    pub fn new(index: &Index, tags: &[Tag]) -> Self {
        let mut known = Self::default();
        for tag in tags {
            // Of two claims about one address the one that ends a trace counts, then the surer.
            let rank = (tag.stops, tag.confidence);
            let said = known
                .addresses
                .entry(tag.address)
                .or_insert((tag.service, rank));
            if rank > said.1 {
                *said = (tag.service, rank);
            }
            let sure = known.confidence.entry(tag.service).or_insert(0);
            *sure = (*sure).max(tag.confidence);
            let stops = known.stops.entry(tag.service).or_insert(false);
            *stops |= tag.stops;
            if tag.for_cluster {
                let (strong, weak) = (index.strong.root(tag.address), index.weak.root(tag.address));
                known.strong.entry(strong).or_default().insert(tag.service);
                known.weak.entry(weak).or_default().insert(tag.service);
            }
        }
        known
    }

    /// Whose an address is said to be, by itself.
    pub fn tagged(&self, address: u32) -> Option<u32> {
        self.addresses.get(&address).map(|said| said.0)
    }

    /// How sure the surest claim about a service is, 0 to 100.
    pub fn confidence(&self, service: u32) -> u8 {
        self.confidence.get(&service).copied().unwrap_or(0)
    }

    /// Whether traces end at a service.
    pub fn stops(&self, service: u32) -> bool {
        self.stops.get(&service).copied().unwrap_or(false)
    }

    /// The service an address is taken for.
    pub fn service_of(&self, index: &Index, address: u32) -> Option<u32> {
        self.how(index, address).map(|h| h.0)
    }

    /// The same, and how it comes to be.
    pub fn how(&self, index: &Index, address: u32) -> Option<(u32, How)> {
        if let Some(service) = self.tagged(address) {
            return Some((service, How::Tagged));
        }
        let only = |of: &QuickMap<u32, BTreeSet<u32>>, root: u32| {
            let all = of.get(&root)?;
            (all.len() == 1).then(|| all.first().copied()).flatten()
        };
        let strong = index.strong.root(address);
        if let Some(service) = only(&self.strong, strong) {
            return Some((service, How::Cluster(Strength::Strong)));
        }
        if self.strong.contains_key(&strong) {
            return None;
        }
        let weak = index.weak.root(address);
        // So large a cluster of weak ties has melted together what doesn't belong.
        if index.weak.size(weak) > WEAK_MEMBERS_MAX {
            return None;
        }
        let service = only(&self.weak, weak)?;
        Some((service, How::Cluster(Strength::Weak)))
    }

    /// The service an address is taken for without weak ties.
    pub fn surely(&self, index: &Index, address: u32) -> Option<u32> {
        self.how(index, address)
            .filter(|(_, how)| *how != How::Cluster(Strength::Weak))
            .map(|h| h.0)
    }

    /// Clusters that tags of several services claim: root in the strong layer and their services.
    pub fn contested(&self) -> Vec<(u32, Vec<u32>)> {
        let mut all: Vec<_> = self
            .strong
            .iter()
            .filter(|(_, s)| s.len() > 1)
            .map(|(root, s)| (*root, s.iter().copied().collect()))
            .collect();
        all.sort();
        all
    }
}
