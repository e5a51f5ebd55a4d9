//! A fake CyberTipline.
//!
//! Its schema and the rules beyond it are written from the service's schema and documentation,
//! independently of the client's: rules shared by both sides would only test themselves. The tests
//! of the crate `partners` compare both on generated documents, and the schemas with `xmllint` too.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use obhut_formats::tree;
use serde::Serialize;

pub mod documentation;
pub mod schema;

/// The clock, microseconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Longest document, in bytes. Our judgement.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// Longest upload, in bytes. The service itself names no limit. Our judgement.
const UPLOAD_BYTES_MAX: usize = 512 << 20;
/// Time from the opening of a report until it is deleted unfinished, in microseconds. The later of
/// this limit and [`CHANGED_MICROS_MAX`] applies. Source: the CyberTipline's documentation.
const OPENED_MICROS_MAX: i64 = 24 * 3_600 * 1_000_000;
/// Time from the last change of a report until it is deleted unfinished, in microseconds. Source:
/// the CyberTipline's documentation.
const CHANGED_MICROS_MAX: i64 = 3_600 * 1_000_000;

/// The faults to inject. Percentages are of requests.
#[derive(Clone, Debug, Default)]
pub struct FaultInjection {
    /// The request is done, and the connection breaks off within the answer.
    pub lost_percent: u32,
    /// The request is done twice, as a network may deliver it.
    pub twice_percent: u32,
    /// Answered with 503, nothing done.
    pub error_percent: u32,
    /// Answered with HTTP 200 and `code`, nothing done.
    pub code_percent: u32,
    /// The code for `code_percent`; 0 means 1000.
    pub code: i64,
    /// An upload is answered with another MD5.
    pub md5_percent: u32,
    /// The answer is delayed by [`FaultInjection::hang`].
    pub hang_percent: u32,
    /// How long a delayed answer is held back.
    pub hang: Duration,
    /// Answers are written in ISO-8859-1.
    pub latin1: bool,
    /// Seed of the random choices. The lowest bit is ignored.
    pub seed: u64,
}

/// The credentials that are accepted.
#[derive(Clone, Debug)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

#[derive(Default)]
struct Stored {
    reports: BTreeMap<i64, Report>,
    last: i64,
    chance: u64,
    counts: BTreeMap<&'static str, u64>,
    finished: u64,
    now: i64,
    swept_at: i64,
}

struct Report {
    xml: String,
    batched: bool,
    files: Vec<File>,
    opened_at: i64,
    changed_at: i64,
    end: End,
}

struct File {
    id: String,
    described: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Finished,
    Retracted,
}

/// The service; clones share its state.
#[derive(Clone)]
pub struct CyberTip {
    kept: Arc<Mutex<Stored>>,
    faults: Arc<FaultInjection>,
    login: Arc<Login>,
    clock: Now,
}

/// A finished report, for a test's assertions.
#[derive(Clone, Debug, Serialize)]
pub struct Finished {
    /// Its number.
    pub number: i64,
    /// The account it names first.
    pub account: String,
    /// How many files it has.
    pub files: usize,
}

impl CyberTip {
    /// A service with nothing in it.
    pub fn new(login: Login, faults: FaultInjection, clock: Now) -> Self {
        let kept = Stored {
            last: 4_564_653,
            // Never 0: xorshift would stay there.
            chance: faults.seed | 1,
            ..Stored::default()
        };
        Self {
            kept: Arc::new(Mutex::new(kept)),
            faults: Arc::new(faults),
            login: Arc::new(login),
            clock,
        }
    }

    /// A router with the service's interface below `/ispws`. Two more paths need no login:
    /// `/standin` lists the finished reports and counts requests, `/standin/count` counts the
    /// finished reports.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/ispws/status", get(status))
            .route("/ispws/xsd", get(xsd))
            .route("/ispws/submit", post(submit))
            .route("/ispws/upload", post(upload))
            .route("/ispws/fileinfo", post(fileinfo))
            .route("/ispws/finish", post(finish))
            .route("/ispws/retract", post(retract))
            .route("/standin", get(holds))
            .route("/standin/count", get(how_many))
            .layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX))
            .with_state(self.clone())
    }

    /// The finished reports, in the order of their numbers.
    pub fn finished(&self) -> Vec<Finished> {
        let kept = self.kept.lock().expect("lock poisoned");
        let done = kept.reports.iter().filter(|(_, r)| r.end == End::Finished);
        done.map(|(number, r)| Finished {
            number: *number,
            account: first_account(&r.xml),
            files: r.files.len(),
        })
        .collect()
    }

    /// Number of finished reports.
    pub fn finished_count(&self) -> u64 {
        self.kept.lock().expect("lock poisoned").finished
    }

    /// The XML of a report as it was submitted; `None` if the service has no such report.
    pub fn xml(&self, number: i64) -> Option<String> {
        let kept = self.kept.lock().expect("lock poisoned");
        kept.reports.get(&number).map(|r| r.xml.clone())
    }

    /// Counts by kind: requests, refused logins, and injected faults other than wrong MD5s and
    /// ISO-8859-1.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.kept.lock().expect("lock poisoned").counts.clone()
    }

    fn now(&self) -> i64 {
        (self.clock)()
    }

    fn count(&self, what: &'static str) {
        *self
            .kept
            .lock()
            .expect("lock poisoned")
            .counts
            .entry(what)
            .or_default() += 1;
    }

    /// True in `percent` of cases; the same seed gives the same sequence.
    fn happens(&self, percent: u32) -> bool {
        if percent == 0 {
            return false;
        }
        let mut kept = self.kept.lock().expect("lock poisoned");
        // xorshift64*: chance for tests, not for keys.
        let mut x = kept.chance;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        kept.chance = x;
        (x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % 100 < u64::from(percent)
    }

    /// Checks the login, then injects the faults that refuse a request.
    fn check_login(&self, headers: &HeaderMap) -> Result<(), Reply> {
        use base64::Engine as _;
        // The encoded text is compared, so a malformed header counts as a wrong login.
        let expected = base64::engine::general_purpose::STANDARD
            .encode(format!("{}:{}", self.login.user, self.login.password));
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        if given.strip_prefix("Basic ") != Some(expected.as_str()) {
            self.count("denied");
            return Err(Reply::Denied);
        }
        if self.happens(self.faults.error_percent) {
            self.count("503");
            return Err(Reply::Unavailable);
        }
        if self.happens(self.faults.code_percent) {
            self.count("code 1000");
            let (code, words) = match self.faults.code {
                0 => (1000, "Server error"),
                code => (code, "As asked for"),
            };
            return Err(Reply::code(code, words));
        }
        Ok(())
    }

    /// Executes a request, with the injected faults.
    async fn serve(
        &self,
        headers: &HeaderMap,
        what: &'static str,
        mut act: impl FnMut(&mut Stored, i64) -> Reply,
    ) -> Response {
        self.count(what);
        let answer = match self.check_login(headers) {
            Err(answer) => answer,
            Ok(()) => {
                let twice = self.happens(self.faults.twice_percent);
                let now = self.now();
                let answer = {
                    let mut kept = self.kept.lock().expect("lock poisoned");
                    // Before the act: an expired report must answer as one that does not exist.
                    kept.expire(now);
                    let first = act(&mut kept, now);
                    // The client gets the second answer: to a /finish delivered twice it is 5102,
                    // which clients must accept.
                    match twice {
                        true => act(&mut kept, now),
                        false => first,
                    }
                };
                if twice {
                    self.count("twice");
                }
                // After the act: the hard case is a request that was executed and whose answer is
                // lost.
                if self.happens(self.faults.lost_percent) {
                    self.count("lost");
                    return broken_off();
                }
                if self.happens(self.faults.hang_percent) {
                    self.count("hung");
                    tokio::time::sleep(self.faults.hang).await;
                }
                answer
            }
        };
        answer.response(self.faults.latin1)
    }
}

impl Stored {
    fn expire(&mut self, now: i64) {
        self.now = now;
        // Swept periodically; a request for one report checks its age exactly.
        if now >= self.swept_at + 60_000_000 {
            self.swept_at = now;
            self.reports.retain(|_, r| !r.has_expired(now));
        }
    }

    /// The open report with this number, or the answer that says why there is none.
    fn open(&mut self, number: &str) -> Result<&mut Report, Reply> {
        let now = self.now;
        let report = number
            .trim()
            .parse()
            .ok()
            .and_then(|n: i64| self.reports.get_mut(&n));
        let (code, words) = match report {
            None => (5001, "Report does not exist"),
            Some(r) if r.has_expired(now) => (5001, "Report does not exist"),
            Some(r) if r.end == End::Finished => (5102, "Report already finished"),
            Some(r) if r.end == End::Retracted => (5101, "Report already retracted"),
            Some(r) => return Ok(r),
        };
        Err(Reply::code(code, words).about(number))
    }
}

impl Report {
    fn has_expired(&self, now: i64) -> bool {
        // Whichever is later: every report has at least a day, and work on it extends that.
        let until = (self.opened_at + OPENED_MICROS_MAX).max(self.changed_at + CHANGED_MICROS_MAX);
        self.end == End::Open && now >= until
    }
}

/// An answer, before it is written as XML.
enum Reply {
    Code {
        status: StatusCode,
        code: i64,
        words: String,
        report: Option<i64>,
        file: Option<(String, String)>,
    },
    Done {
        report: i64,
        files: Vec<String>,
    },
    Denied,
    Unavailable,
}

impl Reply {
    fn code(code: i64, words: &str) -> Self {
        Self::Code {
            status: StatusCode::OK,
            code,
            words: words.to_owned(),
            report: None,
            file: None,
        }
    }

    /// The same answer, naming the report it is about.
    fn about(mut self, number: &str) -> Self {
        if let Self::Code { report, .. } = &mut self {
            *report = number.trim().parse().ok();
        }
        self
    }

    fn success(report: i64) -> Self {
        Self::Code {
            status: StatusCode::OK,
            code: 0,
            words: "Success".into(),
            report: Some(report),
            file: None,
        }
    }

    fn response(self, latin1: bool) -> Response {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>";
        let (status, text) = match self {
            // Clients have seen both an empty body and an XML one.
            Self::Denied => (StatusCode::UNAUTHORIZED, String::new()),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "<html><body>Service Unavailable</body></html>".into(),
            ),
            Self::Done { report, files } => {
                let files = match files.as_slice() {
                    [] => "<files/>".to_owned(),
                    ids => format!(
                        "<files>{}</files>",
                        ids.iter()
                            .map(|id| format!("<fileId>{id}</fileId>"))
                            .collect::<String>()
                    ),
                };
                (
                    StatusCode::OK,
                    format!(
                        "{head}<reportDoneResponse><responseCode>0</responseCode><reportId>{report}</reportId>{files}</reportDoneResponse>"
                    ),
                )
            }
            Self::Code {
                status,
                code,
                words,
                report,
                file,
            } => {
                let words = words.replace('&', "&amp;").replace('<', "&lt;");
                // An element without a value is left out, so clients cannot rely on it.
                let report =
                    report.map_or_else(String::new, |n| format!("<reportId>{n}</reportId>"));
                let file = file.map_or_else(String::new, |(id, md5)| {
                    format!("<fileId>{id}</fileId><hash>{md5}</hash>")
                });
                (
                    status,
                    format!(
                        "{head}<reportResponse><responseCode>{code}</responseCode><responseDescription>{words}</responseDescription>{report}{file}</reportResponse>"
                    ),
                )
            }
        };
        let (charset, bytes): (_, Vec<u8>) = match latin1 {
            true => (
                "ISO-8859-1",
                text.chars()
                    .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                    .collect(),
            ),
            false => ("UTF-8", text.into_bytes()),
        };
        // Support at NCMEC asks for the request id, so clients must keep it.
        let request = random_hex();
        (
            status,
            [
                (
                    header::CONTENT_TYPE,
                    format!("application/xml;charset={charset}"),
                ),
                (header::HeaderName::from_static("request-id"), request),
            ],
            Body::from(bytes),
        )
            .into_response()
    }
}

/// An answer that breaks off after its first bytes: the client can't know whether the request was
/// executed.
fn broken_off() -> Response {
    let beginning = Ok::<_, std::io::Error>(Bytes::from_static(b"<?xml"));
    let end = Err(std::io::Error::other("broken off on purpose"));
    let stream = futures::stream::iter([beginning, end]);
    let mut response = Response::new(Body::from_stream(stream));
    // More than is sent, so that the client notices the missing rest.
    response.headers_mut().insert(
        header::CONTENT_LENGTH,
        header::HeaderValue::from_static("400"),
    );
    response
}

fn random_hex() -> String {
    let mut raw = [0; 16];
    getrandom::fill(&mut raw).expect("the operating system gives randomness");
    hex::encode(raw)
}

fn first_account(xml: &str) -> String {
    let node = tree::parse(xml).ok();
    let person = node.as_ref().and_then(|n| n.child("personOrUserReported"));
    person
        .and_then(|p| p.text_of("espIdentifier"))
        .unwrap_or_default()
        .to_owned()
}

async fn status(State(s): State<CyberTip>, headers: HeaderMap) -> Response {
    let user = s.login.user.clone();
    s.serve(&headers, "status", |_, _| {
        Reply::code(0, &format!("Remote User : {user}, Remote Ip : 127.0.0.1"))
    })
    .await
}

async fn xsd(State(s): State<CyberTip>, headers: HeaderMap) -> Response {
    s.count("xsd");
    match s.check_login(&headers) {
        Err(answer) => answer.response(false),
        Ok(()) => (
            [(header::CONTENT_TYPE, "application/xml")],
            schema::as_xsd(),
        )
            .into_response(),
    }
}

async fn holds(State(s): State<CyberTip>) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({ "finished": s.finished(), "requests": s.counts() }))
}

async fn how_many(State(s): State<CyberTip>) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({ "finished": s.finished_count() }))
}

/// Parses a document with this root element, or gives the service's answer to anything else.
fn document(headers: &HeaderMap, body: &[u8], root: &str) -> Result<tree::Node, Reply> {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !media.starts_with("text/xml") && !media.starts_with("application/xml") {
        return Err(Reply::code(
            4000,
            "Invalid request - Content-Type must be text/xml",
        ));
    }
    let text = std::str::from_utf8(body).map_err(|_| Reply::code(4110, "Malformed XML"))?;
    if body.len() > DOCUMENT_BYTES_MAX {
        return Err(Reply::code(4000, "Invalid request - too long"));
    }
    let node = tree::parse(text).map_err(|e| Reply::code(4110, &format!("Malformed XML - {e}")))?;
    if node.name != root {
        return Err(Reply::code(
            4100,
            &format!(
                "Validation failed - cvc-elt.1.a: Cannot find the declaration of element '{root}'."
            ),
        ));
    }
    Ok(node)
}

/// Parses a document and checks it against schema and rules; the answer names the first fault only.
fn checked(headers: &HeaderMap, body: &[u8], root: &str, now: i64) -> Result<tree::Node, Reply> {
    let node = document(headers, body, root)?;
    // The schema before the rules, because the answer names the first fault only.
    let objection =
        schema::fault(&node).or_else(|| documentation::objection(&node, now / 1_000_000));
    match objection {
        Some(why) => Err(Reply::code(4100, &format!("Validation failed - {why}"))),
        None => Ok(node),
    }
}

async fn submit(State(s): State<CyberTip>, headers: HeaderMap, body: Bytes) -> Response {
    let now = s.now();
    let read =
        checked(&headers, &body, "report", now).map(|node| node.child("batchedReport").is_some());
    let xml = String::from_utf8_lossy(&body).into_owned();
    // Nothing here removes duplicates: a report submitted twice is two reports.
    s.serve(&headers, "submit", |kept, now| match &read {
        Err(answer) => answer.again(),
        Ok(batched) => {
            kept.last += 1;
            let report = Report {
                xml: xml.clone(),
                batched: *batched,
                files: Vec::new(),
                opened_at: now,
                changed_at: now,
                end: End::Open,
            };
            kept.reports.insert(kept.last, report);
            Reply::success(kept.last)
        }
    })
    .await
}

impl Reply {
    /// A copy of this answer.
    fn again(&self) -> Self {
        match self {
            Self::Code {
                status,
                code,
                words,
                report,
                file,
            } => Self::Code {
                status: *status,
                code: *code,
                words: words.clone(),
                report: *report,
                file: file.clone(),
            },
            Self::Done { report, files } => Self::Done {
                report: *report,
                files: files.clone(),
            },
            Self::Denied => Self::Denied,
            Self::Unavailable => Self::Unavailable,
        }
    }
}

/// The parts of a form: texts, and the MD5 of a file.
async fn form(
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(BTreeMap<String, String>, Option<String>), Reply> {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let wrong = || Reply::code(4000, "Invalid request - a form was expected");
    if media.starts_with("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(&body);
        return Ok((pairs.into_owned().collect(), None));
    }
    let boundary = multer::parse_boundary(media).map_err(|_| wrong())?;
    let stream = futures::stream::iter([Ok::<_, Infallible>(body)]);
    let mut parts = multer::Multipart::new(stream, boundary);
    let (mut texts, mut file) = (BTreeMap::new(), None);
    while let Some(field) = parts.next_field().await.map_err(|_| wrong())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let bytes = field.bytes().await.map_err(|_| wrong())?;
            file = Some(md5_hex(&bytes));
        } else {
            texts.insert(name, field.text().await.map_err(|_| wrong())?);
        }
    }
    Ok((texts, file))
}

/// The report number in a form; empty if it has none.
fn id_of(texts: &BTreeMap<String, String>) -> &str {
    texts.get("id").map_or("", String::as_str)
}

fn md5_hex(bytes: &[u8]) -> String {
    let kind = obhut_hash::kinds::by_name("md5").expect("a kind of ours");
    kind.of_bytes(bytes).expect("MD5 is of bytes").to_hex()
}

async fn upload(State(s): State<CyberTip>, headers: HeaderMap, body: Bytes) -> Response {
    let read = form(&headers, body).await;
    let wrong = s.happens(s.faults.md5_percent);
    s.serve(&headers, "upload", |kept, now| {
        let (number, md5) = match &read {
            Err(answer) => return answer.again(),
            Ok((texts, md5)) => (id_of(texts), md5),
        };
        let Some(md5) = md5 else {
            return Reply::code(4000, "Invalid request - no file");
        };
        let report = match kept.open(number) {
            Err(answer) => return answer,
            Ok(report) => report,
        };
        let id = random_hex();
        report.files.push(File {
            id: id.clone(),
            described: false,
        });
        report.changed_at = now;
        let said = if wrong { "0".repeat(32) } else { md5.clone() };
        Reply::Code {
            status: StatusCode::OK,
            code: 0,
            words: "Success".into(),
            report: number.trim().parse().ok(),
            file: Some((id, said)),
        }
    })
    .await
}

async fn fileinfo(State(s): State<CyberTip>, headers: HeaderMap, body: Bytes) -> Response {
    let now = s.now();
    let read = checked(&headers, &body, "fileDetails", now);
    s.serve(&headers, "fileinfo", |kept, now| {
        let node = match &read {
            Err(answer) => return answer.again(),
            Ok(node) => node,
        };
        // An empty number finds no report: 5001, as for an unknown one.
        let number = node.text_of("reportId").unwrap_or_default();
        let report = match kept.open(number) {
            Err(answer) => return answer,
            Ok(report) => report,
        };
        if report.batched
            && let Some(why) = documentation::objection_to_batched_file(node)
        {
            return Reply::code(4100, &format!("Validation failed - {why}")).about(number);
        }
        let id = node.text_of("fileId").unwrap_or_default();
        match report.files.iter_mut().find(|f| f.id == id) {
            None => Reply::code(5002, "File does not exist").about(number),
            Some(file) => {
                file.described = true;
                report.changed_at = now;
                Reply::success(number.parse().unwrap_or_default())
            }
        }
    })
    .await
}

async fn finish(State(s): State<CyberTip>, headers: HeaderMap, body: Bytes) -> Response {
    let read = form(&headers, body).await;
    s.serve(&headers, "finish", |kept, _| {
        let number = match &read {
            Err(answer) => return answer.again(),
            Ok((texts, _)) => id_of(texts),
        };
        let report = match kept.open(number) {
            Err(answer) => return answer,
            Ok(report) => report,
        };
        // Checked only here: files arrive after /submit, so their count isn't known before.
        if report.batched && report.files.len() != 1 {
            return Reply::Code {
                status: StatusCode::BAD_REQUEST,
                code: 4100,
                words: "Validation failed - a batched report must have exactly one file".into(),
                report: number.trim().parse().ok(),
                file: None,
            };
        }
        // Files without details are accepted: after a lost answer the client uploads the file again
        // and never learns the first id.
        report.end = End::Finished;
        let files = report.files.iter().map(|f| f.id.clone()).collect();
        kept.finished += 1;
        Reply::Done {
            report: number.trim().parse().unwrap_or_default(),
            files,
        }
    })
    .await
}

async fn retract(State(s): State<CyberTip>, headers: HeaderMap, body: Bytes) -> Response {
    let read = form(&headers, body).await;
    s.serve(&headers, "retract", |kept, _| {
        let number = match &read {
            Err(answer) => return answer.again(),
            Ok((texts, _)) => id_of(texts),
        };
        // A finished report is refused with 5102: what was finished cannot be changed.
        match kept.open(number) {
            Err(answer) => answer,
            Ok(report) => {
                report.end = End::Retracted;
                Reply::success(number.trim().parse().unwrap_or_default())
            }
        }
    })
    .await
}
