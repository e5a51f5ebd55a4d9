//! Known from an earlier, confirmed case. An association, never one of the two signals.

use super::{Counts, DependsOn, Firing, Indicator, IndicatorStatus, PartyView, fire};
use crate::Side;
use crate::texts::Texts;

/// S16.
pub const INDICATOR: Indicator = Indicator {
    id: "S16",
    name: "s16",
    sides: &[Side::Sender, Side::Recipient],
    title: Texts {
        en: "Known from a confirmed case",
        de: "Aus einem bestätigten Fall bekannt",
    },
    check: "the party is in a case that a person decided to report; alone it neither raises an alert nor holds a payment",
    thresholds: &[],
    source: "AUSTRAC v Westpac, statement of claim (customer 12)",
    date: "2019",
    counts: Counts::Association,
    weight: 0.30,
    depends_on: Some(DependsOn::OwnConfirmed),
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "is in a case that a person decided to report",
        de: "steht in einem Fall, den ein Mensch zu melden entschied",
    }],
    fires,
};

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // Every indicator has the same signature; this one has no threshold.
    let _ = t;
    if !v.links.listed {
        return None;
    }
    fire(1.0, &[])
}
