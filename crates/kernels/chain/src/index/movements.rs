//! Movements at watched addresses.

use std::collections::HashSet;

use crate::files::Hash;
use crate::{Index, Key};

/// A watched address received or spent coins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Movement {
    /// The address.
    pub key: Key,
    /// The transaction's id, in internal byte order.
    pub tx: Hash,
    /// Height of its block.
    pub height: u64,
    /// Seconds since 1970, as the block's miner said.
    pub time: u32,
    /// Satoshi.
    pub satoshi: u64,
    /// True if the address was paid, false if it spent.
    pub incoming: bool,
    /// Index, within the transaction, of the output that paid it or of the input that spent.
    pub place: u32,
}

impl Index {
    /// What moved at these addresses from block `from` on, that block included, in the chain's
    /// order; of one transaction, inputs before outputs. Reads every transaction from there to the
    /// tip, unless the index knows none of the addresses.
    pub fn movements(&self, watched: &HashSet<Key>, from: u64) -> Vec<Movement> {
        let chain = &self.chain;
        let addresses: HashSet<u32> = watched.iter().filter_map(|key| self.find(key)).collect();
        let mut found = Vec::new();
        if addresses.is_empty() {
            return found;
        }
        // Block by block: the caller records the last block it processed, and continues there.
        for height in from..chain.counts.blocks {
            let block = chain.block(height);
            for tx in chain.first_tx(height)..chain.first_tx(height + 1) {
                let mut tell = |address: u32, satoshi, incoming, place| {
                    if addresses.contains(&address) {
                        found.push(Movement {
                            key: chain.key(address),
                            tx: chain.id(tx),
                            height,
                            time: block.time,
                            satoshi,
                            incoming,
                            place,
                        });
                    }
                };
                for (place, input) in (0..).zip(chain.ins(tx)) {
                    let spent = chain.value(chain.source(input));
                    tell(chain.payer(input), spent, false, place);
                }
                for (place, out) in (0..).zip(chain.outs(tx)) {
                    tell(chain.payee(out), chain.value(out), true, place);
                }
            }
        }
        found
    }

    /// The hash of the block at a height; `None` above the tip.
    pub fn block_hash(&self, height: u64) -> Option<Hash> {
        (height < self.chain.counts.blocks).then(|| self.chain.block(height).hash)
    }
}
