//! The tables whose rows the vault's log covers: notes which rows this program writes, and reads rows
//! as they are stored.
//!
//! Triggers note the rows, so that no statement can be forgotten. On SQLite they belong to the
//! connections of this program, on PostgreSQL they act only in sessions that have set its token: a
//! row that something else writes isn't noted, and then differs from the log.

use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AnyConnection, Column as _, Row as _, ValueRef as _};

use super::Tx;
use crate::Result;

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
#[derive(Clone, Copy, Debug)]
pub struct Covering<'a> {
    /// The tables whose rows are noted.
    pub tables: &'a [Covered],
    /// The table they are noted in, with three texts: the name of the row's table, its key, and the
    /// token.
    pub into: &'static str,
    /// The token of this program, lower-case hex.
    pub writer: &'a str,
}

/// A table with a single text as its key.
pub const fn by_id(table: &'static str, id: &'static [KeyColumn; 1]) -> Covered {
    Covered { table, key: id }
}

/// Between the values of a key of several columns: a character that no id has.
const BETWEEN: char = '\u{1f}';

/// A value as the database stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredRow {
    /// The values of its key, with U+001F between them.
    pub key: String,
    /// Name and value of each column.
    pub columns: Vec<(String, Stored)>,
}

/// A row that was written or deleted and isn't in the log yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Touched {
    /// Its table.
    pub table: String,
    /// Its key, as in [`StoredRow::key`].
    pub key: String,
}

impl Covered {
    /// The expression of its key for a row called `row` in a trigger.
    fn key_of(&self, row: &str) -> String {
        let columns = self.key.iter().map(|c| format!("{row}.{}", c.name()));
        columns.collect::<Vec<_>>().join(" || char(31) || ")
    }

    /// The triggers of one SQLite connection.
    pub(super) fn sqlite_triggers(&self, to: &Covering<'_>) -> String {
        let table = self.table;
        let (new, old) = (self.key_of("NEW"), self.key_of("OLD"));
        let Covering { into, writer, .. } = to;
        let note = |key: &str| format!("INSERT INTO {into} VALUES ('{table}', {key}, '{writer}');");
        let mut sql = String::new();
        // An update may change the key: then one row is gone and another is there.
        for (event, notes) in [
            ("INSERT", note(&new)),
            ("UPDATE", note(&new) + &note(&old)),
            ("DELETE", note(&old)),
        ] {
            sql += &format!(
                "CREATE TEMP TRIGGER touched_{table}_{event} AFTER {event} ON main.{table} BEGIN {notes} END;"
            );
        }
        sql
    }

    /// The triggers on PostgreSQL, for all sessions.
    fn postgres_triggers(&self, into: &str) -> [String; 3] {
        let table = self.table;
        let key_of = |row| self.key_of(row).replace("char(31)", "chr(31)");
        let note = |row| {
            let key = key_of(row);
            format!(
                "INSERT INTO {into} VALUES ('{table}', {key}, current_setting('obhut.writer', true));"
            )
        };
        let (new, old) = (note("NEW"), note("OLD"));
        let function = format!(
            "CREATE OR REPLACE FUNCTION {TRIGGERS}{table}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN \
             IF coalesce(current_setting('obhut.writer', true), '') = '' THEN RETURN NULL; END IF; \
             IF TG_OP <> 'DELETE' THEN {new} END IF; \
             IF TG_OP <> 'INSERT' THEN {old} END IF; \
             RETURN NULL; END $body$"
        );
        [
            function,
            format!("DROP TRIGGER IF EXISTS {TRIGGERS}{table} ON {table}"),
            format!(
                "CREATE TRIGGER {TRIGGERS}{table} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {TRIGGERS}{table}()"
            ),
        ]
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
        let row = query.fetch_optional(&mut **tx).await?;
        row.map(|r| self.stored(&r)).transpose()
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
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(count)
            .bind(from)
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|r| self.stored(r)).collect()
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
        Ok(StoredRow {
            key: key.join(&BETWEEN.to_string()),
            columns,
        })
    }
}

/// How the names of the functions and triggers on PostgreSQL begin. With a number, because those of
/// an earlier version are replaced by counting them.
const TRIGGERS: &str = "obhut_touched_1_";

/// Triggers and, on SQLite, views that obhut didn't make.
pub(super) async fn foreign(
    connection: &mut AnyConnection,
    on_sqlite: bool,
) -> Result<Vec<String>> {
    let sql = match on_sqlite {
        true => "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name",
        false => {
            "SELECT CAST(tgname AS TEXT) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT tgisinternal AND n.nspname = current_schema() ORDER BY tgname"
        }
    };
    let mut names = Vec::new();
    for row in &sqlx::query(sql).fetch_all(connection).await? {
        let name: String = row.try_get(0)?;
        if !name.starts_with(TRIGGERS) {
            names.push(name);
        }
    }
    Ok(names)
}

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
    for covered in to.tables {
        for sql in covered.postgres_triggers(to.into) {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}
