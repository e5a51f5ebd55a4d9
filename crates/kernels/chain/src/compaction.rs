//! Compaction writes the forward references of final blocks, kept in memory until then, to the
//! index's files.
//!
//! Forward references out of the newest blocks (the input that spends an output, an address's last
//! output, ids by fingerprint) are rebuilt each time an index opens. Without compaction, each
//! appended block would make opening slower.
//!
//! The manifest first records how far a compaction reaches. Every step is idempotent, and the
//! follower repeats an interrupted compaction before it removes or adds blocks. Until then queries
//! read the old base: what a compaction wrote above it is hidden.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::Path;

use crate::Fault;
use crate::block::Fingerprint;
use crate::chain::{Chain, names};
use crate::columns::{Column, NONE_5, Writer};
use crate::index::STRONG_TAIL_BLOCKS;
use crate::manifest::{Manifest, Run};

/// Compaction waits for this many final blocks outside the base: about half a day. Our judgement.
const FOLD_BLOCKS: u64 = 72;
/// When compactions have written this many runs of sorted tables, they are merged into one; the
/// build's tables stay apart. Our judgement.
const RUNS_MAX: usize = 8;

/// Compacts if enough blocks are final, or if a compaction was interrupted.
pub(crate) fn compact_if_due(index: &Path, manifest: &mut Manifest) -> Result<(), Fault> {
    let to = manifest.counts.blocks.saturating_sub(STRONG_TAIL_BLOCKS);
    let due = manifest.folding > 0 || to >= manifest.deep.0 + FOLD_BLOCKS;
    if due {
        compact(index, manifest, STRONG_TAIL_BLOCKS)?;
    }
    Ok(())
}

/// Compacts all but the newest `tail` blocks; the caller holds the lock exclusively.
pub(crate) fn compact(index: &Path, manifest: &mut Manifest, tail: u64) -> Result<(), Fault> {
    if manifest.folding == 0 {
        let to = manifest.counts.blocks.saturating_sub(tail);
        if to <= manifest.deep.0 {
            return Ok(());
        }
        // Recorded before any column changes: after a crash, the same extent is compacted again.
        manifest.folding = to;
        manifest.write(index)?;
    }
    let chain = Chain::open(index, manifest)?;
    let folder = manifest.columns(index);
    let addresses = columns(&folder, manifest, &chain).map_err(Fault::io(&folder))?;
    let (run, old) = runs(&folder, manifest, &chain, addresses).map_err(Fault::io(&folder))?;
    drop(chain);
    manifest.deep = (manifest.folding, addresses);
    manifest.folding = 0;
    manifest.runs.push(run);
    manifest.runs.retain(|r| !old.contains(r));
    manifest.write(index)?;
    for run in old {
        for name in [names::ADDRESS_TABLE, names::TX_TABLE] {
            // A file that can't be removed does no harm: the manifest no longer names it.
            let _ = std::fs::remove_file(folder.join(run.file(name)));
        }
    }
    Ok(())
}

/// Writes which input spends an output, and each address's last output. Returns the number of
/// addresses in the new base.
fn columns(folder: &Path, manifest: &Manifest, chain: &Chain) -> io::Result<u64> {
    let txs = chain.first_tx(manifest.deep.0)..chain.first_tx(manifest.folding);
    let (ins, outs) = (
        chain.ins(txs.start).start..chain.ins(txs.end - 1).end,
        chain.outs(txs.start).start..chain.outs(txs.end - 1).end,
    );
    let mut spent = Column::<5>::write(&folder.join(names::OUT_SPENT), manifest.counts.outs)?;
    for input in ins {
        // Repeating it writes the same number.
        spent.set(chain.source(input), input);
    }
    spent.flush()?;
    let addresses = chain.addresses_before(txs.end).max(manifest.deep.1);
    let path = folder.join(names::ADDRESS_LAST);
    // `chain` has this file mapped, but reads only rows below `deep.1`, which this writer doesn't
    // change.
    let mut more = Writer::<5>::at(&path, manifest.deep.1)?;
    for _ in manifest.deep.1..addresses {
        more.push_number(NONE_5)?;
    }
    more.finish()?;
    let mut last = Column::<5>::write(&path, addresses)?;
    for out in outs {
        let address = u64::from(chain.payee(out));
        // False only for an output without an address: its payee is "none", the highest number.
        if address < addresses {
            last.set(address, out);
        }
    }
    last.flush()?;
    Ok(addresses)
}

/// Writes the sorted tables of the blocks that became final. If there are many runs, merges theirs
/// into the new one. Returns the new run and those that it replaces.
fn runs(
    folder: &Path,
    manifest: &Manifest,
    chain: &Chain,
    addresses: u64,
) -> io::Result<(Run, Vec<Run>)> {
    let mut run = Run {
        // An interrupted compaction used this number too; its files are overwritten.
        number: manifest.runs.iter().map(|r| r.number).max().unwrap_or(0) + 1,
        addresses: 0,
        txs: 0,
    };
    // A lookup searches every table, so their number is bounded.
    let old = match manifest.runs.len() + 1 >= RUNS_MAX {
        true => manifest.runs.clone(),
        false => Vec::new(),
    };
    let of_address = |n: u32| Fingerprint::of_key(&chain.key(n), &chain.secret).high;
    let of_tx = |n: u32| Fingerprint::of_transaction(&chain.id(u64::from(n)), &chain.secret).high;
    let new = |range: std::ops::Range<u64>, of: &dyn Fn(u32) -> u64| {
        let mut rows: Vec<(u64, u32)> = range.map(|n| (of(n as u32), n as u32)).collect();
        rows.sort_unstable();
        rows
    };
    let txs = chain.first_tx(manifest.deep.0)..chain.first_tx(manifest.folding);
    let rows = new(manifest.deep.1..addresses, &of_address);
    run.addresses = merged(
        folder,
        names::ADDRESS_TABLE,
        &run,
        &old,
        |r| r.addresses,
        rows,
    )?;
    run.txs = merged(
        folder,
        names::TX_TABLE,
        &run,
        &old,
        |r| r.txs,
        new(txs, &of_tx),
    )?;
    Ok((run, old))
}

/// Writes one table from sorted rows and older tables.
fn merged(
    folder: &Path,
    name: &str,
    to: &Run,
    old: &[Run],
    rows_of: impl Fn(&Run) -> u64,
    new: Vec<(u64, u32)>,
) -> io::Result<u64> {
    let tables = old
        .iter()
        .map(|r| Column::<12>::read(&folder.join(r.file(name)), rows_of(r)))
        .collect::<io::Result<Vec<_>>>()?;
    let mut sources: Vec<Box<dyn Iterator<Item = (u64, u32)> + '_>> =
        vec![Box::new(new.into_iter())];
    for table in &tables {
        sources.push(Box::new((0..table.rows()).map(|n| {
            let row = table.row(n);
            let word =
                |at: usize| u32::from_le_bytes(row[at..at + 4].try_into().expect("4-byte slice"));
            (table.get(n), word(8))
        })));
    }
    // One row of each table in memory, however long they are.
    let mut heads: BinaryHeap<Reverse<((u64, u32), usize)>> = BinaryHeap::new();
    for (n, source) in sources.iter_mut().enumerate() {
        heads.extend(source.next().map(|row| Reverse((row, n))));
    }
    let mut out = Writer::<12>::create(&folder.join(to.file(name)))?;
    while let Some(Reverse(((fingerprint, number), n))) = heads.pop() {
        let mut row = [0; 12];
        row[..8].copy_from_slice(&fingerprint.to_le_bytes());
        row[8..].copy_from_slice(&number.to_le_bytes());
        out.push(row)?;
        heads.extend(sources[n].next().map(|row| Reverse((row, n))));
    }
    out.finish()
}
