//! ISO 20022 to records: pacs.008.001.08, .10 and .12, pain.001.001.09.
//!
//! A file is split at its transactions and each is parsed separately, so that a broken one costs
//! one record and not the batch, and a file of any length needs little memory.

use std::io::Read;

use obhut_typologies::{Amount, Id, Record, Transfer, Transfers};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Channels, Optional, moment};

/// Supported messages, as the last part of their namespaces.
pub const MESSAGES: [&str; 4] = [
    "pacs.008.001.08",
    "pacs.008.001.10",
    "pacs.008.001.12",
    "pain.001.001.09",
];

/// Longest transaction, in bytes. Our judgement.
const TRANSACTION_BYTES_MAX: usize = 1 << 20;
/// Longest head of a message or of a payment, in bytes. Our judgement.
const HEAD_BYTES_MAX: usize = 1 << 20;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 18;

/// True if the bytes begin with `<`, after an optional byte order mark and white space. [`read`]
/// checks the namespace.
pub fn looks_like(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    text.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
}

/// Fields of a transaction as text; empty if absent.
#[derive(Clone, Default, Debug)]
struct Fields {
    uetr: String,
    tx_id: String,
    end_to_end: String,
    instruction: String,
    instructed: String,
    instructed_currency: String,
    settled: String,
    settled_currency: String,
    accepted: String,
    payer: PartyFields,
    payee: PartyFields,
    reference: String,
    purpose: String,
}

#[derive(Clone, Default, Debug)]
struct PartyFields {
    name: String,
    country: String,
    residence: String,
    birth: String,
    id: String,
    account: String,
    iban: String,
    bic: String,
}

impl PartyFields {
    /// The first present of IBAN, other account, identification and name.
    fn id(&self) -> &str {
        [&self.iban, &self.account, &self.id, &self.name]
            .into_iter()
            .find(|s| !s.is_empty())
            .map_or("", String::as_str)
    }

    /// Country of the address, else of residence, else of the IBAN, else of the BIC; empty if none
    /// has one.
    fn country(&self) -> &str {
        // An IBAN begins with its country (ISO 13616); a BIC has it as characters 5 and 6 (ISO
        // 9362).
        if !self.country.is_empty() {
            &self.country
        } else if !self.residence.is_empty() {
            &self.residence
        } else if let Some(country) = self.iban.get(..2) {
            country
        } else {
            self.bic.get(4..6).unwrap_or("")
        }
    }

    fn fill(&mut self, other: &PartyFields) {
        let fields = [
            (&mut self.name, &other.name),
            (&mut self.country, &other.country),
            (&mut self.residence, &other.residence),
            (&mut self.birth, &other.birth),
            (&mut self.id, &other.id),
            (&mut self.account, &other.account),
            (&mut self.iban, &other.iban),
            (&mut self.bic, &other.bic),
        ];
        for (mine, theirs) in fields {
            if mine.is_empty() {
                mine.clone_from(theirs);
            }
        }
    }
}

/// Reads a message from a stream.
///
/// # Errors
/// The message is not supported or is truncated before its first transaction; its head, or the part
/// between two transactions, is too long; the head announces another number of transactions than
/// the file has; or reading fails. Broken transactions, and a message that is cut after its first
/// transaction, are reported to `transfers` as unreadable records.
pub fn read(
    file: impl Read,
    words: &mut Channels,
    transfers: &mut Transfers,
    put: &mut dyn FnMut(Transfer),
) -> Result<(), String> {
    each(file, words, &mut |record, number, _| match record {
        Ok(record) => transfers.take(&record, put),
        Err(why) => transfers.unreadable(number, why),
    })
}

/// Receives a record or why it is unreadable, its number from 1, and the transaction's id.
type Sink<'a> = dyn FnMut(Result<Record<'_>, String>, u64, String) + 'a;

/// Passes each record of a message in memory to `put`, with its transaction's id.
///
/// # Errors
/// As [`read`].
pub fn each_record(
    bytes: &[u8],
    words: &mut Channels,
    put: &mut dyn FnMut(Result<Record<'_>, String>, String),
) -> Result<(), String> {
    each(bytes, words, &mut |record, _, tx| put(record, tx))
}

fn each(mut file: impl Read, words: &mut Channels, put: &mut Sink<'_>) -> Result<(), String> {
    let mut held: Vec<u8> = Vec::with_capacity(2 * CHUNK_BYTES);
    let mut done = false;
    let mut number = 0;
    let mut message: Option<Message> = None;
    let mut at = 0;
    loop {
        if !done {
            // Only what is not parsed yet is kept: memory is bounded by one transaction, the part
            // between two, and a chunk.
            if at > 0 {
                held.drain(..at);
                at = 0;
            }
            let before = held.len();
            held.resize(before + CHUNK_BYTES, 0);
            let n = file.read(&mut held[before..]).map_err(|e| e.to_string())?;
            held.truncate(before + n);
            done = n == 0;
        }
        if message.is_none() {
            match Message::begin(&held)? {
                Some(begun) => message = Some(begun),
                None if done => return Err("it ends before its first transaction".into()),
                None if held.len() > HEAD_BYTES_MAX => {
                    return Err(format!("its head is longer than {HEAD_BYTES_MAX} bytes"));
                }
                None => continue,
            }
        }
        let Some(message) = message.as_mut() else {
            continue;
        };
        loop {
            match message.next(&held[at..], done) {
                Scanned::Transaction { from, to } => {
                    number += 1;
                    let block = &held[at + from..at + to];
                    // Before take(): the head of a payment names the
                    // payer of the transactions after it.
                    message.head(&held[at..at + from]);
                    take(block, message, number, words, put);
                    at += to;
                }
                Scanned::Broken { from, to } => {
                    number += 1;
                    let why = format!(
                        "the transaction is not closed or is longer than {TRANSACTION_BYTES_MAX} bytes"
                    );
                    // It may be the first of its payment: the transactions after it have that
                    // payer.
                    message.head(&held[at..at + from]);
                    put(Err(why), number, String::new());
                    // It may have run on into the next payment: the transactions after it have that
                    // payment's payer.
                    message.head(&held[at + from..at + to]);
                    at += to;
                }
                Scanned::More if message.is_between(&held[at..]) => {
                    return Err(format!(
                        "there are more than {HEAD_BYTES_MAX} bytes between two transactions"
                    ));
                }
                Scanned::More => break,
                Scanned::End => return message.end(&held[at..], put, number),
            }
        }
        if done {
            return message.end(&held[at..], put, number);
        }
    }
}

enum Scanned {
    /// A whole transaction.
    Transaction { from: usize, to: usize },
    /// A transaction that doesn't end, or is too long.
    Broken { from: usize, to: usize },
    /// More must be read.
    More,
    /// No more transactions.
    End,
}

/// State of a message: its tags, head and current payment.
struct Message {
    open: Vec<u8>,
    close: Vec<u8>,
    payment_open: Vec<u8>,
    created: String,
    /// pain.001 states the payer once for several transactions.
    payment_fields: Fields,
    announced: Option<u64>,
}

impl Message {
    /// Parses the head; `None` until the first transaction has begun.
    fn begin(held: &[u8]) -> Result<Option<Message>, String> {
        let Some(name) = find(held, b"CdtTrfTxInf") else {
            return Ok(None);
        };
        // The prefix is learned from the first transaction and expected of all others.
        let open_at = held[..name].iter().rposition(|b| *b == b'<');
        let prefix = match open_at {
            Some(at) => &held[at + 1..name],
            None => return Err("not valid XML".into()),
        };
        if !(prefix.is_empty() || prefix.ends_with(b":")) || prefix.len() > 64 {
            return Err("not valid XML".into());
        }
        let head = &held[..open_at.unwrap_or(0)];
        let text = String::from_utf8_lossy(head);
        // Recognised by the namespace: the root element is `Document` in every message and version.
        let known = text
            .split("urn:iso:std:iso:20022:tech:xsd:")
            .skip(1)
            .any(|rest| MESSAGES.iter().any(|m| rest.starts_with(m)));
        if !known {
            return Err(format!(
                "its namespace is not one of {}",
                MESSAGES.join(", ")
            ));
        }
        let tag = |start: &str, name: &str| [start.as_bytes(), prefix, name.as_bytes()].concat();
        Ok(Some(Message {
            // Without `>`, because attributes may follow.
            open: tag("<", "CdtTrfTxInf"),
            close: tag("</", "CdtTrfTxInf>"),
            payment_open: tag("<", "PmtInf"),
            created: element(&text, "CreDtTm").unwrap_or_default(),
            announced: element(&text, "NbOfTxs").and_then(|n| n.parse().ok()),
            payment_fields: Fields::default(),
        }))
    }

    fn next(&self, held: &[u8], done: bool) -> Scanned {
        let Some(from) = find(held, &self.open) else {
            return if done { Scanned::End } else { Scanned::More };
        };
        let body = from + self.open.len();
        let end = find(&held[body..], &self.close);
        let again = find(&held[body..], &self.open);
        match (end, again) {
            // Another transaction begins before this one ends.
            (Some(end), Some(again)) if again < end => Scanned::Broken {
                from,
                to: body + again,
            },
            (None, Some(again)) => Scanned::Broken {
                from,
                to: body + again,
            },
            (Some(end), _) if end > TRANSACTION_BYTES_MAX => Scanned::Broken {
                from,
                to: body + end + self.close.len(),
            },
            (Some(end), _) => Scanned::Transaction {
                from,
                to: body + end + self.close.len(),
            },
            // Unfinished or too long: what is held is dropped, and the search resumes at the next
            // opening tag.
            (None, None) if done || held.len() - from > TRANSACTION_BYTES_MAX => Scanned::Broken {
                from,
                to: held.len(),
            },
            (None, None) => Scanned::More,
        }
    }

    /// True if more than `HEAD_BYTES_MAX` and a chunk are held without the start of a transaction.
    fn is_between(&self, held: &[u8]) -> bool {
        held.len() > HEAD_BYTES_MAX + CHUNK_BYTES && find(held, &self.open).is_none()
    }

    /// Takes the payer from what precedes a transaction, if a payment begins there.
    fn head(&mut self, between: &[u8]) {
        // The last payment that begins here: any before it has no transaction.
        let finder = memchr::memmem::FinderRev::new(&self.payment_open);
        let Some(at) = finder.rfind(between) else {
            return;
        };
        // A payment must not inherit what only the payment before it states.
        self.payment_fields = Fields::default();
        // Its closing tag comes after the transactions, so a missing end here isn't a fault.
        let _ = read_elements(&between[at..], &mut self.payment_fields);
    }

    fn end(&self, rest: &[u8], put: &mut Sink<'_>, number: u64) -> Result<(), String> {
        // All transactions may be complete although the file was cut after one of them.
        let whole = find(rest, b"Document>").is_some();
        if !whole {
            let why = "the message ends in the middle; get the file again".to_owned();
            put(Err(why), number + 1, String::new());
        }
        match self.announced {
            // Checked only for a whole message: a cut one is reported already.
            Some(n) if whole && n != number => Err(format!(
                "its head announces {n} transactions, but the file has {number}"
            )),
            _ => Ok(()),
        }
    }
}

fn find(held: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(held, what)
}

/// The text of the first element of that name, whatever its prefix.
fn element(text: &str, name: &str) -> Option<String> {
    // Searches the text instead of parsing it: the head's outer elements are still open.
    let at = text.find(&format!("{name}>"))?;
    let rest = &text[at + name.len() + 1..];
    Some(rest[..rest.find('<')?].trim().to_owned())
}

fn take(block: &[u8], message: &Message, number: u64, words: &mut Channels, put: &mut Sink<'_>) {
    let mut said = Fields::default();
    if let Err(why) = read_elements(block, &mut said) {
        return put(Err(why), number, String::new());
    }
    // Filled in after the transaction was read: its own debtor takes precedence.
    said.payer.fill(&message.payment_fields.payer);
    let time = if said.accepted.is_empty() {
        &message.created
    } else {
        &said.accepted
    };
    // UETR first: it is unique worldwide. NOTPROVIDED is how ISO 20022 leaves an id blank.
    let tx = [&said.uetr, &said.tx_id, &said.end_to_end, &said.instruction]
        .into_iter()
        .find(|t| !t.is_empty() && *t != "NOTPROVIDED")
        .map_or("", String::as_str);
    let record = (|| -> Result<Record<'_>, String> {
        let time = moment(time).map_err(|why| format!("the time {why}"))?;
        // The instructed amount takes precedence over the interbank settlement amount
        // (docs/payments.md).
        let (amount, currency) = if said.instructed.is_empty() {
            (&said.settled, &said.settled_currency)
        } else {
            (&said.instructed, &said.instructed_currency)
        };
        // The purpose FAMI (family) is a claim by the payer, so it is treated like a reference
        // text.
        let reference = match (said.purpose.as_str(), said.reference.trim()) {
            ("FAMI", "") => "family support",
            ("FAMI", reference) => &format!("{reference}; family support"),
            (_, reference) => reference,
        };
        let optional = Optional {
            reference,
            birth_year: &said.payer.birth,
            ..Optional::default()
        };
        Ok(Record {
            number,
            tx: Id::of(tx),
            sender: Id::of(said.payer.id()),
            recipient: Id::of(said.payee.id()),
            at_micros: time.at_micros,
            zone_minutes: time.zone_minutes,
            zone_missing: time.zone_missing,
            amount: Amount::Text(amount),
            currency: currency.as_bytes(),
            from: said.payer.country().as_bytes(),
            to: said.payee.country().as_bytes(),
            context: optional.context(words, time.at_micros)?,
        })
    })();
    put(record, number, tx.to_owned());
}

/// The party an element describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nothing,
    Payer,
    Payee,
}

/// Deepest nesting accepted. Our judgement; the supported schemas stay below it.
const DEPTH_MAX: usize = 32;

// Long: a single pass whose state is in local variables.
fn read_elements(block: &[u8], said: &mut Fields) -> Result<(), String> {
    let text = std::str::from_utf8(block).map_err(|_| "not valid UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut path: Vec<&[u8]> = Vec::with_capacity(12);
    let mut of = Owner::Nothing;
    // Depth of an element whose field has a value already, such as a second id: the first counts.
    let mut skipped: Option<usize> = None;
    let broken = |e: &dyn std::fmt::Display, at: u64| {
        let kind = e.to_string();
        // The parser's message may quote the input; only its kind is reported.
        let kind = kind
            .split(':')
            .next()
            .unwrap_or("")
            .chars()
            .take(60)
            .collect::<String>();
        format!("it is broken XML at byte {at} of its element ({kind})")
    };
    loop {
        let at = reader.buffer_position();
        match reader.read_event().map_err(|e| broken(&e, at))? {
            Event::Start(e) => {
                let local = local_of(block, e.local_name().as_ref().as_bytes());
                if path.len() == DEPTH_MAX {
                    return Err(format!("it is deeper than {DEPTH_MAX} elements"));
                }
                match local {
                    b"Dbtr" | b"DbtrAcct" | b"DbtrAgt" => of = Owner::Payer,
                    b"Cdtr" | b"CdtrAcct" | b"CdtrAgt" => of = Owner::Payee,
                    b"InstdAmt" | b"IntrBkSttlmAmt" => {
                        let currency = e
                            .attributes()
                            .flatten()
                            .find(|a| a.key.local_name().as_ref() == "Ccy")
                            .map(|a| a.value.into_owned())
                            .unwrap_or_default();
                        if local == b"InstdAmt" {
                            said.instructed_currency = currency;
                        } else {
                            said.settled_currency = currency;
                        }
                    }
                    _ => {}
                }
                path.push(local);
                if let Some(slot) = slot(&path, of, said)
                    && !slot.is_empty()
                {
                    match local {
                        // A reference may come in several elements; they are joined.
                        b"Ustrd" => slot.push(' '),
                        _ => skipped = skipped.or(Some(path.len())),
                    }
                }
            }
            Event::End(_) => {
                if skipped == Some(path.len()) {
                    skipped = None;
                }
                // Trimmed only at the end tag: an entity splits the text into several events.
                if let Some(slot) = slot(&path, of, said)
                    && slot.trim().len() < slot.len()
                {
                    *slot = slot.trim().to_owned();
                }
                let left = path.pop();
                if matches!(
                    left,
                    Some(b"Dbtr" | b"DbtrAcct" | b"DbtrAgt" | b"Cdtr" | b"CdtrAcct" | b"CdtrAgt")
                ) {
                    of = Owner::Nothing;
                }
            }
            Event::Text(e) => {
                let Some(slot) = slot(&path, of, said).filter(|_| skipped.is_none()) else {
                    continue;
                };
                slot.push_str(&e);
            }
            Event::GeneralRef(e) => {
                let Some(slot) = slot(&path, of, said).filter(|_| skipped.is_none()) else {
                    continue;
                };
                match e.as_ref() {
                    "amp" => slot.push('&'),
                    "lt" => slot.push('<'),
                    "gt" => slot.push('>'),
                    "quot" => slot.push('"'),
                    "apos" => slot.push('\''),
                    _ => match e.resolve_char_ref() {
                        Ok(Some(c)) => slot.push(c),
                        _ => return Err("it uses an entity that XML does not predefine".into()),
                    },
                }
            }
            Event::CData(e) => {
                if let Some(slot) = slot(&path, of, said).filter(|_| skipped.is_none()) {
                    slot.push_str(&e);
                }
            }
            // A document type could define entities that expand without end.
            Event::DocType(_) => {
                return Err("it contains a DOCTYPE, which is not accepted".into());
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err("it is broken XML: an element never ends".into()),
            _ => {}
        }
    }
}

/// The name as a slice of `block`.
fn local_of<'a>(block: &'a [u8], name: &[u8]) -> &'a [u8] {
    // The event borrows from the reader, the block outlives it; the name is a slice of the block.
    let offset = (name.as_ptr() as usize).wrapping_sub(block.as_ptr() as usize);
    block
        .get(offset..offset.wrapping_add(name.len()))
        .unwrap_or(b"")
}

/// The field that takes the text of the element at `path`; `None` if no field does.
fn slot<'a>(path: &[&[u8]], of: Owner, said: &'a mut Fields) -> Option<&'a mut String> {
    let last = *path.last()?;
    let parent = path.len().checked_sub(2).map_or(&b""[..], |p| path[p]);
    if of != Owner::Nothing {
        let party = if of == Owner::Payer {
            &mut said.payer
        } else {
            &mut said.payee
        };
        return Some(match (parent, last) {
            (b"Dbtr" | b"Cdtr", b"Nm") => &mut party.name,
            // Not the bank's address, which is within DbtrAgt or CdtrAgt.
            (b"PstlAdr", b"Ctry") if path.iter().any(|p| matches!(*p, b"Dbtr" | b"Cdtr")) => {
                &mut party.country
            }
            (b"Dbtr" | b"Cdtr", b"CtryOfRes") => &mut party.residence,
            (b"DtAndPlcOfBirth", b"BirthDt") => &mut party.birth,
            (b"Id", b"IBAN") => &mut party.iban,
            // The same element names an account and a party; only the elements around it differ.
            (b"Othr", b"Id") if path.iter().any(|p| p.ends_with(b"Acct")) => &mut party.account,
            (b"Othr", b"Id") if path.iter().any(|p| matches!(*p, b"PrvtId" | b"OrgId")) => {
                &mut party.id
            }
            (b"FinInstnId", b"BICFI") => &mut party.bic,
            _ => return None,
        });
    }
    Some(match last {
        b"UETR" => &mut said.uetr,
        b"TxId" => &mut said.tx_id,
        b"EndToEndId" => &mut said.end_to_end,
        b"InstrId" => &mut said.instruction,
        b"InstdAmt" => &mut said.instructed,
        b"IntrBkSttlmAmt" => &mut said.settled,
        b"AccptncDtTm" => &mut said.accepted,
        b"Ustrd" => &mut said.reference,
        b"Cd" if parent == b"Purp" => &mut said.purpose,
        _ => return None,
    })
}
