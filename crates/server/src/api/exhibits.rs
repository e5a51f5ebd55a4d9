//! `/v1/cases/{case}/exhibits` and `/v1/exhibits`: the evidence of a case, and who has looked at
//! it.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use obhut_app::casework::{self, Act, Extent, Right, rfc3339};
use obhut_app::media;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::uncached;
use crate::fault::{ErrorBody, Fault};
use crate::intake::Receiving;
use crate::object::Object;
use crate::{App, access, intake};

#[derive(Serialize, ToSchema)]
pub(crate) struct ExhibitBody {
    exhibit: String,
    bytes: u64,
    /// The media type, for example `image/jpeg`, if it is known.
    media_type: Option<String>,
    sealed_at: String,
    views: Vec<ViewBody>,
    /// What people decided about the same bytes in other cases, the newest twenty, newest first.
    decided_elsewhere: Vec<EarlierBody>,
}

/// A decision about the same bytes.
#[derive(Serialize, ToSchema)]
pub(crate) struct EarlierBody {
    case: String,
    /// `report` or `no-report`.
    #[schema(value_type = String)]
    ruling: &'static str,
    decided_at: String,
}

/// One look at an exhibit.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViewBody {
    /// Id of the person.
    person: String,
    /// `whole`, `part`, `metadata`, `blurred`, or `failed` where it could not be read or shown.
    #[schema(value_type = String)]
    extent: &'static str,
    purpose: String,
    viewed_at: String,
}

/// The exhibits of a case, and who has looked at each.
#[utoipa::path(get, path = "/v1/cases/{case}/exhibits", params(("case" = String, Path)), responses((status = 200, body = [ExhibitBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn exhibits(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<ExhibitBody>>, Fault> {
    let key = access::require(&app, &headers, Right::Cases).await?;
    let all = casework::exhibits_of_case(&app.casework, &case).await?;
    casework::note(&app.casework, &key.id, "case.exhibits", &case, "").await?;
    let mut answer = Vec::with_capacity(all.len());
    for exhibit in all {
        let views = casework::views(&app.casework, &exhibit.id).await?;
        let elsewhere = casework::earlier_decisions(&app.casework, &case, &exhibit.id).await?;
        answer.push(ExhibitBody {
            decided_elsewhere: elsewhere
                .into_iter()
                .map(|e| EarlierBody {
                    case: e.case,
                    ruling: e.ruling.word(),
                    decided_at: rfc3339(e.decided_at),
                })
                .collect(),
            views: views
                .into_iter()
                .map(|v| ViewBody {
                    person: v.person,
                    extent: v.extent.word(),
                    purpose: v.purpose,
                    viewed_at: rfc3339(v.viewed_at),
                })
                .collect(),
            bytes: exhibit.bytes,
            media_type: exhibit.intake.media_type,
            sealed_at: rfc3339(exhibit.time),
            exhibit: exhibit.id,
        });
    }
    Ok(Json(answer))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewRequest {
    /// Why it is needed; never empty.
    purpose: String,
    /// How much of it the person looks at: `whole`, `part` or `metadata`; `unseen` if the bytes are
    /// only handed on; `blurred` for a small, grey, blurred rendition instead of the bytes. A
    /// report says that the file was viewed only after `whole`, and its metadata only after
    /// `metadata`.
    extent: String,
}

/// The bytes of an exhibit, for the key's person, or a PNG of at most 256 pixels a side if `extent`
/// is `blurred`. The view is on record before the first byte leaves.
#[utoipa::path(post, path = "/v1/exhibits/{exhibit}/views", params(("exhibit" = String, Path)), request_body = ViewRequest, responses((status = 200, content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/png")), description = "The bytes; a PNG for `blurred`"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reviewer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "The exhibit was erased"), (status = 422, body = ErrorBody, description = "A value isn't valid, or no rendition can be made of the file"), (status = 429, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn view(
    State(app): State<App>,
    Path(exhibit): Path<String>,
    headers: HeaderMap,
    given: Result<Object<ViewRequest>, Fault>,
) -> Result<Response, Fault> {
    let (person, key) = access::acting_with(&app, &headers, Act::ViewExhibit).await?;
    let Object(given) = given?;
    let extent = Extent::from_word(&given.extent)
        .ok_or_else(|| Fault::bad_request("extent is whole, part, metadata, blurred or unseen"))?;
    // The whole exhibit is held in memory like an upload, so the request takes one of the slots for
    // receiving uploads.
    let _place = intake::receiving(&app, &key).await?;
    if extent == Extent::Blurred {
        let asker = intake::asker_of(&person);
        let render =
            async |bytes: Vec<u8>| intake::rendered(&app, asker, bytes, media::blurred).await;
        let png = casework::view_blurred(&app.casework, &exhibit, &person, &given.purpose, render)
            .await?;
        return Ok(uncached(([(header::CONTENT_TYPE, "image/png")], png)));
    }
    let bytes = casework::view(&app.casework, &exhibit, &person, &given.purpose, extent).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        // A browser that follows a link here saves the file and doesn't display it.
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok(uncached((headers, bytes)))
}

/// An exhibit that was added.
#[derive(Serialize, ToSchema)]
pub(crate) struct AddedBody {
    exhibit: String,
    /// Index of its entry in the vault's log.
    log_index: u64,
    bytes: u64,
}

/// Add an exhibit to a case, for example legal process. The body is the file's bytes, at most
/// 256 MiB; the header `Obhut-File-Name` is its name (percent-encoded UTF-8). The file is sealed
/// before the response is sent. No report contains it: reports contain only files that were
/// screened, came with a case file, or were sent by the platform as an answer, and incoming reports
/// if the approval includes them.
#[utoipa::path(post, path = "/v1/cases/{case}/exhibits", params(("case" = String, Path)), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = AddedBody), (status = 400, body = ErrorBody, description = "No bytes"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reviewer"), (status = 404, body = ErrorBody), (status = 408, body = ErrorBody, description = "The body took longer than 120 s"), (status = 409, body = ErrorBody, description = "The case was cleared on appeal"), (status = 413, body = ErrorBody, description = "Longer than 256 MiB"), (status = 415, body = ErrorBody, description = "The body is compressed (`Content-Encoding`), or is a form"), (status = 429, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn add(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<AddedBody>, Fault> {
    let admitting = admit(&app, &case, &headers).await;
    let ((person, name, receiving), body) = intake::admitted(admitting, body).await?;
    let bytes_max = app.pool.limits().input_bytes_max;
    let bytes = intake::take(&app, &receiving, body, bytes_max).await?;
    let exhibit = casework::put_exhibit(
        &app.casework,
        &bytes,
        Some(&case),
        None,
        name.as_deref(),
        None,
        &person,
    )
    .await?;
    Ok(Json(AddedBody {
        exhibit: exhibit.id,
        log_index: exhibit.log_index,
        bytes: exhibit.bytes,
    }))
}

/// Checks the person, the case and the headers before the body is read.
async fn admit(
    app: &App,
    case: &str,
    headers: &HeaderMap,
) -> Result<(casework::Person, Option<String>, Receiving), Fault> {
    let (person, key) = access::acting_with(app, headers, Act::ViewExhibit).await?;
    intake::check_encoding(headers)?;
    // A form would be sealed with its boundaries, and the exhibit would differ from the file.
    if intake::is_form(headers) {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "no-form",
            "send the file's bytes themselves as the body",
        ));
    }
    casework::case(&app.casework, case).await?;
    let name = intake::text_header(headers, "obhut-file-name")?;
    Ok((person, name, intake::receiving(app, &key).await?))
}
