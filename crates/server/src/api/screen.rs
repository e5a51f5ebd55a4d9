//! `POST /v1/screen`: an upload's bytes in, a verdict and an opaque id out.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt as _;
use obhut_casework::{ApiKey, Right, ScreenOptions, Sealed, Subject, Surface, fresh_group};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

use crate::fault::{ErrorBody, Fault};
use crate::{App, access};

/// Longest time an upload's body may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(120);
/// Longest wait for a place.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(2);
/// Most of a refused body that is read and dropped.
const DRAIN_BYTES_MAX: usize = 8 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);
/// Longest account or file name, in bytes.
const HEADER_BYTES_MAX: usize = 1_024;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// `public`, `shared` or `private-message`; required.
    surface: Option<String>,
    /// Compare turns and mirrors too.
    #[serde(default)]
    dihedral: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Answer {
    /// Names this screening and nothing else.
    id: String,
    /// `match`, `known-harmless`, `low-quality`, `no-match` or `unreadable`.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// What to do with the upload: `pass`, `hold` or `block`. The last two can be undone.
    #[schema(value_type = String)]
    action: &'static str,
    /// The case; only for keys with the right `findings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// What matched; only for keys with the right `findings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<FoundEntry>>,
    /// Why it could not be read; only for keys with the right `findings`.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FoundEntry {
    list: String,
    version: String,
    entry: String,
    kind: &'static str,
    distance: u32,
    /// True when the list only counts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unsigned: bool,
}

/// Screen an upload. The account and the file's name go into headers, so that no log of addresses
/// has them: `Obhut-Account`, `Obhut-File-Name` (both percent-encoded UTF-8).
#[utoipa::path(
    post, path = "/v1/screen", params(Parameters),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file's bytes"),
    responses(
        (status = 200, body = Answer),
        (status = 400, body = ErrorBody, description = "No or an unknown surface, or no bytes"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "A key without the right, or private messages without a legal basis"),
        (status = 408, body = ErrorBody, description = "The body took longer than 120 s"),
        (status = 413, body = ErrorBody, description = "Longer than 256 MiB"),
        (status = 415, body = ErrorBody, description = "A form instead of the file's bytes"),
        (status = 429, body = ErrorBody, description = "All places are taken; come again after Retry-After seconds")
    ),
    security(("key" = []))
)]
pub(crate) async fn screen(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Answer>, Fault> {
    // Who asks, and for what, is settled before the first byte of the body is taken in.
    let admitted = match admit(&app, parameters, &headers).await {
        Ok(admitted) => admitted,
        Err(fault) => {
            drain(body).await;
            return Err(fault);
        }
    };
    let Admitted {
        key,
        surface,
        dihedral,
        account,
        name,
        place,
    } = admitted;
    let body = take(body, app.pool.limits().input_bytes_max).await?;
    let started = Instant::now();
    let screener = app
        .casework
        .screener(
            app.pool.clone(),
            ScreenOptions {
                dihedral,
                fast: false,
            },
        )
        .await?;
    let bytes = body.clone();
    let screened = tokio::task::spawn_blocking(move || screener.screen_bytes(&bytes))
        .await
        .map_err(|_| {
            tracing::error!("screening panicked");
            Fault::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "screening failed; try again",
            )
        })?;
    app.metrics.screened(
        screened.verdict,
        body.len() as u64,
        started.elapsed().as_micros() as u64,
    );
    drop(place);

    let subject = Subject {
        // Without an account each upload is a case of its own.
        group: account.clone().unwrap_or_else(fresh_group),
        account: account.map(Sealed::new),
        name: name.map(Sealed::new),
        surface,
        uploaded_at: None,
    };
    let recorded = app
        .casework
        .record(&screened, &subject, Some(&body), &key.id)
        .await?;
    let more = key.has(Right::Findings);
    Ok(Json(Answer {
        id: recorded.id,
        verdict: screened.verdict.word(),
        action: screened.action.word(),
        case: recorded.case.filter(|_| more),
        findings: more.then(|| {
            let entries = screened.matches.into_iter().map(|m| FoundEntry {
                list: m.list,
                version: m.version,
                entry: m.entry,
                kind: m.kind,
                distance: m.distance_bits,
                unsigned: !m.signed,
            });
            entries.collect()
        }),
        because: screened
            .unreadable
            .map(|(_, because)| because)
            .filter(|_| more),
    }))
}

/// A request that may send its body.
struct Admitted {
    key: ApiKey,
    surface: Surface,
    dihedral: bool,
    account: Option<String>,
    name: Option<String>,
    place: OwnedSemaphorePermit,
}

async fn admit(
    app: &App,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Admitted, Fault> {
    let key = access::require(app, headers, Right::Screen).await?;
    let Query(parameters) = parameters.map_err(|e| Fault::bad_request(e.body_text()))?;
    let surface = parameters.surface.as_deref().and_then(Surface::from_word).ok_or_else(|| {
        Fault::bad_request("say where the upload was meant to be seen: ?surface=public, shared or private-message")
    })?;
    app.casework.check_surface(surface).await?;
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"multipart/"));
    if form {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "no-form",
            "send the file's bytes themselves as the body, not a form around them (curl: --data-binary @FILE)",
        ));
    }
    let account = text_header(headers, "obhut-account")?;
    let name = text_header(headers, "obhut-file-name")?;
    // A short crowd is waited out; a long one is told to come again.
    let waiting = tokio::time::timeout(PLACE_WAIT_MAX, app.places.clone().acquire_owned());
    let Ok(Ok(place)) = waiting.await else {
        app.metrics.refused();
        return Err(Fault::new(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "all places are taken; try again shortly",
        ));
    };
    Ok(Admitted {
        key,
        surface,
        dihedral: parameters.dihedral,
        account,
        name,
        place,
    })
}

/// Lets a refused client finish a short body, a piece at a time and kept nowhere, so that it sees
/// the answer and not a broken connection.
async fn drain(body: Body) {
    let reading = async {
        let mut pieces = body.into_data_stream();
        let mut bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            bytes += piece.len();
            if bytes > DRAIN_BYTES_MAX {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME_MAX, reading).await;
}

/// The body, within its limit of length and time.
async fn take(body: Body, bytes_max: u64) -> Result<Bytes, Fault> {
    let taking = axum::body::to_bytes(body, bytes_max as usize);
    let slow = |_| {
        Fault::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow",
            "the body took too long; send it again",
        )
    };
    let bytes = tokio::time::timeout(BODY_TIME_MAX, taking)
        .await
        .map_err(slow)?
        .map_err(|_| {
            Fault::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-long",
                format!("the body was cut off, or is longer than {bytes_max} bytes"),
            )
        })?;
    if bytes.is_empty() {
        return Err(Fault::bad_request("send the file's bytes as the body"));
    }
    Ok(bytes)
}

fn text_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    if value.len() > HEADER_BYTES_MAX {
        return Err(Fault::bad_request(format!(
            "the header {name} is longer than {HEADER_BYTES_MAX} bytes"
        )));
    }
    let raw = value.as_bytes();
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let escaped = (raw[at] == b'%')
            .then(|| raw.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(raw[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Fault::bad_request(format!("the header {name} is not UTF-8")))?;
    Ok(Some(text).filter(|t| !t.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_decoded() {
        let mut headers = HeaderMap::new();
        headers.insert("obhut-account", "J%C3%BCrgen 100%".parse().unwrap());
        let text = text_header(&headers, "obhut-account").ok().flatten();
        assert_eq!(text.as_deref(), Some("Jürgen 100%"));
        headers.insert("obhut-account", "%ff".parse().unwrap());
        assert!(text_header(&headers, "obhut-account").is_err());
    }
}
