//! What is known of addresses from outside: the services they are said to belong to.
//!
//! Claims about owners come in as tags and are kept apart from what the chain's structure shows. A
//! cluster is attributed to a service if all its tags that apply to clusters name that service, or
//! if the most confident of them is at least twice as confident as every other service's. Otherwise
//! only the tagged addresses themselves are attributed. The strong cluster decides if it has such a
//! tag, else the weak one.

use std::collections::BTreeMap;

use crate::Index;
use crate::fx_hash::FxMap;
use crate::heuristics::Strength;

/// A claim: this address is that service's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag {
    /// The address, by its number in the index.
    pub address: u32,
    /// The service, by a number that the caller chooses.
    pub service: u32,
    /// True if traces end at the service: an exchange, a market, a mixer. False if the tag only
    /// names a person's wallet.
    pub stops: bool,
    /// The tag applies to the whole cluster.
    pub for_cluster: bool,
    /// 0 to 100.
    pub confidence: u8,
}

/// A weak cluster with more addresses than this isn't attributed to any service: at this size,
/// change links have probably merged several owners. Our judgement.
pub const WEAK_MEMBERS_MAX: u32 = 100_000;

/// Services that claim one cluster, each with the confidence of its surest tag there.
type Claims = BTreeMap<u32, u8>;

/// The service that wins the claims: the only one, or one at least twice as confident as any
/// other.
fn winner(claims: &Claims) -> Option<u32> {
    let (service, sure) = claims.iter().max_by_key(|(_, sure)| **sure)?;
    let others = claims.iter().filter(|(other, _)| *other != service);
    let next = others.map(|(_, sure)| *sure).max();
    // Compared in 16 bits, because twice a byte may not fit into one. It must also be higher:
    // two confidences of 0 would pass the comparison, since twice 0 is 0.
    next.is_none_or(|next| *sure > next && u16::from(*sure) >= 2 * u16::from(next))
        .then_some(*service)
}

/// A strong cluster that tags of several services claim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Contested {
    /// Its root in the strong layer.
    pub root: u32,
    /// The services that claim it.
    pub services: Vec<u32>,
    /// The one it is attributed to, if its most confident tag is at least twice as confident as
    /// every other's.
    pub taken_for: Option<u32>,
}

/// All claims, indexed for lookups.
#[derive(Default, Debug)]
pub struct Known {
    addresses: FxMap<u32, (u32, (bool, u8))>,
    confidence: FxMap<u32, u8>,
    strong: FxMap<u32, Claims>,
    weak: FxMap<u32, Claims>,
    stops: FxMap<u32, bool>,
}

/// How an address was attributed to a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is tagged itself.
    Tagged,
    /// Its cluster has a tagged address.
    Cluster(Strength),
}

impl Known {
    /// Indexes tags. The first lookup of any cluster in an index completes its clusters with the
    /// newest blocks, so this can take a while if a tag applies to its cluster.
    pub fn new(index: &Index, tags: &[Tag]) -> Self {
        let mut known = Self::default();
        for tag in tags {
            // Of two tags on one address, the one that ends traces wins; if both or neither do, the
            // more confident one.
            let rank = (tag.stops, tag.confidence);
            let said = known
                .addresses
                .entry(tag.address)
                .or_insert((tag.service, rank));
            // Strictly: of two equal claims, the first one handed in remains.
            if rank > said.1 {
                *said = (tag.service, rank);
            }
            let sure = known.confidence.entry(tag.service).or_insert(0);
            *sure = (*sure).max(tag.confidence);
            let stops = known.stops.entry(tag.service).or_insert(false);
            *stops |= tag.stops;
            if tag.for_cluster {
                let (strong, weak) = (
                    index.strong().root(tag.address),
                    index.weak().root(tag.address),
                );
                // In both layers, because a weak cluster contains the strong one.
                for claims in [
                    known.strong.entry(strong).or_default(),
                    known.weak.entry(weak).or_default(),
                ] {
                    let sure = claims.entry(tag.service).or_insert(0);
                    *sure = (*sure).max(tag.confidence);
                }
            }
        }
        known
    }

    /// The owner that an address's own tags name.
    pub fn tagged(&self, address: u32) -> Option<u32> {
        self.addresses.get(&address).map(|said| said.0)
    }

    /// Confidence of the most confident tag of a service, on any address, 0 to 100; 0 without a
    /// tag.
    pub fn confidence(&self, service: u32) -> u8 {
        self.confidence.get(&service).copied().unwrap_or(0)
    }

    /// Whether traces end at a service.
    pub fn stops(&self, service: u32) -> bool {
        self.stops.get(&service).copied().unwrap_or(false)
    }

    /// The service an address is attributed to.
    pub fn service_of(&self, index: &Index, address: u32) -> Option<u32> {
        self.how(index, address).map(|h| h.0)
    }

    /// The service an address is attributed to, and how.
    pub fn how(&self, index: &Index, address: u32) -> Option<(u32, How)> {
        if let Some(service) = self.tagged(address) {
            return Some((service, How::Tagged));
        }
        let strong = index.strong().root(address);
        // Final even where contested: the weak layer must not name an owner that the strong one
        // refused.
        if let Some(claims) = self.strong.get(&strong) {
            return winner(claims).map(|s| (s, How::Cluster(Strength::Strong)));
        }
        let weak = index.weak().root(address);
        // A weak cluster this large has probably merged several owners.
        if index.weak().size(weak) > WEAK_MEMBERS_MAX {
            return None;
        }
        let service = winner(self.weak.get(&weak)?)?;
        Some((service, How::Cluster(Strength::Weak)))
    }

    /// The service an address is attributed to without weak links.
    pub fn surely(&self, index: &Index, address: u32) -> Option<u32> {
        self.how(index, address)
            .filter(|(_, how)| *how != How::Cluster(Strength::Weak))
            .map(|h| h.0)
    }

    /// Strong clusters that tags of several services claim, by root.
    pub fn contested(&self) -> Vec<Contested> {
        let several = self.strong.iter().filter(|(_, claims)| claims.len() > 1);
        let mut all: Vec<Contested> = several
            .map(|(root, claims)| Contested {
                root: *root,
                services: claims.keys().copied().collect(),
                taken_for: winner(claims),
            })
            .collect();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_claim_takes_no_cluster_from_a_sure_one() {
        let of = |claims: &[(u32, u8)]| winner(&claims.iter().copied().collect());
        assert_eq!(of(&[(1, 20)]), Some(1));
        assert_eq!(of(&[(1, 90), (2, 45)]), Some(1));
        assert_eq!(of(&[(1, 20), (2, 90), (3, 10)]), Some(2));
        // 90 is not twice 46.
        assert_eq!(of(&[(1, 90), (2, 46)]), None);
        assert_eq!(of(&[(1, 50), (2, 50)]), None);
        assert_eq!(of(&[(1, 0), (2, 0)]), None);
        assert_eq!(of(&[]), None);
    }
}
