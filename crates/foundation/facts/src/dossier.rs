//! The dossier of a case: the data every destination renders.

use serde::{Deserialize, Serialize};

use crate::risk::{RuleFile, RuleInput};
use crate::scores::{Scores, scores};
use crate::{Determination, Facts, FileFacts, FinancialUnit, Sealed, Signals, words};

/// Maximum number of earlier cases with the same bytes that a file lists. Our judgement: a file in
/// wide circulation occurs in thousands of cases.
pub const SEEN_BEFORE_MAX: usize = 20;

words! {
    /// How far a case has come.
    CaseStatus {
        /// Undecided.
        Open = "open",
        /// A person decided to report; the report waits for its approval.
        Decided = "decided",
        /// The report was approved and is in the outbox, or was sent.
        Reported = "reported",
        /// A person decided that there is nothing to report.
        Closed = "closed",
        /// An appeal is open.
        Appealed = "appealed",
        /// An appeal was upheld; the person is cleared.
        Cleared = "cleared",
    }
}

words! {
    /// The audience an upload was meant for.
    Surface {
        /// Everyone.
        Public = "public",
        /// A group, or anyone with the link.
        Shared = "shared",
        /// Only its recipients. Not screened until a legal basis is on record.
        PrivateMessage = "private-message",
    }
}

words! {
    /// Duty to report to the National Crime Agency, Online Safety Act 2023.
    NcaDuty {
        /// Section 66(1): a provider of the United Kingdom reports all content.
        UkProvider = "uk-provider",
        /// Section 66(2): any other provider reports only content linked with the United Kingdom.
        NonUkProvider = "non-uk-provider",
    }
}

/// A category. Its value means nothing without its scale: 0 and 5 have opposite meanings on
/// different scales.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Category {
    /// The scale, for example `ncmec-industry`, `uk-iwf`, `interpol-baseline`.
    pub scale: String,
    /// The value on it.
    pub value: String,
}

/// The provider as a reporter. Empty fields are left out of reports.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reporter {
    /// The service's name.
    pub service: String,
    /// Given name of the person who reports.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail; the CyberTipline requires one.
    pub email: String,
    /// E-mail of the contact for law enforcement, if another person.
    pub contact_email: String,
    /// Text included in every report that has a place for it: how to serve legal process, how long
    /// data are retained.
    pub company_template: String,
    /// Terms of service that apply.
    pub terms_of_service: String,
    /// Page for law enforcement.
    pub legal_url: String,
    /// Reference of the provider's Industry Hash Sharing agreement with NCMEC. Without it, reports
    /// give categories in the free text and not as `industryClassification` (schema of 2025-11-10).
    /// Never sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub industry_agreement: String,
    /// Which duty to report to the National Crime Agency the provider has. Never sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nca_duty: Option<NcaDuty>,
    /// Who established that no arrangement under section 70(5) of the Online Safety Act 2023 covers
    /// the content, that is, that the provider doesn't already report it to an agency elsewhere.
    /// Never sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nca_unreported: String,
}

/// Digests of an exhibit's bytes, as they came in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileDigests {
    /// MD5, hexadecimal, lower case.
    pub md5: String,
    /// SHA-1, hexadecimal, lower case.
    pub sha1: String,
    /// SHA-256, hexadecimal, lower case.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Media type by content, or else as the sender stated it, where known.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Names and values of its EXIF metadata, as a program read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exif: Vec<(String, String)>,
    /// PDQ of the picture as stored, or of the first frame of an animation; 64 hexadecimal digits.
    /// None if no list asked for it, if the file isn't a picture, or if it has too little detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdq: Option<String>,
}

/// A case as data.
#[derive(Clone, Debug)]
pub struct Dossier {
    /// Id of the case.
    pub case: String,
    /// How far it has come.
    pub status: CaseStatus,
    /// Who reports.
    pub reporter: Reporter,
    /// What is known.
    pub facts: Sealed<Facts>,
    /// Fields whose URL is given without its login or signature.
    pub signatures_left_out: Vec<String>,
    /// Number of victims omitted from the facts, because they were not requested.
    pub victims_left_out: usize,
    /// Fields outside `victims` that lost a child's data for the same reason.
    pub child_fields_left_out: Vec<String>,
    /// The reporting bank's settings for its financial intelligence unit, where there are any.
    pub unit: Option<Sealed<FinancialUnit>>,
    /// The files, in the order they were found. Reports included as received come last.
    pub files: Vec<ReportedFile>,
    /// The decision's category. Reports contain it only for the file that it was decided for:
    /// [`ReportedFile::category`].
    pub category: Option<Category>,
    /// What people determined because a destination asks for it, one for each question.
    pub determinations: Vec<Determination>,
    /// The CyberTipline's numbers of earlier reports of this case. A further report supplements
    /// them.
    pub supplements: Vec<i64>,
    /// Number of incoming reports that the case was opened from. They are forwarded only if a
    /// person chooses to; then they are among the files.
    pub incoming: usize,
    /// True when an entry of a signed list matched.
    pub matched: bool,
    /// True if the case has a decision.
    pub decided: bool,
    /// True while nothing about it may reach the person concerned.
    pub embargoed: bool,
    /// When the open appeal was filed, microseconds since 1970; none if no appeal is open.
    pub appealed_at: Option<i64>,
    /// When the first file was found, or the case was opened; microseconds since 1970.
    pub found_at: i64,
    /// When this was put together, microseconds since 1970.
    pub made_at: i64,
}

/// A file of a case.
#[derive(Clone, Debug)]
pub struct ReportedFile {
    /// The exhibit; none when the bytes were not kept.
    pub exhibit: Option<String>,
    /// The key of its facts: the exhibit, or else the screening.
    pub key: String,
    /// Name it had.
    pub name: Option<Sealed<String>>,
    /// Digests of its bytes.
    pub digests: Option<Sealed<FileDigests>>,
    /// Media type.
    pub media_type: Option<String>,
    /// Where it was meant to be seen.
    pub surface: Surface,
    /// When it was uploaded, microseconds since 1970.
    pub uploaded_at: Option<i64>,
    /// When it was found, microseconds since 1970.
    pub found_at: i64,
    /// True when an entry of a signed list matched it.
    pub matched: bool,
    /// True when such an entry matched a digest of the bytes: this is the listed file itself, not
    /// one that looks like it.
    pub matched_exactly: bool,
    /// Its category: recorded for this file, or decided by a person who had viewed the whole of it.
    pub category: Option<Category>,
    /// Whether everyone could see it, as the provider states it. Without a statement, false if its
    /// upload was stopped or it was a private message, and otherwise unknown.
    pub public: Option<bool>,
    /// True if the upload was stopped before anyone could see it, by the record of what happened to
    /// it.
    pub stopped: bool,
    /// True for a report from others, included as it came in.
    pub as_received: bool,
    /// A person viewed the whole file, according to the record of views.
    pub viewed_whole: bool,
    /// Another exhibit with the same bytes that a person viewed whole, where this one wasn't.
    pub viewed_copy: Option<String>,
    /// A person viewed its metadata, according to the record of views.
    pub viewed_metadata: bool,
    /// The first cases that had the same bytes before, at most [`SEEN_BEFORE_MAX`].
    pub seen_before: Vec<String>,
    /// True if more cases than those listed had the same bytes.
    pub seen_in_more: bool,
    /// What else is known of it.
    pub facts: Sealed<FileFacts>,
}

impl ReportedFile {
    /// What an automated comparison found, as reports say it; nothing if no entry matched.
    pub fn known(&self) -> Option<&'static str> {
        self.matched.then(|| known_because(self.matched_exactly))
    }
}

/// How reports say that an entry of a list matched a file: its bytes, or only its looks.
pub fn known_because(exactly: bool) -> &'static str {
    if exactly {
        "an automated comparison found this file on a list of known material"
    } else {
        "an automated comparison by perceptual hash found that this file looks like one on a list of known material; its bytes were not found there"
    }
}

impl Dossier {
    /// A case with these facts and nothing else: no file, no decision, and every time 0.
    pub fn of(case: &str, facts: Facts) -> Self {
        Self {
            case: case.to_owned(),
            status: CaseStatus::Open,
            reporter: Reporter::default(),
            facts: Sealed::new(facts),
            signatures_left_out: Vec::new(),
            victims_left_out: 0,
            child_fields_left_out: Vec::new(),
            unit: None,
            files: Vec::new(),
            category: None,
            determinations: Vec::new(),
            supplements: Vec::new(),
            incoming: 0,
            matched: false,
            decided: false,
            embargoed: false,
            appealed_at: None,
            found_at: 0,
            made_at: 0,
        }
    }

    /// Both scores of this case.
    pub fn scores(&self) -> Scores {
        // A report of others, kept as it came in, isn't one of the case's own files.
        let files = self.files.iter().filter(|f| !f.as_received).map(|f| {
            let facts = f.facts.expose();
            RuleFile {
                kept: f.exhibit.is_some() || facts.sha256.is_some(),
                matched: f.matched,
                viewed: f.viewed_whole,
                dated: f.uploaded_at.is_some() || facts.uploaded_at.is_some(),
                annotations: facts.annotations.clone(),
            }
        });
        scores(&RuleInput {
            facts: self.facts.expose(),
            files: files.collect(),
            categorised: self.files.iter().any(|f| f.category.is_some()),
            reporter: !self.reporter.email.trim().is_empty(),
            said: Signals::of(self.facts.expose()),
        })
    }
}
