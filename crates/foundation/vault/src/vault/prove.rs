//! What the log says of one exhibit, in a form that can be checked without this vault: C2SP
//! tlog-proof.
//!
//! A proof is a text with the entry, its place in the log, the hashes that lead from it to the root,
//! and the signed checkpoint of that root. It holds ids and digests of sealed bytes, nothing else.

use std::cell::RefCell;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::Note;
use tlog_tiles::{Hash, HashReader, Tile, check_record, prove_record, record_hash};

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
        let known = self.entries_of(id).await?;
        // Held while reading: an append deletes the partial tiles of the size that is read here.
        let guard = self.hold().await?;
        let head = self.head().await?;
        let checkpoint = self.log.checkpoint_file().await?;
        let mut found = Vec::new();
        let mut index = 0;
        self.log
            .each_entry(0, head.size, |entry| {
                if let Ok(event) = serde_json::from_slice::<Event>(entry)
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
                proof: proof(&self.log, head, &checkpoint, index, &entry).await?,
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

/// The hashes that lead from an entry to the root of this head. Fails for an entry that isn't the one
/// that was signed.
pub(super) async fn included(
    log: &Log,
    head: LogHead,
    index: u64,
    entry: &[u8],
) -> Result<Vec<Hash>, VaultError> {
    let tampered = |_| VaultError::Tampered(format!("entry {index}, or the tree above it"));
    let needed = Needed::default();
    prove_record(head.size, index, &needed).map_err(tampered)?;
    let mut hashes = Hashes::default();
    for index in needed.0.into_inner() {
        let level = Tile::from_index(TILE_HEIGHT, index).level();
        let number = Tile::from_index(TILE_HEIGHT, index).level_index();
        if hashes.tiles.contains_key(&(level, number)) {
            continue;
        }
        let count = head.size >> (TILE_HEIGHT * level);
        let width = (count - (number << TILE_HEIGHT)).min(1 << TILE_HEIGHT);
        let tile = Tile::new(TILE_HEIGHT, level, number, width as u32, false);
        let bytes = log.read(&tile_path(&tile)).await?;
        hashes.tiles.insert((level, number), bytes);
    }
    let proof = prove_record(head.size, index, &hashes).map_err(tampered)?;
    let leaf = record_hash(entry);
    check_record(&proof, head.size, Hash(head.root), index, leaf).map_err(tampered)?;
    Ok(proof)
}

/// The proof of one entry in the log of this head, checked before it is given out.
async fn proof(
    log: &Log,
    head: LogHead,
    checkpoint: &[u8],
    index: u64,
    entry: &[u8],
) -> Result<String, VaultError> {
    let proof = included(log, head, index, entry).await?;
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
