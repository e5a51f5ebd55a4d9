//! Who did what, when: one row for every act that changes something or shows something.

use super::changes;
use super::covered::{Covered, KeyColumn, by_id};
use super::{Columns, Database, Tx};
use crate::{Result, ids};

/// Maximum number of rows returned. Our judgement.
const ROWS_MAX: i64 = 1_000;

/// A row of the audit trail. The detail holds ids, counts, words of closed sets, and the reason or
/// purpose that a person stated; never evidence.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct AuditRow {
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub at: i64,
    /// Id of the person, or name of the process.
    pub actor: String,
    /// The action, as in `list.sign`.
    pub act: String,
    /// Id or name of what was acted on: a list, case, exhibit, report, person, key or setting.
    pub subject: String,
    /// Counts, words and ids that belong to the act, or the reason or purpose that a person stated;
    /// never content.
    pub detail: String,
}

/// The audit trail is in the vault's log.
pub const COVERED: &[Covered] = &[by_id("audit", &[KeyColumn::Text("id")])];

/// A row that is inserted when its transaction commits.
pub struct Pending {
    at: i64,
    actor: String,
    act: String,
    subject: String,
    detail: String,
}

/// Adds a row to the transaction of the act itself. Rows are inserted at commit, so that the counter
/// row is always the last lock a transaction takes; taking it earlier could deadlock.
pub async fn write(
    tx: &mut Tx,
    at: i64,
    actor: &str,
    act: &str,
    subject: &str,
    detail: &str,
) -> Result<()> {
    tx.audited(Pending {
        at,
        actor: actor.to_owned(),
        act: act.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
    });
    Ok(())
}

/// Inserts the pending rows of a transaction, each with the next sequence number.
pub(crate) async fn flush(tx: &mut Tx, rows: &[Pending]) -> sqlx::Result<()> {
    // Without rows the counter stays unlocked: it is one row that all writers share.
    if rows.is_empty() {
        return Ok(());
    }
    // Reserves all numbers in one statement, so that the counter is locked once and late.
    let first = changes::next_numbers(tx, "audit", rows.len() as i64).await?;
    for (row, seq) in rows.iter().zip(first..) {
        sqlx::query(
            "INSERT INTO audit (id, at, actor, act, subject, detail, seq) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(ids::new("audit"))
        .bind(row.at)
        .bind(&row.actor)
        .bind(&row.act)
        .bind(&row.subject)
        .bind(&row.detail)
        .bind(seq)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// The newest rows about a subject, or about everything; newest first, a thousand at most.
pub async fn rows(db: &Database, subject: Option<&str>) -> Result<Vec<AuditRow>> {
    // Two statements: in one, `$2 IS NULL OR subject = $2` could use no index.
    let query = match subject.filter(|s| !s.is_empty()) {
        Some(subject) => sqlx::query(
            "SELECT at, actor, act, subject, detail FROM audit WHERE subject = $2 ORDER BY seq DESC LIMIT $1",
        )
        .bind(ROWS_MAX)
        .bind(subject),
        None => sqlx::query(
            "SELECT at, actor, act, subject, detail FROM audit ORDER BY seq DESC LIMIT $1",
        )
        .bind(ROWS_MAX),
    };
    let rows = query.fetch_all(db.pool()).await?;
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

/// True if no act has been recorded: the database is new.
pub async fn is_empty(db: &Database) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM audit LIMIT 1")
        .fetch_optional(db.pool())
        .await?;
    Ok(row.is_none())
}
