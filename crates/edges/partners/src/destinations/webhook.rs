//! Sends a case to the operator's own system, as an event signed according to Standard Webhooks.
//!
//! The signature covers id, time and body, so the receiver notices an event that was changed or
//! replayed later. The id is the report's, with `-retraction` for its retraction, so that the
//! receiver can discard duplicates.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use obhut_casework::CaseworkError;
use obhut_formats::reports;
use serde_json::json;
use sha2::Sha256;

use super::Destination;
use crate::http::Body;
use crate::submission::{SendFault, Sent, Submission};
use crate::transcript::Transcript;

/// A system of the operator's own.
pub const DESTINATION: Destination = Destination {
    form: &reports::webhook::FORM,
    has_test_service: false,
    by_mail: false,
    missing: |channel| {
        let set = channel.url.is_some() && channel.secret.is_some();
        (!set).then_some("an address and a signing secret")
    },
    send: |submission| Box::pin(send(submission)),
    retract: |submission| Box::pin(retract(submission)),
};

async fn send(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    let report = submission.filing.report.clone();
    // Byte for byte as it was approved.
    post(&submission, &report, documents.report.clone()).await
}

async fn retract(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let report = submission.filing.report.clone();
    let now = jiff::Timestamp::now().to_string();
    let event =
        json!({ "type": "report.retracted", "timestamp": now, "data": { "report": report } });
    let bytes = serde_json::to_vec(&event).expect("an event is JSON");
    // A separate id: under the report's id the receiver would discard it as a duplicate.
    post(&submission, &format!("{report}-retraction"), bytes).await
}

async fn post(submission: &Submission<'_>, id: &str, bytes: Vec<u8>) -> Result<Sent, SendFault> {
    let (Some(url), Some(secret)) = (&submission.channel.url, &submission.channel.secret) else {
        return Err(SendFault::Denied(
            "no address and secret are set for webhook".into(),
        ));
    };
    let headers = signed(secret.expose(), id, &bytes)?;
    let mut transcript = Transcript::default();
    transcript.sent("webhook", &String::from_utf8_lossy(&bytes));
    let answered = submission
        .http
        .call(url.clone(), None, Body::Json { bytes, headers })
        .await;
    transcript.received(&answered);
    transcript.keep(submission).await?;
    let answered = answered.map_err(SendFault::Unreachable)?;
    accepted(answered.status)?;
    Ok(Sent {
        filing: submission.filing.clone(),
        receipt: format!("HTTP {}", answered.status),
    })
}

/// The headers of a signed event. Made for each attempt: the standard has receivers refuse old
/// timestamps.
pub(crate) fn signed(
    secret: &str,
    id: &str,
    bytes: &[u8],
) -> Result<Vec<(&'static str, String)>, SendFault> {
    let seconds = jiff::Timestamp::now().as_second();
    let signature = sign(secret, id, seconds, bytes).map_err(SendFault::Denied)?;
    Ok(vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ])
}

/// Checks a secret that events are signed with: the standard wants 24 to 64 bytes.
///
/// # Errors
/// It is shorter or longer, or what follows `whsec_` isn't base64.
pub fn check_secret(secret: &str) -> Result<(), CaseworkError> {
    let key = key(secret).map_err(|why| CaseworkError::invalid("secret", why))?;
    match (24..=64).contains(&key.len()) {
        true => Ok(()),
        false => Err(CaseworkError::invalid(
            "secret",
            "a signing secret has 24 to 64 bytes (Standard Webhooks)",
        )),
    }
}

/// Like [`check_secret`], for the secret of the destination of that name: only a webhook's signs
/// events, others are passwords.
///
/// # Errors
/// Those of [`check_secret`].
pub fn check_secret_of(destination: &str, secret: &str) -> Result<(), CaseworkError> {
    match destination == reports::webhook::FORM.name {
        true => check_secret(secret),
        false => Ok(()),
    }
}

/// What the status of a receiver's answer means.
pub(crate) fn accepted(status: u16) -> Result<(), SendFault> {
    match status {
        200..=299 => Ok(()),
        401 | 403 => Err(SendFault::Denied(format!("HTTP {status}"))),
        // The same request would fail again. Every status not listed here is retried.
        400 | 404 | 410 | 413 | 415 | 422 => Err(SendFault::Refused(format!("HTTP {status}"))),
        status => Err(SendFault::Unreachable(format!("HTTP {status}"))),
    }
}

/// `v1,` and the HMAC-SHA-256 of `id.time.body` in base64.
fn sign(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Result<String, String> {
    let base64 = base64::engine::general_purpose::STANDARD;
    let key = key(secret)?;
    // The specification signs the exact bytes of the body, so they are serialised once, before
    // this.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret can't be used".to_owned())?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", base64.encode(mac.finalize().into_bytes())))
}

/// The bytes of a secret: decoded from base64 if it begins with `whsec_`, otherwise its text.
fn key(secret: &str) -> Result<Vec<u8>, String> {
    let plain = secret.trim();
    match plain.strip_prefix("whsec_") {
        Some(encoded) => base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .map_err(|_| "the secret after whsec_ isn't valid base64".to_owned()),
        None => Ok(plain.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_signature_is_the_standards() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
