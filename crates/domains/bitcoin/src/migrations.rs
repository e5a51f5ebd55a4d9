//! Every change of this domain's tables, as numbered files of statements. The store's migrator runs
//! them in the order of their numbers, together with those of the other owners.

use obhut_casework::for_domains::{Covered, KeyColumn, Numbered, by_id};

/// Number, owner, statements.
pub(crate) const ALL: &[Numbered] = &[
    // One sequence of numbers for all owners, so this list has gaps.
    (38, "bases", include_str!("../migrations/0038_bases.sql")),
    (39, "tags", include_str!("../migrations/0039_tags.sql")),
    (
        40,
        "watches",
        include_str!("../migrations/0040_watches.sql"),
    ),
    (
        41,
        "watches",
        include_str!("../migrations/0041_watches.sql"),
    ),
    (
        53,
        "watches",
        include_str!("../migrations/0053_watches.sql"),
    ),
];

/// The tables whose rows the vault's log covers.
pub(crate) const COVERED: &[Covered] = &[
    by_id("chain_bases", &[KeyColumn::Text("id")]),
    by_id("chain_tags", &[KeyColumn::Text("id")]),
    by_id("chain_watches", &[KeyColumn::Text("id")]),
    by_id("chain_movements", &[KeyColumn::Text("id")]),
];
