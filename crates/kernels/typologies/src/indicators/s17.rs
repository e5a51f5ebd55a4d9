//! Small payments at night to one address on a blockchain.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
    threshold,
};
use crate::texts::Texts;
use crate::{Event, Purchase, Side};

/// S17.
pub const INDICATOR: Indicator = Indicator {
    id: "S17",
    name: "s17",
    sides: &[Side::Sender],
    title: Texts {
        en: "Small payments at night to one crypto address",
        de: "Kleine Zahlungen nachts an eine Krypto-Adresse",
    },
    check: "in 90 days: n or more payments from low to high to one address, share of night >= share",
    thresholds: &[
        threshold("low", 10.0, Unit::Money("USD")),
        threshold("high", 50.0, Unit::Money("USD")),
        proposal("n", 3.0, Unit::Count),
        proposal("share", 0.5, Unit::Share),
    ],
    source: "Chainalysis 2020, 2024; FinCEN 2021",
    date: "2020",
    counts: Counts::Signal(group::PURCHASE | group::HOUR),
    weight: 0.25,
    depends_on: None,
    on: true,
    needs: &["purchase"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments of {3$} to {4$} to one address in 90 days, {1%} at night ({2} or more)",
        de: "{0} Zahlungen von {3$} bis {4$} an eine Adresse in 90 Tagen, {1%} nachts (ab {2})",
    }],
    fires,
};

const LOW: usize = at(INDICATOR.thresholds, "low");
const HIGH: usize = at(INDICATOR.thresholds, "high");
const N: usize = at(INDICATOR.thresholds, "n");
const SHARE: usize = at(INDICATOR.thresholds, "share");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let mut to: Vec<(u64, bool)> = v
        .recent
        .iter()
        .filter(|e| e.purchase == Purchase::Crypto)
        .filter(|e| (t[LOW]..=t[HIGH]).contains(&f64::from(e.ref_cents)))
        .map(|e| (e.other.0, e.is(Event::NIGHT)))
        .collect();
    // `chunk_by` groups neighbours only.
    to.sort_unstable();
    let (n, night) = to
        .chunk_by(|a, b| a.0 == b.0)
        .map(|c| (c.len() as f64, c.iter().filter(|x| x.1).count() as f64))
        .filter(|(n, night)| *n >= t[N] && night / n >= t[SHARE])
        .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))?;
    fire(
        0.5 + 0.5 * ramp(n, t[N], 10.0),
        &[n, night / n, t[N], t[LOW], t[HIGH]],
    )
}
