//! The vault: how much is in it, how its log is witnessed and stamped, what is held, what will be
//! destroyed, what was asked to be handed over. What changes any of it is done at the shell.

use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::{self, Act};

use super::Page;
use crate::console::Visit;
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/vault",
    routes: |router| router.route("/vault", get(show)),
    listed: Some(("vault", Act::SeeOperation)),
};

/// Rows of each table. Our judgement: what a browser lays out immediately.
const ROWS_MAX: usize = 100;

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    let person = visit.acting(Act::SeeOperation)?;
    let casework = &visit.app.casework;
    // Who asked for a hold is on the page.
    casework::note(casework, &person.id, "vault.show", "vault", "page").await?;
    let content = html! {
        h1 { (visit.t("vault")) }
        (log(visit).await?)
        (holds(visit).await?)
        (destructions(visit).await?)
        (exports(visit).await?)
        p.hint { (visit.t("vault-shell")) " " code { "obhut vault --help" } ", " code { "obhut vault hold --help" } ", " code { "obhut vault export --help" } }
    };
    Ok(visit.page(&visit.t("vault"), content))
}

async fn log(visit: &Visit) -> Result<Markup, Fault> {
    let casework = &visit.app.casework;
    let (head, _) = casework::log_checkpoint(casework).await?;
    let root: String = head.root.iter().map(|b| format!("{b:02x}")).collect();
    let stamped = casework::last_stamped(casework).await?;
    let witnesses = casework::witnesses(casework).await?;
    Ok(html! {
        section {
            h2 { (visit.t("vault-log")) }
            p.hint { (visit.t("vault-log-words")) }
            dl.facts {
                dt { (visit.t("vault-entries")) } dd { (head.size) }
                dt { (visit.t("vault-root")) } dd { code { (root) } }
                dt { (visit.t("vault-stamped")) } dd { @match stamped { Some(at) => (visit.time(at)), None => (visit.t("vault-not-stamped")) } }
                dt { (visit.t("vault-witnesses")) } dd {
                    @if witnesses.is_empty() { (visit.t("vault-no-witness")) }
                    @for witness in &witnesses { div {
                        bdi { (witness.name) } ": "
                        @match casework::last_cosigned(casework, witness)? {
                            Some(last) => (visit.t_with("vault-cosigned", &[("n", last.head.size.into())])),
                            None => (visit.t("vault-not-cosigned")),
                        }
                    } }
                }
            }
        }
    })
}

async fn holds(visit: &Visit) -> Result<Markup, Fault> {
    let all = casework::holds(&visit.app.casework, false).await?;
    Ok(html! {
        section {
            h2 { (visit.t("holds")) " (" (all.len()) ")" }
            p.hint { (visit.t("holds-words")) }
            @if !all.is_empty() { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("hold-of")) }
                    th scope="col" { (visit.t("hold-asked")) }
                    th scope="col" { (visit.t("hold-since")) }
                    th scope="col" { (visit.t("hold-until")) }
                } }
                tbody { @for hold in all.iter().take(ROWS_MAX) { tr {
                    td data-label=(visit.t("hold-of")) { code { (hold.subject) } }
                    td data-label=(visit.t("hold-asked")) { bdi { (hold.asked_by.expose()) } }
                    td data-label=(visit.t("hold-since")) { (visit.time(hold.placed_at)) }
                    td data-label=(visit.t("hold-until")) { @match hold.until { Some(at) => (visit.time(at)), None => (visit.t("hold-endless")) } }
                } } }
            } } }
            (more(visit, all.len()))
        }
    })
}

async fn destructions(visit: &Visit) -> Result<Markup, Fault> {
    let all = casework::destructions(&visit.app.casework, false).await?;
    Ok(html! {
        section {
            h2 { (visit.t("destructions")) " (" (all.len()) ")" }
            p.hint { (visit.t("destructions-words")) }
            @if !all.is_empty() { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("exhibit")) }
                    th scope="col" { (visit.t("destruction-because")) }
                    th scope="col" { (visit.t("destruction-not-before")) }
                    th scope="col" { (visit.t("destruction-waits")) }
                } }
                tbody { @for d in all.iter().take(ROWS_MAX) { tr {
                    td data-label=(visit.t("exhibit")) { code { (d.exhibit) } }
                    td data-label=(visit.t("destruction-because")) { bdi { (d.because) } }
                    td data-label=(visit.t("destruction-not-before")) { (visit.time(d.not_before)) }
                    td data-label=(visit.t("destruction-waits")) { (d.waits_for.as_deref().unwrap_or("–")) }
                } } }
            } } }
            (more(visit, all.len()))
        }
    })
}

async fn exports(visit: &Visit) -> Result<Markup, Fault> {
    let casework = &visit.app.casework;
    let all = casework::exports(casework).await?;
    let names = visit.names().await?;
    Ok(html! {
        section {
            h2 { (visit.t("exports")) " (" (all.len()) ")" }
            p.hint { (visit.t("exports-words")) }
            @if !all.is_empty() { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("exports")) }
                    th scope="col" { (visit.t("export-of")) }
                    th scope="col" { (visit.t("export-asked")) }
                    th scope="col" { (visit.t("export-approved")) }
                    th scope="col" { (visit.t("export-written")) }
                } }
                tbody { @for e in all.iter().rev().take(ROWS_MAX) { tr {
                    td data-label=(visit.t("exports")) { code { (e.id) } }
                    td data-label=(visit.t("export-of")) { code { (e.subject) } ", " (visit.t_with("export-files", &[("n", e.exhibits.len().into())])) }
                    td data-label=(visit.t("export-asked")) { bdi { (names.of(&e.asked_by)) } ", " (visit.time(e.asked_at)) }
                    td data-label=(visit.t("export-approved")) {
                        @if e.approved_by.is_empty() { "–" }
                        @for (n, (by, at)) in e.approved_by.iter().enumerate() { @if n > 0 { br; } bdi { (names.of(by)) } ", " (visit.time(*at)) }
                    }
                    td data-label=(visit.t("export-written")) { @match e.written_at { Some(at) => (visit.time(at)), None => "–" } }
                } } }
            } } }
            (more(visit, all.len()))
        }
    })
}

fn more(visit: &Visit, rows: usize) -> Markup {
    html! {
        @if rows > ROWS_MAX { p.hint { (visit.t_with("rows-more", &[("n", (rows - ROWS_MAX).into())])) } }
    }
}
