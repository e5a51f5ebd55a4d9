//! An incoming report as parsed.

use crate::{Facts, Sealed, words};

words! {
    /// The format of an incoming report.
    IncomingFormat {
        /// CyberTipline XML.
        CyberTip = "cybertip",
        /// CyberTipline report as US task forces get it, in JSON.
        Ids = "ids",
        /// PDF.
        Pdf = "pdf",
        /// XARF, version 3 or 4.
        Xarf = "xarf",
        /// A row of a hotline's list, as ICCAM exports it.
        Iccam = "iccam",
        /// A case in VICS.
        Vics = "vics",
        /// A Mastodon report.
        Mastodon = "mastodon",
        /// A Lemmy report.
        Lemmy = "lemmy",
        /// An ActivityPub `Flag`.
        ActivityPub = "activitypub",
        /// An AT Protocol report.
        Atproto = "atproto",
        /// An Ozone divert event.
        Ozone = "ozone",
        /// A notice under Article 16 of the DSA.
        DsaNotice = "dsa-notice",
        /// A case file of another obhut.
        CaseFile = "case-file",
        /// A web form's JSON.
        Form = "form",
        /// An e-mail.
        Mail = "mail",
        /// Notes of a telephone call, or any other text.
        Note = "note",
        /// JSON in an unknown format.
        Json = "json",
        /// A format that could not be read.
        Unreadable = "unreadable",
    }
}

words! {
    /// Whether a report was understood.
    Understood {
        /// Everything that is needed to link and rank it.
        Yes = "true",
        /// Some of it; the rest is in the original.
        Partly = "partly",
        /// Nothing. Its bytes are kept, and a person has to read them.
        No = "false",
    }
}

/// A report as its reader understood it.
#[derive(Clone, Debug)]
pub struct ParsedReport {
    /// Its format.
    pub format: IncomingFormat,
    /// Whether it was understood.
    pub understood: Understood,
    /// The sender's number for it.
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
