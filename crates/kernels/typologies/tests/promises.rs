//! The guarantees of docs/payments.md, each as a test.

use obhut_typologies::indicators::{Counts, group};
use obhut_typologies::*;

const START: i64 = 1_735_689_600_000_000;

fn paid(sender: u64, recipient: u64, day: f64, cents: i64, to: &str) -> Transfer {
    Transfer {
        tx: 0,
        sender: PartyKey(sender),
        recipient: PartyKey(recipient),
        at_micros: START + (day * DAY_MICROS as f64) as i64,
        amount_minor: cents,
        currency: Currency::new(b"EUR").unwrap(),
        from: Country::new(b"DE").unwrap(),
        to: Country::new(to.as_bytes()).unwrap(),
        zone_minutes: Some(0),
        context: Context::default(),
    }
}

/// A buyer who shows several published signs, S01 and S03 among them, paying to one country.
fn buyer(to: &str) -> Vec<Transfer> {
    // Uneven on purpose: S03 is at full strength only if the gaps are uneven.
    let days = [
        0.1, 2.9, 4.0, 11.7, 13.0, 24.9, 27.0, 28.2, 41.9, 44.0, 58.1, 60.9,
    ];
    let each = |(n, day): (usize, &f64)| {
        paid(1, 10 + n as u64 % 7, *day, 3_000 + 500 * (n as i64 % 3), to)
    };
    days.iter().enumerate().map(each).collect()
}

fn last(all: &[Transfer], policy: Policy, relations: Relations) -> Option<Assessment> {
    let mut monitor = Monitor::new(policy, relations);
    all.iter()
        .map(|t| monitor.observe(t).sender)
        .last()
        .flatten()
}

fn plain(all: &[Transfer]) -> Option<Assessment> {
    last(all, Policy::default(), Relations::default())
}

fn ids(a: &Assessment) -> Vec<&'static str> {
    a.fired.iter().map(|f| f.indicator().id).collect()
}

#[test]
fn a_buyer_is_alerted_with_reasons_and_numbers() {
    let a = plain(&buyer("PH")).expect("an alert");
    assert_eq!(
        (a.scenario, a.role()),
        ("buyer with many recipients", Role::PossibleBuyer)
    );
    let ids = ids(&a);
    assert!(ids.contains(&"S01") && ids.contains(&"S03"), "{ids:?}");
    for f in &a.fired {
        let text = f.because();
        for because in [text.en, text.de] {
            assert!(
                !because.contains(['{', '}']) && !because.contains("NaN"),
                "{because}"
            );
        }
    }
}

#[test]
fn swapping_the_names_of_countries_changes_no_score() {
    // PH is on published lists of corridors, FR on none.
    let (there, here) = (plain(&buyer("PH")).unwrap(), plain(&buyer("FR")).unwrap());
    assert_eq!(there.score, here.score);
    assert_eq!(there.scenario, here.scenario);
    assert!(ids(&there).contains(&"S11") && !ids(&here).contains(&"S11"));
}

#[test]
fn what_is_only_shown_or_associated_never_makes_an_alert() {
    // Weekly payments of the same sum to the same two recipients: in the band, nothing else. A
    // second independent signal is missing, and no number of indicators that are only shown or
    // associated replaces it.
    let mut habit: Vec<Transfer> = (0..12)
        .map(|n| paid(1, 10 + n % 2, 0.5 + n as f64 * 7.0, 12_345, "PH"))
        .collect();
    for t in &mut habit {
        t.context.tie = LinkKnown::NotLinked;
        t.context.age_years = 50;
    }
    let mut policy = Policy::default();
    policy.switch("S10", true).unwrap();
    policy = policy.with_score_min(0.0);
    assert_eq!(last(&habit, policy.clone(), Relations::default()), None);
    let confirmed = Relations::new([PartyKey(1), PartyKey(99)]);
    let mut with_case = vec![paid(99, 10, 0.0, 3_000, "PH")];
    with_case.extend(habit);
    assert_eq!(
        last(&with_case, policy, confirmed),
        None,
        "association alone never alerts"
    );
}

#[test]
fn one_signal_makes_no_alert() {
    // A small sum to another recipient every three weeks: S01, and S02, which shares its group.
    let many: Vec<Transfer> = (0..5)
        .map(|n| paid(1, 10 + n, 0.5 + n as f64 * 21.0, 15_010, "PH"))
        .collect();
    let mut policy = Policy::default().with_score_min(0.0);
    assert_eq!(last(&many, policy.clone(), Relations::default()), None);
    // With everything on: what is only shown must not become a second signal.
    for i in indicators::ALL {
        policy.switch(i.id, true).unwrap();
    }
    assert_eq!(last(&many, policy, Relations::default()), None);
}

#[test]
fn an_association_adds_to_a_score_and_goes_with_its_retraction() {
    let mut all = vec![paid(99, 10, 0.0, 3_000, "PH")];
    all.extend(buyer("PH"));
    let mut monitor = Monitor::new(Policy::default(), Relations::new([PartyKey(99)]));
    let before = all
        .iter()
        .map(|t| monitor.observe(t).sender)
        .last()
        .flatten()
        .unwrap();
    assert!(ids(&before).contains(&"R02"));
    monitor.set_confirmed([]);
    let now = all.last().unwrap().at_micros;
    let after = monitor.assess(PartyKey(1), now).0.unwrap();
    assert!(!ids(&after).contains(&"R02") && after.score < before.score);
    // As if the association had never existed: a retraction leaves no trace in the score.
    assert_eq!(after.score, plain(&buyer("PH")).unwrap().score);
}

/// A payment of 400 days ago once counted for ever: the confirmed sender was kept because it still
/// received payments.
#[test]
fn an_association_ends_after_a_year() {
    for (days_before, expected) in [(360.0, true), (370.0, false)] {
        let mut monitor = Monitor::new(Policy::default(), Relations::default());
        let mut all = vec![paid(99, 10, 400.0 - days_before, 3_000, "PH")];
        let mut bought = buyer("PH");
        let first = bought.iter().map(|t| t.at_micros).min().unwrap();
        let last = bought.iter().map(|t| t.at_micros).max().unwrap();
        for t in &mut bought {
            // The last one is paid on day 400.
            t.at_micros += all[0].at_micros - first + (first - last);
            t.at_micros += (days_before * 86_400e6) as i64;
        }
        // The confirmed sender itself receives something every month.
        all.extend((0..13).map(|n| paid(98, 99, f64::from(n) * 30.0, 1_000, "DE")));
        all.extend(bought);
        all.sort_by_key(|t| t.at_micros);
        for t in &all {
            monitor.observe(t);
        }
        let now = all.last().unwrap().at_micros;
        monitor.forget_stale(now);
        monitor.set_confirmed([PartyKey(99)]);
        let found = monitor.assess(PartyKey(1), now).0.unwrap();
        assert_eq!(ids(&found).contains(&"R02"), expected, "{days_before}");
        let near = monitor.confirmed_near(PartyKey(1), Side::Sender);
        assert_eq!(near.len(), usize::from(expected));
    }
}

/// Once, after `set_confirmed`, the sellers of what confirmed parties had bought counted as their
/// recipients.
#[test]
fn a_seller_isnt_a_recipient_of_a_confirmed_sender() {
    let bought = Transfer {
        context: Context {
            purchase: Purchase::Privacy,
            ..Context::default()
        },
        ..paid(99, 10, 0.0, 3_000, "PH")
    };
    let mut all = vec![bought];
    all.extend(buyer("PH"));
    let mut monitor = Monitor::new(Policy::default(), Relations::new([PartyKey(99)]));
    for t in &all {
        monitor.observe(t);
    }
    let now = all.last().unwrap().at_micros;
    let before = monitor.assess(PartyKey(1), now).0.unwrap();
    monitor.set_confirmed([PartyKey(99)]);
    let after = monitor.assess(PartyKey(1), now).0.unwrap();
    assert_eq!((ids(&after), after.score), (ids(&before), before.score));
}

#[test]
fn a_blackmail_victim_is_not_a_suspect() {
    let series = [
        (0.0, 4_000),
        (0.4, 8_000),
        (1.1, 15_000),
        (1.9, 20_000),
        (2.5, 25_000),
    ];
    let mut all: Vec<Transfer> = series
        .iter()
        .map(|(day, cents)| paid(1, 50, *day, *cents, "CI"))
        .collect();
    let now = plain(&all).expect("told while it happens");
    assert_eq!(
        (now.role(), now.scenario),
        (Role::PossibleVictim, "sextortion victim")
    );
    assert!(now.fired.iter().all(|f| f.indicator().id.starts_with('X')));
    // A month later the victim pays someone else; the alert's reasons name the silence in between.
    all.push(paid(1, 60, 40.0, 9_900, "CI"));
    let mut monitor = Monitor::new(Policy::default(), Relations::default());
    let mut running = RunningAssessment::default();
    for t in &all {
        let o = monitor.observe(t);
        if o.after_silence.is_some() {
            running.take(o.after_silence);
        }
        running.take(o.sender);
    }
    let kept = running.conclude().expect("kept");
    assert_eq!(kept.role(), Role::PossibleVictim);
    assert!(
        kept.fired
            .iter()
            .any(|f| f.because().en.contains("silence"))
    );
}

fn as_of_its_end(all: &[Transfer]) -> Option<Assessment> {
    plain(all)
}

#[test]
fn what_a_blackmailed_person_pays_later_makes_no_suspect() {
    let series = [(0.0, 5_000), (0.2, 8_000), (0.4, 12_000), (0.8, 15_000)];
    let first: Vec<Transfer> = series
        .iter()
        .map(|(day, cents)| paid(1, 50, *day, *cents, "CI"))
        .collect();
    let with = |more: &[(u64, f64, i64)]| {
        let mut all = first.clone();
        all.extend(
            more.iter()
                .map(|(to, day, cents)| paid(1, *to, *day, *cents, "CI")),
        );
        as_of_its_end(&all).expect("told").role()
    };
    // In turn: small payments to the same person, payments to others, the blackmail resumed, an
    // unusually high sum.
    assert_eq!(
        with(&[(50, 20.5, 2_000), (50, 24.5, 2_000)]),
        Role::PossibleVictim
    );
    assert_eq!(
        with(&[(60, 10.5, 2_000), (61, 16.5, 2_000)]),
        Role::PossibleVictim
    );
    assert_eq!(
        with(&[(50, 20.5, 3_000), (50, 20.9, 4_000), (50, 21.3, 9_000)]),
        Role::PossibleVictim
    );
    assert_eq!(with(&[(50, 1.5, 400_000)]), Role::PossibleVictim);
}

#[test]
fn a_habit_that_began_close_together_is_not_blackmail() {
    let cents = [2_000, 3_000, 2_500, 5_000];
    let habit: Vec<Transfer> = (0..40)
        .map(|n| paid(1, 50, n as f64 * 1.7, cents[n % 4], "PH"))
        .collect();
    assert_eq!(
        as_of_its_end(&habit).expect("told").role(),
        Role::PossibleBuyer
    );
    // What an exchange rate changes isn't a rise.
    let level: Vec<Transfer> = (0..5)
        .map(|n| paid(1, 50, n as f64 * 0.3, 3_500 + n, "PH"))
        .collect();
    assert_eq!(as_of_its_end(&level).map(|a| a.role()), None);
}

#[test]
fn age_is_read_only_where_switched_on() {
    let mut all = buyer("PH");
    for t in &mut all {
        t.context.age_years = 50;
    }
    assert!(!ids(&plain(&all).unwrap()).contains(&"S10"));
    let mut policy = Policy::default();
    policy.switch("S10", true).unwrap();
    let with = last(&all, policy, Relations::default()).unwrap();
    assert!(ids(&with).contains(&"S10"));
    assert_eq!(
        with.score,
        plain(&all).unwrap().score,
        "it is shown, not weighed"
    );
}

#[test]
fn a_collector_who_passes_money_on_is_alerted_as_a_facilitator() {
    let mut monitor = Monitor::new(Policy::default(), Relations::default());
    let mut said = None;
    for n in 0..7u64 {
        let day = n as f64 * 2.0;
        // 97.5 % leaves after 0.3 days: above 0.9 and within 24 hours.
        monitor.observe(&paid(100 + n, 7, day, 20_000, "DE"));
        let o = monitor.observe(&paid(7, 999, day + 0.3, 19_500, "NG"));
        said = o.sender_as_recipient.or(said);
    }
    let said = said.expect("an alert");
    assert_eq!(
        (said.scenario, said.role()),
        ("collector mule", Role::PossibleFacilitator)
    );
    assert!(ids(&said).contains(&"R03") && ids(&said).contains(&"X04"));
}

#[test]
fn a_recipient_of_many_is_alerted_and_a_shop_is_not() {
    let pay = |n: u64| {
        let mut t = paid(n, 7, n as f64 * 0.5, 4_000 + n as i64, "PH");
        // R01 asks for at least two countries.
        t.from = Country::new(if n.is_multiple_of(2) { b"DE" } else { b"AU" }).unwrap();
        t
    };
    let run = |n: u64| {
        let mut monitor = Monitor::new(Policy::default(), Relations::default());
        (0..n)
            .map(|n| monitor.observe(&pay(n)).recipient)
            .last()
            .flatten()
    };
    let person = run(9).expect("an alert");
    assert_eq!(person.scenario, "recipient of many unrelated senders");
    assert_eq!(run(340), None, "hundreds of payers are a shop or a charity");
}

#[test]
fn two_signals_of_one_group_are_one() {
    let groups = |id: &str| match indicators::ALL[indicators::place(id).unwrap()].counts {
        Counts::Signal(g) => g,
        _ => 0,
    };
    // S01 looks at amounts too, so the price band isn't a second signal.
    assert_ne!(groups("S01") & groups("S02"), 0);
    assert_eq!(groups("S02") & groups("S03"), 0);
    assert_eq!(groups("R01") & groups("S02"), 0);
    assert_eq!(groups("S06"), group::HOUR);
}

#[test]
fn thresholds_change_by_name_and_wrong_names_are_refused() {
    let mut policy = Policy::default();
    policy.set("S03.median", 10.0).unwrap();
    policy.set("S03.wide", 12.0).unwrap();
    let a = last(&buyer("PH"), policy.clone(), Relations::default());
    assert!(a.is_none_or(|a| !ids(&a).contains(&"S03")));
    assert!(
        policy
            .set("S03.medain", 1.0)
            .unwrap_err()
            .to_string()
            .contains("median")
    );
    assert!(policy.set("S99.n", 1.0).is_err() && policy.switch("S99", false).is_err());
    assert!(policy.set("S03.n", f64::NAN).is_err());
}
