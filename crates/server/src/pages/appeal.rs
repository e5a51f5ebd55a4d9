//! The page for appeals against what was done to an account. It takes the code of a notice and
//! needs no login.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use maud::html;

use super::{InPages as _, Language, Page, frame};
use crate::App;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/appeal",
    route,
};

/// Longest posted form, in bytes. Our judgement: room for the code and 10,000 characters of three
/// bytes each in UTF-8, with each byte percent-encoded as three.
const FORM_BYTES_MAX: usize = 128 << 10;

/// Longest message in the form, in characters. Our judgement; casework keeps no more either.
const MESSAGE_CHARS_MAX: usize = 10_000;
/// Longest code in the form, in characters. Our judgement: several times a code with hyphens.
const CODE_CHARS_MAX: usize = 100;

fn route() -> MethodRouter<App> {
    get(ask).merge(post(file).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)))
}

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
    let t = |en, de| language.pick(en, de);
    let (code, message) = again.unwrap_or_default();
    let content = html! {
        h1 { (t("Appeal", "Beschwerde")) }
        @if again.is_some() {
            p role="alert" class="warning" {
                (t("This didn't work. Please compare the code with the notice, and say why you appeal. If an appeal is already open, you don't need to do anything.", "Das hat nicht geklappt. Bitte vergleichen Sie den Code mit der Mitteilung und sagen Sie, warum Sie sich beschweren. Vielleicht läuft auch schon eine Beschwerde; dann müssen Sie nichts weiter tun."))
            }
        }
        p { (t("You received a notice that content was removed or an account was closed. You can appeal here. A different person will decide. You don't need an account.", "Sie haben eine Mitteilung bekommen, dass Inhalte entfernt oder ein Konto geschlossen wurde. Hier können Sie Beschwerde einlegen. Eine andere Person als die erste entscheidet. Sie brauchen dafür kein Konto.")) }
        form method="post" action="/appeal" {
            label for="code" { (t("Code of the notice", "Code der Mitteilung")) }
            input id="code" name="code" required autocomplete="off" maxlength=(CODE_CHARS_MAX) value=(code);
            label for="message" { (t("Why do you think the decision is wrong?", "Warum halten Sie die Entscheidung für falsch?")) }
            textarea id="message" name="message" required maxlength=(MESSAGE_CHARS_MAX) rows="8" { (message) }
            p { (t("Please send no pictures or videos.", "Bitte schicken Sie keine Bilder oder Videos.")) }
            button { (t("Send", "Absenden")) }
        }
    };
    frame(language, t("Appeal", "Beschwerde"), content)
}

fn done(language: Language) -> Response {
    let t = |en, de| language.pick(en, de);
    let content = html! {
        h1 { (t("We have received your appeal", "Ihre Beschwerde ist eingegangen")) }
        p { (t("A different person will review it. Until it is decided, no data of your account will be deleted. You will get the result the same way you received the notice.", "Eine andere Person als bei der ersten Entscheidung prüft sie. Bis zur Entscheidung werden keine Daten Ihres Kontos gelöscht. Das Ergebnis erfahren Sie auf dem Weg, auf dem Sie die Mitteilung bekommen haben.")) }
    };
    frame(language, t("Appeal", "Beschwerde"), content)
}
