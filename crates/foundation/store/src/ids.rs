//! Ids: a word and 64 random bits, so that one id reveals nothing about others.

/// A new id: `word-0123456789abcdef`.
pub fn new(word: &str) -> String {
    format!("{word}-{}", random_hex(8))
}

/// `bytes` random bytes from the operating system, as `2 * bytes` lower-case hex digits.
pub fn random_hex(bytes: usize) -> String {
    let mut raw = vec![0; bytes];
    getrandom::fill(&mut raw).expect("the operating system provides randomness");
    hex::encode(raw)
}
