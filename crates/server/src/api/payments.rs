//! `/v1/payments`: live transfers, answered allow, review or hold; alerts and holds.
//!
//! Answers are for the payment system, never for the customer. The customer may see one fixed
//! sentence, the same for every payment.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use obhut_app::casework::{Act, Right, Strict, UploadFacts, rfc3339};
use obhut_app::formats::transfers::{Channels, live};
use obhut_app::payments::{
    AlertDetail, AlertRow, Amount, Hold, Id, Language, Live, LiveAnswer, LiveFault, Record,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::intake::upload_header;
use crate::object::{Object, strict};
use crate::{App, access};

/// Longest body, in bytes. Our judgement.
pub(super) const PAYMENTS_BYTES_MAX: usize = 8 << 20;
/// Transfers of one request. Our judgement.
const TRANSFERS_MAX: usize = 1_000;
/// Alerts per response. Our judgement.
const ALERTS_MAX: i64 = 1_000;

/// A transfer. Ids are text; amounts are decimal text, `"35.00"`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferBody {
    /// Id of the transfer. A transfer sent again under the same id is answered as repeated.
    tx_id: String,
    sender: String,
    receiver: String,
    /// ISO 8601; without zone it is UTC.
    ts: String,
    /// Decimal text; a number is taken too. Rounded half to even to the currency's minor unit.
    #[serde(deserialize_with = "amount")]
    amount: String,
    /// ISO 4217.
    currency: String,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    src_country: String,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    dst_country: String,
    #[serde(default)]
    relationship: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    sender_birth_year: String,
    #[serde(default)]
    sender_tie: String,
    #[serde(default)]
    purchase: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    recipient_contact: String,
    #[serde(default)]
    utc_offset_minutes: String,
    /// What you know about the session in which the sender made the transfer. For a single
    /// transfer, the header `Obhut-Upload` may give it too; if both do, the header's values win.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<Object>)]
    upload: Option<UploadFacts>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AlertReasonBody {
    /// Id of the indicator in the published table, for example `S01`.
    indicator: String,
    /// Why it fired, with the numbers.
    because: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FoundBody {
    /// `sender` or `recipient`: the side on which the party is assessed.
    side: String,
    /// `possible buyer`, `possible facilitator` or `possible victim`.
    role: String,
    scenario: String,
    /// 0 to 100.
    score: f64,
    reasons: Vec<AlertReasonBody>,
}

/// One answer for a single object; an array of answers for an array or a pacs.008 message.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum AnswersBody {
    One(TransferAnswerBody),
    Several(Vec<TransferAnswerBody>),
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TransferAnswerBody {
    tx_id: String,
    /// `allow`, `review` or `hold`; `none` if `problem` is set. A hold ends at `hold_until` unless
    /// a person decides otherwise before.
    decision: String,
    /// What was found, highest score first. Never for the customer.
    found: Vec<FoundBody>,
    hold_until: Option<String>,
    /// The only text that the customer may see. It is the same for every payment, and omitted if
    /// `problem` is set.
    #[serde(skip_serializing_if = "str::is_empty")]
    customer_text: &'static str,
    /// The transfer's place in the journal.
    seq: u64,
    /// Transfers up to this place are on the disk; after a crash, send later ones again.
    durable_seq: u64,
    /// True if the transfer had been answered before.
    repeated: bool,
    /// What is invalid in `upload` or in the header `Obhut-Upload`. The transfer was accepted
    /// without those fields; an invalid header is ignored whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_problem: Option<String>,
    /// Why the transfer was not taken. `seq` is then 0 and `found` is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

// Always the same: a different sentence for a held payment would tip off the customer.
const CUSTOMER_TEXT: &str = "Your payment is being processed. / Ihre Zahlung wird bearbeitet.";

impl TransferAnswerBody {
    fn of(tx_id: String, answer: LiveAnswer) -> Self {
        let found = answer.found.iter().map(|a| FoundBody {
            side: a.side().word().into(),
            role: a.role().word().into(),
            scenario: a.scenario.into(),
            // Two decimals are enough: the score ranks alerts, it isn't a measurement.
            score: (a.score * 100.0).round() / 100.0,
            reasons: obhut_app::payments::reasons(a, Language::English)
                .into_iter()
                .map(|(id, because)| AlertReasonBody {
                    indicator: id.into(),
                    because,
                })
                .collect(),
        });
        Self {
            tx_id,
            decision: answer.advice.word().into(),
            found: found.collect(),
            hold_until: answer.hold_until.map(rfc3339),
            customer_text: CUSTOMER_TEXT,
            seq: answer.seq,
            durable_seq: answer.durable_seq,
            repeated: answer.repeated,
            upload_problem: None,
            problem: None,
        }
    }

    fn problem(tx_id: String, why: String, durable_seq: u64) -> Self {
        Self {
            tx_id,
            decision: "none".into(),
            found: Vec::new(),
            hold_until: None,
            customer_text: "",
            seq: 0,
            durable_seq,
            repeated: false,
            upload_problem: None,
            problem: Some(why),
        }
    }
}

fn live_of(app: &App) -> Result<&Live, Fault> {
    app.outside.payments.as_deref().ok_or_else(|| {
        Fault::new(
            StatusCode::NOT_FOUND,
            "no-payments",
            "live payments are not switched on at this server",
        )
    })
}

/// Ask about a transfer, or up to 1,000: JSON (one object, or an array) or ISO 20022 pacs.008.
#[utoipa::path(post, path = "/v1/payments", request_body(content((TransferBody = "application/json"), (String = "application/xml")), description = "One object, an array of them, or a pacs.008 message as application/xml"), responses((status = 200, body = AnswersBody, description = "One answer, or an array of them for an array or a message"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody, description = "Another transfer has this id"), (status = 422, body = ErrorBody, description = "The record can't be used"), (status = 503, body = ErrorBody, description = "The journal can't be written")), security(("key" = [])))]
pub(crate) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    access::require(&app, &headers, Right::Payments).await?;
    let live = live_of(&app)?;
    let bad = |why: String| Fault::new(StatusCode::BAD_REQUEST, "body", why);
    let start = body.trim_ascii_start();
    let has_header = headers.contains_key("obhut-upload");
    if has_header && !start.starts_with(b"{") {
        return Err(bad("the header Obhut-Upload is for a single transfer in JSON; for several, use the field \"upload\" of each. A pacs.008 message takes neither".into()));
    }
    // The first byte decides the format; the Content-Type is not read.
    if start.starts_with(b"<") {
        let mut answers = Vec::new();
        // A message that breaks off gets 400, although its first transfers were taken. When it is
        // sent again, those are answered as repeated.
        live::iso_records(&body, TRANSFERS_MAX, &mut |record, tx| {
            answers.push(match record {
                Ok(record) => answer(live, &record, None, tx),
                Err(why) => TransferAnswerBody::problem(tx, why, live.durable_seq()),
            });
        })
        .map_err(bad)?;
        return Ok(Json(answers).into_response());
    }
    if start.starts_with(b"[") {
        let all: Vec<serde_json::Value> =
            serde_json::from_slice(&body).map_err(|e| bad(describe(&e)))?;
        if all.len() > TRANSFERS_MAX {
            return Err(bad(format!(
                "a request has at most {TRANSFERS_MAX} transfers"
            )));
        }
        let answers: Vec<TransferAnswerBody> = all
            .into_iter()
            .enumerate()
            .map(|(n, one)| {
                // A malformed item's id too, so that the caller can match answer and transfer.
                let id = one["tx_id"].as_str().unwrap_or_default().to_owned();
                let problem =
                    |why| TransferAnswerBody::problem(id.clone(), why, live.durable_seq());
                // A malformed item is a problem of that item only.
                match TransferBody::deserialize(Strict(one)) {
                    Err(e) => problem(format!("item {n}: {}", form(&e))),
                    Ok(t) => match record_of(&t) {
                        Ok(record) => {
                            let (session, wrong) = session(t.upload.clone());
                            let mut answer =
                                answer(live, &record, session.as_ref(), t.tx_id.clone());
                            answer.upload_problem = wrong;
                            answer
                        }
                        Err(why) => problem(why),
                    },
                }
            })
            .collect();
        return Ok(Json(answers).into_response());
    }
    single(live, &headers, &body)
}

/// Answers one transfer.
fn single(live: &Live, headers: &HeaderMap, body: &[u8]) -> Result<Response, Fault> {
    let one: TransferBody =
        strict(body).map_err(|e| Fault::new(StatusCode::BAD_REQUEST, "body", describe(&e)))?;
    let record = record_of(&one)
        .map_err(|why| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "record", why))?;
    // An invalid session doesn't keep the payment from being assessed.
    let (said, wrong_header) = match upload_header(headers) {
        Ok(said) => (said, None),
        Err(fault) => (None, Some(fault.into_parts().1)),
    };
    let (own, wrong) = session(one.upload.clone());
    let session = match (own, said) {
        // The header wins, as for uploads: the proxy that set it is nearer to the session.
        (Some(own), Some(said)) => Some(said.or(own)),
        (own, said) => own.or(said),
    };
    // A single transfer has an HTTP status; within an array each has its `problem` instead.
    match live.submit(&record, session.as_ref()) {
        Ok(answer) => {
            let mut answer = TransferAnswerBody::of(one.tx_id, answer);
            let problems: Vec<String> = wrong_header.into_iter().chain(wrong).collect();
            answer.upload_problem = (!problems.is_empty()).then(|| problems.join("; "));
            Ok(Json(answer).into_response())
        }
        Err(LiveFault::Record(why)) => {
            Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "record", why))
        }
        Err(LiveFault::OtherContent) => Err(Fault::new(StatusCode::CONFLICT, "tx-id", OTHER)),
        Err(LiveFault::Journal(why)) => {
            Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "journal", why))
        }
    }
}

const OTHER: &str = "another transfer already has this tx_id; give each its own";

fn amount<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Amount {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Amount::deserialize(from)? {
        Amount::Text(text) => text,
        Amount::Number(number) => number.to_string(),
    })
}

/// Names the missing field. For an unknown field or a wrong type, says only that there is one.
fn form(e: &serde_json::Error) -> String {
    let text = e.to_string();
    if text.starts_with("upload has") {
        return "upload has an unknown field, or one of the wrong type; /openapi.json shows the form".into();
    }
    // serde quotes unknown names from the body as well: only the schema's own names are repeated.
    let field = text.split('`').nth(1).unwrap_or_default();
    const FIELDS: [&str; 6] = ["tx_id", "sender", "receiver", "ts", "amount", "currency"];
    if !text.starts_with("missing") || !FIELDS.contains(&field) {
        "a field is unknown or has the wrong type; /openapi.json shows the form".into()
    } else {
        format!("{field} is missing; /openapi.json shows the form")
    }
}

/// Where the JSON is wrong, by line and column; serde's own text would quote the body.
fn describe(e: &serde_json::Error) -> String {
    if e.is_data() {
        return format!("{}, at line {}, column {}", form(e), e.line(), e.column());
    }
    format!(
        "not valid JSON at line {}, column {}; /openapi.json shows the form of a transfer",
        e.line(),
        e.column()
    )
}

/// The valid fields of a session, and a message that names the invalid ones without their values.
fn session(upload: Option<UploadFacts>) -> (Option<UploadFacts>, Option<String>) {
    let Some(upload) = upload else {
        return (None, None);
    };
    let (valid, faults) = upload.without_invalid(jiff::Timestamp::now().as_microsecond());
    let named: Vec<_> = faults
        .iter()
        .map(|(f, what)| format!("{f} {what}"))
        .collect();
    let wrong = (!named.is_empty()).then(|| format!("upload: {}", named.join("; ")));
    (valid, wrong)
}

/// Reads an object, and refuses an array of its values, which serde would accept too.
fn object<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<UploadFacts>, D::Error> {
    let given = Option::<serde_json::Value>::deserialize(from)?;
    // serde's own text would quote the body.
    let wrong =
        || serde::de::Error::custom("upload has an unknown field, or one of the wrong type");
    match given {
        None => Ok(None),
        Some(fields) if fields.is_object() => UploadFacts::deserialize(Strict(fields))
            .map(Some)
            .map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}

fn answer(
    live: &Live,
    record: &Record<'_>,
    session: Option<&UploadFacts>,
    tx_id: String,
) -> TransferAnswerBody {
    match live.submit(record, session) {
        Ok(answer) => TransferAnswerBody::of(tx_id, answer),
        Err(fault) => {
            // A fault of the journal is reported per item, too: earlier items were taken and keep
            // their answers.
            let why = match fault {
                LiveFault::Record(why) | LiveFault::Journal(why) => why,
                LiveFault::OtherContent => OTHER.into(),
            };
            TransferAnswerBody::problem(tx_id, why, live.durable_seq())
        }
    }
}

fn record_of(t: &TransferBody) -> Result<Record<'_>, String> {
    let mut record = live::record(
        &live::Texts {
            tx_id: &t.tx_id,
            sender: &t.sender,
            receiver: &t.receiver,
            ts: &t.ts,
            amount: &t.amount,
            currency: &t.currency,
            src_country: &t.src_country,
            dst_country: &t.dst_country,
            relationship: &t.relationship,
            reference: &t.reference,
            sender_birth_year: &t.sender_birth_year,
            sender_tie: &t.sender_tie,
            purchase: &t.purchase,
            channel: &t.channel,
            recipient_contact: &t.recipient_contact,
            utc_offset_minutes: &t.utc_offset_minutes,
        },
        &mut Channels::default(),
    )?;
    // Channel numbers are not shared between requests, so a digest of the name is used.
    record.context.channel = live::channel(&t.channel);
    debug_assert!(matches!(record.amount, Amount::Text(_)) && record.tx == Id::of(t.tx_id.trim()));
    Ok(record)
}

#[derive(Deserialize)]
pub(crate) struct AlertsQuery {
    /// `suspects` (the default), or `victims` for the queue of possible victims.
    #[serde(default)]
    queue: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AlertBody {
    id: String,
    case: String,
    side: String,
    role: String,
    scenario: String,
    score: f64,
    state: String,
    first_ts: String,
    last_ts: String,
}

impl AlertBody {
    fn of(row: &AlertRow) -> Self {
        Self {
            id: row.id.clone(),
            case: row.case.clone(),
            side: row.side.clone(),
            role: row.role.clone(),
            scenario: row.scenario.clone(),
            score: row.score,
            state: row.state.word().into(),
            first_ts: rfc3339(row.first_at),
            last_ts: rfc3339(row.last_at),
        }
    }
}

/// Open alerts, highest score first, at most 1,000; `?queue=victims` for possible victims.
#[utoipa::path(get, path = "/v1/payments/alerts", params(("queue" = Option<String>, Query)), responses((status = 200, body = Vec<AlertBody>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn alerts(
    State(app): State<App>,
    query: Result<Query<AlertsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Vec<AlertBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    let Query(query) = query.map_err(|e| Fault::bad_request(e.body_text()))?;
    // An unknown word must not fall back to the queue of suspects.
    let victims = match query.queue.as_str() {
        "" | "suspects" => false,
        "victims" => true,
        _ => {
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "queue",
                "queue is suspects or victims",
            ));
        }
    };
    let rows = obhut_app::payments::payment_alerts(&app.casework, victims, ALERTS_MAX).await?;
    Ok(Json(rows.iter().map(AlertBody::of).collect()))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AlertDetailBody {
    #[serde(flatten)]
    alert: AlertBody,
    party: String,
    indicators: Vec<IndicatorBody>,
    advice: String,
    /// Oldest first.
    #[schema(value_type = Vec<Object>)]
    timeline: Vec<serde_json::Value>,
    #[schema(value_type = Vec<Object>)]
    network: Vec<serde_json::Value>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct IndicatorBody {
    id: String,
    because: String,
    source: String,
    date: String,
    check: String,
    /// False if the indicator is only shown and adds nothing to the score.
    weighs: bool,
}

impl AlertDetailBody {
    fn of(d: &AlertDetail) -> Self {
        Self {
            alert: AlertBody::of(&d.row),
            party: d.party.expose().clone(),
            indicators: d
                .fired
                .iter()
                .map(|f| IndicatorBody {
                    id: f.indicator().id.into(),
                    because: obhut_app::payments::because(f, Language::English),
                    source: f.indicator().source.into(),
                    date: f.indicator().date.into(),
                    check: f.indicator().check.into(),
                    weighs: f.weighs(),
                })
                .collect(),
            advice: d.advice(Language::English).into(),
            timeline: d
                .timeline
                .iter()
                .map(|t| serde_json::json!({ "tx_id": t.tx, "ts": rfc3339(t.at), "other": t.other, "amount": t.amount, "currency": t.currency, "country": t.country, "in_band": t.in_band, "night": t.night }))
                .collect(),
            network: d
                .network
                .iter()
                .map(|o| serde_json::json!({ "party": o.party, "transfers": o.n, "senders": o.senders }))
                .collect(),
        }
    }
}

/// One alert, or all alerts of a case, in full. The view is recorded.
#[utoipa::path(get, path = "/v1/payments/alerts/{id}", params(("id" = String, Path)), responses((status = 200, body = Vec<AlertDetailBody>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn alert(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<AlertDetailBody>>, Fault> {
    // A person's key: the audit trail names who looked at a party.
    let person = access::acting(&app, &headers, Act::ViewAlert).await?;
    let details = obhut_app::payments::payment_alert(&app.casework, &id, &person.id).await?;
    Ok(Json(details.iter().map(AlertDetailBody::of).collect()))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct HoldBody {
    id: String,
    case: String,
    tx_id: String,
    /// `held`, `confirmed`, `released` or `ended`.
    state: String,
    until: String,
}

impl HoldBody {
    fn of(hold: &Hold) -> Self {
        Self {
            id: hold.id.clone(),
            case: hold.case.clone(),
            tx_id: hold.transfer_id.expose().clone(),
            state: hold.state.word().into(),
            until: rfc3339(hold.until),
        }
    }
}

/// Payments that are or were held, newest first, at most 1,000.
#[utoipa::path(get, path = "/v1/payments/holds", responses((status = 200, body = Vec<HoldBody>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn holds(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<Vec<HoldBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    let holds = obhut_app::payments::holds(&app.casework).await?;
    Ok(Json(holds.iter().map(HoldBody::of).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldDecisionBody {
    /// Confirm the hold until this time (RFC 3339, at most 30 days ahead); without a time, the hold
    /// is released.
    #[serde(default)]
    until: Option<String>,
    /// Why.
    why: String,
}

/// Confirm a hold until a time, or release the payment.
#[utoipa::path(post, path = "/v1/payments/holds/{id}", params(("id" = String, Path)), request_body = HoldDecisionBody, responses((status = 200, body = HoldBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "The hold has ended, or a rule refuses it")), security(("key" = [])))]
pub(crate) async fn decide_hold(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    given: Result<Object<HoldDecisionBody>, Fault>,
) -> Result<Json<HoldBody>, Fault> {
    let person = access::acting(&app, &headers, Act::DecideHold).await?;
    let Object(given) = given?;
    let until = given
        .until
        .as_deref()
        .map(obhut_app::formats::transfers::moment)
        .transpose()
        .map_err(|_| {
            Fault::new(
                StatusCode::BAD_REQUEST,
                "until",
                "until isn't a time like 2026-11-22T10:15:00Z",
            )
        })?;
    let hold = obhut_app::payments::decide_hold(
        &app.casework,
        &id,
        &person,
        until.map(|m| m.at_micros),
        &given.why,
    )
    .await?;
    Ok(Json(HoldBody::of(&hold)))
}
