//! Sessions of people in a browser. A session is a person's key that the browser needn't keep: it
//! opens what the key opens, ends with it, and is on record only by a keyed digest.

use crate::database::Columns;
use crate::{
    ApiKey, Casework, CaseworkError, Person, Result, Sealed, api_keys, audit, ids, key_uses, people,
};

/// A session ends when it wasn't used for this long, in microseconds: 30 minutes. Source: OWASP
/// ASVS 5.0, 7.3.1, which asks for a documented time; the time is our judgement.
const IDLE_MICROS: i64 = 30 * 60 * 1_000_000;
/// A session ends this long after it began, in microseconds: 12 hours, a long working day. Source:
/// OWASP ASVS 5.0, 7.3.2; the time is our judgement.
const LASTS_MICROS: i64 = 12 * 3_600 * 1_000_000;
/// How often the last use is written down, in microseconds: a minute. Our judgement: not every page
/// should wait for the database's writer.
const NOTED_MICROS: i64 = 60 * 1_000_000;

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// The key they signed in with; the session opens what it opens.
    pub key: ApiKey,
    /// The person, as on record now.
    pub person: Person,
    /// The token that this session's forms carry, so that no other site can send one.
    pub form_token: String,
}

/// Signs a person in with their key. Returns the session's secret: 256 random bits for a cookie.
///
/// # Errors
/// Denied unless the secret is that of a key in force that belongs to a person with a role. The
/// message doesn't say which of these is missing.
pub async fn begin_session(casework: &Casework, key_secret: &str) -> Result<Sealed<String>> {
    let refused = || {
        CaseworkError::denied(
            "this key opens no session: it is unknown, was revoked, has expired, or belongs to no person with a role",
        )
    };
    let key = api_keys::key(casework, key_secret)
        .await?
        .ok_or_else(refused)?;
    let id = key.person.as_deref().ok_or_else(refused)?;
    let person = people::person(casework, id).await?;
    if person.removed || person.roles.is_empty() {
        return Err(refused());
    }
    let secret = ids::random_hex(32);
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    // The only clean-up: each new session removes those that have ended.
    sqlx::query("DELETE FROM sessions WHERE used_at < $1")
        .bind(now - IDLE_MICROS)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO sessions (digest, api_key, person, begun_at, used_at) VALUES ($1, $2, $3, $4, $4)")
        .bind(digest(casework, &secret))
        .bind(&key.id)
        .bind(&person.id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    key_uses::note(&mut tx, now, &key.id).await?;
    audit::write(&mut tx, now, &person.id, "session.begin", &key.id, "").await?;
    tx.commit().await?;
    Ok(Sealed::new(secret))
}

/// The session with this secret; `None` if it is unknown or has ended, if its key was revoked or has
/// expired, or if its person was removed or has no role left.
pub async fn session(casework: &Casework, secret: &str) -> Result<Option<Session>> {
    let digest = digest(casework, secret);
    let row = sqlx::query("SELECT api_key, begun_at, used_at FROM sessions WHERE digest = $1")
        .bind(&digest)
        .fetch_optional(casework.db.pool())
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut c = Columns::of(&row);
    let (key, begun_at, used_at) = (c.text()?, c.int()?, c.int()?);
    let now = casework.now();
    let is_over = now - used_at > IDLE_MICROS || now - begun_at > LASTS_MICROS;
    // A clock that was set back must not make a session last.
    if is_over || begun_at - now > NOTED_MICROS {
        return Ok(None);
    }
    let Some(key) = api_keys::in_force(casework, &key).await? else {
        return Ok(None);
    };
    let Some(id) = key.person.as_deref() else {
        return Ok(None);
    };
    let person = people::person(casework, id).await?;
    if person.removed || person.roles.is_empty() {
        return Ok(None);
    }
    if now - used_at > NOTED_MICROS {
        sqlx::query("UPDATE sessions SET used_at = $1 WHERE digest = $2")
            .bind(now)
            .bind(&digest)
            .execute(casework.db.pool())
            .await?;
    }
    Ok(Some(Session {
        form_token: casework
            .lookup
            .keyed_digest("form token", secret.as_bytes()),
        key,
        person,
    }))
}

/// Ends a session, if there is one with this secret.
pub async fn end_session(casework: &Casework, secret: &str) -> Result<()> {
    let digest = digest(casework, secret);
    let mut tx = casework.db.begin().await?;
    let row = sqlx::query("DELETE FROM sessions WHERE digest = $1 RETURNING person, api_key")
        .bind(digest)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(row) = row {
        let mut c = Columns::of(&row);
        let (person, key) = (c.text()?, c.text()?);
        audit::write(&mut tx, casework.now(), &person, "session.end", &key, "").await?;
    }
    tx.commit().await
}

/// Keyed: a row written into the database without the keys opens nothing.
fn digest(casework: &Casework, secret: &str) -> String {
    casework.lookup.keyed_digest("session", secret.as_bytes())
}
