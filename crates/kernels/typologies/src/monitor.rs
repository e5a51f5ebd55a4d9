//! Live monitoring: transfers in time order, each assessed for its sender and its recipient.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::assess::{self, Assessment, Links};
use crate::indicators::{ALL, PartyView, R01_PLACE};
use crate::window::{Numbers, PartyWindow, last_days};
use crate::{DAY_MICROS, Event, PartyKey, Policy, Purchase, Side, Transfer};

/// From when to when a recipient counts as shared, in microseconds since 1970.
pub type SharedSpan = (i64, i64);

/// A recipient stays shared for as long as R01 looks back.
const SHARED_MICROS: i64 = 180 * DAY_MICROS;
/// How long a payment of a confirmed sender counts for its recipient: as long as R02 says.
const NEAR_MICROS: i64 = 365 * DAY_MICROS;
/// Silence after which a sender's series is reassessed, in microseconds. Trap: it doesn't follow
/// the policy. With a longer X02.silence the reassessment comes too early to count as the end of
/// the series.
const SILENCE_MICROS: i64 = 14 * DAY_MICROS;

/// A map by party. Its hash is fast but unkeyed, so it doesn't resist chosen keys. Keys are numeric
/// ids as the records have them, or numbers given to texts ([`crate::Names`]).
pub type ByParty<T> = HashMap<PartyKey, T, BuildHasherDefault<PartyHasher>>;

/// Spreads party numbers over a map.
#[derive(Clone, Copy, Default)]
pub struct PartyHasher(u64);

impl Hasher for PartyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only for completeness: a PartyKey hashes as one u64.
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }

    fn write_u64(&mut self, n: u64) {
        // 2^64 divided by the golden ratio: spreads consecutive keys (Fibonacci hashing).
        let mut x = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x ^= x >> 32;
        self.0 = x.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (x >> 29);
    }
}

/// Links between parties that indicators use.
#[derive(Clone, Debug, Default)]
pub struct Relations {
    /// Recipients that several unrelated senders pay, and when.
    shared: ByParty<Vec<SharedSpan>>,
    /// Parties in a confirmed case.
    confirmed: HashSet<PartyKey>,
    /// Recipients that confirmed senders paid, and those senders with their last payment to it, in
    /// microseconds since 1970.
    near: ByParty<Vec<(PartyKey, i64)>>,
}

impl Relations {
    /// Only confirmed parties; no payments yet.
    pub fn new(confirmed: impl IntoIterator<Item = PartyKey>) -> Self {
        Self {
            confirmed: confirmed.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Notes that R01 fired for a recipient.
    pub fn note_shared(&mut self, recipient: PartyKey, at: i64) {
        let spans = self.shared.entry(recipient).or_default();
        match spans.last_mut() {
            // `max`: a late transfer must not shorten a span.
            Some(span) if at <= span.1 => span.1 = span.1.max(at + SHARED_MICROS),
            _ => spans.push((at, at + SHARED_MICROS)),
        }
    }

    /// Records a payment at `at` (microseconds since 1970) if its sender is in a confirmed case.
    pub fn note_payment(&mut self, sender: PartyKey, recipient: PartyKey, at: i64) {
        if self.confirmed.contains(&sender) {
            let by = self.near.entry(recipient).or_default();
            match by.iter_mut().find(|(known, _)| *known == sender) {
                Some((_, last)) => *last = at.max(*last),
                None => by.push((sender, at)),
            }
        }
    }

    /// Confirmed senders that paid a recipient in the 365 days before `at`, or later: a replay
    /// assesses the past with what is known now.
    fn paid_by(&self, recipient: PartyKey, at: i64) -> impl Iterator<Item = PartyKey> {
        let by = self.near.get(&recipient).into_iter().flatten();
        by.filter(move |(_, last)| *last > at - NEAR_MICROS)
            .map(|(sender, _)| *sender)
    }

    /// Adds the relations in `other`, which must be of other recipients than those in `self`. The
    /// confirmed parties of `other` are ignored.
    pub fn merge(&mut self, other: Relations) {
        // `extend` replaces, which is safe: each recipient is in exactly one part.
        self.shared.extend(other.shared);
        self.near.extend(other.near);
    }

    /// True when the recipient was shared at that time.
    pub fn is_shared(&self, recipient: PartyKey, at: i64) -> bool {
        self.shared
            .get(&recipient)
            .is_some_and(|spans| spans.iter().any(|s| (s.0..=s.1).contains(&at)))
    }

    /// Confirmed senders, except `party`, that paid its recipients (`others`) or, on the recipient
    /// side, paid it, in the 365 days before `at` (microseconds since 1970).
    pub fn confirmed_near(
        &self,
        party: PartyKey,
        side: Side,
        others: &[PartyKey],
        at: i64,
    ) -> Vec<PartyKey> {
        let own = [party];
        let recipients = if side == Side::Sender { others } else { &own };
        let mut all: Vec<PartyKey> = recipients
            .iter()
            .flat_map(|r| self.paid_by(*r, at))
            .filter(|s| *s != party)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Looks up the links that R01, R02 and S16 use, at the time `at` (microseconds since 1970).
    /// `others` are the recipients that a sender paid; on the recipient side they aren't used.
    pub fn links(&self, party: PartyKey, side: Side, others: &[PartyKey], at: i64) -> Links {
        let listed = self.confirmed.contains(&party);
        match side {
            Side::Sender => Links {
                shared: count(others, |o| self.is_shared(*o, at)),
                near_confirmed: count(others, |o| self.paid_by(*o, at).any(|s| s != party)),
                listed,
            },
            Side::Recipient => Links {
                shared: 0,
                near_confirmed: self.paid_by(party, at).count() as u32,
                listed,
            },
        }
    }
}

fn count(parties: &[PartyKey], is: impl Fn(&PartyKey) -> bool) -> u32 {
    parties.iter().filter(|p| is(p)).count() as u32
}

/// True if R01 fires for a recipient. `received` is its last 365 days; `now` is in microseconds
/// since 1970.
pub fn is_shared_now(received: &[Event], now: i64, policy: &Policy) -> bool {
    // Trap: even if a policy sets R01.n below three, three payments are needed.
    if received.len() < 3 || !policy.speaks(R01_PLACE) {
        return false;
    }
    // R01 reads only `year` and `now` on this side; the rest is left empty to save its cost.
    let view = PartyView {
        side: Side::Recipient,
        now,
        year: received,
        recent: &[],
        numbers: &Numbers::default(),
        other_side: &[],
        links: Links::default(),
        age_and_sex: false,
        series: &[],
    };
    (ALL[R01_PLACE].fires)(&view, &policy.values[R01_PLACE]).is_some()
}

/// Assessments after a transfer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Observed {
    /// The sender, assessed as a sender.
    pub sender: Option<Assessment>,
    /// Of its sender, at the moment its silence before this transfer reached 14 days.
    pub after_silence: Option<Assessment>,
    /// Of its sender, as a recipient, because R03 waits for money to leave.
    pub sender_as_recipient: Option<Assessment>,
    /// Of its recipient, as a recipient.
    pub recipient: Option<Assessment>,
}

#[derive(Clone, Debug, Default)]
struct Party {
    sent: PartyWindow,
    received: PartyWindow,
}

/// Events of the last year, and the assessments after each transfer.
///
/// Useful for transfers as they come and for history in time order; history grouped by party is
/// faster with [`crate::assess_sender`] on slices. Invariant: both say the same
/// (`tests/naive.rs`).
pub struct Monitor {
    policy: Policy,
    parties: ByParty<Party>,
    relations: Relations,
    scratch: Vec<u64>,
}

impl Monitor {
    /// Without any party yet.
    pub fn new(policy: Policy, relations: Relations) -> Self {
        Self {
            policy,
            parties: ByParty::default(),
            relations,
            scratch: Vec::new(),
        }
    }

    /// The policy it applies.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Number of parties with kept events.
    pub fn parties(&self) -> usize {
        self.parties.len()
    }

    /// Adds a transfer and assesses its parties. Transfers must come in time order. A recipient is
    /// assessed from the third different sender on, a party with more than 512 events of a year
    /// only now and then ([`PartyWindow::is_due`]).
    pub fn observe(&mut self, t: &Transfer) -> Observed {
        let now = t.at_micros;
        let (sent, received) = Event::of(t, &self.policy);
        let mut observed = Observed::default();
        let is_transfer = t.context.purchase == Purchase::None;
        // The seller of a purchase is not assessed, so its side is not kept.
        if is_transfer {
            self.relations.note_payment(t.sender, t.recipient, now);
            // The recipient first: whether it is shared counts for the sender below.
            let party = self.parties.entry(t.recipient).or_default();
            party.received.push(received);
            if party.received.has_several() && party.received.is_due() {
                let events = party.received.events();
                if is_shared_now(last_days(events, now, 365), now, &self.policy) {
                    self.relations.note_shared(t.recipient, now);
                }
                let (relations, policy) = (&self.relations, &self.policy);
                observed.recipient = assess::recipient(
                    events,
                    party.sent.events(),
                    now,
                    policy,
                    |others| relations.links(t.recipient, Side::Recipient, others, now),
                    &mut self.scratch,
                );
            }
        }
        let party = self.parties.entry(t.sender).or_default();
        let (relations, policy) = (&self.relations, &self.policy);
        // Before the push: the new payment would end the silence.
        if let Some(moment) = silence_before(party.sent.events(), now) {
            observed.after_silence = assess::sender(
                party.sent.events(),
                party.received.events(),
                moment,
                policy,
                |others| relations.links(t.sender, Side::Sender, others, moment),
                &mut self.scratch,
            );
        }
        party.sent.push(sent);
        if !party.sent.is_due() {
            return observed;
        }
        observed.sender = assess::sender(
            party.sent.events(),
            party.received.events(),
            now,
            policy,
            |others| relations.links(t.sender, Side::Sender, others, now),
            &mut self.scratch,
        );
        // R03 waits for money to leave, so a sender is also looked at as a recipient.
        if party.received.has_several() && party.received.is_due() {
            observed.sender_as_recipient = assess::recipient(
                party.received.events(),
                party.sent.events(),
                now,
                policy,
                |others| relations.links(t.sender, Side::Recipient, others, now),
                &mut self.scratch,
            );
        }
        observed
    }

    /// The current assessments of a party: as a sender and as a recipient.
    pub fn assess(
        &mut self,
        party: PartyKey,
        now: i64,
    ) -> (Option<Assessment>, Option<Assessment>) {
        let Some(kept) = self.parties.get(&party) else {
            return (None, None);
        };
        let (sent, received) = (kept.sent.events(), kept.received.events());
        let (relations, policy) = (&self.relations, &self.policy);
        let as_sender = assess::sender(
            sent,
            received,
            now,
            policy,
            |others| relations.links(party, Side::Sender, others, now),
            &mut self.scratch,
        );
        let as_recipient = assess::recipient(
            received,
            sent,
            now,
            policy,
            |others| relations.links(party, Side::Recipient, others, now),
            &mut self.scratch,
        );
        (as_sender, as_recipient)
    }

    /// The events kept of a party: sent and received, oldest first.
    pub fn events(&self, party: PartyKey) -> (&[Event], &[Event]) {
        self.parties
            .get(&party)
            .map_or((&[], &[]), |p| (p.sent.events(), p.received.events()))
    }

    /// Different senders of a recipient in the year; `None` below two.
    pub fn senders_of(&self, recipient: PartyKey) -> Option<u32> {
        let (_, received) = self.events(recipient);
        let n = crate::window::others(received).len() as u32;
        (n > 1).then_some(n)
    }

    /// Confirmed senders near a party at its last event, over the recipients of the year before.
    /// R02 itself counts only the recipients of 90 days.
    pub fn confirmed_near(&self, party: PartyKey, side: Side) -> Vec<PartyKey> {
        let (sent, received) = self.events(party);
        let own = if side == Side::Sender { sent } else { received };
        let Some(last) = own.last() else {
            return Vec::new();
        };
        let others = crate::window::others(last_days(sent, last.at_micros, 365));
        self.relations
            .confirmed_near(party, side, &others, last.at_micros)
    }

    /// Replaces the set of parties in confirmed cases; later assessments depend on this set alone.
    pub fn set_confirmed(&mut self, confirmed: impl IntoIterator<Item = PartyKey>) {
        self.relations.confirmed = confirmed.into_iter().collect();
        // Rebuilt from the kept events, so that nothing of a withdrawn case remains.
        self.relations.near.clear();
        let all: Vec<PartyKey> = self.relations.confirmed.iter().copied().collect();
        for sender in all {
            let Some(party) = self.parties.get(&sender) else {
                continue;
            };
            let transfers = party.sent.events().iter();
            for e in transfers.filter(|e| e.purchase == Purchase::None) {
                self.relations.note_payment(sender, e.other, e.at_micros);
            }
        }
    }

    /// Drops parties without an event in the 365 days before `now` (microseconds since 1970), the
    /// expired spans of shared recipients, and the payments of confirmed senders that R02 no longer
    /// counts.
    pub fn forget_stale(&mut self, now: i64) {
        self.parties
            .retain(|_, p| !(p.sent.is_stale(now) && p.received.is_stale(now)));
        self.relations.shared.retain(|_, spans| {
            spans.retain(|s| s.1 >= now);
            !spans.is_empty()
        });
        let parties = &self.parties;
        self.relations.near.retain(|recipient, by| {
            by.retain(|(_, last)| *last > now - NEAR_MICROS);
            !by.is_empty() && parties.contains_key(recipient)
        });
    }

    /// Makes room for that many more parties.
    pub fn reserve(&mut self, parties: usize) {
        self.parties.reserve(parties);
    }

    /// True when the party is known.
    pub fn knows(&self, party: PartyKey) -> bool {
        self.parties.contains_key(&party)
    }
}

/// The moment at which a sender had been silent for 14 days since its last transfer, if that is
/// before `now`; both in microseconds since 1970. `None` for a sender with fewer than three events.
pub fn silence_before(sent: &[Event], now: i64) -> Option<i64> {
    let last = sent.iter().rev().find(|e| e.purchase == Purchase::None)?;
    let moment = last.at_micros + SILENCE_MICROS;
    // No series has fewer than three payments.
    (sent.len() >= 3 && moment < now).then_some(moment)
}
