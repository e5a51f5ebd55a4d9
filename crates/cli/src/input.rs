//! Files that are read: regular ones, whole up to a limit, or as a stream.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::Context as _;
use indicatif::ProgressBar;
use tokio::io::{AsyncRead, ReadBuf};

/// Opens a regular file. A pipe or device is refused: it may have no end.
pub fn open(path: &Path) -> anyhow::Result<File> {
    let unreadable = || format!("{} can't be read", path.display());
    // Check the type before opening: opening a named pipe blocks until another process writes.
    let kind = std::fs::metadata(path).with_context(unreadable)?;
    anyhow::ensure!(kind.is_file(), "{} is not a file", path.display());
    File::open(path).with_context(unreadable)
}

/// The bytes of a regular file. A longer file than `bytes_max` is refused.
pub fn read(path: &Path, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let unreadable = || format!("{} can't be read", path.display());
    let file = open(path)?;
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

/// A file that shows on a progress line how many MiB of it were read.
pub struct Shown {
    file: tokio::fs::File,
    bytes: u64,
    bar: ProgressBar,
}

impl Shown {
    pub fn new(file: File, bar: ProgressBar) -> Self {
        Self {
            file: file.into(),
            bytes: 0,
            bar,
        }
    }
}

impl AsyncRead for Shown {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.file).poll_read(cx, into);
        self.bytes += (into.filled().len() - before) as u64;
        self.bar.set_position(self.bytes >> 20);
        read
    }
}
