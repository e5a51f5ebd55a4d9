//! Idempotency keys: for a day, a request that is sent again gets the answer that the first one
//! got.

use crate::database::Columns;
use crate::{ApiKey, Casework, CaseworkError, Result, sealed};

/// How long an answer is kept, in microseconds: a day. Our judgement.
const KEPT_MICROS: i64 = 86_400 * 1_000_000;
/// A request without an answer counts as lost after this time, in microseconds: five minutes. If a
/// request takes longer, a repeat of it is carried out a second time. Our judgement.
const LOST_MICROS: i64 = 300 * 1_000_000;
/// Longest idempotency key, in bytes. Our judgement.
const KEY_BYTES_MAX: usize = 255;

/// Result of a request with an idempotency key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// The first request with this key. Pass this digest of the key to [`crate::end_repeat`].
    First(String),
    /// It was answered; this is the answer.
    Answered(String),
    /// The first request is still being processed.
    InProgress,
    /// The key was used for a different request.
    KeyReused,
}

/// Begins a request that may be a repeat. `request` is a digest of everything in which a repeat
/// must equal the first request.
///
/// # Errors
/// Invalid if `key` is empty or longer than 255 bytes.
pub async fn begin_repeat(
    casework: &Casework,
    by: &ApiKey,
    key: &str,
    request: &str,
) -> Result<Repeat> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(CaseworkError::invalid(
            "idempotency-key",
            format!("an idempotency key has 1 to {KEY_BYTES_MAX} bytes"),
        ));
    }
    // Keyed: with the database and the file, the account could be found from a plain digest.
    let request = &casework
        .lookup
        .keyed_digest("repeated request", request.as_bytes());
    // The digest includes the API key, because two programs may choose the same idempotency key.
    let key = casework
        .lookup
        .keyed_digest("idempotency", format!("{}\n{key}", by.id).as_bytes());
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    // The only clean-up: each request with an idempotency key removes what has expired.
    sqlx::query(
        "DELETE FROM repeats WHERE begun_at < $1 OR (key = $2 AND answer_sealed IS NULL AND begun_at < $3)",
    )
    .bind(now - KEPT_MICROS)
    .bind(&key)
    .bind(now - LOST_MICROS)
    .execute(&mut *tx)
    .await?;
    let inserted = sqlx::query(
        "INSERT INTO repeats (key, request, begun_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING",
    )
    .bind(&key)
    .bind(request)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let repeat = if inserted.rows_affected() == 1 {
        Repeat::First(key)
    } else {
        let row = sqlx::query("SELECT request, answer_sealed FROM repeats WHERE key = $1")
            .bind(&key)
            .fetch_one(&mut *tx)
            .await?;
        let mut c = Columns::of(&row);
        match (c.text()? == *request, c.maybe_text()?) {
            // An answer to another request would be the wrong one.
            (false, _) => Repeat::KeyReused,
            (true, None) => Repeat::InProgress,
            (true, Some(sealed)) => Repeat::Answered(sealed::open_text(casework, &sealed)?),
        }
    };
    tx.commit().await?;
    Ok(repeat)
}

/// Stores the answer, or frees the key if there is none. `key` is the digest in [`Repeat::First`].
pub async fn end_repeat(casework: &Casework, key: &str, answer: Option<&str>) -> Result<()> {
    let query = match answer {
        Some(answer) => sqlx::query("UPDATE repeats SET answer_sealed = $2 WHERE key = $1")
            .bind(key)
            .bind(sealed::seal_text(casework, answer)),
        None => sqlx::query("DELETE FROM repeats WHERE key = $1").bind(key),
    };
    query.execute(casework.db.pool()).await?;
    Ok(())
}
