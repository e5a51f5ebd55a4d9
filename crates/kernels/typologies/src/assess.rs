//! One side of a party at one moment: which indicators fired, whether they come to a scenario, and
//! how much they weigh together.

use crate::indicators::{self, Counts, Indicator, PartyView};
use crate::scenarios;
use crate::texts::Texts;
use crate::window::{Numbers, Series, last_days, others};
use crate::{DAY_MICROS, Event, PartyKey, Policy, Purchase, Role, SCENARIOS, Scenario, Side};

/// What is known of the others that a party deals with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Links {
    /// Recipients of 90 days that several unrelated senders pay (R01).
    pub shared: u32,
    /// Others who deal with a confirmed sender (R02).
    pub near_confirmed: u32,
    /// The party itself is in a confirmed case (S16).
    pub listed: bool,
}

/// An indicator that fired, with the numbers that made it fire.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fired {
    place: u8,
    sentence: u8,
    /// How strongly, 0 to 1.
    pub strength: f64,
    /// The numbers, in the order of its sentence.
    pub values: [f64; 5],
}

impl Fired {
    /// Restores one from the record; `None` if the indicator no longer exists.
    pub fn restored(id: &str, sentence: u8, strength: f64, values: [f64; 5]) -> Option<Self> {
        let place = indicators::place(id)?;
        // A record of another version may name a sentence that this one does not have.
        (usize::from(sentence) < indicators::ALL[place].because.len()).then_some(Self {
            place: place as u8,
            sentence,
            strength: strength.clamp(0.0, 1.0),
            values,
        })
    }

    /// Which of the indicator's sentences it is.
    pub fn sentence(&self) -> u8 {
        self.sentence
    }

    /// Which one.
    pub fn indicator(&self) -> &'static Indicator {
        indicators::ALL[usize::from(self.place)]
    }

    /// Why, as a sentence.
    pub fn because(&self) -> Texts<String> {
        self.indicator().because[usize::from(self.sentence)].with(&self.values)
    }

    /// Adds to the score once a scenario holds.
    pub fn weighs(&self) -> bool {
        !matches!(self.indicator().counts, Counts::Shown)
    }
}

/// A scenario that holds for one side of a party.
#[derive(Clone, PartialEq, Debug)]
pub struct Assessment {
    /// The scenario.
    pub scenario: &'static str,
    /// 0 to 100.
    pub score: f64,
    /// What fired, heaviest first; what is only shown last.
    pub fired: Vec<Fired>,
    /// First transfer it rests on, microseconds since 1970.
    pub first_at: i64,
    /// Last transfer it rests on.
    pub last_at: i64,
    /// When it was made.
    pub at: i64,
    /// Transfers it looked at.
    pub n: u32,
}

impl Assessment {
    /// The scenario's entry.
    pub fn scenario(&self) -> &'static Scenario {
        Scenario::by_name(self.scenario).expect("a scenario of ours")
    }

    /// What the party may be.
    pub fn role(&self) -> Role {
        self.scenario().role
    }

    /// Which side it is about.
    pub fn side(&self) -> Side {
        self.scenario().side
    }

    /// A blackmailed person's series that has ended, not one that may still go on.
    pub(crate) fn is_confirmed_victim(&self) -> bool {
        self.role() == Role::PossibleVictim
            && self
                .fired
                .iter()
                .any(|f| f.indicator().id == "X02" && f.sentence == 0)
    }
}

/// The score of what fired, 0 to 100: each takes its share of what the others leave, so that more
/// reasons never lower it and no number of weak ones makes certainty.
pub fn score_of<'a>(fired: impl IntoIterator<Item = &'a Fired>) -> f64 {
    let left: f64 = fired
        .into_iter()
        .map(|f| 1.0 - f.indicator().weight * f.strength)
        .product();
    (1.0 - left) * 100.0
}

/// Fewest transfers of 90 days that anything can be said about. Our judgement.
const EVENTS_MIN: usize = 3;

/// A party as a sender. `sent` and `received` are its events of a year, oldest first; `links` is
/// asked only where something fired.
pub fn sender(
    sent: &[Event],
    received: &[Event],
    now: i64,
    policy: &Policy,
    links: impl Fn(&[PartyKey]) -> Links,
    scratch: &mut Vec<u64>,
) -> Option<Assessment> {
    assess(Side::Sender, sent, received, now, policy, links, scratch)
}

/// A party as a recipient.
pub fn recipient(
    received: &[Event],
    sent: &[Event],
    now: i64,
    policy: &Policy,
    links: impl Fn(&[PartyKey]) -> Links,
    scratch: &mut Vec<u64>,
) -> Option<Assessment> {
    assess(Side::Recipient, received, sent, now, policy, links, scratch)
}

fn assess(
    side: Side,
    events: &[Event],
    other_side: &[Event],
    now: i64,
    policy: &Policy,
    links: impl Fn(&[PartyKey]) -> Links,
    scratch: &mut Vec<u64>,
) -> Option<Assessment> {
    // One place of memory decides about most senders.
    if side == Side::Sender {
        let third = events.len().checked_sub(EVENTS_MIN)?;
        if events[third].at_micros <= now - 90 * DAY_MICROS {
            return None;
        }
    }
    let year = last_days(events, now, 365);
    let series = match side {
        Side::Sender => Series::all(year),
        Side::Recipient => Vec::new(),
    };
    if series.is_empty() {
        return look(side, year, other_side, now, policy, links, &[], scratch);
    }
    // Payments to a possible blackmailer never create a suspicion: they are the victim's. The other
    // payments may still fulfil a scenario.
    let apart: Vec<Event> = year
        .iter()
        .filter(|e| !series.iter().any(|s| s.to.contains(&e.other)))
        .copied()
        .collect();
    let links = &links;
    let suspect = look(side, &apart, other_side, now, policy, links, &[], scratch);
    suspect.or_else(|| {
        let said = look(side, year, other_side, now, policy, links, &series, scratch);
        // The series is included now, so only the victim's scenario may answer.
        said.filter(|a| a.role() == Role::PossibleVictim)
    })
}

/// Looks at events of a year, in which `series` are what may be blackmail.
#[allow(clippy::too_many_arguments)]
// Long: evaluates the indicators over shared counts.
fn look(
    side: Side,
    year: &[Event],
    other_side: &[Event],
    now: i64,
    policy: &Policy,
    links: impl Fn(&[PartyKey]) -> Links,
    series: &[Series],
    scratch: &mut Vec<u64>,
) -> Option<Assessment> {
    let recent = last_days(year, now, 90);
    // R01 looks back 180 days; whatever else fires has its transfers in 90.
    let enough = match side {
        Side::Sender => recent.len() >= EVENTS_MIN,
        Side::Recipient => !recent.is_empty() && year.len() >= EVENTS_MIN,
    };
    if !enough {
        return None;
    }
    let numbers = Numbers::of(recent, scratch);
    let mut view = PartyView {
        side,
        now,
        year,
        recent,
        numbers: &numbers,
        other_side: last_days(other_side, now, 365),
        links: Links::default(),
        age_and_sex: policy.age_and_sex,
        series,
    };
    let mut fired: Vec<Fired> = Vec::new();
    let ask = |view: &PartyView<'_>, fired: &mut Vec<Fired>, places: &[usize]| {
        for place in places.iter().copied().filter(|p| policy.speaks(*p)) {
            let i = indicators::ALL[place];
            if let Some(found) = (i.fires)(view, &policy.values[place]) {
                fired.push(Fired {
                    place: place as u8,
                    sentence: found.sentence,
                    strength: found.strength,
                    values: found.values,
                });
            }
        }
    };
    // Most parties fire no anchor of any scenario; skip the costly indicators for them.
    let asked = scenarios::asked(side);
    ask(&view, &mut fired, &asked.anchors);
    let strong = !fired.is_empty();
    if !strong {
        ask(&view, &mut fired, &asked.weak_anchors);
        if fired.is_empty() {
            return None;
        }
    }
    // Look-ups for every recipient: only after an anchor has fired.
    view.links = links(&others(recent));
    ask(&view, &mut fired, &asked.linked);
    if !strong {
        ask(&view, &mut fired, &asked.beside_weak);
        // What is asked after this cannot complete a weak anchor.
        if !SCENARIOS.iter().any(|s| s.side == side && s.holds(&fired)) {
            return None;
        }
        ask(&view, &mut fired, &asked.rest_of_weak);
    } else {
        ask(&view, &mut fired, &asked.weak_anchors);
        ask(&view, &mut fired, &asked.beside_weak);
        ask(&view, &mut fired, &asked.rest_of_weak);
    }
    // The order of SCENARIOS decides: a possible victim comes before every suspect.
    let scenario = SCENARIOS
        .iter()
        .filter(|s| s.side == side)
        .find(|s| s.holds(&fired))?;
    // Before the score: signs of blackmail must not add to a suspect's.
    fired.retain(|f| scenario.hears(f));
    let score = score_of(&fired);
    // A possible victim is reported whatever the score.
    if score < policy.score_min && scenario.role != Role::PossibleVictim {
        return None;
    }
    let weight = |f: &Fired| f.indicator().weight * f.strength;
    // What is only shown has weight 0 and therefore comes last.
    fired.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    // R01 looks back 180 days, so its evidence begins there.
    let seen = if side == Side::Recipient {
        last_days(year, now, 180)
    } else {
        recent
    };
    // A victim's alert rests on the series alone.
    let of = match (scenario.role, Series::last(&view)) {
        (Role::PossibleVictim, Some(s)) => Some((s.first_at, s.last_at)),
        _ => None,
    };
    let mut seen = seen.iter().filter(|e| {
        e.purchase == Purchase::None
            && of.is_none_or(|(from, to)| (from..=to).contains(&e.at_micros))
    });
    let n = seen.clone().count() as u32;
    let first = seen.next()?.at_micros;
    Some(Assessment {
        scenario: scenario.name,
        score,
        fired,
        first_at: first,
        last_at: seen.next_back().map_or(first, |e| e.at_micros),
        at: now,
        n,
    })
}

/// The highest assessment of one side of a party, and whether the party may be a victim instead.
///
/// Invariant: payments within a possible victim's series never create a suspicion. Each suspicion ignores
/// the series known by then; an earlier one, raised before its series could be recognised, is dropped
/// when all its evidence is within that series.
#[derive(Clone, Debug, Default)]
pub struct RunningAssessment {
    suspect: Option<Assessment>,
    victim: Option<Assessment>,
}

impl RunningAssessment {
    /// Takes what was said at a moment; `None` changes nothing.
    pub fn take(&mut self, said: Option<Assessment>) {
        let Some(said) = said else {
            return;
        };
        if said.role() != Role::PossibleVictim {
            keep_higher(&mut self.suspect, said);
            return;
        }
        self.suspect
            .take_if(|s| s.first_at >= said.first_at && s.at <= said.at);
        let settled = self
            .victim
            .as_ref()
            .is_some_and(Assessment::is_confirmed_victim);
        // A series seen to its end is not replaced by a view of it while it was running.
        if !settled || said.is_confirmed_victim() {
            keep_higher(&mut self.victim, said);
        }
    }

    /// What remains.
    pub fn conclude(self) -> Option<Assessment> {
        // A remaining suspicion rests on payments outside the series, so it comes first.
        self.suspect.or(self.victim)
    }
}

fn keep_higher(kept: &mut Option<Assessment>, said: Assessment) {
    // Strictly higher: of equal scores the earliest is kept.
    if kept.as_ref().is_none_or(|k| said.score > k.score) {
        *kept = Some(said);
    }
}
