//! One exhibit of a case: what is known of the file, who looked at it, and, when a person asks for
//! it, what it shows.
//!
//! The page itself has no pixels. Asking for a look, with a purpose, leads to the page with an
//! address that can be fetched once; fetching it puts the look on record first (looks.rs).

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use obhut_app::casework::{self, Act, Exhibit, Extent, Right, ViewRecord};

use super::Page;
use crate::console::{self, Look, Sent, Visit};
use crate::fault::Fault;

/// The page.
pub(crate) const PAGE: Page = Page {
    path: "/cases/{case}/exhibits/{exhibit}",
    routes: |router| {
        router
            .route("/cases/{case}/exhibits/{exhibit}", get(show).post(look))
            // HEAD would take a look that no one sees.
            .route("/looks/{token}", get(console::fetch).head(no_head))
            .route("/looks", post(fetch_address))
    },
    listed: None,
};

/// Longest purpose of a look, in characters. Our judgement: everyone who opens the exhibit reads it.
const PURPOSE_CHARS_MAX: usize = 500;

/// What is to be shown on the page.
struct Shown<'a> {
    look: Look,
    address: &'a str,
}

async fn show(visit: Visit, Path((case, exhibit)): Path<(String, String)>) -> Response {
    let made = page(&visit, &case, &exhibit, None).await;
    visit.answer(made)
}

/// The page with the look that the form asks for.
async fn look(Path((case, exhibit)): Path<(String, String)>, sent: Sent) -> Response {
    let visit = &sent.visit;
    let made = async {
        let look = asked(&sent)?;
        let purpose = purpose(visit, &sent, &case)?;
        // Before the look is granted: the page is refused for an exhibit of another case.
        page(visit, &case, &exhibit, None).await?;
        let address = console::grant(visit, &exhibit, look, &purpose)?;
        let address = &address;
        page(visit, &case, &exhibit, Some(Shown { look, address })).await
    };
    visit.answer(made.await)
}

/// The address of a look, for the script that shows it while a key is held.
async fn fetch_address(sent: Sent) -> Response {
    let visit = &sent.visit;
    let (case, exhibit) = (sent.get("case"), sent.get("exhibit"));
    let granted = async {
        let look = asked(&sent)?;
        let purpose = purpose(visit, &sent, case)?;
        let of_case = casework::exhibits_of_case(&visit.app.casework, case).await?;
        if of_case.iter().all(|e| e.id != exhibit) {
            return Err(not_of_this_case(exhibit));
        }
        console::grant(visit, exhibit, look, &purpose)
    };
    match granted.await {
        Ok(address) => axum::response::IntoResponse::into_response(address),
        Err(fault) => axum::response::IntoResponse::into_response(fault),
    }
}

fn asked(sent: &Sent) -> Result<Look, Fault> {
    Look::from_word(sent.get("look"))
        .ok_or_else(|| Fault::bad_request("look is blurred, sheet or whole"))
}

/// The purpose that was given, or that of every look from this page.
fn purpose(visit: &Visit, sent: &Sent, case: &str) -> Result<String, Fault> {
    match sent.get("purpose").trim() {
        "" => Ok(visit.t_with("look-purpose", &[("case", case.into())])),
        given if given.chars().count() > PURPOSE_CHARS_MAX => Err(Fault::bad_request(
            "the purpose has more than 500 characters; say it in fewer",
        )),
        given => Ok(given.to_owned()),
    }
}

fn not_of_this_case(exhibit: &str) -> Fault {
    Fault::from(casework::CaseworkError::NotFound {
        what: "exhibit of this case",
        id: exhibit.to_owned(),
    })
}

/// Says that HEAD isn't answered.
async fn no_head() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn page(
    visit: &Visit,
    case: &str,
    exhibit: &str,
    shown: Option<Shown<'_>>,
) -> Result<Response, Fault> {
    visit.require(Right::Cases)?;
    visit.acting(Act::ViewExhibit)?;
    let casework = &visit.app.casework;
    let all = casework::exhibits_of_case(casework, case).await?;
    let at = all.iter().position(|e| e.id == exhibit);
    let at = at.ok_or_else(|| not_of_this_case(exhibit))?;
    let views = casework::views(casework, exhibit).await?;
    let earlier = casework::earlier_decisions(casework, case, exhibit).await?;
    let person = &visit.session.person.id;
    casework::note(casework, person, "exhibit.show", exhibit, case).await?;
    let this = &all[at];
    let none_left = super::pause::none_left(visit).await?;
    let to = |n: usize| format!("/cases/{case}/exhibits/{}", all[n].id);
    let content = html! {
        p { a href={ "/cases/" (case) } data-key="u" { (visit.t("back-to-case")) } }
        h1 { (visit.t_with("exhibit-title", &[("n", (at + 1).into()), ("of", all.len().into())])) }
        p {
            @if at > 0 { a href=(to(at - 1)) rel="prev" data-key="h" { (visit.t("previous")) } " " }
            @if at + 1 < all.len() { a href=(to(at + 1)) rel="next" data-key="l" { (visit.t("next")) } }
        }
        (what_is_known(visit, this))
        (stage(visit, case, this, shown, none_left))
        @if !earlier.is_empty() {
            h2 { (visit.t("earlier")) }
            ul { @for e in &earlier { li {
                (visit.time(e.decided_at)) " · " (visit.t(&format!("ruling-{}", e.ruling.word()))) " · "
                a href={ "/cases/" (e.case) } { code { (e.case) } }
            } } }
        }
        h2 { (visit.t("looks")) }
        (who_looked(visit, &views).await?)
    };
    let title = visit.t_with(
        "exhibit-title",
        &[("n", (at + 1).into()), ("of", all.len().into())],
    );
    Ok(visit.page(&title, content))
}

fn what_is_known(visit: &Visit, exhibit: &Exhibit) -> Markup {
    html! {
        dl.facts {
            dt { (visit.t("exhibit")) } dd { code { (exhibit.id) } }
            dt { (visit.t("file-kind")) } dd { (exhibit.intake.media_type.as_deref().unwrap_or("–")) }
            dt { (visit.t("file-size")) } dd { (size(visit, exhibit.bytes)) }
            dt { (visit.t("file-sealed")) } dd { (visit.time(exhibit.time)) }
            @if let Some(name) = &exhibit.intake.source { dt { (visit.t("file-name")) } dd { bdi { (name) } } }
        }
    }
}

/// A number of bytes in the largest unit that fits.
pub(super) fn size(visit: &Visit, bytes: u64) -> String {
    let (value, unit) = match bytes {
        0..1_024 => return visit.t_with("bytes", &[("n", bytes.into())]),
        1_024..1_048_576 => (bytes as f64 / 1_024.0, "KiB"),
        _ => (bytes as f64 / 1_048_576.0, "MiB"),
    };
    let text = format!("{value:.1} {unit}");
    match visit.language {
        crate::console::Language::English => text,
        crate::console::Language::German => text.replace('.', ","),
    }
}

/// Where looks are shown, and the buttons that ask for them. Which of them makes sense follows from
/// the media type; the server decides again when it has the bytes.
fn stage(
    visit: &Visit,
    case: &str,
    exhibit: &Exhibit,
    shown: Option<Shown<'_>>,
    none_left: bool,
) -> Markup {
    let kind = exhibit.intake.media_type.as_deref().unwrap_or_default();
    let moves = kind.starts_with("video/") || matches!(kind, "image/gif" | "image/apng");
    let looks = [
        ("blurred", "b", "look-blurred"),
        ("sheet", "s", "look-sheet"),
        ("whole", "w", "look-whole"),
    ];
    let offered = looks.iter().filter(|(look, ..)| match *look {
        "sheet" | "whole" if none_left => false,
        "sheet" => moves || matches!(kind, "image/png" | "image/webp" | ""),
        "whole" => !kind.starts_with("video/"),
        _ => true,
    });
    html! {
        div.stage id="stage" data-case=(case) data-exhibit=(exhibit.id) data-token=(visit.session.form_token)
            data-failed=(visit.t("look-failed")) {
            @match &shown {
                Some(shown) => img src=(shown.address) class=(if shown.look == Look::Whole { "whole" } else { "small" }) alt=(visit.t("look-alt"));,
                None => p.hint { (visit.t("look-nothing")) },
            }
        }
        form.looks method="post" {
            (visit.token())
            label for="purpose" { (visit.t("look-why")) }
            input id="purpose" name="purpose" autocomplete="off" placeholder=(visit.t_with("look-purpose", &[("case", case.into())])) maxlength="500";
            div.buttons {
                @for (look, key, text) in offered {
                    button name="look" value=(look) data-hold=(key) { (visit.t(text)) }
                }
            }
        }
        @if none_left { p.warning role="status" { (visit.t("looks-none-left")) } }
        p.hint { (visit.t("look-hint")) }
        noscript { p.hint { (visit.t("stage-stays")) } }
        script src="/assets/viewer.js" defer {}
    }
}

async fn who_looked(visit: &Visit, views: &[ViewRecord]) -> Result<Markup, Fault> {
    let names = visit.names().await?;
    Ok(html! {
        @if views.is_empty() { p { (visit.t("looks-none")) } }
        @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (visit.t("when")) }
                    th scope="col" { (visit.t("who")) }
                    th scope="col" { (visit.t("how-much")) }
                    th scope="col" { (visit.t("what-for")) }
                } }
                tbody { @for view in views.iter().rev() { tr {
                    td data-label=(visit.t("when")) { (visit.time(view.viewed_at)) }
                    td data-label=(visit.t("who")) { bdi { (names.of(&view.person)) } }
                    td data-label=(visit.t("how-much")) { (extent(visit, view.extent)) }
                    td data-label=(visit.t("what-for")) { (view.purpose) }
                } } }
            } }
        }
    })
}

pub(super) fn extent(visit: &Visit, extent: Extent) -> String {
    visit.t(&format!("extent-{}", extent.word()))
}
