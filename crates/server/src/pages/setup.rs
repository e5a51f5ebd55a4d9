//! How this installation is set up: where reports go, by which routes, on which legal bases, how long
//! exhibits are kept, who reports. Secrets are never shown.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act};
use obhut_app::partners::destinations;

use super::Page;
use crate::console::{Sent, Visit, in_english, now, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/setup",
    routes: |router| {
        router
            .route("/setup", get(show))
            .route("/setup/destinations/{name}/resumption", post(resume))
    },
    listed: Some(("setup", Act::SeeOperation)),
};

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    visit.acting(Act::SeeOperation)?;
    let content = html! {
        h1 { (visit.t("setup")) }
        (reporter(visit).await?)
        (reached(visit).await?)
        (routes(visit).await?)
        (bases(visit).await?)
        (retention(visit).await?)
        p.hint { (visit.t("setup-shell")) " " code { "obhut settings --help" } ", " code { "obhut destination --help" } ", " code { "obhut route --help" } ", " code { "obhut basis --help" } ", " code { "obhut vault rule --help" } }
    };
    Ok(visit.page(&visit.t("setup"), content))
}

async fn reporter(visit: &Visit) -> Result<Markup, Fault> {
    let known = casework::reporter(&visit.app.casework).await?;
    let rows = [
        ("setup-service", known.service.clone()),
        (
            "setup-person",
            format!("{} {}", known.first_name, known.last_name),
        ),
        ("setup-email", known.email.clone()),
    ];
    Ok(html! {
        section {
            h2 { (visit.t("setup-reporter")) }
            dl.facts { @for (key, value) in &rows {
                dt { (visit.t(key)) }
                dd { @if value.trim().is_empty() { span.warning { (visit.t("setup-not-set")) } } @else { bdi { (value) } } }
            } }
        }
    })
}

/// Each destination that is set up, or that a route leads to.
async fn reached(visit: &Visit) -> Result<Markup, Fault> {
    let casework = &visit.app.casework;
    let routes = casework::routes(casework).await?;
    let names = visit.names().await?;
    let mut rows = Vec::new();
    // All of them would be a wall of names of services that don't concern this provider.
    for destination in destinations::ALL {
        let channel = casework::channel(casework, destination.form.name).await?;
        let is_routed = routes
            .iter()
            .any(|r| r.destination == destination.form.name);
        let missing = (destination.missing)(&channel);
        // Many services have one address, which need not be set.
        let is_set_up = channel.url.is_some()
            || channel.mail_to.is_some()
            || channel.user.is_some()
            || channel.secret.is_some()
            || channel.officer.is_some()
            || channel.halted.is_some();
        if is_set_up || is_routed {
            rows.push((destination.form, channel, missing));
        }
    }
    Ok(html! {
        section {
            h2 { (visit.t("destinations")) }
            @if rows.is_empty() { p.warning { (visit.t("destinations-none")) } }
            @for (form, channel, missing) in &rows {
                h3 { bdi { (form.title) } " " code { (form.name) } }
                @if let Some(why) = &channel.halted {
                    p.warning role="alert" { (visit.t("destination-halted")) " " (in_english(visit.language, why)) }
                    @if visit.may(Act::ResumeSending) {
                        form.inline method="post" action={ "/setup/destinations/" (form.name) "/resumption" } {
                            (visit.token())
                            button.quiet { (visit.t("destination-resume")) }
                        }
                    }
                }
                @if let Some(missing) = missing { p.warning { (visit.t("destination-missing")) " " (in_english(visit.language, missing)) } }
                dl.facts {
                    // The path of an address may be its credential.
                    dt { (visit.t("destination-address")) } dd { @if channel.url.is_some() || channel.mail_to.is_some() { (channel.address()) } @else { (visit.t("destination-own")) } }
                    dt { (visit.t("destination-mode")) } dd { (visit.t(if channel.production { "destination-production" } else { "destination-test" })) }
                    dt { (visit.t("destination-secret")) } dd { (visit.t(if channel.secret.is_some() { "is-set" } else { "is-not-set" })) }
                    @if let Some(id) = &channel.officer { dt { (visit.t("destination-officer")) } dd { bdi { (names.of(id)) } } }
                }
            }
        }
    })
}

async fn routes(visit: &Visit) -> Result<Markup, Fault> {
    let all = casework::routes(&visit.app.casework).await?;
    let or_any = |value: &str| match value {
        "" => visit.t("route-any"),
        given => given.to_owned(),
    };
    Ok(html! {
        section {
            h2 { (visit.t("routes")) }
            @if all.is_empty() { p.warning { (visit.t("routes-none")) } }
            @else { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("route-to")) }
                    th scope="col" { (visit.t("route-provider")) }
                    th scope="col" { (visit.t("route-user")) }
                    th scope="col" { (visit.t("route-time")) }
                    th scope="col" { (visit.t("route-basis")) }
                } }
                tbody { @for r in &all { tr {
                    td data-label=(visit.t("route-to")) { code { (r.destination) } }
                    td data-label=(visit.t("route-provider")) { (or_any(&r.provider_country)) }
                    td data-label=(visit.t("route-user")) { (or_any(&r.user_country)) }
                    td data-label=(visit.t("route-time")) { (or_any(&r.from)) " – " (or_any(&r.until)) }
                    td data-label=(visit.t("route-basis")) { bdi { (r.basis) } }
                } } }
            } } }
        }
    })
}

async fn bases(visit: &Visit) -> Result<Markup, Fault> {
    let casework = &visit.app.casework;
    let all = casework::legal_bases(casework).await?;
    let now = now();
    Ok(html! {
        section {
            h2 { (visit.t("bases")) }
            p.hint { (visit.t("bases-words")) }
            @if all.is_empty() { p { (visit.t("bases-none")) } }
            @else { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("basis-surface")) }
                    th scope="col" { (visit.t("basis")) }
                    th scope="col" { (visit.t("basis-owner")) }
                    th scope="col" { (visit.t("basis-until")) }
                } }
                tbody { @for b in &all { tr {
                    td data-label=(visit.t("basis-surface")) { (visit.t(&format!("surface-{}", b.surface.word()))) }
                    td data-label=(visit.t("basis")) { bdi { (b.basis) } }
                    td data-label=(visit.t("basis-owner")) { bdi { (b.owner) } }
                    td data-label=(visit.t("basis-until")) { (visit.time(b.ends_at)) @if b.ends_at <= now { " " b.warning { (visit.t("basis-ended")) } } }
                } } }
            } } }
        }
    })
}

async fn retention(visit: &Visit) -> Result<Markup, Fault> {
    let all = casework::retention_rules(&visit.app.casework).await?;
    Ok(html! {
        section {
            h2 { (visit.t("retention")) }
            @if all.is_empty() { p { (visit.t("retention-none")) } }
            @else { div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("retention-of")) }
                    th.number scope="col" { (visit.t("retention-days")) }
                    th scope="col" { (visit.t("retention-basis")) }
                } }
                tbody { @for rule in &all { tr {
                    td data-label=(visit.t("retention-of")) { @if rule.filed_with == casework::NEVER_FILED { (visit.t("retention-never-filed")) } @else { code { (rule.filed_with) } } }
                    td.number data-label=(visit.t("retention-days")) { (rule.days) }
                    td data-label=(visit.t("retention-basis")) { bdi { (rule.basis) } }
                } } }
            } } }
        }
    })
}

async fn resume(Path(name): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::ResumeSending)?;
        let destination = destinations::by_name(&name).ok_or_else(|| {
            Fault::from(casework::CaseworkError::NotFound {
                what: "destination",
                id: name.clone(),
            })
        })?;
        casework::resume_channel(&visit.app.casework, destination.form.name, person).await?;
        Ok(to_page("/setup"))
    };
    visit.answer(made.await)
}
