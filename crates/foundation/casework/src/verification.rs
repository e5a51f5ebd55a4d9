//! Compares everything on record with the vault's log.

use obhut_store::database::Tx;
use obhut_vault::{Problem, Verification};

use crate::{Casework, Result, row_comparison, row_log, witnesses};

/// What [`verify_vault`] compared and found.
#[derive(Debug)]
pub struct Verified {
    /// The vault's files and its log, and every difference, also of the database's rows.
    pub vault: Verification,
    /// Rows of the database that were compared with the log.
    pub rows: u64,
    /// Changes of rows that aren't in the log yet.
    pub waiting: u64,
    /// True if the private keys were there. Without them everything is compared with a log that
    /// anyone with the folder could have rebuilt under another key.
    pub with_keys: bool,
}

/// Compares everything in the vault, every covered row of the database and the domains' own files
/// with the vault's log and with what the rows say of them.
/// Puts into the log first what isn't there yet.
///
/// # Errors
/// The database doesn't answer.
pub async fn verify_vault(casework: &Casework) -> Result<Verified> {
    // A vault that can't be added to is compared all the same.
    let sealed = row_log::seal_rows(casework).await;
    let mut verified = verify_as_it_is(casework).await?;
    if let Err(e) = sealed {
        verified.vault.problems.push(Problem {
            place: "what was recorded last".into(),
            what: format!("can't be put into the log: {e}"),
        });
    }
    Ok(verified)
}

/// Like [`verify_vault`], and writes nothing: what isn't in the log yet is counted as waiting. For a
/// data folder from [`crate::open_to_verify`], too.
///
/// # Errors
/// The database doesn't answer.
pub async fn verify_as_it_is(casework: &Casework) -> Result<Verified> {
    // What another process writes meanwhile is noted, and isn't compared.
    let (heads, faults) = witnesses::heads(casework).await?;
    let mut vault = casework.vault.verify_against(&heads).await;
    let faults = faults.into_iter();
    vault
        .problems
        .extend(faults.map(|(place, what)| Problem { place, what }));
    let compared = row_comparison::compare(casework, &mut vault).await?;
    for domain in casework.domains() {
        let faults = domain.faults(casework).await?;
        let faults = faults.into_iter();
        vault
            .problems
            .extend(faults.map(|(place, what)| Problem { place, what }));
        vault.leftovers.extend(domain.leftovers(casework).await?);
    }
    for link in casework.folder.links() {
        // A store follows it: what lies behind isn't named file by file.
        if let Some(inside) = link.strip_prefix("vault/") {
            let behind = format!("{inside}/");
            vault.problems.retain(|p| !p.place.starts_with(&behind));
            vault.leftovers.retain(|name| !name.starts_with(&behind));
        }
        vault.problems.push(Problem {
            place: link,
            what: "is a link, and obhut makes none; nothing behind it is part of the record".into(),
        });
    }
    vault.problems.extend(casework.key_fault.clone());
    // The store doesn't list its unfinished files.
    let unfinished = casework.folder.unfinished_evidence();
    vault.leftovers.extend(unfinished);
    Ok(Verified {
        vault,
        rows: compared.rows,
        waiting: compared.waiting,
        with_keys: casework.has_keys,
    })
}

/// A file that nothing names is deleted only when it is this old. Our judgement: an import takes
/// minutes, and clocks differ by hours at most.
const LEFTOVER_AGE_MIN: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// How often what others record meanwhile is put into the log first. Our judgement.
const TRIES_MAX: usize = 20;

/// A transaction in which the database's rows agree with the vault's log, begun before something is
/// done for good. What is read in it was written by obhut: on SQLite
/// nothing else can write before it ends. It may be dropped before what it decided is done.
///
/// # Errors
/// Something differs; others write all the time; or the database or the vault failed.
pub(crate) async fn begin_whole(casework: &Casework) -> Result<Tx> {
    for _ in 0..TRIES_MAX {
        row_log::seal_rows(casework).await?;
        let tx = casework.db.begin_alone().await?;
        let mut seen = casework.vault.verify_log().await;
        let waiting = row_comparison::compare(casework, &mut seen).await?.waiting;
        if let Some(first) = seen.problems.first() {
            return Err(crate::CaseworkError::conflict(format!(
                "the record doesn't agree with the vault's log ({}: {}); until it does, nothing is destroyed, released or handed over",
                first.place, first.what
            )));
        }
        if waiting == 0 {
            return Ok(tx);
        }
    }
    Err(crate::CaseworkError::Unavailable {
        why: "others are writing to the database; try again".into(),
    })
}

/// Requires the vault's log to be one that has grown from a checkpoint kept elsewhere: an older copy
/// of the whole folder isn't. A copy of `vault/log/checkpoint` is one.
///
/// # Errors
/// Invalid if it isn't a checkpoint of this vault's log.
pub fn expect_checkpoint(casework: &Casework, checkpoint: &[u8]) -> Result<()> {
    let expected = casework.vault.expect_checkpoint(checkpoint);
    expected.map_err(|_| {
        let what = "the file isn't a checkpoint that this vault's log has signed";
        crate::CaseworkError::invalid("checkpoint", what)
    })
}

/// Deletes files of the vault and the domains that nothing names and that are older than a day: what
/// intakes, readings, erasures and imports left that were cut off before they were recorded. Returns
/// their names.
///
/// # Errors
/// The vault's log or the database can't be read in whole, or a file can't be deleted.
pub async fn delete_leftovers(casework: &Casework, actor: &str) -> Result<Vec<String>> {
    // A store follows links: what they lead to isn't obhut's to delete.
    if let Some(link) = casework.folder.links().first() {
        return Err(crate::CaseworkError::conflict(format!(
            "{link} is a link, and obhut makes none; find out who made it, and remove it first"
        )));
    }
    // Before, so that no file vanishes without a row.
    crate::note(casework, actor, "vault.clean", "vault", "").await?;
    let mut deleted = casework.vault.delete_leftovers().await?;
    for domain in casework.domains() {
        for name in domain.leftovers(casework).await? {
            if casework.folder.delete_if_older(&name, LEFTOVER_AGE_MIN)? {
                deleted.push(name);
            }
        }
    }
    Ok(deleted)
}
