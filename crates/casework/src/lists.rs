//! Hash lists: who owns them, what for, on what basis, who signed, and which entries are disputed.
//!
//! The digests themselves are in no table: each version is one immutable file, sealed at rest.
//! A signature stands for one version of one list. A version with two signatures of two people is
//! the one that matches; a newer version without them only counts, and until then the older one
//! goes on matching.

mod loaded;
mod reader;
mod segment;

pub use loaded::LoadedList;
pub use reader::{ListProblem, read_list_file};

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

use serde::Serialize;

use crate::data_folder::write_private;
use crate::database::{Columns, Step, Tx, words};
use crate::{Casework, CaseworkError, Person, Result, Role, audit, ids};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 3,
    sql: &[
        "CREATE TABLE lists (
            id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, purpose TEXT NOT NULL,
            basis TEXT NOT NULL, action TEXT NOT NULL, created_at BIGINT NOT NULL)",
        "CREATE TABLE list_versions (
            list TEXT NOT NULL REFERENCES lists(id), version TEXT NOT NULL, sequence BIGINT NOT NULL,
            entries BIGINT NOT NULL, problems BIGINT NOT NULL, imported_by TEXT NOT NULL, imported_at BIGINT NOT NULL,
            hits_counted BIGINT NOT NULL, PRIMARY KEY (list, version))",
        "CREATE TABLE list_signatures (
            list TEXT NOT NULL, version TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
            signed_at BIGINT NOT NULL, PRIMARY KEY (list, version, person))",
        "CREATE TABLE list_disputes (
            list TEXT NOT NULL, entry TEXT NOT NULL, disputed_by TEXT NOT NULL, reason TEXT NOT NULL,
            disputed_at BIGINT NOT NULL, lifted_at BIGINT, PRIMARY KEY (list, entry))",
    ],
}];

/// Signatures a version needs before it does more than count.
const SIGNATURES_MIN: usize = 2;
/// Longest name of a list, in characters.
const NAME_CHARS_MAX: usize = 100;

words! {
    /// What a list is for. The set is closed: there is no purpose but these.
    Purpose {
        /// Assessed by people as abuse material.
        Assessed = "assessed",
        /// Handed in by the person shown, not assessed: may queue, never block.
        SelfSubmission = "self-submission",
        /// Known to be harmless; tells a reviewer so, and hides no match.
        KnownHarmless = "known-harmless",
    }
}

words! {
    /// What happens to an upload; both `hold` and `block` can be undone.
    Action {
        /// Nothing.
        Pass = "pass",
        /// Kept back until a person has looked.
        Hold = "hold",
        /// Not published; a person looks all the same.
        Block = "block",
    }
}

/// What an importer says of a list.
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

/// What an entry says beside its digest. Empty where the list says nothing.
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
    /// Newest version: SHA-256 of the imported file.
    pub version: String,
    /// Entries of the newest version.
    pub entries: u64,
    /// Rows of its file that could not be read.
    pub problems: u64,
    /// Who signed the newest version, oldest signature first.
    pub signatures: Vec<String>,
    /// True when the newest version has too few signatures: it only counts.
    pub unsigned: bool,
    /// The version that matches; none while no version has its signatures.
    pub matching_version: Option<String>,
    /// Entries that don't match because somebody disputed them.
    pub disabled: u64,
    /// Hits of the newest version while it only counted.
    pub hits_counted: u64,
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Import {
    /// The list as it stands now.
    pub list: HashList,
    /// False when that very file had been imported before.
    pub new_version: bool,
    /// Rows that were left out, and why.
    pub problems: Vec<ListProblem>,
}

impl Casework {
    /// Imports a file as a new version of a list; a bad row never stops the rest.
    pub async fn import_list(
        &self,
        settings: &ListSettings,
        csv: &[u8],
        importer: &str,
    ) -> Result<Import> {
        check(settings)?;
        // Under a key of ours: the same in every version, and no digest that anybody could look up.
        let name_entry = |kind: &str, digest: &obhut_hash::Digest, _| {
            let what = [
                settings.name.as_bytes(),
                b"\n",
                kind.as_bytes(),
                b"\n",
                digest.as_bytes(),
            ]
            .concat();
            format!("e-{}", &self.sealer.keyed_digest("list entry", &what)[..16])
        };
        let (list, problems) = reader::read(&settings.name, csv, &name_entry);
        if list.len() == 0 {
            let first = problems
                .first()
                .map_or_else(String::new, |p| format!("; the first problem is {p}"));
            return Err(CaseworkError::refused(format!(
                "no row could be read, so nothing was imported{first}. A list is a CSV file with the columns kind, digest and, if wanted, category_scale, category, entry_id"
            )));
        }
        let mut tx = self.db.begin().await?;
        let known =
            sqlx::query("SELECT id, owner, purpose, basis, action FROM lists WHERE name = $1")
                .bind(&settings.name)
                .fetch_optional(&mut *tx)
                .await?;
        let id = if let Some(row) = known {
            let mut c = Columns::of(&row);
            let id = c.text()?;
            let stored = (c.text()?, c.text()?, c.text()?, c.text()?);
            let given = (
                settings.owner.clone(),
                settings.purpose.word().to_owned(),
                settings.basis.clone(),
                settings.action.word().to_owned(),
            );
            if stored != given {
                return Err(CaseworkError::refused(format!(
                    "\"{}\" is on record with owner \"{}\", purpose {}, basis \"{}\", action {}; those never change under a name: give the same, or import under another name",
                    settings.name, stored.0, stored.1, stored.2, stored.3
                )));
            }
            id
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
            .bind(self.now())
            .execute(&mut *tx)
            .await?;
            id
        };
        let version = list.version().to_owned();
        let known =
            sqlx::query("SELECT COUNT(*) FROM list_versions WHERE list = $1 AND version = $2")
                .bind(&id)
                .bind(&version)
                .fetch_one(&mut *tx)
                .await?;
        let new_version = Columns::of(&known).int()? == 0;
        if new_version {
            // The file first: a version in the database always has its file.
            let path = self.folder.list_file(&id, &version);
            write_private(&path, &self.sealer.seal(&segment::write(&list)))
                .map_err(|e| self.folder.fault("lists", &e))?;
            let last =
                sqlx::query("SELECT COALESCE(MAX(sequence), 0) FROM list_versions WHERE list = $1")
                    .bind(&id)
                    .fetch_one(&mut *tx)
                    .await?;
            sqlx::query(
                "INSERT INTO list_versions (list, version, sequence, entries, problems, imported_by, imported_at, hits_counted)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
            )
            .bind(&id)
            .bind(&version)
            .bind(Columns::of(&last).int()? + 1)
            .bind(list.len() as i64)
            .bind(problems.len() as i64)
            .bind(importer)
            .bind(self.now())
            .execute(&mut *tx)
            .await?;
            let detail = format!("{} entries, {} problems", list.len(), problems.len());
            audit::write(&mut tx, self.now(), importer, "list.import", &id, &detail).await?;
        }
        tx.commit().await?;
        Ok(Import {
            list: self.list(&settings.name).await?,
            new_version,
            problems,
        })
    }

    /// Signs the newest version of a list in a person's name.
    pub async fn sign_list(&self, name: &str, person: &Person) -> Result<HashList> {
        person.require(Role::ListSteward)?;
        let list = self.list(name).await?;
        let mut tx = self.db.begin().await?;
        let signed = sqlx::query(
            "INSERT INTO list_signatures (list, version, person, name, signed_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (list, version, person) DO NOTHING",
        )
        .bind(&list.id)
        .bind(&list.version)
        .bind(&person.id)
        .bind(&person.name)
        .bind(self.now())
        .execute(&mut *tx)
        .await?;
        if signed.rows_affected() == 0 {
            return Err(CaseworkError::refused(format!(
                "{} has signed this version of \"{}\" already; the second signature must be another person's",
                person.name, list.name
            )));
        }
        audit::write(
            &mut tx,
            self.now(),
            &person.id,
            "list.sign",
            &list.id,
            &list.version,
        )
        .await?;
        tx.commit().await?;
        self.list(name).await
    }

    /// Disputes an entry: from the next screening on it doesn't match, in whatever version.
    pub async fn dispute_entry(
        &self,
        name: &str,
        entry: &str,
        reason: &str,
        actor: &str,
    ) -> Result<()> {
        let list = self.list(name).await?;
        let known = self.load(&list.id, &list.version)?.has_entry(entry);
        let matching = match &list.matching_version {
            Some(version) => self.load(&list.id, version)?.has_entry(entry),
            None => false,
        };
        if !known && !matching {
            return Err(CaseworkError::NotFound {
                what: "list entry",
                id: entry.to_owned(),
                hint: "a finding names the entry that matched",
            });
        }
        let mut tx = self.db.begin().await?;
        dispute(&mut tx, self.now(), &list.id, entry, reason, actor).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lifts a dispute: the entry matches again.
    pub async fn lift_dispute(&self, name: &str, entry: &str, actor: &str) -> Result<()> {
        let list = self.list(name).await?;
        let mut tx = self.db.begin().await?;
        let lifted = sqlx::query(
            "UPDATE list_disputes SET lifted_at = $1 WHERE list = $2 AND entry = $3 AND lifted_at IS NULL",
        )
        .bind(self.now())
        .bind(&list.id)
        .bind(entry)
        .execute(&mut *tx)
        .await?;
        if lifted.rows_affected() == 0 {
            return Err(CaseworkError::refused(format!(
                "entry {entry} of \"{name}\" is not disabled"
            )));
        }
        audit::write(&mut tx, self.now(), actor, "list.enable", &list.id, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The list of that name.
    pub async fn list(&self, name: &str) -> Result<HashList> {
        self.all_lists()
            .await?
            .into_iter()
            .find(|l| l.name == name)
            .ok_or_else(|| CaseworkError::NotFound {
                what: "list",
                id: name.to_owned(),
                hint: "`obhut list show` shows all, `obhut list import` makes one",
            })
    }

    /// All lists, by name.
    pub async fn all_lists(&self) -> Result<Vec<HashList>> {
        let mut tx = self.db.snapshot().await?;
        let rows =
            sqlx::query("SELECT id, name, owner, purpose, basis, action FROM lists ORDER BY name")
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

    /// The versions that match or count, opened into memory; read again only when one has changed.
    pub(crate) async fn current_lists(&self) -> Result<Arc<Vec<Arc<LoadedList>>>> {
        let on_record = self.all_lists().await?;
        let mut wanted = Vec::new();
        for list in &on_record {
            if let Some(version) = &list.matching_version {
                wanted.push((list, version.clone(), true));
            }
            if list.unsigned {
                wanted.push((list, list.version.clone(), false));
            }
        }
        let kept = self.lists.read().expect("no panic while held").clone();
        let same = kept.len() == wanted.len()
            && kept
                .iter()
                .zip(&wanted)
                .all(|(k, (l, v, s))| k.id() == l.id && k.version() == *v && k.signed() == *s);
        if same {
            return Ok(kept);
        }
        let mut fresh = Vec::new();
        for (list, version, signed) in wanted {
            let known = kept
                .iter()
                .find(|k| k.id() == list.id && k.version() == version && k.signed() == signed);
            fresh.push(match known {
                Some(known) => known.clone(),
                None => {
                    let mut loaded = self.load(&list.id, &version)?;
                    loaded.describe(&list.id, &list.name, list.purpose, list.action, signed);
                    Arc::new(loaded)
                }
            });
        }
        let fresh = Arc::new(fresh);
        *self.lists.write().expect("no panic while held") = fresh.clone();
        Ok(fresh)
    }

    fn load(&self, id: &str, version: &str) -> Result<LoadedList> {
        let path = self.folder.list_file(id, version);
        let fault = |why: String| CaseworkError::Folder {
            path: path.display().to_string(),
            why,
        };
        let sealed = fs::read(&path).map_err(|e| fault(format!("{e}; import the list again")))?;
        let bytes = self.sealer.open(&sealed).ok_or_else(|| {
            fault(
                "can't be opened: it was changed, or the keys are others; import the list again"
                    .into(),
            )
        })?;
        segment::read(&bytes).map_err(|e| fault(format!("{e}; import the list again")))
    }

    /// Entries that don't match, as (list, entry).
    pub(crate) async fn disputed(&self) -> Result<HashSet<(String, String)>> {
        let rows = sqlx::query("SELECT list, entry FROM list_disputes WHERE lifted_at IS NULL")
            .fetch_all(self.db.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((c.text()?, c.text()?))
            })
            .collect()
    }
}

/// Counts a hit of a version that may do no more.
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

/// Writes a dispute; disputing twice changes nothing.
pub(crate) async fn dispute(
    tx: &mut Tx,
    now: i64,
    list: &str,
    entry: &str,
    reason: &str,
    actor: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO list_disputes (list, entry, disputed_by, reason, disputed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (list, entry) DO UPDATE SET lifted_at = NULL, disputed_by = $3, reason = $4, disputed_at = $5",
    )
    .bind(list)
    .bind(entry)
    .bind(actor)
    .bind(reason)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    audit::write(tx, now, actor, "list.disable", list, entry).await
}

async fn fill_versions(tx: &mut Tx, list: &mut HashList) -> Result<()> {
    let rows = sqlx::query(
        "SELECT v.version, v.entries, v.problems, v.hits_counted, s.name
         FROM list_versions v
         LEFT JOIN list_signatures s ON s.list = v.list AND s.version = v.version
         WHERE v.list = $1 ORDER BY v.sequence DESC, s.signed_at, s.name",
    )
    .bind(&list.id)
    .fetch_all(&mut **tx)
    .await?;
    let mut versions: Vec<(String, u64, u64, u64, Vec<String>)> = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (version, entries, problems, hits) = (c.text()?, c.int()?, c.int()?, c.int()?);
        if versions.last().is_none_or(|v| v.0 != version) {
            versions.push((
                version,
                entries as u64,
                problems as u64,
                hits as u64,
                Vec::new(),
            ));
        }
        versions
            .last_mut()
            .expect("just pushed")
            .4
            .extend(c.maybe_text()?);
    }
    let signed = |v: &(String, u64, u64, u64, Vec<String>)| v.4.len() >= SIGNATURES_MIN;
    list.matching_version = versions.iter().find(|v| signed(v)).map(|v| v.0.clone());
    if let Some(newest) = versions.into_iter().next() {
        list.unsigned = !signed(&newest);
        (
            list.version,
            list.entries,
            list.problems,
            list.hits_counted,
            list.signatures,
        ) = newest;
    }
    let row =
        sqlx::query("SELECT COUNT(*) FROM list_disputes WHERE list = $1 AND lifted_at IS NULL")
            .bind(&list.id)
            .fetch_one(&mut **tx)
            .await?;
    list.disabled = Columns::of(&row).int()? as u64;
    Ok(())
}

fn check(settings: &ListSettings) -> Result<()> {
    let name_fits = (1..=NAME_CHARS_MAX).contains(&settings.name.chars().count())
        && !settings.name.chars().any(char::is_control);
    if !name_fits {
        return Err(CaseworkError::refused(format!(
            "a list's name has 1 to {NAME_CHARS_MAX} characters"
        )));
    }
    if settings.owner.trim().is_empty() || settings.basis.trim().is_empty() {
        return Err(CaseworkError::refused(
            "a list needs a named owner and a legal basis (--owner, --basis)",
        ));
    }
    match (settings.purpose, settings.action) {
        (Purpose::SelfSubmission, Action::Block) => Err(CaseworkError::refused(
            "self-submitted hashes are not assessed: they may hold (--action hold), never block",
        )),
        (Purpose::KnownHarmless, Action::Hold | Action::Block) => Err(CaseworkError::refused(
            "a list of harmless material neither holds nor blocks (--action pass)",
        )),
        _ => Ok(()),
    }
}
