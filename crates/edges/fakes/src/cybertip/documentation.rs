//! What the CyberTipline's documentation of 2025-06-11 asks for beyond its schema, checked as the
//! service would check it.
//!
//! Nothing here is taken from the client's rules, on purpose. What the documentation leaves open is
//! accepted.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use obhut_formats::tree::Node;

/// How far the sender's clock may be ahead, in seconds. Our judgement; the documentation names no
/// tolerance.
const TOLERANCE_SECONDS: i64 = 600;

/// Two-letter abbreviations of states and territories, from the schema's type of `address/state`.
const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA GU HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA PR RI SC SD TN TX UT VT VA VI WA WV WI WY";

/// Elements whose value is a URL.
const WEB: [&str; 4] = ["url", "profileUrl", "locationOfFile", "legalURL"];
/// Identifiers, which must not be blank.
const IDENTIFIERS: [&str; 4] = ["espIdentifier", "groupIdentifier", "idType", "idValue"];
/// Elements and attributes with a time that must not be in the future.
const MOMENTS: [&str; 8] = [
    "incidentDateTime",
    "dateTime",
    "uploadedToEspTimestamp",
    "disabledDate",
    "userNotifiedDate",
    "reenabledDate",
    "verificationDate",
    "timestamp",
];

/// Limits on the length of texts: the parent element (empty for any), the element or attribute,
/// and the most characters. A text without an entry has no limit.
const LONGEST: &[(&str, &str, usize)] = &[
    ("incidentSummary", "platform", 256),
    ("", "escalateToHighPriority", 3_000),
    ("", "incidentDateTimeDescription", 3_000),
    ("", "url", 2_083),
    ("newsgroupIncident", "name", 255),
    ("", "chatClient", 255),
    ("", "chatRoomName", 255),
    ("", "gameName", 255),
    ("", "console", 255),
    ("", "locationName", 255),
    ("", "client", 255),
    ("", "agencyName", 255),
    ("", "caseNumber", 100),
    ("", "legalURL", 2_083),
    ("", "vehicleDescription", 300),
    ("", "espIdentifier", 255),
    ("", "espService", 100),
    ("", "screenName", 256),
    ("", "displayName", 255),
    ("", "profileUrl", 2_083),
    ("", "groupIdentifier", 255),
    ("", "schoolName", 255),
    ("", "firstName", 100),
    ("", "lastName", 100),
    ("address", "address", 255),
    ("incidentAddress", "address", 255),
    ("address", "city", 100),
    ("incidentAddress", "city", 100),
    ("estimatedLocation", "city", 255),
    ("", "region", 255),
    ("", "zipCode", 20),
    ("", "nonUsaState", 100),
    ("", "phone", 50),
    ("", "phoneNumber", 50),
    ("", "extension", 10),
    ("", "email", 255),
    ("", "emailAddress", 255),
    ("", "idType", 255),
    ("", "idValue", 2_083),
    ("", "originalFileName", 2_056),
    ("", "locationOfFile", 2_083),
    ("", "hashType", 64),
    ("nameValuePair", "name", 64),
];

/// The first objection to a document, if there is any; `now` in seconds since 1970.
pub fn objection(document: &Node, now: i64) -> Option<String> {
    let mut first = objection_to_length(document);
    document.walk(&mut |node| {
        if first.is_none() {
            first = objection_to(node, now).map(|why| format!("{}: {why}", node.name));
        }
    });
    first.or_else(|| match document.name.as_str() {
        "report" => objection_to_report(document),
        "fileDetails" => objection_to_file(document),
        _ => None,
    })
}

/// The first text that is longer than the documentation allows, as a sentence.
pub fn objection_to_length(parent: &Node) -> Option<String> {
    let too_long = |inside: &str, name: &str, text: &str| {
        let (.., most) = LONGEST
            .iter()
            .find(|(within, n, _)| *n == name && (within.is_empty() || *within == inside))?;
        (text.chars().count() > *most).then(|| format!("{name}: has more than {most} characters"))
    };
    parent.children.iter().find_map(|child| {
        let mut attributes = child.attributes.iter();
        too_long(&parent.name, &child.name, &child.text)
            .or_else(|| attributes.find_map(|(name, text)| too_long(&child.name, name, text)))
            .or_else(|| objection_to_length(child))
    })
}

// Long: one rule after the other.
fn objection_to(node: &Node, now: i64) -> Option<String> {
    let name = node.name.as_str();
    let text = node.text.as_str();
    let is_leaf = node.children.is_empty();
    let moments = MOMENTS.iter().filter_map(|m| node.attribute(m));
    if let Some(why) = moments
        .into_iter()
        .find_map(|at| objection_to_moment(at, now))
    {
        return Some(why);
    }
    match name {
        _ if is_leaf && MOMENTS.contains(&name) => objection_to_moment(text, now),
        _ if WEB.contains(&name) => {
            let plain = !text.contains(char::is_whitespace);
            let host = text.split_once("://").is_some_and(|(scheme, rest)| {
                !scheme.is_empty()
                    && rest
                        .split(['/', '?', '#'])
                        .next()
                        .is_some_and(|h| !h.is_empty())
            });
            (!(plain && host)).then(|| "is not a valid URL".to_owned())
        }
        _ if IDENTIFIERS.contains(&name) => text
            .trim()
            .is_empty()
            .then(|| "must not be blank".to_owned()),
        "escalateToHighPriority" => text
            .trim()
            .is_empty()
            .then(|| "must not be blank".to_owned()),
        "email" | "emailAddress" => objection_to_mail(text).or_else(|| objection_to_verified(node)),
        "phone" | "phoneNumber" => objection_to_verified(node).or_else(|| {
            let code = node.attribute("countryCallingCode")?;
            text.trim()
                .starts_with(code)
                .then(|| "the number repeats the country calling code".to_owned())
        }),
        "ipAddress" => text
            .parse::<IpAddr>()
            .err()
            .map(|_| "is not an IP address".to_owned()),
        "port" => out_of_range(text, 1, 65_535),
        "age" | "approximateAge" => out_of_range(text, 0, 150),
        "priorCTReports" | "priorCTReport" => out_of_range(text, 1, i64::MAX),
        "latitude" => degrees(text, 90.0),
        "longitude" => degrees(text, 180.0),
        "dateOfBirth" => {
            let born = text.parse::<Date>().ok()?;
            let tomorrow = Timestamp::from_second(now + 86_400).ok()?;
            let tomorrow = tomorrow.to_zoned(jiff::tz::TimeZone::UTC).date();
            (born > tomorrow).then(|| "is in the future".to_owned())
        }
        "accountTemporarilyDisabled" | "accountPermanentlyDisabled" => {
            let at = |name: &str| {
                node.attribute(name)
                    .and_then(|t| t.parse::<Timestamp>().ok())
            };
            let disabled = at("disabledDate")?;
            ["reenabledDate", "userNotifiedDate"]
                .iter()
                .filter_map(|name| Some((name, at(name)?)))
                .find(|(_, later)| *later < disabled)
                .map(|(name, _)| format!("{name} is before disabledDate"))
        }
        "estimatedLocation" => {
            let of = |name: &str| node.text_of(name).filter(|t| !t.is_empty());
            let country = of("countryCode");
            let region = of("region");
            match country {
                None => Some("countryCode is required".to_owned()),
                Some("US") if of("city").is_some() && region.is_none() => {
                    Some("region is required with a city in the US".to_owned())
                }
                Some("US") => region
                    .filter(|r| !STATES.split(' ').any(|s| s == *r))
                    .map(|_| "region is not a US state".to_owned()),
                Some(_) => None,
            }
        }
        _ => None,
    }
}

fn objection_to_moment(text: &str, now: i64) -> Option<String> {
    match text.parse::<Timestamp>() {
        Err(_) => Some("is not a date and time with a time zone".to_owned()),
        Ok(at) if at.as_second() > now + TOLERANCE_SECONDS => Some("is in the future".to_owned()),
        Ok(_) => None,
    }
}

fn objection_to_mail(text: &str) -> Option<String> {
    let valid = text.matches('@').count() == 1
        && text.split_once('@').is_some_and(|(local, domain)| {
            let labels: Vec<&str> = domain.split('.').collect();
            !local.is_empty()
                && local.chars().count() <= 64
                && labels.len() > 1
                && labels.iter().all(|l| !l.is_empty())
        })
        && !text.contains(char::is_whitespace);
    (!valid).then(|| "is not a valid e-mail address".to_owned())
}

fn objection_to_verified(node: &Node) -> Option<String> {
    let verified = node
        .attribute("verified")
        .is_some_and(|v| v == "true" || v == "1");
    (node.attribute("verificationDate").is_some() && !verified)
        .then(|| "verificationDate needs verified".to_owned())
}

fn out_of_range(text: &str, least: i64, most: i64) -> Option<String> {
    let within = text
        .trim()
        .parse::<i64>()
        .is_ok_and(|n| least <= n && n <= most);
    (!within).then(|| format!("is not between {least} and {most}"))
}

fn degrees(text: &str, most: f64) -> Option<String> {
    let within = text
        .trim()
        .parse::<f64>()
        .is_ok_and(|d| (-most..=most).contains(&d));
    (!within).then(|| format!("is not between -{most} and {most}"))
}

fn objection_to_report(report: &Node) -> Option<String> {
    let person = report
        .child("reporter")
        .and_then(|r| r.child("reportingPerson"));
    let mails = person.map_or(0, |p| {
        p.all("email").filter(|e| !e.text.trim().is_empty()).count()
    });
    if mails == 0 {
        return Some("reportingPerson: an e-mail address is required".to_owned());
    }
    let reported: Vec<&Node> = report.all("personOrUserReported").collect();
    if report.child("batchedReport").is_some() {
        let forbidden = [
            "internetDetails",
            "lawEnforcement",
            "intendedRecipient",
            "victim",
            "additionalInfo",
        ];
        if let Some(name) = forbidden.iter().find(|n| report.child(n).is_some()) {
            return Some(format!("{name} is not permitted in a batched report"));
        }
        let urgent = report
            .child("incidentSummary")
            .and_then(|s| s.child("escalateToHighPriority"));
        if urgent.is_some() {
            return Some("escalateToHighPriority is not permitted in a batched report".to_owned());
        }
        let only_ids = reported
            .iter()
            .flat_map(|p| &p.children)
            .all(|c| c.name == "espIdentifier");
        return (!only_ids)
            .then(|| "a batched report takes only espIdentifier of a person".to_owned());
    }
    if reported.len() > 1 {
        return Some("more than one person is reported only in a batched report".to_owned());
    }
    // The e-mail addresses of the reported person, recipients and victims. An address in an
    // incident "must also be given" for one of these people.
    let mut given = BTreeSet::new();
    for who in ["personOrUserReported", "intendedRecipient", "victim"] {
        for person in report.all(who) {
            person.walk(&mut |n| {
                if n.name == "email" {
                    given.insert(n.text.clone());
                }
            });
        }
    }
    let mut incident = Vec::new();
    report.walk(&mut |n| {
        if n.name == "emailAddress" {
            incident.push(n.text.clone());
        }
    });
    incident
        .iter()
        .any(|m| !given.contains(m))
        .then(|| "emailAddress must also be given for a person".to_owned())
}

fn objection_to_file(file: &Node) -> Option<String> {
    let yes = |name: &str| file.text_of(name).is_some_and(|t| t == "true" || t == "1");
    if yes("exifViewedByEsp") && !yes("fileViewedByEsp") {
        return Some("exifViewedByEsp needs fileViewedByEsp".to_owned());
    }
    if file.text_of("fileRelevance") != Some("Supplemental Reported") {
        return None;
    }
    let meme = file.child("potentialMeme").is_some()
        || file
            .child("fileAnnotations")
            .is_some_and(|a| a.child("potentialMeme").is_some());
    if file.child("industryClassification").is_some() || meme {
        return Some(
            "a supplemental file takes neither a classification nor potentialMeme".to_owned(),
        );
    }
    None
}

/// The objection to a file of a batched report, if there is any (documentation, appendix E).
pub fn objection_to_batched_file(file: &Node) -> Option<String> {
    const PERMITTED: [&str; 11] = [
        "reportId",
        "fileId",
        "fileName",
        "uploadedToEspTimestamp",
        "fileViewedByEsp",
        "exifViewedByEsp",
        "publiclyAvailable",
        "fileRelevance",
        "potentialMeme",
        "fileAnnotations",
        "industryClassification",
    ];
    if let Some(other) = file
        .children
        .iter()
        .find(|c| !PERMITTED.contains(&c.name.as_str()))
    {
        return Some(format!(
            "{} is not permitted in a batched report",
            other.name
        ));
    }
    let marks: Vec<&str> = file.child("fileAnnotations").map_or_else(Vec::new, |a| {
        a.children.iter().map(|c| c.name.as_str()).collect()
    });
    let meme = file.child("potentialMeme").is_some() || !marks.is_empty();
    if !meme
        || marks
            .iter()
            .any(|m| !["viral", "potentialMeme"].contains(m))
    {
        return Some("a batched report takes viral, potentialMeme or both".to_owned());
    }
    (file.text_of("fileRelevance") == Some("Supplemental Reported"))
        .then(|| "a batched report has no supplemental file".to_owned())
}
