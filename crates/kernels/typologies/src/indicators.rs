//! The published indicators, one file each. A new one is a file, two lines here, and a history that
//! makes it fire in `examples.rs`.
//!
//! Wording is ours, numbers are the sources'. Where no source publishes a number the threshold is a
//! proposal and says so. An indicator counts as a signal of some group, adds to the score without
//! being a signal (association), or is only shown (corridor, missing link, age).

use crate::texts::Texts;
use crate::window::{Numbers, Series, last_days};
use crate::{Event, Links, Side};

mod r01;
mod r02;
mod r03;
mod r04;
mod r05;
mod s01;
mod s02;
mod s03;
mod s04;
mod s05;
mod s06;
mod s07;
mod s08;
mod s09;
mod s10;
mod s11;
mod s12;
mod s13;
mod s14;
mod s15;
mod s16;
mod s17;
mod s18;
mod x01;
mod x02;
mod x03;
mod x04;

/// Every indicator, in the order of the published table.
pub const ALL: &[&Indicator] = &[
    &s01::INDICATOR,
    &s02::INDICATOR,
    &s03::INDICATOR,
    &s04::INDICATOR,
    &s05::INDICATOR,
    &s06::INDICATOR,
    &s07::INDICATOR,
    &s08::INDICATOR,
    &s09::INDICATOR,
    &s10::INDICATOR,
    &s11::INDICATOR,
    &s12::INDICATOR,
    &s13::INDICATOR,
    &s14::INDICATOR,
    &s15::INDICATOR,
    &s16::INDICATOR,
    &s17::INDICATOR,
    &s18::INDICATOR,
    &r01::INDICATOR,
    &r02::INDICATOR,
    &r03::INDICATOR,
    &r04::INDICATOR,
    &r05::INDICATOR,
    &x01::INDICATOR,
    &x02::INDICATOR,
    &x03::INDICATOR,
    &x04::INDICATOR,
];

/// Place of S01, whose `small` sets [`Event::SMALL`].
pub(crate) const S01_PLACE: usize = place_of("S01");
/// Place of S06, whose hours set [`Event::NIGHT`].
pub(crate) const S06_PLACE: usize = place_of("S06");
/// Place of R01, which defines a shared recipient.
pub(crate) const R01_PLACE: usize = place_of("R01");

const fn same(a: &str, b: &str) -> bool {
    // `==` on `str` does not work in a const fn.
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// Place of an indicator in [`ALL`] by id, at compile time.
const fn place_of(id: &str) -> usize {
    let mut at = 0;
    // An unknown id runs past the end, which fails the build.
    while !same(ALL[at].id, id) {
        at += 1;
    }
    at
}

/// Index of a threshold by name, at compile time, so that inserting one doesn't shift the others.
pub(crate) const fn at(thresholds: &[Threshold], name: &str) -> usize {
    let mut at = 0;
    while !same(thresholds[at].name, name) {
        at += 1;
    }
    at
}

/// Place in [`ALL`], by id in either case; `None` if unknown.
pub fn place(id: &str) -> Option<usize> {
    ALL.iter().position(|i| i.id.eq_ignore_ascii_case(id))
}

/// A published indicator.
#[derive(Debug)]
pub struct Indicator {
    /// As in the published table: `S01`.
    pub id: &'static str,
    /// Its module: `s01`.
    pub name: &'static str,
    /// Which sides of a party it can speak about.
    pub sides: &'static [Side],
    /// What it says, in a line.
    pub title: Texts,
    /// What is checked, exactly.
    pub check: &'static str,
    /// The numbers it compares with; changed by `Policy::set`.
    pub thresholds: &'static [Threshold],
    /// Who published it.
    pub source: &'static str,
    /// Year of the source.
    pub date: &'static str,
    /// Whether it counts as one of two independent signals.
    pub counts: Counts,
    /// Share of the remaining score it takes, 0 to 1: score = 100 · (1 − Π(1 − weight · strength)).
    pub weight: f64,
    /// The case association it depends on; if that case is retracted, the indicator is dropped.
    pub depends_on: Option<DependsOn>,
    /// True if it is on by default.
    pub on: bool,
    /// Columns it needs, in addition to the required ones.
    pub needs: &'static [&'static str],
    /// Whether it may still change.
    pub status: IndicatorStatus,
    /// Sentences for an alert, with placeholders for the numbers.
    pub because: &'static [Texts],
    /// Takes the thresholds in their order, money converted to US cents.
    pub(crate) fires: fn(&PartyView<'_>, &[f64]) -> Option<Firing>,
}

/// The case association an indicator depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DependsOn {
    /// The party is in a case that a person decided to report.
    OwnConfirmed,
    /// A counterparty of the party is in such a case, or also deals with a party in one.
    NearbyConfirmed,
}

/// Whether an indicator may still change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum IndicatorStatus {
    /// May change.
    Preview,
    /// Changes are announced.
    Stable,
    /// Kept for old alerts.
    Retired,
}

/// Whether an indicator counts as a signal. Two signals are independent when they share no group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// Counts, in these groups (bits of [`group`]).
    Signal(u16),
    /// Shown, and adds to the score once a scenario holds; never counts as one of the two signals.
    Association,
    /// Shown only: adds nothing.
    Shown,
}

/// Groups of signals that depend on the same observation.
pub mod group {
    /// How many other parties.
    pub const SPREAD: u16 = 1;
    /// How much.
    pub const AMOUNT: u16 = 1 << 1;
    /// How often.
    pub const PACE: u16 = 1 << 2;
    /// At what hour.
    pub const HOUR: u16 = 1 << 3;
    /// Who else pays the same.
    pub const SHARING: u16 = 1 << 4;
    /// How it develops.
    pub const TREND: u16 = 1 << 5;
    /// What the reference says.
    pub const TEXT: u16 = 1 << 6;
    /// What else is bought.
    pub const PURCHASE: u16 = 1 << 7;
    /// Through how many channels.
    pub const CHANNEL: u16 = 1 << 8;
    /// Where the money goes next.
    pub const OUTFLOW: u16 = 1 << 9;
    /// A series that rises and stops.
    pub const SERIES: u16 = 1 << 10;
    /// Payments close together to a new recipient.
    pub const BURST: u16 = 1 << 11;
}

/// A number that an indicator compares with.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// What it is called: `median`.
    pub name: &'static str,
    /// Its value, in its unit.
    pub value: f64,
    /// Unit.
    pub unit: Unit,
    /// True when a source states it; false for a proposal.
    pub published: bool,
}

/// The unit of a threshold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A count.
    Count,
    /// 0 to 1.
    Share,
    /// Days.
    Days,
    /// Hours.
    Hours,
    /// Hour of the day, 0 to 23.
    Clock,
    /// Years.
    Years,
    /// A sum in that currency; compared at the reference rate.
    Money(&'static str),
    /// A rank correlation, −1 to 1.
    Correlation,
}

impl Unit {
    /// The unit as text: empty for a count, the currency code for money.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Count => "",
            Unit::Share => "share",
            Unit::Days => "days",
            Unit::Hours => "hours",
            Unit::Clock => "o'clock",
            Unit::Years => "years",
            Unit::Money(code) => code,
            Unit::Correlation => "rank correlation",
        }
    }
}

/// What an indicator looks at: one side of a party, at a moment.
pub struct PartyView<'a> {
    /// Which side.
    pub side: Side,
    /// The moment, microseconds since 1970.
    pub now: i64,
    /// The side's events of 365 days, oldest first.
    pub year: &'a [Event],
    /// Its events of the last 90 days.
    pub recent: &'a [Event],
    /// Statistics of `recent`.
    pub numbers: &'a Numbers,
    /// The party's events on its other side, of 365 days.
    pub other_side: &'a [Event],
    /// What is known of its counterparties.
    pub links: Links,
    /// The sender's age may be read.
    pub age_and_sex: bool,
    /// Series of the year that look like blackmail, oldest first.
    pub(crate) series: &'a [Series],
}

impl<'a> PartyView<'a> {
    /// The side's events of the last `days` days, at most 365.
    pub(crate) fn days(&self, days: i64) -> &'a [Event] {
        last_days(self.year, self.now, days)
    }
}

/// An indicator that fired: how strongly, with which numbers, in which sentence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Firing {
    pub strength: f64,
    pub sentence: u8,
    pub values: [f64; 5],
}

/// Fires with the values of the first sentence; panics on more than five.
pub(crate) fn fire(strength: f64, values: &[f64]) -> Option<Firing> {
    fire_as(0, strength, values)
}

pub(crate) fn fire_as(sentence: u8, strength: f64, values: &[f64]) -> Option<Firing> {
    // A fixed size keeps `Firing` and `Fired` Copy; more than five numbers panic here.
    let mut kept = [0.0; 5];
    kept[..values.len()].copy_from_slice(values);
    // A ramp is 0 at its start, but an indicator that fired should weigh something. 0.05 is our
    // judgement.
    Some(Firing {
        strength: strength.clamp(0.05, 1.0),
        sentence,
        values: kept,
    })
}

/// Number of distinct values.
pub(crate) fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> f64 {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.dedup();
    all.len() as f64
}

/// Groups the pairs by their first element; returns the largest number of distinct second elements
/// in a group.
pub(crate) fn most_distinct<A: Ord, B: Ord>(pairs: impl Iterator<Item = (A, B)>) -> f64 {
    let mut pairs: Vec<(A, B)> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup();
    let of_each = pairs.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len);
    of_each.max().unwrap_or(0) as f64
}

/// 0 at `from`, 1 at `to`, linear in between. If `to <= from`, a step at `from`.
pub(crate) fn ramp(x: f64, from: f64, to: f64) -> f64 {
    // A threshold set to the ramp's end would make 0/0. `clamp` keeps NaN, and NaN passes every
    // minimum.
    if to <= from {
        return if x >= from { 1.0 } else { 0.0 };
    }
    ((x - from) / (to - from)).clamp(0.0, 1.0)
}

pub(crate) const fn threshold(name: &'static str, value: f64, unit: Unit) -> Threshold {
    Threshold {
        name,
        value,
        unit,
        published: true,
    }
}

pub(crate) const fn proposal(name: &'static str, value: f64, unit: Unit) -> Threshold {
    Threshold {
        name,
        value,
        unit,
        published: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `--set S02.share=1` made the score NaN; no minimum rejected it, so it became an alert.
    #[test]
    fn a_threshold_at_the_end_of_its_ramp_is_a_step() {
        for (x, from, to, expected) in [
            (0.0, 0.0, 10.0, 0.0),
            (5.0, 0.0, 10.0, 0.5),
            (11.0, 0.0, 10.0, 1.0),
            (1.0, 1.0, 1.0, 1.0),
            (0.9, 1.0, 1.0, 0.0),
            (2.0, 3.0, 1.0, 0.0),
        ] {
            assert_eq!(ramp(x, from, to), expected, "{x} from {from} to {to}");
        }
    }

    #[test]
    fn every_indicator_is_complete_and_listed_once() {
        let prefixes = ["S", "R", "X"];
        for (n, i) in ALL.iter().enumerate() {
            assert_eq!(i.name, i.id.to_lowercase());
            assert_eq!(place(i.id), Some(n));
            assert!(prefixes.contains(&&i.id[..1]));
            assert!(!i.title.en.is_empty() && !i.title.de.is_empty() && !i.check.is_empty());
            assert!(!i.source.is_empty() && !i.date.is_empty() && !i.because.is_empty());
            assert!(!i.sides.is_empty());
            match i.counts {
                Counts::Shown => assert_eq!(i.weight, 0.0, "{}", i.id),
                Counts::Association => assert!(i.weight > 0.0),
                Counts::Signal(groups) => assert!(groups > 0 && i.weight > 0.0 && i.weight < 0.6),
            }
        }
        assert_eq!(ALL[S01_PLACE].id, "S01");
        assert_eq!(ALL[S06_PLACE].id, "S06");
        assert_eq!(ALL[R01_PLACE].id, "R01");
    }

    #[test]
    fn corridor_age_and_association_are_never_signals() {
        // S16 and R02 do add to a score, but neither can be one of the two signals.
        for id in ["S09", "S10", "S11", "S16", "R02"] {
            let i = ALL[place(id).unwrap()];
            assert!(!matches!(i.counts, Counts::Signal(_)), "{id}");
        }
        assert!(
            !ALL[place("S10").unwrap()].on,
            "age and sex are off by default"
        );
        assert_eq!(ALL[place("S11").unwrap()].weight, 0.0);
    }
}
