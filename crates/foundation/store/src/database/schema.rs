//! Whether the database's tables, triggers and functions are those that the migrations make.
//!
//! A default, a foreign key, a rule or a trigger's function that something else has put there writes
//! rows in obhut's name. So the database's schema is compared with the one that the same
//! migrations make in an empty place: a database in memory (SQLite) or a schema that is rolled
//! back (PostgreSQL). That takes long; a schema that was compared before is recognised by a code that only
//! the key makes.
//!
//! What isn't compared: functions of extensions that are written in C, what is outside the schema
//! that the tables are in, and what a superuser of PostgreSQL can do to the server itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use obhut_vault::LookupKey;
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

use crate::Result;
use crate::migrations::{self, Numbered};

/// What the database's schema is compared with.
#[derive(Debug)]
pub(super) struct ExpectedSchema {
    pub(super) url: String,
    pub(super) on_sqlite: bool,
    pub(super) migrations: Vec<Numbered>,
    /// Statements after the migrations.
    pub(super) triggers: Vec<String>,
    pub(super) key: LookupKey,
    /// The file with the code of the schema that was compared last.
    pub(super) compared: PathBuf,
    /// False for a check that writes nothing.
    pub(super) remembers: bool,
}

/// How the database's schema compares with the expected one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SchemaState {
    /// It is the one that the migrations make.
    AsExpected,
    /// A definition isn't: which, and how.
    Differs(String),
    /// It couldn't be compared: why.
    Unknown(String),
}

/// Kind and name of each definition, and what it says.
type Listed = BTreeMap<(String, String), String>;

impl ExpectedSchema {
    /// Compares the schema of the database that `connection` is to.
    pub(super) async fn compare(&self, connection: &mut AnyConnection) -> Result<SchemaState> {
        let schema = pinned(connection, self.on_sqlite).await?;
        let listed = listed(connection, &schema).await?;
        pin(connection, &schema).await?;
        let code = self.code(&listed);
        if std::fs::read_to_string(&self.compared).is_ok_and(|known| known == code) {
            return Ok(SchemaState::AsExpected);
        }
        let expected = match self.expected().await {
            Ok(expected) => expected,
            Err(e) => return Ok(SchemaState::Unknown(e.to_string())),
        };
        if let Some(what) = difference(&listed, &expected) {
            return Ok(SchemaState::Differs(what));
        }
        if self.remembers {
            // Only saves time: without it, or with another's, they are compared again.
            let _ = crate::write_private(&self.compared, code.as_bytes());
        }
        Ok(SchemaState::AsExpected)
    }

    fn code(&self, listed: &Listed) -> String {
        let mut about = Vec::new();
        for ((kind, name), says) in listed {
            for part in [kind, name, says] {
                about.extend((part.len() as u64).to_be_bytes());
                about.extend(part.as_bytes());
            }
        }
        self.key.keyed_digest("schema", &about)
    }

    /// What the migrations make in an empty place.
    async fn expected(&self) -> Result<Listed> {
        if self.on_sqlite {
            let mut empty = AnyConnection::connect("sqlite::memory:").await?;
            migrations::run(&mut empty, &self.migrations).await?;
            return listed(&mut empty, "").await;
        }
        let mut connection = AnyConnection::connect(&self.url).await?;
        pinned(&mut connection, false).await?;
        connection
            .execute("SET default_transaction_read_only = off")
            .await?;
        // Never committed.
        let mut tx = connection.begin().await?;
        let schema = format!("obhut_empty_{}", crate::ids::random_hex(8));
        for sql in [
            format!("CREATE SCHEMA {schema}"),
            format!("SET LOCAL search_path TO {schema}, pg_temp"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut *tx)
                .await?;
        }
        migrations::run(&mut tx, &self.migrations).await?;
        for sql in &self.triggers {
            let sql = sqlx::AssertSqlSafe(sql.clone());
            sqlx::query(sql).execute(&mut *tx).await?;
        }
        let mut expected = listed(&mut tx, &schema).await?;
        tx.rollback().await?;
        // Of the whole database or session: the migrations make none.
        expected.retain(|(kind, _), _| kind != "cast" && kind != "setting");
        Ok(expected)
    }
}

/// The first definition that differs, and how.
fn difference(listed: &Listed, expected: &Listed) -> Option<String> {
    let added = listed.keys().find(|at| !expected.contains_key(at));
    if let Some((kind, name)) = added {
        return Some(format!("{kind} {name} isn't obhut's"));
    }
    let (kind, name) = expected
        .iter()
        .find(|(at, says)| listed.get(at) != Some(says))?
        .0;
    Some(match listed.contains_key(&(kind.clone(), name.clone())) {
        true => format!("{kind} {name} isn't as obhut made it"),
        false => format!("{kind} {name} is missing"),
    })
}

/// Makes names mean what is in the schema of obhut's tables or in PostgreSQL itself, whatever is set
/// for the role or the database; returns the schema, empty on SQLite. The functions called for it are
/// named in full: otherwise they could be someone else's, too.
pub(super) async fn pinned(connection: &mut AnyConnection, on_sqlite: bool) -> Result<String> {
    if on_sqlite {
        return Ok(String::new());
    }
    let sql = "SELECT CAST(pg_catalog.current_schema() AS TEXT)";
    let schema: Option<String> = sqlx::query(sql)
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    let schema = schema.unwrap_or_default();
    pin(connection, &schema).await?;
    Ok(schema)
}

/// Temporary tables come last: what a session was made to create hides nothing.
async fn pin(connection: &mut AnyConnection, schema: &str) -> Result<()> {
    if schema.is_empty() {
        return Ok(());
    }
    let path = format!("\"{}\", pg_temp", schema.replace('"', "\"\""));
    set_path(connection, &path).await
}

async fn set_path(connection: &mut AnyConnection, path: &str) -> Result<()> {
    sqlx::query("SELECT pg_catalog.set_config('search_path', $1, false)")
        .bind(path.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

/// The definitions in a schema; on SQLite, where it is empty, in the database.
async fn listed(connection: &mut AnyConnection, schema: &str) -> Result<Listed> {
    let on_sqlite = schema.is_empty();
    let rows = if on_sqlite {
        sqlx::query(ON_SQLITE).fetch_all(connection).await?
    } else {
        // Functions and operators of the schema that is looked at must have no part in looking.
        set_path(connection, "pg_catalog").await?;
        let query = sqlx::query(ON_POSTGRES).bind(schema.to_owned());
        query.fetch_all(connection).await?
    };
    let mut listed = Listed::new();
    for row in &rows {
        let (kind, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let says: Option<String> = row.try_get(2)?;
        // SQLite keeps the blanks and quotes with which a statement was written.
        let says = says.unwrap_or_default();
        let says = if on_sqlite { unquoted(&says) } else { says };
        let says = says.split_whitespace().collect::<Vec<_>>().join(" ");
        let entry: &mut String = listed.entry((kind, name)).or_default();
        // Several under one name, such as functions with other arguments, in the query's order.
        entry.push_str(&says);
        entry.push('\n');
    }
    Ok(listed)
}

/// Without the quotes around single words: a renamed table has some. A type may be several words in
/// quotes, which then aren't constraints.
fn unquoted(sql: &str) -> String {
    let parts: Vec<&str> = sql.split('"').collect();
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let mut text = String::with_capacity(sql.len());
    for (n, part) in parts.iter().enumerate() {
        // Every second part is inside quotes.
        match n % 2 == 1 && !is_word(part) {
            true => text += &format!("\"{part}\""),
            false => text += part,
        }
    }
    text
}

/// Everything but the form of the table that sqlx keeps, which is sqlx's, and what SQLite makes for itself.
const ON_SQLITE: &str = "SELECT type, name, sql FROM sqlite_master
    WHERE NOT (type IN ('table', 'index') AND (tbl_name = '_sqlx_migrations'
        OR name LIKE 'sqlite\\_autoindex\\_%' ESCAPE '\\' OR name IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4')))
    ORDER BY type, name, sql";

/// Without what belongs to an extension. Names are without the schema, which is another one where
/// the expected definitions are made.
const ON_POSTGRES: &str = "
WITH here AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = $1),
tables AS (SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c JOIN here ON c.relnamespace = here.oid
    WHERE c.relkind NOT IN ('i', 'I', 't', 'c')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')),
found AS (
    SELECT 'table' AS kind, relname::text AS name,
        concat_ws(' ', relkind, relpersistence, relrowsecurity, relforcerowsecurity) AS says FROM tables
    UNION ALL
    SELECT 'column', t.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attgenerated, a.attidentity, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attribute a JOIN tables t ON t.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND t.relname <> '_sqlx_migrations'
    UNION ALL
    SELECT 'constraint', t.relname || '.' || c.conname, replace(pg_get_constraintdef(c.oid, true), quote_ident(here.nspname) || '.', '')
        FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid, here
        WHERE c.contype <> 'n' AND t.relname <> '_sqlx_migrations'
    UNION ALL
    SELECT 'index', i.relname::text, replace(pg_get_indexdef(i.oid), quote_ident(here.nspname) || '.', '')
        FROM pg_index x JOIN tables t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid, here
        WHERE t.relname <> '_sqlx_migrations'
    UNION ALL
    SELECT 'trigger', t.relname || '.' || CASE WHEN g.tgisinternal THEN 'of a constraint' ELSE g.tgname END,
        concat_ws(' ', g.tgenabled, g.tgtype,
            CASE WHEN p.pronamespace = here.oid THEN 'here' ELSE p.pronamespace::regnamespace::text END,
            p.proname, CASE WHEN NOT g.tgisinternal
            THEN replace(pg_get_triggerdef(g.oid, true), quote_ident(here.nspname) || '.', '') END)
        FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid, here
    UNION ALL
    SELECT 'rule', t.relname || '.' || r.rulename, pg_get_ruledef(r.oid, true)
        FROM pg_rewrite r JOIN tables t ON t.oid = r.ev_class
    UNION ALL
    SELECT 'policy', t.relname || '.' || p.polname, '' FROM pg_policy p JOIN tables t ON t.oid = p.polrelid
    UNION ALL
    SELECT 'child table of', t.relname::text, i.inhrelid::regclass::text
        FROM pg_inherits i JOIN tables t ON t.oid = i.inhparent
    UNION ALL
    SELECT 'function', p.proname::text, concat_ws(' ', pg_get_function_arguments(p.oid), l.lanname, p.prosecdef,
        p.proconfig::text, p.prosrc)
        FROM pg_proc p JOIN here ON p.pronamespace = here.oid JOIN pg_language l ON l.oid = p.prolang
        WHERE NOT (l.lanname IN ('c', 'internal')
            AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'))
    UNION ALL
    SELECT 'cast', concat_ws(' to ', castsource::regtype, casttarget::regtype), castfunc::regproc::text
        FROM pg_cast c WHERE c.oid >= 16384
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'setting', 'session_replication_role', current_setting('session_replication_role')
        WHERE current_setting('session_replication_role') <> 'origin'
    UNION ALL
    SELECT 'operator', o.oprname::text, concat_ws(' ', o.oprleft::regtype, o.oprright::regtype, o.oprcode::text)
        FROM pg_operator o JOIN here ON o.oprnamespace = here.oid
        WHERE NOT EXISTS (SELECT 1 FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
            WHERE p.oid = o.oprcode AND l.lanname = 'c')
    UNION ALL
    SELECT 'type', y.typname::text, y.typtype::text FROM pg_type y JOIN here ON y.typnamespace = here.oid
        WHERE y.typtype IN ('d', 'e', 'r', 'b') AND y.typcategory <> 'A'
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = y.oid AND d.deptype = 'e'))
SELECT kind, name, says FROM found ORDER BY kind, name, says COLLATE \"C\"";

/// A text that changes with each change of the schema, while obhut runs. On SQLite it is all of it; on PostgreSQL the versions of the catalogues' rows, so that a definition that was
/// changed and changed back is seen, too.
pub(super) async fn version(connection: &mut AnyConnection, on_sqlite: bool) -> Result<String> {
    if on_sqlite {
        let row = sqlx::query(VERSION_ON_SQLITE).fetch_one(connection).await?;
        return Ok(row.try_get(0)?);
    }
    let schema = pinned(connection, false).await?;
    set_path(connection, "pg_catalog").await?;
    let query = sqlx::query(VERSION_ON_POSTGRES).bind(schema.clone());
    let version = query.fetch_one(&mut *connection).await?.try_get(0)?;
    pin(connection, &schema).await?;
    Ok(version)
}

/// The number alone isn't enough: a direct write to the schema's table needn't raise it.
const VERSION_ON_SQLITE: &str =
    "SELECT (SELECT schema_version FROM pragma_schema_version) || char(10)
    || (SELECT group_concat(type || name || COALESCE(sql, ''), char(10)) FROM sqlite_master)";

const VERSION_ON_POSTGRES: &str = "
WITH here AS (SELECT oid FROM pg_namespace WHERE nspname = $1),
tables AS (SELECT c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relname FROM pg_class c JOIN here ON c.relnamespace = here.oid
    WHERE c.relkind NOT IN ('i', 'I', 't', 'c')),
found AS (
    SELECT concat(oid, relkind, relrowsecurity, relforcerowsecurity, relname) AS x FROM tables
    UNION ALL SELECT concat_ws(' ', p.oid, p.xmin) FROM pg_proc p JOIN here ON p.pronamespace = here.oid
        WHERE NOT EXISTS (SELECT 1 FROM pg_language l WHERE l.oid = p.prolang AND l.lanname IN ('c', 'internal'))
    UNION ALL SELECT concat_ws(' ', x.indexrelid, x.xmin) FROM pg_index x JOIN tables t ON t.oid = x.indrelid
    UNION ALL SELECT concat_ws(' ', a.attrelid, a.attnum, a.xmin) FROM pg_attribute a JOIN tables t ON t.oid = a.attrelid
        WHERE a.attnum > 0
    UNION ALL SELECT concat_ws(' ', c.oid, c.xmin) FROM pg_cast c WHERE c.oid >= 16384
    UNION ALL SELECT concat_ws(' ', o.oid, o.xmin) FROM pg_operator o JOIN here ON o.oprnamespace = here.oid
        WHERE NOT EXISTS (SELECT 1 FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
            WHERE p.oid = o.oprcode AND l.lanname = 'c')
    UNION ALL SELECT concat_ws(' ', g.oid, g.xmin) FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid
    UNION ALL SELECT concat_ws(' ', d.oid, d.xmin) FROM pg_attrdef d JOIN tables t ON t.oid = d.adrelid
    UNION ALL SELECT concat_ws(' ', r.oid, r.xmin) FROM pg_rewrite r JOIN tables t ON t.oid = r.ev_class
    UNION ALL SELECT concat_ws(' ', c.oid, c.xmin) FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid
    UNION ALL SELECT concat_ws(' ', p.oid, p.xmin) FROM pg_policy p JOIN tables t ON t.oid = p.polrelid
    UNION ALL SELECT concat_ws(' ', i.inhrelid, i.xmin) FROM pg_inherits i JOIN tables t ON t.oid = i.inhparent
    UNION ALL SELECT current_setting('session_replication_role'))
SELECT md5(string_agg(x, ',' ORDER BY x)) FROM found";

/// The file in which a data folder keeps the code of the schema that was compared last.
pub fn compared_in(folder: &Path) -> PathBuf {
    folder.join("schema.compared")
}

/// What a changed schema is answered with.
pub(super) fn changed(what: &str) -> String {
    format!(
        "the database's schema isn't the one that obhut made ({what}), and could write in its name; find out who changed it, and undo that"
    )
}

/// What is answered if the schema can't be compared: otherwise someone who takes the right away could
/// change them.
pub(super) fn not_compared(why: &str) -> String {
    format!(
        "the database's schema can't be compared with the one that obhut makes ({why}); its role needs the right to create schemas: GRANT CREATE ON DATABASE name TO role"
    )
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn only_single_words_lose_their_quotes() {
        for (sql, expected) in [
            ("CREATE TABLE \"t\" (x TEXT)", "CREATE TABLE t (x TEXT)"),
            (
                "(f \"TEXT NOT NULL UNIQUE\")",
                "(f \"TEXT NOT NULL UNIQUE\")",
            ),
            ("\"\"", "\"\""),
        ] {
            assert_eq!(unquoted(sql), expected);
        }
    }
}
