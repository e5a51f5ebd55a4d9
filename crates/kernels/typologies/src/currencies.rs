//! Currencies: minor units, reference rates, even amounts, and the price bands of live-streamed
//! abuse.
//!
//! Rates serve to compare amounts in different currencies, with published thresholds and with each
//! other. An alert shows each transfer in its own currency; only the sentences that say why an
//! indicator fired give medians and sums in US dollars.

/// Month of the reference rates. They are rounded; comparing with a threshold needs no more
/// precision. Where an official rate and the market's differ widely (as for CUP, IRR, KPW and MMK), it is the
/// official one.
pub const RATES_AS_OF: &str = "2025-07";

/// A currency of ISO 4217, as its place in [`CURRENCIES`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u8);

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl Currency {
    /// From three capital letters; `None` if [`CURRENCIES`] doesn't have the code.
    pub fn new(code: &[u8]) -> Option<Currency> {
        let [a @ b'A'..=b'Z', b @ b'A'..=b'Z', c @ b'A'..=b'Z'] = code else {
            return None;
        };
        match PLACES[letters(*a, *b, *c)] {
            0 => None,
            place => Some(Currency(place - 1)),
        }
    }

    /// Its entry.
    pub fn entry(self) -> &'static CurrencyEntry {
        &CURRENCIES[usize::from(self.0)]
    }

    /// Three letters.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// Its place in [`CURRENCIES`].
    pub fn number(self) -> u8 {
        self.0
    }

    /// From a number that [`Self::number`] gave.
    pub fn from_number(number: u8) -> Option<Currency> {
        (usize::from(number) < CURRENCIES.len()).then_some(Currency(number))
    }
}

/// What is known of a currency.
#[derive(Debug)]
pub struct CurrencyEntry {
    /// Three letters, ISO 4217.
    pub code: &'static str,
    /// Digits after the decimal point: 2 for cents.
    pub digits: u32,
    /// Units for one US dollar, rounded; see [`RATES_AS_OF`].
    pub per_usd: f64,
    /// An amount is even when it is a multiple of this, in minor units.
    pub even_minor: i64,
    /// US cents per minor unit.
    ref_cents_each: f64,
}

impl CurrencyEntry {
    /// Minor units as US cents at the reference rate, rounded; from 0 to `u32::MAX`.
    pub fn to_ref_cents(&self, minor: i64) -> u32 {
        // The cast saturates: a huge amount must not wrap to a small one.
        (minor as f64 * self.ref_cents_each + 0.5) as u32
    }

    /// US cents as minor units at the reference rate, rounded.
    pub fn of_ref_cents(&self, cents: f64) -> i64 {
        (cents / self.ref_cents_each).round() as i64
    }

    /// True for a multiple of [`Self::even_minor`]: EUR 55.00, but neither EUR 51.00 nor EUR 51.30.
    pub fn is_even(&self, minor: i64) -> bool {
        minor % self.even_minor == 0
    }
}

/// The range of amounts in which live-streamed abuse is paid for, in minor units, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Band {
    /// From.
    pub low_minor: i64,
    /// Up to.
    pub high_minor: i64,
    /// Who published it.
    pub source: &'static str,
    /// Year and, where known, month.
    pub date: &'static str,
}

impl Band {
    /// True if the amount is within the band.
    pub fn holds(&self, minor: i64) -> bool {
        (self.low_minor..=self.high_minor).contains(&minor)
    }

    /// The default band of a currency: the published one, otherwise FATF's EUR 10 to 200 at the
    /// reference rate. A policy may set another.
    pub fn of(currency: Currency) -> Band {
        let entry = currency.entry();
        let units = 10i64.pow(entry.digits);
        if let Some((_, low, high, source, date)) =
            BANDS.iter().find(|(code, ..)| *code == entry.code)
        {
            return Band {
                low_minor: low * units,
                high_minor: high * units,
                source,
                date,
            };
        }
        let euro = Currency::new(b"EUR").expect("a currency").entry();
        let at_rate = |euros: i64| entry.of_ref_cents(f64::from(euro.to_ref_cents(euros * 100)));
        Band {
            low_minor: at_rate(10),
            high_minor: at_rate(200),
            source: "FATF 2025, EUR 10-200 at the reference rate (proposal)",
            date: "2025",
        }
    }
}

/// Published bands: currency, lower and upper limit in whole units, source, date.
const BANDS: &[(&str, i64, i64, &str, &str)] = &[
    (
        "AUD",
        10,
        390,
        "AUSTRAC from 10; AIC T&I 589 up to 390",
        "2020 to 2025-11",
    ),
    (
        "EUR",
        10,
        200,
        "FATF live-streamed abuse (quoted by others)",
        "2025",
    ),
    (
        "GBP",
        10,
        175,
        "Child Rescue Coalition from GBP 10; FATF EUR 200 at the reference rate, rounded up",
        "2025",
    ),
    (
        "PHP",
        1_000,
        10_000,
        "AMLC, 81 % of reported remittances",
        "2020",
    ),
    (
        "SEK",
        90,
        2_000,
        "ECPAT Sweden from 90; FATF EUR 200, rounded down",
        "2024",
    ),
    (
        "USD",
        10,
        200,
        "AMLC up to USD 200; Chainalysis from 10",
        "2020",
    ),
];

const fn entry(code: &'static str, digits: u32, per_usd: f64, even_minor: i64) -> CurrencyEntry {
    let mut minor_per_unit = 1.0;
    let mut d = 0;
    while d < digits {
        minor_per_unit *= 10.0;
        d += 1;
    }
    CurrencyEntry {
        code,
        digits,
        per_usd,
        even_minor,
        ref_cents_each: 100.0 / (per_usd * minor_per_unit),
    }
}

const fn letters(a: u8, b: u8, c: u8) -> usize {
    ((a - b'A') as usize * 26 + (b - b'A') as usize) * 26 + (c - b'A') as usize
}

/// For every three-letter code its index in [`CURRENCIES`] plus one, or 0 if it isn't there.
static PLACES: [u8; 26 * 26 * 26] = {
    let mut places = [0; 26 * 26 * 26];
    let mut n = 0;
    while n < CURRENCIES.len() {
        let code = CURRENCIES[n].code.as_bytes();
        // With a 256th currency this overflows and the build fails.
        places[letters(code[0], code[1], code[2])] = n as u8 + 1;
        n += 1;
    }
    places
};

/// ISO 4217, in alphabetical order, without funds, units of account, metals, test codes and VED.
///
/// Trap: journals of live transfers store the index ([`Currency::number`]). An entry inserted here
/// shifts the indices after it, and older journals then name other currencies.
pub const CURRENCIES: &[CurrencyEntry] = &[
    // Last column: the smallest of 5, 50, 500, ... units that is worth a US dollar or more.
    entry("AED", 2, 3.67, 500),
    entry("AFN", 2, 70.0, 50000),
    entry("ALL", 2, 85.0, 50000),
    entry("AMD", 2, 385.0, 50000),
    entry("AOA", 2, 915.0, 500000),
    entry("ARS", 2, 1300.0, 500000),
    entry("AUD", 2, 1.53, 500),
    entry("AWG", 2, 1.79, 500),
    entry("AZN", 2, 1.7, 500),
    entry("BAM", 2, 1.68, 500),
    entry("BBD", 2, 2.0, 500),
    entry("BDT", 2, 122.0, 50000),
    entry("BGN", 2, 1.68, 500),
    entry("BHD", 3, 0.376, 5000),
    entry("BIF", 0, 2970.0, 5000),
    entry("BMD", 2, 1.0, 500),
    entry("BND", 2, 1.28, 500),
    entry("BOB", 2, 6.91, 5000),
    entry("BRL", 2, 5.5, 5000),
    entry("BSD", 2, 1.0, 500),
    entry("BTN", 2, 87.0, 50000),
    entry("BWP", 2, 13.5, 5000),
    entry("BYN", 2, 3.27, 500),
    entry("BZD", 2, 2.0, 500),
    entry("CAD", 2, 1.37, 500),
    entry("CDF", 2, 2880.0, 500000),
    entry("CHF", 2, 0.8, 500),
    entry("CLP", 0, 950.0, 5000),
    entry("CNY", 2, 7.15, 5000),
    entry("COP", 2, 4050.0, 500000),
    entry("CRC", 2, 506.0, 500000),
    entry("CUP", 2, 24.0, 5000),
    entry("CVE", 2, 94.0, 50000),
    entry("CZK", 2, 21.0, 5000),
    entry("DJF", 0, 178.0, 500),
    entry("DKK", 2, 6.4, 5000),
    entry("DOP", 2, 60.0, 50000),
    entry("DZD", 2, 130.0, 50000),
    entry("EGP", 2, 48.5, 5000),
    entry("ERN", 2, 15.0, 5000),
    entry("ETB", 2, 138.0, 50000),
    entry("EUR", 2, 0.86, 500),
    entry("FJD", 2, 2.25, 500),
    entry("FKP", 2, 0.74, 500),
    entry("GBP", 2, 0.74, 500),
    entry("GEL", 2, 2.71, 500),
    entry("GHS", 2, 11.0, 5000),
    entry("GIP", 2, 0.74, 500),
    entry("GMD", 2, 71.0, 50000),
    entry("GNF", 0, 8650.0, 50000),
    entry("GTQ", 2, 7.68, 5000),
    entry("GYD", 2, 209.0, 50000),
    entry("HKD", 2, 7.83, 5000),
    entry("HNL", 2, 26.0, 5000),
    entry("HTG", 2, 131.0, 50000),
    entry("HUF", 2, 342.0, 50000),
    entry("IDR", 2, 16300.0, 5000000),
    entry("ILS", 2, 3.38, 500),
    entry("INR", 2, 87.0, 50000),
    entry("IQD", 3, 1310.0, 5000000),
    entry("IRR", 2, 42000.0, 5000000),
    entry("ISK", 0, 122.0, 500),
    entry("JMD", 2, 160.0, 50000),
    entry("JOD", 3, 0.709, 5000),
    entry("JPY", 0, 148.0, 500),
    entry("KES", 2, 129.0, 50000),
    entry("KGS", 2, 87.0, 50000),
    entry("KHR", 2, 4010.0, 500000),
    entry("KMF", 0, 422.0, 500),
    entry("KPW", 2, 900.0, 500000),
    entry("KRW", 0, 1390.0, 5000),
    entry("KWD", 3, 0.306, 5000),
    entry("KYD", 2, 0.833, 500),
    entry("KZT", 2, 535.0, 500000),
    entry("LAK", 2, 21600.0, 5000000),
    entry("LBP", 2, 89500.0, 50000000),
    entry("LKR", 2, 301.0, 50000),
    entry("LRD", 2, 200.0, 50000),
    entry("LSL", 2, 17.7, 5000),
    entry("LYD", 3, 5.42, 50000),
    entry("MAD", 2, 9.0, 5000),
    entry("MDL", 2, 16.8, 5000),
    entry("MGA", 2, 4430.0, 500000),
    entry("MKD", 2, 53.0, 50000),
    entry("MMK", 2, 2100.0, 500000),
    entry("MNT", 2, 3590.0, 500000),
    entry("MOP", 2, 8.06, 5000),
    entry("MRU", 2, 40.0, 5000),
    entry("MUR", 2, 45.6, 5000),
    entry("MVR", 2, 15.4, 5000),
    entry("MWK", 2, 1734.0, 500000),
    entry("MXN", 2, 18.7, 5000),
    entry("MYR", 2, 4.22, 500),
    entry("MZN", 2, 63.9, 50000),
    entry("NAD", 2, 17.7, 5000),
    entry("NGN", 2, 1530.0, 500000),
    entry("NIO", 2, 36.8, 5000),
    entry("NOK", 2, 10.1, 5000),
    entry("NPR", 2, 139.0, 50000),
    entry("NZD", 2, 1.68, 500),
    entry("OMR", 3, 0.385, 5000),
    entry("PAB", 2, 1.0, 500),
    entry("PEN", 2, 3.54, 500),
    entry("PGK", 2, 4.2, 500),
    entry("PHP", 2, 57.0, 50000),
    entry("PKR", 2, 283.0, 50000),
    entry("PLN", 2, 3.65, 500),
    entry("PYG", 0, 7300.0, 50000),
    entry("QAR", 2, 3.64, 500),
    entry("RON", 2, 4.35, 500),
    entry("RSD", 2, 101.0, 50000),
    entry("RUB", 2, 80.0, 50000),
    entry("RWF", 0, 1445.0, 5000),
    entry("SAR", 2, 3.75, 500),
    entry("SBD", 2, 8.3, 5000),
    entry("SCR", 2, 14.5, 5000),
    entry("SDG", 2, 600.0, 500000),
    entry("SEK", 2, 9.5, 5000),
    entry("SGD", 2, 1.28, 500),
    entry("SHP", 2, 0.74, 500),
    entry("SLE", 2, 23.0, 5000),
    entry("SOS", 2, 571.0, 500000),
    entry("SRD", 2, 38.0, 5000),
    entry("SSP", 2, 4500.0, 500000),
    entry("STN", 2, 21.0, 5000),
    entry("SVC", 2, 8.75, 5000),
    entry("SYP", 2, 13000.0, 5000000),
    entry("SZL", 2, 17.7, 5000),
    entry("THB", 2, 32.4, 5000),
    entry("TJS", 2, 9.5, 5000),
    entry("TMT", 2, 3.5, 500),
    entry("TND", 3, 2.9, 5000),
    entry("TOP", 2, 2.37, 500),
    entry("TRY", 2, 41.0, 5000),
    entry("TTD", 2, 6.78, 5000),
    entry("TWD", 2, 30.0, 5000),
    entry("TZS", 2, 2500.0, 500000),
    entry("UAH", 2, 41.4, 5000),
    entry("UGX", 0, 3560.0, 5000),
    entry("USD", 2, 1.0, 500),
    entry("UYU", 2, 40.0, 5000),
    entry("UZS", 2, 12500.0, 5000000),
    entry("VES", 2, 140.0, 50000),
    entry("VND", 0, 26200.0, 50000),
    entry("VUV", 0, 119.0, 500),
    entry("WST", 2, 2.75, 500),
    entry("XAF", 0, 564.0, 5000),
    entry("XCD", 2, 2.7, 500),
    entry("XCG", 2, 1.79, 500),
    entry("XOF", 0, 564.0, 5000),
    entry("XPF", 0, 103.0, 500),
    entry("YER", 2, 240.0, 50000),
    entry("ZAR", 2, 17.7, 5000),
    entry("ZMW", 2, 23.3, 5000),
    entry("ZWG", 2, 26.8, 5000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_sane() {
        assert!(CURRENCIES.windows(2).all(|w| w[0].code < w[1].code));
        for (n, e) in CURRENCIES.iter().enumerate() {
            let c = Currency::new(e.code.as_bytes()).unwrap();
            assert_eq!(usize::from(c.number()), n);
            let band = Band::of(c);
            assert!(
                0 < band.low_minor && band.low_minor < band.high_minor,
                "{}",
                e.code
            );
            assert!(e.per_usd > 0.0 && e.even_minor > 0, "{}", e.code);
        }
        assert_eq!(Currency::new(b"EUX"), None);
        assert_eq!(Currency::new(b"usd"), None);
    }

    #[test]
    fn yen_have_no_decimals_and_dinars_have_three() {
        let of = |code: &[u8], minor| Currency::new(code).unwrap().entry().to_ref_cents(minor);
        // 148 yen to the dollar and no hundredths: 1480 are ten dollars.
        assert_eq!(of(b"JPY", 1480), 1000);
        assert_eq!(of(b"KWD", 306), 100);
        assert_eq!(of(b"USD", 100), 100);
        assert_eq!(of(b"USD", i64::MAX), u32::MAX);
    }
}
