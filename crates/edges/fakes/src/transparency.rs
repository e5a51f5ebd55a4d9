//! A fake of the DSA Transparency Database's API, written from its documentation. It checks the
//! required fields, accepts those of the documented values that reports of child sexual abuse need,
//! and takes one statement for each `puid`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// The faults to inject, by request number. Requests are counted from 1; those without the right
/// token don't count.
#[derive(Clone, Default, Debug)]
pub struct Faults {
    /// Requests answered with 503, nothing done.
    pub busy: Vec<u64>,
    /// Requests whose statement is stored and which are answered with 502, as by a gateway that
    /// lost the answer.
    pub lost: Vec<u64>,
}

#[derive(Default)]
struct Kept {
    statements: BTreeMap<String, Value>,
    requests: u64,
}

/// The service; clones share its state.
#[derive(Clone)]
pub struct TransparencyDatabase {
    kept: Arc<Mutex<Kept>>,
    token: Arc<str>,
    faults: Arc<Faults>,
}

impl TransparencyDatabase {
    /// A service that accepts this token and has no statements yet.
    pub fn new(token: &str, faults: Faults) -> Self {
        Self {
            kept: Arc::default(),
            token: token.into(),
            faults: Arc::new(faults),
        }
    }

    /// Its one call, `/api/v1/statement`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/api/v1/statement", post(take))
            .with_state(self.clone())
    }

    /// The statements received so far, by `puid`.
    pub fn statements(&self) -> BTreeMap<String, Value> {
        self.kept
            .lock()
            .expect("no handler panics")
            .statements
            .clone()
    }
}

async fn take(
    State(service): State<TransparencyDatabase>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let of = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if of(header::AUTHORIZATION) != Some(&format!("Bearer {}", service.token)) {
        let said = json!({ "message": "Unauthenticated." });
        return (StatusCode::UNAUTHORIZED, Json(said)).into_response();
    }
    let mut kept = service.kept.lock().expect("no handler panics");
    kept.requests += 1;
    let number = kept.requests;
    if service.faults.busy.contains(&number) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let Ok(statement) = serde_json::from_slice::<Value>(&body) else {
        return refused("body", "isn't JSON");
    };
    if let Some((field, why)) = fault(&statement) {
        return refused(field, why);
    }
    let puid = statement["puid"].as_str().unwrap_or_default().to_owned();
    if kept.statements.contains_key(&puid) {
        let why = "The identifier given is not unique within this platform.";
        let said =
            json!({ "message": why, "errors": { "puid": [why] }, "existing": { "puid": puid } });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(said)).into_response();
    }
    kept.statements.insert(puid.clone(), statement);
    if service.faults.lost.contains(&number) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let said = json!({ "uuid": format!("00000000-0000-4000-8000-{number:012}"), "puid": puid });
    (StatusCode::CREATED, Json(said)).into_response()
}

fn refused(field: &str, why: &str) -> Response {
    let said = json!({ "message": why, "errors": { field: [why] } });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(said)).into_response()
}

/// The first field that is missing or that the documentation doesn't allow, and why.
// Long: one row for each field.
fn fault(s: &Value) -> Option<(&'static str, &'static str)> {
    let text = |field: &str, chars_max: usize| {
        let value = s[field].as_str();
        value.is_some_and(|t| !t.is_empty() && t.chars().count() <= chars_max)
    };
    let day = |field: &str| {
        s[field].as_str().is_some_and(|d| {
            let parts: Vec<_> = d.split('-').map(|p| (p.len(), p.parse::<u32>())).collect();
            matches!(parts[..], [(4, Ok(y)), (2, Ok(1..=12)), (2, Ok(1..=31))] if (2000..=2038).contains(&y))
        })
    };
    let words = |field: &str, taken: &[&str]| {
        s[field].as_array().is_some_and(|all| {
            !all.is_empty()
                && all
                    .iter()
                    .all(|w| w.as_str().is_some_and(|w| taken.contains(&w)))
        })
    };
    let word = |field: &str, taken: &[&str]| s[field].as_str().is_some_and(|w| taken.contains(&w));
    let visibility = words(
        "decision_visibility",
        &[
            "DECISION_VISIBILITY_CONTENT_REMOVED",
            "DECISION_VISIBILITY_CONTENT_DISABLED",
        ],
    );
    let account = word(
        "decision_account",
        &["DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"],
    );
    if !visibility && !account {
        return Some(("decision_visibility", "one of four decisions is required"));
    }
    let types = [
        "APP",
        "AUDIO",
        "IMAGE",
        "PRODUCT",
        "SYNTHETIC_MEDIA",
        "TEXT",
        "VIDEO",
    ];
    let types: Vec<String> = types.iter().map(|t| format!("CONTENT_TYPE_{t}")).collect();
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    let keywords = [
        "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",
        "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE",
        "KEYWORD_GROOMING_SEXUAL_ENTICEMENT_MINORS",
    ];
    let sources = [
        "SOURCE_ARTICLE_16",
        "SOURCE_TRUSTED_FLAGGER",
        "SOURCE_TYPE_OTHER_NOTIFICATION",
        "SOURCE_VOLUNTARY",
    ];
    let decided = [
        "AUTOMATED_DECISION_FULLY",
        "AUTOMATED_DECISION_PARTIALLY",
        "AUTOMATED_DECISION_NOT_AUTOMATED",
    ];
    let puid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    [
        (
            word("decision_ground", &["DECISION_GROUND_ILLEGAL_CONTENT"]),
            "decision_ground",
        ),
        (
            text("illegal_content_legal_ground", 500),
            "illegal_content_legal_ground",
        ),
        (
            text("illegal_content_explanation", 2_000),
            "illegal_content_explanation",
        ),
        (words("content_type", &types), "content_type"),
        (
            word("category", &["STATEMENT_CATEGORY_PROTECTION_OF_MINORS"]),
            "category",
        ),
        (
            words("category_specification", &keywords),
            "category_specification",
        ),
        (day("content_date"), "content_date"),
        (day("application_date"), "application_date"),
        (text("decision_facts", 5_000), "decision_facts"),
        (word("source_type", &sources), "source_type"),
        (
            word("automated_detection", &["Yes", "No"]),
            "automated_detection",
        ),
        (word("automated_decision", &decided), "automated_decision"),
        (
            text("puid", 500) && s["puid"].as_str().is_some_and(|p| p.chars().all(puid)),
            "puid",
        ),
    ]
    .into_iter()
    .find(|(fine, _)| !fine)
    .map(|(_, field)| (field, "is missing or not allowed"))
}
