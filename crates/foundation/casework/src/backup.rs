//! Backups of a data folder, made while it is in use.
//!
//! Files of the vault and of lists never change once they are written, so most are copied without
//! keeping anyone waiting. Then, with the vault's writers, erasures and the row log held back for as
//! long as it takes, the database is copied, then the log, then what was written meanwhile: so the
//! copy of the database names nothing that the rest of the backup lacks, and the log has grown to
//! where the database remembers it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use obhut_vault::Problem;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Casework, CaseworkError, Result, row_log};

/// The file that says what a backup holds; written last, so that a backup without it is incomplete.
const MANIFEST: &str = "backup.json";
/// Longest manifest, in bytes. Our judgement: two million files.
const MANIFEST_BYTES_MAX: u64 = 512 << 20;
/// The database's copy, if it isn't SQLite's.
pub const DUMP: &str = "database.dump";
/// The SQLite database.
const SQLITE: &str = "obhut.db";

/// What a backup holds.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Form of the manifest.
    format: u32,
    /// When it was made, microseconds since 1970.
    pub made_at: i64,
    /// Version of obhut that made it.
    pub obhut: String,
    /// True if the database is SQLite's file; else it is [`DUMP`].
    pub sqlite: bool,
    /// True if it holds the private keys: then whoever has it can read everything.
    pub with_keys: bool,
    /// SHA-256 of each file by its path, lower-case hex.
    pub files: BTreeMap<String, String>,
}

/// Makes a backup in a folder that doesn't exist yet, or is empty. `dump` copies a database that
/// isn't SQLite's to the given path.
///
/// # Errors
/// The folder is in use or can't be written, or the data folder can't be read.
pub async fn back_up(
    casework: &Casework,
    into: &Path,
    with_keys: bool,
    dump: impl Fn(&Path) -> io::Result<()> + Send + 'static,
) -> Result<Manifest> {
    let from = casework.folder.root().to_owned();
    let into = into.to_owned();
    let is_inside = into.starts_with(&from) || from.starts_with(&into);
    if is_inside || !is_free(&into, false).map_err(|e| fault(&into, &e))? {
        return Err(CaseworkError::Folder {
            path: into.display().to_string(),
            why: "a backup needs a new or empty folder outside the data folder".into(),
        });
    }
    // What can be put into the log first need not wait for the next start of the restored folder.
    row_log::seal_rows(casework).await?;
    let mut copy = Copy {
        from,
        into,
        with_keys,
        done: BTreeMap::new(),
    };
    copy = copy.run(|copy| copy.new_files(false)).await?;
    // The order in which others take them: an erasure and the row log both write to the vault.
    let _erasing = casework.folder.lock_erasing().await?;
    let _rows = casework.folder.hold_row_log().await?;
    let _writers = casework.vault.hold_writers().await?;
    let sqlite = casework.db.is_sqlite();
    if sqlite {
        casework.db.copy_to(&copy.into.join(SQLITE)).await?;
    }
    let copy = copy
        .run(move |copy| {
            let database = match sqlite {
                true => SQLITE,
                false => {
                    dump(&copy.into.join(DUMP))?;
                    DUMP
                }
            };
            copy.add(database)?;
            copy.new_files(true)?;
            copy.drop_what_is_gone()
        })
        .await?;
    let manifest = Manifest {
        format: 1,
        made_at: casework.now(),
        obhut: env!("CARGO_PKG_VERSION").into(),
        sqlite,
        with_keys,
        files: copy.done,
    };
    let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is JSON");
    let path = copy.into.join(MANIFEST);
    obhut_store::write_private(&path, &text).map_err(|e| fault(&path, &e))?;
    Ok(manifest)
}

/// What a backup says it holds.
///
/// # Errors
/// It isn't a backup, isn't complete, or was made by a newer version.
pub fn backup_manifest(backup: &Path) -> Result<Manifest> {
    let path = backup.join(MANIFEST);
    let mut text = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text))
        .map_err(|e| CaseworkError::Folder {
            path: path.display().to_string(),
            why: format!("{e}; this is no backup, or one that was cut off"),
        })?;
    let unreadable = |why: String| CaseworkError::Folder {
        path: path.display().to_string(),
        why,
    };
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|e| unreadable(format!("it can't be read: {e}")))?;
    match manifest.format {
        1 => Ok(manifest),
        _ => Err(unreadable("a newer version of obhut made it".into())),
    }
}

/// Compares a backup's files with its manifest; returns every difference.
pub fn check_backup(backup: &Path, manifest: &Manifest) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |place: &str, what: String| {
        problems.push(Problem {
            place: place.to_owned(),
            what,
        });
    };
    for (name, expected) in &manifest.files {
        match digest_of(&backup.join(name)) {
            Ok(digest) if digest == *expected => {}
            Ok(_) => problem(name, "its bytes are not those that were backed up".into()),
            Err(e) => problem(name, e.to_string()),
        }
    }
    for name in files_below(backup, true) {
        if name != MANIFEST && !manifest.files.contains_key(&name) {
            problem(&name, "isn't part of the backup".into());
        }
    }
    problems
}

/// Copies a backup to a new data folder, which may hold `keys/` and nothing else. The backup has to be
/// whole.
///
/// # Errors
/// The folder is in use, or can't be written.
pub fn restore_backup(backup: &Path, manifest: &Manifest, to: &Path) -> Result<()> {
    if !is_free(to, true).map_err(|e| fault(to, &e))? {
        return Err(CaseworkError::Folder {
            path: to.display().to_string(),
            why: "a backup is restored to a new folder, or to one that holds only keys/; move the old one aside".into(),
        });
    }
    let mut copy = Copy {
        from: backup.to_owned(),
        into: to.to_owned(),
        with_keys: true,
        done: BTreeMap::new(),
    };
    for (name, expected) in &manifest.files {
        // The database's copy is for its own tool.
        if name == DUMP {
            continue;
        }
        copy.add(name).map_err(|e| fault(&to.join(name), &e))?;
        // Read again while it was copied: it may have changed since it was checked.
        if copy.done.get(name) != Some(expected) {
            return Err(CaseworkError::Folder {
                path: backup.join(name).display().to_string(),
                why: "its bytes are not those that were backed up".into(),
            });
        }
    }
    Ok(())
}

/// Files that are being copied.
struct Copy {
    from: PathBuf,
    into: PathBuf,
    with_keys: bool,
    /// SHA-256 of each file that was copied.
    done: BTreeMap<String, String>,
}

impl Copy {
    /// Does something with the copy on a thread that may block.
    async fn run(
        mut self,
        act: impl FnOnce(&mut Self) -> io::Result<()> + Send + 'static,
    ) -> Result<Self> {
        let into = self.into.clone();
        let copying = tokio::task::spawn_blocking(move || act(&mut self).map(|()| self));
        let copied = copying.await.map_err(io::Error::other).flatten();
        copied.map_err(|e| fault(&into, &e))
    }

    /// Copies what isn't there yet; what grows only if it is the last time.
    fn new_files(&mut self, last: bool) -> io::Result<()> {
        for name in files_below(&self.from, self.with_keys) {
            // Journals and other files of the folder grow as the log does.
            let is_fixed = ["vault/exhibits/", "vault/records/", "lists/", "keys/"]
                .iter()
                .any(|fixed| name.starts_with(fixed));
            if is_passing(&name) || self.done.contains_key(&name) || !(is_fixed || last) {
                continue;
            }
            match self.add(&name) {
                // Erased in this moment.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                added => added?,
            }
        }
        Ok(())
    }

    /// Copies one file, or takes one that is in the copy already.
    fn add(&mut self, name: &str) -> io::Result<()> {
        let to = self.into.join(name);
        let digest = match to.exists() {
            true => digest_of(&to)?,
            false => copied(&self.from.join(name), &to)?,
        };
        self.done.insert(name.to_owned(), digest);
        Ok(())
    }

    /// What was erased since it was copied.
    fn drop_what_is_gone(&mut self) -> io::Result<()> {
        let there: BTreeSet<_> = files_below(&self.from, self.with_keys)
            .into_iter()
            .collect();
        let gone: Vec<_> = self
            .done
            .keys()
            .filter(|name| !there.contains(*name) && ![SQLITE, DUMP].contains(&name.as_str()))
            .cloned()
            .collect();
        for name in gone {
            fs::remove_file(self.into.join(&name))?;
            self.done.remove(&name);
        }
        Ok(())
    }
}

/// True for what a backup leaves out: the database itself, locks, and files that are being written.
fn is_passing(name: &str) -> bool {
    let unfinished = name
        .rsplit_once('#')
        .is_some_and(|(_, number)| number.bytes().all(|b| b.is_ascii_digit()));
    // The database's own files and the copies of before upgrades.
    name.starts_with(SQLITE) || name.ends_with(".lock") || name.ends_with(".partial") || unfinished
}

/// Paths of all files below a folder, with `/`; without `keys/` unless they are wanted.
fn files_below(root: &Path, with_keys: bool) -> Vec<String> {
    let all = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    all.flatten()
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| {
            let name = entry.path().strip_prefix(root).ok()?;
            Some(name.to_str()?.to_owned())
        })
        .filter(|name| with_keys || !name.starts_with("keys/"))
        .collect()
}

/// True if a folder isn't there, or holds nothing (but `keys/`, if that is allowed).
fn is_free(folder: &Path, keys_may_be: bool) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(e) => return Err(e),
    };
    for entry in entries {
        if !(keys_may_be && entry?.file_name() == "keys") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies a file for its owner only, synced; returns the SHA-256 of what was copied.
fn copied(from: &Path, to: &Path) -> io::Result<String> {
    let mut source = File::open(from)?;
    let folder = to.parent().expect("a file is in a folder");
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut target = options.open(to)?;
    let digest = digested(&mut source, |piece| target.write_all(piece))?;
    target.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(digest)
}

fn digest_of(path: &Path) -> io::Result<String> {
    digested(&mut File::open(path)?, |_| Ok(()))
}

fn digested(from: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..read]);
        each(&buffer[..read])?;
    }
}

fn fault(path: &Path, e: &io::Error) -> CaseworkError {
    CaseworkError::Folder {
        path: path.display().to_string(),
        why: e.to_string(),
    }
}
