//! The reasons of a report's rank, as they are stored: ids of rules, most pressing first.

use std::borrow::Cow;

use obhut_casework::RISK;
use obhut_facts::{Level, Reason, of_wording};
use serde::Serialize;

/// Facts shown for a rank. Our judgement.
pub(super) const REASONS_MAX: usize = 5;
/// Points for an earlier case about the same account that was decided to be reported. Our
/// judgement.
const KNOWN_ACCOUNT_POINTS: u32 = 10;
// Stored in rows: another word would need a migration.
pub(super) const KNOWN_ACCOUNT: &str = "known-account";
/// Reason of a report that was not understood, or only in part. It ranks such a report above
/// understood ones without a reason.
pub(super) const UNREAD: &str = "unread";
/// Before the rules that hold only because of a text: its wording weighs them, so they add no
/// points.
const OF_TEXT: &str = "text:";
/// Before the score that the wording of the texts is worth.
const WORDING: &str = "wording-";

/// A fact behind a rank.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ranked {
    /// Id of the rule.
    pub rule: String,
    /// What the rule found, in English.
    pub what: String,
}

/// A reason as it is stored.
pub(super) fn stored(reason: &Reason) -> Cow<'static, str> {
    match reason.points {
        0 if !reason.rule.starts_with(WORDING) => format!("{OF_TEXT}{}", reason.rule).into(),
        _ => reason.rule.into(),
    }
}

/// The heaviest of a row's reasons.
pub(super) fn shown(reasons: &str) -> Vec<Ranked> {
    // Stored heaviest first (see `place`), so the first five are the heaviest.
    let known = reasons.split(',').filter(|r| !r.is_empty());
    known
        .take(REASONS_MAX)
        .map(|stored| Ranked {
            rule: stored.strip_prefix(OF_TEXT).unwrap_or(stored).to_owned(),
            what: rule(stored).2.to_owned(),
        })
        .collect()
}

/// A rule by its name as it is stored: how pressing, what it weighs, what it says.
pub(super) fn rule(stored: &str) -> (Level, u32, &'static str) {
    if let Some(id) = stored.strip_prefix(OF_TEXT) {
        return (Level::Unread, 0, rule(id).2);
    }
    let score = stored.strip_prefix(WORDING).and_then(|n| n.parse().ok());
    if let Some(wording) = score.and_then(of_wording) {
        return (wording.level, wording.points, wording.what);
    }
    if let Some(known) = RISK.iter().find(|r| r.id == stored) {
        return (known.level, known.points, known.says);
    }
    match stored {
        UNREAD => (Level::Unread, 50, "it was not understood, or only in part"),
        KNOWN_ACCOUNT => (
            Level::Concern,
            KNOWN_ACCOUNT_POINTS,
            "an earlier case about the same account was decided to be reported",
        ),
        // Another version's rule ranked the report; this version doesn't know what it found.
        _ => (
            Level::Unread,
            50,
            "a rule of another version of obhut; look at the report",
        ),
    }
}

/// True for a reason at the level that raises an alarm.
pub(super) fn is_now(stored: &str) -> bool {
    rule(stored).0 == Level::Now
}

/// The score of reasons together.
pub(super) fn combined<'a>(stored: impl Iterator<Item = &'a str>) -> u32 {
    obhut_facts::combined(stored.map(|r| {
        let (level, points, _) = rule(r);
        (level, points)
    }))
}
