//! `/v1/cases`: cases and their decisions.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use obhut_app::casework::{
    self, Act, Case, CaseDetail, CasePlace, CaseStatus, Category, Decision, DecisionRequest, Right,
    Ruling, rfc3339,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access, asked};

#[derive(Serialize, ToSchema)]
pub(crate) struct CaseBody {
    id: String,
    /// `open`, `decided`, `reported`, `closed`, `appealed` or `cleared`.
    #[schema(value_type = String)]
    status: &'static str,
    /// RFC 3339, UTC.
    opened_at: String,
    /// Files with findings.
    files: i64,
}

impl CaseBody {
    fn of(case: &Case) -> Self {
        Self {
            id: case.id.clone(),
            status: case.status.word(),
            opened_at: rfc3339(case.opened_at),
            files: case.files,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CaseDetailBody {
    #[serde(flatten)]
    case: CaseBody,
    /// What was found in or about files, without alerts and movements; lists, entries and distances
    /// only for keys with the right `findings`.
    findings: Vec<FindingBody>,
    decisions: Vec<DecisionBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FindingBody {
    screening: String,
    /// `match`; why the file could not be read; `given` for a file submitted with a case file;
    /// `as-received` or `report-unreadable` for an incoming report itself.
    what: String,
    #[schema(value_type = String)]
    surface: &'static str,
    found_at: String,
    exhibit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    id: String,
    /// Who decided.
    by: String,
    /// `report` or `no-report`.
    #[schema(value_type = String)]
    ruling: &'static str,
    grounds: String,
    category: Option<CategoryBody>,
    /// Categories of single exhibits.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    file_categories: std::collections::BTreeMap<String, CategoryBody>,
    decided_at: String,
    /// Only in the answer to a decision with `same_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_bytes: Option<SameBytesBody>,
}

/// The other open cases with the same bytes, decided or left open.
#[derive(Serialize, ToSchema)]
pub(crate) struct SameBytesBody {
    /// Cases decided in the same way.
    decided: Vec<String>,
    /// Cases this decision was not made for: they have something else in them, or changed
    /// meanwhile.
    left_open: Vec<String>,
    /// True if more cases could be decided; send the decision again.
    more: bool,
}

/// A category: a value on a scale. The value has no meaning without its scale.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryBody {
    scale: String,
    value: String,
}

impl CategoryBody {
    fn of(c: &Category) -> Self {
        Self {
            scale: c.scale.clone(),
            value: c.value.clone(),
        }
    }
}

impl DecisionBody {
    fn of(d: &Decision) -> Self {
        Self {
            id: d.id().to_owned(),
            by: d.name().to_owned(),
            ruling: d.ruling().word(),
            grounds: d.grounds().to_owned(),
            category: d.category().map(CategoryBody::of),
            file_categories: d
                .file_categories()
                .iter()
                .map(|(exhibit, c)| (exhibit.clone(), CategoryBody::of(c)))
                .collect(),
            decided_at: rfc3339(d.decided_at()),
            same_bytes: None,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideBody {
    /// `report` or `no-report`.
    ruling: String,
    /// Why; never empty.
    grounds: String,
    category: Option<CategoryBody>,
    /// Categories of single exhibits, each of which the person has viewed whole.
    #[serde(default)]
    file_categories: std::collections::BTreeMap<String, CategoryBody>,
    /// How many files the case had when the person looked at it (`files` of
    /// `GET /v1/cases/{case}`). If that number has changed since, the decision isn't recorded: 409.
    files: Option<usize>,
    /// Decide other open cases in the same way if each of their files has the same bytes as a file
    /// of this case that the person has viewed whole, in any copy, and nothing else is known about
    /// them. At most 500 per request.
    #[serde(default)]
    same_bytes: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParameters {
    /// Only cases of this status.
    status: Option<String>,
    /// At most this many; 1 to 1,000, by default 100.
    limit: Option<usize>,
    /// The header `Obhut-Next` of an earlier answer, unchanged. This answer begins where that one
    /// ended.
    before: Option<String>,
}

/// Most cases in one answer. Our judgement.
const CASES_MAX: usize = 1_000;
/// Cases in one answer unless `limit` says otherwise. Our judgement.
const CASES: usize = 100;
/// The header that says where the next answer begins; absent if this one was the last.
const NEXT: &str = "obhut-next";

/// Cases, newest first, a hundred unless `limit` says otherwise. If there are more, send the header
/// `Obhut-Next` as `before` to get the next.
#[utoipa::path(get, path = "/v1/cases", params(ListParameters), responses((status = 400, body = ErrorBody), (status = 200, body = [CaseBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    parameters: Result<Query<ListParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let key = access::require(&app, &headers, Right::Cases).await?;
    asked::note(&app, &key, asked::LIST_CASES, 1).await?;
    let Query(parameters) = parameters.map_err(|e| Fault::bad_request(e.body_text()))?;
    let status = parameters
        .status
        .map(|s| s.parse::<CaseStatus>().map_err(Fault::bad_request))
        .transpose()?;
    let limit = parameters.limit.unwrap_or(CASES);
    if !(1..=CASES_MAX).contains(&limit) {
        return Err(Fault::bad_request(format!("limit is 1 to {CASES_MAX}")));
    }
    let before = match parameters.before.as_deref().map(place) {
        Some(None) => {
            return Err(Fault::bad_request(
                "before is the header Obhut-Next of an earlier answer",
            ));
        }
        before => before.flatten(),
    };
    // One more than the answer holds, to see whether there are more.
    let mut page =
        casework::cases_before(&app.casework, status, before.as_ref(), limit + 1).await?;
    let more = page.len() > limit;
    page.truncate(limit);
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| [(NEXT, format!("{}~{}", last.opened_at, last.id))]);
    let bodies: Vec<_> = page.iter().map(CaseBody::of).collect();
    Ok((next.map(AppendHeaders), Json(bodies)).into_response())
}

/// A place in the list, as `Obhut-Next` gives it.
fn place(text: &str) -> Option<CasePlace> {
    let (opened_at, id) = text.split_once('~')?;
    Some((opened_at.parse().ok()?, id.to_owned()))
}

/// A case with its findings and decisions.
#[utoipa::path(get, path = "/v1/cases/{case}", params(("case" = String, Path)), responses((status = 200, body = CaseDetailBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<CaseDetailBody>, Fault> {
    let key = access::require(&app, &headers, Right::Cases).await?;
    let detail = casework::case(&app.casework, &case).await?;
    // Before the answer leaves: if the view can't be recorded, the case isn't shown.
    casework::note(&app.casework, &key.id, "case.show", &case, "").await?;
    Ok(Json(body(&detail, key.has(Right::Findings))))
}

fn body(detail: &CaseDetail, more: bool) -> CaseDetailBody {
    let findings = detail.findings.iter().map(|f| {
        // Findings without a list (unreadable and submitted files, incoming reports) have empty
        // texts, which are omitted too.
        let shown = |text: &String| Some(text.clone()).filter(|t| more && !t.is_empty());
        FindingBody {
            screening: f.screening.clone(),
            what: f.what.clone(),
            surface: f.surface.word(),
            found_at: rfc3339(f.found_at),
            exhibit: f.exhibit.clone(),
            list: shown(&f.matched.list),
            version: shown(&f.matched.version),
            entry: shown(&f.matched.entry),
            kind: shown(&f.matched.kind),
            distance: Some(f.matched.distance).filter(|_| more && !f.matched.list.is_empty()),
        }
    });
    CaseDetailBody {
        case: CaseBody::of(&detail.case),
        findings: findings.collect(),
        decisions: detail.decisions.iter().map(DecisionBody::of).collect(),
    }
}

/// Record what the key's person decided.
#[utoipa::path(post, path = "/v1/cases/{case}/decisions", params(("case" = String, Path)), request_body = DecideBody, responses((status = 200, body = DecisionBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn decide(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    body: Result<Object<DecideBody>, Fault>,
) -> Result<Json<DecisionBody>, Fault> {
    let person = access::acting(&app, &headers, Act::DecideCase).await?;
    // Key and role come first: their answer does not depend on what was sent.
    let Object(body) = body?;
    let ruling = Ruling::from_word(&body.ruling)
        .ok_or_else(|| Fault::bad_request("ruling is report or no-report"))?;
    let category = |c: CategoryBody| Category {
        scale: c.scale,
        value: c.value,
    };
    let request = DecisionRequest {
        ruling,
        grounds: body.grounds,
        category: body.category.map(category),
    };
    let files = body
        .file_categories
        .into_iter()
        .map(|(exhibit, c)| (exhibit, category(c)))
        .collect();
    if !body.same_bytes {
        let decision =
            casework::decide_seen(&app.casework, &case, &person, &request, files, body.files);
        return Ok(Json(DecisionBody::of(&decision.await?)));
    }
    let (decision, also) = casework::decide_with_same_bytes(
        &app.casework,
        &case,
        &person,
        &request,
        files,
        body.files,
    )
    .await?;
    let mut answer = DecisionBody::of(&decision);
    answer.same_bytes = Some(SameBytesBody {
        decided: also.decided,
        left_open: also.left,
        more: also.more,
    });
    Ok(Json(answer))
}
