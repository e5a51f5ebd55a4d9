//! A series that begins small, rises and stops: possible blackmail.

use super::{
    Counts, Firing, Indicator, IndicatorStatus, PartyView, Unit, at, fire_as, group, proposal,
    threshold,
};
use crate::Side;
use crate::texts::Texts;
use crate::window::Series;

/// X02.
pub const INDICATOR: Indicator = Indicator {
    id: "X02",
    name: "x02",
    sides: &[Side::Sender],
    title: Texts {
        en: "A series that begins small, rises and stops",
        de: "Eine Serie, die klein beginnt, steigt und abbricht",
    },
    check: "the series of X01: n or more payments AND first amount < first AND a later payment is higher by a fifth or more; full strength up to sum and after silence days without another",
    thresholds: &[
        threshold("first", 250.0, Unit::Money("EUR")),
        threshold("sum", 1500.0, Unit::Money("EUR")),
        proposal("silence", 14.0, Unit::Days),
        proposal("n", 3.0, Unit::Count),
    ],
    source: "FATF 2025",
    date: "2025",
    counts: Counts::Signal(group::SERIES),
    weight: 0.35,
    depends_on: None,
    on: true,
    needs: &[],
    status: IndicatorStatus::Preview,
    because: &[
        Texts {
            en: "began with {0$}, rose to {1$}, {2$} in all, then {3} days of silence",
            de: "begann mit {0$}, stieg auf {1$}, zusammen {2$}, dann {3} Tage Stille",
        },
        Texts {
            en: "began with {0$}, rose to {1$}, {2$} in all so far",
            de: "begann mit {0$}, stieg auf {1$}, bisher zusammen {2$}",
        },
    ],
    fires,
};

const FIRST: usize = at(INDICATOR.thresholds, "first");
const SUM: usize = at(INDICATOR.thresholds, "sum");
const SILENCE: usize = at(INDICATOR.thresholds, "silence");
const N: usize = at(INDICATOR.thresholds, "n");

fn fires(v: &PartyView<'_>, t: &[f64]) -> Option<Firing> {
    let s = Series::last(v)?;
    // The last condition holds only for amounts that round to 0 cents: any other series rises by a
    // fifth.
    if s.n < t[N] || s.first_cents >= t[FIRST] || s.highest_cents <= s.first_cents {
        return None;
    }
    let silence = s.silence_days(v);
    let values = [s.first_cents, s.highest_cents, s.sum_cents, silence];
    // Above `sum` the strength only drops to 0.8 (our judgement): a victim who paid more than usual
    // is in more danger, not less.
    let usual = if s.sum_cents <= t[SUM] { 1.0 } else { 0.8 };
    if silence >= t[SILENCE] {
        fire_as(0, usual, &values)
    } else {
        // Half: the end is part of the pattern, and this series may still be running.
        fire_as(1, 0.5 * usual, &values)
    }
}
