//! Stonewall: looks like a mix of two, and is one or isn't.

use super::{CoinJoin, TxView};

/// Two equal outputs and two changes.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "stonewall",
    code: 7,
    rule: "four outputs, just two of them equal and above dust, two or more input addresses",
    source: "Samourai Wallet, Stonewall and StonewallX2; GraphSense",
    joint: true,
    judge,
};

fn judge(v: &TxView<'_>) -> Option<u8> {
    let (amount, equal) = v.equal;
    (v.outs.len() == 4 && equal == 2 && v.payers >= 2 && amount > 2_730).then_some(30)
}
