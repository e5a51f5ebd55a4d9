//! Appeals: files them and records how they ended.

use obhut_facts::{CaseStatus, words};
use serde::Serialize;

use crate::cases::advance;
use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::deadlines::{self, DeadlineKind};
use crate::{
    Casework, CaseworkError, Person, Result, Role, Sealed, audit, cases, decisions, ids, sealed,
};

/// Time within which an appeal should be decided (DSA Article 20: "timely"); our own target, in
/// microseconds.
const APPEAL_DUE_MICROS: i64 = 7 * 86_400 * 1_000_000;

words! {
    /// How an appeal ended.
    AppealOutcome {
        /// The first decision was wrong: reversed everywhere.
        Upheld = "upheld",
        /// The first decision is confirmed.
        Rejected = "rejected",
    }
}

/// An appeal on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Appeal {
    /// Id.
    pub id: String,
    /// The case.
    pub case: String,
    /// When it was filed, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub filed_at: i64,
    /// How it ended; none while it is open.
    pub outcome: Option<AppealOutcome>,
    /// Name of the person who decided it.
    pub name: Option<String>,
    /// Why they decided so.
    pub grounds: Option<String>,
}

/// Files an appeal against the latest decision about a case. Each decision can be appealed once.
///
/// # Errors
/// Invalid without a reason. A conflict if the case is undecided or cleared, if an appeal is open,
/// or if one against this decision was rejected: another needs new facts, and a person who admits
/// it ([`crate::admit_appeal`]).
pub async fn file_appeal(
    casework: &Casework,
    case: &str,
    reason: &str,
    actor: &str,
) -> Result<Appeal> {
    file(casework, case, reason, actor, false).await
}

/// Id of the rejected appeal against the latest decision, if there is one.
pub(crate) async fn decided_already(tx: &mut Tx, case: &str) -> Result<Option<String>> {
    let decisions = decisions::decisions_within(tx, case).await?;
    let Some(decided_at) = decisions.last().map(|d| d.decided_at()) else {
        return Ok(None);
    };
    let row = sqlx::query(
        "SELECT id FROM appeals WHERE case_id = $1 AND outcome = $2 AND filed_at >= $3 ORDER BY filed_at LIMIT 1",
    )
    .bind(case)
    .bind(AppealOutcome::Rejected.word())
    .bind(decided_at)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// Like [`file_appeal`], also if an appeal against this decision was rejected. `admitted`: the
/// actor admitted it.
pub(crate) async fn file(
    casework: &Casework,
    case: &str,
    reason: &str,
    actor: &str,
    admitted: bool,
) -> Result<Appeal> {
    if is_blank(reason) {
        return Err(CaseworkError::invalid(
            "reason",
            "an appeal needs its reason",
        ));
    }
    let id = ids::new("appeal");
    let mut tx = casework.db.begin().await?;
    cases::hold(&mut tx, case).await?;
    // Under the lock: an earlier appeal may be decided in this moment.
    if !admitted && let Some(decided) = decided_already(&mut tx, case).await? {
        return Err(CaseworkError::conflict(format!(
            "an appeal against this decision was decided ({decided}); another one needs new facts and a person who admits it"
        )));
    }
    // Stored, because a rejected appeal puts the case back to this status.
    let before = advance(&mut tx, casework.now(), case, CaseStatus::Appealed).await?;
    sqlx::query("INSERT INTO appeals (id, case_id, reason_sealed, filed_at, status_before, admitted_by) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(case)
        .bind(sealed::seal_text(casework, reason))
        .bind(casework.now())
        .bind(before.word())
        .bind(admitted.then_some(actor))
        .execute(&mut *tx)
        .await?;
    let due = casework.now() + APPEAL_DUE_MICROS;
    deadlines::start(
        &mut tx,
        casework,
        DeadlineKind::Appeal,
        case,
        due,
        "Regulation (EU) 2022/2065, art. 20(4)",
    )
    .await?;
    audit::write(&mut tx, casework.now(), actor, "appeal.file", case, &id).await?;
    if admitted {
        audit::write(&mut tx, casework.now(), actor, "appeal.admit", case, &id).await?;
    }
    tx.commit().await?;
    self::appeal(casework, case, &id).await
}

/// True if this person admitted or decided an appeal of the case.
pub(crate) async fn touched(casework: &Casework, case: &str, person: &Person) -> Result<bool> {
    let row = sqlx::query(
        "SELECT 1 FROM appeals WHERE case_id = $1 AND (admitted_by = $2 OR person = $2) LIMIT 1",
    )
    .bind(case)
    .bind(&person.id)
    .fetch_optional(casework.db.pool())
    .await?;
    Ok(row.is_some())
}

/// When the open appeal of a case was filed, microseconds since 1970; `None` if there is none.
pub(crate) async fn open_since(tx: &mut Tx, case: &str) -> Result<Option<i64>> {
    let row = sqlx::query(
        "SELECT filed_at FROM appeals WHERE case_id = $1 AND outcome IS NULL ORDER BY filed_at LIMIT 1",
    )
    .bind(case)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).int()).transpose()
}

/// Records that a report was approved during the appeal: a rejected appeal puts the case back to
/// reported.
pub(crate) async fn reported_meanwhile(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("UPDATE appeals SET status_before = $1 WHERE case_id = $2 AND outcome IS NULL")
        .bind(CaseStatus::Reported.word())
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Records that the reports were withdrawn during the appeal: a rejected appeal puts the case back
/// to decided.
pub(crate) async fn back_to_decided(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("UPDATE appeals SET status_before = $1 WHERE case_id = $2 AND outcome IS NULL AND status_before = $3")
        .bind(CaseStatus::Decided.word())
        .bind(case)
        .bind(CaseStatus::Reported.word())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The status to which a rejected appeal puts the case back.
pub(crate) async fn status_before(tx: &mut Tx, appeal: &str) -> Result<CaseStatus> {
    let row = sqlx::query("SELECT status_before FROM appeals WHERE id = $1")
        .bind(appeal)
        .fetch_one(&mut **tx)
        .await?;
    Columns::of(&row).word(CaseStatus::from_word, "status")
}

/// Records the outcome of an appeal. Fails if it already has one.
pub(crate) async fn end(
    casework: &Casework,
    tx: &mut Tx,
    now: i64,
    appeal: &str,
    person: &Person,
    outcome: AppealOutcome,
    grounds: &str,
) -> Result<()> {
    let decided = sqlx::query(
        "UPDATE appeals SET outcome = $1, person = $2, name = $3, grounds = $4, decided_at = $5
         WHERE id = $6 AND outcome IS NULL",
    )
    .bind(outcome.word())
    .bind(&person.id)
    .bind(&person.name)
    .bind(sealed::seal_words(casework, grounds))
    .bind(now)
    .bind(appeal)
    .execute(&mut **tx)
    .await?;
    if decided.rows_affected() != 1 {
        return Err(CaseworkError::conflict(format!(
            "appeal {appeal} was decided meanwhile"
        )));
    }
    Ok(())
}

/// Seals the grounds that an older release kept as they were written.
pub(crate) async fn seal_old_grounds(casework: &Casework, tx: &mut Tx) -> Result<()> {
    let rows = sqlx::query("SELECT id, grounds FROM appeals WHERE grounds IS NOT NULL")
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, grounds) = (c.text()?, c.text()?);
        sqlx::query("UPDATE appeals SET grounds = $1 WHERE id = $2")
            .bind(sealed::seal_words(casework, &grounds))
            .bind(id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The case an appeal is about. Not found for an unknown appeal.
pub async fn case_of_appeal(casework: &Casework, appeal: &str) -> Result<String> {
    let row = sqlx::query("SELECT case_id FROM appeals WHERE id = $1")
        .bind(appeal)
        .fetch_optional(casework.db.pool())
        .await?;
    let row = row.ok_or_else(|| CaseworkError::NotFound {
        what: "appeal",
        id: appeal.to_owned(),
    })?;
    Columns::of(&row).text()
}

/// Undecided appeals, oldest first.
pub async fn open_appeals(casework: &Casework) -> Result<Vec<Appeal>> {
    let rows = sqlx::query(
        "SELECT id, case_id, filed_at FROM appeals WHERE outcome IS NULL ORDER BY filed_at, id",
    )
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Appeal {
                id: c.text()?,
                case: c.text()?,
                filed_at: c.int()?,
                outcome: None,
                name: None,
                grounds: None,
            })
        })
        .collect()
}

pub(crate) async fn appeal(casework: &Casework, case: &str, id: &str) -> Result<Appeal> {
    self::appeals(casework, case)
        .await?
        .into_iter()
        .find(|a| a.id == id)
        .ok_or_else(|| CaseworkError::NotFound {
            what: "appeal",
            id: id.to_owned(),
        })
}

/// An appeal with what the person concerned wrote, for a person who may decide appeals. The reading
/// is on record before the text is returned.
///
/// # Errors
/// Not found for an unknown appeal; denied without the role reviewer or appeals.
pub async fn read_appeal(
    casework: &Casework,
    id: &str,
    person: &Person,
) -> Result<(Appeal, Sealed<String>)> {
    person.require_one(&[Role::Reviewer, Role::Appeals])?;
    let case = case_of_appeal(casework, id).await?;
    let appeal = self::appeal(casework, &case, id).await?;
    audit::note(casework, &person.id, "appeal.show", &case, id).await?;
    let row = sqlx::query("SELECT reason_sealed FROM appeals WHERE id = $1")
        .bind(id)
        .fetch_one(casework.db.pool())
        .await?;
    let reason = sealed::open_text(casework, &Columns::of(&row).text()?)?;
    Ok((appeal, Sealed::new(reason)))
}

/// The appeals of a case, oldest first.
pub async fn appeals(casework: &Casework, case: &str) -> Result<Vec<Appeal>> {
    let rows = sqlx::query(
        "SELECT id, case_id, filed_at, outcome, name, grounds FROM appeals WHERE case_id = $1 ORDER BY filed_at, id",
    )
    .bind(case)
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Appeal {
                id: c.text()?,
                case: c.text()?,
                filed_at: c.int()?,
                outcome: c.maybe_text()?.and_then(|w| AppealOutcome::from_word(&w)),
                name: c.maybe_text()?,
                grounds: c
                    .maybe_text()?
                    .map(|stored| sealed::open_words(casework, &stored))
                    .transpose()?,
            })
        })
        .collect()
}
