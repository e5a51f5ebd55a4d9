//! Who did what, when: what the core puts on record, and what auditors read.

pub use obhut_store::audit::AuditRow;
pub(crate) use obhut_store::audit::write;

use crate::{Casework, Result};

/// Records an act in a transaction of its own: call it before an act that changes no table. An act
/// with a transaction uses `write`, so that both are committed together.
pub async fn note(
    casework: &Casework,
    actor: &str,
    act: &str,
    subject: &str,
    detail: &str,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    write(&mut tx, casework.now(), actor, act, subject, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The newest rows about a subject, or about everything; newest first, a thousand at most.
pub async fn audit(casework: &Casework, subject: Option<&str>) -> Result<Vec<AuditRow>> {
    obhut_store::audit::rows(&casework.db, subject).await
}
