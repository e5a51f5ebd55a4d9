//! Determinations: people's answers to legal questions that a destination asks and that no program
//! can answer.

use obhut_facts::{CaseStatus, Determination, Question};

use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Person, Result, Role, audit, cases, changes, ids, sealed};

/// Longest grounds, in characters. Our judgement.
const GROUNDS_CHARS_MAX: usize = 2_000;

/// Records what a person determined. The latest answer to a question counts; earlier answers stay
/// on record. A new answer voids the approval of a report that isn't sent yet, because the
/// approval covers the answers.
///
/// # Errors
/// Denied without the role reviewer or reporting-officer; invalid without grounds, or with answers
/// the question doesn't take; a conflict for a case whose person was cleared.
pub async fn determine(
    casework: &Casework,
    case: &str,
    person: &Person,
    question: Question,
    answers: &[String],
    grounds: &str,
) -> Result<Determination> {
    person.require_one(&[Role::Reviewer, Role::ReportingOfficer])?;
    if let Some(why) = question.refuses(answers) {
        return Err(CaseworkError::invalid("answer", why));
    }
    let grounds = grounds.trim();
    if grounds.is_empty() || grounds.chars().count() > GROUNDS_CHARS_MAX {
        return Err(CaseworkError::invalid(
            "grounds",
            format!("a determination needs its grounds, 1 to {GROUNDS_CHARS_MAX} characters"),
        ));
    }
    let made = Determination {
        question,
        answers: answers.to_vec(),
        grounds: grounds.to_owned(),
        name: person.name.clone(),
        determined_at: casework.now(),
    };
    let mut tx = casework.db.begin().await?;
    cases::hold(&mut tx, case).await?;
    if cases::status(&mut tx, case).await? == CaseStatus::Cleared {
        return Err(CaseworkError::conflict(format!(
            "the decision about case {case} was overturned on appeal; nothing is reported any more"
        )));
    }
    let seq = changes::numbers(&mut tx, "determinations", 1).await?;
    sqlx::query(
        "INSERT INTO determinations (id, case_id, question, answers, grounds, person, name, determined_at, seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(ids::new("determination"))
    .bind(case)
    .bind(question.word())
    .bind(answers.join(" "))
    .bind(sealed::seal_words(casework, grounds))
    .bind(&person.id)
    .bind(&person.name)
    .bind(made.determined_at)
    .bind(seq)
    .execute(&mut *tx)
    .await?;
    let detail = format!("{question}: {}", answers.join(", "));
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "case.determine",
        case,
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(made)
}

/// The latest answer to each question about a case, in the order of the questions.
pub async fn determinations(casework: &Casework, case: &str) -> Result<Vec<Determination>> {
    let mut tx = casework.db.snapshot().await?;
    within(casework, &mut tx, case).await
}

async fn within(casework: &Casework, tx: &mut Tx, case: &str) -> Result<Vec<Determination>> {
    let rows = sqlx::query(
        "SELECT question, answers, grounds, name, determined_at FROM determinations WHERE case_id = $1 ORDER BY seq",
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    let mut latest = std::collections::BTreeMap::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let made = Determination {
            question: c.word(Question::from_word, "question")?,
            answers: c.text()?.split(' ').map(str::to_owned).collect(),
            grounds: sealed::open_words(casework, &c.text()?)?,
            name: c.text()?,
            determined_at: c.int()?,
        };
        latest.insert(made.question, made);
    }
    Ok(latest.into_values().collect())
}

/// Seals the grounds that an older release kept as they were written.
pub(crate) async fn seal_old_grounds(casework: &Casework, tx: &mut Tx) -> Result<()> {
    let rows = sqlx::query("SELECT id, grounds FROM determinations")
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, grounds) = (c.text()?, c.text()?);
        sqlx::query("UPDATE determinations SET grounds = $1 WHERE id = $2")
            .bind(sealed::seal_words(casework, &grounds))
            .bind(id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// True if the person determined something about the case.
pub(crate) async fn made_by(casework: &Casework, case: &str, person: &Person) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM determinations WHERE case_id = $1 AND person = $2")
        .bind(case)
        .bind(&person.id)
        .fetch_optional(casework.db.pool())
        .await?;
    Ok(row.is_some())
}

/// Erases what was determined about a cleared case.
pub(crate) async fn erase(tx: &mut Tx, case: &str) -> Result<()> {
    sqlx::query("DELETE FROM determinations WHERE case_id = $1")
        .bind(case)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
