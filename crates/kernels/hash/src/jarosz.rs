//! Turns a picture's luma into a PDQ digest. The picture is filtered down to 64×64, which also
//! gives the quality. Of its DCT, 16×16 coefficients are kept, and each one above the median sets a
//! bit.
//!
//! Every value is computed by the same float operations in the same order as the reference
//! (facebook/ThreatExchange pdq/cpp), which is what makes the digests bit-exact. The Jarosz
//! filters, after which this module is named, are in [`crate::stripes`].

use std::sync::LazyLock;

use crate::stripes::{Rows, SMALL, Small};
use crate::{Digest, Perceptual, Turn, arch};

/// Smallest side that is hashed, in pixels; below it digest and quality are zero. The same as the
/// reference's `MIN_HASHABLE_DIM` (ThreatExchange, pdqhashing).
const SIDE_PIXELS_MIN: usize = 5;
/// Side of the block of DCT coefficients that is kept.
const SIDE: usize = 16;
/// The digest of a picture too small to hash.
pub(crate) const ZERO_HEX: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

type Coefficients = [[f32; SIDE]; SIDE];

/// The digest of the picture as stored, without rotation.
pub(crate) fn one<R: Rows>(rows: &R) -> Perceptual {
    if too_small(rows) {
        return nothing();
    }
    let small = if rows.width() == SMALL && rows.height() == SMALL {
        // The reference does not filter a picture that is 64×64 already.
        let mut small = [[0.0; SMALL]; SMALL];
        small
            .iter_mut()
            .enumerate()
            .for_each(|(y, row)| rows.row(y, row));
        small
    } else {
        arch::small(rows)
    };
    Perceptual {
        digest: bits(&dct(&small)),
        quality: quality(&small),
    }
}

/// The digests of all eight turns and mirrors, for the price of one DCT.
pub(crate) fn eight<R: Rows>(rows: &R) -> [Perceptual; 8] {
    if too_small(rows) {
        return [nothing(); 8];
    }
    // No exception for 64×64: PyPI `pdqhash.compute_dihedral` filters such a picture too.
    let small = arch::small(rows);
    let coefficients = dct(&small);
    let quality = quality(&small);
    Turn::ALL.map(|turn| Perceptual {
        digest: bits(&turned(&coefficients, turn)),
        quality,
    })
}

fn too_small(rows: &impl Rows) -> bool {
    rows.width() < SIDE_PIXELS_MIN || rows.height() < SIDE_PIXELS_MIN
}

fn nothing() -> Perceptual {
    Perceptual {
        digest: Digest::from_bytes(&[0; 32]).expect("32 bytes fit"),
        quality: 0,
    }
}

/// Sum of all gradients, each truncated to whole percent of 255, divided by the reference's
/// constant 90; at most 100.
fn quality(small: &Small) -> u8 {
    // Truncated before the absolute value is taken, as the reference does.
    let step = |u: f32, v: f32| (((u - v) * 100.0) / 255.0) as i32;
    // At most 8,064 steps of 100 each, far within an i32.
    let mut sum = 0;
    for i in 0..SMALL {
        for j in 0..SMALL {
            if i + 1 < SMALL {
                sum += step(small[i][j], small[i + 1][j]).abs();
            }
            if j + 1 < SMALL {
                sum += step(small[i][j], small[i][j + 1]).abs();
            }
        }
    }
    (sum / 90).min(100) as u8
}

static DCT: LazyLock<[[f32; SMALL]; SIDE]> = LazyLock::new(|| {
    // Rounded to single, then used in double, as in the reference: the bits of the matrix depend on
    // it.
    let scale = f64::from((2.0 / SMALL as f64).sqrt() as f32);
    let mut matrix = [[0.0; SMALL]; SIDE];
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, out) in row.iter_mut().enumerate() {
            // From 1: row 0 of the DCT would be the mean brightness, which PDQ leaves out.
            let angle = std::f64::consts::PI / 2.0 / SMALL as f64 * (i + 1) as f64;
            *out = (scale * (angle * (2 * j + 1) as f64).cos()) as f32;
        }
    }
    matrix
});

/// Coefficients 1 to 16 in both directions of the 64×64 DCT.
fn dct(small: &Small) -> Coefficients {
    let matrix = &*DCT;
    let mut half = [[0.0_f32; SMALL]; SIDE];
    for (out, weights) in half.iter_mut().zip(matrix) {
        for (weight, row) in weights.iter().zip(small) {
            for (o, v) in out.iter_mut().zip(row) {
                // Two roundings, never a fused multiply-add: that would change the last bit.
                *o += weight * v;
            }
        }
    }
    let mut coefficients = [[0.0_f32; SIDE]; SIDE];
    for (out, row) in coefficients.iter_mut().zip(&half) {
        for (o, weights) in out.iter_mut().zip(matrix) {
            for (v, weight) in row.iter().zip(weights) {
                *o += v * weight;
            }
        }
    }
    coefficients
}

/// A turned picture has the same DCT, except that some signs change and, for quarter turns and
/// diagonals, rows and columns are exchanged.
fn turned(coefficients: &Coefficients, turn: Turn) -> Coefficients {
    let mut out = [[0.0; SIDE]; SIDE];
    for (i, row) in coefficients.iter().enumerate() {
        for (j, &v) in row.iter().enumerate() {
            // Index 0 is coefficient 1 of the DCT, so an even index is an odd frequency, which
            // mirroring negates.
            let (even_i, even_j, odd_sum) = (i % 2 == 0, j % 2 == 0, (i + j) % 2 == 1);
            let (transpose, negate) = match turn {
                Turn::Original => (false, false),
                Turn::Rotate90 => (true, even_j),
                Turn::Rotate180 => (false, odd_sum),
                Turn::Rotate270 => (true, even_i),
                Turn::FlipX => (false, even_i),
                Turn::FlipY => (false, even_j),
                Turn::FlipPlus1 => (true, false),
                Turn::FlipMinus1 => (true, odd_sum),
            };
            let v = if negate { -v } else { v };
            if transpose {
                out[j][i] = v
            } else {
                out[i][j] = v
            }
        }
    }
    out
}

/// One bit for each coefficient, set if it is above the median. The coefficient at index (15, 15)
/// gives the most significant bit.
fn bits(coefficients: &Coefficients) -> Digest {
    let flat = coefficients.as_flattened();
    let median = median(flat);
    let mut bytes = [0_u8; 32];
    for (k, v) in flat.iter().enumerate() {
        // Strictly above: the median's own bit stays 0.
        if *v > median {
            bytes[31 - k / 8] |= 1 << (k % 8);
        }
    }
    Digest::from_bytes(&bytes).expect("32 bytes fit")
}

/// The lower median, as the reference finds it by Torben's method. Sorting gives the same value,
/// even if it occurs several times.
fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    let middle = (sorted.len() - 1) / 2;
    // −0 sorts before 0 here, but `>` in `bits` treats them as equal, so it does not matter for the
    // digest which of them is the median.
    *sorted.select_nth_unstable_by(middle, f32::total_cmp).1
}
