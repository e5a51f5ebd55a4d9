//! `/v1/routes`: which authorities receive a case, and on which legal basis.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use obhut_app::casework::{self, Act, Right, Route, ServiceKind, Surface};
use obhut_app::partners::destinations;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

/// A route. An empty or missing field means any; `service` and `surface` may only be missing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteRequest {
    /// Name of the destination, as in `GET /v1/destinations`.
    destination: String,
    /// The law and its section; never empty.
    basis: String,
    /// Only for providers of this country (ISO 3166-1).
    #[serde(default)]
    provider_country: String,
    /// Only for users of this country (ISO 3166-1).
    #[serde(default)]
    user_country: String,
    /// Only for this sort of service.
    service: Option<String>,
    /// Only for this surface.
    surface: Option<String>,
    /// First day, YYYY-MM-DD (UTC).
    #[serde(default)]
    from: String,
    /// Last day, YYYY-MM-DD (UTC).
    #[serde(default)]
    until: String,
    /// Name of another destination. The route is skipped if that one has a report of the case,
    /// drafts included, or gets one by another route. Test services don't count, nor do
    /// destinations that aren't an authority.
    #[serde(default)]
    unless: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RouteAnswer {
    /// Its id.
    route: String,
}

/// The routes on record, oldest first.
#[utoipa::path(get, path = "/v1/routes", responses((status = 200, body = [Object]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<Vec<Route>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    Ok(Json(casework::routes(&app.casework).await?))
}

/// Put a route on record. From then on, cases that match it go to its destination once one person
/// has decided and another has approved.
#[utoipa::path(post, path = "/v1/routes", request_body = RouteRequest, responses((status = 200, body = RouteAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without an administrator"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    given: Result<Object<RouteRequest>, Fault>,
) -> Result<Json<RouteAnswer>, Fault> {
    let person = access::acting(&app, &headers, Act::SetUpDestinations).await?;
    let Object(given) = given?;
    for name in [&given.destination, &given.unless] {
        if !name.is_empty() && destinations::by_name(name).is_none() {
            return Err(Fault::bad_request(super::destinations::unknown_text(name)));
        }
    }
    let route = Route {
        id: String::new(),
        destination: given.destination,
        provider_country: given.provider_country,
        user_country: given.user_country,
        service: word(given.service, "service", ServiceKind::from_word)?,
        surface: word(given.surface, "surface", Surface::from_word)?,
        from: given.from,
        until: given.until,
        unless: given.unless,
        basis: given.basis,
    };
    let route = casework::add_route(&app.casework, &route, &person).await?;
    Ok(Json(RouteAnswer { route }))
}

fn word<T>(
    given: Option<String>,
    field: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    let Some(given) = given else { return Ok(None) };
    read(&given).map(Some).ok_or_else(|| {
        Fault::bad_request(format!(
            "{field} isn't one of the words that `GET /v1/schemas/case` lists"
        ))
    })
}

/// Delete a route; reports made under it stay.
#[utoipa::path(delete, path = "/v1/routes/{route}", params(("route" = String, Path)), responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without an administrator"), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn remove(
    State(app): State<App>,
    Path(route): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::SetUpDestinations).await?;
    casework::remove_route(&app.casework, &route, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which destinations the routes on record give for a case, which routes are skipped, and why.
#[utoipa::path(get, path = "/v1/cases/{case}/routing", params(("case" = String, Path)), responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn of_case(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<casework::Routing>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    Ok(Json(casework::routing_for(&app.casework, &case).await?))
}
