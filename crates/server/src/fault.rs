//! Errors as the client sees them, and as the log records them.

use axum::Json;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use obhut_app::casework::{CaseworkError, Next};
use serde::Serialize;
use utoipa::ToSchema;

/// An error as JSON.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// A stable code, such as `not-found`.
    pub error: &'static str,
    /// A sentence that says what to do.
    pub message: String,
}

pub(crate) struct Fault {
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl Fault {
    pub fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
        }
    }

    /// Status and message, for an interface with its own form of errors.
    pub fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.message)
    }

    pub fn into_body(self) -> ErrorBody {
        ErrorBody {
            error: self.error,
            message: self.message,
        }
    }

    /// True if the request is at fault, not this server.
    pub fn is_client_fault(&self) -> bool {
        self.status.is_client_error()
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }
}

impl From<CaseworkError> for Fault {
    fn from(e: CaseworkError) -> Self {
        match &e {
            CaseworkError::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "not-found", e.to_string())
            }
            CaseworkError::Conflict {
                next: Some(Next::AddRoute),
                ..
            } => Self::new(StatusCode::CONFLICT, "no-route", e.to_string()),
            CaseworkError::Conflict { .. } => {
                Self::new(StatusCode::CONFLICT, "refused", e.to_string())
            }
            CaseworkError::Denied { .. } => {
                Self::new(StatusCode::FORBIDDEN, "denied", e.to_string())
            }
            CaseworkError::Invalid { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", e.to_string())
            }
            CaseworkError::NoLegalBasis => {
                Self::new(StatusCode::FORBIDDEN, "no-legal-basis", e.to_string())
            }
            CaseworkError::Uncertain { .. } => {
                tracing::error!(cause = %e, "the connection to the database broke during a commit");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "uncertain",
                    "the connection to the database broke, and it isn't known whether the change was made; look before you send it again",
                )
            }
            _ if e.is_outage() => {
                tracing::error!(cause = %e, "the database can't be used");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "outage",
                    "nothing can be recorded or read now; try again shortly. If it lasts, the server's log has the cause",
                )
            }
            _ => {
                // The client learns nothing of the server's internals; the log has ids and causes
                // only.
                tracing::error!(cause = %e, "a request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "this is our fault, not yours; send it again. The server's log has the cause",
                )
            }
        }
    }
}

impl From<axum::extract::rejection::JsonRejection> for Fault {
    fn from(e: axum::extract::rejection::JsonRejection) -> Self {
        // The extractor's own texts are for developers, so what to send comes first.
        match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_long(),
            status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(
                status,
                "no-json",
                "send the body as JSON, with `Content-Type: application/json`",
            ),
            _ => Self::bad_request(format!(
                "not JSON of the form that /openapi.json describes: {}",
                e.body_text()
            )),
        }
    }
}

fn too_long() -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-long",
        "the body is longer than this request allows",
    )
}

/// Below `/v1/`, refuses paths with a zero byte and rewrites axum's own refusals, which are plain
/// text, as JSON.
pub(crate) async fn in_json(request: Request, next: axum::middleware::Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/v1/") {
        return next.run(request).await;
    }
    // PostgreSQL takes no text with a zero byte.
    if path.contains("%00") {
        return Fault::bad_request("the path contains a zero byte").into_response();
    }
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_some_and(|v| v.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE if plain => too_long().into_response(),
        status if status.is_client_error() && plain => Fault::new(
            status,
            "bad-request",
            "the request can't be read: is its path UTF-8, and its body whole?",
        )
        .into_response(),
        _ => response,
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody {
            error: self.error,
            message: self.message,
        });
        let mut response = (self.status, body).into_response();
        // RFC 9110, 15.5.2: a 401 must name a scheme.
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Bearer"),
            );
        }
        // A client that retries without waiting would keep the slots taken.
        if matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}
