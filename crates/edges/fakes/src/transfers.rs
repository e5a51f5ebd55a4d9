//! Synthetic transfers with known answers, for the demo, tests and benchmarks. Their parties don't
//! exist.
//!
//! [`PLANTED`] describes what is planted; [`GeneratedTransfers::labels`] names the parties.
//! Anything a rule finds in such data proves only that it finds what was planted. Amounts follow
//! the published ranges (AIC T&I 589 and 634, FATF 2025, AUSTRAC). Corridors follow the published
//! shares of remittances into the Philippines and the World Bank's large corridors, rounded.

pub mod files;

use obhut_typologies::{Context, Country, Currency, DAY_MICROS, PartyKey, Transfer};

/// What is planted, in words; printed by `obhut payments synthesize --explain`.
pub const PLANTED: &str = "\
Background senders (shares of all): 62 % send to 1-3 people by the calendar (gap spread 0.03-0.25, median about USD 190);
20 % irregularly (gap spread 0.5-1.1) to 1-5; 12 % send small sums weekly or fortnightly to 1-2; 5 % give a small fixed sum
monthly to one of a few charities, each paid by up to about 1,000; 0.6 % are firms with 15-50 payees, a third of them paying
small sums.
Planted, each with its label:
  osec_many    4-40 recipients, lognormal amounts around USD 48 (sigma 0.55), exponential gaps of 5-12 days, a third of
               payments to recipients that other planted buyers pay too, night share as asked for
  osec_loyal   1-3 recipients and occasionally a shared one, amounts around USD 42, exponential gaps of 6-15 days
  sext_victim  3-11 payments within 1-6 days to one new recipient, beginning at USD 20-200, mostly rising, then nothing
  collector    a recipient paid within weeks by 5-25 people who don't know each other, and who passes on about 96-100 % of
               each payment within a day
Hours: planted buyers pay between 22 and 5 local for the share that --night sets, everyone else for 2-10 %; otherwise 7-22 local.
Collectors pass on at any hour.
Not planted: references, ages, contacts, purchases. Real data differ: families that send small sums unevenly, shops paid by
strangers from several countries and people who send at night for their shift are more frequent than here.";

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// About how many transfers.
    pub transfers: u64,
    /// The same seed makes the same data.
    pub seed: u64,
    /// Planted parties for each 100,000 senders.
    pub planted_per_100k: f64,
    /// Share of a planted buyer's payments that are made at night, 0 to 1.
    pub night: f64,
    /// First day, days since 1970.
    pub first_day: i64,
    /// How many days: at least 40, because a collector's payments have to fit in.
    pub days: i64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            transfers: 100_000,
            seed: 1,
            planted_per_100k: 20.0,
            night: 0.5,
            // 2025-01-01.
            first_day: 20_089,
            days: 330,
        }
    }
}

/// A synthetic transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MadeTransfer {
    /// Microseconds since 1970.
    pub at_micros: i64,
    /// Minor units.
    pub amount_minor: i64,
    /// Who pays.
    pub sender: u32,
    /// Who is paid.
    pub recipient: u32,
    /// Currency.
    pub currency: Currency,
    /// Country of the sender.
    pub from: Country,
    /// Country of the recipient.
    pub to: Country,
}

impl MadeTransfer {
    /// The transfer in the kernel's form. Party keys are the parties' numbers, and `tx` is 0.
    pub fn transfer(&self) -> Transfer {
        Transfer {
            tx: 0,
            sender: PartyKey(u64::from(self.sender)),
            recipient: PartyKey(u64::from(self.recipient)),
            at_micros: self.at_micros,
            amount_minor: self.amount_minor,
            currency: self.currency,
            from: self.from,
            to: self.to,
            zone_minutes: None,
            context: Context::default(),
        }
    }
}

/// Synthetic data and the answers.
pub struct GeneratedTransfers {
    /// In time order; a transfer's id is its index.
    pub transfers: Vec<MadeTransfer>,
    /// A party's number and what it was planted as. A `collector`'s number is that of a recipient,
    /// every other that of a sender.
    pub labels: Vec<(u32, &'static str)>,
}

/// Transfers of one sender, on average.
const PER_SENDER: f64 = 11.0;
/// Recipients have numbers from here on.
const RECIPIENTS_FROM: u32 = 1_000_000_000;

// Country, currency, share of the senders, hours ahead of UTC.
const FROM: &[(&str, &str, f64, i64)] = &[
    ("US", "USD", 0.32, -5),
    ("GB", "GBP", 0.10, 0),
    ("SA", "SAR", 0.09, 3),
    ("AE", "AED", 0.08, 4),
    ("CA", "CAD", 0.08, -5),
    ("AU", "AUD", 0.07, 10),
    ("DE", "EUR", 0.06, 1),
    ("FR", "EUR", 0.05, 1),
    ("JP", "JPY", 0.05, 9),
    ("SG", "SGD", 0.04, 8),
    ("IT", "EUR", 0.03, 1),
    ("SE", "SEK", 0.015, 1),
    ("NO", "NOK", 0.015, 1),
];

// Country and share: the World Bank's large corridors, rounded.
const TO: &[(&str, f64)] = &[
    ("PH", 0.20),
    ("IN", 0.17),
    ("MX", 0.13),
    ("PK", 0.08),
    ("EG", 0.06),
    ("NG", 0.05),
    ("VN", 0.05),
    ("GT", 0.04),
    ("BD", 0.04),
    ("ID", 0.04),
    ("CO", 0.03),
    ("DO", 0.03),
    ("UA", 0.02),
    ("TH", 0.02),
    ("RO", 0.02),
    ("GH", 0.02),
];

/// Where planted buyers' money goes.
const BUYERS_TO: &[(&str, f64)] = &[
    ("PH", 0.6),
    ("TH", 0.12),
    ("CO", 0.1),
    ("DO", 0.08),
    ("RO", 0.05),
    ("UA", 0.05),
];

/// Generates transfers; the same recipe always gives the same data.
pub fn synthesize(recipe: &Recipe) -> GeneratedTransfers {
    let mut maker = Maker {
        // "obhut" in ASCII.
        rng: Rng(recipe.seed ^ 0x6f62_6875_7400_0000),
        recipe: *recipe,
        transfers: Vec::with_capacity(recipe.transfers as usize + 1_000),
        labels: Vec::new(),
        next_recipient: RECIPIENTS_FROM,
    };
    let senders = ((recipe.transfers as f64 / PER_SENDER) as u32).max(20);
    // 5 % of 20,000 senders: each charity is paid by about a thousand of them, at most.
    let charities = maker.fresh(1 + senders / 20_000);
    let planted = (f64::from(senders) * recipe.planted_per_100k / 100_000.0).round() as u32;
    // Few recipients for many buyers, so that buyers share them.
    let shared_pool = maker.fresh(8 + planted / 2);
    for sender in 0..senders {
        let label = if sender < planted {
            Some(
                [
                    "osec_many",
                    "osec_loyal",
                    "osec_many",
                    "osec_loyal",
                    "sext_victim",
                    "collector",
                ][sender as usize % 6],
            )
        } else {
            None
        };
        // Planted parties are spread among the others.
        let id = scatter(sender, senders);
        match label {
            Some("osec_many") => maker.buyer(id, true, &shared_pool),
            Some("osec_loyal") => maker.buyer(id, false, &shared_pool),
            Some("sext_victim") => maker.victim(id),
            Some(_) => maker.collector(senders),
            None => maker.background(id, &charities),
        }
        // A collector has a recipient's number, which `collector` has already labelled.
        if let Some(label) = label.filter(|l| *l != "collector") {
            maker.labels.push((id, label));
        }
    }
    let mut transfers = maker.transfers;
    // Equal times are ordered too: a transfer's index becomes its id, and the same recipe must give
    // the same file.
    transfers.sort_unstable_by_key(|t| (t.at_micros, t.sender, t.recipient, t.amount_minor));
    GeneratedTransfers {
        transfers,
        labels: maker.labels,
    }
}

/// The place of `n` in a permutation of `0..all`, so that a party's number says nothing about its
/// kind.
fn scatter(n: u32, all: u32) -> u32 {
    let step = (0..)
        .map(|k| all / 2 + k + 1)
        .find(|s| gcd(*s, all) == 1)
        .unwrap_or(1);
    ((u64::from(n) * u64::from(step) + 7) % u64::from(all)) as u32
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random number from 0 to below 1.
    fn share(&mut self) -> f64 {
        // 53 bits, as many as an f64 holds exactly.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    fn whole(&mut self, from: u32, to: u32) -> u32 {
        from + (self.next() % u64::from(to - from + 1)) as u32
    }

    fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Normally distributed, with mean 0 and standard deviation 1 (Box and Muller).
    fn normal(&mut self) -> f64 {
        // The logarithm of 0 is infinite.
        let u = self.share().max(1e-12);
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.share().max(1e-12).ln()
    }

    fn pick<'a, T>(&mut self, from: &'a [T], weight: impl Fn(&T) -> f64) -> &'a T {
        let all: f64 = from.iter().map(&weight).sum();
        let mut at = self.share() * all;
        for one in from {
            at -= weight(one);
            if at < 0.0 {
                return one;
            }
        }
        // Reached only through rounding: subtracting the weights may leave a little of their sum.
        &from[from.len() - 1]
    }
}

/// Where a sender lives and what it pays with.
#[derive(Clone, Copy)]
struct Home {
    from: Country,
    currency: Currency,
    hours_ahead: i64,
}

struct Maker {
    rng: Rng,
    recipe: Recipe,
    transfers: Vec<MadeTransfer>,
    labels: Vec<(u32, &'static str)>,
    next_recipient: u32,
}

impl Maker {
    fn fresh(&mut self, n: u32) -> std::ops::Range<u32> {
        let from = self.next_recipient;
        self.next_recipient += n;
        from..from + n
    }

    fn home(&mut self) -> Home {
        let (from, currency, _, hours_ahead) = self.rng.pick(FROM, |f| f.2);
        Home {
            from: Country::new(from.as_bytes()).expect("a country"),
            currency: Currency::new(currency.as_bytes()).expect("a currency"),
            hours_ahead: *hours_ahead,
        }
    }

    fn to(&mut self, table: &[(&str, f64)]) -> Country {
        let code = self.rng.pick(table, |t| t.1).0;
        Country::new(code.as_bytes()).expect("a country")
    }

    #[allow(clippy::too_many_arguments)]
    fn pay(
        &mut self,
        sender: u32,
        recipient: u32,
        home: Home,
        to: Country,
        day: f64,
        usd: f64,
        night: f64,
    ) {
        // A pattern may run past the end of the period; the data have only what is within it.
        if day < 0.0 || day >= self.recipe.days as f64 {
            return;
        }
        let hour = if self.rng.chance(night) {
            (22.0 + self.rng.between(0.0, 7.0)) % 24.0
        } else {
            // Most in the afternoon.
            7.0 + (self.rng.share() + self.rng.share()) / 2.0 * 15.0
        };
        let entry = home.currency.entry();
        let minor = entry.of_ref_cents((usd * 100.0).max(100.0)).max(1);
        // For planted and other parties alike: an even sum must not give a party away. 45 % is our
        // judgement.
        let even = self.rng.chance(0.45);
        let step = entry.even_minor;
        let amount_minor = if even && minor > step {
            (minor + step / 2) / step * step
        } else {
            minor
        };
        // Hours are drawn in the sender's local time; files carry UTC.
        let seconds = (day.floor() * 86_400.0) as i64
            + (hour * 3_600.0) as i64
            + i64::from(self.rng.whole(0, 59))
            - home.hours_ahead * 3_600;
        self.transfers.push(MadeTransfer {
            at_micros: self.recipe.first_day * DAY_MICROS + seconds * 1_000_000,
            amount_minor,
            sender,
            recipient,
            currency: home.currency,
            from: home.from,
            to,
        });
    }

    fn background(&mut self, sender: u32, charities: &std::ops::Range<u32>) {
        let home = self.home();
        let to = self.to(TO);
        let kind = self.rng.share();
        let days = self.recipe.days as f64;
        let (recipients, gap, spread, usd, sigma, night) = if kind < 0.62 {
            (
                self.rng.whole(1, 3),
                self.rng.between(14.0, 45.0),
                self.rng.between(0.03, 0.25),
                190.0,
                0.7,
                0.02,
            )
        } else if kind < 0.82 {
            (
                self.rng.whole(1, 5),
                self.rng.between(15.0, 70.0),
                self.rng.between(0.5, 1.1),
                150.0,
                0.8,
                0.05,
            )
        } else if kind < 0.94 {
            (
                self.rng.whole(1, 2),
                self.rng.between(7.0, 15.0),
                self.rng.between(0.05, 0.4),
                55.0,
                0.4,
                0.05,
            )
        } else if kind < 0.994 {
            (1, 30.4, 0.03, 25.0, 0.5, 0.02)
        } else {
            (
                self.rng.whole(15, 50),
                self.rng.between(1.5, 4.0),
                self.rng.between(0.5, 0.9),
                if self.rng.chance(0.33) { 45.0 } else { 450.0 },
                0.9,
                0.02,
            )
        };
        let charity = (0.94..0.994).contains(&kind);
        let own = if charity {
            let n = charities.end - charities.start;
            let one = charities.start + self.rng.whole(0, n - 1);
            one..one + 1
        } else {
            self.fresh(recipients)
        };
        // Lognormal: sums differ by a factor, not by an amount, and are never negative.
        let level = usd * (self.rng.normal() * sigma).exp();
        let inner = if charity {
            0.0
        } else {
            0.15 + 0.2 * self.rng.share()
        };
        let begin = if self.rng.chance(0.6) {
            0.0
        } else {
            self.rng.between(0.0, days * 0.8)
        };
        let mut day = begin + self.rng.between(0.0, gap);
        while day < days {
            let n = own.end - own.start;
            // The first recipient is paid most.
            let first = self.rng.chance(0.5);
            let recipient = own.start + if first { 0 } else { self.rng.whole(0, n - 1) };
            let amount = level * (self.rng.normal() * inner).exp();
            self.pay(sender, recipient, home, to, day, amount, night);
            // A normal deviate can turn a gap negative; time only moves forward.
            day += (gap * (1.0 + spread * self.rng.normal())).max(0.2);
        }
    }

    fn buyer(&mut self, sender: u32, many: bool, pool: &std::ops::Range<u32>) {
        let home = self.home();
        let to = self.to(BUYERS_TO);
        let days = self.recipe.days as f64;
        let recipients = if many {
            self.rng.whole(4, 40)
        } else {
            self.rng.whole(1, 3)
        };
        let own = self.fresh(recipients);
        let gap = if many {
            self.rng.between(5.0, 12.0)
        } else {
            self.rng.between(6.0, 15.0)
        };
        let level = if many { 48.0 } else { 42.0 } * (self.rng.normal() * 0.25).exp();
        let shared = if many { 0.33 } else { 0.25 };
        let begin = self.rng.between(0.0, days * 0.5);
        let end = begin + self.rng.between(60.0, days);
        let mut day = begin;
        while day < end.min(days) {
            let n = pool.end - pool.start;
            let recipient = if self.rng.chance(shared) {
                // Squared, so that a few recipients are paid by most buyers.
                pool.start + (self.rng.share().powi(2) * f64::from(n)) as u32
            } else {
                own.start + self.rng.whole(0, recipients - 1)
            };
            let amount = level * (self.rng.normal() * 0.55).exp();
            let night = self.recipe.night;
            self.pay(sender, recipient, home, to, day, amount, night);
            day += self.rng.exponential(gap).max(0.05);
        }
    }

    fn victim(&mut self, sender: u32) {
        let home = self.home();
        let to = self.to(&[("NG", 0.3), ("PH", 0.3), ("CI", 0.2), ("GH", 0.2)]);
        let recipient = self.fresh(1).start;
        let n = self.rng.whole(3, 11);
        let length = self.rng.between(1.0, 6.0);
        let begin = self.rng.between(5.0, self.recipe.days as f64 - 10.0);
        let first = self.rng.between(20.0, 200.0);
        let limit = self.rng.between(300.0, 1_500.0);
        let (mut amount, mut sum) = (first, 0.0);
        for k in 0..n {
            // At least three payments: fewer wouldn't be a series.
            if k > 2 && sum + amount > limit {
                break;
            }
            let day = begin + length * f64::from(k) / f64::from(n);
            self.pay(sender, recipient, home, to, day, amount, 0.1);
            sum += amount;
            amount *= self.rng.between(0.8, 1.6);
        }
    }

    fn collector(&mut self, senders: u32) {
        let party = self.fresh(1).start;
        self.labels.push((party, "collector"));
        let onward = self.fresh(1).start;
        let to = self.to(BUYERS_TO);
        let n = self.rng.whole(5, 25);
        // Twenty-five payments 0.9 days apart end within a period of 40 days or more. If `pay`
        // dropped one of them, `transfers.last()` below would be another party's.
        let begin = self.rng.between(10.0, self.recipe.days as f64 - 40.0);
        let collector_home = Home {
            from: to,
            currency: Currency::new(b"USD").expect("a currency"),
            hours_ahead: 0,
        };
        for k in 0..n {
            let home = self.home();
            // New payers, without any other history.
            let payer = senders + (party - RECIPIENTS_FROM) % 1_000_000 * 32 + k;
            let day = (begin + f64::from(k) * 0.9).floor();
            let usd = self.rng.between(40.0, 110.0);
            self.pay(payer, party, home, to, day, usd, 0.1);
            let pass_on = usd * self.rng.between(0.96, 1.0);
            let at = self.transfers.last().map_or(0, |t| t.at_micros);
            self.pay(party, onward, collector_home, to, day, pass_on, 0.0);
            // Passed on within 1 to 18 hours, whatever the time zones.
            if let Some(last) = self.transfers.last_mut() {
                last.at_micros = at + i64::from(self.rng.whole(1, 18)) * 3_600_000_000;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_recipe_makes_the_same_and_plants_what_it_says() {
        // Two per cent planted: all four kinds occur among some 1,800 senders.
        let recipe = Recipe {
            transfers: 20_000,
            planted_per_100k: 2_000.0,
            ..Recipe::default()
        };
        let (a, b) = (synthesize(&recipe), synthesize(&recipe));
        assert_eq!(a.transfers, b.transfers);
        assert!(
            (15_000..30_000).contains(&a.transfers.len()),
            "{}",
            a.transfers.len()
        );
        assert!(
            a.transfers
                .windows(2)
                .all(|w| w[0].at_micros <= w[1].at_micros)
        );
        for label in ["osec_many", "osec_loyal", "sext_victim", "collector"] {
            assert!(a.labels.iter().any(|l| l.1 == label), "{label}");
        }
        let other = synthesize(&Recipe { seed: 2, ..recipe });
        assert_ne!(a.transfers, other.transfers);
    }
}
