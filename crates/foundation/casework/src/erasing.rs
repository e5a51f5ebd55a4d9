//! Follow-up of an upheld appeal outside its transaction: work of the domains, and erasure from the vault.

use obhut_store::DataFolder;

use crate::{Casework, Result, appeals, erasures, findings, views};

/// Runs the queued work of domains for cleared cases and returns how many items were done. Safe to
/// interrupt: unfinished items stay queued.
pub async fn finish_settlements(casework: &Casework) -> Result<usize> {
    let left = erasures::unsettled(casework).await?;
    let mut done = 0;
    for (case, name) in &left {
        if let Some(domain) = casework.domains().find(|d| d.name() == name) {
            domain.finish_erasure(casework, case).await?;
            // After the work: a crash in between repeats it, which every domain allows.
            erasures::mark_finished(casework, case, name).await?;
            done += 1;
        }
        // Work of a domain that this process doesn't know stays queued for one that does.
    }
    Ok(done)
}

/// Erases everything that is due and returns the number of items. Resumes after an interruption. An
/// exhibit that another case refers to is kept, but counts as erased for this one.
pub async fn finish_erasures(casework: &Casework) -> Result<usize> {
    // Asked without the lock first: most calls find nothing due.
    if erasures::due(casework).await?.is_empty() {
        return Ok(0);
    }
    // The server's worker and commands may run this concurrently. The first one erases; the others then find
    // nothing due.
    let _turn = casework.folder.lock_erasing().await?;
    let mut count = 0;
    for [id, case, exhibit, appeal] in erasures::due(casework).await? {
        if appeals::appeals(casework, &case)
            .await?
            .iter()
            .any(|a| a.outcome.is_none())
        {
            continue;
        }
        if DataFolder::is_copy(&exhibit) {
            casework.folder.remove_copy(&exhibit)?;
            erasures::erased(casework, &id, &exhibit, &appeal, None).await?;
            count += 1;
            continue;
        }
        // Keep an exhibit that another case refers to.
        let shared = !findings::cases_of_exhibits(casework, std::slice::from_ref(&exhibit), &case)
            .await?
            .is_empty();
        let index = if shared {
            None
        } else {
            let access = obhut_vault::Access {
                actor: "redress".into(),
                purpose: format!("appeal {appeal} upheld"),
            };
            Some(casework.vault.erase(&exhibit, access).await? as i64)
        };
        // After the vault: a crash in between repeats both, and the vault allows that.
        if !shared {
            let mut tx = casework.db.begin().await?;
            views::forget_digests(&mut tx, &exhibit).await?;
            tx.commit().await?;
        }
        erasures::erased(casework, &id, &exhibit, &appeal, index).await?;
        count += 1;
    }
    Ok(count)
}
