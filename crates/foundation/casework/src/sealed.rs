//! Text sealed for the database, and opened again.

use crate::{Casework, CaseworkError, Result};

impl Casework {
    pub(crate) fn seal_text(&self, text: &str) -> String {
        hex::encode(self.sealer.seal(text.as_bytes()))
    }

    pub(crate) fn open_text(&self, sealed: &str) -> Result<String> {
        hex::decode(sealed)
            .ok()
            .and_then(|bytes| self.sealer.open(&bytes))
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| CaseworkError::unreadable("a sealed text"))
    }
}
