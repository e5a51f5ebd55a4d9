//! What the OpenAPI document says of single values: the words that a field takes, times, texts that
//! may not be empty, and the headers of answers. Handlers check them; the types alone don't show it.

use obhut_app::casework::{
    AppealOutcome, CaseStatus, Extent, Language, Measure, NcaDuty, Outcome, Question, Ruling,
    Surface, Wanted,
};
use serde_json::{Value, json};

/// Fields that are a moment with its zone (RFC 3339): body and field.
const TIMES: &[(&str, &str)] = &[
    ("AskBody", "due_at"),
    ("AuthorityRequestBody", "due_at"),
    ("ExtendBody", "due_at"),
    ("EmbargoBody", "until"),
    ("HoldDecisionBody", "until"),
];

/// Fields that may not be empty: body and field.
const NOT_EMPTY: &[(&str, &str)] = &[
    ("AcknowledgeBody", "how"),
    ("AuthorityRequestBody", "authority"),
    ("DecideAppealBody", "grounds"),
    ("DecideBody", "grounds"),
    ("DetermineBody", "grounds"),
    ("EndBody", "reason"),
    ("ExtendBody", "reason"),
    ("HoldDecisionBody", "why"),
    ("LiftBody", "reason"),
    ("OpenBody", "reason"),
    ("OutcomeBody", "source"),
    ("ReasonBody", "reason"),
    ("RouteRequest", "basis"),
    ("ViewRequest", "purpose"),
];

/// Headers of answers: path, method, status, name and meaning.
const HEADERS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "/v1/cases",
        "get",
        "200",
        "Obhut-Next",
        "What to send as `before` for the next page; absent on the last",
    ),
    (
        "/v1/hooks/nginx",
        "post",
        "200",
        "X-Accel-Redirect",
        "The location to which nginx passes the upload on",
    ),
];

/// Schemas of query parameters: name, and what is known of its values.
fn queries() -> [(&'static str, Value); 4] {
    let words = |all: Vec<&str>| json!({ "type": "string", "enum": all });
    let surfaces = Surface::ALL.iter().map(|s| s.word()).collect();
    let statuses = CaseStatus::ALL.iter().map(|s| s.word()).collect();
    [
        (
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": 1_000 }),
        ),
        ("queue", words(vec!["suspects", "victims"])),
        ("status", words(statuses)),
        ("surface", words(surfaces)),
    ]
}

/// The words that fields take: body, field and words. For a list they are those of its items.
fn words() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    fn of<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|t| word(*t)).collect()
    }
    let surfaces = of(Surface::ALL, |s| s.word());
    // Only the server records that a reading failed.
    let mut extents = of(Extent::ALL, |e| e.word());
    extents.retain(|e| *e != Extent::Failed.word());
    vec![
        ("DecideBody", "ruling", of(Ruling::ALL, |r| r.word())),
        (
            "DecideAppealBody",
            "outcome",
            of(AppealOutcome::ALL, |o| o.word()),
        ),
        ("NoticeRequest", "measure", of(Measure::ALL, |m| m.word())),
        ("NoticeRequest", "language", of(Language::ALL, |l| l.word())),
        ("DetermineBody", "question", of(Question::ALL, |q| q.word())),
        ("AskBody", "wanted", of(Wanted::ALL, |w| w.word())),
        ("ViewRequest", "extent", extents),
        ("OutcomeBody", "code", of(Outcome::ALL, |o| o.word())),
        ("ReporterBody", "nca_duty", of(NcaDuty::ALL, |d| d.word())),
        ("RouteRequest", "surface", surfaces),
    ]
}

/// The document with all of it.
pub(super) fn added(mut document: Value) -> Value {
    let schemas = &mut document["components"]["schemas"];
    for (body, field) in TIMES {
        schemas[*body]["properties"][*field]["format"] = "date-time".into();
    }
    for (body, field) in NOT_EMPTY {
        schemas[*body]["properties"][*field]["minLength"] = 1.into();
    }
    for (body, field, words) in words() {
        let value = &mut schemas[body]["properties"][field];
        if value["type"] == "array" {
            value["items"]["enum"] = words.into();
            value["minItems"] = 1.into();
        } else {
            let nullable = value["type"].is_array();
            let mut all: Vec<Value> = words.into_iter().map(Value::from).collect();
            all.extend(nullable.then_some(Value::Null));
            value["enum"] = all.into();
        }
    }
    for (path, method, status, name, meaning) in HEADERS {
        let response = &mut document["paths"][*path][*method]["responses"][*status];
        response["headers"][*name] = header(meaning);
    }
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for operation in paths.filter_map(|(_, item)| item.as_object_mut()).flatten() {
        let parameters = operation.1["parameters"].as_array_mut();
        for parameter in parameters.into_iter().flatten() {
            let known = queries();
            let known = known.iter().find(|(name, _)| parameter["name"] == *name);
            if let (Some((_, schema)), true) = (known, parameter["in"] == "query") {
                parameter["schema"] = schema.clone();
            }
        }
        let responses = operation.1["responses"].as_object_mut();
        for (status, response) in responses.into_iter().flatten() {
            let (name, meaning) = match status.as_str() {
                "401" => ("WWW-Authenticate", "Which kind of key is asked for"),
                "429" | "503" => ("Retry-After", "Seconds after which to try again, if known"),
                _ => continue,
            };
            response["headers"][name] = header(meaning);
        }
    }
    document
}

fn header(meaning: &str) -> Value {
    json!({ "description": meaning, "schema": { "type": "string" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row about a field that was renamed would add a new one to the document.
    #[test]
    fn each_row_is_about_a_field_that_there_is() {
        let document = super::super::openapi();
        let fields = TIMES.iter().chain(NOT_EMPTY).copied();
        let fields = fields.chain(words().into_iter().map(|(body, field, _)| (body, field)));
        for (body, field) in fields {
            let known = &document["components"]["schemas"][body]["properties"][field];
            assert!(known.is_object(), "{body}.{field}");
        }
        for (path, method, status, name, _) in HEADERS {
            let known = &document["paths"][path][method]["responses"][status];
            assert!(known.is_object(), "{method} {path} {status} {name}");
        }
    }
}
