//! Follow-up of an upheld appeal outside its transaction: work of the domains, and erasure from the
//! vault.

use obhut_store::DataFolder;

use crate::retention::{self, ErasureWaits};
use crate::{
    Casework, Result, appeals, destructions, erasures, filings, findings, row_log, verification,
    views,
};

/// Runs the queued work of domains for cleared cases and returns how many items were done. Safe to
/// interrupt: unfinished items stay queued.
///
/// # Errors
/// The first item's that fails; the others are done all the same.
pub async fn finish_settlements(casework: &Casework) -> Result<usize> {
    let left = erasures::unsettled(casework).await?;
    let (mut done, mut failed) = (0, None);
    for (case, name) in &left {
        if let Some(domain) = casework.domains().find(|d| d.name() == name) {
            if let Err(e) = domain.finish_erasure(casework, case).await {
                failed.get_or_insert(e);
                continue;
            }
            // After the work: a crash in between repeats it, which every domain allows.
            erasures::mark_finished(casework, case, name).await?;
            done += 1;
        }
        // Work of a domain that this process doesn't know stays queued for one that does.
    }
    if done > 0 {
        leave_no_copy(casework).await?;
    }
    failed.map_or(Ok(done), Err)
}

/// Erases everything that is due and returns the number of items. Resumes after an interruption.
/// Skips a case with an open appeal. An exhibit that another case refers to is kept, and the proof
/// names it as kept.
///
/// # Errors
/// The first item's that fails; the others are erased all the same.
pub async fn finish_erasures(casework: &Casework) -> Result<usize> {
    finish(casework, None).await
}

/// Like [`finish_erasures`], for one case.
pub(crate) async fn finish_erasures_of(casework: &Casework, case: &str) -> Result<usize> {
    finish(casework, Some(case)).await
}

async fn finish(casework: &Casework, only: Option<&str>) -> Result<usize> {
    // Checked before the lock is taken, because most calls find nothing due.
    if erasures::due(casework).await?.is_empty() {
        return Ok(0);
    }
    // The server's worker and commands may run this concurrently. The first one erases; the others
    // then find nothing due.
    let _turn = casework.folder.lock_erasing().await?;
    let (mut count, mut failed) = (0, None);
    let due = erasures::due(casework).await?.into_iter();
    for item in due.filter(|[_, case, ..]| only.is_none_or(|only| only == case)) {
        match erase(casework, item).await {
            Ok(true) => count += 1,
            Ok(false) => {}
            Err(e) => drop(failed.get_or_insert(e)),
        }
    }
    leave_no_copy(casework).await?;
    failed.map_or(Ok(count), Err)
}

/// Deletes what the database keeps of deleted rows for a while: the notes that say what they held,
/// and SQLite's write-ahead log.
pub(crate) async fn leave_no_copy(casework: &Casework) -> Result<()> {
    if let Err(e) = row_log::seal_rows(casework).await {
        // The worker or the next command puts them into the log, and deletes them then.
        tracing::error!(cause = %e, "what was erased stays noted until it is in the vault's log; it is tried again");
    }
    casework.db.empty_log().await
}

/// Erases an item; false if it stays, for now or for good.
async fn erase(casework: &Casework, [id, case, exhibit, appeal]: [String; 4]) -> Result<bool> {
    if appeals::appeals(casework, &case)
        .await?
        .iter()
        .any(|a| a.outcome.is_none())
    {
        return Ok(false);
    }
    if DataFolder::is_copy(&exhibit) {
        casework.folder.remove_copy(&exhibit)?;
        erasures::erased(casework, &id, &exhibit, &appeal, None).await?;
        return Ok(true);
    }
    // A report that was on its way when the person was cleared may have been filed since; then
    // what was filed has to be preserved. One still on its way may be.
    if filings::any_under_way(casework, &case).await? {
        return Ok(false);
    }
    let mut tx = casework.db.snapshot().await?;
    match retention::erasure_waits(casework, &mut tx, &exhibit, &case).await? {
        None => {}
        Some(ErasureWaits::Held(_)) => return Ok(false),
        Some(ErasureWaits::Until(until)) => {
            drop(tx);
            erasures::put_off(casework, &id, until).await?;
            return Ok(false);
        }
        Some(ErasureWaits::Unsure { since, .. }) => {
            let vouched = destructions::is_vouched_for(casework, &mut tx, &id, since).await?;
            if !vouched {
                return Ok(false);
            }
        }
    }
    drop(tx);
    // Another case's evidence is kept, and the proof says so. It is erased once the person of
    // that case is cleared too.
    let others = findings::cases_of_exhibits(casework, std::slice::from_ref(&exhibit), &case);
    if !others.await?.is_empty() {
        erasures::kept(casework, &id, "another case refers to it").await?;
        return Ok(false);
    }
    // Rows that something else has written erase nothing: what was read above is read again.
    let mut tx = verification::begin_whole(casework).await?;
    let still = erasures::due_within(&mut tx, casework.now()).await?;
    let waits = retention::erasure_waits(casework, &mut tx, &exhibit, &case).await?;
    let waits = match waits {
        None => false,
        Some(ErasureWaits::Unsure { since, .. }) => {
            !destructions::is_vouched_for(casework, &mut tx, &id, since).await?
        }
        Some(_) => true,
    };
    drop(tx);
    if waits || !still.iter().any(|[due, ..]| *due == id) {
        return Ok(false);
    }
    let access = obhut_vault::Access {
        actor: "redress".into(),
        purpose: format!("appeal {appeal} upheld"),
    };
    let index = casework.vault.erase(&exhibit, access).await? as i64;
    // After the vault: a crash in between repeats both, and the vault allows that.
    let mut tx = casework.db.begin().await?;
    views::forget_digests(&mut tx, &exhibit).await?;
    tx.commit().await?;
    erasures::erased(casework, &id, &exhibit, &appeal, Some(index)).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;
    use crate::database::Tx;
    use crate::findings::NewFinding;
    use crate::for_domains::{Clearing, Removed};
    use crate::{deadlines, running_time};

    /// An exhibit of two cases was once called erased when one case was cleared, although it was
    /// still there; when both were cleared, it was never erased.
    #[tokio::test]
    async fn an_exhibit_of_two_cases_is_erased_with_the_second() {
        let (folder, c, clock) = bench::opened_at(1_000).await;
        let exhibit = kept(&c).await;
        let mut tx = c.db.begin().await.unwrap();
        for case in ["case-a", "case-b"] {
            bench::case(&mut tx, &c, case).await;
            let found = NewFinding {
                case,
                subject: case,
                evidence: Some(&exhibit),
                strength: "s",
                source: "test",
            };
            findings::write(&mut tx, &c, &found).await.unwrap();
        }
        tx.commit().await.unwrap();
        clock.set(2_000);
        for (case, there, kept) in [("case-a", true, 1), ("case-b", false, 0)] {
            let mut tx = c.db.begin().await.unwrap();
            clear(&mut tx, &c, case, &exhibit).await;
            tx.commit().await.unwrap();
            finish_erasures(&c).await.unwrap();
            assert_eq!(c.vault.exhibit(&exhibit).await.is_ok(), there, "{case}");
            let proof = erasures::erasure_proof(&c, case).await.unwrap();
            assert_eq!(proof.kept.len(), kept, "{proof:?}");
            let erased = proof.erased.iter().filter(|e| e.exhibit == exhibit);
            assert_eq!(erased.count(), 1 - kept, "{proof:?}");
            // Deleted data once stayed readable in SQLite's write-ahead log.
            let log = folder.path().join("obhut.db-wal");
            assert_eq!(log.metadata().unwrap().len(), 0, "{case}");
        }
    }

    /// Regression: a report that was filed just after its case was cleared lost its exhibits,
    /// although what was filed has to be preserved for a year (18 USC 2258A(h)).
    #[tokio::test]
    async fn what_was_filed_after_the_clearing_is_preserved() {
        let (_folder, c, clock) = bench::opened_at(1_000).await;
        let exhibit = kept(&c).await;
        let mut tx = c.db.begin().await.unwrap();
        bench::case(&mut tx, &c, "case-a").await;
        clear(&mut tx, &c, "case-a", &exhibit).await;
        let kind = deadlines::DeadlineKind::Preservation;
        deadlines::start(&mut tx, &c, kind, "case-a", 9_000, "law")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        // By the clock and, once it says so, by what obhut was observed to run.
        for (now, ran, there) in [
            (2_000, 1_000, true),
            (8_999, 6_999, true),
            (9_001, 0, true),
            (9_002, 1_001, false),
        ] {
            clock.set(now);
            running_time::count_running(&c, ran, 0).await.unwrap();
            finish_erasures(&c).await.unwrap();
            assert_eq!(c.vault.exhibit(&exhibit).await.is_ok(), there, "{now}");
        }
        let proof = erasures::erasure_proof(&c, "case-a").await.unwrap();
        let erased = proof.erased.iter().find(|e| e.exhibit == exhibit);
        assert_eq!(erased.unwrap().not_before, 9_000);
    }

    /// Regression: an exhibit that couldn't be erased stopped all erasures behind it, and every later
    /// appeal was answered with its error.
    #[tokio::test]
    async fn an_exhibit_that_cannot_be_erased_stops_no_other() {
        let (_folder, c, clock) = bench::opened_at(1_000).await;
        let exhibit = kept(&c).await;
        for (case, what) in [("case-a", "in-no-vault"), ("case-b", exhibit.as_str())] {
            let mut tx = c.db.begin().await.unwrap();
            bench::case(&mut tx, &c, case).await;
            clear(&mut tx, &c, case, what).await;
            tx.commit().await.unwrap();
            clock.set(c.now() + 1);
        }
        let failed = finish_erasures(&c).await.unwrap_err();
        assert!(failed.to_string().contains("in-no-vault"), "{failed}");
        assert!(c.vault.exhibit(&exhibit).await.is_err(), "erased");
        let complete = async |case| erasures::erasure_proof(&c, case).await.unwrap().complete;
        assert!(!complete("case-a").await);
        assert!(complete("case-b").await);
    }

    /// A new exhibit.
    async fn kept(c: &Casework) -> String {
        let intake = obhut_vault::Intake {
            actor: "test".into(),
            purpose: "test".into(),
            case: None,
            source: None,
            media_type: None,
        };
        views::keep(c, b"bytes", intake).await.unwrap().id
    }

    /// Withdraws the case's findings and plans the erasure of its exhibit, as redress does.
    async fn clear(tx: &mut Tx, c: &Casework, case: &str, exhibit: &str) {
        let clearing = Clearing {
            case,
            appeal: "appeal-x",
            person: "test",
            kept_until: 0,
        };
        findings::withdraw(tx, case).await.unwrap();
        let removed = [Removed::not_before(exhibit, 0)];
        erasures::plan(tx, c, &clearing, &removed, None)
            .await
            .unwrap();
    }
}
