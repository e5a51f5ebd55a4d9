//! Ranks the open cases of a database that had no queue.

use crate::{Casework, Result, facts, work_queue};

/// Cases that are ranked in one transaction. Our judgement: short enough not to keep uploads
/// waiting.
const RANKED_AT_ONCE_MAX: i64 = 20;

/// Ranks some of the cases that were opened by a version without a queue. Returns how many are left.
pub async fn rank_open_cases(casework: &Casework) -> Result<i64> {
    // Read first: with none left, this must not wait for the writer.
    if work_queue::unranked(casework).await? == 0 {
        return Ok(0);
    }
    let mut tx = casework.db.begin().await?;
    for case in work_queue::some_unranked(&mut tx, RANKED_AT_ONCE_MAX).await? {
        let known = facts::stored(&mut tx, casework, &case).await?;
        facts::rank(&mut tx, casework, &case, &known).await?;
    }
    tx.commit().await?;
    work_queue::unranked(casework).await
}
