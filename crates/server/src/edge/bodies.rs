//! Bodies: how many are received at the same time, and how much memory they take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::App;
use crate::fault::Fault;

/// Longest wait for a slot. Our judgement.
pub(crate) const SLOT_WAIT_MAX: Duration = Duration::from_secs(2);
/// How much of a refused body is read and dropped, in bytes. Our judgement.
const DRAIN_BYTES_MAX: usize = 8 << 20;
/// Longest time spent on reading a refused body. Our judgement.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);
/// Memory of bodies is counted in steps of this many bytes. Our judgement.
pub(crate) const BODY_STEP_BYTES: usize = 64 << 10;

/// A request whose body may be received, with the memory that it takes. Dropped with the request.
#[derive(Clone)]
pub(crate) struct Receiving(Arc<Received>);

struct Received {
    _place: OwnedSemaphorePermit,
    bodies: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Receiving {
    /// Takes memory for more bytes of the body, in steps of [`BODY_STEP_BYTES`].
    ///
    /// # Errors
    /// 429 if all requests together hold [`crate::BODIES_BYTES_MAX`].
    pub fn grow(&self, app: &App, bytes: usize) -> Result<(), Fault> {
        match self.0.grow(bytes) {
            true => Ok(()),
            false => Err(busy(app)),
        }
    }
}

impl Received {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grow(&self, bytes: usize) -> bool {
        let mut held = self.held();
        let steps = |bytes: usize| bytes.div_ceil(BODY_STEP_BYTES);
        let more = steps(held.bytes + bytes) - steps(held.bytes);
        held.bytes += bytes;
        if more > 0 {
            let Ok(permit) = self.bodies.clone().try_acquire_many_owned(more as u32) else {
                return false;
            };
            match &mut held.permit {
                Some(held) => held.merge(permit),
                none => *none = Some(permit),
            }
        }
        true
    }
}

/// Memory for a body that is read at once. Waits up to [`SLOT_WAIT_MAX`].
pub(crate) async fn body_bytes(app: &App, bytes: usize) -> Result<OwnedSemaphorePermit, Fault> {
    let steps = bytes.div_ceil(BODY_STEP_BYTES) as u32;
    let waiting = app.bodies.clone().acquire_many_owned(steps);
    match tokio::time::timeout(SLOT_WAIT_MAX, waiting).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(busy(app)),
    }
}

/// A slot for a request whose body is arriving. These slots are separate from those for decoding,
/// so that slow senders don't keep other uploads from being decoded.
pub(crate) async fn receiving(app: &App) -> Result<Receiving, Fault> {
    let waiting = tokio::time::timeout(SLOT_WAIT_MAX, app.receiving.clone().acquire_owned());
    match waiting.await {
        Ok(Ok(place)) => Ok(Receiving(Arc::new(Received {
            _place: place,
            bodies: app.bodies.clone(),
            held: Mutex::default(),
        }))),
        _ => Err(busy(app)),
    }
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
pub(crate) async fn drain(body: Body) {
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
