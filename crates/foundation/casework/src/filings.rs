//! How far each report has come at its destination: what was begun there, under which number, and
//! the receipt.
//!
//! Invariant: a step is stored before the request that depends on it is sent, and only if the
//! filing is still in the state in which it was read. If two workers hold the same report, one is
//! refused. Only the address of a message ([`filing_addressed`]) is stored without that condition:
//! there the claim of the job keeps a second worker away.

use obhut_facts::{CaseStatus, words};
use serde::Serialize;

use crate::by_day::{self, DAY_MICROS, DayCount};
use crate::channels::MAILTO;
use crate::database::{Columns, Tx};
use crate::deadlines::{self, DeadlineKind, PRESERVE_MICROS};
use crate::retention_rules;
use crate::{
    Casework, CaseworkError, Job, Receiver, Result, alarms, audit, cases, channels, outbox,
    reports, running_time,
};

/// After this many begun submissions at its destination a report is stopped. Our judgement.
pub const SUBMISSIONS_MAX: i64 = 50;

/// How the name of a retraction's filing begins; the id of the report follows.
pub const RETRACTION_OF: &str = "retraction-of-";

words! {
    /// How far a report has come at its destination.
    FilingState {
        /// Nothing is on record there. A report by mail may have arrived all the same
        /// ([`Filing::may_have_arrived`]).
        Waiting = "waiting",
        /// Begun there; its number is on record.
        Begun = "begun",
        /// Everything but the final call was sent; that call may have arrived.
        Finishing = "finishing",
        /// The destination has it and gave its receipt.
        Filed = "filed",
        /// It needs a person before it can continue.
        Stopped = "stopped",
        /// Taken back: the destination has acknowledged it, or nothing had been sent.
        Retracted = "retracted",
    }
}

/// Every permitted step; any other is refused.
pub(crate) const TRANSITIONS: &[(FilingState, FilingState)] = &[
    (FilingState::Waiting, FilingState::Begun),
    // Every destination but the CyberTipline receives a report in one step.
    (FilingState::Waiting, FilingState::Filed),
    (FilingState::Waiting, FilingState::Stopped),
    (FilingState::Waiting, FilingState::Retracted),
    (FilingState::Begun, FilingState::Waiting),
    (FilingState::Begun, FilingState::Finishing),
    (FilingState::Begun, FilingState::Filed),
    (FilingState::Begun, FilingState::Stopped),
    (FilingState::Begun, FilingState::Retracted),
    // The answer to the final call was lost, and the destination no longer has the report.
    (FilingState::Finishing, FilingState::Waiting),
    (FilingState::Finishing, FilingState::Filed),
    (FilingState::Finishing, FilingState::Stopped),
    (FilingState::Finishing, FilingState::Retracted),
    (FilingState::Stopped, FilingState::Waiting),
    (FilingState::Stopped, FilingState::Begun),
    // A person recorded that the receiver has it.
    (FilingState::Stopped, FilingState::Filed),
    (FilingState::Stopped, FilingState::Retracted),
    (FilingState::Filed, FilingState::Retracted),
];

/// The state of a report at its destination.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Filing {
    /// The report.
    pub report: String,
    /// The destination.
    pub destination: String,
    /// How far it has come.
    pub state: FilingState,
    /// The destination's number for it, or our report's id where the destination gives none. Empty
    /// until a submission or a delivery is on record.
    pub remote: String,
    /// The address that the number belongs to or that a message was sent to, as
    /// [`crate::Channel::address`] gives it. Empty until it is known, and for reports of older
    /// versions that didn't record it.
    pub host: String,
    /// True if `host` is the destination's test service: nothing has been reported.
    pub test: bool,
    /// How often it was begun since a person last resumed it.
    pub begun: i64,
    /// When the filing last changed, microseconds since 1970.
    #[serde(serialize_with = "crate::clock::time")]
    pub changed_at: i64,
    /// When it was recorded that the destination has it.
    #[serde(serialize_with = "crate::clock::maybe_time")]
    pub filed_at: Option<i64>,
    /// What the destination said when it took or retracted the report.
    pub receipt: Option<String>,
    /// Why it stopped or what it waits for, in the destination's words or our own.
    pub why: Option<String>,
}

/// Where a report is filed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilingAddress {
    /// As [`crate::Channel::address`] gives it.
    pub host: String,
    /// True for the destination's test service.
    pub test: bool,
}

const COLUMNS: &str =
    "report, destination, state, remote, host, test, begun, changed_at, filed_at, receipt, why";

fn read(row: &sqlx::any::AnyRow) -> Result<Filing> {
    let mut c = Columns::of(row);
    Ok(Filing {
        report: c.text()?,
        destination: c.text()?,
        state: c.word(FilingState::from_word, "state of a filing")?,
        remote: c.text()?,
        host: c.text()?,
        test: c.int()? != 0,
        begun: c.int()?,
        changed_at: c.int()?,
        filed_at: c.maybe_int()?,
        receipt: c.maybe_text()?,
        why: c.maybe_text()?,
    })
}

pub(crate) async fn of(tx: &mut Tx, report: &str) -> Result<Option<Filing>> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM filings WHERE report = $1"));
    let row = sqlx::query(sql)
        .bind(report)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(read).transpose()
}

/// True if a filing of a report of this case is between its first and its last call, so that its
/// destination may still receive the report. A message by mail isn't counted.
pub(crate) async fn any_under_way(casework: &Casework, case: &str) -> Result<bool> {
    for report in reports::report_rows(casework, Some(case)).await? {
        let filing = self::filing(casework, &report.id).await?;
        if filing.is_some_and(|f| matches!(f.state, FilingState::Begun | FilingState::Finishing)) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Filing {
    /// True if its message may have been handed to a mail server that didn't confirm it.
    pub fn may_have_arrived(&self) -> bool {
        self.remote.is_empty() && self.host.starts_with(MAILTO)
    }
}

/// Moves a filing on from the state in which the caller read it. A conflict if [`TRANSITIONS`]
/// lacks the step, or another worker has moved it since.
pub(crate) async fn step(tx: &mut Tx, now: i64, from: &Filing, to: &Filing) -> Result<()> {
    if !TRANSITIONS.contains(&(from.state, to.state)) {
        return Err(CaseworkError::conflict(format!(
            "report {} is {} at {}; from there it can't become {}",
            from.report, from.state, from.destination, to.state
        )));
    }
    // The state alone does not suffice: a report begun a second time is in the same state again.
    let moved = sqlx::query(
        "UPDATE filings SET state = $1, remote = $2, begun = $3, changed_at = $4, filed_at = $5, receipt = $6, why = $7,
            host = $12, test = $13
         WHERE report = $8 AND state = $9 AND remote = $10 AND begun = $11",
    )
    .bind(to.state.word())
    .bind(&to.remote)
    .bind(to.begun)
    .bind(now)
    .bind(to.filed_at)
    .bind(&to.receipt)
    .bind(&to.why)
    .bind(&from.report)
    .bind(from.state.word())
    .bind(&from.remote)
    .bind(from.begun)
    .bind(&to.host)
    .bind(i64::from(to.test))
    .execute(&mut **tx)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(CaseworkError::conflict(format!(
            "report {} was moved on by another worker meanwhile",
            from.report
        )));
    }
    Ok(())
}

/// Reports filed only with a destination's test service, oldest first: they don't count as
/// reported.
pub async fn filed_for_test(casework: &Casework, destination: &str) -> Result<Vec<Filing>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM filings WHERE destination = $1 AND state = 'filed' AND test = 1 ORDER BY filed_at, report"
    ));
    let rows = sqlx::query(sql)
        .bind(destination)
        .fetch_all(casework.db.pool())
        .await?;
    let mut all = Vec::new();
    for row in &rows {
        let filing = read(row)?;
        // Without reports that were filed again since, and without retractions that were filed as a
        // second report, which have no report row.
        let report = reports::report_row(casework, &filing.report).await;
        if report.is_ok_and(|r| r.status == "approved") {
            all.push(filing);
        }
    }
    Ok(all)
}

/// Supersedes a case's report that only the destination's test service has, so that a real one can
/// be made. Does nothing until production is switched on.
pub async fn supersede_test_filing(
    casework: &Casework,
    case: &str,
    destination: &str,
    actor: &str,
) -> Result<()> {
    if !channels::channel(casework, destination).await?.production {
        return Ok(());
    }
    let reports = reports::report_rows(casework, Some(case)).await?;
    let at_the_destination = reports
        .iter()
        .filter(|r| r.destination == destination && r.status == "approved");
    for report in at_the_destination {
        let filing = filing(casework, &report.id).await?;
        if !filing.is_some_and(|f| f.test && f.state == FilingState::Filed) {
            continue;
        }
        let mut tx = casework.db.begin().await?;
        reports::set_status(&mut tx, &report.id, "superseded").await?;
        let now = casework.now();
        audit::write(
            &mut tx,
            now,
            actor,
            "report.supersede",
            &report.id,
            "filed for test only",
        )
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The state of a report at its destination; `None` before the first attempt.
pub async fn filing(casework: &Casework, report: &str) -> Result<Option<Filing>> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM filings WHERE report = $1"));
    let row = sqlx::query(sql)
        .bind(report)
        .fetch_optional(casework.db.pool())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The reports that arrived on each day from `from_day` on, by destination, without those of a
/// test service.
pub async fn filings_by_day(casework: &Casework, from_day: i64) -> Result<Vec<DayCount>> {
    by_day::counted(
        casework,
        "SELECT filed_at / $2, destination, COUNT(*) FROM filings WHERE filed_at >= $1 AND test = 0 GROUP BY filed_at / $2, destination ORDER BY 1, 2",
        from_day,
    )
    .await
}

/// At most `most` filings in a state, the latest change first.
pub async fn filings_in(
    casework: &Casework,
    state: FilingState,
    most: usize,
) -> Result<Vec<Filing>> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM filings WHERE state = $1 ORDER BY changed_at DESC, report LIMIT $2"
    ));
    let rows = sqlx::query(sql)
        .bind(state.word())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(casework.db.pool())
        .await?;
    rows.iter().map(read).collect()
}

/// Like [`filing`]; creates the row, in state `waiting`, if there is none.
pub async fn open_filing(casework: &Casework, report: &str, destination: &str) -> Result<Filing> {
    if let Some(known) = self::filing(casework, report).await? {
        return Ok(known);
    }
    let mut tx = casework.db.begin().await?;
    // Two workers may get here: the second insert does nothing, and both read one row.
    sqlx::query(
        "INSERT INTO filings (report, destination, state, remote, begun, changed_at) VALUES ($1, $2, 'waiting', '', 0, $3) ON CONFLICT (report) DO NOTHING",
    )
    .bind(report)
    .bind(destination)
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    let filing = of(&mut tx, report).await?.expect("just written");
    tx.commit().await?;
    Ok(filing)
}

/// Records that the report was begun at the destination under the number `remote`, before anything
/// else is sent. The number belongs to the address `at`, even if the destination's settings change
/// later.
pub async fn filing_begun(
    casework: &Casework,
    filing: &Filing,
    remote: &str,
    at: &FilingAddress,
) -> Result<Filing> {
    let next = Filing {
        state: FilingState::Begun,
        remote: remote.to_owned(),
        host: at.host.clone(),
        test: at.test,
        begun: filing.begun + 1,
        ..filing.clone()
    };
    self::move_filing(casework, filing, next).await
}

/// Records that the final call is about to be sent.
pub async fn filing_finishing(casework: &Casework, filing: &Filing) -> Result<Filing> {
    let state = FilingState::Finishing;
    let next = Filing {
        state,
        ..filing.clone()
    };
    self::move_filing(casework, filing, next).await
}

/// Restarts a filing for which the destination holds no valid report.
pub async fn restart_filing(casework: &Casework, filing: &Filing) -> Result<Filing> {
    if filing.state == FilingState::Waiting {
        return Ok(filing.clone());
    }
    // `begun` is kept: restarts count towards SUBMISSIONS_MAX.
    let next = Filing {
        state: FilingState::Waiting,
        remote: String::new(),
        host: String::new(),
        test: false,
        why: None,
        ..filing.clone()
    };
    self::move_filing(casework, filing, next).await
}

async fn move_filing(casework: &Casework, from: &Filing, to: Filing) -> Result<Filing> {
    let mut tx = casework.db.begin().await?;
    step(&mut tx, casework.now(), from, &to).await?;
    tx.commit().await?;
    Ok(to)
}

/// Records the address that a filing's message goes to, and what the filing waits for; its state
/// doesn't change. With an address and no report number, the message may have arrived there.
pub async fn filing_addressed(
    casework: &Casework,
    filing: &Filing,
    host: &str,
    why: Option<&str>,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    sqlx::query("UPDATE filings SET host = $1, why = $2, changed_at = $3 WHERE report = $4")
        .bind(host)
        .bind(why)
        .bind(casework.now())
        .bind(&filing.report)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Records that the destination has the report: stores its receipt, ends the reporting deadline and
/// the job, and starts the preservation, if the law or a rule on record asks for one. A filing with
/// a test service, our own system or the public leaves the deadline running and starts no
/// preservation. If the case was cleared meanwhile, the retraction is queued.
pub async fn filing_filed(
    casework: &Casework,
    filing: &Filing,
    remote: &str,
    receipt: &str,
    job: &Job,
    worker: &str,
) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    let to = Filing {
        remote: remote.to_owned(),
        receipt: Some(receipt.to_owned()),
        ..filing.clone()
    };
    filed(&mut tx, casework, filing, to, worker).await?;
    outbox::done(&mut tx, casework.now(), job, worker).await?;
    tx.commit().await?;
    Ok(())
}

/// Like [`filing_filed`], within a transaction and without a job. `to` has the receipt and the
/// number.
pub(crate) async fn filed(
    tx: &mut Tx,
    casework: &Casework,
    from: &Filing,
    to: Filing,
    actor: &str,
) -> Result<()> {
    let now = casework.now();
    let row = reports::find_held(tx, &from.report).await?;
    let filing = &Filing {
        state: FilingState::Filed,
        filed_at: Some(now),
        why: None,
        ..to
    };
    step(tx, now, from, filing).await?;
    // A test service, our own system and a public statement report nothing: the duty stays, and
    // nothing has to be preserved for it.
    if !filing.test && Receiver::of(&filing.destination) == Receiver::Authority {
        // The first receipt ends the duty, whichever destination it comes from.
        deadlines::end(
            tx,
            now,
            DeadlineKind::Report,
            &row.case,
            &format!("filed with {}", filing.destination),
        )
        .await?;
        running_time::note(tx, casework, &filing.report).await?;
        // The law's year is for what the CyberTipline has; for others the operator's rule counts.
        let kept = match filing.destination.as_str() {
            "ncmec" => Some((PRESERVE_MICROS, "18 USC 2258A(h), PL 118-59".to_owned())),
            other => {
                let rule = retention_rules::all(tx).await?.remove(other);
                rule.map(|rule| (rule.days * DAY_MICROS, rule.basis))
            }
        };
        if let Some((micros, basis)) = kept {
            let kind = DeadlineKind::Preservation;
            deadlines::start(tx, casework, kind, &row.case, now + micros, &basis).await?;
        }
    }
    alarms::end(tx, now, "filing", &filing.report, actor).await?;
    let act = match filing.test {
        false => "report.filed",
        true => "report.filed-for-test",
    };
    audit::write(tx, now, actor, act, &filing.report, &filing.remote).await?;
    // An appeal was upheld while the report was being sent, so it is retracted now.
    if cases::status(tx, &row.case).await? == CaseStatus::Cleared {
        outbox::put(tx, now, crate::JobKind::Retraction, &filing.report).await?;
        reports::set_status(tx, &filing.report, "retracting").await?;
    }
    Ok(())
}

/// Records that the report was taken back. `job` is the worker's, or `None` if a person recorded
/// the destination's acknowledgement.
pub async fn filing_retracted(
    casework: &Casework,
    filing: &Filing,
    receipt: &str,
    job: Option<(&Job, &str)>,
    actor: &str,
) -> Result<()> {
    let now = casework.now();
    let next = Filing {
        state: FilingState::Retracted,
        receipt: Some(receipt.to_owned()),
        why: None,
        ..filing.clone()
    };
    let mut tx = casework.db.begin().await?;
    step(&mut tx, now, filing, &next).await?;
    reports::set_status(&mut tx, &filing.report, "retracted").await?;
    alarms::end(&mut tx, now, "filing", &filing.report, actor).await?;
    match job {
        Some((job, worker)) => outbox::done(&mut tx, now, job, worker).await?,
        // A person recorded the acknowledgement, whether or not a worker holds the job.
        None => {
            outbox::done_about(&mut tx, now, crate::JobKind::Retraction, &filing.report).await?
        }
    }
    audit::write(
        &mut tx,
        now,
        actor,
        "report.retracted",
        &filing.report,
        receipt,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Records that a document about an earlier report was filed; nothing further is sent for it.
pub async fn follow_up_filed(casework: &Casework, filing: &Filing, receipt: &str) -> Result<()> {
    let next = Filing {
        state: FilingState::Filed,
        filed_at: Some(casework.now()),
        receipt: Some(receipt.to_owned()),
        ..filing.clone()
    };
    self::move_filing(casework, filing, next).await?;
    Ok(())
}

/// Stops a filing that needs a person before it can continue: ends its job, and raises an alarm
/// with the reason. `unsent` says that nothing was sent, so the report can still be withdrawn.
pub async fn filing_stopped(
    casework: &Casework,
    filing: &Filing,
    why: &str,
    unsent: bool,
    job: &Job,
    worker: &str,
) -> Result<()> {
    let now = casework.now();
    let next = Filing {
        state: FilingState::Stopped,
        why: Some(why.to_owned()),
        ..filing.clone()
    };
    let mut tx = casework.db.begin().await?;
    step(&mut tx, now, filing, &next).await?;
    if unsent {
        outbox::done_unsent(&mut tx, now, job, worker).await?;
    } else {
        outbox::done(&mut tx, now, job, worker).await?;
    }
    let text = format!(
        "report {} was stopped at {}: {why}",
        filing.report, filing.destination
    );
    alarms::raise(&mut tx, now, "filing", &filing.report, &text).await?;
    audit::write(&mut tx, now, worker, "report.stopped", &filing.report, why).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
