//! The key ring of a data folder: `keys/exhibits.age`, age identities with the current one first.
//!
//! A folder from before the ring existed has no such file until its keys are rotated for the first
//! time: until then the sealing key is the ring. So an upgrade makes no copy of the keys
//! out of date.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use obhut_vault::{FileRing, KEYS_MAX, KeyRing, RingError, Unwrapped};

use crate::write_private;

/// File name of the ring.
pub(crate) const RING: &str = "exhibits.age";

/// What shows that the file is another one than before: number, length, time of change.
type Stamp = (u64, u64, i64, i64);

/// A ring that is read again when its file has changed: a running server uses the new key from then
/// on.
pub struct FolderRing {
    path: PathBuf,
    /// The text of the sealing key, which is the ring until the file is made.
    sealing: String,
    read: Mutex<Option<(Option<Stamp>, FileRing)>>,
}

impl FolderRing {
    /// The ring in this folder of keys.
    pub fn new(keys: &Path, sealing: &str) -> Self {
        Self {
            path: keys.join(RING),
            sealing: sealing.to_owned(),
            read: Mutex::default(),
        }
    }

    /// The ring as it is now.
    ///
    /// # Errors
    /// The file can't be read, is gone, or isn't a ring.
    pub fn now(&self) -> Result<FileRing, RingError> {
        let fault = |why: &str| {
            RingError(format!(
                "{}: {why}; put the right file back",
                self.path.display()
            ))
        };
        let unreadable = |e: io::Error| match e.kind() {
            io::ErrorKind::PermissionDenied => RingError(format!(
                "{}: {e}; give this user access",
                self.path.display()
            )),
            _ => fault(&e.to_string()),
        };
        let stamp = match fs::metadata(&self.path) {
            Ok(m) => Some((m.ino(), m.len(), m.mtime(), m.mtime_nsec())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(unreadable(e)),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        match &*read {
            Some((before, ring)) if *before == stamp => return Ok(ring.clone()),
            Some((Some(_), _)) if stamp.is_none() => return Err(fault("it is gone")),
            _ => {}
        }
        let text = match stamp {
            Some(_) => fs::read_to_string(&self.path).map_err(unreadable)?,
            None => self.sealing.clone(),
        };
        let ring = FileRing::from_text(&text).map_err(|e| fault(&e.to_string()))?;
        *read = Some((stamp, ring.clone()));
        Ok(ring)
    }

    /// Puts a new key before the others, which open what was wrapped until now.
    ///
    /// # Errors
    /// The file can't be read or written.
    pub fn renew(&self) -> io::Result<()> {
        let before = match fs::read_to_string(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.sealing.trim().to_owned(),
            text => text?,
        };
        let keys = before.lines().filter(|l| !l.trim().starts_with('#'));
        if keys.count() >= KEYS_MAX {
            return Err(io::Error::other(format!(
                "it has {KEYS_MAX} keys, which is as many as may be; have the former ones forgotten first"
            )));
        }
        let text = format!("{}\n{}\n", FileRing::generate(), before.trim());
        write_private(&self.path, text.as_bytes())
    }

    /// Leaves only the current key.
    ///
    /// # Errors
    /// The file can't be read or written, or isn't a ring.
    pub fn forget_former(&self) -> io::Result<()> {
        let text = fs::read_to_string(&self.path)?;
        let keys = text.lines().map(str::trim);
        let current = keys
            .into_iter()
            .find(|l| !l.is_empty() && !l.starts_with('#'));
        let current = current.ok_or_else(|| io::Error::other("no key is in it"))?;
        write_private(&self.path, format!("{current}\n").as_bytes())
    }
}

#[async_trait::async_trait]
impl KeyRing for FolderRing {
    async fn wrap(&self, bytes: &[u8]) -> Result<Vec<u8>, RingError> {
        self.now()?.wrap(bytes).await
    }

    async fn unwrap(&self, wrapped: &[u8]) -> Result<Option<Unwrapped>, RingError> {
        self.now()?.unwrap(wrapped).await
    }
}
