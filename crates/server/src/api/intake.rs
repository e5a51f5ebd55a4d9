//! `/v1/intake` and `POST /v1/cases`: takes in reports from others, and whole cases.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use obhut_app::casework::{self, Act, CASE_FILE_BYTES_MAX, CaseFile, Right};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::record::FaultBody;
use crate::fault::{ErrorBody, Fault};
use crate::{App, access, asked};

/// Longest body with incoming reports, in bytes. Our judgement.
pub(crate) const INTAKE_BYTES_MAX: usize = 64 << 20;
/// Reports in one body. Our judgement: each takes about 8 kB of memory and some milliseconds, so the
/// answer comes within a minute. `obhut intake FILE` has no such limit.
const REPORTS_MAX: usize = 2_000;
/// Longest body with a case, its files in base64 included, in bytes. The same as for a case file.
/// Our judgement.
pub(crate) const CASE_BYTES_MAX: usize = CASE_FILE_BYTES_MAX;
/// Rows of the queue in one answer. Our judgement.
const ROWS_MAX: i64 = 1_000;

#[derive(Serialize, ToSchema)]
pub(crate) struct NewCaseBody {
    case: String,
    /// Id of each file's exhibit, in the order of the files; none for a file without `content`.
    exhibits: Vec<Option<String>>,
    /// Facts that can't be right, by field. They are recorded all the same.
    faults: Vec<FaultBody>,
}

/// Open a case from a case file (`GET /v1/schemas/case`); files' bytes in base64 as `content`.
#[utoipa::path(post, path = "/v1/cases", request_body = Object, responses((status = 200, body = NewCaseBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn new_case(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<NewCaseBody>, Fault> {
    let key = access::require(&app, &headers, Right::Intake).await?;
    // The parser's errors name fields, never their content.
    let file = CaseFile::from_json(&body).map_err(|e| Fault::bad_request(e.to_string()))?;
    let mut contents = Vec::new();
    for (number, item) in file.files.iter().enumerate() {
        // A path would name a file of this server.
        if item.path.is_some() {
            return Err(Fault::bad_request(format!(
                "files[{number}].path: a request has no folder; put the bytes into `content`, in base64"
            )));
        }
        contents.push(match &item.content {
            None => None,
            Some(text) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim());
                Some(bytes.map_err(|_| {
                    Fault::bad_request(format!("files[{number}].content isn't valid base64"))
                })?)
            }
        });
    }
    let made = casework::new_case(&app.casework, &file, contents, &key.id).await?;
    let facts = casework::facts(&app.casework, &made.case).await?;
    Ok(Json(NewCaseBody {
        case: made.case,
        exhibits: made.exhibits,
        faults: FaultBody::all(&app.casework, &facts),
    }))
}

/// The JSON schema of a case file.
#[utoipa::path(get, path = "/v1/schemas/case", responses((status = 200, body = Object, content_type = "application/schema+json")))]
pub(crate) async fn case_schema() -> Response {
    (
        [(header::CONTENT_TYPE, "application/schema+json")],
        CaseFile::schema(),
    )
        .into_response()
}

/// Fields of a report that its sender may see. `case` is set only for a report that can't be read.
const RECEIPT: &[&str] = &["id", "format", "understood", "unreadable", "case"];

/// Counts of an intake.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntakeBody {
    /// Each report: id, format, understood and, if it can't be read, unreadable and case; for keys
    /// with the right `cases` also duplicate_of, group, at_risk, reasons …
    #[schema(value_type = Vec<Object>)]
    reports: serde_json::Value,
    taken: u64,
    unreadable: u64,
    /// This and the next two are only for keys with the right `cases`: links between reports reveal
    /// who is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicates: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reuploads: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linked: Option<u64>,
}

/// Take in reports from others, one or several in a body, for example one JSON object per line. The
/// format is read from the content: CyberTipline XML, XARF, VICS, e-mail, a form's JSON, a note and
/// others.
#[utoipa::path(post, path = "/v1/intake", request_body = String, responses((status = 200, body = IntakeBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 413, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn intake(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<IntakeBody>, Fault> {
    let key = access::require(&app, &headers, Right::Intake).await?;
    // It would be an unreadable report, and a case, each time a client forgets the body.
    if obhut_app::formats::incoming::says_nothing(&body) {
        return Err(Fault::bad_request("the body holds no report: send one"));
    }
    // Up to 64 MiB are parsed: too long for a thread that serves requests.
    let given = tokio::task::spawn_blocking(move || {
        let parts = obhut_app::formats::incoming::split(&body);
        if parts.len() > REPORTS_MAX {
            return Err(Fault::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-many",
                format!(
                    "{} reports; send at most {REPORTS_MAX} in one request",
                    parts.len()
                ),
            ));
        }
        Ok(parts
            .iter()
            .map(|b| obhut_app::formats::incoming::read(b))
            .collect::<Vec<_>>())
    })
    .await
    .map_err(|_| {
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "this is our fault, not yours; send it again",
        )
    })??;
    let mut intake = obhut_app::intake::begin_intake(&app.casework).await?;
    let came = intake.take(given, &key.id).await?;
    let s = &intake.summary;
    let trusted = key.has(Right::Cases);
    let mut reports = serde_json::to_value(came).expect("reports are JSON");
    if !trusted {
        // Otherwise a report that names only an account would reveal whether the account is known.
        for report in reports.as_array_mut().into_iter().flatten() {
            if let Some(fields) = report.as_object_mut() {
                fields.retain(|name, _| RECEIPT.contains(&name.as_str()));
            }
        }
    }
    Ok(Json(IntakeBody {
        taken: s.taken,
        unreadable: s.unreadable,
        duplicates: trusted.then_some(s.duplicates),
        reuploads: trusted.then_some(s.reuploads),
        linked: trusted.then_some(s.linked),
        reports,
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueParameters {
    /// Place in the queue to begin at; the first is 0.
    #[serde(default)]
    from: i64,
    /// How many; 100 by default, 1,000 at most.
    rows: Option<i64>,
}

/// The queue of incoming reports, the highest at-risk score first. Each has at most five reasons
/// for its score.
#[utoipa::path(get, path = "/v1/intake", params(QueueParameters), responses((status = 200, body = [Object]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn queue(
    State(app): State<App>,
    parameters: Result<Query<QueueParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<serde_json::Value>, Fault> {
    let key = access::require(&app, &headers, Right::Cases).await?;
    asked::note(&app, &key, asked::LIST_INCOMING, 1).await?;
    let Query(parameters) = parameters.map_err(|e| Fault::bad_request(e.body_text()))?;
    // Clamped, not refused: fewer rows than asked for harm no one.
    let rows = parameters.rows.unwrap_or(100).clamp(1, ROWS_MAX);
    let queue =
        obhut_app::intake::incoming_queue(&app.casework, parameters.from.max(0), rows).await?;
    Ok(Json(serde_json::to_value(queue).expect("a queue is JSON")))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedBody {
    case: String,
}

/// Open a case from an incoming report. If it has a case already, that case is returned.
#[utoipa::path(post, path = "/v1/intake/{incoming}/case", params(("incoming" = String, Path)), responses((status = 200, body = OpenedBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reviewer or reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It became a case at the same time; ask again")), security(("key" = [])))]
pub(crate) async fn open(
    State(app): State<App>,
    Path(incoming): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OpenedBody>, Fault> {
    let person = access::acting(&app, &headers, Act::OpenIncoming).await?;
    let case = obhut_app::intake::case_of_incoming(&app.casework, &incoming, &person.id).await?;
    Ok(Json(OpenedBody { case }))
}
