//! Appends new blocks to an index, and removes those orphaned by a reorg.
//!
//! Removing orphaned blocks only lowers the counts in the manifest: rows of the blocks that replace
//! them are written over theirs. Blocks in the base can't be removed, because columns of earlier
//! blocks hold forward references into them; a reorg that deep needs a rebuild.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;

use crate::address::{Key, Kind};
use crate::block::satoshi;
use crate::block::{Parser, Rows};
use crate::build::{Build, PreparedBlock, UndoFiles, prepare};
use crate::chain::{Chain, KeyWriter, Writers, names};
use crate::columns::{NONE_4, NONE_5, Writer};
use crate::compaction::compact_if_due;
use crate::files::{self, Blocks, Hash, Location, work};
use crate::manifest::{Counts, Lock, Manifest};
use crate::rule_set;
use crate::{Fault, Progress};

/// What a run of the follower did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Followed {
    /// Blocks orphaned.
    pub orphaned: u64,
    /// Blocks appended.
    pub appended: u64,
}

/// Blocks appended before the manifest is written again. Our judgement.
const COMMIT_BLOCKS: usize = 64;

/// Appends the new blocks of the block files to an existing index, after removing those orphaned by
/// a reorg. With `live`, blocks that the node has not finished writing are left for the next run.
///
/// Fails without a finished index, if another process has it open, or if it is of another network
/// or rule set; if the reorg reaches into the base, or the files don't hold the index's last block;
/// and, except where `live` allows it, on a damaged or missing block or undo record. What was
/// committed before a failure stays.
// Long: a single pass whose state is in local variables.
pub fn follow(b: &Build<'_>) -> Result<Followed, Fault> {
    let _lock = Lock::alone(b.index)?;
    let mut manifest = rule_set::manifest(b.index)?;
    if manifest.network != b.network {
        return Err(Fault::BadIndex {
            folder: b.index.to_owned(),
            why: format!(
                "it indexes {}, not {}; choose another folder",
                manifest.network.name(),
                b.network.name()
            ),
        });
    }
    // An interrupted compaction has written some rows already, so it must be completed before
    // blocks are removed or added.
    if manifest.folding > 0 {
        compact_if_due(b.index, &mut manifest)?;
    }
    let blocks = Blocks::open(b.blocks, b.network)?;
    let mut chain = Chain::open(b.index, &manifest)?;
    let (fork, new) = ahead(&blocks, &chain, b)?;
    let mut followed = Followed::default();
    if new.is_empty() {
        return Ok(followed);
    }
    if fork < chain.counts.blocks {
        // Inside the base, columns point forward into the orphaned blocks, and lowering the counts
        // would not remove those references.
        if fork < manifest.deep.0 {
            return Err(Fault::BadIndex {
                folder: b.index.to_owned(),
                why: format!(
                    "{} blocks were orphaned, more than the index can remove; delete the folder and build the index again",
                    chain.counts.blocks - fork
                ),
            });
        }
        followed.orphaned = chain.counts.blocks - fork;
        manifest.counts = chain.counts_below(fork);
        manifest.tip = chain.block(fork - 1).hash;
        // Before any row is overwritten: after a crash here, the shorter chain is a valid index.
        manifest.write(b.index)?;
        drop(chain);
        chain = Chain::open(b.index, &manifest)?;
    }
    let undo_files = UndoFiles::default();
    let (mut parser, mut buffer) = (Parser::default(), Vec::new());
    let (mut height, mut early_end) = (fork, false);
    for part in new.chunks(COMMIT_BLOCKS) {
        // Earlier rows are looked up in `chain`, so it must include the last commit.
        if height > chain.counts.blocks {
            drop(chain);
            compact_if_due(b.index, &mut manifest)?;
            chain = Chain::open(b.index, &manifest)?;
        }
        let mut append = Append::new(b.index, &manifest, &chain).map_err(Fault::io(b.index))?;
        let mut last = None;
        for place in part {
            let prepared = prepare(
                &blocks,
                &undo_files,
                &mut parser,
                &mut buffer,
                (place, height as u32),
                &manifest.secret,
                &|rows| append.fits(rows),
            );
            let prepared = match prepared {
                Ok(prepared) => prepared,
                // The node stores a block when it arrives and its undo data when it connects it. An
                // incomplete one is tried again in the next run.
                Err(Fault::NoUndo { .. } | Fault::NoUndoFile { .. } | Fault::BadBlock { .. })
                    if b.live =>
                {
                    early_end = true;
                    break;
                }
                Err(fault) => return Err(fault),
            };
            last = Some(place.hash);
            append.block(place, &prepared).map_err(|why| match why {
                Unfit::Io(why) => Fault::io(b.index)(why),
                Unfit::Block(why) => Fault::BadBlock {
                    file: blocks.block_file(place.file),
                    offset: place.offset,
                    why,
                },
            })?;
            height += 1;
            followed.appended += 1;
        }
        // All columns are on the disk before the manifest counts their rows.
        manifest.counts = append.finish().map_err(Fault::io(b.index))?;
        manifest.tip = last.unwrap_or(manifest.tip);
        manifest.write(b.index)?;
        (b.progress)(Progress {
            stage: "following",
            done: followed.appended,
            total: new.len() as u64,
        });
        if early_end {
            break;
        }
    }
    drop(chain);
    compact_if_due(b.index, &mut manifest)?;
    Ok(followed)
}

/// The height at which the best chain leaves the indexed one, and its blocks from there on; no
/// blocks if the indexed chain is the best.
// Long: a single pass whose state is in local variables.
fn ahead(blocks: &Blocks, chain: &Chain, b: &Build<'_>) -> Result<(u64, Vec<Location>), Fault> {
    let known = chain.counts.blocks;
    // New blocks are stored near their predecessors, so the scan starts one file before that of the
    // block 200 back. Our judgement.
    let back = chain
        .block(known.saturating_sub(200))
        .file
        .saturating_sub(1);
    let numbers: Vec<u32> = blocks
        .numbers()?
        .into_iter()
        .filter(|n| *n >= back)
        .collect();
    let last = numbers.last().copied();
    let mut places = Vec::new();
    for number in numbers {
        let live = b.live && Some(number) == last;
        places.extend(blocks.scan(number, 0, live)?.0);
    }
    // Deeper than any reorg the base allows, so that a deeper fork is found and refused with its
    // own error.
    let heights: HashMap<Hash, u64> = (known.saturating_sub(2_000)..known)
        .map(|height| (chain.block(height).hash, height))
        .collect();
    // The index's own last block must be there, or these are not the files it was built from.
    let tip = chain.block(known - 1).hash;
    if !places.iter().any(|p| p.hash == tip) {
        return Err(Fault::OtherBlocks {
            folder: blocks.folder.clone(),
            height: known - 1,
            block: files::hash_text(&tip),
        });
    }
    let fresh: HashMap<Hash, &Location> = places
        .iter()
        .filter(|p| !heights.contains_key(&p.hash))
        .map(|p| (p.hash, p))
        .collect();
    let parents: HashSet<Hash> = fresh.values().map(|p| p.previous).collect();
    let mut best: Option<(u128, u64, Vec<Location>)> = None;
    let mut apart: Option<&Location> = None;
    // Ends of branches only, so that each is walked down from its last block.
    for tip in fresh.values().filter(|p| !parents.contains(&p.hash)) {
        let (mut branch, mut at) = (vec![**tip], *tip);
        while let Some(before) = fresh.get(&at.previous) {
            branch.push(**before);
            at = before;
        }
        let Some(&parent) = heights.get(&at.previous) else {
            // Stale blocks that fork off below the heights known here, or blocks after a gap.
            if at.file > chain.block(known - 1).file
                && apart.is_none_or(|a| (a.file, a.offset) > (at.file, at.offset))
            {
                apart = Some(at);
            }
            continue;
        };
        let fork = parent + 1;
        let gained = branch
            .iter()
            .map(|p| work(p.bits))
            .fold(0, u128::saturating_add);
        // Work, not height; at equal work the indexed branch stays, as the one seen first.
        let lost: u128 = (fork..known).map(|h| work(chain.block(h).bits)).sum();
        if gained > lost
            && best
                .as_ref()
                .is_none_or(|(most, _, _)| gained - lost > *most)
        {
            branch.reverse();
            best = Some((gained - lost, fork, branch));
        }
    }
    if let Some(apart) = apart
        && best.is_none()
        && !b.live
    {
        return Err(Fault::Gap {
            height: known as u32 - 1,
            block: files::hash_text(&apart.hash),
            file: blocks.block_file(apart.file),
            offset: apart.offset,
        });
    }
    let Some((_, fork, mut branch)) = best else {
        return Ok((known, Vec::new()));
    };
    // A rank says where in connection order a block's undo record is. It isn't known here, so the
    // search begins at the file's newest record with the block's number of transactions.
    for place in &mut branch {
        place.rank = u32::MAX;
    }
    Ok((fork, branch))
}

/// Why a block can't be appended.
enum Unfit {
    Io(io::Error),
    Block(&'static str),
}

impl From<io::Error> for Unfit {
    fn from(e: io::Error) -> Self {
        Unfit::Io(e)
    }
}

/// Rows being appended.
struct Append<'a> {
    chain: &'a Chain,
    columns: Writers,
    keys: KeyWriter,
    in_address: Writer<4>,
    in_source: Writer<5>,
    out_address: Writer<4>,
    out_before: Writer<5>,
    out_spent: Writer<5>,
    addresses: HashMap<Key, u32>,
    txs: HashMap<Hash, (u64, u32)>,
    last: HashMap<u32, u64>,
    next_address: u32,
    /// Address and amount (satoshi) of each output appended.
    made: Vec<(u64, u64)>,
}

impl<'a> Append<'a> {
    fn new(index: &Path, manifest: &Manifest, chain: &'a Chain) -> io::Result<Self> {
        let folder = manifest.columns(index);
        let c = &manifest.counts;
        let path = |name: &str| folder.join(name);
        Ok(Self {
            chain,
            columns: Writers::at(&folder, c)?,
            keys: KeyWriter::at(&folder, c)?,
            in_address: Writer::at(&path(names::IN_ADDRESS), c.ins)?,
            in_source: Writer::at(&path(names::IN_SOURCE), c.ins)?,
            out_address: Writer::at(&path(names::OUT_ADDRESS), c.outs)?,
            out_before: Writer::at(&path(names::OUT_BEFORE), c.outs)?,
            out_spent: Writer::at(&path(names::OUT_SPENT), c.outs)?,
            addresses: HashMap::new(),
            txs: HashMap::new(),
            last: HashMap::new(),
            next_address: c.addresses as u32,
            made: Vec::new(),
        })
    }

    fn block(&mut self, place: &Location, p: &PreparedBlock) -> Result<(), Unfit> {
        // Read before `columns.block`, which moves it past this block.
        let mut out = self.columns.outs();
        self.columns.block(place, &p.rows)?;
        let (mut ins, mut outs) = (p.rows.ins.iter(), p.rows.outs.iter());
        for tx in &p.rows.txs {
            for input in ins.by_ref().take(tx.inputs as usize) {
                let (first, outputs) = self
                    .transaction(&input.previous)
                    .filter(|(_, n)| input.vout < *n)
                    .ok_or(Unfit::Block("spends an output that no block before it has"))?;
                debug_assert!(outputs > 0);
                let source = first + u64::from(input.vout);
                self.in_source.push_number(source)?;
                let payer = if input.key.kind() == Kind::None {
                    NONE_4
                } else {
                    let known = self.address(&input.key);
                    u64::from(
                        known.ok_or(Unfit::Block("spends from an address that was never paid"))?,
                    )
                };
                // The spent output in the undo data must equal the output that was made.
                let spent = (payer, input.value);
                if self.made(source).is_some_and(|made| made != spent) {
                    return Err(Unfit::Block("has undo data that belong to another block"));
                }
                self.in_address.push_number(payer)?;
            }
            // Known to the block's next transactions, which may spend these outputs.
            self.txs.insert(tx.id, (out, tx.outputs));
            for row in outs.by_ref().take(tx.outputs as usize) {
                // Written by a compaction later; until then the overlay answers.
                self.out_spent.push_number(NONE_5)?;
                if row.key.kind() == Kind::None {
                    self.made.push((NONE_4, satoshi(row.value)));
                    self.out_address.push_number(NONE_4)?;
                    self.out_before.push_number(NONE_5)?;
                } else {
                    let address = match self.address(&row.key) {
                        Some(address) => address,
                        None => self.new_address(&row.key)?,
                    };
                    let before = self.last.get(&address).copied();
                    let before = before.or_else(|| self.chain.last(address));
                    self.made.push((u64::from(address), satoshi(row.value)));
                    self.out_address.push_number(u64::from(address))?;
                    self.out_before.push_number(before.unwrap_or(NONE_5))?;
                    self.last.insert(address, out);
                }
                out += 1;
            }
        }
        Ok(())
    }

    /// Whether the spent outputs in the undo data equal the outputs that earlier blocks made.
    fn fits(&self, rows: &Rows) -> bool {
        rows.ins.iter().all(|input| {
            let made = self.transaction(&input.previous);
            let Some((first, _)) = made.filter(|(_, n)| input.vout < *n) else {
                // Made in the same block, or not at all: `block` checks it.
                return true;
            };
            let payer = match input.key.kind() {
                Kind::None => Some(NONE_4),
                _ => self.address(&input.key).map(u64::from),
            };
            let spent = payer.map(|payer| (payer, input.value));
            self.made(first + u64::from(input.vout)) == spent
        })
    }

    /// The first output of a transaction, and how many it has.
    fn transaction(&self, id: &Hash) -> Option<(u64, u32)> {
        self.txs.get(id).copied().or_else(|| {
            let outs = self.chain.outs(self.chain.find_tx(id)?);
            Some((outs.start, (outs.end - outs.start) as u32))
        })
    }

    /// The address that an output paid, and its amount; the output may be indexed already or among
    /// those being appended.
    fn made(&self, out: u64) -> Option<(u64, u64)> {
        let chain = self.chain;
        match out.checked_sub(chain.counts.outs) {
            None => Some((u64::from(chain.payee(out)), chain.value(out))),
            Some(new) => self.made.get(new as usize).copied(),
        }
    }

    fn address(&self, key: &Key) -> Option<u32> {
        self.addresses
            .get(key)
            .copied()
            .or_else(|| self.chain.find(key))
    }

    fn new_address(&mut self, key: &Key) -> io::Result<u32> {
        let address = self.next_address;
        // The bound of a build: at most 2^31 - 1 addresses.
        if u64::from(address) + 1 >= crate::forest::ADDRESSES_MAX {
            return Err(io::Error::other(
                "the chain has more addresses than an index can hold",
            ));
        }
        self.next_address += 1;
        self.keys.push(key.kind() as u8, key.payload())?;
        self.addresses.insert(*key, address);
        Ok(address)
    }

    fn finish(self) -> io::Result<Counts> {
        self.in_address.finish()?;
        self.in_source.finish()?;
        self.out_address.finish()?;
        self.out_before.finish()?;
        self.out_spent.finish()?;
        let key_bytes = self.keys.finish()?;
        Ok(Counts {
            addresses: u64::from(self.next_address),
            key_bytes,
            ..self.columns.finish()?
        })
    }
}

/// Whether the folder holds a finished index, of any version.
pub fn is_there(index: &Path) -> bool {
    // Only that it exists: opening it shows whether it can be used.
    File::open(index.join("manifest")).is_ok()
}
