//! Drains the outbox: hands each approved report to its destination, records the result, and
//! retries where that makes sense.
//!
//! Invariant: nothing leaves but approved reports, retractions of them, and events for the
//! operator's own platform.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use obhut_casework as casework;
use obhut_casework::{
    Casework, CaseworkError, Channel, Claim, Filing, FilingState, Job, JobKind, ReportRow,
};
use obhut_formats::reports::Documents;

use crate::destinations::{self, Destination};
use tokio::task::JoinSet;

use crate::http::Http;
use crate::platform;
use crate::submission::{Submission, still_approved};

pub use crate::submission::{SendFault, Sent};

/// Jobs per claim. Our judgement.
const CLAIM_JOBS_MAX: i64 = 50;
/// How long a job waits while its destination is halted, and a retraction while it isn't
/// acknowledged.
const HALTED_MICROS: i64 = 3_600 * 1_000_000;

/// How patient a worker is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// Tries in a row before a job is put off.
    pub tries: u32,
    /// Pause before the second try; doubled for each further one.
    pub pause: Duration,
    /// A job is put off by this at first; doubled each time.
    pub first: Duration,
    /// Longest time that a job is put off by.
    pub most: Duration,
    /// A job whose destination can't be reached stops with an alarm at this age, counted from when
    /// it was queued or last resumed.
    pub horizon: Duration,
    /// Jobs under way at the same time.
    pub at_once: usize,
    /// How long a claim lasts without being renewed.
    pub claim: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            // Our judgement: 1.75 s of pauses bridge a dropped connection; longer outages wait in
            // the outbox.
            tries: 4,
            pause: Duration::from_millis(250),
            first: Duration::from_secs(60),
            most: Duration::from_secs(3_600),
            // Our judgement. The deadline of 24 hours raises its alarm long before this.
            horizon: Duration::from_secs(96 * 3_600),
            at_once: 4,
            // Short, so that the jobs of a killed worker are free again after two minutes.
            claim: Duration::from_secs(120),
        }
    }
}

/// Counts of a drain. Events for the platform aren't counted, except as halted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DrainStats {
    /// Filed.
    pub filed: u64,
    /// Retracted.
    pub retracted: u64,
    /// Put off.
    pub deferred: u64,
    /// Stopped with an alarm; also retractions that failed, which are tried again.
    pub stopped: u64,
    /// Left waiting, because their destination is halted.
    pub halted: u64,
    /// One reason for each deferred job, in the order in which they were deferred.
    pub deferrals: Vec<Deferral>,
}

/// Why a report isn't sent yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deferral {
    /// Report.
    pub report: String,
    /// Why the last try failed.
    pub why: String,
}

impl std::ops::AddAssign for DrainStats {
    fn add_assign(&mut self, other: Self) {
        self.filed += other.filed;
        self.retracted += other.retracted;
        self.deferred += other.deferred;
        self.stopped += other.stopped;
        self.halted += other.halted;
        self.deferrals.extend(other.deferrals);
    }
}

/// What is to be drained.
#[derive(Clone, Copy, Default)]
pub struct DrainScope<'a> {
    /// Name of the worker; unique among workers.
    pub worker: &'a str,
    /// Only the jobs about this report.
    pub report: Option<&'a str>,
    /// Also the jobs that were put off, because a person asked to send them now.
    pub now: bool,
    /// Events for the platform, instead of reports and retractions.
    pub platform: bool,
}

/// Works until no job is due. The worker's name must be unique: it distinguishes a claim from those
/// of other workers.
pub async fn drain(
    casework: &Arc<Casework>,
    http: &Arc<Http>,
    retry: &RetryPolicy,
    draining: DrainScope<'_>,
) -> Result<DrainStats, CaseworkError> {
    let working = drain_all(casework, http, retry, draining);
    let renewing = renew(casework, retry, draining.worker);
    futures::pin_mut!(working, renewing);
    // Renewing ends only with an error. That ends the drain too, and other workers take the jobs.
    match futures::future::select(working, renewing).await {
        futures::future::Either::Left((drained, _)) => drained,
        futures::future::Either::Right((e, _)) => Err(e),
    }
}

/// Renews the worker's claims until this future is dropped. Returns only with an error.
async fn renew(casework: &Casework, retry: &RetryPolicy, worker: &str) -> CaseworkError {
    loop {
        // A quarter: a renewal may be late by three quarters of a claim before a job is lost.
        tokio::time::sleep(retry.claim / 4).await;
        if let Err(e) = casework::renew_jobs(casework, worker, retry.claim.as_micros() as i64).await
        {
            return e;
        }
    }
}

async fn drain_all(
    casework: &Arc<Casework>,
    http: &Arc<Http>,
    retry: &RetryPolicy,
    draining: DrainScope<'_>,
) -> Result<DrainStats, CaseworkError> {
    let mut drained = DrainStats::default();
    // A job that this drain puts off isn't tried again in it, even with `now`.
    let mut seen: HashSet<String> = HashSet::new();
    let mut waiting: VecDeque<Job> = VecDeque::new();
    // Separate tasks: one that holds the database's writer must keep running while others are
    // claimed.
    let mut under_way = JoinSet::new();
    let mut more = true;
    loop {
        while under_way.len() < retry.at_once.max(1) {
            if waiting.is_empty() && more {
                let claim = Claim {
                    worker: draining.worker,
                    jobs_max: CLAIM_JOBS_MAX,
                    micros: retry.claim.as_micros() as i64,
                    now: draining.now,
                    subject: draining.report,
                    platform: draining.platform,
                };
                // A claim brings deferred jobs last: if it brings only jobs already seen, no fresh
                // one is left.
                for job in casework::claim(casework, &claim).await? {
                    match seen.insert(job.id.clone()) {
                        true => waiting.push_back(job),
                        // The time of its next try stays as it was set a moment ago.
                        false => casework::release_job(casework, &job, draining.worker).await?,
                    }
                }
                // Without this a drain with `now` would claim the deferred jobs for ever.
                more = !waiting.is_empty();
            }
            match waiting.pop_front() {
                Some(job) => {
                    let (casework, http) = (casework.clone(), http.clone());
                    let (retry, worker) = (*retry, draining.worker.to_owned());
                    under_way
                        .spawn(async move { work(&casework, &http, &retry, &job, &worker).await });
                }
                None => break,
            }
        }
        // One ended task makes room for one job, so slow reports do not hold up the others.
        match under_way.join_next().await {
            None => return Ok(drained),
            Some(became) => match became.expect("no job panics")? {
                JobOutcome::Filed => drained.filed += 1,
                JobOutcome::Retracted => drained.retracted += 1,
                JobOutcome::Deferred(deferral) => {
                    drained.deferred += 1;
                    drained.deferrals.push(deferral);
                }
                JobOutcome::Stopped => drained.stopped += 1,
                JobOutcome::Halted => drained.halted += 1,
                // The report was taken back; its retraction, which waited for this, can be claimed.
                JobOutcome::Nothing => more = true,
            },
        }
    }
}

enum JobOutcome {
    Filed,
    Retracted,
    Deferred(Deferral),
    Stopped,
    Halted,
    /// Nothing to count: another worker has the job, nothing was left to do, or it was an event.
    Nothing,
}

async fn work(
    casework: &Casework,
    http: &Arc<Http>,
    retry: &RetryPolicy,
    job: &Job,
    worker: &str,
) -> Result<JobOutcome, CaseworkError> {
    if matches!(job.kind, JobKind::Decision | JobKind::Information) {
        return event(casework, http, retry, job, worker).await;
    }
    let row = casework::report_row(casework, &job.subject).await?;
    let Some(destination) = destinations::by_name(&row.destination) else {
        let why = "this version has no such destination";
        return stop(casework, &row, why, true, job, worker).await;
    };
    let Some(channel) = open_channel(casework, &row.destination, job, worker).await? else {
        return Ok(JobOutcome::Halted);
    };
    let mut pause = retry.pause;
    let mut tries = 0;
    loop {
        tries += 1;
        let fault = match attempt(casework, http, destination, &channel, &row, job, worker).await {
            Ok(became) => return Ok(became),
            Err(fault) => fault,
        };
        match fault {
            SendFault::Unreachable(_) if tries < retry.tries => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            SendFault::Unreachable(why) => {
                // The age counts from when the job was put in, so restarts do not extend it. When a
                // person resumes the job, it starts again.
                let age = now() - job.put_at;
                if age > retry.horizon.as_micros() as i64 {
                    let why = format!("given up after {} hours; last: {why}", age / 3_600_000_000);
                    return stop(casework, &row, &why, false, job, worker).await;
                }
                casework::defer_job(casework, job, worker, now() + wait_micros(retry, job)).await?;
                tracing::warn!(report = row.id, "deferred: {why}");
                return Ok(deferred(&row, why));
            }
            SendFault::Denied(why) => {
                casework::halt_channel(casework, &row.destination, &why).await?;
                // Due immediately: if new credentials come soon, it need not wait.
                casework::defer_job(casework, job, worker, now()).await?;
                return Ok(JobOutcome::Halted);
            }
            SendFault::Waits(why) => {
                casework::defer_job(casework, job, worker, now() + HALTED_MICROS).await?;
                casework::raise_alarm(casework, "retraction", &row.id, &why).await?;
                return Ok(deferred(&row, why));
            }
            SendFault::Refused(why) | SendFault::Unexpected(why) => {
                return stop(casework, &row, &why, false, job, worker).await;
            }
            SendFault::Void(why) => {
                // Only in the first try of the first claim: after that, an earlier try may have
                // sent something before it failed.
                let unsent = job.tries == 1 && tries == 1;
                return stop(casework, &row, &why, unsent, job, worker).await;
            }
            // Either another worker has it, or a rule refuses it.
            SendFault::Ours(
                CaseworkError::Conflict { why, .. } | CaseworkError::Invalid { why, .. },
            ) => {
                // Still ours: a rule refused it, for example because facts changed after the
                // approval.
                if casework::holds_job(casework, job, worker).await? {
                    return stop(casework, &row, &why, false, job, worker).await;
                }
                return Ok(JobOutcome::Nothing);
            }
            SendFault::Ours(e) => return Err(e),
        }
    }
}

/// The settings of a destination; `None`, with the job deferred, while it is halted.
async fn open_channel(
    casework: &Casework,
    destination: &str,
    job: &Job,
    worker: &str,
) -> Result<Option<Channel>, CaseworkError> {
    // Read per job: a refusal of the credentials a moment ago halts all that wait behind it.
    let channel = casework::channel(casework, destination).await?;
    if channel.halted.is_none() {
        return Ok(Some(channel));
    }
    casework::defer_job(casework, job, worker, now() + HALTED_MICROS).await?;
    Ok(None)
}

/// How long a job waits after another failed try, in microseconds.
fn wait_micros(retry: &RetryPolicy, job: &Job) -> i64 {
    // The bound keeps the power within u32; an hour is reached at the seventh claim anyway.
    let doubled = retry.first * 2_u32.pow(job.tries.clamp(1, 16) as u32 - 1);
    doubled.min(retry.most).as_micros() as i64
}

/// Sends the platform what was decided about uploads, or what a person asks it.
async fn event(
    casework: &Casework,
    http: &Arc<Http>,
    retry: &RetryPolicy,
    job: &Job,
    worker: &str,
) -> Result<JobOutcome, CaseworkError> {
    let Some(channel) = open_channel(casework, casework::PLATFORM, job, worker).await? else {
        return Ok(JobOutcome::Halted);
    };
    let why = match platform::send(casework, http, &channel, job).await {
        Ok(()) => None,
        Err(SendFault::Ours(e)) => return Err(e),
        Err(SendFault::Denied(why)) => {
            casework::halt_channel(casework, casework::PLATFORM, &why).await?;
            casework::defer_job(casework, job, worker, now()).await?;
            return Ok(JobOutcome::Halted);
        }
        Err(SendFault::Unreachable(why))
            if now() - job.put_at <= retry.horizon.as_micros() as i64 =>
        {
            tracing::warn!("an event isn't sent to the platform yet: {why}");
            casework::defer_job(casework, job, worker, now() + wait_micros(retry, job)).await?;
            return Ok(JobOutcome::Nothing);
        }
        // Only `why`: the fault's own text speaks of a report, and this is an event.
        Err(
            SendFault::Refused(why)
            | SendFault::Unexpected(why)
            | SendFault::Unreachable(why)
            | SendFault::Void(why)
            | SendFault::Waits(why),
        ) => Some(why),
    };
    if let Some(why) = why {
        let text = match job.kind {
            JobKind::Information => format!(
                "the platform didn't take request {} for information: {why}; ask it another way, or end the request",
                job.subject
            ),
            _ => format!(
                "the platform didn't take a decision about uploads: {why}; it can ask for them with GET /v1/screen?since="
            ),
        };
        // An alarm for each request, so that none hides another; decisions share one, because the
        // platform can ask for all of them together.
        let subject = match job.kind {
            JobKind::Information => job.subject.as_str(),
            _ => casework::PLATFORM,
        };
        casework::raise_alarm(casework, "platform", subject, &text).await?;
    }
    match casework::finish_job(casework, job, worker).await {
        // Another worker has it by now, and has sent it again; the id is the same.
        Ok(()) | Err(CaseworkError::Conflict { .. }) => Ok(JobOutcome::Nothing),
        Err(e) => Err(e),
    }
}

fn deferred(row: &ReportRow, why: String) -> JobOutcome {
    JobOutcome::Deferred(Deferral {
        report: row.id.clone(),
        why,
    })
}

async fn stop(
    casework: &Casework,
    row: &ReportRow,
    why: &str,
    unsent: bool,
    job: &Job,
    worker: &str,
) -> Result<JobOutcome, CaseworkError> {
    // The filing is read again: the attempt that failed may have changed its state.
    let filing = casework::open_filing(casework, &row.id, &row.destination).await?;
    match (job.kind, filing.state) {
        // A retraction that fails must not be abandoned: an alarm asks a person to contact the
        // receiver.
        (JobKind::Retraction, _) | (_, FilingState::Filed | FilingState::Retracted) => {
            casework::defer_job(casework, job, worker, now() + HALTED_MICROS).await?;
            let text = format!(
                "the retraction of report {} isn't acknowledged by {}: {why}; notify them another way, then record their acknowledgement of {}",
                row.id, row.destination, row.id
            );
            casework::raise_alarm(casework, "retraction", &row.id, &text).await?;
        }
        _ => casework::filing_stopped(casework, &filing, why, unsent, job, worker).await?,
    }
    Ok(JobOutcome::Stopped)
}

/// Why a report's submission may not start: the case, a setting or the destination has changed
/// since the approval, or no approval covers its documents. `None` if it may start.
async fn void(
    casework: &Casework,
    report: &str,
    filing: &Filing,
    destination: &Destination,
) -> Result<Option<String>, CaseworkError> {
    match casework::require_sendable(casework, report).await {
        Ok(()) => Ok(None),
        Err(CaseworkError::Conflict { why, .. }) if filing.remote.is_empty() => Ok(Some(why)),
        Err(CaseworkError::Conflict { why, .. }) => Ok(Some(format!(
            "{why}. The earlier submission to {} as {} was cancelled or had expired there",
            destination.form.name, filing.remote
        ))),
        Err(e) => Err(e),
    }
}

/// The settings to use: those of the address where the filing was begun, if the destination's
/// address has changed since.
async fn channel_of(
    casework: &Casework,
    current: &Channel,
    filing: &Filing,
    kind: JobKind,
) -> Result<Channel, SendFault> {
    // A retraction goes to the address that may have the report; a report that wasn't begun
    // anywhere goes to the current one.
    let afresh = filing.remote.is_empty() && kind == JobKind::Report;
    if filing.host.is_empty() || afresh || filing.host == current.address() {
        return Ok(current.clone());
    }
    let then = casework::channel_at(casework, &current.destination, &filing.host).await?;
    then.ok_or_else(|| {
        SendFault::Refused(format!(
            "report {} was begun as {} at {}, and no settings for that address are on record; set the destination to it, then send again",
            filing.report, filing.remote, filing.host
        ))
    })
}

async fn attempt(
    casework: &Casework,
    http: &Arc<Http>,
    destination: &Destination,
    channel: &Channel,
    row: &ReportRow,
    job: &Job,
    worker: &str,
) -> Result<JobOutcome, SendFault> {
    let filing = casework::open_filing(casework, &row.id, &row.destination).await?;
    let channel = channel_of(casework, channel, &filing, job.kind).await?;
    let mut submission = Submission {
        casework,
        channel: &channel,
        filing: &filing,
        documents: None,
        void: None,
        job,
        worker,
        http: http.clone(),
    };
    match job.kind {
        JobKind::Report => {
            let over = matches!(filing.state, FilingState::Filed | FilingState::Retracted);
            // Retracted since: its retraction is a separate job.
            if over || !still_approved(casework, &row.id).await? {
                casework::finish_job(casework, job, worker).await?;
                return Ok(JobOutcome::Nothing);
            }
            let void = void(casework, &row.id, &filing, destination).await?;
            // Nothing begun there and nothing to begin: the documents need not even be read.
            if let Some(why) = void.as_ref().filter(|_| filing.remote.is_empty()) {
                return Err(SendFault::Void(why.clone()));
            }
            let purpose = format!("report {} to {}", row.id, row.destination);
            let bytes = casework::approved_documents(casework, &row.id, worker, &purpose).await?;
            let documents = Documents::from_bytes(&bytes).ok_or_else(|| {
                SendFault::Unexpected("the approved documents can't be read".into())
            })?;
            submission.documents = Some(&documents);
            submission.void = void.as_deref();
            let mut sent = (destination.send)(submission).await?;
            if sent.filing.host.is_empty() {
                sent.filing.host = channel.address();
            }
            // Packages and webhooks give no number, but a retraction takes an empty one to mean
            // that nothing was ever sent.
            let remote = match sent.filing.remote.as_str() {
                "" => row.id.clone(),
                remote => remote.to_owned(),
            };
            casework::filing_filed(casework, &sent.filing, &remote, &sent.receipt, job, worker)
                .await?;
            Ok(JobOutcome::Filed)
        }
        JobKind::Decision | JobKind::Information => {
            unreachable!("handled in `work`, before a report is looked for")
        }
        JobKind::Retraction => {
            // A person may have recorded the acknowledgement since the job was claimed.
            if filing.state == FilingState::Retracted {
                casework::finish_job(casework, job, worker).await?;
                return Ok(JobOutcome::Nothing);
            }
            let sent = (destination.retract)(submission).await?;
            casework::filing_retracted(
                casework,
                &sent.filing,
                &sent.receipt,
                Some((job, worker)),
                worker,
            )
            .await?;
            Ok(JobOutcome::Retracted)
        }
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Compares the schema that the CyberTipline publishes with the one this version writes; a change
/// raises an alarm that names it. Returns the number of differences.
pub async fn compare_schema(casework: &Casework, http: &Arc<Http>) -> Result<usize, SendFault> {
    let channel = casework::channel(casework, "ncmec").await?;
    let (differences, digest) = destinations::ncmec::schema_changes(&channel, http.clone()).await?;
    if !differences.is_empty() {
        let text = format!(
            "the CyberTipline's schema has changed (SHA-256 {}): {}; look for a newer obhut before reports are refused",
            &digest[..16],
            differences.join("; ")
        );
        casework::raise_alarm(casework, "schema", "ncmec", &text).await?;
    }
    Ok(differences.len())
}

/// Checks access to the CyberTipline and returns its answer.
pub async fn service_status(casework: &Casework, http: &Arc<Http>) -> Result<String, SendFault> {
    let channel = casework::channel(casework, "ncmec").await?;
    destinations::ncmec::service_status(&channel, http.clone()).await
}
