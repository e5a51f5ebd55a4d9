//! A pause: nothing of the work, how much was looked at today, and whom to speak to.

use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use obhut_app::casework::{self, Act};

use super::{Page, people};
use crate::console::Visit;
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/pause",
    routes: |router| router.route("/pause", get(show)),
    listed: None,
};

/// Help by telephone, day and night: the key of its name, and its number. Sources: the services' own
/// pages, telefonseelsorge.de, telefonseelsorge.at, 143.ch, samaritans.org, 988lifeline.org.
const HELP: [(&str, &str); 5] = [
    ("help-de", "0800 111 0 111"),
    ("help-at", "142"),
    ("help-ch", "143"),
    ("help-gb", "116 123"),
    ("help-us", "988"),
];

async fn show(visit: Visit) -> Response {
    let made = page(&visit).await;
    visit.answer(made)
}

async fn page(visit: &Visit) -> Result<Response, Fault> {
    let content = html! {
        h1 { (visit.t("pause")) }
        p { (visit.t("pause-words")) }
        (looks_today(visit).await?)
        h2 { (visit.t("help")) }
        p { (visit.t("help-words")) }
        ul { @for (name, number) in HELP {
            li { (visit.t(name)) ": " a href={ "tel:" (number.replace(' ', "")) } { (number) } }
        } }
        (people::others(visit).await?)
        p { a href="/" data-key="u" { (visit.t("pause-back")) } }
    };
    Ok(visit.page(&visit.t("pause"), content))
}

/// That no look is left today, where it matters.
pub(super) async fn none_left(visit: &Visit) -> Result<bool, Fault> {
    let person = visit.acting(Act::ViewExhibit)?;
    let today = casework::looks_today(&visit.app.casework, &person.id).await?;
    Ok(today.left() == Some(0))
}

/// How many files this person has looked at today, for those who may look at any.
pub(super) async fn looks_today(visit: &Visit) -> Result<Markup, Fault> {
    let Ok(person) = visit.acting(Act::ViewExhibit) else {
        return Ok(html! {});
    };
    let today = casework::looks_today(&visit.app.casework, &person.id).await?;
    let looks = &[("n", today.looks.into())];
    Ok(html! {
        @match today.left() {
            None => p { (visit.t_with("looks-today", looks)) },
            Some(0) => p.warning role="status" { (visit.t_with("looks-today", looks)) " " (visit.t("looks-none-left")) },
            Some(left) => p { (visit.t_with("looks-today", looks)) " " (visit.t_with("looks-left", &[("n", left.into())])) },
        }
    })
}
