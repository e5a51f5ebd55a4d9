//! Every change of this domain's tables, as numbered files of statements; the store's migrator runs
//! them, in one order with those of other owners.

use obhut_casework::for_domains::Numbered;

/// Number, owner, statements.
pub(crate) const ALL: &[Numbered] = &[
    // Numbers are shared with the other owners; the gaps here are theirs.
    (37, "alerts", include_str!("../migrations/0037_alerts.sql")),
    (49, "alerts", include_str!("../migrations/0049_alerts.sql")),
    (52, "alerts", include_str!("../migrations/0052_alerts.sql")),
];
