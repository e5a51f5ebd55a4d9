//! What is between the network and the handlers: connections, bodies, places for decoding, and
//! the time of an answer.
//!
//! The order is: a connection ([`connections`]) may be closed for a newer one until it has proved
//! something; bodies are
//! bounded together ([`bodies`]), and a long body is read only after its key was checked ([`gate`]); decoding gets a place
//! that dear files and one account can't use up ([`places`]); an uploader's answer leaves at a
//! fixed step of time ([`at_a_step`]), and one that matched nothing waits as long as those that did
//! ([`recordings`]).

pub(crate) mod bodies;
pub(crate) mod connections;
pub(crate) mod gate;
pub(crate) mod key_uses;
pub(crate) mod places;
pub(crate) mod recordings;
pub(crate) mod tls;

use std::time::Duration;

use tokio::time::Instant;

/// Answers to uploads leave this long after the request arrived, or twice as long, and so on. Our
/// judgement: short enough for a person who waits.
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// Time that recording a file is given, whether it matched or not. Our judgement: sealing an exhibit
/// takes about 25 ms; with it an ordinary picture's answer still leaves at the first step.
pub(crate) const RECORDING: Duration = Duration::from_millis(45);

/// When the files of an upload had been screened, and how long each is given from there on: a file
/// that matched takes longer than one that didn't.
#[derive(Clone, Copy)]
pub(crate) struct ScreenedAt {
    at: Instant,
    given: Duration,
}

impl ScreenedAt {
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            given: Duration::ZERO,
        }
    }

    /// Gives time for another file: what its recording took, or [`RECORDING`] if that is longer.
    pub fn add(&mut self, recording: Duration) {
        self.given += recording.max(RECORDING);
    }

    /// When its answer may leave.
    fn ready(self) -> Instant {
        self.at + self.given
    }
}

/// Returns at a multiple of [`STEP`] since `arrived`: the first at which both the answer and the time
/// that recording is given are over. Without the latter an uploader could choose a file whose
/// screening ends just before a step, and see the recording push it over.
pub(crate) async fn at_a_step(arrived: Instant, screened: Option<ScreenedAt>) {
    let now = Instant::now();
    let ready = screened.map_or(now, |s| s.ready().max(now));
    let since = ready.saturating_duration_since(arrived);
    let steps = since.as_micros() / STEP.as_micros() + 1;
    // A request that took days doesn't happen; if it did, it would not wait.
    let steps = u32::try_from(steps).unwrap_or(0);
    tokio::time::sleep_until(arrived + STEP * steps).await;
}
