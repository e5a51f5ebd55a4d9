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
/// The folders of a data folder that are backed up, besides `keys/`.
const FOLDERS: [&str; 3] = ["vault/", "lists/", "payments/"];

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
    /// True if it holds the private keys, which open everything in it.
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
    let refused = |why: &str| CaseworkError::Folder {
        path: into.display().to_string(),
        why: why.into(),
    };
    match is_free(into, false).map_err(|e| fault(into, &e))? {
        true => {}
        false if backup_manifest(into).is_err() && is_of_a_backup(into) => {
            return Err(refused(
                "a backup that was cut off is there; remove it, or name another folder",
            ));
        }
        false => return Err(refused("a backup needs a new or empty folder")),
    }
    make_private(into).map_err(|e| fault(into, &e))?;
    // By their real places: a link may lead into the data folder.
    let (real, root) = (into.canonicalize(), from.canonicalize());
    let (real, root) = (
        real.map_err(|e| fault(into, &e))?,
        root.map_err(|e| fault(&from, &e))?,
    );
    if real.starts_with(&root) || root.starts_with(&real) {
        let _ = fs::remove_dir(into);
        return Err(refused("a backup needs a folder outside the data folder"));
    }
    let into = into.to_owned();
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
///
/// # Errors
/// The backup can't be read.
pub fn check_backup(backup: &Path, manifest: &Manifest) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem = |place: &str, what: &str| {
        problems.push(Problem {
            place: place.to_owned(),
            what: what.to_owned(),
        });
    };
    // Links aren't followed: what is behind one isn't part of the backup.
    let there = below(backup, false).map_err(|e| fault(backup, &e))?;
    for (name, expected) in &manifest.files {
        if !is_part(name, manifest) {
            problem(name, "can't be part of a backup");
        } else if !there.contains(name) {
            problem(name, "is missing, or isn't a file");
        } else if digest_of(&backup.join(name)).map_err(|e| fault(&backup.join(name), &e))?
            != *expected
        {
            problem(name, "its bytes are not those that were backed up");
        }
    }
    for name in &there {
        if name != MANIFEST && !manifest.files.contains_key(name) {
            problem(name, "isn't part of the backup");
        }
    }
    if !manifest
        .files
        .contains_key(if manifest.sqlite { SQLITE } else { DUMP })
    {
        problem(MANIFEST, "names no database");
    }
    Ok(problems)
}

/// True for a path that a backup may name: below one of its folders, and nowhere else.
fn is_part(name: &str, manifest: &Manifest) -> bool {
    let is_plain = Path::new(name)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let is_known = FOLDERS.iter().any(|folder| name.starts_with(folder))
        || (manifest.with_keys && name.starts_with("keys/"))
        || name == if manifest.sqlite { SQLITE } else { DUMP };
    is_plain && is_known
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
    make_private(to).map_err(|e| fault(to, &e))?;
    let unfinished = to.join(obhut_store::RESTORING);
    obhut_store::write_private(&unfinished, b"").map_err(|e| fault(&unfinished, &e))?;
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
    fs::remove_file(&unfinished)
        .and_then(|()| File::open(to)?.sync_all())
        .map_err(|e| fault(to, &e))
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

    /// The files of the data folder that are backed up.
    fn files(&self) -> io::Result<BTreeSet<String>> {
        let mut all = BTreeSet::new();
        let keys = self.with_keys.then_some("keys/");
        for folder in FOLDERS.into_iter().chain(keys) {
            let path = self.from.join(folder);
            if path.exists() {
                let below = below(&path, true)?.into_iter();
                all.extend(below.map(|name| format!("{folder}{name}")));
            }
        }
        Ok(all)
    }

    /// Copies what isn't there yet; what grows only if it is the last time.
    fn new_files(&mut self, last: bool) -> io::Result<()> {
        for name in self.files()? {
            // Journals and other files of the folder grow as the log does; keys are exchanged.
            let is_fixed = ["vault/exhibits/", "vault/records/", "lists/"]
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
        let there = self.files()?;
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

/// Paths of all files below a folder, relative to it. An entry that can't be read is an error: a
/// backup without it would look whole.
fn below(root: &Path, follow_links: bool) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in walkdir::WalkDir::new(root).follow_links(follow_links) {
        let entry = match entry {
            Ok(entry) => entry,
            // Erased, or finished under another name, in this moment.
            Err(e)
                if e.io_error()
                    .is_some_and(|e| e.kind() == io::ErrorKind::NotFound) =>
            {
                continue;
            }
            Err(e) => return Err(e.into()),
        };
        let is_file = entry.file_type().is_file();
        if !(is_file || entry.file_type().is_dir()) || (is_file && entry.path_is_symlink()) {
            // Behind a link could be any file, and nothing is behind a pipe.
            if follow_links {
                let what = format!("{} isn't a plain file", entry.path().display());
                return Err(io::Error::other(what));
            }
            continue;
        }
        if is_file {
            let name = entry.path().strip_prefix(root).map_err(io::Error::other)?;
            let name = name.to_str();
            names.insert(
                name.ok_or_else(|| io::Error::other("a name isn't UTF-8"))?
                    .to_owned(),
            );
        }
    }
    Ok(names)
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

/// True if something is there that only a backup puts into a folder, or one that was cut off.
fn is_of_a_backup(folder: &Path) -> bool {
    let database = Path::new(SQLITE).with_extension("partial");
    let any = ["vault", SQLITE, DUMP].map(Path::new);
    any.into_iter()
        .chain([database.as_path()])
        .any(|name| folder.join(name).exists())
}

/// Copies a file for its owner only, synced; returns the SHA-256 of what was copied.
fn copied(from: &Path, to: &Path) -> io::Result<String> {
    let mut source = File::open(from)?;
    let folder = to.parent().expect("a file is in a folder");
    make_private(folder)?;
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

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
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
