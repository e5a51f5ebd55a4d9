//! Several unrelated senders pay one person small sums.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, distinct, fire, fire_as,
    group, proposal, ramp,
};
use crate::texts::Texts;
use crate::window::median;
use crate::{Country, Event, Purchase, Side};

/// R01.
pub const INDICATOR: Indicator = Indicator {
    id: "R01",
    name: "r01",
    sides: &[Side::Recipient, Side::Sender],
    title: Texts {
        en: "Several unrelated senders pay the same person small sums",
        de: "Mehrere unverbundene Absender zahlen derselben Person kleine Beträge",
    },
    check: "recipient, in 180 days: senders without a family link from n to most AND floor <= median amount <= median AND source countries >= countries; sender, in 90 days: one or more such recipients AND two or more recipients in all",
    thresholds: &[
        proposal("n", 3.0, Unit::Count),
        proposal("median", 120.0, Unit::Money("USD")),
        proposal("countries", 2.0, Unit::Count),
        proposal("most", 250.0, Unit::Count),
        proposal("floor", 5.0, Unit::Money("USD")),
    ],
    source: "AUSTRAC case study",
    date: "2023",
    counts: Counts::Signal(group::SHARING),
    weight: 0.45,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[
        Texts {
            en: "{0} unrelated senders from {1} countries in 180 days ({2} or more from {3}), median {4$}",
            de: "{0} unverbundene Absender aus {1} Ländern in 180 Tagen (ab {2} aus {3}), Median {4$}",
        },
        Texts {
            en: "{0} of its {1} recipients in 90 days are paid by several unrelated senders",
            de: "{0} der {1} Empfänger in 90 Tagen werden von mehreren unverbundenen Absendern bezahlt",
        },
    ],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const MEDIAN: usize = at(INDICATOR.thresholds, "median");
const COUNTRIES: usize = at(INDICATOR.thresholds, "countries");
const MOST: usize = at(INDICATOR.thresholds, "most");
const FLOOR: usize = at(INDICATOR.thresholds, "floor");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    if v.side == Side::Sender {
        let (shared, all) = (
            f64::from(v.links.shared),
            f64::from(v.numbers.others.max(1)),
        );
        // One recipient isn't enough: a monthly donor shares the charity with every other donor.
        if shared == 0.0 || all < 2.0 {
            return None;
        }
        // Our judgement: how many are shared counts slightly more than which share of all.
        let strength = 0.3 + 0.4 * ramp(shared, 0.0, 4.0) + 0.3 * ramp(shared / all, 0.0, 0.5);
        return fire_as(1, strength, &[shared, f64::from(v.numbers.others)]);
    }
    let (senders, countries, median) = payers(v)?;
    // More than `most` senders are a shop or a charity (tests/promises.rs).
    if senders < t[N]
        || senders > t[MOST]
        || median > t[MEDIAN]
        || median < t[FLOOR]
        || countries < t[COUNTRIES]
    {
        return None;
    }
    fire(
        0.5 + 0.5 * ramp(senders, t[N], t[N] + 6.0),
        &[senders, countries, t[N], t[COUNTRIES], median],
    )
}

/// Number of unrelated senders in 180 days, number of known countries they pay from, and median
/// amount in US cents; `None` with fewer than two senders.
fn payers(v: &PartyView<'_>) -> Option<(f64, f64, f64)> {
    let paid = v.days(180);
    // Cheap exits first: `is_shared_now` asks this after nearly every payment received.
    if paid.len() < 2 {
        return None;
    }
    let unrelated = || {
        paid.iter()
            .filter(|e| e.purchase == Purchase::None && !e.is(Event::KIN))
    };
    let senders = distinct(unrelated().map(|e| e.other.0));
    if senders < 2.0 {
        return None;
    }
    let known = unrelated().filter(|e| e.country != Country::UNKNOWN);
    let countries = distinct(known.map(|e| e.country.number()));
    let mut amounts: Vec<u64> = unrelated().map(|e| u64::from(e.ref_cents)).collect();
    Some((senders, countries, median(&mut amounts)))
}
