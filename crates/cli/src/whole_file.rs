//! Writes a file atomically: readers see the old content or the complete new content. Standard
//! output, devices and pipes are written directly.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

/// Most symbolic links that are followed to the real file. Our judgement.
const LINKS_MAX: usize = 16;

/// A file being written. A regular file gets mode 0600, even if it replaces one with another mode.
pub struct WholeFile {
    file: BufWriter<File>,
    /// The partial file and the final path. `None` for standard output, devices and pipes, which
    /// are written directly because a rename would replace them.
    place: Option<(PathBuf, PathBuf)>,
}

impl WholeFile {
    /// Begins a file at `path`; `-` is standard output. Fails if `path` is one of `inputs`, a
    /// folder, or can't be written.
    pub fn create(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        let fault = || format!("{} can't be written", path.display());
        if path == Path::new("-") {
            // A duplicate, because dropping the File closes it.
            let out = io::stdout().as_fd().try_clone_to_owned()?;
            return Ok(Self::straight(File::from(out)));
        }
        // Follow links: the rename in `finish` must replace the file, not the link to it.
        let path = &followed(path);
        // By canonical path, because `a`, `./a` and a link to it are one file.
        if let Ok(own) = fs::canonicalize(path) {
            if inputs
                .iter()
                .any(|i| fs::canonicalize(i).is_ok_and(|i| i == own))
            {
                bail!(
                    "{} is one of the inputs; write to another file",
                    path.display()
                );
            }
            ensure!(!own.is_dir(), "{} is a folder; name a file", path.display());
            // A rename would put a file in the place of a device or pipe, so these are written directly.
            if !own.is_file() {
                let file = File::options().write(true).open(&own).with_context(fault)?;
                return Ok(Self::straight(file));
            }
        }
        let name = path.file_name().with_context(fault)?.to_string_lossy();
        // In the same folder, because a rename cannot cross file systems; the id keeps two runs apart.
        let partial = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let mut options = File::options();
        // truncate: a killed process with the same id may have left a partial file.
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&partial).with_context(fault)?;
        Ok(Self {
            file: BufWriter::new(file),
            place: Some((partial, path.clone())),
        })
    }

    fn straight(file: File) -> Self {
        Self {
            file: BufWriter::new(file),
            place: None,
        }
    }

    /// A handle of the file itself, for callers that write in larger pieces.
    pub fn file(&mut self) -> io::Result<File> {
        self.file.flush()?;
        self.file.get_ref().try_clone()
    }

    /// Syncs the file and renames it to its final path. If a [`WholeFile`] is dropped without this,
    /// its partial file is removed. Standard output, devices and pipes are only flushed.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.file.flush()?;
        if let Some((partial, path)) = &self.place {
            let fault = || format!("{} can't be written", path.display());
            // Before the rename: after a power failure the name must not lead to an empty file.
            self.file.get_ref().sync_all().with_context(fault)?;
            fs::rename(partial, path).with_context(fault)?;
            self.place = None;
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.place {
            let _ = fs::remove_file(partial);
        }
    }
}

/// Begins a file for bytes that may be evidence, mode 0600; refuses a terminal.
pub fn create_private(path: &Path) -> anyhow::Result<WholeFile> {
    let file = WholeFile::create(path, &[])?;
    ensure!(
        !file.file.get_ref().is_terminal(),
        "{} is a terminal; name a file",
        path.display()
    );
    Ok(file)
}

/// Writes bytes that may be evidence, atomically and with mode 0600; refuses a terminal.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = create_private(path)?;
    file.write_all(bytes)
        .with_context(|| format!("{} can't be written", path.display()))?;
    file.finish()
}

/// The path that the symbolic links at `path` lead to; a file need not exist there.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // Bounded, because links can form a circle.
    for _ in 0..LINKS_MAX {
        match fs::read_link(&path) {
            // join() takes an absolute target as it is.
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => break,
        }
    }
    path
}
