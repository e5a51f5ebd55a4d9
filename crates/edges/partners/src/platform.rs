//! Events for the operator's own platform, signed according to Standard Webhooks: what was decided
//! about uploads, and what a person asks about a case.
//!
//! The state in an event is read when the event is sent, not when its job was queued, so events
//! that overtake each other never turn a release into a removal. The platform can ask for decisions
//! at `GET /v1/screen`, so giving up an event about them loses nothing. A question that is given up
//! raises an alarm: a person has to ask another way.

use std::sync::Arc;

use obhut_casework as casework;
use obhut_casework::{Casework, Channel, Job, JobKind, rfc3339};
use serde_json::json;

use crate::destinations::webhook;
use crate::http::{Body, Http};
use crate::submission::SendFault;

/// Sends one event.
pub(crate) async fn send(
    casework: &Casework,
    http: &Arc<Http>,
    channel: &Channel,
    job: &Job,
) -> Result<(), SendFault> {
    let event = match job.kind {
        JobKind::Information => asked(casework, job).await?,
        _ => decided(casework, job).await?,
    };
    let Some((kind, data)) = event else {
        return Ok(());
    };
    let (Some(url), Some(secret)) = (&channel.url, &channel.secret) else {
        return Err(SendFault::Denied(
            "no address and secret are set for the platform".into(),
        ));
    };
    let event =
        json!({ "type": kind, "timestamp": jiff::Timestamp::now().to_string(), "data": data });
    let bytes = serde_json::to_vec(&event).expect("an event is JSON");
    // The job's id stays the same on every attempt, so that the receiver can discard duplicates.
    let headers = webhook::signed(secret.expose(), &job.id, &bytes)?;
    let answered = http
        .call(url.clone(), None, Body::Json { bytes, headers })
        .await
        .map_err(SendFault::Unreachable)?;
    webhook::accepted(answered.status)
}

/// Type and data of an event; none if there is nothing to say any more.
type Event = Option<(&'static str, serde_json::Value)>;

/// What is asked about a case; none once the request has ended.
async fn asked(casework: &Casework, job: &Job) -> Result<Event, SendFault> {
    let asked = casework::question_for_platform(casework, &job.subject).await?;
    // The event doesn't name the case: the platform answers by the request's id. The account is the
    // platform's own name for a user.
    Ok(asked.map(|q| {
        let wanted: Vec<_> = q.request.wanted.iter().map(|w| w.word()).collect();
        let data = json!({ "request": q.request.id, "account": q.account, "uploads": q.screenings,
                           "wanted": wanted, "due_at": rfc3339(q.request.due_at) });
        ("information.requested", data)
    }))
}

/// What was decided about a case's uploads; none for a case that came in another way.
async fn decided(casework: &Casework, job: &Job) -> Result<Event, SendFault> {
    let case = job.subject.split('~').next().unwrap_or_default();
    let uploads: Vec<_> = casework::uploads_of_case(casework, case)
        .await?
        .into_iter()
        .map(|u| json!({ "id": u.screening, "state": u.state.word(), "since": u.since.map(rfc3339) }))
        .collect();
    // The event names no case, list or reason: they don't belong in a platform's log.
    Ok((!uploads.is_empty()).then(|| ("uploads.decided", json!({ "uploads": uploads }))))
}
