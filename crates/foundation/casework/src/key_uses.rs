//! When keys were used last: a key that no one uses any more can be revoked without harm. It decides
//! nothing, so the vault's log doesn't cover it.

use std::collections::BTreeMap;

use crate::database::{Columns, Tx};
use crate::{Casework, Result};

/// Puts on record that a key was used now.
pub async fn note_key_use(casework: &Casework, key: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    note(&mut tx, casework.now(), key).await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn note(tx: &mut Tx, now: i64, key: &str) -> Result<()> {
    // Of several servers the one whose clock is ahead counts.
    sqlx::query(
        "INSERT INTO key_uses (api_key, used_at) VALUES ($1, $2)
         ON CONFLICT (api_key) DO UPDATE SET used_at = excluded.used_at
         WHERE key_uses.used_at < excluded.used_at",
    )
    .bind(key)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// When each key was used last, in microseconds since 1970, to within an hour. A key that isn't in it
/// was never used, or last with a version that didn't record it.
pub async fn key_uses(casework: &Casework) -> Result<BTreeMap<String, i64>> {
    let rows = sqlx::query("SELECT api_key, used_at FROM key_uses")
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.int()?))
        })
        .collect()
}
