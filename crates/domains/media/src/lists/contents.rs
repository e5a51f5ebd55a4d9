//! Lists as clients of HMA (Meta's Hasher-Matcher-Actioner) see them: banks, identified by name, of
//! contents, identified by number, which are added and removed one at a time.
//!
//! A bank is exactly one hash list. Adding a content creates a delta of that list: HMA's lookup returns
//! it immediately, marked unsigned, while screening only counts its hits until two people have signed
//! that version.

use std::collections::HashMap;

use obhut_hash::{Digest, Kind};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use obhut_casework::for_domains::{Columns, Inside as _, Tx, audit, changes, ids};
use obhut_casework::{Action, ApiKey, Casework, CaseworkError, Purpose, Result};

use super::entries::{Builder, Row};
use super::{EntryLabel, ListSettings};

/// The value of `disable_until_ts` for a content that isn't disabled.
pub const CONTENT_ENABLED: i64 = 1;
/// Longest note, in characters. As HMA's schema has it.
const NOTE_CHARS_MAX: usize = 255;
/// Longest description of a content, in bytes. Our judgement.
const ABOUT_BYTES_MAX: usize = 64 << 10;
/// Longest time a content may be disabled, in seconds: HMA's five years, each counted as a leap year. Our judgement.
const DISABLED_S_MAX: i64 = 5 * 366 * 86_400;

/// A bank on record.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Bank {
    /// Its name.
    pub name: String,
    /// Share of lookups it takes part in, 0 to 1.
    pub matching_enabled_ratio: f64,
}

/// Metadata of a content.
#[derive(Clone, PartialEq, Debug)]
pub struct Content {
    /// Its number.
    pub id: i64,
    /// The list's name.
    pub bank: String,
    /// The entry's name.
    pub entry: String,
    /// [`CONTENT_ENABLED`]; 0 while it is disabled until further notice; else the time until which
    /// it is disabled, in seconds since 1970.
    pub disable_until: i64,
    /// What a curator wrote.
    pub note: Option<String>,
    /// Metadata that the client sent with it.
    pub about: Option<Value>,
    /// Its digests by kind, if it was added through this interface.
    pub signals: Option<Value>,
}

/// What lookups need to know about banks and contents.
#[derive(Default)]
pub(crate) struct BankStates {
    /// By list id: share of lookups in millionths; negative if the bank was removed.
    pub ratios: HashMap<String, i64>,
    /// `disable_until` by list and entry, unless it is [`CONTENT_ENABLED`]. Not by number: a new
    /// file of the list gives its entries new numbers.
    pub disabled_until: HashMap<(String, String), i64>,
}

impl BankStates {
    pub fn is_off(&self, list: &str, entry: &str, now_s: i64) -> bool {
        // Usually nothing is disabled: spares two allocations a hit.
        if self.disabled_until.is_empty() {
            return false;
        }
        self.disabled_until
            .get(&(list.to_owned(), entry.to_owned()))
            .is_some_and(|until| *until == 0 || *until > now_s)
    }
}

pub(crate) async fn states(tx: &mut Tx) -> Result<BankStates> {
    let mut states = BankStates::default();
    let rows = sqlx::query("SELECT list, enabled_millionths, removed_at FROM banks")
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (list, ratio) = (c.text()?, c.int()?);
        let removed = c.maybe_int()?.is_some();
        states.ratios.insert(list, if removed { -1 } else { ratio });
    }
    // Removed contents need no state, because `remove_content` disputed them. If the dispute has
    // been lifted since, they match again.
    let rows = sqlx::query(
        "SELECT list, entry, disable_until FROM bank_contents WHERE disable_until <> 1 AND removed_at IS NULL",
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (list, entry, until) = (c.text()?, c.text()?, c.int()?);
        states.disabled_until.insert((list, entry), until);
    }
    Ok(states)
}

/// All banks, by name.
pub async fn banks(casework: &Casework) -> Result<Vec<Bank>> {
    let kept = super::current::kept(casework).await?;
    let mut banks: Vec<Bank> = kept
        .lists
        .iter()
        .filter_map(|list| {
            let ratio = kept
                .banks
                .ratios
                .get(list.id())
                .copied()
                .unwrap_or(1_000_000);
            (ratio >= 0).then(|| Bank {
                name: list.name().to_owned(),
                matching_enabled_ratio: ratio as f64 / 1e6,
            })
        })
        .collect();
    banks.sort_by(|a, b| a.name.cmp(&b.name));
    // A list whose newest version does not build on the signed one is loaded twice.
    banks.dedup_by(|a, b| a.name == b.name);
    Ok(banks)
}

/// The bank of that name.
///
/// # Errors
/// Not found if no bank has that name or if it was removed.
pub async fn bank(casework: &Casework, name: &str) -> Result<Bank> {
    let banks = self::banks(casework).await?;
    banks
        .into_iter()
        .find(|b| b.name == name)
        .ok_or_else(|| not_found(name))
}

/// Creates a bank: an empty list whose owner is named after the key. A list of that name that is on
/// record becomes the bank as it is; only its ratio is set.
///
/// # Errors
/// The ratio isn't between 0 and 1, or the list on record has another purpose.
pub async fn create_bank(
    casework: &Casework,
    name: &str,
    ratio: f64,
    purpose: Purpose,
    key: &ApiKey,
) -> Result<Bank> {
    // Refuses NaN too.
    if !(0.0..=1.0).contains(&ratio) {
        return Err(CaseworkError::invalid(
            "enabled_ratio",
            "enabled_ratio is between 0 and 1",
        ));
    }
    let known = match super::list(casework, name).await {
        Ok(list) => Some(list),
        Err(CaseworkError::NotFound { .. }) => None,
        Err(e) => return Err(e),
    };
    // On record already: the bank exists or was removed, or the list was imported.
    if let Some(list) = known {
        if list.purpose != purpose {
            return Err(CaseworkError::conflict(format!(
                "\"{name}\" is a list for {} already; choose another name",
                list.purpose
            )));
        }
        let mut tx = casework.begin().await?;
        set_bank(&mut tx, &list.id, (ratio * 1e6) as i64, None).await?;
        changes::note(&mut tx).await?;
        audit::write(
            &mut tx,
            casework.now_micros(),
            &key.id,
            "bank.restore",
            &list.id,
            "",
        )
        .await?;
        tx.commit().await?;
        return self::bank(casework, name).await;
    }
    let action = match purpose {
        Purpose::KnownHarmless => Action::Pass,
        _ => Action::Hold,
    };
    let settings = ListSettings {
        name: name.to_owned(),
        owner: key.name.clone(),
        purpose,
        basis: "the operator's own curation, by HMA's interface".into(),
        action,
    };
    super::create_list(casework, &settings, &key.id).await?;
    // A crash before this leaves a list without a ratio, which counts as a ratio of 1.
    set_bank_ratio(casework, name, ratio, &key.id).await
}

/// Sets the share of lookups a bank takes part in; a removed bank is restored.
///
/// # Errors
/// The ratio isn't between 0 and 1, or no list has that name.
pub async fn set_bank_ratio(
    casework: &Casework,
    name: &str,
    ratio: f64,
    actor: &str,
) -> Result<Bank> {
    if !(0.0..=1.0).contains(&ratio) {
        return Err(CaseworkError::invalid(
            "enabled_ratio",
            "enabled_ratio is between 0 and 1",
        ));
    }
    let list = super::list(casework, name).await?;
    let mut tx = casework.begin().await?;
    set_bank(&mut tx, &list.id, (ratio * 1e6) as i64, None).await?;
    changes::note(&mut tx).await?;
    audit::write(
        &mut tx,
        casework.now_micros(),
        actor,
        "bank.ratio",
        &list.id,
        &ratio.to_string(),
    )
    .await?;
    tx.commit().await?;
    self::bank(casework, name).await
}

/// Removes a bank from HMA's interface. Its list stays on record and keeps matching in screening.
///
/// # Errors
/// No list has that name.
pub async fn remove_bank(casework: &Casework, name: &str, actor: &str) -> Result<()> {
    let list = super::list(casework, name).await?;
    let mut tx = casework.begin().await?;
    set_bank(&mut tx, &list.id, 0, Some(casework.now_micros())).await?;
    changes::note(&mut tx).await?;
    audit::write(
        &mut tx,
        casework.now_micros(),
        actor,
        "bank.remove",
        &list.id,
        "",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Adds a content with its digests; returns its number. Kinds that hash frames (`vpdq`) must not be
/// among them.
///
/// # Errors
/// No bank has that name, the note has more than 255 characters, or the metadata more than 64 KiB.
pub async fn add_content(
    casework: &Casework,
    bank: &str,
    signals: &[(&'static Kind, Digest)],
    note: Option<&str>,
    about: Option<&Value>,
    key: &ApiKey,
) -> Result<i64> {
    check_note(note)?;
    // Refuses a removed bank, whose list is still on record.
    self::bank(casework, bank).await?;
    let about = about.map(Value::to_string);
    if about.as_ref().is_some_and(|a| a.len() > ABOUT_BYTES_MAX) {
        return Err(CaseworkError::invalid("metadata", "metadata is too long"));
    }
    let mut builder = Builder::default();
    // A random id in the name: the same digests added twice are two contents, and removing one
    // leaves the other.
    let mut text = format!("{}\n", ids::new("content"));
    let mut digests = serde_json::Map::new();
    for (kind, digest) in signals {
        text += &format!("{}:{}\n", kind.name, digest.to_hex());
        digests.insert(kind.name.into(), digest.to_hex().into());
    }
    let version = hex::encode(Sha256::digest(&text));
    let name = format!("c-{}", &version[..16]);
    for (kind, digest) in signals {
        let row = Row {
            kind,
            digest: *digest,
            label: EntryLabel::default(),
            name: None,
            mark: None,
        };
        builder.add(row, &name);
    }
    let entries = builder.build(version);
    let id = super::add_delta(casework, bank, entries, 0, true, &key.id).await?;
    let list = super::list(casework, bank).await?;
    // A crash before this leaves a content without note and metadata, which `content` allows for.
    let mut tx = casework.begin().await?;
    sqlx::query(
        "INSERT INTO bank_contents (id, list, entry, disable_until, note_sealed, about_sealed, signals_sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(&list.id)
    .bind(&name)
    .bind(CONTENT_ENABLED)
    .bind(note.map(|n| casework.seal_text(n)))
    .bind(about.map(|a| casework.seal_text(&a)))
    .bind(casework.seal_text(&Value::Object(digests).to_string()))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// A content of a bank.
///
/// # Errors
/// Not found if no bank has that name, or if it has no such content or that is removed or disputed.
pub async fn content(casework: &Casework, bank: &str, id: i64) -> Result<Content> {
    self::bank(casework, bank).await?;
    let missing = || CaseworkError::NotFound {
        what: "content",
        id: id.to_string(),
    };
    let row = sqlx::query(
        "SELECT list, disable_until, note_sealed, about_sealed, signals_sealed, removed_at FROM bank_contents WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(casework.pool())
    .await?;
    let kept = super::current::kept(casework).await?;
    // From the lists in memory: entries of imported lists have no row.
    let found = kept
        .lists
        .iter()
        .filter(|l| l.name() == bank)
        .find_map(|l| Some((l.id().to_owned(), l.entry_of_content(id)?.to_owned())));
    let (list, entry) = found.ok_or_else(missing)?;
    // To HMA's clients a disputed content is gone, like a removed one.
    let dispute = kept.disputed.get(&(list.clone(), entry.clone()));
    if dispute == Some(&super::Dispute::Whole) {
        return Err(missing());
    }
    let mut content = Content {
        id,
        bank: bank.to_owned(),
        entry,
        disable_until: CONTENT_ENABLED,
        note: None,
        about: None,
        signals: None,
    };
    if let Some(row) = row {
        let mut c = Columns::of(&row);
        if c.text()? != list {
            return Err(missing());
        }
        content.disable_until = c.int()?;
        content.note = c
            .maybe_text()?
            .map(|t| casework.open_text(&t))
            .transpose()?;
        for place in [&mut content.about, &mut content.signals] {
            *place = match c.maybe_text()? {
                Some(sealed) => serde_json::from_str(&casework.open_text(&sealed)?).ok(),
                None => None,
            };
        }
        // Lifting the dispute brings the entry back into screening and lookups; as a content it stays gone.
        if c.maybe_int()?.is_some() {
            return Err(missing());
        }
    }
    Ok(content)
}

/// Disables a content until a time in seconds since 1970 (0: until further notice,
/// [`CONTENT_ENABLED`]: not at all), and sets its note. `None` leaves either as it is.
///
/// # Errors
/// As for [`content`]; the note has more than 255 characters; or the time is negative or more than
/// five years ahead.
pub async fn set_content(
    casework: &Casework,
    bank: &str,
    id: i64,
    disable_until: Option<i64>,
    note: Option<&str>,
    actor: &str,
) -> Result<Content> {
    check_note(note)?;
    let content = self::content(casework, bank, id).await?;
    let until = disable_until.unwrap_or(content.disable_until);
    if until < 0 || until > casework.now_micros() / 1_000_000 + DISABLED_S_MAX {
        return Err(CaseworkError::invalid(
            "disable_until_ts",
            "disable_until_ts is 0, 1, or a time less than 5 years in the future",
        ));
    }
    let note = note.map(|n| casework.seal_text(n));
    let list = super::list(casework, bank).await?;
    let mut tx = casework.begin().await?;
    // Contents of imported lists get a row here with their first change.
    sqlx::query(
        "INSERT INTO bank_contents (id, list, entry, disable_until, note_sealed) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET disable_until = $4, note_sealed = COALESCE($5, bank_contents.note_sealed)",
    )
    .bind(id)
    .bind(&list.id)
    .bind(&content.entry)
    .bind(until)
    .bind(note)
    .execute(&mut *tx)
    .await?;
    changes::note(&mut tx).await?;
    let detail = format!("content {id} disabled until {until}");
    audit::write(
        &mut tx,
        casework.now_micros(),
        actor,
        "bank.content",
        &list.id,
        &detail,
    )
    .await?;
    tx.commit().await?;
    self::content(casework, bank, id).await
}

/// Removes a content: from the next answer on it matches neither in HMA's interface nor in
/// screening. False if the content doesn't exist.
///
/// # Errors
/// No bank has that name.
pub async fn remove_content(casework: &Casework, bank: &str, id: i64, actor: &str) -> Result<bool> {
    let content = match self::content(casework, bank, id).await {
        Ok(content) => content,
        Err(CaseworkError::NotFound {
            what: "content", ..
        }) => return Ok(false),
        Err(e) => return Err(e),
    };
    let list = super::list(casework, bank).await?;
    let mut tx = casework.begin().await?;
    // List files are immutable and signed, so the entry is disputed instead of deleted.
    super::dispute(
        &mut tx,
        casework.now_micros(),
        &list.id,
        &content.entry,
        "removed by its curator",
        actor,
    )
    .await?;
    // Changes nothing for a content without a row; the dispute alone removes that one.
    sqlx::query("UPDATE bank_contents SET removed_at = $1 WHERE id = $2")
        .bind(casework.now_micros())
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}

async fn set_bank(tx: &mut Tx, list: &str, millionths: i64, removed_at: Option<i64>) -> Result<()> {
    sqlx::query(
        "INSERT INTO banks (list, enabled_millionths, removed_at) VALUES ($1, $2, $3)
         ON CONFLICT (list) DO UPDATE SET enabled_millionths = $2, removed_at = $3",
    )
    .bind(list)
    .bind(millionths)
    .bind(removed_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn check_note(note: Option<&str>) -> Result<()> {
    if note.is_some_and(|n| n.chars().count() > NOTE_CHARS_MAX) {
        return Err(CaseworkError::conflict(
            "note must be at most 255 characters",
        ));
    }
    Ok(())
}

fn not_found(name: &str) -> CaseworkError {
    CaseworkError::NotFound {
        what: "bank",
        id: name.to_owned(),
    }
}
