//! One report: what its receiver would refuse, what it omits, the document as it would be sent or as
//! it was approved, its approval, and how far its filing has come.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act, Channel, Filing, FilingState, ReportRow, Right};
use obhut_app::reports::Check;

use super::{Page, reports};
use crate::console::{Sent, Visit, in_english, to_page};
use crate::fault::Fault;
use crate::sending;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/reports/{report}",
    routes: |router| {
        router
            .route("/reports/{report}", get(show))
            .route("/reports/{report}/approval", post(approve))
            .route("/reports/{report}/sending", post(send))
            .route("/reports/{report}/retraction", post(retract))
    },
    listed: None,
};

/// Longest document shown, in characters; the rest is left out and said to be. Our judgement: a report
/// has a few thousand.
const SHOWN_CHARS_MAX: usize = 100_000;

async fn show(visit: Visit, Path(report): Path<String>) -> Response {
    let made = page(&visit, &report).await;
    visit.answer(made)
}

async fn page(visit: &Visit, report: &str) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    let person = visit.acting(Act::ReadDraft)?;
    let casework = &visit.app.casework;
    let row = casework::report_row(casework, report).await?;
    let filing = casework::filing(casework, report).await?;
    let approval = casework::approval(casework, report).await?;
    let decisions = casework::decisions(casework, &row.case).await?;
    let decided_by = decisions.iter().find(|d| d.id() == row.decision);
    let channel = casework::channel(casework, &row.destination).await?;
    let stopped = filing
        .as_ref()
        .is_some_and(|f| f.state == FilingState::Stopped);
    // What was stopped may need another approval, of the report as it is now.
    let draft = row.status == "draft" || (row.status == "approved" && stopped);
    let mut hindered = None;
    let mut shown = String::new();
    let (check, document) = if draft {
        let form = reports::form(&row.destination)?;
        let check =
            obhut_app::reports::check(casework, &row.case, form, row.with_victims, &person.id)
                .await?;
        let latest = decisions.last().map(|d| d.id());
        if latest != Some(row.decision.as_str()) {
            hindered = Some("the case was decided again since; retract this report, and make one from the newer decision".to_owned());
        }
        match obhut_app::reports::draft(casework, &row.case, form, row.with_victims, &person.id)
            .await
        {
            _ if hindered.is_some() => (None, None),
            Ok((report, rendered)) => {
                shown = obhut_app::reports::fingerprint(&report, form, &channel);
                (Some(check), rendered.text().map(str::to_owned))
            }
            // The case was decided in another way since: there is nothing to preview or approve, and
            // the draft can be retracted.
            Err(casework::CaseworkError::Conflict { why, .. }) => {
                hindered = Some(why);
                (None, None)
            }
            Err(e) => return Err(e.into()),
        }
    } else {
        // The reading of what was approved is on record before it is shown.
        let filed = obhut_app::reports::show(casework, report, &person.id).await?;
        let document = filed.documents.as_ref().and_then(|d| d.text());
        (None, document.map(str::to_owned))
    };
    let content = html! {
        p { a href={ "/cases/" (row.case) } data-key="u" { (visit.t("back-to-case")) } }
        h1 { (visit.t("report")) " " (visit.t_with("report-to", &[("destination", row.destination.as_str().into())])) }
        p {
            span.status { (reports::status(visit, &row)) }
            " · " code { (row.id) } " · " (visit.time(row.made_at))
            @if row.with_victims { " · " b { (visit.t("with-victims")) } }
        }
        (goes_to(visit, &channel))
        @if let Some(filing) = &filing { p role="status" { (reports::progress(visit, filing)) } }
        @if let Some(decided) = decided_by {
            p { (visit.t("decided-by")) " " bdi { (decided.name()) } ", " (visit.time(decided.decided_at())) }
        }
        @if let Some(approval) = &approval {
            p { (visit.t("approved-by")) " " bdi { (approval.name) } ", " (visit.time(approval.approved_at)) }
        }
        @if let Some(why) = &hindered { p.warning role="alert" { (in_english(visit.language, why)) } }
        @else {
            @if let Some(check) = &check { (findings(visit, check)) }
            h2 { (visit.t(if draft { "report-preview" } else { "report-approved-text" })) }
            (shown_document(visit, document.as_deref()))
            @if draft && visit.may(Act::ApproveReport) {
                (approval_form(visit, &row, check.as_ref(), decided_by.is_some_and(|d| d.person() == person.id), &shown))
            }
        }
        (sending(visit, &row, filing.as_ref()))
    };
    let title = visit.t("report");
    Ok(visit.page(&title, content))
}

/// Where a report goes, and whether that is the real service.
fn goes_to(visit: &Visit, channel: &Channel) -> Markup {
    html! {
        p {
            (visit.t("goes-to")) " " code { (channel.address()) }
            @if channel.url.is_some() && !channel.production { " (" (visit.t("goes-to-test")) ")" }
        }
    }
}

/// What would be refused, what looks wrong, what is omitted.
fn findings(visit: &Visit, check: &Check) -> Markup {
    let english = |text: &str| in_english(visit.language, text);
    html! {
        section {
            h2 { (visit.t("report-check")) }
            @if check.stops.is_empty() { p { (visit.t("report-acceptable")) } }
            @else {
                p.warning { (visit.t("report-stops")) }
                ul { @for stop in &check.stops { li { code { (stop.field) } ": " (english(&stop.why)) " " small.hint { (stop.source) } } } }
            }
            @if check.empty { p.warning { (visit.t("report-empty")) } }
            @let remarks: Vec<_> = check.remarks.iter().filter(|r| !r.stops).collect();
            @if !remarks.is_empty() {
                h3 { (visit.t("report-remarks")) }
                ul { @for r in remarks { li { code { (r.field) } ": " (english(&r.what)) " " small.hint { (r.source) } } } }
            }
            @if !check.omitted.is_empty() {
                details {
                    summary { (visit.t_with("report-omitted", &[("n", check.omitted.len().into())])) }
                    ul { @for o in &check.omitted { li { code { (o.field) } ": " (english(&o.why)) } } }
                }
            }
        }
    }
}

fn shown_document(visit: &Visit, document: Option<&str>) -> Markup {
    let Some(document) = document else {
        return html! { p { (visit.t("report-no-text")) } };
    };
    let end = document
        .char_indices()
        .nth(SHOWN_CHARS_MAX)
        .map(|(at, _)| at);
    html! {
        pre tabindex="0" { code { (&document[..end.unwrap_or(document.len())]) } }
        @if end.is_some() { p.hint { (visit.t("report-cut")) } }
    }
}

/// `shown` identifies the document on the page: only that is approved.
fn approval_form(
    visit: &Visit,
    row: &ReportRow,
    check: Option<&Check>,
    mine: bool,
    shown: &str,
) -> Markup {
    let stops = check.map_or(&[][..], |c| &c.stops);
    let needs_reason = check.is_some_and(|c| c.empty) || !stops.is_empty();
    html! {
        section {
            h2 { (visit.t("approve")) }
            @if mine { p.warning { (visit.t("approve-not-you")) } }
            @else if stops.iter().any(|s| !s.may_be_overridden()) { p { (visit.t("approve-blocked")) } }
            @else {
                form method="post" action={ "/reports/" (row.id) "/approval" } {
                    (visit.token())
                    input type="hidden" name="shown" value=(shown);
                    @if needs_reason {
                        label for="because" { (visit.t("approve-because")) }
                        input id="because" name="because" required maxlength="1000" autocomplete="off";
                    }
                    @if row.with_victims {
                        label.choice { input type="checkbox" name="as_received" value="yes"; " " (visit.t("approve-as-received")) }
                    }
                    button data-key="a" data-focus { (visit.t("approve-and-queue")) }
                }
            }
        }
    }
}

fn sending(visit: &Visit, row: &ReportRow, filing: Option<&Filing>) -> Markup {
    let approved = row.status == "approved";
    let stopped = obhut_app::reports::waits_for_resumption(row, filing);
    let filed = filing.is_some_and(|f| f.filed_at.is_some());
    let may_retract = matches!(row.status.as_str(), "draft" | "approved");
    html! {
        @if approved && !filed && visit.may(Act::SendReport) {
            form.inline method="post" action={ "/reports/" (row.id) "/sending" } {
                (visit.token())
                button data-key="s" data-focus { (visit.t(if stopped { "send-resume" } else { "send-now" })) }
            }
        }
        @if may_retract && visit.may(Act::RetractReport) {
            details {
                summary { (visit.t("retract")) }
                form method="post" action={ "/reports/" (row.id) "/retraction" } {
                    (visit.token())
                    label for="reason" { (visit.t("retract-why")) }
                    input id="reason" name="reason" required maxlength="1000" autocomplete="off";
                    button { (visit.t("retract")) }
                }
            }
        }
    }
}

async fn approve(Path(report): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::ApproveReport)?;
        let because = Some(sent.get("because").trim()).filter(|b| !b.is_empty());
        let as_received = sent.get("as_received") == "yes";
        let casework = &visit.app.casework;
        // Without it nothing would be approved unseen either: it is never what is shown.
        let shown = Some(sent.get("shown"));
        obhut_app::reports::approve_as_shown(
            casework,
            &report,
            person,
            because,
            as_received,
            shown,
        )
        .await?;
        Ok(to_page(&format!("/reports/{report}")))
    };
    visit.answer(made.await)
}

async fn send(Path(report): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::SendReport)?;
        sending::send_now(&visit.app, &report, person).await?;
        Ok(to_page(&format!("/reports/{report}")))
    };
    visit.answer(made.await)
}

async fn retract(Path(report): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::RetractReport)?;
        let casework = &visit.app.casework;
        casework::retract_report(casework, &report, sent.get("reason"), person).await?;
        Ok(to_page(&format!("/reports/{report}")))
    };
    visit.answer(made.await)
}
