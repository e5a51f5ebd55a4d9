//! `POST /v1/screen`: an upload in, a verdict and an opaque id out.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{self, ApiKey, Repeat, Right, Surface, UploadFacts};
use obhut_app::media::{self, Current, Match, Recorded, ScreenOptions, Screened, Stretch};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::edge::ScreenedAt;
use crate::edge::gate::AtOnce;
use crate::fault::{ErrorBody, Fault};
use crate::intake::{self, Receiving, Sender, Slot, Upload};
use crate::{App, access};

/// Longest idempotency key, in bytes. Our judgement.
const REPEAT_KEY_BYTES_MAX: usize = 255;
/// Longest JSON that names an address, in bytes. Our judgement.
const ADDRESS_BYTES_MAX: u64 = 16 << 10;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// `public`, `shared` or `private-message`; required unless the key has a surface.
    surface: Option<String>,
    /// Also compare rotated and mirrored copies.
    #[serde(default)]
    dihedral: bool,
    /// Decode JPEGs faster and smaller; PDQ digests then differ from the exact ones by a few bits.
    #[serde(default)]
    fast: bool,
}

/// A URL to fetch the upload from, instead of its bytes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    /// Below an address that `obhut serve --fetch-from` allows.
    url: String,
    /// What the platform knows of the upload: `ip`, `port`, `at`, `session`, `screen_name`, `email`,
    /// `url` of the post.
    #[schema(value_type = Option<Object>)]
    upload: Option<UploadFacts>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Answer)]
pub(crate) struct ScreenAnswer {
    /// Id of this screening, for `GET /v1/screen/{id}`; it reveals nothing else.
    id: String,
    /// `match`, `known-harmless`, `low-quality`, `no-match` or `unreadable`.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// What to do with the upload: `pass`, `hold` or `block`. The last two are reversible.
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
    /// True if the list isn't signed: the match is counted and has no effect.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unsigned: bool,
    /// Which part of a video matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    stretch: Option<FoundStretch>,
}

/// A part of a video, in seconds, and the share of frames that match, in percent.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundStretch {
    from: f32,
    to: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_from: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_to: Option<f32>,
    video_percent: f64,
    entry_percent: f64,
}

impl From<Stretch> for FoundStretch {
    fn from(s: Stretch) -> Self {
        Self {
            from: s.from_s,
            to: s.to_s,
            entry_from: s.entry_from_s,
            entry_to: s.entry_to_s,
            video_percent: s.video_percent,
            entry_percent: s.entry_percent,
        }
    }
}

impl From<Match> for FoundEntry {
    fn from(m: Match) -> Self {
        Self {
            list: m.list,
            version: m.version,
            entry: m.entry,
            kind: m.kind,
            distance: m.distance_bits,
            unsigned: !m.signed,
            stretch: m.stretch.map(Into::into),
        }
    }
}

/// Screen an upload: its bytes as the body, a form with one file, or JSON with an address. The
/// account and the file's name go into the headers `Obhut-Account` and `Obhut-File-Name` (both
/// percent-encoded UTF-8), so that no access log contains them; in a form they may be the text
/// field `account` and the file's own name. What else the platform knows about the upload is a JSON
/// object in the header `Obhut-Upload` (as it is, or percent-encoded as a whole), in the text field
/// `upload` of a form, or in the field `upload` of the JSON: `ip`, `port`, `at` (RFC 3339),
/// `session`, `screen_name`, `email`, `url` (of the post), each optional. It is sealed, and kept
/// only with a finding. With `Idempotency-Key`, a request that is sent again within a day gets the
/// same answer, and nothing is recorded twice.
#[utoipa::path(
    post, path = "/v1/screen", params(Parameters),
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (String = "multipart/form-data"),
        (Address = "application/json")
    )),
    responses(
        (status = 200, body = ScreenAnswer),
        (status = 400, body = ErrorBody, description = "No or an unknown surface, no bytes, or a form without exactly one file"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "A key without the right, private messages without a legal basis, or an address that is not allowed"),
        (status = 408, body = ErrorBody, description = "The body took longer than 120 s"),
        (status = 409, body = ErrorBody, description = "The first request with this idempotency key is still being processed"),
        (status = 413, body = ErrorBody, description = "Longer than 256 MiB"),
        (status = 422, body = ErrorBody, description = "The idempotency key was used for another upload"),
        (status = 429, body = ErrorBody, description = "All slots are taken; try again after Retry-After seconds"),
        (status = 502, body = ErrorBody, description = "No file could be fetched from the address"),
        (status = 503, body = ErrorBody, description = "No decoder or no database; try again after Retry-After seconds")
    ),
    security(("key" = []))
)]
pub(crate) async fn screen(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    // The key, the surface and all headers but `Idempotency-Key` are checked before the first byte
    // of the body is read.
    let admitting = admit(&app, parameters, &headers).await;
    let (admitted, body) = intake::admitted(admitting, body).await?;
    let received = receive(&app, &admitted.receiving, &headers, body).await?;
    let upload = received.upload;
    let sender = Sender {
        account: admitted.account.clone().or(received.account),
        name: admitted.name.clone().or(upload.name),
        surface: admitted.surface,
        // The header's fields win and the body fills in the rest: a proxy knows the IP address, the
        // platform's own code knows the post.
        upload: admitted
            .upload
            .clone()
            .unwrap_or_default()
            .or(received.facts.unwrap_or_default()),
    };
    // Only once the body is here: a slow sender must not occupy a decoder.
    let asker = intake::asker(&admitted.key, sender.account.as_deref(), &sender.upload);
    let slot = intake::acquire_slot(&app, asker, media::is_dear([&upload.bytes[..]])).await?;
    let Some(repeat_key) = repeat_key(&headers)? else {
        let (answer, at) = screen_and_record(&app, &admitted, &slot, sender, upload.bytes).await?;
        return Ok(timed(&admitted.key, Some(at), Json(answer)));
    };
    // Two requests are the same if their surface, account, facts and bytes are equal. Each of the
    // first three is preceded by its length, so that they can't run together in the digest.
    let request = {
        let mut digest = Sha256::new();
        let facts = serde_json::to_string(&sender.upload).expect("facts are JSON");
        for part in [
            sender.surface.word(),
            sender.account.as_deref().unwrap_or_default(),
            &facts,
        ] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.update(&upload.bytes);
        hex::encode(digest.finalize())
    };
    let begun = casework::begin_repeat(&app.casework, &admitted.key, &repeat_key, &request);
    match begun.await? {
        Repeat::First(repeat) => {
            let answered = screen_and_record(&app, &admitted, &slot, sender, upload.bytes).await;
            let text = match &answered {
                Ok((answer, _)) => serde_json::to_string(answer).ok(),
                Err(_) => None,
            };
            // Without an answer the key is free again, so a failed request can be repeated.
            casework::end_repeat(&app.casework, &repeat, text.as_deref()).await?;
            let (answer, at) = answered?;
            Ok(timed(&admitted.key, Some(at), Json(answer)))
        }
        Repeat::Answered(text) => {
            // The stored text, not a new answer: the same id and findings, and nothing is recorded
            // twice.
            let json = HeaderValue::from_static("application/json");
            let again = (
                HeaderName::from_static("idempotent-replayed"),
                HeaderValue::from_static("true"),
            );
            let headers = [(axum::http::header::CONTENT_TYPE, json), again];
            Ok(timed(&admitted.key, None, (headers, text)))
        }
        Repeat::InProgress => Err(Fault::new(
            StatusCode::CONFLICT,
            "at-work",
            "the first request with this idempotency key is still being processed; try again shortly",
        )),
        Repeat::KeyReused => Err(Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key-used",
            "this idempotency key was used for another upload; each upload needs its own",
        )),
    }
}

/// The answer, which isn't delayed if its key sees what matched anyway.
fn timed(key: &ApiKey, screened: Option<ScreenedAt>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if key.has(Right::Findings) {
        response.extensions_mut().insert(AtOnce);
    }
    if let Some(screened) = screened {
        response.extensions_mut().insert(screened);
    }
    response
}

fn repeat_key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let key = intake::text_header(headers, "idempotency-key")?;
    if key
        .as_ref()
        .is_some_and(|key| key.len() > REPEAT_KEY_BYTES_MAX)
    {
        return Err(Fault::bad_request(format!(
            "an idempotency key has at most {REPEAT_KEY_BYTES_MAX} bytes"
        )));
    }
    Ok(key)
}

/// What a body holds.
struct Received {
    upload: Upload,
    /// The account a form names.
    account: Option<String>,
    /// What a form or JSON says of the upload.
    facts: Option<UploadFacts>,
}

/// Reads the upload from bytes, a form or an address, with what the body says about it.
async fn receive(
    app: &App,
    receiving: &Receiving,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, Fault> {
    let bytes_max = app.pool.limits().input_bytes_max;
    let plain = |bytes: Bytes| Upload {
        field: String::new(),
        name: None,
        bytes,
    };
    if intake::is_form(headers) {
        let mut form = intake::form(app, receiving, headers, body, bytes_max).await?;
        let account = form.texts.remove("account").filter(|a| !a.is_empty());
        if account
            .as_ref()
            .is_some_and(|a| a.len() > intake::HEADER_BYTES_MAX)
        {
            return Err(Fault::bad_request(format!(
                "the account is longer than {} bytes",
                intake::HEADER_BYTES_MAX
            )));
        }
        // One answer has one verdict. With two files, the platform couldn't know which file it is
        // about.
        let (Some(file), true) = (form.files.pop(), form.files.is_empty()) else {
            return Err(Fault::bad_request("send a form with exactly one file"));
        };
        if file.bytes.is_empty() {
            return Err(Fault::bad_request("the file in the form is empty"));
        }
        let facts = form.texts.remove("upload").filter(|t| !t.is_empty());
        return Ok(Received {
            upload: file,
            account,
            facts: facts.map(|json| intake::upload_facts(&json)).transpose()?,
        });
    }
    let media_type = intake::media_type(headers);
    // Only the beginning is compared, because a charset may follow.
    if media_type.starts_with("application/json") {
        let bytes = intake::take(app, receiving, body, ADDRESS_BYTES_MAX).await?;
        let address: Address = casework::read_json(&bytes, ADDRESS_BYTES_MAX as usize, "body")
            .map_err(|e| {
                Fault::bad_request(format!("{e}; JSON is read as {{\"url\": \"https://…\"}}, a JSON file is sent as application/octet-stream"))
            })?;
        // Before the file is fetched, so that invalid facts are refused immediately.
        let facts = address.upload.map(intake::checked).transpose()?;
        let fetched = intake::fetch(app, &address.url).await?;
        receiving.grow(app, fetched.bytes.len())?;
        return Ok(Received {
            upload: plain(fetched.bytes.into()),
            account: None,
            facts,
        });
    }
    Ok(Received {
        upload: plain(intake::take(app, receiving, body, bytes_max).await?),
        account: None,
        facts: None,
    })
}

async fn screen_and_record(
    app: &App,
    admitted: &Admitted,
    slot: &Slot,
    sender: Sender,
    bytes: Bytes,
) -> Result<(ScreenAnswer, ScreenedAt), Fault> {
    let options = admitted.options;
    let screened = intake::screened(app, &admitted.current, slot, options, bytes.clone()).await?;
    let mut at = ScreenedAt::now();
    let recorded =
        intake::record_timed(app, &admitted.key, sender, &screened, &bytes, &mut at).await?;
    Ok((answer(&admitted.key, screened, recorded), at))
}

/// The answer, reduced to what the key's rights allow.
pub(crate) fn answer(key: &ApiKey, screened: Screened, recorded: Recorded) -> ScreenAnswer {
    // Lists are never published: a key with `screen` alone must not learn what matched, or how
    // closely.
    let more = key.has(Right::Findings);
    ScreenAnswer {
        id: recorded.id,
        verdict: screened.verdict.word(),
        action: recorded.action.word(),
        case: recorded.case.filter(|_| more),
        findings: more.then(|| screened.matches.into_iter().map(Into::into).collect()),
        because: screened
            .unreadable
            .map(|(_, because)| because)
            .filter(|_| more),
    }
}

/// A request that may send its body.
struct Admitted {
    key: ApiKey,
    current: Current,
    surface: Surface,
    options: ScreenOptions,
    account: Option<String>,
    name: Option<String>,
    upload: Option<UploadFacts>,
    /// Held as long as the body is in memory.
    receiving: Receiving,
}

async fn admit(
    app: &App,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Admitted, Fault> {
    let (key, current) = access::authenticate_with_lists(app, headers, Right::Screen).await?;
    intake::check_encoding(headers)?;
    let Query(parameters) = parameters.map_err(|e| Fault::bad_request(e.body_text()))?;
    let surface = intake::surface(app, parameters.surface.as_deref(), &key).await?;
    let receiving = intake::receiving(app, &key).await?;
    Ok(Admitted {
        key,
        current,
        surface,
        options: ScreenOptions {
            dihedral: parameters.dihedral,
            fast: parameters.fast,
        },
        account: intake::text_header(headers, "obhut-account")?,
        name: intake::text_header(headers, "obhut-file-name")?,
        upload: intake::upload_header(headers)?,
        receiving,
    })
}
