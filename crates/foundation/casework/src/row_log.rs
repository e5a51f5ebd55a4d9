//! Puts what the covered tables hold into the vault's log, and compares them with it.
//!
//! A trigger notes each row that this program writes or deletes (`touched`), as it was before and as
//! it is after, and each transaction seals its notes when it commits (`touch_seals`). [`seal_rows`]
//! makes a salted commitment to the row (a leaf), and adds the leaf to the log. The row of the leaf
//! is committed first, without its place in the log: after a crash the leaf is looked for in the log
//! before it is added. So a row is in the log shortly after its transaction, not with it, and what
//! waits is counted.
//!
//! A leaf is made only if the notes lead from what the newest leaf says to what the row holds.
//! Otherwise something else has changed the row between two changes of obhut's, and that stays on
//! record (`row_faults`).
//!
//! Leaves and the remembered head carry a code of the lookup key: what is in the database alone can't
//! be made to look like obhut's.
//!
//! A row in a covered table that its newest leaf doesn't describe was written by something else. A
//! leaf of a deleted row says that it is gone. Salts of older leaves are deleted: what a row held
//! before can't be guessed from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use obhut_store::database::Columns;
use obhut_store::database::Tx;
use obhut_store::database::changes;
use obhut_store::database::covered::{Covered, KeptIn, Note, Stored, StoredRow, code};
use obhut_vault::LogHead;
use sha2::{Digest as _, Sha256};

use crate::{Casework, Result, views};

/// Rows that are compared at a time. Our judgement: some megabytes.
pub(crate) const COMPARED_AT_ONCE: i64 = 2_000;

/// The fault of a row that is noted and not in the log, if it is unknown who noted it.
pub(crate) const UNPROVEN: &str =
    "isn't in the log yet; only a check with the private keys shows whether obhut wrote it";

/// The tables in which written rows are noted.
pub(crate) const KEPT_IN: KeptIn = KeptIn {
    notes: "touched",
    seals: "touch_seals",
    leaves: "leaves",
};

/// Name of the log's head as the database remembers it.
const HEAD: &str = "vault";

/// True if the log has no entry about any row: a new data folder, or one of an older release. The
/// database alone can't say so: its leaves may have been taken away, to be put back later.
pub(crate) async fn covers_nothing(casework: &Casework) -> Result<bool> {
    let any = sqlx::query("SELECT 1 FROM leaves LIMIT 1")
        .fetch_optional(casework.db.pool())
        .await?;
    if any.is_some() {
        return Ok(false);
    }
    match casework.vault.rows(0).await {
        Ok(rows) => Ok(rows.is_empty()),
        // No log yet: the folder is new. A log that can't be read covers something.
        Err(_) => {
            Ok(!views::any_exhibit(casework).await?
                && head(casework).await.is_ok_and(|h| h.is_none()))
        }
    }
}

/// True if each entry of the log about a row has its leaf, and obhut made it. If not, leaves were
/// taken away, and covering a table now would put its rows into the log as they were left.
async fn has_every_leaf(casework: &Casework) -> Result<bool> {
    let Ok(logged) = casework.vault.rows(0).await else {
        return covers_nothing(casework).await;
    };
    let rows = sqlx::query("SELECT seq, tbl, row_key, salt, commitment, gone, mac FROM leaves")
        .fetch_all(casework.db.pool())
        .await?;
    let mut leaves = std::collections::HashSet::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (table, key, leaf) = Leaf::read(&mut c)?;
        if c.text()? != leaf.mac(casework, &table, &key) {
            return Ok(false);
        }
        leaves.insert(leaf.commitment);
    }
    Ok(logged
        .iter()
        .all(|(_, commitment)| leaves.contains(commitment)))
}

/// How many rows changed and aren't in the log yet.
pub async fn rows_unsealed(casework: &Casework) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM touched")
        .fetch_one(casework.db.pool())
        .await?;
    Columns::of(&row).int()
}

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

/// What transactions have noted about one row.
#[derive(Default)]
struct OfRow {
    notes: Vec<Note>,
    /// The newest leaf when the first of the transactions was sealed.
    sealed_at: i64,
}

/// The notes that transactions of obhut's have sealed, by table and key, and the transactions'
/// tokens. Others stay where they are, and verification names them.
async fn sealed_notes(
    tx: &mut Tx,
    casework: &Casework,
) -> Result<(BTreeMap<(String, String), OfRow>, Vec<String>)> {
    let seals = sqlx::query("SELECT writer, leaf, mac FROM touch_seals")
        .fetch_all(&mut **tx)
        .await?;
    let (mut rows, mut tokens): (BTreeMap<_, OfRow>, _) = (BTreeMap::new(), Vec::new());
    for seal in &seals {
        let mut c = Columns::of(seal);
        let (token, newest) = (c.text()?, c.int()?);
        let notes = tx.notes(&token).await?;
        if c.text()? != code(&casework.note_key, &token, newest, &notes) {
            continue;
        }
        for note in notes {
            let at = (note.table.clone(), note.key.clone());
            let of_row = rows.entry(at).or_insert_with(|| OfRow {
                notes: Vec::new(),
                sealed_at: newest,
            });
            of_row.sealed_at = of_row.sealed_at.min(newest);
            of_row.notes.push(note);
        }
        tokens.push(token);
    }
    Ok((rows, tokens))
}

impl OfRow {
    /// What is wrong with the row, if the notes don't lead from `leaf` to what it holds now.
    fn fault(
        &self,
        covered: &Covered,
        key: &str,
        leaf: Option<&Leaf>,
        now: Option<&StoredRow>,
    ) -> Option<&'static str> {
        // A transaction of obhut's that was noted again after its leaf was made.
        if leaf.is_some_and(|leaf| leaf.seq > self.sealed_at) {
            return Some("was noted a second time by something else");
        }
        // Notes of a table that was covered later say nothing of what was there.
        if self
            .notes
            .iter()
            .any(|n| n.before.is_none() || n.after.is_none())
        {
            return None;
        }
        let mut steps = Vec::with_capacity(self.notes.len());
        for note in &self.notes {
            match (state(covered, &note.before), state(covered, &note.after)) {
                (Some(before), Some(after)) => steps.push((before, after)),
                _ => return Some("has a note that isn't a row"),
            }
        }
        let was_there = leaf.filter(|leaf| !leaf.gone);
        let is_leaf = |row: &Option<StoredRow>| match (row, was_there) {
            (None, None) => true,
            (Some(row), Some(leaf)) => {
                commitment(&leaf.salt, covered.table, key, Some(row)) == leaf.commitment
            }
            _ => false,
        };
        let Some(begin) = steps
            .iter()
            .map(|(before, _)| before)
            .find(|row| is_leaf(row))
        else {
            return Some("was changed by something else before obhut changed it");
        };
        let end = now.cloned();
        if !steps.iter().any(|(_, after)| *after == end) {
            return Some("was changed by something else after obhut changed it");
        }
        // In a chain from `begin` to `end`, each state between is left as often as it is reached.
        let mut balance: HashMap<&Option<StoredRow>, i64> = HashMap::new();
        *balance.entry(begin).or_default() += 1;
        *balance.entry(&end).or_default() -= 1;
        for (before, after) in &steps {
            *balance.entry(before).or_default() -= 1;
            *balance.entry(after).or_default() += 1;
        }
        let is_chain = balance.values().all(|n| *n == 0);
        (!is_chain).then_some("was changed by something else between two changes of obhut's")
    }
}

/// The state that a note says: a row, or `None` inside for none. `None` if it says no row.
fn state(covered: &Covered, json: &Option<Vec<u8>>) -> Option<Option<StoredRow>> {
    match json.as_deref().unwrap_or_default() {
        [] => Some(None),
        json => noted(covered, json).map(Some),
    }
}

/// A row from the JSON that a trigger notes; `None` if it is none.
fn noted(covered: &Covered, json: &[u8]) -> Option<StoredRow> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).ok()?;
    let columns = object.into_iter().map(|(name, value)| {
        let value = match value {
            serde_json::Value::Null => Stored::Null,
            serde_json::Value::String(text) => Stored::Text(text),
            serde_json::Value::Number(number) => number.as_i64().map_or(Stored::Other, Stored::Int),
            _ => Stored::Other,
        };
        (name, value)
    });
    Some(covered.of_columns(columns.collect()))
}

/// Makes the leaves of the rows that are noted. Returns how many rows were.
async fn make_leaves(casework: &Casework) -> Result<usize> {
    let mut tx = casework.db.begin_alone().await?;
    let (rows, tokens) = sealed_notes(&mut tx, casework).await?;
    if tokens.is_empty() {
        return Ok(0);
    }
    // The counter stays locked until the commit, so the numbers are in the order of the log.
    let first = changes::numbers(&mut tx, "leaves", rows.len() as i64).await?;
    for (seq, ((table, key), of_row)) in (first..).zip(&rows) {
        // A table that a later version no longer covers.
        let Some(covered) = casework.covered.iter().find(|c| c.table == table) else {
            continue;
        };
        let stored = covered.row(&mut tx, key).await?;
        let newest = newest_leaf(&mut tx, table, key).await?;
        if let Some(what) = of_row.fault(covered, key, newest.as_ref(), stored.as_ref()) {
            sqlx::query("INSERT INTO row_faults (id, tbl, row_key, what, found_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(obhut_store::ids::new("fault"))
                .bind(table)
                .bind(key)
                .bind(what)
                .bind(casework.now())
                .execute(&mut *tx)
                .await?;
            tracing::error!(table, key, "a row {what}; verify the data folder");
            continue;
        }
        add_leaf(&mut tx, casework, seq, (table, key), stored.as_ref()).await?;
    }
    for token in &tokens {
        for sql in [
            "DELETE FROM touched WHERE writer = $1",
            "DELETE FROM touch_seals WHERE writer = $1",
        ] {
            sqlx::query(sql).bind(token).execute(&mut *tx).await?;
        }
    }
    tx.commit().await?;
    Ok(rows.len())
}

/// Makes a leaf of a row as it is `now`; the salts of its older ones are deleted.
async fn add_leaf(
    tx: &mut Tx,
    casework: &Casework,
    seq: i64,
    (table, key): (&str, &str),
    now: Option<&StoredRow>,
) -> Result<()> {
    let salt = obhut_store::ids::random_hex(32);
    let leaf = Leaf {
        seq,
        commitment: commitment(&salt, table, key, now),
        gone: now.is_none(),
        salt,
    };
    sqlx::query("UPDATE leaves SET salt = '' WHERE tbl = $1 AND row_key = $2 AND salt <> ''")
        .bind(table)
        .bind(key)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO leaves (seq, tbl, row_key, salt, commitment, gone, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(seq)
        .bind(table)
        .bind(key)
        .bind(&leaf.salt)
        .bind(&leaf.commitment)
        .bind(i64::from(leaf.gone))
        .bind(leaf.mac(casework, table, key))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn newest_leaf(tx: &mut Tx, table: &str, key: &str) -> Result<Option<Leaf>> {
    let row = sqlx::query("SELECT seq, tbl, row_key, salt, commitment, gone FROM leaves WHERE tbl = $1 AND row_key = $2 ORDER BY seq DESC LIMIT 1")
        .bind(table)
        .bind(key)
        .fetch_optional(&mut **tx)
        .await?;
    match row {
        Some(row) => Ok(Some(Leaf::read(&mut Columns::of(&row))?.2)),
        None => Ok(None),
    }
}

/// Adds the leaves that aren't in the log to it, and remembers its head. Returns how many.
async fn add_waiting(casework: &Casework) -> Result<u64> {
    let rows = sqlx::query("SELECT seq, tbl, row_key, salt, commitment, gone, mac FROM leaves WHERE log_index IS NULL ORDER BY seq")
        .fetch_all(casework.db.pool())
        .await?;
    let mut waiting = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut c = Columns::of(row);
        let (table, key, leaf) = Leaf::read(&mut c)?;
        // One that isn't obhut's stays where it is, and verification names it.
        if c.text()? == leaf.mac(casework, &table, &key) {
            waiting.push((leaf.seq, leaf.commitment));
        }
    }
    if waiting.is_empty() {
        return Ok(0);
    }
    // It was written when the log began.
    if head(casework).await?.is_none() {
        return Err(crate::CaseworkError::unreadable(
            "the remembered head of the vault's log",
        ));
    }
    let placed = sqlx::query("SELECT COALESCE(MAX(log_index), -1) + 1 FROM leaves")
        .fetch_one(casework.db.pool())
        .await?;
    let from = Columns::of(&placed).int()?;
    // Of a run that was cut off between the log and the database.
    let added: HashMap<String, u64> = casework
        .vault
        .rows(u64::try_from(from).unwrap_or_default())
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
    remember(&mut tx, casework, head).await?;
    tx.commit().await?;
    Ok(waiting.len() as u64)
}

/// The head of the log as the database remembers it; `None` before the log began.
pub(crate) async fn head(casework: &Casework) -> Result<Option<LogHead>> {
    let row = sqlx::query("SELECT size, root, mac FROM log_heads WHERE name = $1")
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
    let mac = c.text()?;
    if casework.has_keys && mac != head_mac(casework, size, &root) {
        return Err(unreadable());
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(root, &mut bytes).map_err(|_| unreadable())?;
    Ok(Some(LogHead {
        size: u64::try_from(size).map_err(|_| unreadable())?,
        root: bytes,
    }))
}

fn head_mac(casework: &Casework, size: i64, root: &str) -> String {
    let about = format!("{size} {root}");
    casework.lookup.keyed_digest("log head", about.as_bytes())
}

async fn remember(tx: &mut Tx, casework: &Casework, head: LogHead) -> Result<()> {
    let (size, root) = (head.size as i64, hex::encode(head.root));
    sqlx::query("INSERT INTO log_heads (name, size, root, mac) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET size = excluded.size, root = excluded.root, mac = excluded.mac WHERE excluded.size > log_heads.size")
        .bind(HEAD)
        .bind(size)
        .bind(&root)
        .bind(head_mac(casework, size, &root))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Replaces what the database remembers of the log's head, whatever it says.
async fn remember_anew(tx: &mut Tx, casework: &Casework) -> Result<()> {
    let head = casework.vault.head().await?;
    sqlx::query("DELETE FROM log_heads WHERE name = $1")
        .bind(HEAD)
        .execute(&mut **tx)
        .await?;
    remember(tx, casework, head).await
}

/// Begins the log of a new vault, and covers the tables that were not covered before: each of their
/// rows is noted.
///
/// # Errors
/// The database or the vault failed.
pub(crate) async fn begin(casework: &Casework) -> Result<()> {
    let any_leaf = sqlx::query("SELECT 1 FROM leaves LIMIT 1")
        .fetch_optional(casework.db.pool())
        .await?
        .is_some();
    match head(casework).await {
        Ok(Some(known)) => casework.vault.expect(known),
        // Taken away or changed: verification says so, and nothing is made up for it.
        Err(_) => {}
        Ok(None) if any_leaf => {}
        Ok(None) => {
            // A vault with exhibits has a log; were it gone, a new one must not hide that.
            if !views::any_exhibit(casework).await? {
                casework.vault.begin().await?;
            }
            if let Ok(head) = casework.vault.head().await {
                let mut tx = casework.db.begin().await?;
                remember(&mut tx, casework, head).await?;
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
    // A newer version covers more tables; that is rare enough to look at the whole log. If leaves were
    // taken away, verification says so.
    if !has_every_leaf(casework).await? {
        return Ok(());
    }
    let mut tx = casework.db.begin().await?;
    for covered in casework.covered.iter().filter(|c| !known.contains(c.table)) {
        // A table that was covered before stays uncovered if its row was taken away: taking its rows
        // as they are now would put what was changed into the log.
        let was_covered = sqlx::query(
            "SELECT 1 FROM leaves WHERE (tbl = 'covered' AND row_key = $1) OR tbl = $1 LIMIT 1",
        )
        .bind(covered.table)
        .fetch_optional(&mut *tx)
        .await?;
        if was_covered.is_some() {
            continue;
        }
        sqlx::query("INSERT INTO covered (tbl) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(covered.table)
            .execute(&mut *tx)
            .await?;
        let mut from = 0;
        loop {
            let rows = covered.rows(&mut tx, from, COMPARED_AT_ONCE).await?;
            for row in &rows {
                let token = tx.token().to_owned();
                sqlx::query("INSERT INTO touched (tbl, row_key, writer) VALUES ($1, $2, $3)")
                    .bind(covered.table)
                    .bind(&row.key)
                    .bind(token)
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

/// A commitment to a row, as it is in the log.
pub(crate) struct Leaf {
    pub(crate) seq: i64,
    pub(crate) salt: String,
    pub(crate) commitment: String,
    pub(crate) gone: bool,
}

impl Leaf {
    /// Reads the columns seq, tbl, row_key, salt, commitment and gone: table, key and leaf.
    fn read(c: &mut Columns<'_>) -> Result<(String, String, Self)> {
        let seq = c.int()?;
        let (table, key) = (c.text()?, c.text()?);
        let leaf = Self {
            seq,
            salt: c.text()?,
            commitment: c.text()?,
            gone: c.int()? != 0,
        };
        Ok((table, key, leaf))
    }

    /// The code that only obhut can make. Without the salt, which is deleted later; the commitment
    /// binds it.
    fn mac(&self, casework: &Casework, table: &str, key: &str) -> String {
        let Self {
            seq,
            commitment,
            gone,
            ..
        } = self;
        let about = format!("{seq}\n{gone}\n{commitment}\n{table}\n{key}");
        casework.lookup.keyed_digest("leaf", about.as_bytes())
    }
}

/// What is noted about a row that isn't in the log yet.
pub(crate) struct Waiting {
    /// Whether obhut noted it. Without the keys that is unknown, and a note could hide any change.
    ours: bool,
    of_row: OfRow,
}

/// Tokens of which it isn't shown that a transaction of obhut's noted something under them.
#[derive(Default)]
pub(crate) struct Unproven {
    /// There are notes, and obhut didn't seal them.
    foreign: Vec<String>,
    /// Obhut sealed notes, and they are gone.
    pub(crate) lost: Vec<String>,
}

/// The rows that are noted and not in the log yet, by table and key.
pub(crate) async fn waiting(
    tx: &mut Tx,
    casework: &Casework,
) -> Result<(BTreeMap<(String, String), Waiting>, Unproven)> {
    let seals = sqlx::query("SELECT writer, leaf, mac FROM touch_seals")
        .fetch_all(&mut **tx)
        .await?;
    let mut sealed: HashMap<String, (i64, String)> = HashMap::new();
    for seal in &seals {
        let mut c = Columns::of(seal);
        sealed.insert(c.text()?, (c.int()?, c.text()?));
    }
    let rows = sqlx::query("SELECT tbl, row_key, writer, before, after FROM touched")
        .fetch_all(&mut **tx)
        .await?;
    let mut by_token: BTreeMap<String, Vec<Note>> = BTreeMap::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (table, key, token) = (c.text()?, c.text()?, c.text()?);
        by_token.entry(token).or_default().push(Note {
            table,
            key,
            before: c.maybe_bytes()?,
            after: c.maybe_bytes()?,
        });
    }
    let mut waiting: BTreeMap<_, Waiting> = BTreeMap::new();
    let mut unproven = Unproven::default();
    for (token, mut notes) in by_token {
        notes.sort_unstable();
        let (newest, mac) = sealed.remove(&token).unwrap_or_default();
        let ours = mac == code(&casework.note_key, &token, newest, &notes);
        if !ours {
            unproven.foreign.push(token);
        }
        for note in notes {
            let at = (note.table.clone(), note.key.clone());
            let entry = waiting.entry(at).or_insert_with(|| Waiting {
                ours: true,
                of_row: OfRow {
                    notes: Vec::new(),
                    sealed_at: newest,
                },
            });
            entry.ours &= ours;
            entry.of_row.sealed_at = entry.of_row.sealed_at.min(newest);
            entry.of_row.notes.push(note);
        }
    }
    // A transaction without notes seals nothing.
    unproven.lost = sealed.into_keys().collect();
    Ok((waiting, unproven))
}

/// Faults that were found when leaves were made: table, key and what was wrong.
pub(crate) async fn faults_on_record(tx: &mut Tx) -> Result<Vec<(String, String, String)>> {
    let rows =
        sqlx::query("SELECT tbl, row_key, what, found_at FROM row_faults ORDER BY found_at, id")
            .fetch_all(&mut **tx)
            .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            let (table, key, what) = (c.text()?, c.text()?, c.text()?);
            let what = format!("{what}; found {}", crate::rfc3339(c.int()?));
            Ok((table, key, what))
        })
        .collect()
}

/// A leaf as it is in the database.
pub(crate) struct StoredLeaf {
    pub(crate) table: String,
    pub(crate) key: String,
    pub(crate) leaf: Leaf,
    /// Its code is the one that obhut makes.
    pub(crate) is_ours: bool,
    /// Its place in the log.
    pub(crate) index: Option<i64>,
}

/// All leaves, in the order in which they were made.
pub(crate) async fn leaves(tx: &mut Tx, casework: &Casework) -> Result<Vec<StoredLeaf>> {
    let rows = sqlx::query(
        "SELECT seq, tbl, row_key, salt, commitment, gone, mac, log_index FROM leaves ORDER BY seq",
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            let (table, key, leaf) = Leaf::read(&mut c)?;
            Ok(StoredLeaf {
                is_ours: c.text()? == leaf.mac(casework, &table, &key),
                // A place that isn't a number is none of the log's.
                index: c.maybe_int().unwrap_or(Some(-1)),
                table,
                key,
                leaf,
            })
        })
        .collect()
}

/// Takes the rows as they were read: two people have accepted that something else changed them. Leaves
/// and notes that aren't obhut's are deleted, and so are the faults on record.
pub(crate) async fn rebaseline(
    tx: &mut Tx,
    casework: &Casework,
    rows: &BTreeMap<(String, String), Option<StoredRow>>,
    leaves: &BTreeSet<i64>,
) -> Result<()> {
    for seq in leaves {
        sqlx::query("DELETE FROM leaves WHERE seq = $1")
            .bind(seq)
            .execute(&mut **tx)
            .await?;
    }
    let (_, unproven) = waiting(tx, casework).await?;
    let own = tx.token().to_owned();
    let tokens = unproven.foreign.iter().chain(&unproven.lost);
    for token in tokens.filter(|token| **token != own) {
        for sql in [
            "DELETE FROM touched WHERE writer = $1",
            "DELETE FROM touch_seals WHERE writer = $1",
        ] {
            sqlx::query(sql).bind(token).execute(&mut **tx).await?;
        }
    }
    let first = changes::numbers(tx, "leaves", rows.len() as i64).await?;
    for (seq, ((table, key), row)) in (first..).zip(rows) {
        add_leaf(tx, casework, seq, (table, key), row.as_ref()).await?;
    }
    // After their own leaves: a fault that something else wrote has one now, and its deletion follows.
    sqlx::query("DELETE FROM row_faults")
        .execute(&mut **tx)
        .await?;
    remember_anew(tx, casework).await
}

impl Waiting {
    /// What is wrong with the row, which is `now`.
    pub(crate) fn fault(
        &self,
        casework: &Casework,
        covered: &Covered,
        key: &str,
        leaf: Option<&Leaf>,
        now: Option<&StoredRow>,
    ) -> Option<&'static str> {
        match self.ours {
            _ if !casework.has_keys => Some(UNPROVEN),
            false => Some("was written by something else"),
            true => self.of_row.fault(covered, key, leaf, now),
        }
    }
}

/// The commitment to a row: SHA-256 in hex of the salt's 32 bytes, the table, the key, and the name
/// and value of each column in the order of the names. Every text has its length in bytes before
/// it, 8 bytes, big-endian. A value begins with a byte for its kind: `n` (none), `i` (a number, in
/// decimal), `t` (a text) or `b` (bytes). Without a row it is the commitment to its deletion, whose
/// column is called `-` and has no value.
pub(crate) fn commitment(salt: &str, table: &str, key: &str, row: Option<&StoredRow>) -> String {
    let mut hash = Sha256::new();
    // Obhut writes lower case: a salt that was changed and still has the same bytes differs, too.
    match hex::decode(salt) {
        Ok(bytes) if hex::encode(&bytes) == salt => hash.update(bytes),
        _ => hash.update(salt),
    }
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
                    Stored::Other => part(b"?"),
                }
            }
        }
    }
    hex::encode(hash.finalize())
}
