//! The hash lists: who answers for each, what it does, who signed it, how it has been working, and
//! signing what is shown. Never their entries.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act};
use obhut_app::media::{self, HashList};

use super::Page;
use crate::console::{Sent, Visit, to_page};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/lists",
    routes: |router| {
        router
            .route("/lists", get(show))
            .route("/lists/{list}/signature", post(sign))
    },
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
                    @if list.signatures.is_empty() { (visit.t("list-signed-none")) }
                    @for (n, name) in list.signatures.iter().enumerate() { @if n > 0 { ", " } bdi { (name) } }
                }
                @if list.disabled > 0 { dt { (visit.t("list-disputed")) } dd { (list.disabled) } }
                @if list.hits_counted > 0 { dt { (visit.t("list-counted")) } dd { (list.hits_counted) } }
            }
            @if visit.may(Act::SignList) && list.unsigned { (to_sign(visit, list)) }
        }
    }
}

/// What a signature would be for, and the button.
fn to_sign(visit: &Visit, list: &HashList) -> Markup {
    let mine = list.signatures.contains(&visit.session.person.name);
    html! {
        @if mine { p.hint { (visit.t("list-signed-by-you")) } }
        @else {
            details {
                summary { (visit.t("list-sign-look")) }
                p { (visit.t_with("list-sign-words", &[("n", list.entries.into()), ("action", visit.t(&format!("action-{}", list.action.word())).into())])) }
                dl.facts {
                    dt { (visit.t("list-version")) } dd { code { (list.version) } }
                    dt { (visit.t("list-matching")) } dd { @match &list.matching_version { Some(version) => code { (version) }, None => (visit.t("list-matching-none")) } }
                    dt { (visit.t("list-distance")) } dd { @match list.distance { Some(bits) => (visit.t_with("distance", &[("n", bits.into())])), None => (visit.t("list-distance-default")) } }
                    dt { (visit.t("list-problems")) } dd { (list.problems) }
                    dt { (visit.t("list-counted")) } dd { (list.hits_counted) }
                }
                form method="post" action={ "/lists/" (list.id) "/signature" } {
                    (visit.token())
                    input type="hidden" name="version" value=(list.version);
                    button { (visit.t("list-sign")) }
                }
            }
        }
    }
}

async fn sign(Path(id): Path<String>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let person = visit.acting(Act::SignList)?;
        let casework = &visit.app.casework;
        let lists = media::all_lists(casework).await?;
        let list = lists.into_iter().find(|l| l.id == id);
        let list = list.ok_or_else(|| {
            Fault::from(casework::CaseworkError::NotFound {
                what: "list",
                id: id.clone(),
            })
        })?;
        media::sign_list_as_shown(casework, &list.name, sent.get("version"), person).await?;
        Ok(to_page("/lists"))
    };
    visit.answer(made.await)
}
