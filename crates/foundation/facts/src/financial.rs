//! What a financial intelligence unit asks for: the parties with what the bank knows of them, their
//! accounts, and the analyst's own words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Address;
use super::people::Phone;

/// What belongs in a suspicious transaction report and nowhere else.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Financial {
    /// The parties of the payments. A party has the id that the payments give as payer or payee.
    pub parties: Vec<FinancialParty>,
    /// Why it is reported, in the analyst's own words; generated from the facts if missing.
    pub narrative: Option<String>,
    /// What the bank has done.
    pub action: Option<String>,
    /// Codes of the unit's own list of indicators.
    pub indicators: Vec<String>,
    /// The unit's code for the kind of report, where it isn't the usual one.
    pub report_code: Option<String>,
    /// The unit's own reference, where this answers or corrects something.
    pub unit_reference: Option<String>,
}

/// A party of a payment.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FinancialParty {
    /// Id that the payments give as payer or payee.
    pub id: String,
    /// True when it is the reporting bank's own customer.
    pub client: bool,
    /// Country that the payments name for it, ISO 3166-1 alpha-2.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub country: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// F, M or -.
    #[schemars(regex(pattern = r"^[FM-]$"))]
    pub gender: Option<String>,
    /// YYYY-MM-DD.
    pub born: Option<String>,
    /// Place of birth.
    pub birth_place: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub nationality: Option<String>,
    /// Country of residence, ISO 3166-1 alpha-2.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub residence: Option<String>,
    /// Number of the identity card.
    pub id_number: Option<String>,
    /// Social security number.
    pub ssn: Option<String>,
    /// Occupation.
    pub occupation: Option<String>,
    /// Tax number, or what the unit wants in its place.
    pub tax_number: Option<String>,
    /// Where its means come from.
    pub source_of_wealth: Option<String>,
    /// Telephone numbers.
    pub phones: Vec<Phone>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Identity documents.
    pub documents: Vec<IdentityDocument>,
    /// Its account.
    pub account: Option<FinancialAccount>,
}

/// An identity document.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityDocument {
    /// The unit's code for its kind: PASSP, EID, …
    pub kind: String,
    /// Number.
    pub number: String,
    /// YYYY-MM-DD.
    pub issued: Option<String>,
    /// YYYY-MM-DD.
    pub expires: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// An account at a bank or wallet provider.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FinancialAccount {
    /// Number.
    pub number: String,
    /// IBAN.
    pub iban: Option<String>,
    /// The bank's name.
    pub institution: Option<String>,
    /// The bank's code: BIC, or the unit's own.
    pub institution_code: Option<String>,
    /// Branch.
    pub branch: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// When it was opened, YYYY-MM-DD.
    pub opened: Option<String>,
}

/// The reporting bank's settings for one financial intelligence unit; they go into every report to
/// it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FinancialUnit {
    /// Which profile: `uae-5.0.2`, `indonesia-4.0.2`, `plain-5.0.1`, or `own`.
    pub profile: String,
    /// The text of an own profile; its form is in docs/goaml.md.
    pub own_profile: Option<String>,
    /// Text of the unit's XML schema, if it gave one: every report is validated against it before
    /// it is sent.
    pub schema: Option<String>,
    /// Treat `^` and `$` in the schema's patterns as anchors, as their authors meant; XML Schema
    /// takes them literally.
    pub schema_compat: bool,
    /// Number the unit gave the bank.
    pub entity_id: i64,
    /// Branch.
    pub branch: Option<String>,
    /// Currency in which amounts are reported, ISO 4217.
    pub local_currency: String,
    /// The bank's address.
    pub address: Option<Address>,
    /// Where payments are made, in words.
    pub location: Option<String>,
    /// The unit's code for the way funds are transmitted: ELCFT, …
    pub transmode_code: Option<String>,
    /// The unit's code for the funds.
    pub funds_code: Option<String>,
    /// The unit's code for the kind of report.
    pub report_code: Option<String>,
    /// Codes of the unit's indicators, where the case names none.
    pub indicators: Vec<String>,
    /// The reporting person's user code at the unit.
    pub user_code: Option<String>,
    /// Who reports.
    pub officer: Option<FinancialParty>,
    /// True if the generated texts (narrative and action) are German, false if they are English.
    pub german: bool,
}

impl FinancialUnit {
    /// From JSON; unknown fields are refused.
    ///
    /// # Errors
    /// More than 4 MiB, or the first field that doesn't fit.
    pub fn from_json(json: &[u8]) -> Result<Self, super::FactsError> {
        super::read_json(json, UNIT_BYTES_MAX, "the unit's settings")
    }
}

/// Longest settings of a unit, schema included, in bytes. Our judgement.
const UNIT_BYTES_MAX: usize = 4 << 20;
