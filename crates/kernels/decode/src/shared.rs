//! Memory shared by a parent and its worker: the file's bytes on one side, pixels on the other.
//!
//! Useful for pixels: they cross no pipe, and the parent doesn't copy them. The price: a worker
//! that was taken over could change bytes while the parent reads them. Nothing that reads them may
//! therefore take an address, a length or a decision about memory from them; the hash kinds and the
//! blurred previews only calculate with their values. Sizes and formats come through the socket and
//! are validated there.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::Limits;

/// Most bytes of the input, and as many of the pixels, that may stay resident between two files.
/// The rest is returned to the system. Our judgement.
const KEPT_BYTES_MAX: u64 = 48 << 20;

/// Layout: input from 0 on, pixels from `output` to `end`.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    output: usize,
    end: usize,
}

impl Layout {
    pub fn of(limits: &Limits) -> Self {
        // The pixels begin on a page of their own, even on systems with pages of 64 KiB.
        let output = (limits.input_bytes_max as usize).next_multiple_of(64 << 10);
        Self {
            output,
            end: output + 3 * limits.image_pixels_max as usize,
        }
    }

    pub fn len(self) -> usize {
        self.end
    }
}

/// The memory, mapped. Nothing of it is resident until it is touched.
pub(crate) struct Shared {
    start: *mut u8,
    layout: Layout,
    file: OwnedFd,
}

// SAFETY: it is owned memory like a Box's; there is one owner in each process.
unsafe impl Send for Shared {}
// SAFETY: as above; `&self` only reads. `shrink`, which zeroes pages, takes `&mut self`.
unsafe impl Sync for Shared {}

impl Shared {
    /// New and empty.
    pub fn new(limits: &Limits) -> io::Result<Self> {
        // Other children must not inherit it. The worker gets a duplicate as its stdin, without
        // this flag.
        let file = memfd_create("obhut-decode", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, Layout::of(limits).len() as u64)?;
        Self::of(file, limits)
    }

    /// Maps memory created with the same limits; an error if its size differs from theirs.
    pub fn of(file: OwnedFd, limits: &Limits) -> io::Result<Self> {
        let layout = Layout::of(limits);
        // Touching a mapping beyond the end of its file is a SIGBUS.
        if rustix::fs::fstat(&file)?.st_size as u64 != layout.len() as u64 {
            return Err(io::Error::other("the shared memory has the wrong size"));
        }
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, as many bytes long as the file, at an address that the system
        // chooses. The file can't be truncated: its only handles are ours and the worker's, and the
        // sandbox leaves the worker no system call that truncates.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                layout.len(),
                both,
                MapFlags::SHARED,
                &file,
                0,
            )?
        };
        Ok(Self {
            start: start.cast(),
            layout,
            file,
        })
    }

    /// A duplicate of the descriptor, to pass to another process.
    pub fn file(&self) -> io::Result<OwnedFd> {
        self.file.as_fd().try_clone_to_owned()
    }

    /// Input and output, for writing.
    pub fn parts(&mut self) -> (&mut [u8], &mut [u8]) {
        // SAFETY: mapped for as long as `self` lives, and borrowed as `self` is.
        let all = unsafe { std::slice::from_raw_parts_mut(self.start, self.layout.len()) };
        all.split_at_mut(self.layout.output)
    }

    /// The pixels.
    pub fn output(&self) -> &[u8] {
        // SAFETY: mapped for as long as `self` lives, and within the mapping.
        unsafe {
            std::slice::from_raw_parts(
                self.start.add(self.layout.output),
                self.layout.end - self.layout.output,
            )
        }
    }

    /// Gives back what a large file made resident.
    pub fn shrink(&mut self, input_bytes: u64, output_bytes: u64) {
        for (from, used, len) in [
            (0, input_bytes, self.layout.output),
            (
                self.layout.output,
                output_bytes,
                self.layout.end - self.layout.output,
            ),
        ] {
            // `used` fits in `len`, so the subtraction below cannot wrap.
            if used > KEPT_BYTES_MAX {
                // The size must stay: the worker has all of it mapped.
                let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                // Where it fails the pages stay, and are used again.
                let _ = fallocate(
                    &self.file,
                    punch,
                    from as u64 + KEPT_BYTES_MAX,
                    len as u64 - KEPT_BYTES_MAX,
                );
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by this value and by nothing else; no borrow outlives it.
        let _ = unsafe { munmap(self.start.cast(), self.layout.len()) };
    }
}
