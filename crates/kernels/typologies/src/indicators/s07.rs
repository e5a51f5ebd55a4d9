//! Even amounts.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::Side;
use crate::texts::Texts;

/// S07.
pub const INDICATOR: Indicator = Indicator {
    id: "S07",
    name: "s07",
    sides: &[Side::Sender, Side::Recipient],
    title: Texts {
        en: "Even amounts",
        de: "Glatte Beträge",
    },
    check: "in 90 days: n or more AND share of even amounts >= share",
    thresholds: &[
        proposal("share", 0.6, Unit::Share),
        proposal("n", 4.0, Unit::Count),
    ],
    source: "FATF 2025",
    date: "2025",
    counts: Counts::Signal(group::AMOUNT),
    weight: 0.10,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0%} of {1} amounts in 90 days are even ({2%} or more)",
        de: "{0%} von {1} Beträgen in 90 Tagen sind glatt (ab {2%})",
    }],
    fires,
};

const SHARE: usize = at(INDICATOR.thresholds, "share");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    // What is even depends on the currency: 5 euros, 500 yen (currencies.rs).
    if f64::from(n.n) < t[N] || n.even < t[SHARE] {
        return None;
    }
    fire(
        0.3 + 0.7 * ramp(n.even, t[SHARE], 1.0),
        &[n.even, f64::from(n.n), t[SHARE]],
    )
}
