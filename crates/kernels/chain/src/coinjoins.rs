//! Recognises transactions in which several people pay together: their inputs prove no common owner.
//!
//! Each pattern is a file; a new one is a file and two lines here. A pattern looks at one
//! transaction only: amounts and their order, script types, sequence numbers, and how many
//! addresses there are. Confidence is our judgement, 0 to 100: from [`DETECTED_FROM`] on a
//! transaction is a detected CoinJoin, below it a suspected one. Both are excluded from strong
//! links if several owners pay in them (`joint`).

use crate::address::Kind;

mod joinmarket;
mod multi_output;
mod payjoin;
mod stonewall;
#[cfg(test)]
mod tests;
mod tx0;
mod wasabi1;
mod wasabi2;
mod whirlpool;

/// Every CoinJoin pattern. If several match, the one with the highest confidence is taken; of
/// equals, the earlier.
pub const ALL: &[&CoinJoin] = &[
    &whirlpool::COINJOIN,
    &tx0::COINJOIN,
    &wasabi1::COINJOIN,
    &wasabi2::COINJOIN,
    &joinmarket::COINJOIN,
    &multi_output::COINJOIN,
    &stonewall::COINJOIN,
    &payjoin::COINJOIN,
];

/// From this confidence on a transaction is a detected CoinJoin; below it, a suspected one. Our
/// judgement.
pub const DETECTED_FROM: u8 = 50;

/// A pattern of CoinJoins, and the rule that recognises it.
#[derive(Debug)]
pub struct CoinJoin {
    /// Stable name; also the name of its file.
    pub name: &'static str,
    /// Stable code stored in an index: not 0, and never reused.
    pub code: u8,
    /// Counts changes of what the rule does; see [`crate::heuristics::Heuristic::revision`].
    pub revision: u8,
    /// What it looks for.
    pub rule: &'static str,
    /// Who described it.
    pub source: &'static str,
    /// Whether several owners pay in it; false where it only prepares or follows a CoinJoin.
    pub joint: bool,
    pub(crate) judge: fn(&TxView<'_>) -> Option<u8>,
}

/// One input or output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    /// Satoshi; 0 for an input whose amount is unknown.
    pub value: u64,
    pub kind: Kind,
    /// Fingerprint of its address.
    pub who: u64,
    /// Sequence number of an input; 0 for an output.
    pub sequence: u32,
}

/// With more other outputs than this, [`TxView::left_over`] is false: it compares each of them with
/// every input. Our judgement.
const LEFT_OVER_MAX: usize = 400;

/// What a rule looks at.
pub(crate) struct TxView<'a> {
    pub ins: &'a [Leg],
    pub outs: &'a [Leg],
    /// Different input addresses.
    pub payers: usize,
    /// The amount that most outputs have, and how many have it; the larger of equally frequent ones.
    pub equal: (u64, usize),
    /// Whether the inputs' amounts are known.
    pub amounts: bool,
}

impl<'a> TxView<'a> {
    pub fn new(ins: &'a [Leg], outs: &'a [Leg]) -> Self {
        let distinct = |mut all: Vec<u64>| {
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        // Outputs that pay no address must not become the most frequent amount.
        let mut values: Vec<u64> = outs
            .iter()
            .filter(|o| o.kind != Kind::None)
            .map(|o| o.value)
            .collect();
        values.sort_unstable();
        let equal = values
            .chunk_by(|a, b| a == b)
            .map(|c| (c.len(), c[0]))
            .max()
            .map_or((0, 0), |(n, value)| (value, n));
        Self {
            ins,
            outs,
            payers: distinct(ins.iter().map(|i| i.who).collect()),
            equal,
            amounts: true,
        }
    }

    /// The view of a transaction whose input amounts and script types are unknown.
    pub fn without_amounts(ins: &'a [Leg], outs: &'a [Leg]) -> Self {
        Self {
            amounts: false,
            ..Self::new(ins, outs)
        }
    }

    /// True if each output of an amount other than the most frequent one is the change of its own input:
    /// what remains after paying that amount, once or several times, and a fee.
    pub fn left_over(&self) -> bool {
        let amount = self.equal.0;
        if !self.amounts || amount == 0 || self.others() > self.ins.len().min(LEFT_OVER_MAX) {
            return false;
        }
        // Our judgement: room for a fee, but too little for another payment to hide in.
        let fee_max = (amount / 20).min(20_000);
        // One change for each input: an input explains a single output.
        let mut used = vec![false; self.ins.len()];
        let mut others = self.outs.iter().filter(|o| o.value != amount);
        others.all(|o| {
            let paid = |i: &Leg| i.value.saturating_sub(o.value);
            let of_it = self
                .ins
                .iter()
                .zip(&mut used)
                .find(|(i, used)| !**used && paid(i) >= amount && paid(i) % amount <= fee_max);
            of_it.map(|(_, used)| *used = true).is_some()
        })
    }

    /// Outputs of another amount than the most frequent one.
    pub fn others(&self) -> usize {
        self.outs.len() - self.equal.1
    }
}

/// The pattern with this stored code.
pub(crate) fn by_code(code: u8) -> Option<&'static CoinJoin> {
    ALL.iter().copied().find(|m| m.code == code)
}

/// The pattern that fits best, and its confidence.
pub(crate) fn judge(view: &TxView<'_>) -> Option<(&'static CoinJoin, u8)> {
    let found = ALL
        .iter()
        .enumerate()
        .filter_map(|(n, coinjoin)| Some(((coinjoin.judge)(view)?, std::cmp::Reverse(n))));
    // Positions are reversed, so that of equally confident patterns the earlier one wins.
    found.max().map(|(confidence, n)| (ALL[n.0], confidence))
}
