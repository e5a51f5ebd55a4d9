//! Single transfers and small messages, for live requests.

use obhut_typologies::Record;

use super::{COLUMNS, Channels, at, iso20022, record_of_texts};

/// A transfer as texts, empty where nothing is known.
#[derive(Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Texts<'a> {
    pub tx_id: &'a str,
    pub sender: &'a str,
    pub receiver: &'a str,
    pub ts: &'a str,
    pub amount: &'a str,
    pub currency: &'a str,
    pub src_country: &'a str,
    pub dst_country: &'a str,
    pub relationship: &'a str,
    pub reference: &'a str,
    pub sender_birth_year: &'a str,
    pub sender_tie: &'a str,
    pub purchase: &'a str,
    pub channel: &'a str,
    pub recipient_contact: &'a str,
    pub utc_offset_minutes: &'a str,
}

/// Builds a record from texts.
///
/// # Errors
/// A field can't be used; the message names the field, never its value.
pub fn record<'a>(texts: &Texts<'a>, words: &mut Channels) -> Result<Record<'a>, String> {
    let fields: [&'a str; COLUMNS.len()] = {
        let mut fields = [""; COLUMNS.len()];
        fields[at::TX] = texts.tx_id;
        fields[at::SENDER] = texts.sender;
        fields[at::RECEIVER] = texts.receiver;
        fields[at::TS] = texts.ts;
        fields[at::AMOUNT] = texts.amount;
        fields[at::CURRENCY] = texts.currency;
        fields[at::SRC] = texts.src_country;
        fields[at::DST] = texts.dst_country;
        fields[at::RELATIONSHIP] = texts.relationship;
        fields[at::REFERENCE] = texts.reference;
        fields[at::BIRTH_YEAR] = texts.sender_birth_year;
        fields[at::TIE] = texts.sender_tie;
        fields[at::PURCHASE] = texts.purchase;
        fields[at::CHANNEL] = texts.channel;
        fields[at::CONTACT] = texts.recipient_contact;
        fields[at::OFFSET] = texts.utc_offset_minutes;
        fields
    };
    record_of_texts(1, &|place| fields[place], words)
}

/// A channel's number, 1 to 255, by hash, so that nothing is remembered between requests; two
/// channels may collide. 0 for a text without ASCII letters and digits.
pub fn channel(text: &str) -> u8 {
    match super::contact(text) {
        0 => 0,
        // 1 to 255: 0 means that there is none.
        n => (n % 255 + 1) as u8,
    }
}

/// Passes each transaction of an ISO 20022 message to `put`: the record, or why it can't be read,
/// and the transaction's id, empty if it has none.
///
/// # Errors
/// The message has more than `most` transactions, or [`iso20022::read`] would fail on it.
pub fn iso_records(
    bytes: &[u8],
    most: usize,
    put: &mut dyn FnMut(Result<Record<'_>, String>, String),
) -> Result<(), String> {
    // Each transaction has the name in its opening and in its closing tag, whatever the prefix.
    if memchr::memmem::find_iter(bytes, b"CdtTrfTxInf").count() > 2 * most {
        return Err(format!("a request has at most {most} transfers"));
    }
    // No channel is read from ISO 20022, so there are no numbers to remember between messages.
    iso20022::each_record(bytes, &mut Channels::default(), put)
}
