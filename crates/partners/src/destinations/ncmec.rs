//! A report to CyberTipline XML: `<report>` and one `<fileDetails>` for each file, every element in
//! the order of the schema of 2025-11-10.
//!
//! Not rendered, because nothing of ours stands behind it yet: `batchedReport` (memes),
//! `potentialMeme` of a file (the annotation says it), `fileName`.
//! Invariant: `fileViewedByEsp` and `exifViewedByEsp` are what the record of views says.

mod accounts;
mod xml;

use obhut_casework::{
    Facts, IncidentKind, IncidentTag, LawEnforcement, Place, Report, ReportedFile, Surface, rfc3339,
};

use super::{Destination, FileDocument, Rendered, Status};
use accounts::Part;
use xml::Xml;

/// NCMEC's CyberTipline.
pub const DESTINATION: Destination = Destination {
    name: "ncmec",
    title: "National Center for Missing & Exploited Children, CyberTipline (USA)",
    source: "CyberTipline Reporting API, documentation of 2025-06-11, schema of 2025-11-10",
    status: Status::Preview,
    render,
};

/// The scale whose values `industryClassification` takes.
const INDUSTRY_SCALE: &str = "ncmec-industry";
const INDUSTRY_VALUES: [&str; 4] = ["A1", "A2", "B1", "B2"];
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
/// Stand where the receiver's ids will be.
const REPORT_ID: &str = "@report-id@";
const FILE_ID: &str = "@file-id@";

fn render(report: &Report) -> Rendered {
    let mut xml = Xml::new();
    let facts = report.facts.expose();
    xml.element("report", |x| {
        incident_summary(x, report, facts);
        for place in &facts.places {
            x.element("internetDetails", |x| internet_details(x, place));
        }
        if facts.places.is_empty() {
            x.remark(
                "internetDetails",
                "NCMEC asks for at least one place; add `places` to the facts of the case",
            );
        }
        if let Some(police) = &facts.law_enforcement {
            law_enforcement(x, police);
        }
        reporter(x, report);
        if let Some(account) = &facts.reported {
            x.element("personOrUserReported", |x| {
                accounts::account(x, account, Part::Reported)
            });
        } else {
            x.remark(
                "personOrUserReported",
                "no account is named; police can hardly begin without one",
            );
        }
        for account in &facts.recipients {
            x.element("intendedRecipient", |x| {
                accounts::account(x, account, Part::Recipient)
            });
        }
        for account in &facts.victims {
            x.element("victim", |x| accounts::account(x, account, Part::Victim));
        }
        x.maybe("additionalInfo", facts.note.as_deref(), None);
    });
    let mut files = Vec::new();
    for file in &report.files {
        files.push(file_document(&mut xml, report, file));
    }
    let (report, remarks) = xml.finish();
    Rendered {
        report,
        files,
        remarks,
    }
}

fn incident_summary(x: &mut Xml, report: &Report, facts: &Facts) {
    x.element("incidentSummary", |x| {
        let kind = match facts.incident.unwrap_or(IncidentKind::Material) {
            IncidentKind::Material => "Child Pornography (possession, manufacture, and distribution)",
            IncidentKind::Trafficking => "Child Sex Trafficking",
            IncidentKind::Tourism => "Child Sex Tourism",
            IncidentKind::Molestation => "Child Sexual Molestation",
            IncidentKind::MisleadingDomain => "Misleading Domain Name",
            IncidentKind::MisleadingWords => "Misleading Words or Digital Images on the Internet",
            IncidentKind::Enticement => "Online Enticement of Children for Sexual Acts",
            IncidentKind::UnsolicitedObscene => "Unsolicited Obscene Material Sent to a Child",
        };
        x.text("incidentType", kind, None);
        x.maybe("platform", facts.platform.as_deref(), Some(256));
        x.maybe("escalateToHighPriority", facts.urgent_because.as_deref().filter(|t| !t.trim().is_empty()), Some(3000));
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
                        x.text(name, "true", None);
                    }
                }
            });
        }
        let found = rfc3339(report.found_at);
        x.time("incidentDateTime", Some(facts.occurred_at.as_deref().unwrap_or(&found)));
        let note = match (&facts.occurred_at_note, &facts.occurred_at) {
            (Some(note), _) => Some(note.as_str()),
            (None, None) => Some("The time at which the provider found the file; the time of the incident is not known."),
            (None, Some(_)) => None,
        };
        x.maybe("incidentDateTimeDescription", note, Some(3000));
    });
}

fn internet_details(x: &mut Xml, place: &Place) {
    match place {
        Place::WebPage {
            urls,
            third_party,
            note,
        } => {
            let third = third_party.map(|t| t.to_string());
            x.element_with(
                "webPageIncident",
                &[("thirdPartyHostedContent", third.as_deref())],
                |x| {
                    urls.iter().for_each(|u| x.text("url", u, Some(2083)));
                    x.maybe("additionalInfo", note.as_deref(), None);
                },
            );
        }
        Place::Email {
            addresses,
            content,
            note,
        } => x.element("emailIncident", |x| {
            addresses
                .iter()
                .for_each(|e| accounts::email(x, "emailAddress", e));
            x.maybe("content", content.as_deref(), None);
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
        Place::Newsgroup {
            name,
            addresses,
            content,
            note,
        } => x.element("newsgroupIncident", |x| {
            x.maybe("name", name.as_deref(), Some(255));
            addresses
                .iter()
                .for_each(|e| accounts::email(x, "emailAddress", e));
            x.maybe("content", content.as_deref(), None);
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
        Place::Chat {
            client,
            room,
            content,
            note,
        } => x.element("chatImIncident", |x| {
            x.maybe("chatClient", client.as_deref(), Some(255));
            x.maybe("chatRoomName", room.as_deref(), Some(255));
            x.maybe("content", content.as_deref(), None);
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
        Place::Game {
            name,
            console,
            content,
            note,
        } => x.element("onlineGamingIncident", |x| {
            x.maybe("gameName", name.as_deref(), Some(255));
            x.maybe("console", console.as_deref(), Some(255));
            x.maybe("content", content.as_deref(), None);
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
        Place::CellPhone {
            phone,
            latitude,
            longitude,
            note,
        } => x.element("cellPhoneIncident", |x| {
            if let Some(phone) = phone {
                accounts::phone(x, "phoneNumber", phone);
            }
            x.maybe("latitude", latitude.map(|v| v.to_string()).as_deref(), None);
            x.maybe(
                "longitude",
                longitude.map(|v| v.to_string()).as_deref(),
                None,
            );
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
        Place::Offline {
            name,
            addresses,
            note,
        } => x.element("nonInternetIncident", |x| {
            x.maybe("locationName", name.as_deref(), Some(255));
            addresses
                .iter()
                .for_each(|a| accounts::address(x, "incidentAddress", a));
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
        Place::PeerToPeer {
            client,
            ip_events,
            file_names,
            note,
        } => x.element("peer2peerIncident", |x| {
            x.maybe("client", client.as_deref(), Some(255));
            ip_events.iter().for_each(|e| accounts::ip_event(x, e));
            x.maybe("fileNames", file_names.as_deref(), None);
            x.maybe("additionalInfo", note.as_deref(), None);
        }),
    }
}

fn law_enforcement(x: &mut Xml, police: &LawEnforcement) {
    x.element("lawEnforcement", |x| {
        x.text("agencyName", &police.agency, Some(255));
        x.maybe("caseNumber", police.reference.as_deref(), Some(100));
        if let Some(officer) = &police.officer {
            x.element("officerContact", |x| accounts::contact(x, officer));
        }
        x.flag("reportedToLe", police.told_by_us);
        x.flag("servedLegalProcessDomestic", police.process_domestic);
        if let Some(foreign) = police.process_foreign {
            let country = police.process_country.as_deref();
            x.text_with(
                "servedLegalProcessInternational",
                &[("fleaCountry", country)],
                &foreign.to_string(),
                None,
            );
        }
    });
}

fn reporter(x: &mut Xml, report: &Report) {
    let r = &report.reporter;
    let given = |text: &String| Some(text.clone()).filter(|t| !t.trim().is_empty());
    x.element("reporter", |x| {
        x.element("reportingPerson", |x| {
            x.maybe("firstName", given(&r.first_name).as_deref(), Some(100));
            x.maybe("lastName", given(&r.last_name).as_deref(), Some(100));
            x.maybe("email", given(&r.email).as_deref(), Some(255));
        });
        if r.email.trim().is_empty() {
            x.remark(
                "reporter/reportingPerson/email",
                "NCMEC requires it; `obhut settings reporter --email …` sets it",
            );
        }
        if let Some(email) = given(&r.contact_email) {
            x.element("contactPerson", |x| x.text("email", &email, Some(255)));
        }
        x.maybe(
            "companyTemplate",
            given(&r.company_template).as_deref(),
            None,
        );
        x.maybe(
            "termsOfService",
            given(&r.terms_of_service).as_deref(),
            None,
        );
        x.maybe("legalURL", given(&r.legal_url).as_deref(), Some(2083));
    });
}

fn file_document(report_xml: &mut Xml, report: &Report, file: &ReportedFile) -> FileDocument {
    let facts = file.facts.expose();
    let mut xml = Xml::new();
    xml.element("fileDetails", |x| {
        x.text("reportId", REPORT_ID, None);
        x.text("fileId", FILE_ID, None);
        let name = facts.original_name.as_deref().or(file.name.as_ref().map(|n| base_name(n.expose())));
        x.maybe("originalFileName", name, Some(2056));
        let uploaded = file.uploaded_at.map(rfc3339);
        x.time("uploadedToEspTimestamp", facts.uploaded_at.as_deref().or(uploaded.as_deref()));
        x.maybe("locationOfFile", facts.url.as_deref(), Some(2083));
        x.flag("fileViewedByEsp", Some(file.viewed_whole));
        // The service takes "EXIF viewed" only beside "file viewed"; where that isn't true, the
        // element is left out rather than either of them bent.
        if file.viewed_whole || !file.viewed_metadata {
            x.flag("exifViewedByEsp", Some(file.viewed_metadata));
        }
        let public = match file.surface {
            Surface::Public => Some(true),
            Surface::Shared => None,
            Surface::PrivateMessage => Some(false),
        };
        x.flag("publiclyAvailable", public);
        x.text("fileRelevance", if facts.supplemental { "Supplemental Reported" } else { "Reported" }, None);
        let known = |a: &&String| FILE_ANNOTATIONS.contains(&a.as_str());
        let allowed: Vec<_> = facts.annotations.iter().filter(known).collect();
        for unknown in facts.annotations.iter().filter(|a| !known(a)) {
            let length = unknown.chars().count();
            x.remark("fileAnnotations", &format!("an annotation of {length} characters is none the schema knows; left out"));
        }
        if !allowed.is_empty() {
            x.element("fileAnnotations", |x| {
                for name in FILE_ANNOTATIONS {
                    if allowed.iter().any(|a| *a == name) {
                        x.text(name, "true", None);
                    }
                }
            });
        }
        if let Some(category) = report.decision.category().filter(|_| !facts.supplemental) {
            if category.scale == INDUSTRY_SCALE && INDUSTRY_VALUES.contains(&category.value.as_str()) {
                x.text("industryClassification", &category.value, None);
            } else {
                x.remark(
                    "industryClassification",
                    "the decision's category is on another scale and is left out; NCMEC takes A1, A2, B1, B2 of ncmec-industry",
                );
            }
        }
        if let Some(sha256) = &file.sha256 {
            x.text_with("originalFileHash", &[("hashType", Some("SHA256"))], sha256.expose(), Some(2083));
        }
        if let Some(event) = &facts.ip_event {
            accounts::ip_event(x, event);
        }
        facts.devices.iter().for_each(|d| accounts::device(x, d));
        if !facts.exif.is_empty() {
            x.element_with("details", &[("type", Some("EXIF"))], |x| {
                for (name, value) in &facts.exif {
                    x.element("nameValuePair", |x| {
                        x.text("name", name, Some(64));
                        x.text("value", value, None);
                    });
                }
            });
        }
        x.maybe("additionalInfo", facts.note.as_deref(), None);
    });
    if file.exhibit.is_none() {
        xml.remark(
            "upload",
            "the file's bytes are in no vault; `obhut vault put --case …` keeps them",
        );
    }
    let (text, remarks) = xml.finish();
    report_xml.remarks(remarks);
    let (before, rest) = text.split_once(REPORT_ID).expect("written above");
    let (between, after) = rest.split_once(FILE_ID).expect("written above");
    FileDocument {
        exhibit: file.exhibit.clone(),
        before: before.to_owned(),
        between: between.to_owned(),
        after: after.to_owned(),
    }
}

/// A path of the provider's own disk says nothing to police.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
