//! Advises Linux to use huge pages: fewer TLB misses when a table is read at random.

#![allow(unsafe_code)]

use rustix::mm::{Advice, madvise};

/// A huge page on most machines, in bytes.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// Asks for a huge page wherever one fits completely into a vector's memory. If the system refuses,
/// only speed is lost.
pub(super) fn large_pages<T>(table: &Vec<T>) {
    // Inwards on both ends: the advice must not reach memory of other allocations.
    let from = table.as_ptr().addr().next_multiple_of(LARGE_PAGE_BYTES);
    let to = table.as_ptr().addr() + table.capacity() * size_of::<T>();
    let to = to / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
    // A small table contains no whole huge page.
    if from < to {
        // SAFETY: the range is within the vector's own memory, and this advice changes no
        // content.
        let _ = unsafe { madvise(from as *mut _, to - from, Advice::LinuxHugepage) };
    }
}
