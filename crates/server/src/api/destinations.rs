//! `/v1/destinations`: where reports can go, and how each is reached. Secrets go in and never come
//! out.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use obhut_app::casework::{self, Act, Channel, Right, Sealed};
use obhut_app::partners::destinations;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

#[derive(Serialize, ToSchema)]
pub(crate) struct DestinationBody {
    name: &'static str,
    title: &'static str,
    /// Its address without user, path and query, or `mailto:` and the e-mail address where packages
    /// go by mail; null if no URL is set.
    address: Option<String>,
    /// True if a password or signing secret is set.
    has_secret: bool,
    /// The age key that packages are encrypted to.
    recipient: Option<String>,
    /// The authority's e-mail address, if packages go by mail.
    mail_to: Option<String>,
    /// Reference of the authority's written instruction that files may come by mail.
    media_instruction: Option<String>,
    /// Id of the officer who answers for what is sent.
    officer: Option<String>,
    /// True if reports go to the production service.
    production: bool,
    /// Why nothing is sent there at the moment.
    halted: Option<String>,
    /// What has to be set before anything can be sent there.
    missing: Option<&'static str>,
}

/// What is to change; an omitted field keeps its value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DestinationRequest {
    /// Its address: https, or http on this machine. For packages by mail, the mail server's
    /// address, such as `smtps://mail.example.org`.
    url: Option<String>,
    /// User name there.
    user: Option<String>,
    /// Password or signing secret.
    secret: Option<Secret>,
    /// The age key (age1…) packages are encrypted to.
    recipient: Option<String>,
    /// The authority's e-mail address, for packages by the mail server that `url` names.
    mail_to: Option<String>,
    /// Reference of the authority's written instruction that files may come by mail.
    media_instruction: Option<String>,
    /// Id of the officer who answers for what is sent.
    officer: Option<String>,
    /// Use the production service; needs credentials and an officer.
    production: Option<bool>,
}

/// A password; never shown, not even in a log of requests.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Secret(String);

/// The error message for an unknown destination; it lists the known ones.
pub(super) fn unknown_text(name: &str) -> String {
    let all: Vec<_> = destinations::ALL.iter().map(|d| d.form.name).collect();
    let name: String = name.chars().take(64).collect();
    format!(
        "there is no destination {name:?}; there are {}",
        all.join(", ")
    )
}

fn unknown(name: &str) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "not-found", unknown_text(name))
}

/// Where reports can go, and how each is reached.
#[utoipa::path(get, path = "/v1/destinations", responses((status = 200, body = [DestinationBody]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<Vec<DestinationBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    let mut all = Vec::new();
    for destination in destinations::ALL {
        let form = destination.form;
        let channel = casework::channel(&app.casework, form.name).await?;
        all.push(DestinationBody {
            missing: (destination.missing)(&channel),
            name: form.name,
            title: form.title,
            // The path of a webhook may be its credential.
            address: channel.url.as_ref().map(|_| channel.address()),
            has_secret: channel.secret.is_some(),
            recipient: channel.recipient,
            mail_to: channel.mail_to,
            media_instruction: channel.media_instruction,
            officer: channel.officer,
            production: channel.production,
            halted: channel.halted,
        });
    }
    Ok(Json(all))
}

/// Change how a destination is reached, which also ends a halt. If the address, the user, the age
/// key, `mail_to`, `media_instruction` or `production` changes, approved reports that haven't left
/// have to be approved again. A new host needs its `secret` in the same request. The folder for
/// packages can be set only at the shell.
#[utoipa::path(patch, path = "/v1/destinations/{name}", params(("name" = String, Path)), request_body = DestinationRequest, responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without an administrator"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "Changed at the same time by another request"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn set(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    given: Result<Object<DestinationRequest>, Fault>,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::SetUpDestinations).await?;
    let Object(given) = given?;
    let destination = destinations::by_name(&name).ok_or_else(|| unknown(&name))?;
    let mut channel = casework::channel(&app.casework, destination.form.name).await?;
    let known = channel.clone();
    let before = server(&channel);
    channel.production = given.production.unwrap_or(channel.production);
    channel.url = given.url.or(channel.url);
    // Checks an address that was set earlier, too: switching production off must not leave the
    // production address in place.
    if let Some(url) = &channel.url {
        destinations::check_address(url, channel.production, destination.by_mail)?;
    }
    // Otherwise the caller could have a stored password sent to another host.
    if server(&channel) != before && channel.secret.is_some() && given.secret.is_none() {
        return Err(Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "another host needs its password or signing secret: send `secret` in the same request",
        ));
    }
    if let Some(key) = given.recipient {
        destinations::check_recipient(&key)?;
        channel.recipient = Some(key);
    }
    if let Some(address) = given.mail_to {
        if !destination.by_mail {
            return Err(Fault::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "nothing is sent to this destination by mail",
            ));
        }
        destinations::check_mail(&address)?;
        channel.mail_to = Some(address);
    }
    if let Some(secret) = &given.secret {
        destinations::check_secret_of(&name, &secret.0)?;
    }
    channel.media_instruction = given.media_instruction.or(channel.media_instruction);
    channel.user = given.user.or(channel.user);
    channel.secret = given.secret.map(|s| Sealed::new(s.0)).or(channel.secret);
    channel.officer = given.officer.or(channel.officer);
    casework::replace_channel(&app.casework, &known, &channel, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resume sending to a halted destination.
#[utoipa::path(post, path = "/v1/destinations/{name}/resumption", params(("name" = String, Path)), responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a reporting officer"), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn resume(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Fault> {
    let person = access::acting(&app, &headers, Act::ResumeSending).await?;
    let destination = destinations::by_name(&name).ok_or_else(|| unknown(&name))?;
    casework::resume_channel(&app.casework, destination.form.name, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The host that the channel's password is sent to.
fn server(channel: &Channel) -> String {
    Channel {
        mail_to: None,
        ..channel.clone()
    }
    .address()
}
