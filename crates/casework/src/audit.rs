//! Who did what, when: one row for every act that changes something or shows something.

use crate::database::{Columns, Step, Tx};
use crate::{Casework, Result, ids};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 1,
    sql: &["CREATE TABLE audit (
        id TEXT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL,
        subject TEXT NOT NULL, detail TEXT NOT NULL)"],
}];

/// Rows handed out at once.
const ROWS_MAX: i64 = 1_000;

/// A row of the audit trail. Detail names ids, counts and words of closed sets, never evidence.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct AuditRow {
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub at: i64,
    /// Who.
    pub actor: String,
    /// Did what.
    pub act: String,
    /// To what.
    pub subject: String,
    /// With which figures.
    pub detail: String,
}

/// Writes a row within the transaction of the act itself: neither stands without the other.
pub(crate) async fn write(
    tx: &mut Tx,
    at: i64,
    actor: &str,
    act: &str,
    subject: &str,
    detail: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit (id, at, actor, act, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(ids::new("audit"))
    .bind(at)
    .bind(actor)
    .bind(act)
    .bind(subject)
    .bind(detail)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Casework {
    /// Records an act that changes no table, before it happens.
    pub async fn note(&self, actor: &str, act: &str, subject: &str, detail: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        write(&mut tx, self.now(), actor, act, subject, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The newest rows about a subject, or about everything; newest first, a thousand at most.
    pub async fn audit(&self, subject: Option<&str>) -> Result<Vec<AuditRow>> {
        let rows = sqlx::query(
            "SELECT at, actor, act, subject, detail FROM audit
             WHERE $1 = '' OR subject = $1 ORDER BY at DESC, id LIMIT $2",
        )
        .bind(subject.unwrap_or_default())
        .bind(ROWS_MAX)
        .fetch_all(self.db.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(AuditRow {
                    at: c.int()?,
                    actor: c.text()?,
                    act: c.text()?,
                    subject: c.text()?,
                    detail: c.text()?,
                })
            })
            .collect()
    }
}
