//! Collects from several unrelated payers within 30 days.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, distinct, fire, fire_as,
    group, proposal, ramp,
};
use crate::texts::Texts;
use crate::{Event, Purchase, Side};

/// X04.
pub const INDICATOR: Indicator = Indicator {
    id: "X04",
    name: "x04",
    sides: &[Side::Recipient],
    title: Texts {
        en: "Collects from several unrelated payers in a short time",
        de: "Sammelt in kurzer Zeit von mehreren unverbundenen Zahlern",
    },
    check: "in 30 days: any_age or more payers without a family link; where age may be read, n or more whose age is known and at most age are enough",
    thresholds: &[
        proposal("n", 3.0, Unit::Count),
        proposal("age", 20.0, Unit::Years),
        proposal("any_age", 5.0, Unit::Count),
    ],
    source: "FinCEN FIN-2025-NTC2; AUSTRAC 2025",
    date: "2025",
    counts: Counts::Signal(group::SHARING),
    weight: 0.35,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[
        Texts {
            en: "{0} unrelated payers in 30 days ({1} or more)",
            de: "{0} unverbundene Zahler in 30 Tagen (ab {1})",
        },
        Texts {
            en: "{0} unrelated payers up to {2} years old in 30 days ({1} or more)",
            de: "{0} unverbundene Zahler bis {2} Jahre in 30 Tagen (ab {1})",
        },
    ],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const AGE: usize = at(INDICATOR.thresholds, "age");
const ANY_AGE: usize = at(INDICATOR.thresholds, "any_age");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let month = v.days(30);
    // Unlike in X03, an unknown age (0) does not count as young: ANY_AGE covers it.
    let payers = |young: bool| {
        let unrelated = month
            .iter()
            .filter(|e| e.purchase == Purchase::None && !e.is(Event::KIN))
            .filter(|e| !young || (e.age_years > 0 && f64::from(e.age_years) <= t[AGE]));
        distinct(unrelated.map(|e| e.other.0))
    };
    if v.age_and_sex {
        let young = payers(true);
        if young >= t[N] {
            return fire_as(
                1,
                0.6 + 0.4 * ramp(young, t[N], 10.0),
                &[young, t[N], t[AGE]],
            );
        }
    }
    let all = payers(false);
    if all < t[ANY_AGE] {
        return None;
    }
    fire(0.6 + 0.4 * ramp(all, t[ANY_AGE], 15.0), &[all, t[ANY_AGE]])
}
