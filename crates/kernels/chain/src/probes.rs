//! Internal parts exposed for fuzz/ and benchmarks only.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use bitcoin_slices::{Visit as _, Visitor, bsl};

use crate::block::Parser;
use crate::build::{Build, UndoFiles, chain_of, prepare};
use crate::files::Blocks;
use crate::forest::{Files, Forest, Growing, Union};
use crate::manifest::Lock;
use crate::rule_set;
use crate::{Fault, Index, Network, heuristics};

/// Parses a block that follows its undo data; the first two bytes are the length of the undo data,
/// little-endian.
pub fn block(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (undo, block) = rest.split_at(length);
    let mut parser = Parser::default();
    let _ = crate::block::parse(&mut parser, block, undo, &[1, 2, 3, 5]);
    let _ = crate::coinjoins_of_block(block);
}

/// Reads and parses all blocks with their undo data as a build does, and keeps nothing. Returns the
/// bytes of the blocks and the number of transactions.
pub fn parse(network: Network, blocks: &Path) -> Result<(u64, u64), Fault> {
    let b = Build {
        network,
        blocks,
        index: Path::new(""),
        secret: [1, 2, 3, 5],
        threads: 1,
        live: false,
        progress: &|_| {},
    };
    let blocks = Blocks::open(blocks, network)?;
    let places = chain_of(&b, &blocks)?;
    let (undo, mut parser, mut buffer) = (UndoFiles::default(), Parser::default(), Vec::new());
    let (mut bytes, mut transactions) = (0, 0);
    for place in (0..).zip(&places).map(|(height, place)| (place, height)) {
        let all = |_: &_| true;
        let prepared = prepare(
            &blocks,
            &undo,
            &mut parser,
            &mut buffer,
            place,
            &b.secret,
            &all,
        )?;
        bytes += u64::from(place.0.bytes);
        transactions += prepared.rows.txs.len() as u64;
    }
    Ok((bytes, transactions))
}

/// Undo data of the right shape for a block: each input spends one bitcoin.
fn made_up(block: &[u8]) -> Option<Vec<u8>> {
    #[derive(Default)]
    struct Counting {
        inputs: usize,
        rows: Vec<usize>,
    }
    impl Visitor for Counting {
        fn visit_tx_in(&mut self, _: usize, _: &bsl::TxIn<'_>) -> ControlFlow<()> {
            self.inputs += 1;
            ControlFlow::Continue(())
        }

        fn visit_transaction(&mut self, _: &bsl::Transaction<'_>) -> ControlFlow<()> {
            self.rows.push(std::mem::take(&mut self.inputs));
            ControlFlow::Continue(())
        }
    }
    let size = |n: usize, to: &mut Vec<u8>| {
        // The five-byte form for any number: our parser, unlike Bitcoin Core's, does not require
        // the shortest form.
        to.push(0xfe);
        to.extend((n as u32).to_le_bytes());
    };
    let mut counting = Counting::default();
    bsl::Block::visit(block, &mut counting).ok()?;
    let (mut undo, mut who) = (Vec::new(), 0u64);
    size(counting.rows.len().checked_sub(1)?, &mut undo);
    for inputs in &counting.rows[1..] {
        size(*inputs, &mut undo);
        for _ in 0..*inputs {
            // Height 0 and no coinbase; amount, 9 for one bitcoin; script type, 0 for P2PKH.
            undo.extend([0, 9, 0]);
            who += 1;
            // Eight bytes that differ and twelve that do not: each input has a payer of its own.
            undo.extend(who.to_le_bytes());
            undo.extend([7; 12]);
        }
    }
    Some(undo)
}

/// Parses one block `times` times, with undo data made up for its inputs. Returns the number of
/// bytes parsed; `None` if the bytes are not a block.
pub fn parse_again(block: &[u8], times: u32) -> Option<u64> {
    let undo = made_up(block)?;
    let (mut parser, secret) = (Parser::default(), [1, 2, 3, 5]);
    for _ in 0..times {
        let rows = crate::block::parse(&mut parser, block, &undo, &secret).ok()?;
        std::hint::black_box(crate::build::fingerprints(rows, &secret));
    }
    Some(block.len() as u64 * u64::from(times))
}

/// The transaction that spends an output, by the index's forward references; `None` if it is
/// unspent.
pub fn spender(index: &Index, tx: u64, vout: u32) -> Option<u64> {
    let chain = &index.chain;
    let input = chain.spent(chain.outs(tx).start + u64::from(vout))?;
    Some(chain.tx_of_in(input))
}

/// The transactions that paid an address, the newest first, once for each output.
pub fn payments_to(index: &Index, address: u32) -> Vec<u64> {
    let chain = &index.chain;
    let outs = chain.received(address);
    outs.map(|out| chain.tx_of_out(out)).collect()
}

/// Compacts all but the newest `tail` blocks of an index. With `only_begin`, only records in the
/// manifest how far it would reach.
pub fn compact(index: &Path, tail: u64, only_begin: bool) -> Result<(), Fault> {
    let _lock = Lock::alone(index)?;
    let mut manifest = rule_set::manifest(index)?;
    // The state that a crash right after the first writing of the manifest leaves.
    if only_begin && manifest.counts.blocks > tail + manifest.deep.0 {
        manifest.folding = manifest.counts.blocks - tail;
        return manifest.write(index);
    }
    crate::compaction::compact(index, &mut manifest, tail)
}

/// Calls `each` with the input addresses of each transaction whose inputs are linked. The first
/// address occurs once; the others may repeat.
pub fn linked_inputs(
    index: &Index,
    mut each: impl FnMut(&[u32]) -> io::Result<()>,
) -> io::Result<()> {
    let mut inputs: Vec<u32> = Vec::new();
    for tx in 0..index.chain.counts.txs {
        inputs.clear();
        heuristics::strong_unions(&index.chain, tx, |join| {
            // All unions of a transaction share the same first address.
            if inputs.is_empty() {
                inputs.push(join.a);
            }
            inputs.push(join.b);
        });
        if !inputs.is_empty() {
            each(&inputs)?;
        }
    }
    Ok(())
}

/// Calls `each` with the fingerprints of payers and payees, transaction by transaction, once for
/// each input and output with an address. The flag is true for a payee.
pub fn meetings(
    index: &Index,
    mut each: impl FnMut(u64, bool) -> io::Result<()>,
) -> io::Result<()> {
    let chain = &index.chain;
    let mark = |address: u32| crate::block::Fingerprint::of_key(&chain.key(address), &chain.secret);
    for tx in 0..chain.counts.txs {
        for payer in chain.ins(tx).map(|i| chain.payer(i)).filter(is_somebody) {
            each(mark(payer).high, false)?;
        }
        for payee in chain.outs(tx).map(|o| chain.payee(o)).filter(is_somebody) {
            each(mark(payee).high, true)?;
        }
    }
    Ok(())
}

fn is_somebody(address: &u32) -> bool {
    *address != crate::forest::NO_ADDRESS
}

/// Clusters rows of input addresses: each is a count, then that many addresses as
/// [`linked_inputs`] passes them. Records every union in a folder, and returns their number.
pub fn cluster(addresses: u32, rows: &[u32], folder: &Path) -> io::Result<u64> {
    let files = Files::named(folder, "probe");
    let mut growing = Growing::create(files, u64::from(addresses))?;
    let (mut at, mut tx) = (0, 0);
    while let Some(count) = rows.get(at) {
        let inputs = &rows[at + 1..][..*count as usize];
        let (a, others) = inputs.split_first().expect("none without inputs");
        for b in others {
            growing.union_always(Union {
                a: *a,
                b: *b,
                tx,
                rule: 0,
            });
        }
        at += 1 + inputs.len();
        tx += 1;
    }
    Ok(growing.finish()?.0)
}

/// How many clusters of two or more addresses [`cluster`] wrote to the folder.
pub fn clusters(addresses: u32, links: u64, folder: &Path) -> io::Result<usize> {
    let files = Files::named(folder, "probe");
    let forest = Forest::open(&files, u64::from(addresses), links)?;
    let several = |a: &u32| forest.root(*a) == *a && forest.size(*a) > 1;
    Ok((0..addresses).filter(several).count())
}
