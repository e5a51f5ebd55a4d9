//! Several providers for the same destination.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, most_distinct,
    proposal, ramp,
};
use crate::texts::Texts;
use crate::{Country, Purchase, Side};

/// S15.
pub const INDICATOR: Indicator = Indicator {
    id: "S15",
    name: "s15",
    sides: &[Side::Sender],
    title: Texts {
        en: "Several channels to the same country",
        de: "Mehrere Wege in dasselbe Land",
    },
    check: "in 90 days: n or more providers used for payments to one country",
    thresholds: &[proposal("n", 2.0, Unit::Count)],
    source: "ECPAT Sweden 2024; Rights Lab Nottingham",
    date: "2024",
    counts: Counts::Signal(group::CHANNEL),
    weight: 0.10,
    depends_on: None,
    on: true,
    needs: &["channel"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} providers to one country in 90 days ({1} or more)",
        de: "{0} Anbieter in ein Land in 90 Tagen (ab {1})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // An unknown provider isn't counted as a provider, nor an unknown country as a country.
    let sent = |e: &&crate::Event| {
        e.channel != 0 && e.country != Country::UNKNOWN && e.purchase == Purchase::None
    };
    let sent = v.recent.iter().filter(sent);
    let most = most_distinct(sent.map(|e| (e.country, e.channel)));
    if most < t[N] {
        return None;
    }
    fire(0.4 + 0.6 * ramp(most, t[N] - 1.0, 4.0), &[most, t[N]])
}
