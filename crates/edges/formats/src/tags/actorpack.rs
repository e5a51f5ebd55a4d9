//! GraphSense ActorPacks (YAML): who operates a service, with legal name and jurisdictions.

use obhut_facts::ActorRecord;
use serde_json::{Map, Value};

use super::tagpack::{pack, text_of};
use super::{TagFile, problem};

pub(super) fn is(text: &str) -> bool {
    // Only an unindented line counts: an `actors:` inside a tag would be indented.
    text.lines().any(|l| l.trim_end() == "actors:")
}

pub(super) fn read(name: &str, text: &str) -> Result<TagFile, String> {
    let head = pack(text)?;
    let Some(Value::Array(actors)) = head.get("actors") else {
        return Err("it is a pack without `actors`".into());
    };
    let mut file = TagFile::default();
    for (row, actor) in (1..).zip(actors) {
        // Unlike tags, actors inherit nothing from the header of the pack.
        let empty = Map::new();
        let fields = actor.as_object().unwrap_or(&empty);
        let Some(id) = text_of(&empty, fields, "id") else {
            file.problems
                .push(problem(name, row, "it has no id; ignored"));
            continue;
        };
        // `context` is JSON in a string, or a mapping.
        let context = match fields.get("context") {
            Some(Value::String(json)) => serde_json::from_str::<Value>(json).unwrap_or_default(),
            Some(other) => other.clone(),
            None => Value::Null,
        };
        let legal = context.get("legal_name").and_then(Value::as_str);
        let countries = fields.get("jurisdictions").and_then(Value::as_array);
        file.actors.push(ActorRecord {
            label: text_of(&empty, fields, "label").unwrap_or_else(|| id.clone()),
            uri: text_of(&empty, fields, "uri"),
            legal_name: legal.map(str::to_owned),
            jurisdictions: countries
                .into_iter()
                .flatten()
                .filter_map(|c| c.as_str().map(str::to_owned))
                .collect(),
            id,
        });
    }
    Ok(file)
}
