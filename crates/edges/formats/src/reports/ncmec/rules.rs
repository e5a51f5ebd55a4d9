//! Rules of the CyberTipline's documentation beyond its schema: the client checks them before it
//! sends, the fake service before it answers.

use std::net::IpAddr;

use jiff::Timestamp;

use super::schema::{DOCUMENTATION, SchemaFault};
use crate::tree::Node;

/// Longest part of an e-mail address before the `@`, in characters. RFC 5321, section 4.5.3.1.1,
/// allows 64 octets.
const LOCAL_PART_CHARS_MAX: usize = 64;
/// How far ahead of `now` a time may be, in seconds: clocks differ. Our judgement.
const AHEAD_SECONDS_MAX: i64 = 300;

/// Why the service refuses a single value, if it does, regardless of context.
pub(super) fn refuses(element: &str, text: &str) -> Option<&'static str> {
    match element {
        "url" | "profileUrl" | "legalURL" | "locationOfFile" => {
            if text.chars().any(char::is_whitespace) {
                return Some("contains white space; a URL has none");
            }
            match url::Url::parse(text) {
                Ok(url) if url.has_host() => None,
                _ => Some("isn't a complete URL"),
            }
        }
        "email" | "emailAddress" => match text.split('@').collect::<Vec<_>>()[..] {
            [local, domain] if !local.is_empty() && is_dotted(domain) => {
                if text.chars().any(char::is_whitespace) {
                    Some("has white space, which no e-mail address has")
                } else if local.chars().count() > LOCAL_PART_CHARS_MAX {
                    Some("has more than 64 characters before the @")
                } else {
                    None
                }
            }
            _ => Some("isn't an e-mail address with one @ and a domain with a dot"),
        },
        "ipAddress" => text
            .parse::<IpAddr>()
            .is_err()
            .then_some("isn't an IPv4 or IPv6 address"),
        "port" => (!text.parse::<u32>().is_ok_and(|p| (1..=65_535).contains(&p)))
            .then_some("isn't a port, 1 to 65535"),
        "age" | "approximateAge" => {
            (!text.parse::<u32>().is_ok_and(|a| a <= 150)).then_some("isn't an age, 0 to 150")
        }
        "priorCTReports" | "priorCTReport" => (!text.parse::<i64>().is_ok_and(|n| n > 0))
            .then_some("isn't the number of a report, which is above 0"),
        "escalateToHighPriority" | "espIdentifier" | "groupIdentifier" | "idType" | "idValue" => {
            text.trim().is_empty().then_some("is blank")
        }
        "latitude" => out_of(text, 90.0).then_some("isn't a latitude, -90 to 90"),
        "longitude" => out_of(text, 180.0).then_some("isn't a longitude, -180 to 180"),
        _ => None,
    }
}

/// True for at least two labels, none of them empty.
fn is_dotted(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(|label| !label.is_empty())
}

/// True if the schema's list of states has `region`, which isn't empty.
pub(super) fn is_state(region: &str) -> bool {
    !region.is_empty() && super::schema::knows("state", region)
}

fn out_of(text: &str, most: f64) -> bool {
    !text.parse::<f64>().is_ok_and(|v| v.abs() <= most)
}

/// Every rule of the documentation that a document breaks, except the lengths, which
/// [`super::schema::faults`] checks with the schema, and those of [`batched_file_faults`].
pub fn faults(document: &Node, now: Timestamp) -> Vec<SchemaFault> {
    let mut found = Vec::new();
    let latest = now.as_second() + AHEAD_SECONDS_MAX;
    single_values(document, document.name.clone(), latest, &mut found);
    match document.name.as_str() {
        "report" => report(document, &mut found),
        "fileDetails" => file(document, &mut found),
        _ => {}
    }
    found
}

fn say(found: &mut Vec<SchemaFault>, path: impl Into<String>, what: &str) {
    found.push(SchemaFault {
        path: path.into(),
        what: what.to_owned(),
        source: DOCUMENTATION,
    });
}

// Long: one rule after the other.
fn single_values(node: &Node, path: String, latest: i64, found: &mut Vec<SchemaFault>) {
    let past = |text: &str| {
        text.parse::<Timestamp>()
            .is_ok_and(|t| t.as_second() <= latest)
    };
    if node.children.is_empty()
        && let Some(why) = refuses(&node.name, &node.text)
    {
        say(found, &path, why);
    }
    match node.name.as_str() {
        "incidentDateTime" | "dateTime" | "uploadedToEspTimestamp" => {
            if node.text.parse::<Timestamp>().is_err() {
                say(found, &path, "has no zone");
            } else if !past(&node.text) {
                say(found, &path, "is in the future");
            }
        }
        "email" | "phone" | "emailAddress" | "phoneNumber" => {
            let verified = matches!(node.attribute("verified"), Some("true" | "1"));
            if node.attribute("verificationDate").is_some() && !verified {
                say(
                    found,
                    format!("{path}/@verificationDate"),
                    "needs verified=\"true\"",
                );
            }
            if let Some(code) = node.attribute("countryCallingCode")
                && node.text.trim_start().starts_with(code)
            {
                say(
                    found,
                    format!("{path}/@countryCallingCode"),
                    "is repeated in the number",
                );
            }
        }
        "accountTemporarilyDisabled" | "accountPermanentlyDisabled" => {
            let time = |name: &str| node.attribute(name)?.parse::<Timestamp>().ok();
            for name in ["userNotifiedDate", "reenabledDate"] {
                if let (Some(disabled), Some(later)) = (time("disabledDate"), time(name))
                    && later < disabled
                {
                    say(found, format!("{path}/@{name}"), "is before disabledDate");
                }
            }
        }
        "dateOfBirth" => {
            // Today's date at UTC+14, the zone furthest ahead.
            let today = Timestamp::from_second(latest + 14 * 3_600)
                .map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).date());
            let born = node.text.parse::<jiff::civil::Date>();
            if let (Ok(today), Ok(born)) = (today, born)
                && born > today
            {
                say(found, &path, "is in the future");
            }
        }
        "estimatedLocation" => {
            if node.child("countryCode").is_none() {
                say(found, format!("{path}/countryCode"), "is needed");
            }
            let american = node.text_of("countryCode") == Some("US");
            if american && node.child("city").is_some() && node.child("region").is_none() {
                say(
                    found,
                    format!("{path}/region"),
                    "is needed with a city in the USA",
                );
            }
            if american && node.text_of("region").is_some_and(|r| !is_state(r)) {
                say(
                    found,
                    format!("{path}/region"),
                    "isn't a state of the USA, in two letters",
                );
            }
        }
        _ => {}
    }
    for name in [
        "disabledDate",
        "userNotifiedDate",
        "reenabledDate",
        "verificationDate",
        "timestamp",
    ] {
        if let Some(at) = node.attribute(name)
            && at.parse::<Timestamp>().is_ok()
            && !past(at)
        {
            say(found, format!("{path}/@{name}"), "is in the future");
        }
    }
    for child in &node.children {
        single_values(child, format!("{path}/{}", child.name), latest, found);
    }
}

// Long: checks the rules one by one.
fn report(node: &Node, found: &mut Vec<SchemaFault>) {
    let reporter = node
        .child("reporter")
        .and_then(|r| r.child("reportingPerson"));
    // Iterator::all() is true for no items, so a person without any e-mail is caught too.
    if reporter.is_none_or(|p| p.all("email").all(|e| e.text.trim().is_empty())) {
        say(
            found,
            "report/reporter/reportingPerson/email",
            "is required",
        );
    }
    let reported = node.all("personOrUserReported").count();
    if node.child("batchedReport").is_some() {
        for name in [
            "internetDetails",
            "lawEnforcement",
            "intendedRecipient",
            "victim",
            "additionalInfo",
        ] {
            if node.child(name).is_some() {
                say(
                    found,
                    format!("report/{name}"),
                    "isn't allowed in a batched report",
                );
            }
        }
        if node
            .child("incidentSummary")
            .is_some_and(|s| s.child("escalateToHighPriority").is_some())
        {
            say(
                found,
                "report/incidentSummary/escalateToHighPriority",
                "isn't allowed in a batched report",
            );
        }
        for person in node.all("personOrUserReported") {
            if person.children.iter().any(|c| c.name != "espIdentifier") {
                say(
                    found,
                    "report/personOrUserReported",
                    "takes only espIdentifier in a batched report",
                );
            }
        }
    } else if reported > 1 {
        say(
            found,
            "report/personOrUserReported",
            "may occur more than once only in a batched report",
        );
    }
    // An e-mail address of an incident must also be listed with a person.
    let mut known = Vec::new();
    for name in ["personOrUserReported", "intendedRecipient", "victim"] {
        for person in node.all(name) {
            person.walk(&mut |n| {
                if n.name == "email" {
                    known.push(n.text.as_str());
                }
            });
        }
    }
    for details in node.all("internetDetails") {
        for incident in details
            .children
            .iter()
            .filter(|c| c.name == "emailIncident" || c.name == "newsgroupIncident")
        {
            for address in incident.all("emailAddress") {
                if !known.contains(&address.text.as_str()) {
                    let path = format!("report/internetDetails/{}/emailAddress", incident.name);
                    say(
                        found,
                        path,
                        "must also be listed with a reported person, a recipient or a child",
                    );
                }
            }
        }
    }
}

fn file(node: &Node, found: &mut Vec<SchemaFault>) {
    let is = |name: &str| matches!(node.text_of(name), Some("true" | "1"));
    if is("exifViewedByEsp") && !is("fileViewedByEsp") {
        say(
            found,
            "fileDetails/exifViewedByEsp",
            "needs fileViewedByEsp=true",
        );
    }
    if node.text_of("fileRelevance") == Some("Supplemental Reported") {
        if node.child("industryClassification").is_some() {
            say(
                found,
                "fileDetails/industryClassification",
                "isn't allowed in a supplemental file",
            );
        }
        // The schema has potentialMeme in two places: as an element and as an annotation.
        let annotated = node
            .child("fileAnnotations")
            .is_some_and(|a| a.child("potentialMeme").is_some());
        if annotated || node.child("potentialMeme").is_some() {
            say(
                found,
                "fileDetails/fileAnnotations/potentialMeme",
                "isn't allowed in a supplemental file",
            );
        }
    }
}

/// Every rule that a file of a batched report breaks: what it may not have, and the annotation it
/// needs.
pub fn batched_file_faults(node: &Node) -> Vec<SchemaFault> {
    let mut found = Vec::new();
    for name in [
        "originalFileName",
        "locationOfFile",
        "originalFileHash",
        "ipCaptureEvent",
        "deviceId",
        "details",
        "additionalInfo",
    ] {
        if node.child(name).is_some() {
            say(
                &mut found,
                format!("fileDetails/{name}"),
                "isn't allowed in a batched report",
            );
        }
    }
    let annotations = node.child("fileAnnotations");
    let others = annotations.is_some_and(|a| {
        a.children
            .iter()
            .any(|c| !matches!(c.name.as_str(), "viral" | "potentialMeme"))
    });
    let meme = annotations.is_some_and(|a| !a.children.is_empty())
        || node.child("potentialMeme").is_some();
    if others || !meme {
        say(
            &mut found,
            "fileDetails/fileAnnotations",
            "takes viral, potentialMeme or both in a batched report, and nothing else",
        );
    }
    if node.text_of("fileRelevance") == Some("Supplemental Reported") {
        say(
            &mut found,
            "fileDetails/fileRelevance",
            "is Reported in a batched report",
        );
    }
    found
}

#[cfg(test)]
mod tests;
