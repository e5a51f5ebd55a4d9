//! PDQ, pipeline `cimg512`: a picture longer than 512 on either side is first resized to 512×512
//! by nearest neighbour, as Meta's C++ tool does. The digest of a resized picture differs by some
//! bits from that of kind `pdq` (pipeline `full`).

use super::{Compute, Example, ExampleInput, Kind, KindStatus, Matching};
use crate::jarosz;
use crate::pixels::Row;
use crate::stripes::Rows;
use crate::{Perceptual, Pixels};

/// Longest side that the reference (ThreatExchange, `pdqio.cpp`) hashes without resizing, in
/// pixels.
const SIDE_PIXELS_MAX: usize = 512;

/// PDQ after resizing to 512×512.
pub const KIND: Kind = Kind {
    name: "pdq-cimg512",
    source: "facebook/ThreatExchange pdq/cpp, pdqio.cpp (CImg resize, nearest neighbour)",
    status: KindStatus::Stable,
    by_default: false,
    digest_bytes: 32,
    matching: Matching::Hamming {
        radius_bits: 31,
        quality_min: 50,
    },
    compute: Compute::Pixels { one, eight },
    examples: &[
        // Narrower than five pixels: the reference hashes nothing.
        Example {
            input: ExampleInput::Ramp(4, 200),
            digest: jarosz::ZERO_HEX,
        },
        // Not longer than 512, so not resized: the digest that `pdq` gives.
        Example {
            input: ExampleInput::Ramp(200, 150),
            digest: "9f5543599e540b5dbe0054ba91ff549a95f0545abff08aa5158fc8a595cf40a5",
        },
    ],
};

fn one(pixels: Pixels<'_>) -> Perceptual {
    jarosz::one(&Resized::new(pixels))
}

fn eight(pixels: Pixels<'_>) -> [Perceptual; 8] {
    jarosz::eight(&Resized::new(pixels))
}

struct Resized<'a> {
    pixels: Pixels<'a>,
    width: usize,
    height: usize,
}

impl<'a> Resized<'a> {
    fn new(pixels: Pixels<'a>) -> Self {
        let (w, h) = (pixels.width(), pixels.height());
        let resized = w > SIDE_PIXELS_MAX || h > SIDE_PIXELS_MAX;
        let (width, height) = if resized {
            // Both sides, even if only one is too long: the reference gives up the proportions.
            (SIDE_PIXELS_MAX, SIDE_PIXELS_MAX)
        } else {
            (w, h)
        };
        Self {
            pixels,
            width,
            height,
        }
    }
}

impl Rows for Resized<'_> {
    fn width(&self) -> usize {
        self.width
    }

    fn height(&self) -> usize {
        self.height
    }

    #[inline(always)]
    fn row(&self, y: usize, out: &mut [f32]) {
        let (w, h) = (self.pixels.width(), self.pixels.height());
        // Rounded down, not to the nearest centre: nearest neighbour as the C++ tool resizes.
        let places = (0..).map(|x| x * w / self.width);
        match self.pixels.row(y * h / self.height) {
            Row::Rgb(row) => {
                for (o, x) in out.iter_mut().zip(places) {
                    let p = row[x];
                    // Single precision, unlike in pipeline `full`: the C++ tool multiplies floats.
                    *o = 0.299_f32 * f32::from(p[0])
                        + 0.587_f32 * f32::from(p[1])
                        + 0.114_f32 * f32::from(p[2]);
                }
            }
            Row::Grey(row) => {
                for (o, x) in out.iter_mut().zip(places) {
                    *o = f32::from(row[x]);
                }
            }
        }
    }
}
