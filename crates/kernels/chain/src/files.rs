//! Turns a node's folder of block files into the chain's blocks in order, with the location of each.
//!
//! `blkNNNNN.dat` hold records `[magic 4][size 4][block]`, `revNNNNN.dat` `[magic][size][undo]
//! [checksum 32]`, both XORed with the eight bytes of `xor.dat`, indexed by the offset in the file.
//! Preallocated space at the end is zeros, not XORed. Blocks are stored in the order of arrival; stale
//! blocks remain.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

pub use crate::hash256::Hash;
use crate::hash256::sha256d;
use crate::{Fault, Network, undo};

/// Largest record we read, bytes; a block has at most 4,000,000. Our judgement: twice the limit of
/// consensus.
pub const RECORD_BYTES_MAX: u64 = 8_000_000;
/// Bytes read of each record: magic and size, header, number of transactions.
const HEAD_BYTES: usize = 8 + 80 + 9;

/// A hash in hex, with its bytes reversed, as explorers print it.
pub fn hash_text(hash: &Hash) -> String {
    use std::fmt::Write as _;
    hash.iter().rev().fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// Reads what [`hash_text`] writes; `None` unless the text is 64 hex digits.
pub fn hash_of_text(text: &str) -> Option<Hash> {
    let mut bytes: Hash = crate::address::unhex(text)?.try_into().ok()?;
    bytes.reverse();
    Some(bytes)
}

/// Location of a block, and the fields of its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    pub hash: Hash,
    pub previous: Hash,
    /// Number of its file.
    pub file: u32,
    /// Where its record begins, bytes.
    pub offset: u64,
    /// Bytes of the block itself.
    pub bytes: u32,
    pub transactions: u64,
    /// Seconds since 1970, as its miner said.
    pub time: u32,
    /// The target from the header, in compact form (`nBits`).
    pub bits: u32,
    /// Its position among the file's blocks with the same number of transactions, by height,
    /// competing blocks included. Its undo record is probably at the same position among the undo
    /// records for that number.
    pub rank: u32,
}

impl Location {
    /// The location of a block that an index has. Fields that reading the block doesn't need are 0.
    pub fn known(hash: Hash, file: u32, offset: u64, bytes: u32) -> Self {
        Self {
            hash,
            previous: [0; 32],
            file,
            offset,
            bytes,
            transactions: 0,
            time: 0,
            bits: 0,
            rank: 0,
        }
    }
}

/// A folder of block files.
pub(crate) struct Blocks {
    pub folder: PathBuf,
    key: [u8; 8],
    has_key: bool,
    network: Network,
}

/// One file's undo records.
pub(crate) struct UndoFile {
    bytes: Vec<u8>,
    path: PathBuf,
    /// Offset and length of the data, by number of transactions without the coinbase.
    records: HashMap<u64, Vec<(usize, usize)>>,
}

impl Blocks {
    pub fn open(folder: &Path, network: Network) -> Result<Self, Fault> {
        if !folder.is_dir() {
            return Err(Fault::NoBlocks {
                folder: folder.to_owned(),
            });
        }
        let path = folder.join("xor.dat");
        let (key, has_key) = match fs::read(&path) {
            Ok(bytes) => {
                let wrong = |_| Fault::BadKey { file: path.clone() };
                (<[u8; 8]>::try_from(bytes).map_err(wrong)?, true)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => ([0; 8], false),
            Err(e) => return Err(Fault::io(&path)(e)),
        };
        Ok(Self {
            folder: folder.to_owned(),
            key,
            has_key,
            network,
        })
    }

    /// Numbers of the block files, in order.
    pub fn numbers(&self) -> Result<Vec<u32>, Fault> {
        let mut numbers = Vec::new();
        let listed = fs::read_dir(&self.folder).map_err(Fault::io(&self.folder))?;
        for entry in listed {
            let name = entry.map_err(Fault::io(&self.folder))?.file_name();
            let number = name.to_str().and_then(|n| {
                let digits = n.strip_prefix("blk")?.strip_suffix(".dat")?;
                // Bitcoin Core pads the number to five digits; it has more only from 100000 on.
                digits.parse::<u32>().ok().filter(|_| digits.len() >= 5)
            });
            numbers.extend(number);
        }
        numbers.sort_unstable();
        if numbers.is_empty() {
            return Err(Fault::NoBlocks {
                folder: self.folder.clone(),
            });
        }
        Ok(numbers)
    }

    pub fn block_file(&self, number: u32) -> PathBuf {
        self.folder.join(format!("blk{number:05}.dat"))
    }

    fn undo_path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("rev{number:05}.dat"))
    }

    /// The fault for a block that none of the undo records fits.
    pub fn no_undo(&self, place: &Location, height: u32) -> Fault {
        Fault::NoUndo {
            file: self.undo_path(place.file),
            block: hash_text(&place.hash),
            height,
            offset: None,
        }
    }

    fn unmask(&self, bytes: &mut [u8], offset: u64) {
        if self.key == [0; 8] {
            return;
        }
        let mut key = self.key;
        // The key follows the offset in the file, wherever a read begins.
        key.rotate_left((offset % 8) as usize);
        // Any byte order will do, as long as key and data use the same.
        let word = u64::from_ne_bytes(key);
        let mut words = bytes.chunks_exact_mut(8);
        for chunk in &mut words {
            let plain = u64::from_ne_bytes((&*chunk).try_into().expect("8-byte slice")) ^ word;
            chunk.copy_from_slice(&plain.to_ne_bytes());
        }
        for (byte, k) in words.into_remainder().iter_mut().zip(key) {
            *byte ^= k;
        }
    }

    /// The locations of all blocks of a file from an offset on, and the offset of the next record.
    ///
    /// With `live` the node may still be writing: the scan ends before an incomplete record instead
    /// of failing.
    pub fn scan(&self, number: u32, from: u64, live: bool) -> Result<(Vec<Location>, u64), Fault> {
        let path = self.block_file(number);
        let io = || Fault::io(&path);
        let file = File::open(&path).map_err(io())?;
        let length = file.metadata().map_err(io())?.len();
        let (mut places, mut at) = (Vec::new(), from);
        while at + 8 <= length {
            let mut head = [0; HEAD_BYTES];
            let n = HEAD_BYTES.min((length - at) as usize);
            file.read_exact_at(&mut head[..n], at).map_err(io())?;
            // Kept as read, to recognise a file that was never obfuscated.
            let raw: [u8; 4] = head[..4].try_into().expect("4-byte slice");
            self.unmask(&mut head[..n], at);
            let magic: [u8; 4] = head[..4].try_into().expect("4-byte slice");
            if !self.network.magics().contains(&magic) {
                // A file that begins with zeros was preallocated and not written yet.
                if at == 0 && raw != [0; 4] {
                    return Err(self.no_block(path, magic, raw));
                }
                if self.rest_is_empty(&file, at, length).map_err(io())? || live {
                    return Ok((places, at));
                }
                return Err(Fault::Unknown {
                    file: path,
                    offset: at,
                });
            }
            let size = u64::from(u32::from_le_bytes(
                head[4..8].try_into().expect("4-byte slice"),
            ));
            // A header of 80 bytes and at least one byte for the number of transactions.
            if !(81..=RECORD_BYTES_MAX).contains(&size) {
                return Err(Fault::BadBlock {
                    file: path,
                    offset: at,
                    why: "has an impossible size",
                });
            }
            if at + 8 + size > length {
                if live {
                    return Ok((places, at));
                }
                return Err(Fault::Truncated {
                    file: path,
                    offset: at,
                    wanted: size,
                    found: length - at - 8,
                });
            }
            let header = &head[8..88];
            let bad = || Fault::BadBlock {
                file: path.clone(),
                offset: at,
                why: "lacks the number of transactions",
            };
            // The head that was read may reach into the next record.
            let end = n.min(8 + size as usize);
            let transactions = undo::compact_size(&mut &head[88..end]).ok_or_else(bad)?;
            let four = |from: usize| {
                u32::from_le_bytes(header[from..from + 4].try_into().expect("4-byte slice"))
            };
            places.push(Location {
                hash: sha256d(&[header]),
                previous: header[4..36].try_into().expect("32 bytes"),
                file: number,
                offset: at,
                bytes: size as u32,
                transactions,
                time: four(68),
                bits: four(72),
                // Known only when all blocks are in order: set by `order`.
                rank: 0,
            });
            at += 8 + size;
        }
        Ok((places, at))
    }

    fn no_block(&self, file: PathBuf, magic: [u8; 4], raw: [u8; 4]) -> Fault {
        if let Some(found) = Network::by_magic(magic) {
            return Fault::OtherNetwork {
                file,
                found,
                wanted: self.network,
            };
        }
        Fault::WrongKey {
            file,
            has_key: self.has_key,
            plain_would_do: Network::by_magic(raw).is_some(),
        }
    }

    /// Whether only zeros follow, either as stored or after XOR with the key.
    fn rest_is_empty(&self, file: &File, from: u64, length: u64) -> io::Result<bool> {
        let mut at = from;
        let (mut buffer, mut plain) = (vec![0; 1 << 16], Vec::new());
        let (mut zeros, mut masked) = (true, true);
        while at < length && (zeros || masked) {
            let n = buffer.len().min((length - at) as usize);
            let read = &mut buffer[..n];
            file.read_exact_at(read, at)?;
            zeros &= read.iter().all(|b| *b == 0);
            plain.clear();
            plain.extend_from_slice(read);
            self.unmask(&mut plain, at);
            masked &= plain.iter().all(|b| *b == 0);
            at += n as u64;
        }
        Ok(zeros || masked)
    }

    /// Reads a block's bytes into `into` and checks the hash of its header.
    pub fn block(&self, place: &Location, into: &mut Vec<u8>) -> Result<(), Fault> {
        let path = self.block_file(place.file);
        let file = File::open(&path).map_err(Fault::io(&path))?;
        self.block_of(&file, &path, place, into)
    }

    /// Like [`Blocks::block`], with the file open.
    pub fn block_of(
        &self,
        file: &File,
        path: &Path,
        place: &Location,
        into: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        into.resize(place.bytes as usize, 0);
        file.read_exact_at(into, place.offset + 8)
            .map_err(Fault::io(path))?;
        self.unmask(into, place.offset + 8);
        // Only the header; the Merkle root in it is compared when the block is parsed.
        if into.len() < 80 || sha256d(&[&into[..80]]) != place.hash {
            return Err(Fault::BadBlock {
                file: path.to_owned(),
                offset: place.offset,
                why: "has a different hash from the block that was there before",
            });
        }
        Ok(())
    }

    /// A file's undo records. If the file is missing, the fault names `height`.
    pub fn undo_file(&self, number: u32, height: u32) -> Result<UndoFile, Fault> {
        let path = self.undo_path(number);
        let mut bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Fault::NoUndoFile { file: path, height });
            }
            Err(e) => return Err(Fault::io(&path)(e)),
        };
        self.unmask(&mut bytes, 0);
        let mut records: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
        let mut at = 0;
        // Stops at an incomplete record without a fault: a block that needs it reports it missing.
        while let Some(head) = bytes.get(at..at + 8) {
            let magic: [u8; 4] = head[..4].try_into().expect("4-byte slice");
            let size = u32::from_le_bytes(head[4..].try_into().expect("4-byte slice")) as usize;
            // 32 bytes of checksum. `size` has 32 bits, so the sum does not overflow.
            let end = at + 8 + size + 32;
            if !self.network.magics().contains(&magic) || end > bytes.len() {
                break;
            }
            // Checksums are checked in `of`: they cover the predecessor's hash, which only the block
            // names.
            if let Some(n) = undo::transactions(&bytes[at + 8..at + 8 + size]) {
                records.entry(n).or_default().push((at + 8, size));
            }
            at = end;
        }
        Ok(UndoFile {
            bytes,
            path,
            records,
        })
    }
}

impl UndoFile {
    /// Finds a block's undo data among the records with its number of transactions and a matching
    /// checksum, and hands them to `use_it`.
    ///
    /// The checksum covers only the predecessor's hash and the data, so the records of two
    /// competing blocks both match. If `use_it` refuses one, the next is tried; if it refuses all,
    /// its first reason is returned. Fails if no record has that number of transactions, or if no
    /// checksum matches.
    pub fn of<T, E>(
        &self,
        place: &Location,
        height: u32,
        mut use_it: impl FnMut(&[u8]) -> Result<T, E>,
    ) -> Result<Result<T, E>, Fault> {
        let missing = |offset| Fault::NoUndo {
            file: self.path.clone(),
            block: hash_text(&place.hash),
            height,
            offset,
        };
        // Undo data omit the coinbase.
        let records = self
            .records
            .get(&place.transactions.saturating_sub(1))
            .ok_or_else(|| missing(None))?;
        // Undo records are written in the order in which blocks are connected, so the likeliest one
        // is at the block's rank; then its neighbours, nearest first.
        let likely = (place.rank as usize).min(records.len() - 1);
        let outwards = (0..records.len()).flat_map(|far| {
            let back = likely.checked_sub(far);
            let on = (far > 0).then_some(likely + far);
            [back, on].into_iter().flatten()
        });
        let mut refused = None;
        for n in outwards {
            let Some(&(at, length)) = records.get(n) else {
                continue;
            };
            let data = &self.bytes[at..at + length];
            let sum = &self.bytes[at + length..at + length + 32];
            if sha256d(&[&place.previous, data]) != *sum {
                continue;
            }
            match use_it(data) {
                Ok(used) => return Ok(Ok(used)),
                // The first one refused is the likeliest, so its reason is the one to report.
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        let likely = records[likely].0 - 8;
        refused.map(Err).ok_or_else(|| missing(Some(likely as u64)))
    }
}

/// The chain with the most work, and the blocks that connect to no chain.
pub(crate) struct Order {
    /// By height.
    pub chain: Vec<Location>,
    /// Blocks whose predecessor is in no file.
    pub apart: Vec<Location>,
}

/// Puts blocks into the chain's order.
pub(crate) fn order(places: &[Location]) -> Order {
    // A block that is stored twice counts once.
    let by_hash: HashMap<Hash, usize> = (0..).zip(places).map(|(n, p)| (p.hash, n)).collect();
    let mut next: HashMap<Hash, Vec<usize>> = HashMap::new();
    let (mut ready, mut apart) = (Vec::new(), Vec::new());
    for (&hash, &n) in &by_hash {
        let place = &places[n];
        if place.previous == [0; 32] {
            ready.push((n, work(place.bits), 0));
        } else {
            next.entry(place.previous).or_default().push(n);
            if !by_hash.contains_key(&place.previous) {
                apart.push(*place);
            }
        }
        debug_assert_eq!(hash, place.hash);
    }
    apart.sort_by_key(|p| (p.file, p.offset));
    // The one that was first on the disk wins a tie, as in the node.
    let mut best = None;
    let mut heights: Vec<(u32, u32, u64, usize)> = Vec::with_capacity(by_hash.len());
    // A list of open blocks, not recursion, which would go as deep as the chain is long.
    while let Some((n, total, height)) = ready.pop() {
        let place = &places[n];
        heights.push((place.file, height, place.offset, n));
        let rank = (total, std::cmp::Reverse((place.file, place.offset)), n);
        if best.is_none_or(|b: (u128, _, usize)| rank > b) {
            best = Some(rank);
        }
        for &child in next.get(&place.hash).into_iter().flatten() {
            let more = total.saturating_add(work(places[child].bits));
            ready.push((child, more, height + 1));
        }
    }
    let mut chain = Vec::new();
    let mut at = best.map(|b| b.2);
    while let Some(n) = at {
        chain.push(places[n]);
        at = by_hash.get(&places[n].previous).copied();
    }
    chain.reverse();
    // Competing blocks count too: the first to arrive was connected first, and undo data are stored in that order.
    heights.sort_unstable();
    let mut ranks: HashMap<(u32, u64), u32> = HashMap::new();
    let mut of: HashMap<Hash, u32> = HashMap::new();
    for (file, _, _, n) in heights {
        let place = &places[n];
        let seen = ranks.entry((file, place.transactions)).or_default();
        of.insert(place.hash, *seen);
        *seen += 1;
    }
    for place in &mut chain {
        place.rank = of.get(&place.hash).copied().unwrap_or_default();
    }
    Order { chain, apart }
}

/// Expected number of hashes to find a block, from its header's `nBits`; at least one.
pub(crate) fn work(bits: u32) -> u128 {
    let (exponent, mantissa) = (bits >> 24, u128::from(bits & 0x007f_ffff));
    // Above 34 the target does not fit into 256 bits, which consensus refuses.
    if mantissa == 0 || exponent > 34 {
        return 1;
    }
    // 2^256 / (mantissa · 256^(exponent − 3)), to within rounding.
    let shift = 256 - 8 * (i64::from(exponent) - 3);
    let work = match shift {
        i64::MIN..0 => 0,
        0..=120 => (1u128 << shift) / mantissa,
        // Capped, because 1 << 127 is the top bit; only exponents below 20 are understated by it.
        _ => ((1u128 << 120) / mantissa) << (shift - 120).min(7),
    };
    work.max(1)
}
