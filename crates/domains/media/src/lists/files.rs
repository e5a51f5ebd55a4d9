//! The files of list versions: what is in them, and the bytes in which they are stored.
//!
//! What is in a file is bound by a keyed digest (`k1:` and HMAC-SHA-256): with a plain one, the single
//! entry of a short list could be found by trying out digests. The bytes are bound by a plain one:
//! sealing begins with a random key, so nothing can be found from it, and it can be checked without
//! the keys.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use obhut_casework::for_domains::{Columns, Inside as _, Tx};
use obhut_casework::{Casework, CaseworkError, Result};
use obhut_store::write_private;
use obhut_vault::{LookupKey, Sealer};
use sha2::{Digest as _, Sha256};

/// SHA-256, lower-case hex.
pub(super) fn digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// How a keyed digest of a content begins.
const KEYED: &str = "k1:";

/// Opens files and compares them with what is on record.
#[derive(Clone)]
pub(super) struct Checker {
    sealer: Arc<Sealer>,
    lookup: Arc<LookupKey>,
}

impl Checker {
    pub fn of(casework: &Casework) -> Self {
        Self {
            sealer: casework.sealer(),
            lookup: casework.lookup(),
        }
    }

    /// What is put on record of a content.
    pub fn bound(&self, content: &[u8]) -> String {
        self.keyed(&digest(content))
    }

    fn keyed(&self, plain: &str) -> String {
        let keyed = self.lookup.keyed_digest("list content", plain.as_bytes());
        format!("{KEYED}{keyed}")
    }

    /// True if this is the content on record, which an older release bound by a plain digest.
    pub fn is(&self, content: &[u8], on_record: &str) -> bool {
        match on_record.starts_with(KEYED) {
            true => self.bound(content) == on_record,
            false => digest(content) == on_record,
        }
    }

    /// Reads and decrypts a version's file, and compares its content with the one on record: a
    /// swapped file must not match.
    pub fn read(&self, path: &Path, on_record: &str) -> Result<Vec<u8>> {
        let fault = |why: String| CaseworkError::Folder {
            path: path.display().to_string(),
            why,
        };
        let sealed = fs::read(path).map_err(|e| fault(format!("{e}; import the list again")))?;
        let content = self.sealer.open(&sealed).ok_or_else(|| {
            fault(
                "can't be opened: it was changed, or sealed with different keys; import the list again"
                    .into(),
            )
        })?;
        match self.is(&content, on_record) {
            true => Ok(content),
            false => Err(fault("is not the file that was imported: it was swapped for another; restore it from a backup, or import the same list file again".into())),
        }
    }
}

/// Seals and writes a version's file, and puts its bytes on record.
pub(super) async fn store(
    casework: &Casework,
    tx: &mut Tx,
    list: &str,
    version: &str,
    content: &[u8],
) -> Result<()> {
    let sealed = casework.sealer().seal(content);
    let path = casework.folder().list_file(list, version);
    write_private(&path, &sealed).map_err(|e| casework.folder().fault("lists", &e))?;
    put_on_record(tx, list, version, &sealed).await
}

async fn put_on_record(tx: &mut Tx, list: &str, version: &str, sealed: &[u8]) -> Result<()> {
    sqlx::query(
        "INSERT INTO list_files (list, version, sealed_sha256) VALUES ($1, $2, $3)
         ON CONFLICT (list, version) DO UPDATE SET sealed_sha256 = excluded.sealed_sha256",
    )
    .bind(list)
    .bind(version)
    .bind(hex::encode(Sha256::digest(sealed)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A version's file, and what is on record of it.
struct Stored {
    list: String,
    path: PathBuf,
    content: String,
    sealed: Option<String>,
}

/// The files that aren't those that were imported: place, and what is wrong. `versions` are list,
/// version and content of each. Without the private keys only the sealed bytes are compared.
pub(super) async fn faults(
    casework: &Casework,
    versions: Vec<(String, String, String)>,
) -> Result<Vec<(String, String)>> {
    let mut sealed = on_record(casework).await?;
    let files: Vec<_> = versions
        .into_iter()
        .map(|(list, version, content)| Stored {
            path: casework.folder().list_file(&list, &version),
            sealed: sealed.remove(&(list.clone(), version)),
            list,
            content,
        })
        .collect();
    let checker = casework.has_keys().then(|| Checker::of(casework));
    let reading = move || -> Vec<(String, String)> {
        let faults = files.iter().filter_map(|file| {
            let what = fault_of(file, checker.as_ref())?;
            Some((format!("list {}", file.list), what))
        });
        faults.collect()
    };
    let read = tokio::task::spawn_blocking(reading).await;
    read.map_err(|_| CaseworkError::unreadable("a list's file"))
}

/// Files below `lists/` that no version names, as paths relative to the data folder.
#[derive(Default)]
pub(crate) struct Unnamed {
    /// Called as obhut calls them: an import that was cut off may have left them.
    pub(crate) leftovers: Vec<String>,
    /// Others.
    pub(crate) foreign: Vec<String>,
}

/// The files that none of `versions` (list, version and content of each) names.
pub(super) fn unnamed(casework: &Casework, versions: &[(String, String, String)]) -> Unnamed {
    let folder = casework.folder();
    let named = versions
        .iter()
        .map(|(list, version, _)| folder.list_file(list, version));
    let named: HashSet<PathBuf> = named.collect();
    let mut found = Unnamed::default();
    for name in folder.files_below("lists") {
        if named.contains(&folder.root().join(&name)) {
            continue;
        }
        match is_called_like_ours(&name) {
            true => found.leftovers.push(name),
            false => found.foreign.push(name),
        }
    }
    found
}

/// True for `lists/<list>/<version>.age`, also with the suffix of one that wasn't written in whole.
fn is_called_like_ours(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let ["lists", list, file] = parts[..] else {
        return false;
    };
    let Some((version, rest)) = file.split_once(".age") else {
        return false;
    };
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_whole = rest.is_empty() || rest.ends_with(".partial");
    list.strip_prefix("list-").is_some_and(is_hex)
        && version.len() == 64
        && is_hex(version)
        && is_whole
}

fn fault_of(file: &Stored, checker: Option<&Checker>) -> Option<String> {
    let name = file.path.display();
    match (fs::read(&file.path), &file.sealed) {
        (Err(e), _) => return Some(format!("{name}: {e}; import the list again")),
        (Ok(ref bytes), Some(expected)) if hex::encode(Sha256::digest(bytes)) != *expected => {
            return Some(format!(
                "{name}: its bytes are not those that were written; import the list again"
            ));
        }
        (Ok(_), None) if checker.is_none() => {
            return Some(format!(
                "{name}: can only be compared with the private keys; an older version wrote it"
            ));
        }
        _ => {}
    }
    let read = checker?.read(&file.path, &file.content);
    read.err().map(|e| e.to_string())
}

async fn on_record(casework: &Casework) -> Result<HashMap<(String, String), String>> {
    let rows = sqlx::query("SELECT list, version, sealed_sha256 FROM list_files")
        .fetch_all(casework.pool())
        .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(((c.text()?, c.text()?), c.text()?))
        })
        .collect()
}

/// What is left to bring up to date.
#[derive(Default)]
pub(super) struct Old {
    /// List, version and sealed bytes of files that aren't on record.
    files: Vec<(String, String, Vec<u8>)>,
    /// List, version and keyed content of versions with a plain one.
    pub keyed: Vec<(String, String, String)>,
}

impl Old {
    /// What an older release left. `versions` are list, version and content of each. A file that isn't
    /// what was imported stays as it is: verification names it.
    pub async fn of(casework: &Casework, versions: &[(String, String, String)]) -> Result<Self> {
        let checker = Checker::of(casework);
        let known = on_record(casework).await?;
        let mut old = Self::default();
        for (list, version, content) in versions {
            let path = casework.folder().list_file(list, version);
            if !known.contains_key(&(list.clone(), version.clone()))
                && checker.read(&path, content).is_ok()
                && let Ok(sealed) = fs::read(&path)
            {
                old.files.push((list.clone(), version.clone(), sealed));
            }
            if !content.starts_with(KEYED) {
                old.keyed
                    .push((list.clone(), version.clone(), checker.keyed(content)));
            }
        }
        Ok(old)
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.keyed.is_empty()
    }

    /// Puts the bytes of the files on record.
    pub async fn record_files(&self, tx: &mut Tx) -> Result<()> {
        for (list, version, sealed) in &self.files {
            put_on_record(tx, list, version, sealed).await?;
        }
        Ok(())
    }
}
