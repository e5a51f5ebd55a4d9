//! The digest of the rule set an index was built with, stored in its manifest.
//!
//! An index stores the links and CoinJoins its rules found. With another rule set they would be
//! attributed to the wrong rule, or contradict what today's rules compute, so such an index is refused
//! and has to be rebuilt.

use sha2::{Digest as _, Sha256};

use crate::files::{Hash, hash_text};
use crate::{heuristics, mixes};

/// The rule set of the first version's indexes, whose manifests don't name it.
pub(crate) const FIRST: &str = "767dc8983a333e75f40b2a752ee25b77e3ce18804b0d3af3f353b7728fbf24ec";

/// Digest of all rules, in the order they are asked: names, codes, what they say, how sure they are.
pub(crate) fn digest() -> String {
    let rules = heuristics::ALL.iter().map(|h| {
        format!(
            "{} {} {} {} {}",
            h.name,
            h.code,
            h.strength.name(),
            h.confidence,
            h.rule
        )
    });
    let mixes = mixes::ALL
        .iter()
        .map(|m| format!("{} {} {} {}", m.name, m.code, m.joint, m.rule));
    digest_of(rules.chain(mixes))
}

fn digest_of(lines: impl Iterator<Item = String>) -> String {
    let text: Vec<String> = lines.collect();
    let hash: Hash = Sha256::digest(text.join("\n")).into();
    hash_text(&hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adding a heuristic at any position must not relabel links in existing indexes.
    #[test]
    fn a_code_is_never_given_again() {
        let rules: Vec<_> = heuristics::ALL.iter().map(|h| (h.code, h.name)).collect();
        for known in [
            (0, "multi_input"),
            (1, "one_time"),
            (2, "script_type"),
            (3, "optimal_change"),
            (4, "round_amount"),
            (5, "used_once"),
            (6, "wallet_fingerprint"),
            (7, "peel_chain"),
        ] {
            assert!(
                rules.iter().all(|r| (r.0 == known.0) == (r.1 == known.1)),
                "{known:?}: give a new rule the next free code, and leave those of others alone"
            );
        }
        let mixes: Vec<_> = mixes::ALL.iter().map(|m| (m.code, m.name)).collect();
        for known in [
            (1, "whirlpool"),
            (2, "tx0"),
            (3, "wasabi1"),
            (4, "wasabi2"),
            (5, "joinmarket"),
            (6, "multi_output"),
            (7, "stonewall"),
            (8, "payjoin"),
        ] {
            assert!(
                mixes.iter().all(|m| (m.0 == known.0) == (m.1 == known.1)),
                "{known:?}: give a new form the next free code, and leave those of others alone"
            );
        }
        for all in [rules, mixes] {
            let mut codes: Vec<u8> = all.iter().map(|r| r.0).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), all.len(), "each code is one rule's");
        }
        assert!(mixes::ALL.iter().all(|m| m.code != 0), "0 stands for none");
    }

    #[test]
    fn another_rule_or_another_order_is_another_set() {
        let lines = |all: &[&str]| digest_of(all.iter().map(|l| (*l).to_owned()));
        assert_ne!(lines(&["a", "b"]), lines(&["b", "a"]));
        assert_ne!(lines(&["a", "b"]), lines(&["a", "b", "c"]));
    }
}
