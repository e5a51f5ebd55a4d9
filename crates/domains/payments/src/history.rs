//! History, partitioned by party: each party is in exactly one part, and each part is assessed
//! separately. What doesn't fit in memory goes to a file that no other process can open.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use obhut_typologies::{
    Context, Country, Currency, LinkKnown, Packed, PartyKey, Purchase, Transfer,
};
use obhut_vault::Sealer;

/// Number of parts: 256, because the top byte of the mixed key selects the part.
pub const PARTS: usize = 256;

/// Memory that the transfers of one history may take, in bytes; above it all parts go to files. Our
/// judgement.
const HELD_BYTES_MAX: usize = 3 << 30;
/// Bytes of a transfer in a file.
pub(super) const ROW_BYTES: usize = 72;
/// How often the size is checked, in transfers. Our judgement.
const LOOK_EVERY: usize = 1 << 18;

/// The transfers whose sender (or recipient, as the history is spread) `part_of` assigns to this
/// part.
#[derive(Default)]
pub struct Part {
    tx: Packed,
    sender: Packed,
    recipient: Packed,
    at: Packed,
    amount: Packed,
    currency: Packed,
    countries: Packed,
    zone: Packed,
    context: Packed,
    contact: Packed,
    spilled: Option<Spilled>,
}

/// Transfers in an anonymous file, encrypted with a key that only this process has and that is lost
/// when it ends.
struct Spilled {
    file: File,
    rows: usize,
    sealer: Sealer,
}

/// Transfers sealed together: 4.5 MiB before they are sealed. Our judgement.
const FRAME_ROWS: usize = 1 << 16;

impl Part {
    /// Adds a transfer.
    pub fn push(&mut self, t: &Transfer) {
        self.tx.push(t.tx);
        self.sender.push(t.sender.0);
        self.recipient.push(t.recipient.0);
        self.at.push(t.at_micros as u64);
        self.amount.push(t.amount_minor as u64);
        self.currency.push(u64::from(t.currency.number()));
        self.countries
            .push(u64::from(t.from.number()) << 16 | u64::from(t.to.number()));
        // Shifted above zero: 0 is "none", and a negative offset would take eight bytes packed.
        self.zone.push(
            t.zone_minutes
                .map_or(0, |z| (i64::from(z) + 100_000) as u64),
        );
        self.context.push(context_bits(&t.context));
        self.contact.push(u64::from(t.context.contact));
    }

    /// Number of transfers, in memory and in the file.
    pub fn len(&self) -> usize {
        self.at.len() + self.spilled.as_ref().map_or(0, |s| s.rows)
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The transfer at that index among those in memory.
    ///
    /// # Panics
    /// The index is out of bounds; after a spill, `len` counts more than are in memory.
    pub fn get(&self, i: usize) -> Transfer {
        let countries = self.countries.get(i);
        let mut context = context_of(self.context.get(i));
        context.contact = self.contact.get(i) as u32;
        Transfer {
            tx: self.tx.get(i),
            sender: PartyKey(self.sender.get(i)),
            recipient: PartyKey(self.recipient.get(i)),
            at_micros: self.at.get(i) as i64,
            amount_minor: self.amount.get(i) as i64,
            currency: Currency::from_number(self.currency.get(i) as u8).expect("a currency"),
            from: Country::from_number((countries >> 16) as u16),
            to: Country::from_number(countries as u16),
            zone_minutes: match self.zone.get(i) {
                0 => None,
                z => Some((z as i64 - 100_000) as i16),
            },
            context,
        }
    }

    /// Takes all transfers and leaves the part empty.
    ///
    /// # Errors
    /// The file with the rest can't be read.
    pub fn take(&mut self) -> io::Result<Vec<Transfer>> {
        let mut all = Vec::with_capacity(self.len());
        if let Some(mut spilled) = self.spilled.take() {
            let damaged = || {
                io::Error::other(
                    "a temporary file does not hold what was written to it; check the disk",
                )
            };
            spilled.file.seek(SeekFrom::Start(0))?;
            let mut file = io::BufReader::with_capacity(1 << 20, spilled.file);
            while all.len() < spilled.rows {
                let mut length = [0; 8];
                file.read_exact(&mut length)?;
                let mut sealed = Vec::new();
                let length = u64::from_le_bytes(length);
                file.by_ref().take(length).read_to_end(&mut sealed)?;
                let plain = spilled.sealer.open(&sealed).ok_or_else(damaged)?;
                for row in plain.chunks_exact(ROW_BYTES) {
                    all.push(from_bytes(row.try_into().expect("a row's bytes")));
                }
            }
        }
        // Last: what is in memory came after what is in the file.
        all.extend((0..self.at.len()).map(|i| self.get(i)));
        *self = Part::default();
        Ok(all)
    }

    pub(super) fn bytes(&self) -> usize {
        [
            &self.tx,
            &self.sender,
            &self.recipient,
            &self.at,
            &self.amount,
            &self.currency,
            &self.countries,
            &self.zone,
            &self.context,
            &self.contact,
        ]
        .iter()
        .map(|c| c.bytes())
        .sum()
    }

    /// Adds all transfers of another part, none of which may be in a file.
    pub(super) fn append(&mut self, other: &Part) {
        for i in 0..other.at.len() {
            self.push(&other.get(i));
        }
    }

    /// Moves what is in memory to the end of the file.
    pub(super) fn spill(&mut self) -> io::Result<()> {
        let rows = self.at.len();
        let mut spilled = match self.spilled.take() {
            Some(kept) => kept,
            None => Spilled {
                file: tempfile::tempfile()?,
                rows: 0,
                sealer: Sealer::generate().0,
            },
        };
        spilled.file.seek(SeekFrom::End(0))?;
        let mut at = 0;
        // In frames, so that sealing never copies the whole part.
        while at < rows {
            let end = rows.min(at + FRAME_ROWS);
            let mut plain = Vec::with_capacity((end - at) * ROW_BYTES);
            for i in at..end {
                plain.extend(to_bytes(&self.get(i)));
            }
            let sealed = spilled.sealer.seal(&plain);
            spilled
                .file
                .write_all(&(sealed.len() as u64).to_le_bytes())?;
            spilled.file.write_all(&sealed)?;
            at = end;
        }
        spilled.rows += rows;
        *self = Part {
            spilled: Some(spilled),
            ..Part::default()
        };
        Ok(())
    }
}

/// Transfers, spread over parts by sender or by recipient.
pub struct History {
    parts: Vec<Part>,
    by_sender: bool,
    pushed: usize,
    held_bytes_max: usize,
    fault: Option<io::Error>,
}

impl History {
    /// An empty history, spread by sender or, if false, by recipient.
    pub fn new(by_sender: bool) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Part::default()).collect(),
            by_sender,
            pushed: 0,
            held_bytes_max: HELD_BYTES_MAX,
            fault: None,
        }
    }

    /// With another bound on its memory, in bytes.
    #[must_use]
    pub fn with_held_bytes_max(mut self, bytes: usize) -> Self {
        self.held_bytes_max = bytes;
        self
    }

    /// Adds a transfer. A failed write to a file is reported by [`History::again`] and
    /// [`History::into_parts`].
    pub fn push(&mut self, t: &Transfer) {
        let party = if self.by_sender {
            t.sender
        } else {
            t.recipient
        };
        self.parts[part_of(party)].push(t);
        self.pushed += 1;
        if self.pushed.is_multiple_of(LOOK_EVERY) {
            self.look();
        }
    }

    fn look(&mut self) {
        let held: usize = self.parts.iter().map(Part::bytes).sum();
        // After a failure nothing more goes to files; `again` and `into_parts` report it.
        if held <= self.held_bytes_max || self.fault.is_some() {
            return;
        }
        for part in &mut self.parts {
            if let Err(e) = part.spill() {
                self.fault = Some(e);
                return;
            }
        }
    }

    /// The bound on its memory, in bytes.
    pub(super) fn held_bytes_max(&self) -> usize {
        self.held_bytes_max
    }

    /// Number of transfers.
    pub fn len(&self) -> usize {
        self.pushed
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// A copy of the history, for a second run over it.
    ///
    /// # Errors
    /// Its files can't be read or written, now or earlier. After an error the history is
    /// incomplete.
    pub fn again(&mut self) -> io::Result<History> {
        if let Some(e) = self.fault.take() {
            return Err(e);
        }
        let mut copy = History::new(self.by_sender).with_held_bytes_max(self.held_bytes_max);
        for part in &mut self.parts {
            let spilled = part.spilled.is_some();
            // One part at a time: only its transfers are unpacked. The copy has its own bound, so the two may hold twice as
            // much together.
            let all = part.take()?;
            for t in &all {
                copy.push(t);
                part.push(t);
            }
            if spilled {
                part.spill()?;
            }
        }
        Ok(copy)
    }

    /// The parts.
    ///
    /// # Errors
    /// Something could not be written to a file.
    pub fn into_parts(self) -> io::Result<Vec<Part>> {
        match self.fault {
            Some(e) => Err(e),
            None => Ok(self.parts),
        }
    }
}

/// The part of a party.
pub(super) fn part_of(party: PartyKey) -> usize {
    // Multiplied by 2^64 divided by the golden ratio, so that consecutive keys spread. The top eight bits: PARTS must
    // stay 256.
    (party.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

fn context_bits(c: &Context) -> u64 {
    // The journal stores these bits: more may be added, none may move. `handle`: the payment's
    // reference holds a social handle; `cover`: it is a published cover label.
    u64::from(c.kin)
        | u64::from(c.handle) << 1
        | u64::from(c.cover) << 2
        | (c.tie as u64) << 3
        | (c.purchase as u64) << 5
        | u64::from(c.age_years) << 8
        | u64::from(c.channel) << 16
}

fn context_of(bits: u64) -> Context {
    Context {
        kin: bits & 1 != 0,
        handle: bits & 2 != 0,
        cover: bits & 4 != 0,
        tie: match bits >> 3 & 3 {
            1 => LinkKnown::Linked,
            2 => LinkKnown::NotLinked,
            _ => LinkKnown::Unknown,
        },
        purchase: Purchase::ALL
            .get((bits >> 5 & 7) as usize)
            .copied()
            .unwrap_or_default(),
        age_years: (bits >> 8) as u8,
        channel: (bits >> 16) as u8,
        contact: 0,
    }
}

/// A transfer in 72 bytes, little-endian; also what the journal of live transfers holds.
pub(super) fn to_bytes(t: &Transfer) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    // The currency is its index in CURRENCIES. Trap: that table is in alphabetical order (a test
    // checks it), so adding a currency shifts the ones behind it and changes what older journals
    // mean.
    let words = [
        t.sender.0,
        t.recipient.0,
        t.at_micros as u64,
        t.amount_minor as u64,
        u64::from(t.currency.number())
            | u64::from(t.from.number()) << 8
            | u64::from(t.to.number()) << 24,
        t.zone_minutes
            .map_or(0, |z| (i64::from(z) + 100_000) as u64),
        context_bits(&t.context),
        u64::from(t.context.contact),
        t.tx,
    ];
    for (at, word) in words.iter().enumerate() {
        row[at * 8..at * 8 + 8].copy_from_slice(&word.to_le_bytes());
    }
    row
}

pub(super) fn from_bytes(row: &[u8; ROW_BYTES]) -> Transfer {
    let word =
        |at: usize| u64::from_le_bytes(row[at * 8..at * 8 + 8].try_into().expect("eight bytes"));
    let mut context = context_of(word(6));
    context.contact = word(7) as u32;
    Transfer {
        tx: word(8),
        sender: PartyKey(word(0)),
        recipient: PartyKey(word(1)),
        at_micros: word(2) as i64,
        amount_minor: word(3) as i64,
        // Only a newer version writes another number, and its database is refused before the
        // journal is read.
        currency: Currency::from_number(word(4) as u8).unwrap_or_else(usd),
        from: Country::from_number((word(4) >> 8) as u16),
        to: Country::from_number((word(4) >> 24) as u16),
        zone_minutes: match word(5) {
            0 => None,
            z => Some((z as i64 - 100_000) as i16),
        },
        context,
    }
}

fn usd() -> Currency {
    Currency::new(b"USD").expect("a currency")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(n: u64) -> Transfer {
        // The extremes: top bit set, an offset below zero, the highest kind of purchase.
        Transfer {
            tx: n + 1,
            sender: PartyKey(n % 7),
            recipient: PartyKey((1 << 63) | (n % 11)),
            at_micros: n as i64 * 1_000_003,
            amount_minor: 1 + n as i64 * 5,
            currency: Currency::new(if n.is_multiple_of(2) { b"EUR" } else { b"JPY" }).unwrap(),
            from: Country::new(b"DE").unwrap(),
            to: Country::UNKNOWN,
            zone_minutes: n.is_multiple_of(3).then_some(-330),
            context: Context {
                kin: n % 2 == 1,
                handle: true,
                tie: LinkKnown::NotLinked,
                age_years: 44,
                channel: 200,
                purchase: Purchase::Crypto,
                contact: n as u32,
                ..Context::default()
            },
        }
    }

    #[test]
    fn history_comes_back_from_memory_and_from_files() {
        for held in [usize::MAX, 0] {
            let mut part = Part::default();
            let all: Vec<Transfer> = (0..1_000).map(transfer).collect();
            for (n, t) in all.iter().enumerate() {
                part.push(t);
                assert_eq!(from_bytes(&to_bytes(t)), *t);
                // Three spills and 100 left in memory: both must come back in order.
                if held == 0 && n % 300 == 299 {
                    part.spill().unwrap();
                }
            }
            assert_eq!(part.len(), 1_000);
            assert_eq!(part.take().unwrap(), all);
            assert!(part.is_empty());
        }
    }
}
