//! What is on record about a case: its facts, its exhibits, and who has looked at them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{self, Act, Extent, Facts, Right, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::{App, access};

/// Longest facts in one request, in bytes. Our judgement: as the shell takes, and room for what is around
/// them.
pub(super) const FACTS_BYTES_MAX: usize = (4 << 20) + 1_024;

/// What is known about a case, and which state of it this is.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactsBody {
    /// As it was read; facts that were changed since are not replaced.
    version: String,
    /// In the form of `facts` in `GET /v1/schemas/case`.
    #[schema(value_type = Object)]
    facts: Facts,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SetFactsAnswer {
    version: String,
    /// What can't be so, by field; it is on record all the same, and the check of a report names it.
    faults: Vec<FaultBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FaultBody {
    field: String,
    what: &'static str,
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
    // Before the answer leaves: a reading that can't be recorded isn't given.
    casework::note(&app.casework, &person.id, "case.facts.show", &case, "").await?;
    let version = casework::facts_version(&facts);
    // Without what isn't known: with a null for every field it would be too long to be put back.
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
    given: Result<Json<FactsBody>, JsonRejection>,
) -> Result<Response, Fault> {
    let person = access::acting(&app, &headers, Act::SetFacts).await?;
    let Json(given) = given?;
    let (version, facts) = (&given.version, &given.facts);
    casework::replace_facts(&app.casework, &case, version, facts, &person.id).await?;
    // Read again: what a domain knows of the case is part of it.
    let facts = casework::facts(&app.casework, &case).await?;
    Ok(uncached(Json(SetFactsAnswer {
        version: casework::facts_version(&facts),
        faults: casework::fact_faults(&app.casework, &facts)
            .into_iter()
            .map(|f| FaultBody {
                field: f.field,
                what: f.what,
            })
            .collect(),
    })))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExhibitBody {
    exhibit: String,
    bytes: u64,
    /// What it is, as in `image/jpeg`, where that is known.
    media_type: Option<String>,
    sealed_at: String,
    views: Vec<ViewBody>,
    /// What people decided about the same bytes in other cases, the newest twenty, newest first.
    decided_elsewhere: Vec<EarlierBody>,
}

/// A decision about the same bytes.
#[derive(Serialize, ToSchema)]
pub(crate) struct EarlierBody {
    case: String,
    /// `report` or `no-report`.
    #[schema(value_type = String)]
    ruling: &'static str,
    decided_at: String,
}

/// One look at an exhibit.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViewBody {
    /// Id of the person.
    person: String,
    /// `whole`, `part`, `metadata`, or `failed` where it could not be read.
    #[schema(value_type = String)]
    extent: &'static str,
    purpose: String,
    viewed_at: String,
}

/// The exhibits of a case, and who has looked at each.
#[utoipa::path(get, path = "/v1/cases/{case}/exhibits", params(("case" = String, Path)), responses((status = 200, body = [ExhibitBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn exhibits(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<ExhibitBody>>, Fault> {
    let key = access::require(&app, &headers, Right::Cases).await?;
    let all = casework::exhibits_of_case(&app.casework, &case).await?;
    casework::note(&app.casework, &key.id, "case.exhibits", &case, "").await?;
    let mut answer = Vec::with_capacity(all.len());
    for exhibit in all {
        let views = casework::views(&app.casework, &exhibit.id).await?;
        let elsewhere = casework::earlier_decisions(&app.casework, &case, &exhibit.id).await?;
        answer.push(ExhibitBody {
            decided_elsewhere: elsewhere
                .into_iter()
                .map(|e| EarlierBody {
                    case: e.case,
                    ruling: e.ruling.word(),
                    decided_at: rfc3339(e.decided_at),
                })
                .collect(),
            views: views
                .into_iter()
                .map(|v| ViewBody {
                    person: v.person,
                    extent: v.extent.word(),
                    purpose: v.purpose,
                    viewed_at: rfc3339(v.viewed_at),
                })
                .collect(),
            bytes: exhibit.bytes,
            media_type: exhibit.intake.media_type,
            sealed_at: rfc3339(exhibit.time),
            exhibit: exhibit.id,
        });
    }
    Ok(Json(answer))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewRequest {
    /// Why it is needed; never empty.
    purpose: String,
    /// How much of it the person looks at: `whole`, `part`, `metadata`; `unseen` if the bytes are only
    /// handed on. Reports say "viewed" by this.
    extent: String,
}

/// The bytes of an exhibit, for the key's person. The view is on record before the first byte leaves.
#[utoipa::path(post, path = "/v1/exhibits/{exhibit}/views", params(("exhibit" = String, Path)), request_body = ViewRequest, responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reviewer"), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "What was given can't be used"), (status = 429, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn view(
    State(app): State<App>,
    Path(exhibit): Path<String>,
    headers: HeaderMap,
    given: Result<Json<ViewRequest>, JsonRejection>,
) -> Result<Response, Fault> {
    let person = access::acting(&app, &headers, Act::ViewExhibit).await?;
    let Json(given) = given?;
    let extent = Extent::from_word(&given.extent)
        .ok_or_else(|| Fault::bad_request("extent is whole, part, metadata or unseen"))?;
    // An exhibit is in memory whole, like an upload; so it takes a place among those.
    let _place = crate::intake::receiving(&app).await?;
    let bytes = casework::view(&app.casework, &exhibit, &person, &given.purpose, extent).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        // Never shown by a browser that is led here: a program asks, and shows it if a person wants.
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok(uncached((headers, bytes)))
}

/// It names people or is evidence; no proxy or browser may store it.
fn uncached(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}
