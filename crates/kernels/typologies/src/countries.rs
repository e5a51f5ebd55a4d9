//! Countries: two letters, a clock, and the published lists of risk corridors.

use crate::DAY_MICROS;

/// An ISO 3166-1 alpha-2 code as a number; 0 is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Country(u16);

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.code())
    }
}

impl Country {
    /// Not known.
    pub const UNKNOWN: Country = Country(0);

    /// From two capital letters, otherwise `None`. Whether ISO 3166-1 assigns the code isn't
    /// checked.
    pub const fn new(code: &[u8]) -> Option<Country> {
        match code {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => {
                Some(Country((*a - b'A') as u16 * 26 + (*b - b'A') as u16 + 1))
            }
            _ => None,
        }
    }

    /// The two letters; empty where unknown.
    pub fn code(self) -> String {
        let Some(n) = self.0.checked_sub(1) else {
            return String::new();
        };
        [n / 26, n % 26]
            .iter()
            .map(|x| char::from(b'A' + *x as u8))
            .collect()
    }

    /// A number below [`Self::COUNT`].
    pub fn number(self) -> u16 {
        self.0
    }

    /// How many numbers there are.
    pub const COUNT: usize = 26 * 26 + 1;

    /// From a number that [`Self::number`] gave; unknown otherwise.
    pub fn from_number(number: u16) -> Country {
        if usize::from(number) < Self::COUNT {
            Country(number)
        } else {
            Country::UNKNOWN
        }
    }

    /// True when a published list of [`RISK_CORRIDORS`] names it as a destination.
    pub fn in_risk_list(self) -> bool {
        // Asked for every transfer, so the lists are searched at compile time.
        const RISK: [bool; Country::COUNT] = {
            let mut table = [false; Country::COUNT];
            let mut l = 0;
            while l < RISK_CORRIDORS.len() {
                let mut c = 0;
                while c < RISK_CORRIDORS[l].countries.len() {
                    if let Some(country) = Country::new(RISK_CORRIDORS[l].countries[c].as_bytes()) {
                        table[country.0 as usize] = true;
                    }
                    c += 1;
                }
                l += 1;
            }
            table
        };
        RISK[usize::from(self.0)]
    }

    /// Local hour, 0 to 23, of a moment. A country with several zones has the one of its capital or
    /// of most people. Summer time follows the 2025 rules of Europe (applied to Israel and Lebanon too), North
    /// America, Australia and New Zealand; no other rules are applied (Chile, Egypt: an hour off in
    /// summer).
    pub fn local_hour(self, at_micros: i64) -> u8 {
        // A country that is missing in ZONES has 0 here: its hours are those of UTC.
        let (minutes, summer) = ZONE[usize::from(self.0)];
        let at = at_micros + i64::from(minutes) * 60_000_000;
        let summer = summer.holds(at.div_euclid(DAY_MICROS));
        hour(at + if summer { 3_600_000_000 } else { 0 })
    }
}

/// Hour, 0 to 23, of a moment.
pub(crate) fn hour(at_micros: i64) -> u8 {
    (at_micros.rem_euclid(DAY_MICROS) / 3_600_000_000) as u8
}

/// Destinations of high risk that a financial intelligence unit has published. Indicator S11 gives
/// the share of payments to them; it isn't part of the score.
#[derive(Debug)]
pub struct RiskList {
    /// Who published it; `(secondary)` if it was taken from another's report of it.
    pub source: &'static str,
    /// Year and month.
    pub date: &'static str,
    /// ISO 3166-1 alpha-2.
    pub countries: &'static [&'static str],
}

/// Published lists, newest first.
pub const RISK_CORRIDORS: &[RiskList] = &[
    RiskList {
        source: "FINTRAC operational alert (secondary)",
        date: "2025-11",
        countries: &["PH", "TH", "DO", "CO", "MX"],
    },
    RiskList {
        source: "FINTRAC operational alert (secondary)",
        date: "2020-12",
        countries: &["PH", "TH", "CO", "US", "GH", "UA", "DO", "RO", "JM", "RU"],
    },
];

/// Period of daylight saving time.
#[derive(Clone, Copy)]
enum Summer {
    Never,
    /// Last Sunday of March to last Sunday of October.
    Europe,
    /// Second Sunday of March to first Sunday of November.
    America,
    /// First Sunday of October to first Sunday of April.
    Australia,
    /// Last Sunday of September to first Sunday of April.
    NewZealand,
}

impl Summer {
    /// Exact to the day; the hour of the change is ignored.
    fn holds(self, day: i64) -> bool {
        if matches!(self, Summer::Never) {
            return false;
        }
        let year = year_of(day);
        match self {
            Summer::Never => false,
            Summer::Europe => (last_sunday(year, 3)..last_sunday(year, 10)).contains(&day),
            Summer::America => (sunday(year, 3, 2)..sunday(year, 11, 1)).contains(&day),
            // South of the equator summer spans the new year: two ranges of one calendar year.
            Summer::Australia => day >= sunday(year, 10, 1) || day < sunday(year, 4, 1),
            Summer::NewZealand => day >= last_sunday(year, 9) || day < sunday(year, 4, 1),
        }
    }
}

/// Days since 1970 of a date (Howard Hinnant, chrono-compatible low-level date algorithms).
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn year_of(day: i64) -> i64 {
    // A year that is never too late, before 1970 either; the search only goes up.
    let guess = 1970 + day.div_euclid(366).min(day.div_euclid(365));
    (guess..)
        .find(|y| day < day_of(y + 1, 1, 1))
        .unwrap_or(guess)
}

/// Sunday is 0; 1970-01-01 was a Thursday.
fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

fn sunday(year: i64, month: i64, nth: i64) -> i64 {
    let first = day_of(year, month, 1);
    first + (7 - weekday(first)) % 7 + 7 * (nth - 1)
}

fn last_sunday(year: i64, month: i64) -> i64 {
    let last = if month == 12 {
        day_of(year + 1, 1, 1)
    } else {
        day_of(year, month + 1, 1)
    } - 1;
    last - weekday(last)
}

// Minutes from UTC without summer time; a country that is missing gets UTC.
const ZONES: &[(i16, Summer, &str)] = &[
    (-600, Summer::Never, "PF CK"),
    (-360, Summer::Never, "CR GT HN NI SV BZ MX"),
    (-300, Summer::America, "US CA BS CU HT"),
    (-300, Summer::Never, "CO PE PA JM KY EC"),
    (
        -240,
        Summer::Never,
        "DO PR VE BO GY TT BB AG LC VC GD DM KN AW CW CL",
    ),
    (-180, Summer::Never, "BR AR UY SR GF PY"),
    (0, Summer::Europe, "GB IE PT"),
    (0, Summer::Never, "GH CI SN ML BF TG GM GN SL LR MR IS"),
    (
        60,
        Summer::Europe,
        "DE FR IT ES NL BE LU AT CH LI MC PL CZ SK HU SI HR BA RS ME MK AL XK SE NO DK MT AD SM VA",
    ),
    (
        60,
        Summer::Never,
        "NG CM MA DZ TN AO BJ NE TD GA CG CD CF GQ",
    ),
    (120, Summer::Europe, "FI EE LV LT RO BG GR CY UA MD IL LB"),
    (
        120,
        Summer::Never,
        "ZA EG LY SD ZW ZM MZ MW BW NA RW BI LS SZ SS",
    ),
    (
        180,
        Summer::Never,
        "RU TR SA KW QA BH IQ KE TZ UG ET SO DJ ER MG YE JO SY BY",
    ),
    (210, Summer::Never, "IR"),
    (240, Summer::Never, "AE OM GE AM AZ MU SC RE"),
    (270, Summer::Never, "AF"),
    (300, Summer::Never, "PK UZ TM TJ MV KZ"),
    (330, Summer::Never, "IN LK"),
    (345, Summer::Never, "NP"),
    (360, Summer::Never, "BD BT KG"),
    (390, Summer::Never, "MM"),
    (420, Summer::Never, "TH VN KH LA ID"),
    (480, Summer::Never, "PH CN HK MO TW SG MY BN MN"),
    (540, Summer::Never, "JP KR KP TL PW"),
    (600, Summer::Australia, "AU"),
    (600, Summer::Never, "PG GU"),
    (720, Summer::NewZealand, "NZ"),
    (720, Summer::Never, "FJ TV MH KI"),
    (780, Summer::Never, "TO WS"),
];

static ZONE: [(i16, Summer); Country::COUNT] = {
    let mut table = [(0, Summer::Never); Country::COUNT];
    let mut z = 0;
    while z < ZONES.len() {
        let (minutes, summer, codes) = ZONES[z];
        let codes = codes.as_bytes();
        let mut at = 0;
        while at + 1 < codes.len() {
            if let Some(country) = Country::new(&[codes[at], codes[at + 1]]) {
                table[country.0 as usize] = (minutes, summer);
            }
            at += 3;
        }
        z += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn check(country: &str, utc: i64, want: u8) {
        let got = Country::new(country.as_bytes())
            .unwrap()
            .local_hour(utc * 1_000_000);
        assert_eq!(got, want, "{country} at {utc}");
    }

    #[test]
    fn clocks_follow_summer_time() {
        // 2025-01-15 12:00 UTC and 2025-07-15 12:00 UTC.
        let (winter, summer) = (1_736_942_400, 1_752_580_800);
        check("DE", winter, 13);
        check("DE", summer, 14);
        check("US", winter, 7);
        check("US", summer, 8);
        // January is summer in Sydney: UTC plus 11.
        check("AU", winter, 23);
        check("AU", summer, 22);
        check("PH", winter, 20);
        check("IN", winter, 17);
        // Ecuador: the mainland. Paraguay: the rule since October 2024. South Sudan: the rule since
        // February 2021. Earlier moments in the last two are an hour off.
        check("EC", winter, 7);
        check("PY", winter, 9);
        check("SS", winter, 14);
        // Not in ZONES: UTC.
        check("ZZ", winter, 12);
        // The days around the change in Germany, 2025-03-30.
        check("DE", 1_743_249_600, 13); // 29th, 12:00
        check("DE", 1_743_336_000, 14); // 30th, 12:00
    }

    #[test]
    fn two_letters_come_back() {
        assert_eq!(Country::new(b"PH").unwrap().code(), "PH");
        assert_eq!(Country::new(b"ph"), None);
        assert_eq!(Country::UNKNOWN.code(), "");
    }
}
