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
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::shared::Shared;
use crate::wire::{self, Head, Request};
use crate::{DecodeOptions, Limits, Picture, Unreadable, worker};

/// How often a file is tried when its worker dies; the second time with a new worker. Our
/// judgement.
const TRIES_MAX: u32 = 2;

/// How to start a worker: a program that calls [`worker::run`] when its first argument is
/// [`worker::ARGUMENT`].
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
}

/// Workers ready to decode. Calls block; any number of threads may call, and each call gets a worker to
/// itself. A picture keeps its worker until it is dropped: its pixels are in the worker's memory.
pub struct Pool {
    command: WorkerCommand,
    limits: Limits,
    video: Option<VideoTools>,
    idle: Idle,
}

type Idle = Arc<Mutex<Vec<Worker>>>;

struct Worker {
    child: Child,
    socket: UnixStream,
    shared: Shared,
}

/// Pixels in a worker's memory, with the worker for as long as they are read.
pub(crate) struct Leased {
    worker: Option<Worker>,
    idle: Idle,
    input_bytes: u64,
    head: Head,
}

impl Pool {
    /// No worker is started before the first file comes, or [`Pool::start_ahead`] is called.
    pub fn new(command: WorkerCommand, limits: Limits) -> Self {
        Self {
            command,
            limits,
            video: None,
            idle: Idle::default(),
        }
    }

    /// With ffmpeg, so that videos can be decoded too.
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
    pub fn start_ahead(&self, workers: usize) -> io::Result<()> {
        for _ in 0..workers {
            let worker = self.start()?;
            self.idle.lock().expect("no panic while held").push(worker);
        }
        Ok(())
    }

    /// Decodes one file as it is stored.
    pub fn decode(&self, bytes: &[u8]) -> Result<Picture, Unreadable> {
        self.decode_with(bytes, DecodeOptions::default())
    }

    /// Decodes one file with other options.
    pub fn decode_with(&self, bytes: &[u8], options: DecodeOptions) -> Result<Picture, Unreadable> {
        self.ask(bytes, options, false)
    }

    /// Decodes the frames of an animation one after the other, each whole, until `take` says
    /// false; of any other picture the one there is. Says how many were taken.
    ///
    /// # Errors
    /// The reason why a frame, or the file as a whole, gave no pixels. Frames before it have been
    /// taken then.
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
            let leased = picture.samples.leased_mut().expect("fresh from a worker");
            // The last frame: dropping the picture returns the worker.
            if !leased.head.more {
                return Ok(count);
            }
            let mut worker = leased.worker.take().expect("given back only by dropping");
            let word = if go_on { wire::NEXT } else { wire::ENOUGH };
            let said = worker.socket.write_all(&[word]);
            if !go_on {
                if said.is_ok() {
                    // It has ended the animation and waits for a request, so the next file may have it.
                    leased.worker = Some(worker);
                    leased.head.more = false;
                }
                return Ok(count);
            }
            // All frames share the time of one picture, the caller's own work between them
            // included.
            let left = self.limits.time_max.saturating_sub(started.elapsed());
            let answer = said
                .and_then(|()| worker.wait_at_most(left))
                .and_then(|()| wire::read_answer(&mut worker.socket, self.limits.image_pixels_max));
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
            tries += 1;
            // The second time a fresh one: those that wait may have been ended with the first.
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
            let answer = worker
                .wait_at_most(self.limits.time_max)
                .and_then(|()| wire::write_request(&mut worker.socket, &request))
                .and_then(|()| wire::read_answer(&mut worker.socket, self.limits.image_pixels_max));
            match self.resolve(worker, answer, request.bytes) {
                Attempt::Picture(picture) => return Ok(*picture),
                Attempt::Unreadable(reason) => return Err(reason),
                // The worker may have been killed from outside or for memory that others used: retry once.
                Attempt::Died(died) if tries == TRIES_MAX || died == Died::NeverLived => {
                    return Err(died.reason());
                }
                Attempt::Died(_) => {}
            }
        }
    }

    /// A worker's answer to a picture, a reason, or how the worker ended.
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
                // The reason came through the socket as agreed, so this worker is still sound.
                worker.shared.shrink(input_bytes, 0);
                self.idle.lock().expect("no panic while held").push(worker);
                Attempt::Unreadable(reason)
            }
            // Which of the two kinds a timeout gives depends on the system, says the standard
            // library.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                // Dropping it ends it.
                Attempt::Unreadable(Unreadable::TookTooLong {
                    time_ms_max: self.limits.time_max.as_millis() as u64,
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
    NeverLived,
    /// It was killed from outside.
    Killed,
    /// It crashed, or the sandbox ended it.
    OfTheFile,
}

impl Died {
    fn reason(self) -> Unreadable {
        match self {
            Self::NeverLived => Unreadable::NoWorker,
            Self::Killed => Unreadable::Interrupted,
            Self::OfTheFile => Unreadable::WorkerDied,
        }
    }
}

impl Worker {
    fn wait_at_most(&self, time: std::time::Duration) -> io::Result<()> {
        // The standard library refuses a timeout of zero.
        let time = time.max(std::time::Duration::from_millis(1));
        self.socket.set_read_timeout(Some(time))
    }

    /// How the worker ended, after an error on its socket.
    fn end(&mut self, e: &io::Error) -> Died {
        const KILL: i32 = libc::SIGKILL;
        // On this socket only `wire` makes errors of kind `Other`; the system's are never of it.
        if e.kind() == io::ErrorKind::Other {
            // Still running, but its answer is malformed.
            let _ = self.child.kill();
            return Died::OfTheFile;
        }
        // Its socket is closed, which happens only when it exits.
        match self.child.wait() {
            // 2 and 3 are the exit codes of `worker::run`; 127 is the loader's, when a library is
            // missing.
            Ok(status) if matches!(status.code(), Some(2 | 3 | 127)) => Died::NeverLived,
            // The filter kills with SIGSYS and failed allocations abort: SIGKILL comes from outside
            // or the OOM killer.
            Ok(status) if status.signal() == Some(KILL) => Died::Killed,
            _ => Died::OfTheFile,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        // While another frame is due the worker waits for a word it will not get.
        if let Some(worker) = self.worker.take()
            && !self.head.more
        {
            worker
                .shared
                .shrink(self.input_bytes, self.head.sample_bytes());
            self.idle.lock().expect("no panic while held").push(worker);
        }
    }
}

/// A picture's samples, rows from top to bottom, no padding: three bytes a pixel, or one where it
/// is grey. They are read like a slice.
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
