//! Whose request this is: `Authorization: Bearer KEY`, and what the key opens.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use obhut_app::casework::{self, Act, Actor, ApiKey, Person, Right, State, authorize};
use obhut_app::media;
use obhut_app::media::Current;

use crate::App;
use crate::fault::Fault;

/// The key of a request, if it has the right.
pub(crate) async fn require(app: &App, headers: &HeaderMap, right: Right) -> Result<ApiKey, Fault> {
    Ok(allowed(app, headers, right).await?.0)
}

/// The same, with the lists as they were when the key was looked at.
pub(crate) async fn allowed(
    app: &App,
    headers: &HeaderMap,
    right: Right,
) -> Result<(ApiKey, Current), Fault> {
    let unauthorised =
        |message: &str| Fault::new(StatusCode::UNAUTHORIZED, "unauthorised", message);
    let secret = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .and_then(|(scheme, rest)| secret(scheme, rest.trim()))
        .ok_or_else(|| unauthorised("send a key as `Authorization: Bearer …`"))?;
    let current = media::current(&app.casework).await?;
    let key = current.key(&secret).cloned();
    let key = key.ok_or_else(|| unauthorised("this key is unknown, was revoked or has ended"))?;
    if !key.has(right) {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "no-right",
            format!("this key has no right {right}"),
        ));
    }
    // A key of a person opens nothing that a person without any role could see.
    if key.person.is_some() {
        let person = person(app, &key).await?;
        if person.removed || person.roles.is_empty() {
            return Err(Fault::new(
                StatusCode::FORBIDDEN,
                "denied",
                format!("{} has no role any more", person.name),
            ));
        }
    }
    Ok((key, current))
}

/// The person a request acts for, if both the key and the person may do it.
pub(crate) async fn acting(app: &App, headers: &HeaderMap, act: Act) -> Result<Person, Fault> {
    let right = act
        .gate()
        .right
        .ok_or_else(|| Fault::new(StatusCode::FORBIDDEN, "denied", "no key opens this"))?;
    let key = require(app, headers, right).await?;
    let person = person(app, &key).await?;
    let actor = Actor::Key {
        key: &key,
        person: Some(&person),
    };
    authorize(&actor, act, State::Any)?;
    Ok(person)
}

/// A key as it is, or as the password of whatever user: some clients know no other way.
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
    pair.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// The person a key acts for.
async fn person(app: &App, key: &ApiKey) -> Result<Person, Fault> {
    let id = key.person.as_deref().ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "no-person",
            "this key is nobody's; decisions need a person's key",
        )
    })?;
    Ok(casework::person(&app.casework, id).await?)
}
