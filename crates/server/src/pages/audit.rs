//! Who did what and who looked at what, the newest first, about everything or about one thing.

use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use maud::html;
use obhut_app::casework::{self, Act};
use serde::Deserialize;

use super::Page;
use crate::console::Visit;
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/audit",
    routes: |router| router.route("/audit", get(show)),
    listed: Some(("audit", Act::ReadAudit)),
};

/// Rows on the page. Our judgement: what a browser lays out immediately; the command line has a
/// thousand.
const ROWS_MAX: usize = 200;

#[derive(Deserialize)]
struct Asked {
    /// A case, exhibit, report, list, person or key.
    about: Option<String>,
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let about = asked.about.as_deref().map(str::trim);
    let made = page(&visit, about.filter(|about| !about.is_empty())).await;
    visit.answer(made)
}

async fn page(visit: &Visit, about: Option<&str>) -> Result<Response, Fault> {
    let person = visit.acting(Act::ReadAudit)?;
    let casework = &visit.app.casework;
    let rows = casework::audit(casework, about).await?;
    let names = visit.names().await?;
    // Reading the record is on record, too.
    casework::note(
        casework,
        &person.id,
        "audit.show",
        about.unwrap_or("all"),
        "",
    )
    .await?;
    let content = html! {
        h1 { (visit.t("audit")) }
        form.search role="search" method="get" action="/audit" {
            label for="about" { (visit.t("audit-about")) }
            input id="about" name="about" autocomplete="off" value=(about.unwrap_or_default()) data-key="/" data-focus;
            button.quiet { (visit.t("cases-find-go")) }
        }
        @if rows.is_empty() { p { (visit.t("audit-none")) } }
        @else { div.scroll { table {
            thead { tr {
                th scope="col" { (visit.t("when")) }
                th scope="col" { (visit.t("who")) }
                th scope="col" { (visit.t("audit-act")) }
                th scope="col" { (visit.t("audit-subject")) }
                th scope="col" { (visit.t("audit-detail")) }
            } }
            tbody { @for row in rows.iter().take(ROWS_MAX) { tr {
                td data-label=(visit.t("when")) { (visit.time(row.at)) }
                td data-label=(visit.t("who")) { bdi { (names.of(&row.actor)) } }
                td data-label=(visit.t("audit-act")) { code { (row.act) } }
                td data-label=(visit.t("audit-subject")) {
                    @let about: String = url::form_urlencoded::byte_serialize(row.subject.as_bytes()).collect();
                    a href={ "/audit?about=" (about) } { bdi { (row.subject) } }
                }
                td data-label=(visit.t("audit-detail")) { bdi { (row.detail) } }
            } } }
        } } }
        @if rows.len() > ROWS_MAX { p.hint { (visit.t("audit-more")) " " code { "obhut audit" } } }
    };
    Ok(visit.page(&visit.t("audit"), content))
}
