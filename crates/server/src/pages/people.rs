//! The people with their roles, and the keys with their rights. Both change at the shell only.

use axum::response::Response;
use axum::routing::get;
use maud::html;
use obhut_app::casework::{self, Act};

use super::Page;
use crate::console::Visit;
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/people",
    routes: |router| router.route("/people", get(show)),
    listed: Some(("people", Act::SeePeople)),
};

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.acting(Act::SeePeople)?;
    let casework = &visit.app.casework;
    let people = casework::people(casework).await?;
    let keys = casework::keys(casework).await?;
    let owner = |id: Option<&String>| {
        let person = id.and_then(|id| people.iter().find(|p| p.id == *id));
        person.map_or("–", |p| p.name.as_str())
    };
    let in_force = keys.iter().filter(|key| key.revoked_at.is_none());
    let content = html! {
        h1 { (visit.t("people")) }
        div.scroll { table {
            thead { tr { th scope="col" { (visit.t("name")) } th scope="col" { (visit.t("roles")) } } }
            tbody { @for person in &people { tr {
                td data-label=(visit.t("name")) { bdi { (person.name) } }
                td data-label=(visit.t("roles")) {
                    @for (n, role) in person.roles.iter().enumerate() { @if n > 0 { ", " } (visit.t(&format!("role-{}", role.word()))) }
                }
            } } }
        } }
        h2 { (visit.t("keys")) }
        div.scroll { table {
            thead { tr {
                th scope="col" { (visit.t("name")) }
                th scope="col" { (visit.t("key-of")) }
                th scope="col" { (visit.t("rights")) }
                th scope="col" { (visit.t("key-made")) }
                th scope="col" { (visit.t("key-ends")) }
            } }
            tbody { @for key in in_force { tr {
                td data-label=(visit.t("name")) { bdi { (key.name) } " " code { (key.id) } }
                td data-label=(visit.t("key-of")) { bdi { (owner(key.person.as_ref())) } }
                td data-label=(visit.t("rights")) {
                    @for (n, right) in key.rights.iter().enumerate() { @if n > 0 { ", " } code { (right.word()) } }
                }
                td data-label=(visit.t("key-made")) { (visit.time(key.made_at)) }
                td data-label=(visit.t("key-ends")) { @match key.expires_at { Some(at) => (visit.time(at)), None => (visit.t("key-endless")) } }
            } } }
        } }
        p.hint { (visit.t("people-shell")) " " code { "obhut person --help" } ", " code { "obhut key --help" } }
    };
    Ok(visit.page(&visit.t("people"), content))
}
