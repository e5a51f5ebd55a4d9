//! Compares everything on record with the vault's log.

use obhut_vault::Verification;

use crate::{Casework, Result, row_log};

/// What [`verify_vault`] compared and found.
#[derive(Debug)]
pub struct Verified {
    /// The vault's files and its log, and every difference, also of the database's rows.
    pub vault: Verification,
    /// Rows of the database that were compared with the log.
    pub rows: u64,
    /// Changes of rows that aren't in the log yet.
    pub waiting: u64,
}

/// Compares everything in the vault, and every covered row of the database, with the vault's log.
/// Puts into the log first what isn't there yet.
///
/// # Errors
/// The database doesn't answer.
pub async fn verify_vault(casework: &Casework) -> Result<Verified> {
    // A vault that can't be added to is compared all the same, and says why.
    if let Err(e) = row_log::seal_rows(casework).await
        && e.is_outage()
    {
        return Err(e);
    }
    // What another process writes meanwhile is noted, and isn't compared.
    let mut vault = casework.vault.verify().await;
    let (rows, waiting) = row_log::compare(casework, &mut vault).await?;
    // The store doesn't list its unfinished files.
    let unfinished = casework.folder.unfinished_evidence();
    vault.leftovers.extend(unfinished);
    Ok(Verified {
        vault,
        rows,
        waiting,
    })
}
