//! Differences between the database and the vault's log that two people have accepted.
//!
//! A row that something else has changed is named for ever otherwise, and nothing is destroyed,
//! released or handed over any more; the same after a restore of a database older than the vault.
//! Each of two people gives the code of what is found; what was found in between has another code.
//! Then the rows are taken as they are, and the log says so: verification remarks on it ever after.

use std::collections::BTreeMap;

use obhut_store::database::Tx;
use obhut_store::database::covered::{Stored, StoredRow};
use obhut_vault::Problem;

use crate::accepted::{self, Acceptance};
use crate::children::is_blank;
use crate::row_comparison::{Compared, compare};
use crate::{Casework, CaseworkError, Person, Result, Role, audit, ids, people, row_log, sealed};

/// Differences that people can look at. Our judgement.
const SHOWN_MAX: usize = 1_000;

/// Longest value of a column that is shown, in characters. Our judgement.
const VALUE_CHARS_MAX: usize = 60;

/// People who have to accept differences. Our judgement: as for the release of a hold.
const ACCEPTANCES_MIN: usize = 2;

/// What differs, and what accepts it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Differences {
    /// What was found about rows, as verification names it.
    pub problems: Vec<Problem>,
    /// The rows that differ, as they are now, in words.
    pub rows: Vec<String>,
    /// The code by which people accept exactly this; empty if there is nothing to accept.
    pub code: String,
    /// Names of the people who have accepted it so far.
    pub accepted_by: Vec<String>,
}

/// What differs now between rows and log. Other faults, of files and of the database's schema,
/// can't be accepted: they are put right.
///
/// # Errors
/// The database or the vault failed.
pub async fn differences(casework: &Casework) -> Result<Differences> {
    row_log::seal_rows(casework).await?;
    let mut tx = casework.db.begin_alone().await?;
    let compared = compared(casework).await?;
    let (code, rows) = code(&mut tx, casework, &compared).await?;
    let mut accepted_by = Vec::new();
    for id in accepted(&mut tx, casework, &code).await? {
        accepted_by.push(people::person(casework, &id).await?.name);
    }
    Ok(Differences {
        problems: compared.problems,
        rows: shown(&rows),
        code,
        accepted_by,
    })
}

/// Accepts the differences with this code for one person; with the second one the rows are taken as
/// they are.
///
/// # Errors
/// Denied without the role administrator; invalid without a reason; a conflict if something else
/// differs than the code says, or if this person has accepted it already.
pub async fn accept_differences(
    casework: &Casework,
    given: &str,
    because: &str,
    person: &Person,
) -> Result<Differences> {
    person.require(Role::Administrator)?;
    if is_blank(because) {
        let what = "differences are accepted only with a reason";
        return Err(CaseworkError::invalid("reason", what));
    }
    row_log::seal_rows(casework).await?;
    let mut tx = casework.db.begin_alone().await?;
    let compared = compared(casework).await?;
    let (expected, rows) = code(&mut tx, casework, &compared).await?;
    if expected.is_empty() {
        return Err(CaseworkError::conflict("nothing differs"));
    }
    if given != expected {
        return Err(CaseworkError::conflict(
            "something else differs than what this code is of; look at it again",
        ));
    }
    let mut before = accepted(&mut tx, casework, &expected).await?;
    for id in before.iter().chain([&person.id]) {
        require_vouched(id, &compared)?;
    }
    let already = before.contains(&person.id);
    if !already {
        before.push(person.id.clone());
    }
    // A word that didn't count for a while, because its person had lost the role, may be the second.
    let is_last = before.len() >= ACCEPTANCES_MIN;
    if already && !is_last {
        return Err(CaseworkError::conflict(format!(
            "{} has accepted this already; a second person has to accept it, too",
            person.name
        )));
    }
    let id = ids::new("acceptance");
    let lines = compared.problems.iter();
    let lines: Vec<_> = lines.map(|p| format!("{}: {}", p.place, p.what)).collect();
    let now = casework.now();
    if is_last {
        row_log::rebaseline(&mut tx, casework, &rows, &compared.leaves).await?;
        accepted::put_entries(&mut tx, &id, &compared.entries).await?;
    }
    let new = Acceptance {
        id: &id,
        code: &expected,
        person: &person.id,
        because: sealed::seal_words(casework, because),
        differences: lines.join("\n"),
        given_at: now,
        is_last,
    };
    accepted::put(&mut tx, new).await?;
    audit::write(
        &mut tx,
        now,
        &person.id,
        "differences.accept",
        &id,
        &expected,
    )
    .await?;
    tx.commit().await?;
    row_log::seal_rows(casework).await?;
    let mut accepted_by = Vec::with_capacity(before.len());
    for id in &before {
        accepted_by.push(people::person(casework, id).await?.name);
    }
    Ok(Differences {
        problems: compared.problems,
        rows: shown(&rows),
        code: expected,
        accepted_by,
    })
}

/// Someone whose name or roles something else has written can't speak for that.
fn require_vouched(id: &str, compared: &Compared) -> Result<()> {
    let about = |(table, key): &&(String, String)| match table.as_str() {
        "people" => key == id,
        "people_roles" => key.split('\u{1f}').next() == Some(id),
        _ => false,
    };
    match compared.differ.iter().find(about) {
        None => Ok(()),
        Some(_) => Err(CaseworkError::conflict(format!(
            "what is on record about {id} differs itself; another person has to accept it"
        ))),
    }
}

async fn compared(casework: &Casework) -> Result<Compared> {
    let mut seen = casework.vault.verify_log().await;
    if let Some(first) = seen.problems.first() {
        return Err(CaseworkError::conflict(format!(
            "the vault's log itself is damaged ({}: {}); put it back from a backup first",
            first.place, first.what
        )));
    }
    let compared = compare(casework, &mut seen).await?;
    if let Some(first) = compared.of_database.first() {
        return Err(CaseworkError::conflict(format!(
            "the database itself is damaged or changed ({}: {}); put that right first",
            first.place, first.what
        )));
    }
    Ok(compared)
}

/// The rows that differ, as they are now.
type Rows = BTreeMap<(String, String), Option<StoredRow>>;

/// A code over what was found and over the rows as they are, and these rows; the code is empty if
/// nothing was found.
async fn code(tx: &mut Tx, casework: &Casework, compared: &Compared) -> Result<(String, Rows)> {
    let mut rows = Rows::new();
    if compared.problems.is_empty() {
        return Ok((String::new(), rows));
    }
    if compared.problems.len() > SHOWN_MAX {
        return Err(CaseworkError::conflict(format!(
            "more than {SHOWN_MAX} rows differ, too many to look at; put the database back from a backup"
        )));
    }
    // What was accepted once doesn't count for the same differences later.
    let mut about = format!("{}\n", accepted::times(tx).await?);
    for problem in &compared.problems {
        about += &format!("{}\n{}\n", problem.place, problem.what);
    }
    for (table, key) in &compared.differ {
        if let Some(covered) = casework.covered.iter().find(|c| c.table == table) {
            // Read once: what is accepted is what the code is of.
            let row = covered.row(tx, key).await?;
            about += &row_log::commitment("", table, key, row.as_ref());
            rows.insert((table.clone(), key.clone()), row);
        }
    }
    about += &format!("{:?} {:?}", compared.leaves, compared.entries);
    let code = casework
        .lookup
        .keyed_digest("differences", about.as_bytes());
    // Typed by a person; 64 bits of a keyed digest can't be guessed in as many tries as a shell has.
    Ok((code[..16].to_owned(), rows))
}

fn shown(rows: &Rows) -> Vec<String> {
    let value = |value: &Stored| {
        let text = match value {
            Stored::Null => "nothing".into(),
            Stored::Int(number) => number.to_string(),
            Stored::Text(text) => format!("{text:?}"),
            Stored::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Stored::Other => "a value that obhut doesn't store".into(),
        };
        text.chars().take(VALUE_CHARS_MAX).collect::<String>()
    };
    let row = |((table, key), row): (&(String, String), &Option<StoredRow>)| match row {
        None => format!("{table} {key:?}: is not there"),
        Some(row) => {
            let columns = row.columns.iter();
            let columns = columns.map(|(name, v)| format!("{name} {}", value(v)));
            format!(
                "{table} {key:?}: {}",
                columns.collect::<Vec<_>>().join(", ")
            )
        }
    };
    rows.iter().map(row).collect()
}

/// Who has accepted what has this code: those who may still.
async fn accepted(tx: &mut Tx, casework: &Casework, code: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for id in accepted::by(tx, code).await? {
        let person = people::person(casework, &id).await?;
        if !person.removed && person.roles.contains(&Role::Administrator) {
            ids.push(person.id);
        }
    }
    Ok(ids)
}
