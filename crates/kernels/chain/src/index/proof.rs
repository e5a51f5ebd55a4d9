//! What is needed to check a transaction without this software: its bytes, the Merkle path to its
//! block's root, and the block's header. The outputs it spends are in other transactions, each with
//! a proof of its own.

use bitcoin_slices::{Visit as _, Visitor, bsl};

use crate::files::{Blocks, Hash, Location};
use crate::hash256::sha256d;
use crate::{Fault, Index};

/// A transaction that can be checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Its id, in internal byte order.
    pub id: Hash,
    /// Its bytes without witnesses: their double SHA-256 is the id.
    pub bytes: Vec<u8>,
    /// Height of the block.
    pub height: u64,
    /// The block's header, 80 bytes: its double SHA-256 is the block's hash.
    pub header: [u8; 80],
    /// Its place in the block; the coinbase is at 0.
    pub position: u64,
    /// Sibling hashes on the path from the id to the header's Merkle root, bottom up.
    pub branch: Vec<Hash>,
}

impl Index {
    /// The proof of a transaction, read from the block files. Fails if a file is missing, or if at
    /// the block's offset it holds another block, one that can't be parsed, or one with another
    /// transaction in this one's place.
    pub fn prove(&self, tx: u64) -> Result<Proof, Fault> {
        let chain = &self.chain;
        let height = chain.height(tx);
        let row = chain.block(height);
        let blocks = Blocks::open(self.blocks_folder(), self.network())?;
        let place = Location::known(row.hash, row.file, row.offset, row.bytes);
        let mut bytes = Vec::new();
        blocks.block(&place, &mut bytes)?;
        let mut taking = BlockVisitor::default();
        let bad = || Fault::BadBlock {
            file: blocks.block_file(row.file),
            offset: row.offset,
            why: "can't be read",
        };
        bsl::Block::visit(&bytes, &mut taking).map_err(|_| bad())?;
        let position = tx - row.first_tx;
        let found = taking.0.get(position as usize).ok_or_else(bad)?.clone();
        let ids: Vec<Hash> = taking.0.iter().map(|t| sha256d(&[t])).collect();
        // The header was checked, the transactions were not: the file may be damaged, or not the
        // one that the index was built from (`set_blocks_folder`).
        if ids.get(position as usize) != Some(&chain.id(tx)) {
            return Err(bad());
        }
        Ok(Proof {
            id: chain.id(tx),
            bytes: found,
            height,
            header: bytes[..80].try_into().expect("80 bytes"),
            position,
            branch: branch(ids, position as usize),
        })
    }
}

impl Proof {
    /// Whether the bytes hash to the id, and the id and the branch to the header's Merkle root.
    /// Does not check the header's proof of work, nor whether its block is in the chain.
    pub fn holds(&self) -> bool {
        let mut hash = sha256d(&[&self.bytes]);
        if hash != self.id {
            return false;
        }
        // The position's bits say at each level whether the hash is the left or the right one.
        let mut position = self.position;
        for other in &self.branch {
            hash = if position.is_multiple_of(2) {
                sha256d(&[&hash, other])
            } else {
                sha256d(&[other, &hash])
            };
            position /= 2;
        }
        hash == self.header[36..68]
    }

    /// Hash of the block, in internal byte order.
    pub fn block(&self) -> Hash {
        sha256d(&[&self.header])
    }
}

fn branch(mut level: Vec<Hash>, mut position: usize) -> Vec<Hash> {
    let mut branch = Vec::new();
    while level.len() > 1 {
        if !level.len().is_multiple_of(2) {
            level.push(level[level.len() - 1]);
        }
        // Only now, with an even number of hashes, does each have a sibling.
        branch.push(level[position ^ 1]);
        position /= 2;
        level = level.chunks(2).map(|p| sha256d(&[&p[0], &p[1]])).collect();
    }
    branch
}

#[derive(Default)]
struct BlockVisitor(Vec<Vec<u8>>);

impl Visitor for BlockVisitor {
    fn visit_transaction(&mut self, tx: &bsl::Transaction<'_>) -> std::ops::ControlFlow<()> {
        let (a, b, c) = tx.txid_preimage();
        // Without witnesses, which the id and the Merkle tree leave out.
        self.0.push([a, b, c].concat());
        std::ops::ControlFlow::Continue(())
    }
}
