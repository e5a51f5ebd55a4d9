//! The shortest list of transactions and rules that links two addresses.

use std::collections::{HashMap, VecDeque};

use crate::Index;
use crate::forest::{NO_ADDRESS, Union};
use crate::heuristics::{self, Heuristic, Strength};

/// Addresses the search for the shortest list may visit; beyond that, the list recorded in the
/// forest is returned, which may be longer. Our judgement.
pub const ADDRESSES_MAX: usize = 3_000_000;

/// A link between two addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The address it starts at, by number.
    pub from: u32,
    /// The address it leads to, by number.
    pub to: u32,
    /// The transaction that links them, by number.
    pub tx: u64,
    /// The rule that links them.
    pub rule: &'static Heuristic,
}

/// What links two addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// Strong if strong links alone connect the two, else weak.
    pub strength: Strength,
    /// In order, from the first address to the second.
    pub steps: Vec<Step>,
    /// True if no list of the links searched is shorter: strong links alone, or both kinds if the
    /// result is weak. False if the search ended before it could know.
    pub shortest: bool,
}

/// What links two addresses: strong links alone if they suffice, else weak ones too. `None` if
/// nothing links them.
pub fn why(index: &Index, from: u32, to: u32) -> Option<Why> {
    // Before any search: if nothing links the two addresses, these lookups show it.
    let (strength, forest) = if index.strong().root(from) == index.strong().root(to) {
        (Strength::Strong, index.strong())
    } else if index.weak().root(from) == index.weak().root(to) {
        (Strength::Weak, index.weak())
    } else {
        return None;
    };
    if let Some(steps) = shortest(index, from, to, strength) {
        return Some(Why {
            strength,
            steps,
            shortest: true,
        });
    }
    let mut at = from;
    let steps = forest
        .way(from, to)?
        .into_iter()
        .map(|Union { a, b, tx, rule }| {
            // A union has no direction, and the list has one.
            let next = if a == at { b } else { a };
            let step = Step {
                from: at,
                to: next,
                tx: u64::from(tx),
                rule: heuristics::by_code(rule).expect("the manifest has this index's rules"),
            };
            at = next;
            step
        });
    Some(Why {
        strength,
        steps: steps.collect(),
        shortest: false,
    })
}

fn shortest(index: &Index, from: u32, to: u32, strength: Strength) -> Option<Vec<Step>> {
    let mut came: HashMap<u32, Option<Step>> = HashMap::from([(from, None)]);
    let mut open = VecDeque::from([from]);
    let mut done = std::collections::HashSet::new();
    while let Some(at) = open.pop_front() {
        if at == to {
            let mut steps = Vec::new();
            let mut at = to;
            while let Some(Some(step)) = came.get(&at) {
                steps.push(*step);
                at = step.from;
            }
            steps.reverse();
            return Some(steps);
        }
        if came.len() > ADDRESSES_MAX {
            return None;
        }
        links(index, at, strength, &mut done, |step| {
            // Breadth first, so the first step that reaches an address is on a shortest list.
            came.entry(step.to).or_insert_with(|| {
                open.push_back(step.to);
                Some(step)
            });
        });
    }
    None
}

fn change_link(chain: &crate::chain::Chain, tx: u64) -> Option<(u64, &'static Heuristic)> {
    heuristics::change(chain, tx).filter(|(_, rule)| rule.confidence >= heuristics::LINKS_FROM)
}

/// Calls `visit` with every link of an address. A transaction's inputs are all linked to one
/// another, so they are visited only from the one that the search reaches first.
fn links(
    index: &Index,
    from: u32,
    strength: Strength,
    done: &mut std::collections::HashSet<u64>,
    mut visit: impl FnMut(Step),
) {
    let chain = &index.chain;
    let weak = strength == Strength::Weak;
    for out in chain.received(from) {
        if weak {
            let tx = chain.tx_of_out(out);
            if let Some((change, rule)) = change_link(chain, tx)
                && change == out
            {
                for input in chain.ins(tx) {
                    let to = chain.payer(input);
                    if to != NO_ADDRESS {
                        visit(Step { from, to, tx, rule });
                    }
                }
            }
        }
        let Some(input) = chain.spent(out) else {
            continue;
        };
        let tx = chain.tx_of_in(input);
        if !chain.is_joint(tx) && done.insert(tx) {
            for input in chain.ins(tx) {
                let to = chain.payer(input);
                if to != NO_ADDRESS && to != from {
                    visit(Step {
                        from,
                        to,
                        tx,
                        rule: &heuristics::MULTI_INPUT,
                    });
                }
            }
        }
        if weak && let Some((change, rule)) = change_link(chain, tx) {
            let to = chain.payee(change);
            visit(Step { from, to, tx, rule });
        }
    }
}
