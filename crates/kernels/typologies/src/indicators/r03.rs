//! Money leaves within a day.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, group, proposal,
};
use crate::Side;
use crate::texts::Texts;

/// R03.
pub const INDICATOR: Indicator = Indicator {
    id: "R03",
    name: "r03",
    sides: &[Side::Recipient],
    title: Texts {
        en: "What comes in leaves within a day",
        de: "Was eingeht, fließt binnen eines Tages ab",
    },
    check: "in 90 days: n or more credits AND at least share of their sum leaves within hours, as transfer, cash or purchase",
    thresholds: &[
        proposal("share", 0.9, Unit::Share),
        proposal("hours", 24.0, Unit::Hours),
        proposal("n", 3.0, Unit::Count),
    ],
    source: "AMLC 2020, 2023",
    date: "2023",
    counts: Counts::Signal(group::OUTFLOW),
    weight: 0.35,
    depends_on: None,
    on: true,
    needs: &["purchase or outgoing transfers"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "{0%} of {1} credits in 90 days left within {2} hours ({3%} or more)",
        de: "{0%} von {1} Eingängen in 90 Tagen flossen binnen {2} Stunden ab (ab {3%})",
    }],
    fires,
};

const SHARE: usize = at(INDICATOR.thresholds, "share");
const HOURS: usize = at(INDICATOR.thresholds, "hours");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let credits = v.recent;
    if (credits.len() as f64) < t[N] || v.other_side.is_empty() {
        return None;
    }
    let (mut came, mut left) = (0.0, 0.0);
    let within = (t[HOURS] * 3_600e6) as i64;
    let mut next = 0;
    let mut spare = 0.0;
    for credit in credits {
        let sum = f64::from(credit.ref_cents);
        came += sum;
        let mut open = sum;
        // The part of a withdrawal above its credit counts for the next credit, without a time
        // limit.
        let take = open.min(spare);
        spare -= take;
        open -= take;
        while open > 0.0 && next < v.other_side.len() {
            let out = &v.other_side[next];
            // Money that left before the credit came cannot be that credit.
            if out.at_micros < credit.at_micros {
                next += 1;
                continue;
            }
            // Not consumed: it may be in time for the next credit.
            if out.at_micros > credit.at_micros + within {
                break;
            }
            next += 1;
            let amount = f64::from(out.ref_cents);
            let take = open.min(amount);
            open -= take;
            spare = amount - take;
        }
        left += sum - open;
    }
    // Tiny credits in a weak currency round to 0 cents; their sum must not divide by zero.
    let share = left / f64::max(came, 1.0);
    if share < t[SHARE] {
        return None;
    }
    fire(1.0, &[share, credits.len() as f64, t[HOURS], t[SHARE]])
}
