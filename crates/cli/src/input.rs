//! Files that are read: regular ones, whole up to a limit, or as a stream.

use std::fs::{File, Metadata};
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

/// A file that shows on a progress line how many MiB of it were read. One that is changed meanwhile
/// ends with an error: what was read was never the file.
pub struct Shown {
    file: tokio::fs::File,
    /// The same file, and what it was at the beginning.
    same: File,
    before: Metadata,
    bytes: u64,
    bar: ProgressBar,
}

impl Shown {
    pub fn new(file: File, bar: ProgressBar) -> std::io::Result<Self> {
        Ok(Self {
            same: file.try_clone()?,
            before: file.metadata()?,
            file: file.into(),
            bytes: 0,
            bar,
        })
    }

    fn check(&self) -> std::io::Result<()> {
        let now = self.same.metadata()?;
        let is_same = now.len() == self.before.len() && now.len() == self.bytes;
        match is_same && now.modified()? == self.before.modified()? {
            true => Ok(()),
            false => Err(std::io::Error::other("it was changed while it was read")),
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
        let is_at_end = into.filled().len() == before && into.remaining() > 0;
        match read {
            Poll::Ready(Ok(())) if is_at_end => Poll::Ready(self.check()),
            read => read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_file_that_is_changed_meanwhile_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        type Change = fn(&Path);
        let changes: [Change; 3] = [
            |path| {
                let mut file = File::options().append(true).open(path).unwrap();
                file.write_all(b"more").unwrap();
            },
            |path| {
                let file = File::options().write(true).open(path).unwrap();
                file.set_len(5_000_000).unwrap();
            },
            |path| {
                // Of the same length: seen by its time.
                let file = File::options().write(true).open(path).unwrap();
                file.set_modified(std::time::SystemTime::UNIX_EPOCH)
                    .unwrap();
            },
        ];
        for change in changes {
            std::fs::write(&path, vec![7; 6_000_000]).unwrap();
            let mut shown = Shown::new(open(&path).unwrap(), ProgressBar::hidden()).unwrap();
            let mut half = vec![0; 1_000_000];
            shown.read_exact(&mut half).await.unwrap();
            change(&path);
            let read = shown.read_to_end(&mut half).await;
            assert!(read.unwrap_err().to_string().contains("changed while"));
        }
        std::fs::write(&path, b"").unwrap();
        for content in [&b""[..], &[7; 3_000_000]] {
            std::fs::write(&path, content).unwrap();
            let mut shown = Shown::new(open(&path).unwrap(), ProgressBar::hidden()).unwrap();
            let mut all = Vec::new();
            shown.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, content);
        }
    }
}
