//! Compares everything stored with everything logged.

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use tlog_tiles::Tile;

use crate::VaultError;
use crate::log::{Event, EventKind, PUBLIC_KEY, TILE_HEIGHT, TILE_WIDTH, Tree, tile_path};
use crate::vault::{Vault, erased, exhibit_path, record_path};

/// How far an entry may be dated before an earlier one without a remark, in microseconds: ten minutes.
/// Our judgement: times are read before the turn to write, and clocks are set.
const DATED_BACK_MICROS_MAX: i64 = 10 * 60 * 1_000_000;

/// A file that nothing names is deleted only when it is this old, in microseconds: a day. Our
/// judgement: an intake takes seconds, and clocks differ by hours at most.
const LEFTOVER_AGE_MICROS_MIN: i64 = 24 * 60 * 60 * 1_000_000;

/// Characters of an id of an exhibit or a record.
const ID_CHARS: usize = 32;

/// Something that does not agree with the log.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Problem {
    /// The file or entry it is about.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

/// What a verification looked at and found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// Entries in the log.
    pub entries: u64,
    /// Index and commitment of each entry about a row of the database.
    pub rows: Vec<(u64, String)>,
    /// Exhibits whose bytes were compared.
    pub exhibits: u64,
    /// Total length of their sealed bytes.
    pub sealed_bytes: u64,
    /// Exhibits that the log says were erased, whether or not their files are gone.
    pub erased: u64,
    /// Differences found; empty if everything agrees.
    pub problems: Vec<Problem>,
    /// Records that only the private keys open, and that weren't compared for want of them.
    pub unopened: u64,
    /// What is remarkable and no difference: entries that are dated back.
    pub remarks: Vec<Problem>,
    /// Files that neither the log nor an entry names, and that are called as obhut's are: left by an
    /// intake, reading, erasure or append that was interrupted before its entry was written. Nothing
    /// refers to them and nothing hands them out. Others are problems.
    pub leftovers: Vec<String>,
}

impl Vault {
    /// Reads the log's entries and compares them with its signed root; exhibits and records aren't
    /// read.
    pub async fn verify_log(&self) -> Verification {
        let mut seen = Verification::default();
        let guard = match self.hold().await {
            Ok(guard) => guard,
            Err(e) => {
                seen.problem("writer lock", e);
                return seen;
            }
        };
        if let Some((_, entries)) = self.compare_log(&mut seen).await {
            for (index, entry) in (0..).zip(&entries) {
                match serde_json::from_slice::<Event>(entry) {
                    Ok(e) if e.event == EventKind::Row => seen.rows.push((index, e.commitment)),
                    Ok(_) => {}
                    Err(_) => seen.problem(format!("entry {index}"), "isn't an event"),
                }
            }
        }
        drop(guard);
        seen
    }

    /// The tree and the entries of the log; `None` if they can't be read, which is named then.
    async fn compare_log(&self, seen: &mut Verification) -> Option<(Tree, Vec<Vec<u8>>)> {
        self.compare_public_key(seen).await;
        let head = match self.head().await {
            Ok(head) => head,
            Err(e) => {
                seen.problem("log/checkpoint", e);
                return None;
            }
        };
        let entries = match self.log.entries(head.size).await {
            Ok(entries) => entries,
            Err(e) => {
                seen.problem("log/tile/entries", e);
                return None;
            }
        };
        seen.entries = head.size;
        let mut tree = Tree::default();
        entries.iter().for_each(|e| tree.push(e));
        match self.known() {
            Some(known) if head.size < known.size => seen.problem(
                "log/checkpoint",
                format!(
                    "it has {} entries and had {}; it is an older copy",
                    head.size, known.size
                ),
            ),
            Some(known) if tree.root_at(known.size) != known.root => seen.problem(
                "log/checkpoint",
                format!("its first {} entries are not those it had", known.size),
            ),
            _ => {}
        }
        // Continues all the same, so that the problems also name the tile, record or exhibit at
        // fault.
        if tree.root() != head.root {
            seen.problem(
                "log/tile/entries",
                "the entries' Merkle root differs from the signed root",
            );
        }
        Some((tree, entries))
    }

    /// Reads every entry, tile, record and exhibit. Nothing is changed, and no content leaves.
    pub async fn verify(&self) -> Verification {
        let mut seen = Verification::default();
        // Holds the lock throughout: an append in between would look like a difference.
        let guard = match self.hold().await {
            Ok(guard) => guard,
            Err(e) => {
                seen.problem("writer lock", e);
                return seen;
            }
        };
        let Some((tree, entries)) = self.compare_log(&mut seen).await else {
            return seen;
        };
        self.compare_tiles(&tree, &mut seen).await;

        // Unreadable entries are skipped only here; the loop below reports them.
        let events: Vec<Event> = entries
            .iter()
            .filter_map(|e| serde_json::from_slice(e).ok())
            .collect();
        seen.remarks = dated_back(&events);
        let erased = erased(&events);
        let mut known = self.log.files_of(tree.size);
        for (index, entry) in entries.iter().enumerate() {
            let Ok(event) = serde_json::from_slice::<Event>(entry) else {
                seen.problem(format!("entry {index}"), "isn't an event");
                continue;
            };
            if event.event == EventKind::Row {
                seen.rows.push((index as u64, event.commitment));
                continue;
            }
            // An erasure also deletes the record of the `put`. The records of readings and of the
            // erasure itself remain.
            if event.event == EventKind::Put && erased.contains(&event.exhibit) {
                self.compare_erased(&event, &mut seen).await;
                known.insert(record_path(&event.record));
                known.insert(exhibit_path(&event.exhibit));
                continue;
            }
            known.insert(record_path(&event.record));
            known.insert(exhibit_path(&event.exhibit));
            self.compare_event(&event, &mut seen).await;
        }
        self.look_for_leftovers(&known, &mut seen).await;
        drop(guard);
        seen
    }

    async fn compare_public_key(&self, seen: &mut Verification) {
        match self.log.read(PUBLIC_KEY).await {
            Ok(key) if key == self.log.public_key() => {}
            Ok(_) => seen.problem(PUBLIC_KEY, "isn't the key of this vault's log"),
            Err(e) => seen.problem(PUBLIC_KEY, e),
        }
    }

    async fn compare_tiles(&self, tree: &Tree, seen: &mut Verification) {
        // From 0: every tile that a reader of this size needs, not only those of the last append.
        for tile in Tile::new_tiles(TILE_HEIGHT, 0, tree.size) {
            let path = tile_path(&tile);
            let expected = tile.read_data(tree).expect("all hashes are in memory");
            match self.log.read(&path).await {
                Ok(stored) if stored == expected => {}
                Ok(_) => seen.problem(path, "differs from the entries"),
                Err(e) => seen.problem(path, e),
            }
        }
    }

    async fn compare_event(&self, event: &Event, seen: &mut Verification) {
        if let Some(expected) = &event.record_sha256 {
            let place = record_path(&event.record);
            match self.log.read(&place).await {
                Ok(sealed) if hex::encode(Sha256::digest(&sealed)) == *expected => {}
                Ok(_) => return seen.problem(place, "its bytes are not those that were logged"),
                Err(e) => return seen.problem(place, e),
            }
        }
        if !self.log.keys.are_private {
            return self.compare_sealed(event, seen).await;
        }
        let record = match self.record(event).await {
            Ok(record) => record,
            Err(e) => return seen.problem(record_path(&event.record), e),
        };
        if event.event != EventKind::Put {
            return;
        }
        let place = exhibit_path(&event.exhibit);
        let sealed = match self.log.read(&place).await {
            Ok(sealed) => sealed,
            Err(e) => return seen.problem(place, e),
        };
        seen.exhibits += 1;
        seen.sealed_bytes += sealed.len() as u64;
        if event.sealed_sha256 != Some(hex::encode(Sha256::digest(&sealed))) {
            return seen.problem(place, "its bytes are not those that were logged");
        }
        match self.log.keys.sealer.open(&sealed) {
            None => seen.problem(place, "can't be opened with this vault's key"),
            // Record and sealed bytes match the log here, so the writer must have made a mistake.
            Some(bytes) if record.sha256 != Some(hex::encode(Sha256::digest(&bytes))) => {
                seen.problem(place, "its content is not the one that was recorded");
            }
            Some(_) => {}
        }
    }

    /// What can be compared without opening anything: the exhibit's sealed bytes. The record's were
    /// compared before; an entry of the first version doesn't commit to them.
    async fn compare_sealed(&self, event: &Event, seen: &mut Verification) {
        seen.unopened += u64::from(event.record_sha256.is_none());
        if event.event != EventKind::Put {
            return;
        }
        let place = exhibit_path(&event.exhibit);
        match self.log.read(&place).await {
            Ok(sealed) => {
                seen.exhibits += 1;
                seen.sealed_bytes += sealed.len() as u64;
                if event.sealed_sha256 != Some(hex::encode(Sha256::digest(&sealed))) {
                    seen.problem(place, "its bytes are not those that were logged");
                }
            }
            Err(e) => seen.problem(place, e),
        }
    }

    /// What was erased must be gone.
    async fn compare_erased(&self, event: &Event, seen: &mut Verification) {
        seen.erased += 1;
        for place in [exhibit_path(&event.exhibit), record_path(&event.record)] {
            if self.log.read(&place).await.is_ok() {
                seen.problem(
                    place,
                    "is recorded as erased and still exists: the erasure was cut off; the next start of a server, or the next time that destruction is run, finishes it",
                );
            }
        }
    }

    /// Deletes files that neither the log nor an entry names and that are called as obhut's are, if
    /// they are older than a day: a younger one may belong to an intake that is about to be logged.
    /// Returns their names.
    ///
    /// # Errors
    /// The log can't be read in whole: then it isn't known what it names, and nothing is deleted.
    pub async fn delete_leftovers(&self) -> Result<Vec<String>, VaultError> {
        let guard = self.hold().await?;
        let head = self.log.head().await?;
        let entries = self.log.entries(head.size).await?;
        let mut tree = Tree::default();
        entries.iter().for_each(|e| tree.push(e));
        if tree.root() != head.root {
            return Err(VaultError::Tampered("the entries and their root".into()));
        }
        let mut known = self.log.files_of(tree.size);
        for entry in &entries {
            let event: Event = serde_json::from_slice(entry)
                .map_err(|_| VaultError::Tampered("an entry isn't an event".into()))?;
            known.insert(record_path(&event.record));
            known.insert(exhibit_path(&event.exhibit));
        }
        let files: Vec<_> = self.log.store.list(None).try_collect().await?;
        let now = self.clock().now_micros();
        let mut deleted = Vec::new();
        for file in files {
            let age = now - file.last_modified.timestamp_micros();
            let name = file.location.to_string();
            // What isn't obhut's is a fault, and evidence of who put it there: it stays.
            let is_left = !known.contains(&name) && is_called_like_ours(&name);
            if is_left && age >= LEFTOVER_AGE_MICROS_MIN {
                match self.log.store.delete(&file.location).await {
                    Ok(()) => deleted.push(name),
                    // Gone meanwhile.
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
        drop(guard);
        Ok(deleted)
    }

    async fn look_for_leftovers(&self, known: &HashSet<String>, seen: &mut Verification) {
        let listed: Result<Vec<_>, _> = self
            .log
            .store
            .list(None)
            .map_ok(|m| m.location.to_string())
            .try_collect()
            .await;
        match listed {
            Err(e) => seen.problem("vault", e),
            Ok(paths) => {
                for path in paths.into_iter().filter(|p| !known.contains(p)) {
                    match is_called_like_ours(&path) {
                        true => seen.leftovers.push(path),
                        false => {
                            seen.problem(path, "isn't a file of obhut's; nothing refers to it")
                        }
                    }
                }
            }
        }
    }
}

/// True if the vault gives such names to files, so that an interruption may have left one.
fn is_called_like_ours(path: &str) -> bool {
    let sealed = |folder: &str| path.strip_prefix(folder)?.strip_suffix(".age");
    if let Some(id) = sealed("exhibits/").or(sealed("records/")) {
        return id.len() == ID_CHARS && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    }
    // C2SP tlog-tiles: `<level>/x001/234.p/7`.
    let Some((level, tile)) = path
        .strip_prefix("log/tile/")
        .and_then(|t| t.split_once('/'))
    else {
        return false;
    };
    let is_level = level == "entries" || level.parse::<u8>().is_ok_and(|l| l < 8);
    let (index, width) = tile.split_once(".p/").unwrap_or((tile, "1"));
    let is_width = width
        .parse::<u64>()
        .is_ok_and(|w| (1..TILE_WIDTH).contains(&w));
    let mut groups = index.rsplit('/');
    let is_group = |group: &str| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit());
    is_level
        && is_width
        && groups.next().is_some_and(is_group)
        && groups.all(|g| g.strip_prefix('x').is_some_and(is_group))
}

/// Entries far earlier than one before them: the clock was set back, or the entries were made later.
fn dated_back(events: &[Event]) -> Vec<Problem> {
    let mut latest = i64::MIN;
    let mut remarks = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let back = latest.saturating_sub(event.time);
        if back > DATED_BACK_MICROS_MAX {
            remarks.push(Problem {
                place: format!("entry {index}"),
                what: format!(
                    "is dated {} minutes before an earlier one",
                    back / 60_000_000
                ),
            });
        }
        latest = latest.max(event.time);
    }
    remarks
}

impl Verification {
    fn problem(&mut self, place: impl Into<String>, what: impl ToString) {
        self.problems.push(Problem {
            place: place.into(),
            what: what.to_string(),
        });
    }
}
