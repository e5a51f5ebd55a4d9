//! Picks, at run time, the code for the vector registers this machine has.
//!
//! The filters have one source, compiled for every machine, and again for AVX2 and for AVX-512.
//! Only the transpose is written a second time, for AVX-512. No path fuses a multiplication with an
//! addition, so all give the same bits.

#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::stripes::{self, Rows, Small};

/// Runs [`stripes::small`] with the widest vector registers that this machine has.
pub(crate) fn small<R: Rows>(rows: &R) -> Small {
    #[cfg(target_arch = "x86_64")]
    if let Some(small) = x86_64::small(rows) {
        return small;
    }
    // For x86-64 without AVX2 and for other architectures, such as ARM: nothing is written for
    // NEON.
    stripes::small::<R, stripes::OneByOne>(rows)
}
