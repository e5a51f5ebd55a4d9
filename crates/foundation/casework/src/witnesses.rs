//! Witnesses of the vault's log: others who remember how far they have seen it, and cosign it.
//!
//! An older copy of the whole data folder agrees with itself. A witness has seen more of its log.

use std::collections::BTreeMap;

use obhut_vault::{Cosigned, LogHead, Submitted, WitnessKey};

use crate::children::is_blank;
use crate::clock::rfc3339;
use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Person, Result, Role, alarms, audit};

/// Most witnesses on record. Our judgement: each is asked every minute.
const WITNESSES_MAX: usize = 16;
/// How long a witness may be silent before there is an alarm, in microseconds: an hour. Our judgement:
/// longer than a restart of its machine.
const SILENT_MICROS_MAX: i64 = 60 * 60 * 1_000_000;
/// The alarms about witnesses.
const ALARM: &str = "witness";

/// A witness of the vault's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    /// Its name, as its key has it.
    pub name: String,
    /// Where it answers: the prefix before `/add-checkpoint`.
    pub url: String,
    /// Its public key.
    pub key: WitnessKey,
    /// Since when it is on record, microseconds since 1970.
    pub since: i64,
    /// False once it isn't asked any more.
    pub is_asked: bool,
    /// Since when it has cosigned, microseconds since 1970; `None` if it never has.
    pub cosigned_since: Option<i64>,
    /// The note that it cosigned last.
    pub(crate) kept: Option<String>,
}

/// Why a witness hasn't cosigned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WitnessFault {
    /// It has seen more entries than the log has.
    Ahead {
        /// The entries it has seen.
        seen: u64,
        /// The entries the log has.
        has: u64,
    },
    /// It has seen another log that was signed with the same key, of this many entries.
    Fork(u64),
    /// It has cosigned more entries than it now says.
    LostRecord {
        /// The entries it says.
        seen: u64,
        /// The entries it has cosigned.
        known: u64,
    },
    /// It doesn't know the log.
    Unknown,
    /// It knows another key for the log's name.
    OtherKey,
    /// It gave no answer, or one that says nothing.
    Silent(String),
}

impl WitnessFault {
    /// True if the witness speaks of another history of the log, and doesn't only not answer.
    pub fn is_of_history(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Fork(_))
    }
}

impl std::fmt::Display for WitnessFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ahead { seen, has } => write!(
                f,
                "it says that it has seen {seen} entries of the vault's log, which has {has}: this data folder is an older copy, or another copy of it is in use"
            ),
            Self::Fork(size) => write!(
                f,
                "it says that it has seen another log of {size} entries, signed with this vault's key: another copy of this data folder is in use, or the log was rewritten"
            ),
            Self::LostRecord { seen, known } => write!(
                f,
                "it says that it has seen {seen} entries, and has cosigned {known}: it has lost its record, and shows no older copy of this data folder until its operator has put it back"
            ),
            Self::Unknown => f.write_str(
                "it doesn't know this vault's log; send its operator the file vault/log/key",
            ),
            Self::OtherKey => f.write_str(
                "it knows another key for this log's name; its operator has to compare it with vault/log/key",
            ),
            Self::Silent(why) => f.write_str(why),
        }
    }
}

/// Puts a witness on record, or asks one again that isn't asked any more: then what it had cosigned
/// isn't compared any more. The address was checked.
///
/// # Errors
/// Denied without the role administrator; a conflict if a witness of that name has another key, or
/// there are 16 already.
pub async fn add_witness(
    casework: &Casework,
    url: &str,
    key: &WitnessKey,
    person: &Person,
) -> Result<Witness> {
    person.require(Role::Administrator)?;
    let mut tx = casework.db.begin().await?;
    let known = all(&mut tx).await?;
    let same = known.iter().find(|w| w.name == key.name());
    match same {
        Some(other) if other.key != *key => {
            return Err(CaseworkError::conflict(format!(
                "the witness {} is on record with another key",
                other.name
            )));
        }
        None if known.len() >= WITNESSES_MAX => {
            return Err(CaseworkError::conflict(format!(
                "there are {WITNESSES_MAX} witnesses already"
            )));
        }
        _ => {}
    }
    let url = url.trim().trim_end_matches('/');
    let now = casework.now();
    sqlx::query(
        "INSERT INTO witnesses (name, url, key, person, since, is_asked) VALUES ($1, $2, $3, $4, $5, 1)
         ON CONFLICT (name) DO UPDATE SET url = $2, person = $4, is_asked = 1",
    )
    .bind(key.name())
    .bind(url)
    .bind(key.text())
    .bind(&person.id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if same.is_some_and(|same| !same.is_asked) {
        sqlx::query("UPDATE witnesses SET cosigned_since = NULL WHERE name = $1")
            .bind(key.name())
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM cosigned_heads WHERE witness = $1")
            .bind(key.name())
            .execute(&mut *tx)
            .await?;
    }
    audit::write(&mut tx, now, &person.id, "witness.add", key.name(), url).await?;
    tx.commit().await?;
    witness(casework, key.name()).await
}

/// Asks a witness no more. What it has cosigned stays on record, and is compared as before.
///
/// # Errors
/// Denied without the role administrator; invalid without a reason; not found.
pub async fn stop_witness(
    casework: &Casework,
    name: &str,
    because: &str,
    person: &Person,
) -> Result<()> {
    person.require(Role::Administrator)?;
    if is_blank(because) {
        let what = "say why the witness isn't asked any more";
        return Err(CaseworkError::invalid("reason", what));
    }
    let mut tx = casework.db.begin().await?;
    let stopped = sqlx::query("UPDATE witnesses SET is_asked = 0 WHERE name = $1")
        .bind(name)
        .execute(&mut *tx)
        .await?;
    if stopped.rows_affected() == 0 {
        return Err(unknown(name));
    }
    let now = casework.now();
    alarms::end(&mut tx, now, ALARM, name, &person.id).await?;
    audit::write(&mut tx, now, &person.id, "witness.stop", name, because).await?;
    tx.commit().await?;
    Ok(())
}

/// The witnesses on record, by name.
pub async fn witnesses(casework: &Casework) -> Result<Vec<Witness>> {
    all(&mut casework.db.snapshot().await?).await
}

/// One witness.
///
/// # Errors
/// Not found.
pub async fn witness(casework: &Casework, name: &str) -> Result<Witness> {
    let all = witnesses(casework).await?;
    all.into_iter()
        .find(|w| w.name == name)
        .ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> CaseworkError {
    CaseworkError::NotFound {
        what: "witness",
        id: name.to_owned(),
    }
}

/// What a witness cosigned last, read and compared with both keys; `None` if it hasn't cosigned.
///
/// # Errors
/// What is on record isn't signed by both.
pub fn last_cosigned(casework: &Casework, witness: &Witness) -> Result<Option<Cosigned>> {
    let kept = witness.kept.as_ref();
    Ok(kept
        .map(|note| casework.vault.read_cosigned(note.as_bytes(), &witness.key))
        .transpose()?)
}

/// The head of the vault's log, and the signed checkpoint of it, byte for byte.
///
/// # Errors
/// The log can't be read, or isn't what was signed.
pub async fn log_checkpoint(casework: &Casework) -> Result<(LogHead, Vec<u8>)> {
    Ok(casework.vault.checkpoint().await?)
}

/// The request that asks a witness, which has seen the first `old` entries, to cosign the log's head.
/// `None` if the log has fewer.
///
/// # Errors
/// The log can't be read, or isn't what was signed.
pub async fn submission(casework: &Casework, old: u64) -> Result<Option<Submitted>> {
    Ok(casework.vault.submission(old).await?)
}

/// Joins what was handed to a witness and the lines with which it has answered.
///
/// # Errors
/// They aren't its cosignature.
pub fn cosigned(
    casework: &Casework,
    witness: &Witness,
    submitted: &Submitted,
    lines: &str,
) -> Result<Cosigned> {
    let joined = casework
        .vault
        .cosigned(&submitted.checkpoint, lines, &witness.key);
    Ok(joined?)
}

/// How far the clock of a witness or a time authority and that of this machine may be apart, in
/// microseconds: an hour. Our judgement: further, one of them says something untrue.
const CLOCKS_APART_MICROS_MAX: u64 = 60 * 60 * 1_000_000;

/// True if a time, in microseconds since 1970, is within an hour of this machine's.
pub fn is_near_now(casework: &Casework, micros: i64) -> bool {
    casework.now().abs_diff(micros) <= CLOCKS_APART_MICROS_MAX
}

/// What a witness has cosigned, if its time can be right.
///
/// # Errors
/// Its clock and this machine's are more than an hour apart.
pub fn in_time(
    casework: &Casework,
    cosigned: Cosigned,
) -> std::result::Result<Cosigned, WitnessFault> {
    match is_near_now(casework, cosigned.at.saturating_mul(1_000_000)) {
        true => Ok(cosigned),
        false => Err(WitnessFault::Silent(
            "its clock and that of this machine are more than an hour apart".into(),
        )),
    }
}

/// Keeps what a witness has cosigned, and ends an alarm about it.
pub async fn keep_cosigned(
    casework: &Casework,
    witness: &Witness,
    cosigned: &Cosigned,
) -> Result<()> {
    let note = String::from_utf8_lossy(&cosigned.note).into_owned();
    let mut tx = casework.db.begin().await?;
    let now = casework.now();
    sqlx::query(
        "INSERT INTO cosigned_heads (witness, note) VALUES ($1, $2)
         ON CONFLICT (witness) DO UPDATE SET note = $2",
    )
    .bind(&witness.name)
    .bind(note)
    .execute(&mut *tx)
    .await?;
    // Once only: the row is covered by the log, and each change of it would be another entry to
    // cosign.
    sqlx::query(
        "UPDATE witnesses SET cosigned_since = $1 WHERE name = $2 AND cosigned_since IS NULL",
    )
    .bind(now)
    .bind(&witness.name)
    .execute(&mut *tx)
    .await?;
    alarms::end(&mut tx, now, ALARM, &witness.name, "obhut").await?;
    tx.commit().await?;
    Ok(())
}

/// Raises an alarm, if one is due, because a witness hasn't cosigned: for what shows another history
/// without delay, for anything else after an hour.
pub async fn witness_failed(
    casework: &Casework,
    witness: &Witness,
    fault: &WitnessFault,
) -> Result<()> {
    let is_history = fault.is_of_history();
    let is_urgent = is_history || matches!(fault, WitnessFault::LostRecord { .. });
    // The witness's own signed time: a row that something else has changed keeps no alarm away.
    let last = last_cosigned(casework, witness).ok().flatten();
    let last = last.map_or(witness.since, |c| c.at.saturating_mul(1_000_000));
    let now = casework.now();
    if !is_urgent && (0..SILENT_MICROS_MAX).contains(&(now - last)) {
        return Ok(());
    }
    let text = match is_history {
        true => format!(
            "The witness {}: {fault}. Find out which copy holds the newest record before anything else is done with this one.",
            witness.name
        ),
        false => format!(
            "The witness {} hasn't cosigned the vault's log since {}: {fault}.",
            witness.name,
            rfc3339(last)
        ),
    };
    let mut tx = casework.db.begin().await?;
    alarms::raise(&mut tx, now, ALARM, &witness.name, &text).await?;
    tx.commit().await?;
    Ok(())
}

/// The heads that witnesses have cosigned, each with what to call it, and what is wrong with those on
/// record: place and words.
pub(crate) async fn heads(
    casework: &Casework,
) -> Result<(Vec<(String, LogHead)>, Vec<(String, String)>)> {
    let (mut heads, mut faults) = (Vec::new(), Vec::new());
    let mut tx = casework.db.snapshot().await?;
    let mut notes = notes(&mut tx).await?;
    for row in rows(&mut tx).await? {
        let place = format!("witness {}", row.name);
        // A key that was changed is named where rows are compared with the log, too.
        let Ok(key) = WitnessKey::from_text(&row.key) else {
            faults.push((place, "its key can't be read".into()));
            continue;
        };
        let note = notes.remove(&row.name);
        match note.map(|note| casework.vault.read_cosigned(note.as_bytes(), &key)) {
            Some(Ok(cosigned)) => heads.push((place, cosigned.head)),
            Some(Err(e)) => faults.push((place, e.to_string())),
            None if row.cosigned_since.is_some() => {
                faults.push((place, "what it cosigned isn't on record any more".into()));
            }
            None => {}
        }
    }
    for (name, _) in notes {
        let what = "something is on record as cosigned by it, and it isn't a witness";
        faults.push((format!("witness {name}"), what.into()));
    }
    Ok((heads, faults))
}

async fn all(tx: &mut Tx) -> Result<Vec<Witness>> {
    let mut notes = notes(tx).await?;
    let rows = rows(tx).await?.into_iter();
    rows.map(|row| {
        Ok(Witness {
            key: WitnessKey::from_text(&row.key)
                .map_err(|_| CaseworkError::unreadable("a witness's key"))?,
            kept: notes.remove(&row.name),
            name: row.name,
            url: row.url,
            since: row.since,
            is_asked: row.is_asked,
            cosigned_since: row.cosigned_since,
        })
    })
    .collect()
}

async fn notes(tx: &mut Tx) -> Result<BTreeMap<String, String>> {
    let rows = sqlx::query("SELECT witness, note FROM cosigned_heads")
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?))
        })
        .collect()
}

/// A row, whose key may be unreadable.
struct Row {
    name: String,
    url: String,
    key: String,
    since: i64,
    is_asked: bool,
    cosigned_since: Option<i64>,
}

async fn rows(tx: &mut Tx) -> Result<Vec<Row>> {
    let rows = sqlx::query(
        "SELECT name, url, key, since, is_asked, cosigned_since FROM witnesses ORDER BY name",
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Row {
                name: c.text()?,
                url: c.text()?,
                key: c.text()?,
                since: c.int()?,
                is_asked: c.int()? != 0,
                cosigned_since: c.maybe_int()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use obhut_vault::WitnessSigner;

    use super::*;
    use crate::{bench, people};

    /// 2026-09-21T14:13:20Z.
    const BEGAN: i64 = 1_790_000_000_000_000;

    #[tokio::test]
    async fn silence_is_an_alarm_after_an_hour_and_another_history_without_delay() {
        let (_folder, c, clock) = bench::opened_at(BEGAN).await;
        let person = people::add_person(&c, "Ida", &[Role::Administrator], "test").await;
        let key = WitnessSigner::generate("witness.example/1").unwrap();
        let key = WitnessSigner::from_text(&key).unwrap().key();
        let witness = add_witness(&c, "http://127.0.0.1:9/", &key, &person.unwrap()).await;
        let witness = witness.unwrap();
        assert_eq!(witness.url, "http://127.0.0.1:9");
        let silent = WitnessFault::Silent("no answer in time".into());
        let ahead = WitnessFault::Ahead { seen: 9, has: 7 };
        let alarms = async || alarms::alarms(&c).await.unwrap().len();
        for (after, fault, raised) in [
            (0, &silent, 0),
            (SILENT_MICROS_MAX - 1, &silent, 0),
            (SILENT_MICROS_MAX, &silent, 1),
            // One alarm however often it is asked, and for a clock that was set back, too.
            (2 * SILENT_MICROS_MAX, &silent, 1),
            (0, &ahead, 1),
        ] {
            clock.set(BEGAN + after);
            witness_failed(&c, &witness, fault).await.unwrap();
            assert_eq!(alarms().await, raised, "{fault:?} after {after}");
        }
        let text = alarms::alarms(&c).await.unwrap().remove(0).text;
        assert!(text.contains("older copy"), "{text}");
    }
}
