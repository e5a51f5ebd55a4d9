//! Finds facts that are impossible or contradict each other: addresses, ports, ages, dates. Each is
//! named by its field in the case file and shown before anything is sent, to any destination.

use std::net::IpAddr;

use jiff::Timestamp;

use super::{Account, Facts, IpEvent, Person};

/// A fact that is impossible or contradictory. Names the field, never its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FactFault {
    /// The field, as `facts.reported.ip_events[0].port`.
    pub field: String,
    /// What is wrong.
    pub what: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

const RFC3339: &str = "RFC 3339";
const IP: &str = "RFC 791, RFC 4291";
const PORT: &str = "RFC 6335";
const ISO: &str = "ISO 3166-1, ISO 4217, ISO 8601";
const SENSE: &str = "consistency";
/// Maximum age of a person, in years. Our judgement.
const AGE_MAX: i64 = 150;
/// Tolerated clock difference, in seconds. Our judgement.
const AHEAD_SECONDS_MAX: i64 = 300;
/// Levels of linked accounts that are checked. Our judgement.
const DEPTH_MAX: usize = 4;

struct Finder {
    found: Vec<FactFault>,
    now: Timestamp,
}

impl Finder {
    fn say(&mut self, field: String, what: &'static str, source: &'static str) {
        self.found.push(FactFault {
            field,
            what,
            source,
        });
    }

    /// Parses a time. Reports a text that isn't a time with a zone, and a time in the future.
    fn past(&mut self, field: String, value: Option<&str>) -> Option<Timestamp> {
        match value?.trim().parse::<Timestamp>() {
            Err(_) => {
                self.say(
                    field,
                    "isn't a time with a zone, like 2026-11-22T10:15:00Z",
                    RFC3339,
                );
                None
            }
            Ok(time) => {
                if time.as_second() > self.now.as_second() + AHEAD_SECONDS_MAX {
                    self.say(field, "is in the future", SENSE);
                }
                // Returned all the same: a time in the future may also contradict another field.
                Some(time)
            }
        }
    }

    fn after(
        &mut self,
        field: String,
        later: Option<Timestamp>,
        earlier: Option<Timestamp>,
        what: &'static str,
    ) {
        if later
            .zip(earlier)
            .is_some_and(|(later, earlier)| later < earlier)
        {
            self.say(field, what, SENSE);
        }
    }

    fn country(&mut self, field: String, value: Option<&str>) {
        if value.is_some_and(|c| c.len() != 2 || !c.bytes().all(|b| b.is_ascii_uppercase())) {
            self.say(field, "isn't a country code of two capital letters", ISO);
        }
    }

    fn event(&mut self, at: &str, event: &IpEvent) {
        if event.address.parse::<IpAddr>().is_err() {
            self.say(format!("{at}.address"), "isn't an IPv4 or IPv6 address", IP);
        }
        if event.port.is_some_and(|p| !(1..=65_535).contains(&p)) {
            self.say(format!("{at}.port"), "isn't a port, 1 to 65535", PORT);
        }
        self.past(format!("{at}.at"), event.at.as_deref());
    }

    fn person(&mut self, at: &str, person: &Person) {
        if person.age.is_some_and(|a| !(0..=AGE_MAX).contains(&a)) {
            self.say(format!("{at}.age"), "isn't an age, 0 to 150", SENSE);
        }
        let today = self.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        match person.born.as_deref().map(str::parse::<jiff::civil::Date>) {
            None => {}
            Some(Err(_)) => self.say(format!("{at}.born"), "isn't a date like 2001-02-03", ISO),
            Some(Ok(born)) if born > today => {
                self.say(format!("{at}.born"), "is in the future", SENSE)
            }
            Some(Ok(born)) => {
                // This year's birthday may still be to come, so two ages fit. The age is compared
                // with today's, so the age at the time of an old incident can look contradictory.
                let years = i64::from(today.year()) - i64::from(born.year());
                if person
                    .age
                    .is_some_and(|age| !(years - 1..=years).contains(&age))
                {
                    self.say(format!("{at}.born"), "contradicts the age", SENSE);
                }
            }
        }
        for (n, address) in person.addresses.iter().enumerate() {
            self.country(
                format!("{at}.addresses[{n}].country"),
                address.country.as_deref(),
            );
        }
        for (n, email) in person.emails.iter().enumerate() {
            let whole = email
                .address
                .rsplit_once('@')
                .is_some_and(|(l, d)| !l.is_empty() && !d.is_empty());
            if !whole || email.address.contains(char::is_whitespace) {
                self.say(
                    format!("{at}.emails[{n}].address"),
                    "isn't an e-mail address",
                    "RFC 5321",
                );
            }
        }
    }

    fn urls(&mut self, at: &str, urls: &[String]) {
        for (n, url) in urls.iter().enumerate() {
            if url.chars().any(char::is_whitespace) {
                self.say(
                    format!("{at}[{n}]"),
                    "contains white space; a URL has none",
                    "RFC 3986",
                );
            }
        }
    }

    fn account(&mut self, at: &str, account: &Account, depth: usize) {
        if let Some(person) = &account.person {
            self.person(&format!("{at}.person"), person);
        }
        self.urls(&format!("{at}.profile_urls"), &account.profile_urls);
        for (n, event) in account.ip_events.iter().enumerate() {
            self.event(&format!("{at}.ip_events[{n}]"), event);
        }
        for (name, closed) in [
            ("suspended", &account.suspended),
            ("closed", &account.closed),
        ] {
            let Some(closed) = closed else { continue };
            let begun = self.past(format!("{at}.{name}.at"), closed.at.as_deref());
            let notified_at = self.past(
                format!("{at}.{name}.user_told_at"),
                closed.user_told_at.as_deref(),
            );
            let reopened = self.past(
                format!("{at}.{name}.reopened_at"),
                closed.reopened_at.as_deref(),
            );
            self.after(
                format!("{at}.{name}.reopened_at"),
                reopened,
                begun,
                "is before it was closed",
            );
            if !closed.done && begun.is_some() {
                self.say(
                    format!("{at}.{name}.done"),
                    "is false, but a date is given",
                    SENSE,
                );
            }
            if closed.user_told != Some(true) && notified_at.is_some() {
                self.say(
                    format!("{at}.{name}.user_told"),
                    "isn't true, but a date is given",
                    SENSE,
                );
            }
        }
        if let Some(location) = &account.location {
            self.country(
                format!("{at}.location.country"),
                location.country.as_deref(),
            );
        }
        // Facts come from outside, so recursion has a limit; deeper accounts are taken unchecked.
        if depth < DEPTH_MAX {
            for (n, linked) in account.associated.iter().enumerate() {
                self.account(&format!("{at}.associated[{n}]"), linked, depth + 1);
            }
        }
    }
}

/// Facts that are impossible or contradict each other; `now` in microseconds since 1970.
// Long: handles the fields one by one.
pub(crate) fn faults(facts: &Facts, now: i64) -> Vec<FactFault> {
    // A clock out of range counts as 1970: then every later time is reported as in the future.
    let now = Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut f = Finder {
        found: Vec::new(),
        now,
    };
    let occurred = f.past("facts.occurred_at".into(), facts.occurred_at.as_deref());
    let known = f.past("facts.known_at".into(), facts.known_at.as_deref());
    f.after(
        "facts.known_at".into(),
        known,
        occurred,
        "is before it happened",
    );
    f.past("facts.removed_at".into(), facts.removed_at.as_deref());
    if facts.removed_at.is_some() && facts.removed != Some(true) {
        f.say(
            "facts.removed".into(),
            "isn't true, but a date is given",
            SENSE,
        );
    }
    if let Some(account) = &facts.reported {
        f.account("facts.reported", account, 0);
    }
    for (name, all) in [
        ("also_reported", &facts.also_reported),
        ("recipients", &facts.recipients),
        ("victims", &facts.victims),
    ] {
        for (n, account) in all.iter().enumerate() {
            f.account(&format!("facts.{name}[{n}]"), account, 0);
        }
    }
    for (n, place) in facts.places.iter().enumerate() {
        if let super::Place::WebPage { urls, .. } = place {
            f.urls(&format!("facts.places[{n}].urls"), urls);
        }
    }
    for (n, payment) in facts.payments.iter().enumerate() {
        let at = format!("facts.payments[{n}]");
        // `f64` alone would also take a sign, 1e5 and inf.
        let plain = payment
            .amount
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.');
        if !plain || payment.amount.parse::<f64>().is_err() {
            f.say(format!("{at}.amount"), "isn't an amount like 50.00", ISO);
        }
        let capitals = payment.currency.bytes().all(|b| b.is_ascii_uppercase());
        if !capitals || !(3..=5).contains(&payment.currency.len()) {
            f.say(
                format!("{at}.currency"),
                "isn't a currency code like EUR",
                ISO,
            );
        }
        f.past(format!("{at}.at"), payment.at.as_deref());
    }
    for (n, thread) in facts.threads.iter().enumerate() {
        for (m, message) in thread.messages.iter().enumerate() {
            f.past(
                format!("facts.threads[{n}].messages[{m}].at"),
                message.at.as_deref(),
            );
        }
    }
    for (key, file) in &facts.files {
        f.past(
            format!("facts.files.{key}.uploaded_at"),
            file.uploaded_at.as_deref(),
        );
        if let Some(event) = &file.ip_event {
            f.event(&format!("facts.files.{key}.ip_event"), event);
        }
    }
    if let Some(place) = &facts.jurisdiction {
        f.country(
            "facts.jurisdiction.provider_country".into(),
            place.provider_country.as_deref(),
        );
        f.country(
            "facts.jurisdiction.user_country".into(),
            place.user_country.as_deref(),
        );
    }
    let mut seen = std::collections::HashSet::new();
    for (n, id) in facts.batched_accounts.iter().enumerate() {
        if id.trim().is_empty() || !seen.insert(id) {
            f.say(
                format!("facts.batched_accounts[{n}]"),
                "is blank or occurs twice",
                SENSE,
            );
        }
    }
    f.found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_that_cannot_be_so_is_named_by_its_field() {
        // One fault for each field below. 2030-02-30 does not exist, so it is never compared with
        // the age.
        let facts = Facts::from_json(br#"{
            "occurred_at": "2026-02-01T00:00:00Z", "known_at": "2026-01-01T00:00:00Z",
            "reported": {"person": {"age": 300, "born": "2030-02-30", "emails": [{"address": "nobody"}]},
                "ip_events": [{"address": "192.0.2.999", "port": 70000, "at": "2126-01-01T00:00:00Z"}],
                "suspended": {"done": false, "at": "2026-01-02T00:00:00Z", "reopened_at": "2026-01-01T00:00:00Z"},
                "profile_urls": ["https://example.com/a b"], "location": {"country": "Atlantis"}},
            "victims": [{"person": {"age": 12, "born": "1990-01-01"}}],
            "payments": [{"amount": "-5", "currency": "EURO!"}]
        }"#).unwrap();
        let fields: Vec<_> = facts
            .faults(1_790_000_000_000_000)
            .into_iter()
            .map(|f| f.field)
            .collect();
        assert_eq!(
            fields,
            [
                "facts.known_at",
                "facts.reported.person.age",
                "facts.reported.person.born",
                "facts.reported.person.emails[0].address",
                "facts.reported.profile_urls[0]",
                "facts.reported.ip_events[0].address",
                "facts.reported.ip_events[0].port",
                "facts.reported.ip_events[0].at",
                "facts.reported.suspended.reopened_at",
                "facts.reported.suspended.done",
                "facts.reported.location.country",
                "facts.victims[0].person.born",
                "facts.payments[0].amount",
                "facts.payments[0].currency",
            ]
        );
    }
}
