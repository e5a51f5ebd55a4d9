//! A file finding: the core's row together with its domain's details.

use obhut_facts::{FileDigests, Sealed, Surface};
use serde::Serialize;

use crate::policy::{Action, Purpose};

/// The list entry a file matched; empty strings if none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MatchedEntry {
    /// Id of the list.
    pub list_id: String,
    /// Name of the list.
    pub list: String,
    /// Version of the list.
    pub version: String,
    /// Entry of the list.
    pub entry: String,
    /// Hash kind.
    pub kind: String,
    /// Hamming distance, bits.
    pub distance: i64,
    /// PDQ quality of the file.
    pub quality: Option<i64>,
    /// Purpose of the list.
    pub purpose: Option<Purpose>,
    /// Action for the whole upload, with all its matches considered.
    pub action: Action,
    /// Scale of the category.
    pub scale: String,
    /// Category of the entry.
    pub category: String,
}

impl Default for MatchedEntry {
    /// No entry. The action `hold` is only a filler: nothing was held.
    fn default() -> Self {
        Self {
            list_id: String::new(),
            list: String::new(),
            version: String::new(),
            entry: String::new(),
            kind: String::new(),
            distance: 0,
            quality: None,
            purpose: None,
            action: Action::Hold,
            scale: String::new(),
            category: String::new(),
        }
    }
}

/// A file finding with its domain's details.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Id, `finding-` and hexadecimal.
    pub id: String,
    /// Id of the screening; one per file, with one finding per matched entry.
    pub screening: String,
    /// `match`, `given`, `as-received`, `report-unreadable`, or the code of a decoding error.
    pub what: String,
    /// The matched entry.
    #[serde(flatten)]
    pub matched: MatchedEntry,
    /// The audience the upload was meant for.
    pub surface: Surface,
    /// Id of the sealed exhibit; none where the bytes were not kept.
    pub exhibit: Option<String>,
    /// Path or file name.
    #[serde(skip)]
    pub name: Option<Sealed<String>>,
    /// When it was uploaded, microseconds since 1970.
    #[serde(serialize_with = "obhut_facts::maybe_time")]
    pub uploaded_at: Option<i64>,
    /// When it was found, microseconds since 1970.
    #[serde(serialize_with = "obhut_facts::time")]
    pub found_at: i64,
    /// Name of the domain, or `person`.
    #[serde(skip)]
    pub source: String,
    /// The upload was held or blocked before anyone could see it.
    #[serde(skip)]
    pub stopped: bool,
    /// Digests of the file, where its bytes are not kept.
    #[serde(skip)]
    pub digests: Option<Sealed<FileDigests>>,
    /// True if a signed, undisputed entry matched.
    #[serde(skip)]
    pub listed: bool,
}
