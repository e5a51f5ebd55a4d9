//! Puts what the covered tables hold into the vault's log, and compares them with it.
//!
//! A trigger notes each row that this program writes or deletes (`touched`). [`seal_rows`] makes a
//! salted commitment to the row as it is stored now (a leaf), and adds the leaf to the log. The row
//! of the leaf is committed first, without its place in the log: after a crash the leaf is looked
//! for in the log before it is added. So a row is in the log shortly after its transaction, not with
//! it, and what waits is counted.
//!
//! A row in a covered table that its newest leaf doesn't describe was written by something else. A
//! leaf of a deleted row says that it is gone. Salts of older leaves are deleted: what a row held
//! before can't be guessed from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use obhut_store::database::Tx;
use obhut_store::database::changes;
use obhut_store::database::covered::{Covered, Stored, StoredRow, Touched};
use obhut_store::database::{Columns, VALUES_MAX};
use obhut_vault::{LogHead, Problem, Verification};
use sha2::{Digest as _, Sha256};

use crate::{Casework, Result, views};

/// Rows whose leaves are made in one transaction. Our judgement: it takes milliseconds.
const ROWS_AT_ONCE: usize = VALUES_MAX;

/// Rows that are compared at a time. Our judgement: some megabytes.
const COMPARED_AT_ONCE: i64 = 2_000;

/// Problems named of one kind; more are only counted. Our judgement.
const NAMED_MAX: usize = 1_000;

/// The table in which written rows are noted.
pub(crate) const NOTED: &str = "touched";

/// Name of the log's head as the database remembers it.
const HEAD: &str = "vault";

/// Puts every row that was written since the last call into the log. Returns how many.
///
/// # Errors
/// The database or the vault failed, or the vault's log is an older copy. What isn't in the log yet
/// stays noted.
pub async fn seal_rows(casework: &Casework) -> Result<u64> {
    // One process at a time: each would add the same leaves.
    let turn = casework.folder.hold_row_log().await?;
    let mut sealed = add_waiting(casework).await?;
    while make_leaves(casework).await? > 0 {
        sealed += add_waiting(casework).await?;
    }
    drop(turn);
    Ok(sealed)
}

/// Makes the leaves of at most [`ROWS_AT_ONCE`] noted rows. Returns how many rows were noted.
async fn make_leaves(casework: &Casework) -> Result<usize> {
    let mut tx = casework.db.begin().await?;
    let rows = sqlx::query("SELECT DISTINCT tbl, row_key FROM touched WHERE writer = $1 LIMIT $2")
        .bind(&casework.writer)
        .bind(ROWS_AT_ONCE as i64)
        .fetch_all(&mut *tx)
        .await?;
    let mut touched = BTreeSet::new();
    for row in &rows {
        let mut c = Columns::of(row);
        touched.insert(Touched {
            table: c.text()?,
            key: c.text()?,
        });
    }
    if touched.is_empty() {
        return Ok(0);
    }
    // The counter stays locked until the commit, so the numbers are in the order of the log.
    let first = changes::numbers(&mut tx, "leaves", touched.len() as i64).await?;
    for (seq, row) in (first..).zip(&touched) {
        // Deleted before the row is read: a later change of the row is noted again.
        sqlx::query("DELETE FROM touched WHERE tbl = $1 AND row_key = $2 AND writer = $3")
            .bind(&row.table)
            .bind(&row.key)
            .bind(&casework.writer)
            .execute(&mut *tx)
            .await?;
        // A table that a later version no longer covers.
        let Some(covered) = casework.covered.iter().find(|c| c.table == row.table) else {
            continue;
        };
        let stored = covered.row(&mut tx, &row.key).await?;
        let salt = obhut_store::ids::random_hex(32);
        sqlx::query("UPDATE leaves SET salt = '' WHERE tbl = $1 AND row_key = $2 AND salt <> ''")
            .bind(&row.table)
            .bind(&row.key)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO leaves (seq, tbl, row_key, salt, commitment, gone) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(seq)
            .bind(&row.table)
            .bind(&row.key)
            .bind(&salt)
            .bind(commitment(&salt, &row.table, &row.key, stored.as_ref()))
            .bind(i64::from(stored.is_none()))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(touched.len())
}

/// Adds the leaves that aren't in the log to it, and remembers its head. Returns how many.
async fn add_waiting(casework: &Casework) -> Result<u64> {
    let rows =
        sqlx::query("SELECT seq, commitment FROM leaves WHERE log_index IS NULL ORDER BY seq")
            .fetch_all(casework.db.pool())
            .await?;
    let mut waiting = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut c = Columns::of(row);
        waiting.push((c.int()?, c.text()?));
    }
    if waiting.is_empty() {
        return Ok(0);
    }
    let known = head(casework).await?;
    // Of a run that was cut off between the log and the database.
    let added: HashMap<String, u64> = casework
        .vault
        .rows(known.map_or(0, |k| k.size))
        .await?
        .into_iter()
        .map(|(index, commitment)| (commitment, index))
        .collect();
    let missing: Vec<String> = waiting
        .iter()
        .map(|(_, commitment)| commitment.clone())
        .filter(|c| !added.contains_key(c))
        .collect();
    let first = match missing.is_empty() {
        true => 0,
        false => casework.vault.append_rows(&missing).await?,
    };
    let new: HashMap<&String, u64> = missing.iter().zip(first..).collect();
    let head = casework.vault.head().await?;
    let mut tx = casework.db.begin().await?;
    for (seq, commitment) in &waiting {
        let index = added.get(commitment).or_else(|| new.get(commitment));
        let index = *index.expect("each is in one of the two") as i64;
        sqlx::query("UPDATE leaves SET log_index = $1 WHERE seq = $2")
            .bind(index)
            .bind(seq)
            .execute(&mut *tx)
            .await?;
    }
    remember(&mut tx, head).await?;
    tx.commit().await?;
    Ok(waiting.len() as u64)
}

/// The head of the log as the database remembers it; `None` before the log began.
pub(crate) async fn head(casework: &Casework) -> Result<Option<LogHead>> {
    let row = sqlx::query("SELECT size, root FROM log_heads WHERE name = $1")
        .bind(HEAD)
        .fetch_optional(casework.db.pool())
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut c = Columns::of(&row);
    let size = c.int()?;
    let root = c.text()?;
    let unreadable = || crate::CaseworkError::unreadable("the remembered head of the vault's log");
    let mut bytes = [0; 32];
    hex::decode_to_slice(root, &mut bytes).map_err(|_| unreadable())?;
    Ok(Some(LogHead {
        size: u64::try_from(size).map_err(|_| unreadable())?,
        root: bytes,
    }))
}

async fn remember(tx: &mut Tx, head: LogHead) -> Result<()> {
    sqlx::query("INSERT INTO log_heads (name, size, root) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET size = excluded.size, root = excluded.root WHERE excluded.size > log_heads.size")
        .bind(HEAD)
        .bind(head.size as i64)
        .bind(hex::encode(head.root))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Begins the log of a new vault, and covers the tables that were not covered before: each of their
/// rows is noted.
///
/// # Errors
/// The database or the vault failed.
pub(crate) async fn begin(casework: &Casework) -> Result<()> {
    match head(casework).await? {
        Some(known) => casework.vault.expect(known),
        None => {
            // A vault with exhibits has a log; were it gone, a new one must not hide that.
            if !views::any_exhibit(casework).await? {
                casework.vault.begin().await?;
            }
            if let Ok(head) = casework.vault.head().await {
                let mut tx = casework.db.begin().await?;
                remember(&mut tx, head).await?;
                tx.commit().await?;
                casework.vault.expect(head);
            }
        }
    }
    // A folder of an older version has none yet. If it can't be written, verification says so.
    let _ = casework.vault.publish_key().await;
    let rows = sqlx::query("SELECT tbl FROM covered")
        .fetch_all(casework.db.pool())
        .await?;
    let mut known = BTreeSet::new();
    for row in &rows {
        known.insert(Columns::of(row).text()?);
    }
    if casework.covered.iter().all(|c| known.contains(c.table)) {
        return Ok(());
    }
    let mut tx = casework.db.begin().await?;
    for covered in casework.covered.iter().filter(|c| !known.contains(c.table)) {
        sqlx::query("INSERT INTO covered (tbl, columns) VALUES ($1, '') ON CONFLICT DO NOTHING")
            .bind(covered.table)
            .execute(&mut *tx)
            .await?;
        // Rows that have leaves are covered already, and stay as they were.
        let has_leaves = sqlx::query("SELECT 1 FROM leaves WHERE tbl = $1 LIMIT 1")
            .bind(covered.table)
            .fetch_optional(&mut *tx)
            .await?;
        if has_leaves.is_some() {
            continue;
        }
        let mut from = 0;
        loop {
            let rows = covered.rows(&mut tx, from, COMPARED_AT_ONCE).await?;
            for row in &rows {
                sqlx::query("INSERT INTO touched (tbl, row_key, writer) VALUES ($1, $2, $3)")
                    .bind(covered.table)
                    .bind(&row.key)
                    .bind(&casework.writer)
                    .execute(&mut *tx)
                    .await?;
            }
            if (rows.len() as i64) < COMPARED_AT_ONCE {
                break;
            }
            from += COMPARED_AT_ONCE;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// The newest leaf of a row.
struct Leaf {
    salt: String,
    commitment: String,
    gone: bool,
}

/// Compares the covered tables with the log. `seen` is what was read from the log, and gets the
/// differences. Returns how many rows were compared, and how many changes aren't in the log yet.
///
/// # Errors
/// The database doesn't answer.
// Long: one pass over the leaves and one over each table, with what is left between them.
pub(crate) async fn compare(casework: &Casework, seen: &mut Verification) -> Result<(u64, u64)> {
    let mut tx = casework.db.snapshot().await?;
    let mut waiting = BTreeMap::new();
    let rows = sqlx::query("SELECT tbl, row_key, writer FROM touched")
        .fetch_all(&mut *tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let at = (c.text()?, c.text()?);
        let ours = c.text()? == casework.writer;
        *waiting.entry(at).or_insert(true) &= ours;
    }
    let mut faults = Faults::default();
    let mut newest: HashMap<(String, String), Leaf> = HashMap::new();
    // A log that can't be read has been named; not each of its rows too.
    let log_is_read = seen.entries > 0 || seen.problems.is_empty();
    let mut in_log: HashMap<u64, String> = seen.rows.iter().cloned().collect();
    let mut unplaced = 0;
    let rows = sqlx::query(
        "SELECT tbl, row_key, salt, commitment, gone, log_index FROM leaves ORDER BY seq",
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (table, key) = (c.text()?, c.text()?);
        let leaf = Leaf {
            salt: c.text()?,
            commitment: c.text()?,
            gone: c.int()? != 0,
        };
        match c.maybe_int()? {
            None => unplaced += 1,
            Some(index) => {
                let entry = u64::try_from(index).ok().and_then(|i| in_log.remove(&i));
                if log_is_read && entry.as_ref() != Some(&leaf.commitment) {
                    faults.add(&table, &key, "its leaf isn't the one in the log");
                }
            }
        }
        newest.insert((table, key), leaf);
    }
    drop(rows);
    let mut compared = 0;
    for covered in &casework.covered {
        let mut from = 0;
        loop {
            let rows = covered.rows(&mut tx, from, COMPARED_AT_ONCE).await?;
            for row in &rows {
                compared += 1;
                let at = (covered.table.to_owned(), row.key.clone());
                let leaf = newest.remove(&at);
                match waiting.get(&at) {
                    Some(true) => continue,
                    Some(false) => {
                        faults.add(covered.table, &row.key, "was written by something else");
                        continue;
                    }
                    None => {}
                }
                faults.compare(covered, row, leaf);
            }
            if (rows.len() as i64) < COMPARED_AT_ONCE {
                break;
            }
            from += COMPARED_AT_ONCE;
        }
    }
    // What is left has no row any more.
    for ((table, key), leaf) in newest {
        let expected = commitment(&leaf.salt, &table, &key, None);
        let noted = waiting.contains_key(&(table.clone(), key.clone()));
        if !noted && (!leaf.gone || expected != leaf.commitment) {
            faults.add(&table, &key, "is missing; the log has no deletion of it");
        }
    }
    // A run that was cut off has added them, and finds them again.
    let known = head(casework).await?.map_or(0, |k| k.size);
    for index in in_log.keys().filter(|i| **i < known) {
        faults.add(
            "log",
            &format!("entry {index}"),
            "is about a row that the database has no leaf of",
        );
    }
    seen.problems.extend(faults.named());
    Ok((compared, waiting.len() as u64 + unplaced))
}

#[derive(Default)]
struct Faults {
    found: Vec<Problem>,
    more: u64,
}

impl Faults {
    fn add(&mut self, table: &str, key: &str, what: &str) {
        if self.found.len() == NAMED_MAX {
            self.more += 1;
            return;
        }
        self.found.push(Problem {
            place: format!("{table} {}", key.replace('\u{1f}', " ")),
            what: what.to_owned(),
        });
    }

    fn compare(&mut self, covered: &Covered, row: &StoredRow, leaf: Option<Leaf>) {
        let what = match leaf {
            None => "was added; the log has no entry about it",
            Some(leaf) if leaf.gone => "is in the log as deleted, and is there",
            Some(leaf) => {
                let now = commitment(&leaf.salt, covered.table, &row.key, Some(row));
                if now == leaf.commitment {
                    return;
                }
                "was changed; it isn't what the log says"
            }
        };
        self.add(covered.table, &row.key, what);
    }

    fn named(mut self) -> Vec<Problem> {
        self.found.sort_by(|a, b| a.place.cmp(&b.place));
        if self.more > 0 {
            self.found.push(Problem {
                place: "more rows".into(),
                what: format!("{} more rows differ from the log", self.more),
            });
        }
        self.found
    }
}

/// The commitment to a row: SHA-256 in hex of the salt's 32 bytes, the table, the key, and the name
/// and value of each column in the order of the names. Every text has its length in bytes before
/// it, 8 bytes, big-endian. A value begins with a byte for its kind: `n` (none), `i` (a number, in
/// decimal), `t` (a text) or `b` (bytes). Without a row it is the commitment to its deletion, whose
/// column is called `-` and has no value.
fn commitment(salt: &str, table: &str, key: &str, row: Option<&StoredRow>) -> String {
    let mut hash = Sha256::new();
    hash.update(hex::decode(salt).unwrap_or_default());
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(table.as_bytes());
    part(key.as_bytes());
    match row {
        None => part(b"-"),
        Some(row) => {
            for (name, value) in &row.columns {
                part(name.as_bytes());
                match value {
                    Stored::Null => part(b"n"),
                    Stored::Int(number) => part(format!("i{number}").as_bytes()),
                    Stored::Text(text) => part(&[b"t", text.as_bytes()].concat()),
                    Stored::Bytes(bytes) => part(&[b"b", bytes.as_slice()].concat()),
                }
            }
        }
    }
    hex::encode(hash.finalize())
}
