//! Every change of the tables, as numbered files of statements; one migrator runs those that a
//! database hasn't seen.
//!
//! A file is never edited, comments included: a change goes into a new file, because the checksums
//! of the files that ran are compared with those here. Files are named after the module that owns
//! the table. Every statement is valid on both databases.
//!
//! Invariant: the migrator takes no lock. It runs inside a transaction that holds the writer lock
//! (SQLite) or an advisory lock (PostgreSQL), so that one of several starting processes migrates
//! and the others find it done.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Row as _, SqlSafeStr as _};

use crate::{CaseworkError, Result};

/// Number, name of the module that owns the table, SQL statements.
pub type Numbered = (i64, &'static str, &'static str);

/// The migrations of this crate's tables.
pub const ALL: &[Numbered] = &[
    (
        1,
        "audit",
        include_str!("../migrations/0001_database_audit.sql"),
    ),
    (
        16,
        "changes",
        include_str!("../migrations/0016_database_changes.sql"),
    ),
    (
        43,
        "audit",
        include_str!("../migrations/0043_database_audit.sql"),
    ),
    (
        69,
        "audit",
        include_str!("../migrations/0069_database_audit.sql"),
    ),
];

/// All owners' migrations, sorted by number.
pub(crate) fn in_order(owners: &[&[Numbered]]) -> Vec<Numbered> {
    let mut all: Vec<Numbered> = owners.iter().copied().flatten().copied().collect();
    all.sort_by_key(|(number, ..)| *number);
    all
}

fn migrator(all: &[Numbered]) -> Migrator {
    let migrations = all.iter().map(|(number, owner, sql)| {
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

/// The numbers in the table `steps`, ascending. Obhut's first version recorded there every
/// migration it had run; later versions add only their newest. `None` if the table is empty.
/// Creates the table if it is missing.
async fn first_steps(connection: &mut AnyConnection) -> Result<Option<Vec<i64>>> {
    // Created first: querying a missing table fails, and a failed statement aborts the transaction
    // on PostgreSQL.
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
pub(crate) async fn run(connection: &mut AnyConnection, all: &[Numbered]) -> Result<()> {
    let newest = all.last().map_or(0, |m| m.0);
    let migrator = migrator(all);
    if let Some(steps) = first_steps(connection).await? {
        let last = *steps.last().expect("not empty");
        if last > newest {
            return Err(newer(last));
        }
        // Marks the steps up to `last` as done without running them (`true` is sqlx's `skip`),
        // because the first version ran them. Steps that are already marked stay as they are.
        if last < newest {
            migrator
                .run_direct(Some(last), connection, true)
                .await
                .map_err(describe)?;
        }
    }
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(describe)?;
    // The first version reads this table, and refuses a database newer than itself with a clear
    // message.
    sqlx::query(
        "INSERT INTO steps (number, done_at) VALUES ($1, 0) ON CONFLICT (number) DO NOTHING",
    )
    .bind(newest)
    .execute(connection)
    .await?;
    Ok(())
}

/// True if exactly these migrations ran, with the same checksums. That is so at most starts, which
/// then need neither the writer lock nor a transaction.
pub(crate) async fn is_up_to_date(connection: &mut AnyConnection, all: &[Numbered]) -> bool {
    let ran = sqlx::query(
        "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version",
    )
    .fetch_all(&mut *connection)
    .await;
    // The table is missing: a new database, or one of the first version.
    let Ok(ran) = ran else {
        return false;
    };
    let ours = migrator(all);
    let same = ran.iter().zip(ours.iter()).all(|(row, ours)| {
        row.try_get::<i64, _>(0).is_ok_and(|n| n == ours.version)
            && row
                .try_get::<Vec<u8>, _>(1)
                .is_ok_and(|sum| sum == *ours.checksum)
    });
    // Newer versions record their newest step in `steps` as well.
    let newest = sqlx::query("SELECT MAX(number) FROM steps")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get::<i64, _>(0));
    // A longer list means a newer version wrote it; `zip` alone would not see that.
    ran.len() == all.len() && same && newest.ok() == all.last().map(|m| m.0)
}

/// The newest migration that ran on a SQLite database, if this version has newer ones. `None` if
/// the database is up to date, new, or written by a newer version.
pub(crate) async fn behind(connection: &mut AnyConnection, newest: i64) -> Result<Option<i64>> {
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
        // MAX of an empty table is NULL: `None` sorts below every number.
        last = last.max(row.try_get::<Option<i64>, _>(0)?);
    }
    Ok(last.filter(|n| *n < newest))
}

fn newer(number: i64) -> CaseworkError {
    CaseworkError::conflict(format!(
        "the database was written by a newer obhut (step {number}); use that version or newer"
    ))
}

fn describe(e: MigrateError) -> CaseworkError {
    match e {
        // A migration that ran and is unknown here can only be a newer version's.
        MigrateError::VersionMissing(number) => newer(number),
        MigrateError::VersionMismatch(number) => CaseworkError::unreadable(format!(
            "step {number} of the database, which differs from this version's,"
        )),
        e => CaseworkError::Database { why: e.to_string() },
    }
}
