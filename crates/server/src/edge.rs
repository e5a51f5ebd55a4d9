//! What stands between the network and the handlers: connections, bodies, places for decoding, and
//! the time of an answer.
//!
//! The order is: a connection ([`connections`]) may be closed for a newer one until it has proved
//! something; bodies are
//! bounded together ([`bodies`]), and a long body is read only after its key was checked ([`gate`]); decoding gets a place
//! that dear files and one account can't use up ([`places`]); an uploader's answer leaves at a
//! fixed step of time ([`at_a_step`]).

pub(crate) mod bodies;
pub(crate) mod connections;
pub(crate) mod gate;
pub(crate) mod places;

use std::time::Duration;

use tokio::time::Instant;

/// Answers to uploads leave this long after the request arrived, or twice as long, and so on. Our
/// judgement: sealing an exhibit takes about 25 ms, so an upload that matched and one that didn't
/// leave at the same step.
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// Returns at the next multiple of [`STEP`] since `arrived`.
pub(crate) async fn at_a_step(arrived: Instant) {
    let steps = arrived.elapsed().as_micros() / STEP.as_micros() + 1;
    // A request that took days doesn't happen; if it did, it would not wait.
    let steps = u32::try_from(steps).unwrap_or(0);
    tokio::time::sleep_until(arrived + STEP * steps).await;
}
