//! Encrypts text for the database, and decrypts it.

use crate::{Casework, CaseworkError, Result};

pub(crate) fn seal_text(casework: &Casework, text: &str) -> String {
    // Hex, because the column is TEXT in both databases.
    hex::encode(casework.sealer.seal(text.as_bytes()))
}

pub(crate) fn open_text(casework: &Casework, sealed: &str) -> Result<String> {
    hex::decode(sealed)
        .ok()
        .and_then(|bytes| casework.sealer.open(&bytes))
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| CaseworkError::unreadable("a sealed text"))
}
