//! Erases what a cleared person's case held, with a proof, and keeps on record what the platform
//! has to give back until it has done so.
//!
//! Invariant: nothing of a case is erased while an appeal about that case is open.
//! What was filed must be preserved for a year (18 USC 2258A(h)). The exhibits of such a case are
//! erased when the year ends; until then the proof names the date.

use obhut_facts::{Sealed, words};
use serde::Serialize;

use crate::casework::{Clearing, Gone, Removed};
use crate::database::{Columns, Tx};
use crate::retention::{self, ErasureWaits};
use crate::{Casework, CaseworkError, Person, Result, Role, audit, cases, ids, sealed, vault_log};

/// Age at which a pre-upgrade database copy is deleted, if a person in it was cleared, in
/// microseconds: 30 days, our judgement of how soon a bad upgrade is noticed.
pub(crate) const COPY_KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;

words! {
    /// What a platform has to undo.
    Restored {
        /// The account is open again.
        Account = "account",
        /// The content is back.
        Content = "content",
    }
}

/// Something a platform has to undo.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Restoration {
    /// Id.
    pub id: String,
    /// The case.
    pub case: String,
    /// What.
    pub what: Restored,
    /// The account's name; deleted once the restoration is done.
    #[serde(skip)]
    pub account: Option<Sealed<String>>,
    /// When it was done.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub done_at: Option<i64>,
}

/// An item that was or will be erased, and the entry in the vault's log that records it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Erasure {
    /// The exhibit; `database` for the database rows; the file name of a database copy; a word for
    /// what a domain held.
    pub exhibit: String,
    /// When it was erased; `None` until then.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub done_at: Option<i64>,
    /// Earliest time of the erasure, microseconds since 1970; `i64::MAX` for an item that could not
    /// be examined, and so is never due.
    #[serde(serialize_with = "crate::clock::time")]
    pub not_before: i64,
    /// Index of the entry in the vault's log; `None` for what the vault doesn't hold.
    pub log_index: Option<i64>,
    /// What else it waits for: a hold, or certainty that the time has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// An item that is kept, and the reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Kept {
    /// What it is.
    pub what: String,
    /// The reason.
    pub because: String,
}

/// The proof of a cleared person's erasure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ErasureProof {
    /// The case.
    pub case: String,
    /// What was or will be erased.
    pub erased: Vec<Erasure>,
    /// Items that are kept, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// True when everything in `erased` has been erased and no domain has work left.
    pub complete: bool,
    /// Size of the vault's log now, in entries.
    pub log_size: u64,
    /// Merkle root of the vault's log, hexadecimal (RFC 6962).
    pub log_root: String,
    /// The public key that verifies the log's checkpoint.
    pub log_key: String,
}

/// Queues the follow-up work of a domain for a cleared case.
pub(crate) async fn queue(tx: &mut Tx, now: i64, case: &str, domain: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO settlements (case_id, domain, put_at) VALUES ($1, $2, $3)
         ON CONFLICT (case_id, domain) DO UPDATE SET put_at = $3, done_at = NULL",
    )
    .bind(case)
    .bind(domain)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Records what an upheld appeal erases and keeps, and what the platform has to restore.
pub(crate) async fn plan(
    tx: &mut Tx,
    casework: &Casework,
    clearing: &Clearing<'_>,
    removed: &[Removed],
    account: Option<&str>,
) -> Result<()> {
    let now = casework.now();
    let case = clearing.case;
    // Database rows are deleted within this same transaction.
    let database = Removed::done("database");
    for part in std::iter::once(&database).chain(removed) {
        let (done, not_before, kept) = match part.when {
            Gone::Done => (Some(now), now, None),
            Gone::NotBefore(at) => (None, at, None),
            Gone::Kept(because) => (None, now, Some(because)),
        };
        sqlx::query("INSERT INTO erasures (id, case_id, appeal, exhibit, put_at, not_before, done_at, kept_because) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(ids::new("erasure"))
            .bind(case)
            .bind(clearing.appeal)
            .bind(&part.what)
            .bind(now)
            .bind(not_before)
            .bind(done)
            .bind(kept)
            .execute(&mut **tx)
            .await?;
    }
    for what in Restored::ALL {
        sqlx::query("INSERT INTO restorations (id, case_id, what, account_sealed, put_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(ids::new("restoration"))
            .bind(case)
            .bind(what.word())
            .bind(account.map(|a| sealed::seal_text(casework, a)))
            .bind(now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Items due for erasure: id, case, item, appeal.
pub(crate) async fn due(casework: &Casework) -> Result<Vec<[String; 4]>> {
    due_within(&mut casework.db.snapshot().await?, casework.now()).await
}

/// Like [`due`], within a transaction.
pub(crate) async fn due_within(tx: &mut Tx, now: i64) -> Result<Vec<[String; 4]>> {
    let rows = sqlx::query("SELECT id, case_id, exhibit, appeal FROM erasures WHERE done_at IS NULL AND kept_because IS NULL AND not_before <= $1 ORDER BY put_at, id")
        .bind(now)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok([c.text()?, c.text()?, c.text()?, c.text()?])
        })
        .collect()
}

/// Queued work of domains: case and domain.
pub(crate) async fn unsettled(casework: &Casework) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT case_id, domain FROM settlements WHERE done_at IS NULL ORDER BY put_at, case_id, domain",
    )
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?))
        })
        .collect()
}

/// Marks the queued work of a domain as done.
pub(crate) async fn mark_finished(casework: &Casework, case: &str, domain: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    sqlx::query("UPDATE settlements SET done_at = $1 WHERE case_id = $2 AND domain = $3")
        .bind(casework.now())
        .bind(case)
        .bind(domain)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Marks an item that was to be erased as kept.
pub(crate) async fn kept(casework: &Casework, id: &str, because: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    sqlx::query("UPDATE erasures SET kept_because = $1 WHERE id = $2 AND done_at IS NULL")
        .bind(because)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Puts off the erasure of an item, in microseconds since 1970.
pub(crate) async fn put_off(casework: &Casework, id: &str, until: i64) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    sqlx::query("UPDATE erasures SET not_before = $1 WHERE id = $2 AND done_at IS NULL")
        .bind(until)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Marks an item as erased, once.
pub(crate) async fn erased(
    casework: &Casework,
    id: &str,
    what: &str,
    appeal: &str,
    index: Option<i64>,
) -> Result<()> {
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    let done = sqlx::query(
        "UPDATE erasures SET done_at = $1, log_index = $2 WHERE id = $3 AND done_at IS NULL",
    )
    .bind(now)
    .bind(index)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    // Another worker was faster; one audit row is enough.
    if done.rows_affected() == 0 {
        return Ok(());
    }
    audit::write(&mut tx, now, "redress", "exhibit.erase", what, appeal).await?;
    tx.commit().await?;
    Ok(())
}

/// The proof of what was erased from a case. A conflict if no appeal about the case was upheld.
pub async fn erasure_proof(casework: &Casework, case: &str) -> Result<ErasureProof> {
    cases::status(&mut casework.db.snapshot().await?, case).await?;
    let rows = sqlx::query("SELECT exhibit, done_at, not_before, log_index, kept_because FROM erasures WHERE case_id = $1 ORDER BY put_at, id")
        .bind(case)
        .fetch_all(casework.db.pool())
        .await?;
    let (mut erased, mut kept) = (Vec::new(), Vec::new());
    for row in &rows {
        let mut c = Columns::of(row);
        let entry = Erasure {
            exhibit: c.text()?,
            done_at: c.maybe_int()?,
            not_before: c.int()?,
            log_index: c.maybe_int()?,
            waits_for: None,
        };
        match c.maybe_text()? {
            None => erased.push(entry),
            Some(because) => kept.push(Kept {
                what: entry.exhibit,
                because,
            }),
        }
    }
    // Each clearing writes at least the row `database`.
    if erased.is_empty() {
        return Err(CaseworkError::conflict(format!(
            "nothing of case {case} was erased; data is erased only after an appeal about the case is upheld"
        )));
    }
    let waiting =
        sqlx::query("SELECT COUNT(*) FROM settlements WHERE case_id = $1 AND done_at IS NULL")
            .bind(case)
            .fetch_one(casework.db.pool())
            .await?;
    let finished = Columns::of(&waiting).int()? == 0;
    let mut tx = casework.db.snapshot().await?;
    for erasure in erased.iter_mut().filter(|e| e.done_at.is_none()) {
        let waits = retention::erasure_waits(casework, &mut tx, &erasure.exhibit, case).await?;
        erasure.waits_for = match waits {
            Some(ErasureWaits::Held(hold)) => Some(format!("it is held ({hold})")),
            Some(ErasureWaits::Unsure { why, .. }) => Some(why),
            // Its time says so.
            Some(ErasureWaits::Until(_)) | None => None,
        };
    }
    drop(tx);
    let head = casework.vault.head().await?;
    Ok(ErasureProof {
        case: case.to_owned(),
        complete: finished && erased.iter().all(|e| e.done_at.is_some()),
        kept,
        erased,
        log_size: head.size,
        log_root: hex::encode(head.root),
        log_key: vault_log::vault_key(casework).to_owned(),
    })
}

/// What the platform still has to undo; with `all`, also what it has undone.
pub async fn restorations(casework: &Casework, all: bool) -> Result<Vec<Restoration>> {
    let rows = sqlx::query("SELECT id, case_id, what, account_sealed, done_at FROM restorations WHERE ($1 = 1 OR done_at IS NULL) ORDER BY put_at, id")
        .bind(i64::from(all))
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Restoration {
                id: c.text()?,
                case: c.text()?,
                what: c.word(Restored::from_word, "what is restored")?,
                account: match c.maybe_text()? {
                    Some(sealed) => Some(Sealed::new(sealed::open_text(casework, &sealed)?)),
                    None => None,
                },
                done_at: c.maybe_int()?,
            })
        })
        .collect()
}

/// True while something that was taken because of a case has still to be given back.
pub(crate) async fn is_to_be_restored(casework: &Casework, case: &str) -> Result<bool> {
    let row =
        sqlx::query("SELECT COUNT(*) FROM restorations WHERE case_id = $1 AND done_at IS NULL")
            .bind(case)
            .fetch_one(casework.db.pool())
            .await?;
    Ok(Columns::of(&row).int()? > 0)
}

/// Marks a restoration as done and deletes the account name stored with it. Denied without the role
/// reviewer; not found if it is unknown or done already.
pub async fn finish_restoration(casework: &Casework, id: &str, person: &Person) -> Result<()> {
    person.require(Role::Reviewer)?;
    let mut tx = casework.db.begin().await?;
    let done = sqlx::query("UPDATE restorations SET done_at = $1, done_by = $2, account_sealed = NULL WHERE id = $3 AND done_at IS NULL")
        .bind(casework.now())
        .bind(&person.id)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Err(CaseworkError::NotFound {
            what: "open restoration",
            id: id.to_owned(),
        });
    }
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "restoration.done",
        id,
        "",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
