//! A luma plane to a PDQ digest: two passes of box filters, decimation to 64×64, quality,
//! 16×16 of a DCT, and one bit for each value above the median.
//!
//! Every value is computed by the same float operations in the same order as the reference
//! (facebook/ThreatExchange pdq/cpp), which is what makes the digests bit-exact. Filtering down
//! the columns runs along the rows, one running sum a column, so that the compiler may use vector
//! registers without changing the order of operations for any single value; [`naive`] in the tests
//! is the slow twin that walks one column at a time.

use std::sync::LazyLock;

use crate::{Digest, Perceptual, Turn};

/// Smallest side that is hashed, in pixels; below it digest and quality are zero.
const SIDE_PIXELS_MIN: usize = 5;
/// Side of the picture that goes into the DCT.
const SMALL: usize = 64;
/// Side of what comes out of it.
const SLOTS: usize = 16;
/// Box filter passes in each direction (a tent filter).
const PASSES: usize = 2;

/// The digest of a picture too small to hash.
pub(crate) const ZERO_HEX: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// One float a pixel, rows from top to bottom.
pub(crate) struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

type Small = [[f32; SMALL]; SMALL];
type Slots = [[f32; SLOTS]; SLOTS];

/// The digest of the picture as it lies.
pub(crate) fn one(plane: Plane) -> Perceptual {
    if too_small(&plane) {
        return nothing();
    }
    let small = if plane.width == SMALL && plane.height == SMALL {
        decimate(&plane)
    } else {
        decimate(&filter(plane))
    };
    Perceptual {
        digest: bits(&dct(&small)),
        quality: quality(&small),
    }
}

/// The digests of all eight turns and mirrors, for the price of one DCT.
pub(crate) fn eight(plane: Plane) -> [Perceptual; 8] {
    if too_small(&plane) {
        return [nothing(); 8];
    }
    let small = decimate(&filter(plane));
    let slots = dct(&small);
    let quality = quality(&small);
    Turn::ALL.map(|turn| Perceptual {
        digest: bits(&turned(&slots, turn)),
        quality,
    })
}

fn too_small(plane: &Plane) -> bool {
    plane.width < SIDE_PIXELS_MIN || plane.height < SIDE_PIXELS_MIN
}

fn nothing() -> Perceptual {
    Perceptual {
        digest: Digest::from_bytes(&[0; 32]).expect("32 bytes fit"),
        quality: 0,
    }
}

/// A window is half a block of 1/64 of the side, rounded up.
fn window(side: usize) -> usize {
    side.div_ceil(2 * SMALL)
}

fn filter(mut plane: Plane) -> Plane {
    let (w, h) = (plane.width, plane.height);
    let mut other = vec![0.0; w * h];
    for _ in 0..PASSES {
        for (from, to) in plane.values.chunks_exact(w).zip(other.chunks_exact_mut(w)) {
            box_along_row(from, to, window(w));
        }
        box_down_columns(&other, &mut plane.values, w, h, window(h));
    }
    plane
}

/// How many steps each of the four phases of a box filter has: add only; add and write; add,
/// subtract and write; subtract and write.
fn phases(len: usize, window: usize) -> [usize; 4] {
    let half = window.div_ceil(2) + usize::from(window.is_multiple_of(2));
    [half - 1, window - half + 1, len - window, half - 1]
}

fn box_along_row(from: &[f32], to: &mut [f32], window: usize) {
    let [p1, p2, p3, p4] = phases(from.len(), window);
    let (mut sum, mut size) = (0.0_f32, 0.0_f32);
    for v in &from[..p1] {
        sum += v;
        size += 1.0;
    }
    for (v, out) in from[p1..p1 + p2].iter().zip(&mut to[..p2]) {
        sum += v;
        size += 1.0;
        *out = sum / size;
    }
    let steps = from[p1 + p2..].iter().zip(from).zip(&mut to[p2..p2 + p3]);
    for ((right, left), out) in steps.take(p3) {
        sum += right;
        sum -= left;
        *out = sum / size;
    }
    for (left, out) in from[p3..p3 + p4].iter().zip(&mut to[p2 + p3..]) {
        sum -= left;
        size -= 1.0;
        *out = sum / size;
    }
}

fn box_down_columns(from: &[f32], to: &mut [f32], w: usize, h: usize, window: usize) {
    let [p1, p2, p3, p4] = phases(h, window);
    let row = |y: usize| &from[y * w..][..w];
    let mut sums = vec![0.0_f32; w];
    let mut size = 0.0_f32;
    let (mut left, mut right, mut out) = (0, 0, 0);
    for _ in 0..p1 {
        for (s, v) in sums.iter_mut().zip(row(right)) {
            *s += v;
        }
        right += 1;
        size += 1.0;
    }
    for _ in 0..p2 {
        size += 1.0;
        for ((s, v), o) in sums.iter_mut().zip(row(right)).zip(&mut to[out * w..][..w]) {
            *s += v;
            *o = *s / size;
        }
        right += 1;
        out += 1;
    }
    for _ in 0..p3 {
        let rows = row(right).iter().zip(row(left));
        for ((s, (r, l)), o) in sums.iter_mut().zip(rows).zip(&mut to[out * w..][..w]) {
            *s += r;
            *s -= l;
            *o = *s / size;
        }
        left += 1;
        right += 1;
        out += 1;
    }
    for _ in 0..p4 {
        size -= 1.0;
        for ((s, l), o) in sums.iter_mut().zip(row(left)).zip(&mut to[out * w..][..w]) {
            *s -= l;
            *o = *s / size;
        }
        left += 1;
        out += 1;
    }
}

/// Takes the pixel at the centre of each of 64×64 blocks.
fn decimate(plane: &Plane) -> Small {
    let at = |i: usize, side: usize| ((i as f64 + 0.5) * side as f64 / SMALL as f64) as usize;
    let mut small = [[0.0; SMALL]; SMALL];
    for (i, out) in small.iter_mut().enumerate() {
        let row = &plane.values[at(i, plane.height) * plane.width..][..plane.width];
        for (j, out) in out.iter_mut().enumerate() {
            *out = row[at(j, plane.width)];
        }
    }
    small
}

/// Sum of the significant gradients, scaled by the reference's own constants, 0 to 100.
fn quality(small: &Small) -> u8 {
    let step = |u: f32, v: f32| (((u - v) * 100.0) / 255.0) as i32;
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

static DCT: LazyLock<[[f32; SMALL]; SLOTS]> = LazyLock::new(|| {
    let scale = f64::from((2.0 / SMALL as f64).sqrt() as f32);
    let mut matrix = [[0.0; SMALL]; SLOTS];
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, out) in row.iter_mut().enumerate() {
            let angle = std::f64::consts::PI / 2.0 / SMALL as f64 * (i + 1) as f64;
            *out = (scale * (angle * (2 * j + 1) as f64).cos()) as f32;
        }
    }
    matrix
});

/// Slots 1 to 16 in both directions of the 64×64 DCT.
fn dct(small: &Small) -> Slots {
    let matrix = &*DCT;
    let mut half = [[0.0_f32; SMALL]; SLOTS];
    for (out, weights) in half.iter_mut().zip(matrix) {
        for (weight, row) in weights.iter().zip(small) {
            for (o, v) in out.iter_mut().zip(row) {
                *o += weight * v;
            }
        }
    }
    let mut slots = [[0.0_f32; SLOTS]; SLOTS];
    for (out, row) in slots.iter_mut().zip(&half) {
        for (o, weights) in out.iter_mut().zip(matrix) {
            for (v, weight) in row.iter().zip(weights) {
                *o += v * weight;
            }
        }
    }
    slots
}

/// A turned picture has the same DCT with rows and columns exchanged and some signs changed.
fn turned(slots: &Slots, turn: Turn) -> Slots {
    let mut out = [[0.0; SLOTS]; SLOTS];
    for (i, row) in slots.iter().enumerate() {
        for (j, &v) in row.iter().enumerate() {
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

/// One bit for each slot above the median; slot (15, 15) is the most significant.
fn bits(slots: &Slots) -> Digest {
    let flat = slots.as_flattened();
    let median = median(flat);
    let mut bytes = [0_u8; 32];
    for (k, v) in flat.iter().enumerate() {
        if *v > median {
            bytes[31 - k / 8] |= 1 << (k % 8);
        }
    }
    Digest::from_bytes(&bytes).expect("32 bytes fit")
}

/// The lower median, as Torben's method finds it. Where values equal it, sorting gives the same.
fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    let middle = (sorted.len() - 1) / 2;
    *sorted.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The reference's box filter: one line at a time, any stride.
    fn naive(from: &[f32], to: &mut [f32], start: usize, len: usize, stride: usize, window: usize) {
        let half = (window + 2) / 2;
        let at = |i: usize| start + i * stride;
        let (mut l, mut r, mut o) = (0, 0, 0);
        let (mut sum, mut size) = (0.0_f32, 0);
        for _ in 0..half - 1 {
            sum += from[at(r)];
            size += 1;
            r += 1;
        }
        for _ in 0..window - half + 1 {
            sum += from[at(r)];
            size += 1;
            to[at(o)] = sum / size as f32;
            r += 1;
            o += 1;
        }
        for _ in 0..len - window {
            sum += from[at(r)];
            sum -= from[at(l)];
            to[at(o)] = sum / size as f32;
            l += 1;
            r += 1;
            o += 1;
        }
        for _ in 0..half - 1 {
            sum -= from[at(l)];
            size -= 1;
            to[at(o)] = sum / size as f32;
            l += 1;
            o += 1;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn filters_equal_their_slow_twin(w in 5_usize..300, h in 5_usize..300, seed in any::<u32>()) {
            let mut state = seed | 1;
            let values: Vec<f32> = (0..w * h).map(|_| {
                state ^= state << 13; state ^= state >> 17; state ^= state << 5;
                (state % 256) as f32
            }).collect();
            let mut twin = values.clone();
            let mut other = vec![0.0; w * h];
            for _ in 0..PASSES {
                for y in 0..h { naive(&twin, &mut other, y * w, w, 1, window(w)); }
                for x in 0..w { naive(&other, &mut twin, x, h, w, window(h)); }
            }
            let fast = filter(Plane { width: w, height: h, values });
            prop_assert!(fast.values.iter().map(|v| v.to_bits()).eq(twin.iter().map(|v| v.to_bits())));
        }
    }
}
