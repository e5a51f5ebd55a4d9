//! Each pattern on the shapes its source describes, and on payments that only resemble them.

use super::{ALL, Leg, TxView, judge};
use crate::address::Kind;

/// Legs from a list like `5x1000100 2x40@9 op`: five legs of 1,000,100 satoshi with different
/// addresses, two of 40 satoshi that share address 9, an `OP_RETURN`. `~` before an amount gives it
/// another sequence number, `p` another script type.
fn legs(text: &str, first: u64) -> Vec<Leg> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        if word == "op" {
            all.push(leg(0, Kind::None, 0, 0));
            continue;
        }
        let (count, rest) = word.split_once('x').unwrap_or(("1", word));
        let (amount, same) = match rest.split_once('@') {
            Some((amount, number)) => (amount, Some(number.parse::<u64>().unwrap())),
            None => (rest, None),
        };
        let kind = if amount.contains('p') {
            Kind::P2pkh
        } else {
            Kind::P2wpkh
        };
        let sequence = if amount.contains('~') {
            0xffff_ffff
        } else {
            0xffff_fffd
        };
        let value = amount.trim_matches(['p', '~']).parse().unwrap();
        for _ in 0..count.parse().unwrap() {
            let who = same.unwrap_or(first + all.len() as u64);
            all.push(leg(value, kind, who, sequence));
        }
    }
    all
}

fn leg(value: u64, kind: Kind, who: u64, sequence: u32) -> Leg {
    Leg {
        value,
        kind,
        who,
        sequence,
    }
}

/// What it shows, inputs, outputs, and the best pattern with its confidence.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, u8)>,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("a round of Whirlpool", "3x1000000 2x1000200", "5x1000000", Some(("whirlpool", 99))),
    ("of a pool that isn't one of Samourai's", "5x1234567", "5x1234567", Some(("whirlpool", 80))),
    ("with too few participants", "4x1000000", "4x1000000", Some(("joinmarket", 80))),
    ("where one brings less than the pool's size", "4x1000000 999999", "5x1000000", Some(("joinmarket", 80))),
    ("where one brings over one per cent more", "4x1000000 1020001", "5x1000000", Some(("joinmarket", 80))),
    ("where one brings one per cent more", "4x5000000 5050000", "5x5000000", Some(("whirlpool", 99))),
    ("where two inputs are one person's", "3x1000000 2x1000000@7", "5x1000000", Some(("multi_output", 40))),
    ("Whirlpool's first step", "9000000", "op 5x1000300 400000 12345", Some(("tx0", 90))),
    ("without its OP_RETURN", "9000000", "5x1000300 400000", None),
    ("with pieces below the pool's size", "9000000", "op 5x999999 400000", None),
    ("with pieces far above it", "9000000", "op 5x1040000 400000", None),
    ("with too many others", "9000000", "op 2x1000300 1000 2000 3000", None),
    ("a round of Wasabi 1", "12x10500000", "11x9900000 6x500000", Some(("wasabi1", 95))),
    ("at another denomination", "12x2500000", "11x2000000 6x40000", Some(("multi_output", 85))),
    ("fewer inputs than equal outputs", "5x30000000", "11x9900000 500001", Some(("multi_output", 40))),
    ("a round of Wasabi 2", "21x100000000", "3x20000000 4x16777216 4x10000000 4x8192 3x6561", Some(("wasabi2", 90))),
    ("with its outputs out of order", "21x100000000", "4x8192 3x20000000 4x16777216 4x10000000 3x6561", Some(("wasabi2", 60))),
    ("with too few standard amounts", "21x100000000", "2x20000000 7000001 7000002 7000003 7000004 7000005 7000006 7000007 7000008 7000009 7000010 7000011 7000012 7000013 7000014", None),
    ("a JoinMarket transaction", "4x9000000", "3x2000000 100 200 300 400", Some(("joinmarket", 80))),
    ("with dust only", "4x9000000", "3x2730 100 200 300 400", None),
    ("just above dust", "4x9000000", "3x2731 100 200 300 400", Some(("joinmarket", 80))),
    ("three friends paid the same by one person", "5x9000000", "3x2000000 29000000", Some(("joinmarket", 45))),
    ("five of them", "7x9000000", "5x2000000 40000000", Some(("joinmarket", 55))),
    ("by two people only", "2x9000000", "3x2000000 100 200", None),
    ("with more others than people", "3x9000000", "3x2000000 1 2 3 4 5", None),
    ("each has what an input has left", "5000000 7000000 9000000", "3x2000000 3000000 5000000 2999999", Some(("multi_output", 90))),
    ("Stonewall", "2x5000000", "2x2000000 3000000 2990000", Some(("stonewall", 30))),
    ("by one person", "5000000@1 5000000@1", "2x2000000 3000000 2990000", None),
    ("five outputs aren't Stonewall", "2x5000000", "2x2000000 3000000 2900000 90000", None),
    ("PayJoin: other sequences and an unnecessary input", "60000 ~50000", "55000 54000", Some(("payjoin", 45))),
    ("other sequences, every input needed", "60000 ~50000", "100000 9000", Some(("payjoin", 35))),
    ("other script types, an unnecessary input", "60000 p50000", "55000 54000", Some(("payjoin", 25))),
    ("other script types, every input needed", "60000 p50000", "100000 9000", None),
    ("an ordinary payment", "60000 50000", "55000 54000", None),
    ("six payers are no PayJoin", "5x60000 ~50000", "55000 54000", None),
    ("a payment with change", "100000", "40000 59000", None),
];

#[test]
fn each_pattern_is_detected_by_its_shape() {
    for (what, ins, outs, expected) in CASES {
        // Numbers far apart, so that no output pays an input's address by accident.
        let (ins, outs) = (legs(ins, 1), legs(outs, 1_000));
        let found = judge(&TxView::new(&ins, &outs)).map(|(pattern, sure)| (pattern.name, sure));
        assert_eq!(found, *expected, "{what}");
    }
}

/// A block alone has no input amounts: Whirlpool is less certain, PayJoin and left-overs can't be seen.
#[test]
fn without_amounts_less_is_certain() {
    for (ins, outs, expected) in [
        ("5x0", "5x1000000", Some(("whirlpool", 90))),
        ("5x0", "5x1234567", Some(("joinmarket", 80))),
        // With amounts, the two sequence numbers would make it a suspected PayJoin.
        ("0 ~0", "55000 54000", None),
        (
            "3x0",
            "3x2000000 3000000 5000000 3000001",
            Some(("joinmarket", 80)),
        ),
    ] {
        let (i, o) = (legs(ins, 1), legs(outs, 1_000));
        let found = judge(&TxView::without_amounts(&i, &o)).map(|(p, sure)| (p.name, sure));
        assert_eq!(found, expected, "{ins} to {outs}");
    }
}

#[test]
fn the_most_frequent_amount_is_the_larger_of_two() {
    for (outs, equal, others) in [
        ("2x5 2x7 9", (7, 2), 3),
        ("3x5 2x7", (5, 3), 2),
        ("op 2x5", (5, 2), 1),
        ("", (0, 0), 0),
    ] {
        let outs = legs(outs, 1);
        let view = TxView::new(&[], &outs);
        assert_eq!((view.equal, view.others()), (equal, others));
    }
}

#[test]
fn left_over_is_what_an_input_has_after_equal_outputs_and_a_fee() {
    for (ins, outs, expected) in [
        ("5000000 7000000", "2x2000000 3000000 5000000", true),
        ("5000000 8000000", "2x2000000 3000000 4000000", true), // Twice the amount.
        ("5020000 7000000", "2x2000000 3000000 5000000", true), // The fee's limit: 20,000 satoshi.
        ("5020001 7000000", "2x2000000 3000000 5000000", false),
        ("5000000 4999999", "2x2000000 3000000 3000001", false),
        ("5000000", "2x2000000 3000000 3000000", false), // One input can't leave two.
    ] {
        let (i, o) = (legs(ins, 1), legs(outs, 1_000));
        assert_eq!(TxView::new(&i, &o).left_over(), expected, "{ins} to {outs}");
    }
}

#[test]
fn codes_lead_back_to_their_pattern() {
    for pattern in ALL {
        assert_eq!(super::by_code(pattern.code).unwrap().name, pattern.name);
    }
    assert!(super::by_code(0).is_none());
}
