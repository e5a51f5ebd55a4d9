//! Exhibits in and out, each with its entry in the log.

mod append;
mod content;
mod prove;
mod published;
mod rewrap;
mod submit;
mod verify;

pub use content::{EXHIBIT_BYTES_MAX, IN_MEMORY_BYTES_MAX};
pub use prove::Proven;
pub use rewrap::Rewrapped;
pub use submit::Submitted;
pub use verify::{Problem, Verification};

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::append::Appender;
use crate::index::Index;
use crate::keys::random_id;
use crate::log::{Event, EventKind, Log, LogHead, Tree};
use crate::objects::KEY_BYTES;
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

    /// Erases an exhibit for good: its bytes, and the record that says where it came from. The log
    /// still proves that it was there, and when and why it was erased. Returns the index of the
    /// erasure's entry. Calling it again finishes an interrupted erasure.
    pub async fn erase(&self, id: &str, access: Access) -> Result<u64, VaultError> {
        let known = self.entries_of(id).await?;
        // LoggedExhibit if an earlier run was cut off after its entry: then only the files are left to delete.
        let index = match known.erased {
            Some(index) => index,
            None => {
                let mut record = Record::new();
                record.access = Some(access);
                let event = self.event(EventKind::Erase, id, &record, None).await?;
                // The entry first: no exhibit vanishes without one, and a rerun finishes what a crash left.
                self.append(event).await?
            }
        };
        // The record first: it holds the key, and without it the rest is noise.
        for path in known.files().into_iter().rev() {
            self.delete(&path).await?;
        }
        Ok(index)
    }

    /// Deletes a file; succeeds if it is gone already.
    async fn delete(&self, path: &str) -> Result<(), VaultError> {
        match self.log.store.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Every exhibit that wasn't erased, in the order of the log. Opens records, not contents.
    pub async fn list(&self) -> Result<Vec<Exhibit>, VaultError> {
        let mut exhibits = Vec::new();
        let events = self.events().await?;
        for known in in_order(&events) {
            // An erased exhibit has no record left to open.
            if known.erased.is_none() {
                let opened = match self.opened(&known.event).await {
                    // As in `find_opened`.
                    Err(VaultError::Store(object_store::Error::NotFound { .. })) => {
                        match self.find_opened(&known.event.exhibit).await {
                            Err(VaultError::Erased(_)) => continue,
                            found => found?.1,
                        }
                    }
                    opened => opened?,
                };
                exhibits.push(describe(&known, opened.record)?);
            }
        }
        Ok(exhibits)
    }

    /// One exhibit. Opens its record, not its content.
    pub async fn exhibit(&self, id: &str) -> Result<Exhibit, VaultError> {
        let (known, opened) = self.find_opened(id).await?;
        self::describe(&known, opened.record)
    }

    /// What the log says of an exhibit that wasn't erased, and its record.
    pub(crate) async fn find_opened(
        &self,
        id: &str,
    ) -> Result<(LoggedExhibit, OpenedRecord), VaultError> {
        let known = self.find(id).await?;
        match self.opened(&known.event).await {
            // Its key was wrapped again, or it was erased, since the log was read.
            Err(VaultError::Store(object_store::Error::NotFound { .. })) => {
                let known = self.find(id).await?;
                let opened = self.opened(&known.event).await?;
                Ok((known, opened))
            }
            opened => Ok((known, opened?)),
        }
    }

    /// Who read an exhibit, and when (microseconds since 1970), oldest first.
    pub async fn readings(&self, id: &str) -> Result<Vec<(i64, Access)>, VaultError> {
        let mut readings = Vec::new();
        for event in self.events().await? {
            if event.event == EventKind::Read && event.exhibit == id {
                let record = self.opened(&event).await?.record;
                readings.extend(record.access.map(|access| (event.time, access)));
            }
        }
        Ok(readings)
    }

    /// The record that an entry commits to.
    pub(crate) async fn opened(&self, event: &Event) -> Result<OpenedRecord, VaultError> {
        let name = || format!("record {}", event.record);
        let sealed = self.log.read(&record_path(&event.record)).await?;
        // Anyone who has a public key can seal a record: its bytes count, and not that it opens.
        let is_logged = |expected: &String| *expected == hex::encode(Sha256::digest(&sealed));
        if !event.record_sha256.as_ref().is_none_or(is_logged) {
            return Err(VaultError::Tampered(name()));
        }
        let holds_key = matches!(event.event, EventKind::Put | EventKind::Rewrap);
        let (bytes, is_current) = match holds_key && event.v >= 3 {
            true => {
                let unwrapped = self.log.keys.ring.unwrap(&sealed).await?;
                let unwrapped = unwrapped.ok_or_else(|| VaultError::Sealed(name()))?;
                (unwrapped.bytes, unwrapped.is_current)
            }
            false => {
                let bytes = self.log.keys.sealer.open(&sealed);
                (bytes.ok_or_else(|| VaultError::Sealed(name()))?, true)
            }
        };
        OpenedRecord::new(bytes, is_current, event).ok_or_else(|| VaultError::Tampered(name()))
    }

    async fn events(&self) -> Result<Vec<Event>, VaultError> {
        // Held while reading: an append deletes the partial tiles of the size that is read here.
        let guard = self.lock.hold().await?;
        let head = self.log.head().await?;
        let entries = self.log.entries(head.size).await?;
        drop(guard);
        let mut tree = Tree::default();
        entries.iter().for_each(|e| tree.push(e));
        if tree.root() != head.root {
            return Err(VaultError::Tampered("the entries and their root".into()));
        }
        entries
            .iter()
            .map(|e| {
                serde_json::from_slice(e)
                    .map_err(|_| VaultError::Tampered("an entry isn't an event".into()))
            })
            .collect()
    }

    async fn find(&self, id: &str) -> Result<LoggedExhibit, VaultError> {
        let known = self.entries_of(id).await?;
        match known.erased {
            Some(_) => Err(VaultError::Erased(id.to_owned())),
            None => Ok(known),
        }
    }

    /// What the log says of an exhibit.
    async fn entries_of(&self, id: &str) -> Result<LoggedExhibit, VaultError> {
        // Held while reading, as in `events`. It also ensures that only one task at a time adds to
        // the index.
        let guard = self.lock.hold().await?;
        let head = self.log.head().await?;
        let size = head.size;
        let from = {
            let mut index = self.index();
            index.reset_if_shorter(size);
            index.size()
        };
        self.log
            .each_entry(from, size, |entry| self.index().push(entry))
            .await?;
        let found = self.index().find(id);
        let found = found.ok_or_else(|| VaultError::NotFound(id.to_owned()))?;
        let (put, rewrap) = (Some(found.put), found.rewrapped);
        let mut entries = [None, None, None];
        for (place, index) in [put, rewrap, found.erased].into_iter().enumerate() {
            let Some(index) = index else { continue };
            let entry = self.log.entry(index, size).await?;
            // The files of the log aren't believed, only what its signature covers: an entry that was
            // exchanged could name a forged exhibit, or one as erased that isn't.
            prove::included(&self.log, head.size, head, index, &entry).await?;
            entries[place] = Some(entry);
        }
        drop(guard);
        let [put, rewrap, erase] = &entries;
        let read = |entry: &Option<Vec<u8>>, kind| {
            let event = serde_json::from_slice::<Event>(entry.as_ref()?).ok();
            event.filter(|e| e.event == kind && e.exhibit == id)
        };
        let known = read(put, EventKind::Put).and_then(|event| {
            let mut known = LoggedExhibit::new(found.put, event);
            if rewrap.is_some() {
                // One that commits to another record counts as none; `verify` names it.
                let _ = known.rewrapped(read(rewrap, EventKind::Rewrap)?);
            }
            if erase.is_some() {
                read(erase, EventKind::Erase)?;
                known.erased = found.erased;
            }
            Some(known)
        });
        match known {
            Some(known) => Ok(known),
            // The folder was replaced by another log while this process ran.
            None => {
                *self.index() = Index::default();
                Err(VaultError::Tampered(format!(
                    "entry {} isn't the one that was read before",
                    found.put
                )))
            }
        }
    }

    fn index(&self) -> std::sync::MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the record, with the exhibit's key where there is one, and makes the entry that commits
    /// to it.
    async fn event(
        &self,
        kind: EventKind,
        exhibit: &str,
        record: &Record,
        key: Option<&[u8; KEY_BYTES]>,
    ) -> Result<Event, VaultError> {
        let bytes = serde_json::to_vec(record).expect("a record is JSON");
        self.event_of(kind, exhibit, &bytes, key).await
    }

    async fn event_of(
        &self,
        kind: EventKind,
        exhibit: &str,
        bytes: &[u8],
        key: Option<&[u8; KEY_BYTES]>,
    ) -> Result<Event, VaultError> {
        // Not the exhibit's id: an exhibit has one record for each entry about it.
        let name = random_id();
        let sealed = match key {
            Some(key) => {
                // The key isn't part of what the entry commits to: it isn't handed out with the record as a
                // proof.
                let with_key = [bytes, b"\n", hex::encode(key).as_bytes()].concat();
                self.log.keys.ring.wrap(&with_key).await?
            }
            None => self.log.keys.sealer.seal(bytes),
        };
        let record_sha256 = Some(hex::encode(Sha256::digest(&sealed)));
        self.create(&record_path(&name), sealed).await?;
        // The time is read before the lock, so times may run backwards; the index is the order.
        Ok(Event {
            v: if key.is_some() { 3 } else { 2 },
            event: kind,
            time: self.clock.now_micros(),
            exhibit: exhibit.to_owned(),
            sealed_sha256: None,
            sealed_bytes: None,
            record: name,
            record_sha256,
            commitment: hex::encode(Sha256::digest(bytes)),
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

fn describe(known: &LoggedExhibit, record: Record) -> Result<Exhibit, VaultError> {
    let event = &known.event;
    let incomplete = || VaultError::Tampered(format!("record {}", event.record));
    Ok(Exhibit {
        id: event.exhibit.clone(),
        log_index: known.put,
        time: event.time,
        bytes: record.bytes.ok_or_else(incomplete)?,
        sha256: record.sha256.ok_or_else(incomplete)?,
        intake: record.intake.ok_or_else(incomplete)?,
    })
}

/// A record that was opened.
pub(crate) struct OpenedRecord {
    /// What the entry commits to, byte for byte.
    pub json: Vec<u8>,
    pub record: Record,
    /// The exhibit's key, from version 3 on.
    pub key: Option<[u8; KEY_BYTES]>,
    /// False if a former key of the ring opened it.
    pub is_current: bool,
}

impl OpenedRecord {
    /// None unless it is what the entry commits to: a sealed record that opens may still be another
    /// one.
    fn new(mut bytes: Vec<u8>, is_current: bool, event: &Event) -> Option<Self> {
        let mut key = None;
        // JSON on one line, then the key.
        if let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let text = hex::decode(&bytes[end + 1..]).ok()?;
            key = Some(text.try_into().ok()?);
            bytes.truncate(end);
        }
        let is_committed = hex::encode(Sha256::digest(&bytes)) == event.commitment;
        Some(Self {
            record: serde_json::from_slice(&bytes)
                .ok()
                .filter(|_| is_committed)?,
            json: bytes,
            key,
            is_current,
        })
    }
}

/// What the log says of one exhibit.
pub(crate) struct LoggedExhibit {
    /// Index of its `put`.
    pub put: u64,
    /// Its `put`, with the record and the form that it has now.
    pub event: Event,
    /// Index of its erasure.
    pub erased: Option<u64>,
    /// Files that were replaced when its key was wrapped again; they should be gone.
    pub replaced: Vec<String>,
}

impl LoggedExhibit {
    fn new(put: u64, event: Event) -> Self {
        Self {
            put,
            event,
            erased: None,
            replaced: Vec::new(),
        }
    }

    /// Takes a later `rewrap` into account. None if that commits to another record.
    fn rewrapped(&mut self, later: Event) -> Option<()> {
        let now = &mut self.event;
        if later.commitment != now.commitment {
            return None;
        }
        self.replaced.push(record_path(&now.record));
        if later.sealed_sha256.is_some() {
            if now.v < 3 {
                self.replaced.push(exhibit_path(now));
            }
            (now.sealed_sha256, now.sealed_bytes) = (later.sealed_sha256, later.sealed_bytes);
        }
        (now.v, now.record, now.record_sha256) = (later.v, later.record, later.record_sha256);
        Some(())
    }

    /// Every file that it has or had: content first, then records.
    pub fn files(&self) -> Vec<String> {
        let now = [exhibit_path(&self.event), record_path(&self.event.record)];
        let mut files: Vec<_> = now.into_iter().chain(self.replaced.clone()).collect();
        files.sort();
        files
    }
}

/// What a log says of each exhibit, in the order of their intakes.
pub(crate) fn in_order(events: &[Event]) -> Vec<LoggedExhibit> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<LoggedExhibit> = Vec::new();
    for (index, event) in (0..).zip(events) {
        match (event.event, places.get(event.exhibit.as_str())) {
            (EventKind::Put, None) => {
                places.insert(&event.exhibit, all.len());
                all.push(LoggedExhibit::new(index, event.clone()));
            }
            // One that commits to something else is left out of account, and found by `verify`.
            (EventKind::Rewrap, Some(place)) => {
                let _ = all[*place].rewrapped(event.clone());
            }
            (EventKind::Erase, Some(place)) => {
                all[*place].erased.get_or_insert(index);
            }
            _ => {}
        }
    }
    all
}

/// Where the sealed content of a `put` is.
pub(crate) fn exhibit_path(put: &Event) -> String {
    let ending = if put.v < 3 { "age" } else { "sealed" };
    format!("exhibits/{}.{ending}", put.exhibit)
}

pub(crate) fn record_path(name: &str) -> String {
    format!("records/{name}.age")
}
