//! Files that a person need not view, because one with the same bytes, or one that looks like the
//! same entry of a list, was viewed whole and decided about in another case.

use std::collections::{BTreeMap, HashMap};

use obhut_facts::{CaseStatus, Category};
use serde::Serialize;

use crate::{Casework, Result, Ruling, cases, decisions, findings, reports, views};

/// Exhibits of a case that are looked up. Our judgement: as many as a page shows.
const EXHIBITS_MAX: usize = 200;
/// Exhibits with the same bytes that are looked at, for each exhibit. Our judgement: among the
/// newest hundred one was viewed, or copies aren't being viewed at all.
const COPIES_MAX: usize = 100;

/// A file of another case that a person viewed whole before deciding that case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SeenBefore {
    /// The other case.
    pub case: String,
    /// The file there.
    pub exhibit: String,
    /// True if it has the same bytes, false if it looks alike.
    pub same_bytes: bool,
    /// Name of the person who viewed it and decided.
    pub name: String,
    /// What they decided about the case.
    pub ruling: Ruling,
    /// The category they gave the file.
    pub category: Option<Category>,
    /// When they decided, microseconds since 1970.
    pub decided_at: i64,
}

/// For exhibits of a case, a file of another case that was viewed whole by the person who made the
/// latest decision there: one with the same bytes if there is one, otherwise one that looks alike;
/// of several, that of the newest decision. `alike` has, for findings of this case, findings of
/// others that look alike. Cleared and appealed cases don't count, nor do those
/// whose reports were all taken back.
// Long: one lookup after another, in one snapshot.
pub async fn seen_before(
    casework: &Casework,
    case: &str,
    alike: &BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, SeenBefore>> {
    let mut tx = casework.db.snapshot().await?;
    // Candidates of each exhibit: exhibits of other cases, and whether their bytes are the same.
    let mut candidates: BTreeMap<String, HashMap<String, bool>> = BTreeMap::new();
    let own = findings::with_evidence(&mut tx, case).await?;
    let all_alike: Vec<&String> = alike.values().flatten().collect();
    let located = findings::located(&mut tx, &all_alike).await?;
    for (finding, exhibit) in &own {
        if candidates.len() >= EXHIBITS_MAX && !candidates.contains_key(exhibit) {
            break;
        }
        let of_exhibit = match candidates.entry(exhibit.clone()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let same = views::same_bytes(&mut tx, exhibit).await?;
                let same = same.into_iter().take(COPIES_MAX);
                new.insert(same.map(|other| (other, true)).collect())
            }
        };
        for other in alike.get(finding).into_iter().flatten() {
            if let Some((_, exhibit)) = located.get(other) {
                of_exhibit.entry(exhibit.clone()).or_insert(false);
            }
        }
    }
    let exhibits: Vec<&String> = candidates.values().flat_map(HashMap::keys).collect();
    // Few files are viewed, so this leaves little to look up.
    let viewed = views::whole(&mut tx, &exhibits).await?;
    let seen: Vec<String> = viewed.iter().map(|v| v.exhibit.clone()).collect();
    let mut made: HashMap<String, Vec<SeenBefore>> = HashMap::new();
    let mut decided: HashMap<String, Option<decisions::Decision>> = HashMap::new();
    for (of, exhibit) in findings::cases_of(&mut tx, &seen).await? {
        if of == case {
            continue;
        }
        if !decided.contains_key(&of) {
            let latest = match cases::status(&mut tx, &of).await? {
                CaseStatus::Cleared | CaseStatus::Appealed => None,
                // What was reported and taken back is in doubt.
                _ if reports::all_taken_back(&mut tx, &of).await? => None,
                _ => decisions::decisions_within(&mut tx, &of).await?.pop(),
            };
            decided.insert(of.clone(), latest);
        }
        let Some(decision) = decided.get(&of).and_then(Option::as_ref) else {
            continue;
        };
        // A decision that names categories is about the files it names.
        let named = decision.file_categories();
        let meant = named.is_empty() || named.contains_key(&exhibit);
        let by_them = viewed.iter().any(|v| {
            meant
                && v.exhibit == exhibit
                && v.person == decision.person()
                && v.viewed_at <= decision.decided_at()
        });
        if by_them {
            made.entry(exhibit.clone()).or_default().push(SeenBefore {
                case: of,
                same_bytes: false,
                name: decision.name().to_owned(),
                ruling: decision.ruling(),
                category: decision.file_categories().get(&exhibit).cloned(),
                decided_at: decision.decided_at(),
                exhibit,
            });
        }
    }
    let best = candidates.into_iter().filter_map(|(exhibit, others)| {
        let all = others.iter().flat_map(|(other, same_bytes)| {
            let of_other = made.get(other).into_iter().flatten();
            of_other.map(|seen| SeenBefore {
                same_bytes: *same_bytes,
                ..seen.clone()
            })
        });
        let best = all.max_by_key(|seen| (seen.same_bytes, seen.decided_at, seen.case.clone()))?;
        Some((exhibit, best))
    });
    Ok(best.collect())
}
