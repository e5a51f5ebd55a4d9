//! What reviewers see of a file, made from its decoded pixels: their browser never decodes a file
//! that an uploader made.
//!
//! [`blurred`] is small, grey and blurred: enough to see which file it is, and no more. It shows
//! less detail, and is meant as comfort: studies disagree whether it protects. It never counts as a
//! view in a report. [`sheet`] has frames of a video or animation, small and grey, and counts as a
//! view of a part. [`whole`] has every pixel of a picture.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, GrayImage, ImageEncoder as _, ImageFormat, imageops};
use obhut_decode::{Colour, Container, DecodeOptions, Format, Picture, Pool, Sampling, Unreadable};

/// Cells along the longer side: shapes remain, faces don't. Our judgement.
const CELLS_MAX: u32 = 24;
/// Pixels along the longer side of the rendition. Our judgement.
const SIDE_MAX: u32 = 256;

/// A PNG of the picture, of the first frame of an animation, or of a video's first frame.
///
/// # Errors
/// Why the file has no pixels to show.
pub fn blurred(pool: &Pool, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut made: Option<GrayImage> = None;
    match (Container::of(bytes), Format::of(bytes)) {
        (Some(_), _) => {
            pool.video_bytes(bytes, Sampling::FourASecond, &mut |frame| {
                made = Some(blur(frame.width, frame.height, |at| frame.luma[at]));
                false
            })?;
        }
        (None, Some(format)) if format.may_move() => {
            pool.frames(bytes, &mut |picture: &Picture| {
                made = Some(of_picture(picture));
                false
            })?;
        }
        _ => {
            let options = DecodeOptions {
                upright: true,
                fast: true,
            };
            made = Some(of_picture(&pool.decode_with(bytes, options)?));
        }
    }
    Ok(png(&made.ok_or(Unreadable::UnknownFormat)?))
}

/// A PNG with every pixel of a picture, upright; `None` for a video or an animation, of which no one
/// picture is the whole.
///
/// # Errors
/// Why the file has no pixels to show.
pub fn whole(pool: &Pool, bytes: &[u8]) -> Result<Option<Vec<u8>>, Unreadable> {
    if Container::of(bytes).is_some() {
        return Ok(None);
    }
    let picture = match Format::of(bytes) {
        Some(format) if format.may_move() => {
            let mut frames = Vec::new();
            pool.frames(bytes, &mut |picture: &Picture| {
                frames.push(picture.clone());
                // A second one is enough to know that it moves.
                frames.len() < 2
            })?;
            if frames.len() > 1 {
                return Ok(None);
            }
            frames.pop().ok_or(Unreadable::UnknownFormat)?
        }
        _ => {
            let options = DecodeOptions {
                upright: true,
                fast: false,
            };
            pool.decode_with(bytes, options)?
        }
    };
    let colour = match picture.colour {
        Colour::Grey => ExtendedColorType::L8,
        Colour::Rgb => ExtendedColorType::Rgb8,
    };
    let mut png = Vec::new();
    // Fast: a reviewer waits for it, and it isn't kept.
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Sub)
        .write_image(&picture.samples, picture.width, picture.height, colour)
        .expect("writing to memory does not fail");
    Ok(Some(png))
}

/// Frames on a contact sheet. Our judgement: a person takes them in at a glance.
const SHEET_FRAMES_MAX: usize = 16;
/// Frames in a row of the sheet.
const SHEET_COLUMNS: u32 = 4;
/// Pixels along the longer side of a frame on the sheet. Our judgement.
const SHEET_SIDE_MAX: u32 = 240;

/// A PNG with up to 16 grey frames of a video or animation, evenly spaced from its beginning to its
/// end, in rows of four.
///
/// # Errors
/// Why the file has no frames to show.
pub fn sheet(pool: &Pool, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut frames = Spaced::default();
    if Container::of(bytes).is_some() {
        pool.video_bytes(bytes, Sampling::FourASecond, &mut |frame| {
            frames.offer(|| grey(frame.width, frame.height, |at| frame.luma[at]));
            true
        })?;
    } else {
        pool.frames(bytes, &mut |picture: &Picture| {
            frames.offer(|| grey(picture.width, picture.height, |at| luma_at(picture, at)));
            true
        })?;
    }
    let first = frames.kept.first().ok_or(Unreadable::UnknownFormat)?;
    let (wide, high) = first.dimensions();
    let rows = (frames.kept.len() as u32).div_ceil(SHEET_COLUMNS);
    let columns = (frames.kept.len() as u32).min(SHEET_COLUMNS);
    let mut sheet = GrayImage::new(columns * wide, rows * high);
    for (number, frame) in (0_u32..).zip(&frames.kept) {
        let (column, row) = (number % SHEET_COLUMNS, number / SHEET_COLUMNS);
        imageops::replace(
            &mut sheet,
            frame,
            i64::from(column * wide),
            i64::from(row * high),
        );
    }
    Ok(png(&sheet))
}

/// Evenly spaced frames of a film whose length isn't known before its end: when there are twice too
/// many, every second one is dropped and only every second one is taken from then on.
struct Spaced {
    kept: Vec<GrayImage>,
    seen: usize,
    /// One of this many is taken.
    stride: usize,
}

impl Default for Spaced {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            seen: 0,
            stride: 1,
        }
    }
}

impl Spaced {
    fn offer(&mut self, frame: impl FnOnce() -> GrayImage) {
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() == SHEET_FRAMES_MAX {
                let mut number = 0;
                self.kept.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.stride *= 2;
            }
            if self.seen.is_multiple_of(self.stride) {
                self.kept.push(frame());
            }
        }
        self.seen += 1;
    }
}

fn grey(width: u32, height: u32, luma: impl Fn(usize) -> u8) -> GrayImage {
    let (wide, high) = within(width, height, SHEET_SIDE_MAX);
    averaged(width, height, (wide, high), luma)
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    picture
        .write_to(&mut png, ImageFormat::Png)
        .expect("writing to memory does not fail");
    png.into_inner()
}

fn luma_at(picture: &Picture, at: usize) -> u8 {
    match picture.colour {
        Colour::Grey => picture.samples[at],
        // ITU-R BT.601, in integers: 77 + 150 + 29 = 256.
        Colour::Rgb => {
            let of = |channel: usize| u32::from(picture.samples[3 * at + channel]);
            ((77 * of(0) + 150 * of(1) + 29 * of(2)) >> 8) as u8
        }
    }
}

fn of_picture(picture: &Picture) -> GrayImage {
    blur(picture.width, picture.height, |at| luma_at(picture, at))
}

/// Averages of cells, enlarged smoothly. `luma` gives a pixel by its index, row by row from the
/// top.
fn blur(width: u32, height: u32, luma: impl Fn(usize) -> u8) -> GrayImage {
    let cells = averaged(width, height, within(width, height, CELLS_MAX), luma);
    let (wide, high) = within(width, height, SIDE_MAX);
    imageops::resize(&cells, wide, high, imageops::FilterType::Triangle)
}

/// The picture reduced to `across` by `down` pixels, each the average of those it covers.
fn averaged(
    width: u32,
    height: u32,
    (across, down): (u32, u32),
    luma: impl Fn(usize) -> u8,
) -> GrayImage {
    GrayImage::from_fn(across, down, |x, y| {
        let (left, right) = span(x, across, width);
        let (top, bottom) = span(y, down, height);
        let mut sum = 0_u64;
        for row in top..bottom {
            for column in left..right {
                sum += u64::from(luma(row as usize * width as usize + column as usize));
            }
        }
        let pixels = u64::from(right - left) * u64::from(bottom - top);
        image::Luma([(sum / pixels) as u8])
    })
}

/// Sides in the same proportion, the longer one at most `max`, each at least 1.
fn within(width: u32, height: u32, max: u32) -> (u32, u32) {
    let longer = u64::from(width.max(height)).max(1);
    let max = u64::from(max).min(longer);
    let side = |of: u32| ((u64::from(of) * max / longer) as u32).max(1);
    (side(width), side(height))
}

/// The pixels of a cell, first and one past the last. Never empty, because there are no more cells
/// than pixels.
fn span(cell: u32, cells: u32, pixels: u32) -> (u32, u32) {
    let place = |of: u32| (u64::from(of) * u64::from(pixels) / u64::from(cells)) as u32;
    (place(cell), place(cell + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendition_keeps_proportions_and_loses_detail() {
        for ((width, height), expected) in [
            ((4_000, 2_000), (256, 128)),
            ((2_000, 4_000), (128, 256)),
            ((10, 5), (10, 5)),
            ((1, 1), (1, 1)),
            ((100_000, 1), (256, 1)),
        ] {
            // A chessboard of single pixels: nothing of it may be left.
            let of = |at: usize| {
                let (x, y) = (at % width as usize, at / width as usize);
                if (x + y) % 2 == 0 { 255 } else { 0 }
            };
            let small = blur(width, height, of);
            assert_eq!(small.dimensions(), expected);
            if width.min(height) >= 2_000 {
                assert!(small.pixels().all(|p| p.0[0].abs_diff(127) <= 4));
            }
        }
    }

    #[test]
    fn frames_on_a_sheet_are_spaced_evenly() {
        for (frames, first, last, stride) in [
            (1, 0, 0, 1),
            (16, 0, 15, 1),
            (17, 0, 16, 2),
            (100, 0, 96, 8),
        ] {
            let mut spaced = Spaced::default();
            for number in 0..frames {
                spaced.offer(|| GrayImage::from_pixel(1, 1, image::Luma([number])));
            }
            let kept: Vec<u8> = spaced.kept.iter().map(|f| f.get_pixel(0, 0).0[0]).collect();
            assert_eq!((kept[0], *kept.last().unwrap()), (first, last), "{kept:?}");
            assert!(kept.windows(2).all(|w| w[1] - w[0] == stride), "{kept:?}");
            assert!(kept.len() <= SHEET_FRAMES_MAX);
        }
    }

    #[test]
    fn light_and_dark_halves_stay_where_they_were() {
        let small = blur(640, 480, |at| if at % 640 < 320 { 20 } else { 200 });
        assert!(small.get_pixel(20, 96).0[0] < 40 && small.get_pixel(236, 96).0[0] > 180);
    }
}
