//! How many files a person looks at in a day, and a cap on it that only another person can lift.
//!
//! A look is a view of a whole exhibit or of a part of it, in the browser or elsewhere; blurred
//! renditions and metadata don't count. A day is a day in UTC. Without a cap, looks are only counted.

use serde::Serialize;

use crate::authorize::{Action, Actor, State, authorize};
use crate::by_day::DAY_MICROS;
use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Person, Result, audit, ids};

/// Name of the only cap so far.
const EVERYONE: &str = "everyone";
/// The highest cap, and the most looks that can be added at a time. Our judgement: more in a day
/// would be one every thirty seconds for eight hours.
const LOOKS_MAX: i64 = 1_000;
/// Longest reason for lifting a cap, in characters. Our judgement.
const REASON_CHARS_MAX: usize = 500;

/// What a person has looked at today.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Exposure {
    /// Looks at exhibits, whole or in part.
    pub looks: i64,
    /// Looks allowed a day; `None` without a cap.
    pub cap: Option<i64>,
    /// Looks that others allowed beyond the cap, today.
    pub more: i64,
}

impl Exposure {
    /// Looks left today; `None` without a cap.
    pub fn left(&self) -> Option<i64> {
        self.cap.map(|cap| (cap + self.more - self.looks).max(0))
    }

    /// Fails if no look is left.
    pub(crate) fn require_a_look(&self, person: &Person) -> Result<()> {
        if self.left() != Some(0) {
            return Ok(());
        }
        Err(CaseworkError::conflict(format!(
            "{} has looked at files {} times today, and no more looks are allowed; take a break. If a child can't wait, another person can look, or allow more for today",
            person.name, self.looks
        )))
    }
}

/// The first moment of the day of a time, microseconds since 1970.
pub(crate) fn begin_of_day(now: i64) -> i64 {
    now.div_euclid(DAY_MICROS) * DAY_MICROS
}

/// What a person may look at on the day of `now`, with the number of looks they had.
pub(crate) async fn with_looks(
    tx: &mut Tx,
    now: i64,
    person: &str,
    looks: i64,
) -> Result<Exposure> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(more), 0) AS BIGINT) FROM exposure_lifts WHERE person = $1 AND day = $2",
    )
    .bind(person)
    .bind(now.div_euclid(DAY_MICROS))
    .fetch_one(&mut **tx)
    .await?;
    Ok(Exposure {
        looks,
        cap: cap(tx).await?,
        more: Columns::of(&row).int()?,
    })
}

/// Looks at exhibits that a person may have a day; `None` without a cap.
async fn cap(tx: &mut Tx) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT looks FROM exposure_cap WHERE cap = $1")
        .bind(EVERYONE)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| Columns::of(&row).int()).transpose()
}

/// Sets the number of looks allowed a day, for everyone; `None` takes the cap away.
///
/// # Errors
/// Denied without a role that permits it; invalid unless 1 to 1,000.
pub async fn set_exposure_cap(
    casework: &Casework,
    cap: Option<i64>,
    person: &Person,
) -> Result<()> {
    authorize(&Actor::Shell(person), Action::SetExposureCap, State::Any)?;
    require_number("cap", cap.unwrap_or(1))?;
    let mut tx = casework.db.begin().await?;
    let detail = match cap {
        Some(cap) => {
            sqlx::query(
                "INSERT INTO exposure_cap (cap, looks) VALUES ($1, $2) ON CONFLICT (cap) DO UPDATE SET looks = excluded.looks",
            )
            .bind(EVERYONE)
            .bind(cap)
            .execute(&mut *tx)
            .await?;
            format!("{cap} looks a day")
        }
        None => {
            sqlx::query("DELETE FROM exposure_cap WHERE cap = $1")
                .bind(EVERYONE)
                .execute(&mut *tx)
                .await?;
            "no cap".to_owned()
        }
    };
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "exposure.cap",
        EVERYONE,
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

fn require_number(field: &'static str, looks: i64) -> Result<()> {
    match (1..=LOOKS_MAX).contains(&looks) {
        true => Ok(()),
        false => Err(CaseworkError::invalid(field, "1 to 1,000 looks")),
    }
}

/// Allows a person, who had `looks` looks today, more for the rest of the day. The reason is on
/// record.
///
/// # Errors
/// Denied without a role that permits it, and for one's own cap; a conflict without a cap; invalid
/// unless 1 to 1,000 looks, or without a reason.
pub(crate) async fn lift(
    casework: &Casework,
    whose: &Person,
    looks: i64,
    more: i64,
    because: &str,
    by: &Person,
) -> Result<()> {
    authorize(&Actor::Shell(by), Action::LiftExposureCap, State::Any)?;
    if by.id == whose.id {
        return Err(CaseworkError::denied(
            "another person has to allow you more looks",
        ));
    }
    require_number("more", more)?;
    if is_blank(because) || because.chars().count() > REASON_CHARS_MAX {
        return Err(CaseworkError::invalid(
            "because",
            "say why, in up to 500 characters",
        ));
    }
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    let today = with_looks(&mut tx, now, &whose.id, looks).await?;
    let Some(cap) = today.cap else {
        return Err(CaseworkError::conflict("there is no cap to lift"));
    };
    // So many from now on, whatever was looked at before the cap was set or lowered.
    let beyond = (today.looks - cap - today.more).max(0);
    sqlx::query(
        "INSERT INTO exposure_lifts (id, person, day, more, lifted_by, lifted_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(ids::new("lift"))
    .bind(&whose.id)
    .bind(now.div_euclid(DAY_MICROS))
    .bind(more + beyond)
    .bind(&by.id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let detail = format!("{more} more looks: {because}");
    audit::write(&mut tx, now, &by.id, "exposure.lift", &whose.id, &detail).await?;
    tx.commit().await?;
    Ok(())
}
