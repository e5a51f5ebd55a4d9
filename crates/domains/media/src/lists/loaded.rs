//! A list in memory, ready to be searched: its first file and the deltas that followed, as one.
//!
//! A delta makes a new [`LoadedList`] that shares everything but its newest entries with the old
//! one. Screenings under way continue with the old list, so nothing waits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use obhut_hash::{Digest, Kind, Matching, kinds};
use obhut_index::{Bits256, Segments};

use super::entries::{DigestColumn, Entries, Names};
use super::videos::VideoPart;
use super::{Action, EntryLabel, Purpose};

/// A version of a list, opened into memory.
#[derive(Clone)]
pub struct LoadedList {
    about: About,
    files: Vec<ListFile>,
    parts: Vec<Part>,
    videos: Option<VideoPart>,
    entries: usize,
}

/// Metadata of a list.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct About {
    pub id: String,
    pub name: String,
    pub version: String,
    pub purpose: Option<Purpose>,
    pub action: Option<Action>,
    /// The newest version two people have signed.
    pub signed_version: Option<String>,
    /// How many of its files, from the first on, two people have signed; later ones only count.
    pub signed_files: usize,
    /// Largest distance that matches, if the list sets its own.
    pub distance_bits: Option<u32>,
}

/// The labels and the content numbers of one file.
#[derive(Clone)]
struct ListFile {
    labels: Arc<Vec<EntryLabel>>,
    contents: Contents,
}

/// The numbers under which HMA's clients know a file's entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Contents {
    /// Number of the first entry.
    pub first: i64,
    /// All entries of the file are signals of one content, and have its number.
    pub one: bool,
}

/// The entries of one kind, whatever file they came in.
#[derive(Clone)]
struct Part {
    kind: &'static Kind,
    runs: Vec<Run>,
    search: Search,
    len: usize,
}

/// The entries of one kind out of one file.
#[derive(Clone)]
struct Run {
    first: u32,
    file: u32,
    /// Rows of other kinds before these in the file.
    before: u32,
    names: Arc<Names>,
    labels: Arc<Vec<u32>>,
}

#[derive(Clone)]
enum Search {
    Near(Segments),
    Exact {
        /// Each digest of the first file, with its first position.
        base: Arc<HashMap<Digest, u32>>,
        /// Further positions of a digest, and those in deltas. All are kept: one entry of a digest
        /// may be disputed while another matches.
        tail: Arc<HashMap<Digest, Vec<u32>>>,
    },
}

/// An entry that matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryHit<'a> {
    pub entry: &'a str,
    pub label: &'a EntryLabel,
    pub distance_bits: u32,
    /// An exact digest matched.
    pub exact: bool,
    pub signed: bool,
    pub content: i64,
}

impl LoadedList {
    /// A list read from a file for one run. Its entries count as signed.
    pub(super) fn of_file(name: &str, entries: Entries) -> Self {
        let about = About {
            name: name.to_owned(),
            signed_files: 1,
            ..About::default()
        };
        Self::new(
            about,
            entries,
            Contents {
                first: 1,
                one: false,
            },
        )
    }

    pub(crate) fn new(about: About, entries: Entries, contents: Contents) -> Self {
        let empty = Self {
            about,
            files: Vec::new(),
            parts: Vec::new(),
            videos: None,
            entries: 0,
        };
        empty.with(entries, contents)
    }

    /// This list with a delta's entries added; its version is the delta's.
    pub(crate) fn with(&self, delta: Entries, contents: Contents) -> Self {
        let mut next = self.clone();
        next.about.version = delta.version;
        next.entries += delta.columns.iter().map(|c| c.digests.len()).sum::<usize>();
        let file = next.files.len() as u32;
        // Contents are numbered through the file's columns, one kind after the other.
        let mut before = 0;
        let labels = Arc::new(delta.labels);
        for column in delta.columns {
            let rows = column.digests.len() as u32;
            if column.has_frames() {
                let videos = next.videos.take().unwrap_or_default();
                next.videos = Some(videos.with(column, file, before, &labels));
            } else {
                let place = next
                    .parts
                    .iter()
                    .position(|p| p.kind.name == column.kind.name);
                let place = place.unwrap_or_else(|| {
                    next.parts.push(Part::new(column.kind));
                    next.parts.len() - 1
                });
                next.parts[place].add(column, file, before);
            }
            before += rows;
        }
        next.files.push(ListFile { labels, contents });
        next
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// The same entries with new metadata.
    pub(crate) fn described(&self, about: About) -> Self {
        Self {
            about,
            ..self.clone()
        }
    }

    /// Files it consists of.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// The same list with its own maximum distance, in bits.
    pub fn within(&self, distance_bits: u32) -> Self {
        let mut about = self.about.clone();
        about.distance_bits = Some(distance_bits);
        self.described(about)
    }

    /// Id; empty for a list read from a file for one run.
    pub fn id(&self) -> &str {
        &self.about.id
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// Its version: SHA-256, lower-case hex.
    pub fn version(&self) -> &str {
        &self.about.version
    }

    /// The version that contains an entry: the signed one, or else the newest.
    pub(crate) fn version_of(&self, signed: bool) -> &str {
        match &self.about.signed_version {
            Some(version) if signed => version,
            _ => &self.about.version,
        }
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        // None for a list read from a file for one run: its user takes its entries as assessed.
        self.about.purpose.unwrap_or(Purpose::Assessed)
    }

    /// What a match does.
    pub fn action(&self) -> Action {
        self.about.action.unwrap_or(Action::Hold)
    }

    /// Number of entries of all kinds; each frame of a video is one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Number of entries of each kind; each frame of a video is one if its quality suffices.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&'static Kind, usize)> {
        let videos = self.videos.as_ref().map(|v| (v.kind(), v.frames()));
        self.parts.iter().map(|p| (p.kind, p.len)).chain(videos)
    }

    /// Its videos; none if it has no entry of a kind that hashes frames.
    pub(crate) fn videos(&self) -> Option<&VideoPart> {
        self.videos.as_ref()
    }

    pub(crate) fn is_signed(&self, file: u32) -> bool {
        (file as usize) < self.about.signed_files
    }

    pub(crate) fn content(&self, file: u32, row: u32) -> i64 {
        let contents = self.files[file as usize].contents;
        contents.first + if contents.one { 0 } else { i64::from(row) }
    }

    pub(super) fn has_entry(&self, entry: &str) -> bool {
        let pictures = self.parts.iter().flat_map(|p| &p.runs);
        pictures
            .into_iter()
            .any(|run| run.names.iter().any(|e| e == entry))
            || self.videos.as_ref().is_some_and(|v| v.has_entry(entry))
    }

    /// The name of the entry with that number.
    pub(crate) fn entry_of_content(&self, content: i64) -> Option<&str> {
        let pictures = self.parts.iter().flat_map(|p| &p.runs).find_map(|run| {
            let row = self.row_of(content, run.file)?.checked_sub(run.before)?;
            // Rows past the end of this run belong to another kind of the file, or to a later file.
            ((row as usize) < run.labels.len()).then(|| run.names.get(row as usize))
        });
        pictures.or_else(|| {
            let videos = self.videos.as_ref()?;
            videos.entry_at(|file| self.row_of(content, file))
        })
    }

    fn row_of(&self, content: i64, file: u32) -> Option<u32> {
        let contents = self.files[file as usize].contents;
        // Negative for a number of an earlier file.
        let row = u32::try_from(content - contents.first).ok()?;
        (!contents.one || row == 0).then_some(row)
    }

    /// All entries within the list's own distance or, if it sets none, the kind's; nearest first.
    pub(crate) fn search(&self, kind: &Kind, digest: &Digest) -> Vec<EntryHit<'_>> {
        let Some(part) = self.parts.iter().find(|p| p.kind.name == kind.name) else {
            return Vec::new();
        };
        match (&part.search, kind.matching) {
            (Search::Near(index), Matching::Hamming { radius_bits, .. }) => {
                let radius_bits = self.about.distance_bits.unwrap_or(radius_bits);
                let query = Bits256::try_from(digest.as_bytes()).expect("256 bits");
                let hits = index.within(&query, radius_bits).into_iter();
                hits.map(|h| self.hit(part, h.position, h.distance_bits))
                    .collect()
            }
            (Search::Exact { base, tail }, _) => base
                .get(digest)
                .into_iter()
                .chain(tail.get(digest).into_iter().flatten())
                .map(|at| self.hit(part, *at, 0))
                .collect(),
            // Never both: a part's kind of search follows from its hash kind.
            (Search::Near(_), Matching::Exact) => Vec::new(),
        }
    }

    fn hit<'a>(&'a self, part: &'a Part, at: u32, distance_bits: u32) -> EntryHit<'a> {
        // The first run begins at 0, so at least one run begins at or before `at`.
        let run = &part.runs[part.runs.partition_point(|run| run.first <= at) - 1];
        let row = at - run.first;
        let label = run.labels[row as usize] as usize;
        // Signals of one content have one number, whatever their kind.
        EntryHit {
            entry: run.names.get(row as usize),
            label: &self.files[run.file as usize].labels[label],
            distance_bits,
            exact: matches!(part.search, Search::Exact { .. }),
            signed: self.is_signed(run.file),
            content: self.content(run.file, run.before + row),
        }
    }
}

impl Part {
    fn new(kind: &'static Kind) -> Self {
        let search = match kind.matching {
            Matching::Hamming { .. } => Search::Near(Segments::default()),
            Matching::Exact => Search::Exact {
                base: Arc::default(),
                tail: Arc::default(),
            },
        };
        Self {
            kind: kinds::by_name(kind.name).expect("kinds know their names"),
            runs: Vec::new(),
            search,
            len: 0,
        }
    }

    fn add(&mut self, column: DigestColumn, file: u32, before: u32) {
        let first = self.len as u32;
        self.len += column.digests.len();
        match &mut self.search {
            Search::Near(index) => {
                let bits: Vec<Bits256> = column
                    .digests
                    .iter()
                    .map(|d| Bits256::try_from(d.as_bytes()).expect("256 bits"))
                    .collect();
                // Saves one copy of the digests while the index is built.
                drop(column.digests);
                *index = index.with(&bits);
            }
            Search::Exact { base, tail } => {
                let more = column.digests.into_iter().zip(first..);
                // Only the first file of this kind goes into `base`; the deltas after it share it unchanged.
                if base.is_empty() && tail.is_empty() {
                    let mut all = HashMap::new();
                    let tail = Arc::make_mut(tail);
                    for (digest, at) in more {
                        match all.entry(digest) {
                            Entry::Vacant(place) => {
                                place.insert(at);
                            }
                            Entry::Occupied(_) => tail.entry(digest).or_default().push(at),
                        }
                    }
                    *base = Arc::new(all);
                } else {
                    // Copies the tail if the old list is still in use, never the first file's map.
                    let tail = Arc::make_mut(tail);
                    for (digest, at) in more {
                        tail.entry(digest).or_default().push(at);
                    }
                }
            }
        }
        self.runs.push(Run {
            first,
            file,
            before,
            names: Arc::new(column.names),
            labels: Arc::new(column.labels),
        });
    }
}
