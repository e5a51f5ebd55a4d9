//! Places each incoming report: duplicate, re-upload, group, rank.

use std::borrow::Cow;
use std::collections::HashMap;

use super::LINKS_MAX;
use super::ranks::{KNOWN_ACCOUNT, combined, rule};
use super::tokens::{self, PreparedReport};

/// The report a token was first seen in, that report's group now, and how often the token was seen.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub seq: i64,
    pub group: i64,
    pub seen: i64,
}

pub(super) struct Placed {
    pub rows: Vec<Row>,
    /// Tokens with the report they were first seen in and how often they were seen in this chunk.
    pub tokens: Vec<(i64, i64, i64)>,
    /// Groups of reports on record that turned out to be one: from, into.
    pub merged: Vec<(i64, i64)>,
}

pub(super) struct Row {
    pub seq: i64,
    pub group: i64,
    pub duplicate_of: Option<i64>,
    pub reupload_of: Option<i64>,
    pub at_risk: u32,
    pub reasons: Vec<Cow<'static, str>>,
    pub rests_on: Option<String>,
}

/// Finds duplicate, re-upload, group and rank of each report. `first` is the number of the first
/// report, `known` has the tokens on record, `near` the earlier reports with near pictures for each
/// report, and `earlier` the cases by lookup key. Pure: the same input gives the same result.
// Long: a single pass whose state is in local variables.
pub(super) fn place(
    prepared: &[PreparedReport],
    first: i64,
    mut known: HashMap<i64, Known>,
    near: &[Vec<i64>],
    earlier: &HashMap<String, String>,
) -> Placed {
    let mut parents: HashMap<i64, i64> = HashMap::new();
    fn root(parents: &mut HashMap<i64, i64>, group: i64) -> i64 {
        let mut at = group;
        while let Some(&up) = parents.get(&at) {
            at = up;
        }
        if at != group {
            parents.insert(group, at);
        }
        at
    }
    let mut rows: Vec<Row> = Vec::with_capacity(prepared.len());
    let mut fresh: HashMap<i64, (i64, i64)> = HashMap::new();
    for (at, p) in prepared.iter().enumerate() {
        let seq = first + at as i64;
        let holder = |known: &HashMap<i64, Known>, token: i64| known.get(&token).map(|k| k.seq);
        let duplicate_of = holder(&known, p.same);
        // A duplicate repeats the upload as well, but is counted once.
        let reupload_of = match duplicate_of {
            None => p.reuploads.iter().filter_map(|t| holder(&known, *t)).min(),
            Some(_) => None,
        };
        let mut groups = Vec::new();
        // Several of its pictures may be near those of one earlier report, which counts once.
        let mut near_reports = near[at].clone();
        near_reports.sort_unstable();
        near_reports.dedup();
        for token in &p.links {
            // `known` counts earlier reports of this chunk too, so the order of the reports decides
            // what is linked, not where a chunk ends.
            if let Some(k) = known.get(token).filter(|k| k.seen < LINKS_MAX) {
                groups.push(k.group);
            }
        }
        for other in &near_reports {
            // Looked up by its near token, whether the other report came in this chunk or before. A
            // picture that fifty reports share is in general circulation, wherever a chunk ends.
            if let Some(k) = known
                .get(&tokens::near_token(*other))
                .filter(|k| k.seen < LINKS_MAX)
            {
                groups.push(k.group);
            }
        }
        let mut group = seq;
        let roots: Vec<i64> = groups.iter().map(|g| root(&mut parents, *g)).collect();
        // The smallest number is the earliest report, so merged groups keep the older name.
        if let Some(&least) = roots.iter().min() {
            group = least;
            for other in roots {
                if other != least {
                    parents.insert(other, least);
                }
            }
        }
        let see =
            |token: i64, known: &mut HashMap<i64, Known>, fresh: &mut HashMap<i64, (i64, i64)>| {
                let k = known.entry(token).or_insert(Known {
                    seq,
                    group,
                    seen: 0,
                });
                k.seen += 1;
                fresh.entry(token).or_insert((k.seq, 0)).1 += 1;
            };
        // Only after the look-ups above, or a report would be a duplicate of itself.
        let unlinked = p.reuploads.iter().chain(&p.account_ids).chain([&p.same]);
        for token in p.links.iter().chain(unlinked) {
            see(*token, &mut known, &mut fresh);
        }
        for other in &near_reports {
            see(tokens::near_token(*other), &mut known, &mut fresh);
        }
        // This report is the first with at least one of its pictures; later reports find its group
        // through this token. If two of its own pictures are near each other, `near` has it already
        // and the loop above has counted it.
        if near[at].len() < p.near.len() && !near[at].contains(&seq) {
            see(tokens::near_token(seq), &mut known, &mut fresh);
        }
        let mut reasons = p.reasons.clone();
        let rests_on = p
            .account_key
            .as_ref()
            .and_then(|key| earlier.get(key))
            .cloned();
        let same_bytes = || {
            p.bytes_keys
                .iter()
                .find_map(|key| earlier.get(key))
                .cloned()
        };
        if rests_on.is_some() {
            reasons.push(KNOWN_ACCOUNT.into());
            // `shown` relies on the order.
            reasons.sort_by_key(|r| {
                let (level, points, _) = rule(r);
                std::cmp::Reverse((level, points))
            });
        }
        rows.push(Row {
            seq,
            group,
            duplicate_of,
            reupload_of,
            at_risk: combined(reasons.iter().map(|r| &**r)),
            reasons,
            rests_on: rests_on.or_else(same_bytes),
        });
    }
    // Groups may have merged after their rows were made.
    for row in &mut rows {
        row.group = root(&mut parents, row.group);
    }
    // Only groups on record: those that begin in this chunk aren't written yet.
    let mut merged: Vec<(i64, i64)> = parents
        .keys()
        .copied()
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|from| *from < first)
        .map(|from| (from, root(&mut parents, from)))
        .collect();
    merged.sort_unstable();
    let mut tokens: Vec<_> = fresh
        .into_iter()
        .map(|(token, (seq, seen))| (token, seq, seen))
        .collect();
    // A map has no order; the same reports must give the same statement.
    tokens.sort_unstable();
    Placed {
        rows,
        tokens,
        merged,
    }
}
