//! Writes a file atomically: readers see the old content or the complete new content, and a process
//! that is killed leaves nothing, where the file system has files without a name. Standard output,
//! devices and pipes are written directly.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, bail, ensure};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// Most symbolic links that are followed to the real file. Our judgement.
const LINKS_MAX: usize = 16;

/// The data folder, where no output may replace a file of obhut's.
static DATA_FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Refuses outputs to the places of this folder where obhut keeps its files.
pub fn protect(data_folder: PathBuf) {
    // A process has one data folder; a second call changes nothing.
    let _ = DATA_FOLDER.set(data_folder);
}

/// True for a path where obhut keeps keys, evidence, lists, journals or its database.
fn is_protected(path: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let Some(root) = DATA_FOLDER.get().and_then(|root| real(root)) else {
        return false;
    };
    let Some(parent) = path.parent() else {
        return false;
    };
    let here = Path::new(".");
    let parent = real(if parent == Path::new("") {
        here
    } else {
        parent
    });
    let Some(inside) = parent.as_deref().and_then(|p| p.strip_prefix(&root).ok()) else {
        return false;
    };
    match inside.components().next() {
        Some(folder) => ["keys", "vault", "lists", "payments"]
            .iter()
            .any(|f| folder.as_os_str() == *f),
        None => path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with("obhut.db") || name.ends_with(".lock")
        }),
    }
}

/// A file being written. A regular file gets mode 0600, even if it replaces one with another mode.
pub struct WholeFile {
    file: BufWriter<File>,
    /// The partial file and the final path. `None` for standard output, devices and pipes, which
    /// are written directly because a rename would replace them.
    place: Option<(PathBuf, PathBuf)>,
    /// True while the file has no name.
    is_unnamed: bool,
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
        ensure!(
            !is_protected(path),
            "{} is where obhut keeps its own files; name a file outside the data folder",
            path.display()
        );
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
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
            return Ok(Self {
                file: BufWriter::new(File::from(file)),
                place: Some((partial, path.clone())),
                is_unnamed: true,
            });
        }
        // Not every file system has files without a name.
        let mut options = File::options();
        // truncate: a killed process with the same id may have left a partial file.
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&partial).with_context(fault)?;
        Ok(Self {
            file: BufWriter::new(file),
            place: Some((partial, path.clone())),
            is_unnamed: false,
        })
    }

    fn straight(file: File) -> Self {
        Self {
            file: BufWriter::new(file),
            place: None,
            is_unnamed: false,
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
            if self.is_unnamed {
                // A process with the same id may have been killed between this and the rename.
                let _ = fs::remove_file(partial);
                let file = format!("/proc/self/fd/{}", self.file.get_ref().as_raw_fd());
                rustix::fs::linkat(CWD, file, CWD, partial, AtFlags::SYMLINK_FOLLOW)
                    .with_context(fault)?;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        names.collect()
    }

    /// What is killed before it is finished leaves nothing, because there is nothing.
    #[test]
    fn a_file_has_a_name_only_when_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for content in ["first", "second"] {
            let before = names(folder.path());
            let mut file = WholeFile::create(&path, &[]).unwrap();
            file.write_all(content.as_bytes()).unwrap();
            file.flush().unwrap();
            if file.is_unnamed {
                assert_eq!(names(folder.path()), before);
            }
            file.finish().unwrap();
            assert_eq!(names(folder.path()), ["out"]);
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        drop(WholeFile::create(&path, &[]).unwrap());
        assert_eq!(names(folder.path()), ["out"]);
    }
}
