//! Opening a data folder: keys, tables, domains.

use std::sync::{Arc, Mutex};

use obhut_store::database::Database;
use obhut_store::database::covered::Covering;
use obhut_store::{CaseworkError, DataFolder, FolderKeys, Result};
use obhut_vault::{Clock, Vault};

use crate::casework::{Casework, Domain};
use crate::{evidence, migrations, row_log, settings};

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
    let mut domains = domains;
    domains.insert(0, Box::new(evidence::Evidence));
    let mut owners = vec![obhut_store::migrations::ALL, migrations::ALL];
    owners.extend(domains.iter().map(|d| d.migrations()));
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
    let mut covered = [obhut_store::database::audit::COVERED, migrations::COVERED].concat();
    covered.extend(domains.iter().flat_map(|d| d.covered()));
    let writer = keys.first_lookup.keyed_digest("writer", b"");
    let copy_to = |last| folder.copy_before(last);
    let covering = Covering {
        tables: &covered,
        into: row_log::NOTED,
        writer: &writer,
    };
    let db = Database::connect(&url, &owners, &copy_to, &covering).await?;
    let lookup = settings::lookup_key(&db, &folder, &keys, clock.now_micros()).await?;
    // Released only now: a first start also writes the lookup key and its check value.
    drop(upgrading);
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
        vault,
        clock,
        covered,
        writer,
        domains,
        domain_state: Mutex::default(),
    };
    row_log::begin(&casework).await?;
    for domain in casework.domains() {
        domain.opened(&casework).await?;
    }
    Ok(casework)
}
