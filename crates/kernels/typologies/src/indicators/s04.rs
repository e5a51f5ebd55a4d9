//! Among the most frequent payers; few buyers make most payments.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal,
};
use crate::Side;
use crate::texts::Texts;

/// S04.
pub const INDICATOR: Indicator = Indicator {
    id: "S04",
    name: "s04",
    sides: &[Side::Sender],
    title: Texts {
        en: "Among the most frequent payers",
        de: "Unter den häufigsten Zahlern",
    },
    check: "in 90 days: n or more payments, four fifths of them small; from the history, set n to what the top 3 % of payers reach",
    thresholds: &[proposal("n", 24.0, Unit::Count)],
    source: "AIC T&I 589 (Brown 2020): 3 % of people made 50 % of payments",
    date: "2020",
    counts: Counts::Signal(group::PACE),
    weight: 0.10,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments in 90 days ({1} or more)",
        de: "{0} Zahlungen in 90 Tagen (ab {1})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    // 0.8 is the default share of S01, but fixed here: a policy cannot change it.
    if f64::from(n.n) < t[N] || n.small < 0.8 {
        return None;
    }
    fire(1.0, &[f64::from(n.n), t[N]])
}
