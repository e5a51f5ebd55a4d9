//! Small helpers for JSON from many sources.

use obhut_facts::Place;
use serde_json::Value;

/// A field as text, trimmed: a string or number, plain or within `{"value": …}`. `None` if blank.
pub(in crate::incoming) fn own(value: &Value, name: &str) -> Option<String> {
    said(&value[name])
}

/// As [`own`], for the value itself.
pub(in crate::incoming) fn said(value: &Value) -> Option<String> {
    let plain = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(fields) => return said(fields.get("value")?),
        _ => return None,
    };
    Some(plain.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The items of a list; a single value counts as a list of one.
pub(in crate::incoming) fn items<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match &value[name] {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

/// The items of a list as text, as [`said`] gives it; items without a text are left out.
pub(in crate::incoming) fn texts(value: &Value, name: &str) -> Vec<String> {
    items(value, name).into_iter().filter_map(said).collect()
}

/// URLs as one place; empty for an empty list. Whether a third party hosts them is left open.
pub(in crate::incoming) fn pages(urls: Vec<String>) -> Vec<Place> {
    match urls.is_empty() {
        true => Vec::new(),
        false => vec![Place::WebPage {
            urls,
            third_party: None,
            note: None,
        }],
    }
}
