//! One code path for SQLite and PostgreSQL: connecting, migrating, transactions.
//!
//! Statements use `$1`, times are microseconds in BIGINT, and ids are generated here, not by the
//! database. `migrations/` defines the tables, in files named after the module that owns each.

pub mod audit;
pub mod changes;
pub mod covered;
pub mod schema;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor as _, Row as _, Transaction};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::migrations::{self, Numbered};
use crate::{CaseworkError, Result};
use covered::{Covering, Noting};
use schema::{ExpectedSchema, SchemaState};

/// Connections kept open at most. Our judgement.
const CONNECTIONS_MAX: u32 = 8;

/// Longest wait for a connection. Our judgement.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

/// Maps the newest migration a database has to the path for its pre-upgrade copy.
pub type CopyTo<'a> = &'a (dyn Fn(i64) -> PathBuf + Send + Sync);

/// The database: SQLite or PostgreSQL.
pub struct Database {
    /// For reading, and for single statements.
    pool: AnyPool,
    /// For transactions that write. On SQLite it is one connection, because only that one needs the
    /// triggers, which take longer to make than most commands run; on PostgreSQL it is `pool`.
    writing: AnyPool,
    backend: Backend,
    /// SQLite has one writer. Transactions of this process queue here, in order and without polling;
    /// SQLite's own busy handler would retry with ever longer sleeps.
    writer: Arc<Mutex<()>>,
    /// Notes what transactions write; `None` before the tables are there, and for reading only.
    noting: Option<Arc<Noting>>,
    schema: ExpectedSchema,
}

/// A transaction; on SQLite a writing one also holds the writer's lock.
pub struct Tx {
    inner: Transaction<'static, Any>,
    /// Rows of the audit trail, written at the end.
    audit: Vec<audit::Pending>,
    /// Seals what it has noted, and its token.
    noting: Option<(Arc<Noting>, String)>,
    _writer: Option<OwnedMutexGuard<()>>,
}

impl Tx {
    /// The token under which this transaction notes what it writes; empty if nothing is noted.
    pub fn token(&self) -> &str {
        self.noting.as_ref().map_or("", |(_, token)| token)
    }

    /// What other transactions have noted under a token.
    ///
    /// # Errors
    /// The database doesn't answer, or nothing is noted in this transaction.
    pub async fn notes(&mut self, token: &str) -> Result<Vec<covered::Note>> {
        match self.noting.clone() {
            Some((noting, _)) => noting.notes(self, token).await,
            None => Ok(Vec::new()),
        }
    }

    /// Inserts the pending audit rows and commits.
    ///
    /// # Errors
    /// [`CaseworkError::Uncertain`] if the connection broke during the commit.
    pub async fn commit(mut self) -> Result<()> {
        // Last before the commit: all writers share the counter of audit rows, and locked earlier it
        // could deadlock.
        let rows = std::mem::take(&mut self.audit);
        audit::flush(&mut self, &rows).await?;
        if let Some((noting, token)) = self.noting.take() {
            noting.seal(&mut self, &token).await?;
        }
        self.inner
            .commit()
            .await
            .map_err(|e| match CaseworkError::from(e) {
                // Before the commit, such an error means that nothing was changed. Here the
                // database may have committed.
                CaseworkError::Unavailable { why } => CaseworkError::Uncertain { why },
                e => e,
            })
    }

    /// Queues an audit row, which [`Tx::commit`] inserts.
    pub fn audited(&mut self, row: audit::Pending) {
        self.audit.push(row);
    }
}

impl std::ops::Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

impl Database {
    /// Connects, and runs those migrations that the database hasn't seen; each crate that owns tables gives a
    /// list.
    ///
    /// A SQLite database that is about to be migrated is copied first, to the path that `copy_to` gives
    /// for the newest migration it has. From then on, what this program writes in the tables of `covering`
    /// is noted.
    ///
    /// # Errors
    /// An address that begins with none of `sqlite:`, `postgres:` and `postgresql:`, a database that doesn't answer or
    /// can't be copied, or one that a newer version wrote.
    pub async fn connect(
        url: &str,
        owners: &[&[Numbered]],
        copy_to: CopyTo<'_>,
        covering: &Covering<'_>,
    ) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let backend = match url.split_once(':') {
            Some(("sqlite", _)) => Backend::Sqlite,
            Some(("postgres" | "postgresql", _)) => Backend::Postgres,
            _ => {
                return Err(CaseworkError::invalid(
                    "database",
                    "the database address must begin with sqlite: or postgres:, for example postgres://user@host/obhut",
                ));
            }
        };
        // A pool would retry until its time is up, and then report only the timeout, not the cause.
        probe(url, backend, owners, copy_to).await.map_err(|e| {
            let why = match backend {
                Backend::Sqlite => format!(
                    "the database in the data folder can't be used (is the disk full, the folder read-only, or the file damaged?): {e}"
                ),
                Backend::Postgres => format!(
                    "the PostgreSQL at the given address can't be opened (is it running, and do user and database exist?): {e}"
                ),
            };
            CaseworkError::Unavailable { why }
        })?;
        let on_sqlite = backend == Backend::Sqlite;
        let triggers: Triggers = Arc::default();
        let most = if on_sqlite { 1 } else { CONNECTIONS_MAX };
        let writing = pooled(backend, most, triggers.clone()).connect(url).await?;
        let pool = match backend {
            Backend::Sqlite => {
                pooled(backend, CONNECTIONS_MAX, Triggers::default()).connect_lazy(url)?
            }
            Backend::Postgres => writing.clone(),
        };
        let mut db = Self {
            pool,
            writing,
            backend,
            writer: Arc::default(),
            noting: None,
            schema: expected_schema(url, owners, covering, true),
        };
        db.migrate(owners).await?;
        let mut connection = db.writing.acquire().await?;
        if on_sqlite {
            // Only now, because the tables may not have been there yet; connections that replace
            // this one begin with the same.
            let sql = covered::for_sqlite(&mut connection, covering).await?;
            let sql = triggers.get_or_init(|| sql).clone();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut *connection)
                .await?;
        } else {
            covered::create_on_postgres(&mut connection, covering).await?;
        }
        // The version first: what changes after it is seen when something is written.
        let version = schema::version(&mut connection, on_sqlite).await?;
        let state = db.schema.compare(&mut connection).await?;
        drop(connection);
        db.noting = Some(Noting::new(covering, on_sqlite, version, state));
        Ok(db)
    }

    /// Connects for reading only: nothing is created, migrated or noted.
    ///
    /// # Errors
    /// A database that doesn't answer, or that another version wrote.
    pub async fn read_only(
        url: &str,
        owners: &[&[Numbered]],
        covering: &Covering<'_>,
    ) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (backend, noting) = match url.split_once(':') {
            Some(("sqlite", _)) => (Backend::Sqlite, "PRAGMA query_only = ON"),
            _ => (
                Backend::Postgres,
                "SET default_transaction_read_only = on; SET max_parallel_workers_per_gather = 0",
            ),
        };
        let unavailable = |e: &dyn std::fmt::Display| CaseworkError::Unavailable {
            why: format!("the database can't be read: {e}"),
        };
        let opened = AnyPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(WAIT_MAX)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    schema::pinned(connection, backend == Backend::Sqlite)
                        .await
                        .map_err(|e| sqlx::Error::Protocol(e.to_string()))?;
                    sqlx::raw_sql(noting).execute(connection).await?;
                    Ok(())
                })
            })
            .connect(url)
            .await;
        let pool = opened.map_err(|e| unavailable(&e))?;
        let db = Self {
            writing: pool.clone(),
            pool,
            backend,
            writer: Arc::default(),
            noting: None,
            schema: expected_schema(url, owners, covering, false),
        };
        let all = migrations::in_order(owners);
        let mut connection = db.pool.acquire().await.map_err(|e| unavailable(&e))?;
        // Asked first, because a failure would look like another version's database.
        let steps = sqlx::query("SELECT COUNT(*) FROM steps")
            .fetch_one(&mut *connection)
            .await;
        if let Err(e) = steps {
            let hint = match backend {
                Backend::Sqlite => {
                    "; if the folder can't be written, or its disk is full, copy it elsewhere and verify the copy"
                }
                Backend::Postgres => "; is it obhut's?",
            };
            return Err(unavailable(&format!("{e}{hint}")));
        }
        if !migrations::is_up_to_date(&mut connection, &all).await {
            return Err(unavailable(
                &"another version of obhut wrote it; use that version, or start this one once",
            ));
        }
        drop(connection);
        Ok(db)
    }

    /// True if it is a SQLite file.
    pub fn is_sqlite(&self) -> bool {
        self.backend == Backend::Sqlite
    }

    /// Copies a SQLite database as it is at one moment, while others write.
    ///
    /// # Errors
    /// The copy can't be written.
    pub async fn copy_to(&self, path: &std::path::Path) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        let copied = copy(&mut connection, path).await;
        copied.map_err(|why| CaseworkError::Unavailable { why })
    }

    /// What SQLite finds wrong with its file: tables and indexes that differ. `None` if it is whole, and
    /// on PostgreSQL, which has no such check.
    ///
    /// # Errors
    /// The database doesn't answer.
    pub async fn integrity(&self) -> Result<Option<String>> {
        if self.backend == Backend::Postgres {
            return Ok(None);
        }
        let row = sqlx::query("PRAGMA integrity_check(1)")
            .fetch_one(&self.pool)
            .await?;
        let said: String = row.try_get(0)?;
        Ok((said != "ok").then_some(said))
    }

    /// Compares tables, triggers and functions with those that the migrations make.
    /// Others could change rows in obhut's name.
    ///
    /// # Errors
    /// The database doesn't answer.
    pub async fn schema_state(&self) -> Result<SchemaState> {
        let mut connection = self.pool.acquire().await?;
        self.schema.compare(&mut connection).await
    }

    /// For single statements outside a transaction.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Empties SQLite's write-ahead log, where deleted data stays readable until it is overwritten.
    /// While another connection still reads, the log isn't emptied; a later call does it. Does
    /// nothing on PostgreSQL.
    pub async fn empty_log(&self) -> Result<()> {
        if self.backend == Backend::Sqlite {
            // In the writers' queue: a writer of this process would make the checkpoint give up.
            let _turn = self.writer.lock().await;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_all(&self.pool)
                .await?;
        }
        Ok(())
    }

    /// A transaction that may write. On SQLite it takes the writer's lock at the start, so that it
    /// can't fail later because another transaction is writing.
    pub async fn begin(&self) -> Result<Tx> {
        let (inner, writer) = match self.backend {
            Backend::Sqlite => {
                // The queue first: a waiting writer must not hold one of the few connections.
                let writer = self.writer.clone().lock_owned().await;
                (
                    self.writing.begin_with("BEGIN IMMEDIATE").await?,
                    Some(writer),
                )
            }
            // PostgreSQL locks single rows, so its writers need no queue.
            Backend::Postgres => (self.writing.begin().await?, None),
        };
        let mut tx = Tx {
            inner,
            audit: Vec::new(),
            noting: None,
            _writer: writer,
        };
        if let Some(noting) = &self.noting {
            let token = noting.begin(&mut tx).await?;
            tx.noting = Some((noting.clone(), token));
        }
        Ok(tx)
    }

    /// A transaction during which no other seals what it has written: what is noted is complete, and
    /// rows are as it says. On SQLite every writing transaction is one.
    pub async fn begin_alone(&self) -> Result<Tx> {
        let mut tx = self.begin().await?;
        self.turn(&mut tx, covered::LEAVES).await?;
        Ok(tx)
    }

    /// A transaction for reading only. The database doesn't enforce that; callers must not write.
    ///
    /// On SQLite it sees one state throughout. On PostgreSQL (read committed) each statement sees
    /// what was committed before it began. Neither keeps a writer waiting.
    pub async fn snapshot(&self) -> Result<Tx> {
        Ok(Tx {
            inner: self.pool.begin().await?,
            audit: Vec::new(),
            noting: None,
            _writer: None,
        })
    }

    /// Like [`Self::snapshot`], and sees one state throughout on PostgreSQL, too.
    pub async fn frozen(&self) -> Result<Tx> {
        let mut tx = self.snapshot().await?;
        if self.backend == Backend::Postgres {
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx)
    }

    /// Locks the queue of incoming reports: until the transaction ends, no other intake assigns
    /// positions in it. Does nothing on SQLite, where the writer's lock already ensures this.
    pub async fn lock_for_intake(&self, tx: &mut Tx) -> Result<()> {
        // Not the migrator's number: an intake must not wait for a starting server.
        self.turn(tx, 478_560_413_045).await
    }

    /// Locks the alerts about payments: until the transaction ends, no other writer looks up a
    /// party's alert. Does nothing on SQLite, like [`Self::lock_for_intake`].
    pub async fn lock_for_alerts(&self, tx: &mut Tx) -> Result<()> {
        self.turn(tx, 478_560_413_046).await
    }

    async fn turn(&self, tx: &mut Tx, number: i64) -> Result<()> {
        if self.backend == Backend::Postgres {
            sqlx::query("SELECT 1 FROM pg_advisory_xact_lock($1)")
                .bind(number)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    async fn migrate(&self, owners: &[&[Numbered]]) -> Result<()> {
        let all = migrations::in_order(owners);
        if migrations::is_up_to_date(&mut *self.writing.acquire().await?, &all).await {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        if self.backend == Backend::Postgres {
            // Several servers may start at the same time; the lock's number is arbitrary, but must never change.
            sqlx::query("SELECT 1 FROM pg_advisory_xact_lock(478560413044)")
                .execute(&mut *tx)
                .await?;
        }
        migrations::run(&mut tx, &all).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// WAL mode: concurrent readers and one writer; a commit is on disk when it returns.
const PRAGMAS: &[&str] = &[
    // In milliseconds. Waits for writers of other processes; this process's writers queue in
    // `writer`. Our judgement.
    "PRAGMA busy_timeout = 20000",
    "PRAGMA journal_mode = WAL",
    // In WAL mode NORMAL would lose the last commits on a power cut.
    "PRAGMA synchronous = FULL",
    // Off by default in SQLite.
    "PRAGMA foreign_keys = ON",
    // Overwrite deleted rows, so that erased data isn't readable in free pages.
    "PRAGMA secure_delete = ON",
];

fn expected_schema(
    url: &str,
    owners: &[&[Numbered]],
    covering: &Covering<'_>,
    remembers: bool,
) -> ExpectedSchema {
    let on_sqlite = url.starts_with("sqlite:");
    ExpectedSchema {
        url: url.to_owned(),
        on_sqlite,
        migrations: migrations::in_order(owners),
        // Those on SQLite are a connection's own, and aren't in the database.
        triggers: match on_sqlite {
            true => Vec::new(),
            false => covered::on_postgres(covering),
        },
        key: covering.key.clone(),
        compared: covering.compared.to_owned(),
        remembers,
    }
}

/// What a connection makes before it is used, once that is known.
type Triggers = Arc<OnceLock<String>>;

/// A pool of at most `most` connections, each with `triggers`.
fn pooled(backend: Backend, most: u32, triggers: Triggers) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(WAIT_MAX)
        .after_connect(move |connection, _| {
            let triggers = triggers.clone();
            Box::pin(async move {
                // SQLite keeps most of these per connection, and the pool opens connections at any time.
                if backend == Backend::Sqlite {
                    for pragma in PRAGMAS {
                        connection.execute(*pragma).await?;
                    }
                }
                // Statements here are short and many run in parallel: starting workers for one
                // takes longer than what they save.
                if backend == Backend::Postgres {
                    connection
                        .execute("SET max_parallel_workers_per_gather = 0")
                        .await?;
                    // One schema, whatever is set for the user or the database.
                    schema::pinned(connection, false)
                        .await
                        .map_err(|e| sqlx::Error::Protocol(e.to_string()))?;
                }
                if let Some(sql) = triggers.get() {
                    let sql = sqlx::AssertSqlSafe(sql.clone());
                    sqlx::raw_sql(sql).execute(connection).await?;
                }
                Ok(())
            })
        })
}

/// Copies a SQLite database. Writes to a temporary name, then renames: an interrupted copy must not look
/// complete.
async fn copy(
    connection: &mut AnyConnection,
    path: &std::path::Path,
) -> std::result::Result<(), String> {
    let partial = path.with_extension("partial");
    let failed = |e: std::io::Error| format!("{} could not be written: {e}", path.display());
    // Left by an interrupted copy; VACUUM INTO refuses a file that exists.
    if partial.exists() {
        std::fs::remove_file(&partial).map_err(failed)?;
    }
    // A copy of the file would miss what is still in the WAL.
    sqlx::query("VACUUM INTO $1")
        .bind(partial.to_string_lossy().into_owned())
        .execute(connection)
        .await
        .map_err(|e| format!("it could not be copied: {e}"))?;
    let written = std::fs::File::open(&partial).and_then(|file| file.sync_all());
    written
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(failed)
}

/// Connects once, so that a failure names its cause in plain words. On SQLite it also copies a
/// database that is about to be migrated.
async fn probe(
    url: &str,
    backend: Backend,
    owners: &[&[Numbered]],
    copy_to: CopyTo<'_>,
) -> std::result::Result<(), String> {
    // What the server or the file says, without the driver's own wrapping.
    let plain = |e: sqlx::Error| match e {
        sqlx::Error::Database(e) => e.message().to_owned(),
        sqlx::Error::Io(e) => e.to_string(),
        e => e.to_string(),
    };
    let mut connection = AnyConnection::connect(url).await.map_err(plain)?;
    if backend == Backend::Sqlite {
        for pragma in PRAGMAS {
            connection.execute(*pragma).await.map_err(plain)?;
        }
        connection
            .execute("SELECT COUNT(*) FROM sqlite_master")
            .await
            .map_err(plain)?;
        let newest = migrations::in_order(owners).last().map_or(0, |m| m.0);
        let behind = migrations::behind(&mut connection, newest).await;
        if let Some(last) = behind.map_err(|e| e.to_string())? {
            copy(&mut connection, &copy_to(last)).await?;
        }
    }
    connection.close().await.map_err(plain)
}

/// Maximum number of values bound in one statement. SQLite's limit is 32,766; a larger batch gains
/// nothing. Our judgement.
pub const VALUES_MAX: usize = 500;

/// Runs a query once for each [`VALUES_MAX`] values and returns all rows. `sql` must be
/// trusted text, because nothing escapes it; `{values}` in it becomes the list of an `IN`. An
/// `ORDER BY` holds only within one batch.
pub async fn rows_in<V: AsRef<str>>(
    connection: &mut AnyConnection,
    sql: &str,
    values: &[V],
) -> Result<Vec<AnyRow>> {
    let mut rows = Vec::new();
    for part in values.chunks(VALUES_MAX) {
        let places: Vec<_> = (1..=part.len()).map(|n| format!("${n}")).collect();
        let sql = sqlx::AssertSqlSafe(sql.replace("{values}", &places.join(",")));
        let mut query = sqlx::query(sql);
        for value in part {
            query = query.bind(value.as_ref());
        }
        rows.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

/// Reads columns by position, one after another. The error for a word that this version doesn't
/// know names the word.
pub struct Columns<'a> {
    row: &'a AnyRow,
    next: usize,
}

impl<'a> Columns<'a> {
    /// From the first column on.
    pub fn of(row: &'a AnyRow) -> Self {
        Self { row, next: 0 }
    }

    /// Starts at column `next`, counted from 0.
    pub fn at_place(row: &'a AnyRow, next: usize) -> Self {
        Self { row, next }
    }

    fn at(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// A text.
    pub fn text(&mut self) -> Result<String> {
        let at = self.at();
        Ok(self.row.try_get(at)?)
    }

    /// A text or none.
    pub fn maybe_text(&mut self) -> Result<Option<String>> {
        let at = self.at();
        Ok(self.row.try_get(at)?)
    }

    /// A number.
    pub fn int(&mut self) -> Result<i64> {
        let at = self.at();
        Ok(self.row.try_get(at)?)
    }

    /// A number or none.
    pub fn maybe_int(&mut self) -> Result<Option<i64>> {
        let at = self.at();
        Ok(self.row.try_get(at)?)
    }

    /// Bytes or none.
    pub fn maybe_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        let at = self.at();
        Ok(self.row.try_get(at)?)
    }

    /// A word of a closed set. An unknown word is an error that calls it `what`.
    pub fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>, what: &str) -> Result<T> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| CaseworkError::unreadable(format!("{what} \"{text}\"")))
    }
}
