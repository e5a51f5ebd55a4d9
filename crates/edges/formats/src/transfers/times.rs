//! Parses timestamps.

/// A moment, and what its text says about the time zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Microseconds since 1970, UTC.
    pub at_micros: i64,
    /// Offset from UTC in minutes; `None` if the text has none or it is zero.
    pub zone_minutes: Option<i16>,
    /// True if the text has no zone; it is then read as UTC.
    pub zone_missing: bool,
}

/// Parses ISO 8601 (`2026-03-01T22:41:00+01:00`, a blank for the T, a date alone), or seconds,
/// milliseconds, microseconds or nanoseconds since 1970, distinguished by the number of digits.
/// Seconds before March 1973 have too few digits.
///
/// # Errors
/// The text is none of these.
pub fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    iso(text.as_bytes())
        .or_else(|| epoch(text))
        .ok_or_else(|| "isn't a date; write 2026-03-01T22:41:00Z".to_owned())
}

fn epoch(text: &str) -> Option<Moment> {
    let digits = text.len();
    let value: i64 = text
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())??;
    Some(Moment {
        at_micros: of_epoch(value, digits)?,
        zone_minutes: None,
        zone_missing: false,
    })
}

/// Converts a Unix timestamp in seconds, milliseconds, microseconds or nanoseconds to microseconds.
/// The number of digits gives the unit; `None` if it fits none or two.
pub(crate) fn of_epoch(value: i64, digits: usize) -> Option<i64> {
    // 11, 14 and 17 digits would fit two units, before 1974 in one and after 2286 in the other.
    match digits {
        9..=10 => value.checked_mul(1_000_000),
        12..=13 => value.checked_mul(1_000),
        15..=16 => Some(value),
        18..=19 => Some(value / 1_000),
        _ => None,
    }
}

fn iso(b: &[u8]) -> Option<Moment> {
    let number = |from: usize, to: usize| -> Option<i64> {
        b.get(from..to)?.iter().try_fold(0i64, |n, d| {
            d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0'))
        })
    };
    let is = |at: usize, what: u8| b.get(at) == Some(&what);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !(is(4, b'-') && is(7, b'-') && (1..=12).contains(&month))
        || day < 1
        || day > days_in(year, month)
    {
        return None;
    }
    let days = days_since_1970(year, month, day);
    let mut at_micros = days * 86_400_000_000;
    let mut rest = b.get(10..)?;
    if rest.is_empty() {
        return Some(Moment {
            at_micros,
            zone_minutes: None,
            zone_missing: true,
        });
    }
    if !matches!(rest[0], b'T' | b't' | b' ') || !is(13, b':') {
        return None;
    }
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    // number(14, 16) found two digits, so the text has at least 16 bytes.
    rest = &b[16..];
    let mut second = 0;
    if rest.first() == Some(&b':') {
        second = number(17, 19)?;
        rest = &b[19..];
    }
    // Second 60 is a leap second; it becomes the first second of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    at_micros += (hour * 3_600 + minute * 60 + second) * 1_000_000;
    if rest.first() == Some(&b'.') {
        let digits = rest[1..].iter().take_while(|d| d.is_ascii_digit()).count();
        // Nine digits are nanoseconds; the part below a microsecond is cut.
        if digits == 0 || digits > 9 {
            return None;
        }
        let mut micros = 0i64;
        for n in 0..6 {
            micros = micros * 10 + rest[1..=digits].get(n).map_or(0, |d| i64::from(d - b'0'));
        }
        at_micros += micros;
        rest = &rest[1 + digits..];
    }
    let (offset, zone_missing) = match rest {
        [] => (0, true),
        [b'Z' | b'z'] => (0, false),
        [sign @ (b'+' | b'-'), zone @ ..] => {
            // `+01:00`, `+0100` and `+01` are all ISO 8601.
            let digits: Vec<u8> = zone.iter().copied().filter(|c| *c != b':').collect();
            if !matches!(digits.len(), 2 | 4) || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let two = |at: usize| {
                digits
                    .get(at..at + 2)
                    .map_or(0, |d| i64::from(d[0] - b'0') * 10 + i64::from(d[1] - b'0'))
            };
            let minutes = two(0) * 60 + two(2);
            // UTC+14 is the largest offset in use; `zone` in transfers.rs has the same limit.
            if minutes > 840 {
                return None;
            }
            (if *sign == b'-' { -minutes } else { minutes }, false)
        }
        _ => return None,
    };
    Some(Moment {
        at_micros: at_micros - offset * 60_000_000,
        // An offset of zero gives no `zone_minutes`: the hour is then that of the sender's country
        // (policy.rs in typologies).
        zone_minutes: (offset != 0).then_some(offset as i16),
        zone_missing,
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 (Howard Hinnant, chrono-compatible low-level date algorithms).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_what_jiff_says() {
        for text in [
            "2025-01-01T00:50:10Z",
            "2024-02-29T23:59:59.123456Z",
            "2026-03-01T22:41:00+01:00",
            "1999-12-31T23:00:00-05:30",
            "2026-03-01T22:41:00.5+0100",
        ] {
            let want: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(
                moment(text).unwrap().at_micros,
                want.as_microsecond(),
                "{text}"
            );
        }
        let local = moment("2025-01-01 00:50:10.000000").unwrap();
        assert_eq!(
            local.at_micros,
            moment("2025-01-01T00:50:10Z").unwrap().at_micros
        );
        assert!(local.zone_missing);
        assert_eq!(
            moment("2025-01-01").unwrap(),
            moment("2025-01-01T00:00").unwrap()
        );
        assert_eq!(
            moment("1735692610").unwrap().at_micros,
            1_735_692_610_000_000
        );
        assert_eq!(
            moment("2026-03-01T22:41:00+01:00").unwrap().zone_minutes,
            Some(60)
        );
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2025-13-01",
            "2025-02-29",
            "2025-02-30T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "yesterday",
            "2025-01-01T00:00:00+99:00",
            "01.02.2025",
            "2025-1-1",
            "é2025-01-01",
            "2025-01-01T00:00:00.Z",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
