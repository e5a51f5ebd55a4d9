//! Whether the server works, and its metrics.

use obhut_app::casework;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::fault::Fault;

/// A database that takes longer to answer counts as down. Our judgement.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or what is wrong.
    status: &'static str,
}

/// Whether the database answers. Needs no key.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Response {
    // Any cheap query will do; what counts is that the database answers in time.
    match tokio::time::timeout(ANSWER_TIME_MAX, casework::jobs_waiting(&app.casework)).await {
        Ok(Ok(_)) => Json(Health { status: "ok" }).into_response(),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Health {
                status: "the database does not answer",
            }),
        )
            .into_response(),
    }
}

/// Counters and a gauge for Prometheus. Needs no key and names nothing sensitive.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Fault> {
    let text = app
        .metrics
        .text(casework::jobs_waiting(&app.casework).await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
