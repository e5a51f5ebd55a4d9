//! `/m`: looks up the contents that match signals, and compares signals.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use obhut_app::casework::Right;
use obhut_app::media::{BankHit, Current};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::hashing::{self, HashQuery, Signals};
use super::{HmaFault, HmaResult, SIGNAL_TYPES, SignalType, missing, parse_signal, signal_type};
use crate::{App, asked};

#[derive(Deserialize)]
pub(crate) struct LookupQuery {
    signal: Option<String>,
    signal_type: Option<String>,
    url: Option<String>,
    content_type: Option<String>,
    types: Option<String>,
    /// Names of banks, separated by commas; all banks if it is missing.
    banks: Option<String>,
    /// The same seed always selects the same banks among those with a ratio below 1.
    seed: Option<String>,
    bypass_coinflip: Option<String>,
    include_distance: Option<String>,
    /// Beyond HMA: list, version, entry, purpose and category of each match, and whether the list
    /// is signed.
    provenance: Option<String>,
}

impl LookupQuery {
    fn wants(&self, bank: &str) -> bool {
        let named = self.banks.as_deref().filter(|b| !b.is_empty());
        named.is_none_or(|names| names.split(',').any(|n| n.trim() == bank))
    }

    fn coin(&self) -> f64 {
        if is_true(self.bypass_coinflip.as_ref()) {
            return 0.0;
        }
        let number = match &self.seed {
            // Any good hash will do, as long as the same seed gives the same coin everywhere.
            Some(seed) => {
                use sha2::Digest as _;
                let digest = sha2::Sha256::digest(seed);
                u64::from_le_bytes(digest[..8].try_into().expect("8 bytes"))
            }
            // std seeds each RandomState differently, which is random enough for a coin.
            None => RandomState::new().hash_one(0),
        };
        // 53 bits, as many as an f64 holds exactly. Below 1, so a ratio of 1 always takes part.
        (number >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn hashing(&self) -> HashQuery {
        HashQuery::of(self.content_type.clone(), self.types.clone())
    }
}

fn is_true(value: Option<&String>) -> bool {
    value.is_some_and(|v| matches!(v.to_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t"))
}

/// Contents by bank.
type ByBank = BTreeMap<String, Vec<Value>>;

pub(crate) async fn raw_lookup(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<LookupQuery>,
) -> HmaResult<Response> {
    let (key, current) = super::allowed(&app, &headers, Right::Findings).await?;
    asked::note(&app, &key, asked::LOOK_UP, 1).await?;
    let (Some(signal), Some(name)) = (&query.signal, &query.signal_type) else {
        let field = if query.signal.is_none() {
            "signal"
        } else {
            "signal_type"
        };
        // As in HMA, only the first missing field is named.
        return Ok(missing(field));
    };
    // `true` includes disabled contents, as in HMA.
    let hits = find(&current, signal_type(name)?, signal, true)?;
    let hits = hits.iter().filter(|hit| query.wants(&hit.found.list));
    let with_distance = is_true(query.include_distance.as_ref());
    let matches: Vec<Value> = hits
        .map(|hit| {
            if with_distance {
                shown(hit, &query)
            } else {
                hit.found.content.into()
            }
        })
        .collect();
    Ok(Json(json!({ "matches": matches })).into_response())
}

pub(crate) async fn lookup_get(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<LookupQuery>,
) -> HmaResult<Response> {
    let (key, current) = super::allowed(&app, &headers, Right::Findings).await?;
    asked::note(&app, &key, asked::LOOK_UP, 1).await?;
    if let Some(url) = &query.url {
        // A second right: the file is fetched and hashed, not only a signal looked up.
        may_hash(&key)?;
        let signals = hashing::of_url(&app, &key, url, &query.hashing()).await?;
        let mut by_type = look_up(&current, &signals, &query)?;
        if let Some(name) = &query.signal_type {
            return Ok(Json(by_type.remove(name.as_str()).unwrap_or_default()).into_response());
        }
        return Ok(Json(by_type).into_response());
    }
    // 400 here, but 422 with pydantic's list in raw_lookup, as in HMA.
    let (Some(signal), Some(name)) = (&query.signal, &query.signal_type) else {
        return Err(HmaFault::bad(
            "Either url or both signal and signal_type are required",
        ));
    };
    let hits = find(&current, signal_type(name)?, signal, false)?;
    Ok(Json(by_bank(hits, &query)).into_response())
}

pub(crate) async fn lookup_form(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<LookupQuery>,
    body: Body,
) -> HmaResult<Response> {
    let (key, current) = super::allowed(&app, &headers, Right::Findings).await?;
    may_hash(&key)?;
    asked::note(&app, &key, asked::LOOK_UP, 1).await?;
    let signals = hashing::of_form(&app, &key, &headers, &query.hashing(), body).await?;
    Ok(Json(look_up(&current, &signals, &query)?).into_response())
}

fn may_hash(key: &obhut_app::casework::ApiKey) -> HmaResult<()> {
    if key.has(Right::Screen) {
        return Ok(());
    }
    Err(HmaFault::new(
        axum::http::StatusCode::FORBIDDEN,
        "Hashing is disabled, missing role: this key has no right screen",
    ))
}

fn look_up(
    current: &Current,
    signals: &Signals,
    query: &LookupQuery,
) -> HmaResult<BTreeMap<&'static str, ByBank>> {
    let mut by_type = BTreeMap::new();
    for (name, signal) in signals {
        // A digest of low quality matches nothing.
        let found = if signal.is_empty() || signal == "[]" {
            ByBank::new()
        } else {
            by_bank(find(current, signal_type(name)?, signal, false)?, query)
        };
        by_type.insert(*name, found);
    }
    Ok(by_type)
}

fn find(
    current: &Current,
    signal_type: &SignalType,
    signal: &str,
    disabled: bool,
) -> HmaResult<Vec<BankHit>> {
    // A vPDQ signal is a list of frames, not a digest.
    if signal_type.name == "vpdq" {
        let frames = super::parse_frames(signal).map_err(invalid)?;
        // A long video takes time; block_in_place moves other requests to other threads meanwhile.
        return Ok(tokio::task::block_in_place(|| {
            current.lookup_video(&frames, disabled)
        }));
    }
    let digest = parse_signal(signal_type, signal).map_err(invalid)?;
    Ok(current.lookup(signal_type.kind(), &digest, disabled))
}

fn invalid(why: String) -> HmaFault {
    HmaFault::bad(format!("invalid signal: {why}"))
}

fn by_bank(hits: Vec<BankHit>, query: &LookupQuery) -> ByBank {
    // One coin for all banks, so that a seed always selects the same banks.
    let coin = query.coin();
    let bypass = is_true(query.bypass_coinflip.as_ref());
    let mut banks = ByBank::new();
    for hit in hits {
        // A ratio of 0 is off; without `> 0.0` a coin of exactly 0 would let it through.
        if query.wants(&hit.found.list) && (bypass || (hit.ratio > 0.0 && hit.ratio >= coin)) {
            let bank = banks.entry(hit.found.list.clone()).or_default();
            bank.push(shown(&hit, query));
        }
    }
    banks
}

fn shown(hit: &BankHit, query: &LookupQuery) -> Value {
    let found = &hit.found;
    // The distance is text in HMA's answers.
    let mut value = json!({
        "bank_content_id": found.content,
        "distance": found.distance_bits.to_string(),
    });
    if is_true(query.provenance.as_ref()) {
        value["provenance"] = json!({
            "list": found.list, "version": found.version, "entry": found.entry,
            "purpose": found.purpose.word(), "signed": found.signed,
            "category_scale": found.label.scale, "category": found.label.category,
        });
    }
    value
}

#[derive(Deserialize)]
pub(crate) struct StatusQuery {
    signal_type: Option<String>,
}

impl StatusQuery {
    pub fn signal_type(&self) -> Option<&str> {
        self.signal_type.as_deref()
    }
}

pub(crate) async fn index_status(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<StatusQuery>,
) -> HmaResult<Json<Map<String, Value>>> {
    let (_, current) = super::allowed(&app, &headers, Right::Findings).await?;
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_secs());
    let mut answer = Map::new();
    for (name, size) in sizes(&current, query.signal_type.as_deref())? {
        // The lists in memory are always those on record, so there is never an older index to
        // rebuild.
        let (built_to, present) = if size > 0 {
            (json!(now), true)
        } else {
            (json!(-1), false)
        };
        let status = json!({ "built_to": built_to, "present": present, "size": size });
        answer.insert(name.into(), status);
    }
    Ok(Json(answer))
}

/// Each signal type, or only `only`, with the number of entries on record. Fails for an unknown
/// type.
pub(crate) fn sizes(
    current: &Current,
    only: Option<&str>,
) -> HmaResult<Vec<(&'static str, usize)>> {
    if let Some(name) = only {
        signal_type(name)?;
    }
    let counted = SIGNAL_TYPES
        .iter()
        .filter(|s| only.is_none_or(|name| name == s.name))
        .map(|s| {
            let of_kind = current.sizes().into_iter();
            let sizes = of_kind.filter(|(_, kind, _)| kind.name == s.kind().name);
            (s.name, sizes.map(|(_, _, n)| n).sum())
        });
    Ok(counted.collect())
}

pub(crate) async fn compare(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> HmaResult<Json<Map<String, Value>>> {
    super::allowed(&app, &headers, Right::Findings).await?;
    let asked: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| HmaFault::bad("this endpoint expects a json object payload"))?;
    let mut answer = Map::new();
    for (name, pair) in asked {
        let signal_type = signal_type(&name)?;
        // Whatever is not a list of texts gets the message below.
        let pair: Vec<String> = serde_json::from_value(pair).unwrap_or_default();
        let [a, b] = pair.as_slice() else {
            return Err(HmaFault::bad(format!(
                "{name}: expects a list of two signals"
            )));
        };
        let result = if name == "vpdq" {
            let (a, b) = (
                super::parse_frames(a).map_err(invalid)?,
                super::parse_frames(b).map_err(invalid)?,
            );
            let comparing = || obhut_app::media::compare_videos(&a, &b);
            let (first, second) = tokio::task::block_in_place(comparing);
            // The query's share alone decides, as in python-threatexchange.
            let matches = first >= obhut_app::media::VIDEO_PERCENT_MIN;
            json!([matches, { "query_match_percent": first, "compared_match_percent": second }])
        } else {
            let parse = |text: &str| parse_signal(signal_type, text).map_err(invalid);
            let (a, b) = (parse(a)?, parse(b)?);
            let distance = a.distance(&b);
            match signal_type.kind().radius_bits() {
                Some(radius) => json!([distance <= radius, { "distance": distance }]),
                // Kinds without a radius match exactly or not at all.
                None => json!([distance == 0, {}]),
            }
        };
        answer.insert(name, result);
    }
    Ok(Json(answer))
}
