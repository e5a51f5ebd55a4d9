//! Renders a report as CyberTipline XML: `<report>` and one `<fileDetails>` for each file, every
//! element in the order of the schema of 2025-11-10.
//!
//! Facts the schema has no element for (payments, wallets, risks, values that don't fit) go into
//! the free text at the end, labelled with their field. Two elements of a file are not rendered
//! because others already carry their values: `potentialMeme` (carried by the annotation of that
//! name) and `fileName` (by `originalFileName`).
//!
//! Invariant: `fileViewedByEsp` and `exifViewedByEsp` come from the record of views.
//!
//! Invariant: a report is parsed and validated against schema and rules before it is returned. A
//! retraction is not.

mod accounts;
pub mod rules;
pub mod schema;
mod xml;

use obhut_facts::{
    Dossier, Facts, IncidentKind, IncidentTag, LawEnforcement, Message, Place, ReportedFile,
    Thread, rfc3339,
};

use super::{FileDocument, Form, FormStatus, Omitted, Remark, Rendered, attached, stays_here};
use crate::tree;
use accounts::Part;
use xml::{Xml, terse};

/// NCMEC's CyberTipline.
pub const FORM: Form = Form {
    name: "ncmec",
    title: "National Center for Missing & Exploited Children, CyberTipline (USA)",
    source: "CyberTipline Reporting API, documentation of 2025-06-11, schema of 2025-11-10",
    status: FormStatus::Preview,
    write,
};

/// The scale whose values `industryClassification` takes.
const INDUSTRY_SCALE: &str = "ncmec-industry";
const FILE_ANNOTATIONS: [&str; 10] = [
    "animeDrawingVirtualHentai",
    "potentialMeme",
    "viral",
    "possibleSelfProduction",
    "physicalHarm",
    "violenceGore",
    "bestiality",
    "liveStreaming",
    "infant",
    "generativeAi",
];
/// Longest name of a kind of digest, in characters (documentation of 2025-06-11).
const HASH_KIND_CHARS_MAX: usize = 64;
/// Placeholders for the receiver's ids; both are valid under the schema.
const REPORT_ID: &str = "9007199254740991";
const FILE_ID: &str = "00000000placeholder00000000";

fn write(d: &Dossier) -> Rendered {
    let facts = d.facts.expose();
    let batched = !facts.batched_accounts.is_empty();
    let mut xml = Xml::document("report", "facts", |x| match batched {
        true => batched_report(x, d, facts),
        false => single_report(x, d, facts),
    });
    if batched {
        omit_all_but_accounts(&mut xml, facts);
    }
    let (report, mut remarks, mut omitted) = xml.finish();
    // Parsed again, so that what is checked is what will be sent.
    remarks.extend(refused(&report, d, |_| Vec::new()));
    let mut files = Vec::new();
    for file in &d.files {
        let (document, said, left) = file_document(d, file, batched);
        remarks.extend(said);
        omitted.extend(left);
        files.push(document);
    }
    if batched && files.len() != 1 {
        remarks.push(Remark {
            field: "fileDetails".into(),
            what: "a batched report has exactly one file".into(),
            source: schema::DOCUMENTATION,
            stops: true,
        });
    }
    omitted.extend(stays_here(d));
    // Paths in file details name no file, so several files may give the same remark.
    let mut seen: Vec<Remark> = Vec::new();
    for remark in remarks {
        if !seen.contains(&remark) {
            seen.push(remark);
        }
    }
    Rendered {
        report: report.into_bytes(),
        media_type: "text/xml; charset=utf-8",
        files,
        attached: attached(d),
        remarks: seen,
        omitted,
    }
}

/// A stopping remark for each part of a document that the service would refuse, by the schema, the
/// rules and `more`.
fn refused(
    text: &str,
    d: &Dossier,
    more: fn(&tree::Node) -> Vec<schema::SchemaFault>,
) -> Vec<Remark> {
    let node = match tree::parse(text) {
        Ok(node) => node,
        Err(fault) => {
            return vec![Remark {
                field: "report".into(),
                what: format!("too large or not XML: {fault}"),
                source: schema::SCHEMA,
                stops: true,
            }];
        }
    };
    // The dossier's time and not the clock: rendering stays pure.
    let now = jiff::Timestamp::from_microsecond(d.made_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mut faults = schema::faults(&node);
    faults.extend(rules::faults(&node, now));
    faults.extend(more(&node));
    faults
        .into_iter()
        .map(|f| Remark {
            what: match f.path.ends_with("reportingPerson/email") {
                true => "NCMEC requires it; the reporter has no e-mail address".to_owned(),
                false => f.what,
            },
            field: f.path,
            source: f.source,
            stops: true,
        })
        .collect()
}

fn single_report(x: &mut Xml, d: &Dossier, facts: &Facts) {
    incident_summary(x, d, facts, false);
    let known = known_addresses(facts);
    x.each("places", &facts.places, |x, place| {
        x.element("internetDetails", |x| internet_details(x, place, &known));
    });
    x.each("threads", &facts.threads, |x, t| {
        x.element("internetDetails", |x| thread(x, t));
    });
    if facts.places.is_empty() && facts.threads.is_empty() {
        x.remark(
            "internetDetails",
            "NCMEC asks for at least one place; add `places` to the facts of the case",
            schema::DOCUMENTATION,
        );
    }
    if let Some(police) = &facts.law_enforcement {
        x.of("law_enforcement", |x| law_enforcement(x, police));
    }
    reporter(x, d);
    match &facts.reported {
        Some(account) => x.of("reported", |x| {
            x.element("personOrUserReported", |x| {
                accounts::account(x, account, Part::Reported)
            });
        }),
        None => x.remark(
            "personOrUserReported",
            "no account is named; police can hardly begin without one",
            "18 USC 2258A(b)",
        ),
    }
    // The service takes one person, so the others are in the free text.
    x.each("also_reported", &facts.also_reported, |x, account| {
        x.left_over_whole("", account)
    });
    x.each("recipients", &facts.recipients, |x, account| {
        x.element("intendedRecipient", |x| {
            accounts::account(x, account, Part::Recipient)
        });
    });
    x.each("victims", &facts.victims, |x, account| {
        x.element("victim", |x| accounts::account(x, account, Part::Victim));
    });
    // Must come before the free text, which collects everything that is left over.
    no_element(x, d, facts);
    x.end_with_left_over("additionalInfo", "note", facts.note.as_deref());
}

/// Facts the schema has no element for.
fn no_element(x: &mut Xml, d: &Dossier, facts: &Facts) {
    x.each("payments", &facts.payments, |x, p| {
        x.left_over("", &terse(p))
    });
    x.each("wallets", &facts.wallets, |x, w| x.left_over("", &terse(w)));
    x.each("risks", &facts.risks, |x, r| x.left_over("", r.word()));
    for (field, value) in [
        ("series", facts.series.as_deref()),
        ("known_at", facts.known_at.as_deref()),
        ("detected_by", facts.detected_by.map(|v| v.word())),
        (
            "removed",
            facts.removed.map(|r| if r { "true" } else { "false" }),
        ),
        ("removed_at", facts.removed_at.as_deref()),
        ("reupload_of", facts.reupload_of.as_deref()),
    ] {
        if let Some(value) = value {
            x.left_over(field, value);
        }
    }
    for number in &d.supplements {
        let text = format!("this report supplements CyberTipline report {number} of the same case");
        x.left_over("supplements", &text);
    }
    if let Some(since) = d.appealed_at {
        let text = format!(
            "the account's holder has appealed against the provider's decision, since {}; it is not decided yet",
            rfc3339(since)
        );
        x.left_over("appeal", &text);
    }
    for (field, why) in crate::documents::dossier_json::received(facts) {
        x.omit(field, why);
    }
    if facts.financial.is_some() {
        x.omit("financial", "goes to a financial intelligence unit only");
    }
    if let Some(place) = &facts.jurisdiction {
        x.left_over_whole("jurisdiction", place);
    }
    // Facts about a file that is not among the case's files: no fileDetails is written for it.
    for (key, file) in &facts.files {
        if !d.files.iter().any(|f| f.key == *key) {
            x.left_over_whole(&format!("files.{key}"), file);
        }
    }
}

/// A batched report: a viral meme that many accounts posted. The service accepts only the ids of
/// the accounts.
fn batched_report(x: &mut Xml, d: &Dossier, facts: &Facts) {
    x.empty(
        "batchedReport",
        &[("reason", "", Some("VIRAL_POTENTIAL_MEME".into()))],
    );
    incident_summary(x, d, facts, true);
    let why = "a batched report takes only the ids of the accounts";
    if !d.supplements.is_empty() {
        x.omit("supplements", why);
    }
    if d.appealed_at.is_some() {
        x.omit("appeal", why);
    }
    reporter(x, d);
    if let Some(id) = facts.reported.as_ref().and_then(|a| a.id.as_ref()) {
        x.element("personOrUserReported", |x| {
            x.value("espIdentifier", "reported.id", Some(id))
        });
    }
    x.each("batched_accounts", &facts.batched_accounts, |x, id| {
        x.element("personOrUserReported", |x| x.item("espIdentifier", id));
    });
}

fn omit_all_but_accounts(x: &mut Xml, facts: &Facts) {
    let value = serde_json::to_value(facts).expect("facts are JSON");
    // Compared with an empty case, because serde writes fields that were never set too.
    let empty = serde_json::to_value(Facts::default()).expect("facts are JSON");
    let why = "a batched report takes only the ids of the accounts";
    for (field, value) in value.as_object().into_iter().flatten() {
        let kept = [
            "incident",
            "tags",
            "occurred_at",
            "occurred_at_note",
            "platform",
            "batched_accounts",
            "files",
        ];
        if empty.get(field) == Some(value) || kept.contains(&field.as_str()) {
            continue;
        }
        if field != "reported" {
            x.omit(field, why);
            continue;
        }
        // The account's id is in the report; its other fields aren't.
        let account =
            serde_json::to_value(obhut_facts::Account::default()).expect("facts are JSON");
        for (own, value) in value.as_object().into_iter().flatten() {
            if own != "id" && account.get(own) != Some(value) {
                x.omit(&format!("reported.{own}"), why);
            }
        }
    }
}

fn incident_summary(x: &mut Xml, d: &Dossier, facts: &Facts, batched: bool) {
    x.element("incidentSummary", |x| {
        // The schema requires a type; `material` is the case file's default (facts/src/lib.rs).
        let kind = incident_type(facts.incident.unwrap_or(IncidentKind::Material));
        x.value("incidentType", "incident", Some(kind));
        let service = Some(d.reporter.service.as_str()).filter(|s| !s.trim().is_empty());
        x.value("platform", "platform", facts.platform.as_deref().or(service));
        if !batched {
            x.value("escalateToHighPriority", "urgent_because", facts.urgent_because.as_deref());
        }
        if !facts.tags.is_empty() {
            x.element("reportAnnotations", |x| {
                for (tag, name) in [
                    (IncidentTag::Sextortion, "sextortion"),
                    (IncidentTag::Solicitation, "csamSolicitation"),
                    (IncidentTag::MinorToMinor, "minorToMinorInteraction"),
                    (IncidentTag::Spam, "spam"),
                    (IncidentTag::Sadistic, "sadisticOnlineExploitation"),
                ] {
                    if facts.tags.contains(&tag) {
                        x.value(name, "tags", Some("true"));
                    }
                }
            });
        }
        // The service takes only times with a zone, and a Timestamp does not parse without one.
        let known = facts.occurred_at.as_deref().filter(|t| t.trim().parse::<jiff::Timestamp>().is_ok());
        if let (None, Some(wrong)) = (known, &facts.occurred_at) {
            x.remark("incidentDateTime", "isn't a time with a zone, like 2026-11-22T10:15:00Z; the time it was found is used instead", schema::SCHEMA);
            x.left_over("occurred_at", wrong);
        }
        let found = rfc3339(d.found_at);
        // If the case says nothing else, the time of the first upload counts as the incident's.
        let uploaded = d.files.iter().filter_map(|f| f.uploaded_at).min().map(rfc3339);
        let at = known.or(uploaded.as_deref()).unwrap_or(&found);
        x.value("incidentDateTime", "occurred_at", Some(at));
        let note = match (&facts.occurred_at_note, known, &uploaded) {
            (Some(note), _, _) => Some(note.as_str()),
            (None, None, Some(_)) => Some("The time of the first upload; nothing else is known of the time of the incident."),
            (None, None, None) => Some("The time at which the provider found it; the time of the incident is not known."),
            (None, Some(_), _) => None,
        };
        x.value("incidentDateTimeDescription", "occurred_at_note", note);
    });
}

/// A retraction. A finished report can't be changed any more, so it is retracted by a second report.
pub struct Retraction<'a> {
    /// The number of the report that is retracted.
    pub number: &'a str,
    /// The kind of incident of that report.
    pub incident: IncidentKind,
    /// The reporter's e-mail.
    pub email: &'a str,
    /// The reason; empty if none is on record.
    pub because: &'a str,
    /// Time of the retraction, RFC 3339.
    pub at: &'a str,
}

/// The XML of a retraction. A value that doesn't fit the schema is dropped, and nothing checks the
/// result.
pub fn retraction(of: &Retraction<'_>) -> String {
    let number = of.number;
    let because = match of.because {
        "" => "no reason is on record",
        because => because,
    };
    // The least that schema and rules accept, with the first report's number and the reason.
    let xml = Xml::document("report", "retraction", |x| {
        x.element("incidentSummary", |x| {
            x.value("incidentType", "", Some(incident_type(of.incident)));
            x.value("incidentDateTime", "", Some(of.at));
            x.value(
                "incidentDateTimeDescription",
                "",
                Some("The time of this retraction."),
            );
        });
        x.element("reporter", |x| {
            x.element("reportingPerson", |x| x.value("email", "", Some(of.email)));
        });
        // `priorCTReports` is where the schema has room for the number of an earlier report.
        x.element("personOrUserReported", |x| {
            x.value("priorCTReports", "", Some(number))
        });
        x.value("additionalInfo", "", Some(format!("RETRACTION. The reporter retracts CyberTipline report {number} entirely. Reason: {because}. Please reverse the actions taken because of it, and inform everyone it was passed on to.")));
    });
    xml.finish().0
}

/// The schema's word for a kind of incident.
fn incident_type(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::Material => "Child Pornography (possession, manufacture, and distribution)",
        IncidentKind::Trafficking => "Child Sex Trafficking",
        IncidentKind::Tourism => "Child Sex Tourism",
        IncidentKind::Molestation => "Child Sexual Molestation",
        IncidentKind::MisleadingDomain => "Misleading Domain Name",
        IncidentKind::MisleadingWords => "Misleading Words or Digital Images on the Internet",
        IncidentKind::Enticement => "Online Enticement of Children for Sexual Acts",
        IncidentKind::UnsolicitedObscene => "Unsolicited Obscene Material Sent to a Child",
    }
}

/// E-mail addresses already attached to a person in the report.
fn known_addresses(facts: &Facts) -> Vec<&str> {
    let people = facts
        .reported
        .iter()
        .chain(&facts.recipients)
        .chain(&facts.victims);
    people
        .filter_map(|a| a.person.as_ref())
        .flat_map(|p| &p.emails)
        .map(|e| e.address.as_str())
        .filter(|a| rules::refuses("email", a).is_none())
        .collect()
}

fn addresses(x: &mut Xml, all: &[obhut_facts::Email], known: &[&str]) {
    x.each("addresses", all, |x, e| {
        if known.contains(&e.address.as_str()) {
            accounts::email(x, "emailAddress", e);
            return;
        }
        x.remark("emailAddress", "must also be listed with a reported person, a recipient or a child; it is in the free text at the end instead", schema::DOCUMENTATION);
        x.left_over("", &terse(e));
    });
}

// Long: writes the elements in the order of the form.
fn internet_details(x: &mut Xml, place: &Place, known: &[&str]) {
    match place {
        Place::WebPage {
            urls,
            third_party,
            note,
        } => x.element_with(
            "webPageIncident",
            &[(
                "thirdPartyHostedContent",
                "third_party",
                third_party.map(|t| t.to_string()),
            )],
            |x| {
                x.each("urls", urls, |x, u| x.item("url", u));
                x.value("additionalInfo", "note", note.as_deref());
            },
        ),
        Place::Email {
            addresses: all,
            content,
            note,
        } => x.element("emailIncident", |x| {
            addresses(x, all, known);
            x.value("content", "content", content.as_deref());
            x.value("additionalInfo", "note", note.as_deref());
        }),
        Place::Newsgroup {
            name,
            addresses: all,
            content,
            note,
        } => x.element("newsgroupIncident", |x| {
            x.value("name", "name", name.as_deref());
            addresses(x, all, known);
            x.value("content", "content", content.as_deref());
            x.value("additionalInfo", "note", note.as_deref());
        }),
        Place::Chat {
            client,
            room,
            content,
            note,
        } => x.element("chatImIncident", |x| {
            x.value("chatClient", "client", client.as_deref());
            x.value("chatRoomName", "room", room.as_deref());
            x.value("content", "content", content.as_deref());
            x.value("additionalInfo", "note", note.as_deref());
        }),
        Place::Game {
            name,
            console,
            content,
            note,
        } => x.element("onlineGamingIncident", |x| {
            x.value("gameName", "name", name.as_deref());
            x.value("console", "console", console.as_deref());
            x.value("content", "content", content.as_deref());
            x.value("additionalInfo", "note", note.as_deref());
        }),
        Place::CellPhone {
            phone,
            latitude,
            longitude,
            note,
        } => x.element("cellPhoneIncident", |x| {
            if let Some(phone) = phone {
                x.of("phone", |x| accounts::phone(x, "phoneNumber", phone));
            }
            x.value("latitude", "latitude", *latitude);
            x.value("longitude", "longitude", *longitude);
            x.value("additionalInfo", "note", note.as_deref());
        }),
        Place::Offline {
            name,
            addresses: all,
            note,
        } => x.element("nonInternetIncident", |x| {
            x.value("locationName", "name", name.as_deref());
            x.each("addresses", all, |x, a| {
                accounts::address(x, "incidentAddress", a)
            });
            x.value("additionalInfo", "note", note.as_deref());
        }),
        Place::PeerToPeer {
            client,
            ip_events,
            file_names,
            note,
        } => x.element("peer2peerIncident", |x| {
            x.value("client", "client", client.as_deref());
            x.each("ip_events", ip_events, accounts::ip_event);
            x.value("fileNames", "file_names", file_names.as_deref());
            x.value("additionalInfo", "note", note.as_deref());
        }),
    }
}

/// A conversation as a chat incident, with one message per line.
fn thread(x: &mut Xml, t: &Thread) {
    x.element("chatImIncident", |x| {
        x.value("chatClient", "service", t.service.as_deref());
        x.value("chatRoomName", "id", t.id.as_deref());
        let lines: Vec<String> = t.messages.iter().map(line).collect();
        x.value(
            "content",
            "messages",
            Some(lines.join("\n")).filter(|c| !c.is_empty()),
        );
        x.value("additionalInfo", "note", t.note.as_deref());
    });
}

fn line(m: &Message) -> String {
    let at = m.at.as_deref().unwrap_or("(time unknown)");
    let from = m.from.as_deref().unwrap_or("(unknown)");
    let to = match m.to.as_slice() {
        [] => String::new(),
        to => format!(" → {}", to.join(", ")),
    };
    format!("[{at}] {from}{to}: {}", m.text)
}

fn law_enforcement(x: &mut Xml, police: &LawEnforcement) {
    x.element("lawEnforcement", |x| {
        x.value("agencyName", "agency", Some(&police.agency));
        x.value("caseNumber", "reference", police.reference.as_deref());
        if let Some(officer) = &police.officer {
            x.of("officer", |x| {
                x.element("officerContact", |x| accounts::contact(x, officer));
                // `officerContact` has no elements for these.
                for (field, value) in [
                    ("middle_name", officer.middle_name.clone()),
                    ("age", officer.age.map(|a| a.to_string())),
                    ("born", officer.born.clone()),
                ] {
                    if let Some(value) = value {
                        x.left_over(field, &value);
                    }
                }
            });
        }
        x.value("reportedToLe", "told_by_us", police.told_by_us);
        x.value(
            "servedLegalProcessDomestic",
            "process_domestic",
            police.process_domestic,
        );
        match (police.process_foreign, &police.process_country) {
            (Some(foreign), country) => x.value_with(
                "servedLegalProcessInternational",
                "process_foreign",
                &[("fleaCountry", "process_country", country.clone())],
                Some(foreign),
            ),
            (None, Some(country)) => x.left_over("process_country", country),
            (None, None) => {}
        }
    });
}

fn reporter(x: &mut Xml, d: &Dossier) {
    let r = &d.reporter;
    let given = |text: &str| Some(text.to_owned()).filter(|t| !t.trim().is_empty());
    x.element("reporter", |x| {
        x.element("reportingPerson", |x| {
            x.value("firstName", "reporter.first_name", given(&r.first_name));
            x.value("lastName", "reporter.last_name", given(&r.last_name));
            x.value("email", "reporter.email", given(&r.email));
        });
        if let Some(email) = given(&r.contact_email) {
            x.element("contactPerson", |x| {
                x.value("email", "reporter.contact_email", Some(email))
            });
        }
        x.value(
            "companyTemplate",
            "reporter.company_template",
            given(&r.company_template),
        );
        x.value(
            "termsOfService",
            "reporter.terms_of_service",
            given(&r.terms_of_service),
        );
        x.value("legalURL", "reporter.legal_url", given(&r.legal_url));
    });
}

// Long: writes the elements in the order of the form.
fn file_document(
    d: &Dossier,
    file: &ReportedFile,
    batched: bool,
) -> (FileDocument, Vec<Remark>, Vec<Omitted>) {
    let facts = file.facts.expose();
    let name = facts
        .original_name
        .as_deref()
        .or(file.name.as_ref().map(|n| base_name(n.expose())));
    let mut xml = Xml::document("fileDetails", &format!("facts.files.{}", file.key), |x| {
        x.value("reportId", "", Some(REPORT_ID));
        x.value("fileId", "", Some(FILE_ID));
        if !batched {
            x.value("originalFileName", "original_name", name);
        }
        let uploaded = file.uploaded_at.map(rfc3339);
        let said = facts.uploaded_at.as_deref();
        x.value(
            "uploadedToEspTimestamp",
            "uploaded_at",
            said.or(uploaded.as_deref()),
        );
        if !batched {
            x.value("locationOfFile", "url", facts.url.as_deref());
        }
        x.value("fileViewedByEsp", "", Some(file.viewed_whole));
        // The service accepts "EXIF viewed" only together with "file viewed". If only the metadata
        // was viewed, omit the element instead of stating something untrue.
        if file.viewed_whole || !file.viewed_metadata {
            x.value("exifViewedByEsp", "", Some(file.viewed_metadata));
        }
        // Never true because of the surface: where a file was meant to be seen doesn't say that it
        // was. A private message makes it false (`publicly_available` in casework's dossier).
        x.value("publiclyAvailable", "publicly_available", file.public);
        let supplemental = facts.supplemental || file.as_received;
        let relevance = if supplemental && !batched {
            "Supplemental Reported"
        } else {
            "Reported"
        };
        x.value("fileRelevance", "supplemental", Some(relevance));
        marks(x, facts, supplemental, batched);
        classification(x, d, file, supplemental, batched);
        if batched {
            return;
        }
        let digests = file.digests.as_ref().map(|d| d.expose());
        for (kind, value) in [
            (
                "SHA256",
                digests.map(|d| &d.sha256).or(facts.sha256.as_ref()),
            ),
            ("MD5", digests.map(|d| &d.md5)),
            ("SHA1", digests.map(|d| &d.sha1)),
            ("PDQ", digests.and_then(|d| d.pdq.as_ref())),
        ] {
            x.value_with(
                "originalFileHash",
                "sha256",
                &[("hashType", "", Some(kind.into()))],
                value,
            );
        }
        // Our own digest is in the element; a different one in the case file is still a fact.
        if let (Some(digests), Some(said)) = (digests, &facts.sha256)
            && digests.sha256 != *said
        {
            x.left_over("sha256", said);
        }
        x.each("original_hashes", &facts.original_hashes, |x, h| {
            // Checked here: a hashType that does not fit would
            // be dropped, and the schema requires one.
            if h.kind.chars().count() > HASH_KIND_CHARS_MAX {
                return x.left_over_whole("", h);
            }
            x.value_with(
                "originalFileHash",
                "value",
                &[("hashType", "kind", Some(h.kind.clone()))],
                Some(&h.value),
            );
        });
        if let Some(event) = &facts.ip_event {
            x.of("ip_event", |x| accounts::ip_event(x, event));
        }
        x.each("devices", &facts.devices, accounts::device);
        let read = digests.map_or(&[][..], |d| &d.exif[..]);
        // What the provider states comes first; a program's reading adds what isn't stated.
        let unstated = read.iter().filter(|r| !facts.exif.contains(r));
        let exif: Vec<_> = facts.exif.iter().chain(unstated).cloned().collect();
        if !exif.is_empty() {
            x.element_with("details", &[("type", "", Some("EXIF".into()))], |x| {
                x.each("exif", &exif, |x, (name, value)| {
                    x.element("nameValuePair", |x| {
                        x.value("name", "[0]", Some(name));
                        x.value("value", "[1]", Some(value));
                    });
                });
            });
        }
        if let Some(known) = file.known() {
            x.left_over("known", known);
        }
        if let Some(copy) = &file.viewed_copy {
            x.left_over(
                "viewed_copy",
                &format!("this copy was not viewed; the same bytes were, as {copy}"),
            );
        }
        if file.as_received {
            x.left_over(
                "as_received",
                "a report received from someone else, as it came in",
            );
        }
        if let Some(session) = &facts.session {
            x.left_over("session", session);
        }
        if let Some(media) = &file.media_type {
            x.left_over("media_type", media);
        }
        if let (Some(said), Some(media)) = (&facts.media_type, &file.media_type)
            && said != media
        {
            x.left_over("media_type", said);
        }
        if !file.seen_before.is_empty() {
            let cases = file.seen_before.join(", ");
            let more = if file.seen_in_more { " and others" } else { "" };
            x.left_over(
                "reupload_of",
                &format!("these bytes came in before, with {cases}{more}"),
            );
        }
        x.end_with_left_over("additionalInfo", "note", facts.note.as_deref());
    });
    if file.exhibit.is_none() {
        xml.remark(
            "upload",
            "the file is not in the vault; seal it with the case",
            schema::DOCUMENTATION,
        );
    }
    if batched {
        let why = "a batched report takes only marks and category of its file";
        for (field, given) in [
            ("original_name", name.is_some()),
            ("url", facts.url.is_some()),
            ("sha256", facts.sha256.is_some()),
            ("original_hashes", !facts.original_hashes.is_empty()),
            ("ip_event", facts.ip_event.is_some()),
            ("session", facts.session.is_some()),
            ("devices", !facts.devices.is_empty()),
            ("exif", !facts.exif.is_empty()),
            ("note", facts.note.is_some()),
            ("media_type", facts.media_type.is_some()),
            ("supplemental", facts.supplemental),
            (
                "annotations",
                facts
                    .annotations
                    .iter()
                    .any(|a| !matches!(a.as_str(), "viral" | "potentialMeme")),
            ),
        ] {
            if given {
                xml.omit(field, why);
            }
        }
    }
    let (text, mut remarks, omitted) = xml.finish();
    remarks.extend(refused(
        &text,
        d,
        match batched {
            true => rules::batched_file_faults,
            false => |_| Vec::new(),
        },
    ));
    // The first occurrence is ours: both ids are written before any fact.
    let (before, rest) = text.split_once(REPORT_ID).expect("written above");
    let (between, after) = rest.split_once(FILE_ID).expect("written above");
    let document = FileDocument {
        exhibit: file.exhibit.clone(),
        name: name.map(str::to_owned),
        before: before.to_owned(),
        between: between.to_owned(),
        after: after.to_owned(),
    };
    (document, remarks, omitted)
}

fn marks(x: &mut Xml, facts: &obhut_facts::FileFacts, supplemental: bool, batched: bool) {
    // As in rules.rs: a batched report takes only two marks, and a supplemental file takes any but
    // potentialMeme.
    let takes = |a: &str| match (batched, supplemental) {
        (true, _) => matches!(a, "viral" | "potentialMeme"),
        (false, true) => a != "potentialMeme" && FILE_ANNOTATIONS.contains(&a),
        (false, false) => FILE_ANNOTATIONS.contains(&a),
    };
    if !batched {
        for (number, other) in facts.annotations.iter().enumerate() {
            if !takes(other) {
                x.remark("fileAnnotations", "the service doesn't accept an annotation here; it is in the free text at the end instead", schema::SCHEMA);
                x.left_over(&format!("annotations[{number}]"), other);
            }
        }
    }
    let marks: Vec<_> = FILE_ANNOTATIONS
        .into_iter()
        .filter(|name| takes(name) && facts.annotations.iter().any(|a| a == name))
        .collect();
    if !marks.is_empty() {
        x.element("fileAnnotations", |x| {
            marks
                .into_iter()
                .for_each(|name| x.value(name, "annotations", Some("true")));
        });
    }
}

/// Writes the file's category as `industryClassification` if it is on the scale the service takes,
/// the provider may classify and the file isn't supplemental; otherwise into the free text. The file
/// of a batched report has no free text, so there it is omitted.
fn classification(
    x: &mut Xml,
    d: &Dossier,
    file: &ReportedFile,
    supplemental: bool,
    batched: bool,
) {
    let facts = file.facts.expose();
    let Some(category) = &file.category else {
        if facts.category.is_some() {
            x.omit(
                "category",
                "the file isn't a picture or video, so it has no such category",
            );
        }
        return;
    };
    let (scale, value) = (category.scale.as_str(), category.value.as_str());
    let industry = scale == INDUSTRY_SCALE && schema::knows("fileClassification", value);
    let agreed = !d.reporter.industry_agreement.trim().is_empty();
    if industry && agreed && !supplemental {
        x.value("industryClassification", "category", Some(value));
        return;
    }
    let instead = match batched {
        true => "the category is omitted",
        false => "the category is in the free text at the end",
    };
    if industry && !agreed {
        x.remark(
            "industryClassification",
            &format!("only providers with NCMEC's Industry Hash Sharing agreement classify; record its reference among the reporter's settings; until then {instead}"),
            schema::SCHEMA,
        );
    } else if !supplemental {
        x.remark(
            "industryClassification",
            &format!("the category is on another scale; NCMEC takes A1, A2, B1, B2 of ncmec-industry. Instead, {instead}"),
            schema::DOCUMENTATION,
        );
    }
    if batched {
        let why = "a batched report takes only a category of ncmec-industry, and only from providers that may classify";
        return x.omit("category", why);
    }
    x.left_over("category", &format!("{scale} {value}"));
}

/// The last part of a path: the folders on the provider's own disk mean nothing to police.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
