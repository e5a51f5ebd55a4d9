//! What may be changed without a new version: thresholds, price bands, which indicators are on, and
//! the lowest score of an alert.

use crate::countries::hour;
use crate::currencies::{Band, CURRENCIES, Currency};
use crate::indicators::{self, Unit};
use crate::{Event, Transfer};

/// Thresholds, bands and switches, resolved to numbers, so that no name is looked up per transfer.
#[derive(Clone, Debug)]
pub struct Policy {
    /// For each indicator of [`indicators::ALL`], its thresholds in their order; sums of money in
    /// US cents at the reference rate.
    pub(crate) values: Vec<Vec<f64>>,
    enabled: Vec<bool>,
    bands: Vec<Band>,
    small_ref_cents: u32,
    /// Lowest score that makes an alert about a suspect, 0 to 100; possible victims are always
    /// reported.
    pub score_min: f64,
    /// Whether the sender's age is read, by S10, X01, X03 and X04. A protected attribute: off
    /// unless an operator turns it on. Nothing reads the sex, despite the name.
    pub age_and_sex: bool,
}

/// Why a change can't be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyFault {
    /// The change that was asked for: an indicator, a threshold or a band.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl std::fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.what, self.remedy)
    }
}

impl std::error::Error for PolicyFault {}

impl Default for Policy {
    fn default() -> Self {
        let values = indicators::ALL
            .iter()
            .map(|i| {
                i.thresholds
                    .iter()
                    .map(|t| resolve(t.value, t.unit))
                    .collect()
            })
            .collect();
        let mut policy = Self {
            values,
            enabled: indicators::ALL.iter().map(|i| i.on).collect(),
            bands: (0..CURRENCIES.len())
                .filter_map(|n| Currency::from_number(n as u8))
                .map(Band::of)
                .collect(),
            small_ref_cents: 0,
            score_min: 50.0,
            age_and_sex: false,
        };
        policy.recompute();
        policy
    }
}

impl Policy {
    /// Sets [`Self::score_min`]; the value isn't checked.
    #[must_use]
    pub fn with_score_min(mut self, score: f64) -> Self {
        self.score_min = score;
        self
    }

    /// Switches an indicator off, or on; ids as in the published table (`S06`), in either case. S10
    /// also switches [`Self::age_and_sex`], which X01, X03 and X04 read.
    ///
    /// # Errors
    /// Unknown indicator.
    pub fn switch(&mut self, id: &str, on: bool) -> Result<(), PolicyFault> {
        let at = indicators::place(id).ok_or_else(|| unknown(id))?;
        self.enabled[at] = on;
        // S10 is the consent to read age: X01, X03 and X04 read it under the same flag.
        if indicators::ALL[at].id == "S10" {
            self.age_and_sex = on;
        }
        Ok(())
    }

    /// Changes a threshold: `S03.median`, in the unit that the indicator states. S01.small,
    /// S06.from and S06.until apply only to events made afterwards: they set flags of an [`Event`].
    ///
    /// # Errors
    /// No dot in the name, an unknown indicator or threshold, or a value outside 0 to 1e12.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), PolicyFault> {
        let (id, threshold) = name.split_once('.').ok_or_else(|| PolicyFault {
            what: name.into(),
            remedy: "write INDICATOR.THRESHOLD, for example S03.median".into(),
        })?;
        let at = indicators::place(id).ok_or_else(|| unknown(id))?;
        let thresholds = indicators::ALL[at].thresholds;
        let Some(t) = thresholds.iter().position(|t| t.name == threshold) else {
            let names: Vec<&str> = thresholds.iter().map(|t| t.name).collect();
            return Err(PolicyFault {
                what: name.into(),
                remedy: format!("{id} has: {}", names.join(", ")),
            });
        };
        // Refuses NaN as well: `value < 0.0` would let it through.
        if !(0.0..=1e12).contains(&value) {
            return Err(PolicyFault {
                what: name.into(),
                remedy: "give a number from 0 to 1e12".into(),
            });
        }
        self.values[at][t] = resolve(value, thresholds[t].unit);
        self.recompute();
        Ok(())
    }

    /// Changes the price band of a currency, for events made afterwards.
    ///
    /// # Errors
    /// The lower end isn't positive, or is above the upper end.
    pub fn set_band(&mut self, currency: Currency, band: Band) -> Result<(), PolicyFault> {
        if band.low_minor <= 0 || band.high_minor < band.low_minor {
            return Err(PolicyFault {
                what: format!("band of {}", currency.code()),
                remedy: "the lower end must be positive and not above the upper end".into(),
            });
        }
        self.bands[usize::from(currency.number())] = band;
        Ok(())
    }

    /// The price band of a currency.
    pub fn band(&self, currency: Currency) -> Band {
        self.bands[usize::from(currency.number())]
    }

    /// True when the indicator at that index of [`indicators::ALL`] is on.
    ///
    /// # Panics
    /// The index is out of bounds.
    pub fn speaks(&self, place: usize) -> bool {
        self.enabled[place]
    }

    /// What S01 calls small, in US cents.
    pub(crate) fn small_ref_cents(&self) -> u32 {
        self.small_ref_cents
    }

    /// True for a transfer made late in the evening or at night by the clock of its sender.
    pub(crate) fn is_night(&self, t: &Transfer) -> bool {
        // An offset in the record is exact; the country's is that of its most populous zone.
        let local = match t.zone_minutes {
            Some(minutes) => hour(t.at_micros + i64::from(minutes) * 60_000_000),
            None => t.from.local_hour(t.at_micros),
        };
        let night = &self.values[indicators::S06_PLACE];
        let (from, until) = (night[NIGHT_FROM] as u8, night[NIGHT_UNTIL] as u8);
        // 22 to 5 passes midnight; a policy may also set hours that do not.
        if from <= until {
            (from..until).contains(&local)
        } else {
            local >= from || local < until
        }
    }

    /// The [`Event`] flags of a transfer; both sides have the same.
    pub fn flags(&self, t: &Transfer) -> u16 {
        Event::of(t, self).0.flags
    }

    fn recompute(&mut self) {
        self.small_ref_cents = self.values[indicators::S01_PLACE][SMALL] as u32;
    }
}

/// Indices of the thresholds that every transfer is compared with when its event is made.
const NIGHT_FROM: usize = indicators::at(indicators::ALL[indicators::S06_PLACE].thresholds, "from");
const NIGHT_UNTIL: usize =
    indicators::at(indicators::ALL[indicators::S06_PLACE].thresholds, "until");
const SMALL: usize = indicators::at(indicators::ALL[indicators::S01_PLACE].thresholds, "small");

fn resolve(value: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Money(code) => {
            let entry = Currency::new(code.as_bytes()).expect("a currency").entry();
            let minor = value * 10f64.powi(entry.digits as i32);
            // The same conversion as for amounts, so that equal sums compare as equal.
            f64::from(entry.to_ref_cents(minor.round() as i64))
        }
        _ => value,
    }
}

fn unknown(id: &str) -> PolicyFault {
    let ids: Vec<&str> = indicators::ALL.iter().map(|i| i.id).collect();
    PolicyFault {
        what: id.into(),
        remedy: format!("unknown indicator; use one of {}", ids.join(", ")),
    }
}
