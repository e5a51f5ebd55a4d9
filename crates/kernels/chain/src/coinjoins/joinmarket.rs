//! JoinMarket and similar: some equal outputs, one for each participant, and their change.

use super::{CoinJoin, TxView};

/// Equal outputs, one for each participant.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "joinmarket",
    code: 5,
    revision: 1,
    rule: "three or more equal outputs above dust, as many or more input addresses, at most one more other output than equal ones; higher confidence from four equal outputs on, or if all participants but one have change; lower with fewer than two other outputs, unless there are as many inputs as outputs",
    source: "JoinMarket; Goldfeder et al. 2018; Möser, Böhme 2017",
    joint: true,
    judge,
};

/// Up to this amount, in satoshi, equal outputs are more often messages than money. JoinMarket's
/// own `DUST_THRESHOLD`: five times Bitcoin Core's dust limit of 546.
const DUST: u64 = 2_730;

fn judge(v: &TxView<'_>) -> Option<u8> {
    let (amount, equal) = v.equal;
    if equal < 3 || amount <= DUST || v.payers < equal || v.others() > equal + 1 {
        return None;
    }
    // One person who pays three friends the same from many coins has one change output, not
    // several.
    if v.others() < 2 && v.ins.len() != v.outs.len() {
        return Some(if equal >= 5 { 55 } else { 45 });
    }
    // Change for all participants but one, or enough equal outputs to do without.
    Some(if equal >= 4 || v.others() + 1 >= equal {
        80
    } else {
        60
    })
}
