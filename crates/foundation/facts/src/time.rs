//! Formatting of timestamps.

/// Microseconds since 1970 as RFC 3339 in UTC, rounded down to the second; "beyond any calendar"
/// for a time after the year 9999 or before -9999.
pub fn rfc3339(micros: i64) -> String {
    // Rounds down before 1970 too: -1 microsecond is in the last second of 1969.
    let seconds = micros.div_euclid(1_000_000);
    // Must not panic: an erasure that is never due carries `i64::MAX`.
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "beyond any calendar".into(), |t| t.to_string())
}

/// For `serialize_with`: microseconds since 1970 as [`rfc3339`] text.
pub fn time<S: serde::Serializer>(micros: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*micros))
}

/// [`time`] for an optional value.
pub fn maybe_time<S: serde::Serializer>(micros: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match micros {
        Some(micros) => time(micros, to),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn written_in_utc() {
        assert_eq!(
            super::rfc3339(1_790_000_000_999_999),
            "2026-09-21T14:13:20Z"
        );
        assert_eq!(super::rfc3339(-1), "1969-12-31T23:59:59Z");
    }
}
