//! Whirlpool's first step: one owner cuts coins into pieces that fit a pool.

use super::{CoinJoin, TxView};
use crate::address::Kind;

/// The transaction before the first round.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "tx0",
    code: 2,
    revision: 1,
    rule: "an OP_RETURN, two or more equal outputs slightly above a pool's size, at most two others",
    source: "Samourai Wallet, Whirlpool protocol; Stütz et al. 2022",
    joint: false,
    judge,
};

// Satoshi; the pools of whirlpool.rs.
const POOLS: [u64; 5] = [100_000, 1_000_000, 2_500_000, 5_000_000, 50_000_000];

fn judge(v: &TxView<'_>) -> Option<u8> {
    let (amount, equal) = v.equal;
    let notes = v.outs.iter().filter(|o| o.kind == Kind::None).count();
    // Each piece brings the miner's fee of a round: up to 2 % or 30,000 satoshi above the pool's
    // size, whichever is more. Our judgement.
    let fits = POOLS
        .iter()
        .any(|p| amount > *p && amount - p <= (p / 50).max(30_000));
    // Three, because the OP_RETURN is counted among the others.
    (notes == 1 && equal >= 2 && fits && v.others() <= 3).then_some(90)
}
