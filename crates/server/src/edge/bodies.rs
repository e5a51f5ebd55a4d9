//! Bodies: how many are received at the same time, how long each may take, and how much memory all
//! of them have. What has arrived counts, not what a header announces; and no key has more than half.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures::StreamExt as _;
use obhut_app::casework::ApiKey;
use tokio::sync::Notify;

use crate::App;
use crate::fault::Fault;

/// Bytes that all bodies together may hold in memory. Our judgement: four of the longest uploads.
const BYTES_MAX: usize = 1 << 30;
/// Longest wait for a place. Our judgement.
pub(crate) const PLACE_WAIT_MAX: Duration = Duration::from_secs(2);
/// Longest time a body may take. Our judgement.
const BODY_TIME_MAX: Duration = Duration::from_secs(120);
/// Longest time without a byte of a body. Our judgement.
const BODY_PAUSE_MAX: Duration = Duration::from_secs(10);
/// How much of a refused body is read and dropped, in bytes. Our judgement.
const DRAIN_BYTES_MAX: usize = 8 << 20;
/// Longest time spent on reading a refused body. Our judgement.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// All bodies.
pub(crate) struct Bodies {
    places_max: usize,
    held: Mutex<Held>,
    freed: Notify,
}

#[derive(Default)]
struct Held {
    all: Share,
    by_key: HashMap<String, Share>,
}

#[derive(Default, Clone, Copy)]
struct Share {
    places: usize,
    bytes: usize,
}

impl Bodies {
    pub fn new(places_max: usize) -> Self {
        Self {
            places_max,
            held: Mutex::default(),
            freed: Notify::new(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place and bytes if all requests, and those of this key, leave room for them.
    fn take(&self, key: &str, places: usize, bytes: usize) -> bool {
        let mut held = self.held();
        let own = held.by_key.get(key).copied().unwrap_or_default();
        let fits = |share: Share, parts: usize| {
            share.places + places <= self.places_max.div_ceil(parts)
                && share.bytes + bytes <= BYTES_MAX / parts
        };
        if !fits(held.all, 1) || !fits(own, 2) {
            return false;
        }
        held.all.places += places;
        held.all.bytes += bytes;
        let own = held.by_key.entry(key.to_owned()).or_default();
        own.places += places;
        own.bytes += bytes;
        true
    }

    fn give_back(&self, key: &str, bytes: usize) {
        let mut held = self.held();
        held.all.places -= 1;
        held.all.bytes -= bytes;
        if let Some(own) = held.by_key.get_mut(key) {
            own.places -= 1;
            own.bytes -= bytes;
            if own.places == 0 {
                held.by_key.remove(key);
            }
        }
        drop(held);
        self.freed.notify_waiters();
    }
}

/// A request whose body may be received, with the memory that it takes. Given back when it is dropped.
pub(crate) struct Receiving {
    bodies: Arc<Bodies>,
    key: String,
    bytes: Mutex<usize>,
}

impl Receiving {
    /// Takes memory for more bytes.
    ///
    /// # Errors
    /// 429 if there is none.
    pub fn grow(&self, app: &App, bytes: usize) -> Result<(), Fault> {
        if !self.bodies.take(&self.key, 0, bytes) {
            return Err(busy(app));
        }
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) += bytes;
        Ok(())
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        let bytes = *self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        self.bodies.give_back(&self.key, bytes);
    }
}

/// A place for a request whose body is arriving. These places are apart from those for decoding, so
/// that slow senders don't keep other uploads from being decoded.
pub(crate) async fn receiving(app: &App, key: &ApiKey) -> Result<Receiving, Fault> {
    let taking = async {
        loop {
            // Before the look, so that what is given back in between isn't missed.
            let freed = app.bodies.freed.notified();
            if app.bodies.take(&key.id, 1, 0) {
                return Receiving {
                    bodies: app.bodies.clone(),
                    key: key.id.clone(),
                    bytes: Mutex::default(),
                };
            }
            freed.await;
        }
    };
    let taken = tokio::time::timeout(PLACE_WAIT_MAX, taking).await;
    taken.map_err(|_| busy(app))
}

/// Reads a body. Fails if it is longer than `bytes_max`, too slow, or if memory for it is lacking.
pub(crate) async fn read(
    app: &App,
    receiving: &Receiving,
    body: Body,
    bytes_max: u64,
) -> Result<Bytes, Fault> {
    let taking = async {
        let mut pieces = body.into_data_stream();
        // Content-Length is not trusted: memory grows with what arrives.
        let mut bytes = Vec::new();
        while let Some(piece) = tokio::time::timeout(BODY_PAUSE_MAX, pieces.next())
            .await
            .map_err(|_| slow())?
        {
            let piece = piece.map_err(|_| too_long(bytes_max))?;
            // Checked before copying, so that no piece takes the buffer over the limit.
            if (bytes.len() + piece.len()) as u64 > bytes_max {
                return Err(too_long(bytes_max));
            }
            receiving.grow(app, piece.len())?;
            bytes.extend_from_slice(&piece);
        }
        Ok(Bytes::from(bytes))
    };
    tokio::time::timeout(BODY_TIME_MAX, taking)
        .await
        .map_err(|_| slow())?
}

fn slow() -> Fault {
    Fault::new(
        StatusCode::REQUEST_TIMEOUT,
        "slow",
        "the body took too long; send it again",
    )
}

fn too_long(bytes_max: u64) -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-long",
        format!("the body was cut off, or is longer than {bytes_max} bytes"),
    )
}

pub(crate) fn busy(app: &App) -> Fault {
    app.metrics.refused();
    Fault::new(
        StatusCode::TOO_MANY_REQUESTS,
        "busy",
        "all slots are taken; try again shortly",
    )
}

/// Reads and drops a short body of a refused request, so that the client sees the answer and not a
/// broken connection.
async fn drain(body: Body) {
    // Bounded in bytes and time, so that a refused client can't keep the server busy.
    let reading = async {
        let mut pieces = body.into_data_stream();
        let mut bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            bytes += piece.len();
            if bytes > DRAIN_BYTES_MAX {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME_MAX, reading).await;
}

/// Returns what was admitted, with the body unread; if the request was refused, drains the body and
/// returns the fault.
pub(crate) async fn admitted<T>(
    admitting: Result<T, Fault>,
    body: Body,
) -> Result<(T, Body), Fault> {
    match admitting {
        Ok(admitted) => Ok((admitted, body)),
        Err(fault) => {
            drain(body).await;
            Err(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_more_than_half_and_everything_is_given_back() {
        let bodies = Bodies::new(4);
        assert!(bodies.take("a", 1, BYTES_MAX / 4));
        assert!(bodies.take("a", 1, BYTES_MAX / 4));
        assert!(!bodies.take("a", 1, 0), "a third place");
        assert!(!bodies.take("a", 0, 1), "a byte more");
        assert!(bodies.take("b", 1, BYTES_MAX / 2));
        assert!(!bodies.take("c", 0, 1), "a byte more than all have");
        assert!(bodies.take("c", 1, 0));
        assert!(!bodies.take("d", 1, 0), "a fifth place");
        bodies.give_back("a", BYTES_MAX / 4);
        assert!(bodies.take("d", 1, BYTES_MAX / 4));
        for (key, bytes) in [("a", 4), ("b", 2), ("d", 4)] {
            bodies.give_back(key, BYTES_MAX / bytes);
        }
        bodies.give_back("c", 0);
        let held = bodies.held();
        assert_eq!((held.all.places, held.all.bytes), (0, 0));
        assert!(held.by_key.is_empty());
    }
}
