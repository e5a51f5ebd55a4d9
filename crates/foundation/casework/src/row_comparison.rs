//! Compares the covered tables, row by row, with the vault's log.

use std::collections::{BTreeSet, HashMap};

use obhut_store::database::Tx;
use obhut_store::database::covered::{Covered, StoredRow};
use obhut_store::database::schema::SchemaState;
use obhut_vault::{Problem, Verification};

use crate::row_log::{self, COMPARED_AT_ONCE, Leaf, StoredLeaf, UNPROVEN, commitment};
use crate::{Casework, Result, accepted, people};

/// Problems named of one kind; more are only counted. Our judgement.
const NAMED_MAX: usize = 1_000;

/// What [`compare`] compared and found.
#[derive(Default)]
pub(crate) struct Compared {
    /// Rows that were compared.
    pub(crate) rows: u64,
    /// Changes that aren't in the log yet.
    pub(crate) waiting: u64,
    /// Rows of covered tables that differ from the log: table and key.
    pub(crate) differ: BTreeSet<(String, String)>,
    /// Leaves that aren't obhut's, or aren't the log's, by number.
    pub(crate) leaves: BTreeSet<i64>,
    /// Entries of the log about rows that the database has no leaf of.
    pub(crate) entries: BTreeSet<u64>,
    /// Everything that was found about rows, in words.
    pub(crate) problems: Vec<Problem>,
    /// What was found about the database itself: its file and its schema.
    pub(crate) of_database: Vec<Problem>,
}

/// Compares the covered tables with the log. `seen` is what was read from the log, and gets the
/// differences.
///
/// # Errors
/// The database doesn't answer.
pub(crate) async fn compare(casework: &Casework, seen: &mut Verification) -> Result<Compared> {
    let mut tx = casework.db.frozen().await?;
    let mut compared = Compared::default();
    compare_rows(&mut tx, casework, seen, &mut compared).await?;
    drop(tx);
    if let Some(what) = casework.db.integrity().await? {
        compared.of_database.push(Problem {
            place: "database file".into(),
            what,
        });
    }
    match casework.db.schema_state().await? {
        SchemaState::AsExpected => {}
        SchemaState::Differs(what) => compared.of_database.push(Problem {
            place: "database schema".into(),
            what: format!("{what}; it may change rows in obhut's name"),
        }),
        SchemaState::Unknown(why) => {
            let unknown = Problem {
                place: "database schema".into(),
                what: format!("can't be compared with the one that obhut makes: {why}"),
            };
            // Without the keys the database's role may be one that only reads.
            match casework.has_keys {
                true => compared.of_database.push(unknown),
                false => seen.remarks.push(unknown),
            }
        }
    }
    seen.problems.extend(compared.problems.iter().cloned());
    seen.problems.extend(compared.of_database.iter().cloned());
    Ok(compared)
}

// Long: one pass over the leaves and one over each table, with what is left between them.
async fn compare_rows(
    tx: &mut Tx,
    casework: &Casework,
    seen: &mut Verification,
    compared: &mut Compared,
) -> Result<()> {
    let mut faults = Faults::default();
    let mut looked_at = BTreeSet::new();
    let (waiting, unproven) = row_log::waiting(tx, casework).await?;
    for token in &unproven.lost {
        faults.add("touch_seals", token, "has lost its notes");
    }
    for (table, key, what) in row_log::faults_on_record(tx).await? {
        faults.add(&table, &key, &what);
    }
    let mut newest: HashMap<(String, String), Leaf> = HashMap::new();
    // A log that can't be read has been named; not each of its rows too.
    let log_is_read = seen.entries > 0 || seen.problems.is_empty();
    let mut in_log: HashMap<u64, String> = seen.rows.iter().cloned().collect();
    let mut unplaced = BTreeSet::new();
    for kept in row_log::leaves(tx, casework).await? {
        let StoredLeaf {
            table,
            key,
            leaf,
            is_ours,
            index,
        } = kept;
        if casework.has_keys && !is_ours {
            faults.add(&table, &key, "has a leaf that obhut didn't make");
            compared.leaves.insert(leaf.seq);
        }
        match index {
            None => {
                if !casework.has_keys {
                    faults.add(&table, &key, UNPROVEN);
                }
                unplaced.insert(leaf.commitment.clone());
            }
            // Added since the log was read.
            Some(index)
                if casework.has_keys
                    && log_is_read
                    && u64::try_from(index).is_ok_and(|i| i >= seen.entries) => {}
            Some(index) => {
                let index = u64::try_from(index).ok();
                let entry = index.and_then(|i| in_log.remove(&i));
                if log_is_read && entry.as_ref() != Some(&leaf.commitment) {
                    faults.add(&table, &key, "its leaf isn't the one in the log");
                    compared.leaves.insert(leaf.seq);
                }
                if compared.leaves.contains(&leaf.seq) && entry.is_some() {
                    compared.entries.extend(index);
                }
            }
        }
        // What a row held before can't be guessed from its older leaves.
        let at = (table, key);
        if newest.get(&at).is_some_and(|older| !older.salt.is_empty()) {
            faults.add(&at.0, &at.1, "has an older leaf whose salt wasn't deleted");
        }
        newest.insert(at, leaf);
    }
    for covered in &casework.covered {
        let mut from = 0;
        loop {
            let rows = covered.rows(tx, from, COMPARED_AT_ONCE).await?;
            for row in &rows {
                compared.rows += 1;
                let at = (covered.table.to_owned(), row.key.clone());
                let leaf = newest.remove(&at);
                match waiting.get(&at) {
                    None => faults.compare(covered, row, leaf),
                    Some(noted) => {
                        looked_at.insert(at);
                        let what =
                            noted.fault(casework, covered, &row.key, leaf.as_ref(), Some(row));
                        faults.add_any(covered.table, &row.key, what);
                    }
                }
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
        let covered = casework.covered.iter().find(|c| c.table == table);
        match (waiting.get(&(table.clone(), key.clone())), covered) {
            (Some(noted), Some(covered)) => {
                looked_at.insert((table.clone(), key.clone()));
                let what = noted.fault(casework, covered, &key, Some(&leaf), None);
                faults.add_any(&table, &key, what);
            }
            _ if !leaf.gone || expected != leaf.commitment => {
                faults.add(&table, &key, "is missing; the log has no deletion of it");
            }
            _ => {}
        }
    }
    // Noted, and there is neither a leaf nor a row: deleted again, or by something else.
    for ((table, key), noted) in &waiting {
        let covered = casework.covered.iter().find(|c| c.table == table);
        if let Some(covered) = covered
            && !looked_at.contains(&(table.clone(), key.clone()))
        {
            let what = noted.fault(casework, covered, key, None, None);
            faults.add_any(table, key, what);
        }
    }
    match row_log::head(casework).await {
        Ok(Some(_)) => {}
        Ok(None) => faults.add("log_heads", "vault", "is missing"),
        Err(_) => faults.add(
            "log_heads",
            "vault",
            "was changed; it isn't what obhut wrote",
        ),
    }
    // Two people have accepted that no row belongs to these.
    for index in accepted::entries(tx).await? {
        in_log.remove(&index);
    }
    // A run that was cut off has added those that wait, and finds them again.
    in_log.retain(|_, commitment| !unplaced.contains(commitment));
    for index in in_log.keys() {
        faults.add(
            "log",
            &format!("entry {index}"),
            "is about a row that the database has no leaf of",
        );
    }
    compared.entries.extend(in_log.keys());
    let is_covered = |table: &str| casework.covered.iter().any(|c| c.table == table);
    let rows = std::mem::take(&mut faults.rows).into_iter();
    compared.differ = rows.filter(|(table, _)| is_covered(table)).collect();
    compared.waiting = (waiting.len() + unplaced.len()) as u64;
    compared.problems = faults.named();
    for accepted in accepted::all(tx).await? {
        let mut names = Vec::with_capacity(accepted.people.len());
        for id in &accepted.people {
            // Someone may be missing from a record that differs.
            let person = people::person(casework, id).await;
            names.push(person.map_or_else(|_| id.clone(), |p| p.name));
        }
        seen.remarks.push(Problem {
            place: accepted.id,
            what: format!(
                "{} accepted on {} that it stays so: {}",
                names.join(" and "),
                crate::rfc3339(accepted.at),
                accepted.differences.replace('\n', "; ")
            ),
        });
    }
    Ok(())
}

#[derive(Default)]
struct Faults {
    found: Vec<Problem>,
    more: u64,
    /// Every row that something was found about: table and key.
    rows: BTreeSet<(String, String)>,
}

impl Faults {
    fn add(&mut self, table: &str, key: &str, what: &str) {
        self.rows.insert((table.to_owned(), key.to_owned()));
        if self.found.len() == NAMED_MAX {
            self.more += 1;
            return;
        }
        self.found.push(Problem {
            // A key that something else wrote must not look like more lines.
            place: format!("{table} {key}").replace(char::is_control, " "),
            what: what.to_owned(),
        });
    }

    fn add_any(&mut self, table: &str, key: &str, what: Option<&str>) {
        if let Some(what) = what {
            self.add(table, key, what);
        }
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
