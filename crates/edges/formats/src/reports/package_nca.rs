//! A package for the British National Crime Agency, after Schedule 1 of SI 2026/268.
//!
//! The regulations let providers report by portal or API only. The package holds what a person
//! copies into the portal, in the portal's order; the API's description isn't public.
//!
//! Invariant: a report can't be approved until the provider has recorded its duty and who
//! established that no arrangement under section 70(5) covers the content. A provider outside the
//! United Kingdom reports only content linked with the United Kingdom (section 66(2)): this module
//! proposes the link, and a person determines it.

use obhut_facts::{Account, Dossier, Facts, Language, NcaDuty, Place, Question};

use super::{DETERMINATION, Form, FormStatus, Remark};
use crate::documents::packages::{self, Profile, Requirement, ask};

/// National Crime Agency.
pub const FORM: Form = Form {
    name: "package-nca",
    title: "National Crime Agency (GB): what the portal asks for",
    source: "The Online Safety (CSEA Content Reporting by Regulated User-to-User Service Providers) Regulations 2026, SI 2026/268, Schedule 1",
    status: FormStatus::Preview,
    write: |d| packages::render(d, &PROFILE),
};

const ACT: &str = "Online Safety Act 2023, sections 66 and 70";

fn checks(d: &Dossier) -> Vec<Remark> {
    let stop = |field: String, what: String| Remark {
        field,
        what,
        source: ACT,
        stops: true,
    };
    let mut remarks = Vec::new();
    if d.reporter.nca_duty.is_none() {
        remarks.push(stop(
            "reporter.nca_duty".into(),
            "record whether you report under section 66(1), as a UK provider, or under 66(2), as a non-UK provider".into(),
        ));
    }
    if d.reporter.nca_unreported.trim().is_empty() {
        remarks.push(stop(
            "reporter.nca_unreported".into(),
            "only content that no arrangement under section 70(5) covers is reported; record who established that none does".into(),
        ));
    }
    if d.reporter.nca_duty == Some(NcaDuty::NonUkProvider) {
        let field = format!("{DETERMINATION}{}", Question::LinkUk);
        let link = d
            .determinations
            .iter()
            .find(|m| m.question == Question::LinkUk);
        match link {
            None => remarks.push(stop(field, proposal(d.facts.expose()))),
            Some(link) if link.answers.iter().any(|a| a == "none") => remarks.push(stop(
                field,
                "a person found no link with the United Kingdom; a provider elsewhere doesn't report such content there".into(),
            )),
            Some(_) => {}
        }
    }
    remarks
}

/// The text that asks a person to determine the link. It names the fields that suggest one, never
/// their content.
fn proposal(facts: &Facts) -> String {
    let asks = "a provider outside the United Kingdom reports only content linked with it; a person determines the link";
    let mut traces = Vec::new();
    let accounts = facts.reported.iter().map(|a| ("facts.reported", a));
    for (field, account) in accounts.chain(
        facts
            .also_reported
            .iter()
            .map(|a| ("facts.also_reported", a)),
    ) {
        if is_in_uk(account) {
            traces.push(format!("suspect-location from {field}"));
        }
    }
    if facts.victims.iter().any(is_in_uk) {
        traces.push("child-location from facts.victims".into());
    }
    let in_uk = |place: &Place| match place {
        Place::Offline { addresses, .. } => {
            addresses.iter().any(|a| names_uk(a.country.as_deref()))
        }
        _ => false,
    };
    if facts.places.iter().any(in_uk) {
        traces.push("place from facts.places".into());
    }
    traces.dedup();
    match traces.is_empty() {
        true => format!("{asks}. No recorded country suggests one"),
        false => format!("{asks}. The facts suggest {}", traces.join(", ")),
    }
}

fn is_in_uk(account: &Account) -> bool {
    let located = account.location.as_ref().and_then(|l| l.country.as_deref());
    let mut people = account.person.iter();
    names_uk(located)
        || people.any(|p| {
            let dialled = p.phones.iter().any(|n| {
                n.country_code
                    .as_deref()
                    .is_some_and(|c| c.trim_start_matches('+') == "44")
            });
            dialled || p.addresses.iter().any(|a| names_uk(a.country.as_deref()))
        })
}

/// True for `GB` and for `UK`, which ISO 3166-1 reserves for the same country and many people
/// write.
fn names_uk(country: Option<&str>) -> bool {
    country.is_some_and(|c| c.eq_ignore_ascii_case("GB") || c.eq_ignore_ascii_case("UK"))
}

// Besides `checks`, only a missing contact or missing content can stop this report: a time is
// always known.
const PROFILE: Profile = Profile {
    name: "package-nca",
    title: "Report to the National Crime Agency",
    language: Language::English,
    law: "SI 2026/268, Schedule 1",
    questions: &[Question::LinkUk],
    checks,
    asks: &[
        Requirement {
            name: "Contact of the provider",
            needed: true,
            get: ask::contact,
        },
        Requirement {
            name: "Reasons for its priority",
            needed: false,
            get: ask::danger,
        },
        Requirement {
            name: "Content reported",
            needed: true,
            get: ask::content,
        },
        Requirement {
            name: "What it is about",
            needed: false,
            get: ask::what,
        },
        Requirement {
            name: "Link with the United Kingdom",
            needed: false,
            get: ask::link_uk,
        },
        Requirement {
            name: "Date and time",
            needed: true,
            get: ask::when,
        },
        Requirement {
            name: "How it was detected",
            needed: false,
            get: ask::detected,
        },
        Requirement {
            name: "Platform",
            needed: false,
            get: ask::platform,
        },
        Requirement {
            name: "URL",
            needed: false,
            get: ask::urls,
        },
        Requirement {
            name: "Account",
            needed: false,
            get: ask::account,
        },
        Requirement {
            name: "IP addresses, with port",
            needed: false,
            get: ask::addresses,
        },
        Requirement {
            name: "Log-in IP addresses of three months",
            needed: false,
            get: ask::logins,
        },
        Requirement {
            name: "EXIF",
            needed: false,
            get: ask::exif,
        },
        Requirement {
            name: "Billing",
            needed: false,
            get: ask::billing,
        },
        Requirement {
            name: "Telephone and its verification",
            needed: false,
            get: ask::phones,
        },
        Requirement {
            name: "Devices",
            needed: false,
            get: ask::devices,
        },
        Requirement {
            name: "Hash",
            needed: false,
            get: ask::digests,
        },
        Requirement {
            name: "Children concerned",
            needed: false,
            get: ask::children,
        },
    ],
};
