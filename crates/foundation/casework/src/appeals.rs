//! Redress: an appeal, decided by another person than the first; what it undoes, and where.

use serde::Serialize;

use crate::cases::advance;
use crate::database::Columns;
use crate::deadlines::{self, DeadlineKind};
use crate::domain::{Clearing, Removed};
use crate::{
    Casework, CaseworkError, Person, Result, Role, audit, cases, erasures, facts, ids, reports,
};
use obhut_facts::CaseStatus;
use obhut_facts::words;

/// Within what time an appeal is to be decided: "in a timely manner"; our own target, in
/// microseconds.
const APPEAL_DUE_MICROS: i64 = 7 * 86_400 * 1_000_000;

words! {
    /// How an appeal ended.
    AppealOutcome {
        /// The first decision was wrong: undone everywhere.
        Upheld = "upheld",
        /// The first decision stands.
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
    /// Who decided it.
    pub name: Option<String>,
    /// Why.
    pub grounds: Option<String>,
}

impl Casework {
    /// Files an appeal against what was decided about a case.
    pub async fn file_appeal(&self, case: &str, reason: &str, actor: &str) -> Result<Appeal> {
        if reason.trim().is_empty() {
            return Err(CaseworkError::invalid(
                "reason",
                "an appeal needs its reason",
            ));
        }
        let id = ids::new("appeal");
        let mut tx = self.db.begin().await?;
        let before = advance(&mut tx, self.now(), case, CaseStatus::Appealed).await?;
        sqlx::query("INSERT INTO appeals (id, case_id, reason_sealed, filed_at, status_before) VALUES ($1, $2, $3, $4, $5)")
            .bind(&id)
            .bind(case)
            .bind(self.seal_text(reason))
            .bind(self.now())
            .bind(before.word())
            .execute(&mut *tx)
            .await?;
        let due = self.now() + APPEAL_DUE_MICROS;
        deadlines::start(
            &mut tx,
            self,
            DeadlineKind::Appeal,
            case,
            due,
            "Regulation (EU) 2022/2065, art. 20(4)",
        )
        .await?;
        audit::write(&mut tx, self.now(), actor, "appeal.file", case, &id).await?;
        tx.commit().await?;
        self.appeal(case, &id).await
    }

    /// Decides an appeal; never the person who decided the case. Upheld, it withdraws reports that
    /// have not left, has every other one retracted, disputes the entries that misfired, and takes
    /// the account's data out of the database.
    pub async fn decide_appeal(
        &self,
        case: &str,
        appeal: &str,
        person: &Person,
        outcome: AppealOutcome,
        grounds: &str,
    ) -> Result<Appeal> {
        person.require(Role::Reviewer)?;
        if grounds.trim().is_empty() {
            return Err(CaseworkError::invalid(
                "grounds",
                "an appeal's decision needs its grounds",
            ));
        }
        let known = self.appeal(case, appeal).await?;
        if known.outcome.is_some() {
            return Err(CaseworkError::conflict(format!(
                "appeal {appeal} is decided already"
            )));
        }
        if self
            .decisions(case)
            .await?
            .iter()
            .any(|d| d.person() == person.id)
        {
            return Err(CaseworkError::conflict(format!(
                "{} decided this case; an appeal is another person's to decide",
                person.name
            )));
        }
        let account = self.case(case).await?.case.account;
        let kept_until = self.preserved_until(case).await?;
        // An unreadable record must not block the appeal; the proof then stays incomplete.
        let old = match outcome {
            AppealOutcome::Upheld => self.old_exhibits(case).await,
            AppealOutcome::Rejected => Ok(Vec::new()),
        };
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let row = sqlx::query("SELECT status_before FROM appeals WHERE id = $1")
            .bind(appeal)
            .fetch_one(&mut *tx)
            .await?;
        let before = Columns::of(&row).word(CaseStatus::from_word, "status")?;
        match outcome {
            AppealOutcome::Rejected => {
                advance(&mut tx, now, case, before).await?;
            }
            AppealOutcome::Upheld => {
                advance(&mut tx, now, case, CaseStatus::Cleared).await?;
                for report in reports::released(&mut tx, case).await? {
                    let because = "on appeal another person found that the decision it rested on was wrong; the person it concerned is cleared";
                    reports::take_back(&mut tx, now, &report, because).await?;
                }
                let clearing = Clearing {
                    case,
                    appeal,
                    person: &person.id,
                    kept_until,
                };
                let mut removed = Vec::new();
                for domain in self.domains() {
                    removed.extend(domain.withdraw(&mut tx, self, &clearing).await?);
                    erasures::queue(&mut tx, now, case, domain.name()).await?;
                }
                match &old {
                    Ok(old) => {
                        for exhibit in old {
                            if removed.iter().all(|r| r.what != *exhibit) {
                                removed.push(Removed::not_before(exhibit, kept_until.max(now)));
                            }
                        }
                    }
                    Err(e) => {
                        tracing::error!(cause = %e, "exhibits of an older version could not be looked through");
                        removed.push(Removed::not_before(
                            "exhibits that could not be looked through",
                            i64::MAX,
                        ));
                    }
                }
                for (copy, made) in self.folder.copies() {
                    let until = made + erasures::COPY_KEPT_MICROS;
                    removed.push(Removed::not_before(&copy, until.max(now)));
                }
                for (what, because) in [
                    (
                        "decisions and appeals",
                        "what people decided and wrote, under their names",
                    ),
                    (
                        "audit trail",
                        "who did what, for the years the trail is kept",
                    ),
                ] {
                    removed.push(Removed::kept(what, because));
                }
                if deadlines::clear(&mut tx, now, case).await? {
                    removed.push(Removed::kept(
                        "authority's request",
                        "it binds us until it ends",
                    ));
                }
                if cases::forget_account(&mut tx, now, case).await? {
                    removed.push(Removed::kept(
                        "embargo",
                        "an authority's word that nothing reaches the person yet",
                    ));
                }
                let account = account.as_ref().map(|a| a.expose().as_str());
                erasures::plan(&mut tx, self, &clearing, &removed, account).await?;
                facts::erase(&mut tx, case).await?;
            }
        }
        let decided = sqlx::query(
            "UPDATE appeals SET outcome = $1, person = $2, name = $3, grounds = $4, decided_at = $5
             WHERE id = $6 AND outcome IS NULL",
        )
        .bind(outcome.word())
        .bind(&person.id)
        .bind(&person.name)
        .bind(grounds)
        .bind(now)
        .bind(appeal)
        .execute(&mut *tx)
        .await?;
        if decided.rows_affected() != 1 {
            return Err(CaseworkError::conflict(format!(
                "appeal {appeal} was decided meanwhile"
            )));
        }
        deadlines::end(&mut tx, now, DeadlineKind::Appeal, case, outcome.word()).await?;
        audit::write(
            &mut tx,
            now,
            &person.id,
            "appeal.decide",
            case,
            outcome.word(),
        )
        .await?;
        tx.commit().await?;
        if outcome == AppealOutcome::Upheld {
            // The work is queued: if this is interrupted, the worker finishes it.
            self.finish_settlements().await?;
        }
        self.appeal(case, appeal).await
    }

    /// The case an appeal is about.
    pub async fn case_of_appeal(&self, appeal: &str) -> Result<String> {
        let row = sqlx::query("SELECT case_id FROM appeals WHERE id = $1")
            .bind(appeal)
            .fetch_optional(self.db.pool())
            .await?;
        let row = row.ok_or_else(|| CaseworkError::NotFound {
            what: "appeal",
            id: appeal.to_owned(),
        })?;
        Columns::of(&row).text()
    }

    /// Appeals nobody has decided, oldest first.
    pub async fn open_appeals(&self) -> Result<Vec<Appeal>> {
        let rows = sqlx::query(
            "SELECT id, case_id, filed_at FROM appeals WHERE outcome IS NULL ORDER BY filed_at, id",
        )
        .fetch_all(self.db.pool())
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

    async fn appeal(&self, case: &str, id: &str) -> Result<Appeal> {
        self.appeals(case)
            .await?
            .into_iter()
            .find(|a| a.id == id)
            .ok_or_else(|| CaseworkError::NotFound {
                what: "appeal",
                id: id.to_owned(),
            })
    }

    /// The appeals of a case, oldest first.
    pub async fn appeals(&self, case: &str) -> Result<Vec<Appeal>> {
        let rows = sqlx::query(
            "SELECT id, case_id, filed_at, outcome, name, grounds FROM appeals WHERE case_id = $1 ORDER BY filed_at, id",
        )
        .bind(case)
        .fetch_all(self.db.pool())
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
                    grounds: c.maybe_text()?,
                })
            })
            .collect()
    }
}
