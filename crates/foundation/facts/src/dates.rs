//! Finds calendar dates in text, in the usual English and German forms.

use jiff::civil::Date;

/// Every date that a text may name, as YYYY-MM-DD: year, month and day in numbers with something
/// between them, in any usual order, eight digits with the year or the day first, or the month's name
/// in English or German. "4/5/2013" is two dates, and a date can be there twice. Two digits are a year
/// from 2000 on, because children's birth dates are looked for.
pub fn dates_in(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let tokens: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|t| !t.is_empty())
        .collect();
    let mut dates = Vec::new();
    let mut date = |year: Option<i16>, month: Option<i8>, day: Option<i8>| {
        if let (Some(year), Some(month), Some(day)) = (year, month, day) {
            dates.extend(Date::new(year, month, day).map(|d| d.to_string()));
        }
    };
    for window in tokens.windows(3) {
        let (first, second, third) = (window[0], window[1], window[2]);
        date(year(third), month(second), day(first));
        date(year(third), month(first), day(second));
        if first.len() == 4 {
            date(year(first), month(second), day(third));
        }
    }
    // Digits alone: 20130504 or 04052013.
    for token in tokens.iter().filter(|t| t.len() == 8 && t.is_ascii()) {
        date(year(&token[..4]), month(&token[4..6]), day(&token[6..]));
        date(year(&token[4..]), month(&token[2..4]), day(&token[..2]));
    }
    dates
}

/// A year in four digits, or in two for one from 2000 on.
fn year(text: &str) -> Option<i16> {
    let number: i16 = text.parse().ok()?;
    match text.len() {
        4 => Some(number),
        2 => Some(2000 + number),
        _ => None,
    }
}

fn month(text: &str) -> Option<i8> {
    /// How the names of the months begin in English and German. Words that begin alike give dates that
    /// aren't there, which does less harm than a missed one.
    const MONTHS: [&[&str]; 12] = [
        &["jan", "jän"],
        &["feb"],
        &["mar", "mär", "mae"],
        &["apr"],
        &["may", "mai"],
        &["jun"],
        &["jul"],
        &["aug"],
        &["sep"],
        &["oct", "okt"],
        &["nov"],
        &["dec", "dez"],
    ];
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let place = MONTHS
        .iter()
        .position(|names| names.iter().any(|n| text.starts_with(n)))?;
    i8::try_from(place + 1).ok()
}

/// A day of the month, perhaps as an English ordinal number (4th).
fn day(text: &str) -> Option<i8> {
    let ordinal = ["st", "nd", "rd", "th"];
    let number = ordinal.iter().find_map(|end| text.strip_suffix(end));
    number.unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_found_however_it_is_written() {
        for (text, expected) in [
            ("born 2013-05-04 in", "2013-05-04"),
            ("geb. 04.05.2013", "2013-05-04 2013-04-05"),
            ("geb. 30.5.13", "2013-05-30"),
            ("am 4. Mai 2013", "2013-05-04"),
            ("am 1. März 2013", "2013-03-01"),
            ("on May 4th, 2013", "2013-05-04"),
            ("20130530 and 30052013", "2013-05-30 2013-05-30"),
            ("32.13.2013", ""),
            ("4 of 5 in 2013", ""),
        ] {
            assert_eq!(dates_in(text).join(" "), expected, "{text}");
        }
    }
}
