//! Content in and out: short ones in one piece, long ones in a stream.

use std::ops::Range;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, WriteMultipart};
use sha2::{Digest as _, Sha256};

use super::{Access, Exhibit, Intake, OpenedRecord, Record, Vault, exhibit_path, record_path};
use crate::keys::random_id;
use crate::log::{Event, EventKind};
use crate::objects::{self, KEY_BYTES, NotAuthentic, Opening, Sealing};
use crate::{Digesting, VaultError};

/// Longest exhibit. Our judgement: longer than any film; an image of a disk is looked through, not
/// taken in.
pub const EXHIBIT_BYTES_MAX: u64 = 64 << 30;

/// Longest exhibit that is handed out in one piece. Our judgement: what a browser and a report can
/// take.
pub const IN_MEMORY_BYTES_MAX: u64 = 256 << 20;

/// What is written in one piece. Our judgement: S3 takes no parts below 5 MiB and 10,000 of them at
/// most, and two are in memory at a time.
const PART_BYTES: usize = 8 << 20;

/// What is read in one piece. Our judgement: a request costs little compared with it.
const PIECE_BYTES: u64 = 2 << 20;

/// What is digested in one go. Our judgement: it stays in a core's cache.
const DIGESTED_BYTES: usize = 64 << 10;

/// What a sealed exhibit is bound to besides its key.
pub(super) fn context(exhibit: &str, case: Option<&str>) -> Vec<u8> {
    // Ids have no zero byte, so no two exhibits have the same context.
    format!("obhut exhibit v3\0{exhibit}\0{}", case.unwrap_or_default()).into_bytes()
}

/// SHA-256 and length of sealed bytes.
struct Stored {
    sha256: String,
    bytes: u64,
}

/// What was sealed and stored.
struct Sealed {
    content_sha256: String,
    content_bytes: u64,
    stored: Stored,
}

impl Vault {
    /// Seals and stores bytes, then logs them. On return, the exhibit and its entry are stored.
    ///
    /// # Errors
    /// The store or the key ring failed.
    pub async fn put(&self, bytes: &[u8], intake: Intake) -> Result<Exhibit, VaultError> {
        let id = random_id();
        let (key, mut record) = new_record(&intake);
        let sealed = objects::seal(&key, &context(&id, intake.case.as_deref()), bytes);
        record.sha256 = Some(hex::encode(Sha256::digest(bytes)));
        record.bytes = Some(bytes.len() as u64);
        let stored = Stored {
            sha256: hex::encode(Sha256::digest(&sealed)),
            bytes: sealed.len() as u64,
        };
        // Record and exhibit, then the entry: the log never names a file that was not stored.
        let path = sealed_path(&id);
        let (event, created) = futures::join!(
            self.event(EventKind::Put, &id, &record, Some(&key)),
            self.create(&path, sealed)
        );
        let event = match (event, created) {
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
                return Err(event.expect_err("one of the two failed"));
            }
        };
        self.logged(event, record, stored).await
    }

    /// Like [`Vault::put`], for content of any length up to [`EXHIBIT_BYTES_MAX`], in little memory.
    ///
    /// # Errors
    /// As [`Vault::put`]; the content can't be read, or is too long. Then nothing is kept of it.
    pub async fn put_stream(
        &self,
        mut content: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
        intake: Intake,
    ) -> Result<Exhibit, VaultError> {
        let id = random_id();
        let (key, mut record) = new_record(&intake);
        let context = context(&id, intake.case.as_deref());
        let sealed = self
            .store_sealed(&mut content, &id, &key, &context, EXHIBIT_BYTES_MAX)
            .await?;
        record.sha256 = Some(sealed.content_sha256);
        record.bytes = Some(sealed.content_bytes);
        match self.event(EventKind::Put, &id, &record, Some(&key)).await {
            Ok(event) => self.logged(event, record, sealed.stored).await,
            Err(e) => {
                let path = Path::from(sealed_path(&id));
                let _ = self.log.store.delete(&path).await;
                Err(e)
            }
        }
    }

    async fn logged(
        &self,
        mut event: Event,
        record: Record,
        stored: Stored,
    ) -> Result<Exhibit, VaultError> {
        event.sealed_sha256 = Some(stored.sha256);
        event.sealed_bytes = Some(stored.bytes);
        let (id, time) = (event.exhibit.clone(), event.time);
        // No clean-up if this fails: the checkpoint may be written, and then the log names both files.
        let log_index = self.append(event).await?;
        Ok(Exhibit {
            id,
            log_index,
            time,
            bytes: record.bytes.expect("set by the caller"),
            sha256: record.sha256.expect("set by the caller"),
            intake: record.intake.expect("set by the caller"),
        })
    }

    /// Writes the sealed form of what the stream gives to the exhibit's place.
    async fn store_sealed(
        &self,
        content: &mut (impl Stream<Item = std::io::Result<Bytes>> + Unpin),
        id: &str,
        key: &[u8; KEY_BYTES],
        context: &[u8],
        bytes_max: u64,
    ) -> Result<Sealed, VaultError> {
        let path = Path::from(sealed_path(id));
        let upload = self.log.store.put_multipart(&path).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        let mut out = Vec::new();
        let mut sealing = Sealing::new(key, context, &mut out);
        let stored = Digesting::start(|sealed| {
            let (mut digest, mut bytes) = (Sha256::new(), 0);
            let mut piece = vec![0; DIGESTED_BYTES];
            loop {
                // A channel doesn't fail.
                match sealed.read(&mut piece).unwrap_or(0) {
                    0 => break,
                    n => {
                        digest.update(&piece[..n]);
                        bytes += n as u64;
                    }
                }
            }
            Stored {
                sha256: hex::encode(digest.finalize()),
                bytes,
            }
        });
        let written = async {
            while let Some(piece) = content.next().await {
                let piece = piece.map_err(VaultError::Content)?;
                bytes += piece.len() as u64;
                if bytes > bytes_max {
                    return Err(VaultError::TooLong);
                }
                digest.update(&piece);
                sealing.update(&piece, &mut out);
                let sealed = Bytes::from(std::mem::take(&mut out));
                stored.update(&sealed);
                // Waits for the part before: memory stays bounded where the store is slow.
                upload.wait_for_capacity(2).await?;
                upload.put(sealed);
            }
            sealing.finish(&mut out);
            let sealed = Bytes::from(std::mem::take(&mut out));
            stored.update(&sealed);
            upload.put(sealed);
            Ok(())
        }
        .await;
        if let Err(e) = written {
            let _ = upload.abort().await;
            return Err(e);
        }
        upload.finish().await?;
        Ok(Sealed {
            content_sha256: hex::encode(digest.finalize()),
            content_bytes: bytes,
            stored: stored.finish(),
        })
    }

    /// The content, after its reading has been logged. Fails if the exhibit was never there or was
    /// erased, or if the sealed bytes don't match its log entry, or that isn't covered by the log's
    /// signature.
    ///
    /// # Errors
    /// As [`Vault::read`]; or it has more than [`IN_MEMORY_BYTES_MAX`] bytes, and then no reading is
    /// logged.
    pub async fn get(&self, id: &str, access: Access) -> Result<Vec<u8>, VaultError> {
        let mut all = Vec::new();
        let hand_out = |bytes: &[u8]| {
            all.extend_from_slice(bytes);
            Ok(())
        };
        self.read_up_to(id, access, IN_MEMORY_BYTES_MAX, hand_out)
            .await?;
        Ok(all)
    }

    /// Hands out the content piece by piece, after its reading has been logged. Each piece is
    /// authentic, but only if this succeeds were they everything.
    ///
    /// # Errors
    /// No such exhibit, or it was erased; its sealed bytes or its record aren't those that were
    /// logged; or `hand_out` failed.
    pub async fn read(
        &self,
        id: &str,
        access: Access,
        hand_out: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), VaultError> {
        self.read_up_to(id, access, u64::MAX, hand_out).await
    }

    async fn read_up_to(
        &self,
        id: &str,
        access: Access,
        bytes_max: u64,
        hand_out: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), VaultError> {
        // First, so that a request for an unknown or erased exhibit leaves no reading in the log.
        let put = self.find(id).await?.event;
        let sealed_max = objects::sealed_bytes(bytes_max.min(EXHIBIT_BYTES_MAX));
        if put.sealed_bytes.is_some_and(|sealed| sealed > sealed_max) {
            return Err(VaultError::TooLongForMemory(id.to_owned()));
        }
        let mut record = Record::new();
        record.access = Some(access);
        let event = self.event(EventKind::Read, id, &record, None).await?;
        // A crash after this leaves a logged reading that didn't happen. In the other order, a
        // crash would leave a reading that isn't logged.
        self.append(event).await?;
        let (known, opened) = self.find_opened(id).await?;
        self.open_content(&known.event, &opened, hand_out).await
    }

    /// Hands out the content that an entry and its opened record describe.
    pub(super) async fn open_content(
        &self,
        put: &Event,
        opened: &OpenedRecord,
        mut hand_out: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), VaultError> {
        let tampered = || VaultError::Tampered(format!("exhibit {}", put.exhibit));
        let Some(key) = &opened.key else {
            // Version 2 and before: encrypted to the sealing key, whole.
            let sealed = self.log.read(&exhibit_path(put)).await?;
            // Decrypting does not suffice: any other exhibit's file under this name would open as well.
            if put.sealed_sha256 != Some(hex::encode(Sha256::digest(&sealed))) {
                return Err(tampered());
            }
            let bytes = self.log.keys.sealer.open(&sealed);
            let bytes =
                bytes.ok_or_else(|| VaultError::Sealed(format!("exhibit {}", put.exhibit)))?;
            return hand_out(&bytes).map_err(VaultError::HandOut);
        };
        let intake = opened.record.intake.as_ref().ok_or_else(tampered)?;
        let context = context(&put.exhibit, intake.case.as_deref());
        let mut opening = Opening::new(key, &context);
        let (mut digest, mut out) = (Sha256::new(), Vec::new());
        let not_authentic = |_: NotAuthentic| tampered();
        let mut pieces = self.pieces(&exhibit_path(put)).await?;
        while let Some(piece) = pieces.next().await {
            opening.update(&piece?, &mut out).map_err(not_authentic)?;
            digest.update(&out);
            hand_out(&out).map_err(VaultError::HandOut)?;
            out.clear();
        }
        opening.finish(&mut out).map_err(not_authentic)?;
        digest.update(&out);
        if opened.record.sha256 != Some(hex::encode(digest.finalize())) {
            return Err(tampered());
        }
        hand_out(&out).map_err(VaultError::HandOut)
    }

    /// A file in pieces, the next one being read while one is worked on.
    pub(super) async fn pieces(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, VaultError>> + Unpin + use<'_>, VaultError> {
        let path = Path::from(path);
        let size = self.log.store.head(&path).await?.size;
        let starts = (0..size).step_by(PIECE_BYTES as usize);
        let ranges = starts.map(move |at| at..(at + PIECE_BYTES).min(size));
        let read = move |range: Range<u64>| {
            let (store, path) = (self.log.store.clone(), path.clone());
            async move { Ok(store.get_range(&path, range).await?) }
        };
        Ok(Box::pin(stream::iter(ranges).map(read).buffered(2)))
    }

    /// Seals an exhibit of version 2 or before again, with its own key: the new record's key
    /// and what was stored.
    pub(super) async fn sealed_again(
        &self,
        put: &Event,
        opened: &OpenedRecord,
    ) -> Result<([u8; KEY_BYTES], String, u64), VaultError> {
        let mut content = Vec::new();
        self.open_content(put, opened, |bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        })
        .await?;
        let tampered = || VaultError::Tampered(format!("exhibit {}", put.exhibit));
        let intake = opened.record.intake.as_ref().ok_or_else(tampered)?;
        let (key, _) = new_record(intake);
        let context = context(&put.exhibit, intake.case.as_deref());
        // Where an earlier run was cut off, its file is replaced: nothing refers to it.
        let mut content = stream::iter([Ok(Bytes::from(content))]);
        let sealed = self
            .store_sealed(&mut content, &put.exhibit, &key, &context, u64::MAX)
            .await?;
        if opened.record.sha256.as_ref() != Some(&sealed.content_sha256) {
            return Err(tampered());
        }
        Ok((key, sealed.stored.sha256, sealed.stored.bytes))
    }
}

fn sealed_path(id: &str) -> String {
    format!("exhibits/{id}.sealed")
}

/// A key for an exhibit, and the record that says where it came from.
fn new_record(intake: &Intake) -> ([u8; KEY_BYTES], Record) {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).expect("the operating system gives randomness");
    let mut record = Record::new();
    record.intake = Some(intake.clone());
    (key, record)
}
