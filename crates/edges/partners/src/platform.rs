//! What was decided about uploads, for the operator's own platform: an event signed the Standard Webhooks way.
//!
//! The state in an event is the one when it is sent, not when it was put in: events that overtake each other never
//! turn a release into a removal. The platform can ask for the same at `GET /v1/screen`, so an event that is given up
//! loses nothing.

use std::sync::Arc;

use obhut_casework as casework;
use obhut_casework::{Casework, Channel, Job, rfc3339};
use serde_json::json;

use crate::destinations::webhook;
use crate::http::{Body, Http};
use crate::submission::SendFault;

/// Sends one decision.
pub(crate) async fn tell(
    casework: &Casework,
    http: &Arc<Http>,
    channel: &Channel,
    job: &Job,
) -> Result<(), SendFault> {
    let case = job.subject.split('~').next().unwrap_or_default();
    let uploads: Vec<_> = casework::uploads_of_case(casework, case)
        .await?
        .into_iter()
        .map(|u| json!({ "id": u.screening, "state": u.state.word(), "since": u.since.map(rfc3339) }))
        .collect();
    // A case that came in another way: the platform has nothing to release.
    if uploads.is_empty() {
        return Ok(());
    }
    let (Some(url), Some(secret)) = (&channel.url, &channel.secret) else {
        return Err(SendFault::Denied(
            "no address and secret are set for the platform".into(),
        ));
    };
    // No case, list or reason: a platform's log is no place for them.
    let event = json!({ "type": "uploads.decided", "timestamp": jiff::Timestamp::now().to_string(),
                        "data": { "uploads": uploads } });
    let bytes = serde_json::to_vec(&event).expect("an event is JSON");
    // The job's id stays the same on every attempt, so that the receiver can discard duplicates.
    let headers = webhook::signed(secret.expose(), &job.id, &bytes)?;
    let answered = http
        .call(url.clone(), None, Body::Json { bytes, headers })
        .await
        .map_err(SendFault::Unreachable)?;
    webhook::accepted(answered.status)
}
