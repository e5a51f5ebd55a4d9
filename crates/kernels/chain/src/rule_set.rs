//! The digest of the rule set an index was built with, stored in its manifest.
//!
//! An index stores the links and CoinJoins that its rules found. With another rule set they would
//! be attributed to the wrong rule, or contradict what today's rules compute. So an index of
//! another rule set is refused and has to be rebuilt.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::files::{Hash, hash_text};
use crate::manifest::Manifest;
use crate::{Fault, coinjoins, heuristics};

/// Reads the manifest of an index, and refuses one built with another rule set.
pub(crate) fn manifest(index: &Path) -> Result<Manifest, Fault> {
    checked(Manifest::read(index)?).map_err(|why| Fault::BadIndex {
        folder: index.to_owned(),
        why: format!("{why}; delete the folder and build the index again"),
    })
}

fn checked(manifest: Manifest) -> Result<Manifest, &'static str> {
    match manifest.rules == digest() {
        true => Ok(manifest),
        false => Err("it was built with rules other than those of this version"),
    }
}

/// Digest of all rules and CoinJoin patterns, in the order they are applied: of a rule its name,
/// code, revision, strength and confidence; of a pattern its name, code, revision and whether it is
/// joint. Texts don't count: rewording a rule must not outdate an index that took hours to build.
pub(crate) fn digest() -> String {
    let rules = heuristics::ALL.iter().map(|h| {
        format!(
            "{} {} {} {} {}",
            h.name,
            h.code,
            h.revision,
            h.strength.name(),
            h.confidence
        )
    });
    let patterns = coinjoins::ALL
        .iter()
        .map(|m| format!("{} {} {} {}", m.name, m.code, m.revision, m.joint));
    digest_of(rules.chain(patterns))
}

fn digest_of(lines: impl Iterator<Item = String>) -> String {
    let text: Vec<String> = lines.collect();
    let hash: Hash = Sha256::digest(text.join("\n")).into();
    hash_text(&hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_of_other_rules_is_refused() {
        let ours = Manifest {
            rules: digest(),
            ..crate::manifest::tests::example()
        };
        // With another rule set, links would be attributed to other heuristics.
        let signed = |body: String| {
            let sum = hash_text(&Sha256::digest(&body).into());
            body + "sum " + &sum + "\n"
        };
        let text = ours.text();
        let body = text.rsplit_once("sum ").unwrap().0;
        let others = body.replace(&digest(), &"0".repeat(64));
        let refused = checked(Manifest::parse(&signed(others)).unwrap()).unwrap_err();
        assert!(refused.contains("rules other than"), "{refused}");
        assert_eq!(checked(Manifest::parse(&text).unwrap()), Ok(ours));
        // Version 5 names no rule set: it is readable as long as today's rules are the same.
        let rules = format!("rules {}\n", digest());
        let before = body.replace(&rules, "").replace("version 6", "version 5");
        let read = checked(Manifest::parse(&signed(before)).unwrap()).is_ok();
        assert_eq!(read, crate::manifest::RULES_OF_VERSION_5 == digest());
    }

    /// An investigator has to answer in court for what `obhut chain rules` prints about a rule.
    #[test]
    fn each_rule_says_what_it_rests_on() {
        for h in heuristics::ALL {
            assert!(!h.rule.is_empty(), "{}: say exactly what it links", h.name);
            assert!(!h.source.is_empty(), "{}: name who published it", h.name);
            assert!(
                !h.measured.is_empty(),
                "{}: say on which chains it was measured, or that it wasn't",
                h.name
            );
            assert!(
                (1..100).contains(&h.confidence),
                "{}: confidence is 1 to 99; no rule is always right",
                h.name
            );
        }
        for m in coinjoins::ALL {
            assert!(!m.rule.is_empty() && !m.source.is_empty(), "{}", m.name);
        }
        let names: std::collections::HashSet<_> = heuristics::ALL.iter().map(|h| h.name).collect();
        assert_eq!(names.len(), heuristics::ALL.len());
        // The list below would otherwise not protect the code of a new rule.
        assert_eq!(
            heuristics::ALL.len(),
            8,
            "add the new rule's code to the list of `a_code_is_never_reused`, and count it here"
        );
    }

    /// Adding a heuristic at any position must not relabel links in existing indexes.
    #[test]
    fn a_code_is_never_reused() {
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
        let mixes: Vec<_> = coinjoins::ALL.iter().map(|m| (m.code, m.name)).collect();
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
        assert!(
            coinjoins::ALL.iter().all(|m| m.code != 0),
            "0 stands for none"
        );
    }

    #[test]
    fn another_rule_or_another_order_is_another_set() {
        let lines = |all: &[&str]| digest_of(all.iter().map(|l| (*l).to_owned()));
        // The order decides which rule names an output.
        assert_ne!(lines(&["a", "b"]), lines(&["b", "a"]));
        assert_ne!(lines(&["a", "b"]), lines(&["a", "b", "c"]));
    }
}
