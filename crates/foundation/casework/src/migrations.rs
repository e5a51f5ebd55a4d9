//! Every change of this crate's tables, as numbered files of SQL statements. The store's migrator
//! runs them together with other crates' migrations, in the order of their numbers.

use obhut_store::database::covered::{Covered, KeyColumn, by_id};
use obhut_store::migrations::Numbered;

/// Number, owner, statements.
pub(crate) const ALL: &[Numbered] = &[
    (2, "people", include_str!("../migrations/0002_people.sql")),
    (
        4,
        "legal_bases",
        include_str!("../migrations/0004_legal_bases.sql"),
    ),
    (
        5,
        "settings",
        include_str!("../migrations/0005_settings.sql"),
    ),
    (6, "cases", include_str!("../migrations/0006_cases.sql")),
    (
        7,
        "findings",
        include_str!("../migrations/0007_findings.sql"),
    ),
    (8, "facts", include_str!("../migrations/0008_facts.sql")),
    (
        9,
        "decisions",
        include_str!("../migrations/0009_decisions.sql"),
    ),
    (10, "views", include_str!("../migrations/0010_views.sql")),
    (
        11,
        "reports",
        include_str!("../migrations/0011_reports.sql"),
    ),
    (
        12,
        "approvals",
        include_str!("../migrations/0012_approvals.sql"),
    ),
    (13, "outbox", include_str!("../migrations/0013_outbox.sql")),
    (
        14,
        "appeals",
        include_str!("../migrations/0014_appeals.sql"),
    ),
    (
        15,
        "api_keys",
        include_str!("../migrations/0015_api_keys.sql"),
    ),
    (
        18,
        "api_keys",
        include_str!("../migrations/0018_api_keys.sql"),
    ),
    (
        20,
        "repeats",
        include_str!("../migrations/0020_repeats.sql"),
    ),
    (
        22,
        "reports",
        include_str!("../migrations/0022_reports.sql"),
    ),
    (23, "views", include_str!("../migrations/0023_views.sql")),
    (
        24,
        "findings",
        include_str!("../migrations/0024_findings.sql"),
    ),
    (25, "cases", include_str!("../migrations/0025_cases.sql")),
    (
        26,
        "deadlines",
        include_str!("../migrations/0026_deadlines.sql"),
    ),
    (27, "alarms", include_str!("../migrations/0027_alarms.sql")),
    (
        28,
        "filings",
        include_str!("../migrations/0028_filings.sql"),
    ),
    (29, "outbox", include_str!("../migrations/0029_outbox.sql")),
    (
        30,
        "channels",
        include_str!("../migrations/0030_channels.sql"),
    ),
    (31, "routes", include_str!("../migrations/0031_routes.sql")),
    (
        32,
        "outcomes",
        include_str!("../migrations/0032_outcomes.sql"),
    ),
    (
        33,
        "erasures",
        include_str!("../migrations/0033_erasures.sql"),
    ),
    (
        34,
        "notices",
        include_str!("../migrations/0034_notices.sql"),
    ),
    (
        35,
        "approvals",
        include_str!("../migrations/0035_approvals.sql"),
    ),
    (
        42,
        "decisions",
        include_str!("../migrations/0042_decisions.sql"),
    ),
    (44, "views", include_str!("../migrations/0044_views.sql")),
    (
        46,
        "erasures",
        include_str!("../migrations/0046_erasures.sql"),
    ),
    (47, "people", include_str!("../migrations/0047_people.sql")),
    (
        48,
        "api_keys",
        include_str!("../migrations/0048_api_keys.sql"),
    ),
    (
        50,
        "findings",
        include_str!("../migrations/0050_findings.sql"),
    ),
    (
        55,
        "findings",
        include_str!("../migrations/0055_findings.sql"),
    ),
    (
        56,
        "decisions",
        include_str!("../migrations/0056_decisions.sql"),
    ),
    (
        57,
        "filings",
        include_str!("../migrations/0057_filings.sql"),
    ),
    (
        58,
        "approvals",
        include_str!("../migrations/0058_approvals.sql"),
    ),
    (
        59,
        "channels",
        include_str!("../migrations/0059_channels.sql"),
    ),
    (
        60,
        "exchanges",
        include_str!("../migrations/0060_exchanges.sql"),
    ),
    (62, "views", include_str!("../migrations/0062_views.sql")),
    (64, "cases", include_str!("../migrations/0064_cases.sql")),
    (
        65,
        "findings",
        include_str!("../migrations/0065_findings.sql"),
    ),
    (
        66,
        "determinations",
        include_str!("../migrations/0066_determinations.sql"),
    ),
    (67, "cases", include_str!("../migrations/0067_cases.sql")),
    (
        68,
        "information",
        include_str!("../migrations/0068_information.sql"),
    ),
    (
        70,
        "appeals",
        include_str!("../migrations/0070_appeals.sql"),
    ),
    (
        71,
        "reports",
        include_str!("../migrations/0071_reports.sql"),
    ),
    (73, "alarms", include_str!("../migrations/0073_alarms.sql")),
    (
        74,
        "deadlines",
        include_str!("../migrations/0074_deadlines.sql"),
    ),
    (
        75,
        "appeals",
        include_str!("../migrations/0075_appeals.sql"),
    ),
    (
        76,
        "decisions",
        include_str!("../migrations/0076_decisions.sql"),
    ),
    (
        78,
        "row_log",
        include_str!("../migrations/0078_row_log.sql"),
    ),
    (
        80,
        "repeats",
        include_str!("../migrations/0080_repeats.sql"),
    ),
    (81, "holds", include_str!("../migrations/0081_holds.sql")),
    (
        82,
        "retention_rules",
        include_str!("../migrations/0082_retention_rules.sql"),
    ),
    (
        83,
        "running_time",
        include_str!("../migrations/0083_running_time.sql"),
    ),
    (
        84,
        "destructions",
        include_str!("../migrations/0084_destructions.sql"),
    ),
    (
        85,
        "exports",
        include_str!("../migrations/0085_exports.sql"),
    ),
    (
        86,
        "row_log",
        include_str!("../migrations/0086_row_log.sql"),
    ),
    (
        87,
        "accepted",
        include_str!("../migrations/0087_accepted.sql"),
    ),
    (
        88,
        "witnesses",
        include_str!("../migrations/0088_witnesses.sql"),
    ),
    (
        89,
        "timestamps",
        include_str!("../migrations/0089_timestamps.sql"),
    ),
    (
        90,
        "work_queue",
        include_str!("../migrations/0090_work_queue.sql"),
    ),
    (
        91,
        "sessions",
        include_str!("../migrations/0091_sessions.sql"),
    ),
    (
        92,
        "reports",
        include_str!("../migrations/0092_reports.sql"),
    ),
    (
        93,
        "filings",
        include_str!("../migrations/0093_filings.sql"),
    ),
    (
        95,
        "exposure",
        include_str!("../migrations/0095_exposure.sql"),
    ),
    (96, "views", include_str!("../migrations/0096_views.sql")),
    (
        97,
        "findings",
        include_str!("../migrations/0097_findings.sql"),
    ),
    (
        98,
        "pending_decisions",
        include_str!("../migrations/0098_pending_decisions.sql"),
    ),
    (
        99,
        "key_uses",
        include_str!("../migrations/0099_key_uses.sql"),
    ),
];

const ID: &[KeyColumn; 1] = &[KeyColumn::Text("id")];

/// The tables whose rows the vault's log covers: what was decided, seen, approved, sent and erased,
/// by whom, and about what. Not covered: jobs, alarms, repeats and other rows that can be made
/// again.
pub(crate) const COVERED: &[Covered] = &[
    by_id("people", ID),
    by_id("legal_bases", ID),
    by_id("cases", ID),
    by_id("decisions", ID),
    by_id("views", ID),
    by_id("reports", ID),
    by_id("approvals", ID),
    by_id("appeals", ID),
    by_id("api_keys", ID),
    by_id("deadlines", ID),
    by_id("routes", ID),
    by_id("outcomes", ID),
    by_id("erasures", ID),
    by_id("restorations", ID),
    by_id("notices", ID),
    by_id("findings", ID),
    by_id("determinations", ID),
    Covered {
        table: "people_roles",
        key: &[KeyColumn::Text("person"), KeyColumn::Text("role")],
    },
    by_id("settings", &[KeyColumn::Text("name")]),
    by_id("facts", &[KeyColumn::Text("case_id")]),
    by_id("exhibit_digests", &[KeyColumn::Text("exhibit")]),
    by_id("filings", &[KeyColumn::Text("report")]),
    by_id("channels", &[KeyColumn::Text("destination")]),
    Covered {
        table: "channel_addresses",
        key: &[
            KeyColumn::Text("destination"),
            KeyColumn::Text("address_key"),
        ],
    },
    Covered {
        table: "exchanges",
        key: &[KeyColumn::Text("report"), KeyColumn::Int("seq")],
    },
    by_id("pending_decisions", ID),
    by_id("holds", ID),
    Covered {
        table: "hold_releases",
        key: &[KeyColumn::Text("hold"), KeyColumn::Text("person")],
    },
    by_id("extensions", ID),
    by_id("running_time", &[KeyColumn::Int("seq")]),
    by_id("started", &[KeyColumn::Text("subject")]),
    by_id("retention_rules", &[KeyColumn::Text("filed_with")]),
    by_id("destructions", ID),
    Covered {
        table: "destruction_confirmations",
        key: &[KeyColumn::Text("destruction"), KeyColumn::Text("person")],
    },
    by_id("exports", ID),
    Covered {
        table: "export_approvals",
        key: &[KeyColumn::Text("export"), KeyColumn::Text("person")],
    },
    by_id("row_faults", ID),
    by_id("acceptances", ID),
    by_id("accepted_entries", &[KeyColumn::Int("log_index")]),
    by_id("witnesses", &[KeyColumn::Text("name")]),
    by_id("timestamps", ID),
    by_id("information_requests", &[KeyColumn::Text("deadline")]),
    // Which tables are covered is covered, too.
    by_id("covered", &[KeyColumn::Text("tbl")]),
];

#[cfg(test)]
mod tests {
    #[test]
    fn migration_numbers_are_unique() {
        let mut all: Vec<_> = obhut_store::migrations::ALL
            .iter()
            .chain(super::ALL)
            .collect();
        all.sort();
        // Strictly: two migrations of the same number fail here too.
        for pair in all.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{:?}", pair[1].1);
        }
        for (number, owner, sql) in all {
            assert!(sql.trim_end().ends_with(';'), "{number}_{owner}");
        }
    }
}
