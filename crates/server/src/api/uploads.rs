//! `GET /v1/screen`: what a person decided about uploads that were held or blocked.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use obhut_app::casework::{self, Right, UploadStatus, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::fault::{ErrorBody, Fault};
use crate::{App, access};

/// How far `next` goes back before the last change that an answer covered, in microseconds, so that
/// the next request sees decisions that were still being written. Our judgement.
const OVERLAP_MICROS: i64 = 60_000_000;

#[derive(Serialize, ToSchema)]
pub(crate) struct UploadBody {
    /// As `POST /v1/screen` answered.
    id: String,
    /// `waiting`: do what the screening said. `release`: a person decided not to report it, or it was
    /// cleared on appeal. `remove`: a person decided to report it.
    #[schema(value_type = String)]
    state: &'static str,
    /// When the case last changed, RFC 3339; none while it waits. An approval or an appeal changes
    /// a case too.
    since: Option<String>,
    /// The case; only for keys with the right `findings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
}

impl UploadBody {
    fn of(status: UploadStatus, more: bool) -> Self {
        Self {
            id: status.screening,
            state: status.state.word(),
            since: status.since.map(rfc3339),
            case: Some(status.case).filter(|_| more),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DecidedBody {
    uploads: Vec<UploadBody>,
    /// True if there are more; ask again immediately.
    more: bool,
    /// Send this as `since` next time, unchanged. If `more` is false, it is a minute before the
    /// last change, so some uploads come twice; if nothing has changed, it is the time you sent.
    next: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    /// RFC 3339 the first time; then the `next` of the last answer.
    since: String,
}

/// The status of an upload that was held or blocked.
#[utoipa::path(get, path = "/v1/screen/{id}", params(("id" = String, Path)), responses((status = 200, body = UploadBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "No finding: nothing is kept of uploads that passed")), security(("key" = [])))]
pub(crate) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<UploadBody>, Fault> {
    let key = access::require(&app, &headers, Right::Screen).await?;
    let status = casework::upload_status(&app.casework, &id).await?;
    Ok(Json(UploadBody::of(status, key.has(Right::Findings))))
}

/// Uploads whose cases were decided, or changed by an approval or an appeal, since the given time:
/// what to release and what to remove. An upload may come again with the same state.
#[utoipa::path(get, path = "/v1/screen", params(Since), responses((status = 200, body = DecidedBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn decided(
    State(app): State<App>,
    since: Result<Query<Since>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<DecidedBody>, Fault> {
    let key = access::require(&app, &headers, Right::Screen).await?;
    let Query(Since { since }) = since.map_err(|e| Fault::bad_request(e.body_text()))?;
    let (since, after) = position(&since).ok_or_else(|| {
        Fault::bad_request(
            "since is a time with a zone, like 2026-11-22T10:15:00Z, or the next of the last answer",
        )
    })?;
    let decided = casework::uploads_decided(&app.casework, since, after).await?;
    let next = match (decided.more, decided.until) {
        (true, Some((until, case))) => format!("{}{SEPARATOR}{case}", exact(until)),
        // This may be before `since`, because the previous answer may have ended less than a minute
        // earlier.
        (_, Some((until, _))) => exact(until - OVERLAP_MICROS),
        (_, None) => exact(since),
    };
    let findings = key.has(Right::Findings);
    Ok(Json(DecidedBody {
        uploads: decided
            .uploads
            .into_iter()
            .map(|u| UploadBody::of(u, findings))
            .collect(),
        more: decided.more,
        next,
    }))
}

/// Separates time and case in `next`. It needs no escaping in a URL (RFC 3986, 2.3).
const SEPARATOR: char = '~';

/// The time in microseconds since 1970, and the case after which the next answer begins.
fn position(since: &str) -> Option<(i64, &str)> {
    let (time, after) = since.split_once(SEPARATOR).unwrap_or((since, ""));
    let time: jiff::Timestamp = time.parse().ok()?;
    Some((time.as_microsecond(), after))
}

/// RFC 3339 to the microsecond. If it were rounded to the second, `next` could never get past a
/// second in which more cases changed than one answer holds.
fn exact(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| rfc3339(micros), |t| t.to_string())
}
