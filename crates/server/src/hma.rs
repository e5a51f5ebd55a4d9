//! Meta's Hasher-Matcher-Actioner interface (HMA 1.1.7) over the lists on record: the same paths,
//! parameters and JSON, so that a client moves over by changing an address.
//!
//! Banks are hash lists, contents their entries, signal types hash kinds. What HMA doesn't know
//! (keys, surfaces, distances, purposes) comes from the key and from the list. Where HMA
//! misbehaves, obhut answers correctly; docs/hma.md lists every difference.

mod curation;
mod hashing;
mod lookup;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use obhut_app::casework::{self, ApiKey, CaseworkError, Right};
use obhut_app::media::{self, Current, Digest, Kind, VideoFrameDigest, kinds};
use serde_json::json;

use crate::edge::gate::from_here;
use crate::fault::Fault;
use crate::{App, access};

/// A signal type: its name in HMA, the hash kind behind it, and HMA's content type.
pub(crate) struct SignalType {
    pub name: &'static str,
    kind: &'static str,
    pub content: &'static str,
    /// True if it is computed for clients that don't name the types they want.
    pub by_default: bool,
}

/// HMA's reference configuration has the first two.
pub(crate) const SIGNAL_TYPES: &[SignalType] = &[
    SignalType {
        name: "pdq",
        kind: "pdq",
        content: "photo",
        by_default: true,
    },
    SignalType {
        name: "video_md5",
        kind: "md5",
        content: "video",
        by_default: true,
    },
    SignalType {
        name: "video_sha256",
        kind: "sha256",
        content: "video",
        by_default: false,
    },
    SignalType {
        name: "vpdq",
        kind: "vpdq",
        content: "video",
        by_default: false,
    },
];

impl SignalType {
    pub fn kind(&self) -> &'static Kind {
        kinds::by_name(self.kind).expect("SIGNAL_TYPES names only existing hash kinds")
    }
}

/// An error as HMA writes it: `{"message": …}`.
pub(crate) struct HmaFault {
    status: StatusCode,
    message: String,
}

type HmaResult<T> = Result<T, HmaFault>;

impl HmaFault {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<Fault> for HmaFault {
    fn from(fault: Fault) -> Self {
        let (status, message) = fault.into_parts();
        Self::new(status, message)
    }
}

impl From<CaseworkError> for HmaFault {
    fn from(e: CaseworkError) -> Self {
        match &e {
            // HMA's own words: the test that replays recorded requests compares them.
            CaseworkError::NotFound {
                what: "list" | "bank",
                id,
                ..
            } => Self::new(StatusCode::NOT_FOUND, format!("bank '{id}' not found")),
            CaseworkError::NotFound {
                what: "content",
                id,
                ..
            } => Self::new(StatusCode::NOT_FOUND, format!("content '{id}' not found")),
            CaseworkError::Conflict { why, .. } | CaseworkError::Invalid { why, .. } => {
                Self::bad(why.clone())
            }
            _ => Fault::from(e).into(),
        }
    }
}

impl IntoResponse for HmaFault {
    fn into_response(self) -> Response {
        let body = axum::Json(json!({ "message": self.message }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static("Bearer, Basic realm=\"obhut\"");
            headers.insert(header::WWW_AUTHENTICATE, how);
        }
        if matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The answer to a query that lacks this field, as HMA's pydantic words it.
fn missing(field: &str) -> Response {
    let body = axum::Json(json!([{
        "type": "missing", "loc": [field], "msg": "Field required", "input": {},
    }]));
    (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
}

/// What looks up and hashes. Files are read as a stream with a separate limit, once the key is known;
/// all other bodies have the general limit (lib.rs).
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/status", get(status))
        .route("/status/live", get(async || "I-AM-ALIVE"))
        .route("/site-map", get(async || axum::Json(PATHS)))
        .route("/h/hash", get(hashing::hash_url).post(hashing::hash_form))
        .route("/m/raw_lookup", get(lookup::raw_lookup))
        .route(
            "/m/lookup",
            get(lookup::lookup_get).post(lookup::lookup_form),
        )
        .route("/m/index/status", get(lookup::index_status))
        .route("/m/compare", post(lookup::compare))
}

/// What changes banks and what shows them. Not on the listener for the public.
pub(crate) fn curation_routes() -> Router<App> {
    Router::new()
        .route("/c/banks", get(curation::banks).post(curation::create))
        .route(
            "/c/bank/{bank}",
            get(curation::show)
                .put(curation::update)
                .delete(curation::remove),
        )
        .route("/c/bank/{bank}/content", post(curation::add_content))
        .route(
            "/c/bank/{bank}/content/{content}",
            get(curation::content)
                .put(curation::update_content)
                .delete(curation::remove_content),
        )
        .route("/c/bank/{bank}/signal", post(curation::add_signals))
        .route(
            "/c/exchanges",
            get(curation::none).post(curation::no_exchange),
        )
        .route("/c/exchanges/apis", get(curation::none))
        .route(
            "/c/exchanges/api/{api}",
            get(curation::no_api).post(curation::no_api),
        )
        .route("/c/exchanges/api/{api}/schema", get(curation::no_api))
        .route(
            "/c/exchange/{name}",
            get(curation::not_an_exchange)
                .put(curation::not_an_exchange)
                .delete(curation::not_an_exchange),
        )
        .route("/c/exchange/{name}/status", get(curation::not_an_exchange))
        .route("/c/signal_type", get(curation::signal_types))
        .route(
            "/c/signal_type/{name}",
            axum::routing::put(curation::set_signal_type),
        )
        .route("/c/signal_type/index", get(curation::signal_index))
        .route("/c/content_type", get(curation::content_types))
}

/// What `/site-map` lists.
const PATHS: &[&str] = &[
    "/c/bank/<bank_name>",
    "/c/bank/<bank_name>/content",
    "/c/bank/<bank_name>/content/<content_id>",
    "/c/bank/<bank_name>/signal",
    "/c/banks",
    "/c/content_type",
    "/c/exchange/<exchange_name>",
    "/c/exchange/<exchange_name>/status",
    "/c/exchanges",
    "/c/exchanges/api/<api_name>",
    "/c/exchanges/api/<api_name>/schema",
    "/c/exchanges/apis",
    "/c/signal_type",
    "/c/signal_type/<signal_type_name>",
    "/c/signal_type/index",
    "/h/hash",
    "/m/compare",
    "/m/index/status",
    "/m/lookup",
    "/m/raw_lookup",
    "/site-map",
    "/status",
    "/status/live",
];

/// Ready means that the lists can be read: the database answers, and the snapshot is up to date.
async fn status(State(app): State<App>) -> Response {
    match media::current(&app.casework).await {
        Ok(_) => "I-AM-ALIVE".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "INDEX-STALE").into_response(),
    }
}

/// Adds the operator's key to requests that carry none, if they are sent to one of `hosts` and not by
/// a page of another one.
pub(crate) fn with_shared_key(router: Router, key: &str, hosts: Vec<String>) -> Router {
    // A key that cannot be a header leaves requests without one, and they get 401.
    let shared = HeaderValue::try_from(format!("Bearer {key}")).ok();
    let hosts: std::sync::Arc<[String]> = hosts.into_iter().map(|h| h.to_lowercase()).collect();
    router.layer(middleware::from_fn(
        move |mut request: Request, next: Next| {
            let (shared, hosts) = (shared.clone(), hosts.clone());
            async move {
                if let Err(why) = from_here(request.headers(), &hosts) {
                    return HmaFault::new(StatusCode::FORBIDDEN, why).into_response();
                }
                if let Some(mut shared) = shared {
                    // Keeps it out of the debug output of headers.
                    shared.set_sensitive(true);
                    // A key that the client sends itself takes precedence.
                    request
                        .headers_mut()
                        .entry(header::AUTHORIZATION)
                        .or_insert(shared);
                }
                next.run(request).await
            }
        },
    ))
}

/// The key of a request and the lists, if the key has the right and a surface whose legal basis
/// holds now.
async fn allowed(app: &App, headers: &HeaderMap, right: Right) -> HmaResult<(ApiKey, Current)> {
    let (key, current) = access::authenticate_with_lists(app, headers, right).await?;
    let Some(surface) = key.surface else {
        return Err(HmaFault::new(
            StatusCode::FORBIDDEN,
            "this key doesn't say where content was meant to be seen; use one that does",
        ));
    };
    // Checked at every request, because the legal basis of private messages expires.
    casework::check_surface(&app.casework, surface).await?;
    Ok((key, current))
}

fn signal_type(name: &str) -> HmaResult<&'static SignalType> {
    SIGNAL_TYPES
        .iter()
        .find(|s| s.name == name)
        .ok_or_else(|| HmaFault::bad(format!("No such SignalType '{name}'")))
}

fn parse_signal(signal_type: &SignalType, text: &str) -> Result<Digest, String> {
    signal_type
        .kind()
        .parse(text)
        .map_err(|_| match signal_type.name {
            "pdq" => "invalid PDQ hash".to_owned(),
            name => format!("invalid {name} hash"),
        })
}

/// A video's signal as python-threatexchange writes it: JSON, a list of `hex,quality,seconds`.
fn parse_frames(signal: &str) -> Result<Vec<VideoFrameDigest>, String> {
    // One message for every fault, in the form of HMA's for PDQ.
    let fault = || "invalid vPDQ hash".to_owned();
    let frames: Vec<String> = serde_json::from_str(signal).map_err(|_| fault())?;
    let kind = signal_type("vpdq").map_err(|_| fault())?.kind();
    frames
        .iter()
        .map(|frame| {
            let mut parts = frame.split(',');
            let (Some(hex), Some(quality), Some(time), None) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return Err(fault());
            };
            Ok(VideoFrameDigest {
                digest: kind.parse(hex).map_err(|_| fault())?,
                quality: quality
                    .parse()
                    .ok()
                    .filter(|q| *q <= 100)
                    .ok_or_else(fault)?,
                // This refuses NaN, too, because no comparison with NaN is true.
                time_s: time
                    .parse()
                    .ok()
                    .filter(|t: &f32| *t >= 0.0)
                    .ok_or_else(fault)?,
            })
        })
        .collect()
}

pub(crate) fn probe_signal(text: &str) {
    let _ = parse_frames(text);
    for signal_type in SIGNAL_TYPES {
        let _ = parse_signal(signal_type, text);
    }
}
