//! The scan compiled for AVX-512 with VPOPCNTDQ, and for POPCNT with AVX2; probing compiled for
//! AVX-512 with VPOPCNTDQ, and for POPCNT alone. `None` on a machine that has neither.

#![allow(unsafe_code)]

use crate::{Hit, Index, Words};

pub(super) fn scan(entries: &[Words], query: &Words, radius_bits: u32) -> Option<Vec<Hit>> {
    if has_avx512() {
        // SAFETY: the instructions were just found.
        return Some(unsafe { avx512(entries, query, radius_bits) });
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
        // SAFETY: the instructions were just found.
        return Some(unsafe { avx2(entries, query, radius_bits) });
    }
    None
}

#[allow(clippy::option_option)]
pub(super) fn probe(index: &Index, query: &Words, radius_bits: u32) -> Option<Option<Vec<Hit>>> {
    // The outer option: does the machine have the instructions? The inner one: is probing cheaper
    // than a scan?
    if has_avx512() {
        // SAFETY: the instructions were just found.
        return Some(unsafe { probe_avx512(index, query, radius_bits) });
    }
    if is_x86_feature_detected!("popcnt") {
        // SAFETY: the instruction was just found.
        return Some(unsafe { probe_popcnt(index, query, radius_bits) });
    }
    None
}

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
fn probe_avx512(index: &Index, query: &Words, radius_bits: u32) -> Option<Vec<Hit>> {
    // Compiled once more with these instructions, because `probe` is always inlined.
    index.probe(query, radius_bits)
}

#[target_feature(enable = "popcnt")]
fn probe_popcnt(index: &Index, query: &Words, radius_bits: u32) -> Option<Vec<Hit>> {
    index.probe(query, radius_bits)
}

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
fn avx512(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    super::portable(entries, query, radius_bits)
}

#[target_feature(enable = "avx2,popcnt")]
fn avx2(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    super::portable(entries, query, radius_bits)
}

#[inline(always)]
pub(super) fn prefetch<T>(of: &[T], at: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing and never faults, whatever the address. `wrapping_add`
    // does not require the result to be inside the slice.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(of.as_ptr().wrapping_add(at).cast()) }
}

/// Every feature that the functions compiled for AVX-512 enable.
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("popcnt")
}
