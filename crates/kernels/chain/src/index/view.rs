//! Transactions and outputs of an index, for display.

use crate::Index;
use crate::files::Hash;
use crate::forest::NO_ADDRESS;
use crate::heuristics;

/// A transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// Its number.
    pub number: u64,
    /// Its id, in internal byte order.
    pub id: Hash,
    /// Height of its block.
    pub height: u64,
    /// The block's hash.
    pub block: Hash,
    /// Seconds since 1970, as the block's miner said.
    pub time: u32,
    /// True if it is a coinbase: its coins are newly mined.
    pub coinbase: bool,
    /// What it spends.
    pub ins: Vec<Coin>,
    /// The outputs it creates.
    pub outs: Vec<Coin>,
    /// The CoinJoin pattern it matches, and the confidence, 0 to 100.
    pub coinjoin: Option<(&'static str, u8)>,
    /// Position in `outs` of the output taken for change, and the rule's name.
    pub change: Option<(usize, &'static str)>,
}

/// An output: one that a transaction creates, or one that it spends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coin {
    /// The transaction that made it, by number.
    pub tx: u64,
    /// Its index among that transaction's outputs.
    pub vout: u32,
    /// Satoshi.
    pub satoshi: u64,
    /// The address it pays, by number; `None` if the script has none.
    pub address: Option<u32>,
}

impl Index {
    /// A transaction by number. Panics beyond the last one.
    pub fn transaction(&self, number: u64) -> Transaction {
        let chain = &self.chain;
        let height = chain.height(number);
        let block = chain.block(height);
        let first = chain.outs(number).start;
        Transaction {
            number,
            id: chain.id(number),
            height,
            block: block.hash,
            time: block.time,
            coinbase: chain.is_coinbase(number),
            ins: chain
                .ins(number)
                .map(|i| self.coin(chain.source(i)))
                .collect(),
            outs: chain.outs(number).map(|o| self.coin(o)).collect(),
            coinjoin: chain
                .coinjoin(number)
                .map(|(coinjoin, sure)| (coinjoin.name, sure)),
            // Computed on each call instead of read from the links, so that change found by a rule
            // with too little confidence for a link is shown as well.
            change: heuristics::change(chain, number)
                .map(|(out, rule)| ((out - first) as usize, rule.name)),
        }
    }

    /// An output by number. Panics beyond the last one.
    pub fn coin(&self, out: u64) -> Coin {
        let tx = self.chain.tx_of_out(out);
        let address = self.chain.payee(out);
        Coin {
            tx,
            vout: (out - self.chain.outs(tx).start) as u32,
            satoshi: self.chain.value(out),
            address: (address != NO_ADDRESS).then_some(address),
        }
    }

    /// Number of the transaction with this id (internal byte order); `None` if it isn't indexed.
    pub fn find_transaction(&self, id: &Hash) -> Option<u64> {
        self.chain.find_tx(id)
    }

    /// Numbers of a block's transactions, the coinbase first; empty above the tip.
    pub fn transactions_of(&self, height: u64) -> std::ops::Range<u64> {
        self.chain.first_tx(height)..self.chain.first_tx(height + 1)
    }

    /// Id of a transaction; time (seconds since 1970, by the miner's clock) and height of its
    /// block. Panics beyond the last transaction.
    pub fn when(&self, tx: u64) -> (Hash, u32, u64) {
        let height = self.chain.height(tx);
        (self.chain.id(tx), self.chain.block(height).time, height)
    }

    /// Transactions that look like CoinJoins: number, pattern, confidence.
    pub fn mixes(
        &self,
    ) -> impl Iterator<Item = (u64, &'static crate::coinjoins::CoinJoin, u8)> + '_ {
        (0..self.chain.counts.txs).filter_map(|tx| {
            self.chain
                .coinjoin(tx)
                .map(|(coinjoin, sure)| (tx, coinjoin, sure))
        })
    }

    /// The root of an address's cluster in the weak layer; addresses with the same root may have
    /// one owner.
    pub fn wallet(&self, address: u32) -> u32 {
        self.weak().root(address)
    }

    /// The root of an address's cluster in the strong layer.
    pub fn strong_cluster(&self, address: u32) -> u32 {
        self.strong().root(address)
    }

    /// The address of a transaction's first input; `None` for a coinbase, or if the spent script
    /// has no address. Panics beyond the last transaction.
    pub fn payer(&self, tx: u64) -> Option<u32> {
        // The index stores no input for a coinbase.
        let input = self.chain.ins(tx).next()?;
        let payer = self.chain.payer(input);
        (payer != NO_ADDRESS).then_some(payer)
    }
}
