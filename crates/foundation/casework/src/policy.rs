//! What a list is for and what a match does: two closed sets of words.

use obhut_facts::words;

words! {
    /// What a list is for. The set is closed: there is no purpose but these.
    Purpose {
        /// Assessed by people as abuse material.
        Assessed = "assessed",
        /// Handed in by the person shown, not assessed: may queue, never block.
        SelfSubmission = "self-submission",
        /// Known to be harmless; tells a reviewer so, and hides no match.
        KnownHarmless = "known-harmless",
    }
}

words! {
    /// What happens to an upload; both `hold` and `block` can be undone.
    Action {
        /// Nothing.
        Pass = "pass",
        /// Kept back until a person has looked.
        Hold = "hold",
        /// Not published; a person looks all the same.
        Block = "block",
    }
}
