//! Maps a column's file into memory, to read and to change in place.
//!
//! Memory mapping borders on undefined behaviour: if another program truncates the file while we read,
//! the process dies of a signal. So columns are mapped only while holding the lock of their index
//! (`Lock`), and only this crate writes there.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

/// A file in memory; empty files too.
pub(crate) enum Map {
    Empty,
    Read(memmap2::Mmap),
    Write(memmap2::MmapMut),
}

impl Map {
    /// To read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Map::Empty);
        }
        // SAFETY: files of an index are neither cut nor written by others while its lock is held.
        unsafe { memmap2::Mmap::map(&file) }.map(Map::Read)
    }

    /// To read and write; what is written reaches the file.
    pub fn write(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Map::Empty);
        }
        // SAFETY: as above; writers hold the lock alone.
        unsafe { memmap2::MmapMut::map_mut(&file) }.map(Map::Write)
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Map::Empty => &[],
            Map::Read(map) => map,
            Map::Write(map) => map,
        }
    }

    /// Nothing when it was mapped to read.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Map::Write(map) => map,
            // So a write to a column opened for reading panics instead of changing nothing unnoticed.
            Map::Empty | Map::Read(_) => &mut [],
        }
    }

    pub fn flush(&self) -> io::Result<()> {
        match self {
            // Waits for the disk: the manifest must not count these rows before they are on it.
            Map::Write(map) => map.flush(),
            Map::Empty | Map::Read(_) => Ok(()),
        }
    }
}
