//! A wallet puts in no coin that it could have left out: change is less than every input.

use super::{Change, Heuristic, Output, Strength};
use crate::block::out_bits;

/// Less than every input.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "optimal_change",
    code: 3,
    strength: Strength::Weak,
    rule: "with two or more inputs, the output is less than each of them, and the payment isn't round to a thousand",
    source: "BlockSci (Kalodner et al. 2020), optimal change; Nick 2015",
    confidence: 60,
    measured: "2 named of one chain's 799 payments, 18 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 1 wrong; on made-up chains without coin selection often wrong, so it ties nothing",
    must: false,
    keep,
};

fn keep(c: &Change<'_>, o: &Output) -> bool {
    c.ins >= 2 && o.row & out_bits::BELOW_INPUTS != 0 && !o.satoshi().is_multiple_of(1_000)
}
