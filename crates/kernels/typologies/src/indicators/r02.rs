//! A sender that shares a recipient with a sender in a confirmed case, or a recipient that such a
//! sender paid. An association, never one of the two signals.

use super::{Counts, DependsOn, Firing, Indicator, IndicatorStatus, PartyView, fire_as, ramp};
use crate::Side;
use crate::texts::Texts;

/// R02.
pub const INDICATOR: Indicator = Indicator {
    id: "R02",
    name: "r02",
    sides: &[Side::Sender, Side::Recipient],
    title: Texts {
        en: "Shares recipients with a confirmed case",
        de: "Teilt Empfänger mit einem bestätigten Fall",
    },
    check: "recipient: paid in 365 days by a sender of a confirmed case; sender: pays such recipients",
    thresholds: &[],
    source: "AUSTRAC; Rights Lab, Follow the Money",
    date: "2021",
    counts: Counts::Association,
    weight: 0.30,
    depends_on: Some(DependsOn::NearbyConfirmed),
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[
        Texts {
            en: "{0} of its recipients were paid by a sender of a confirmed case too",
            de: "{0} der Empfänger wurden auch von einem Absender eines bestätigten Falls bezahlt",
        },
        Texts {
            en: "{0} senders of confirmed cases pay it",
            de: "{0} Absender bestätigter Fälle zahlen an ihn",
        },
    ],
    fires,
};

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // Every indicator has the same signature; this one has no threshold.
    let _ = t;
    let near = f64::from(v.links.near_confirmed);
    if near == 0.0 {
        return None;
    }
    let sentence = u8::from(v.side == Side::Recipient);
    fire_as(sentence, 0.5 + 0.5 * ramp(near, 0.0, 3.0), &[near])
}
