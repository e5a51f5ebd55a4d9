//! Whirlpool: as many inputs as outputs, and all outputs equal; most confident if they have a
//! pool's size.

use super::{CoinJoin, TxView};

/// Whirlpool's rounds.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "whirlpool",
    code: 1,
    revision: 1,
    rule: "5 to 10 inputs, as many outputs, all outputs equal, each input from a different address and of the same amount or up to 1 % or 20,000 satoshi more, whichever is higher (newcomers bring the miner's fee)",
    source: "Samourai Wallet, Whirlpool protocol; Stütz et al. 2022",
    joint: true,
    judge,
};

/// Pools, satoshi.
const POOLS: [u64; 5] = [100_000, 1_000_000, 2_500_000, 5_000_000, 50_000_000];

fn judge(v: &TxView<'_>) -> Option<u8> {
    let n = v.ins.len();
    let (amount, equal) = v.equal;
    if !(5..=10).contains(&n) || v.outs.len() != n || equal != n || v.payers != n {
        return None;
    }
    // In a single block the inputs' amounts are unknown: only the pool's size is left to judge by.
    if !v.amounts {
        return Some(if POOLS.contains(&amount) { 90 } else { 60 });
    }
    // At least 20,000: one per cent of the smallest pool is 1,000 satoshi, too little for a fee.
    let fee_max = (amount / 100).max(20_000);
    if v.ins
        .iter()
        .any(|i| i.value < amount || i.value > amount + fee_max)
    {
        return None;
    }
    Some(if POOLS.contains(&amount) { 99 } else { 80 })
}
