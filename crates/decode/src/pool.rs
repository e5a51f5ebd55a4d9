//! The parent's side: workers that are kept, given one file at a time, and replaced when they die.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Limits, Picture, Unreadable, wire, worker};

/// What fits into a pipe before its writer waits.
const PIPE_BYTES: usize = 1 << 20;

/// How to start a worker: a program that calls [`worker::run`] when its first argument is
/// [`worker::ARGUMENT`].
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
}

/// Workers ready to decode. Calls block; any number of threads may call at once, each with a
/// worker of its own.
pub struct Pool {
    command: WorkerCommand,
    limits: Limits,
    idle: Mutex<Vec<Worker>>,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Pool {
    /// No worker is started before the first file comes.
    pub fn new(command: WorkerCommand, limits: Limits) -> Self {
        Self {
            command,
            limits,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// The limits every file is held to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Decodes one file as it is stored.
    pub fn decode(&self, bytes: &[u8]) -> Result<Picture, Unreadable> {
        self.ask(bytes, false)
    }

    /// Decodes one file and turns it as its EXIF orientation says.
    pub fn decode_upright(&self, bytes: &[u8]) -> Result<Picture, Unreadable> {
        self.ask(bytes, true)
    }

    fn ask(&self, bytes: &[u8], upright: bool) -> Result<Picture, Unreadable> {
        if bytes.is_empty() {
            return Err(Unreadable::Empty);
        }
        if bytes.len() as u64 > self.limits.input_bytes_max {
            return Err(Unreadable::TooLong {
                bytes: bytes.len() as u64,
                bytes_max: self.limits.input_bytes_max,
            });
        }
        let kept = self.idle.lock().expect("no panic while held").pop();
        let mut worker = match kept {
            Some(worker) => worker,
            None => self.start().map_err(|_| Unreadable::NoWorker)?,
        };
        let watch = Watch::new(worker.child.id(), self.limits.time_max);
        let answer = wire::write_request(&mut worker.input, bytes, upright)
            .and_then(|()| wire::read_answer(&mut worker.output, self.limits.image_pixels_max));
        let timed_out = watch.end();
        match answer {
            Ok(answer) if !timed_out => {
                self.idle.lock().expect("no panic while held").push(worker);
                answer
            }
            _ if timed_out => Err(Unreadable::TookTooLong {
                time_ms_max: self.limits.time_max.as_millis() as u64,
            }),
            // A worker that refused to start (exit 2 or 3) is our fault, not the file's.
            _ => Err(match worker.end() {
                Some(2 | 3 | 127) => Unreadable::NoWorker,
                _ => Unreadable::WorkerDied,
            }),
        }
    }

    fn start(&self) -> io::Result<Worker> {
        let limits = [
            self.limits.input_bytes_max,
            self.limits.image_pixels_max,
            self.limits.memory_bytes_max,
        ];
        let mut child = Command::new(&self.command.program)
            .arg(worker::ARGUMENT)
            .args(limits.map(|v| OsString::from(v.to_string())))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().expect("piped");
        let output = child.stdout.take().expect("piped");
        // Fewer changes between the two processes. Where the system allows less, all works as well.
        let _ = rustix::pipe::fcntl_setpipe_size(&input, PIPE_BYTES);
        let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE_BYTES);
        Ok(Worker {
            child,
            input,
            output,
        })
    }
}

impl Worker {
    /// Ends the process; its exit status where it had left by itself.
    fn end(mut self) -> Option<i32> {
        let status = self.child.try_wait().ok().flatten();
        if status.is_none() {
            // It closed its output, so it is on its way out; wait rather than guess.
            return self.child.wait().ok().and_then(|s| s.code());
        }
        status.and_then(|s| s.code())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends a process that is still busy when its time is up.
struct Watch {
    done: mpsc::Sender<()>,
    thread: JoinHandle<bool>,
}

impl Watch {
    fn new(pid: u32, time_max: Duration) -> Self {
        let (done, waiting) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let late = waiting.recv_timeout(time_max) == Err(mpsc::RecvTimeoutError::Timeout);
            if late && let Some(pid) = rustix::process::Pid::from_raw(pid as i32) {
                // The parent has not waited for it yet, so the id still is this process.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            late
        });
        Self { done, thread }
    }

    fn end(self) -> bool {
        drop(self.done);
        self.thread.join().unwrap_or(true)
    }
}
