//! Age; a protected attribute, off by default, shown, never counted.

use super::{Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire, threshold};
use crate::Side;
use crate::texts::Texts;

/// S10.
pub const INDICATOR: Indicator = Indicator {
    id: "S10",
    name: "s10",
    sides: &[Side::Sender],
    title: Texts {
        en: "Age of the payer in the published range",
        de: "Alter des Zahlers im veröffentlichten Bereich",
    },
    check: "age between from and until; read only where the policy says so",
    thresholds: &[
        threshold("from", 33.0, Unit::Years),
        threshold("until", 70.0, Unit::Years),
    ],
    source: "AIC T&I 589; FINTRAC 2020; ECPAT Sweden 2024; Rights Lab Nottingham",
    date: "2024",
    counts: Counts::Shown,
    weight: 0.0,
    depends_on: None,
    on: false,
    needs: &["sender_birth_year"],
    status: IndicatorStatus::Preview,
    because: &[Texts {
        en: "the payer is {0} years old (shown only)",
        de: "der Zahler ist {0} Jahre alt (nur gezeigt)",
    }],
    fires,
};

const FROM: usize = at(INDICATOR.thresholds, "from");
const UNTIL: usize = at(INDICATOR.thresholds, "until");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    // A protected attribute: even with S10 on, nothing is read without this flag.
    if !v.age_and_sex {
        return None;
    }
    let age = v.recent.last().map_or(0.0, |e| f64::from(e.age_years));
    // An unknown age is 0 and falls below `from`.
    if age < t[FROM] || age > t[UNTIL] {
        return None;
    }
    fire(1.0, &[age])
}
