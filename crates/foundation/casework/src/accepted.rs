//! The record of what two people have accepted ([`crate::accept_differences`]).

use std::collections::BTreeSet;

use obhut_store::database::{Columns, Tx};

use crate::Result;

/// One person's word.
pub(crate) struct Acceptance<'a> {
    pub(crate) id: &'a str,
    /// Of exactly what is accepted.
    pub(crate) code: &'a str,
    pub(crate) person: &'a str,
    /// Why, sealed.
    pub(crate) because: String,
    /// What differs, a line for each.
    pub(crate) differences: String,
    pub(crate) given_at: i64,
    /// The word with which the rows were taken as they were.
    pub(crate) is_last: bool,
}

pub(crate) async fn put(tx: &mut Tx, new: Acceptance<'_>) -> Result<()> {
    sqlx::query("INSERT INTO acceptances (id, code, person, because, differences, given_at, carried_out) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(new.id)
        .bind(new.code)
        .bind(new.person)
        .bind(new.because)
        .bind(new.differences)
        .bind(new.given_at)
        .bind(i64::from(new.is_last))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Records that the database has no leaf of these entries of the log.
pub(crate) async fn put_entries(
    tx: &mut Tx,
    acceptance: &str,
    entries: &BTreeSet<u64>,
) -> Result<()> {
    for index in entries {
        sqlx::query("INSERT INTO accepted_entries (log_index, acceptance) VALUES ($1, $2) ON CONFLICT (log_index) DO NOTHING")
            .bind(*index as i64)
            .bind(acceptance)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Ids of the people who have accepted what has this code, if it wasn't carried out.
pub(crate) async fn by(tx: &mut Tx, code: &str) -> Result<Vec<String>> {
    let rows = sqlx::query("SELECT person FROM acceptances WHERE code = $1 AND carried_out = 0")
        .bind(code)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// How often rows were taken as they were.
pub(crate) async fn times(tx: &mut Tx) -> Result<i64> {
    let row = sqlx::query("SELECT COUNT(*) FROM acceptances WHERE carried_out = 1")
        .fetch_one(&mut **tx)
        .await?;
    Columns::of(&row).int()
}

/// Entries of the log of which two people have accepted that the database has no leaf.
pub(crate) async fn entries(tx: &mut Tx) -> Result<Vec<u64>> {
    let rows = sqlx::query("SELECT log_index FROM accepted_entries")
        .fetch_all(&mut **tx)
        .await?;
    let index = |row| Ok(u64::try_from(Columns::of(row).int()?).unwrap_or(u64::MAX));
    rows.iter().map(index).collect()
}

/// What two people accepted at a time.
pub(crate) struct Accepted {
    pub(crate) id: String,
    /// Their ids.
    pub(crate) people: Vec<String>,
    /// A line for each difference.
    pub(crate) differences: String,
    /// Microseconds since 1970.
    pub(crate) at: i64,
}

/// Each time that rows were taken as they were.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<Accepted>> {
    let rows = sqlx::query("SELECT l.id, l.differences, l.given_at, a.person FROM acceptances l JOIN acceptances a ON a.code = l.code WHERE l.carried_out = 1 ORDER BY l.given_at, l.id, a.given_at, a.id")
        .fetch_all(&mut **tx)
        .await?;
    let mut all: Vec<Accepted> = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, differences, at, person) = (c.text()?, c.text()?, c.int()?, c.text()?);
        match all.last_mut() {
            Some(last) if last.id == id => {
                if !last.people.contains(&person) {
                    last.people.push(person);
                }
            }
            _ => all.push(Accepted {
                id,
                people: vec![person],
                differences,
                at,
            }),
        }
    }
    Ok(all)
}
