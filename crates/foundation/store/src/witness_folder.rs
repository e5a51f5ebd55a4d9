//! The folder of a witness: its key, the logs it cosigns, how far it has seen each, and what it
//! refused.
//!
//! ```text
//! key                              the private key
//! logs/<log>/key                   the log's public key
//! logs/<log>/checkpoint            what was cosigned last
//! logs/<log>/fork-<size>-<root>    another signed checkpoint of a size that was cosigned: two histories
//! logs/<log>/against-<size>        the one that was cosigned
//! logs/<log>/refused-<size>-<root> a signed checkpoint whose proof didn't hold: perhaps another history
//! lock
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use obhut_vault::{KeyError, LogHead, LogKey, Refusal, Submission, WitnessKey, WitnessSigner};

use crate::{CaseworkError, Result, write_private};

/// Most logs of a witness. Our judgement: each request reads the keys of all.
const LOGS_MAX: usize = 1_000;
/// Most forks, and most refused checkpoints, that are kept of one log. Our judgement: one fork is enough
/// to show it, and a copy that submits every minute must not fill the disk.
const REFUSED_MAX: usize = 64;
/// Characters of a log's name in that of its folder. Our judgement.
const NAME_CHARS_MAX: usize = 80;

/// A witness's folder.
pub struct WitnessFolder {
    root: PathBuf,
    signer: WitnessSigner,
}

/// A log that a witness cosigns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessedLog {
    /// Its public key.
    pub key: LogKey,
    /// What was cosigned last; `None` before the first time.
    pub head: Option<LogHead>,
    /// When, microseconds since 1970.
    pub at: Option<i64>,
    /// Other signed checkpoints of a size that was cosigned, as files: they prove two histories.
    pub forks: Vec<PathBuf>,
    /// Signed checkpoints whose proof didn't hold, as files. Anyone who has seen one can hand it in
    /// with a proof that doesn't hold: they prove nothing.
    pub refused: Vec<PathBuf>,
}

/// Why a request isn't answered with a cosignature.
#[derive(Debug)]
pub enum NotCosigned {
    /// The witness doesn't cosign this log.
    UnknownLog,
    /// The request or the log's history.
    Refused(Refusal),
    /// The folder can't be read or written.
    Folder(CaseworkError),
}

impl WitnessFolder {
    /// Opens a folder. With `name`, a new key is made for a folder that has none.
    ///
    /// # Errors
    /// The folder can't be used; it has no key; or its key has another name.
    pub fn open(root: impl Into<PathBuf>, name: Option<&str>) -> Result<Self> {
        let root = root.into();
        let place = root.join("key");
        let text = match fs::read_to_string(&place) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let name = name.ok_or_else(|| {
                    let what = "it isn't a witness's folder: it has no key";
                    self::fault(&place, what)
                })?;
                let text = WitnessSigner::generate(name)
                    .map_err(|_| CaseworkError::invalid("name", "a witness's name is an address without a scheme, such as witness.example.org/1, without spaces and plus signs"))?;
                write_private(&place, format!("{text}\n").as_bytes())
                    .map_err(|e| self::fault(&place, &e.to_string()))?;
                text
            }
            Err(e) => return Err(fault(&place, &e.to_string())),
        };
        let signer = WitnessSigner::from_text(&text)
            .map_err(|e: KeyError| self::fault(&place, &e.to_string()))?;
        let own = signer.key().name().to_owned();
        if name.is_some_and(|name| name != own) {
            return Err(CaseworkError::conflict(format!(
                "this witness is called {own}; another name needs another folder"
            )));
        }
        Ok(Self { root, signer })
    }

    /// The witness's public key.
    pub fn key(&self) -> WitnessKey {
        self.signer.key()
    }

    /// Cosigns a log from now on.
    ///
    /// # Errors
    /// A log of that name has another key, there are 1,000 already, or the folder can't be written.
    pub fn trust(&self, key: &LogKey) -> Result<()> {
        let _lock = self.lock()?;
        let logs = self.folders()?;
        match logs
            .iter()
            .find(|(_, known)| known.origin() == key.origin())
        {
            Some((_, known)) if known == key => return Ok(()),
            Some(_) => {
                return Err(CaseworkError::conflict(format!(
                    "the log {} is on record with another key",
                    key.origin()
                )));
            }
            None if logs.len() >= LOGS_MAX => {
                return Err(CaseworkError::conflict(format!(
                    "this witness cosigns {LOGS_MAX} logs already"
                )));
            }
            None => {}
        }
        let place = self.root.join("logs").join(folder_name(key)).join("key");
        write_private(&place, format!("{}\n", key.text()).as_bytes())
            .map_err(|e| self::fault(&place, &e.to_string()))
    }

    /// The logs it cosigns, by name.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn logs(&self) -> Result<Vec<WitnessedLog>> {
        let mut logs = Vec::new();
        for (folder, key) in self.folders()? {
            let place = folder.join("checkpoint");
            let head = last(&place, &key)?;
            let changed = fs::metadata(&place).and_then(|m| m.modified()).ok();
            let since = changed.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
            let mut files = listed(&folder)?;
            files.sort();
            let of = |kind| {
                let files = files.iter().filter(|file| is_kept(file, kind));
                files.cloned().collect()
            };
            logs.push(WitnessedLog {
                key,
                head,
                at: since.and_then(|t| i64::try_from(t.as_micros()).ok()),
                forks: of(FORK),
                refused: of(REFUSED),
            });
        }
        logs.sort_by(|a, b| a.key.origin().cmp(b.key.origin()));
        Ok(logs)
    }

    /// Answers a request `add-checkpoint` with a signature line, at this time, in seconds since 1970.
    /// What is cosigned is on stable storage before. Blocks.
    ///
    /// # Errors
    /// Why it isn't cosigned.
    pub fn add_checkpoint(
        &self,
        body: &[u8],
        seconds: i64,
    ) -> std::result::Result<String, NotCosigned> {
        let submission = Submission::read(body).map_err(NotCosigned::Refused)?;
        // Held from comparing to writing: otherwise an older checkpoint could replace a newer one.
        let _lock = self.lock().map_err(NotCosigned::Folder)?;
        let logs = self.folders().map_err(NotCosigned::Folder)?;
        let mut found: Option<(PathBuf, LogKey, Option<LogHead>)> = None;
        for (folder, key) in logs {
            if key.origin() != submission.origin {
                continue;
            }
            // Of a folder that was copied by hand, the record that has seen more counts.
            let last = last(&folder.join("checkpoint"), &key).map_err(NotCosigned::Folder)?;
            let size = |last: &Option<LogHead>| last.map(|head| head.size);
            if found
                .as_ref()
                .is_none_or(|(.., known)| size(known) < size(&last))
            {
                found = Some((folder, key, last));
            }
        }
        let (folder, key, last) = found.ok_or(NotCosigned::UnknownLog)?;
        let place = folder.join("checkpoint");
        let failed = |place: &Path, e: io::Error| NotCosigned::Folder(fault(place, &e.to_string()));
        match submission.check(&key, last) {
            Ok(grown) => {
                if last != Some(grown.head) {
                    write_private(&place, &grown.checkpoint).map_err(|e| failed(&place, e))?;
                    // What was refused before with another proof isn't another history.
                    let _ = fs::remove_file(folder.join(kept_name(REFUSED, grown.head)));
                }
                Ok(grown.cosigned(&self.signer, seconds))
            }
            Err(refusal) => {
                let head = key.head_of(submission.checkpoint());
                let kept = match (&refusal, head) {
                    (Refusal::Fork(_), Some(head)) => {
                        let against = folder.join(format!("against-{}", head.size));
                        let copied = match against.exists() {
                            true => Ok(()),
                            false => fs::read(&place).and_then(|b| write_private(&against, &b)),
                        };
                        copied.and_then(|()| keep(&folder, FORK, head, submission.checkpoint()))
                    }
                    (Refusal::NotConsistent, Some(head)) if Some(head) != last => {
                        keep(&folder, REFUSED, head, submission.checkpoint())
                    }
                    _ => Ok(()),
                };
                kept.map_err(|e| failed(&folder, e))?;
                Err(NotCosigned::Refused(refusal))
            }
        }
    }

    /// The folders of logs, with their keys. What isn't one is left out: it keeps no other log from
    /// being cosigned.
    fn folders(&self) -> Result<Vec<(PathBuf, LogKey)>> {
        let mut found = Vec::new();
        for folder in listed(&self.root.join("logs"))? {
            let key = fs::read_to_string(folder.join("key")).ok();
            if let Some(key) = key.and_then(|text| LogKey::from_text(&text).ok()) {
                found.push((folder, key));
            }
        }
        Ok(found)
    }

    /// What is in the folder of logs and has no readable key: no log is cosigned from there.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn unreadable(&self) -> Result<Vec<PathBuf>> {
        let known = self.folders()?;
        let mut others = listed(&self.root.join("logs"))?;
        others.retain(|path| !known.iter().any(|(folder, _)| folder == path));
        others.sort();
        Ok(others)
    }

    /// Held by one thread or process at a time, until it is dropped.
    fn lock(&self) -> Result<File> {
        let place = self.root.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let locked = options.open(&place).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|e| self::fault(&place, &e.to_string()))
    }
}

/// What was cosigned last.
fn last(place: &Path, key: &LogKey) -> Result<Option<LogHead>> {
    match fs::read(place) {
        // Not taken as "nothing": the witness would cosign another history.
        Ok(bytes) => match key.head_of(&bytes) {
            Some(head) => Ok(Some(head)),
            None => Err(fault(
                place,
                "it isn't what was cosigned; restore it from a backup",
            )),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(fault(place, &e.to_string())),
    }
}

/// How the files of forks and of other refused checkpoints begin.
const FORK: &str = "fork-";
const REFUSED: &str = "refused-";

fn is_kept(file: &Path, kind: &str) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(kind) && !name.ends_with(".partial"))
}

fn kept_name(kind: &str, head: LogHead) -> String {
    let root: String = head.root[..8].iter().map(|b| format!("{b:02x}")).collect();
    format!("{kind}{}-{root}", head.size)
}

/// Keeps a refused checkpoint, unless it is there or there are enough.
fn keep(folder: &Path, kind: &str, head: LogHead, checkpoint: &[u8]) -> io::Result<()> {
    let place = folder.join(kept_name(kind, head));
    let files = fs::read_dir(folder)?.flatten().map(|f| f.path());
    if place.exists() || files.filter(|f| is_kept(f, kind)).count() >= REFUSED_MAX {
        return Ok(());
    }
    write_private(&place, checkpoint)
}

/// The files and folders in a folder; none if it isn't there.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read,
    };
    let read = read.map_err(|e| self::fault(folder, &e.to_string()))?;
    read.map(|entry| {
        entry
            .map(|e| e.path())
            .map_err(|e| self::fault(folder, &e.to_string()))
    })
    .collect()
}

/// The name of a log's folder: the key's id, and what of the log's name fits into a file's.
fn folder_name(key: &LogKey) -> String {
    let id = key.text().split('+').nth(1).unwrap_or_default();
    let name = key.origin().chars().take(NAME_CHARS_MAX);
    let name: String = name
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("{name}-{id}")
}

fn fault(place: &Path, why: &str) -> CaseworkError {
    CaseworkError::Folder {
        path: place.display().to_string(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use obhut_vault::{Clock, Keys, Sealer, Submitted, Vault, WriterLock};
    use object_store::memory::InMemory;

    use super::*;

    struct Stopped;

    impl Clock for Stopped {
        fn now_micros(&self) -> i64 {
            1_790_000_000_000_000
        }
    }

    struct Alone;

    #[async_trait::async_trait]
    impl WriterLock for Alone {
        async fn hold(&self) -> io::Result<Box<dyn Send>> {
            Ok(Box::new(()))
        }
    }

    /// A log, and what it hands in each time it has grown by an entry, from each size before.
    async fn growing(entries: u64) -> (LogKey, Vec<Vec<Submitted>>) {
        let signing = Keys::generate_signing("obhut.test/g");
        let keys = Keys::new(Sealer::generate().0, &signing).unwrap();
        let (store, keys) = (Arc::new(InMemory::new()), Arc::new(keys));
        let vault = Vault::new(store, keys, Arc::new(Alone), Arc::new(Stopped));
        vault.begin().await.unwrap();
        let mut handed = Vec::new();
        for n in 1..=entries {
            vault.append_rows(&[format!("{n:064x}")]).await.unwrap();
            let mut from = Vec::new();
            for old in 0..n {
                from.push(vault.submission(old).await.unwrap().unwrap());
            }
            handed.push(from);
        }
        (LogKey::from_text(vault.verifier_key()).unwrap(), handed)
    }

    /// Regression for the race that C2SP tlog-witness describes: what was seen never shrinks.
    #[tokio::test]
    async fn what_was_cosigned_only_grows_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let witness = WitnessFolder::open(folder.path(), Some("w.example/1")).unwrap();
        let (key, handed) = growing(24).await;
        assert!(matches!(
            witness.add_checkpoint(&handed[0][0].body, 1),
            Err(NotCosigned::UnknownLog)
        ));
        witness.trust(&key).unwrap();
        std::thread::scope(|threads| {
            for start in 0..4 {
                let (handed, root) = (&handed, folder.path());
                threads.spawn(move || {
                    // As another process would open it.
                    let witness = WitnessFolder::open(root, None).unwrap();
                    let (mut seen, mut tries) = (0, 0);
                    while seen < 24 && tries < 2_000 {
                        tries += 1;
                        // Each time to another size, which may be smaller than what others had cosigned.
                        let to = (seen + (tries + start) % 3).min(23);
                        let Some(submitted) = handed[to].get(seen) else {
                            seen += 1;
                            continue;
                        };
                        match witness.add_checkpoint(&submitted.body, 1) {
                            Ok(line) => {
                                assert!(line.starts_with("— w.example/1 "));
                                seen = to + 1;
                            }
                            Err(NotCosigned::Refused(Refusal::OtherSize(size))) => {
                                assert!(size as usize >= seen, "{size} after {seen}");
                                seen = size as usize;
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                    assert_eq!(seen, 24);
                });
            }
        });
        let logs = witness.logs().unwrap();
        assert_eq!(logs[0].head, Some(handed[23][0].head));
        assert_eq!(logs[0].forks, Vec::<PathBuf>::new());
        assert_eq!(logs[0].refused, Vec::<PathBuf>::new());
    }

    /// Regression: a checkpoint that anyone may have seen, handed in with a proof that doesn't hold, was
    /// called a fork, and enough of them left no place for a real one.
    #[tokio::test]
    async fn a_proof_that_does_not_hold_is_no_fork() {
        let folder = tempfile::tempdir().unwrap();
        let witness = WitnessFolder::open(folder.path(), Some("w.example/1")).unwrap();
        let (key, handed) = growing(9).await;
        witness.trust(&key).unwrap();
        let broken = |submitted: &Submitted, old: u64| {
            let junk = "A".repeat(43) + "=";
            let head = format!("old {old}\n{junk}\n\n");
            [head.as_bytes(), &submitted.checkpoint].concat()
        };
        let refused = |body: &[u8]| match witness.add_checkpoint(body, 1) {
            Err(NotCosigned::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
        // Before anything was cosigned, too.
        assert_eq!(refused(&broken(&handed[4][0], 0)), Refusal::NotConsistent);
        witness.add_checkpoint(&handed[4][0].body, 1).unwrap();
        assert_eq!(refused(&broken(&handed[4][0], 5)), Refusal::NotConsistent);
        assert_eq!(refused(&broken(&handed[7][0], 5)), Refusal::NotConsistent);
        let logs = witness.logs().unwrap();
        assert_eq!((logs[0].forks.len(), logs[0].refused.len()), (0, 1));
        // Cosigned with a proof that holds, it was none.
        witness.add_checkpoint(&handed[7][5].body, 1).unwrap();
        assert_eq!(witness.logs().unwrap()[0].refused, Vec::<PathBuf>::new());
        for n in 0..REFUSED_MAX {
            let head = LogHead {
                size: 1_000 + n as u64,
                root: [7; 32],
            };
            let place = witness.folders().unwrap()[0].0.clone();
            keep(&place, REFUSED, head, b"x").unwrap();
        }
        let place = witness.folders().unwrap()[0].0.clone();
        let other = LogHead {
            size: 8,
            root: [9; 32],
        };
        keep(&place, FORK, other, b"x").unwrap();
        assert_eq!(witness.logs().unwrap()[0].forks.len(), 1);
    }

    /// Regression: a stray file among the logs kept every one from being cosigned.
    #[tokio::test]
    async fn what_is_no_log_disturbs_none() {
        let folder = tempfile::tempdir().unwrap();
        let witness = WitnessFolder::open(folder.path(), Some("w.example/1")).unwrap();
        let (key, handed) = growing(2).await;
        witness.trust(&key).unwrap();
        fs::write(folder.path().join("logs/.DS_Store"), b"x").unwrap();
        fs::create_dir(folder.path().join("logs/other")).unwrap();
        fs::write(folder.path().join("logs/other/key"), b"\xff").unwrap();
        witness.add_checkpoint(&handed[1][0].body, 1).unwrap();
        assert_eq!(witness.logs().unwrap().len(), 1);
        assert_eq!(witness.unreadable().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_damaged_record_is_not_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let witness = WitnessFolder::open(folder.path(), Some("w.example/1")).unwrap();
        let (key, handed) = growing(2).await;
        witness.trust(&key).unwrap();
        witness.add_checkpoint(&handed[0][0].body, 1).unwrap();
        let place = witness.folders().unwrap()[0].0.join("checkpoint");
        fs::write(&place, b"").unwrap();
        assert!(matches!(
            witness.add_checkpoint(&handed[1][0].body, 1),
            Err(NotCosigned::Folder(_))
        ));
        let other = Keys::new(
            Sealer::generate().0,
            &Keys::generate_signing("obhut.test/g"),
        );
        let other = LogKey::from_text(other.unwrap().verifier_key()).unwrap();
        assert!(
            witness.trust(&other).is_err(),
            "another key for the same log"
        );
        assert!(WitnessFolder::open(folder.path(), Some("x.example/1")).is_err());
    }
}
