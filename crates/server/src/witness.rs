//! A witness of other logs, over HTTP: C2SP tlog-witness.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use obhut_app::casework::{NotCosigned, Refusal, SUBMISSION_BYTES_MAX, WitnessFolder};
use tokio::sync::Semaphore;

/// Longest time for the body of a request. Our judgement: it is 16 KiB at most.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// Requests that are looked at at the same time. Our judgement: each waits for the folder's lock.
const WITNESSING_AT_ONCE_MAX: usize = 16;

#[derive(Clone)]
struct Witnessing {
    folder: Arc<WitnessFolder>,
    places: Arc<Semaphore>,
}

/// The interface of a witness: `POST /add-checkpoint`.
pub fn witness_routes(folder: Arc<WitnessFolder>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .with_state(Witnessing {
            folder,
            places: Arc::new(Semaphore::new(WITNESSING_AT_ONCE_MAX)),
        })
}

async fn add_checkpoint(State(witnessing): State<Witnessing>, body: Body) -> Response {
    // Read before a place is taken: a slow sender must not hold one.
    let read = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, SUBMISSION_BYTES_MAX)).await;
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return (StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n").into_response();
        }
        Err(_) => {
            return (
                StatusCode::REQUEST_TIMEOUT,
                "the request didn't come in time\n",
            )
                .into_response();
        }
    };
    let Ok(_place) = witnessing.places.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let folder = witnessing.folder;
    let seconds = jiff::Timestamp::now().as_second();
    // It waits for a lock and for the disk.
    let judged = tokio::task::spawn_blocking(move || folder.add_checkpoint(&body, seconds)).await;
    let Ok(judged) = judged else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match judged {
        Ok(line) => line.into_response(),
        Err(why) => refused(why),
    }
}

/// The statuses are those of C2SP tlog-witness.
fn refused(why: NotCosigned) -> Response {
    let said = |status: StatusCode, text: &'static str| (status, text).into_response();
    let size = |size: u64| {
        let media_type = [(header::CONTENT_TYPE, "text/x.tlog.size")];
        (StatusCode::CONFLICT, media_type, format!("{size}\n")).into_response()
    };
    match why {
        NotCosigned::UnknownLog => said(StatusCode::NOT_FOUND, "this log isn't cosigned here\n"),
        NotCosigned::Refused(Refusal::Malformed(what)) => {
            (StatusCode::BAD_REQUEST, format!("{what}\n")).into_response()
        }
        NotCosigned::Refused(Refusal::NotSigned) => said(
            StatusCode::FORBIDDEN,
            "the checkpoint isn't signed by its log\n",
        ),
        NotCosigned::Refused(Refusal::OtherSize(seen)) => size(seen),
        NotCosigned::Refused(Refusal::Fork(seen)) => {
            tracing::error!(size = seen, "a log has signed two trees of one size");
            size(seen)
        }
        NotCosigned::Refused(Refusal::NotConsistent) => {
            tracing::warn!("a log's checkpoint came with a proof that doesn't hold");
            said(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the proof doesn't lead from what was cosigned to this checkpoint\n",
            )
        }
        NotCosigned::Folder(e) => {
            tracing::error!(cause = %e, "a checkpoint can't be cosigned");
            said(
                StatusCode::SERVICE_UNAVAILABLE,
                "the witness can't write; try again later\n",
            )
        }
    }
}
