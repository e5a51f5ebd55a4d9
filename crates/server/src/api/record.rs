//! `/v1/cases/{case}/facts`: what is known about a case.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{self, Act, Facts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

/// Longest facts in one request, in bytes. Our judgement: the 4 MiB that the command line takes,
/// and 1 KiB for the JSON around them.
pub(super) const FACTS_BYTES_MAX: usize = (4 << 20) + 1_024;

/// What is known about a case, and the version of it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactsBody {
    /// The version that was read; if the facts have changed since, they aren't replaced (409).
    version: String,
    /// In the form of `facts` in `GET /v1/schemas/case`.
    #[schema(value_type = Object)]
    facts: Facts,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SetFactsAnswer {
    version: String,
    /// Facts that can't be right, by field. They are recorded all the same; a report's check names
    /// them.
    faults: Vec<FaultBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FaultBody {
    field: String,
    what: &'static str,
}

impl FaultBody {
    /// Every fault of these facts.
    pub(super) fn all(casework: &casework::Casework, facts: &Facts) -> Vec<Self> {
        let faults = casework::fact_faults(casework, facts).into_iter();
        let body = |f: obhut_app::casework::FactFault| Self {
            field: f.field,
            what: f.what,
        };
        faults.map(body).collect()
    }
}

/// What is known about a case, children's data included; the reading is on record.
#[utoipa::path(get, path = "/v1/cases/{case}/facts", params(("case" = String, Path)), responses((status = 200, body = FactsBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn facts(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let person = access::acting(&app, &headers, Act::ReadFacts).await?;
    let facts = casework::facts(&app.casework, &case).await?;
    // Before the answer leaves: if the reading can't be recorded, no facts are returned.
    casework::note(&app.casework, &person.id, "case.facts.show", &case, "").await?;
    let version = casework::facts_version(&facts);
    // Fields without a value are dropped: with a null for each, the facts may be too long for PUT.
    let mut facts = serde_json::to_value(&facts).expect("facts are JSON");
    without_nulls(&mut facts);
    Ok(uncached(Json(
        serde_json::json!({ "version": version, "facts": facts }),
    )))
}

fn without_nulls(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.retain(|_, v| !v.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Replace what is known about a case, if it is unchanged since it was read. An approved report
/// has to be approved again.
#[utoipa::path(put, path = "/v1/cases/{case}/facts", params(("case" = String, Path)), request_body = FactsBody, responses((status = 200, body = SetFactsAnswer), (status = 400, body = ErrorBody, description = "Not in the form of the schema"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "The facts were changed meanwhile, or the case was cleared on appeal"), (status = 413, body = ErrorBody, description = "Facts longer than 4 MiB")), security(("key" = [])))]
pub(crate) async fn set_facts(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<FactsBody>, Fault>,
) -> Result<Response, Fault> {
    let person = access::acting(&app, &headers, Act::SetFacts).await?;
    let Object(given) = given?;
    let (version, facts) = (&given.version, &given.facts);
    casework::replace_facts(&app.casework, &case, version, facts, &person.id).await?;
    // Read again, because the version also covers what a domain knows about the case.
    let facts = casework::facts(&app.casework, &case).await?;
    Ok(uncached(Json(SetFactsAnswer {
        version: casework::facts_version(&facts),
        faults: FaultBody::all(&app.casework, &facts),
    })))
}

/// For answers that name people or are evidence: no proxy or browser may store them.
pub(super) fn uncached(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}
