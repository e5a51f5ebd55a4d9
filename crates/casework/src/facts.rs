//! What is known about a case beside its files: people, accounts, places, times; sealed at rest.
//!
//! The nouns are those of the CyberTipline schema (2025-11-10), which asks for more than any other
//! destination; one that needs less leaves out the rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::database::{Columns, Step, Tx, words};
use crate::{Casework, CaseworkError, Result, audit, cases};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 8,
    sql: &["CREATE TABLE facts (case_id TEXT PRIMARY KEY, sealed TEXT NOT NULL)"],
}];

/// Longest facts of one case, in bytes of JSON.
const FACTS_BYTES_MAX: usize = 4 << 20;

words! {
    /// What sort of incident it is; the eight sorts of the CyberTipline.
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
        /// Somebody asked for material.
        Solicitation = "solicitation",
        /// Both are minors.
        MinorToMinor = "minor-to-minor",
        /// Sent to many without regard.
        Spam = "spam",
        /// Sadistic online exploitation.
        Sadistic = "sadistic",
    }
}

/// All that is known about a case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// Sort of incident; `material` unless said otherwise.
    pub incident: Option<IncidentKind>,
    /// Marks of the incident.
    pub tags: Vec<IncidentTag>,
    /// When it happened, RFC 3339; the time of the finding, where unknown.
    pub occurred_at: Option<String>,
    /// How that time is meant.
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
    /// Accounts it was sent to.
    pub recipients: Vec<Account>,
    /// Children concerned. Left out of drafts unless asked for.
    pub victims: Vec<Account>,
    /// More about single files, by exhibit id.
    pub files: BTreeMap<String, FileFacts>,
    /// Anything else.
    pub note: Option<String>,
}

/// Where an incident happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// A web page.
    WebPage {
        /// Addresses.
        #[serde(default)]
        urls: Vec<String>,
        /// True when another company hosts it.
        #[serde(default)]
        third_party: Option<bool>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// E-mail.
    Email {
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Email>,
        /// Headers, subject, text.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A newsgroup.
    Newsgroup {
        /// Its name.
        #[serde(default)]
        name: Option<String>,
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Email>,
        /// The posting.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A chat.
    Chat {
        /// The program.
        #[serde(default)]
        client: Option<String>,
        /// The room.
        #[serde(default)]
        room: Option<String>,
        /// What was written.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A game.
    Game {
        /// Its name.
        #[serde(default)]
        name: Option<String>,
        /// The console.
        #[serde(default)]
        console: Option<String>,
        /// What was written.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A mobile phone.
    CellPhone {
        /// Its number.
        #[serde(default)]
        phone: Option<Phone>,
        /// Degrees north.
        #[serde(default)]
        latitude: Option<f64>,
        /// Degrees east.
        #[serde(default)]
        longitude: Option<f64>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// Away from any network.
    Offline {
        /// Name of the place.
        #[serde(default)]
        name: Option<String>,
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Address>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A file-sharing network.
    PeerToPeer {
        /// The program.
        #[serde(default)]
        client: Option<String>,
        /// Where from.
        #[serde(default)]
        ip_events: Vec<IpEvent>,
        /// Names of files.
        #[serde(default)]
        file_names: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
}

/// Police who know of it already.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LawEnforcement {
    /// The agency.
    pub agency: String,
    /// Their reference.
    pub reference: Option<String>,
    /// Whom to ask.
    pub officer: Option<Person>,
    /// True when the provider told them.
    pub told_by_us: Option<bool>,
    /// True when domestic police served legal process.
    pub process_domestic: Option<bool>,
    /// True when foreign police served legal process.
    pub process_foreign: Option<bool>,
    /// Which country's (ISO 3166-1 alpha-2).
    pub process_country: Option<String>,
}

/// A person's own data.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone numbers.
    pub phones: Vec<Phone>,
    /// E-mail addresses.
    pub emails: Vec<Email>,
    /// Postal addresses.
    pub addresses: Vec<Address>,
    /// Years.
    pub age: Option<u8>,
    /// YYYY-MM-DD.
    pub born: Option<String>,
}

/// An account: reported, recipient's, child's, or one tied to those.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Whose it is, as far as known.
    pub person: Option<Person>,
    /// Only of the person reported.
    pub vehicle: Option<String>,
    /// Id in the provider's system.
    pub id: Option<String>,
    /// The provider's product.
    pub service: Option<String>,
    /// True when somebody else had got into it.
    pub compromised: Option<bool>,
    /// Name it logs in with.
    pub screen_name: Option<String>,
    /// Names it shows.
    pub display_names: Vec<String>,
    /// Addresses of its profile.
    pub profile_urls: Vec<String>,
    /// What it says of itself.
    pub bio: Option<String>,
    /// When and from where it was used.
    pub ip_events: Vec<IpEvent>,
    /// Devices it was used with.
    pub devices: Vec<Device>,
    /// Only of the person reported: true when the account is another company's.
    pub third_party: Option<bool>,
    /// Only of a child: the school.
    pub school: Option<String>,
    /// Numbers of earlier CyberTipline reports.
    pub prior_reports: Vec<i64>,
    /// An organised group it belongs to.
    pub group: Option<String>,
    /// Closed for a time.
    pub suspended: Option<AccountClosed>,
    /// Closed for good.
    pub closed: Option<AccountClosed>,
    /// Where its user seems to be.
    pub location: Option<Location>,
    /// True when there are no further e-mail addresses.
    pub all_emails_reported: Option<bool>,
    /// Accounts tied to it.
    pub associated: Vec<Account>,
    /// Only of a tied account: Billing, Linked, Business, Creator, Parent/Guardian, Other.
    pub tie: Option<String>,
    /// Only of a tied account: the platform.
    pub platform: Option<String>,
    /// Anything else.
    pub note: Option<String>,
}

/// That an account was closed.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountClosed {
    /// True when it was.
    pub done: bool,
    /// When, RFC 3339.
    pub at: Option<String>,
    /// Whether its user was told.
    pub user_told: Option<bool>,
    /// When, RFC 3339.
    pub user_told_at: Option<String>,
    /// When it was opened again, RFC 3339; only after a suspension.
    pub reopened_at: Option<String>,
}

/// Where somebody seems to be.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Location {
    /// City.
    pub city: Option<String>,
    /// Region; in the USA the postal code of the state.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Whether somebody has checked it.
    pub verified: Option<bool>,
    /// As of when, RFC 3339.
    pub at: Option<String>,
}

/// A telephone number.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Phone {
    /// The number, without the country's code where that is given.
    pub number: String,
    /// Mobile, Home, Business, Work, Fax, Internet, Recovery.
    pub kind: Option<String>,
    /// Whether it was checked.
    pub verified: Option<bool>,
    /// When, RFC 3339.
    pub verified_at: Option<String>,
    /// `+49`.
    pub country_code: Option<String>,
    /// Extension, digits.
    pub extension: Option<String>,
}

/// An e-mail address.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Email {
    /// The address.
    pub address: String,
    /// Home, Work, Business, Recovery.
    pub kind: Option<String>,
    /// Whether it was checked.
    pub verified: Option<bool>,
    /// When, RFC 3339.
    pub verified_at: Option<String>,
}

/// A postal address.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// Home, Business, Billing, Shipping, Technical.
    pub kind: Option<String>,
    /// Street and number.
    pub street: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// State of the USA, two letters.
    pub state: Option<String>,
    /// State or province elsewhere.
    pub state_elsewhere: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// From where an account was used.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IpEvent {
    /// IPv4 or IPv6.
    pub address: String,
    /// Login, Registration, Purchase, Upload, Other, Unknown.
    pub event: Option<String>,
    /// When, RFC 3339.
    pub at: Option<String>,
    /// Whether it may be a proxy.
    pub possible_proxy: Option<bool>,
    /// Port, 1 to 65535.
    pub port: Option<u16>,
}

/// A device.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// IMEI, ICCID, …
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Login, Registration, Purchase, Upload, Other, Unknown.
    pub event: Option<String>,
    /// When, RFC 3339.
    pub at: Option<String>,
}

/// More about one file. Whether somebody viewed it can't be said here: that comes from the record.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileFacts {
    /// Name it was uploaded with.
    pub original_name: Option<String>,
    /// When, RFC 3339.
    pub uploaded_at: Option<String>,
    /// Where it stood.
    pub url: Option<String>,
    /// True when it only supplements the report.
    pub supplemental: bool,
    /// Marks: animeDrawingVirtualHentai, potentialMeme, viral, possibleSelfProduction,
    /// physicalHarm, violenceGore, bestiality, liveStreaming, infant, generativeAi.
    pub annotations: Vec<String>,
    /// From where it was uploaded.
    pub ip_event: Option<IpEvent>,
    /// With what it was uploaded.
    pub devices: Vec<Device>,
    /// Names and values of its metadata.
    pub exif: Vec<(String, String)>,
    /// Anything else.
    pub note: Option<String>,
}

/// Why facts can't be taken.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FactsError {
    /// Longer than allowed.
    #[error("the facts have {bytes} bytes, {bytes_max} are allowed")]
    TooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// Not JSON of this form.
    #[error(
        "the facts are not in the form described in docs/handling.md: line {line}, column {column}"
    )]
    Form {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A time that is none.
    #[error("{field} is no time with a zone, such as 2026-11-22T10:15:00Z")]
    Time {
        /// The field.
        field: &'static str,
    },
}

impl Facts {
    pub(crate) fn about(account: Option<&str>) -> Self {
        let reported = account.map(|id| Account {
            id: Some(id.to_owned()),
            ..Account::default()
        });
        Self {
            reported,
            ..Self::default()
        }
    }

    /// From JSON; unknown fields are refused, so that a typing error can't lose a victim.
    pub fn from_json(json: &[u8]) -> std::result::Result<Self, FactsError> {
        if json.len() > FACTS_BYTES_MAX {
            return Err(FactsError::TooLong {
                bytes: json.len(),
                bytes_max: FACTS_BYTES_MAX,
            });
        }
        let facts: Self = serde_json::from_slice(json).map_err(|e| FactsError::Form {
            line: e.line(),
            column: e.column(),
        })?;
        if facts
            .occurred_at
            .as_ref()
            .is_some_and(|t| t.parse::<jiff::Timestamp>().is_err())
        {
            return Err(FactsError::Time {
                field: "occurred_at",
            });
        }
        Ok(facts)
    }
}

pub(crate) async fn write(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    facts: &Facts,
) -> Result<()> {
    let json = serde_json::to_string(facts).expect("facts are JSON");
    sqlx::query(
        "INSERT INTO facts (case_id, sealed) VALUES ($1, $2) ON CONFLICT (case_id) DO UPDATE SET sealed = $2",
    )
    .bind(case)
    .bind(casework.seal_text(&json))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes everything known about a case out of the database: redress, and retention's end.
pub(crate) async fn erase(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("DELETE FROM facts WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Casework {
    /// What is known about a case; empty where nothing is.
    pub async fn facts(&self, case: &str) -> Result<Facts> {
        let row = sqlx::query("SELECT sealed FROM facts WHERE case_id = $1")
            .bind(case)
            .fetch_optional(self.db.pool())
            .await?;
        let Some(row) = row else {
            return Ok(Facts::default());
        };
        let json = self.open_text(&Columns::of(&row).text()?)?;
        serde_json::from_str(&json).map_err(|_| CaseworkError::Form("facts of a case".into()))
    }

    /// Replaces what is known about a case.
    pub async fn set_facts(&self, case: &str, facts: &Facts, actor: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        cases::status(&mut tx, case).await?;
        write(&mut tx, self, case, facts).await?;
        audit::write(&mut tx, self.now(), actor, "case.facts", case, "").await?;
        tx.commit().await?;
        Ok(())
    }
}
