//! Buys software that hides traces.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::texts::Texts;
use crate::{Purchase, Side};

/// S12.
pub const INDICATOR: Indicator = Indicator {
    id: "S12",
    name: "s12",
    sides: &[Side::Sender],
    title: Texts {
        en: "Buys VPN, encryption, trace clearing, spyware or video capture",
        de: "Kauft VPN, Verschlüsselung, Spurenlöscher, Spähsoftware oder Videoaufnahme",
    },
    check: "in 90 days: n or more such purchases",
    thresholds: &[proposal("n", 1.0, Unit::Count)],
    source: "AUSTRAC; FINTRAC 2020",
    date: "2020",
    counts: Counts::Signal(group::PURCHASE),
    weight: 0.10,
    depends_on: None,
    on: true,
    needs: &["purchase"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} purchases of such software in 90 days ({1} or more)",
        de: "{0} Käufe solcher Software in 90 Tagen (ab {1})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let bought = v
        .recent
        .iter()
        .filter(|e| e.purchase == Purchase::Privacy)
        .count() as f64;
    if bought < t[N] {
        return None;
    }
    // From 0, because the default threshold is a single purchase.
    fire(0.5 + 0.5 * ramp(bought, 0.0, 4.0), &[bought, t[N]])
}
