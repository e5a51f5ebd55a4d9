//! `/c`: banks and their contents.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{ApiKey, Purpose, Right};
use obhut_app::media::{self, Bank, Content, Digest, Kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::hashing::{self, HashQuery, Signals};
use super::lookup::StatusQuery;
use super::{HmaFault, HmaResult, SIGNAL_TYPES, lookup, parse_signal};
use crate::{App, intake};

/// Longest JSON body of a request that adds content by its `url`, in bytes. Our judgement.
const JSON_BYTES_MAX: u64 = 256 << 10;
/// Longest name of a bank, in characters. Our judgement.
const NAME_CHARS_MAX: usize = 100;

async fn curator(app: &App, headers: &HeaderMap) -> HmaResult<ApiKey> {
    Ok(super::allowed(app, headers, Right::Curate).await?.0)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> HmaResult<T> {
    crate::object::strict(body)
        .map_err(|_| HmaFault::bad("this endpoint expects a json object payload"))
}

pub(crate) async fn banks(
    State(app): State<App>,
    headers: HeaderMap,
) -> HmaResult<Json<Vec<Bank>>> {
    curator(&app, &headers).await?;
    Ok(Json(media::banks(&app.casework).await?))
}

#[derive(Deserialize)]
pub(crate) struct NewBank {
    name: String,
    enabled_ratio: Option<f64>,
    enabled: Option<bool>,
    /// Beyond HMA: `assessed` (the default), `self-submission`, or `known-harmless` for what must
    /// not be reported.
    purpose: Option<String>,
}

pub(crate) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> HmaResult<(StatusCode, Json<Bank>)> {
    let key = curator(&app, &headers).await?;
    let asked: NewBank = read(&body)?;
    // An empty name is refused like one that begins with a digit.
    let first = asked.name.chars().next().unwrap_or('0');
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if first.is_ascii_digit() || !asked.name.chars().all(plain) {
        return Err(HmaFault::bad("Bank names must match [A-Z_][A-Z0-9_]*"));
    }
    if asked.name.len() > NAME_CHARS_MAX {
        return Err(HmaFault::bad(format!(
            "Bank names have at most {NAME_CHARS_MAX} characters"
        )));
    }
    if media::bank(&app.casework, &asked.name).await.is_ok() {
        // 403 is HMA's status for this.
        return Err(HmaFault::new(StatusCode::FORBIDDEN, "Bank already exists"));
    }
    let purpose = match asked.purpose.as_deref() {
        None => Purpose::Assessed,
        Some(word) => Purpose::from_word(word).ok_or_else(|| {
            HmaFault::bad("purpose is assessed, self-submission or known-harmless")
        })?,
    };
    let ratio = ratio(asked.enabled, asked.enabled_ratio).unwrap_or(1.0);
    let made = media::create_bank(&app.casework, &asked.name, ratio, purpose, &key);
    Ok((StatusCode::CREATED, Json(made.await?)))
}

fn ratio(enabled: Option<bool>, ratio: Option<f64>) -> Option<f64> {
    // As in HMA, a ratio takes precedence over the switch.
    ratio.or(enabled.map(|is_on| if is_on { 1.0 } else { 0.0 }))
}

pub(crate) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(bank): Path<String>,
) -> HmaResult<Json<Bank>> {
    curator(&app, &headers).await?;
    Ok(Json(media::bank(&app.casework, &bank).await?))
}

#[derive(Deserialize)]
pub(crate) struct BankChange {
    name: Option<String>,
    enabled: Option<bool>,
    enabled_ratio: Option<f64>,
}

pub(crate) async fn update(
    State(app): State<App>,
    headers: HeaderMap,
    Path(bank): Path<String>,
    body: Bytes,
) -> HmaResult<Json<Bank>> {
    let key = curator(&app, &headers).await?;
    let asked: BankChange = read(&body)?;
    // An unknown bank is 404, whatever the fields of the body are.
    media::bank(&app.casework, &bank).await?;
    if asked.name.as_ref().is_some_and(|name| *name != bank) {
        return Err(HmaFault::bad(
            "a bank keeps its name: findings on record name it; make another one",
        ));
    }
    match ratio(asked.enabled, asked.enabled_ratio) {
        Some(ratio) => Ok(Json(
            media::set_bank_ratio(&app.casework, &bank, ratio, &key.id).await?,
        )),
        None => Ok(Json(media::bank(&app.casework, &bank).await?)),
    }
}

pub(crate) async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Path(bank): Path<String>,
) -> HmaResult<Json<Value>> {
    let key = curator(&app, &headers).await?;
    // As in HMA, the answer is the same whether or not there was a bank of that name.
    match media::bank(&app.casework, &bank)
        .await
        .map_err(HmaFault::from)
    {
        Ok(_) => media::remove_bank(&app.casework, &bank, &key.id).await?,
        Err(fault) if fault.status == StatusCode::NOT_FOUND => {}
        Err(fault) => return Err(fault),
    }
    Ok(Json(json!({ "message": "Done" })))
}

#[derive(Deserialize)]
pub(crate) struct ContentQuery {
    url: Option<String>,
    content_type: Option<String>,
    types: Option<String>,
}

pub(crate) async fn add_content(
    State(app): State<App>,
    headers: HeaderMap,
    Path(bank): Path<String>,
    Query(query): Query<ContentQuery>,
    body: Body,
) -> HmaResult<Response> {
    let key = curator(&app, &headers).await?;
    // Checked before the body is read, so that an upload to an unknown bank is refused early.
    media::bank(&app.casework, &bank).await?;
    let hash_query = HashQuery::of(query.content_type.clone(), query.types.clone());
    let (signals, more): (Signals, Map<String, Value>) = if let Some(url) = &query.url {
        let bytes = axum::body::to_bytes(body, JSON_BYTES_MAX as usize)
            .await
            .map_err(|_| HmaFault::bad("the body is too long"))?;
        let more = if bytes.is_empty() {
            Map::new()
        } else {
            read(&bytes)?
        };
        (hashing::of_url(&app, &key, url, &hash_query).await?, more)
    } else if intake::is_form(&headers) {
        // The place for decoding comes after the body, because a slow sender must not occupy a
        // decoder.
        let receiving = intake::receiving(&app, &key).await?;
        let bytes_max = app.pool.limits().input_bytes_max;
        let form = intake::form(&app, &receiving, &headers, body, bytes_max).await?;
        let mut more = Map::new();
        if let Some(note) = form.texts.get("note") {
            more.insert("note".into(), note.as_str().into());
        }
        if let Some(text) = form.texts.get("metadata") {
            let about = serde_json::from_str(text)
                .map_err(|_| HmaFault::bad("metadata form field must be valid JSON"))?;
            more.insert("metadata".into(), about);
        }
        (
            hashing::of_files(&app, &key, form.files, &hash_query).await?,
            more,
        )
    } else {
        return Err(HmaFault::bad(
            "Neither `url` nor multipart file upload was received",
        ));
    };
    let about = metadata(more.get("metadata"))?;
    let note = note(more.get("note"))?;
    add(&app, &key, &bank, signals.into_iter(), note, about).await
}

pub(crate) async fn add_signals(
    State(app): State<App>,
    headers: HeaderMap,
    Path(bank): Path<String>,
    body: Bytes,
) -> HmaResult<Response> {
    let key = curator(&app, &headers).await?;
    media::bank(&app.casework, &bank).await?;
    let mut asked: Map<String, Value> = read(&body)?;
    let note = note(asked.remove("note").as_ref())?;
    let mut signals = Vec::new();
    for (name, value) in &asked {
        let known = SIGNAL_TYPES.iter().find(|s| s.name == name);
        let known = known.ok_or_else(|| HmaFault::bad(format!("No such signal type {name}")))?;
        let value = value.as_str().unwrap_or_default().to_owned();
        signals.push((known.name, value));
    }
    add(&app, &key, &bank, signals.into_iter(), note, None).await
}

async fn add(
    app: &App,
    key: &ApiKey,
    bank: &str,
    signals: impl Iterator<Item = (&'static str, String)>,
    note: Option<String>,
    about: Option<Value>,
) -> HmaResult<Response> {
    let mut parsed: Vec<(&'static Kind, Digest)> = Vec::new();
    let mut shown = Map::new();
    // All signals are parsed before the first is added: a content gets all its signals or none.
    for (name, value) in signals {
        let signal_type = super::signal_type(name)?;
        if name == "vpdq" {
            return Err(HmaFault::bad(
                "vpdq signals can't be added here; import a hash list that has the video's frames",
            ));
        }
        let digest = parse_signal(signal_type, &value)
            .map_err(|why| HmaFault::bad(format!("Invalid {name} signal: {why}")))?;
        parsed.push((signal_type.kind(), digest));
        shown.insert(name.into(), digest.to_hex().into());
    }
    if parsed.is_empty() {
        return Err(HmaFault::bad("No signals given"));
    }
    let adding = media::add_content(
        &app.casework,
        bank,
        &parsed,
        note.as_deref(),
        about.as_ref(),
        key,
    );
    let id = adding.await?;
    // Documented as 201, answered as 200 by HMA; clients are written against what it does.
    Ok(Json(json!({ "id": id, "signals": shown })).into_response())
}

fn note(value: Option<&Value>) -> HmaResult<Option<String>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(note)) => Ok(Some(note.clone())),
        Some(_) => Err(HmaFault::bad("note should be a string")),
    }
}

fn metadata(value: Option<&Value>) -> HmaResult<Option<Value>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(about)) => {
            let known = ["content_id", "content_uri", "json"];
            match about.keys().find(|k| !known.contains(&k.as_str())) {
                Some(key) => Err(HmaFault::bad(format!(
                    "Invalid metadata: unknown key '{key}'"
                ))),
                None => Ok(Some(Value::Object(about.clone()))),
            }
        }
        Some(_) => Err(HmaFault::bad("metadata should be a json object")),
    }
}

fn number(id: &str) -> HmaResult<i64> {
    id.parse()
        .map_err(|_| HmaFault::new(StatusCode::NOT_FOUND, format!("content '{id}' not found")))
}

#[derive(Deserialize)]
pub(crate) struct ShowQuery {
    include_signals: Option<String>,
    include_metadata: Option<String>,
}

pub(crate) async fn content(
    State(app): State<App>,
    headers: HeaderMap,
    Path((bank, id)): Path<(String, String)>,
    Query(query): Query<ShowQuery>,
) -> HmaResult<Json<Value>> {
    curator(&app, &headers).await?;
    let content = media::content(&app.casework, &bank, number(&id)?).await?;
    let signals = query.include_signals.as_deref() == Some("true");
    let about = query.include_metadata.as_deref() != Some("false");
    Ok(Json(shown(&app, &content, signals, about).await?))
}

async fn shown(app: &App, content: &Content, signals: bool, about: bool) -> HmaResult<Value> {
    let bank = media::bank(&app.casework, &content.bank).await?;
    let uri = content.about.as_ref().and_then(|a| a.get("content_uri"));
    let mut value = json!({
        "id": content.id,
        "disable_until_ts": content.disable_until,
        "original_media_uri": uri,
        "bank": bank,
    });
    if signals {
        let mut named = Map::new();
        for (kind, digest) in content
            .signals
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            // Stored by hash kind; kinds that HMA has no name for keep ours.
            let name = SIGNAL_TYPES
                .iter()
                .find(|s| s.kind().name == kind)
                .map_or(kind.as_str(), |s| s.name);
            named.insert(name.into(), digest.clone());
        }
        value["signals"] = named.into();
    }
    if about {
        let known = |key: &str| content.about.as_ref().and_then(|a| a.get(key)).cloned();
        value["metadata"] = json!({
            "content_id": known("content_id"), "content_uri": known("content_uri"),
            "json": known("json").unwrap_or_else(|| json!({})), "collab": {},
        });
    }
    if let Some(note) = &content.note {
        value["note"] = note.as_str().into();
    }
    Ok(value)
}

pub(crate) async fn update_content(
    State(app): State<App>,
    headers: HeaderMap,
    Path((bank, id)): Path<(String, String)>,
    body: Bytes,
) -> HmaResult<Json<Value>> {
    let key = curator(&app, &headers).await?;
    let asked: Map<String, Value> = read(&body)?;
    let until = match asked.get("disable_until_ts") {
        None => None,
        Some(value) => Some(
            value
                .as_i64()
                .filter(|v| *v >= 0)
                .ok_or_else(|| HmaFault::bad("disable_until_ts must be a non-negative integer"))?,
        ),
    };
    let note = note(asked.get("note"))?;
    let changing = media::set_content(
        &app.casework,
        &bank,
        number(&id)?,
        until,
        note.as_deref(),
        &key.id,
    );
    let content = changing.await?;
    Ok(Json(shown(&app, &content, false, true).await?))
}

pub(crate) async fn remove_content(
    State(app): State<App>,
    headers: HeaderMap,
    Path((bank, id)): Path<(String, String)>,
) -> HmaResult<Json<Value>> {
    let key = curator(&app, &headers).await?;
    media::bank(&app.casework, &bank).await?;
    let removed = media::remove_content(&app.casework, &bank, number(&id)?, &key.id).await?;
    // As in HMA, how many were deleted: 0 if the content was gone already.
    Ok(Json(json!({ "deleted": u8::from(removed) })))
}

/// There are no exchanges here: lists come in through `obhut list`.
pub(crate) async fn none(
    State(app): State<App>,
    headers: HeaderMap,
) -> HmaResult<Json<Vec<String>>> {
    curator(&app, &headers).await?;
    Ok(Json(Vec::new()))
}

pub(crate) async fn no_exchange(State(app): State<App>, headers: HeaderMap) -> HmaResult<Response> {
    curator(&app, &headers).await?;
    Err(HmaFault::bad(
        "No such exchange type: this server has none; lists come in as files",
    ))
}

pub(crate) async fn no_api(
    State(app): State<App>,
    headers: HeaderMap,
    Path(api): Path<String>,
) -> HmaResult<Response> {
    curator(&app, &headers).await?;
    Err(HmaFault::new(
        StatusCode::NOT_FOUND,
        format!("Exchange API '{api}' not found"),
    ))
}

pub(crate) async fn not_an_exchange(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> HmaResult<Response> {
    curator(&app, &headers).await?;
    Err(HmaFault::new(
        StatusCode::NOT_FOUND,
        format!("Exchange '{name}' not found"),
    ))
}

pub(crate) async fn signal_types(
    State(app): State<App>,
    headers: HeaderMap,
) -> HmaResult<Json<Value>> {
    curator(&app, &headers).await?;
    let types = SIGNAL_TYPES.iter().filter(|s| s.by_default);
    let types = types.map(|s| json!({ "name": s.name, "enabled_ratio": 1.0 }));
    Ok(Json(types.collect()))
}

/// HMA answers 500 here. A signal type is always on: a list decides what matches, not a switch.
pub(crate) async fn set_signal_type(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: Bytes,
) -> HmaResult<StatusCode> {
    curator(&app, &headers).await?;
    super::signal_type(&name)?;
    let asked: Map<String, Value> = read(&body)?;
    match asked.get("enabled_ratio").and_then(Value::as_f64) {
        Some(1.0) => Ok(StatusCode::NO_CONTENT),
        Some(_) => Err(HmaFault::bad(
            "a signal type is always enabled here; set the ratio of a bank instead",
        )),
        None => Err(HmaFault::bad("Field `enabled_ratio` is required")),
    }
}

pub(crate) async fn signal_index(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<StatusQuery>,
) -> HmaResult<Json<Map<String, Value>>> {
    let (_, current) = super::allowed(&app, &headers, Right::Curate).await?;
    // The lists in memory are always those on record, so the index counts as built now.
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_secs());
    let mut answer = Map::new();
    for (name, size) in lookup::sizes(&current, query.signal_type())? {
        let status = json!({
            "db_size": size, "index_size": size, "index_out_of_date": false,
            "newest_db_item": now, "index_built_to": now,
        });
        answer.insert(name.into(), status);
    }
    Ok(Json(answer))
}

pub(crate) async fn content_types(
    State(app): State<App>,
    headers: HeaderMap,
) -> HmaResult<Json<Value>> {
    curator(&app, &headers).await?;
    Ok(Json(json!([
        { "name": "photo", "enabled": true }, { "name": "video", "enabled": true },
    ])))
}
