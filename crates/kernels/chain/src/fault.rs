//! What can go wrong with block files and an index, with the file, the offset and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::Network;

/// Why blocks couldn't be read or an index couldn't be opened or built.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// A file operation failed.
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// The folder has no block files, or doesn't exist.
    NoBlocks {
        /// The folder.
        folder: PathBuf,
    },
    /// The block files belong to another network.
    OtherNetwork {
        /// Which file.
        file: PathBuf,
        /// Their network.
        found: Network,
        /// The requested network.
        wanted: Network,
    },
    /// With the key in use the file doesn't begin with a block: `xor.dat` is wrong or missing, or
    /// the file isn't obfuscated.
    WrongKey {
        /// Which file.
        file: PathBuf,
        /// Whether there is an `xor.dat`.
        has_key: bool,
        /// Whether it would be a block file without the key.
        plain_would_do: bool,
    },
    /// A record extends past the end of its file.
    Truncated {
        /// Which file.
        file: PathBuf,
        /// Offset of the record, in bytes.
        offset: u64,
        /// Bytes it should have after its 8-byte header.
        wanted: u64,
        /// How many there are.
        found: u64,
    },
    /// `xor.dat` isn't a key of eight bytes.
    BadKey {
        /// The file.
        file: PathBuf,
    },
    /// Bytes that are neither a record nor the zeros at a file's end.
    Unknown {
        /// Which file.
        file: PathBuf,
        /// Offset, in bytes.
        offset: u64,
    },
    /// A block that can't be read, or isn't what its hash says.
    BadBlock {
        /// Which file.
        file: PathBuf,
        /// Offset of its record, in bytes.
        offset: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A file of undo data is missing.
    NoUndoFile {
        /// Which file.
        file: PathBuf,
        /// Height of the first block that needs it.
        height: u32,
    },
    /// The undo data of a block is missing or damaged.
    NoUndo {
        /// Which file.
        file: PathBuf,
        /// The block, as explorers print it.
        block: String,
        /// Its height.
        height: u32,
        /// Offset in bytes of the record most likely to be this block's; its checksum does not
        /// match. `None` if no record has the block's number of transactions, or if the data of
        /// those whose checksum matches don't fit the block.
        offset: Option<u64>,
    },
    /// A block is missing.
    Gap {
        /// Height of the last block connected to the first.
        height: u32,
        /// A block after the gap, as explorers print it.
        block: String,
        /// Its file.
        file: PathBuf,
        /// Offset of its record, in bytes.
        offset: u64,
    },
    /// The files don't begin with the first block.
    NoFirstBlock {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder has no finished index.
    NoIndex {
        /// The folder.
        folder: PathBuf,
        /// A build was begun and not finished.
        begun: bool,
    },
    /// The index is of another version, rule set, network or chain, or one of its files is damaged.
    BadIndex {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The block files don't hold the block that the index ends with.
    OtherBlocks {
        /// The folder.
        folder: PathBuf,
        /// Height of that block.
        height: u64,
        /// Its hash, as explorers print it.
        block: String,
    },
    /// Another process is working on the index.
    Busy {
        /// The folder.
        folder: PathBuf,
    },
}

impl Fault {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |why| Fault::Io { path, why }
    }
}

impl fmt::Display for Fault {
    // Long: one match arm per fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Io { path, why } => write!(f, "{}: {why}", path.display()),
            Fault::NoBlocks { folder } => write!(
                f,
                "{}: no block files (blk00000.dat …), or no such folder; pass the node's `blocks` folder",
                folder.display()
            ),
            Fault::OtherNetwork {
                file,
                found,
                wanted,
            } => write!(
                f,
                "{}: the block at offset 0 belongs to {}, not {}; choose network {} or another folder",
                file.display(),
                found.name(),
                wanted.name(),
                found.name()
            ),
            Fault::WrongKey {
                file,
                has_key: true,
                plain_would_do: true,
            } => write!(
                f,
                "{}: the file isn't obfuscated, but xor.dat has a key; remove xor.dat, or use the node's own",
                file.display()
            ),
            Fault::WrongKey {
                file,
                has_key: true,
                plain_would_do: false,
            } => write!(
                f,
                "{}: with the key in xor.dat, offset 0 holds no known network's block; use the xor.dat of the node that wrote the file",
                file.display()
            ),
            // Without a key the plain bytes are what was tried, so `plain_would_do` has nothing to add.
            Fault::WrongKey {
                file,
                has_key: false,
                ..
            } => write!(
                f,
                "{}: offset 0 holds no known network's block; nodes since version 28 obfuscate block files: copy the node's xor.dat here",
                file.display()
            ),
            Fault::Truncated {
                file,
                offset,
                wanted,
                found,
            } => write!(
                f,
                "{}: the record at offset {offset} should have {wanted} bytes, but the file ends after {found}; copy it again while the node is stopped",
                file.display()
            ),
            Fault::BadKey { file } => write!(
                f,
                "{}: the file isn't a key of eight bytes; copy the node's xor.dat again",
                file.display()
            ),
            Fault::Unknown { file, offset } => write!(
                f,
                "{}: the bytes at offset {offset} are neither a record nor the zeros at the file's end; copy the file again while the node is stopped",
                file.display()
            ),
            Fault::BadBlock { file, offset, why } => write!(
                f,
                "{}: the block at offset {offset} {why}; copy the file again, or let the node check its blocks (bitcoind -reindex)",
                file.display()
            ),
            Fault::NoUndoFile { file, height } => write!(
                f,
                "{}: undo data missing for blocks from height {height}; copy the file from the node into the same folder",
                file.display()
            ),
            Fault::NoUndo {
                file,
                block,
                height,
                offset,
            } => {
                write!(
                    f,
                    "{}: no undo data for block {block} at height {height}",
                    file.display()
                )?;
                if let Some(offset) = offset {
                    write!(
                        f,
                        " (the likeliest record, at offset {offset}, fails its checksum)"
                    )?;
                }
                f.write_str("; copy the file again once the node has connected the block and is stopped, or let the node rebuild it (bitcoind -reindex)")
            }
            Fault::Gap {
                height,
                block,
                file,
                offset,
            } => write!(
                f,
                "after height {height} a block is missing: block {block} in {} at offset {offset} follows a block that none of the files has; copy the missing block files",
                file.display()
            ),
            Fault::NoFirstBlock { folder } => write!(
                f,
                "{}: no file has the chain's first block; blk00000.dat is missing, or the node is pruned: an index needs all blocks",
                folder.display()
            ),
            Fault::NoIndex {
                folder,
                begun: false,
            } => write!(
                f,
                "{}: no index here; build one, or choose another folder",
                folder.display()
            ),
            Fault::NoIndex {
                folder,
                begun: true,
            } => write!(
                f,
                "{}: the index is unfinished; build it again from the start",
                folder.display()
            ),
            Fault::BadIndex { folder, why } => write!(f, "{}: {why}", folder.display()),
            Fault::OtherBlocks {
                folder,
                height,
                block,
            } => write!(
                f,
                "{}: the index ends with block {block} at height {height}, which isn't in these files; use the node's folder it was built from, or build another index",
                folder.display()
            ),
            Fault::Busy { folder } => write!(
                f,
                "{}: another process is working on this index; wait until it has ended",
                folder.display()
            ),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Fault::Io { why, .. } => Some(why),
            _ => None,
        }
    }
}
