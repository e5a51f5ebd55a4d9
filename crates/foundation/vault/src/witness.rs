//! What a witness does: it remembers how far it has seen each log, and cosigns what has only grown
//! from there (C2SP tlog-witness).
//!
//! Nothing is stored here: the caller keeps what was seen, on stable storage before it hands out a
//! cosignature.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Hash, check_tree};

use crate::cosignature::head_of;
use crate::{KeyError, LogHead, WitnessSigner};

/// Most lines of a consistency proof. Source: C2SP tlog-witness.
const PROOF_LINES_MAX: usize = 63;
/// Longest request, in bytes: 63 hashes of 45 bytes, and a checkpoint with signatures of others. Our
/// judgement.
pub const SUBMISSION_BYTES_MAX: usize = 16 << 10;

/// A checkpoint that a log hands in, with what proves that it has only grown.
pub struct Submission {
    /// The size from which the proof leads.
    pub old: u64,
    /// Name of the log.
    pub origin: String,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Vec<u8>,
}

/// Why a checkpoint isn't cosigned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The request isn't one.
    Malformed(&'static str),
    /// The checkpoint isn't signed by its log.
    NotSigned,
    /// The proof doesn't lead from what was cosigned last, which has this many entries.
    OtherSize(u64),
    /// The proof doesn't hold.
    NotConsistent,
    /// The log has signed two trees of this size: its history was rewritten.
    Fork(u64),
}

/// A checkpoint that has only grown, signed by its log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consistent {
    /// The log's head.
    pub head: LogHead,
    /// The signed checkpoint, byte for byte.
    pub checkpoint: Vec<u8>,
    text: Vec<u8>,
}

impl Consistent {
    /// The line with which a witness answers. Not before this head is on stable storage.
    pub fn cosigned(&self, signer: &WitnessSigner, seconds: i64) -> String {
        signer.cosign(&self.text, seconds)
    }
}

impl Submission {
    /// Reads the body of a request `add-checkpoint`.
    ///
    /// # Errors
    /// Malformed.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let bad = |what| Refusal::Malformed(what);
        if body.len() > SUBMISSION_BYTES_MAX {
            return Err(bad("the request is too long"));
        }
        let text = std::str::from_utf8(body).map_err(|_| bad("the request isn't UTF-8"))?;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| bad("no empty line between proof and checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|l| l.strip_prefix("old "));
        let old = old.and_then(|digits| {
            let size: u64 = digits.parse().ok()?;
            (size.to_string() == digits).then_some(size)
        });
        let old = old.ok_or_else(|| bad("the first line isn't `old` and a size"))?;
        let proof: Option<Vec<_>> = lines
            .map(|line| {
                let raw = BASE64_STANDARD.decode(line).ok()?;
                Some(Hash(raw.try_into().ok()?))
            })
            .collect();
        let proof = proof.ok_or_else(|| bad("a line of the proof isn't a hash"))?;
        if proof.len() > PROOF_LINES_MAX {
            return Err(bad("the proof has more than 63 lines"));
        }
        let note = Note::from_bytes(checkpoint.as_bytes())
            .map_err(|_| bad("the checkpoint isn't a signed note"))?;
        let origin = checkpoint.lines().next().unwrap_or_default().to_owned();
        let head = head_of(note.text(), &origin).ok_or_else(|| bad("the checkpoint isn't one"))?;
        if old > head.size {
            return Err(bad("the old size is greater than the checkpoint's"));
        }
        Ok(Self {
            old,
            origin,
            proof,
            note,
            checkpoint: checkpoint.as_bytes().to_vec(),
        })
    }

    /// The signed checkpoint, byte for byte.
    pub fn checkpoint(&self) -> &[u8] {
        &self.checkpoint
    }

    /// Compares the checkpoint with what was cosigned last; `None` if nothing of this log was.
    ///
    /// # Errors
    /// Why it isn't cosigned.
    pub fn check(&self, log: &LogKey, last: Option<LogHead>) -> Result<Consistent, Refusal> {
        let verifier = StandardVerifier::new(&log.0).expect("checked when it was read");
        let signed = self
            .note
            .verify(&VerifierList::new(vec![Box::new(verifier)]));
        signed.map_err(|_| Refusal::NotSigned)?;
        let head = head_of(self.note.text(), &self.origin).ok_or(Refusal::NotSigned)?;
        let known = last.map_or(0, |last| last.size);
        if let Some(last) = last.filter(|last| last.size == head.size)
            && last.root != head.root
        {
            // Said whatever the old size is: both are signed, and this can't be a mistake of timing.
            return Err(Refusal::Fork(last.size));
        }
        if self.old != known {
            return Err(Refusal::OtherSize(known));
        }
        let consistent = match last.filter(|last| last.size > 0) {
            None => self.proof.is_empty(),
            // The roots are equal, as seen above.
            Some(last) if last.size == head.size => self.proof.is_empty(),
            Some(last) => check_tree(
                &self.proof,
                head.size,
                Hash(head.root),
                last.size,
                Hash(last.root),
            )
            .is_ok(),
        };
        match consistent {
            true => Ok(Consistent {
                head,
                checkpoint: self.checkpoint.clone(),
                text: self.note.text().to_vec(),
            }),
            false => Err(Refusal::NotConsistent),
        }
    }
}

/// The public key of a log that a witness cosigns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogKey(String);

impl LogKey {
    /// From a verifier key as C2SP signed-note writes it.
    ///
    /// # Errors
    /// Not an Ed25519 key of a log.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        StandardVerifier::new(text).map_err(|_| KeyError::Log)?;
        Ok(Self(text.to_owned()))
    }

    /// Name of the log.
    pub fn origin(&self) -> &str {
        self.0.split_once('+').map_or("", |(origin, _)| origin)
    }

    /// The key as C2SP signed-note writes it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The head of a checkpoint that this log has signed; `None` for any other bytes.
    pub fn head_of(&self, checkpoint: &[u8]) -> Option<LogHead> {
        let note = Note::from_bytes(checkpoint).ok()?;
        let verifier = StandardVerifier::new(&self.0).expect("checked when it was read");
        note.verify(&VerifierList::new(vec![Box::new(verifier)]))
            .ok()?;
        head_of(note.text(), self.origin())
    }
}
