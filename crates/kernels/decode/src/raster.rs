//! Turns a file's bytes into pixels; runs inside the worker.

use std::io::{self, Cursor};

use image::{
    AnimationDecoder as _, DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader,
};
use turbojpeg::{Colorspace, Decompressor, PixelFormat, ScalingFactor};

use crate::wire::Head;
use crate::{Colour, DecodeOptions, Format, Unreadable};

/// Most scans of a progressive JPEG. A file with more is refused, because every scan costs time.
/// Our judgement: encoders write about ten, optimisers up to twenty. 490 scans of 115 kB took five
/// seconds.
const JPEG_SCANS_MAX: u32 = 64;

/// Most frames of one animation that are passed on. A longer animation is marked as damaged rather
/// than silently shortened. Our judgement.
const FRAMES_MAX: u32 = 2_000;
/// Most pixels of all frames of one animation together; a longer one is marked as damaged. Our
/// judgement: 129 frames of 1920 × 1080, 1,000 of 500 × 500. Without it, 46 kB of GIF occupied a
/// worker for 20 seconds, and 10 kB of WebP for 14.
const ANIMATION_PIXELS_MAX: u64 = 1 << 28;
/// Shortest side that a fast decoding leaves, in pixels. Our judgement.
const FAST_SIDE_MIN: usize = 512;

/// A file, and what it may cost.
pub(crate) struct Job<'a> {
    pub bytes: &'a [u8],
    pub pixels_max: u64,
    pub alloc_bytes_max: u64,
    pub options: DecodeOptions,
}

/// Why decoding failed: the file, or a parent that has exited.
pub(crate) enum Fault {
    Unreadable(Unreadable),
    Parent(io::Error),
}

impl From<Unreadable> for Fault {
    fn from(reason: Unreadable) -> Self {
        Self::Unreadable(reason)
    }
}

impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Self {
        Self::Parent(e)
    }
}

/// Decodes one file into `output`; of an animation, only the first frame.
pub(crate) fn decode(job: &Job<'_>, output: &mut [u8]) -> Result<Head, Fault> {
    Ok(first(job, output)?)
}

fn first(job: &Job<'_>, output: &mut [u8]) -> Result<Head, Unreadable> {
    if job.bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    let format = Format::of(job.bytes).ok_or(Unreadable::UnknownFormat)?;
    let mut head = match format {
        Format::Jpeg => jpeg(job, output)?,
        _ => other(job, format, output)?,
    };
    head.orientation = orientation(job.bytes);
    if job.options.upright {
        turn_upright(&mut head, output);
    }
    Ok(head)
}

/// Passes each frame of an animation, as a complete picture, to `give`. A still picture is passed
/// once.
///
/// The first frame is decoded as in [`decode`], so that its digests are the same.
pub(crate) fn frames(
    job: &Job<'_>,
    output: &mut [u8],
    give: &mut dyn FnMut(Head) -> io::Result<bool>,
) -> Result<(), Fault> {
    let mut head = first(job, output)?;
    let Some(frames) = animation(job, head.format) else {
        give(head)?;
        return Ok(());
    };
    head.more = true;
    if !give(head)? {
        return Ok(());
    }
    // Each answer says whether another frame follows, so one frame is always read ahead.
    let mut last: Option<image::RgbaImage> = None;
    let mut damaged = false;
    let given = usize::from(head.format != Format::Png || !is_beside_its_animation(job.bytes));
    for (number, frame) in frames.enumerate().skip(given) {
        // The frame beyond the limit is never given, so the one before it carries the mark.
        let pixels = (number as u64 + 1).saturating_mul(head.pixels());
        if number as u32 >= FRAMES_MAX || pixels > ANIMATION_PIXELS_MAX {
            damaged = true;
            break;
        }
        match frame {
            Ok(frame) => {
                if let Some(ready) = last.replace(frame.into_buffer())
                    && !give(rgba(&ready, head, true, false, output)?)?
                {
                    return Ok(());
                }
            }
            Err(_) => {
                damaged = true;
                break;
            }
        }
    }
    // If no second frame comes, the first is given again, marked as the last.
    match last {
        Some(last) => give(rgba(&last, head, false, damaged, output)?)?,
        None => give(Head {
            more: false,
            damaged: damaged || head.damaged,
            ..head
        })?,
    };
    Ok(())
}

/// True if a PNG's default image isn't a frame of its animation: then the first frame that viewers
/// show is another picture. A frame that is the default image has its control chunk before the data
/// (APNG specification, "Structure").
fn is_beside_its_animation(png: &[u8]) -> bool {
    // After the signature: length, type, data and checksum of each chunk.
    let mut rest = png.get(8..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        match &head[4..] {
            b"fcTL" => return false,
            b"IDAT" => return true,
            _ => {}
        }
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        rest = after.get(length.saturating_add(4)..).unwrap_or_default();
    }
    false
}

fn animation<'a>(job: &Job<'a>, format: Format) -> Option<image::Frames<'a>> {
    let from = Cursor::new(job.bytes);
    let mut limits = image::Limits::default();
    // The decoder's own default would be 512 MiB, whatever this worker may use.
    limits.max_alloc = Some(job.alloc_bytes_max);
    match format {
        Format::Gif => {
            let mut decoder = image::codecs::gif::GifDecoder::new(from).ok()?;
            decoder.set_limits(limits).ok()?;
            Some(decoder.into_frames())
        }
        Format::WebP => {
            let mut decoder = image::codecs::webp::WebPDecoder::new(from).ok()?;
            decoder.set_limits(limits).ok()?;
            decoder.has_animation().then(|| decoder.into_frames())
        }
        Format::Png => {
            let decoder = image::codecs::png::PngDecoder::with_limits(from, limits).ok()?;
            let animated = decoder.is_apng().ok()?;
            animated.then(|| Some(decoder.apng().ok()?.into_frames()))?
        }
        _ => None,
    }
}

/// A frame's pixels without their transparency.
fn rgba(
    frame: &image::RgbaImage,
    head: Head,
    more: bool,
    damaged: bool,
    output: &mut [u8],
) -> Result<Head, Unreadable> {
    let pixels = u64::from(frame.width()) * u64::from(frame.height());
    let (out, _) = output.as_chunks_mut::<3>();
    // A decoder may return another size than the header announced.
    if pixels == 0 || pixels > out.len() as u64 {
        return Err(Unreadable::Corrupt(head.format));
    }
    for (to, from) in out.iter_mut().zip(frame.as_raw().as_chunks::<4>().0) {
        to.copy_from_slice(&from[..3]);
    }
    Ok(Head {
        width: frame.width(),
        height: frame.height(),
        colour: Colour::Rgb,
        more,
        damaged,
        ..head
    })
}

fn check_pixels(width: u64, height: u64, pixels_max: u64) -> Result<(), Unreadable> {
    let pixels = width.saturating_mul(height);
    if pixels > pixels_max {
        return Err(Unreadable::TooManyPixels { pixels, pixels_max });
    }
    Ok(())
}

/// Decodes with libjpeg-turbo's defaults, exact DCT and smooth upsampling, as Pillow does. With the
/// fast option it decodes only the luma, which the DCT scales down at no extra cost.
fn jpeg(job: &Job<'_>, output: &mut [u8]) -> Result<Head, Unreadable> {
    let bytes = job.bytes;
    let corrupt = |_| Unreadable::Corrupt(Format::Jpeg);
    let mut decompressor = Decompressor::new().map_err(corrupt)?;
    let header = decompressor
        .read_header(bytes)
        .map_err(|_| jpeg_header_fault(bytes))?;
    // Before a byte of pixels is allocated or written.
    check_pixels(header.width as u64, header.height as u64, job.pixels_max)?;
    decompressor
        .set_scan_limit(JPEG_SCANS_MAX)
        .map_err(corrupt)?;

    let cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let (mut width, mut height) = (header.width, header.height);
    let (format, colour) = match (cmyk, job.options.fast) {
        // libjpeg converts CMYK to nothing else, so the fast option has no effect here.
        (true, _) => (PixelFormat::CMYK, Colour::Rgb),
        (false, true) => {
            let factor = fast_factor(width.min(height));
            decompressor.set_scaling_factor(factor).map_err(corrupt)?;
            (width, height) = (factor.scale(width), factor.scale(height));
            (PixelFormat::GRAY, Colour::Grey)
        }
        (false, false) => (PixelFormat::RGB, Colour::Rgb),
    };
    let pitch = width * format.size();
    let mut inks = Vec::new();
    let pixels = if cmyk {
        // Four bytes a pixel: one more than the shared memory has room for.
        inks.resize(pitch * height, 0);
        inks.as_mut_slice()
    } else {
        // Otherwise the missing part of a damaged file would show the previous picture.
        let pixels = &mut output[..pitch * height];
        pixels.fill(0);
        pixels
    };
    let target = turbojpeg::Image {
        pixels,
        width,
        pitch,
        height,
        format,
    };
    let damaged = match decompressor.decompress(bytes, target) {
        Ok(()) => false,
        // turbojpeg reports warnings as errors; only the message distinguishes them.
        Err(turbojpeg::Error::TurboJpegError(message)) => jpeg_warning(&message)?,
        Err(_) => return Err(Unreadable::Corrupt(Format::Jpeg)),
    };
    if cmyk {
        cmyk_to_rgb(&inks, has_adobe_marker(bytes), output);
    }
    Ok(Head {
        format: Format::Jpeg,
        colour,
        width: width as u32,
        height: height as u32,
        orientation: None,
        damaged,
        more: false,
    })
}

/// The smallest scale of the DCT that keeps the shortest side at [`FAST_SIDE_MIN`] or more; never
/// above 1.
fn fast_factor(side: usize) -> ScalingFactor {
    // The side is its own lower bound: a small picture is never scaled down.
    Decompressor::supported_scaling_factors()
        .into_iter()
        .filter(|f| f.num() <= f.denom() && f.scale(side) >= FAST_SIDE_MIN.min(side))
        .min_by_key(|f| f.scale(side))
        .unwrap_or(ScalingFactor::ONE)
}

fn jpeg_header_fault(bytes: &[u8]) -> Unreadable {
    // A JPEG without a start-of-scan marker was cut off in its header.
    let has_scan = bytes.windows(2).any(|w| w == [0xff, 0xda]);
    if has_scan {
        Unreadable::Corrupt(Format::Jpeg)
    } else {
        Unreadable::Truncated(Format::Jpeg)
    }
}

/// True if libjpeg filled in missing data and continued after a warning. It reports only its first
/// warning, so a harmless one can hide damage that follows.
fn jpeg_warning(message: &str) -> Result<bool, Unreadable> {
    const HARMLESS: [&str; 4] = [
        "extraneous bytes before marker",
        "Warning: unknown JFIF revision",
        "Invalid SOS parameters for sequential JPEG",
        "Unknown Adobe color transform code",
    ];
    const FILLED_IN: [&str; 3] = [
        "Premature end of JPEG",
        "Corrupt JPEG data",
        "Inconsistent progression",
    ];
    // These first: "Corrupt JPEG data: 3 extraneous bytes before marker" matches both lists.
    if HARMLESS.iter().any(|w| message.contains(w)) {
        Ok(false)
    } else if FILLED_IN.iter().any(|w| message.contains(w)) {
        Ok(true)
    } else {
        Err(Unreadable::Corrupt(Format::Jpeg))
    }
}

/// Adobe's encoders store CMYK inverted, and say so by their APP14 marker.
fn has_adobe_marker(bytes: &[u8]) -> bool {
    // After the start-of-image marker, two bytes long.
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = bytes.get(at..at + 4) {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        match marker {
            0xee if bytes.get(at + 4..at + 9) == Some(b"Adobe") => return true,
            // Start of scan: the header ends here.
            0xda => return false,
            _ => at += 2 + len,
        }
    }
    false
}

fn cmyk_to_rgb(cmyk: &[u8], inverted: bool, output: &mut [u8]) {
    let (inks, _) = cmyk.as_chunks::<4>();
    for (out, p) in output.as_chunks_mut::<3>().0.iter_mut().zip(inks) {
        let light = |v: u8| u32::from(if inverted { v } else { 255 - v });
        let k = light(p[3]);
        // Plus 127 rounds to the nearest.
        *out = [p[0], p[1], p[2]].map(|v| ((light(v) * k + 127) / 255) as u8);
    }
}

fn other(job: &Job<'_>, format: Format, output: &mut [u8]) -> Result<Head, Unreadable> {
    let (bytes, pixels_max) = (job.bytes, job.pixels_max);
    let fault = |e: ImageError| match e {
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Unreadable::Truncated(format)
        }
        // Several decoders wrap the end of input in their own error.
        ref e if e.to_string().to_lowercase().contains("unexpected end") => {
            Unreadable::Truncated(format)
        }
        ImageError::Unsupported(_) => Unreadable::Unsupported(format),
        ImageError::Limits(_) => Unreadable::TooMuchMemory(format),
        _ => Unreadable::Corrupt(format),
    };
    // PNG alone: its decoder refuses huge sides before it reports them.
    if let Some((width, height)) = png_size(bytes) {
        check_pixels(width.into(), height.into(), pixels_max)?;
    }
    let image_format = match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::WebP => ImageFormat::WebP,
        Format::Bmp => ImageFormat::Bmp,
        Format::Tiff => ImageFormat::Tiff,
    };
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(job.alloc_bytes_max);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image_format);
    // The header is read and checked before any pixels, so that a decompression bomb is reported as
    // too many pixels.
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fault)?;
    let (width, height) = decoder.dimensions();
    check_pixels(width.into(), height.into(), pixels_max)?;
    decoder.set_limits(limits).map_err(fault)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(fault)?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(Unreadable::Corrupt(format));
    }
    // Drops alpha without blending, as Pillow's `convert("RGB")` does.
    let rgb = picture.into_rgb8();
    // The checked size is the header's; a decoder that returns more must not panic here.
    let samples = output
        .get_mut(..rgb.as_raw().len())
        .ok_or(Unreadable::Corrupt(format))?;
    samples.copy_from_slice(rgb.as_raw());
    Ok(Head {
        format,
        colour: Colour::Rgb,
        width: rgb.width(),
        height: rgb.height(),
        orientation: None,
        damaged: false,
        more: false,
    })
}

/// Width and height as a PNG's header states them, even if no decoder accepts them.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes
        .strip_prefix(b"\x89PNG\r\n\x1a\n")?
        .get(4..16)?
        .strip_prefix(b"IHDR")?;
    let (width, height) = header.split_first_chunk::<4>()?;
    Some((
        u32::from_be_bytes(*width),
        u32::from_be_bytes(*height.first_chunk()?),
    ))
}

fn orientation(bytes: &[u8]) -> Option<u8> {
    let mut reader = exif::Reader::new();
    // A broken field must not hide the orientation.
    reader.continue_on_error(true);
    let read = reader
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|e| e.distill_partial_result(|_| ()))
        .ok()?;
    let field = read.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?;
    field
        .value
        .get_uint(0)
        .filter(|v| (1..=8).contains(v))
        .map(|v| v as u8)
}

/// Applies the EXIF orientation, so that the picture has the orientation a viewer shows.
fn turn_upright(head: &mut Head, output: &mut [u8]) {
    let orientation = head.orientation.unwrap_or(1);
    if orientation == 1 {
        return;
    }
    let (w, h) = (head.width as usize, head.height as usize);
    let channels = head.colour.channels();
    // A copy, because turning in place would overwrite what is still to be read.
    let stored = output[..w * h * channels].to_vec();
    // 5 to 8 exchange the sides (EXIF).
    let swap = orientation >= 5;
    let (out_w, out_h) = if swap { (h, w) } else { (w, h) };
    let mut places = output.chunks_exact_mut(channels);
    for y in 0..out_h {
        for x in 0..out_w {
            let (from_x, from_y) = match orientation {
                2 => (w - 1 - x, y),
                3 => (w - 1 - x, h - 1 - y),
                4 => (x, h - 1 - y),
                5 => (y, x),
                6 => (y, h - 1 - x),
                7 => (w - 1 - y, h - 1 - x),
                _ => (w - 1 - y, x),
            };
            let from = &stored[(from_y * w + from_x) * channels..][..channels];
            if let Some(place) = places.next() {
                place.copy_from_slice(from);
            }
        }
    }
    (head.width, head.height) = (out_w as u32, out_h as u32);
}
