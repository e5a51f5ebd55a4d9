//! Uploads that were held or blocked: whether a person has decided, and what the platform has to
//! do. Also earlier decisions about the same bytes, in other cases or about the same account.

use obhut_facts::{CaseStatus, words};

use crate::database::Tx;
use crate::decisions::{self, Ruling};
use crate::{Casework, CaseworkError, Result, cases, findings, views};

/// Most cases in one answer about decided uploads. Our judgement.
const CASES_MAX: usize = 100;

words! {
    /// What a platform is to do with an upload.
    UploadState {
        /// Undecided: keep doing what the screening said.
        Waiting = "waiting",
        /// A person decided not to report it, or cleared it on appeal: release it.
        Release = "release",
        /// A person decided to report it: remove it.
        Remove = "remove",
    }
}

/// What a platform is to do with an upload that has a finding, and since when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadStatus {
    /// Id of the screening, as the platform got it.
    pub screening: String,
    /// The case.
    pub case: String,
    /// What to do.
    pub state: UploadState,
    /// When the case last changed, microseconds since 1970; none while it waits.
    pub since: Option<i64>,
}

/// The status of one upload.
///
/// # Errors
/// Not found for a screening without a finding, because nothing is stored about it.
pub async fn upload_status(casework: &Casework, screening: &str) -> Result<UploadStatus> {
    let mut tx = casework.db.snapshot().await?;
    let case = findings::case_of_file(&mut tx, screening)
        .await?
        .ok_or_else(|| CaseworkError::NotFound {
            what: "upload with a finding",
            id: screening.to_owned(),
        })?;
    let (status, changed_at) = cases::status_since(&mut tx, &case).await?;
    let state = state(&mut tx, &case, status).await?;
    Ok(UploadStatus {
        screening: screening.to_owned(),
        case,
        state,
        since: (state != UploadState::Waiting).then_some(changed_at),
    })
}

/// Uploads whose cases were decided, oldest change first, as many as fit one answer.
pub struct DecidedUploads {
    /// The uploads.
    pub uploads: Vec<UploadStatus>,
    /// True if there are more.
    pub more: bool,
    /// When the last case of this answer changed, microseconds since 1970, and its id, whether or
    /// not it has uploads. Pass them as `since` and `after` to get what follows.
    pub until: Option<(i64, String)>,
}

/// Uploads of decided cases that last changed at `since` (microseconds since 1970) or later. Of the
/// cases that changed exactly at `since`, only those whose id is greater than `after`; an empty
/// `after` includes them all. An approval or an appeal changes a case too, so an upload may be
/// returned again with the same state.
pub async fn uploads_decided(
    casework: &Casework,
    since: i64,
    after: &str,
) -> Result<DecidedUploads> {
    let mut tx = casework.db.snapshot().await?;
    let mut changed = cases::changed_since(&mut tx, since, after, CASES_MAX + 1).await?;
    let more = changed.len() > CASES_MAX;
    changed.truncate(CASES_MAX);
    let until = changed
        .last()
        .map(|(case, _, changed_at)| (*changed_at, case.clone()));
    let ids: Vec<_> = changed.iter().map(|(case, ..)| case.as_str()).collect();
    let mut screenings = findings::screenings(&mut tx, &ids).await?;
    let mut found = Vec::new();
    for (case, status, changed_at) in changed {
        let Some(screenings) = screenings.remove(&case) else {
            continue;
        };
        let state = state(&mut tx, &case, status).await?;
        for screening in screenings {
            found.push(UploadStatus {
                screening,
                case: case.clone(),
                state,
                since: Some(changed_at),
            });
        }
    }
    Ok(DecidedUploads {
        uploads: found,
        more,
        until,
    })
}

/// The uploads of a case with their present status, in the order of their findings.
pub async fn uploads_of_case(casework: &Casework, case: &str) -> Result<Vec<UploadStatus>> {
    let mut tx = casework.db.snapshot().await?;
    let (status, changed_at) = cases::status_since(&mut tx, case).await?;
    let state = state(&mut tx, case, status).await?;
    let mut screenings = findings::screenings(&mut tx, &[case]).await?;
    let all = screenings.remove(case).unwrap_or_default().into_iter();
    Ok(all
        .map(|screening| UploadStatus {
            screening,
            case: case.to_owned(),
            state,
            since: (state != UploadState::Waiting).then_some(changed_at),
        })
        .collect())
}

async fn state(tx: &mut Tx, case: &str, status: CaseStatus) -> Result<UploadState> {
    Ok(match status {
        CaseStatus::Open => UploadState::Waiting,
        CaseStatus::Decided | CaseStatus::Reported => UploadState::Remove,
        CaseStatus::Closed | CaseStatus::Cleared => UploadState::Release,
        // An open appeal changes nothing yet.
        CaseStatus::Appealed => {
            let latest = decisions::latest(tx, &[case]).await?;
            match latest.get(case).map(|decision| decision.ruling) {
                Some(Ruling::NoReport) => UploadState::Release,
                _ => UploadState::Remove,
            }
        }
    })
}

/// Most decisions about the same bytes that are returned. Our judgement: enough to see whether they
/// agree.
const EARLIER_MAX: usize = 20;

/// What a person decided about the same bytes in another case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EarlierDecision {
    /// The other case.
    pub case: String,
    /// What was decided there last.
    pub ruling: Ruling,
    /// When, microseconds since 1970.
    pub decided_at: i64,
}

/// What people decided about the bytes of an exhibit in other cases: the newest twenty, newest
/// first. Cases whose person was cleared are left out.
pub async fn earlier_decisions(
    casework: &Casework,
    case: &str,
    exhibit: &str,
) -> Result<Vec<EarlierDecision>> {
    let mut tx = casework.db.snapshot().await?;
    let exhibits = views::same_bytes(&mut tx, exhibit).await?;
    // Findings of cleared cases are withdrawn, so they aren't among these.
    let of_bytes = findings::of_exhibits(&mut tx, &exhibits).await?;
    let others: Vec<_> = of_bytes
        .iter()
        .map(|(of, _)| of.as_str())
        .filter(|of| *of != case)
        .collect();
    let mut latest: Vec<_> = decisions::latest(&mut tx, &others)
        .await?
        .into_iter()
        .collect();
    latest.sort_by_key(|(_, decision)| std::cmp::Reverse(decision.seq));
    let found = latest.into_iter().take(EARLIER_MAX);
    Ok(found
        .map(|(case, decision)| EarlierDecision {
            case,
            ruling: decision.ruling,
            decided_at: decision.decided_at,
        })
        .collect())
}

/// A finding about bytes that a person has decided about.
pub struct DecidedFinding {
    /// The case.
    pub case: String,
    /// The finding.
    pub finding: String,
    /// What the decision means for the upload.
    pub state: UploadState,
}

/// Findings about the same bytes, by SHA-256, in decided cases of the same account; those of the
/// case that was decided last come last. The order is that of the decisions' sequence numbers, not
/// of `changed_at`, which an approval or an appeal changes too.
pub(crate) async fn decided_before(
    tx: &mut Tx,
    casework: &Casework,
    account: &str,
    sha256: &str,
) -> Result<Vec<DecidedFinding>> {
    let key = casework.bytes_key("sha256", sha256);
    let exhibits: Vec<String> = views::exhibits_of_bytes(tx, &[&key])
        .await?
        .into_iter()
        .map(|(_, exhibit)| exhibit)
        .collect();
    if exhibits.is_empty() {
        return Ok(Vec::new());
    }
    let of_bytes = findings::of_exhibits(tx, &exhibits).await?;
    let mut of_account = cases::decided_of_account(tx, casework, account).await?;
    of_account.retain(|(case, _)| of_bytes.iter().any(|(of, _)| of == case));
    let ids: Vec<_> = of_account.iter().map(|(case, _)| case.as_str()).collect();
    let latest = decisions::latest(tx, &ids).await?;
    of_account.sort_by_key(|(case, _)| latest.get(case).map(|decision| decision.seq));
    let mut found = Vec::new();
    for (case, status) in of_account {
        let state = state(tx, &case, status).await?;
        let here = of_bytes.iter().filter(|(of, _)| *of == case);
        found.extend(here.map(|(_, finding)| DecidedFinding {
            case: case.clone(),
            finding: finding.clone(),
            state,
        }));
    }
    Ok(found)
}
