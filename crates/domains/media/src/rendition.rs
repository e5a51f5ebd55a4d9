//! A small, grey, blurred rendition of a picture or video: enough to see which file it is, and no more.
//!
//! A grey, blurred picture shows reviewers less detail, and so harms them less. A person who has to
//! decide looks at the file itself afterwards; a rendition never counts as a view in a report.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, imageops};
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
    let small = made.ok_or(Unreadable::UnknownFormat)?;
    let mut png = Cursor::new(Vec::new());
    small
        .write_to(&mut png, ImageFormat::Png)
        .expect("writing to memory does not fail");
    Ok(png.into_inner())
}

fn of_picture(picture: &Picture) -> GrayImage {
    let samples = &picture.samples;
    match picture.colour {
        Colour::Grey => blur(picture.width, picture.height, |at| samples[at]),
        // ITU-R BT.601, in integers: 77 + 150 + 29 = 256.
        Colour::Rgb => blur(picture.width, picture.height, |at| {
            let of = |channel: usize| u32::from(samples[3 * at + channel]);
            ((77 * of(0) + 150 * of(1) + 29 * of(2)) >> 8) as u8
        }),
    }
}

/// Averages of cells, enlarged smoothly. `luma` gives a pixel by its index, row by row from the
/// top.
fn blur(width: u32, height: u32, luma: impl Fn(usize) -> u8) -> GrayImage {
    let (across, down) = within(width, height, CELLS_MAX);
    let cells = GrayImage::from_fn(across, down, |x, y| {
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
    });
    let (wide, high) = within(width, height, SIDE_MAX);
    imageops::resize(&cells, wide, high, imageops::FilterType::Triangle)
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
    fn light_and_dark_halves_stay_where_they_were() {
        let small = blur(640, 480, |at| if at % 640 < 320 { 20 } else { 200 });
        assert!(small.get_pixel(20, 96).0[0] < 40 && small.get_pixel(236, 96).0[0] > 180);
    }
}
