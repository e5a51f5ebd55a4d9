//! Finds the key of a request, from `Authorization: Bearer KEY` (or the password of `Basic`), and
//! checks that it has the right.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use obhut_app::casework::{self, Act, Actor, ApiKey, Person, Right, State, authorize};
use obhut_app::media;
use obhut_app::media::Current;

use crate::App;
use crate::fault::Fault;
use crate::metrics::Denial;

/// The key of a request, if it has the right.
pub(crate) async fn require(app: &App, headers: &HeaderMap, right: Right) -> Result<ApiKey, Fault> {
    Ok(authenticate_with_lists(app, headers, right).await?.0)
}

/// Like [`require`]. Also returns the lists, disputes and keys as they were when the key was looked
/// up.
pub(crate) async fn authenticate_with_lists(
    app: &App,
    headers: &HeaderMap,
    right: Right,
) -> Result<(ApiKey, Current), Fault> {
    let secret = sent(app, headers)?;
    authenticate_secret(app, &secret, right).await
}

/// The secret that a request's headers hold.
fn sent(app: &App, headers: &HeaderMap) -> Result<String, Fault> {
    let (scheme, rest) = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .unwrap_or_default();
    if scheme.eq_ignore_ascii_case("basic") && is_from_another_site(headers) {
        app.metrics.denied(Denial::OtherSite);
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "other-site",
            "a page of another site sent this, with the key that the browser keeps; send the key as `Authorization: Bearer …`",
        ));
    }
    secret(scheme, rest.trim()).ok_or_else(|| {
        app.metrics.denied(Denial::NoKey);
        unauthorised("send a key as `Authorization: Bearer …`")
    })
}

/// True if a browser says that a page of another site made the request. A browser that was given a
/// key as a password once sends it with every request, also those of other sites' pages.
pub(crate) fn is_from_another_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|v| v.to_str().unwrap_or_default());
    // Source: Fetch Metadata Request Headers (W3C), 2.3. `none` is what a person typed.
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let origin = text(header::ORIGIN.as_str());
    origin.is_some_and(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_none() || host != text(header::HOST.as_str())
    })
}

/// The key of a request, if it has one of the rights. Whether the key's person may do what
/// the request asks is checked when it is done.
pub(crate) async fn require_any(
    app: &App,
    headers: &HeaderMap,
    rights: &[Right],
) -> Result<ApiKey, Fault> {
    let secret = sent(app, headers)?;
    let current = media::current(&app.casework).await?;
    let key = known_key(app, &current, &secret)?;
    match rights.iter().any(|right| key.has(*right)) {
        true => Ok(key),
        false => Err(lacks(app, &key, rights[0])),
    }
}

/// The key with this secret; counts and logs the failure if there is none in force.
fn known_key(app: &App, current: &Current, secret: &str) -> Result<ApiKey, Fault> {
    if let Some(key) = current.key(secret) {
        app.key_uses.note(app, &key.id);
        return Ok(key.clone());
    }
    match current.lapsed_key(secret) {
        Some(id) => {
            if app.metrics.denied(Denial::Lapsed) {
                tracing::warn!(key = id, "a key that was revoked or has expired was sent");
            }
        }
        None => {
            if app.metrics.denied(Denial::Unknown) {
                tracing::warn!("an unknown key was sent");
            }
        }
    }
    Err(unauthorised(
        "this key is unknown, was revoked or has expired",
    ))
}

fn lacks(app: &App, key: &ApiKey, right: Right) -> Fault {
    if app.metrics.denied(Denial::NoRight) {
        tracing::warn!(key = key.id, right = %right, "a key was sent that lacks the right");
    }
    Fault::new(
        StatusCode::FORBIDDEN,
        "no-right",
        format!("this key lacks the right {right}; use one that has it"),
    )
}

fn unauthorised(message: &str) -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, "unauthorised", message)
}

/// The key with this secret, if it has the right, and the lists as of that moment. The secret may
/// come from a header or from the form of a page.
pub(crate) async fn authenticate_secret(
    app: &App,
    secret: &str,
    right: Right,
) -> Result<(ApiKey, Current), Fault> {
    let current = media::current(&app.casework).await?;
    let key = known_key(app, &current, secret)?;
    if !key.has(right) {
        return Err(lacks(app, &key, right));
    }
    // A person's key opens nothing once the person is removed or has no role left.
    if key.person.is_some() {
        let person = person(app, &key).await?;
        let refused = person.removed || person.roles.is_empty();
        if refused && app.metrics.denied(Denial::NoRole) {
            tracing::warn!(key = key.id, "the key of a person without a role was sent");
        }
        let why = match person.removed {
            true => "has been removed and can no longer act",
            false => "has no role; an administrator can give one",
        };
        if refused {
            return Err(Fault::new(
                StatusCode::FORBIDDEN,
                "denied",
                format!("{} {why}", person.name),
            ));
        }
    }
    Ok((key, current))
}

/// Like [`acting`], with the key.
pub(crate) async fn acting_with(
    app: &App,
    headers: &HeaderMap,
    act: Act,
) -> Result<(Person, ApiKey), Fault> {
    let person = acting(app, headers, act).await?;
    let right = act.gate().right.expect("a key opened it");
    Ok((person, require(app, headers, right).await?))
}

/// The person a request acts for, if both the key and the person are allowed to do `act`.
pub(crate) async fn acting(app: &App, headers: &HeaderMap, act: Act) -> Result<Person, Fault> {
    // Some actions exist at the shell only (authorize.rs): no key opens them.
    let right = act.gate().right.ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "denied",
            "no key is enough for this; it is done on the server's command line",
        )
    })?;
    let key = require(app, headers, right).await?;
    let person = person(app, &key).await?;
    let actor = Actor::Key {
        key: &key,
        person: Some(&person),
    };
    // Four-eyes rules and the state of a case are checked in casework, where the action happens.
    if let Err(e) = authorize(&actor, act, State::Any) {
        if app.metrics.denied(Denial::NoRole) {
            tracing::warn!(key = key.id, act = ?act, "a person was refused an act for want of a role");
        }
        return Err(e.into());
    }
    Ok(person)
}

/// The key from a Bearer header, or from the password of a Basic one, for clients that support only
/// Basic.
fn secret(scheme: &str, rest: &str) -> Option<String> {
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64::engine::general_purpose::STANDARD
        .decode(rest)
        .ok()?;
    let pair = String::from_utf8(pair).ok()?;
    // The user's name is ignored; everything after the first colon is the password (RFC 7617).
    pair.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// The person a key acts for.
async fn person(app: &App, key: &ApiKey) -> Result<Person, Fault> {
    let id = key.person.as_deref().ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "no-person",
            "this key belongs to no person; use a key of a person",
        )
    })?;
    Ok(casework::person(&app.casework, id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: a page of another site could send reports with the key that a browser had been
    /// given as a password.
    #[test]
    fn a_browsers_word_for_another_site_is_taken() {
        for (headers, other) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (
                &[
                    ("origin", "https://obhut.example"),
                    ("host", "obhut.example"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "https://evil.example"),
                    ("host", "obhut.example"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "http://obhut.example:81"),
                    ("host", "obhut.example"),
                ],
                true,
            ),
            (&[("origin", "null"), ("host", "obhut.example")], true),
            (&[("origin", "https://obhut.example")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_from_another_site(&map), other, "{headers:?}");
        }
    }
}
