//! Transcript of the calls made to deliver or retract a report: what was sent and what came back,
//! kept as an exhibit.
//!
//! It contains no credentials, and of a file only name and length, because the file is an exhibit
//! itself.

use obhut_casework as casework;
use serde::Serialize;

use crate::http::Answered;
use crate::submission::{SendFault, Submission};

/// Characters kept of an answer; a mark replaces the rest. Our judgement: NCMEC's answers have a
/// few hundred.
const ANSWER_CHARS_MAX: usize = 64 << 10;

#[derive(Default)]
pub(crate) struct Transcript {
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    at: String,
    /// NCMEC's path (`/submit`, `/upload` …), or `statement`, `webhook` or `mail`.
    what: String,
    sent: String,
    status: Option<u16>,
    /// What came back, or why nothing did.
    received: Option<String>,
}

/// The answer, or its beginning with a mark that says so.
fn cut(answer: &str) -> String {
    match answer.char_indices().nth(ANSWER_CHARS_MAX) {
        None => answer.to_owned(),
        Some((end, _)) => format!(
            "{}\n[cut here: the answer has {} bytes]",
            &answer[..end],
            answer.len()
        ),
    }
}

impl Transcript {
    /// Records a request that is about to be sent.
    pub fn sent(&mut self, what: &str, words: &str) {
        self.calls.push(Call {
            at: jiff::Timestamp::now().to_string(),
            what: what.to_owned(),
            sent: words.to_owned(),
            status: None,
            received: None,
        });
    }

    /// Records the HTTP answer to the last request.
    pub fn received(&mut self, answer: &Result<Answered, String>) {
        let Some(call) = self.calls.last_mut() else {
            return;
        };
        match answer {
            Ok(answer) => {
                call.status = Some(answer.status);
                call.received = Some(cut(&answer.text()));
            }
            Err(why) => call.received = Some(format!("no answer: {why}")),
        }
    }

    /// Adds the answer to the last request, for a protocol other than HTTP.
    pub fn answered(&mut self, words: String) {
        if let Some(call) = self.calls.last_mut() {
            call.received = Some(cut(&words));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_with_a_mark() {
        assert_eq!(cut("short"), "short");
        let long = "ü".repeat(ANSWER_CHARS_MAX + 1);
        let kept = cut(&long);
        assert!(kept.starts_with('ü') && kept.ends_with("[cut here: the answer has 131074 bytes]"));
        assert!(kept.chars().count() < ANSWER_CHARS_MAX + 100);
    }
}
