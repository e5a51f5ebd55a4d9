//! Settings in the database: the reporter, the financial unit, and the lookup key's check value.

use obhut_facts::{FinancialUnit, Reporter};
use obhut_store::{DataFolder, FolderKeys, LookupKey, Sealer};
use serde::{Deserialize, Serialize};

use crate::database::{Columns, Database, Tx};
use crate::{Casework, CaseworkError, Result, audit, facts, sealed, views};

/// The lookup key of this database. The database stores a check value, because under another key no
/// stored digest would match and every case would look new.
pub(crate) async fn lookup_key(
    db: &Database,
    folder: &DataFolder,
    keys: &FolderKeys,
    now: i64,
) -> Result<LookupKey> {
    let wrong = || {
        CaseworkError::Folder {
        path: folder
            .root()
            .join("keys/lookup.key")
            .display()
            .to_string(),
        why: "the key is missing, or isn't the one this database was written under; put it back from where you keep it, or name the data folder that belongs to this database".into(),
    }
    };
    let there = folder.lookup_key()?;
    let check = |key: &LookupKey| key.keyed_digest("check", b"obhut");
    let read = sqlx::query("SELECT value FROM settings WHERE name = 'lookup-check'")
        .fetch_optional(db.pool())
        .await?;
    if let Some(row) = read {
        let known = Columns::of(&row).text()?;
        return match &there {
            Some(key) if check(key) == known => Ok(key.clone()),
            // The file is missing, as after a power cut during an upgrade, and the first version's
            // key fits: it is written again.
            None if check(&keys.first_lookup) == known => {
                folder.keep_lookup_key(Some(&keys.first_lookup_text))
            }
            _ => Err(wrong()),
        };
    }
    // A database with rows and without a check value was written by the first version, which used
    // the sealing key for lookups. The key in the folder must then open what is sealed in the
    // database.
    let key = if obhut_store::audit::is_empty(db).await? {
        match &there {
            // Left by an earlier start that was cut off before the insert below.
            Some(key) => key.clone(),
            None => folder.keep_lookup_key(None)?,
        }
    } else {
        // A key that is new, or opens nothing here, belongs to another database.
        if keys.sealing_is_new || !opens_what_is_there(db, &keys.sealer).await? {
            return Err(wrong());
        }
        match &there {
            // An upgrade was cut off between the file and the check value.
            Some(key) if check(key) == check(&keys.first_lookup) => key.clone(),
            Some(_) => return Err(wrong()),
            None => folder.keep_lookup_key(Some(&keys.first_lookup_text))?,
        }
    };
    let mut tx = db.begin().await?;
    sqlx::query(
        "INSERT INTO settings (name, value, changed_at) VALUES ('lookup-check', $1, $2)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(check(&key))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let row = sqlx::query("SELECT value FROM settings WHERE name = 'lookup-check'")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    // Two processes may start together; the first one's value wins.
    if Columns::of(&row).text()? == check(&key) {
        Ok(key)
    } else {
        Err(wrong())
    }
}

/// True if this key opens something sealed in the database, or if nothing sealed is in it.
async fn opens_what_is_there(db: &Database, sealer: &Sealer) -> Result<bool> {
    if let Some(text) = [facts::any_sealed(db).await?, views::any_sealed(db).await?]
        .into_iter()
        .flatten()
        .next()
    {
        return Ok(hex::decode(text).is_ok_and(|bytes| sealer.open(&bytes).is_some()));
    }
    Ok(true)
}

/// Name of the setting that says which key for exhibits is the current one.
const EXHIBIT_KEY: &str = "exhibit-key";

/// The keyed digest of the key for exhibits that was last used, and since when, microseconds since
/// 1970.
pub(crate) async fn exhibit_key(db: &Database) -> Result<Option<(String, i64)>> {
    let row = sqlx::query("SELECT value, changed_at FROM settings WHERE name = $1")
        .bind(EXHIBIT_KEY)
        .fetch_optional(db.pool())
        .await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        Ok((c.text()?, c.int()?))
    })
    .transpose()
}

/// Notes the keyed digest of the current key for exhibits.
pub(crate) async fn keep_exhibit_key(casework: &Casework, digest: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    sqlx::query(
        "INSERT INTO settings (name, value, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
    )
    .bind(EXHIBIT_KEY)
    .bind(digest)
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The provider's data; all fields are empty until it is set.
pub async fn reporter(casework: &Casework) -> Result<Reporter> {
    reporter_within(&mut casework.db.snapshot().await?).await
}

async fn reporter_within(tx: &mut Tx) -> Result<Reporter> {
    let row = sqlx::query("SELECT value FROM settings WHERE name = 'reporter'")
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or_else(
        || Ok(Reporter::default()),
        |row| {
            let text = Columns::of(&row).text()?;
            serde_json::from_str(&text)
                .map_err(|_| CaseworkError::unreadable("the reporter setting"))
        },
    )
}

/// The reporting bank as its financial intelligence unit knows it; none until it is set.
pub async fn financial_unit(casework: &Casework) -> Result<Option<FinancialUnit>> {
    let row = sqlx::query("SELECT value FROM settings WHERE name = 'financial-unit'")
        .fetch_optional(casework.db.pool())
        .await?;
    row.map(|row| {
        let text = sealed::open_text(casework, &Columns::of(&row).text()?)?;
        serde_json::from_str(&text)
            .map_err(|_| CaseworkError::unreadable("the financial unit's setting"))
    })
    .transpose()
}

/// Replaces the reporting bank's data. Stored sealed, because it names a person.
pub async fn set_financial_unit(
    casework: &Casework,
    unit: &FinancialUnit,
    actor: &str,
) -> Result<()> {
    let value = sealed::seal_text(
        casework,
        &serde_json::to_string(unit).expect("a unit is JSON"),
    );
    self::put_setting(casework, "financial-unit", &value, actor, &unit.profile).await
}

/// An authority that stamps the log's head with the time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimeAuthority {
    /// Where it answers.
    pub url: String,
    /// The certificates it is believed by, as PEM: of the authority that issued its own, for instance.
    pub certificates: String,
}

/// Name of the setting that says who stamps the log's head.
const TIME_AUTHORITY: &str = "time-authority";

/// Who stamps the log's head; `None` until it is set.
pub(crate) async fn time_authority(casework: &Casework) -> Result<Option<TimeAuthority>> {
    let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
        .bind(TIME_AUTHORITY)
        .fetch_optional(casework.db.pool())
        .await?;
    row.map(|row| {
        serde_json::from_str(&Columns::of(&row).text()?)
            .map_err(|_| CaseworkError::unreadable("the time authority's setting"))
    })
    .transpose()
}

/// Since when the authority that stamps the log's head is on record, microseconds since 1970.
pub(crate) async fn time_authority_since(casework: &Casework) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT changed_at FROM settings WHERE name = $1")
        .bind(TIME_AUTHORITY)
        .fetch_optional(casework.db.pool())
        .await?;
    row.map(|row| Columns::of(&row).int()).transpose()
}

/// Says who stamps the log's head.
pub(crate) async fn set_time_authority(
    casework: &Casework,
    authority: &TimeAuthority,
    actor: &str,
) -> Result<()> {
    let value = serde_json::to_string(authority).expect("an authority is JSON");
    self::put_setting(casework, TIME_AUTHORITY, &value, actor, &authority.url).await
}

/// Replaces the provider's data.
///
/// # Errors
/// Invalid for an e-mail address without one `@` and a domain, and for a page for law enforcement
/// that isn't a web address. Each may be empty, to be set later.
pub async fn set_reporter(casework: &Casework, reporter: &Reporter, actor: &str) -> Result<()> {
    change_reporter(casework, actor, |known| *known = reporter.clone()).await?;
    Ok(())
}

/// Changes the provider's data and returns the new data. If nothing changes, nothing is written or
/// audited.
///
/// # Errors
/// As for [`set_reporter`].
pub async fn change_reporter(
    casework: &Casework,
    actor: &str,
    change: impl FnOnce(&mut Reporter),
) -> Result<Reporter> {
    let mut tx = casework.db.begin().await?;
    // A write locks the row on both databases, so that neither of two concurrent changes is lost.
    // Before the first change there is no row; its empty value is read as no data.
    sqlx::query("INSERT INTO settings (name, value, changed_at) VALUES ('reporter', '{}', 0) ON CONFLICT (name) DO UPDATE SET changed_at = settings.changed_at")
        .execute(&mut *tx)
        .await?;
    let before = reporter_within(&mut tx).await?;
    let mut after = before.clone();
    change(&mut after);
    if after == before {
        return Ok(after);
    }
    if !after.email.is_empty() && !is_email(&after.email) {
        return Err(CaseworkError::invalid(
            "email",
            "the e-mail address needs one @ and a domain, like reports@example.org",
        ));
    }
    if !after.contact_email.is_empty() && !is_email(&after.contact_email) {
        return Err(CaseworkError::invalid(
            "contact_email",
            "the e-mail address for law enforcement needs one @ and a domain, like legal@example.org",
        ));
    }
    let is_web = |text: &str| {
        let rest = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"));
        rest.is_some_and(|r| !r.is_empty() && !r.contains(char::is_whitespace))
    };
    if !after.legal_url.is_empty() && !is_web(&after.legal_url) {
        return Err(CaseworkError::invalid(
            "legal_url",
            "the page for law enforcement needs a whole address, like https://example.org/legal",
        ));
    }
    let value = serde_json::to_string(&after).expect("a reporter is JSON");
    write(&mut tx, casework, "reporter", &value, actor, "").await?;
    tx.commit().await?;
    Ok(after)
}

fn is_email(text: &str) -> bool {
    let parts: Vec<_> = text.split('@').collect();
    let [local, domain] = parts[..] else {
        return false;
    };
    let dotted = domain.split('.').count() > 1 && domain.split('.').all(|d| !d.is_empty());
    !local.is_empty() && dotted && !text.contains(char::is_whitespace)
}

async fn put_setting(
    casework: &Casework,
    name: &str,
    value: &str,
    actor: &str,
    detail: &str,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    write(&mut tx, casework, name, value, actor, detail).await?;
    tx.commit().await?;
    Ok(())
}

async fn write(
    tx: &mut Tx,
    casework: &Casework,
    name: &str,
    value: &str,
    actor: &str,
    detail: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO settings (name, value, changed_at) VALUES ($3, $1, $2)
         ON CONFLICT (name) DO UPDATE SET value = $1, changed_at = $2",
    )
    .bind(value)
    .bind(casework.now())
    .bind(name)
    .execute(&mut **tx)
    .await?;
    let act = format!("settings.{name}");
    audit::write(tx, casework.now(), actor, &act, name, detail).await
}

/// True if words of people are sealed in this database (words.rs).
pub(crate) async fn words_are_sealed(
    connection: impl sqlx::Executor<'_, Database = sqlx::Any>,
) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM settings WHERE name = 'words-sealed'")
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Remembers that they are.
pub(crate) async fn words_sealed(tx: &mut Tx, now: i64) -> Result<()> {
    sqlx::query("INSERT INTO settings (name, value, changed_at) VALUES ('words-sealed', '1', $1)")
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    #[tokio::test]
    async fn an_address_that_no_receiver_takes_is_refused_when_it_is_set() {
        let (_folder, c, _) = bench::opened_at(0).await;
        for (email, fits) in [
            ("", true),
            ("reports@example.org", true),
            ("foo", false),
            ("a@b@example.org", false),
            ("reports@example", false),
            ("@example.org", false),
            ("reports@.org", false),
            ("reports team@example.org", false),
        ] {
            let reporter = Reporter {
                email: email.into(),
                ..Reporter::default()
            };
            let set = set_reporter(&c, &reporter, "test").await;
            assert_eq!(set.is_ok(), fits, "{email}");
        }
    }
}
