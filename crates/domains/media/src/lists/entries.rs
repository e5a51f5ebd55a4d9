//! The entries of one file of a list, column by column, as they are read, sealed and opened.

use std::collections::{HashMap, HashSet};

use obhut_hash::{Compute, Digest, Kind, kinds};

use super::EntryLabel;

/// A list's file: its version, the labels that occur, and a column for each kind.
pub(crate) struct Entries {
    /// SHA-256 of the imported file, or of a random id where there is none; lower-case hex.
    pub version: String,
    pub labels: Vec<EntryLabel>,
    pub columns: Vec<DigestColumn>,
}

/// The entries of one kind. A kind that hashes frames has one row per frame.
pub(crate) struct DigestColumn {
    pub kind: &'static Kind,
    pub digests: Vec<Digest>,
    /// Index of each entry's label in [`Entries::labels`].
    pub labels: Vec<u32>,
    pub names: Names,
    /// Empty unless the kind hashes frames.
    pub marks: Vec<FrameMark>,
}

/// Position of a frame in its video, and its quality.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct FrameMark {
    pub time_s: f32,
    pub quality: u8,
}

/// Texts in one buffer, because ten million separate ones would each need an allocation.
#[derive(Default)]
pub(crate) struct Names {
    text: String,
    ends: Vec<u32>,
}

impl Names {
    /// # Panics
    /// When all texts together exceed 4 GiB. That takes a file of 50 million rows (ROWS_MAX) whose
    /// ids have 86 bytes on average.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("names are limited by the list's file");
        self.ends.push(end);
    }

    pub fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[at] as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.get(at))
    }
}

impl DigestColumn {
    pub fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            digests: Vec::new(),
            labels: Vec::new(),
            names: Names::default(),
            marks: Vec::new(),
        }
    }

    pub fn has_frames(&self) -> bool {
        matches!(self.kind.compute, Compute::Frames(_))
    }
}

impl Entries {
    /// Number of rows of all kinds.
    pub fn len(&self) -> usize {
        self.columns.iter().map(|c| c.digests.len()).sum()
    }
}

/// One row of a list's file.
pub(crate) struct Row {
    pub kind: &'static Kind,
    pub digest: Digest,
    pub label: EntryLabel,
    /// What the file calls it; a video's frames share one name.
    pub name: Option<String>,
    pub mark: Option<FrameMark>,
}

/// Collects rows until a list is complete. A digest is kept once for each id it has; frames are
/// always kept.
#[derive(Default)]
pub(crate) struct Builder {
    labels: Vec<EntryLabel>,
    label_places: HashMap<EntryLabel, u32>,
    columns: HashMap<&'static str, DigestColumn>,
    seen: HashSet<(&'static str, Digest, Option<String>)>,
}

impl Builder {
    /// False if that digest of that kind is in already under the same id. Frames are always added.
    /// `name` is what is stored: the row's own, or a generated one if it has none.
    pub fn add(&mut self, row: Row, name: &str) -> bool {
        // With the id: a digest listed under two ids is two entries, which are disputed separately.
        let seen = (row.kind.name, row.digest, row.name);
        // Frames repeat within a video and between videos; all of them are needed.
        if row.mark.is_none() && !self.seen.insert(seen) {
            return false;
        }
        let place = match self.label_places.get(&row.label) {
            Some(place) => *place,
            None => {
                let place = self.labels.len() as u32;
                self.labels.push(row.label.clone());
                self.label_places.insert(row.label, place);
                place
            }
        };
        let column = self
            .columns
            .entry(row.kind.name)
            .or_insert_with(|| DigestColumn::new(row.kind));
        column.digests.push(row.digest);
        column.labels.push(place);
        column.names.push(name);
        column.marks.extend(row.mark);
        true
    }

    pub fn build(mut self, version: String) -> Entries {
        Entries {
            version,
            labels: self.labels,
            // In the order of the kinds: a HashMap has none, and the bytes written from this are signed.
            columns: kinds::ALL
                .iter()
                .filter_map(|kind| self.columns.remove(kind.name))
                .collect(),
        }
    }
}
