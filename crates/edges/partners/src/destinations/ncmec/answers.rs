//! What the CyberTipline answers, and what each code means for a report on its way.

use crate::http::Answered;
use crate::submission::SendFault;
use obhut_formats::tree;

/// Codes of the documentation of 2025-06-11 ("non-exhaustive"), by what they mean.
pub mod code {
    /// Done.
    pub const OK: i64 = 0;
    /// Their fault: try again.
    pub const THEIRS: [i64; 5] = [1000, 1100, 1110, 1111, 1300];
    /// Not found; the documentation doesn't say what.
    pub const NOT_FOUND: i64 = 1210;
    /// Credentials or rights: everything to this destination stops.
    pub const DENIED: [i64; 4] = [2000, 3000, 3100, 3300];
    /// The report itself is at fault: only this report stops.
    pub const REFUSED: [i64; 4] = [4000, 4100, 4110, 4200];
    /// No such report.
    pub const NO_REPORT: i64 = 5001;
    /// No such file.
    pub const NO_FILE: i64 = 5002;
    /// Retracted already.
    pub const RETRACTED: i64 = 5101;
    /// Finished already.
    pub const FINISHED: i64 = 5102;
}

/// Most characters of the service's own text that we pass on. Our judgement.
const WORDS_CHARS_MAX: usize = 500;

/// An answer in its parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceAnswer {
    /// Response code.
    pub code: i64,
    /// The service's description, without control characters, at most
    /// `WORDS_CHARS_MAX` characters.
    pub words: String,
    /// Number of the report.
    pub report: Option<i64>,
    /// Id of a file.
    pub file: Option<String>,
    /// MD5 of a file.
    pub md5: Option<String>,
    /// Ids of all files.
    pub files: Vec<String>,
    /// The service's own number for the call.
    pub request: Option<String>,
}

impl ServiceAnswer {
    /// Parses an answer. HTTP 401 and 403 mean denied. Everything else but an answer of the
    /// CyberTipline with HTTP 200 or 400 counts as a transport fault and is retried.
    pub fn read(answered: &Answered) -> Result<Self, SendFault> {
        let status = answered.status;
        let node = tree::parse(&answered.text()).ok();
        let request = answered.request_id.clone();
        let known = node.filter(|n| n.name == "reportResponse" || n.name == "reportDoneResponse");
        let answer = known.and_then(|node| {
            let number = |name: &str| node.text_of(name).and_then(|t| t.parse().ok());
            let own = |name: &str| node.text_of(name).map(str::to_owned);
            let words = own("responseDescription").unwrap_or_default();
            let files = node.child("files");
            Some(Self {
                code: number("responseCode")?,
                // The service's text reaches alarms and terminals: no control characters, bounded.
                words: words
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(WORDS_CHARS_MAX)
                    .collect(),
                request: request.clone(),
                report: number("reportId"),
                file: own("fileId"),
                md5: own("hash"),
                files: files
                    .into_iter()
                    .flat_map(|f| f.all("fileId"))
                    .map(|f| f.text.trim().to_owned())
                    .collect(),
            })
        });
        match (status, answer) {
            // Clients have seen 401 with an empty body and with XML, so the status alone decides.
            (401 | 403, answer) => {
                let words = answer.map(|a| a.words).unwrap_or_default();
                Err(SendFault::Denied(format!("HTTP {status} {words}")))
            }
            (500.., answer) => {
                let words = answer.map(|a| a.words).unwrap_or_default();
                Err(SendFault::Unreachable(format!("HTTP {status} {words}")))
            }
            // Errors come with HTTP 200 as a rule; a batched report without its file gives 400.
            (200 | 400, Some(answer)) => Ok(answer),
            (status, _) => Err(SendFault::Unreachable(format!(
                "HTTP {status} without an answer that the CyberTipline is documented to give"
            ))),
        }
    }

    /// The answer if its code is 0.
    ///
    /// # Errors
    /// Any other code, as the fault that says whether to retry, stop the report or halt the
    /// destination.
    pub fn well(self) -> Result<Self, SendFault> {
        // NCMEC asks for the Request-ID when it is contacted about a call.
        let asked = self
            .request
            .as_ref()
            .map_or_else(String::new, |id| format!(" (Request-ID {id})"));
        let said = format!("{} {}{asked}", self.code, self.words);
        match self.code {
            code::OK => Ok(self),
            c if code::THEIRS.contains(&c) => Err(SendFault::Unreachable(said)),
            c if code::DENIED.contains(&c) => Err(SendFault::Denied(said)),
            c if code::REFUSED.contains(&c) => Err(SendFault::Refused(said)),
            // Expired, retracted or finished meanwhile: retried, and the retry (`deliver_to`)
            // checks the old submission before it begins a new one.
            code::NOT_FOUND
            | code::NO_REPORT
            | code::NO_FILE
            | code::RETRACTED
            | code::FINISHED => Err(SendFault::Unreachable(said)),
            _ => Err(SendFault::Unexpected(said)),
        }
    }
}
