//! A case with its findings, decisions, appeals and facts, and the list of cases.

use obhut_facts::{CaseStatus, Facts, Sealed};

use crate::appeals::{self, Appeal};
use crate::cases::{self, Case, CasePlace};
use crate::casework::Finding;
use crate::decisions::{self, Decision};
use crate::{Casework, Result, facts, findings};

/// A case with its findings, decisions, appeals and facts.
#[derive(Clone, Debug)]
pub struct CaseDetail {
    /// The case.
    pub case: Case,
    /// File findings, in the order in which they were recorded.
    pub findings: Vec<Finding>,
    /// Decisions, oldest first.
    pub decisions: Vec<Decision>,
    /// Appeals, oldest first.
    pub appeals: Vec<Appeal>,
    /// Facts of the case.
    pub facts: Sealed<Facts>,
}

/// All cases, or those with a status; newest first. Without their accounts.
pub async fn cases(casework: &Casework, status: Option<CaseStatus>) -> Result<Vec<Case>> {
    cases_before(casework, status, None, usize::MAX).await
}

/// Like [`cases`], one page: the first `most` cases after `before`, where the previous page ended.
pub async fn cases_before(
    casework: &Casework,
    status: Option<CaseStatus>,
    before: Option<&CasePlace>,
    most: usize,
) -> Result<Vec<Case>> {
    let mut page = cases::select(casework, status, before, most).await?;
    let ids: Vec<_> = page.iter().map(|case| case.id.as_str()).collect();
    let counts = findings::finding_counts(casework, &ids).await?;
    for case in &mut page {
        case.files = counts.get(&case.id).copied().unwrap_or(0);
    }
    Ok(page)
}

/// A case with its findings, decisions, appeals and facts.
pub async fn case(casework: &Casework, id: &str) -> Result<CaseDetail> {
    let mut case = cases::find(casework, id)
        .await?
        .ok_or_else(|| cases::missing(id))?;
    let counts = findings::finding_counts(casework, &[id]).await?;
    case.files = counts.get(id).copied().unwrap_or(0);
    Ok(CaseDetail {
        findings: findings::findings(casework, id).await?,
        decisions: decisions::decisions(casework, id).await?,
        appeals: appeals::appeals(casework, id).await?,
        facts: Sealed::new(facts::facts(casework, id).await?),
        case,
    })
}
