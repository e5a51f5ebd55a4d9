//! Maps a column's file into memory, to read and to change in place.
//!
//! Mapping a file is unsafe: if another program truncates it while we read, the process dies of
//! SIGBUS, and if it writes there, our slices change. So columns are mapped only while the lock of
//! their index (`Lock`) is held, and only this crate writes there.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

/// A file in memory. Empty files have their own variant, because they can't be mapped.
pub(crate) enum Map {
    Empty,
    Read(memmap2::Mmap),
    Write(memmap2::MmapMut),
}

impl Map {
    /// Maps a file for reading.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Map::Empty);
        }
        // SAFETY: files of an index are neither cut nor written by others while its lock is held.
        unsafe { memmap2::Mmap::map(&file) }.map(Map::Read)
    }

    /// Maps a file for reading and writing; what is written reaches the file.
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

    /// The file's bytes; an empty slice if it was mapped for reading.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Map::Write(map) => map,
            // A write to a column opened for reading then panics instead of changing nothing
            // unnoticed.
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
