//! Payments close together to a new recipient: possible blackmail.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::Side;
use crate::texts::Texts;
use crate::window::Series;

/// X01.
pub const INDICATOR: Indicator = Indicator {
    id: "X01",
    name: "x01",
    sides: &[Side::Sender],
    title: Texts {
        en: "Several payments within days to a new recipient",
        de: "Mehrere Zahlungen binnen Tagen an jemand Neuen",
    },
    check: "n or more payments within hours to at most three recipients never paid before, a later payment higher than the first by a fifth or more, over at most 14 days without a gap of more than 7, and three fifths or more of all payments in the 90 days up to the last; no series if its recipients are paid more than three times its payments plus six in 365 days; at most age, where age may be read and is known",
    thresholds: &[
        proposal("n", 3.0, Unit::Count),
        proposal("hours", 72.0, Unit::Hours),
        proposal("age", 20.0, Unit::Years),
    ],
    source: "FinCEN FIN-2025-NTC2",
    date: "2025",
    counts: Counts::Signal(group::BURST),
    weight: 0.35,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments within {1.1} days to {2} new recipients ({3} or more within {4} hours)",
        de: "{0} Zahlungen binnen {1.1} Tagen an {2} neue Empfänger ({3} binnen {4} Stunden)",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const HOURS: usize = at(INDICATOR.thresholds, "hours");
const AGE: usize = at(INDICATOR.thresholds, "age");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let series = Series::last(v)?;
    // An unknown age (0) passes; only a known one above the limit rules the series out.
    if v.age_and_sex && series.age_years > 0.0 && series.age_years > t[AGE] {
        return None;
    }
    // Can only tighten: every series already has three payments within 72 hours.
    if !series.reaches(t[N] as usize, t[HOURS]) {
        return None;
    }
    fire(
        0.6 + 0.4 * ramp(series.n, t[N], 8.0),
        &[
            series.n,
            series.days,
            series.to.len() as f64,
            t[N],
            t[HOURS],
        ],
    )
}
