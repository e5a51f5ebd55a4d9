//! The parent's side: workers that are kept, given one file at a time, and replaced when they die.

mod video;

pub use video::{Container, Sampling, VideoFrame, VideoSeen, VideoTools};

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::shared::Shared;
use crate::wire::{self, Head, Request};
use crate::{DecodeOptions, Limits, Picture, Unreadable, worker};

/// Attempts per file if its worker dies; the second uses a new worker. Our judgement.
const TRIES_MAX: u32 = 2;

/// How to start a worker: a program that calls [`worker::run`] when its first argument is
/// [`worker::ARGUMENT`] and, for videos, [`worker::run_video`] when it is
/// [`worker::VIDEO_ARGUMENT`].
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
}

/// Pause between two looks at whether a file's decoding was cancelled. Our judgement: a place is free
/// soon after its client has gone, and waiting costs nothing.
const CANCELLED_EVERY: Duration = Duration::from_millis(50);

/// Ends the decoding of files whose result is not needed any more. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends what is being decoded and refuses what would be next, for good.
    pub fn cancel(&self) {
        // Relaxed: nothing else is ordered by it.
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Workers ready to decode. Calls block. Any number of threads may call, and each call gets a
/// worker to itself. A picture keeps its worker until it is dropped, because its pixels are in the
/// memory that the worker writes.
pub struct Pool {
    command: WorkerCommand,
    limits: Limits,
    video: Option<VideoTools>,
    idle: Idle,
    cancel: Cancel,
}

type Idle = Arc<Mutex<Vec<Worker>>>;

struct Worker {
    child: Child,
    socket: UnixStream,
    shared: Shared,
}

/// Pixels in a worker's memory; holds the worker while they are in use.
pub(crate) struct Leased {
    worker: Option<Worker>,
    idle: Idle,
    input_bytes: u64,
    head: Head,
}

impl Pool {
    /// Creates a pool. Workers start with the first file, or with [`Pool::start_ahead`].
    pub fn new(command: WorkerCommand, limits: Limits) -> Self {
        Self {
            command,
            limits,
            video: None,
            idle: Idle::default(),
            cancel: Cancel::default(),
        }
    }

    /// The same workers for calls that `cancel` ends. A call that is ended gives
    /// [`Unreadable::Interrupted`].
    pub fn cancelled_by(&self, cancel: &Cancel) -> Self {
        Self {
            command: self.command.clone(),
            limits: self.limits,
            video: self.video.clone(),
            idle: self.idle.clone(),
            cancel: cancel.clone(),
        }
    }

    /// Sets the ffmpeg tools; with `None`, videos can't be decoded.
    pub fn with_video(mut self, tools: Option<VideoTools>) -> Self {
        self.video = tools;
        self
    }

    pub(crate) fn video_tools(&self) -> Option<&VideoTools> {
        self.video.as_ref()
    }

    /// The limits every file is held to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The program that workers are started from.
    pub fn program(&self) -> &std::path::Path {
        &self.command.program
    }

    /// Starts workers before files come, so that the first ones don't wait.
    ///
    /// # Errors
    /// A worker's process can't be started.
    pub fn start_ahead(&self, workers: usize) -> io::Result<()> {
        for _ in 0..workers {
            let worker = self.start()?;
            self.idle.lock().expect("no panic while held").push(worker);
        }
        Ok(())
    }

    /// Decodes one file exactly, without turning it; blocks up to [`Limits::time_max`] per attempt.
    ///
    /// # Errors
    /// Why the file gave no pixels.
    pub fn decode(&self, bytes: &[u8]) -> Result<Picture, Unreadable> {
        self.decode_with(bytes, DecodeOptions::default())
    }

    /// Like [`Pool::decode`], with the given options.
    ///
    /// # Errors
    /// Why the file gave no pixels.
    pub fn decode_with(&self, bytes: &[u8], options: DecodeOptions) -> Result<Picture, Unreadable> {
        self.ask(bytes, options, false)
    }

    /// Decodes an animation and passes each frame, as a complete picture, to `take` until `take`
    /// returns false. A still picture is passed once; a single-frame animation, and so any still
    /// GIF, is passed twice. Returns the number of calls to `take`. All frames together, including
    /// the time in `take`, must fit in [`Limits::time_max`]. A broken later frame, or more than
    /// 2,000 frames, ends the animation: the last picture passed is then `damaged`.
    ///
    /// # Errors
    /// Why the file gave no pixels; earlier frames may have been passed to `take` already.
    pub fn frames(
        &self,
        bytes: &[u8],
        mut take: impl FnMut(&Picture) -> bool,
    ) -> Result<u32, Unreadable> {
        let started = Instant::now();
        let mut picture = self.ask(bytes, DecodeOptions::default(), true)?;
        let mut count = 0;
        loop {
            count += 1;
            let go_on = take(&picture);
            let leased = picture
                .samples
                .leased_mut()
                .expect("samples leased from a worker");
            // The last frame: dropping the picture returns the worker.
            if !leased.head.more {
                return Ok(count);
            }
            let mut worker = leased
                .worker
                .take()
                .expect("a live picture holds its worker");
            let word = if go_on { wire::NEXT } else { wire::ENOUGH };
            let written = worker.socket.write_all(&[word]);
            if !go_on {
                if written.is_ok() {
                    // The worker leaves the animation and waits for a request: dropping the picture
                    // returns it to the pool.
                    leased.worker = Some(worker);
                    leased.head.more = false;
                }
                return Ok(count);
            }
            // All frames share the time of one picture, including the caller's own work between
            // them.
            let left = self.limits.time_max.saturating_sub(started.elapsed());
            let until = Instant::now() + left;
            let answer = written.and_then(|()| worker.answer(until, &self.limits, &self.cancel));
            let input_bytes = leased.input_bytes;
            picture = match self.resolve(worker, answer, input_bytes) {
                Attempt::Picture(picture) => *picture,
                Attempt::Unreadable(reason) => return Err(reason),
                Attempt::Died(died) => return Err(died.reason()),
            };
        }
    }

    fn ask(
        &self,
        bytes: &[u8],
        options: DecodeOptions,
        frames: bool,
    ) -> Result<Picture, Unreadable> {
        // Before a worker is taken: neither answer needs one.
        if bytes.is_empty() {
            return Err(Unreadable::Empty);
        }
        if bytes.len() as u64 > self.limits.input_bytes_max {
            return Err(Unreadable::TooLong {
                bytes: bytes.len() as u64,
                bytes_max: self.limits.input_bytes_max,
            });
        }
        let request = Request {
            options,
            frames,
            bytes: bytes.len() as u64,
        };
        let mut tries = 0;
        loop {
            if self.cancel.is_cancelled() {
                return Err(Unreadable::Interrupted);
            }
            tries += 1;
            // Retry with a new worker: the idle ones may have been killed together with the first.
            let kept = match tries {
                1 => self.idle.lock().expect("no panic while held").pop(),
                _ => None,
            };
            let mut worker = match kept {
                Some(worker) => worker,
                None => self.start().map_err(|_| Unreadable::NoWorker)?,
            };
            // Before the request: the worker reads the memory as soon as the request arrives.
            worker.shared.parts().0[..bytes.len()].copy_from_slice(bytes);
            let until = Instant::now() + self.limits.time_max;
            let answer = wire::write_request(&mut worker.socket, &request)
                .and_then(|()| worker.answer(until, &self.limits, &self.cancel));
            match self.resolve(worker, answer, request.bytes) {
                Attempt::Picture(picture) => return Ok(*picture),
                Attempt::Unreadable(reason) => return Err(reason),
                Attempt::Died(died) if tries == TRIES_MAX || died == Died::NeverStarted => {
                    return Err(died.reason());
                }
                // The OOM killer or something else outside may have killed it, and a first crash
                // may be bad luck: retry once.
                Attempt::Died(_) => {}
            }
        }
    }

    /// Turns a worker's answer into a picture, a reason, or how the worker ended.
    fn resolve(
        &self,
        mut worker: Worker,
        answer: io::Result<Result<Head, Unreadable>>,
        input_bytes: u64,
    ) -> Attempt {
        match answer {
            Ok(Ok(head)) => Attempt::Picture(Box::new(Picture {
                format: head.format,
                colour: head.colour,
                width: head.width,
                height: head.height,
                orientation: head.orientation,
                damaged: head.damaged,
                samples: Samples(Store::Leased(Leased {
                    worker: Some(worker),
                    idle: self.idle.clone(),
                    input_bytes,
                    head,
                })),
            })),
            Ok(Err(reason)) => {
                // The reason came through the socket as agreed, so this worker is still usable. A
                // decoder that fails late has written pixels, and it isn't known how many.
                let written_max = 3 * self.limits.image_pixels_max;
                worker.shared.shrink(input_bytes, written_max);
                self.idle.lock().expect("no panic while held").push(worker);
                Attempt::Unreadable(reason)
            }
            // The standard library documents either kind for a timeout, depending on the platform.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                // Dropping the worker kills it.
                Attempt::Unreadable(match self.cancel.is_cancelled() {
                    true => Unreadable::Interrupted,
                    false => Unreadable::TookTooLong {
                        time_ms_max: self.limits.time_max.as_millis() as u64,
                    },
                })
            }
            Err(e) => Attempt::Died(worker.end(&e)),
        }
    }

    fn start(&self) -> io::Result<Worker> {
        let limits = [
            self.limits.input_bytes_max,
            self.limits.image_pixels_max,
            self.limits.memory_bytes_max,
        ];
        let shared = Shared::new(&self.limits)?;
        let (socket, theirs) = UnixStream::pair()?;
        let child = Command::new(&self.command.program)
            .arg(worker::ARGUMENT)
            .args(limits.map(|v| OsString::from(v.to_string())))
            .env_clear()
            .stdin(Stdio::from(shared.file()?))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Worker {
            child,
            socket,
            shared,
        })
    }
}

enum Attempt {
    Picture(Box<Picture>),
    Unreadable(Unreadable),
    Died(Died),
}

/// How a worker ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Died {
    /// It refused to start: our fault, not the file's.
    NeverStarted,
    /// It was killed from outside.
    Killed,
    /// It crashed, broke the protocol, or was killed by the sandbox.
    Crashed,
}

impl Died {
    fn reason(self) -> Unreadable {
        match self {
            Self::NeverStarted => Unreadable::NoWorker,
            Self::Killed => Unreadable::Interrupted,
            Self::Crashed => Unreadable::WorkerDied,
        }
    }
}

impl Worker {
    /// Its answer, if the whole of it comes in time.
    fn answer(
        &mut self,
        until: Instant,
        limits: &Limits,
        cancel: &Cancel,
    ) -> io::Result<Result<Head, Unreadable>> {
        let mut from = Until {
            socket: &self.socket,
            until,
            cancel,
        };
        wire::read_answer(&mut from, limits.image_pixels_max)
    }

    /// Kills or reaps the worker after an error on its socket; returns how it ended.
    fn end(&mut self, e: &io::Error) -> Died {
        const KILL: i32 = libc::SIGKILL;
        // On this socket only `wire` makes errors of kind `Other`; the system's errors never have
        // that kind.
        if e.kind() == io::ErrorKind::Other {
            // Still running, but its answer is malformed.
            let _ = self.child.kill();
            return Died::Crashed;
        }
        // Its socket is closed, which happens only when it exits.
        match self.child.wait() {
            // 127: the loader did not find a library.
            Ok(status)
                if matches!(
                    status.code(),
                    Some(worker::BAD_ARGUMENTS | worker::NO_SANDBOX | 127)
                ) =>
            {
                Died::NeverStarted
            }
            // The filter kills with SIGSYS and failed allocations abort: SIGKILL comes from outside
            // or the OOM killer.
            Ok(status) if status.signal() == Some(KILL) => Died::Killed,
            _ => Died::Crashed,
        }
    }
}

/// Reads with one deadline, not with a timeout per read: a compromised worker could send byte after
/// byte. Cancelled reads end as late ones do.
struct Until<'a> {
    socket: &'a UnixStream,
    until: Instant,
    cancel: &'a Cancel,
}

impl io::Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.cancel.is_cancelled() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.socket
                .set_read_timeout(Some(left.min(CANCELLED_EVERY)))?;
            match (&*self.socket).read(into) {
                // Either kind, as above: look again.
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                answer => return answer,
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nothing more can be done if either fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        // If another frame is due, the worker waits for a reply that won't come; dropping the
        // worker kills its process.
        if let Some(mut worker) = self.worker.take()
            && !self.head.more
        {
            worker
                .shared
                .shrink(self.input_bytes, self.head.sample_bytes());
            self.idle.lock().expect("no panic while held").push(worker);
        }
    }
}

/// A picture's samples, rows from top to bottom, without padding: three bytes a pixel, or one if
/// the picture is grey. Dereferences to a slice.
pub struct Samples(Store);

enum Store {
    Owned(Vec<u8>),
    Leased(Leased),
}

impl Samples {
    fn leased_mut(&mut self) -> Option<&mut Leased> {
        match &mut self.0 {
            Store::Leased(leased) => Some(leased),
            Store::Owned(_) => None,
        }
    }
}

impl From<Vec<u8>> for Samples {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Store::Owned(bytes))
    }
}

impl Deref for Samples {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Store::Owned(bytes) => bytes,
            // The worker is only gone between two frames, when no caller can hold the picture.
            Store::Leased(leased) => leased.worker.as_ref().map_or(&[], |worker| {
                &worker.shared.output()[..leased.head.sample_bytes() as usize]
            }),
        }
    }
}

impl Clone for Samples {
    fn clone(&self) -> Self {
        // A copy: two values cannot lease the same worker.
        self.to_vec().into()
    }
}

impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Samples {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// With a timeout per read, a worker that sent the 18 bytes of its answer one by one could hold
    /// its caller for eighteen times the limit.
    #[test]
    fn an_answer_in_drips_is_late() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let dripping = std::thread::spawn(move || {
            // Ends when the test drops the other end.
            while theirs.write_all(&[0]).is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let until = Instant::now() + Duration::from_millis(60);
        let mut from = Until {
            socket: &ours,
            until,
            cancel: &Cancel::default(),
        };
        let mut answer = [0; 1_000];
        let late = io::Read::read_exact(&mut from, &mut answer).unwrap_err();
        assert!(
            matches!(
                late.kind(),
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
            ),
            "{late}"
        );
        drop(ours);
        dripping.join().unwrap();
    }
}
