//! The first page: what waits for this person, with the most pressing on top.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act, CaseStatus, QueuePlace, Right};

use super::Page;
use crate::console::{Sent, Visit, in_english, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/",
    routes: |router| {
        router
            .route("/", get(show))
            .route("/alarms/{alarm}/seen", post(seen))
    },
    listed: None,
};

/// Alarms and deadlines shown. Our judgement: what fits on a screen.
const SHOWN_MAX: usize = 10;

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    let sees_cases = visit.session.key.has(Right::Cases);
    let content = html! {
        h1 { (visit.t_with("start-hello", &[("name", visit.session.person.name.as_str().into())])) }
        (super::steps::way(visit).await?)
        @if sees_cases {
            (work(visit).await?)
            (super::pause::looks_today(visit).await?)
            (alarms(visit).await?)
            (deadlines(visit).await?)
        } @else { p { (visit.t("start-other")) } }
    };
    Ok(visit.page(&visit.t("start"), content))
}

/// The counts of what waits, each with its page.
async fn work(visit: &Visit) -> Result<Markup, Fault> {
    let casework = &visit.app.casework;
    let counts = casework::case_counts(casework).await?;
    let of = |status| {
        let these = counts.iter().filter(move |(s, _)| *s == status);
        these.map(|(_, n)| *n).sum::<i64>()
    };
    // The queue is in order: the first says whether a child may be in danger now.
    let first = casework::queue(casework, &QueuePlace::start(), 1)
        .await?
        .pop();
    let appealed = of(CaseStatus::Appealed);
    Ok(html! {
        @if let Some(first) = first.as_ref().filter(|f| f.at_risk >= casework::URGENT_SCORE && visit.may(Act::ReadFacts)) {
            p.warning role="alert" {
                a href={ "/cases/" (first.case) } { (visit.t("start-urgent")) }
                " " (visit.age(first.opened_at)) "."
            }
        }
        ul.tiles {
            li { a href="/cases" data-key="c" { b { (of(CaseStatus::Open)) } " " (visit.t("start-open")) } }
            li { a href="/cases?status=decided" { b { (of(CaseStatus::Decided)) } " " (visit.t("start-decided")) } }
            @if appealed > 0 && visit.may(Act::DecideAppeal) {
                li { a href="/appeals" { b { (appealed) } " " (visit.t("start-appealed")) } }
            }
            @if visit.may(Act::ReadDraft) { li { a href="/reports" data-key="r" { (visit.t("reports")) } } }
            @if visit.may(Act::OpenIncoming) { li { a href="/incoming" data-key="i" { (visit.t("incoming")) } } }
            @if visit.may(Act::ViewAlert) { li { a href="/payments" data-key="m" { (visit.t("start-payments")) } } }
        }
        @if visit.may(Act::DecideCase) && first.is_some() { (super::cases::next_button(visit)) }
    })
}

async fn alarms(visit: &Visit) -> Result<Markup, Fault> {
    let alarms = casework::first_alarms(&visit.app.casework, SHOWN_MAX + 1).await?;
    Ok(html! {
        section {
            h2 { (visit.t("alarms")) }
            @if alarms.is_empty() { p { (visit.t("alarms-none")) } }
            ul.alarms { @for alarm in alarms.iter().take(SHOWN_MAX) {
                li {
                    (visit.time(alarm.raised_at)) " · " (in_english(visit.language, &alarm.text)) " "
                    @if has_page(&alarm.subject) && visit.may(Act::ReadFacts) { (subject(&alarm.subject)) " " }
                    @if visit.may(Act::SeeAlarm) { (seen_button(visit, &alarm.id)) }
                }
            } }
            @if alarms.len() > SHOWN_MAX { p.hint { (visit.t("alarms-more")) } }
        }
    })
}

async fn deadlines(visit: &Visit) -> Result<Markup, Fault> {
    let deadlines = casework::deadlines_due(&visit.app.casework, SHOWN_MAX).await?;
    Ok(html! {
        section {
            h2 { (visit.t("deadlines")) }
            @if deadlines.is_empty() { p { (visit.t("deadlines-none")) } }
            @else {
                div.scroll { table {
                    thead { tr {
                        th scope="col" { (visit.t("deadline-due")) }
                        th scope="col" { (visit.t("deadline-what")) }
                        th scope="col" { (visit.t("deadline-for")) }
                    } }
                    tbody { @for d in &deadlines { tr {
                        td data-label=(visit.t("deadline-due")) { (visit.time(d.due_at)) }
                        td data-label=(visit.t("deadline-what")) { (visit.t(&format!("deadline-{}", d.kind.word()))) }
                        td data-label=(visit.t("deadline-for")) { @if visit.may(Act::ReadFacts) { (subject(&d.subject)) } @else { code { (d.subject) } } }
                    } } }
                } }
            }
        }
    })
}

fn has_page(id: &str) -> bool {
    ["case-", "report-", "in-"]
        .iter()
        .any(|kind| id.starts_with(kind))
}

/// What a deadline or alarm is about, with a link where there is a page.
fn subject(id: &str) -> Markup {
    let page = match id.split_once('-') {
        Some(("case", _)) => "/cases/",
        Some(("report", _)) => "/reports/",
        Some(("in", _)) => "/incoming/",
        _ => return html! { code { (id) } },
    };
    html! { a href={ (page) (id) } { code { (id) } } }
}

fn seen_button(visit: &Visit, alarm: &str) -> Markup {
    html! {
        form.inline method="post" action={ "/alarms/" (alarm) "/seen" } {
            (visit.token())
            button.quiet { (visit.t("alarm-seen")) }
        }
    }
}

async fn seen(Path(alarm): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::SeeAlarm)?;
        casework::see_alarm(&visit.app.casework, &alarm, person).await?;
        Ok(to_page("/"))
    };
    visit.answer(made.await)
}
