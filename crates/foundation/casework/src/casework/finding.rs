//! A finding about a file, as the core keeps it and its domain describes it.

use obhut_facts::{Sealed, Surface};
use serde::Serialize;

use crate::policy::{Action, Purpose};

/// The entry of a list that a file matched; empty where none did.
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
    /// Bits that differ.
    pub distance: i64,
    /// PDQ quality of the file.
    pub quality: Option<i64>,
    /// What the list is for.
    pub purpose: Option<Purpose>,
    /// What policy made of it.
    pub action: Action,
    /// Scale of the category.
    pub scale: String,
    /// Category of the entry.
    pub category: String,
}

impl Default for MatchedEntry {
    /// What is on no list is kept back until a person has looked.
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

/// A finding about a file, with what its domain says of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Id.
    pub id: String,
    /// The screening it came from: one file has one, with as many findings as entries matched.
    pub screening: String,
    /// `match`, or the code of why the file could not be read.
    pub what: String,
    /// The entry that matched.
    #[serde(flatten)]
    pub matched: MatchedEntry,
    /// Where the upload was meant to be seen.
    pub surface: Surface,
    /// The sealed exhibit.
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
    /// The domain that found it, or `person`.
    #[serde(skip)]
    pub source: String,
    /// An entry of a signed list matched that has not been disputed since.
    #[serde(skip)]
    pub listed: bool,
}
