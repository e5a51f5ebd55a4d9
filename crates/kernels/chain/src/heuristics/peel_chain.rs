//! A large coin that pays small sums again and again keeps going as change.

use super::{Change, Heuristic, Output, Strength};

/// The large remainder of a coin.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "peel_chain",
    code: 7,
    revision: 1,
    strength: Strength::Weak,
    rule: "one input; the output is at least nineteen twentieths of all outputs together and leaves 10,000 satoshi or more to the others, its address is paid only once, and it is unspent or the only input of a transaction with two or more outputs",
    source: "Meiklejohn et al. 2013, peeling chains; BlockSci (Kalodner et al. 2020), peeling chain",
    confidence: 75,
    measured: "24 named of one chain's 799 payments, 38 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 0 wrong",
    must: false,
    keep,
};

/// Least amount that the other outputs pay, in satoshi: a smaller one is more often the change
/// itself. Our judgement.
const PAID_MIN: u64 = 10_000;

fn keep(c: &Change<'_>, o: &Output) -> bool {
    let chain = c.chain;
    // Nineteen twentieths of the total are nineteen times the rest. Dividing instead of multiplying
    // cannot overflow.
    let rest = c.total - o.satoshi();
    if c.ins != 1
        || rest < PAID_MIN
        || o.satoshi() / 19 < rest
        || chain.last(o.address) != Some(o.out)
    {
        return false;
    }
    // An unspent coin may still be peeled.
    chain.spent(o.out).is_none_or(|input| {
        let by = chain.tx_of_in(input);
        let (ins, outs) = (chain.ins(by), chain.outs(by));
        ins.end - ins.start == 1 && outs.end - outs.start >= 2
    })
}
