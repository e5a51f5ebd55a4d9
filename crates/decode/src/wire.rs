//! What parent and worker say to each other over two pipes.
//!
//! Request: flags (1 byte), length (8 bytes, little-endian), the file. Answer: a tag; for a
//! picture its fixed header and then the pixels; for a reason its code and two numbers.
//! Invariant: the parent believes no number in an answer before it has compared it with a limit.

use std::io::{self, Read, Write};

use crate::{Format, Picture, Unreadable};

const PICTURE: u8 = 1;
const REASON: u8 = 2;

/// Asks for one file.
pub(crate) fn write_request(to: &mut impl Write, bytes: &[u8], upright: bool) -> io::Result<()> {
    to.write_all(&[u8::from(upright)])?;
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// The next request; `None` when the parent has closed the pipe.
pub(crate) fn read_request(
    from: &mut impl Read,
    bytes_max: u64,
) -> io::Result<Option<(Vec<u8>, bool)>> {
    let mut head = [0; 9];
    match from.read(&mut head[..1])? {
        0 => return Ok(None),
        _ => from.read_exact(&mut head[1..])?,
    }
    let len = u64::from_le_bytes(head[1..].try_into().expect("8 bytes"));
    if len > bytes_max {
        return Err(io::Error::other("request beyond its limit"));
    }
    let mut bytes = Vec::with_capacity(len as usize);
    from.take(len).read_to_end(&mut bytes)?;
    Ok(Some((bytes, head[0] & 1 == 1)))
}

pub(crate) fn write_answer(
    to: &mut impl Write,
    answer: &Result<Picture, Unreadable>,
) -> io::Result<()> {
    match answer {
        Ok(picture) => {
            let mut head = [0; 13];
            head[0] = PICTURE;
            head[1] = picture.format as u8;
            head[2] = picture.orientation.unwrap_or(0);
            head[3] = picture.damaged.into();
            head[4..8].copy_from_slice(&picture.width.to_le_bytes());
            head[8..12].copy_from_slice(&picture.height.to_le_bytes());
            to.write_all(&head)?;
            to.write_all(&picture.rgb)?;
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
                Unreadable::TookTooLong { .. } | Unreadable::WorkerDied | Unreadable::NoWorker => {
                    (7, 0, 0)
                }
            };
            let mut head = [0; 18];
            head[0] = REASON;
            head[1] = code;
            head[2..10].copy_from_slice(&a.to_le_bytes());
            head[10..18].copy_from_slice(&b.to_le_bytes());
            to.write_all(&head)?;
        }
    }
    to.flush()
}

/// Reads an answer; an error of any sort means that the worker can't be used again.
pub(crate) fn read_answer(
    from: &mut impl Read,
    pixels_max: u64,
) -> io::Result<Result<Picture, Unreadable>> {
    let mut tag = [0];
    from.read_exact(&mut tag)?;
    match tag[0] {
        PICTURE => {
            let mut head = [0; 12];
            from.read_exact(&mut head)?;
            let format = Format::from_u8(head[0]).ok_or_else(|| io::Error::other("format"))?;
            let width = u32::from_le_bytes(head[3..7].try_into().expect("4 bytes"));
            let height = u32::from_le_bytes(head[7..11].try_into().expect("4 bytes"));
            let pixels = u64::from(width) * u64::from(height);
            if pixels == 0 || pixels > pixels_max {
                return Err(io::Error::other("picture beyond its limit"));
            }
            let len = pixels * 3;
            let mut rgb = Vec::with_capacity(len as usize);
            from.take(len).read_to_end(&mut rgb)?;
            if rgb.len() as u64 != len {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let orientation = Some(head[1]).filter(|v| (1..=8).contains(v));
            Ok(Ok(Picture {
                format,
                width,
                height,
                rgb,
                orientation,
                damaged: head[2] == 1,
            }))
        }
        REASON => {
            let mut rest = [0; 17];
            from.read_exact(&mut rest)?;
            let a = u64::from_le_bytes(rest[1..9].try_into().expect("8 bytes"));
            let b = u64::from_le_bytes(rest[9..17].try_into().expect("8 bytes"));
            let format = || Format::from_u8(a as u8).ok_or_else(|| io::Error::other("format"));
            Ok(Err(match rest[0] {
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
