//! What screening found, one row for each entry that matched; joined to a case.
//!
//! A finding holds no digest: it names list, version and entry, and the exhibit where there is one.

use async_trait::async_trait;
use serde::Serialize;

use crate::database::{Columns, Tx};
use crate::domain::{Clearing, Domain, Gone, Removed};
use crate::lists::{Action, Purpose};
use crate::screen::Match;
use crate::{Casework, Result, Screened, Sealed, Subject, Surface, audit, ids, lists, views};

/// What a finding is that is a report of others nobody could read.
pub const UNREAD_REPORT: &str = "report-unreadable";
/// What a finding is that a person put in with a case file.
pub const GIVEN: &str = "given";

/// Pictures, videos and other exhibits, as a domain of casework.
pub(crate) struct Media;

#[async_trait]
impl Domain for Media {
    fn name(&self) -> &'static str {
        "media"
    }

    /// Disputes the entries that matched, deletes file names, and schedules the exhibits for erasure.
    async fn withdraw(
        &self,
        tx: &mut Tx,
        casework: &Casework,
        clearing: &Clearing<'_>,
    ) -> Result<Vec<Removed>> {
        let now = casework.now();
        let case = clearing.case;
        let rows = sqlx::query(
            "SELECT DISTINCT list_id, entry FROM findings WHERE case_id = $1 AND list_id <> ''",
        )
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
        let reason = format!("appeal {} upheld", clearing.appeal);
        for row in &rows {
            let mut c = Columns::of(row);
            let (list, entry) = (c.text()?, c.text()?);
            lists::dispute(tx, now, &list, &entry, &reason, clearing.person).await?;
        }
        forget_names(tx, case).await?;
        let rows = sqlx::query(
            "SELECT DISTINCT exhibit FROM findings WHERE case_id = $1 AND exhibit IS NOT NULL",
        )
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
        let mut exhibits = rows
            .iter()
            .map(|row| Columns::of(row).text())
            .collect::<Result<Vec<_>>>()?;
        exhibits.extend(views::of_case(tx, case).await?);
        exhibits.sort_unstable();
        exhibits.dedup();
        let when = Gone::NotBefore(clearing.kept_until.max(now));
        Ok(exhibits
            .into_iter()
            .map(|what| Removed {
                what,
                when: when.clone(),
            })
            .collect())
    }

    async fn settle(&self, casework: &Casework, _: &str) -> Result<()> {
        casework.finish_erasures().await?;
        Ok(())
    }
}

/// A finding on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Id.
    pub id: String,
    /// The screening it came from: one file has one, with as many findings as entries matched.
    pub screening: String,
    /// `match`, or the code of why the file could not be read.
    pub what: String,
    /// Id of the list.
    pub list_id: String,
    /// Name of the list.
    pub list: String,
    /// Version of the list.
    pub version: String,
    /// Entry of the list.
    pub entry: String,
    /// Hash kind.
    pub kind: String,
    /// Bits that differ.
    pub distance: i64,
    /// PDQ quality of the file.
    pub quality: Option<i64>,
    /// What the list is for.
    pub purpose: Option<Purpose>,
    /// What policy made of it.
    pub action: Action,
    /// Scale of the category.
    pub scale: String,
    /// Category of the entry.
    pub category: String,
    /// Where the upload was meant to be seen.
    pub surface: Surface,
    /// The sealed exhibit.
    pub exhibit: Option<String>,
    /// Path or file name.
    #[serde(skip)]
    pub name: Option<Sealed<String>>,
    /// When it was uploaded, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub uploaded_at: Option<i64>,
    /// When it was found, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub found_at: i64,
}

#[allow(clippy::too_many_arguments)]
pub(crate) async fn write(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    screening: &str,
    screened: &Screened,
    subject: &Subject,
    exhibit: Option<&str>,
    now: i64,
) -> Result<()> {
    let signed: Vec<Option<&Match>> = screened
        .matches
        .iter()
        .filter(|m| m.signed)
        .map(Some)
        .collect();
    let unread = screened
        .unreadable
        .as_ref()
        .map_or("match", |(code, _)| code);
    // A file that matched nothing but can't be read has one finding, without a list.
    let rows = if signed.is_empty() {
        vec![None]
    } else {
        signed
    };
    for m in rows {
        sqlx::query(
            "INSERT INTO findings (id, case_id, screening, what, list_id, list, version, entry, hash_kind, distance,
                quality, purpose, action, scale, category, surface, exhibit, name_sealed, uploaded_at, found_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        )
        .bind(ids::new("finding"))
        .bind(case)
        .bind(screening)
        .bind(if m.is_some() { "match" } else { unread })
        .bind(m.map_or("", |m| &m.list_id))
        .bind(m.map_or("", |m| &m.list))
        .bind(m.map_or("", |m| &m.version))
        .bind(m.map_or("", |m| &m.entry))
        .bind(m.map_or("", |m| m.kind))
        .bind(m.map_or(0, |m| i64::from(m.distance_bits)))
        .bind(screened.quality.map(i64::from))
        .bind(m.map(|m| m.purpose.word()))
        .bind(screened.action.word())
        .bind(m.map_or("", |m| &m.label.scale))
        .bind(m.map_or("", |m| &m.label.category))
        .bind(subject.surface.word())
        .bind(exhibit)
        .bind(subject.name.as_ref().map(|n| casework.seal_text(n.expose())))
        .bind(subject.uploaded_at)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    let detail = format!("{} in {case}", screened.verdict);
    audit::write(tx, now, "screening", "finding.record", screening, &detail).await
}

/// A file that a person put in with a case: no list matched it.
#[allow(clippy::too_many_arguments)]
pub(crate) async fn write_given(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    screening: &str,
    what: &str,
    exhibit: Option<&str>,
    name: Option<&str>,
    surface: Surface,
    uploaded_at: Option<i64>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO findings (id, case_id, screening, what, list_id, list, version, entry, hash_kind, distance,
            action, scale, category, surface, exhibit, name_sealed, uploaded_at, found_at)
         VALUES ($1, $2, $3, $4, '', '', '', '', '', 0, $5, '', '', $6, $7, $8, $9, $10)",
    )
    .bind(ids::new("finding"))
    .bind(case)
    .bind(screening)
    .bind(what)
    .bind(Action::Hold.word())
    .bind(surface.word())
    .bind(exhibit)
    .bind(name.map(|n| casework.seal_text(n)))
    .bind(uploaded_at)
    .bind(casework.now())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ties exhibits that were put in later to the findings of their case that have none.
pub(crate) async fn attach(tx: &mut Tx, finding: &str, exhibit: &str) -> Result<()> {
    sqlx::query("UPDATE findings SET exhibit = $1 WHERE screening = $2 AND exhibit IS NULL")
        .bind(exhibit)
        .bind(finding)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The first case with a finding of an exhibit.
pub(crate) async fn case_of_exhibit(tx: &mut Tx, exhibit: &str) -> Result<Option<String>> {
    let row =
        sqlx::query("SELECT case_id FROM findings WHERE exhibit = $1 ORDER BY found_at LIMIT 1")
            .bind(exhibit)
            .fetch_optional(&mut **tx)
            .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// Takes the names of files out of the findings of a case.
pub(crate) async fn forget_names(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("UPDATE findings SET name_sealed = NULL WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Casework {
    /// The findings of a case, oldest first.
    pub async fn findings(&self, case: &str) -> Result<Vec<Finding>> {
        let rows = sqlx::query(
            "SELECT id, screening, what, list_id, list, version, entry, hash_kind, distance, quality, purpose, action,
                scale, category, surface, exhibit, name_sealed, uploaded_at, found_at
             FROM findings WHERE case_id = $1 ORDER BY found_at, screening, distance, id",
        )
        .bind(case)
        .fetch_all(self.db.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(Finding {
                    id: c.text()?,
                    screening: c.text()?,
                    what: c.text()?,
                    list_id: c.text()?,
                    list: c.text()?,
                    version: c.text()?,
                    entry: c.text()?,
                    kind: c.text()?,
                    distance: c.int()?,
                    quality: c.maybe_int()?,
                    purpose: c.maybe_text()?.and_then(|w| Purpose::from_word(&w)),
                    action: c.word(Action::from_word, "action")?,
                    scale: c.text()?,
                    category: c.text()?,
                    surface: c.word(Surface::from_word, "surface")?,
                    exhibit: c.maybe_text()?,
                    name: match c.maybe_text()? {
                        Some(sealed) => Some(Sealed::new(self.open_text(&sealed)?)),
                        None => None,
                    },
                    uploaded_at: c.maybe_int()?,
                    found_at: c.int()?,
                })
            })
            .collect()
    }

    /// The cases, other than one, that have findings with these exhibits.
    pub(crate) async fn cases_of_exhibits(
        &self,
        exhibits: &[String],
        other: &str,
    ) -> Result<Vec<String>> {
        let mut cases = Vec::new();
        for exhibit in exhibits {
            let rows = sqlx::query(
                "SELECT DISTINCT case_id FROM findings WHERE exhibit = $1 AND case_id <> $2",
            )
            .bind(exhibit)
            .bind(other)
            .fetch_all(self.db.pool())
            .await?;
            for row in &rows {
                let case = Columns::of(row).text()?;
                if !cases.contains(&case) {
                    cases.push(case);
                }
            }
        }
        Ok(cases)
    }

    /// How many findings each case has, for those cases that have some.
    pub(crate) async fn finding_counts(
        &self,
        case: Option<&str>,
    ) -> Result<std::collections::HashMap<String, i64>> {
        let rows = match case {
            Some(case) => sqlx::query("SELECT case_id, COUNT(DISTINCT screening) FROM findings WHERE case_id = $1 GROUP BY case_id")
                .bind(case),
            None => sqlx::query("SELECT case_id, COUNT(DISTINCT screening) FROM findings GROUP BY case_id"),
        };
        let rows = rows.fetch_all(self.db.pool()).await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((c.text()?, c.int()?))
            })
            .collect()
    }
}
