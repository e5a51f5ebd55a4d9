//! The facts of a case as data: people, accounts, places, times, payments.
//!
//! This crate does no I/O; the caller encrypts facts before storing them. [`Sealed`] only keeps a
//! value out of logs and errors; it encrypts nothing.
//!
//! The terms are those of the CyberTipline schema (2025-11-10), which asks for more than any other
//! destination; a report to another one omits what it doesn't ask for.

#![deny(missing_docs)]

use std::collections::{BTreeMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod addresses;
mod chain;
mod dates;
mod determinations;
mod dossier;
mod faults;
mod financial;
mod incoming;
mod language;
mod money;
mod people;
mod places;
mod plain;
mod received;
mod risk;
mod scores;
mod sealed;
mod signals;
mod strict;
mod time;
mod unread;
mod upload;
pub mod wording;
mod words;

pub use addresses::{strip_signatures, without_signature};
pub use chain::{
    ActorRecord, AddressRow, ArrivalRow, CandidateRow, ContestedCluster, DoubtfulRow, OutPoint,
    PayersReport, PaymentRow, Service, ServiceRow, TagProblem, TagRecord,
};
pub use dates::dates_in;
pub use determinations::{Answer, Determination, Question};
pub use dossier::{
    CaseStatus, Category, Dossier, FileDigests, NcaDuty, ReportedFile, Reporter, SEEN_BEFORE_MAX,
    Surface, known_because,
};
pub use faults::FactFault;
pub use financial::{Financial, FinancialAccount, FinancialParty, FinancialUnit, IdentityDocument};
pub use incoming::{IncomingFormat, ParsedReport, Understood};
pub use language::Language;
pub use money::{Message, Payment, Thread, Wallet};
pub use people::{
    Account, AccountClosed, Address, Device, Email, IpEvent, Location, Person, Phone,
};
pub use places::Place;
pub use received::{keep_words_here, sentences};
pub use risk::{
    Level, RISK, Reason, RiskRule, RuleFile, RuleInput, at_risk, combined, of_wording, rule_says,
    rules_that_hold,
};
pub use scores::{COMPLETENESS, Missing, Scores, scores};
pub use sealed::Sealed;
pub use signals::{Signal, Signals, TEXT_RULES, TextRule, is_boilerplate};
pub use strict::Strict;
pub use time::{maybe_time, rfc3339, time};
pub use unread::texts_are_read;
pub use upload::{UPLOADED_WITH, UploadFacts};

#[doc(hidden)]
pub use {schemars, serde};

// `words!` expands to paths that begin with `obhut_facts`, also where this crate uses it.
extern crate self as obhut_facts;

/// Maximum size of the facts of one case, in bytes of JSON. Our judgement.
const FACTS_BYTES_MAX: usize = 4 << 20;

words! {
    /// The incident type: one of the CyberTipline's eight.
    IncidentKind {
        /// Possession, manufacture, distribution of abuse material.
        Material = "material",
        /// Child sex trafficking.
        Trafficking = "trafficking",
        /// Child sex tourism.
        Tourism = "tourism",
        /// Sexual molestation of a child.
        Molestation = "molestation",
        /// A domain name that misleads.
        MisleadingDomain = "misleading-domain",
        /// Words or pictures that mislead.
        MisleadingWords = "misleading-words",
        /// Online enticement of a child.
        Enticement = "enticement",
        /// Obscene material sent to a child unasked.
        UnsolicitedObscene = "unsolicited-obscene",
    }
}

words! {
    /// What else marks the incident.
    IncidentTag {
        /// Blackmail with pictures.
        Sextortion = "sextortion",
        /// A person asked for material.
        Solicitation = "solicitation",
        /// The people involved are minors.
        MinorToMinor = "minor-to-minor",
        /// Sent indiscriminately to many people.
        Spam = "spam",
        /// Sadistic online exploitation.
        Sadistic = "sadistic",
    }
}

words! {
    /// Something that bears on whether a child is in danger now, recorded by a person or read from
    /// an incoming report.
    RiskFact {
        /// Material that is on no hash list and appears new.
        NewMaterial = "new-material",
        /// The child made the material.
        SelfProduction = "self-production",
        /// Abuse streamed live.
        LiveStream = "live-stream",
        /// Payment before the abuse took place.
        PaymentInAdvance = "payment-in-advance",
        /// An infant or toddler.
        Infant = "infant",
        /// Contact becomes closer, or more frequent, or moves elsewhere.
        EscalatingContact = "escalating-contact",
        /// A meeting is planned.
        MeetingPlanned = "meeting-planned",
        /// The reported person has access to a child.
        AccessToChild = "access-to-child",
        /// The child speaks of self-harm.
        SelfHarm = "self-harm",
    }
}

words! {
    /// How the provider became aware.
    Detection {
        /// A digest matched a hash list.
        HashMatch = "hash-match",
        /// A member of the provider's staff found it.
        Person = "person",
        /// A user reported it.
        UserReport = "user-report",
        /// A program found it by other means.
        Automated = "automated",
        /// Police asked.
        Authority = "authority",
    }
}

words! {
    /// The sort of service on which the incident happened.
    ServiceKind {
        /// Hosting service (DSA art. 3(g)(iii)).
        Hosting = "hosting",
        /// Online platform: hosting that disseminates to the public (DSA art. 3(i)).
        OnlinePlatform = "online-platform",
        /// Messaging service.
        Messaging = "messaging",
        /// Online game.
        Gaming = "gaming",
        /// Payment service.
        Payment = "payment",
        /// Search engine (DSA art. 3(j)).
        Search = "search",
    }
}

/// Where service and user are: decides which authorities receive the case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jurisdiction {
    /// Country of the provider, ISO 3166-1 alpha-2.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub provider_country: Option<String>,
    /// Country of the user, as far as known.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub user_country: Option<String>,
    /// What sort of service.
    pub service: Option<ServiceKind>,
}

/// All that is known about a case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// Sort of incident; `material` unless said otherwise.
    pub incident: Option<IncidentKind>,
    /// Marks of the incident.
    pub tags: Vec<IncidentTag>,
    /// When it happened, RFC 3339. Without it, a report gives the time of the first upload, or else
    /// the time at which the first file was found.
    pub occurred_at: Option<String>,
    /// What `occurred_at` refers to, in words (the CyberTipline's `incidentDateTimeDescription`).
    pub occurred_at_note: Option<String>,
    /// The application's full name.
    pub platform: Option<String>,
    /// Why the report is urgent; only where a child is in danger now.
    pub urgent_because: Option<String>,
    /// Where it happened.
    pub places: Vec<Place>,
    /// Police who know of it already.
    pub law_enforcement: Option<LawEnforcement>,
    /// The account reported.
    pub reported: Option<Account>,
    /// Further accounts reported with it.
    pub also_reported: Vec<Account>,
    /// Accounts it was sent to.
    pub recipients: Vec<Account>,
    /// Children concerned. Omitted from reports unless asked for (`--with-victims`).
    pub victims: Vec<Account>,
    /// Conversations.
    pub threads: Vec<Thread>,
    /// Payments.
    pub payments: Vec<Payment>,
    /// What only a financial intelligence unit receives.
    pub financial: Option<Financial>,
    /// Addresses on blockchains.
    pub wallets: Vec<Wallet>,
    /// What bears on a child's danger.
    pub risks: Vec<RiskFact>,
    /// The series the material belongs to.
    pub series: Option<String>,
    /// When the provider became aware, RFC 3339; its duty to report runs from here.
    #[schemars(extend("format" = "date-time"))]
    pub known_at: Option<String>,
    /// How the provider became aware.
    pub detected_by: Option<Detection>,
    /// Where service and user are.
    pub jurisdiction: Option<Jurisdiction>,
    /// True when the content is gone from the service.
    pub removed: Option<bool>,
    /// When it was removed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub removed_at: Option<String>,
    /// Number of the report or id of the case in which the same account uploaded the same material
    /// before.
    pub reupload_of: Option<String>,
    /// Ids of accounts that shared one viral meme, for a batched report. Such a report names no
    /// other people.
    pub batched_accounts: Vec<String>,
    /// More about single files, by exhibit id, or by screening id where the bytes were not kept.
    pub files: BTreeMap<String, FileFacts>,
    /// Anything else.
    pub note: Option<String>,
    /// The text of an incoming report. It is used for ranking and never included in a report that is
    /// sent, because it may name a caller or a child. Write in `note` what the receiver has to know.
    pub received_note: Option<String>,
    /// Why an incoming report was urgent, in its words. It is used for ranking and never included in a
    /// report that is sent. Write in `urgent_because` what the receiver has to know.
    pub received_urgent: Option<String>,
}

/// Police who know of it already.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LawEnforcement {
    /// The agency.
    pub agency: String,
    /// Their reference.
    pub reference: Option<String>,
    /// Whom to ask.
    pub officer: Option<Person>,
    /// True if the provider notified them.
    pub told_by_us: Option<bool>,
    /// True when domestic police served legal process.
    pub process_domestic: Option<bool>,
    /// True when foreign police served legal process.
    pub process_foreign: Option<bool>,
    /// Country of the police that served process, ISO 3166-1 alpha-2.
    pub process_country: Option<String>,
}

/// More about one file. Whether it was viewed can't be set here: that comes from the record of views.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileFacts {
    /// Name it was uploaded with.
    pub original_name: Option<String>,
    /// When, RFC 3339.
    pub uploaded_at: Option<String>,
    /// The URL it was found at.
    pub url: Option<String>,
    /// True when it only supplements the report.
    pub supplemental: bool,
    /// Whether everyone could see it on the service; unset where that isn't known.
    pub publicly_available: Option<bool>,
    /// What it is, as in `image/jpeg`.
    pub media_type: Option<String>,
    /// SHA-256, where the bytes were not kept.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// Further digests of the file as it was uploaded. NCMEC's schema takes kinds of up to 64
    /// characters; a longer one goes into the free text.
    pub original_hashes: Vec<OriginalHash>,
    /// The category of this file, if it differs from the decision's.
    pub category: Option<FileCategory>,
    /// Marks: animeDrawingVirtualHentai, potentialMeme, viral, possibleSelfProduction,
    /// physicalHarm, violenceGore, bestiality, liveStreaming, infant, generativeAi.
    pub annotations: Vec<String>,
    /// From where it was uploaded.
    pub ip_event: Option<IpEvent>,
    /// The platform's name for the session it was uploaded in.
    pub session: Option<String>,
    /// The devices it was uploaded with.
    pub devices: Vec<Device>,
    /// Names and values of its metadata.
    pub exif: Vec<(String, String)>,
    /// Anything else.
    pub note: Option<String>,
}

/// A digest of the file as it was uploaded.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginalHash {
    /// `MD5`, `SHA1`, `PDQ`, …
    pub kind: String,
    /// Its value.
    pub value: String,
}

/// A category of one file; its value means nothing without its scale.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCategory {
    /// `ncmec-industry`, `uk-iwf`, `interpol-baseline`, …
    pub scale: String,
    /// The value on it.
    pub value: String,
}

/// Why JSON is refused: the facts of a case, or any other document that [`read_json`] reads.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FactsError {
    /// Longer than allowed.
    #[error("{whole}: {bytes} bytes are too many; at most {bytes_max} are allowed")]
    TooLong {
        /// The document.
        whole: String,
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// Not JSON.
    #[error("{whole} isn't valid JSON: line {line}, column {column}")]
    Syntax {
        /// The document.
        whole: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 if the text ends too early.
        column: usize,
    },
    /// A field that the form doesn't have.
    #[error("{path} isn't a field of the schema: line {line}, column {column}")]
    Unknown {
        /// Path of the field.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Not JSON of this form.
    #[error("{path} doesn't match the schema: line {line}, column {column}")]
    Form {
        /// Path of the field from the top of the document, as `reported.ip_events[0].port`. For the
        /// document itself, the name the caller gave it.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
}

impl Facts {
    /// Values that are impossible or contradict each other, each with its field. `now` is in
    /// microseconds since 1970.
    pub fn faults(&self, now: i64) -> Vec<FactFault> {
        faults::faults(self, now)
    }

    /// Merges the part contributed by a domain: detected_by, occurred_at, jurisdiction, reported,
    /// victims, payments and financial.parties; other fields of the part are ignored. Existing
    /// values win. Payments and parties are deduplicated; of the victims, those that have an id. If
    /// both report the same account, IP events that are missing are added. An account recorded as a
    /// victim is never made the reported one, nor the reverse.
    pub fn merge(&mut self, part: Self) {
        // Only what a domain contributes today; a further field belongs here and in `subtract`.
        self.detected_by = self.detected_by.take().or(part.detected_by);
        self.occurred_at = self.occurred_at.take().or(part.occurred_at);
        self.jurisdiction = self.jurisdiction.take().or(part.jurisdiction);
        let known: HashSet<String> = self.victims.iter().filter_map(|v| v.id.clone()).collect();
        let is_victim = |a: &Account| a.id.as_ref().is_some_and(|id| known.contains(id));
        if self.reported.is_none() {
            // A person recorded as a victim, here or in the part, must never become the reported account.
            let in_part = |a: &Account| {
                let mut ids = part.victims.iter().filter_map(|v| v.id.as_ref());
                ids.any(|id| Some(id) == a.id.as_ref())
            };
            self.reported = part.reported.filter(|a| !is_victim(a) && !in_part(a));
        } else if let (Some(own), Some(part)) = (&mut self.reported, part.reported)
            && own.id == part.id
        {
            // IP events keep arriving after a person has entered the rest.
            let new: Vec<_> = part
                .ip_events
                .into_iter()
                .filter(|e| !own.ip_events.contains(e))
                .collect();
            own.ip_events.extend(new);
        }
        let reported = self.reported.as_ref().and_then(|a| a.id.clone());
        // Nor does the reported account become a victim. Accounts without an id are always added.
        let mut known = known;
        for victim in part.victims {
            let is_new = match &victim.id {
                Some(id) => Some(id) != reported.as_ref() && known.insert(id.clone()),
                None => true,
            };
            if is_new {
                self.victims.push(victim);
            }
        }
        let mut seen: HashSet<String> = self.payments.iter().map(payment_key).collect();
        for payment in part.payments {
            if seen.insert(payment_key(&payment)) {
                self.payments.push(payment);
            }
        }
        // Parties only: narrative, action and codes are the analyst's.
        if let Some(part) = part.financial {
            let financial = self.financial.get_or_insert_default();
            for party in part.parties {
                if financial.parties.iter().all(|p| p.id != party.id) {
                    financial.parties.push(party);
                }
            }
        }
    }

    /// Removes each value that equals the part's, even if a person entered it, so that
    /// [`Facts::merge`] can add it again. Values that a person changed remain.
    pub fn subtract(&mut self, part: &Self) {
        fn same<T: PartialEq>(own: &mut Option<T>, part: &Option<T>) {
            if own.is_some() && own == part {
                *own = None;
            }
        }
        same(&mut self.detected_by, &part.detected_by);
        same(&mut self.occurred_at, &part.occurred_at);
        same(&mut self.jurisdiction, &part.jurisdiction);
        same(&mut self.reported, &part.reported);
        // Equal in every field: a victim to whom a person added something is kept.
        self.victims.retain(|v| !part.victims.contains(v));
        self.payments.retain(|p| !part.payments.contains(p));
        if let (Some(own), Some(part)) = (&mut self.financial, &part.financial) {
            own.parties.retain(|p| !part.parties.contains(p));
            if *own == Financial::default() {
                self.financial = None;
            }
        }
    }

    /// Facts that hold only the account's id, if there is one.
    pub fn about(account: Option<&str>) -> Self {
        let reported = account.map(|id| Account {
            id: Some(id.to_owned()),
            ..Account::default()
        });
        Self {
            reported,
            ..Self::default()
        }
    }

    /// Parses JSON. Unknown fields are refused, so that a misspelled one can't silently drop a
    /// victim. The values aren't checked here: [`Facts::faults`] names the impossible ones, and
    /// stops nothing.
    ///
    /// # Errors
    /// More than 4 MiB, or the first field that doesn't fit.
    pub fn from_json(json: &[u8]) -> std::result::Result<Self, FactsError> {
        read_json(json, FACTS_BYTES_MAX, "facts")
    }
}

/// A key that is equal for two records of one payment: its id or, without an id, its time, amount,
/// currency, payer and payee.
fn payment_key(p: &Payment) -> String {
    match &p.id {
        Some(id) => format!("id {id}"),
        None => format!(
            "{:?} {} {} {:?} {:?}",
            p.at, p.amount, p.currency, p.from, p.to
        ),
    }
}

/// Parses a JSON object. `whole` is the path that errors give for the document itself.
///
/// # Errors
/// More than `bytes_max` bytes, or the path, line and column of the first field that doesn't fit.
pub fn read_json<T: serde::de::DeserializeOwned>(
    json: &[u8],
    bytes_max: usize,
    whole: &str,
) -> std::result::Result<T, FactsError> {
    if json.len() > bytes_max {
        return Err(FactsError::TooLong {
            whole: whole.to_owned(),
            bytes: json.len(),
            bytes_max,
        });
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    let form = |path: String, e: &serde_json::Error| {
        let (line, column) = (e.line(), e.column());
        let path = if path == "." { whole.to_owned() } else { path };
        if e.is_syntax() || e.is_eof() {
            let whole = whole.to_owned();
            return FactsError::Syntax {
                whole,
                line,
                column,
            };
        }
        // serde_json has no other sign of it than its text.
        match e.to_string().starts_with("unknown field") {
            true => FactsError::Unknown { path, line, column },
            false => FactsError::Form { path, line, column },
        }
    };
    let value = serde_path_to_error::deserialize(Strict(&mut reader))
        .map_err(|e| form(e.path().to_string(), e.inner()))?;
    // Anything after the value, such as a second object, would be dropped silently.
    reader.end().map_err(|e| form(".".into(), &e))?;
    Ok(value)
}
