//! Rules of the CyberTipline's documentation beyond its schema: the client checks them before it sends,
//! the fake service before it answers.

use std::net::IpAddr;

use jiff::Timestamp;

use super::schema::{DOCUMENTATION, SchemaFault};
use crate::tree::Node;

/// Longest part of an e-mail address before the `@`, in characters. RFC 5321, section 4.5.3.1.1.
const LOCAL_PART_CHARS_MAX: usize = 64;
/// A clock may be ahead of the service's by this many seconds. Our judgement.
const AHEAD_SECONDS_MAX: i64 = 300;

/// Why the service refuses a single value, if it does, regardless of context.
pub(super) fn refuses(element: &str, text: &str) -> Option<&'static str> {
    match element {
        "url" | "profileUrl" | "legalURL" | "locationOfFile" => {
            if text.chars().any(char::is_whitespace) {
                return Some("has white space, which no address has");
            }
            match url::Url::parse(text) {
                Ok(url) if url.has_host() => secret_address(text)
                    .map(|_| "carries credentials or a signature, which are never disclosed"),
                _ => Some("isn't a complete URL"),
            }
        }
        // From the right: a quoted local part may contain an @ (RFC 5321).
        "email" | "emailAddress" => match text.rsplit_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
                if text.chars().any(char::is_whitespace) {
                    Some("has white space, which no e-mail address has")
                } else if local.chars().count() > LOCAL_PART_CHARS_MAX {
                    Some("has more than 64 characters before the @")
                } else {
                    None
                }
            }
            _ => Some("isn't an e-mail address"),
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
        "escalateToHighPriority" => text.trim().is_empty().then_some("is blank"),
        "latitude" => out_of(text, 90.0).then_some("isn't a latitude, -90 to 90"),
        "longitude" => out_of(text, 180.0).then_some("isn't a longitude, -180 to 180"),
        _ => None,
    }
}

/// A signed URL without its credentials; `None` for any other.
pub(crate) fn secret_address(text: &str) -> Option<String> {
    let mut url = url::Url::parse(text).ok()?;
    // Names of signatures and tokens at Amazon S3, Google
    // Cloud Storage, Azure (`sig`) and elsewhere.
    let signed = url.query_pairs().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        [
            "signature",
            "x-amz-signature",
            "x-goog-signature",
            "sig",
            "token",
            "access_token",
        ]
        .contains(&name.as_str())
    });
    let login = !url.username().is_empty() || url.password().is_some();
    if !signed && !login {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    // The whole query: expiry and key id belong to the signature.
    if signed {
        url.set_query(None);
    }
    Some(url.into())
}

fn out_of(text: &str, most: f64) -> bool {
    !text.parse::<f64>().is_ok_and(|v| v.abs() <= most)
}

/// Every rule a document breaks that the schema doesn't know.
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
        }
        _ => {}
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
    // all() of nothing is true, so a person without any e-mail is caught too.
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
        // The schema has it in two places: as an element and as an annotation.
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

/// What a file of a batched report may not have.
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
