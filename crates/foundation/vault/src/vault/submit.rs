//! Handing the log's head to witnesses, who remember how far they have seen it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{Vault, prove};
use crate::cosignature::{Cosigned, WitnessKey};
use crate::log::CHECKPOINT;
use crate::{LogHead, VaultError};

/// What is handed to a witness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submitted {
    /// The log's head.
    pub head: LogHead,
    /// The signed checkpoint of it, byte for byte.
    pub checkpoint: Vec<u8>,
    /// The body of the request `add-checkpoint` (C2SP tlog-witness).
    pub body: Vec<u8>,
}

impl Vault {
    /// The log's head, and the signed checkpoint of it, byte for byte.
    ///
    /// # Errors
    /// The log can't be read, or isn't what was signed.
    pub async fn checkpoint(&self) -> Result<(LogHead, Vec<u8>), VaultError> {
        let checkpoint = self.log.checkpoint_file().await?;
        let head = self.log.head_of(&checkpoint, CHECKPOINT)?;
        Ok((head, checkpoint))
    }

    /// The request that asks a witness, which has seen the first `old` entries, to cosign the log's
    /// head. `None` if the log has fewer: then it is an older copy of what the witness has seen.
    ///
    /// # Errors
    /// The log can't be read, or isn't what was signed.
    pub async fn submission(&self, old: u64) -> Result<Option<Submitted>, VaultError> {
        // Held while reading: an append deletes the partial tiles of the size that is read here.
        let guard = self.hold().await?;
        let (head, checkpoint) = self.checkpoint().await?;
        if old > head.size {
            return Ok(None);
        }
        let proof = prove::grown_from(&self.log, head, old).await?;
        drop(guard);
        let mut body = format!("old {old}\n");
        for hash in proof {
            body += &BASE64_STANDARD.encode(hash.0);
            body.push('\n');
        }
        body.push('\n');
        Ok(Some(Submitted {
            head,
            body: [body.as_bytes(), &checkpoint].concat(),
            checkpoint,
        }))
    }

    /// Joins a checkpoint of this log and the lines with which a witness has answered.
    ///
    /// # Errors
    /// The witness hasn't signed this checkpoint.
    pub fn cosigned(
        &self,
        checkpoint: &[u8],
        lines: &str,
        witness: &WitnessKey,
    ) -> Result<Cosigned, VaultError> {
        Cosigned::join(checkpoint, lines, &self.log.keys, witness).map_err(VaultError::Cosignature)
    }

    /// Reads a cosigned checkpoint of this log that was kept.
    ///
    /// # Errors
    /// It isn't one, or has other signatures than those of the log and the witness.
    pub fn read_cosigned(&self, note: &[u8], witness: &WitnessKey) -> Result<Cosigned, VaultError> {
        Cosigned::read(note, &self.log.keys, witness).map_err(VaultError::Cosignature)
    }
}
