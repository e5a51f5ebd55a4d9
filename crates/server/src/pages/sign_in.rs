//! Signing in with a person's key, and signing out.

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::html;
use obhut_app::casework::{self, CaseworkError};
use serde::Deserialize;

use super::Page;
use crate::console::{COOKIE, InPages as _, Language, Sent, Unsent, frame, secret, to_page};
use crate::fault::Fault;
use crate::metrics::Denial;
use crate::{App, access, texts};

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/sign-in",
    routes: |router| {
        router
            .route(
                "/sign-in",
                get(ask)
                    .merge(post(sign_in))
                    .layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
            )
            .route("/sign-out", post(sign_out))
    },
    listed: None,
};

/// Longest form, in bytes. It may hold another form of 64 KiB ([`Unsent`]), in which each byte is
/// encoded once more as at most three. Our judgement.
const BODY_BYTES_MAX: usize = 256 << 10;

#[derive(Deserialize)]
struct To {
    /// The page to go to.
    #[serde(default)]
    to: String,
    /// Set after signing in: a browser that comes without its session hasn't kept the cookie.
    kept: Option<String>,
}

/// Why the form is shown again.
enum Again {
    No,
    Refused,
    CookieNotKept,
    /// No person is on record, so there is no key to sign in with.
    NobodyYet,
}

async fn ask(State(app): State<App>, Query(given): Query<To>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    if let Some(secret) = secret(&headers)
        && let Ok(Some(_)) = casework::session(&app.casework, secret).await
    {
        return to_page(own(&given.to));
    }
    // A newcomer who opened this address first.
    let is_new = app.outside.first_hour.is_some()
        && casework::people(&app.casework)
            .await
            .is_ok_and(|people| people.is_empty());
    let again = match given.kept {
        _ if is_new => Again::NobodyYet,
        Some(_) => Again::CookieNotKept,
        None => Again::No,
    };
    form(language, &again, &given.to, None)
}

/// A path of this server; `/` for anything else, so that no link can lead to another site from here.
fn own(path: &str) -> &str {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    match path.starts_with('/') && !path.starts_with("//") && plain {
        true => path,
        false => "/",
    }
}

async fn sign_in(State(app): State<App>, headers: HeaderMap, body: String) -> Response {
    let language = Language::of(&headers);
    let (mut key, mut to) = (String::new(), String::new());
    let (mut unsent, mut unsent_to) = (String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(body.as_bytes()) {
        match name.as_ref() {
            "key" => key = value.trim().to_owned(),
            "to" => to = value.into_owned(),
            "unsent" => unsent = value.into_owned(),
            "unsent-to" => unsent_to = value.into_owned(),
            _ => {}
        }
    }
    let unsent = Unsent::of(&unsent_to, &unsent);
    // Otherwise another site could sign a person in under its own key and read what they enter.
    if access::is_from_another_site(&headers) {
        app.metrics.denied(Denial::OtherSite);
        return form(language, &Again::Refused, "", None);
    }
    match casework::begin_session(&app.casework, &key).await {
        Ok(session) => {
            if let Some(first) = &app.outside.first_hour {
                first.end().await;
            }
            let to: String = url::form_urlencoded::byte_serialize(own(&to).as_bytes()).collect();
            let mut answer = match unsent {
                Some(unsent) => match casework::session(&app.casework, session.expose()).await {
                    Ok(Some(new)) => unsent.again(language, &new),
                    _ => to_page("/sign-in?kept&to="),
                },
                None => to_page(&format!("/sign-in?kept&to={to}")),
            };
            set_cookie(&mut answer, &headers, session.expose(), None);
            answer
        }
        Err(CaseworkError::Denied { .. }) => {
            if app.metrics.denied(Denial::Unknown) {
                tracing::warn!("signing in was refused");
            }
            form(language, &Again::Refused, &to, unsent.as_ref())
        }
        Err(e) => Fault::from(e).into_response(),
    }
}

async fn sign_out(sent: Sent) -> Response {
    let headers = sent.headers().clone();
    let app = &sent.visit.app;
    if let Some(secret) = secret(&headers)
        && let Err(e) = casework::end_session(&app.casework, secret).await
    {
        return sent.visit.answer(Err(e.into()));
    }
    let mut answer = to_page("/sign-in");
    set_cookie(&mut answer, &headers, "", Some(0));
    // Not "cookies": that would end other sessions of the same domain, too.
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    answer
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), clear);
    answer
}

/// Not readable by scripts, never sent with another site's requests but for links, and only over
/// TLS unless this machine itself is asked.
fn set_cookie(answer: &mut Response, headers: &HeaderMap, value: &str, age_s: Option<u32>) {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let host = host.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let secure = if is_here { "" } else { "; Secure" };
    let age = age_s.map_or_else(String::new, |s| format!("; Max-Age={s}"));
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn form(language: Language, again: &Again, to: &str, unsent: Option<&Unsent>) -> Response {
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("sign-in")) }
        @match again {
            Again::No => {}
            Again::Refused => p role="alert" class="warning" { (t("sign-in-refused")) },
            Again::NobodyYet => p role="status" class="notice" { (t("sign-in-nobody-yet")) },
            Again::CookieNotKept => p role="alert" class="warning" { (t("sign-in-not-kept")) },
        }
        form method="post" action="/sign-in" {
            input type="hidden" name="to" value=(to);
            @if let Some(unsent) = unsent { (unsent.hidden()) }
            label for="key" { (t("sign-in-key")) }
            input id="key" name="key" type="password" autocomplete="off" required autofocus;
            button { (t("sign-in")) }
        }
        p class="hint" {
            (t("sign-in-make-key")) " " code { "obhut key create --person … --right cases --right decide --right findings" }
        }
        p class="hint" { (t("sign-in-hint")) }
        p class="hint" { a href="/appeal" { (t("sign-in-appeal")) } }
    };
    let mut page = frame(language, &t("sign-in"), content);
    if matches!(again, Again::Refused) {
        *page.status_mut() = StatusCode::FORBIDDEN;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_this_server_only() {
        for (given, expected) in [
            ("/cases?status=open", "/cases?status=open"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nb", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(own(given), expected, "{given:?}");
        }
    }
}
