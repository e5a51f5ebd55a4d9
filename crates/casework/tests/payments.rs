//! History through the kernel, as the command does it: what is planted is found, history in parts
//! says what transfers one after another say, and nothing is lost on the way.

use std::collections::HashMap;

use obhut_casework::payments::synthesize::{Made, Recipe, synthesize};
use obhut_casework::payments::*;

fn transfers(made: &Made) -> Vec<Transfer> {
    made.transfers
        .iter()
        .map(|t| Transfer {
            tx: 0,
            sender: PartyKey(u64::from(t.sender)),
            recipient: PartyKey(u64::from(t.recipient)),
            at_micros: t.at_micros,
            amount_minor: t.amount_minor,
            currency: t.currency,
            from: t.from,
            to: t.to,
            zone_minutes: None,
            context: Context::default(),
        })
        .collect()
}

fn made() -> Made {
    synthesize(&Recipe {
        transfers: 60_000,
        planted_per_100k: 1_500.0,
        ..Recipe::default()
    })
}

fn scan(all: &[Transfer], asof: Option<i64>) -> ScanResult {
    let mut history = History::new(false);
    all.iter()
        .filter(|t| asof.is_none_or(|a| t.at_micros <= a))
        .for_each(|t| history.push(t));
    scan_history(history, &Policy::default(), Relations::default(), asof).unwrap()
}

#[test]
fn what_is_planted_is_found_and_in_the_right_role() {
    let made = made();
    let result = scan(&transfers(&made), None);
    let said: HashMap<u64, &Assessment> = result
        .alerts
        .iter()
        .map(|a| (a.party.0, &a.assessment))
        .collect();
    let (mut found, mut all) = (HashMap::new(), HashMap::new());
    for (party, label) in &made.labels {
        *all.entry(*label).or_insert(0u32) += 1;
        let role = said.get(&u64::from(*party)).map(|a| a.role());
        let right = match *label {
            "sext_victim" => role == Some(Role::PossibleVictim),
            "collector" => role == Some(Role::PossibleFacilitator),
            _ => role == Some(Role::PossibleBuyer),
        };
        if *label == "sext_victim" {
            assert_ne!(
                role,
                Some(Role::PossibleBuyer),
                "a possible victim is no suspect"
            );
        }
        *found.entry(*label).or_insert(0u32) += u32::from(right);
    }
    for (label, n) in all {
        let share = f64::from(found[label]) / f64::from(n);
        assert!(share > 0.6, "{label}: {} of {n}", found[label]);
    }
    assert!(
        result
            .alerts
            .windows(2)
            .all(|w| w[0].assessment.score >= w[1].assessment.score)
    );
}

#[test]
fn history_in_parts_says_what_one_after_another_says() {
    let all = transfers(&made());
    let result = scan(&all, None);
    let mut monitor = Monitor::new(Policy::default(), Relations::default());
    let mut as_sender: HashMap<u64, Standing> = HashMap::new();
    let mut as_recipient: HashMap<u64, Standing> = HashMap::new();
    for t in &all {
        let o = monitor.observe(t);
        let sender = as_sender.entry(t.sender.0).or_default();
        if o.settled.is_some() {
            sender.take(o.settled);
        }
        sender.take(o.sender);
        as_recipient
            .entry(t.recipient.0)
            .or_default()
            .take(o.recipient);
        if o.collector.is_some() {
            as_recipient
                .entry(t.sender.0)
                .or_default()
                .take(o.collector);
        }
    }
    let end = all.last().unwrap().at_micros;
    let mut checked = 0;
    for alert in &result.alerts {
        let standing = match alert.assessment.side() {
            Side::Sender => {
                let mut standing = as_sender.remove(&alert.party.0).unwrap();
                let (sent, _) = monitor.events(alert.party);
                if let Some(moment) = silence_before(sent, end) {
                    standing.take(monitor.assess(alert.party, moment).0);
                }
                standing
            }
            Side::Recipient => as_recipient.remove(&alert.party.0).unwrap(),
        };
        let want = standing.settle().expect("both say something");
        assert_eq!(alert.assessment.scenario, want.scenario);
        assert!((alert.assessment.score - want.score).abs() < 1e-9);
        checked += 1;
    }
    assert!(checked > 100);
}

#[test]
fn as_of_a_day_only_what_had_come_by_then_counts() {
    let all = transfers(&made());
    let day = end_of_day(all[all.len() / 2].at_micros.div_euclid(DAY_MICROS));
    let result = scan(&all, Some(day));
    assert!(!result.alerts.is_empty());
    assert!(result.alerts.iter().all(|a| a.assessment.last_at <= day));
}

#[test]
fn countries_by_other_names_leave_the_ranking_as_it_was() {
    let all = transfers(&made());
    let swap = |c: Country| match c.code().as_str() {
        "PH" => Country::new(b"PK").unwrap(),
        "PK" => Country::new(b"PH").unwrap(),
        "TH" => Country::new(b"IN").unwrap(),
        "IN" => Country::new(b"TH").unwrap(),
        _ => c,
    };
    let swapped: Vec<Transfer> = all
        .iter()
        .map(|t| Transfer {
            to: swap(t.to),
            ..*t
        })
        .collect();
    let ranking = |r: ScanResult| -> Vec<(u64, u64)> {
        r.alerts
            .iter()
            .map(|a| (a.party.0, a.assessment.score.to_bits()))
            .collect()
    };
    assert_eq!(ranking(scan(&all, None)), ranking(scan(&swapped, None)));
}

#[test]
fn history_too_large_for_memory_says_the_same() {
    let all = transfers(&made());
    let mut history = History::new(false).with_held_bytes_max(0);
    // The size is looked at once in a million transfers: twenty times the same history, in order.
    let copies = 20u64;
    for copy in 0..copies {
        for t in &all {
            let mut t = *t;
            t.sender.0 += copy << 40;
            t.recipient.0 += copy << 40;
            history.push(&t);
        }
    }
    let result = scan_history(history, &Policy::default(), Relations::default(), None).unwrap();
    assert_eq!(
        result.alerts.len() as u64,
        copies * scan(&all, None).alerts.len() as u64
    );
}
