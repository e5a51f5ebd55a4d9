//! A loyal small payer: small sums at short, uneven gaps.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
    threshold,
};
use crate::Side;
use crate::texts::Texts;

/// S03.
pub const INDICATOR: Indicator = Indicator {
    id: "S03",
    name: "s03",
    sides: &[Side::Sender],
    title: Texts {
        en: "Repeated small payments at short gaps",
        de: "Wiederholte kleine Zahlungen in kurzen Abständen",
    },
    check: "in 90 days: n or more over span days or more AND median between floor and wide AND mean gap < gap; full strength up to median and where gaps are short and uneven",
    thresholds: &[
        threshold("median", 55.0, Unit::Money("AUD")),
        proposal("wide", 150.0, Unit::Money("AUD")),
        proposal("floor", 8.0, Unit::Money("AUD")),
        threshold("gap", 20.0, Unit::Days),
        proposal("n", 4.0, Unit::Count),
        proposal("span", 14.0, Unit::Days),
    ],
    source: "AIC T&I 634 (Cubitt 2021)",
    date: "2021",
    counts: Counts::Signal(group::PACE),
    weight: 0.45,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments in 90 days, median {1$}, one every {2.1} days (under {3} days), unevenness of the gaps {4.2}",
        de: "{0} Zahlungen in 90 Tagen, Median {1$}, alle {2.1} Tage eine (unter {3} Tagen), Ungleichmäßigkeit der Abstände {4.2}",
    }],
    fires,
};

const MEDIAN: usize = at(INDICATOR.thresholds, "median");
const WIDE: usize = at(INDICATOR.thresholds, "wide");
const FLOOR: usize = at(INDICATOR.thresholds, "floor");
const GAP: usize = at(INDICATOR.thresholds, "gap");
const N: usize = at(INDICATOR.thresholds, "n");
const SPAN: usize = at(INDICATOR.thresholds, "span");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    let (median, gap) = (n.median_cents, n.gap_days);
    // A series of a few days isn't a regular relationship; it may be blackmail.
    if n.span_days < t[SPAN] {
        return None;
    }
    if f64::from(n.n) < t[N] || median > t[WIDE] || median < t[FLOOR] || gap >= t[GAP] {
        return None;
    }
    // `median` is published, `wide` is our proposal: between the two the strength falls to half.
    let amount = 1.0 - 0.5 * ramp(median, t[MEDIAN], t[WIDE]);
    // Money for the family goes out by the calendar; what is bought doesn't.
    let uneven = 0.35 + 0.65 * ramp(n.gap_spread, 0.2, 0.7);
    // Full at two fifths of the limit, eight days by default. Our judgement.
    let pace = 0.7 + 0.3 * ramp(t[GAP] - gap, 0.0, t[GAP] * 0.6);
    fire(
        amount * uneven * pace,
        &[f64::from(n.n), median, gap, t[GAP], n.gap_spread],
    )
}
