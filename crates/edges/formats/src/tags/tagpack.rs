//! GraphSense TagPacks (YAML): the header's fields apply to every tag that doesn't set its own.

use obhut_facts::TagRecord;
use serde_json::{Map, Value};

use super::{FILE_BYTES_MAX, TAGS_MAX, TagFile, confidence, is_bitcoin, problem};

/// Fields of a tag in the schema (`tagpack_schema.yaml`, 2026-05).
const FIELDS: &[&str] = &[
    "label",
    "source",
    "currency",
    "network",
    "context",
    "confidence",
    "is_cluster_definer",
    "lastmod",
    "category",
    "abuse",
    "address",
    "tx_hash",
    "actor",
    "concepts",
    "tag_type",
];

/// Header-only fields; any field of a tag may also be in the header, for all tags.
const HEAD_FIELDS: &[&str] = &[
    "title",
    "creator",
    "description",
    "owner",
    "is_public",
    "tags",
];

pub(super) fn read(name: &str, text: &str) -> Result<TagFile, String> {
    let head = pack(text)?;
    let mut file = TagFile::default();
    let tags = match head.get("tags") {
        Some(Value::Array(tags)) => tags,
        _ => return Err("it is a pack without `tags`".into()),
    };
    let is_known = |k: &str| HEAD_FIELDS.contains(&k) || FIELDS.contains(&k);
    for field in head.keys().filter(|k| !is_known(k)) {
        let what = format!("unknown field `{field}` in the header, ignored");
        // Row 0 is the file.
        file.problems.push(problem(name, 0, what));
    }
    for field in ["currency", "confidence"] {
        // TagPack's newer name for `currency` is `network`.
        let has = |k: &str| k == field || (field == "currency" && k == "network");
        let everywhere = |v: &Value| v.as_object().is_some_and(|tag| tag.keys().any(|k| has(k)));
        if !head.keys().any(|k| has(k)) && !tags.iter().all(everywhere) {
            let what = format!(
                "`{field}` is neither in the header nor in every tag, but the schema requires it"
            );
            file.problems.push(problem(name, 0, what));
        }
    }
    for field in ["title", "creator"] {
        if text_of(&head, &Map::new(), field).is_none() {
            let what = format!("the pack has no `{field}`, but the schema requires it");
            file.problems.push(problem(name, 0, what));
        }
    }
    for (row, tag) in (1..).zip(tags) {
        let Value::Object(tag) = tag else {
            let what = "it isn't a mapping; ignored";
            file.problems.push(problem(name, row, what));
            continue;
        };
        for field in tag.keys().filter(|k| !FIELDS.contains(&k.as_str())) {
            let what = format!("unknown field `{field}`, ignored");
            file.problems.push(problem(name, row, what));
        }
        match one(&head, tag) {
            Ok(Some(record)) if record.date.as_deref().is_some_and(|d| !is_date(d)) => {
                let what = "`lastmod` isn't a date like 2026-11-22; the tag was read without it";
                file.problems.push(problem(name, row, what));
                file.tags.push(TagRecord {
                    date: None,
                    ..record
                });
            }
            Ok(Some(record)) => file.tags.push(record),
            Ok(None) => file.other_currencies += 1,
            Err(what) => file.problems.push(problem(name, row, what)),
        }
    }
    Ok(file)
}

/// The fields of a YAML file, whose root must be a mapping.
pub(super) fn pack(text: &str) -> Result<Map<String, Value>, String> {
    // Strict booleans: an exchange may be called `No`. The budget is 30 events for each of TAGS_MAX
    // tags: a dozen fields, key and value an event each, and the start and end of the mapping.
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_events: TAGS_MAX * 30,
            max_nodes: TAGS_MAX * 30,
            max_total_scalar_bytes: FILE_BYTES_MAX,
        },
    };
    match serde_saphyr::from_str_with_options::<Value>(text, options) {
        Ok(Value::Object(head)) => Ok(head),
        Ok(_) => Err("it is neither a TagPack (YAML with `title`, `creator`, `tags`) nor CSV with columns `address` and `label`".into()),
        Err(e) => {
            // Only the first line: the parser's further lines are an excerpt of the file.
            let text = e.to_string();
            let first = text.lines().next().unwrap_or_default();
            let place = e.location().map(|l| format!("line {}, column {}: ", l.line(), l.column()));
            Err(format!("it isn't YAML; {}{first}", place.unwrap_or_default()))
        }
    }
}

fn one(head: &Map<String, Value>, tag: &Map<String, Value>) -> Result<Option<TagRecord>, String> {
    let text = |field: &str| text_of(head, tag, field);
    let currency = text("currency").or_else(|| text("network"));
    if currency.as_deref().is_some_and(|c| !is_bitcoin(c)) {
        return Ok(None);
    }
    let needed = |field: &str| text(field).ok_or_else(|| format!("it has no {field}; ignored"));
    let address = match text("address") {
        Some(address) => address,
        // TagPack also tags transactions; only addresses can be looked up here.
        None if text("tx_hash").is_some() => {
            return Err("it tags a transaction, not an address; ignored".into());
        }
        None => return Err("it has no address; ignored".into()),
    };
    let word = text("confidence").unwrap_or_else(|| "unknown".into());
    let Some(confidence) = confidence(&word) else {
        return Err(format!(
            "\"{word}\" isn't a TagPack confidence level; ignored"
        ));
    };
    let flag = tag
        .get("is_cluster_definer")
        .or_else(|| head.get("is_cluster_definer"));
    // `strict_booleans` leaves yes and no as texts; a guess would decide over a whole cluster.
    if flag.is_some_and(|f| !f.is_boolean()) {
        return Err("`is_cluster_definer` is neither true nor false; ignored".into());
    }
    Ok(Some(TagRecord {
        address,
        label: needed("label")?,
        actor: text("actor"),
        category: text("category"),
        source: needed("source")?,
        date: text("lastmod"),
        confidence,
        for_cluster: flag.and_then(Value::as_bool).unwrap_or(true),
        pack: text("title").unwrap_or_default(),
        creator: text("creator").unwrap_or_default(),
    }))
}

/// True for a day like `2026-11-22`, or a time that begins with one.
fn is_date(text: &str) -> bool {
    // Not a calendar: February 31 passes.
    let day: Vec<&str> = text.get(..10).unwrap_or(text).split('-').collect();
    let number = |n: usize, from: u32, to: u32| {
        let field = day.get(n).and_then(|d| d.parse::<u32>().ok());
        field.is_some_and(|d| (from..=to).contains(&d))
    };
    day.len() == 3 && number(0, 1970, 9999) && number(1, 1, 12) && number(2, 1, 31)
}

/// A field of the tag, else of the header, as text; `None` if it is blank or neither text nor
/// number.
pub(super) fn text_of(
    head: &Map<String, Value>,
    tag: &Map<String, Value>,
    field: &str,
) -> Option<String> {
    let value = tag.get(field).or_else(|| head.get(field))?;
    let text = match value {
        Value::String(s) => s.trim().to_owned(),
        // An unquoted `2021` is a number in YAML.
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
