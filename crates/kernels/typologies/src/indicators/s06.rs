//! Late evening or night where the sender is.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal, ramp,
    threshold,
};
use crate::Side;
use crate::texts::Texts;

/// S06.
pub const INDICATOR: Indicator = Indicator {
    id: "S06",
    name: "s06",
    sides: &[Side::Sender, Side::Recipient],
    title: Texts {
        en: "Paid late in the evening or at night, by the clock of the sender",
        de: "Spätabends oder nachts gezahlt, nach der Uhr des Absenders",
    },
    check: "in 90 days: n or more AND share of payments made between from and until o'clock >= share",
    thresholds: &[
        proposal("share", 0.3, Unit::Share),
        threshold("from", 22.0, Unit::Clock),
        threshold("until", 5.0, Unit::Clock),
        proposal("n", 4.0, Unit::Count),
    ],
    source: "FATF 2025; ECPAT Sweden 2024; Chainalysis 2020",
    date: "2025",
    counts: Counts::Signal(group::HOUR),
    weight: 0.30,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0%} of {1} payments in 90 days were made between {2} and {3} o'clock where the sender is ({4%} or more)",
        de: "{0%} von {1} Zahlungen in 90 Tagen zwischen {2} und {3} Uhr am Ort des Absenders (ab {4%})",
    }],
    fires,
};

const SHARE: usize = at(INDICATOR.thresholds, "share");
const FROM: usize = at(INDICATOR.thresholds, "from");
const UNTIL: usize = at(INDICATOR.thresholds, "until");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let n = v.numbers;
    // `Policy::is_night` set the flag when the transfer came; FROM and UNTIL are for the text.
    if f64::from(n.n) < t[N] || n.night < t[SHARE] {
        return None;
    }
    fire(
        0.4 + 0.6 * ramp(n.night, t[SHARE], 0.9),
        &[n.night, f64::from(n.n), t[FROM], t[UNTIL], t[SHARE]],
    )
}
