//! A case as JSON, for forms that carry everything that may be disclosed, and the list of what a
//! smaller form omits.

use obhut_facts::{Dossier, Facts, ReportedFile, Reporter, rfc3339};
use serde_json::{Value, json};

use crate::form::{Omitted, stays_here};

/// Everything in a case that may be disclosed, without empty fields.
pub(crate) fn case(d: &Dossier) -> Value {
    let mut facts = serde_json::to_value(d.facts.expose()).expect("facts are JSON");
    bare(&mut facts);
    if let Some(fields) = facts.as_object_mut() {
        // Files are written below, each with its digests and its facts together.
        fields.remove("files");
        // Account numbers, identity documents and the analyst's suspicion: a report of suspicious
        // transactions must not be disclosed to others.
        fields.remove("financial");
        // The words of an incoming report may name a caller or a child.
        for (field, _) in RECEIVED {
            fields.remove(field);
        }
    }
    let files: Vec<_> = d.files.iter().map(file).collect();
    // Field by field: a dossier also has matches and the embargo, which are never disclosed.
    let mut value = json!({
        "case": d.case,
        "made_at": rfc3339(d.made_at),
        "found_at": rfc3339(d.found_at),
        "reporter": reporter(d),
        "appeal_open_since": d.appealed_at.map(rfc3339),
        "supplements_cybertip": d.supplements,
        "facts": facts,
        "files": files,
    });
    bare(&mut value);
    value
}

/// The facts that hold the words of a report that came in, and why each is omitted.
pub(crate) const RECEIVED: [(&str, &str); 2] = [
    (
        "received_note",
        "the words of an incoming report are not disclosed; say in facts.note what the receiver has to know",
    ),
    (
        "received_urgent",
        "the words of an incoming report are not disclosed; say in facts.urgent_because why it is urgent",
    ),
];

/// Those of [`RECEIVED`] that a case has.
pub(crate) fn received(facts: &Facts) -> impl Iterator<Item = (&'static str, &'static str)> {
    let has = [
        facts.received_note.is_some(),
        facts.received_urgent.is_some(),
    ];
    RECEIVED
        .into_iter()
        .zip(has)
        .filter_map(|(field, has)| has.then_some(field))
}

/// What [`case`] omits.
pub(crate) fn omitted(d: &Dossier) -> Vec<Omitted> {
    let mut omitted = stays_here(d);
    omitted.extend(received(d.facts.expose()).map(|(field, why)| Omitted {
        field: format!("facts.{field}"),
        why: why.into(),
    }));
    if d.facts.expose().financial.is_some() {
        omitted.push(Omitted {
            field: "facts.financial".into(),
            why: "goes to a financial intelligence unit only".into(),
        });
    }
    omitted
}

/// The provider as a reporter, without its agreements with others and without what isn't set.
fn reporter(d: &Dossier) -> Value {
    let reporter = Reporter {
        industry_agreement: String::new(),
        nca_duty: None,
        nca_unreported: String::new(),
        ..d.reporter.clone()
    };
    let mut value = serde_json::to_value(reporter).expect("a reporter is JSON");
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, v| v != "");
    }
    value
}

fn file(f: &ReportedFile) -> Value {
    let digests = f.digests.as_ref().map(|d| d.expose());
    json!({
        "exhibit": f.exhibit,
        "name": f.name.as_ref().map(|n| n.expose().clone()),
        "media_type": f.media_type,
        "bytes": digests.map(|d| d.bytes),
        "sha256": digests.map(|d| d.sha256.clone()),
        "sha1": digests.map(|d| d.sha1.clone()),
        "md5": digests.map(|d| d.md5.clone()),
        "pdq": digests.and_then(|d| d.pdq.clone()),
        "surface": f.surface.word(),
        "uploaded_at": f.uploaded_at.map(rfc3339),
        "found_at": rfc3339(f.found_at),
        "publicly_available": f.public,
        "category": f.category,
        "known": f.known(),
        "as_received": f.as_received.then_some(true),
        "viewed_whole": f.viewed_whole,
        "viewed_metadata": f.viewed_metadata,
        "same_bytes_viewed_as": f.viewed_copy,
        "exif": digests.map(|d| &d.exif).filter(|e| !e.is_empty()),
        "came_in_before_with": f.seen_before,
        "came_in_before_with_others": f.seen_in_more.then_some(true),
        "facts": f.facts.expose(),
    })
}

/// Removes nulls and empty lists and objects, but no list item; true if nothing is left.
pub(crate) fn bare(value: &mut Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => {
            for item in items.iter_mut() {
                // An emptied item keeps its place, because its index
                // is part of the paths in left_out().
                bare(item);
            }
            items.is_empty()
        }
        Value::Object(fields) => {
            fields.retain(|_, v| !bare(v));
            fields.is_empty()
        }
        _ => false,
    }
}

/// The facts that a form omits, each with its path. `used` lists the paths that it carries, with
/// everything below them; `[]` matches any index.
pub(crate) fn left_out(facts: &Facts, used: &[&str], why: &str) -> Vec<Omitted> {
    let mut value = serde_json::to_value(facts).expect("facts are JSON");
    bare(&mut value);
    let mut paths = Vec::new();
    leaves(&value, "facts".into(), &mut paths);
    let plain = |path: &str| {
        let mut out = String::new();
        let mut inside = false;
        for c in path.chars() {
            match c {
                '[' => {
                    inside = true;
                    out.push('[');
                }
                ']' => {
                    inside = false;
                    out.push(']');
                }
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out
    };
    paths
        .into_iter()
        .filter(|path| {
            // Compared with the index and with `[]` in its place: a form may carry only one of
            // several accounts.
            let covers = |path: &str| {
                used.iter().any(|u| {
                    path == *u
                        || path.starts_with(&format!("{u}."))
                        || path.starts_with(&format!("{u}["))
                })
            };
            !covers(path) && !covers(&plain(path))
        })
        .map(|field| Omitted {
            field,
            why: why.to_owned(),
        })
        .collect()
}

fn leaves(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, v)| leaves(v, format!("{path}.{name}"), out)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, v)| leaves(v, format!("{path}[{n}]"), out)),
        _ => out.push(path),
    }
}
