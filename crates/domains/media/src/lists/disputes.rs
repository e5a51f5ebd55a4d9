//! Disputed entries: they don't match until the dispute is lifted. Where an appeal is upheld, the
//! dispute of an exact digest is only proposed; another person confirms it. An entry may have
//! digests of both sorts.

use std::collections::HashMap;

use obhut_casework::for_domains::{Columns, Inside as _, Tx, audit, changes};
use obhut_casework::{Casework, CaseworkError, Result};

use super::current::load;

// Values of the column `proposed`.
/// No digest of the entry matches.
const WHOLE: i64 = 0;
/// Every digest still matches, until another person disputes the entry.
const PROPOSED: i64 = 1;
/// Its exact digests still match, until another person disputes the entry; the others don't.
const NEAR: i64 = 2;

/// How much of an entry doesn't match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dispute {
    /// All its digests.
    Whole,
    /// Its perceptual digests.
    Near,
}

impl Dispute {
    /// Whether it stops a match by a digest of this sort.
    pub fn covers(self, exact: bool) -> bool {
        self == Self::Whole || !exact
    }
}

/// Disputes an entry: from the next screening on it doesn't match, in any version.
///
/// # Errors
/// No list has that name, neither its newest nor its signed version has the entry, or this person
/// proposed the dispute.
pub async fn dispute_entry(
    casework: &Casework,
    name: &str,
    entry: &str,
    reason: &str,
    actor: &str,
) -> Result<()> {
    let list = super::list(casework, name).await?;
    let known = load(casework, &list.id, &list.version)
        .await?
        .has_entry(entry);
    // The signed version may hold an entry that a newer whole file lacks, and it still matches.
    let matching = match &list.matching_version {
        Some(version) => load(casework, &list.id, version).await?.has_entry(entry),
        None => false,
    };
    if !known && !matching {
        return Err(CaseworkError::NotFound {
            what: "list entry",
            id: entry.to_owned(),
        });
    }
    require_another(casework, &list.id, entry, actor).await?;
    // Begun only now: loading the list above can take seconds, and others can't write during a
    // transaction.
    let mut tx = casework.begin().await?;
    dispute(
        &mut tx,
        casework.now_micros(),
        &list.id,
        entry,
        reason,
        actor,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Lifts a dispute, so that the entry matches again, or withdraws a proposed one.
///
/// # Errors
/// No list has that name, the entry isn't disputed, or this person proposed the dispute.
pub async fn lift_dispute(casework: &Casework, name: &str, entry: &str, actor: &str) -> Result<()> {
    let list = super::list(casework, name).await?;
    // Otherwise the proposer could withdraw the proposal and then dispute the entry alone.
    require_another(casework, &list.id, entry, actor).await?;
    let mut tx = casework.begin().await?;
    let lifted = sqlx::query(
        "UPDATE list_disputes SET lifted_at = $1 WHERE list = $2 AND entry = $3 AND lifted_at IS NULL",
    )
    .bind(casework.now_micros())
    .bind(&list.id)
    .bind(entry)
    .execute(&mut *tx)
    .await?;
    if lifted.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "entry {entry} of \"{name}\" is not disputed"
        )));
    }
    changes::note(&mut tx).await?;
    audit::write(
        &mut tx,
        casework.now_micros(),
        actor,
        "list.enable",
        &list.id,
        entry,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Writes a dispute. Disputing again replaces who disputed it, why and when.
pub(crate) async fn dispute(
    tx: &mut Tx,
    now: i64,
    list: &str,
    entry: &str,
    reason: &str,
    actor: &str,
) -> Result<()> {
    write(tx, now, (list, entry), reason, actor, WHOLE).await?;
    changes::note(tx).await?;
    audit::write(tx, now, actor, "list.disable", list, entry).await
}

/// Disputes an entry's perceptual digests, and proposes the same for exact ones that it may have.
pub(crate) async fn dispute_near(
    tx: &mut Tx,
    now: i64,
    list: &str,
    entry: &str,
    reason: &str,
    actor: &str,
) -> Result<()> {
    write(tx, now, (list, entry), reason, actor, NEAR).await?;
    changes::note(tx).await?;
    audit::write(tx, now, actor, "list.disable-near", list, entry).await
}

/// Proposes a dispute: the entry keeps matching until another person disputes it. An exact digest
/// names one file and no other, so one person alone must not let that file pass everywhere.
pub(crate) async fn propose_dispute(
    tx: &mut Tx,
    now: i64,
    list: &str,
    entry: &str,
    reason: &str,
    actor: &str,
) -> Result<()> {
    write(tx, now, (list, entry), reason, actor, PROPOSED).await?;
    audit::write(tx, now, actor, "list.propose-disable", list, entry).await
}

async fn write(
    tx: &mut Tx,
    now: i64,
    (list, entry): (&str, &str),
    reason: &str,
    actor: &str,
    proposed: i64,
) -> Result<()> {
    // Lifting a dispute keeps its row, so a second one has to clear `lifted_at`. What one person
    // disputes on an appeal never replaces what holds already, except that an open proposal becomes
    // a dispute of the perceptual digests.
    sqlx::query(
        "INSERT INTO list_disputes (list, entry, disputed_by, reason, disputed_at, proposed) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (list, entry) DO UPDATE SET lifted_at = NULL, proposed = $6, disputed_by = $3, reason = $4, disputed_at = $5
            WHERE $6 = 0 OR list_disputes.lifted_at IS NOT NULL OR ($6 = 2 AND list_disputes.proposed = 1)",
    )
    .bind(list)
    .bind(entry)
    .bind(actor)
    .bind(reason)
    .bind(now)
    .bind(proposed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// # Errors
/// A conflict if this person proposed the dispute: another person has to confirm or withdraw it.
async fn require_another(casework: &Casework, list: &str, entry: &str, actor: &str) -> Result<()> {
    let row = sqlx::query(
        "SELECT disputed_by FROM list_disputes WHERE list = $1 AND entry = $2 AND proposed <> 0 AND lifted_at IS NULL",
    )
    .bind(list)
    .bind(entry)
    .fetch_optional(casework.pool())
    .await?;
    match row.map(|row| Columns::of(&row).text()).transpose()? {
        Some(proposed_by) if proposed_by == actor => Err(CaseworkError::conflict(format!(
            "you proposed to dispute entry {entry} when you upheld the appeal; another person confirms or withdraws that"
        ))),
        _ => Ok(()),
    }
}

/// Entries that don't match any more, by list and entry.
pub(crate) async fn disputed(tx: &mut Tx) -> Result<HashMap<(String, String), Dispute>> {
    let rows = sqlx::query(
        "SELECT list, entry, proposed FROM list_disputes WHERE lifted_at IS NULL AND proposed <> 1",
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            let entry = (c.text()?, c.text()?);
            Ok((entry, of(c.int()?)))
        })
        .collect()
}

fn of(proposed: i64) -> Dispute {
    match proposed {
        WHOLE => Dispute::Whole,
        _ => Dispute::Near,
    }
}

/// The dispute because of which the entry, or part of it, doesn't match.
pub(crate) async fn dispute_of(tx: &mut Tx, list: &str, entry: &str) -> Result<Option<Dispute>> {
    let row = sqlx::query(
        "SELECT proposed FROM list_disputes WHERE list = $1 AND entry = $2 AND lifted_at IS NULL AND proposed <> 1",
    )
    .bind(list)
    .bind(entry)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok(of(Columns::of(&row).int()?))).transpose()
}

/// Since when the entry is disputed, microseconds since 1970; `None` if it isn't.
pub(crate) async fn disputed_at(tx: &mut Tx, list: &str, entry: &str) -> Result<Option<i64>> {
    let row = sqlx::query(
        "SELECT disputed_at FROM list_disputes WHERE list = $1 AND entry = $2 AND lifted_at IS NULL AND proposed <> 1",
    )
    .bind(list)
    .bind(entry)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).int()).transpose()
}

/// Number of disputed entries of a list.
pub(super) async fn count(tx: &mut Tx, list: &str) -> Result<u64> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM list_disputes WHERE list = $1 AND lifted_at IS NULL AND proposed <> 1",
    )
    .bind(list)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Columns::of(&row).int()? as u64)
}
