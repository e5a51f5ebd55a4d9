//! What a person wrote before their session ended. It comes back after they have signed in, and is
//! sent only when they say so.

use axum::extract::{FromRequest as _, Request};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use obhut_app::casework::Session;

use super::visit::secret;
use super::{InPages as _, Language, frame};
use crate::{App, texts};

/// A form that came without a session: where it was sent to, and its fields.
pub(crate) struct Unsent {
    path: String,
    body: String,
    fields: Vec<(String, String)>,
}

/// The page for signing in with the form in it, if a person wrote something on a page of an ended
/// session; otherwise what was refused.
pub(super) async fn kept(request: Request, app: &App, refused: Response) -> Response {
    let language = Language::of(request.headers());
    let had_session = secret(request.headers()).is_some_and(|secret| !secret.is_empty());
    let path = request.uri().path().to_owned();
    // Without a cookie no page of this server can have been open; another status is an outage.
    if !had_session || refused.status() != StatusCode::SEE_OTHER {
        return refused;
    }
    let Ok(body) = String::from_request(request, app).await else {
        return refused;
    };
    let Some(unsent) = Unsent::of(&path, &body) else {
        return refused;
    };
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("sign-in")) }
        p role="alert" class="warning" { (t("unsent-ended")) }
        form method="post" action="/sign-in" {
            (unsent.hidden())
            label for="key" { (t("sign-in-key")) }
            input id="key" name="key" type="password" autocomplete="off" required autofocus;
            button { (t("sign-in")) }
        }
        (unsent.written(language))
    };
    let mut page = frame(language, &t("sign-in"), content);
    *page.status_mut() = StatusCode::FORBIDDEN;
    page
}

impl Unsent {
    /// A form that a page of this server sent; `None` if a person wrote nothing in it, or if it
    /// wasn't for a path of this server.
    pub fn of(path: &str, body: &str) -> Option<Self> {
        let is_own = path.starts_with('/')
            && !path.starts_with("//")
            && path
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'?');
        let all = url::form_urlencoded::parse(body.as_bytes()).into_owned();
        let (token, fields): (Vec<_>, Vec<_>) = all.partition(|(name, _)| name == "token");
        let is_ours = is_own && !token.is_empty();
        let form = Self {
            path: path.to_owned(),
            body: body.to_owned(),
            fields,
        };
        (is_ours && form.texts().next().is_some()).then_some(form)
    }

    /// What a person wrote: values with a blank in them. Choices, ids and digests have none.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let values = self.fields.iter().map(|(_, value)| value.trim());
        values.filter(|value| value.contains(char::is_whitespace))
    }

    /// The fields in which the form for signing in carries it on.
    pub fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="unsent-to" value=(self.path);
            input type="hidden" name="unsent" value=(self.body);
        }
    }

    fn written(&self, language: Language) -> Markup {
        html! {
            h2 { (texts::text(language, "unsent-written")) }
            @for text in self.texts() { p.quoted { bdi { (text) } } }
        }
    }

    /// The page that shows it again after signing in. Who wrote it isn't known: the page names who would
    /// send it.
    pub fn again(&self, language: Language, session: &Session) -> Response {
        let t = |key| texts::text(language, key);
        // The address of a form is the page's, or the page's with one word more.
        let page = match self.path.rsplit_once('/') {
            Some((page, _)) if !page.is_empty() => page,
            _ => "/",
        };
        let content = html! {
            h1 { (t("unsent-title")) }
            p.warning { (texts::text_with(language, "unsent-who", &[("name", session.person.name.as_str().into())])) }
            p role="status" { (t("unsent-look")) " " a href=(page) { (t("unsent-page")) } }
            (self.written(language))
            form method="post" action=(self.path) {
                input type="hidden" name="token" value=(session.form_token);
                @for (name, value) in &self.fields { input type="hidden" name=(name) value=(value); }
                button { (t("unsent-send")) }
            }
        };
        frame(language, &t("unsent-title"), content)
    }
}
