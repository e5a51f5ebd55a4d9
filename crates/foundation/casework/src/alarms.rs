//! Alarms: what a person must look at, open until someone marks it as seen.

use serde::Serialize;

use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Result, ids};

/// Longest text of an alarm, in characters. Our judgement.
const TEXT_CHARS_MAX: usize = 1_000;

/// Something a person must look at. Names ids and what a service said, never evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Alarm {
    /// Id.
    pub id: String,
    /// `filing`, `destination`, `schema`, `deadline`, `retraction`, `child-in-danger` and others.
    pub kind: String,
    /// Id or name of what it is about, for example a case, report, deadline or destination.
    pub subject: String,
    /// What happened, and what to do.
    pub text: String,
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub raised_at: i64,
}

/// Raises an alarm; an unseen one of the same kind and subject is updated instead.
pub(crate) async fn raise(
    tx: &mut Tx,
    now: i64,
    kind: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    // Part of the text may be a service's answer, which may be of any length.
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    // `raised_at` keeps its first value, so that a repeated alarm keeps its place.
    sqlx::query(
        "INSERT INTO alarms (id, kind, subject, text, raised_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, subject) WHERE seen_at IS NULL DO UPDATE SET text = $4",
    )
    .bind(ids::new("alarm"))
    .bind(kind)
    .bind(subject)
    .bind(&text)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    // Before the commit: the log may name an alarm that is rolled back.
    tracing::error!(kind, subject, "alarm: {text}");
    Ok(())
}

/// Marks the alarms whose subject is a cleared case as seen by `by`.
pub(crate) async fn clear(tx: &mut Tx, now: i64, case: &str, by: &str) -> Result<()> {
    sqlx::query(
        "UPDATE alarms SET seen_at = $1, seen_by = $2 WHERE subject = $3 AND seen_at IS NULL",
    )
    .bind(now)
    .bind(by)
    .bind(case)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Marks an alarm as seen by `by`, because its cause has been put right.
pub(crate) async fn end(tx: &mut Tx, now: i64, kind: &str, subject: &str, by: &str) -> Result<()> {
    sqlx::query("UPDATE alarms SET seen_at = $1, seen_by = $2 WHERE kind = $3 AND subject = $4 AND seen_at IS NULL")
        .bind(now)
        .bind(by)
        .bind(kind)
        .bind(subject)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// When the unseen alarm of this kind about this subject was first raised, in microseconds since
/// 1970; `None` if there is none.
pub(crate) async fn unseen_since(tx: &mut Tx, kind: &str, subject: &str) -> Result<Option<i64>> {
    let found = sqlx::query(
        "SELECT raised_at FROM alarms WHERE kind = $1 AND subject = $2 AND seen_at IS NULL",
    )
    .bind(kind)
    .bind(subject)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(match found {
        Some(row) => Some(Columns::of(&row).int()?),
        None => None,
    })
}

/// True if the latest alarm of this kind about this subject was marked as seen by this person.
pub(crate) async fn was_seen_by(
    tx: &mut Tx,
    kind: &str,
    subject: &str,
    person: &str,
) -> Result<bool> {
    let found = sqlx::query(
        "SELECT seen_by FROM alarms WHERE kind = $1 AND subject = $2 ORDER BY raised_at DESC, id LIMIT 1",
    )
    .bind(kind)
    .bind(subject)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(match found {
        Some(row) => Columns::of(&row).maybe_text()?.as_deref() == Some(person),
        None => false,
    })
}

/// Raises an alarm in a transaction of its own.
pub async fn raise_alarm(casework: &Casework, kind: &str, subject: &str, text: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    raise(&mut tx, casework.now(), kind, subject, text).await?;
    tx.commit().await?;
    Ok(())
}

/// Unseen alarms: those about a child in danger, then the others; each oldest first.
pub async fn alarms(casework: &Casework) -> Result<Vec<Alarm>> {
    first_alarms(casework, usize::MAX).await
}

/// Like [`alarms`], the first `most`.
pub async fn first_alarms(casework: &Casework, most: usize) -> Result<Vec<Alarm>> {
    let rows = sqlx::query(
        "SELECT id, kind, subject, text, raised_at FROM alarms WHERE seen_at IS NULL
         ORDER BY CASE WHEN kind = 'child-in-danger' THEN 0 ELSE 1 END, raised_at, id LIMIT $1",
    )
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Alarm {
                id: c.text()?,
                kind: c.text()?,
                subject: c.text()?,
                text: c.text()?,
                raised_at: c.int()?,
            })
        })
        .collect()
}

/// Marks an alarm as seen. Not found if it is unknown or was seen already.
pub(crate) async fn see(tx: &mut Tx, now: i64, id: &str, by: &str) -> Result<()> {
    let seen = sqlx::query(
        "UPDATE alarms SET seen_at = $1, seen_by = $2 WHERE id = $3 AND seen_at IS NULL",
    )
    .bind(now)
    .bind(by)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    if seen.rows_affected() == 0 {
        return Err(CaseworkError::NotFound {
            what: "open alarm",
            id: id.to_owned(),
        });
    }
    Ok(())
}

/// What an alarm of this kind is about; `None` if it is of another kind or unknown.
pub(crate) async fn subject_of(tx: &mut Tx, id: &str, kind: &str) -> Result<Option<String>> {
    let row = sqlx::query("SELECT subject FROM alarms WHERE id = $1 AND kind = $2")
        .bind(id)
        .bind(kind)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}
