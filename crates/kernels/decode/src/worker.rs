//! The child's side: enter the sandbox, then decode files in shared memory until the socket closes
//! ([`run`]), or become ffmpeg or ffprobe ([`run_video`]).
//!
//! For [`run`]: standard input is the shared memory, standard output the socket to the parent.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;

use crate::shared::{Layout, Shared};
use crate::{Format, Limits, Unreadable, raster, sandbox, wire};

/// The argument that makes a binary a worker; see [`crate::WorkerCommand`].
pub const ARGUMENT: &str = "decode-worker";

/// The argument that makes a binary enter the sandbox and become ffmpeg or ffprobe.
pub const VIDEO_ARGUMENT: &str = "video-worker";

/// Exit status of a video worker that never became ffmpeg or ffprobe: bad arguments, no sandbox, or
/// exec failed. Our judgement: a status that neither of them nor the shell uses.
pub(crate) const NEVER_STARTED: i32 = 117;

/// Exit status of a worker that got wrong arguments or descriptors.
pub(crate) const BAD_ARGUMENTS: i32 = 2;
/// Exit status of a worker that couldn't enter its sandbox.
pub(crate) const NO_SANDBOX: i32 = 3;
/// Exit status of a worker whose connection failed.
const CONNECTION_FAILED: i32 = 4;

/// Enters the sandbox and replaces the process with the given program. Returns an exit status only
/// on failure.
///
/// Arguments after [`VIDEO_ARGUMENT`] are memory bytes, seconds of CPU time (0: without limit), the
/// program, and its arguments. Standard input is the file or stream that the program reads.
pub fn run_video(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    if let Err(e) = sandbox::close_inherited() {
        eprintln!("[fatal] the decoder inherited what it can't close: {e}");
        return NEVER_STARTED;
    }
    // OS strings, because the program's arguments may be paths that are not UTF-8.
    let mut number = || arguments.next()?.to_str()?.parse().ok();
    let numbers = (number(), number());
    let (Some(memory_bytes_max), Some(cpu_seconds_max)) = numbers else {
        eprintln!("{VIDEO_ARGUMENT} is started by obhut itself");
        return NEVER_STARTED;
    };
    let Some(program) = arguments.next() else {
        eprintln!("{VIDEO_ARGUMENT} is started by obhut itself");
        return NEVER_STARTED;
    };
    let program = PathBuf::from(program);
    // From here on `[fatal]`, because the parent reads these lines as ffmpeg's own.
    if let Err(e) = sandbox::enter_for(&program, memory_bytes_max, cpu_seconds_max) {
        eprintln!("[fatal] the decoder cannot enter the sandbox: {e}");
        return NEVER_STARTED;
    }
    // Replaces this process: the filter forbids starting another.
    let e = Command::new(&program).args(arguments).exec();
    eprintln!("[fatal] {} can't be started: {e}", program.display());
    NEVER_STARTED
}

/// Runs a worker; returns the exit status: 0 if the parent closed the socket, or one of the constants
/// above.
///
/// Arguments after [`ARGUMENT`] are the limits: input bytes, pixels, memory bytes.
pub fn run(mut arguments: impl Iterator<Item = String>) -> i32 {
    let mut number = || arguments.next().and_then(|a| a.parse().ok());
    let (Some(input_bytes_max), Some(image_pixels_max), Some(memory_bytes_max)) =
        (number(), number(), number())
    else {
        eprintln!("{ARGUMENT} is started by obhut itself, with three numbers");
        return BAD_ARGUMENTS;
    };
    let limits = Limits {
        input_bytes_max,
        image_pixels_max,
        memory_bytes_max,
        ..Limits::default()
    };
    if let Err(e) = sandbox::close_inherited() {
        eprintln!("the decoder inherited what it can't close: {e}");
        return NO_SANDBOX;
    }
    // A decoder's panic becomes an answer. Its message is suppressed, because it could quote the
    // file.
    std::panic::set_hook(Box::new(|_| {}));
    let opened = io::stdin().as_fd().try_clone_to_owned();
    let shared = opened.and_then(|memory| Shared::of(memory, &limits));
    let socket = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let (Ok(mut shared), Ok(mut socket)) = (shared, socket) else {
        eprintln!("{ARGUMENT} is started by obhut itself, with memory and a socket");
        return BAD_ARGUMENTS;
    };
    // The shared memory doesn't count towards the decoder's limit.
    let memory_bytes_max = memory_bytes_max + Layout::of(&limits).len() as u64;
    if let Err(e) = sandbox::enter(memory_bytes_max) {
        eprintln!("the decoder cannot enter the sandbox: {e}");
        return NO_SANDBOX;
    }
    match serve(&limits, &mut shared, &mut socket) {
        Ok(()) => 0,
        // It did start: the file may be to blame.
        Err(_) => CONNECTION_FAILED,
    }
}

/// Enters the worker's sandbox without decoding, for testing it.
pub fn enter_sandbox(memory_bytes_max: u64) -> io::Result<()> {
    sandbox::enter(memory_bytes_max)
}

fn serve(limits: &Limits, shared: &mut Shared, socket: &mut File) -> io::Result<()> {
    // The decoder's own buffers may take half of the memory; the other half is for the pixels that
    // it unpacks. Our judgement.
    let alloc_bytes_max = limits.memory_bytes_max / 2;
    while let Some(request) = wire::read_request(socket, limits.input_bytes_max)? {
        let (input, output) = shared.parts();
        // In range: `read_request` refuses more than the input holds.
        let bytes = &input[..request.bytes as usize];
        let mut give = |head: wire::Head| -> io::Result<bool> {
            wire::write_answer(socket, &Ok(head))?;
            if !head.more {
                return Ok(false);
            }
            let mut reply = [wire::ENOUGH];
            socket.read_exact(&mut reply)?;
            Ok(reply[0] == wire::NEXT)
        };
        let job = raster::Job {
            bytes,
            pixels_max: limits.image_pixels_max,
            alloc_bytes_max,
            options: request.options,
        };
        // Half-written pixels are harmless: the parent reads none without a head.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            if request.frames {
                raster::frames(&job, output, &mut give)
            } else {
                raster::decode(&job, output).and_then(|head| Ok(give(head).map(|_| ())?))
            }
        }))
        .unwrap_or(Err(raster::Fault::Unreadable(
            Format::of(bytes).map_or(Unreadable::UnknownFormat, Unreadable::Corrupt),
        )));
        match answer {
            Ok(()) => {}
            Err(raster::Fault::Unreadable(reason)) => wire::write_answer(socket, &Err(reason))?,
            // The parent is gone; there is nothing left to answer.
            Err(raster::Fault::Parent(e)) => return Err(e),
        }
    }
    Ok(())
}
