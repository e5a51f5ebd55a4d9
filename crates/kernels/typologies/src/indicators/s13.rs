//! Tokens on webcam, live-stream, adult or dating platforms.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::texts::Texts;
use crate::{Purchase, Side};

/// S13.
pub const INDICATOR: Indicator = Indicator {
    id: "S13",
    name: "s13",
    sides: &[Side::Sender],
    title: Texts {
        en: "Buys tokens on webcam, live-stream, adult or dating platforms",
        de: "Kauft Guthaben auf Webcam-, Livestream-, Erotik- oder Dating-Plattformen",
    },
    check: "in 90 days: n or more such purchases",
    thresholds: &[proposal("n", 3.0, Unit::Count)],
    source: "FINTRAC 2020; ECPAT Sweden 2024",
    date: "2024",
    counts: Counts::Signal(group::PURCHASE),
    weight: 0.15,
    depends_on: None,
    on: true,
    needs: &["purchase"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} purchases of tokens in 90 days ({1} or more)",
        de: "{0} Käufe von Guthaben in 90 Tagen (ab {1})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let bought = v
        .recent
        .iter()
        .filter(|e| e.purchase == Purchase::Tokens)
        .count() as f64;
    if bought < t[N] {
        return None;
    }
    // 12 in 90 days is about one a week. Our judgement.
    fire(0.4 + 0.6 * ramp(bought, t[N], 12.0), &[bought, t[N]])
}
