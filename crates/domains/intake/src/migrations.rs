//! Schema changes of this domain, as numbered files of statements. The store's migrator runs them
//! together with those of the other owners, sorted by number.

use obhut_casework::for_domains::Numbered;

/// Number, owner, statements.
pub(crate) const ALL: &[Numbered] = &[
    (
        // One sequence of numbers for all owners, so this list has gaps.
        36,
        "incoming",
        include_str!("../migrations/0036_incoming.sql"),
    ),
    (
        54,
        "incoming",
        include_str!("../migrations/0054_incoming.sql"),
    ),
    (
        61,
        "incoming",
        include_str!("../migrations/0061_incoming.sql"),
    ),
    (
        77,
        "incoming",
        include_str!("../migrations/0077_incoming.sql"),
    ),
];
