//! A file's bytes to pixels; runs inside the worker.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use turbojpeg::{Colorspace, Decompressor, PixelFormat};

use crate::{Format, Picture, Unreadable};

/// Scans of a progressive JPEG; more than this is an attack on time.
const JPEG_SCANS_MAX: u32 = 500;

/// Decodes one file. With `upright` the EXIF orientation is applied, otherwise only reported.
pub(crate) fn decode(
    bytes: &[u8],
    pixels_max: u64,
    alloc_bytes_max: u64,
    upright: bool,
) -> Result<Picture, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    let format = Format::of(bytes).ok_or(Unreadable::UnknownFormat)?;
    let mut picture = match format {
        Format::Jpeg => jpeg(bytes, pixels_max)?,
        _ => other(bytes, format, pixels_max, alloc_bytes_max)?,
    };
    picture.orientation = orientation(bytes);
    if upright {
        turn_upright(&mut picture);
    }
    Ok(picture)
}

fn check_pixels(width: u64, height: u64, pixels_max: u64) -> Result<(), Unreadable> {
    let pixels = width.saturating_mul(height);
    if pixels > pixels_max {
        return Err(Unreadable::TooManyPixels { pixels, pixels_max });
    }
    Ok(())
}

/// libjpeg-turbo with its defaults: exact DCT and smooth upsampling, as Pillow decodes.
fn jpeg(bytes: &[u8], pixels_max: u64) -> Result<Picture, Unreadable> {
    let corrupt = |_| Unreadable::Corrupt(Format::Jpeg);
    let mut decompressor = Decompressor::new().map_err(corrupt)?;
    let header = decompressor
        .read_header(bytes)
        .map_err(|_| jpeg_header_fault(bytes))?;
    check_pixels(header.width as u64, header.height as u64, pixels_max)?;
    decompressor
        .set_scan_limit(JPEG_SCANS_MAX)
        .map_err(corrupt)?;

    let cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let format = if cmyk {
        PixelFormat::CMYK
    } else {
        PixelFormat::RGB
    };
    let pitch = header.width * format.size();
    let mut pixels = vec![0; pitch * header.height];
    let target = turbojpeg::Image {
        pixels: pixels.as_mut_slice(),
        width: header.width,
        pitch,
        height: header.height,
        format,
    };
    let damaged = match decompressor.decompress(bytes, target) {
        Ok(()) => false,
        Err(turbojpeg::Error::TurboJpegError(message)) => jpeg_warning(&message)?,
        Err(_) => return Err(Unreadable::Corrupt(Format::Jpeg)),
    };
    let rgb = if cmyk {
        cmyk_to_rgb(&pixels, has_adobe_marker(bytes))
    } else {
        pixels
    };
    Ok(Picture {
        format: Format::Jpeg,
        width: header.width as u32,
        height: header.height as u32,
        rgb,
        orientation: None,
        damaged,
    })
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

/// libjpeg fills in and goes on after a warning; pixels are there. Says whether some are invented.
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
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = bytes.get(at..at + 4) {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        match marker {
            0xee if bytes.get(at + 4..at + 9) == Some(b"Adobe") => return true,
            0xda => return false,
            _ => at += 2 + len,
        }
    }
    false
}

fn cmyk_to_rgb(cmyk: &[u8], inverted: bool) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(cmyk.len() / 4 * 3);
    for p in cmyk.chunks_exact(4) {
        let light = |v: u8| u32::from(if inverted { v } else { 255 - v });
        let k = light(p[3]);
        rgb.extend([p[0], p[1], p[2]].map(|v| ((light(v) * k + 127) / 255) as u8));
    }
    rgb
}

fn other(
    bytes: &[u8],
    format: Format,
    pixels_max: u64,
    alloc_bytes_max: u64,
) -> Result<Picture, Unreadable> {
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
    limits.max_alloc = Some(alloc_bytes_max);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image_format);
    // The header is read first, with a limit of its own, so that a bomb is named as one.
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fault)?;
    let (width, height) = decoder.dimensions();
    check_pixels(width.into(), height.into(), pixels_max)?;
    decoder.set_limits(limits).map_err(fault)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(fault)?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(Unreadable::Corrupt(format));
    }
    let rgb = picture.into_rgb8();
    Ok(Picture {
        format,
        width: rgb.width(),
        height: rgb.height(),
        rgb: rgb.into_raw(),
        orientation: None,
        damaged: false,
    })
}

/// What a PNG's header says, even where it is more than any decoder takes.
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

/// Applies the EXIF orientation, so that the picture lies as a viewer shows it.
fn turn_upright(picture: &mut Picture) {
    let orientation = picture.orientation.unwrap_or(1);
    if orientation == 1 {
        return;
    }
    let (w, h) = (picture.width as usize, picture.height as usize);
    let swap = orientation >= 5;
    let (out_w, out_h) = if swap { (h, w) } else { (w, h) };
    let mut out = Vec::with_capacity(picture.rgb.len());
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
            out.extend_from_slice(&picture.rgb[(from_y * w + from_x) * 3..][..3]);
        }
    }
    picture.rgb = out;
    (picture.width, picture.height) = (out_w as u32, out_h as u32);
}
