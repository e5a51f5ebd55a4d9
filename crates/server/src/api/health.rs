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

/// What works and what doesn't, for the operator.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthDetails {
    /// `ok`, or what is wrong.
    status: &'static str,
    /// Version of obhut.
    version: &'static str,
    /// Entries of all lists in force together.
    entries: usize,
    /// Jobs of the outbox that are not done.
    jobs_waiting: i64,
    /// Rows that changed and aren't in the vault's log yet.
    rows_unsealed: i64,
}

/// What works, with figures. Only at the address of `obhut serve --admin`. Needs no key.
#[utoipa::path(get, path = "/health/details", responses((status = 200, body = HealthDetails), (status = 503, body = Health)))]
pub(crate) async fn details(State(app): State<App>) -> Response {
    let looking = async {
        let jobs_waiting = casework::jobs_waiting(&app.casework).await?;
        let rows_unsealed = casework::rows_unsealed(&app.casework).await?;
        let lists = obhut_app::media::current(&app.casework).await?;
        let entries = lists.sizes().iter().map(|(_, _, n)| n).sum();
        Ok::<_, casework::CaseworkError>((jobs_waiting, rows_unsealed, entries))
    };
    match tokio::time::timeout(ANSWER_TIME_MAX, looking).await {
        Ok(Ok((jobs_waiting, rows_unsealed, entries))) => Json(HealthDetails {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            entries,
            jobs_waiting,
            rows_unsealed,
        })
        .into_response(),
        _ => down(),
    }
}

/// Whether the database answers. Needs no key.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Response {
    // Any cheap query will do; what counts is that the database answers in time.
    match tokio::time::timeout(ANSWER_TIME_MAX, casework::jobs_waiting(&app.casework)).await {
        Ok(Ok(_)) => Json(Health { status: "ok" }).into_response(),
        _ => down(),
    }
}

fn down() -> Response {
    let status = "the database does not answer";
    (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status })).into_response()
}

/// Counters and a gauge for Prometheus. Only at the address of `obhut serve --admin`. Needs no key and names
/// nothing sensitive.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Fault> {
    let waiting = casework::jobs_waiting(&app.casework).await?;
    let text = app.metrics.text(waiting, app.places.taken());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
