//! Writes a ledger of named addresses and payments as a node's block and undo files. It shares no
//! code with the index, so that the two can disagree.

use std::collections::HashMap;
use std::path::Path;

use obhut_chain::{Build, Hash, Index, Network, build};
use sha2::{Digest as _, Sha256};

/// How a wallet writes its transactions.
#[derive(Clone, Copy)]
pub struct Habits {
    pub version: u32,
    pub sequence: u32,
    pub locktime: u32,
}

/// What most wallets do: version 2, replaceable, no locktime.
pub const USUAL: Habits = Habits {
    version: 2,
    sequence: 0xffff_fffd,
    locktime: 0,
};

/// A payment: the wallet's habits, the addresses it spends from, and addresses with amounts.
type Payment<'a> = (Habits, &'a [&'a str], &'a [(&'a str, u64)]);

struct Coin {
    tx: Hash,
    vout: u32,
    value: u64,
    height: u32,
}

#[derive(Default)]
pub struct Ledger {
    blocks: Vec<u8>,
    undo: Vec<u8>,
    previous: Hash,
    height: u32,
    /// Unspent outputs by the name of their address, oldest first.
    coins: HashMap<String, Vec<Coin>>,
}

impl Ledger {
    pub fn new() -> Self {
        let mut ledger = Self::default();
        // Regtest's first block is the one every node has, and its output can't be spent.
        ledger.append(&genesis(), None);
        ledger
    }

    /// Mines a block whose reward goes to these addresses.
    pub fn mine(&mut self, outs: &[(&str, u64)]) {
        self.block(outs, None);
    }

    /// A payment in a block of its own. Inputs are named by their addresses, the oldest coin first.
    pub fn pay(&mut self, ins: &[&str], outs: &[(&str, u64)]) -> Hash {
        self.pay_as(USUAL, ins, outs)
    }

    /// Like [`Ledger::pay`], by a wallet with other habits.
    pub fn pay_as(&mut self, habits: Habits, ins: &[&str], outs: &[(&str, u64)]) -> Hash {
        let miner = format!("w miner {}", self.height);
        self.block(&[(&miner, 5_000_000_000)], Some((habits, ins, outs)))
    }

    fn block(&mut self, reward: &[(&str, u64)], payment: Option<Payment<'_>>) -> Hash {
        let height = self.height;
        let mut coinbase = 2_u32.to_le_bytes().to_vec();
        coinbase.push(1);
        coinbase.extend([0; 32]);
        coinbase.extend([0xff; 4]);
        coinbase.extend([5, 4]);
        coinbase.extend(height.to_le_bytes());
        coinbase.extend([0xff; 4]);
        outputs(&mut coinbase, reward);
        coinbase.extend([0; 4]);
        let mut transactions = vec![coinbase];
        let mut undo = Vec::new();
        if let Some((habits, ins, outs)) = payment {
            let mut tx = habits.version.to_le_bytes().to_vec();
            tx.push(ins.len() as u8);
            undo.push(1);
            undo.push(ins.len() as u8);
            for name in ins {
                let coins = self
                    .coins
                    .get_mut(*name)
                    .unwrap_or_else(|| panic!("{name} has no coin"));
                let coin = coins.remove(0);
                tx.extend(coin.tx);
                tx.extend(coin.vout.to_le_bytes());
                tx.push(0);
                tx.extend(habits.sequence.to_le_bytes());
                // The lowest bit would say that a coinbase made it.
                variable(&mut undo, u64::from(coin.height) * 2);
                undo.push(0); // Where older formats had the transaction's version.
                variable(&mut undo, compressed(coin.value));
                let script = script(name);
                // In full: none of the six special forms of compression is used here.
                variable(&mut undo, script.len() as u64 + 6);
                undo.extend(script);
            }
            outputs(&mut tx, outs);
            tx.extend(habits.locktime.to_le_bytes());
            transactions.push(tx);
        } else {
            undo.push(0);
        }
        let ids: Vec<Hash> = transactions.iter().map(|t| sha256d(t)).collect();
        for (id, outs) in ids.iter().zip([reward, payment.map_or(&[][..], |p| p.2)]) {
            for (vout, (name, value)) in (0..).zip(outs) {
                self.coins
                    .entry((*name).to_owned())
                    .or_default()
                    .push(Coin {
                        tx: *id,
                        vout,
                        value: *value,
                        height,
                    });
            }
        }
        let root = match &ids[..] {
            [one] => *one,
            [a, b] => sha256d(&[*a, *b].concat()),
            _ => unreachable!("a reward and at most one payment"),
        };
        let mut block = 1_u32.to_le_bytes().to_vec();
        block.extend(self.previous);
        block.extend(root);
        block.extend((1_700_000_000 + height * 600).to_le_bytes());
        block.extend(0x207f_ffff_u32.to_le_bytes());
        block.extend([0; 4]);
        // Regtest's target accepts half of all hashes.
        while sha256d(&block)[31] > 0x7f {
            // The nonce; a single byte is enough, as every second hash will do.
            block[76] += 1;
        }
        block.push(transactions.len() as u8);
        block.extend(transactions.concat());
        self.append(&block, Some(&undo));
        *ids.last().expect("a reward at least")
    }

    fn append(&mut self, block: &[u8], undo: Option<&[u8]>) {
        let magic = [0xfa, 0xbf, 0xb5, 0xda];
        let record = |to: &mut Vec<u8>, bytes: &[u8]| {
            to.extend(magic);
            to.extend((bytes.len() as u32).to_le_bytes());
            to.extend(bytes);
        };
        record(&mut self.blocks, block);
        if let Some(undo) = undo {
            record(&mut self.undo, undo);
            self.undo
                .extend(sha256d(&[&self.previous[..], undo].concat()));
        }
        self.previous = sha256d(&block[..80]);
        self.height += 1;
    }

    /// The index of all blocks so far.
    pub fn index(&self, folder: &Path) -> Index {
        let blocks = folder.join("blocks");
        std::fs::create_dir(&blocks).unwrap();
        std::fs::write(blocks.join("blk00000.dat"), &self.blocks).unwrap();
        std::fs::write(blocks.join("rev00000.dat"), &self.undo).unwrap();
        let index = folder.join("index");
        build(&Build {
            network: Network::Regtest,
            blocks: &blocks,
            index: &index,
            secret: [1, 2, 3, 4],
            threads: 1,
            live: false,
            progress: &|_| {},
        })
        .unwrap();
        Index::open(&index).unwrap()
    }
}

/// The output script for a name, whose first letter gives the script type.
pub fn script(name: &str) -> Vec<u8> {
    let payload = Sha256::digest(name.as_bytes());
    match name.as_bytes()[0] {
        b'p' => [&[0x76, 0xa9, 0x14], &payload[..20], &[0x88, 0xac]].concat(),
        b's' => [&[0xa9, 0x14], &payload[..20], &[0x87]].concat(),
        b'w' => [&[0x00, 0x14], &payload[..20]].concat(),
        b't' => [&[0x51, 0x20], &payload[..]].concat(),
        b'n' => [&[0x6a, 0x04], &payload[..4]].concat(),
        other => panic!("no kind {}", char::from(other)),
    }
}

/// Regtest's first block, as in Bitcoin Core's `kernel/chainparams.cpp`.
fn genesis() -> Vec<u8> {
    let header = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000";
    let coinbase = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";
    hex::decode([header, "01", coinbase].concat()).unwrap()
}

fn outputs(to: &mut Vec<u8>, outs: &[(&str, u64)]) {
    to.push(outs.len() as u8);
    for (name, value) in outs {
        let script = script(name);
        to.extend(value.to_le_bytes());
        to.push(script.len() as u8);
        to.extend(script);
    }
}

fn sha256d(bytes: &[u8]) -> Hash {
    Sha256::digest(Sha256::digest(bytes)).into()
}

/// Bitcoin Core's `VARINT`.
fn variable(to: &mut Vec<u8>, mut n: u64) {
    let mut bytes = vec![(n & 0x7f) as u8];
    while n > 0x7f {
        n = (n >> 7) - 1;
        bytes.push((n & 0x7f) as u8 | 0x80);
    }
    to.extend(bytes.iter().rev());
}

/// Bitcoin Core's `CompressAmount`.
fn compressed(satoshi: u64) -> u64 {
    if satoshi == 0 {
        return 0;
    }
    let (mut n, mut zeros) = (satoshi, 0);
    while n.is_multiple_of(10) && zeros < 9 {
        n /= 10;
        zeros += 1;
    }
    match zeros {
        9 => 1 + (n - 1) * 10 + 9,
        _ => 1 + (n / 10 * 9 + n % 10 - 1) * 10 + zeros,
    }
}
