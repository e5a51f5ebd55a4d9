//! Very many small payments in a year.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
    threshold,
};
use crate::texts::Texts;
use crate::window::median;
use crate::{Purchase, Side};

/// S18.
pub const INDICATOR: Indicator = Indicator {
    id: "S18",
    name: "s18",
    sides: &[Side::Sender],
    title: Texts {
        en: "Extreme number of small payments",
        de: "Extreme Zahl kleiner Zahlungen",
    },
    check: "in 365 days: n or more AND floor <= median amount <= median",
    thresholds: &[
        proposal("n", 100.0, Unit::Count),
        threshold("median", 80.0, Unit::Money("AUD")),
        proposal("floor", 8.0, Unit::Money("AUD")),
    ],
    source: "AUSTRAC 2023; AUSTRAC v Westpac, statement of claim",
    date: "2023",
    counts: Counts::Signal(group::PACE),
    weight: 0.30,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments in 365 days ({1} or more), median {2$}",
        de: "{0} Zahlungen in 365 Tagen (ab {1}), Median {2$}",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const MEDIAN: usize = at(INDICATOR.thresholds, "median");
const FLOOR: usize = at(INDICATOR.thresholds, "floor");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // `year` includes purchases, so this can only be too high; the exact count follows.
    if (v.year.len() as f64) < t[N] {
        return None;
    }
    let mut amounts: Vec<u64> = v
        .year
        .iter()
        .filter(|e| e.purchase == Purchase::None)
        .map(|e| u64::from(e.ref_cents))
        .collect();
    let n = amounts.len() as f64;
    let median = median(&mut amounts);
    if n < t[N] || median > t[MEDIAN] || median < t[FLOOR] {
        return None;
    }
    fire(0.6 + 0.4 * ramp(n, t[N], 3.0 * t[N]), &[n, t[N], median])
}
