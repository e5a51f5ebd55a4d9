//! `POST /v1/match`: looks up digests computed elsewhere and answers with the entries they match.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use obhut_app::casework::Right;
use obhut_app::media::{ScreenOptions, kinds};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::screen::FoundEntry;
use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access, asked};

/// Digests of one request. Our judgement.
const DIGESTS_MAX: usize = 1_000;
/// Up to this many digests are looked up on the request's thread; more go to a blocking thread. Our
/// judgement.
const DIGESTS_AT_ONCE: usize = 4;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchQuery {
    digests: Vec<AskedDigest>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedDigest {
    /// `pdq`, `pdq-cimg512`, `md5`, `sha1`, `sha256`, or `vpdq` for the digest of one frame.
    kind: String,
    /// Hex.
    digest: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MatchAnswer)]
pub(crate) struct MatchAnswer {
    /// One result for each digest, in the order of the request.
    results: Vec<DigestMatches>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DigestMatches {
    /// Entries within the list's distance, nearest first; from each list at most the 50 nearest
    /// signed and the 50 nearest unsigned ones.
    findings: Vec<FoundEntry>,
}

/// Match digests. Nothing is recorded: no file was seen.
#[utoipa::path(
    post, path = "/v1/match", request_body = MatchQuery,
    responses(
        (status = 200, body = MatchAnswer),
        (status = 400, body = ErrorBody, description = "An unknown kind, an invalid digest, or more than 1,000 digests"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "A key without the right `findings`")
    ),
    security(("key" = []))
)]
pub(crate) async fn look_up(
    State(app): State<App>,
    headers: HeaderMap,
    asked: Result<Object<MatchQuery>, Fault>,
) -> Result<Json<MatchAnswer>, Fault> {
    // Not `screen`: asking about digests reveals what a list holds.
    let (key, current) = access::authenticate_with_lists(&app, &headers, Right::Findings).await?;
    let Object(asked) = asked?;
    if asked.digests.len() > DIGESTS_MAX {
        return Err(Fault::bad_request(format!(
            "{} digests; {DIGESTS_MAX} are allowed in one request",
            asked.digests.len()
        )));
    }
    // All are parsed before any is looked up: one fault refuses the whole request.
    let mut digests = Vec::with_capacity(asked.digests.len());
    for (place, asked) in asked.digests.iter().enumerate() {
        let kind = kinds::by_name(&asked.kind).ok_or_else(|| {
            let known: Vec<_> = kinds::ALL.iter().map(|k| k.name).collect();
            Fault::bad_request(format!(
                "digest {place}: kind is none of {}",
                known.join(", ")
            ))
        })?;
        let digest = kind
            .parse(&asked.digest)
            .map_err(|e| Fault::bad_request(format!("digest {place}: {e}")))?;
        digests.push((kind, digest));
    }
    asked::note(&app, &key, asked::LOOK_UP, digests.len()).await?;
    let screener = current.screener(app.pool.clone(), ScreenOptions::default());
    let look = move || -> Vec<DigestMatches> {
        let found = digests.iter().map(|(kind, digest)| DigestMatches {
            findings: screener
                .match_digest(kind, digest)
                .into_iter()
                .map(Into::into)
                .collect(),
        });
        found.collect()
    };
    // Four look-ups take about a third of a millisecond at ten million entries (docs/performance.md).
    let results = if asked.digests.len() <= DIGESTS_AT_ONCE {
        look()
    } else {
        let looking = tokio::task::spawn_blocking(look);
        looking
            .await
            .map_err(|_| Fault::bad_request("matching failed; try again"))?
    };
    Ok(Json(MatchAnswer { results }))
}
