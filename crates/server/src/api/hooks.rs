//! Upload hooks: endpoints for software that already sits between an uploader and a platform.
//!
//! A reverse proxy asks before it passes an upload on; an object store reports a created object. The
//! response that an uploader sees reveals neither verdict nor list.

use axum::Json;
use axum::body::{Body, HttpBody as _};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{Action, ApiKey, Right, Surface, UploadFacts};
use obhut_app::media::{self, Current, ScreenOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::screen::ScreenAnswer;
use crate::edge::ScreenedAt;
use crate::fault::{ErrorBody, Fault};
use crate::intake::{self, Receiving, Sender};
use crate::{App, access};

/// Most records in one event, whatever they report. Our judgement.
const RECORDS_MAX: usize = 100;
/// Longest event, in bytes. Our judgement.
const EVENT_BYTES_MAX: u64 = 1 << 20;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProxyParameters {
    /// `public`, `shared` or `private-message`; required unless the key has a surface.
    surface: Option<String>,
    /// Named location of nginx for uploads that pass; `@app` by default.
    pass: Option<String>,
    /// Named location for held uploads; without one they are refused like blocked ones.
    hold: Option<String>,
}

/// Screen an upload for nginx. The body is the uploader's request body, a form or a file. With the
/// header `Obhut-Pass`, the headers `Obhut-Pass`, `Obhut-Hold` and `Obhut-Surface` replace the
/// query, which the uploader controls if the proxy forwards it. An upload that passes gets
/// `X-Accel-Redirect` to `pass`. One that is held gets it to `hold` if that is set. Any other gets
/// 403. `Obhut-Account` and `Obhut-Upload` are those of `POST /v1/screen`. The proxy must set or
/// remove each of these headers, so that no uploader can set it.
#[utoipa::path(
    post, path = "/v1/hooks/nginx", params(ProxyParameters),
    request_body(content((Vec<u8> = "application/octet-stream"), (String = "multipart/form-data"))),
    responses(
        (status = 200, description = "Pass it on: `X-Accel-Redirect`"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, description = "Not accepted"),
        (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody)
    ),
    security(("key" = []))
)]
pub(crate) async fn nginx(
    State(app): State<App>,
    parameters: Result<Query<ProxyParameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    // If the body of a refused request were left unread, the connection would break, and the proxy
    // would answer 502.
    let admitting = admit(&app, parameters, &headers).await;
    let (admitted, body) = intake::admitted(admitting, body).await?;
    let (action, at) = screened(&app, &admitted, &headers, body).await?;
    let to = match action {
        Action::Pass => Some(admitted.pass),
        Action::Hold => admitted.hold,
        Action::Block => None,
    };
    Ok(timed(
        at,
        match to {
            Some(to) => {
                let header = HeaderName::from_static("x-accel-redirect");
                // nginx replaces the answer, so it has no body.
                ([(header, to)], "").into_response()
            }
            None => not_accepted(StatusCode::FORBIDDEN),
        },
    ))
}

/// The answer, with the time from which it depends on what was found.
fn timed(at: ScreenedAt, mut answer: Response) -> Response {
    answer.extensions_mut().insert(at);
    answer
}

/// Screen an upload for software that knows only yes and no: 200 if it passes, 451 if it must not be
/// published now, whether it is held or blocked. The body is a form or a file; the surface is the
/// query's or the key's. `Obhut-Account` and `Obhut-Upload` are those of `POST /v1/screen`.
#[utoipa::path(
    post, path = "/v1/hooks/accept", params(ProxyParameters),
    request_body(content((Vec<u8> = "application/octet-stream"), (String = "multipart/form-data"))),
    responses(
        (status = 200, description = "It may be published"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "A key without the right, or private messages without a legal basis"),
        (status = 429, body = ErrorBody),
        (status = 451, description = "Not accepted"),
        (status = 503, body = ErrorBody)
    ),
    security(("key" = []))
)]
pub(crate) async fn accept(
    State(app): State<App>,
    parameters: Result<Query<ProxyParameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let admitting = admit(&app, parameters, &headers).await;
    let (admitted, body) = intake::admitted(admitting, body).await?;
    let (action, at) = screened(&app, &admitted, &headers, body).await?;
    Ok(timed(
        at,
        match action {
            Action::Pass => Json(json!({})).into_response(),
            Action::Hold | Action::Block => not_accepted(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS),
        },
    ))
}

fn not_accepted(status: StatusCode) -> Response {
    // The uploader may read this: nothing about verdict, list or reason.
    let body = Json(json!({ "message": "this upload can't be accepted" }));
    (status, body).into_response()
}

/// What to do with everything in a body together.
async fn screened(
    app: &App,
    admitted: &Admitted,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Action, ScreenedAt), Fault> {
    let bytes_max = app.pool.limits().input_bytes_max;
    let receiving = &admitted.receiving;
    let files = if intake::is_form(headers) {
        intake::form(app, receiving, headers, body, bytes_max)
            .await?
            .files
    } else if body.is_end_stream() {
        // A request without a body, such as logging out: nothing is uploaded.
        return Ok((Action::Pass, ScreenedAt::now()));
    } else {
        let bytes = intake::take(app, receiving, body, bytes_max).await?;
        intake::check_plain(&bytes)?;
        let (field, name) = (String::new(), None);
        vec![intake::Upload { field, name, bytes }]
    };
    // One place for all files of a form, one after another.
    let asker = intake::asker(&admitted.key, admitted.account.as_deref(), &admitted.upload);
    let is_dear = media::is_dear(files.iter().map(|file| &file.bytes[..]));
    let slot = intake::acquire_slot(app, asker, is_dear).await?;
    // All are screened before the first is recorded: from then on time depends on what was found.
    let mut seen = Vec::with_capacity(files.len());
    for file in files {
        let (options, bytes) = (ScreenOptions::default(), file.bytes.clone());
        let screened = intake::screened(app, &admitted.current, &slot, options, bytes).await?;
        seen.push((file, screened));
    }
    // Others may have the place: recording decodes nothing.
    drop(slot);
    let mut at = ScreenedAt::now();
    // One file that must not be published holds back the whole form.
    let mut strictest = Action::Pass;
    for (file, screened) in seen {
        let sender = Sender {
            account: admitted.account.clone(),
            name: file.name,
            surface: admitted.surface,
            upload: admitted.upload.clone(),
        };
        // Recorded before the answer, so that every upload that is held or blocked has its finding.
        let (key, bytes) = (&admitted.key, &file.bytes);
        let recorded = intake::record_timed(app, key, sender, &screened, bytes, &mut at).await?;
        // The order of Action's variants: pass, hold, block.
        strictest = strictest.max(recorded.action);
    }
    Ok((strictest, at))
}

/// A proxy's request whose body may be read.
struct Admitted {
    key: ApiKey,
    current: Current,
    surface: Surface,
    pass: HeaderValue,
    hold: Option<HeaderValue>,
    account: Option<String>,
    upload: UploadFacts,
    /// Held as long as the body is in memory.
    receiving: Receiving,
}

async fn admit(
    app: &App,
    parameters: Result<Query<ProxyParameters>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Admitted, Fault> {
    let (key, current) = access::authenticate_with_lists(app, headers, Right::Screen).await?;
    // If nginx forwards the query, the uploader wrote it. With Obhut-Pass, only headers count.
    let pass = intake::text_header(headers, "obhut-pass")?;
    let hold = intake::text_header(headers, "obhut-hold")?;
    let parameters = match pass {
        Some(pass) => ProxyParameters {
            surface: intake::text_header(headers, "obhut-surface")?,
            pass: Some(pass),
            hold,
        },
        None => parameters.map_err(|e| Fault::bad_request(e.body_text()))?.0,
    };
    let surface = intake::surface(app, parameters.surface.as_deref(), &key).await?;
    let pass = location(parameters.pass.as_deref().unwrap_or("@app"))?;
    let hold = parameters.hold.as_deref().map(location).transpose()?;
    intake::check_encoding(headers)?;
    let account = intake::text_header(headers, "obhut-account")?;
    // Only the header is read, never the form, because the uploader controls the form.
    let upload = intake::upload_header(headers)?.unwrap_or_default();
    let receiving = intake::receiving(app, &key).await?;
    Ok(Admitted {
        key,
        current,
        surface,
        pass,
        hold,
        account,
        upload,
        receiving,
    })
}

/// Accepts only a named location of nginx, so that a request can't slip in a path.
fn location(name: &str) -> Result<HeaderValue, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_named = name
        .strip_prefix('@')
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain));
    HeaderValue::from_str(name)
        .ok()
        .filter(|_| is_named)
        .ok_or_else(|| Fault::bad_request("pass and hold are named locations of nginx, as @app"))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParameters {
    /// `public`, `shared` or `private-message`; required unless the key has a surface.
    surface: Option<String>,
}

/// The result for one object of an event.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObjectAnswer {
    bucket: String,
    key: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Screened(Box<ScreenAnswer>),
    Failed(ErrorBody),
}

/// Screen the objects an S3 event names (`ObjectCreated`), fetched from the store that
/// `obhut serve --s3` names. Other events are answered with an empty list.
#[utoipa::path(
    post, path = "/v1/hooks/s3", params(EventParameters),
    request_body(content = String, content_type = "application/json", description = "An S3 event notification"),
    responses(
        (status = 200, body = Vec<ObjectAnswer>, description = "One for each object; an `error` if it could not be fetched or screened"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 429, body = ErrorBody)
    ),
    security(("key" = []))
)]
pub(crate) async fn s3(
    State(app): State<App>,
    parameters: Result<Query<EventParameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Vec<ObjectAnswer>>, Fault> {
    let (key, current) = access::authenticate_with_lists(&app, &headers, Right::Screen).await?;
    let Query(parameters) = parameters.map_err(|e| Fault::bad_request(e.body_text()))?;
    let surface = intake::surface(&app, parameters.surface.as_deref(), &key).await?;
    let store = app.outside.s3.clone().ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "not-allowed",
            "this server has no object store",
        )
    })?;
    let receiving = intake::receiving(&app, &key).await?;
    let bytes = intake::take(&app, &receiving, body, EVENT_BYTES_MAX).await?;
    let objects = objects(&bytes)?;
    // One slot for the whole event: its objects are fetched and screened one after another, so it
    // is dear whatever they are.
    let slot = intake::acquire_slot(
        &app,
        intake::asker(&key, None, &UploadFacts::default()),
        true,
    )
    .await?;
    let mut answers = Vec::new();
    for (bucket, name) in objects {
        let (store, at) = (store.clone(), (bucket.clone(), name.clone()));
        let bytes_max = app.pool.limits().input_bytes_max;
        let fetching = tokio::task::spawn_blocking(move || store.object(&at.0, &at.1, bytes_max));
        let fetched = match fetching.await {
            // An error for this object only: the others are screened all the same.
            Ok(fetched) => fetched.map_err(|e| intake::fetch_fault(&e)),
            Err(_) => Err(Fault::bad_request("fetching failed; send the event again")),
        };
        let known = match fetched {
            Ok(fetched) => known(&app, &fetched.meta).map(|known| (fetched, known)),
            Err(fault) => Err(fault),
        };
        let outcome = match known {
            Err(fault) => Outcome::Failed(fault.into_body()),
            Ok((fetched, (account, upload))) => {
                let bytes = axum::body::Bytes::from(fetched.bytes);
                let options = ScreenOptions::default();
                let screened = intake::screened(&app, &current, &slot, options, bytes.clone());
                let screened = match screened.await {
                    Ok(screened) => screened,
                    // The others continue. The answer is still 200, so the caller has to look for
                    // an `error` and send that object's event again.
                    Err(fault) => {
                        answers.push(ObjectAnswer {
                            bucket,
                            key: name,
                            outcome: Outcome::Failed(fault.into_body()),
                        });
                        continue;
                    }
                };
                let sender = Sender {
                    account,
                    name: Some(format!("{bucket}/{name}")),
                    surface,
                    upload,
                };
                let recorded = intake::record(&app, &key, sender, &screened, &bytes).await?;
                Outcome::Screened(Box::new(super::screen::answer(&key, screened, recorded)))
            }
        };
        answers.push(ObjectAnswer {
            bucket,
            key: name,
            outcome,
        });
    }
    Ok(Json(answers))
}

/// The account and what else the platform knows, from an object's metadata, in the form of the
/// headers of `POST /v1/screen`; nothing unless the operator has allowed metadata as a source.
fn known(app: &App, meta: &[(String, String)]) -> Result<(Option<String>, UploadFacts), Fault> {
    if app
        .outside
        .s3
        .as_ref()
        .is_none_or(|store| !store.has_facts())
    {
        return Ok(Default::default());
    }
    let mut headers = HeaderMap::new();
    for (name, value) in meta {
        if let ("obhut-account" | "obhut-upload", Ok(value)) =
            (name.as_str(), HeaderValue::from_str(value))
        {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("one of two");
            headers.append(name, value);
        }
    }
    let account = intake::text_header(&headers, "obhut-account")?;
    let upload = intake::upload_header(&headers)?.unwrap_or_default();
    Ok((account, upload))
}

/// Bucket and key of each object that was created. Keys are percent-encoded in events, with `+`
/// for a space.
fn objects(event: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    let event: Value = serde_json::from_slice(event)
        .map_err(|_| Fault::bad_request("the body isn't an S3 event: not valid JSON"))?;
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        // What S3 sends once when a notification is set up.
        if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return Ok(Vec::new());
        }
        return Err(Fault::bad_request(
            "the body isn't an S3 event: it has no Records",
        ));
    };
    if records.len() > RECORDS_MAX {
        return Err(Fault::bad_request(format!(
            "an event has at most {RECORDS_MAX} records"
        )));
    }
    records
        .iter()
        .filter(|record| {
            let name = record
                .get("eventName")
                .and_then(Value::as_str)
                .unwrap_or_default();
            // MinIO writes s3:ObjectCreated:Put, Amazon S3 ObjectCreated:Put.
            name.trim_start_matches("s3:").starts_with("ObjectCreated:")
        })
        .map(|record| {
            let text = |path| record.pointer(path).and_then(Value::as_str);
            let (bucket, key) = text("/s3/bucket/name")
                .zip(text("/s3/object/key"))
                .ok_or_else(|| {
                    Fault::bad_request("a record of the event names no bucket or no object")
                })?;
            // Events leave & in keys as it is; a form's decoder would end the key there.
            let key =
                url::form_urlencoded::parse(format!("k={}", key.replace('&', "%26")).as_bytes())
                    .next()
                    .map(|(_, key)| key.into_owned());
            Ok((bucket.to_owned(), key.unwrap_or_default()))
        })
        .collect()
}

pub(crate) fn probe(bytes: &[u8]) {
    let _ = objects(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_objects_and_nonsense_is_refused() {
        let event = |name: &str, key: &str| {
            json!({ "Records": [{ "eventName": name,
                "s3": { "bucket": { "name": "b" }, "object": { "key": key } } }] })
            .to_string()
        };
        let found = objects(event("ObjectCreated:Put", "a+b/J%C3%BC%2Bx&y.jpg").as_bytes());
        assert_eq!(
            found.ok().unwrap(),
            [("b".to_owned(), "a b/Jü+x&y.jpg".to_owned())]
        );
        assert!(objects(event("ObjectRemoved:Delete", "a").as_bytes()).is_ok_and(|o| o.is_empty()));
        assert!(objects(br#"{"Event":"s3:TestEvent"}"#).is_ok_and(|o| o.is_empty()));
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"Records":[{"eventName":"ObjectCreated:Put"}]}"#,
        ] {
            assert!(objects(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_named_locations_are_redirected_to() {
        for (name, is_fine) in [
            ("@app", true),
            ("/admin", false),
            ("@", false),
            ("@a/../b", false),
            ("@a\r\nb", false),
        ] {
            assert_eq!(location(name).is_ok(), is_fine, "{name:?}");
        }
    }
}
