//! Writes events to an append-only Merkle log of tiles, in the formats C2SP tlog-tiles and
//! tlog-checkpoint.
//!
//! Layout below `log/`: `checkpoint`, `tile/<level>/<index>[.p/<width>]`,
//! `tile/entries/<index>[.p/<width>]`. A tile has 256 hashes or entries; a partial one is valid only
//! for the size the checkpoint names. The checkpoint is written last: what it doesn't cover was
//! never acknowledged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use serde::{Deserialize, Serialize};
use signed_note::{Note, VerifierList};
use tlog_tiles::{
    Checkpoint, Hash, HashReader, Tile, record_hash, stored_hash_index,
    stored_hashes_for_record_hash, tree_hash,
};

use crate::{Keys, VaultError};

/// log2 of the width of a tile (C2SP tlog-tiles).
pub(crate) const TILE_HEIGHT: u8 = 8;
/// Entries in a full bundle.
pub(crate) const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
/// Where the signed head of the log is.
pub(crate) const CHECKPOINT: &str = "log/checkpoint";
/// Where the public key is that checks it, as C2SP signed-note writes one.
pub(crate) const PUBLIC_KEY: &str = "log/key";
/// Longest entry, in bytes: bundles store its length in 16 bits. Source: C2SP tlog-tiles.
const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// An exhibit came in.
    Put,
    /// An exhibit was read; written before the first byte was handed out.
    Read,
    /// An exhibit's key was wrapped under another key, or the exhibit was sealed in a newer form. Its
    /// content and what its record says are the same.
    Rewrap,
    /// An exhibit was erased for good; written before its bytes and its record were removed.
    Erase,
    /// A row of the database was written or deleted; the entry commits to what it holds since.
    Row,
}

/// One entry of the log, as JSON with its fields in this order. No person and no case is in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Version of this form. From 3 on, an exhibit is sealed with a key that its record holds.
    pub v: u8,
    /// What happened.
    pub event: EventKind,
    /// When, in microseconds since 1970.
    pub time: i64,
    /// The exhibit; empty in a `row`.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub exhibit: String,
    /// SHA-256 of the sealed bytes in hex, so that they can be checked without a key. Only in a
    /// `put`, and in a `rewrap` that sealed the exhibit again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed_sha256: Option<String>,
    /// Length of the sealed bytes, where their digest is given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed_bytes: Option<u64>,
    /// Name of the sealed record that says who, why and for which case; empty in a `row`.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub record: String,
    /// SHA-256 of the record as it is stored, sealed, in hex, so that it can be checked without a
    /// key. Not in entries of version 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record_sha256: Option<String>,
    /// SHA-256 in hex of the salted record before it was sealed; in a `row`, of the salted row.
    pub commitment: String,
}

/// Size and root of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogHead {
    /// Entries.
    pub size: u64,
    /// RFC 6962 root hash.
    pub root: [u8; 32],
}

#[derive(Clone)]
pub(crate) struct Log {
    pub store: Arc<dyn ObjectStore>,
    pub keys: Arc<Keys>,
}

impl Log {
    /// Writes the checkpoint of an empty log, if there isn't one. Only for a vault that is
    /// known to be new: where a checkpoint is lost, the log would start over.
    pub async fn begin(&self) -> Result<(), VaultError> {
        match self.read(CHECKPOINT).await {
            Err(VaultError::Store(object_store::Error::NotFound { .. })) => {
                let empty = self.checkpoint(0, tlog_tiles::EMPTY_HASH);
                self.write(CHECKPOINT, empty).await
            }
            Err(e) => Err(e),
            Ok(_) => Ok(()),
        }
    }

    /// Writes the log's public key next to it, if it isn't there.
    pub async fn publish_key(&self) -> Result<(), VaultError> {
        match self.read(PUBLIC_KEY).await {
            Err(VaultError::Store(object_store::Error::NotFound { .. })) => {
                self.write(PUBLIC_KEY, self.public_key()).await
            }
            Err(e) => Err(e),
            Ok(_) => Ok(()),
        }
    }

    /// The content of [`PUBLIC_KEY`].
    pub fn public_key(&self) -> Vec<u8> {
        format!("{}\n", self.keys.verifier_key()).into_bytes()
    }

    /// The files that a log of this size consists of.
    pub fn files_of(&self, size: u64) -> HashSet<String> {
        let tiles = Tile::new_tiles(TILE_HEIGHT, 0, size);
        let mut files: HashSet<_> = tiles.iter().map(tile_path).collect();
        for index in 0..size.div_ceil(TILE_WIDTH) {
            let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
            files.insert(bundle_path(index, width));
        }
        files.extend([CHECKPOINT.to_owned(), PUBLIC_KEY.to_owned()]);
        files
    }

    /// The signed head.
    pub async fn head(&self) -> Result<LogHead, VaultError> {
        let bytes = match self.read(CHECKPOINT).await {
            Ok(bytes) => bytes,
            // Not an empty log: one has a checkpoint, too.
            Err(VaultError::Store(object_store::Error::NotFound { .. })) => {
                return Err(VaultError::Tampered(format!("{CHECKPOINT} is missing")));
            }
            Err(e) => return Err(e),
        };
        self.head_of(&bytes, CHECKPOINT)
    }

    /// The signed checkpoint, byte for byte.
    pub async fn checkpoint_file(&self) -> Result<Vec<u8>, VaultError> {
        self.read(CHECKPOINT).await
    }

    /// The head that a checkpoint signs; `name` is what errors call it.
    pub fn head_of(&self, checkpoint: &[u8], name: &str) -> Result<LogHead, VaultError> {
        let bad = |what: &str| VaultError::Tampered(format!("{name} {what}"));
        let note = Note::from_bytes(checkpoint).map_err(|_| bad("isn't a signed note"))?;
        note.verify(&VerifierList::new(vec![Box::new(self.keys.verifier())]))
            .map_err(|_| bad("is not signed by this vault's key"))?;
        let checkpoint = Checkpoint::from_bytes(note.text()).map_err(|_| bad("is malformed"))?;
        if checkpoint.origin() != self.keys.origin {
            return Err(bad("is another log's"));
        }
        Ok(LogHead {
            size: checkpoint.size(),
            root: checkpoint.hash().0,
        })
    }

    /// Appends events and signs the new checkpoint. Returns the index of the first event, and the
    /// new head. The caller must hold the writer lock.
    pub async fn append(&self, events: &[Event]) -> Result<(u64, LogHead), VaultError> {
        let head = self.head().await?;
        let mut hashes = Hashes::default();
        // Eight levels of eight bits cover a u64; a ninth would shift by 64.
        for level in 0..8 {
            let count = head.size >> (TILE_HEIGHT * level);
            let width = count % TILE_WIDTH;
            // Full tiles are not needed: the tile one level up holds their hashes.
            if width > 0 {
                let tile = Tile::new(TILE_HEIGHT, level, count / TILE_WIDTH, width as u32, false);
                hashes.tiles.insert(
                    (level, count / TILE_WIDTH),
                    self.read(&tile_path(&tile)).await?,
                );
            }
        }
        let tampered = |_| VaultError::Tampered("the right edge of the tree".into());
        // Before anything is signed: a new checkpoint would make changed tiles look genuine.
        if tree_hash(head.size, &hashes).map_err(tampered)?.0 != head.root {
            return Err(VaultError::Tampered("tiles and checkpoint differ".into()));
        }

        let mut bundles: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut size = head.size;
        if !size.is_multiple_of(TILE_WIDTH) {
            let path = bundle_path(size / TILE_WIDTH, size % TILE_WIDTH);
            let bundle = self.read(&path).await?;
            // Otherwise a damaged one would be copied, and the good one deleted.
            let mut own = Vec::new();
            self.each_entry(size / TILE_WIDTH * TILE_WIDTH, size, |entry| {
                own.extend(record_hash(entry).0);
                Ok(())
            })
            .await?;
            if hashes.tiles.get(&(0, size / TILE_WIDTH)) != Some(&own) {
                return Err(VaultError::Tampered(format!(
                    "{path} isn't what its tile says"
                )));
            }
            bundles.push((size / TILE_WIDTH, bundle));
        }
        for event in events {
            let entry = serde_json::to_vec(event).expect("an event is JSON");
            // All fields are ids, digests and numbers: no input makes an entry longer.
            assert!(
                entry.len() <= ENTRY_BYTES_MAX,
                "events are a few hundred bytes"
            );
            let new = stored_hashes_for_record_hash(size, record_hash(&entry), &hashes)
                .map_err(tampered)?;
            let first = stored_hash_index(0, size);
            for (i, hash) in (first..).zip(new) {
                hashes.new.insert(i, hash);
            }
            if size.is_multiple_of(TILE_WIDTH) {
                bundles.push((size / TILE_WIDTH, Vec::new()));
            }
            let bundle = &mut bundles.last_mut().expect("just pushed").1;
            bundle.extend((entry.len() as u16).to_be_bytes());
            bundle.extend(entry);
            size += 1;
        }

        // Until the new checkpoint is written, the former size is valid, so none of its partial
        // files may be deleted yet.
        for (index, bundle) in bundles {
            let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
            self.write(&bundle_path(index, width), bundle).await?;
        }
        for tile in Tile::new_tiles(TILE_HEIGHT, head.size, size) {
            let data = tile.read_data(&hashes).map_err(tampered)?;
            self.write(&tile_path(&tile), data).await?;
        }
        let root = tree_hash(size, &hashes).map_err(tampered)?;
        // Written last: after an earlier crash, the append never happened. Its files are
        // overwritten, or remain as partial tiles that no checkpoint names.
        self.write(CHECKPOINT, self.checkpoint(size, root)).await?;
        self.drop_partials(head.size, size).await;
        Ok((head.size, LogHead { size, root: root.0 }))
    }

    fn checkpoint(&self, size: u64, root: Hash) -> Vec<u8> {
        let text =
            Checkpoint::new(&self.keys.origin, size, root, "").expect("the origin is not empty");
        let mut note = Note::new(&text.to_bytes(), &[]).expect("a checkpoint is a note text");
        note.add_sigs(&[&self.keys.signer]).expect("Ed25519 signs");
        note.to_bytes()
    }

    /// Deletes the partial tiles of the former size, which no checkpoint needs any more. A leftover
    /// is harmless, so a failed deletion doesn't fail the append.
    async fn drop_partials(&self, old: u64, new: u64) {
        for level in 0..8 {
            let (before, after) = (old >> (TILE_HEIGHT * level), new >> (TILE_HEIGHT * level));
            let width = before % TILE_WIDTH;
            // A level that did not grow keeps its partial tile, because the new size needs the same file.
            if width == 0 || before == after {
                continue;
            }
            let tile = Tile::new(TILE_HEIGHT, level, before / TILE_WIDTH, width as u32, false);
            let _ = self.store.delete(&Path::from(tile_path(&tile))).await;
            if level == 0 {
                let _ = self
                    .store
                    .delete(&Path::from(bundle_path(before / TILE_WIDTH, width)))
                    .await;
            }
        }
    }

    /// All entries up to `size`, as raw bytes.
    pub async fn entries(&self, size: u64) -> Result<Vec<Vec<u8>>, VaultError> {
        // `size` comes from a signed checkpoint: no outsider chooses this allocation.
        let mut entries = Vec::with_capacity(size as usize);
        self.each_entry(0, size, |entry| {
            entries.push(entry.to_vec());
            Ok(())
        })
        .await?;
        Ok(entries)
    }

    /// The raw bytes of one entry of a log of `size` entries.
    pub async fn entry(&self, index: u64, size: u64) -> Result<Vec<u8>, VaultError> {
        let end = size.min((index / TILE_WIDTH + 1) * TILE_WIDTH);
        let mut found = None;
        self.each_entry(index, end, |entry| {
            found.get_or_insert_with(|| entry.to_vec());
            Ok(())
        })
        .await?;
        found.ok_or_else(|| VaultError::Tampered(format!("entry {index} is missing")))
    }

    /// Each entry from index `from` to the last one before `size`, as raw bytes. `size` must be the
    /// log's own or a multiple of 256.
    pub async fn each_entry(
        &self,
        from: u64,
        size: u64,
        mut f: impl FnMut(&[u8]) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        for index in from / TILE_WIDTH..size.div_ceil(TILE_WIDTH) {
            let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
            let path = bundle_path(index, width);
            let bundle = self.read(&path).await?;
            let mut rest = bundle.as_slice();
            for n in 0..width {
                let cut = rest
                    .split_first_chunk::<2>()
                    .and_then(|(len, tail)| tail.split_at_checked(u16::from_be_bytes(*len).into()));
                let Some((entry, tail)) = cut else {
                    return Err(VaultError::Tampered(format!("{path} is cut short")));
                };
                if index * TILE_WIDTH + n >= from {
                    f(entry)?;
                }
                rest = tail;
            }
            // No hash would cover bytes after the last entry.
            if !rest.is_empty() {
                return Err(VaultError::Tampered(format!(
                    "{path} is longer than its entries"
                )));
            }
        }
        Ok(())
    }

    pub async fn read(&self, path: &str) -> Result<Vec<u8>, VaultError> {
        Ok(self
            .store
            .get(&Path::from(path))
            .await?
            .bytes()
            .await?
            .to_vec())
    }

    pub async fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), VaultError> {
        self.store
            .put(&Path::from(path), PutPayload::from(bytes))
            .await?;
        Ok(())
    }
}

/// Hashes by storage index: those of the right edge as stored, and new ones.
#[derive(Default)]
pub(crate) struct Hashes {
    pub tiles: HashMap<(u8, u64), Vec<u8>>,
    new: HashMap<u64, Hash>,
}

impl HashReader for Hashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        indexes
            .iter()
            .map(|&index| {
                if let Some(hash) = self.new.get(&index) {
                    return Ok(*hash);
                }
                let tile = Tile::from_index(TILE_HEIGHT, index);
                let data = self.tiles.get(&(tile.level(), tile.level_index()));
                // A tile that was not read is too short here: an error, not a panic.
                tile.hash_at_index(data.map_or(&[], Vec::as_slice), index)
            })
            .collect()
    }
}

/// All hashes of a tree in memory, for verification.
#[derive(Default)]
pub(crate) struct Tree {
    hashes: Vec<Hash>,
    pub size: u64,
}

impl Tree {
    pub fn push(&mut self, entry: &[u8]) {
        let new = stored_hashes_for_record_hash(self.size, record_hash(entry), self)
            .expect("all hashes are in memory");
        self.hashes.extend(new);
        self.size += 1;
    }

    pub fn root(&self) -> [u8; 32] {
        self.root_at(self.size)
    }

    /// The root it had when it had `size` entries, which is at most as many as now.
    pub fn root_at(&self, size: u64) -> [u8; 32] {
        tree_hash(size, self).expect("all hashes are in memory").0
    }
}

impl HashReader for Tree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|i| self.hashes[*i as usize]).collect())
    }
}

/// Path of a tile as in C2SP tlog-tiles: the crate's path without the height.
pub(crate) fn tile_path(tile: &Tile) -> String {
    format!("log/{}", tile.path().replacen("tile/8/", "tile/", 1))
}

pub(crate) fn bundle_path(index: u64, width: u64) -> String {
    let mut tile = Tile::new(TILE_HEIGHT, 0, index, width as u32, false);
    // The crate writes Go's path, `tile/8/data/`; C2SP says `tile/entries/`.
    tile.set_is_data();
    tile_path(&tile).replacen("tile/data/", "tile/entries/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        assert_eq!(bundle_path(0, 256), "log/tile/entries/000");
        assert_eq!(bundle_path(1234, 7), "log/tile/entries/x001/234.p/7");
        assert_eq!(tile_path(&Tile::new(8, 2, 3, 256, false)), "log/tile/2/003");
        assert_eq!(
            tlog_tiles::split_stored_hash_index(stored_hash_index(1, 0)),
            (1, 0)
        );
    }
}
