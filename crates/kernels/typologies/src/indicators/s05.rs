//! Both amounts and frequency rise.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::texts::Texts;
use crate::window::rank_trend;
use crate::{Event, Purchase, Side};

/// S05.
pub const INDICATOR: Indicator = Indicator {
    id: "S05",
    name: "s05",
    sides: &[Side::Sender],
    title: Texts {
        en: "Amounts rise and gaps shrink",
        de: "Beträge steigen, Abstände schrumpfen",
    },
    check: "over the last 64 payments of 365 days, n or more: rank correlation of amount with order > rise AND of gap with order < -rise",
    thresholds: &[
        proposal("rise", 0.3, Unit::Correlation),
        proposal("n", 8.0, Unit::Count),
    ],
    source: "AIC T&I 589 (Brown 2020)",
    date: "2020",
    counts: Counts::Signal(group::TREND),
    weight: 0.20,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "over {0} payments amounts rise (rank correlation {1.2}) and gaps shrink ({2.2}); the threshold is {3.1}",
        de: "über {0} Zahlungen steigen die Beträge (Rangkorrelation {1.2}) und schrumpfen die Abstände ({2.2}); ab {3.1}",
    }],
    fires,
};

const RISE: usize = at(INDICATOR.thresholds, "rise");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let sent: Vec<&Event> = v
        .year
        .iter()
        .filter(|e| e.purchase == Purchase::None)
        .collect();
    if (sent.len() as f64) < t[N] {
        return None;
    }
    // 64 is our judgement: it bounds the two sorts in `rank_trend`.
    let sent = &sent[sent.len().saturating_sub(64)..];
    let amounts: Vec<f64> = sent.iter().map(|e| f64::from(e.ref_cents)).collect();
    let gaps: Vec<f64> = sent
        .windows(2)
        .map(|w| (w[1].at_micros - w[0].at_micros) as f64)
        .collect();
    let (amount, gap) = (rank_trend(&amounts), rank_trend(&gaps));
    if amount <= t[RISE] || gap >= -t[RISE] {
        return None;
    }
    // At both thresholds the mean is `rise`; starting at half of it leaves some strength.
    let strength = ramp((amount - gap) / 2.0, t[RISE] / 2.0, 0.8);
    fire(strength, &[sent.len() as f64, amount, gap, t[RISE]])
}
