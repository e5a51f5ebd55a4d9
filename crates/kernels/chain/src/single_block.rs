//! CoinJoins in a single block, without undo data: input amounts are unknown, and signers are
//! recognised by the public keys in witnesses and scripts.

use std::ops::ControlFlow;

use bitcoin_slices::{Visit as _, Visitor, bsl};

use crate::address::{Key, Kind};
use crate::block::Fingerprint;
use crate::coinjoins::{self, CoinJoin, Leg, TxView};
use crate::files::Hash;
use crate::hash256::sha256d;

/// The transactions of a block that look like CoinJoins: id, pattern, confidence (0 to 100). `None`
/// if the bytes are not exactly one block; the parser does not report the offset of a fault.
pub fn coinjoins_of_block(block: &[u8]) -> Option<Vec<(Hash, &'static CoinJoin, u8)>> {
    let mut looking = CoinJoinVisitor::default();
    let parsed = bsl::Block::visit(block, &mut looking).ok()?;
    parsed.remaining().is_empty().then_some(looking.found)
}

#[derive(Default)]
struct CoinJoinVisitor {
    ins: Vec<(Leg, [u8; 32])>,
    outs: Vec<Leg>,
    signer: usize,
    found: Vec<(Hash, &'static CoinJoin, u8)>,
}

/// Not secret: an attacker gains nothing from a collision of two signers here.
const SECRET: [u64; 4] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0x2545_f491_4f6c_dd1d,
];

/// Bytes of a compressed public key.
const KEY_BYTES: usize = 33;

fn who(bytes: &[u8]) -> u64 {
    // Taken as bytes, not as a script: as scripts, all that begin like OP_RETURN would be one
    // signer.
    let key = Key::new(Kind::Other, bytes).expect("36 bytes are a payload");
    Fingerprint::of_key(&key, &SECRET).high
}

impl Visitor for CoinJoinVisitor {
    fn visit_tx_in(&mut self, _: usize, tx_in: &bsl::TxIn<'_>) -> ControlFlow<()> {
        let bytes = tx_in.as_ref();
        let script = tx_in.script_sig();
        // Without a key to compare, each outpoint counts as its own signer.
        let signer = script.last_chunk::<KEY_BYTES>();
        let key = signer.map_or(&bytes[..36], |s| &s[..]);
        let sequence =
            u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().expect("4-byte slice"));
        let previous = bytes[..32].try_into().expect("32 bytes");
        self.ins.push((
            Leg {
                value: 0,
                // Unknown without the output that it spends.
                kind: Kind::None,
                who: who(key),
                sequence,
            },
            previous,
        ));
        ControlFlow::Continue(())
    }

    fn visit_tx_out(&mut self, _: usize, tx_out: &bsl::TxOut<'_>) -> ControlFlow<()> {
        let key = Key::of_script(tx_out.script_pubkey());
        self.outs.push(Leg {
            value: tx_out.value(),
            kind: key.kind(),
            who: Fingerprint::of_key(&key, &SECRET).high,
            sequence: 0,
        });
        ControlFlow::Continue(())
    }

    fn visit_witness(&mut self, vin: usize) -> ControlFlow<()> {
        self.signer = vin;
        ControlFlow::Continue(())
    }

    fn visit_witness_element(&mut self, _: usize, element: &[u8]) {
        // The witness of a P2WPKH input ends with its key; any other element of this length is
        // taken for a key as well.
        if element.len() == KEY_BYTES
            && let Some(input) = self.ins.get_mut(self.signer)
        {
            input.0.who = who(element);
        }
    }

    fn visit_transaction(&mut self, tx: &bsl::Transaction<'_>) -> ControlFlow<()> {
        let coinbase = self.ins.len() == 1 && self.ins[0].1 == [0; 32];
        if !coinbase {
            let ins: Vec<Leg> = self.ins.iter().map(|i| i.0).collect();
            let view = TxView::without_amounts(&ins, &self.outs);
            if let Some((coinjoin, confidence)) = coinjoins::judge(&view) {
                let (a, b, c) = tx.txid_preimage();
                let id = sha256d(&[a, b, c]);
                self.found.push((id, coinjoin, confidence));
            }
        }
        // Cleared at the end: the visitor sees inputs and outputs before their transaction.
        self.ins.clear();
        self.outs.clear();
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and outpoints that begin with OP_RETURN's byte were all taken for one payer's.
    #[test]
    fn payers_are_distinguished_by_all_their_bytes() {
        for first in [0x02, 0x6a] {
            let (mut a, mut b) = ([1_u8; 36], [2_u8; 36]);
            (a[0], b[0]) = (first, first);
            assert_ne!(who(&a), who(&b), "{first:#x}");
            assert_eq!(who(&a), who(&a));
        }
    }
}
