//! What a signature binds: the content of a version's files, from the whole list to the newest delta.
//!
//! A version's name says nothing about the bytes in its file. So each version row stores the digest
//! of its file's content, and each signature stores the digest over all files the version consists
//! of. Whenever a file is opened, its content is checked against the digest in the version row.

use serde::Serialize;

use super::current::{chain_of, verify};
use super::files::{Old, digest};
use super::{HashList, SIGNATURES_MIN, files, segment, versions_of};
use obhut_casework::for_domains::{Columns, Inside as _, Tx, audit, changes};
use obhut_casework::{Casework, Result};

/// Digest over all files a version consists of, oldest first; `None` if the digest of one isn't on
/// record, in which case no signature can be valid.
pub(super) async fn content(tx: &mut Tx, list: &str, version: &str) -> Result<Option<String>> {
    let all = versions_of(tx, list, version).await?;
    let mut so_far = String::new();
    for part in chain_of(version, &all) {
        if part.content.is_empty() {
            return Ok(None);
        }
        // Chained, so that the order of the files counts too.
        so_far = digest(format!("{so_far}\n{}", part.content).as_bytes());
    }
    // Empty where the version itself is not on record.
    Ok((!so_far.is_empty()).then_some(so_far))
}

/// Digest of the content of a version's own file; empty if no digest was recorded. An unknown
/// version is an error.
pub(super) async fn own_content(tx: &mut Tx, list: &str, version: &str) -> Result<String> {
    let row = sqlx::query("SELECT content FROM list_versions WHERE list = $1 AND version = $2")
        .bind(list)
        .bind(version)
        .fetch_one(&mut **tx)
        .await?;
    Columns::of(&row).text()
}

/// The newest version with enough signatures over its current content.
pub(super) async fn matching_version(tx: &mut Tx, list: &str) -> Result<Option<String>> {
    let rows = sqlx::query(
        "SELECT v.version, s.content FROM list_versions v JOIN (
            SELECT version, content FROM list_signatures WHERE list = $1
            GROUP BY version, content HAVING COUNT(*) >= $2) s
            ON s.version = v.version
         WHERE v.list = $1 ORDER BY v.sequence DESC",
    )
    .bind(list)
    .bind(SIGNATURES_MIN as i64)
    .fetch_all(&mut **tx)
    .await?;
    // Newest first: an older signed version matches until a newer one has enough signatures.
    for row in &rows {
        let mut c = Columns::of(row);
        let (version, signed) = (c.text()?, c.text()?);
        if content(tx, list, &version).await? == Some(signed) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// A list whose files were compared with what was imported.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedList {
    /// The list; shown without signatures and as unsigned if one of its files has a fault.
    #[serde(flatten)]
    pub list: HashList,
    /// What is wrong with its files.
    #[serde(skip)]
    pub fault: Option<String>,
}

/// All lists, by name, each verified against its files. A list with a missing or replaced file is
/// returned without its signatures.
pub async fn checked_lists(casework: &Casework) -> Result<Vec<CheckedList>> {
    let mut checked = Vec::new();
    for mut list in super::all_lists(casework).await? {
        let versions = [Some(list.version.clone()), list.matching_version.clone()];
        let mut fault = None;
        for version in versions.iter().flatten().filter(|v| !v.is_empty()) {
            if let Err(e) = verify(casework, &list.id, version).await {
                fault = Some(e.to_string());
            }
        }
        if fault.is_some() {
            // The files can't be shown to be what was signed, so the list is shown as unsigned.
            list.signatures.clear();
            list.unsigned = true;
            list.matching_version = None;
        }
        checked.push(CheckedList { list, fault });
    }
    Ok(checked)
}

/// The files of list versions that aren't those that were imported: place, and what is wrong.
pub(crate) async fn faults_of_files(casework: &Casework) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query("SELECT list, version, content FROM list_versions WHERE content <> '' ORDER BY list, sequence")
        .fetch_all(casework.pool())
        .await?;
    let mut faults = files::faults(casework, versions(&rows)?).await?;
    let foreign = unnamed_files(casework).await?.foreign.into_iter();
    faults
        .extend(foreign.map(|name| (name, "isn't a file of obhut's; nothing refers to it".into())));
    Ok(faults)
}

/// The files below `lists/` that no version names.
pub(crate) async fn unnamed_files(casework: &Casework) -> Result<files::Unnamed> {
    let rows = sqlx::query("SELECT list, version, content FROM list_versions")
        .fetch_all(casework.pool())
        .await?;
    Ok(files::unnamed(casework, &versions(&rows)?))
}

/// List, version and content of each row.
fn versions(rows: &[sqlx::any::AnyRow]) -> Result<Vec<(String, String, String)>> {
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?, c.text()?))
        })
        .collect()
}

/// Keys the digests that an older release put on record in plain form, and puts the bytes of files on
/// record. Each signature is kept if it was one over the content of then.
pub(crate) async fn key_contents(casework: &Casework) -> Result<()> {
    let all = "SELECT list, version, content FROM list_versions WHERE content <> '' ORDER BY list, sequence";
    let rows = sqlx::query(all).fetch_all(casework.pool()).await?;
    if Old::of(casework, &versions(&rows)?).await?.is_empty() {
        return Ok(());
    }
    let mut tx = casework.begin().await?;
    // Asked again inside the transaction: several processes may start together.
    let rows = sqlx::query(all).fetch_all(&mut *tx).await?;
    let of_then = versions(&rows)?;
    let old = Old::of(casework, &of_then).await?;
    old.record_files(&mut tx).await?;
    let mut signed = Vec::new();
    for (list, version, _) in &of_then {
        signed.push(content(&mut tx, list, version).await?);
    }
    for (list, version, keyed) in &old.keyed {
        sqlx::query("UPDATE list_versions SET content = $1 WHERE list = $2 AND version = $3")
            .bind(keyed)
            .bind(list)
            .bind(version)
            .execute(&mut *tx)
            .await?;
    }
    for ((list, version, _), before) in of_then.iter().zip(signed) {
        let now = content(&mut tx, list, version).await?;
        let (Some(before), Some(now)) = (before, now) else {
            continue;
        };
        sqlx::query("UPDATE list_signatures SET content = $1 WHERE list = $2 AND version = $3 AND content = $4 AND content <> $1")
            .bind(now)
            .bind(list)
            .bind(version)
            .bind(before)
            .execute(&mut *tx)
            .await?;
    }
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Binds signatures made by an older release, which cover only a version's name, to the content of
/// its files. Those of a version with a file that doesn't match its name stay unbound.
pub(crate) async fn bind_old_signatures(casework: &Casework) -> Result<()> {
    let unbound = "SELECT list, version, parent FROM list_versions WHERE content = '' ORDER BY list, sequence";
    if sqlx::query(unbound)
        .fetch_optional(casework.pool())
        .await?
        .is_none()
    {
        return Ok(());
    }
    let mut tx = casework.begin().await?;
    // Asked again inside the transaction: several processes may start together.
    let rows = sqlx::query(unbound).fetch_all(&mut *tx).await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (list, version, parent) = (c.text()?, c.text()?, c.maybe_text()?);
        let path = casework.folder().list_file(&list, &version);
        let opened = std::fs::read(&path)
            .ok()
            .and_then(|sealed| casework.sealer().open(&sealed));
        // Stays unbound, and its signatures without effect, until a start finds the file.
        let Some(bytes) = opened else { continue };
        // An old signature covered only the name, so recompute the name from the file's content.
        let named = segment::read(&bytes).ok().map(|entries| match &parent {
            None => entries.version,
            Some(parent) => digest(format!("{parent}\n{}", entries.version).as_bytes()),
        });
        if named.as_deref() != Some(&version) {
            continue;
        }
        sqlx::query("UPDATE list_versions SET content = $1 WHERE list = $2 AND version = $3")
            .bind(digest(&bytes))
            .bind(&list)
            .bind(&version)
            .execute(&mut *tx)
            .await?;
    }
    let signed = sqlx::query(
        "SELECT DISTINCT list, version FROM list_signatures WHERE content = '' ORDER BY list, version",
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in &signed {
        let mut c = Columns::of(row);
        let (list, version) = (c.text()?, c.text()?);
        let Some(bound) = content(&mut tx, &list, &version).await? else {
            continue;
        };
        sqlx::query("UPDATE list_signatures SET content = $1 WHERE list = $2 AND version = $3 AND content = ''")
            .bind(bound)
            .bind(&list)
            .bind(&version)
            .execute(&mut *tx)
            .await?;
        audit::write(
            &mut tx,
            casework.now_micros(),
            "upgrade",
            "list.bind",
            &list,
            &version,
        )
        .await?;
    }
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
