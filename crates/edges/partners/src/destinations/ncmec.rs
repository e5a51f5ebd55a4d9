//! Filing a report with the CyberTipline: open it, store its number, upload files and their
//! details, finish.
//!
//! Invariant: the number is on record before anything else is sent, and so is the intention to
//! finish before `/finish` is called. A worker that finds a started report calls `/retract`, which
//! deletes an unfinished report: if it was deleted or is unknown there, filing restarts; if it was
//! finished, it counts as filed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use obhut_casework as casework;
use obhut_casework::{Channel, Filing, FilingAddress, FilingState, SUBMISSIONS_MAX};
use sha2::{Digest as _, Sha256};

use obhut_formats::reports::FileDocument;
use obhut_formats::reports::ncmec::{self, FORM, Retraction, schema};
use obhut_formats::tree;

use super::Destination;
use crate::http::{Body, Http};
use crate::submission::{SendFault, Sent, Submission, still_approved};
use crate::transcript::Transcript;
pub use answers::{ServiceAnswer, code};

mod answers;

/// NCMEC's CyberTipline.
pub const DESTINATION: Destination = Destination {
    form: &FORM,
    has_test_service: true,
    by_mail: false,
    missing: |channel| {
        let set = channel.user.is_some() && channel.secret.is_some();
        (!set).then_some("user name and password")
    },
    send: |submission| Box::pin(send(submission)),
    retract: |submission| Box::pin(retract(submission)),
};

/// Production address.
pub const PRODUCTION: &str = "https://report.cybertip.org/ispws";
/// Test address (the default).
pub const TEST: &str = "https://exttest.cybertip.org/ispws";
/// No file's upload starts later than this after an attempt began; one under way may end later.
/// NCMEC deletes an unfinished report 24 hours after it was opened, or an hour after its last
/// change, whichever is later. Our judgement, well within NCMEC's limit.
const JOB_TIME_MAX: Duration = Duration::from_secs(30 * 60);

/// True if the address is the production host, however it is written.
pub fn is_production(address: &str) -> bool {
    host(address) == host(PRODUCTION)
}

/// True if the address is the host of NCMEC's own test service, however it is written.
pub fn is_test(address: &str) -> bool {
    host(address) == host(TEST)
}

fn host(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    // With a trailing dot it is the same host.
    Some(url.host_str()?.trim_end_matches('.').to_ascii_lowercase())
}

/// The service at one address with one set of credentials.
pub(crate) struct Service {
    http: Arc<Http>,
    base: String,
    user: String,
    password: String,
    transcript: Mutex<Transcript>,
}

impl Service {
    /// The service a channel names; by default its test host.
    pub fn of(channel: &Channel, http: Arc<Http>) -> Result<Self, SendFault> {
        let base = match (channel.production, &channel.url) {
            (true, None) => PRODUCTION,
            (false, None) => TEST,
            (_, Some(url)) => url.as_str(),
        };
        // The address counts, not only the switch: a URL set by hand may name the production host.
        if (channel.production || is_production(base))
            && (!channel.production || channel.officer.is_none())
        {
            return Err(SendFault::Denied(
                "the production address has to be switched on, with credentials and a named officer".into(),
            ));
        }
        let (Some(user), Some(password)) = (&channel.user, &channel.secret) else {
            return Err(SendFault::Denied("no credentials are set for ncmec".into()));
        };
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            user: user.clone(),
            password: password.expose().clone(),
            transcript: Mutex::default(),
        })
    }

    async fn call(&self, path: &str, body: Body) -> Result<ServiceAnswer, SendFault> {
        let url = format!("{}{path}", self.base);
        self.transcript().sent(path, &body.words());
        let answered = self
            .http
            .call(url, Some((self.user.clone(), self.password.clone())), body)
            .await;
        self.transcript().received(&answered);
        ServiceAnswer::read(&answered.map_err(SendFault::Unreachable)?)
    }

    fn transcript(&self) -> std::sync::MutexGuard<'_, Transcript> {
        self.transcript.lock().expect("lock poisoned")
    }

    /// Puts on record what was sent and what came back so far.
    async fn keep_transcript(&self, submission: &Submission<'_>) -> Result<(), SendFault> {
        let transcript = std::mem::take(&mut *self.transcript());
        transcript.keep(submission).await
    }

    /// Checks that the service answers and accepts the credentials; returns its message.
    pub async fn status(&self) -> Result<String, SendFault> {
        Ok(self.call("/status", Body::None).await?.well()?.words)
    }

    /// The XML schema the service publishes now.
    pub async fn xsd(&self) -> Result<String, SendFault> {
        let url = format!("{}/xsd", self.base);
        let credentials = (self.user.clone(), self.password.clone());
        let answered = self
            .http
            .call(url, Some(credentials), Body::None)
            .await
            .map_err(SendFault::Unreachable)?;
        match answered.status {
            200 => Ok(answered.text()),
            401 | 403 => Err(SendFault::Denied(format!("HTTP {}", answered.status))),
            status => Err(SendFault::Unreachable(format!("HTTP {status}"))),
        }
    }

    /// Retracts an unfinished report. Returns a receipt if it is finished already, else `None`.
    async fn cancel_or_confirm(&self, number: &str) -> Result<Option<String>, SendFault> {
        // `/retract` is the only status query there is: the service answers that a report is
        // finished, and deletes any other.
        let answer = self.call("/retract", Body::id(number)).await?;
        match answer.code {
            code::OK | code::NO_REPORT | code::RETRACTED | code::NOT_FOUND => Ok(None),
            code::FINISHED => Ok(Some(format!(
                "CyberTipline report {number}: finished, according to the service"
            ))),
            // Always an error: code 0 is handled above.
            _ => answer.well().map(|_| None),
        }
    }
}

/// Files a report.
pub(super) async fn send(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    let text = documents.text().unwrap_or_default().to_owned();
    let filing = submission.filing.clone();
    let (filing, receipt) = deliver(&submission, filing, text, &documents.files).await?;
    Ok(Sent { filing, receipt })
}

/// Retracts a report: with `/retract` while it is unfinished, afterwards with a second report,
/// because a finished one can't be changed.
pub(super) async fn retract(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let filing = submission.filing.clone();
    let service = Service::of(submission.channel, submission.http.clone())?;
    // If the answer to /submit was lost, an open report may exist; NCMEC deletes it if it is
    // never finished (docs/reporting.md).
    if filing.remote.is_empty() {
        return Ok(Sent {
            filing,
            receipt: "no report number was received; nothing to retract".into(),
        });
    }
    let number = filing.remote.clone();
    let asked = service.cancel_or_confirm(&number).await;
    service.keep_transcript(&submission).await?;
    if asked?.is_none() {
        return Ok(Sent {
            receipt: format!("CyberTipline report {number}: retracted"),
            filing,
        });
    }
    // The second report is a filing in its own row, so that a crash during it is recovered from
    // like any other.
    let follow_up = format!("{}{}", casework::RETRACTION_OF, filing.report);
    let second =
        casework::open_filing(submission.casework, &follow_up, &filing.destination).await?;
    // A crash came between filing the second report and marking the first as retracted.
    if second.state == FilingState::Filed {
        let receipt = second.receipt.unwrap_or_default();
        return Ok(Sent { filing, receipt });
    }
    let text = retraction(&submission, &number).await?;
    let (second, receipt) = deliver(&submission, second, text, &[]).await?;
    let receipt = format!("CyberTipline report {number}: finished already; {receipt} retracts it");
    casework::follow_up_filed(submission.casework, &second, &receipt).await?;
    Ok(Sent { filing, receipt })
}

async fn retraction(submission: &Submission<'_>, number: &str) -> Result<String, SendFault> {
    let reporter = casework::reporter(submission.casework).await?;
    let row = casework::report_row(submission.casework, &submission.filing.report).await?;
    let now = jiff::Timestamp::now()
        .round(jiff::Unit::Second)
        .expect("the current time rounds to a second")
        .to_string();
    Ok(ncmec::retraction(&Retraction {
        number,
        incident: row.incident,
        email: &reporter.email,
        because: row.retracted_because.trim(),
        at: &now,
    }))
}

/// Files one document, and records what was sent and received, even after a failure.
async fn deliver(
    submission: &Submission<'_>,
    filing: Filing,
    text: String,
    files: &[FileDocument],
) -> Result<(Filing, String), SendFault> {
    let service = Service::of(submission.channel, submission.http.clone())?;
    let delivered = deliver_to(&service, submission, filing, text, files).await;
    service.keep_transcript(submission).await?;
    delivered
}

/// [`deliver`] without the transcript. First cancels an earlier attempt or confirms that it
/// finished.
// Long: the steps of one filing, in their order.
async fn deliver_to(
    service: &Service,
    submission: &Submission<'_>,
    mut filing: Filing,
    text: String,
    files: &[FileDocument],
) -> Result<(Filing, String), SendFault> {
    let casework = submission.casework;
    let begun = Instant::now();
    if matches!(filing.state, FilingState::Begun | FilingState::Finishing) {
        match service.cancel_or_confirm(&filing.remote).await? {
            Some(receipt) => return Ok((filing, receipt)),
            None => filing = casework::restart_filing(casework, &filing).await?,
        }
    }
    // Submit only what was approved, and only to the destination it was approved for.
    if let Some(why) = submission.void {
        return Err(SendFault::Refused(why.to_owned()));
    }
    // Whatever keeps the filing from finishing, a person has to look at it in the end.
    if filing.begun >= SUBMISSIONS_MAX {
        return Err(SendFault::Unexpected(format!(
            "filing was started {SUBMISSIONS_MAX} times without finishing; read the service's message, then send it again"
        )));
    }
    let opened = service.call("/submit", Body::Xml(text)).await?.well()?;
    // A report without a number can be neither finished nor retracted; it expires at the service.
    let number = opened
        .report
        .ok_or_else(|| SendFault::Unreachable("an answer without the report's number".into()))?;
    let at = FilingAddress {
        host: submission.channel.address(),
        test: !submission.channel.production,
    };
    filing = casework::filing_begun(casework, &filing, &number.to_string(), &at).await?;
    match upload_files(submission, service, &filing, number, files, begun).await {
        Ok(()) => {}
        Err(SendFault::Refused(why)) => {
            // The service would delete the refused report after a while; remove it now so that it
            // doesn't linger.
            if service
                .cancel_or_confirm(&filing.remote)
                .await
                .is_ok_and(|left| left.is_none())
            {
                casework::restart_filing(casework, &filing).await?;
            }
            return Err(SendFault::Refused(why));
        }
        Err(other) => return Err(other),
    }
    // Last check: the report may have been retracted while its files were uploading. A retraction
    // itself is not a report on record and can't be retracted.
    let is_report = filing.report == submission.filing.report;
    if is_report && !still_approved(casework, &filing.report).await? {
        return Err(SendFault::Unreachable(
            "it was retracted during submission".into(),
        ));
    }
    filing = casework::filing_finishing(casework, &filing).await?;
    let done = service.call("/finish", Body::id(&filing.remote)).await?;
    match done.code {
        code::OK => {
            let sent = files.iter().filter(|f| f.exhibit.is_some()).count();
            let files = match (done.files.len(), sent) {
                (0, 0) => String::new(),
                (1, 1) => ", 1 file".to_owned(),
                (there, sent) if there == sent => format!(", {there} files"),
                // The service can't remove a file that it received twice.
                (there, sent) if there > sent => format!(
                    ", {there} files there, {sent} sent: the surplus ones arrived twice and have no details"
                ),
                (there, sent) => {
                    let said = format!(", {there} files there, {sent} sent: some are missing");
                    let what = format!(
                        "CyberTipline report {number} was finished{said}; ask NCMEC how to send them"
                    );
                    casework::raise_alarm(casework, "files-missing", &filing.report, &what).await?;
                    said
                }
            };
            let asked = done
                .request
                .map_or_else(String::new, |id| format!(", Request-ID {id}"));
            Ok((
                filing,
                format!("CyberTipline report {number}{files}{asked}"),
            ))
        }
        code::FINISHED => Ok((
            filing,
            format!("CyberTipline report {number}: finished, according to the service"),
        )),
        _ => match done.well() {
            Ok(_) => unreachable!("code 0 is handled above"),
            Err(fault) => Err(fault),
        },
    }
}

/// Sends the files, each with its details.
async fn upload_files(
    submission: &Submission<'_>,
    service: &Service,
    filing: &Filing,
    number: i64,
    files: &[FileDocument],
    begun: Instant,
) -> Result<(), SendFault> {
    for file in files {
        let Some(exhibit) = &file.exhibit else {
            continue;
        };
        // Before each file: uploads are long, and an expired claim may belong to another worker by
        // now.
        if begun.elapsed() > JOB_TIME_MAX
            || !casework::holds_job(submission.casework, submission.job, submission.worker).await?
        {
            return Err(SendFault::Unreachable(
                "it took too long; starting over".into(),
            ));
        }
        let bytes = casework::exhibit_to_send(
            submission.casework,
            exhibit,
            &filing.report,
            submission.worker,
        )
        .await?;
        // The service answers with the MD5 of what it received; nothing else checks the upload's
        // bytes.
        let md5 = md5_hex(&bytes);
        let name = file.name.clone().unwrap_or_else(|| "file".into());
        let answer = service
            .call("/upload", Body::file(&filing.remote, &name, bytes))
            .await?
            .well()?;
        let id = answer
            .file
            .ok_or_else(|| SendFault::Unreachable("an answer without the file's id".into()))?;
        if !answer
            .md5
            .is_some_and(|theirs| theirs.eq_ignore_ascii_case(&md5))
        {
            return Err(SendFault::Unreachable(
                "the service received different bytes (its MD5 is missing or differs); starting over".into(),
            ));
        }
        service
            .call("/fileinfo", Body::Xml(file.with_ids(number, &id)))
            .await?
            .well()?;
    }
    Ok(())
}

fn md5_hex(bytes: &[u8]) -> String {
    let kind = obhut_hash::kinds::by_name("md5").expect("md5 is built in");
    kind.of_bytes(bytes).expect("MD5 hashes bytes").to_hex()
}

/// Differences between the published schema and ours, and the published one's SHA-256 in hex.
/// The server calls this once a day, and again after an hour if it fails with anything but
/// [`SendFault::Denied`].
pub(crate) async fn schema_changes(
    channel: &Channel,
    http: Arc<Http>,
) -> Result<(Vec<String>, String), SendFault> {
    let xsd = Service::of(channel, http)?.xsd().await?;
    // An error page is not a changed schema, and must not raise that alarm.
    if tree::parse(&xsd).is_err() {
        return Err(SendFault::Unexpected(
            "the schema the service publishes isn't XML".into(),
        ));
    }
    Ok((
        schema::differences(&xsd),
        hex::encode(Sha256::digest(xsd.as_bytes())),
    ))
}

/// Checks that the service accepts the credentials; returns its message.
pub(crate) async fn service_status(
    channel: &Channel,
    http: Arc<Http>,
) -> Result<String, SendFault> {
    Service::of(channel, http)?.status().await
}
