//! Turns history into alerts: recipients first, because a sender's recipients may be shared; then
//! senders; then recipients with several senders, who may collect and pass on. The first two steps
//! go part by part, with one thread per processor.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use obhut_typologies::{
    Assessment, ByParty, DAY_MICROS, Event, PartyKey, PartyWindow, Policy, Purchase, Relations,
    RunningAssessment, Side, Transfer, assess_recipient, assess_sender, is_shared_now,
    silence_before,
};

use crate::History;
use crate::history::{PARTS, Part};

/// A party with an alert, by its key.
#[derive(Clone, PartialEq, Debug)]
pub struct PartyAlert {
    /// Which party.
    pub party: PartyKey,
    /// Its assessment.
    pub assessment: Assessment,
    /// Its last transfers on that side up to the assessment, at most [`EVIDENCE_MAX`], oldest
    /// first.
    pub events: Vec<Event>,
}

/// Transfers shown with an alert. Our judgement.
pub const EVIDENCE_MAX: usize = 200;

fn evidence(events: &[Event]) -> Vec<Event> {
    events[events.len().saturating_sub(EVIDENCE_MAX)..].to_vec()
}

/// A party with an alert, by the id in the records.
#[derive(Clone, PartialEq, Debug)]
pub struct Alert {
    /// The id that the records have.
    pub party: String,
    /// Its assessment.
    pub assessment: Assessment,
}

/// What a scan found.
#[derive(Default)]
pub struct ScanResult {
    /// One for each party at most, highest score first.
    pub alerts: Vec<PartyAlert>,
    /// Senders seen.
    pub senders: u64,
    /// Recipients seen, without those of purchases alone.
    pub recipients: u64,
    /// Shared recipients, and recipients that confirmed senders paid.
    pub relations: Relations,
    /// Number of different senders of each recipient that has three or more.
    pub senders_of: ByParty<u32>,
}

/// Fewest different senders of a recipient that is assessed. Our judgement.
const SENDERS_MIN: usize = 3;

/// Assesses every party of a history, which must be spread by recipient. With `asof` (microseconds
/// since 1970) each party is assessed once, at that moment; later transfers must have been omitted.
/// Otherwise it is assessed as its transfers come: after each, beyond 512 kept ones less often
/// (`PartyWindow::is_due`). `RunningAssessment` decides which of these assessments counts.
///
/// # Errors
/// Transfers can't be written to temporary files or read back from them.
// Long: a single pass whose state is in local variables.
pub fn scan_history(
    history: History,
    policy: &Policy,
    relations: Relations,
    asof: Option<i64>,
) -> io::Result<ScanResult> {
    // Half of the bound is for the copy that is spread by sender, shared among the threads.
    let held_max = history.held_bytes_max() / 2 / threads();
    // The end of the data is the "now" of a silence that no later payment reveals.
    let end = Mutex::new(asof.unwrap_or(i64::MIN));
    let mut by_recipient: Vec<Mutex<Part>> =
        history.into_parts()?.into_iter().map(Mutex::new).collect();
    let by_sender: Vec<Mutex<Vec<Part>>> = (0..PARTS).map(|_| Mutex::default()).collect();
    let kept = Mutex::new((relations.clone(), ByParty::<Candidate>::default(), 0u64));
    each_part(by_recipient.len(), |claim| -> io::Result<()> {
        // A bucket per thread and part, so that no lock is taken for each transfer.
        let mut own: Vec<Part> = (0..PARTS).map(|_| Part::default()).collect();
        while let Some(at) = claim() {
            let mut part = by_recipient[at]
                .lock()
                .expect("no thread panicked")
                .take()?;
            part.sort_by_key(|t| (t.recipient, t.at_micros));
            // A copy for each part: `note_payment` has to know who is confirmed.
            let mut found = (relations.clone(), ByParty::<Candidate>::default(), 0u64);
            for group in part.chunk_by(|a, b| a.recipient == b.recipient) {
                let received: Vec<&Transfer> = group
                    .iter()
                    .filter(|t| t.context.purchase == Purchase::None)
                    .collect();
                found.2 += u64::from(!received.is_empty());
                look_at_recipient(&received, policy, &mut found.0, &mut found.1);
            }
            if asof.is_none() {
                let last = part.iter().map(|t| t.at_micros).max().unwrap_or(i64::MIN);
                let mut end = end.lock().expect("no thread panicked");
                *end = (*end).max(last);
            }
            // Purchases as well: indicators of senders read them.
            for t in &part {
                own[super::history::part_of(t.sender)].push(t);
            }
            if own.iter().map(Part::bytes).sum::<usize>() > held_max {
                for (at, part) in own.iter_mut().enumerate() {
                    let mut shared = by_sender[at].lock().expect("no thread panicked");
                    // The first part of each slot of `by_sender` holds what went to a file.
                    if shared.is_empty() {
                        shared.push(Part::default());
                    }
                    shared[0].append(part);
                    shared[0].spill()?;
                    *part = Part::default();
                }
            }
            let mut kept = kept.lock().expect("no thread panicked");
            kept.0.merge(found.0);
            kept.1.extend(found.1);
            kept.2 += found.2;
        }
        for (at, part) in own.into_iter().enumerate() {
            by_sender[at].lock().expect("no thread panicked").push(part);
        }
        Ok(())
    })?;
    by_recipient.clear();
    let end = *end.lock().expect("no thread panicked");
    let (relations, candidates, recipients) = kept.into_inner().expect("no thread panicked");
    let outcome = Mutex::new((Vec::new(), ByParty::<Vec<Event>>::default(), 0u64));
    each_part(PARTS, |claim| -> io::Result<()> {
        let mut scratch = Vec::new();
        while let Some(at) = claim() {
            let mut part = Vec::new();
            for mut p in std::mem::take(&mut *by_sender[at].lock().expect("no thread panicked")) {
                part.append(&mut p.take()?);
            }
            part.sort_by_key(|t| (t.sender, t.at_micros));
            let (mut alerts, mut sent_by, mut senders) = (Vec::new(), Vec::new(), 0);
            for group in part.chunk_by(|a, b| a.sender == b.sender) {
                senders += 1;
                let party = group[0].sender;
                // Outgoing transfers are kept only for parties that may be collectors.
                if candidates.contains_key(&party) {
                    let events = group.iter().map(|t| Event::of(t, policy).0).collect();
                    sent_by.push((party, events));
                }
                let said = look_at_sender(group, policy, &relations, asof, end, &mut scratch);
                alerts.extend(said.map(|assessment| {
                    // What came after the assessment is not its evidence.
                    let until = assessment.at;
                    let events: Vec<Event> = group
                        .iter()
                        .filter(|t| t.at_micros <= until)
                        .map(|t| Event::of(t, policy).0)
                        .collect();
                    PartyAlert {
                        party,
                        assessment,
                        events: evidence(&events),
                    }
                }));
            }
            let mut outcome = outcome.lock().expect("no thread panicked");
            outcome.0.append(&mut alerts);
            outcome.1.extend(sent_by);
            outcome.2 += senders;
        }
        Ok(())
    })?;
    let (mut alerts, sent_by, senders) = outcome.into_inner().expect("no thread panicked");
    let mut scratch = Vec::new();
    for (party, candidate) in &candidates {
        let sent = sent_by.get(party).map_or(&[][..], Vec::as_slice);
        let said = look_at_collector(
            *party,
            &candidate.received,
            sent,
            policy,
            &relations,
            asof,
            &mut scratch,
        );
        alerts.extend(said.map(|assessment| {
            let until = assessment.at;
            let mut before = candidate.received.clone();
            before.retain(|e| e.at_micros <= until);
            PartyAlert {
                party: *party,
                events: evidence(&before),
                assessment,
            }
        }));
    }
    let senders_of = candidates.iter().map(|(party, c)| {
        let mut by: Vec<PartyKey> = c.received.iter().map(|e| e.other).collect();
        by.sort_unstable();
        by.dedup();
        (*party, by.len() as u32)
    });
    Ok(ScanResult {
        senders_of: senders_of.collect(),
        relations,
        alerts: one_each(alerts),
        senders,
        recipients,
    })
}

/// A recipient with several senders, and what came in.
struct Candidate {
    received: Vec<Event>,
}

fn look_at_recipient(
    received: &[&Transfer],
    policy: &Policy,
    relations: &mut Relations,
    candidates: &mut ByParty<Candidate>,
) {
    for t in received {
        relations.note_payment(t.sender, t.recipient, t.at_micros);
    }
    if received.len() < SENDERS_MIN {
        return;
    }
    // A first, a second and a third sender: no set is needed to see three.
    let first = received[0].sender;
    let Some(second) = received.iter().find(|t| t.sender != first) else {
        return;
    };
    if !received
        .iter()
        .any(|t| t.sender != first && t.sender != second.sender)
    {
        return;
    }
    let party = received[0].recipient;
    let events: Vec<Event> = received.iter().map(|t| Event::of(t, policy).1).collect();
    let mut window = PartyWindow::default();
    for e in &events {
        window.push(*e);
        if window.is_due() && is_shared_now(window.events(), e.at_micros, policy) {
            relations.note_shared(party, e.at_micros);
        }
    }
    candidates.insert(party, Candidate { received: events });
}

fn look_at_sender(
    group: &[Transfer],
    policy: &Policy,
    relations: &Relations,
    asof: Option<i64>,
    end: i64,
    scratch: &mut Vec<u64>,
) -> Option<Assessment> {
    // Fewer than three transfers fulfil no scenario (EVENTS_MIN in assess.rs).
    if group.len() < 3 {
        return None;
    }
    let party = group[0].sender;
    let mut say = |events: &[Event], at: i64| {
        // No sender's indicator reads the other side; only R03, a recipient's, does.
        assess_sender(
            events,
            &[],
            at,
            policy,
            |others| relations.links(party, Side::Sender, others, at),
            scratch,
        )
    };
    let mut window = PartyWindow::default();
    if let Some(asof) = asof {
        for t in group {
            window.push(Event::of(t, policy).0);
        }
        return say(window.events(), asof);
    }
    let mut running = RunningAssessment::default();
    for t in group {
        // In the order of `Monitor::observe`; tests/payments.rs compares the two.
        if let Some(moment) = silence_before(window.events(), t.at_micros) {
            running.take(say(window.events(), moment));
        }
        window.push(Event::of(t, policy).0);
        if window.is_due() {
            running.take(say(window.events(), t.at_micros));
        }
    }
    // A series at the end of the data has no later payment to reveal its silence.
    if let Some(moment) = silence_before(window.events(), end) {
        running.take(say(window.events(), moment));
    }
    running.conclude()
}

#[allow(clippy::too_many_arguments)]
fn look_at_collector(
    party: PartyKey,
    received: &[Event],
    sent: &[Event],
    policy: &Policy,
    relations: &Relations,
    asof: Option<i64>,
    scratch: &mut Vec<u64>,
) -> Option<Assessment> {
    let (mut came, mut left) = (PartyWindow::default(), PartyWindow::default());
    let mut running = RunningAssessment::default();
    let mut say = |came: &PartyWindow, left: &PartyWindow, at: i64| {
        assess_recipient(
            came.events(),
            left.events(),
            at,
            policy,
            |others| relations.links(party, Side::Recipient, others, at),
            scratch,
        )
    };
    let mut next = 0;
    for e in received {
        // Strictly before: at the same moment the credit comes first.
        while next < sent.len() && sent[next].at_micros < e.at_micros {
            left.push(sent[next]);
            if asof.is_none() && came.is_due() && left.is_due() {
                running.take(say(&came, &left, sent[next].at_micros));
            }
            next += 1;
        }
        came.push(*e);
        if asof.is_none() && came.is_due() {
            running.take(say(&came, &left, e.at_micros));
        }
    }
    for e in &sent[next..] {
        left.push(*e);
        if asof.is_none() && left.is_due() {
            running.take(say(&came, &left, e.at_micros));
        }
    }
    match asof {
        Some(asof) => say(&came, &left, asof),
        None => running.conclude(),
    }
}

/// Keeps one alert for each party. If the party has an alert as a possible victim and isn't a
/// collector mule, that one is kept, else the one with the highest score.
fn one_each(mut alerts: Vec<PartyAlert>) -> Vec<PartyAlert> {
    use obhut_typologies::Role;
    // A party that collects and immediately passes on isn't a victim just because it passes on
    // money.
    let mules: Vec<PartyKey> = alerts
        .iter()
        .filter(|a| a.assessment.scenario == "collector mule")
        .map(|a| a.party)
        .collect();
    let victim =
        |a: &PartyAlert| a.assessment.role() == Role::PossibleVictim && !mules.contains(&a.party);
    alerts.retain(|a| a.assessment.role() != Role::PossibleVictim || victim(a));
    alerts.sort_by(|a, b| {
        a.party
            .cmp(&b.party)
            .then(victim(b).cmp(&victim(a)))
            .then(b.assessment.score.total_cmp(&a.assessment.score))
    });
    // Keeps the first of each party, which the sort has put in front.
    alerts.dedup_by_key(|a| a.party);
    // Then by party: equal scores keep one order whatever the threads did.
    alerts.sort_by(|a, b| {
        b.assessment
            .score
            .total_cmp(&a.assessment.score)
            .then(a.party.cmp(&b.party))
    });
    alerts
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` on one thread per processor; `claim` hands out the numbers below `n`, each once.
pub(super) fn each_part<E: Send>(
    n: usize,
    work: impl Fn(&dyn Fn() -> Option<usize>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let claim = || {
        // Relaxed: the number only has to be unique; `join` orders everything else.
        let at = next.fetch_add(1, Ordering::Relaxed);
        (at < n).then_some(at)
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads())
            .map(|_| scope.spawn(|| work(&claim)))
            .collect();
        running
            .into_iter()
            .try_for_each(|t| t.join().expect("no thread panicked"))
    })
}

/// The end of a day, microseconds since 1970; `day` is in days since 1970.
pub fn end_of_day(day: i64) -> i64 {
    // The last microsecond, so that `at_micros <= asof` includes the whole day.
    (day + 1) * DAY_MICROS - 1
}
