//! The vault's log for those who check it themselves: C2SP tlog-tiles, as files.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use obhut_app::casework;

use crate::App;
use crate::fault::Fault;

/// Longest path of a file of the log, in bytes. Our judgement: a tile's number has 20 digits at most.
const PATH_BYTES_MAX: usize = 64;

/// A file of the log: `checkpoint`, `key`, or a tile. Entries name exhibits by id, never a person or
/// a case.
pub(super) async fn file(State(app): State<App>, Path(path): Path<String>) -> Response {
    let found = match path.len() <= PATH_BYTES_MAX {
        true => casework::log_file(&app.casework, &path).await,
        false => Ok(None),
    };
    match found {
        Ok(Some(bytes)) => {
            let media_type = match path.as_str() {
                "checkpoint" | "key" => "text/plain; charset=utf-8",
                _ => "application/octet-stream",
            };
            ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
        }
        Ok(None) => Fault::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "no such file of the log; tiles are those of the checkpoint's size",
        )
        .into_response(),
        Err(e) => Fault::from(e).into_response(),
    }
}
