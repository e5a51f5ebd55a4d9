//! How long exhibits are kept: the law's year for what the CyberTipline has, and the operator's own
//! rules for everything else. The latter have no default.

use std::collections::HashMap;

use serde::Serialize;

use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Person, Result, Role, alarms, audit};

/// Longest rule, in days: a hundred years. Our judgement: more is a slip of the hand.
const DAYS_MAX: i64 = 36_500;

/// The name under which the rule for exhibits that were never filed is on record.
pub const NEVER_FILED: &str = "";

/// How long exhibits are kept that were filed with a destination, or never filed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RetentionRule {
    /// The destination; [`NEVER_FILED`] for what was never filed.
    pub filed_with: String,
    /// Days from the filing; for what was never filed, from the decision, and for an exhibit of no
    /// case from its intake.
    pub days: i64,
    /// The law or the policy it follows.
    pub basis: String,
}

/// Something that keeps an exhibit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Keeping {
    /// The law, the rule, or the id of the hold or extension.
    pub because: String,
    /// Since when, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub from: i64,
    /// Until when, microseconds since 1970; `None` if no date ends it.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub until: Option<i64>,
    /// False if people may have the exhibit destroyed earlier.
    pub binds: bool,
    /// What began then, as [`crate::running_time`] noted it.
    #[serde(skip)]
    pub(crate) began: String,
}

/// Records how long exhibits are kept. `filed_with` is a destination, or [`NEVER_FILED`].
///
/// # Errors
/// Denied without the role administrator; invalid without a basis, with fewer days than one or more
/// than 36,500, and for the CyberTipline, whose year is the law's.
pub async fn set_retention_rule(
    casework: &Casework,
    rule: &RetentionRule,
    person: &Person,
) -> Result<()> {
    person.require(Role::Administrator)?;
    if is_blank(&rule.basis) {
        return Err(CaseworkError::invalid(
            "basis",
            "name the law or the policy that the rule follows",
        ));
    }
    if !(1..=DAYS_MAX).contains(&rule.days) {
        return Err(CaseworkError::invalid(
            "days",
            format!("a rule needs 1 to {DAYS_MAX} days"),
        ));
    }
    if rule.filed_with == "ncmec" {
        return Err(CaseworkError::invalid(
            "filed_with",
            "what is filed with the CyberTipline is kept for the year that 18 USC 2258A(h) asks for; to keep it longer, extend the exhibits or cases",
        ));
    }
    let mut tx = casework.db.begin().await?;
    sqlx::query(
        "INSERT INTO retention_rules (filed_with, days, basis, person, set_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (filed_with) DO UPDATE SET days = $2, basis = $3, person = $4, set_at = $5",
    )
    .bind(&rule.filed_with)
    .bind(rule.days)
    .bind(rule.basis.trim())
    .bind(&person.id)
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    let subject = match rule.filed_with.as_str() {
        NEVER_FILED => "never-filed",
        destination => destination,
    };
    let detail = format!("{} days", rule.days);
    let act = "retention.rule";
    let now = casework.now();
    alarms::end(&mut tx, now, "retention", subject, &person.id).await?;
    audit::write(&mut tx, now, &person.id, act, subject, &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The rules on record, by destination.
pub async fn retention_rules(casework: &Casework) -> Result<Vec<RetentionRule>> {
    let mut rules: Vec<_> = all(&mut casework.db.snapshot().await?)
        .await?
        .into_values()
        .collect();
    rules.sort_by(|a, b| a.filed_with.cmp(&b.filed_with));
    Ok(rules)
}

/// The rules by `filed_with`.
pub(crate) async fn all(tx: &mut Tx) -> Result<HashMap<String, RetentionRule>> {
    let rows = sqlx::query("SELECT filed_with, days, basis FROM retention_rules")
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            let filed_with = c.text()?;
            let rule = RetentionRule {
                filed_with: filed_with.clone(),
                days: c.int()?,
                basis: c.text()?,
            };
            Ok((filed_with, rule))
        })
        .collect()
}
