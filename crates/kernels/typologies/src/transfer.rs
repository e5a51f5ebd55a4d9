//! A transfer, as the kernel sees it: numbers and flags, no names.

use crate::currencies::Currency;
use crate::{Country, Policy};

/// A day, in microseconds.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// A party by a number that the caller gave it; the same number is the same party.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct PartyKey(pub u64);

/// The side of its transfers from which a party is assessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// It pays.
    Sender,
    /// It is paid.
    Recipient,
}

impl Side {
    /// `sender` or `recipient`.
    pub fn word(self) -> &'static str {
        match self {
            Side::Sender => "sender",
            Side::Recipient => "recipient",
        }
    }
}

/// What the party of an alert may be. A possible victim is never scored as a suspect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// May pay for abuse.
    PossibleBuyer,
    /// May take or pass on payments.
    PossibleFacilitator,
    /// May be blackmailed.
    PossibleVictim,
}

impl Role {
    /// `possible buyer`, `possible facilitator` or `possible victim`.
    pub fn word(self) -> &'static str {
        match self {
            Role::PossibleBuyer => "possible buyer",
            Role::PossibleFacilitator => "possible facilitator",
            Role::PossibleVictim => "possible victim",
        }
    }
}

/// What a card payment or withdrawal was for, where the caller knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Purchase {
    /// A transfer to a person, not a purchase.
    #[default]
    None,
    /// VPN, encryption, trace clearing, spyware, video capture.
    Privacy,
    /// Tokens of webcam, live-stream, adult or dating platforms.
    Tokens,
    /// Gift or prepaid cards.
    GiftCard,
    /// Cash, shop or jeweller abroad.
    Abroad,
    /// Cash taken out of the party's own account.
    CashOut,
    /// A payment to an address on a blockchain.
    Crypto,
}

impl Purchase {
    /// Every kind, in the order of its number.
    pub const ALL: [Purchase; 7] = [
        Purchase::None,
        Purchase::Privacy,
        Purchase::Tokens,
        Purchase::GiftCard,
        Purchase::Abroad,
        Purchase::CashOut,
        Purchase::Crypto,
    ];
}

/// Whether the payer has a known link to where the money goes, such as nationality, birth or
/// family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LinkKnown {
    /// Not stated.
    #[default]
    Unknown,
    /// There is one.
    Linked,
    /// It was looked for, and there is none.
    NotLinked,
}

/// Further known facts besides parties, time, amount and place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Context {
    /// The payer says, or the bank knows, that they are family.
    pub kin: bool,
    /// The reference text holds a social handle.
    pub handle: bool,
    /// The reference text is one of the published cover labels.
    pub cover: bool,
    /// The payer's link to the destination.
    pub tie: LinkKnown,
    /// Age of the sender in years; 0 is unknown. Read only where the policy says so.
    pub age_years: u8,
    /// Provider or channel, as a number of the caller; 0 is unknown.
    pub channel: u8,
    /// What was bought.
    pub purchase: Purchase,
    /// Telephone or address of the recipient, as a number of the caller; 0 is unknown.
    pub contact: u32,
}

/// A payment from one party to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Transfer {
    /// The transfer's own number, given by the caller; 0 is none.
    pub tx: u64,
    /// Who pays.
    pub sender: PartyKey,
    /// Who is paid.
    pub recipient: PartyKey,
    /// When, microseconds since 1970, UTC.
    pub at_micros: i64,
    /// Amount in minor units of the currency (cents); above zero.
    pub amount_minor: i64,
    /// In what currency.
    pub currency: Currency,
    /// Where it is paid from.
    pub from: Country,
    /// Where it is paid to.
    pub to: Country,
    /// The sender's UTC offset in minutes; `None` if the record gives none, and the offset of the
    /// sender's country is used.
    pub zone_minutes: Option<i16>,
    /// What else is known.
    pub context: Context,
}

/// One transfer within a party's window.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Event {
    /// The transfer's own number, 0 is none.
    pub tx: u64,
    /// The other party.
    pub other: PartyKey,
    /// When, microseconds since 1970.
    pub at_micros: i64,
    /// Minor units of its currency.
    pub amount_minor: i64,
    /// The same in US cents at the reference rate of its currency.
    pub ref_cents: u32,
    /// Where the other party is.
    pub country: Country,
    /// The flags that are set: a combination of the constants below.
    pub flags: u16,
    /// In what currency.
    pub currency: Currency,
    /// Provider or channel.
    pub channel: u8,
    /// Age of the sender, 0 unknown.
    pub age_years: u8,
    /// What was bought.
    pub purchase: Purchase,
    /// Telephone or address of the recipient.
    pub contact: u32,
}

impl Event {
    /// In the price band of its currency.
    pub const BAND: u16 = 1;
    /// Up to the small amount of S01.
    pub const SMALL: u16 = 1 << 1;
    /// Late evening or night where the sender is.
    pub const NIGHT: u16 = 1 << 2;
    /// An even amount.
    pub const EVEN: u16 = 1 << 3;
    /// Payer and payee are family.
    pub const KIN: u16 = 1 << 4;
    /// A social handle in the reference.
    pub const HANDLE: u16 = 1 << 5;
    /// A cover label in the reference.
    pub const COVER: u16 = 1 << 6;
    /// The payer is known to have no link to the destination.
    pub const NOT_LINKED: u16 = 1 << 7;
    /// The destination is on a list of risk corridors.
    pub const RISK: u16 = 1 << 8;

    /// The events of a transfer for its sender's window and for its recipient's, in this order.
    pub fn of(t: &Transfer, policy: &Policy) -> (Event, Event) {
        let band = policy.band(t.currency);
        let entry = t.currency.entry();
        let c = &t.context;
        let ref_cents = entry.to_ref_cents(t.amount_minor);
        let mut flags = 0;
        let mut set = |flag, holds: bool| {
            if holds {
                flags |= flag;
            }
        };
        set(Self::BAND, band.holds(t.amount_minor));
        set(Self::SMALL, ref_cents <= policy.small_ref_cents());
        set(Self::NIGHT, policy.is_night(t));
        set(Self::EVEN, entry.is_even(t.amount_minor));
        set(Self::KIN, c.kin);
        set(Self::HANDLE, c.handle);
        set(Self::COVER, c.cover);
        set(Self::NOT_LINKED, c.tie == LinkKnown::NotLinked);
        set(Self::RISK, t.to.in_risk_list());
        let sent = Event {
            tx: t.tx,
            other: t.recipient,
            at_micros: t.at_micros,
            amount_minor: t.amount_minor,
            ref_cents,
            country: t.to,
            flags,
            currency: t.currency,
            channel: c.channel,
            age_years: c.age_years,
            purchase: c.purchase,
            contact: c.contact,
        };
        // Flags are copied: for both, night is by the sender's clock, risk by the destination.
        let received = Event {
            other: t.sender,
            country: t.from,
            ..sent
        };
        (sent, received)
    }

    /// True when all flags in `flag` are set.
    pub fn is(&self, flag: u16) -> bool {
        self.flags & flag == flag
    }
}

/// A decimal amount as minor units, rounded half to even; `None` if it isn't finite, is above 9e15
/// minor units, or if `digits` is above 4. The bool is true if digits were rounded off.
pub fn amount_minor_from_f64(amount: f64, digits: u32) -> Option<(i64, bool)> {
    // ISO 4217 has at most four decimal places; more digits give None.
    const POWERS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
    let scaled = amount * POWERS.get(digits as usize)?;
    // Below 2^53 (9.007e15) a double still holds every whole number.
    if !scaled.is_finite() || scaled.abs() > 9e15 {
        return None;
    }
    let rounded = scaled.round_ties_even();
    // The error of a binary fraction, as in 0.1, doesn't count as rounding.
    let off = (scaled - rounded).abs() > scaled.abs().max(1.0) * 1e-9;
    Some((rounded as i64, off))
}
