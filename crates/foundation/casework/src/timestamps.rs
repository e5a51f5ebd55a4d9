//! Time stamps of the log's head by an authority (RFC 3161): it existed then, says one who has no part
//! in it.

use crate::clock::rfc3339;
use crate::database::Columns;
use crate::settings::{self, TimeAuthority};
use crate::{Casework, CaseworkError, Person, Result, Role, alarms, ids};

/// A stamp of a head of the vault's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timestamp {
    /// Its id.
    pub id: String,
    /// Entries of the log then.
    pub size: u64,
    /// The time in the stamp, microseconds since 1970.
    pub stamped_at: i64,
    /// The authority's address.
    pub authority: String,
    /// What was stamped: the signed checkpoint, byte for byte.
    pub checkpoint: String,
    /// The stamp, DER (RFC 3161, `TimeStampResp`), as base64.
    pub token: String,
}

/// Says who stamps the log's head. The address and the certificates were checked.
///
/// # Errors
/// Denied without the role administrator.
pub async fn set_time_authority(
    casework: &Casework,
    authority: &TimeAuthority,
    person: &Person,
) -> Result<()> {
    person.require(Role::Administrator)?;
    settings::set_time_authority(casework, authority, &person.id).await
}

/// Who stamps the log's head; `None` until it is set.
pub async fn time_authority(casework: &Casework) -> Result<Option<TimeAuthority>> {
    settings::time_authority(casework).await
}

/// How long there may be no stamp before there is an alarm, in microseconds: three days. Our
/// judgement: an authority's weekend.
const UNSTAMPED_MICROS_MAX: i64 = 3 * 86_400 * 1_000_000;
/// The alarm about stamps.
const ALARM: &str = "timestamp";

/// Ends the alarm about missing stamps.
pub async fn stamped(casework: &Casework) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    alarms::end(&mut tx, casework.now(), ALARM, "vault", "obhut").await?;
    tx.commit().await?;
    Ok(())
}

/// Raises an alarm if the log wasn't stamped for three days; `newest` is the time of the last stamp,
/// in microseconds since 1970.
pub async fn stamping_failed(
    casework: &Casework,
    newest: Option<i64>,
    why: &CaseworkError,
) -> Result<()> {
    let now = casework.now();
    let since = match newest {
        Some(newest) => newest,
        None => settings::time_authority_since(casework)
            .await?
            .unwrap_or(now),
    };
    if now - since < UNSTAMPED_MICROS_MAX {
        return Ok(());
    }
    let text = format!(
        "The vault's log wasn't stamped since {}: {why}",
        rfc3339(since)
    );
    alarms::raise_alarm(casework, ALARM, "vault", &text).await
}

/// Keeps a stamp; its id is new.
pub async fn keep_timestamp(casework: &Casework, new: &Timestamp) -> Result<String> {
    let id = ids::new("timestamp");
    let mut tx = casework.db.begin().await?;
    sqlx::query("INSERT INTO timestamps (id, size, stamped_at, authority, checkpoint, token) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(i64::try_from(new.size).unwrap_or(i64::MAX))
        .bind(new.stamped_at)
        .bind(&new.authority)
        .bind(&new.checkpoint)
        .bind(&new.token)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(id)
}

/// The time in the newest stamp on record, microseconds since 1970.
pub async fn last_stamped(casework: &Casework) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT MAX(stamped_at) FROM timestamps")
        .fetch_one(casework.db.pool())
        .await?;
    Columns::of(&row).maybe_int()
}

/// The stamps on record, oldest first.
pub async fn timestamps(casework: &Casework) -> Result<Vec<Timestamp>> {
    let rows = sqlx::query(
        "SELECT id, size, stamped_at, authority, checkpoint, token FROM timestamps ORDER BY size, stamped_at, id",
    )
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Timestamp {
                id: c.text()?,
                size: u64::try_from(c.int()?).unwrap_or_default(),
                stamped_at: c.int()?,
                authority: c.text()?,
                checkpoint: c.text()?,
                token: c.text()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::TimeAuthority;
    use crate::{bench, people};

    #[tokio::test]
    async fn three_days_without_a_stamp_are_an_alarm_until_there_is_one() {
        let began = 1_790_000_000_000_000;
        let (_folder, c, clock) = bench::opened_at(began).await;
        let person = people::add_person(&c, "Ida", &[Role::Administrator], "test").await;
        let authority = TimeAuthority {
            url: "http://127.0.0.1:9/".into(),
            certificates: "…".into(),
        };
        set_time_authority(&c, &authority, &person.unwrap())
            .await
            .unwrap();
        let why = CaseworkError::Unavailable {
            why: "no answer in time".into(),
        };
        let alarms = async || alarms::alarms(&c).await.unwrap().len();
        for (after, raised) in [
            (0, 0),
            (UNSTAMPED_MICROS_MAX - 1, 0),
            (UNSTAMPED_MICROS_MAX, 1),
        ] {
            clock.set(began + after);
            let last = last_stamped(&c).await.unwrap();
            assert_eq!(last, None);
            stamping_failed(&c, last, &why).await.unwrap();
            assert_eq!(alarms().await, raised, "after {after}");
        }
        let stamp = Timestamp {
            id: String::new(),
            size: 7,
            stamped_at: began + UNSTAMPED_MICROS_MAX,
            authority: authority.url,
            checkpoint: "checkpoint".into(),
            token: "AAAA".into(),
        };
        keep_timestamp(&c, &stamp).await.unwrap();
        stamped(&c).await.unwrap();
        let last = last_stamped(&c).await.unwrap();
        assert_eq!((last, alarms().await), (Some(stamp.stamped_at), 0));
        assert_eq!(timestamps(&c).await.unwrap()[0].size, 7);
    }
}
