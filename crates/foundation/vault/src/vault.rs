//! Exhibits in and out, each with its entry in the log.

mod append;
mod prove;
mod verify;

pub use prove::Proven;
pub use verify::{Problem, Verification};

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::append::Appender;
use crate::index::Index;
use crate::keys::random_id;
use crate::log::{Event, EventKind, Log, LogHead};
use crate::{Clock, Keys, VaultError, WriterLock};

/// Where an exhibit came from, and why it was taken in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// Who put it in.
    pub actor: String,
    /// What for.
    pub purpose: String,
    /// The case it belongs to, where there is one.
    pub case: Option<String>,
    /// Where it was found: a path, an account, an address.
    pub source: Option<String>,
    /// Media type by content, where known.
    pub media_type: Option<String>,
}

/// Who reads, and what for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who reads.
    pub actor: String,
    /// What for.
    pub purpose: String,
}

/// An exhibit as its log entry and its record describe it.
#[derive(Clone, PartialEq, Eq)]
pub struct Exhibit {
    /// Its id.
    pub id: String,
    /// Index of its entry in the log.
    pub log_index: u64,
    /// When it came in, microseconds since 1970.
    pub time: i64,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hex. Sensitive.
    pub sha256: String,
    /// Where it came from.
    pub intake: Intake,
}

impl fmt::Debug for Exhibit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹exhibit {}, sealed›", self.id)
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

/// What a log entry commits to; stored sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// Salt, 32 random bytes in hex: without it the committed content could be guessed.
    pub salt: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub intake: Option<Intake>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub access: Option<Access>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
}

impl Record {
    fn new() -> Self {
        let salt = format!("{}{}", random_id(), random_id());
        Self {
            salt,
            intake: None,
            access: None,
            sha256: None,
            bytes: None,
        }
    }
}

/// The vault.
pub struct Vault {
    pub(crate) log: Log,
    index: Mutex<Index>,
    lock: Arc<dyn WriterLock>,
    clock: Arc<dyn Clock>,
    appender: Appender,
}

impl Vault {
    /// Opens a vault in a store. A new one needs [`Vault::begin`].
    pub fn new(
        store: Arc<dyn ObjectStore>,
        keys: Arc<Keys>,
        lock: Arc<dyn WriterLock>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let log = Log { store, keys };
        Self {
            appender: Appender::new(log.clone(), lock.clone()),
            log,
            index: Mutex::default(),
            lock,
            clock,
        }
    }

    /// Begins the log of a vault that is known to be new; does nothing if it has begun.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin(&self) -> Result<(), VaultError> {
        let guard = self.lock.hold().await?;
        let begun = self.log.begin().await;
        drop(guard);
        begun
    }

    /// Writes the log's public key next to it, if it isn't there, for checks without obhut.
    ///
    /// # Errors
    /// The store failed.
    pub async fn publish_key(&self) -> Result<(), VaultError> {
        let guard = self.lock.hold().await?;
        let published = self.log.publish_key().await;
        drop(guard);
        published
    }

    /// Takes note of a head that the log has had. A log of fewer entries is an older copy: nothing is
    /// added to it, because that would make two histories.
    pub fn expect(&self, head: LogHead) {
        self.appender.expect(head);
    }

    /// Takes note of a checkpoint that was kept elsewhere, as [`Vault::expect`] does of a head.
    ///
    /// # Errors
    /// It isn't a checkpoint of this vault's log.
    pub fn expect_checkpoint(&self, checkpoint: &[u8]) -> Result<(), VaultError> {
        self.expect(self.log.head_of(checkpoint, "the checkpoint given")?);
        Ok(())
    }

    /// Size and root of the log, after checking its signature.
    pub async fn head(&self) -> Result<LogHead, VaultError> {
        self.log.head().await
    }

    /// The public key that checks the log.
    pub fn verifier_key(&self) -> &str {
        self.log.keys.verifier_key()
    }

    /// Seals and stores bytes, then logs them. On return, the exhibit and its entry are stored.
    pub async fn put(&self, bytes: &[u8], intake: Intake) -> Result<Exhibit, VaultError> {
        let id = random_id();
        let sealed = self.log.keys.sealer.seal(bytes);
        let sha256 = hex::encode(Sha256::digest(bytes));
        let mut record = Record::new();
        record.intake = Some(intake.clone());
        record.sha256 = Some(sha256.clone());
        record.bytes = Some(bytes.len() as u64);
        // Record and exhibit, then the entry: the log never names a file that was not stored.
        let (sealed_sha256, sealed_bytes) =
            (hex::encode(Sha256::digest(&sealed)), sealed.len() as u64);
        let path = exhibit_path(&id);
        let (event, created) = futures::join!(
            self.event(EventKind::Put, &id, &record),
            self.create(&path, sealed)
        );
        let mut event = match (event, created) {
            (Ok(event), Ok(())) => event,
            (event, created) => {
                // Nothing refers to the other one yet. If this fails too, `verify` lists it as a
                // leftover.
                let left = match &event {
                    Ok(event) => record_path(&event.record),
                    Err(_) => path,
                };
                let _ = self.log.store.delete(&Path::from(left)).await;
                created?;
                event?
            }
        };
        event.sealed_sha256 = Some(sealed_sha256);
        event.sealed_bytes = Some(sealed_bytes);
        // No clean-up if this fails: the checkpoint may be written, and then the log names both files.
        let log_index = self.append(event.clone()).await?;
        Ok(Exhibit {
            id,
            log_index,
            time: event.time,
            bytes: bytes.len() as u64,
            sha256,
            intake,
        })
    }

    /// The content, after its reading has been logged. Fails if the exhibit was never there or was
    /// erased, or if the sealed bytes don't match its log entry. Only `verify` checks the entry
    /// itself against the signed root.
    pub async fn get(&self, id: &str, access: Access) -> Result<Vec<u8>, VaultError> {
        // First, so that a request for an unknown or erased exhibit leaves no reading in the log.
        let (_, put) = self.find(id).await?;
        let mut record = Record::new();
        record.access = Some(access);
        let event = self.event(EventKind::Read, id, &record).await?;
        // A crash after this leaves a logged reading that didn't happen. In the other order, a
        // crash would leave a reading that isn't logged.
        self.append(event).await?;

        let sealed = self.log.read(&exhibit_path(id)).await?;
        // Decrypting does not suffice: any other exhibit's file under this name would open as well.
        if put.sealed_sha256 != Some(hex::encode(Sha256::digest(&sealed))) {
            return Err(VaultError::Tampered(format!("exhibit {id}")));
        }
        self.log
            .keys
            .sealer
            .open(&sealed)
            .ok_or_else(|| VaultError::Sealed(format!("exhibit {id}")))
    }

    /// Erases an exhibit for good: its bytes, and the record that says where it came from. The log
    /// still proves that it was there, and when and why it was erased. Returns the index of the
    /// erasure's entry. Calling it again finishes an interrupted erasure.
    pub async fn erase(&self, id: &str, access: Access) -> Result<u64, VaultError> {
        let (_, put, erased) = self.entries_of(id).await?;
        // Known if an earlier run was cut off after its entry: then only the files are left to delete.
        let index = match erased {
            Some(index) => index,
            None => {
                let mut record = Record::new();
                record.access = Some(access);
                let event = self.event(EventKind::Erase, id, &record).await?;
                // The entry first: no exhibit vanishes without one, and a rerun finishes what a crash left.
                self.append(event).await?
            }
        };
        for path in [exhibit_path(id), record_path(&put.record)] {
            match self.log.store.delete(&Path::from(path)).await {
                // Gone already: an earlier run got this far.
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(index)
    }

    /// Every exhibit that wasn't erased, in the order of the log. Opens records, not contents.
    pub async fn list(&self) -> Result<Vec<Exhibit>, VaultError> {
        let mut exhibits = Vec::new();
        let events = self.events().await?;
        let erased = erased(&events);
        for (log_index, event) in (0..).zip(events.iter().cloned()) {
            // An erased exhibit has no record left to open.
            if event.event == EventKind::Put && !erased.contains(&event.exhibit) {
                exhibits.push(self.describe(log_index, &event).await?);
            }
        }
        Ok(exhibits)
    }

    /// One exhibit. Opens its record, not its content.
    pub async fn exhibit(&self, id: &str) -> Result<Exhibit, VaultError> {
        let (log_index, event) = self.find(id).await?;
        self.describe(log_index, &event).await
    }

    async fn describe(&self, log_index: u64, event: &Event) -> Result<Exhibit, VaultError> {
        let record = self.record(event).await?;
        let incomplete = || VaultError::Tampered(format!("record {}", event.record));
        Ok(Exhibit {
            id: event.exhibit.clone(),
            log_index,
            time: event.time,
            bytes: record.bytes.ok_or_else(incomplete)?,
            sha256: record.sha256.ok_or_else(incomplete)?,
            intake: record.intake.ok_or_else(incomplete)?,
        })
    }

    /// Who read an exhibit, and when (microseconds since 1970), oldest first.
    pub async fn readings(&self, id: &str) -> Result<Vec<(i64, Access)>, VaultError> {
        let mut readings = Vec::new();
        for event in self.events().await? {
            if event.event == EventKind::Read && event.exhibit == id {
                let record = self.record(&event).await?;
                readings.extend(record.access.map(|access| (event.time, access)));
            }
        }
        Ok(readings)
    }

    pub(crate) async fn record(&self, event: &Event) -> Result<Record, VaultError> {
        let sealed = self.log.read(&record_path(&event.record)).await?;
        let bytes = self.log.keys.sealer.open(&sealed);
        let bytes = bytes.ok_or_else(|| VaultError::Sealed(format!("record {}", event.record)))?;
        let tampered = || VaultError::Tampered(format!("record {}", event.record));
        // A sealed record that opens may still be another one; only the committed one counts.
        if hex::encode(Sha256::digest(&bytes)) != event.commitment {
            return Err(tampered());
        }
        serde_json::from_slice(&bytes).map_err(|_| tampered())
    }

    async fn events(&self) -> Result<Vec<Event>, VaultError> {
        // Held while reading: an append deletes the partial tiles of the size that is read here.
        let guard = self.lock.hold().await?;
        let head = self.log.head().await?;
        let entries = self.log.entries(head.size).await?;
        drop(guard);
        // The entries are not compared with the signed root here; only `verify` does that.
        entries
            .iter()
            .map(|e| {
                serde_json::from_slice(e)
                    .map_err(|_| VaultError::Tampered("an entry isn't an event".into()))
            })
            .collect()
    }

    async fn find(&self, id: &str) -> Result<(u64, Event), VaultError> {
        match self.entries_of(id).await? {
            (_, _, Some(_)) => Err(VaultError::Erased(id.to_owned())),
            (index, put, None) => Ok((index, put)),
        }
    }

    /// Index and entry of the exhibit's `put`, and the index of its erasure if it was erased.
    async fn entries_of(&self, id: &str) -> Result<(u64, Event, Option<u64>), VaultError> {
        // Held while reading, as in `events`. It also ensures that only one task at a time adds to
        // the index.
        let guard = self.lock.hold().await?;
        let size = self.log.head().await?.size;
        let from = {
            let mut index = self.index();
            index.reset_if_shorter(size);
            index.size()
        };
        self.log
            .each_entry(from, size, |entry| self.index().push(entry))
            .await?;
        let found = self.index().find(id);
        let (put, erased) = found.ok_or_else(|| VaultError::NotFound(id.to_owned()))?;
        let entry = self.log.entry(put, size).await?;
        drop(guard);
        match serde_json::from_slice::<Event>(&entry) {
            Ok(event) if event.event == EventKind::Put && event.exhibit == id => {
                Ok((put, event, erased))
            }
            // The folder was replaced by another log while this process ran.
            _ => {
                *self.index() = Index::default();
                Err(VaultError::Tampered(format!(
                    "entry {put} isn't the one that was read before"
                )))
            }
        }
    }

    fn index(&self) -> std::sync::MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the record and makes the entry that commits to it.
    async fn event(
        &self,
        kind: EventKind,
        exhibit: &str,
        record: &Record,
    ) -> Result<Event, VaultError> {
        let bytes = serde_json::to_vec(record).expect("a record is JSON");
        // Not the exhibit's id: an exhibit has one record for each entry about it.
        let name = random_id();
        let sealed = self.log.keys.sealer.seal(&bytes);
        let record_sha256 = Some(hex::encode(Sha256::digest(&sealed)));
        self.create(&record_path(&name), sealed).await?;
        // The time is read before the lock, so times may run backwards; the index is the order.
        Ok(Event {
            v: 2,
            event: kind,
            time: self.clock.now_micros(),
            exhibit: exhibit.to_owned(),
            sealed_sha256: None,
            sealed_bytes: None,
            record: name,
            record_sha256,
            commitment: hex::encode(Sha256::digest(&bytes)),
        })
    }

    /// Adds an entry for each commitment to a row of the database, in order. Returns the index of the
    /// first.
    ///
    /// # Errors
    /// The store failed, or the log isn't the one that was here before.
    pub async fn append_rows(&self, commitments: &[String]) -> Result<u64, VaultError> {
        let time = self.clock.now_micros();
        let events: Vec<Event> = commitments
            .iter()
            .map(|commitment| Event {
                v: 2,
                event: EventKind::Row,
                time,
                exhibit: String::new(),
                sealed_sha256: None,
                sealed_bytes: None,
                record: String::new(),
                record_sha256: None,
                commitment: commitment.clone(),
            })
            .collect();
        self.appender.append(events).await
    }

    /// Index and commitment of every entry about a row, from index `from` on.
    ///
    /// # Errors
    /// The store failed, or an entry can't be read.
    pub async fn rows(&self, from: u64) -> Result<Vec<(u64, String)>, VaultError> {
        let guard = self.lock.hold().await?;
        let size = self.log.head().await?.size;
        let mut rows = Vec::new();
        let mut index = from;
        let read = |entry: &[u8]| {
            let event: Event = serde_json::from_slice(entry)
                .map_err(|_| VaultError::Tampered(format!("entry {index}")))?;
            if event.event == EventKind::Row {
                rows.push((index, event.commitment));
            }
            index += 1;
            Ok(())
        };
        self.log.each_entry(from, size, read).await?;
        drop(guard);
        Ok(rows)
    }

    async fn append(&self, event: Event) -> Result<u64, VaultError> {
        self.appender.append(vec![event]).await
    }

    /// Stores a new file. Fails if the path exists: nothing is ever overwritten.
    async fn create(&self, path: &str, bytes: Vec<u8>) -> Result<(), VaultError> {
        self.log
            .store
            .put_opts(
                &Path::from(path),
                PutPayload::from(bytes),
                PutMode::Create.into(),
            )
            .await?;
        Ok(())
    }

    pub(crate) fn known(&self) -> Option<LogHead> {
        self.appender.known()
    }

    /// Keeps every writer waiting until the returned value is dropped, for a copy of the whole vault.
    ///
    /// # Errors
    /// The lock can't be taken.
    pub async fn hold_writers(&self) -> Result<Box<dyn Send>, VaultError> {
        self.hold().await
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) async fn hold(&self) -> Result<Box<dyn Send>, VaultError> {
        Ok(self.lock.hold().await?)
    }
}

/// Ids of the exhibits that were erased.
pub(crate) fn erased(events: &[Event]) -> HashSet<String> {
    let gone = events.iter().filter(|e| e.event == EventKind::Erase);
    gone.map(|e| e.exhibit.clone()).collect()
}

pub(crate) fn exhibit_path(id: &str) -> String {
    format!("exhibits/{id}.age")
}

pub(crate) fn record_path(name: &str) -> String {
    format!("records/{name}.age")
}
