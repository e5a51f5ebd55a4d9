//! Refusals that the router or an extractor made, as pages for people who read them in a browser: a
//! path that isn't UTF-8, a query with a word where a number belongs, an address without a page.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::visit::fault_page;
use super::{InPages as _, Language};
use crate::fault::Fault;

/// Paths of programs, whose answers stay as they are.
const OF_PROGRAMS: [&str; 6] = ["/v1/", "/m/", "/c/", "/h/", "/assets/", "/looks"];

/// Answers a browser with a page where the router or an extractor refused in plain text or JSON.
pub(crate) async fn as_pages(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let of_program = OF_PROGRAMS.iter().any(|start| path.starts_with(start));
    let accepts = request.headers().get_all(header::ACCEPT);
    let reads_pages = accepts
        .iter()
        .any(|v| v.to_str().is_ok_and(|v| v.contains("text/html")));
    let language = Language::of(request.headers());
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|v: &HeaderValue| v.as_bytes().starts_with(b"text/html"));
    let status = response.status();
    if of_program || !reads_pages || is_page || !status.is_client_error() {
        return response;
    }
    let message = match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            "there is no page at this address"
        }
        StatusCode::PAYLOAD_TOO_LARGE => "what was sent is longer than this form allows",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            "the address or the form can't be read; open the page from the navigation"
        }
        // 401 and 403 of programs' paths, 429: their own words are better.
        _ => return response,
    };
    let status = match status {
        StatusCode::METHOD_NOT_ALLOWED => StatusCode::NOT_FOUND,
        other => other,
    };
    fault_page(language, None, Fault::new(status, "refused", message))
}
