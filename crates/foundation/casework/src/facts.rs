//! Stores the facts of a case, sealed, and merges them with what each domain contributes.

pub use obhut_facts::*;

use sha2::{Digest as _, Sha256};

use crate::database::{Columns, Database, Tx};
use crate::{
    Casework, CaseworkError, Result, Subject, audit, cases, danger, deadlines, findings, sealed,
    work_queue,
};

pub(crate) async fn write(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    facts: &Facts,
) -> Result<()> {
    let json = serde_json::to_string(facts).expect("facts are JSON");
    sqlx::query(
        "INSERT INTO facts (case_id, sealed) VALUES ($1, $2) ON CONFLICT (case_id) DO UPDATE SET sealed = $2",
    )
    .bind(case)
    .bind(sealed::seal_text(casework, &json))
    .execute(&mut **tx)
    .await?;
    let reasons = rank(tx, casework, case, facts).await?;
    danger::watch(tx, casework, case, &reasons).await
}

/// Sets the rank of a case from these facts, from what domains contribute, and from its files;
/// returns the reasons for it.
pub(crate) async fn rank(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    facts: &Facts,
) -> Result<Vec<Reason>> {
    let files = findings::found_files(tx, case).await?;
    let mut whole = facts.clone();
    for domain in casework.domains() {
        whole.merge(domain.dossier_part(tx, casework, case).await?);
    }
    let (score, reasons) = danger::rate(&whole, files);
    work_queue::rank(tx, case, score, &reasons).await?;
    Ok(reasons)
}

/// Adds what the platform knows about an upload to the stored facts of an open case.
pub(crate) async fn add_upload(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    subject: &Subject,
    exhibit: Option<&str>,
) -> Result<()> {
    if subject.upload == UploadFacts::default() {
        let known = stored(tx, casework, case).await?;
        rank(tx, casework, case, &known).await?;
        return Ok(());
    }
    let account = subject.account.as_ref().map(|a| a.expose().as_str());
    add(tx, casework, case, |known| {
        subject.upload.add_to(known, account, exhibit);
    })
    .await
}

/// Lets `change` add to the stored facts of a case.
pub(crate) async fn add(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    change: impl FnOnce(&mut Facts),
) -> Result<()> {
    let before = stored(tx, casework, case).await?;
    let mut after = before.clone();
    change(&mut after);
    if after == before {
        rank(tx, casework, case, &before).await?;
        return Ok(());
    }
    write(tx, casework, case, &after).await
}

/// The facts stored by people and sources; empty if there are none.
pub(crate) async fn stored(tx: &mut Tx, casework: &Casework, case: &str) -> Result<Facts> {
    let row = sqlx::query("SELECT sealed FROM facts WHERE case_id = $1")
        .bind(case)
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = row else {
        return Ok(Facts::default());
    };
    let json = sealed::open_text(casework, &Columns::of(&row).text()?)?;
    serde_json::from_str(&json).map_err(|_| CaseworkError::unreadable("facts of a case"))
}

/// Deletes the stored facts of a cleared case. Each domain deletes what it holds.
pub(crate) async fn erase(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("DELETE FROM facts WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// One sealed text of this table, if there is any.
pub(crate) async fn any_sealed(db: &Database) -> Result<Option<String>> {
    let row = sqlx::query("SELECT sealed FROM facts LIMIT 1")
        .fetch_optional(db.pool())
        .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// The facts of a case: those stored by people and sources, merged with what each domain
/// contributes now. A stored value wins.
pub async fn facts(casework: &Casework, case: &str) -> Result<Facts> {
    within(&mut casework.db.snapshot().await?, casework, case).await
}

/// The same within a transaction.
pub(crate) async fn within(tx: &mut Tx, casework: &Casework, case: &str) -> Result<Facts> {
    // Fails for an unknown case, which would otherwise read as one without facts.
    cases::status(tx, case).await?;
    let mut facts = stored(tx, casework, case).await?;
    for domain in casework.domains() {
        facts.merge(domain.dossier_part(tx, casework, case).await?);
    }
    Ok(facts)
}

/// Replaces the stored facts. What a domain contributes is not affected. A conflict for a cleared
/// case.
pub async fn set_facts(casework: &Casework, case: &str, facts: &Facts, actor: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    // The case is locked until the commit, so that no appeal is upheld between the check and the
    // write.
    cases::hold(&mut tx, case).await?;
    set(&mut tx, casework, case, facts, actor).await?;
    tx.commit().await?;
    Ok(())
}

/// The values in these facts that can't be true, as of now.
pub fn fact_faults(casework: &Casework, facts: &Facts) -> Vec<FactFault> {
    facts.faults(casework.now())
}

/// Identifies a state of the facts, so that only what was read is replaced.
pub fn facts_version(facts: &Facts) -> String {
    let json = serde_json::to_vec(facts).expect("facts are JSON");
    // Half of SHA-256 is plenty: it distinguishes the states of one case.
    hex::encode(&Sha256::digest(json)[..16])
}

/// Like [`set_facts`], but only if the facts are still those that `version` ([`facts_version`])
/// identifies.
///
/// # Errors
/// A conflict if they have been changed since, by a person or by an upload.
pub async fn replace_facts(
    casework: &Casework,
    case: &str,
    version: &str,
    facts: &Facts,
    actor: &str,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    // The case is locked from here on, so that no upload adds facts between the read and the write.
    cases::hold(&mut tx, case).await?;
    if facts_version(&within(&mut tx, casework, case).await?) != version {
        return Err(CaseworkError::conflict(format!(
            "the facts of {case} were changed meanwhile; read them again and repeat your change"
        )));
    }
    set(&mut tx, casework, case, facts, actor).await?;
    tx.commit().await?;
    Ok(())
}

async fn set(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    facts: &Facts,
    actor: &str,
) -> Result<()> {
    cases::require_not_cleared(tx, case).await?;
    // Don't store what a domain contributes itself: the stored copy would go stale and win.
    let mut own = facts.clone();
    for domain in casework.domains() {
        own.subtract(&domain.dossier_part(tx, casework, case).await?);
    }
    let before = stored(tx, casework, case).await?;
    write(tx, casework, case, &own).await?;
    if own.reported.is_some() && !findings::stopped_exhibits(tx, case).await?.is_empty() {
        cases::close_group(tx, casework, case).await?;
    }
    let (before, after) = (before.known_at.as_deref(), own.known_at.as_deref());
    deadlines::move_report(tx, case, before, after).await?;
    audit::write(tx, casework.now(), actor, "case.facts", case, "").await
}
