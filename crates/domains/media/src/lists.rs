//! Hash lists: who owns them, what for, on what basis, who signed, and which entries are disputed.
//!
//! No table holds an entry's digest in the clear. Each version is an immutable file, encrypted at
//! rest: a whole list, or a delta on the previous version. Disputing an entry removes it from
//! matching immediately, without a signature. A signature covers one version of one list. Only a
//! version signed by two people matches; a newer unsigned version only counts hits while the signed
//! one keeps matching.

mod contents;
mod current;
mod disputes;
mod entries;
mod files;
mod loaded;
mod reader;
mod segment;
mod signed;
mod videos;
mod votes;

pub use contents::{
    Bank, CONTENT_ENABLED, Content, add_content, bank, banks, content, create_bank, remove_bank,
    remove_content, set_bank_ratio, set_content,
};
pub use current::watch_changes;
pub(crate) use current::{Snapshot, kept};
pub(crate) use disputes::{Dispute, dispute, dispute_near, dispute_of, disputed, propose_dispute};
pub use disputes::{dispute_entry, lift_dispute};
use files::Checker;
pub(crate) use loaded::EntryHit;
pub use loaded::LoadedList;
pub use reader::{ListProblem, read_list_file, read_plain_list};
pub use signed::{CheckedList, checked_lists};
pub(crate) use signed::{bind_old_signatures, faults_of_files, key_contents, unnamed_files};
pub use videos::{PERCENT_MIN as VIDEO_PERCENT_MIN, Stretch, VideoFrameDigest, compare_videos};
pub(crate) use videos::{QueryFrame, pad_edges};
pub use votes::{Vote, VoteReason, approve_vote, propose_vote, votes};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use current::{OnRecord, verify};
use entries::Entries;
use loaded::{About, Contents};
use obhut_casework::for_domains::{Columns, Inside as _, Tx, audit, changes, ids};
use obhut_casework::{Action, Casework, CaseworkError, Person, Purpose, Result, Role};

/// Signatures a version needs before it does more than count. Our judgement.
const SIGNATURES_MIN: usize = 2;
/// Largest distance a list may be given, in bits. Our judgement.
const DISTANCE_BITS_MAX: u32 = 64;
/// Longest name of a list, in characters. Our judgement.
const NAME_CHARS_MAX: usize = 100;

/// For the fuzzer: any bytes are either refused or encode to themselves.
#[doc(hidden)]
pub fn probe_segment(bytes: &[u8]) {
    if let Ok(entries) = segment::read(bytes) {
        // A list has exactly one encoding: signatures cover the digest of these bytes.
        assert_eq!(segment::write(&entries), bytes);
    }
}

/// A list's settings, as given at import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListSettings {
    /// Its name, unique.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The legal basis it is used on.
    pub basis: String,
    /// What a match does.
    pub action: Action,
}

/// Category of an entry. Empty strings if the list gives none.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize)]
pub struct EntryLabel {
    /// The scale of the category: values mean nothing without it.
    pub scale: String,
    /// The category on that scale.
    pub category: String,
}

/// A list on record, with its newest version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HashList {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The legal basis.
    pub basis: String,
    /// What a match does.
    pub action: Action,
    /// Largest distance that matches, in bits; `None` for the default of the hash kind.
    pub distance: Option<i64>,
    /// Newest version. It is the SHA-256 of the imported file; for a delta, the SHA-256 over the
    /// version it builds on and the SHA-256 of its own file. What HMA's interface adds has no
    /// imported file; there a random id is hashed instead.
    pub version: String,
    /// Entries of the newest version.
    pub entries: u64,
    /// Rows of the newest version's file that could not be read or occur twice. Above 10,000 the
    /// rest counts as one, so the number is then a lower bound.
    pub problems: u64,
    /// Who signed the newest version, oldest signature first.
    pub signatures: Vec<String>,
    /// True when the newest version has too few signatures: it only counts.
    pub unsigned: bool,
    /// The version that matches; none while no version has its signatures.
    pub matching_version: Option<String>,
    /// Number of disputed entries, which don't match.
    pub disabled: u64,
    /// Hits of the newest version while it only counted.
    pub hits_counted: u64,
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Import {
    /// The list after the import.
    pub list: HashList,
    /// False if the list already had this version, that is, the same file was imported before.
    pub new_version: bool,
    /// Rows that were left out, and why; beyond 10,000 only how many more there are.
    pub problems: Vec<ListProblem>,
}

/// Imports a file as a new version of a list, which is created if its name is new. A bad row never
/// stops the rest.
///
/// # Errors
/// Invalid settings, no readable row, or a list of that name with other settings.
pub async fn import_list(
    casework: &Casework,
    settings: &ListSettings,
    csv: &[u8],
    importer: &str,
) -> Result<Import> {
    check(settings)?;
    // Before the transaction: parsing millions of rows must not block other writers.
    let (mut list, problems) = read(casework, &settings.name, csv)?;
    let mut tx = casework.begin().await?;
    let id = list_row(casework, &mut tx, settings).await?;
    // An older release named a version by the plain digest of its file.
    let plain = hex::encode(Sha256::digest(csv));
    let known = sqlx::query("SELECT 1 FROM list_versions WHERE list = $1 AND version = $2")
        .bind(&id)
        .bind(&plain)
        .fetch_optional(&mut *tx)
        .await?;
    if known.is_some() {
        list.version = plain;
    }
    let file = File {
        list: &id,
        version: &list.version.clone(),
        parent: None,
        entries: &list,
        entries_in_all: list.len() as i64,
        problems: problems.len(),
        one_content: false,
    };
    let new_version = add_version(casework, &mut tx, &file, importer)
        .await?
        .is_some();
    tx.commit().await?;
    Ok(Import {
        list: self::list(casework, &settings.name).await?,
        new_version,
        problems,
    })
}

/// Adds the entries of a file to a list, as a new version that builds on the newest one. Like
/// every version it only counts until two people have signed it.
///
/// # Errors
/// No list has that name, or no row could be read.
pub async fn add_entries(
    casework: &Casework,
    name: &str,
    csv: &[u8],
    importer: &str,
) -> Result<Import> {
    let (entries, problems) = read(casework, name, csv)?;
    add_delta(casework, name, entries, problems.len(), false, importer).await?;
    Ok(Import {
        list: self::list(casework, name).await?,
        new_version: true,
        problems,
    })
}

/// Adds entries as a delta on the newest version; returns the content number of the first entry.
pub(crate) async fn add_delta(
    casework: &Casework,
    name: &str,
    entries: Entries,
    problems: usize,
    one_content: bool,
    importer: &str,
) -> Result<i64> {
    let mut tx = casework.begin().await?;
    // Before the newest version is read: two deltas on the same one would fork the list.
    lock(&mut tx, name).await?;
    let newest = sqlx::query(
        "SELECT l.id, v.version, v.entries FROM lists l JOIN list_versions v ON v.list = l.id
         WHERE l.name = $1 ORDER BY v.sequence DESC LIMIT 1",
    )
    .bind(name)
    .fetch_optional(&mut *tx)
    .await?;
    let row = newest.ok_or_else(|| not_found(name))?;
    let mut c = Columns::of(&row);
    let (id, parent, so_far) = (c.text()?, c.text()?, c.int()?);
    let version = hex::encode(Sha256::digest(format!("{parent}\n{}", entries.version)));
    let file = File {
        list: &id,
        version: &version,
        parent: Some(&parent),
        entries: &entries,
        entries_in_all: so_far + entries.len() as i64,
        problems,
        one_content,
    };
    let first = add_version(casework, &mut tx, &file, importer).await?;
    tx.commit().await?;
    // The version covers its parent, the newest one, so it cannot be on record yet.
    first.ok_or_else(|| CaseworkError::unreadable("a list's delta"))
}

/// A list without entries, to which deltas can be added.
pub(crate) async fn create_list(
    casework: &Casework,
    settings: &ListSettings,
    actor: &str,
) -> Result<()> {
    check(settings)?;
    let mut tx = casework.begin().await?;
    let id = list_row(casework, &mut tx, settings).await?;
    let entries = Entries {
        // No file to hash; the random id makes the version unique.
        version: hex::encode(Sha256::digest(&id)),
        labels: Vec::new(),
        columns: Vec::new(),
    };
    let file = File {
        list: &id,
        version: &entries.version.clone(),
        parent: None,
        entries: &entries,
        entries_in_all: 0,
        problems: 0,
        one_content: false,
    };
    // The version follows from the list's id, so it is on record only if this function created the
    // list before.
    if add_version(casework, &mut tx, &file, actor)
        .await?
        .is_none()
    {
        return Err(CaseworkError::conflict(format!(
            "\"{}\" exists already",
            settings.name
        )));
    }
    tx.commit().await?;
    Ok(())
}

/// The id of the list with these settings. Creates the list if its name is not on record.
async fn list_row(casework: &Casework, tx: &mut Tx, settings: &ListSettings) -> Result<String> {
    // Locks nothing while the list has no row. If two calls create it, the unique name stops one.
    lock(tx, &settings.name).await?;
    let known = sqlx::query("SELECT id, owner, purpose, basis, action FROM lists WHERE name = $1")
        .bind(&settings.name)
        .fetch_optional(&mut **tx)
        .await?;
    if let Some(row) = known {
        let mut c = Columns::of(&row);
        let id = c.text()?;
        let stored = (c.text()?, c.text()?, c.text()?, c.text()?);
        let given = (
            settings.owner.clone(),
            settings.purpose.word().to_owned(),
            settings.basis.clone(),
            settings.action.word().to_owned(),
        );
        // Findings on record name the list, so its purpose and basis must stay what they were then.
        if stored != given {
            return Err(CaseworkError::conflict(format!(
                "\"{}\" is on record with owner \"{}\", purpose {}, basis \"{}\", action {}; these can't be changed: use the same settings, or another name",
                settings.name, stored.0, stored.1, stored.2, stored.3
            )));
        }
        Ok(id)
    } else {
        let id = ids::new("list");
        sqlx::query(
            "INSERT INTO lists (id, name, owner, purpose, basis, action, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(&settings.name)
        .bind(&settings.owner)
        .bind(settings.purpose.word())
        .bind(&settings.basis)
        .bind(settings.action.word())
        .bind(casework.now_micros())
        .execute(&mut **tx)
        .await?;
        Ok(id)
    }
}

fn read(casework: &Casework, name: &str, csv: &[u8]) -> Result<(Entries, Vec<ListProblem>)> {
    // Keyed with the lookup key: stable across versions, and useless for a dictionary lookup.
    let name_entry = |kind: &str, digest: &obhut_hash::Digest, _| {
        let what = [
            name.as_bytes(),
            b"\n",
            kind.as_bytes(),
            b"\n",
            digest.as_bytes(),
        ]
        .concat();
        // 64 bits: among 50 million entries (ROWS_MAX) two share a name with a chance of 1 in 15,000.
        format!("e-{}", &casework.keyed_digest("list entry", &what)[..16])
    };
    let (mut entries, problems) = reader::read(csv, &name_entry);
    // Keyed, because it is a file's name and part of findings: from a plain digest the one entry of a
    // short list could be found by trying out digests.
    entries.version = casework.keyed_digest("list version", entries.version.as_bytes());
    if entries.len() == 0 {
        let first = problems
            .first()
            .map_or_else(String::new, |p| format!("; the first problem is {p}"));
        return Err(CaseworkError::invalid(
            "csv",
            format!(
                "no row could be read, so nothing was imported{first}. A list is a CSV file with the columns kind, digest and, if wanted, category_scale, category, entry_id"
            ),
        ));
    }
    Ok((entries, problems))
}

/// Writes a version's file and its row; returns the content number of its first entry. `None` if
/// the version is on record already; then the call only restores a lost or damaged file.
// Long: writes file and row of one version.
async fn add_version(
    casework: &Casework,
    tx: &mut Tx,
    file: &File<'_>,
    importer: &str,
) -> Result<Option<i64>> {
    let known = sqlx::query("SELECT COUNT(*) FROM list_versions WHERE list = $1 AND version = $2")
        .bind(file.list)
        .bind(file.version)
        .fetch_one(&mut **tx)
        .await?;
    let bytes = segment::write(file.entries);
    let checker = Checker::of(casework);
    if Columns::of(&known).int()? > 0 {
        // Importing the same content again restores a lost or damaged file.
        let path = casework.folder().list_file(file.list, file.version);
        let on_record = signed::own_content(tx, file.list, file.version).await?;
        // Only the content on record is restored: signatures cover no other.
        if checker.read(&path, &on_record).is_err() && checker.is(&bytes, &on_record) {
            files::store(casework, tx, file.list, file.version, &bytes).await?;
            audit::write(
                tx,
                casework.now_micros(),
                importer,
                "list.restore",
                file.list,
                file.version,
            )
            .await?;
        }
        return Ok(None);
    }
    // The file first: a version in the database always has its file.
    files::store(casework, tx, file.list, file.version, &bytes).await?;
    // Two imports cannot take one number: the list is locked, and (list, sequence) is unique.
    let last = sqlx::query("SELECT COALESCE(MAX(sequence), 0) FROM list_versions WHERE list = $1")
        .bind(file.list)
        .fetch_one(&mut **tx)
        .await?;
    let sequence = Columns::of(&last).int()? + 1;
    // HMA numbers contents, not digests: all signals of one content share a number.
    let rows = if file.one_content {
        1
    } else {
        file.entries.len() as i64
    };
    // One counter for all lists, because the number alone is the key of `bank_contents`.
    let first = changes::numbers(tx, "contents", rows).await?;
    sqlx::query(
        "INSERT INTO list_versions (list, version, sequence, entries, problems, imported_by, imported_at,
            hits_counted, parent, first_content, one_content, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11)",
    )
    .bind(file.list)
    .bind(file.version)
    .bind(sequence)
    .bind(file.entries_in_all)
    .bind(file.problems as i64)
    .bind(importer)
    .bind(casework.now_micros())
    .bind(file.parent)
    .bind(first)
    .bind(i64::from(file.one_content))
    .bind(checker.bound(&bytes))
    .execute(&mut **tx)
    .await?;
    changes::note(tx).await?;
    let detail = format!("{} entries, {} problems", file.entries.len(), file.problems);
    let what = if file.parent.is_some() {
        "list.add"
    } else {
        "list.import"
    };
    audit::write(
        tx,
        casework.now_micros(),
        importer,
        what,
        file.list,
        &detail,
    )
    .await?;
    Ok(Some(first))
}

/// Sets a list's maximum distance in bits; `None` restores the default of the hash kind.
///
/// # Errors
/// More than 64 bits, or no list has that name.
pub async fn set_list_distance(
    casework: &Casework,
    name: &str,
    distance_bits: Option<u32>,
    actor: &str,
) -> Result<HashList> {
    if distance_bits.is_some_and(|d| d > DISTANCE_BITS_MAX) {
        return Err(CaseworkError::invalid(
            "distance",
            format!(
                "a distance above {DISTANCE_BITS_MAX} bits matches pictures that have nothing to do with each other"
            ),
        ));
    }
    let list = self::list(casework, name).await?;
    let mut tx = casework.begin().await?;
    // Not covered by the signatures, which are over content; the audit trail names who set it.
    sqlx::query("UPDATE lists SET distance = $1 WHERE id = $2")
        .bind(distance_bits.map(i64::from))
        .bind(&list.id)
        .execute(&mut *tx)
        .await?;
    changes::note(&mut tx).await?;
    let detail = distance_bits.map_or_else(|| "the kind's own".into(), |d| format!("{d} bits"));
    audit::write(
        &mut tx,
        casework.now_micros(),
        actor,
        "list.distance",
        &list.id,
        &detail,
    )
    .await?;
    tx.commit().await?;
    self::list(casework, name).await
}

/// Signs the newest version of a list in a person's name.
///
/// # Errors
/// No list has that name, the person isn't a list steward or has signed this version already, or
/// one of its files is not the one that was imported.
pub async fn sign_list(casework: &Casework, name: &str, person: &Person) -> Result<HashList> {
    sign(casework, name, None, person).await
}

/// Like [`sign_list`], for a person who was shown a version: nothing is signed if it isn't the newest
/// any more.
///
/// # Errors
/// Those of [`sign_list`], and a newer version.
pub async fn sign_list_as_shown(
    casework: &Casework,
    name: &str,
    version: &str,
    person: &Person,
) -> Result<HashList> {
    sign(casework, name, Some(version), person).await
}

async fn sign(
    casework: &Casework,
    name: &str,
    shown: Option<&str>,
    person: &Person,
) -> Result<HashList> {
    person.require(Role::ListSteward)?;
    let list = self::list(casework, name).await?;
    if shown.is_some_and(|shown| shown != list.version) {
        return Err(CaseworkError::conflict(format!(
            "a newer version of \"{name}\" came in meanwhile; look at it, then sign it"
        )));
    }
    // A signature covers what the files contain, so they must still be the ones that were imported.
    verify(casework, &list.id, &list.version).await?;
    let mut tx = casework.begin().await?;
    let content = signed::content(&mut tx, &list.id, &list.version)
        .await?
        .ok_or_else(|| CaseworkError::unreadable("a list's version"))?;
    let signed = sqlx::query(
        "INSERT INTO list_signatures (list, version, person, name, signed_at, content) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (list, version, person) DO NOTHING",
    )
    .bind(&list.id)
    .bind(&list.version)
    .bind(&person.id)
    .bind(&person.name)
    .bind(casework.now_micros())
    .bind(content)
    .execute(&mut *tx)
    .await?;
    // The primary key has the person in it, so a second signature is always another person's.
    if signed.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "{} has signed this version of \"{}\" already; the second signature must be another person's",
            person.name, list.name
        )));
    }
    changes::note(&mut tx).await?;
    audit::write(
        &mut tx,
        casework.now_micros(),
        &person.id,
        "list.sign",
        &list.id,
        &list.version,
    )
    .await?;
    tx.commit().await?;
    self::list(casework, name).await
}

/// The list of that name; not found if there is none.
pub async fn list(casework: &Casework, name: &str) -> Result<HashList> {
    all_lists(casework)
        .await?
        .into_iter()
        .find(|l| l.name == name)
        .ok_or_else(|| not_found(name))
}

/// All lists, by name.
pub async fn all_lists(casework: &Casework) -> Result<Vec<HashList>> {
    // On SQLite lists, versions and signatures agree with each other; on PostgreSQL each statement
    // sees what was committed before it began.
    let mut tx = casework.snapshot().await?;
    let rows = sqlx::query(
        "SELECT id, name, owner, purpose, basis, action, distance FROM lists ORDER BY name",
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut lists = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let mut list = HashList {
            id: c.text()?,
            name: c.text()?,
            owner: c.text()?,
            purpose: c.word(Purpose::from_word, "purpose")?,
            basis: c.text()?,
            action: c.word(Action::from_word, "action")?,
            distance: c.maybe_int()?,
            version: String::new(),
            entries: 0,
            problems: 0,
            signatures: Vec::new(),
            unsigned: true,
            matching_version: None,
            disabled: 0,
            hits_counted: 0,
        };
        fill_versions(&mut tx, &mut list).await?;
        lists.push(list);
    }
    Ok(lists)
}

/// A version that is about to be written.
struct File<'a> {
    list: &'a str,
    version: &'a str,
    parent: Option<&'a str>,
    entries: &'a Entries,
    entries_in_all: i64,
    problems: usize,
    one_content: bool,
}

fn not_found(name: &str) -> CaseworkError {
    CaseworkError::NotFound {
        what: "list",
        id: name.to_owned(),
    }
}

/// Every list, by name, with the versions to load for its newest and its signed version. Each chain
/// is newest first.
async fn lists_on_record(tx: &mut Tx) -> Result<Vec<(About, Vec<OnRecord>)>> {
    let rows = sqlx::query("SELECT id, name, purpose, action, distance FROM lists ORDER BY name")
        .fetch_all(&mut **tx)
        .await?;
    let mut lists = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let mut about = About {
            id: c.text()?,
            name: c.text()?,
            purpose: Some(c.word(Purpose::from_word, "purpose")?),
            action: Some(c.word(Action::from_word, "action")?),
            distance_bits: c.maybe_int()?.map(|d| d as u32),
            ..About::default()
        };
        about.signed_version = signed::matching_version(tx, &about.id).await?;
        let newest = sqlx::query(
            "SELECT version FROM list_versions WHERE list = $1 ORDER BY sequence DESC LIMIT 1",
        )
        .bind(&about.id)
        .fetch_optional(&mut **tx)
        .await?;
        let mut versions = match newest {
            Some(row) => versions_of(tx, &about.id, &Columns::of(&row).text()?).await?,
            None => Vec::new(),
        };
        // A newer whole file does not build on the signed version, so the signed version and those
        // it builds on are added.
        if let Some(signed) = &about.signed_version
            && versions.iter().all(|v| v.version != *signed)
        {
            versions.extend(versions_of(tx, &about.id, signed).await?);
        }
        lists.push((about, versions));
    }
    Ok(lists)
}

/// All versions from the last whole file up to this one, newest first. A delta always builds on the
/// newest version, so this is the whole chain.
async fn versions_of(tx: &mut Tx, list: &str, version: &str) -> Result<Vec<OnRecord>> {
    let rows = sqlx::query(
        "SELECT version, parent, first_content, one_content, content FROM list_versions
         WHERE list = $1
           AND sequence <= (SELECT sequence FROM list_versions WHERE list = $1 AND version = $2)
           AND sequence >= (SELECT COALESCE(MAX(sequence), 0) FROM list_versions
                WHERE list = $1 AND parent IS NULL
                  AND sequence <= (SELECT sequence FROM list_versions WHERE list = $1 AND version = $2))
         ORDER BY sequence DESC",
    )
    .bind(list)
    .bind(version)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(OnRecord {
                version: c.text()?,
                parent: c.maybe_text()?,
                contents: Contents {
                    first: c.int()?,
                    one: c.int()? != 0,
                },
                content: c.text()?,
            })
        })
        .collect()
}

/// Locks a list until the transaction ends. A delta builds on the newest version, so concurrent imports
/// must be serialised.
async fn lock(tx: &mut Tx, name: &str) -> Result<()> {
    // An update that changes nothing locks the row; SQLite has no SELECT … FOR UPDATE.
    sqlx::query("UPDATE lists SET name = name WHERE name = $1")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counts a hit of an unsigned version.
pub(crate) async fn count_hit(tx: &mut Tx, list: &str, version: &str) -> Result<()> {
    sqlx::query(
        "UPDATE list_versions SET hits_counted = hits_counted + 1 WHERE list = $1 AND version = $2",
    )
    .bind(list)
    .bind(version)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn fill_versions(tx: &mut Tx, list: &mut HashList) -> Result<()> {
    let newest = sqlx::query(
        "SELECT version, entries, problems, hits_counted FROM list_versions
         WHERE list = $1 ORDER BY sequence DESC LIMIT 1",
    )
    .bind(&list.id)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(row) = newest {
        let mut c = Columns::of(&row);
        list.version = c.text()?;
        list.entries = c.int()? as u64;
        list.problems = c.int()? as u64;
        list.hits_counted = c.int()? as u64;
    }
    // Only signatures over the current content count, not those over a file replaced since.
    let signatures = sqlx::query(
        "SELECT name FROM list_signatures WHERE list = $1 AND version = $2 AND content = $3 ORDER BY signed_at, name",
    )
    .bind(&list.id)
    .bind(&list.version)
    .bind(signed::content(tx, &list.id, &list.version).await?.unwrap_or_else(|| "none".into()))
    .fetch_all(&mut **tx)
    .await?;
    for row in &signatures {
        list.signatures.push(Columns::of(row).text()?);
    }
    list.matching_version = signed::matching_version(tx, &list.id).await?;
    // Not from the number of names: `matching_version` alone decides what counts as signed.
    list.unsigned = list.matching_version.as_ref() != Some(&list.version);
    list.disabled = disputes::count(tx, &list.id).await?;
    Ok(())
}

fn check(settings: &ListSettings) -> Result<()> {
    let name_fits = (1..=NAME_CHARS_MAX).contains(&settings.name.chars().count())
        && !settings.name.chars().any(char::is_control);
    if !name_fits {
        return Err(CaseworkError::invalid(
            "name",
            format!("a list's name has 1 to {NAME_CHARS_MAX} characters and no control characters"),
        ));
    }
    if settings.owner.trim().is_empty() || settings.basis.trim().is_empty() {
        return Err(CaseworkError::invalid(
            "owner",
            "a list needs a named owner and a legal basis",
        ));
    }
    match (settings.purpose, settings.action) {
        (Purpose::SelfSubmission, Action::Block) => Err(CaseworkError::invalid(
            "action",
            "self-submitted hashes are not assessed: they may hold, never block",
        )),
        (Purpose::KnownHarmless, Action::Hold | Action::Block) => Err(CaseworkError::invalid(
            "action",
            "a list of harmless material neither holds nor blocks",
        )),
        _ => Ok(()),
    }
}
