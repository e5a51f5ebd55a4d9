//! The hash lists: who answers for each, what it does, who signed it, how it has been working. Never
//! their entries.

use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::Act;
use obhut_app::media::{self, HashList};

use super::Page;
use crate::console::Visit;
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/lists",
    routes: |router| router.route("/lists", get(show)),
    listed: Some(("lists", Act::SeeLists)),
};

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.acting(Act::SeeLists)?;
    let lists = media::all_lists(&visit.app.casework).await?;
    let content = html! {
        h1 { (visit.t("lists")) }
        @if lists.is_empty() { p { (visit.t("lists-none")) } }
        @for list in &lists { (one(visit, list)) }
        p.hint { (visit.t("lists-shell")) " " code { "obhut list --help" } }
    };
    Ok(visit.page(&visit.t("lists"), content))
}

fn one(visit: &Visit, list: &HashList) -> Markup {
    html! {
        section {
            h2 { bdi { (list.name) } }
            p role="status" class=(if list.unsigned { "warning" } else { "" }) { (visit.t(match (list.unsigned, &list.matching_version) {
                (false, _) => "list-matches",
                (true, Some(_)) => "list-older-matches",
                (true, None) => "list-counts-only",
            })) }
            dl.facts {
                dt { (visit.t("list-owner")) } dd { bdi { (list.owner) } }
                dt { (visit.t("list-purpose")) } dd { (visit.t(&format!("purpose-{}", list.purpose.word()))) }
                dt { (visit.t("list-basis")) } dd { bdi { (list.basis) } }
                dt { (visit.t("list-action")) } dd { (visit.t(&format!("action-{}", list.action.word()))) }
                dt { (visit.t("list-version")) } dd { code { (list.version.get(..12).unwrap_or(&list.version)) } }
                dt { (visit.t("list-entries")) } dd { (list.entries) }
                @if list.problems > 0 { dt { (visit.t("list-problems")) } dd { (list.problems) } }
                dt { (visit.t("list-signed")) } dd {
                    @if list.signatures.is_empty() { (visit.t("seen-by-none")) }
                    @for (n, name) in list.signatures.iter().enumerate() { @if n > 0 { ", " } bdi { (name) } }
                }
                @if list.disabled > 0 { dt { (visit.t("list-disputed")) } dd { (list.disabled) } }
                @if list.hits_counted > 0 { dt { (visit.t("list-counted")) } dd { (list.hits_counted) } }
            }
        }
    }
}
