//! The change is spent by the same wallet, so with the same fingerprint: an output spent with another one isn't change.

use super::{Change, Heuristic, Output, Strength, habits_of};

/// Spent with the same wallet fingerprint.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "wallet_fingerprint",
    code: 6,
    revision: 1,
    strength: Strength::Weak,
    rule: "the output isn't spent by a transaction of another version, locktime habit, segwit use or replaceability, except for CoinJoins",
    source: "Kappos et al. 2022; Möser, Narayanan 2022",
    confidence: 80,
    measured: "0 named of one chain's 799 payments, 352 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 5 wrong",
    must: false,
    keep,
};

fn keep(c: &Change<'_>, o: &Output) -> bool {
    // An unspent output says nothing, so it stays in question.
    c.chain.spent(o.out).is_none_or(|input| {
        let by = c.chain.tx_of_in(input);
        // The form of a CoinJoin is agreed among its participants, so it says nothing of one wallet.
        c.chain.is_joint(by) || habits_of(c.chain, by) == habits_of(c.chain, c.tx)
    })
}
