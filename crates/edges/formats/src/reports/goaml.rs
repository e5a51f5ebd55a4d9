//! Renders a suspicious transaction report as goAML XML in a ZIP, by the profile of the unit that
//! receives it. If the unit's schema is configured, the XML is validated against it. Exhibits join
//! the ZIP when it is sent.
//!
//! Units differ in elements, codes and required fields, so no struct describes a report: a template
//! does (`goaml/profiles/`, docs/goaml.md).

use std::collections::BTreeMap;

use obhut_facts::{
    Address, Dossier, Facts, FinancialParty, FinancialUnit, Language, Payment, rfc3339,
};

use super::{Form, FormStatus, Omitted, Remark, Rendered, attached, stays_here};
use crate::documents::dossier_json;

mod narrative;
mod profile;
mod schema;

use profile::{Profile, Value};

/// goAML, as financial intelligence units accept it.
pub const FORM: Form = Form {
    name: "goaml",
    title: "Financial intelligence units: goAML",
    source: "goAML XML schema 4.0.2, 5.0.1 and 5.0.2 (UNODC), by the unit's own version",
    status: FormStatus::Preview,
    write,
};

/// The profiles that come with obhut: name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("uae-5.0.2", include_str!("goaml/profiles/uae-5.0.2.txt")),
    (
        "indonesia-4.0.2",
        include_str!("goaml/profiles/indonesia-4.0.2.txt"),
    ),
    (
        "plain-5.0.1",
        include_str!("goaml/profiles/plain-5.0.1.txt"),
    ),
];

/// Most transactions in one report. Our judgement.
const TRANSACTIONS_MAX: usize = 10_000;

/// Checks that a profile can be read.
///
/// # Errors
/// The first fault of the profile, with its line if it has one.
pub fn check_profile(text: &str) -> Result<(), String> {
    Profile::read(text).map(|_| ())
}

/// Validates a report against a unit's schema and returns the path and text of each fault, at most
/// 100. A report that isn't XML is one fault with an empty path. With `compat`, `^` and `$` in
/// patterns are anchors.
///
/// # Errors
/// The schema can't be read.
pub fn check_document(
    schema: &str,
    compat: bool,
    document: &str,
) -> Result<Vec<(String, String)>, String> {
    Ok(schema::Schema::read(schema, compat)?.faults(document))
}

/// What the platform did, where the facts don't say it: two people, because decision and approval
/// are by different persons (docs/reporting.md).
fn default_action(facts: &Facts, german: bool) -> &'static str {
    let account = facts.reported.iter();
    let told = account
        .flat_map(|a| [&a.closed, &a.suspended])
        .flatten()
        .any(|measure| measure.user_told == Some(true));
    match (german, told) {
        (true, false) => {
            "Nach Prüfung durch zwei Personen gemeldet; dem Kunden ist nichts mitgeteilt worden."
        }
        (true, true) => {
            "Nach Prüfung durch zwei Personen gemeldet; dem Kunden ist die Sperrung seines Kontos mitgeteilt worden."
        }
        (false, false) => "Reported after review by two people; the customer was not informed.",
        (false, true) => {
            "Reported after review by two people; the customer was informed that the account was closed or suspended."
        }
    }
}

// Long: one stop after the other.
fn write(d: &Dossier) -> Rendered {
    let mut remarks = Vec::new();
    let mut stop = |field: &str, what: String, source: &'static str| {
        let remark = Remark {
            field: field.to_owned(),
            what,
            source,
            stops: true,
        };
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    };
    let facts = d.facts.expose();
    let empty = FinancialUnit::default();
    let unit = d.unit.as_ref().map_or(&empty, |u| u.expose());
    if d.unit.is_none() {
        stop(
            "unit",
            "no financial intelligence unit is configured (docs/goaml.md)".into(),
            OURS,
        );
    }
    if facts.reported.is_none() {
        stop(
            "facts.reported",
            "the case has no suspect; a possible victim is helped, not reported".into(),
            OURS,
        );
    }
    if facts.payments.len() > TRANSACTIONS_MAX {
        stop(
            "transaction",
            format!("there are more than {TRANSACTIONS_MAX} payments"),
            OURS,
        );
    }
    let text = match unit.profile.as_str() {
        "own" => unit.own_profile.as_deref(),
        name => PROFILES.iter().find(|p| p.0 == name).map(|p| p.1),
    };
    // Stays empty if the profile can't be read; a stopping remark then keeps it from being sent.
    let mut document = String::new();
    match text.map(Profile::read) {
        None => {
            let names: Vec<&str> = PROFILES.iter().map(|p| p.0).collect();
            stop(
                "unit.profile",
                format!(
                    "the unit's profile must be one of {}, own",
                    names.join(", ")
                ),
                OURS,
            );
        }
        Some(Err(why)) => stop("unit.own_profile", why, OURS),
        Some(Ok(profile)) => {
            let (written, missed) = profile.write(&values(d, facts, unit));
            document = written;
            // Thousands of transactions may lack the same field: that is one remark.
            for (path, what) in gathered(missed.into_iter().map(|m| (m.path, m.what))) {
                stop(&path, what, PROFILE);
            }
            // Optional: not every unit publishes its schema (docs/goaml.md).
            if let Some(schema) = &unit.schema {
                match check_document(schema, unit.schema_compat, &document) {
                    Err(why) => stop("unit.schema", why, SCHEMA),
                    Ok(faults) => {
                        for (path, why) in gathered(faults) {
                            stop(&path, why, SCHEMA);
                        }
                    }
                }
            }
        }
    }
    let parts = vec![("report.xml".to_owned(), document.into_bytes())];
    Rendered {
        report: super::zip(&parts),
        media_type: "application/zip",
        files: Vec::new(),
        attached: attached(d),
        remarks,
        omitted: omitted(d, facts),
    }
}

/// Merges equal remarks about many transactions into one with a count.
fn gathered(all: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut kinds: Vec<(String, String, String, usize)> = Vec::new();
    for (path, what) in all {
        // The path without item numbers: the same element of two transactions counts as one place.
        let plain: String = path
            .split('/')
            .map(|part| part.split('[').next().unwrap_or(part))
            .collect::<Vec<_>>()
            .join("/");
        match kinds.iter_mut().find(|k| k.0 == plain && k.2 == what) {
            Some(kind) => kind.3 += 1,
            None => kinds.push((plain, path, what, 1)),
        }
    }
    kinds
        .into_iter()
        .map(|(_, first, what, n)| match n {
            1 => (first, what),
            n => (first, format!("{what} ({n} times, first here)")),
        })
        .collect()
}

const OURS: &str = "obhut, docs/goaml.md";
const PROFILE: &str = "the unit's profile";
const SCHEMA: &str = "the unit's own schema";

fn omitted(d: &Dossier, facts: &Facts) -> Vec<Omitted> {
    let used = ["facts.payments", "facts.financial", "facts.reported.id"];
    let mut omitted = dossier_json::left_out(facts, &used, "goAML has no field for it");
    // Counted over all payments, or thousands of transactions would give thousands of lines.
    let count = |has: &dyn Fn(&Payment) -> bool| facts.payments.iter().filter(|p| has(p)).count();
    for (field, n) in [
        ("in_advance", count(&|p| p.in_advance.is_some())),
        ("method", count(&|p| p.method.is_some())),
    ] {
        if n > 0 {
            omitted.push(Omitted {
                field: format!("facts.payments[*].{field}"),
                why: format!("goAML has no field for it ({n} times)"),
            });
        }
    }
    if d.category.is_some() {
        omitted.push(Omitted {
            field: "decision.category".into(),
            why: "the unit has its own codes".into(),
        });
    }
    omitted.extend(stays_here(d));
    omitted
}

fn map(pairs: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let pairs = pairs
        .into_iter()
        .filter_map(|(k, v)| Some((k.to_owned(), v?)));
    Value::Map(pairs.collect::<BTreeMap<_, _>>())
}

fn text(value: &Option<String>) -> Option<Value> {
    value.clone().map(Value::Text)
}

/// All values a profile can refer to.
fn values(d: &Dossier, facts: &Facts, unit: &FinancialUnit) -> Value {
    let financial = facts.financial.clone().unwrap_or_default();
    let known = |id: &str| financial.parties.iter().find(|p| p.id == id);
    let transactions: Vec<Value> = facts
        .payments
        .iter()
        .enumerate()
        .map(|(n, p)| transaction(d, unit, n, p, known))
        .collect();
    let indicators = if financial.indicators.is_empty() {
        &unit.indicators
    } else {
        &financial.indicators
    };
    let reported = facts.reported.as_ref().and_then(|r| r.id.as_deref());
    // Only the reported party is a subject; the others appear in the transactions.
    let parties: Vec<Value> = financial
        .parties
        .iter()
        .filter(|p| Some(p.id.as_str()) == reported)
        .map(party)
        .collect();
    let words = financial
        .narrative
        .clone()
        .unwrap_or_else(|| narrative::of(facts, Language::german_if(unit.german)));
    let own = financial.action.clone();
    let action = own.unwrap_or_else(|| default_action(facts, unit.german).to_owned());
    let code = financial.report_code.clone().or(unit.report_code.clone());
    map([
        (
            "unit",
            Some(map([
                ("entity_id", Some(Value::text(unit.entity_id.to_string()))),
                ("branch", text(&unit.branch)),
                ("currency", Some(Value::text(&*unit.local_currency))),
                ("location", text(&unit.location)),
                ("address", unit.address.as_ref().map(address)),
                ("report_code", code.map(Value::Text)),
                ("user_code", text(&unit.user_code)),
                ("officer", unit.officer.as_ref().map(party)),
            ])),
        ),
        ("reference", Some(Value::text(&*d.case))),
        ("unit_reference", text(&financial.unit_reference)),
        ("now", Some(Value::Text(rfc3339(d.made_at)))),
        ("narrative", Some(Value::Text(words))),
        ("action", Some(Value::Text(action))),
        (
            "indicators",
            Some(Value::List(indicators.iter().map(Value::text).collect())),
        ),
        ("transactions", Some(Value::List(transactions))),
        ("subjects", Some(Value::List(parties))),
    ])
}

fn transaction<'a>(
    d: &Dossier,
    unit: &FinancialUnit,
    n: usize,
    p: &Payment,
    known: impl Fn(&str) -> Option<&'a FinancialParty>,
) -> Value {
    let local = p.currency == unit.local_currency;
    // In the unit's own currency the amount is the local one. Otherwise the case must state it:
    // nothing is converted here.
    let amount_local = if local {
        Some(p.amount.clone())
    } else {
        p.amount_local.clone()
    };
    let foreign = (!local).then(|| {
        map([
            ("code", Some(Value::text(&*p.currency))),
            ("amount", Some(Value::text(&*p.amount))),
            ("rate", rate(p).map(Value::Text)),
        ])
    });
    let side = |id: &Option<String>| {
        let id = id.as_deref().unwrap_or_default();
        let known = known(id);
        // First the country that the payments name, then residence, then citizenship.
        let country = known.and_then(|k| {
            let country = k.country.clone().or_else(|| k.residence.clone());
            country.or_else(|| k.nationality.clone())
        });
        let client = known.is_some_and(|k| k.client);
        map([
            ("client", client.then(|| Value::text("yes"))),
            ("country", country.map(Value::Text)),
            ("party", known.map(party)),
        ])
    };
    // A payment without an id gets a number that stays the same from draft to report.
    let number =
        p.id.clone()
            .unwrap_or_else(|| format!("{}-{}", d.case, n + 1));
    map([
        ("number", Some(Value::Text(number))),
        ("date", text(&p.at)),
        (
            "description",
            text(&p.note).or_else(|| Some(Value::text("Transfer"))),
        ),
        ("mode", text(&unit.transmode_code)),
        ("funds", text(&unit.funds_code)),
        ("location", text(&unit.location)),
        ("amount_local", amount_local.map(Value::Text)),
        ("foreign", foreign),
        ("from", Some(side(&p.from))),
        ("to", Some(side(&p.to))),
    ])
}

/// Local currency per unit of the foreign one.
fn rate(p: &Payment) -> Option<String> {
    let (local, amount) = (p.amount_local.as_ref()?, &p.amount);
    // Only the rate is computed; amounts are written as they came.
    let (local, amount): (f64, f64) = (local.parse().ok()?, amount.parse().ok()?);
    (amount > 0.0).then(|| format!("{:.6}", local / amount))
}

fn address(a: &Address) -> Value {
    let state = text(&a.state)
        .or_else(|| text(&a.state_elsewhere))
        .or_else(|| text(&a.city));
    map([
        ("street", text(&a.street)),
        ("city", text(&a.city)),
        ("state", state),
        ("zip", text(&a.zip)),
        ("country", text(&a.country)),
    ])
}

fn party(p: &FinancialParty) -> Value {
    let phones = p.phones.iter().map(|phone| {
        map([
            ("number", Some(Value::text(&*phone.number))),
            (
                "prefix",
                phone
                    .country_code
                    .as_ref()
                    .map(|c| Value::text(c.trim_start_matches('+'))),
            ),
        ])
    });
    let addresses = p.addresses.iter().map(address);
    let documents = p.documents.iter().map(|i| {
        map([
            ("kind", Some(Value::text(&*i.kind))),
            ("number", Some(Value::text(&*i.number))),
            ("issued", text(&i.issued)),
            ("expires", text(&i.expires)),
            ("country", text(&i.country)),
        ])
    });
    let account = p.account.as_ref().map(|a| {
        map([
            ("number", Some(Value::text(&*a.number))),
            ("iban", text(&a.iban)),
            ("institution", text(&a.institution)),
            ("institution_code", text(&a.institution_code)),
            ("branch", text(&a.branch)),
            ("currency", text(&a.currency)),
            ("opened", text(&a.opened)),
        ])
    });
    map([
        ("id", Some(Value::text(&*p.id))),
        ("first_name", text(&p.first_name)),
        ("last_name", text(&p.last_name)),
        ("gender", text(&p.gender)),
        ("born", text(&p.born)),
        ("birth_place", text(&p.birth_place)),
        ("nationality", text(&p.nationality)),
        ("residence", text(&p.residence)),
        ("id_number", text(&p.id_number)),
        ("ssn", text(&p.ssn)),
        ("occupation", text(&p.occupation)),
        ("tax_number", text(&p.tax_number)),
        ("wealth", text(&p.source_of_wealth)),
        ("phones", Some(Value::List(phones.collect()))),
        ("addresses", Some(Value::List(addresses.collect()))),
        ("documents", Some(Value::List(documents.collect()))),
        ("account", account),
    ])
}
