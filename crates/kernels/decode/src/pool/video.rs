//! Turns videos into frames of luma, with ffmpeg in its own sandbox.
//!
//! ffprobe reports a video's width, height and frame rate. ffmpeg then decodes the video once and
//! hands over only the wanted frames, as luma, scaled down to at most a million pixels. Both are
//! started through the worker's program
//! ([`worker::VIDEO_ARGUMENT`](crate::worker::VIDEO_ARGUMENT)), which first gives up the network,
//! writing to files and, where the kernel has Landlock, every file but the video and the libraries.
//!
//! Frames are numbered from 0 in the order they are shown, and one a second means every
//! ⌊frames per second⌋th frame, as in Meta's vPDQ (facebook/ThreatExchange,
//! `vpdq/cpp/vpdq/cpp/hashing/filehasher.cpp`). As in vPDQ, rotation that the file asks for is not
//! applied.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Cancel, Until};
use crate::{Pool, Unreadable, worker};

/// Frames larger than this are scaled down to it, in pixels: PDQ keeps far less. Our judgement.
const FRAME_PIXELS_MAX: u64 = 1_000_000;
/// Longest wait for the next frame. Our judgement.
const STALL_MAX: Duration = Duration::from_secs(30);
/// Longest wait for ffprobe's answer, then for its exit; also its limit of CPU time. Our judgement.
const PROBE_MAX: Duration = Duration::from_secs(20);
/// At most this many bytes of ffprobe's answer are read, and the rest is ignored. A longer line of
/// ffmpeg's messages is read as several lines. Our judgement.
const LINE_BYTES_MAX: u64 = 4_096;
/// Demuxers a file may choose. None of them opens another file or address.
const DEMUXERS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf";

/// The programs of ffmpeg.
#[derive(Clone, Debug)]
pub struct VideoTools {
    /// `ffmpeg`.
    pub ffmpeg: PathBuf,
    /// `ffprobe`.
    pub ffprobe: PathBuf,
}

/// The container format of a video.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Container {
    /// ISO/IEC 14496-12 and QuickTime.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// Audio Video Interleave.
    Avi,
    /// MPEG-2 transport stream (ISO/IEC 13818-1).
    MpegTs,
    /// MPEG program stream, or a bare MPEG video stream.
    Mpeg,
    /// Flash video.
    Flv,
    /// Ogg.
    Ogg,
    /// Advanced Systems Format (WMV).
    Asf,
    /// Another format that ffmpeg can play; never detected by first bytes.
    Other,
}

impl Container {
    /// Detects the container from a file's first bytes; `None` if they don't begin a known video.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        /// Brands of picture files (HEIF, AVIF), which use the same boxes as MP4.
        const STILLS: [&[u8]; 10] = [
            b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif",
            b"avis",
        ];
        // Older QuickTime files have no `ftyp` and begin with another box.
        const BOXES: [&[u8]; 16] = [
            b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"sidx", b"uuid",
            b"pnot", b"moof", b"pdin", b"prft", b"emsg", b"meta", b"PICT",
        ];
        match bytes {
            [_, _, _, _, kind @ ..]
                if BOXES.iter().any(|b| kind.starts_with(b))
                    && !(kind.starts_with(b"ftyp")
                        && STILLS.iter().any(|s| kind[4..].starts_with(s))) =>
            {
                Some(Self::Mp4)
            }
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Some(Self::Matroska),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'A',
                b'V',
                b'I',
                b' ',
                ..,
            ] => Some(Self::Avi),
            // A pack header begins a program stream, a sequence header a bare video stream (MPEG).
            [0, 0, 1, 0xba, ..] | [0, 0, 1, 0xb3, ..] => Some(Self::Mpeg),
            [b'F', b'L', b'V', 1, ..] => Some(Self::Flv),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => Some(Self::Asf),
            // Packets are 188 bytes: one sync byte alone would be the letter G.
            [0x47, ..] if bytes.get(188) == Some(&0x47) && bytes.get(376) == Some(&0x47) => {
                Some(Self::MpegTs)
            }
            _ => None,
        }
    }

    /// The media type, as registered with IANA where it is.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Matroska => "video/matroska",
            Self::Avi => "video/vnd.avi",
            Self::MpegTs => "video/mp2t",
            Self::Mpeg => "video/mpeg",
            Self::Flv => "video/x-flv",
            Self::Ogg => "video/ogg",
            Self::Asf => "video/x-ms-asf",
            Self::Other => "application/octet-stream",
        }
    }
}

/// Which frames are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sampling {
    /// One a second.
    #[default]
    EverySecond,
    /// Four a second by their presentation times.
    FourASecond,
    /// All.
    EveryFrame,
    /// Keyframes only; the others are not even decoded.
    KeyFrames,
}

/// A frame, lent for one call.
#[derive(Clone, Copy)]
pub struct VideoFrame<'a> {
    /// Its number from 0 in the order shown. With [`Sampling::FourASecond`] and
    /// [`Sampling::KeyFrames`] it is computed from the presentation time. In a live stream it is
    /// the presentation time in whole seconds.
    pub number: u64,
    /// Seconds from the beginning: its number divided by the frames per second. With
    /// [`Sampling::FourASecond`] and in a live stream it is the presentation time.
    pub timestamp_s: f64,
    /// True for the first frame given of each second.
    pub whole_second: bool,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// One byte a pixel, rows from top to bottom, no padding.
    pub luma: &'a [u8],
}

/// The result of decoding a video.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VideoSeen {
    /// Frames that were given.
    pub frames: u64,
    /// True when part of the video is missing or broken, or was beyond a limit.
    pub damaged: bool,
}

/// What ffprobe says of the first video stream.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Stream {
    width: u32,
    height: u32,
    frames_per_second: f64,
}

impl Pool {
    /// Passes the wanted frames of a video file to `take`, in order, until `take` returns false.
    ///
    /// # Errors
    /// Why decoding failed; frames may have been passed to `take` before.
    pub fn video(
        &self,
        file: File,
        sampling: Sampling,
        take: &mut dyn FnMut(VideoFrame<'_>) -> bool,
    ) -> Result<VideoSeen, Unreadable> {
        let tools = self.video_tools().ok_or(Unreadable::NoVideoTools)?;
        // If ffprobe was killed from outside, try once more, as with pictures.
        let stream = match self.probe(tools, &file) {
            Err(Unreadable::Interrupted) if !self.cancel.is_cancelled() => {
                self.probe(tools, &file)?
            }
            answer => answer?,
        };
        let pixels = u64::from(stream.width) * u64::from(stream.height);
        let pixels_max = self.limits().image_pixels_max;
        if pixels > pixels_max {
            return Err(Unreadable::TooManyPixels { pixels, pixels_max });
        }
        let input = again(&file).map_err(|_| Unreadable::NoWorker)?;
        let mut taken = false;
        let mut first = |frame: VideoFrame<'_>| {
            taken = true;
            take(frame)
        };
        // By descriptor: the caller gives a handle, and its path may mean another file by now.
        let address = "file:/proc/self/fd/0";
        match self.decode_stream(tools, input, address, stream, sampling, &mut first) {
            // No frame was delivered yet, so starting over is invisible to the caller.
            Err(Unreadable::Interrupted) if !taken && !self.cancel.is_cancelled() => {
                let input = again(&file).map_err(|_| Unreadable::NoWorker)?;
                self.decode_stream(tools, input, address, stream, sampling, take)
            }
            answer => answer,
        }
    }

    /// Like [`Pool::video`], for bytes in memory.
    pub fn video_bytes(
        &self,
        bytes: &[u8],
        sampling: Sampling,
        take: &mut dyn FnMut(VideoFrame<'_>) -> bool,
    ) -> Result<VideoSeen, Unreadable> {
        let in_memory = || -> io::Result<File> {
            let mut file = File::from(memfd_create("obhut-video", MemfdFlags::CLOEXEC)?);
            io::Write::write_all(&mut file, bytes)?;
            Ok(file)
        };
        self.video(
            in_memory().map_err(|_| Unreadable::NoWorker)?,
            sampling,
            take,
        )
    }

    /// Passes one frame a second of a stream (MPEG-TS or fragmented MP4) to `take`. The stream
    /// comes through a pipe and may never end. Frames are scaled to `size`. Ends with the stream or
    /// when `take` returns false.
    ///
    /// # Errors
    /// No frame came for `stall_max`, even if earlier ones did; no frame could be decoded; or
    /// ffmpeg isn't configured, can't be started or was killed from outside.
    pub fn live(
        &self,
        stream: OwnedFd,
        size: (u32, u32),
        stall_max: Duration,
        take: &mut dyn FnMut(VideoFrame<'_>) -> bool,
    ) -> Result<VideoSeen, Unreadable> {
        let tools = self.video_tools().ok_or(Unreadable::NoVideoTools)?;
        // The size is given, so no ffprobe: a stream cannot be read twice.
        let (width, height) = size;
        let filter = format!(
            "select='isnan(prev_selected_t)+gte(t-prev_selected_t,1)',scale={width}:{height}:flags=area,format=gray,showinfo=checksum=0"
        );
        let before = ["-probesize", "500000"];
        // Zero: no limit on CPU time, because a stream may never end.
        let mut running = self
            .ffmpeg(tools, stream, &before, "pipe:0", &filter, 0)
            .map_err(|_| Unreadable::NoWorker)?;
        running.stall_max = stall_max;
        let number = |_: u64, shown_s: Option<f64>| {
            let at = shown_s.unwrap_or_default();
            (at as u64, at)
        };
        running.give((width, height), u64::MAX, true, number, take)
    }

    fn decode_stream(
        &self,
        tools: &VideoTools,
        input: OwnedFd,
        address: &str,
        stream: Stream,
        sampling: Sampling,
        take: &mut dyn FnMut(VideoFrame<'_>) -> bool,
    ) -> Result<VideoSeen, Unreadable> {
        let (width, height) = fitting(stream.width, stream.height);
        // Rounded down, as in vPDQ, but never below 1.
        let step = (stream.frames_per_second as u64).max(1);
        let mut filters = Vec::new();
        match sampling {
            Sampling::EverySecond => filters.push(format!("select='not(mod(n,{step}))'")),
            // By presentation time, whatever frame rate the header states. The 0.01 lets a time
            // that was rounded to just below a quarter of a second count for that quarter.
            Sampling::FourASecond => {
                filters.push("select='isnan(prev_selected_t)+gt(floor(4*t+0.01),floor(4*prev_selected_t+0.01))'".into());
            }
            Sampling::EveryFrame | Sampling::KeyFrames => {}
        }
        if (width, height) != (stream.width, stream.height) {
            filters.push(format!("scale={width}:{height}:flags=area"));
        }
        filters.push("format=gray".into());
        // Only these two need each frame's time; for the others the number follows from the count.
        let shown = matches!(sampling, Sampling::KeyFrames | Sampling::FourASecond);
        let mut before = Vec::new();
        if shown {
            filters.push("showinfo=checksum=0".into());
        }
        if sampling == Sampling::KeyFrames {
            before.extend(["-skip_frame", "nokey"]);
        }
        let running = self
            .ffmpeg(
                tools,
                input,
                &before,
                address,
                &filters.join(","),
                // Whole seconds, and never 0, which would be no limit.
                self.limits().video_time_max.as_secs().max(1),
            )
            .map_err(|_| Unreadable::NoWorker)?;
        let rate = stream.frames_per_second;
        let number = |k: u64, shown_s: Option<f64>| {
            let number = match (sampling, shown_s) {
                (Sampling::EverySecond, _) => k * step,
                (Sampling::KeyFrames | Sampling::FourASecond, Some(s)) => {
                    (s * rate).round().max(0.0) as u64
                }
                _ => k,
            };
            let at = match (sampling, shown_s) {
                (Sampling::FourASecond, Some(s)) => s.max(0.0),
                _ => number as f64 / rate,
            };
            (number, at)
        };
        running.give(
            (width, height),
            self.limits().video_frames_max,
            shown,
            number,
            take,
        )
    }

    fn probe(&self, tools: &VideoTools, file: &File) -> Result<Stream, Unreadable> {
        let input = again(file).map_err(|_| Unreadable::NoWorker)?;
        let entries = "stream=width,height,avg_frame_rate,r_frame_rate";
        let arguments = [
            "-threads",
            "1",
            "-v",
            "quiet",
            "-select_streams",
            "v:0",
            "-show_entries",
            entries,
            "-of",
            "default=noprint_wrappers=1",
            "-format_whitelist",
            DEMUXERS,
            "-protocol_whitelist",
            "file",
            "file:/proc/self/fd/0",
        ];
        let (ours, theirs) = UnixStream::pair().map_err(|_| Unreadable::NoWorker)?;
        let program = tools.ffprobe.as_os_str().to_owned();
        let seconds = PROBE_MAX.as_secs();
        let mut child = self
            .shut_in(program, seconds)
            .args(arguments)
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| Unreadable::NoWorker)?;
        // One deadline for all of it: a compromised ffprobe could send byte after byte.
        let mut answer = Vec::new();
        let until = Until {
            socket: &ours,
            until: Instant::now() + PROBE_MAX,
            cancel: &self.cancel,
        };
        let read = until.take(LINE_BYTES_MAX).read_to_end(&mut answer);
        if read.is_err() {
            let _ = child.kill();
            let _ = child.wait();
            if self.cancel.is_cancelled() {
                return Err(Unreadable::Interrupted);
            }
            return Err(Unreadable::TookTooLong {
                time_ms_max: PROBE_MAX.as_millis() as u64,
            });
        }
        // Closed, so that ffprobe cannot block on writing an answer longer than 4 KiB. An ffprobe
        // that then sleeps instead of exiting is killed: its CPU limit would not end it.
        drop(ours);
        let Some(status) = ended(&mut child, PROBE_MAX)? else {
            return Err(Unreadable::TookTooLong {
                time_ms_max: PROBE_MAX.as_millis() as u64,
            });
        };
        if status.signal() == Some(libc::SIGKILL) {
            return Err(Unreadable::Interrupted);
        }
        // Before the parsing, which would call the video damaged.
        if status.code() == Some(worker::NEVER_STARTED) {
            return Err(Unreadable::NoWorker);
        }
        let answer = String::from_utf8_lossy(&answer);
        parse_probe(&answer).ok_or_else(|| no_stream(&answer, status.success()))
    }

    fn shut_in(&self, program: OsString, cpu_seconds: u64) -> Command {
        let mut command = Command::new(self.program());
        command
            .arg(worker::VIDEO_ARGUMENT)
            .arg(self.limits().video_memory_bytes_max.to_string())
            .arg(cpu_seconds.to_string())
            .arg(program)
            .env_clear()
            .env("LC_ALL", "C");
        command
    }

    fn ffmpeg(
        &self,
        tools: &VideoTools,
        input: OwnedFd,
        before: &[&str],
        address: &str,
        filter: &str,
        cpu_seconds: u64,
    ) -> io::Result<Running> {
        // A socket, not a pipe, because only a socket has a read timeout.
        let (frames, theirs) = UnixStream::pair()?;
        let program = tools.ffmpeg.as_os_str().to_owned();
        // `passthrough`: ffmpeg must neither repeat nor drop a frame, or the numbers would shift.
        let mut child = self
            .shut_in(program, cpu_seconds)
            .args([
                "-hide_banner",
                "-nostdin",
                "-nostats",
                "-loglevel",
                "level+info",
            ])
            .args(["-threads", "1", "-filter_threads", "1", "-noautorotate"])
            .args([
                "-format_whitelist",
                DEMUXERS,
                "-protocol_whitelist",
                "file,pipe",
            ])
            .args(before)
            .args(["-i", address, "-map", "0:v:0", "-an", "-sn", "-dn"])
            .args([
                "-vf",
                filter,
                "-vsync",
                "passthrough",
                "-f",
                "rawvideo",
                "pipe:1",
            ])
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()?;
        // Stderr has its own thread: ffmpeg would block on it while we wait for pixels.
        let (send, said) = mpsc::channel();
        let words = BufReader::new(child.stderr.take().expect("piped"));
        thread::spawn(move || listen(words, &send));
        Ok(Running {
            child,
            frames,
            said,
            stall_max: STALL_MAX,
            cancel: self.cancel.clone(),
        })
    }
}

/// Reopens a file, to read it from its beginning: duplicated handles would share one offset.
fn again(file: &File) -> io::Result<OwnedFd> {
    // Through /proc, because a path may mean another file by now.
    let path = format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&file.as_fd())
    );
    Ok(File::open(path)?.into())
}

/// Width and height, scaled down in proportion to at most [`FRAME_PIXELS_MAX`] pixels.
fn fitting(width: u32, height: u32) -> (u32, u32) {
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= FRAME_PIXELS_MAX {
        return (width, height);
    }
    let factor = (FRAME_PIXELS_MAX as f64 / pixels as f64).sqrt();
    // Rounded down, to stay within the limit, but never to zero: a thin strip may then exceed it.
    let fit = |side: u32| ((f64::from(side) * factor) as u32).clamp(1, side);
    (fit(width), fit(height))
}

fn parse_probe(text: &str) -> Option<Stream> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    let rate = |name: &str| {
        let (top, bottom) = field(name)?.split_once('/')?;
        let rate = top.parse::<f64>().ok()? / bottom.parse::<f64>().ok()?;
        // ffprobe writes 0/0 where it does not know, which divides to NaN.
        Some(rate).filter(|r| r.is_finite() && *r > 0.0)
    };
    Some(Stream {
        width: field("width")?.parse().ok().filter(|v| *v > 0)?,
        height: field("height")?.parse().ok().filter(|v| *v > 0)?,
        // The average first: `r_frame_rate` is the lowest rate that can express every timestamp.
        frames_per_second: rate("avg_frame_rate").or_else(|| rate("r_frame_rate"))?,
    })
}

/// Why ffprobe's answer describes no stream. If it names one without a size, there is a picture
/// that can't be decoded, which differs from sound alone.
fn no_stream(answer: &str, succeeded: bool) -> Unreadable {
    let named = answer.lines().any(|l| l.starts_with("width="));
    match succeeded && !named {
        true => Unreadable::NoVideoStream,
        false => Unreadable::CorruptVideo,
    }
}

/// What ffmpeg says while it works.
enum FfmpegEvent {
    /// The time at which the next frame is shown, in seconds.
    Shown(f64),
    /// Something is broken.
    Error,
}

/// Reads ffmpeg's messages for frame times and errors. They may quote a hostile file, so they are
/// stored nowhere.
fn listen(mut words: BufReader<impl io::Read>, send: &mpsc::Sender<FfmpegEvent>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match words
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
        {
            Ok(n) if n > 0 => {}
            _ => return,
        }
        let line = String::from_utf8_lossy(&line);
        // ffmpeg prints the level because it runs with `level+`; our own failures print `[fatal]`
        // too.
        let said = if line.contains("[error]") || line.contains("[fatal]") {
            Some(FfmpegEvent::Error)
        } else if line.contains("Parsed_showinfo") {
            line.split_once("pts_time:")
                .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
                .map(FfmpegEvent::Shown)
        } else {
            None
        };
        // If the receiver is gone, keep reading, so that ffmpeg doesn't block on a full pipe.
        if let Some(said) = said {
            let _ = send.send(said);
        }
    }
}

/// ffmpeg at work.
struct Running {
    child: Child,
    frames: UnixStream,
    said: Receiver<FfmpegEvent>,
    stall_max: Duration,
    cancel: Cancel,
}

impl Running {
    fn give(
        mut self,
        (width, height): (u32, u32),
        frames_max: u64,
        shown: bool,
        number: impl Fn(u64, Option<f64>) -> (u64, f64),
        take: &mut dyn FnMut(VideoFrame<'_>) -> bool,
    ) -> Result<VideoSeen, Unreadable> {
        let mut luma = vec![0; width as usize * height as usize];
        let mut count = 0;
        let mut errors = false;
        let mut second = None;
        let stalled = Unreadable::TookTooLong {
            time_ms_max: self.stall_max.as_millis() as u64,
        };
        let mut at_limit = false;
        loop {
            // One deadline for a whole frame: a compromised ffmpeg could send byte after byte.
            let mut frame = Until {
                socket: &self.frames,
                until: Instant::now() + self.stall_max,
                cancel: &self.cancel,
            };
            match frame.read_exact(&mut luma) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
                // A timeout. Any other error is treated as one: no more frames will come.
                Err(_) => return Err(self.ended_by_cancel().unwrap_or(stalled)),
            }
            // ffmpeg prints a frame's presentation time before it writes the frame.
            let shown_s = match shown {
                true => self.next_shown(&mut errors).ok_or(stalled)?,
                false => None,
            };
            // Checked with one frame in hand: exactly as many as allowed is not damage.
            if count == frames_max {
                errors = true;
                at_limit = true;
                break;
            }
            let (number, timestamp_s) = number(count, shown_s);
            // The first frame of each second.
            let whole_second = second != Some(timestamp_s as u64);
            second = Some(timestamp_s as u64);
            count += 1;
            let frame = VideoFrame {
                number,
                timestamp_s,
                whole_second,
                width,
                height,
                luma: &luma,
            };
            // The caller has seen enough; dropping `self` ends ffmpeg.
            if !take(frame) {
                return Ok(VideoSeen {
                    frames: count,
                    damaged: errors,
                });
            }
        }
        if at_limit {
            let _ = self.child.kill();
        }
        let Some(status) = ended(&mut self.child, self.stall_max)? else {
            return Err(stalled);
        };
        // A kill at the frame limit was ours.
        if status.signal() == Some(libc::SIGKILL) && !at_limit {
            return Err(Unreadable::Interrupted);
        }
        // `iter` ends: the listener stops when ffmpeg does.
        errors |= self.said.iter().any(|s| matches!(s, FfmpegEvent::Error));
        // The exit status is an error only if no frame came: frames before a failure count, and the
        // video is reported as damaged.
        if count == 0 {
            return Err(match status.code() {
                Some(worker::NEVER_STARTED) => Unreadable::NoWorker,
                _ => Unreadable::CorruptVideo,
            });
        }
        Ok(VideoSeen {
            frames: count,
            damaged: errors || !status.success(),
        })
    }
}

impl Running {
    /// The time at which the next frame is shown; `Some(None)` if ffmpeg has ended, and the frame is
    /// given without its time; `None` if ffmpeg says nothing for too long.
    fn next_shown(&self, errors: &mut bool) -> Option<Option<f64>> {
        loop {
            match self.said.recv_timeout(self.stall_max) {
                Ok(FfmpegEvent::Shown(s)) => return Some(Some(s)),
                Ok(FfmpegEvent::Error) => *errors = true,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(None),
            }
        }
    }

    fn ended_by_cancel(&self) -> Option<Unreadable> {
        self.cancel
            .is_cancelled()
            .then_some(Unreadable::Interrupted)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pause between two checks of whether a child has ended. Our judgement: far shorter than starting
/// ffmpeg takes.
const ENDED_EVERY: Duration = Duration::from_millis(2);

/// The status of a child that is about to end; `None` if it didn't end within `time_max` and was
/// killed.
fn ended(child: &mut Child, time_max: Duration) -> Result<Option<ExitStatus>, Unreadable> {
    let until = Instant::now() + time_max;
    loop {
        let status = child.try_wait().map_err(|_| Unreadable::NoWorker)?;
        if status.is_some() {
            return Ok(status);
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        thread::sleep(ENDED_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffprobe_output_is_parsed_or_refused() {
        let good = "width=480\nheight=720\nr_frame_rate=30/1\navg_frame_rate=30000/1001\n";
        let stream = parse_probe(good).unwrap();
        assert_eq!((stream.width, stream.height), (480, 720));
        assert!((stream.frames_per_second - 29.97).abs() < 0.001);
        // ffprobe's way to say unknown.
        let fallback = good.replace("30000/1001", "0/0");
        assert_eq!(parse_probe(&fallback).unwrap().frames_per_second, 30.0);
        for bad in [
            "",
            "width=0\nheight=1\navg_frame_rate=1/1",
            "width=1\nheight=1\navg_frame_rate=0/0",
        ] {
            assert_eq!(parse_probe(bad), None, "{bad}");
        }
        // Regression: a damaged video counted as sound alone, and wasn't held.
        for (answer, succeeded, why) in [
            ("", true, Unreadable::NoVideoStream),
            ("", false, Unreadable::CorruptVideo),
            ("width=0\nheight=0\n", true, Unreadable::CorruptVideo),
        ] {
            assert_eq!(no_stream(answer, succeeded), why, "{answer}");
        }
    }

    #[test]
    fn frames_are_scaled_down_and_never_up() {
        assert_eq!(fitting(480, 720), (480, 720));
        let (w, h) = fitting(3840, 2160);
        assert!(
            u64::from(w) * u64::from(h) <= FRAME_PIXELS_MAX && w > 1_300,
            "{w}×{h}"
        );
        // Never zero: `scale=…:0` would mean something else to ffmpeg.
        assert_eq!(fitting(4_000_000_000, 1).1, 1);
    }

    #[test]
    fn containers_are_detected_by_content() {
        let name = |bytes: &[u8]| Container::of(bytes);
        assert_eq!(name(b"\0\0\0\x20ftypisom"), Some(Container::Mp4));
        // HEIC and AVIF use the same boxes as MP4, but are pictures.
        assert_eq!(name(b"\0\0\0\x20ftypheic"), None);
        assert_eq!(name(b"\0\0\0\x20ftypavif"), None);
        assert_eq!(name(b"\x1a\x45\xdf\xa3"), Some(Container::Matroska));
        assert_eq!(name(b"RIFF\0\0\0\0WEBP"), None);
        assert_eq!(name(b""), None);
        let mut ts = vec![0; 400];
        // Zeros alone: three sync bytes are what makes it a transport stream.
        assert_eq!(name(&ts), None);
        for at in [0, 188, 376] {
            ts[at] = 0x47;
        }
        assert_eq!(name(&ts), Some(Container::MpegTs));
    }
}
