//! A corridor that a regulator named; shown, never counted.

use super::{Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, proposal};
use crate::Side;
use crate::texts::Texts;

/// S11.
pub const INDICATOR: Indicator = Indicator {
    id: "S11",
    name: "s11",
    sides: &[Side::Sender],
    title: Texts {
        en: "Destination on a regulator's list",
        de: "Zielland auf der Liste einer Behörde",
    },
    check: "in 90 days: share of payments to a country of a published list >= share; the lists are in countries.rs",
    thresholds: &[proposal("share", 0.5, Unit::Share)],
    source: "FINTRAC 2020, 2025-11; AMLC 2023",
    date: "2025",
    counts: Counts::Shown,
    weight: 0.0,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0%} of payments in 90 days go to countries on a published list (shown only)",
        de: "{0%} der Zahlungen in 90 Tagen gehen in Länder einer veröffentlichten Liste (nur gezeigt)",
    }],
    fires,
};

const SHARE: usize = at(INDICATOR.thresholds, "share");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    // Without transfers the share is 0, and a threshold of 0 would fire.
    if n.n == 0 || n.risk < t[SHARE] {
        return None;
    }
    fire(1.0, &[n.risk])
}
