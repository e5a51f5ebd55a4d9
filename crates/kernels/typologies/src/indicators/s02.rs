//! Amounts in the price band of live-streamed abuse.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::Side;
use crate::texts::Texts;

/// S02.
pub const INDICATOR: Indicator = Indicator {
    id: "S02",
    name: "s02",
    sides: &[Side::Sender, Side::Recipient],
    title: Texts {
        en: "Amounts in the price band of live-streamed abuse",
        de: "Beträge im Preisband von Livestream-Missbrauch",
    },
    check: "in 90 days: at least n transfers AND share inside the band of the currency >= share; the bands are in currencies.rs, each with its source",
    thresholds: &[
        proposal("share", 0.7, Unit::Share),
        proposal("n", 3.0, Unit::Count),
    ],
    source: "AUSTRAC; FATF 2025; ECPAT Sweden 2024; AIC T&I 589; AMLC 2020",
    date: "2025",
    counts: Counts::Signal(group::AMOUNT),
    weight: 0.25,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0%} of {1} payments in 90 days are in the price band of their currency ({2%} or more)",
        de: "{0%} von {1} Zahlungen in 90 Tagen liegen im Preisband ihrer Währung (ab {2%})",
    }],
    fires,
};

const SHARE: usize = at(INDICATOR.thresholds, "share");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    // `n` guards the share: with one payment it is all or nothing.
    if f64::from(n.n) < t[N] || n.band < t[SHARE] {
        return None;
    }
    fire(
        0.5 + 0.5 * ramp(n.band, t[SHARE], 1.0),
        &[n.band, f64::from(n.n), t[SHARE]],
    )
}
