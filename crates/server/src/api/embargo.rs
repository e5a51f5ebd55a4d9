//! `/v1/cases/{case}/embargo`: a ban on informing the person concerned, ordered by an authority.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use obhut_app::casework::{self, Act, Embargo};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbargoBody {
    /// RFC 3339; without it the embargo lasts until the authority ends it.
    until: Option<String>,
    /// The authority that ordered the embargo, and its reference.
    authority: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftBody {
    /// How the authority ended it: its order or letter; never empty.
    reason: String,
}

/// Put a case under embargo: nothing about it reaches the person concerned.
#[utoipa::path(put, path = "/v1/cases/{case}/embargo", params(("case" = String, Path)), request_body = EmbargoBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "The person was cleared"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn set(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<EmbargoBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::SetEmbargo).await?;
    let Object(given) = given?;
    let embargo = Embargo {
        until: given.until,
        authority: Some(given.authority.clone()),
    };
    casework::set_embargo(
        &app.casework,
        &case,
        Some(&embargo),
        &given.authority,
        &person,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift the embargo of a case.
#[utoipa::path(delete, path = "/v1/cases/{case}/embargo", params(("case" = String, Path)), request_body = LiftBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "There is no embargo"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn lift(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<LiftBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::SetEmbargo).await?;
    let Object(given) = given?;
    casework::set_embargo(&app.casework, &case, None, &given.reason, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}
