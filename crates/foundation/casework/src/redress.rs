//! Deciding an appeal, and reversing everything once it is upheld.

use obhut_facts::{CaseStatus, Sealed};
use obhut_store::database::Tx;

use crate::appeals::{self, Appeal, AppealOutcome};
use crate::cases::{self, advance};
use crate::casework::{Clearing, Removed};
use crate::children::is_blank;
use crate::deadlines::{self, DeadlineKind};
use crate::retention;
use crate::{
    Casework, CaseworkError, Person, Result, Role, alarms, approvals, audit, decisions,
    determinations, erasing, erasures, facts, reports, views,
};

/// Decides an appeal. The person must have made no decision or determination about the case,
/// approved no report of it, and neither admitted nor decided an appeal of it. An upheld appeal
/// withdraws unsent reports, retracts sent ones, disputes the entries that matched (for an exact
/// digest it only proposes the dispute), and deletes the account's data.
///
/// # Errors
/// Denied without the role reviewer or appeals; invalid without grounds; a conflict if the appeal
/// is decided already or the person isn't uninvolved. To uphold, also a conflict if stopped uploads
/// of several files without an account would be released and the person hasn't viewed each whole.
pub async fn decide_appeal(
    casework: &Casework,
    case: &str,
    appeal: &str,
    person: &Person,
    outcome: AppealOutcome,
    grounds: &str,
) -> Result<Appeal> {
    person.require_one(&[Role::Reviewer, Role::Appeals])?;
    if is_blank(grounds) {
        return Err(CaseworkError::invalid(
            "grounds",
            "an appeal's decision needs its grounds",
        ));
    }
    let known = appeals::appeal(casework, case, appeal).await?;
    if known.outcome.is_some() {
        return Err(CaseworkError::conflict(format!(
            "appeal {appeal} is decided already"
        )));
    }
    // Outside the transaction: while an appeal is open, no decision can be added.
    require_untouched(casework, case, person).await?;
    if appeals::touched(casework, case, person).await? {
        return Err(CaseworkError::conflict(format!(
            "{} admitted or decided an appeal of this case; another person has to decide this one. Someone from outside may be given the role appeals",
            person.name
        )));
    }
    let account = cases::account(casework, case).await?;
    // An unreadable vault record must not block the appeal; the proof then stays incomplete.
    let old = match outcome {
        AppealOutcome::Upheld => views::old_exhibits(casework, case).await,
        AppealOutcome::Rejected => Ok(Vec::new()),
    };
    let now = casework.now();
    // Only now: `old_exhibits` writes in another transaction, and SQLite has one writer.
    let mut tx = casework.db.begin().await?;
    // Locked first: a report approved or filed in the same moment must be seen here, or see this.
    cases::hold(&mut tx, case).await?;
    let before = appeals::status_before(&mut tx, appeal).await?;
    match outcome {
        AppealOutcome::Rejected => {
            // A rejected appeal changes nothing: the case returns to the status it had.
            advance(&mut tx, now, case, before).await?;
        }
        AppealOutcome::Upheld => {
            // As for a decision not to report: one harmless file must not release its look-alikes.
            decisions::require_all_seen(&mut tx, case, person).await?;
            advance(&mut tx, now, case, CaseStatus::Cleared).await?;
            // Including drafts, so that none is approved later.
            for report in reports::released(&mut tx, case).await? {
                let because = "on appeal another person found that the decision it rested on was wrong; the person it concerned is cleared";
                reports::take_back(&mut tx, now, &report, because).await?;
            }
            let clearing = Clearing {
                case,
                appeal,
                person: &person.id,
                kept_until: retention::preserved_until(&mut tx, case).await?,
            };
            clear(&mut tx, casework, &clearing, old, account).await?;
            decisions::alarm_carried(&mut tx, now, case).await?;
        }
    }
    appeals::end(casework, &mut tx, now, appeal, person, outcome, grounds).await?;
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
        // Queued work: after an interruption or a failure the next start or the worker finishes it,
        // and until then the proof of erasure says that it isn't complete. The appeal is decided.
        if let Err(e) = erasing::finish_settlements(casework).await {
            tracing::error!(cause = %e, "the erasure of a cleared case could not be finished; it is tried again");
        }
    }
    appeals::appeal(casework, case, appeal).await
}

/// Admits another appeal against a decision, because of new facts. An appeal against it must have
/// been rejected. The person must have decided neither the case nor an earlier appeal, determined
/// nothing about the case, and approved no report of it.
///
/// # Errors
/// Denied without the role reviewer, reporting-officer or appeals; invalid without a reason; a
/// conflict if one of these conditions isn't met, or if an appeal is open.
pub async fn admit_appeal(
    casework: &Casework,
    case: &str,
    reason: &str,
    person: &Person,
) -> Result<Appeal> {
    person.require_one(&[Role::Reviewer, Role::ReportingOfficer, Role::Appeals])?;
    require_untouched(casework, case, person).await?;
    let earlier = appeals::appeals(casework, case).await?;
    if earlier
        .iter()
        .any(|a| a.name.as_ref() == Some(&person.name))
    {
        return Err(CaseworkError::conflict(format!(
            "{} decided an appeal of this case; another person has to admit a second one",
            person.name
        )));
    }
    let mut tx = casework.db.snapshot().await?;
    let decided = appeals::decided_already(&mut tx, case).await?;
    drop(tx);
    if decided.is_none() {
        return Err(CaseworkError::conflict(format!(
            "no appeal against the decision about {case} was rejected; the first one is filed, not admitted"
        )));
    }
    appeals::file(casework, case, reason, &person.id, true).await
}

/// Appeals need an uninvolved person.
///
/// # Errors
/// A conflict if the person decided the case, determined something about it, or approved a report
/// of it.
async fn require_untouched(casework: &Casework, case: &str, person: &Person) -> Result<()> {
    let decided = decisions::decisions(casework, case).await?;
    let mut what = decided
        .iter()
        .any(|d| d.person() == person.id)
        .then_some("decided this case");
    if determinations::made_by(casework, case, person).await? {
        what = what.or(Some("determined something about this case"));
    }
    for report in reports::report_rows(casework, Some(case)).await? {
        if approvals::approver(casework, &report.id).await?.as_ref() == Some(&person.id) {
            what = what.or(Some("approved a report of this case"));
        }
    }
    match what {
        None => Ok(()),
        Some(what) => Err(CaseworkError::conflict(format!(
            "{} {what}; another person has to decide the appeal. Someone from outside may be given the role appeals",
            person.name
        ))),
    }
}

/// Deletes what the database holds about the person of a cleared case, and schedules the rest.
async fn clear(
    tx: &mut Tx,
    casework: &Casework,
    clearing: &Clearing<'_>,
    old: Result<Vec<String>>,
    account: Option<Sealed<String>>,
) -> Result<()> {
    let now = casework.now();
    let (case, kept_until) = (clearing.case, clearing.kept_until);
    let mut removed = Vec::new();
    for domain in casework.domains() {
        removed.extend(domain.withdraw(tx, casework, clearing).await?);
        // Queued for every domain, even one that removed nothing, because the proof waits for all
        // of them.
        erasures::queue(tx, now, case, domain.name()).await?;
    }
    match old {
        Ok(old) => {
            for exhibit in &old {
                // Exhibits of newer versions are in `removed` already, through the evidence domain.
                if removed.iter().all(|r| r.what != *exhibit) {
                    removed.push(Removed::not_before(exhibit, kept_until.max(now)));
                }
            }
        }
        Err(e) => {
            tracing::error!(cause = %e, "exhibits of an older version could not be examined");
            // Never due, so that the proof stays incomplete.
            removed.push(Removed::not_before(
                "exhibits that could not be examined",
                i64::MAX,
            ));
        }
    }
    // A pre-upgrade copy of the database holds this person's data too, and can only be deleted
    // whole.
    for (copy, made) in casework.folder.copies() {
        let until = made + erasures::COPY_KEPT_MICROS;
        removed.push(Removed::not_before(&copy, until.max(now)));
    }
    for (what, because) in [
        (
            "decisions and appeals",
            "what people decided and wrote, under their names",
        ),
        (
            "findings, without what they were about",
            "that something was found and withdrawn; which entries matched, and that they are disputed or proposed for dispute",
        ),
        (
            "reports and receipts",
            "the receivers, content and retraction of reports, about which the receivers may ask",
        ),
        (
            "audit trail",
            "who did what, for the years the trail is kept",
        ),
    ] {
        removed.push(Removed::kept(what, because));
    }
    // Deadlines before alarms, as the worker that raises alarms about them locks the rows.
    if deadlines::clear(tx, now, case).await? {
        removed.push(Removed::kept(
            "authority's request",
            "it binds us until it ends",
        ));
    }
    alarms::clear(tx, now, case, clearing.person).await?;
    if cases::forget_account(tx, now, case).await? {
        removed.push(Removed::kept(
            "embargo",
            "an authority's order that nothing may reach the person yet",
        ));
    }
    // The name survives, sealed, only until the platform has restored the account.
    let account = account.as_ref().map(|a| a.expose().as_str());
    erasures::plan(tx, casework, clearing, &removed, account).await?;
    determinations::erase(tx, case).await?;
    facts::erase(tx, case).await
}
