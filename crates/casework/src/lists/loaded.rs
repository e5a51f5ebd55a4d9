//! A list in memory, ready to be searched.

use std::collections::{HashMap, HashSet};

use obhut_hash::{Digest, Kind, Matching, kinds};
use obhut_index::{Bits256, Index};

use super::{Action, EntryLabel, Purpose};

/// A version of a list, opened into memory.
pub struct LoadedList {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purpose: Purpose,
    pub(super) action: Action,
    pub(super) signed: bool,
    pub(super) labels: Vec<EntryLabel>,
    pub(super) parts: Vec<Part>,
}

/// The entries of one kind.
pub(super) struct Part {
    pub kind: &'static Kind,
    pub digests: Vec<Digest>,
    /// Label and entry id of each, in the order of `digests`.
    pub labels: Vec<u32>,
    pub entries: Vec<String>,
    search: Search,
}

enum Search {
    Near(Index),
    Exact(HashMap<Digest, u32>),
}

/// An entry that matched.
pub(crate) struct EntryHit<'a> {
    pub entry: &'a str,
    pub label: &'a EntryLabel,
    pub distance_bits: u32,
}

impl Part {
    pub fn new(
        kind: &'static Kind,
        digests: Vec<Digest>,
        labels: Vec<u32>,
        entries: Vec<String>,
    ) -> Self {
        let search = match kind.matching {
            Matching::Hamming { .. } => Search::Near(Index::new(
                digests
                    .iter()
                    .map(|d| Bits256::try_from(d.as_bytes()).expect("256 bits"))
                    .collect(),
            )),
            Matching::Exact => Search::Exact(digests.iter().copied().zip(0..).collect()),
        };
        Self {
            kind,
            digests,
            labels,
            entries,
            search,
        }
    }
}

impl LoadedList {
    pub(super) fn new(
        name: &str,
        version: String,
        labels: Vec<EntryLabel>,
        parts: Vec<Part>,
    ) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            version,
            // A list read from a file for one run: it matches, and its user decides what follows.
            purpose: Purpose::Assessed,
            action: Action::Hold,
            signed: true,
            labels,
            parts,
        }
    }

    pub(super) fn describe(
        &mut self,
        id: &str,
        name: &str,
        purpose: Purpose,
        action: Action,
        signed: bool,
    ) {
        (self.id, self.name) = (id.to_owned(), name.to_owned());
        (self.purpose, self.action, self.signed) = (purpose, action, signed);
    }

    /// Id; empty for a list read from a file for one run.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file it was read from, lower-case hex.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What a match does.
    pub fn action(&self) -> Action {
        self.action
    }

    /// False when it only counts.
    pub fn signed(&self) -> bool {
        self.signed
    }

    /// Entries of all kinds.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|p| p.digests.len()).sum()
    }

    /// The kinds it has entries of.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.parts.iter().map(|p| p.kind)
    }

    pub(super) fn has_entry(&self, entry: &str) -> bool {
        self.parts
            .iter()
            .any(|p| p.entries.iter().any(|e| e == entry))
    }

    /// All entries within the kind's own radius, nearest first.
    pub(crate) fn search(&self, kind: &Kind, digest: &Digest) -> Vec<EntryHit<'_>> {
        let Some(part) = self.parts.iter().find(|p| p.kind.name == kind.name) else {
            return Vec::new();
        };
        let hit = |at: u32, distance_bits| EntryHit {
            entry: &part.entries[at as usize],
            label: &self.labels[part.labels[at as usize] as usize],
            distance_bits,
        };
        match (&part.search, kind.matching) {
            (Search::Near(index), Matching::Hamming { radius_bits, .. }) => {
                let query = Bits256::try_from(digest.as_bytes()).expect("256 bits");
                index
                    .within(&query, radius_bits)
                    .into_iter()
                    .map(|h| hit(h.position, h.distance_bits))
                    .collect()
            }
            (Search::Exact(map), _) => map.get(digest).map(|at| hit(*at, 0)).into_iter().collect(),
            (Search::Near(_), Matching::Exact) => Vec::new(),
        }
    }
}

/// Digests, places of their labels, entry ids.
type Columns = (Vec<Digest>, Vec<u32>, Vec<String>);

/// Collects entries until a list is complete; the same digest is kept once.
#[derive(Default)]
pub(super) struct Builder {
    labels: Vec<EntryLabel>,
    label_places: HashMap<EntryLabel, u32>,
    kinds: HashMap<&'static str, Columns>,
    seen: HashSet<(&'static str, Digest)>,
}

impl Builder {
    /// False when that digest of that kind is in already.
    pub fn add(
        &mut self,
        kind: &'static Kind,
        digest: Digest,
        label: EntryLabel,
        entry: String,
    ) -> bool {
        if !self.seen.insert((kind.name, digest)) {
            return false;
        }
        let place = *self.label_places.entry(label.clone()).or_insert_with(|| {
            self.labels.push(label);
            self.labels.len() as u32 - 1
        });
        let (digests, labels, entries) = self.kinds.entry(kind.name).or_default();
        digests.push(digest);
        labels.push(place);
        entries.push(entry);
        true
    }

    pub fn build(mut self, name: &str, version: String) -> LoadedList {
        let parts = kinds::ALL
            .iter()
            .filter_map(|kind| {
                let (digests, labels, entries) = self.kinds.remove(kind.name)?;
                Some(Part::new(kind, digests, labels, entries))
            })
            .collect();
        LoadedList::new(name, version, self.labels, parts)
    }
}
