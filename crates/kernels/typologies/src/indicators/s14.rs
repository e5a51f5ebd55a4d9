//! A long stay where the money goes.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::texts::Texts;
use crate::{Country, DAY_MICROS, Event, Purchase, Side};

/// S14.
pub const INDICATOR: Indicator = Indicator {
    id: "S14",
    name: "s14",
    sides: &[Side::Sender],
    title: Texts {
        en: "Cash and purchases in the country that is paid to",
        de: "Bargeld und Käufe im Land der Empfänger",
    },
    check: "in 365 days: n or more such payments over days or more, in a country that is also paid to",
    thresholds: &[
        proposal("n", 3.0, Unit::Count),
        proposal("days", 14.0, Unit::Days),
    ],
    source: "FINTRAC 2025; AUSTRAC 2025",
    date: "2025",
    counts: Counts::Signal(group::PURCHASE),
    weight: 0.12,
    depends_on: None,
    on: true,
    needs: &["purchase"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments there over {1} days ({2} or more over {3} days)",
        de: "{0} Zahlungen dort über {1} Tage (ab {2} über {3})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");
const DAYS: usize = at(INDICATOR.thresholds, "days");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let paid = |country| {
        v.year
            .iter()
            .any(|e| e.purchase == Purchase::None && e.country == country)
    };
    // Measured from the first to the last such payment, in whichever countries and with whatever
    // pauses: two short trips can look like one long stay.
    let there: Vec<&Event> = v
        .year
        .iter()
        .filter(|e| {
            e.purchase == Purchase::Abroad && e.country != Country::UNKNOWN && paid(e.country)
        })
        .collect();
    let (Some(first), Some(last)) = (there.first(), there.last()) else {
        return None;
    };
    let days = (last.at_micros - first.at_micros) as f64 / DAY_MICROS as f64;
    if (there.len() as f64) < t[N] || days < t[DAYS] {
        return None;
    }
    fire(
        0.5 + 0.5 * ramp(days, t[DAYS], 60.0),
        &[there.len() as f64, days, t[N], t[DAYS]],
    )
}
