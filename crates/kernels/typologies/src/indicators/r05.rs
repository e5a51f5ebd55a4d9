//! Very small credits from many payers, as files and subscriptions are paid for.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, distinct, fire, group,
    proposal, ramp, threshold,
};
use crate::Side;
use crate::texts::Texts;

/// R05.
pub const INDICATOR: Indicator = Indicator {
    id: "R05",
    name: "r05",
    sides: &[Side::Recipient],
    title: Texts {
        en: "Very small credits from many payers",
        de: "Sehr kleine Eingänge von vielen Zahlern",
    },
    check: "in 90 days: n or more payers of amounts from low to high",
    thresholds: &[
        threshold("low", 50.0, Unit::Money("PHP")),
        threshold("high", 300.0, Unit::Money("PHP")),
        proposal("n", 10.0, Unit::Count),
    ],
    source: "Department of Justice of the Philippines 2024, 2025",
    date: "2025",
    counts: Counts::Signal(group::SHARING | group::AMOUNT),
    weight: 0.25,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payers of very small sums in 90 days ({1} or more)",
        de: "{0} Zahler sehr kleiner Beträge in 90 Tagen (ab {1})",
    }],
    fires,
};

const LOW: usize = at(INDICATOR.thresholds, "low");
const HIGH: usize = at(INDICATOR.thresholds, "high");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // Fewer events than payers needed: ends most cases before the sort.
    if (v.recent.len() as f64) < t[N] {
        return None;
    }
    let small = |e: &&crate::Event| (t[LOW]..=t[HIGH]).contains(&f64::from(e.ref_cents));
    let n = distinct(v.recent.iter().filter(small).map(|e| e.other.0));
    if n < t[N] {
        return None;
    }
    fire(0.5 + 0.5 * ramp(n, t[N], 50.0), &[n, t[N]])
}
