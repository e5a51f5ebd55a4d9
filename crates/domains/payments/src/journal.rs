//! An append-only journal: entries are collected, sealed as a frame, and appended to numbered files
//! in order. An entry is durable once its frame is synced.
//!
//! Invariant: what [`Journal::durable_seq`] covers is played back after any crash; what it doesn't
//! cover may be missing, but is never half there and never twice. After a failed write the next
//! attempt uses a new file, so a file may contain entries that the next one contains as well. A
//! file is named by the number of its first entry, so playback stops where the next file begins.
//!
//! The newest file may end in a torn frame after a crash. Damage can look the same, so what is cut
//! off is kept in a separate file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use obhut_vault::Sealer;

/// Pause between two writes: transfers that arrive meanwhile share the next one (group commit). Our
/// judgement.
const FLUSH_EVERY: Duration = Duration::from_millis(20);
/// Pause before a failed write is tried again. Our judgement.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// Bytes that may wait to be written; above it no entry is taken. Our judgement.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Size above which the next frame begins a new file, in bytes. Our judgement.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Longest frame, in bytes: what may wait, one entry more, and what sealing adds. Our judgement.
const FRAME_BYTES_MAX: usize = 2 * WAITING_BYTES_MAX;
/// Longest entry, in bytes. Our judgement.
const ENTRY_BYTES_MAX: usize = 1 << 16;

/// An open journal. Only one process at a time can have a folder open.
pub(super) struct Journal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    _lock: File,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    durable: AtomicU64,
    failing: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    seq: u64,
    stop: bool,
}

/// Why a journal can't be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct JournalFault {
    /// The file, or the folder.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// Takes an entry with its number; returns whether it may be deleted.
pub type Each<'a> = dyn FnMut(u64, &[u8]) -> Result<bool, String> + 'a;

impl Journal {
    /// Opens a folder and hands every entry to `each`, in order, with its number. `each` returns
    /// whether the entry may be deleted. Files are deleted from the oldest on, up to the first with
    /// an entry that may not be; the newest file always stays.
    pub fn open(
        folder: &Path,
        sealer: Arc<Sealer>,
        each: &mut Each<'_>,
    ) -> Result<Self, JournalFault> {
        let fault = |path: &Path, why: String| JournalFault {
            path: path.to_owned(),
            why,
        };
        let io_fault = |e: io::Error| fault(folder, e.to_string());
        fs::create_dir_all(folder).map_err(io_fault)?;
        let lock = File::create(folder.join("lock")).map_err(io_fault)?;
        // The system releases this lock when the process dies: a crash leaves nothing to clean up.
        lock.try_lock().map_err(|_| {
            let why = "another process has it open; stop that first";
            fault(folder, why.into())
        })?;
        let files = files(folder).map_err(io_fault)?;
        // Older files were deleted; the numbering goes on after them.
        let mut seq = files.first().map_or(0, |f| f.0 - 1);
        let mut oldest = true;
        for (n, (first, path)) in files.iter().enumerate() {
            if *first != seq + 1 {
                let why = format!(
                    "it begins at {first}, the files before it end at {seq}; put the missing one back"
                );
                return Err(fault(path, why));
            }
            let next = files.get(n + 1).map(|f| f.0);
            let gone = play(path, &sealer, next, &mut seq, each).map_err(|why| fault(path, why))?;
            // The last file always stays: without it numbering would start again at 1.
            oldest &= gone && next.is_some();
            if oldest {
                fs::remove_file(path).map_err(io_fault)?;
            }
        }
        // A process that was killed between writing and syncing left its last frames in memory only.
        if let Some((_, newest)) = files.last() {
            File::open(newest)
                .and_then(|f| f.sync_all())
                .map_err(io_fault)?;
        }
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                seq,
                ..Waiting::default()
            }),
            durable: AtomicU64::new(seq),
            ..Shared::default()
        });
        let writer = Writer {
            folder: folder.to_owned(),
            sealer,
            shared: shared.clone(),
            file: None,
        };
        let thread = std::thread::Builder::new()
            .name("payments-journal".into())
            .spawn(move || writer.run())
            .map_err(io_fault)?;
        Ok(Self {
            shared,
            writer: Some(thread),
            _lock: lock,
        })
    }

    /// Queues an entry and returns its number; it is durable once [`Self::durable_seq`] reaches
    /// that.
    ///
    /// # Errors
    /// The last write failed, the entry is longer than 64 KiB, or more than 64 MiB are waiting.
    pub fn append(&self, entry: &[u8]) -> Result<u64, &'static str> {
        // Refused early: what is taken now could only wait in memory.
        if self.is_failing() {
            return Err("the journal can't be written; is the disk full? Send again later");
        }
        if entry.len() > ENTRY_BYTES_MAX {
            return Err("it is too long for the journal");
        }
        let mut waiting = self
            .shared
            .waiting
            .lock()
            .expect("the journal's thread lives");
        // Checked before adding, so one entry may exceed it; FRAME_BYTES_MAX has room for that.
        if waiting.bytes.len() > WAITING_BYTES_MAX {
            return Err("the journal can't keep up with the disk; send again later");
        }
        waiting.bytes.extend((entry.len() as u32).to_le_bytes());
        waiting.bytes.extend(entry);
        waiting.seq += 1;
        self.shared.wake.notify_one();
        Ok(waiting.seq)
    }

    /// Everything up to here is on the disk.
    pub fn durable_seq(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// The last write failed; it is tried again.
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Acquire)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Not `expect`: a panic in `drop` during another panic aborts the process.
        if let Ok(mut waiting) = self.shared.waiting.lock() {
            waiting.stop = true;
        }
        self.shared.wake.notify_all();
        if let Some(thread) = self.writer.take() {
            let _ = thread.join();
        }
    }
}

/// Files with the number of their first entry, in order.
fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|n| n.to_str()).and_then(|n| {
            let digits = n.strip_prefix("journal-")?.strip_suffix(".sealed")?;
            digits.parse().ok().filter(|n| *n > 0)
        });
        if let Some(number) = number {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

/// Plays a file back, up to where the next one begins; returns whether all its entries may be
/// deleted.
fn play(
    path: &Path,
    sealer: &Sealer,
    next: Option<u64>,
    seq: &mut u64,
    each: &mut Each<'_>,
) -> Result<bool, String> {
    let say = |e: io::Error| e.to_string();
    let file = File::open(path).map_err(say)?;
    let length = file.metadata().map_err(say)?.len();
    let mut file = io::BufReader::with_capacity(1 << 20, file);
    let (mut at, mut gone) = (0u64, true);
    // Entries from the next file's first number on belong to a failed write. The next file has them
    // again.
    while at < length && next.is_none_or(|n| *seq + 1 < n) {
        let Some((bytes, sealed)) = read_frame(&mut file, length - at).map_err(say)? else {
            if next.is_some() {
                return Err(format!(
                    "it is damaged at byte {at}; put it back from a backup"
                ));
            }
            cut(path, at).map_err(say)?;
            break;
        };
        let Some(plain) = sealer.open(&sealed) else {
            // A torn write can leave a whole length and half a frame, but nothing behind it.
            let torn = next.is_none() && at + bytes == length;
            if torn && !sealer.is_for_another_key(&sealed) {
                cut(path, at).map_err(say)?;
                break;
            }
            return Err(format!(
                "it can't be decrypted at byte {at}; was it changed, or is keys/ from another installation?"
            ));
        };
        let other = || format!("the frame at byte {at} is malformed");
        let mut rest = plain.as_slice();
        while !rest.is_empty() {
            let (length, more) = rest.split_at_checked(4).ok_or_else(other)?;
            let length = u32::from_le_bytes(length.try_into().expect("4-byte slice")) as usize;
            let (entry, more) = more.split_at_checked(length).ok_or_else(other)?;
            rest = more;
            *seq += 1;
            // Not `&&`: every entry is played back even when one has to stay.
            gone &= each(*seq, entry).map_err(|why| format!("{}: {why}", other()))?;
        }
        at += bytes;
    }
    Ok(gone)
}

/// Reads a frame; returns its size in the file in bytes, length field included, and its content.
/// `None` if it is torn or its length is impossible.
fn read_frame(file: &mut impl io::Read, left: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut length = [0; 4];
    if left < 4 {
        return Ok(None);
    }
    file.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length == 0 || length > FRAME_BYTES_MAX || length as u64 > left - 4 {
        return Ok(None);
    }
    let mut sealed = Vec::new();
    file.by_ref().take(length as u64).read_to_end(&mut sealed)?;
    Ok(Some((4 + length as u64, sealed)))
}

/// Cuts the last file off at `at`, and keeps what was behind it. After a crash that is a torn frame,
/// which was never durable; but a damaged length in the middle of the file looks the same.
fn cut(path: &Path, at: u64) -> io::Result<()> {
    let kept = path.with_extension(format!("cut-at-{at}"));
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.seek(io::SeekFrom::Start(at))?;
    let mut copy = File::create(&kept)?;
    let bytes = io::copy(&mut file, &mut copy)?;
    copy.sync_all()?;
    tracing::warn!(
        kept = %kept.display(),
        "the payments journal can't be read to its end: it was cut after {at} bytes, and the {bytes} bytes behind them are kept in another file. If the last write broke off, nothing is missing; if the disk is damaged, accepted transfers may be: send again what was sent since the last backup"
    );
    file.set_len(at)?;
    file.sync_all()
}

/// Writes what waits, a frame at a time.
struct Writer {
    folder: PathBuf,
    sealer: Arc<Sealer>,
    shared: Arc<Shared>,
    file: Option<(File, u64)>,
}

impl Writer {
    fn run(mut self) {
        while let Some((bytes, seq)) = self.next() {
            // Only this thread moves `durable`, so the number holds for every retry.
            let first = self.shared.durable.load(Ordering::Acquire) + 1;
            let sealed = self.sealer.seal(&bytes);
            while let Err(e) = self.write(&sealed, first) {
                self.shared.failing.store(true, Ordering::Release);
                tracing::error!(cause = %e, "the payments journal can't be written; no transfers are accepted until it can");
                // The next attempt uses a new file; see the invariant.
                self.file = None;
                // On closing, what could not be written is dropped; `durable` never covered it.
                if self.stopped_within(RETRY_EVERY) {
                    return;
                }
            }
            self.shared.failing.store(false, Ordering::Release);
            // Only after the sync: a caller forgets what this number covers.
            self.shared.durable.store(seq, Ordering::Release);
            // Returns early when the journal is being closed.
            self.stopped_within(FLUSH_EVERY);
        }
    }

    /// Blocks until entries wait, and takes them with the number of the last; `None` once the
    /// journal is closed and all is written.
    fn next(&self) -> Option<(Vec<u8>, u64)> {
        let mut waiting = self.shared.waiting.lock().ok()?;
        while waiting.bytes.is_empty() && !waiting.stop {
            waiting = self.shared.wake.wait(waiting).ok()?;
        }
        // Empty here means stop: what was waiting is written first.
        if waiting.bytes.is_empty() {
            return None;
        }
        Some((std::mem::take(&mut waiting.bytes), waiting.seq))
    }

    fn stopped_within(&self, pause: Duration) -> bool {
        let Ok(waiting) = self.shared.waiting.lock() else {
            return true;
        };
        self.shared
            .wake
            .wait_timeout_while(waiting, pause, |w| !w.stop)
            .is_ok_and(|(w, _)| w.stop)
    }

    fn write(&mut self, sealed: &[u8], first: u64) -> io::Result<()> {
        // None after a start or a failure: both begin a new file, named by its first entry.
        if self.file.as_ref().is_none_or(|f| f.1 > FILE_BYTES_MAX) {
            let path = self.folder.join(format!("journal-{first:020}.sealed"));
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            // What a failed attempt left there was never acknowledged.
            file.set_len(0)?;
            file.sync_all()?;
            // Without syncing the folder, a crash could lose a file that holds acknowledged frames.
            File::open(&self.folder)?.sync_all()?;
            self.file = Some((file, 0));
        }
        let (file, length) = self.file.as_mut().expect("a file is open");
        let mut frame = Vec::with_capacity(sealed.len() + 4);
        frame.extend((sealed.len() as u32).to_le_bytes());
        frame.extend(sealed);
        file.write_all(&frame)?;
        // Enough: fdatasync also writes the new length, without which the frame cannot be read.
        file.sync_data()?;
        *length += frame.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(folder: &Path, sealer: &Arc<Sealer>) -> Result<Vec<(u64, String)>, String> {
        let mut all = Vec::new();
        let journal = Journal::open(folder, sealer.clone(), &mut |seq, entry| {
            all.push((seq, String::from_utf8_lossy(entry).into_owned()));
            Ok(false)
        });
        journal.map(|_| all).map_err(|f| f.why)
    }

    fn written(folder: &Path, sealer: &Arc<Sealer>, entries: &[&str]) {
        let journal = Journal::open(folder, sealer.clone(), &mut |_, _| Ok(false)).unwrap();
        for entry in entries {
            journal.append(entry.as_bytes()).unwrap();
        }
    }

    fn file(folder: &Path, first: u64) -> PathBuf {
        folder.join(format!("journal-{first:020}.sealed"))
    }

    fn expected(entries: &[&str]) -> Vec<(u64, String)> {
        (1..).zip(entries.iter().map(|e| (*e).to_owned())).collect()
    }

    #[test]
    fn what_a_failed_attempt_left_behind_counts_once_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let sealer = Arc::new(Sealer::generate().0);
        written(folder, &sealer, &["a", "b"]);
        written(folder, &sealer, &["c"]);
        // The first file continues with what the second holds: whole, then torn, then noise.
        let (one, two) = (file(folder, 1), file(folder, 3));
        let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
        for more in [
            &second[..],
            &second[..second.len() - 3],
            // A length beyond FRAME_BYTES_MAX.
            b"\xff\xff\xff\xffnoise",
        ] {
            fs::write(&one, [&first, more].concat()).unwrap();
            assert_eq!(played(folder, &sealer).unwrap(), expected(&["a", "b", "c"]));
        }
        // Entries missing before the next file begins are damage, and the error says so.
        fs::write(&one, &first[..first.len() - 3]).unwrap();
        assert!(
            played(folder, &sealer)
                .unwrap_err()
                .contains("damaged at byte")
        );
        fs::write(&one, &first).unwrap();
        written(folder, &sealer, &["d"]);
        // The middle one of three: the name of the next file shows that it is gone.
        fs::remove_file(&two).unwrap();
        assert!(
            played(folder, &sealer)
                .unwrap_err()
                .contains("put the missing one back")
        );
    }

    /// A damaged length in the newest file looks like a torn frame. What follows it was once lost.
    #[test]
    fn what_is_cut_off_the_newest_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let sealer = Arc::new(Sealer::generate().0);
        written(folder, &sealer, &["a"]);
        let one = file(folder, 1);
        let whole = fs::read(&one).unwrap();
        written(folder, &sealer, &["b"]);
        let second = fs::read(file(folder, 2)).unwrap();
        fs::remove_file(file(folder, 2)).unwrap();
        // Two frames; the length of the second is damaged.
        let mut damaged = [&whole[..], &second].concat();
        damaged[whole.len() + 3] = 0xff;
        fs::write(&one, &damaged).unwrap();
        assert_eq!(played(folder, &sealer).unwrap(), expected(&["a"]));
        let kept = one.with_extension(format!("cut-at-{}", whole.len()));
        assert_eq!(fs::read(kept).unwrap(), damaged[whole.len()..]);
        assert_eq!(fs::read(&one).unwrap(), whole);
        assert_eq!(played(folder, &sealer).unwrap(), expected(&["a"]));
    }

    /// With the wrong key the newest file was once cut to nothing, as if its only frame were torn.
    #[test]
    fn another_key_cuts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        written(folder, &Arc::new(Sealer::generate().0), &["a"]);
        let before = fs::read(file(folder, 1)).unwrap();
        let why = played(folder, &Arc::new(Sealer::generate().0)).unwrap_err();
        assert!(why.contains("keys/ from another installation"), "{why}");
        assert_eq!(fs::read(file(folder, 1)).unwrap(), before);
    }

    #[test]
    fn old_files_go_from_the_front_only() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let sealer = Arc::new(Sealer::generate().0);
        for entry in ["old", "new", "old", "new"] {
            written(folder, &sealer, &[entry]);
        }
        let open = || {
            Journal::open(folder, sealer.clone(), &mut |_, entry| Ok(entry == b"old"))
                .map(|j| j.durable_seq())
                .map_err(|f| f.why)
        };
        assert_eq!(open(), Ok(4));
        let left: Vec<bool> = (1..=4).map(|n| file(folder, n).exists()).collect();
        assert_eq!(
            left,
            [false, true, true, true],
            "a gap in the middle would be a loss"
        );
        // The files that are left still give the same number.
        assert_eq!(open(), Ok(4));
    }
}
