//! Decoded pixels as the hash kinds take them: RGB, eight bits a channel, rows from top to bottom.

use std::fmt;

/// A borrowed picture. Shape: `height` rows of `width` pixels of three bytes, no padding.
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    width: u32,
    height: u32,
    rgb: &'a [u8],
}

/// Why bytes are not a picture of the given size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PixelsError {
    /// A side of zero.
    Empty,
    /// `found` bytes where `expected` belong.
    Length {
        /// width × height × 3.
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
                write!(
                    f,
                    "{found} bytes where width × height × 3 = {expected} belong"
                )
            }
        }
    }
}

impl std::error::Error for PixelsError {}

impl<'a> Pixels<'a> {
    /// Checks that the bytes are exactly width × height × 3.
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Result<Self, PixelsError> {
        if width == 0 || height == 0 {
            return Err(PixelsError::Empty);
        }
        let expected = u64::from(width) * u64::from(height) * 3;
        if expected != rgb.len() as u64 {
            return Err(PixelsError::Length {
                expected,
                found: rgb.len() as u64,
            });
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height as usize
    }

    /// The bytes.
    pub fn rgb(&self) -> &'a [u8] {
        self.rgb
    }
}
