//! Several recipients of one sender share a telephone or address.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, most_distinct,
    proposal, ramp,
};
use crate::Side;
use crate::texts::Texts;

/// R04.
pub const INDICATOR: Indicator = Indicator {
    id: "R04",
    name: "r04",
    sides: &[Side::Sender],
    title: Texts {
        en: "Recipients with one telephone or address share this sender",
        de: "Empfänger mit derselben Telefonnummer oder Adresse teilen diesen Absender",
    },
    check: "in 365 days: n or more recipients of this sender share one contact",
    thresholds: &[proposal("n", 2.0, Unit::Count)],
    source: "AMLC (Inquirer 2020)",
    date: "2020",
    counts: Counts::Signal(group::SHARING),
    weight: 0.15,
    depends_on: None,
    on: true,
    needs: &["recipient_contact"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} recipients with one telephone or address ({1} or more)",
        de: "{0} Empfänger mit derselben Telefonnummer oder Adresse (ab {1})",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // 0 is unknown: two recipients without a contact do not share one.
    let known = v.year.iter().filter(|e| e.contact != 0);
    let most = most_distinct(known.map(|e| (e.contact, e.other.0)));
    if most < t[N] {
        return None;
    }
    fire(0.5 + 0.5 * ramp(most, t[N], 5.0), &[most, t[N]])
}
