//! One file per resource; the OpenAPI document is generated from them.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, delete, get, patch, post, put};
use utoipa::OpenApi;

use obhut_app::casework::Right;

use crate::App;
pub(crate) use health::LastHealth;

use crate::edge::gate::{long_body, stepped};

mod appeals;
mod cases;
mod deadlines;
mod destinations;
mod determinations;
mod document;
mod embargo;
mod exhibits;
mod health;
mod hooks;
mod information;
mod intake;
mod log;
mod matching;
mod payments;
mod record;
mod reports;
mod restorations;
mod routes;
mod screen;
mod settings;
mod uploads;
mod values;

/// Longest list of digests in one request, in bytes. Our judgement.
const MATCH_BYTES_MAX: usize = 256 << 10;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "obhut",
        description = "From first match to a report authorities can act on. Keys are created by the operator and sent as `Authorization: Bearer`."
    ),
    paths(
        screen::screen,
        uploads::decided,
        uploads::one,
        matching::look_up,
        hooks::nginx,
        hooks::accept,
        hooks::s3,
        cases::list,
        cases::show,
        cases::decide,
        determinations::determine,
        determinations::determined,
        intake::new_case,
        intake::case_schema,
        intake::intake,
        intake::queue,
        intake::open,
        record::facts,
        record::set_facts,
        exhibits::exhibits,
        exhibits::add,
        exhibits::view,
        embargo::set,
        embargo::lift,
        routes::list,
        routes::add,
        routes::remove,
        routes::of_case,
        destinations::list,
        destinations::set,
        destinations::resume,
        restorations::list,
        restorations::done,
        reports::check,
        reports::draft,
        reports::file,
        reports::list,
        reports::show,
        reports::approve,
        reports::send,
        reports::retract,
        reports::supplement,
        reports::outcome,
        reports::transcript,
        reports::acknowledge,
        reports::due,
        reports::see_alarm,
        deadlines::of_case,
        deadlines::request,
        deadlines::extend,
        deadlines::end,
        settings::reporter,
        settings::set_reporter,
        information::ask,
        information::asked,
        information::answer,
        payments::submit,
        payments::alerts,
        payments::alert,
        payments::holds,
        payments::decide_hold,
        appeals::open,
        appeals::list,
        appeals::show,
        appeals::decide,
        appeals::by_code,
        appeals::notice,
        appeals::proof,
        health::health,
        health::details,
        health::metrics
    ),
    components(schemas(crate::fault::ErrorBody))
)]
struct Document;

// Long: one line or a few per resource.
pub(crate) fn routes() -> Router<App> {
    // A route's own body limit is inside the one for all routes (lib.rs), so the route's counts.
    Router::new()
        .route(
            "/v1/screen",
            post(screen::screen)
                .layer(from_fn(stepped))
                .get(uploads::decided),
        )
        .route("/v1/screen/{id}", get(uploads::one))
        .route(
            "/v1/match",
            long_body(post(matching::look_up), MATCH_BYTES_MAX, &[Right::Findings]),
        )
        // Any method: the proxy hands on the uploader's own.
        .route("/v1/hooks/nginx", any(hooks::nginx).layer(from_fn(stepped)))
        .route(
            "/v1/hooks/accept",
            post(hooks::accept)
                .put(hooks::accept)
                .layer(from_fn(stepped)),
        )
        .route("/v1/hooks/s3", post(hooks::s3))
        .route(
            "/v1/payments",
            long_body(
                post(payments::submit),
                payments::PAYMENTS_BYTES_MAX,
                &[Right::Payments],
            ),
        )
        .route("/v1/payments/alerts", get(payments::alerts))
        .route("/v1/payments/alerts/{id}", get(payments::alert))
        .route("/v1/payments/holds", get(payments::holds))
        .route("/v1/payments/holds/{id}", post(payments::decide_hold))
        .route("/v1/cases", get(cases::list))
        .route(
            "/v1/cases",
            long_body(
                post(intake::new_case),
                intake::CASE_BYTES_MAX,
                &[Right::Intake],
            ),
        )
        .route("/v1/schemas/case", get(intake::case_schema))
        .route("/v1/intake", get(intake::queue))
        .route(
            "/v1/intake",
            long_body(
                post(intake::intake),
                intake::INTAKE_BYTES_MAX,
                &[Right::Intake],
            ),
        )
        .route("/v1/cases/{case}", get(cases::show))
        .route("/v1/cases/{case}/decisions", post(cases::decide))
        .route(
            "/v1/cases/{case}/determinations",
            get(determinations::determined).post(determinations::determine),
        )
        .route(
            "/v1/cases/{case}/facts",
            long_body(
                get(record::facts).put(record::set_facts),
                record::FACTS_BYTES_MAX,
                &[Right::Cases, Right::Decide],
            ),
        )
        .route(
            "/v1/cases/{case}/exhibits",
            get(exhibits::exhibits).post(exhibits::add),
        )
        .route("/v1/exhibits/{exhibit}/views", post(exhibits::view))
        .route(
            "/v1/cases/{case}/embargo",
            put(embargo::set).delete(embargo::lift),
        )
        .route("/v1/cases/{case}/deadlines", get(deadlines::of_case))
        .route("/v1/cases/{case}/requests", post(deadlines::request))
        .route(
            "/v1/cases/{case}/information",
            get(information::asked).post(information::ask),
        )
        .route(
            "/v1/information/{request}",
            long_body(
                post(information::answer),
                information::ANSWER_BYTES_MAX,
                &[Right::Screen],
            ),
        )
        .route("/v1/deadlines/{deadline}", patch(deadlines::extend))
        .route("/v1/deadlines/{deadline}/end", post(deadlines::end))
        .route(
            "/v1/settings/reporter",
            get(settings::reporter).patch(settings::set_reporter),
        )
        .route("/v1/cases/{case}/routing", get(routes::of_case))
        .route("/v1/routes", get(routes::list).post(routes::add))
        .route("/v1/routes/{route}", delete(routes::remove))
        .route("/v1/destinations", get(destinations::list))
        .route("/v1/destinations/{name}", patch(destinations::set))
        .route(
            "/v1/destinations/{name}/resumption",
            post(destinations::resume),
        )
        .route("/v1/restorations", get(restorations::list))
        .route(
            "/v1/restorations/{restoration}/done",
            post(restorations::done),
        )
        .route("/v1/intake/{incoming}/case", post(intake::open))
        .route(
            "/v1/cases/{case}/reports/{destination}/draft",
            get(reports::draft),
        )
        .route("/v1/cases/{case}/check/{destination}", get(reports::check))
        .route(
            "/v1/cases/{case}/reports",
            get(reports::list).post(reports::file),
        )
        .route("/v1/cases/{case}/appeals", post(appeals::open))
        .route("/v1/cases/{case}/notices", post(appeals::notice))
        .route("/v1/cases/{case}/proof", get(appeals::proof))
        .route("/v1/reports/{report}", get(reports::show))
        .route("/v1/reports/{report}/approval", post(reports::approve))
        .route("/v1/reports/{report}/sending", post(reports::send))
        .route("/v1/reports/{report}/retraction", post(reports::retract))
        .route("/v1/reports/{report}/supplement", post(reports::supplement))
        .route(
            "/v1/reports/{report}/acknowledgement",
            post(reports::acknowledge),
        )
        .route("/v1/reports/{report}/outcomes", post(reports::outcome))
        .route("/v1/reports/{report}/transcript", get(reports::transcript))
        .route("/v1/due", get(reports::due))
        .route("/v1/alarms/{alarm}/seen", post(reports::see_alarm))
        .route("/v1/appeals", post(appeals::by_code).get(appeals::list))
        .route("/v1/appeals/{appeal}", get(appeals::show))
        .route("/v1/appeals/{appeal}/decision", post(appeals::decide))
        .route(
            "/openapi.json",
            get(async || {
                let json = axum::http::HeaderValue::from_static("application/json");
                ([(axum::http::header::CONTENT_TYPE, json)], &**OPENAPI)
            }),
        )
}

/// Whether it works; for every listener but that of HMA's clients.
pub(crate) fn health_route() -> Router<App> {
    Router::new().route("/health", get(health::health))
}

/// Only for the operator.
pub(crate) fn admin_routes() -> Router<App> {
    Router::new()
        .route("/metrics", get(health::metrics))
        .route("/health/details", get(health::details))
        .route("/log/{*path}", get(log::file))
}

/// What `/openapi.json` answers. Made once: it takes 10 ms, and anyone may ask.
static OPENAPI: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| values::added(document::completed(openapi())).to_string());

/// The OpenAPI document as the handlers describe themselves.
fn openapi() -> serde_json::Value {
    serde_json::to_value(Document::openapi()).expect("the document is JSON")
}

pub(crate) fn probe_event(bytes: &[u8]) {
    hooks::probe(bytes);
}
