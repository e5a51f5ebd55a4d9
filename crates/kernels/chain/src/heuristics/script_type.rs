//! Change has the script type of the wallet's own addresses.

use super::{Change, Heuristic, Output, Strength};
use crate::block::out_bits;

/// The inputs' kind.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "script_type",
    code: 2,
    revision: 1,
    strength: Strength::Weak,
    rule: "the output has the script type that all inputs have",
    source: "BlockSci (Kalodner et al. 2020), address type; GraphSense one-time change",
    confidence: 97,
    measured: "393 named of one chain's 799 payments, 2,307 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 0 wrong",
    must: true,
    keep,
};

fn keep(_: &Change<'_>, o: &Output) -> bool {
    // Never set where inputs are of several kinds: no change is named there.
    o.row & out_bits::LIKE_INPUTS != 0
}
