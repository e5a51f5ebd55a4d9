//! Turns tags, each a claim with its source, into services: who is asked, and for which addresses.

use std::collections::BTreeMap;

use obhut_chain::known::{Known, Tag};
use obhut_chain::{AddressFault, Index, Key};
use serde::{Deserialize, Serialize};

/// A claim of somebody's: this address is that service's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TagRecord {
    /// The address.
    pub address: String,
    /// What it is called.
    pub label: String,
    /// Id of the actor, as in actor packs.
    pub actor: Option<String>,
    /// What it does: `exchange`, `market`, `user`, …
    pub category: Option<String>,
    /// Where the claim stands.
    pub source: String,
    /// When it was made or last looked at.
    pub date: Option<String>,
    /// How sure, 0 to 100, by the ladder of TagPack.
    pub confidence: u8,
    /// It stands for the address's whole cluster.
    pub for_cluster: bool,
    /// The collection it comes from.
    pub pack: String,
    /// Who made that.
    pub creator: String,
}

/// What is known of an actor beside tags.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ActorRecord {
    /// As tags name it.
    pub id: String,
    /// What it is called.
    pub label: String,
    /// Its name in registers, where known.
    pub legal_name: Option<String>,
    /// Countries, ISO 3166.
    pub jurisdictions: Vec<String>,
    /// Where it can be looked up.
    pub uri: Option<String>,
}

/// A tag or an actor that could not be taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TagProblem {
    /// Which file.
    pub file: String,
    /// Which row, from 1; 0 for the file.
    pub row: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Service {
    /// What it is called.
    pub label: String,
    /// What it does.
    pub category: Option<String>,
    /// Its name in registers, where an actor pack has it.
    pub legal_name: Option<String>,
    /// Countries, ISO 3166, where an actor pack has them.
    pub jurisdictions: Vec<String>,
    /// It can be asked who a customer is; a trace ends there.
    pub answers: bool,
    /// The highest confidence of its tags, 0 to 100.
    pub confidence: u8,
    /// Its tags that the chain has seen.
    pub tags: Vec<TagRecord>,
}

/// Categories of those who aren't a service: a trace goes on through them.
const NOT_SERVICES: &[&str] = &["user", "victim", "perpetrator", "donation", "individual"];

/// All services, and what the kernel needs of them.
#[derive(Debug)]
pub struct Services {
    /// By their number.
    pub all: Vec<Service>,
    /// For the kernel.
    pub known: Known,
    /// Tagged addresses that the chain has never seen.
    pub unseen: usize,
    /// Tags whose addresses are another network's.
    pub other_network: usize,
    /// Tags whose addresses are none.
    pub problems: Vec<TagProblem>,
    /// Clusters that tags of several services claim.
    pub contested: Vec<ContestedCluster>,
}

/// A cluster that tags of several services claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContestedCluster {
    /// Those who claim it.
    pub services: Vec<String>,
    /// The one it was taken for, where its tags are far surer than the others'; else nobody.
    pub taken_for: Option<String>,
}

impl Services {
    /// From tags and actors.
    pub fn new(index: &Index, tags: &[TagRecord], actors: &[ActorRecord]) -> Self {
        let by_id: BTreeMap<&str, &ActorRecord> =
            actors.iter().map(|a| (a.id.as_str(), a)).collect();
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut services: Vec<Service> = Vec::new();
        let (mut of_kernel, mut problems) = (Vec::new(), Vec::new());
        let (mut unseen, mut other_network) = (0, 0);
        for tag in tags {
            let key = match Key::parse(tag.address.trim(), index.network()) {
                Ok(key) => key,
                Err(AddressFault::OtherNetwork) => {
                    other_network += 1;
                    continue;
                }
                Err(why) => {
                    problems.push(TagProblem {
                        file: tag.pack.clone(),
                        row: 0,
                        what: format!(
                            "the tag \"{}\" for {}: {why}; it was left out",
                            tag.label, tag.address
                        ),
                    });
                    continue;
                }
            };
            let Some(address) = index.find(&key) else {
                unseen += 1;
                continue;
            };
            let name = tag
                .actor
                .as_deref()
                .unwrap_or(&tag.label)
                .trim()
                .to_lowercase();
            let number = *numbers.entry(name).or_insert_with(|| {
                let actor = tag.actor.as_deref().and_then(|a| by_id.get(a));
                services.push(Service {
                    label: tag.label.clone(),
                    category: tag.category.clone(),
                    legal_name: actor.and_then(|a| a.legal_name.clone()),
                    jurisdictions: actor.map(|a| a.jurisdictions.clone()).unwrap_or_default(),
                    answers: false,
                    confidence: 0,
                    tags: Vec::new(),
                });
                services.len() as u32 - 1
            });
            let service = &mut services[number as usize];
            let category = tag.category.as_deref().unwrap_or_default().to_lowercase();
            let answers = !NOT_SERVICES.contains(&category.as_str());
            service.answers |= answers;
            service.confidence = service.confidence.max(tag.confidence);
            service.tags.push(tag.clone());
            of_kernel.push(Tag {
                address,
                service: number,
                stops: answers,
                for_cluster: tag.for_cluster,
                confidence: tag.confidence,
            });
        }
        let known = Known::new(index, &of_kernel);
        let label = |n: &u32| services[*n as usize].label.clone();
        let contested = known.contested();
        Self {
            contested: contested
                .iter()
                .map(|c| ContestedCluster {
                    services: c.services.iter().map(label).collect(),
                    taken_for: c.taken_for.as_ref().map(label),
                })
                .collect(),
            all: services,
            known,
            unseen,
            other_network,
            problems,
        }
    }

    /// By number.
    pub fn get(&self, number: u32) -> &Service {
        &self.all[number as usize]
    }
}
