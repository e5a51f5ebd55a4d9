//! The tables whose rows the vault's log covers: notes which rows this program writes, and reads rows
//! as they are stored.
//!
//! Triggers note the rows, so that no statement can be forgotten, each as it was before and as it is
//! after. They act only in transactions of this program, which carry a token of their own each. When
//! a transaction commits, its notes are sealed with a code that only the key makes ([`Noting`]): a
//! row that something else writes isn't noted, or its note isn't sealed, and it then differs from
//! the log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use obhut_vault::LookupKey;
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AnyConnection, Column as _, Executor as _, Row as _, ValueRef as _};

use super::Tx;
use super::schema::{self, SchemaState};
use crate::{CaseworkError, Result};

/// A table whose rows the log covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Covered {
    /// Its name.
    pub table: &'static str,
    /// The columns of its primary key.
    pub key: &'static [KeyColumn],
}

/// A column of a primary key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyColumn {
    /// A text.
    Text(&'static str),
    /// A number.
    Int(&'static str),
}

impl KeyColumn {
    fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Int(name) => name,
        }
    }
}

/// What is noted, and where.
#[derive(Clone, Debug)]
pub struct Covering<'a> {
    /// The tables whose rows are noted.
    pub tables: &'a [Covered],
    /// The names of the tables it is kept in.
    pub kept_in: KeptIn,
    /// The key of the codes.
    pub key: LookupKey,
    /// The file that saves comparing the schema again ([`super::schema::compared_in`]).
    pub compared: &'a Path,
}

/// Names of tables; another module owns them.
#[derive(Clone, Copy, Debug)]
pub struct KeptIn {
    /// A row for each note: table, key, token, the row before and after, as JSON in bytes; empty for
    /// one that wasn't or isn't there.
    pub notes: &'static str,
    /// A row for each transaction: its token, the newest leaf when it was sealed, and the code.
    pub seals: &'static str,
    /// The leaves, numbered by `seq`.
    pub leaves: &'static str,
}

/// A note: which row a transaction wrote or deleted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Note {
    /// The row's table.
    pub table: String,
    /// Its key, as in [`StoredRow::key`].
    pub key: String,
    /// The row before, as JSON; empty if it wasn't there, `None` if that is unknown.
    pub before: Option<Vec<u8>>,
    /// The row after, as JSON; empty if it isn't there any more, `None` if that is unknown.
    pub after: Option<Vec<u8>>,
}

/// Seals the notes of transactions.
pub struct Noting {
    kept_in: KeptIn,
    key: LookupKey,
    on_sqlite: bool,
    /// As [`schema::version`] gave it when the database was opened.
    version: String,
    /// Why nothing is written: the schema wasn't obhut's then, or couldn't be compared.
    refuses: Option<String>,
}

impl Noting {
    pub(super) fn new(
        covering: &Covering<'_>,
        on_sqlite: bool,
        version: String,
        state: SchemaState,
    ) -> Arc<Self> {
        Arc::new(Self {
            kept_in: covering.kept_in,
            key: covering.key.clone(),
            on_sqlite,
            version,
            refuses: match state {
                SchemaState::AsExpected => None,
                SchemaState::Differs(what) => Some(schema::changed(&what)),
                SchemaState::Unknown(why) => Some(schema::not_compared(&why)),
            },
        })
    }

    /// Lets the triggers act until the transaction ends, under a new token.
    pub(super) async fn begin(&self, connection: &mut AnyConnection) -> Result<String> {
        let token = crate::ids::random_hex(16);
        let sql = match self.on_sqlite {
            true => "UPDATE temp.obhut_writer SET token = $1",
            false => "SELECT pg_catalog.set_config('obhut.writer', $1, true)",
        };
        sqlx::query(sql).bind(&token).execute(connection).await?;
        Ok(token)
    }

    /// Seals what was noted under a token. The last statement before the commit.
    pub(super) async fn seal(&self, connection: &mut AnyConnection, token: &str) -> Result<()> {
        let KeptIn { seals, leaves, .. } = self.kept_in;
        let notes = self.notes(connection, token).await?;
        if !notes.is_empty() {
            // What a foreign default, trigger or rule writes would be noted as obhut's.
            if let Some(why) = self.refuses.clone() {
                return Err(CaseworkError::Unavailable { why });
            }
            if schema::version(connection, self.on_sqlite).await? != self.version {
                return Err(CaseworkError::Unavailable {
                    why: "something has changed the database's tables since obhut opened it; find out what, and start obhut again".into(),
                });
            }
            if !self.on_sqlite {
                self.only_ours(connection, token).await?;
                // `begin_alone` holds it exclusively: no leaf is added until this has committed.
                sqlx::query("SELECT 1 FROM pg_advisory_xact_lock_shared($1)")
                    .bind(LEAVES)
                    .execute(&mut *connection)
                    .await?;
            }
            let newest = sqlx::AssertSqlSafe(format!("SELECT COALESCE(MAX(seq), 0) FROM {leaves}"));
            let newest: i64 = sqlx::query(newest)
                .fetch_one(&mut *connection)
                .await?
                .try_get(0)?;
            let insert = format!("INSERT INTO {seals} (writer, leaf, mac) VALUES ($1, $2, $3)");
            sqlx::query(sqlx::AssertSqlSafe(insert))
                .bind(token)
                .bind(newest)
                .bind(code(&self.key, token, newest, &notes))
                .execute(&mut *connection)
                .await?;
        }
        if self.on_sqlite {
            // The table outlives the transaction: what is written outside of one isn't obhut's.
            connection
                .execute("UPDATE temp.obhut_writer SET token = ''")
                .await?;
        }
        Ok(())
    }

    /// PostgreSQL shows tokens of running transactions to its administrators: what another transaction
    /// has noted under this one isn't obhut's.
    async fn only_ours(&self, connection: &mut AnyConnection, token: &str) -> Result<()> {
        let KeptIn { notes, .. } = self.kept_in;
        let sql = format!(
            "SELECT COUNT(*) FROM {notes} WHERE writer = $1 AND xmin <> pg_current_xact_id()::xid"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(token)
            .fetch_one(connection)
            .await?;
        match row.try_get::<i64, _>(0)? {
            0 => Ok(()),
            _ => Err(CaseworkError::Unavailable {
                why: "something else has written to the database in obhut's name; find out who, before you try again".into(),
            }),
        }
    }

    /// What was noted under a token.
    ///
    /// # Errors
    /// The database doesn't answer.
    pub async fn notes(&self, connection: &mut AnyConnection, token: &str) -> Result<Vec<Note>> {
        let KeptIn { notes, .. } = self.kept_in;
        let sql = format!("SELECT tbl, row_key, before, after FROM {notes} WHERE writer = $1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(token)
            .fetch_all(connection)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push(Note {
                table: row.try_get(0)?,
                key: row.try_get(1)?,
                before: row.try_get(2)?,
                after: row.try_get(3)?,
            });
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// PostgreSQL's number of the lock between those who seal notes and the one who makes leaves.
/// Arbitrary, and must never change.
pub(super) const LEAVES: i64 = 478_560_413_047;

/// The code that shows that obhut noted this, in one transaction, when `newest` was the newest leaf.
/// The notes are in their own order.
pub fn code(key: &LookupKey, token: &str, newest: i64, notes: &[Note]) -> String {
    let mut about = Vec::new();
    let mut part = |bytes: &[u8]| {
        about.extend((bytes.len() as u64).to_be_bytes());
        about.extend(bytes);
    };
    part(token.as_bytes());
    part(&newest.to_be_bytes());
    for note in notes {
        part(note.table.as_bytes());
        part(note.key.as_bytes());
        for row in [&note.before, &note.after] {
            part(&[u8::from(row.is_some())]);
            part(row.as_deref().unwrap_or_default());
        }
    }
    key.keyed_digest("notes", &about)
}

/// A table with a single text as its key.
pub const fn by_id(table: &'static str, id: &'static [KeyColumn; 1]) -> Covered {
    Covered { table, key: id }
}

/// Between the values of a key of several columns: a character that no id has.
const BETWEEN: char = '\u{1f}';

/// A value as the database stores it.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub enum Stored {
    /// None.
    Null,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A value of a kind that obhut doesn't write.
    Other,
}

/// A row with its key; the columns in the order of their names.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct StoredRow {
    /// The values of its key, with U+001F between them.
    pub key: String,
    /// Name and value of each column.
    pub columns: Vec<(String, Stored)>,
}

impl Covered {
    /// The expression of its key for a row called `row` in a trigger.
    fn key_of(&self, row: &str) -> String {
        let columns = self.key.iter().map(|c| format!("{row}.{}", c.name()));
        columns.collect::<Vec<_>>().join(" || char(31) || ")
    }

    /// The triggers of one SQLite connection, for a table with these columns.
    pub(super) fn sqlite_triggers(&self, columns: &[String], into: &str) -> String {
        let table = self.table;
        let (new, old) = (self.key_of("NEW"), self.key_of("OLD"));
        // No covered table has a column of bytes. Where something else has put some, SQLite refuses
        // the change: JSON has none.
        let json = |row: &str| {
            let columns = columns.iter().map(|c| format!("'{c}', {row}.{c}"));
            let columns = columns.collect::<Vec<_>>().join(", ");
            format!("CAST(json_object({columns}) AS BLOB)")
        };
        let note = |key: &str, before: &str, after: &str| {
            format!(
                "INSERT INTO {into} (tbl, row_key, writer, before, after) SELECT '{table}', {key}, token, {before}, {after} FROM temp.obhut_writer WHERE token <> '';"
            )
        };
        let (before, after) = (json("OLD"), json("NEW"));
        // obhut changes no key; without this the old key's row would be gone without a note.
        let same = format!("SELECT RAISE(ABORT, 'a key was changed') WHERE {new} <> {old};");
        // Short, because a connection parses all of this twice before the first command.
        [
            ("INSERT", note(&new, "x''", &after)),
            ("UPDATE", same + &note(&new, &before, &after)),
            ("DELETE", note(&old, &before, "x''")),
        ]
        .map(|(event, notes)| {
            format!(
                "CREATE TEMP TRIGGER touched_{table}_{event} AFTER {event} ON main.{table} BEGIN {notes} END;"
            )
        })
        .concat()
    }

    /// The triggers on PostgreSQL, for all sessions.
    fn postgres_triggers(&self, into: &str) -> Vec<String> {
        let table = self.table;
        let key_of = |row| self.key_of(row).replace("char(31)", "chr(31)");
        let (new, old) = (key_of("NEW"), key_of("OLD"));
        let json = |row| format!("pg_catalog.convert_to(pg_catalog.to_jsonb({row})::text, 'UTF8')");
        let note = |key: &str, before: &str, after: &str| {
            format!(
                "INSERT INTO {into} (tbl, row_key, writer, before, after) VALUES ('{table}', {key}, current_setting('obhut.writer', true), {before}, {after});"
            )
        };
        let none = "''::bytea";
        let (before, after) = (json("OLD"), json("NEW"));
        let (inserted, deleted) = (note(&new, none, &after), note(&old, &before, none));
        let updated = note(&new, &before, &after);
        let function = format!(
            "CREATE OR REPLACE FUNCTION {TRIGGERS}{table}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN \
             IF coalesce(current_setting('obhut.writer', true), '') = '' THEN RETURN NULL; END IF; \
             IF TG_OP = 'INSERT' THEN {inserted} \
             ELSIF TG_OP = 'DELETE' THEN {deleted} \
             ELSIF {new} = {old} THEN {updated} \
             ELSE {deleted} {inserted} END IF; \
             RETURN NULL; END $body$"
        );
        let mut statements = vec![
            function,
            format!("DROP TRIGGER IF EXISTS {TRIGGERS}{table} ON {table}"),
        ];
        for earlier in EARLIER {
            statements.push(format!(
                "DROP TRIGGER IF EXISTS {earlier}{table} ON {table}"
            ));
            statements.push(format!("DROP FUNCTION IF EXISTS {earlier}{table}()"));
        }
        statements.push(format!(
            "CREATE TRIGGER {TRIGGERS}{table} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {TRIGGERS}{table}()"
        ));
        statements
    }

    /// One row, as it is stored; `None` if it isn't there.
    ///
    /// # Errors
    /// The database doesn't answer, or a value is of a kind that obhut doesn't store.
    pub async fn row(&self, tx: &mut Tx, key: &str) -> Result<Option<StoredRow>> {
        let columns = self.key.iter().enumerate();
        let equal = columns.map(|(n, c)| format!("{} = ${}", c.name(), n + 1));
        let equal = equal.collect::<Vec<_>>().join(" AND ");
        let sql = format!("SELECT * FROM {} WHERE {equal}", self.table);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let values = key.split(BETWEEN);
        for (column, value) in self.key.iter().zip(values) {
            query = match column {
                KeyColumn::Text(_) => query.bind(value.to_owned()),
                KeyColumn::Int(_) => match value.parse::<i64>() {
                    Ok(number) => query.bind(number),
                    // No row has a key that isn't a number here.
                    Err(_) => return Ok(None),
                },
            };
        }
        match query.fetch_optional(&mut **tx).await {
            Ok(row) => row.map(|r| self.stored(&r)).transpose(),
            Err(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {
                Ok(Some(unreadable(key.to_owned())))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// At most `count` rows in the order of their keys, after the first `from`.
    ///
    /// # Errors
    /// As [`Covered::row`].
    pub async fn rows(&self, tx: &mut Tx, from: i64, count: i64) -> Result<Vec<StoredRow>> {
        let order: Vec<_> = self.key.iter().map(|c| c.name()).collect();
        let sql = format!(
            "SELECT * FROM {} ORDER BY {} LIMIT $1 OFFSET $2",
            self.table,
            order.join(", ")
        );
        let read = async |tx: &mut Tx, from: i64, count: i64| {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.clone()));
            query.bind(count).bind(from).fetch_all(&mut **tx).await
        };
        match read(tx, from, count).await {
            Ok(rows) => return rows.iter().map(|r| self.stored(r)).collect(),
            Err(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        // SQLite stores texts that aren't UTF-8, which obhut never writes: one row hides no other.
        let mut rows = Vec::new();
        for at in from..from + count {
            match read(tx, at, 1).await {
                Ok(one) if one.is_empty() => break,
                Ok(one) => rows.push(self.stored(&one[0])?),
                Err(_) => rows.push(self.unreadable(tx, at).await?),
            }
        }
        Ok(rows)
    }

    /// The row at this place in the order of keys, of which only the key is read.
    async fn unreadable(&self, tx: &mut Tx, at: i64) -> Result<StoredRow> {
        let order: Vec<_> = self.key.iter().map(|c| c.name()).collect();
        let keys: Vec<_> = order.iter().map(|c| format!("CAST({c} AS BLOB)")).collect();
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT 1 OFFSET $1",
            keys.join(", "),
            self.table,
            order.join(", ")
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(at);
        let row = query.fetch_one(&mut **tx).await?;
        let mut key = Vec::with_capacity(order.len());
        for n in 0..order.len() {
            let bytes: Vec<u8> = row.try_get(n)?;
            key.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(unreadable(key.join(&BETWEEN.to_string())))
    }

    fn stored(&self, row: &AnyRow) -> Result<StoredRow> {
        let mut columns = Vec::with_capacity(row.columns().len());
        for column in row.columns() {
            let at = column.ordinal();
            let raw = row.try_get_raw(at)?;
            let kind = raw.type_info().kind();
            let value = match kind {
                // First: a null may be of any kind.
                _ if raw.is_null() => Stored::Null,
                AnyTypeInfoKind::Null => Stored::Null,
                AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                    Stored::Int(row.try_get(at)?)
                }
                AnyTypeInfoKind::Text => Stored::Text(row.try_get(at)?),
                AnyTypeInfoKind::Blob => Stored::Bytes(row.try_get(at)?),
                // obhut stores no other kind: the row differs from what it wrote.
                _ => Stored::Other,
            };
            columns.push((column.name().to_owned(), value));
        }
        Ok(self.of_columns(columns))
    }

    /// A row of these columns, each with its name.
    pub fn of_columns(&self, mut columns: Vec<(String, Stored)>) -> StoredRow {
        // A migration may add a column anywhere; the order of the names doesn't depend on it.
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        let of_key = |c: &KeyColumn| {
            let value = columns.iter().find(|(name, _)| name == c.name());
            match value.map(|(_, v)| v) {
                Some(Stored::Text(text)) => text.clone(),
                Some(Stored::Int(number)) => number.to_string(),
                _ => String::new(),
            }
        };
        let key: Vec<_> = self.key.iter().map(of_key).collect();
        StoredRow {
            key: key.join(&BETWEEN.to_string()),
            columns,
        }
    }
}

/// A row with a text that isn't UTF-8.
fn unreadable(key: String) -> StoredRow {
    StoredRow {
        key,
        columns: vec![("all".into(), Stored::Other)],
    }
}

/// How the names of the functions and triggers on PostgreSQL begin. With a number, because those of
/// an earlier version are replaced by counting them.
const TRIGGERS: &str = "obhut_touched_3_";
/// Those of the versions before, which are removed.
const EARLIER: [&str; 2] = ["obhut_touched_1_", "obhut_touched_2_"];

/// Creates the triggers on PostgreSQL, if they aren't there.
pub(super) async fn create_on_postgres(
    connection: &mut AnyConnection,
    to: &Covering<'_>,
) -> Result<()> {
    let row = sqlx::query("SELECT COUNT(*) FROM pg_trigger WHERE tgname LIKE $1")
        .bind(format!("{}%", TRIGGERS.replace('_', "\\_")))
        .fetch_one(&mut *connection)
        .await?;
    if row.try_get::<i64, _>(0)? == to.tables.len() as i64 {
        return Ok(());
    }
    for sql in on_postgres(to) {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The statements that create the triggers on PostgreSQL, or create them again.
pub(super) fn on_postgres(to: &Covering<'_>) -> Vec<String> {
    let of_table = |covered: &Covered| covered.postgres_triggers(to.kept_in.notes);
    to.tables.iter().flat_map(of_table).collect()
}

/// The statements that each SQLite connection begins with.
pub(super) async fn for_sqlite(
    connection: &mut AnyConnection,
    to: &Covering<'_>,
) -> Result<String> {
    let mut sql = String::from(
        "CREATE TEMP TABLE obhut_writer (token TEXT NOT NULL); INSERT INTO temp.obhut_writer VALUES ('');",
    );
    let rows = sqlx::query(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let of_table = columns.entry(row.try_get(0)?).or_default();
        of_table.push(row.try_get(1)?);
    }
    for covered in to.tables {
        let columns = columns.get(covered.table).map_or(&[][..], Vec::as_slice);
        sql += &covered.sqlite_triggers(columns, to.kept_in.notes);
    }
    Ok(sql)
}
