//! Each change rule on the smallest ledger that shows it, ledgers on which every rule must stay
//! silent, and the clusters that the links make.

mod ledger;

use ledger::{Habits, Ledger, USUAL};
use obhut_chain::{Hash, Index};

/// What a ledger shows, a function that writes it and returns the id of the transaction in
/// question, and the change that must be named: output and rule.
type Case = (
    &'static str,
    fn(&mut Ledger) -> Hash,
    Option<(u32, &'static str)>,
);

fn change(index: &Index, id: &Hash) -> Option<(u32, &'static str)> {
    let number = index
        .find_transaction(id)
        .expect("a transaction of the ledger");
    index
        .transaction(number)
        .change
        .map(|(vout, rule)| (vout as u32, rule))
}

const CASES: &[Case] = &[
    (
        "an address never used before, next to one that was",
        |l| {
            l.mine(&[("w payer", 100_000_001), ("w shop", 5_000)]);
            // The change is the round amount, so a later rule would decide otherwise.
            l.pay(&["w payer"], &[("w shop", 30_001), ("w new", 99_960_000)])
        },
        Some((1, "one_time")),
    ),
    (
        "both are new, one has the inputs' script type",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            l.pay(&["w payer"], &[("p shop", 30_001), ("w new", 99_960_000)])
        },
        Some((1, "script_type")),
    ),
    (
        "neither has the inputs' script type",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            l.pay(&["w payer"], &[("p shop", 30_001), ("t other", 99_960_000)])
        },
        None,
    ),
    (
        "two inputs, and one output is less than each of them",
        |l| {
            l.mine(&[("w a", 50_001), ("w b", 60_002)]);
            l.pay(&["w a", "w b"], &[("w shop", 99_999), ("w new", 9_003)])
        },
        Some((1, "optimal_change")),
    ),
    (
        "the small output is round, so it may be the payment",
        |l| {
            l.mine(&[("w a", 50_001), ("w b", 60_002)]);
            l.pay(&["w a", "w b"], &[("w shop", 100_001), ("w other", 9_000)])
        },
        // Not the small one: optimal_change takes a round amount for the payment.
        Some((0, "round_amount")),
    ),
    (
        "one amount is round",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            l.pay(
                &["w payer"],
                &[("w shop", 40_000_000), ("w new", 59_999_001)],
            )
        },
        Some((1, "round_amount")),
    ),
    (
        "the payee is paid again later",
        |l| {
            l.mine(&[("w payer", 100_000_001), ("w friend", 70_007)]);
            let id = l.pay(
                &["w payer"],
                &[("w shop", 40_000_001), ("w new", 59_999_002)],
            );
            l.pay(&["w friend"], &[("w shop", 70_001)]);
            id
        },
        Some((1, "used_once")),
    ),
    (
        "one output is spent by a wallet with other habits",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            let id = l.pay(
                &["w payer"],
                &[("w shop", 40_000_001), ("w new", 59_999_002)],
            );
            let other = Habits {
                version: 1,
                ..USUAL
            };
            l.pay_as(other, &["w shop"], &[("w x", 39_999_001)]);
            l.pay(&["w new"], &[("w y", 59_998_001)]);
            id
        },
        Some((1, "wallet_fingerprint")),
    ),
    (
        "a large coin peels",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            let id = l.pay(&["w payer"], &[("w shop", 100_001), ("w rest", 99_899_001)]);
            l.pay(
                &["w rest"],
                &[("w other shop", 200_003), ("w rest 2", 99_698_007)],
            );
            id
        },
        Some((1, "peel_chain")),
    ),
    (
        "half and half says nothing",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            l.pay(&["w payer"], &[("w a", 49_999_003), ("w b", 49_999_007)])
        },
        None,
    ),
    (
        "change to the same address links nothing new",
        |l| {
            l.mine(&[("w payer", 100_000_001), ("w shop", 5_000)]);
            l.pay(&["w payer"], &[("w shop", 30_001), ("w payer", 99_960_000)])
        },
        None,
    ),
    (
        "one payee and a note leave no change",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            l.pay(&["w payer"], &[("w shop", 99_999_001), ("n note", 0)])
        },
        None,
    ),
    (
        "a single output is a payment of everything",
        |l| {
            l.mine(&[("w payer", 100_000_001)]);
            l.pay(&["w payer"], &[("w shop", 99_999_001)])
        },
        None,
    ),
];

#[test]
fn each_change_rule_names_what_it_should() {
    for (what, ledger, expected) in CASES {
        let folder = tempfile::tempdir().unwrap();
        let mut l = Ledger::new();
        let id = ledger(&mut l);
        let index = l.index(folder.path());
        assert_eq!(change(&index, &id), *expected, "{what}");
    }
}

/// Sixteen outputs are examined, seventeen are not.
#[test]
fn payments_with_many_outputs_are_skipped() {
    for (outputs, named) in [(16, true), (17, false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut l = Ledger::new();
        l.mine(&[("w payer", 900_000_001)]);
        // Of another script type, so that only the last output can be the change.
        let names: Vec<String> = (1..outputs).map(|n| format!("p shop {n}")).collect();
        let mut outs: Vec<(&str, u64)> = names
            .iter()
            .zip(1..)
            .map(|(n, v)| (n.as_str(), 100_001 + v))
            .collect();
        outs.push(("w new", 800_000_007));
        let id = l.pay(&["w payer"], &outs);
        let index = l.index(folder.path());
        let expected = named.then_some((outputs - 1, "script_type"));
        assert_eq!(change(&index, &id), expected, "{outputs} outputs");
    }
}

/// Common inputs put addresses into one strong cluster; change only into one weak cluster.
#[test]
fn strong_and_weak_clusters_stay_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut l = Ledger::new();
    l.mine(&[("w a", 50_001), ("w b", 60_002), ("w stranger", 70_003)]);
    // a and b pay together; the change goes to c, named by its script type.
    l.pay(&["w a", "w b"], &[("p shop", 40_000), ("w c", 69_003)]);
    let index = l.index(folder.path());
    let address = |name: &str| {
        let key = index_key(name);
        index
            .find(&key)
            .unwrap_or_else(|| panic!("{name} isn't in the index"))
    };
    let strong = |name: &str| index.strong_cluster(address(name));
    let weak = |name: &str| index.wallet(address(name));
    assert_eq!(strong("w a"), strong("w b"));
    assert_ne!(strong("w a"), strong("w c"), "change isn't a strong link");
    assert_eq!(weak("w a"), weak("w c"));
    for (to, expected) in [("w b", "multi_input"), ("w c", "script_type")] {
        let why = obhut_chain::why(&index, address("w a"), address(to)).expect("a link");
        let rules: Vec<_> = why.steps.iter().map(|s| s.rule.name).collect();
        assert_eq!(rules, [expected], "w a to {to}");
    }
    for other in ["w stranger", "p shop"] {
        assert!(obhut_chain::why(&index, address("w a"), address(other)).is_none());
        assert_ne!(strong("w a"), strong(other), "{other}");
        assert_ne!(weak("w a"), weak(other), "{other}");
    }
}

/// Five people join a CoinJoin: nothing of it becomes a strong link.
#[test]
fn a_coinjoin_creates_no_strong_link() {
    let folder = tempfile::tempdir().unwrap();
    let mut l = Ledger::new();
    let names: Vec<String> = (0..5).map(|n| format!("w in {n}")).collect();
    let ins: Vec<(&str, u64)> = names.iter().map(|n| (n.as_str(), 1_000_100)).collect();
    l.mine(&ins);
    let paid: Vec<String> = (0..5).map(|n| format!("w out {n}")).collect();
    let outs: Vec<(&str, u64)> = paid.iter().map(|n| (n.as_str(), 1_000_000)).collect();
    let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
    let id = l.pay(&inputs, &outs);
    let index = l.index(folder.path());
    let of = |name: &str| index.strong_cluster(index.find(&index_key(name)).unwrap());
    assert!(names.iter().skip(1).all(|n| of(n) != of(&names[0])));
    let number = index.find_transaction(&id).unwrap();
    assert!(
        index.transaction(number).coinjoin.is_some(),
        "and the index says so"
    );
    assert!(index.transaction(number).change.is_none());
}

fn index_key(name: &str) -> obhut_chain::Key {
    let script = ledger::script(name);
    let kind = match name.as_bytes()[0] {
        b'p' => obhut_chain::Kind::P2pkh,
        _ => obhut_chain::Kind::P2wpkh,
    };
    let payload = match kind {
        obhut_chain::Kind::P2pkh => &script[3..23],
        _ => &script[2..],
    };
    obhut_chain::Key::new(kind, payload).expect("twenty bytes")
}
