//! Asking an authority to stamp the vault's log with the time (RFC 3161).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use obhut_casework::{
    self as casework, Casework, CaseworkError, LogHead, TimeAuthority, Timestamp,
};
use obhut_formats::evidence;

use crate::http::{Body, Http};

/// Longest time of a call to an authority. Our judgement.
pub const STAMP_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// Has a checkpoint of the log stamped, and keeps the stamp. `None` if no authority is on record.
///
/// # Errors
/// The authority's answer isn't a stamp that the certificates on record vouch for, or there is none; or the
/// database failed.
pub async fn stamp(
    casework: &Casework,
    http: &Arc<Http>,
    head: LogHead,
    checkpoint: &[u8],
) -> Result<Option<Timestamp>, CaseworkError> {
    let Some(authority) = casework::time_authority(casework).await? else {
        return Ok(None);
    };
    let failed = |why: &str| CaseworkError::Unavailable {
        why: format!("the time authority has given no stamp: {why}"),
    };
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).expect("the operating system gives randomness");
    let body = Body::Bytes {
        media_type: "application/timestamp-query",
        bytes: evidence::timestamp_request(checkpoint, nonce),
    };
    let answered = http.call(authority.url.clone(), None, body).await;
    let answered = answered.map_err(|why| failed(&why))?;
    if answered.status != 200 {
        return Err(failed(&format!(
            "it answers with status {}",
            answered.status
        )));
    }
    let checked =
        evidence::check_timestamp(&answered.bytes, checkpoint, nonce, &authority.certificates);
    let stamped_at = checked.map_err(failed)?;
    if !casework::is_near_now(casework, stamped_at) {
        return Err(failed(
            "its time and that of this machine are more than an hour apart",
        ));
    }
    let mut stamp = Timestamp {
        id: String::new(),
        size: head.size,
        stamped_at,
        authority: authority.url,
        checkpoint: String::from_utf8_lossy(checkpoint).into_owned(),
        token: STANDARD.encode(&answered.bytes),
    };
    stamp.id = casework::keep_timestamp(casework, &stamp).await?;
    Ok(Some(stamp))
}

/// Has the log's head stamped, and keeps the stamp. `None` if no authority is on record.
///
/// # Errors
/// As [`stamp`]; or the log can't be read.
pub async fn stamp_head(
    casework: &Casework,
    http: &Arc<Http>,
) -> Result<Option<Timestamp>, CaseworkError> {
    let (head, checkpoint) = casework::log_checkpoint(casework).await?;
    stamp(casework, http, head, &checkpoint).await
}

/// Checks an authority before it is put on record.
///
/// # Errors
/// Invalid for an address that isn't one of http or https, and without certificates.
pub fn check_authority(authority: &TimeAuthority) -> Result<(), CaseworkError> {
    crate::destinations::check_signer(&authority.url)?;
    evidence::time_certificates(&authority.certificates)
        .map(|_| ())
        .map_err(|why| CaseworkError::invalid("certificates", why))
}

/// The bytes of a stamp that is on record (DER, `TimeStampResp`).
///
/// # Errors
/// It isn't what was kept.
pub fn token(stamp: &Timestamp) -> Result<Vec<u8>, CaseworkError> {
    let bytes = STANDARD.decode(&stamp.token);
    bytes.map_err(|_| CaseworkError::conflict(format!("{} isn't what was kept", stamp.id)))
}
