//! The first hour: a one-time address makes the first two people and the platform's key.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
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

/// Who did it, in the audit: there is nobody on record yet.
const ACTOR: &str = "first-hour";

/// A one-time address for setting up an installation that has nobody on record.
pub struct FirstHour {
    code: String,
    /// Held while people are made, so that the address can't be used twice at the same moment.
    making: Mutex<()>,
}

impl Default for FirstHour {
    fn default() -> Self {
        let mut code = [0; 16];
        getrandom::fill(&mut code).expect("the operating system provides randomness");
        Self {
            code: hex::encode(code),
            making: Mutex::default(),
        }
    }
}

impl FirstHour {
    /// Path and query of the address, with its 128-bit secret.
    pub fn path(&self) -> String {
        format!("/first?code={}", self.code)
    }
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    code: String,
}

async fn ask(State(app): State<App>, Query(given): Query<Given>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    match open(&app, &given.code).await {
        Ok(_) => form(language, &given.code, None),
        Err(fault) => refused(language, fault),
    }
}

/// The first hour, if the code is its own and nobody is on record yet.
async fn open<'a>(app: &'a App, code: &str) -> Result<&'a FirstHour, Fault> {
    let first = app.outside.first_hour.as_ref();
    // How long the comparison takes says nothing that a guess of 128 random bits could use.
    let first = first.filter(|first| first.code == code).ok_or_else(|| {
        Fault::new(
            StatusCode::FORBIDDEN,
            "denied",
            "this isn't the address that `obhut serve` printed when it started; restart it for a new one",
        )
    })?;
    match casework::people(&app.casework).await?.is_empty() {
        true => Ok(first),
        false => Err(Fault::new(
            StatusCode::CONFLICT,
            "refused",
            "people are on record already, so the address is used up; sign in with your key",
        )),
    }
}

fn refused(language: Language, fault: Fault) -> Response {
    let (status, message) = fault.into_parts();
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("first")) }
        p role="alert" class="warning" { (crate::console::in_english(language, &message)) }
        p { a href="/sign-in" { (t("sign-in")) } }
    };
    let mut page = frame(language, &t("first"), content);
    *page.status_mut() = status;
    page
}

fn form(language: Language, code: &str, wrong: Option<&str>) -> Response {
    let t = |key| texts::text(language, key);
    let content = html! {
        h1 { (t("first")) }
        @if let Some(wrong) = wrong { p role="alert" class="warning" { (crate::console::in_english(language, wrong)) } }
        p { (t("first-words")) }
        form method="post" action="/first" {
            input type="hidden" name="code" value=(code);
            label for="name" { (t("first-name")) }
            input id="name" name="name" autocomplete="name" required maxlength="100" autofocus;
            label for="second" { (t("first-second")) }
            input id="second" name="second" autocomplete="off" required maxlength="100" aria-describedby="second-why";
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
    let (mut code, mut name, mut second) = (String::new(), String::new(), String::new());
    for (field, value) in url::form_urlencoded::parse(body.as_bytes()) {
        match field.as_ref() {
            "code" => code = value.into_owned(),
            "name" => name = value.trim().to_owned(),
            "second" => second = value.trim().to_owned(),
            _ => {}
        }
    }
    if access::is_from_another_site(&headers) {
        return refused(
            language,
            Fault::new(
                StatusCode::FORBIDDEN,
                "other-site",
                "a page of another site sent this; open the address that `obhut serve` printed",
            ),
        );
    }
    let Some(first) = app.outside.first_hour.as_ref() else {
        return refused(language, open(&app, &code).await.err().unwrap_or_else(gone));
    };
    let _turn = first.making.lock().await;
    if let Err(fault) = open(&app, &code).await {
        return refused(language, fault);
    }
    if name.to_lowercase() == second.to_lowercase() {
        return form(
            language,
            &code,
            Some("a list's two signatures are of two people; name another one"),
        );
    }
    match people(&app.casework, &name, &second).await {
        Ok(made) => shown(language, &headers, &app.casework, &made),
        Err(CaseworkError::Invalid { why, .. }) => form(language, &code, Some(&why)),
        Err(e) => refused(language, e.into()),
    }
}

fn gone() -> Fault {
    Fault::new(
        StatusCode::FORBIDDEN,
        "denied",
        "there is nothing to set up",
    )
}

async fn people(casework: &Casework, name: &str, second: &str) -> Result<Made, CaseworkError> {
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
    let curl = format!(
        "curl -H \"Authorization: Bearer {}\" --data-binary @picture.png {here}/v1/screen",
        made.platform
    );
    let key = &made.platform;
    let nginx = format!(
        "proxy_set_header Authorization \"Bearer {key}\";\nproxy_pass {here}/v1/hooks/nginx;"
    );
    let s3 = format!("POST {here}/v1/hooks/s3?surface=public\nAuthorization: Bearer {key}");
    let hma = here.replacen("://", &format!("://hma:{key}@"), 1);
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
        h3 { (t("first-curl")) }
        pre { (curl) }
        h3 { ("nginx") }
        pre { (nginx) }
        p.hint { (t("first-nginx")) " " code { "examples/nginx.conf" } }
        h3 { ("S3") }
        pre { (s3) }
        h3 { ("HMA") }
        pre { (hma) }
        h2 { (t("first-backup")) }
        p { (t("first-backup-words")) }
        pre { (keys.display()) }
        h2 { (t("next")) }
        p { a href="/sign-in?to=/first/steps" { (t("first-go-on")) } }
    };
    frame(language, &t("first-made"), content)
}
