//! The payer has no link to the destination; shown, never counted.

use super::{Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, proposal};
use crate::texts::Texts;
use crate::{Event, Purchase, Side};

/// S09.
pub const INDICATOR: Indicator = Indicator {
    id: "S09",
    name: "s09",
    sides: &[Side::Sender],
    title: Texts {
        en: "No known link to the destination",
        de: "Keine bekannte Bindung an den Ort der Empfänger",
    },
    check: "in 90 days: n or more payments that buy nothing, all by a payer who is known to have no link there",
    thresholds: &[proposal("n", 3.0, Unit::Count)],
    source: "AUSTRAC; FINTRAC 2020; FinCEN 2025",
    date: "2025",
    counts: Counts::Shown,
    weight: 0.0,
    depends_on: None,
    on: true,
    needs: &["sender_tie"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0} payments in 90 days to a place without a known link (shown only)",
        de: "{0} Zahlungen in 90 Tagen an einen Ort ohne bekannte Bindung (nur gezeigt)",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let paid = || v.recent.iter().filter(|e| e.purchase == Purchase::None);
    let n = paid().count() as f64;
    // One payment with a link, or where it is unknown, is enough to stay silent.
    if n < t[N] || !paid().all(|e| e.is(Event::NOT_LINKED)) {
        return None;
    }
    fire(1.0, &[n])
}
