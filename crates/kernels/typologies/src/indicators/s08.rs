//! A social handle or a cover label in the reference.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
};
use crate::texts::Texts;
use crate::{Event, Side};

/// S08.
pub const INDICATOR: Indicator = Indicator {
    id: "S08",
    name: "s08",
    sides: &[Side::Sender],
    title: Texts {
        en: "The reference holds a social handle or a published cover label",
        de: "Der Verwendungszweck enthält ein Profil oder ein bekanntes Tarnwort",
    },
    check: "in 90 days: n or more payments whose reference holds a handle or a label (uniform, medical, education, accommodation, family support)",
    thresholds: &[proposal("n", 2.0, Unit::Count)],
    source: "AUSTRAC; FATF 2025",
    date: "2025",
    counts: Counts::Signal(group::TEXT),
    weight: 0.10,
    depends_on: None,
    on: true,
    needs: &["reference"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{3} references in 90 days with a handle ({0}) or a cover label ({1}); {2} or more",
        de: "{3} Verwendungszwecke in 90 Tagen mit Profil ({0}) oder Tarnwort ({1}), ab {2}",
    }],
    fires,
};

const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let count = |flag| v.recent.iter().filter(|e| e.is(flag)).count() as f64;
    let (handles, covers) = (count(Event::HANDLE), count(Event::COVER));
    let either = |e: &&Event| e.is(Event::HANDLE) || e.is(Event::COVER);
    // Not handles plus covers: one reference may hold both and is one payment.
    let payments = v.recent.iter().filter(either).count() as f64;
    if payments < t[N] {
        return None;
    }
    // Most who write "school uniform" pay for one.
    let strength = 0.3 * ramp(covers, 0.0, 6.0) + 0.7 * ramp(handles, 0.0, 3.0);
    fire(strength, &[handles, covers, t[N], payments])
}
