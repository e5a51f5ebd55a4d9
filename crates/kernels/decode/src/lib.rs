//! Turns hostile files into pixels, in a child process that has no network and no files.
//!
//! The parent ([`Pool`]) puts a file's bytes into memory that it shares with a worker. The worker
//! puts the pixels there, or sends the reason over a socket. Before it reads the first byte, the
//! worker ([`worker::run`]) gives up the right to open files and sockets, to start processes and to
//! use more memory than [`Limits`] grants. The result is never "nothing": it is a [`Picture`], or
//! an [`Unreadable`] that says why.
//!
//! Formats are detected by content, not by name: JPEG, PNG, GIF, WebP, BMP, TIFF. For an animation,
//! [`Pool::frames`] gives every frame and [`Pool::decode`] the first. Transparency is dropped, not
//! blended, as Pillow's `convert("RGB")` does; the digests of the PDQ lists in use are made that
//! way. Videos (MP4, Matroska and others, see [`Container`]) are decoded by ffmpeg in a sandbox.
//! With Landlock (Linux 5.13 or later) ffmpeg may open only the video and the system's libraries.

#![deny(missing_docs)]

pub mod worker;

mod format;
mod pool;
mod raster;
mod sandbox;
mod shared;
mod wire;

pub use format::Format;
pub use pool::{
    Cancel, Container, Pool, Samples, Sampling, VideoFrame, VideoSeen, VideoTools, WorkerCommand,
};

use std::fmt;
use std::time::Duration;

/// Entry points for fuzz/ only.
#[doc(hidden)]
pub mod probes {
    use crate::{DecodeOptions, raster, wire};

    /// A worker's decoders, without its sandbox.
    pub fn picture(bytes: &[u8]) {
        /// Largest picture of the fuzzer, in pixels: small enough to try thousands a second. Our
        /// judgement.
        const PIXELS_MAX: u64 = 1 << 20;
        let mut output = vec![0; 3 * PIXELS_MAX as usize];
        // Both values of each option in two runs; they are independent of each other.
        for (upright, fast) in [(false, false), (true, true)] {
            let job = raster::Job {
                bytes,
                pixels_max: PIXELS_MAX,
                alloc_bytes_max: 64 << 20,
                options: DecodeOptions { upright, fast },
            };
            // Whatever the file, an error is an answer; only a panic or an abort is a finding.
            let _ = raster::decode(&job, &mut output);
            let _ = raster::frames(&job, &mut output, &mut |head| {
                // The parent trusts no head, but a worker must not send one beyond the limit
                // either.
                assert!(head.pixels() <= PIXELS_MAX);
                Ok(true)
            });
        }
    }

    /// A worker's answer, as its parent reads it.
    pub fn answer(bytes: &[u8]) {
        if let Ok(Ok(head)) = wire::read_answer(&mut &bytes[..], 1 << 20) {
            // A head without pixels would make an empty slice of samples.
            assert!((1..=1 << 20).contains(&head.pixels()));
        }
    }

    /// A file's first bytes.
    pub fn container(bytes: &[u8]) {
        let _ = (crate::Container::of(bytes), crate::Format::of(bytes));
    }
}

/// What one file may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest file, in bytes; videos have no such limit.
    pub input_bytes_max: u64,
    /// Largest picture, in pixels.
    pub image_pixels_max: u64,
    /// Address space of a worker for pictures, in bytes, besides the memory it shares with its
    /// parent (the file, and three bytes for each pixel).
    pub memory_bytes_max: u64,
    /// Address space of ffmpeg and ffprobe, in bytes.
    pub video_memory_bytes_max: u64,
    /// Wall-clock time for one attempt at a picture, or for all frames of an animation.
    pub time_max: Duration,
    /// At most this many frames of a video are passed on. A video with more counts as damaged.
    pub video_frames_max: u64,
    /// CPU time for one video. Rounded down to whole seconds, but never below one.
    pub video_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // All of them our judgement. 250,000 frames are 2.3 hours at 30 a second. In 512 MiB every
            // format decodes its largest picture (tests/memory.rs).
            input_bytes_max: 256 << 20,
            image_pixels_max: 64 << 20,
            memory_bytes_max: 512 << 20,
            video_memory_bytes_max: 2 << 30,
            time_max: Duration::from_secs(20),
            video_frames_max: 250_000,
            video_time_max: Duration::from_secs(600),
        }
    }
}

/// How to decode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DecodeOptions {
    /// Turn the picture as its EXIF orientation says.
    pub upright: bool,
    /// Decode only the luma of a JPEG, scaled down in the DCT as far as possible while the shortest
    /// side keeps 512 pixels or more; smaller pictures aren't scaled. The PDQ of such a picture
    /// differs from the exact one by a few bits; docs/performance.md says how many. CMYK JPEGs and
    /// other formats are decoded exactly.
    pub fast: bool,
}

/// What the samples of a picture are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Luma alone.
    Grey,
}

impl Colour {
    /// Bytes per pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Grey => 1,
        }
    }
}

/// A decoded picture, turned only if that was asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the file is by its content.
    pub format: Format,
    /// What the samples are.
    pub colour: Colour,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Its pixels.
    pub samples: Samples,
    /// EXIF orientation of the file, 1 to 8, if it states one. Turning the picture upright does not
    /// change this value.
    pub orientation: Option<u8>,
    /// True if part of the file was missing or broken and the decoder filled that part in, or if
    /// frames of an animation could not be decoded or were too many.
    pub damaged: bool,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "‹{} of {}×{}›",
            self.format.name(),
            self.width,
            self.height
        )
    }
}

/// Why a file gave no pixels. Contains no text from the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Unreadable {
    /// No bytes at all.
    Empty,
    /// Longer than [`Limits::input_bytes_max`].
    TooLong {
        /// Bytes the file has.
        bytes: u64,
        /// Bytes allowed.
        bytes_max: u64,
    },
    /// Neither a picture in a format this build reads nor a known container of video.
    /// [`Pool::decode`] and [`Pool::frames`] return it for videos too.
    UnknownFormat,
    /// The header announces more pixels than [`Limits::image_pixels_max`].
    TooManyPixels {
        /// Pixels announced.
        pixels: u64,
        /// Pixels allowed.
        pixels_max: u64,
    },
    /// The file ends before its picture does.
    Truncated(Format),
    /// The decoder refused it.
    Corrupt(Format),
    /// A variant of the format that this build does not read, such as a compression method.
    Unsupported(Format),
    /// Decoding would take more memory than [`Limits::memory_bytes_max`] grants.
    TooMuchMemory(Format),
    /// A picture took longer than [`Limits::time_max`], or ffprobe or ffmpeg stalled; the process
    /// was killed.
    TookTooLong {
        /// Milliseconds allowed.
        time_ms_max: u64,
    },
    /// A video that ffprobe can't read, or from which ffmpeg decodes no frame.
    CorruptVideo,
    /// A container without moving pictures: sound alone, or nothing.
    NoVideoStream,
    /// The file is a video, but no ffmpeg is configured to decode it.
    NoVideoTools,
    /// The worker died: memory limit, forbidden system call, or a fault in a decoder. The file was
    /// tried twice, unless a first frame had been passed on.
    WorkerDied,
    /// The worker was killed from outside. The file was tried twice, unless a first frame had been
    /// passed on. Nothing is known about the file; try again.
    Interrupted,
    /// No worker could be started: a fault of the installation, not of the file.
    NoWorker,
}

impl Unreadable {
    /// A short name that stays the same, for records and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too-long",
            Self::UnknownFormat => "unknown-format",
            Self::TooManyPixels { .. } => "too-many-pixels",
            Self::Truncated(_) => "truncated",
            Self::Corrupt(_) => "corrupt",
            Self::Unsupported(_) => "unsupported",
            Self::TooMuchMemory(_) => "too-much-memory",
            Self::TookTooLong { .. } => "took-too-long",
            Self::CorruptVideo => "corrupt-video",
            Self::NoVideoStream => "no-video-stream",
            Self::NoVideoTools => "no-video-tools",
            Self::WorkerDied => "worker-died",
            Self::Interrupted => "interrupted",
            Self::NoWorker => "no-worker",
        }
    }

    /// True if a person should look at the file: it claims to be a picture or a video and can't be
    /// decoded, or it is too long to try. Also true for a video when ffmpeg is missing. False for
    /// an empty file, an unknown format, a container without video, and when
    /// [`Self::is_decoder_fault`] is true.
    pub fn is_suspicious(&self) -> bool {
        !matches!(
            self,
            Self::Empty | Self::UnknownFormat | Self::NoVideoStream
        ) && !self.is_decoder_fault()
    }

    /// True when nothing is known about the file, because its worker couldn't start or was killed
    /// from outside. False for [`Self::WorkerDied`], where the file may be the cause, and for a
    /// missing ffmpeg ([`Self::NoVideoTools`]).
    pub fn is_decoder_fault(&self) -> bool {
        matches!(self, Self::NoWorker | Self::Interrupted)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the file is empty"),
            Self::TooLong { bytes, bytes_max } => {
                write!(
                    f,
                    "the file has {bytes} bytes; at most {bytes_max} are allowed"
                )
            }
            Self::UnknownFormat => write!(
                f,
                "it is not a picture in a known format ({}) and not a known kind of video",
                Format::names()
            ),
            Self::TooManyPixels { pixels, pixels_max } => {
                write!(
                    f,
                    "its header states {pixels} pixels; at most {pixels_max} are allowed"
                )
            }
            Self::Truncated(format) => {
                write!(f, "the {} ends before its picture does", format.name())
            }
            Self::Corrupt(format) => write!(f, "the {} is damaged", format.name()),
            Self::Unsupported(format) => {
                write!(
                    f,
                    "the {} uses a variant this version does not read",
                    format.name()
                )
            }
            Self::TooMuchMemory(format) => {
                write!(
                    f,
                    "decoding the {} would take more memory than is allowed",
                    format.name()
                )
            }
            Self::TookTooLong { time_ms_max } => {
                write!(f, "decoding took longer than {time_ms_max} ms")
            }
            Self::WorkerDied => {
                write!(
                    f,
                    "the decoder died on it (out of memory, a forbidden system call, or a crash)"
                )
            }
            Self::CorruptVideo => write!(f, "it gives no frame: not a video, or a damaged one"),
            Self::NoVideoStream => write!(f, "it has no video stream"),
            Self::NoVideoTools => write!(
                f,
                "videos need ffmpeg, which isn't installed here (Debian: apt install ffmpeg)"
            ),
            Self::Interrupted => {
                write!(f, "the decoder was killed from outside; try again")
            }
            Self::NoWorker => write!(f, "no decoder could be started; see the log"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
