//! The queue of open cases, the most pressing first, and the lists of other cases, newest first.
//! Neither shows evidence or a name.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act, Case, CaseStatus, QueuePlace, Queued, Right};
use serde::Deserialize;

use super::Page;
use crate::asked;
use crate::console::{Sent, Visit, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/cases",
    routes: |router| {
        router
            .route("/cases", get(show))
            .route("/cases/next", post(next))
            .route("/cases/found", post(search))
            .route("/undo/{pending}", post(undo))
    },
    listed: Some(("cases", Act::ReadFacts)),
};

/// Cases on one page. Our judgement: more than a person decides in an hour, few enough to load
/// immediately.
const CASES_MAX: usize = 50;

#[derive(Deserialize)]
struct Asked {
    status: Option<String>,
    /// Where the page before ended.
    after: Option<String>,
    /// A case that was looked for by its id.
    id: Option<String>,
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    // A case, a report or an upload that was looked for.
    if let Some(id) = asked
        .id
        .as_deref()
        .map(str::trim)
        .filter(|id| !id.is_empty())
    {
        let found = found(&visit, id).await;
        return visit.answer(found);
    }
    let made = page(&visit, &asked).await;
    visit.answer(made)
}

/// Leads to what has this id.
async fn found(visit: &Visit, id: &str) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    let casework = &visit.app.casework;
    let page = match id.split_once('-') {
        Some(("case", _)) => format!("/cases/{}", casework::case(casework, id).await?.case.id),
        Some(("report", _)) => format!("/reports/{}", casework::report_row(casework, id).await?.id),
        Some(("in", _)) => format!("/incoming/{id}"),
        Some(("screen", _)) => {
            format!(
                "/cases/{}",
                casework::upload_status(casework, id).await?.case
            )
        }
        _ => {
            return Err(Fault::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "nothing on record has this id, and no case is about an account of this name",
            ));
        }
    };
    Ok(to_page(&page))
}

/// A form, not an address: the name of an account must not be in one.
fn search_form(visit: &Visit) -> Markup {
    html! {
        form.search role="search" method="post" action="/cases/found" {
            (visit.token())
            label for="what" { (visit.t("cases-find")) }
            input id="what" name="what" autocomplete="off" maxlength="500" required data-key="/" data-focus;
            button.quiet { (visit.t("cases-find-go")) }
        }
    }
}

/// Finds a case by its account or anything by its id.
async fn search(sent: Sent) -> Response {
    let made = searched(&sent).await;
    sent.visit.answer(made)
}

async fn searched(sent: &Sent) -> Result<Response, Fault> {
    let visit = &sent.visit;
    visit.require(Right::Cases)?;
    let person = visit.acting(Act::ReadFacts)?;
    let casework = &visit.app.casework;
    let what = sent.get("what").trim();
    // Accounts first: a platform may call an account `case-1`, and its cases are meant then.
    let about = casework::cases_about(casework, what, CASES_MAX).await?;
    // What was looked for is left out: it may be anybody's name.
    casework::note(casework, &person.id, "case.find", "account", "").await?;
    match about.as_slice() {
        [] => found(visit, what).await,
        [one] => Ok(to_page(&format!("/cases/{}", one.id))),
        several => {
            let content = html! {
                h1 { (visit.t("cases")) }
                (search_form(visit))
                p { (visit.t_with("cases-about", &[("n", several.len().into())])) }
                ul { @for case in several { li {
                    a href={ "/cases/" (case.id) } { code { (case.id) } } " · " (status_of(visit, case.status))
                    " · " (visit.time(case.opened_at))
                } } }
            };
            Ok(visit.page(&visit.t("cases"), content))
        }
    }
}

async fn page(visit: &Visit, asked: &Asked) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    let app = &visit.app;
    asked::note(app, &visit.session.key, asked::LIST_CASES, 1).await?;
    let word = asked.status.as_deref().unwrap_or("open");
    let status = word.parse::<CaseStatus>().map_err(Fault::bad_request)?;
    let counts = casework::case_counts(&app.casework).await?;
    let content = html! {
        h1 { (visit.t("cases")) }
        (search_form(visit))
        nav.tabs aria-label=(visit.t("cases-by-status")) {
            @for each in CaseStatus::ALL {
                @let count = counts.iter().filter(|(s, _)| s == each).map(|(_, n)| *n).sum::<i64>();
                a href={ "/cases?status=" (each.word()) } aria-current=[(*each == status).then_some("page")] {
                    (status_of(visit, *each)) " " (count)
                }
            }
        }
        @match status {
            CaseStatus::Open => (queue(visit, asked).await?),
            _ => (list(visit, asked, status).await?),
        }
    };
    let title = visit.t("cases");
    Ok(visit.page(&title, content))
}

async fn queue(visit: &Visit, asked: &Asked) -> Result<Markup, Fault> {
    let after = match asked.after.as_deref() {
        None => QueuePlace::start(),
        Some(text) => queue_place(text).ok_or_else(wrong_place)?,
    };
    let casework = &visit.app.casework;
    let mut page = casework::queue(casework, &after, CASES_MAX + 1).await?;
    let more = page.len() > CASES_MAX;
    page.truncate(CASES_MAX);
    let names = names(visit, &page).await?;
    let last = page.last().filter(|_| more);
    Ok(html! {
        @if page.is_empty() { p { (visit.t("queue-empty")) } }
        @else {
            @if visit.may(Act::DecideCase) { (next_button(visit)) }
            div.scroll { table.rows {
                thead { tr {
                    th.number scope="col" { (visit.t("queue-risk")) }
                    th scope="col" { (visit.t("queue-why")) }
                    th scope="col" { (visit.t("queue-waiting")) }
                    th scope="col" { (visit.t("case")) }
                    th scope="col" { (visit.t("queue-who")) }
                } }
                tbody { @for queued in &page { tr class=(if queued.at_risk >= casework::URGENT_SCORE { "urgent" } else { "" }) {
                    td.number data-label=(visit.t("queue-risk")) { (queued.at_risk) }
                    td data-label=(visit.t("queue-why")) { (reasons(visit, queued)) }
                    td data-label=(visit.t("queue-waiting")) { time datetime=(casework::rfc3339(queued.opened_at)) { (visit.age(queued.opened_at)) } }
                    td data-label=(visit.t("case")) { a href={ "/cases/" (queued.case) } { code { (queued.case) } } }
                    td data-label=(visit.t("queue-who")) {
                        @if let Some(by) = &queued.claimed_by { bdi { (names.get(by).map_or(by.as_str(), String::as_str)) } }
                    }
                } } }
            } }
            @if let Some(last) = last {
                @let place = last.place();
                p { a href={ "/cases?after=" (place.at_risk) "~" (place.opened_at) "~" (place.case) } rel="next" data-key="l" { (visit.t("more")) } }
            }
        }
    })
}

/// The rules that made a rank, in words.
pub(super) fn reasons(visit: &Visit, queued: &Queued) -> Markup {
    html! {
        @if queued.reasons.is_empty() { span.hint { (visit.t("queue-no-reason")) } }
        @else { ul.reasons {
            @for (english, german) in &queued.reasons { li { (visit.language.pick(english, german)) } }
        } }
    }
}

/// The names of those who are working on these cases, by id.
async fn names(
    visit: &Visit,
    page: &[Queued],
) -> Result<std::collections::HashMap<String, String>, Fault> {
    if page.iter().all(|q| q.claimed_by.is_none()) {
        return Ok(std::collections::HashMap::new());
    }
    let people = casework::people(&visit.app.casework).await?;
    Ok(people.into_iter().map(|p| (p.id, p.name)).collect())
}

async fn list(visit: &Visit, asked: &Asked, status: CaseStatus) -> Result<Markup, Fault> {
    let before = match asked.after.as_deref() {
        None => None,
        Some(text) => {
            let (opened_at, id) = text.split_once('~').ok_or_else(wrong_place)?;
            let opened_at = opened_at.parse().map_err(|_| wrong_place())?;
            Some((opened_at, id.to_owned()))
        }
    };
    let casework = &visit.app.casework;
    let mut page =
        casework::cases_before(casework, Some(status), before.as_ref(), CASES_MAX + 1).await?;
    let more = page.len() > CASES_MAX;
    page.truncate(CASES_MAX);
    Ok(html! {
        @if page.is_empty() { p { (visit.t("cases-none")) } }
        @else {
            (table(visit, &page))
            @if let (Some(last), true) = (page.last(), more) {
                p { a href={ "/cases?status=" (status.word()) "&after=" (last.opened_at) "~" (last.id) } rel="next" data-key="l" { (visit.t("more")) } }
            }
        }
    })
}

fn table(visit: &Visit, page: &[Case]) -> Markup {
    html! {
        div.scroll { table.rows {
            thead { tr {
                th scope="col" { (visit.t("case")) }
                th.number scope="col" { (visit.t("files")) }
                th scope="col" { (visit.t("case-opened")) }
                th scope="col" { (visit.t("case-changed")) }
            } }
            tbody { @for case in page { tr {
                td data-label=(visit.t("case")) { a href={ "/cases/" (case.id) } { code { (case.id) } } }
                td.number data-label=(visit.t("files")) { (case.files) }
                td data-label=(visit.t("case-opened")) { (visit.time(case.opened_at)) }
                td data-label=(visit.t("case-changed")) { (visit.time(case.changed_at)) }
            } } }
        } }
    }
}

pub(super) fn status_of(visit: &Visit, status: CaseStatus) -> String {
    visit.t(&format!("status-{}", status.word()))
}

fn queue_place(text: &str) -> Option<QueuePlace> {
    let mut parts = text.splitn(3, '~');
    Some(QueuePlace {
        at_risk: parts.next()?.parse().ok()?,
        opened_at: parts.next()?.parse().ok()?,
        case: parts.next()?.to_owned(),
    })
}

fn wrong_place() -> Fault {
    Fault::bad_request("this address isn't one that the list made; open the list again")
}

/// The button that takes the first case that no one else is working on.
pub(super) fn next_button(visit: &Visit) -> Markup {
    html! {
        form.inline method="post" action="/cases/next" {
            (visit.token())
            button data-key="n" { (visit.t("queue-next")) }
        }
    }
}

async fn next(sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = claim_next(visit, sent.get("after")).await;
    visit.answer(made)
}

/// Claims the next case after one, or the first, and leads to it.
pub(super) async fn claim_next(visit: &Visit, after: &str) -> Result<Response, Fault> {
    let person = visit.acting(Act::DecideCase)?;
    let casework = &visit.app.casework;
    let after = match casework::queued(casework, after).await? {
        Some(skipped) => {
            casework::release_case(casework, &skipped.case, person).await?;
            skipped.place()
        }
        // It was decided, or none was named.
        None => QueuePlace::start(),
    };
    Ok(
        match casework::claim_next(casework, person, &after).await? {
            Some(case) => to_page(&format!("/cases/{case}")),
            None => to_page("/cases"),
        },
    )
}

/// Takes back a decision that has not taken effect, and leads to its case.
async fn undo(Path(pending): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::DecideCase)?;
        let case = casework::take_back(&visit.app.casework, &pending, person).await?;
        Ok(to_page(&format!("/cases/{case}")))
    };
    visit.answer(made.await)
}
