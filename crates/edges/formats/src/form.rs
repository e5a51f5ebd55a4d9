//! A report form, and the result of rendering a dossier: document, remarks, omitted facts.

use std::fmt;

use obhut_facts::{Dossier, ReportedFile};
use serde::{Deserialize, Serialize};

/// The form of a report to one destination.
pub struct Form {
    /// The destination's name on the command line and in the database. Its module has the same
    /// name, with `_` for `-`.
    pub name: &'static str,
    /// Full name of the destination.
    pub title: &'static str,
    /// The document and version that the form follows.
    pub source: &'static str,
    /// Stability of its output.
    pub status: FormStatus,
    pub(crate) write: fn(&Dossier) -> Rendered,
}

impl Form {
    /// The function that renders a dossier. Pass it only to the core's `Report::render`: only a
    /// report has a person's decision. A test rejects every other use.
    pub fn renderer(&self) -> fn(&Dossier) -> Rendered {
        self.write
    }

    /// Remarks and omitted facts, without the document, so this may be used for an undecided case.
    pub fn check(&self, dossier: &Dossier) -> Checked {
        (self.write)(dossier).into()
    }
}

/// Prefix of [`Remark::field`] where a person has to determine something; the question follows.
pub const DETERMINATION: &str = "determination.";

/// Stability of a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormStatus {
    /// Output may still change.
    Preview,
    /// Output is a contract.
    Stable,
    /// Read, but no longer written.
    Retired,
}

/// A rendered report.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The document.
    pub report: Vec<u8>,
    /// Media type of the document.
    pub media_type: &'static str,
    /// One document per file.
    pub files: Vec<FileDocument>,
    /// The exhibits that are sent with the report; no others are.
    pub attached: Vec<Attached>,
    /// Fields the receiver would miss or refuse.
    pub remarks: Vec<Remark>,
    /// Facts that the report omits.
    pub omitted: Vec<Omitted>,
}

/// An exhibit that goes with a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attached {
    /// Id of the exhibit.
    pub exhibit: String,
    /// SHA-256 of its bytes, where they are on record.
    pub sha256: Option<String>,
}

/// All exhibits of a dossier.
pub(crate) fn attached(d: &Dossier) -> Vec<Attached> {
    let attached = |f: &ReportedFile| {
        Some(Attached {
            exhibit: f.exhibit.clone()?,
            sha256: f.digests.as_ref().map(|d| d.expose().sha256.clone()),
        })
    };
    d.files.iter().filter_map(attached).collect()
}

/// Result of checking a dossier against a form.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Fields the receiver would miss or refuse.
    pub remarks: Vec<Remark>,
    /// Facts the report would omit.
    pub omitted: Vec<Omitted>,
    /// Number of exhibits that would go with it.
    pub attached: usize,
}

impl Rendered {
    /// The report as text, where it is one.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.report).ok()
    }

    /// Remarks for which the receiver would refuse the report.
    pub fn stopping(&self) -> Vec<&Remark> {
        self.remarks.iter().filter(|r| r.stops).collect()
    }
}

/// The part of a rendered report that is approved, kept and sent: its documents, and which exhibits
/// go with them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// The document. In JSON it is base64.
    #[serde(with = "in_base64")]
    pub report: Vec<u8>,
    /// One document per file.
    pub files: Vec<FileDocument>,
    /// The exhibits that go with it.
    pub attached: Vec<Attached>,
}

impl Documents {
    /// The documents as they are stored: JSON, with the same bytes for the same documents.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("documents are JSON")
    }

    /// Reads stored documents; `None` if the bytes aren't documents.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The report as text, where it is one.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.report).ok()
    }
}

impl From<Rendered> for Documents {
    fn from(rendered: Rendered) -> Self {
        Self {
            report: rendered.report,
            files: rendered.files,
            attached: rendered.attached,
        }
    }
}

mod in_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

impl From<Rendered> for Checked {
    fn from(rendered: Rendered) -> Self {
        Self {
            attached: rendered.attached.len(),
            remarks: rendered.remarks,
            omitted: rendered.omitted,
        }
    }
}

/// A document about one file. The receiver assigns the ids of report and file, so they are inserted
/// when the document is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDocument {
    /// Exhibit id; none if the bytes were not stored.
    pub exhibit: Option<String>,
    /// The file's own name, for the upload.
    pub name: Option<String>,
    pub(crate) before: String,
    pub(crate) between: String,
    pub(crate) after: String,
}

impl FileDocument {
    /// The document with the receiver's ids inserted; only the ASCII letters and digits of
    /// `file_id` are kept.
    pub fn with_ids(&self, report_id: i64, file_id: &str) -> String {
        // The file id comes from the receiver and goes into the XML unescaped.
        let file_id: String = file_id
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        format!(
            "{}{report_id}{}{file_id}{}",
            self.before, self.between, self.after
        )
    }
}

/// A field the receiver would miss or refuse. Contains field names, never their content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Remark {
    /// Field name in the destination's form.
    pub field: String,
    /// What is wrong, and what to do.
    pub what: String,
    /// Source of the rule.
    pub source: &'static str,
    /// True if the receiver would refuse the report; it isn't sent until this is fixed.
    pub stops: bool,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.what, self.source)
    }
}

/// A fact the report omits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Omitted {
    /// Field name in the case file.
    pub field: String,
    /// Why.
    pub why: String,
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹documents about {} files, sealed›", self.files.len())
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹a report with {} files, sealed›", self.files.len())
    }
}

/// What every form omits from this dossier, with the reasons.
pub(crate) fn stays_here(d: &Dossier) -> Vec<Omitted> {
    let mut omitted = Vec::new();
    let mut say = |field: &str, why: &str| {
        omitted.push(Omitted {
            field: field.to_owned(),
            why: why.to_owned(),
        });
    };
    for field in &d.signatures_left_out {
        say(
            field,
            "is given without its signature, with which anyone could open the file",
        );
    }
    if d.victims_left_out > 0 {
        say("facts.victims", "omitted unless requested");
    }
    for field in &d.child_fields_left_out {
        let why = match field.starts_with("facts.financial") {
            true => {
                "belongs to a child; everything but its id, its country and whether it is the bank's customer is omitted unless requested"
            }
            false => "belongs to a child; omitted unless requested",
        };
        say(field, why);
    }
    if d.matched {
        say(
            "findings",
            "names of lists, entries and distances are never disclosed",
        );
    }
    if d.decided {
        say(
            "decision.grounds",
            "the provider's own reasons; names of its people are never disclosed",
        );
    }
    if d.embargoed {
        say(
            "embargo",
            "is between the provider and the authority that asked for it",
        );
    }
    if d.incoming > 0 && !d.files.iter().any(|f| f.as_received) {
        say(
            "reports of others",
            "the original incoming reports are not sent; the facts give their content. At approval, a person may choose to send them",
        );
    }
    if d.category.is_some() && !d.files.iter().any(|f| f.category == d.category) {
        say(
            "decision.category",
            "it belongs to no single file: the person who decided viewed none, or several, of the case's pictures and videos in full; name the file with the category",
        );
    }
    if !d.files.is_empty() {
        say(
            "views",
            "who viewed what and when is not disclosed; whether a file was viewed is in the report",
        );
    }
    omitted
}
