//! Compares the rolling windows with a naive recomputation: every number is counted again from all
//! transfers, and every answer of the monitor is computed again from slices.

use obhut_typologies::features::{Scratch, Sent, WINDOWS_DAYS, of_sender};
use obhut_typologies::*;
use proptest::prelude::*;

fn transfer(seed: (u64, u64, i64, i64, u8)) -> Transfer {
    let (sender, recipient, hours, cents, place) = seed;
    let country = |n: u8| Country::new([b"DE", b"US", b"AU", b"GB"][usize::from(n % 4)]).unwrap();
    // Recipients from 100 on: no party is on both sides, so `&[]` is right as the other side below.
    Transfer {
        tx: 0,
        sender: PartyKey(sender),
        recipient: PartyKey(100 + recipient),
        at_micros: 1_735_689_600_000_000 + hours * 3_600_000_000,
        amount_minor: cents,
        currency: Currency::new([b"EUR", b"USD"][usize::from(place % 2)]).unwrap(),
        from: country((sender % 4) as u8),
        to: Country::new([b"PH", b"MX", b"RO"][usize::from(place % 3)]).unwrap(),
        zone_minutes: None,
        context: Context {
            kin: place % 16 == 7,
            cover: place % 8 == 3,
            ..Context::default()
        },
    }
}

fn history() -> impl Strategy<Value = Vec<Transfer>> {
    // 9,000 hours are 375 days: events also leave the year.
    let one = (0..6u64, 0..8u64, 0..9_000i64, 500..15_000i64, any::<u8>());
    prop::collection::vec(one, 1..160).prop_map(|mut seeds| {
        // The monitor expects time order; late transfers are not covered here.
        seeds.sort_by_key(|s| s.2);
        seeds.into_iter().map(transfer).collect()
    })
}

/// The numbers of these events, each from its definition.
fn naive_numbers(events: &[Event]) -> Numbers {
    let n = events.len();
    let share = |flag| events.iter().filter(|e| e.is(flag)).count() as f64 / n as f64;
    let distinct = |f: &dyn Fn(&Event) -> Option<u64>| {
        events
            .iter()
            .filter_map(f)
            .collect::<std::collections::BTreeSet<_>>()
            .len() as u32
    };
    let mut amounts: Vec<u32> = events.iter().map(|e| e.ref_cents).collect();
    amounts.sort_unstable();
    let median = (f64::from(amounts[n / 2]) + f64::from(amounts[(n - 1) / 2])) / 2.0;
    let days = |a: i64, b: i64| (b - a) as f64 / DAY_MICROS as f64;
    let gaps: Vec<f64> = events
        .windows(2)
        .map(|w| days(w[0].at_micros, w[1].at_micros))
        .collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    let spread = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len().max(1) as f64;
    Numbers {
        n: n as u32,
        others: distinct(&|e| Some(e.other.0)),
        strangers: distinct(&|e| (!e.is(Event::KIN)).then_some(e.other.0)),
        band: share(Event::BAND),
        small: share(Event::SMALL),
        even: share(Event::EVEN),
        night: share(Event::NIGHT),
        risk: share(Event::RISK),
        median_cents: median,
        gap_days: mean,
        gap_spread: if mean > 0.0 {
            spread.sqrt() / mean
        } else {
            0.0
        },
        span_days: days(events[0].at_micros, events[n - 1].at_micros),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn numbers_are_what_their_definitions_say(all in history()) {
        let policy = Policy::default();
        let events: Vec<Event> = all.iter().map(|t| Event::of(t, &policy).0).collect();
        let (got, want) = (Numbers::of(&events, &mut Vec::new()), naive_numbers(&events));
        prop_assert!((got.gap_spread - want.gap_spread).abs() < 1e-6);
        prop_assert!((got.gap_days - want.gap_days).abs() < 1e-9);
        let level = Numbers { gap_spread: 0.0, gap_days: 0.0, ..got };
        prop_assert_eq!(level, Numbers { gap_spread: 0.0, gap_days: 0.0, ..want });
    }

    #[test]
    fn features_are_what_counting_again_says(all in history()) {
        let sent: Vec<Sent> = all.iter().map(|t| Sent {
            at_micros: t.at_micros,
            recipient: t.recipient.0,
            amount_minor: t.amount_minor,
            small: t.amount_minor < 5_000,
        }).collect();
        let mut rows = Vec::new();
        of_sender(&sent, &mut Scratch::default(), |_, w| rows.push(w));
        for (i, t) in sent.iter().enumerate() {
            for (w, days) in WINDOWS_DAYS.iter().enumerate() {
                let inside: Vec<&Sent> = sent[..=i]
                    .iter()
                    .filter(|s| s.at_micros > t.at_micros - days * DAY_MICROS)
                    .collect();
                let got = rows[i][w];
                prop_assert_eq!(got.n as usize, inside.len());
                prop_assert_eq!(got.sum_minor, inside.iter().map(|s| s.amount_minor).sum::<i64>());
                prop_assert_eq!(got.small as usize, inside.iter().filter(|s| s.small).count());
                let to: std::collections::BTreeSet<u64> = inside.iter().map(|s| s.recipient).collect();
                prop_assert_eq!(got.recipients as usize, to.len());
            }
        }
    }

    #[test]
    fn the_monitor_says_what_all_transfers_say(all in history()) {
        let policy = Policy::default().with_score_min(0.0);
        let mut monitor = Monitor::new(policy.clone(), Relations::default());
        let mut relations = Relations::default();
        for (i, t) in all.iter().enumerate() {
            let got = monitor.observe(t);
            let of = |pick: &dyn Fn(&Transfer) -> Option<Event>| -> Vec<Event> {
                all[..=i].iter().filter_map(pick).collect()
            };
            let received = of(&|x| (x.recipient == t.recipient).then(|| Event::of(x, &policy).1));
            if is_shared_now(&received, t.at_micros, &policy) {
                relations.note_shared(t.recipient, t.at_micros);
            }
            let sent = of(&|x| (x.sender == t.sender).then(|| Event::of(x, &policy).0));
            let want = assess_sender(&sent, &[], t.at_micros, &policy, |others| {
                relations.links(t.sender, Side::Sender, others, t.at_micros)
            }, &mut Vec::new());
            prop_assert_eq!(got.sender, want);
            let want = assess_recipient(&received, &[], t.at_micros, &policy, |others| {
                relations.links(t.recipient, Side::Recipient, others, t.at_micros)
            }, &mut Vec::new());
            prop_assert_eq!(got.recipient, want);
        }
    }
}
