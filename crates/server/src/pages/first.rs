//! The first hour: a one-time address makes the first two people and the platform's key.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::html;
use obhut_app::casework::{self, Casework, CaseworkError, Person, Right, Role, Surface};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::Page;
use crate::console::{InPages as _, Language, frame, origin};
use crate::fault::Fault;
use crate::{App, access, texts};

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/first",
    routes: |router| router.route("/first", get(ask).post(make)),
    listed: None,
};

/// Who did it, in the audit: no person is on record yet.
const ACTOR: &str = "first-hour";

/// A one-time address for setting up an installation without a person on record.
pub struct FirstHour {
    code: String,
    /// What was made, until one of its people has signed in: a page that was closed, reloaded or never
    /// arrived can be opened again. Locked while people are made, so that they are made once.
    made: Mutex<Option<Made>>,
}

impl Default for FirstHour {
    fn default() -> Self {
        let mut code = [0; 16];
        getrandom::fill(&mut code).expect("the operating system provides randomness");
        Self {
            code: hex::encode(code),
            made: Mutex::default(),
        }
    }
}

impl FirstHour {
    /// Path and query of the address, with its 128-bit secret.
    pub fn path(&self) -> String {
        format!("/first?code={}", self.code)
    }

    /// A person has signed in: the keys are where they belong, and are shown no more.
    pub(super) async fn end(&self) {
        *self.made.lock().await = None;
    }
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    code: String,
}

async fn ask(State(app): State<App>, Query(given): Query<Given>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    let Some(first) = first_hour(&app, &given.code) else {
        return refused(language, StatusCode::FORBIDDEN, "first-wrong");
    };
    if let Some(made) = first.made.lock().await.as_ref() {
        return shown(language, &headers, &app.casework, made);
    }
    match casework::people(&app.casework).await {
        Ok(people) if people.is_empty() => form(language, &Asked::of(&given.code), None),
        Ok(_) => refused(language, StatusCode::CONFLICT, "first-used"),
        Err(e) => Fault::from(e).into_response(),
    }
}

/// The first hour, if the code is its own.
fn first_hour<'a>(app: &'a App, code: &str) -> Option<&'a FirstHour> {
    // How long the comparison takes says nothing that a guess of 128 random bits could use.
    let first = app.outside.first_hour.as_ref();
    first.filter(|first| first.code == code)
}

fn refused(language: Language, status: StatusCode, why: &str) -> Response {
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("first")) }
        p role="alert" class="warning" { (t(why)) }
        p { a href="/sign-in" { (t("sign-in")) } }
    };
    let mut page = frame(language, &t("first"), content);
    *page.status_mut() = status;
    page
}

/// What the form is filled with.
#[derive(Default)]
struct Asked {
    code: String,
    name: String,
    second: String,
}

impl Asked {
    fn of(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            ..Self::default()
        }
    }
}

fn form(language: Language, asked: &Asked, wrong: Option<&str>) -> Response {
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("first")) }
        @if let Some(wrong) = wrong { p role="alert" class="warning" { (t(wrong)) } }
        p { (t("first-words")) }
        form method="post" action="/first" {
            input type="hidden" name="code" value=(asked.code);
            label for="name" { (t("first-name")) }
            input id="name" name="name" value=(asked.name) autocomplete="name" required maxlength="100" autofocus;
            label for="second" { (t("first-second")) }
            input id="second" name="second" value=(asked.second) autocomplete="off" required maxlength="100" aria-describedby="second-why";
            p.hint id="second-why" { (t("first-second-why")) }
            button { (t("first-make")) }
        }
    };
    let mut page = frame(language, &t("first"), content);
    if wrong.is_some() {
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    page
}

/// What was made. The keys exist only here, and are shown once.
struct Made {
    first: (Person, String),
    second: (Person, String),
    platform: String,
}

async fn make(State(app): State<App>, headers: HeaderMap, body: String) -> Response {
    let language = Language::of(&headers);
    let mut asked = Asked::default();
    for (field, value) in url::form_urlencoded::parse(body.as_bytes()) {
        let into = match field.as_ref() {
            "code" => &mut asked.code,
            "name" => &mut asked.name,
            "second" => &mut asked.second,
            _ => continue,
        };
        *into = value.trim().to_owned();
    }
    if access::is_from_another_site(&headers) {
        return refused(language, StatusCode::FORBIDDEN, "first-other-site");
    }
    if first_hour(&app, &asked.code).is_none() {
        return refused(language, StatusCode::FORBIDDEN, "first-wrong");
    }
    // In a separate task: a browser that hangs up must not leave half of it.
    let making = tokio::spawn(made(app.clone(), asked));
    match making.await {
        Ok(Ok(code)) => ask(State(app), Query(Given { code }), headers).await,
        Ok(Err((asked, CaseworkError::Invalid { .. }))) => {
            let same = asked.name.to_lowercase() == asked.second.to_lowercase();
            let wrong = match same && !asked.name.is_empty() {
                true => "first-same-name",
                false => "first-bad-name",
            };
            form(language, &asked, Some(wrong))
        }
        Ok(Err((_, CaseworkError::Conflict { .. }))) => {
            refused(language, StatusCode::CONFLICT, "first-used")
        }
        Ok(Err((_, e))) => Fault::from(e).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Makes the people and keeps their keys for the page; returns the code. If they are made already,
/// nothing happens.
async fn made(app: App, asked: Asked) -> Result<String, (Asked, CaseworkError)> {
    let Some(first) = first_hour(&app, &asked.code) else {
        return Err((asked, CaseworkError::conflict("there is nothing to set up")));
    };
    let mut made = first.made.lock().await;
    if made.is_some() {
        return Ok(asked.code);
    }
    let making = async {
        if !casework::people(&app.casework).await?.is_empty() {
            return Err(CaseworkError::conflict("people are on record already"));
        }
        if asked.name.to_lowercase() == asked.second.to_lowercase() {
            return Err(CaseworkError::invalid("name", "the two names are one"));
        }
        people(&app.casework, &asked.name, &asked.second).await
    };
    match making.await {
        Ok(now) => {
            *made = Some(now);
            Ok(asked.code)
        }
        Err(e) => Err((asked, e)),
    }
}

async fn people(casework: &Casework, name: &str, second: &str) -> Result<Made, CaseworkError> {
    // A small platform has no more people: both can do all that needs two.
    let all = [
        Role::Administrator,
        Role::ListSteward,
        Role::Reviewer,
        Role::ReportingOfficer,
    ];
    let rights = [Right::Cases, Right::Decide, Right::Findings, Right::Curate];
    // Both names are checked before either is on record: the second call could fail otherwise.
    casework::check_name(name)?;
    casework::check_name(second)?;
    let with_key = async |name: &str, roles: &[Role]| {
        let person = casework::add_person(casework, name, roles, ACTOR).await?;
        let (_, key) =
            casework::create_key(casework, "console", &rights, Some(&person), ACTOR).await?;
        Ok::<_, CaseworkError>((person, key))
    };
    // The first one last: an interruption leaves someone who can't administer, and the address says
    // what to do; the shell can do all of it.
    let second = with_key(second, &all[1..]).await?;
    let first = with_key(name, &all).await?;
    let screen = [Right::Screen];
    let (key, platform) = casework::create_key(casework, "platform", &screen, None, ACTOR).await?;
    // A platform's first request needn't say its surface; private messages need a basis first.
    casework::set_key_surface(casework, &key.id, Surface::Public, ACTOR).await?;
    Ok(Made {
        first,
        second,
        platform,
    })
}

fn shown(language: Language, headers: &HeaderMap, casework: &Casework, made: &Made) -> Response {
    let t = |key| texts::text(language, key);
    let keys = casework.folder().root().join("keys");
    let here = origin(headers);
    let key = &made.platform;
    let nginx = format!(
        "proxy_set_header Authorization \"Bearer {key}\";\nproxy_pass {here}/v1/hooks/nginx;"
    );
    let s3 = format!("POST {here}/v1/hooks/s3?surface=public\nAuthorization: Bearer {key}");
    let hma = "obhut key create --name hma --right screen --right findings --right curate --surface public";
    let content = html! {
        h1 { (t("first-made")) }
        p.notice { (t("first-once")) }
        @for (person, key) in [&made.first, &made.second] {
            h2 { bdi { (person.name) } }
            pre { (key) }
            p.hint { @for (n, role) in person.roles.iter().enumerate() { @if n > 0 { ", " } (texts::text(language, &format!("role-{}", role.word()))) } }
        }
        h2 { (t("first-platform")) }
        p { (t("first-platform-words")) }
        pre { (made.platform) }
        h3 { ("nginx") }
        pre { (nginx) }
        p.hint { (t("first-nginx")) " " code { "examples/nginx.conf" } }
        h3 { ("S3") }
        p.hint { (t("first-s3")) " " code { "obhut serve --s3" } }
        pre { (s3) }
        h3 { ("HMA") }
        p.hint { (t("first-hma")) }
        pre { (hma) }
        h2 { (t("first-backup")) }
        p { (t("first-backup-words")) }
        pre { (keys.display()) }
        h2 { (t("first-next")) }
        p { a href="/sign-in?to=/first/steps" { (t("first-go-on")) } }
    };
    frame(language, &t("first-made"), content)
}
