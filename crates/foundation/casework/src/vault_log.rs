//! The vault's log, for those who check it.

use crate::{Casework, Result};

/// The public key that checks the vault's log.
pub fn vault_key(casework: &Casework) -> &str {
    casework.vault.verifier_key()
}

/// A file of the vault's log by its path in C2SP tlog-tiles: `checkpoint`, `key`, or a tile. `None`
/// if there is none of that name.
///
/// # Errors
/// The log can't be read.
pub async fn log_file(casework: &Casework, path: &str) -> Result<Option<Vec<u8>>> {
    Ok(casework.vault.log_file(path).await?)
}
