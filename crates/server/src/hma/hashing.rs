//! `/h`: computes the signals of content.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{ApiKey, Right, UploadFacts};
use obhut_app::media::{Compute, Sampling, frame_pixels, is_dear, pixels};
use serde::Deserialize;

use super::{HmaFault, HmaResult, SIGNAL_TYPES, SignalType, missing};
use crate::{App, intake};

#[derive(Deserialize)]
pub(crate) struct HashQuery {
    url: Option<String>,
    content_type: Option<String>,
    types: Option<String>,
}

impl HashQuery {
    pub fn of(content_type: Option<String>, types: Option<String>) -> Self {
        Self {
            url: None,
            content_type,
            types,
        }
    }
}

/// Signals by the name of their type. A signal is empty if the file has too little detail.
pub(crate) type Signals = BTreeMap<&'static str, String>;

pub(crate) async fn hash_url(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<HashQuery>,
) -> HmaResult<Response> {
    let (key, _) = super::allowed(&app, &headers, Right::Screen).await?;
    let Some(url) = &query.url else {
        return Ok(missing("url"));
    };
    Ok(Json(of_url(&app, &key, url, &query).await?).into_response())
}

pub(crate) async fn hash_form(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<HashQuery>,
    body: Body,
) -> HmaResult<Json<Signals>> {
    let (key, _) = super::allowed(&app, &headers, Right::Screen).await?;
    Ok(Json(of_form(&app, &key, &headers, &query, body).await?))
}

/// The signals of the file at an address. The place for decoding is taken after the file has
/// arrived.
pub(crate) async fn of_url(
    app: &App,
    key: &ApiKey,
    url: &str,
    query: &HashQuery,
) -> HmaResult<Signals> {
    let receiving = intake::receiving(app, key).await?;
    let fetched = intake::fetch(app, url).await.map_err(|fault| {
        let fault = HmaFault::from(fault);
        match fault.status {
            // As in HMA: whatever is wrong with an address is the client's fault.
            StatusCode::FORBIDDEN | StatusCode::BAD_GATEWAY => HmaFault::bad(fault.message),
            _ => fault,
        }
    })?;
    let content = match (&query.content_type, fetched.media_type.as_deref()) {
        (Some(named), _) => named.clone(),
        (None, Some(media)) if media.to_lowercase().starts_with("image") => "photo".into(),
        (None, Some(media)) if media.to_lowercase().starts_with("video") => "video".into(),
        (None, media) => {
            return Err(HmaFault::bad(format!(
                "unsupported url ContentType: '{}', if you know the expected type, provide it with the content_type query param",
                media.unwrap_or_default()
            )));
        }
    };
    receiving.grow(app, fetched.bytes.len())?;
    let kinds = wanted(&content, query.types.as_deref())?;
    signals(app, key, kinds, fetched.bytes.into()).await
}

pub(crate) async fn of_form(
    app: &App,
    key: &ApiKey,
    headers: &HeaderMap,
    query: &HashQuery,
    body: Body,
) -> HmaResult<Signals> {
    intake::check_encoding(headers)?;
    if !intake::is_form(headers) {
        return Err(HmaFault::bad("Missing multipart/form-data file upload"));
    }
    // A slow sender must not occupy a decoder, so the place for decoding comes after the body.
    let receiving = intake::receiving(app, key).await?;
    let bytes_max = app.pool.limits().input_bytes_max;
    let form = intake::form(app, &receiving, headers, body, bytes_max).await?;
    of_files(app, key, form.files, query).await
}

pub(crate) async fn of_files(
    app: &App,
    key: &ApiKey,
    mut files: Vec<intake::Upload>,
    query: &HashQuery,
) -> HmaResult<Signals> {
    let Some(file) = files.pop() else {
        return Err(HmaFault::bad("Missing multipart/form-data file upload"));
    };
    if !files.is_empty() {
        return Err(HmaFault::bad("Only one file allowed per request"));
    }
    // HMA's clients name the form field after the content type.
    signals(
        app,
        key,
        wanted(&file.field, query.types.as_deref())?,
        file.bytes,
    )
    .await
}

/// The signal types named in `types`, or the default ones of the content type; fails for a type
/// that the content type doesn't have.
fn wanted(content: &str, types: Option<&str>) -> HmaResult<Vec<&'static SignalType>> {
    let of_content = || SIGNAL_TYPES.iter().filter(|s| s.content == content);
    if of_content().next().is_none() {
        return Err(HmaFault::bad(format!("no such content_type: '{content}'")));
    }
    let Some(types) = types else {
        return Ok(of_content().filter(|s| s.by_default).collect());
    };
    let names: Vec<_> = types
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .collect();
    if names.is_empty() {
        return Err(HmaFault::bad("empty signal type selection"));
    }
    names
        .into_iter()
        .map(|name| {
            of_content().find(|s| s.name == name).ok_or_else(|| {
                HmaFault::bad(format!("signal type '{name}' doesn't exist or is disabled"))
            })
        })
        .collect()
}

async fn signals(
    app: &App,
    key: &ApiKey,
    wanted: Vec<&'static SignalType>,
    bytes: Bytes,
) -> HmaResult<Signals> {
    let asker = intake::asker(key, None, &UploadFacts::default());
    let slot = intake::acquire_slot(app, asker, is_dear([&bytes[..]])).await?;
    let (_cancel, pool) = intake::cancelled_when_dropped(app);
    let computing = tokio::task::spawn_blocking(move || -> HmaResult<Signals> {
        let _slot = slot;
        // A fault of the decoder is ours (503, retry), one of the file the client's (400).
        let unreadable = |reason: obhut_app::media::Unreadable| {
            let status = if reason.is_decoder_fault() {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::BAD_REQUEST
            };
            HmaFault::new(status, format!("the file can't be hashed: {reason}"))
        };
        let mut signals = Signals::new();
        for signal_type in wanted {
            let text = match signal_type.kind().compute {
                Compute::Bytes(compute) => {
                    // Reading from memory cannot fail.
                    compute(&mut &bytes[..]).map_or_else(|_| String::new(), |d| d.to_hex())
                }
                Compute::Pixels { one, .. } => {
                    let picture = pool.decode(&bytes).map_err(unreadable)?;
                    let found = one(pixels(&picture));
                    // The digest of a picture with too little detail would match unrelated
                    // pictures.
                    if found.quality >= signal_type.kind().quality_min() {
                        found.digest.to_hex()
                    } else {
                        String::new()
                    }
                }
                Compute::Frames(one) => {
                    let mut frames = Vec::new();
                    // Never stops early: every sampled frame belongs to the signal.
                    let mut take = |frame: obhut_app::media::VideoFrame<'_>| {
                        let found = one(frame_pixels(&frame));
                        let (hex, time) = (found.digest.to_hex(), frame.timestamp_s);
                        frames.push(format!("{hex},{},{time:.3}", found.quality));
                        true
                    };
                    pool.video_bytes(&bytes, Sampling::EverySecond, &mut take)
                        .map_err(unreadable)?;
                    serde_json::to_string(&frames).unwrap_or_default()
                }
            };
            signals.insert(signal_type.name, text);
        }
        Ok(signals)
    });
    computing
        .await
        .map_err(|_| HmaFault::new(StatusCode::INTERNAL_SERVER_ERROR, "hashing failed"))?
}
