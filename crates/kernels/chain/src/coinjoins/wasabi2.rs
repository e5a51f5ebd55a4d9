//! Wasabi 2: large rounds whose outputs are of standard sizes.

use super::{CoinJoin, TxView};

/// Rounds of Wasabi 2.x and other WabiSabi coordinators.
pub const COINJOIN: CoinJoin = CoinJoin {
    name: "wasabi2",
    code: 4,
    revision: 1,
    rule: "20 or more inputs from 10 or more addresses, 15 or more outputs, four fifths of them of standard sizes (2^i, 3^i, 2·3^i, 10^i, 2·10^i, 5·10^i), some equal; higher confidence if sorted, largest first",
    source: "WabiSabi (Ficsór et al. 2021); Wasabi Wallet 2.0; GraphSense",
    joint: true,
    judge,
};

fn judge(v: &TxView<'_>) -> Option<u8> {
    if v.ins.len() < 20 || v.payers < 10 || v.outs.len() < 15 || v.equal.1 < 2 {
        return None;
    }
    let standard = v.outs.iter().filter(|o| is_standard(o.value)).count();
    if standard * 5 < v.outs.len() * 4 {
        return None;
    }
    // Not required: without the order it is still above DETECTED_FROM.
    let falling = v.outs.is_sorted_by(|a, b| a.value >= b.value);
    Some(if falling { 90 } else { 60 })
}

/// True for one of the rule's standard sizes, from 5,000 satoshi on: the wallet makes no smaller
/// ones.
fn is_standard(value: u64) -> bool {
    let power_of = |mut n: u64, base: u64| {
        while n > 1 && n.is_multiple_of(base) {
            n /= base;
        }
        n == 1
    };
    value >= 5_000
        && (value.is_power_of_two()
            || power_of(value, 3)
            || (value.is_multiple_of(2) && power_of(value / 2, 3))
            || [1, 2, 5]
                .into_iter()
                .any(|d| value.is_multiple_of(d) && power_of(value / d, 10)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn standard_sizes() {
        for standard in [5_000, 6_561, 8_192, 13_122, 20_000, 100_000_000] {
            assert!(super::is_standard(standard), "{standard}");
        }
        // 3 and 4,096 are powers, but below 5,000.
        for other in [3, 4_096, 5_001, 15_000, 30_000] {
            assert!(!super::is_standard(other), "{other}");
        }
    }
}
