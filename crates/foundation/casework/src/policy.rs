//! What a list is for and what a match does: two closed sets of words.

use obhut_facts::words;

words! {
    /// Purpose of a list. A closed set.
    Purpose {
        /// Assessed by people as abuse material.
        Assessed = "assessed",
        /// Handed in by the person shown, not assessed: may queue, never block.
        SelfSubmission = "self-submission",
        /// Known harmless material: shown to the reviewer, never hides another match.
        KnownHarmless = "known-harmless",
    }
}

words! {
    /// Action on an upload; `hold` and `block` are reversible.
    Action {
        /// Nothing.
        Pass = "pass",
        /// Kept back until a person has looked.
        Hold = "hold",
        /// Not published. A person reviews it nevertheless.
        Block = "block",
    }
}
