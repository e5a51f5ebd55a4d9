//! Whose request this is: `Authorization: Bearer KEY`, and what the key opens.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use obhut_casework::{ApiKey, Current, Person, Right};

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
        .ok_or_else(|| {
            unauthorised("send a key as `Authorization: Bearer …`; `obhut key create` makes one")
        })?;
    let current = app.casework.current().await?;
    let key = current.key(&secret).cloned();
    let key = key.ok_or_else(|| unauthorised("this key is unknown or revoked"))?;
    if !key.has(right) {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "no-right",
            format!(
                "this key has no right {right}; `obhut key create --right {right}` makes one that has"
            ),
        ));
    }
    Ok((key, current))
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
pub(crate) async fn person(app: &App, key: &ApiKey) -> Result<Person, Fault> {
    let id = key.person.as_deref().ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "no-person",
            "this key is nobody's; decisions need a person's key",
        )
    })?;
    Ok(app.casework.person(id).await?)
}
