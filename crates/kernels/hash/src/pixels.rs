//! Decoded pixels as the hash kinds take them: RGB or grey, eight bits a channel, rows from top to
//! bottom.

use std::fmt;

/// A borrowed picture: `height` rows of `width` pixels, without padding. A pixel has three bytes,
/// or one if the picture is grey.
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    width: u32,
    height: u32,
    samples: Row<'a>,
}

/// Pixels without gaps: one row, or the rows of a whole picture one after another.
#[derive(Clone, Copy)]
pub(crate) enum Row<'a> {
    Rgb(&'a [[u8; 3]]),
    Grey(&'a [u8]),
}

/// Why bytes are not a picture of the given size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PixelsError {
    /// A side of zero.
    Empty,
    /// `found` bytes where `expected` belong.
    Length {
        /// width × height × channels.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
}

impl fmt::Display for PixelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a picture needs at least one pixel"),
            Self::Length { expected, found } => {
                write!(f, "{found} bytes where {expected} belong")
            }
        }
    }
}

impl std::error::Error for PixelsError {}

impl<'a> Pixels<'a> {
    /// Checks that the bytes are exactly width × height × 3.
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Result<Self, PixelsError> {
        check(width, height, 3, rgb.len())?;
        // `check` has made sure that there is nothing left over to drop.
        let samples = Row::Rgb(rgb.as_chunks().0);
        Ok(Self {
            width,
            height,
            samples,
        })
    }

    /// Luma alone. Checks that the bytes are exactly width × height.
    pub fn grey(width: u32, height: u32, luma: &'a [u8]) -> Result<Self, PixelsError> {
        check(width, height, 1, luma.len())?;
        Ok(Self {
            width,
            height,
            samples: Row::Grey(luma),
        })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height as usize
    }

    /// Row `y`.
    #[inline(always)]
    pub(crate) fn row(&self, y: usize) -> Row<'a> {
        let width = self.width();
        match self.samples {
            Row::Rgb(rgb) => Row::Rgb(&rgb[y * width..][..width]),
            Row::Grey(grey) => Row::Grey(&grey[y * width..][..width]),
        }
    }
}

fn check(width: u32, height: u32, channels: u64, found: usize) -> Result<(), PixelsError> {
    if width == 0 || height == 0 {
        return Err(PixelsError::Empty);
    }
    // Two u32 and three channels can exceed 64 bits; so large a picture can't be in memory anyway.
    let expected = u128::from(width) * u128::from(height) * u128::from(channels);
    if expected != found as u128 {
        let expected = u64::try_from(expected).unwrap_or(u64::MAX);
        return Err(PixelsError::Length {
            expected,
            found: found as u64,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case is the two sides, the number of bytes, and "ok" or the error message.
    #[test]
    fn sides_and_bytes_have_to_agree() {
        for (width, height, given, expected) in [
            (1, 1, 3, "ok"),
            (2, 3, 18, "ok"),
            (0, 1, 0, "a picture needs at least one pixel"),
            (1, 0, 0, "a picture needs at least one pixel"),
            (2, 2, 11, "11 bytes where 12 belong"),
            (2, 2, 13, "13 bytes where 12 belong"),
            // 3 × (2³² − 1)² is more than 64 bits hold.
            (
                u32::MAX,
                u32::MAX,
                3,
                "3 bytes where 18446744073709551615 belong",
            ),
        ] {
            let bytes = vec![0; given];
            let said = match Pixels::new(width, height, &bytes) {
                Ok(_) => "ok".to_owned(),
                Err(e) => e.to_string(),
            };
            assert_eq!(said, expected, "{width} × {height}");
        }
    }

    #[test]
    fn grey_pixels_are_one_byte_each() {
        assert!(Pixels::grey(2, 3, &[0; 6]).is_ok());
        let wrong = Pixels::grey(2, 3, &[0; 18])
            .err()
            .expect("three times too long");
        assert_eq!(wrong.to_string(), "18 bytes where 6 belong");
    }
}
