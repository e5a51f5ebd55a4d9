//! What the log says of one exhibit, in a form that can be checked without this vault: C2SP
//! tlog-proof.
//!
//! A proof is a text with the entry, its place in the log, the hashes that lead from it to the root,
//! and the signed checkpoint of that root. It holds ids and digests of sealed bytes, nothing else.

use std::cell::RefCell;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::Note;
use tlog_tiles::{Hash, HashReader, Tile, check_record, prove_record, prove_tree, record_hash};

use super::{EventKind, Vault};
use crate::log::{Event, Hashes, Log, TILE_HEIGHT, tile_path};
use crate::{LogHead, VaultError};

/// First line of a proof (C2SP tlog-proof).
const FORMAT: &str = "c2sp.org/tlog-proof@v1";

/// An entry about an exhibit, and what proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// Index of the entry.
    pub index: u64,
    /// The entry.
    pub event: Event,
    /// The proof, as a file `.tlog-proof` holds it. Its `extra` line is the entry.
    pub proof: String,
    /// The record that the entry commits to, as JSON, byte for byte: SHA-256 of it is the entry's
    /// commitment. It names who did it, why and for which case. `None` for the intake of an exhibit
    /// that was erased, whose record is gone.
    pub record: Option<Vec<u8>>,
}

impl Vault {
    /// Every entry about an exhibit, in the order of the log, each with its proof. For an erased one,
    /// too: then the last one proves the erasure.
    ///
    /// # Errors
    /// Not found; or the log or a record isn't what it was.
    pub async fn prove(&self, id: &str) -> Result<Vec<Proven>, VaultError> {
        self.prove_under(id, None).await
    }

    /// Like [`Vault::prove`], with the same checkpoint under each proof: one that the log had, signed
    /// by it and, if they have, by witnesses. Entries that came later are left out.
    ///
    /// # Errors
    /// As [`Vault::prove`]; or the log hasn't grown from this head.
    pub async fn prove_until(
        &self,
        id: &str,
        head: LogHead,
        note: &[u8],
    ) -> Result<Vec<Proven>, VaultError> {
        self.prove_under(id, Some((head, note))).await
    }

    async fn prove_under(
        &self,
        id: &str,
        under: Option<(LogHead, &[u8])>,
    ) -> Result<Vec<Proven>, VaultError> {
        let known = self.entries_of(id).await?;
        // Held while reading: an append deletes the partial tiles of the size that is read here.
        let guard = self.hold().await?;
        let newest = self.head().await?;
        let own = self.log.checkpoint_file().await?;
        let (head, checkpoint) = under.unwrap_or((newest, &own));
        let mut found = Vec::new();
        let mut index = 0;
        self.log
            .each_entry(0, newest.size, |entry| {
                if index < head.size
                    && let Ok(event) = serde_json::from_slice::<Event>(entry)
                    && event.exhibit == id
                {
                    found.push((index, event, entry.to_vec()));
                }
                index += 1;
                Ok(())
            })
            .await?;
        let mut proven = Vec::with_capacity(found.len());
        for (index, event, entry) in found {
            proven.push(Proven {
                proof: proof(&self.log, newest.size, head, checkpoint, index, &entry).await?,
                record: match event.event {
                    EventKind::Put | EventKind::Rewrap => match known.erased {
                        Some(_) => None,
                        // The record as it is wrapped now: the one that this entry named may be gone.
                        None => Some(self.opened(&known.event).await?.json),
                    },
                    _ => Some(self.opened(&event).await?.json),
                },
                index,
                event,
            });
        }
        drop(guard);
        Ok(proven)
    }

    /// Signs a statement with the log's key, as a C2SP signed-note. Its first line is `about`, which
    /// must not be the log's name: a checkpoint begins with that. The lines contain no line breaks.
    pub fn signed(&self, about: &str, lines: &[&str]) -> String {
        let text = [&[about], lines].concat().join("\n") + "\n";
        let mut note = Note::new(text.as_bytes(), &[]).expect("lines are a note's text");
        note.add_sigs(&[&self.log.keys.signer])
            .expect("Ed25519 signs");
        String::from_utf8_lossy(&note.to_bytes()).into_owned()
    }
}

/// Remembers which hashes a proof needs, and answers with others.
#[derive(Default)]
struct Needed(RefCell<Vec<u64>>);

impl HashReader for Needed {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        self.0.borrow_mut().extend(indexes);
        Ok(vec![Hash([0; 32]); indexes.len()])
    }
}

/// The hashes that lead from an entry to the root of this head, which a log that now has `size`
/// entries had once or has. Fails for an entry that isn't the one that was signed.
pub(super) async fn included(
    log: &Log,
    size: u64,
    head: LogHead,
    index: u64,
    entry: &[u8],
) -> Result<Vec<Hash>, VaultError> {
    let tampered = |_| VaultError::Tampered(format!("entry {index}, or the tree above it"));
    let needed = Needed::default();
    prove_record(head.size, index, &needed).map_err(tampered)?;
    let hashes = hashes(log, size, needed).await?;
    let proof = prove_record(head.size, index, &hashes).map_err(tampered)?;
    let leaf = record_hash(entry);
    check_record(&proof, head.size, Hash(head.root), index, leaf).map_err(tampered)?;
    Ok(proof)
}

/// The hashes that lead from the log's first `old` entries to this head: C2SP's consistency proof.
/// None are needed from an empty log, or to the same head.
pub(super) async fn grown_from(
    log: &Log,
    head: LogHead,
    old: u64,
) -> Result<Vec<Hash>, VaultError> {
    if old == 0 || old >= head.size {
        return Ok(Vec::new());
    }
    let tampered = |_| VaultError::Tampered(format!("the tree above the first {old} entries"));
    let needed = Needed::default();
    prove_tree(head.size, old, &needed).map_err(tampered)?;
    let hashes = hashes(log, head.size, needed).await?;
    prove_tree(head.size, old, &hashes).map_err(tampered)
}

/// Reads the hashes that a proof needs from the tiles of a log of `size` entries.
async fn hashes(log: &Log, size: u64, needed: Needed) -> Result<Hashes, VaultError> {
    let mut hashes = Hashes::default();
    for index in needed.0.into_inner() {
        let level = Tile::from_index(TILE_HEIGHT, index).level();
        let number = Tile::from_index(TILE_HEIGHT, index).level_index();
        if hashes.tiles.contains_key(&(level, number)) {
            continue;
        }
        let count = size >> (TILE_HEIGHT * level);
        let width = (count - (number << TILE_HEIGHT)).min(1 << TILE_HEIGHT);
        let tile = Tile::new(TILE_HEIGHT, level, number, width as u32, false);
        let bytes = log.read(&tile_path(&tile)).await?;
        hashes.tiles.insert((level, number), bytes);
    }
    Ok(hashes)
}

/// The proof of one entry in the log of this head, checked before it is given out.
async fn proof(
    log: &Log,
    size: u64,
    head: LogHead,
    checkpoint: &[u8],
    index: u64,
    entry: &[u8],
) -> Result<String, VaultError> {
    let proof = included(log, size, head, index, entry).await?;
    let mut text = format!(
        "{FORMAT}\nextra {}\nindex {index}\n",
        BASE64_STANDARD.encode(entry)
    );
    for hash in proof {
        text += &BASE64_STANDARD.encode(hash.0);
        text.push('\n');
    }
    text.push('\n');
    // A signed note is UTF-8; that of this log was checked when its head was read.
    text += &String::from_utf8_lossy(checkpoint);
    Ok(text)
}
