//! Turns tags, each a claim with its source, into services: who can be asked about which addresses.

use std::collections::BTreeMap;

use obhut_chain::known::{Known, Tag};
use obhut_chain::{AddressFault, Index, Key};
use obhut_facts::{ActorRecord, ContestedCluster, Service, TagProblem, TagRecord};

/// Categories that aren't services: a trace continues through them.
const NOT_SERVICES: &[&str] = &["user", "victim", "perpetrator", "donation", "individual"];

/// All services, and what the kernel needs to know about them.
#[derive(Debug)]
pub struct Services {
    /// The services; a service's number is its index here.
    pub all: Vec<Service>,
    /// The claims of the tags by address and cluster, as the kernel's traces look them up.
    pub known: Known,
    /// Tags whose address never occurs on the chain.
    pub unseen: usize,
    /// Tags whose addresses belong to another network.
    pub other_network: usize,
    /// Tags whose addresses are invalid.
    pub problems: Vec<TagProblem>,
    /// Clusters that tags of several services claim.
    pub contested: Vec<ContestedCluster>,
}

impl Services {
    /// Groups tags into services, by actor or else by label; `actors` adds legal names and
    /// jurisdictions. A tag that can't be used is named in `problems`, or counted in `unseen` or
    /// `other_network`.
    // Long: a single pass whose state is in local variables.
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
                // Not a fault of the tag, so it is only counted.
                Err(AddressFault::OtherNetwork) => {
                    other_network += 1;
                    continue;
                }
                Err(why) => {
                    problems.push(TagProblem {
                        file: tag.pack.clone(),
                        // A tag no longer knows its row; 0 means the file.
                        row: 0,
                        what: format!(
                            "the tag \"{}\" for {}: {why}; ignored",
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
            // Tags of one actor are one service, whatever their labels.
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
                // Fits: a file has at most 2,000,000 tags, so it takes more than 2,000 full files
                // to overflow.
                services.len() as u32 - 1
            });
            let service = &mut services[number as usize];
            let category = tag.category.as_deref().unwrap_or_default().to_lowercase();
            let answers = !NOT_SERVICES.contains(&category.as_str());
            // One tag whose category isn't in `NOT_SERVICES` is enough, whatever the others say; a
            // tag without a category counts as one.
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

    /// The service with that number.
    ///
    /// # Panics
    /// If no service has that number.
    pub fn get(&self, number: u32) -> &Service {
        &self.all[number as usize]
    }
}
