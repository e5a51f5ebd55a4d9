//! A CyberTipline report in JSON, as US task forces get it from NCMEC's case system.

use obhut_facts::{
    Account, Email, Facts, FileFacts, IncomingFormat, IpEvent, ParsedReport, Person, Phone,
    RiskFact, Sealed, Understood,
};
use serde_json::Value;

use super::json::{items, own, said, texts};
use super::{Format, Input, cybertip, empty, put_digest};

pub(super) const FORMAT: Format = Format {
    is: |input| {
        input
            .json
            .as_ref()
            .is_some_and(|v| v["reportedInformation"].is_object())
    },
    read,
};

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::Ids);
    given.number = own(value, "reportId");
    let reported = &value["reportedInformation"];
    let summary = &reported["incidentSummary"];
    let mut facts = Facts {
        occurred_at: own(summary, "incidentDateTime"),
        urgent_because: own(summary, "escalateToHighPriority"),
        platform: own(summary, "platform"),
        ..Facts::default()
    };
    let mut notes = texts(reported, "additionalInformations");
    match own(summary, "incidentType") {
        None => given.understood = Understood::Partly,
        Some(kind) => match cybertip::incident(&kind) {
            Some(kind) => facts.incident = Some(kind),
            None => {
                given.understood = Understood::Partly;
                notes.push(cybertip::unknown_incident(&kind));
            }
        },
    }
    let mut people = items(&reported["reportedPeople"], "reportedPersons")
        .into_iter()
        .map(account);
    facts.reported = people.next();
    facts.also_reported = people.collect();
    // The reporting provider is the reporter, never a reported person.
    for (number, file) in items(&reported["uploadedFiles"], "uploadedFiles")
        .into_iter()
        .enumerate()
    {
        if let Some(md5) = own(file, "verificationHash") {
            put_digest(&mut given, "md5", &md5);
        }
        for hash in items(file, "hashes") {
            let kind = own(hash, "type").or_else(|| own(hash, "hashType"));
            put_digest(
                &mut given,
                &kind.unwrap_or_default(),
                &own(hash, "value").unwrap_or_default(),
            );
        }
        let mut known = FileFacts {
            original_name: own(file, "filename"),
            ..FileFacts::default()
        };
        let tags = items(&file["ncmecTags"], "groups");
        for tag in tags
            .into_iter()
            .flat_map(|g| items(g, "tags"))
            .filter_map(said)
        {
            if tag.contains("Infant") || tag.contains("Toddler") {
                known.annotations.push("infant".into());
            }
        }
        facts.files.insert(format!("{:05}", number + 1), known);
    }
    if facts
        .files
        .values()
        .any(|f| f.annotations.iter().any(|a| a == "infant"))
    {
        facts.risks.push(RiskFact::Infant);
    }
    facts.note = Some(notes.join("\n")).filter(|n| !n.is_empty());
    given.facts = Sealed::new(facts);
    Ok(given)
}

fn account(value: &Value) -> Account {
    let captures = items(&value["sourceInformation"], "sourceCaptures");
    let ip_events = captures
        .into_iter()
        .filter(|c| {
            own(c, "captureType").is_some_and(|t| {
                // A whole word: "Description" and "Zip code" contain "ip" too.
                t.to_lowercase()
                    .split(|c: char| !c.is_alphanumeric())
                    .any(|w| w == "ip")
            })
        })
        .filter_map(|c| {
            Some(IpEvent {
                address: own(c, "value")?,
                event: own(c, "eventName"),
                at: own(c, "dateTime"),
                port: own(c, "port").and_then(|p| p.parse().ok()),
                ..IpEvent::default()
            })
        })
        .collect();
    let emails: Vec<Email> = texts(value, "emails")
        .into_iter()
        .map(|address| Email {
            address,
            ..Email::default()
        })
        .collect();
    let phones: Vec<Phone> = texts(value, "phones")
        .into_iter()
        .map(|number| Phone {
            number,
            ..Phone::default()
        })
        .collect();
    let person = Person {
        first_name: own(value, "firstName"),
        last_name: own(value, "lastName"),
        emails,
        phones,
        ..Person::default()
    };
    let mut names = texts(value, "screenNames").into_iter();
    Account {
        id: own(value, "espUserId"),
        screen_name: names.next(),
        display_names: names.collect(),
        person: (person != Person::default()).then_some(person),
        ip_events,
        ..Account::default()
    }
}
