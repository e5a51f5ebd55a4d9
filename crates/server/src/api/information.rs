//! `/v1/cases/{case}/information` and `/v1/information/{request}`: what a person asks the platform,
//! and the platform's answer.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use obhut_app::casework::{
    self, Act, AnsweredFile, AnsweredUpload, InformationAnswer, InformationRequest, Right, Surface,
    UploadFacts, Wanted, rfc3339,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::deadlines::time;
use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

/// Longest answer of a platform, its files in base64 included, in bytes. The same as for a case
/// file. Our judgement.
pub(crate) const ANSWER_BYTES_MAX: usize = super::intake::CASE_BYTES_MAX;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskBody {
    /// `ip-events`, `emails`, `names`, `links`, `files`.
    wanted: Vec<String>,
    /// When the answer is due, RFC 3339 with a zone.
    due_at: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AskedBody {
    /// Id of the request, and of its deadline.
    request: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct InformationBody {
    /// Id of the request, and of its deadline.
    request: String,
    #[schema(value_type = Vec<String>)]
    wanted: Vec<&'static str>,
    /// Id of the person who asked.
    asked_by: String,
    /// RFC 3339.
    due_at: String,
    /// RFC 3339; none while the request waits for its answer.
    ended_at: Option<String>,
    /// `answered`, or another reason for its end; none while the request waits.
    ended_because: Option<String>,
}

impl InformationBody {
    fn of(r: InformationRequest) -> Self {
        Self {
            request: r.id,
            wanted: r.wanted.iter().map(|w| w.word()).collect(),
            asked_by: r.asked_by,
            due_at: rfc3339(r.due_at),
            ended_at: r.ended_at.map(rfc3339),
            ended_because: r.ended_because,
        }
    }
}

/// Ask the platform for more about a case. The platform gets a signed event `information.requested`
/// with the request's id, the account, the uploads, what is wanted and when it is due.
#[utoipa::path(post, path = "/v1/cases/{case}/information", params(("case" = String, Path)), request_body = AskBody, responses((status = 200, body = AskedBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "No address of the platform is set, or the person was cleared"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn ask(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<AskBody>, Fault>,
) -> Result<Json<AskedBody>, Fault> {
    let person = access::acting(&app, &headers, Act::AskPlatform).await?;
    let Object(given) = given?;
    let wanted: Result<Vec<Wanted>, String> = given.wanted.iter().map(|w| w.parse()).collect();
    let wanted = wanted.map_err(Fault::bad_request)?;
    let due_at = time("due_at", &given.due_at)?;
    let request = casework::ask_platform(&app.casework, &case, &wanted, due_at, &person).await?;
    Ok(Json(AskedBody { request }))
}

/// What the platform was asked about a case, oldest first.
#[utoipa::path(get, path = "/v1/cases/{case}/information", params(("case" = String, Path)), responses((status = 200, body = [InformationBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn asked(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<InformationBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    // An unknown case is 404, not an empty list.
    casework::case(&app.casework, &case).await?;
    let all = casework::information_requests(&app.casework, &case).await?;
    Ok(Json(all.into_iter().map(InformationBody::of).collect()))
}

/// A platform's answer, whole or in part.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InformationAnswerBody {
    /// The account, if the request named none.
    account: Option<String>,
    /// Uses of the account, and what is known of its uploads.
    #[serde(default)]
    uploads: Vec<AnswerUploadBody>,
    /// Other files of the account.
    #[serde(default)]
    files: Vec<AnswerFileBody>,
    /// False if more follows in another answer; true by default.
    #[serde(default = "yes")]
    complete: bool,
}

fn yes() -> bool {
    true
}

/// One use of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerUploadBody {
    /// Id of the upload that the facts are about, if it is one of those that the request names.
    id: Option<String>,
    /// What is known, in the form of the header `Obhut-Upload`: `ip`, `port`, `at`, `session`,
    /// `screen_name`, `email`, `url`.
    #[schema(value_type = Object)]
    facts: UploadFacts,
}

/// Another file of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerFileBody {
    /// Its bytes in base64.
    content: String,
    /// Its name.
    name: Option<String>,
    /// Where it was meant to be seen: `public` (the default), `shared` or `private-message`.
    surface: Option<String>,
    /// What is known of its upload.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: UploadFacts,
}

/// Answer a request for information, as the platform. Facts are added to the case, never replaced;
/// sending the same answer again changes nothing. An approved report of the case has to be approved
/// again.
#[utoipa::path(post, path = "/v1/information/{request}", params(("request" = String, Path)), request_body = InformationAnswerBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It has ended"), (status = 413, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn answer(
    State(app): State<App>,
    Path(request): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Fault> {
    let key = access::require(&app, &headers, Right::Screen).await?;
    // The parser's errors name fields, never their content.
    let given: InformationAnswerBody = casework::read_json(&body, ANSWER_BYTES_MAX, "the answer")
        .map_err(|e| Fault::bad_request(e.to_string()))?;
    let answer = read(given)?;
    let digest = hex::encode(Sha256::digest(&body));
    casework::answer_information(&app.casework, &request, &answer, &digest, &key.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(given: InformationAnswerBody) -> Result<InformationAnswer, Fault> {
    let now = jiff::Timestamp::now().as_microsecond();
    let check = |list: &str, number: usize, facts: UploadFacts| match facts.fault(now) {
        None => Ok(facts),
        Some((field, what)) => Err(Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            format!("{list}[{number}].facts.{field} {what}"),
        )),
    };
    let mut answer = InformationAnswer {
        account: given.account,
        complete: given.complete,
        ..InformationAnswer::default()
    };
    for (number, upload) in given.uploads.into_iter().enumerate() {
        answer.uploads.push(AnsweredUpload {
            screening: upload.id,
            facts: check("uploads", number, upload.facts)?,
        });
    }
    for (number, file) in given.files.into_iter().enumerate() {
        let bytes = base64::engine::general_purpose::STANDARD.decode(file.content.trim());
        answer.files.push(AnsweredFile {
            bytes: bytes.map_err(|_| {
                Fault::bad_request(format!("files[{number}].content isn't valid base64"))
            })?,
            name: file.name,
            surface: file
                .surface
                .map(|word| word.parse::<Surface>().map_err(Fault::bad_request))
                .transpose()?,
            facts: check("files", number, file.facts)?,
        });
    }
    Ok(answer)
}
