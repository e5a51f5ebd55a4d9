//! The folder of a witness: its key, the logs it cosigns, how far it has seen each, and what it
//! refused.
//!
//! ```text
//! key                              the private key
//! logs/<log>/key                   the log's public key
//! logs/<log>/checkpoint            what was cosigned last
//! logs/<log>/fork-<size>-<root>    a signed checkpoint of another history, as refused
//! logs/<log>/against-<size>        what had been cosigned at that size
//! lock
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use obhut_vault::{
    Grown, KeyError, LogHead, LogKey, Refusal, Submission, WitnessKey, WitnessSigner,
};

use crate::{CaseworkError, Result, write_private};

/// Most logs of a witness. Our judgement: each request reads the keys of all.
const LOGS_MAX: usize = 1_000;
/// Most refused checkpoints that are kept of one log. Our judgement: one shows a fork, and a copy that
/// submits every minute must not fill the disk.
const FORKS_MAX: usize = 64;
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
    /// The signed checkpoints of other histories that were refused, as files.
    pub forks: Vec<PathBuf>,
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
            let files = listed(&folder)?.into_iter();
            let mut forks: Vec<_> = files.filter(|file| is_fork(file)).collect();
            forks.sort();
            logs.push(WitnessedLog {
                key,
                head,
                at: since.and_then(|t| i64::try_from(t.as_micros()).ok()),
                forks,
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
        let (folder, key) = logs
            .into_iter()
            .find(|(_, key)| key.origin() == submission.origin)
            .ok_or(NotCosigned::UnknownLog)?;
        let place = folder.join("checkpoint");
        let last = last(&place, &key).map_err(NotCosigned::Folder)?;
        let failed = |place: &Path, e: io::Error| NotCosigned::Folder(fault(place, &e.to_string()));
        match submission.judge(&key, last) {
            Ok(grown) => {
                if last != Some(grown.head) {
                    write_private(&place, &grown.checkpoint).map_err(|e| failed(&place, e))?;
                }
                Ok(Grown::cosigned(&grown, &self.signer, seconds))
            }
            Err(refusal) => {
                if matches!(refusal, Refusal::Fork(_) | Refusal::NotConsistent) {
                    self.keep_fork(&folder, &key, &submission)
                        .map_err(|e| failed(&folder, e))?;
                }
                Err(NotCosigned::Refused(refusal))
            }
        }
    }

    /// Keeps a checkpoint that its log has signed and that doesn't lead from what was cosigned, and
    /// what had been.
    fn keep_fork(&self, folder: &Path, key: &LogKey, submission: &Submission) -> io::Result<()> {
        let Some(head) = key.head_of(submission.checkpoint()) else {
            return Ok(());
        };
        let root: String = head.root[..8].iter().map(|b| format!("{b:02x}")).collect();
        let place = folder.join(format!("fork-{}-{root}", head.size));
        let forks = fs::read_dir(folder)?.flatten().map(|f| f.path());
        if place.exists() || forks.filter(|f| is_fork(f)).count() >= FORKS_MAX {
            return Ok(());
        }
        let against = fs::read(folder.join("checkpoint"))?;
        if let Some(seen) = key.head_of(&against) {
            write_private(&folder.join(format!("against-{}", seen.size)), &against)?;
        }
        write_private(&place, submission.checkpoint())
    }

    /// The folders of logs, with their keys.
    fn folders(&self) -> Result<Vec<(PathBuf, LogKey)>> {
        let mut found = Vec::new();
        for folder in listed(&self.root.join("logs"))? {
            let place = folder.join("key");
            match fs::read_to_string(&place) {
                Ok(text) => {
                    let key = LogKey::from_text(&text);
                    let key = key.map_err(|e| self::fault(&place, &e.to_string()))?;
                    found.push((folder, key));
                }
                // Left by what was cut off before the key was there.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(fault(&place, &e.to_string())),
            }
        }
        Ok(found)
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

fn is_fork(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("fork-") && !name.ends_with(".partial"))
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
