//! Votes for the owner of a list: that an entry is wrong, and why, in a word of a closed set.
//!
//! Invariant: a vote names list, entry and reason, and nothing about a case. It may be passed on
//! only after another person has approved it; [`votes`] returns the others too, marked as
//! unapproved.

use obhut_casework::for_domains::{Columns, Inside as _, Tx, audit};
use obhut_casework::{Casework, CaseworkError, Person, Result, Role};
use obhut_facts::words;
use serde::Serialize;

use super::disputes;

words! {
    /// Why an entry is wrong.
    VoteReason {
        /// It isn't abuse material.
        NotAbuse = "not-abuse",
        /// Its category is wrong.
        WrongCategory = "wrong-category",
        /// Its near digest matches other pictures.
        MatchesOthers = "matches-others",
        /// Its digest isn't that of the intended file, but for example that of a blank picture.
        WrongDigest = "wrong-digest",
    }
}

/// A vote about an entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Vote {
    /// The organisation that supplies the list.
    pub owner: String,
    /// The list's name.
    pub list: String,
    /// The entry.
    pub entry: String,
    /// Why it is wrong.
    pub reason: VoteReason,
    /// When it was proposed, microseconds since 1970.
    #[serde(serialize_with = "obhut_casework::time")]
    pub proposed_at: i64,
    /// When another person approved it; `None` while it must not leave.
    #[serde(serialize_with = "obhut_casework::maybe_time")]
    pub approved_at: Option<i64>,
}

/// Proposes a vote about an entry that is disputed here. A new reason replaces an earlier vote,
/// which then needs another approval.
///
/// # Errors
/// Denied without the role list-steward; not found for an unknown list; a conflict if the entry
/// isn't disputed here: a vote asks the owner only for what this installation has already done.
pub async fn propose_vote(
    casework: &Casework,
    name: &str,
    entry: &str,
    reason: VoteReason,
    person: &Person,
) -> Result<()> {
    person.require(Role::ListSteward)?;
    let list = super::list(casework, name).await?;
    let now = casework.now_micros();
    let mut tx = casework.begin().await?;
    if disputes::dispute_of(&mut tx, &list.id, entry)
        .await?
        .is_none()
    {
        return Err(CaseworkError::conflict(format!(
            "entry {entry} of \"{name}\" isn't disputed here; dispute it first"
        )));
    }
    sqlx::query(
        "INSERT INTO list_votes (list, entry, reason, proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (list, entry) DO UPDATE SET reason = $3, proposed_by = $4, proposed_at = $5, approved_by = '', approved_at = NULL",
    )
    .bind(&list.id)
    .bind(entry)
    .bind(reason.word())
    .bind(&person.id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    audit::write(&mut tx, now, &person.id, "list.vote", &list.id, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Approves a vote, so that it may leave.
///
/// # Errors
/// Denied without the role list-steward; not found for an unknown list or without a vote; a
/// conflict if this person proposed it, or if the dispute was lifted or renewed since.
pub async fn approve_vote(
    casework: &Casework,
    name: &str,
    entry: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ListSteward)?;
    let list = super::list(casework, name).await?;
    let now = casework.now_micros();
    let mut tx = casework.begin().await?;
    let row = sqlx::query(
        "SELECT proposed_by, proposed_at, reason FROM list_votes WHERE list = $1 AND entry = $2",
    )
    .bind(&list.id)
    .bind(entry)
    .fetch_optional(&mut *tx)
    .await?;
    let row = row.ok_or_else(|| CaseworkError::NotFound {
        what: "vote",
        id: entry.to_owned(),
    })?;
    let mut c = Columns::of(&row);
    let (proposed_by, proposed_at, reason) = (c.text()?, c.int()?, c.text()?);
    if !is_about_dispute(&mut tx, &list.id, entry, proposed_at).await? {
        return Err(CaseworkError::conflict(format!(
            "entry {entry} of \"{name}\" is no longer disputed, or was disputed again after the vote; propose the vote again"
        )));
    }
    if proposed_by == person.id {
        return Err(CaseworkError::conflict(format!(
            "{} proposed this vote; another person approves it",
            person.name
        )));
    }
    // Only the vote that was read: another proposal may have replaced it, even one by this person.
    let approved = sqlx::query(
        "UPDATE list_votes SET approved_by = $1, approved_at = $2
         WHERE list = $3 AND entry = $4 AND proposed_by = $5 AND proposed_at = $6 AND reason = $7",
    )
    .bind(&person.id)
    .bind(now)
    .bind(&list.id)
    .bind(entry)
    .bind(&proposed_by)
    .bind(proposed_at)
    .bind(&reason)
    .execute(&mut *tx)
    .await?;
    if approved.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "the vote about entry {entry} of \"{name}\" was proposed again meanwhile; look at it again"
        )));
    }
    audit::write(
        &mut tx,
        now,
        &person.id,
        "list.vote-approve",
        &list.id,
        entry,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// True if the vote was proposed after the current dispute began. An older vote was about an
/// earlier dispute.
async fn is_about_dispute(tx: &mut Tx, list: &str, entry: &str, proposed_at: i64) -> Result<bool> {
    let since = disputes::disputed_at(tx, list, entry).await?;
    Ok(since.is_some_and(|since| since <= proposed_at))
}

/// The votes about disputes that still hold, oldest first; votes about a lifted or an earlier
/// dispute are left out.
///
/// # Errors
/// The database failed.
pub async fn votes(casework: &Casework) -> Result<Vec<Vote>> {
    let lists = super::all_lists(casework).await?;
    let rows = sqlx::query(
        "SELECT list, entry, reason, proposed_at, approved_at FROM list_votes ORDER BY proposed_at, entry",
    )
    .fetch_all(casework.pool())
    .await?;
    let mut tx = casework.snapshot().await?;
    let mut votes = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, entry) = (c.text()?, c.text()?);
        let Some(list) = lists.iter().find(|l| l.id == id) else {
            continue;
        };
        let vote = Vote {
            owner: list.owner.clone(),
            list: list.name.clone(),
            entry: entry.clone(),
            reason: c.word(VoteReason::from_word, "reason")?,
            proposed_at: c.int()?,
            approved_at: c.maybe_int()?,
        };
        if is_about_dispute(&mut tx, &id, &entry, vote.proposed_at).await? {
            votes.push(vote);
        }
    }
    Ok(votes)
}
