//! `/v1/reports` and the steps before it: check, draft, file, approve, send, retract, record the
//! outcome.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use obhut_app::casework::{self, Act, Filing, Outcome, ReportRow, Right, rfc3339};
use obhut_app::formats::reports::{self as forms, Form};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::deadlines::DeadlineBody;
use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access, sending};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Victims {
    /// True to include what is known of the children concerned.
    #[serde(default)]
    with_victims: bool,
}

/// Result of checking a case for a destination.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckBody {
    /// 0 to 100.
    complete: u32,
    /// 0 to 100.
    at_risk: u32,
    /// Facts that an officer needs and the case lacks: rule, what, source.
    #[schema(value_type = Vec<Object>)]
    missing: serde_json::Value,
    /// Reasons for `at_risk`: rule, what, points, source.
    #[schema(value_type = Vec<Object>)]
    reasons: serde_json::Value,
    /// Facts of the case that the report omits: field, why.
    #[schema(value_type = Vec<Object>)]
    omitted: serde_json::Value,
    /// What the report lacks for its receiver or its receiver would refuse, and what looks wrong in
    /// the case: field, what, source, stops.
    #[schema(value_type = Vec<Object>)]
    remarks: serde_json::Value,
    /// True if the report contains nothing actionable; its approval then needs a reason.
    empty: bool,
    /// True if `stops` is empty.
    acceptable: bool,
    /// What the receiver would refuse, what only a person can answer, a child reported as the
    /// suspect, and files that would go by mail without the authority's instruction: field, why,
    /// source. Each blocks the approval. Only a rule of NCMEC's documentation may be overridden
    /// with a reason.
    #[schema(value_type = Vec<Object>)]
    stops: serde_json::Value,
}

fn known(name: &str) -> Result<&'static Form, Fault> {
    forms::by_name(name).ok_or_else(|| {
        let known: Vec<_> = forms::ALL.iter().map(|d| d.name).collect();
        Fault::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("the destinations are {}", known.join(", ")),
        )
    })
}

/// Check a case for a destination: what an officer needs and the case lacks, why a child may be in
/// danger, what the report omits. Creates no report.
#[utoipa::path(get, path = "/v1/cases/{case}/check/{destination}", params(("case" = String, Path), ("destination" = String, Path), Victims), responses((status = 200, body = CheckBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn check(
    State(app): State<App>,
    Path((case, destination)): Path<(String, String)>,
    victims: Result<Query<Victims>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<CheckBody>, Fault> {
    let key = access::require(&app, &headers, Right::Cases).await?;
    let Query(victims) = victims.map_err(|e| Fault::bad_request(e.body_text()))?;
    let destination = known(&destination)?;
    let check = obhut_app::reports::check(
        &app.casework,
        &case,
        destination,
        victims.with_victims,
        &key.id,
    )
    .await?;
    let json = |v: &dyn Fn() -> serde_json::Result<serde_json::Value>| v().expect("it is JSON");
    Ok(Json(CheckBody {
        complete: check.complete,
        at_risk: check.at_risk,
        missing: json(&|| serde_json::to_value(&check.missing)),
        reasons: json(&|| serde_json::to_value(&check.reasons)),
        omitted: json(&|| serde_json::to_value(&check.omitted)),
        remarks: json(&|| serde_json::to_value(&check.remarks)),
        empty: check.empty,
        acceptable: check.acceptable,
        stops: json(&|| serde_json::to_value(&check.stops)),
    }))
}

/// A report in a destination's form.
#[derive(Serialize, ToSchema)]
pub(crate) struct DraftBody {
    destination: &'static str,
    /// Who decided to report.
    decided_by: String,
    media_type: &'static str,
    /// The report itself, where it is text.
    report: Option<String>,
    /// The report in base64, where it isn't.
    report_base64: Option<String>,
    /// One document for each file. The receiver's ids in it are 0 and `draft` until the report is
    /// sent.
    files: Vec<String>,
    /// What the report lacks for its receiver, or its receiver would refuse.
    remarks: Vec<String>,
}

/// The report of a case in a destination's form, without the children's data unless they are asked
/// for. Nothing is sent.
#[utoipa::path(get, path = "/v1/cases/{case}/reports/{destination}/draft", params(("case" = String, Path), ("destination" = String, Path, description = "ncmec, xarf, package …"), Victims), responses((status = 200, body = DraftBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "Not decided yet, or decided not to report")), security(("key" = [])))]
pub(crate) async fn draft(
    State(app): State<App>,
    Path((case, destination)): Path<(String, String)>,
    victims: Result<Query<Victims>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let person = access::acting(&app, &headers, Act::ReadDraft).await?;
    let Query(Victims { with_victims }) = victims.map_err(|e| Fault::bad_request(e.body_text()))?;
    let destination = known(&destination)?;
    let (report, rendered) =
        obhut_app::reports::draft(&app.casework, &case, destination, with_victims, &person.id)
            .await?;
    let text = rendered.text().map(str::to_owned);
    let base64 = base64::engine::general_purpose::STANDARD;
    let body = DraftBody {
        destination: destination.name,
        decided_by: report.decision.name().to_owned(),
        media_type: rendered.media_type,
        report_base64: text.is_none().then(|| base64.encode(&rendered.report)),
        report: text,
        files: rendered
            .files
            .iter()
            .map(|f| f.with_ids(0, "draft"))
            .collect(),
        remarks: rendered.remarks.iter().map(ToString::to_string).collect(),
    };
    // The draft names people: no proxy or browser may store it.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileBody {
    /// The destination. Without it, one report is made for each destination that the routes on
    /// record give for the case.
    destination: Option<String>,
    /// Include what is known of the children concerned.
    #[serde(default)]
    with_victims: bool,
}

/// A report and the progress of its filing.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportBody {
    id: String,
    case: String,
    destination: String,
    /// `draft`, `approved`, `superseded`, `withdrawn`, `retracting` or `retracted`.
    status: String,
    with_victims: bool,
    made_at: String,
    /// The filed report that it supplements.
    supplements: Option<String>,
    /// Progress at the destination: `waiting`, `begun`, `finishing`, `filed`, `stopped` or
    /// `retracted`; none until a worker begins to send it.
    #[schema(value_type = Option<String>)]
    filing: Option<&'static str>,
    /// The destination's number for it.
    number: Option<String>,
    filed_at: Option<String>,
    /// What the destination said when it accepted or retracted the report.
    receipt: Option<String>,
    /// Why the filing stopped: the destination's own words, or what a person has to do first.
    why: Option<String>,
    /// The host the number belongs to.
    host: Option<String>,
    /// True if `host` is a test service: nothing has been reported.
    test: Option<bool>,
}

impl ReportBody {
    fn of(row: ReportRow, filing: Option<Filing>) -> Self {
        Self {
            id: row.id,
            case: row.case,
            destination: row.destination,
            supplements: Some(row.supplements).filter(|s| !s.is_empty()),
            status: row.status,
            with_victims: row.with_victims,
            made_at: rfc3339(row.made_at),
            filing: filing.as_ref().map(|f| f.state.word()),
            number: filing
                .as_ref()
                .map(|f| f.remote.clone())
                .filter(|r| !r.is_empty()),
            filed_at: filing.as_ref().and_then(|f| f.filed_at).map(rfc3339),
            receipt: filing.as_ref().and_then(|f| f.receipt.clone()),
            host: filing
                .as_ref()
                .map(|f| f.host.clone())
                .filter(|h| !h.is_empty()),
            test: filing.as_ref().map(|f| f.test),
            why: filing.and_then(|f| f.why),
        }
    }
}

async fn body(app: &App, id: &str) -> Result<ReportBody, Fault> {
    let row = casework::report_row(&app.casework, id).await?;
    Ok(ReportBody::of(
        row,
        casework::filing(&app.casework, id).await?,
    ))
}

/// Put reports on record from the latest decision; they wait for another person's approval.
#[utoipa::path(post, path = "/v1/cases/{case}/reports", params(("case" = String, Path)), request_body = FileBody, responses((status = 200, body = [ReportBody]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn file(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    given: Result<Object<FileBody>, Fault>,
) -> Result<Json<Vec<ReportBody>>, Fault> {
    let person = access::acting(&app, &headers, Act::FileReport).await?;
    let Object(given) = given?;
    let form = given.destination.as_deref().map(known).transpose()?;
    let ids = obhut_app::reports::file(&app.casework, &case, form, given.with_victims, &person.id)
        .await?;
    // Without a destination there may be several: one for each route that applies.
    let mut filed = Vec::new();
    for (id, _) in ids {
        filed.push(body(&app, &id).await?);
    }
    Ok(Json(filed))
}

/// A report and the progress of its filing.
#[utoipa::path(get, path = "/v1/reports/{report}", params(("report" = String, Path)), responses((status = 200, body = ReportBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ReportBody>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    Ok(Json(body(&app, &report).await?))
}

/// The reports of a case.
#[utoipa::path(get, path = "/v1/cases/{case}/reports", params(("case" = String, Path)), responses((status = 200, body = [ReportBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<ReportBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    // An unknown case is 404, not an empty list.
    casework::case(&app.casework, &case).await?;
    let mut all = Vec::new();
    for row in casework::report_rows(&app.casework, Some(&case)).await? {
        let filing = casework::filing(&app.casework, &row.id).await?;
        all.push(ReportBody::of(row, filing));
    }
    Ok(Json(all))
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApproveBody {
    /// Why the report is sent although it contains nothing actionable or breaks a rule of NCMEC's
    /// documentation; recorded with the key's person.
    #[serde(rename = "override")]
    because: Option<String>,
    /// Also send the incoming reports that the case was opened from, as they were received. Only
    /// for a report with `with_victims`.
    as_received: bool,
}

/// An approved report, and what in it may be about a child.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovedBody {
    #[serde(flatten)]
    report: ReportBody,
    /// Fields that may be about a child: field, what, source. Read them; until the report is sent,
    /// it can be retracted.
    #[schema(value_type = Vec<Object>)]
    remarks: serde_json::Value,
}

/// Approve a report; the person who made the decision may not. The report goes into the outbox.
#[utoipa::path(post, path = "/v1/reports/{report}/approval", params(("report" = String, Path)), request_body = ApproveBody, responses((status = 200, body = ApprovedBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn approve(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
    given: Result<Object<ApproveBody>, Fault>,
) -> Result<Json<ApprovedBody>, Fault> {
    let person = access::acting(&app, &headers, Act::ApproveReport).await?;
    let Object(given) = given?;
    // Before the approval: if they can't be read, nothing is approved.
    let row = casework::report_row(&app.casework, &report).await?;
    let about = obhut_app::reports::about_children_in(&app.casework, &row, &person.id).await?;
    obhut_app::reports::approve(
        &app.casework,
        &report,
        &person,
        given.because.as_deref(),
        given.as_received,
    )
    .await?;
    Ok(Json(ApprovedBody {
        report: body(&app, &report).await?,
        remarks: serde_json::to_value(&about).expect("remarks are JSON"),
    }))
}

/// Send an approved report now instead of with the next round of the server's worker. Sends a
/// stopped report too, once its fault has been put right.
#[utoipa::path(post, path = "/v1/reports/{report}/sending", params(("report" = String, Path)), responses((status = 200, body = ReportBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn send(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ReportBody>, Fault> {
    let person = access::acting(&app, &headers, Act::SendReport).await?;
    sending::send_now(&app, &report, &person).await?;
    Ok(Json(body(&app, &report).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    /// Why.
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupplementBody {
    /// Include what is known of the children concerned.
    #[serde(default)]
    with_victims: bool,
}

/// File a supplement to a filed report, because the case has changed since. It waits for another
/// approval.
#[utoipa::path(post, path = "/v1/reports/{report}/supplement", params(("report" = String, Path)), request_body = SupplementBody, responses((status = 200, body = ReportBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "It isn't filed, or nothing has changed")), security(("key" = [])))]
pub(crate) async fn supplement(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
    given: Result<Object<SupplementBody>, Fault>,
) -> Result<Json<ReportBody>, Fault> {
    let person = access::acting(&app, &headers, Act::FileReport).await?;
    let Object(given) = given?;
    let with_victims = given.with_victims;
    let id = casework::file_supplement(&app.casework, &report, with_victims, &person.id).await?;
    Ok(Json(body(&app, &id).await?))
}

/// Retract a report. It is withdrawn if no worker has begun to send it; otherwise its receiver is
/// notified.
#[utoipa::path(post, path = "/v1/reports/{report}/retraction", params(("report" = String, Path)), request_body = ReasonBody, responses((status = 200, body = ReportBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "A rule refuses it")), security(("key" = [])))]
pub(crate) async fn retract(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
    given: Result<Object<ReasonBody>, Fault>,
) -> Result<Json<ReportBody>, Fault> {
    let person = access::acting(&app, &headers, Act::RetractReport).await?;
    let Object(given) = given?;
    casework::retract_report(&app.casework, &report, &given.reason, &person).await?;
    Ok(Json(body(&app, &report).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeBody {
    /// `useful`, `duplicate`, `empty`, `child-safeguarded` or `arrest`.
    code: String,
    /// Who says so.
    source: String,
}

/// Outcome of a report, as its receiver states it.
#[utoipa::path(post, path = "/v1/reports/{report}/outcomes", params(("report" = String, Path)), request_body = OutcomeBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn outcome(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
    given: Result<Object<OutcomeBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::RecordOutcome).await?;
    let Object(given) = given?;
    let code = given.code.parse::<Outcome>().map_err(Fault::bad_request)?;
    casework::add_outcome(&app.casework, &report, &given.source, code, &person.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgeBody {
    /// Who acknowledged it, and how.
    how: String,
    /// True if the receiver has the report itself, for a package that was stopped; false if it
    /// acknowledged a retraction.
    #[serde(default)]
    arrived: bool,
}

/// Record that the receiver acknowledged the retraction of a report, or that the receiver has a
/// stopped package: its delivery wasn't confirmed, or a person handed it over another way.
#[utoipa::path(post, path = "/v1/reports/{report}/acknowledgement", params(("report" = String, Path)), request_body = AcknowledgeBody, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "No retraction of it is under way, and it isn't a package that was stopped"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn acknowledge(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
    given: Result<Object<AcknowledgeBody>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::RetractReport).await?;
    let Object(given) = given?;
    let (casework, how) = (&app.casework, &given.how);
    match given.arrived {
        true => casework::acknowledge_arrival(casework, &report, how, &person).await?,
        false => casework::acknowledge_retraction(casework, &report, how, &person).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Running deadlines, and unseen alarms, in one answer. Our judgement.
const DUE_MAX: usize = 1_000;

/// What is due, and what a person must look at.
#[derive(Serialize, ToSchema)]
pub(crate) struct DueBody {
    /// Running deadlines, soonest first, at most 1,000.
    deadlines: Vec<DeadlineBody>,
    /// True if there are more deadlines.
    more: bool,
    /// Unseen alarms, at most 1,000: those about a child in danger, then the others; oldest first.
    #[schema(value_type = Vec<Object>)]
    alarms: serde_json::Value,
    /// True if there are more alarms.
    more_alarms: bool,
}

/// Running deadlines and unseen alarms.
#[utoipa::path(get, path = "/v1/due", responses((status = 200, body = DueBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn due(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<DueBody>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    // One more than the answer holds, to see whether there are more.
    let mut deadlines = casework::deadlines_due(&app.casework, DUE_MAX + 1).await?;
    let more = deadlines.len() > DUE_MAX;
    deadlines.truncate(DUE_MAX);
    let mut alarms = casework::first_alarms(&app.casework, DUE_MAX + 1).await?;
    let more_alarms = alarms.len() > DUE_MAX;
    alarms.truncate(DUE_MAX);
    Ok(Json(DueBody {
        deadlines: deadlines.into_iter().map(DeadlineBody::of).collect(),
        more,
        alarms: serde_json::to_value(alarms).expect("alarms are JSON"),
        more_alarms,
    }))
}

/// What was approved, sent and received.
#[derive(Serialize, ToSchema)]
pub(crate) struct TranscriptBody {
    /// The approved report, where it is text; none before an approval, or if the version that
    /// approved it kept no documents.
    report: Option<String>,
    /// One document for each file, with the receiver's ids as 0 and `draft`.
    files: Vec<String>,
    /// Exhibits that go with it.
    #[schema(value_type = Vec<Object>)]
    attached: serde_json::Value,
    /// What was sent and what came back, attempt by attempt, media excepted.
    #[schema(value_type = Vec<Object>)]
    exchanges: Vec<serde_json::Value>,
}

/// What was approved, sent and received, word for word; the reading is logged first.
#[utoipa::path(get, path = "/v1/reports/{report}/transcript", params(("report" = String, Path)), responses((status = 200, body = TranscriptBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn transcript(
    State(app): State<App>,
    Path(report): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let person = access::acting(&app, &headers, Act::ReadDraft).await?;
    let filed = obhut_app::reports::show(&app.casework, &report, &person.id).await?;
    let documents = filed.documents.as_ref();
    let attached = documents.map(|d| serde_json::to_value(&d.attached).expect("a list is JSON"));
    let body = TranscriptBody {
        report: documents.and_then(|d| d.text()).map(str::to_owned),
        files: documents.map_or_else(Vec::new, |d| {
            d.files.iter().map(|f| f.with_ids(0, "draft")).collect()
        }),
        attached: attached.unwrap_or_else(|| serde_json::json!([])),
        exchanges: filed.exchanges,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// Record that the key's person has seen an alarm.
#[utoipa::path(post, path = "/v1/alarms/{alarm}/seen", params(("alarm" = String, Path)), responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "The person made a decision that the alarm is about")), security(("key" = [])))]
pub(crate) async fn see_alarm(
    State(app): State<App>,
    Path(alarm): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::SeeAlarm).await?;
    casework::see_alarm(&app.casework, &alarm, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}
