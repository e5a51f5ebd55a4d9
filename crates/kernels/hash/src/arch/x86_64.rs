//! The stripes compiled for AVX2 and for AVX-512; `None` on a machine that has neither.

#![allow(unsafe_code)]

use crate::stripes::{self, OneByOne, Rows, Small, Square, Transpose};
use std::arch::x86_64::*;

/// Runs [`stripes::small`], which turns luma into the 64×64 picture for PDQ's DCT, with the widest
/// registers that this machine has.
pub(super) fn small<R: Rows>(rows: &R) -> Option<Small> {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
        // SAFETY: the CPU has just been checked for these features.
        return Some(unsafe { avx512(rows) });
    }
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has just been checked for this feature.
        return Some(unsafe { avx2(rows) });
    }
    None
}

#[target_feature(enable = "avx2")]
fn avx2<R: Rows>(rows: &R) -> Small {
    // No transpose in registers here: a row of the square is two AVX2 registers.
    stripes::small::<R, OneByOne>(rows)
}

#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<R: Rows>(rows: &R) -> Small {
    stripes::small::<R, InRegisters>(rows)
}

/// Transposes in sixteen registers, one for each row. Only `avx512` above and the test below use
/// it, and both run only where AVX-512 was detected: the SAFETY comments below rely on that.
struct InRegisters;

impl Transpose for InRegisters {
    #[inline(always)]
    fn into_lanes(rows: &[f32], width: usize, lanes: &mut Square) {
        // The trait is safe to call, so the bound that the raw loads rely on is checked here.
        assert!(rows.len() >= 15 * width + 16);
        // SAFETY: the registers are there, and the last row ends within the slice.
        unsafe { into_lanes_avx512(rows, width, lanes) }
    }

    #[inline(always)]
    fn from_lanes(lanes: &Square, rows: &mut [f32], width: usize) {
        assert!(rows.len() >= 15 * width + 16);
        // SAFETY: as above.
        unsafe { from_lanes_avx512(lanes, rows, width) }
    }
}

/// # Safety
/// `rows` has 15 × `width` + 16 values or more.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
unsafe fn into_lanes_avx512(rows: &[f32], width: usize, lanes: &mut Square) {
    let mut square = [_mm512_setzero_ps(); 16];
    for (lane, row) in square.iter_mut().enumerate() {
        // SAFETY: the caller guarantees that `rows` is long enough, as said above.
        *row = unsafe { _mm512_loadu_ps(rows.as_ptr().add(lane * width)) };
    }
    turn(&mut square);
    for (out, row) in lanes.iter_mut().zip(square) {
        // SAFETY: a row is as long as a register.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), row) };
    }
}

/// # Safety
/// `rows` has 15 × `width` + 16 values or more.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
unsafe fn from_lanes_avx512(lanes: &Square, rows: &mut [f32], width: usize) {
    let mut square = [_mm512_setzero_ps(); 16];
    for (row, values) in square.iter_mut().zip(lanes) {
        // SAFETY: a row is as long as a register.
        *row = unsafe { _mm512_loadu_ps(values.as_ptr()) };
    }
    turn(&mut square);
    for (lane, row) in square.into_iter().enumerate() {
        // SAFETY: the caller guarantees that `rows` is long enough, as said above.
        unsafe { _mm512_storeu_ps(rows.as_mut_ptr().add(lane * width), row) };
    }
}

/// Transposes a square: interleaves single values of two rows, then pairs of values of four rows,
/// then collects quarters of registers from all sixteen rows.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn turn(square: &mut [__m512; 16]) {
    let mut single = *square;
    for i in 0..8 {
        single[2 * i] = _mm512_unpacklo_ps(square[2 * i], square[2 * i + 1]);
        single[2 * i + 1] = _mm512_unpackhi_ps(square[2 * i], square[2 * i + 1]);
    }
    // Afterwards quarter q of `double[4i + j]` is column 4q + j of rows 4i to 4i + 3.
    let mut double = single;
    for i in 0..4 {
        let a = _mm512_castps_pd(single[4 * i]);
        let b = _mm512_castps_pd(single[4 * i + 1]);
        let c = _mm512_castps_pd(single[4 * i + 2]);
        let d = _mm512_castps_pd(single[4 * i + 3]);
        double[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        double[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        double[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        double[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    for k in 0..4 {
        let (a, b, c, d) = (double[k], double[4 + k], double[8 + k], double[12 + k]);
        // This mask takes quarters 0 and 2 of each operand, the other one quarters 1 and 3.
        let low = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
        let high = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
        let low_too = _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d);
        let high_too = _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d);
        square[k] = _mm512_shuffle_f32x4::<0b10_00_10_00>(low, low_too);
        square[k + 8] = _mm512_shuffle_f32x4::<0b11_01_11_01>(low, low_too);
        square[k + 4] = _mm512_shuffle_f32x4::<0b10_00_10_00>(high, high_too);
        square[k + 12] = _mm512_shuffle_f32x4::<0b11_01_11_01>(high, high_too);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_turn_a_square_as_one_by_one_does() {
        // Passes untested on a machine without AVX-512; the proptest in `stripes.rs` runs
        // everywhere.
        if !is_x86_feature_detected!("avx512f") || !is_x86_feature_detected!("avx512vl") {
            return;
        }
        // Wider than the square, so that confusing the stride with the side shows.
        let width = 21;
        let rows: Vec<f32> = (0..16 * width).map(|v| v as f32).collect();
        let (mut fast, mut slow) = (Square::default(), Square::default());
        InRegisters::into_lanes(&rows, width, &mut fast);
        OneByOne::into_lanes(&rows, width, &mut slow);
        assert_eq!(fast, slow);
        let (mut there, mut too) = (vec![0.0; rows.len()], vec![0.0; rows.len()]);
        InRegisters::from_lanes(&fast, &mut there, width);
        OneByOne::from_lanes(&slow, &mut too, width);
        assert_eq!(there, too);
        // Against the input as well: both transposes could be wrong in the same way.
        assert_eq!(there[..16], rows[..16]);
    }
}
