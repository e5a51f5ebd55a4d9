//! The data folder: keys, lists, vault, and the SQLite database unless PostgreSQL is used.
//!
//! Only its owner can read `keys/`. Leave it out of the folder's backups: without the keys, a thief
//! can't read a stolen backup.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use obhut_vault::{FileRing, Keys, LookupKey, Sealer, WriterLock};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::exhibit_keys::{FolderRing, RING};
use crate::{CaseworkError, Result, ids};

/// File name of the lookup key, which makes keyed digests.
const LOOKUP: &str = "lookup.key";

/// A file that is in a data folder while a backup is restored to it.
pub const RESTORING: &str = "restore.unfinished";

/// How the file names of database copies begin.
const COPY: &str = "obhut.db.before-upgrade-";

/// The keys of a data folder.
pub struct FolderKeys {
    /// Seals and opens.
    pub sealer: Sealer,
    /// The lookup key of a folder from the first version: the text of its sealing key.
    pub first_lookup: LookupKey,
    /// The text of that key, to be written to `lookup.key` on an upgrade.
    pub first_lookup_text: String,
    /// True if this call created the sealing key, so that nothing can have been sealed with it.
    pub sealing_is_new: bool,
    /// Wraps the keys of exhibits.
    pub ring: Arc<FolderRing>,
    /// Seals the vault's files and signs its log.
    pub vault: Keys,
}

/// A data folder; nothing is touched before it is prepared.
#[derive(Clone, Debug)]
pub struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// The data folder at this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates the missing folders, with mode 0700, and the notes that mark `keys/` as not for
    /// backups. The mode of a folder that exists is left as it is.
    pub fn prepare(&self) -> Result<()> {
        for name in ["", "keys", "lists", "vault"] {
            let path = self.root.join(name);
            make_private(&path).map_err(|e| self.fault(name, &e))?;
        }
        let note = self.root.join("keys/DO_NOT_BACK_UP");
        if !note.exists() {
            // The tag first: the note's presence says that both are there. With --exclude-caches tar,
            // borg and restic leave the folder out; without it they don't.
            let tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
            write_private(&self.root.join("keys/CACHEDIR.TAG"), tag.as_bytes())
                .map_err(|e| self.fault("keys", &e))?;
            let text = "These keys open everything in this data folder. Keep a copy apart from its backups.\n";
            write_private(&note, text.as_bytes()).map_err(|e| self.fault("keys", &e))?;
        }
        Ok(())
    }

    /// The keys, made on first use.
    ///
    /// # Errors
    /// A key can't be read or isn't valid, or is missing although the folder is in use.
    pub fn keys(&self) -> Result<FolderKeys> {
        // Checked first: `key` creates the file.
        let sealing_is_new = !self.root.join("keys/sealing.age").exists();
        if sealing_is_new && !self.in_use() {
            // Before the sealing key: its presence then says that this file, too, was made.
            self.key(RING, || FileRing::generate() + "\n")?;
        }
        let sealing = self.key("sealing.age", || Sealer::generate().1)?;
        let signing = self.key("log.signing", || {
            Keys::generate_signing(&format!("obhut.local/{}", ids::random_hex(4)))
        })?;
        let bad = |path: &str, e: obhut_vault::KeyError| CaseworkError::Folder {
            path: format!("keys/{path}"),
            why: format!("{e}; put the right key back"),
        };
        let sealer = Sealer::from_text(&sealing).map_err(|e| bad("sealing.age", e))?;
        let read = |text: &str| LookupKey::from_text(text).map_err(|e| bad(LOOKUP, e));
        let first_lookup = read(sealing.trim())?;
        let ring = Arc::new(FolderRing::new(&self.root.join("keys"), &sealing));
        if let Err(e) = ring.now() {
            return Err(CaseworkError::Folder {
                path: format!("keys/{RING}"),
                why: e.to_string(),
            });
        }
        let vault = Keys::new(sealer.clone(), &signing).map_err(|e| bad("log.signing", e))?;
        let vault = vault.with_ring(ring.clone());
        Ok(FolderKeys {
            sealer,
            first_lookup,
            first_lookup_text: sealing.trim().to_owned(),
            sealing_is_new,
            ring,
            vault,
        })
    }

    /// The lookup key as it is now; none before its file is written.
    ///
    /// # Errors
    /// The file can't be read or isn't a key.
    pub fn lookup_key(&self) -> Result<Option<LookupKey>> {
        match fs::read_to_string(self.root.join("keys").join(LOOKUP)) {
            Ok(text) => LookupKey::from_text(&text)
                .map(Some)
                .map_err(|e| CaseworkError::Folder {
                    path: format!("keys/{LOOKUP}"),
                    why: format!("{e}; put the right key back"),
                }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.fault("keys/lookup.key", &e)),
        }
    }

    /// Writes the lookup key atomically. If two processes start together, one wins and both use its key.
    /// `text` is the sealing key for a folder from before lookup keys existed; `None` generates a key.
    ///
    /// # Errors
    /// A folder that can't be written.
    pub fn keep_lookup_key(&self, text: Option<&str>) -> Result<LookupKey> {
        let fault = |e: &io::Error| self.fault("keys/lookup.key", e);
        let path = self.root.join("keys").join(LOOKUP);
        let fresh = self
            .root
            .join("keys")
            .join(format!("{LOOKUP}.{}", ids::random_hex(4)));
        let text = text.map_or_else(LookupKey::generate, str::to_owned);
        write_private(&fresh, text.as_bytes()).map_err(|e| fault(&e))?;
        settle(&fresh, &path).map_err(|e| fault(&e))?;
        // The file holds the winner's key, which another process may have written.
        let text = fs::read_to_string(&path).map_err(|e| fault(&e))?;
        LookupKey::from_text(&text).map_err(|e| CaseworkError::Folder {
            path: "keys/lookup.key".into(),
            why: format!("{e}; put the right key back"),
        })
    }

    /// Copies of the database from before upgrades, with the time at which each was made, in
    /// microseconds since 1970.
    pub fn copies(&self) -> Vec<(String, i64)> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let made = entry.metadata().ok()?.modified().ok()?;
                let since = made.duration_since(std::time::UNIX_EPOCH).ok()?;
                name.starts_with(COPY)
                    .then_some((name, since.as_micros() as i64))
            })
            .collect()
    }

    /// True if this is the name of a pre-upgrade database copy; the file may be gone.
    pub fn is_copy(name: &str) -> bool {
        name.starts_with(COPY)
    }

    /// Removes a pre-upgrade copy of the database; succeeds if it is already gone.
    ///
    /// # Errors
    /// The file can't be removed, or the name isn't that of a copy.
    pub fn remove_copy(&self, name: &str) -> Result<()> {
        // The name comes from the database; it must not lead out of this folder.
        if !name.starts_with(COPY) || name.contains('/') {
            return Err(CaseworkError::unreadable("the name of a database's copy"));
        }
        match fs::remove_file(self.root.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.fault(name, &e)),
            _ => Ok(()),
        }
    }

    /// True if something other than keys is in this folder: a database, a list or a vault's file.
    fn in_use(&self) -> bool {
        self.root.join("obhut.db").exists() || self.holds("lists") || self.holds("vault")
    }

    /// The keys as they are, for checks: nothing is made. `None` if this user can't read all of them.
    ///
    /// # Errors
    /// A file that can be read and isn't a key.
    pub fn keys_if_readable(&self) -> Result<Option<FolderKeys>> {
        let readable = |name: &str| fs::read_to_string(self.root.join("keys").join(name)).is_ok();
        // Not in each folder: see `exhibit_keys`.
        let ring = self.root.join("keys").join(RING);
        let is_readable = readable(RING) || ring.try_exists().is_ok_and(|is_there| !is_there);
        match is_readable
            && ["sealing.age", "log.signing", LOOKUP]
                .into_iter()
                .all(readable)
        {
            true => self.keys().map(Some),
            false => Ok(None),
        }
    }

    /// The log's public key, as it is published in the vault.
    ///
    /// # Errors
    /// It can't be read.
    pub fn published_key(&self) -> Result<String> {
        let path = "vault/log/key";
        fs::read_to_string(self.root.join(path)).map_err(|e| self.fault(path, &e))
    }

    /// A lock that keeps writers out of the vault while it is read, and writes nothing. Without the
    /// lock's file nothing has ever been written.
    pub fn evidence_reading_lock(&self) -> Arc<dyn WriterLock> {
        Arc::new(ReadingLock {
            path: self.root.join("vault.lock"),
        })
    }

    /// The address of the embedded database, for reading only. SQLite creates two files for readers,
    /// unless the address says that nothing changes. That is true if neither exists: a program that
    /// has the database open keeps them.
    pub fn sqlite_url_to_read(&self) -> String {
        let url = self.sqlite_url();
        let in_use = ["obhut.db-wal", "obhut.db-shm"]
            .iter()
            .any(|name| self.root.join(name).exists());
        match in_use {
            true => url.replace("mode=rwc", "mode=ro"),
            false => url.replace("mode=rwc", "mode=ro&immutable=true"),
        }
    }

    /// The text of a key; `make` provides it in a new folder.
    ///
    /// Two processes may start at the same time. Each completes the file under a name of its own
    /// and then hard-links it to `name`, so that exactly one wins and both read the winner's.
    fn key(&self, name: &str, make: impl FnOnce() -> String) -> Result<String> {
        let path = self.root.join("keys").join(name);
        let fault = |e: &io::Error| self.fault(&format!("keys/{name}"), e);
        if !path.exists() {
            // A data folder in use must not get a new key silently, because a new key would open
            // nothing in it: keys are made first, so everything there was sealed with an earlier
            // one. `path` is checked again because another process may have made the key, and then
            // the rest, in between.
            if self.in_use() && !path.exists() {
                return Err(CaseworkError::Folder {
                    path: path.display().to_string(),
                    why: "the key is missing, though this data folder is in use; put it back from where you keep it"
                        .into(),
                });
            }
            let fresh = self
                .root
                .join("keys")
                .join(format!("{name}.{}", ids::random_hex(4)));
            write_private(&fresh, make().as_bytes()).map_err(|e| fault(&e))?;
            settle(&fresh, &path).map_err(|e| fault(&e))?;
        }
        fs::read_to_string(&path).map_err(|e| fault(&e))
    }

    fn holds(&self, folder: &str) -> bool {
        // `prepare` creates the folders empty, so only their content shows that they are in use.
        fs::read_dir(self.root.join(folder)).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// The address of the embedded database.
    pub fn sqlite_url(&self) -> String {
        let path = self.root.join("obhut.db");
        // Percent-encoded, so that no character of the path is taken for a part of the URL.
        let encoded: String = path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .map(|b| match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    char::from(*b).to_string()
                }
                b => format!("%{b:02X}"),
            })
            .collect();
        format!("sqlite://{encoded}?mode=rwc")
    }

    /// Where the vault keeps its bytes.
    pub fn evidence_store(&self) -> Result<Arc<dyn ObjectStore>> {
        let store = LocalFileSystem::new_with_prefix(self.root.join("vault")).map_err(|e| {
            CaseworkError::Folder {
                path: "vault".into(),
                why: e.to_string(),
            }
        })?;
        // An acknowledged exhibit must survive a power cut.
        Ok(Arc::new(store.with_fsync(true)))
    }

    /// Files that the store was writing when it was interrupted, as paths relative to the vault.
    /// `object_store` appends `#` and a number to their names and leaves them out of its listings.
    pub fn unfinished_evidence(&self) -> Vec<String> {
        let unfinished = |name: &str| {
            name.rsplit_once('#')
                .is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        let files = self.files_below("vault").into_iter();
        files
            .filter_map(|name| Some(name.strip_prefix("vault/")?.to_owned()))
            .filter(|name| unfinished(name))
            .collect()
    }

    /// Symbolic links in the folders of the vault and the lists, or instead of these, as paths
    /// relative to the data folder. Nothing is looked for behind one.
    pub fn links(&self) -> Vec<String> {
        let below = ["vault", "lists"].map(|folder| {
            walkdir::WalkDir::new(self.root.join(folder))
                .follow_root_links(false)
                .sort_by_file_name()
        });
        below
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path_is_symlink())
            .filter_map(|entry| {
                let name = entry.path().strip_prefix(&self.root).ok()?;
                Some(name.to_string_lossy().into_owned())
            })
            .collect()
    }

    /// Every file below a folder, as paths relative to the data folder, sorted; no links.
    pub fn files_below(&self, folder: &str) -> Vec<String> {
        walkdir::WalkDir::new(self.root.join(folder))
            .sort_by_file_name()
            .into_iter()
            .flatten()
            .filter(|entry| !entry.file_type().is_dir() && !entry.path_is_symlink())
            .filter_map(|entry| {
                let name = entry.path().strip_prefix(&self.root).ok()?;
                Some(name.to_string_lossy().into_owned())
            })
            .collect()
    }

    /// Deletes a file, given relative to the folder, that was last written longer than `age` ago.
    /// Returns whether it did.
    ///
    /// # Errors
    /// The file can't be read or deleted.
    pub fn delete_if_older(&self, file: &str, age: std::time::Duration) -> Result<bool> {
        let path = self.root.join(file);
        let fault = |e: io::Error| self.fault(file, &e);
        let written = fs::symlink_metadata(&path).and_then(|m| m.modified());
        // A time in the future gives no age.
        let is_old = written.map_err(fault)?.elapsed().is_ok_and(|a| a >= age);
        if is_old {
            fs::remove_file(&path).map_err(fault)?;
        }
        Ok(is_old)
    }

    /// True if a restore to this folder was cut off.
    pub fn is_half_restored(&self) -> bool {
        self.root.join(RESTORING).exists()
    }

    /// True if the database in this folder is gone, though the rest of the folder is in use.
    pub fn lost_its_database(&self) -> bool {
        self.database_is_empty() && (self.holds("lists") || self.holds("vault"))
    }

    /// True if the embedded database is missing or an empty file.
    pub fn database_is_empty(&self) -> bool {
        // SQLite would take an empty file for a new database.
        fs::metadata(self.root.join("obhut.db")).map_or(true, |m| m.len() == 0)
    }

    /// Path for the copy of a database that is about to be upgraded. `step` is the newest migration
    /// it has.
    pub fn copy_before(&self, step: i64) -> PathBuf {
        self.root.join(format!("{COPY}{step}"))
    }

    /// Waits for the upgrade lock. Other processes can't upgrade until the returned file is
    /// dropped.
    pub async fn hold_upgrade(&self) -> Result<File> {
        self.hold("upgrade.lock").await
    }

    /// Waits for the erasure lock. Other processes can't erase until the returned file is dropped.
    pub async fn lock_erasing(&self) -> Result<File> {
        self.hold("erasing.lock").await
    }

    /// Waits for the turn to put rows into the log. Other processes can't until the returned file is
    /// dropped.
    pub async fn hold_row_log(&self) -> Result<File> {
        self.hold("rows.lock").await
    }

    /// Waits for the turn to exchange keys. Other processes can't until the returned file is dropped.
    pub async fn hold_rotation(&self) -> Result<File> {
        self.hold("rotation.lock").await
    }

    /// The turn to count how long obhut runs, unless another process has it. Other processes can't
    /// count until the returned file is dropped.
    pub fn turn_to_count(&self) -> Result<Option<File>> {
        let path = self.root.join("counting.lock");
        let taken = open_lock(&path).and_then(|file| match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(e)) => Err(e),
        });
        taken.map_err(|e| self.fault("counting.lock", &e))
    }

    async fn hold(&self, name: &'static str) -> Result<File> {
        let path = self.root.join(name);
        // `lock` blocks for as long as another process holds the file.
        let held = tokio::task::spawn_blocking(move || {
            let file = open_lock(&path)?;
            file.lock()?;
            io::Result::Ok(file)
        })
        .await
        .map_err(io::Error::other)
        .flatten();
        held.map_err(|e| self.fault(name, &e))
    }

    /// The lock that lets one writer at a time into the vault, across all processes.
    pub fn evidence_lock(&self) -> Arc<dyn WriterLock> {
        Arc::new(FileLock {
            path: self.root.join("vault.lock"),
            inside: Arc::default(),
        })
    }

    /// The sealed file of a list's version.
    pub fn list_file(&self, list: &str, version: &str) -> PathBuf {
        self.root
            .join("lists")
            .join(list)
            .join(format!("{version}.age"))
    }

    /// An error about a file of this folder, with what to do. `path` is relative to the folder.
    pub fn fault(&self, path: &str, e: &io::Error) -> CaseworkError {
        let hint = match e.kind() {
            io::ErrorKind::PermissionDenied => "; give this user access, or choose another folder",
            io::ErrorKind::StorageFull => "; free some disk space",
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                "; a file is where a folder should be: choose another folder"
            }
            io::ErrorKind::NotFound => "; the folder can't be created there: choose another one",
            _ => "",
        };
        let place = if path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(path)
        };
        CaseworkError::Folder {
            path: place.display().to_string(),
            why: format!("{e}{hint}"),
        }
    }
}

/// Creates a folder that only its owner can use. An existing folder is left as it is.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Gives a complete file its name, unless another process was faster, and removes its first name.
/// Afterwards the name survives a power cut.
fn settle(fresh: &Path, path: &Path) -> io::Result<()> {
    // Not rename: it would replace the key of a process that was faster.
    let linked = fs::hard_link(fresh, path);
    fs::remove_file(fresh)?;
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    // The winner may not have synced it yet, so the slower process does it too.
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Writes a new file with mode 0600 and replaces an older file of that name. The new file appears
/// under its name only when it is complete and synced.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_private(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.partial", ids::random_hex(4)));
    let partial = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = written
        .and_then(|()| fs::rename(&partial, path))
        .and_then(|()| {
            // The folder is synced too: otherwise a power cut could lose the new name. Without a
            // key, nothing that it sealed can be read.
            match path.parent() {
                Some(folder) => fs::File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        });
    if done.is_err() {
        let _ = fs::remove_file(&partial);
    }
    done
}

/// Pause of a process before it takes a lock again that it has just given back. Our judgement: a
/// process wakes up in a fraction of it, and an append takes ten times as long.
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// A lock that admits one writer at a time, across the threads of this process and all processes.
struct FileLock {
    path: PathBuf,
    /// When this process last gave it back.
    inside: Arc<tokio::sync::Mutex<Option<std::time::Instant>>>,
}

#[async_trait::async_trait]
impl WriterLock for FileLock {
    async fn hold(&self) -> io::Result<Box<dyn Send>> {
        // First within the process: otherwise each waiting task would occupy a blocking thread.
        let inside = self.inside.clone().lock_owned().await;
        // Another process that waits for the file wakes up in this time; without it, a busy process
        // would take the lock again and again before anyone else.
        if let Some(left) = inside.and_then(|at| LOCK_PAUSE.checked_sub(at.elapsed())) {
            tokio::time::sleep(left).await;
        }
        let path = self.path.clone();
        let file = tokio::task::spawn_blocking(move || {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)?;
            file.lock()?;
            io::Result::Ok(file)
        })
        .await
        .map_err(io::Error::other)??;
        Ok(Box::new(Held {
            file: Some(file),
            inside,
        }))
    }
}

/// Shares the lock's file with other readers, and keeps writers waiting.
struct ReadingLock {
    path: PathBuf,
}

#[async_trait::async_trait]
impl WriterLock for ReadingLock {
    async fn hold(&self) -> io::Result<Box<dyn Send>> {
        let path = self.path.clone();
        let file = tokio::task::spawn_blocking(move || match File::open(path) {
            Ok(file) => file.lock_shared().map(|()| Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        });
        Ok(Box::new(file.await.map_err(io::Error::other)??))
    }
}

/// Holds the lock until it is dropped: closing a file releases its lock.
struct Held {
    file: Option<File>,
    inside: tokio::sync::OwnedMutexGuard<Option<std::time::Instant>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The file first: others may have it before the time begins.
        self.file = None;
        *self.inside = Some(std::time::Instant::now());
    }
}

/// Opens a lock file.
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Never deleted: a second file of that name could be locked at the same time.
    options.open(path)
}
