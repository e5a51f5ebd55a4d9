//! Assesses one side of a party at one moment: which indicators fired, whether they fulfil a
//! scenario, and how much they weigh together.

use crate::indicators::{self, Counts, Indicator, PartyView};
use crate::scenarios;
use crate::texts::Texts;
use crate::window::{Numbers, Series, last_days, others};
use crate::{DAY_MICROS, Event, PartyKey, Policy, Purchase, Role, SCENARIOS, Scenario, Side};

/// What is known of a party's counterparties.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Links {
    /// How many of a sender's recipients of 90 days are paid by several unrelated senders (R01); 0
    /// for a recipient.
    pub shared: u32,
    /// For a sender, how many of its recipients were also paid by another sender in a confirmed
    /// case; for a recipient, how many senders in confirmed cases have paid it (R02).
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
    /// The numbers for its sentence: `values[n]` fills the placeholder `{n}`.
    pub values: [f64; 5],
}

impl Fired {
    /// Restores a fired indicator from a record; `None` if the indicator or its sentence no longer
    /// exists.
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

    /// The indicator that fired.
    pub fn indicator(&self) -> &'static Indicator {
        indicators::ALL[usize::from(self.place)]
    }

    /// Why, as a sentence.
    pub fn because(&self) -> Texts<String> {
        self.indicator().because[usize::from(self.sentence)].with(&self.values)
    }

    /// Whether it adds to the score once a scenario holds.
    pub fn weighs(&self) -> bool {
        !matches!(self.indicator().counts, Counts::Shown)
    }
}

/// A scenario that holds for one side of a party.
#[derive(Clone, PartialEq, Debug)]
pub struct Assessment {
    /// Name of the scenario, one of [`SCENARIOS`].
    pub scenario: &'static str,
    /// 0 to 100.
    pub score: f64,
    /// The indicators that fired, heaviest first; those that are only shown come last.
    pub fired: Vec<Fired>,
    /// First transfer it rests on, microseconds since 1970.
    pub first_at: i64,
    /// Last transfer it rests on.
    pub last_at: i64,
    /// When it was made.
    pub at: i64,
    /// Transfers it rests on; purchases aren't counted.
    pub n: u32,
}

impl Assessment {
    /// The scenario's entry.
    ///
    /// # Panics
    /// [`SCENARIOS`] has no scenario of that name.
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

    /// True for a possible victim whose series has ended, false while it may still go on.
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

/// Fewest events for an assessment: of a sender in 90 days, of a recipient in the year. Our
/// judgement.
const EVENTS_MIN: usize = 3;

/// Assesses a party as a sender. `None` with fewer than three events in 90 days, if all of these
/// are purchases, if no scenario holds, or if a suspect's score is below [`Policy::score_min`].
/// `sent` and `received` are its events of a year, oldest first; `now` is in
/// microseconds since 1970. `links` looks up the given recipients, and is called only after an
/// anchor of a scenario has fired. `scratch` is a buffer to reuse.
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

/// Assesses a party as a recipient, as [`sender`] does. Three events in the year are enough, one of
/// them in 90 days. `links` gets the senders of 90 days.
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
    // One read rules most senders out: their third newest event is older than 90 days.
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
    // Payments to a possible blackmailer never create a suspicion, because the payer may be the
    // victim. The other payments may still fulfil a scenario.
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

/// Assesses the events of a year. `series` are the series among them that may be blackmail; empty
/// if there are none or if they were taken out.
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
    // A recipient needs only one event in 90 days: R01 looks back 180.
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
    // Looks up every counterparty, so it is done only after an anchor has fired.
    view.links = links(&others(recent));
    ask(&view, &mut fired, &asked.linked);
    if !strong {
        ask(&view, &mut fired, &asked.beside_weak);
        // No indicator evaluated after this can complete a scenario that has only a weak anchor.
        if !SCENARIOS.iter().any(|s| s.side == side && s.holds(&fired)) {
            return None;
        }
        ask(&view, &mut fired, &asked.rest);
    } else {
        ask(&view, &mut fired, &asked.weak_anchors);
        ask(&view, &mut fired, &asked.beside_weak);
        ask(&view, &mut fired, &asked.rest);
    }
    // The order of SCENARIOS decides: a possible victim comes before every suspect.
    let scenario = SCENARIOS
        .iter()
        .filter(|s| s.side == side)
        .find(|s| s.holds(&fired))?;
    // Before the score: signs of blackmail must not add to the score of a suspect.
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
/// Invariant: payments within a possible victim's series never create a suspicion. Each suspicion
/// ignores the series known by then. One that was raised before the series could be recognised is
/// dropped when the victim's assessment comes, unless it began before the series.
#[derive(Clone, Debug, Default)]
pub struct RunningAssessment {
    suspect: Option<Assessment>,
    victim: Option<Assessment>,
}

impl RunningAssessment {
    /// Takes the assessment of a moment; `None` changes nothing.
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

    /// The highest suspicion if one remains, otherwise the victim's assessment.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Country, Currency, Transfer};
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;

    fn fired(id: &str, sentence: u8, strength: f64) -> Fired {
        Fired::restored(id, sentence, strength, [0.0; 5]).expect("an indicator of ours")
    }

    fn assessment(scenario: &'static str, fired: Vec<Fired>) -> Assessment {
        Assessment {
            scenario,
            score: 0.0,
            fired,
            first_at: 0,
            last_at: 0,
            at: 0,
            n: 3,
        }
    }

    #[test]
    fn a_record_is_restored_only_with_a_sentence_that_exists() {
        for i in indicators::ALL {
            let sentences = i.because.len() as u8;
            for n in 0..sentences {
                let f = Fired::restored(i.id, n, 0.5, [0.0; 5]).unwrap();
                assert_eq!((f.indicator().id, f.sentence()), (i.id, n));
                assert_eq!(f.weighs(), i.counts != Counts::Shown, "{}", i.id);
            }
            assert!(Fired::restored(i.id, sentences, 0.5, [0.0; 5]).is_none());
        }
        assert!(Fired::restored("Z99", 0, 0.5, [0.0; 5]).is_none());
        assert_eq!(fired("S07", 0, 7.0).strength, 1.0);
    }

    #[test]
    fn scores_are_what_the_others_leave() {
        // S07 weighs 0.1, S03 what its entry says.
        let s03 = indicators::ALL[indicators::place("S03").unwrap()].weight;
        for (all, expected) in [
            (vec![], 0.0),
            (vec![fired("S07", 0, 1.0)], 10.0),
            (vec![fired("S07", 0, 0.5)], 5.0),
            (vec![fired("S07", 0, 1.0), fired("S07", 0, 1.0)], 19.0),
            (
                vec![fired("S07", 0, 1.0), fired("S03", 0, 1.0)],
                100.0 * (1.0 - 0.9 * (1.0 - s03)),
            ),
        ] {
            let score = score_of(&all);
            assert!((score - expected).abs() < 1e-9, "{score}, {expected}");
        }
    }

    #[test]
    fn only_a_series_seen_to_its_end_confirms_a_victim() {
        for (scenario, id, sentence, expected) in [
            ("sextortion victim", "X02", 0, true),
            ("sextortion victim", "X02", 1, false),
            ("sextortion victim", "X01", 0, false),
            ("loyal small payer", "X02", 0, false),
        ] {
            let a = assessment(
                scenario,
                vec![fired("X03", 0, 1.0), fired(id, sentence, 1.0)],
            );
            assert_eq!(
                a.is_confirmed_victim(),
                expected,
                "{scenario} {id} {sentence}"
            );
        }
    }

    /// What remains of assessments of one party: scenario, score, first transfer, moment.
    #[test]
    fn the_highest_remains_and_a_victims_series_drops_what_rests_on_it() {
        const BUYER: &str = "loyal small payer";
        const VICTIM: &str = "sextortion victim";
        let said = |(scenario, score, first_at, at, sentence)| Assessment {
            score,
            first_at,
            at,
            ..assessment(scenario, vec![fired("X02", sentence, 1.0)])
        };
        for (all, expected) in [
            (vec![], None),
            (
                vec![(BUYER, 5.0, 1, 1, 0), (BUYER, 9.0, 1, 2, 0)],
                Some((BUYER, 9.0, 2)),
            ),
            // Of equal scores the earliest.
            (
                vec![(BUYER, 9.0, 1, 1, 0), (BUYER, 9.0, 1, 2, 0)],
                Some((BUYER, 9.0, 1)),
            ),
            (
                vec![(BUYER, 9.0, 1, 1, 0), (BUYER, 5.0, 1, 2, 0)],
                Some((BUYER, 9.0, 1)),
            ),
            // The suspicion rests on the series alone.
            (
                vec![(BUYER, 9.0, 4, 5, 0), (VICTIM, 1.0, 4, 6, 0)],
                Some((VICTIM, 1.0, 6)),
            ),
            (
                vec![(BUYER, 9.0, 4, 6, 0), (VICTIM, 1.0, 4, 6, 0)],
                Some((VICTIM, 1.0, 6)),
            ),
            // It began before the series, or was made after it.
            (
                vec![(BUYER, 9.0, 3, 5, 0), (VICTIM, 1.0, 4, 6, 0)],
                Some((BUYER, 9.0, 5)),
            ),
            (
                vec![(BUYER, 9.0, 4, 7, 0), (VICTIM, 1.0, 4, 6, 0)],
                Some((BUYER, 9.0, 7)),
            ),
            // Seen to its end, and then again while it seemed to run; and the other way round.
            (
                vec![(VICTIM, 1.0, 4, 6, 0), (VICTIM, 9.0, 4, 7, 1)],
                Some((VICTIM, 1.0, 6)),
            ),
            (
                vec![(VICTIM, 1.0, 4, 6, 0), (VICTIM, 9.0, 4, 7, 0)],
                Some((VICTIM, 9.0, 7)),
            ),
            (
                vec![(VICTIM, 1.0, 4, 6, 1), (VICTIM, 9.0, 4, 7, 0)],
                Some((VICTIM, 9.0, 7)),
            ),
        ] {
            let mut running = RunningAssessment::default();
            running.take(None);
            for one in &all {
                running.take(Some(said(*one)));
            }
            let rest = running.conclude().map(|a| (a.scenario, a.score, a.at));
            assert_eq!(rest, expected, "{all:?}");
        }
    }

    /// The naive assessment: every indicator is evaluated, and the first scenario that holds is
    /// taken.
    fn slow(
        side: Side,
        events: &[Event],
        out: &[Event],
        now: i64,
        policy: &Policy,
        links: Links,
    ) -> Option<Assessment> {
        let year: Vec<Event> = events
            .iter()
            .filter(|e| e.at_micros > now - 365 * DAY_MICROS)
            .copied()
            .collect();
        let series = if side == Side::Sender {
            Series::all(&year)
        } else {
            Vec::new()
        };
        let apart: Vec<Event> = year
            .iter()
            .filter(|e| !series.iter().any(|s| s.to.contains(&e.other)))
            .copied()
            .collect();
        slow_look(side, &apart, out, now, policy, links, &[]).or_else(|| {
            slow_look(side, &year, out, now, policy, links, &series)
                .filter(|a| !series.is_empty() && a.role() == Role::PossibleVictim)
        })
    }

    fn slow_look(
        side: Side,
        year: &[Event],
        out: &[Event],
        now: i64,
        policy: &Policy,
        links: Links,
        series: &[Series],
    ) -> Option<Assessment> {
        let within = |days: i64| -> Vec<Event> {
            let oldest = now - days * DAY_MICROS;
            year.iter()
                .filter(|e| e.at_micros > oldest)
                .copied()
                .collect()
        };
        let (recent, half) = (within(90), within(180));
        let least = if side == Side::Sender { 3 } else { 1 };
        if recent.len() < least || year.len() < 3 {
            return None;
        }
        let view = PartyView {
            side,
            now,
            year,
            recent: &recent,
            numbers: &Numbers::of(&recent, &mut Vec::new()),
            other_side: out,
            links,
            age_and_sex: policy.age_and_sex,
            series,
        };
        let all: Vec<Fired> = indicators::ALL
            .iter()
            .enumerate()
            .filter(|(place, i)| i.sides.contains(&side) && policy.speaks(*place))
            .filter_map(|(place, i)| {
                let found = (i.fires)(&view, &policy.values[place])?;
                Fired::restored(i.id, found.sentence, found.strength, found.values)
            })
            .collect();
        let scenario = SCENARIOS.iter().find(|s| s.side == side && s.holds(&all))?;
        let all: Vec<Fired> = all.into_iter().filter(|f| scenario.hears(f)).collect();
        let score = score_of(&all);
        if score < policy.score_min && scenario.role != Role::PossibleVictim {
            return None;
        }
        let span = (scenario.role == Role::PossibleVictim)
            .then(|| Series::last(&view).map(|s| s.first_at..=s.last_at))
            .flatten();
        let seen = if side == Side::Sender { &recent } else { &half };
        let rests: Vec<i64> = seen
            .iter()
            .filter(|e| e.purchase == Purchase::None)
            .map(|e| e.at_micros)
            .filter(|at| span.as_ref().is_none_or(|s| s.contains(at)))
            .collect();
        Some(Assessment {
            score,
            fired: all,
            first_at: *rests.first()?,
            last_at: *rests.last()?,
            at: now,
            n: rests.len() as u32,
            ..assessment(scenario.name, Vec::new())
        })
    }

    /// A party's transfers: few counterparties, small sums, some at night, some close together,
    /// some purchases.
    fn history() -> impl Strategy<Value = Vec<Transfer>> {
        let one = (0..8_u64, 0..2_400_i64, 1..9_i64, any::<u8>());
        proptest::collection::vec(one, 0..30).prop_map(|mut all| {
            all.sort_by_key(|t| t.1);
            all.into_iter()
                .map(|(other, hours, amount, kind)| Transfer {
                    tx: 0,
                    sender: PartyKey(1),
                    recipient: PartyKey(10 + other),
                    // Half of them within ten days, so that series occur.
                    at_micros: 1_735_689_600_000_000
                        + if kind & 1 == 0 { hours } else { hours / 10 } * 3_600_000_000,
                    amount_minor: amount * if kind & 2 == 0 { 1_000 } else { 777 },
                    currency: Currency::new(b"USD").expect("a code"),
                    from: Country::new([b"DE", b"US"][(other % 2) as usize]).expect("a code"),
                    to: Country::new(b"PH").expect("a code"),
                    zone_minutes: Some(0),
                    context: Context {
                        kin: kind % 32 == 7,
                        cover: kind % 16 == 3,
                        purchase: if kind % 64 == 9 {
                            Purchase::GiftCard
                        } else {
                            Purchase::None
                        },
                        ..Context::default()
                    },
                })
                .collect::<Vec<_>>()
        })
    }

    /// A party's events on one side and, if it `passes_on`, a payment to another party 20 hours
    /// after each.
    fn events_of(
        side: Side,
        all: &[Transfer],
        passes_on: bool,
        policy: &Policy,
    ) -> [Vec<Event>; 2] {
        let own = all.iter().map(|t| match side {
            Side::Sender => Event::of(t, policy).0,
            Side::Recipient => {
                let mut t = *t;
                std::mem::swap(&mut t.sender, &mut t.recipient);
                Event::of(&t, policy).1
            }
        });
        let out = all.iter().filter(|_| passes_on).map(|t| {
            let mut t = *t;
            t.at_micros += 20 * 3_600_000_000;
            t.recipient = PartyKey(99);
            Event::of(&t, policy).0
        });
        [own.collect(), out.collect()]
    }

    /// The order in which indicators are evaluated saves work and changes nothing.
    #[test]
    fn assessing_equals_asking_everything() {
        let policy = Policy::default();
        let scratch = &mut Vec::new();
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let inputs = (history(), 0..4_u32, any::<bool>(), any::<bool>());
        let mut reached = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            let (mut all, shared, listed, passes_on) =
                inputs.new_tree(&mut runner).expect("inputs").current();
            all.sort_by_key(|t| t.at_micros);
            let now = all.last().map_or(0, |t| t.at_micros);
            let links = Links {
                shared,
                near_confirmed: shared / 2,
                listed,
            };
            for side in [Side::Sender, Side::Recipient] {
                let [own, out] = events_of(side, &all, passes_on, &policy);
                // What it did after the moment isn't known yet.
                let out: Vec<Event> = out.into_iter().filter(|e| e.at_micros <= now).collect();
                let ask = match side {
                    Side::Sender => sender(&own, &out, now, &policy, |_| links, scratch),
                    Side::Recipient => recipient(&own, &out, now, &policy, |_| links, scratch),
                };
                let twin = slow(side, &own, &out, now, &policy, links);
                // Equal weights are in the order of evaluation, which differs here: compare without
                // order.
                let plain = |a: &Assessment| {
                    let mut ids: Vec<_> = a
                        .fired
                        .iter()
                        .map(|f| (f.indicator().id, f.sentence))
                        .collect();
                    ids.sort_unstable();
                    (a.scenario, ids, a.first_at, a.last_at, a.at, a.n)
                };
                assert_eq!(
                    ask.as_ref().map(plain),
                    twin.as_ref().map(plain),
                    "{side:?}, {links:?}, {all:?}"
                );
                let (Some(a), Some(b)) = (ask, twin) else {
                    continue;
                };
                // The last digits depend on the order of the factors.
                assert!((a.score - b.score).abs() < 1e-9);
                let weight = |f: &Fired| f.indicator().weight * f.strength;
                assert!(
                    a.fired.is_sorted_by(|x, y| weight(x) >= weight(y)),
                    "heaviest first"
                );
                reached.insert(a.scenario);
            }
        }
        let all: std::collections::BTreeSet<_> = SCENARIOS.iter().map(|s| s.name).collect();
        assert_eq!(reached, all, "every scenario occurs among the histories");
    }
}
