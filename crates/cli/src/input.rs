//! Files that are read whole: regular ones, up to a limit.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

/// The bytes of a regular file. A longer file than `bytes_max` is refused, and so is a pipe or
/// device, which may have no end.
pub fn read(path: &Path, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let unreadable = || format!("{} can't be read", path.display());
    // Check the type before opening: opening a named pipe blocks until another process writes.
    let kind = std::fs::metadata(path).with_context(unreadable)?;
    anyhow::ensure!(kind.is_file(), "{} is not a file", path.display());
    let file = File::open(path).with_context(unreadable)?;
    let mut bytes = Vec::new();
    // One byte beyond the limit is enough to know that the file is too long.
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    anyhow::ensure!(
        bytes.len() as u64 <= bytes_max,
        "{} is longer than the {bytes_max} bytes allowed",
        path.display()
    );
    Ok(bytes)
}
