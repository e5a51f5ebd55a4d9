//! Opening a case: row, facts, and the reporting deadline.

use obhut_facts::Facts;
use obhut_store::database::Tx;

use crate::cases::{self, Opening, Subject};
use crate::deadlines::{self, DeadlineKind};
use crate::{Casework, Result, audit, facts};

/// A bank's deadline: 30 days from the first detection (31 CFR 1020.320(b)(3)), in microseconds.
/// A stricter law's deadline can't be set here.
const ALERT_DUE_MICROS: i64 = 30 * 86_400 * 1_000_000;

/// Which duty to report applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Duty {
    /// A provider's, to the CyberTipline.
    Provider,
    /// A bank's, to its financial intelligence unit.
    Payments,
}

/// The open case of a group, opened with the id `fresh` if there is none, and locked until the
/// transaction ends. The lock prevents a decision while a finding is being added, and prevents a
/// finding from joining a case that has just been decided.
pub(crate) async fn hold_or_open(
    tx: &mut Tx,
    casework: &Casework,
    subject: &Subject,
    fresh: &str,
    actor: &str,
    duty: Duty,
) -> Result<String> {
    let now = casework.now();
    let id = cases::hold_or_insert(tx, casework, subject, fresh).await?;
    // An upload or payment that joins an open case starts no second deadline: the duty runs from
    // the first finding.
    if id == fresh {
        match duty {
            Duty::Provider => start_clock(tx, casework, &id, None).await?,
            Duty::Payments => {
                let due = now + ALERT_DUE_MICROS;
                let source = "31 CFR 1020.320(b)(3)";
                deadlines::start(tx, casework, DeadlineKind::Report, &id, due, source).await?;
            }
        }
        // For payments, the alerts decide whether the party is a suspect or a possible victim.
        let account = subject.account.as_ref().filter(|_| duty == Duty::Provider);
        let facts = Facts::about(account.map(|a| a.expose().as_str()));
        facts::write(tx, casework, &id, &facts).await?;
        audit::write(tx, now, actor, "case.open", &id, "").await?;
    }
    Ok(id)
}

/// Opens a case, stores its facts, and starts the reporting deadline.
pub(crate) async fn open(
    tx: &mut Tx,
    casework: &Casework,
    opening: &Opening<'_>,
    known: &Facts,
    actor: &str,
) -> Result<()> {
    cases::open(tx, casework, opening, actor).await?;
    facts::write(tx, casework, opening.id, known).await?;
    start_clock(tx, casework, opening.id, known.known_at.as_deref()).await
}

/// Starts the reporting deadline, which runs from `known_at`, or from now if that is missing or
/// isn't RFC 3339.
async fn start_clock(
    tx: &mut Tx,
    casework: &Casework,
    case: &str,
    known_at: Option<&str>,
) -> Result<()> {
    let due = deadlines::report_due(known_at, casework.now());
    let basis = "18 USC 2258A(a): as soon as reasonably possible; 24 hours are our target";
    deadlines::start(tx, casework, DeadlineKind::Report, case, due, basis).await?;
    Ok(())
}
