//! The destinations there are, each one file, each an entry in [`ALL`].

use std::fmt;

use obhut_casework::Report;

mod ncmec;

/// Every destination.
pub const ALL: &[&Destination] = &[&ncmec::DESTINATION];

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
    pub report: String,
    /// One document for each file.
    pub files: Vec<FileDocument>,
    /// What the receiver will miss or refuse.
    pub remarks: Vec<Remark>,
}

/// A document about one file. Its ids are the receiver's, so they come in when it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct FileDocument {
    /// The exhibit it is about; none when the bytes were not kept.
    pub exhibit: Option<String>,
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// The field, in the destination's own words.
    pub field: String,
    /// What about it, and what to do.
    pub what: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.what)
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹a report with {} files, sealed›", self.files.len())
    }
}
