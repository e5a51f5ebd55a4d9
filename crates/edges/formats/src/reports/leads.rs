//! A case split by country: each partner authority gets only the accounts located in its country,
//! with what is needed to find them. It gets no file, no message and nothing from `victims`.

use std::collections::BTreeMap;

use obhut_facts::{Account, Dossier, rfc3339};
use serde_json::{Value, json};

use super::{Form, FormStatus, Omitted, Remark, Rendered, stays_here};
use crate::documents::dossier_json;
use crate::documents::packages;
use crate::documents::pdf::{self, Block};

/// Leads for partner authorities, in one ZIP with a folder for each country.
pub const FORM: Form = Form {
    name: "leads",
    title: "Partner authorities: leads by country",
    source: "obhut's own form",
    status: FormStatus::Preview,
    write,
};

// Long: writes the elements in the order of the form.
fn write(d: &Dossier) -> Rendered {
    let facts = d.facts.expose();
    let mut countries: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    // For the reported account only: `user_country` is the country of that user.
    let fallback = facts
        .jurisdiction
        .as_ref()
        .and_then(|j| j.user_country.clone());
    // Fields that the leads carry; every other field is listed as omitted.
    let mut used = vec!["facts.incident".to_owned()];
    // Accounts that are in no lead.
    let mut nowhere = Vec::new();
    let mut one = |a: &Account, field: &str, role: &str, country: Option<&String>| {
        // The country becomes the name of a folder in the ZIP: two capital letters can't form a
        // path that leads out of it.
        if let Some(country) = country.filter(|c| is_code(c)) {
            countries
                .entry(country.clone())
                .or_default()
                .push(lead(a, role));
            used.extend(CARRIED.iter().map(|f| format!("{field}.{f}")));
        } else {
            nowhere.push(format!("{field}."));
        }
    };
    let mut put = |a: &Account, field: &str, role: &str, fallback: Option<&String>| {
        one(a, field, role, country_of(a).or(fallback));
        for (n, linked) in a.associated.iter().enumerate() {
            let field = format!("{field}.associated[{n}]");
            let role = match role {
                "reported" => "linked to the reported account",
                "also reported" => "linked to an account also reported",
                _ => "linked to a recipient",
            };
            one(linked, &field, role, country_of(linked));
        }
    };
    if let Some(a) = &facts.reported {
        put(a, "facts.reported", "reported", fallback.as_ref());
    }
    for (n, a) in facts.also_reported.iter().enumerate() {
        let field = format!("facts.also_reported[{n}]");
        put(a, &field, "also reported", None);
    }
    for (n, a) in facts.recipients.iter().enumerate() {
        put(a, &format!("facts.recipients[{n}]"), "recipient", None);
    }
    if facts
        .reported
        .as_ref()
        .is_some_and(|a| country_of(a).is_none())
    {
        used.push("facts.jurisdiction.user_country".into());
    }
    let mut remarks = Vec::new();
    if countries.is_empty() {
        remarks.push(Remark {
            field: "country".into(),
            what: "no account of the case has a country (facts.….location or facts.jurisdiction.user_country)".into(),
            source: "obhut's own form",
            stops: true,
        });
    }
    let mut parts = Vec::new();
    for (country, accounts) in countries {
        let mut value = json!({
            "case": d.case,
            "country": country,
            "made_at": rfc3339(d.made_at),
            "reporter": { "service": d.reporter.service, "email": d.reporter.email },
            "about": facts.incident.map(|i| i.word()),
            "at_risk": d.scores().at_risk,
            "accounts": accounts,
        });
        dossier_json::bare(&mut value);
        let mut blocks = vec![
            Block::Title(format!("Lead for {country}")),
            Block::Text("A lead, not a proof. Files and conversations are with the reporter; ask there under the case's number.".into()),
        ];
        blocks.push(Block::Field(
            "JSON".into(),
            serde_json::to_string_pretty(&value).expect("a lead is JSON"),
        ));
        parts.push((
            format!("{country}/lead.json"),
            serde_json::to_vec_pretty(&value).expect("a lead is JSON"),
        ));
        parts.push((
            format!("{country}/lead.pdf"),
            pdf::document(&blocks, &format!("obhut · {} · {country}", d.case)),
        ));
    }
    let used: Vec<_> = used.iter().map(String::as_str).collect();
    let mut omitted =
        dossier_json::left_out(facts, &used, "leads carry only what identifies an account");
    for field in &mut omitted {
        let of = |account: &String| {
            let rest = field.field.strip_prefix(account.as_str());
            rest.is_some_and(|r| !r.starts_with("associated["))
        };
        if nowhere.iter().any(of) {
            field.why = "leads carry only accounts with a country".into();
        }
    }
    if d.category.is_some() {
        omitted.push(Omitted {
            field: "decision.category".into(),
            why: "leads carry only what identifies an account".into(),
        });
    }
    if !d.files.is_empty() {
        omitted.push(Omitted {
            field: "files".into(),
            why: "files, their names and digests are with the reporter".into(),
        });
    }
    omitted.extend(stays_here(d).into_iter().map(|o| {
        Omitted {
            // `stays_here` says "unless requested", which doesn't apply to leads.
            why: o
                .why
                .replace(" unless requested", ": leads never contain children's data"),
            ..o
        }
    }));
    Rendered {
        report: packages::zip(&parts),
        media_type: "application/zip",
        files: Vec::new(),
        attached: Vec::new(),
        remarks,
        omitted,
    }
}

/// Fields of an account that a lead carries; must match [`lead`].
const CARRIED: &[&str] = &[
    "id",
    "service",
    "screen_name",
    "person.emails",
    "person.phones",
    "ip_events",
    "devices",
    "location",
];

fn country_of(a: &Account) -> Option<&String> {
    a.location.as_ref()?.country.as_ref()
}

fn lead(a: &Account, role: &str) -> Value {
    let person = a.person.as_ref();
    json!({
        "role": role,
        "id": a.id,
        "service": a.service,
        "screen_name": a.screen_name,
        "emails": person.map(|p| &p.emails),
        "phones": person.map(|p| &p.phones),
        "ip_events": a.ip_events,
        "devices": a.devices,
        "location": a.location,
    })
}

/// True for two capital letters; only such a code becomes a folder of the ZIP.
fn is_code(country: &str) -> bool {
    country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use obhut_facts::{Account, Dossier, Facts, Location};

    use super::*;

    fn account(country: &str, linked: Vec<Account>) -> Account {
        Account {
            id: Some("user".into()),
            location: Some(Location {
                country: Some(country.into()),
                ..Location::default()
            }),
            associated: linked,
            ..Account::default()
        }
    }

    /// An account linked to a recipient once went to the police as linked to the account reported.
    #[test]
    fn a_linked_account_s_role_says_to_whom() {
        let facts = Facts {
            reported: Some(account("DE", vec![account("FR", vec![])])),
            // Regression: a second suspect got no lead, whatever the country.
            also_reported: vec![account("PL", vec![account("CZ", vec![])])],
            recipients: vec![account("NL", vec![account("BE", vec![])])],
            ..Facts::default()
        };
        let rendered = write(&Dossier::of("case-1", facts));
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(rendered.report)).unwrap();
        for (country, role) in [
            ("DE", "reported"),
            ("FR", "linked to the reported account"),
            ("PL", "also reported"),
            ("CZ", "linked to an account also reported"),
            ("NL", "recipient"),
            ("BE", "linked to a recipient"),
        ] {
            let member = archive.by_name(&format!("{country}/lead.json")).unwrap();
            let lead: Value = serde_json::from_reader(member).unwrap();
            assert_eq!(lead["accounts"][0]["role"], role, "{country}");
        }
    }

    /// Regression: every omitted field had the reason that holds for accounts without a country.
    #[test]
    fn each_omitted_field_has_its_own_reason() {
        let noted = |country: &str| Account {
            note: Some("n".into()),
            ..account(country, vec![])
        };
        let facts = Facts {
            reported: Some(noted("DE")),
            also_reported: vec![noted("nowhere")],
            ..Facts::default()
        };
        let omitted = write(&Dossier::of("case-1", facts)).omitted;
        for (field, why) in [
            (
                "facts.reported.note",
                "leads carry only what identifies an account",
            ),
            (
                "facts.also_reported[0].note",
                "leads carry only accounts with a country",
            ),
            (
                "facts.also_reported[0].id",
                "leads carry only accounts with a country",
            ),
        ] {
            let of = omitted.iter().find(|o| o.field == field).unwrap();
            assert_eq!(of.why, why, "{field}");
        }
    }

    /// Folders of the ZIP are country codes and nothing else: the country of a linked account was
    /// once used unchecked.
    #[test]
    fn only_country_codes_become_folders() {
        let linked = vec![
            account("FR", vec![]),
            account("../../x", vec![]),
            account("de", vec![]),
        ];
        let facts = Facts {
            reported: Some(account("DE", linked)),
            recipients: vec![account("/etc", vec![])],
            ..Facts::default()
        };
        let dossier = Dossier::of("case-1", facts);
        let rendered = write(&dossier);
        assert_eq!(rendered.attached, [], "the files are with the reporter");
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(rendered.report)).unwrap();
        let mut names: Vec<String> = (0..archive.len())
            .map(|n| archive.by_index(n).unwrap().name().unwrap().into_owned())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["DE/lead.json", "DE/lead.pdf", "FR/lead.json", "FR/lead.pdf"]
        );
    }
}
