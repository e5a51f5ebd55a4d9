//! `/v1/deadlines`, `/v1/cases/{case}/deadlines` and `/v1/cases/{case}/requests`: the deadlines of
//! cases, and the requests of authorities that set some of them.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use obhut_app::casework::{self, Act, Deadline, Right, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

#[derive(Serialize, ToSchema)]
pub(crate) struct DeadlineBody {
    id: String,
    /// `report`, `preservation`, `authority-request`, `child-in-danger`, `appeal` or `information`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// Id of the case. For `child-in-danger` it may be the id of an incoming report in the queue.
    subject: String,
    /// The rule it follows, or the authority that set it.
    basis: String,
    /// RFC 3339.
    started_at: String,
    /// RFC 3339.
    due_at: String,
    /// When its alarm was raised.
    escalated_at: Option<String>,
    ended_at: Option<String>,
    ended_because: Option<String>,
    /// The exhibit that holds the legal process.
    process: Option<String>,
}

impl DeadlineBody {
    pub(super) fn of(d: Deadline) -> Self {
        Self {
            id: d.id,
            kind: d.kind.word(),
            subject: d.subject,
            basis: d.basis,
            started_at: rfc3339(d.started_at),
            due_at: rfc3339(d.due_at),
            escalated_at: d.escalated_at.map(rfc3339),
            ended_at: d.ended_at.map(rfc3339),
            ended_because: d.ended_because,
            process: d.process,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// True to list deadlines that have ended too.
    #[serde(default)]
    all: bool,
}

/// The deadlines of a case, the soonest first.
#[utoipa::path(get, path = "/v1/cases/{case}/deadlines", params(("case" = String, Path), Which), responses((status = 200, body = [DeadlineBody]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn of_case(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<DeadlineBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    let Query(which) = which.map_err(|e| Fault::bad_request(e.body_text()))?;
    // An unknown case is answered as unknown, not as one without deadlines.
    casework::case(&app.casework, &case).await?;
    let deadlines = casework::deadlines(&app.casework, Some(&case), which.all).await?;
    Ok(Json(deadlines.into_iter().map(DeadlineBody::of).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityRequestBody {
    /// The authority that asks.
    authority: String,
    /// Its reference; stored encrypted, never shown in a list.
    #[serde(default)]
    reference: String,
    /// When the answer is due, RFC 3339 with a zone.
    due_at: String,
    /// The exhibit that holds the legal process; `POST /v1/cases/{case}/exhibits` adds one.
    process: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeadlineId {
    /// Id of the deadline.
    deadline: String,
}

/// Put an authority's request on record, with its deadline.
#[utoipa::path(post, path = "/v1/cases/{case}/requests", params(("case" = String, Path)), request_body = AuthorityRequestBody, responses((status = 200, body = DeadlineId), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "The person was cleared"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn request(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<AuthorityRequestBody>, Fault>,
) -> Result<Json<DeadlineId>, Fault> {
    let person = access::acting(&app, &headers, Act::KeepDeadlines).await?;
    let Object(given) = given?;
    let deadline = casework::add_authority_request(
        &app.casework,
        &case,
        &given.authority,
        &given.reference,
        time("due_at", &given.due_at)?,
        given.process.as_deref(),
        &person,
    )
    .await?;
    Ok(Json(DeadlineId { deadline }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendBody {
    /// The new date, later than the present one; RFC 3339 with a zone.
    due_at: String,
    /// Why.
    reason: String,
}

/// Extend a deadline.
#[utoipa::path(patch, path = "/v1/deadlines/{deadline}", params(("deadline" = String, Path)), request_body = ExtendBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "The date isn't later, the deadline has ended, or it is about a child in danger"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn extend(
    State(app): State<App>,
    Path(deadline): Path<String>,
    headers: HeaderMap,
    given: Result<Object<ExtendBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::KeepDeadlines).await?;
    let Object(given) = given?;
    let due_at = time("due_at", &given.due_at)?;
    casework::extend_deadline(&app.casework, &deadline, due_at, &given.reason, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndBody {
    /// Why it ends: how the request was answered, for example.
    reason: String,
}

/// End a deadline, because what it waits for has happened.
#[utoipa::path(post, path = "/v1/deadlines/{deadline}/end", params(("deadline" = String, Path)), request_body = EndBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It has ended already, is about a child in danger, or preserves what was filed until its date"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn end(
    State(app): State<App>,
    Path(deadline): Path<String>,
    headers: HeaderMap,
    given: Result<Object<EndBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::KeepDeadlines).await?;
    let Object(given) = given?;
    casework::end_deadline(&app.casework, &deadline, &given.reason, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A time of a request, in microseconds since 1970.
pub(super) fn time(field: &'static str, text: &str) -> Result<i64, Fault> {
    let time = text.parse::<jiff::Timestamp>().map_err(|_| {
        casework::CaseworkError::invalid(
            field,
            format!("{field} isn't a time with a zone, like 2026-11-29T12:00:00Z"),
        )
    })?;
    Ok(time.as_microsecond())
}
