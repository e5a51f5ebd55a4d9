//! HTTP: the JSON interface below `/v1`, HMA's interface, and plain pages for people.
//!
//! Wire types are in `api/` and `hma/`, pages in `pages/`, reports as HTML files in `backtest` and
//! `chain_report`; none of them reads arguments or the environment. A key opens what its rights
//! allow: with `screen` a verdict, an action and an opaque id, never a list, an entry or a
//! distance.

#![deny(missing_docs)]

mod access;
mod api;
mod asked;
pub mod backtest;
pub mod chain_report;
mod console;
mod edge;
mod fault;
mod form;
mod hma;
mod intake;
mod metrics;
mod object;
mod pages;
mod sending;
mod texts;

mod witness;
pub mod workers;

/// Entry points for fuzz/ only.
#[doc(hidden)]
pub mod probes {
    /// An object store's event.
    pub fn event(bytes: &[u8]) {
        crate::api::probe_event(bytes);
    }

    /// A form: the Content-Type as the first line, then the body.
    pub fn form(bytes: &[u8]) {
        crate::form::probe(bytes);
    }

    /// A video's signal as HMA's clients send it.
    pub fn video_signal(bytes: &[u8]) {
        crate::hma::probe_signal(&String::from_utf8_lossy(bytes));
    }
}

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use obhut_app::casework::Casework;
use obhut_app::media::Pool;
use obhut_app::partners::fetch::Fetcher;
use obhut_app::partners::s3::S3;
use obhut_app::payments::Live;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use edge::tls::Tls;
pub use obhut_app::partners::fetch::AllowList;
pub use pages::FirstHour;
pub use witness::witness_routes;

use edge::bodies::Bodies;
use edge::key_uses::KeyUses;
use edge::places::Places;
use edge::recordings::Recordings;
use fault::Fault;
use metrics::Metrics;

/// Longest body of a request that isn't an upload and whose route sets no other limit, in bytes.
/// Our judgement.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Uploads whose bodies are received at the same time, for each one that is decoded. Our judgement:
/// enough that slow senders don't leave the decoders idle.
const RECEIVING_PER_SLOT_MAX: usize = 64;
/// Uploads that are decoded at the same time, for each core. Our judgement.
const SCREENING_PER_CORE_MAX: usize = 2;

/// What every handler needs.
#[derive(Clone)]
pub(crate) struct App {
    pub casework: Arc<Casework>,
    pub pool: Arc<Pool>,
    pub metrics: Arc<Metrics>,
    pub places: Arc<Places>,
    pub recordings: Arc<Recordings>,
    pub looks: Arc<console::Looks>,
    /// The pages of the navigation, in their order.
    pub navigation: Arc<[console::Listed]>,
    pub bodies: Arc<Bodies>,
    pub key_uses: Arc<KeyUses>,
    pub codes: Arc<Semaphore>,
    pub asked: Arc<asked::Asked>,
    pub health: Arc<api::LastHealth>,
    /// The runtime that the database's connections belong to.
    pub runtime: Option<tokio::runtime::Handle>,
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
    /// The one-time address for setting up an empty installation.
    pub first_hour: Option<FirstHour>,
    /// Decisions made on pages take effect half a minute later, and can be taken back until then.
    /// Needs [`workers::apply_decisions`].
    pub can_undo: bool,
}

/// The whole interface as a router; it can be called without a port.
pub fn app(casework: Arc<Casework>, pool: Arc<Pool>) -> Router {
    app_with(casework, pool, Outside::default())
}

/// Like [`app`], with external systems. Everything on one router: what [`interfaces`] separates.
pub fn app_with(casework: Arc<Casework>, pool: Arc<Pool>, outside: Outside) -> Router {
    let app = App::new(casework, pool, outside);
    let routes = api::routes()
        .merge(api::health_route())
        .merge(api::admin_routes())
        .merge(pages::routes())
        .merge(hma::routes())
        .merge(hma::curation_routes());
    router(routes, app)
}

/// The routers of a server's listeners.
pub struct Interfaces {
    /// For the platform: uploads, cases, payments, pages.
    pub public: Router,
    /// For the operator: metrics, detailed health, curation of banks.
    pub admin: Router,
    /// For HMA's clients; see [`with_shared_key`].
    pub hma: Router,
}

/// The interface, apart by who may reach it.
pub fn interfaces(casework: Arc<Casework>, pool: Arc<Pool>, outside: Outside) -> Interfaces {
    let app = App::new(casework, pool, outside);
    let public = api::routes()
        .merge(api::health_route())
        .merge(pages::routes())
        .merge(hma::routes());
    let admin = api::admin_routes()
        .merge(api::health_route())
        .merge(hma::curation_routes());
    let hma = hma::routes().merge(hma::curation_routes());
    Interfaces {
        public: router(public, app.clone()),
        admin: router(admin, app.clone()),
        hma: router(hma, app),
    }
}

impl App {
    fn new(casework: Arc<Casework>, pool: Arc<Pool>, outside: Outside) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let slots = cores * SCREENING_PER_CORE_MAX;
        Self {
            casework,
            pool,
            metrics: Arc::default(),
            places: Arc::new(Places::new(slots)),
            recordings: Arc::default(),
            looks: Arc::default(),
            navigation: pages::navigation().into(),
            bodies: Arc::new(Bodies::new(slots * RECEIVING_PER_SLOT_MAX)),
            key_uses: Arc::default(),
            asked: Arc::default(),
            health: Arc::default(),
            runtime: tokio::runtime::Handle::try_current().ok(),
            codes: Arc::new(Semaphore::new(pages::CODES_AT_ONCE_MAX)),
            outside: Arc::new(outside),
        }
    }
}

fn router(routes: Router<App>, app: App) -> Router {
    routes
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
        .layer(axum::middleware::from_fn(console::as_pages))
        .layer(axum::middleware::from_fn(edge::gate::bounded))
        .layer(axum::middleware::from_fn(edge::gate::with_headers))
        .layer(axum::Extension(app.clone()))
        .with_state(app)
}

/// Like the given router, but a request without a key uses the shared one. For HMA's clients, which
/// have no notion of keys, on an address that only they can reach. `hosts` are the names and
/// addresses, with a port where it isn't 80, under which they reach it: a request for another host
/// or from a page of another one is refused, because a browser on that machine could be made to send
/// it.
pub fn with_shared_key(app: Router, key: &str, hosts: Vec<String>) -> Router {
    hma::with_shared_key(app, key, hosts)
}

/// Like the given router, for requests to one of `hosts` that don't come from a page of another
/// origin; see [`with_shared_key`].
pub fn only_from_here(app: Router, hosts: Vec<String>) -> Router {
    let hosts: Arc<[String]> = hosts.into_iter().map(|h| h.to_lowercase()).collect();
    app.layer(axum::middleware::from_fn(
        move |request: Request, next: axum::middleware::Next| {
            let hosts = hosts.clone();
            async move {
                match edge::gate::from_here(request.headers(), &hosts) {
                    Ok(()) => next.run(request).await,
                    Err(why) => Fault::new(StatusCode::FORBIDDEN, "not-here", why).into_response(),
                }
            }
        },
    ))
}

/// Connections that a listener for the public keeps open. Our judgement: a proxy needs a few dozen.
pub const CONNECTIONS_MAX: usize = 2_000;
/// Connections that a listener for the operator or for HMA's clients keeps open. Our judgement.
pub const INNER_CONNECTIONS_MAX: usize = 200;

/// Like [`serve`], on a separate thread: operators have to see what is wrong while every other
/// thread is busy.
pub async fn serve_apart(
    listener: TcpListener,
    app: Router,
    stopped: impl Future<Output = ()> + Send + 'static,
) {
    let (done, finished) = tokio::sync::oneshot::channel();
    // What needs the database runs where its connections live; whether the server works is said
    // without (health.rs).
    let others = tokio::runtime::Handle::current();
    let app = app.layer(axum::middleware::from_fn(
        move |request: Request, next: axum::middleware::Next| {
            let others = others.clone();
            async move {
                if request.uri().path() == "/health" {
                    return next.run(request).await;
                }
                match others.spawn(next.run(request)).await {
                    Ok(answer) => answer,
                    Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                }
            }
        },
    ));
    let serving = move || -> std::io::Result<()> {
        let listener = listener.into_std()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            serve(listener, app, INNER_CONNECTIONS_MAX, stopped).await;
            std::io::Result::Ok(())
        })?;
        let _ = done.send(());
        Ok(())
    };
    let thread = std::thread::Builder::new().name("admin".into());
    match thread.spawn(serving) {
        // An error ends the thread and drops `done`: then there is nothing to wait for.
        Ok(_) => drop(finished.await),
        Err(e) => tracing::error!(cause = %e, "no thread could be started for operators"),
    }
}

/// Serves requests on a listener until `stopped` completes, and finishes those under way for at most
/// eight seconds. Of more than `connections_max` connections the one that has waited longest for its
/// client is closed.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    connections_max: usize,
    stopped: impl Future<Output = ()> + Send,
) {
    edge::connections::serve(listener, None, app, connections_max, stopped).await;
}

/// Like [`serve`], over TLS.
pub async fn serve_over_tls(
    listener: TcpListener,
    tls: Arc<Tls>,
    app: Router,
    connections_max: usize,
    stopped: impl Future<Output = ()> + Send,
) {
    edge::connections::serve(listener, Some(tls), app, connections_max, stopped).await;
}
