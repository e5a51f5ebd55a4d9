//! Compares the alerts over the same history under two sets of thresholds: how many are gained and
//! lost, the numbers by corridor and currency, the precision if there are labels, and the parties
//! just above and below the line, which is the lowest score that makes an alert.

use std::collections::{BTreeMap, HashMap, HashSet};

use obhut_typologies::{Assessment, ByParty, PartyKey, Role, Transfer};

use crate::scan::ScanResult;

/// Groups shown; the rest are summed up. Our judgement.
const GROUPS_MAX: usize = 40;
/// Share of all customers that are reviewed first: 0.2 %. Our judgement.
pub const FIRST_LOOK: f64 = 0.002;

/// Corridor and currency of each party, taken from its first transfer on each side.
#[derive(Default)]
pub struct Places {
    senders: ByParty<(String, &'static str)>,
    recipients: ByParty<(String, &'static str)>,
}

impl Places {
    /// Notes a transfer.
    pub fn note(&mut self, t: &Transfer) {
        let place = || {
            let (from, to) = (t.from.code(), t.to.code());
            (format!("{from} → {to}"), t.currency.code())
        };
        self.senders.entry(t.sender).or_insert_with(place);
        self.recipients.entry(t.recipient).or_insert_with(place);
    }

    /// Senders plus recipients; a party that is both counts twice.
    pub fn customers(&self) -> usize {
        self.senders.len() + self.recipients.len()
    }

    fn of(&self, party: PartyKey) -> Option<&(String, &'static str)> {
        self.senders
            .get(&party)
            .or_else(|| self.recipients.get(&party))
    }
}

/// Parties known to be suspects or victims.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Buyers and facilitators.
    pub suspects: HashSet<PartyKey>,
    /// People who are blackmailed.
    pub victims: HashSet<PartyKey>,
}

/// The result of a comparison.
#[derive(Clone, Debug)]
pub struct Backtest {
    /// What was changed, in words.
    pub changes: Vec<String>,
    /// Numbers under the current thresholds.
    pub before: Totals,
    /// Numbers under the changed thresholds.
    pub after: Totals,
    /// Parties with an alert only under the changed thresholds.
    pub gained: usize,
    /// Parties with an alert only under the current thresholds.
    pub lost: usize,
    /// By corridor, most senders first.
    pub corridors: Vec<Group>,
    /// By currency.
    pub currencies: Vec<Group>,
    /// Alerts by score in steps of five: before and after.
    pub scores: Vec<(u32, u32)>,
    /// Parties just above the line of the changed thresholds; possible victims have no line.
    pub above: Vec<Sample>,
    /// Parties just below that line.
    pub below: Vec<Sample>,
    /// Senders plus recipients; a party that is both counts twice.
    pub customers: usize,
    /// True when labels were given.
    pub labelled: bool,
}

/// Numbers of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Alerts about possible buyers.
    pub buyers: usize,
    /// Alerts about possible facilitators.
    pub facilitators: usize,
    /// Alerts about possible victims.
    pub victims: usize,
    /// Alerts about suspects whose party is labelled a suspect.
    pub labelled: usize,
    /// Labelled suspects that an alert names as such.
    pub found: usize,
    /// Labelled suspects among the 0.2 % of customers with the highest scores, without those
    /// assessed as possible victims.
    pub found_first: usize,
    /// Labelled suspects.
    pub labels: usize,
    /// Labelled victims.
    pub victim_labels: usize,
    /// Labelled victims that an alert names as possible victims.
    pub victims_found: usize,
    /// Labelled victims that an alert names as suspects: each is an error.
    pub victims_accused: usize,
}

impl Totals {
    /// All alerts.
    pub fn alerts(&self) -> usize {
        self.buyers + self.facilitators + self.victims
    }

    /// Share of alerts about suspects whose party is labelled a suspect; none where no suspect is labelled or no alert is
    /// about one.
    pub fn precision(&self) -> Option<f64> {
        let suspects = self.buyers + self.facilitators;
        (self.labels > 0 && suspects > 0).then(|| self.labelled as f64 / suspects as f64)
    }
}

/// A corridor or a currency.
#[derive(Clone, Debug)]
pub struct Group {
    /// The corridor, such as `DE → PH`, or the currency's code.
    pub name: String,
    /// Senders whose first transfer is in this group.
    pub senders: usize,
    /// Alerts about suspects before.
    pub before: usize,
    /// Alerts about suspects after.
    pub after: usize,
    /// Alerts about suspects after, without those whose party is labelled a suspect.
    pub after_false: usize,
}

impl Group {
    /// Alerts for each 10,000 senders: before, after.
    pub fn rates(&self) -> (f64, f64) {
        let of = |n: usize| n as f64 * 10_000.0 / self.senders.max(1) as f64;
        (of(self.before), of(self.after))
    }
}

/// A party near the line.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The party.
    pub party: PartyKey,
    /// Its score.
    pub score: f64,
    /// The scenario.
    pub scenario: &'static str,
    /// Each indicator that fired, with its sentence in English.
    pub because: Vec<String>,
}

/// One run: what a scan with lowest score 0 found, and the lowest score of an alert.
pub struct Run<'a> {
    /// Result of a scan whose lowest score for an alert was 0.
    pub found: &'a ScanResult,
    /// The lowest score that makes an alert.
    pub line: f64,
}

impl Run<'_> {
    fn alerts(&self) -> impl Iterator<Item = (PartyKey, &Assessment)> {
        self.found.alerts.iter().filter_map(|a| {
            // A party assessed as a possible victim has an alert at any score.
            let alerted = a.assessment.score >= self.line || victim(&a.assessment);
            alerted.then_some((a.party, &a.assessment))
        })
    }

    fn totals(&self, labels: &Labels, customers: usize) -> Totals {
        let mut t = Totals {
            labels: labels.suspects.len(),
            victim_labels: labels.victims.len(),
            ..Totals::default()
        };
        for (party, a) in self.alerts() {
            let labelled = labels.suspects.contains(&party) && !victim(a);
            if labels.victims.contains(&party) {
                t.victims_found += usize::from(victim(a));
                t.victims_accused += usize::from(!victim(a));
            }
            match a.role() {
                Role::PossibleBuyer => t.buyers += 1,
                Role::PossibleFacilitator => t.facilitators += 1,
                Role::PossibleVictim => t.victims += 1,
            }
            t.labelled += usize::from(labelled);
            t.found += usize::from(labelled);
        }
        let first = (customers as f64 * FIRST_LOOK).ceil() as usize;
        // Of all that was found, not only of alerts: the line must not move this number.
        let first = self.found.alerts.iter().take(first);
        t.found_first = first
            .filter(|a| labels.suspects.contains(&a.party) && !victim(&a.assessment))
            .count();
        t
    }
}

fn victim(a: &Assessment) -> bool {
    a.role() == Role::PossibleVictim
}

/// Compares two runs over the same history. `labels` are parties known to be suspects or victims;
/// `changes` describe the changed thresholds; at most `samples` parties are shown on each side of
/// the line.
// Long: one part after another of what a backtest shows, from the same two runs.
pub fn compare(
    before: &Run<'_>,
    after: &Run<'_>,
    places: &Places,
    labels: &Labels,
    changes: Vec<String>,
    samples: usize,
) -> Backtest {
    let customers = places.customers();
    let parties = |run: &Run<'_>| -> HashSet<PartyKey> { run.alerts().map(|a| a.0).collect() };
    let (was, is) = (parties(before), parties(after));
    let groups = |pick: fn(&(String, &'static str)) -> String| {
        let mut all: BTreeMap<String, Group> = BTreeMap::new();
        fn group(all: &mut BTreeMap<String, Group>, name: String) -> &mut Group {
            all.entry(name.clone()).or_insert(Group {
                name,
                senders: 0,
                before: 0,
                after: 0,
                after_false: 0,
            })
        }
        // Senders only: the rates are per 10,000 senders.
        for place in places.senders.values() {
            group(&mut all, pick(place)).senders += 1;
        }
        for (party, a) in before.alerts() {
            if let Some(place) = places.of(party).filter(|_| !victim(a)) {
                group(&mut all, pick(place)).before += 1;
            }
        }
        for (party, a) in after.alerts() {
            if let Some(place) = places.of(party).filter(|_| !victim(a)) {
                let g = group(&mut all, pick(place));
                g.after += 1;
                g.after_false += usize::from(!labels.suspects.contains(&party));
            }
        }
        let mut all: Vec<Group> = all.into_values().collect();
        all.sort_by(|a, b| b.senders.cmp(&a.senders).then(a.name.cmp(&b.name)));
        if all.len() > GROUPS_MAX {
            let rest = all.split_off(GROUPS_MAX);
            let sum = |f: fn(&Group) -> usize| rest.iter().map(f).sum();
            all.push(Group {
                name: format!("{} others", rest.len()),
                senders: sum(|g| g.senders),
                before: sum(|g| g.before),
                after: sum(|g| g.after),
                after_false: sum(|g| g.after_false),
            });
        }
        all
    };
    let mut scores = vec![(0, 0); 20];
    // A score of 100 belongs to the last step, not to one after it.
    let bin = |score: f64| ((score / 5.0) as usize).min(19);
    before
        .alerts()
        .for_each(|(_, a)| scores[bin(a.score)].0 += 1);
    after
        .alerts()
        .for_each(|(_, a)| scores[bin(a.score)].1 += 1);
    // Sorted by score, highest first, so the line divides the list in two.
    let suspects: Vec<_> = after
        .found
        .alerts
        .iter()
        .filter(|a| !victim(&a.assessment))
        .collect();
    let line = suspects.partition_point(|a| a.assessment.score >= after.line);
    let sample = |a: &&super::PartyAlert| Sample {
        party: a.party,
        score: a.assessment.score,
        scenario: a.assessment.scenario,
        because: a
            .assessment
            .fired
            .iter()
            .map(|f| format!("{}: {}", f.indicator().id, f.because().en))
            .collect(),
    };
    Backtest {
        changes,
        before: before.totals(labels, customers),
        after: after.totals(labels, customers),
        gained: is.difference(&was).count(),
        lost: was.difference(&is).count(),
        corridors: groups(|p| p.0.clone()),
        currencies: groups(|p| p.1.to_owned()),
        scores,
        above: suspects[line.saturating_sub(samples)..line]
            .iter()
            .map(sample)
            .collect(),
        below: suspects[line..].iter().take(samples).map(sample).collect(),
        customers,
        labelled: !labels.suspects.is_empty() || !labels.victims.is_empty(),
    }
}

/// What removing one indicator costs: the numbers of a run without it.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// Id of the indicator.
    pub id: String,
    /// Numbers without it.
    pub totals: Totals,
}

/// Numbers of one run alone.
pub fn totals(run: &Run<'_>, labels: &Labels, customers: usize) -> Totals {
    run.totals(labels, customers)
}

/// How often each indicator fired in a run.
pub fn fired(found: &ScanResult) -> HashMap<&'static str, usize> {
    let mut count = HashMap::new();
    for a in &found.alerts {
        for f in &a.assessment.fired {
            *count.entry(f.indicator().id).or_default() += 1;
        }
    }
    count
}
