//! Generates a chain of any size, in the files a node would have written. Only the structure is
//! real: no transaction is signed.
//!
//! Wallets pay one another, a few of them far more often than the rest. Exchanges reuse deposit
//! addresses. A site takes payments at fresh addresses and consolidates them. The chain is for
//! measuring and for trying out; a rule tuned on it proves nothing.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use obhut_chain::{Hash, Key, Kind, Network};
use sha2::{Digest as _, Sha256};

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Number of inputs in the whole chain; the last block may bring it to more than that.
    pub inputs: u64,
    /// Seed of the random numbers: the same recipe makes the same chain.
    pub seed: u64,
    /// How many payments the site takes, each at a fresh address.
    pub site: u64,
}

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GeneratedChain {
    /// Blocks, genesis included, stale ones not.
    pub blocks: u64,
    /// Transactions.
    pub transactions: u64,
    /// Inputs.
    pub inputs: u64,
    /// Four addresses of the site that one transaction spent together; none if the chain is too
    /// short.
    pub seeds: Vec<String>,
    /// Addresses of exchanges, each with the name of its exchange.
    pub exchanges: Vec<(String, String)>,
}

/// Transactions in a block.
const BLOCK_TRANSACTIONS: usize = 2_500;
/// Largest block file, in bytes; a block that would exceed it begins the next file.
const FILE_BYTES: u64 = 120 << 20;
/// Zeros at the end of the last file, in bytes.
const TAIL_BYTES: u64 = 1 << 20;
const EXCHANGES: u64 = 8;
/// Height of the first of two stale blocks; only chains of at most 2,000,000 inputs have them.
pub const STALE_AT: u64 = 12;
/// Largest chain with stale blocks, in inputs: they are made on a copy of every wallet. Our
/// judgement.
const STALE_INPUTS_MAX: u64 = 2_000_000;
// Satoshi per transaction, whatever its size: no node relays them, so no minimum fee applies.
const FEE: u64 = 500;
/// Regtest's genesis block, without the length that precedes it in a file.
const FIRST: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";

/// Writes a regtest chain into a folder that is empty or doesn't exist yet.
///
/// # Errors
/// The folder isn't empty, or can't be created or written.
pub fn make(recipe: &Recipe, folder: &Path) -> io::Result<GeneratedChain> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        let why = format!("{} isn't empty; name another folder", folder.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    let mut random = Random(recipe.seed);
    // Bitcoin Core has masked its block files since version 28.
    let mask: [u8; 8] = random.next().to_le_bytes();
    fs::write(folder.join("xor.dat"), mask)?;
    let mut files = Files::create(folder, mask)?;
    let first = hex::decode(FIRST).expect("hexadecimal");
    files.block(&first, None)?;
    let mut making = Making {
        wallets: vec![Wallet::default(); ((recipe.inputs / 25).max(200) + SITE + 1) as usize],
        ready: Vec::new(),
        random,
        site_left: recipe.site,
        // Evenly spread, so that the site is paid all along the chain.
        payments_apart: (recipe.inputs / 2 / recipe.site.max(1)).max(1),
        site_addresses: Vec::new(),
        made: GeneratedChain {
            blocks: 1,
            transactions: 1,
            inputs: 0,
            seeds: Vec::new(),
            exchanges: Vec::new(),
        },
    };
    let (mut previous, mut time) = (sha256d(&[&first[..80]]), 1_500_000_000u32);
    while making.made.inputs < recipe.inputs {
        time += 600;
        if making.made.blocks == STALE_AT && recipe.inputs <= STALE_INPUTS_MAX {
            // Two stale blocks: written and connected first, then replaced by a reorg.
            let mut other = making.clone();
            // Other payments than in the active chain, or both branches would have the same blocks.
            other.random = Random(recipe.seed ^ 1);
            let mut before = previous;
            for n in 0..2 {
                let (block, undo) = other.block(&before, time + n);
                let above = sha256d(&[&block[..80]]);
                files.block(&block, Some((&undo, &before)))?;
                before = above;
                other.made.blocks += 1;
            }
        }
        let (block, undo) = making.block(&previous, time);
        let before = previous;
        // A block's hash covers its header only, which has 80 bytes.
        previous = sha256d(&[&block[..80]]);
        files.block(&block, Some((&undo, &before)))?;
        making.made.blocks += 1;
    }
    files.finish()?;
    let mut made = making.made;
    let text = |wallet: u64, n: u32| key(wallet, n).text(Network::Regtest);
    made.seeds = making
        .site_addresses
        .iter()
        .take(4)
        .map(|n| text(SITE, *n))
        .collect();
    made.exchanges = (0..EXCHANGES)
        .flat_map(|e| (0..3).map(move |n| (e, n)))
        .map(|(e, n)| (text(e, n), format!("exchange-{}", (b'A' + e as u8) as char)))
        .collect();
    Ok(made)
}

/// Wallets 0 to 7 are exchanges; this one is the site.
const SITE: u64 = EXCHANGES;

#[derive(Clone, Default)]
struct Wallet {
    coins: Vec<Coin>,
    /// Addresses handed out so far.
    addresses: u32,
    changes: u32,
}

/// Set in the number of every change address.
const CHANGE: u32 = 1 << 31;

#[derive(Clone, Copy)]
struct Coin {
    tx: Hash,
    vout: u32,
    address: u32,
    value: u64,
    height: u32,
}

#[derive(Clone)]
struct Making {
    wallets: Vec<Wallet>,
    /// Wallets that may pay, one entry per coin they received.
    ready: Vec<u32>,
    random: Random,
    site_left: u64,
    /// A payment goes to the site when the inputs so far plus the transactions of earlier blocks
    /// are a multiple of this.
    payments_apart: u64,
    site_addresses: Vec<u32>,
    made: GeneratedChain,
}

struct Tx {
    ins: Vec<(u64, Coin)>,
    outs: Vec<(u64, u32, u64)>,
}

impl Making {
    fn block(&mut self, previous: &Hash, time: u32) -> (Vec<u8>, Vec<u8>) {
        let height = self.made.blocks as u32;
        let (mut body, mut undo, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        // The coinbase pays many wallets, so that they have coins to spend.
        let mut outs = Vec::new();
        for _ in 0..40 {
            let wallet = self.random.below(self.wallets.len() as u64);
            let value = 10_000_000 + self.random.below(100_000_000);
            outs.push((wallet, self.fresh(wallet), value));
        }
        let coinbase = self.write(
            &mut body,
            &Tx {
                ins: Vec::new(),
                outs,
            },
            height,
        );
        ids.push(coinbase);
        let mut count = 0;
        while count < BLOCK_TRANSACTIONS {
            let Some(tx) = self.payment() else { break };
            undo_of(&mut undo, &tx);
            self.made.inputs += tx.ins.len() as u64;
            ids.push(self.write(&mut body, &tx, height));
            count += 1;
        }
        self.made.transactions += ids.len() as u64;
        let mut block = Vec::with_capacity(body.len() + 90);
        block.extend(1u32.to_le_bytes());
        block.extend(previous);
        let n = ids.len() as u64;
        block.extend(merkle_root(&ids));
        block.extend(time.to_le_bytes());
        // nBits of regtest.
        block.extend(0x207f_ffffu32.to_le_bytes());
        block.extend(0u32.to_le_bytes());
        // Half of all hashes are low enough for regtest.
        while sha256d(&[&block])[31] > 0x7f {
            let nonce = u32::from_le_bytes(block[76..80].try_into().expect("4-byte slice")) + 1;
            block[76..80].copy_from_slice(&nonce.to_le_bytes());
        }
        compact_size(&mut block, n);
        block.extend(body);
        let mut whole = Vec::with_capacity(undo.len() + 9);
        // The coinbase spends nothing, so it has no undo data.
        compact_size(&mut whole, n - 1);
        whole.extend(undo);
        (block, whole)
    }

    fn fresh(&mut self, wallet: u64) -> u32 {
        let n = &mut self.wallets[wallet as usize].addresses;
        *n += 1;
        *n - 1
    }

    fn fresh_change(&mut self, wallet: u64) -> u32 {
        let n = &mut self.wallets[wallet as usize].changes;
        *n += 1;
        CHANGE | *n
    }

    /// A payment of a wallet that has coins.
    // Long: one branch per kind of payer and payee.
    fn payment(&mut self) -> Option<Tx> {
        let payer = loop {
            let n = self.ready.len() as u64;
            if n == 0 {
                return None;
            }
            // Three in four payers come from the last 200,000 entries: mostly wallets that received
            // coins recently.
            let reach = if self.random.below(4) == 0 {
                n
            } else {
                n.min(200_000)
            };
            let at = (n - 1 - self.random.below(reach)) as usize;
            let wallet = u64::from(self.ready.swap_remove(at));
            let coins = self.wallets[wallet as usize].coins.len();
            // A wallet is in `ready` once per coin, and one payment may have spent several.
            if coins == 0 {
                continue;
            }
            // The site waits until it has something to gather.
            if wallet == SITE && coins < 20 {
                continue;
            }
            break wallet;
        };
        let wanted = match self.random.below(100) {
            _ if payer == SITE => 20,
            0..55 => 1,
            55..80 => 2,
            80..92 => 3,
            92..99 => 5,
            _ => 40,
        };
        let own = &mut self.wallets[payer as usize];
        // The newest coins: taking them from the end moves no others.
        let keep = own.coins.len().saturating_sub(wanted);
        let spent: Vec<Coin> = own.coins.split_off(keep);
        if payer == SITE {
            // The seeds are four addresses that were spent together.
            let shown = spent.iter().map(|c| c.address).filter(|a| a & CHANGE == 0);
            let wanted = 4usize.saturating_sub(self.site_addresses.len());
            self.site_addresses.extend(shown.take(wanted));
        }
        let paid: u64 = spent
            .iter()
            .map(|c| c.value)
            .sum::<u64>()
            .saturating_sub(FEE);
        let turn = self.made.transactions + self.made.inputs;
        let to_site =
            self.site_left > 0 && payer != SITE && turn.is_multiple_of(self.payments_apart);
        let (payee, address) = if to_site {
            self.site_left -= 1;
            let address = self.fresh(SITE);
            (SITE, address)
        } else if payer == SITE || self.random.below(10) == 0 {
            // Deposit addresses are used again and again.
            let exchange = self.random.below(EXCHANGES);
            let known = self.wallets[exchange as usize].addresses;
            let address = if known > 3 && self.random.below(3) > 0 {
                self.random.below(u64::from(known)) as u32
            } else {
                self.fresh(exchange)
            };
            (exchange, address)
        } else {
            let payee = self.random.heavy(self.wallets.len() as u64 - SITE - 1) + SITE + 1;
            let known = self.wallets[payee as usize].addresses;
            let address = if known > 0 && self.random.below(3) == 0 {
                self.random.below(u64::from(known)) as u32
            } else {
                self.fresh(payee)
            };
            (payee, address)
        };
        let mut outs = vec![];
        // From 1 to paid - 1, so that there is change.
        let share = 1 + self.random.below(paid.max(2) - 1);
        if paid < 2_000 {
            outs.push((payee, address, paid));
        } else {
            let amount = if to_site {
                // Up to 1,000 satoshi count as dust, not as a payment to the site.
                share.clamp(1_001, paid)
            } else if payer == SITE && paid > 2_000_000 {
                // A round sum goes to the exchange; the change is gathered again later.
                paid / 2_000_000 * 1_000_000
            } else {
                share
            };
            outs.push((payee, address, amount));
            if paid > amount {
                // Wallets don't hand out change addresses, so no one pays to them again.
                let change = self.fresh_change(payer);
                // First or second at random: the position of the change must not give it away.
                outs.insert(
                    self.random.below(2) as usize,
                    (payer, change, paid - amount),
                );
            }
        }
        // Exchanges sometimes batch withdrawals.
        if payer < EXCHANGES && paid > 100_000 {
            for _ in 0..self.random.below(6) {
                let other = self.random.below(self.wallets.len() as u64 - SITE - 1) + SITE + 1;
                let address = self.fresh(other);
                // Taken from the largest output, so that the sum of the outputs stays the same.
                if let Some(largest) = outs.iter_mut().max_by_key(|o| o.2)
                    && largest.2 > 20_000
                {
                    let part = largest.2 / 10;
                    largest.2 -= part;
                    outs.push((other, address, part));
                }
            }
        }
        Some(Tx {
            ins: spent.into_iter().map(|c| (payer, c)).collect(),
            outs,
        })
    }

    /// Appends a transaction; its outputs become coins.
    fn write(&mut self, to: &mut Vec<u8>, tx: &Tx, height: u32) -> Hash {
        let from = to.len();
        to.extend(2u32.to_le_bytes());
        if tx.ins.is_empty() {
            to.push(1);
            to.extend([0; 32]);
            to.extend([0xff; 4]);
            // BIP 34: the height comes first. It also keeps the ids of coinbases apart.
            to.push(5);
            to.push(4);
            to.extend(height.to_le_bytes());
            to.extend([0xff; 4]);
        } else {
            compact_size(to, tx.ins.len() as u64);
            for (_, coin) in &tx.ins {
                to.extend(coin.tx);
                to.extend(coin.vout.to_le_bytes());
                // No signature: the reader takes spent addresses from undo data, not from scripts.
                to.push(0);
                // Signals replacement (BIP 125).
                to.extend(0xffff_fffdu32.to_le_bytes());
            }
        }
        compact_size(to, tx.outs.len() as u64);
        for (wallet, address, value) in &tx.outs {
            to.extend(value.to_le_bytes());
            let script = script(&key(*wallet, *address));
            to.push(script.len() as u8);
            to.extend(script);
        }
        to.extend(0u32.to_le_bytes());
        let id = sha256d(&[&to[from..]]);
        for (vout, (wallet, address, value)) in (0..).zip(&tx.outs) {
            self.wallets[*wallet as usize].coins.push(Coin {
                tx: id,
                vout,
                address: *address,
                value: *value,
                height,
            });
            self.ready.push(*wallet as u32);
        }
        id
    }
}

/// A wallet's address by number; all addresses of a wallet have the same script kind.
fn key(wallet: u64, address: u32) -> Key {
    // Derived from its two numbers whenever it is needed, so that no table of keys takes up memory.
    let mut random = Random(wallet << 32 | u64::from(address));
    let mut payload = [0; 32];
    for word in payload.chunks_exact_mut(8) {
        word.copy_from_slice(&random.next().to_le_bytes());
    }
    let (kind, length) = match Random(wallet).next() % 10 {
        0..3 => (Kind::P2pkh, 20),
        3..5 => (Kind::P2sh, 20),
        5..9 => (Kind::P2wpkh, 20),
        _ => (Kind::P2tr, 32),
    };
    Key::new(kind, &payload[..length]).expect("a payload of a known length")
}

/// Double SHA-256, independent of the kernel's implementation.
fn sha256d(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Sha256::digest(hasher.finalize()).into()
}

/// Merkle root; a level of odd length duplicates its last hash.
fn merkle_root(ids: &[Hash]) -> Hash {
    let mut level = ids.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| sha256d(&[&pair[0], pair.last().expect("one or two")]))
            .collect();
    }
    level.first().copied().unwrap_or([0; 32])
}

fn script(key: &Key) -> Vec<u8> {
    let (before, after): (&[u8], &[u8]) = match key.kind() {
        Kind::P2pkh => (&[0x76, 0xa9, 0x14], &[0x88, 0xac]),
        Kind::P2sh => (&[0xa9, 0x14], &[0x87]),
        Kind::P2wpkh => (&[0x00, 0x14], &[]),
        _ => (&[0x51, 0x20], &[]),
    };
    [before, key.payload(), after].concat()
}

fn undo_of(to: &mut Vec<u8>, tx: &Tx) {
    compact_size(to, tx.ins.len() as u64);
    for (wallet, coin) in &tx.ins {
        // Bitcoin Core's TxInUndoFormatter: height * 2 + coinbase flag, then a version byte. The
        // flag is left at 0 even for coinbases; readers need it only for maturity.
        variable(to, u64::from(coin.height) * 2);
        to.push(0);
        variable(to, compressed(coin.value));
        let key = key(*wallet, coin.address);
        match key.kind() {
            Kind::P2pkh => to.push(0),
            Kind::P2sh => to.push(1),
            _ => {
                let script = script(&key);
                // Numbers below 6 are the special cases of Bitcoin Core's ScriptCompression.
                variable(to, script.len() as u64 + 6);
                to.extend(script);
                continue;
            }
        }
        to.extend(key.payload());
    }
}

/// Bitcoin Core `CompressAmount`.
fn compressed(satoshi: u64) -> u64 {
    if satoshi == 0 {
        return 0;
    }
    let (mut n, mut zeros) = (satoshi, 0);
    while n.is_multiple_of(10) && zeros < 9 {
        n /= 10;
        zeros += 1;
    }
    if zeros < 9 {
        let digit = n % 10;
        1 + (n / 10 * 9 + digit - 1) * 10 + zeros
    } else {
        1 + (n - 1) * 10 + 9
    }
}

fn variable(to: &mut Vec<u8>, mut n: u64) {
    let mut bytes = vec![(n & 0x7f) as u8];
    while n > 0x7f {
        // The -1 leaves one encoding per number (Bitcoin Core's VARINT).
        n = (n >> 7) - 1;
        bytes.push((n & 0x7f) as u8 | 0x80);
    }
    to.extend(bytes.iter().rev());
}

fn compact_size(to: &mut Vec<u8>, n: u64) {
    match n {
        0..0xfd => to.push(n as u8),
        0xfd..=0xffff => {
            to.push(0xfd);
            to.extend((n as u16).to_le_bytes());
        }
        _ => {
            to.push(0xfe);
            to.extend((n as u32).to_le_bytes());
        }
    }
}

/// SplitMix64.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        // Multiply and shift: no division, and next to no bias.
        ((u128::from(self.next()) * u128::from(n.max(1))) >> 64) as u64
    }

    /// A skewed choice: about half of the picks are among the first fiftieth.
    fn heavy(&mut self, n: u64) -> u64 {
        let a = self.below(n);
        if self.below(2) == 0 {
            a
        } else {
            self.below(a / 50 + 1)
        }
    }
}

/// The node's files.
struct Files<'a> {
    folder: &'a Path,
    mask: [u8; 8],
    number: u32,
    blocks: Masked,
    undo: Masked,
}

impl<'a> Files<'a> {
    fn create(folder: &'a Path, mask: [u8; 8]) -> io::Result<Self> {
        Ok(Self {
            folder,
            mask,
            number: 0,
            blocks: Masked::create(&folder.join("blk00000.dat"), mask)?,
            undo: Masked::create(&folder.join("rev00000.dat"), mask)?,
        })
    }

    fn block(&mut self, block: &[u8], undo: Option<(&[u8], &Hash)>) -> io::Result<()> {
        if self.blocks.written + block.len() as u64 > FILE_BYTES {
            self.number += 1;
            let path = |kind: &str| self.folder.join(format!("{kind}{:05}.dat", self.number));
            let blocks = Masked::create(&path("blk"), self.mask)?;
            let undo = Masked::create(&path("rev"), self.mask)?;
            // Bitcoin Core cuts a file when it begins the next; only the last one ends in zeros.
            std::mem::replace(&mut self.blocks, blocks).finish(0)?;
            std::mem::replace(&mut self.undo, undo).finish(0)?;
        }
        let magic = Network::Regtest.magics()[0];
        self.blocks.write(&magic)?;
        self.blocks.write(&(block.len() as u32).to_le_bytes())?;
        self.blocks.write(block)?;
        if let Some((undo, previous)) = undo {
            self.undo.write(&magic)?;
            self.undo.write(&(undo.len() as u32).to_le_bytes())?;
            self.undo.write(undo)?;
            // The checksum covers the parent's hash, so it can't tell competing blocks apart.
            self.undo.write(&sha256d(&[previous, undo]))?;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.blocks.finish(TAIL_BYTES)?;
        self.undo.finish(TAIL_BYTES)
    }
}

struct Masked {
    file: BufWriter<File>,
    mask: [u8; 8],
    written: u64,
}

impl Masked {
    fn create(path: &Path, mask: [u8; 8]) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, File::create(path)?),
            mask,
            written: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut masked = bytes.to_vec();
        // The mask repeats by the offset in the file, not in the record.
        for (at, byte) in (self.written..).zip(&mut masked) {
            *byte ^= self.mask[(at % 8) as usize];
        }
        self.written += bytes.len() as u64;
        self.file.write_all(&masked)
    }

    fn finish(self, tail: u64) -> io::Result<()> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        // Not masked: the node reserves the space without writing to it.
        file.set_len(self.written + tail)
    }
}
