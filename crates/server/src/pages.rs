//! HTML pages, and what they share. Each page has one file and one entry in [`ALL`].
//!
//! Pages load nothing from elsewhere and run no script, which the policy sent with each page
//! enforces.

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use maud::{DOCTYPE, Markup, html};
use obhut_app::casework;

use crate::App;

mod appeal;
mod cases;
mod payments;

const ALL: &[&Page] = &[&appeal::PAGE, &cases::PAGE, &payments::PAGE];

const STYLE: &str = include_str!("../assets/style.css");

/// A page.
pub(crate) struct Page {
    pub path: &'static str,
    pub route: fn() -> MethodRouter<App>,
}

pub(crate) fn routes() -> Router<App> {
    let router = Router::new().route("/assets/style.css", get(style));
    ALL.iter().fold(router, |router, page| {
        router.route(page.path, (page.route)())
    })
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// Codes that are checked at the same time. Our judgement: a flood of guesses then leaves the
/// database to others. Guessing needs no delay: a code has 80 bits, so at ten thousand a second the
/// first of a million notices would be found after two million years.
pub(crate) const CODES_AT_ONCE_MAX: usize = 4;

/// Files an appeal with the code of a notice.
pub(crate) async fn appeal_by_code(
    app: &App,
    code: &str,
    message: &str,
) -> Result<(), crate::fault::Fault> {
    let _turn = app.codes.acquire().await;
    casework::appeal_by_code(&app.casework, code, message).await?;
    Ok(())
}

pub(crate) use obhut_app::casework::Language;

/// How pages choose their language.
pub(crate) trait InPages {
    /// The first of the browser's languages that is supported.
    fn of(headers: &HeaderMap) -> Self;
}

impl InPages for Language {
    fn of(headers: &HeaderMap) -> Self {
        let wanted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        // The order given counts; quality values are not read.
        for part in wanted.split(',') {
            match part.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("de") => return Self::German,
                Some("en") => return Self::English,
                _ => {}
            }
        }
        Self::English
    }
}

pub(crate) fn frame(language: Language, title: &str, content: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang=(language.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – obhut" }
                link rel="stylesheet" href="/assets/style.css";
            }
            body {
                header { a href="/" { "obhut" } }
                main { (content) }
            }
        }
    };
    // A page that holds a key may load only its style, may not be framed, and may post only to this
    // server.
    let policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        page.into_string(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_first_known_language_wins() {
        for (wanted, expected) in [
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("fr,en-GB;q=0.7,de;q=0.3", Language::English),
            ("", Language::English),
            ("ü", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::ACCEPT_LANGUAGE,
                header::HeaderValue::from_bytes(wanted.as_bytes()).unwrap(),
            );
            assert_eq!(Language::of(&headers), expected, "{wanted}");
        }
    }
}
