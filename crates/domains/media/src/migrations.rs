//! Schema changes of this domain, as numbered files of statements. The store's migrator runs them
//! together with those of the other owners, sorted by number.

use obhut_casework::for_domains::Numbered;

/// Number, owner, statements.
pub(crate) const ALL: &[Numbered] = &[
    // One sequence of numbers for all owners, so this list has gaps.
    (3, "lists", include_str!("../migrations/0003_lists.sql")),
    (17, "lists", include_str!("../migrations/0017_lists.sql")),
    (
        19,
        "banks",
        include_str!("../migrations/0019_lists_contents.sql"),
    ),
    (
        21,
        "banks",
        include_str!("../migrations/0021_lists_contents.sql"),
    ),
    (45, "lists", include_str!("../migrations/0045_lists.sql")),
    (
        // Moves the matches from the core's old table of findings, which it then drops.
        51,
        "matches",
        include_str!("../migrations/0051_matches.sql"),
    ),
    (63, "lists", include_str!("../migrations/0063_lists.sql")),
    (
        72,
        "votes",
        include_str!("../migrations/0072_lists_votes.sql"),
    ),
];
