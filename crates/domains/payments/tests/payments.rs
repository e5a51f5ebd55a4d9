//! Runs history through the kernel, as the command does it: what is planted is found, history in
//! parts gives the same result as transfers one after another, and nothing is lost on the way.

#[path = "../../../app/tests/bench/mod.rs"]
mod bench;

/// Payments, and media for the lists the harness uses.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    vec![
        Box::new(obhut_media::Media),
        Box::new(obhut_payments::Payments),
    ]
}

use std::collections::HashMap;

use bench::{new_person, uphold_appeal};
use obhut_casework as casework;
use obhut_casework::{DecisionRequest, Role, Ruling, Sealed};
use obhut_fakes::transfers::{GeneratedTransfers, MadeTransfer, Recipe, synthesize};
use obhut_payments::*;

/// An alert about a party, without a timeline.
fn alert(party: &str, near: &[&str]) -> NewAlert {
    let fired = [("S01", 0), ("S03", 0), ("R02", 0)];
    let fired: Vec<Fired> = fired
        .iter()
        .filter(|f| f.0 != "R02" || !near.is_empty())
        .map(|f| Fired::restored(f.0, f.1, 1.0, [4.0, 4.0, 1.0, 9.0, 0.5]).unwrap())
        .collect();
    NewAlert {
        party: Sealed::new(party.into()),
        assessment: Assessment {
            scenario: "buyer with many recipients",
            score: score_of(&fired),
            fired,
            first_at: 1_700_000_000_000_000,
            last_at: 1_700_000_500_000_000,
            at: 1_700_000_500_000_000,
            n: 9,
        },
        timeline: Vec::new(),
        network: Vec::new(),
        rests_on: near.iter().map(|p| Sealed::new((*p).into())).collect(),
        sessions: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_holds_are_kept_the_same_on_each_database() {
    bench::on_each_database(async |b: bench::Bench| {
        let c = &b.casework;
        let first = obhut_payments::record_alert(c, &alert("a", &[]), "test")
            .await
            .unwrap()
            .unwrap();
        let again = obhut_payments::record_alert(c, &alert("a", &[]), "test")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (&first.id, &first.case),
            (&again.id, &again.case),
            "twice is once"
        );
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let request = DecisionRequest {
            ruling: Ruling::Report,
            grounds: "as assessed".into(),
            category: None,
        };
        casework::decide(c, &first.case, &rita, &request)
            .await
            .unwrap();
        assert_eq!(
            obhut_payments::record_alert(c, &alert("a", &[]), "test")
                .await
                .unwrap(),
            None,
            "decided"
        );
        assert_eq!(obhut_payments::confirmed_parties(c).await.unwrap().len(), 1);
        let second = obhut_payments::record_alert(c, &alert("b", &["a"]), "test")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(obhut_payments::recount_associations(c).await.unwrap(), 0);
        // Far enough ahead not to expire during the test.
        obhut_payments::record_hold(c, "t1", &second.case, i64::MAX / 2)
            .await
            .unwrap();
        // The same transfer with an earlier end: the first one counts.
        obhut_payments::record_hold(c, "t1", &second.case, 5)
            .await
            .unwrap();
        let holds = obhut_payments::holds(c).await.unwrap();
        assert_eq!((holds.len(), holds[0].state), (1, HoldState::Held));
        let released = obhut_payments::decide_hold(c, &holds[0].id, &rita, None, "family")
            .await
            .unwrap();
        assert_eq!(released.state, HoldState::Released);
        // The first is cleared: what rested on it is recomputed, and its own data are deleted.
        let olga = new_person(c, "Olga", &[Role::Reviewer]).await;
        uphold_appeal(c, &first.case, &olga).await;
        let open = obhut_payments::payment_alerts(c, false, 10).await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].id, second.id);
        assert!(open[0].score < second.score);
        assert!(
            obhut_payments::payment_alerts(c, true, 10)
                .await
                .unwrap()
                .is_empty()
        );
        let gone = &obhut_payments::payment_alert(c, &first.id, "test")
            .await
            .unwrap()[0];
        assert_eq!(gone.party.expose(), "");
        assert_eq!(gone.row.state, AlertState::Withdrawn);
        assert_eq!(
            obhut_payments::record_alert(c, &alert("a", &[]), "test")
                .await
                .unwrap(),
            None,
            "cleared"
        );
    })
    .await;
}

fn transfers(made: &GeneratedTransfers) -> Vec<Transfer> {
    made.transfers.iter().map(MadeTransfer::transfer).collect()
}

fn made() -> GeneratedTransfers {
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
            "sext_victim" => role == Some(obhut_payments::Role::PossibleVictim),
            "collector" => role == Some(obhut_payments::Role::PossibleFacilitator),
            _ => role == Some(obhut_payments::Role::PossibleBuyer),
        };
        if *label == "sext_victim" {
            assert_ne!(
                role,
                Some(obhut_payments::Role::PossibleBuyer),
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
fn history_in_parts_agrees_with_the_monitor() {
    let all = transfers(&made());
    let result = scan(&all, None);
    let mut monitor = Monitor::new(Policy::default(), Relations::default());
    let mut as_sender: HashMap<u64, RunningAssessment> = HashMap::new();
    let mut as_recipient: HashMap<u64, RunningAssessment> = HashMap::new();
    for t in &all {
        let o = monitor.observe(t);
        let sender = as_sender.entry(t.sender.0).or_default();
        if o.after_silence.is_some() {
            sender.take(o.after_silence);
        }
        sender.take(o.sender);
        as_recipient
            .entry(t.recipient.0)
            .or_default()
            .take(o.recipient);
        if o.sender_as_recipient.is_some() {
            as_recipient
                .entry(t.sender.0)
                .or_default()
                .take(o.sender_as_recipient);
        }
    }
    let end = all.last().unwrap().at_micros;
    let mut checked = 0;
    for alert in &result.alerts {
        let running = match alert.assessment.side() {
            Side::Sender => {
                let mut running = as_sender.remove(&alert.party.0).unwrap();
                // The scan also looks at the silence after the last payment.
                let (sent, _) = monitor.events(alert.party);
                if let Some(moment) = silence_before(sent, end) {
                    running.take(monitor.assess(alert.party, moment).0);
                }
                running
            }
            Side::Recipient => as_recipient.remove(&alert.party.0).unwrap(),
        };
        let want = running.conclude().expect("both say something");
        assert_eq!(alert.assessment.scenario, want.scenario);
        assert!((alert.assessment.score - want.score).abs() < 1e-9);
        checked += 1;
    }
    // Without any alert every comparison above would pass.
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
fn swapping_countries_leaves_the_ranking_as_it_was() {
    let all = transfers(&made());
    // PH and TH are on published lists, PK and IN on none.
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
    // Bits: not even the last digit may differ.
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
    let mut history = History::new(false).with_held_bytes_max(4 << 20);
    // The size is checked every quarter of a million transfers: five copies exceed that.
    let copies = 5u64;
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
