//! Turns a block's undo data into the outputs that it spent.
//!
//! The format is Bitcoin Core's (`undo.h`, `compressor.h`). For each transaction but the first, and
//! for each of its inputs: height and coinbase flag, a version that is no longer used, then the
//! spent output with its amount and script compressed.

use crate::address::{Key, Kind};

/// An output that was spent: what an input brings in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// Satoshi.
    pub value: u64,
    /// What it paid to.
    pub key: Key,
}

/// Calls `each` with (transaction, input, spent output). Transaction 0 is the block's second,
/// because undo data omit the coinbase. `None` if the data can't be read or bytes are left over;
/// `each` may have been called before.
pub fn spent(data: &[u8], mut each: impl FnMut(usize, usize, Spent)) -> Option<()> {
    let mut rest = data;
    // No memory is reserved by this count, because it comes from outside. If it is too large,
    // reading fails where the data end.
    let transactions = compact_size(&mut rest)?;
    for transaction in 0..transactions {
        let inputs = compact_size(&mut rest)?;
        for input in 0..inputs {
            let code = variable(&mut rest)?;
            if code >> 1 > 0 {
                // What once was the transaction's version.
                variable(&mut rest)?;
            }
            let value = amount(variable(&mut rest)?)?;
            let key = script(&mut rest)?;
            each(transaction as usize, input as usize, Spent { value, key });
        }
    }
    rest.is_empty().then_some(())
}

/// Number of transactions in the undo data.
pub(crate) fn transactions(data: &[u8]) -> Option<u64> {
    compact_size(&mut &data[..data.len().min(9)])
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

pub(crate) fn compact_size(rest: &mut &[u8]) -> Option<u64> {
    let first = take(rest, 1)?[0];
    Some(match first {
        0xfd => u64::from(u16::from_le_bytes(take(rest, 2)?.try_into().ok()?)),
        0xfe => u64::from(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?)),
        0xff => u64::from_le_bytes(take(rest, 8)?.try_into().ok()?),
        n => u64::from(n),
    })
}

/// Seven bits a byte, highest first; each continuation byte adds one (Bitcoin Core's `VARINT`).
fn variable(rest: &mut &[u8]) -> Option<u64> {
    let mut n: u64 = 0;
    loop {
        let byte = take(rest, 1)?[0];
        n = n.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(n);
        }
        n = n.checked_add(1)?;
    }
}

fn amount(x: u64) -> Option<u64> {
    let Some(x) = x.checked_sub(1) else {
        return Some(0);
    };
    // Bitcoin Core's `DecompressAmount`: the last digit counts the trailing zeros.
    let (mut x, zeros) = (x / 10, x % 10);
    let n = if zeros < 9 {
        let digit = x % 9 + 1;
        x /= 9;
        x.checked_mul(10)?.checked_add(digit)?
    } else {
        x.checked_add(1)?
    };
    n.checked_mul(10u64.pow(zeros as u32))
}

fn script(rest: &mut &[u8]) -> Option<Key> {
    let size = variable(rest)?;
    Some(match size {
        0 => Key::new(Kind::P2pkh, take(rest, 20)?)?,
        1 => Key::new(Kind::P2sh, take(rest, 20)?)?,
        // Compressed keys, then uncompressed ones, of which only x and the parity are stored.
        2 | 3 => Key::of_point(size as u8, take(rest, 32)?),
        4 | 5 => Key::of_point(size as u8 - 2, take(rest, 32)?),
        // Six special forms come first, so the length of any other script is stored plus six.
        n => Key::of_script(take(rest, usize::try_from(n - 6).ok()?)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs from Bitcoin Core's `compress_tests.cpp`, and 123,445 satoshi for an amount without
    /// trailing zeros.
    #[test]
    fn amounts() {
        for (compressed, satoshi) in [
            (0, 0),
            (1, 1),
            (7, 1_000_000),
            (9, 100_000_000),
            (50 * 10 - 491 + 41, 5_000_000_000),
            (1 + 10 * (9 * 12_344 + 5 - 1), 123_445),
            // 21 million bitcoin, the largest amount consensus allows.
            (0x1406f40, 2_100_000_000_000_000),
        ] {
            assert_eq!(amount(compressed), Some(satoshi), "{compressed}");
        }
        // Outside input must not wrap around.
        assert_eq!(amount(u64::MAX), None);
    }

    #[test]
    fn cut_data_are_nothing() {
        // One transaction, one input: height 1, no coinbase, version, 1 satoshi, to a key's hash.
        let mut data = vec![1, 1, 2, 0, 1, 0];
        data.extend([7; 20]);
        let mut seen = Vec::new();
        spent(&data, |t, i, s| seen.push((t, i, s.value, s.key.kind()))).unwrap();
        assert_eq!(seen, [(0, 0, 1, Kind::P2pkh)]);
        for n in 0..data.len() {
            assert_eq!(spent(&data[..n], |_, _, _| {}), None, "{n}");
        }
        data.push(0);
        assert_eq!(spent(&data, |_, _, _| {}), None);
    }
}
