//! Wallets never show a change address to the user, so it isn't paid again.

use super::{Change, Heuristic, Output, Strength};

/// Never paid again.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "used_once",
    code: 5,
    revision: 1,
    strength: Strength::Weak,
    rule: "the address was paid only this once, as far as the index reaches",
    source: "Meiklejohn et al. 2013, refinements of H2; Goldfeder et al. 2018",
    confidence: 80,
    measured: "14 named of one chain's 799 payments, 13 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 0 wrong",
    must: false,
    keep,
};

fn keep(c: &Change<'_>, o: &Output) -> bool {
    // One more payment to the address, in any later block, changes this answer.
    c.chain.last(o.address) == Some(o.out)
}
