//! Reports of others that came in, the most pressing first, and each of them.

use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act, Right};
use obhut_app::intake::{self, Incoming, IncomingRow};
use serde::Deserialize;

use super::{Page, case};
use crate::asked;
use crate::console::{Sent, Visit, in_english, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/incoming",
    routes: |router| {
        router
            .route("/incoming", get(show))
            .route("/incoming/{incoming}", get(show_one))
            .route("/incoming/{incoming}/case", post(open))
    },
    listed: Some(("incoming", Act::OpenIncoming)),
};

/// Reports on one page. Our judgement: as in the queue of cases.
const ROWS: i64 = 50;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    from: i64,
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let made = page(&visit, asked.from.max(0)).await;
    visit.answer(made)
}

async fn page(visit: &Visit, from: i64) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    visit.acting(Act::OpenIncoming)?;
    let app = &visit.app;
    asked::note(app, &visit.session.key, asked::LIST_INCOMING, 1).await?;
    let mut rows = intake::incoming_queue(&app.casework, from, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let content = html! {
        h1 { (visit.t("incoming")) }
        @if rows.is_empty() { p { (visit.t("incoming-none")) } }
        @else { (table(visit, &rows)) }
        p {
            @if from > 0 { a href={ "/incoming?from=" ((from - ROWS).max(0)) } rel="prev" data-key="h" { (visit.t("previous")) } " " }
            @if more { a href={ "/incoming?from=" (from + ROWS) } rel="next" data-key="l" { (visit.t("more")) } }
        }
    };
    Ok(visit.page(&visit.t("incoming"), content))
}

fn table(visit: &Visit, rows: &[IncomingRow]) -> Markup {
    html! {
        div.scroll { table.rows {
            thead { tr {
                th.number scope="col" { (visit.t("queue-risk")) }
                th scope="col" { (visit.t("queue-why")) }
                th scope="col" { (visit.t("queue-waiting")) }
                th scope="col" { (visit.t("report")) }
                th scope="col" { (visit.t("case")) }
            } }
            tbody { @for row in rows {
                @let report = &row.incoming;
                tr class=(if report.at_risk >= casework::URGENT_SCORE && report.case.is_none() { "urgent" } else { "" }) {
                    td.number data-label=(visit.t("queue-risk")) { (report.at_risk) }
                    td data-label=(visit.t("queue-why")) { (reasons(visit, report)) }
                    td data-label=(visit.t("queue-waiting")) { @if report.case.is_none() { (visit.age(row.came_at)) } }
                    td data-label=(visit.t("report")) {
                        a href={ "/incoming/" (report.id) } { code { (report.id) } } " " (report.format.word())
                        (marks(visit, report))
                    }
                    td data-label=(visit.t("case")) {
                        @if let Some(case) = &report.case { a href={ "/cases/" (case) } { code { (case) } } }
                    }
                }
            } }
        } }
    }
}

fn reasons(visit: &Visit, report: &Incoming) -> Markup {
    html! {
        @if report.reasons.is_empty() { span.hint { (visit.t("queue-no-reason")) } }
        @else { ul.reasons { @for reason in &report.reasons {
            li { @match casework::rule_says(reason.rule.as_ref()) {
                Some((english, german)) => (visit.language.pick(english, german)),
                None => (in_english(visit.language, &reason.what)),
            } }
        } } }
    }
}

/// What a person should know before they open it.
fn marks(visit: &Visit, report: &Incoming) -> Markup {
    let understood = match report.understood {
        intake::Understood::Yes => None,
        intake::Understood::Partly => Some("incoming-partly"),
        intake::Understood::No => Some("incoming-unread"),
    };
    html! {
        @if let Some(key) = understood { br; span.warning { (visit.t(key)) } }
        @if let Some(first) = &report.duplicate_of { br; span.hint { (visit.t("incoming-duplicate")) " " (first) } }
        @if let Some(first) = &report.reupload_of { br; span.hint { (visit.t("incoming-reupload")) " " (first) } }
        @if let Some(case) = &report.earlier_case { br; span.hint { (visit.t("incoming-earlier")) " " (case) } }
    }
}

async fn show_one(visit: Visit, Path(incoming): Path<String>) -> Response {
    let made = one(&visit, &incoming).await;
    visit.answer(made)
}

async fn one(visit: &Visit, id: &str) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    let person = visit.acting(Act::OpenIncoming)?;
    let casework = &visit.app.casework;
    let (report, facts) = intake::incoming(casework, id).await?;
    casework::note(casework, &person.id, "intake.show", id, "page").await?;
    let content = html! {
        p { a href="/incoming" data-key="u" { (visit.t("incoming-back")) } }
        h1 { (visit.t("incoming-one")) " " code { (report.id) } }
        p { (report.format.word()) " · " (report.at_risk) " " (visit.t("of-hundred")) (marks(visit, &report)) }
        (reasons(visit, &report))
        @match &report.case {
            Some(case) => p { a href={ "/cases/" (case) } { (visit.t("incoming-has-case")) } },
            None => form.inline method="post" action={ "/incoming/" (report.id) "/case" } {
                (visit.token())
                button data-key="o" data-focus { (visit.t("incoming-open")) }
            },
        }
        (case::known(visit, facts.expose()))
    };
    Ok(visit.page(&visit.t("incoming-one"), content))
}

async fn open(Path(incoming): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::OpenIncoming)?;
        let case = intake::case_of_incoming(&visit.app.casework, &incoming, &person.id).await?;
        Ok(to_page(&format!("/cases/{case}")))
    };
    visit.answer(made.await)
}
