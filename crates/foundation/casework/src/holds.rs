//! What keeps exhibits beyond their retention: holds, which others ask for, and extensions.
//!
//! A hold or an extension is about an exhibit, or about a case with all its exhibits, later ones
//! included. Invariant: a hold that has begun ends by its date or when two people have released it.

use obhut_facts::Sealed;

use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::retention_rules::Keeping;
use crate::{
    Casework, CaseworkError, Person, Result, Role, audit, cases, ids, people, row_log,
    running_time, sealed, verification,
};

/// People who have to release a hold. Our judgement: one person under pressure must not be enough.
const RELEASES_MIN: usize = 2;

/// A hold: an exhibit or a case that someone else wants kept.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Hold {
    /// Id.
    pub id: String,
    /// The exhibit or the case.
    pub subject: String,
    /// Who asked for it.
    pub asked_by: Sealed<String>,
    /// Their reference.
    pub reference: Sealed<String>,
    /// Its last moment, microseconds since 1970; `None` if only people end it.
    pub until: Option<i64>,
    /// Id of the person who placed it.
    pub placed_by: String,
    /// When, microseconds since 1970.
    pub placed_at: i64,
    /// Ids of the people who have released it so far; it takes two.
    pub released_by: Vec<String>,
    /// When the second one did.
    pub released_at: Option<i64>,
}

/// A hold to be placed.
#[derive(Clone, Copy, Debug)]
pub struct NewHold<'a> {
    /// An exhibit or a case.
    pub subject: &'a str,
    /// Who asks for it: an authority, a court, counsel.
    pub asked_by: &'a str,
    /// Their reference.
    pub reference: &'a str,
    /// When it ends, microseconds since 1970; `None` until two people release it.
    pub until: Option<i64>,
}

/// Places a hold. Nothing it is about is destroyed or erased while it lasts.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without who asks or their reference, or with
/// an end that is past; not found for an unknown exhibit or case, or an erased exhibit.
pub async fn place_hold(casework: &Casework, new: NewHold<'_>, person: &Person) -> Result<Hold> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(new.asked_by) {
        return Err(CaseworkError::invalid(
            "asked_by",
            "say who asks for the hold",
        ));
    }
    if is_blank(new.reference) {
        return Err(CaseworkError::invalid(
            "reference",
            "give the reference by which they know it",
        ));
    }
    let now = casework.now();
    if new.until.is_some_and(|until| until <= now) {
        return Err(CaseworkError::invalid(
            "until",
            "the end of the hold is in the past",
        ));
    }
    // Destruction and erasure take the same turn: they see the hold, or it sees what they did.
    let turn = casework.folder.lock_erasing().await?;
    require_subject(casework, new.subject).await?;
    let id = ids::new("hold");
    let mut tx = casework.db.begin().await?;
    sqlx::query("INSERT INTO holds (id, subject, asked_by, reference, until, placed_by, placed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&id)
        .bind(new.subject)
        .bind(sealed::seal_text(casework, new.asked_by.trim()))
        .bind(sealed::seal_text(casework, new.reference.trim()))
        .bind(new.until)
        .bind(&person.id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    running_time::note(&mut tx, casework, &id).await?;
    audit::write(&mut tx, now, &person.id, "hold.place", &id, new.subject).await?;
    tx.commit().await?;
    drop(turn);
    // In the log before it is promised: what takes it away from now on is named.
    row_log::seal_rows(casework).await?;
    hold(casework, &id).await
}

/// Releases a hold for one person; the second one ends it.
///
/// # Errors
/// Denied without the role reporting-officer; not found if it is unknown; invalid without a reason;
/// a conflict if it has ended, or if this person has released it already.
pub async fn release_hold(
    casework: &Casework,
    id: &str,
    because: &str,
    person: &Person,
) -> Result<Hold> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(because) {
        return Err(CaseworkError::invalid(
            "reason",
            "a hold is released only with a reason",
        ));
    }
    let now = casework.now();
    // Rows that something else has written must not speak for a person.
    let mut tx = verification::begin_whole(casework).await?;
    // Locked, so that two people who release it in one moment both count.
    let row = sqlx::query(
        "UPDATE holds SET subject = subject WHERE id = $1 RETURNING released_at, until",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let row = row.ok_or_else(|| missing(id))?;
    let mut c = Columns::of(&row);
    if c.maybe_int()?.is_some() {
        return Err(CaseworkError::conflict(format!(
            "hold {id} was released already"
        )));
    }
    // Words of those who have left or lost the role since don't count.
    let mut before = Vec::new();
    for other in releases(&mut tx, id).await? {
        let other = people::person(casework, &other).await?;
        if !other.removed && other.roles.contains(&Role::ReportingOfficer) {
            before.push(other.id);
        }
    }
    if before.contains(&person.id) {
        return Err(CaseworkError::conflict(format!(
            "{} has released hold {id} already; a second person has to release it, too",
            person.name
        )));
    }
    sqlx::query(
        "INSERT INTO hold_releases (hold, person, because, given_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(id)
    .bind(&person.id)
    .bind(sealed::seal_words(casework, because))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if before.len() + 1 >= RELEASES_MIN {
        sqlx::query("UPDATE holds SET released_at = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    audit::write(&mut tx, now, &person.id, "hold.release", id, "").await?;
    tx.commit().await?;
    hold(casework, id).await
}

/// Keeps an exhibit, or all exhibits of a case, at least until a date, microseconds since 1970.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without a reason or with a date that is past;
/// not found for an unknown exhibit or case, or an erased exhibit.
pub async fn extend_retention(
    casework: &Casework,
    subject: &str,
    until: i64,
    because: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(because) {
        return Err(CaseworkError::invalid(
            "reason",
            "retention is extended only with a reason",
        ));
    }
    let now = casework.now();
    if until <= now {
        return Err(CaseworkError::invalid("until", "the date is in the past"));
    }
    let turn = casework.folder.lock_erasing().await?;
    require_subject(casework, subject).await?;
    let id = ids::new("extension");
    let mut tx = casework.db.begin().await?;
    sqlx::query("INSERT INTO extensions (id, subject, until, because, person, given_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(subject)
        .bind(until)
        .bind(sealed::seal_words(casework, because))
        .bind(&person.id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    running_time::note(&mut tx, casework, &id).await?;
    let date = crate::rfc3339(until);
    audit::write(&mut tx, now, &person.id, "exhibit.extend", subject, &date).await?;
    tx.commit().await?;
    drop(turn);
    Ok(())
}

/// An unknown exhibit or case can't be held, and neither can what was erased.
async fn require_subject(casework: &Casework, subject: &str) -> Result<()> {
    if cases::find(casework, subject).await?.is_some() {
        return Ok(());
    }
    casework.vault.exhibit(subject).await?;
    Ok(())
}

fn missing(id: &str) -> CaseworkError {
    CaseworkError::NotFound {
        what: "evidence hold",
        id: id.to_owned(),
    }
}

async fn releases(tx: &mut Tx, id: &str) -> Result<Vec<String>> {
    let rows =
        sqlx::query("SELECT person FROM hold_releases WHERE hold = $1 ORDER BY given_at, person")
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

const COLUMNS: &str = "id, subject, asked_by, reference, until, placed_by, placed_at, released_at";

async fn read(casework: &Casework, tx: &mut Tx, row: &sqlx::any::AnyRow) -> Result<Hold> {
    let mut c = Columns::of(row);
    let id = c.text()?;
    Ok(Hold {
        subject: c.text()?,
        asked_by: Sealed::new(sealed::open_text(casework, &c.text()?)?),
        reference: Sealed::new(sealed::open_text(casework, &c.text()?)?),
        until: c.maybe_int()?,
        placed_by: c.text()?,
        placed_at: c.int()?,
        released_at: c.maybe_int()?,
        released_by: releases(tx, &id).await?,
        id,
    })
}

/// A hold.
///
/// # Errors
/// Not found if it is unknown.
pub async fn hold(casework: &Casework, id: &str) -> Result<Hold> {
    let mut tx = casework.db.snapshot().await?;
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM holds WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut *tx).await?;
    read(casework, &mut tx, &row.ok_or_else(|| missing(id))?).await
}

/// The holds that haven't been released, oldest first; with `all`, also those that have.
pub async fn holds(casework: &Casework, all: bool) -> Result<Vec<Hold>> {
    let mut tx = casework.db.snapshot().await?;
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM holds WHERE ($1 = 1 OR released_at IS NULL) ORDER BY placed_at, id"
    ));
    let rows = sqlx::query(sql)
        .bind(i64::from(all))
        .fetch_all(&mut *tx)
        .await?;
    let mut holds = Vec::with_capacity(rows.len());
    for row in &rows {
        holds.push(read(casework, &mut tx, row).await?);
    }
    Ok(holds)
}

/// What holds and extensions say of an exhibit or a case; those that were released are left out.
pub(crate) async fn of_subject(tx: &mut Tx, subject: &str) -> Result<Vec<Keeping>> {
    let mut keepings = held(tx, subject).await?;
    let rows = sqlx::query(
        "SELECT id, given_at, until FROM extensions WHERE subject = $1 ORDER BY given_at, id",
    )
    .bind(subject)
    .fetch_all(&mut **tx)
    .await?;
    for row in &rows {
        keepings.push(keeping(row)?);
    }
    Ok(keepings)
}

/// The holds on a subject that weren't released, ended by their date or not.
pub(crate) async fn held(tx: &mut Tx, subject: &str) -> Result<Vec<Keeping>> {
    let rows = sqlx::query(
        "SELECT id, placed_at, until FROM holds WHERE subject = $1 AND released_at IS NULL ORDER BY placed_at, id",
    )
    .bind(subject)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(keeping).collect()
}

fn keeping(row: &sqlx::any::AnyRow) -> Result<Keeping> {
    let mut c = Columns::of(row);
    let id = c.text()?;
    Ok(Keeping {
        because: id.clone(),
        from: c.int()?,
        until: c.maybe_int()?,
        binds: true,
        began: id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    #[tokio::test]
    async fn a_hold_takes_two_people_to_release() {
        let (_folder, c, _) = bench::opened_at(1_000).await;
        let mut tx = c.db.begin().await.unwrap();
        bench::case(&mut tx, &c, "case-a").await;
        tx.commit().await.unwrap();
        let officer = async |name| {
            let roles = [Role::ReportingOfficer];
            crate::add_person(&c, name, &roles, "test").await.unwrap()
        };
        let (anna, ben) = (officer("anna").await, officer("ben").await);
        let new = NewHold {
            subject: "case-a",
            asked_by: "a court",
            reference: "AZ 1",
            until: None,
        };
        for (wrong, field) in [
            (
                NewHold {
                    asked_by: " ",
                    ..new
                },
                "asked_by",
            ),
            (
                NewHold {
                    reference: "",
                    ..new
                },
                "reference",
            ),
            (
                NewHold {
                    until: Some(1_000),
                    ..new
                },
                "until",
            ),
        ] {
            let refused = place_hold(&c, wrong, &anna).await.unwrap_err();
            assert!(format!("{refused:?}").contains(field), "{refused:?}");
        }
        let unknown = NewHold {
            subject: "case-b",
            ..new
        };
        assert!(place_hold(&c, unknown, &anna).await.is_err());

        let placed = place_hold(&c, new, &anna).await.unwrap();
        let release = async |person, because| release_hold(&c, &placed.id, because, person).await;
        assert!(release(&anna, " ").await.is_err(), "no reason");
        let once = release(&anna, "the court has ruled").await.unwrap();
        assert_eq!((once.released_by.len(), once.released_at), (1, None));
        assert!(release(&anna, "again").await.is_err(), "the same person");
        assert_eq!(holds(&c, false).await.unwrap().len(), 1);
        let twice = release(&ben, "so it has").await.unwrap();
        assert_eq!(twice.released_at, Some(1_000));
        assert!(release(&ben, "again").await.is_err(), "released");
        assert_eq!(holds(&c, false).await.unwrap().len(), 0);
        assert_eq!(holds(&c, true).await.unwrap().len(), 1);
    }
}
