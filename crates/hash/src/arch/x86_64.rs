//! The stripes compiled for AVX2 and for AVX-512; `None` on a machine that has neither.

#![allow(unsafe_code)]

use crate::jarosz::Small;
use crate::stripes::{self, Rows};

pub(super) fn small<R: Rows>(rows: &R) -> Option<Small> {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
        // SAFETY: the registers were just found.
        return Some(unsafe { avx512(rows) });
    }
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the registers were just found.
        return Some(unsafe { avx2(rows) });
    }
    None
}

#[target_feature(enable = "avx2")]
fn avx2<R: Rows>(rows: &R) -> Small {
    stripes::small(rows)
}

#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<R: Rows>(rows: &R) -> Small {
    stripes::small(rows)
}
