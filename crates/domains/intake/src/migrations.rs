//! Every change of this domain's tables, as numbered files of statements; the store's migrator runs
//! them, in one order with those of other owners.

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
];
