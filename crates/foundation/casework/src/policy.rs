//! What a list is for, what a match does, and who a destination is: closed sets.

use obhut_facts::words;

words! {
    /// Purpose of a list. A closed set.
    Purpose {
        /// Assessed by people as abuse material.
        Assessed = "assessed",
        /// Submitted by the person shown, not assessed: a match may hold an upload, never block it.
        SelfSubmission = "self-submission",
        /// Known harmless material: shown to the reviewer, never hides another match.
        KnownHarmless = "known-harmless",
    }
}

words! {
    /// Action on an upload; `hold` and `block` are reversible.
    Action {
        /// Nothing.
        Pass = "pass",
        /// Kept back until a person has looked.
        Hold = "hold",
        /// Not published. A person reviews it nevertheless.
        Block = "block",
    }
}

/// The kind of receiver behind a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Receiver {
    /// An authority, a hotline, a unit: what it receives is a report.
    Authority,
    /// The operator's own system: the case isn't known outside yet.
    OwnSystem,
    /// The public: a statement without personal data about what was done.
    Public,
}

impl Receiver {
    /// The kind of receiver behind this destination.
    pub fn of(destination: &str) -> Self {
        match destination {
            "webhook" => Self::OwnSystem,
            "dsa-statement" => Self::Public,
            _ => Self::Authority,
        }
    }
}

/// True for a destination whose reports are handed to people, in a folder or by mail.
pub fn is_handed_over(destination: &str) -> bool {
    !matches!(destination, "ncmec" | "webhook" | "dsa-statement")
}

/// True for a destination with a test service, which is used until it is set to production.
pub fn has_test_service(destination: &str) -> bool {
    destination == "ncmec"
}
