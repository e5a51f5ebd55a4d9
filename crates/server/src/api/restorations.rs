//! `/v1/restorations`: measures the platform has to reverse after an appeal was upheld.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use obhut_app::casework::{self, Act};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::{App, access};

#[derive(Serialize, ToSchema)]
pub(crate) struct RestorationBody {
    restoration: String,
    case: String,
    /// What is to be restored: `account` or `content`.
    what: String,
    /// The account, if one is known.
    account: Option<String>,
}

/// Measures that the platform still has to reverse, oldest first. They name cleared people, so the
/// reading is recorded.
#[utoipa::path(get, path = "/v1/restorations", responses((status = 200, body = [RestorationBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reviewer")), security(("key" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<Vec<RestorationBody>>, Fault> {
    let person = access::acting(&app, &headers, Act::RestoreAccount).await?;
    casework::note(
        &app.casework,
        &person.id,
        "restoration.list",
        "restorations",
        "",
    )
    .await?;
    let open = casework::restorations(&app.casework, false).await?;
    let open = open.into_iter().map(|one| RestorationBody {
        restoration: one.id,
        case: one.case,
        what: one.what.to_string(),
        account: one.account.map(|a| a.expose().clone()),
    });
    Ok(Json(open.collect()))
}

/// Record that a measure was reversed; the account's name is deleted with it.
#[utoipa::path(post, path = "/v1/restorations/{restoration}/done", params(("restoration" = String, Path)), responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reviewer"), (status = 404, body = ErrorBody, description = "Unknown, or reversed already")), security(("key" = [])))]
pub(crate) async fn done(
    State(app): State<App>,
    Path(restoration): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::RestoreAccount).await?;
    casework::finish_restoration(&app.casework, &restoration, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}
