//! Seals, once, the words of people that an older release kept as they were written.

use crate::{Casework, Result, appeals, decisions, determinations, settings, views};

/// Seals grounds of decisions, determinations and appeals, and purposes of views, unless that was
/// done. The settings remember it: whether a text is sealed can't be read off it.
///
/// # Errors
/// The database failed.
pub(crate) async fn seal_old(casework: &Casework) -> Result<()> {
    if settings::words_are_sealed(casework.db.pool()).await? {
        return Ok(());
    }
    let mut tx = casework.db.begin().await?;
    // Asked again inside the transaction: several processes may start together.
    if settings::words_are_sealed(&mut *tx).await? {
        return Ok(());
    }
    decisions::seal_old_grounds(casework, &mut tx).await?;
    determinations::seal_old_grounds(casework, &mut tx).await?;
    appeals::seal_old_grounds(casework, &mut tx).await?;
    views::seal_old_purposes(casework, &mut tx).await?;
    settings::words_sealed(&mut tx, casework.now()).await?;
    tx.commit().await?;
    // What was written before would stay readable there.
    casework.db.empty_log().await
}
