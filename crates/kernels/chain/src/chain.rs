//! The columns of an index: blocks, transactions, inputs, outputs and addresses, by number.
//!
//! Transactions, inputs, outputs and addresses are numbered in chain order. So new rows are
//! appended, and removing an orphaned block only lowers the row counts: later rows are written over
//! its own. Only compaction changes counted rows in place, and only rows of final blocks.
//!
//! Forward references (the input that spends an output, an address's last output, the sorted
//! tables) are in files for the base only: the blocks too deep for a reorg. For newer blocks they
//! are rebuilt in memory whenever an index opens.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::Path;

use crate::address::{Key, Kind, PAYLOAD_BYTES_MAX};
use crate::block::satoshi;
use crate::block::{Fingerprint, Rows, form};
use crate::columns::{Column, NONE_4, NONE_5, Rising, Writer};
use crate::files::{Hash, Location};
use crate::fx_hash::FxMap;
use crate::manifest::{Counts, Manifest};
use crate::map::Map;
use crate::{Fault, Secret, coinjoins};

/// File names of the columns.
pub(crate) mod names {
    pub const BLOCKS: &str = "blocks";
    pub const TX_ID: &str = "tx.id";
    pub const TX_OUTS: &str = "tx.outs";
    pub const TX_INS: &str = "tx.ins";
    pub const TX_FORM: &str = "tx.form";
    pub const TX_MIX: &str = "tx.mix";
    pub const TX_TABLE: &str = "tx.table";
    pub const IN_ADDRESS: &str = "in.address";
    pub const IN_SOURCE: &str = "in.source";
    pub const OUT_VALUE: &str = "out.value";
    pub const OUT_ADDRESS: &str = "out.address";
    pub const OUT_BEFORE: &str = "out.before";
    pub const OUT_SPENT: &str = "out.spent";
    pub const ADDRESS_KEYS: &str = "address.keys";
    pub const ADDRESS_KEYS_AT: &str = "address.keys-at";
    pub const ADDRESS_LAST: &str = "address.last";
    pub const ADDRESS_TABLE: &str = "address.table";
    /// Prefixes of the forests' file names.
    pub const STRONG: &str = "strong";
    pub const WEAK: &str = "weak";
}

/// The offset of every 32nd key is stored.
const KEYS_PER_PLACE: u64 = 32;
// Bytes of a block's row, as laid out in `BlockRow::bytes`.
const BLOCK: usize = 64;

/// A block's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRow {
    pub hash: Hash,
    pub time: u32,
    pub file: u32,
    pub offset: u64,
    pub bytes: u32,
    /// The target from its header, in compact form (`nBits`).
    pub bits: u32,
    pub first_tx: u64,
}

impl BlockRow {
    fn bytes(&self) -> [u8; BLOCK] {
        let mut row = [0; BLOCK];
        row[..32].copy_from_slice(&self.hash);
        row[32..36].copy_from_slice(&self.time.to_le_bytes());
        row[36..40].copy_from_slice(&self.file.to_le_bytes());
        row[40..48].copy_from_slice(&self.offset.to_le_bytes());
        row[48..52].copy_from_slice(&self.bytes.to_le_bytes());
        row[52..56].copy_from_slice(&self.bits.to_le_bytes());
        row[56..].copy_from_slice(&self.first_tx.to_le_bytes());
        row
    }

    fn of(row: &[u8; BLOCK]) -> Self {
        let four = |n: usize| u32::from_le_bytes(row[n..n + 4].try_into().expect("4-byte slice"));
        let eight = |n: usize| u64::from_le_bytes(row[n..n + 8].try_into().expect("8-byte slice"));
        Self {
            hash: row[..32].try_into().expect("32 bytes"),
            time: four(32),
            file: four(36),
            offset: eight(40),
            bytes: four(48),
            bits: four(52),
            first_tx: eight(56),
        }
    }
}

/// Writers of the columns that can be written from a block alone.
pub(crate) struct Writers {
    blocks: Writer<BLOCK>,
    tx_id: Writer<32>,
    tx_outs: Writer<5>,
    tx_ins: Writer<5>,
    tx_form: Writer<2>,
    tx_mix: Writer<2>,
    out_value: Writer<8>,
    ins: u64,
}

impl Writers {
    /// Continues after the rows that `counts` names.
    pub fn at(folder: &Path, counts: &Counts) -> io::Result<Self> {
        let path = |name: &str| folder.join(name);
        Ok(Self {
            blocks: Writer::at(&path(names::BLOCKS), counts.blocks)?,
            tx_id: Writer::at(&path(names::TX_ID), counts.txs)?,
            // Overwrites the row that `finish` added, with the same number, so a mapped reader sees no change.
            tx_outs: Writer::at(&path(names::TX_OUTS), counts.txs)?,
            tx_ins: Writer::at(&path(names::TX_INS), counts.txs)?,
            tx_form: Writer::at(&path(names::TX_FORM), counts.txs)?,
            tx_mix: Writer::at(&path(names::TX_MIX), counts.txs)?,
            out_value: Writer::at(&path(names::OUT_VALUE), counts.outs)?,
            ins: counts.ins,
        })
    }

    pub fn txs(&self) -> u64 {
        self.tx_id.rows()
    }

    pub fn ins(&self) -> u64 {
        self.ins
    }

    pub fn outs(&self) -> u64 {
        self.out_value.rows()
    }

    pub fn block(&mut self, place: &Location, rows: &Rows) -> io::Result<()> {
        let row = BlockRow {
            hash: place.hash,
            time: place.time,
            file: place.file,
            offset: place.offset,
            bytes: place.bytes,
            bits: place.bits,
            first_tx: self.txs(),
        };
        self.blocks.push(row.bytes())?;
        let mut out = self.outs();
        for tx in &rows.txs {
            self.tx_id.push(tx.id)?;
            self.tx_outs.push_number(out)?;
            self.tx_ins.push_number(self.ins)?;
            self.tx_form.push_number(u64::from(tx.form))?;
            self.tx_mix.push([tx.coinjoin, tx.confidence])?;
            out += u64::from(tx.outputs);
            self.ins += u64::from(tx.inputs);
        }
        for out in &rows.outs {
            self.out_value.push_number(out.value)?;
        }
        Ok(())
    }

    /// Finishes each column. Returns the counts, with `addresses` and `key_bytes` left at 0 for the
    /// caller to fill in.
    pub fn finish(mut self) -> io::Result<Counts> {
        let (outs, ins) = (self.outs(), self.ins);
        // One row more: where the next would begin.
        self.tx_outs.push_number(outs)?;
        self.tx_ins.push_number(ins)?;
        self.tx_outs.finish()?;
        self.tx_ins.finish()?;
        self.tx_form.finish()?;
        self.tx_mix.finish()?;
        Ok(Counts {
            blocks: self.blocks.finish()?,
            txs: self.tx_id.finish()?,
            ins,
            outs: self.out_value.finish()?,
            addresses: 0,
            key_bytes: 0,
        })
    }
}

/// Writes the scripts or keys of addresses, one after another.
pub(crate) struct KeyWriter {
    keys: BufWriter<File>,
    places: Writer<5>,
    addresses: u64,
    bytes: u64,
}

impl KeyWriter {
    pub fn at(folder: &Path, counts: &Counts) -> io::Result<Self> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(names::ADDRESS_KEYS))?;
        file.seek(io::SeekFrom::Start(counts.key_bytes))?;
        // Rounded up: the offset of a group that has begun is already stored.
        let places = counts.addresses.div_ceil(KEYS_PER_PLACE);
        Ok(Self {
            keys: BufWriter::with_capacity(1 << 20, file),
            places: Writer::at(&folder.join(names::ADDRESS_KEYS_AT), places)?,
            addresses: counts.addresses,
            bytes: counts.key_bytes,
        })
    }

    pub fn push(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        if self.addresses.is_multiple_of(KEYS_PER_PLACE) {
            self.places.push_number(self.bytes)?;
        }
        let mut row = [0; 2 + PAYLOAD_BYTES_MAX];
        (row[0], row[1]) = (kind, payload.len() as u8);
        let end = 2 + payload.len();
        row[2..end].copy_from_slice(payload);
        self.keys.write_all(&row[..end])?;
        self.bytes += 2 + payload.len() as u64;
        self.addresses += 1;
        Ok(())
    }

    /// Writes and syncs everything; returns the length of all keys, in bytes.
    pub fn finish(self) -> io::Result<u64> {
        let file = self
            .keys
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.set_len(self.bytes)?;
        file.sync_data()?;
        self.places.finish()?;
        Ok(self.bytes)
    }
}

/// First transaction of a block, while an index is being built.
pub(crate) fn first_tx(folder: &Path, counts: &Counts, height: u64) -> io::Result<u64> {
    if height >= counts.blocks {
        return Ok(counts.txs);
    }
    let blocks = Column::<BLOCK>::read(&folder.join(names::BLOCKS), counts.blocks)?;
    Ok(BlockRow::of(blocks.row(height)).first_tx)
}

/// The columns of an index, to read.
pub(crate) struct Chain {
    pub secret: Secret,
    pub counts: Counts,
    blocks: Column<BLOCK>,
    tx_id: Column<32>,
    tx_outs: Rising,
    tx_ins: Rising,
    tx_form: Column<2>,
    tx_mix: Column<2>,
    in_address: Column<4>,
    in_source: Column<5>,
    out_value: Column<8>,
    out_address: Column<4>,
    out_before: Column<5>,
    out_spent: Column<5>,
    keys: Map,
    key_places: Column<5>,
    last: Column<5>,
    /// The build's table first, then one for each run of [`Manifest::runs`].
    address_tables: Vec<Column<12>>,
    tx_tables: Vec<Column<12>>,
    /// Rows of the base.
    base: Base,
    over: Overlay,
}

/// How many rows belong to the base.
#[derive(Clone, Copy, Debug)]
struct Base {
    ins: u64,
    addresses: u64,
}

/// The forward references of the newest blocks, in memory.
#[derive(Default)]
struct Overlay {
    spent: FxMap<u64, u64>,
    last: FxMap<u32, u64>,
    addresses: FxMap<u64, Vec<u32>>,
    txs: FxMap<u64, Vec<u32>>,
}

impl Chain {
    pub fn open(index: &Path, manifest: &Manifest) -> Result<Self, Fault> {
        let folder = manifest.columns(index);
        Self::read(&folder, manifest).map_err(|e| {
            // A column is missing or too short; any other error is the system's, and a rebuild would not help.
            if e.kind() == io::ErrorKind::InvalidData || e.kind() == io::ErrorKind::NotFound {
                return Fault::BadIndex {
                    folder: index.to_owned(),
                    why: format!("{e}; delete the folder and build the index again"),
                };
            }
            Fault::io(&folder)(e)
        })
    }

    fn read(folder: &Path, manifest: &Manifest) -> io::Result<Self> {
        let path = |name: &str| folder.join(name);
        let c = &manifest.counts;
        let keys = Map::read(&path(names::ADDRESS_KEYS))?;
        // Keys differ in length, so this file is not a `Column` and is checked here.
        if (keys.bytes().len() as u64) < c.key_bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "address.keys is shorter than the manifest says",
            ));
        }
        let mut chain = Self {
            secret: manifest.secret,
            counts: *c,
            base: Base {
                // Set in `look_at_newest`, which needs the columns open.
                ins: 0,
                addresses: manifest.deep.1,
            },
            over: Overlay::default(),
            blocks: Column::read(&path(names::BLOCKS), c.blocks)?,
            tx_id: Column::read(&path(names::TX_ID), c.txs)?,
            tx_outs: Rising::read(&path(names::TX_OUTS), c.txs + 1)?,
            tx_ins: Rising::read(&path(names::TX_INS), c.txs + 1)?,
            tx_form: Column::read(&path(names::TX_FORM), c.txs)?,
            tx_mix: Column::read(&path(names::TX_MIX), c.txs)?,
            in_address: Column::read(&path(names::IN_ADDRESS), c.ins)?,
            in_source: Column::read(&path(names::IN_SOURCE), c.ins)?,
            out_value: Column::read(&path(names::OUT_VALUE), c.outs)?,
            out_address: Column::read(&path(names::OUT_ADDRESS), c.outs)?,
            out_before: Column::read(&path(names::OUT_BEFORE), c.outs)?,
            out_spent: Column::read(&path(names::OUT_SPENT), c.outs)?,
            keys,
            key_places: Column::read(
                &path(names::ADDRESS_KEYS_AT),
                c.addresses.div_ceil(KEYS_PER_PLACE),
            )?,
            last: Column::read(&path(names::ADDRESS_LAST), manifest.deep.1)?,
            address_tables: vec![Column::read(
                &path(names::ADDRESS_TABLE),
                manifest.tables.0,
            )?],
            tx_tables: vec![Column::read(&path(names::TX_TABLE), manifest.tables.1)?],
        };
        for run in &manifest.runs {
            let of = |name: &str, rows| Column::read(&path(&run.file(name)), rows);
            chain
                .address_tables
                .push(of(names::ADDRESS_TABLE, run.addresses)?);
            chain.tx_tables.push(of(names::TX_TABLE, run.txs)?);
        }
        chain.look_at_newest(manifest.deep.0);
        Ok(chain)
    }

    /// Rebuilds forward references for blocks from that height on.
    fn look_at_newest(&mut self, height: u64) {
        let txs = self.first_tx(height)..self.counts.txs;
        let (outs, ins) = (self.tx_outs.get(txs.start), self.tx_ins.get(txs.start));
        self.base.ins = ins;
        let mut over = Overlay::default();
        over.spent.reserve((self.counts.ins - ins) as usize);
        // A guess: fewer addresses than outputs.
        over.last.reserve((self.counts.outs - outs) as usize / 2);
        over.txs.reserve((txs.end - txs.start) as usize);
        for input in ins..self.counts.ins {
            over.spent.insert(self.source(input), input);
        }
        for out in outs..self.counts.outs {
            let address = self.payee(out);
            if u64::from(address) != NONE_4 {
                // Outputs come in order, so the newest one stays.
                over.last.insert(address, out);
            }
        }
        for address in self.base.addresses as u32..self.counts.addresses as u32 {
            let f = Fingerprint::of_key(&self.key(address), &self.secret);
            // A list, because two keys may share these 64 bits; `find` compares the whole key.
            over.addresses.entry(f.high).or_default().push(address);
        }
        for tx in txs {
            let f = Fingerprint::of_transaction(&self.id(tx), &self.secret);
            over.txs.entry(f.high).or_default().push(tx as u32);
        }
        self.over = over;
    }

    pub fn block(&self, height: u64) -> BlockRow {
        BlockRow::of(self.blocks.row(height))
    }

    /// First transaction of a block, or where the next block's would be.
    pub fn first_tx(&self, height: u64) -> u64 {
        if height < self.counts.blocks {
            self.block(height).first_tx
        } else {
            self.counts.txs
        }
    }

    /// Height of a transaction's block.
    pub fn height(&self, tx: u64) -> u64 {
        // Every block has a coinbase, so first transactions rise strictly.
        let (mut low, mut high) = (0, self.counts.blocks);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.block(middle).first_tx <= tx {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    pub fn id(&self, tx: u64) -> Hash {
        *self.tx_id.row(tx)
    }

    pub fn outs(&self, tx: u64) -> std::ops::Range<u64> {
        self.tx_outs.get(tx)..self.tx_outs.get(tx + 1)
    }

    pub fn ins(&self, tx: u64) -> std::ops::Range<u64> {
        self.tx_ins.get(tx)..self.tx_ins.get(tx + 1)
    }

    pub fn tx_of_out(&self, out: u64) -> u64 {
        self.tx_outs.last_at_most(out)
    }

    pub fn tx_of_in(&self, input: u64) -> u64 {
        self.tx_ins.last_at_most(input)
    }

    pub fn form(&self, tx: u64) -> u16 {
        self.tx_form.get(tx) as u16
    }

    pub fn is_coinbase(&self, tx: u64) -> bool {
        self.form(tx) & form::COINBASE != 0
    }

    /// The CoinJoin pattern a transaction matches, and its confidence, 0 to 100.
    pub fn coinjoin(&self, tx: u64) -> Option<(&'static coinjoins::CoinJoin, u8)> {
        let [kind, confidence] = *self.tx_mix.row(tx);
        let coinjoin = coinjoins::by_code(kind)?;
        Some((coinjoin, confidence))
    }

    /// Whether several owners may pay in a transaction.
    pub fn is_joint(&self, tx: u64) -> bool {
        self.coinjoin(tx)
            .is_some_and(|(coinjoin, _)| coinjoin.joint)
    }

    /// The address that an input spends from; [`NO_ADDRESS`](crate::forest::NO_ADDRESS) if it has none.
    pub fn payer(&self, input: u64) -> u32 {
        self.in_address.get(input) as u32
    }

    /// The output that an input spends.
    pub fn source(&self, input: u64) -> u64 {
        self.in_source.get(input)
    }

    /// Satoshi.
    pub fn value(&self, out: u64) -> u64 {
        satoshi(self.out_value.get(out))
    }

    /// An output's stored value, with the flags of [`crate::block::out_bits`] above the amount.
    pub fn value_row(&self, out: u64) -> u64 {
        self.out_value.get(out)
    }

    pub fn payee(&self, out: u64) -> u32 {
        self.out_address.get(out) as u32
    }

    /// The input that spends an output.
    pub fn spent(&self, out: u64) -> Option<u64> {
        if let Some(input) = self.over.spent.get(&out) {
            return Some(*input);
        }
        let input = self.out_spent.get(out);
        // Hides what an interrupted compaction wrote above the base, and "none", which is larger still.
        (input < self.base.ins).then_some(input)
    }

    /// The output before this one that paid the same address.
    pub fn before(&self, out: u64) -> Option<u64> {
        let before = self.out_before.get(out);
        (before != NONE_5).then_some(before)
    }

    /// The last output that paid an address.
    pub fn last(&self, address: u32) -> Option<u64> {
        if let Some(out) = self.over.last.get(&address) {
            return Some(*out);
        }
        // The column ends here; a newer address is in the overlay, or was never paid.
        if u64::from(address) >= self.base.addresses {
            return None;
        }
        let out = self.last.get(u64::from(address));
        (out != NONE_5).then_some(out)
    }

    /// Outputs that paid an address, the newest first.
    pub fn received(&self, address: u32) -> impl Iterator<Item = u64> + '_ {
        std::iter::successors(self.last(address), |out| self.before(*out))
    }

    /// How many addresses were seen before a transaction.
    pub fn addresses_before(&self, tx: u64) -> u64 {
        // An address gets the next id with its first payment. So the first output from here on that
        // is an address's first payment has the count as its id.
        let from = if tx < self.counts.txs {
            self.tx_outs.get(tx)
        } else {
            self.counts.outs
        };
        (from..self.counts.outs)
            .find(|out| self.payee(*out) != NONE_4 as u32 && self.before(*out).is_none())
            .map_or(self.counts.addresses, |out| u64::from(self.payee(out)))
    }

    /// The script or key of an address.
    pub fn key(&self, address: u32) -> Key {
        let address = u64::from(address);
        let mut at = self.key_places.get(address / KEYS_PER_PLACE) as usize;
        let bytes = self.keys.bytes();
        // Keys differ in length: walk over at most 31 keys from the stored offset before it.
        for _ in 0..address % KEYS_PER_PLACE {
            at += 2 + usize::from(bytes[at + 1]);
        }
        let length = usize::from(bytes[at + 1]);
        let kind = Kind::from_number(bytes[at]);
        Key::new(kind, &bytes[at + 2..at + 2 + length]).expect("keys are written by us")
    }

    /// How many bytes the keys of the first `addresses` addresses take.
    pub fn key_bytes(&self, addresses: u64) -> u64 {
        // After a last group that is full, no offset is stored.
        if addresses == self.counts.addresses {
            return self.counts.key_bytes;
        }
        let bytes = self.keys.bytes();
        let mut at = self.key_places.get(addresses / KEYS_PER_PLACE) as usize;
        for _ in 0..addresses % KEYS_PER_PLACE {
            at += 2 + usize::from(bytes[at + 1]);
        }
        at as u64
    }

    /// The counts of an index that ends before the block at `height`.
    pub fn counts_below(&self, height: u64) -> Counts {
        let txs = self.first_tx(height);
        let addresses = self.addresses_before(txs);
        Counts {
            blocks: height.min(self.counts.blocks),
            txs,
            ins: self.tx_ins.get(txs),
            outs: self.tx_outs.get(txs),
            addresses,
            key_bytes: self.key_bytes(addresses),
        }
    }

    /// The id of a script or key, looked up in the sorted tables and among the newest blocks.
    pub fn find(&self, key: &Key) -> Option<u32> {
        let f = Fingerprint::of_key(key, &self.secret);
        let newest = self
            .over
            .addresses
            .get(&f.high)
            .into_iter()
            .flatten()
            .copied();
        // A build's table also lists addresses above the base, whose ids a reorg gives to others.
        let tables = self.address_tables.iter();
        tables
            .flat_map(|table| lookup(table, f.high))
            .filter(|id| u64::from(*id) < self.base.addresses)
            .chain(newest)
            .find(|id| self.key(*id) == *key)
    }

    /// The number of a transaction, looked up among the newest blocks and in the sorted tables.
    pub fn find_tx(&self, id: &Hash) -> Option<u64> {
        let f = Fingerprint::of_transaction(id, &self.secret);
        let newest = self.over.txs.get(&f.high).into_iter().flatten().copied();
        // Of two with one id (BIP 30) the later one holds the coins.
        newest
            .rev()
            .chain(self.tx_tables.iter().rev().flat_map(|t| lookup(t, f.high)))
            .map(u64::from)
            .find(|tx| *tx < self.counts.txs && self.id(*tx) == *id)
    }
}

/// What a sorted table has under a fingerprint.
fn lookup(table: &Column<12>, fingerprint: u64) -> impl Iterator<Item = u32> + '_ {
    let (mut low, mut high) = (0, table.rows());
    while low < high {
        let middle = low + (high - low) / 2;
        if table.get(middle) < fingerprint {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    // Several rows may share a fingerprint; callers compare the whole key or id.
    (low..table.rows())
        .take_while(move |n| table.get(*n) == fingerprint)
        .map(|n| u32::from_le_bytes(table.row(n)[8..].try_into().expect("4-byte slice")))
}
