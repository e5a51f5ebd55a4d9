//! Rules that link addresses to one owner, one file each; a new one is a file and two lines here.
//!
//! Strong: inputs spent together, outside CoinJoins. Weak: which output of a payment is its change. The
//! change rules run in a fixed order. Each keeps those of the remaining outputs it would accept as
//! change; the rule that leaves exactly one names it. A rule that would keep none is skipped,
//! except the first two, which are mandatory: an output that fails one of them is never change.

use crate::Kind;
use crate::block::{habits, out_bits, satoshi};
use crate::chain::Chain;
use crate::forest::{NO_ADDRESS, Union};

mod multi_input;
mod one_time;
mod optimal_change;
mod peel_chain;
mod round_amount;
mod script_type;
mod used_once;
mod wallet_fingerprint;

pub(crate) use multi_input::HEURISTIC as MULTI_INPUT;

/// Every rule. The change rules run in this order.
pub const ALL: &[&Heuristic] = &[
    &multi_input::HEURISTIC,
    &one_time::HEURISTIC,
    &script_type::HEURISTIC,
    &optimal_change::HEURISTIC,
    &round_amount::HEURISTIC,
    &used_once::HEURISTIC,
    &wallet_fingerprint::HEURISTIC,
    &peel_chain::HEURISTIC,
];

/// The layer a rule links in; the two are never silently merged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strength {
    /// Spent together, outside CoinJoins.
    Strong,
    /// A rule about change.
    Weak,
}

impl Strength {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Strength::Strong => "strong",
            Strength::Weak => "weak",
        }
    }
}

/// A rule.
#[derive(Debug)]
pub struct Heuristic {
    /// Stable name; also the name of its file.
    pub name: &'static str,
    /// Stable code stored in an index, independent of the position in [`ALL`] and never reused.
    pub code: u8,
    /// Counts changes of what the rule does. A new wording keeps it; a new bound, order or condition raises it,
    /// and with it the digest that indexes store.
    pub revision: u8,
    /// Which layer it links in.
    pub strength: Strength,
    /// What it links, exactly.
    pub rule: &'static str,
    /// Who published it.
    pub source: &'static str,
    /// 1 to 99: our judgement of how often the rule is right, informed by `measured`.
    pub confidence: u8,
    /// On which chains it was measured, how often it named the change, and how often that was
    /// wrong.
    pub measured: &'static str,
    /// Mandatory: an output that fails it is not change. Mandatory heuristics come first among the change
    /// heuristics.
    must: bool,
    keep: fn(&Change<'_>, &Output) -> bool,
}

impl PartialEq for Heuristic {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Heuristic {}

/// The heuristic with this stored code.
pub fn by_code(code: u8) -> Option<&'static Heuristic> {
    ALL.iter().copied().find(|h| h.code == code)
}

/// A payment while its change is being determined.
pub(crate) struct Change<'a> {
    chain: &'a Chain,
    tx: u64,
    ins: usize,
    /// Outputs still in question.
    left: Vec<Output>,
    /// Satoshi of all outputs.
    total: u64,
}

/// An output in question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    out: u64,
    row: u64,
    address: u32,
}

impl Output {
    fn satoshi(&self) -> u64 {
        satoshi(self.row)
    }
}

/// Payments with more outputs are skipped: with many payees the rules can't separate change from
/// payments. Our judgement.
const OUTPUTS_MAX: u64 = 16;

/// The output that is taken for a payment's change, and by which rule.
pub(crate) fn change(chain: &Chain, tx: u64) -> Option<(u64, &'static Heuristic)> {
    let (ins, outs) = (chain.ins(tx), chain.outs(tx));
    let n = outs.end - outs.start;
    // In a CoinJoin, detected or suspected, each participant may have change: none can be named.
    if ins.is_empty() || !(2..=OUTPUTS_MAX).contains(&n) || chain.coinjoin(tx).is_some() {
        return None;
    }
    let mut change = Change {
        chain,
        tx,
        ins: (ins.end - ins.start) as usize,
        left: outs
            .map(|out| Output {
                out,
                row: chain.value_row(out),
                address: chain.payee(out),
            })
            .collect(),
        total: 0,
    };
    // Before outputs without an address are left out: peel_chain compares with the whole payment.
    change.total = change.left.iter().map(Output::satoshi).sum();
    // No one owns these outputs, mostly `OP_RETURN`. A payment to one payee with such an output has
    // no change.
    change
        .left
        .retain(|o| kind(o) != Kind::None && o.address != NO_ADDRESS);
    if change.left.len() < 2 {
        return None;
    }
    // Change to an input's own address links nothing new.
    let goes_back = |o: &Output| ins.clone().any(|i| chain.payer(i) == o.address);
    if change.left.iter().any(goes_back) {
        return None;
    }
    let mut named = None;
    let mut rules = ALL
        .iter()
        .copied()
        .filter(|r| r.strength == Strength::Weak)
        .peekable();
    while let Some(rule) = rules.next() {
        let kept: Vec<Output> = change
            .left
            .iter()
            .filter(|o| (rule.keep)(&change, o))
            .copied()
            .collect();
        if kept.is_empty() {
            if rule.must {
                return None;
            }
            continue;
        }
        if kept.len() == 1 && change.left.len() > 1 {
            named = Some(rule);
        }
        change.left = kept;
        // No output is named before every mandatory rule has accepted it.
        let must_follows = rules.peek().is_some_and(|next| next.must);
        if !must_follows && change.left.len() == 1 {
            // The rule that left one output may be an earlier one than the rule asked last.
            return Some((change.left[0].out, named?));
        }
    }
    None
}

fn kind(o: &Output) -> Kind {
    // Four bits; LIKE_INPUTS and BELOW_INPUTS are right above them.
    Kind::from_number((o.row >> out_bits::KIND_SHIFT & 15) as u8)
}

/// Traits of a transaction that depend on the wallet software: its fingerprint.
fn habits_of(chain: &Chain, tx: u64) -> u16 {
    habits(chain.form(tx))
}

/// Calls `each` with every union that a transaction's inputs make.
pub(crate) fn strong_unions(chain: &Chain, tx: u64, mut each: impl FnMut(Union)) {
    let ins = chain.ins(tx);
    if ins.end - ins.start < 2 || chain.is_joint(tx) {
        return;
    }
    // A star around the first address connects them all. An address that occurs twice makes a
    // second union, which changes nothing.
    let mut first = NO_ADDRESS;
    for input in ins {
        let b = chain.payer(input);
        if b == NO_ADDRESS || b == first {
            continue;
        }
        if first == NO_ADDRESS {
            first = b;
            continue;
        }
        each(Union {
            a: first,
            b,
            tx: tx as u32,
            rule: multi_input::HEURISTIC.code,
        });
    }
}

/// A rule with less confidence than this makes no link: the change it names is only shown with the
/// transaction. Our judgement.
pub(crate) const LINKS_FROM: u8 = 75;
/// A site grows only by rules of at least this confidence: one wrong link brings in a payer's whole
/// wallet. Our judgement.
pub const SITE_GROWS_FROM: u8 = 85;

/// The link between a payment's payer and its change.
pub(crate) fn weak_union(chain: &Chain, tx: u64) -> Option<Union> {
    let (out, rule) = change(chain, tx).filter(|(_, rule)| rule.confidence >= LINKS_FROM)?;
    // One input is enough: multi_input links the others to it.
    let a = chain.payer(chain.ins(tx).start);
    (a != NO_ADDRESS).then(|| Union {
        a,
        b: chain.payee(out),
        tx: tx as u32,
        rule: rule.code,
    })
}
