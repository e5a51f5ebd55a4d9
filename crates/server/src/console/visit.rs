//! A signed-in person's request for a page, and the forms that pages send.

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fluent_bundle::FluentValue;
use maud::{Markup, html};
use obhut_app::casework::{
    self, Act, Actor, PendingDecision, Person, Right, Session, State, authorize,
};

use super::{InPages as _, Language, frame_of, in_english};
use crate::fault::Fault;
use crate::{App, access, texts};

/// The name of the cookie that holds a session's secret.
pub(crate) const COOKIE: &str = "obhut-session";

/// A request for a page by a person who is signed in. A request without a session is sent to the
/// page for signing in.
pub(crate) struct Visit {
    pub app: App,
    pub session: Session,
    pub language: Language,
    /// What this person decided on pages and has not taken effect.
    pub pending: Vec<PendingDecision>,
    origin: String,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let language = Language::of(&parts.headers);
        let session = match secret(&parts.headers) {
            Some(secret) => casework::session(&app.casework, secret).await,
            None => Ok(None),
        };
        match session {
            Ok(Some(session)) => {
                let person = &session.person.id;
                let pending = match app.outside.can_undo {
                    true => casework::pending_decisions(&app.casework, person).await,
                    false => Ok(Vec::new()),
                };
                Ok(Self {
                    app: app.clone(),
                    language,
                    pending: pending.map_err(|e| fault_page(language, None, e.into()))?,
                    session,
                    origin: origin(&parts.headers),
                })
            }
            // A page can be asked for again after signing in; for a form see `Sent`.
            Ok(None) => {
                let to = match parts.method {
                    Method::GET => parts.uri.path_and_query().map_or("/", |p| p.as_str()),
                    _ => "/",
                };
                let to: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
                Err(to_page(&format!("/sign-in?to={to}")))
            }
            Err(e) => Err(fault_page(language, None, e.into())),
        }
    }
}

/// The names of people by their ids.
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// A person's name; the id itself for who was removed and for what isn't a person, such as a key.
    pub fn of<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// Scheme, host and port under which a browser reached this server. A browser names them itself when it
/// sends a form; for a page it names the host, and a proxy the scheme.
pub(crate) fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(origin) = text("origin").filter(|origin| origin.contains("://")) {
        return origin.to_owned();
    }
    let host = text("host").unwrap_or("127.0.0.1:8080");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        Some(_) => "http",
        None if is_here => "http",
        // A session is kept over TLS only, unless this machine itself is asked.
        None => "https",
    };
    format!("{scheme}://{host}")
}

/// The secret in the cookies of a request.
pub(crate) fn secret(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let pairs = cookies.filter_map(|v| v.to_str().ok());
    let mut pairs = pairs.flat_map(|v| v.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// An answer that sends the browser to another page.
pub(crate) fn to_page(path: &str) -> Response {
    let to = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

impl Visit {
    /// Scheme, host and port under which the browser reached this server.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The names of the people on record, without removed ones.
    pub async fn names(&self) -> Result<Names, Fault> {
        let people = casework::people(&self.app.casework).await?;
        Ok(Names(people.into_iter().map(|p| (p.id, p.name)).collect()))
    }

    /// A text in the language of the page.
    pub fn t(&self, key: &str) -> String {
        texts::text(self.language, key)
    }

    /// A text with values.
    pub fn t_with(&self, key: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        texts::text_with(self.language, key, values)
    }

    /// Whether this person may do it: both their roles and the key they signed in with allow it.
    pub fn may(&self, act: Act) -> bool {
        self.authorize(act).is_ok()
    }

    fn authorize(&self, act: Act) -> Result<(), casework::CaseworkError> {
        let actor = Actor::Key {
            key: &self.session.key,
            person: Some(&self.session.person),
        };
        authorize(&actor, act, State::Any)
    }

    /// The person, if they may do it.
    pub fn acting(&self, act: Act) -> Result<&Person, Fault> {
        self.authorize(act)?;
        Ok(&self.session.person)
    }

    /// Checks that the session's key has the right.
    pub fn require(&self, right: Right) -> Result<(), Fault> {
        match self.session.key.has(right) {
            true => Ok(()),
            false => Err(Fault::new(
                StatusCode::FORBIDDEN,
                "no-right",
                format!(
                    "the key you signed in with lacks the right {right}; sign in with one that has it"
                ),
            )),
        }
    }

    /// The page, or one that says what went wrong.
    pub fn answer(&self, made: Result<Response, Fault>) -> Response {
        made.unwrap_or_else(|fault| fault_page(self.language, Some(self), fault))
    }

    /// A page with the navigation. `title` is also its heading.
    pub fn page(&self, title: &str, content: Markup) -> Response {
        frame_of(self.language, Some(self), title, content)
    }

    /// The field by which a form proves that it comes from a page of this session.
    pub fn token(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.session.form_token); }
    }

    /// A time, with its zone.
    pub fn time(&self, micros: i64) -> Markup {
        html! { time datetime=(casework::rfc3339(micros)) { (self.shown_time(micros)) } }
    }

    /// A time as it is shown.
    pub fn shown_time(&self, micros: i64) -> String {
        let Ok(at) = jiff::Timestamp::from_microsecond(micros) else {
            return casework::rfc3339(micros);
        };
        let form = self
            .language
            .pick("%-d %b %Y, %H:%M UTC", "%d.%m.%Y, %H:%M UTC");
        at.strftime(form).to_string()
    }

    /// A day in UTC, from its number since 1970-01-01.
    pub fn day(&self, day: i64) -> String {
        let at = day.checked_mul(24 * 60 * 60);
        let at = at.and_then(|s| jiff::Timestamp::from_second(s).ok());
        let form = self.language.pick("%-d %b", "%d.%m.");
        at.map_or_else(|| day.to_string(), |at| at.strftime(form).to_string())
    }

    /// How long ago it was, in the largest unit that fits.
    pub fn age(&self, micros: i64) -> String {
        let minutes = (now() - micros).max(0) / 60_000_000;
        let (key, n) = match minutes {
            0..60 => ("age-minutes", minutes),
            60..2_880 => ("age-hours", minutes / 60),
            _ => ("age-days", minutes / 1_440),
        };
        self.t_with(key, &[("n", n.into())])
    }
}

/// This machine's time, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// A page that says what failed and what to do. The detail is the library's, in English.
pub(super) fn fault_page(language: Language, visit: Option<&Visit>, fault: Fault) -> Response {
    let (status, message) = fault.into_parts();
    let key = match status {
        StatusCode::FORBIDDEN => "fault-denied",
        StatusCode::NOT_FOUND => "fault-missing",
        StatusCode::CONFLICT => "fault-conflict",
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => "fault-invalid",
        s if s.is_client_error() => "fault-request",
        _ => "fault-ours",
    };
    let next = match status {
        StatusCode::FORBIDDEN => "fault-denied-next",
        StatusCode::NOT_FOUND => "fault-missing-next",
        StatusCode::CONFLICT => "fault-conflict-next",
        s if s.is_client_error() => "fault-request-next",
        _ => "fault-ours-next",
    };
    let title = texts::text(language, key);
    let content = html! {
        h1 { (title) }
        p role="alert" class="warning" { (in_english(language, &message)) }
        p { (texts::text(language, next)) }
        @if visit.is_none() { p { a href="/" { (texts::text(language, "fault-to-start")) } } }
    };
    let mut page = frame_of(language, visit, &title, content);
    *page.status_mut() = status;
    page
}

/// A form that a page of this session sent.
pub(crate) struct Sent {
    pub visit: Visit,
    headers: HeaderMap,
    fields: Vec<(String, String)>,
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let elsewhere = access::is_from_another_site(&parts.headers);
        let visit = match Visit::from_request_parts(&mut parts, app).await {
            Ok(visit) => visit,
            // Another site's form is not kept: no person here wrote it.
            Err(refused) if elsewhere => return Err(refused),
            Err(refused) => {
                let request = Request::from_parts(parts, body);
                return Err(super::unsent::kept(request, app, refused).await);
            }
        };
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        let body = match String::from_request(request, app).await {
            Ok(body) => body,
            Err(refused) => {
                let fault = Fault::new(refused.status(), "bad-request", refused.body_text());
                return Err(visit.answer(Err(fault)));
            }
        };
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let sent = Self {
            visit,
            headers,
            fields,
        };
        // Compared as digests are: the token is keyed, so how long a comparison takes says nothing
        // that a guess could use.
        if elsewhere || sent.get("token") != sent.visit.session.form_token {
            let fault = Fault::new(
                StatusCode::FORBIDDEN,
                "other-form",
                "this form isn't one of this session; open the page again and send its form",
            );
            return Err(sent.visit.answer(Err(fault)));
        }
        Ok(sent)
    }
}

impl Sent {
    /// The headers it came with.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The field's value; empty without one.
    pub fn get(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        fields
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// Names that begin with `prefix`, without it, and their values.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        let fields = self.fields.iter();
        fields.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}
