//! PDQ, pipeline `full`: luma, Jarosz filter over the whole picture, DCT, median; bit-exact to
//! PyPI `pdqhash` 0.2.8 and so to python-threatexchange and HMA on the same decoded pixels.
//!
//! Two details follow that reference and not the paper: luma is summed in double precision and
//! then rounded, and a picture of exactly 64×64 is filtered only when all eight turns are asked
//! for (`compute_dihedral`), not when one is (`compute`).

use super::{Compute, Example, ExampleInput, Kind, KindStatus, Matching};
use crate::jarosz;
use crate::pixels::Row;
use crate::stripes::Rows;
use crate::{Perceptual, Pixels};

/// PDQ over the whole picture.
pub const KIND: Kind = Kind {
    name: "pdq",
    source: "PDQ hashing, Meta, 2017-10-09; facebook/ThreatExchange pdq/cpp; PyPI pdqhash 0.2.8",
    status: KindStatus::Stable,
    by_default: true,
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
        Example {
            input: ExampleInput::Ramp(200, 150),
            digest: "9f5543599e540b5dbe0054ba91ff549a95f0545abff08aa5158fc8a595cf40a5",
        },
    ],
};

pub(super) fn one(pixels: Pixels<'_>) -> Perceptual {
    jarosz::one(&Luma(pixels))
}

fn eight(pixels: Pixels<'_>) -> [Perceptual; 8] {
    jarosz::eight(&Luma(pixels))
}

/// Luma in thousandths, without any rounding.
///
/// The reference sums 0.299 R + 0.587 G + 0.114 B in double precision and rounds that to single.
/// Dividing this sum by 1,000 in single precision gives the same number: the double sum is off by
/// less than 10⁻¹³, and no sum of thousandths is that near to a midpoint between two floats. The
/// test tries all 2²⁴ colours.
#[inline(always)]
fn thousandths(p: [u8; 3]) -> i32 {
    299 * i32::from(p[0]) + 587 * i32::from(p[1]) + 114 * i32::from(p[2])
}

struct Luma<'a>(Pixels<'a>);

impl Rows for Luma<'_> {
    fn width(&self) -> usize {
        self.0.width()
    }

    fn height(&self) -> usize {
        self.0.height()
    }

    #[inline(always)]
    fn row(&self, y: usize, out: &mut [f32]) {
        match self.0.row(y) {
            Row::Rgb(row) => {
                for (o, p) in out.iter_mut().zip(row) {
                    // 255,000 at most, exact as a float: only the division rounds.
                    *o = thousandths(*p) as f32 / 1000.0;
                }
            }
            // The weights add up to one: grey stays what it is.
            Row::Grey(row) => {
                for (o, p) in out.iter_mut().zip(row) {
                    *o = f32::from(*p);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_equals_the_reference_for_every_colour() {
        // All of them, because the argument above is about rounding and a sample could miss the
        // exception.
        for colour in 0..1_u32 << 24 {
            let [r, g, b, _] = colour.to_le_bytes();
            let reference =
                (f64::from(r) * 0.299 + f64::from(g) * 0.587 + f64::from(b) * 0.114) as f32;
            let ours = thousandths([r, g, b]) as f32 / 1000.0;
            assert_eq!(ours.to_bits(), reference.to_bits(), "{r} {g} {b}");
        }
    }
}
