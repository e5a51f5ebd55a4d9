//! Stonewall: built to look like a CoinJoin of two people, whether or not it is one.

use super::{CoinJoin, TxView};

/// Two equal outputs and two change outputs.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "stonewall",
    code: 7,
    revision: 1,
    rule: "four outputs, just two of them equal and above dust, two or more input addresses",
    source: "Samourai Wallet, Stonewall and StonewallX2; GraphSense",
    joint: true,
    judge,
};

fn judge(v: &TxView<'_>) -> Option<u8> {
    let (amount, equal) = v.equal;
    // 2,730 satoshi: JoinMarket's dust threshold, see joinmarket.rs. The confidence is below
    // DETECTED_FROM, because a single wallet can produce the same outputs.
    (v.outs.len() == 4 && equal == 2 && v.payers >= 2 && amount > 2_730).then_some(30)
}
