//! For each indicator a history that makes it fire, and a similar one that doesn't: where the
//! indicator counts, often one below its threshold.

use crate::indicators::{self, PartyView};
use crate::window::{Numbers, Series, last_days};
use crate::{
    Context, Country, Currency, DAY_MICROS, Event, Fired, LinkKnown, Links, PartyKey, Policy,
    Purchase, Side, Transfer,
};

/// Wednesday, 2025-01-01, midnight UTC.
const START: i64 = 1_735_689_600_000_000;
// Outside the night hours of S06 (22 to 5), so that a payment is at night only where an example
// says so.
const NOON: f64 = 0.5;

/// A payment of `cents` US cents from party 1 to `other`, `day` days after [`START`]; the fraction
/// is the time of day, UTC.
fn paid(other: u64, day: f64, cents: i64) -> Transfer {
    Transfer {
        tx: 0,
        sender: PartyKey(1),
        recipient: PartyKey(other),
        at_micros: START + (day * DAY_MICROS as f64) as i64,
        amount_minor: cents,
        currency: Currency::new(b"USD").unwrap(),
        from: Country::new(b"DE").unwrap(),
        to: Country::new(b"PH").unwrap(),
        zone_minutes: Some(0),
        context: Context::default(),
    }
}

/// The same amount to each of `n` parties, numbered from 10, a day apart.
fn each_of(n: u64, cents: i64) -> Vec<Transfer> {
    (0..n)
        .map(|i| paid(10 + i, NOON + i as f64, cents))
        .collect()
}

fn with(mut all: Vec<Transfer>, change: impl Fn(usize, &mut Transfer)) -> Vec<Transfer> {
    for (n, t) in all.iter_mut().enumerate() {
        change(n, t);
    }
    all
}

fn bought(what: Purchase, all: Vec<Transfer>) -> Vec<Transfer> {
    with(all, |_, t| t.context.purchase = what)
}

/// One side of a party, with what an indicator reads of it.
struct Party {
    side: Side,
    own: Vec<Transfer>,
    out: Vec<Transfer>,
    links: Links,
    age_and_sex: bool,
}

impl Party {
    fn sends(own: Vec<Transfer>) -> Self {
        Self {
            side: Side::Sender,
            own,
            out: Vec::new(),
            links: Links::default(),
            age_and_sex: false,
        }
    }

    fn receives(own: Vec<Transfer>) -> Self {
        Self {
            side: Side::Recipient,
            ..Self::sends(with(own, |_, t| {
                std::mem::swap(&mut t.sender, &mut t.recipient);
            }))
        }
    }

    fn and_pays(self, out: Vec<Transfer>) -> Self {
        Self { out, ..self }
    }

    fn linked(self, links: Links) -> Self {
        Self { links, ..self }
    }

    fn read_with_age(self) -> Self {
        Self {
            age_and_sex: true,
            ..self
        }
    }

    /// What the indicator says of it after its last transfer.
    fn because(&self, id: &str) -> Option<String> {
        let policy = Policy::default();
        let own: Vec<Event> = self
            .own
            .iter()
            .map(|t| match self.side {
                Side::Sender => Event::of(t, &policy).0,
                Side::Recipient => Event::of(t, &policy).1,
            })
            .collect();
        assert!(own.is_sorted_by_key(|e| e.at_micros), "{id}: in order");
        let out: Vec<Event> = self.out.iter().map(|t| Event::of(t, &policy).0).collect();
        let now = own.last().map_or(START, |e| e.at_micros);
        let (year, recent) = (last_days(&own, now, 365), last_days(&own, now, 90));
        let place = indicators::place(id).unwrap();
        let i = indicators::ALL[place];
        assert!(i.sides.contains(&self.side), "{id}");
        // Up to 30 days later than the own side: R03 needs what leaves after the last credit.
        let found = (i.fires)(
            &PartyView {
                side: self.side,
                now,
                year,
                recent,
                numbers: &Numbers::of(recent, &mut Vec::new()),
                other_side: last_days(&out, now + DAY_MICROS * 30, 365),
                links: self.links,
                age_and_sex: self.age_and_sex,
                series: &Series::all(year),
            },
            &policy.values[place],
        )?;
        assert!((0.0..=1.0).contains(&found.strength));
        let fired = Fired::restored(id, found.sentence, found.strength, found.values).unwrap();
        Some(fired.because().en)
    }
}

/// Id of each indicator, a history that makes it fire, and a similar one that doesn't.
// Long: a table.
fn examples() -> Vec<(&'static str, Party, Party)> {
    use Party as P;
    let sends = P::sends;
    let every = |days: f64, n: u64, cents: i64| -> Vec<Transfer> {
        (0..n)
            .map(|i| paid(10, NOON + i as f64 * days, cents))
            .collect()
    };
    let uneven = |cents: i64| -> Vec<Transfer> {
        [0.5, 1.5, 9.5, 20.5]
            .map(|day| paid(10, day, cents))
            .to_vec()
    };
    let faster = |rise: i64| -> Vec<Transfer> {
        let mut day = NOON;
        let each = |n: i64| {
            day += 12.0 - n as f64;
            paid(10, day, 2_000 + n * rise)
        };
        (0..8).map(each).collect()
    };
    // Makes one of them family, which puts the count one below its threshold.
    let kin_first = |n: usize, t: &mut Transfer| t.context.kin = n == 0;
    let abroad = |to: &str| {
        let mut all = bought(Purchase::Abroad, every(8.0, 3, 5_000));
        all.push(with(vec![paid(10, 20.5, 5_000)], |_, t| t.to = country(to)).remove(0));
        sends(all)
    };
    let ways = |to: [&str; 2]| {
        sends(with(each_of(2, 5_000), |n, t| {
            t.context.channel = 1 + n as u8;
            t.to = country(to[n]);
        }))
    };
    // Three to one address at the time of day `at`, four by day to another.
    let chain = |at: f64| {
        let night = (0..3).map(|n| paid(10, n as f64 + at, 2_000));
        let day = (0..4).map(|n| paid(11, 5.0 + NOON + n as f64, 2_000));
        sends(bought(Purchase::Crypto, night.chain(day).collect()))
    };
    let from = |codes: [&'static str; 3]| {
        P::receives(with(each_of(3, 5_000), |n, t| t.from = country(codes[n])))
    };
    let passed_on = |hours: f64| {
        let out = (0..3).map(|n| paid(99, NOON + n as f64 + hours / 24.0, 5_000));
        P::receives(each_of(3, 5_000)).and_pays(out.collect())
    };
    let contacts =
        |all: [u32; 2]| sends(with(each_of(2, 5_000), |n, t| t.context.contact = all[n]));
    let tiny = |n: u64| P::receives(each_of(n, 300));
    let series = |days: f64, cents: [i64; 3]| -> Vec<Transfer> {
        let each = |n: usize| paid(10, NOON + n as f64 * days, cents[n]);
        (0..3).map(each).collect()
    };
    let cards = |days: f64| sends(bought(Purchase::GiftCard, every(days, 3, 5_000)));
    vec![
        (
            "S01",
            sends(each_of(4, 5_000)),
            sends(with(each_of(4, 5_000), kin_first)),
        ),
        (
            "S02",
            sends(each_of(3, 5_000)),
            sends(with(each_of(3, 5_000), |n, t| {
                if n == 0 {
                    t.amount_minor = 500_000;
                }
            })),
        ),
        ("S03", sends(uneven(3_000)), sends(uneven(20_000))),
        ("S04", sends(each_of(24, 5_000)), sends(each_of(23, 5_000))),
        ("S05", sends(faster(500)), sends(faster(0))),
        (
            "S06",
            sends(with(each_of(4, 5_000), |n, t| {
                if n < 2 {
                    t.at_micros += DAY_MICROS * 11 / 24;
                }
            })),
            sends(with(each_of(4, 5_000), |n, t| {
                if n < 1 {
                    t.at_micros += DAY_MICROS * 11 / 24;
                }
            })),
        ),
        ("S07", sends(each_of(4, 5_000)), sends(each_of(4, 5_130))),
        (
            "S08",
            sends(with(each_of(3, 5_000), |n, t| {
                t.context.handle = n == 0;
                t.context.cover = n == 1;
            })),
            sends(with(each_of(3, 5_000), |n, t| {
                t.context.handle = n == 0;
                t.context.cover = n == 0;
            })),
        ),
        (
            "S09",
            sends(with(each_of(3, 5_000), |_, t| {
                t.context.tie = LinkKnown::NotLinked
            })),
            sends(with(each_of(4, 5_000), |n, t| {
                t.context.tie = if n == 0 {
                    LinkKnown::Linked
                } else {
                    LinkKnown::NotLinked
                };
                if n == 3 {
                    t.context.purchase = Purchase::Tokens;
                }
            })),
        ),
        (
            "S10",
            sends(aged(each_of(3, 5_000), 50)).read_with_age(),
            sends(aged(each_of(3, 5_000), 50)),
        ),
        (
            "S11",
            sends(each_of(2, 5_000)),
            sends(with(each_of(2, 5_000), |_, t| t.to = country("FR"))),
        ),
        (
            "S12",
            sends(bought(Purchase::Privacy, each_of(1, 900))),
            sends(bought(Purchase::Tokens, each_of(1, 900))),
        ),
        (
            "S13",
            sends(bought(Purchase::Tokens, each_of(3, 900))),
            sends(bought(Purchase::Tokens, each_of(2, 900))),
        ),
        ("S14", abroad("PH"), abroad("FR")),
        ("S15", ways(["PH", "PH"]), ways(["PH", "FR"])),
        (
            "S16",
            sends(each_of(3, 5_000)).linked(Links {
                listed: true,
                ..Links::default()
            }),
            sends(each_of(3, 5_000)),
        ),
        ("S17", chain(23.0 / 24.0), chain(NOON)),
        (
            "S18",
            sends(every(3.0, 100, 3_000)),
            sends(every(3.0, 99, 3_000)),
        ),
        ("R01", from(["DE", "FR", "DE"]), from(["DE", "DE", "DE"])),
        (
            "R02",
            sends(each_of(3, 5_000)).linked(Links {
                near_confirmed: 1,
                ..Links::default()
            }),
            sends(each_of(3, 5_000)),
        ),
        ("R03", passed_on(20.0), passed_on(100.0)),
        ("R04", contacts([7, 7]), contacts([0, 0])),
        ("R05", tiny(10), tiny(9)),
        (
            "X01",
            sends(series(1.0, [3_000, 5_000, 9_000])),
            sends(series(3.0, [3_000, 5_000, 9_000])),
        ),
        (
            "X02",
            sends(series(1.0, [3_000, 5_000, 9_000])),
            sends(series(1.0, [30_000, 50_000, 90_000])),
        ),
        ("X03", cards(1.0), cards(1.1)),
        (
            "X04",
            P::receives(each_of(5, 5_000)),
            P::receives(with(each_of(5, 5_000), kin_first)),
        ),
    ]
}

fn country(code: &str) -> Country {
    Country::new(code.as_bytes()).unwrap()
}

fn aged(all: Vec<Transfer>, years: u8) -> Vec<Transfer> {
    with(all, |_, t| t.context.age_years = years)
}

/// An unknown country was once counted as a country: two payments without a destination were
/// "2 providers to one country".
#[test]
fn a_country_that_is_not_given_is_no_signal() {
    let nowhere = |all| with(all, |_, t: &mut Transfer| t.to = Country::UNKNOWN);
    let stay = (0..3).map(|n| paid(10, NOON + f64::from(n) * 8.0, 5_000));
    let mut bought_abroad = bought(Purchase::Abroad, stay.collect());
    bought_abroad.push(paid(10, 20.5, 5_000));
    let two_channels = with(each_of(2, 5_000), |n, t| {
        t.context.channel = 1 + n as u8;
    });
    let one_known = with(each_of(3, 5_000), |n, t| {
        t.from = [country("DE"), Country::UNKNOWN, country("DE")][n];
    });
    for (id, history) in [
        ("S14", Party::sends(nowhere(bought_abroad))),
        ("S15", Party::sends(nowhere(two_channels))),
        ("R01", Party::receives(one_known)),
    ] {
        let said = history.because(id);
        assert_eq!(said, None, "{id}");
    }
}

#[test]
fn each_indicator_fires_on_its_example_and_not_on_the_similar_one() {
    let examples = examples();
    let wrong: Vec<String> = examples
        .iter()
        .flat_map(|(id, fires, silent)| {
            let missing = fires
                .because(id)
                .is_none()
                .then(|| format!("{id} is silent"));
            let too_much = silent.because(id).map(|b| format!("{id} says {b}"));
            missing.into_iter().chain(too_much)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let ids: Vec<&str> = examples.iter().map(|e| e.0).collect();
    let all: Vec<&str> = indicators::ALL.iter().map(|i| i.id).collect();
    for id in &all {
        assert!(
            ids.contains(id),
            "{id}: add a history that makes it fire and the nearest one that doesn't to examples.rs"
        );
    }
    assert_eq!(ids, all, "examples.rs is in the order of indicators::ALL");
}

/// The placeholders of a sentence, without braces (`0`, `1%`), sorted.
fn places(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn both_languages_say_the_same_numbers() {
    for i in indicators::ALL {
        for texts in i.because.iter().chain([&i.title]) {
            assert!(
                !texts.en.trim().is_empty() && !texts.de.trim().is_empty(),
                "{}: write each sentence in English and in German",
                i.id
            );
            assert_eq!(
                places(texts.en),
                places(texts.de),
                "{}: both languages take the same numbers",
                i.id
            );
        }
    }
}

#[test]
fn reasons_state_the_numbers_that_were_compared() {
    let said = |id: &str| {
        let examples = examples();
        let example = examples.iter().find(|e| e.0 == id).unwrap();
        example.1.because(id).unwrap()
    };
    assert_eq!(
        said("S17"),
        "3 payments of USD 10.00 to USD 50.00 to one address in 90 days, 100 % at night (3 or more)"
    );
    assert_eq!(said("X03"), "3 gift cards within 48 hours (3 or more)");
}
