//! A report as data: the dossier, and a person's decision to report.
//!
//! Invariant: only [`report`] and [`report_with`] build a [`Report`], and only if the latest
//! decision is to report.

use obhut_facts::{CaseStatus, Dossier};

use crate::decisions::{self, Decision, Ruling};
use crate::{Casework, CaseworkError, Contents, Next, Result, audit, dossier};

/// A report, independent of its destination: the dossier and the decision it is based on.
///
/// ```compile_fail
/// // A report can't be constructed outside the core, even with all fields.
/// fn forge(decision: obhut_casework::Decision) -> obhut_casework::Report {
///     obhut_casework::Report { decision, ..unreachable!() }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The decision it is based on.
    pub decision: Decision,
    /// The dossier.
    pub dossier: Dossier,
}

impl Report {
    /// Renders the report in a destination's form. The only caller of a renderer.
    pub fn render<T>(&self, renderer: fn(&Dossier) -> T) -> T {
        renderer(&self.dossier)
    }
}

/// Builds the report of a case from its latest decision, and audits who requested it. Victims' data
/// are omitted unless `with_victims`.
///
/// # Errors
/// A conflict if the case is undecided or cleared, or if its latest decision is not to report.
pub async fn report(
    casework: &Casework,
    case: &str,
    with_victims: bool,
    actor: &str,
) -> Result<Report> {
    report_with(casework, case, Contents::victims(with_victims), actor).await
}

/// Like [`report`], with the contents that `with` names.
pub async fn report_with(
    casework: &Casework,
    case: &str,
    with: Contents,
    actor: &str,
) -> Result<Report> {
    let decisions = decisions::decisions(casework, case).await?;
    let mut dossier = dossier::dossier_of(casework, case, with).await?;
    if dossier.status == CaseStatus::Cleared {
        return Err(CaseworkError::conflict(format!(
            "the decision about case {case} was overturned on appeal; nothing is reported any more"
        )));
    }
    let decision = decisions.into_iter().next_back().ok_or_else(|| {
        CaseworkError::conflict(format!(
            "case {case} is not decided yet, and no report is made without a person's decision"
        ))
        .then(Next::Decide {
            case: case.to_owned(),
        })
    })?;
    if decision.ruling() != Ruling::Report {
        return Err(CaseworkError::conflict(format!(
            "case {case} was decided \"{}\"; a report needs the decision to report",
            decision.ruling()
        )));
    }
    // From this decision, because a newer one may have been made before the dossier was read.
    dossier.category = decision.category().cloned();
    let detail = match (with.victims, with.as_received) {
        (_, true) => "with victims and incoming reports",
        (true, false) => "with victims",
        (false, false) => "without victims",
    };
    audit::note(casework, actor, "report.build", case, detail).await?;
    Ok(Report { decision, dossier })
}
