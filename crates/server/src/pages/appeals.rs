//! Appeals that wait, and each of them: what the person concerned wrote, and the form for the
//! decision of someone who wasn't involved.

use axum::extract::{DefaultBodyLimit, Path};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use maud::html;
use obhut_app::casework::{self, Act, AppealOutcome, Right};

use super::Page;
use crate::console::{Sent, Visit, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/appeals",
    routes: |router| {
        router
            .route("/appeals", get(show))
            .route("/appeals/{appeal}", get(show_one))
            .route(
                "/appeals/{appeal}/decision",
                post(decide).layer(DefaultBodyLimit::max(FORM_BYTES_MAX)),
            )
    },
    listed: Some(("appeals", Act::DecideAppeal)),
};

/// Longest posted decision, in bytes. Our judgement: 10,000 characters of grounds, of three bytes
/// each in UTF-8, each percent-encoded as three.
const FORM_BYTES_MAX: usize = 128 << 10;

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    visit.acting(Act::DecideAppeal)?;
    let open = casework::open_appeals(&visit.app.casework).await?;
    let content = html! {
        h1 { (visit.t("appeals")) }
        @if open.is_empty() { p { (visit.t("appeals-none")) } }
        @else { div.scroll { table.rows {
            thead { tr {
                th scope="col" { (visit.t("appeal")) }
                th scope="col" { (visit.t("queue-waiting")) }
                th scope="col" { (visit.t("case")) }
            } }
            tbody { @for appeal in &open { tr {
                td data-label=(visit.t("appeal")) { a href={ "/appeals/" (appeal.id) } { code { (appeal.id) } } }
                td data-label=(visit.t("queue-waiting")) { (visit.age(appeal.filed_at)) }
                td data-label=(visit.t("case")) { a href={ "/cases/" (appeal.case) } { code { (appeal.case) } } }
            } } }
        } } }
    };
    Ok(visit.page(&visit.t("appeals"), content))
}

async fn show_one(visit: Visit, Path(appeal): Path<String>) -> Response {
    let made = one(&visit, &appeal).await;
    visit.answer(made)
}

async fn one(visit: &Visit, id: &str) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    let person = visit.acting(Act::DecideAppeal)?;
    let casework = &visit.app.casework;
    let (appeal, reason) = casework::read_appeal(casework, id, person).await?;
    let decided = casework::decisions(casework, &appeal.case).await?.pop();
    let mine = decided.is_some_and(|d| d.person() == person.id);
    let content = html! {
        p { a href="/appeals" data-key="u" { (visit.t("appeals-back")) } }
        h1 { (visit.t("appeal")) " " code { (appeal.id) } }
        p {
            (visit.t("appeal-filed")) " " (visit.time(appeal.filed_at)) " · "
            a href={ "/cases/" (appeal.case) } data-key="c" { (visit.t("case")) " " code { (appeal.case) } }
        }
        h2 { (visit.t("appeal-text")) }
        p.quoted { bdi { (reason.expose()) } }
        @match appeal.outcome {
            Some(outcome) => {
                h2 { (visit.t(&format!("outcome-{}", outcome.word()))) }
                p { bdi { (appeal.name.as_deref().unwrap_or_default()) } ": " bdi { (appeal.grounds.as_deref().unwrap_or_default()) } }
            }
            None if mine => p.warning { (visit.t("appeal-not-you")) },
            None => {
                h2 { (visit.t("decide")) }
                p.hint { (visit.t("appeal-who")) }
                form.decide method="post" action={ "/appeals/" (appeal.id) "/decision" } {
                    (visit.token())
                    @for (outcome, key) in [(AppealOutcome::Upheld, "1"), (AppealOutcome::Rejected, "2")] {
                        label.choice { input type="radio" name="outcome" value=(outcome.word()) data-key=(key) required; " " (visit.t(&format!("appeal-{}", outcome.word()))) }
                    }
                    label for="grounds" { (visit.t("grounds")) }
                    textarea id="grounds" name="grounds" rows="4" required maxlength="10000" data-key="g" data-focus {}
                    button data-key="Enter" { (visit.t("decide")) }
                }
            }
        }
    };
    Ok(visit.page(&visit.t("appeal"), content))
}

async fn decide(Path(appeal): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::DecideAppeal)?;
        let outcome = AppealOutcome::from_word(sent.get("outcome")).ok_or_else(|| {
            Fault::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "choose an outcome",
            )
        })?;
        let casework = &visit.app.casework;
        let case = casework::case_of_appeal(casework, &appeal).await?;
        let grounds = sent.get("grounds");
        casework::decide_appeal(casework, &case, &appeal, person, outcome, grounds).await?;
        Ok(to_page(&format!("/appeals/{appeal}")))
    };
    visit.answer(made.await)
}
