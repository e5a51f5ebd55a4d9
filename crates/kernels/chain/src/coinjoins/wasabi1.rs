//! Wasabi 1: many equal outputs of about a tenth of a bitcoin. Outputs of the higher mixing levels
//! (twice that amount, four times, and so on) count as other outputs.

use super::{CoinJoin, TxView};

/// Rounds of Wasabi 1.x.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "wasabi1",
    code: 3,
    revision: 1,
    rule: "10 or more equal outputs, inputs from at least as many addresses, at most three other outputs to two equal ones; higher confidence if the equal amount is near 0.1 BTC",
    source: "Wasabi Wallet 1.0 and 1.1; Stütz et al. 2022; Schnoering, Vazirgiannis 2023",
    joint: true,
    judge,
};

fn judge(v: &TxView<'_>) -> Option<u8> {
    let (amount, equal) = v.equal;
    if equal < 10 || v.ins.len() < equal || v.payers < equal || v.others() * 2 > equal * 3 {
        return None;
    }
    // About a tenth of a bitcoin, in satoshi; the denomination differs from round to round.
    let base = (8_000_000..=13_000_000).contains(&amount);
    Some(if base { 95 } else { 75 })
}
