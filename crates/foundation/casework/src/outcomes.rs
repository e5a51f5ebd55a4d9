//! Outcomes of reports, as receivers state them later: codes without detail, counted by source.

use std::collections::BTreeMap;

use obhut_facts::words;
use serde::Serialize;

use crate::database::Columns;
use crate::{Casework, CaseworkError, Result, audit, ids, reports};

/// Longest name of a source, in characters. Our judgement.
const SOURCE_CHARS_MAX: usize = 100;

words! {
    /// Outcome of a report.
    Outcome {
        /// It helped.
        Useful = "useful",
        /// The receiver knew of it already.
        Duplicate = "duplicate",
        /// Nothing could be done with it.
        Empty = "empty",
        /// A child was brought to safety.
        ChildSafeguarded = "child-safeguarded",
        /// A person was arrested.
        Arrest = "arrest",
    }
}

/// How often a receiver reported each code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutcomeCounts {
    /// The receiver that reported the outcomes.
    pub source: String,
    /// How often it reported each code.
    pub counts: BTreeMap<&'static str, i64>,
}

/// Records the outcome that a receiver reports. The same outcome of a report from the same source
/// is counted once.
///
/// # Errors
/// Invalid unless `source` has 1 to 100 characters; not found for an unknown report.
pub async fn add_outcome(
    casework: &Casework,
    report: &str,
    source: &str,
    outcome: Outcome,
    actor: &str,
) -> Result<()> {
    let source = source.trim();
    if source.is_empty() || source.chars().count() > SOURCE_CHARS_MAX {
        return Err(CaseworkError::invalid(
            "source",
            format!(
                "name the receiver that reported the outcome, in 1 to {SOURCE_CHARS_MAX} characters"
            ),
        ));
    }
    // Read only for its error: otherwise an outcome of an unknown report would be counted.
    reports::report_row(casework, report).await?;
    let mut tx = casework.db.begin().await?;
    sqlx::query("INSERT INTO outcomes (id, report, source, code, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (report, source, code) DO NOTHING")
        .bind(ids::new("outcome"))
        .bind(report)
        .bind(source)
        .bind(outcome.word())
        .bind(casework.now())
        .execute(&mut *tx)
        .await?;
    // A repeated outcome is counted once, and still audited.
    audit::write(
        &mut tx,
        casework.now(),
        actor,
        "outcome.add",
        report,
        outcome.word(),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The counts of every source, in the order of their names.
pub async fn outcome_counts(casework: &Casework) -> Result<Vec<OutcomeCounts>> {
    let rows = sqlx::query(
        "SELECT source, code, COUNT(*) FROM outcomes GROUP BY source, code ORDER BY source, code",
    )
    .fetch_all(casework.db.pool())
    .await?;
    let mut all: Vec<OutcomeCounts> = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let source = c.text()?;
        let code = c.word(Outcome::from_word, "outcome")?;
        let count = c.int()?;
        if all.last().is_none_or(|l| l.source != source) {
            all.push(OutcomeCounts {
                source,
                counts: BTreeMap::new(),
            });
        }
        all.last_mut()
            .expect("just pushed")
            .counts
            .insert(code.word(), count);
    }
    Ok(all)
}
