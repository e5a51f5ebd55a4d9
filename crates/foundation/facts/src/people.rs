//! People, accounts, devices and addresses of a case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person's own data.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Given name.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone numbers.
    pub phones: Vec<Phone>,
    /// E-mail addresses.
    pub emails: Vec<Email>,
    /// Postal addresses.
    pub addresses: Vec<Address>,
    /// Years.
    pub age: Option<i64>,
    /// YYYY-MM-DD.
    pub born: Option<String>,
}

/// An account: reported, a recipient's, a child's, or one linked to those.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Whose it is, as far as known.
    pub person: Option<Person>,
    /// The vehicle; only for the person reported.
    pub vehicle: Option<String>,
    /// Id in the provider's system.
    pub id: Option<String>,
    /// The provider's product.
    pub service: Option<String>,
    /// True if the account was compromised by another person.
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
    /// Only for the person reported and linked accounts: true when the account is at another
    /// company.
    pub third_party: Option<bool>,
    /// The school; only for a child.
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
    /// True when `person.emails` has every e-mail address of the account.
    pub all_emails_reported: Option<bool>,
    /// Accounts linked to it.
    pub associated: Vec<Account>,
    /// How the account is linked; only for a linked account: Billing, Linked, Business, Creator,
    /// Parent/Guardian, Other.
    pub tie: Option<String>,
    /// The platform; only for a linked account.
    pub platform: Option<String>,
    /// Anything else.
    pub note: Option<String>,
}

/// The suspension or closing of an account.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountClosed {
    /// True when the account was suspended or closed.
    pub done: bool,
    /// When, RFC 3339.
    pub at: Option<String>,
    /// Whether its user was notified.
    pub user_told: Option<bool>,
    /// When, RFC 3339.
    pub user_told_at: Option<String>,
    /// When it was opened again, RFC 3339; only after a suspension.
    pub reopened_at: Option<String>,
}

impl AccountClosed {
    /// True if the account was suspended or closed and hasn't been opened again.
    pub fn is_in_force(&self) -> bool {
        self.done && self.reopened_at.is_none()
    }
}

/// Presumed location of a person.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Location {
    /// City.
    pub city: Option<String>,
    /// Region; in the USA the state's two-letter abbreviation.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Whether a person has verified it.
    pub verified: Option<bool>,
    /// As of when, RFC 3339.
    pub at: Option<String>,
}

/// A telephone number.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Phone {
    /// The number; without the country code if `country_code` is set.
    pub number: String,
    /// Mobile, Home, Business, Work, Fax, Internet, Recovery.
    pub kind: Option<String>,
    /// Whether it was verified.
    pub verified: Option<bool>,
    /// When, RFC 3339.
    pub verified_at: Option<String>,
    /// Country calling code, such as `+49`.
    pub country_code: Option<String>,
    /// Extension, digits.
    pub extension: Option<String>,
}

/// An e-mail address.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
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
    pub port: Option<i64>,
}

/// A device.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
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
