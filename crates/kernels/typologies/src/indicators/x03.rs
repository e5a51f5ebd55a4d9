//! Gift cards bought in a burst.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::texts::Texts;
use crate::{Event, Purchase, Side};

/// X03.
pub const INDICATOR: Indicator = Indicator {
    id: "X03",
    name: "x03",
    sides: &[Side::Sender],
    title: Texts {
        en: "Gift or prepaid cards bought in a burst",
        de: "Geschenk- oder Prepaidkarten kurz hintereinander gekauft",
    },
    check: "n or more gift cards within hours; where age may be read and is known, at most age",
    thresholds: &[
        proposal("n", 3.0, Unit::Count),
        proposal("hours", 48.0, Unit::Hours),
        proposal("age", 20.0, Unit::Years),
    ],
    source: "FinCEN FIN-2025-NTC2; FATF 2025; FBI 2024",
    date: "2025",
    counts: Counts::Signal(group::PURCHASE),
    weight: 0.30,
    depends_on: None,
    on: true,
    needs: &["purchase"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} gift cards within {1} hours ({2} or more)",
        de: "{0} Geschenkkarten binnen {1} Stunden (ab {2})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const HOURS: usize = at(INDICATOR.thresholds, "hours");
const AGE: usize = at(INDICATOR.thresholds, "age");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // An unknown age (0) is below the limit and counts, unlike in X04.
    let cards: Vec<&Event> = v
        .recent
        .iter()
        .filter(|e| e.purchase == Purchase::GiftCard)
        .filter(|e| !v.age_and_sex || f64::from(e.age_years) <= t[AGE])
        .collect();
    let within = (t[HOURS] * 3_600e6) as i64;
    let most = (0..cards.len())
        .map(|i| {
            cards[i..]
                .iter()
                .take_while(|e| e.at_micros - cards[i].at_micros <= within)
                .count()
        })
        .max()
        .unwrap_or(0) as f64;
    if most < t[N] {
        return None;
    }
    fire(0.6 + 0.4 * ramp(most, t[N], 8.0), &[most, t[HOURS], t[N]])
}
