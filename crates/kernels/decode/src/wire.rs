//! Messages between parent and worker over a socket; bytes and pixels are in shared memory.
//!
//! Request: what to do with the file (1 byte), its length (8 bytes, little-endian). Answer: 18
//! bytes, either a picture's head or a reason with two numbers. After a picture with another to
//! follow, the parent replies [`NEXT`] or [`ENOUGH`].
//!
//! Invariant: the parent uses no size of a picture before it has validated it. The numbers of a
//! reason aren't validated; they are only shown.

use std::io::{self, Read, Write};

use crate::{Colour, DecodeOptions, Format, Unreadable};

const PICTURE: u8 = 1;
const REASON: u8 = 2;
const ANSWER_BYTES: usize = 18;

pub(crate) const NEXT: u8 = 1;
pub(crate) const ENOUGH: u8 = 0;

const UPRIGHT: u8 = 1;
const FAST: u8 = 2;
const FRAMES: u8 = 4;

/// One file, in shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub options: DecodeOptions,
    /// All frames of an animation, not only the first.
    pub frames: bool,
    pub bytes: u64,
}

/// A picture without its pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub format: Format,
    pub colour: Colour,
    pub width: u32,
    pub height: u32,
    pub orientation: Option<u8>,
    pub damaged: bool,
    /// Another frame follows.
    pub more: bool,
}

impl Head {
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub fn sample_bytes(&self) -> u64 {
        self.pixels() * self.colour.channels() as u64
    }
}

pub(crate) fn write_request(to: &mut impl Write, request: &Request) -> io::Result<()> {
    let mut head = [0; 9];
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    head[0] = flag(request.options.upright, UPRIGHT)
        | flag(request.options.fast, FAST)
        | flag(request.frames, FRAMES);
    head[1..].copy_from_slice(&request.bytes.to_le_bytes());
    to.write_all(&head)
}

/// The next request; `None` when the parent has closed the socket.
pub(crate) fn read_request(from: &mut impl Read, bytes_max: u64) -> io::Result<Option<Request>> {
    let mut head = [0; 9];
    // One byte first: the parent closing its end is a normal end, half a request is not.
    match from.read(&mut head[..1])? {
        0 => return Ok(None),
        _ => from.read_exact(&mut head[1..])?,
    }
    let bytes = u64::from_le_bytes(head[1..].try_into().expect("8 bytes"));
    // The parent is trusted, but a bug in it must not make the worker read past the input.
    if bytes > bytes_max {
        return Err(io::Error::other("request beyond its limit"));
    }
    Ok(Some(Request {
        options: DecodeOptions {
            upright: head[0] & UPRIGHT != 0,
            fast: head[0] & FAST != 0,
        },
        frames: head[0] & FRAMES != 0,
        bytes,
    }))
}

pub(crate) fn write_answer(
    to: &mut impl Write,
    answer: &Result<Head, Unreadable>,
) -> io::Result<()> {
    let mut out = [0; ANSWER_BYTES];
    match answer {
        Ok(head) => {
            out[0] = PICTURE;
            out[1] = head.format as u8;
            out[2] = head.orientation.unwrap_or(0);
            out[3] = head.damaged.into();
            out[4..8].copy_from_slice(&head.width.to_le_bytes());
            out[8..12].copy_from_slice(&head.height.to_le_bytes());
            out[12] = head.colour.channels() as u8;
            out[13] = head.more.into();
        }
        Err(reason) => {
            let (code, a, b) = match *reason {
                Unreadable::Empty => (1, 0, 0),
                Unreadable::TooLong { bytes, bytes_max } => (2, bytes, bytes_max),
                Unreadable::UnknownFormat => (3, 0, 0),
                Unreadable::TooManyPixels { pixels, pixels_max } => (4, pixels, pixels_max),
                Unreadable::Truncated(f) => (5, f as u64, 0),
                Unreadable::Corrupt(f) => (6, f as u64, 0),
                Unreadable::Unsupported(f) => (8, f as u64, 0),
                Unreadable::TooMuchMemory(f) => (9, f as u64, 0),
                // Only the parent reports the other reasons.
                _ => (7, 0, 0),
            };
            out[0] = REASON;
            out[1] = code;
            out[2..10].copy_from_slice(&a.to_le_bytes());
            out[10..18].copy_from_slice(&b.to_le_bytes());
        }
    }
    to.write_all(&out)
}

/// Reads an answer; any error means that the worker can't be used again.
pub(crate) fn read_answer(
    from: &mut impl Read,
    pixels_max: u64,
) -> io::Result<Result<Head, Unreadable>> {
    let mut answer = [0; ANSWER_BYTES];
    from.read_exact(&mut answer)?;
    parse_answer(&answer, pixels_max)
}

pub(crate) fn parse_answer(
    answer: &[u8; ANSWER_BYTES],
    pixels_max: u64,
) -> io::Result<Result<Head, Unreadable>> {
    let number = |at: usize| u64::from_le_bytes(answer[at..at + 8].try_into().expect("8 bytes"));
    let short = |at: usize| u32::from_le_bytes(answer[at..at + 4].try_into().expect("4 bytes"));
    match answer[0] {
        PICTURE => {
            let head = Head {
                format: Format::from_u8(answer[1]).ok_or_else(|| io::Error::other("format"))?,
                // 0 means none, and a worker that was taken over may send anything.
                orientation: Some(answer[2]).filter(|v| (1..=8).contains(v)),
                damaged: answer[3] == 1,
                width: short(4),
                height: short(8),
                // By the number of channels, which decides how many bytes the parent reads.
                colour: match answer[12] {
                    1 => Colour::Grey,
                    3 => Colour::Rgb,
                    _ => return Err(io::Error::other("colour")),
                },
                more: answer[13] == 1,
            };
            // Before anything uses the sides: `sample_bytes` of an accepted head bounds a slice.
            if head.pixels() == 0 || head.pixels() > pixels_max {
                return Err(io::Error::other("picture beyond its limit"));
            }
            Ok(Ok(head))
        }
        REASON => {
            let (a, b) = (number(2), number(10));
            let format = || Format::from_u8(a as u8).ok_or_else(|| io::Error::other("format"));
            Ok(Err(match answer[1] {
                1 => Unreadable::Empty,
                2 => Unreadable::TooLong {
                    bytes: a,
                    bytes_max: b,
                },
                3 => Unreadable::UnknownFormat,
                4 => Unreadable::TooManyPixels {
                    pixels: a,
                    pixels_max: b,
                },
                5 => Unreadable::Truncated(format()?),
                6 => Unreadable::Corrupt(format()?),
                8 => Unreadable::Unsupported(format()?),
                9 => Unreadable::TooMuchMemory(format()?),
                _ => Unreadable::WorkerDied,
            }))
        }
        _ => Err(io::Error::other("tag")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a worker that was taken over sends, the result is an error or within the limits.
    #[test]
    fn no_answer_is_accepted_beyond_the_limit() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..200_000 {
            let mut answer = [0; ANSWER_BYTES];
            for byte in &mut answer {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // About half of the bytes are small, so that valid tags and formats occur.
                *byte = (state >> 32) as u8 & if state & 1 == 1 { 3 } else { 255 };
            }
            if let Ok(Ok(head)) = parse_answer(&answer, 1_000_000) {
                assert!((1..=1_000_000).contains(&head.pixels()));
            }
        }
    }
}
