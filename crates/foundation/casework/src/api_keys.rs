//! Keys of programs: 256 random bits of which only a digest is kept, with the rights they carry.

use std::collections::HashMap;

use obhut_facts::{Surface, words};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Person, Result, audit, changes, ids};

words! {
    /// What a key opens.
    Right {
        /// Screen uploads; sees verdict and an opaque id.
        Screen = "screen",
        /// See what matched: list, entry, distance.
        Findings = "findings",
        /// See cases, decisions and reports.
        Cases = "cases",
        /// Decide and report; the key must be a person's.
        Decide = "decide",
        /// Submit cases and incoming reports.
        Intake = "intake",
        /// Add entries to hash lists and remove them, through HMA's interface.
        Curate = "curate",
        /// Check payments as they come in.
        Payments = "payments",
    }
}

/// A key on record; never its secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ApiKey {
    /// Id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it opens.
    pub rights: Vec<Right>,
    /// Id of the person it acts for.
    pub person: Option<String>,
    /// The surface that its requests screen if they name none.
    pub surface: Option<Surface>,
    /// When it was made, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub made_at: i64,
    /// When it was revoked, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub revoked_at: Option<i64>,
    /// When it expires, microseconds since 1970; `None` for never.
    #[serde(
        serialize_with = "crate::clock::maybe_time",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<i64>,
}

impl ApiKey {
    /// True if it carries this right.
    pub fn has(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
}

pub(crate) fn digest(secret: &str) -> String {
    // A key is 256 random bits, too many to find it from its digest by guessing.
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Makes a key and returns it with its secret. The secret is not stored. Fails as
/// [`crate::create_key_until`] does.
pub async fn create_key(
    casework: &Casework,
    name: &str,
    rights: &[Right],
    person: Option<&Person>,
    actor: &str,
) -> Result<(ApiKey, String)> {
    self::create_key_until(casework, name, rights, person, None, actor).await
}

/// Like [`crate::create_key`], with an expiry in microseconds since 1970.
///
/// # Errors
/// Invalid without a name or a right, for the right `decide` without a person, or with an expiry
/// that isn't in the future; denied for a removed person.
pub async fn create_key_until(
    casework: &Casework,
    name: &str,
    rights: &[Right],
    person: Option<&Person>,
    expires_at: Option<i64>,
    actor: &str,
) -> Result<(ApiKey, String)> {
    if name.trim().is_empty() || rights.is_empty() {
        return Err(CaseworkError::invalid(
            "right",
            "a key needs a name and at least one right",
        ));
    }
    if rights.contains(&Right::Decide) && person.is_none() {
        return Err(CaseworkError::invalid(
            "person",
            "a key with the right decide must belong to a person, because every decision is made under a person's name",
        ));
    }
    if expires_at.is_some_and(|at| at <= casework.now()) {
        return Err(CaseworkError::invalid(
            "expires",
            "the expiry date of a key must be in the future",
        ));
    }
    if let Some(person) = person
        && person.removed
    {
        return Err(CaseworkError::denied(format!(
            "{} has been removed and cannot be given a key",
            person.name
        )));
    }
    let mut rights = rights.to_vec();
    rights.sort_unstable();
    rights.dedup();
    let key = ApiKey {
        id: ids::new("key"),
        name: name.trim().to_owned(),
        rights,
        person: person.map(|p| p.id.clone()),
        surface: None,
        made_at: casework.now(),
        revoked_at: None,
        expires_at,
    };
    let mut tx = casework.db.begin().await?;
    let secret = insert(&mut tx, &key).await?;
    let words: Vec<_> = key.rights.iter().map(|r| r.word()).collect();
    audit::write(
        &mut tx,
        casework.now(),
        actor,
        "key.create",
        &key.id,
        &words.join(" "),
    )
    .await?;
    // Servers keep keys in memory, and read them again when the generation counter changes.
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok((key, secret))
}

/// Stores a key under a new secret, and returns the secret.
async fn insert(tx: &mut Tx, key: &ApiKey) -> Result<String> {
    let secret = format!("obhut_{}", ids::random_hex(32));
    let words: Vec<_> = key.rights.iter().map(|r| r.word()).collect();
    sqlx::query("INSERT INTO api_keys (id, name, digest, rights, person, surface, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&key.id)
        .bind(&key.name)
        .bind(digest(&secret))
        .bind(words.join(" "))
        .bind(&key.person)
        .bind(key.surface.map(|surface| surface.word()))
        .bind(key.made_at)
        .bind(key.expires_at)
        .execute(&mut **tx)
        .await?;
    Ok(secret)
}

/// Makes a key that opens what this one opens, and lets this one expire at `until` (microseconds
/// since 1970), unless it does so earlier: a program can change over without an outage. The new key
/// lasts as long as the old one was to.
///
/// # Errors
/// Not found for an unknown key; a conflict for one that was revoked or has expired.
pub async fn rotate_api_key(
    casework: &Casework,
    id: &str,
    until: i64,
    actor: &str,
) -> Result<(ApiKey, String)> {
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    let row = sqlx::query(
        "SELECT id, name, rights, person, surface, made_at, revoked_at, expires_at FROM api_keys WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let old = row.as_ref().map(read).transpose()?;
    let old = old.ok_or_else(|| CaseworkError::NotFound {
        what: "key",
        id: id.to_owned(),
    })?;
    let is_over = old.revoked_at.is_some() || old.expires_at.is_some_and(|at| at <= now);
    if is_over {
        return Err(CaseworkError::conflict(format!(
            "key {id} was revoked or has expired; make a new one instead"
        )));
    }
    let new = ApiKey {
        id: ids::new("key"),
        made_at: now,
        ..old.clone()
    };
    let secret = insert(&mut tx, &new).await?;
    let ends = old.expires_at.map_or(until, |at| at.min(until));
    sqlx::query("UPDATE api_keys SET expires_at = $1 WHERE id = $2")
        .bind(ends)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    audit::write(&mut tx, now, actor, "key.rotate", id, &new.id).await?;
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok((new, secret))
}

/// Sets the surface that a key's requests screen if they name none. Requests through HMA's
/// interface never name one. Not found for an unknown key.
pub async fn set_key_surface(
    casework: &Casework,
    id: &str,
    surface: Surface,
    actor: &str,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    let set = sqlx::query("UPDATE api_keys SET surface = $1 WHERE id = $2")
        .bind(surface.word())
        .bind(id)
        .execute(&mut *tx)
        .await?;
    if set.rows_affected() == 0 {
        return Err(CaseworkError::NotFound {
            what: "key",
            id: id.to_owned(),
        });
    }
    audit::write(
        &mut tx,
        casework.now(),
        actor,
        "key.surface",
        id,
        surface.word(),
    )
    .await?;
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Revokes a key with immediate effect. Not found if it is unknown; a conflict if it was revoked
/// already.
pub async fn revoke_key(casework: &Casework, id: &str, actor: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    let done =
        sqlx::query("UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(casework.now())
            .bind(id)
            .execute(&mut *tx)
            .await?;
    if done.rows_affected() == 0 {
        let known = sqlx::query("SELECT 1 FROM api_keys WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
        return Err(match known {
            Some(_) => CaseworkError::conflict(format!("key {id} was revoked already")),
            None => CaseworkError::NotFound {
                what: "key",
                id: id.to_owned(),
            },
        });
    }
    audit::write(&mut tx, casework.now(), actor, "key.revoke", id, "").await?;
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The key with this secret, unless it was revoked or has expired.
pub async fn key(casework: &Casework, secret: &str) -> Result<Option<ApiKey>> {
    let row = sqlx::query(
        "SELECT id, name, rights, person, surface, made_at, revoked_at, expires_at FROM api_keys
         WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(digest(secret))
    .bind(casework.now())
    .fetch_optional(casework.db.pool())
    .await?;
    row.as_ref().map(read).transpose()
}

/// The key with this id, unless it was revoked or has expired.
pub(crate) async fn in_force(casework: &Casework, id: &str) -> Result<Option<ApiKey>> {
    let row = sqlx::query(
        "SELECT id, name, rights, person, surface, made_at, revoked_at, expires_at FROM api_keys
         WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(id)
    .bind(casework.now())
    .fetch_optional(casework.db.pool())
    .await?;
    row.as_ref().map(read).transpose()
}

/// All keys, newest first.
pub async fn keys(casework: &Casework) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query("SELECT id, name, rights, person, surface, made_at, revoked_at, expires_at FROM api_keys ORDER BY made_at DESC, id")
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// Revokes every key of a person and returns their number.
pub(crate) async fn revoke_all_of(tx: &mut Tx, now: i64, person: &str) -> Result<u64> {
    let done =
        sqlx::query("UPDATE api_keys SET revoked_at = $1 WHERE person = $2 AND revoked_at IS NULL")
            .bind(now)
            .bind(person)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected())
}

/// All keys, by the digest of their secret. Includes revoked and expired ones: a key expires without
/// a change of the generation counter, so a caller that caches them must check both.
pub(crate) async fn by_digest(tx: &mut Tx) -> Result<HashMap<String, ApiKey>> {
    let rows = sqlx::query(
        "SELECT id, name, rights, person, surface, made_at, revoked_at, expires_at, digest FROM api_keys",
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| Ok((Columns::at_place(row, 8).text()?, read(row)?)))
        .collect()
}

fn read(row: &sqlx::any::AnyRow) -> Result<ApiKey> {
    let mut c = Columns::of(row);
    Ok(ApiKey {
        id: c.text()?,
        name: c.text()?,
        rights: c.text()?.split(' ').filter_map(Right::from_word).collect(),
        person: c.maybe_text()?,
        surface: c.maybe_text()?.and_then(|w| Surface::from_word(&w)),
        made_at: c.int()?,
        revoked_at: c.maybe_int()?,
        expires_at: c.maybe_int()?,
    })
}
