//! `/v1/appeals`: appeals against decisions, with or without a login, and their outcomes. Also
//! notices to the person concerned, and the proof of what was erased.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use obhut_app::casework::{self, Act, Appeal, AppealOutcome, Language, Measure, Right, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

#[derive(Serialize, ToSchema)]
pub(crate) struct AppealBody {
    id: String,
    case: String,
    filed_at: String,
    /// `upheld` or `rejected`; none while it is open.
    #[schema(value_type = Option<String>)]
    outcome: Option<&'static str>,
    /// Who decided it.
    by: Option<String>,
    grounds: Option<String>,
}

impl AppealBody {
    fn of(a: Appeal) -> Self {
        Self {
            id: a.id,
            case: a.case,
            filed_at: rfc3339(a.filed_at),
            outcome: a.outcome.map(|o| o.word()),
            by: a.name,
            grounds: a.grounds,
        }
    }
}

/// An appeal, and what the person concerned wrote.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealTextBody {
    #[serde(flatten)]
    appeal: AppealBody,
    /// Why they appeal, in their words.
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenBody {
    /// Why.
    reason: String,
    /// True to admit another appeal after a rejected one, because of the new facts that `reason`
    /// names. A person who decided, determined or approved anything about the case, or decided an
    /// earlier appeal in it, can't admit another.
    #[serde(default)]
    admit: bool,
}

/// Open appeals, oldest first.
#[utoipa::path(get, path = "/v1/appeals", responses((status = 200, body = [AppealBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<Vec<AppealBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    let open = casework::open_appeals(&app.casework).await?;
    Ok(Json(open.into_iter().map(AppealBody::of).collect()))
}

/// An appeal with what the person concerned wrote; the reading is on record.
#[utoipa::path(get, path = "/v1/appeals/{appeal}", params(("appeal" = String, Path)), responses((status = 200, body = AppealTextBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person who may decide appeals"), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(appeal): Path<String>,
    headers: HeaderMap,
) -> Result<Json<AppealTextBody>, Fault> {
    let person = access::acting(&app, &headers, Act::DecideAppeal).await?;
    let (appeal, reason) = casework::read_appeal(&app.casework, &appeal, &person).await?;
    Ok(Json(AppealTextBody {
        appeal: AppealBody::of(appeal),
        reason: reason.expose().clone(),
    }))
}

/// File an appeal against what was decided about a case.
#[utoipa::path(post, path = "/v1/cases/{case}/appeals", params(("case" = String, Path)), request_body = OpenBody, responses((status = 200, body = AppealBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn open(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<OpenBody>, Fault>,
) -> Result<Json<AppealBody>, Fault> {
    let person = access::acting(&app, &headers, Act::AdmitAppeal).await?;
    let Object(given) = given?;
    let appeal = if given.admit {
        casework::admit_appeal(&app.casework, &case, &given.reason, &person).await?
    } else {
        // Filing is open to fewer roles than admitting, so it has a check of its own.
        let person = access::acting(&app, &headers, Act::FileAppeal).await?;
        casework::file_appeal(&app.casework, &case, &given.reason, &person.id).await?
    };
    Ok(Json(AppealBody::of(appeal)))
}

/// What was or will be erased because an appeal was upheld, what is kept and why, and the size,
/// root and key of the vault's log, which proves the erasures.
#[utoipa::path(get, path = "/v1/cases/{case}/proof", params(("case" = String, Path)), responses((status = 200, body = Object, description = "`case`, `erased`, `kept`, `complete`, `log_size`, `log_root`, `log_key`"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "Nothing of the case was erased")), security(("key" = [])))]
pub(crate) async fn proof(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<serde_json::Value>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    let proof = casework::erasure_proof(&app.casework, &case).await?;
    Ok(Json(serde_json::to_value(proof).expect("a proof is JSON")))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideAppealBody {
    /// `upheld` or `rejected`.
    outcome: String,
    /// Why.
    grounds: String,
}

/// Decide an appeal. A person who decided or determined anything about the case, approved a report
/// of it, or admitted or decided an earlier appeal can't decide it.
#[utoipa::path(post, path = "/v1/appeals/{appeal}/decision", params(("appeal" = String, Path)), request_body = DecideAppealBody, responses((status = 200, body = AppealBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn decide(
    State(app): State<App>,
    Path(appeal): Path<String>,
    headers: HeaderMap,
    given: Result<Object<DecideAppealBody>, Fault>,
) -> Result<Json<AppealBody>, Fault> {
    let person = access::acting(&app, &headers, Act::DecideAppeal).await?;
    let Object(given) = given?;
    let outcome = given
        .outcome
        .parse::<AppealOutcome>()
        .map_err(Fault::bad_request)?;
    // The path names only the appeal, and the rules depend on its case.
    let case = casework::case_of_appeal(&app.casework, &appeal).await?;
    let decided = casework::decide_appeal(
        &app.casework,
        &case,
        &appeal,
        &person,
        outcome,
        &given.grounds,
    )
    .await?;
    Ok(Json(AppealBody::of(decided)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeBody {
    /// The code of the notice.
    code: String,
    /// Why.
    message: String,
}

/// File an appeal with the code of a notice: no key, no account.
#[utoipa::path(post, path = "/v1/appeals", request_body = CodeBody, responses((status = 202, description = "The appeal was filed"), (status = 400, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "The code is not known, or an appeal is open or was decided already")))]
pub(crate) async fn by_code(
    State(app): State<App>,
    given: Result<Object<CodeBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let Object(given) = given?;
    crate::pages::appeal_by_code(&app, &given.code, &given.message).await?;
    // 202 without a body: neither an id nor a case, so a code can't be used to look anything up.
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeRequest {
    /// `content-removed`, `account-suspended`, `account-closed`, `restored` or `appeal-rejected`.
    measure: String,
    /// `de` or `en`.
    language: String,
    /// Where to appeal: an e-mail address or a web page. At most 500 characters.
    #[serde(default)]
    contact: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct NoticeBody {
    id: String,
    /// The code to appeal with; shown once.
    code: String,
    text: String,
}

/// Make a notice for the person a case concerns.
#[utoipa::path(post, path = "/v1/cases/{case}/notices", params(("case" = String, Path)), request_body = NoticeRequest, responses((status = 200, body = NoticeBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "Under embargo, not decided yet, or the notice would be untrue of the case")), security(("key" = [])))]
pub(crate) async fn notice(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<NoticeRequest>, Fault>,
) -> Result<Json<NoticeBody>, Fault> {
    let person = access::acting(&app, &headers, Act::MakeNotice).await?;
    let Object(given) = given?;
    let measure = given
        .measure
        .parse::<Measure>()
        .map_err(Fault::bad_request)?;
    let language = given
        .language
        .parse::<Language>()
        .map_err(Fault::bad_request)?;
    let notice = casework::make_notice(
        &app.casework,
        &case,
        measure,
        language,
        &given.contact,
        &person,
    )
    .await?;
    Ok(Json(NoticeBody {
        id: notice.id,
        code: notice.code,
        text: notice.text,
    }))
}
