//! A wallet puts in no coin that it could have left out: change is less than every input.

use super::{Change, Heuristic, Output, Strength};
use crate::block::out_bits;

/// Less than every input.
pub const HEURISTIC: Heuristic = Heuristic {
    name: "optimal_change",
    code: 3,
    revision: 1,
    strength: Strength::Weak,
    rule: "with two or more inputs, the output is less than each of them, and it isn't a multiple of 1,000 satoshi",
    source: "BlockSci (Kalodner et al. 2020), optimal change; Nick 2015",
    confidence: 60,
    measured: "2 named of one chain's 799 payments, 18 of six other chains' 4,771 (fixtures/bitcoin, seeds 7 to 12); 1 wrong; often wrong on artificial chains without coin selection, so it links nothing",
    must: false,
    keep,
};

fn keep(c: &Change<'_>, o: &Output) -> bool {
    // With one input every output is less than it, so being less says nothing.
    c.ins >= 2 && o.row & out_bits::BELOW_INPUTS != 0 && !o.satoshi().is_multiple_of(1_000)
}
