//! The people with their roles, how much reviewers looked at today, and the keys with their rights.
//! People and keys change at the shell only.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act, Exposure, Person, Role};

use super::Page;
use crate::console::{ColumnChart, Sent, Visit, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/people",
    routes: |router| {
        router
            .route("/people", get(show))
            .route("/people/{person}/looks", post(allow))
    },
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
    let uses = casework::key_uses(casework).await?;
    let owner = |id: Option<&String>| {
        let person = id.and_then(|id| people.iter().find(|p| p.id == *id));
        person.map_or("–", |p| p.name.as_str())
    };
    let in_force = keys.iter().filter(|key| key.revoked_at.is_none());
    let looks = looks_of_all(visit, &people).await?;
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
        @if !looks.is_empty() { (exposures(visit, &looks)) }
        h2 { (visit.t("keys")) }
        div.scroll { table {
            thead { tr {
                th scope="col" { (visit.t("name")) }
                th scope="col" { (visit.t("key-of")) }
                th scope="col" { (visit.t("rights")) }
                th scope="col" { (visit.t("key-made")) }
                th scope="col" { (visit.t("key-used")) }
                th scope="col" { (visit.t("key-ends")) }
            } }
            tbody { @for key in in_force { tr {
                td data-label=(visit.t("name")) { bdi { (key.name) } " " code { (key.id) } }
                td data-label=(visit.t("key-of")) { bdi { (owner(key.person.as_ref())) } }
                td data-label=(visit.t("rights")) {
                    @for (n, right) in key.rights.iter().enumerate() { @if n > 0 { ", " } code { (right.word()) } }
                }
                td data-label=(visit.t("key-made")) { (visit.time(key.made_at)) }
                td data-label=(visit.t("key-used")) { @match uses.get(&key.id) { Some(at) => (visit.time(*at)), None => (visit.t("key-unused")) } }
                td data-label=(visit.t("key-ends")) { @match key.expires_at { Some(at) => (visit.time(at)), None => (visit.t("key-endless")) } }
            } } }
        } }
        p.hint { (visit.t("people-shell")) " " code { "obhut person --help" } ", " code { "obhut key --help" } }
    };
    Ok(visit.page(&visit.t("people"), content))
}

/// What each reviewer has looked at today.
async fn looks_of_all(visit: &Visit, people: &[Person]) -> Result<Vec<(Person, Exposure)>, Fault> {
    let mut looks = Vec::new();
    for person in people.iter().filter(|p| p.roles.contains(&Role::Reviewer)) {
        let today = casework::looks_today(&visit.app.casework, &person.id).await?;
        looks.push((person.clone(), today));
    }
    Ok(looks)
}

/// The looks of others, for a person who may allow them more, if there is a cap.
pub(super) async fn others(visit: &Visit) -> Result<Markup, Fault> {
    let Ok(me) = visit.acting(Act::LiftExposureCap) else {
        return Ok(html! {});
    };
    let people = casework::people(&visit.app.casework).await?;
    let mut looks = looks_of_all(visit, &people).await?;
    looks.retain(|(person, today)| person.id != me.id && today.cap.is_some());
    Ok(match looks.is_empty() {
        true => html! {},
        false => exposures(visit, &looks),
    })
}

/// A column for each reviewer; nothing if no one has looked at anything, or for one alone.
fn exposure_chart(visit: &Visit, looks: &[(Person, Exposure)]) -> Markup {
    let columns: Vec<(String, Vec<i64>)> = looks
        .iter()
        .map(|(person, today)| (person.name.clone(), vec![today.looks]))
        .collect();
    let any = looks.iter().any(|(_, today)| today.looks > 0);
    let title = visit.t("exposures");
    html! {
        @if any && columns.len() > 1 { (ColumnChart { title: &title, kinds: &[], columns: &columns }.drawn()) }
    }
}

/// How many files each reviewer has looked at today, with a form that allows more.
fn exposures(visit: &Visit, looks: &[(Person, Exposure)]) -> Markup {
    let me = &visit.session.person.id;
    html! {
        h2 { (visit.t("exposures")) }
        @let cap = looks.iter().find_map(|(_, today)| today.cap);
        p.hint {
            (visit.t("exposures-words")) " "
            @match cap {
                Some(cap) => (visit.t_with("exposures-cap", &[("n", cap.into())])),
                None => (visit.t("exposures-no-cap")),
            }
        }
        (exposure_chart(visit, looks))
        div.scroll { table {
            thead { tr {
                th scope="col" { (visit.t("name")) }
                th.number scope="col" { (visit.t("exposures-today")) }
                th.number scope="col" { (visit.t("exposures-left")) }
                @if cap.is_some() { th scope="col" { (visit.t("exposures-allow")) } }
            } }
            tbody { @for (person, today) in looks { tr {
                td data-label=(visit.t("name")) { bdi { (person.name) } }
                td.number data-label=(visit.t("exposures-today")) { (today.looks) }
                td.number data-label=(visit.t("exposures-left")) { @match today.left() { Some(left) => (left), None => "–" } }
                @if cap.is_some() { td data-label=(visit.t("exposures-allow")) {
                    @if visit.may(Act::LiftExposureCap) && person.id != *me {
                        form.search method="post" action={ "/people/" (person.id) "/looks" } {
                            (visit.token())
                            label for={ "more-" (person.id) } { (visit.t("exposures-more")) }
                            input id={ "more-" (person.id) } name="more" type="number" min="1" max="1000" required;
                            label for={ "because-" (person.id) } { (visit.t("exposures-because")) }
                            input id={ "because-" (person.id) } name="because" maxlength="500" required autocomplete="off";
                            button.quiet { (visit.t("exposures-allow")) }
                        }
                    }
                } }
            } } }
        } }
    }
}

async fn allow(Path(whose): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let by = visit.acting(Act::LiftExposureCap)?;
        let more = sent.get("more").trim().parse().map_err(|_| {
            Fault::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "say how many more looks, as a number",
            )
        })?;
        let casework = &visit.app.casework;
        let whose = casework::person(casework, &whose).await?;
        casework::lift_exposure_cap(casework, &whose, more, sent.get("because"), by).await?;
        Ok(to_page(match visit.may(Act::SeePeople) {
            true => "/people",
            false => "/pause",
        }))
    };
    visit.answer(made.await)
}
