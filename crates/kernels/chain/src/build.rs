//! Turns a folder of block files into an index, in passes that each read and write in order.
//!
//! The passes:
//! - headers: which blocks there are, and in what order;
//! - blocks and undo data: their rows go to columns, their fingerprints to spools;
//! - addresses: an output whose fingerprint occurs for the first time pays a new address. Addresses
//!   are numbered in this order, so those used together get neighbouring ids;
//! - sources: the output that each input spends;
//! - the outputs of each address, as a linked list;
//! - the forests.
//!
//! The manifest is written last, so an interrupted build never leaves an incomplete index: the
//! folder has the index it had before, or none.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use crate::address::{Kind, PAYLOAD_BYTES_MAX};
use crate::block::{self, Fingerprint, ParseFault, Parser, Rows};
use crate::chain::{self, Chain, names};
use crate::columns::{Column, NONE_4, NONE_5, Writer, filled_with_none};
use crate::files::{self, Blocks, Location, UndoFile};
use crate::forest::{self, Growing};
use crate::heuristics;
use crate::index::{STRONG_TAIL_BLOCKS, WEAK_GUARD_MEMBERS, WEAK_TAIL_BLOCKS};
use crate::manifest::{BUILDING, Counts, Lock, Manifest};
use crate::rule_set;
use crate::spool::{FirstOccurrences, Partitions, ScatterPass, defines, in_threads, uses};
use crate::{Fault, Network, Secret};

/// What a build is doing, and how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The stage's name.
    pub stage: &'static str,
    /// How much of the stage is done. The unit depends on the stage: files in `headers`, bytes in
    /// `blocks`, outputs in `outputs`, transactions in `clusters` and `change`, blocks in
    /// `following`, partitions of the sort in all others.
    pub done: u64,
    /// The whole, in the same unit.
    pub total: u64,
}

/// What to build from what.
pub struct Build<'a> {
    /// The network of the blocks.
    pub network: Network,
    /// The node's folder `blocks`.
    pub blocks: &'a Path,
    /// The index's folder; created if it is missing.
    pub index: &'a Path,
    /// Key of the fingerprints, from the operating system's randomness. [`crate::follow()`] ignores
    /// it and uses the index's own.
    pub secret: Secret,
    /// How many threads to use; 0 is taken as 1. [`crate::follow()`] uses one.
    pub threads: usize,
    /// The node may be writing: incomplete records at the end are left for a later run. A build
    /// also leaves out the newest six blocks.
    pub live: bool,
    /// Called as the build advances.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Newest blocks that a live build leaves out: a running node may not have written their undo data.
/// [`crate::follow`] appends them later. Our judgement.
const LIVE_TAIL_BLOCKS: usize = 6;

/// Builds an index from the first block on. An unfinished build in the folder starts over; a
/// finished index there is replaced once the new one is complete. Fails on the first damaged or
/// missing block or undo record; a live build leaves out the blocks after a missing one instead.
pub fn build(b: &Build<'_>) -> Result<(), Fault> {
    let blocks = Blocks::open(b.blocks, b.network)?;
    // Before anything is created: a wrong folder of blocks leaves no unfinished index behind.
    let mut places = chain_of(b, &blocks)?;
    if b.live && places.len() > LIVE_TAIL_BLOCKS {
        places.truncate(places.len() - LIVE_TAIL_BLOCKS);
    }
    fs::create_dir_all(b.index).map_err(Fault::io(b.index))?;
    // Held to the end: nothing may read or append while the columns change place.
    let _lock = Lock::alone(b.index)?;
    let folder = b.index.join(BUILDING);
    // Left by an interrupted build. Its spools were files without a name, so it cannot be resumed.
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Fault::io(&folder))?;
    }
    fs::create_dir(&folder).map_err(Fault::io(&folder))?;
    let mut manifest = Manifest {
        rules: rule_set::digest(),
        network: b.network,
        blocks_folder: fs::canonicalize(b.blocks).map_err(Fault::io(b.blocks))?,
        secret: b.secret,
        // `forests` opens the columns through the manifest, so until then it names this folder.
        folder: BUILDING.to_owned(),
        tip: places.last().map_or([0; 32], |p| p.hash),
        counts: Counts::default(),
        tables: (0, 0),
        deep: (0, 0),
        folding: 0,
        runs: Vec::new(),
        strong: (0, 0),
        weak: (0, 0),
        links: (0, 0),
        refused: 0,
    };
    let spools = read_blocks(b, &blocks, &places, &folder, &mut manifest.counts)?;
    let at = |e: io::Error| Fault::io(&folder)(e);
    addresses(b, &folder, &spools.addresses, &mut manifest.counts).map_err(at)?;
    // Gives its space on the disk back before the next temporary files grow.
    drop(spools.addresses);
    manifest.tables.0 = manifest.counts.addresses;
    manifest.tables.1 = sources(b, &folder, &spools.transactions, &manifest.counts).map_err(at)?;
    drop(spools.transactions);
    chains_of_outputs(b, &folder, &mut manifest).map_err(at)?;
    forests(b, &mut manifest)?;
    // Everything is in its place; now the folder gets its name, and the manifest names it.
    sync_all_in(&folder).map_err(at)?;
    // Also `None` for an index of another rule set: its columns then stay on the disk.
    let old = rule_set::manifest(b.index).ok();
    // Skips names that exist: a crash between the rename and the manifest leaves a folder that no
    // manifest names.
    manifest.folder = (1..)
        .map(|n| format!("columns-{n}"))
        .find(|name| !b.index.join(name).exists())
        .unwrap_or_default();
    let named = manifest.columns(b.index);
    // Synced by the manifest, which syncs the folder that holds both.
    fs::rename(&folder, &named).map_err(Fault::io(&named))?;
    manifest.write(b.index)?;
    // Only now: until the new manifest was written, the old index was the valid one.
    if let Some(old) = old {
        let old = old.columns(b.index);
        fs::remove_dir_all(&old).map_err(Fault::io(&old))?;
    }
    Ok(())
}

fn sync_all_in(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(folder)?.sync_all()
}

/// The places of the chain's blocks by height.
pub(crate) fn chain_of(b: &Build<'_>, blocks: &Blocks) -> Result<Vec<Location>, Fault> {
    let numbers = blocks.numbers()?;
    let last = numbers.last().copied();
    let done = AtomicUsize::new(0);
    let scanned = in_threads(b.threads, &numbers, |n| {
        // A node appends to its last file; a torn record in any other is damage.
        let places = blocks.scan(*n, 0, b.live && Some(*n) == last);
        (b.progress)(Progress {
            stage: "headers",
            done: done.fetch_add(1, Ordering::Relaxed) as u64 + 1,
            total: numbers.len() as u64,
        });
        places
    });
    let mut places = Vec::new();
    for scan in scanned {
        places.extend(scan?.0);
    }
    let order = files::order(&places);
    let Some(first) = order.chain.first() else {
        return Err(Fault::NoFirstBlock {
            folder: blocks.folder.clone(),
        });
    };
    if !b
        .network
        .first_blocks()
        .contains(&files::hash_text(&first.hash).as_str())
    {
        return Err(Fault::BadBlock {
            file: blocks.block_file(first.file),
            offset: first.offset,
            why: "is the first block of its chain but not this network's genesis block",
        });
    }
    if let Some(apart) = order.apart.first()
        && !b.live
    {
        return Err(Fault::Gap {
            height: order.chain.len() as u32 - 1,
            block: files::hash_text(&apart.hash),
            file: blocks.block_file(apart.file),
            offset: apart.offset,
        });
    }
    Ok(order.chain)
}

struct Spools {
    addresses: Partitions,
    transactions: Partitions,
}

/// A block's rows with their fingerprints.
pub(crate) struct PreparedBlock {
    pub rows: Rows,
    pub of_txs: Vec<Fingerprint>,
    pub of_previous: Vec<Fingerprint>,
    pub of_ins: Vec<Fingerprint>,
    pub of_outs: Vec<Fingerprint>,
}

/// Reads and parses a block. `fits` decides whether the spent outputs in undo data can be right; if
/// not, the next record is tried.
pub(crate) fn prepare(
    blocks: &Blocks,
    undo_files: &UndoFiles,
    parser: &mut Parser,
    buffer: &mut Vec<u8>,
    (place, height): (&Location, u32),
    secret: &Secret,
    fits: &dyn Fn(&Rows) -> bool,
) -> Result<PreparedBlock, Fault> {
    blocks.block(place, buffer)?;
    // A coinbase spends nothing, so a block of one transaction needs no undo data.
    let rows = if place.transactions > 1 {
        let file = undo_files.get(blocks, place.file, height)?;
        file.of(place, height, |undo| {
            block::parse(parser, buffer, undo, secret)
                .and_then(|rows| fits(&rows).then_some(rows).ok_or(ParseFault::Undo))
        })?
    } else {
        block::parse(parser, buffer, &[], secret)
    };
    let rows = rows.map_err(|wrong| match wrong {
        ParseFault::Undo => blocks.no_undo(place, height),
        ParseFault::Block(why) => Fault::BadBlock {
            file: blocks.block_file(place.file),
            offset: place.offset,
            why,
        },
    })?;
    Ok(fingerprints(rows, secret))
}

pub(crate) fn fingerprints(rows: Rows, secret: &Secret) -> PreparedBlock {
    let of_key = |k| Fingerprint::of_key(k, secret);
    let of_tx = |id| Fingerprint::of_transaction(id, secret);
    PreparedBlock {
        of_txs: rows.txs.iter().map(|t| of_tx(&t.id)).collect(),
        of_previous: rows.ins.iter().map(|i| of_tx(&i.previous)).collect(),
        of_ins: rows.ins.iter().map(|i| of_key(&i.key)).collect(),
        of_outs: rows.outs.iter().map(|o| of_key(&o.key)).collect(),
        rows,
    }
}

/// The most recently used undo files. Neighbouring blocks are in few files.
#[derive(Default)]
pub(crate) struct UndoFiles(Mutex<HashMap<u32, (u64, Arc<UndoFile>)>>);

// Undo files kept in memory, each whole. Our judgement: threads work on neighbouring blocks, in few
// files.
const UNDO_FILES_KEPT: usize = 6;

impl UndoFiles {
    fn get(&self, blocks: &Blocks, number: u32, height: u32) -> Result<Arc<UndoFile>, Fault> {
        let mut kept = self.0.lock().expect("lock poisoned");
        let now = kept.values().map(|k| k.0).max().unwrap_or(0) + 1;
        if let Some(known) = kept.get_mut(&number) {
            known.0 = now;
            return Ok(known.1.clone());
        }
        // Read under the lock: other threads want the same file, and would read it a second time.
        let file = Arc::new(blocks.undo_file(number, height)?);
        if kept.len() >= UNDO_FILES_KEPT {
            let oldest = kept.iter().min_by_key(|k| k.1.0).map(|k| *k.0);
            oldest.and_then(|n| kept.remove(&n));
        }
        kept.insert(number, (now, file.clone()));
        Ok(file)
    }
}

/// Blocks handed to a thread at a time. Our judgement.
const BATCH_BLOCKS: usize = 16;

// Long: a single pass whose state is in local variables.
fn read_blocks(
    b: &Build<'_>,
    blocks: &Blocks,
    places: &[Location],
    folder: &Path,
    counts: &mut Counts,
) -> Result<Spools, Fault> {
    let bytes: u64 = places.iter().map(|p| u64::from(p.bytes)).sum();
    let io = || Fault::io(folder);
    let mut raw = Raw::create(folder, bytes).map_err(io())?;
    let undo_files = UndoFiles::default();
    let next = AtomicUsize::new(0);
    let batches = places.len().div_ceil(BATCH_BLOCKS);
    // Bounded, so that parsing cannot run far ahead of the one thread that writes.
    let (send, receive) =
        mpsc::sync_channel::<(usize, Result<Vec<PreparedBlock>, Fault>)>(b.threads * 4);
    std::thread::scope(|scope| {
        for _ in 0..b.threads.max(1) {
            let send = send.clone();
            let (next, undo_files) = (&next, &undo_files);
            scope.spawn(move || {
                let (mut parser, mut buffer) = (Parser::default(), Vec::new());
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    let first = batch * BATCH_BLOCKS;
                    let Some(mine) = places.get(first..places.len().min(first + BATCH_BLOCKS))
                    else {
                        return;
                    };
                    if mine.is_empty() {
                        return;
                    }
                    let prepared = (first as u32..)
                        .zip(mine)
                        .map(|(height, place)| {
                            let place = (place, height);
                            prepare(
                                blocks,
                                undo_files,
                                &mut parser,
                                &mut buffer,
                                place,
                                &b.secret,
                                // Addresses have no ids yet; `sources` compares undo data with outputs once they have.
                                &|_| true,
                            )
                        })
                        .collect();
                    // The receiver is gone only after a fault.
                    if send.send((batch, prepared)).is_err() {
                        return;
                    }
                }
            });
        }
        // The receiver sees the end only when every sender is gone.
        drop(send);
        // Batches are finished in any order, but columns are written in the chain's order.
        let mut early = HashMap::new();
        let mut read = 0;
        for batch in 0..batches {
            let prepared = loop {
                if let Some(prepared) = early.remove(&batch) {
                    break prepared;
                }
                match receive.recv() {
                    Ok((n, prepared)) => early.insert(n, prepared),
                    // All senders gone before the last batch: a worker panicked, and the scope panics in turn.
                    Err(_) => return Ok(()),
                };
            };
            for (prepared, place) in prepared?.iter().zip(&places[batch * BATCH_BLOCKS..]) {
                raw.take(prepared, place).map_err(io())?;
                read += u64::from(place.bytes);
            }
            (b.progress)(Progress {
                stage: "blocks",
                done: read,
                total: bytes,
            });
        }
        // Makes the closure own it, so that an early return drops it and the workers stop.
        drop(receive);
        Ok(())
    })?;
    let (found, spools) = raw.finish().map_err(io())?;
    *counts = found;
    Ok(spools)
}

/// The rows of blocks as they come.
struct Raw {
    columns: chain::Writers,
    in_vout: Writer<4>,
    keys: BufWriter<File>,
    spools: Spools,
}

/// Temporary files.
const IN_VOUT: &str = "temporary.vout";
const KEYS: &str = "temporary.keys";

impl Raw {
    fn create(folder: &Path, bytes: u64) -> io::Result<Self> {
        // A record for every 60 bytes of blocks: a guess, on which only the size of the parts depends.
        let spool = |name: &str| Partitions::create(&folder.join(name), bytes / 60);
        Ok(Self {
            columns: chain::Writers::at(folder, &Counts::default())?,
            in_vout: Writer::create(&folder.join(IN_VOUT))?,
            keys: BufWriter::with_capacity(1 << 20, File::create(folder.join(KEYS))?),
            spools: Spools {
                addresses: spool("temporary.addresses")?,
                transactions: spool("temporary.transactions")?,
            },
        })
    }

    fn take(&mut self, p: &PreparedBlock, place: &Location) -> io::Result<()> {
        let (tx, first_in, first_out) =
            (self.columns.txs(), self.columns.ins(), self.columns.outs());
        self.columns.block(place, &p.rows)?;
        for (n, f) in (tx..).zip(&p.of_txs) {
            self.spools.transactions.push(defines(*f, n))?;
        }
        for (n, (input, (previous, who))) in
            (first_in..).zip(p.rows.ins.iter().zip(p.of_previous.iter().zip(&p.of_ins)))
        {
            self.spools.transactions.push(uses(*previous, n))?;
            if input.key.kind() != Kind::None {
                self.spools.addresses.push(uses(*who, n))?;
            }
            self.in_vout.push_number(u64::from(input.vout))?;
        }
        for (n, (out, who)) in (first_out..).zip(p.rows.outs.iter().zip(&p.of_outs)) {
            // Keys of all outputs: which of them are first is known only after sorting.
            let payload = out.key.payload();
            self.keys
                .write_all(&[out.key.kind() as u8, payload.len() as u8])?;
            self.keys.write_all(payload)?;
            if out.key.kind() != Kind::None {
                self.spools.addresses.push(defines(*who, n))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<(Counts, Spools)> {
        self.keys.flush()?;
        self.in_vout.finish()?;
        Ok((self.columns.finish()?, self.spools))
    }
}

/// Rows of the address table that are converted and written at a time. Our judgement.
const ROWS_TOGETHER: usize = 1 << 14;

/// Writes the address ids of outputs and inputs, the table of fingerprints, and the keys.
// Long: a single pass whose state is in local variables.
fn addresses(
    b: &Build<'_>,
    folder: &Path,
    groups: &Partitions,
    counts: &mut Counts,
) -> io::Result<()> {
    let mut firsts = FirstOccurrences::new(counts.outs);
    let mut again = ScatterPass::create(&folder.join("temporary.again"), counts.outs)?;
    let mut used = ScatterPass::create(&folder.join("temporary.used"), counts.ins)?;
    // Holds positions for now: an address's id is the rank of its first output, which is known only
    // once all first outputs are marked.
    let mut table = Writer::<13>::create(&folder.join("temporary.table"))?;
    let (mut part, mut lost, mut rows) = (0, 0, Vec::new());
    groups.each(b.threads, false, |g| {
        rows.clear();
        rows.extend(g.table.iter().map(|(fingerprint, first)| {
            firsts.mark(*first);
            let mut row = [0; 13];
            row[..8].copy_from_slice(&fingerprint.to_le_bytes());
            row[8..].copy_from_slice(&first.to_le_bytes()[..5]);
            row
        }));
        table.push_all(&rows)?;
        for [out, first] in g.again {
            again.push(out, first)?;
        }
        for [input, first] in g.uses {
            used.push(input, first)?;
        }
        lost += g.lost;
        part += 1;
        progress(b, "addresses", part, groups.parts() as u64);
        Ok(())
    })?;
    // Each of these inputs spends from an address that no output paid.
    if lost > 0 {
        return Err(io::Error::other(format!(
            "{lost} inputs spend from addresses that no output pays; the files mix two chains, or undo data belong to another block"
        )));
    }
    counts.addresses = firsts.count();
    // Equal is already too many: a tree of that size would not fit in the word it shares with the
    // root bit.
    if counts.addresses >= crate::forest::ADDRESSES_MAX {
        return Err(io::Error::other(
            "the chain has more addresses than an index can hold",
        ));
    }
    let rows = table.finish()?;
    let table = Column::<13>::read(&folder.join("temporary.table"), rows)?;
    let mut named = Writer::<12>::create(&folder.join(names::ADDRESS_TABLE))?;
    let mut some = Vec::with_capacity(ROWS_TOGETHER);
    for from in (0..rows).step_by(ROWS_TOGETHER) {
        some.clear();
        some.extend((from..rows.min(from + ROWS_TOGETHER as u64)).map(|n| {
            let row = table.row(n);
            let mut first = [0; 8];
            first[..5].copy_from_slice(&row[8..]);
            let mut new = [0; 12];
            new[..8].copy_from_slice(&row[..8]);
            let id = firsts.rank(u64::from_le_bytes(first)) as u32;
            new[8..].copy_from_slice(&id.to_le_bytes());
            new
        }));
        named.push_all(&some)?;
    }
    named.finish()?;
    drop(table);
    fs::remove_file(folder.join("temporary.table"))?;
    // Outputs in order, each with its key.
    let mut keys = BufReader::with_capacity(1 << 20, File::open(folder.join(KEYS))?);
    let mut kept = chain::KeyWriter::at(folder, &Counts::default())?;
    let mut of_outs = Writer::<4>::create(&folder.join(names::OUT_ADDRESS))?;
    let mut payload = [0; PAYLOAD_BYTES_MAX];
    again.each(NONE_5, |out, first| {
        let mut head = [0; 2];
        keys.read_exact(&mut head)?;
        let payload = &mut payload[..usize::from(head[1])];
        keys.read_exact(payload)?;
        // Checked only after reading the key: the file has one for every output, this one too.
        if head[0] == Kind::None as u8 {
            return of_outs.push_number(NONE_4);
        }
        if firsts.is_first(out) {
            kept.push(head[0], payload)?;
            return of_outs.push_number(firsts.rank(out));
        }
        of_outs.push_number(firsts.rank(first))
    })?;
    of_outs.finish()?;
    counts.key_bytes = kept.finish()?;
    fs::remove_file(folder.join(KEYS))?;
    let mut of_ins = Writer::<4>::create(&folder.join(names::IN_ADDRESS))?;
    // Inputs whose script has no address were never pushed, so they come back as `NONE_5`.
    used.each(NONE_5, |_, first| {
        of_ins.push_number(if first == NONE_5 {
            NONE_4
        } else {
            firsts.rank(first)
        })
    })?;
    of_ins.finish()?;
    Ok(())
}

/// Writes the output that each input spends, the input of a final block that spends each output,
/// and the table of transactions. Returns the number of rows in that table.
fn sources(b: &Build<'_>, folder: &Path, groups: &Partitions, counts: &Counts) -> io::Result<u64> {
    let mut from = ScatterPass::create(&folder.join("temporary.from"), counts.ins)?;
    let mut table = Writer::<12>::create(&folder.join(names::TX_TABLE))?;
    let (mut part, mut lost) = (0, 0);
    // The last definition: of two transactions with one id (BIP 30), the later holds the coins.
    groups.each(b.threads, true, |g| {
        for (fingerprint, tx) in &g.table {
            let mut row = [0; 12];
            row[..8].copy_from_slice(&fingerprint.to_le_bytes());
            row[8..].copy_from_slice(&(*tx as u32).to_le_bytes());
            table.push(row)?;
        }
        for [input, tx] in g.uses {
            from.push(input, tx)?;
        }
        lost += g.lost;
        part += 1;
        progress(b, "sources", part, groups.parts() as u64);
        Ok(())
    })?;
    let wrong = || {
        io::Error::other("an input spends an output that no block has; the files mix two chains")
    };
    if lost > 0 {
        return Err(wrong());
    }
    let rows = table.finish()?;
    let vouts = Column::<4>::read(&folder.join(IN_VOUT), counts.ins)?;
    let outs = Column::<5>::read(&folder.join(names::TX_OUTS), counts.txs + 1)?;
    // Forward references are written for final blocks only: after a reorg, another block reuses the
    // numbers of the orphaned one.
    let deep = counts.blocks.saturating_sub(STRONG_TAIL_BLOCKS);
    let deep_txs = chain::first_tx(folder, counts, deep)?;
    let ins_of = Column::<5>::read(&folder.join(names::TX_INS), counts.txs + 1)?;
    let deep_ins = ins_of.get(deep_txs);
    let mut spent = ScatterPass::create(&folder.join("temporary.spent"), counts.outs)?;
    let mut source = Writer::<5>::create(&folder.join(names::IN_SOURCE))?;
    let payees = Column::<4>::read(&folder.join(names::OUT_ADDRESS), counts.outs)?;
    let payers = Column::<4>::read(&folder.join(names::IN_ADDRESS), counts.ins)?;
    from.each(NONE_5, |input, tx| {
        let out = outs.get(tx) + vouts.get(input);
        // There is one row more than transactions, so the next one's start is always known.
        if out >= outs.get(tx + 1) {
            return Err(wrong());
        }
        // What the undo data say was spent must be what the blocks say was made.
        if payees.get(out) != payers.get(input) {
            return Err(io::Error::other(
                "the undo data give a spent output another address than the block that created it; they may belong to a competing block of the same shape; build again when the node has advanced, or let the node rebuild its files (bitcoind -reindex)",
            ));
        }
        if input < deep_ins {
            spent.push(out, input)?;
        }
        source.push_number(out)
    })?;
    source.finish()?;
    fs::remove_file(folder.join(IN_VOUT))?;
    let mut by = Writer::<5>::create(&folder.join(names::OUT_SPENT))?;
    spent.each(NONE_5, |_, input| by.push_number(input))?;
    by.finish()?;
    Ok(rows)
}

/// Writes for each output the previous one of its address, and for each address its last output in
/// the base. Sets the extent of the base: the final blocks, and the addresses seen in them.
fn chains_of_outputs(b: &Build<'_>, folder: &Path, manifest: &mut Manifest) -> io::Result<()> {
    let path = folder.join(names::ADDRESS_LAST);
    let counts = &manifest.counts;
    let outs_of = Column::<5>::read(&folder.join(names::TX_OUTS), counts.txs + 1)?;
    let end = |tail: u64| -> io::Result<(u64, u64)> {
        let blocks = counts.blocks.saturating_sub(tail);
        Ok((
            blocks,
            outs_of.get(chain::first_tx(folder, counts, blocks)?),
        ))
    };
    let (strong, weak) = (end(STRONG_TAIL_BLOCKS)?, end(WEAK_TAIL_BLOCKS)?);
    filled_with_none::<5>(&path, counts.addresses)?;
    let mut last = Column::<5>::write(&path, counts.addresses)?;
    // Above the base nothing may point forward in a file, so these stay in memory.
    let mut newest: HashMap<u64, u64> = HashMap::new();
    let addresses = Column::<4>::read(&folder.join(names::OUT_ADDRESS), counts.outs)?;
    let mut before = Writer::<5>::create(&folder.join(names::OUT_BEFORE))?;
    let (mut seen, mut in_strong, mut in_weak) = (0, 0, 0);
    for out in 0..counts.outs {
        let address = addresses.get(out);
        if address == NONE_4 {
            before.push_number(NONE_5)?;
            continue;
        }
        seen = seen.max(address + 1);
        in_weak = if out < weak.1 { seen } else { in_weak };
        let known = newest.get(&address).copied();
        // An address not paid before has all bits set, which means none here as well.
        before.push_number(known.unwrap_or_else(|| last.get(address)))?;
        if out < strong.1 {
            in_strong = seen;
            last.set(address, out);
        } else {
            newest.insert(address, out);
        }
        if out.is_multiple_of(1 << 22) {
            progress(b, "outputs", out, counts.outs);
        }
    }
    before.finish()?;
    last.flush()?;
    (manifest.strong, manifest.weak) = ((strong.0, in_strong), (weak.0, in_weak));
    // Equal only at first: compaction advances `deep`, while the forests keep their base.
    manifest.deep = manifest.strong;
    Ok(())
}

/// After this many transactions the index is mapped anew, to release the pages touched so far: they
/// count as the process's memory, although the system could reclaim them. Our judgement.
const LET_GO_AFTER: u64 = 1 << 23;

/// Builds both forests, each up to its tail of newest blocks.
fn forests(b: &Build<'_>, manifest: &mut Manifest) -> Result<(), Fault> {
    let folder = manifest.columns(b.index);
    let io = || Fault::io(&folder);
    let (strong, weak) = (manifest.strong, manifest.weak);
    let of = |name: &str| forest::Files::named(&folder, name);
    let over = |(stage, from, to): (&'static str, u64, u64),
                growing: &mut Growing,
                each: &mut dyn FnMut(&Chain, u64, &mut Growing)| {
        let mut chain = Chain::open(b.index, manifest)?;
        let txs = chain.first_tx(from)..chain.first_tx(to);
        for tx in txs.clone() {
            each(&chain, tx, growing);
            if tx.is_multiple_of(1 << 20) {
                progress(b, stage, tx, txs.end);
            }
            if tx > 0 && tx.is_multiple_of(LET_GO_AFTER) {
                chain = Chain::open(b.index, manifest)?;
                growing.let_go().map_err(io())?;
            }
        }
        Ok::<(), Fault>(())
    };
    let mut together = |chain: &Chain, tx: u64, growing: &mut Growing| {
        heuristics::strong_unions(chain, tx, |union| growing.union_always(union));
    };
    // Common inputs first, in both layers: a change link is never recorded where a stronger one exists.
    let mut growing = Growing::create(of(names::STRONG), strong.1).map_err(io())?;
    over(("clusters", 0, weak.0), &mut growing, &mut together)?;
    let begun = of(names::WEAK);
    // Here the forest has the unions of exactly the blocks that the weak base covers.
    growing.snapshot(&begun, weak.1).map_err(io())?;
    over(("clusters", weak.0, strong.0), &mut growing, &mut together)?;
    let (strong_links, _) = growing.finish().map_err(io())?;
    let growing = Growing::resume(begun, weak.1).map_err(io())?;
    // Guarded only from here on: common inputs are united at any size.
    let mut growing = growing.guarded(WEAK_GUARD_MEMBERS);
    let mut changes = |chain: &Chain, tx: u64, growing: &mut Growing| {
        if let Some(union) = heuristics::weak_union(chain, tx) {
            growing.union(union);
        }
    };
    // Not to the tip: how a fresh output is spent later can change which one is the change.
    over(("change", 0, weak.0), &mut growing, &mut changes)?;
    let (weak_links, refused) = growing.finish().map_err(io())?;
    manifest.links = (strong_links, weak_links);
    manifest.refused = refused;
    Ok(())
}

fn progress(b: &Build<'_>, stage: &'static str, done: u64, total: u64) {
    (b.progress)(Progress { stage, done, total });
}
