//! HTTP: the JSON interface below `/v1`, HMA's interface, and plain pages for people.
//!
//! Wire types are in `api/` and `hma/`, pages in `pages/`, reports as HTML files in `backtest` and
//! `chain_report`; none of them reads arguments or the environment. A key opens what its rights
//! allow: with `screen` a verdict, an action and an opaque id, never a list, an entry or a
//! distance.

#![deny(missing_docs)]

mod access;
mod api;
pub mod backtest;
pub mod chain_report;
mod fault;
mod hma;
mod intake;
mod metrics;
mod object;
mod pages;
pub mod workers;

/// Entry points for fuzz/ only.
#[doc(hidden)]
pub mod probes {
    /// An object store's event.
    pub fn event(bytes: &[u8]) {
        crate::api::probe_event(bytes);
    }

    /// A video's signal as HMA's clients send it.
    pub fn video_signal(bytes: &[u8]) {
        crate::hma::probe_signal(&String::from_utf8_lossy(bytes));
    }
}

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use obhut_app::casework::Casework;
use obhut_app::media::Pool;
use obhut_app::partners::fetch::Fetcher;
use obhut_app::partners::s3::S3;
use obhut_app::payments::Live;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use obhut_app::partners::fetch::AllowList;

use fault::Fault;
use metrics::Metrics;

/// Longest body of a request that isn't an upload and whose route sets no other limit, in bytes.
/// Our judgement.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Uploads whose bodies are received at the same time, for each one that is decoded. Our judgement:
/// enough that slow senders don't leave the decoders idle.
const RECEIVING_PER_SLOT_MAX: usize = 8;
/// Uploads that are decoded at the same time, for each core. Our judgement.
const SCREENING_PER_CORE_MAX: usize = 2;

/// What every handler needs.
#[derive(Clone)]
pub(crate) struct App {
    pub casework: Arc<Casework>,
    pub pool: Arc<Pool>,
    pub metrics: Arc<Metrics>,
    pub slots: Arc<Semaphore>,
    pub receiving: Arc<Semaphore>,
    pub codes: Arc<Semaphore>,
    pub outside: Arc<Outside>,
}

/// External systems the server may use.
#[derive(Default)]
pub struct Outside {
    /// Fetches the addresses that requests may name.
    pub fetcher: Option<Arc<Fetcher>>,
    /// The object store that upload events are about.
    pub s3: Option<Arc<S3>>,
    /// Live payments.
    pub payments: Option<Arc<Live>>,
}

/// The whole interface as a router; it can be called without a port.
pub fn app(casework: Arc<Casework>, pool: Arc<Pool>) -> Router {
    app_with(casework, pool, Outside::default())
}

/// Like [`app`], with external systems.
pub fn app_with(casework: Arc<Casework>, pool: Arc<Pool>, outside: Outside) -> Router {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let slots = cores * SCREENING_PER_CORE_MAX;
    let app = App {
        casework,
        pool,
        metrics: Arc::default(),
        slots: Arc::new(Semaphore::new(slots)),
        receiving: Arc::new(Semaphore::new(slots * RECEIVING_PER_SLOT_MAX)),
        // One permit: codes of notices are checked one after another (pages.rs).
        codes: Arc::new(Semaphore::new(1)),
        outside: Arc::new(outside),
    };
    api::routes()
        .merge(pages::routes())
        .merge(hma::routes())
        .fallback(async || {
            Fault::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "not found; /openapi.json lists all paths",
            )
        })
        .method_not_allowed_fallback(async || {
            Fault::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "this path doesn't support the method; /openapi.json lists those it supports",
            )
        })
        // Doesn't apply to routes that set their own limit (api.rs), nor to uploads, which are
        // streams.
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(fault::in_json))
        .with_state(app)
}

/// Like the given router, but a request without a key uses the shared one. For HMA's clients, which
/// have no notion of keys, on an address that only they can reach.
pub fn with_shared_key(app: Router, key: &str) -> Router {
    hma::with_shared_key(app, key)
}

/// Serves requests on a listener until `stopped` completes, and finishes those under way.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, app)
        .with_graceful_shutdown(stopped)
        .await
}
