//! Decisions made on a page take effect half a minute later, and until then their person can take
//! them back.
//!
//! What is wrong with a decision is said when it is made: it is tried, and rolled back. When its time
//! comes, it is made as if the person made it then: they must still hold the role, and the case must
//! be as they saw it. If it can't take effect, it stays, with what they wrote, until they have seen
//! why, and an alarm says so. A decision is deleted here once it is recorded, so nothing
//! that is acknowledged is lost, and nothing takes effect twice.

use std::collections::BTreeMap;

use obhut_facts::Category;
use serde::{Deserialize, Serialize};

use crate::decisions::{self, AsSeen, DecisionRequest};
use crate::pending_decisions::{self as rows, PendingDecision, PendingState};
use crate::{
    ApiKey, Casework, CaseworkError, Person, Result, Ruling, alarms, api_keys, audit, ids, people,
    same_bytes, sealed,
};

/// How long a decision can be taken back, in microseconds: half a minute. Our judgement: a slip is
/// noticed in the seconds after the key, and the platform waits no longer for it.
pub const UNDO_MICROS: i64 = 30 * 1_000_000;
/// How long a worker has for one decision before another tries it. Our judgement: one takes
/// milliseconds, five hundred copies some seconds.
const APPLY_MICROS: i64 = 120 * 1_000_000;
/// Most decisions in one turn. Our judgement.
const DUE_MAX: i64 = 100;

/// Acts of the audit, each with the decision's id.
const MADE: &str = "case.decide-later";
const TAKEN_BACK: &str = "case.undo";

/// A decision as a person made it on a page.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PageDecision {
    /// The case. Also inside, so that a row can't be moved to another one.
    pub case: String,
    /// Id of the person.
    pub person: String,
    /// Id of the key that the person had signed in with.
    key: String,
    /// Its own id, so that a copy can't be put back later.
    #[serde(default)]
    id: String,
    /// The ruling's word.
    ruling: String,
    /// Its grounds.
    pub grounds: String,
    category: Option<Category>,
    /// Categories of single files.
    pub file_categories: BTreeMap<String, Category>,
    files: Option<usize>,
    latest: Option<String>,
    /// Whether it is carried over to other cases with the same bytes.
    pub same_bytes: bool,
}

impl PageDecision {
    /// A decision about a case as a person saw it who is signed in with a key.
    pub fn new(
        case: &str,
        by: (&Person, &ApiKey),
        request: &DecisionRequest,
        file_categories: BTreeMap<String, Category>,
        seen: AsSeen,
        same_bytes: bool,
    ) -> Self {
        Self {
            case: case.to_owned(),
            person: by.0.id.clone(),
            key: by.1.id.clone(),
            id: String::new(),
            ruling: request.ruling.word().to_owned(),
            grounds: request.grounds.trim().to_owned(),
            category: request.category.clone(),
            file_categories,
            files: seen.files,
            latest: seen.latest,
            same_bytes,
        }
    }

    /// What was decided.
    ///
    /// # Errors
    /// A ruling of a newer version.
    pub fn ruling(&self) -> Result<Ruling> {
        Ruling::from_word(&self.ruling).ok_or_else(|| CaseworkError::unreadable("a ruling"))
    }

    fn request(&self) -> Result<DecisionRequest> {
        Ok(DecisionRequest {
            ruling: self.ruling()?,
            grounds: self.grounds.clone(),
            category: self.category.clone(),
        })
    }

    fn seen(&self) -> AsSeen {
        AsSeen {
            files: self.files,
            latest: self.latest.clone(),
        }
    }
}

/// What was decided on a page and has not taken effect.
///
/// # Errors
/// The row was changed by something else.
pub fn open_pending(casework: &Casework, row: &PendingDecision) -> Result<PageDecision> {
    let text = sealed::open_text(casework, &row.sealed)?;
    let made: PageDecision =
        serde_json::from_str(&text).map_err(|_| CaseworkError::unreadable("a pending decision"))?;
    match made.case == row.case && made.person == row.person && made.id == row.id {
        true => Ok(made),
        false => Err(CaseworkError::unreadable("a pending decision")),
    }
}

/// Puts a decision on record that takes effect in half a minute. The same one again changes nothing.
///
/// # Errors
/// Those of [`crate::decide_seen`] and, for one that is carried over, of
/// [`crate::decide_with_same_bytes`]. A conflict while another decision about the case is about to
/// take effect.
pub async fn decide_later(
    casework: &Casework,
    made: &PageDecision,
    person: &Person,
) -> Result<PendingDecision> {
    if let Some(known) = rows::pending_decision(casework, &made.case).await? {
        return as_known(casework, made, known);
    }
    if made.same_bytes {
        same_bytes::require_seen(casework, &made.case, person).await?;
    }
    // So that a mistake is said while the person looks at it, not half a minute later.
    decisions::would_decide(
        casework,
        &made.case,
        person,
        &made.request()?,
        made.file_categories.clone(),
        made.seen(),
    )
    .await?;
    let id = ids::new("pending");
    let own = PageDecision {
        id: id.clone(),
        ..made.clone()
    };
    let text = serde_json::to_string(&own).expect("a decision is JSON");
    let row = PendingDecision {
        id,
        case: made.case.clone(),
        person: person.id.clone(),
        due_at: casework.now() + UNDO_MICROS,
        state: PendingState::Waiting,
        why: String::new(),
        sealed: sealed::seal_text(casework, &text),
    };
    let mut tx = casework.db.begin().await?;
    if !rows::insert(&mut tx, &row).await? {
        drop(tx);
        // A double click whose two requests came together.
        let known = rows::pending_decision(casework, &made.case).await?;
        return known.map_or_else(
            || Err(busy(&made.case)),
            |known| as_known(casework, made, known),
        );
    }
    let now = casework.now();
    audit::write(&mut tx, now, &person.id, MADE, &row.case, &row.id).await?;
    tx.commit().await?;
    Ok(row)
}

/// The decision that is on record, if it is this one.
fn as_known(
    casework: &Casework,
    made: &PageDecision,
    known: PendingDecision,
) -> Result<PendingDecision> {
    let same = open_pending(casework, &known).is_ok_and(|other| {
        let other = PageDecision {
            id: made.id.clone(),
            ..other
        };
        other == *made
    });
    match same {
        true => Ok(known),
        false => Err(busy(&made.case)),
    }
}

fn busy(case: &str) -> CaseworkError {
    CaseworkError::conflict(format!(
        "a decision about case {case} is about to take effect; undo it first if it is yours, or open the case again in half a minute"
    ))
}

/// Takes a person's decision back before it takes effect, or puts one away that couldn't; returns
/// the id of its case.
///
/// # Errors
/// Not found if it isn't theirs; a conflict if it has taken effect.
pub async fn take_back(casework: &Casework, id: &str, person: &Person) -> Result<String> {
    let all = rows::pending_decisions(casework, &person.id).await?;
    let row = all.into_iter().find(|row| row.id == id).ok_or_else(|| {
        CaseworkError::conflict(
            "this decision has taken effect; decide the case again if it was wrong",
        )
    })?;
    let mut tx = casework.db.begin().await?;
    let states = [PendingState::Waiting, PendingState::Refused];
    if !rows::delete(&mut tx, id, &states).await? {
        return Err(CaseworkError::conflict(
            "this decision is taking effect now; decide the case again if it was wrong",
        ));
    }
    let now = casework.now();
    audit::write(&mut tx, now, &person.id, TAKEN_BACK, &row.case, id).await?;
    tx.commit().await?;
    Ok(row.case)
}

/// Lets the decisions take effect whose time has come; returns how many did.
///
/// # Errors
/// The database failed; what was not done is done in the next turn.
pub async fn apply_due_decisions(casework: &Casework) -> Result<usize> {
    let mut done = 0;
    for row in rows::due(casework, DUE_MAX).await? {
        let mut tx = casework.db.begin().await?;
        let until = casework.now() + APPLY_MICROS;
        let mine = rows::step(&mut tx, &row, PendingState::Applying, until, "").await?;
        tx.commit().await?;
        // Taken back, or another server's.
        if !mine {
            continue;
        }
        let row = PendingDecision {
            state: PendingState::Applying,
            due_at: until,
            ..row
        };
        match applied(casework, &row).await {
            Ok(()) => {
                let mut tx = casework.db.begin().await?;
                rows::delete(&mut tx, &row.id, &[PendingState::Applying]).await?;
                tx.commit().await?;
                done += 1;
            }
            Err(e) if e.is_outage() => return Err(e),
            Err(why) => refused(casework, &row, &why).await?,
        }
    }
    Ok(done)
}

async fn applied(casework: &Casework, row: &PendingDecision) -> Result<()> {
    let made = open_pending(casework, row)?;
    // As they are now: a role may have been withdrawn meanwhile.
    let person = people::people(casework).await?;
    let person = person.into_iter().find(|p| p.id == row.person);
    let person = person.filter(|p| !p.removed).ok_or_else(|| {
        CaseworkError::denied("the person who decided this is no longer on record")
    })?;
    // So may the key: what a stolen key decided last doesn't count once it is revoked.
    let keys = api_keys::keys(casework).await?;
    let key = keys.iter().find(|key| key.id == made.key);
    if key.is_none_or(|key| key.revoked_at.is_some()) {
        return Err(CaseworkError::denied(
            "the key with which this was decided has been revoked",
        ));
    }
    require_made(casework, row).await?;
    let request = made.request()?;
    let files = made.file_categories.clone();
    if made.same_bytes {
        // What is on record already is only carried over.
        same_bytes::decide_with_same_bytes(
            casework,
            &made.case,
            &person,
            &request,
            files,
            made.seen(),
        )
        .await?;
        return Ok(());
    }
    // Not the same as what they saw: the latest decision may be this very one.
    let latest = decisions::decisions(casework, &made.case).await?.pop();
    // A server that stopped between recording and deleting.
    let is_recorded = latest.is_some_and(|d| {
        made.latest.as_deref() != Some(d.id()) && d.is_as_asked(&person, &request, &files)
    });
    if !is_recorded {
        decisions::decide_seen(casework, &made.case, &person, &request, files, made.seen()).await?;
    }
    Ok(())
}

/// # Errors
/// A conflict if no one made this decision, or its person took it back: the row was put there by
/// something else.
async fn require_made(casework: &Casework, row: &PendingDecision) -> Result<()> {
    let of_case = audit::audit(casework, Some(&row.case)).await?;
    let has = |act: &str| of_case.iter().any(|a| a.act == act && a.detail == row.id);
    match has(MADE) && !has(TAKEN_BACK) {
        true => Ok(()),
        false => Err(CaseworkError::conflict(
            "it was taken back, and something else than obhut put it back",
        )),
    }
}

async fn refused(casework: &Casework, row: &PendingDecision, why: &CaseworkError) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    let now = casework.now();
    let why = why.to_string();
    rows::step(&mut tx, row, PendingState::Refused, now, &why).await?;
    let text = format!(
        "a decision about case {} didn't take effect: {why}",
        row.case
    );
    alarms::raise(&mut tx, now, "decision", &row.case, &text).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
