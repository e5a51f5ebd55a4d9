//! Small transfers to several recipients without a visible family link.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
    threshold,
};
use crate::Side;
use crate::texts::Texts;

/// S01.
pub const INDICATOR: Indicator = Indicator {
    id: "S01",
    name: "s01",
    sides: &[Side::Sender],
    title: Texts {
        en: "Small transfers to several recipients who are not family",
        de: "Kleine Zahlungen an mehrere Empfänger außerhalb der Familie",
    },
    check: "in 90 days: recipients without a family link >= n AND share of amounts up to small >= share",
    thresholds: &[
        proposal("n", 4.0, Unit::Count),
        threshold("small", 200.0, Unit::Money("USD")),
        proposal("share", 0.8, Unit::Share),
    ],
    source: "AMLC 2020; AUSTRAC v Westpac, statement of claim; FINTRAC 2020",
    date: "2020",
    counts: Counts::Signal(group::SPREAD | group::AMOUNT),
    weight: 0.40,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} recipients in 90 days who are not family ({1} or more), {2%} of {3} payments are small",
        de: "{0} Empfänger in 90 Tagen, die nicht zur Familie gehören (ab {1}), {2%} von {3} Zahlungen sind klein",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const SHARE: usize = at(INDICATOR.thresholds, "share");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    let many = f64::from(n.strangers);
    // The share counts payments to family, too; only the recipients leave family out.
    if many < t[N] || n.small < t[SHARE] {
        return None;
    }
    // Starts one below the threshold, so that just reaching it already weighs. Our judgement.
    let strength = 0.4 + 0.6 * ramp(many, t[N] - 1.0, t[N] + 8.0);
    fire(strength, &[many, t[N], n.small, f64::from(n.n)])
}
