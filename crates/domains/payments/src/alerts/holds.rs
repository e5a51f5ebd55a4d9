//! Holds: transfers that wait until a set time, and who confirmed or released them.

use obhut_casework::for_domains::{Columns, Inside as _, audit, ids};
use obhut_casework::{
    Casework, CaseworkError, Person, Result, Role as PersonRole, Sealed, rfc3339,
};
use obhut_facts::words;
use serde::Serialize;

/// Longest hold that one decision may set, in days from the decision. A longer hold needs an
/// authority's order, which obhut doesn't handle. Our judgement.
const HOLD_DAYS_MAX: i64 = 30;

words! {
    /// The status of a hold.
    HoldState {
        /// Held until its time is over; no person has confirmed it.
        Held = "held",
        /// A person confirmed it and set when it ends.
        Confirmed = "confirmed",
        /// Released by a person, or because its case was cleared.
        Released = "released",
        /// Its time is over, whether or not a person had confirmed it.
        Ended = "ended",
    }
}

/// A hold on record.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Hold {
    /// Id of the hold: `hold-…`.
    pub id: String,
    /// Id of its case.
    pub case: String,
    /// Its status now.
    pub state: HoldState,
    /// When it ends, microseconds since 1970; RFC 3339 in JSON.
    #[serde(serialize_with = "obhut_casework::time")]
    pub until: i64,
    /// Id of the transfer; empty after its case was cleared.
    #[serde(skip)]
    pub transfer_id: Sealed<String>,
}

/// Puts a hold on record that ends at `until`, microseconds since 1970. The same transfer twice is
/// one hold: the first.
pub async fn record_hold(casework: &Casework, tx_id: &str, case: &str, until: i64) -> Result<()> {
    // The digest remains after the id is erased, so the transfer is not held again.
    let key = casework.keyed_digest("payment transfer", tx_id.as_bytes());
    let mut tx = casework.begin().await?;
    let done = sqlx::query(
        "INSERT INTO payment_holds (id, tx_key, tx_sealed, case_id, state, until_at, made_at, changed_at)
         VALUES ($1, $2, $3, $4, 'held', $5, $6, $6) ON CONFLICT (tx_key) DO NOTHING",
    )
    .bind(ids::new("hold"))
    .bind(&key)
    .bind(casework.seal_text(tx_id))
    .bind(case)
    .bind(until)
    .bind(casework.now_micros())
    .execute(&mut *tx)
    .await?;
    // Only the first: a repeat neither extends the hold nor adds to the audit trail.
    if done.rows_affected() == 1 {
        audit::write(
            &mut tx,
            casework.now_micros(),
            "payments",
            "hold.begin",
            case,
            &rfc3339(until),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The 1,000 newest holds (our judgement), newest first. A hold whose time is over is returned as `Ended`, unless it was
/// released.
pub async fn holds(casework: &Casework) -> Result<Vec<Hold>> {
    let rows = sqlx::query(
        "SELECT id, case_id, state, until_at, tx_sealed FROM payment_holds ORDER BY made_at DESC, id LIMIT 1000",
    )
    .fetch_all(casework.pool())
    .await?;
    rows.iter()
        .map(|row| hold_of(casework, &mut Columns::of(row)))
        .collect()
}

fn hold_of(casework: &Casework, c: &mut Columns<'_>) -> Result<Hold> {
    let (id, case, state, until, sealed) = (c.text()?, c.text()?, c.text()?, c.int()?, c.text()?);
    let state = HoldState::from_word(&state).ok_or_else(|| CaseworkError::unreadable("a hold"))?;
    // No job ends a hold: expiry is computed when one is read.
    let over =
        casework.now_micros() >= until && matches!(state, HoldState::Held | HoldState::Confirmed);
    Ok(Hold {
        id,
        case,
        state: if over { HoldState::Ended } else { state },
        until,
        // Empty: the case was cleared and the id erased.
        transfer_id: Sealed::new(if sealed.is_empty() {
            String::new()
        } else {
            casework.open_text(&sealed)?
        }),
    })
}

/// Confirms a hold until `until` (microseconds since 1970) or, if `None`, releases it.
///
/// # Errors
/// Refused without the reviewer role or a reason, for a time not in the next 30 days, for an
/// unknown hold, and for one that has ended, was released or is decided by someone else meanwhile.
pub async fn decide_hold(
    casework: &Casework,
    id: &str,
    person: &Person,
    until: Option<i64>,
    why: &str,
) -> Result<Hold> {
    person.require(PersonRole::Reviewer)?;
    if why.trim().is_empty() {
        return Err(CaseworkError::invalid("why", "say why"));
    }
    let now = casework.now_micros();
    if let Some(until) = until
        && (until <= now || until > now + HOLD_DAYS_MAX * 86_400_000_000)
    {
        return Err(CaseworkError::invalid(
            "until",
            format!("a hold ends at a time within the next {HOLD_DAYS_MAX} days"),
        ));
    }
    let mut tx = casework.begin().await?;
    let row = sqlx::query(
        "SELECT id, case_id, state, until_at, tx_sealed FROM payment_holds WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| CaseworkError::NotFound {
        what: "hold",
        id: id.to_owned(),
    })?;
    let hold = hold_of(casework, &mut Columns::of(&row))?;
    if matches!(hold.state, HoldState::Ended | HoldState::Released) {
        return Err(CaseworkError::conflict(format!(
            "hold {id} is already {}; the payment may have been executed",
            hold.state
        )));
    }
    let state = if until.is_some() {
        HoldState::Confirmed
    } else {
        HoldState::Released
    };
    let until = until.unwrap_or(now);
    // Two people may decide at the same time, and a released payment can't be held again.
    let done = sqlx::query("UPDATE payment_holds SET state = $1, until_at = $2, person = $3, changed_at = $4 WHERE id = $5 AND state = $6")
        .bind(state.word())
        .bind(until)
        .bind(&person.id)
        .bind(now)
        .bind(id)
        .bind(hold.state.word())
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "hold {id} was decided meanwhile; look at it again"
        )));
    }
    let detail = format!("{state}; ends {}: {why}", rfc3339(until));
    audit::write(&mut tx, now, &person.id, "hold.decide", id, &detail).await?;
    tx.commit().await?;
    Ok(Hold {
        state,
        until,
        ..hold
    })
}
