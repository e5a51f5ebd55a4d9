//! Opening a data folder: keys, tables, domains.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use obhut_store::database::Database;
use obhut_store::database::covered::{Covered, Covering};
use obhut_store::database::schema::compared_in;
use obhut_store::{CaseworkError, DataFolder, FolderKeys, FolderRing, Result};
use obhut_vault::{Clock, Keys, LookupKey, Problem, Sealer, Vault};

use crate::casework::{Casework, Domain};
use crate::{evidence, key_rotation, migrations, row_log, settings, words};

/// Opens a data folder; creates folder, keys and tables on first use. Without `database_url` the
/// database is a SQLite file in the folder.
///
/// # Errors
/// A key or the SQLite database is missing although the folder is in use; the lookup key belongs to
/// another database; or the database can't be reached or migrated.
pub async fn open(
    folder: DataFolder,
    database_url: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Casework> {
    open_with(folder, database_url, clock, Vec::new()).await
}

/// Like [`open`], with additional domains: their migrations run, and reports and redress
/// include them.
pub async fn open_with(
    folder: DataFolder,
    database_url: Option<&str>,
    clock: Arc<dyn Clock>,
    domains: Vec<Box<dyn Domain>>,
) -> Result<Casework> {
    refuse_half_restored(&folder)?;
    folder.prepare()?;
    let keys = folder.keys()?;
    assemble(folder, database_url, clock, keys, domains).await
}

async fn assemble(
    folder: DataFolder,
    database_url: Option<&str>,
    clock: Arc<dyn Clock>,
    keys: FolderKeys,
    domains: Vec<Box<dyn Domain>>,
) -> Result<Casework> {
    let domains = with_evidence(domains);
    let owners = owners(&domains);
    // SQLite would create an empty database here, and the folder would silently start over.
    if database_url.is_none() && folder.lost_its_database() {
        return Err(CaseworkError::Folder {
            path: folder.root().join("obhut.db").display().to_string(),
            why: "the database is missing or empty, though this data folder is in use; put it back from a backup, or name the PostgreSQL it belongs to".into(),
        });
    }
    let url = database_url.map_or_else(|| folder.sqlite_url(), str::to_owned);
    // One process copies and migrates; others wait for the lock and then have nothing to do.
    let upgrading = folder.hold_upgrade().await?;
    let covered = covered(&domains);
    let note_key = keys.first_lookup.clone();
    let copy_to = |last| folder.copy_before(last);
    let covering = Covering {
        tables: &covered,
        kept_in: row_log::KEPT_IN,
        key: note_key.clone(),
        compared: &compared_in(folder.root()),
    };
    let db = Database::connect(&url, &owners, &copy_to, &covering).await?;
    let lookup = settings::lookup_key(&db, &folder, &keys, clock.now_micros()).await?;
    let vault = Vault::new(
        folder.evidence_store()?,
        Arc::new(keys.vault),
        folder.evidence_lock(),
        clock.clone(),
    );
    let casework = Casework {
        db,
        folder,
        sealer: Arc::new(keys.sealer),
        lookup: Arc::new(lookup),
        ring: keys.ring,
        vault,
        clock,
        covered,
        note_key,
        has_keys: true,
        key_fault: None,
        is_upgrading: AtomicBool::new(false),
        domains,
        domain_state: Mutex::default(),
    };
    // What an older release left is brought up to date only before the log covers anything:
    // afterwards it could be used to have changed rows put into the log as obhut's own.
    let is_upgrading = row_log::covers_nothing(&casework).await?;
    casework.is_upgrading.store(is_upgrading, Ordering::Relaxed);
    row_log::begin(&casework).await?;
    key_rotation::check_keys(&casework).await?;
    if is_upgrading {
        words::seal_old(&casework).await?;
    }
    for domain in casework.domains() {
        domain.opened(&casework).await?;
    }
    // Released only now: a first start also writes the lookup key, and brings old rows up to date.
    drop(upgrading);
    Ok(casework)
}

/// Opens a data folder to compare it with its log: nothing is written, migrated or made, and the
/// private keys are used only if this user can read them.
///
/// # Errors
/// No data folder, a vault without its published key, or a database that can't be read or that
/// another version wrote.
// Long: one part of the handle after another.
pub async fn open_to_verify(
    folder: DataFolder,
    database_url: Option<&str>,
    clock: Arc<dyn Clock>,
    domains: Vec<Box<dyn Domain>>,
) -> Result<Casework> {
    refuse_half_restored(&folder)?;
    let missing = |path: &str, why: &str| CaseworkError::Folder {
        path: folder.root().join(path).display().to_string(),
        why: why.into(),
    };
    if !folder.root().join("vault").is_dir() {
        return Err(CaseworkError::Folder {
            path: folder.root().display().to_string(),
            why: "no data folder is there".into(),
        });
    }
    if database_url.is_none() && folder.database_is_empty() {
        return Err(missing(
            "obhut.db",
            "the database is missing or empty; put it back from a backup, or name the PostgreSQL it belongs to",
        ));
    }
    // Keys that are there and aren't keys are a fault, and no reason to compare nothing.
    let (keys, mut key_fault) = match folder.keys_if_readable() {
        Ok(keys) => (keys, None),
        Err(e) => (None, Some(fault_of_keys(e))),
    };
    let has_keys = keys.is_some();
    // Without the private keys, replacements that open nothing: the result then depends on the public
    // key alone.
    let (sealer, stand_in) = Sealer::generate();
    let lookup = match has_keys {
        true => folder.lookup_key()?,
        false => None,
    };
    let lookup = match lookup {
        Some(lookup) => lookup,
        None => LookupKey::from_text(&stand_in).expect("an age identity is long enough"),
    };
    let (sealer, ring, vault_keys, note_key) = match keys {
        Some(keys) => (keys.sealer, keys.ring, keys.vault, keys.first_lookup),
        None => {
            let public = Keys::public(&folder.published_key()?);
            let public = public.map_err(|e| missing("vault/log/key", &e.to_string()))?;
            let ring = FolderRing::new(&folder.root().join("keys"), &stand_in);
            (sealer, Arc::new(ring), public, lookup.clone())
        }
    };
    let domains = with_evidence(domains);
    let url = database_url.map_or_else(|| folder.sqlite_url_to_read(), str::to_owned);
    let covered = covered(&domains);
    let covering = Covering {
        tables: &covered,
        kept_in: row_log::KEPT_IN,
        key: note_key.clone(),
        compared: &compared_in(folder.root()),
    };
    let db = Database::read_only(&url, &owners(&domains), &covering).await?;
    // With another ring each exhibit would look damaged.
    let vault_keys = match key_rotation::compare_keys(&db, &folder, &lookup, &ring).await {
        Err(e) if has_keys => {
            key_fault = Some(fault_of_keys(e));
            vault_keys.opening_nothing()
        }
        _ => vault_keys,
    };
    let vault = Vault::new(
        folder.evidence_store()?,
        Arc::new(vault_keys),
        folder.evidence_reading_lock(),
        clock.clone(),
    );
    let casework = Casework {
        db,
        folder,
        sealer: Arc::new(sealer),
        lookup: Arc::new(lookup),
        ring,
        vault,
        clock,
        covered,
        note_key,
        has_keys,
        key_fault,
        is_upgrading: AtomicBool::new(false),
        domains,
        domain_state: Mutex::default(),
    };
    if let Ok(Some(head)) = row_log::head(&casework).await {
        casework.vault.expect(head);
    }
    Ok(casework)
}

fn fault_of_keys(e: CaseworkError) -> Problem {
    let (place, what) = match e {
        CaseworkError::Folder { path, why } => (path, why),
        e => ("keys".into(), e.to_string()),
    };
    Problem {
        place,
        what: format!("{what}. Exhibits were compared without being opened"),
    }
}

fn refuse_half_restored(folder: &DataFolder) -> Result<()> {
    match folder.is_half_restored() {
        true => Err(CaseworkError::Folder {
            path: folder.root().display().to_string(),
            why: "a restore to this folder was cut off; remove it (keep keys/ if it is your only copy) and restore the backup again".into(),
        }),
        false => Ok(()),
    }
}

/// The domains, with the core's own evidence handling first.
fn with_evidence(mut domains: Vec<Box<dyn Domain>>) -> Vec<Box<dyn Domain>> {
    domains.insert(0, Box::new(evidence::Evidence));
    domains
}

/// The migrations of every crate with tables.
fn owners(domains: &[Box<dyn Domain>]) -> Vec<&'static [obhut_store::migrations::Numbered]> {
    let mut owners = vec![obhut_store::migrations::ALL, migrations::ALL];
    owners.extend(domains.iter().map(|d| d.migrations()));
    owners
}

/// The tables that the vault's log covers.
fn covered(domains: &[Box<dyn Domain>]) -> Vec<Covered> {
    let mut covered = [obhut_store::database::audit::COVERED, migrations::COVERED].concat();
    covered.extend(domains.iter().flat_map(|d| d.covered()));
    covered
}
