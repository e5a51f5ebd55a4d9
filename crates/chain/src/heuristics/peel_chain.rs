//! A large coin that pays small sums again and again keeps going as change.

use super::{Change, Heuristic, Output, Strength};

/// The large rest of a large coin.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "peel_chain",
    strength: Strength::Weak,
    rule: "one input; the output is at least nineteen twentieths of the whole, its address is paid only once, and it is spent alone, by a transaction with another payee",
    source: "Meiklejohn et al. 2013, peeling chains; BlockSci (Kalodner et al. 2020), peeling chain",
    confidence: 75,
    measured: "regtest chain of 799 payments with known owners: 24 named, 0 wrong",
    keep,
};

fn keep(c: &Change<'_>, o: &Output) -> bool {
    let chain = c.chain;
    if c.ins != 1
        || o.satoshi() / 19 < (c.total - o.satoshi())
        || chain.last(o.address) != Some(o.out)
    {
        return false;
    }
    // Unspent coins go on peeling as far as anybody knows.
    chain.spent(o.out).is_none_or(|input| {
        let by = chain.tx_of_in(input);
        let (ins, outs) = (chain.ins(by), chain.outs(by));
        ins.end - ins.start == 1 && outs.end - outs.start >= 2
    })
}
