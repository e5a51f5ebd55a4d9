//! Maps whose keys are our own numbers: no attacker chooses them, so a multiplicative hash is safe.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type FxMap<K, V> = HashMap<K, V, BuildHasherDefault<FxHasher>>;
pub(crate) type FxSet<K> = HashSet<K, BuildHasherDefault<FxHasher>>;

/// A multiplicative hash, made for keys that are one number.
#[derive(Default)]
pub(crate) struct FxHasher(u64);

impl Hasher for FxHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        // 2^64 divided by the golden ratio, made odd (Knuth's multiplicative hashing).
        let n = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // A product's well-mixed bits are the high ones, and the table uses the low ones too.
        self.0 = n ^ (n >> 32);
    }
}
