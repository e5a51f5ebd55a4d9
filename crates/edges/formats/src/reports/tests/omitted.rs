//! No form drops a fact silently: if the document is the same without it, the form named it as
//! omitted.

use std::io::Read as _;

use obhut_facts::{Dossier, FileFacts, Sealed};
use serde_json::Value;

use super::super::*;
use super::{case, picture};

const FULL: &str = include_str!("../../../tests/facts_full.json");

/// JSON pointers of all leaves.
fn leaves(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, v)| leaves(v, format!("{at}/{name}"), out)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, v)| leaves(v, format!("{at}/{n}"), out)),
        _ => out.push(at),
    }
}

/// The field as reports name it: `facts.reported.ip_events[0].port`.
fn dotted(pointer: &str) -> String {
    let mut out = "facts".to_owned();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(n) => out += &format!("[{n}]"),
            Err(_) => out += &format!(".{part}"),
        }
    }
    out
}

/// A copy without the value at the pointer.
fn without(value: &Value, pointer: &str) -> Value {
    let mut all = value.clone();
    let (before, last) = pointer.rsplit_once('/').unwrap();
    match all.pointer_mut(before).unwrap() {
        Value::Array(items) => {
            items.remove(last.parse().unwrap());
        }
        Value::Object(fields) => {
            fields.remove(last);
        }
        _ => unreachable!(),
    }
    all
}

fn dossier(facts: &Value) -> Option<Dossier> {
    let text = facts.to_string();
    obhut_facts::Facts::from_json(text.as_bytes()).ok()?;
    let mut d = case(&text);
    let mut file = picture();
    // Facts name files by exhibit.
    let own: FileFacts = serde_json::from_value(facts["files"]["exhibit-1"].clone()).ok()?;
    // The core fills in the file from its facts in the same way.
    file.public = own.publicly_available;
    file.name = own.original_name.clone().map(Sealed::new);
    file.facts = Sealed::new(own);
    d.files.push(file);
    Some(d)
}

/// Accounts with a country and everything that a lead has no place for.
const LINKED: &str = r#"{"reported": {"id": "u", "bio": "b", "display_names": ["d"], "prior_reports": [1],
    "location": {"country": "DE", "city": "Bonn"}, "person": {"first_name": "A", "emails": [{"address": "a@example.org"}]}},
    "recipients": [{"id": "r", "bio": "b", "location": {"country": "FR"}, "associated": [{"id": "l", "bio": "c", "location": {"country": "NL"}}]},
        {"id": "nowhere", "bio": "b"}],
    "jurisdiction": {"user_country": "AT"}, "detected_by": "hash-match", "occurred_at": "2026-09-20T06:15:00Z", "removed": true,
    "payments": [{"amount": "50.00", "currency": "EUR"}], "files": {"exhibit-1": {}}}"#;

#[test]
fn every_form_carries_or_names_each_fact() {
    let full = FULL.replace("EXHIBIT", "exhibit-1");
    for (form, all) in ALL.iter().flat_map(|f| [(f, full.as_str()), (f, LINKED)]) {
        // A package's PDF takes long to render; the smaller case has to do.
        if form.name.starts_with("package") && all == full {
            continue;
        }
        let facts: Value = serde_json::from_str(all).unwrap();
        let Some(whole) = dossier(&facts) else {
            panic!("these facts can't be read: {all}")
        };
        let rendered = (form.write)(&whole);
        let mut pointers = Vec::new();
        leaves(&facts, String::new(), &mut pointers);
        let mut silent = Vec::new();
        for pointer in &pointers {
            let smaller = without(&facts, pointer);
            let Some(less) = dossier(&smaller) else {
                continue;
            };
            if less.facts.expose() == whole.facts.expose() {
                continue;
            }
            let field = dotted(pointer);
            // goAML writes transactions and parties only for a FIU that is set up, and here none
            // is.
            let of_transactions = ["facts.payments", "facts.financial", "facts.reported.id"];
            if form.name == "goaml" && of_transactions.iter().any(|p| field.starts_with(p)) {
                continue;
            }
            let field_of_file = field.replace("facts.files.exhibit-1", "files[0].facts");
            let named = rendered.omitted.iter().any(|o| {
                field.starts_with(o.field.as_str())
                    || field_of_file.starts_with(o.field.as_str())
                    || o.field == "files" && field.starts_with("facts.files")
            });
            let other = (form.write)(&less);
            let same = other.report == rendered.report && other.files == rendered.files;
            if same && !named {
                silent.push(field);
            }
        }
        assert!(silent.is_empty(), "{}: {silent:#?}", form.name);
    }
}

/// Packages and webhooks once carried the parties' account numbers and the analyst's suspicion to
/// authorities and systems that aren't a financial intelligence unit.
#[test]
fn what_is_for_a_financial_intelligence_unit_goes_to_no_one_else() {
    let facts = serde_json::json!({
        "reported": {"id": "u"}, "jurisdiction": {"user_country": "DE"}, "files": {"exhibit-1": {}},
        "places": [{"place": "web-page", "urls": ["https://example.org/p"]}],
        "financial": {"narrative": "SUSPICION", "parties": [{"id": "SUSPICION"}], "unit_reference": "SUSPICION"},
    });
    let d = dossier(&facts).expect("these facts can be read");
    for form in ALL.iter().filter(|f| f.name != "goaml") {
        let rendered = (form.write)(&d);
        let mut said = String::from_utf8_lossy(&rendered.report).into_owned();
        if rendered.media_type == "application/zip" {
            let mut archive =
                ::zip::ZipArchive::new(std::io::Cursor::new(&rendered.report)).unwrap();
            // The text of a PDF is compressed, so it isn't found here; it is made from the same
            // value as the JSON.
            for at in 0..archive.len() {
                let mut bytes = Vec::new();
                archive
                    .by_index(at)
                    .unwrap()
                    .read_to_end(&mut bytes)
                    .unwrap();
                said += &String::from_utf8_lossy(&bytes);
            }
        }
        assert!(!said.contains("SUSPICION"), "{}", form.name);
        let named = rendered
            .omitted
            .iter()
            .any(|o| o.field.starts_with("facts.financial"));
        assert!(named, "{}: {:?}", form.name, rendered.omitted);
    }
}
