//! Turns a block and its undo data into rows: transactions, inputs with who paid, outputs.

use std::ops::ControlFlow;

use bitcoin_slices::{Visit as _, Visitor, bsl};

use crate::address::{Key, Kind};
use crate::coinjoins::{self, Leg, TxView};
use crate::files::Hash;
use crate::hash256::sha256d;
use crate::undo;

/// The secret key of an index's fingerprints: without it an outsider can't prepare two addresses with
/// the same fingerprint.
pub type Secret = [u64; 4];

/// A fingerprint of 88 bits: 64 to sort by, 24 to check.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fingerprint {
    pub high: u64,
    pub check: u32,
}

impl Fingerprint {
    pub fn of_key(key: &Key, secret: &Secret) -> Self {
        Self::of(key.kind() as u64, key.payload(), secret)
    }

    pub fn of_transaction(id: &Hash, secret: &Secret) -> Self {
        Self::of(0xff, id, secret)
    }

    /// Two lanes of folded multiplication: each 128-bit product is XORed down to 64 bits.
    fn of(kind: u64, bytes: &[u8], secret: &Secret) -> Self {
        let fold = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            (product as u64) ^ (product >> 64) as u64
        };
        // The kind goes in first: the same bytes under two kinds are two addresses.
        let [mut a, mut b] = [secret[0] ^ kind, secret[1] ^ kind];
        let mut word = |bytes: &[u8]| {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            let w = u64::from_le_bytes(eight);
            a = fold(a ^ w, secret[2]);
            b = fold(b ^ w.rotate_left(32), secret[3]);
        };
        let mut words = bytes.chunks_exact(8);
        for w in &mut words {
            word(w);
        }
        // Zero padding is unambiguous, because the length is mixed in below.
        word(words.remainder());
        a = fold(a ^ bytes.len() as u64, secret[3] ^ b);
        b = fold(b ^ secret[0], secret[2] ^ a);
        Self {
            high: a,
            // 24 bits: what a spool record has left after 39 bits of position and a flag.
            check: b as u32 & 0xff_ffff,
        }
    }
}

/// Traits of a transaction, one bit each, and above them the common kind of its inputs.
pub(crate) mod form {
    pub const VERSION_1: u16 = 1;
    pub const VERSION_2: u16 = 1 << 1;
    pub const LOCKTIME: u16 = 1 << 2;
    pub const SEGWIT: u16 = 1 << 3;
    /// May be replaced (BIP 125).
    pub const REPLACEABLE: u16 = 1 << 4;
    /// Outputs in ascending order of value, the first criterion of BIP 69.
    pub const SORTED: u16 = 1 << 5;
    pub const COINBASE: u16 = 1 << 6;
    /// The traits that make up a wallet's fingerprint.
    pub const HABITS: u16 = VERSION_1 | VERSION_2 | LOCKTIME | SEGWIT | REPLACEABLE;
    /// The bit at which the inputs' common kind begins; the kind is 0 if they differ.
    pub const KIND_SHIFT: u16 = 8;
}

/// A transaction's row.
#[derive(Clone, Debug)]
pub(crate) struct TxRow {
    pub id: Hash,
    pub inputs: u32,
    pub outputs: u32,
    pub form: u16,
    /// Code of the [`coinjoins::CoinJoin`] pattern it matches; 0 for none.
    pub coinjoin: u8,
    pub confidence: u8,
}

/// An input's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InRow {
    pub previous: Hash,
    pub vout: u32,
    pub key: Key,
    /// Satoshi.
    pub value: u64,
}

/// An output's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutRow {
    /// Satoshi, with [`out_bits`] above.
    pub value: u64,
    pub key: Key,
}

/// Bits stored above an output's value.
pub(crate) mod out_bits {
    pub const VALUE: u64 = (1 << 56) - 1;
    pub const KIND_SHIFT: u32 = 56;
    /// Of the same kind as every input.
    pub const LIKE_INPUTS: u64 = 1 << 60;
    /// Less than every input.
    pub const BELOW_INPUTS: u64 = 1 << 61;
}

/// A block's rows.
#[derive(Default, Debug)]
pub(crate) struct Rows {
    pub txs: Vec<TxRow>,
    pub ins: Vec<InRow>,
    pub outs: Vec<OutRow>,
}

/// Most transactions to reserve memory for up front. Our judgement.
const TXS_MAX: u64 = 20_000;

/// Largest amount that consensus allows, satoshi (Bitcoin Core `consensus/amount.h`,
/// MAX_MONEY).
const SATOSHI_MAX: u64 = 2_100_000_000_000_000;

/// A parser with its memory, for one block after another.
#[derive(Default)]
pub(crate) struct Parser {
    ins: Vec<Input>,
    outs: Vec<OutRow>,
    sides: (Vec<Leg>, Vec<Leg>),
    /// The outputs that the block spends.
    spent: Vec<undo::Spent>,
    /// For each of `spent`, the transaction that spends it; 0 is the block's second, because undo
    /// data omit the coinbase.
    spent_in: Vec<usize>,
    ids: Vec<Hash>,
    /// Outputs of the block parsed before, and an eighth more: how many to reserve memory for.
    outs_before: usize,
}

#[derive(Clone, Copy)]
struct Input {
    previous: Hash,
    vout: u32,
    sequence: u32,
}

/// Why a block can't be parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ParseFault {
    /// The undo data can't be read, or aren't this block's.
    Undo,
    /// The block itself.
    Block(&'static str),
}

/// Parses a block into rows, and checks it against its header.
pub(crate) fn parse(
    parser: &mut Parser,
    block: &[u8],
    undo: &[u8],
    secret: &Secret,
) -> Result<Rows, ParseFault> {
    parser.ins.clear();
    parser.outs.clear();
    parser.spent.clear();
    parser.spent_in.clear();
    // Callers pass nothing for a block of one coinbase, which spends nothing.
    if !undo.is_empty() {
        undo::spent(undo, |tx, _, s| {
            parser.spent.push(s);
            parser.spent_in.push(tx);
        })
        .ok_or(ParseFault::Undo)?;
    }
    // Reserved up front: these vectors are large, and growing them would copy them.
    let rows = Rows {
        // The count comes from outside, hence the cap. One more: undo data omit the coinbase.
        txs: Vec::with_capacity(
            undo::transactions(undo).map_or(1, |n| n.min(TXS_MAX) as usize + 1),
        ),
        ins: Vec::with_capacity(parser.spent.len()),
        outs: Vec::with_capacity(parser.outs_before),
    };
    let mut visitor = BlockVisitor {
        parser,
        rows,
        taken: 0,
        secret,
        wrong: None,
    };
    let parsed = bsl::Block::visit(block, &mut visitor);
    // Before the parse's own error: a visitor that stops also makes the parse fail, with a vaguer
    // reason.
    if let Some(wrong) = visitor.wrong {
        return Err(wrong);
    }
    let (taken, rows) = (visitor.taken, visitor.rows);
    let parsed = parsed.map_err(|_| ParseFault::Block("can't be read"))?;
    if !parsed.remaining().is_empty() {
        return Err(ParseFault::Block("is longer than its transactions"));
    }
    // Undo data left over belong to another block.
    if taken != parser.spent.len() {
        return Err(ParseFault::Undo);
    }
    // An eighth of slack, so that a slightly larger next block does not reallocate.
    parser.outs_before = rows.outs.len() + rows.outs.len() / 8;
    parser.ids.clear();
    parser.ids.extend(rows.txs.iter().map(|t| t.id));
    // The header's own hash was checked when the block was read; this binds the transactions to it.
    if merkle_root(&mut parser.ids) != block[36..68] {
        return Err(ParseFault::Block(
            "doesn't hold the transactions that its header names",
        ));
    }
    Ok(rows)
}

/// The Merkle root of transaction ids (Bitcoin Core `consensus/merkle.cpp`); overwrites the ids.
pub(crate) fn merkle_root(level: &mut Vec<Hash>) -> Hash {
    while level.len() > 1 {
        if !level.len().is_multiple_of(2) {
            // Consensus: a level of odd length hashes its last id with itself.
            level.push(level[level.len() - 1]);
        }
        let half = level.len() / 2;
        for n in 0..half {
            level[n] = sha256d(&[&level[2 * n], &level[2 * n + 1]]);
        }
        level.truncate(half);
    }
    level.first().copied().unwrap_or([0; 32])
}

struct BlockVisitor<'a> {
    parser: &'a mut Parser,
    rows: Rows,
    taken: usize,
    secret: &'a Secret,
    wrong: Option<ParseFault>,
}

impl Visitor for BlockVisitor<'_> {
    fn visit_tx_in(&mut self, _: usize, tx_in: &bsl::TxIn<'_>) -> ControlFlow<()> {
        let bytes = tx_in.as_ref();
        let four = |from: usize| {
            u32::from_le_bytes(bytes[from..from + 4].try_into().expect("4-byte slice"))
        };
        self.parser.ins.push(Input {
            previous: bytes[..32].try_into().expect("32 bytes"),
            vout: four(32),
            // From the end: the script before it has any length.
            sequence: four(bytes.len() - 4),
        });
        ControlFlow::Continue(())
    }

    fn visit_tx_out(&mut self, _: usize, tx_out: &bsl::TxOut<'_>) -> ControlFlow<()> {
        self.parser.outs.push(OutRow {
            value: tx_out.value(),
            key: Key::of_script(tx_out.script_pubkey()),
        });
        ControlFlow::Continue(())
    }

    fn visit_transaction(&mut self, tx: &bsl::Transaction<'_>) -> ControlFlow<()> {
        match self.transaction(tx) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                self.wrong = Some(why);
                ControlFlow::Break(())
            }
        }
    }
}

impl BlockVisitor<'_> {
    // Long: parses the fields of one transaction.
    fn transaction(&mut self, tx: &bsl::Transaction<'_>) -> Result<(), ParseFault> {
        let (a, b, c) = tx.txid_preimage();
        let id = sha256d(&[a, b, c]);
        let (version, locktime) = (tx.version(), tx.locktime());
        let Parser {
            ins,
            outs,
            sides,
            spent,
            spent_in,
            ..
        } = &mut *self.parser;
        // As Bitcoin Core's `IsCoinBase`, without vout: no transaction has the id zero.
        let coinbase = ins.len() == 1 && ins[0].previous == [0; 32];
        let mut bits = match version {
            1 => form::VERSION_1,
            2 => form::VERSION_2,
            _ => 0,
        };
        bits |= if locktime > 0 { form::LOCKTIME } else { 0 };
        // The preimage has three parts only where marker and witnesses were cut out of it.
        bits |= if b.is_empty() { 0 } else { form::SEGWIT };
        // Its input spends no output, so undo data have no entry for it.
        if coinbase {
            ins.clear();
            bits |= form::COINBASE;
        }
        let taking = self.taken..self.taken + ins.len();
        let spent = spent.get(taking.clone()).ok_or(ParseFault::Undo)?;
        let spent_in = &spent_in[taking];
        self.taken += ins.len();
        // A competing block's undo data pass the checksum too, because it covers only the
        // predecessor's hash and the data. But two competing blocks rarely have the same number of
        // inputs in each transaction.
        let number = self.rows.txs.len().wrapping_sub(1);
        if spent_in.iter().any(|tx| *tx != number) {
            return Err(ParseFault::Undo);
        }
        let most = |s: u64| s > SATOSHI_MAX;
        if spent.iter().any(|s| most(s.value)) {
            return Err(ParseFault::Undo);
        }
        if outs.iter().any(|o| most(o.value)) {
            return Err(ParseFault::Block("creates more money than allowed"));
        }
        // BIP 125: one input below 0xfffffffe is enough.
        if ins.iter().any(|i| i.sequence < 0xffff_fffe) {
            bits |= form::REPLACEABLE;
        }
        // For a coinbase this is `None`, whose code 0 sets no bit below.
        let first = spent.first().map_or(Kind::None, |s| s.key.kind());
        let alike = spent.iter().all(|s| s.key.kind() == first);
        if alike {
            bits |= (first as u16) << form::KIND_SHIFT;
        }
        // Must come before the loop below, which puts flags above the values.
        if outs.is_sorted_by_key(|o| o.value) {
            bits |= form::SORTED;
        }
        // 0 for a coinbase: nothing is less, so its outputs never get BELOW_INPUTS.
        let smallest = spent.iter().map(|s| s.value).min().unwrap_or(0);
        let mut coinjoin = None;
        // Most transactions are too small to be a CoinJoin, so their fingerprints aren't computed.
        // Of those skipped, only a Tx0 without change or coordinator fee could match a pattern; it
        // is missed here.
        if ins.len() >= 2 || outs.len() >= 4 {
            let side = |key: &Key, value, sequence| Leg {
                value,
                kind: key.kind(),
                who: Fingerprint::of_key(key, self.secret).high,
                sequence,
            };
            sides.0.clear();
            sides.0.extend(
                spent
                    .iter()
                    .zip(&*ins)
                    .map(|(s, i)| side(&s.key, s.value, i.sequence)),
            );
            sides.1.clear();
            sides
                .1
                .extend(outs.iter().map(|o| side(&o.key, o.value, 0)));
            coinjoin = coinjoins::judge(&TxView::new(&sides.0, &sides.1));
        }
        for out in &mut *outs {
            let kind = out.key.kind();
            // Without the last condition, a coinbase's OP_RETURN output would equal its missing inputs' `None`.
            let like = if alike && kind == first && !coinbase {
                out_bits::LIKE_INPUTS
            } else {
                0
            };
            let below = if out.value < smallest {
                out_bits::BELOW_INPUTS
            } else {
                0
            };
            // Free bits: SATOSHI_MAX, checked above, is below 2^51.
            out.value |= (kind as u64) << out_bits::KIND_SHIFT | like | below;
        }
        self.rows.txs.push(TxRow {
            id,
            inputs: ins.len() as u32,
            outputs: outs.len() as u32,
            form: bits,
            coinjoin: coinjoin.map_or(0, |m| m.0.code),
            confidence: coinjoin.map_or(0, |m| m.1),
        });
        self.rows
            .ins
            .extend(ins.iter().zip(spent).map(|(i, s)| InRow {
                previous: i.previous,
                vout: i.vout,
                key: s.key,
                value: s.value,
            }));
        self.rows.outs.append(outs);
        ins.clear();
        Ok(())
    }
}
/// The bits of a transaction's form that make up its wallet's fingerprint.
pub(crate) fn habits(bits: u16) -> u16 {
    bits & form::HABITS
}

/// Satoshi of an output's value with its bits.
pub(crate) fn satoshi(row: u64) -> u64 {
    row & out_bits::VALUE
}
