//! Differences between the database and the vault's log that two people have accepted.
//!
//! A row that something else has changed is named for ever otherwise, and nothing is destroyed,
//! released or handed over any more; the same after a restore of a database older than the vault.
//! Each of two people gives the code of what is found; what was found in between has another code.
//! Then the rows are taken as they are, and the log says so: verification remarks on it ever after.

use obhut_store::database::Columns;
use obhut_store::database::Tx;
use obhut_vault::Problem;

use crate::children::is_blank;
use crate::row_comparison::{Compared, compare};
use crate::{Casework, CaseworkError, Person, Result, Role, audit, ids, people, row_log, sealed};

/// People who have to accept differences. Our judgement: as for the release of a hold.
const ACCEPTANCES_MIN: usize = 2;

/// What differs, and what accepts it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Differences {
    /// What was found about rows, as verification names it.
    pub problems: Vec<Problem>,
    /// The code by which people accept exactly this; empty if there is nothing to accept.
    pub code: String,
    /// Names of the people who have accepted it so far.
    pub accepted_by: Vec<String>,
}

/// What differs now between rows and log. Other faults, of files and of the database's definitions,
/// can't be accepted: they are put right.
///
/// # Errors
/// The database or the vault failed.
pub async fn differences(casework: &Casework) -> Result<Differences> {
    row_log::seal_rows(casework).await?;
    let mut tx = casework.db.begin_alone().await?;
    let compared = compared(casework).await?;
    let code = code(&mut tx, casework, &compared).await?;
    let mut accepted_by = Vec::new();
    for id in accepted(&mut tx, casework, &code).await? {
        accepted_by.push(people::person(casework, &id).await?.name);
    }
    Ok(Differences {
        problems: compared.problems,
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
    let expected = code(&mut tx, casework, &compared).await?;
    if expected.is_empty() {
        return Err(CaseworkError::conflict("nothing differs"));
    }
    if given != expected {
        return Err(CaseworkError::conflict(
            "something else differs than what this code is of; look at it again",
        ));
    }
    let mut before = accepted(&mut tx, casework, &expected).await?;
    if before.contains(&person.id) {
        return Err(CaseworkError::conflict(format!(
            "{} has accepted this already; a second person has to accept it, too",
            person.name
        )));
    }
    let is_last = before.len() + 1 >= ACCEPTANCES_MIN;
    let id = ids::new("acceptance");
    let lines = compared.problems.iter();
    let lines: Vec<_> = lines.map(|p| format!("{}: {}", p.place, p.what)).collect();
    let now = casework.now();
    if is_last {
        row_log::take_as_they_are(&mut tx, casework, &compared.differ, &compared.leaves).await?;
        for index in &compared.entries {
            sqlx::query("INSERT INTO accepted_entries (log_index, acceptance) VALUES ($1, $2) ON CONFLICT (log_index) DO NOTHING")
                .bind(*index as i64)
                .bind(&id)
                .execute(&mut *tx)
                .await?;
        }
    }
    sqlx::query("INSERT INTO acceptances (id, code, person, because, differences, given_at, carried_out) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&id)
        .bind(&expected)
        .bind(&person.id)
        .bind(sealed::seal_words(casework, because))
        .bind(lines.join("\n"))
        .bind(now)
        .bind(i64::from(is_last))
        .execute(&mut *tx)
        .await?;
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
    before.push(person.id.clone());
    let mut accepted_by = Vec::with_capacity(before.len());
    for id in &before {
        accepted_by.push(people::person(casework, id).await?.name);
    }
    Ok(Differences {
        problems: compared.problems,
        code: expected,
        accepted_by,
    })
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

/// A code over what was found and over the rows as they are; empty if nothing was.
async fn code(tx: &mut Tx, casework: &Casework, compared: &Compared) -> Result<String> {
    if compared.problems.is_empty() {
        return Ok(String::new());
    }
    let mut about = String::new();
    for problem in &compared.problems {
        about += &format!("{}\n{}\n", problem.place, problem.what);
    }
    for (table, key) in &compared.differ {
        if let Some(covered) = casework.covered.iter().find(|c| c.table == table) {
            let row = covered.row(tx, key).await?;
            about += &row_log::commitment("", table, key, row.as_ref());
        }
    }
    about += &format!("{:?} {:?}", compared.leaves, compared.entries);
    let code = casework
        .lookup
        .keyed_digest("differences", about.as_bytes());
    // Typed by a person; 64 bits of a keyed digest can't be guessed in as many tries as a shell has.
    Ok(code[..16].to_owned())
}

/// Who has accepted what has this code: those who may still.
async fn accepted(tx: &mut Tx, casework: &Casework, code: &str) -> Result<Vec<String>> {
    let rows = sqlx::query("SELECT person FROM acceptances WHERE code = $1 AND carried_out = 0")
        .bind(code)
        .fetch_all(&mut **tx)
        .await?;
    let mut ids = Vec::new();
    for row in &rows {
        let person = people::person(casework, &Columns::of(row).text()?).await?;
        if !person.removed && person.roles.contains(&Role::Administrator) {
            ids.push(person.id);
        }
    }
    Ok(ids)
}

/// Entries of the log of which two people have accepted that the database has no leaf.
pub(crate) async fn entries(tx: &mut Tx) -> Result<Vec<u64>> {
    let rows = sqlx::query("SELECT log_index FROM accepted_entries")
        .fetch_all(&mut **tx)
        .await?;
    let index = |row| Ok(u64::try_from(Columns::of(row).int()?).unwrap_or(u64::MAX));
    rows.iter().map(index).collect()
}

/// A remark for each time that rows were taken as they were.
pub(crate) async fn remarks(tx: &mut Tx) -> Result<Vec<Problem>> {
    let rows = sqlx::query("SELECT id, code, differences, given_at FROM acceptances WHERE carried_out = 1 ORDER BY given_at, id")
        .fetch_all(&mut **tx)
        .await?;
    let mut remarks = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, code, differences) = (c.text()?, c.text()?, c.text()?);
        remarks.push(Problem {
            place: id,
            what: format!(
                "on {} two people accepted what differed (code {code}): {}",
                crate::rfc3339(c.int()?),
                differences.replace('\n', "; ")
            ),
        });
    }
    Ok(remarks)
}
