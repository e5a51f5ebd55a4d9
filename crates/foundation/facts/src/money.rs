//! What was written and what was paid: threads of messages, payments, wallets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Messages of one conversation.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Thread {
    /// Id in the provider's system.
    pub id: Option<String>,
    /// The program or product it was written in.
    pub service: Option<String>,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Anything else.
    pub note: Option<String>,
}

/// One message.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Message {
    /// When, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub at: Option<String>,
    /// Id of the account that wrote it.
    pub from: Option<String>,
    /// Ids of the accounts that got it.
    pub to: Vec<String>,
    /// What was written.
    pub text: String,
}

/// A payment that belongs to the case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Payment {
    /// Id in the payer's or the provider's system.
    pub id: Option<String>,
    /// When, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub at: Option<String>,
    /// How much, as written: `50.00`.
    #[schemars(regex(pattern = r"^[0-9]{1,15}(\.[0-9]{1,8})?$"))]
    pub amount: String,
    /// ISO 4217, or `BTC`, …
    #[schemars(regex(pattern = r"^[A-Z]{3,5}$"))]
    pub currency: String,
    /// The amount in the reporting bank's local currency, if that differs from `currency`.
    #[schemars(regex(pattern = r"^[0-9]{1,15}(\.[0-9]{1,8})?$"))]
    pub amount_local: Option<String>,
    /// Who paid: account, name or wallet.
    pub from: Option<String>,
    /// Who was paid.
    pub to: Option<String>,
    /// Gift card, transfer, wallet …
    pub method: Option<String>,
    /// True when it was paid before the material or act it paid for.
    pub in_advance: Option<bool>,
    /// Anything else.
    pub note: Option<String>,
}

/// An address on a blockchain.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wallet {
    /// `bitcoin`, `ethereum`, …
    pub chain: String,
    /// The address.
    pub address: String,
    /// Id of the account that gave or used it.
    pub account: Option<String>,
    /// Anything else.
    pub note: Option<String>,
}
