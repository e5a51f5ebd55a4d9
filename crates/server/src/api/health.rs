//! Whether the server works, and its metrics.

use obhut_app::casework;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// The database is looked at this often at most. Our judgement.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A look that is older says nothing. Our judgement: longer than a look may take.
const LOOK_AGE_MAX: Duration = Duration::from_secs(5);

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

/// What the last look at the database found.
#[derive(Default)]
pub(crate) struct LastHealth {
    seen: Mutex<Option<(Instant, bool)>>,
    looking: AtomicBool,
}

impl LastHealth {
    fn last(&self) -> Option<(Instant, bool)> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the database answers, as of the last look. Needs no key.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Response {
    let last = app.health.last();
    let is_new = last.is_some_and(|(at, _)| at.elapsed() < LOOK_EVERY);
    // One look at a time: a flood of requests must not cost the database a query each.
    if !is_new && !app.health.looking.swap(true, Ordering::AcqRel) {
        let looking = match &app.runtime {
            Some(runtime) => runtime.spawn(look(app.clone())),
            None => tokio::spawn(look(app.clone())),
        };
        // Nobody waits for it but the first who ask, and those who ask after a long silence.
        if last.is_none_or(|(at, _)| at.elapsed() > LOOK_AGE_MAX) {
            let _ = looking.await;
        }
    }
    match app.health.last() {
        Some((at, true)) if at.elapsed() <= LOOK_AGE_MAX => {
            Json(Health { status: "ok" }).into_response()
        }
        _ => down(),
    }
}

async fn look(app: App) {
    // Any cheap query will do; what counts is that the database answers in time.
    let answered = tokio::time::timeout(ANSWER_TIME_MAX, casework::jobs_waiting(&app.casework));
    let is_up = matches!(answered.await, Ok(Ok(_)));
    let mut seen = app
        .health
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    *seen = Some((Instant::now(), is_up));
    app.health.looking.store(false, Ordering::Release);
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
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response())
}
