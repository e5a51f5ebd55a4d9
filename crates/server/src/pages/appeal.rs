//! The page for appeals against what was done to an account. It takes the code of a notice and
//! needs no login.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::html;

use super::Page;
use crate::console::{InPages as _, Language, frame};
use crate::{App, texts};

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/appeal",
    routes: |router| {
        router.route(
            "/appeal",
            get(ask).merge(post(file).layer(DefaultBodyLimit::max(FORM_BYTES_MAX))),
        )
    },
    listed: None,
};

/// Longest posted form, in bytes. Our judgement: room for the code and 10,000 characters of three
/// bytes each in UTF-8, with each byte percent-encoded as three.
const FORM_BYTES_MAX: usize = 128 << 10;

/// Longest message in the form, in characters. Our judgement; casework keeps no more either.
const MESSAGE_CHARS_MAX: usize = 10_000;
/// Longest code in the form, in characters. Our judgement: several times a code with hyphens.
const CODE_CHARS_MAX: usize = 100;

async fn ask(headers: HeaderMap) -> Response {
    form(Language::of(&headers), None)
}

async fn file(State(app): State<App>, headers: HeaderMap, body: String) -> Response {
    let language = Language::of(&headers);
    let (mut code, mut message) = (String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(body.as_bytes()) {
        match name.as_ref() {
            "code" => code = value.chars().take(CODE_CHARS_MAX).collect(),
            // No more than the field takes: it is sent back if the code is wrong.
            "message" => message = value.chars().take(MESSAGE_CHARS_MAX).collect(),
            _ => {}
        }
    }
    match super::appeal_by_code(&app, &code, &message).await {
        Ok(()) => done(language),
        // The input is kept: no one should have to write ten thousand characters twice.
        Err(e) if e.is_client_fault() => form(language, Some((&code, &message))),
        Err(e) => e.into_response(),
    }
}

fn form(language: Language, again: Option<(&str, &str)>) -> Response {
    let t = |key| texts::text(language, key);
    let (code, message) = again.unwrap_or_default();
    let content = html! {
        h1 { (t("appeal")) }
        @if again.is_some() {
            p role="alert" class="warning" {
                (t("appeal-failed"))
            }
        }
        p { (t("appeal-about")) }
        form method="post" action="/appeal" {
            label for="code" { (t("appeal-code")) }
            input id="code" name="code" required autocomplete="off" maxlength=(CODE_CHARS_MAX) value=(code);
            label for="message" { (t("appeal-why")) }
            textarea id="message" name="message" required maxlength=(MESSAGE_CHARS_MAX) rows="8" { (message) }
            p { (t("appeal-no-media")) }
            button { (t("appeal-send")) }
        }
    };
    frame(language, &t("appeal"), content)
}

fn done(language: Language) -> Response {
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("appeal-received")) }
        p { (t("appeal-received-next")) }
    };
    frame(language, &t("appeal"), content)
}
