//! The scan compiled for AVX-512 with VPOPCNTDQ, and for POPCNT with AVX2; `None` without either.

#![allow(unsafe_code)]

use crate::{Hit, Words};

pub(super) fn scan(entries: &[Words], query: &Words, radius_bits: u32) -> Option<Vec<Hit>> {
    if is_x86_feature_detected!("avx512vpopcntdq") && is_x86_feature_detected!("avx512vl") {
        // SAFETY: the instructions were just found.
        return Some(unsafe { avx512(entries, query, radius_bits) });
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
        // SAFETY: the instructions were just found.
        return Some(unsafe { avx2(entries, query, radius_bits) });
    }
    None
}

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
fn avx512(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    super::portable(entries, query, radius_bits)
}

#[target_feature(enable = "avx2,popcnt")]
fn avx2(entries: &[Words], query: &Words, radius_bits: u32) -> Vec<Hit> {
    super::portable(entries, query, radius_bits)
}
