//! The child's side: shut every door, then decode what comes through the pipe until it closes.

use std::io::{self, BufWriter, Write as _};
use std::panic::catch_unwind;

use crate::{Format, Limits, Unreadable, raster, sandbox, wire};

/// The argument that makes a binary a worker; see [`crate::WorkerCommand`].
pub const ARGUMENT: &str = "decode-worker";

/// Runs a worker on standard input and output; returns the exit status of the process.
///
/// Arguments after [`ARGUMENT`] are the limits: input bytes, pixels, memory bytes.
pub fn run(mut arguments: impl Iterator<Item = String>) -> i32 {
    let mut number = || arguments.next().and_then(|a| a.parse().ok());
    let (Some(input_bytes_max), Some(image_pixels_max), Some(memory_bytes_max)) =
        (number(), number(), number())
    else {
        eprintln!("{ARGUMENT} is started by obhut itself, with three numbers");
        return 2;
    };
    let limits = Limits {
        input_bytes_max,
        image_pixels_max,
        memory_bytes_max,
        ..Limits::default()
    };
    // A decoder's panic is an answer ("corrupt"), not a message: it could quote the file.
    std::panic::set_hook(Box::new(|_| {}));
    if let Err(e) = sandbox::enter(limits.memory_bytes_max) {
        eprintln!("the decoder can't shut itself in: {e}");
        return 3;
    }
    match serve(&limits) {
        Ok(()) => 0,
        Err(_) => 4,
    }
}

/// Shuts the process in as a worker does, without decoding: for trying what the sandbox lets through.
pub fn shut_in(memory_bytes_max: u64) -> io::Result<()> {
    sandbox::enter(memory_bytes_max)
}

fn serve(limits: &Limits) -> io::Result<()> {
    let mut from = io::stdin().lock();
    let mut to = BufWriter::new(io::stdout().lock());
    // Half of the memory for the decoder's own buffers; the other half for input and pixels.
    let alloc_bytes_max = limits.memory_bytes_max / 2;
    while let Some((bytes, upright)) = wire::read_request(&mut from, limits.input_bytes_max)? {
        let answer = catch_unwind(|| {
            raster::decode(&bytes, limits.image_pixels_max, alloc_bytes_max, upright)
        })
        .unwrap_or(Err(
            Format::of(&bytes).map_or(Unreadable::UnknownFormat, Unreadable::Corrupt)
        ));
        wire::write_answer(&mut to, &answer)?;
        to.flush()?;
    }
    Ok(())
}
