//! Turns records, as readers find them, into validated transfers; everything else is a problem with
//! file, record and reason. After [`Transfers::end`], read = processed + problems.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{Context, Country, Currency, DAY_MICROS, PartyKey, Transfer, amount_minor_from_f64};

/// Longest id, in bytes. Our judgement.
const ID_BYTES_MAX: usize = 256;
/// Highest amount, in minor units: ten billion units of a currency with cents. Our judgement.
const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
/// Earliest moment, 1990-01-01. Our judgement.
const AT_MICROS_MIN: i64 = 7_305 * DAY_MICROS;
/// How far ahead of the clock a transfer may be dated, in days. Our judgement.
const AHEAD_DAYS_MAX: i64 = 366;
/// A record this much older than the newest before it is out of order, in microseconds. Our
/// judgement.
const LATE_MICROS: i64 = DAY_MICROS;
/// A record this much newer than all before it waits until later records confirm its date, in
/// microseconds. Our judgement.
const GAP_MICROS: i64 = 30 * DAY_MICROS;
/// With more strays than this, and more than one per cent of the file's records read so far, the
/// file counts as unsorted. Our judgement.
const STRAYS_MIN: usize = 10;
/// Problems kept in full; the rest are only counted. Our judgement.
const PROBLEMS_KEPT_MAX: usize = 100_000;

const EARLY: &str =
    "it is dated more than a day before a record above it; move it to its place in time";
const AHEAD: &str = "it is dated more than 30 days after the records above it, and the records below it are earlier; move it to its place in time";
const SAME: &str = "the same transfer came before under this tx_id; it counts once";
const OTHER: &str = "another transfer already has this tx_id; give each its own";

/// An id as written in a file: whole numbers stay numbers, so `7` and `07` are two parties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Id<'a> {
    /// A whole number.
    Number(i64),
    /// A whole number above `i64::MAX`.
    Large(u64),
    /// Anything else.
    Text(&'a str),
}

impl<'a> Id<'a> {
    /// Reads a text as a number if it is a whole number up to `i64::MAX` without a sign or a
    /// leading zero; any other is text.
    pub fn of(text: &'a str) -> Id<'a> {
        // 19 digits may fit in an i64: then it is the same id as in a column of integers.
        let digits = text.len() <= 19
            && !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        match text.parse() {
            Ok(n) if digits => Id::Number(n),
            _ => Id::Text(text),
        }
    }
}

/// An amount as written in a file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Amount<'a> {
    /// Decimal text: `35.00`.
    Text(&'a str),
    /// A binary fraction.
    Float(f64),
    /// An integer and the number of its digits after the decimal point.
    Decimal(i128, u32),
}

/// A transfer as a reader found it, not yet validated.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Which record of its file, from 1.
    pub number: u64,
    /// Id of the transfer.
    pub tx: Id<'a>,
    /// Who pays.
    pub sender: Id<'a>,
    /// Who is paid.
    pub recipient: Id<'a>,
    /// When, microseconds since 1970, UTC.
    pub at_micros: i64,
    /// The sender's UTC offset in minutes, where the record gives it.
    pub zone_minutes: Option<i16>,
    /// The time came without any zone and was taken for UTC.
    pub zone_missing: bool,
    /// How much.
    pub amount: Amount<'a>,
    /// ISO 4217.
    pub currency: &'a [u8],
    /// ISO 3166-1 alpha-2, or empty.
    pub from: &'a [u8],
    /// ISO 3166-1 alpha-2, or empty.
    pub to: &'a [u8],
    /// What else is known.
    pub context: Context,
}

/// A record that could not be used. The reason names fields and limits, never a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransferProblem {
    /// Which file.
    pub file: String,
    /// Which record of it, from 1.
    pub record: u64,
    /// Why, and what to do.
    pub why: String,
}

impl std::fmt::Display for TransferProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} record {}: {}", self.file, self.record, self.why)
    }
}

/// A file that can't be read at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFault {
    /// Which.
    pub file: String,
    /// Why, and what to do.
    pub why: String,
}

impl std::fmt::Display for FileFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.why)
    }
}

impl std::error::Error for FileFault {}

/// What was done to records without making them problems.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Notices {
    /// Times without a zone, taken for UTC.
    pub zone_missing: u64,
    /// Amounts rounded to the minor unit, half to even.
    pub rounded: u64,
    /// Files that weren't in time order. Their transfers are handed over unsorted, for the caller
    /// to sort.
    pub sorted_files: u64,
    /// Transfers after the requested day, omitted from the windows.
    pub after_asof: u64,
    /// Transfers with neither a country of the sender nor a UTC offset; their hours are taken as
    /// UTC.
    pub country_missing: u64,
}

/// Counts of records by result.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Read.
    pub read: u64,
    /// Processed.
    pub processed: u64,
    /// Could not be used.
    pub problems: u64,
    /// The first 100,000 of those, in full.
    pub kept: Vec<TransferProblem>,
    /// What was done to records.
    pub notices: Notices,
}

/// What parties are called.
#[derive(Default)]
pub struct Names {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

/// Numbers from here on are interned texts.
const TEXT: u64 = 1 << 63;

impl Names {
    /// The key of a party; the same id has the same key in every file.
    pub fn key(&mut self, id: Id<'_>) -> PartyKey {
        match id {
            Id::Number(n) if n >= 0 => PartyKey(n as u64),
            // A negative number would have the bit that marks texts.
            Id::Number(n) => self.text(&n.to_string()),
            Id::Large(n) => self.text(&n.to_string()),
            Id::Text(t) => match Id::of(t) {
                Id::Number(n) => PartyKey(n as u64),
                Id::Large(n) => self.text(&n.to_string()),
                Id::Text(t) => self.text(t),
            },
        }
    }

    fn text(&mut self, text: &str) -> PartyKey {
        let number = match self.numbers.get(text) {
            Some(n) => *n,
            None => {
                let n = self.texts.len() as u32;
                self.texts.push(text.into());
                self.numbers.insert(text.into(), n);
                n
            }
        };
        PartyKey(TEXT | u64::from(number))
    }

    /// True when an id was stored as text; negative numbers and those above `i64::MAX` are, too.
    pub fn has_texts(&self) -> bool {
        !self.texts.is_empty()
    }

    /// What a party is called.
    ///
    /// # Panics
    /// The key is a text's and came from other `Names`.
    pub fn name(&self, key: PartyKey) -> String {
        if key.0 & TEXT == 0 {
            return key.0.to_string();
        }
        self.texts[(key.0 & !TEXT) as usize].to_string()
    }
}

/// Turns records into transfers: validates them, assigns keys, and finds duplicates and what is out
/// of order.
pub struct Transfers {
    /// What parties are called.
    pub names: Names,
    /// Counts of records by result.
    pub counted: Counted,
    /// What transfers are called; `None` unless [`Self::keeping_tx`] was called, because these
    /// names make history larger.
    pub tx_names: Option<Names>,
    seen: Seen,
    /// Latest date a transfer may have, microseconds since 1970.
    latest: i64,
    file: String,
    newest: i64,
    /// Records of this file that are out of order, until it is known whether the file is sorted at
    /// all.
    strays: Vec<(u64, Transfer, &'static str)>,
    /// Records dated far ahead of all before, until later records confirm or refute them.
    ahead: Vec<(u64, Transfer)>,
    in_file: usize,
    unordered: bool,
}

impl Transfers {
    /// `now` is in microseconds since 1970; a transfer dated more than 366 days after it is a
    /// problem.
    pub fn new(now: i64) -> Self {
        Self {
            names: Names::default(),
            counted: Counted::default(),
            tx_names: None,
            seen: Seen::default(),
            latest: now.saturating_add(AHEAD_DAYS_MAX * DAY_MICROS),
            file: String::new(),
            newest: i64::MIN,
            strays: Vec::new(),
            ahead: Vec::new(),
            in_file: 0,
            unordered: false,
        }
    }

    /// Keeps transfer ids, so that they can be displayed.
    #[must_use]
    pub fn keeping_tx(mut self) -> Self {
        self.tx_names = Some(Names::default());
        self
    }

    /// Numeric id of a transfer, from 1; 0 if ids aren't kept.
    pub fn tx(&mut self, id: Id<'_>) -> u64 {
        match &mut self.tx_names {
            Some(names) => names.key(id).0 + 1,
            None => 0,
        }
    }

    /// What a transfer is called; `None` if ids aren't kept ([`Self::keeping_tx`]).
    pub fn tx_name(&self, tx: u64) -> Option<String> {
        let names = self.tx_names.as_ref()?;
        Some(names.name(PartyKey(tx.checked_sub(1)?)))
    }

    /// Begins another file. For a previous file, call [`Self::end`] first.
    pub fn begin(&mut self, file: &str) {
        file.clone_into(&mut self.file);
        self.newest = i64::MIN;
        self.in_file = 0;
        self.unordered = false;
    }

    /// Takes a record of the file. `put` gets each transfer that can be used, now or in a later
    /// call once the order is clear.
    pub fn take(&mut self, record: &Record<'_>, put: &mut dyn FnMut(Transfer)) {
        self.counted.read += 1;
        self.in_file += 1;
        match self.check(record) {
            Ok(transfer) => self.in_order(record.number, transfer, put),
            Err(why) => self.problem(record.number, why),
        }
    }

    /// The latest moment a transfer may have.
    pub fn latest(&self) -> i64 {
        self.latest
    }

    /// The same as [`Self::take`], for a record that another thread has validated.
    pub fn admit(&mut self, number: u64, prepared: &Prepared, put: &mut dyn FnMut(Transfer)) {
        self.counted.read += 1;
        self.in_file += 1;
        let mut transfer = prepared.transfer;
        let tx = Id::Number(prepared.tx);
        transfer.tx = self.tx(tx);
        self.note(prepared.noted);
        // Found here, in the order of the file, not by the threads that prepared the records.
        match self.seen.note(tx, &transfer) {
            Before::Never => self.in_order(number, transfer, put),
            Before::Same => self.problem(number, SAME.into()),
            Before::Other => self.problem(number, OTHER.into()),
        }
    }

    fn in_order(&mut self, number: u64, transfer: Transfer, put: &mut dyn FnMut(Transfer)) {
        let at = transfer.at_micros;
        // The first record of a file has nothing to be early or late against.
        if !self.unordered && self.newest != i64::MIN {
            // Far ahead of all before: it counts as a stray, unless later records confirm it.
            if at - self.newest > GAP_MICROS {
                self.ahead.push((number, transfer));
                // Eleven dates far ahead confirm one another: the gap in the file is real.
                if self.ahead.len() > STRAYS_MIN {
                    self.take_ahead(put);
                }
                return;
            }
            if self.newest - at > LATE_MICROS {
                self.strays.push((number, transfer, EARLY));
                self.give_up_order(put);
                return;
            }
            // The file continues at an earlier date, so those dates far ahead were wrong.
            for (record, stray) in std::mem::take(&mut self.ahead) {
                self.strays.push((record, stray, AHEAD));
            }
            self.give_up_order(put);
        }
        self.newest = self.newest.max(at);
        self.counted.processed += 1;
        put(transfer);
    }

    /// With too many strays, the file is in no order: accepts them, and all that wait.
    fn give_up_order(&mut self, put: &mut dyn FnMut(Transfer)) {
        // Both limits: ten strays in a short file, one per cent in a long one.
        if self.strays.len() <= STRAYS_MIN.max(self.in_file / 100) {
            return;
        }
        self.unordered = true;
        self.counted.notices.sorted_files += 1;
        for (_, stray, _) in std::mem::take(&mut self.strays) {
            self.counted.processed += 1;
            put(stray);
        }
        self.take_ahead(put);
    }

    /// Accepts the records that waited because they are dated far ahead.
    fn take_ahead(&mut self, put: &mut dyn FnMut(Transfer)) {
        for (_, transfer) in std::mem::take(&mut self.ahead) {
            self.newest = self.newest.max(transfer.at_micros);
            self.counted.processed += 1;
            put(transfer);
        }
    }

    /// Counts a record that the reader couldn't parse as a problem.
    pub fn unreadable(&mut self, record: u64, why: impl Into<String>) {
        self.counted.read += 1;
        self.in_file += 1;
        self.problem(record, why.into());
    }

    /// Ends the file: accepts the records that are still waiting far ahead, and reports the strays
    /// as problems.
    pub fn end(&mut self, put: &mut dyn FnMut(Transfer)) {
        self.take_ahead(put);
        for (record, _, why) in std::mem::take(&mut self.strays) {
            self.problem(record, why.into());
        }
    }

    fn problem(&mut self, record: u64, why: String) {
        self.counted.problems += 1;
        if self.counted.kept.len() < PROBLEMS_KEPT_MAX {
            let file = self.file.clone();
            self.counted
                .kept
                .push(TransferProblem { file, record, why });
        }
    }

    /// Validates a record and refuses a tx_id that came before. The error names fields, never their
    /// values.
    fn check(&mut self, r: &Record<'_>) -> Result<Transfer, String> {
        let transfer = self.validate(r)?;
        // After validation: a refused record does not use up its tx_id.
        match self.seen.note(r.tx, &transfer) {
            Before::Never => Ok(transfer),
            Before::Same => Err(SAME.into()),
            Before::Other => Err(OTHER.into()),
        }
    }

    /// Turns a record into a transfer, without looking for duplicates or order.
    ///
    /// # Errors
    /// Why the record can't be used, in a sentence that names fields and limits.
    pub fn validate(&mut self, r: &Record<'_>) -> Result<Transfer, String> {
        for (name, id) in [
            ("tx_id", r.tx),
            ("sender", r.sender),
            ("receiver", r.recipient),
        ] {
            // Numbers need neither test: they are never empty and have at most 20 digits.
            if let Id::Text(text) = id {
                if text.is_empty() {
                    return Err(format!("{name} is missing"));
                }
                if text.len() > ID_BYTES_MAX {
                    return Err(format!("{name} is longer than {ID_BYTES_MAX} bytes"));
                }
            }
        }
        // Before the names: a refused record must not leave any behind.
        let (plain, noted) = plain(r, self.latest)?;
        let transfer = Transfer {
            tx: self.tx(r.tx),
            sender: self.names.key(r.sender),
            recipient: self.names.key(r.recipient),
            ..plain
        };
        self.note(noted);
        Ok(transfer)
    }

    fn note(&mut self, noted: Noted) {
        let notices = &mut self.counted.notices;
        notices.zone_missing += u64::from(noted.zone_missing);
        notices.rounded += u64::from(noted.rounded);
        notices.country_missing += u64::from(noted.country_missing);
    }
}

/// What was done to a record.
#[derive(Clone, Copy, Debug)]
struct Noted {
    zone_missing: bool,
    rounded: bool,
    country_missing: bool,
}

/// A record that another thread has validated, except for duplicates and order.
#[derive(Clone, Copy, Debug)]
pub struct Prepared {
    tx: i64,
    transfer: Transfer,
    noted: Noted,
}

/// Result of preparing a record on another thread.
#[derive(Clone, Debug)]
pub enum Preparation {
    /// It can be admitted.
    Ready(Prepared),
    /// It can't be used.
    Problem(String),
    /// An id isn't a whole number from 0 to `i64::MAX`: give the record to [`Transfers::take`],
    /// which alone gives numbers to texts.
    Texts,
}

/// Validates a record whose ids are whole numbers; `latest` is [`Transfers::latest`].
pub fn prepare(r: &Record<'_>, latest: i64) -> Preparation {
    let (Id::Number(tx @ 0..), Id::Number(sender @ 0..), Id::Number(recipient @ 0..)) =
        (r.tx, r.sender, r.recipient)
    else {
        return Preparation::Texts;
    };
    match plain(r, latest) {
        Err(why) => Preparation::Problem(why),
        Ok((plain, noted)) => Preparation::Ready(Prepared {
            tx,
            transfer: Transfer {
                sender: PartyKey(sender as u64),
                recipient: PartyKey(recipient as u64),
                ..plain
            },
            noted,
        }),
    }
}

/// Validates everything in a record except its ids.
fn plain(r: &Record<'_>, latest: i64) -> Result<(Transfer, Noted), String> {
    let currency = Currency::new(r.currency).ok_or_else(|| {
        "currency isn't a known ISO 4217 code; write three capital letters, such as EUR".to_owned()
    })?;
    if !(AT_MICROS_MIN..=latest).contains(&r.at_micros) {
        return Err("ts is before 1990 or more than 366 days ahead".into());
    }
    let (amount_minor, rounded) = minor(r.amount, currency.entry().digits)?;
    if amount_minor <= 0 {
        return Err("amount must be above zero; a return is a transfer the other way".into());
    }
    if amount_minor > AMOUNT_MINOR_MAX {
        return Err(format!("amount is above {AMOUNT_MINOR_MAX} minor units"));
    }
    let country = |name: &str, code: &[u8]| match code {
        [] => Ok(Country::UNKNOWN),
        code => Country::new(code)
            .ok_or_else(|| format!("{name} isn't a country code of two capital letters")),
    };
    let from = country("src_country", r.from)?;
    let to = country("dst_country", r.to)?;
    // The ids follow in the callers: only one thread may number them.
    let transfer = Transfer {
        tx: 0,
        sender: PartyKey(0),
        recipient: PartyKey(0),
        at_micros: r.at_micros,
        amount_minor,
        currency,
        from,
        to,
        zone_minutes: r.zone_minutes,
        context: r.context,
    };
    let noted = Noted {
        zone_missing: r.zone_missing,
        rounded,
        country_missing: from == Country::UNKNOWN && r.zone_minutes.is_none(),
    };
    Ok((transfer, noted))
}

/// An amount in minor units, rounded half to even, and whether it had to be.
pub(super) fn minor(amount: Amount<'_>, digits: u32) -> Result<(i64, bool), String> {
    let no_amount = || "amount isn't a number such as 35.00".to_owned();
    match amount {
        Amount::Float(value) => amount_minor_from_f64(value, digits)
            .ok_or_else(|| "amount isn't a number, or is above 9e15 minor units".into()),
        Amount::Decimal(unscaled, scale) => scaled(unscaled, scale, digits).ok_or_else(no_amount),
        Amount::Text(text) => {
            let text = text.trim();
            let (sign, plain) = match text.strip_prefix('-') {
                Some(rest) => (-1, rest),
                None => (1, text),
            };
            let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
            let fine = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
            // 36 digits always fit in an i128, which holds 1.7e38.
            if whole.is_empty() || plain.len() > 36 || !fine(whole) || !fine(fraction) {
                return Err(no_amount());
            }
            let unscaled: i128 = format!("{whole}{fraction}")
                .parse()
                .map_err(|_| no_amount())?;
            scaled(sign * unscaled, fraction.len() as u32, digits).ok_or_else(no_amount)
        }
    }
}

fn scaled(unscaled: i128, scale: u32, digits: u32) -> Option<(i64, bool)> {
    if scale <= digits {
        let value = unscaled.checked_mul(10i128.checked_pow(digits - scale)?)?;
        return Some((i64::try_from(value).ok()?, false));
    }
    let by = 10i128.checked_pow(scale - digits)?;
    // Euclidean: the remainder is never negative, so one rule rounds both signs.
    let (quotient, rest) = (unscaled.div_euclid(by), unscaled.rem_euclid(by));
    // Not `rest * 2`: with 38 decimals that is beyond an i128.
    let up = rest > by - rest || (rest == by - rest && quotient % 2 != 0);
    let value = quotient + i128::from(up);
    Some((i64::try_from(value).ok()?, rest != 0))
}

/// The ids seen so far, each with the digest of its transfer. Rising ids, the usual case, need no
/// map.
#[derive(Default)]
struct Seen {
    rising: Vec<u64>,
    marks: Vec<u32>,
    others: HashMap<u64, u32>,
}

enum Before {
    Never,
    Same,
    Other,
}

impl Seen {
    fn note(&mut self, tx: Id<'_>, transfer: &Transfer) -> Before {
        let mark = mark(transfer);
        let id = match tx {
            Id::Text(text) => Id::of(text),
            number => number,
        };
        let before = match id {
            Id::Number(n) if n >= 0 => {
                let n = n as u64;
                // Rising ids cost 12 bytes each and need no map (docs/payments.md).
                match self.rising.last() {
                    Some(last) if *last >= n => match self.rising.binary_search(&n) {
                        Ok(at) => Some(self.marks[at]),
                        Err(_) => self.note_other(spread(n), mark),
                    },
                    _ => {
                        self.rising.push(n);
                        self.marks.push(mark);
                        // This id may have come before, among those that didn't rise.
                        if self.others.is_empty() {
                            None
                        } else {
                            self.others.get(&spread(n)).copied()
                        }
                    }
                }
            }
            Id::Number(n) => self.note_other(hash(n.to_string().as_str()), mark),
            Id::Large(n) => self.note_other(hash(n.to_string().as_str()), mark),
            Id::Text(text) => self.note_other(hash(text), mark),
        };
        match before {
            None => Before::Never,
            Some(m) if m == mark => Before::Same,
            Some(_) => Before::Other,
        }
    }

    fn note_other(&mut self, key: u64, mark: u32) -> Option<u32> {
        match self.others.entry(key) {
            std::collections::hash_map::Entry::Occupied(e) => Some(*e.get()),
            std::collections::hash_map::Entry::Vacant(e) => {
                e.insert(mark);
                None
            }
        }
    }
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn spread(n: u64) -> u64 {
    hash(&n)
}

/// A 32-bit digest of parties, time, amount, currency and countries. It finds accidental
/// differences, not forged ones.
pub fn mark(t: &Transfer) -> u32 {
    let mut x = 0u64;
    // Without the context: with another reference it is still the same transfer.
    for part in [
        t.sender.0,
        t.recipient.0,
        t.at_micros as u64,
        t.amount_minor as u64,
        u64::from(t.currency.number()),
        u64::from(t.from.number()) << 16 | u64::from(t.to.number()),
    ] {
        x = (x ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x ^= x >> 29;
    }
    // Multiplication carries upwards, so the low bits are mixed worst.
    (x >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, digits: u32, want: Option<(i64, bool)>) {
        assert_eq!(minor(Amount::Text(text), digits).ok(), want, "{text}");
    }

    #[test]
    fn the_widest_decimals_and_ids_are_read() {
        let widest = 5 * 10i128.pow(37);
        assert_eq!(scaled(widest, 38, 0), Some((0, true)), "half to even");
        assert_eq!(scaled(widest + 1, 38, 0), Some((1, true)));
        assert_eq!(Id::of("9223372036854775807"), Id::Number(i64::MAX));
        for text in ["9223372036854775808", "0123", "-1", ""] {
            assert_eq!(Id::of(text), Id::Text(text));
        }
    }

    #[test]
    fn amounts_are_exact_or_rounded_half_to_even() {
        check("35.00", 2, Some((3500, false)));
        check("35", 2, Some((3500, false)));
        // Half to even: 35.005 goes down to 35.00, 35.015 up to 35.02.
        check("35.005", 2, Some((3500, true)));
        check("35.015", 2, Some((3502, true)));
        check("35.0051", 2, Some((3501, true)));
        check("1500.4", 0, Some((1500, true)));
        check("-3.5", 2, Some((-350, false)));
        for text in [
            "",
            ".",
            "1,5",
            "1e3",
            "NaN",
            "0x1",
            "1.2.3",
            " - 1",
            "99999999999999999999999999999999999",
        ] {
            check(text, 2, None);
        }
        assert_eq!(minor(Amount::Float(0.1 + 0.2), 2).unwrap(), (30, false));
        // 15.905 * 100 is exactly 1590.5 as a double, so the tie goes down to the even 1590.
        assert_eq!(minor(Amount::Float(15.905), 2).unwrap().0, 1590);
        assert!(minor(Amount::Float(f64::NAN), 2).is_err());
        assert_eq!(
            minor(Amount::Decimal(159_000, 4), 2).unwrap(),
            (1590, false)
        );
    }

    fn record<'a>(number: u64, tx: &'a str, day: i64) -> Record<'a> {
        Record {
            number,
            tx: Id::of(tx),
            sender: Id::Text("a"),
            recipient: Id::Text("b"),
            at_micros: (20_000 + day) * DAY_MICROS,
            zone_minutes: None,
            zone_missing: true,
            amount: Amount::Text("10.00"),
            currency: b"EUR",
            from: b"DE",
            to: b"PH",
            context: Context::default(),
        }
    }

    #[test]
    fn whatever_comes_is_processed_or_a_problem() {
        let mut t = Transfers::new(30_000 * DAY_MICROS);
        let mut put = Vec::new();
        t.begin("a.csv");
        let rows = [
            record(1, "5", 0),
            record(2, "6", 1),
            record(3, "6", 1),
            Record {
                amount: Amount::Text("11.00"),
                ..record(4, "5", 1)
            },
            Record {
                currency: b"EUX",
                ..record(5, "x", 1)
            },
            Record {
                amount: Amount::Text("-1"),
                ..record(6, "y", 1)
            },
            Record {
                at_micros: 0,
                ..record(7, "z", 1)
            },
            record(8, "late", -30),
            record(9, "3", 2),
            record(10, "", 2),
        ];
        for r in &rows {
            t.take(r, &mut |x| put.push(x));
        }
        t.unreadable(11, "it is broken");
        t.end(&mut |x| put.push(x));
        let c = &t.counted;
        assert_eq!((c.read, c.processed, c.problems), (11, 3, 8));
        assert_eq!(put.len(), 3);
        // Record 8 comes last: a stray is only judged when the file ends.
        let numbers: Vec<u64> = c.kept.iter().map(|p| p.record).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7, 10, 11, 8]);
        assert!(c.kept.iter().all(|p| p.file == "a.csv"));
    }

    #[test]
    fn a_file_in_no_order_is_sorted_and_not_thrown_away() {
        let mut t = Transfers::new(30_000 * DAY_MICROS);
        let mut put = 0;
        t.begin("by-party.csv");
        let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        for n in 0..100 {
            t.take(
                &record(n + 1, &ids[n as usize], (n as i64 * 37) % 90),
                &mut |_| put += 1,
            );
        }
        t.end(&mut |_| put += 1);
        assert_eq!((put, t.counted.problems), (100, 0));
        assert_eq!(t.counted.notices.sorted_files, 1);
    }

    /// Regression: a file in the order of its senders, each with a payment now and one long after,
    /// lost two payments of three as wrong dates.
    #[test]
    fn a_file_in_the_order_of_senders_is_not_thrown_away() {
        let mut t = Transfers::new(30_000 * DAY_MICROS);
        let mut put = 0;
        t.begin("by-sender.csv");
        let ids: Vec<String> = (0..150).map(|n| n.to_string()).collect();
        for n in 0..150 {
            let day = (n as i64 % 3) * 40;
            t.take(&record(n + 1, &ids[n as usize], day), &mut |_| put += 1);
        }
        t.end(&mut |_| put += 1);
        assert_eq!((put, t.counted.problems), (150, 0));
        assert_eq!(t.counted.notices.sorted_files, 1);
    }

    #[test]
    fn one_wrong_date_ahead_costs_one_record() {
        let mut t = Transfers::new(30_000 * DAY_MICROS);
        let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let mut put = 0;
        t.begin("a.csv");
        for n in 0..100 {
            let day = if n == 40 { 400 } else { n };
            t.take(&record(n as u64 + 1, &ids[n as usize], day), &mut |_| {
                put += 1
            });
        }
        t.end(&mut |_| put += 1);
        assert_eq!(
            (put, t.counted.problems, t.counted.kept[0].record),
            (99, 1, 41)
        );
        // A gap with later records after it is a real gap.
        let mut t = Transfers::new(30_000 * DAY_MICROS);
        let mut put = 0;
        t.begin("b.csv");
        for n in 0..100 {
            let day = if n < 50 { n } else { n + 100 };
            t.take(&record(n as u64 + 1, &ids[n as usize], day), &mut |_| {
                put += 1
            });
        }
        t.end(&mut |_| put += 1);
        assert_eq!((put, t.counted.problems), (100, 0));
    }

    #[test]
    fn ids_are_text_and_numbers_alike() {
        let mut names = Names::default();
        assert_eq!(names.key(Id::Number(7)), names.key(Id::Text("7")));
        assert_ne!(names.key(Id::Text("07")), names.key(Id::Text("7")));
        // A leading zero, a sign, a space, too many digits: none may be read as another id.
        for id in ["7", "07", "-3", "DE89 3704", "999999999999999999999"] {
            let key = names.key(Id::of(id));
            assert_eq!(names.name(key), id);
        }
    }
}
