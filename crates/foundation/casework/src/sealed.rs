//! Encrypts text for the database, and decrypts it.

// Compiled once, with optimisation: what is sealed is long, and `hex` is generic, so that a debug build
// spent most of its time in it.
use data_encoding::HEXLOWER;

use crate::{Casework, CaseworkError, Result};

pub(crate) fn seal_text(casework: &Casework, text: &str) -> String {
    // Hex, because the column is TEXT in both databases.
    HEXLOWER.encode(&casework.sealer.seal(text.as_bytes()))
}

pub(crate) fn open_text(casework: &Casework, sealed: &str) -> Result<String> {
    HEXLOWER
        .decode(sealed.as_bytes())
        .ok()
        .and_then(|bytes| casework.sealer.open(&bytes))
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| CaseworkError::unreadable("a sealed text"))
}

/// How words that a person wrote begin once they are sealed. Older releases kept them as they were
/// written; [`crate::words::seal_old`] seals those.
const SEALED: &str = "s1:";

/// Grounds, a purpose or another sentence of a person, sealed: it may name who it is about.
pub(crate) fn seal_words(casework: &Casework, words: &str) -> String {
    format!("{SEALED}{}", seal_text(casework, words))
}

/// # Errors
/// The text was changed, or sealed under another key.
pub(crate) fn open_words(casework: &Casework, stored: &str) -> Result<String> {
    match stored.strip_prefix(SEALED) {
        Some(sealed) => open_text(casework, sealed),
        // Empty, or as a version between two releases kept them.
        None => Ok(stored.to_owned()),
    }
}
