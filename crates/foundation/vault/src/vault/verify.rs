//! Compares everything stored with everything logged.

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use tlog_tiles::Tile;

use crate::log::{Event, EventKind, PUBLIC_KEY, TILE_HEIGHT, TILE_WIDTH, Tree, tile_path};
use crate::objects::Opening;
use crate::vault::{
    LoggedExhibit, OpenedRecord, Vault, content, exhibit_path, in_order, record_path,
};
use crate::{LogHead, VaultError};

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
    /// intake, reading, erasure or append that was interrupted before its entry was written, or by a
    /// rotation of keys that was interrupted after it. Nothing refers to them and nothing hands them out. Others are problems.
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
        self.verify_against(&[]).await
    }

    /// Like [`Vault::verify`], and compares the log with heads that it had, each with the place that a
    /// difference is said to be at: those that witnesses have cosigned.
    pub async fn verify_against(&self, heads: &[(String, LogHead)]) -> Verification {
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
        for (place, head) in heads {
            if head.size > tree.size {
                let what = format!(
                    "the log has {} entries and had {} when it was cosigned; it is an older copy",
                    tree.size, head.size
                );
                seen.problem(place, what);
            } else if tree.root_at(head.size) != head.root {
                let what = format!(
                    "the log's first {} entries are not those that were cosigned",
                    head.size
                );
                seen.problem(place, what);
            }
        }
        self.compare_tiles(&tree, &mut seen).await;

        // Unreadable entries are skipped only here; the loop below reports them.
        let events: Vec<Event> = entries
            .iter()
            .filter_map(|e| serde_json::from_slice(e).ok())
            .collect();
        seen.remarks = dated_back(&events);
        let exhibits = in_order(&events);
        let mut known = self.log.files_of(tree.size);
        known.extend(named(&events, &exhibits));
        for (index, entry) in entries.iter().enumerate() {
            let Ok(event) = serde_json::from_slice::<Event>(entry) else {
                seen.problem(format!("entry {index}"), "isn't an event");
                continue;
            };
            match event.event {
                EventKind::Row => seen.rows.push((index as u64, event.commitment)),
                EventKind::Put | EventKind::Rewrap => {}
                EventKind::Read | EventKind::Erase => {
                    self.compare_record(&event, &mut seen).await;
                }
            }
        }
        for exhibit in &exhibits {
            match exhibit.erased {
                // An erasure also deletes the exhibit's record. Those of readings and of the erasure
                // itself remain.
                Some(_) => self.compare_erased(exhibit, &mut seen).await,
                None => self.compare_exhibit(exhibit, &mut seen).await,
            }
        }
        self.compare_rewraps(&events, &exhibits, &mut seen);
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

    /// Compares the record that an entry names, and returns it if it could be opened. What is opened
    /// by the private keys alone is counted without them.
    async fn compare_record(&self, event: &Event, seen: &mut Verification) -> Option<OpenedRecord> {
        let place = record_path(&event.record);
        if let Some(expected) = &event.record_sha256 {
            match self.log.read(&place).await {
                Ok(sealed) if hex::encode(Sha256::digest(&sealed)) == *expected => {}
                Ok(_) => {
                    seen.problem(place, "its bytes are not those that were logged");
                    return None;
                }
                Err(e) => {
                    seen.problem(place, e);
                    return None;
                }
            }
        }
        if !self.log.keys.are_private {
            // An entry of the first version doesn't commit to the sealed bytes.
            seen.unopened += u64::from(event.record_sha256.is_none());
            return None;
        }
        match self.opened(event).await {
            Ok(record) => Some(record),
            Err(e) => {
                seen.problem(place, e);
                None
            }
        }
    }

    async fn compare_exhibit(&self, known: &LoggedExhibit, seen: &mut Verification) {
        let event = &known.event;
        let problems = seen.problems.len();
        let opened = self.compare_record(event, seen).await;
        if seen.problems.len() > problems {
            return;
        }
        let place = exhibit_path(event);
        match self.compare_content(event, opened.as_ref(), seen).await {
            Ok(None) => {}
            Ok(Some(what)) => seen.problem(place, what),
            Err(e) => seen.problem(place, e),
        }
    }

    /// Reads the sealed content once: its digest, and what is in it, if that can be opened. What is
    /// wrong with it, in words.
    async fn compare_content(
        &self,
        event: &Event,
        opened: Option<&OpenedRecord>,
        seen: &mut Verification,
    ) -> Result<Option<&'static str>, VaultError> {
        let mut pieces = self.pieces(&exhibit_path(event)).await?;
        let (mut sealed_digest, mut digest) = (Sha256::new(), Sha256::new());
        let mut opening = opened.and_then(|o| {
            let case = o.record.intake.as_ref()?.case.as_deref();
            Some(Opening::new(
                o.key.as_ref()?,
                &content::context(&event.exhibit, case),
            ))
        });
        let (mut is_authentic, mut bytes) = (true, 0);
        // Version 2 and before: opened whole.
        let mut whole = Vec::new();
        let is_old = opened.is_some_and(|o| o.key.is_none());
        let mut out = Vec::new();
        while let Some(piece) = pieces.try_next().await? {
            bytes += piece.len() as u64;
            sealed_digest.update(&piece);
            if let Some(opening) = opening.as_mut().filter(|_| is_authentic) {
                is_authentic = opening.update(&piece, &mut out).is_ok();
                digest.update(&out);
                out.clear();
            }
            if is_old {
                whole.extend_from_slice(&piece);
            }
        }
        seen.exhibits += 1;
        seen.sealed_bytes += bytes;
        if event.sealed_sha256 != Some(hex::encode(sealed_digest.finalize())) {
            return Ok(Some("its bytes are not those that were logged"));
        }
        let Some(opened) = opened else {
            return Ok(None);
        };
        if let Some(opening) = opening {
            is_authentic = is_authentic && opening.finish(&mut out).is_ok();
            digest.update(&out);
        } else if let Some(bytes) = self.log.keys.sealer.open(&whole) {
            digest.update(&bytes);
        } else {
            is_authentic = false;
        }
        // Record and sealed bytes match the log here, so the writer must have made a mistake.
        Ok(match is_authentic {
            false => Some("can't be opened with this vault's key"),
            true if opened.record.sha256 != Some(hex::encode(digest.finalize())) => {
                Some("its content is not the one that was recorded")
            }
            true => None,
        })
    }

    /// What was erased must be gone.
    async fn compare_erased(&self, known: &LoggedExhibit, seen: &mut Verification) {
        seen.erased += 1;
        for place in known.files() {
            if self.is_there(&place).await {
                seen.problem(
                    place,
                    "is recorded as erased and still exists: the erasure was cut off; the next start of a server, or the next time that destruction is run, finishes it",
                );
            }
        }
    }

    async fn is_there(&self, place: &str) -> bool {
        let place = object_store::path::Path::from(place);
        self.log.store.head(&place).await.is_ok()
    }

    /// Each entry that wrapped a key again must be about an exhibit, and commit to the same record as
    /// its intake.
    fn compare_rewraps(
        &self,
        events: &[Event],
        exhibits: &[LoggedExhibit],
        seen: &mut Verification,
    ) {
        let commitments: HashMap<_, _> = exhibits
            .iter()
            .map(|k| (k.event.exhibit.as_str(), k.event.commitment.as_str()))
            .collect();
        for event in events.iter().filter(|e| e.event == EventKind::Rewrap) {
            if commitments.get(event.exhibit.as_str()) != Some(&event.commitment.as_str()) {
                seen.problem(
                    format!("exhibit {}", event.exhibit),
                    "an entry wraps its key again and commits to another record than its intake",
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
        let not_event = |_| VaultError::Tampered("an entry isn't an event".into());
        let events = entries.iter().map(|e| serde_json::from_slice(e));
        let events: Vec<Event> = events.collect::<Result<_, _>>().map_err(not_event)?;
        let mut known = self.log.files_of(tree.size);
        known.extend(named(&events, &in_order(&events)));
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

/// The files that entries name. What was replaced when a key was wrapped again isn't named any more,
/// unless its exhibit was erased: then it must be gone, and isn't just left.
fn named(events: &[Event], exhibits: &[LoggedExhibit]) -> HashSet<String> {
    let of_access = events
        .iter()
        .filter(|e| matches!(e.event, EventKind::Read | EventKind::Erase))
        .map(|e| record_path(&e.record));
    let of_exhibits = exhibits.iter().flat_map(|k| match k.erased {
        Some(_) => k.files(),
        None => vec![exhibit_path(&k.event), record_path(&k.event.record)],
    });
    of_access.chain(of_exhibits).collect()
}

/// True if the vault gives such names to files, so that an interruption may have left one.
fn is_called_like_ours(path: &str) -> bool {
    let sealed = |folder: &str, ending: &str| path.strip_prefix(folder)?.strip_suffix(ending);
    if let Some(id) = sealed("exhibits/", ".sealed")
        .or(sealed("exhibits/", ".age"))
        .or(sealed("records/", ".age"))
    {
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
    /// Adds a difference that was found elsewhere.
    pub fn add_problem(&mut self, place: String, what: String) {
        self.problems.push(Problem { place, what });
    }

    /// Adds what is remarkable and no difference.
    pub fn add_remark(&mut self, place: String, what: String) {
        self.remarks.push(Problem { place, what });
    }

    fn problem(&mut self, place: impl Into<String>, what: impl ToString) {
        self.problems.push(Problem {
            place: place.into(),
            what: what.to_string(),
        });
    }
}
