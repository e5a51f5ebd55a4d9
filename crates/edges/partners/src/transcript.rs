//! Transcript of one attempt to deliver a report: what was sent and what came back, kept as an
//! exhibit.
//!
//! It has no credentials, and of a file only name and length, because the file is an exhibit
//! itself.

use obhut_casework as casework;
use serde::Serialize;

use crate::http::Answered;
use crate::submission::{SendFault, Submission};

/// Longest answer that is kept, in characters. Our judgement: the service's have a few hundred.
const ANSWER_CHARS_MAX: usize = 64 << 10;

#[derive(Default)]
pub(crate) struct Transcript {
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    at: String,
    /// `/submit`, `/upload` …
    what: String,
    sent: String,
    status: Option<u16>,
    /// What came back, or why nothing did.
    received: Option<String>,
}

impl Transcript {
    /// A request is about to leave.
    pub fn sent(&mut self, what: &str, words: &str) {
        self.calls.push(Call {
            at: jiff::Timestamp::now().to_string(),
            what: what.to_owned(),
            sent: words.to_owned(),
            status: None,
            received: None,
        });
    }

    /// The answer to the last request.
    pub fn received(&mut self, answer: &Result<Answered, String>) {
        let Some(call) = self.calls.last_mut() else {
            return;
        };
        match answer {
            Ok(answer) => {
                call.status = Some(answer.status);
                call.received = Some(answer.text().chars().take(ANSWER_CHARS_MAX).collect());
            }
            Err(why) => call.received = Some(format!("no answer: {why}")),
        }
    }

    /// Puts it on record, if anything was sent.
    pub async fn keep(self, submission: &Submission<'_>) -> Result<(), SendFault> {
        if self.calls.is_empty() {
            return Ok(());
        }
        let bytes = serde_json::to_vec_pretty(&self.calls).expect("a transcript is JSON");
        let report = &submission.filing.report;
        casework::keep_exchange(submission.casework, report, &bytes, submission.worker).await?;
        Ok(())
    }
}
