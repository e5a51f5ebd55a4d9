//! The destinations there are, each one file, each an entry in [`ALL`].

use std::fmt;

use futures::future::BoxFuture;
use obhut_casework::{Dossier, Missing, Reason, Report};
use serde::Serialize;

use crate::filing::{Errand, SendFault, Sent};

pub mod goaml;
mod leads;
pub mod ncmec;
mod package;
mod package_bka;
mod package_nca;
mod vics;
mod vics_1_3;
mod webhook;
mod xarf;

/// Every destination.
pub const ALL: &[&Destination] = &[
    &goaml::DESTINATION,
    &leads::DESTINATION,
    &ncmec::DESTINATION,
    &package::DESTINATION,
    &package_bka::DESTINATION,
    &package_nca::DESTINATION,
    &vics::DESTINATION,
    &vics_1_3::DESTINATION,
    &webhook::DESTINATION,
    &xarf::DESTINATION,
];

/// The destination of that name.
pub fn by_name(name: &str) -> Option<&'static Destination> {
    ALL.iter().copied().find(|d| d.name == name)
}

/// An authority or hotline that takes reports.
pub struct Destination {
    /// Its name on the command line and in the database; also the file's name.
    pub name: &'static str,
    /// Who that is.
    pub title: &'static str,
    /// The document and version that `render` follows.
    pub source: &'static str,
    /// How settled it is.
    pub status: Status,
    /// A report in the destination's own form. Pure: the same report gives the same bytes.
    pub render: fn(&Report) -> Rendered,
    /// What the receiver will miss or refuse, and what stays here. No document comes of it, so a
    /// case nobody has decided can be looked at too.
    pub check: fn(&Dossier) -> Checked,
    /// Takes a rendered report there, step by step, each on record before the next.
    pub send: for<'a> fn(Errand<'a>) -> BoxFuture<'a, Result<Sent, SendFault>>,
    /// Takes back what was sent, until the receiver has acknowledged it.
    pub retract: for<'a> fn(Errand<'a>) -> BoxFuture<'a, Result<Sent, SendFault>>,
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
    before: String,
    between: String,
    after: String,
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

/// Everything that is to be said of a case before it goes to a destination.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// 0 to 100: how much of what such a case can have is there.
    pub complete: u32,
    /// 0 to 100: how much points to a child in danger.
    pub at_risk: u32,
    /// What an officer will miss.
    pub missing: Vec<Missing>,
    /// Why it is at risk.
    pub reasons: Vec<Reason>,
    /// What of the case isn't in the report.
    pub omitted: Vec<Omitted>,
    /// What the receiver will miss or refuse, by field.
    pub remarks: Vec<Remark>,
    /// True when nothing stands in it that anybody could act on.
    pub empty: bool,
    /// True when the receiver would take it.
    pub acceptable: bool,
}

/// Looks at a case before it goes to a destination. `whole` has the children's data, which count for
/// the scores; `shown` is what would be sent.
pub fn check(destination: &Destination, whole: &Dossier, shown: &Dossier) -> Check {
    let scores = whole.scores();
    let checked = (destination.check)(shown);
    let mut remarks = checked.remarks;
    for fault in shown.facts.expose().faults(shown.made_at) {
        remarks.push(Remark {
            field: fault.field,
            what: fault.what.to_owned(),
            source: fault.source,
            stops: false,
        });
    }
    if names_a_child(whole, shown) {
        remarks.push(Remark {
            field: "facts.threads".into(),
            what: "a conversation or payment names a child's account, although the children's data are left out".into(),
            source: "obhut, docs/handling.md",
            stops: false,
        });
    }
    Check {
        complete: scores.complete,
        at_risk: scores.at_risk,
        missing: scores.missing,
        reasons: scores.reasons,
        omitted: checked.omitted,
        acceptable: remarks.iter().all(|r| !r.stops),
        remarks,
        empty: shown.scores().empty,
    }
}

/// True where children were left out and their accounts stand in what is left.
fn names_a_child(whole: &Dossier, shown: &Dossier) -> bool {
    let facts = shown.facts.expose();
    let messages = || facts.threads.iter().flat_map(|t| &t.messages);
    let names = |child: &obhut_casework::Account| {
        [child.id.clone(), child.screen_name.clone()]
            .into_iter()
            .flatten()
            .filter(|n| !n.trim().is_empty())
            .collect::<Vec<_>>()
    };
    shown.victims_left_out > 0
        && whole
            .facts
            .expose()
            .victims
            .iter()
            .flat_map(names)
            .any(|name| {
                let written = messages().any(|m| {
                    m.text.contains(&name) || m.from.as_ref() == Some(&name) || m.to.contains(&name)
                });
                let paid = facts
                    .payments
                    .iter()
                    .any(|p| p.from.as_ref() == Some(&name) || p.to.as_ref() == Some(&name));
                written || paid
            })
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
