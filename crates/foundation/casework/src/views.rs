//! Evidence in and out: who saw which exhibit, how much of it, and when.
//!
//! Invariant: a file's bytes are handed out only by [`crate::view`], [`crate::view_into`] and, to an approved report's
//! destination, [`crate::exhibit_to_send`]; [`crate::view_blurred`] hands out a rendition. Approved
//! documents and exchanges are exhibits too, which `approvals` and `exchanges` read. All of them
//! write the audit row and the vault's log entry before they read the first byte.

use obhut_facts::{FileDigests, words};
use serde::Serialize;

use crate::children::is_blank;
use crate::database::{Columns, Database, Tx, rows_in};
use crate::exposure::Exposure;
use crate::{
    Casework, CaseworkError, Exhibit, Person, Result, Role, audit, cases, changes, content,
    exposure, findings, ids, running_time, sealed,
};

words! {
    /// How much of a file a person has seen, as that person states it.
    Extent {
        /// All of it.
        Whole = "whole",
        /// Some of it.
        Part = "part",
        /// Its metadata only.
        Metadata = "metadata",
        /// A small, grey, blurred rendition of it. Recorded by [`crate::view_blurred`]; a caller
        /// can't pass it.
        Blurred = "blurred",
        /// Nothing: the bytes were passed on, not looked at.
        Unseen = "unseen",
        /// Nothing: the bytes couldn't be read. Only recorded; a caller can't pass it.
        Failed = "failed",
    }
}

/// A recorded view of an exhibit by a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ViewRecord {
    /// Id of the person.
    pub person: String,
    /// How much of it.
    pub extent: Extent,
    /// What for.
    pub purpose: String,
    /// When, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub viewed_at: i64,
}

/// What people have seen of an exhibit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Viewed {
    /// A person has seen all of it.
    pub whole: bool,
    /// A person has seen its metadata.
    pub metadata: bool,
}

/// One sealed text of the table `exhibit_digests`, if there is any.
pub(crate) async fn any_sealed(db: &Database) -> Result<Option<String>> {
    let row = sqlx::query("SELECT sealed FROM exhibit_digests LIMIT 1")
        .fetch_optional(db.pool())
        .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// Seals bytes as an exhibit of a case, or of none. With `screening`, it becomes the exhibit of
/// that screening's findings that have none. A conflict for a cleared case.
pub async fn put_exhibit(
    casework: &Casework,
    bytes: &[u8],
    case: Option<&str>,
    screening: Option<&str>,
    name: Option<&str>,
    media_type: Option<&str>,
    person: &Person,
) -> Result<Exhibit> {
    let intake = by_hand(casework, case, name, media_type, person).await?;
    let exhibit = self::keep(casework, bytes, intake).await?;
    added(casework, &exhibit, case, screening, person).await?;
    Ok(exhibit)
}

/// What the record of an exhibit says that a person adds to a case, or to none. A conflict for a
/// cleared case.
pub(crate) async fn by_hand(
    casework: &Casework,
    case: Option<&str>,
    name: Option<&str>,
    media_type: Option<&str>,
    person: &Person,
) -> Result<obhut_vault::Intake> {
    if let Some(case) = case {
        cases::require_not_cleared(&mut casework.db.snapshot().await?, case).await?;
    }
    Ok(obhut_vault::Intake {
        actor: person.id.clone(),
        purpose: "added manually".into(),
        case: case.map(str::to_owned),
        source: name.map(str::to_owned),
        media_type: media_type.map(str::to_owned),
    })
}

/// Records that a person has added an exhibit that was sealed.
pub(crate) async fn added(
    casework: &Casework,
    exhibit: &Exhibit,
    case: Option<&str>,
    screening: Option<&str>,
    person: &Person,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    if let Some(case) = case {
        cases::hold(&mut tx, case).await?;
        // An appeal may have been upheld while the bytes were sealed.
        if let Err(e) = cases::require_not_cleared(&mut tx, case).await {
            drop(tx);
            if matches!(e, CaseworkError::Conflict { .. }) {
                unkeep(casework, &exhibit.id, "its case was cleared meanwhile").await?;
            }
            return Err(e);
        }
    }
    if let Some(screening) = screening {
        findings::attach(&mut tx, screening, &exhibit.id).await?;
    }
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "exhibit.put",
        &exhibit.id,
        case.unwrap_or("no case"),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn keep(
    casework: &Casework,
    bytes: &[u8],
    intake: obhut_vault::Intake,
) -> Result<Exhibit> {
    keep_screened(casework, bytes, intake, None).await
}

/// Like [`keep`], with the PDQ that screening has computed.
pub(crate) async fn keep_screened(
    casework: &Casework,
    bytes: &[u8],
    intake: obhut_vault::Intake,
    pdq: Option<&str>,
) -> Result<Exhibit> {
    let media_type = content::media_type(bytes, intake.media_type.as_deref());
    let intake = obhut_vault::Intake {
        media_type: media_type.clone(),
        ..intake
    };
    // The vault first: a crash here leaves an exhibit without digests, never a row without bytes.
    let exhibit = casework.vault.put(bytes, intake).await?;
    let digest = |name: &str| {
        let kind = obhut_hash::kinds::by_name(name).expect("a kind of ours");
        kind.of_bytes(bytes).expect("a digest of bytes").to_hex()
    };
    let digests = FileDigests {
        md5: digest("md5"),
        sha1: digest("sha1"),
        sha256: exhibit.sha256.clone(),
        bytes: bytes.len() as u64,
        media_type,
        exif: content::exif(bytes),
        pdq: pdq.map(str::to_owned),
    };
    self::keep_digests(casework, &exhibit, &digests).await?;
    Ok(exhibit)
}

/// Records the digests of an exhibit that was sealed.
pub(crate) async fn keep_digests(
    casework: &Casework,
    exhibit: &Exhibit,
    digests: &FileDigests,
) -> Result<()> {
    let case = exhibit.intake.case.clone().unwrap_or_default();
    let json = serde_json::to_string(digests).expect("digests are JSON");
    let mut tx = casework.db.begin().await?;
    let seq = changes::numbers(&mut tx, "exhibits", 1).await?;
    sqlx::query("INSERT INTO exhibit_digests (exhibit, bytes_key, sealed, kept_at, seq, case_id) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&exhibit.id)
        .bind(casework.lookup.keyed_digest("exhibit bytes", digests.sha256.as_bytes()))
        .bind(sealed::seal_text(casework, &json))
        .bind(casework.now())
        .bind(seq)
        .bind(case)
        .execute(&mut *tx)
        .await?;
    running_time::note(&mut tx, casework, &exhibit.id).await?;
    // Incoming reports name files by whichever digest their sender has.
    let mut keys = vec![("md5", &digests.md5), ("sha1", &digests.sha1)];
    keys.extend(digests.pdq.as_ref().map(|pdq| ("pdq", pdq)));
    for (kind, value) in keys {
        sqlx::query("INSERT INTO exhibit_keys (bytes_key, exhibit) VALUES ($1, $2)")
            .bind(casework.bytes_key(kind, value))
            .bind(&exhibit.id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Erases an exhibit that was sealed for something that was then refused. The vault's log keeps the
/// intake and the erasure.
pub(crate) async fn unkeep(casework: &Casework, exhibit: &str, why: &str) -> Result<()> {
    let access = obhut_vault::Access {
        actor: "intake".into(),
        purpose: why.to_owned(),
    };
    casework.vault.erase(exhibit, access).await?;
    let mut tx = casework.db.begin().await?;
    forget_digests(&mut tx, exhibit).await?;
    tx.commit().await?;
    Ok(())
}

/// Seals the purposes that an older release kept as they were written.
pub(crate) async fn seal_old_purposes(casework: &Casework, tx: &mut Tx) -> Result<()> {
    let rows = sqlx::query("SELECT id, purpose FROM views")
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, purpose) = (c.text()?, c.text()?);
        sqlx::query("UPDATE views SET purpose = $1 WHERE id = $2")
            .bind(sealed::seal_words(casework, &purpose))
            .bind(id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Who has seen an exhibit, how much of it, and when; oldest first.
pub async fn views(casework: &Casework, exhibit: &str) -> Result<Vec<ViewRecord>> {
    let rows = sqlx::query(
        "SELECT person, extent, purpose, viewed_at FROM views WHERE exhibit = $1 ORDER BY seq",
    )
    .bind(exhibit)
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(ViewRecord {
                person: c.text()?,
                extent: c.word(Extent::from_word, "extent")?,
                purpose: sealed::open_words(casework, &c.text()?)?,
                viewed_at: c.int()?,
            })
        })
        .collect()
}

/// The bytes of an exhibit, for a reviewer and a purpose, after both have been recorded.
///
/// # Errors
/// Denied without the role reviewer; invalid without a purpose, or with an extent that is only for
/// the record; not found, or a conflict if it was erased. Bytes that can't be read leave a view
/// `failed`.
pub async fn view(
    casework: &Casework,
    exhibit: &str,
    person: &Person,
    purpose: &str,
    extent: Extent,
) -> Result<Vec<u8>> {
    // Both would be untrue if the person gets the bytes.
    require_statable(extent)?;
    let record = before_reading(casework, exhibit, person, purpose, extent).await?;
    let bytes = casework.vault.get(exhibit, access(person, purpose)).await?;
    if extent != Extent::Unseen {
        set_extent(casework, &record, extent).await?;
    }
    Ok(bytes)
}

/// # Errors
/// An extent that a person can't state.
pub(crate) fn require_statable(extent: Extent) -> Result<()> {
    match extent {
        Extent::Failed | Extent::Blurred => Err(CaseworkError::invalid(
            "extent",
            "this extent can only be recorded by the program; pass whole, part, metadata or unseen",
        )),
        _ => Ok(()),
    }
}

/// A small, grey, blurred rendition of an exhibit, as [`view_rendered`] with the extent `blurred`.
pub async fn view_blurred<E: From<CaseworkError>>(
    casework: &Casework,
    exhibit: &str,
    person: &Person,
    purpose: &str,
    render: impl AsyncFnOnce(Vec<u8>) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<Vec<u8>, E> {
    view_rendered(casework, exhibit, person, purpose, Extent::Blurred, render).await
}

/// A rendition of an exhibit, for a reviewer and a purpose, after both have been recorded. `render`
/// makes it from the bytes, which the person doesn't get; `extent` is what it shows: `blurred`,
/// `part`, or `whole` for all of a picture's pixels.
///
/// # Errors
/// As for [`view`], and the error that `render` returns, which leaves a view `failed`.
pub async fn view_rendered<E: From<CaseworkError>>(
    casework: &Casework,
    exhibit: &str,
    person: &Person,
    purpose: &str,
    extent: Extent,
    render: impl AsyncFnOnce(Vec<u8>) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<Vec<u8>, E> {
    // On record as failed until there is something to show.
    let record = before_reading(casework, exhibit, person, purpose, extent).await?;
    let reading = casework.vault.get(exhibit, access(person, purpose)).await;
    let rendered = render(reading.map_err(CaseworkError::from)?).await?;
    set_extent(casework, &record, extent).await?;
    Ok(rendered)
}

pub(crate) async fn set_extent(casework: &Casework, record: &str, extent: Extent) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    sqlx::query("UPDATE views SET extent = $1 WHERE id = $2")
        .bind(extent.word())
        .bind(record)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// What the vault's log says of a person's reading.
pub(crate) fn access(person: &Person, purpose: &str) -> obhut_vault::Access {
    obhut_vault::Access {
        actor: person.id.clone(),
        purpose: purpose.to_owned(),
    }
}

/// Records a view of an exhibit before it is read, as failed for now. Returns the id of the record.
pub(crate) async fn before_reading(
    casework: &Casework,
    exhibit: &str,
    person: &Person,
    purpose: &str,
    extent: Extent,
) -> Result<String> {
    person.require(Role::Reviewer)?;
    if is_blank(purpose) {
        return Err(CaseworkError::invalid(
            "purpose",
            "say what the exhibit is needed for",
        ));
    }
    // Nothing is recorded about exhibits that aren't there.
    casework.vault.exhibit(exhibit).await?;
    let mut tx = casework.db.begin().await?;
    // First: the counter's lock lets one look at a time be counted.
    let seq = match extent {
        Extent::Unseen => 0,
        _ => changes::numbers(&mut tx, "views", 1).await?,
    };
    if matches!(extent, Extent::Whole | Extent::Part) {
        let now = casework.now();
        let mut today = exposure_within(&mut tx, now, &person.id).await?;
        today.looks += under_way(&mut tx, &person.id, now).await?;
        today.require_a_look(person)?;
    }
    // Only what was looked at counts as viewed in reports; the audit row is written in any case.
    let record = ids::new("view");
    if extent != Extent::Unseen {
        sqlx::query(
            "INSERT INTO views (id, exhibit, person, extent, purpose, viewed_at, seq) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&record)
        .bind(exhibit)
        .bind(&person.id)
        // Recorded before the bytes are read: a crash or a damaged exhibit leaves "failed".
        .bind(Extent::Failed.word())
        .bind(sealed::seal_words(casework, purpose))
        .bind(casework.now())
        .bind(seq)
        .execute(&mut *tx)
        .await?;
    }
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "exhibit.view",
        exhibit,
        extent.word(),
    )
    .await?;
    // Committed before the bytes are read, so that no view is missing from the audit trail.
    tx.commit().await?;
    Ok(record)
}

/// All exhibits of a case according to the vault's records, if any exhibit was stored by an older
/// version, which recorded the case only in the vault; otherwise none. Copies the case of every
/// exhibit into the database, so that the vault has to be read only once.
///
/// # Errors
/// A record of the vault that can't be opened.
pub(crate) async fn old_exhibits(casework: &Casework, case: &str) -> Result<Vec<String>> {
    let unknown = sqlx::query("SELECT exhibit FROM exhibit_digests WHERE case_id IS NULL LIMIT 1")
        .fetch_optional(casework.db.pool())
        .await?;
    if unknown.is_none() {
        return Ok(Vec::new());
    }
    let exhibits = casework.vault.list().await?;
    let mut tx = casework.db.begin().await?;
    let mut of_case = Vec::new();
    for exhibit in exhibits {
        // Empty, not NULL, for an exhibit without a case, so that it isn't looked up again.
        let known = exhibit.intake.case.clone().unwrap_or_default();
        sqlx::query(
            "UPDATE exhibit_digests SET case_id = $1 WHERE exhibit = $2 AND case_id IS NULL",
        )
        .bind(&known)
        .bind(&exhibit.id)
        .execute(&mut *tx)
        .await?;
        if known == case {
            of_case.push(exhibit.id);
        }
    }
    tx.commit().await?;
    Ok(of_case)
}

/// All exhibits, oldest first.
pub async fn exhibits(casework: &Casework) -> Result<Vec<Exhibit>> {
    Ok(casework.vault.list().await?)
}

/// One exhibit, without its content.
pub async fn exhibit(casework: &Casework, id: &str) -> Result<Exhibit> {
    Ok(casework.vault.exhibit(id).await?)
}

/// The exhibits of a case that haven't been erased: first those of its findings, in order, then
/// those that were added to it.
pub async fn exhibits_of_case(casework: &Casework, case: &str) -> Result<Vec<Exhibit>> {
    let mut ids: Vec<String> = findings::finding_rows(casework, case)
        .await?
        .into_iter()
        .filter_map(|f| f.evidence)
        .collect();
    {
        let mut tx = casework.db.snapshot().await?;
        // Fails for an unknown case, which would otherwise read as one without exhibits.
        cases::status(&mut tx, case).await?;
        ids.extend(of_case(&mut tx, case).await?);
    }
    let mut seen = std::collections::HashSet::new();
    let mut found = Vec::new();
    for id in ids.into_iter().filter(|id| seen.insert(id.clone())) {
        match casework.vault.exhibit(&id).await {
            Ok(exhibit) => found.push(exhibit),
            // Erased after an appeal; the finding keeps its id.
            Err(obhut_vault::VaultError::Erased(_)) => {}
            Err(e) => match CaseworkError::from(e) {
                CaseworkError::NotFound { .. } => {}
                e => return Err(e),
            },
        }
    }
    Ok(found)
}

/// The exhibits that a subject names: itself, or those of a case that weren't erased.
///
/// # Errors
/// Not found for an unknown exhibit or case; a conflict for an erased exhibit.
pub async fn exhibits_named(casework: &Casework, subject: &str) -> Result<Vec<Exhibit>> {
    match cases::find(casework, subject).await? {
        Some(case) => exhibits_of_case(casework, &case.id).await,
        None => Ok(vec![exhibit(casework, subject).await?]),
    }
}

/// True if an exhibit was ever put on record.
pub(crate) async fn any_exhibit(casework: &Casework) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM exhibit_digests LIMIT 1")
        .fetch_optional(casework.db.pool())
        .await?;
    Ok(row.is_some())
}

/// Digests of an exhibit's bytes; `None` for exhibits stored before digests were recorded.
pub(crate) async fn digests(
    tx: &mut Tx,
    casework: &Casework,
    exhibit: &str,
) -> Result<Option<FileDigests>> {
    let row = sqlx::query("SELECT sealed FROM exhibit_digests WHERE exhibit = $1")
        .bind(exhibit)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| {
        let json = sealed::open_text(casework, &Columns::of(&row).text()?)?;
        serde_json::from_str(&json).map_err(|_| CaseworkError::unreadable("digests of an exhibit"))
    })
    .transpose()
}

/// Exhibits with the same bytes that are older than this one, the oldest first, each with its
/// number: at most 50 whose numbers are greater than `after`.
pub(crate) async fn same_bytes_before(
    tx: &mut Tx,
    exhibit: &str,
    after: i64,
) -> Result<Vec<(i64, String)>> {
    let rows = sqlx::query(
        "SELECT other.seq, other.exhibit FROM exhibit_digests own JOIN exhibit_digests other ON other.bytes_key = own.bytes_key
         WHERE own.exhibit = $1 AND other.seq < own.seq AND other.seq > $2 ORDER BY other.seq LIMIT 50",
    )
    .bind(exhibit)
    .bind(after)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.int()?, c.text()?))
        })
        .collect()
}

/// The exhibits of a case with these bytes, the oldest first.
pub(crate) async fn of_bytes(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    bytes: &[u8],
) -> Result<Vec<String>> {
    let kind = obhut_hash::kinds::by_name("sha256").expect("a kind of ours");
    let digest = kind.of_bytes(bytes).expect("a digest of bytes").to_hex();
    let rows = sqlx::query(
        "SELECT exhibit FROM exhibit_digests WHERE bytes_key = $1 AND case_id = $2 ORDER BY seq",
    )
    .bind(
        casework
            .lookup
            .keyed_digest("exhibit bytes", digest.as_bytes()),
    )
    .bind(case)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// What a person, given by id, has looked at today (UTC).
pub async fn looks_today(casework: &Casework, person: &str) -> Result<Exposure> {
    exposure_within(&mut casework.db.snapshot().await?, casework.now(), person).await
}

/// Allows a person more looks for the rest of the day (UTC). The reason is on record.
///
/// # Errors
/// Denied without a role that permits it, and for one's own cap; a conflict without a cap; invalid
/// unless 1 to 1,000 looks, or without a reason.
pub async fn lift_exposure_cap(
    casework: &Casework,
    whose: &Person,
    more: i64,
    because: &str,
    by: &Person,
) -> Result<()> {
    let looks = looks_today(casework, &whose.id).await?.looks;
    exposure::lift(casework, whose, looks, more, because, by).await
}

async fn exposure_within(tx: &mut Tx, now: i64, person: &str) -> Result<Exposure> {
    let looks = looks_since(tx, person, exposure::begin_of_day(now)).await?;
    exposure::with_looks(tx, now, person, looks).await
}

/// How long a look may take from its record to its pixels, in microseconds: a minute. Our judgement.
const LOOK_MICROS: i64 = 60 * 1_000_000;

/// Looks of a person whose pixels may still be on their way: until they leave they are on record as
/// failed.
async fn under_way(tx: &mut Tx, person: &str, now: i64) -> Result<i64> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM views WHERE person = $1 AND viewed_at > $2 AND extent = 'failed'",
    )
    .bind(person)
    .bind(now - LOOK_MICROS)
    .fetch_one(&mut **tx)
    .await?;
    Columns::of(&row).int()
}

/// How often a person looked at an exhibit, whole or in part, since a time (microseconds since 1970).
async fn looks_since(tx: &mut Tx, person: &str, since: i64) -> Result<i64> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM views WHERE person = $1 AND viewed_at >= $2 AND extent IN ('whole', 'part')",
    )
    .bind(person)
    .bind(since)
    .fetch_one(&mut **tx)
    .await?;
    Columns::of(&row).int()
}

/// A view of a whole exhibit.
pub(crate) struct WholeView {
    pub exhibit: String,
    /// Id of the person.
    pub person: String,
    /// When, microseconds since 1970.
    pub viewed_at: i64,
}

/// The views of these exhibits that were of the whole.
pub(crate) async fn whole(tx: &mut Tx, exhibits: &[&String]) -> Result<Vec<WholeView>> {
    let sql = "SELECT exhibit, person, viewed_at FROM views WHERE extent = 'whole' AND exhibit IN ({values})";
    let rows = rows_in(tx, sql, exhibits).await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(WholeView {
                exhibit: c.text()?,
                person: c.text()?,
                viewed_at: c.int()?,
            })
        })
        .collect()
}

/// Other exhibits with the same bytes, the newest first.
pub(crate) async fn same_bytes(tx: &mut Tx, exhibit: &str) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT other.exhibit FROM exhibit_digests own JOIN exhibit_digests other ON other.bytes_key = own.bytes_key
         WHERE own.exhibit = $1 AND other.exhibit <> own.exhibit ORDER BY other.seq DESC",
    )
    .bind(exhibit)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// Exhibits with these bytes, by keyed digest ([`Casework::bytes_key`]): key and exhibit, oldest
/// first within a batch.
pub(crate) async fn exhibits_of_bytes(
    tx: &mut Tx,
    keys: &[&String],
) -> Result<Vec<(String, String)>> {
    let sql = "SELECT bytes_key, exhibit, seq FROM exhibit_digests WHERE bytes_key IN ({values})
         UNION SELECT keys.bytes_key, keys.exhibit, own.seq FROM exhibit_keys keys
         JOIN exhibit_digests own ON own.exhibit = keys.exhibit WHERE keys.bytes_key IN ({values}) ORDER BY seq";
    let rows = rows_in(tx, sql, keys).await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.text()?, c.text()?))
        })
        .collect()
}

/// The exhibits that were added to a case, whether or not a finding names them.
pub(crate) async fn of_case(tx: &mut Tx, case: &str) -> Result<Vec<String>> {
    let rows = sqlx::query("SELECT exhibit FROM exhibit_digests WHERE case_id = $1")
        .bind(case)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(|row| Columns::of(row).text()).collect()
}

/// Exhibits on record in the order of their intake, at most `most` whose numbers are greater than
/// `after`, with their numbers.
pub(crate) async fn on_record_after(
    tx: &mut Tx,
    after: i64,
    most: i64,
) -> Result<Vec<(i64, String)>> {
    let rows = sqlx::query(
        "SELECT seq, exhibit FROM exhibit_digests WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(most)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok((c.int()?, c.text()?))
        })
        .collect()
}

/// When an exhibit was taken in, microseconds since 1970, and the case it was taken in for, empty
/// without one; `None` if it isn't on record.
pub(crate) async fn taken_in(tx: &mut Tx, exhibit: &str) -> Result<Option<(i64, String)>> {
    let row = sqlx::query("SELECT kept_at, case_id FROM exhibit_digests WHERE exhibit = $1")
        .bind(exhibit)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        Ok((c.int()?, c.maybe_text()?.unwrap_or_default()))
    })
    .transpose()
}

/// Deletes the digests of an exhibit that was erased.
pub(crate) async fn forget_digests(tx: &mut Tx, exhibit: &str) -> Result<()> {
    for sql in [
        "DELETE FROM exhibit_keys WHERE exhibit = $1",
        "DELETE FROM exhibit_digests WHERE exhibit = $1",
    ] {
        sqlx::query(sql).bind(exhibit).execute(&mut **tx).await?;
    }
    running_time::forget(tx, exhibit).await
}

/// True if a person had viewed the whole exhibit by a time, microseconds since 1970.
pub(crate) async fn viewed_whole_by(
    tx: &mut Tx,
    exhibit: &str,
    person: &str,
    until: i64,
) -> Result<bool> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM views WHERE exhibit = $1 AND person = $2 AND extent = $3 AND viewed_at <= $4",
    )
    .bind(exhibit)
    .bind(person)
    .bind(Extent::Whole.word())
    .bind(until)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Columns::of(&row).int()? > 0)
}

/// The number of different files among the exhibits, and one exhibit of each file that this person
/// hasn't viewed whole in any copy. Exhibits without digests on record aren't counted.
pub(crate) async fn unseen_by(
    tx: &mut Tx,
    exhibits: &[String],
    person: &str,
) -> Result<(usize, Vec<String>)> {
    let sql =
        "SELECT bytes_key, exhibit FROM exhibit_digests WHERE exhibit IN ({values}) ORDER BY seq";
    let mut different = std::collections::BTreeMap::new();
    for row in &rows_in(tx, sql, exhibits).await? {
        let mut c = Columns::of(row);
        different.entry(c.text()?).or_insert(c.text()?);
    }
    let count = different.len();
    let mut unseen = Vec::new();
    for (key, exhibit) in different {
        let seen = sqlx::query(
            "SELECT 1 FROM views JOIN exhibit_digests own ON own.exhibit = views.exhibit
             WHERE own.bytes_key = $1 AND views.person = $2 AND views.extent = $3 LIMIT 1",
        )
        .bind(key)
        .bind(person)
        .bind(Extent::Whole.word())
        .fetch_optional(&mut **tx)
        .await?;
        if seen.is_none() {
            unseen.push(exhibit);
        }
    }
    Ok((count, unseen))
}

/// The oldest other exhibit with the same bytes that a person has viewed whole.
pub(crate) async fn viewed_copy(tx: &mut Tx, exhibit: &str) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT other.exhibit FROM exhibit_digests own
         JOIN exhibit_digests other ON other.bytes_key = own.bytes_key AND other.exhibit <> own.exhibit
         WHERE own.exhibit = $1 AND EXISTS (SELECT 1 FROM views WHERE views.exhibit = other.exhibit AND views.extent = $2)
         ORDER BY other.seq LIMIT 1",
    )
    .bind(exhibit)
    .bind(Extent::Whole.word())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Columns::of(&row).text()).transpose()
}

/// What people have seen of an exhibit, by the record.
pub(crate) async fn viewed(tx: &mut Tx, exhibit: &str) -> Result<Viewed> {
    let rows = sqlx::query("SELECT DISTINCT extent FROM views WHERE exhibit = $1")
        .bind(exhibit)
        .fetch_all(&mut **tx)
        .await?;
    let mut viewed = Viewed::default();
    for row in &rows {
        match Columns::of(row).word(Extent::from_word, "extent")? {
            Extent::Whole => viewed.whole = true,
            Extent::Metadata => viewed.metadata = true,
            // A view of a part or a rendition doesn't count: reports claim only a view of the whole
            // file or of its metadata.
            Extent::Part | Extent::Blurred | Extent::Unseen | Extent::Failed => {}
        }
    }
    Ok(viewed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    /// A damaged exhibit once counted as viewed whole, because its view was recorded before the
    /// read failed.
    #[tokio::test]
    async fn what_could_not_be_read_was_not_viewed() {
        let (folder, c) = bench::opened().await;
        let reviewer = crate::add_person(&c, "Rita", &[Role::Reviewer], "test")
            .await
            .unwrap();
        let [sound, damaged] = ["sound", "damaged"].map(str::as_bytes);
        let put = async |bytes| {
            put_exhibit(&c, bytes, None, None, None, None, &reviewer)
                .await
                .unwrap()
                .id
        };
        let (sound, damaged) = (put(sound).await, put(damaged).await);
        let broken = walk(folder.path())
            .into_iter()
            .filter(|p| p.to_string_lossy().contains(&damaged))
            .filter(|p| p.is_file())
            .inspect(|p| std::fs::write(p, b"nothing of it is left").unwrap())
            .count();
        assert!(broken > 0, "the vault keeps a file named after the exhibit");
        for (exhibit, expected) in [(&sound, true), (&damaged, false)] {
            let read = view(&c, exhibit, &reviewer, "decision", Extent::Whole).await;
            assert_eq!(read.is_ok(), expected);
            let mut tx = c.db.snapshot().await.unwrap();
            assert_eq!(viewed(&mut tx, exhibit).await.unwrap().whole, expected);
        }
        // The attempt itself stays on record.
        assert_eq!(views(&c, &damaged).await.unwrap()[0].extent, Extent::Failed);
        assert!(
            view(&c, &sound, &reviewer, "decision", Extent::Failed)
                .await
                .is_err()
        );
    }

    fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all.extend(walk(&path));
            }
            all.push(path);
        }
        all
    }
}
