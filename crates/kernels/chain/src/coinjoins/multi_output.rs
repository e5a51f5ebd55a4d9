//! Rounds in which a participant may receive several equal outputs.

use super::{CoinJoin, TxView};

/// More equal outputs than participants.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "multi_output",
    code: 6,
    revision: 1,
    rule: "equal outputs above dust and three or more input addresses; either five or more equal outputs, at least half of all, and at most one other output per input (higher confidence from two other outputs on); or three or more equal outputs and two or more others, each of which is what an input has left after some of the equal ones",
    source: "GraphSense; Schnoering, Vazirgiannis 2023; rounds after Wasabi 1.1 and Whirlpool",
    joint: true,
    judge,
};

fn judge(v: &TxView<'_>) -> Option<u8> {
    // 2,730 satoshi: JoinMarket's dust threshold, see joinmarket.rs.
    let (amount, equal) = v.equal;
    if equal >= 3 && amount > 2_730 && v.payers >= 3 && v.others() >= 2 && v.left_over() {
        return Some(90);
    }
    if equal < 5 || amount <= 2_730 || equal < v.others() || v.payers < 3 {
        return None;
    }
    // Each participant has at most one change output, and at least one input.
    if v.others() > v.ins.len() {
        return None;
    }
    // With one change output it may be one person who pays many the same amount.
    Some(match v.others() {
        0 | 1 => 40,
        2 => 60,
        _ => 85,
    })
}
