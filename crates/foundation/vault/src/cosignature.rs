//! Cosignatures: a witness's word that a log has only grown, as C2SP tlog-cosignature defines it for
//! Ed25519 (`cosignature/v1`).

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use signed_note::{Note, Signature as NoteSignature, Verifier, VerifierList};
use tlog_tiles::Checkpoint;

use crate::{KeyError, Keys, LogHead};

/// Algorithm byte of Ed25519 cosignatures in C2SP signed-note.
const COSIGNATURE: u8 = 4;
/// Bytes of a signature: the time, and an Ed25519 signature. Source: C2SP tlog-cosignature.
const SIGNATURE_BYTES: usize = 8 + 64;
/// Longest name of a witness, in bytes. Our judgement.
const NAME_BYTES_MAX: usize = 128;

/// The public key of a witness.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl WitnessKey {
    /// From a verifier key as C2SP signed-note writes it: `name+id+base64`.
    ///
    /// # Errors
    /// Not the key of a witness that cosigns with Ed25519.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Witness);
        };
        let raw = BASE64_STANDARD.decode(encoded).ok();
        let key = raw.as_deref().and_then(|raw| raw.split_first());
        let key = match key {
            Some((&COSIGNATURE, key)) => key.try_into().ok(),
            _ => None,
        };
        let key = key.and_then(|key| VerifyingKey::from_bytes(key).ok());
        let known = Self::new(name, key.ok_or(KeyError::Witness)?)?;
        match format!("{:08x}", known.id) == id {
            true => Ok(known),
            false => Err(KeyError::Witness),
        }
    }

    fn new(name: &str, key: VerifyingKey) -> Result<Self, KeyError> {
        let is_name = !name.is_empty()
            && name.len() <= NAME_BYTES_MAX
            && name.chars().all(|c| c.is_ascii_graphic() && c != '+');
        if !is_name {
            return Err(KeyError::Witness);
        }
        let raw = [&[COSIGNATURE], key.as_bytes().as_slice()].concat();
        Ok(Self {
            name: name.to_owned(),
            id: signed_note::key_id(name, &raw),
            key,
        })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key as C2SP signed-note writes it.
    pub fn text(&self) -> String {
        let raw = [&[COSIGNATURE], self.key.as_bytes().as_slice()].concat();
        format!(
            "{}+{:08x}+{}",
            self.name,
            self.id,
            BASE64_STANDARD.encode(raw)
        )
    }

    /// When a signature of this witness over a checkpoint was made, in seconds since 1970; `None` if
    /// it isn't valid.
    fn signed_at(&self, checkpoint: &[u8], signature: &[u8]) -> Option<i64> {
        let (time, signature) = signature.split_first_chunk::<8>()?;
        let time = i64::try_from(u64::from_be_bytes(*time)).ok()?;
        let signature = Signature::from_slice(signature).ok()?;
        // Strict: otherwise a second signature could be derived from a valid one.
        let signed = self
            .key
            .verify_strict(&message(time, checkpoint), &signature);
        signed.is_ok().then_some(time)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Verifier for WitnessKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, checkpoint: &[u8], signature: &[u8]) -> bool {
        self.signed_at(checkpoint, signature).is_some()
    }
}

/// What a witness signs: the time, and the checkpoint without its signatures.
fn message(seconds: i64, checkpoint: &[u8]) -> Vec<u8> {
    [
        format!("cosignature/v1\ntime {seconds}\n").as_bytes(),
        checkpoint,
    ]
    .concat()
}

/// The private key of a witness.
pub struct WitnessSigner {
    name: String,
    signing: SigningKey,
}

impl WitnessSigner {
    /// The text of a new key, which must be kept. The name has no spaces and no plus signs, and
    /// should be an address without a scheme.
    ///
    /// # Errors
    /// Not a name.
    pub fn generate(name: &str) -> Result<String, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("the operating system gives randomness");
        let key = WitnessKey::new(name, SigningKey::from_bytes(&seed).verifying_key())?;
        let secret = BASE64_STANDARD.encode([&[COSIGNATURE], seed.as_slice()].concat());
        Ok(format!("PRIVATE+KEY+{name}+{:08x}+{secret}", key.id))
    }

    /// From its text.
    ///
    /// # Errors
    /// Not a text that [`WitnessSigner::generate`] has made.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+");
        let mut parts = rest.ok_or(KeyError::Witness)?.splitn(3, '+');
        let (Some(name), Some(id), Some(secret)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Witness);
        };
        let secret = BASE64_STANDARD.decode(secret).ok();
        let seed = match secret.as_deref().and_then(|s| s.split_first()) {
            Some((&COSIGNATURE, seed)) => seed.try_into().ok(),
            _ => None,
        };
        let signing = SigningKey::from_bytes(seed.ok_or(KeyError::Witness)?);
        let key = WitnessKey::new(name, signing.verifying_key())?;
        if format!("{:08x}", key.id) != id {
            return Err(KeyError::Witness);
        }
        Ok(Self {
            name: name.to_owned(),
            signing,
        })
    }

    /// The public key.
    pub fn key(&self) -> WitnessKey {
        WitnessKey::new(&self.name, self.signing.verifying_key()).expect("its name is one")
    }

    /// The signature line, with its line break, over a checkpoint without its signatures.
    pub(crate) fn cosign(&self, checkpoint: &[u8], seconds: i64) -> String {
        let signature = self.signing.sign(&message(seconds, checkpoint));
        let time = u64::try_from(seconds).unwrap_or_default().to_be_bytes();
        let bytes = [time.as_slice(), &signature.to_bytes()].concat();
        debug_assert_eq!(bytes.len(), SIGNATURE_BYTES);
        let line = NoteSignature::new(self.name.clone(), self.key().id, bytes);
        String::from_utf8_lossy(&line.expect("its name is one").to_bytes()).into_owned()
    }
}

impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

/// A checkpoint with its log's signature and that of one witness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cosigned {
    /// What the log had when it was cosigned.
    pub head: LogHead,
    /// When, by the witness's clock, in seconds since 1970.
    pub at: i64,
    /// The signed note, byte for byte.
    pub note: Vec<u8>,
}

impl Cosigned {
    /// Reads a note that the log and this witness have signed, and no one else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(bytes: &[u8], log: &Keys, witness: &WitnessKey) -> Result<Self, String> {
        let fault =
            || "what the witness has cosigned isn't a checkpoint with two signatures".to_owned();
        let note = Note::from_bytes(bytes).map_err(|_| fault())?;
        let keys = VerifierList::new(vec![
            Box::new(log.verifier()),
            Box::new(witness.clone()) as Box<dyn Verifier>,
        ]);
        let (valid, unknown) = note
            .verify(&keys)
            .map_err(|_| "a signature of what the witness has cosigned isn't valid".to_owned())?;
        // Anything else in it would be covered by no signature; one that is repeated isn't looked at.
        let text = [note.text(), b"\n"].concat();
        let lines = bytes.strip_prefix(&text[..]).unwrap_or_default();
        let signatures = lines.iter().filter(|byte| **byte == b'\n').count();
        let is_all = note.to_bytes() == bytes && signatures == 2;
        if valid.len() != 2 || !unknown.is_empty() || !is_all {
            return Err("what the witness has cosigned isn't signed by the log and the witness, and by these alone".into());
        }
        let head = head_of(note.text(), &log.origin).ok_or_else(fault)?;
        let at = valid
            .iter()
            .filter(|s| s.id() == witness.id && s.name() == witness.name)
            .find_map(|s| witness.signed_at(note.text(), s.signature()));
        Ok(Self {
            head,
            at: at.ok_or_else(fault)?,
            note: bytes.to_vec(),
        })
    }

    /// The checkpoint as the log has signed it.
    pub fn checkpoint(&self) -> &[u8] {
        &self.note[..self.note.len() - self.line().len()]
    }

    /// The witness's signature line.
    pub fn line(&self) -> &[u8] {
        let mut lines = self.note.split_inclusive(|byte| *byte == b'\n');
        lines.next_back().unwrap_or_default()
    }

    /// Joins a checkpoint and the lines with which a witness has answered. Those of other keys are
    /// left out.
    ///
    /// # Errors
    /// The witness hasn't signed this checkpoint.
    pub(crate) fn join(
        checkpoint: &[u8],
        lines: &str,
        log: &Keys,
        witness: &WitnessKey,
    ) -> Result<Self, String> {
        let line = lines.split_inclusive('\n').find(|line| {
            let signature = NoteSignature::from_bytes(line.trim_end_matches('\n').as_bytes());
            signature.is_ok_and(|s| s.id() == witness.id && s.name() == witness.name)
        });
        let Some(line) = line.filter(|line| line.ends_with('\n')) else {
            return Err("the witness's answer has no signature of the key on record".into());
        };
        Self::read(&[checkpoint, line.as_bytes()].concat(), log, witness)
    }
}

/// The head that a checkpoint's text names; `None` if it isn't one of this log.
pub(crate) fn head_of(text: &[u8], origin: &str) -> Option<LogHead> {
    let checkpoint = Checkpoint::from_bytes(text).ok()?;
    (checkpoint.origin() == origin).then(|| LogHead {
        size: checkpoint.size(),
        root: checkpoint.hash().0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in C2SP tlog-cosignature.
    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let text = WitnessSigner::generate("witness.example/w1").unwrap();
        let signer = WitnessSigner::from_text(&text).unwrap();
        let key = signer.key();
        assert_eq!(WitnessKey::from_text(&key.text()).unwrap(), key);
        assert_eq!(format!("{signer:?}"), "‹sealed›");
        let of_log = Keys::new(
            crate::Sealer::generate().0,
            &Keys::generate_signing("a.log"),
        )
        .unwrap();
        for wrong in [
            "",
            "witness",
            "witness+00000000+AAAA",
            // The key of a log: another algorithm.
            of_log.verifier_key(),
            &key.text().replace("w1", "w2"),
            &text,
        ] {
            assert_eq!(
                WitnessKey::from_text(wrong),
                Err(KeyError::Witness),
                "{wrong}"
            );
        }
        assert!(WitnessSigner::generate("two words").is_err());
    }

    #[test]
    fn a_cosignature_is_of_its_time_and_checkpoint() {
        let text = WitnessSigner::generate("witness.example/w1").unwrap();
        let signer = WitnessSigner::from_text(&text).unwrap();
        let line = signer.cosign(EXAMPLE.as_bytes(), 1_679_315_147);
        let signature = NoteSignature::from_bytes(line.trim_end().as_bytes()).unwrap();
        let key = signer.key();
        let bytes = signature.signature();
        assert_eq!(bytes.len(), SIGNATURE_BYTES);
        assert_eq!(
            key.signed_at(EXAMPLE.as_bytes(), bytes),
            Some(1_679_315_147)
        );
        let other = EXAMPLE.replace("20852163", "20852164");
        assert_eq!(key.signed_at(other.as_bytes(), bytes), None);
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            assert_eq!(
                key.signed_at(EXAMPLE.as_bytes(), &changed),
                None,
                "byte {at}"
            );
        }
    }
}
