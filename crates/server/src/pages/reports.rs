//! The reports that wait for a person, and those on their way.

use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::{self, Act, CaseStatus, Filing, FilingState, ReportRow, Right};
use obhut_app::formats::reports::{self as forms, Form};

use super::Page;
use crate::console::{Visit, in_english};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/reports",
    routes: |router| router.route("/reports", get(show)),
    listed: Some(("reports", Act::ReadDraft)),
};

/// Reports in one section. Our judgement: what a person goes through in a sitting.
const SHOWN_MAX: usize = 100;

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    visit.acting(Act::ReadDraft)?;
    let casework = &visit.app.casework;
    let drafts = casework::reports_of_status(casework, "draft", SHOWN_MAX).await?;
    let mut filings = Vec::new();
    for (key, states) in [
        ("reports-stopped", &[FilingState::Stopped][..]),
        (
            "reports-under-way",
            &[
                FilingState::Waiting,
                FilingState::Begun,
                FilingState::Finishing,
            ],
        ),
        ("reports-filed", &[FilingState::Filed]),
    ] {
        let mut these = Vec::new();
        for state in states {
            these.extend(casework::filings_in(casework, *state, SHOWN_MAX).await?);
        }
        filings.push((key, these));
    }
    let content = html! {
        h1 { (visit.t("reports")) }
        section {
            h2 { (visit.t("reports-to-approve")) " (" (counted(drafts.len())) ")" }
            @if drafts.is_empty() { p { (visit.t("reports-none")) } }
            @else { (table(visit, &drafts)) }
        }
        @for (key, these) in &filings {
            section {
                h2 { (visit.t(key)) " (" (counted(these.len())) ")" }
                @if these.is_empty() { p { (visit.t("reports-none")) } }
                @else { (filing_table(visit, these)) }
            }
        }
    };
    let title = visit.t("reports");
    Ok(visit.page(&title, content))
}

/// The number of those shown, with a `+` if there may be more.
fn counted(shown: usize) -> String {
    match shown >= SHOWN_MAX {
        true => format!("{shown}+"),
        false => shown.to_string(),
    }
}

fn table(visit: &Visit, rows: &[ReportRow]) -> Markup {
    html! {
        div.scroll { table.rows {
            thead { tr {
                th scope="col" { (visit.t("report")) }
                th scope="col" { (visit.t("destination")) }
                th scope="col" { (visit.t("case")) }
                th scope="col" { (visit.t("queue-waiting")) }
            } }
            tbody { @for row in rows { tr {
                td data-label=(visit.t("report")) { a href={ "/reports/" (row.id) } { code { (row.id) } } }
                td data-label=(visit.t("destination")) { (row.destination) }
                td data-label=(visit.t("case")) { a href={ "/cases/" (row.case) } { code { (row.case) } } }
                td data-label=(visit.t("queue-waiting")) { (visit.age(row.made_at)) }
            } } }
        } }
    }
}

fn filing_table(visit: &Visit, filings: &[Filing]) -> Markup {
    html! {
        div.scroll { table.rows {
            thead { tr {
                th scope="col" { (visit.t("report")) }
                th scope="col" { (visit.t("destination")) }
                th scope="col" { (visit.t("filing")) }
                th scope="col" { (visit.t("case-changed")) }
            } }
            tbody { @for filing in filings { tr {
                td data-label=(visit.t("report")) { (filed_report(visit, &filing.report)) }
                td data-label=(visit.t("destination")) { (filing.destination) }
                td data-label=(visit.t("filing")) { (progress(visit, filing)) }
                td data-label=(visit.t("case-changed")) { (visit.time(filing.changed_at)) }
            } } }
        } }
    }
}

/// The report that a filing is of, or whose retraction it is.
fn filed_report(visit: &Visit, filed: &str) -> Markup {
    let retracted = filed.strip_prefix(casework::RETRACTION_OF);
    let report = retracted.unwrap_or(filed);
    html! {
        @if retracted.is_some() { (visit.t("retraction-of")) " " }
        a href={ "/reports/" (report) } { code { (report) } }
    }
}

/// How far a filing has come, with the receiver's number, its attempts, and what it waits for.
pub(super) fn progress(visit: &Visit, filing: &Filing) -> Markup {
    html! {
        b { (visit.t(&format!("filing-{}", filing.state.word()))) }
        @if filing.test { " (" (visit.t("filing-test")) ")" }
        @if !filing.remote.is_empty() { " · " (visit.t("filing-number")) " " code { (filing.remote) } }
        @if filing.begun > 0 { " · " (visit.t_with("filing-attempts", &[("n", filing.begun.into())])) }
        @if let Some(at) = filing.filed_at { " · " (visit.time(at)) }
        @if let Some(why) = &filing.why { br; span.warning { (in_english(visit.language, why)) } }
    }
}

/// A report's status, as in its row.
pub(super) fn status(visit: &Visit, row: &ReportRow) -> String {
    visit.t(&format!("report-{}", row.status))
}

/// The reports of a case, and the form that puts one on record.
pub(super) async fn of_case(
    visit: &Visit,
    case: &str,
    status: CaseStatus,
) -> Result<Markup, Fault> {
    let casework = &visit.app.casework;
    let rows = casework::report_rows(casework, Some(case)).await?;
    let mut reports = Vec::new();
    for row in rows {
        let filing = casework::filing(casework, &row.id).await?;
        reports.push((row, filing));
    }
    let may_file =
        visit.may(Act::FileReport) && matches!(status, CaseStatus::Decided | CaseStatus::Reported);
    Ok(html! {
        @if !reports.is_empty() || may_file { section {
            h2 { (visit.t("reports")) }
            ul { @for (row, filing) in &reports { li {
                a href={ "/reports/" (row.id) } { (row.destination) } " · " (self::status(visit, row))
                @if row.with_victims { " · " (visit.t("with-victims")) }
                @if let Some(filing) = filing { " · " (progress(visit, filing)) }
            } } }
            @if may_file { (file_form(visit, case)) }
        } }
    })
}

fn file_form(visit: &Visit, case: &str) -> Markup {
    html! {
        form method="post" action={ "/cases/" (case) "/reports" } {
            (visit.token())
            label for="destination" { (visit.t("file-to")) }
            select id="destination" name="destination" {
                option value="" { (visit.t("file-by-route")) }
                @for form in forms::ALL { option value=(form.name) { (form.name) } }
            }
            label.choice { input type="checkbox" name="with_victims" value="yes"; " " (visit.t("file-with-victims")) }
            button data-key="f" data-focus { (visit.t("file-report")) }
        }
    }
}

/// The form of a destination.
pub(super) fn form(name: &str) -> Result<&'static Form, Fault> {
    forms::by_name(name).ok_or_else(|| {
        Fault::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is no destination of this name",
        )
    })
}
