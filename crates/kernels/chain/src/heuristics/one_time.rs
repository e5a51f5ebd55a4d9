//! Change goes to an address never used before.

use super::{Change, Heuristic, Output, Strength};

/// A new address.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "one_time",
    code: 1,
    revision: 1,
    strength: Strength::Weak,
    rule: "the address was never paid before, and it has the inputs' script type",
    source: "Meiklejohn et al. 2013, H2; Androulaki et al. 2012",
    confidence: 95,
    measured: "132 named of one chain's 799 payments, 225 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 0 wrong",
    must: true,
    keep,
};

fn keep(c: &Change<'_>, o: &Output) -> bool {
    // Later payments are left to used_once, so this answer never changes.
    c.chain.before(o.out).is_none()
}
