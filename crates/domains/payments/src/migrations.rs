//! Schema changes of this domain, as numbered files of statements. The store's migrator runs them
//! together with those of the other owners, sorted by number.

use obhut_casework::for_domains::{Covered, KeyColumn, Numbered, by_id};

/// Number, owner, statements.
pub(crate) const ALL: &[Numbered] = &[
    // Numbers are shared with the other owners; the gaps here are theirs.
    (37, "alerts", include_str!("../migrations/0037_alerts.sql")),
    (49, "alerts", include_str!("../migrations/0049_alerts.sql")),
    (52, "alerts", include_str!("../migrations/0052_alerts.sql")),
];

/// The tables whose rows the vault's log covers.
pub(crate) const COVERED: &[Covered] = &[
    by_id("payment_alerts", &[KeyColumn::Text("id")]),
    by_id("payment_holds", &[KeyColumn::Text("id")]),
];
