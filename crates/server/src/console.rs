//! What pages have in common: their frame, their language, who visits them, looks at evidence.
//!
//! Pages load nothing from elsewhere, which the policy sent with each page enforces. They work
//! without scripts; `assets/*.js` add keys and what a person holds down.

mod chart;
mod looks;
mod pending;
mod refusals;
mod timeline;
mod unsent;
mod visit;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use obhut_app::casework::Act;

use crate::texts;

pub(crate) use chart::{ColumnChart, KINDS_MAX};
pub(crate) use looks::{Look, Looks, fetch, grant};
pub(crate) use refusals::as_pages;
pub(crate) use timeline::{Moment, timeline};
pub(crate) use unsent::Unsent;
pub(crate) use visit::{COOKIE, Sent, Visit, now, origin, secret, to_page};

/// A page in the navigation: its path, the key of its name, and what a person has to be allowed to do
/// to find it there.
pub(crate) struct Listed {
    pub path: &'static str,
    pub name: &'static str,
    pub act: Act,
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

/// A page without navigation, for people who aren't signed in.
pub(crate) fn frame(language: Language, title: &str, content: Markup) -> Response {
    frame_of(language, None, title, content)
}

/// A page: a head, the navigation of the person who is signed in, the content.
fn frame_of(language: Language, visit: Option<&Visit>, title: &str, content: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang=(language.word()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – obhut" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                @if visit.is_some() { script src="/assets/keys.js" defer {} }
            }
            body {
                a.skip href="#content" { (texts::text(language, "skip")) }
                header {
                    a href="/" { "obhut" }
                    @if let Some(visit) = visit { (navigation(visit)) }
                }
                main id="content" {
                    @if let Some(visit) = visit { (pending::notice(visit)) }
                    (content)
                }
                @if visit.is_some() {
                    footer {
                        kbd { "?" } " " (texts::text(language, "keys-hint")) " "
                        button.quiet id="show-keys" type="button" hidden { (texts::text(language, "keys-title")) }
                    }
                }
                @if visit.is_some() {
                    dialog id="keys" aria-label=(texts::text(language, "keys-title")) {
                        h2 { (texts::text(language, "keys-title")) }
                        dl {}
                        label.choice { input id="keys-on" type="checkbox" checked; " " (texts::text(language, "keys-on")) }
                        form method="dialog" { button { (texts::text(language, "close")) } }
                    }
                }
            }
        }
    };
    // A page may load only what this server sends: its style, one small script, renditions that were
    // asked for. It may not be framed, and may post only here.
    let policy = match visit {
        Some(_) => {
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        }
        None => {
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        }
    };
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::CACHE_CONTROL, "no-store"),
            // Not "no-referrer": a browser would then send forms over plain HTTP with `Origin: null`.
            (header::REFERRER_POLICY, "same-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        page.into_string(),
    )
        .into_response()
}

/// The pages this person can use, and the way out.
fn navigation(visit: &Visit) -> Markup {
    html! {
        nav aria-label=(visit.t("navigation")) {
            @for page in visit.app.navigation.iter().filter(|page| visit.may(page.act)) {
                a href=(page.path) { (visit.t(page.name)) }
            }
        }
        form.out method="post" action="/sign-out" {
            (visit.token())
            a href="/pause" data-key="p" { (visit.t("pause")) }
            bdi { (visit.session.person.name) }
            button { (visit.t("sign-out")) }
        }
    }
}

/// A sentence that exists only in English: marked as such for people who have it read aloud.
pub(crate) fn in_english(language: Language, sentence: &str) -> Markup {
    match language {
        Language::English => html! { (sentence) },
        Language::German => html! { span lang="en" { (sentence) } },
    }
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
