//! Destruction of exhibits: when their retention has ended, or when two people want it.
//!
//! An exhibit whose retention has ended is first pending, so that people can still keep it. It is
//! destroyed after that only if time has passed for certain: by the clock and by what obhut was
//! observed to run ([`crate::running_time`]), or because two people vouch for the date. The vault's
//! log proves what was destroyed and when; the reason is in the sealed record of that entry.
//!
//! Invariant: nothing that is held, that the law keeps, or that work waits for is destroyed.
//! Invariant: nothing is destroyed while the database doesn't agree with the vault's log: rows that
//! something else has written must not speak for people.

use serde::Serialize;

use crate::by_day::DAY_MICROS;
use crate::children::is_blank;
use crate::database::{Columns, Tx};
use crate::retention::{Known, Retention};
use crate::retention_rules::NEVER_FILED;
use crate::{
    Casework, CaseworkError, Person, Result, Role, alarms, audit, erasures, ids, people, row_log,
    running_time, sealed, verification, views,
};

/// How long an exhibit is pending before it is destroyed, in microseconds: seven days. Our
/// judgement: long enough for an alarm to be seen after a weekend or an illness.
pub const PENDING_MICROS: i64 = 7 * DAY_MICROS;

/// People whose word replaces what obhut was observed to run. Our judgement.
const PEOPLE_MIN: usize = 2;

/// Exhibits read in one transaction. Our judgement.
const EXHIBITS_AT_ONCE: i64 = 500;

/// The destruction of an exhibit, planned or done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Destruction {
    /// Id.
    pub id: String,
    /// The exhibit.
    pub exhibit: String,
    /// Why.
    pub because: String,
    /// Id of the person who asked for it; `None` if its retention has ended.
    pub asked_by: Option<String>,
    /// Ids of the people who have confirmed it.
    pub confirmed_by: Vec<String>,
    /// Earliest time of the destruction, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub not_before: i64,
    /// What it waits for; `None` once it is done or cancelled.
    pub waits_for: Option<String>,
    /// When it was done.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub done_at: Option<i64>,
    /// Index of the entry in the vault's log that proves it.
    pub log_index: Option<i64>,
    /// When it was cancelled.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub cancelled_at: Option<i64>,
    /// Why it was cancelled.
    pub cancelled_because: Option<String>,
}

/// A row of the table, with who has confirmed it and when.
struct Stored {
    destruction: Destruction,
    /// What obhut was observed to run when it became pending, in microseconds.
    running_at: i64,
    confirmed: Vec<Word>,
}

/// A person's word for a destruction or an erasure.
struct Word {
    person: String,
    /// When, microseconds since 1970.
    given_at: i64,
    /// True if the person vouches for the date.
    vouches: bool,
}

const COLUMNS: &str = "id, exhibit, because, asked_by, pending_at, running_at, done_at, log_index, cancelled_at, cancelled_because";

async fn read(casework: &Casework, tx: &mut Tx, row: &sqlx::any::AnyRow) -> Result<Stored> {
    let mut c = Columns::of(row);
    let id = c.text()?;
    let (exhibit, because, asked_by) = (c.text()?, c.text()?, c.text()?);
    let (pending_at, running_at) = (c.int()?, c.int()?);
    let confirmed = words(casework, tx, &id).await?;
    Ok(Stored {
        destruction: Destruction {
            id,
            exhibit,
            because: sealed::open_words(casework, &because)?,
            asked_by: Some(asked_by).filter(|a| !a.is_empty()),
            confirmed_by: confirmed.iter().map(|word| word.person.clone()).collect(),
            not_before: pending_at + PENDING_MICROS,
            waits_for: None,
            done_at: c.maybe_int()?,
            log_index: c.maybe_int()?,
            cancelled_at: c.maybe_int()?,
            cancelled_because: c.maybe_text()?,
        },
        running_at,
        confirmed,
    })
}

/// The words given for a destruction or an erasure, of people who may still give them.
async fn words(casework: &Casework, tx: &mut Tx, id: &str) -> Result<Vec<Word>> {
    let rows = sqlx::query(
        "SELECT person, given_at, vouches FROM destruction_confirmations WHERE destruction = $1 ORDER BY given_at, person",
    )
    .bind(id)
    .fetch_all(&mut **tx)
    .await?;
    let mut words = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut c = Columns::of(row);
        let word = Word {
            person: c.text()?,
            given_at: c.int()?,
            vouches: c.int()? != 0,
        };
        if may_speak(casework, &word.person).await? {
            words.push(word);
        }
    }
    Ok(words)
}

/// False for someone who has left or lost the role since.
async fn may_speak(casework: &Casework, person: &str) -> Result<bool> {
    let person = people::person(casework, person).await?;
    Ok(!person.removed && person.roles.contains(&Role::ReportingOfficer))
}

async fn confirm(tx: &mut Tx, now: i64, id: &str, person: &Person, vouches: bool) -> Result<()> {
    sqlx::query(
        "INSERT INTO destruction_confirmations (destruction, person, given_at, vouches) VALUES ($1, $2, $3, $4)
         ON CONFLICT (destruction, person) DO UPDATE SET given_at = $3, vouches = $4",
    )
    .bind(id)
    .bind(&person.id)
    .bind(now)
    .bind(i64::from(vouches))
    .execute(&mut **tx)
    .await?;
    let act = match vouches {
        true => "destruction.vouch",
        false => "destruction.confirm",
    };
    audit::write(tx, now, &person.id, act, id, "").await
}

/// True if two people vouch that this time, microseconds since 1970, has passed.
pub(crate) async fn is_vouched_for(
    casework: &Casework,
    tx: &mut Tx,
    id: &str,
    from: i64,
) -> Result<bool> {
    let words = words(casework, tx, id).await?;
    Ok(vouched(&words, from, casework.now()))
}

fn vouched(words: &[Word], from: i64, now: i64) -> bool {
    let valid = words
        .iter()
        .filter(|w| w.vouches && (from..=now).contains(&w.given_at));
    valid.count() >= PEOPLE_MIN
}

async fn pending_of(casework: &Casework, tx: &mut Tx, exhibit: &str) -> Result<Option<Stored>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM destructions WHERE exhibit = $1 AND done_at IS NULL AND cancelled_at IS NULL"
    ));
    let row = sqlx::query(sql)
        .bind(exhibit)
        .fetch_optional(&mut **tx)
        .await?;
    match row {
        Some(row) => Ok(Some(read(casework, tx, &row).await?)),
        None => Ok(None),
    }
}

async fn all_pending(casework: &Casework, tx: &mut Tx) -> Result<Vec<Stored>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM destructions WHERE done_at IS NULL AND cancelled_at IS NULL ORDER BY pending_at, id"
    ));
    let rows = sqlx::query(sql).fetch_all(&mut **tx).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        all.push(read(casework, tx, row).await?);
    }
    Ok(all)
}

/// Destructions that wait; with `all`, also those that were done or cancelled. Oldest first.
pub async fn destructions(casework: &Casework, all: bool) -> Result<Vec<Destruction>> {
    let now = casework.now();
    let mut tx = casework.db.snapshot().await?;
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM destructions WHERE ($1 = 1 OR (done_at IS NULL AND cancelled_at IS NULL)) ORDER BY pending_at, id"
    ));
    let rows = sqlx::query(sql)
        .bind(i64::from(all))
        .fetch_all(&mut *tx)
        .await?;
    let mut known = Known::rules(&mut tx).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut stored = read(casework, &mut tx, row).await?;
        if stored.destruction.done_at.is_none() && stored.destruction.cancelled_at.is_none() {
            let retention = known
                .of_exhibit(&mut tx, &stored.destruction.exhibit)
                .await?;
            stored.destruction.waits_for = match cancels(now, &stored, retention.as_ref()) {
                Some(because) => Some(because),
                None => waits(casework, &mut tx, now, &stored, retention.as_ref()).await?,
            };
        }
        found.push(stored.destruction);
    }
    Ok(found)
}

/// Why a pending destruction is called off; `None` if it isn't.
fn cancels(now: i64, stored: &Stored, retention: Option<&Retention>) -> Option<String> {
    let Some(retention) = retention else {
        return Some("the person of its case was cleared, which erases it".into());
    };
    if let Some(keeping) = retention.binding(now) {
        return Some(format!("it is kept: {}", keeping.because));
    }
    let ended = retention.ends_at.is_some_and(|ends| ends <= now);
    // A person may want it destroyed before the operator's own rule ends.
    (stored.destruction.asked_by.is_none() && !ended)
        .then(|| "its retention hasn't ended".to_owned())
}

/// What a pending destruction waits for; `None` if it is due.
async fn waits(
    casework: &Casework,
    tx: &mut Tx,
    now: i64,
    stored: &Stored,
    retention: Option<&Retention>,
) -> Result<Option<String>> {
    let from = stored.destruction.not_before;
    if now < from {
        return Ok(Some(format!(
            "it is pending until {}",
            crate::rfc3339(from)
        )));
    }
    if let Some(asked_by) = &stored.destruction.asked_by {
        let mut people: Vec<&String> = stored.confirmed.iter().map(|w| &w.person).collect();
        if may_speak(casework, asked_by).await? && !people.contains(&asked_by) {
            people.push(asked_by);
        }
        if people.len() < PEOPLE_MIN {
            return Ok(Some("a second person has to confirm it".into()));
        }
    }
    if vouched(&stored.confirmed, from, now) {
        return Ok(None);
    }
    let ran = running_time::total(tx).await? - stored.running_at;
    if ran < PENDING_MICROS {
        return Ok(Some(running_time::unsure(ran, PENDING_MICROS)));
    }
    for keeping in retention.iter().flat_map(|r| &r.keepings) {
        let Some(until) = keeping.until.filter(|until| *until <= now) else {
            continue;
        };
        let ran = running_time::since(tx, &keeping.began, keeping.from).await?;
        if ran < until - keeping.from {
            return Ok(Some(running_time::unsure(ran, until - keeping.from)));
        }
    }
    Ok(None)
}

/// Looks at every exhibit: those whose retention has ended become pending, and what became pending
/// too early is called off. Alarms people about both, and about rules that are missing. Returns how
/// many exhibits are pending.
///
/// # Errors
/// The database failed.
// Long: a pass over the exhibits, and one over what is pending.
pub async fn find_ended(casework: &Casework) -> Result<usize> {
    let mut missing: Vec<(String, u64)> = Vec::new();
    let mut after = 0;
    loop {
        let mut tx = casework.db.snapshot().await?;
        let page = views::on_record_after(&mut tx, after, EXHIBITS_AT_ONCE).await?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.0;
        let mut known = Known::rules(&mut tx).await?;
        let mut ended = Vec::new();
        for (_, exhibit) in &page {
            let Some(retention) = known.of_exhibit(&mut tx, exhibit).await? else {
                continue;
            };
            for rule in &retention.missing_rules {
                match missing.iter_mut().find(|(known, _)| known == rule) {
                    Some((_, count)) => *count += 1,
                    None => missing.push((rule.clone(), 1)),
                }
            }
            if retention.ends_at.is_some_and(|ends| ends <= casework.now())
                && let Some(keeping) = retention.last()
            {
                ended.push((exhibit.clone(), keeping.because.clone()));
            }
        }
        drop(tx);
        for (exhibit, because) in ended {
            let because = format!("its retention has ended: {because}");
            begin(casework, &exhibit, &because, None).await?;
        }
    }
    let mut tx = casework.db.begin().await?;
    let now = casework.now();
    let mut known = Known::rules(&mut tx).await?;
    let mut pending = 0;
    for stored in all_pending(casework, &mut tx).await? {
        let retention = known
            .of_exhibit(&mut tx, &stored.destruction.exhibit)
            .await?;
        let because = cancels(now, &stored, retention.as_ref());
        // One that was cut off after its entry in the log is finished, whatever came since.
        let is_begun = is_erased(casework, &stored.destruction.exhibit).await?;
        match because.filter(|_| !is_begun) {
            Some(because) => cancel(&mut tx, now, &stored.destruction.id, &because).await?,
            None => pending += 1,
        }
    }
    match pending {
        0 => alarms::end(&mut tx, now, "destruction", "exhibits", "retention").await?,
        n => {
            let count = match n {
                1 => "1 exhibit".to_owned(),
                n => format!("{n} exhibits"),
            };
            let text = format!(
                "{count} will be destroyed seven days after the end of retention; hold or extend what has to be kept"
            );
            alarms::raise(&mut tx, now, "destruction", "exhibits", &text).await?;
        }
    }
    for (rule, count) in missing {
        let (subject, text) = match rule.as_str() {
            NEVER_FILED => (
                "never-filed",
                format!(
                    "no rule says how long exhibits are kept that were never filed ({count} so far); record one, with its basis"
                ),
            ),
            destination => (
                destination,
                format!(
                    "no rule says how long exhibits are kept that were filed with {destination} ({count} so far); record one, with its basis"
                ),
            ),
        };
        alarms::raise(&mut tx, now, "retention", subject, &text).await?;
    }
    tx.commit().await?;
    Ok(pending)
}

async fn cancel(tx: &mut Tx, now: i64, id: &str, because: &str) -> Result<()> {
    let cancelled = sqlx::query(
        "UPDATE destructions SET cancelled_at = $1, cancelled_because = $2 WHERE id = $3 AND done_at IS NULL AND cancelled_at IS NULL",
    )
    .bind(now)
    .bind(because)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    if cancelled.rows_affected() > 0 {
        audit::write(tx, now, "retention", "destruction.cancel", id, because).await?;
    }
    Ok(())
}

/// Makes an exhibit pending, unless it is. True if it wasn't.
async fn begin(
    casework: &Casework,
    exhibit: &str,
    because: &str,
    person: Option<&Person>,
) -> Result<bool> {
    let now = casework.now();
    let id = ids::new("destruction");
    let mut tx = casework.db.begin().await?;
    let running = running_time::total(&mut tx).await?;
    let begun = sqlx::query(
        "INSERT INTO destructions (id, exhibit, because, asked_by, pending_at, running_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (exhibit) WHERE done_at IS NULL AND cancelled_at IS NULL DO NOTHING",
    )
    .bind(&id)
    .bind(exhibit)
    .bind(sealed::seal_words(casework, because))
    .bind(person.map_or("", |p| &p.id))
    .bind(now)
    .bind(running)
    .execute(&mut *tx)
    .await?;
    if begun.rows_affected() == 0 {
        return Ok(false);
    }
    let actor = person.map_or("retention", |p| &p.id);
    audit::write(&mut tx, now, actor, "destruction.begin", &id, exhibit).await?;
    tx.commit().await?;
    Ok(true)
}

/// Asks for the destruction of an exhibit before its retention ends, or confirms one that another
/// person asked for, or that is pending because its retention has ended.
///
/// # Errors
/// Denied without the role reporting-officer; invalid without a reason; not found for an unknown
/// exhibit; a conflict for one that was erased, that the law, a hold or work keeps, and if the same
/// person has asked for it.
pub async fn request_destruction(
    casework: &Casework,
    exhibit: &str,
    because: &str,
    person: &Person,
) -> Result<Destruction> {
    person.require(Role::ReportingOfficer)?;
    if is_blank(because) {
        return Err(CaseworkError::invalid(
            "reason",
            "an exhibit is destroyed only with a reason",
        ));
    }
    casework.vault.exhibit(exhibit).await?;
    let now = casework.now();
    let mut tx = casework.db.snapshot().await?;
    let retention = Known::rules(&mut tx)
        .await?
        .of_exhibit(&mut tx, exhibit)
        .await?;
    let pending = pending_of(casework, &mut tx, exhibit).await?;
    drop(tx);
    let Some(retention) = retention else {
        return Err(CaseworkError::conflict(format!(
            "exhibit {exhibit} isn't destroyed this way: the person of its case was cleared, which erases it, or an older version took it in"
        )));
    };
    if let Some(keeping) = retention.binding(now) {
        let until = keeping.until.map_or_else(String::new, |until| {
            format!(" until {}", crate::rfc3339(until))
        });
        return Err(CaseworkError::conflict(format!(
            "exhibit {exhibit} is kept{until}: {}",
            keeping.because
        )));
    }
    match pending {
        None => {
            begin(casework, exhibit, because, Some(person)).await?;
        }
        Some(stored) => {
            if stored.destruction.asked_by.as_ref() == Some(&person.id) {
                return Err(CaseworkError::conflict(format!(
                    "{} has asked for it already; a second person has to confirm it",
                    person.name
                )));
            }
            let mut tx = casework.db.begin().await?;
            confirm(&mut tx, now, &stored.destruction.id, person, false).await?;
            tx.commit().await?;
        }
    }
    let waiting = destructions(casework, false).await?;
    let found = waiting.into_iter().find(|d| d.exhibit == exhibit);
    found.ok_or_else(|| {
        CaseworkError::conflict(format!("exhibit {exhibit} was destroyed meanwhile"))
    })
}

/// Vouches, for one person, for the date: every destruction and every erasure of a cleared person's
/// exhibit that the clock says is due then needs only a second person who does, and not what obhut
/// was observed to run. `today` is what the person takes for today's date (UTC, YYYY-MM-DD). Returns
/// the exhibits.
///
/// # Errors
/// Denied without the role reporting-officer; invalid if the clock has another date.
pub async fn vouch_for_date(
    casework: &Casework,
    today: &str,
    person: &Person,
) -> Result<Vec<String>> {
    person.require(Role::ReportingOfficer)?;
    let now = casework.now();
    let date = crate::rfc3339(now);
    if today.parse::<jiff::civil::Date>().is_err() {
        return Err(CaseworkError::invalid(
            "today",
            format!("\"{today}\" isn't a date; write today's as YYYY-MM-DD (UTC)"),
        ));
    }
    if date.split('T').next() != Some(today) {
        return Err(CaseworkError::invalid(
            "today",
            format!(
                "the clock says it is {date}; set the clock right, or give today's date as YYYY-MM-DD (UTC)"
            ),
        ));
    }
    let mut tx = casework.db.begin().await?;
    let pending = all_pending(casework, &mut tx).await?;
    let pending = pending.into_iter().map(|s| s.destruction);
    let mut due: Vec<(String, String)> = pending
        .filter(|d| d.not_before <= now)
        .map(|d| (d.id, d.exhibit))
        .collect();
    let erasures = erasures::due_within(&mut tx, now).await?.into_iter();
    due.extend(erasures.map(|[id, _, exhibit, _]| (id, exhibit)));
    for (id, _) in &due {
        confirm(&mut tx, now, id, person, true).await?;
    }
    tx.commit().await?;
    Ok(due.into_iter().map(|(_, exhibit)| exhibit).collect())
}

/// Destroys everything that is due, and returns how many exhibits that were. Resumes after an
/// interruption.
///
/// # Errors
/// The first exhibit's that fails; the others are destroyed all the same.
pub async fn destroy_due(casework: &Casework) -> Result<usize> {
    let pending = all_pending(casework, &mut casework.db.snapshot().await?).await?;
    let (mut count, mut failed) = (0, None);
    for stored in pending {
        match destroy(casework, &stored.destruction.exhibit).await {
            Ok(true) => count += 1,
            Ok(false) => {}
            Err(e) => drop(failed.get_or_insert(e)),
        }
    }
    if count > 0 {
        row_log::seal_rows(casework).await?;
        casework.db.empty_log().await?;
    }
    failed.map_or(Ok(count), Err)
}

/// True if the vault's log has an entry that this exhibit was erased.
async fn is_erased(casework: &Casework, exhibit: &str) -> Result<bool> {
    match casework.vault.exhibit(exhibit).await {
        Ok(_) => Ok(false),
        Err(obhut_vault::VaultError::Erased(_)) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

/// The pending destruction of an exhibit, if it is due.
async fn due(casework: &Casework, tx: &mut Tx, now: i64, exhibit: &str) -> Result<Option<Stored>> {
    let Some(stored) = pending_of(casework, tx, exhibit).await? else {
        return Ok(None);
    };
    // One that was cut off after its entry in the log is finished: the entry says that it is done.
    if is_erased(casework, exhibit).await? {
        return Ok(Some(stored));
    }
    let retention = Known::rules(tx).await?.of_exhibit(tx, exhibit).await?;
    let stays = cancels(now, &stored, retention.as_ref()).is_some()
        || waits(casework, tx, now, &stored, retention.as_ref())
            .await?
            .is_some();
    Ok((!stays).then_some(stored))
}

/// Destroys an exhibit if that is due; false if it stays.
async fn destroy(casework: &Casework, exhibit: &str) -> Result<bool> {
    // Holds take the same turn: one that is placed now is seen here, or finds the exhibit gone.
    let _turn = casework.folder.lock_erasing().await?;
    let now = casework.now();
    // Asked first without comparing everything: most calls find nothing due.
    let mut tx = casework.db.snapshot().await?;
    if due(casework, &mut tx, now, exhibit).await?.is_none() {
        return Ok(false);
    }
    drop(tx);
    let mut tx = verification::begin_whole(casework).await?;
    let Some(stored) = due(casework, &mut tx, now, exhibit).await? else {
        return Ok(false);
    };
    drop(tx);
    let mut people = stored.destruction.confirmed_by.clone();
    people.extend(stored.destruction.asked_by.clone());
    people.sort_unstable();
    people.dedup();
    let access = obhut_vault::Access {
        actor: match people.is_empty() {
            true => "retention".into(),
            false => people.join(", "),
        },
        purpose: stored.destruction.because.clone(),
    };
    let index = casework.vault.erase(exhibit, access).await? as i64;
    // After the vault: a crash in between repeats both, and the vault allows that.
    let mut tx = casework.db.begin().await?;
    views::forget_digests(&mut tx, exhibit).await?;
    sqlx::query(
        "UPDATE destructions SET done_at = $1, log_index = $2 WHERE id = $3 AND done_at IS NULL",
    )
    .bind(now)
    .bind(index)
    .bind(&stored.destruction.id)
    .execute(&mut *tx)
    .await?;
    let id = &stored.destruction.id;
    audit::write(&mut tx, now, "retention", "exhibit.destroy", exhibit, id).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests;
