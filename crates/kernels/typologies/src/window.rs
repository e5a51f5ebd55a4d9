//! The events kept for a party, and the statistics that indicators read.

use crate::{DAY_MICROS, Event, PartyKey, PartyView, Purchase};

/// Most events kept for one side of a party; the oldest are dropped first. A party with more in a
/// year isn't a person who sends by hand. Our judgement.
pub const PARTY_EVENTS_MAX: usize = 4_096;

/// How long events are kept, in days. Our judgement.
const KEPT_DAYS: i64 = 365;

/// The transfers of one side of a party in the last 365 days, oldest first.
#[derive(Clone, Debug, Default)]
pub struct PartyWindow {
    events: Vec<Event>,
    /// Start of the retained events. Those before it are freed once there are more than 16 of them
    /// and they outnumber the retained ones.
    from: usize,
    /// How many events were ever added.
    came: u64,
    /// The first two counterparties.
    firsts: [PartyKey; 2],
    /// Different counterparties ever seen, counted up to [`OTHERS_MIN`].
    others: u8,
}

/// A recipient is assessed from this many different senders on. Setting R01.n, X04.n or R05.n lower
/// than this in a policy has no further effect. Our judgement.
const OTHERS_MIN: u8 = 3;

/// Up to this number of kept events a party is assessed after each event, above it less often,
/// because it is hardly a person; see [`PartyWindow::is_due`]. Our judgement.
const EVENTS_EACH: usize = 512;

impl PartyWindow {
    /// Adds an event and drops those that are a year older than it or beyond [`PARTY_EVENTS_MAX`].
    pub fn push(&mut self, event: Event) {
        self.came += 1;
        // Only "fewer than three, or not" is asked, so two stored keys are enough.
        if self.others < OTHERS_MIN
            && !self.firsts[..usize::from(self.others.min(2))].contains(&event.other)
        {
            if let Some(slot) = self.firsts.get_mut(usize::from(self.others)) {
                *slot = event.other;
            }
            self.others += 1;
        }
        // Late events are inserted in time order.
        let mut at = self.events.len();
        while at > self.from && self.events[at - 1].at_micros > event.at_micros {
            at -= 1;
        }
        self.events.insert(at, event);
        // Measured from this event: a late one has an earlier limit and drops nothing too soon.
        let oldest = event.at_micros - KEPT_DAYS * DAY_MICROS;
        // An event exactly a year old is out, as in `last_days`.
        while self.from < self.events.len()
            && (self.events[self.from].at_micros <= oldest
                || self.events.len() - self.from > PARTY_EVENTS_MAX)
        {
            self.from += 1;
        }
        // Freeing moves the rest, so it waits until the dead part is larger. 16 is our judgement.
        if self.from > 16 && self.from * 2 > self.events.len() {
            self.events.drain(..self.from);
            self.from = 0;
        }
    }

    /// True when the party is due for an assessment after its last event: always up to 512 kept
    /// events; with more, at every nth event that comes, n being a 64th of those kept.
    pub fn is_due(&self) -> bool {
        let kept = self.events.len() - self.from;
        // Arrivals, not kept events: those stop growing at PARTY_EVENTS_MAX.
        kept <= EVENTS_EACH || self.came.is_multiple_of(kept as u64 / 64)
    }

    /// True when three different counterparties were ever seen; a recipient with fewer isn't
    /// assessed.
    pub fn has_several(&self) -> bool {
        self.others >= OTHERS_MIN
    }

    /// What is kept, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events[self.from..]
    }

    /// Drops all events; what [`Self::has_several`] and [`Self::is_due`] counted stays.
    pub fn clear(&mut self) {
        self.events.clear();
        self.from = 0;
    }

    /// True when no event is younger than a year at `now_micros`.
    pub fn is_stale(&self, now_micros: i64) -> bool {
        self.events
            .last()
            .is_none_or(|e| e.at_micros <= now_micros - KEPT_DAYS * DAY_MICROS)
    }
}

/// The events after `now - days` and up to `now`.
pub(crate) fn last_days(events: &[Event], now: i64, days: i64) -> &[Event] {
    let oldest = now - days * DAY_MICROS;
    // Usually all events are within the period; comparing the first and the last is enough to see
    // it.
    let mut events = events;
    if events.last().is_some_and(|e| e.at_micros > now) {
        events = &events[..events.partition_point(|e| e.at_micros <= now)];
    }
    if events.first().is_none_or(|e| e.at_micros > oldest) {
        return events;
    }
    // The limit is mostly among the newest events: a linear search there is cheap.
    let near = events.len().saturating_sub(64);
    if let Some(from) = events[near..].iter().rposition(|e| e.at_micros <= oldest) {
        return &events[near + from + 1..];
    }
    &events[events[..near].partition_point(|e| e.at_micros <= oldest)..]
}

/// Statistics of the transfers in a slice of events, mostly those of 90 days. Purchases aren't
/// counted; payments to family are, except in `strangers`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Numbers {
    /// Transfers.
    pub n: u32,
    /// Other parties.
    pub others: u32,
    /// Other parties with at least one payment that isn't marked as family.
    pub strangers: u32,
    /// Share in the price band, 0 to 1.
    pub band: f64,
    /// Share of small amounts.
    pub small: f64,
    /// Share of even amounts.
    pub even: f64,
    /// Share at night.
    pub night: f64,
    /// Share whose destination is on a list of risk corridors.
    pub risk: f64,
    /// Median amount in US cents at the reference rate.
    pub median_cents: f64,
    /// Mean gap in days; 0 where there is one transfer.
    pub gap_days: f64,
    /// Coefficient of variation of the gaps (standard deviation divided by mean): 0 is clockwork,
    /// about 1 is random.
    pub gap_spread: f64,
    /// Days from the first to the last.
    pub span_days: f64,
}

impl Numbers {
    /// The statistics of a slice of events in time order; `scratch` is a buffer to reuse.
    pub fn of(events: &[Event], scratch: &mut Vec<u64>) -> Numbers {
        let mut out = Numbers::default();
        let (mut band, mut small, mut even, mut night, mut risk) = (0u32, 0u32, 0u32, 0u32, 0u32);
        let (mut gaps, mut gaps_squared) = (0.0f64, 0.0f64);
        let mut first = None;
        let mut last = 0i64;
        scratch.clear();
        for e in events.iter().filter(|e| e.purchase == Purchase::None) {
            out.n += 1;
            band += u32::from(e.is(Event::BAND));
            small += u32::from(e.is(Event::SMALL));
            even += u32::from(e.is(Event::EVEN));
            night += u32::from(e.is(Event::NIGHT));
            risk += u32::from(e.is(Event::RISK));
            scratch.push(u64::from(e.ref_cents));
            if first.is_none() {
                first = Some(e.at_micros);
            } else {
                let gap = (e.at_micros - last) as f64 / DAY_MICROS as f64;
                gaps += gap;
                gaps_squared += gap * gap;
            }
            last = e.at_micros;
        }
        // Without transfers the shares would be 0/0.
        let Some(first) = first else {
            return out;
        };
        let n = f64::from(out.n);
        out.band = f64::from(band) / n;
        out.small = f64::from(small) / n;
        out.even = f64::from(even) / n;
        out.night = f64::from(night) / n;
        out.risk = f64::from(risk) / n;
        out.median_cents = median(scratch);
        out.span_days = (last - first) as f64 / DAY_MICROS as f64;
        if out.n > 1 {
            let gap_count = n - 1.0;
            out.gap_days = gaps / gap_count;
            // With equal gaps rounding can make this negative, and its root NaN.
            let variance = (gaps_squared / gap_count - out.gap_days * out.gap_days).max(0.0);
            if out.gap_days > 0.0 {
                out.gap_spread = variance.sqrt() / out.gap_days;
            }
        }
        out.others = distinct(events.iter().filter(is_transfer), scratch);
        // Without family both counts are equal, which saves the second sort.
        let kin = events.iter().any(|e| e.is(Event::KIN));
        let no_kin = events
            .iter()
            .filter(is_transfer)
            .filter(|e| !e.is(Event::KIN));
        out.strangers = if kin {
            distinct(no_kin, scratch)
        } else {
            out.others
        };
        out
    }
}

fn is_transfer(e: &&Event) -> bool {
    e.purchase == Purchase::None
}

fn distinct<'a>(events: impl Iterator<Item = &'a Event>, scratch: &mut Vec<u64>) -> u32 {
    scratch.clear();
    scratch.extend(events.map(|e| e.other.0));
    scratch.sort_unstable();
    scratch.dedup();
    scratch.len() as u32
}

/// The other parties of events, each once.
pub(crate) fn others(events: &[Event]) -> Vec<PartyKey> {
    let mut all: Vec<PartyKey> = events.iter().filter(is_transfer).map(|e| e.other).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The median, 0 of an empty slice; reorders the values.
pub(crate) fn median(values: &mut [u64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return 0.0;
    }
    // Selecting is linear; the rest of the slice needs no order.
    let (below, middle, _) = values.select_nth_unstable(n / 2);
    let middle = *middle as f64;
    if n % 2 == 1 {
        return middle;
    }
    // All of `below` is at most the middle, so its highest is the other middle value.
    let under = below.iter().max().copied().unwrap_or(0) as f64;
    (under + middle) / 2.0
}

/// Spearman's rank correlation of values with their order, ties by mean rank; 0 where all are equal
/// or there are fewer than three.
pub(crate) fn rank_trend(values: &[f64]) -> f64 {
    let n = values.len();
    // Two values always correlate perfectly.
    if n < 3 {
        return 0.0;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; n];
    let mut at = 0;
    while at < n {
        let mut end = at;
        while end + 1 < n && values[order[end + 1]] == values[order[at]] {
            end += 1;
        }
        let mean = (at + end) as f64 / 2.0;
        for &i in &order[at..=end] {
            ranks[i] = mean;
        }
        at = end + 1;
    }
    let middle = (n - 1) as f64 / 2.0;
    let (mut cov, mut a, mut b) = (0.0, 0.0, 0.0);
    for (i, rank) in ranks.iter().enumerate() {
        let (x, y) = (i as f64 - middle, rank - middle);
        cov += x * y;
        a += x * x;
        b += y * y;
    }
    if b == 0.0 { 0.0 } else { cov / (a * b).sqrt() }
}

/// Payments close together to at most three new recipients, with one payment higher than the first:
/// the pattern of sextortion. Whether the first is small is X02's check.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Payments.
    pub n: f64,
    /// From first to last, in days.
    pub days: f64,
    /// Recipients.
    pub to: Vec<PartyKey>,
    /// First amount, US cents.
    pub first_cents: f64,
    /// Highest amount.
    pub highest_cents: f64,
    /// Sum of all amounts, US cents.
    pub sum_cents: f64,
    /// Age of the sender, 0 unknown.
    pub age_years: f64,
    /// First payment, microseconds since 1970.
    pub first_at: i64,
    /// Last payment.
    pub last_at: i64,
    times: Vec<i64>,
}

/// A longer gap than this ends a series, in days. Our judgement.
const SERIES_GAP_DAYS: i64 = 7;
/// A longer series is a habit, in days. Our judgement.
const SERIES_DAYS_MAX: i64 = 14;
/// Most recipients of a series. Our judgement.
const SERIES_RECIPIENTS_MAX: usize = 3;
/// A series is at least this share of all payments in the 90 days up to its end; with less it is
/// part of a habit. Our judgement.
const SERIES_SHARE_MIN: f64 = 0.6;
/// At least three payments of a series are within this time, in hours. Our judgement.
const SERIES_CLOSE_HOURS: f64 = 72.0;
/// The highest payment exceeds the first by at least this share; less may be the exchange rate. Our
/// judgement.
const SERIES_RISE_MIN: f64 = 0.2;
/// If the recipients got more payments in the year than this many times those of the series, plus
/// six, it is a habit. Our judgement.
const HABIT_TIMES: usize = 3;

impl Series {
    /// All series of a year, oldest first.
    pub fn all(year: &[Event]) -> Vec<Series> {
        // Three payments close together are rare, so most parties need no further search. A
        // purchase in between could hide three such payments from `windows(3)`.
        let close = (SERIES_CLOSE_HOURS * 3_600e6) as i64;
        let any = year
            .windows(3)
            .any(|w| w[2].at_micros - w[0].at_micros <= close)
            || year.iter().any(|e| e.purchase != Purchase::None);
        if !any {
            return Vec::new();
        }
        let paid: Vec<&Event> = year.iter().filter(is_transfer).collect();
        let mut found = Vec::new();
        let mut from = 0;
        while from < paid.len() {
            let mut to: Vec<PartyKey> = Vec::new();
            let mut until = from;
            while until < paid.len() {
                let e = paid[until];
                let gap = until > from
                    && e.at_micros - paid[until - 1].at_micros > SERIES_GAP_DAYS * DAY_MICROS;
                let known = to.contains(&e.other);
                // Payments to four or more recipients in turn can't be distinguished from buying
                // (docs/payments.md).
                if gap || (!known && to.len() == SERIES_RECIPIENTS_MAX) {
                    break;
                }
                if !known {
                    to.push(e.other);
                }
                until += 1;
            }
            found.extend(Self::of(&paid, from, until, to));
            from = until;
        }
        found
    }

    fn of(paid: &[&Event], from: usize, until: usize, to: Vec<PartyKey>) -> Option<Series> {
        let run = &paid[from..until];
        let (first, last) = (*run.first()?, *run.last()?);
        let length = last.at_micros - first.at_micros;
        if run.len() < 3 || length > SERIES_DAYS_MAX * DAY_MICROS {
            return None;
        }
        let oldest = last.at_micros - 90 * DAY_MICROS;
        let of_ninety = paid[..until]
            .iter()
            .filter(|e| e.at_micros > oldest)
            .count();
        // Only a year is kept: a recipient last paid before that counts as new.
        let new = !paid[..from].iter().any(|e| to.contains(&e.other));
        if !new || (run.len() as f64) < SERIES_SHARE_MIN * of_ninety as f64 {
            return None;
        }
        // Later payments count, too: a habit that began close together is not blackmail.
        let all = paid.iter().filter(|e| to.contains(&e.other)).count();
        if all > HABIT_TIMES * run.len() + 6 {
            return None;
        }
        let highest = run.iter().map(|e| e.ref_cents).max().unwrap_or(0);
        if f64::from(highest) < f64::from(first.ref_cents) * (1.0 + SERIES_RISE_MIN) {
            return None;
        }
        let series = Series {
            n: run.len() as f64,
            days: length as f64 / DAY_MICROS as f64,
            to,
            first_cents: f64::from(first.ref_cents),
            highest_cents: f64::from(highest),
            sum_cents: run.iter().map(|e| f64::from(e.ref_cents)).sum(),
            age_years: f64::from(last.age_years),
            first_at: first.at_micros,
            last_at: last.at_micros,
            times: run.iter().map(|e| e.at_micros).collect(),
        };
        series.reaches(3, SERIES_CLOSE_HOURS).then_some(series)
    }

    /// The latest series that ended within 90 days before the view's moment.
    pub fn last<'a>(v: &PartyView<'a>) -> Option<&'a Series> {
        v.series
            .iter()
            .rev()
            .find(|s| s.last_at > v.now - 90 * DAY_MICROS)
    }

    /// Days since the last payment to any of its recipients.
    pub fn silence_days(&self, v: &PartyView<'_>) -> f64 {
        // Not `last_at`: a later payment to the same recipients also breaks the silence.
        let since = v
            .year
            .iter()
            .rev()
            .find(|e| is_transfer(e) && self.to.contains(&e.other))
            .map_or(self.last_at, |e| e.at_micros);
        (v.now - since) as f64 / DAY_MICROS as f64
    }

    /// True when `n` of its payments are within that many hours; never for 0.
    pub fn reaches(&self, n: usize, hours: f64) -> bool {
        let within = (hours * 3_600e6) as i64;
        // `windows(0)` panics, and a policy may set the threshold to 0.
        n > 0 && self.times.windows(n).any(|w| w[n - 1] - w[0] <= within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_and_trends() {
        assert_eq!(median(&mut [5, 1, 3]), 3.0);
        assert_eq!(median(&mut [4, 1, 3, 2]), 2.5);
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(rank_trend(&[1.0, 2.0, 3.0, 9.0]), 1.0);
        assert_eq!(rank_trend(&[4.0, 3.0, 2.0]), -1.0);
        // All equal: 0 instead of a division by zero.
        assert_eq!(rank_trend(&[2.0, 2.0, 2.0]), 0.0);
    }
}
