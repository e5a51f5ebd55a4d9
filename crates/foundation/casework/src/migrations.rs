//! Every change of the tables, as numbered files of statements; one migrator runs those that a
//! database hasn't seen.
//!
//! A file is never edited, only followed by others: what ran is compared with what is here. Files are
//! named after the module that owns the table. Statements are those both databases understand.
//!
//! Invariant: the migrator takes no lock of its own. It runs within a transaction that holds the
//! writer's place (SQLite) or an advisory lock (PostgreSQL), so that of many processes that start at
//! once one migrates, and the others find it done.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Row as _, SqlSafeStr as _};

use crate::{CaseworkError, Result};

/// Number, owner, statements.
pub(crate) const ALL: &[(i64, &str, &str)] = &[
    (1, "audit", include_str!("../migrations/0001_audit.sql")),
    (2, "people", include_str!("../migrations/0002_people.sql")),
    (3, "lists", include_str!("../migrations/0003_lists.sql")),
    (
        4,
        "legal_bases",
        include_str!("../migrations/0004_legal_bases.sql"),
    ),
    (
        5,
        "settings",
        include_str!("../migrations/0005_settings.sql"),
    ),
    (6, "cases", include_str!("../migrations/0006_cases.sql")),
    (
        7,
        "findings",
        include_str!("../migrations/0007_findings.sql"),
    ),
    (8, "facts", include_str!("../migrations/0008_facts.sql")),
    (
        9,
        "decisions",
        include_str!("../migrations/0009_decisions.sql"),
    ),
    (10, "views", include_str!("../migrations/0010_views.sql")),
    (
        11,
        "reports",
        include_str!("../migrations/0011_reports.sql"),
    ),
    (
        12,
        "approvals",
        include_str!("../migrations/0012_approvals.sql"),
    ),
    (13, "outbox", include_str!("../migrations/0013_outbox.sql")),
    (
        14,
        "appeals",
        include_str!("../migrations/0014_appeals.sql"),
    ),
    (
        15,
        "api_keys",
        include_str!("../migrations/0015_api_keys.sql"),
    ),
    (
        16,
        "changes",
        include_str!("../migrations/0016_changes.sql"),
    ),
    (17, "lists", include_str!("../migrations/0017_lists.sql")),
    (
        18,
        "api_keys",
        include_str!("../migrations/0018_api_keys.sql"),
    ),
    (19, "banks", include_str!("../migrations/0019_banks.sql")),
    (
        20,
        "repeats",
        include_str!("../migrations/0020_repeats.sql"),
    ),
    (21, "banks", include_str!("../migrations/0021_banks.sql")),
    (
        22,
        "reports",
        include_str!("../migrations/0022_reports.sql"),
    ),
    (23, "views", include_str!("../migrations/0023_views.sql")),
    (
        24,
        "findings",
        include_str!("../migrations/0024_findings.sql"),
    ),
    (25, "cases", include_str!("../migrations/0025_cases.sql")),
    (
        26,
        "deadlines",
        include_str!("../migrations/0026_deadlines.sql"),
    ),
    (27, "alarms", include_str!("../migrations/0027_alarms.sql")),
    (
        28,
        "filings",
        include_str!("../migrations/0028_filings.sql"),
    ),
    (29, "outbox", include_str!("../migrations/0029_outbox.sql")),
    (
        30,
        "channels",
        include_str!("../migrations/0030_channels.sql"),
    ),
    (31, "routes", include_str!("../migrations/0031_routes.sql")),
    (
        32,
        "outcomes",
        include_str!("../migrations/0032_outcomes.sql"),
    ),
    (
        33,
        "erasures",
        include_str!("../migrations/0033_erasures.sql"),
    ),
    (
        34,
        "notices",
        include_str!("../migrations/0034_notices.sql"),
    ),
    (
        35,
        "approvals",
        include_str!("../migrations/0035_approvals.sql"),
    ),
    (
        36,
        "incoming",
        include_str!("../migrations/0036_incoming.sql"),
    ),
    (
        37,
        "payments_alerts",
        include_str!("../migrations/0037_payments_alerts.sql"),
    ),
    (
        38,
        "chain_bases",
        include_str!("../migrations/0038_chain_bases.sql"),
    ),
    (
        39,
        "chain_tags",
        include_str!("../migrations/0039_chain_tags.sql"),
    ),
    (
        40,
        "chain_watches",
        include_str!("../migrations/0040_chain_watches.sql"),
    ),
    (
        41,
        "chain_watches",
        include_str!("../migrations/0041_chain_watches.sql"),
    ),
    (
        42,
        "decisions",
        include_str!("../migrations/0042_decisions.sql"),
    ),
    (43, "audit", include_str!("../migrations/0043_audit.sql")),
    (44, "views", include_str!("../migrations/0044_views.sql")),
    (45, "lists", include_str!("../migrations/0045_lists.sql")),
    (
        46,
        "erasures",
        include_str!("../migrations/0046_erasures.sql"),
    ),
    (47, "people", include_str!("../migrations/0047_people.sql")),
    (
        48,
        "api_keys",
        include_str!("../migrations/0048_api_keys.sql"),
    ),
];

fn migrator() -> Migrator {
    let migrations = ALL.iter().map(|(number, owner, sql)| {
        // All of them run within one transaction, which is ours.
        let without_its_own = true;
        Migration::new(
            *number,
            Cow::Borrowed(owner),
            MigrationType::Simple,
            sql.into_sql_str(),
            without_its_own,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_locking(false);
    migrator
}

/// Steps that the first version's table names; none where that table isn't there.
async fn first_steps(connection: &mut AnyConnection) -> Result<Option<Vec<i64>>> {
    // Asked of both databases in the same words, without failing: a failed statement would end a
    // transaction of PostgreSQL.
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS steps (number BIGINT PRIMARY KEY, done_at BIGINT NOT NULL)",
    )
    .execute(&mut *connection)
    .await?;
    let rows = sqlx::query("SELECT number FROM steps ORDER BY number")
        .fetch_all(&mut *connection)
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let numbers: sqlx::Result<Vec<i64>> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(Some(numbers?))
}

/// Brings the tables to this version's form, within the caller's transaction.
pub(crate) async fn run(connection: &mut AnyConnection) -> Result<()> {
    let newest = ALL.last().map_or(0, |m| m.0);
    let migrator = migrator();
    if let Some(steps) = first_steps(connection).await? {
        let last = *steps.last().expect("not empty");
        if last > newest {
            return Err(newer(last));
        }
        // What the first version did is done, and now on record where the migrator looks.
        migrator
            .run_direct(Some(last), connection, true)
            .await
            .map_err(told)?;
    }
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(told)?;
    // The first version looks here, and refuses a database that is newer than itself by words.
    sqlx::query(
        "INSERT INTO steps (number, done_at) VALUES ($1, 0) ON CONFLICT (number) DO NOTHING",
    )
    .bind(newest)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest step of a SQLite database that this version would go on from; none where nothing is to
/// be done, or the database is new.
pub(crate) async fn behind(connection: &mut AnyConnection) -> Result<Option<i64>> {
    let tables = sqlx::query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('steps', '_sqlx_migrations') ORDER BY name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut last = None;
    for table in &tables {
        let sql = match table.try_get::<String, _>(0)?.as_str() {
            "steps" => "SELECT MAX(number) FROM steps",
            _ => "SELECT MAX(version) FROM _sqlx_migrations",
        };
        let row = sqlx::query(sql).fetch_one(&mut *connection).await?;
        last = last.max(row.try_get::<Option<i64>, _>(0)?);
    }
    Ok(last.filter(|n| ALL.last().is_some_and(|m| *n < m.0)))
}

fn newer(number: i64) -> CaseworkError {
    CaseworkError::conflict(format!(
        "the database was written by a newer obhut (step {number}); use that version or newer"
    ))
}

fn told(e: MigrateError) -> CaseworkError {
    match e {
        MigrateError::VersionMissing(number) => newer(number),
        MigrateError::VersionMismatch(number) => CaseworkError::unreadable(format!(
            "step {number} of the database, which was made by another obhut than this one,"
        )),
        e => CaseworkError::Database { why: e.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_without_a_gap() {
        for (at, (number, owner, sql)) in ALL.iter().enumerate() {
            assert_eq!(*number, at as i64 + 1, "{owner}");
            assert!(sql.trim_end().ends_with(';'), "{number}_{owner}");
        }
    }
}
