//! PayJoin: the payee adds a coin of their own. It can't be proven from outside, so it is only suspected.

use super::{CoinJoin, TxView};

/// Payer and payee pay together.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "payjoin",
    code: 8,
    revision: 1,
    rule: "two outputs and two to five input addresses; inputs signed in different ways (sequence numbers), or of different script types if the larger output doesn't need all inputs",
    source: "BIP 78; Ghesmati et al. 2022 (unnecessary inputs)",
    joint: true,
    judge,
};

fn judge(v: &TxView<'_>) -> Option<u8> {
    if v.outs.len() != 2 || !(2..=5).contains(&v.payers) {
        return None;
    }
    // Without amounts, no input can be shown to be unnecessary.
    if !v.amounts {
        return None;
    }
    let manners = v.ins.iter().any(|i| i.sequence != v.ins[0].sequence);
    let kinds = v.ins.iter().any(|i| i.kind != v.ins[0].kind);
    let paid: u64 = v.ins.iter().map(|i| i.value).sum();
    let smallest = v.ins.iter().map(|i| i.value).min()?;
    let largest_out = v.outs.iter().map(|o| o.value).max()?;
    // The smallest input could have stayed out, whichever output is the payment.
    let unnecessary = largest_out <= paid.saturating_sub(smallest);
    match (manners, kinds, unnecessary) {
        (true, _, true) => Some(45),
        (true, _, false) => Some(35),
        (false, true, true) => Some(25),
        _ => None,
    }
}
