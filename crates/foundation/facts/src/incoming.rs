//! An incoming report as parsed.

use crate::{Facts, Sealed, words};

words! {
    /// In which form a report came in.
    IncomingFormat {
        /// CyberTipline XML.
        CyberTip = "cybertip",
        /// XARF, version 3 or 4.
        Xarf = "xarf",
        /// A web form's JSON.
        Form = "form",
        /// Notes of a telephone call, or any other text.
        Note = "note",
        /// None that could be read.
        Unreadable = "unreadable",
    }
}

/// A report as its reader understood it.
#[derive(Clone, Debug)]
pub struct ParsedReport {
    /// In which form it came.
    pub format: IncomingFormat,
    /// Its number where it came from.
    pub number: Option<String>,
    /// What it says.
    pub facts: Sealed<Facts>,
    /// Digests of its files: kind and value, lower case.
    pub digests: Vec<(String, String)>,
    /// PDQ digests of its files.
    pub near: Vec<[u8; 32]>,
    /// The bytes it came in.
    pub raw: Sealed<Vec<u8>>,
    /// Why it can't be read.
    pub unreadable: Option<String>,
}
