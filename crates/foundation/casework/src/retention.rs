//! Why an exhibit is kept, and until when.
//!
//! Everything that keeps it is listed, and the latest end counts: the law's year for what was
//! filed, the operator's rule for what was not, holds, extensions, and work that isn't done. What
//! has no end is kept, and people are alarmed where only a rule is missing.

use std::collections::HashMap;

use obhut_facts::CaseStatus;
use serde::Serialize;

use crate::by_day::DAY_MICROS;
use crate::database::Tx;
use crate::retention_rules::{Keeping, NEVER_FILED, RetentionRule};
use crate::{
    Casework, CaseworkError, Result, cases, deadlines, filed, findings, holds, retention_rules,
    running_time, views,
};

/// What keeps an exhibit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Retention {
    /// The exhibit.
    pub exhibit: String,
    /// Its cases.
    pub cases: Vec<String>,
    /// Everything that keeps it, or has kept it.
    pub keepings: Vec<Keeping>,
    /// When the last of them ends, microseconds since 1970; `None` while one has no end.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub ends_at: Option<i64>,
    /// The rules that are missing: a destination, or [`NEVER_FILED`].
    pub missing_rules: Vec<String>,
}

impl Retention {
    /// What keeps it at this time, and isn't for people to end.
    pub(crate) fn binding(&self, now: i64) -> Option<&Keeping> {
        self.keepings
            .iter()
            .find(|k| k.binds && k.until.is_none_or(|until| until > now))
    }

    /// The last to end of what keeps it, or what has no end.
    pub fn last(&self) -> Option<&Keeping> {
        self.keepings
            .iter()
            .max_by_key(|k| k.until.unwrap_or(i64::MAX))
    }
}

/// What was read about cases and rules, for many exhibits.
pub(crate) struct Known {
    rules: HashMap<String, RetentionRule>,
    cases: HashMap<String, OfCase>,
}

#[derive(Clone, Default)]
struct OfCase {
    keepings: Vec<Keeping>,
    missing_rules: Vec<String>,
    /// Its person was cleared: redress erases what it held.
    cleared: bool,
}

impl Known {
    /// Knows the rules, and no case yet.
    pub async fn rules(tx: &mut Tx) -> Result<Self> {
        Ok(Self {
            rules: retention_rules::all(tx).await?,
            cases: HashMap::new(),
        })
    }

    /// What keeps an exhibit; `None` if all its cases were cleared, or if it isn't on record.
    pub async fn of_exhibit(&mut self, tx: &mut Tx, exhibit: &str) -> Result<Option<Retention>> {
        let Some((taken_in, first)) = views::taken_in(tx, exhibit).await? else {
            return Ok(None);
        };
        let mut cases = findings::all_cases_of_exhibit(tx, exhibit).await?;
        if !first.is_empty() && !cases.contains(&first) {
            cases.push(first);
        }
        let mut found = OfCase {
            keepings: holds::of_subject(tx, exhibit).await?,
            ..OfCase::default()
        };
        let mut all_cleared = !cases.is_empty();
        for case in &cases {
            let of_case = self.of_case(tx, case).await?;
            all_cleared &= of_case.cleared;
            // Holds and duties of a cleared case keep it, too.
            found.keepings.extend(of_case.keepings.iter().cloned());
            found
                .missing_rules
                .extend(of_case.missing_rules.iter().cloned());
        }
        if all_cleared {
            return Ok(None);
        }
        if cases.is_empty() {
            self.never_filed(&mut found, taken_in, exhibit);
        }
        let ends: Option<Vec<i64>> = found.keepings.iter().map(|k| k.until).collect();
        Ok(Some(Retention {
            exhibit: exhibit.to_owned(),
            cases,
            ends_at: ends.and_then(|ends| ends.into_iter().max()),
            keepings: found.keepings,
            missing_rules: found.missing_rules,
        }))
    }

    async fn of_case(&mut self, tx: &mut Tx, case: &str) -> Result<OfCase> {
        if let Some(known) = self.cases.get(case) {
            return Ok(known.clone());
        }
        let mut found = OfCase {
            keepings: holds::of_subject(tx, case).await?,
            ..OfCase::default()
        };
        let (status, since) = match cases::status_since(tx, case).await {
            Ok(known) => known,
            // A case of an older version that was never opened.
            Err(CaseworkError::NotFound { .. }) => return Ok(found),
            Err(e) => return Err(e),
        };
        found.cleared = status == CaseStatus::Cleared;
        found.keepings.extend(deadlines::keeping(tx, case).await?);
        let filed = filed::of_case(tx, case).await?;
        for filed in &filed.filed {
            let (destination, from, began) = (&filed.destination, filed.at, filed.report.clone());
            match (destination.as_str(), self.rules.get(destination)) {
                // Its year is a deadline, which may have been extended.
                ("ncmec", _) => {}
                (_, Some(rule)) => found.keepings.push(Keeping {
                    because: rule.basis.clone(),
                    from,
                    until: Some(from + rule.days * DAY_MICROS),
                    binds: true,
                    began,
                }),
                (_, None) if found.cleared => {}
                (_, None) => {
                    found.keepings.push(Keeping {
                        because: format!(
                            "no rule says how long what is filed with {destination} is kept"
                        ),
                        from,
                        until: None,
                        binds: true,
                        began,
                    });
                    found.missing_rules.push(destination.clone());
                }
            }
        }
        let waits = match status {
            CaseStatus::Open => Some("its case waits for a decision"),
            CaseStatus::Appealed => Some("an appeal is open"),
            _ if filed.under_way => Some("a report about it waits for its filing"),
            CaseStatus::Decided => Some("its case waits for a report"),
            _ => None,
        };
        if let Some(because) = waits {
            found.keepings.push(Keeping {
                because: because.into(),
                from: since,
                until: None,
                binds: true,
                began: case.to_owned(),
            });
        } else if filed.filed.is_empty() && !found.cleared {
            self.never_filed(&mut found, since, case);
        }
        self.cases.insert(case.to_owned(), found.clone());
        Ok(found)
    }

    fn never_filed(&self, found: &mut OfCase, from: i64, began: &str) {
        let rule = self.rules.get(NEVER_FILED);
        found.keepings.push(Keeping {
            because: rule.map_or_else(
                || "no rule says how long what was never filed is kept".into(),
                |rule| rule.basis.clone(),
            ),
            from,
            until: rule.map(|rule| from + rule.days * DAY_MICROS),
            binds: false,
            began: began.to_owned(),
        });
        if rule.is_none() {
            found.missing_rules.push(NEVER_FILED.to_owned());
        }
    }
}

/// What keeps an exhibit, and until when.
///
/// # Errors
/// Not found, or a conflict if it was erased; a conflict if its case was cleared, because redress
/// erases it then, and for an exhibit of the first version that isn't on record in the database.
pub async fn retention(casework: &Casework, exhibit: &str) -> Result<Retention> {
    casework.vault.exhibit(exhibit).await?;
    let mut tx = casework.db.snapshot().await?;
    let known = Known::rules(&mut tx)
        .await?
        .of_exhibit(&mut tx, exhibit)
        .await?;
    known.ok_or_else(|| {
        CaseworkError::conflict(format!(
            "exhibit {exhibit} has no retention: an older version took it in, or the person of its case was cleared, and it is erased as soon as no hold and no duty keeps it"
        ))
    })
}

/// What has to be preserved of a case because it was filed: the law's year and the operator's
/// rules.
async fn duties(tx: &mut Tx, case: &str) -> Result<Vec<Keeping>> {
    let mut duties = deadlines::keeping(tx, case).await?;
    duties.retain(|k| k.until.is_some());
    let rules = retention_rules::all(tx).await?;
    for filed in filed::of_case(tx, case).await?.filed {
        let from = filed.at;
        if let Some(rule) = rules.get(&filed.destination) {
            duties.push(Keeping {
                because: rule.basis.clone(),
                from,
                until: Some(from + rule.days * DAY_MICROS),
                binds: true,
                began: filed.report,
            });
        }
    }
    Ok(duties)
}

/// Until when what was filed about a case has to be preserved, in microseconds since 1970; 0 if
/// nothing has to.
pub(crate) async fn preserved_until(tx: &mut Tx, case: &str) -> Result<i64> {
    let duties = duties(tx, case).await?;
    Ok(duties.iter().filter_map(|k| k.until).max().unwrap_or(0))
}

/// Why an exhibit of a cleared person isn't erased yet.
pub(crate) enum ErasureWaits {
    /// It is on hold; the hold's id.
    Held(String),
    /// It was filed and has to be preserved until then, microseconds since 1970.
    Until(i64),
    /// That time is over by the clock alone.
    Unsure {
        /// When it was over, microseconds since 1970.
        since: i64,
        /// What is missing.
        why: String,
    },
}

/// Why an exhibit of a cleared case isn't erased yet; `None` if nothing keeps it.
pub(crate) async fn erasure_waits(
    casework: &Casework,
    tx: &mut Tx,
    exhibit: &str,
    case: &str,
) -> Result<Option<ErasureWaits>> {
    let now = casework.now();
    let mut duties = duties(tx, case).await?;
    let until = duties.iter().filter_map(|k| k.until).max().unwrap_or(0);
    if until > now {
        return Ok(Some(ErasureWaits::Until(until)));
    }
    for subject in [exhibit, case] {
        for hold in holds::held(tx, subject).await? {
            if hold.until.is_none_or(|until| until > now) {
                return Ok(Some(ErasureWaits::Held(hold.because)));
            }
            // That it has ended is what the clock says.
            duties.push(hold);
        }
    }
    let since = duties.iter().filter_map(|k| k.until).max().unwrap_or(0);
    for duty in duties {
        let needed = duty.until.unwrap_or(duty.from) - duty.from;
        let ran = running_time::since(tx, &duty.began, duty.from).await?;
        if ran < needed {
            return Ok(Some(ErasureWaits::Unsure {
                since,
                why: running_time::unsure(ran, needed),
            }));
        }
    }
    Ok(None)
}
