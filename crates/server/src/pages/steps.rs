//! The first steps, each with its state: a list, two signatures, a test picture that is blocked, where
//! reports go.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act};
use obhut_app::media::{self, ListSettings};

use super::Page;
use crate::console::{Sent, Visit, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/first/steps",
    routes: |router| {
        router
            .route("/first/steps", get(show))
            .route("/first/list", post(import))
            .route("/first/test-picture.png", get(picture))
    },
    listed: None,
};

const TEST_PICTURE: &[u8] = include_bytes!("../../assets/test-picture.png");
const TEST_LIST: &str = include_str!("../../assets/test-list.csv");
/// What leads to a first report, at the command line.
const REPORTING: &str = "obhut settings reporter --service \"Example\" --email reports@example.org
obhut destination set ncmec --user USER --password-file FILE
obhut route --help";
/// Name of the list that has only the test picture.
const TEST_LIST_NAME: &str = "test-picture";

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.acting(Act::SignList)?;
    let casework = &visit.app.casework;
    let lists = media::all_lists(casework).await?;
    // Any list counts: who has imported their own needs no test list.
    let matching = lists.iter().any(|l| l.matching_version.is_some());
    let has_test = lists.iter().any(|l| l.name == TEST_LIST_NAME);
    let cases: i64 = casework::case_counts(casework)
        .await?
        .iter()
        .map(|(_, n)| n)
        .sum();
    let routes = casework::routes(casework).await?;
    let curl = format!(
        "curl -H \"Authorization: Bearer {}\" -H \"Obhut-Account: user-1\" --data-binary @test-picture.png {}/v1/screen",
        visit.t("first-platform-key"),
        visit.origin()
    );
    let content = html! {
        h1 { (visit.t("first")) }
        ol.steps {
            (step(visit, !lists.is_empty(), "first-step-list", html! {
                @if !has_test {
                    form method="post" action="/first/list" {
                        (visit.token())
                        input type="hidden" name="test" value="yes";
                        button.quiet { (visit.t("first-test-list")) }
                    }
                    p.hint { (visit.t("first-test-list-words")) }
                }
                (own_list(visit))
            }))
            (step(visit, matching, "first-step-sign", html! { p { a href="/lists" { (visit.t("lists")) } } p.hint { (visit.t("first-sign-words")) } }))
            (step(visit, cases > 0, "first-step-try", html! {
                p { a href="/first/test-picture.png" download="test-picture.png" { (visit.t("first-picture")) } }
                pre { (curl) }
                p.hint { (visit.t("first-try-words")) }
            }))
            (step(visit, !routes.is_empty(), "first-step-report", html! {
                p.hint { (visit.t("first-report-words")) }
                pre { (REPORTING) }
                p { a href="/setup" { (visit.t("setup")) } }
            }))
        }
    };
    Ok(visit.page(&visit.t("first"), content))
}

fn step(visit: &Visit, done: bool, title: &'static str, more: Markup) -> Markup {
    html! {
        li {
            h2 { (visit.t(title)) " " span.status { (visit.t(if done { "first-done" } else { "first-open" })) } }
            @if done { details { summary { (visit.t("more")) } (more) } } @else { (more) }
        }
    }
}

/// A form for a list of one's own.
fn own_list(visit: &Visit) -> Markup {
    html! {
        details {
            summary { (visit.t("first-own-list")) }
            form method="post" action="/first/list" {
                (visit.token())
                label for="list" { (visit.t("name")) }
                input id="list" name="list" required maxlength="100" autocomplete="off";
                label for="owner" { (visit.t("list-owner")) }
                input id="owner" name="owner" required maxlength="200" autocomplete="off";
                label for="basis" { (visit.t("list-basis")) }
                input id="basis" name="basis" required maxlength="500" autocomplete="off";
                label for="csv" { (visit.t("first-csv")) }
                textarea id="csv" name="csv" rows="6" required spellcheck="false" placeholder="kind,digest" {}
                p.hint { (visit.t("first-csv-words")) " " code { "obhut list import" } }
                button.quiet { (visit.t("first-import")) }
            }
        }
    }
}

async fn import(sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::SignList)?;
        let is_test = sent.get("test") == "yes";
        let settings = match is_test {
            true => ListSettings {
                name: TEST_LIST_NAME.into(),
                owner: "obhut".into(),
                purpose: casework::Purpose::Assessed,
                basis: "trial with a generated picture".into(),
                action: casework::Action::Block,
            },
            // Held, not blocked: a list that hasn't been tried yet shouldn't lose an upload.
            false => ListSettings {
                name: sent.get("list").trim().into(),
                owner: sent.get("owner").trim().into(),
                purpose: casework::Purpose::Assessed,
                basis: sent.get("basis").trim().into(),
                action: casework::Action::Hold,
            },
        };
        // Short: the whole form is bounded. Long lists come in at the command line.
        let csv = if is_test { TEST_LIST } else { sent.get("csv") };
        media::import_list(&visit.app.casework, &settings, csv.as_bytes(), &person.id).await?;
        Ok(to_page("/first/steps"))
    };
    visit.answer(made.await)
}

async fn picture(visit: Visit) -> Response {
    match visit.acting(Act::SignList) {
        Ok(_) => ([(header::CONTENT_TYPE, "image/png")], TEST_PICTURE).into_response(),
        Err(fault) => visit.answer(Err(fault)),
    }
}

/// The way to the first steps, for a person who can take them, while nothing is recognised yet.
pub(super) async fn way(visit: &Visit) -> Result<Markup, Fault> {
    if !visit.may(Act::SignList) {
        return Ok(html! {});
    }
    let lists = media::all_lists(&visit.app.casework).await?;
    let matching = lists.iter().any(|l| l.matching_version.is_some());
    Ok(html! {
        @if !matching { p.notice { (visit.t("first-nothing-yet")) " " a href="/first/steps" { (visit.t("first")) } } }
    })
}
