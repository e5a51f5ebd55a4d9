//! Schema changes of this domain, as numbered files of statements. The store's migrator runs them
//! together with those of the other owners, sorted by number.

use obhut_casework::for_domains::{Covered, KeyColumn, Numbered, by_id};

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
    (
        79,
        "files",
        include_str!("../migrations/0079_lists_files.sql"),
    ),
    (
        94,
        "matches",
        include_str!("../migrations/0094_matches.sql"),
    ),
];

/// The tables whose rows the vault's log covers.
pub(crate) const COVERED: &[Covered] = &[
    by_id("lists", &[KeyColumn::Text("id")]),
    Covered {
        table: "list_versions",
        key: &[KeyColumn::Text("list"), KeyColumn::Text("version")],
    },
    Covered {
        table: "list_files",
        key: &[KeyColumn::Text("list"), KeyColumn::Text("version")],
    },
    Covered {
        table: "list_signatures",
        key: &[
            KeyColumn::Text("list"),
            KeyColumn::Text("version"),
            KeyColumn::Text("person"),
        ],
    },
    Covered {
        table: "list_disputes",
        key: &[KeyColumn::Text("list"), KeyColumn::Text("entry")],
    },
    Covered {
        table: "list_votes",
        key: &[KeyColumn::Text("list"), KeyColumn::Text("entry")],
    },
    by_id("banks", &[KeyColumn::Text("list")]),
    by_id("bank_contents", &[KeyColumn::Int("id")]),
    by_id("media_matches", &[KeyColumn::Text("finding")]),
];
