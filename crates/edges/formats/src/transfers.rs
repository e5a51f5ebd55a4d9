//! Reads files of transfers into records for the typologies.
//!
//! CSV and Parquet, with a mapping for other column names; ISO 20022 pacs.008 and pain.001.
//! Unreadable records are reported one by one; the rest is read.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use obhut_typologies::{Context, FileFault, Id, LinkKnown, Purchase, Record, Transfer, Transfers};

mod csv_file;
pub mod features_file;
pub mod iso20022;
pub mod live;
pub mod parquet_file;
mod times;

pub use times::{Moment, moment};

/// Longest file, in bytes. Our judgement.
pub const FILE_BYTES_MAX: u64 = 1 << 40;

/// A column that transfers are read from, and the names it is known by.
#[derive(Debug)]
pub struct TransferColumn {
    /// Its own name.
    pub name: &'static str,
    /// Other names that are understood.
    pub also: &'static [&'static str],
    /// True if a file must have it.
    pub required: bool,
    /// What it holds.
    pub what: &'static str,
}

/// Every column, required ones first.
pub const COLUMNS: &[TransferColumn] = &[
    column(
        "tx_id",
        &["transaction_id", "id"],
        true,
        "id of the transfer, text",
    ),
    column(
        "sender",
        &["sender_id", "payer"],
        true,
        "id of who pays, text",
    ),
    column(
        "receiver",
        &["recipient", "receiver_id", "recipient_id", "payee"],
        true,
        "id of who is paid, text",
    ),
    column(
        "ts",
        &["timestamp", "time", "date"],
        true,
        "when, ISO 8601; without zone it is UTC",
    ),
    column("amount", &[], true, "how much, above zero"),
    column("currency", &[], true, "ISO 4217"),
    column(
        "src_country",
        &["sender_country"],
        false,
        "ISO 3166-1 alpha-2 of the sender",
    ),
    column(
        "dst_country",
        &["receiver_country", "recipient_country"],
        false,
        "ISO 3166-1 alpha-2 of the recipient",
    ),
    column(
        "relationship",
        &[],
        false,
        "what the recipient is to the sender; family words count as kin",
    ),
    column(
        "reference",
        &["remittance_text"],
        false,
        "reference text; only handles and cover labels are noted",
    ),
    column(
        "sender_birth_year",
        &[],
        false,
        "used only with age switched on",
    ),
    column(
        "sender_tie",
        &[],
        false,
        "yes or no: whether the sender has a known link to the destination",
    ),
    column(
        "purchase",
        &[],
        false,
        "privacy, tokens, gift-card, abroad, cash-out or crypto; empty is a transfer",
    ),
    column("channel", &["provider"], false, "provider or channel"),
    column(
        "recipient_contact",
        &["recipient_phone", "recipient_address"],
        false,
        "telephone or address of the recipient",
    ),
    column("utc_offset_minutes", &[], false, "the sender's UTC offset"),
];

const fn column(
    name: &'static str,
    also: &'static [&'static str],
    required: bool,
    what: &'static str,
) -> TransferColumn {
    TransferColumn {
        name,
        also,
        required,
        what,
    }
}

pub(crate) mod at {
    //! Indexes into `COLUMNS`.
    pub const TX: usize = 0;
    pub const SENDER: usize = 1;
    pub const RECEIVER: usize = 2;
    pub const TS: usize = 3;
    pub const AMOUNT: usize = 4;
    pub const CURRENCY: usize = 5;
    pub const SRC: usize = 6;
    pub const DST: usize = 7;
    pub const RELATIONSHIP: usize = 8;
    pub const REFERENCE: usize = 9;
    pub const BIRTH_YEAR: usize = 10;
    pub const TIE: usize = 11;
    pub const PURCHASE: usize = 12;
    pub const CHANNEL: usize = 13;
    pub const CONTACT: usize = 14;
    pub const OFFSET: usize = 15;
}

/// Which column of a file is which: `sender` → `Auftraggeber`.
#[derive(Clone, Debug, Default)]
pub struct Mapping(HashMap<String, String>);

impl Mapping {
    /// Builds a mapping from `NAME=COLUMN` pairs.
    ///
    /// # Errors
    /// A pair is malformed or names an unknown column; the message lists the columns.
    pub fn from_pairs(pairs: &[String]) -> Result<Mapping, String> {
        let mut map = HashMap::new();
        for pair in pairs {
            let (name, theirs) = pair.split_once('=').ok_or_else(|| {
                format!("{pair}: write NAME=COLUMN, for example sender=payer_account")
            })?;
            if !COLUMNS.iter().any(|c| c.name == name) {
                let names: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
                return Err(format!(
                    "unknown column {name}; known are {}",
                    names.join(", ")
                ));
            }
            map.insert(name.to_owned(), theirs.to_owned());
        }
        Ok(Mapping(map))
    }

    /// For each of [`COLUMNS`], its position in the file; `None` if the file lacks it. Fails if a
    /// required or mapped column is missing, or if two columns are ambiguous.
    pub(crate) fn find(&self, theirs: &[String]) -> Result<Vec<Option<usize>>, String> {
        let place = |name: &str| {
            theirs
                .iter()
                .position(|t| t.trim().eq_ignore_ascii_case(name))
        };
        let mut found = Vec::with_capacity(COLUMNS.len());
        for c in COLUMNS {
            let at = match self.0.get(c.name) {
                Some(wanted) => Some(place(wanted).ok_or_else(|| {
                    format!("column {wanted} is missing; the file has {}", shown(theirs))
                })?),
                None => std::iter::once(&c.name)
                    .chain(c.also)
                    .find_map(|name| place(name)),
            };
            if at.is_none() && c.required {
                return Err(format!(
                    "column {} is missing; map {} to one (it has {})",
                    c.name,
                    c.name,
                    shown(theirs)
                ));
            }
            found.push(at);
        }
        // One column can't fill two fields, and two columns of one name are ambiguous.
        for (n, at) in found.iter().enumerate() {
            let Some(at) = at else { continue };
            let name = theirs[*at].trim();
            let twice = theirs
                .iter()
                .filter(|t| t.trim().eq_ignore_ascii_case(name))
                .count()
                > 1;
            let other = found[..n].iter().position(|f| f == &Some(*at));
            if twice || other.is_some() {
                return Err(format!(
                    "column {} is used for two fields or occurs twice; map each field to its own column",
                    COLUMNS[n].name
                ));
            }
        }
        Ok(found)
    }
}

/// Names of columns as a message may show them.
fn shown(theirs: &[String]) -> String {
    // The names come from the file: no control characters on a terminal, and only 20 short ones.
    let plain = |t: &String| -> String {
        t.trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(40)
            .collect()
    };
    let mut names: Vec<String> = theirs.iter().take(20).map(plain).collect();
    if theirs.len() > names.len() {
        names.push("…".into());
    }
    names.join(", ")
}

/// Reads files into transfers; channels keep their numbers from file to file.
#[derive(Default)]
pub struct Reader {
    mapping: Mapping,
    words: Channels,
}

impl Reader {
    /// A reader that uses this column mapping.
    pub fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            words: Channels::default(),
        }
    }

    /// Reads one file; `put` takes each transfer that can be used.
    ///
    /// # Errors
    /// The file as a whole can't be read; the records read before the error stay counted.
    pub fn read(
        &mut self,
        path: &Path,
        transfers: &mut Transfers,
        put: &mut dyn FnMut(Transfer),
    ) -> Result<(), FileFault> {
        let name = path.file_name().map_or_else(
            || path.display().to_string(),
            |n| n.to_string_lossy().into_owned(),
        );
        let fault = |why: String| FileFault {
            file: name.clone(),
            why,
        };
        let mut file = File::open(path).map_err(|e| fault(e.to_string()))?;
        let meta = file.metadata().map_err(|e| fault(e.to_string()))?;
        if meta.is_dir() {
            return Err(fault("it is a folder; name files".into()));
        }
        if meta.len() > FILE_BYTES_MAX {
            return Err(fault(format!(
                "it is longer than {FILE_BYTES_MAX} bytes; split it"
            )));
        }
        // Enough to recognise a format: `PAR1`, or `<` after a byte order mark and white space.
        let mut start = [0; 1024];
        let mut have = 0;
        // A single read may return less, from a pipe for example.
        while have < start.len() {
            match file.read(&mut start[have..]) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) => return Err(fault(e.to_string())),
            }
        }
        let start = &start[..have];
        transfers.begin(&name);
        // Parquet reads at positions, so the bytes taken above need not be given back to it.
        let read = if start.starts_with(b"PAR1") {
            parquet_file::read(&file, &self.mapping, &mut self.words, transfers, put)
        } else if iso20022::looks_like(start) {
            let whole = std::io::Cursor::new(start.to_vec()).chain(file);
            iso20022::read(whole, &mut self.words, transfers, put)
        } else {
            let whole = std::io::Cursor::new(start.to_vec()).chain(file);
            csv_file::read(whole, &self.mapping, &mut self.words, transfers, put)
        };
        // Called after a fault, too: records held back for their order must be counted, or
        // read = processed + problems would not hold.
        transfers.end(put);
        read.map_err(fault)
    }
}

/// Reads arbitrary bytes as a file of transfers; only for fuzz/.
#[doc(hidden)]
#[cfg(target_os = "linux")]
pub fn probe(bytes: &[u8]) {
    use std::io::Write as _;
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let Ok(memory) = rustix::fs::memfd_create("transfers", flags) else {
        return;
    };
    let mut file = File::from(memory);
    if file.write_all(bytes).is_err() {
        return;
    }
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    // i64::MAX, so that no date counts as too far ahead; the addition in new() saturates.
    let mut transfers = Transfers::new(i64::MAX);
    let mut taken = 0;
    let _ = Reader::default().read(Path::new(&path), &mut transfers, &mut |_| taken += 1);
    let c = &transfers.counted;
    assert_eq!(c.read, c.processed + c.problems);
    assert_eq!(c.processed, taken);
}

/// Numbers the channels in the order in which they first occur, from 1; 0 means no channel. From
/// the 255th on all share the number 255.
#[derive(Default)]
pub struct Channels {
    channels: HashMap<String, u8>,
}

impl Channels {
    fn channel(&mut self, text: &str) -> u8 {
        if text.is_empty() {
            return 0;
        }
        if let Some(n) = self.channels.get(text) {
            return *n;
        }
        // A byte in each transfer: from the 255th channel on all share one number.
        let n = (self.channels.len() + 1).min(255) as u8;
        if self.channels.len() < 255 {
            self.channels.insert(text.to_owned(), n);
        }
        n
    }
}

/// Optional fields of a record as text; empty where the file has none. `context` turns them into
/// what the typologies use.
#[derive(Clone, Copy, Default)]
pub(crate) struct Optional<'a> {
    pub relationship: &'a str,
    pub reference: &'a str,
    pub birth_year: &'a str,
    pub tie: &'a str,
    pub purchase: &'a str,
    pub channel: &'a str,
    pub contact: &'a str,
}

const FAMILY: &[&str] = &[
    "family",
    "kin",
    "relative",
    "spouse",
    "wife",
    "husband",
    "partner",
    "mother",
    "father",
    "parent",
    "child",
    "son",
    "daughter",
    "brother",
    "sister",
    "sibling",
    "grand",
    "aunt",
    "uncle",
    "cousin",
    "niece",
    "nephew",
    "familie",
    "ehe",
    "mutter",
    "vater",
    "kind",
    "sohn",
    "tochter",
    "bruder",
    "schwester",
];

/// Published cover labels (AUSTRAC; FATF 2025).
const COVER: &[&str] = &[
    "uniform",
    "medical",
    "medicine",
    "hospital",
    "education",
    "school",
    "tuition",
    "accommodation",
    "family support",
];

/// Names of messaging and profile services, which go with a handle.
const HANDLE: &[&str] = &[
    "t.me/",
    "telegram",
    "snapchat",
    "snap:",
    "skype",
    "whatsapp",
    "wickr",
    "viber",
    "instagram",
    "discord",
    "onlyfans",
];

impl Optional<'_> {
    pub fn context(&self, words: &mut Channels, at_micros: i64) -> Result<Context, String> {
        let lower = |text: &str| text.to_lowercase();
        let mut context = Context::default();
        if !self.relationship.is_empty() {
            let said = lower(self.relationship);
            // Parts of words count, as in `grandmother`; so does the `son` in `person`.
            // `no` at the start is for answers such as `not family`.
            context.kin = FAMILY.iter().any(|w| said.contains(w)) && !said.starts_with("no");
        }
        if !self.reference.is_empty() {
            let said = lower(self.reference);
            context.cover = COVER.iter().any(|w| said.contains(w));
            context.handle = HANDLE.iter().any(|w| said.contains(w)) || has_handle(&said);
        }
        if !self.birth_year.is_empty() {
            // ISO 20022 has a date of birth: its first four characters are the year.
            let year: i64 = self
                .birth_year
                .trim()
                .get(..4)
                .and_then(|y| y.parse().ok())
                .filter(|y| (1900..=2100).contains(y))
                .ok_or("sender_birth_year isn't a year")?;
            // 31,556,952 s is the mean Gregorian year, 365.2425 days.
            let now = 1970 + at_micros.div_euclid(31_556_952_000_000);
            // A birth year after the transfer is clamped to 0, which means unknown.
            context.age_years = (now - year).clamp(0, 120) as u8;
        }
        context.tie = match lower(self.tie).as_str() {
            "" | "unknown" => LinkKnown::Unknown,
            "yes" | "true" | "1" => LinkKnown::Linked,
            "no" | "false" | "0" => LinkKnown::NotLinked,
            _ => return Err("sender_tie is neither yes nor no".into()),
        };
        context.purchase = match lower(self.purchase).as_str() {
            "" | "transfer" => Purchase::None,
            "privacy" => Purchase::Privacy,
            "tokens" => Purchase::Tokens,
            "gift-card" | "giftcard" => Purchase::GiftCard,
            "abroad" => Purchase::Abroad,
            "cash-out" | "cashout" => Purchase::CashOut,
            "crypto" => Purchase::Crypto,
            _ => {
                return Err(
                    "purchase is none of privacy, tokens, gift-card, abroad, cash-out, crypto"
                        .into(),
                );
            }
        };
        context.channel = words.channel(self.channel);
        context.contact = contact(self.contact);
        Ok(context)
    }
}

/// True for `@name` with at least three letters, digits or underscores; not for an e-mail address.
fn has_handle(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(n, b)| {
        *b == b'@'
            && (n == 0 || !bytes[n - 1].is_ascii_alphanumeric())
            && bytes[n + 1..]
                .iter()
                .take_while(|c| c.is_ascii_alphanumeric() || **c == b'_')
                .count()
                >= 3
    })
}

/// A hash of a telephone number or address (32-bit FNV-1a over its ASCII letters and digits); 0 if
/// it has none.
fn contact(text: &str) -> u32 {
    // Offset basis and prime of 32-bit FNV-1a.
    let mut hash = 0x811c_9dc5u32;
    let mut any = false;
    // Punctuation and blanks differ between sources: `+63 917` and `63917` are one contact.
    for b in text.bytes().filter(u8::is_ascii_alphanumeric) {
        any = true;
        hash = (hash ^ u32::from(b.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
    }
    // 0 means that the record has no contact.
    if any { hash.max(1) } else { 0 }
}

/// Builds a record from text fields; `Err` says why it can't.
pub(crate) fn record_of_texts<'a>(
    number: u64,
    field: &dyn Fn(usize) -> &'a str,
    words: &mut Channels,
) -> Result<Record<'a>, String> {
    let time = moment(field(at::TS)).map_err(|why| format!("ts {why}"))?;
    let optional = Optional {
        relationship: field(at::RELATIONSHIP),
        reference: field(at::REFERENCE),
        birth_year: field(at::BIRTH_YEAR),
        tie: field(at::TIE),
        purchase: field(at::PURCHASE),
        channel: field(at::CHANNEL),
        contact: field(at::CONTACT),
    };
    let offset = field(at::OFFSET).trim();
    let zone_minutes = if offset.is_empty() {
        time.zone_minutes
    } else {
        Some(zone(
            offset
                .parse()
                .map_err(|_| "utc_offset_minutes isn't a number")?,
        )?)
    };
    Ok(Record {
        number,
        tx: Id::of(field(at::TX).trim()),
        sender: Id::of(field(at::SENDER).trim()),
        recipient: Id::of(field(at::RECEIVER).trim()),
        at_micros: time.at_micros,
        zone_minutes,
        zone_missing: time.zone_missing,
        amount: obhut_typologies::Amount::Text(field(at::AMOUNT)),
        currency: field(at::CURRENCY).trim().as_bytes(),
        from: field(at::SRC).trim().as_bytes(),
        to: field(at::DST).trim().as_bytes(),
        context: optional.context(words, time.at_micros)?,
    })
}

/// Checks an offset from UTC, in minutes: at most 14 hours either way.
pub(crate) fn zone(minutes: i64) -> Result<i16, String> {
    // UTC+14 is the largest offset in use (Line Islands).
    if (-840..=840).contains(&minutes) {
        Ok(minutes as i16)
    } else {
        Err("utc_offset_minutes is more than 14 hours from UTC".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_references_are_noted_and_nothing_else() {
        let check = |reference: &str| {
            let optional = Optional {
                reference,
                ..Optional::default()
            };
            let c = optional.context(&mut Channels::default(), 0).unwrap();
            (c.handle, c.cover)
        };
        assert_eq!(check("school uniform"), (false, true));
        assert_eq!(check("for @maria_23"), (true, false));
        assert_eq!(check("mail maria@example.com"), (false, false));
        assert_eq!(check("Rent March"), (false, false));
        // Formatting does not make it another contact.
        assert_eq!(contact("+63 917 000"), contact("63917000"));
        assert_ne!(contact("a"), 0);
        assert_eq!(contact(""), 0);
    }
}
