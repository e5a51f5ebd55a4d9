//! The resources there are, each one file; the OpenAPI document is made from them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use utoipa::OpenApi;

use crate::App;

mod cases;
mod health;
mod hooks;
mod matching;
mod screen;

/// Longest list of digests in one request, in bytes.
const MATCH_BYTES_MAX: usize = 256 << 10;

#[derive(OpenApi)]
#[openapi(
    info(title = "obhut", description = "From first match to a report authorities can act on. Keys by `obhut key create`, sent as `Authorization: Bearer`."),
    paths(
        screen::screen, matching::look_up, hooks::nginx, hooks::s3, cases::list, cases::show, cases::decide, cases::draft, health::health, health::metrics
    ),
    components(schemas(crate::fault::ErrorBody)),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "key",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/screen", post(screen::screen))
        .route(
            "/v1/match",
            post(matching::look_up).layer(DefaultBodyLimit::max(MATCH_BYTES_MAX)),
        )
        .route("/v1/hooks/nginx", post(hooks::nginx).put(hooks::nginx))
        .route("/v1/hooks/s3", post(hooks::s3))
        .route("/v1/cases", get(cases::list))
        .route("/v1/cases/{case}", get(cases::show))
        .route("/v1/cases/{case}/decisions", post(cases::decide))
        .route(
            "/v1/cases/{case}/reports/{destination}/draft",
            get(cases::draft),
        )
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .route(
            "/openapi.json",
            get(async || axum::Json(Document::openapi())),
        )
}

pub(crate) fn probe_event(bytes: &[u8]) {
    hooks::probe(bytes);
}
