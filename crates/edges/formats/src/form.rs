//! A report's form, and what rendering a dossier in it gives: the document, what is missing, what stays
//! here.

use std::fmt;

use obhut_facts::Dossier;
use serde::Serialize;

/// What a report to an authority, hotline or system looks like.
pub struct Form {
    /// The destination's name on the command line and in the database; also the file's name.
    pub name: &'static str,
    /// Who that is.
    pub title: &'static str,
    /// The document and version that the form follows.
    pub source: &'static str,
    /// How settled it is.
    pub status: Status,
    pub(crate) write: fn(&Dossier) -> Rendered,
}

impl Form {
    /// The function that renders a dossier. Only the core's `Report::render` may be given it, because only
    /// a report has a person's decision; a test rejects every other use.
    pub fn renderer(&self) -> fn(&Dossier) -> Rendered {
        self.write
    }

    /// What the receiver will miss or refuse, and what stays here. No document comes of it, so an
    /// undecided case can be checked too.
    pub fn check(&self, dossier: &Dossier) -> Checked {
        (self.write)(dossier).into()
    }
}

/// How settled an entry of a registry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Renders; its output may still change.
    Preview,
    /// Its output is a contract.
    Stable,
    /// Still read, no longer written.
    Retired,
}

/// A report in a destination's form.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The report itself.
    pub report: Vec<u8>,
    /// What it is.
    pub media_type: &'static str,
    /// One document for each file.
    pub files: Vec<FileDocument>,
    /// What the receiver will miss or refuse.
    pub remarks: Vec<Remark>,
    /// What of the case isn't in it.
    pub omitted: Vec<Omitted>,
}

/// What is to be said of a case before it becomes a document.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// What the receiver will miss or refuse.
    pub remarks: Vec<Remark>,
    /// What of the case wouldn't be in it.
    pub omitted: Vec<Omitted>,
}

impl Rendered {
    /// The report as text, where it is one.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.report).ok()
    }

    /// Remarks that stop it: the receiver would refuse it.
    pub fn stopping(&self) -> Vec<&Remark> {
        self.remarks.iter().filter(|r| r.stops).collect()
    }
}

impl From<Rendered> for Checked {
    fn from(rendered: Rendered) -> Self {
        Self {
            remarks: rendered.remarks,
            omitted: rendered.omitted,
        }
    }
}

/// A document about one file. Its ids are the receiver's, so they come in when it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct FileDocument {
    /// The exhibit it is about; none when the bytes were not kept.
    pub exhibit: Option<String>,
    /// The file's own name, for the upload.
    pub name: Option<String>,
    pub(crate) before: String,
    pub(crate) between: String,
    pub(crate) after: String,
}

impl FileDocument {
    /// The document with the receiver's ids in it.
    pub fn with_ids(&self, report_id: i64, file_id: &str) -> String {
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

/// Something the receiver will miss or refuse. Names fields, never their content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Remark {
    /// The field, in the destination's own words.
    pub field: String,
    /// What about it, and what to do.
    pub what: String,
    /// The rule's source.
    pub source: &'static str,
    /// True when the receiver would refuse it: nothing is sent before it is put right.
    pub stops: bool,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.what, self.source)
    }
}

/// Something of a case that isn't in a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Omitted {
    /// The field, in the case file's words.
    pub field: String,
    /// Why.
    pub why: String,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹a report with {} files, sealed›", self.files.len())
    }
}

/// What of every case stays where it is, whomever it is reported to.
pub(crate) fn stays_here(d: &Dossier) -> Vec<Omitted> {
    let mut omitted = Vec::new();
    let mut say = |field: &str, why: &str| {
        omitted.push(Omitted {
            field: field.to_owned(),
            why: why.to_owned(),
        });
    };
    if d.victims_left_out > 0 {
        say("facts.victims", "left out unless asked for");
    }
    if d.matched {
        say(
            "findings",
            "names of lists, entries and distances go to nobody",
        );
    }
    if d.decided {
        say(
            "decision.grounds",
            "the provider's own reasons; names of its people go to nobody",
        );
    }
    if d.embargoed {
        say(
            "embargo",
            "is between the provider and the authority that asked for it",
        );
    }
    if !d.files.is_empty() {
        say(
            "views",
            "which person saw what, and when, stays here; that a file was seen is in it",
        );
    }
    omitted
}
