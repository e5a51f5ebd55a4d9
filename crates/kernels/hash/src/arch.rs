//! Picks, at run time, the code for the vector registers this machine has.
//!
//! There is one source for all: the compiler makes it once for every machine and once more for
//! wider registers. No path fuses a multiplication with an addition, so all give the same bits.

#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::stripes::{self, Rows, Small};

/// [`stripes::small`] on the widest registers there are.
pub(crate) fn small<R: Rows>(rows: &R) -> Small {
    #[cfg(target_arch = "x86_64")]
    if let Some(small) = x86_64::small(rows) {
        return small;
    }
    // ARM comes here too: nothing is written for NEON.
    stripes::small::<R, stripes::OneByOne>(rows)
}
