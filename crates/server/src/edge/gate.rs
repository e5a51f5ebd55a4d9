//! What holds for every request: a long body is read only after its key was checked, no body takes
//! for ever, and no answer is stored or guessed at by a browser.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use futures::StreamExt as _;
use obhut_app::casework::Right;
use tokio::time::Instant;

use super::bodies;
use super::connections::Connection;
use crate::{App, access};

/// Longest silence within a body. Our judgement: one second more than uploads have, whose own limit
/// gives a better message.
const PAUSE_MAX: Duration = Duration::from_secs(11);
/// Longest time for a body. Our judgement, as above.
const BODY_TIME_MAX: Duration = Duration::from_secs(125);

/// A route whose body may be longer than the general limit. The key has to have one of the rights
/// before the first byte is read, and the bytes count against those of all requests together.
pub(crate) fn long_body(
    route: MethodRouter<App>,
    bytes_max: usize,
    rights: &'static [Right],
) -> MethodRouter<App> {
    route.layer(DefaultBodyLimit::max(bytes_max)).layer(from_fn(
        move |request: Request, next: Next| admitted(request, next, bytes_max, rights),
    ))
}

async fn admitted(
    request: Request,
    next: Next,
    bytes_max: usize,
    rights: &'static [Right],
) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    let app = request.extensions().get::<App>().cloned();
    let app = app.expect("every request has the application (lib.rs)");
    let (parts, body) = request.into_parts();
    let admitting = async {
        let key = access::require_any(&app, &parts.headers, rights).await?;
        if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
            connection.works();
        }
        bodies::receiving(&app, &key).await
    };
    let (receiving, body) = match bodies::admitted(admitting.await, body).await {
        Ok(admitted) => admitted,
        Err(fault) => return fault.into_response(),
    };
    match bodies::read(&app, &receiving, body, bytes_max as u64).await {
        // Its memory is held until the answer is there.
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(fault) => fault.into_response(),
    }
}

/// Bounds the time of every body, and marks the connection as working once the body is whole.
pub(crate) async fn bounded(request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Arc<Connection>>().cloned();
    if request.body().is_end_stream() {
        if let Some(connection) = connection {
            connection.works();
        }
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let until = Instant::now() + BODY_TIME_MAX;
    let pieces = futures::stream::unfold(
        (body.into_data_stream(), connection, false),
        move |(mut pieces, connection, ended)| async move {
            if ended {
                return None;
            }
            let last = until.min(Instant::now() + PAUSE_MAX);
            let piece = match tokio::time::timeout_at(last, pieces.next()).await {
                Ok(Some(piece)) => piece.map_err(std::io::Error::other),
                Ok(None) => {
                    if let Some(connection) = connection {
                        connection.works();
                    }
                    return None;
                }
                Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
            };
            let ended = piece.is_err();
            Some((piece, (pieces, connection, ended)))
        },
    );
    next.run(Request::from_parts(parts, Body::from_stream(pieces)))
        .await
}

/// Marks an answer that may leave as soon as it is there: the key it is for sees findings anyway.
#[derive(Clone, Copy)]
pub(crate) struct AtOnce;

/// Lets answers to uploads leave at fixed steps of time, so that how long one takes doesn't say
/// whether the upload matched.
pub(crate) async fn stepped(request: Request, next: Next) -> Response {
    let arrived = Instant::now();
    let response = next.run(request).await;
    if response.extensions().get::<AtOnce>().is_none() {
        let screened = response.extensions().get().copied();
        super::at_a_step(arrived, screened).await;
    }
    response
}

/// Headers of every answer that doesn't set its own: nothing is stored, guessed or framed.
pub(crate) async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Says why a request is refused that a browser may have been made to send: under a name that isn't
/// this listener's (a name of the attacker's that points here), or from a page of another origin. For
/// listeners that ask for no key.
pub(crate) fn from_here(headers: &HeaderMap, hosts: &[String]) -> Result<(), &'static str> {
    // Of two, the one that counts may be the other.
    let single = |name| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
            _ => Err(()),
        }
    };
    let known = |host: &str| hosts.contains(&host.to_lowercase());
    let elsewhere = "requests from web pages of another origin are refused";
    if !single(header::HOST).is_ok_and(|host| host.is_some_and(known)) {
        return Err("this address doesn't answer under that Host; the operator can allow it");
    }
    // A browser sends Origin with whatever changes something. `null` comes from a sandboxed page.
    match single(header::ORIGIN) {
        Ok(None) => {}
        Ok(Some(origin))
            if origin
                .split_once("://")
                .is_some_and(|(_, host)| known(host)) => {}
        _ => return Err(elsewhere),
    }
    // Also with plain GETs, which have no Origin.
    match single(HeaderName::from_static("sec-fetch-site")) {
        Ok(None | Some("same-origin" | "none")) => Ok(()),
        _ => Err(elsewhere),
    }
}
