//! CyberTipline XML as an incoming report: alone, with its file details, or as the packet that
//! police get.

use std::borrow::Cow;

use obhut_facts::{
    Account, Device, Email, Facts, FileFacts, IncidentKind, IncidentTag, IncomingFormat, IpEvent,
    Location, ParsedReport, Person as NamedPerson, Phone, Place, Sealed, Thread, Understood,
};

use super::{Format, Input, empty, put_digest};
use crate::tree::{self, Node};

pub(super) const FORMAT: Format = Format {
    is: |input| input.text.trim_start().starts_with('<'),
    read,
};

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let root = tree::parse(input.text).map_err(|e| e.to_string())?;
    if root.name == "cybertip" {
        return Ok(packet(&root));
    }
    let mut reports = Vec::new();
    let mut details = Vec::new();
    // At any depth: a report comes alone, inside `<reports>`, or in a `<packet>` of each_report().
    root.walk(&mut |n| match n.name.as_str() {
        // The schema requires a summary; a `report` without one is some other XML.
        "report" if n.child("incidentSummary").is_some() => reports.push(n),
        "fileDetails" => details.push(n),
        _ => {}
    });
    let report = match reports.as_slice() {
        [one] => *one,
        [] => return Err("it is XML, but no CyberTipline report".into()),
        // split() takes such files apart first; here it would
        // be unclear whose file details these are.
        _ => return Err("it has more than one report in it".into()),
    };
    let mut given = empty(IncomingFormat::CyberTip);
    let mut facts = facts(report);
    let summary = report.child("incidentSummary");
    if let Some(kind) = summary.and_then(|s| own(s, "incidentType"))
        && incident(&kind).is_none()
    {
        given.understood = Understood::Partly;
        let note = facts.note.take().unwrap_or_default();
        facts.note = Some(
            format!("{}\n{note}", unknown_incident(&kind))
                .trim()
                .to_owned(),
        );
    }
    for (number, file) in details.iter().enumerate() {
        // Padded numbers, so that the map has the order of the document, up to 99,999 files.
        facts
            .files
            .insert(format!("{:05}", number + 1), file_facts(file, &mut given));
    }
    let own = root
        .text_of("reportId")
        .or_else(|| report.text_of("reportId"));
    let of_file = details.first().and_then(|d| d.text_of("reportId"));
    given.number = own
        .or(of_file)
        .map(str::to_owned)
        .filter(|n| !n.is_empty() && n != "0");
    given.facts = Sealed::new(facts);
    Ok(given)
}

/// The kind of incident for the schema's word; `None` for an unknown one.
pub(super) fn incident(kind: &str) -> Option<IncidentKind> {
    Some(match kind.trim() {
        "Child Pornography (possession, manufacture, and distribution)" => IncidentKind::Material,
        "Child Sex Trafficking" => IncidentKind::Trafficking,
        "Child Sex Tourism" => IncidentKind::Tourism,
        "Child Sexual Molestation" => IncidentKind::Molestation,
        "Misleading Domain Name" => IncidentKind::MisleadingDomain,
        "Misleading Words or Digital Images on the Internet" => IncidentKind::MisleadingWords,
        "Online Enticement of Children for Sexual Acts" => IncidentKind::Enticement,
        "Unsolicited Obscene Material Sent to a Child" => IncidentKind::UnsolicitedObscene,
        _ => return None,
    })
}

/// The note that keeps an unknown incident type.
pub(super) fn unknown_incident(kind: &str) -> String {
    format!("Unknown type of incident: {kind}")
}

/// The packet that police get (namespace `http://report.cybertip.org/leaws/icac`). Its schema isn't
/// published; this reads what examples show.
fn packet(root: &Node) -> ParsedReport {
    let mut given = empty(IncomingFormat::CyberTip);
    given.understood = Understood::Partly;
    given.number = own(root, "reportId");
    let mut facts = Facts {
        urgent_because: own(root, "escalateToHighPriority"),
        occurred_at: own(root, "incidentDateTime"),
        ..Facts::default()
    };
    match own(root, "incidentType") {
        Some(kind) if incident(&kind).is_none() => facts.note = Some(unknown_incident(&kind)),
        kind => facts.incident = kind.and_then(|k| incident(&k)),
    }
    let mut suspects = root.all("suspect").map(|s| Account {
        id: own(s, "espUserId").or_else(|| own(s, "espIdentifier")),
        screen_name: own(s, "screenName"),
        ip_events: s.all("ipCaptureEvent").map(event).collect(),
        ..Account::default()
    });
    facts.reported = suspects.next();
    facts.also_reported = suspects.collect();
    given.facts = Sealed::new(facts);
    given
}

fn own(node: &Node, name: &str) -> Option<String> {
    node.text_of(name)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
}

// Long: reads the fields in the order of the form.
fn facts(report: &Node) -> Facts {
    let mut facts = Facts::default();
    if let Some(summary) = report.child("incidentSummary") {
        facts.incident = summary.text_of("incidentType").and_then(incident);
        facts.platform = own(summary, "platform");
        facts.urgent_because = own(summary, "escalateToHighPriority");
        facts.occurred_at = own(summary, "incidentDateTime");
        for (name, tag) in [
            ("sextortion", IncidentTag::Sextortion),
            ("csamSolicitation", IncidentTag::Solicitation),
            ("minorToMinorInteraction", IncidentTag::MinorToMinor),
            ("spam", IncidentTag::Spam),
            ("sadisticOnlineExploitation", IncidentTag::Sadistic),
        ] {
            if summary
                .child("reportAnnotations")
                .is_some_and(|a| a.child(name).is_some())
            {
                facts.tags.push(tag);
            }
        }
    }
    for details in report.all("internetDetails") {
        let Some(place) = details.children.first() else {
            continue;
        };
        let note = own(place, "additionalInfo");
        match place.name.as_str() {
            "webPageIncident" => facts.places.push(Place::WebPage {
                urls: place.all("url").map(|u| u.text.trim().to_owned()).collect(),
                third_party: None,
                note,
            }),
            // A chat room is stored twice: as a thread, which links reports, and as a place, which
            // holds the text.
            "chatImIncident" => {
                if let Some(room) = own(place, "chatRoomName") {
                    facts.threads.push(Thread {
                        id: Some(room),
                        service: own(place, "chatClient"),
                        ..Thread::default()
                    });
                }
                facts.places.push(Place::Chat {
                    client: own(place, "chatClient"),
                    room: own(place, "chatRoomName"),
                    content: own(place, "content"),
                    note,
                });
            }
            "onlineGamingIncident" => facts.places.push(Place::Game {
                name: own(place, "gameName"),
                console: own(place, "console"),
                content: own(place, "content"),
                note,
            }),
            "emailIncident" => facts.places.push(Place::Email {
                addresses: place.all("emailAddress").map(email).collect(),
                content: own(place, "content"),
                note,
            }),
            // Only what links and ranks reports is extracted; the rest is in the original
            // (docs/reporting.md).
            _ => {}
        }
    }
    facts.reported = report.child("personOrUserReported").map(account);
    let more = report.all("personOrUserReported").skip(1);
    match report.child("batchedReport") {
        // In a batched report only the account ids carry information.
        Some(_) => facts.batched_accounts = more.filter_map(|p| own(p, "espIdentifier")).collect(),
        None => facts.also_reported = more.map(account).collect(),
    }
    facts.recipients = report.all("intendedRecipient").map(account).collect();
    facts.victims = report.all("victim").map(account).collect();
    facts.note = own(report, "additionalInfo");
    facts
}

fn email(node: &Node) -> Email {
    Email {
        address: node.text.trim().to_owned(),
        ..Email::default()
    }
}

fn account(node: &Node) -> Account {
    let person = [
        "personOrUserReportedPerson",
        "intendedRecipientPerson",
        "victimPerson",
    ]
    .iter()
    .find_map(|n| node.child(n));
    Account {
        person: person
            .filter(|p| !p.children.is_empty())
            .map(|p| NamedPerson {
                first_name: own(p, "firstName"),
                last_name: own(p, "lastName"),
                phones: p
                    .all("phone")
                    .map(|n| Phone {
                        number: n.text.trim().to_owned(),
                        country_code: n.attribute("countryCallingCode").map(str::to_owned),
                        ..Phone::default()
                    })
                    .collect(),
                emails: p.all("email").map(email).collect(),
                age: p.text_of("age").and_then(|a| a.parse().ok()),
                born: own(p, "dateOfBirth"),
                ..NamedPerson::default()
            }),
        id: own(node, "espIdentifier"),
        service: own(node, "espService"),
        screen_name: own(node, "screenName"),
        display_names: texts(node, "displayName"),
        profile_urls: texts(node, "profileUrl"),
        bio: own(node, "profileBio"),
        associated: node
            .all("associatedAccount")
            .map(|a| Account {
                tie: a.attribute("type").map(str::to_owned),
                ..account(a)
            })
            .collect(),
        ip_events: node.all("ipCaptureEvent").map(event).collect(),
        devices: node
            .all("deviceId")
            .map(|d| Device {
                kind: own(d, "idType").unwrap_or_default(),
                value: own(d, "idValue").unwrap_or_default(),
                ..Device::default()
            })
            .collect(),
        prior_reports: node
            .all("priorCTReports")
            .filter_map(|n| n.text.trim().parse().ok())
            .collect(),
        group: own(node, "groupIdentifier"),
        location: node.child("estimatedLocation").map(|l| Location {
            city: own(l, "city"),
            region: own(l, "region"),
            country: own(l, "countryCode"),
            ..Location::default()
        }),
        note: own(node, "additionalInfo"),
        ..Account::default()
    }
}

fn texts(node: &Node, name: &str) -> Vec<String> {
    let texts = node.all(name).map(|n| n.text.trim().to_owned());
    texts.filter(|t| !t.is_empty()).collect()
}

fn event(node: &Node) -> IpEvent {
    IpEvent {
        address: own(node, "ipAddress").unwrap_or_default(),
        event: own(node, "eventName"),
        at: own(node, "dateTime"),
        port: node.text_of("port").and_then(|p| p.parse().ok()),
        ..IpEvent::default()
    }
}

fn file_facts(node: &Node, given: &mut ParsedReport) -> FileFacts {
    // Digests belong to the report and not to the facts of the file: intake links reports by them.
    for hash in node.all("originalFileHash") {
        put_digest(
            given,
            hash.attribute("hashType").unwrap_or_default(),
            &hash.text,
        );
    }
    // The second place that the schema has for digests: details of the type HASH.
    for details in node
        .all("details")
        .filter(|d| d.attribute("type") == Some("HASH"))
    {
        for pair in details.all("nameValuePair") {
            put_digest(
                given,
                pair.text_of("name").unwrap_or_default(),
                pair.text_of("value").unwrap_or_default(),
            );
        }
    }
    let annotations = node.child("fileAnnotations");
    FileFacts {
        original_name: own(node, "originalFileName"),
        uploaded_at: own(node, "uploadedToEspTimestamp"),
        url: own(node, "locationOfFile"),
        annotations: annotations
            .into_iter()
            .flat_map(|a| &a.children)
            .map(|c| c.name.clone())
            .collect(),
        ip_event: node.child("ipCaptureEvent").map(event),
        note: own(node, "additionalInfo"),
        ..FileFacts::default()
    }
}

/// The reports of a file that has a `<reports>` container within its first 1,024 bytes, each with
/// the file details that follow it; empty for any other file.
pub(super) fn each_report(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    // The container's tag comes first, so a long single report need not be searched to its end.
    // 1,024 bytes are our judgement.
    let head = &bytes[..bytes.len().min(1_024)];
    if find(head, b"<reports").is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    // Splits bytes instead of parsing a tree: a broken report must cost neither the whole file nor
    // the next report. Whatever comes before, between and after the reports becomes one more part,
    // so that it is kept and ranked.
    let mut leftover = Vec::new();
    let mut rest = bytes;
    while let Some(start) = next_report(rest) {
        leftover.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let next = next_report(&rest[1..]).map(|at| at + 1);
        if let Some(next) = next.filter(|n| find(&rest[..*n], b"</report>").is_none()) {
            // Another report begins before this one ends.
            found.push(Cow::Borrowed(&rest[..next]));
            rest = &rest[next..];
            continue;
        }
        let Some(end) = find(rest, b"</report>").map(|at| at + b"</report>".len()) else {
            // The file is cut off here: the rest still becomes a report, an unreadable one.
            found.push(Cow::Borrowed(rest));
            rest = &[];
            break;
        };
        let (report, after) = rest.split_at(end);
        // The details of its files follow a report, up to the next one.
        let tail = &after[..next_report(after).unwrap_or(after.len())];
        let close = b"</fileDetails>";
        let details =
            find(tail, b"<fileDetails").zip(tail.windows(close.len()).rposition(|w| w == close));
        rest = after;
        found.push(match details {
            // A wrapper makes it one document again; read() looks for the parts at any depth.
            Some((from, to)) => {
                let to = to + close.len();
                leftover.extend_from_slice(&tail[..from]);
                rest = &after[to..];
                Cow::Owned([b"<packet>", report, &tail[from..to], b"</packet>"].concat())
            }
            None => Cow::Borrowed(report),
        });
    }
    if !found.is_empty() {
        leftover.extend_from_slice(rest);
        if says_something(&leftover) {
            found.push(Cow::Owned(leftover));
        }
    }
    found
}

/// True if `leftover` has more than an XML declaration, the container's own tags and white space.
fn says_something(leftover: &[u8]) -> bool {
    let text = String::from_utf8_lossy(leftover);
    let mut rest = text.trim();
    while let Some(tag) = ["<?xml", "<reports", "</reports"]
        .iter()
        .find(|t| rest.starts_with(**t))
    {
        let end = rest.find('>').map_or(rest.len(), |at| at + 1);
        rest = rest[tag.len().max(end)..].trim_start();
    }
    !rest.is_empty()
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|w| w == what)
}

/// Where the next `<report>` begins; other elements begin with the same letters.
fn next_report(within: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = find(&within[from..], b"<report") {
        match within.get(from + at + b"<report".len()) {
            Some(b'>' | b' ' | b'\t' | b'\r' | b'\n') => return Some(from + at),
            _ => from += at + 1,
        }
    }
    None
}
