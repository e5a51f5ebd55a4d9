//! Turns blocks into clusters, payers and traces.
//!
//! This crate's work comes with its own issue; here are its public nouns, so that the house has
//! their place. An address is not a person, and every link names transaction and rule.

#![deny(missing_docs)]

/// Why two addresses are taken for one owner's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The transaction, in the byte order of block explorers.
    pub transaction: [u8; 32],
    /// Name of the rule.
    pub rule: &'static str,
    /// Height of the block.
    pub height: u32,
    /// How sure the rule is.
    pub strength: Strength,
}

/// How sure a rule is; the two are never silently merged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strength {
    /// Spent together, outside mixes.
    Strong,
    /// A rule about change.
    Weak,
}
