//! Sends a statement of reasons to the DSA Transparency Database, with the platform's token.
//!
//! A statement's number (`puid`) is the case's id. The database takes each number once, so a
//! statement whose answer was lost is recognised when it is sent again. A second report about the
//! same case is refused before it is sent, because the database would answer it as if it were the
//! first one sent again.

use obhut_casework::{self as casework, Casework};
use obhut_formats::reports;
use serde_json::Value;

use super::Destination;
use crate::http::{Answered, Body};
use crate::submission::{SendFault, Sent, Submission};
use crate::transcript::Transcript;

/// Most characters of a text in the database's answer that go into a message. Our judgement.
const WORDS_CHARS_MAX: usize = 300;

/// The European Commission's database of statements of reasons.
pub const DESTINATION: Destination = Destination {
    form: &reports::dsa_statement::FORM,
    // Its test environment is another address, with another token.
    has_test_service: false,
    by_mail: false,
    missing: |channel| {
        let set = channel.url.is_some() && channel.secret.is_some();
        (!set).then_some("the address of its API and your token")
    },
    send: |submission| Box::pin(send(submission)),
    retract: |submission| Box::pin(retract(submission)),
};

async fn send(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    let (Some(url), Some(token)) = (&submission.channel.url, &submission.channel.secret) else {
        return Err(SendFault::Denied(
            "no address and token are set for dsa-statement".into(),
        ));
    };
    if let Some(other) = other_statement(submission.casework, &submission.filing.report).await? {
        return Err(SendFault::Refused(format!(
            "report {other} was sent to the database, which takes one statement about a case; if that one has to change, ask your Digital Services Coordinator"
        )));
    }
    // Byte for byte as it was approved.
    let bytes = documents.report.clone();
    let headers = vec![
        ("Authorization", format!("Bearer {}", token.expose().trim())),
        ("Accept", "application/json".to_owned()),
    ];
    let mut transcript = Transcript::default();
    transcript.sent("statement", &String::from_utf8_lossy(&bytes));
    let answered = submission
        .http
        .call(url.clone(), None, Body::Json { bytes, headers })
        .await;
    transcript.received(&answered);
    transcript.keep(&submission).await?;
    let receipt = receipt(&answered.map_err(SendFault::Unreachable)?)?;
    Ok(Sent {
        filing: submission.filing.clone(),
        receipt,
    })
}

/// The id of another report of the same case whose statement was sent, answered or not.
async fn other_statement(casework: &Casework, own: &str) -> Result<Option<String>, SendFault> {
    let row = casework::report_row(casework, own).await?;
    for other in casework::report_rows(casework, Some(&row.case)).await? {
        let is_statement =
            other.id != own && other.destination == reports::dsa_statement::FORM.name;
        if is_statement && !casework::exchanges(casework, &other.id).await?.is_empty() {
            return Ok(Some(other.id));
        }
    }
    Ok(None)
}

/// What an answer means: the receipt, or why there is none.
fn receipt(answered: &Answered) -> Result<String, SendFault> {
    let body: Value = serde_json::from_str(&answered.text()).unwrap_or_default();
    let words = |at: &Value| {
        let text = at
            .as_str()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control());
        text.take(WORDS_CHARS_MAX).collect::<String>()
    };
    match answered.status {
        201 if body["uuid"].is_string() => Ok(format!("statement {}", words(&body["uuid"]))),
        201 => Err(SendFault::Unexpected(
            "HTTP 201 without the statement's uuid; look for the statement in the database".into(),
        )),
        // An earlier attempt of this report used the number.
        422 if !body["existing"]["puid"].is_null() => {
            Ok("the statement is in the database already; an earlier attempt arrived".into())
        }
        401 | 403 => Err(SendFault::Denied(format!("HTTP {}", answered.status))),
        400 | 404 | 405 | 413 | 415 | 422 => Err(SendFault::Refused(format!(
            "HTTP {}: {}",
            answered.status,
            words(&body["message"])
        ))),
        status => Err(SendFault::Unreachable(format!("HTTP {status}"))),
    }
}

/// The database has no call that retracts a statement: a person asks the Digital Services
/// Coordinator.
async fn retract(submission: Submission<'_>) -> Result<Sent, SendFault> {
    // A statement without a number may still have arrived, if anything was sent.
    let report = &submission.filing.report;
    let sent = casework::exchanges(submission.casework, report).await?;
    if submission.filing.remote.is_empty() && sent.is_empty() {
        return Ok(Sent {
            filing: submission.filing.clone(),
            receipt: "it had not been sent".into(),
        });
    }
    Err(SendFault::Waits(format!(
        "the statement about report {} may be in the database and can't be taken back by its API; ask your Digital Services Coordinator, and record who confirmed it, and how",
        submission.filing.report
    )))
}
